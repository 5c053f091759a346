/* The watchdog inside a simulated output module, of any kind that a tool file describes (struct tool_watchdog): off at power-up,
 * with a setup that is not the master's; started and fed by its trigger, or by any write where the kind says so; and by
 * every request as long as the setup is not as it should be, as real ones are by default. Once it has expired
 *   - one that restarts by registers is latched: whatever is asked of the module but its status, its counter and the
 *     restart itself gets exception 4 (WAGO 750), until those writes came in their order;
 *   - one without counts the event and goes on taking writes, as if nothing had been (ICP DAS ET-7026); the next feed starts
 *     it again.
 * Its time is real time, however fast the physics runs. Pure: time is an argument. */
#ifndef ALD_SIM_MODULE_H
#define ALD_SIM_MODULE_H

#include "ald/core/tool.h" /* struct tool_watchdog */

#include <stdbool.h> /* bool */
#include <stdint.h>  /* int64_t, uint16_t */

struct module {
        const struct tool_watchdog *map; /* borrowed; present */
        int status;                      /* TOOL_WATCHDOG_* */
        uint16_t time, trigger, count;   /* as in the registers */
        uint16_t setup[TOOL_WATCHDOG_WRITES_MAX];
        int restarted; /* so many of the restart writes came in order */
        bool is_dead;  /* a fault: it never acts */
        int64_t fed_us;
};

/* Modbus exception codes. */
enum { MODULE_OK = 0, MODULE_NO_REGISTER = 2, MODULE_NO_VALUE = 3, MODULE_FAILURE = 4 };

void module_init(struct module *module, const struct tool_watchdog *map);

/* When it expires unless it is fed; TIME_NEVER when it does not run. */
int64_t module_deadline_us(const struct module *module);

/* Let time pass. True: it expired with this call, and the module's outputs go where its kind drives them. */
bool module_expire(struct module *module, int64_t now_us);

/* Does it serve what is not its watchdog's? A request for that came; `is_write`: one that writes. Call module_expire() first.
 * MODULE_OK, or MODULE_FAILURE. */
int module_serve(struct module *module, bool is_write, int64_t now_us);

/* Its registers. Return MODULE_OK or an exception code with nothing changed. Call module_expire() first. */
int module_read(struct module *module, int address, uint16_t *word, int64_t now_us);
int module_write(struct module *module, int address, uint16_t word, int64_t now_us);

#endif
