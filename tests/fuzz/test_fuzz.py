"""The fuzz harnesses for a few seconds each, always with the same inputs; and the proof that each of them finds a defect
that only well-formed input reaches (fuzz.h, FUZZ_CANARY)."""
import os
import re
import subprocess
import tempfile
import unittest

import fuzz

SEEDS = 3
BUILD = os.environ.get("ALD_FUZZ_BUILD", os.path.join(fuzz.TOP, "build-fuzz"))


class Fuzz(unittest.TestCase):
    def run_harness(self, name, runs, suffix="", seed=1):
        with tempfile.TemporaryDirectory() as folder:
            command = fuzz.HARNESSES[name].command(BUILD, folder, runs, seed=seed, suffix=suffix)
            done = subprocess.run(command, env=fuzz.environment(), cwd=fuzz.TOP, check=False, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, timeout=200, encoding="utf-8", errors="replace")
        return done.returncode, done.stdout

    def smoke(self, name):
        harness = fuzz.HARNESSES[name]
        status, said = self.run_harness(name, harness.smoke)
        self.assertEqual(0, status, said[-6000:])
        accepted, refused = map(int, re.search(r"^fuzz: (\d+) accepted, (\d+) refused$", said, re.M).groups())
        # A harness that sees one of the two only tries nothing.
        self.assertGreater(accepted, harness.smoke // 50, said[-2000:])
        self.assertGreater(refused, harness.smoke // 50, said[-2000:])

    def canary(self, name):
        harness = fuzz.HARNESSES[name]
        status, said = self.run_harness(name, 0, "-canary")
        self.assertEqual(0, status, "a seed holds the planted defect: finding it proves nothing\n" + said[-3000:])
        for seed in range(1, SEEDS + 1):  # one that set out in a poor direction may turn there for long
            status, said = self.run_harness(name, harness.canary // SEEDS, "-canary", seed)
            if status != 0:
                break
        self.assertNotEqual(0, status, f"the planted defect was not found in {harness.canary} executions")
        self.assertRegex(said, r"(?m)^fuzz: .*: canary$", said[-3000:])

    def test_recipe(self):
        self.smoke("recipe")

    def test_tool(self):
        self.smoke("tool")

    def test_jsonrpc(self):
        self.smoke("jsonrpc")

    def test_cond(self):
        self.smoke("cond")

    def test_input(self):
        self.smoke("input")

    def test_canary_recipe(self):
        self.canary("recipe")

    def test_canary_tool(self):
        self.canary("tool")

    def test_canary_jsonrpc(self):
        self.canary("jsonrpc")

    def test_canary_cond(self):
        self.canary("cond")

    def test_canary_input(self):
        self.canary("input")


if __name__ == "__main__":
    unittest.main()
