"""The harness of the system tests: it starts the real programs in a temporary folder on free ports, talks to the
control socket, sits on the wire, and leaves nothing behind. Python's standard library only.

Nothing here waits for a time where it can wait for an event: readiness is the daemon's own READY=1, states come from
a subscription, edges from the proxy on the wire.
"""
import ctypes
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import struct
import subprocess
import tempfile
import threading
import time
import unittest

# With vfork() every thread of this process would stand, the proxies too, until the child has become its program (documented in
# Python's manual of subprocess).
subprocess._USE_VFORK = False

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("ALD_BUILD", os.path.join(TOP, "build"))
TOOL = os.path.join(TOP, "config", "rotary-ald.yaml")
RECIPE = os.path.join(TOP, "recipes", "nb2o5-nmc532.yaml")
# Sanitized programs are several times slower: they are run for their findings, not for their timing.
SANITIZED = "san" in os.path.basename(BUILD)
# How long a test waits for what must come. No test is about this bound, and none waits it out: a disk that syncs for ten seconds
# must not fail one.
PATIENCE_S = 40.0
FINDING = re.compile(r"(Sanitizer|runtime error:|Assertion .* failed)")

# Where things are on the wire (config/rotary-ald.yaml).
VALVES, PLANT, FLOW, HEAT, MOTOR = 1, 2, 3, 4, 5
NB, WATER, EXHAUST, VENT = 0, 1, 2, 3

# A short recipe: carrier on, then whatever the test puts in. {body} is indented as steps of phase coat.
QUICK = """format: 1
recipe: quick
title: A short recipe for tests
tool: rotary-ald
parameters:
  cycles: {{default: 2, min: 1, max: 100}}
  nb_pulse: {{default: 1 s}}
  purge: {{default: 5 s}}
phases:
  prepare:
    - set: {{carrier.flow: 70 sccm, bed.speed: 3 rpm}}
    - wait: {{until: carrier.flow > 60 sccm, timeout: 1 min}}
  coat:
{body}
finally:
  - purge: 5 s
"""
ONE_PULSE = """    - repeat: $cycles
      do:
        - pulse: nb
          for: $nb_pulse
        - purge: $purge
"""


def shortened(log, first=80, last=40):
    """What a failure shows of a log: how it began and how it ended."""
    lines = log.splitlines()
    if len(lines) <= first + last:
        return log
    return "\n".join(lines[:first] + [f"... {len(lines) - first - last} lines ..."] + lines[-last:])


def die_with_parent():
    """Linux ends the child when the test ends, however it ends (PR_SET_PDEATHSIG = 1)."""
    ctypes.CDLL(None, use_errno=True).prctl(1, signal.SIGKILL)


def keep_time(also=0):
    """Give this thread a real-time priority, below the daemon's, where that is allowed: when it sees a frame is then the daemon's
    doing, not that of a busy machine."""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO | also, os.sched_param(1))
    except OSError:
        pass


def keep_time_alone():
    """Without what it starts."""
    keep_time(os.SCHED_RESET_ON_FORK)


def stand_for_hardware():
    """A module of a tool does not wait for what else runs on the machine: in the child that becomes aldsim, with all its threads."""
    die_with_parent()
    keep_time()


class Program:
    """A child process whose output goes to files in the test's folder."""

    def __init__(self, name, args, folder, env=None, stderr=None):
        self.name = name
        self.log_path = os.path.join(folder, f"{name}.{len(os.listdir(folder))}.log")
        self.out_path = self.log_path[:-4] + ".out"
        with open(self.log_path, "wb") as log, open(self.out_path, "wb") as out:
            self.child = subprocess.Popen(args, stdin=subprocess.DEVNULL, stdout=out,
                                          stderr=log if stderr is None else stderr, cwd=folder,
                                          env=dict(os.environ, **(env or {})),
                                          preexec_fn=stand_for_hardware if name == "aldsim" else die_with_parent)
        self.expected = {0}

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as f, \
                open(self.out_path, encoding="utf-8", errors="replace") as g:
            return f.read() + g.read()

    def end(self, how=signal.SIGTERM, timeout=PATIENCE_S):
        """Send a signal, wait for the end, return the exit status."""
        if self.child.poll() is None:
            self.child.send_signal(how)
        try:
            return self.child.wait(timeout)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
            raise AssertionError(f"{self.name} did not end within {timeout} s of signal {how}") from None


class Frame:
    """One Modbus TCP request: what it asks, and for writes what it writes."""

    def __init__(self, data, at):
        self.data, self.at = data, at
        self.tid, _, _, self.unit, self.function, self.address = struct.unpack(">HHHBBH", data[:10])
        self.values = []
        if self.function == 5:
            self.values = [1 if data[10:12] == b"\xff\x00" else 0]
        elif self.function == 6:
            self.values = [struct.unpack(">H", data[10:12])[0]]
        elif self.function == 15:
            count = struct.unpack(">H", data[10:12])[0]
            self.values = [data[13 + i // 8] >> (i % 8) & 1 for i in range(count)]
        elif self.function == 16:
            self.values = list(struct.unpack(f">{data[12] // 2}H", data[13:13 + data[12]]))
        self.replied_at = None

    def is_read(self):
        return self.function <= 4

    def writes_coil(self, unit, address, value):
        return (self.function in (5, 15) and self.unit == unit
                and self.address <= address < self.address + len(self.values)
                and self.values[address - self.address] == value)

    def __repr__(self):
        return (f"<unit {self.unit} function {self.function} address {self.address} values {self.values} "
                f"at {self.at:.4f}>")


def read_frame(sock):
    """One whole frame, or None at the end of the stream."""
    data = b""
    while len(data) < 6 or len(data) < 6 + struct.unpack(">H", data[4:6])[0]:
        want = 6 - len(data) if len(data) < 6 else 6 + struct.unpack(">H", data[4:6])[0] - len(data)
        try:
            more = sock.recv(want)
        except OSError:
            return None
        if not more:
            return None
        data += more
    return data


class Proxy:
    """Between aldd and aldsim: it sees every frame, and spoils those that a test wants spoiled.

    `spoil_reply(request, reply)` returns the bytes to pass on (b"" or None: nothing); it runs in the connection's
    thread and may sleep, which delays what follows as a slow device would.
    """

    def __init__(self, target):
        self.target = target
        self.spoil_reply = None
        self.frames = []
        self.changed = threading.Condition()
        self.connections = set()
        self.is_open = True
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=16)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        keep_time_alone()
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            if not self.is_open:
                client.close()
                continue
            try:
                server = socket.create_connection(self.target, timeout=5)
            except OSError:
                client.close()
                continue
            server.settimeout(None)
            for s in (client, server):
                s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            waiting = {}
            with self.changed:
                self.connections.add((client, server))
            threading.Thread(target=self.requests, args=(client, server, waiting), daemon=True).start()
            threading.Thread(target=self.replies, args=(client, server, waiting), daemon=True).start()

    def requests(self, client, server, waiting):
        keep_time_alone()
        while True:
            data = read_frame(client)
            if data is None:
                break
            frame = Frame(data, time.monotonic())
            waiting[frame.tid] = frame
            with self.changed:
                self.frames.append(frame)
                self.changed.notify_all()
            try:
                server.sendall(data)
            except OSError:
                break
        self.close_pair(client, server)

    def replies(self, client, server, waiting):
        keep_time_alone()
        while True:
            data = read_frame(server)
            if data is None:
                break
            frame = waiting.pop(struct.unpack(">H", data[:2])[0], None)
            spoil = self.spoil_reply
            if spoil and frame:
                data = spoil(frame, data)
            try:
                if data:
                    client.sendall(data)
            except OSError:
                break
            if frame:
                with self.changed:
                    frame.replied_at = time.monotonic()
                    self.changed.notify_all()
        self.close_pair(client, server)

    def close_pair(self, client, server):
        with self.changed:
            self.connections.discard((client, server))
            self.changed.notify_all()
        for s in (client, server):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            s.close()

    def drop(self, reopen=True):
        """Cut every connection; with reopen=False new ones are cut as well."""
        self.is_open = reopen
        with self.changed:
            pairs = list(self.connections)
        for pair in pairs:
            self.close_pair(*pair)

    def close(self):
        self.listener.close()
        self.drop(reopen=False)

    def await_frame(self, match, timeout=PATIENCE_S, after=0.0):
        """The first frame sent after `after` (monotonic s) that match(frame) accepts."""
        deadline = time.monotonic() + timeout
        seen = 0
        with self.changed:
            while True:
                for frame in self.frames[seen:]:
                    if frame.at > after and match(frame):
                        return frame
                seen = len(self.frames)
                if not self.changed.wait(max(0.0, deadline - time.monotonic())):
                    raise AssertionError(f"no such frame on the wire within {timeout} s")

    def await_coil(self, address, value, timeout=PATIENCE_S, after=0.0):
        return self.await_frame(lambda f: f.writes_coil(VALVES, address, value), timeout, after)

    def coil_writes(self, address):
        with self.changed:
            return [f for f in self.frames if f.writes_coil(VALVES, address, 0) or f.writes_coil(VALVES, address, 1)]

    def widths(self, address):
        """Seconds between each opening and the close that follows it, as seen on the wire."""
        found, opened = [], None
        for frame in self.coil_writes(address):
            if frame.writes_coil(VALVES, address, 1):
                opened = frame.at
            elif opened is not None:
                found.append(frame.at - opened)
                opened = None
        return found


class Wire:
    """A Modbus TCP client of the test's own: it looks at what the simulated tool's outputs really are."""

    def __init__(self, target):
        self.sock = socket.create_connection(target, timeout=PATIENCE_S)
        self.tid = 0

    def exchange(self, unit, function, address, count):
        self.tid = self.tid % 65535 + 1
        self.sock.sendall(struct.pack(">HHHBBHH", self.tid, 0, 6, unit, function, address, count))
        return read_frame(self.sock)

    def ask(self, unit, function, address, count):
        reply = self.exchange(unit, function, address, count)
        assert reply and reply[7] == function, f"unit {unit} function {function} address {address}: {reply!r}"
        return reply[9:]

    def coil(self, unit, address):
        """A module whose watchdog has expired shows no coil (exception 4); it has driven them to their safe values."""
        reply = self.exchange(unit, 1, address, 1)
        if unit == VALVES and reply and reply[7:] == b"\x81\x04":
            assert self.word(VALVES, 0x1006) == 2, "exception 4, and the watchdog has not expired"
            return int(address == EXHAUST)
        assert reply and reply[7] == 1, f"unit {unit} coil {address}: {reply!r}"
        return reply[9] & 1

    def word(self, unit, address, function=3):
        return struct.unpack(">H", self.ask(unit, function, address, 1)[:2])[0]

    def float32(self, unit, address, function=3, swapped=False):
        raw = self.ask(unit, function, address, 2)[:4]
        return struct.unpack(">f", raw[2:] + raw[:2] if swapped else raw)[0]

    def await_coil(self, address, value, timeout=PATIENCE_S):
        """Monotonic time at which the valve module's coil was first seen at `value` (asked every 5 ms: a register
        cannot be waited for)."""
        deadline = time.monotonic() + timeout
        while self.coil(VALVES, address) != value:
            if time.monotonic() > deadline:
                raise AssertionError(f"coil {address} is not {value} after {timeout} s")
            time.sleep(0.005)
        return time.monotonic()

    def is_safe(self):
        """All outputs at their safe values; what is not, in words."""
        wrong = []
        for name, value, safe in [
            ("nb.valve", self.coil(VALVES, NB), 0), ("water.valve", self.coil(VALVES, WATER), 0),
            ("vent.valve", self.coil(VALVES, VENT), 0), ("pump.run", self.coil(PLANT, 0), 1),
            ("bed.speed.setpoint", self.word(MOTOR, 0), 0),
        ] + [(f"heater set-point {i}", self.float32(HEAT, i, swapped=True), 0.0) for i in range(0, 10, 2)]:
            if value != safe:
                wrong.append(f"{name} is {value}, not {safe}")
        return wrong

    def close(self):
        self.sock.close()


class Refused(Exception):
    """A JSON-RPC error."""

    def __init__(self, error):
        super().__init__(error.get("message"))
        self.code, self.data = error.get("code"), error.get("data") or {}


class Client:
    """A client of the control socket."""

    def __init__(self, path):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(PATIENCE_S)
        self.sock.connect(path)
        self.buffer, self.next_id = b"", 0
        self.status, self.tags, self.events = {}, {}, []
        first = self.read()
        if "error" in first:
            self.sock.close()
            raise Refused(first["error"])
        self.hello = first["params"]

    def read(self, timeout=PATIENCE_S):
        """The next object; raises EOFError when the daemon closed the connection."""
        deadline = time.monotonic() + timeout
        while b"\n" not in self.buffer:
            self.sock.settimeout(max(0.01, deadline - time.monotonic()))
            more = self.sock.recv(65536)
            if not more:
                raise EOFError("the daemon closed the connection")
            self.buffer += more
        line, self.buffer = self.buffer.split(b"\n", 1)
        return json.loads(line)

    def send(self, raw):
        self.sock.sendall(raw)

    def call(self, method, **params):
        self.next_id += 1
        request = {"jsonrpc": "2.0", "id": self.next_id, "method": method, "params": params}
        self.send(json.dumps(request).encode() + b"\n")
        while True:
            answer = self.read()
            if "method" in answer:
                self.note(answer)
                continue
            if "error" in answer:
                raise Refused(answer["error"])
            return answer["result"]

    def note(self, answer):
        """Fold a notification into what is known."""
        params = answer["params"]
        if answer["method"] == "event":
            self.events.append(params)
        elif answer["method"] == "update":
            self.status.update(params.get("status", {}))
            for name, changed in params.get("tags", {}).items():
                self.tags[name].update(changed)

    def subscribe(self):
        full = self.call("subscribe")
        self.status, self.tags, self.events = full["status"], full["tags"], full["events"]

    def await_that(self, is_so, what, timeout=PATIENCE_S):
        """Read notifications until is_so()."""
        deadline = time.monotonic() + timeout
        while not is_so():
            left = deadline - time.monotonic()
            try:
                if left <= 0:
                    raise TimeoutError
                self.note(self.read(left))
            except TimeoutError:
                raise AssertionError(f"not {what} within {timeout} s; status: {self.status}") from None

    def await_state(self, *states, timeout=PATIENCE_S):
        self.await_that(lambda: self.status["state"] in states, f"in state {' or '.join(states)}", timeout)
        return self.status

    def await_tag(self, name, is_so, timeout=PATIENCE_S):
        self.await_that(lambda: is_so(self.tags[name]), f"as wanted: {name}", timeout)
        return self.tags[name]

    def close(self):
        self.sock.close()


class Test(unittest.TestCase):
    """A test with a folder, a simulated tool, proxies and a daemon, all gone afterwards."""

    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="ald-")
        self.programs, self.closers = [], []
        self.db_path = os.path.join(self.dir, "ald.db")
        self.socket_path = os.path.join(self.dir, "s")
        self.sim = self.daemon = self.valves = self.plant = None
        self.links = {}

    def tearDown(self):
        wrong = []
        # The daemon first: its orderly end is part of every test.
        for program in reversed(self.programs):
            try:
                status = program.end()
                if status not in program.expected:
                    wrong.append(f"{program.name} ended with {status}")
            except AssertionError as error:
                wrong.append(str(error))
        for close in self.closers:
            close()
        for program in self.programs:
            log = program.log()
            print(f"---- {program.name}\n{shortened(log)}")
            wrong += [f"{program.name}: {line}" for line in log.splitlines() if FINDING.search(line)][:3]
        shutil.rmtree(self.dir, ignore_errors=True)
        self.assertEqual([], wrong)

    # ---- programs ----

    def path(self, name, text=None):
        """A path in the test's folder; with a text, a file of it."""
        path = os.path.join(self.dir, name)
        if text is not None:
            with open(path, "wb") as f:
                f.write(text if isinstance(text, bytes) else text.encode())
        return path

    def start(self, name, args, env=None, stderr=None):
        program = Program(name, [os.path.join(BUILD, name)] + args, self.dir, env, stderr)
        self.programs.append(program)
        return program

    def start_sim(self, *args, tool=TOOL, stderr=None):
        """aldsim on a free port; its own words say which link is served where, and when it is ready."""
        sim = self.start("aldsim", ["-c", tool, "--listen", "127.0.0.1:0"] + list(args), stderr=stderr)
        self.sim = sim
        deadline = time.monotonic() + PATIENCE_S
        while "aldsim: ready" not in (text := sim.log()):
            if sim.child.poll() is not None or time.monotonic() > deadline:
                raise AssertionError("aldsim is not ready:\n" + text)
            time.sleep(0.01)  # a file cannot be waited for
        self.links = {m[1]: (m[2], int(m[3])) for m in
                      re.finditer(r"^aldsim: link (\S+) tcp://([\d.]+):(\d+)", text, re.M)}
        self.wire = Wire(self.links["plant"])
        self.closers.append(self.wire.close)
        return sim

    def start_proxies(self):
        """Put a proxy before each link."""
        self.valves, self.plant = Proxy(self.links["valves"]), Proxy(self.links["plant"])
        self.closers += [self.valves.close, self.plant.close]
        self.links = {"valves": ("127.0.0.1", self.valves.port), "plant": ("127.0.0.1", self.plant.port)}

    def daemon_args(self, tool=TOOL, db=None):
        args = ["-c", tool, "--socket", self.socket_path, "--db", db or self.db_path]
        for name, (host, port) in self.links.items():
            args += ["--link", f"{name}=tcp://{host}:{port}"]
        return args

    def start_daemon(self, tool=TOOL, db=None, stderr=None):
        """aldd, ready by its own word."""
        path = os.path.join(self.dir, "notify")
        if os.path.exists(path):
            os.unlink(path)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.bind(path)
            self.daemon = self.start("aldd", self.daemon_args(tool, db), {"NOTIFY_SOCKET": path}, stderr)
            deadline = time.monotonic() + PATIENCE_S
            notify.settimeout(0.2)
            while True:
                try:
                    if b"READY=1" in notify.recv(4096).splitlines():
                        return self.daemon
                except TimeoutError:
                    pass
                if self.daemon.child.poll() is not None or time.monotonic() > deadline:
                    raise AssertionError("aldd is not ready:\n" + self.daemon.log())

    def start_all(self, *sim_args, proxies=True):
        self.start_sim("--ready", *sim_args)
        if proxies:
            self.start_proxies()
        self.start_daemon()
        self.await_proof()

    def await_proof(self):
        """Until the watchdog's proof is over, or cannot be made. READY comes with its outcome, unless a busy machine left no time
        for it or broke it off: it is then made at rest, and what relies on the watchdog is refused until it has passed."""
        client = self.subscriber()
        client.await_that(lambda: client.status["state"] == "Aborted" or any(
            e["kind"] == "watchdog" and e["text"].startswith(("proven: ", "not proven: ")) for e in client.events), "proven")
        client.close()

    def client(self):
        client = Client(self.socket_path)
        self.closers.append(client.close)
        return client

    def ctl(self, *args, timeout=PATIENCE_S, env=None):
        """Run aldctl to its end."""
        return subprocess.run([os.path.join(BUILD, "aldctl"), *args], capture_output=True, encoding="utf-8",
                              errors="replace", timeout=timeout, cwd=self.dir, stdin=subprocess.DEVNULL,
                              env=dict(os.environ, ALD_SOCKET=self.socket_path, ALD_DB=self.db_path, **(env or {})))

    def run_recipe(self, *args, body=ONE_PULSE):
        """Start the short recipe; it must be accepted."""
        recipe = self.path("quick.yaml", QUICK.format(body=body))
        done = self.ctl("run", recipe, *args)
        # A proof of the watchdog that a busy machine broke off is repeated a second later. Not every tool has one: await_proof()
        # would wait for ever.
        deadline = time.monotonic() + PATIENCE_S
        while (done.returncode == 3 and re.search("is being proven|has not been proven yet", done.stdout + done.stderr)
               and time.monotonic() < deadline):
            time.sleep(0.2)
            done = self.ctl("run", recipe, *args)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)

    # ---- what is so ----

    def rows(self, sql, *args):
        """Rows of the run database as dictionaries."""
        db = sqlite3.connect(f"file:{self.db_path}?mode=ro", uri=True, timeout=5)
        try:
            db.row_factory = sqlite3.Row
            return [dict(row) for row in db.execute(sql, args)]
        finally:
            db.close()

    def await_rows(self, sql, n=1):
        """Until the record has so many: its writer commits in its own time, later than the socket tells. Each change of the status
        is a moment to look."""
        client = self.subscriber()
        client.await_that(lambda: len(self.rows(sql)) >= n, f"{n} rows of {sql}", timeout=60)
        client.close()

    def await_edge(self, tag, value, after, timeout=PATIENCE_S):
        """Monotonic time at which an output of the simulated tool became `value`, by its own log of edges: who looks at a coil may
        look late. aldsim was started with "--edges", self.path("edges")."""
        deadline = time.monotonic() + timeout
        while True:
            with open(self.path("edges"), encoding="utf-8") as f:
                lines = [line.split() for line in f if line.endswith("\n")]
            for name, to, at_us in lines:
                if name == tag and float(to) == value and int(at_us) / 1e6 > after:
                    return int(at_us) / 1e6
            if time.monotonic() > deadline:
                raise AssertionError(f"{tag} did not become {value} within {timeout} s: {lines}")
            time.sleep(0.005)  # a file cannot be waited for

    def subscriber(self):
        client = self.client()
        client.subscribe()
        return client

    def await_state(self, *states, timeout=PATIENCE_S):
        """Follow a subscription until the machine is in one of `states`; that status."""
        client = self.subscriber()
        try:
            return client.await_state(*states, timeout=timeout)
        finally:
            client.close()

    def stop_daemon(self):
        """An orderly end, so that the record is whole."""
        self.assertEqual(0, self.daemon.end())
