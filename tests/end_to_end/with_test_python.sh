#!/bin/sh
# Runs a script with the tests' Python; where that is missing, says so and asks ctest to report the test as skipped.
python=$1
shift
if ! [ -x "$python" ]; then
    echo "SKIPPED: there is no Python with the packages of the tests at $python. Run tools/setup --tests," \
        "or set JUDGEVAL_TEST_PYTHON (or JUDGEVAL_TEST_SDKS)."
    exit 77
fi
exec "$python" "$@"
