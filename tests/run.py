#!/usr/bin/python3
"""Run tests as parallel processes and print one line of totals.

    tests/run.py [--build build] [--jobs N] [--only REGEX] unit rings golden fuzz sim mutants bench system

A job is one unit program, a part of the fault simulation, or one test method of a Python file: each has its own process group, its own time limit,
and its output is shown only when it fails (the table of mutants always). Methods of a class with `alone = True` run by themselves at the end, since
they measure time. The last line is "N passed, N failed", and the exit status says whether N failed is 0.
"""
import argparse
import ast
import concurrent.futures
import ctypes
import glob
import os
import re
import signal
import subprocess
import sys
import time

import stalls

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(HERE)
TOTALS = re.compile(r"^(\d+) passed, (\d+) failed$", re.M)
CHECKS = re.compile(r"^\d+%: Checks: (\d+), Failures: (\d+), Errors: (\d+)$", re.M)
# The fixed seeds of the fault simulation, as in tests/sim/test_sim.py.
SEEDS = 24
# So often does a test run that the machine disturbed.
TRIES = 3
SANITIZED = re.compile(r"(AddressSanitizer|LeakSanitizer|ThreadSanitizer|runtime error:)")
# What no stall explains.
FINDING = re.compile(SANITIZED.pattern + r"|Assertion .* failed|Segmentation fault")


class Job:
    def __init__(self, name, command, limit_s, alone=False, shown=False):
        self.name, self.command, self.limit_s, self.alone, self.shown = name, command, limit_s, alone, shown
        self.passed = self.failed = self.skipped = 0
        self.output, self.took_s = "", 0.0


def unit_jobs(build):
    sources = glob.glob(os.path.join(HERE, "unit", "test_*.c"))
    names = sorted(os.path.splitext(os.path.basename(s))[0] for s in sources)
    return [Job("unit " + n, [os.path.join(build, "tests", n)], 300) for n in names]


def sim_jobs(build):
    """The fault simulation (tests/sim): drills, and what test_sim.py asks of seeds."""
    drills = [os.path.join(build, "tests", "sim"), "--drills", "--jobs", "1", "--quiet"]
    return [Job("sim drills", drills, 300)] + python_jobs("sim")


def mutant_jobs(build, cores):
    """Every mutant against drills and seeds, with the program of `make mutants`."""
    sim, mutants = os.path.join(build, "tests", "sim"), os.path.join(build, "mutants", "sim")
    kill = [sys.executable, "-B", os.path.join(HERE, "sim", "kill.py"), mutants, sim, "--jobs", str(cores)]
    return [Job("sim mutants", kill + ["--seeds", str(SEEDS)], 900, alone=True, shown=True)]


def is_alone(cls):
    return any(isinstance(s, ast.Assign) and getattr(s.targets[0], "id", "") == "alone"
               and isinstance(s.value, ast.Constant) and s.value.value is True for s in cls.body)


def python_jobs(folder):
    """The test methods of a folder's test_*.py, found without importing them."""
    jobs = []
    for path in sorted(glob.glob(os.path.join(HERE, folder, "test_*.py"))):
        module = os.path.splitext(os.path.basename(path))[0]
        with open(path, encoding="utf-8") as f:
            tree = ast.parse(f.read(), path)
        for cls in (n for n in tree.body if isinstance(n, ast.ClassDef)):
            for method in (n for n in cls.body if isinstance(n, ast.FunctionDef) and n.name.startswith("test_")):
                name = f"{module}.{cls.name}.{method.name}"
                command = [sys.executable, "-B", "-m", "unittest", name]
                jobs.append(Job(f"{folder} {name}", command, 240, is_alone(cls)))
    return jobs


def environment(build):
    env = dict(os.environ, ALD_BUILD=build, CK_VERBOSITY="normal", CK_DEFAULT_TIMEOUT="60", PYTHONUNBUFFERED="1")
    env["PYTHONPATH"] = os.path.join(HERE, "system")
    env.pop("ALD_SOCKET", None)
    env.pop("ALD_DB", None)
    env.pop("NOTIFY_SOCKET", None)
    env.setdefault("ASAN_OPTIONS", "detect_leaks=1:abort_on_error=0:exitcode=99")
    env.setdefault("UBSAN_OPTIONS", "print_stacktrace=1")
    env.setdefault("TSAN_OPTIONS", "halt_on_error=1:second_deadlock_stack=1:exitcode=99")
    return env


def is_program(job):
    """It prints totals of its own; a Python job is one test."""
    return "unittest" not in job.command


def count(job, status):
    """Turn one process's output into numbers of tests."""
    checks, totals = CHECKS.search(job.output), TOTALS.search(job.output)
    if totals and is_program(job):
        job.passed, job.failed = map(int, totals.groups())
    elif checks:
        total, failures, errors = map(int, checks.groups())
        job.failed = failures + errors
        job.passed = total - job.failed
    elif is_program(job):
        job.failed = 1  # no totals: it never came to its end
    elif re.search(r"^OK \(.*skipped=1", job.output, re.M):
        job.skipped = 1
    elif status == 0 and re.search(r"^Ran 1 test", job.output, re.M):
        job.passed = 1
    else:
        job.failed = 1
    if job.failed == 0 and (status != 0 or SANITIZED.search(job.output)):
        job.failed = 1


def die_with_parent():
    """Linux ends a job when the runner ends, however it ends (PR_SET_PDEATHSIG = 1)."""
    ctypes.CDLL(None, use_errno=True).prctl(1, signal.SIGTERM)


def run(job, env):
    begun = time.monotonic()
    cwd = os.path.join(HERE, job.name.split()[0]) if not is_program(job) else TOP
    try:
        child = subprocess.Popen(job.command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                 stderr=subprocess.STDOUT, env=env, cwd=cwd, start_new_session=True,
                                 preexec_fn=die_with_parent)
    except OSError as error:
        job.output, job.failed = str(error), 1
        return job
    try:
        out, _ = child.communicate(timeout=job.limit_s)
    except subprocess.TimeoutExpired:
        # SIGTERM first: a Python test then ends the programs that it started.
        os.killpg(child.pid, signal.SIGTERM)
        try:
            out, _ = child.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            out, _ = child.communicate()
        out += f"\nno end within {job.limit_s} s: killed\n".encode()
    job.output = out.decode("utf-8", "replace")
    job.took_s = time.monotonic() - begun
    count(job, child.returncode)
    return job


def run_undisturbed(job, env, watcher):
    """Run a job; again where it failed and the machine stood still meanwhile."""
    for left in reversed(range(TRIES)):
        begun, waited = time.monotonic(), stalls.pressure()
        run(job, env)
        if not job.failed:
            return job
        ended = time.monotonic()
        still_s = watcher.longest(begun, ended)
        if left == 0 or still_s == 0.0 or FINDING.search(job.output):
            job.output += circumstances(watcher, begun, ended, waited)
            return job
        print(f"void {job.name}: the machine stood still for {still_s:.2f} s: runs again", flush=True)
        job.passed = job.failed = job.skipped = 0
    return job


def circumstances(watcher, begun, ended, waited):
    """What the machine was like while a test failed."""
    now = stalls.pressure()
    return (f"\nmeanwhile, in {ended - begun:.1f} s: longest stall of a core {watcher.longest(begun, ended):.2f} s, of what has no "
            f"real-time priority {watcher.longest(begun, ended, 'ordinary'):.2f} s, of a write to disk "
            f"{watcher.longest(begun, ended, 'disk'):.2f} s (0 = below {stalls.STILL_S} s); some task waited for "
            + ", ".join(f"{what} {now[what] - waited[what]:.1f} s" for what in now if what in waited) + "\n")


def report(job):
    word = "FAIL" if job.failed else "skip" if job.skipped else "ok"
    print(f"{word:4} {job.name}  ({job.passed} passed, {job.failed} failed, {job.took_s:.1f} s)", flush=True)
    if job.failed or job.shown:
        print("".join("    | " + line + "\n" for line in job.output.splitlines()[-200:]), flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default="build")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 2)
    parser.add_argument("--only", default="", help="regular expression over the names of the jobs")
    parser.add_argument("what", nargs="+", choices=["unit", "rings", "golden", "fuzz", "sim", "mutants", "bench", "system"])
    options = parser.parse_args()
    build = os.path.abspath(os.path.join(TOP, options.build))
    env = environment(build)
    watcher = stalls.Stalls()
    jobs = []
    for what in options.what:
        kinds = {"unit": lambda: unit_jobs(build), "sim": lambda: sim_jobs(build),
                 "mutants": lambda: mutant_jobs(build, options.jobs)}
        jobs += kinds[what]() if what in kinds else python_jobs(what)
    jobs = [j for j in jobs if re.search(options.only, j.name)]
    # System tests mostly wait: a few more than cores at a time.
    with concurrent.futures.ThreadPoolExecutor(max_workers=max(1, options.jobs) + 1) as pool:
        for done in concurrent.futures.as_completed([pool.submit(run_undisturbed, j, env, watcher) for j in jobs if not j.alone]):
            report(done.result())
    for job in jobs:
        if job.alone:
            report(run_undisturbed(job, env, watcher))
    watcher.end()
    failed = [j for j in jobs if j.failed]
    if failed:
        print("failed: " + ", ".join(j.name for j in failed))
    if not jobs:
        print("no test matches", options.only or options.what)
    print(f"{sum(j.passed for j in jobs)} passed, {sum(j.failed for j in jobs)} failed")
    return 1 if failed or not jobs else 0


if __name__ == "__main__":
    sys.exit(main())
