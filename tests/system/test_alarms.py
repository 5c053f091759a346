"""Alarms over the socket: told, listed, acknowledged, shelved, and none of it moves an output."""
import json
import os
import unittest

import ald

FLOW = "not-following-carrier"
STEADY = "    - set: {carrier.flow: 70 sccm}\n    - wait: 2 min\n"


class Alarms(ald.Test):
    def alarms(self):
        done = self.ctl("alarms", "--json")
        self.assertEqual(0, done.returncode, done.stderr)
        return {a["id"]: a for a in json.loads(done.stdout)}

    def test_ack_and_shelve(self):
        # The flow controller sticks once the run's flow is there: it cannot follow to the run's second set-point.
        self.start_all("--fault", "flow-stuck:carrier@0 s")
        self.assertEqual({}, self.alarms())
        self.assertEqual("no alarms\n", self.ctl("alarms").stdout)
        client = self.subscriber()
        recipe = self.path("flow.yaml", ald.QUICK.replace("until: carrier.flow > 60 sccm", "until: pump.running")
                           .format(body=STEADY))
        self.assertEqual(0, self.ctl("run", recipe).returncode)
        client.await_that(lambda: client.status["alarms_unacknowledged"] == 1, "one alarm to acknowledge")
        client.await_that(lambda: any(e["kind"] == "alarm" and e["source"] == FLOW for e in client.events),
                          "told of the alarm")
        self.assertEqual("Execute", client.status["state"])
        alarm = self.alarms()[FLOW]
        self.assertEqual(("unacknowledged", "high", True), (alarm["state"], alarm["priority"], alarm["stands"]))
        self.assertIn("carrier.flow", alarm["text"])
        table = self.ctl("alarms").stdout
        self.assertRegex(table, rf"high +{FLOW} +unacknowledged")
        self.assertIn("guidance", table)
        self.assertIn("1 alarm, 1 unacknowledged", self.ctl("status").stdout)
        frames = len(self.valves.coil_writes(ald.NB))

        # Acknowledge: what stands stays on the list.
        done = self.ctl("ack", FLOW)
        self.assertEqual((0, f"{FLOW} acknowledged\n"), (done.returncode, done.stdout))
        self.assertEqual("acknowledged", self.alarms()[FLOW]["state"])
        client.await_that(lambda: client.status["alarms_unacknowledged"] == 0, "nothing to acknowledge")
        self.assertEqual(1, client.status["alarms_shown"])

        # Shelve: how long and why are said, or it is refused.
        self.assertEqual(3, self.ctl("shelve", FLOW, "--for", "9 h", "--reason", "old valve").returncode)
        self.assertEqual(2, self.ctl("shelve", FLOW, "--for", "soon", "--reason", "old valve").returncode)
        self.assertNotEqual(0, self.ctl("shelve", FLOW, "--for", "1 h").returncode)
        self.assertEqual(3, self.ctl("shelve", "nothing", "--for", "1 h", "--reason", "old valve").returncode)
        self.assertEqual(0, self.ctl("shelve", FLOW, "--for", "1 h", "--reason", "old valve").returncode)
        alarm = self.alarms()[FLOW]
        self.assertEqual(("shelved", "old valve"), (alarm["state"], alarm["shelved_reason"]))
        self.assertIn("old valve", self.ctl("alarms").stdout)
        client.await_that(lambda: client.status["alarms_shown"] == 0, "a list without it")
        # It stands: back from the shelf it wants to be seen again.
        self.assertEqual(0, self.ctl("unshelve", FLOW).returncode)
        self.assertEqual("unacknowledged", self.alarms()[FLOW]["state"])
        self.assertEqual(frames, len(self.valves.coil_writes(ald.NB)))
        self.assertEqual(0, self.ctl("abort").returncode)
        client.await_state("Aborted")
        self.stop_daemon()
        rows = self.rows("SELECT command, arguments, result FROM audit WHERE command = 'shelve' ORDER BY id")
        self.assertEqual(f"shelve {FLOW} --for 1 h --reason old valve", rows[-1]["arguments"])
        self.assertEqual(["ok"], [r["result"] for r in rows if r["result"] == "ok"])
        # Each command that did something, in order, with who and in which states (A3).
        done = self.rows("SELECT uid, role, command, state_before, state_after FROM audit WHERE result = 'ok' ORDER BY id")
        self.assertEqual(["run", "ack", "shelve", "unshelve", "abort"],
                         [r["command"] for r in done if r["command"] != "shutdown"])
        self.assertEqual({(os.getuid(), "engineer")}, {(r["uid"], r["role"]) for r in done})
        self.assertEqual([("Execute", "Execute")] * 3, [(r["state_before"], r["state_after"]) for r in done[1:4]])
        self.assertEqual(("Execute", "Aborting"), (done[4]["state_before"], done[4]["state_after"]))
        told = self.rows("SELECT text FROM event WHERE kind = 'alarm' AND source = ?", FLOW)
        self.assertTrue(any("acknowledged by" in r["text"] for r in told), told)

    def test_a_trip_is_an_alarm_until_acknowledged_and_reset(self):
        self.start_all("--fault", "emo@8 s+4 s")
        client = self.subscriber()
        client.await_that(lambda: client.status["latches"], "a trip")
        client.await_that(lambda: client.status["alarms_shown"] >= 1, "the trip among the alarms")
        self.assertEqual("critical", self.alarms()["emergency-stop"]["priority"])
        self.assertEqual(3, self.ctl("shelve", "emergency-stop", "--for", "1 h", "--reason", "x").returncode)
        self.assertEqual(0, self.ctl("ack").returncode)
        # Acknowledged, it is latched all the same (T2), until its cause is gone and it is reset.
        client.await_that(lambda: client.status["latches"] and not client.status["latches"][0]["is_active"],
                          "the cause gone")
        self.assertEqual("latched", self.alarms()["emergency-stop"]["state"])
        self.assertEqual(0, self.ctl("reset").returncode)
        client.await_that(lambda: client.status["alarms_shown"] == 0, "no alarm left")


if __name__ == "__main__":
    unittest.main()
