"""Tests check_rooms.py on small trees: one as it should be, and one for each way it can go wrong."""

import pathlib
import tempfile
import unittest

from check_rooms import find_problems

GOOD = {
    "include/judgeval/span.hpp": "#include <string>\n#include \"judgeval/text.hpp\"\n",
    "src/tracer.cpp": '#include "export/exporter.hpp"\n#include "record/clock.hpp"\n',
    "src/record/clock.hpp": "#include <chrono>\n",
    "src/record/clock.cpp": '#include "record/clock.hpp"\n#include "judgeval/span.hpp"\n',
    "src/arena/chunk.hpp": '#include "record/clock.hpp"\n',
    "src/export/exporter.hpp": '  #  include "arena/chunk.hpp"\n#include <zstd.h>\n#include "encode/reader.hpp"\n',
}


class CheckRooms(unittest.TestCase):
    def problems(self, path=None, text=""):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            for name, content in {**GOOD, **({path: text} if path else {})}.items():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_text(content)
            return find_problems(root)

    def test_a_good_tree_has_no_problems(self):
        self.assertEqual(self.problems(), [])

    def test_wrong_arrows_are_named_with_file_and_line(self):
        for room, target in [
            ("record", "arena"),
            ("record", "export"),
            ("arena", "export"),
            ("arena", "encode"),
            ("arena", "judgment"),
            ("encode", "arena"),
            ("export", "judgment"),
            ("propagate", "arena"),
            ("llm", "export"),
        ]:
            with self.subTest(room=room, target=target):
                (problem,) = self.problems(f"src/{room}/bad.cpp", f'#include <map>\n#include "{target}/x.hpp"\n')
                self.assertIn(f"src/{room}/bad.cpp:2: {room} includes {target}/x.hpp", problem)

    def test_a_way_around_is_found(self):
        for text in ('#include "../export/exporter.hpp"\n', '#include <export/exporter.hpp>\n', '#include "clock.hpp"\n'):
            with self.subTest(text=text):
                self.assertEqual(len(self.problems("src/record/bad.hpp", text)), 1)

    def test_a_public_header_that_includes_src_is_found(self):
        for text in ('#include "record/clock.hpp"\n', '#include "../../src/record/clock.hpp"\n'):
            with self.subTest(text=text):
                self.assertEqual(len(self.problems("include/judgeval/bad.hpp", text)), 1)

    def test_a_room_without_rules_is_found(self):
        (problem,) = self.problems("src/attic/old.cpp", "")
        self.assertIn("src/attic", problem)


if __name__ == "__main__":
    unittest.main()
