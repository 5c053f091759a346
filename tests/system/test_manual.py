"""The manual pages say what the programs do, all of it and nothing else: options, keys, verbs, event kinds, error codes; every
example runs. What a page gets from a table by itself (src/app/pages.awk) is looked at as it is in build/man."""
import glob
import json
import os
import re
import shlex
import subprocess
import unittest

import ald

PAGES = {os.path.basename(path): path for path in
         glob.glob(os.path.join(ald.TOP, "recipes", "*.5")) + glob.glob(os.path.join(ald.TOP, "config", "*.5")) +
         glob.glob(os.path.join(ald.TOP, "src", "*", "*.[158]"))}



def text_of(*path):
    with open(os.path.join(ald.TOP, *path), encoding="utf-8") as f:
        return f.read()


def sources(pattern):
    return "".join(text_of(path) for path in sorted(glob.glob(os.path.join(ald.TOP, pattern))))


_made = {}


def page(name):
    """A page as `make` puts it into build/man, with its lists, from this build's own aldctl."""
    if name not in _made:
        headers = sorted(glob.glob(os.path.join(ald.TOP, "include", "ald", "control", "report*.h")))
        _made[name] = subprocess.run(
            ["awk", "-v", f"aldctl={os.path.join(ald.BUILD, 'aldctl')}", "-v", f"headers={' '.join(headers)}", "-f",
             os.path.join(ald.TOP, "src", "app", "pages.awk"), PAGES[name]],
            capture_output=True, text=True, timeout=ald.PATIENCE_S, check=True).stdout
    return _made[name]


def section(text, title):
    """What stands under a heading, to the next of either kind."""
    return re.search(rf"^\.S[hs] {title}\n(.*?)(?=^\.S[hs] |\Z)", text, re.S | re.M)[1]


def literals(text):
    return re.findall(r"^\.Bd -literal.*?\n(.*?)^\.Ed", text, re.S | re.M)


def flags(text):
    """Every option of mdoc: `Fl c , Fl -config`."""
    return {"-" + f for f in re.findall(r"\bFl (-?[a-z][a-z-]*)", text)}


def words(text, macro="Ic"):
    """The names of a list's items: `.It Ic cycle , cycles`."""
    found = set()
    for row in re.findall(rf"^\.It {macro} (.*)$", text, re.M):
        found |= set(re.sub(r" (?:Pq|Ar|Pa) .*", "", row).replace(",", " ").split()) - {"Ic"}
    return found


def help_flags(text):
    return set(re.findall(r"(?<![\w-])(--?[a-z][a-z-]*)\b", text))


class Options(ald.Test):
    """Of each program: what it takes, what its --help says and what its page says are the same."""

    def program_help(self, name):
        done = subprocess.run([os.path.join(ald.BUILD, name), "--help"], capture_output=True, text=True, check=False,
                              timeout=ald.PATIENCE_S)
        self.assertEqual((0, ""), (done.returncode, done.stderr))
        return done.stdout

    def test_getopt_help_and_page(self):
        for name, file in (("aldd", "aldd.8"), ("aldsim", "aldsim.1"), ("aldweb", "aldweb.8")):
            source = os.path.join(ald.TOP, "src", "app", f"{name}.c")
            if not os.path.exists(source):
                continue
            taken = text_of(source)
            longs = {"--" + o for o in re.findall(r'\{"([a-z-]+)", (?:required|no)_argument', taken)}
            shorts = {"-" + o for o in re.search(r'getopt_long\([^"]*"([a-z:]*)"', taken)[1].replace(":", "")}
            self.assertLess({"--help", "--version"}, longs)
            told = help_flags(re.sub(r"(?m)^(?:usage:|[A-Za-z]).*$", "", self.program_help(name)))
            self.assertEqual(longs, {o for o in told if o.startswith("--")}, f"{name} --help")
            self.assertEqual(longs | shorts, flags(page(file)), file)

    def test_every_program_fits_a_screen(self):
        """80 x 24, with a row for the prompt."""
        for name in ("aldctl", "aldd", "aldsim", "aldweb"):
            if os.path.exists(os.path.join(ald.BUILD, name)):
                rows = self.program_help(name).splitlines()
                self.assertLessEqual(len(rows), 23, name)
                self.assertLessEqual(max(map(len, rows)), 80, name)

    def test_each_command(self):
        """Its usage names just the options that it takes, each help fits 80 columns, and the page has both."""
        listed = self.ctl("completion", "words", "--", "").stdout.splitlines()
        commands = [line.split("\t")[0] for line in listed]
        self.assertLess({"run", "hold", "export"}, set(commands))
        screen, text = self.program_help("aldctl"), page("aldctl.1")
        always = {line.split("\t")[0] for line in self.ctl("completion", "words", "--", "-").stdout.splitlines()}
        shown = re.findall(r"^\.Cm (\S+)$", section(text, "COMMANDS"), re.M)
        every = set(always)
        for name in commands:
            told = self.ctl(name, "--help").stdout
            rows = told.splitlines()
            self.assertLessEqual(max(map(len, rows)), 80, name)
            self.assertRegex(screen, rf"(?m)^  (?:\S+, )*{name}(?:, |  )", f"--help lacks {name}")
            self.assertIn(name, shown)
            usage = " ".join(r for i, r in enumerate(rows) if i == 0 or re.match(r" {6,}", r) and not
                             re.match(r"  \S", rows[i - 1]) and all(re.match(r"usage| {6,}", x) for x in rows[:i]))
            takes = {line.split("\t")[0] for line in self.ctl("completion", "words", "--", name, "-").stdout.splitlines()}
            self.assertEqual(takes - always, help_flags(usage) - always, f"{name}: options and usage")
            every |= takes
        self.assertEqual(every | {"--"}, flags(text) | {"--"})

    def test_commands_that_are_named(self):
        """Wherever a page, the README or a help text says `aldctl COMMAND`, there is one."""
        commands = {line.split("\t")[0] for line in self.ctl("completion", "words", "--", "").stdout.splitlines()}
        commands |= {"COMMAND", "mdoc"}
        for name, text in [("README.md", text_of("README.md"))] + [(p, page(p)) for p in PAGES]:
            for word in re.findall(r"(?:`|\$ |\.Ql |build/)aldctl ([a-z][a-z-]*)", text):
                self.assertIn(word, commands, name)

    def test_options_that_are_named(self):
        """So with the options of the programs' lines in the README."""
        for program in ("aldd", "aldsim", "aldctl", "aldweb"):
            file = next(p for p in PAGES if p.startswith(program + "."))
            for line in re.findall(rf"^ +(?:\$ )?build/{program} (.*)$", text_of("README.md"), re.M):
                line = re.sub(r"\s{2,}#.*", "", line)
                given = {w.split("=")[0] for w in shlex.split(line) if re.match(r"--?[a-z]", w)}
                self.assertLessEqual(given, flags(page(file)), line)

    def test_pages_that_are_named(self):
        """Each page refers to pages that are there, or are the system's; the README's paths to pages too."""
        for name in PAGES:
            for other, number in re.findall(r"^\.Xr (ald\S*) (\d)", page(name), re.M):
                self.assertIn(f"{other}.{number}", PAGES, name)
        for path in re.findall(r"man ((?:recipes|config|src|build)/[\w./-]+)", text_of("README.md")):
            self.assertIn(os.path.basename(path), PAGES, path)


class Keys(unittest.TestCase):
    def test_keys_of_the_file_formats(self):
        """That each key is documented the unit tests see; here: what is documented is a key, a step or a word."""
        known = set(re.findall(r'[{(]"([a-z_0-9]+)"', sources("src/file/*.c")))
        known |= set(re.findall(r'"([a-z_]+)"', text_of("src", "file", "recipe_file_steps.c")))
        for name in ("ald-recipe.5", "ald-tool.5"):
            documented = words(page(name))
            self.assertGreater(len(documented), 30)
            self.assertEqual(set(), {w for w in documented if re.fullmatch("[a-z_]+", w)} - known, name)

    def test_keys_of_the_socket(self):
        """What report*.c puts into JSON and what the page has under Keys."""
        code = sources("src/control/report*.c")
        put = set(re.findall(r'(?:\b(?:add|set_)\w*|_set(?:_new)?)\(\w+, "([a-z_]+)"', code))
        self.assertLess({"state", "age_s", "comings"}, put)
        text = section(page("ald-socket.5"), "Keys")
        listed, told = words(text), set(re.findall(r"[a-z_]+", text + section(page("ald-socket.5"), "Events")))
        # Of verbs: `aldctl mdoc verbs` is made of them.
        of_verbs = {"role", "help", "arguments", "type", "required"}
        # Of one trip, bypass or control, told in the row of the key that holds them.
        inner = {"is_active", "tag", "user", "reason", "until", "since"}
        of_events = {"time", "run", "kind", "severity", "source", "text"}
        self.assertEqual(set(), listed - put, "documented, and not there")
        self.assertEqual(set(), put - told - of_verbs, "not documented")
        self.assertEqual(set(), put - listed - of_verbs - inner - of_events, "without a row of its own")

    def test_event_kinds(self):
        code = sources("src/*/*.c")
        kinds = set(re.findall(r'core_log\(\s*[^,"]+,\s*"([a-z]+)"', code))
        kinds |= set(re.findall(r'kind, sizeof [\w.>-]+, "([a-z]+)"\)', code))
        self.assertLess({"state", "gap", "retention"}, kinds)
        self.assertEqual(kinds, words(section(page("ald-socket.5"), "Events")))

    def test_error_codes(self):
        codes = set(re.findall(r"= (-32\d{3})", text_of("include", "ald", "control", "jsonrpc.h")))
        self.assertEqual(codes, words(section(page("ald-socket.5"), "Errors")))

    def test_variables(self):
        """Every ALD_ variable that a program reads stands in a page, and the other way round."""
        read = set(re.findall(r'(?:getenv|env_or|from_environment)\("(ALD_[A-Z_]+)"', sources("src/*/*.c")))
        told = set(re.findall(r"^\.It Ev (ALD_[A-Z_]+)", "".join(page(p) for p in PAGES), re.M))
        if not os.path.exists(os.path.join(ald.TOP, "src", "app", "aldweb.c")):
            told -= {"ALD_JAVASCRIPT"}
        self.assertEqual(read, told)


class Examples(ald.Test):
    def test_json(self):
        """Each is one that a parser takes, however it was broken to fit."""
        count = 0
        for name in PAGES:
            for block in literals(page(name)):
                rest = block.strip()
                while rest.startswith("{"):
                    value, end = json.JSONDecoder().raw_decode(rest)
                    self.assertEqual("2.0", value["jsonrpc"], name)
                    rest, count = rest[end:].strip(), count + 1
        self.assertGreater(count, 3)

    def test_steps(self):
        """Steps as the page shows them, in a recipe of their own."""
        head = "format: 1\nrecipe: example\ntool: rotary-ald\nphases:\n  all:\n    - set: {carrier.flow: 70 sccm}\n"
        shown = [b for b in literals(page("ald-recipe.5")) if b.startswith("- ")]
        self.assertGreater(len(shown), 4)
        for block in shown:
            recipe = self.path("example.yaml", head + "".join(f"    {line}\n" for line in block.splitlines()))
            done = self.ctl("check", recipe, "-c", ald.TOOL)
            self.assertEqual(0, done.returncode, done.stdout + done.stderr)

    def test_parts_of_a_tool_file(self):
        """They lack the rest of the file; what they have must be known there."""
        shown = [b for b in literals(page("ald-tool.5")) if re.match(r"(devices|interlocks|tags):", b)]
        self.assertGreater(len(shown), 1)
        for block in shown:
            done = subprocess.run([os.path.join(ald.BUILD, "aldd"), "--check", "-c",
                                   self.path("part.yaml", "format: 1\ntool: part\n" + block)],
                                  capture_output=True, text=True, timeout=ald.PATIENCE_S, check=False)
            for line in done.stderr.splitlines():
                self.assertNotRegex(line, "error: (unknown key|.*not known here|.*expected|.*wants)", block)
            self.assertIn("error", done.stderr)

    def commands(self, name, sections=("EXAMPLES",)):
        """Each line that a person would type, made fit for this machine: its socket, its folders, free ports."""
        for title in sections:
            for line in re.findall(r"^\$ (.*)$", section(page(name), title), re.M):
                line = line.replace("/tmp/", self.dir + "/").replace("/ald.sock", "/s").replace("\\e", "\\")
                yield re.sub(r"\b(recipes|config)/", rf"{ald.TOP}/\1/", line)

    def follow(self, given, client):
        """`aldctl run --wait`; a machine under load may have broken off the watchdog's proof, which is then repeated."""
        while True:
            program = self.start("aldctl", given, {"ALD_SOCKET": self.socket_path})
            program.expected = {0, 1}
            client.await_that(lambda: client.status["in_run"] or program.child.poll() is not None, "run or refused")
            if client.status["in_run"]:
                client.await_state("Execute")
                return program
            self.assertRegex(program.log(), "being proven|not been proven yet")
            program.expected.add(3)

    def test_of_aldctl(self):
        """In their order, on the simulated tool; the run is aborted before valves are moved by hand."""
        self.start_all(proxies=False)
        client, following, seen = self.subscriber(), None, []
        for line in self.commands("aldctl.1"):
            given = shlex.split(line)[1:]
            seen.append(given[0])
            if "--wait" in given:
                following = self.follow(given, client)
                continue
            if given[0] == "resume":
                client.await_state("Held")
            if given[0] == "control" and client.status["in_run"]:
                client.await_state("Execute")
                self.assertEqual(0, self.ctl("abort").returncode)  # `stop` would purge for a minute first
                client.await_state("Aborted")
                self.assertEqual(0, self.ctl("reset").returncode)
                client.await_state("Stopped")
            if given[0] == "open":
                client.await_tag("carrier.flow", lambda t: t["value"] > 60)
            done = self.ctl(*given)
            self.assertEqual(0, done.returncode, f"{line}: {done.stdout[-300:]}{done.stderr}")
        self.assertLess({"check", "dry-run", "run", "hold", "open", "report", "trend", "archive"}, set(seen))
        self.assertIsNotNone(following)

    def test_of_the_programs(self):
        """The simulated tool comes up with each line, the daemon checks its file and comes up on it."""
        for line in self.commands("aldsim.1"):
            given = shlex.split(line)[1:]
            sim = self.start("aldsim", given + ([] if "--listen" in given else ["--listen", "127.0.0.1:0"]))
            deadline = ald.time.monotonic() + ald.PATIENCE_S
            while "aldsim: ready" not in sim.log():
                self.assertIsNone(sim.child.poll(), sim.log())
                self.assertLess(ald.time.monotonic(), deadline, sim.log())
                ald.time.sleep(0.02)  # a file cannot be waited for
            sim.end()
        self.start_sim("--ready")
        for line in self.commands("aldd.8"):
            given = shlex.split(line)[1:]
            if "--check" in given:
                done = subprocess.run([os.path.join(ald.BUILD, "aldd"), *given], check=False, capture_output=True,
                                      text=True, timeout=ald.PATIENCE_S)
                self.assertEqual(0, done.returncode, done.stderr)
            else:
                self.assertEqual(self.daemon_args()[:6], given)
                self.start_daemon()

    def test_of_the_socket(self):
        """The page's request from a shell, and the values it tells of are those of a live daemon."""
        self.start_all(proxies=False)
        for line in self.commands("ald-socket.5"):
            done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, timeout=ald.PATIENCE_S,
                                  env=dict(os.environ, ALD_SOCKET=self.socket_path), check=False)
            self.assertEqual((0, "Stopped\n", ""), (done.returncode, done.stdout, done.stderr), line)
        client = self.subscriber()
        text = page("ald-socket.5")
        self.assertEqual(set(), set(client.status) - words(section(text, "Keys")))
        hello = json.JSONDecoder().raw_decode(literals(text)[0])[0]["params"]
        self.assertEqual(set(client.hello), set(hello))
        self.assertEqual({v["name"] for v in client.call("help")}, words(section(text, "Verbs")))
        for tag in client.tags.values():
            self.assertEqual(set(), set(tag) - words(section(text, "Keys")))


if __name__ == "__main__":
    unittest.main()
