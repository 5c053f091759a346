#include "ald/link/timed.h"

#include "ald/base/time.h" /* time_add */

#include <assert.h> /* assert */
#include <string.h> /* memset */

int timed_width_words(const struct tool_pulse *map)
{
        return codec_words(map->width_type);
}

int64_t timed_width_max_us(const struct tool_pulse *map)
{
        return (map->width_type == TOOL_UINT16 ? UINT16_MAX : UINT32_MAX) * map->width_unit_us;
}

/* The width as a value of its register. */
static struct tool_tag as_tag(const struct tool_pulse *map)
{
        return (struct tool_tag){
            .type = map->width_type, .order = map->width_order, .scale = (double)map->width_unit_us};
}

int64_t timed_decode(const struct tool_pulse *map, const uint16_t *words)
{
        const struct tool_tag as = as_tag(map);
        return (int64_t)codec_decode(&as, words);
}

void timed_encode(const struct tool_pulse *map, int64_t width_us, uint16_t *words)
{
        const struct tool_tag as = as_tag(map);
        assert(width_us > 0 && width_us % map->width_unit_us == 0);
        bool fits = codec_encode(&as, (double)width_us, words);
        assert(fits); /* the longest opening is checked with the tool file */
        (void)fits;
}

/* ---- Set-up ---- */

/* Steps before the one that reads the count. */
static int register_steps(const struct timed *t)
{
        return 2 * t->map->setup_count;
}

static int last_step(const struct timed *t)
{
        return register_steps(t) + (t->map->count_register != TOOL_NONE);
}

void timed_init(struct timed *t, const struct tool_pulse *map)
{
        assert(t && map && map->present && map->width_unit_us > 0);
        memset(t, 0, sizeof *t);
        t->map = map;
        t->retry_us = INT64_MIN;
}

void timed_reset(struct timed *t)
{
        t->step = 0;
}

bool timed_is_ready(const struct timed *t)
{
        return t->step == last_step(t);
}

int64_t timed_due(const struct timed *t)
{
        return timed_is_ready(t) ? TIME_NEVER : t->retry_us;
}

void timed_call(const struct timed *t, struct timed_call *call)
{
        assert(!timed_is_ready(t));
        if (t->step == register_steps(t)) {
                timed_call_count(t, call);
                return;
        }
        *call = (struct timed_call){.is_write = t->step % 2 == 0,
            .address = t->map->setup[t->step / 2].reg,
            .count = 1,
            .words = {t->map->setup[t->step / 2].value}};
}

void timed_answered(struct timed *t, bool ok, const uint16_t *words, int64_t now_us)
{
        if (timed_is_ready(t))
                return;
        bool is_read_back = t->step < register_steps(t) && t->step % 2 == 1;
        if (!ok || (is_read_back && words[0] != t->map->setup[t->step / 2].value)) {
                t->step = 0;
                t->retry_us = time_add(now_us, TIMED_RETRY_US);
                return;
        }
        if (t->step == register_steps(t))
                t->count = words[0];
        t->retry_us = INT64_MIN;
        t->step++;
}

/* ---- A pulse ---- */

void timed_call_width(const struct timed *t, int64_t width_us, bool is_write, struct timed_call *call)
{
        *call = (struct timed_call){
            .is_write = is_write, .address = t->map->width_register, .count = timed_width_words(t->map)};
        timed_encode(t->map, width_us, call->words);
}

void timed_call_start(const struct timed *t, struct timed_call *call)
{
        *call = (struct timed_call){
            .is_write = true, .address = t->map->start_register, .count = 1, .words = {t->map->start_value}};
}

void timed_call_count(const struct timed *t, struct timed_call *call)
{
        *call = (struct timed_call){.address = t->map->count_register, .count = 1};
}

bool timed_take_count(struct timed *t, uint16_t count)
{
        bool is_one = (uint16_t)(count - t->count) == 1;
        t->count = count;
        return is_one;
}
