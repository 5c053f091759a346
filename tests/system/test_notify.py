"""Hooks (ald-tool(5), Notify): programs on chosen events, bounded in time, and never in the way of a run."""
import glob
import http.server
import json
import os
import re
import resource
import select
import signal
import socket
import socketserver
import threading
import time
import unittest

import ald

# Keeps every event, each a line.
KEEP = "#!/bin/sh\ncat >> {folder}/told\n"
# Goes on after its time, with a child in its group.
HANG = "#!/bin/sh\nsleep 1000 &\necho $$ $! >> {folder}/pids\nwait\n"
# One of the two has left the group of the program that began it.
HANG_FAR = "#!/bin/sh\nsleep 1000 & near=$!\nsetsid sleep 1000 &\necho $$ $near $! >> {folder}/pids\nwait\n"
ALL = "[complete, held, stopped, aborted, tripped, alarm, question, daemon]"
# Some cycles, each with a pulse.
RUN = ("--set", "cycles=2", "--set", "nb_pulse=200 ms", "--set", "purge=5 s")


def children(pid):
    """Process numbers of the children of a process."""
    found = []
    for path in glob.glob(f"/proc/{pid}/task/*/children"):
        with open(path, encoding="ascii") as f:
            found += [int(word) for word in f.read().split()]
    return found


class Notify(ald.Test):
    def hook(self, name, text):
        path = self.path(name, text.format(folder=self.dir))
        os.chmod(path, 0o755)
        return path

    def tool(self, *hooks):
        """The reference tool with hooks: rows of `notify`."""
        with open(ald.TOOL, encoding="utf-8") as f:
            return self.path("tool.yaml", f.read() + "notify:\n" + "".join(f"  - {{{h}}}\n" for h in hooks))

    def start_with(self, *hooks, faults=(), proxies=False):
        tool = self.tool(*hooks)
        self.start_sim("--ready", *faults, tool=tool)
        if proxies:
            self.start_proxies()
        self.start_daemon(tool)
        return self.subscriber()

    def told(self):
        try:
            with open(self.path("told"), encoding="utf-8") as f:
                return [json.loads(line) for line in f]
        except FileNotFoundError:
            return []

    def notices(self, client):
        return [e for e in client.events if e["kind"] == "notify"]

    def await_notice(self, client, words, timeout=ald.PATIENCE_S):
        client.await_that(lambda: any(words in e["text"] for e in self.notices(client)), f"told of '{words}'", timeout)
        return [e for e in self.notices(client) if words in e["text"]][-1]

    def pids(self):
        with open(self.path("pids"), encoding="ascii") as f:
            return [int(word) for word in f.read().split()]

    def await_pids(self):
        """The same once the hook has written them: its line is whole, not only begun."""
        deadline = time.monotonic() + ald.PATIENCE_S
        while not os.path.exists(self.path("pids")) or not self.pids():
            self.assertLess(time.monotonic(), deadline, "the hook says nothing")
            time.sleep(0.01)  # a file cannot be waited for
        return self.pids()

    def are_gone(self, pids):
        """Every process ends, now or soon: its descriptor tells."""
        for pid in pids:
            try:
                fd = os.pidfd_open(pid)
            except ProcessLookupError:
                continue
            ready = select.select([fd], [], [], ald.PATIENCE_S)[0]
            os.close(fd)
            self.assertTrue(ready, f"process {pid} is still there")

    def helpers(self):
        """The one that waits, and the one that works."""
        keeper = children(self.daemon.child.pid)
        self.assertEqual(1, len(keeper))
        deadline = time.monotonic() + ald.PATIENCE_S
        while not (worker := children(keeper[0])):
            self.assertLess(time.monotonic(), deadline, "no helper")
            time.sleep(0.01)  # a fork of somebody else cannot be waited for
        return keeper[0], worker[0]


class Events(Notify):
    def test_a_run_with_a_hold(self):
        keep = self.hook("keep", KEEP)
        client = self.start_with(f"on: {ALL}, run: {keep}")
        self.await_notice(client, "(daemon) done")
        self.run_recipe(*RUN)
        client.await_state("Execute")
        self.assertEqual(0, self.ctl("hold").returncode)
        client.await_state("Held")
        self.await_notice(client, "(held, run 1) done")
        self.assertEqual(0, self.ctl("resume").returncode)
        client.await_state("Complete", timeout=120)
        end = self.await_notice(client, "(complete, run 1) done")
        self.assertEqual(("info", None), (end["severity"], end["run"]))
        self.stop_daemon()
        told = self.told()
        # Alarms are the process's own affair here.
        self.assertEqual(["daemon", "held", "complete", "daemon"], [t["event"] for t in told if t["event"] != "alarm"])
        held = [t for t in told if t["event"] == "held"][0]
        self.assertEqual({"event", "priority", "time", "tool", "host", "text", "guidance", "source", "run", "recipe", "user",
                          "state", "reason", "cycle", "cycles", "more"}, set(held))
        self.assertEqual(("high", "rotary-ald", socket.gethostname(), 1, "quick", "Held", 2, 0),
                         tuple(held[k] for k in ("priority", "tool", "host", "run", "recipe", "state", "cycles", "more")))
        self.assertRegex(held["time"], r"^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z$")
        self.assertEqual(held["user"], self.rows("SELECT operator FROM run")[0]["operator"])
        # The last word of an orderly end is in the record too.
        self.assertEqual(2, len(self.rows("SELECT id FROM event WHERE kind = 'notify' AND text LIKE '%(daemon%'")))

    def test_a_trip_is_told_once(self):
        keep = self.hook("keep", KEEP)
        client = self.start_with(f"on: [tripped, aborted, held, complete], run: {keep}", proxies=True)
        self.run_recipe(body="    - wait: 5 min\n")
        client.await_state("Execute")

        def pressed(request, reply):
            """emo.ok, the second of the discrete inputs, reads off."""
            if request.unit != ald.PLANT or request.function != 2 or request.address > 1 or reply[7] != 2:
                return reply
            return reply[:9] + bytes([reply[9] & ~(1 << 1 - request.address)]) + reply[10:]
        # In the run, however long the machine took to get there.
        self.plant.spoil_reply = pressed
        client.await_state("Aborted")
        self.await_notice(client, "(aborted, run 1) done")
        told = self.told()
        self.assertEqual(["tripped", "aborted"], [t["event"] for t in told])
        self.assertEqual(("emergency-stop", "critical", 1), tuple(told[0][k] for k in ("source", "priority", "run")))
        self.assertIn("EMO", told[0]["guidance"])
        self.assertIn("emo.ok", told[1]["reason"])

    def test_an_alarm_is_told_once(self):
        keep, other = self.hook("keep", KEEP), self.hook("other", KEEP.replace("told", "grave"))
        client = self.start_with(f"on: [alarm], run: {keep}, priority: high", f"on: [alarm], run: {other}, priority: critical",
                                 faults=("--fault", "flow-stuck:carrier@0 s"))
        recipe = self.path("flow.yaml", ald.QUICK.replace("until: carrier.flow > 60 sccm", "until: pump.running")
                           .format(body="    - set: {carrier.flow: 70 sccm}\n    - wait: 2 min\n"))
        self.await_proof()
        self.assertEqual(0, self.ctl("run", recipe).returncode)
        self.await_notice(client, "(alarm, run 1) done")
        # Nor do its acknowledgement and its shelving.
        self.assertEqual(0, self.ctl("ack").returncode)
        self.assertEqual(0, self.ctl("shelve", "not-following-carrier", "--for", "1 h", "--reason", "known").returncode)
        self.assertEqual(0, self.ctl("stop").returncode)
        client.await_state("Stopped", timeout=60)
        self.stop_daemon()
        told = self.told()
        self.assertEqual([("alarm", "not-following-carrier", "high")], [(t["event"], t["source"], t["priority"]) for t in told])
        self.assertTrue(told[0]["guidance"])
        self.assertFalse(os.path.exists(self.path("grave")))


class Bounds(Notify):
    """Hooks that do wrong."""

    def test_one_that_hangs(self):
        """It is killed with its children; the run goes on, every pulse as planned."""
        hang = self.hook("hang", HANG)
        # By then it has begun and told of itself, on any machine.
        client = self.start_with(f"on: [held], run: {hang}, timeout: 3 s")
        self.run_recipe(*RUN)
        # Behind an opening: a hold within the 50 ms before one would take back the pulse that was handed over.
        self.wire.await_coil(ald.NB, 1)
        self.assertEqual(0, self.ctl("hold").returncode)
        client.await_state("Held")
        self.assertEqual(0, self.ctl("resume").returncode)
        end = self.await_notice(client, "killed: not done after 3 s")
        self.assertEqual("warning", end["severity"])
        self.are_gone(self.pids())
        client.await_state("Complete", timeout=120)
        self.stop_daemon()
        self.assertEqual(["done"] * 2, [r["outcome"] for r in self.rows("SELECT outcome FROM pulse WHERE attempt = 1"
                                                                          " AND outcome <> 'revoked'")])

    def test_what_goes_wrong_is_a_warning(self):
        """Output without end, an exit status, a signal, no program: each one event, and a journal of a few lines."""
        flood = self.hook("flood", "#!/bin/sh\nexec yes flooded\n")
        fails = self.hook("fails", "#!/bin/sh\necho trying\necho no such server >&2\nexit 7\n")
        dies = self.hook("dies", "#!/bin/sh\nkill -9 $$\n")
        # Only the one that floods runs out of its time, however slow the machine.
        client = self.start_with(f"on: [daemon], run: {flood}, timeout: 1 s",
                                 *(f"on: [daemon], run: {h}, timeout: 1 min" for h in (fails, dies, "/nowhere")))
        for words in ("flood (daemon) killed: not done after 1 s", "fails (daemon) ended with status 7 after", "dies (daemon) "
                      "ended by signal 9 after", "/nowhere (daemon) not run: No such file or directory"):
            self.assertEqual("warning", self.await_notice(client, words)["severity"])
        self.assertTrue(self.await_notice(client, "fails")["text"].endswith(": no such server"))
        self.assertEqual(0, self.ctl("status").returncode)
        log = self.daemon.log()
        self.assertIn("aldd: hook fails: no such server", log)
        self.assertIn("tool.yaml:", log)  # /nowhere, with its place
        self.assertLess(log.count("flooded"), 1000)
        self.assertGreater(log.count("hook flood: flooded"), 10)

    def test_a_helper_that_is_killed(self):
        """What it ran is ended, another takes its place; without any the daemon goes on."""
        hang, keep = self.hook("hang", HANG_FAR), self.hook("keep", KEEP)
        client = self.start_with(f"on: [daemon], run: {hang}, timeout: 5 min", f"on: [held, complete], run: {keep}")
        self.assertEqual(3, len(self.await_pids()))
        keeper, worker = self.helpers()
        os.kill(worker, signal.SIGKILL)
        self.assertEqual("warning", self.await_notice(client, "started again")["severity"])
        self.are_gone(self.pids())
        self.run_recipe(*RUN)
        client.await_state("Execute")
        self.assertEqual(0, self.ctl("hold").returncode)
        self.await_notice(client, "(held, run 1) done")
        again, worker = self.helpers()
        self.assertEqual(keeper, again)
        for pid in (keeper, worker):
            os.kill(pid, signal.SIGKILL)
        self.assertEqual("alarm", self.await_notice(client, "the helper is gone")["severity"])
        self.assertEqual(0, self.ctl("resume").returncode)
        client.await_state("Complete", timeout=120)
        self.assertEqual(["held"], [t["event"] for t in self.told()])

    def test_nothing_outlives_the_daemon(self):
        """Killed, it leaves no process behind, whatever ran."""
        hang = self.hook("hang", HANG)
        self.start_with(f"on: [daemon], run: {hang}, timeout: 5 min")
        pids = self.await_pids()
        left = [*self.helpers(), *pids]
        self.assertEqual(4, len(left))
        self.daemon.expected = {-signal.SIGKILL}
        self.daemon.end(signal.SIGKILL)
        self.are_gone(left)

    def test_an_end_waits_for_its_hooks_only_so_long(self):
        hang = self.hook("hang", HANG)
        self.start_with(f"on: [daemon], run: {hang}, timeout: 5 min")
        left = self.helpers()
        self.assertEqual(0, self.daemon.end(timeout=ald.PATIENCE_S + 15))
        self.are_gone([*left, *self.pids()])
        ends = self.rows("SELECT text FROM event WHERE kind = 'notify'")
        self.assertEqual(1, len(ends))
        self.assertRegex(ends[0]["text"], r"killed: the daemon's end does not wait longer than 10 s, 1 more left out")

    def test_a_run_that_was_interrupted_is_told(self):
        keep = self.hook("keep", KEEP)
        tool = self.tool(f"on: [daemon], run: {keep}")
        self.start_sim("--ready", tool=tool)
        self.start_daemon(tool)
        client = self.subscriber()
        self.run_recipe(body="    - wait: 5 min\n")
        client.await_state("Execute")
        self.await_rows("SELECT * FROM run")
        self.daemon.expected = {-signal.SIGKILL}
        self.daemon.end(signal.SIGKILL)
        self.start_daemon(tool)
        self.await_notice(self.subscriber(), "(daemon, run 1) done")
        self.assertEqual(("the daemon is ready; run 1 was interrupted by its end", "high"),
                         tuple(self.told()[-1][k] for k in ("text", "priority")))


class Trial(Notify):
    """Without a tool: aldd --check and --notify-test."""

    def aldd(self, *args, env=None):
        program = self.start("aldd", list(args), env)
        program.expected = {0, 1}
        return program.child.wait(ald.PATIENCE_S), program.log()

    def test_check_looks_at_the_programs(self):
        keep = self.hook("keep", KEEP)
        tool = self.tool(f"on: [held], run: {keep}", "on: [held], run: /nowhere")
        status, said = self.aldd("-c", tool, "--check")
        self.assertEqual(0, status)
        self.assertRegex(said, r"tool\.yaml:\d+:23: warning: run: '/nowhere': No such file or directory: nobody will be told")
        os.chmod(keep, 0o644)
        self.assertIn("is no program that may be run here", self.aldd("-c", tool, "--check")[1])
        os.chmod(keep, 0o777)
        status, said = self.aldd("-c", tool, "--check")
        self.assertEqual(1, status)
        self.assertRegex(said, r"tool\.yaml:\d+:23: error: run: everybody may write '.*/keep'; chmod o-w it")

    def test_a_hook_and_what_it_finds(self):
        """Its input, environment, descriptors, signals and limits."""
        look = self.hook("look", "#!/bin/sh\ncat > {folder}/told\nenv > {folder}/env\nls /proc/$$/fd > {folder}/fd\n"
                         # By itself: a shell that starts a program blocks its signals meanwhile.
                         "while read -r line; do case $line in SigBlk*|SigIgn*) echo \"$line\";; esac; done < /proc/$$/status "
                         "> {folder}/signals\n"
                         "grep -E '^Max (realtime priority|locked memory)' /proc/$$/limits > {folder}/limits\npwd\n")
        try:
            resource.setrlimit(resource.RLIMIT_RTPRIO, (40, 40))  # as the unit has it
        except (ValueError, PermissionError):
            pass  # not ours to raise: it is 0 then
        status, said = self.aldd("-c", self.tool(f"on: [held], run: {look}"), "--notify-test",
                                 env={"ALD_WEBHOOK": "here", "SECRET": "1"})
        self.assertEqual(0, status, said)
        self.assertRegex(said, r"look \(test\) done after")
        self.assertIn("hook look: /\n", said)
        self.assertEqual(("test", None, "low"), tuple(self.told()[0][k] for k in ("event", "run", "priority")))
        with open(self.path("env"), encoding="utf-8") as f:
            names = {line.split("=")[0] for line in f}
        self.assertLessEqual({"PATH", "LANG", "ALD_EVENT", "ALD_TOOL", "ALD_RUN", "ALD_PRIORITY", "ALD_WEBHOOK"}, names)
        self.assertEqual(set(), {n for n in names if not n.startswith("ALD_")} - {"PATH", "LANG", "PWD", "OLDPWD", "_", "SHLVL"})
        with open(self.path("fd"), encoding="ascii") as f:
            self.assertLessEqual(set(f.read().split()), {"0", "1", "2", "10", "11"})  # the shell's own: from 10 on
        with open(self.path("signals"), encoding="ascii") as f:
            self.assertEqual([0, 0], [int(line.split()[1], 16) & 0x7fffffff for line in f])  # 32, 33: the C library's
        # What the unit allows the daemon's loop and links is not for a hook.
        with open(self.path("limits"), encoding="ascii") as f:
            self.assertEqual([["0", "0"]] * 2, [re.findall(r"\b(\d+|unlimited)\b", line) for line in f])

    def test_without_hooks(self):
        status, said = self.aldd("-c", ald.TOOL, "--notify-test")
        self.assertEqual(1, status)
        self.assertIn("names no hook", said)

    def test_the_example_of_the_man_page(self):
        """A chat message and a mail arrive."""
        with open(os.path.join(ald.TOP, "config", "ald-tool.5"), encoding="utf-8") as f:
            script = re.search(r"^(#!/bin/sh\n# /etc/ald/notify.*?)^\.Ed$", f.read(), re.S | re.M)[1].replace("\\e", "\\")
        posts, mails = [], []

        class Web(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                posts.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(200)
                self.end_headers()

        class Mail(socketserver.StreamRequestHandler):
            def handle(self):
                self.wfile.write(b"220 test\r\n")
                while line := self.rfile.readline().strip():
                    self.wfile.write(b"354 go on\r\n" if line == b"DATA" else b"250 ok\r\n")
                    if line == b"DATA":
                        text = b""
                        while not text.endswith(b"\r\n.\r\n"):
                            text += self.rfile.readline()
                        mails.append(text.decode())
                        self.wfile.write(b"250 ok\r\n")

        servers = [http.server.HTTPServer(("127.0.0.1", 0), Web), socketserver.TCPServer(("127.0.0.1", 0), Mail)]
        for server in servers:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            self.closers += [server.server_close, server.shutdown][::-1]
        tool = self.tool(f"on: [held], run: {self.hook('notify', script.replace('{', '{{').replace('}', '}}'))}")
        web, mail = (s.server_address[1] for s in servers)
        status, said = self.aldd("-c", tool, "--notify-test",
                                 env={"ALD_WEBHOOK": f"http://127.0.0.1:{web}/", "ALD_MAIL": "lab@example.org",
                                      "ALD_SMTP": f"smtp://127.0.0.1:{mail}", "no_proxy": "*"})
        self.assertEqual(0, status, said)
        words = "rotary-ald: test: a test of the notifications: nothing happened"
        self.assertEqual([{"text": words}], posts)
        self.assertIn(f"Subject: {words}", mails[0])
        self.assertEqual("test", json.loads(re.split(r"\r?\n\r?\n", mails[0])[1].splitlines()[0])["event"])


if __name__ == "__main__":
    unittest.main()
