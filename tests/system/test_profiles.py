"""A tool file on device profiles, through the real programs: what is unverified is said by name, what is wrong in a profile is told
where it stands, and the record holds what was in force."""
import hashlib
import os
import shutil
import sqlite3
import subprocess
import unittest

import ald

SAID = "not verified on hardware, the profiles of: flow (alicat-m), valve-io (wago)"

# What the reference tool's valve module says, as a profile.
WAGO = """format: 1
profile: wago
title: A valve module
source: the reference tool
verified: no
address_base: 0
watchdog:
  timeout: 1 s
  time_register: 0x1000
  time_unit: 100 ms
  trigger_register: 0x1003
  status_register: 0x1006
  restart_register: 0x1007
channels:
  do0: {register: coil, address: 0, type: BIT, access: write, failsafe: watchdog}
  do1: {register: coil, address: 1, type: BIT, access: write, failsafe: watchdog}
"""


def text_of(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def replaced(text, *changes):
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


class Profiles(ald.Test):
    def make_tool(self):
        """The reference tool, its flow controller and its valve module on profiles."""
        os.mkdir(self.path("devices"))
        shutil.copy(os.path.join(ald.TOP, "config", "devices", "alicat-m.yaml"), self.path("devices"))
        self.path("devices/wago.yaml", WAGO)
        text = text_of(ald.TOOL)
        begin, end = text.index("  valve-io: "), text.index("  plant-io: {link")
        module = ("  valve-io: {profile: wago, link: valves, poll_link: plant, slave_id: 1, watchdog: {feed: 250 ms}, "
                  "proof_output: spare.relay}\n")
        # The device that is named last is not the one that is told last.
        text = text[:begin] + text[end:]
        text = replaced(
            text,
            ("  flow: {link: plant, slave_id: 3, address_base: 0, byte_order: ABCD, write: multiple} ",
             "  flow: {profile: alicat-m, link: plant, slave_id: 3} "),
            ("  motor: {link: plant", module + "  motor: {link: plant"),
            ("{device: flow, register: holding, address: 1209, type: FLOAT32, unit: sccm,",
             "{device: flow, channel: mass_flow, unit: sccm,"),
            ("{device: flow, register: holding, address: 1010, type: FLOAT32, unit: sccm, access: write,",
             "{device: flow, channel: setpoint, unit: sccm,"),
            ("{device: valve-io, register: coil, address: 0, type: BIT, access: write,", "{device: valve-io, channel: do0,"),
            ("{device: valve-io, register: coil, address: 1, type: BIT, access: write,", "{device: valve-io, channel: do1,"))
        return self.path("tool.yaml", text)

    def aldd(self, *args):
        return subprocess.run([os.path.join(ald.BUILD, "aldd"), *args], capture_output=True, encoding="utf-8", timeout=60,
                              cwd=self.dir)

    def test_they_are_read_and_checked(self):
        tool = self.make_tool()
        done = self.aldd("-c", tool, "--check")
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertIn(f"{tool}: {SAID}\n", done.stdout)
        self.assertNotIn("not verified", self.aldd("-c", ald.TOOL, "--check").stdout)
        self.assertEqual(0, self.ctl("check", ald.RECIPE, "-c", tool).returncode)
        self.assertEqual(0, self.ctl("check", ald.RECIPE, "-c", "tool.yaml").returncode, "beside the file, wherever it is")

        # A mistake in a profile, with its place, by each program that reads the tool.
        self.path("devices/wago.yaml", WAGO.replace("address: 1,", "adress: 1,"))
        place = "devices/wago.yaml:16:25: error: unknown key 'adress' in channel 'do1': did you mean 'address'?"
        for program, *args in (("aldd", "-c", tool, "--check"), ("aldsim", "-c", tool), ("aldctl", "check", ald.RECIPE, "-c", tool)):
            done = subprocess.run([os.path.join(ald.BUILD, program), *args], capture_output=True, encoding="utf-8",
                                  timeout=60, cwd=self.dir)
            self.assertEqual(1, done.returncode, program)
            self.assertIn(os.path.join(self.dir, place), done.stdout + done.stderr)

        # A profile that anybody may change is no better ground than a tool file (F2).
        self.path("devices/wago.yaml", WAGO)
        os.chmod(self.path("devices/wago.yaml"), 0o666)
        done = self.aldd("-c", tool, "--check")
        self.assertEqual(1, done.returncode, done.stdout)
        self.assertIn("devices/wago.yaml: error: everybody may write this file", done.stderr)
        self.assertNotIn("sound", done.stdout)

    def test_a_run_and_its_record(self):
        tool = self.make_tool()
        self.start_sim("--ready", tool=tool)
        self.start_daemon(tool=tool)
        self.run_recipe("--set", "nb_pulse=200 ms", "--set", "cycles=1")
        self.assertIn(f"  {SAID}\n", self.ctl("status").stdout)
        self.assertEqual(f"  {SAID}", self.ctl("tags").stdout.splitlines()[-1])
        client = self.subscriber()
        self.assertEqual("flow (alicat-m), valve-io (wago)", client.status["unverified"])
        client.await_state("Complete", timeout=90)
        self.stop_daemon()

        # The record rests on nothing that lies beside it.
        run = self.rows("SELECT tool_text, tool_sha256 FROM run")[0]
        self.assertEqual(run["tool_sha256"], hashlib.sha256(run["tool_text"].encode()).hexdigest())
        own = text_of(tool)
        for name in ("alicat-m", "wago"):
            own += f"# ---- profile: devices/{name}.yaml ----\n" + text_of(self.path(f"devices/{name}.yaml"))
        self.assertEqual(own, run["tool_text"])
        shutil.rmtree(self.path("devices"))
        os.unlink(tool)
        done = self.ctl("replay", "1", timeout=120)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        self.assertIn("decided the same", done.stdout)

        # A profile changed in the record is another tool.
        db = sqlite3.connect(self.db_path)
        changed = db.execute("UPDATE run SET tool_text = replace(tool_text, 'address: 1209', 'address: 1207')")
        self.assertEqual(1, changed.rowcount)
        db.commit()
        db.close()
        done = self.ctl("replay", "1", timeout=120)
        self.assertNotEqual(0, done.returncode)
        self.assertIn("the recorded tool file is not the one that was in force", done.stdout + done.stderr)


class Shipped(unittest.TestCase):
    def test_they_are_installed(self):
        """make install puts every profile where the man page says."""
        shipped = os.listdir(os.path.join(ald.TOP, "config", "devices"))
        self.assertGreater(len(shipped), 11)
        done = subprocess.run(["make", "-n", "install", "DESTDIR=/nowhere", f"BUILD={os.path.relpath(ald.BUILD, ald.TOP)}"],
                              capture_output=True, encoding="utf-8", timeout=60, cwd=ald.TOP)
        line = [x for x in done.stdout.splitlines() if x.endswith("/nowhere/usr/local/share/ald/config/devices")]
        self.assertEqual(1, len(line), done.stdout + done.stderr)
        for name in shipped:
            self.assertIn(f" config/devices/{name} ", line[0])


if __name__ == "__main__":
    unittest.main()
