#!/usr/bin/env python3
"""A Modbus TCP server that nobody here wrote (Debian's python3-pymodbus), for our client side.

    peer_pymodbus_server.py [--listen HOST:PORT]       port 0 (the default) takes any free one

Standard output, one line each: first "READY PORT", then for every write
    {"unit": 1, "table": "coil" | "holding", "address": 0, "values": [1], "t": monotonic seconds}
Ends on SIGTERM or when its standard input closes.

Units 1 to 5 are the register map of config/rotary-ald.yaml at rest and pumped down: process values follow their
set-points at once, the watchdog of unit 1 runs once triggered (and never expires). Unit 9 holds every type in every
byte order: holding registers from 0 in steps of 4, types in the order INT16 UINT16 INT32 UINT32 FLOAT32 FLOAT64, and
within each type ABCD CDAB BADC DCBA; their values are in ZOO. The same as input registers.
Registers that are not in the map are answered with exception 2.
"""

import argparse
import asyncio
import json
import logging
import os
import random
import sys
import time

import peer_pymodbus as peer

peer.allow_missing_serial()
from pymodbus.datastore import ModbusServerContext, ModbusSlaveContext, ModbusSparseDataBlock  # noqa: E402
from pymodbus.server import StartAsyncTcpServer  # noqa: E402

ZOO = {
    "INT16": -12345,
    "UINT16": 54321,
    "INT32": -123456789,
    "UINT32": 3123456789,
    "FLOAT32": 75.0,
    "FLOAT64": 0.1,
}


class Gauge(ModbusSparseDataBlock):
    """The pressure, with the noise that a living gauge has (a frozen one is not Good)."""

    def getValues(self, address, count=1):
        self.values.update(enumerate(peer.words_of("FLOAT32", "ABCD", random.gauss(0.87, 0.002))))
        return super().getValues(address, count)


class Block(ModbusSparseDataBlock):
    """A table of one unit that tells what is written to it."""

    def __init__(self, unit, table, values, after=None):
        super().__init__(values)
        self.unit, self.table, self.after = unit, table, after

    def setValues(self, address, values, use_as_default=False):
        super().setValues(address, values, use_as_default)
        if not isinstance(values, (list, tuple)):
            values = [values]
        line = {
            "unit": self.unit,
            "table": self.table,
            "address": address,
            "values": [int(v) for v in values],
            "t": time.monotonic(),
        }
        print(json.dumps(line), flush=True)
        if self.after:
            self.after(address, values)


def floats(order, values):
    """{address: value} as FLOAT32 -> {address: words}."""
    return {address: peer.words_of("FLOAT32", order, value) for address, value in values.items()}


def unit(number, coils=None, discrete=None, inputs=None, holding=None, after_coil=None, after_holding=None):
    return ModbusSlaveContext(
        co=Block(number, "coil", coils or {}, after_coil),
        di=Block(number, "discrete", discrete or {}),
        ir=Block(number, "input", inputs or {}),
        hr=Block(number, "holding", holding or {}, after_holding),
        zero_mode=True,
    )


def valve_unit():
    def run_watchdog(address, values):
        if address == 0x1003:
            ctx.store["h"].values[0x1006] = 1
        if address == 0x1007 and values[0] == 1:
            ctx.store["h"].values[0x1006] = 0

    ctx = unit(1, coils={0: [0, 0, 1, 0, 0, 0, 0, 0]}, holding={0x1000: 0, 0x1001: 0, 0x1003: 0, 0x1006: 0, 0x1007: 0}, after_holding=run_watchdog)
    return ctx


def plant_unit():
    # lid closed, EMO released, no over-temperature, pump running, not at atmosphere
    ctx = unit(
        2,
        coils={0: 1},
        discrete={0: [1, 1, 0, 1, 0]},
        after_coil=lambda address, values: follow(ctx, address, values),
    )

    ctx.store["i"] = Gauge({0: [0, 0]})

    def follow(ctx, address, values):
        if address == 0:
            ctx.store["d"].values[3] = int(values[0])

    return ctx


def flow_unit():
    def follow(address, values):
        if address == 1010 and len(values) == 2:
            ctx.store["h"].values.update({1209: values[0], 1210: values[1]})

    ctx = unit(3, holding=floats("ABCD", {1010: 10.0, 1209: 10.0}), after_holding=follow)
    return ctx


def heat_unit():
    def follow(address, values):
        ctx.store["i"].values.update({address + i: v for i, v in enumerate(values)})

    temperatures = {0: 22.5, 2: 22.0, 4: 75.0, 6: 22.0, 8: 22.0}
    ctx = unit(
        4,
        inputs=floats("CDAB", temperatures),
        holding=floats("CDAB", {address: 0.0 for address in temperatures}),
        after_holding=follow,
    )
    return ctx


def motor_unit():
    def follow(address, values):
        ctx.store["i"].values.update({address + i: v for i, v in enumerate(values)})

    ctx = unit(5, inputs={0: 0}, holding={0: 0}, after_holding=follow)
    return ctx


def zoo_unit():
    registers, at = {}, 0
    for kind, value in ZOO.items():
        for order in peer.ORDERS:
            registers[at] = peer.words_of(kind, order, value)
            at += 4
    return unit(9, inputs=registers, holding=registers)


async def end_with_input():
    """Whoever started us is gone when our standard input closes."""
    loop = asyncio.get_running_loop()
    ended = loop.create_future()

    def on_readable():
        if not os.read(0, 4096):
            loop.remove_reader(0)
            ended.set_result(None)

    loop.add_reader(0, on_readable)
    await ended


async def serve(host, port):
    units = {1: valve_unit(), 2: plant_unit(), 3: flow_unit(), 4: heat_unit(), 5: motor_unit(), 9: zoo_unit()}
    server = await StartAsyncTcpServer(
        context=ModbusServerContext(slaves=units, single=False),
        address=(host, port),
        allow_reuse_address=True,
        defer_start=True,
    )
    task = asyncio.ensure_future(server.serve_forever())
    await server.serving
    print("READY", server.server.sockets[0].getsockname()[1], flush=True)
    await end_with_input()
    await server.shutdown()
    task.cancel()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--listen", default="127.0.0.1:0", metavar="HOST:PORT")
    host, _, port = parser.parse_args().listen.rpartition(":")
    logging.disable(logging.CRITICAL)
    asyncio.run(serve(host, int(port)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
