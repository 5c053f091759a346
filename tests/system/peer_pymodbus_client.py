#!/usr/bin/env python3
"""A Modbus TCP client that nobody here wrote (Debian's python3-pymodbus), for our server side.

    peer_pymodbus_client.py HOST:PORT OPERATION...
        read:UNIT:TABLE:ADDRESS:TYPE[:ORDER]            TABLE coil | discrete | input | holding
        write:UNIT:TABLE:ADDRESS:TYPE:ORDER:VALUE       TYPE BIT | INT16 ... FLOAT64, ORDER ABCD (default) CDAB BADC DCBA
        one:UNIT:TABLE:ADDRESS:WORD                     function 5 or 6
        range:UNIT:TABLE:ADDRESS:COUNT                  the bare words or bits
        reference                                       checks aldsim with config/rotary-ald.yaml at rest as a whole;
                                                        its value is the list of what did not hold

Prints one JSON line for each operation: {"op": ..., "value": ...}, or {"op": ..., "exception": CODE}. Exit code 0 when
every operation was answered (an exception is an answer) and every check of `reference` held; else 1.
"""

import json
import logging
import math
import sys

import peer_pymodbus as peer

peer.allow_missing_serial()
from pymodbus.client import ModbusTcpClient  # noqa: E402
from pymodbus.exceptions import ModbusException  # noqa: E402


class Refused(Exception):
    """The server answered with an exception code."""


class Client:
    def __init__(self, host, port):
        self.client = ModbusTcpClient(host, port=port, timeout=5, retries=0)
        if not self.client.connect():
            raise OSError("cannot connect to %s:%d" % (host, port))

    def close(self):
        self.client.close()

    @staticmethod
    def answer(reply):
        if isinstance(reply, ModbusException):
            raise reply
        if reply.isError():
            code = getattr(reply, "exception_code", None)
            if code is None:
                raise OSError(str(reply))
            raise Refused(code)
        return reply

    def range(self, unit, table, address, count):
        call = {
            "coil": self.client.read_coils,
            "discrete": self.client.read_discrete_inputs,
            "input": self.client.read_input_registers,
            "holding": self.client.read_holding_registers,
        }[table]
        reply = self.answer(call(address, count, slave=unit))
        if table in ("coil", "discrete"):
            return [int(bit) for bit in reply.bits[:count]]
        return list(reply.registers)

    def read(self, unit, table, address, kind, order="ABCD"):
        if kind == "BIT":
            return self.range(unit, table, address, 1)[0]
        return peer.value_of(kind, order, self.range(unit, table, address, peer.width_of(kind)))

    def write(self, unit, table, address, kind, order, value):
        if table == "coil":
            return self.answer(self.client.write_coils(address, [bool(float(value))], slave=unit)) and None
        number = float(value) if kind.startswith("FLOAT") else int(value)
        words = peer.words_of(kind, order, number)
        return self.answer(self.client.write_registers(address, words, slave=unit)) and None

    def one(self, unit, table, address, word):
        if table == "coil":
            return self.answer(self.client.write_coil(address, bool(word), slave=unit)) and None
        return self.answer(self.client.write_register(address, word, slave=unit)) and None


def check_reads(client, expect):
    expect("pressure", 0 < client.read(2, "input", 0, "FLOAT32") < 1000)
    expect("lid, EMO, over-temperature", client.range(2, "discrete", 0, 3) == [1, 1, 0])
    expect("valves closed, exhaust open", client.range(1, "coil", 0, 4) == [0, 0, 1, 0])
    expect("carrier flow", -5 <= client.read(3, "holding", 1209, "FLOAT32") <= 250)
    for address in range(0, 10, 2):
        value = client.read(4, "input", address, "FLOAT32", "CDAB")
        expect("temperature at %d is %g" % (address, value), math.isfinite(value) and -20 < value < 400)
    expect("bed speed", abs(client.read(5, "input", 0, "INT16") * 0.01) < 20)


def check_writes(client, expect):
    client.write(3, "holding", 1010, "FLOAT32", "ABCD", 42.5)
    expect("flow set-point", client.range(3, "holding", 1010, 2) == [0x422A, 0x0000])
    client.write(4, "holding", 0, "FLOAT32", "CDAB", 75.0)
    expect("temperature set-point", client.range(4, "holding", 0, 2) == [0x0000, 0x4296])
    client.one(5, "holding", 0, 300)
    expect("speed set-point", client.range(5, "holding", 0, 1) == [300])
    client.one(1, "coil", 3, 1)
    expect("vent valve open", client.range(1, "coil", 3, 1) == [1])
    client.one(1, "coil", 3, 0)
    expect("vent valve closed", client.range(1, "coil", 3, 1) == [0])


def check_refusals(client, expect):
    for what, code, call in (
        ("undeclared register", 2, lambda: client.range(2, "input", 100, 1)),
        ("read across the end of what is declared", 2, lambda: client.range(2, "input", 0, 3)),
        ("undeclared coil", 2, lambda: client.one(1, "coil", 77, 1)),
        ("write to an input", 2, lambda: client.write(3, "holding", 1209, "FLOAT32", "ABCD", 1.0)),
        ("not a number", 3, lambda: client.write(3, "holding", 1010, "FLOAT32", "ABCD", math.nan)),
        ("unknown unit", 11, lambda: client.range(77, "input", 0, 1)),
    ):
        try:
            call()
            expect(what + ": refused", False)
        except Refused as refused:
            expect(what + ": exception %d" % refused.args[0], refused.args[0] == code)


def check_reference(client):
    failures = []

    def expect(what, holds):
        if not holds:
            failures.append(what)

    for check in (check_reads, check_writes, check_refusals):
        try:
            check(client, expect)
        except Refused as refused:
            failures.append("%s: exception %d where an answer was due" % (check.__name__, refused.args[0]))
    return failures


def run(client, op):
    verb, *args = op.split(":")
    if verb == "reference":
        return check_reference(client)
    unit, table, address, *rest = args
    where = (int(unit), table, int(address, 0))
    if verb == "read":
        return client.read(*where, *rest)
    if verb == "write":
        return client.write(*where, *rest)
    if verb == "one":
        return client.one(*where, int(rest[0], 0))
    if verb == "range":
        return client.range(*where, int(rest[0]))
    raise ValueError("unknown operation: " + op)


def main(argv):
    if len(argv) < 3:
        print(__doc__, file=sys.stderr)
        return 2
    logging.disable(logging.CRITICAL)
    host, _, port = argv[1].rpartition(":")
    client = Client(host, int(port))
    status = 0
    for op in argv[2:]:
        try:
            value = run(client, op)
            print(json.dumps({"op": op, "value": value}), flush=True)
            if op == "reference" and value:
                status = 1
        except Refused as refused:
            print(json.dumps({"op": op, "exception": refused.args[0]}), flush=True)
        except (OSError, ModbusException) as error:
            print(json.dumps({"op": op, "error": str(error)}), flush=True)
            status = 1
    client.close()
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv))
