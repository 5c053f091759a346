"""The programs of a bench run: simulated tools, daemons, loads, watchers; started, looked at, and ended whatever happens.
Python's standard library only."""
import contextlib
import os
import re
import select
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(TOP, "tests", "system"))
import ald  # noqa: E402  die_with_parent, Client

PATIENCE_S = 60.0
# The simulated tool and what stands between are the instrument: above what is measured, below the watcher of stalls.
INSTRUMENT = 80
TICKS = os.sysconf("SC_CLK_TCK")


class Failed(Exception):
    """The bench cannot go on; said in a sentence."""


def may_fifo():
    """May we have real-time priority? Tried, since neither the user nor a limit alone says so."""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(INSTRUMENT))
    except OSError:
        return False
    os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    return True


class Interrupt:
    """Ctrl-C and SIGTERM, put off where something would be left half done."""

    is_put_off = is_waiting = False

    @classmethod
    def on_signal(cls, *_):
        if not cls.is_put_off:
            raise KeyboardInterrupt
        cls.is_waiting = True

    @classmethod
    @contextlib.contextmanager
    def put_off(cls):
        cls.is_put_off = True
        try:
            yield
        finally:
            cls.is_put_off = False
        if cls.is_waiting:
            raise KeyboardInterrupt


class Child:
    """A program with its output in files, and what it used so far."""

    def __init__(self, name, args, folder, fifo=0, env=None):
        def before():
            ald.die_with_parent()
            if fifo:
                os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(fifo))
        self.name = name
        stem = os.path.join(folder, re.sub(r"\W+", "-", name))
        self.out_path, self.log_path = stem + ".out", stem + ".log"
        with open(self.out_path, "wb") as out, open(self.log_path, "wb") as log:
            # A session of its own: Ctrl-C reaches the bench, which ends everything in order.
            self.process = subprocess.Popen(args, stdin=subprocess.DEVNULL, stdout=out, stderr=log, cwd=folder,
                                            env=dict(os.environ, **(env or {})), preexec_fn=before,
                                            start_new_session=True)
        self.begun, self.cpu_s, self.at = time.monotonic(), 0.0, time.monotonic()
        self.rss_kb = self.hwm_kb = 0
        self.from_s = None
        self.has_children = False  # it must be asked to end, to end them

    def is_running(self):
        return self.process.poll() is None

    def look(self):
        """Note CPU time and memory; what has ended keeps its last figures."""
        try:
            with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as f:
                words = f.read().rsplit(")", 1)[1].split()
            with open(f"/proc/{self.process.pid}/status", encoding="utf-8") as f:
                status = f.read()
        except OSError:
            return
        rss, hwm = re.search(r"VmRSS:\s*(\d+)", status), re.search(r"VmHWM:\s*(\d+)", status)
        if rss is None or hwm is None:
            return  # it has ended and waits to be collected
        self.cpu_s, self.at = (int(words[11]) + int(words[12])) / TICKS, time.monotonic()
        self.rss_kb, self.hwm_kb = int(rss[1]), int(hwm[1])
        if self.from_s is None:
            self.from_s = (self.at, self.cpu_s)

    def cpu_percent(self):
        at, cpu = self.from_s or (self.begun, 0.0)
        return 100.0 * (self.cpu_s - cpu) / max(self.at - at, 1e-3)

    def text(self):
        said = ""
        for path in (self.out_path, self.log_path):
            with open(path, encoding="utf-8", errors="replace") as f:
                said += f.read()
        return said

    def end(self, how=signal.SIGTERM):
        if self.is_running():
            self.process.send_signal(how)
        try:
            return self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()


class Rig:
    """Everything of one condition, in a folder that goes with it."""

    def __init__(self, build, folder, fifo, is_kept=False):
        self.build, self.fifo, self.is_kept = build, fifo, is_kept
        os.makedirs(folder, exist_ok=True)
        self.dir = tempfile.mkdtemp(prefix="run-", dir=folder)  # on the build's disk, which /tmp may not be
        self.sockets = tempfile.mkdtemp(prefix="ald-")          # a socket's path must be short
        self.children = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for child in reversed(self.children):
            if child.has_children:
                child.end()
            elif child.is_running():
                child.process.kill()
        for child in self.children:
            child.process.wait()
        if not self.is_kept:
            shutil.rmtree(self.dir, ignore_errors=True)
        shutil.rmtree(self.sockets, ignore_errors=True)

    def path(self, name, text=None):
        path = os.path.join(self.dir, name)
        if text is not None:
            with open(path, "w", encoding="utf-8") as f:
                f.write(text)
        return path

    def program(self, name):
        """Where a program of ours is built."""
        for path in (os.path.join(self.build, name), os.path.join(self.build, "bench", name)):
            if os.path.exists(path):
                return path
        raise Failed(f"{os.path.join(self.build, name)} is not there")

    def start(self, name, program, *args, fifo=0, env=None):
        return self.add(name, [self.program(program), *args], fifo if self.fifo else 0, env)

    def add(self, name, args, fifo=0, env=None):
        with Interrupt.put_off():  # a child that nobody knows could not be ended
            child = Child(name, args, self.dir, fifo, env)
            self.children.append(child)
        return child

    def await_text(self, child, pattern):
        """The match of `pattern` in what the program says."""
        deadline = time.monotonic() + PATIENCE_S
        while (found := re.search(pattern, child.text(), re.M)) is None:
            if not child.is_running() or time.monotonic() > deadline:
                raise Failed(f"{child.name} does not come up:\n{child.text()}")
            time.sleep(0.01)  # a file cannot be waited for
        return found

    def start_sim(self, name, tool, faults):
        """A simulated tool; ({link: port}, path of its log of edges)."""
        edges = self.path(f"{name}.edges")
        args = ["-c", tool, "--ready", "--listen", "127.0.0.1:0", "--edges", edges]
        sim = self.start("aldsim for " + name, "aldsim", *args, *sum([["--fault", f] for f in faults], []),
                         fifo=INSTRUMENT)
        self.await_text(sim, "^aldsim: ready")
        ports = {m[1]: int(m[2]) for m in re.finditer(r"^aldsim: link (\S+) tcp://[\d.]+:(\d+)", sim.text(), re.M)}
        return ports, edges

    def start_late(self, name, port, late_us, every):
        """The reply to every so manyth opening comes late on the port that this returns."""
        late = self.start("late for " + name, "late", str(port), str(late_us), str(every),
                          *(["-f"] if self.fifo else []))
        return int(self.await_text(late, r"^(\d+)$")[1])

    def start_daemon(self, name, tool, ports, *options):
        """aldd, ready by its own word; it, its socket, its database."""
        notify_path, sock = os.path.join(self.sockets, "notify"), os.path.join(self.sockets, name)
        db = self.path(f"{name}.db")
        args = ["-c", tool, "--socket", sock, "--db", db, *options]
        for link, port in ports.items():
            args += ["--link", f"{link}=tcp://127.0.0.1:{port}"]
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.bind(notify_path)
            notify.settimeout(0.2)
            daemon = self.start(name, "aldd", *args, env={"NOTIFY_SOCKET": notify_path})
            deadline = time.monotonic() + PATIENCE_S
            is_ready = False
            while not is_ready:
                try:
                    is_ready = b"READY=1" in notify.recv(4096).splitlines()
                except TimeoutError:
                    if not daemon.is_running() or time.monotonic() > deadline:
                        raise Failed(f"{name} is not ready:\n{daemon.text()}") from None
        os.unlink(notify_path)
        return daemon, sock, db


class Operator:
    """Who resumes what was held."""

    def __init__(self, path):
        self.client = ald.Client(path)
        self.client.subscribe()
        self.resumed = 0

    def look(self):
        """Read what was told, and resume."""
        try:
            while select.select([self.client.sock], [], [], 0)[0] or b"\n" in self.client.buffer:
                self.client.note(self.client.read())
        except (EOFError, OSError) as why:
            raise Failed(f"the daemon is gone: {why}") from None
        if self.client.status["state"] != "Held":
            return
        try:
            self.client.call("resume")
            self.resumed += 1
        except ald.Refused:
            pass  # it is going on already, or not to be helped


def rows(db, sql):
    """Rows of a run database."""
    with sqlite3.connect(f"file:{db}?mode=ro", uri=True, timeout=10) as base:
        base.row_factory = sqlite3.Row
        return [dict(row) for row in base.execute(sql)]


def wall_ahead_us():
    """The wall clock less the monotonic one: the closest of many pairs of readings."""
    best = None
    for _ in range(200):
        a = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
        w = time.clock_gettime_ns(time.CLOCK_REALTIME)
        b = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
        if best is None or b - a < best[0]:
            best = (b - a, w - (a + b) // 2)
    return best[1] // 1000
