"""Searches all states of a Promela model with spin, and says how many there were.

    check_model.py MODEL.pml                      the model holds: no error, and the search was not cut short
    check_model.py MODEL.pml --mutation NAME      the model with MUTATE_NAME defined does not hold
    check_model.py MODEL.pml --no-infinite-runs   no run of it goes on for ever, as long as every thread gets its turns

A failure prints the steps that lead to it.
"""

import argparse
import pathlib
import re
import subprocess
import sys
import tempfile

MEMORY_MOST = 1000  # MiB
SECONDS_MOST = 300


def run(command, folder):
    """Both outputs of a command, which spin and pan write to as they like."""
    done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=SECONDS_MOST)
    return done.returncode, done.stdout.decode(errors="replace")


def build(model, definitions, flags, folder):
    # An error is found early, and the compiler would take longer than the search.
    flags = [*flags, "-O0" if definitions else "-O2"]
    for command in (
        ["spin", *definitions, "-a", str(model)],
        ["cc", "-w", "-DCOLLAPSE", f"-DMEMLIM={MEMORY_MOST}", *flags, "-o", "pan", "pan.c"],
    ):
        status, output = run(command, folder)
        if status != 0 or "Error:" in output:
            sys.exit(f"{' '.join(command)} failed:\n{output}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("--mutation", default="")
    parser.add_argument("--no-infinite-runs", action="store_true")
    parser.add_argument("--depth", type=int, default=100_000)
    options = parser.parse_args()
    model = options.model.resolve()
    if options.mutation and f"MUTATE_{options.mutation}" not in model.read_text():
        sys.exit(f"{model.name} has no mutation {options.mutation}")
    definitions = [f"-DMUTATE_{options.mutation}"] if options.mutation else []

    with tempfile.TemporaryDirectory() as folder:
        if options.no_infinite_runs:
            build(model, definitions, ["-DNP", "-DNFAIR=3"], folder)
            search = ["./pan", "-l", "-f"]
        else:
            build(model, definitions, ["-DSAFETY"], folder)
            search = ["./pan"]
        _, output = run([*search, f"-m{options.depth}"], folder)

        errors = re.search(r"errors: (\d+)", output)
        if not errors:
            sys.exit(f"the search came to no end:\n{output}")
        if errors.group(1) != "0":
            reason = re.search(r"^pan:\d+: (.*)$", output, re.MULTILINE)
            _, steps = run(["spin", *definitions, "-t", "-p", "-w", "-k", f"{model.name}.trail", str(model)], folder)
            reason = reason.group(1) if reason else output
            if not options.mutation:
                sys.exit(f"{steps}\n{model.name} does not hold: {reason}\nThe steps that lead there are above.")
            print(f"the mutation is caught: {reason}")
            return
        if "Search not completed" in output or "max search depth too small" in output:
            sys.exit(f"not searched to the end:\n{output}")
        states = re.search(r"(\d+) states, stored", output).group(1)
        depth = re.search(r"depth reached (\d+)", output).group(1)
        if options.mutation:
            sys.exit(f"{model.name} holds with {options.mutation}, too: its checks miss what they are for ({states} states)")
        print(f"{model.name} holds: {states} states, all of them searched, the longest run {depth} steps")


if __name__ == "__main__":
    main()
