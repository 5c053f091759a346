"""aldweb: what it serves, whom it refuses, how it follows the daemon, and that no browser can slow anything."""
import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import threading
import time
import unittest

import ald
import web

EVIL = "http://evil.example"
FULL = {"hello", "status", "tags", "events", "alarms", "tool", "time", "heard_s"}


class Files(web.Test):
    """Without a daemon: the page, its parts, and everything that is refused."""

    def setUp(self):
        super().setUp()
        self.start_web()

    def test_the_page_and_its_parts(self):
        folder = os.path.join(ald.TOP, "src", "app", "web")
        for name in os.listdir(folder):
            with open(os.path.join(folder, name), "rb") as f:
                wanted = f.read()
            status, headers, body = self.ask("/" + name)
            self.assertEqual((200, wanted), (status, body), name)
            self.assertEqual("nosniff", headers["X-Content-Type-Options"])
            self.assertEqual("no-cache", headers["Cache-Control"])
            self.assertNotIn("script-src 'unsafe-inline'", headers["Content-Security-Policy"])
            self.assertIn("default-src 'none'", headers["Content-Security-Policy"])
            self.assertEqual("no-referrer", headers["Referrer-Policy"])
            self.assertEqual((304, b""), self.ask("/" + name, headers={"If-None-Match": headers["ETag"]})[::2])
            self.assertEqual(200, self.ask("/" + name, headers={"If-None-Match": '"other"'})[0])
            status, head, body = self.ask("/" + name, "HEAD")
            self.assertEqual((200, b"", str(len(wanted))), (status, body, head["Content-Length"]))
        self.assertEqual(self.ask("/index.html")[2], self.ask("/")[2])

    def test_the_charts(self):
        folder = self.path("charts")
        self.assertIn("libjs-dygraphs", self.refused("/lib/other.js", 404))
        self.assertIn("libjs-dygraphs", self.refused("/lib/../index.html", 404))
        self.assertEqual(0, self.web.end())
        self.start_web(env={"ALD_JAVASCRIPT": folder})
        self.assertIn("ALD_JAVASCRIPT", self.refused("/lib/dygraph.min.js", 404))
        os.mkdir(folder)
        for name, kind in (("dygraph.min.js", "text/javascript"), ("dygraph.min.css", "text/css")):
            with open(os.path.join(folder, name), "w", encoding="utf-8") as f:
                f.write("/* " + name + " */")
            status, headers, body = self.ask("/lib/" + name)
            self.assertEqual((200, "/* " + name + " */"), (status, body.decode()))
            self.assertEqual(kind + "; charset=utf-8", headers["Content-Type"])

    def test_only_reading(self):
        for method in ("POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"):
            for path in ("/", "/api/live", "/api/runs", "/nothing"):
                status, headers, _ = self.ask(path, method)
                self.assertEqual((405, "GET, HEAD"), (status, headers["Allow"]), f"{method} {path}")
        self.assertIn("only reads", self.refused("/api/runs", 405, method="POST", body='{"method": "abort"}'))
        self.assertEqual(413, self.ask("/", "POST", body="x" * 10000)[0])

    def test_foreign_names(self):
        port = self.address[1]
        for host in (f"localhost:{port}", f"127.0.0.1:{port}", f"[::1]:{port}", "localhost:9999", "localhost"):
            self.assertEqual(200, self.ask("/", headers={"Host": host})[0], host)
        for host in ("evil.example", f"evil.example:{port}", f"localhost.evil.example:{port}", "", "192.0.2.1"):
            for path in ("/", "/api/live", "/api/runs"):
                self.assertIn("Host", self.refused(path, 403, headers={"Host": host}), host)
        own = {"Host": f"localhost:{port}"}
        self.assertEqual(200, self.ask("/", headers=dict(own, Origin=f"http://localhost:{port}"))[0])
        for origin in (EVIL, "null", f"http://localhost:{port + 1}", f"https://evil.example:{port}"):
            self.assertIn("another site", self.refused("/api/live", 403, headers=dict(own, Origin=origin)), origin)
        elsewhere = dict(own, **{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"})
        self.assertIn("another site", self.refused("/api/runs", 403, headers=elsewhere))
        self.assertEqual(200, self.ask("/", headers=dict(elsewhere, **{"Sec-Fetch-Mode": "navigate"}))[0])

    def test_names_that_are_told(self):
        self.assertEqual(0, self.web.end())
        self.start_web("--allow-host", "lab.example", "--allow-host", "proxy.example:8443")
        for host, status in (("lab.example", 200), ("lab.example:80", 200), ("proxy.example:8443", 200),
                             ("proxy.example", 403), ("other.example", 403), ("localhost", 200)):
            self.assertEqual(status, self.ask("/", headers={"Host": host})[0], host)
        self.assertEqual(200, self.ask("/", headers={"Host": "localhost", "Origin": "https://lab.example"})[0])

    def test_paths_are_a_table(self):
        for path in ("/nothing", "/../etc/passwd", "/..%2f..%2fetc/passwd", "/%2e%2e/index.html", "//index.html",
                     "/web/index.html", "/index.html/", "/lib/", "/lib", "/lib/../../etc/passwd", "/lib//etc/passwd", "/api",
                     "/api/", "/api/run/", "/api/run/1/", "/api/run/x", "/api/run/-1", "/api/run/0", "/run/1/report.htm",
                     "/run//report.html", "/run/1/../2/report.html", "/api/live/", "/api/run/" + "9" * 30, "/" + "a" * 2000):
            self.assertEqual(404, self.ask(path)[0], path)

    def raw(self, text):
        """What comes back for bytes that no library would send."""
        with socket.create_connection(self.address, ald.PATIENCE_S) as link:
            link.sendall(text)
            link.shutdown(socket.SHUT_WR)
            found = b""
            while more := link.recv(65536):
                found += more
        return found

    def test_what_is_no_request(self):
        own = b"Host: localhost\r\n"
        for text in (b"GET http://evil.example/ HTTP/1.1\r\n" + own + b"\r\n", b"GET / HTTP/1.1\r\n" + own * 2 + b"\r\n",
                     b"GET index.html HTTP/1.1\r\n" + own + b"\r\n",
                     b"GET / HTTP/1.1\r\n" + own + b"Origin: http://localhost\r\n" * 2 + b"\r\n"):
            self.assertRegex(self.raw(text), rb"^HTTP/1\.[01] 400 ", text)
        self.assertRegex(self.raw(b"GET / HTTP/1.0\r\n\r\n"), rb"^HTTP/1\.[01] 403 ")
        long = b"GET / HTTP/1.1\r\n" + own + b"X: " + b"x" * 20000 + b"\r\n\r\n"
        self.assertNotRegex(self.raw(long), rb"^HTTP/1\.[01] 200")
        self.raw(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc" + bytes(range(256)))
        self.raw(b"GET /" + b"%00" * 50 + b" HTTP/1.1\r\n\r\n")
        self.raw(b"\r\n" * 1000)
        self.assertEqual(200, self.ask("/")[0])

    def test_no_daemon(self):
        stream = self.stream()
        self.assertIn(self.socket_path, stream.await_event("lost")["why"])
        self.assertIn("--db", self.refused("/api/runs", 503))
        self.assertEqual("5", self.ask("/api/runs")[1]["Retry-After"])

    def test_too_many_watch(self):
        streams = [self.stream() for _ in range(32)]
        for stream in streams:
            stream.await_event("lost")
        status, headers, body = self.ask("/api/live")
        self.assertEqual((503, "5"), (status, headers["Retry-After"]))
        self.assertIn("too many", json.loads(body)["error"]["text"])
        self.assertEqual(200, self.ask("/")[0])
        # A browser that goes makes room. That it went shows with what is written next: here, a daemon.
        streams[0].answer.close()
        streams[0].link.close()
        daemon = web.Daemon(self.socket_path)
        self.closers.append(daemon.close)
        streams[1].await_event("full")
        daemon.update(n=1)
        deadline = time.monotonic() + ald.PATIENCE_S
        while self.ask("/api/live", "HEAD")[0] == 200:  # let its connection be written to
            stream = self.stream()
            if stream.answer.status == 200:
                break
            self.assertLess(time.monotonic(), deadline)

    def test_idle_connections_do_not_shut_others_out_for_ever(self):
        """More connections than it takes: what it has open stays bounded, and who was there first is served."""
        first = self.stream()
        first.await_event("lost")
        idle = []
        for _ in range(250):
            link = socket.socket()
            link.setblocking(False)
            link.connect_ex(self.address)
            idle.append(link)
        self.closers += [link.close for link in idle]
        daemon = web.Daemon(self.socket_path)
        self.closers.append(daemon.close)
        first.await_event("full")
        self.assertLess(len(os.listdir(f"/proc/{self.web.child.pid}/fd")), 180)
        for link in idle:
            link.close()
        self.assertEqual(200, self.ask("/")[0])

    def test_signals_end_it(self):
        streams = [self.stream() for _ in range(3)]
        for stream in streams:
            stream.await_event("lost")
        self.assertEqual(0, self.web.end(signal.SIGINT))
        for stream in streams:
            with self.assertRaises((EOFError, OSError, ValueError)):
                while True:
                    stream.read()


class Listening(web.Test):
    def run_web(self, *args):
        return subprocess.run([os.path.join(ald.BUILD, "aldweb"), *args], capture_output=True, encoding="utf-8",
                              timeout=ald.PATIENCE_S, check=False, cwd=self.dir)

    def test_what_it_says(self):
        done = self.run_web("--help")
        self.assertEqual(0, done.returncode)
        for word in ("--listen", "--allow-host", "--socket", "--db", "--version", "--help", "ALD_JAVASCRIPT"):
            self.assertIn(word, done.stdout)
        lines = done.stdout.splitlines()
        self.assertLessEqual(len(lines), 24)
        self.assertLessEqual(max(map(len, lines)), 80)
        self.assertRegex(self.run_web("--version").stdout, r"^aldweb \S+\n$")

    def test_what_it_does_not_take(self):
        for args in (["x"], ["--lisen", "x"], ["--listen", "8070"], ["--listen", "localhost"], ["--listen", "h:99999"],
                     ["--listen", "http://localhost:80"], ["--allow-host", "http://lab"], ["--allow-host", ""],
                     ["--listen", "127.0.0.1:0"] * 5):
            done = self.run_web(*args)
            self.assertEqual(2, done.returncode, args)
            self.assertIn("aldweb --help", done.stderr)

    def test_an_address_in_use(self):
        self.start_web()
        done = self.run_web("--listen", "%s:%d" % self.address, "--socket", self.socket_path)
        self.assertEqual(1, done.returncode)
        self.assertIn("ddress already in use", done.stderr)
        self.assertIn("ss -ltnp", done.stderr)
        self.assertIn(str(self.address[1]), done.stderr)
        done = self.run_web("--listen", "192.0.2.1:8070")
        self.assertEqual(1, done.returncode)
        self.assertIn("no address of this machine", done.stderr)

    def test_all_addresses_are_no_name(self):
        """Who listens at all of them is asked for by a name of this machine, not by the word for all."""
        for listen in ("0.0.0.0:0", "0:0"):
            host, port = self.start_web(listen=listen)
            self.assertEqual("localhost", host)
            self.address = ("127.0.0.1", port)
            self.assertEqual(200, self.ask("/")[0])
            for name in (listen[:-2], "0.0.0.0", f"0.0.0.0:{port}", "[::]"):
                self.assertIn("Host", self.refused("/", 403, headers={"Host": name}), name)
            self.assertEqual(0, self.web.end())

    @unittest.skipUnless(os.path.exists("/proc/net/if_inet6") and "00000000000000000000000000000001" in
                         open("/proc/net/if_inet6", encoding="ascii").read(), "no IPv6 here")
    def test_the_other_loopback(self):
        self.start_web(listen="[::1]:0")
        self.assertEqual(200, self.ask("/")[0])
        self.assertEqual(0, self.web.end())
        self.address = ("::1", self.start_web(listen="[::]:0")[1])
        self.assertEqual(200, self.ask("/")[0])
        for name in ("[::]", f"[::]:{self.address[1]}"):
            self.assertIn("Host", self.refused("/", 403, headers={"Host": name}), name)


class Watching(web.Test):
    """A daemon that says what the test wants."""

    def setUp(self):
        super().setUp()
        self.fake = web.Daemon(self.socket_path)
        self.closers.append(lambda: self.fake.close())
        self.start_web()

    def test_one_subscription_serves_all(self):
        streams = [self.stream() for _ in range(20)]
        for stream in streams:
            stream.await_event("full")
        self.fake.update(n=7)
        for stream in streams:
            self.assertEqual({"n": 7}, stream.await_event("update")["status"])
        self.assertEqual(1, len(self.fake.clients))
        self.assertLessEqual(set(self.fake.asked), {"subscribe", "alarms", "tool"})
        self.assertEqual(1, self.fake.asked.count("subscribe"))

    def test_nothing_of_a_browser_reaches_the_socket(self):
        self.stream(**{"Last-Event-ID": '7\\n{"method":"abort"}'}).await_event("full")
        for path in ("/api/abort", "/api/runs?method=abort", "/abort"):
            self.ask(path)
            self.ask(path, "POST", body='{"jsonrpc":"2.0","id":1,"method":"abort"}\n')
        self.fake.update(n=1)
        self.assertLessEqual(set(self.fake.asked), {"subscribe", "alarms", "tool"})

    def test_a_reader_that_does_not_read(self):
        """It gets what its connection holds, then nothing; when it reads on, the state as it is then. Others go on."""
        slow = socket.socket()
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.settimeout(ald.PATIENCE_S)
        slow.connect(self.address)
        self.closers.append(slow.close)
        slow.sendall(b"GET /api/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
        self.assertIn(b"200 OK", slow.recv(64))
        quick = self.stream()
        quick.await_event("full")
        size, last, received = 8192, 400, 0
        for n in range(1, last + 1):
            self.fake.update(n=n, text="x" * size)
            self.assertEqual(n, quick.await_event("update")["status"]["n"])
        found = b""
        marker = b'event: full'
        while found.count(marker) < 2:
            more = slow.recv(65536)
            self.assertTrue(more, "ended before it was told the state")
            received += len(more)
            found = found + more
        while b'"n":%d' % last not in found[found.rindex(marker):]:
            found += slow.recv(65536)
        self.assertLess(received, last * size // 4)

    def test_a_watcher_that_talks(self):
        """What it sends is left in its own socket, and it is told all the same."""
        talker = socket.create_connection(self.address, ald.PATIENCE_S)
        self.closers.append(talker.close)
        talker.sendall(b"GET /api/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
        found = b""
        while b"event: full" not in found:
            found += talker.recv(65536)
        talker.setblocking(False)
        before, sent, waits = self.web_rss_kib(), 0, 0
        while sent < 64 << 20 and waits < 50:
            try:
                sent += talker.send(b"x" * (256 << 10))
            except BlockingIOError:
                waits += 1
                self.assertEqual(200, self.ask("/")[0])  # aldweb came by, and could have read
        self.assertLess(self.web_rss_kib() - before, 8 << 10, f"after {sent >> 20} MiB")
        talker.settimeout(ald.PATIENCE_S)
        self.fake.update(n=12345)
        while b'"n":12345' not in found:
            more = talker.recv(65536)
            self.assertTrue(more)
            found = found[-100:] + more

    def test_the_daemon_goes_and_comes(self):
        stream = self.stream()
        self.assertEqual("Idle", stream.await_event("full")["status"]["state"])
        self.fake.close()
        stream.await_event("lost")
        late = self.stream()
        late.await_event("lost")
        self.fake = web.Daemon(self.socket_path)
        self.fake.update(n=5)
        for one in (stream, late):
            full = one.await_event("full")
            self.assertEqual(FULL, set(full))
            self.assertIsNone(full["tool"])

    def test_a_daemon_that_hangs(self):
        """Connected, and silent: told within seconds, and until then how old the values are."""
        stream = self.stream()
        self.assertLess(stream.await_event("full")["heard_s"], 5)
        stream.await_event("beat")  # quiet, and there
        self.fake.is_hung = True
        since, heard_s = time.monotonic(), 0
        while heard_s < 0.2:
            late = self.stream()
            heard_s = late.await_event("full")["heard_s"]
            late.close()
        self.assertLessEqual(heard_s, time.monotonic() - since + 5)
        self.assertIn("does not answer", stream.await_event("lost")["why"])
        self.assertLess(time.monotonic() - since, 9)  # two looks, 2 s apart
        self.fake.is_hung = False
        stream.await_event("full")

    def test_alarms_are_told_when_they_change(self):
        """Not when they only get older."""
        stream, told = self.stream(), []
        stream.await_event("full")
        for n, alarms in enumerate([[{"id": "x", "age_s": 1}], [{"id": "x", "age_s": 2}], [{"id": "y", "age_s": 3}]], 1):
            with self.fake.changed:
                before = self.fake.asked.count("alarms")
                self.fake.alarms = alarms
            self.fake.update(alarms_shown=n)
            with self.fake.changed:
                self.assertTrue(self.fake.changed.wait_for(lambda: self.fake.asked.count("alarms") > before,
                                                           ald.PATIENCE_S))
        while not told or told[-1]["id"] != "y":
            told += stream.await_event("alarms")
        self.assertEqual([("x", 1), ("y", 3)], [(alarm["id"], alarm["age_s"]) for alarm in told])

    def test_what_is_no_daemon(self):
        stream = self.stream()
        stream.await_event("full")
        for line in (b"\xff\xfe\n", b"[]\n", b"7\n", b'{"jsonrpc": "2.0", "id": 7, "result": {}}\n',
                     b'{"jsonrpc":"2.0","id":null,"error":{"code":-32000,"message":"too slow"}}\n',
                     b'{"method":"hello","params":{"protocol":99}}\n', b'{"method":"update","params":{"status":7}}\n',
                     b'{"method":"update","params":{"tags":{"x":3}}}\n', b"x" * 600000):
            with self.fake.changed:
                for client in self.fake.clients:
                    try:
                        client.sendall(line)
                    except OSError:
                        pass
            stream.await_event("lost")
            stream.await_event("full")
        for line in (b'{"method":"update","params":7}\n', b'{"method":"event","params":"x"}\n',
                     b'{"method":"other","params":{}}\n'):
            with self.fake.changed:
                self.fake.clients[-1].sendall(line)
        self.fake.update(n=9)
        stream.await_event("update", match=lambda data: data.get("status", {}) == {"n": 9})


class Live(web.Test):
    """The real daemon and the simulated tool."""

    def setUp(self):
        super().setUp()
        self.start_all(proxies=False)

    def test_a_run_and_its_record(self):
        plot = self.path("gnuplot", f"#!/bin/sh\necho one >>{self.dir}/plots\nexec gnuplot \"$@\"\n")
        os.chmod(plot, 0o755)
        self.start_web(env={"ALD_GNUPLOT": plot})
        stream = self.stream()
        full = stream.await_event("full")
        self.assertEqual("rotary-ald", full["hello"]["tool"])
        self.assertEqual(FULL, set(full))
        self.assertEqual("Torr", full["tags"]["chamber.pressure"]["unit"])
        self.assertIn("nb", [one["name"] for one in full["tool"]["equipment"]])
        self.run_recipe("--set", "cycles=2", "--set", "nb_pulse=500 ms", "--set", "purge=2 s")
        stream.await_event("event", match=lambda e: e["run"] == 1)
        stream.await_state("Execute")
        # The socket tells of a state before the record has it on disk.
        self.await_rows("SELECT id FROM run")
        self.assertEqual(200, self.ask("/run/1/report.html")[0])  # of a run under way
        stream.await_state("Complete")
        self.await_rows("SELECT id FROM run WHERE state = 'Complete'")
        self.check_runs()
        self.check_trend()
        self.check_overlay()
        self.stop_daemon()
        self.move_end("+ 60000000")  # a slow machine takes longer than a run counts as one of just now
        self.check_report()
        self.check_what_is_kept()

    def check_runs(self):
        runs = self.ask_json("/api/runs?limit=5")["runs"]
        self.assertEqual([1], [run["id"] for run in runs])
        self.assertEqual({"id", "recipe", "state", "reason", "operator", "started", "ended", "cycles"}, set(runs[0]))
        self.assertEqual(("quick", "Complete", 2), (runs[0]["recipe"], runs[0]["state"], runs[0]["cycles"]))
        self.assertRegex(runs[0]["ended"], r"^\d{4}-\d\d-\d\dT[\d:.]+Z$")
        self.assertEqual([], self.ask_json("/api/runs?before=1")["runs"])
        self.assertEqual(runs, self.ask_json("/api/runs?before=2")["runs"])
        run = self.ask_json("/api/run/1")
        self.assertLessEqual(set(runs[0]), set(run))
        self.assertEqual({"cycles": "2", "nb_pulse": "500 ms", "purge": "2 s"}, run["parameters"])
        with open(self.path("quick.yaml"), encoding="utf-8") as f:
            text = f.read()
        self.assertEqual(text, run["recipe_text"])
        self.assertIn("pulse: nb", text.splitlines()[run["source_line"] - 1])
        self.assertIn("no run 7", self.refused("/api/run/7", 404))
        pulses = self.ask_json("/api/run/1/pulses")["pulses"]
        self.assertEqual([(2, "nb"), (1, "nb")], [(pulse["cycle"], pulse["precursor"]) for pulse in pulses])
        self.assertTrue(all(run["started"] < pulse["opened"] < run["ended"] for pulse in pulses))
        self.assertTrue(all(abs(pulse["width_s"] - 0.5) < 0.1 for pulse in pulses))
        self.assertIn("no run 7", self.refused("/api/run/7/pulses", 404))
        self.assertIn("known here: limit, before", self.refused("/api/runs?x=1", 400))

    def check_trend(self):
        trend = self.ask_json("/api/trend?tag=chamber.pressure&run=1&points=50")
        self.assertEqual(("chamber.pressure", "Torr"), (trend["tag"], trend["unit"]))
        self.assertTrue(2 <= len(trend["points"]) <= 50)
        row = self.rows("SELECT started_us, ended_us FROM run")[0]
        for t_ms, low, high, mean in trend["points"]:
            self.assertTrue(row["started_us"] // 1000 - 1 <= t_ms <= row["ended_us"] // 1000 + 1)
            self.assertTrue(low <= mean + 1e-6 and mean <= high + 1e-6 and 0.5 < mean < 5, (low, mean, high))
        from_ms, to_ms = trend["points"][0][0], trend["points"][-1][0]
        part = self.ask_json(f"/api/trend?tag=chamber.pressure&from={from_ms}&to={(from_ms + to_ms) // 2}")
        self.assertLess(part["points"][-1][0], to_ms)
        self.assertIn("no.such", self.refused("/api/trend?tag=no.such", 404))
        self.assertIn("before", self.refused("/api/trend?tag=chamber.pressure&from=9&to=8", 400))

    def check_overlay(self):
        overlay = self.ask_json("/api/overlay?run=1&precursor=nb&last=5")
        self.assertEqual(("chamber.pressure", "Torr"), (overlay["tag"], overlay["unit"]))
        self.assertEqual([1, 2], [pulse["cycle"] for pulse in overlay["pulses"]])
        for pulse in overlay["pulses"]:
            self.assertAlmostEqual(0.5, pulse["width_s"], delta=0.2)
            self.assertTrue(all(-1.01 < s < 7.6 for s, _ in pulse["points"]))
            self.assertGreater(len(pulse["points"]), 5)
        self.assertEqual([2], [p["cycle"] for p in self.ask_json("/api/overlay?run=1&precursor=nb&last=1")["pulses"]])
        self.assertEqual([], self.ask_json("/api/overlay?run=1&precursor=water")["pulses"])
        self.assertIn("no precursor", self.refused("/api/overlay?run=1&precursor=gold", 404))

    def check_report(self):
        status, headers, page = self.ask("/run/1/report.html")
        self.assertEqual((200, "text/html; charset=utf-8"), (status, headers["Content-Type"]))
        self.assertIn("style-src 'unsafe-inline'", headers["Content-Security-Policy"])
        self.assertNotIn("script-src", headers["Content-Security-Policy"])
        written = self.path("r.html")
        self.assertEqual(0, self.ctl("report", "1", "-o", written).returncode)
        with open(written, "rb") as f:
            same = f.read()
        made = re.compile(rb"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")  # both name the time when they were made
        self.assertEqual(made.sub(b"", same), made.sub(b"", page))
        self.assertIn("no run 9", self.refused("/run/9/report.html", 404))

    def plots(self):
        with open(self.path("plots"), encoding="utf-8") as f:
            return len(f.readlines())

    def move_end(self, by):
        """Move the end of the run in the record, where nobody writes any more."""
        with sqlite3.connect(self.db_path) as db:
            db.execute(f"UPDATE run SET ended_us = ended_us {by}")
        db.close()

    def check_what_is_kept(self):
        """The page of a run that ended a while ago is made once; one of just now may lack its last samples."""
        self.ask("/run/1/report.html")
        before = self.plots()
        self.assertEqual(200, self.ask("/run/1/report.html")[0])
        self.assertGreater(self.plots(), before)
        self.move_end("- 120000000")  # a minute before it was
        (_, headers, page), before = self.ask("/run/1/report.html"), self.plots()
        self.assertEqual(page, self.ask("/run/1/report.html")[2])
        self.assertEqual(304, self.ask("/run/1/report.html", headers={"If-None-Match": headers["ETag"]})[0])
        self.assertEqual(before, self.plots())

    def test_twenty_browsers_are_one_client(self):
        """The daemon lets one user have 8 connections: with aldweb's one, 7 are left whatever number watches."""
        self.start_web()
        streams = [self.stream() for _ in range(20)]
        for stream in streams:
            stream.await_event("full")
        clients = [self.client() for _ in range(7)]
        self.assertEqual("Stopped", clients[0].call("status")["state"])
        with self.assertRaises(ald.Refused):
            self.client()
        for client in clients:
            client.close()

    def test_the_daemon_is_started_anew(self):
        self.start_web()
        stream = self.stream()
        stream.await_event("full")
        self.stop_daemon()
        stream.await_event("lost")
        self.start_daemon()
        stream.await_event("full")
        stream.await_state("Stopped")

    def test_a_report_holds_up_nobody(self):
        """A gnuplot that never ends: the page waits, all else goes on, one report at a time, and a signal still ends it."""
        plot = self.path("gnuplot", f"#!/bin/sh\necho one >>{self.dir}/plots\nexec sleep 1000\n")
        os.chmod(plot, 0o755)
        self.run_recipe("--set", "cycles=1", "--set", "purge=2 s")
        self.await_state("Complete", timeout=60)
        self.start_web(env={"ALD_GNUPLOT": plot})
        waiting = [threading.Thread(target=self.try_report) for _ in range(3)]
        for one in waiting:
            one.start()
        deadline = time.monotonic() + ald.PATIENCE_S
        while not os.path.exists(self.path("plots")):
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.01)
        stream = self.stream()
        stream.await_event("full")
        stream.await_event("update")
        self.assertEqual(1, len(self.ask_json("/api/runs")["runs"]))
        self.assertEqual(0, self.web.end())
        for one in waiting:
            one.join()
        with open(self.path("plots"), encoding="utf-8") as f:
            self.assertEqual(1, len(f.readlines()))

    def slow_reader(self, path):
        """A reader that takes what its connection holds, and the first bytes of the answer, which it has begun to get."""
        link = socket.socket()
        link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        link.settimeout(ald.PATIENCE_S)
        link.connect(self.address)
        self.closers.append(link.close)
        link.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        return link, link.recv(512)

    def read_on(self, link, found):
        """The body that it gets in the end."""
        link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        while more := link.recv(1 << 20):
            found += more
        head, _, body = found.partition(b"\r\n\r\n")
        self.assertRegex(head, rb"^HTTP/1\.1 200 ")
        return body

    def kernel_queues(self):
        """Bytes that wait in the kernel for those who read from aldweb."""
        with open("/proc/net/tcp", encoding="ascii") as f:
            rows = [line.split() for line in f.readlines()[1:]]
        return [int(row[4].split(":")[0], 16) for row in rows
                if row[1].endswith(f":{self.address[1]:04X}") and row[3] == "01"]

    def test_slow_readers_share_one_report(self):
        """What slow readers of one large report hold is one copy of it, in the program and, nearly, in the kernel."""
        size, count, path = 1 << 20, 40, "/run/1/report.html"
        plot = self.path("gnuplot", f"#!/bin/sh\ncat >/dev/null\necho '<svg>'\nhead -c {size} /dev/zero | tr '\\0' x\n"
                         "echo '</svg>'\n")
        os.chmod(plot, 0o755)
        self.run_recipe("--set", "cycles=1", "--set", "purge=2 s")
        self.await_state("Complete", timeout=60)
        self.stop_daemon()
        self.start_web("--db", self.db_path, env={"ALD_GNUPLOT": plot})
        fresh = self.slow_reader(path)  # its page is not kept: the run ended just now
        with sqlite3.connect(self.db_path) as db:
            db.execute("UPDATE run SET ended_us = ended_us - 60000000")
        db.close()
        page = self.ask(path)[2]
        self.assertGreater(len(page), size)
        before = self.web_rss_kib()
        readers = [self.slow_reader(path) for _ in range(count)]
        self.assertEqual(page, self.ask(path)[2])
        grown = self.web_rss_kib() - before
        queues = self.kernel_queues()
        self.assertGreater(len(queues), count)
        self.assertLess(max(queues), 256 << 10, "bytes that wait in the kernel for one reader")
        copies = 10 if ald.SANITIZED else 2  # a sanitizer holds back what is freed
        self.assertLess(grown, copies * len(page) >> 10, f"KiB more for {count} readers of {len(page) >> 10} KiB")
        body = self.read_on(*fresh)
        self.assertIn(b"Content-Length: %d\r\n" % len(body), fresh[1])
        for link, _ in readers[1:]:
            link.close()
        self.assertEqual(page, self.read_on(*readers[0]))

    def try_report(self):
        try:
            self.ask("/run/1/report.html")
        except OSError:
            pass
        except Exception as error:  # http.client has several words for a connection that ended
            self.assertIn("Remote end closed", str(error))


if __name__ == "__main__":
    unittest.main()
