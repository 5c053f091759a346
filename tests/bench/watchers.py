"""Who looks on beside a daemon's own clients, until SIGTERM; what was seen is said then.

    watchers.py browsers HOST PORT COUNT      COUNT streams of aldweb, and one who reads costly pages without a pause
    watchers.py terminal PROGRAM ARGUMENT...  a program that draws on a terminal

Says "ready" when each stream has its first event, or the first picture is drawn. One that loses what it looks at ends."""
import fcntl
import http.client
import os
import pty
import selectors
import signal
import socket
import struct
import subprocess
import sys
import termios
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "system"))
import ald  # noqa: E402  die_with_parent

PATIENCE_S = 60.0
# Of the first run of a new record. The report of a run that goes on is made anew each time; nothing of it is kept.
PAGES = ["/run/1/report.html", "/api/run/1/pulses", "/api/trend?tag=chamber.pressure&run=1", "/api/overlay?run=1&precursor=nb"]
MARK = b"\ndata: "


class Ended(Exception):
    """SIGTERM."""


def on_signal(*_):
    raise Ended


# ---- Browsers ----

class Stream:
    """A browser's /api/live: its events are counted."""

    def __init__(self, host, port):
        self.sock = socket.create_connection((host, port), PATIENCE_S)
        self.sock.sendall(f"GET /api/live HTTP/1.1\r\nHost: {host}:{port}\r\nAccept: text/event-stream\r\n\r\n".encode())
        self.events, self.rest = 0, b""

    def look(self):
        """False: it is at its end."""
        data = self.sock.recv(1 << 16)
        text = self.rest + data
        self.events += text.count(MARK)
        self.rest = text[1 - len(MARK):]  # a mark may come in two parts
        return bool(data)


class Reader(threading.Thread):
    """Reads one page after another. Until the run has begun there is none."""

    def __init__(self, host, port):
        super().__init__(daemon=True)
        self.address, self.count, self.failed = (host, port), dict.fromkeys(PAGES, 0), 0

    def run(self):
        while True:
            for page in PAGES:
                if self.is_read(page):
                    self.count[page] += 1
                elif self.count[page] > 0:
                    self.failed += 1
                else:
                    time.sleep(0.1)

    def is_read(self, page):
        link = http.client.HTTPConnection(*self.address, timeout=PATIENCE_S)
        try:
            link.request("GET", page)
            answer = link.getresponse()
            return len(answer.read()) > 0 and answer.status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            link.close()


def browsers(host, port, count):
    streams = [Stream(host, int(port)) for _ in range(int(count))]
    reader = Reader(host, int(port))
    reader.start()
    selector = selectors.DefaultSelector()
    for s in streams:
        selector.register(s.sock, selectors.EVENT_READ, s)
    is_ready = False
    try:
        while True:
            for key, _ in selector.select():
                if not key.data.look():
                    print(f"a stream ended after {key.data.events} events", flush=True)
                    return 1
            if not is_ready and all(s.events for s in streams):
                is_ready = True
                print("ready", flush=True)
    except Ended:
        print(f"events {min(s.events for s in streams)}\npages {min(reader.count.values())}\nfailed {reader.failed}", flush=True)
    return 0


# ---- A terminal ----

def take_terminal():
    ald.die_with_parent()
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def terminal(*args):
    """Counted are the seconds in which something was drawn."""
    master, slave = pty.openpty()
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    child = subprocess.Popen(args, stdin=slave, stdout=slave, stderr=slave, preexec_fn=take_terminal,
                             env=dict(os.environ, TERM="xterm", LC_ALL="C.UTF-8"))
    os.close(slave)
    seconds, begin = set(), b""
    try:
        while True:
            data = os.read(master, 1 << 16)
            seconds.add(int(time.monotonic()))
            if len(begin) < 10000:
                begin += data
                if b"chamber.pressure" in begin:
                    begin = bytes(10000)
                    print("ready", flush=True)
    except OSError:
        print(f"it ended with status {child.wait()}: {begin[-500:]!r}", flush=True)
        return 1
    except Ended:
        print(f"drawn {len(seconds)}", flush=True)
        child.terminate()
        child.wait()
    return 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, on_signal)
    sys.exit({"browsers": browsers, "terminal": terminal}[sys.argv[1]](*sys.argv[2:]))
