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
        # Sealed before the daemon's end, which is the audit's last record: without it the run is still whole.
        self.await_rows("SELECT * FROM run WHERE audit_id_ended IS NOT NULL")
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
        self.the_export_is_whole()
        self.the_archive_is_whole()
        self.a_spoiled_archive_is_found()

    def the_journal_has_heads(self):
        heads = [(m[2], m[1]) for m in HEAD.finditer(self.daemon.log())]
        self.assertEqual(["opened", "run begins", "run ended", "closed"], sorted({w for w, _ in heads}, key=[
            "opened", "run begins", "run ended", "closed"].index))
        self.assertEqual("0:", heads[0][1])
        # The run may be on the disk a moment before the record of who asked for it.
        for head in [h for _, h in heads if h != "0:"]:
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

    # ---- export ----

    def csv(self, what):
        return list(csv.DictReader(io.StringIO(self.ok("export", "1", "--what", what))))

    def the_export_is_whole(self):
        run = self.rows("SELECT * FROM run")[0]
        wanted = {"cycles": "cycle WHERE run_id = 1", "pulses": "pulse WHERE run_id = 1", "base": "base WHERE run_id = 1",
                  "samples": f"sample WHERE t_us BETWEEN {run['started_us']} AND {run['ended_us']}",
                  "audit": f"audit WHERE id BETWEEN {run['audit_id']} AND {run['audit_id_ended'] + 1}"}
        for what, rows in wanted.items():
            self.assertEqual(self.rows(f"SELECT count(*) AS n FROM {rows}")[0]["n"], len(self.csv(what)), what)
        for row, shown in zip(self.rows("SELECT * FROM pulse ORDER BY cycle"), self.csv("pulses")):
            self.assertEqual(row["width_us"], round(float(shown["width (s)"]) * 1e6))
            self.assertEqual(row["pressure_peak"], float(shown["pressure_peak (Torr)"]))
            self.assertRegex(shown["opened"], r"^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$")
        for row, shown in zip(self.rows("SELECT name, unit, value, quality FROM sample JOIN tag ON tag.id = tag_id WHERE "
                                        "t_us BETWEEN ? AND ? ORDER BY tag_id, t_us", run["started_us"], run["ended_us"]),
                              self.csv("samples")):
            self.assertEqual((row["name"], row["unit"]), (shown["tag"], shown["unit"]))
            self.assertEqual(row["value"], float(shown["value"]) if shown["value"] else None)
            self.assertEqual(["good", "uncertain", "bad"][row["quality"]], shown["quality"])
        # A folder has the same tables, JSON the same rows; each file appears whole.
        self.ok("export", "1", "-o", "tables/")
        self.ok("export", "1", "--format", "json", "-o", "run.json")
        with open(self.path("run.json"), encoding="utf-8") as f:
            said = json.load(f)
        self.assertEqual((1, 1, run["recipe_text"]), (said["format"], said["run"]["run"], said["run"]["recipe_text"]))
        for what in list(wanted) + ["events"]:
            with open(self.path(f"tables/{what}.csv"), encoding="utf-8", newline="") as f:
                rows = list(csv.reader(f))
            self.assertEqual(said[what]["columns"], rows[0])
            self.assertEqual(len(said[what]["rows"]), len(rows) - 1)
            self.documented(what, rows[0])
        self.assertEqual(sorted(f"{w}.csv" for w in list(wanted) + ["events"]), sorted(os.listdir(self.path("tables"))))
        for words, code in ((["1", "--format", "xml"], 2), (["1", "--what", "pulse"], 2), (["x"], 2), (["7"], 1),
                            (["1", "--format", "json", "--what", "pulses"], 2), (["1", "-o", "no/such/file"], 1),
                            (["1", "--what", "pulses", "-o", "tables"], 2)):
            self.assertEqual(code, self.ctl("export", *words).returncode, words)

    def documented(self, what, head):
        """The man page has exactly these columns, in this order."""
        with open(os.path.join(ald.TOP, "config", "ald-export.5"), encoding="utf-8") as f:
            page = f.read()
        section = re.search(rf"^\.Ss {what}\n(.*?)^\.S[sh] ", page, re.S | re.M)[1]
        self.assertEqual(re.findall(r"^\.It Ic (.*)$", section, re.M), [h.replace("Torr", "gauge") for h in head])

    # ---- archive ----

    def the_archive_is_whole(self):
        said = self.ok("archive", "1", "-o", "run.tar.xz")
        self.assertIn("whole: run 1, quick, Complete", said)
        closing = re.search(r"audit head (\d+:[0-9a-f]{64})", said)[1]
        self.assertIn(closing, [h for h, _ in HEAD.findall(self.daemon.log())], "the journal has told the same head")
        self.ok("archive", "1", "-o", "again.tar.xz")
        with open(self.path("run.tar.xz"), "rb") as a, open(self.path("again.tar.xz"), "rb") as b:
            self.assertEqual(a.read(), b.read())
        self.assertFalse([n for n in os.listdir(self.dir) if "XX" in n or ".members." in n])
        # On another machine: what everybody has, then ours, without daemon and database.
        subprocess.run(["tar", "-xJf", self.path("run.tar.xz")], cwd=self.dir, check=True)
        subprocess.run(["sha256sum", "--strict", "--quiet", "-c", "SHA256SUMS"], cwd=self.path("run-1"), check=True)
        with open(self.path("run-1/report.html"), encoding="utf-8") as f:
            page = f.read()
        self.assertIn("<svg", page)
        self.assertIn("quick", page)
        alone = ["--socket", "nobody", "--db", "nothing"]
        for words in (["archive", "--verify", "run.tar.xz"], ["archive", "--verify", "run.tar.xz", "--head", closing]):
            done = self.ctl(*alone, *words)
            self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        wrong = closing[:-1] + ("0" if closing[-1] != "0" else "1")
        self.assertEqual(1, self.ctl("archive", "--verify", "run.tar.xz", "--head", wrong).returncode)
        inner = self.path("run-1/run.sqlite")
        for words in (["report", "1"], ["replay", "1"], ["export", "1"], ["audit", "verify"], ["latency", "1"]):
            done = self.ctl("--socket", "nobody", "--db", inner, *words)
            self.assertEqual(0, done.returncode, done.stdout + done.stderr)
            if words[0] in ("report", "export"):
                self.assertEqual(self.ok(*words), done.stdout)
        self.assertEqual(1, self.ctl("archive", "9", "-o", "x.tar.xz").returncode)
        self.assertEqual(2, self.ctl("archive", "1").returncode)
        # The daemon records nothing into it.
        refused = self.start("aldd", self.daemon_args(db=inner))
        with open(inner, "rb") as f:
            before = f.read()
        self.assertRegex(self.await_log(refused, "the record is not sound"), "extract of one run")
        refused.end()
        with open(inner, "rb") as f:
            self.assertEqual(before, f.read())

    def await_log(self, program, words):
        while words not in (log := program.log()):
            self.assertIsNone(program.child.poll(), log)
        return log

    def spoiled(self, name, change):
        """The archive packed anew with members changed, as somebody would who knows how."""
        with tarfile.open(self.path("run.tar.xz")) as tar:
            members = {m.name: tar.extractfile(m).read() for m in tar}
        change(members)
        with tarfile.open(self.path(name), "w:xz") as tar:
            for n, data in members.items():
                info = tarfile.TarInfo(n)
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
        done = self.ctl("archive", "--verify", name)
        self.assertEqual(1, done.returncode, done.stdout)
        return done.stdout

    def edited(self, members, sql):
        """The database changed, and the sums made to fit."""
        path = self.path("inner.db")
        with open(path, "wb") as f:
            f.write(members["run-1/run.sqlite"])
        with sqlite3.connect(path) as con:
            self.assertGreater(con.execute(sql).rowcount, 0)
        con.close()
        with open(path, "rb") as f:
            members["run-1/run.sqlite"] = f.read()
        members["run-1/SHA256SUMS"] = "".join(
            f"{hashlib.sha256(data).hexdigest()}  {name[6:]}\n" for name, data in members.items()
            if not name.endswith("SUMS")).encode()

    def a_spoiled_archive_is_found(self):
        def put(name, data):
            return lambda m: m.__setitem__(f"run-1/{name}", data)

        for words, change in (
                ("pulses.csv was changed", put("pulses.csv", b"cycle\n")),
                ("recipe.yaml was changed", put("recipe.yaml", b"format: 1\n")),
                ("run.sqlite was changed", lambda m: m.__setitem__("run-1/run.sqlite", m["run-1/run.sqlite"][:-4096])),
                ("extra.txt is no member", put("extra.txt", b"")),
                ("tool.yaml is missing", lambda m: m.pop("run-1/tool.yaml")),
                ("SHA256SUMS is missing", lambda m: m.pop("run-1/SHA256SUMS")),
                ("of another run", lambda m: m.__setitem__("../evil", b"")),
                ("run 1 was changed", lambda m: self.edited(m, "UPDATE pulse SET width_us = 1 WHERE cycle = 1")),
                ("record 2 was changed", lambda m: self.edited(m, "UPDATE audit SET user = 'eve' WHERE id = 2")),
                ("record 1 is missing", lambda m: self.edited(m, "DELETE FROM audit WHERE id = 1")),
                ("closing record is missing", lambda m: self.edited(
                    m, "DELETE FROM audit WHERE id = (SELECT max(id) FROM audit)")),
                ("its SHA-256 differs", lambda m: self.edited(m, "UPDATE run SET tool_text = tool_text || ' '"))):
            self.assertIn(words, self.spoiled("spoiled.tar.xz", change))
        # Flipped bits, wherever they are; a file that ends early or goes on.
        with open(self.path("run.tar.xz"), "rb") as f:
            good = f.read()
        random.seed(7)
        flips = int(os.environ.get("ALD_FLIPS", 40))
        places = [random.randrange(len(good) * 8) for _ in range(flips)] + [i * 8 for i in range(6)] + [
            (len(good) - 1 - i) * 8 for i in range(14)]
        for place in places:
            bad = bytearray(good)
            bad[place // 8] ^= 1 << (place % 8)
            self.path("bad.tar.xz")
            with open(self.path("bad.tar.xz"), "wb") as f:
                f.write(bad)
            self.assertEqual(1, self.ctl("archive", "--verify", "bad.tar.xz").returncode, f"bit {place}")
        for bad in (good[:-1], good[:len(good) // 2], b"", good + b"x", good + good):
            with open(self.path("bad.tar.xz"), "wb") as f:
                f.write(bad)
            self.assertEqual(1, self.ctl("archive", "--verify", "bad.tar.xz").returncode, len(bad))


if __name__ == "__main__":
    unittest.main()
