"""The reference recipe, end to end, and what the record says of it."""
import collections
import hashlib
import json
import os
import statistics
import unittest

import ald

# An edge or width that is off by more is an event: config/rotary-ald.yaml says nothing else.
TOLERANCE_US = 5_000


class Reference(ald.Test):
    """Two cycles of the published recipe while the gauge is polled at 20 Hz or faster. It looks at times: it runs without
    neighbours. How good they are is told by `make bench`; here each that is off must be told of in the record."""

    alone = True

    def test_two_cycles_are_recorded(self):
        self.start_all()
        done = self.ctl("run", ald.RECIPE, "--set", "cycles=2", "--set", "purge=5 s", "--set", "base=1 s", "--set",
                        "settle=1 s", "--set", "cool=120 degC", "--wait", timeout=200)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        self.stop_daemon()  # the end of the run is in the record later than on the socket

        run = self.rows("SELECT * FROM run")
        self.assertEqual(1, len(run))
        run = run[0]
        self.assertEqual(("nb2o5-nmc532", "Complete"), (run["recipe"], run["state"]))
        # S5, T8: the record holds the recipe and the cause-and-effect file that were in force.
        for column, path in (("recipe", ald.RECIPE), ("tool", ald.TOOL)):
            with open(path, "rb") as f:
                text = f.read()
            self.assertEqual(text.decode(), run[column + "_text"])
            self.assertEqual(hashlib.sha256(text).hexdigest(), run[column + "_sha256"])
        self.assertIn("cycles", json.loads(run["parameters"]))
        self.assertGreater(run["ended_us"], run["started_us"])

        pulses = self.rows("SELECT * FROM pulse ORDER BY planned_open_us")
        self.assertEqual(["nb", "water", "nb", "water"], [p["precursor"] for p in pulses])
        self.assertEqual([1, 1, 2, 2], [p["cycle"] for p in pulses])
        late, offs_us = collections.Counter(), []
        for p in pulses:
            width_us = 1_000_000 if p["precursor"] == "nb" else 100_000
            self.assertEqual(width_us, p["planned_width_us"])
            wide_us, open_us = p["width_us"] - width_us, p["opened_us"] - p["planned_open_us"]
            # V8: open once in its cycle, for as long as said; by more the run would have been held.
            self.assertLessEqual(abs(wide_us), max(10 * TOLERANCE_US, width_us // 5), p)
            offs_us.append(max(abs(wide_us), abs(open_us), abs(p["closed_us"] - p["planned_open_us"] - width_us)))
            if offs_us[-1] > TOLERANCE_US:
                late[p["path"]] += 1
        told = self.rows("SELECT text FROM event WHERE kind = 'pulse' AND severity <> 'info'")
        self.assertEqual(late, collections.Counter(e["text"].split(":")[0] for e in told), told)
        # A machine that takes its cores away makes one late, not most.
        if not ald.SANITIZED:
            self.assertLessEqual(statistics.median(offs_us), TOLERANCE_US, offs_us)
        cycle_us = pulses[2]["planned_open_us"] - pulses[0]["planned_open_us"]
        # Wall time beside a monotonic plan: each is rounded for itself.
        self.assertAlmostEqual(11_100_000, cycle_us, delta=100)
        self.assertEqual([1, 2], [c["n"] for c in self.rows("SELECT n FROM cycle ORDER BY n")])

        # The wire agrees with the record, and the gauge was polled at 20 Hz or faster all along.
        for address, precursor in ((ald.NB, "nb"), (ald.WATER, "water")):
            recorded = [p["width_us"] / 1e6 for p in pulses if p["precursor"] == precursor]
            seen = self.valves.widths(address)
            self.assertEqual(len(recorded), len(seen))
            for a, b in zip(recorded, seen):
                self.assertAlmostEqual(a, b, delta=0.2 if ald.SANITIZED else 0.02)
        polls = [f.at for f in self.plant.frames if f.is_read() and f.unit == ald.PLANT and f.function == 4]
        self.assertGreaterEqual(len(polls) / (polls[-1] - polls[0]), 15 if ald.SANITIZED else 20)
        self.assertFalse(any(f.is_read() and not f.replied_at for f in self.valves.frames), "polls among the edges")

        # People can read it back.
        done = self.ctl("runs", "--json")
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertIn("nb2o5-nmc532", done.stdout)
        done = self.ctl("report", str(run["id"]))
        self.assertEqual(0, done.returncode, done.stderr)
        self.check_latency(pulses)

    def check_latency(self, pulses):
        """What `latency` prints is what the record has: of the last run, of the run by its number, of all."""
        shown = [json.loads(self.ctl("latency", *words, "--json").stdout) for words in ([], ["1"], ["--all"])]
        self.assertEqual([1, 1, None], [s["run"] for s in shown])
        self.assertEqual(shown[0], shown[1])
        self.assertEqual(shown[0]["precursors"], shown[2]["precursors"])
        for line in shown[0]["precursors"]:
            mine = [p for p in pulses if p["precursor"] == line["precursor"]]
            self.assertEqual(len(mine), line["done"])
            late = [p["opened_us"] - p["planned_open_us"] for p in mine]
            close = [p["closed_us"] - p["planned_open_us"] - p["planned_width_us"] for p in mine]
            answer = [p["close_acked_us"] - p["closed_us"] for p in mine]
            self.assertAlmostEqual(max(map(abs, late)), line["opened_late"]["max_s"] * 1e6, places=3)
            self.assertAlmostEqual(max(map(abs, close)), line["closed_late"]["max_s"] * 1e6, places=3)
            self.assertAlmostEqual(max(answer), line["close_answered"]["max_s"] * 1e6, places=3)
            self.assertGreater(min(answer), 0)
        text = self.ctl("latency")
        self.assertEqual(0, text.returncode, text.stderr)
        self.assertIn("opened late", text.stdout)
        self.assertEqual(1, self.ctl("latency", "99").returncode)
        self.assertEqual(2, self.ctl("latency", "1", "--all").returncode)


# Threads that wait for a disk, a terminal or a directory on the network.
ORDINARY = {"store", "journal", "names"}


class Realtime(ald.Test):
    """What was allowed of priority and memory is said once, in the log and in the record."""

    extra = []

    def daemon_args(self, *args, **named):
        return super().daemon_args(*args, **named) + self.extra

    def told(self):
        said = [line for line in self.daemon.log().splitlines() if line.startswith("aldd: real-time priority: ")]
        self.assertEqual(1, len(said), said)
        self.daemon.end()
        rows = self.rows("SELECT severity, text FROM event WHERE kind = 'realtime' ORDER BY id")
        self.assertEqual(said[0], "aldd: " + rows[-1]["text"])
        return rows[-1]

    def test_it_is_said_and_recorded(self):
        self.start_all(proxies=False)
        threads = {}
        pid = self.daemon.child.pid
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/comm", encoding="utf-8") as f:
                name = f.read().strip()
            if name == "aldd" and int(task) != pid:
                continue  # a sanitizer has a thread of its own
            threads[name] = os.sched_getscheduler(int(task)) & ~os.SCHED_RESET_ON_FORK
        row = self.told()
        allowed = "SCHED_FIFO" in row["text"]
        self.assertEqual(allowed and "; memory locked" in row["text"], row["severity"] == "info")
        for name, policy in threads.items():
            raised = allowed and name not in ORDINARY
            self.assertEqual(os.SCHED_FIFO if raised else os.SCHED_OTHER, policy, name)
        self.assertLessEqual(ORDINARY | {"aldd", "bus-valves", "bus-plant"}, set(threads))

    def test_it_can_be_left(self):
        self.extra = ["--no-realtime"]
        self.start_all(proxies=False)
        pid = self.daemon.child.pid
        self.assertEqual({os.SCHED_OTHER}, {os.sched_getscheduler(int(t)) for t in os.listdir(f"/proc/{pid}/task")})
        row = self.told()
        self.assertIn("off (--no-realtime)", row["text"])


class Included(ald.Test):
    """A recipe of several files: all of them are sent, compiled and recorded."""

    recipe = ("format: 1\nrecipe: parts\ntool: rotary-ald\ninclude: [blocks.yaml]\nphases:\n  a:\n    - use: rest\n")
    blocks = "format: 1\nblocks:\n  rest:\n    - wait: 100 ms\n"

    def test_what_is_recorded_holds_every_text(self):
        self.start_all(proxies=False)
        path = self.path("parts.yaml", self.recipe)
        done = self.ctl("run", path)
        self.assertEqual(1, done.returncode, "an included file that is not there")
        self.assertIn("blocks.yaml", done.stderr)
        self.path("blocks.yaml", self.blocks)
        done = self.ctl("run", path, "--wait")
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        self.stop_daemon()
        run = self.rows("SELECT * FROM run")[0]
        text = self.recipe + "# ---- include: blocks.yaml ----\n" + self.blocks
        self.assertEqual(text, run["recipe_text"])
        self.assertEqual(hashlib.sha256(text.encode()).hexdigest(), run["recipe_sha256"])

    def test_errors_in_an_included_file_come_back(self):
        self.start_all(proxies=False)
        self.path("blocks.yaml", self.blocks.replace("100 ms", "100"))
        done = self.ctl("run", self.path("parts.yaml", self.recipe))
        self.assertEqual(1, done.returncode)
        self.assertIn("blocks.yaml:4:13: error:", done.stdout + done.stderr)


class Commands(ald.Test):
    """hold, resume, stop, abort and reset through the real programs."""

    def test_hold_lets_the_pulse_end_and_resume_completes(self):
        self.start_all()
        self.run_recipe("--set", "cycles=1")
        opened = self.valves.await_coil(ald.NB, 1)
        self.assertEqual(0, self.ctl("hold").returncode)
        self.await_state("Held")
        closed = self.valves.await_coil(ald.NB, 0, after=opened.at)
        self.assertAlmostEqual(1.0, closed.at - opened.at, delta=0.2)
        self.assertEqual(0, self.ctl("resume").returncode)
        self.await_state("Complete", timeout=60)
        self.assertEqual(1, len(self.valves.widths(ald.NB)))

    def test_hold_now_cuts_the_pulse_and_resume_repeats_it(self):
        self.start_all()
        self.run_recipe("--set", "cycles=1", "--set", "nb_pulse=3 s")
        opened = self.valves.await_coil(ald.NB, 1)
        self.assertEqual(0, self.ctl("hold", "--now").returncode)
        closed = self.valves.await_coil(ald.NB, 0, after=opened.at)
        self.assertLess(closed.at - opened.at, 2.5)
        self.await_state("Held")
        self.assertEqual(0, self.ctl("resume").returncode)
        self.await_state("Complete", timeout=60)
        self.stop_daemon()
        pulses = self.rows("SELECT attempt, outcome, width_us FROM pulse ORDER BY attempt")
        self.assertEqual([1, 2], [p["attempt"] for p in pulses])
        self.assertLess(pulses[0]["width_us"], 2_500_000)
        self.assertAlmostEqual(3_000_000, pulses[1]["width_us"], delta=100_000)

    def test_abort_closes_at_once_and_reset_clears(self):
        self.start_all()
        self.run_recipe("--set", "nb_pulse=4 s")
        opened = self.valves.await_coil(ald.NB, 1)
        self.assertEqual(0, self.ctl("abort").returncode)
        closed = self.valves.await_coil(ald.NB, 0, after=opened.at)
        self.assertLess(closed.at - opened.at, 2.0)
        self.await_state("Aborted")
        self.assertEqual([], self.wire.is_safe())
        recipe = self.path("quick.yaml")
        self.assertEqual(3, self.ctl("run", recipe).returncode)
        self.assertEqual(0, self.ctl("reset").returncode)
        self.await_state("Stopped", "Idle")
        self.run_recipe("--set", "cycles=1")
        self.await_state("Complete", timeout=60)
        self.stop_daemon()
        self.assertEqual(["Aborted", "Complete"], [r["state"] for r in self.rows("SELECT state FROM run ORDER BY id")])

    def test_stop_ends_in_order(self):
        self.start_all()
        self.run_recipe()
        opened = self.valves.await_coil(ald.NB, 1)
        self.assertEqual(0, self.ctl("stop").returncode)
        closed = self.valves.await_coil(ald.NB, 0, after=opened.at)
        self.assertAlmostEqual(1.0, closed.at - opened.at, delta=0.2)
        self.await_state("Stopped", timeout=60)
        self.stop_daemon()
        self.assertEqual("Stopped", self.rows("SELECT state FROM run")[0]["state"])

    def test_exit_codes_of_the_client(self):
        self.assertEqual(4, self.ctl("status").returncode)
        self.assertEqual(2, self.ctl("no-such-command").returncode)
        self.start_all(proxies=False)
        self.assertEqual(0, self.ctl("status").returncode)
        self.assertEqual(3, self.ctl("resume").returncode)
        self.assertEqual(1, self.ctl("run", self.path("bad.yaml", "format: 1\n")).returncode)
        for listing in ("status", "tags", "interlocks", "runs"):
            done = self.ctl(listing, "--json")
            self.assertEqual(0, done.returncode, done.stderr)
            json.loads(done.stdout)


if __name__ == "__main__":
    unittest.main()
