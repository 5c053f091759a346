"""The audit chain of a real run (SAFETY L5), its export and its archive: what was recorded verifies, and what was changed shows."""
import csv
import hashlib
import io
import json
import os
import random
import re
import shutil
import sqlite3
import subprocess
import tarfile
import unittest

import ald

HEAD = re.compile(r"aldd: audit head (\d+:[0-9a-f]*) \(([a-z ]+)\)")


class Record(ald.Test):
    def ok(self, *args, timeout=60):
        done = self.ctl(*args, timeout=timeout)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        return done.stdout

    def make_run(self):
        """One run of two cycles, held once in between; the daemon has ended."""
        self.start_all(proxies=False)
        client = self.subscriber()
        self.run_recipe("--set", "nb_pulse=200 ms")
        self.wire.await_coil(ald.NB, 1)
        self.ok("hold")
        client.await_state("Held")
        self.ok("resume")
        client.await_state("Complete", timeout=90)
        self.stop_daemon()

    def changed(self, name, sql, db=None):
        path = self.path(name)
        shutil.copy(db or self.db_path, path)
        with sqlite3.connect(path) as con:
            self.assertGreater(con.execute(sql).rowcount, 0, sql)
        con.close()
        return path

    def test_a_run_can_be_proven(self):
        self.make_run()
        self.the_journal_has_heads()
        self.a_change_shows()

    def the_journal_has_heads(self):
        heads = [(m[2], m[1]) for m in HEAD.finditer(self.daemon.log())]
        self.assertEqual(["opened", "run begins", "run ended", "closed"], sorted({w for w, _ in heads}, key=[
            "opened", "run begins", "run ended", "closed"].index))
        self.assertEqual("0:", heads[0][1])
        for _, head in heads[1:]:
            said = self.ok("audit", "verify", "--head", head)
            self.assertTrue(said.startswith("whole: "), said)
        self.head = heads[-1][1]
        rows = self.rows("SELECT * FROM audit ORDER BY id")
        self.assertEqual(int(self.head.split(":")[0]), rows[-1]["id"])
        # The daemon's own words and SQLite's do: the first links by hand.
        prev = ""
        for row in rows:
            said = json.dumps([row[k] for k in ("id", "t_us", "uid", "pid", "user", "role", "command", "arguments",
                                                "state_before", "state_after", "result")],
                              separators=(",", ":"), ensure_ascii=False)
            self.assertEqual(hashlib.sha256(f"{prev}\n{said}".encode()).hexdigest(), row["sha256"])
            prev = row["sha256"]
        said = json.loads(self.ok("audit", "verify", "--json"))
        self.assertEqual((True, len(rows), 1, 1), (said["ok"], said["records"], said["runs"], said["closed"]))
        self.assertEqual(self.head, f"{said['head']}:{said['head_sha256']}")
        listed = json.loads(self.ok("audit", "--limit", "1000", "--json"))
        self.assertEqual([r["id"] for r in rows], [r["id"] for r in reversed(listed)])
        self.assertIn("hold", self.ok("audit"))

    def a_change_shows(self):
        for n, (sql, words) in enumerate([
                ("UPDATE audit SET user = 'eve' WHERE id = 2", "record 2 was changed"),
                ("DELETE FROM audit WHERE id = 2", "record 2 is missing"),
                ("UPDATE pulse SET width_us = width_us - 1 WHERE cycle = 2", "run 1 was changed"),
                ("UPDATE event SET text = 'all is well' WHERE id = (SELECT max(id) FROM event WHERE run_id = 1)",
                 "run 1 was changed"),
                ("UPDATE input SET payload = zeroblob(length(payload)) WHERE n = (SELECT n FROM input LIMIT 1 OFFSET 2)",
                 "its tape")]):
            done = self.ctl("--db", self.changed(f"changed{n}.db", sql), "audit", "verify")
            self.assertEqual(1, done.returncode, done.stdout)
            self.assertIn(words, done.stdout)
        cut = self.changed("cut.db", "DELETE FROM audit WHERE id = (SELECT max(id) FROM audit)")
        self.assertEqual(0, self.ctl("--db", cut, "audit", "verify").returncode)
        done = self.ctl("--db", cut, "audit", "verify", "--head", self.head)
        self.assertEqual(1, done.returncode)
        self.assertIn("what followed is missing", done.stdout)
        self.assertEqual(2, self.ctl("audit", "verify", "--head", "12").returncode)
        self.assertEqual(2, self.ctl("audit", "verfy").returncode)


if __name__ == "__main__":
    unittest.main()
