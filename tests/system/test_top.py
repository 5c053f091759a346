"""aldctl top in a pseudo-terminal: seen, asked, resized, without a daemon and with it again, and the terminal as it was."""
import fcntl
import json
import os
import pty
import re
import select
import signal
import socket
import struct
import subprocess
import termios
import threading
import time
import unittest

import pyte

import ald

ALDCTL = os.path.join(ald.BUILD, "aldctl")
LONG = ald.ONE_PULSE.replace("$nb_pulse", "3 s").replace("$purge", "15 s")


class Screen:
    """aldctl top on a terminal of the test's own. What it shows is waited for, never slept for."""

    def __init__(self, test, rows=24, columns=80, env=None, args=()):
        self.screen = pyte.Screen(columns, rows)
        self.stream = pyte.ByteStream(self.screen)
        self.changed = threading.Condition()
        self.raw = b""
        self.master, slave = pty.openpty()
        self.resize(rows, columns)
        self.before = termios.tcgetattr(slave)
        self.child = subprocess.Popen(
            [ALDCTL, "--socket", test.socket_path, "--db", test.db_path, *args, "top"], stdin=slave, stdout=slave,
            stderr=slave, cwd=test.dir, preexec_fn=self.take_terminal,
            env=dict(os.environ, **{"TERM": "screen", "LC_ALL": "C.UTF-8", "TZ": "UTC", "NO_COLOR": "", **(env or {})}))
        self.slave = slave
        test.closers.insert(0, self.close)
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    @staticmethod
    def take_terminal():
        ald.die_with_parent()
        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    def read(self):
        while True:
            try:
                if not select.select([self.master], [], [], 0.5)[0]:
                    continue
                data = os.read(self.master, 65536)
            except (OSError, ValueError):
                return
            with self.changed:
                self.raw += data
                self.stream.feed(data)
                self.changed.notify_all()

    def text(self):
        return "\n".join(self.screen.display)

    def await_that(self, is_so, what, timeout=ald.PATIENCE_S):
        deadline = time.monotonic() + timeout
        with self.changed:
            while not is_so(self.text()):
                if not self.changed.wait(max(0.0, deadline - time.monotonic())) and time.monotonic() > deadline:
                    raise AssertionError(f"not {what} within {timeout} s:\n{self.text()}")
            return self.text()

    def await_text(self, pattern, timeout=ald.PATIENCE_S):
        return self.await_that(lambda text: re.search(pattern, text), f"shown: {pattern}", timeout)

    def await_gone(self, pattern):
        return self.await_that(lambda text: not re.search(pattern, text), f"gone: {pattern}")

    def press(self, keys):
        os.write(self.master, keys.encode())

    def resize(self, rows, columns):
        """As a terminal does it: first itself, then the word to the program."""
        with self.changed:
            self.screen.resize(rows, columns)
            fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def end(self):
        """Wait for the end; the exit status. The terminal must be as it was."""
        status = self.child.wait(ald.PATIENCE_S)
        after = termios.tcgetattr(self.slave)
        assert after == self.before, f"the terminal is not as it was: {self.before} {after}"
        with self.changed:
            self.changed.wait_for(lambda: self.raw.rstrip().endswith(b"\x1b[?1l\x1b>") or
                                  b"\x1b[?1049l" in self.raw, ald.PATIENCE_S)
        assert self.raw.rfind(b"\x1b[?1049l") > self.raw.rfind(b"\x1b[?1049h"), "the other screen was not left"
        assert self.raw.rfind(b"\x1b[34h\x1b[?25h") > self.raw.rfind(b"\x1b[?25l"), "the cursor is hidden"
        return status

    def close(self):
        if self.child.poll() is None:
            self.child.kill()
            self.child.wait()
        os.close(self.master)
        os.close(self.slave)


class QuietDaemon:
    """A daemon that knows no verb `tool` and has nothing to tell, but answers."""

    def __init__(self, path):
        with open(os.path.join(ald.TOP, "tests", "golden", "top", "heat-up.json"), encoding="utf-8") as f:
            self.full = json.load(f)["full"]
        self.asked, self.changed = [], threading.Condition()
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen()
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            stream, said = client.makefile("w", encoding="utf-8"), client.makefile("r", encoding="utf-8")
            self.say(stream, method="hello", params={"tool": "rotary-ald", "protocol": 1, "role": "viewer", "db": None})
            for line in said:
                request = json.loads(line)
                with self.changed:
                    self.asked.append(request["method"])
                    self.changed.notify_all()
                answers = {"subscribe": self.full, "alarms": [], "status": self.full["status"]}
                if request["method"] in answers:
                    self.say(stream, id=request["id"], result=answers[request["method"]])
                else:
                    self.say(stream, id=request["id"], error={"code": -32601, "message": "unknown verb", "data": {}})

    @staticmethod
    def say(stream, **message):
        stream.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
        stream.flush()

    def await_asked(self, verb, times):
        with self.changed:
            assert self.changed.wait_for(lambda: self.asked.count(verb) >= times, ald.PATIENCE_S), self.asked


class Top(ald.Test):
    def test_a_quiet_daemon_is_no_silent_one(self):
        daemon = QuietDaemon(self.socket_path)
        self.closers.append(daemon.listener.close)
        screen = Screen(self)
        screen.await_text(r"nb +109\.0 = 110 degC .*○ closed")  # what it does not tell is guessed from the tags
        daemon.await_asked("status", 4)  # two seconds each: longer than a silent one is believed
        self.assertNotRegex(screen.text(), r"NO ANSWER|\? Torr")
        screen.press("a")
        screen.await_text(r"abort: needs the role operator, yours is viewer")
        screen.press("q")
        self.assertEqual(0, screen.end())
        self.assertEqual(set(daemon.asked), {"subscribe", "tool", "alarms", "status"})

    def test_a_run_is_seen_held_and_resumed(self):
        self.start_all(proxies=False)
        client = self.subscriber()
        screen = Screen(self)
        screen.await_text(r"rotary-ald")
        screen.await_text(r"chamber\.pressure, last 5 min")
        self.run_recipe("--set", "cycles=3", body=LONG)
        screen.await_text(r"Execute, coat, cycle 1 of 3")
        screen.await_text(r"nb .*● open ")
        screen.await_text(r"\n nb +█")
        screen.await_text(r"\n pulse nb 3 s|\n purge 15 s")
        # No is no.
        screen.press("h")
        screen.await_text(r"Hold run 1 \(quick\)\?")
        screen.press("n")
        screen.await_gone(r"Hold run 1")
        screen.press("h")
        screen.await_text(r"Hold run 1")
        self.assertEqual("Execute", self.client().call("status")["state"])
        screen.press("y")
        screen.await_text(r"Held, coat")
        client.await_state("Held")
        screen.await_text(r"r resumes, S stops")
        screen.press("ry")  # nothing is lost when somebody is quick
        client.await_state("Execute")
        screen.await_text(r"Execute, coat")
        screen.press("s")
        screen.await_text(r"At the end of this cycle, stop run 1")
        screen.press("y")
        client.await_that(lambda: client.status["is_stopping_after_cycle"], "asked to stop after the cycle")
        screen.await_text(r"stops after this cycle")
        screen.press("ay")
        client.await_state("Aborted")
        screen.await_text(r"look at the tool, then R resets")
        screen.press("q")
        self.assertEqual(0, screen.end())
        # Another one shows the pulse that it has not seen.
        screen = Screen(self)
        screen.await_text(r"\n nb +█")
        screen.press("q")
        self.assertEqual(0, screen.end())

    def test_a_refusal_shows_its_hint(self):
        self.start_sim("--ready", "--fault", "reads:heater.over-temperature=1@0 s")
        self.start_daemon()
        client = self.subscriber()
        client.await_state("Aborted")
        screen = Screen(self)
        screen.await_text(r"ALARMS: [1-9]")
        screen.await_text(r"first \S+ over-temperature")
        screen.await_text(r"OVER-TEMP")
        screen.press("R")
        screen.await_text(r"Reset\?")
        screen.press("y")
        screen.await_text(r"reset was refused(.|\n)*over-temperature still stands(.|\n)*hint: ")
        screen.press(" ")
        screen.await_gone(r"reset was refused")
        screen.press("k")
        screen.await_text(r"Acknowledge \d+ alarm")
        screen.press("y")
        client.await_that(lambda: client.status["alarms_unacknowledged"] == 0, "acknowledged")
        screen.await_text(r"ALARMS: \d+ ─")
        screen.await_text(r"\n \. \d\d:\d\d:\d\d first")

    def test_sizes(self):
        self.start_all(proxies=False)
        screen = Screen(self)
        screen.await_that(lambda text: "q quit" in text.splitlines()[23], "drawn in 24 rows")
        screen.resize(40, 120)
        screen.await_that(lambda text: "q quit" in text.splitlines()[39], "drawn in 40 rows")
        screen.await_that(lambda text: re.search(r"\d\d:\d\d:\d\d$", text.splitlines()[0].rstrip()[:120]) and
                          len(text.splitlines()[0].rstrip()) > 100, "drawn in 120 columns")
        screen.resize(12, 40)
        screen.await_text(r"Too small: 40 x 12")
        screen.resize(24, 80)
        screen.await_that(lambda text: "q quit" in text.splitlines()[23], "drawn in 24 rows again")
        # A question that nobody can read is taken back, and none is asked.
        screen.press("a")
        screen.await_text(r"Abort\?")
        screen.resize(12, 40)
        screen.await_text(r"Too small")
        screen.resize(24, 80)
        screen.await_text(r"safe to open")
        screen.await_gone(r"Abort\?")
        screen.resize(12, 40)
        screen.await_text(r"Too small")
        screen.press("ayq")
        self.assertEqual(0, screen.end())
        self.assertEqual("Stopped", self.client().call("status")["state"])

    def test_a_lost_daemon_comes_back(self):
        self.start_all(proxies=False)
        screen = Screen(self)
        screen.await_text(r"safe to open")
        screen.await_gone(r"\?  *sccm|NO CONNECTION")
        self.daemon.expected.add(-signal.SIGKILL)
        self.daemon.end(signal.SIGKILL)
        screen.await_text(r"NO CONNECTION for .*: values of \d\d:\d\d:\d\d; trying again")
        screen.await_text(r"\d\.\d+ \? Torr")
        screen.press("a")
        screen.await_text(r"abort: no connection to the daemon, nothing was sent")
        self.start_daemon()
        screen.await_text(r"the connection is back")
        screen.await_gone(r"\? Torr|NO CONNECTION")
        # A daemon that stands still does not answer.
        os.kill(self.daemon.child.pid, signal.SIGSTOP)
        screen.await_text(r"NO ANSWER for .*: values of ")
        screen.await_text(r"\d\.\d+ \? Torr")
        screen.press("?")  # and the keys still do
        screen.await_text(r"any key goes back")
        os.kill(self.daemon.child.pid, signal.SIGCONT)
        screen.await_gone(r"NO ANSWER")
        screen.press("qq")
        self.assertEqual(0, screen.end())

    def test_signals_give_the_terminal_back(self):
        self.start_all(proxies=False)
        for end in ["\x03", signal.SIGTERM, signal.SIGHUP]:
            with self.subTest(end=end):
                screen = Screen(self)
                screen.await_text(r"q quit")
                if isinstance(end, str):
                    screen.press(end)
                else:
                    screen.child.send_signal(end)
                self.assertEqual(0, screen.end())

    def test_plain_terminals(self):
        self.start_all(proxies=False)
        screen = Screen(self, env={"LC_ALL": "C", "NO_COLOR": "1"})
        screen.await_text(r"\+- chamber -")
        screen.press("r")
        screen.await_text(r"resume: not while Stopped")  # a warning, in yellow elsewhere
        screen.press("q")
        self.assertEqual(0, screen.end())
        self.assertEqual([], [byte for byte in screen.raw if byte > 0x7E])
        self.assertNotRegex(screen.raw, rb"\x1b\[[0-9;]*\b3[0-7][;m]")
        screen = Screen(self)
        screen.await_text(r"safe to open")
        screen.press("r")
        screen.await_text(r"resume: not while Stopped")
        screen.press("q")
        self.assertEqual(0, screen.end())
        self.assertRegex(screen.raw, rb"\x1b\[[0-9;]*\b3[0-7][;m]")  # the pattern sees colours where there are some
        screen = Screen(self, env={"TERM": "dumb"})
        screen.await_text(r"cannot show a screen(.|\n)*aldctl watch")
        self.assertEqual(1, screen.child.wait(ald.PATIENCE_S))

    def test_nobody_waits_in_a_busy_loop(self):
        self.start_all(proxies=False)
        screen = Screen(self)
        screen.await_text(r"q quit")

        def used_s():
            with open(f"/proc/{screen.child.pid}/stat", encoding="ascii") as f:
                fields = f.read().rsplit(")", 1)[1].split()
            return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        begun, at_s = used_s(), time.monotonic()
        for _ in range(3):
            clock = screen.text().splitlines()[0][-10:]
            screen.await_that(lambda text, old=clock: text.splitlines()[0][-10:] != old, "a second later")
        self.assertLess(used_s() - begun, (0.15 if not ald.SANITIZED else 0.6) * (time.monotonic() - at_s))

    def test_refusals(self):
        done = self.ctl("top")
        self.assertEqual(1, done.returncode)
        self.assertIn("needs a terminal", done.stderr)
        self.assertIn("aldctl watch", done.stderr)
        done = self.ctl("--json", "top")
        self.assertEqual(2, done.returncode)
        self.assertIn("aldctl watch --json", done.stdout)
        screen = Screen(self)
        screen.await_text(r"cannot reach the daemon")
        self.assertEqual(4, screen.child.wait(ald.PATIENCE_S))
        screen = Screen(self, args=["--json"])
        screen.await_text(r"watch --json")
        self.assertEqual(2, screen.child.wait(ald.PATIENCE_S))


if __name__ == "__main__":
    unittest.main()
