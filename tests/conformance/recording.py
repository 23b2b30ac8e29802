"""What a scenario sent, read from the directory that judgeval-local captured its requests in, as plain values in which all
that differs from run to run (ids, times, ports) has a name instead: two recordings can be compared as they are.
"""

import base64
import json
import re

from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

TRACES = "/otel/v1/traces"
UUID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b")
HEX_ID = re.compile(r"(?<![0-9a-f])(?:[0-9a-f]{32}|[0-9a-f]{16})(?![0-9a-f])")
TIME = re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?")
KINDS = ["unspecified", "internal", "server", "client", "producer", "consumer"]
STATUS_CODES = ["unset", "ok", "error"]


def typed(value):
    """An AnyValue as its type and its value."""
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return ["array", [typed(element) for element in value.array_value.values]]
    if kind is None:
        return ["empty", None]
    assert kind in ("string_value", "bool_value", "int_value", "double_value"), f"a value of type {kind}"
    return [kind.removesuffix("_value"), getattr(value, kind)]


def attributes_of(message):
    result = {attribute.key: typed(attribute.value) for attribute in message.attributes}
    assert len(result) == len(message.attributes), "a key is there twice"
    if "exception.stacktrace" in result and result["exception.stacktrace"][1]:
        result["exception.stacktrace"] = ["string", "<stack trace>"]
    return result


def emission_of(span):
    return {
        "ids": (span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex()),
        "start": span.start_time_unix_nano,
        "end": span.end_time_unix_nano,
        "update": next((a.value.int_value for a in span.attributes if a.key == "judgment.update_id"), -1),
        "fields": {
            "name": span.name,
            "kind": KINDS[span.kind],
            "flags": hex(span.flags),
            "trace state": span.trace_state,
            "status": STATUS_CODES[span.status.code],
            "status message": span.status.message,
            "dropped": [span.dropped_attributes_count, span.dropped_events_count, span.dropped_links_count],
        },
        "attributes": attributes_of(span),
        "events": [{"name": event.name, "attributes": attributes_of(event)} for event in span.events],
        "links": [
            {
                "name": f"to {link.trace_id.hex()} {link.span_id.hex()}",
                "attributes": attributes_of(link),
            }
            for link in span.links
        ],
    }


def request_from_json(text):
    """OTLP/JSON has its ids in hexadecimal, where Protobuf's own JSON has base64."""

    def convert(value, key=None):
        if isinstance(value, dict):
            return {name: convert(element, name) for name, element in value.items()}
        if isinstance(value, list):
            return [convert(element) for element in value]
        if key in ("traceId", "spanId", "parentSpanId"):
            return base64.b64encode(bytes.fromhex(value)).decode()
        return value

    return json_format.ParseDict(convert(json.loads(text)), ExportTraceServiceRequest())


class Names:
    """Names for what differs from run to run."""

    def __init__(self, projects, spans):
        self.known = {project_id: f"<project {name}>" for project_id, name in projects.items()}
        self.paths = {}  # (trace id, span id) -> path of names from the root
        self.trees(spans)
        for (trace_id, span_id), path in self.paths.items():
            self.known[span_id] = f"<span {path}>"
            agent = spans[trace_id, span_id][-1]["attributes"].get("judgment.agent_id", [None, None])[1]
            if agent:
                self.known.setdefault(agent, f"<agent of {path}>")

    def trees(self, spans):
        """Siblings of one name are told apart by their order."""
        children = {}
        for key, emissions in sorted(spans.items(), key=lambda item: item[1][0]["start"]):
            trace_id, _, parent = emissions[0]["ids"]
            children.setdefault((trace_id, parent if (trace_id, parent) in spans else None), []).append(key)

        def name_all(keys, above):
            seen = {}
            for key in keys:
                name = spans[key][-1]["fields"]["name"]
                seen[name] = seen.get(name, 0) + 1
                path = above + name + (f"#{seen[name]}" if seen[name] > 1 else "")
                assert path not in self.paths.values(), f"two spans are at {path}"
                self.paths[key] = path
                name_all(children.get(key, []), path + "/")

        for (trace_id, parent), keys in children.items():
            if parent is None:
                name_all(keys, "")
                if not spans[keys[0]][-1]["ids"][2]:  # one that came from elsewhere is the same in each run
                    self.known[trace_id] = f"<trace {self.paths[keys[0]]}>"

    def __call__(self, value):
        if isinstance(value, str):
            value = UUID.sub(lambda found: self.known.get(found[0], "<uuid>"), value)
            value = HEX_ID.sub(lambda found: self.known.get(found[0], found[0]), value)
            return TIME.sub("<time>", value)
        if isinstance(value, dict):
            return {self(key): self(element) for key, element in value.items()}
        if isinstance(value, (list, tuple)):
            return [self(element) for element in value]
        return value


def headers_of(description):
    headers = {name.lower(): value for name, value in description["headers"].items()}
    headers["host"] = "<host>"
    if "content-length" in headers:
        headers["content-length"] = "<length>"
    return headers


def read(directory):
    """`directory` also has projects.json: project ids and their names."""
    spans, requests, resources, scopes, trace_headers = {}, [], [], [], []
    for file in sorted(directory.glob("request-*.json")):
        description = json.loads(file.read_text())
        target, headers = description["target"], headers_of(description)
        if description["path"] != TRACES:
            body = file.with_suffix(".body").read_text()
            requests.append((f"{description['method']} {target}", headers, json.loads(body) if body else None))
            continue
        if file.with_suffix(".pb").exists():
            message = ExportTraceServiceRequest.FromString(file.with_suffix(".pb").read_bytes())
        else:
            message = request_from_json(file.with_suffix(".body").read_text())
        trace_headers.append((f"{description['method']} {target}", headers))
        for resource_spans in message.resource_spans:
            resources.append((attributes_of(resource_spans.resource), resource_spans.schema_url))
            for scope_spans in resource_spans.scope_spans:
                scope = scope_spans.scope
                scopes.append((scope.name, scope.version, attributes_of(scope), scope_spans.schema_url))
                for span in scope_spans.spans:
                    emission = emission_of(span)
                    spans.setdefault(emission["ids"][:2], []).append(emission)
    for emissions in spans.values():
        emissions.sort(key=lambda emission: emission["update"])

    names = Names(json.loads((directory / "projects.json").read_text()), spans)
    result = {"requests": {}, "spans": {}}
    # How many requests the spans come in is a matter of time; but each is like the others.
    for what, headers in trace_headers:
        entry = {"headers": names(headers), "body": None}
        kept = result["requests"].setdefault(what, [entry])
        assert kept == [entry], f"two trace requests differ: {kept[0]} and {entry}"
    for what, headers, body in requests:
        entry = {"headers": names(headers), "body": names(body)}
        result["requests"].setdefault(names(what), []).append(entry)
    # Two that are under way at once arrive in any order.
    for entries in result["requests"].values():
        entries.sort(key=lambda entry: json.dumps(entry["body"], sort_keys=True))
    for what, found in (("resource", resources), ("scope", scopes)):
        assert found and all(one == found[0] for one in found), f"spans have more than one {what}: {found}"
    result["resource"] = {"attributes": resources[0][0], "schema URL": resources[0][1]}
    name, version, attributes, schema_url = scopes[0]
    result["scope"] = {"name": name, "version": version, "attributes": attributes, "schema URL": schema_url}
    for key, emissions in spans.items():
        for emission in emissions:
            trace_id, _, parent = emission.pop("ids")
            start, end = emission.pop("start"), emission.pop("end")
            assert start <= end, f"a span ends before it starts: {emission}"
            emission["fields"]["trace"] = trace_id
            emission["fields"]["parent"] = parent or "none"
            if emission is not emissions[-1]:  # the last may be too short for a clock to tell
                emission["fields"]["end"] = "its start" if start == end else "later"
            del emission["update"]
        result["spans"][names.paths[key]] = names(emissions)
    return result
