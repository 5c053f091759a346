"""Wear and bottles through aldctl: what is counted is what was on the wire, in runs, by hand and over a kill; a bottle that is
changed, a valve that is replaced, and the alarms between."""
import json
import signal
import unittest

import ald


class Counters(ald.Test):
    def ok(self, *args):
        done = self.ctl(*args)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        return done.stdout

    def refused(self, code, word, *args):
        done = self.ctl(*args)
        self.assertEqual(code, done.returncode, done.stdout + done.stderr)
        self.assertIn(word, done.stderr)

    def counters(self):
        told = json.loads(self.ok("counters", "--json"))
        return ({v["valve"]: v for v in told["valves"]}, {b["precursor"]: b for b in told["bottles"]})

    def openings(self, address):
        """Seen on the wire: how often the valve went open."""
        writes = self.valves.coil_writes(address)
        return sum(1 for before, f in zip([None] + writes, writes)
                   if f.writes_coil(ald.VALVES, address, 1)
                   and (before is None or before.writes_coil(ald.VALVES, address, 0)))

    def tool_with(self, *edits):
        with open(ald.TOOL, encoding="utf-8") as f:
            text = f.read()
        for was, now in edits:
            self.assertIn(was, text)
            text = text.replace(was, now, 1)
        return self.path("tool.yaml", text)

    def test_what_the_wire_had(self):
        self.start_all()
        self.ok("control", "take")
        for verb in ("close", "open", "close", "open"):
            self.ok(verb, "exhaust")
            self.valves.await_coil(ald.EXHAUST, int(verb == "open"),
                                   after=self.valves.coil_writes(ald.EXHAUST)[-1].at - 0.001)
        self.ok("set", "carrier.flow", "70 sccm")
        client = self.subscriber()
        client.await_tag("carrier.flow", lambda tag: tag["value"] > 60)
        self.ok("open", "nb", "--for", "100 ms")
        self.valves.await_coil(ald.NB, 0, after=self.valves.await_coil(ald.NB, 1).at)
        self.run_recipe("--set", "cycles=2", "--set", "purge=1 s", "--set", "nb_pulse=300 ms")
        client.await_state("Execute")
        self.refused(3, "the run uses nb", "bottle", "nb")
        client.await_state("Complete", timeout=60)
        self.stop_daemon()
        valves, bottles = self.counters()
        self.assertEqual(3, self.openings(ald.NB))
        self.assertEqual(3, valves["nb.valve"]["actuations"])
        # As planned: the links keep their time, while the proxy, which shares this process, may see an edge late.
        self.assertAlmostEqual(0.1 + 2 * 0.3, valves["nb.valve"]["open_s"], delta=0.1)
        self.assertEqual(0, valves["water.valve"]["actuations"])
        self.assertEqual(2, valves["exhaust.valve"]["actuations"], "that it was open at the start is no opening")
        self.assertTrue(valves["exhaust.valve"]["open"])
        self.assertEqual(0, valves["pump.run"]["actuations"])
        self.assertGreater(valves["pump.run"]["open_s"], 5)
        self.assertEqual(1000000, valves["nb.valve"]["actuations_limit"])
        nb = bottles["nb"]
        self.assertEqual((3, 0), (nb["pulses"], nb["pulses_not_estimated"]))
        self.assertEqual(0, bottles["water"]["pulses"])
        self.assertIsNone(nb["since"])
        self.assertEqual(25, nb["content_g"])
        self.assertAlmostEqual(nb["used_g_estimate"], nb["used_umol_estimate"] * 318.21e-6, places=9)
        self.assertGreater(nb["used_umol_estimate"], 0)
        self.assertGreater(nb["left_pulses"], 100)
        self.assertAlmostEqual(nb["left_runs"], nb["left_pulses"] / 2, places=3)
        # The same for people, within a narrow terminal.
        said = self.ok("counters")
        self.assertIn("nb.valve", said)
        self.assertLessEqual(max(map(len, said.splitlines())), 80, said)

    def test_a_kill_in_a_pulse(self):
        self.start_all()
        self.ok("control", "take")
        self.ok("set", "carrier.flow", "70 sccm")
        client = self.subscriber()
        client.await_tag("carrier.flow", lambda tag: tag["value"] > 60)
        self.ok("open", "nb", "--for", "4 s")
        self.valves.await_coil(ald.NB, 1)
        self.await_rows("SELECT * FROM opening WHERE valve = 'nb.valve' AND planned_us IS NOT NULL")
        self.daemon.expected = {-signal.SIGKILL}
        self.daemon.end(signal.SIGKILL)
        self.wire.await_coil(ald.NB, 0)
        self.assertEqual([], [v for v in self.counters()[0].values() if v["actuations"] > 0])
        for _ in range(2):
            self.start_daemon()
            if self.await_state("Aborted", "Stopped")["state"] == "Aborted":
                self.ok("reset")  # re-arms the module's watchdog
                self.await_state("Stopped")
            valves, bottles = self.counters()
            self.assertEqual(1, valves["nb.valve"]["actuations"])
            self.assertEqual(4, valves["nb.valve"]["open_s"], "as it was planned")
            self.assertEqual((1, 1), (bottles["nb"]["pulses"], bottles["nb"]["pulses_not_estimated"]))
            self.assertEqual(0, valves["exhaust.valve"]["actuations"])
            self.stop_daemon()

    def test_a_new_bottle_and_a_new_valve(self):
        tool = self.tool_with(("maintenance: {actuations: 1000000}}", "maintenance: {actuations: 1}}"),
                              ("warn_at: 10 %}", "warn_at: 10 %, pulses: 1}"))
        self.start_sim("--ready")
        self.start_daemon(tool=tool)
        client = self.subscriber()
        self.run_recipe("--set", "cycles=2", "--set", "purge=1 s", "--set", "nb_pulse=100 ms")
        client.await_state("Complete", timeout=60)
        alarms = {a["id"]: a for a in json.loads(self.ok("alarms", "--json"))}
        self.assertEqual("low", alarms["worn-nb.valve"]["priority"])
        self.assertIn("its limit is 1", alarms["bottle-nb"]["text"])
        self.stop_daemon()
        self.start_daemon(tool=tool)
        alarms = {a["id"]: a for a in json.loads(self.ok("alarms", "--json"))}
        self.assertIn("worn-nb.valve", alarms, "a restart forgets no limit")
        self.assertIn("bottle-nb", alarms)
        self.refused(2, "has no unit", "bottle", "nb", "--content", "20")
        self.refused(2, "did you mean", "bottle", "mb")
        self.refused(3, "precursor lines are: nb, water", "bottle", "exhaust")
        self.refused(2, "counters reset VALVE", "counters", "nb.valve")
        self.refused(3, "no counts", "counters", "reset", "carrier.flow")
        self.assertIn("new bottle", self.ok("bottle", "nb", "--lot", "A 12/7", "--content", "20 g"))
        self.assertIn("begin at zero", self.ok("counters", "reset", "nb.valve"))
        self.ok("ack")
        left = [a["id"] for a in json.loads(self.ok("alarms", "--json")) if a["id"] in ("worn-nb.valve", "bottle-nb")]
        self.assertEqual([], left)
        self.stop_daemon()
        valves, bottles = self.counters()
        self.assertEqual(0, valves["nb.valve"]["actuations"])
        self.assertEqual(("A 12/7", 20, 0), (bottles["nb"]["lot"], bottles["nb"]["content_g"], bottles["nb"]["pulses"]))
        self.assertIsNotNone(bottles["nb"]["since"])
        old = self.rows("SELECT pulses, lot, until_us FROM bottle WHERE precursor = 'nb' AND until_us IS NOT NULL")
        self.assertEqual([2], [row["pulses"] for row in old])
        said = self.rows("SELECT text FROM event WHERE kind = 'bottle'")
        self.assertEqual(1, len(said))
        self.assertRegex(said[0]["text"], r"new, lot A 12/7, 20 g; old, 25 g: 2 pulses, open 0\.2 s, gave about .* g")
        audit = self.rows("SELECT command, arguments, result FROM audit WHERE command IN ('bottle', 'counters')"
                          " AND result = 'ok' ORDER BY id")
        self.assertEqual([("bottle", "bottle nb --lot A 12/7 --content 20 g"), ("counters", "counters reset nb.valve")],
                         [(row["command"], row["arguments"]) for row in audit])


if __name__ == "__main__":
    unittest.main()
