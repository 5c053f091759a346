"""The bench itself: a short run comes to its end with every pulse in its place, and an interrupted one leaves nothing."""
import glob
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import bench  # noqa: E402
import beside  # noqa: E402
import plans  # noqa: E402
import report  # noqa: E402

BUILD = os.environ.get("ALD_BUILD", os.path.join(os.path.dirname(os.path.dirname(HERE)), "build"))
PATIENCE_S = 60


class Bench(unittest.TestCase):
    alone = True
    def setUp(self):
        self.out = tempfile.mkdtemp(prefix="ald-bench-")
        self.addCleanup(shutil.rmtree, self.out, True)

    def start(self, *args, build=BUILD):
        child = subprocess.Popen([sys.executable, "-B", os.path.join(HERE, "bench.py"), "--build", build, "--out", self.out,
                                  *args], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8")
        self.addCleanup(child.wait)
        self.addCleanup(child.terminate)
        return child

    def ours(self):
        """Processes whose files are in our folder: {number: their words}."""
        found = {}
        for path in glob.glob("/proc/[0-9]*/cmdline"):
            try:
                with open(path, "rb") as f:
                    words = f.read()
                cwd = os.readlink(os.path.dirname(path) + "/cwd")
            except OSError:
                continue
            if cwd.startswith(self.out):
                found[int(path.split("/")[2])] = words
        return found

    def pids_of(self, verb):
        """Each aldctl with such a verb."""
        found = {pid: words.split(b"\0") for pid, words in self.ours().items()}
        return [pid for pid, words in found.items() if words[0].endswith(b"/aldctl") and verb in words]

    def test_short_run(self):
        child = self.start("--pulses", "3", "--widths", "20,100", "--only", "idle,clients,late")
        said = child.communicate(timeout=180)[0]
        self.assertEqual(0, child.returncode, said)
        self.assertIn("about", said.splitlines()[0])
        with open(os.path.join(self.out, "report.json"), encoding="utf-8") as f:
            found = json.load(f)
        self.assertEqual({"idle", "clients", "late"}, set(found["conditions"]))
        for name, condition in found["conditions"].items():
            kinds = [p["kind"] for p in condition["programs"].values()]
            self.assertEqual({"aldd", "loop_bare", "loop_libmodbus", "loop_libevent"}, set(kinds))
            for program, p in condition["programs"].items():
                self.assertEqual((0, 0), (p["lost"], p["extra"]), f"{name}, {program}\n{said}")
                self.assertGreater(p["hwm_kb"], 500)
                self.assertGreaterEqual(p["pulses"], 6)
        late = found["conditions"]["late"]["programs"]
        # Those that wait for the reply lengthen the pulse by it; aldd does not, holds, and repeats it when told to.
        for program, p in late.items():
            if p["kind"] == "aldd":
                self.assertGreaterEqual(p["pulses"], 7, program)
                self.assertGreaterEqual(p["resumed"], 1, program)
                self.assertLess(p["all"]["width"]["max"], 150000, program)
            else:
                self.assertGreater(p["all"]["width"]["max"], 150000, program)
        self.assertEqual({"report.json", "report.md"}, set(os.listdir(self.out)))
        self.check_recorded()
        self.check_joined()
        self.assertEqual({}, self.ours())

    def test_watchers(self):
        """They are there, and seen to be; the tables say so."""
        child = self.start("--pulses", "12", "--widths", "20,100", "--only", "watchers")
        said = child.communicate(timeout=180)[0]
        self.assertEqual(0, child.returncode, said)
        with open(os.path.join(self.out, "report.json"), encoding="utf-8") as f:
            condition = json.load(f)["conditions"]["watchers"]
        for program, p in condition["programs"].items():
            if p["kind"] == "aldd":
                self.assertEqual([], beside.missing(p["seen"]), program)
                self.assertGreater(p["seen"]["hooks"], 4, program)
                self.assertRegex(said, rf"(?m)^\* watchers, {program}: in \d+ s of pulses.* {p['seen']['hooks']} hooks ran")
        self.assertIn(f"| watchers | {condition['title']} |", said)
        self.assertEqual({}, self.ours())

    def test_a_watcher_that_is_gone(self):
        """The bench fails, and says who."""
        child = self.start("--pulses", "10", "--widths", "1000", "--only", "watchers")
        deadline = time.monotonic() + PATIENCE_S
        while not (pids := self.pids_of(b"top")):
            self.assertLess(time.monotonic(), deadline)
            self.assertIsNone(child.poll())
            time.sleep(0.05)  # another process's children cannot be waited for
        while not self.pids_of(b"run"):  # all who look on are there
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.05)
        os.kill(pids[0], signal.SIGTERM)
        said = child.communicate(timeout=180)[0]
        self.assertEqual(1, child.returncode, said)
        self.assertRegex(said, r"\*\*Wrong:\*\* watchers, aldd.*: the terminal of aldd-\d did not stay")

    def check_recorded(self):
        """The tables again, between the marks of two texts: all of them in one, the brief one in the other."""
        paths = {mark: os.path.join(self.out, name) for mark, name in ((report.BEGIN, "all.md"), (report.BRIEF, "brief.md"))}
        for mark, path in paths.items():
            with open(path, "w", encoding="utf-8") as f:
                f.write("before\n" + mark + "old\n" + report.END + "after\n")
        found = os.path.join(self.out, "report.json")
        subprocess.run([sys.executable, "-B", os.path.join(HERE, "report.py"), found, *paths.values()], check=True)
        with open(os.path.join(self.out, "report.md"), encoding="utf-8") as f:
            said = {report.BEGIN: f.read().split("\n\n", 1)[1], report.BRIEF: report.brief(report.read(found))}
        self.assertIn("| aldd, real-time | aldd |", said[report.BRIEF])
        for mark, path in paths.items():
            with open(path, encoding="utf-8") as f:
                self.assertEqual("before\n" + mark + "\n" + said[mark] + "\n" + report.END + "after\n", f.read())

    def check_joined(self):
        """The parts of a long bench make the same tables."""
        whole = os.path.join(self.out, "report.json")
        with open(whole, encoding="utf-8") as f:
            found = json.load(f)
        parts = []
        for name, condition in found["conditions"].items():
            parts.append(os.path.join(self.out, name + ".json"))
            with open(parts[-1], "w", encoding="utf-8") as f:
                json.dump(dict(found, conditions={name: condition}), f)
        tables = [subprocess.run([sys.executable, "-B", os.path.join(HERE, "report.py"), *paths], check=True,
                                 capture_output=True, text=True).stdout for paths in ([whole], parts)]
        self.assertEqual(*tables)
        twice = subprocess.run([sys.executable, "-B", os.path.join(HERE, "report.py"), whole, parts[0]], capture_output=True,
                               text=True)
        self.assertEqual(1, twice.returncode)
        self.assertIn("in two of the reports", twice.stderr)

    def test_interrupted(self):
        for condition, word in (("load", b"load"), ("watchers", b"report\0")):
            with self.subTest(condition=condition):
                self.interrupt(condition, word)

    def interrupt(self, condition, word):
        child = self.start("--pulses", "500", "--only", condition)
        deadline = time.monotonic() + PATIENCE_S
        while not any(word in words for words in self.ours().values()):
            self.assertLess(time.monotonic(), deadline)
            self.assertIsNone(child.poll())
            time.sleep(0.05)  # another process's children cannot be waited for
        child.send_signal(signal.SIGINT)
        said = child.communicate(timeout=PATIENCE_S)[0]
        self.assertEqual(130, child.returncode, said)
        # The children of what was killed are told of it by the system, and end a moment later.
        while self.ours() and time.monotonic() < deadline:
            time.sleep(0.05)  # another process's children cannot be waited for
        self.assertEqual({}, self.ours())
        self.assertEqual([], os.listdir(self.out))

    def test_no_build(self):
        child = self.start(build="/nowhere")
        said = child.communicate(timeout=PATIENCE_S)[0]
        self.assertEqual(1, child.returncode)
        self.assertIn("/nowhere/aldd is not there: run `make", said)
        self.assertNotIn("Traceback", said)


class Plans(unittest.TestCase):
    def test_sound_in_every_condition(self):
        with tempfile.TemporaryDirectory() as folder:
            tool, recipe = os.path.join(folder, "tool.yaml"), os.path.join(folder, "recipe.yaml")
            for condition in plans.CONDITIONS:
                for path, text in ((tool, plans.tool_of(condition)),
                                   (recipe, plans.recipe_of(condition, 10, [20000, 1000000]))):
                    with open(path, "w", encoding="utf-8") as f:
                        f.write(text)
                done = subprocess.run([os.path.join(BUILD, "aldctl"), "check", recipe, "-c", tool], capture_output=True,
                                      encoding="utf-8", check=False)
                self.assertEqual(0, done.returncode, f"{condition.name}: {done.stdout}{done.stderr}")
                self.assertIn("20 pulses", done.stdout)


class Reported(unittest.TestCase):
    def test_late(self):
        row = {"outcome": "done", "planned_open_us": 1000000, "planned_width_us": 20000, "opened_us": 1000000,
               "width_us": 20000}
        self.assertFalse(bench.is_late(row))
        self.assertTrue(bench.is_late(dict(row, width_us=20000 - plans.TOLERANCE_US - 1)))
        self.assertTrue(bench.is_late(dict(row, opened_us=1003000, closed_us=1023000)), "late, and whole")
        self.assertFalse(bench.is_late(dict(row, opened_us=1000100, closed_us=1020100)))
        self.assertFalse(bench.is_late(dict(row, outcome="failed", width_us=None)), "told in another way")

    def test_who_looked_on_too_little(self):
        enough = {"seconds": 10, "events": 10, "drawn": 5, "hooks": 10, "pages": 1, "floods": 1, "failed": 0}
        self.assertEqual([], beside.missing(enough))
        self.assertEqual([], beside.missing({}), "nobody should have")
        for key in ("events", "drawn", "hooks", "pages", "floods"):
            self.assertEqual([f"too little was seen: {enough[key] - 1} {key} in 10 s"],
                             beside.missing(dict(enough, **{key: enough[key] - 1})))
        self.assertEqual(1, len(beside.missing(dict(enough, failed=1))))
        none = dict.fromkeys(enough, 0)
        self.assertEqual(5, len(beside.missing(none)), "nor are short runs let off")
        self.assertEqual(dict(none, seconds=20), beside.pool([dict(none, seconds=12), {}, dict(none, seconds=8)]))

    def test_each_late_pulse_needs_its_event(self):
        texts = ["coat[1]: open for 28 ms instead of 20 ms", "coat[3]: open for 1 s instead of 100 ms"]
        self.assertEqual(0, bench.unreported(["coat[1]", "coat[3]"], texts))
        self.assertEqual(1, bench.unreported(["coat[1]", "coat[1]"], texts))
        self.assertEqual(1, bench.unreported(["coat[5]"], texts))


if __name__ == "__main__":
    unittest.main()
