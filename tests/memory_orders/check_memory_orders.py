"""Checks that each memory order in the library has its reason beside it: a comment that names the order, on the line, or
above it in the same paragraph. An atomic operation without an order takes the strongest by accident, and is a problem, too.

Usage: check_memory_orders.py REPOSITORY
"""

import pathlib
import re
import sys

FOLDERS = ("src", "include")
SUFFIXES = {".hpp", ".cpp"}
ORDER = re.compile(r"memory_order_(\w+)")
OPERATION = re.compile(r"(?:\.|->)(?:load|store|exchange|fetch_\w+|compare_exchange_\w+)\(")
LINES_MOST = 8  # a reason that stands further away is not beside


def paragraph_above(lines, number):
    """The line itself and those above it, up to an empty one."""
    first = number
    while first > 0 and number - first < LINES_MOST and lines[first - 1].strip():
        first -= 1
    return lines[first : number + 1]


def find_problems(repository):
    problems = []
    for path in sorted(path for folder in FOLDERS for path in (repository / folder).rglob("*") if path.suffix in SUFFIXES):
        lines = path.read_text(encoding="utf-8").splitlines()
        for number, line in enumerate(lines):
            where = f"{path.relative_to(repository)}:{number + 1}"
            code = line.split("//")[0]
            comments = " ".join(text.split("//", 1)[1] for text in paragraph_above(lines, number) if "//" in text)
            for order in ORDER.findall(code):
                if not re.search(rf"\b{order}\b", comments, re.IGNORECASE):
                    problems.append(f"{where}: no comment beside it says why {order}")
            if OPERATION.search(code):
                statement = " ".join(text.split("//")[0] for text in lines[number : number + 5]).split(";")[0]
                if not ORDER.search(statement):
                    problems.append(f"{where}: an atomic operation that does not say its memory order")
    return problems


def main():
    repository = pathlib.Path(sys.argv[1]).resolve()
    if not any((repository / "src").rglob("*.cpp")):
        sys.exit(f"{repository} has no sources to check")
    if problems := find_problems(repository):
        sys.exit("\n".join(problems))
    print("every memory order has its reason beside it")


if __name__ == "__main__":
    main()
