"""The daemon's end, by any way: the valve closes, the record says so, nothing resumes by itself."""
import os
import signal
import time
import unittest

import ald

TAIL_S = 0.05  # a feed that was on its way


class Kill(ald.Test):
    def kill_in_pulse(self, after_s):
        """kill -9 some time into a niobium pulse of 4 s; seconds until the valve closed, by the simulated tool's own clock."""
        self.start_all("--edges", self.path("edges"))
        self.run_recipe("--set", "nb_pulse=4 s")
        self.wire.await_coil(ald.NB, 1)
        # A pulse may open ahead of its row, by what a write to the disk takes: the crash is to be found in the record.
        self.await_rows("SELECT * FROM pulse")
        time.sleep(after_s)  # the instant is what the test is about
        self.assertEqual(1, self.wire.coil(ald.VALVES, ald.NB))
        self.daemon.expected = {-signal.SIGKILL}
        killed = time.monotonic()
        self.daemon.end(signal.SIGKILL)
        gone = time.monotonic()
        closed = self.await_edge("nb.valve", 0, after=killed, timeout=5)
        self.assertEqual(0, self.wire.coil(ald.VALVES, ald.NB))
        return closed - gone

    def restart_is_safe(self):
        self.start_daemon()
        status = self.await_state("Aborted")
        self.assertEqual([], self.wire.is_safe())
        self.assertIn("restart", [latch["id"] for latch in status["latches"]])
        run = self.rows("SELECT * FROM run")
        self.assertEqual(["Aborted"], [r["state"] for r in run])
        self.assertTrue(run[0]["reason"])
        self.assertIsNotNone(run[0]["ended_us"])
        pulses = self.rows("SELECT outcome FROM pulse")
        self.assertEqual(["interrupted"], [p["outcome"] for p in pulses])
        self.assertEqual([("ok",)], [tuple(r.values()) for r in self.rows("PRAGMA integrity_check")])
        # Nothing opens by itself, and a run needs a reset first.
        begun = time.monotonic()
        self.assertEqual(3, self.ctl("run", self.path("quick.yaml")).returncode)
        with self.assertRaises(AssertionError):
            self.valves.await_coil(ald.NB, 1, timeout=2.0, after=begun)
        self.assertEqual(0, self.ctl("reset").returncode)
        self.await_state("Stopped", "Idle")
        return status

    def test_early_in_a_pulse(self):
        self.assertLessEqual(self.kill_in_pulse(0.0), 1.0 + TAIL_S)
        self.restart_is_safe()
        # What the crash left in the chamber is not known: the purge between precursors is asked for first.
        self.run_recipe("--set", "cycles=1", body="    - purge: 6 s\n" + ald.ONE_PULSE)
        self.await_state("Complete", timeout=60)

    def test_in_the_middle_of_a_pulse(self):
        self.assertLessEqual(self.kill_in_pulse(0.7), 1.0 + TAIL_S)
        self.restart_is_safe()

    def test_late_in_a_pulse(self):
        self.assertLessEqual(self.kill_in_pulse(2.35), 1.0 + TAIL_S)

    def test_a_stopped_daemon_is_a_dead_daemon(self):
        """SIGSTOP: the process is there, the sockets too, but nobody feeds the watchdog."""
        self.start_all("--edges", self.path("edges"))
        self.run_recipe("--set", "nb_pulse=4 s")
        self.wire.await_coil(ald.NB, 1)
        begun = time.monotonic()
        self.daemon.child.send_signal(signal.SIGSTOP)
        stopped = time.monotonic()
        try:
            self.assertLessEqual(self.await_edge("nb.valve", 0, after=begun, timeout=5) - stopped, 1.0 + TAIL_S)
            self.assertEqual(0, self.wire.coil(ald.VALVES, ald.NB))
        finally:
            self.daemon.child.send_signal(signal.SIGCONT)
        self.await_state("Aborted")
        self.assertEqual([], self.wire.is_safe())


class Terminate(ald.Test):
    def test_in_a_run(self):
        self.start_all()
        self.run_recipe("--set", "nb_pulse=3 s")
        self.wire.await_coil(ald.NB, 1)
        self.assertEqual(0, self.daemon.end(signal.SIGTERM, timeout=30))
        self.assertEqual([], self.wire.is_safe())
        # Closed in order: all is in the database, its write-ahead log is empty.
        self.assertEqual(0, os.path.getsize(self.db_path + "-wal"))
        run = self.rows("SELECT * FROM run")[0]
        self.assertIn(run["state"], ("Stopped", "Aborted"))
        self.assertTrue(run["reason"])
        self.assertIsNotNone(run["ended_us"])
        self.assertTrue(all(p["width_us"] is not None for p in self.rows("SELECT width_us FROM pulse")))
        # The next start finds nothing to mend.
        self.start_daemon()
        self.await_state("Stopped")

    def test_at_rest(self):
        self.start_all(proxies=False)
        self.assertEqual(0, self.daemon.end(signal.SIGTERM))
        self.assertEqual([], self.wire.is_safe())
        self.assertFalse(os.path.exists(self.socket_path))

    def test_the_tool_is_away_at_start(self):
        """The socket must serve even then: the operator needs it to see why."""
        self.start_sim("--ready")
        self.sim.end()
        self.start_daemon()
        status = self.await_state("Aborted")
        self.assertTrue(status)
        self.assertEqual(3, self.ctl("run", ald.RECIPE).returncode)


if __name__ == "__main__":
    unittest.main()
