"""Completion by real shells: what a tab brings, also from a running daemon, and nothing slow without one."""
import os
import pty
import re
import select
import shutil
import socket
import subprocess
import time
import unittest

import ald

CTL = os.path.join(ald.BUILD, "aldctl")

# In a shell that is no terminal the function is called as bash would call it; the words are its arguments.
BASH = r"""
eval "$("$ALDCTL" completion bash)"
aldctl() { "$ALDCTL" "$@"; }
COMP_WORDS=(aldctl "$@")
COMP_CWORD=$#
_aldctl
printf '%s\n' "${COMPREPLY[@]}"
"""


class Completion(ald.Test):
    def environment(self):
        env = dict(os.environ, ALDCTL=CTL, ALD_SOCKET=self.socket_path, ALD_DB=self.db_path)
        env["PATH"] = ald.BUILD + os.pathsep + env["PATH"]
        return env

    def tab(self, *words):
        """What bash offers for the last of these words."""
        done = subprocess.run(["bash", "--norc", "-c", BASH, "bash", *words], capture_output=True, text=True,
                              cwd=self.dir, env=self.environment(), timeout=ald.PATIENCE_S, check=False)
        self.assertEqual("", done.stderr)
        return done.stdout.split("\n")[:-1]

    def commands(self):
        listed = self.ctl("completion", "words", "--", "").stdout
        return [line.split("\t")[0] for line in listed.splitlines()]

    def test_commands_and_options(self):
        self.assertEqual(sorted(self.commands()), sorted(self.tab("")))
        self.assertEqual(["shelve"], self.tab("shel"))
        self.assertEqual(["take", "release"], self.tab("control", ""))
        self.assertEqual(["--now"], self.tab("hold", "--n"))
        self.assertLessEqual({"--set", "--wait", "--resume", "--json"}, set(self.tab("run", "-")))
        self.assertNotIn("--wait", self.tab("run", "x.yaml", "--wait", "-"))
        self.assertIn("--set", self.tab("run", "x.yaml", "--set", "cycles=2", "-"))
        self.assertEqual(["csv"], self.tab("export", "1", "--format", "=", "c"))
        self.assertEqual(["csv", "json"], self.tab("export", "1", "--format", ""))
        self.assertEqual(["--format=json"], self.tab("export", "1", "--format=j"))
        self.assertIn("pulses", self.tab("export", "1", "--what", ""))
        self.assertEqual([""], self.tab("open", "--", "-"))

    def test_every_word_of_every_usage(self):
        """Each word that stands in a usage as it is, in its place; each option in its command."""
        for name in self.commands():
            usage = self.ctl(name, "--help").stdout.split("\n")
            usage = " ".join(line.strip() for line in usage[:5] if line.startswith(("usage:", "   ")))
            for option in set(re.findall(r"(?<![\w-])(--?[a-z-]+)\b", usage)):
                self.assertIn(option, self.tab(name, option), name)

    def test_files(self):
        self.path("own.yaml", "")
        self.path("own.txt", "")
        os.mkdir(self.path("folder of mine"))
        self.assertEqual(["folder of mine", "own.yaml"], sorted(self.tab("check", "")))
        self.assertEqual(["own.yaml"], self.tab("check", "own"))
        self.assertEqual(["own.yaml"], self.tab("dry-run", "own.yaml", "-c", "o"))
        self.assertEqual(["own.txt", "own.yaml"], sorted(self.tab("export", "1", "-o", "own")))

    def test_a_tool_file_says(self):
        """No daemon: names are the file's."""
        self.assertIn("nb.temperature", self.tab("device", "probe", "-c", ald.TOOL, "nb."))
        self.assertEqual(["plant="], self.tab("device", "plan", "-c", ald.TOOL, "--link", "pl"))

    def test_a_daemon_says(self):
        self.start_all("--fault", "emo", proxies=False)
        client = self.subscriber()
        client.await_that(lambda: client.status["alarms_shown"] > 0, "an alarm")
        self.assertEqual(["water", "water.valve"], sorted(self.tab("open", "w")))
        self.assertEqual(["nb", "water"], sorted(self.tab("bottle", "")))
        self.assertEqual(["nb.valve"], self.tab("counters", "reset", "nb"))
        self.assertNotIn("chamber.pressure", self.tab("open", ""))
        self.assertIn("carrier.flow", self.tab("set", "carrier."))
        self.assertNotIn("carrier.flow.setpoint", self.tab("set", "carrier."))
        self.assertIn("chamber.pressure", self.tab("trend", "cham"))
        self.assertNotIn("nb.valve", self.tab("bypass", ""))
        self.assertIn("chamber.pressure", self.tab("bypass", "cham"))
        ids = [a["id"] for a in client.call("alarms")]
        self.assertEqual(sorted(ids), sorted(self.tab("shelve", "")))
        self.assertEqual(sorted(ids), sorted(self.tab("ack", "")))

    def test_the_record_says(self):
        self.start_all(proxies=False)
        self.assertEqual([""], self.tab("report", ""))
        client = self.subscriber()
        self.run_recipe("--set", "cycles=1", body="    - wait: 10 ms\n")
        client.await_state("Complete", timeout=60)
        self.assertEqual(["1"], self.tab("report", ""))
        self.stop_daemon()
        self.assertEqual(["1"], self.tab("trend", "chamber.pressure", "--run", ""))

    def test_a_deaf_daemon_keeps_nobody_waiting(self):
        """It takes the connection and says nothing, or does not even take it; a tab is answered all the same."""
        with socket.socket(socket.AF_UNIX) as deaf:
            deaf.bind(self.socket_path)
            deaf.listen(0)
            self.assertEqual([""], self.tab("ack", ""))
            # The one connection that may wait to be taken is there now: the next would wait for ever.
            self.assertEqual([""], self.tab("open", ""))

    def type(self, shell, start, words, expected):
        """Type into a shell on a terminal of its own until it shows what is expected."""
        child, master = pty.fork()
        if child == 0:
            os.chdir(self.dir)
            os.execvpe(shell[0], shell, dict(self.environment(), TERM="dumb", PS1="> ", HOME=self.dir))
        shown, deadline = b"", time.monotonic() + ald.PATIENCE_S
        try:
            os.write(master, start.encode() + b"\necho re''ady\n")
            sent = False
            while not re.search(expected, shown):
                ready = select.select([master], [], [], max(0, deadline - time.monotonic()))[0]
                self.assertTrue(ready, f"{shell[0]} does not complete: {shown!r}")
                shown += os.read(master, 4096)
                if not sent and b"ready" in shown:
                    sent, shown = True, b""
                    os.write(master, words.encode() + b"\t")
        finally:
            os.kill(child, 9)
            os.waitpid(child, 0)
            os.close(master)

    def test_bash_at_a_terminal(self):
        self.type(["bash", "--norc", "-i"], f'eval "$({CTL} completion bash)"', "aldctl unsh", rb"aldctl unshelve ")

    @unittest.skipUnless(shutil.which("zsh"), "no zsh")
    def test_zsh_at_a_terminal(self):
        start = f'autoload -Uz compinit; compinit -u -D; eval "$({CTL} completion zsh)"'
        self.path("own.yaml", "")
        self.type(["zsh", "-f", "-i"], start, "aldctl unsh", rb"unshelve ")
        self.type(["zsh", "-f", "-i"], start, "aldctl check ow", rb"ow\x07?n.yaml")
        self.type(["zsh", "-f", "-i"], start, "aldctl export 1 --format=j", rb"--format=json")

    @unittest.skipUnless(shutil.which("zsh"), "no zsh")
    def test_zsh_as_installed(self):
        """From a folder of functions, as `make install` puts it."""
        functions = self.path("functions")
        os.mkdir(functions)
        with open(os.path.join(functions, "_aldctl"), "w", encoding="utf-8") as f:
            f.write(self.ctl("completion", "zsh").stdout)
        start = f"fpath=({functions} $fpath); autoload -Uz compinit; compinit -u -D"
        self.type(["zsh", "-f", "-i"], start, "aldctl unby", rb"unbypass ")


if __name__ == "__main__":
    unittest.main()
