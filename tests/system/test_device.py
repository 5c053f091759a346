"""`aldctl device`: the poll plan with its load, and a tag read directly; and on the wire, a register that its device does not
have (SAFETY Q3: only what is wrong is Bad)."""
import json
import os
import struct
import subprocess
import unittest

import ald


def text_of(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


class Plan(ald.Test):
    def plan(self, tool, *args):
        return self.ctl("device", "plan", "-c", tool, *args)

    def changed(self, *changes):
        text = text_of(ald.TOOL)
        for old, new in changes:
            self.assertIn(old, text)
            text = text.replace(old, new)
        return self.path("changed.yaml", text)

    def test_what_is_asked_and_what_it_takes(self):
        done = self.plan(ald.TOOL)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        self.assertRegex(done.stdout, r"(?m)^valves \(tcp://127\.0\.0\.1:1502\): +\d+\.\d % of its time")
        self.assertRegex(done.stdout, r"(?m)^ +heat +4 input +0 +10 +500 ms .*nb\.temperature, nb\.line\.temperature")
        self.assertNotIn("refused", done.stdout)
        told = json.loads(self.plan(ald.TOOL, "--json").stdout)
        self.assertTrue(told["ok"])
        plant = next(link for link in told["links"] if link["link"] == "plant")
        self.assertAlmostEqual(plant["load"], sum(plant[k] for k in ("polls", "feeds", "writes", "pulses")))
        self.assertAlmostEqual(plant["polls"], sum(r["load"] for r in plant["requests"]))
        self.assertLess(plant["load"], plant["load_max"])
        self.assertIsNone(plant["refused"])
        tags = [tag for r in plant["requests"] for tag in r["tags"]]
        self.assertEqual(len(tags), len(set(tags)))
        self.assertIn("chamber.pressure", tags)
        self.assertEqual(1, sum(r["is_watchdog"] for r in plant["requests"]))

    def test_what_is_refused_is_shown(self):
        """The daemon's check refuses it with its line; the plan shows it all the same, and why."""
        tool = self.changed(('plant: {connect: "tcp://127.0.0.1:1502"', 'plant: {connect: "rtu:///dev/ttyS9", baud: 9600'),
                            ("slave_id: 5, address_base: 0",
                             "slave_id: 5, address_base: 0, signature: {register: holding, address: 1, value: 4711}"))
        check = subprocess.run([os.path.join(ald.BUILD, "aldd"), "-c", tool, "--check"], capture_output=True, text=True,
                               timeout=ald.PATIENCE_S)
        self.assertEqual(1, check.returncode)
        self.assertRegex(check.stderr, r"changed\.yaml:\d+:1: error: link 'plant': its calls take \d+ % of its time")
        done = self.plan(tool)
        self.assertEqual(1, done.returncode)
        self.assertIn("refused", done.stdout)
        self.assertIn("9600 baud", done.stdout)
        told = json.loads(self.plan(tool, "--json").stdout)
        self.assertFalse(told["ok"])
        self.assertIn("at most 80 %", told["links"][1]["refused"])

    def test_a_daemon_with_another_line_does_not_start(self):
        """--link may give the tool a slower one than its file was checked with."""
        done = subprocess.run([os.path.join(ald.BUILD, "aldd"), "-c", ald.TOOL, "--link", "plant=rtu:///dev/ttyS9",
                               "--socket", self.socket_path, "--db", self.db_path], capture_output=True, text=True,
                              timeout=ald.PATIENCE_S)
        self.assertEqual(1, done.returncode)
        self.assertIn("link plant: its calls take", done.stderr)

    def test_usage(self):
        for args in ([], ["plan", "x"], ["probe"], ["probes"]):
            done = self.ctl("device", *args, "-c", ald.TOOL)
            self.assertEqual(2, done.returncode, args)
        done = self.plan(self.path("none.yaml"))
        self.assertEqual(1, done.returncode)
        self.assertIn("none.yaml", done.stderr)

    def test_help_fits_a_screen(self):
        text = self.ctl("device", "--help").stdout
        self.assertLessEqual(len(text.splitlines()), 26)
        self.assertIn("never writes", text)
        self.assertIn("serial line", text)


class Probe(ald.Test):
    def probe(self, tag, *args):
        links = [a for name, proxy in (("valves", self.valves), ("plant", self.plant))
                 for a in ("--link", f"{name}=tcp://127.0.0.1:{proxy.port}")]
        return self.ctl("device", "probe", tag, "-c", ald.TOOL, *links, *args)

    def start_tool(self, *args):
        self.start_sim("--ready", *args)
        self.start_proxies()

    def ok(self, tag, *args):
        done = self.probe(tag, *args)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        return done.stdout

    def test_all_four_orders(self):
        """Read without the daemon, and held against the frame on the wire."""
        self.start_tool("--fault", "reads:nb.temperature=75 degC")
        told = json.loads(self.ok("nb.temperature", "--json"))
        self.assertEqual([0x0000, 0x4296], told["words"])  # 75.0, low word first
        self.assertEqual((4, 2, 2), (told["function"], told["first"], told["count"]))
        values = {d["byte_order"]: d for d in told["decoded"]}
        for order, raw in (("ABCD", b"\0\0\x42\x96"), ("CDAB", b"\x42\x96\0\0"), ("BADC", b"\0\0\x96\x42"),
                           ("DCBA", b"\x96\x42\0\0")):
            self.assertAlmostEqual(struct.unpack(">f", raw)[0], values[order]["value"], places=12)
            self.assertEqual(order == "CDAB", values[order]["is_chosen"])
        self.assertTrue(values["CDAB"]["is_valid"])
        text = self.ok("nb.temperature")
        self.assertIn("words as they came: 0000 4296", text)
        self.assertRegex(text, r"(?m)^> CDAB +75 +75 degC +within valid +the tool file's")
        self.assertRegex(text, r"(?m)^  ABCD ")
        self.assertTrue(self.plant.frames)
        self.assertTrue(all(f.is_read() for f in self.plant.frames + self.valves.frames))

    def test_a_value_out_of_its_range_and_scale(self):
        self.start_tool("--fault", "reads:bed.speed=-30 rpm")
        told = json.loads(self.ok("bed.speed", "--json"))
        chosen = next(d for d in told["decoded"] if d["is_chosen"])
        self.assertEqual((-3000, -30, False), (chosen["raw"], round(chosen["value"], 6), chosen["is_valid"]))
        self.assertRegex(self.ok("bed.speed"), r"(?m)^> ABCD +-3000 +-30 rpm +outside valid")

    def test_bits(self):
        self.start_tool()
        self.assertIn("bit 1: on", self.ok("lid.closed"))
        self.assertIn("bit 0: closed", self.ok("nb.valve"))
        self.assertEqual([], json.loads(self.ok("nb.valve", "--json"))["decoded"])

    def test_beside_the_daemon(self):
        self.start_all()
        self.assertIn("within valid", self.ok("chamber.pressure"))

    def test_refusals(self):
        self.start_tool("--fault", "absent:nb.temperature", "--fault", "silent:motor")
        done = self.probe("nb.temperature")
        self.assertEqual(1, done.returncode)
        self.assertIn("exception 2, ILLEGAL DATA ADDRESS", done.stderr)
        self.assertIn("address_base", done.stderr)
        done = self.probe("bed.speed")
        self.assertEqual(4, done.returncode)
        self.assertIn("no answer from motor (unit 5)", done.stderr)
        done = self.probe("nb.temprature")
        self.assertEqual(2, done.returncode)
        self.assertIn("did you mean 'nb.temperature'", done.stderr)
        self.plant.drop(reopen=False)
        self.plant.close()
        done = self.probe("nb.temperature")
        self.assertEqual(4, done.returncode, done.stderr)
        done = self.probe("nb.temperature", "--link", "plnt=tcp://127.0.0.1:1")
        self.assertEqual(2, done.returncode)
        self.assertIn("no link 'plnt'", done.stderr)


class Absent(ald.Test):
    def test_only_the_guilty_point_of_a_block_is_bad(self):
        """The heater zones are one block of ten registers; the third zone's are not there."""
        self.start_all("--fault", "absent:nb.line.temperature")
        watcher = self.subscriber()
        watcher.await_tag("nb.line.temperature", lambda t: t["quality"] == "Bad" and "exception" in t["why"])
        for name in ("chamber", "nb", "block", "trap"):
            watcher.await_tag(f"{name}.temperature", lambda t: t["quality"] == "Good")

        def reads():
            return [(f.address, struct.unpack(">H", f.data[10:12])[0]) for f in list(self.plant.frames)
                    if f.unit == ald.HEAT and f.function == 4]
        self.plant.await_frame(lambda f: reads().count((6, 4)) >= 3)
        seen = reads()
        self.assertEqual((0, 10), seen[0])
        self.assertEqual(1, seen.count((0, 10)))
        self.assertEqual([(a, 2) for a in range(0, 10, 2)], seen[1:6])
        self.assertEqual({(0, 4), (6, 4)}, set(seen[6:]))
        # A new connection: whole once more.
        self.plant.drop()
        self.plant.await_frame(lambda f: reads().count((0, 10)) == 2)


class SlowNeighbour(ald.Test):
    """All devices on the link of the valves, one of which takes 200 ms to answer: no pulse is late for it or lost, since the
    links know of each before it is handed over."""

    def test_on_the_same_link(self):
        text = text_of(ald.TOOL)
        for old, new in [("    link: valves\n    poll_link: plant ", "    link: plant "),
                         ("safe: open, poll: 100 ms", "safe: open, poll: 200 ms"),
                         ("safe: closed, poll: 100 ms", "safe: closed, poll: 200 ms"),
                         ("manual: never, poll: 100 ms", "manual: never, poll: 200 ms"),
                         ("motor: {link: plant, slave_id: 5,", "motor: {link: plant, slave_id: 5, answer: 200 ms,"),
                         ("unit: rpm, poll: 200 ms,", "unit: rpm, poll: 500 ms,"),
                         ("valid: [-20 rpm, 20 rpm], stale_after: 1 s", "valid: [-20 rpm, 20 rpm], stale_after: 6 s"),
                         ("safe: 0 rpm, poll: 500 ms, verify_within: 0.01 rpm, follow: 2 s",
                          "safe: 0 rpm, poll: 2 s, verify_within: 0.01 rpm, follow: 9 s"),
                         ("stale_after: 300 ms, freeze_after: 3 s", "stale_after: 700 ms, freeze_after: 3 s"),
                         ("stale_after: 500 ms", "stale_after: 700 ms"), ("poll: 100 ms, failsafe", "poll: 200 ms, failsafe"),
                         ("follow: {within: 0.5 rpm, in: 5 s}", "follow: {within: 0.5 rpm, in: 20 s}")]:
            self.assertIn(old, text)
            text = text.replace(old, new)
        tool = self.path("shared.yaml", text)
        check = self.ctl("device", "plan", "-c", tool)
        self.assertEqual(0, check.returncode, check.stdout)
        self.start_sim("--ready", "--fault", "slow:motor=200 ms", tool=tool)
        self.start_proxies()
        self.start_daemon(tool=tool)
        watcher = self.subscriber()
        # The first pulse stands behind a condition: it is planned further ahead.
        self.run_recipe("--set", "cycles=3", "--set", "nb_pulse=100 ms")
        watcher.await_state("Complete", "Held", "Aborted", timeout=90)
        self.assertEqual("Complete", watcher.status["state"], watcher.status)
        self.stop_daemon()
        pulses = self.rows("SELECT outcome, opened_us - planned_open_us AS late_us, width_us - planned_width_us AS wide_us "
                           "FROM pulse")
        self.assertEqual(["done"] * 3, [p["outcome"] for p in pulses])
        # Behind a slow call an edge would come up to 200 ms late, or not at all.
        for p in pulses:
            self.assertLess(abs(p["wide_us"]), 60_000)
            self.assertLess(p["late_us"], 60_000)
        asked = [f for f in self.plant.frames if f.unit == ald.MOTOR and f.is_read()]
        self.assertGreater(len(asked), 20)


if __name__ == "__main__":
    unittest.main()
