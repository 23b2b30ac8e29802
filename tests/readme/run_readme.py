#!/usr/bin/env python3
"""Runs the README's program against a judgeval-local of its own: run_readme.py JUDGEVAL_LOCAL PROGRAM."""

import os
import subprocess
import sys

local, program = sys.argv[1:]
with subprocess.Popen([local, "--print", "0"], stdout=subprocess.PIPE, text=True) as backend:
    try:
        address = backend.stdout.readline().split()[-1]
        credentials = {"JUDGMENT_API_URL": address, "JUDGMENT_API_KEY": "key", "JUDGMENT_ORG_ID": "organization"}
        done = subprocess.run(
            [program], env={**os.environ, **credentials}, stdout=subprocess.PIPE, text=True, timeout=60
        )
    finally:
        backend.terminate()
print(done.stdout)
assert done.returncode == 0 and done.stdout == "0 of 4 spans lost\n", done
