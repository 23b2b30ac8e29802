"""Every C++ snippet of a document stands, line by line, in the program that a test runs.

    check_snippets.py <document> <program>
"""
import re
import sys


def lines_of(text):
    return [line.strip() for line in text.splitlines() if line.strip()]


def main(document, program):
    with open(document, encoding="utf-8") as file:
        snippets = re.findall(r"```cpp\n(.*?)```", file.read(), re.DOTALL)
    with open(program, encoding="utf-8") as file:
        code = lines_of(file.read())
    assert snippets, f"{document} has no snippets"
    for snippet in snippets:
        lines = lines_of(snippet)
        starts = range(len(code) - len(lines) + 1)
        assert any(code[at : at + len(lines)] == lines for at in starts), f"not in {program}:\n{snippet}"
    print(len(snippets), "snippets")


if __name__ == "__main__":
    main(*sys.argv[1:])
