"""The watchdog of the valves' module: proven at each start before anything relies on it, latched when it expires."""
import fcntl
import os
import re
import signal
import time
import unittest

import ald

SPARE = 7


class Proof(ald.Test):
    def said(self, word):
        """The record's words on the watchdog that contain `word`."""
        return [e["text"] for e in self.rows("SELECT text FROM event WHERE kind = 'watchdog' ORDER BY id")
                if word in e["text"]]

    def refused(self, *words):
        done = self.ctl("run", self.path("quick.yaml", ald.QUICK.format(body=ald.ONE_PULSE)))
        self.assertEqual(3, done.returncode, done.stdout + done.stderr)
        for word in words:
            self.assertIn(word, done.stdout + done.stderr)

    def test_ready_means_proven(self):
        """READY comes with the proof's outcome: the output went on and fell after the watchdog's time, and a run is accepted."""
        self.start_all()
        writes = self.valves.coil_writes(SPARE)
        self.assertEqual([0, 1, 0], [int(f.writes_coil(ald.VALVES, SPARE, 1)) for f in writes][:3])
        self.assertEqual([], self.wire.is_safe())
        self.run_recipe()
        self.await_state("Complete", timeout=60)
        self.stop_daemon()
        found = re.search(r"^proven: spare.relay fell ([\d.]+) s after the last feed", self.said("fell")[0])
        self.assertAlmostEqual(1.0, float(found[1]), delta=0.2)
        self.assertEqual([], self.rows("SELECT * FROM event WHERE kind = 'trip'"))

    def test_a_watchdog_that_never_acts(self):
        """The module says that its watchdog runs, and nothing ever falls: an alarm, and no run."""
        self.start_sim("--ready", "--fault", "watchdog-dead:valve-io")
        self.start_daemon()
        self.await_proof()
        self.refused("nb.valve relies on the watchdog of valve-io, which failed its proof", "still on", "aldctl reset")
        alarms = self.ctl("alarms").stdout
        self.assertIn("proof-valve-io", alarms)
        self.assertIn("guidance", alarms)
        self.assertEqual(0, self.ctl("control", "take").returncode)
        opened = self.ctl("open", "water.valve", "--for", "100 ms")
        self.assertEqual(3, opened.returncode)
        self.assertIn("failed its proof", opened.stdout + opened.stderr)

    def test_a_reset_proves_again(self):
        # Longer than a slow machine takes to start the daemon and to try the proof.
        self.start_sim("--ready", "--fault", "watchdog-dead:valve-io@0 s+10 s")
        self.start_daemon()
        self.await_proof()
        self.refused("failed its proof")
        deadline = time.monotonic() + ald.PATIENCE_S
        while "fault ends" not in self.sim.log():
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.05)  # a file cannot be waited for
        self.assertEqual(0, self.ctl("reset").returncode)
        self.await_state("Idle")
        self.run_recipe()

    def test_a_tool_without_a_proof_output(self):
        """The tool can be looked at; what relies on its watchdog is refused by name."""
        with open(ald.TOOL, encoding="utf-8") as f:
            text = re.sub(r"\n    proof_output: [^\n]*", "", f.read())
        tool = self.path("tool.yaml", text)
        check = self.start("aldd", ["-c", tool, "--check"])
        self.assertEqual(0, check.child.wait())
        self.assertIn("warning: device 'valve-io': nb.valve relies on its watchdog, which nothing proves", check.log())
        self.start_sim("--ready", tool=tool)
        self.start_daemon(tool=tool)
        self.refused("has not been proven", "proof_output")


class Expiry(ald.Test):
    def test_idle_expiry_is_a_latched_trip(self):
        """The daemon stands still for longer than the watchdog waits: Aborted until somebody resets, then armed and good for a run."""
        self.start_all()
        self.ctl("reset")
        self.await_state("Idle", "Stopped")
        self.daemon.child.send_signal(signal.SIGSTOP)
        time.sleep(1.5)  # longer than the watchdog's time: what the test is about
        self.daemon.child.send_signal(signal.SIGCONT)
        status = self.await_state("Aborted")
        self.assertIn("watchdog-valve-io", [latch["id"] for latch in status["latches"]])
        self.assertEqual(2, self.wire.word(ald.VALVES, 0x1006))
        self.assertEqual(3, self.ctl("run", self.path("quick.yaml", ald.QUICK.format(body=ald.ONE_PULSE))).returncode)
        time.sleep(1.0)
        self.assertEqual(2, self.wire.word(ald.VALVES, 0x1006), "nobody reset, and it runs again")
        self.assertEqual(0, self.ctl("reset").returncode)
        self.await_state("Stopped", "Idle")
        self.assertEqual(1, self.wire.word(ald.VALVES, 0x1006))
        self.run_recipe()


class Unread(ald.Test):
    """Nobody takes what the programs say on standard error, as when a terminal was stopped with Ctrl-S."""

    def full_pipe(self):
        reader, writer = os.pipe()
        fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
        os.set_blocking(writer, False)
        with self.assertRaises(BlockingIOError):
            while True:
                os.write(writer, b"x" * 4096)
        os.set_blocking(writer, True)
        self.closers += [lambda: os.close(reader), lambda: os.close(writer)]
        return reader, writer

    def test_a_run_goes_on(self):
        """Both talk while a pulse is under way, and nothing waits: no watchdog expires, no pulse fails."""
        _, of_sim = self.full_pipe()
        reader, of_daemon = self.full_pipe()
        self.start_sim("--ready", stderr=of_sim)
        self.start_daemon(stderr=of_daemon)
        self.run_recipe("--set", "cycles=2")
        self.await_state("Complete", timeout=60)
        self.assertEqual(["done", "done"], [p["outcome"] for p in self.rows("SELECT outcome FROM pulse")])
        self.assertEqual([], self.rows("SELECT * FROM event WHERE kind = 'trip'"))
        # Once somebody reads again, it is all there.
        os.set_blocking(reader, False)
        text = b""
        deadline = time.monotonic() + ald.PATIENCE_S
        while b"-> Complete" not in text:
            self.assertLess(time.monotonic(), deadline, text.replace(b"x", b""))
            try:
                text += os.read(reader, 65536)
            except BlockingIOError:
                time.sleep(0.005)  # awaited with a deadline
        self.assertIn(b"aldd: ready\n", text)
        self.stop_daemon()


if __name__ == "__main__":
    unittest.main()
