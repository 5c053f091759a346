"""A run that a crash ended, gone on with: its record says where it was, and the second run does the rest, each pulse once."""
import json
import os
import signal
import sqlite3
import subprocess
import time
import unittest

import ald

# A supercycle: two doses, then one more, in each of two passes; the dose comes from a file beside it. Pulses are long enough to be
# cut short for sure, however busy the machine is.
BLOCKS = """format: 1
blocks:
  dose:
    - pulse: nb
      for: $nb_pulse
    - purge: $purge
"""
BODY = """    - repeat: $cycles
      do:
        - repeat: 2
          do:
            - use: dose
        - use: dose
"""
PULSES = [(cycle, path) for cycle in (1, 2) for path in ("coat[2]/1", "coat[2]/2", "coat[5]")]


class Resume(ald.Test):
    def start_run(self):
        self.path("blocks.yaml", BLOCKS)
        self.text = ald.QUICK.format(body=BODY).replace("  - purge: 5 s\n", "  - purge: 1 s\ninclude: [blocks.yaml]\n")
        self.recipe = self.path("quick.yaml", self.text)
        self.start_all()
        done = self.ctl("run", self.recipe, "--set", "nb_pulse=1 s", "--set", "purge=400 ms", "--set",
                        "cycles=2")
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)

    def await_pulse(self, n):
        """Until the n-th pulse opens on the wire, and the record has it, too: a crash must find it there."""
        at = 0.0
        for _ in range(n):
            at = self.valves.await_coil(ald.NB, 1, after=at).at + 0.05
        self.await_rows("SELECT * FROM pulse WHERE run_id = 1", n)

    def kill(self):
        self.daemon.expected = {-signal.SIGKILL}
        self.daemon.end(signal.SIGKILL)

    def restart(self):
        self.start_daemon()
        self.await_state("Aborted")
        self.assertEqual(0, self.ctl("reset").returncode)
        self.await_state("Stopped", "Idle")

    def resume(self, *args):
        done = self.ctl("run", "--resume", *args)
        print(done.stdout, done.stderr)
        return done

    def done(self):
        """The pulses that were done, in the order in which they were planned."""
        return [(p["cycle"], p["path"]) for p in
                self.rows("SELECT * FROM pulse WHERE outcome = 'done' ORDER BY planned_open_us")]

    def refused(self, words, *args, code=3, hint=True):
        done = self.resume(*args)
        self.assertEqual(code, done.returncode, done.stdout + done.stderr)
        self.assertRegex(done.stdout + done.stderr, words)
        if hint:  # what would be accepted
            self.assertRegex(done.stdout + done.stderr, r"\n  hint +\S")

    def forged(self, sql):
        """The record, changed: the daemon goes by what aldctl reads there."""
        path = os.path.join(self.dir, "forged.db")
        source, db = sqlite3.connect(self.db_path), sqlite3.connect(path)
        source.backup(db)
        source.close()
        db.execute("PRAGMA journal_mode=DELETE")
        self.assertGreater(db.execute(sql).rowcount, 0, sql)
        db.commit()
        db.close()
        return ("--db", path)

    def test_killed_in_a_pulse_and_again(self):
        self.start_run()
        self.await_pulse(2)
        self.kill()
        self.restart()
        run = self.rows("SELECT * FROM run")[0]
        self.assertEqual("Aborted", run["state"])
        self.assertEqual("phase coat, cycle 1, coat[2]/2: pulse nb interrupted", run["last_step"])
        self.assertIn("; last step: " + run["last_step"], run["reason"])
        self.assertEqual(PULSES[:1], self.done())
        self.look_at_refusals()

        done = self.resume("1")
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        self.assertIn("run 2 goes on with run 1 as soon as an operator confirms", done.stdout)
        status = self.await_question()
        self.assertIn("Go on with run 1 at cycle 1: pulse nb again (attempt 2)?", status["asks"])
        self.assertEqual("resume", status["phase"])
        self.assertEqual([1, 1], [p["run_id"] for p in self.rows("SELECT run_id FROM pulse")])
        self.assertEqual(0, self.ctl("confirm").returncode)

        # Killed once more, held: its last pulse was done, since it was open when the hold came; one that was handed over and not
        # open yet would have been revoked.
        self.await_rows("SELECT * FROM pulse WHERE run_id = 2 AND outcome = 'done'", 1)
        client = self.subscriber()
        self.valves.await_coil(ald.NB, 1, after=time.monotonic())
        client.call("hold")
        client.await_state("Held")
        client.close()
        self.await_rows("SELECT * FROM run WHERE id = 2 AND state = 'Held'")  # and with it the end of the pulse
        self.kill()
        self.restart()
        run = self.rows("SELECT * FROM run WHERE id = 2")[0]
        self.assertEqual((1, 1, "coat[2]/2", 1),
                         (run["resumes"], run["resumes_cycle"], run["resumes_path"], run["resumes_attempt"]))
        at = self.pulse()
        self.assertEqual("done", at["outcome"])
        self.assertEqual(f"phase coat, cycle {at['cycle']}, {at['path']}: pulse nb done", run["last_step"])
        self.refused("run 1 was gone on with already, by run 2", "1")

        # And while it prepares: the fourth run goes on where the third one would have.
        self.assertEqual(0, self.resume("2").returncode)
        self.await_question()
        self.await_rows("SELECT * FROM event WHERE run_id = 3 AND text LIKE 'goes on with run %'")
        self.kill()
        self.restart()
        run = self.rows("SELECT * FROM run WHERE id = 3")[0]
        self.assertIn(f"goes on with run 2 behind cycle {at['cycle']}, {at['path']}", run["last_step"])
        done = self.resume("3", self.recipe)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        self.await_question()
        self.assertEqual(0, self.ctl("confirm").returncode)
        self.await_state("Complete", timeout=60)

        self.await_rows("SELECT * FROM run WHERE id = 4 AND ended_us IS NOT NULL")
        self.assertEqual(PULSES, self.done())
        rows = self.rows("SELECT run_id, cycle, path, attempt, outcome FROM pulse WHERE outcome != 'done' OR attempt > 1"
                         " ORDER BY run_id")
        self.assertEqual([(1, 1, "coat[2]/2", 1, "interrupted"), (2, 1, "coat[2]/2", 2, "done")],
                         [tuple(r.values()) for r in rows])
        self.assertEqual([1, 2], [r["n"] for r in self.rows("SELECT n FROM cycle WHERE ended_us IS NOT NULL ORDER BY n")])
        self.refused("run 4 is complete", "4")
        for run in (2, 4):
            done = self.ctl("replay", str(run), timeout=60)
            self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        self.assertEqual({"run": 3, "cycle": at["cycle"], "path": at["path"], "attempt": 0},
                         json.loads(self.ctl("report", "4", "--json").stdout)["resumes"])
        self.assertIn("goes on with run 1 at cycle 1, coat[2]/2", self.ctl("report", "2").stdout)

    def await_question(self):
        client = self.subscriber()
        client.await_that(lambda: client.status.get("asks"), "a question asked")
        client.close()
        return client.status

    def look_at_refusals(self):
        self.refused("there is no run 7", "7", code=1)
        self.refused("is no run number", "x", code=2, hint=False)
        self.refused("--set does not go with it", "1", "--set", "cycles=2", code=2, hint=False)
        done = self.ctl("run", self.recipe, "--skip")
        self.assertEqual(2, done.returncode)
        self.assertIn("goes with --resume", done.stderr)
        self.assertEqual(2, self.ctl("run").returncode)
        other = self.path("other.yaml", self.text + "# another one\n")
        self.refused("other.yaml is not the recipe of run 1", "1", other)
        # The file beside it counts, too.
        self.path("blocks.yaml", BLOCKS + "# changed\n")
        self.refused("quick.yaml is not the recipe of run 1", "1", self.recipe)
        self.path("blocks.yaml", BLOCKS)
        self.refused("its SHA-256 differs", "1", *self.forged("UPDATE run SET recipe_text = recipe_text || '# more'"))
        self.refused("run 1 ended before its first pulse", "1", *self.forged("DELETE FROM pulse"))
        self.refused("is not the database that this daemon keeps", "1", *self.forged("UPDATE run SET reason = ''"))
        # What the daemon itself looks at.
        run, at = self.rows("SELECT * FROM run")[0], self.pulse()
        self.asked("run 1 was made by version 0.0.1; this is ", run, at, version="0.0.1")
        self.asked("is not that of run 1", run, at, recipe_sha256="0" * 64)
        self.asked("cycle 3 at coat.2./2, is no place", run, at, cycle=3)
        self.asked("run 1 ended behind its last pulse", run, at, cycle=2, path="coat[5]", outcome="done")
        self.await_rows("SELECT * FROM audit WHERE command = 'run' AND result LIKE '%was made by version%'")
        self.assertEqual(1, len(self.rows("SELECT * FROM run")))

    def pulse(self):
        return self.rows("SELECT cycle, path, attempt, outcome FROM pulse ORDER BY planned_open_us DESC LIMIT 1")[0]

    def asked(self, words, run, at, **other):
        """Ask the daemon for it, with something other than what the record tells."""
        client = self.client()
        client.call("upload", name="r", offset=0, text=run["recipe_text"], last=True)
        place = dict(at, run=1, recipe_sha256=run["recipe_sha256"], tool_sha256=run["tool_sha256"],
                     version=run["version"])
        with self.assertRaises(ald.Refused) as caught:
            client.call("run", recipe="r", resumes=dict(place, **other), set=json.loads(run["parameters"]))
        self.assertRegex(str(caught.exception), words)
        client.close()

    def test_another_tool_file(self):
        self.start_run()
        self.await_pulse(1)
        self.kill()
        with open(ald.TOOL, encoding="utf-8") as file:
            text = file.read()
        self.start_daemon(tool=self.path("tool.yaml", text + "\n# another day\n"))
        self.await_state("Aborted")
        self.assertEqual(0, self.ctl("reset").returncode)
        self.await_state("Stopped", "Idle")
        self.refused("the tool file in force .* is not that of run 1", "1")

    def test_after_an_abort(self):
        """Not only a crash: whoever aborts or stops a run may go on with it."""
        self.start_run()
        self.await_pulse(3)
        self.assertEqual(0, self.ctl("abort").returncode)
        self.await_state("Aborted")
        self.assertEqual(0, self.ctl("reset").returncode)
        self.await_state("Stopped", "Idle")
        self.await_rows("SELECT * FROM run WHERE id = 1 AND ended_us IS NOT NULL")
        done = subprocess.Popen([os.path.join(ald.BUILD, "aldctl"), "--socket", self.socket_path, "run", "--resume", "1",
                                 "--wait"], stdout=subprocess.PIPE, encoding="utf-8")
        self.await_question()
        self.await_rows("SELECT * FROM run WHERE id = 2")
        self.refused("run 2 has not ended", "2")
        self.assertEqual(0, self.ctl("confirm").returncode)
        out, _ = done.communicate(timeout=90)
        self.assertEqual(0, done.returncode, out)
        self.assertRegex(out, "run 2 goes on with run 1")
        self.assertEqual(PULSES, self.done())


if __name__ == "__main__":
    unittest.main()
