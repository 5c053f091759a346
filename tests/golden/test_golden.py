#!/usr/bin/python3
"""What a dry run of each shipped recipe prints, as people and as programs see it, held against what it printed before.

A difference is either an error or an improvement to be looked at: `make golden` writes the files anew.
"""
import difflib
import glob
import json
import os
import re
import subprocess
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
BUILD = os.environ.get("ALD_BUILD", os.path.join(TOP, "build"))
JSON_OF = "nb2o5-nmc532"


def dry_run(recipe, *options):
    """As from the top folder, so that paths in messages are the same everywhere."""
    args = [os.path.join(BUILD, "aldctl"), "dry-run", f"recipes/{recipe}.yaml", "-c", "config/rotary-ald.yaml", *options]
    done = subprocess.run(args, cwd=TOP, capture_output=True, text=True, timeout=120, check=False)
    return done.stdout + done.stderr + f"exit status {done.returncode}\n"


def expected():
    """Name of each golden file and what makes it."""
    for path in sorted(glob.glob(os.path.join(TOP, "recipes", "*.yaml"))):
        recipe = os.path.splitext(os.path.basename(path))[0]
        yield f"{recipe}.txt", lambda recipe=recipe: dry_run(recipe)
    yield f"{JSON_OF}.json", as_json


def as_json():
    out, status = dry_run(JSON_OF, "--json").rsplit("exit status", 1)
    return json.dumps(json.loads(out), indent=1) + f"\nexit status{status}"


def too_wide(text, recipe):
    """Lines beyond 100 columns, but for those that quote the recipe."""
    with open(os.path.join(TOP, "recipes", f"{recipe}.yaml"), encoding="utf-8") as f:
        own = f.read()
    return [line for line in text.splitlines() if len(line) > 100 and line[4:] not in own]


class Golden(unittest.TestCase):
    maxDiff = None

    def test_dry_runs(self):
        for name, make in expected():
            with self.subTest(name):
                got = make()
                path = os.path.join(HERE, name)
                self.assertTrue(os.path.exists(path), f"{name} is missing: `make golden` writes it")
                with open(path, encoding="utf-8") as f:
                    want = f.read()
                diff = "".join(difflib.unified_diff(want.splitlines(True), got.splitlines(True), "before", "now"))
                self.assertEqual(want, got, f"\n{diff}\nIf this is as it should be: make golden, and look at `git diff`")
                if name.endswith(".txt"):
                    self.assertEqual([], too_wide(got, name[:-4]))

    def test_keys_are_documented(self):
        """Every key of the JSON is in the man page, and nothing else is."""
        def keys_of(value):
            if isinstance(value, list):
                return set().union(*map(keys_of, value))
            if not isinstance(value, dict):
                return set()
            return set(value) | set().union(*map(keys_of, value.values()))

        run = json.loads(as_json().rsplit("exit status", 1)[0])
        with open(os.path.join(TOP, "recipes", "ald-dry-run.5"), encoding="utf-8") as f:
            page = f.read()
        documented = set(re.findall(r"^\.It Ic (\w+)$", page, re.M)) | set(run["powder"])
        self.assertLessEqual(set(run["powder"]), set(re.findall(r"\w+", page)))
        self.assertEqual(documented, keys_of(run) - set(run["lines"]) - set(run["actuations"]))

    def test_nothing_else_is_here(self):
        names = {name for name, _ in expected()} | {os.path.basename(__file__), "top"}  # tests/unit/test_top_draw.c reads those
        self.assertEqual(set(), {n for n in os.listdir(HERE) if not n.startswith(("__", "."))} - names)

    def test_the_published_process(self):
        """What the paper's recipe says of itself: 30 cycles of 41.1 s, 20 min 33 s, 30 s and 3 s of valve time, 5 nm."""
        run = json.loads(as_json().rsplit("exit status", 1)[0])
        self.assertEqual([30, 41.1, 1233.0], [run["cycles"], run["cycle_s"], run["deposition_s"]])
        self.assertEqual([30.0, 3.0], [run["lines"][n]["open_s"] for n in ("nb", "water")])
        self.assertAlmostEqual(5, run["thickness_nm"], delta=0.05)
        self.assertTrue(run["ok"])


def write():
    for name, make in expected():
        with open(os.path.join(HERE, name), "w", encoding="utf-8") as f:
            f.write(make())


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        write()
    else:
        unittest.main()
