"""mutate.py: every piece of the table is found, and what is not found is named."""
import tempfile
import unittest

import mutate

SOURCE = """int f(int a)
{
        if (a > 0 &&
            a < 9)
                return 1;
        a++;
        return 0;
}
"""


def table(text):
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as f:
        f.write(text)
        f.flush()
        return mutate.parse(f.name)


def place(was, at=None):
    return mutate.find(mutate.Piece(1, "f.c", at, was), "mutant 1", SOURCE)


class Mutate(unittest.TestCase):
    def test_table_fits_the_sources(self):
        mutants = mutate.parse()
        sources, changes = mutate.collect(mutants)
        for file, spans in changes.items():
            text = mutate.mutate(sources[file], spans)
            self.assertEqual(text.count("\n"), sources[file].count("\n"), file)
            self.assertRegex(file, r"^src/(base|core|link|sim)/", "the pure rings are what the simulation runs")
        self.assertGreaterEqual(len(mutants), 40)

    def test_piece_is_found_across_lines(self):
        begin, end = place("a > 0 && a < 9")
        self.assertEqual(SOURCE[begin:end], "a > 0 &&\n            a < 9")

    def test_piece_that_is_gone_or_ambiguous_is_named(self):
        for was, at in (("a > 1", None), ("return", None), ("a++;", "return"), ("a++;", "return 0;")):
            with self.assertRaisesRegex(mutate.Broken, r"mutants.txt:1: .*f\.c"):
                place(was, at)
        self.assertEqual(SOURCE[slice(*place("return", "a++;"))], "return")

    def test_part_of_an_expression_is_refused(self):
        source = "return x != NULL && y == 3 ? 4 : 0;"
        for piece, whole in (("x != NULL && y == 3 ? 4 : 0", True), ("x != NULL && y == 3", True), ("y == 3", True),
                             ("y == 3 ? 4 : 0", False), ("3 ? 4", False), ("NULL && y", False)):
            begin = source.index(piece)
            self.assertEqual(mutate.is_whole(source, begin, begin + len(piece)), whole, piece)

    def test_text_of_a_mutant(self):
        self.assertEqual(mutate.compose("a > 0", [({3}, "true")]), "((mutant_on(3)) ? (true) : (a > 0))")
        self.assertEqual(mutate.compose("a++;", [({3, 1}, ";"), ({2}, "a--;")]),
                         "if (mutant_on(1) || mutant_on(3)) { ; } else if (mutant_on(2)) { a--; } else { a++; }")

    def test_wrong_tables_are_refused(self):
        for text in ("1 V1 x\n", "1 V1 x\n  was a\n", "1 V1 x\n  in f.c\n  was a\n", "1 V1 x\n  with 2\n",
                     "1 V1 x\n  with 1\n1 V2 y\n  with 1\n", "nonsense\n", "1 V1 x\n  in f.c\n  now a\n"):
            with self.assertRaisesRegex(mutate.Broken, "mutants.txt:"):
                table(text)


if __name__ == "__main__":
    unittest.main()
