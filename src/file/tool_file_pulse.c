/* Modules that time pulses themselves: the key `pulse` of an output, and what else must be so for it. */
#include "ald/base/time.h"          /* time_add_duration, time_nearest */
#include "ald/file/tool_file_tag.h" /* struct tool_file_work */
#include "ald/link/codec.h"         /* codec_words */
#include "ald/link/timed.h"         /* timed_width_max_us */
#include "ald/link/watchmap.h"      /* watchmap_has */

static const struct shape one_shape = {.kind = SHAPE_KEYS, .keys = &tool_file_setup_keys};
static const struct shape setup_shape = {.kind = SHAPE_LIST, .of = &one_shape, .max = TOOL_PULSE_SETUP_MAX};

struct raw_pulse {
        const struct yaml_node *setup;
        int64_t width_register, width_unit, start_register, start_value, count_register;
        int width_type, width_order;
};

static const struct key_word width_types[] = {{"UINT16", TOOL_UINT16}, {"UINT32", TOOL_UINT32}, {NULL, 0}};

static const struct key pulse_rows[] = {
    {"width_register", KEY_INT, true, KEY_AT(struct raw_pulse, width_register), .max = 65536,
        .help = "holding register of the width"},
    {"width_type", KEY_WORD, true, KEY_AT(struct raw_pulse, width_type), .words = width_types,
        .help = "of the width"},
    {"width_unit", KEY_TIME, true, KEY_AT(struct raw_pulse, width_unit), .min = 1, .max = 1e6,
        .help = "what one count of the width means"},
    {"width_order", KEY_WORD, false, KEY_AT(struct raw_pulse, width_order), .words = tool_file_orders,
        .help = "of a width of two registers"},
    {"setup", KEY_NODE, false, KEY_NODE_AT(struct raw_pulse, setup), .holds = &setup_shape,
        .help = "what has to stand in other registers: a list of {register: N, value: N}"},
    {"start_register", KEY_INT, true, KEY_AT(struct raw_pulse, start_register), .max = 65536,
        .help = "holding register that starts a pulse"},
    {"start_value", KEY_INT, true, KEY_AT(struct raw_pulse, start_value), .max = 65535,
        .help = "what is written there"},
    {"count_register", KEY_INT, false, KEY_AT(struct raw_pulse, count_register), .max = 65536,
        .help = "holding register that counts the pulses put out"},
};
const struct keys tool_file_pulse_keys = KEYS("pulse", pulse_rows);

struct raw_setup {
        int64_t reg, value;
};
static const struct key setup_rows[] = {
    {"register", KEY_INT, true, KEY_AT(struct raw_setup, reg), .max = 65536, .help = "holding register"},
    {"value", KEY_INT, true, KEY_AT(struct raw_setup, value), .max = 65535, .help = "what stands in it"},
};
const struct keys tool_file_setup_keys = KEYS("setup", setup_rows);

/* ---- Reading ---- */

/* A holding register's address on the wire; `words` of them exist. */
static bool take_register(const struct tool_file_work *w, const struct keys_found *found, const char *key,
    int64_t address, int words, int *reg)
{
        int base = w->f->address_base[w->tag->device];
        bool ok = address >= base && address - base + words <= 65536;
        if (!ok)
                reader_error(&w->f->r, keys_node(found, key), "%s: addresses go from %d to %d here", key,
                    base, 65536 - words + base);
        *reg = (int)address - base;
        return ok;
}

static bool read_setup(const struct tool_file_work *w, const struct yaml_node *list, struct tool_pulse *pulse)
{
        bool ok = list->kind == YAML_LIST && list->count <= TOOL_PULSE_SETUP_MAX;
        if (!ok)
                reader_error(&w->f->r, list, "setup: takes a list of at most %d {register: N, value: N}",
                    TOOL_PULSE_SETUP_MAX);
        for (const struct yaml_node *n = ok ? list->first : NULL; n; n = n->next) {
                struct raw_setup raw = {0};
                struct keys_found found;
                if (!keys_read(&w->f->r, n, &tool_file_setup_keys, NULL, &raw, &found)) {
                        ok = false;
                        continue;
                }
                ok =
                    take_register(w, &found, "register", raw.reg, 1, &pulse->setup[pulse->setup_count].reg) &&
                    ok;
                pulse->setup[pulse->setup_count++].value = (uint16_t)raw.value;
        }
        return ok;
}

static bool take_order(const struct tool_file_work *w, const struct raw_pulse *raw, struct tool_pulse *pulse)
{
        int order = raw->width_order >= 0 ? raw->width_order : w->f->order[w->tag->device];
        pulse->width_order = order < 0 ? TOOL_ORDER_ABCD : (enum tool_byte_order)order;
        if (order >= 0 || codec_words(pulse->width_type) == 1)
                return true;
        tool_file_fail_tag(w, "pulse",
            "its width takes two registers: give 'width_order' here or 'byte_order' at its device");
        return false;
}

static bool take_registers(const struct tool_file_work *w, const struct keys_found *found,
    const struct raw_pulse *raw, struct tool_pulse *pulse)
{
        int words = codec_words(pulse->width_type);
        bool ok =
            take_register(w, found, "width_register", raw->width_register, words, &pulse->width_register);
        ok = take_register(w, found, "start_register", raw->start_register, 1, &pulse->start_register) && ok;
        pulse->count_register = TOOL_NONE;
        if (keys_node(found, "count_register"))
                ok = take_register(
                         w, found, "count_register", raw->count_register, 1, &pulse->count_register) &&
                     ok;
        if (raw->setup)
                ok = read_setup(w, raw->setup, pulse) && ok;
        return ok;
}

void tool_file_read_pulse(struct tool_file_work *w)
{
        struct raw_pulse raw = {.width_order = -1};
        struct tool_pulse *pulse = &w->tag->pulse;
        struct keys_found found;
        w->more->has_pulse = w->raw->pulse != NULL;
        if (!w->raw->pulse ||
            !keys_read(&w->f->r, w->raw->pulse, &tool_file_pulse_keys, NULL, &raw, &found) ||
            !w->more->has_place)
                return;
        if (w->tag->reg != TOOL_COIL) {
                tool_file_fail_tag(w, "pulse", "a module times the pulses of a coil");
                return;
        }
        pulse->width_type = (enum tool_type)raw.width_type;
        pulse->width_unit_us = raw.width_unit;
        pulse->start_value = (uint16_t)raw.start_value;
        bool ok = take_order(w, &raw, pulse);
        pulse->present = take_registers(w, &found, &raw, pulse) && ok;
}

/* ---- Checks ---- */

static void fail(const struct tool_file *f, int tag, const char *key, const char *what)
{
        const struct yaml_node *node = f->tag[tag].node, *at = yaml_node_get(node, key);
        diag_error(f->r.d, at ? reader_at(&f->r, at) : reader_at_key(&f->r, node), "tag '%s': %s",
            f->tool->tags[tag].name, what);
}

/* A time that the register cannot hold, with those next to it that it can. */
void tool_file_add_widths(struct text *t, const struct tool_pulse *pulse, int64_t us)
{
        int64_t low_us = us - us % pulse->width_unit_us, most_us = timed_width_max_us(pulse);
        text_add(t, "its module counts in steps of ");
        time_add_duration(t, pulse->width_unit_us);
        if (us > most_us) {
                text_add(t, " up to ");
                time_add_duration(t, most_us);
                return;
        }
        text_add(t, ": ");
        if (low_us > 0) {
                time_add_duration(t, low_us);
                text_add(t, " and ");
        }
        time_add_duration(t, low_us + pulse->width_unit_us);
        text_add(t, low_us > 0 ? " fit" : " fits");
}

static void check_time(const struct tool_file *f, int tag, const char *key, const char *name, int64_t us)
{
        const struct tool_pulse *pulse = &f->tool->tags[tag].pulse;
        char buf[240];
        struct text t;
        if (us % pulse->width_unit_us == 0 && us <= timed_width_max_us(pulse))
                return;
        text_init(&t, buf, sizeof buf);
        text_add(&t, "%s of ", name);
        time_add_duration(&t, us);
        text_add(&t, " cannot be put out: ");
        tool_file_add_widths(&t, pulse, us);
        fail(f, tag, key, buf);
}

/* One register that a pulse uses. */
struct use {
        int reg;
        bool is_setup;
        uint16_t value;
};
enum { USES_MAX = 4 + TOOL_PULSE_SETUP_MAX };

static int list_uses(const struct tool_pulse *p, struct use use[USES_MAX])
{
        int n = 0;
        for (int i = 0; i < codec_words(p->width_type); i++)
                use[n++] = (struct use){.reg = p->width_register + i};
        use[n++] = (struct use){.reg = p->start_register};
        if (p->count_register != TOOL_NONE)
                use[n++] = (struct use){.reg = p->count_register};
        for (int i = 0; i < p->setup_count; i++)
                use[n++] = (struct use){p->setup[i].reg, true, p->setup[i].value};
        return n;
}

/* Channels may share what is set up, as long as they agree on it. */
static bool clash(const struct use *a, const struct use *b)
{
        return a->reg == b->reg && !(a->is_setup && b->is_setup && a->value == b->value);
}

static bool is_tags(const struct tool_file *f, int device, int reg, int *by)
{
        for (*by = 0; *by < f->tool->tag_count; (*by)++) {
                const struct tool_tag *t = &f->tool->tags[*by];
                if (f->tag[*by].has_place && t->device == device && t->reg == TOOL_HOLDING &&
                    reg >= t->address && reg < t->address + codec_words(t->type))
                        return true;
        }
        return false;
}

/* Does a register of its pulses serve something else? *by: whose it is, for the message. */
static bool find_clash(const struct tool_file *f, int tag, const char **by)
{
        const struct tool_tag *t = &f->tool->tags[tag];
        struct use mine[USES_MAX], theirs[USES_MAX];
        int n = list_uses(&t->pulse, mine), owner;
        *by = t->name;
        for (int i = 0; i < n; i++) {
                for (int k = 0; k < i; k++)
                        if (clash(&mine[i], &mine[k]))
                                return true;
                if (is_tags(f, t->device, mine[i].reg, &owner)) {
                        *by = f->tool->tags[owner].name;
                        return true;
                }
        }
        for (int j = 0; j < tag; j++) {
                const struct tool_tag *other = &f->tool->tags[j];
                int m =
                    other->pulse.present && other->device == t->device ? list_uses(&other->pulse, theirs) : 0;
                *by = other->name;
                for (int i = 0; i < n * m; i++)
                        if (clash(&mine[i / m], &theirs[i % m]))
                                return true;
        }
        *by = f->tool->devices[t->device].name;
        for (int i = 0; i < n; i++)
                if (f->tool->devices[t->device].watchdog.present &&
                    watchmap_has(&f->tool->devices[t->device].watchdog, mine[i].reg))
                        return true;
        return false;
}

static void check_registers(const struct tool_file *f, int tag)
{
        const char *by;
        char buf[160];
        struct text t;
        if (!find_clash(f, tag, &by))
                return;
        text_init(&t, buf, sizeof buf);
        text_add(&t, "pulse: one of its registers has another use already, by '%s'", by);
        fail(f, tag, "pulse", buf);
}

void tool_file_check_pulses(struct tool_file *f)
{
        const struct tool *tool = f->tool;
        for (int i = 0; i < tool->tag_count; i++) {
                const struct tool_tag *t = &tool->tags[i];
                if (!t->pulse.present)
                        continue;
                check_registers(f, i);
                if (t->class != TOOL_CLASS_PRECURSOR)
                        fail(f, i, "pulse",
                            "'pulse' is for the valve of a precursor line: nothing else is dosed");
                if (f->tag[i].has_max_open)
                        check_time(f, i, "max_open", "max_open", t->max_open_us);
        }
        for (int i = 0; i < tool->line_count; i++)
                if (tool->tags[tool->lines[i].valve].pulse.present)
                        check_time(f, tool->lines[i].valve, "pulse", "the min_pulse of its precursor line",
                            tool->lines[i].pulse_us_min);
}
