"""Outputs by hand over the real socket: control of the tool, one pulse on the wire, refusals with their codes, the lapse, and
what the record says of it."""
import json
import os
import pwd
import re
import subprocess
import unittest

import ald


def other_user():
    """A user of this machine who is not the daemon's own; None where we may not become them."""
    if os.geteuid() != 0:
        return None
    for name in ("nobody", "daemon"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    return None


class Operate(ald.Test):
    def refused(self, code, *words, args, **kwargs):
        done = self.ctl(*args, **kwargs)
        self.assertEqual(code, done.returncode, done.stdout + done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)
        return done

    def ok(self, *args):
        done = self.ctl(*args)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        return done.stdout

    def tool_with(self, **edits):
        """The reference tool with lines put in after others."""
        with open(ald.TOOL, encoding="utf-8") as f:
            text = f.read()
        for after, line in edits.values():
            self.assertIn(after, text)
            text = text.replace(after, after + line, 1)
        return self.path("tool.yaml", text)

    def test_one_pulse(self):
        """Control, one opening of the given time on the wire, and everything that stands against another."""
        self.start_all()
        self.refused(3, "nobody has control", "control take", args=("open", "nb", "--for", "1 s"))
        self.ok("control", "take")
        self.refused(3, "--for", args=("open", "nb"))
        self.refused(3, "20 ms to 5 s", args=("open", "nb", "--for", "6 s"))
        self.refused(2, "has no unit", "ms", args=("open", "nb", "--for", "1"))
        self.refused(2, "did you mean 'nb.valve'", args=("open", "nb.vlave", "--for", "1 s"))
        self.refused(2, "read only", args=("set", "chamber.pressure", "1 Torr"))
        self.refused(3, "0 sccm to 200 sccm", args=("set", "carrier.flow", "201 sccm"))
        self.refused(2, "is not a flow", args=("set", "carrier.flow", "20 degC"))
        self.assertEqual([], [f for f in self.valves.coil_writes(ald.NB) if f.values[0]])
        self.ok("open", "nb", "--for", "1s")
        self.valves.await_coil(ald.NB, 1)
        error = json.loads(self.ctl("--json", "open", "water", "--for", "100 ms").stdout)["error"]
        self.assertEqual("no-mixing", error["data"]["interlock"])
        self.assertIn("nb.valve", error["data"]["values"])
        self.wire.await_coil(ald.NB, 0)
        self.assertAlmostEqual(1.0, self.valves.widths(ald.NB)[0], delta=0.3 if ald.SANITIZED else 0.05)
        self.ok("set", "carrier.flow", "70 sccm")
        self.assertIn("by hand", self.ok("status"))
        status = self.client().call("status")
        self.assertEqual("carrier.flow.setpoint", status["by_hand"])
        self.assertIsNotNone(status["control"]["until"])
        self.assertIn("standby", self.ok("control", "release"))
        self.assertIsNone(self.client().call("status")["control"])
        self.stop_daemon()
        audit = [(r["command"], r["arguments"], r["result"]) for r in
                 self.rows("SELECT command, arguments, result FROM audit ORDER BY id") if r["command"] != "shutdown"]
        self.assertEqual(13, len(audit), audit)
        self.assertIn(("open", "open nb --for 1s", "ok"), audit)
        self.assertEqual(["ok"] * 4, [result for _, _, result in audit if result == "ok"])
        self.assertEqual([], self.rows("SELECT * FROM pulse"))
        manual = self.rows("SELECT text FROM event WHERE kind = 'manual' ORDER BY id")
        self.assertTrue(any(re.match(r"done: open for (9|10)\d{5}", r["text"]) for r in manual), manual)

    def test_a_close_cuts(self):
        self.start_all()
        self.ok("control", "take")
        self.ok("open", "nb", "--for", "5 s")
        self.wire.await_coil(ald.NB, 1)
        self.ok("close", "nb")
        self.wire.await_coil(ald.NB, 0, timeout=2)
        self.assertLess(self.valves.widths(ald.NB)[0], 4)

    def test_a_lapse(self):
        """Control lapses; a live pulse closes with it, and the rest is told to go to standby."""
        tool = self.tool_with(lapse=("access:\n", "  control_lapse: 2 s\n"))
        self.start_sim("--ready", tool=tool)
        self.start_proxies()
        self.start_daemon(tool=tool)
        self.await_proof()
        watch = self.subscriber()
        self.ok("control", "take")
        self.ok("set", "bed.speed", "3 rpm")
        self.ok("open", "nb", "--for", "5 s")
        self.wire.await_coil(ald.NB, 1)
        watch.await_that(lambda: watch.status["control"] is not None, "under control")
        watch.await_that(lambda: watch.status["control"] is None, "without control", timeout=10)
        self.wire.await_coil(ald.NB, 0, timeout=2)
        self.assertLess(self.valves.widths(ald.NB)[0], 4)
        watch.await_that(lambda: watch.status["standby_s"] is not None, "on the way to standby")
        self.assertTrue(any(e["source"] == "control-lapsed" for e in watch.events), watch.events)
        self.ok("control", "take")
        watch.await_that(lambda: watch.status["standby_s"] is None, "kept by who took control")
        self.ok("control", "release")
        watch.await_that(lambda: watch.tags["bed.speed.setpoint"]["commanded"] == 0, "at standby")

    def test_the_time_to_come(self):
        """What the tool is, and when it may be opened: told live, and changing with what happens."""
        self.start_all("--ready")
        told = self.client().call("tool")
        pieces = {piece["name"]: piece for piece in told["equipment"]}
        self.assertEqual("rotary-ald", told["tool"])
        self.assertEqual(("nb.valve", "nb-source", "nb-line"), tuple(pieces["nb"][k] for k in ("valve", "source", "line")))
        watch = self.subscriber()
        watch.await_that(lambda: watch.status["open_in_s"] is not None, "a time until it may be opened")
        self.assertEqual(0, watch.status["heating_left_s"])
        self.assertGreater(watch.status["open_in_s"], 600)
        self.assertIn("chamber.temperature", watch.status["open_waits"])
        self.assertIn("may be opened in about", self.ok("status"))
        self.run_recipe(body="    - wait: 1 h\n    - set: {nb.temperature: standby}\n"
                             "    - wait: {until: nb.temperature < 60 degC, timeout: 4 h}\n")
        watch.await_that(lambda: "run 1 to end" in watch.status["open_waits"], "the run waited for")
        watch.await_that(lambda: (watch.status["open_in_s"] or 0) > 3600, "the run in the time until it may be opened")
        self.ok("abort")

    def test_all_verbs_of_aldctl(self):
        """Each command of one verb reaches the daemon with its arguments."""
        self.start_all()
        me = pwd.getpwuid(os.geteuid()).pw_name
        for args, words in ((("stop", "--after-cycle"), "stop"), (("confirm",), "confirm"), (("resume", "--skip"), "resume"),
                            (("control", "release", "--to", me), "control")):
            self.refused(3, words, args=args)
        self.stop_daemon()
        texts = [r["arguments"] for r in self.rows("SELECT arguments FROM audit ORDER BY id")]
        self.assertEqual(["stop --after-cycle", "confirm", "resume --skip", "control release --to " + me], texts[:4])

    def test_refusals_say_what_to_do(self):
        self.start_all()
        for code, args, words in (
                (3, ("confirm",), ["no run is under way"]), (3, ("hold",), ["no run is under way"]),
                (2, ("shelve", "no-carrier"), ["--for is missing", "usage: aldctl shelve ALARM --for"]),
                (2, ("shelve", "no-carrier", "--for", "1 h"), ["--reason is missing"]),
                (3, ("shelve", "no-carier", "--for", "1 h", "--reason", "x"), ["did you mean 'no-carrier'?"]),
                (2, ("control", "release", "--to", "no-such-user"), ["no user 'no-such-user'"]),
                (2, ("set", "carrier", "1 sccm"), ["did you mean 'carrier.flow'"]),
                (2, ("set", "bed", "1 rpm"), ["did you mean 'bed.speed'"])):
            self.refused(code, *words, args=args)

    def test_help_fits_a_screen(self):
        text = self.ctl("--help").stdout
        self.assertLessEqual(len(text.splitlines()), 30)
        listed = {name for line in re.findall(r"^  ([a-z][a-z, -]*?)  ", text, re.M) for name in line.split(", ")}
        self.assertGreater(len(listed), 20)
        for name in listed:
            self.assertIn("usage: aldctl " + name, self.ctl(name, "--help").stdout)
        self.assertTrue(all(len(line) <= 100 for line in text.splitlines()), text)

    @unittest.skipIf(other_user() is None, "only root can be two users")
    def test_two_users(self):
        """Two users by the kernel's word: the second is refused while the first has control."""
        other = other_user()
        tool = self.tool_with(access=("access:\n", ""),
                              role=("operator: {groups: [ald-operator]", f", users: [{other.pw_name}]"))
        self.start_sim("--ready", tool=tool)
        self.start_proxies()
        self.start_daemon(tool=tool)
        os.chmod(self.dir, 0o755)
        os.chmod(self.socket_path, 0o666)

        def as_other(*args):
            return subprocess.run(
                [os.path.join(ald.BUILD, "aldctl"), *args], capture_output=True, encoding="utf-8", timeout=ald.PATIENCE_S,
                cwd=self.dir, stdin=subprocess.DEVNULL, user=other.pw_uid, group=other.pw_gid, extra_groups=[],
                env=dict(os.environ, ALD_SOCKET=self.socket_path))

        self.ok("control", "take")
        done = as_other("set", "carrier.flow", "70 sccm")
        self.assertEqual(3, done.returncode, done.stdout + done.stderr)
        self.assertIn("has control", done.stderr)
        self.assertEqual(5, as_other("control", "take", "--force").returncode)
        self.assertEqual(0, as_other("close", "nb").returncode)
        self.ok("control", "release", "--to", other.pw_name)
        self.assertEqual(0, as_other("set", "carrier.flow", "70 sccm").returncode)
        self.refused(3, other.pw_name + " has control", args=("set", "carrier.flow", "60 sccm"))
        self.ok("control", "take", "--force")
        self.assertEqual(0, as_other("abort").returncode)
        self.await_state("Aborted")
        self.stop_daemon()
        rows = self.rows("SELECT uid, role, command, result FROM audit ORDER BY id")
        self.assertIn({"uid": other.pw_uid, "role": "operator", "command": "abort", "result": "ok"}, rows)
        self.assertIn(f"ok, taken from {other.pw_name}", [r["result"] for r in rows])


if __name__ == "__main__":
    unittest.main()
