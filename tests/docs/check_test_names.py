"""Every test that a document names exists.

    check_test_names.py <project> <document>...

Reads names such as `Suite.Name` in back quotes and looks for TEST(Suite, Name), or for a ctest name, in tests/.
"""
import pathlib
import re
import sys


def declared(project: pathlib.Path) -> set[str]:
    names = set()
    for source in project.glob("tests/**/*.cpp"):
        for suite, name in re.findall(r"^TEST(?:_F|_P)?\(\s*(\w+),\s*(\w+)\)", source.read_text(), re.MULTILINE):
            names.add(f"{suite}.{name}")
    for lists in project.glob("tests/**/CMakeLists.txt"):
        text = lists.read_text()
        names.update(re.findall(r"add_test\(\s*NAME ([\w.]+)", text))
        names.update(f"Model.{model}" for model in re.findall(r"judgeval_add_model\(\s*(\w+)", text))
        names.update(f"Simulation.catches_{mutant}" for mutant in re.findall(r"judgeval_add_mutant\(\s*(mutant_\w+)", text))
    return names


def main() -> int:
    project = pathlib.Path(sys.argv[1])
    known = declared(project)
    wrong = 0
    for document in sys.argv[2:]:
        named = set(re.findall(r"`([A-Z]\w*\.[A-Za-z]\w+)`", (project / document).read_text()))
        if not named:
            print(f"{document} names no test at all")
            wrong += 1
        for name in sorted(named - known):
            print(f"{document} names {name}, and there is no such test")
            wrong += 1
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
