#include "ald/sim/module.h"

#include "ald/base/time.h"     /* TIME_NEVER */
#include "ald/link/watchmap.h" /* watchmap_has */

#include <assert.h> /* assert */

/* What the time register holds at power-up: a module's default is long, and the master is to set it. */
static const uint16_t time_at_power_up = 100;

void module_init(struct module *module, const struct tool_watchdog *map)
{
        assert(map->present && map->time_unit_us > 0);
        *module = (struct module){.map = map, .status = TOOL_WATCHDOG_OFF, .time = time_at_power_up};
        for (int i = 0; i < map->setup_count; i++)
                module->setup[i] = map->setup[i].value ^ 1;
}

int64_t module_deadline_us(const struct module *module)
{
        if (module->status != TOOL_WATCHDOG_RUNNING || module->is_dead)
                return TIME_NEVER;
        return module->fed_us + module->time * module->map->time_unit_us;
}

static bool latches(const struct module *module)
{
        return module->map->restart_count > 0;
}

bool module_expire(struct module *module, int64_t now_us)
{
        if (module_deadline_us(module) > now_us)
                return false;
        module->status = latches(module) ? TOOL_WATCHDOG_EXPIRED : TOOL_WATCHDOG_OFF;
        module->restarted = 0;
        module->count++;
        return true;
}

static bool is_set_up(const struct module *module)
{
        for (int i = 0; i < module->map->setup_count; i++)
                if (module->setup[i] != module->map->setup[i].value)
                        return false;
        return true;
}

static void feed(struct module *module, int64_t now_us)
{
        module->status = TOOL_WATCHDOG_RUNNING;
        module->fed_us = now_us;
}

/* A request that is not the trigger's: what it does to the watchdog. */
static void hear(struct module *module, bool is_write, int64_t now_us)
{
        bool feeds = !is_set_up(module) || (is_write && module->map->feeds_by_repeat);

        if (feeds && module->status == TOOL_WATCHDOG_RUNNING)
                feed(module, now_us);
}

int module_serve(struct module *module, bool is_write, int64_t now_us)
{
        assert(module_deadline_us(module) > now_us);
        if (module->status == TOOL_WATCHDOG_EXPIRED)
                return MODULE_FAILURE;
        hear(module, is_write, now_us);
        return MODULE_OK;
}

static uint16_t status_word(const struct module *module)
{
        switch (module->status) {
        case TOOL_WATCHDOG_RUNNING:
                return module->map->status.running;
        case TOOL_WATCHDOG_EXPIRED:
                return module->map->status.expired;
        default:
                return module->map->status.off;
        }
}

static int find_write(const struct tool_register_value *writes, int count, int address)
{
        for (int i = 0; i < count; i++)
                if (writes[i].address == address)
                        return i;
        return -1;
}

/* What is always answered. */
static bool read_open(const struct module *module, int address, uint16_t *word)
{
        const struct tool_watchdog *map = module->map;

        if (map->status_register >= 0 && address == map->status_register)
                *word = status_word(module);
        else if (map->counter_register >= 0 && address == map->counter_register)
                *word = module->count;
        else
                return false;
        return true;
}

int module_read(struct module *module, int address, uint16_t *word, int64_t now_us)
{
        const struct tool_watchdog *map = module->map;
        int at = find_write(map->setup, map->setup_count, address);

        if (read_open(module, address, word)) {
                hear(module, false, now_us);
                return MODULE_OK;
        }
        if (!watchmap_has(map, address))
                return MODULE_NO_REGISTER;
        if (module_serve(module, false, now_us) != MODULE_OK)
                return MODULE_FAILURE;
        *word = address == map->time_register      ? module->time
                : address == map->trigger_register ? module->trigger
                : at >= 0                          ? module->setup[at]
                                                   : 0;
        return MODULE_OK;
}

/* The writes that restart it, one after the other. */
static int restart(struct module *module, int address, uint16_t word, int64_t now_us)
{
        const struct tool_watchdog *map = module->map;
        const struct tool_register_value *next = &map->restart[module->restarted];

        if (module->status != TOOL_WATCHDOG_EXPIRED)
                return MODULE_OK; /* no way to feed it */
        if (next->address != address || next->value != word) {
                module->restarted = 0;
                return word == 0 ? MODULE_OK : MODULE_NO_VALUE;
        }
        if (++module->restarted == map->restart_count)
                feed(module, now_us);
        return MODULE_OK;
}

static int set_time(struct module *module, uint16_t word, int64_t now_us)
{
        if (word == 0)
                return MODULE_NO_VALUE;
        module->time = word;
        /* A shorter time counts from now, not from a feeding that was promised the longer one. */
        if (module->status == TOOL_WATCHDOG_RUNNING)
                module->fed_us = now_us;
        return MODULE_OK;
}

int module_write(struct module *module, int address, uint16_t word, int64_t now_us)
{
        const struct tool_watchdog *map = module->map;
        int at = find_write(map->setup, map->setup_count, address);

        assert(module_deadline_us(module) > now_us);
        if (find_write(map->restart, map->restart_count, address) >= 0)
                return restart(module, address, word, now_us);
        if (address != map->time_register && address != map->trigger_register && at < 0)
                return MODULE_NO_REGISTER; /* status and counter are read only */
        if (module_serve(module, true, now_us) != MODULE_OK)
                return MODULE_FAILURE;
        if (at >= 0)
                module->setup[at] = word;
        if (address == map->time_register)
                return set_time(module, word, now_us);
        if (address != map->trigger_register || (word == module->trigger && !map->feeds_by_repeat))
                return MODULE_OK; /* a master that repeats itself may be stuck: it feeds nothing */
        module->trigger = word;
        feed(module, now_us);
        return MODULE_OK;
}
