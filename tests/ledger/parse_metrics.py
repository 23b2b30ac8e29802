"""Parses what to_prometheus() writes with the parser of Prometheus' own Python client, and compares it with what
print_metrics counted.

    parse_metrics.py PRINT_METRICS

Exits with 0 when all agree, 1 when not, and 77 (skipped) when the Python package is missing.
"""

import re
import subprocess
import sys

SKIPPED = 77

try:
    from prometheus_client.parser import text_string_to_metric_families
except ImportError as error:
    print(f"SKIPPED: {sys.executable} cannot parse metrics: {error}. Run tools/setup --tests, which installs it.")
    sys.exit(SKIPPED)

EXPECTED = {
    "judgeval_spans_started_total": ("counter", 9007199254740991),
    "judgeval_partial_emissions_total": ("counter", 1),
    "judgeval_spans_exported_total": ("counter", 2),
    "judgeval_spans_unsampled_total": ("counter", 15),
    "judgeval_spans_in_flight": ("gauge", 3),
    "judgeval_spans_open": ("gauge", 4),
    "judgeval_traces_unsampled_total": ("counter", 5),
    "judgeval_attributes_dropped_total": ("counter", 6),
    "judgeval_values_truncated_total": ("counter", 7),
    "judgeval_export_requests_total": ("counter", 8),
    "judgeval_export_retries_total": ("counter", 9),
    "judgeval_export_encoded_bytes_total": ("counter", 10),
    "judgeval_export_sent_bytes_total": ("counter", 11),
    "judgeval_platform_requests_queued_total": ("counter", 12),
    "judgeval_platform_requests_delivered_total": ("counter", 13),
    "judgeval_platform_requests_dropped_total": ("counter", 14),
    "judgeval_memory_used_bytes": ("gauge", 0),
}
REASONS = [
    "trace_shed",
    "budget_exhausted",
    "refused",
    "rejected",
    "retries_exhausted",
    "project_unresolved",
    "shutdown",
    "internal",
]


def main():
    text = subprocess.run([sys.argv[1]], check=True, capture_output=True, text=True, timeout=30).stdout
    families = list(text_string_to_metric_families(text))
    problems = []
    if not text.endswith("\n"):
        problems.append("the last line has no end")
    if len({family.name for family in families}) != len(families):
        problems.append("a metric is there twice")
    seen = {}
    for family in families:
        if family.type not in ("counter", "gauge") or not family.documentation:
            problems.append(f"{family.name} has type {family.type} and help {family.documentation!r}")
        for sample in family.samples:
            if not re.fullmatch(r"[a-z_]+", sample.name) or sample.timestamp is not None:
                problems.append(f"{sample} is not as Prometheus names things")
            seen[sample.name, tuple(sorted(sample.labels.items()))] = (family.type, sample.value)
    expected = {(name, ()): value for name, value in EXPECTED.items()}
    for index, reason in enumerate(REASONS):
        expected["judgeval_spans_dropped_total", (("reason", reason),)] = ("counter", 100 + index)
        # what to change stands in the help
        helps = [family.documentation for family in families if family.name.startswith("judgeval_spans_dropped")]
        if not any(re.search(rf"\b{reason}: \w", text) for text in helps):
            problems.append(f"the help does not say what to do about {reason}")
    problems += [f"{key} is {seen.get(key)}, expected {value}" for key, value in expected.items() if seen.get(key) != value]
    problems += [f"{key} is not expected" for key in seen if key not in expected]
    if problems:
        sys.exit("\n".join(problems))
    print(f"{len(seen)} samples of {len(families)} metrics")


main()
