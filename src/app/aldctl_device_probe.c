/* aldctl device probe: one tag's registers, read once and directly, in all the ways they could be meant. Reads only. */
#include "ald/app/aldctl_device.h" /* own declarations */
#include "ald/app/aldctl_show.h"   /* show_* */
#include "ald/base/text.h"         /* text_nearest */
#include "ald/base/time.h"         /* TIME_MS */
#include "ald/bus/bus.h"           /* bus_now_us */
#include "ald/bus/wire.h"          /* wire_* */
#include "ald/link/codec.h"        /* codec_decode, codec_words */
#include "ald/link/registers.h"    /* registers_are_bits */

#include <assert.h> /* assert */
#include <math.h>   /* isfinite */
#include <string.h> /* memset */

/* Modbus application protocol 1.1b3, section 7. */
static const struct {
        int code;
        const char *name, *meaning;
} exceptions[] = {
    {1, "ILLEGAL FUNCTION", "the device does not take this function: is `register` the right table?"},
    {2, "ILLEGAL DATA ADDRESS",
        "the device has no such address: is `address_base` right, and does the manual count this table so?"},
    {3, "ILLEGAL DATA VALUE", "the device does not read so many registers at once: see `type`"},
    {4, "SERVER DEVICE FAILURE", "the device cannot answer; some do this once their watchdog has expired"},
    {5, "ACKNOWLEDGE", "the device is still at work on it: ask again"},
    {6, "SERVER DEVICE BUSY", "the device has no time: ask again"},
    {8, "MEMORY PARITY ERROR", "the device found its memory spoilt"},
    {10, "GATEWAY PATH UNAVAILABLE", "the gateway has no way to the line: is it set up for this unit?"},
    {11, "GATEWAY TARGET DEVICE FAILED TO RESPOND",
        "no such unit answers behind the gateway: is `slave_id` right, is the device on?"},
};
enum { EXCEPTIONS = sizeof exceptions / sizeof exceptions[0] };

static const struct {
        enum tool_byte_order order;
        const char *name;
} orders[] = {{TOOL_ORDER_ABCD, "ABCD"}, {TOOL_ORDER_CDAB, "CDAB"}, {TOOL_ORDER_BADC, "BADC"},
    {TOOL_ORDER_DCBA, "DCBA"}};
enum { ORDERS = sizeof orders / sizeof orders[0] };

static const char *const types[] = {[TOOL_BIT] = "BIT",
    [TOOL_INT16] = "INT16",
    [TOOL_UINT16] = "UINT16",
    [TOOL_INT32] = "INT32",
    [TOOL_UINT32] = "UINT32",
    [TOOL_FLOAT32] = "FLOAT32",
    [TOOL_FLOAT64] = "FLOAT64"};

struct probe {
        const struct tool *tool;
        const struct tool_tag *tag;
        const struct tool_device *device;
        const struct tool_link *link;
        struct sched_action action;
        struct sched_result result;
};

/* ---- On the wire ---- */

/* One action, bounded by the link's timeout. False: it came to nothing. */
static bool carry_out(struct wire *w, struct probe *p, struct sched_action *a)
{
        a->limit_us = bus_now_us() + p->link->timeout_us;
        wire_do(w, a, &p->result);
        return p->result.outcome == SCHED_OK;
}

static void ask(struct wire *w, struct probe *p)
{
        struct sched_action dial = {.kind = SCHED_CONNECT}, hang_up = {.kind = SCHED_CLOSE};
        assert(p->action.kind == SCHED_READ); /* nothing is ever written here */
        if (!carry_out(w, p, &dial))
                return;
        carry_out(w, p, &p->action);
        struct sched_result kept = p->result;
        carry_out(w, p, &hang_up);
        p->result = kept;
}

static enum aldctl_exit tell_failure(const struct probe *p)
{
        const struct sched_result *r = &p->result;
        char address[160];
        struct text t;
        text_init(&t, address, sizeof address);
        device_add_address(&t, p->link);
        switch (r->outcome) {
        case SCHED_TIMEOUT:
                show_error("no answer from %s (unit %d) at %s within %lld ms", p->device->name,
                    p->device->slave_id, address, (long long)(p->link->timeout_us / TIME_MS));
                return ALDCTL_NOT_CONNECTED;
        case SCHED_CLOSED:
                show_error("%s: %s", address, r->text[0] != '\0' ? r->text : "the connection was closed");
                return ALDCTL_NOT_CONNECTED;
        case SCHED_BAD_FRAME:
                show_error("%s (unit %d) at %s answered with a bad frame%s%s", p->device->name,
                    p->device->slave_id, address, r->text[0] != '\0' ? ": " : "", r->text);
                return ALDCTL_FAILED;
        case SCHED_EXCEPTION:
        case SCHED_OK:
                break;
        }
        for (int i = 0; i < EXCEPTIONS; i++)
                if (exceptions[i].code == r->exception) {
                        show_error("%s (unit %d) answered with exception %d, %s: %s", p->device->name,
                            p->device->slave_id, r->exception, exceptions[i].name, exceptions[i].meaning);
                        return ALDCTL_FAILED;
                }
        show_error("%s (unit %d) answered with exception %d, which the standard does not know",
            p->device->name, p->device->slave_id, r->exception);
        return ALDCTL_FAILED;
}

/* ---- What it could mean ---- */

static double decode(const struct probe *p, enum tool_byte_order order, bool is_raw)
{
        struct tool_tag tag = *p->tag;
        tag.order = order;
        if (is_raw) {
                tag.scale = 1;
                tag.offset = 0;
        }
        return codec_decode(&tag, p->result.words);
}

/* 1 within, 0 outside, -1: the tool file does not say. NaN is outside of everything. */
static int is_valid(const struct probe *p, double value)
{
        if (!isfinite(value))
                return 0;
        if (!p->tag->has_valid)
                return -1;
        return value >= p->tag->valid_min && value <= p->tag->valid_max;
}

static void add_words(struct text *t, const struct probe *p)
{
        for (int i = 0; i < p->action.count; i++)
                text_add(t, "%s%04x", i > 0 ? " " : "", (unsigned)p->result.words[i]);
}

static json_t *pack_number(double value)
{
        return isfinite(value) ? json_real(value) : json_null();
}

static json_t *pack_order(const struct probe *p, int i)
{
        double value = decode(p, orders[i].order, false);
        int valid = is_valid(p, value);
        return json_pack("{s:s, s:b, s:o, s:o, s:o}", "byte_order", orders[i].name, "is_chosen",
            orders[i].order == p->tag->order, "raw", pack_number(decode(p, orders[i].order, true)), "value",
            pack_number(value), "is_valid", valid < 0 ? json_null() : json_boolean(valid));
}

static void print_json(const struct probe *p)
{
        json_t *words = json_array(), *list = json_array();
        bool is_bits = registers_are_bits(p->tag->reg);
        for (int i = 0; i < p->action.count; i++)
                (void)json_array_append_new(words, json_integer(p->result.words[i]));
        for (int i = 0; i < ORDERS && !is_bits; i++)
                (void)json_array_append_new(list, pack_order(p, i));
        show_json(json_pack("{s:s, s:s, s:i, s:s, s:i, s:i, s:i, s:s, s:s, s:f, s:o, s:o}", "tag",
            p->tag->name, "device", p->device->name, "unit", p->device->slave_id, "link", p->link->name,
            "function", device_function(p->tag->reg), "first", p->action.address, "count", p->action.count,
            "type", types[p->tag->type], "tag_unit", p->tag->unit != NULL ? p->tag->unit->name : "", "took_s",
            (double)(p->result.done_us - p->result.sent_us) / 1e6, "words", words, "decoded", list));
}

static void print_number(double value, int digits, int width)
{
        char buf[40];
        struct text t;
        text_init(&t, buf, sizeof buf);
        text_add_number(&t, value, digits);
        (void)printf(" %-*s", width, buf);
}

static const char *valid_word(int valid, double value)
{
        if (valid < 0)
                return isfinite(value) ? "" : "no number";
        return valid ? "within valid" : "outside valid";
}

static void print_order(const struct probe *p, int i)
{
        bool is_chosen = orders[i].order == p->tag->order;
        double value = decode(p, orders[i].order, false);
        const char *word = valid_word(is_valid(p, value), value);
        char buf[64];
        struct text t;
        text_init(&t, buf, sizeof buf);
        text_add_number(&t, value, 8);
        if (p->tag->unit != NULL && p->tag->unit->name[0] != '\0')
                text_add(&t, " %s", p->tag->unit->name);
        (void)printf("%s%c %s", is_chosen ? show_colour(stdout, SHOW_BOLD) : "", is_chosen ? '>' : ' ',
            orders[i].name);
        print_number(decode(p, orders[i].order, true), 8, 16);
        if (is_chosen)
                (void)printf(" %-24s %-14s the tool file's%s\n", buf, word, show_colour(stdout, SHOW_PLAIN));
        else
                (void)printf(" %-24s %s\n", buf, word);
}

static void print_text(const struct probe *p)
{
        char buf[160], words[64];
        struct text t;
        text_init(&t, buf, sizeof buf);
        device_add_address(&t, p->link);
        (void)printf("%s: unit %d (%s) at %s, function %d (%s), %d from %d, %s; %.1f ms\n", p->tag->name,
            p->device->slave_id, p->device->name, buf, device_function(p->tag->reg),
            device_function_name(p->tag->reg), p->action.count, p->action.address, types[p->tag->type],
            (double)(p->result.done_us - p->result.sent_us) / 1e3);
        text_init(&t, words, sizeof words);
        add_words(&t, p);
        if (registers_are_bits(p->tag->reg)) {
                text_init(&t, words, sizeof words);
                tool_add_value(&t, p->tag, decode(p, p->tag->order, false));
                (void)printf("  bit %d: %s\n", (int)p->result.words[0], words);
                return;
        }
        (void)printf("  words as they came: %s\n", words);
        (void)printf("  %s %-16s %s\n", "    ", "raw", "value: raw * scale + offset");
        for (int i = 0; i < ORDERS; i++)
                print_order(p, i);
}

/* ---- The command ---- */

static const char *tag_name(const void *ctx, size_t i)
{
        return ((const struct tool *)ctx)->tags[i].name;
}

static int find_tag(const struct tool *tool, const char *name)
{
        int tag = tool_find_tag(tool, name);
        if (tag >= 0)
                return tag;
        const char *near = text_nearest(name, tag_name, tool, (size_t)tool->tag_count);
        if (near != NULL)
                show_error("the tool has no tag '%s'; did you mean '%s'?", name, near);
        else
                show_error("the tool has no tag '%s'; its file lists them under `tags`", name);
        return TOOL_NONE;
}

enum aldctl_exit device_probe(const struct aldctl_options *o, const struct tool *tool)
{
        static struct probe p;
        const char *why = NULL;
        int tag = find_tag(tool, o->words[1]);
        if (tag == TOOL_NONE)
                return ALDCTL_USAGE;
        memset(&p, 0, sizeof p);
        p.tool = tool;
        p.tag = &tool->tags[tag];
        p.device = &tool->devices[p.tag->device];
        p.link = &tool->links[p.device->poll_link];
        p.action = (struct sched_action){.kind = SCHED_READ,
            .slave_id = p.device->slave_id,
            .reg = p.tag->reg,
            .address = p.tag->address,
            .count = registers_are_bits(p.tag->reg) ? 1 : codec_words(p.tag->type)};
        struct wire *w = wire_new(p.link, &why);
        if (w == NULL) {
                show_error("link %s: %s", p.link->name, why);
                return ALDCTL_NOT_CONNECTED;
        }
        ask(w, &p);
        wire_free(w);
        if (p.result.outcome != SCHED_OK)
                return tell_failure(&p);
        if (o->json)
                print_json(&p);
        else
                print_text(&p);
        return ALDCTL_OK;
}
