"""aldctl replay: a recorded run is decided the same once more; a changed core, a changed record and a record that ends early are
exposed."""
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import unittest

import ald

BLOCKS = """format: 1
blocks:
  dose:
    - pulse: nb
      for: $nb_pulse
    - purge: $purge
"""
BODY = """    - repeat: $cycles
      do:
        - use: dose
"""


class Replay(ald.Test):
    def start_run(self, *sets):
        self.path("blocks.yaml", BLOCKS)
        recipe = self.path("quick.yaml", ald.QUICK.format(body=BODY) + "include: [blocks.yaml]\n")
        self.start_all(proxies=False)
        done = self.ctl("run", recipe, "--set", "nb_pulse=200 ms", *sets)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)

    def replay(self, program="aldctl", db=None, **env):
        """Its exit code, its JSON, and what it says to people."""
        answers = [subprocess.run([os.path.join(ald.BUILD, program), "replay", "1", "--db", db or self.db_path, *more],
                                  capture_output=True, encoding="utf-8", timeout=120, cwd=self.dir,
                                  env=dict(os.environ, ALD_SOCKET="nobody", **env)) for more in ((), ("--json",))]
        self.assertEqual(answers[0].returncode, answers[1].returncode)
        for answer in answers:
            print(answer.stdout, answer.stderr)
        return answers[0].returncode, json.loads(answers[1].stdout), answers[0].stdout + answers[0].stderr

    def changed(self, name, sql):
        """A copy of the database, changed."""
        path = self.path(name)
        shutil.copy(self.db_path, path)
        db = sqlite3.connect(path)
        db.execute("PRAGMA journal_mode=DELETE")
        self.assertGreater(db.execute(sql).rowcount, 0, sql)
        db.commit()
        db.close()
        return path

    def test_a_run_is_decided_the_same_unless_something_changed(self):
        self.start_run("--set", "cycles=2")
        # A run like any other: held, gone on with, questions and a refused command in it.
        self.wire.await_coil(ald.NB, 1)
        self.assertEqual(0, self.ctl("hold").returncode)
        self.await_state("Held")
        self.assertEqual(3, self.ctl("run", self.path("quick.yaml")).returncode)
        self.assertEqual(0, self.ctl("tags").returncode)
        self.assertEqual(0, self.ctl("resume").returncode)
        self.await_state("Complete", timeout=90)

        # Beside the daemon that goes on writing.
        self.wait_for_end()
        code, said, text = self.replay()
        self.assertEqual(0, code, text)
        self.assertEqual(("same", True, 0, ""), (said["verdict"], said["complete"], said["lost"], said["why"]))
        self.assertIn("decided the same", text)
        run = self.rows("SELECT * FROM run")[0]
        self.assertAlmostEqual((run["ended_us"] - run["started_us"]) / 1e6, said["duration_s"], delta=0.001)
        rows = self.rows("SELECT n, t_us, kind, length(payload) AS bytes FROM input WHERE run_id = 1 ORDER BY n")
        self.assertEqual(["snapshot", "end"], [rows[0]["kind"], rows[-1]["kind"]])
        self.assertEqual({"events"}, {r["kind"] for r in rows[1:-1]})
        self.assertEqual(said["events"] + 1, rows[-1]["n"])
        self.assertGreater(said["events"], 20 * said["duration_s"])
        self.assertEqual(run["started_us"], rows[0]["t_us"])
        used = sum(r["bytes"] or 0 for r in rows)
        print(f"{used / said['duration_s']:.0f} bytes/s, {used / said['events']:.1f} bytes an event, "
              f"{said['events'] / said['duration_s']:.1f} events/s, image {rows[0]['bytes']} bytes")
        self.assertLess(used / said["duration_s"], 4000)

        # Without the daemon, and with no permission to write.
        self.assertEqual(0, self.daemon.end())
        os.chmod(self.db_path, 0o444)
        code, alone, text = self.replay()
        self.assertEqual(0, code, text)
        self.assertEqual(said, alone)
        os.chmod(self.db_path, 0o644)

        self.a_changed_core_is_exposed(said)
        self.a_changed_record_is_exposed(rows)

    def wait_for_end(self):
        """The row that closes the tape is committed at once, but not before the client sees Complete."""
        while not self.rows("SELECT 1 FROM input WHERE kind = 'end'"):
            self.assertIsNone(self.daemon.child.poll())

    def a_changed_core_is_exposed(self, said):
        """A pulse planned a microsecond longer is another decision: in the turn that hands it over."""
        code, changed, text = self.replay(program="tests/aldctl-changed")
        self.assertEqual((1, "different"), (code, changed["verdict"]), text)
        pulse = self.rows("SELECT planned_open_us FROM pulse ORDER BY planned_open_us")[0]["planned_open_us"]
        start = self.rows("SELECT started_us FROM run")[0]["started_us"]
        self.assertAlmostEqual((pulse - start) / 1e6, changed["difference"]["at_s"], delta=0.06)
        self.assertTrue(any(d.startswith("pulse nb.valve") and d.endswith("200.001 ms")
                            for d in changed["difference"]["decided"]), changed["difference"])
        self.assertLess(changed["events"], said["events"])
        self.assertIn("decided otherwise", text)
        self.assertIn(f"event {changed['difference']['event']} ", text)

        # One that fails takes no answer with it.
        code, failed, text = self.replay(program="tests/aldctl-changed", CHANGED_CORE_FAILS="1")
        self.assertEqual((1, "impossible"), (code, failed["verdict"]), text)
        self.assertIn("into a fault (Aborted)", failed["why"])
        self.assertIn("into a fault (Aborted)", text)

    def a_changed_record_is_exposed(self, rows):
        middle = rows[len(rows) // 2]
        for name, n, why in (("event.db", middle["n"], f"after event {middle['n'] - 1}"),
                             ("image.db", 0, "the snapshot is damaged")):
            # Another byte than was there, whichever that is.
            spoiled = bytearray(self.rows("SELECT payload FROM input WHERE n = ?", n)[0]["payload"])
            spoiled[40] ^= 0x5a
            code, said, text = self.replay(
                db=self.changed(name, f"UPDATE input SET payload = x'{spoiled.hex()}' WHERE n = {n}"))
            self.assertEqual((1, "impossible"), (code, said["verdict"]), text)
            self.assertIn(why, said["why"])
            self.assertIn(why, text)
        code, said, text = self.replay(db=self.changed("row.db", f"DELETE FROM input WHERE n = {middle['n']}"))
        self.assertEqual((1, f"events are missing after event {middle['n'] - 1}"), (code, said["why"]), text)
        for column in ("recipe_text", "tool_text"):
            code, said, text = self.replay(db=self.changed(column + ".db", f"UPDATE run SET {column} = {column} || '# x\n'"))
            self.assertEqual((1, "impossible"), (code, said["verdict"]), text)
            self.assertIn("SHA-256", said["why"])
        self.an_image_of_another_build_is_refused()
        code, said, text = self.replay(db=self.changed("none.db", "DELETE FROM input"))
        self.assertEqual(1, code)
        self.assertIn("no inputs", said["why"])

    def an_image_of_another_build_is_refused(self):
        """Another layout at its head, and a right sum (FNV-1a) at its end."""
        image = bytearray(self.rows("SELECT payload FROM input WHERE n = 0")[0]["payload"])
        image[0] ^= 1
        hash64 = 0xcbf29ce484222325
        for byte in image[:-8]:
            hash64 = (hash64 ^ byte) * 0x100000001b3 & (1 << 64) - 1
        image[-8:] = hash64.to_bytes(8, "little")
        db = self.changed("other.db", f"UPDATE input SET payload = x'{image.hex()}' WHERE n = 0")
        other = sqlite3.connect(db)
        other.execute("UPDATE run SET version = 'v0.1'")
        other.commit()
        other.close()
        code, said, text = self.replay(db=db)
        self.assertEqual((1, "impossible"), (code, said["verdict"]), text)
        self.assertIn("recorded by version v0.1, which lays out the core otherwise; this is", text)

    def test_a_killed_daemon_leaves_what_reached_the_disk(self):
        self.start_run("--set", "cycles=20")
        self.wire.await_coil(ald.NB, 1)
        self.wire.await_coil(ald.NB, 0)
        while len(self.rows("SELECT n FROM input")) < 6:
            self.assertIsNone(self.daemon.child.poll())
        code, said, text = self.replay()
        self.assertEqual((0, False), (code, said["complete"]), text)
        self.assertIn("the run is still under way", text)
        self.daemon.expected = {-signal.SIGKILL}
        self.daemon.end(signal.SIGKILL)
        self.start_daemon()
        code, said, text = self.replay()
        self.assertEqual((0, "same", False), (code, said["verdict"], said["complete"]), text)
        last = self.rows("SELECT max(n) AS n FROM input")[0]["n"]
        self.assertGreaterEqual(said["events"], last)
        self.assertRegex(text, rf"reach to event {said['events']}, .* after the start; there the daemon was killed")

    def test_a_daemon_told_to_end_ends_the_tape(self):
        """Every kind of command, the signal too: the run ends in order, and so does its tape."""
        self.start_run("--set", "cycles=20")
        self.wire.await_coil(ald.NB, 1)
        self.assertEqual(0, self.ctl("hold", "--now").returncode)
        self.await_state("Held")
        for words in (["bypass", "lid.closed", "--for", "1 min", "--reason", "test"], ["unbypass", "lid.closed"], ["ack"],
                      ["shelve", "no-carrier", "--for", "5 min", "--reason", "test"], ["unshelve", "no-carrier"],
                      ["open", "water", "--for", "100 ms"], ["close", "water"], ["set", "carrier.flow", "20 sccm"],
                      ["control", "release"], ["control", "take"], ["confirm"], ["reset"], ["resume", "--repeat"]):
            self.assertIn(self.ctl(*words).returncode, (0, 3), words)
        self.await_state("Execute")
        self.assertEqual(0, self.daemon.end())
        code, said, text = self.replay()
        self.assertEqual((0, "same", True), (code, said["verdict"], said["complete"]), text)

    def test_what_is_not_there(self):
        self.start_all(proxies=False)
        self.assertEqual(2, self.ctl("replay", "x").returncode)
        self.assertEqual(2, self.ctl("replay").returncode)
        done = self.ctl("replay", "7")
        self.assertEqual(1, done.returncode)
        self.assertIn("no run 7", done.stderr)


if __name__ == "__main__":
    unittest.main()
