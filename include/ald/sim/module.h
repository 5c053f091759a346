/* The watchdog inside a simulated output module, after the WAGO 750 coupler (SAFETY.md, device-side watchdog): off at
 * power-up, started and fed by a trigger that changes, latched once it has expired, re-armed by `restart` = 1. Its time
 * is real time, however fast the physics runs. Pure: time is an argument. */
#ifndef ALD_SIM_MODULE_H
#define ALD_SIM_MODULE_H

#include "ald/core/tool.h" /* struct tool_watchdog */

#include <stdbool.h> /* bool */
#include <stdint.h>  /* int64_t, uint16_t */

struct module {
        const struct tool_watchdog *map; /* borrowed; present */
        int status;                      /* TOOL_WATCHDOG_* */
        uint16_t time, trigger;          /* as in the registers */
        int64_t fed_us;
};

/* Modbus exception codes. */
enum { MODULE_OK = 0, MODULE_NO_REGISTER = 2, MODULE_NO_VALUE = 3, MODULE_FAILURE = 4 };

void module_init(struct module *module, const struct tool_watchdog *map);

/* When it expires unless it is fed; TIME_NEVER when it does not run. */
int64_t module_deadline_us(const struct module *module);

/* Let time pass. True: it expired with this call, and the module's outputs go to their safe values. */
bool module_expire(struct module *module, int64_t now_us);

/* Its registers. Return MODULE_OK or an exception code with nothing changed. Call module_expire() first. */
int module_read(const struct module *module, int address, uint16_t *word);
int module_write(struct module *module, int address, uint16_t word, int64_t now_us);

#endif
