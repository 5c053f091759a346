"""Notes when the machine itself stands still while tests run: a virtual machine whose host gives a core to somebody else
stops for a second now and then, and what keeps time on that core has then not been tested at all.

On each core a process that sleeps 10 ms and looks how late it wakes, with the highest real-time priority where that is
allowed: then only the machine can be late, not another program. Where it is not allowed, a load can make it late too,
but not by STILL_S.

A disk that is busy may hold up whoever writes a line to a file. Programs here must bear that, so it makes no test void; but it
is told beside a test that failed, with how long the machine's tasks waited for cores, disk and memory (/proc/pressure).

So is what a process of ordinary priority saw, which tests and simulated modules have as well: daemons with a real-time one, or a
limit on processor time, can keep it off all cores while the watchers above find nothing late.
"""
import ctypes
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time

PERIOD_S = 0.01
# Shorter ones are borne: a module's watchdog waits a second, the control loop trips after half of one.
STILL_S = 0.25
# So often a watcher says that it looks; so long is one waited for that does not.
ALIVE_S, PATIENCE_S = 0.5, 10.0


def watch(where):
    """Print "due woke" in seconds of CLOCK_MONOTONIC for each stall of a core, and now and then, until the runner ends; "ordinary":
    without a priority, on whatever core."""
    ctypes.CDLL(None, use_errno=True).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG
    if where != "ordinary":
        os.sched_setaffinity(0, {int(where)})
        try:
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(98))
        except PermissionError:
            pass
    due = told = time.monotonic()
    while True:
        due += PERIOD_S
        time.sleep(max(0.0, due - time.monotonic()))
        woke = time.monotonic()
        if woke - due > STILL_S or woke - told > ALIVE_S:
            print(f"{due} {woke}", flush=True)
            told = woke
        due = max(due, woke - PERIOD_S)


def watch_disk():
    """The same of writes to a file."""
    ctypes.CDLL(None, use_errno=True).prctl(1, signal.SIGTERM)
    with tempfile.TemporaryFile(buffering=0) as f:
        told = time.monotonic()
        while True:
            begun = time.monotonic()
            f.write(b"a line\n")
            done = time.monotonic()
            if done - begun > STILL_S or done - told > ALIVE_S:
                print(f"{begun} {done}", flush=True)
                told = done
            time.sleep(PERIOD_S)


def pressure():
    """Seconds that some task has waited for each of these, since the machine began; {} where that is not told."""
    waited = {}
    for what in ("cpu", "io", "memory"):
        try:
            with open(f"/proc/pressure/{what}", encoding="ascii") as f:
                waited[what] = int(f.readline().rsplit("total=", 1)[1]) / 1e6
        except (OSError, IndexError, ValueError):
            pass
    return waited


class Stalls:
    """The watchers of all cores and of the disk, and what they saw."""

    def __init__(self):
        self.changed = threading.Condition()
        self.seen = []  # (where, from, until); where: a core's number, "ordinary" or "disk"
        self.looked = {}  # until when each has been looked at
        self.children = [self.begin(where) for where in [*os.sched_getaffinity(0), "ordinary", "disk"]]

    def begin(self, where):
        child = subprocess.Popen([sys.executable, "-B", __file__, str(where)], stdin=subprocess.DEVNULL,
                                 stdout=subprocess.PIPE, text=True)
        self.looked[where] = 0.0
        threading.Thread(target=self.read, args=(where, child), daemon=True).start()
        return child

    def read(self, where, child):
        for line in child.stdout:
            due, woke = map(float, line.split())
            with self.changed:
                self.looked[where] = woke
                if woke - due > STILL_S:
                    self.seen.append((where, due, woke))
                self.changed.notify_all()

    def longest(self, begun, ended, of=None):
        """The longest stall of a core, or of "ordinary" or "disk", that began or lasted between two times, in seconds; 0 = none."""
        with self.changed:
            self.changed.wait_for(lambda: min(self.looked.values()) > ended, PATIENCE_S)
            return max((b - a for where, a, b in self.seen
                        if (isinstance(where, int) if of is None else where == of) and b >= begun and a <= ended), default=0.0)

    def end(self):
        for child in self.children:
            child.terminate()
            child.wait()


if __name__ == "__main__":
    if sys.argv[1] == "disk":
        watch_disk()
    else:
        watch(sys.argv[1])
