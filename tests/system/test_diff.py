"""`aldctl diff RECIPE RUN`: what a recipe and a tool file say otherwise than they did in a run."""
import json
import unittest

import ald

RECIPE = ald.QUICK.format(body=ald.ONE_PULSE)


def text_of(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


class Diff(ald.Test):
    def setUp(self):
        """A run that was recorded; none of what follows needs its daemon."""
        super().setUp()
        self.start_all(proxies=False)
        self.run_recipe("--set", "cycles=3")
        self.assertEqual(0, self.ctl("abort").returncode)
        self.await_state("Aborted")
        self.stop_daemon()

    def diff(self, text, *args, code=0):
        done = self.ctl("diff", self.path("now.yaml", text), "1", *args)
        self.assertEqual(code, done.returncode, done.stdout + done.stderr)
        return done.stdout if code == 0 else done.stderr

    def json(self, text, *args):
        return json.loads(self.diff(text, "--json", *args))

    def changed(self, *pairs):
        text = RECIPE
        for old, new in pairs:
            self.assertEqual(1, text.count(old), old)
            text = text.replace(old, new)
        return text

    def test_the_same(self):
        said = self.diff(RECIPE, "--set", "cycles=3", "-c", ald.TOOL)
        self.assertIn("recipe: the same, byte for byte", said)
        self.assertIn("tool file: the same, byte for byte", said)
        made = self.json(RECIPE, "--set", "cycles=3", "-c", ald.TOOL)
        self.assertEqual([True, True, [], []], [made["same"], made["recipe"]["same_text"], made["parameters"], made["tool"]["changes"]])

    def test_comments_and_spacing_mean_nothing(self):
        """Nor do quotes, the order of keys, blocks instead of braces and units."""
        text = self.changed(("    - set: {carrier.flow: 70 sccm, bed.speed: 3 rpm}\n",
                             "    # now in a block\n    - set:\n        bed.speed: '3 rpm'\n        carrier.flow: 70.0   sccm\n"),
                            ("purge: {default: 5 s}", "purge: {default: 5000 ms}   # longer?"),
                            ("carrier.flow > 60 sccm", "carrier.flow>60 sccm"),
                            ("title: A short recipe for tests\ntool: rotary-ald\n", "tool: rotary-ald\ntitle: A short recipe for tests\n"))
        said = self.diff(text, "--set", "cycles=3")
        self.assertIn("recipe: the same meaning; only comments, spacing or how values are written differ", said)
        self.assertIn("tool file: not compared", said)
        made = self.json(text, "--set", "cycles=3")
        self.assertEqual([True, False, None], [made["same"], made["recipe"]["same_text"], made["tool"]])

    def test_parameters(self):
        """Values that it would be run with, not defaults."""
        made = self.json(RECIPE)
        self.assertEqual([{"name": "cycles", "then": "3", "now": "2"}], made["parameters"])
        self.assertEqual([False, []], [made["same"], made["recipe"]["changes"]])
        text = self.changed(("  purge: {default: 5 s}", "  purge: {default: 30 s, min: 5 s}\n  rest: {default: 1 min}"),
                            ("finally:\n  - purge: 5 s", "finally:\n  - purge: $rest"))
        made = self.json(text, "--set", "cycles=3", "--set", "rest=2 min")
        self.assertEqual([("purge", "5 s", "30 s"), ("rest", None, "2 min")],
                         [(p["name"], p["then"], p["now"]) for p in made["parameters"]])
        self.assertEqual([("added", "parameters.purge", "min", None, "5 s"), ("changed", "finally", "purge", "5 s", "$rest")],
                         [(c["kind"], c["where"], c["what"], c["then"], c["now"]) for c in made["recipe"]["changes"]])

    def test_steps(self):
        """Each step with its lines, then and now."""
        text = self.changed(("    - wait: {until: carrier.flow > 60 sccm, timeout: 1 min}",
                             "    - note: begun\n    - wait: {until: carrier.flow > 50 sccm, timeout: 1 min, for: 1 s}"),
                            ("bed.speed: 3 rpm", "bed.speed: 2 rpm"))
        line = RECIPE[:RECIPE.index("    - set:")].count("\n") + 1
        made = self.json(text, "--set", "cycles=3")
        self.assertEqual(
            [("changed", "phases.prepare", "set.bed.speed", line, line, "3 rpm", "2 rpm"),
             ("added", "phases.prepare", "", None, line + 1, None, "{note: begun}"),
             ("changed", "phases.prepare", "wait.until", line + 1, line + 2, "carrier.flow > 60 sccm", "carrier.flow > 50 sccm"),
             ("added", "phases.prepare", "wait.for", None, line + 2, None, "1 s")],
            [tuple(c[k] for k in ("kind", "where", "what", "line_then", "line_now", "then", "now")) for c in made["recipe"]["changes"]])
        said = self.diff(text, "--set", "cycles=3", "--text")
        self.assertIn(f"line {line + 2} (was {line + 1})", said)
        self.assertIn("wait.until: carrier.flow > 60 sccm -> carrier.flow > 50 sccm", said)
        self.assertIn("added: {note: begun}", said)
        for row in ("--- as recorded\n", "+++ as it is\n", "\n+    - note: begun\n", "\n@@ -"):
            self.assertIn(row, said)
        self.assertIn("+    - note: begun\n", self.json(text, "--text")["recipe"]["text"])
        # The other way round it is gone.
        gone = self.json(self.changed(("    - wait: {until: carrier.flow > 60 sccm, timeout: 1 min}\n", "")), "--set", "cycles=3")
        self.assertEqual([("removed", line + 1, None)],
                         [(c["kind"], c["line_then"], c["line_now"]) for c in gone["recipe"]["changes"]])

    def test_the_order_of_phases(self):
        head, rest = RECIPE.split("  prepare:\n")
        prepare, rest = rest.split("  coat:\n")
        coat, rest = rest.split("finally:\n")
        text = head + "  coat:\n    - set: {carrier.flow: 70 sccm}\n" + coat + "  prepare:\n" + prepare + "finally:\n" + rest
        kinds = [(c["kind"], c["where"]) for c in self.json(text, "--set", "cycles=3")["recipe"]["changes"]]
        self.assertIn(("order", "phases"), kinds)
        self.assertIn("prepare is now after coat", self.diff(text, "--set", "cycles=3"))

    def test_guards_and_the_tool_file(self):
        """Interlocks, images and limits of the tool file; an interlock is known by its id."""
        tool = text_of(ald.TOOL)
        for old, new in [("trip: chamber.pressure > 5 Torr", "trip: chamber.pressure > 4 Torr"), ("    nb.temperature: 40 degC\n", "    nb.temperature: 45 degC\n"),
                         ("  - id: over-temperature\n    trip: heater.over-temperature\n    then: abort\n    guidance: The hardware cut-out has acted. Find the zone before the cut-out is reset.\n", "")]:
            self.assertEqual(1, tool.count(old), old)
            tool = tool.replace(old, new)
        text = self.changed(("phases:\n", "guard:\n  - {in: coat, tag: bed.speed, within: 0.3 rpm}\nphases:\n"))
        made = self.json(text, "--set", "cycles=3", "-c", self.path("tool.yaml", tool))
        self.assertEqual([("added", "", "guard")], [(c["kind"], c["where"], c["what"]) for c in made["recipe"]["changes"]])
        self.assertEqual([("changed", "images.standby", "nb.temperature", "40 degC", "45 degC"),
                          ("changed", "interlocks", "over-pressure.trip", "chamber.pressure > 5 Torr", "chamber.pressure > 4 Torr")],
                         [(c["kind"], c["where"], c["what"], c["then"], c["now"]) for c in made["tool"]["changes"] if c["kind"] == "changed"])
        self.assertEqual([("removed", "interlocks", "")],
                         [(c["kind"], c["where"], c["what"]) for c in made["tool"]["changes"] if c["kind"] == "removed"])
        self.assertFalse(made["same"])

    def test_what_cannot_be_compared(self):
        self.assertIn("no step named 'nota'", self.diff(self.changed(("    - wait: {", "    - nota: {")), code=1))
        self.assertIn("no parameter named 'x'", self.diff(RECIPE, "--set", "x=1", code=1))
        done = self.ctl("diff", self.path("now.yaml", RECIPE), "7")
        self.assertEqual(1, done.returncode)
        self.assertIn("there is no run 7", done.stderr)
        done = self.ctl("diff", self.path("now.yaml"), "1", env={"PATH": "/nowhere"})
        self.assertEqual(0, done.returncode)  # no program is needed for the meaning
        done = self.ctl("diff", self.path("now.yaml"), "1", "--text", env={"PATH": "/nowhere"})
        self.assertEqual(1, done.returncode)
        self.assertIn("diffutils", done.stderr)


if __name__ == "__main__":
    unittest.main()
