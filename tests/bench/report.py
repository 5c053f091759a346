#!/usr/bin/python3
"""The tables of the bench, in Markdown.

    report.py REPORT.json... [FILE.md...]     print them again, or put them between the marks of each file

Of several reports the conditions are joined: a long bench may be run in parts, on the same machine and commit.
"""
import json
import os
import platform
import re
import sys

BEGIN, END = "<!-- recorded by make bench -->\n", "<!-- end of what make bench recorded -->\n"
BRIEF = "<!-- recorded by make bench, in brief -->\n"


def machine(may_fifo):
    """What it ran on; no names."""
    with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as f:
        cpu = f.read()
    with open("/proc/meminfo", encoding="utf-8") as f:
        memory_kb = int(re.search(r"MemTotal:\s*(\d+)", f.read())[1])
    model = re.search(r"^model name\s*:\s*(.+)$", cpu, re.M)
    kernel = re.match(r"[\d.]+", platform.release())
    return {"cores": os.cpu_count(), "cpu": model[1] if model else platform.machine(),
            "is_virtual": re.search(r"^flags\s*:.*\bhypervisor\b", cpu, re.M) is not None,
            "kernel": kernel[0] if kernel else "?", "memory_gb": round(memory_kb / 1e6, 1),
            "may_fifo": may_fifo, "nice": os.nice(0), "load_before": os.getloadavg()[0]}


def ms(value):
    return "-" if value is None else f"{value / 1000:.2f}"


def cell(d, keys=("median", "p99", "p99.9", "max")):
    return " / ".join(ms(d[k]) for k in keys)


def ratio(result, condition):
    """p99 of the width error to the bare loop's of the same priority, in the same run."""
    bare = [r for r in condition["programs"].values() if r["kind"] == "loop_bare" and r["is_rt"] == result["is_rt"]]
    mine = result["quiet"]["width"]["p99"]
    if not bare or mine is None or not bare[0]["quiet"]["width"]["p99"]:
        return "-"
    return f"{mine / bare[0]['quiet']['width']['p99']:.2f}"


def table(rows):
    return "\n".join("| " + " | ".join(str(c) for c in row) + " |" for row in rows) + "\n"


def drift(result):
    return "-" if result["resumed"] else ms(result["drift"])


def main_table(found):
    rows = [["condition", "program", "pulses", "lost, merged", "width error", "open late", "close late", "to bare",
             "of all: width error", "drift", "CPU %", "MB"], ["---"] * 2 + ["---:"] * 10]
    for name, c in found["conditions"].items():
        for p, r in c["programs"].items():
            rows.append([name, p, f"{r['pulses']} ({r['disturbed']})", f"{r['lost']}, {r['merged']}",
                         cell(r["quiet"]["width"]), cell(r["quiet"]["open"], ("median", "p99", "max")),
                         cell(r["quiet"]["close"], ("median", "p99", "max")), ratio(r, c),
                         cell(r["all"]["width"], ("p99", "p99.9", "max")), drift(r), f"{r['cpu_percent']:.1f}",
                         f"{r['hwm_kb'] / 1000:.1f}"])
            name = ""
    return table(rows)


def width_table(found):
    rows = [["condition", "program"] + [f"{w // 1000} ms" for w in found["widths_us"]],
            ["---"] * 2 + ["---:"] * len(found["widths_us"])]
    for name, c in found["conditions"].items():
        for p, r in c["programs"].items():
            if r["kind"] != "aldd":
                continue
            rows.append([name, p] + [cell(r["by_width"][w]["width"], ("median", "p99", "max"))
                                     if w in r["by_width"] else "-" for w in found["widths_us"]])
            name = ""
    return table(rows)


def condition_table(found):
    rows = [["condition", "is", "pulses a width", "runs", "stalls", "median / p99 / longest ms"],
            ["---"] * 2 + ["---:"] * 4]
    for name, c in found["conditions"].items():
        rows.append([name, c["title"], c["pulses"], c["runs"], c["stall_count"], cell(c["stalls"], ("median", "p99", "max"))])
    return table(rows)


def wrong(found):
    """What must not be: [text]."""
    return [f"{name}, {p}: {why}" for name, c in found["conditions"].items() for p, r in c["programs"].items()
            for why in r.get("wrong", [])]


def targets(found):
    """The figures asked for, beside those found: width error of aldd without stalls, and against the bare loop."""
    rows = [["condition", "program", "median below 0.05 ms", "p99 below", "to bare, p99, 1.5"],
            ["---"] * 2 + ["---:"] * 3]
    for name, c in found["conditions"].items():
        for p, r in c["programs"].items():
            if r["kind"] != "aldd" or not r["pulses"] > r["disturbed"]:
                continue
            most = 300 if r["is_rt"] else 500 if name == "idle" else 2500
            d, to_bare = r["quiet"]["width"], ratio(r, c)
            rows.append([name, p, met(d["median"] <= 50, ms(d["median"])),
                         met(d["p99"] < most, f"{ms(d['p99'])} of {ms(most)}"),
                         met(to_bare == "-" or float(to_bare) <= 1.5, to_bare)])
    return table(rows)


def met(is_met, text):
    return text if is_met else f"**{text}**"


def notes(found):
    m = found["machine"]
    said = []
    if not m["may_fifo"]:
        said.append("Real-time priority is not allowed here: neither program, instrument nor watcher had it. The stalls "
                    "include the scheduler's own delays, and no pulse is left out for them.")
    if not any(r["kind"] == "aldd" and r["is_rt"] for c in found["conditions"].values()
               for r in c["programs"].values()) and m["may_fifo"]:
        said.append("This aldd has no real-time priority.")
    if any(c["is_stepped"] for c in found["conditions"].values()):
        said.append("The wall clock was stepped in the run: the lateness of aldd's edges is not to be trusted.")
    for name, c in found["conditions"].items():
        for p, r in c["programs"].items():
            if r["errors"]:
                said.append(f"{name}, {p}: {r['errors']} calls failed.")
            if r["resumed"]:
                said.append(f"{name}, {p}: held {r['resumed']} times and resumed, {r['undone']} pulses not done as "
                            f"planned: {'; '.join(r['held'])}.")
            if r.get("seen"):
                seen = r["seen"]
                said.append(f"{name}, {p}: in {seen['seconds']} s of pulses, and just before and after, each browser had at "
                            f"least {seen['events']} events, each costly page was read at least {seen['pages']} times, the "
                            f"terminal drew in {seen['drawn']} seconds; {seen['hooks']} hooks ran during the pulses.")
            if r["events"]:
                said.append(f"{name}, {p}: {r['late']} pulses off by more than the tolerance, {r['events']} events.")
    bad = wrong(found)
    said += ["**Wrong:** " + why for why in bad]
    if not bad:
        said.append("No pulse of aldd was lost or merged, and each that was off by more than the tolerance stands in an "
                    "event.")
    return "\n".join("* " + s for s in said) + "\n"


def where(found):
    m = found["machine"]
    return (f"{m['cores']} cores ({m['cpu']}{', virtual' if m['is_virtual'] else ''}), Linux {m['kernel']}, "
            f"{m['memory_gb']} GB{', nice ' + str(m['nice']) if m['nice'] else ''}; "
            f"load {m['load_before']:.1f} before the run")


def brief(found):
    """A line for each condition, a column for each program: what a reader asks first."""
    programs = list(dict.fromkeys(p for c in found["conditions"].values() for p in c["programs"]))
    rows = [["condition", "pulses"] + programs, ["---"] + ["---:"] * (1 + len(programs))]
    for c in found["conditions"].values():
        rows.append([c["title"], c["pulses"] * len(found["widths_us"])] +
                    [cell(c["programs"][p]["quiet"]["width"], ("median", "p99")) if p in c["programs"] else "-"
                     for p in programs])
    return f"""{where(found)}.
Width error in ms, median / p99, of the pulses at no stall of the machine:

{table(rows)}"""


def text(found):
    widths = ", ".join(str(w // 1000) for w in found["widths_us"])
    return f"""{where(found)}.
Pulses of {widths} ms in turn, at the simulated tool's own clock; the programs of a condition run at the same time.

{condition_table(found)}
Times in ms: median / p99 / p99.9 / max of the width error; median / p99 / max of how late the edges are. Pulses: all (of them
at a stall of the machine, which are left out of what follows but for "of all": p99 / p99.9 / max). To bare: p99 of the width
error to that of the bare loop of the same priority. Drift: how much longer than planned a run took. MB: the most resident.

{main_table(found)}
Asked for, and found without stalls (bold: missed):

{targets(found)}
Width error of aldd by the width of the pulse, median / p99 / max:

{width_table(found)}
{notes(found)}"""


def put(path, found):
    """Replace what stands between the marks; the first tells whether all or the brief table belongs there."""
    with open(path, encoding="utf-8") as f:
        whole = f.read()
    begin, tables = (BRIEF, brief(found)) if BRIEF in whole else (BEGIN, text(found))
    before, rest = whole.split(begin)
    with open(path, "w", encoding="utf-8") as f:
        f.write(before + begin + "\n" + tables + "\n" + END + rest.split(END)[1])


def read(path):
    with open(path, encoding="utf-8") as f:
        found = json.load(f)
    for condition in found["conditions"].values():
        for result in condition["programs"].values():
            result["by_width"] = {int(w): r for w, r in result["by_width"].items()}  # JSON's keys are words
    return found


def join(parts):
    """One of several; the first tells the machine."""
    found = parts[0]
    for part in parts[1:]:
        if part["widths_us"] != found["widths_us"] or part["machine"]["cpu"] != found["machine"]["cpu"]:
            sys.exit("report: these are of other widths, or of another machine")
        if both := set(part["conditions"]) & set(found["conditions"]):
            sys.exit(f"report: {', '.join(sorted(both))}: in two of the reports")
        found["conditions"].update(part["conditions"])
    return found


def main():
    kept = [p for p in sys.argv[1:] if p.endswith(".md")]
    paths = [p for p in sys.argv[1:] if p not in kept]
    if not paths:
        sys.exit("usage: report.py REPORT.json... [FILE.md...]")
    found = join([read(p) for p in paths])
    for path in kept:
        put(path, found)
    if not kept:
        print(text(found))


if __name__ == "__main__":
    main()
