/* The registers of a tool's devices as their Modbus server shows them: what stands at an address, and what a read or a write
 * of a range does. Pure: what is behind the registers answers through callbacks. It serves the simulated tool on the wire
 * (bus/reply.h) and the fault simulation (sim/world.h), so that both devices are the same.
 *
 * Only what the tool file declares exists. Values of more than one register are read from one moment, and written whole. */
#ifndef ALD_LINK_REGISTERS_H
#define ALD_LINK_REGISTERS_H

#include "ald/core/tool.h" /* struct tool, enum tool_register */

#include <stdbool.h> /* bool */
#include <stdint.h>  /* uint16_t */

/* Modbus exception codes (Modbus application protocol 1.1b3, 7). */
enum registers_exception {
        REGISTERS_OK = 0,
        REGISTERS_NO_ADDRESS = 2,
        REGISTERS_NO_VALUE = 3,
        REGISTERS_FAILURE = 4
};

/* What is behind the registers. Each returns 0 or a Modbus exception code. */
struct registers {
        const struct tool *tool;
        void *ctx;
        int (*read)(void *ctx, int tag, double *value); /* in the tag's unit */
        int (*write)(void *ctx, int tag, double value);
        /* A holding register of the device's watchdog block (struct tool_watchdog). NULL: there is none. */
        int (*read_watchdog)(void *ctx, int device, int address, uint16_t *word);
        int (*write_watchdog)(void *ctx, int device, int address, uint16_t word);
        /* A holding register of an output that its module times (struct tool_pulse). NULL: there is none. */
        int (*read_pulser)(void *ctx, int tag, int address, uint16_t *word);
        int (*write_pulser)(void *ctx, int tag, int address, uint16_t word);
};

/* Is it a table of bits (coils, discrete inputs)? */
bool registers_are_bits(enum tool_register reg);

/* Read `count` places from `address`; words[i] is the register or the bit. Returns 0 or an exception code. */
int registers_read(
    const struct registers *r, int device, enum tool_register reg, int address, int count, uint16_t *words);

/* Write them. All is checked before anything is changed; what is behind may still refuse halfway. */
int registers_write(const struct registers *r, int device, enum tool_register reg, int address, int count,
    const uint16_t *words);

#endif
