"""The rings hold (DESIGN.md), and the test that says so can fail."""
import os
import subprocess
import tempfile
import unittest

import rings

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("ALD_BUILD", os.path.join(TOP, "build"))


class Rings(unittest.TestCase):
    def test_includes_follow_the_table(self):
        self.assertGreater(len(list(rings.sources(TOP))), 30)
        self.assertEqual([], rings.bad_includes(TOP))

    def test_pure_objects_need_nothing_from_outside(self):
        objects = os.path.join(BUILD, "obj")
        self.assertTrue(rings.has_objects(objects), f"no objects under {objects}: build first")
        self.assertEqual([], rings.bad_symbols(objects))


    def test_the_gate_shares_no_code_with_the_core(self):
        objects = os.path.join(BUILD, "obj")
        self.assertEqual(set(), rings.gate_needs(objects))
        self.assertEqual([], rings.core_needs(objects))


class Canaries(unittest.TestCase):
    """Each row is a tree with one mistake; it must be found."""

    def includes_of(self, ring, line):
        with tempfile.TemporaryDirectory() as top:
            os.makedirs(os.path.join(top, "src", ring))
            with open(os.path.join(top, "src", ring, "x.c"), "w", encoding="utf-8") as f:
                f.write(line + "\n")
            return rings.bad_includes(top)

    def test_forbidden_includes_are_found(self):
        for ring, line in [
            ("base", '#include "ald/core/tool.h"'), ("core", '#include "ald/link/gate.h"'),
            ("core", "#include <time.h>"), ("core", "#include <unistd.h>"),
            ("link", "#include <modbus/modbus.h>"), ("sim", "#include <pthread.h>"),
            ("link", '#include "ald/sim/sim.h"'), ("store", '#include "ald/link/sched.h"'),
            ("file", "#include <sqlite3.h>"), ("bus", '#include "ald/store/store.h"'),
            ("control", "#include <sqlite3.h>"), ("store", "#include <jansson.h>"),
            ("control", '#include "../core/core.c"'), ("extra", "#include <stdio.h>"),
            ("bus", "#include <curl/curl.h>"),
        ]:
            with self.subTest(ring=ring, line=line):
                self.assertEqual(1, len(self.includes_of(ring, line)))

    def test_allowed_includes_pass(self):
        for ring, line in [
            ("core", '#include "ald/base/time.h"'), ("sim", '#include "ald/link/gate.h"'),
            ("file", "#include <yaml.h>"), ("bus", "#include <modbus/modbus.h>"), ("store", "#include <sqlite3.h>"),
            ("app", "#include <event2/event.h>"), ("control", "#include <jansson.h>"), ("core", "#include <math.h>"),
            ("bus", "#include <pthread.h>"),
        ]:
            with self.subTest(ring=ring, line=line):
                self.assertEqual([], self.includes_of(ring, line))

    def test_a_gate_that_asks_the_core_is_found(self):
        core = "int tool_excludes(void) { return 0; }"
        gate = "int tool_excludes(void); int gate_check(void) { return tool_excludes(); }"
        with tempfile.TemporaryDirectory() as top:
            for name, text in [("core/tool.o", core), ("link/gate.o", gate)]:
                os.makedirs(os.path.join(top, os.path.dirname(name)))
                subprocess.run(["gcc", "-x", "c", "-c", "-", "-o", os.path.join(top, name)], input=text.encode(),
                               check=True)
            self.assertEqual({"tool_excludes"}, rings.gate_needs(top))
            self.assertEqual([("link/gate.o", "tool_excludes")], rings.core_needs(top))

    def test_forbidden_symbols_are_found(self):
        cases = [("core", "x", '#include <stdio.h>\nvoid x(void) { puts("x"); }', "puts"),
                 ("link", "x", "#include <time.h>\nlong x(void) { return time(0); }", "time"),
                 ("core", "x", "#include <stdlib.h>\nvoid *x(void) { return malloc(9); }", "malloc")]
        for ring, name, text, symbol in cases:
            with self.subTest(symbol=symbol), tempfile.TemporaryDirectory() as top:
                os.makedirs(os.path.join(top, ring))
                subprocess.run(["gcc", "-x", "c", "-c", "-", "-o", os.path.join(top, ring, name + ".o")],
                               input=text.encode(), check=True)
                found = rings.bad_symbols(top)
                self.assertEqual(1, len(found), found)
                self.assertIn(symbol, found[0])


if __name__ == "__main__":
    unittest.main()
