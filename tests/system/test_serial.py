"""The real programs over Modbus RTU: each link a pseudo-terminal of the simulated tool."""
import os
import re
import signal
import time

import ald


class Serial(ald.Test):
    """Valves on a line of their own, all that is polled on another."""

    def setUp(self):
        super().setUp()
        with open(ald.TOOL, encoding="utf-8") as f:
            text = f.read()
        for name in ("valves", "plant"):
            text, n = re.subn(rf"^  {name}: \{{.*\}}$",
                              f'  {name}: {{connect: "rtu://{self.path(name)}", baud: 115200, timeout: 200 ms}}',
                              text, flags=re.M)
            self.assertEqual(1, n)
        # The motor has two registers in two tables, and no read of another length.
        text, n = re.subn(r"^(  motor: \{.*)\}(.*)$",
                          r"\1, signature: {register: holding, address: 1, value: 4711}}\2", text, flags=re.M)
        self.assertEqual(1, n)
        # The simulated units answer at once.
        text, n = re.subn(r"^(  [\w-]+: \{link: .*), address_base", r"\1, answer: 1 ms, address_base", text, flags=re.M)
        self.assertEqual(4, n)
        text, n = re.subn(r"^    slave_id: 1$", "    slave_id: 1\n    answer: 1 ms", text, flags=re.M)
        self.assertEqual(1, n)
        # A quarantine, 600 ms here, makes nothing stale (config/ald-tool.5).
        text = re.sub(r"stale_after: \d+ ms", "stale_after: 3 s", text)
        self.tool = self.path("serial.yaml", text)

    def start_lines(self, *args):
        """aldsim with the two lines under names of their own."""
        ptys = [f"--pty={name}={self.path(name)}" for name in ("valves", "plant")]
        sim = self.start("aldsim", ["-c", self.tool, "--ready", *ptys, *args])
        deadline = time.monotonic() + ald.PATIENCE_S
        while "aldsim: ready" not in (text := sim.log()):
            if sim.child.poll() is not None or time.monotonic() > deadline:
                raise AssertionError("aldsim is not ready:\n" + text)
            time.sleep(0.01)  # a file cannot be waited for
        for name in ("valves", "plant"):
            self.assertIn(f"aldsim: link {name} rtu://{self.path(name)}\n", text)
            self.assertTrue(os.path.islink(self.path(name)))
        return sim

    def test_a_recipe_runs_over_two_lines(self):
        sim = self.start_lines()
        self.start_daemon(tool=self.tool)
        self.await_proof()
        recipe = self.path("quick.yaml", ald.QUICK.format(body=ald.ONE_PULSE))
        done = self.ctl("run", recipe, "--wait", "--set", "nb_pulse=300 ms", timeout=6 * ald.PATIENCE_S)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        pulses = self.rows("SELECT * FROM pulse ORDER BY planned_open_us")
        self.assertEqual(["nb", "nb"], [p["precursor"] for p in pulses])
        for p in pulses:
            self.assertEqual("done", p["outcome"], p)
            self.assertAlmostEqual(300_000, p["width_us"], delta=200_000 if ald.SANITIZED else 50_000)
        self.stop_daemon()
        self.assertEqual(0, sim.end())
        self.assertFalse(os.path.lexists(self.path("valves")))

    def test_a_second_daemon_does_not_get_the_line(self):
        self.start_lines()
        self.start_daemon(tool=self.tool)
        second = self.start("aldd", ["-c", self.tool, "--socket", self.path("s2"), "--db", self.path("db2")])
        deadline = time.monotonic() + ald.PATIENCE_S
        while "busy" not in second.log():
            self.assertLess(time.monotonic(), deadline, "no word of a busy line:\n" + second.log())
            self.assertIsNone(second.child.poll(), second.log())
            time.sleep(0.02)  # a file cannot be waited for

    def test_a_late_unit_is_bad_and_its_neighbours_are_not_its(self):
        # Not before a slow machine has started the daemon: the unit is seen Good first.
        self.start_lines("--fault", f"slow:heat=500 ms@{20 if ald.SANITIZED else 8} s+6 s")
        self.start_daemon(tool=self.tool)
        client = self.subscriber()
        heat, gauge = "chamber.temperature", "chamber.pressure"
        client.await_tag(heat, lambda t: t["quality"] == "Good")
        seen = []
        client.await_that(lambda: seen.append(client.tags[gauge]["value"]) or client.tags[heat]["quality"] != "Good",
                          "the late unit Bad")
        client.await_that(lambda: seen.append(client.tags[gauge]["value"]) or client.tags[heat]["quality"] == "Good",
                          "the late unit Good again", timeout=60)
        client.await_tag(gauge, lambda t: t["quality"] == "Good")
        # What the late unit said is in degrees Celsius, far above what the gauge shows at rest.
        self.assertEqual([], [v for v in seen if v is not None and not 0 < v < 1.5])
        client.close()

    def test_a_line_that_vanishes_comes_back(self):
        sim = self.start_lines()
        self.start_daemon(tool=self.tool)
        client = self.subscriber()
        client.await_tag("chamber.pressure", lambda t: t["quality"] == "Good")
        sim.expected.add(-signal.SIGKILL)
        sim.end(signal.SIGKILL)
        client.await_tag("chamber.pressure", lambda t: t["quality"] != "Good")
        self.assertTrue(os.path.islink(self.path("plant")))  # left behind, and replaced
        self.start_lines()
        client.await_tag("chamber.pressure", lambda t: t["quality"] == "Good", timeout=60)
        client.close()
