"""The daemon on a disk that fails: a tmpfs of 24 MiB that is filled, and faults at the system call (tests/fault/disk.c)."""
import ctypes
import errno
import glob
import os
import signal
import struct
import subprocess
import time
import unittest

import ald

MIB = 1 << 20
WRITE, SYNC, TRUNCATE, ALLOCATE, OPEN, ALL = 1, 2, 4, 8, 16, 31
# A run that goes on until it is stopped.
LONG = ("--set", "cycles=100", "--set", "nb_pulse=200 ms", "--set", "purge=5 s")


def mount_tmpfs(folder, size):
    libc = ctypes.CDLL(None, use_errno=True)
    return libc.mount(b"tmpfs", folder.encode(), b"tmpfs", 0, f"size={size}".encode()) == 0


def unmount(folder):
    ctypes.CDLL(None).umount2(folder.encode(), 2)  # MNT_DETACH


class Disk(ald.Test):
    """What the tests of this file share."""

    def await_status(self, client, is_ok, words, timeout=ald.PATIENCE_S):
        client.await_that(lambda: client.status["store_ok"] == is_ok and words in client.status["store_why"],
                          f"store_ok {is_ok} with '{words}'", timeout)

    def alarm(self, client):
        return [a for a in client.call("alarms") if a["id"] == "not-recorded"]

    def is_refused(self):
        done = self.ctl("run", self.path("quick.yaml"))
        self.assertEqual(3, done.returncode, done.stdout + done.stderr)

    def is_whole(self):
        """L1, L2, L5 after an orderly end: sound, samples and gaps in order, the audit chain unbroken."""
        self.assertEqual("ok", self.rows("PRAGMA integrity_check")[0]["integrity_check"])
        self.assertEqual([], self.rows("SELECT a.id FROM audit a LEFT JOIN audit b ON b.id = a.id - 1"
                                       " WHERE a.id > 1 AND a.prev_sha256 IS NOT b.sha256"))
        self.assertEqual([], self.rows("SELECT text FROM event WHERE source = 'record' AND kind = 'gap'"))
        # No sample lies in a gap of its tag.
        self.assertEqual([], self.rows(
            "SELECT event.id FROM event JOIN tag ON tag.name = event.source WHERE kind = 'gap' AND EXISTS"
            " (SELECT 1 FROM sample WHERE tag_id = tag.id AND t_us BETWEEN data ->> 'first_us' AND data ->> 'last_us')"))


class Faults:
    """The file that tests/fault/disk.c maps."""
    NAMES = ("what", "after", "count", "error", "loses", "is_full", "room", "sync_ms", "calls", "failed")

    def __init__(self, path, match):
        self.path = path
        with open(path, "wb") as f:
            f.write(bytes(4 * len(self.NAMES)) + match.encode().ljust(200, b"\0"))

    def set(self, **values):
        """`what` last: it is what begins a fault."""
        with open(self.path, "r+b", buffering=0) as f:
            for name in sorted(values, key=lambda n: n == "what"):
                f.seek(4 * self.NAMES.index(name))
                f.write(struct.pack("i", values[name]))

    def get(self, name):
        with open(self.path, "rb") as f:
            f.seek(4 * self.NAMES.index(name))
            return struct.unpack("i", f.read(4))[0]


class FullForReal(Disk):
    """On a tmpfs of 24 MiB."""

    def setUp(self):
        super().setUp()
        folder = self.path("small")
        os.mkdir(folder)
        if not mount_tmpfs(folder, "24m"):
            self.skipTest("a tmpfs cannot be mounted here: tests of FullByCall cover the same")
        self.addCleanup(unmount, folder)
        self.db_path = os.path.join(folder, "ald.db")
        self.filler = os.path.join(folder, "filler")

    def fill(self):
        with open(self.filler, "wb", buffering=0) as f:
            while True:
                try:
                    if f.write(bytes(65536)) < 65536:
                        break
                except OSError as error:
                    self.assertEqual(errno.ENOSPC, error.errno)
                    break

    def test_filled_in_a_run(self):
        self.start_all(proxies=False)
        client = self.subscriber()
        self.assertEqual(8 * MIB, os.path.getsize(self.db_path + "-ballast"))
        self.run_recipe(*LONG)
        self.wire.await_coil(ald.NB, 1)
        self.fill()
        self.await_status(client, False, "the disk is full: events go on into a reserve, samples wait: make room")
        self.assertFalse(os.path.exists(self.db_path + "-ballast"))
        self.assertIn("the disk is full", self.alarm(client)[0]["text"])
        self.assertIn("the disk is full", self.ctl("status").stdout)
        client.await_state("Held", timeout=30)
        # Events and audit go on.
        before = self.rows("SELECT count(*) AS n FROM audit")[0]["n"]
        self.is_refused()
        self.assertNotEqual(0, self.ctl("resume").returncode)
        deadline = time.monotonic() + ald.PATIENCE_S
        while self.rows("SELECT count(*) AS n FROM audit")[0]["n"] < before + 2:
            self.assertLess(time.monotonic(), deadline, "audit records do not reach the full disk")
            time.sleep(0.05)
        self.assertFalse(client.status["store_ok"])
        # Room again: the reserve is made, and the run may go on.
        os.unlink(self.filler)
        self.await_status(client, True, "")
        self.assertEqual(8 * MIB, os.path.getsize(self.db_path + "-ballast"))
        self.assertEqual(0, self.ctl("resume").returncode)
        self.wire.await_coil(ald.NB, 1, timeout=30)
        self.assertEqual(0, self.ctl("stop").returncode)
        client.await_state("Stopped", "Complete", timeout=60)
        self.stop_daemon()
        self.is_whole()

    def test_full_at_start(self):
        self.start_sim("--ready")
        self.fill()
        os.truncate(self.filler, os.path.getsize(self.filler) - 4 * MIB)
        self.start_daemon()
        client = self.subscriber()
        self.await_status(client, False, "less than 16 MiB are free: make room")
        self.path("quick.yaml", ald.QUICK.format(body=ald.ONE_PULSE))
        self.is_refused()
        os.unlink(self.filler)
        self.await_status(client, True, "")
        self.run_recipe("--set", "cycles=1")

    def test_filled_while_the_daemon_was_down(self):
        """Its ballast is there: the record opens on it."""
        self.start_all(proxies=False)
        self.run_recipe(*LONG)
        self.wire.await_coil(ald.NB, 1)
        self.daemon.expected = {-signal.SIGKILL}
        self.daemon.end(signal.SIGKILL)
        self.fill()
        self.start_daemon()
        client = self.subscriber()
        self.await_status(client, False, "the disk is full")
        self.assertEqual(["Aborted"], [r["state"] for r in self.rows("SELECT state FROM run")])
        os.unlink(self.filler)
        self.await_status(client, True, "")
        self.stop_daemon()
        self.is_whole()


class ByCall(Disk):
    """The daemon with tests/fault/disk.c before the C library."""

    def setUp(self):
        super().setUp()
        self.faults = Faults(self.path("faults"), self.db_path)

    def start(self, name, args, env=None, stderr=None):
        if name == "aldd":
            asan = os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"
            env = dict(env or {}, FAULT_DISK=self.faults.path, ASAN_OPTIONS=asan,
                       LD_PRELOAD=os.path.join(ald.BUILD, "tests", "fault", "disk.so"))
        return super().start(name, args, env, stderr)

    def begin_run(self):
        self.start_all(proxies=False)
        client = self.subscriber()
        self.run_recipe(*LONG)
        self.wire.await_coil(ald.NB, 1)
        return client

    def goes_on(self, client):
        """Healed: ok again, and the run goes on to an orderly end with a whole record."""
        self.await_status(client, True, "")
        # A fault held it in the turn that told of it; the hold may still be on its way.
        if client.status["state"] in ("Holding", "Held"):
            client.await_state("Held")
            self.assertEqual(0, self.ctl("resume").returncode)
        self.wire.await_coil(ald.NB, 1, timeout=30)
        self.assertEqual(0, self.ctl("stop").returncode)
        client.await_state("Stopped", "Complete", timeout=60)
        self.stop_daemon()
        self.is_whole()

    def test_full(self):
        client = self.begin_run()
        self.faults.set(is_full=1, room=8 * MIB)
        self.await_status(client, False, "the disk is full: events go on into a reserve, samples wait: make room", 30)
        client.await_state("Held", timeout=30)
        self.is_refused()
        self.faults.set(is_full=0)
        self.goes_on(client)

    def test_failed_syncs(self):
        client = self.begin_run()
        self.faults.set(after=0, count=3, error=errno.EIO, loses=1, what=SYNC)
        self.await_status(client, False, "Input/output error")
        self.await_status(client, True, "")
        self.assertEqual(3, self.faults.get("failed"))
        self.goes_on(client)

    def test_failed_writes(self):
        client = self.begin_run()
        self.faults.set(after=0, count=5, error=errno.EIO, what=WRITE)
        self.await_status(client, False, "Input/output error")
        self.goes_on(client)

    def test_gone_read_only(self):
        client = self.begin_run()
        self.faults.set(after=0, count=1 << 30, error=errno.EROFS, what=ALL)
        self.await_status(client, False, "the file system is read-only now: records wait in memory: mount it for writing")
        client.await_state("Held", timeout=30)
        self.is_refused()
        self.faults.set(what=0)
        self.goes_on(client)

    def test_slow_sync(self):
        """The control loop does not notice: pulses go on, the socket answers, nothing holds, nothing is lost."""
        client = self.begin_run()
        self.faults.set(sync_ms=5000)
        self.wire.await_coil(ald.NB, 0)
        for _ in range(2):
            self.wire.await_coil(ald.NB, 1)
            self.wire.await_coil(ald.NB, 0)
            client.call("status")
        self.assertTrue(client.status["store_ok"])
        self.assertEqual("Execute", client.call("status")["state"])
        self.faults.set(sync_ms=0)
        self.goes_on(client)
        self.assertEqual([], self.rows("SELECT * FROM event WHERE kind = 'gap'"))
        widths = [r["width_us"] for r in self.rows("SELECT width_us FROM pulse WHERE outcome = 'done'")]
        self.assertGreaterEqual(len(widths), 3)
        if not ald.SANITIZED:
            self.assertLess(max(widths) - min(widths), 100000)


class Damaged(Disk):
    def spoil(self):
        with open(self.db_path, "r+b") as f:
            f.seek(4096)
            f.write(os.urandom(os.path.getsize(self.db_path) - 4096))

    def test_found_at_start(self):
        self.start_all(proxies=False)
        self.run_recipe("--set", "cycles=1")
        self.await_state("Complete", timeout=60)
        self.stop_daemon()
        self.spoil()
        with open(self.db_path, "rb") as f:
            before = f.read()
        self.start_daemon()
        moved = [p for p in glob.glob(self.db_path + ".corrupt-*Z")]
        self.assertEqual(1, len(moved))
        with open(moved[0], "rb") as f:
            self.assertEqual(before, f.read())
        self.assertIn(os.path.basename(moved[0]), self.daemon.log())
        told = self.rows("SELECT text FROM event WHERE kind = 'record' AND severity = 'alarm'")
        self.assertIn(os.path.basename(moved[0]), told[0]["text"])
        client = self.subscriber()
        self.assertTrue(client.status["store_ok"])
        self.assertTrue(any(os.path.basename(moved[0]) in e["text"] for e in client.events), client.events)

    def test_a_newer_one_is_left(self):
        self.start_sim("--ready")
        db = self.path("newer.db")
        subprocess.run(["/usr/bin/python3", "-c", "import sqlite3, sys; d = sqlite3.connect(sys.argv[1]);"
                        "d.execute('PRAGMA application_id = 0x414C4452'); d.execute('PRAGMA user_version = 99');"
                        "d.execute('CREATE TABLE t(x)')", db], check=True)
        with open(db, "rb") as f:
            before = f.read()
        self.start_daemon(db=db)
        client = self.subscriber()
        self.await_status(client, False, "newer version")
        self.path("quick.yaml", ald.QUICK.format(body=ald.ONE_PULSE))
        self.is_refused()
        self.stop_daemon()
        with open(db, "rb") as f:
            self.assertEqual(before, f.read())


if __name__ == "__main__":
    unittest.main()
