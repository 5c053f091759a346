"""Notes when the machine itself stands still while tests run: a virtual machine whose host gives a core to somebody else
stops for a second now and then, and what keeps time on that core has then not been tested at all.

On each core a process that sleeps 10 ms and looks how late it wakes, with the highest real-time priority where that is
allowed: then only the machine can be late, not another program. Where it is not allowed, a load can make it late too,
but not by STILL_S.
"""
import ctypes
import os
import signal
import subprocess
import sys
import threading
import time

PERIOD_S = 0.01
# Shorter ones are borne: a module's watchdog waits a second, the control loop trips after half of one.
STILL_S = 0.25
# So often a watcher says that it looks; so long is one waited for that does not.
ALIVE_S, PATIENCE_S = 0.5, 10.0


def watch(core):
    """Print "due woke" in seconds of CLOCK_MONOTONIC for each stall of a core, and now and then, until the runner ends."""
    ctypes.CDLL(None, use_errno=True).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG
    os.sched_setaffinity(0, {core})
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


class Stalls:
    """The watchers of all cores, and what they saw."""

    def __init__(self):
        self.changed = threading.Condition()
        self.seen = []  # (from, until)
        self.looked = {}  # until when each core has been looked at
        self.children = [self.begin(core) for core in os.sched_getaffinity(0)]

    def begin(self, core):
        child = subprocess.Popen([sys.executable, "-B", __file__, str(core)], stdin=subprocess.DEVNULL,
                                 stdout=subprocess.PIPE, text=True)
        self.looked[core] = 0.0
        threading.Thread(target=self.read, args=(core, child), daemon=True).start()
        return child

    def read(self, core, child):
        for line in child.stdout:
            due, woke = map(float, line.split())
            with self.changed:
                self.looked[core] = woke
                if woke - due > STILL_S:
                    self.seen.append((due, woke))
                self.changed.notify_all()

    def longest(self, begun, ended):
        """The longest stall of any core that began or lasted between two times, in seconds; 0 = none."""
        with self.changed:
            self.changed.wait_for(lambda: min(self.looked.values()) > ended, PATIENCE_S)
            return max((b - a for a, b in self.seen if b >= begun and a <= ended), default=0.0)

    def end(self):
        for child in self.children:
            child.terminate()
            child.wait()


if __name__ == "__main__":
    watch(int(sys.argv[1]))
