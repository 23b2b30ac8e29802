#!/usr/bin/env python3
"""Decodes what the library sent with the official OTLP descriptors and compares it with what was recorded.

    decode.py RECORD_SPANS

Runs record_spans in a temporary directory, reads every captured request with opentelemetry-proto, and compares each span,
field by field, with its expectation. Exits with 0 when all agree, 1 when not, and 77 (skipped) when the Python packages
are missing.
"""

import json
import pathlib
import struct
import subprocess
import sys
import tempfile

SKIPPED = 77
PATIENCE_SECONDS = 250
SHOWN_DIFFERENCES = 5

try:
    from google.protobuf.unknown_fields import UnknownFieldSet
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
except ImportError as error:
    print(f"SKIPPED: {sys.executable} cannot decode OTLP: {error}. Run tools/setup --tests, which installs it.")
    sys.exit(SKIPPED)

STACK_TRACE = "exception.stacktrace"


def typed_double(number):
    """By its bits: the sign of zero counts."""
    return {"double": str(struct.unpack("<Q", struct.pack("<d", number))[0])}


def typed(value):
    """An AnyValue as JSON that bears its type; doubles and integers as text, so that nothing is rounded."""
    kind = value.WhichOneof("value")
    if kind == "string_value":
        return {"string": value.string_value}
    if kind == "bool_value":
        return {"bool": value.bool_value}
    if kind == "int_value":
        return {"integer": str(value.int_value)}
    if kind == "double_value":
        return typed_double(value.double_value)
    if kind == "array_value":
        return {"array": [typed(element) for element in value.array_value.values]}
    return f"a value of type {kind}, which is never recorded"


def typed_attributes(attributes):
    result = {}
    for attribute in attributes:
        value = typed(attribute.value)
        if attribute.key == STACK_TRACE and value != {"string": ""}:
            value = {"string": "<a stack trace>"}
        result[attribute.key] = value if attribute.key not in result else "this key is there twice"
    return result


def view(span):
    dropped = span.dropped_attributes_count + span.dropped_events_count + span.dropped_links_count
    dropped += sum(event.dropped_attributes_count for event in span.events)
    dropped += sum(link.dropped_attributes_count for link in span.links)
    return {
        "trace_id": span.trace_id.hex(),
        "span_id": span.span_id.hex(),
        "parent_span_id": span.parent_span_id.hex(),
        "trace_state": span.trace_state,
        "name": span.name,
        "kind": span.kind,
        "flags": span.flags,
        "attributes": typed_attributes(span.attributes),
        "events": [{"name": event.name, "attributes": typed_attributes(event.attributes)} for event in span.events],
        "links": [
            {
                "trace_id": link.trace_id.hex(),
                "span_id": link.span_id.hex(),
                "trace_state": link.trace_state,
                "flags": link.flags,
                "attributes": typed_attributes(link.attributes),
            }
            for link in span.links
        ],
        "status": {"code": span.status.code, "message": span.status.message},
        "dropped": dropped,
    }


def complaints_about_times(span):
    if not 0 < span.start_time_unix_nano <= span.end_time_unix_nano:
        yield "starts after its end"
    if any(not span.start_time_unix_nano <= event.time_unix_nano <= span.end_time_unix_nano for event in span.events):
        yield "has an event outside of its time"


def complaints_about_origin(resource_spans, scope_spans):
    resource = typed_attributes(resource_spans.resource.attributes)
    version = resource.pop("telemetry.sdk.version", {}).get("string", "")
    if not version:
        yield "the resource has no telemetry.sdk.version"
    expected = {
        "service.name": {"string": "record_spans"},
        "telemetry.sdk.name": {"string": "judgeval"},
        "telemetry.sdk.language": {"string": "cpp"},
        "deployment.environment": {"string": "test"},
        "a.bool": {"bool": True},
        "an.integer": {"integer": "-7"},
        "a.double": typed_double(0.5),
    }
    if resource != expected:
        yield f"the resource is {resource}, expected {expected}"
    if scope_spans.scope.name != "judgeval" or scope_spans.scope.version != version:
        yield f"the scope is {scope_spans.scope}"


def compare(directory):
    with open(directory / "expected.jsonl", encoding="utf-8") as lines:
        expected = {span["span_id"]: span for span in map(json.loads, lines)}
    recorded = len(expected)
    complaints = []
    decoded = 0
    bodies = sorted((directory / "requests").glob("*.pb"))
    for body in bodies:
        request = ExportTraceServiceRequest.FromString(body.read_bytes())
        if len(UnknownFieldSet(request)) != 0:
            complaints.append(f"{body.name} has fields that ExportTraceServiceRequest does not know")
        for resource_spans in request.resource_spans:
            for scope_spans in resource_spans.scope_spans:
                complaints += complaints_about_origin(resource_spans, scope_spans)
                for span in scope_spans.spans:
                    decoded += 1
                    received = view(span)
                    wanted = expected.pop(received["span_id"], None)
                    if wanted is None:
                        complaints.append(f"span {received['span_id']} arrived twice, or was never recorded")
                    elif received != wanted:
                        complaints.append(f"received {received}\n  recorded {wanted}")
                    if len(UnknownFieldSet(span)) != 0:
                        complaints.append(f"span {received['span_id']} has fields that Span does not know")
                    complaints += (f"span {received['span_id']} {what}" for what in complaints_about_times(span))
    if expected:
        complaints.append(f"{len(expected)} spans did not arrive")
    print(f"{recorded} spans recorded, {decoded} decoded from {len(bodies)} requests, {len(complaints)} complaints")
    for complaint in complaints[:SHOWN_DIFFERENCES]:
        print(complaint[:4000])
    return recorded == 100_000 and not complaints


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        subprocess.run([sys.argv[1], name], check=True, timeout=PATIENCE_SECONDS)
        sys.exit(0 if compare(pathlib.Path(name)) else 1)
