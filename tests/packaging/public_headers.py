"""Checks what a user's compiler sees of judgeval: no third-party header comes in with the umbrella header, and every public
header compiles on its own.

Usage: public_headers.py COMPILER INCLUDE_DIRECTORY GENERATED_INCLUDE_DIRECTORY
"""

import pathlib
import re
import subprocess
import sys

THIRD_PARTY = re.compile(r"/(curl|zstd|zlib|zconf|simdjson|concurrentqueue|moodycamel|protozero|nlohmann|flatbuffers)")
# The C++ standard library's headers have no suffix; beyond them only the compiler's own intrinsics are allowed.
STANDARD_HEADER = re.compile(r"[a-z_]+|x86intrin\.h")
INCLUDE = re.compile(r"^\s*#\s*include\s*([<\"])([^>\"]+)[>\"]", re.MULTILINE)


def compile_header(compiler, directories, header, *arguments):
    command = [compiler, "-std=c++20", "-x", "c++", *(f"-I{d}" for d in directories), *arguments, "-"]
    return subprocess.run(command, input=f'#include "{header}"\n', capture_output=True, text=True, timeout=120)


def main():
    compiler, directories = sys.argv[1], [pathlib.Path(d).resolve() for d in sys.argv[2:4]]
    headers = {str(f.relative_to(d)): f for d in directories for f in sorted(d.rglob("*.hpp"))}
    problems = []

    result = compile_header(compiler, directories, "judgeval/judgeval.hpp", "-M")
    if result.returncode != 0:
        sys.exit(f"judgeval/judgeval.hpp does not compile:\n{result.stderr}")
    seen = [pathlib.Path(p).resolve() for p in result.stdout.replace("\\\n", " ").split()[1:] if "/" in p]
    problems += [f"judgeval/judgeval.hpp brings in {path}" for path in seen if THIRD_PARTY.search(str(path))]
    ours = [path for path in seen if any(path.is_relative_to(d) for d in directories)]
    if len(ours) < 3:
        sys.exit(f"judgeval/judgeval.hpp seems to include nothing of judgeval: {ours}")
    for path in ours:
        for bracket, name in INCLUDE.findall(path.read_text()):
            if name not in headers and not (bracket == "<" and STANDARD_HEADER.fullmatch(name)):
                problems.append(f"{path} includes {name}, which is neither judgeval's nor the standard library's")

    for name, path in headers.items():
        for _, included in INCLUDE.findall(path.read_text()):
            if included.startswith("judgeval/") and included not in headers:
                problems.append(f"{name} includes {included}, which is not installed")
        result = compile_header(compiler, directories, name, "-fsyntax-only")
        if result.returncode != 0:
            problems.append(f"{name} does not compile on its own:\n{result.stderr}")

    if problems:
        sys.exit("\n".join(problems))
    print(f"{len(headers)} public headers compile on their own; {len(ours)} come with the umbrella header")


main()
