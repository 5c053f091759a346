#include "ald/sim/pulser.h"

#include "ald/base/time.h"  /* TIME_NEVER */
#include "ald/link/timed.h" /* timed_decode, timed_width_words */
#include "ald/sim/module.h" /* MODULE_* */

#include <assert.h> /* assert */

void pulser_init(struct pulser *p, const struct tool_pulse *map)
{
        *p = (struct pulser){.map = map->present ? map : NULL};
}

int64_t pulser_deadline_us(const struct pulser *p)
{
        return p->is_on ? p->end_us : TIME_NEVER;
}

bool pulser_expire(struct pulser *p, int64_t now_us)
{
        if (pulser_deadline_us(p) > now_us)
                return false;
        p->is_on = false;
        p->count++;
        return true;
}

bool pulser_cut(struct pulser *p)
{
        bool was_on = p->is_on;

        p->is_on = false;
        return was_on;
}

/* The register at an address, NULL: there is none. The count is read only. */
static uint16_t *find(struct pulser *p, int address)
{
        const struct tool_pulse *map = p->map;

        if (map == NULL)
                return NULL;
        if (address >= map->width_register && address < map->width_register + timed_width_words(map))
                return &p->width[address - map->width_register];
        if (address == map->start_register)
                return &p->start;
        for (int i = 0; i < map->setup_count; i++)
                if (address == map->setup[i].reg)
                        return &p->setup[i];
        return NULL;
}

int pulser_read(const struct pulser *p, int address, uint16_t *word)
{
        struct pulser copy = *p;
        const uint16_t *at = find(&copy, address);

        if (at == NULL && p->map != NULL && address == p->map->count_register)
                at = &copy.count;
        if (at == NULL)
                return MODULE_NO_REGISTER;
        *word = *at;
        return MODULE_OK;
}

static bool is_set_up(const struct pulser *p)
{
        for (int i = 0; i < p->map->setup_count; i++)
                if (p->setup[i] != p->map->setup[i].value)
                        return false;
        return true;
}

int pulser_write(struct pulser *p, int address, uint16_t word, int64_t now_us, bool *begins)
{
        uint16_t *at = find(p, address);

        assert(pulser_deadline_us(p) > now_us);
        *begins = false;
        if (at == NULL)
                return MODULE_NO_REGISTER;
        *at = word;
        if (at != &p->start || word != p->map->start_value || p->is_on || !is_set_up(p))
                return MODULE_OK;
        p->begun_us = now_us;
        p->end_us = now_us + timed_decode(p->map, p->width);
        p->is_on = *begins = p->end_us > now_us; /* no width, no pulse */
        return MODULE_OK;
}
