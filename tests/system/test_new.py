"""`aldctl new` writes a recipe that passes `aldctl check` on its tool as it stands, in the order of the shipped recipes."""
import os
import re
import shutil
import socket
import subprocess
import threading
import unittest

import ald

TOOLS = [ald.TOOL, os.path.join(ald.TOP, "tests", "table", "tool", "base.yaml"),
         os.path.join(ald.TOP, "tests", "table", "tool-sentences.yaml")]
ASKS = re.compile(r"# \? (.*)$", re.M)


def text_of(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


class New(ald.Test):
    def new(self, *args):
        done = self.ctl("new", *args)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        return done.stdout

    def sound(self, text, tool):
        done = self.ctl("check", self.path("r.yaml", text), "-c", tool)
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertNotIn("r.yaml:", done.stderr)  # nor a warning about it

    def test_it_is_sound_for_its_tool(self):
        for tool in TOOLS + self.other_tools():
            with self.subTest(tool=tool):
                self.sound(self.new("-c", tool), tool)

    def other_tools(self):
        """The reference tool, changed where guesses may fail."""
        tool = text_of(ald.TOOL)
        many = [
            ("cold", [("limits: [0 degC, 350 degC]", "limits: [0 degC, 70 degC]"), ("limits: [0 degC, 140 degC]", "limits: [0 degC, 60 degC]"),
                      ("limits: [0 degC, 180 degC]", "limits: [0 degC, 70 degC]")]),
            ("trips", [("trip: chamber.temperature > 200 degC", "trip: chamber.temperature > 110 degC"),
                       ("when: chamber.temperature > 190 degC", "when: chamber.temperature > 105 degC")]),
            ("flow", [("(carrier.flow > 5 sccm or exposing)", "(carrier.flow > 90 sccm or exposing)")]),
            ("short", [("max_open: 5 s", "max_open: 400 ms"), ("min_pulse: 20 ms, min_purge: 5 s,", "min_pulse: 200 ms, min_purge: 40 s,")]),
            ("shut", [("safe: open, poll", "safe: closed, poll")]),
            ("fahrenheit", [("device: heat, register: input, address: 0, type: FLOAT32, unit: degC", "device: heat, register: input, address: 0, type: FLOAT32, unit: degF"),
                            ("device: heat, register: holding, address: 0, type: FLOAT32, unit: degC", "device: heat, register: holding, address: 0, type: FLOAT32, unit: degF")]),
        ]
        paths = []
        for name, changes in many:
            text = tool
            for old, new in changes:
                self.assertIn(old, text)
                text = text.replace(old, new)
            paths.append(self.path(name + ".yaml", text))
        return paths

    def test_its_order_is_that_of_the_shipped_recipes(self):
        text = self.new("-c", ald.TOOL)
        steps = ["chamber.pressure <", "carrier.flow: 70 sccm", "chamber.temperature: 1", "nb.line.temperature: 1", "until: settled,",
                 "nb.temperature: 9", "for: $settle", "- pulse: nb", "- pulse: water", "nb.temperature: standby", "until: nb.temperature <",
                 "chamber.temperature: standby", "finally:"]
        places = [text.index(step) for step in steps]
        self.assertEqual(sorted(places), places)
        # Everything that is a guess says so.
        for line in text.splitlines():
            if re.search(r"\d (degC|sccm|rpm|s|h|Torr)\b", line) and not line.strip().startswith("#") and "$settle" not in line:
                if "carrier.flow: 10 sccm" not in line:
                    self.assertRegex(line, r"# \? ", line)
        self.assertGreater(len(ASKS.findall(text)), 15)
        self.assertNotIn("yaml-language-server", text)  # no schema is installed beside this program
        self.assertLess(max(map(len, text.splitlines())), 133)

    def test_an_editor_is_told_of_an_installed_schema(self):
        """As `make install` lays program and schema out."""
        for folder in ("bin", "share", "share/ald"):
            os.mkdir(self.path(folder))
        program, schema = self.path("bin/aldctl"), self.path("share/ald/recipe.schema.json")
        shutil.copy(os.path.join(ald.BUILD, "aldctl"), program)
        first = lambda: subprocess.run([program, "new", "-c", ald.TOOL], capture_output=True, encoding="utf-8",
                                       timeout=ald.PATIENCE_S, check=True).stdout.split("\n")[0]
        self.assertTrue(first().startswith("# A recipe to start from"))
        self.assertEqual(0, self.ctl("schema", "recipe", "-o", schema).returncode)
        self.assertEqual(f"# yaml-language-server: $schema={os.path.realpath(schema)}", first())

    def test_a_file_is_never_written_over(self):
        self.new("-c", ald.TOOL, "-o", "zinc-oxide.yaml")
        text = text_of(self.path("zinc-oxide.yaml"))
        self.assertIn("\nrecipe: zinc-oxide\n", text)
        done = self.ctl("new", "other", "-c", ald.TOOL, "-o", "zinc-oxide.yaml")
        self.assertEqual(1, done.returncode)
        self.assertIn("is there already: it stays as it is", done.stderr)
        self.assertEqual(text, text_of(self.path("zinc-oxide.yaml")))
        self.assertEqual(1, self.ctl("new", "-o", "no/such/folder.yaml").returncode)
        done = self.ctl("new", "5 nm of oxide")
        self.assertEqual(2, done.returncode)
        self.assertIn("is no name", done.stderr)

    def test_without_a_tool_its_names_are_examples(self):
        text = self.new("first")
        self.assertIn("every name in it is an example", text)
        names = {"my-tool": "rotary-ald", "metal.line.temperature": "nb.line.temperature", "metal.temperature": "nb.temperature",
                 "pulse: metal": "pulse: nb"}
        for old, new in names.items():
            self.assertIn(old, text)
            text = text.replace(old, new)
        self.sound(text, ald.TOOL)

    def test_a_tool_that_cannot_be_read(self):
        done = self.ctl("new", "-c", self.path("broken.yaml", "format: 1\ntool: x\n"))
        self.assertEqual(1, done.returncode)
        self.assertEqual("", done.stdout)
        self.assertIn("'links' is missing", done.stderr)

    def test_the_tool_that_a_daemon_serves(self):
        """A daemon tells what there is, and no limits."""
        told = """{"tool":"bench","title":"","equipment":[
            {"name":"carrier","kind":"flow","value":"gas","unit":"slm","inert":true},{"name":"gauge","kind":"gauge","value":"p"},
            {"name":"chamber","kind":"heater","value":"oven","unit":"degF"},{"name":"hot","kind":"heater","value":"src","unit":"degC"},
            {"name":"zn","kind":"precursor","source":"hot","line":null},{"name":"bed","kind":"motor","value":"drum","unit":"rpm"}]}"""
        told = re.sub(r"\n\s*", "", told)
        server = socket.socket(socket.AF_UNIX)
        self.closers.append(server.close)
        server.bind(self.socket_path)
        server.listen(1)

        def serve():
            client = server.accept()[0]
            with client:
                client.sendall(b'{"jsonrpc":"2.0","method":"hello","params":{"version":"x","protocol":1,"tool":"bench"}}\n')
                asked = client.recv(4096).decode()
                ident = re.search(r'"id": *(\d+)', asked)[1]
                client.sendall(f'{{"jsonrpc":"2.0","id":{ident},"result":{told}}}\n'.encode())
                client.recv(4096)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        text = self.new()
        for part in ("tool: bench", "gas: 0.05 slm", "oven: 302 degF", "src: 90 degC", "- pulse: zn", "drum: 3 rpm", "src < 60 degC",
                     "its limits are not known"):
            self.assertIn(part, text)
        self.assertLess(text.index("oven: 302"), text.index("src: 90"))
        thread.join(ald.PATIENCE_S)


if __name__ == "__main__":
    unittest.main()
