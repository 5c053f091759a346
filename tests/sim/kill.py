#!/usr/bin/python3
"""Run what `make test` runs, the drills and the fixed seeds, against every mutant of mutants.txt until something exposes it,
and print the table.

    tests/sim/kill.py PROGRAM ORIGINAL [--jobs N] [--seeds N] [--drills N] [NUMBER...]

PROGRAM has the mutants, ORIGINAL is the same without them: with mutant 0 both must tell the same. A mutant's own `drill=` or
`seed=` comes first, which changes nothing but the time. A breach that a checker finds exposes a mutant, and so does an
assert of the core, or a trial that does not come to its end. The exit status says whether all were exposed.
"""
import argparse
import concurrent.futures
import os
import re
import resource
import signal
import subprocess
import sys
import time

import mutate

# Processor time of one trial; one of the healthy program takes a fraction of a second.
TRIAL_S_MAX = 30
BREACH = re.compile(r"^\w+ \d+: (.+) is broken at (\S+ s): (.*)$", re.M)
ASSERT = re.compile(r"Assertion [`'](.*)' failed")
HASH = re.compile(r"hash ([0-9a-f]{16})")
# So many trials of PROGRAM without a mutant are compared with ORIGINAL.
COMPARED = 4


def limit_time():
    resource.setrlimit(resource.RLIMIT_CPU, (TRIAL_S_MAX, TRIAL_S_MAX + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def run(command):
    ran = subprocess.run(command, cwd=mutate.TOP, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, preexec_fn=limit_time, check=False)
    return ran.returncode, ran.stdout.decode("utf-8", "replace")


def expose(program, number, trial):
    """What one trial, a seed or a drill, says of a mutant: (who, when, what), or None when it finds nothing wrong."""
    command = [program, "--mutant", str(number), "--" + trial[0], str(trial[1]), "--until-breach", "--quiet"]
    status, text = run(command)
    breach, broken = BREACH.search(text), ASSERT.search(text)
    if status == 0:
        return None
    if breach:
        return breach[1], breach[2], breach[3]
    if broken:
        return "assert", "", broken[1]
    if status == -signal.SIGXCPU:
        return "hang", "", f"no end within {TRIAL_S_MAX} s of processor time"
    if status < 0:
        return "crash", "", signal.Signals(-status).name
    raise RuntimeError(f"{' '.join(command)}: exit {status}\n{text}")


def differs(program, original, trial):
    """Why PROGRAM without a mutant is not ORIGINAL, as far as this trial tells; None when it is."""
    words = ["--" + trial[0], str(trial[1]), "--quiet"]
    hashes = [HASH.search(run([p] + words)[1]) for p in (program, original)]
    if all(hashes) and hashes[0][1] == hashes[1][1]:
        return None
    return f"without a mutant {trial[0]} {trial[1]} comes to {[h and h[1] for h in hashes]}"


def hunt(program, mutant, trials):
    """The first trial that exposes the mutant, and how: (trial, who, when, what), or None."""
    for trial in ([mutant.hint] if mutant.hint in trials else []) + [t for t in trials if t != mutant.hint]:
        found = expose(program, mutant.number, trial)
        if found:
            return (trial,) + found
    return None


def list_trials(options):
    seeds = list(range(1, options.seeds + 1))
    path = os.path.join(mutate.HERE, "seeds.txt")
    if os.path.exists(path):
        with open(path, encoding="utf-8") as f:
            seeds += [int(line.split()[0]) for line in f if line.strip() and not line.startswith("#")]
    return [("drill", n) for n in range(1, options.drills + 1)] + [("seed", n) for n in dict.fromkeys(seeds)]


def row(mutant, found):
    file = os.path.relpath(mutant.pieces[-1].file, "src")
    more = "" if len({p.file for p in mutant.pieces}) == 1 and mutant.base is None else " +"
    head = f"{mutant.number:>3}  {mutant.invariant:<3} {mutant.title:<72.72} {file + more:<24} "
    if not found:
        return head + "SURVIVED"
    (kind, n), who, when, what = found
    return head + f"{who:<6} {kind} {n}{', ' + when if when else ''}: {what}"[:110]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("original")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 2)
    parser.add_argument("--seeds", type=int, default=24)
    parser.add_argument("--drills", type=int, default=40)
    parser.add_argument("numbers", nargs="*", type=int)
    options = parser.parse_args()
    program, original = os.path.abspath(options.program), os.path.abspath(options.original)
    mutants, trials, begun = mutate.parse(), list_trials(options), time.monotonic()
    chosen = [mutants[n] for n in options.numbers or sorted(mutants)]
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        # What the program says without a mutant it would say of all of them.
        wrong = [w for w in pool.map(lambda t: differs(program, original, t), trials[:COMPARED] + trials[-COMPARED:]) if w]
        found = {} if wrong else dict(zip(chosen, pool.map(lambda m: hunt(program, m, trials), chosen)))
    for m, how in found.items():
        print(row(m, how))
    for text in wrong:
        print("kill: " + text)
    killed = sum(how is not None for how in found.values())
    print(f"{len(trials)} drills and seeds, {time.monotonic() - begun:.0f} s")
    print(f"{killed} passed, {len(chosen) - killed + len(wrong)} failed")
    return 0 if killed == len(chosen) and not wrong else 1


if __name__ == "__main__":
    sys.exit(main())
