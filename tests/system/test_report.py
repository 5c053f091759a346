"""aldctl report -o FILE.html: a page that is whole and by itself, says what the JSON says, and in which no text of the record
can act."""
import html.parser
import json
import os
import shutil
import sqlite3
import unittest

import ald

HOSTILE = "<script>alert(1)</script> & <img src=x onerror='alert(2)'>"
BODY = """    - note: "%s"
    - repeat: $cycles
      do:
        - pulse: nb
          for: $nb_pulse
        - purge: $purge
""" % HOSTILE
SECTIONS = ["summary", "product", "methods", "trends", "overlay", "cycles", "times", "waits", "alarms", "actions-of", "tool",
            "earlier", "doses", "recipe", "proof"]
VOID = {"meta", "link", "br", "hr", "img", "input"}
# What a browser fetches, or runs.
FETCH = {"src", "srcset", "href", "xlink:href", "data", "action", "poster", "background", "formaction"}


class Page(html.parser.HTMLParser):
    """A strict reader: what is opened is closed in order; every id once."""

    def __init__(self, text):
        super().__init__()
        self.open, self.ids, self.links, self.wrong, self.tags = [], {}, [], [], []
        self.data, self.texts, self.rows = {}, {}, {}
        self.feed(text)
        self.close()
        if self.open:
            self.wrong.append(f"never closed: {self.open}")

    def note_attributes(self, tag, attributes):
        for name, value in attributes:
            if name.startswith("on"):
                self.wrong.append(f"<{tag} {name}>")
            if name in FETCH and not (value or "").startswith("#"):
                self.wrong.append(f"<{tag} {name}={value}> is not in this page")
            if name in FETCH:
                self.links.append((value or "#")[1:])
            if name == "style" and "url(" in value:
                self.wrong.append(f"<{tag} style={value}>")
        self.tags.append(tag)

    def handle_starttag(self, tag, attrs):
        self.note_attributes(tag, attrs)
        attributes = dict(attrs)
        if "id" in attributes:
            if attributes["id"] in self.ids:
                self.wrong.append(f"two of id {attributes['id']}")
            self.ids[attributes["id"]] = tag
        if tag == "data":
            self.data[attributes["id"]] = float(attributes["value"])
        if tag == "tr":
            for _, of in self.open:
                if of:
                    self.rows[of] = self.rows.get(of, 0) + 1
        if tag not in VOID:
            self.open.append((tag, attributes.get("id")))

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if not self.open or self.open[-1][0] != tag:
            self.wrong.append(f"</{tag}> within {self.open}")
        else:
            self.open.pop()

    def handle_data(self, data):
        for _, of in self.open:
            if of:
                self.texts[of] = self.texts.get(of, "") + data


class Report(ald.Test):
    def page(self, *args, run=1, db=None, env=None):
        """A report's page, checked for what every page must be; and what was said."""
        path = self.path("page.html")
        done = self.ctl("report", str(run), "-o", path, "--db", db or self.db_path, *args, env=env)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        with open(path, encoding="utf-8") as f:
            text = f.read()
        page = Page(text)
        self.assertEqual([], page.wrong)
        self.assertEqual([], [link for link in page.links if link not in page.ids], "links that lead nowhere")
        self.assertEqual([], [name for name in SECTIONS if page.ids.get(name) != "section"])
        self.assertNotIn("script", page.tags)
        self.assertNotIn("@import", text)
        self.assertNotIn("url(", text)
        self.assertTrue(text.startswith("<!DOCTYPE html>\n"))
        return page, text, done.stdout + done.stderr

    def changed(self, name, *sqls):
        """A copy of the database, changed."""
        path = self.path(name)
        shutil.copy(self.db_path, path)
        db = sqlite3.connect(path)
        db.execute("PRAGMA journal_mode=DELETE")
        for sql in sqls:
            self.assertGreater(db.execute(sql).rowcount, 0, sql)
        db.commit()
        db.close()
        return path

    def start_run(self):
        recipe = ald.QUICK.format(body=BODY).replace("A short recipe for tests", '"' + HOSTILE + '"')
        recipe += 'powder: {material: NMC532, mass: 1 g, area: 0.4 m2/g, lot: "%s"}\n' % "<b>lot</b>"
        self.start_all(proxies=False)
        done = self.ctl("run", self.path("quick.yaml", recipe), "--set", "nb_pulse=200 ms", "--set", "purge=1 s",
                        "--set", "cycles=3")
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)

    def test_a_page(self):
        self.start_run()
        self.under_way()
        self.await_state("Complete", timeout=60)
        self.stop_daemon()
        self.says_what_the_json_says()
        self.holds_texts_as_texts()
        self.lives_without_gnuplot()
        self.lives_without_pulses()
        self.refuses()

    def under_way(self):
        self.wire.await_coil(ald.NB, 1)
        self.assertEqual(0, self.ctl("hold").returncode)
        self.await_state("Held")
        page, _, _ = self.page()
        self.assertIn("Under way", page.texts["verdict"])
        self.assertEqual(0, self.ctl("resume").returncode)

    def says_what_the_json_says(self):
        page, _, said = self.page()
        self.assertEqual("", said)
        answer = json.loads(self.ctl("report", "1", "--json").stdout)
        for name in ("planned_span_s", "span_s", "width_error_s_max"):
            self.assertAlmostEqual(answer[name], page.data[name], places=6, msg=name)
        ends = self.rows("SELECT min(opened_us) AS first, max(opened_us + width_us) AS last FROM pulse WHERE outcome = 'done'")[0]
        self.assertAlmostEqual((ends["last"] - ends["first"]) / 1e6, page.data["span_s"], places=6)
        self.assertEqual(answer["cycles"], page.data["cycles_begun"])
        self.assertEqual(len(answer["pulse_rows"]), page.data["pulse_rows"])
        self.assertEqual(len(answer["pulse_rows"]) + 1, page.rows["pulses"], "a row of heads, and each pulse")
        done = [p for p in answer["pulse_rows"] if p["outcome"] == "done"]
        self.assertEqual(len(done), page.data["pulses_done"])
        self.assertIn(answer["recipe_sha256"], page.texts["hashes"])
        self.assertIn(answer["tool_sha256"], page.texts["hashes"])
        # Pressure, temperatures, flow; pulses laid over one another; metrics; width errors.
        self.assertGreaterEqual(page.tags.count("svg"), 6)
        self.assertEqual(2, page.rows["holds"])
        self.assertIn("held by", page.texts["oddities"])
        for word in ("hold", "resume", "run"):
            self.assertIn(word, page.texts["actions"])
        row = self.rows("SELECT recipe_text, audit_sha256 FROM run")[0]
        self.assertEqual(row["recipe_text"], page.texts["recipe-text"])
        for fact in ("1 g of NMC532", "0.4 m2/g", "3 cycles", "pulse nb 200 ms", "purge 1 s", "neither declared nor measured"):
            self.assertIn(fact, page.texts["methods-text"])
        self.assertGreater(page.data["dose-nb"], 0)

    def holds_texts_as_texts(self):
        page, _, _ = self.page()
        self.assertIn(HOSTILE, page.texts["made"])
        self.assertIn("<b>lot</b>", page.texts["made"])
        self.assertIn(HOSTILE, page.texts["notes"])
        quoted = HOSTILE.replace("'", "''")
        db = self.changed("hostile.db", f"UPDATE run SET operator = '{quoted}', reason = '{quoted}', version = '{quoted}',"
                          f" state = '<i>', last_step = '{quoted}', recipe = '<b>{quoted}'",
                          f"UPDATE event SET text = '{quoted}', source = '<u>', severity = '<s>'",
                          f"UPDATE audit SET user = '{quoted}', command = '<q>', result = '{quoted}'",
                          "UPDATE pulse SET outcome = '<i>' WHERE cycle = 2",
                          """UPDATE pulse SET precursor = 'x''; system("touch pwned") #"<b>' || char(10) || 'reset'""")
        page, _, _ = self.page(db=db)
        self.assertIn(HOSTILE, page.texts["actions"])
        self.assertIn("svg", page.tags, "labels that gnuplot cannot take spoil no plot")
        self.assertFalse(os.path.exists(self.path("pwned")))
        # Texts that are not those which ran are told, and not compiled.
        page, _, _ = self.page(db=self.changed("other.db", "UPDATE run SET recipe_text = recipe_text || ' '"))
        self.assertIn("SHA-256 differs", page.texts["oddities"])

    def lives_without_gnuplot(self):
        page, text, said = self.page(env={"ALD_GNUPLOT": "/nowhere/gnuplot"})
        self.assertIn("gnuplot-nox", said)
        self.assertIn("gnuplot-nox", text)
        self.assertNotIn("svg", page.tags)
        script = self.path("stand-in", "#!/bin/sh\ncat >/dev/null\necho 'no such terminal' >&2\nexit 1\n")
        os.chmod(script, 0o755)
        _, text, said = self.page(env={"ALD_GNUPLOT": script})
        self.assertIn("no such terminal", said)
        self.assertIn("no such terminal", text)

    def lives_without_pulses(self):
        db = self.changed("none.db", "DELETE FROM pulse", "DELETE FROM sample", "DELETE FROM event", "DELETE FROM audit",
                          "UPDATE run SET state = 'Aborted', reason = 'over-pressure'")
        page, _, _ = self.page(db=db)
        self.assertIn("Not complete: Aborted: over-pressure", page.texts["verdict"])
        self.assertIn("No pulse was recorded", page.texts["cycles"])
        self.assertEqual(0, page.data["pulse_rows"])

    def refuses(self):
        for args, code, word in [(["99", "-o", "x.html"], 1, "no run 99"), (["1", "-o", "nowhere/x.html"], 1, "nowhere"),
                                 (["1", "-o", "x.html", "--json"], 2, "one of them"), (["1", "-o"], 2, "FILE")]:
            done = self.ctl("report", *args)
            self.assertEqual(code, done.returncode, args)
            self.assertIn(word, done.stderr)
        self.assertFalse(os.path.exists(self.path("x.html")))


if __name__ == "__main__":
    unittest.main()
