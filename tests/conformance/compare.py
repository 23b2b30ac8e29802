"""Compares two recordings (see recording.py), and their differences with those that docs/conformance.md lists.

A difference is a line of text, such as

    python: span chat_turn/retrieve: attribute judgment.input: there string "a", here string "b"

`there` is the other SDK, `here` is this library. A listed one may have * for any text. One that is not listed is an error,
and so is a listed one that does not occur.
"""

import json
import re


def show(value):
    return json.dumps(value, ensure_ascii=False, default=str)


def show_typed(value):
    return f"{value[0]} {show(value[1])}"


def is_same(there, here):
    """Unlike ==, tells 1 from 1.0 and from True."""
    return show(there) == show(here)


def compare_json(where, there, here):
    """Yields the differences of two JSON values, each at its own place."""
    if isinstance(there, dict) and isinstance(here, dict):
        for key in sorted(there.keys() | here.keys()):
            yield from compare_optional(f"{where}.{key}", there, here, key, compare_json, show)
    elif isinstance(there, list) and isinstance(here, list) and len(there) == len(here):
        for at, (a, b) in enumerate(zip(there, here)):
            yield from compare_json(f"{where}[{at}]", a, b)
    elif not is_same(there, here):
        yield f"{where}: there {show(there)}, here {show(here)}"


def compare_optional(where, there, here, key, compare, display):
    if key not in here:
        yield f"{where}: only there, {display(there[key])}"
    elif key not in there:
        yield f"{where}: only here, {display(here[key])}"
    else:
        yield from compare(where, there[key], here[key])


def structure_in(value):
    """The object or list that a string attribute holds as JSON, else None."""
    try:
        parsed = json.loads(value[1]) if value[0] == "string" else None
    except ValueError:
        return None
    return parsed if isinstance(parsed, (dict, list)) else None


def compare_typed(where, there, here):
    if is_same(there, here):
        return
    parsed_there, parsed_here = structure_in(there), structure_in(here)
    if parsed_there is None or parsed_here is None:
        yield f"{where}: there {show_typed(there)}, here {show_typed(here)}"
        return
    inside = list(compare_json(where, parsed_there, parsed_here))
    yield from inside or [f"{where}: the same JSON in another order or spacing"]


def compare_attributes(where, there, here):
    for key in sorted(there.keys() | here.keys()):
        yield from compare_optional(f"{where}: attribute {key}", there, here, key, compare_typed, show_typed)


def compare_lists(where, what, there, here):
    """Events or links, in order."""
    names_there, names_here = [one["name"] for one in there], [one["name"] for one in here]
    if names_there != names_here:
        yield f"{where}: {what}s: there {show(names_there)}, here {show(names_here)}"
        return
    for a, b in zip(there, here):
        yield from compare_attributes(f"{where}: {what} {a['name']}", a["attributes"], b["attributes"])


def compare_emissions(where, there, here):
    for field in there["fields"]:
        a, b = there["fields"][field], here["fields"][field]
        if a != b:
            yield f"{where}: {field}: there {show(a)}, here {show(b)}"
    yield from compare_attributes(where, there["attributes"], here["attributes"])
    yield from compare_lists(where, "event", there["events"], here["events"])
    yield from compare_lists(where, "link", there["links"], here["links"])


def compare_spans(where, there, here):
    """The last emissions, and of the earlier ones what is not the same difference."""
    if len(there) != len(here):
        yield f"{where}: emissions: there {len(there)}, here {len(here)}"
    last = list(compare_emissions(where, there[-1], here[-1]))
    yield from last
    if len(there) == len(here):
        for at, (a, b) in enumerate(zip(there[:-1], here[:-1])):
            for difference in compare_emissions(where, a, b):
                if difference not in last:
                    yield difference.replace(where, f"{where}, emission {at}", 1)


def compare_requests(where, there, here):
    if len(there) != len(here):
        yield f"{where}: sent {len(there)} times there, {len(here)} times here"
    for a, b in zip(there, here):
        for name in sorted(a["headers"].keys() | b["headers"].keys()):
            yield from compare_optional(f"{where}: header {name}", a["headers"], b["headers"], name, compare_json, show)
        yield from compare_json(f"{where}: body", a["body"], b["body"])


def compare_by_name(what, there, here, compare):
    for name in sorted(there.keys() | here.keys()):
        if name not in here:
            yield f"{what} {name}: only there"
        elif name not in there:
            yield f"{what} {name}: only here"
        else:
            yield from compare(f"{what} {name}", there[name], here[name])


def differences(sdk, there, here):
    """Each once, in order."""

    def all_of_them():
        yield from compare_by_name("request", there["requests"], here["requests"], compare_requests)
        for part in ("resource", "scope"):
            a, b = dict(there[part]), dict(here[part])
            yield from compare_attributes(part, a.pop("attributes"), b.pop("attributes"))
            for field in a:
                if a[field] != b[field]:
                    yield f"{part}: {field}: there {show(a[field])}, here {show(b[field])}"
        yield from compare_by_name("span", there["spans"], here["spans"], compare_spans)

    return list(dict.fromkeys(f"{sdk}: {difference}" for difference in all_of_them()))


def listed(document, sdk):
    """The listed differences of that SDK: in the tables of the document, what is in back quotes in a row's first cell."""
    patterns = []
    for line in document.splitlines():
        cells = line.split("|")
        if len(cells) == 4:
            patterns += re.findall(r"`([^`]+)`", cells[1])
    wrong = [pattern for pattern in patterns if not pattern.startswith(("python: ", "npm: ", "*: "))]
    assert not wrong, f"these name no SDK: {wrong}"
    return [pattern for pattern in patterns if pattern.startswith((f"{sdk}: ", "*: "))]


def matches(pattern, difference):
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), difference, re.DOTALL) is not None


def judge(found, patterns):
    """What is wrong: differences that are not listed, and listed ones that do not occur."""
    unlisted = [d for d in found if not any(matches(pattern, d) for pattern in patterns)]
    stale = [pattern for pattern in patterns if not any(matches(pattern, d) for d in found)]
    return [f"not listed: {d}" for d in unlisted] + [f"listed, and does not occur: {p}" for p in stale]
