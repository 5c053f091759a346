/* One channel of a simulated output module that times pulses itself (struct tool_pulse): registers for the width and for
 * what has to be set up, a start, and a count of the whole pulses it put out. Set up as its master's file says, a write of
 * the start value opens the output for the width, by the module's own clock, whoever has gone meanwhile; in any other mode
 * it does nothing. The output written closed ends the pulse early, uncounted. At power-up all registers are 0.
 *
 * Like a watchdog's its time is real time, however fast the physics runs. Pure: time is an argument, and the output itself
 * is the caller's. */
#ifndef ALD_SIM_PULSER_H
#define ALD_SIM_PULSER_H

#include "ald/core/tool.h"  /* struct tool_pulse */
#include "ald/link/codec.h" /* CODEC_WORDS_MAX */

#include <stdbool.h> /* bool */
#include <stdint.h>  /* int64_t, uint16_t */

struct pulser {
        const struct tool_pulse *map; /* borrowed; NULL = the output is not timed */
        uint16_t setup[TOOL_PULSE_SETUP_MAX], width[CODEC_WORDS_MAX], start, count;
        bool is_on;
        int64_t begun_us, end_us;
};

/* Power-up. `map` that is not present leaves a channel without registers. */
void pulser_init(struct pulser *p, const struct tool_pulse *map);

/* When its pulse ends; TIME_NEVER when none runs. */
int64_t pulser_deadline_us(const struct pulser *p);
/* Let time pass. True: the pulse ended with this call, and the output closes. */
bool pulser_expire(struct pulser *p, int64_t now_us);
/* The output was written closed, or fell. True: a pulse was cut by it. */
bool pulser_cut(struct pulser *p);

/* Its registers. Return a Modbus exception code (sim/module.h) or 0. Call pulser_expire() first. */
int pulser_read(const struct pulser *p, int address, uint16_t *word);
/* *begins: a pulse begins with it, and the output opens. */
int pulser_write(struct pulser *p, int address, uint16_t word, int64_t now_us, bool *begins);

#endif
