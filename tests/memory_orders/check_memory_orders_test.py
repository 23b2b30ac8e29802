"""Tests check_memory_orders.py on one source that is as it should be, and one for each way it can go wrong."""

import pathlib
import tempfile
import unittest

from check_memory_orders import find_problems

GOOD = """
void Flag::raise() {
    // release: whoever sees it up sees what led to it
    up_.store(true,
              std::memory_order_release);
    count_.fetch_add(1, std::memory_order_relaxed);  // relaxed: a hint
}
"""


class CheckMemoryOrders(unittest.TestCase):
    def problems(self, text):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "src" / "flag.cpp"
            path.parent.mkdir()
            path.write_text(text)
            return find_problems(pathlib.Path(folder))

    def test_reasons_beside_their_orders_are_no_problem(self):
        self.assertEqual(self.problems(GOOD), [])

    def test_an_order_without_its_reason_is_found(self):
        for text in (
            "up_.load(std::memory_order_acquire);\n",
            "// relaxed: a hint\nup_.load(std::memory_order_acquire);\n",
            "// acquire: in another paragraph\n\nup_.load(std::memory_order_acquire);\n",
        ):
            with self.subTest(text=text):
                (problem,) = self.problems(text)
                self.assertIn("src/flag.cpp:", problem)
                self.assertIn("why acquire", problem)

    def test_an_operation_without_an_order_is_found(self):
        for text in ("return up_.load();\n", "count->fetch_add(1);\n", "up_.store(\n    true);\n"):
            with self.subTest(text=text):
                self.assertEqual(len(self.problems(text)), 1)


if __name__ == "__main__":
    unittest.main()
