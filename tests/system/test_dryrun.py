"""aldctl dry-run from the shell: its exit status, what it says of a dose, an interrupt, progress on a terminal, the plot."""
import json
import os
import pty
import signal
import subprocess
import time
import unittest
import xml.dom.minidom

import ald

HELD = """format: 1
recipe: held
tool: rotary-ald
phases:
  prepare:
    - set: {carrier.flow: 70 sccm}
    - wait: {until: chamber.pressure < 1 mTorr, timeout: 1 min}
"""


class DryRun(ald.Test):
    def dry(self, *options, recipe=ald.RECIPE):
        return self.ctl("dry-run", recipe, "-c", ald.TOOL, *options)

    def as_json(self, *options, recipe=ald.RECIPE):
        return json.loads(self.dry("--json", *options, recipe=recipe).stdout)

    def command(self, *options):
        return [os.path.join(ald.BUILD, "aldctl"), "dry-run", ald.RECIPE, "-c", ald.TOOL, *options]

    def test_usage(self):
        for options, words in (
                (("--powder-mass", "1"), "--powder-mass: '1' has no unit: a mass is a number with g, mg or kg"),
                (("--powder-mass", "0 g"), "--powder-mass: must be above zero"),
                (("--powder-area", "1 m"), "--powder-area: "),
                (("--saturation", "1 nm"), "--saturation: "),
                (("--plot",), "--plot takes FILE.svg"),
                (("--wait",), "dry-run does not take --wait")):
            done = self.dry(*options)
            self.assertEqual(2, done.returncode, options)
            self.assertIn(words, done.stderr)
        done = self.ctl("dry-run", ald.RECIPE)
        self.assertEqual((2, True), (done.returncode, "dry-run needs the tool file" in done.stderr))

    def test_a_recipe_with_errors(self):
        """As `check` tells them, on stderr for people; one object for programs."""
        path = self.path("bad.yaml", HELD.replace("70 sccm", "70 degC"))
        done = self.dry(recipe=path)
        self.assertEqual(1, done.returncode)
        self.assertRegex(done.stderr, r"bad\.yaml:6:\d+: error: ")
        self.assertEqual("", done.stdout)
        done = self.dry("--json", recipe=path)
        self.assertEqual(1, done.returncode)
        told = json.loads(done.stdout)
        self.assertEqual((False, None), (told["ok"], told["recipe"]))
        self.assertEqual([("error", path, 6)], [(f["severity"], f["file"], f["line"]) for f in told["findings"]])

    def test_a_run_that_would_not_end(self):
        path = self.path("held.yaml", HELD)
        done = self.dry(recipe=path)
        self.assertEqual(1, done.returncode)
        self.assertIn("would not end as planned", done.stdout)
        told = self.as_json(recipe=path)
        self.assertFalse(told["ok"])
        self.assertNotEqual("Complete", told["ended"])
        self.assertIn(("error", 7), [(f["severity"], f["line"]) for f in told["findings"]])

    def test_more_powder_needs_more(self):
        """Ten times the area turns a dose that suffices into one that does not, and the pulse that is named suffices."""
        few = self.as_json()
        many = self.as_json("--powder-mass", "10 g")
        self.assertTrue(many["ok"])  # a warning refuses nothing
        nb, more = few["lines"]["nb"], many["lines"]["nb"]
        self.assertAlmostEqual(10, more["needed_umol"] / nb["needed_umol"], places=3)
        self.assertEqual("delivery", more["limited_by"])
        self.assertLess(more["coverage_mixed"], 0.3)
        dose = [f for f in many["findings"] if f["id"] == "dose"]
        self.assertEqual(["warning"], [f["severity"] for f in dose])
        with open(ald.RECIPE, encoding="utf-8") as f:
            self.assertIn("pulse: nb", f.read().splitlines()[dose[0]["line"] - 1])
        self.assertGreater(more["saturating_pulse_s"], 5)  # longer than its valve may stay open
        self.assertNotIn("pulses of 7", dose[0]["text"])
        # Four times the powder, and the pulse that is named for it.
        four = self.as_json("--powder-area", "1.6 m2/g")["lines"]["nb"]
        pulse = f"{four['saturating_pulse_s']:.3f} s"
        cured = self.as_json("--powder-area", "1.6 m2/g", "--set", f"nb_pulse={pulse}")["lines"]["nb"]
        self.assertAlmostEqual(0.95, min(cured["coverage_mixed"], cured["coverage_plug"]), delta=0.01)

    def test_an_included_file_is_named(self):
        """A finding of a step that stands in another file names that file and its line."""
        common = self.path("common.yaml", "format: 1\nblocks:\n  dose:\n    - pulse: nb\n      for: 20 ms\n    - purge: 20 s\n")
        recipe = self.path("uses.yaml", HELD.replace("tool:", "include: [common.yaml]\npowder: {mass: 1 g, area: 1 m2/g}\ntool:")
                           .replace("< 1 mTorr", "< 10 Torr")
                           + "  coat:\n    - repeat: 2\n      do:\n        - use: dose\nfinally:\n  - purge: 10 s\n")
        told = self.as_json(recipe=recipe)
        dose = [f for f in told["findings"] if f["id"] == "dose"]
        self.assertEqual([(common, 4, 7)], [(f["file"], f["line"], f["column"]) for f in dose], told)
        self.assertRegex(self.dry(recipe=recipe).stdout, r"common\.yaml:4:7: warning: (?s:.*)\n        - pulse: nb\n          \^")

    def test_saturation_is_an_input(self):
        told = self.as_json("--saturation", "5.8 umol/m2")
        self.assertAlmostEqual(5.8 * 0.4, told["lines"]["nb"]["needed_umol"], places=3)
        self.assertEqual("delivery", told["lines"]["nb"]["limited_by"])

    def test_static_dosing_and_a_ramp(self):
        """In a chamber without carrier all the gas may be precursor, never more; a ramp is told as recipes say it."""
        path = self.path("static.yaml", "format: 1\nrecipe: static\ntool: rotary-ald\nphases:\n  coat:\n"
                         "    - set: {carrier.flow: 70 sccm}\n"
                         "    - set: {chamber.temperature: 120 degC}\n      ramp: 5 K/min\n"
                         "    - set: {nb.line.temperature: 130 degC}\n    - wait: {until: settled, timeout: 1 h}\n"
                         "    - set: {nb.temperature: 110 degC}\n    - wait: {until: settled, timeout: 1 h}\n"
                         "    - expose: {flow: 0 sccm, close_below: 20 mTorr, limit: 1 Torr, at_most: 4 min}\n"
                         "      do:\n        - repeat: 3\n          do: [{pulse: nb, for: 200 ms}, {wait: 15 s}]\n"
                         "    - set: {chamber.temperature: standby, nb.temperature: standby}\n")
        told = self.as_json(recipe=path)
        self.assertIn("set chamber.temperature 120 degC at 5 K/min", [s["text"] for s in told["steps"]])
        nb = told["lines"]["nb"]
        self.assertGreater(nb["delivered_umol"], 0)
        self.assertLessEqual(nb["vapour_torr"], nb["chamber_torr"])
        self.assertGreater(nb["vapour_torr"], 0.9 * nb["chamber_torr"])

    def test_what_cannot_be_written_is_no_success(self):
        for options in ((), ("--json",)):
            with open("/dev/full", "wb") as full:
                done = subprocess.run(self.command(*options), stdout=full, stderr=subprocess.PIPE, text=True)
            self.assertEqual((1, True), (done.returncode, "standard output" in done.stderr), done.stderr)
            done = subprocess.run(["sh", "-c", 'exec "$@" >&-', "sh", *self.command(*options)],
                                  stderr=subprocess.PIPE, text=True)
            self.assertEqual((1, True), (done.returncode, "standard output" in done.stderr), done.stderr)
        # A reader that has seen enough is no failure.
        end, other = os.pipe()
        os.close(end)
        done = subprocess.run(self.command(), stdout=other, stderr=subprocess.PIPE, text=True)
        os.close(other)
        self.assertEqual((0, ""), (done.returncode, done.stderr))

    def test_nothing_takes_the_place_of_a_closed_output(self):
        """What is printed would go to the daemon, over the socket that was opened as the first free number."""
        self.start_all(proxies=False)
        recipe = self.path("quick.yaml", "format: 1\nrecipe: quick\ntool: rotary-ald\nphases:\n  a:\n    - wait: 100 ms\n")
        done = subprocess.run(["sh", "-c", 'exec "$@" >&-', "sh", os.path.join(ald.BUILD, "aldctl"), "--socket",
                               self.socket_path, "run", recipe, "--wait"], stderr=subprocess.PIPE, text=True)
        self.assertEqual((1, True), (done.returncode, "standard output" in done.stderr), done.stderr)

    def edited_tool(self, old, new):
        with open(ald.TOOL, encoding="utf-8") as file:
            text = file.read()
        self.assertIn(old, text)
        return self.path("edited.yaml", text.replace(old, new, 1))

    def test_a_vapour_pressure_that_nobody_gave(self):
        tool = self.edited_tool(" vapour: [9.8, 4350, 273.15],", "")
        with open(tool, encoding="utf-8") as f:
            text = f.read()
        tool = self.path("edited.yaml", text.replace(", warn_at: 10 %", ""))  # which wants it
        done = self.ctl("dry-run", ald.RECIPE, "-c", tool, "--json")
        told = [f for f in json.loads(done.stdout)["findings"] if f["id"] == "simulation"]
        self.assertEqual([("warning", 23, True)], [(f["severity"], f["line"], f["text"].startswith("nb: the tool file"))
                                                   for f in told])
        self.assertNotIn("simulation", [f["id"] for f in self.as_json()["findings"]])

    def test_no_remedy_is_told_where_none_is(self):
        """A bottle of 28 mTorr draws next to nothing into 2.3 Torr."""
        tool = self.edited_tool("nb: {delivery: through,", "nb: {delivery: draw,")
        done = self.ctl("dry-run", ald.RECIPE, "-c", tool, "--json")
        dose = [f["text"] for f in json.loads(done.stdout)["findings"] if f["id"] == "dose"]
        self.assertEqual(1, len(dose))
        self.assertIn("no sensible number of pulses", dose[0])

    def test_warnings_of_the_check_are_findings(self):
        path = self.path("hot.yaml", HELD.replace("chamber.pressure < 1 mTorr, timeout: 1 min", "settled, timeout: 1 h")
                         .replace("70 sccm", "70 sccm, chamber.temperature: 100 degC"))
        done = self.dry(recipe=path)
        self.assertEqual((0, ""), (done.returncode, done.stderr), done.stdout)
        told = self.as_json(recipe=path)["findings"]
        warnings = [f for f in told if f["severity"] == "warning"]
        self.assertEqual({"check"}, {f["id"] for f in warnings})
        self.assertIn(f"runs to Complete, {len(warnings)} warning", done.stdout)
        self.assertIn(f"{path}:6:{warnings[-1]['column']}: warning: ends hot", done.stdout.split("FINDINGS")[1])

    def test_interrupt(self):
        child = subprocess.Popen(self.command("--set", "cycles=100000"), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        # What it used so far would not tell: a sanitized one uses much before it has read its files.
        deadline = time.monotonic() + ald.PATIENCE_S
        while not catches(child.pid, signal.SIGINT):
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.005)  # another process's handler cannot be waited for
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=ald.PATIENCE_S)
        self.assertEqual((130, b""), (child.returncode, out))
        # What check warns of such a recipe was told before; nothing else.
        self.assertTrue(all(b": warning: " in line for line in err.splitlines()), err)

    def test_progress(self):
        """Only on a terminal, only after a second, and gone at the end."""
        master, slave = pty.openpty()
        child = subprocess.Popen(self.command("--set", "cycles=100000"), stdout=subprocess.DEVNULL, stderr=slave)
        os.close(slave)
        seen = b""
        while b"%" not in seen:
            seen += os.read(master, 200)
        self.assertRegex(seen.decode(), r"dry run: +\d+ %")
        child.send_signal(signal.SIGINT)
        self.assertEqual(130, child.wait(ald.PATIENCE_S))
        os.close(master)

    def test_plot(self):
        path = os.path.join(self.dir, "run.svg")
        done = self.dry("--plot", path)
        self.assertEqual(0, done.returncode, done.stderr)
        svg = xml.dom.minidom.parse(path).documentElement
        self.assertEqual("svg", svg.tagName)
        curves = svg.getElementsByTagName("polyline")
        self.assertEqual([True] * 7, [c.getAttribute("points").count(",") > 10 for c in curves])
        bars = [b for b in svg.getElementsByTagName("rect") if b.getAttribute("fill") and float(b.getAttribute("x")) < 770]
        self.assertEqual(2 * (30 + 1), len(bars))  # of two precursors in 30 cycles, and in one
        # A run too long to show each cycle shows one, and its valves.
        self.assertEqual(0, self.dry("--plot", path, "--set", "cycles=1500").returncode)
        svg = xml.dom.minidom.parse(path).documentElement
        last = svg.getElementsByTagName("polyline")[-1].getAttribute("points").split()
        self.assertGreater(len(last), 20)
        self.assertGreater(float(last[-1].split(",")[0]) - float(last[0].split(",")[0]), 650)  # of 700 the cycle is wide
        bars = [b for b in svg.getElementsByTagName("rect") if b.getAttribute("fill") and float(b.getAttribute("x")) < 770]
        for colour in {b.getAttribute("fill") for b in bars}:
            wide = [float(b.getAttribute("width")) for b in bars if b.getAttribute("fill") == colour]
            self.assertGreater(sum(wide), 500)
        self.assertEqual(2, len({b.getAttribute("fill") for b in bars}))
        done = self.dry("--plot", os.path.join(self.dir, "no", "run.svg"))
        self.assertEqual(1, done.returncode)
        self.assertIn("No such file", done.stderr)


def catches(pid, number):
    """Has a process a handler for a signal?"""
    with open(f"/proc/{pid}/status", encoding="utf-8") as f:
        caught = next(line.split()[1] for line in f if line.startswith("SigCgt:"))
    return int(caught, 16) >> (number - 1) & 1 == 1


if __name__ == "__main__":
    unittest.main()
