#!/usr/bin/python3
"""Run the fuzz harnesses: the one place that knows their seeds, words and sizes.

    tests/fuzz/fuzz.py [--build build-fuzz] [--runs N] [--seconds N] [--seed N] recipe tool jsonrpc cond input

One after the other, for so many executions or seconds each, with libFuzzer's progress. What was learnt stays in BUILD/corpus/NAME, where a
later run goes on; an input that breaks something is left in BUILD as NAME-crash-... and ends the run. To see it again:
BUILD/fuzz/NAME FILE. Keep such an input in tests/fuzz/corpus/NAME once it is mended.
"""
import argparse
import glob
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))

# Punctuation and shapes that no table of words holds.
YAML = [": ", "- ", "{", "}", "[", "]", ", ", "\n", "\n  ", "\n    - ", "\"", "'", "#", "|", ">", "&a ", "*a", "!!int ",
        "---\n", "%YAML", "\t", "\u00e9", "\ufeff", "format: 1\n"]
VALUES = ["0", "-1", "1", "0x10", "1e999", "nan", "1 s", "20 s", "100 ms", "400 ms", "3 s", "5 min", "24 h", "0.5 Torr", "950 mTorr",
          "70 sccm", "175 degC", "3 K", "5 K/min", "3 rpm", "2 mTorr/min", "99999999999999999999"]


class Harness:
    """seeds: folders beside corpus/NAME. sources: files whose words make the dictionary. length: of the longest input.
    smoke: executions in the tests, canary: those within which the planted defect must be found."""

    def __init__(self, name, seeds, sources, extra, length, smoke, canary):
        self.name, self.length, self.smoke, self.canary = name, length, smoke, canary
        self.seeds = [os.path.join("tests/fuzz/corpus", name)] + seeds
        self.sources, self.extra = sources, extra

    def words(self):
        """The words of the language, from the tables in the sources: they grow with it."""
        found = set(self.extra)
        for pattern in self.sources:
            for path in sorted(glob.glob(os.path.join(TOP, pattern))):
                with open(path, encoding="utf-8") as f:
                    text = f.read()
                if path.endswith(".c"):
                    found.update(re.findall(r'"([A-Za-z_][\w/%-]{1,23})"', text))
                else:
                    found.update(re.findall(r"^  ([\w.-]+):", text, re.M))
        return sorted(found)

    def write_dictionary(self, folder):
        path = os.path.join(folder, self.name + ".dict")
        with open(path, "w", encoding="ascii") as f:
            for word in self.words():
                f.write('"' + "".join(chr(b) if 32 <= b < 127 and b not in (34, 92) else f"\\x{b:02x}"
                                      for b in word.encode("utf-8")) + '"\n')
        return path

    def program(self, build, suffix=""):
        return os.path.join(build, "fuzz", self.name + suffix)

    def command(self, build, folder, runs, seed=1, suffix="", is_learning=False):
        """Breaking inputs and the dictionary go into `folder`; so does, when learning, what leads to new places."""
        command = [self.program(build, suffix), f"-seed={seed}", f"-runs={runs}", f"-max_len={self.length}",
                   f"-dict={self.write_dictionary(folder)}", "-timeout=20", "-rss_limit_mb=2048", "-reload=0",
                   "-print_final_stats=1", f"-artifact_prefix={folder}/{self.name}-"]
        if not is_learning:
            files = [f for s in self.seeds for f in sorted(glob.glob(os.path.join(TOP, s, "*"))) if os.path.isfile(f)]
            return command + ["-seed_inputs=" + ",".join(files)]
        corpus = os.path.join(folder, self.name)
        os.makedirs(corpus, exist_ok=True)
        return command + [corpus] + self.seeds


# tests/table holds inputs of both compilers; the reference tool itself is longer than a fuzzer's inputs should be.
HARNESSES = {h.name: h for h in (
    Harness("recipe", ["recipes"], ["src/file/recipe_file*.c", "src/base/unit.c", "config/rotary-ald.yaml"],
            YAML + VALUES, 4096, 6000, 60000),
    Harness("tool", ["tests/table/tool", "tests/table/profile"], ["src/file/tool_file*.c", "src/base/unit.c"],
            YAML + VALUES + ["# ---- profile: devices/meter.yaml ----\n"], 4096, 6000, 60000),
    Harness("jsonrpc", [], ["src/core/verb.c", "src/control/jsonrpc.c", "src/control/dispatch.c"],
            ["{", "}", "[", "]", ": ", ", ", '"', "\n", "true", "null", "1e400", "\\u0000", "\\u0007", "\\ud800", '"id": 1', '"2.0"'],
            1024, 10000, 60000),
    Harness("cond", [], ["src/file/cond_*.c", "src/base/unit.c", "config/rotary-ald.yaml"],
            VALUES + [" and ", " or ", "not ", "(", ")", "<", "<=", ">", ">=", "==", "+", "-", "$limit", "#"],
            512, 40000, 100000),
    Harness("input", [], [], ["\0\0\0\0", "\1\1", "\2\3", "\x7f", "\x10 ", "lid"], 1200, 6000, 60000),
)}


def environment():
    """Few frames a block and a small quarantine: half of the time goes there otherwise."""
    env = dict(os.environ)
    env["ASAN_OPTIONS"] = "malloc_context_size=2:quarantine_size_mb=4:detect_leaks=1:exitcode=99"
    env["UBSAN_OPTIONS"] = "print_stacktrace=1"
    return env


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default="build-fuzz")
    parser.add_argument("--runs", type=int, default=10000000)
    parser.add_argument("--seconds", type=int, default=0, help="0: no limit")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("names", nargs="+", choices=sorted(HARNESSES))
    options = parser.parse_args()
    build = os.path.join(TOP, options.build)
    folder = os.path.join(build, "corpus")
    for name in options.names:
        print(f"== {name}: {options.runs} executions", flush=True)
        command = HARNESSES[name].command(build, folder, options.runs, options.seed, is_learning=True)
        command.insert(1, f"-max_total_time={options.seconds}")
        status = subprocess.run(command, env=environment(), cwd=TOP, check=False).returncode
        if status != 0:
            print(f"== {name}: FAILED ({status}); the input is {folder}/{name}-*")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
