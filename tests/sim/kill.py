#!/usr/bin/python3
"""Run the seeds that `make test` runs against every mutant of mutants.txt until one exposes it, and print the table.

    tests/sim/kill.py PROGRAM [--jobs N] [--seeds N] [NUMBER...]

Seeds 1 to N and those of seeds.txt; a mutant's own `seed=` comes first, and those that exposed many come early, which
changes nothing but the time. A breach found by a checker exposes a mutant, and so does an assert of the core or a seed
that does not come to its end. The exit status says whether all were exposed.
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

# Processor time of one seed; one of the healthy program takes a fraction of a second.
SEED_S_MAX = 30
BREACH = re.compile(r"^seed \d+: (.+) is broken at (\S+ s): (.*)$", re.M)
ASSERT = re.compile(r"Assertion [`'](.*)' failed")


def limit_time():
    resource.setrlimit(resource.RLIMIT_CPU, (SEED_S_MAX, SEED_S_MAX + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def expose(program, number, trial):
    """What one trial, a seed or a drill, says of a mutant: (who, when, what), or None when it finds nothing wrong."""
    command = [program, "--mutant", str(number), "--" + trial[0], str(trial[1]), "--until-breach", "--quiet"]
    ran = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                         preexec_fn=limit_time, check=False)
    text = ran.stdout.decode("utf-8", "replace")
    breach, broken = BREACH.search(text), ASSERT.search(text)
    if ran.returncode == 0:
        return None
    if breach:
        return breach[1], breach[2], breach[3]
    if broken:
        return "assert", "", broken[1]
    if ran.returncode == -signal.SIGXCPU:
        return "hang", "", f"no end within {SEED_S_MAX} s of processor time"
    if ran.returncode < 0:
        return "crash", "", signal.Signals(-ran.returncode).name
    raise RuntimeError(f"{' '.join(command)}: exit {ran.returncode}\n{text}")


def hunt(program, mutant, trials):
    """The first trial that exposes the mutant, and how: (trial, who, when, what), or None."""
    for trial in ([mutant.hint] if mutant.hint in trials else []) + [t for t in trials if t != mutant.hint]:
        found = expose(program, mutant.number, trial)
        if found:
            return (trial,) + found
    return None


def kept_seeds(path):
    """The regressions: a number begins each line that is no comment."""
    with open(path, encoding="utf-8") as f:
        return [int(line.split()[0]) for line in f if line.strip() and not line.startswith("#")]


def row(mutant, found):
    trial, who, when, what = found or (("", ""), "SURVIVED", "", "")
    file = ", ".join(sorted({os.path.relpath(p.file, "src") for p in mutant.pieces}))
    killer = f"{who} {trial[0]} {trial[1]}" + (f" at {when}" if when else "") if found else who
    return f"{mutant.number:>3}  {mutant.invariant:<3} {mutant.title:<58.58} {file:<26.26} {killer}  {what}"[:220]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 2)
    parser.add_argument("--seeds", type=int, default=40)
    parser.add_argument("--drills", type=int, default=22)
    parser.add_argument("numbers", nargs="*", type=int)
    options = parser.parse_args()
    mutants = mutate.parse()
    chosen = [mutants[n] for n in options.numbers or sorted(mutants)]
    seeds = dict.fromkeys([*range(1, options.seeds + 1), *kept_seeds(os.path.join(mutate.HERE, "seeds.txt"))])
    trials = [("drill", n) for n in range(1, options.drills + 1)] + [("seed", n) for n in seeds]
    begun = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        # The program must be whole without a mutant: what is found then is found in all of them.
        whole = list(pool.map(lambda s: expose(options.program, 0, s), trials[:2]))
        if any(whole):
            sys.exit(f"kill: the program without a mutant is broken itself: {whole}")
        found = dict(zip((m.number for m in chosen), pool.map(lambda m: hunt(options.program, m, trials), chosen)))
    for m in chosen:
        print(row(m, found[m.number]))
    killed = sum(f is not None for f in found.values())
    print(f"{killed} of {len(chosen)} mutants exposed by {len(trials)} drills and seeds, in {time.monotonic() - begun:.0f} s")
    return 0 if killed == len(chosen) else 1


if __name__ == "__main__":
    sys.exit(main())
