#!/usr/bin/python3
"""How exact pulses are: aldd beside what else one could write, judged by the simulated tool's own clock.

    make bench [PULSES=1000] [BENCH="--quick --only idle,load"]
    tests/bench/bench.py [--build build] [--pulses N] [--runs N] [--quick] [--only NAMES] [--widths 20,100,1000]

In each condition all programs run at the same time, each against a simulated tool of its own, so that what the machine
does to one it does to all; the pulses of a condition are pooled from three runs. The tables go to standard output and
build/bench/report.md, the figures to report.json.
Exit status 1: a pulse of aldd was lost or merged, a late edge was not reported, a run did not complete, or those who should
look on did not; never for what was measured.
"""
import argparse
import collections
import json
import os
import signal
import subprocess
import sys
import time

import beside
import measure
import plans
import report
import rig

WIDTHS_MS = "20,100,1000"
QUICK = 20
LOOK_S = 0.5
PROGRAMS = ["aldd", "aldctl", "aldsim", "aldweb"] + [os.path.join("bench", b) for b in (
    "loop_bare", "loop_libmodbus", "loop_libevent", "stalls", "load", "late")]


class Program:
    """One row of the table. kind: aldd, or the program of a loop. is_rt: it runs with real-time priority."""

    def __init__(self, kind, is_rt, options=()):
        self.kind, self.is_rt, self.options = kind, is_rt, list(options)
        self.name = {"loop_bare": "bare loop", "loop_libmodbus": "libmodbus, sleeps",
                     "loop_libevent": "libevent timer"}.get(kind, kind) + (", real-time" if is_rt else "")
        self.child = self.main = self.operator = None
        self.clients, self.watchers = [], []


def programs_of(may_fifo, aldd_help):
    """Where the machine gives priority, both with and without it."""
    has_choice = "--no-realtime" in aldd_help
    found = []
    if may_fifo and has_choice:
        found += [Program("aldd", True)]
    found += [Program("aldd", False, ["--no-realtime"] if has_choice else [])]
    if may_fifo:
        found += [Program("loop_bare", True, ["-f"])]
    return found + [Program("loop_bare", False), Program("loop_libmodbus", False), Program("loop_libevent", False)]


# ---- One condition ----

class Bench:
    def __init__(self, options, may_fifo):
        self.options, self.may_fifo = options, may_fifo
        self.widths_us = [int(w) * 1000 for w in options.widths.split(",")]
        self.folder = options.out
        self.is_tty = sys.stderr.isatty()

    def say(self, text, end="\n"):
        print(("\r\033[K" if self.is_tty else "") + text, end=end, file=sys.stderr, flush=True)

    def program_is_there(self, name):
        """The build may be missing: said before anything runs."""
        path = os.path.join(self.options.build, name)
        if not os.path.exists(path):
            raise rig.Failed(f"{path} is not there: run `make all bench-bins`, or `make bench`")

    def programs(self):
        aldd_help = subprocess.run([os.path.join(self.options.build, "aldd"), "--help"], capture_output=True,
                                   encoding="utf-8", check=False).stdout
        return programs_of(self.may_fifo, aldd_help)

    def run(self, condition):
        """The figures of one condition, pooled from its runs."""
        shares = [self.options.pulses // self.options.runs + (i < self.options.pulses % self.options.runs)
                  for i in range(self.options.runs)]
        runs = [self.run_once(condition, share, f"{i + 1} of {len(shares)}") for i, share in enumerate(shares)]
        stalls = measure.join_stalls(sum([r["stalls"] for r in runs], []))
        is_fifo = all(r["is_watcher_fifo"] for r in runs)
        # A watcher without priority sees the scheduler's delays as well, which are ours to bear: nothing is left out.
        excuses = stalls if is_fifo else []
        return {"title": condition.title, "gap_us": condition.gap_us,
                "pulses": self.options.pulses, "runs": self.options.runs,
                "is_stepped": any(r["is_stepped"] for r in runs),
                "is_watcher_fifo": is_fifo, "stall_count": len(stalls),
                "stalls": measure.distribution([b - a for a, b in stalls]),
                "programs": {p: self.pool([r["programs"][p] for r in runs], excuses, condition)
                             for p in runs[0]["programs"]}}

    def pool(self, parts, stalls, condition):
        """The parts of one program; their times follow one another on one clock."""
        result = measure.judge(sum([p["planned"] for p in parts], []), sum([p["edges"] for p in parts], []), stalls)
        drifts = [measure.drift_of(measure.match(p["planned"], measure.pulses_of(p["edges"]))[0], condition.gap_us)
                  for p in parts]
        result["drift"] = max(drifts, key=abs)
        for key in ("errors", "late", "unreported", "events", "resumed", "undone"):
            result[key] = sum(p[key] for p in parts)
        result["held"] = sorted(set(sum([p["held"] for p in parts], [])))
        for key in ("cpu_percent", "rss_kb", "hwm_kb"):
            result[key] = max(p[key] for p in parts)
        result.update({key: parts[0][key] for key in ("kind", "is_rt")})
        if result["kind"] == "aldd":
            result["seen"] = beside.pool([p["seen"] for p in parts])
            self.check(result, sum([p["failed"] for p in parts], []))
        return result

    def run_once(self, condition, pulses, which):
        with rig.Rig(self.options.build, self.folder, self.may_fifo, self.options.keep) as r:
            r.start("stalls", "stalls")
            tool = r.path("tool.yaml", plans.tool_of(condition))
            recipe = r.path("recipe.yaml", plans.recipe_of(condition, pulses, self.widths_us))
            programs = self.programs()
            for number, p in enumerate(programs):
                self.prepare(r, condition, p, f"{p.kind}-{number}", tool)
            self.start_others(r, condition, programs)
            ahead = rig.wall_ahead_us()
            for p in programs:
                self.begin(r, condition, p, recipe, pulses)
            self.follow(condition, programs, pulses, which)
            for p in programs:
                p.gone = beside.gone(p)
            is_stepped = abs(rig.wall_ahead_us() - ahead) > 1000
            for child in reversed(r.children):  # the watcher, the first, is the last
                child.end()
            said = r.children[0].text()
            return {"is_stepped": is_stepped, "is_watcher_fifo": "fifo 1" in said,
                    "stalls": [tuple(map(int, line.split()[2:])) for line in said.splitlines()
                               if line.startswith("stall ")],
                    "programs": {p.name: self.collect(p, condition, ahead, pulses) for p in programs}}

    def prepare(self, r, condition, p, name, tool):
        ports, p.edges = r.start_sim(name, tool, condition.faults())
        if condition.is_late:
            ports["valves"] = r.start_late(name, ports["valves"], plans.LATE_US, plans.LATE_EVERY)
        p.ports, p.label = ports, name
        p.sock = None
        if p.kind == "aldd":
            p.main, p.sock, p.db = r.start_daemon(name, tool, ports, *p.options)
            p.operator = rig.Operator(p.sock)

    def start_others(self, r, condition, programs):
        """Clients, watchers and load."""
        for p in programs:
            if p.sock:
                beside.start(r, condition, p)
        if condition.has_load:
            for i in range(2 * (os.cpu_count() or 1)):
                r.start(f"load {i}", "load", "cpu")
            r.start("load disk", "load", "disk", r.path("load.bytes"))

    def begin(self, r, condition, p, recipe, pulses):
        if p.kind == "aldd":
            p.child = r.start(p.label + "-run", "aldctl", "--socket", p.sock, "run", recipe, "--wait")
            return
        same = ["-s", condition.slow] if condition.slow else []
        same += ["-o", str(p.ports["slow"])] if condition.slow == "other" else []
        widths = sum([["-w", str(w)] for w in self.widths_us], [])
        p.child = p.main = r.start(p.label, p.kind, "-v", str(p.ports["valves"]), "-p", str(p.ports["plant"]),
                                   "-n", str(pulses), "-g", str(condition.gap_us), *widths, *same,
                                   *p.options)

    def follow(self, condition, programs, pulses, which):
        """Until all have come to their end; look at what they use meanwhile."""
        begun = told = time.monotonic()
        should_s = plans.length_s(condition, pulses, self.widths_us)
        # The loops that wait for late answers take longer by as much.
        limit_s = 2 * should_s + pulses * len(self.widths_us) + 60
        while any(p.child.is_running() for p in programs):
            for p in programs:
                if p.main is p.child or p.child.is_running():
                    p.main.look()
                    if p.operator:
                        p.operator.look()
            now = time.monotonic()
            if now - begun > limit_s:
                slow = ", ".join(p.name for p in programs if p.child.is_running())
                raise rig.Failed(f"{condition.name}: {slow} did not end within {limit_s:.0f} s")
            if self.is_tty or now - told > 60:
                told = now
                self.say(f"{condition.name}, run {which}: {now - begun:.0f} of about {should_s:.0f} s",
                         "" if self.is_tty else "\n")
            time.sleep(LOOK_S)

    def collect(self, p, condition, ahead, pulses):
        """What one program planned and what became of it."""
        with open(p.edges, encoding="utf-8") as f:
            edges = measure.read_edges(f, plans.VALVE)
        told = {"failed": list(p.gone), "seen": {}, "errors": 0, "late": 0, "unreported": 0, "events": 0, "undone": 0,
                "held": [], "resumed": p.operator.resumed if p.operator else 0}
        if p.kind == "aldd":
            planned = self.recorded(p, condition, ahead, told)
        else:
            lines = [line.split() for line in p.child.text().splitlines()]
            planned = [(int(w[1]), int(w[2])) for w in lines if w[:1] == ["pulse"]]
            told["errors"] = sum(int(w[1]) for w in lines if w[:1] == ["errors"])
            if len(planned) != pulses * len(self.widths_us):
                raise rig.Failed(f"{p.name} did not complete:\n{p.child.text()[-2000:]}")
        return dict(told, planned=planned, edges=edges, kind=p.kind, is_rt=p.is_rt,
                    cpu_percent=p.main.cpu_percent(), rss_kb=p.main.rss_kb, hwm_kb=p.main.hwm_kb)

    def recorded(self, p, condition, ahead, told):
        """What the daemon planned, from its record."""
        pulses = rig.rows(p.db, "SELECT * FROM pulse ORDER BY planned_open_us")
        events = rig.rows(p.db, "SELECT * FROM event ORDER BY id")
        run = rig.rows(p.db, "SELECT state, reason FROM run ORDER BY id DESC LIMIT 1")
        if not run:
            told["failed"].append(f"the run did not begin: {p.child.text()[-500:]}")
        elif run[0]["state"] != "Complete":
            told["failed"].append(f"the run ended {run[0]['state']}: {run[0]['reason']}")
        told["seen"] = beside.seen(p, pulses, events)
        told["failed"] += beside.missing(told["seen"])
        # What follows from a fault of the wire or from the machine's time: held, resumed here, and repeated.
        told["undone"] = len([r for r in pulses if r["outcome"] != "done"])
        told["held"] = sorted({e["text"].split(": ", 1)[1] for e in events
                               if e["kind"] == "state" and e["source"] == "hold" and ": " in e["text"]})
        late = [r["path"] for r in pulses if is_late(r)]
        texts = [e["text"] for e in events if e["kind"] == "pulse" and e["severity"] != "info"]
        told["late"], told["events"], told["unreported"] = len(late), len(texts), unreported(late, texts)
        return measure.exact_plan([(r["planned_open_us"] - ahead, r["planned_width_us"]) for r in pulses
                                   if r["opened_us"] is not None], condition.gap_us)

    def check(self, result, failed):
        """What must not be, whatever the machine did (exit status 1)."""
        wrong = sorted(set(failed))
        expected = self.options.pulses * len(self.widths_us)
        if result["planned"] < expected:
            wrong.append(f"{expected - result['planned']} pulses were never planned")
        wrong += [f"{result[k]} pulses {k}" for k in ("lost", "merged", "extra") if result[k]]
        if result["unreported"]:
            wrong.append(f"{result['unreported']} of {result['late']} pulses off by more than "
                         f"{plans.TOLERANCE_US // 1000} ms stand in no event")
        result["wrong"] = wrong


def is_late(row):
    """Was a width or an edge of this pulse off by more than the tolerance, as the daemon itself recorded it?"""
    if row["outcome"] != "done" or row["width_us"] is None:
        return False
    off = [row["width_us"] - row["planned_width_us"]]
    if row.get("closed_us") is not None:  # recorded by the clock of the plan
        off += [row["opened_us"] - row["planned_open_us"],
                row["closed_us"] - row["planned_open_us"] - row["planned_width_us"]]
    return any(abs(us) > plans.TOLERANCE_US for us in off)


def unreported(paths, texts):
    """How many pulses, by their places in the recipe, have no event of their own that begins with the place."""
    left = 0
    for path, count in collections.Counter(paths).items():
        left += max(0, count - sum(text.startswith(path + ":") for text in texts))
    return left


def options_of():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", default="build")
    parser.add_argument("--pulses", type=int, default=1000, help="of each width, in each condition")
    parser.add_argument("--runs", type=int, default=3, help="that the pulses are pooled from")
    parser.add_argument("--out", help="folder of the report (BUILD/bench)")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK} of each")
    parser.add_argument("--widths", default=WIDTHS_MS, help="in ms")
    parser.add_argument("--keep", action="store_true", help="leave logs and databases in build/bench")
    parser.add_argument("--only", default="", help="conditions, of " + ",".join(c.name for c in plans.CONDITIONS))
    options = parser.parse_args()
    if options.quick:
        options.pulses = QUICK
    options.runs = max(1, min(options.runs, options.pulses // 10))
    options.build = os.path.abspath(options.build)
    options.out = os.path.abspath(options.out or os.path.join(options.build, "bench"))
    names = {c.name for c in plans.CONDITIONS}
    wrong = [n for n in options.only.split(",") if n and n not in names]
    if wrong:
        parser.error(f"no condition '{wrong[0]}'; there are {', '.join(sorted(names))}")
    if options.pulses < 1 or not all(w.isdigit() and 20 <= int(w) <= 2000 for w in options.widths.split(",")):
        parser.error("at least one pulse; widths from 20 to 2000 ms")
    return options


def keep(folder, found):
    """After each condition: one that takes an hour may be interrupted in the next."""
    for name, text in (("report.json", json.dumps(found, indent=1)),
                       ("report.md", "## Timing of pulses\n\n" + report.text(found))):
        path = os.path.join(folder, name)
        with open(path + ".new", "w", encoding="utf-8") as f:
            f.write(text)
        os.replace(path + ".new", path)


def main():
    options = options_of()
    may_fifo = rig.may_fifo()
    bench = Bench(options, may_fifo)
    conditions = [c for c in plans.CONDITIONS if not options.only or c.name in options.only.split(",")]
    os.makedirs(options.out, exist_ok=True)
    signal.signal(signal.SIGTERM, rig.Interrupt.on_signal)
    signal.signal(signal.SIGINT, rig.Interrupt.on_signal)
    minutes = sum(plans.length_s(c, options.pulses, bench.widths_us) + 8 * options.runs for c in conditions) / 60
    bench.say(f"{len(conditions)} conditions, {options.pulses} pulses of each of {options.widths} ms in {options.runs} "
              f"run(s): about {minutes:.0f} min{'' if may_fifo else '; real-time priority is not allowed here'}")
    found = {"machine": report.machine(may_fifo), "widths_us": bench.widths_us, "conditions": {}}
    try:
        for name in PROGRAMS:
            bench.program_is_there(name)
        for c in conditions:
            bench.say(f"{c.name}: {c.title}")
            found["conditions"][c.name] = bench.run(c)
            keep(bench.folder, found)
    except KeyboardInterrupt:
        done = ", ".join(found["conditions"])
        bench.say("interrupted: everything was ended" + (f"; kept: {done}" if done else ""))
        return 130
    except rig.Failed as why:
        bench.say(f"bench: {why}")
        return 1
    bench.say("", "")
    print(report.text(found))
    return 1 if report.wrong(found) else 0


if __name__ == "__main__":
    sys.exit(main())
