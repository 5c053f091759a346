#include "fault_value.h"

#include "ald/base/text.h" /* text_add */
#include "ald/base/unit.h" /* unit_parse, unit_explain */

#include <assert.h> /* assert */
#include <stddef.h> /* size_t */
#include <string.h> /* strcmp */

/* `text` as a quantity of `dim`, in the base unit. */
static bool quantity(const char *text, enum unit_dim dim, double *value, struct text *why)
{
        const struct unit *unit;
        enum unit_status status = unit_parse(text, dim, value, &unit);

        if (status != UNIT_OK) {
                unit_explain(why, status, text, dim);
                return false;
        }
        *value = unit_convert(*value, unit, unit_base(dim));
        return true;
}

static bool switch_value(const char *text, double *value, struct text *why)
{
        static const char *const words[][2] = {{"off", "on"}, {"0", "1"}, {"closed", "open"}, {"no", "yes"}};

        for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
                for (int on = 0; on < 2; on++) {
                        if (strcmp(words[i][on], text) == 0) {
                                *value = on;
                                return true;
                        }
                }
        }
        text_add(why, "'%s' is no state of a switch: on or off", text);
        return false;
}

static bool reading(const struct tool_tag *tag, const char *text, double *value, struct text *why)
{
        if (tag->is_bit)
                return switch_value(text, value, why);
        if (!quantity(text, tag->unit->dim, value, why))
                return false;
        *value = unit_convert(*value, unit_base(tag->unit->dim), tag->unit);
        return true;
}

static bool rate(const struct tool_tag *tag, const char *text, double *value, struct text *why)
{
        enum unit_dim dim = tag->is_bit ? UNIT_DIM_NONE : unit_dim_of_rate(tag->unit->dim);

        if (dim == UNIT_DIM_NONE) {
                text_add(why, "'%s' has no rate of change", tag->name);
                return false;
        }
        if (!quantity(text, dim, value, why))
                return false;
        *value /= tag->unit->scale; /* the base of a rate is the base unit a second */
        return true;
}

static bool percent(const char *text, double *value, struct text *why)
{
        if (!quantity(text, UNIT_DIM_RATIO, value, why))
                return false;
        if (*value < 0 || *value > 100) {
                text_add(why, "'%s' is out of range: 0 %% to 100 %%", text);
                return false;
        }
        *value /= 100;
        return true;
}

static bool flow(const char *text, double *value, struct text *why)
{
        if (!quantity(text, UNIT_DIM_FLOW, value, why))
                return false;
        if (*value < 0)
                text_add(why, "'%s' is out of range: a leak lets gas in, 0 sccm or more", text);
        return *value >= 0;
}

bool fault_value_time(const char *text, int64_t *us, struct text *why)
{
        enum unit_status status = unit_parse_time(text, us);

        if (status != UNIT_OK)
                unit_explain(why, status, text, UNIT_DIM_TIME);
        return status == UNIT_OK;
}

static bool delay(const char *text, double *value, struct text *why)
{
        int64_t us = 0;

        if (!fault_value_time(text, &us, why))
                return false;
        *value = (double)us;
        return true;
}

bool fault_value_read(
    enum fault_value what, const struct tool_tag *tag, const char *text, double *value, struct text *why)
{
        switch (what) {
        case FAULT_VALUE_RATE:
                return rate(tag, text, value, why);
        case FAULT_VALUE_READING:
                return reading(tag, text, value, why);
        case FAULT_VALUE_DELAY:
                return delay(text, value, why);
        case FAULT_VALUE_FLOW:
                return flow(text, value, why);
        case FAULT_VALUE_PERCENT:
                return percent(text, value, why);
        case FAULT_VALUE_NONE:
                break;
        }
        assert(false && "a fault without a value has none to read");
        return false;
}
