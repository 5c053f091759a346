"""A module that times pulses itself: the valve closes at its time whatever becomes of the daemon. The widths are those at
the simulated module's own clock, as aldsim tells them; that the coil really falls is seen on the wire."""
import re
import signal
import time
import unittest

import ald

UNIT, COIL = 6, 17
WATER = """  water.valve:
    {device: pulse-io, register: coil, address: 18, type: BIT, access: write, valve: yes, safe: closed,
     max_open: 10 s, lease: 500 ms, poll: 100 ms, failsafe: device_timed,
     pulse: {width_register: 19, width_type: UINT32, width_order: CDAB, width_unit: 0.1 ms,
             setup: [{register: 66, value: 1}, {register: 3, value: 10}],
             start_register: 35, start_value: 1, count_register: 51}}
"""
PULSES = """    - repeat: $cycles
      do:
        - pulse: water
          for: $nb_pulse
        - purge: $purge
"""
# By itself, and by its master.
ENDED = re.compile(r"water\.valve closed by its (module|master) after ([\d.]+) ms")


def tool_text():
    """The reference tool with the water valve on such a module, which has no watchdog."""
    with open(ald.TOOL, encoding="utf-8") as f:
        text = f.read()
    text = text.replace("devices:\n", "devices:\n  pulse-io: {link: valves, poll_link: plant, slave_id: 6, address_base: 1}\n")
    begin, end = text.index("  water.valve:\n"), text.index("  exhaust.valve:")
    return text[:begin] + WATER + text[end:]


class Timed(ald.Test):
    def begin(self, *args):
        self.tool = self.path("timed.yaml", tool_text())
        self.start_sim("--ready", tool=self.tool)
        self.start_proxies()
        self.start_daemon(tool=self.tool)
        self.watcher = self.subscriber()
        self.run_recipe(*args, body=PULSES)

    def await_start(self):
        return self.valves.await_frame(lambda f: f.function == 6 and f.unit == UNIT and f.address == 34)

    def coil_writes(self):
        return [f for f in self.valves.frames if f.function == 5 and f.unit == UNIT and f.address == COIL]

    def await_coil(self, value):
        deadline = time.monotonic() + ald.PATIENCE_S
        while self.wire.coil(UNIT, COIL) != value:
            self.assertLess(time.monotonic(), deadline, f"the coil is not {value}")
            time.sleep(0.005)  # a register cannot be waited for
        return time.monotonic()

    def ended(self):
        return [(by, float(ms)) for by, ms in ENDED.findall(self.sim.log())]

    def await_ended(self):
        """Its words come from a thread of their own, later than the edge."""
        deadline = time.monotonic() + ald.PATIENCE_S
        while not self.ended():
            self.assertLess(time.monotonic(), deadline, "no pulse ended")
            time.sleep(0.005)  # a file cannot be waited for
        return self.ended()

    def pulse(self):
        return self.rows("SELECT * FROM pulse ORDER BY planned_open_us")

    def test_a_run(self):
        self.begin("--set", "cycles=3", "--set", "nb_pulse=100 ms")
        self.watcher.await_state("Execute")
        self.watcher.await_state("Complete", timeout=60)
        self.assertEqual([("module", 100.0)] * 3, self.ended())
        self.assertFalse([f for f in self.coil_writes() if f.values[0]])
        self.stop_daemon()
        self.assertEqual([("done", 100000, 1)] * 3,
                         [(p["outcome"], p["width_us"], p["device_timed"]) for p in self.pulse()])
        report = self.ctl("report", "1")
        self.assertIn("timed by its module", report.stdout)

    def test_stopped_in_a_pulse(self):
        self.begin("--set", "cycles=1", "--set", "nb_pulse=100 ms")
        self.await_start()
        self.daemon.child.send_signal(signal.SIGSTOP)
        try:
            # The module's word, not ours: this thread may have been late.
            self.assertEqual([("module", 100.0)], self.await_ended())
            self.assertEqual(0, self.wire.coil(UNIT, COIL))
        finally:
            self.daemon.child.send_signal(signal.SIGCONT)
        self.watcher.await_that(lambda: self.pulse() and self.pulse()[0]["outcome"] != "open", "the pulse's end")
        self.assertEqual([("module", 100.0)], self.ended())

    def test_killed_in_a_pulse(self):
        self.begin("--set", "cycles=1", "--set", "nb_pulse=3 s")
        started = self.await_start()
        self.await_coil(1)
        self.daemon.expected = {-signal.SIGKILL}
        self.daemon.end(signal.SIGKILL)
        self.assertEqual(1, self.wire.coil(UNIT, COIL))
        closed = self.await_coil(0)
        self.assertEqual([("module", 3000.0)], self.await_ended())
        self.assertGreaterEqual(closed - started.at, 3.0 - 0.01)

    def test_cut_by_hand(self):
        self.begin("--set", "cycles=1", "--set", "nb_pulse=8 s")
        self.await_start()
        self.await_coil(1)
        self.assertEqual(0, self.ctl("hold", "--now").returncode)
        self.watcher.await_state("Held")
        self.assertEqual(0, self.wire.coil(UNIT, COIL))
        self.assertEqual(["master"], [by for by, _ in self.await_ended()])
        self.stop_daemon()
        self.assertEqual("cut", self.pulse()[0]["outcome"])
        self.assertNotEqual(1, self.pulse()[0]["device_timed"])

    def test_opened_by_hand(self):
        self.tool = self.path("timed.yaml", tool_text())
        self.start_sim("--ready", tool=self.tool)
        self.start_proxies()
        self.start_daemon(tool=self.tool)
        for words in (("reset",), ("control", "take")):
            done = self.ctl(*words)
            self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        self.await_state("Idle")
        self.ctl("set", "carrier.flow", "70 sccm")
        subscriber = self.subscriber()
        subscriber.await_tag("carrier.flow", lambda t: t["value"] > 60)
        done = self.ctl("open", "water", "--for", "100.05 ms")
        self.assertEqual(3, done.returncode, done.stdout + done.stderr)
        self.assertIn("100 us", done.stdout + done.stderr)
        done = self.ctl("open", "water", "--for", "150 ms")
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        self.assertEqual([("module", 150.0)], self.await_ended())

    def test_lost_reply_to_the_start(self):
        """It may have started: closed at its time, and the pulse has failed."""
        self.begin_spoiled(lambda q, r: b"" if q.function == 6 and q.unit == UNIT and q.address == 34 else r)
        self.watcher.await_state("Held", "Aborted")
        self.assertEqual(0, self.wire.coil(UNIT, COIL))
        self.stop_daemon()
        self.assertEqual("failed", self.pulse()[0]["outcome"])
        self.assertGreaterEqual(len([f for f in self.coil_writes() if not f.values[0]]), 2)

    def begin_spoiled(self, spoil):
        self.tool = self.path("timed.yaml", tool_text())
        self.start_sim("--ready", tool=self.tool)
        self.start_proxies()
        self.valves.spoil_reply = spoil
        self.start_daemon(tool=self.tool)
        self.watcher = self.subscriber()
        self.run_recipe("--set", "cycles=1", "--set", "nb_pulse=200 ms", body=PULSES)

    def test_check_and_dry_run(self):
        tool = self.path("timed.yaml", tool_text().replace("width_unit: 0.1 ms", "width_unit: 20 ms"))
        recipe = self.path("quick.yaml", ald.QUICK.format(body=PULSES))
        done = self.ctl("check", recipe, "-c", tool, "--set", "nb_pulse=110 ms")
        self.assertEqual(1, done.returncode, done.stdout + done.stderr)
        self.assertIn("100 ms and 120 ms fit", done.stdout + done.stderr)
        done = self.ctl("dry-run", recipe, "-c", tool, "--set", "nb_pulse=100 ms")
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main()
