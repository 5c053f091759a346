"""Whatever bytes a client sends: a clear error or a closed connection, and no effect on the run."""
import json
import os
import socket
import time
import unittest

import ald


class Abuse(ald.Test):
    def setUp(self):
        super().setUp()
        self.start_all()

    def answer(self, raw):
        """What the daemon says to these bytes: an object, or None when it closed the connection."""
        client = self.client()
        try:
            client.send(raw)
            return client.read()
        except (EOFError, ConnectionError):
            return None
        finally:
            client.close()

    def refused(self, raw, *words, may_close=False):
        answer = self.answer(raw)
        if answer is None:
            self.assertTrue(may_close, raw[:80])
            return
        self.assertIn("error", answer, raw[:80])
        self.assertTrue(answer["error"]["message"])
        for word in words:
            self.assertIn(word, json.dumps(answer["error"]))

    def abuse(self):
        for raw in (b"\n", b"{}\n", b"[]\n", b"null\n", b"[1,2]\n", b"garbage\n", b"\0\xff\xfe\n",
                    b'{"jsonrpc":"2.0"}\n', b"[" * 1000 + b"\n", b'{"a":' * 40 + b"1" + b"}" * 40 + b"\n",
                    b'{"jsonrpc":"2.0","id":1,"method":7}\n', b'{"jsonrpc":"1.0","id":1,"method":"status"}\n',
                    b'{"jsonrpc":"2.0","id":{},"method":"status"}\n'):
            self.refused(raw, may_close=True)
        self.refused(b'{"jsonrpc":"2.0","id":1,"method":"abrot","params":{}}\n', "abort")
        self.refused(b'{"jsonrpc":"2.0","id":1,"method":"shutdown","params":{}}\n')
        self.refused(b'{"jsonrpc":"2.0","id":1,"method":"hold","params":{"now":"yes"}}\n', "now")
        self.refused(b'{"jsonrpc":"2.0","id":1,"method":"hold","params":{"nwo":true}}\n', "now")
        self.refused(b'{"jsonrpc":"2.0","id":1,"method":"hold","params":[1]}\n')
        self.refused(b'{"jsonrpc":"2.0","id":1,"method":"run","params":{}}\n', "recipe")
        self.refused(b'{"jsonrpc":"2.0","id":1,"method":"run","params":{"recipe":"none"}}\n')
        self.refused(b'{"jsonrpc":"2.0","id":1,"method":"upload","params":{"name":"x","offset":-1,"text":"y"}}\n')
        self.refused(b'{"jsonrpc":"2.0","id":1,"method":"upload","params":{"name":"x","offset":"0","text":"y"}}\n',
                     "offset")
        self.big_line()
        # Half a line, then the end of the connection; half a line that stays.
        half = self.client()
        half.send(b'{"jsonrpc":"2.0","id":1,"meth')
        half.close()
        staying = self.client()
        staying.send(b'{"jsonrpc":"2.0","id":1,"method":"abort"')
        return staying

    def big_line(self):
        client = self.client()
        try:
            client.send(b"x" * (1 << 20) + b"\n")
            self.assertIn("error", client.read())
        except (EOFError, ConnectionError):
            pass
        finally:
            client.close()

    def test_the_run_goes_on(self):
        self.run_recipe("--set", "cycles=2")
        self.valves.await_coil(ald.NB, 1)
        staying = self.abuse()
        # The half line, ended now by garbage, is an error and nothing else.
        staying.send(b"]\n")
        self.assertIn("error", staying.read())
        # One who never reads what he asked for.
        deaf = self.client()
        deaf.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.send(b'{"jsonrpc":"2.0","id":1,"method":"subscribe","params":{}}\n')
        good = self.client()
        self.assertIn(good.call("status")["state"], ("Starting", "Execute", "Completing"))
        self.await_state("Complete", timeout=60)
        self.assertEqual(2, len(self.valves.widths(ald.NB)))
        # By the link's own clock: the proxy, which shares this process, may see an edge late.
        self.stop_daemon()
        pulses = self.rows("SELECT outcome, width_us FROM pulse")
        self.assertEqual(["done"] * 2, [p["outcome"] for p in pulses])
        for p in pulses:
            self.assertAlmostEqual(1.0, p["width_us"] / 1e6, delta=0.3 if ald.SANITIZED else 0.05)

    def test_too_many_clients(self):
        """Eight of one user; the ninth is told so, and room is made when one leaves."""
        clients = [self.client() for _ in range(8)]
        with self.assertRaises((ald.Refused, EOFError, ConnectionError)):
            for _ in range(32):
                clients.append(self.client())
        self.assertEqual("Stopped", clients[0].call("status")["state"])
        for client in clients:
            client.close()
        # The daemon sees the ends at its next turn.
        deadline = time.monotonic() + ald.PATIENCE_S
        while True:
            try:
                self.client()
                break
            except (ald.Refused, EOFError, ConnectionError):
                self.assertLess(time.monotonic(), deadline, "no room although the others left")

    def test_refusals_are_audited(self):
        with self.assertRaises(ald.Refused):
            self.client().call("resume")
        self.assertEqual(0, self.ctl("abort").returncode)
        self.await_state("Aborted")
        self.stop_daemon()
        rows = self.rows("SELECT command, result, uid FROM audit ORDER BY id")
        self.assertEqual(["resume", "abort"], [r["command"] for r in rows if r["command"] != "shutdown"])
        self.assertNotEqual("ok", rows[0]["result"])

    def test_hello_and_permissions(self):
        hello = self.client().hello
        self.assertEqual("rotary-ald", hello["tool"])
        self.assertIn("version", hello)
        self.assertIn("protocol", hello)
        self.assertEqual(0o660, os.stat(self.socket_path).st_mode & 0o777)


if __name__ == "__main__":
    unittest.main()
