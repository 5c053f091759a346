/* What wears or is used up: limits of an output's openings, the bottle of a precursor line. They warn and move nothing. */
#include "ald/file/tool_file_tag.h" /* struct tool_file_work */

#include "ald/base/time.h" /* TIME_D */

struct raw_maintenance {
        int64_t actuations, open;
};
static const struct key maintenance_rows[] = {
    {"actuations", KEY_INT, false, KEY_AT(struct raw_maintenance, actuations), .min = 1, .max = 1e12,
        .help = "people are told beyond so many openings"},
    {"open", KEY_TIME, false, KEY_AT(struct raw_maintenance, open), .min = 1e6, .max = 315e12,
        .help = "or when it was open, or on, for so long in all"},
};
const struct keys tool_file_maintenance_keys = KEYS("maintenance", maintenance_rows);

void tool_file_read_maintenance(struct tool_file_work *w)
{
        struct raw_maintenance raw = {0};
        struct keys_found found;
        const struct yaml_node *node = w->raw->maintenance;
        if (!node)
                return;
        if (!w->tag->is_bit && w->more->has_place) {
                tool_file_fail_tag(w, "maintenance", "only what opens or goes on is counted: a BIT");
                return;
        }
        if (!keys_read(&w->f->r, node, &tool_file_maintenance_keys, NULL, &raw, &found))
                return;
        if (raw.actuations == 0 && raw.open == 0)
                tool_file_fail_tag(w, "maintenance", "give actuations, open or both");
        w->tag->actuations_max = raw.actuations;
        w->tag->open_us_max = raw.open;
}

struct raw_bottle {
        double content, warn_at;
        int64_t pulses;
};
static const struct key bottle_rows[] = {
    {"content", KEY_QUANTITY, false, KEY_AT(struct raw_bottle, content), .unit = "g", .min = 1e-6, .max = 1e6,
        .help = "what a new one holds"},
    {"warn_at", KEY_QUANTITY, false, KEY_AT(struct raw_bottle, warn_at), .unit = "%", .min = 0.1, .max = 99,
        .help = "people are told when no more than this part is left"},
    {"pulses", KEY_INT, false, KEY_AT(struct raw_bottle, pulses), .min = 1, .max = 1e12,
        .help = "or beyond so many pulses"},
};
const struct keys tool_file_bottle_keys = KEYS("bottle", bottle_rows);

void tool_file_read_bottle(struct tool_file *f, const struct yaml_node *node, struct tool_line *line)
{
        struct raw_bottle raw = {0};
        struct keys_found found;
        if (!node || !keys_read(&f->r, node, &tool_file_bottle_keys, NULL, &raw, &found))
                return;
        if (raw.warn_at > 0 && !(raw.content > 0))
                reader_error(
                    &f->r, keys_node(&found, "warn_at"), "warn_at: 'content' is missing: a part of what?");
        f->warn_at[line - f->tool->lines] = keys_node(&found, "warn_at");
        line->bottle.content_g = raw.content;
        line->bottle.warn_part = raw.warn_at / 100;
        line->bottle.pulses_max = raw.pulses;
}

void tool_file_check_bottles(struct tool_file *f)
{
        for (int i = 0; i < f->tool->line_count; i++)
                if (f->tool->lines[i].bottle.warn_part > 0 && !tool_knows_delivery(f->tool, i))
                        reader_error(&f->r, f->warn_at[i],
                            "warn_at: how much a pulse of '%s' takes is not known: give its vapour and "
                            "molar_mass under 'simulation', or warn by 'pulses'",
                            f->tool->lines[i].name);
}
