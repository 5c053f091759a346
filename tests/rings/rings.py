"""The table of rings (DESIGN.md) as data, and the two questions asked of it: who includes what, and which symbols the
pure rings need from outside."""
import os
import re
import subprocess

# The rings whose headers a ring may include, besides its own.
MAY_USE = {
    "base": set(),
    "core": {"base"},
    "link": {"base", "core"},
    "sim": {"base", "core", "link"},
    "file": {"base", "core", "link"},
    "bus": {"base", "core", "link"},
    "store": {"base", "core"},
    "control": {"base", "core"},
}
MAY_USE["app"] = set(MAY_USE)
PURE = ("base", "core", "link", "sim")

# A library's headers, and the rings that may include them.
LIBRARIES = [
    (re.compile(r"yaml\.h$"), {"file"}),
    (re.compile(r"modbus(/|\.h$|-)"), {"bus"}),
    (re.compile(r"sqlite3\.h$"), {"store"}),
    (re.compile(r"jansson\.h$"), {"control", "app"}),
    (re.compile(r"event2/|event\.h$|evutil\.h$"), {"control", "app"}),
    (re.compile(r"sodium(\.h$|/)"), {"app"}),
    (re.compile(r"systemd/"), {"app"}),
    (re.compile(r"archive(_entry)?\.h$"), {"app"}),
    (re.compile(r"n?curses\.h$|term\.h$"), {"app"}),
]

# ISO C11, without those that bring clocks, threads, signals or locales.
ISO_C = {name + ".h" for name in
         "assert ctype errno float inttypes limits math stdalign stdarg stdatomic stdbool stddef stdint stdio stdlib "
         "stdnoreturn string".split()}
# What the outer rings may take from the system besides.
SYSTEM = {name + ".h" for name in
          "fcntl dirent fnmatch getopt glob grp libgen pthread pwd sched semaphore signal spawn strings syslog termios time "
          "unistd poll pty netdb locale wchar arpa/inet net/if netinet/in netinet/ip netinet/tcp sys/epoll sys/eventfd "
          "sys/file sys/ioctl sys/mman sys/prctl sys/random sys/resource sys/select sys/socket sys/stat sys/statvfs "
          "sys/syscall sys/sysmacros sys/time sys/timerfd sys/types sys/uio sys/un sys/wait malloc".split()}

# What the pure rings' objects may need from outside: no input or output, no clock, no thread.
SYMBOLS = set(
    "memcpy memmove memset memcmp memchr "
    "strlen strnlen strcmp strncmp strchr strrchr strstr strspn strcspn strpbrk strcpy strncpy strcat "
    "strtod strtol strtoll strtoul strtoull snprintf vsnprintf bsearch qsort abs labs llabs isdigit isalpha isalnum "
    "isspace tolower toupper __ctype_b_loc __ctype_tolower_loc __ctype_toupper_loc __errno_location "
    "abort __assert_fail __stack_chk_fail _GLOBAL_OFFSET_TABLE_ "
    # libm
    "exp exp2 expm1 log log2 log10 log1p pow sqrt cbrt fabs floor ceil round lround llround trunc rint lrint llrint "
    "nearbyint fmod remainder modf ldexp frexp fmin fmax hypot sin cos tan tanh atan atan2 erf erfc isnan isinf "
    "__isnan __isinf __finite __fpclassify __signbit".split())
ALLOCATE = {"malloc", "calloc", "realloc", "free"}
# The objects that hold a module's _new() and _free(); nothing else allocates.
ALLOCATORS = {"base/diag.o", "core/core.o", "core/outlook.o", "core/recipe.o", "core/recq.o", "link/sched.o", "sim/dryrun.o", "sim/repeat.o",
              "sim/sim.o", "sim/virtual.o", "sim/world.o"}
# Diagnostics are printed on the stream that the caller hands over.
PRINT = {"fprintf", "vfprintf", "fputs", "fputc", "putc", "fwrite"}
PRINTERS = {"base/diag.o"}

# Tapes of runs have their buffers from their _new() as well.
ALLOCATORS |= {"core/inputq.o", "core/player.o", "core/tape.o"}

# What the gate's object needs: nothing of the core, whose errors it is there for (link/gate.h).
GATE = "link/gate.o"
GATE_SYMBOLS = {"time_add", "memset", "memcpy", "__assert_fail", "__stack_chk_fail", "_GLOBAL_OFFSET_TABLE_"}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def sources(top):
    """(ring, path) of every C file and header that belongs to a ring."""
    for base in ("src", os.path.join("include", "ald")):
        for folder, _, names in sorted(os.walk(os.path.join(top, base))):
            ring = os.path.relpath(folder, os.path.join(top, base)).split(os.sep)[0]
            for name in sorted(names):
                if name.endswith((".c", ".h")):
                    yield ring, os.path.join(folder, name)


def why_not(ring, quoted, name):
    """Why a file of `ring` may not include `name`; None when it may."""
    if quoted:
        if name.startswith("ald/"):
            other = name.split("/")[1]
        elif "/" in name:
            return "rings are included as ald/RING/NAME.h, private headers by name alone"
        else:
            return None  # a private header beside the file, of the same ring by its folder
        if other == ring or other in MAY_USE[ring]:
            return None
        return f"ring {ring} may use {', '.join(sorted(MAY_USE[ring])) or 'no other ring'}"
    if name in ISO_C:
        return None
    for pattern, rings in LIBRARIES:
        if pattern.match(name):
            return None if ring in rings else f"that library belongs to ring {', '.join(sorted(rings))}"
    if ring in PURE:
        return f"ring {ring} is strict ISO C without clocks, files and threads"
    if name in SYSTEM:
        return None
    return "neither ISO C, nor the ring's library, nor a system header in tests/rings/rings.py"


def bad_includes(top):
    """One sentence for each #include that the table forbids."""
    found = []
    for ring, path in sources(top):
        if ring not in MAY_USE:
            found.append(f"{os.path.relpath(path, top)}: '{ring}' is no ring: {', '.join(MAY_USE)}")
            continue
        with open(path, encoding="utf-8") as f:
            for n, line in enumerate(f, 1):
                match = INCLUDE.match(line)
                why = match and why_not(ring, match.group(1) == '"', match.group(2))
                if why:
                    found.append(f"{os.path.relpath(path, top)}:{n}: includes {match.group(2)}: {why}")
    return found


def symbols(path):
    """(defined, undefined) global symbols of an object."""
    text = subprocess.run(["nm", "-g", path], check=True, capture_output=True, text=True).stdout
    rows = [line.split() for line in text.splitlines() if line.strip()]
    return ({r[-1] for r in rows if r[-2] not in "Uw"}, {r[-1] for r in rows if r[-2] in "Uw"})


def bad_symbols(objects, rings=PURE):
    """One sentence for each symbol that a pure ring's object needs from outside and may not."""
    table = {}
    for ring in rings:
        folder = os.path.join(objects, ring)
        for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
            if name.endswith(".o"):
                table[f"{ring}/{name}"] = symbols(os.path.join(folder, name))
    defined = set().union(*(d for d, _ in table.values()))
    found = []
    for name, (_, undefined) in table.items():
        for symbol in sorted(undefined - defined - SYMBOLS):
            if (symbol in ALLOCATE and name in ALLOCATORS) or (symbol in PRINT and name in PRINTERS):
                continue
            found.append(f"{name}: needs {symbol}, which is not on the short list in tests/rings/rings.py")
    return found


def gate_needs(objects):
    """What the gate needs beyond its short list."""
    return symbols(os.path.join(objects, GATE))[1] - GATE_SYMBOLS


def core_needs(objects):
    """Every symbol of the core that any object of the link ring needs, as (object, symbol)."""
    def table(ring):
        folder = os.path.join(objects, ring)
        return {f"{ring}/{name}": symbols(os.path.join(folder, name))
                for name in sorted(os.listdir(folder)) if name.endswith(".o")}
    core = set().union(*(defined for defined, _ in table("core").values()))
    return [(name, symbol) for name, (_, needs) in table("link").items() for symbol in sorted(needs & core)]


def has_objects(objects):
    return any(os.path.isdir(os.path.join(objects, ring)) and os.listdir(os.path.join(objects, ring)) for ring in PURE)
