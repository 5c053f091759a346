"""What the tests of aldweb share: a browser of a few lines, a daemon that says what a test wants, and the program itself."""
import http.client
import json
import os
import re
import socket
import threading
import time

import ald


class Stream:
    """A browser's /api/live: events as they come, folded into a state."""

    def __init__(self, address, headers=None):
        self.link = http.client.HTTPConnection(*address, timeout=ald.PATIENCE_S)
        self.link.request("GET", "/api/live", headers=headers or {})
        self.answer = self.link.getresponse()
        self.state, self.lines = {}, []

    def read(self):
        """The next event: (name, data). EOFError when the server ends it."""
        name, data = "message", []
        while True:
            line = self.answer.readline()
            if not line:
                raise EOFError("the stream ended")
            line = line.rstrip(b"\n").decode()
            self.lines.append(line)
            if line == "" and data:
                return name, json.loads("\n".join(data))
            if line.startswith("event: "):
                name = line[7:]
            elif line.startswith("data: "):
                data.append(line[6:])

    def fold(self, name, data):
        if name == "full":
            self.state = data
        elif name == "update":
            self.state["status"].update(data.get("status", {}))
            for tag, changed in data.get("tags", {}).items():
                self.state["tags"][tag].update(changed)

    def await_event(self, *names, match=lambda data: True):
        """The data of the next event of such a name that matches; what comes before it is folded in."""
        deadline = time.monotonic() + ald.PATIENCE_S
        while time.monotonic() < deadline:
            name, data = self.read()
            self.fold(name, data)
            if name in names and match(data):
                return data
        raise AssertionError(f"no such event of {names} within {ald.PATIENCE_S} s")

    def await_state(self, *states):
        while self.state.get("status", {}).get("state") not in states:
            self.await_event("full", "update")

    def close(self):
        self.answer.close()
        self.link.close()


class Daemon:
    """Speaks as aldd does on its socket: answers what a viewer may ask, and tells what the test wants told."""

    def __init__(self, path):
        self.path, self.asked, self.clients, self.changed = path, [], [], threading.Condition()
        self.status, self.alarms, self.tags, self.tool = {"state": "Idle", "n": 0}, [], {}, None
        self.is_hung = False  # hears, and answers nothing
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(40)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            with self.changed:
                self.clients.append(client)
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        hello = {"program": "aldd", "version": "test", "protocol": 1, "tool": "test", "title": "", "db": self.path + ".db",
                 "user": "test", "role": "viewer"}
        self.send(client, {"method": "hello", "params": hello})
        for line in self.lines(client):
            request = json.loads(line)
            if self.is_hung:
                continue
            with self.changed:  # who sees it asked sees it answered
                answers = {"subscribe": {"time": "", "status": self.status, "tags": self.tags, "events": []},
                           "alarms": self.alarms}
                if self.tool is not None:
                    answers["tool"] = self.tool
                answer = {"id": request["id"]}
                if request["method"] in answers:
                    answer["result"] = answers[request["method"]]
                else:
                    answer["error"] = {"code": -32601, "message": "no such verb"}
                self.send(client, answer)
                self.asked.append(request["method"])
                self.changed.notify_all()

    @staticmethod
    def lines(client):
        try:
            yield from client.makefile("rb")
        except OSError:
            return

    def send(self, client, message):
        try:
            client.sendall(json.dumps(dict(message, jsonrpc="2.0")).encode() + b"\n")
        except OSError:
            pass

    def update(self, tags=None, **status):
        """Tell every client that the status changed, and tags."""
        with self.changed:
            self.status = dict(self.status, **status)
            for client in self.clients:
                self.send(client, {"method": "update", "params": {"time": "", "status": status, "tags": tags or {}}})

    def close(self):
        self.listener.close()
        with self.changed:
            for client in self.clients:
                try:
                    client.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
                client.close()
            self.clients = []
        if os.path.exists(self.path):
            os.unlink(self.path)


class Test(ald.Test):
    """A test with an aldweb."""

    def start_web(self, *args, env=None, listen="127.0.0.1:0"):
        """aldweb, ready by its own word; its address."""
        path = os.path.join(self.dir, "notify-web")
        if os.path.exists(path):
            os.unlink(path)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
            told.bind(path)
            told.settimeout(0.2)
            self.web = self.start("aldweb", ["--socket", self.socket_path, "--listen", listen, *args],
                                  dict(env or {}, NOTIFY_SOCKET=path))
            deadline = time.monotonic() + ald.PATIENCE_S
            while True:
                try:
                    if b"READY=1" in told.recv(4096).splitlines():
                        break
                except TimeoutError:
                    pass
                if self.web.child.poll() is not None or time.monotonic() > deadline:
                    raise AssertionError("aldweb is not ready:\n" + self.web.log())
        host, port = re.search(r"^aldweb: http://(\S+):(\d+)/$", self.web.log(), re.M).groups()
        self.address = (host.strip("[]"), int(port))
        return self.address

    def web_rss_kib(self):
        """The memory that aldweb itself has now."""
        with open(f"/proc/{self.web.child.pid}/status", encoding="ascii") as f:
            return int(re.search(r"VmRSS:\s+(\d+) kB", f.read())[1])

    def stream(self, **headers):
        stream = Stream(self.address, headers)
        self.closers.append(stream.close)
        return stream

    def ask(self, path, method="GET", headers=None, body=None):
        """(status, headers, body) of one request."""
        link = http.client.HTTPConnection(*self.address, timeout=ald.PATIENCE_S)
        try:
            link.request(method, path, headers=headers or {}, body=body)
            answer = link.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            link.close()

    def ask_json(self, path, status=200):
        found, headers, body = self.ask(path)
        self.assertEqual((status, "application/json"), (found, headers["Content-Type"]), body[:300])
        return json.loads(body)

    def refused(self, path, status, **more):
        """The text of an error; each has a text and a hint."""
        found, _, body = self.ask(path, **more)
        self.assertEqual(status, found, body[:300])
        error = json.loads(body)["error"]
        self.assertEqual({"text", "hint"}, set(error))
        return error["text"] + "; " + error["hint"]
