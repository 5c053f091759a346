"""What the README says is so: its worked example is followed on the simulated tool, its commands are taken by aldctl, the files
and functions that it names exist. And the shipped recipes that end soon, run from the shell."""
import os
import re
import shlex
import subprocess
import unittest

import ald

README = os.path.join(ald.TOP, "README.md")


def text_of(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def fence(first_line):
    """The YAML of the README that begins with this line, without it."""
    found = [b for b in re.findall(r"^```yaml\n(.*?)^```", text_of(README), re.S | re.M) if b.startswith(first_line)]
    assert len(found) == 1, first_line
    return found[0].split("\n", 1)[1]


def commands():
    """Every command line of aldctl in the README's blocks, as words."""
    for line in re.findall(r"^    (?:\$ )?(build/aldctl .*)$", text_of(README), re.M):
        for one in re.sub(r"\s{2,}#.*", "", line).split(";"):
            yield shlex.split(one)[1:]


class Docs(ald.Test):
    def test_the_commands_are_taken(self):
        """Nobody listens: what is not taken is a usage error, everything else finds nobody to ask."""
        seen = set()
        for words in commands():
            seen.add(words[0])
            words = [os.path.join(ald.TOP, w) if w.startswith(("recipes/", "config/")) else w for w in words]
            done = self.ctl(*words)
            expected = {"check": [0], "new": [0], "schema": [0], "diff": [1], "device": [0, 4], "dry-run": [0], "runs": [1], "report": [1], "latency": [1],
                        "replay": [1], "trend": [1], "audit": [1], "export": [1], "archive": [1],
                        "counters": [1], "pulses": [1], "top": [1]}
            self.assertIn(done.returncode, expected.get(words[0], [4]),
                          f"{words}: {done.stdout}{done.stderr}")
        self.assertLessEqual({"run", "status", "watch", "confirm", "shelve", "bypass", "set", "open"}, seen)

    def test_the_dry_run_says_so(self):
        """The README's example is what is printed."""
        shown = re.search(r"\$ build/aldctl dry-run [^\n]*\n(.*?)\n\n[A-Z]", text_of(README), re.S)[1]
        with open(os.path.join(ald.TOP, "tests", "golden", "nb2o5-nmc532.txt"), encoding="utf-8") as f:
            printed = f.read().splitlines()
        lines = [line[4:] for line in shown.splitlines() if line.strip() and line.strip() != "..."]
        self.assertGreater(len(lines), 10)
        for line in lines:
            self.assertIn(line, printed)

    def test_the_plan_says_so(self):
        """So is its poll plan."""
        shown = re.search(r"\$ build/aldctl device plan [^\n]*\n(.*?)\n\n[A-Z]", text_of(README), re.S)[1]
        printed = self.ctl("device", "plan", "-c", ald.TOOL).stdout.splitlines()
        lines = [line[4:] for line in shown.splitlines() if line.strip() not in ("", "...")]
        self.assertGreater(len(lines), 4)
        for line in lines:
            self.assertIn(line, printed)

    def test_what_is_named_exists(self):
        text = text_of(README)
        for path in re.findall(r"`((?:src|tests|include|config|recipes)/[\w./-]+)`", text):
            self.assertTrue(os.path.exists(os.path.join(ald.TOP, path)), path)
        for function, path in re.findall(r"`(\w+)\(\)`[^`\n]*\(`(src/[\w./]+)`", text) + [
                (f, p) for p, f in re.findall(r"`(src/[\w./]+)`, `(\w+)\(\)`", text)]:
            self.assertRegex(text_of(os.path.join(ald.TOP, path)), rf"(?m)^[a-z].*\b{function}\(", f"{function} in {path}")

    def example(self):
        """my-tool.yaml, made as the README says."""
        tool = text_of(ald.TOOL)
        own = fence("interlocks:").split("  - id: no-mixing")[0]
        for key, lines in (("tags", fence("tags:")), ("interlocks", own)):
            self.assertEqual(1, tool.count(f"\n{key}:\n"))
            tool = tool.replace(f"\n{key}:\n", f"\n{key}:\n{lines}")
        bypass = re.search(r"^```yaml\n(bypass: .*\n)^```", text_of(README), re.M)[1]
        tool, n = re.subn(r"(?m)^bypass:\n(?:  .*\n)+", bypass, tool)
        self.assertEqual(1, n)
        return self.path("my-tool.yaml", tool)

    def ok(self, *args):
        done = self.ctl(*args)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        return done.stdout

    def test_the_worked_example(self):
        """Its interlocks in the table, a trip with its words, a latch that only a reset clears, a bypass that ends."""
        tool = self.example()
        # It stands when the daemon is ready or soon after, and on a slow machine still when the reset is refused.
        self.start_sim("--ready", "--fault", "reads:exhaust.pressure=30 Torr@4 s+10 s", tool=tool)
        self.start_daemon(tool=tool)
        told = self.ok("interlocks")
        for row in re.findall(r"^    ((?:exhaust-blocked|precursor-needs-exhaust|no-mixing) .*?)(?:  exh|$)",
                              text_of(README), re.M):
            self.assertIn(row.rstrip(), told)
        client = self.subscriber()
        client.await_state("Aborted")
        status = self.ok("status")
        said = re.search(r"\$ build/aldctl status\n(.*?)    \$", text_of(README), re.S)[1]
        for line in said.splitlines()[1:]:
            self.assertIn(re.sub(r"\d\d:\d\d:\d\d ", "", line[4:]), re.sub(r"\d\d:\d\d:\d\d ", "", status))
        done = self.ctl("reset")
        self.assertEqual(3, done.returncode)
        self.assertIn(re.search(r"^    (refused: exhaust-blocked .*)$", text_of(README), re.M)[1], done.stderr)
        client.await_that(lambda: not client.status["latches"][0]["is_active"], "cause gone")
        self.assertEqual("Aborted", client.status["state"])
        self.ok("reset")
        client.await_state("Stopped", "Idle")
        self.ok("bypass", "exhaust.pressure", "--for", "30min", "--reason", "gauge is being changed")
        self.assertIn("[1 bypassed]", self.ok("status"))
        self.ok("unbypass", "exhaust.pressure")
        self.assertNotIn("bypassed", self.ok("status"))


class Shipped(ald.Test):
    """Recipes as they are shipped, their times shortened within their own limits."""

    def test_zero_check_with_its_question(self):
        """Its question is an alarm and stands in status; an answer ends the run, and no alarm is left behind."""
        self.start_all(proxies=False)
        client = self.subscriber()
        done = self.ctl("run", os.path.join(ald.TOP, "recipes", "mfc-zero.yaml"), "--set", "warm=0s")
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        # The question comes in one turn, its alarm in the next.
        client.await_that(lambda: client.status.get("asks") and client.status.get("alarms_unacknowledged"), "asked", 90)
        status = self.ctl("status").stdout
        self.assertRegex(status, r"^Execute \[asks: `aldctl confirm`\], read \(1 alarm, 1 unacknowledged\): Compare")
        self.assertRegex(status, r"yes: `aldctl confirm` \(else continue in (59 min \d\d s|1 h 00 min)\)")
        self.assertEqual(0, self.ctl("confirm").returncode)
        client.await_state("Complete")
        self.assertEqual("no alarms", self.ctl("alarms").stdout.splitlines()[0])
        self.stop_daemon()
        report = self.ctl("report", "1").stdout
        for words in ("warning mfc-zero: asks: Compare", "zero is the reading", "confirmed: Compare"):
            self.assertIn(words, report)


class Clients(ald.Test):
    """The README's clients, as they stand there."""

    def follow(self, language, interpreter):
        text = re.search(rf"^```{language}\n(.*?)^```", text_of(README), re.S | re.M)[1]
        self.assertLessEqual(len(text.splitlines()), 20)
        self.start_all(proxies=False)
        script = self.path(f"follow.{language}", text)
        client = self.subscriber()
        # Without a buffer: communicate() does not see what readline() would have read ahead.
        follower = subprocess.Popen([interpreter, script, "0.1"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, bufsize=0,
                                    env=dict(os.environ, ALD_SOCKET=self.socket_path), cwd=self.dir)
        self.addCleanup(follower.wait)
        self.addCleanup(follower.kill)
        self.addCleanup(follower.stdout.close)
        self.assertEqual(b"state Stopped\n", follower.stdout.readline())
        self.run_recipe("--set", "cycles=20")
        held = client.await_state("Held")
        self.assertEqual(f"held by {client.hello['user']}", held["reason"])
        self.assertEqual(0, self.ctl("abort").returncode)
        client.await_state("Aborted")
        self.stop_daemon()
        said = follower.communicate(timeout=ald.PATIENCE_S)[0].decode().splitlines()
        states = [line.split()[1] for line in said if line.startswith("state ")]
        for state in ("Execute", "Held", "Aborted"):
            self.assertIn(state, states)
        self.assertRegex("\n".join(said), r"(?m)^pressure \d+\.\d+$")
        self.assertEqual([], [line for line in said if line.split()[0] not in ("state", "pressure", "refused:")])

    def test_in_a_shell(self):
        self.follow("sh", "bash")

    def test_in_python(self):
        self.follow("python", "python3")


if __name__ == "__main__":
    unittest.main()
