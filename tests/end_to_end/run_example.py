#!/usr/bin/env python3
"""Runs an example as a user would, against a judgeval-local of its own, and compares what both say.

    run_example.py quickstart|agent_server|agent_server_serving JUDGEVAL_LOCAL EXAMPLE
    run_example.py distributed JUDGEVAL_LOCAL CLIENT SERVER

Starts judgeval-local, reads its address from its first line, runs the example, asks for the counts over HTTP and stops
what it started, by process id. Exits with 0 when everything agreed.
"""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
import urllib.request

PATIENCE_SECONDS = 100
# No proxy: everything here is on 127.0.0.1.
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def environment(**extra):
    """This process's environment without what would steer the example, and with `extra`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("JUDGMENT_", "OTEL_"))}
    return {**kept, **extra}


@contextlib.contextmanager
def running(command, first_line, **variables):
    """A process that has said `first_line` (a pattern with one group), which is handed on with the process."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment(**variables))
    watchdog = threading.Timer(PATIENCE_SECONDS, process.kill)
    watchdog.start()
    try:
        line = process.stdout.readline()
        found = re.fullmatch(first_line, line.strip())
        assert found, f"{command[0]} said {line!r}"
        yield process, found.group(1)
    finally:
        watchdog.cancel()
        if process.poll() is None:
            process.kill()
        process.wait()
        process.stdout.close()


def finish(process, with_signal=signal.SIGTERM):
    """Stops the process in an orderly way; returns what it said last."""
    process.send_signal(with_signal)
    output, _ = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 0, f"ended with {process.returncode}:\n{output}"
    return output


def backend(program, *arguments):
    return running([program, "--print", "0", *arguments], r"judgeval-local listening on (http://\S+)")


def ask(url, path, body=None):
    with OPENER.open(url + path, data=body, timeout=30) as answer:
        return answer.read().decode()


def number(output, before, after):
    """The number that the example prints behind, or in front of, these words."""
    found = re.search(rf"(\d+) {before}", output) or re.search(rf"{after}\s+(\d+)", output)
    assert found, f"says nothing of {after}:\n{output}"
    return int(found.group(1))


def early_of(output):
    """How many spans the example says it sent while they were open."""
    return number(output, "while they were open", "sent while open")


def spans_of(output):
    """The number of spans the example says were exported, each counted once."""
    return number(output, "exported", "exported") - early_of(output)


def compare(output, url, spans, traces, offline=0):
    """`offline`: spans that the example does not count, each a trace of its own."""
    print(output)
    counts = json.loads(ask(url, "/api/counts"))
    print("backend:", counts)
    assert spans_of(output) == spans, f"{spans_of(output)} exported, expected {spans}"
    receptions = spans + early_of(output)
    for name, expected in (("spans", spans), ("receptions", receptions), ("traces", traces)):
        expected += offline
        assert counts[name] == expected, f"the backend has {counts[name]} {name}, expected {expected}"


def run(command, **variables):
    done = subprocess.run(
        command, stdout=subprocess.PIPE, text=True, timeout=PATIENCE_SECONDS, env=environment(**variables)
    )
    assert done.returncode == 0, f"ended with {done.returncode}:\n{done.stdout}"
    return done.stdout


def quickstart(local, example):
    with backend(local) as (_, url):
        output = run([example], JUDGMENT_API_URL=url, JUDGMENT_API_KEY="key", JUDGMENT_ORG_ID="organization")
        assert "Washington, D.C." in output, output
        compare(output, url, spans=4, traces=1)
        (trace,) = json.loads(ask(url, "/api/traces?project=default_project"))["traces"]
        assert trace["root_name"] == "run_agent", trace
    # Without a key it answers all the same.
    output = run([example], JUDGMENT_LOG_LEVEL="off")
    assert "Washington, D.C." in output and spans_of(output) == 0, output


def tour(local, example):
    with backend(local, "--prompt-scorer", "Politeness=Is it polite?") as (_, url):
        output = run([example], JUDGMENT_API_URL=url, JUDGMENT_API_KEY="key", JUDGMENT_ORG_ID="organization")
        compare(output, url, spans=24, traces=15, offline=1)
        traces = json.loads(ask(url, "/api/traces?project=default_project"))["traces"]
        spans = [span for trace in traces for span in json.loads(ask(url, "/api/traces/" + trace["trace_id"]))["spans"]]

        def values(name, key):
            return {span["attributes"].get(key) for span in spans if span["name"] == name}

        (routed,) = json.loads(ask(url, "/api/traces?project=staging%20-%20my_agent"))["traces"]
        assert routed["root_name"] == "handle_request", routed
        assert values("retrieve", "judgment.session_id") == {"session-42"}, spans
        assert values("retrieve", "tenant") == {"north"}, spans
        assert values("in the scope", "judgment.session_id") == {"session-43"}, spans
        assert values("plan", "judgment.agent_class_name") == {"Planner"}, spans
        assert values("process_order", "judgment.state_after") == {'{"stock":2}'}, spans
        assert values("nightly", "judgment.update_id") == {1}, spans
        (evaluation,) = values("answer_user", "judgment.pending_trace_eval")
        (scorer,) = json.loads(evaluation)["judgment_scorers"]
        assert scorer["kwargs"] == {"prompt": "Is it polite?"}, evaluation
        requests = json.loads(ask(url, "/api/platform-requests"))["platform_requests"]
        assert sorted(request["kind"] for request in requests) == ["example_evaluation", "tags", "tags"], requests
        (solve,) = [span for span in spans if span["name"] == "solve"]
        assert solve["resource"]["attributes"]["judgment.offline"] == "true", solve
        for trace in traces:
            if trace["root_name"] == "solve":
                assert f'"offline_trace_id":"{trace["trace_id"]}"' in output, output
        spans.remove(solve)
        for span in spans:
            resource = span["resource"]["attributes"]
            assert (resource["service.name"], resource["deployment.environment"]) == ("tour", "staging"), resource


# Each span below the one that the example's comments name.
PARENTS = {
    "pooled_work": "thread_pool",
    "async_work": "std_async",
    "handle_page": "callbacks",
    "count_words": "coroutine",
    "count": "count_words",
    "after_the_hop": "coroutine",
    "stream": "generators",
    "next_token": "stream",
    "show": "generators",
    "posted_work": "asio_post",
    "read_page": "asio_coroutine",
    "parse_page": "read_page",
    "awaited_work": "asio_coroutine",
}


def asynchronous(local, example):
    with backend(local) as (_, url):
        output = run([example], JUDGMENT_API_URL=url, JUDGMENT_API_KEY="key", JUDGMENT_ORG_ID="organization")
        print(output)
        assert " 0 dropped, 0 in flight" in output, output
        traces = json.loads(ask(url, "/api/traces?project=default_project"))["traces"]
        assert sorted(trace["root_name"] for trace in traces) == sorted(set(PARENTS.values()) - set(PARENTS)), traces
        seen = set()
        for trace in traces:
            spans = json.loads(ask(url, "/api/traces/" + trace["trace_id"]))["spans"]
            names = {span["span_id"]: span["name"] for span in spans}
            for span in spans:
                if span["attributes"].get("judgment.span_kind") == "generator_item":
                    continue
                parent = names.get(span.get("parent_span_id"))
                assert parent == PARENTS.get(span["name"]), f"{span['name']} is below {parent}"
                seen.add(span["name"])
        assert seen >= set(PARENTS), set(PARENTS) - seen


REQUESTS = 400
SPANS_OF_REQUEST = 5  # POST /chat, answer, OPENAI_API_CALL, a tool, OPENAI_API_CALL


def agent_server(local, example):
    with backend(local) as (_, url):
        command = [example, "--api-url", url, "--requests", str(REQUESTS), "--concurrency", "12"]
        output = run(command)
        compare(output, url, spans=REQUESTS * SPANS_OF_REQUEST, traces=REQUESTS)
        # One of eight questions is about the weather on the Moon, and its tool fails.
        traces = json.loads(ask(url, f"/api/traces?limit={REQUESTS}"))["traces"]
        errors = sum(trace["errors"] for trace in traces)
        assert errors == REQUESTS // 8, f"{errors} spans with an error"
    # Spans that cannot be delivered are counted, and the exit code says so.
    done = subprocess.run(
        [example, "--api-url", "not a URL"], stderr=subprocess.PIPE, text=True, timeout=PATIENCE_SECONDS, env=environment()
    )
    assert done.returncode == 2 and "api_url" in done.stderr, done


def agent_server_serving(local, example):
    with backend(local) as (_, url):
        command = [example, "--api-url", url, "--serve"]
        with running(command, r"agent_server listening on (http://\S+)") as (server, address):
            answer = ask(address, "/chat", "What is the capital of Norway?".encode())
            assert "Oslo" in answer, answer
            output = finish(server)
        compare(output, url, spans=SPANS_OF_REQUEST, traces=1)


def distributed(local, client, server):
    with backend(local) as (_, url):
        tracing = {"JUDGMENT_API_URL": url, "JUDGMENT_API_KEY": "key", "JUDGMENT_ORG_ID": "organization"}
        with running([server, "0"], r"distributed_server listening on (http://\S+)", **tracing) as (process, address):
            output = run([client, address + "/process"], NO_PROXY="*", **tracing)
            assert '"received_data": {"query": "Hello from client"}' in output, output
            assert spans_of(output) == 1 and spans_of(finish(process)) == 1, output
        # Two processes, one trace.
        (trace,) = json.loads(ask(url, "/api/traces?project=distributed-system"))["traces"]
        assert trace["root_name"] == "call_external_service", trace
        spans = json.loads(ask(url, "/api/traces/" + trace["trace_id"]))["spans"]
        caller, callee = sorted(spans, key=lambda span: span["name"])
        assert [caller["name"], callee["name"]] == ["call_external_service", "process_request"], spans
        assert not caller["parent_span_id"], caller
        assert callee["parent_span_id"] == caller["span_id"], spans
        for span, service, flags in ((caller, "agent-client", 0x101), (callee, "agent-server", 0x301)):
            assert span["resource"]["attributes"]["service.name"] == service, span
            assert span["attributes"]["judgment.session_id"] == "session-1", span
            assert span["flags"] == flags, span  # 0x200: its parent is in another process


if __name__ == "__main__":
    name, local_program, *example_programs = sys.argv[1:]
    {
        "quickstart": quickstart,
        "tour": tour,
        "asynchronous": asynchronous,
        "agent_server": agent_server,
        "agent_server_serving": agent_server_serving,
        "distributed": distributed,
    }[name](local_program, *example_programs)
