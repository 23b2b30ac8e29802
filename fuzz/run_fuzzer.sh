#!/bin/sh
# Runs a fuzz target for so many seconds on a copy of its seed corpus, and says how to reproduce what it finds.
#
#     run_fuzzer.sh SECONDS FUZZER SEEDS DIRECTORY [OPTION...]
#
# DIRECTORY is emptied; what libFuzzer finds interesting goes to DIRECTORY/corpus, and an input that fails lands in
# DIRECTORY/failure-*. Options are libFuzzer's.
set -eu
seconds=$1 fuzzer=$2 seeds=$3 directory=$4
shift 4

if [ -n "${JUDGEVAL_TEST_PYTHON:-}" ] && ! [ -x "$JUDGEVAL_TEST_PYTHON" ]; then
    echo "SKIPPED: there is no Python with opentelemetry-proto at $JUDGEVAL_TEST_PYTHON. Run tools/setup --tests."
    exit 77
fi

# A quarantine of freed memory that the processor's caches hold: the default of 256 MiB halves the speed.
export ASAN_OPTIONS="quarantine_size_mb=16${ASAN_OPTIONS:+:$ASAN_OPTIONS}"

rm -rf "$directory"
mkdir -p "$directory/corpus"
# The seed of the random numbers is fixed, so that a run that failed is likely to fail again.
status=0
"$fuzzer" -seed=1 -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 -malloc_limit_mb=256 -print_final_stats=1 \
    -verbosity=1 -artifact_prefix="$directory/failure-" "$@" "$directory/corpus" "$seeds" >"$directory/log" 2>&1 ||
    status=$?
if [ "$status" -ne 0 ]; then
    tail -n 60 "$directory/log" | cut -c 1-240
    for failure in "$directory"/failure-*; do
        if [ -e "$failure" ]; then echo "To reproduce: $fuzzer $failure"; fi
    done
    exit 1
fi
grep -E "INITED|DONE|stat::" "$directory/log"
