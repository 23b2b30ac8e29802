"""Checks which room of src/ includes which: what the calling thread runs knows nothing of the exporter, and public headers
know nothing of src/. Includes within src/ are written from src/ as root, such as "record/clock.hpp"; the files
directly in src/ tie the rooms together and may include any.

Usage: check_rooms.py REPOSITORY
"""

import pathlib
import re
import sys

MAY_INCLUDE = {
    "record": set(),
    "arena": {"record"},
    "encode": {"record"},
    "propagate": {"record"},
    "export": {"arena", "record", "encode"},
    "judgment": {"export", "arena", "record", "encode"},
    "llm": {"record", "propagate", "encode"},
    "testing": {"encode"},
}
SUFFIXES = {".hpp", ".cpp", ".h", ".inl"}
INCLUDE = re.compile(r"^\s*#\s*include\s*[<\"]([^>\"]+)[>\"]")


def includes(path):
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if match := INCLUDE.match(line):
            yield number, match.group(1)


def sources(folder):
    return sorted(path for path in folder.rglob("*") if path.suffix in SUFFIXES)


def find_problems(repository):
    source_root, public_root = repository / "src", repository / "include"
    problems = []

    for folder in sorted(path for path in source_root.iterdir() if path.is_dir()):
        if folder.name not in MAY_INCLUDE:
            problems.append(f"src/{folder.name} is a room without rules: add it to MAY_INCLUDE")

    for path in sources(source_root):
        parts = path.relative_to(source_root).parts
        room = parts[0] if len(parts) > 1 else None
        for number, name in includes(path):
            where = f"{path.relative_to(repository)}:{number}"
            target = name.split("/")[0]
            if ".." in name.split("/") or (path.parent != source_root and (path.parent / name).exists()):
                problems.append(f"{where}: includes {name}; write it from src/ as root")
            elif room in MAY_INCLUDE and target in MAY_INCLUDE and target not in MAY_INCLUDE[room] | {room}:
                problems.append(f"{where}: {room} includes {name}; no arrow points from {room} to {target}")
            elif room is not None and "/" not in name and (source_root / name).exists():
                problems.append(f"{where}: {room} includes {name}, which ties the rooms together")

    for path in sources(public_root):
        for number, name in includes(path):
            escapes = ".." in name.split("/") and not (path.parent / name).resolve().is_relative_to(public_root.resolve())
            if escapes or (source_root / name).exists() or name.split("/")[0] in {*MAY_INCLUDE, "src"}:
                problems.append(f"{path.relative_to(repository)}:{number}: a public header includes {name} of src/")
    return problems


def main():
    repository = pathlib.Path(sys.argv[1]).resolve()
    if not sources(repository / "src") or not sources(repository / "include"):
        sys.exit(f"{repository} has no sources to check")
    if problems := find_problems(repository):
        sys.exit("\n".join(problems))
    print("every include points the right way")


if __name__ == "__main__":
    main()
