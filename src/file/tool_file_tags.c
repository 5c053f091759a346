/* Tags of a tool file: where a value is, what it is, and what may be written to it. */
#include "ald/file/tool_file_tag.h"

#include "ald/base/time.h"       /* TIME_MS */
#include "ald/file/cond_parse.h" /* cond_parse_is_reserved */
#include "ald/link/codec.h"      /* codec_words */

#include <stdarg.h> /* va_list */
#include <string.h> /* strcmp */

static const struct key_word registers[] = {{"coil", TOOL_COIL}, {"discrete", TOOL_DISCRETE},
    {"input", TOOL_INPUT}, {"holding", TOOL_HOLDING}, {NULL, 0}};
static const struct key_word types[] = {{"BIT", TOOL_BIT}, {"INT16", TOOL_INT16}, {"UINT16", TOOL_UINT16},
    {"INT32", TOOL_INT32}, {"UINT32", TOOL_UINT32}, {"FLOAT32", TOOL_FLOAT32}, {"FLOAT64", TOOL_FLOAT64},
    {NULL, 0}};
const struct key_word tool_file_orders[] = {{"ABCD", TOOL_ORDER_ABCD}, {"CDAB", TOOL_ORDER_CDAB},
    {"BADC", TOOL_ORDER_BADC}, {"DCBA", TOOL_ORDER_DCBA}, {NULL, 0}};
static const struct key_word accesses[] = {{"read", 0}, {"write", 1}, {NULL, 0}};

static const struct shape pulse_shape = {.kind = SHAPE_KEYS, .keys = &tool_file_pulse_keys};
static const struct shape maintenance_shape = {.kind = SHAPE_KEYS, .keys = &tool_file_maintenance_keys};
static const struct shape log_shape = {.kind = SHAPE_KEYS, .keys = &tool_file_log_keys};

static const struct key tag_rows[] = {
    {"device", KEY_NODE, true, KEY_NODE_AT(struct tool_file_raw_tag, device), .is_own = true,
        .holds = &shape_name, .help = "unit that holds it"},
    {"channel", KEY_NAME, false, KEY_AT(struct tool_file_raw_tag, channel), .is_own = true,
        .help = "of the device's profile, whose keys are the defaults of these"},
    {"register", KEY_WORD, true, KEY_AT(struct tool_file_raw_tag, reg), .words = registers,
        .help = "table of registers"},
    {"address", KEY_INT, true, KEY_AT(struct tool_file_raw_tag, address), .max = 65536,
        .help = "first register or coil"},
    {"type", KEY_WORD, false, KEY_AT(struct tool_file_raw_tag, type), .words = types,
        .help = "of the raw value"},
    {"byte_order", KEY_WORD, false, KEY_AT(struct tool_file_raw_tag, order), .words = tool_file_orders,
        .help = "of a value of several registers"},
    {"scale", KEY_NUMBER, false, KEY_AT(struct tool_file_raw_tag, scale),
        .help = "value = raw * scale + offset"},
    {"offset", KEY_NUMBER, false, KEY_AT(struct tool_file_raw_tag, offset),
        .help = "value = raw * scale + offset"},
    {"unit", KEY_WORDS, false, KEY_AT(struct tool_file_raw_tag, unit), .holds = &shape_unit,
        .help = "of the value; none for a bare number"},
    {"access", KEY_WORD, false, KEY_AT(struct tool_file_raw_tag, access), .words = accesses,
        .help = "write makes it an output"},
    {"valve", KEY_BOOL, false, KEY_AT(struct tool_file_raw_tag, valve),
        .help = "its bit means open and closed"},
    {"poll", KEY_TIME, false, KEY_AT(struct tool_file_raw_tag, poll), .min = 10e3, .max = 3600e6,
        .help = "how often it is read"},
    {"stale_after", KEY_TIME, false, KEY_AT(struct tool_file_raw_tag, stale_after), .min = 10e3,
        .max = 3600e6, .help = "older is Bad"},
    {"freeze_after", KEY_TIME, false, KEY_AT(struct tool_file_raw_tag, freeze_after), .max = 86400e6,
        .help = "identical for longer is Uncertain"},
    {"valid", KEY_NODE, false, KEY_NODE_AT(struct tool_file_raw_tag, valid), .holds = &shape_range,
        .help = "outside is Bad"},
    {"limits", KEY_NODE, false, KEY_NODE_AT(struct tool_file_raw_tag, limits), .holds = &shape_range,
        .help = "a command outside is refused"},
    {"safe", KEY_NODE, false, KEY_NODE_AT(struct tool_file_raw_tag, safe), .holds = &shape_value,
        .help = "value when in doubt"},
    {"verify", KEY_BOOL, false, KEY_AT(struct tool_file_raw_tag, verify), .help = "read back and compared"},
    {"verify_within", KEY_NODE, false, KEY_NODE_AT(struct tool_file_raw_tag, verify_within),
        .holds = &shape_span, .help = "difference allowed"},
    {"follow", KEY_TIME, false, KEY_AT(struct tool_file_raw_tag, follow), .min = 10e3, .max = 600e6,
        .help = "a difference that lasts longer trips"},
    {"max_open", KEY_TIME, false, KEY_AT(struct tool_file_raw_tag, max_open), .max = 86400e6,
        .help = "longest opening"},
    {"lease", KEY_TIME, false, KEY_AT(struct tool_file_raw_tag, lease), .max = 600e6,
        .help = "without a turn of the core for this long it goes safe"},
    {"failsafe", KEY_NODE, false, KEY_NODE_AT(struct tool_file_raw_tag, failsafe),
        .holds = &tool_file_failsafe_shape, .help = "watchdog, device_timed or \"external: TEXT\""},
    {"pulse", KEY_NODE, false, KEY_NODE_AT(struct tool_file_raw_tag, pulse), .holds = &pulse_shape,
        .help = "how its module times pulses itself"},
    {"manual", KEY_WORD, false, KEY_AT(struct tool_file_raw_tag, manual), .words = tool_file_manual_words,
        .help = "moved by hand outside a run, inside it too, or never"},
    {"maintenance", KEY_NODE, false, KEY_NODE_AT(struct tool_file_raw_tag, maintenance),
        .holds = &maintenance_shape, .help = "when its wear is told"},
    {"log", KEY_NODE, false, KEY_NODE_AT(struct tool_file_raw_tag, log), .holds = &log_shape,
        .help = "what is recorded"},
};
const struct keys tool_file_tag_keys = KEYS_WITH("tag", tag_rows, NULL, "channel");

struct raw_log {
        int64_t every;
        const struct yaml_node *deadband;
};
static const struct key log_rows[] = {
    {"every", KEY_TIME, false, KEY_AT(struct raw_log, every), .max = 86400e6,
        .help = "longest time between samples"},
    {"deadband", KEY_NODE, false, KEY_NODE_AT(struct raw_log, deadband), .holds = &shape_span,
        .help = "a larger change is recorded at once"},
};
const struct keys tool_file_log_keys = KEYS("log", log_rows);

void tool_file_fail_tag(const struct tool_file_work *w, const char *key, const char *fmt, ...)
{
        const struct yaml_node *node = keys_node(w->found, key);
        struct diag_at at = node ? reader_at(&w->f->r, node) : reader_at_key(&w->f->r, w->found->map);
        char buf[400];
        struct text t;
        va_list args;
        text_init(&t, buf, sizeof buf);
        text_add(&t, "tag '%s': ", w->tag->name);
        va_start(args, fmt);
        text_addv(&t, fmt, args);
        va_end(args);
        diag_error(w->f->r.d, at, "%s", buf);
}

static const char *device_at(const void *ctx, size_t i)
{
        return ((const struct tool *)ctx)->devices[i].name;
}

static int want_device(struct tool_file *f, const struct yaml_node *node)
{
        const char *name = node ? reader_text(&f->r, node, "device") : NULL;
        if (!name)
                return TOOL_NONE;
        int device = tool_find_device(f->tool, name);
        if (device < 0)
                reader_unknown(&f->r, reader_at(&f->r, node), "device", "device", name, device_at, f->tool,
                    (size_t)f->tool->device_count);
        return device;
}

/* BIT belongs to coils and discrete inputs, everything else to registers. */
static bool take_type(struct tool_file_work *w)
{
        bool has_bits = w->tag->reg == TOOL_COIL || w->tag->reg == TOOL_DISCRETE;
        if (!keys_node(w->found, "register"))
                return false;
        if (w->raw->type < 0 && !has_bits) {
                tool_file_fail_tag(
                    w, "type", "'type' is missing: INT16, UINT16, INT32, UINT32, FLOAT32 or FLOAT64");
                return false;
        }
        w->tag->type = w->raw->type < 0 ? TOOL_BIT : (enum tool_type)w->raw->type;
        w->tag->is_bit = has_bits;
        if ((w->tag->type == TOOL_BIT) == has_bits)
                return true;
        tool_file_fail_tag(w, "type",
            has_bits ? "a coil or discrete input is a BIT" : "a BIT lies in a coil or a discrete input");
        return false;
}

static bool take_order(struct tool_file_work *w, int device)
{
        int order = w->raw->order;
        if (order < 0 && device >= 0)
                order = w->f->order[device];
        w->tag->order = order < 0 ? TOOL_ORDER_ABCD : (enum tool_byte_order)order;
        if (order >= 0 || device < 0 || codec_words(w->tag->type) == 1)
                return true;
        tool_file_fail_tag(w, "byte_order",
            "takes several registers: give 'byte_order' here or at its device (ABCD: high byte and word "
            "first)");
        return false;
}

static void take_place(struct tool_file_work *w)
{
        struct tool_tag *tag = w->tag;
        int device = want_device(w->f, w->raw->device);
        tag->device = (int16_t)device;
        tag->reg = (enum tool_register)w->raw->reg;
        bool ok = take_type(w) && device >= 0;
        ok = ok && take_order(w, device) && keys_node(w->found, "address") != NULL;
        if (!ok)
                return;
        tag->address = (int)w->raw->address - w->f->address_base[device];
        if (tag->address < 0 || tag->address + codec_words(tag->type) > 65536)
                tool_file_fail_tag(w, "address", "no such register: addresses of '%s' go from %d to %d",
                    w->f->tool->devices[device].name, w->f->address_base[device],
                    65536 - codec_words(tag->type) + w->f->address_base[device]);
        else
                w->more->has_place = true;
}

/* The unit stays NULL where it is missing or unknown: nothing more is said about such a tag's values. */
static void take_unit(struct tool_file_work *w)
{
        const struct yaml_node *node = keys_node(w->found, "unit");
        if (w->tag->is_bit) {
                w->tag->unit = unit_base(UNIT_DIM_NONE);
                if (node)
                        tool_file_fail_tag(w, "unit", "a bit has no unit");
                return;
        }
        if (!node) {
                if (w->more->has_place)
                        tool_file_fail_tag(w, "unit",
                            "'unit' is missing: every value has one (Torr, sccm, degC, rpm ...; none for a "
                            "bare number)");
                return;
        }
        if (strcmp(w->raw->unit, "none") == 0)
                w->tag->unit = unit_base(UNIT_DIM_NONE);
        else if (w->raw->unit[0] && !(w->tag->unit = unit_find(w->raw->unit)))
                tool_file_fail_tag(w, "unit", "'%s' is an unknown unit", w->raw->unit);
}

static void take_scale(struct tool_file_work *w)
{
        w->tag->scale = w->raw->scale;
        w->tag->offset = w->raw->offset;
        if (!(w->raw->scale < 0 || w->raw->scale > 0))
                tool_file_fail_tag(w, "scale", "a scale of 0 makes every value the same");
        if (w->tag->is_bit && (keys_node(w->found, "scale") || keys_node(w->found, "offset")))
                tool_file_fail_tag(w, keys_node(w->found, "scale") ? "scale" : "offset", "a bit has none");
}

static void take_reading(struct tool_file_work *w)
{
        struct tool_tag *tag = w->tag;
        tag->poll_us = w->raw->poll;
        /* Three lost polls and a slow reply are borne. */
        tag->stale_us = w->raw->stale_after > 0 ? w->raw->stale_after : 3 * tag->poll_us + 200 * TIME_MS;
        tag->freeze_us = w->raw->freeze_after;
        if (tag->stale_us < tag->poll_us)
                tool_file_fail_tag(w, "stale_after", "shorter than its poll: it would always be stale");
        if (tag->freeze_us > 0 && tag->freeze_us < 2 * tag->poll_us)
                tool_file_fail_tag(w, "freeze_after", "shorter than two polls: it would always be frozen");
        if (tag->is_bit && w->raw->valid)
                tool_file_fail_tag(w, "valid", "a bit has no range");
        else if (w->raw->valid && tag->unit)
                tag->has_valid = reader_range(
                    &w->f->r, w->raw->valid, "valid", tag->unit, &tag->valid_min, &tag->valid_max);
}

/* Bits are recorded at each change; values at least every 10 s, and when they move by a thousandth of their range. */
static void take_log(struct tool_file_work *w)
{
        struct tool_tag *tag = w->tag;
        struct raw_log raw = {.every = tag->is_bit ? 0 : 10 * TIME_S};
        struct keys_found found;
        tag->log_deadband = tag->has_valid   ? (tag->valid_max - tag->valid_min) / 1000
                            : tag->is_output ? (tag->limit_max - tag->limit_min) / 1000
                                             : 0;
        if (w->raw->log) {
                keys_read(&w->f->r, w->raw->log, &tool_file_log_keys, NULL, &raw, &found);
                if (raw.deadband && tag->is_bit)
                        reader_error(&w->f->r, raw.deadband, "deadband: a bit has none");
                else if (raw.deadband && tag->unit)
                        reader_difference(&w->f->r, raw.deadband, "deadband", tag->unit, &tag->log_deadband);
        }
        tag->log_us = raw.every;
}

static void take_valve(struct tool_file_work *w)
{
        w->tag->is_valve = w->raw->valve && w->tag->is_bit;
        if (w->raw->valve && !w->tag->is_bit && w->more->has_place)
                tool_file_fail_tag(w, "valve", "a valve is a BIT");
}

/* A tag whose channel is unknown: nothing is said that the channel might answer. */
static void leave_unknown(struct tool_file_work *w)
{
        want_device(w->f, w->raw->device);
        w->more->is_unknown = true;
        w->tag->is_output = w->tag->is_output || w->raw->safe || w->raw->failsafe || w->raw->limits;
        w->tag->is_bit = w->tag->is_valve = w->raw->valve;
}

static void read_tag(struct tool_file *f, const struct yaml_node *node)
{
        struct tool_file_raw_tag raw = {
            .type = -1, .order = -1, .access = -1, .scale = 1, .verify = true, .poll = TIME_S};
        struct keys_found found;
        int number = f->tool->tag_count;
        if (!tool_file_has_room(f, node, "tags", number, TOOL_TAGS_MAX))
                return;
        struct tool_tag *tag = &f->tool->tags[number];
        if (!tool_file_take_name(f, node, "tag", tag->name))
                return;
        if (cond_parse_is_reserved(tag->name))
                diag_error(f->r.d, reader_at_key(&f->r, node),
                    "tag: '%s' is a word of the conditions: choose another name", tag->name);
        struct tool_file_work w = {f, tag, &f->tag[number], &raw, &found};
        w.more->node = node;
        tag->line = node->key_line;
        tag->device = TOOL_NONE;
        f->tool->tag_count++;
        bool is_known;
        node = tool_file_use_channel(f, node, &is_known);
        w.more->is_sound = keys_read(&f->r, node, &tool_file_tag_keys, tag->name, &raw, &found) && is_known;
        /* A misspelt `access` was told; nobody writes the key for an input. */
        bool has_access = node->kind == YAML_MAP && keys_node(&found, "access");
        tag->is_output = raw.access == 1 || (has_access && raw.access < 0);
        if (node->kind != YAML_MAP)
                return;
        if (!is_known) {
                leave_unknown(&w);
                return;
        }
        take_place(&w);
        take_unit(&w);
        take_valve(&w);
        take_scale(&w);
        take_reading(&w);
        if (tag->is_output)
                tool_file_read_output(&w);
        else
                tool_file_refuse_output_keys(&w);
        take_log(&w);
}

void tool_file_read_tags(struct tool_file *f, const struct yaml_node *map)
{
        if (!tool_file_want_map(f, map, "tags"))
                return;
        for (const struct yaml_node *n = map->first; n; n = n->next)
                read_tag(f, n);
}
