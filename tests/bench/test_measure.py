"""The analysis of the bench, with logs of edges made by hand."""
import unittest

import measure

MS = 1000
GAP = 100 * MS


def plan(count, width=20 * MS, start=1000 * MS):
    return [(start + i * (width + GAP), width) for i in range(count)]


def edges(planned, open_late=0, close_late=0):
    found = []
    for at, width in planned:
        found += [(at + open_late, 1.0), (at + width + close_late, 0.0)]
    return found


class Edges(unittest.TestCase):
    def test_lines(self):
        lines = ["nb.valve 1 100\n", "water.valve 1 105\n", "nb.valve 0 120\n", "carrier.flow.setpoint 12.5 130\n",
                 "nb.valve 1 2"]  # still being written
        self.assertEqual([(100, 1.0), (120, 0.0)], measure.read_edges(lines, "nb.valve"))

    def test_pulses(self):
        self.assertEqual([(100, 120), (200, 240)],
                         measure.pulses_of([(50, 0), (100, 1), (120, 0), (200, 1), (240, 0), (300, 1)]))


class Matching(unittest.TestCase):
    def judge(self, planned, seen, stalls=()):
        return measure.judge(planned, seen, list(stalls))

    def counts(self, result):
        return result["pulses"], result["lost"], result["merged"], result["extra"]

    def test_all_there(self):
        p = plan(100)
        self.assertEqual((100, 0, 0, 0), self.counts(self.judge(p, edges(p, 50, 70))))

    def test_lost(self):
        p = plan(5)
        result = self.judge(p, edges(p[:2] + p[3:]))
        self.assertEqual((4, 1, 0, 0), self.counts(result))
        self.assertEqual(0, result["all"]["width"]["max"], "the others are not shifted by it")

    def test_lost_at_the_ends(self):
        p = plan(5)
        self.assertEqual((3, 2, 0, 0), self.counts(self.judge(p, edges(p[1:4]))))
        self.assertEqual((0, 5, 0, 0), self.counts(self.judge(p, [])))

    def test_merged(self):
        p = plan(5)
        seen = edges(p)
        del seen[3:5]  # the second's close and the third's open
        result = self.judge(p, seen)
        self.assertEqual((4, 0, 1, 0), self.counts(result))
        self.assertEqual(20 * MS + GAP, result["all"]["width"]["max"])

    def test_extra(self):
        p = plan(3)
        seen = sorted(edges(p) + [(p[1][0] + 60 * MS, 1.0), (p[1][0] + 61 * MS, 0.0), (5, 1.0), (6, 0.0)])
        self.assertEqual((3, 0, 0, 2), self.counts(self.judge(p, seen)))

    def test_errors(self):
        p = plan(10)
        result = self.judge(p, edges(p, 300, 100))
        self.assertEqual((200, 300, 100), tuple(result["all"][k]["median"] for k in ("width", "open", "close")))

    def test_by_width(self):
        p = [(1000 * MS, 20 * MS), (1120 * MS, 100 * MS), (1320 * MS, 20 * MS)]
        seen = edges(p[:1]) + edges(p[1:2], 0, 7) + edges(p[2:])
        by = self.judge(p, seen)["by_width"]
        self.assertEqual((2, 0, 1, 7), (by[20 * MS]["pulses"], by[20 * MS]["width"]["max"],
                                        by[100 * MS]["pulses"], by[100 * MS]["width"]["max"]))

    def test_drift(self):
        p = plan(1001)
        late = [(at + i * 10, w) for i, (at, w) in enumerate(p)]
        for planned, drift in ((late, 10000), (p, 0)):
            pairs = measure.match(planned, measure.pulses_of(edges(planned, 40)))[0]
            self.assertEqual(drift, measure.drift_of(pairs, GAP))
        self.assertEqual(0, measure.drift_of([], GAP))


class Stalls(unittest.TestCase):
    pair = ((1000 * MS, 100 * MS), (1003 * MS, 1100 * MS + 50))

    def disturbed(self, *stalls):
        return measure.is_disturbed(self.pair, measure.join_stalls(stalls))

    def test_at_an_edge(self):
        self.assertTrue(self.disturbed((1001 * MS, 1003 * MS)))
        self.assertTrue(self.disturbed((999 * MS, 1002 * MS)))
        self.assertTrue(self.disturbed((1099 * MS, 1100 * MS + 10)))
        self.assertTrue(self.disturbed((500 * MS, 2000 * MS)), "all over it")
        self.assertTrue(self.disturbed((1000 * MS, 1001 * MS), (1002 * MS, 1002 * MS + 600)), "two that add up")

    def test_elsewhere(self):
        self.assertFalse(self.disturbed((1020 * MS, 1090 * MS)), "between the edges")
        self.assertFalse(self.disturbed((900 * MS, 990 * MS)))
        self.assertFalse(self.disturbed((1100 * MS + 60, 1200 * MS)), "after all was done")
        self.assertFalse(self.disturbed())

    def test_too_short_to_explain_the_delay(self):
        self.assertFalse(self.disturbed((1001 * MS, 1002 * MS)), "1 of 3 ms")

    def test_long_one_begun_long_before(self):
        self.assertTrue(self.disturbed((100 * MS, 1002 * MS)))
        self.assertFalse(self.disturbed((100 * MS, 120 * MS), (150 * MS, 200 * MS), (300 * MS, 400 * MS)))

    def test_joined(self):
        self.assertEqual([(1, 9), (20, 30)], measure.join_stalls([(20, 30), (3, 9), (1, 5), (4, 6)]))

    def test_left_out_of_the_quiet_figures_only(self):
        p = plan(10)
        seen = edges(p, 40, 40)
        seen[7] = (seen[7][0] + 8 * MS, 0.0)  # the fourth's close
        result = measure.judge(p, seen, [(p[3][0] + 20 * MS, p[3][0] + 28 * MS)])
        self.assertEqual((10, 1), (result["pulses"], result["disturbed"]))
        self.assertEqual(8 * MS, result["all"]["width"]["max"])
        self.assertEqual(0, result["quiet"]["width"]["max"])


class Numbers(unittest.TestCase):
    def test_percentiles(self):
        values = list(range(1000, 0, -1))
        self.assertEqual((500, 990, 999, 1000),
                         tuple(measure.percentile(values, p) for p in (50, 99, 99.9, 100)))
        self.assertEqual(7, measure.percentile([7], 99.9))
        self.assertEqual(1, measure.percentile([1, 2], 50))
        self.assertIsNone(measure.percentile([], 50))
        self.assertEqual(3000, measure.percentile(range(1, 3001), 100))
        self.assertEqual(2997, measure.percentile(range(1, 3001), 99.9))

    def test_plan_from_the_wall_clock(self):
        p = plan(50)
        noisy = [(at + (4 * MS if i in (0, 7, 8, 30) else 1), w) for i, (at, w) in enumerate(p)]
        self.assertEqual([(at + 1, w) for at, w in p], measure.exact_plan(noisy, GAP))

    def test_plan_made_anew(self):
        p = plan(30) + plan(30, start=plan(31)[-1][0] + 60 * MS)
        self.assertEqual(p, measure.exact_plan(p, GAP))

    def test_plan_made_anew_often(self):
        p, at = [], 0
        for i in range(60):
            at += 120 * MS + (700 * MS if i % 4 == 0 else 0)
            p.append((at, 20 * MS))
        self.assertEqual(p, measure.exact_plan(p, GAP))


if __name__ == "__main__":
    unittest.main()
