"""Bad recipes and tool files are refused by the real programs before anything moves: every error with its line."""
import os
import re
import subprocess
import unittest

import ald

CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f\ufffd]")
PLACED = re.compile(r"^(?P<file>[^\n:]+):(?P<line>\d+):(?P<col>\d+): error: (?P<text>.+)$", re.M)


def text_of(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def line_of(text, part):
    return text[:text.index(part)].count("\n") + 1


class Recipes(ald.Test):
    """aldctl check needs no daemon."""

    good = text_of(ald.RECIPE)

    def check(self, text, *args):
        path = self.path("r.yaml", text)
        return self.ctl("check", path, "-c", ald.TOOL, *args)

    def refused(self, text, *words, line=None, is_placed=True):
        done = self.check(text)
        said = done.stdout + done.stderr
        self.assertEqual(1, done.returncode, said)
        self.assertIsNone(CONTROL.search(said), "bytes of the file reach the terminal raw")
        places = [m for m in PLACED.finditer(said)]
        self.assertTrue(places or (not is_placed and ": error: " in said), said)
        for word in words:
            self.assertIn(word.lower(), said.lower())
        if line is not None:
            self.assertIn(line, [int(m["line"]) for m in places], said)
        return said

    def changed(self, old, new):
        self.assertEqual(1, self.good.count(old), old)
        return self.good.replace(old, new), line_of(self.good, old)

    def test_the_reference_recipe_is_sound(self):
        done = self.check(self.good)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)

    def test_mistakes_are_refused_with_their_line(self):
        for old, new, *words in [
            ("settle: {default: 10 min}", "settle: {default: 10}", "unit"),
            ("water_pulse: {default: 100 ms}", "water_pulse: {default: 100 msec}", "msec"),
            ("    - set: {carrier.flow: 10 sccm, bed", "    - sett: {carrier.flow: 10 sccm, bed",
             "did you mean", "set"),
            ("carrier.flow: 70 sccm, chamber", "carier.flow: 70 sccm, chamber", "did you mean", "carrier.flow"),
            ("carrier.flow: 70 sccm, chamber", "carrier.flow: 700 sccm, chamber", "200"),
            ("carrier.flow: 70 sccm, chamber", "carrier.flow: 70 degC, chamber", "sccm"),
            ("    - pulse: water", "    - pulse: watr", "did you mean", "water"),
            ("      for: $water_pulse", "      for: $water_puls", "water_puls"),
            ("      for: $water_pulse", "      for: 5 ms", "20 ms"),
            ("      for: $water_pulse", "      for: 3 s", "2 s"),
            ("        - use: nb_cycle", "        - use: nb_cicle", "did you mean", "nb_cycle"),
            ("    - repeat: $cycles", "    - repeat: for ever"),
            ("chamber.pressure < 950 mTorr", "chamber.presure < 950 mTorr", "did you mean", "chamber.pressure"),
            (", timeout: 4 h}", "}", "timeout"),
            ("format: 1\n", "format: 2\n", "format"),
            ("tool: rotary-ald", "tool: other", "rotary-ald"),
        ]:
            with self.subTest(new=new):
                text, line = self.changed(old, new)
                self.refused(text, *words, line=line)

    def test_exclusive_valves_need_a_purge_between(self):
        text = self.good.replace("      for: $nb_pulse\n    - purge: $purge\n", "      for: $nb_pulse\n")
        self.assertNotEqual(text, self.good)
        self.refused(text, "no-mixing")
        self.refused(self.changed("purge: {default: 20 s}", "purge: {default: 4 s}")[0], "5 s")

    def test_all_errors_come_in_one_run(self):
        text = self.changed("settle: {default: 10 min}", "settle: {default: 10}")[0]
        text = text.replace("    - pulse: water", "    - pulse: watr").replace("bed.speed: 3 rpm", "bed.speed: 300 rpm")
        said = self.refused(text)
        self.assertGreaterEqual(len({m["line"] for m in PLACED.finditer(said)}), 3, said)

    def test_bytes_that_are_no_recipe_are_refused(self):
        deep = "format: 1\nrecipe: x\nphases:\n  a:\n    - " + "[" * 100_000
        for name, text in [
            ("tab", self.good.replace("  prepare:", "\tprepare:")),
            ("Latin-1", self.good.replace("title: Amorphous", "title: \xe9tude").encode("latin-1")),
            ("empty", ""),
            ("10 MB", b"# " + b"x" * (10 << 20)),
            ("depth bomb", deep),
            ("NUL", self.good.encode().replace(b"title: A", b"title: \0")),
            ("anchor", self.good.replace("title: A", "title: &a A")),
            ("second document", self.good + "\n---\nformat: 1\n"),
            ("duplicate key", self.good + "\nformat: 1\n"),
            ("binary", bytes(range(256)) * 100),
        ]:
            with self.subTest(name):
                # A file that is not even looked at has no line.
                self.refused(text, is_placed=name not in ("empty", "10 MB"))

    def test_the_error_shows_the_line_and_a_caret(self):
        text, line = self.changed("    - pulse: water", "    - pulse: watr")
        said = self.refused(text, line=line)
        place = next(m for m in PLACED.finditer(said) if int(m["line"]) == line)
        after = said[place.end():].splitlines()[1:3]
        self.assertIn("pulse: watr", after[0])
        self.assertEqual(after[0].index("watr"), after[1].index("^"), said)

    def test_errors_of_an_included_file_carry_its_name(self):
        blocks = "format: 1\nblocks:\n  last:\n    - purge: 1 min\n    - pulse: watr\n      for: 100 ms\n"
        text = self.good.replace("tool: rotary-ald\n", "tool: rotary-ald\ninclude: [blocks.yaml]\n")
        text = text.replace("  finish:\n", "  finish:\n    - use: last\n")
        path = self.path("blocks.yaml", blocks)
        said = self.refused(text, "water", line=line_of(blocks, "watr"))
        self.assertIn(path + ":", said)
        self.path("blocks.yaml", blocks.replace("watr", "water").replace("100 ms", "1 ms"))
        self.refused(text, "min_pulse")
        self.path("blocks.yaml", blocks.replace("watr", "water"))
        done = self.check(text)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        os.remove(path)
        self.refused(text, "blocks.yaml", "cannot be opened", line=line_of(text, "blocks.yaml"))

    def test_no_such_file(self):
        done = self.ctl("check", self.path("none.yaml"), "-c", ald.TOOL)
        self.assertEqual(1, done.returncode)
        self.assertIn("none.yaml", done.stderr + done.stdout)


class Tools(ald.Test):
    """aldd says why it does not start."""

    good = text_of(ald.TOOL)

    def aldd(self, text, *args):
        path = self.path("tool.yaml", text)
        return subprocess.run([os.path.join(ald.BUILD, "aldd"), "-c", path, "--socket", self.socket_path, "--db",
                               self.db_path, *args], capture_output=True, text=True, timeout=ald.PATIENCE_S,
                              stdin=subprocess.DEVNULL)

    def test_the_reference_tool_is_sound(self):
        done = self.aldd(self.good, "--check")
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)

    def test_mistakes_keep_the_daemon_from_starting(self):
        for old, new, *words in [
            # water.valve on the niobium valve's coil
            ("{device: valve-io, register: coil, address: 1,", "{device: valve-io, register: coil, address: 0,",
             "address"),
            ("    {device: flow, register: holding, address: 1209, type: FLOAT32, unit: sccm,",
             "    {device: flow, register: holding, address: 1209, type: FLOAT32,", "unit"),
            ("max_open: 2 s", "max_open: 2", "unit"),
            ("trip: chamber.temperature > 200 degC", "trip: chamber.temprature > 200 degC", "chamber.temperature"),
            ("    trip: chamber.temperature > 200 degC", "    trip: chamber.temperature > 200 Torr", "degC"),
            ("    exclusive: [nb.valve, water.valve]", "    exclusive: [nb.valve, watr.valve]", "water.valve"),
            ("  flow: {link: plant,", "  flow: {link: plnt,", "plant"),
        ]:
            with self.subTest(new=new):
                self.assertEqual(1, self.good.count(old), old)
                for extra in (["--check"], []):
                    done = self.aldd(self.good.replace(old, new), *extra)
                    said = done.stdout + done.stderr
                    self.assertEqual(1, done.returncode, said)
                    self.assertTrue(PLACED.search(said), said)
                    for word in words:
                        self.assertIn(word, said)
                self.assertFalse(os.path.exists(self.socket_path))

    def test_precursor_without_a_failsafe_refuses_the_run(self):
        """SAFETY F2: the start is allowed, a run is not."""
        text = self.good.replace("max_open: 2 s, lease: 500 ms, poll: 100 ms, failsafe: watchdog,",
                                 "max_open: 2 s, lease: 500 ms, poll: 100 ms,")
        self.assertNotEqual(text, self.good)
        tool = self.path("tool.yaml", text)
        done = self.ctl("check", ald.RECIPE, "-c", tool)
        if done.returncode == 0:
            self.start_sim("--ready", tool=tool)
            self.start_daemon(tool=tool)
            self.await_proof()  # of what stands before it in the file
            done = self.ctl("run", ald.RECIPE)
            self.assertEqual(3, done.returncode, done.stdout + done.stderr)
        self.assertIn("water", done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main()
