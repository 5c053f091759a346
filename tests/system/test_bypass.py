"""Bypass and the matrix of causes and effects, through the real programs (T4)."""
import json
import unittest

import ald


class Bypass(ald.Test):
    def bypasses(self):
        return json.loads(self.ctl("bypass", "--json").stdout)

    def test_a_bypass_is_told_recorded_and_ends(self):
        self.start_all(proxies=False)
        subscriber = self.subscriber()
        done = self.ctl("bypass", "lid.closed", "--for", "30min", "--reason", "the switch is broken")
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertEqual(["lid.closed"], [b["tag"] for b in self.bypasses()])
        self.assertEqual("the switch is broken", self.bypasses()[0]["reason"])
        done = self.ctl("status")
        self.assertIn("[1 bypassed]", done.stdout)
        self.assertIn("lid.closed until", done.stdout)
        subscriber.await_that(lambda: len(subscriber.status.get("bypasses", [])) == 1, "the bypass in a difference")

        # Refused: too long (the tool file says 4 h), not on its list, without a unit, twice.
        for args, code, words in (
                (("chamber.temperature", "--for", "5 h", "--reason", "x"), 3, "at most 4 h"),
                (("emo.ok", "--for", "1 min", "--reason", "x"), 3, "lets these be bypassed"),
                (("chamber.temperature", "--for", "30", "--reason", "x"), 2, "has no unit"),
                (("chamber.temperature", "--for", "1 min"), 2, "together"),
                (("lid.closed", "--for", "1 min", "--reason", "x"), 3, "bypassed already")):
            done = self.ctl("bypass", *args)
            self.assertEqual(code, done.returncode, done.stderr)
            self.assertIn(words, done.stderr)

        self.assertEqual(0, self.ctl("bypass", "nb.line.temperature", "--for", "1 s", "--reason", "short").returncode)
        subscriber.await_that(lambda: len(subscriber.status["bypasses"]) == 2, "the second")
        subscriber.await_that(lambda: len(subscriber.status["bypasses"]) == 1, "its end")
        self.assertEqual(["lid.closed"], [b["tag"] for b in self.bypasses()])

        # A restart ends what is left; the record has every begin and end.
        self.stop_daemon()
        events = [(e["source"], e["text"]) for e in
                  self.rows("SELECT source, text FROM event WHERE kind = 'bypass' ORDER BY id")]
        self.assertEqual(["lid.closed", "nb.line.temperature", "nb.line.temperature"], [e[0] for e in events])
        self.assertIn("the switch is broken", events[0][1])
        self.assertIn("its time is over", events[2][1])
        audit = self.rows("SELECT arguments, result FROM audit WHERE command = 'bypass' ORDER BY id")
        self.assertEqual("bypass lid.closed --for 30min --reason the switch is broken", audit[0]["arguments"])
        self.assertEqual(["ok", "ok"], [a["result"] for a in audit if a["result"] == "ok"])
        self.assertEqual(6, len(audit))
        self.start_daemon()
        self.assertEqual([], self.bypasses())

    def test_the_matrix_is_told(self):
        self.start_all(proxies=False)
        locks = json.loads(self.ctl("interlocks", "--json").stdout)
        over = next(i for i in locks if i["id"] == "over-pressure")
        self.assertEqual(["forces", 0.0, False], over["effects"]["carrier.flow.setpoint"])
        self.assertEqual(["forces", 0.0, True], over["effects"]["nb.valve"])
        self.assertEqual("carrier.flow.setpoint 0 sccm", over["sets"])
        needs = next(i for i in locks if i["id"] == "niobium-needs-hot-line")
        self.assertEqual({"nb.valve": ["permits", 0.0, True], "water.valve": ["then closes", 0.0, True]},
                         needs["effects"])
        table = self.ctl("interlocks").stdout.splitlines()
        head = table.index(next(line for line in table if line.startswith("CAUSE")))
        rows = {line.split()[0]: line for line in table[head + 1:head + 1 + len(locks)]}
        self.assertEqual({i["id"] for i in locks}, set(rows))
        self.assertIn("X X X X X O X", rows["over-pressure"])
        self.assertLessEqual(max(len(line) for line in table[:head + 1 + len(locks)]), 100)


if __name__ == "__main__":
    unittest.main()
