#include "ald/sim/module.h"

#include "ald/base/time.h" /* TIME_NEVER */

#include <assert.h> /* assert */

/* What the time register holds at power-up: a module's default is long, and the master is to set it. */
static const uint16_t time_at_power_up = 100;

void module_init(struct module *module, const struct tool_watchdog *map)
{
        assert(map->present && map->time_unit_us > 0);
        *module = (struct module){.map = map, .status = TOOL_WATCHDOG_OFF, .time = time_at_power_up};
}

int64_t module_deadline_us(const struct module *module)
{
        if (module->status != TOOL_WATCHDOG_RUNNING)
                return TIME_NEVER;
        return module->fed_us + module->time * module->map->time_unit_us;
}

bool module_expire(struct module *module, int64_t now_us)
{
        if (module_deadline_us(module) > now_us)
                return false;
        module->status = TOOL_WATCHDOG_EXPIRED;
        return true;
}

int module_read(const struct module *module, int address, uint16_t *word)
{
        const struct tool_watchdog *map = module->map;

        if (address == map->time_register)
                *word = module->time;
        else if (address == map->trigger_register)
                *word = module->trigger;
        else if (address == map->status_register)
                *word = (uint16_t)module->status;
        else if (address == map->restart_register)
                *word = 0;
        else
                return MODULE_NO_REGISTER;
        return MODULE_OK;
}

static int restart(struct module *module, uint16_t word, int64_t now_us)
{
        if (word > 1)
                return MODULE_NO_VALUE;
        if (word == 1 && module->status == TOOL_WATCHDOG_EXPIRED) {
                module->status = TOOL_WATCHDOG_RUNNING;
                module->fed_us = now_us;
        }
        return MODULE_OK;
}

int module_write(struct module *module, int address, uint16_t word, int64_t now_us)
{
        const struct tool_watchdog *map = module->map;

        assert(module_deadline_us(module) > now_us);
        if (address == map->time_register) {
                if (word == 0)
                        return MODULE_NO_VALUE;
                module->time = word;
                /* A shorter time counts from now, not from a feeding that was promised the longer one. */
                if (module->status == TOOL_WATCHDOG_RUNNING)
                        module->fed_us = now_us;
                return MODULE_OK;
        }
        if (address == map->restart_register)
                return restart(module, word, now_us);
        if (address != map->trigger_register)
                return MODULE_NO_REGISTER; /* the status is read only */
        if (word == module->trigger)
                return MODULE_OK; /* a master that repeats itself may be stuck: it feeds nothing */
        module->trigger = word;
        if (module->status != TOOL_WATCHDOG_EXPIRED) {
                module->status = TOOL_WATCHDOG_RUNNING;
                module->fed_us = now_us;
        }
        return MODULE_OK;
}
