"""Says whether requests are what a programme of spans recorded, by the official OTLP descriptors.

Answers questions on standard input until that ends: "<size> <size>\n", the expectation as JSON, an
ExportTraceServiceRequest; the answer is "<size>\n" and what is wrong, nothing when all is well.
"""

import json
import pathlib
import sys

from google.protobuf.message import DecodeError

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "tests" / "end_to_end"))
sys.dont_write_bytecode = True
import decode  # noqa: E402 (its folder comes first)


def view(span):
    """decode.py's, with each count of what was dropped where it belongs."""
    result = decode.view(span)
    del result["dropped"]
    result["dropped_attributes"] = span.dropped_attributes_count
    result["dropped_events"] = span.dropped_events_count
    result["dropped_links"] = span.dropped_links_count
    for shown, event in zip(result["events"], span.events):
        shown["dropped_attributes"] = event.dropped_attributes_count
    for shown, link in zip(result["links"], span.links):
        shown["dropped_attributes"] = link.dropped_attributes_count
    return result


def as_received(text, received, most_bytes):
    """The text whose bytes are `text`'s characters, mended as Unicode has it, and cut to the limit."""
    raw = text.encode("latin-1")
    mended = raw.decode("utf-8", "replace")
    if len(raw) <= most_bytes and len(mended.encode()) <= most_bytes:
        return mended
    if mended.encode() == raw:
        return raw[:most_bytes].decode("utf-8", "ignore")  # without the part of a character at its end
    # Cut first and mended then, what stands at the cut may be mended differently.
    size = len(received.encode()) if isinstance(received, str) else 0
    is_cut = most_bytes - 3 <= size <= most_bytes and mended.startswith(received[:-3])
    return received if is_cut else f"{mended}, cut to {most_bytes} bytes"


def settle(expected, received, most_bytes):
    """The expectation with every text as it must be received."""
    if isinstance(expected, dict):
        found = received if isinstance(received, dict) else {}
        return {key: settle(value, found.get(key), most_bytes) for key, value in expected.items()}
    if isinstance(expected, list):
        found = received if isinstance(received, list) and len(received) == len(expected) else [None] * len(expected)
        return [settle(value, other, most_bytes) for value, other in zip(expected, found)]
    if isinstance(expected, str):
        return as_received(expected, received, most_bytes)
    return expected


def complaints(expectation, request):
    expected = {span["span_id"]: span for span in expectation["spans"]}
    if len(decode.UnknownFieldSet(request)) != 0:
        yield "the request has fields that ExportTraceServiceRequest does not know"
    for resource_spans in request.resource_spans:
        for scope_spans in resource_spans.scope_spans:
            for span in scope_spans.spans:
                received = view(span)
                wanted = expected.pop(received["span_id"], None)
                if wanted is None:
                    yield f"span {received['span_id']} is there twice, or was never recorded"
                    continue
                wanted = settle(wanted, received, expectation["most_bytes"])
                for field in wanted.keys() | received.keys():
                    if wanted.get(field) != received.get(field):
                        yield f"{field} is {received.get(field)!r}, recorded {wanted.get(field)!r}"
                if len(decode.UnknownFieldSet(span)) != 0:
                    yield f"span {received['span_id']} has fields that Span does not know"
                yield from decode.complaints_about_times(span)
    if expected:
        yield f"{len(expected)} spans are missing"


def main():
    questions, answers = sys.stdin.buffer, sys.stdout.buffer
    while sizes := questions.readline().split():
        expectation = json.loads(questions.read(int(sizes[0])))
        try:
            request = decode.ExportTraceServiceRequest.FromString(questions.read(int(sizes[1])))
            wrong = "; ".join(complaints(expectation, request))
        except DecodeError as error:
            wrong = f"the request cannot be decoded: {error}"
        text = wrong[:4000].encode("utf-8", "replace")
        answers.write(b"%d\n%s" % (len(text), text))
        answers.flush()


if __name__ == "__main__":
    main()
