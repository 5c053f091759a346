"""The fault simulation within `make test`: the seeds that ever failed, a fixed small set, and that a seed is a seed."""
import os
import re
import subprocess
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
SIM = os.path.join(os.environ.get("ALD_BUILD", os.path.join(TOP, "build")), "tests", "sim")


def simulate(*words):
    return subprocess.run([SIM, "--quiet", *words], cwd=TOP, capture_output=True, text=True, check=False)


def hash_of(done):
    return re.search(r"^hash ([0-9a-f]{16})$", done.stdout, re.M).group(1)


class Simulation(unittest.TestCase):
    def passes(self, *words):
        done = simulate(*words)
        self.assertEqual(done.returncode, 0, done.stdout[-8000:] + done.stderr[-2000:])
        return done

    def test_seeds_that_failed_once(self):
        self.passes("--list", os.path.join("tests", "sim", "seeds.txt"), "--jobs", "1")

    def test_a_small_set(self):
        self.passes("--seeds", "24", "--jobs", "1")

    def test_a_module_that_times_pulses(self):
        self.passes("--timed", "--seeds", "12", "--jobs", "1")

    def test_a_seed_is_a_seed(self):
        """Neither the number of processes nor what ran before in one of them moves anything."""
        first = self.passes("--first", "7", "--seeds", "4", "--minutes", "3", "--jobs", "1")
        again = self.passes("--first", "7", "--seeds", "4", "--minutes", "3", "--jobs", "3")
        other = self.passes("--first", "8", "--seeds", "4", "--minutes", "3", "--jobs", "1")
        self.assertEqual(hash_of(first), hash_of(again))
        self.assertNotEqual(hash_of(first), hash_of(other))

    def test_senseless_options(self):
        for words in ((), ("--seeds", "0"), ("--seeds", "x"), ("--seed",), ("--seeds", "1", "--jobs", "0")):
            self.assertEqual(simulate(*words).returncode, 2, words)


if __name__ == "__main__":
    unittest.main()
