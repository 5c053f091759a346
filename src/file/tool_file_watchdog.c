/* The watchdog of a device, what its expiry does to the outputs, and the output that it is proven on (SAFETY.md, device-side
 * watchdog and safe values). Kinds of modules differ by these keys alone. */
#include "ald/file/tool_file.h"

#include "ald/base/time.h"     /* TIME_MS */
#include "ald/link/watchmap.h" /* watchmap_drives */

/* The longest device watchdog the safety rules allow, and the shortest feed that the core's turns can keep. */
static const double timeout_max_us = 1e6, feed_min_us = 50e3;

static const struct shape write_shape = {.kind = SHAPE_KEYS, .keys = &tool_file_write_keys};
static const struct shape writes_shape = {
    .kind = SHAPE_LIST, .of = &write_shape, .max = TOOL_WATCHDOG_WRITES_MAX};
static const struct shape status_shape = {.kind = SHAPE_KEYS, .keys = &tool_file_status_keys};

struct raw_watchdog {
        int64_t timeout, feed, time_unit;
        int64_t time_register, trigger_register, status_register, restart_register, counter_register;
        const struct yaml_node *setup, *restart, *status;
        int feed_by, drives;
};

enum { FEED_BY_CHANGE, FEED_BY_REPEAT };
static const struct key_word feeds[] = {{"change", FEED_BY_CHANGE}, {"repeat", FEED_BY_REPEAT}, {NULL, 0}};
static const struct key_word drives[] = {{"low", TOOL_DRIVES_LOW}, {"safe", TOOL_DRIVES_SAFE},
    {"high", TOOL_DRIVES_HIGH}, {"hold", TOOL_DRIVES_HOLD}, {NULL, 0}};

static const struct key watchdog_rows[] = {
    {"timeout", KEY_TIME, true, KEY_AT(struct raw_watchdog, timeout), .min = 1, .max = 1e12,
        .help = "unfed for this long, the module drives its outputs safe; at most 1 s"},
    {"feed", KEY_TIME, false, KEY_AT(struct raw_watchdog, feed), .min = 1, .max = 1e12,
        .help = "how often it is fed; at most a third of the timeout"},
    {"time_register", KEY_INT, true, KEY_AT(struct raw_watchdog, time_register), .max = 65536,
        .help = "holding register of the timeout"},
    {"time_unit", KEY_TIME, true, KEY_AT(struct raw_watchdog, time_unit), .min = 1, .max = 1e6,
        .help = "what one count of the timeout means"},
    {"trigger_register", KEY_INT, true, KEY_AT(struct raw_watchdog, trigger_register), .max = 65536,
        .help = "holding register that is written to feed"},
    {"feed_by", KEY_WORD, false, KEY_AT(struct raw_watchdog, feed_by), .words = feeds,
        .help = "change: the trigger's word must change; repeat: any write feeds"},
    {"setup", KEY_NODE, false, KEY_NODE_AT(struct raw_watchdog, setup), .holds = &writes_shape,
        .help = "what must stand in the module before: [{register: N, value: N}]"},
    {"status_register", KEY_INT, false, KEY_AT(struct raw_watchdog, status_register), .max = 65536,
        .help = "holding register of its status"},
    {"status", KEY_NODE, false, KEY_NODE_AT(struct raw_watchdog, status), .holds = &status_shape,
        .help = "what the status means: {off, running, expired, mask}"},
    {"counter_register", KEY_INT, false, KEY_AT(struct raw_watchdog, counter_register), .max = 65536,
        .help = "holding register that counts its events"},
    {"restart", KEY_NODE, false, KEY_NODE_AT(struct raw_watchdog, restart), .holds = &writes_shape,
        .help = "writes that re-arm it after expiry: [{register: N, value: N}]"},
    {"restart_register", KEY_INT, false, KEY_AT(struct raw_watchdog, restart_register), .max = 65536,
        .help = "short for a restart of one write of 1"},
    {"drives", KEY_WORD, false, KEY_AT(struct raw_watchdog, drives), .words = drives,
        .help = "what expiry does to the outputs: low, safe, high or hold"},
};
const struct keys tool_file_watchdog_keys = KEYS("watchdog", watchdog_rows);

struct raw_write {
        int64_t address, value;
};
static const struct key write_rows[] = {
    {"register", KEY_INT, true, KEY_AT(struct raw_write, address), .max = 65536, .help = "holding register"},
    {"value", KEY_INT, true, KEY_AT(struct raw_write, value), .max = 65535, .help = "its word"},
};
const struct keys tool_file_write_keys = KEYS("register", write_rows);

struct raw_status {
        int64_t off, running, expired, mask;
};
static const struct key status_rows[] = {
    {"off", KEY_INT, false, KEY_AT(struct raw_status, off), .max = 65535, .help = "it does not watch"},
    {"running", KEY_INT, false, KEY_AT(struct raw_status, running), .max = 65535, .help = "it watches"},
    {"expired", KEY_INT, false, KEY_AT(struct raw_status, expired), .max = 65535, .help = "it has acted"},
    {"mask", KEY_INT, false, KEY_AT(struct raw_status, mask), .min = 1, .max = 65535,
        .help = "the bits that tell"},
};
const struct keys tool_file_status_keys = KEYS("status", status_rows);

static void check_times(struct tool_file *f, struct tool_watchdog *w, const struct keys_found *found)
{
        const struct yaml_node *timeout = keys_node(found, "timeout"), *feed = keys_node(found, "feed");
        if ((double)w->timeout_us > timeout_max_us)
                reader_error(&f->r, timeout,
                    "timeout: '%s' is too long: a watchdog may take at most 1 s to close its outputs",
                    timeout->text);
        if (w->timeout_us % w->time_unit_us != 0 || w->timeout_us / w->time_unit_us > 65535)
                reader_error(&f->r, timeout, "timeout: '%s' is not a whole number (up to 65535) of time_unit",
                    timeout->text);
        if (w->feed_us > w->timeout_us / 3)
                reader_error(&f->r, feed ? feed : timeout,
                    "feed: must be at most a third of the timeout, so that two lost feeds close nothing");
        if ((double)w->feed_us < feed_min_us)
                reader_error(&f->r, feed ? feed : timeout,
                    "feed: below 50 ms: the turns that feed come every 50 ms (a shorter timeout cannot be "
                    "kept)");
}

/* A list of writes; returns how many were read. */
static int take_writes(struct tool_file *f, const struct yaml_node *list, const char *key, int base,
    struct tool_register_value *out)
{
        int count = 0;
        if (list->kind != YAML_LIST) {
                reader_error(&f->r, list, "%s: takes a list: [{register: 0x1001, value: 0x8000}]", key);
                return 0;
        }
        for (const struct yaml_node *n = list->first; n; n = n->next) {
                struct raw_write raw = {0};
                struct keys_found found;
                if (count == TOOL_WATCHDOG_WRITES_MAX) {
                        reader_error(&f->r, n, "%s: at most %d writes", key, TOOL_WATCHDOG_WRITES_MAX);
                        break;
                }
                if (!keys_read(&f->r, n, &tool_file_write_keys, NULL, &raw, &found))
                        continue;
                out[count].address =
                    tool_file_take_register(f, keys_node(&found, "register"), "register", raw.address, base);
                out[count++].value = (uint16_t)raw.value;
        }
        return count;
}

static void take_status(struct tool_file *f, const struct yaml_node *node, struct tool_watchdog *w)
{
        struct raw_status raw = {TOOL_WATCHDOG_OFF, TOOL_WATCHDOG_RUNNING, TOOL_WATCHDOG_EXPIRED, 0xffff};
        struct keys_found found;
        if (node && !keys_read(&f->r, node, &tool_file_status_keys, NULL, &raw, &found))
                return;
        w->status.off = (uint16_t)raw.off;
        w->status.running = (uint16_t)raw.running;
        w->status.expired = (uint16_t)raw.expired;
        w->status.mask = (uint16_t)raw.mask;
        if (!node)
                return;
        if (w->status_register < 0)
                reader_error(&f->r, node, "status: needs a status_register");
        if (raw.off == raw.running || raw.off == raw.expired || raw.running == raw.expired)
                reader_error(&f->r, node, "status: off, running and expired must differ");
        if (((raw.off | raw.running | raw.expired) & ~raw.mask) != 0)
                reader_error(&f->r, node, "status: off, running and expired must lie within the mask");
}

static void take_restart(struct tool_file *f, const struct raw_watchdog *raw, const struct keys_found *found,
    int base, struct tool_watchdog *w)
{
        const struct yaml_node *one = keys_node(found, "restart_register");
        if (raw->restart)
                w->restart_count = take_writes(f, raw->restart, "restart", base, w->restart);
        if (!one)
                return;
        if (raw->restart)
                reader_error(
                    &f->r, one, "restart_register: is short for a restart of one write: give one of them");
        w->restart[0] = (struct tool_register_value){
            .address = tool_file_take_register(f, one, "restart_register", raw->restart_register, base),
            .value = 1};
        w->restart_count = 1;
}

static int take_optional(
    struct tool_file *f, const struct keys_found *found, const char *key, int64_t address, int base)
{
        const struct yaml_node *node = keys_node(found, key);
        return node ? tool_file_take_register(f, node, key, address, base) : TOOL_NONE;
}

/* What cannot tell that it expired is no watchdog that anybody could rely on; and a feed must do nothing else. */
static void check_kind(struct tool_file *f, const struct yaml_node *node, const struct keys_found *found,
    const struct tool_watchdog *w)
{
        if (w->status_register < 0 && w->counter_register < 0 && w->restart_count == 0)
                diag_error(f->r.d, reader_at_key(&f->r, node),
                    "watchdog: nothing tells that it expired: give status_register, counter_register, or the "
                    "restart of a module that latches");
        if (!w->feeds_by_repeat)
                return;
        bool is_used = w->trigger_register == w->time_register;
        for (int i = 0; i < w->setup_count; i++)
                is_used = is_used || w->trigger_register == w->setup[i].address;
        for (int i = 0; i < w->restart_count; i++)
                is_used = is_used || w->trigger_register == w->restart[i].address;
        if (is_used)
                reader_error(&f->r, keys_node(found, "trigger_register"),
                    "trigger_register: is written 0 by every feed: name a register that does nothing else");
}

void tool_file_read_watchdog(
    struct tool_file *f, const struct yaml_node *node, struct tool_device *device, int base)
{
        struct raw_watchdog raw = {0};
        struct keys_found found;
        struct tool_watchdog *w = &device->watchdog;
        w->present =
            true; /* meant to be there, even when it is broken: no further complaint of its absence */
        w->status_register = w->counter_register = TOOL_NONE;
        if (!keys_read(&f->r, node, &tool_file_watchdog_keys, NULL, &raw, &found))
                return;
        w->time_register = tool_file_take_register(
            f, keys_node(&found, "time_register"), "time_register", raw.time_register, base);
        w->trigger_register = tool_file_take_register(
            f, keys_node(&found, "trigger_register"), "trigger_register", raw.trigger_register, base);
        w->status_register = take_optional(f, &found, "status_register", raw.status_register, base);
        w->counter_register = take_optional(f, &found, "counter_register", raw.counter_register, base);
        w->feeds_by_repeat = raw.feed_by == FEED_BY_REPEAT;
        w->drives = (enum tool_drives)raw.drives;
        if (raw.setup)
                w->setup_count = take_writes(f, raw.setup, "setup", base, w->setup);
        take_restart(f, &raw, &found, base, w);
        take_status(f, raw.status, w);
        w->time_unit_us = raw.time_unit;
        w->timeout_us = raw.timeout;
        w->feed_us = raw.feed > 0 ? raw.feed : raw.timeout / 4;
        check_times(f, w, &found);
        check_kind(f, node, &found, w);
}

/* ---- Once tags, equipment and interlocks are known ---- */

static const char *drives_word(enum tool_drives value)
{
        for (const struct key_word *k = drives; k->name; k++)
                if (k->value == (int)value)
                        return k->name;
        return "";
}

static struct diag_at failsafe_place(const struct tool_file *f, int tag)
{
        const struct yaml_node *node = f->tag[tag].node;
        const struct yaml_node *at = node->kind == YAML_MAP ? yaml_node_get(node, "failsafe") : NULL;
        return at ? reader_at(&f->r, at) : reader_at_key(&f->r, node);
}

/* A fail-safe that opens is none (SAFETY F2): where it can be told from the file it is refused by name. An output that doses
 * nothing is told where the file says outright what expiry does. */
static void check_drives(struct tool_file *f, int number)
{
        const struct tool_tag *tag = &f->tool->tags[number];
        const struct tool_device *device = &f->tool->devices[tag->device];
        const struct tool_watchdog *w = &device->watchdog;
        double value = 0;
        bool is_driven = watchmap_drives(w, tag, &value);
        if (tag->class == TOOL_CLASS_PRECURSOR && tag->safe > 0)
                return; /* told with its line */
        if (tag->failsafe != TOOL_FAILSAFE_WATCHDOG || w->timeout_us == 0 || !f->tag[number].has_safe ||
            (is_driven && !(value < tag->safe) && !(value > tag->safe)))
                return;
        if (tag->class != TOOL_CLASS_PLAIN)
                diag_error(f->r.d, failsafe_place(f, number),
                    "tag '%s': the watchdog of '%s' drives its outputs %s, which is not its safe value: "
                    "accepted are "
                    "another module, a watchdog that drives low or safe, or device_timed",
                    tag->name, device->name, drives_word(w->drives));
        else if (w->drives != TOOL_DRIVES_LOW)
                diag_warning(f->r.d, failsafe_place(f, number),
                    "tag '%s': the watchdog of '%s' with `drives: %s` does not bring it to its safe value",
                    tag->name, device->name, drives_word(w->drives));
}

/* Is anything that doses left to this watchdog? */
static int find_relying(const struct tool *tool, int device)
{
        for (int i = 0; i < tool->tag_count; i++) {
                const struct tool_tag *tag = &tool->tags[i];
                if (tag->is_output && tag->device == device && tag->class != TOOL_CLASS_PLAIN &&
                    tag->failsafe == TOOL_FAILSAFE_WATCHDOG)
                        return i;
        }
        return TOOL_NONE;
}

static bool is_in_equipment(const struct tool *tool, int tag)
{
        if (tag == tool->pump_run || tool_find_line_of_valve(tool, tag) >= 0)
                return true;
        for (int i = 0; i < tool->valve_count; i++)
                if (tool->valves[i].tag == tag)
                        return true;
        return false;
}

static bool is_in_interlock(const struct tool *tool, int tag)
{
        for (int i = 0; i < tool->interlock_count; i++) {
                const struct tool_interlock *lock = &tool->interlocks[i];
                for (int k = 0; k < lock->output_count; k++)
                        if (lock->outputs[k] == tag)
                                return true;
                for (int k = 0; k < lock->set_count; k++)
                        if (lock->set[k].tag == tag)
                                return true;
        }
        return false;
}

/* It goes on and falls at every start: it must be harmless, and show that it did. NULL: it is. */
static const char *find_unfit(const struct tool *tool, int device, int number)
{
        const struct tool_tag *tag = &tool->tags[number];
        if (!tool->devices[device].watchdog.present)
                return "the device has no watchdog to prove";
        if (!tag->is_output || tag->device != device)
                return "it must be an output of this device";
        if (tag->reg != TOOL_COIL || tag->safe > 0 || !tag->verify)
                return "it must be a coil that is safe off and read back";
        if (is_in_equipment(tool, number) || tag->class != TOOL_CLASS_PLAIN)
                return "it must be no part of the equipment: the proof lets it go on and fall at every start";
        if (is_in_interlock(tool, number))
                return "it must stand in no interlock: the proof lets it go on and fall at every start";
        if (tool->devices[device].watchdog.drives != TOOL_DRIVES_LOW &&
            tool->devices[device].watchdog.drives != TOOL_DRIVES_SAFE)
                return "the device's watchdog drives no output off: there is no fall to time";
        return NULL;
}

static void take_proof(struct tool_file *f, int device)
{
        struct tool_device *d = &f->tool->devices[device];
        const struct yaml_node *node = f->proof_node[device];
        int relying = find_relying(f->tool, device);
        if (!node) {
                if (relying >= 0 &&
                    d->watchdog.timeout_us > 0) /* what is broken or missing is told already */
                        diag_warning(f->r.d, reader_at_key(&f->r, f->device_node[device]),
                            "device '%s': %s relies on its watchdog, which nothing proves: runs will be "
                            "refused; "
                            "declare a harmless coil as proof_output",
                            d->name, f->tool->tags[relying].name);
                return;
        }
        int tag = tool_file_want_tag(f, node, "proof_output");
        if (tag < 0 || !f->tag[tag].is_sound)
                return;
        const char *why = find_unfit(f->tool, device, tag);
        if (why)
                reader_error(
                    &f->r, node, "proof_output: '%s' does not fit: %s", f->tool->tags[tag].name, why);
        else
                d->proof_output = (int16_t)tag;
}

void tool_file_check_watchdogs(struct tool_file *f)
{
        for (int i = 0; i < f->tool->tag_count; i++)
                if (f->tool->tags[i].is_output && f->tool->tags[i].device >= 0)
                        check_drives(f, i);
        for (int i = 0; i < f->tool->device_count; i++)
                take_proof(f, i);
}
