"""aldctl trend: what the daemon recorded of a tag, for people and for programs, from a run or a time."""
import csv
import io
import json
import unittest

import ald


class Trend(ald.Test):
    def setUp(self):
        super().setUp()
        self.start_sim("--ready")
        self.start_daemon()
        self.run_recipe("--set", "cycles=1", "--set", "nb_pulse=200 ms", "--set", "purge=2 s", "--wait")
        self.stop_daemon()

    def trend(self, *args, code=0):
        done = self.ctl("trend", *args)
        self.assertEqual(code, done.returncode, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def test_what_is_said_is_what_was_recorded(self):
        run, = self.rows("SELECT started_us, ended_us FROM run")
        kept = self.rows("SELECT value AS v FROM sample JOIN tag ON tag.id = tag_id WHERE name = 'chamber.pressure'"
                         " AND t_us BETWEEN ? AND ? AND quality < 2 ORDER BY t_us", run["started_us"], run["ended_us"])
        kept = [row["v"] for row in kept]
        self.assertGreater(len(kept), 10)
        said = json.loads(self.trend("chamber.pressure", "--run", "1", "--json"))
        self.assertEqual("Torr", said["unit"])
        self.assertEqual(len(kept), sum(p["count"] for p in said["points"]))
        self.assertAlmostEqual(max(kept), max(p["max"] for p in said["points"] if p["count"]))
        self.assertAlmostEqual(min(kept), min(p["min"] for p in said["points"] if p["count"]))

        few = json.loads(self.trend("chamber.pressure", "--run", "1", "--json", "--points", "3"))
        self.assertLessEqual(len(few["points"]), 3)
        self.assertAlmostEqual(max(kept), max(p["max"] for p in few["points"]))
        self.assertEqual(len(kept), sum(p["count"] for p in few["points"]))

        table = list(csv.DictReader(io.StringIO(self.trend("chamber.pressure", "--run", "1", "--csv"))))
        self.assertEqual([p["count"] for p in said["points"]], [int(row["count"]) for row in table])
        self.assertEqual([p["t"] for p in said["points"]], [row["t (UTC)"] for row in table])
        for point, row in zip(said["points"], table):
            self.assertEqual("" if point["max"] is None else point["max"],
                             row["max (Torr)"] and float(f"{float(row['max (Torr)']):.12g}"))

        plot = self.trend("chamber.pressure", "--run", "1")
        self.assertIn("chamber.pressure, Torr\n", plot)
        self.assertIn("*", plot)
        self.assertLessEqual(max(len(line) for line in plot.splitlines()), 100)
        self.assertEqual(plot, self.trend("chamber.pressure", "--from", said["from"], "--to", said["to"]))

    def test_what_is_asked_wrongly(self):
        self.assertIn("did you mean 'chamber.pressure'", self.trend("chamber.presure", code=1))
        self.assertIn("no run 9", self.trend("chamber.pressure", "--run", "9", code=1))
        self.assertIn("run's number", self.trend("chamber.pressure", "--run", "x", code=2))
        self.assertIn("a time wanted", self.trend("chamber.pressure", "--from", "noon", code=2))
        self.assertIn("either --run", self.trend("chamber.pressure", "--run", "1", "--from", "1h", code=2))
        self.assertIn("not before", self.trend("chamber.pressure", "--from", "1h", "--to", "2h", code=2))
        self.assertIn("from 2 to", self.trend("chamber.pressure", "--points", "1", code=2))
        self.assertIn("either --json", self.trend("chamber.pressure", "--json", "--csv", code=2))
        self.assertIn("no value was recorded", self.trend("chamber.pressure", "--from", "3 d", "--to", "2 d"))


if __name__ == "__main__":
    unittest.main()
