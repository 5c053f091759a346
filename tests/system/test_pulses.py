"""aldctl pulses: what pulses brought from run to run, told from the record; and a daemon that goes by it."""
import json
import random
import sqlite3
import unittest

import ald

AREA = 0.0118  # Torr s, of a niobium pulse of 1 s


class Pulses(ald.Test):
    def setUp(self):
        super().setUp()
        self.start_all(proxies=False)

    def make_runs(self, runs, depleted_from=None):
        """Runs of 30 cycles in the record of a daemon that has ended; in the last one niobium gives 30 % less from that cycle on."""
        self.stop_daemon()
        rng = random.Random(5)
        db = sqlite3.connect(self.db_path)
        for run in range(1, runs + 1):
            t = 1790000000000000 + run * 86400000000
            db.execute("INSERT INTO run(id, state, reason, operator, started_us, ended_us, recipe, parameters, declared, recipe_text,"
                       " recipe_sha256, tool_text, tool_sha256, version) VALUES(?, 'Complete', '', 'ada', ?, ?, 'r', '{}',"
                       " '{\"pressure_unit\": \"Torr\"}', '', 'a', '', 'b', 'v')", (run, t, t + 1300000000))
            for cycle in range(1, 31):
                part = 0.7 if run == runs and depleted_from and cycle >= depleted_from else 1
                for name, path, at, area, sigma, width, decay in (
                        ("nb", "coat[0]", 0, AREA * part, 0.00154, 1000000, None),
                        ("water", "coat[2]", 21000000, 0.377, 0.0015, 100000, 616000)):
                    db.execute("INSERT INTO pulse(run_id, cycle, path, attempt, outcome, precursor, planned_open_us,"
                               " planned_width_us, pressure_fit, pressure_decay_us) VALUES(?, ?, ?, 1, 'done', ?, ?, ?, ?, ?)",
                               (run, cycle, path, name, t + cycle * 41000000 + at, width, rng.gauss(area, sigma), decay))
            for moment in ("before", "after"):
                db.execute("INSERT INTO base VALUES(?, ?, ?, 70, 2.3, 0.0046, 200)", (run, moment, t))
        db.commit()
        db.close()

    def pulses(self, *args):
        done = self.ctl("--json", "pulses", *args)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        return json.loads(done.stdout)

    def test_a_depleted_run_stands_out(self):
        self.make_runs(7, depleted_from=12)
        told = self.pulses()
        self.assertEqual(["nb", "water"], [p["precursor"] for p in told["precursors"]])
        nb, water = told["precursors"]
        self.assertEqual(list(range(1, 8)), [r["run"] for r in nb["runs"]])
        self.assertEqual(["steady"] * 6 + ["low"], [r["state"] for r in nb["runs"]])
        self.assertTrue(12 < nb["runs"][-1]["alarmed_at"] <= 22, nb["runs"][-1])
        self.assertLess(nb["runs"][-1]["change"], -0.15)
        self.assertEqual({"steady"}, {r["state"] for r in water["runs"]})
        self.assertAlmostEqual(0.616, water["runs"][0]["decay_s"])
        self.assertIsNone(nb["runs"][0]["decay_s"])
        self.assertEqual(30, len(nb["runs"][0]["areas"]))
        self.assertEqual(14, len(told["bases"]))
        # One run is judged by those before it.
        alone = self.pulses("7", "--precursor", "nb")
        self.assertEqual([7], [r["run"] for r in alone["precursors"][0]["runs"]])
        self.assertEqual(nb["runs"][-1]["alarmed_at"], alone["precursors"][0]["runs"][0]["alarmed_at"])
        self.assertEqual(["before", "after"], [b["moment"] for b in alone["bases"]])

    def test_people_read_rows_and_areas(self):
        self.make_runs(3)
        done = self.ctl("pulses", "--limit", "2")
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertRegex(done.stdout, r"(?m)^nb: .*\n +RUN .*\n +2 .* steady +[▁-█]{24}$")
        self.assertNotRegex(done.stdout, r"(?m)^ +1 ")
        self.assertRegex(done.stdout, r"(?m)^ +3  after +70 +2\.3 ")
        done = self.ctl("pulses", "--precursor", "zr")
        self.assertIn("no pulses were recorded of zr", done.stdout)
        done = self.ctl("pulses", "9")
        self.assertEqual(1, done.returncode)
        self.assertIn("there is no run 9", done.stderr)

    def test_a_run_of_the_simulated_tool_is_measured(self):
        """A short dose at 10 sccm: whatever is measured is in the record, and the report tells it."""
        self.run_recipe()
        self.await_state("Complete", timeout=60)
        self.stop_daemon()
        rows = self.rows("SELECT precursor, pressure_base, pressure_area, pressure_fit FROM pulse WHERE outcome = 'done'")
        self.assertTrue(rows)
        self.assertTrue(all(row["pressure_base"] is not None for row in rows), rows)
        told = json.loads(self.ctl("--json", "report", "1").stdout)
        self.assertIn("pressure_fit", told["pulse_rows"][0])
        self.assertIn("pressure_decay_s", told["pulse_rows"][0])


if __name__ == "__main__":
    unittest.main()
