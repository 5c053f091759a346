"""What the bench runs on: the reference tool made fit for pulses in a row, and the recipe with them.

Made from config/rotary-ald.yaml, so that it follows the format of tool files as that does; each change must find what it
changes."""
import grp
import os
import re

import rig

TOOL = os.path.join(rig.TOP, "config", "rotary-ald.yaml")
VALVE, LINE = "nb.valve", "nb"
# A pulse that is wrong by more is told as an event; the bench demands that every one is.
TOLERANCE_US = 2000
# The device that answers slowly, where the condition wants it. Nothing depends on its value.
SLOW, SLOW_MS = "slow-io", 200
SLOW_LINK = '  slow: {connect: "tcp://127.0.0.1:1503", timeout: 300 ms}'
SLOW_DEVICE = f"  {SLOW}: {{{{link: {{}}, slave_id: 9, address_base: 0, answer: {SLOW_MS} ms}}}}"
SLOW_TAG = (f"  slow.reading: {{device: {SLOW}, register: input, address: 0, type: INT16, unit: Torr, poll: 500 ms, "
            "stale_after: 10 s}")
LATE_US, LATE_EVERY = 300000, 5
# Alarms that move nothing, of a value that rises through their limits, falls, and rises again. Two come each second, each of
# them as often as it can be told without chattering; every one runs all hooks.
FLOOD, FLOOD_S, FLOOD_ALARMS, HOOKS, HOOK = "flood.level", 25, 50, 4, "/bin/cat"
FLOOD_TAG = (f"  {FLOOD}: {{device: plant-io, register: input, address: 2, type: INT16, unit: Torr, poll: 50 ms, "
             "stale_after: 10 s}")
FLOOD_TIMES = 62  # as many faults as aldsim takes, two left
ALL = "32 subscribed clients"
# Any machine has one of them; with root's help it lets more users look on.
GROUP = "nogroup" if any(g.gr_name == "nogroup" for g in grp.getgrall()) else "nobody"


class Condition:
    """gap: from a close to the next opening. slow: where a device stands that answers after 200 ms."""

    def __init__(self, name, title, gap_us=100000, slow=None, **also):
        self.name, self.title, self.gap_us, self.slow = name, title, gap_us, slow
        self.has_load, self.clients = also.get("load", False), also.get("clients", 0)
        self.is_late, self.browsers = also.get("late", False), also.get("browsers", 0)

    def faults(self):
        found = [f"slow:{SLOW}={SLOW_MS} ms"] if self.slow else []
        if self.browsers:
            found += [f"drift:{FLOOD}=120 Torr/min@{i * FLOOD_S} s+{FLOOD_S} s" for i in range(FLOOD_TIMES)]
        return found


CONDITIONS = [
    Condition("idle", "idle"),
    Condition("load", "two busy processes per core, one that writes and syncs", load=True),
    Condition("slow-other", "a device on another link answers after 200 ms", slow="other"),
    # Room in the purges for a window before each edge and its answers between.
    Condition("slow-same", "a device on the valves' link answers after 200 ms", gap_us=1500000, slow="same"),
    # With the aldctl that waits for the run, and the operator who resumes.
    Condition("clients", ALL, clients=30),
    # More than 32 the daemon does not take.
    Condition("watchers", ALL + ", of them a web server with 16 browsers and a terminal; hooks in an alarm flood",
              clients=28, browsers=16),
    # Room for the late reply, which a program may wait for.
    Condition("late", "the reply to every fifth opening comes 300 ms late", gap_us=500000, late=True),
]


def change(text, pattern, new, least=1):
    text, count = re.subn(pattern, new, text, flags=re.M)
    if count < least:
        raise rig.Failed(f"{TOOL}: the bench finds no '{pattern}' in it")
    return text


def tool_of(condition):
    with open(TOOL, encoding="utf-8") as f:
        text = f.read()
    # Inputs at 20 Hz, and recorded as often; temperatures and set-points keep the pace that fits them.
    out = []
    for part in re.split(r"(?m)^(?=  [\w.]+:\s*\{?)", text):
        if "poll:" in part and "access: write" not in part and "device: heat" not in part:
            part = re.sub(r"poll: [\d.]+ m?s", "poll: 50 ms", part)
            part = re.sub(r"log: \{every: [\d.]+ m?s", "log: {every: 50 ms", part)
        out.append(part)
    text = "".join(out)
    if text.count("poll: 50 ms") < 6:
        raise rig.Failed(f"{TOOL}: too few inputs for the bench to poll at 20 Hz")
    text = change(text, r"min_purge: 5 s", f"min_purge: {condition.gap_us // 2000} ms")
    text = change(text, r"purge_between: 5 s", "purge_between: 50 ms")
    text = change(text, rf"^(  {LINE}: \{{kind: precursor,)", rf"\1 width_tolerance: {TOLERANCE_US // 1000} ms,")
    if condition.clients:
        text = change(text, r"^(  viewer: \{groups: \[)", rf"\g<1>{GROUP}, ")
    if condition.browsers:
        text = change(text, r"^(tags:)$", f"\\1\n{FLOOD_TAG}")
        text = change(text, r"^(alarms:)$", "\\1\n" + "\n".join(
            f"  - {{id: flood-{i}, when: {FLOOD} > {i} Torr, guidance: Nothing is to be done.}}" for i in range(FLOOD_ALARMS)))
        text += "notify:\n" + f"  - {{on: [alarm], run: {HOOK}}}\n" * HOOKS
    if condition.slow == "other":
        text = change(text, r"^(  plant: \{connect: .*)$", f"\\1\n{SLOW_LINK}")
    if condition.slow:
        text = change(text, r"^(devices:)$", "\\1\n" + SLOW_DEVICE.format("valves" if condition.slow == "same" else "slow"))
        text = change(text, r"^(tags:)$", f"\\1\n{SLOW_TAG}")
    if condition.slow == "same":
        text = change(text, r"^(  valves: \{connect: .*timeout: )200 ms", r"\g<1>300 ms")
    return text


def recipe_of(condition, pulses, widths_us):
    steps = "".join(f"        - pulse: {LINE}\n          for: {w // 1000} ms\n"
                    f"        - purge: {condition.gap_us // 1000} ms\n" for w in widths_us)
    return f"""format: 1
recipe: bench
title: Pulses of several widths for make bench
tool: rotary-ald
phases:
  prepare:
    - set: {{carrier.flow: 70 sccm, bed.speed: 3 rpm, nb.temperature: 110 degC, nb.line.temperature: 130 degC}}
    - wait: {{until: carrier.flow > 60 sccm, timeout: 1 min}}
  coat:
    - repeat: {pulses}
      do:
{steps}on_hold: {{at_most: 5 s, then: stop}}
"""


def length_s(condition, pulses, widths_us):
    return pulses * sum(w + condition.gap_us for w in widths_us) / 1e6
