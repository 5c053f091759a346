/* Links and devices of a tool file; a device's watchdog is read by tool_file_watchdog.c. */
#include "ald/file/tool_file.h"

#include "ald/base/time.h" /* TIME_MS */
#include "ald/file/file.h" /* file_link_address */

static const struct key_word schemes[] = {{"tcp://", TOOL_LINK_TCP}, {"rtu://", TOOL_LINK_RTU}, {NULL, 0}};
static const struct shape address_shape = {.kind = SHAPE_BEGIN, .words = schemes};

struct raw_link {
        char connect[128];
        int64_t timeout, baud, stop_bits, retry_min, retry_max;
        int parity;
};

static const struct key_word parities[] = {{"none", 'N'}, {"even", 'E'}, {"odd", 'O'}, {NULL, 0}};

static const struct key link_rows[] = {
    {"connect", KEY_WORDS, true, KEY_AT(struct raw_link, connect), .holds = &address_shape,
        .help = "tcp://HOST:PORT or rtu:///dev/PATH"},
    {"timeout", KEY_TIME, false, KEY_AT(struct raw_link, timeout), .min = 10e3, .max = 5e6,
        .help = "response timeout of a call"},
    {"baud", KEY_INT, false, KEY_AT(struct raw_link, baud), .min = 1200, .max = 921600,
        .help = "RTU: bits a second"},
    {"parity", KEY_WORD, false, KEY_AT(struct raw_link, parity), .words = parities, .help = "RTU: parity"},
    {"stop_bits", KEY_INT, false, KEY_AT(struct raw_link, stop_bits), .min = 1, .max = 2,
        .help = "RTU: stop bits"},
    {"retry", KEY_TIME, false, KEY_AT(struct raw_link, retry_min), .min = 10e3, .max = 60e6,
        .help = "first pause between attempts to connect"},
    {"retry_max", KEY_TIME, false, KEY_AT(struct raw_link, retry_max), .min = 10e3, .max = 600e6,
        .help = "longest pause between attempts to connect"},
};
const struct keys tool_file_link_keys = KEYS("link", link_rows);

static void read_link(struct tool_file *f, const struct yaml_node *node)
{
        struct raw_link raw = {.timeout = 300 * TIME_MS,
            .baud = 19200,
            .parity = 'E',
            .stop_bits = 1,
            .retry_min = 100 * TIME_MS,
            .retry_max = 5 * TIME_S};
        struct keys_found found;
        if (!tool_file_has_room(f, node, "links", f->tool->link_count, TOOL_LINKS_MAX))
                return;
        struct tool_link *link = &f->tool->links[f->tool->link_count];
        if (!tool_file_take_name(f, node, "link", link->name))
                return;
        f->tool->link_count++;
        keys_read(&f->r, node, &tool_file_link_keys, link->name, &raw, &found);
        const struct yaml_node *connect = keys_node(&found, "connect");
        /* An address that could not be read is told already; one without a byte was read. */
        bool is_read = raw.connect[0] || (connect && connect->text && !connect->text[0]);
        if (is_read && !file_link_address(link, raw.connect))
                reader_error(&f->r, connect, "connect: '%s' is neither tcp://HOST:PORT nor rtu:///dev/PATH",
                    raw.connect);
        link->timeout_us = raw.timeout;
        link->baud = (int)raw.baud;
        link->parity = (char)raw.parity;
        link->stop_bits = (int)raw.stop_bits;
        link->backoff_us_min = raw.retry_min;
        link->backoff_us_max = raw.retry_max < raw.retry_min ? raw.retry_min : raw.retry_max;
        link->line = node->key_line;
}

void tool_file_read_links(struct tool_file *f, const struct yaml_node *map)
{
        if (!tool_file_want_map(f, map, "links"))
                return;
        for (const struct yaml_node *n = map->first; n; n = n->next)
                read_link(f, n);
        if (map->count == 0)
                reader_error(&f->r, map, "links: a tool needs at least one");
}

int tool_file_take_register(
    struct tool_file *f, const struct yaml_node *node, const char *key, int64_t address, int base)
{
        if (address < base || address - base > 65535)
                reader_error(&f->r, node, "%s: addresses go from %d to %d here", key, base, 65535 + base);
        return (int)address - base;
}

struct raw_signature {
        int reg;
        int64_t address, value;
};

static const struct key_word signature_tables[] = {
    {"input", TOOL_INPUT}, {"holding", TOOL_HOLDING}, {NULL, 0}};

static const struct key signature_rows[] = {
    {"register", KEY_WORD, true, KEY_AT(struct raw_signature, reg), .words = signature_tables,
        .help = "table it stands in"},
    {"address", KEY_INT, true, KEY_AT(struct raw_signature, address), .max = 65536, .help = "its register"},
    {"value", KEY_INT, true, KEY_AT(struct raw_signature, value), .max = 65535,
        .help = "what it always reads"},
};
const struct keys tool_file_signature_keys = KEYS("signature", signature_rows);

static void read_signature(
    struct tool_file *f, const struct yaml_node *node, struct tool_device *device, int base)
{
        struct raw_signature raw = {0};
        struct keys_found found;
        if (!keys_read(&f->r, node, &tool_file_signature_keys, NULL, &raw, &found))
                return;
        device->signature = (struct tool_signature){.present = true,
            .reg = (enum tool_register)raw.reg,
            .address = tool_file_take_register(f, keys_node(&found, "address"), "address", raw.address, base),
            .value = (uint16_t)raw.value};
}

static const struct shape signature_shape = {.kind = SHAPE_KEYS, .keys = &tool_file_signature_keys};
static const struct shape watchdog_shape = {.kind = SHAPE_KEYS, .keys = &tool_file_watchdog_keys};

struct raw_device {
        const struct yaml_node *link, *poll_link, *signature, *watchdog, *proof_output;
        int64_t slave_id, address_base, read_max, pause, answer, worst_answer;
        int byte_order;
        int write;
        char profile[TOOL_NAME_MAX];
};

static const struct key_word writes[] = {{"single", 0}, {"multiple", 1}, {NULL, 0}};
static const struct key_word orders[] = {{"ABCD", TOOL_ORDER_ABCD}, {"CDAB", TOOL_ORDER_CDAB},
    {"BADC", TOOL_ORDER_BADC}, {"DCBA", TOOL_ORDER_DCBA}, {NULL, 0}};

static const struct key device_rows[] = {
    {"profile", KEY_NAME, false, KEY_AT(struct raw_device, profile), .is_own = true,
        .help = "file of its kind, whose keys are the defaults of these"},
    {"link", KEY_NODE, true, KEY_NODE_AT(struct raw_device, link), .is_own = true, .holds = &shape_name,
        .help = "link for writes"},
    {"poll_link", KEY_NODE, false, KEY_NODE_AT(struct raw_device, poll_link), .is_own = true,
        .holds = &shape_name, .help = "link for reads"},
    {"slave_id", KEY_INT, true, KEY_AT(struct raw_device, slave_id), .max = 255,
        .help = "Modbus unit, 1 to 247"},
    {"address_base", KEY_INT, true, KEY_AT(struct raw_device, address_base), .max = 1,
        .help = "0: addresses as on the wire; 1: the manual counts from 1"},
    {"byte_order", KEY_WORD, false, KEY_AT(struct raw_device, byte_order), .words = orders,
        .help = "of values of several registers"},
    {"write", KEY_WORD, false, KEY_AT(struct raw_device, write), .words = writes,
        .help = "multiple: takes functions 15 and 16 only"},
    {"read_max", KEY_INT, false, KEY_AT(struct raw_device, read_max), .min = 1, .max = 125,
        .help = "registers in one read"},
    {"pause_between_requests", KEY_TIME, false, KEY_AT(struct raw_device, pause), .max = 1e6,
        .help = "rest that the unit needs"},
    {"answer", KEY_TIME, false, KEY_AT(struct raw_device, answer), .min = 1, .max = 5e6,
        .help = "how long the unit typically takes to answer; for the bus load"},
    {"worst_answer", KEY_TIME, false, KEY_AT(struct raw_device, worst_answer), .min = 1e3, .max = 60e6,
        .help = "RTU: the latest that an answer may still come"},
    {"signature", KEY_NODE, false, KEY_NODE_AT(struct raw_device, signature), .holds = &signature_shape,
        .help = "a register that always reads the same"},
    {"watchdog", KEY_NODE, false, KEY_NODE_AT(struct raw_device, watchdog), .holds = &watchdog_shape,
        .help = "of its outputs"},
    {"proof_output", KEY_NODE, false, KEY_NODE_AT(struct raw_device, proof_output), .is_own = true,
        .holds = &shape_name, .help = "a harmless coil that shows at each start that the watchdog acts"},
};
const struct keys tool_file_device_keys = KEYS_WITH("device", device_rows, NULL, "profile");

static const char *link_at(const void *ctx, size_t i)
{
        return ((const struct tool *)ctx)->links[i].name;
}

static int want_link(struct tool_file *f, const struct yaml_node *node, const char *what)
{
        const char *name = reader_text(&f->r, node, what);
        if (!name)
                return TOOL_NONE;
        int link = tool_find_link(f->tool, name);
        if (link < 0)
                reader_unknown(&f->r, reader_at(&f->r, node), what, "link", name, link_at, f->tool,
                    (size_t)f->tool->link_count);
        return link;
}

static bool is_on_line(const struct tool *tool, const struct tool_device *d, int link)
{
        return link >= 0 && tool->links[link].kind == TOOL_LINK_RTU &&
               (d->link == link || d->poll_link == link);
}

/* Would two devices of one number be one unit? On a serial line also where one is only read and the other only written: what
 * is believed of a reply hangs on all that its unit was asked (link/quarantine.h). */
static bool share_link(const struct tool *tool, const struct tool_device *a, const struct tool_device *b)
{
        return (a->link == b->link && a->link >= 0) || is_on_line(tool, b, a->link) ||
               is_on_line(tool, b, a->poll_link);
}

static void check_slave(struct tool_file *f, const struct tool_device *device, const struct yaml_node *node)
{
        bool is_tcp = device->link >= 0 && f->tool->links[device->link].kind == TOOL_LINK_TCP &&
                      device->poll_link >= 0 && f->tool->links[device->poll_link].kind == TOOL_LINK_TCP;
        if (node && (device->slave_id == 0 || device->slave_id > 247) &&
            !(is_tcp && (device->slave_id == 0 || device->slave_id == 255)))
                reader_error(&f->r, node, "slave_id: takes 1 to 247 (on TCP also 0 and 255)");
        for (const struct tool_device *other = f->tool->devices; node && other < device; other++)
                if (other->slave_id == device->slave_id && share_link(f->tool, device, other))
                        reader_error(&f->r, node,
                            "slave_id: '%s' has the same unit on the same link (line %d)", other->name,
                            other->line);
}

/* What was given; NULL where nothing can be said about it. */
static const struct yaml_node *given(const struct keys_found *found, const char *key)
{
        const struct yaml_node *node = keys_node(found, key);
        return node && node->kind != YAML_BROKEN ? node : NULL;
}

static void read_device(struct tool_file *f, const struct yaml_node *node)
{
        struct raw_device raw = {.slave_id = 1, .read_max = 125, .byte_order = -1};
        struct keys_found found;
        int number = f->tool->device_count;
        if (!tool_file_has_room(f, node, "devices", number, TOOL_DEVICES_MAX))
                return;
        struct tool_device *device = &f->tool->devices[number];
        if (!tool_file_take_name(f, node, "device", device->name))
                return;
        f->tool->device_count++;
        f->device_node[number] = node;
        device->line = node->key_line;
        bool is_known;
        node = tool_file_use_profile(f, number, node, &is_known);
        keys_read(&f->r, node, &tool_file_device_keys, device->name, &raw, &found);
        device->link = raw.link ? (int16_t)want_link(f, raw.link, "link") : TOOL_NONE;
        device->poll_link = raw.poll_link ? (int16_t)want_link(f, raw.poll_link, "poll_link") : device->link;
        device->slave_id = (int)raw.slave_id;
        device->read_words_max = (int)raw.read_max;
        device->write_multiple_only = raw.write == 1;
        device->pause_us = raw.pause;
        device->answer_us = raw.answer;
        device->answer_us_max = raw.worst_answer;
        device->proof_output = TOOL_NONE;
        f->proof_node[number] = raw.proof_output;
        f->address_base[number] = (int)raw.address_base;
        /* Nothing follows from what an unknown profile may say. */
        f->order[number] = raw.byte_order < 0 && !is_known ? TOOL_ORDER_ABCD : raw.byte_order;
        device->watchdog.present = !is_known;
        if (node->kind != YAML_MAP)
                return;
        check_slave(f, device, given(&found, "slave_id"));
        if (raw.signature)
                read_signature(f, raw.signature, device, f->address_base[number]);
        if (raw.watchdog)
                tool_file_read_watchdog(f, raw.watchdog, device, f->address_base[number]);
}

void tool_file_read_devices(struct tool_file *f, const struct yaml_node *map)
{
        if (!tool_file_want_map(f, map, "devices"))
                return;
        for (const struct yaml_node *n = map->first; n; n = n->next)
                read_device(f, n);
}
