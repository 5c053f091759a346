"""What both pymodbus peers share: importing it, and words <-> values by Python's struct.

Nothing here knows our codec: a simulated tool that shared it would agree with our mistakes.
"""

import struct
import sys
import types

FORMATS = {
    "INT16": "h",
    "UINT16": "H",
    "INT32": "i",
    "UINT32": "I",
    "FLOAT32": "f",
    "FLOAT64": "d",
}
ORDERS = ("ABCD", "CDAB", "BADC", "DCBA")


def allow_missing_serial():
    """pymodbus 3.0 imports pyserial even where only TCP is used; Debian merely recommends it."""
    for name, attribute in (("serial", "serial_for_url"), ("serial_asyncio", "create_serial_connection")):
        try:
            __import__(name)
        except ImportError:
            module = types.ModuleType(name)
            setattr(module, attribute, None)
            sys.modules[name] = module


def arrange(raw, order):
    """Big-endian bytes as they stand on the wire in `order`; its own inverse."""
    pairs = [raw[i : i + 2] for i in range(0, len(raw), 2)]
    if order in ("CDAB", "DCBA"):
        pairs.reverse()
    if order in ("BADC", "DCBA"):
        pairs = [pair[::-1] for pair in pairs]
    return b"".join(pairs)


def words_of(kind, order, value):
    raw = arrange(struct.pack(">" + FORMATS[kind], value), order)
    return list(struct.unpack(">%dH" % (len(raw) // 2), raw))


def value_of(kind, order, words):
    raw = arrange(struct.pack(">%dH" % len(words), *words), order)
    return struct.unpack(">" + FORMATS[kind], raw)[0]


def width_of(kind):
    return struct.calcsize(FORMATS[kind]) // 2
