#!/usr/bin/python3
"""Write the sources that tests/sim/mutants.txt changes, with every mutant in them, each chosen at run time.

    tests/sim/mutate.py OUT        OUT/core/output.c ... from src/core/output.c ..., and OUT/count.c

Where a piece of the table is no longer what the source says, the mutant tests nothing any more: that is an error, and the
table has to follow the source.
"""
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
TABLE = os.path.join(HERE, "mutants.txt")
HEAD = re.compile(r"(\d+) ([A-Z]\d+) (?:(seed|drill)=(\d+) )?(\S.*)")


class Broken(Exception):
    pass


class Piece:
    def __init__(self, line, file, at, was):
        self.line, self.file, self.at, self.was, self.now = line, file, at, [was], []


class Mutant:
    def __init__(self, line, number, invariant, hint, title):
        self.line, self.number, self.invariant, self.hint, self.title = line, number, invariant, hint, title
        self.pieces, self.base = [], None


def parse(path=TABLE):
    """The mutants of the table by number."""
    mutants, mutant, file, at, last = {}, None, None, None, ""
    with open(path, encoding="utf-8") as f:
        lines = f.read().splitlines()
    for n, text in enumerate(lines, 1):
        if not text.strip() or text.startswith("#"):
            continue
        head = HEAD.fullmatch(text)
        if head:
            number, hint = int(head[1]), (head[3], int(head[4])) if head[3] else None
            if number in mutants or number == 0:
                raise Broken(f"mutants.txt:{n}: number {number} is taken")
            mutant = mutants[number] = Mutant(n, number, head[2], hint, head[5])
            file = at = None
            last = ""
            continue
        word, _, rest = text.strip().partition(" ")
        rest = rest.strip()
        if not text.startswith("  ") or mutant is None or not rest:
            raise Broken(f"mutants.txt:{n}: not understood: {text}")
        if word == "in":
            file, at = rest, None
        elif word == "at":
            at = rest
        elif word == "with":
            mutant.base = int(rest)
        elif word == "was" and last == "was":
            mutant.pieces[-1].was.append(rest)
        elif word == "was" and file:
            mutant.pieces.append(Piece(n, file, at, rest))
            at = None
        elif word == "now" and mutant.pieces and last in ("was", "now"):
            mutant.pieces[-1].now.append(rest)
        else:
            raise Broken(f"mutants.txt:{n}: not understood: {text}")
        last = word
    for m in mutants.values():
        if m.base is not None and m.base not in mutants:
            raise Broken(f"mutants.txt:{m.line}: there is no mutant {m.base}")
        if not m.pieces and m.base is None:
            raise Broken(f"mutants.txt:{m.line}: mutant {m.number} changes nothing")
        if any(not p.now for p in m.pieces):
            raise Broken(f"mutants.txt:{m.line}: mutant {m.number}: `was` without `now`")
    return mutants


def pattern(text):
    """A piece of C as a regular expression: blanks and line ends between its words do not matter."""
    return re.compile(r"\s+".join(re.escape(word) for word in text.split()))


# How tightly operators bind, from the loosest; what is no operator of these binds most tightly of all.
LEVELS = [("?", ":"), ("||",), ("&&",), ("==", "!=", "<=", ">=", "<", ">", "+", "-", "*", "/", "&", "!")]
TOKEN = re.compile(r"->|\+\+|--|\|\||&&|[=!<>]=|[?:<>+\-*/&!()\[\]{},;=]|\w+")


def level(token):
    return next((i for i, ops in enumerate(LEVELS) if token in ops), len(LEVELS))


def is_whole(source, begin, end):
    """Is this expression one that its neighbours do not tear apart? In parentheses it would mean something else."""
    depth, loosest = 0, len(LEVELS)
    for token in TOKEN.findall(source[begin:end]):
        depth += (token in "([{") - (token in ")]}")
        if depth == 0:
            loosest = min(loosest, level(token))
    before, after = TOKEN.findall(source[max(0, begin - 80):begin]), TOKEN.findall(source[end:end + 80])
    tightest = [level(t) for t in (before[-1:] + after[:1]) if level(t) < len(LEVELS)]
    return depth == 0 and all(loosest > t or loosest == t in (1, 2) for t in tightest)


def find(piece, name, source):
    """Where the piece stands: (begin, end)."""
    begin = 0
    if piece.at:
        places = list(pattern(piece.at).finditer(source))
        if len(places) != 1:
            raise Broken(f"mutants.txt:{piece.line}: {name}: `at {piece.at}` is in {piece.file} "
                         f"{len(places)} times, not once")
        begin = places[0].end()
    was = " ".join(piece.was)
    places = list(pattern(was).finditer(source, begin))
    if not places or (len(places) != 1 and not piece.at):
        raise Broken(f"mutants.txt:{piece.line}: {name}: `was {was}` is in {piece.file} {len(places)} times, not once")
    if not is_statement(was) and not is_whole(source, *places[0].span()):
        raise Broken(f"mutants.txt:{piece.line}: {name}: `was {was}` is only a part of its expression in {piece.file}")
    return places[0].span()


def is_statement(text):
    return text.endswith((";", "}"))


def compose(original, choices):
    """The original, or what one of the mutants does instead: choices are (numbers, text)."""
    lines = original.count("\n")
    flat = " ".join(original.split())
    text = "{ " + flat + " }" if is_statement(flat) else "(" + flat + ")"
    for numbers, now in reversed(choices):
        test = " || ".join(f"mutant_on({n})" for n in sorted(numbers))
        if is_statement(flat):
            text = "if (" + test + ") { " + now + " } else " + text
        else:
            text = "((" + test + ") ? (" + now + ") : " + text + ")"
    # Lines keep their numbers, so that an assert names the place in the source.
    return text + "\n" * lines


def collect(mutants):
    """file -> {(begin, end): [(numbers, text)]}; and the sources."""
    sources, changes = {}, {}
    for m in mutants.values():
        numbers = {m.number} | {o.number for o in mutants.values() if o.base == m.number}
        for p in m.pieces:
            if p.file not in sources:
                with open(os.path.join(TOP, p.file), encoding="utf-8") as f:
                    sources[p.file] = f.read()
            name = f"mutant {m.number} ({m.invariant} {m.title})"
            span = find(p, name, sources[p.file])
            was, now = " ".join(p.was), " ".join(p.now)
            if is_statement(was) != is_statement(now):
                raise Broken(f"mutants.txt:{p.line}: {name}: a statement for a statement, an expression for an expression")
            changes.setdefault(p.file, {}).setdefault(span, []).append((numbers, now))
    return sources, changes


def mutate(source, spans):
    out, done = "", 0
    for (begin, end), choices in sorted(spans.items()):
        if begin < done:
            raise Broken("pieces overlap without being the same: " + " ".join(source[begin:end].split()))
        out += source[done:begin] + compose(source[begin:end], choices)
        done = end
    return out + source[done:]


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    try:
        mutants = parse()
        sources, changes = collect(mutants)
        for file, spans in changes.items():
            path = os.path.join(sys.argv[1], os.path.relpath(file, "src"))
            os.makedirs(os.path.dirname(path), exist_ok=True)
            try:
                text = mutate(sources[file], spans)
            except Broken as error:
                raise Broken(f"{file}: {error}") from error
            with open(path, "w", encoding="utf-8") as f:
                f.write(f'#line 1 "{file}"\n{text}')
        with open(os.path.join(sys.argv[1], "count.c"), "w", encoding="utf-8") as f:
            f.write(f"const int mutant_count = {max(mutants)};\n")
    except Broken as error:
        sys.exit(f"mutate: {error}")


if __name__ == "__main__":
    main()
