"""The JSON Schemas that `aldctl schema` makes for editors: whatever the parser takes they take, and what they refuse it refuses.
Of the mistakes in tests/table each is either refused by the schema or named in tests/table/schema-blind.txt."""
import glob
import json
import os
import re
import unittest

import jsonschema
import yaml

import ald

TABLES = os.path.join(ald.TOP, "tests", "table")
HEAD = re.compile(r"^# ---- profile: (?:devices/)?([\w./-]+) ----\n", re.M)


class Loader(yaml.SafeLoader):
    """YAML 1.2's core schema, as editors read it: `yes` and `on` are texts, `0x10` is a number."""


Loader.yaml_implicit_resolvers = {}
for tag, form, first in [
        ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"), ("null", r"~|null|Null|NULL|", "~nN\0"),
        ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789"),
        ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", "-+.0123456789")]:
    Loader.add_implicit_resolver("tag:yaml.org,2002:" + tag, re.compile(f"^(?:{form})$"), list(first))
Loader.add_constructor("tag:yaml.org,2002:int", lambda self, node: int(node.value, 0 if "x" in node.value else 10))


def text_of(*path):
    with open(os.path.join(ald.TOP, *path), encoding="utf-8") as f:
        return f.read()


def cases(table):
    """(name, text, is it sound?) of the table's cases."""
    base = text_of(TABLES, table, "base.yaml")
    for block in re.split(r"^case: ", text_of(TABLES, table, "cases.txt"), flags=re.M)[1:]:
        name, *lines = block.split("\n")
        changes, told, sets = [], [], False
        for line in lines:
            if line.startswith("-"):
                if not changes or changes[-1][1]:
                    changes.append(([], []))
                changes[-1][0].append(line[2:])
            elif line.startswith("+"):
                changes[-1][1].append(line[2:])
            elif line.startswith(">"):
                told.append(line)
            sets = sets or line.startswith("set: ")
        text = base
        for old, new in changes:
            assert text.count("\n".join(old)) == 1, name
            text = text.replace("\n".join(old), "\n".join(new))
        # What is wrong with --set stands in no file.
        if not sets:
            yield name, text, not any(" error: " in line for line in told)


class Schema(ald.Test):
    def setUp(self):
        super().setUp()
        self.made = {}

    def load(self, kind, *args):
        done = self.ctl("schema", kind, *args)
        self.assertEqual(0, done.returncode, done.stderr)
        made = json.loads(done.stdout)
        jsonschema.Draft7Validator.check_schema(made)
        self.made[kind] = jsonschema.Draft7Validator(made)

    def schema(self, kind):
        if kind not in self.made:
            self.load(kind)
        return self.made[kind]

    def wrong(self, kind, text):
        """What the schema says against a text; "" = nothing."""
        try:
            tree = yaml.load(text, Loader)
        except yaml.YAMLError as error:
            return f"YAML: {error}"
        error = jsonschema.exceptions.best_match(self.schema(kind).iter_errors(tree))
        return f"{list(error.absolute_path)}: {error.message[:300]}" if error else ""

    def wrong_tool(self, text):
        """The same of a tool file with its profiles behind it."""
        own, *profiles = HEAD.split(text)
        return self.wrong("tool", own) or "".join(self.wrong("profile", p) for p in profiles[1::2])

    def test_shipped_files_are_taken(self):
        """So is what `aldctl new` writes."""
        seen = 0
        self.assertEqual("", self.wrong("recipe", self.ctl("new", "-c", ald.TOOL).stdout))
        for folder, kind in [("recipes", "recipe"), ("config", "tool"), ("config/devices", "profile"),
                             ("tests/sim/recipes", "recipe"), ("tests/table/sentences/include", "blocks")]:
            for path in sorted(glob.glob(os.path.join(ald.TOP, folder, "*.yaml"))):
                if os.path.basename(path) in ("broken.yaml", "recipe.yaml"):
                    continue  # tests/table: mistakes on purpose
                seen += 1
                with self.subTest(path=path):
                    self.assertEqual("", self.wrong(kind, text_of(path)))
        self.assertGreater(seen, 20)
        for path, kind in [("sentences/*.yaml", "recipe"), ("tool-sentences.yaml", "tool")]:
            for path in glob.glob(os.path.join(TABLES, path)):
                with self.subTest(path=path):
                    self.assertEqual("", self.wrong(kind, text_of(path)))

    def test_mistakes_are_refused_or_known_to_be_beyond_it(self):
        blind = {}
        for line in text_of(TABLES, "schema-blind.txt").splitlines():
            if line and not line.startswith("#"):
                table, name = line.split(": ", 1)
                self.assertNotIn((table, name), blind, "named twice")
                blind[table, name] = True
        refused, unlisted, too_strict = 0, [], []
        for table, kind in [("recipe", "recipe"), ("sentences", "recipe"), ("tool", "tool"), ("profile", "tool")]:
            for name, text, is_sound in cases(table):
                said = self.wrong_tool(text) if kind == "tool" else self.wrong(kind, text)
                if is_sound and said:
                    too_strict.append(f"{table}: {name}: {said}")
                if is_sound:
                    continue
                is_blind = blind.pop((table, name), False)
                refused += bool(said)
                if not said and not is_blind:
                    unlisted.append(f"{table}: {name}")
                if said and is_blind:
                    unlisted.append(f"{table}: {name} (is refused: {said})")
        self.assertEqual([], too_strict)
        self.assertEqual([], unlisted)
        self.assertEqual({}, blind, "no such cases")
        self.assertGreater(refused, 100)

    def test_each_kind_of_value(self):
        """One of each kind, right and wrong, in a recipe and in a tool file."""
        recipe, tool = text_of(ald.RECIPE), text_of(ald.TOOL)
        for kind, text, old, new in [
                ("recipe", recipe, "for: $nb_pulse", "for: 1 sec"), ("recipe", recipe, "for: $nb_pulse", "for: 1"),
                ("recipe", recipe, "for: $nb_pulse", "for: -1 s"), ("recipe", recipe, "      for: $nb_pulse\n", ""),
                ("recipe", recipe, "- repeat: $cycles", "- repeat: 0"), ("recipe", recipe, "mass: 1 g", "mass: 1 nm"),
                ("recipe", recipe, "- repeat: $cycles", "- repaet: $cycles"), ("recipe", recipe, "format: 1", "format: 2"),
                ("recipe", recipe, "within: 3 K", "within: 3 Kelvin"), ("recipe", recipe, "then: stop", "then: never"),
                ("recipe", recipe, "175 degC", "175 C"), ("recipe", recipe, "recipe: nb2o5-nmc532", "recipe: 5 nm"),
                ("recipe", recipe, "tag: bed.speed, within: 0.3 rpm", "tag: bed.speed"),
                ("recipe", recipe, "tag: bed.speed,", "tag: bed.speed, while: settled,"),
                ("recipe", recipe, "phases:\n", "phase:\n"), ("recipe", recipe, ", timeout: 30 min}", "}"),
                ("tool", tool, "slave_id: 2", "slave_id: 300"), ("tool", tool, "byte_order: CDAB", "byte_order: CBAD"),
                ("tool", tool, "unit: Torr", "unit: torr"), ("tool", tool, "kind: pump, run", "kind: pomp, run"),
                ("tool", tool, "kind: pump, run", "kind: gauge, run"), ("tool", tool, "inert: yes", "inert: maybe"),
                ("tool", tool, "timeout: 200 ms", "timeout: 200"), ("tool", tool, "vapour: [9.8,", "vapour: ["),
                ("tool", tool, "valid: [0 Torr, 1000 Torr]", "valid: 0 Torr"), ("tool", tool, "k: 13.2 sccm/Torr2", "k: 13.2 sccm"),
                ("tool", tool, "    permit: [nb.valve]\n", "    permit: [nb.valve]\n    then: abort\n"),
                ("tool", tool, "trip: not emo.ok", "trap: not emo.ok"), ("tool", tool, "scale: 0.01, unit: rpm, poll", "scale: ten, unit: rpm, poll"),
                ("tool", tool, 'failsafe: "external: safe torque off on the lid switch"', "failsafe: none"),
                ("tool", tool, 'connect: "tcp://127.0.0.1:1502", timeout: 200', 'connect: "http://127.0.0.1", timeout: 200'),
                ("tool", tool, "motor: {link: plant, slave_id: 5, address_base: 0}", "motor: {link: plant, slave_id: 5}"),
                ("tool", tool, "water: {kind: precursor, valve: water.valve,", "water: {kind: precursor,")]:
            with self.subTest(new=new):
                self.assertEqual(1 if old not in ("unit: Torr",) else text.count(old), text.count(old), old)
                self.assertEqual("", self.wrong(kind, text))
                self.assertNotEqual("", self.wrong(kind, text.replace(old, new, 1)))

    def test_a_recipe_for_one_tool(self):
        """With -c the schema knows the tool's names and units; whatever is sound for the tool it takes."""
        bench = os.path.join(TABLES, "tool", "base.yaml")
        seen = {True: 0, False: 0}
        for table, tool in [("recipe", bench), ("sentences", os.path.join(TABLES, "tool-sentences.yaml"))]:
            self.load("recipe", "-c", tool)
            for name, text, is_sound in cases(table):
                seen[is_sound] += 1
                if is_sound:
                    self.assertEqual("", self.wrong("recipe", text), name)
                elif name in ("set-point without a unit", "unknown line", "unknown name", "a name that is read only", "unknown valve",
                              "open a precursor", "set a precursor", "set a valve", "another tool", "guard of a tag without a set-point"):
                    seen[name] = True
                    self.assertNotEqual("", self.wrong("recipe", text), name)
        self.assertEqual(10 + 2, len(seen))
        self.assertGreater(seen[True], 20)
        self.load("recipe", "-c", ald.TOOL)
        for path in glob.glob(os.path.join(ald.TOP, "recipes", "*.yaml")):
            self.assertEqual("", self.wrong("recipe", text_of(path)), path)
        done = self.ctl("schema", "recipe", "-c", self.path("none.yaml"))
        self.assertEqual(1, done.returncode)
        self.assertIn("cannot be opened", done.stderr)

    def test_a_lender_gives_what_is_missing(self):
        tool = text_of(ald.TOOL)
        self.assertEqual("", self.wrong("tool", tool.replace("motor: {link: plant, slave_id: 5, address_base: 0}",
                                                             "motor: {link: plant, slave_id: 5, profile: oriental-blv}")))
        self.assertNotEqual("", self.wrong("tool", tool.replace("motor: {link: plant, slave_id: 5, address_base: 0}",
                                                                "motor: {slave_id: 5, profile: oriental-blv}")))

    def test_the_command(self):
        done = self.ctl("schema", "receipe")
        self.assertEqual(2, done.returncode)
        for word in ("recipe", "blocks", "tool", "profile"):
            self.assertIn(word, done.stderr)
        self.assertEqual(0, self.ctl("schema", "tool", "-o", "tool.json").returncode)
        with open(self.path("tool.json"), encoding="utf-8") as f:
            self.assertEqual(json.loads(self.ctl("schema", "tool").stdout), json.load(f))


if __name__ == "__main__":
    unittest.main()
