/* `expose`: static dosing. The exhaust is closed and the carrier at a flow of the block's own for the steps inside, and
 * every way out puts both back; so nothing inside may move either. */
#include "ald/file/recipe_file.h"

#include "ald/base/time.h"  /* time_add, time_add_duration */
#include "ald/file/value.h" /* value_check_limits */

enum { MESSAGE_CAP = 400 };

struct raw_expose {
        const struct yaml_node *flow, *close_below, *limit;
        int64_t at_most;
};
static const struct key rows[] = {
    {"flow", KEY_NODE, true, KEY_NODE_AT(struct raw_expose, flow), .holds = &shape_flow,
        .help = "carrier flow inside the block"},
    {"close_below", KEY_NODE, false, KEY_NODE_AT(struct raw_expose, close_below), .holds = &shape_pressure,
        .help = "the exhaust closes once the gauge is below"},
    {"limit", KEY_NODE, true, KEY_NODE_AT(struct raw_expose, limit), .holds = &shape_pressure,
        .help = "highest pressure inside"},
    {"at_most", KEY_TIME, true, KEY_AT(struct raw_expose, at_most), .min = 1e6, .max = 86400e6,
        .help = "longest time with the exhaust closed"},
};
const struct keys recipe_file_expose_keys = KEYS("expose", rows);

bool recipe_file_want_equipment(
    struct recipe_file *f, const struct yaml_node *verb, int number, const char *what)
{
        if (number < 0)
                diag_error(f->r.d, reader_at_key(&f->r, verb), "%s: this tool has no %s", verb->key, what);
        return number >= 0;
}

bool recipe_file_read_flow(
    struct recipe_file *f, const struct yaml_node *node, const char *what, double *value)
{
        if (f->tool->carrier < 0)
                return false;
        const struct tool_tag *tag = &f->tool->tags[f->tool->loops[f->tool->carrier].setpoint];
        return reader_quantity(&f->r, node, what, tag->unit, value) &&
               value_check_limits(&f->r, node, what, tag, *value);
}

bool recipe_file_read_pressure(
    struct recipe_file *f, const struct yaml_node *node, const char *what, double *value)
{
        char buf[MESSAGE_CAP];
        struct text t;
        if (f->tool->gauge < 0)
                return false;
        const struct tool_tag *tag = &f->tool->tags[f->tool->gauge];
        if (!reader_quantity(&f->r, node, what, tag->unit, value))
                return false;
        if (*value > 0 && (!tag->has_valid || *value <= tag->valid_max))
                return true;
        text_init(&t, buf, sizeof buf);
        unit_add_value(&t, *value, tag->unit);
        if (*value > 0) {
                text_add(&t, " is more than '%s' can show: at most ", tag->name);
                unit_add_value(&t, tag->valid_max, tag->unit);
        } else {
                text_add(&t, " is no pressure: it must be above zero");
        }
        reader_error(&f->r, node, "%s: %s", what, buf);
        return false;
}

static bool has_equipment(struct recipe_file *f, const struct yaml_node *verb)
{
        bool ok = recipe_file_want_equipment(f, verb, f->tool->exhaust, "exhaust valve");
        ok =
            recipe_file_want_equipment(f, verb, f->tool->carrier, "carrier (a flow with 'inert: yes')") && ok;
        return recipe_file_want_equipment(f, verb, f->tool->gauge, "gauge") && ok;
}

static bool may_expose(struct recipe_file *f, const struct yaml_node *verb)
{
        if (f->is_exposing)
                diag_error(f->r.d, reader_at_key(&f->r, verb), "expose: no 'expose' inside another");
        else if (f->phase < 0)
                diag_error(f->r.d, reader_at_key(&f->r, verb),
                    "expose: not in 'finally': it runs after a stop, when the exhaust stays open");
        else
                return has_equipment(f, verb);
        return false;
}

static bool read_bounds(struct recipe_file *f, const struct yaml_node *map, struct recipe_op *to)
{
        struct raw_expose raw = {0};
        struct keys_found found;
        bool ok = keys_read(&f->r, map, &recipe_file_expose_keys, NULL, &raw, &found);
        ok = (!raw.flow || recipe_file_read_flow(f, raw.flow, "flow", &to->value)) && ok;
        ok = (!raw.limit || recipe_file_read_pressure(f, raw.limit, "limit", &to->limit)) && ok;
        if (raw.close_below)
                ok = recipe_file_read_pressure(f, raw.close_below, "close_below", &to->close_below) && ok;
        if (ok && to->close_below >= to->limit) {
                reader_error(&f->r, raw.close_below, "close_below: must be below 'limit'");
                ok = false;
        }
        to->timeout_us = raw.at_most;
        return ok;
}

void recipe_file_compile_expose(struct recipe_file *f, const struct recipe_file_step *step)
{
        struct recipe_op bounds = {0};
        bool was_exposing = f->is_exposing;
        bool ok = may_expose(f, step->verb);
        ok = read_bounds(f, step->verb, &bounds) && ok;
        int32_t first = f->recipe->op_count;
        struct recipe_op *op = ok ? recipe_file_add_op(f, step->verb, RECIPE_EXPOSE) : NULL;
        f->is_exposing = true;
        recipe_file_compile_steps(f, step->body, "do");
        f->is_exposing = was_exposing;
        struct recipe_op *end = op ? recipe_file_add_op(f, step->verb, RECIPE_EXPOSE_END) : NULL;
        if (!end)
                return;
        op->jump = f->recipe->op_count - 1;
        end->jump = first;
        op->value = end->value = bounds.value;
        op->close_below = bounds.close_below;
        op->limit = bounds.limit;
        op->timeout_us = bounds.timeout_us;
}
