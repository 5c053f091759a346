#include "ald/link/watchmap.h"

int watchmap_status(const struct tool_watchdog *w, uint16_t word)
{
        uint16_t bits = (uint16_t)(word & w->status.mask);

        if (bits == w->status.running)
                return TOOL_WATCHDOG_RUNNING;
        if (bits == w->status.expired)
                return TOOL_WATCHDOG_EXPIRED;
        return bits == w->status.off ? TOOL_WATCHDOG_OFF : -1;
}

static bool has_write(const struct tool_register_value *writes, int count, int address)
{
        for (int i = 0; i < count; i++)
                if (writes[i].address == address)
                        return true;
        return false;
}

bool watchmap_has(const struct tool_watchdog *w, int address)
{
        return address == w->time_register || address == w->trigger_register ||
               (w->status_register >= 0 && address == w->status_register) ||
               (w->counter_register >= 0 && address == w->counter_register) ||
               has_write(w->setup, w->setup_count, address) ||
               has_write(w->restart, w->restart_count, address);
}

bool watchmap_drives(const struct tool_watchdog *w, const struct tool_tag *tag, double *value)
{
        switch (w->drives) {
        case TOOL_DRIVES_LOW:
                *value = tag->is_bit ? 0 : tag->offset; /* a register of 0 */
                return true;
        case TOOL_DRIVES_SAFE:
                *value = tag->safe;
                return true;
        case TOOL_DRIVES_HIGH:
                *value = tag->is_bit ? 1 : tag->limit_max;
                return true;
        case TOOL_DRIVES_HOLD:
                break;
        }
        return false;
}
