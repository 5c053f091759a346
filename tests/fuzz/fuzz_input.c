/* Events of a recorded run: any bytes of a row of table `input` are events of the tool or are refused; what is taken is sound, comes
 * back when it is written and read once more, and no core comes to grief over it, whatever it says.
 *
 *     { EVENT FOLD }      as core/tape.h has them, without the sum: a fuzzer would not find it
 *
 * Held: time never goes back; tags, links and devices are the tool's; texts end; an event written again reads the same. */
#include "fuzz/fuzz.h"

#include "ald/core/core.h"       /* core_step */
#include "ald/core/event_code.h" /* event_code_take */
#include "ald/core/recipe.h"     /* struct recipe */
#include "ald/core/tape.h"       /* tape_fold */

#include <stdlib.h> /* NULL */
#include <string.h> /* memcmp */

/* So many events before a bad one: that counts as accepted. */
enum { MANY = 5 };

static struct tool *tool;

int LLVMFuzzerInitialize(const int *argc, char ***argv)
{
        (void)argc;
        (void)argv;
        tool = fuzz_load_tool("config/rotary-ald.yaml");
        return 0;
}

static void check_samples(const struct event *e)
{
        FUZZ_CHECK(e->u.samples.count >= 0 && e->u.samples.count <= EVENT_SAMPLES_MAX, "samples");
        for (int i = 0; i < e->u.samples.count; i++) {
                const struct sample *s = &e->u.samples.item[i];

                FUZZ_CHECK(s->tag >= 0 && s->tag < tool->tag_count, "tag %d", s->tag);
                FUZZ_CHECK(s->quality <= QUALITY_BAD && s->why <= QUALITY_WHY_FROZEN, "quality");
        }
}

static void check_output(int tag)
{
        FUZZ_CHECK(tag >= 0 && tag < tool->tag_count && tool->tags[tag].is_output, "output %d", tag);
}

static void check_text(const char *text, size_t cap)
{
        FUZZ_CHECK(memchr(text, '\0', cap) != NULL, "a text without an end");
}

static void check_command(const struct command *c)
{
        FUZZ_CHECK(c->verb < VERB_COUNT && verb_at(c->verb)->is_command, "verb %d", (int)c->verb);
        FUZZ_CHECK(c->role <= TOOL_ROLE_ENGINEER, "role %d", (int)c->role);
        FUZZ_CHECK(c->tag >= TOOL_NONE && c->tag < tool->tag_count, "tag %d", c->tag);
        check_text(c->user, sizeof c->user);
        check_text(c->refused, sizeof c->refused);
}

static void check_event(const struct event *e, int64_t before_us)
{
        FUZZ_CHECK(e->now_us >= before_us, "time goes back");
        switch (e->kind) {
        case EVENT_TICK:
                break;
        case EVENT_SAMPLES:
                check_samples(e);
                break;
        case EVENT_WROTE:
                check_output(e->u.wrote.tag);
                FUZZ_PLANT(e->u.wrote.unasked);
                break;
        case EVENT_PULSE:
                check_output(e->u.pulse.tag);
                break;
        case EVENT_LINK:
                FUZZ_CHECK(e->u.link.link >= 0 && e->u.link.link < tool->link_count, "link");
                check_text(e->u.link.why, sizeof e->u.link.why);
                break;
        case EVENT_WATCHDOG:
                FUZZ_CHECK(e->u.watchdog.device >= 0 && e->u.watchdog.device < tool->device_count, "device");
                break;
        case EVENT_COMMAND:
                check_command(&e->u.command);
                break;
        case EVENT_STORE:
                check_text(e->u.store.why, sizeof e->u.store.why);
                break;
        }
}

/* Written by one who knows as much, it is read by another as it was: the bytes of both writings are the same. */
static void check_again(const struct event_code *before, const struct event *e)
{
        static struct event_code writer, reader;
        static struct event again;
        static unsigned char bytes[EVENT_CODE_MAX], more[EVENT_CODE_MAX];
        struct bytes_out out = {.at = bytes, .cap = sizeof bytes}, twice = {.at = more, .cap = sizeof more};
        static struct recipe recipe;

        writer = reader = *before;
        event_code_put(&writer, e, &out);
        FUZZ_CHECK(!out.is_full, "longer than any event");
        struct bytes_in in = {.at = bytes, .len = out.len};
        FUZZ_CHECK(
            event_code_take(&reader, &in, tool, &recipe, &again) && bytes_left(&in) == 0, "not taken again");
        FUZZ_CHECK(again.kind == e->kind && again.now_us == e->now_us && again.wall_us == e->wall_us,
            "not the same");
        writer = *before;
        event_code_put(&writer, &again, &twice);
        FUZZ_CHECK(twice.len == out.len && memcmp(bytes, more, out.len) == 0, "not the same once more");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static struct event_code code, before;
        static struct event event;
        static struct effects effects;
        const struct core_start start = {.now_us = 1000, .next_run_id = 1, .store_ok = true};
        struct core *core = core_new(tool, &start);
        struct bytes_in in = {.at = data, .len = size};
        int taken = 0;

        FUZZ_CHECK(core != NULL, "no memory");
        event_code_init(&code, start.now_us, start.wall_us);
        while (bytes_left(&in) > 0) {
                before = code;
                if (!event_code_take(&code, &in, tool, NULL, &event))
                        break;
                check_event(&event, before.now_us);
                check_again(&before, &event);
                (void)tape_fold(&effects, core_step(core, &event, &effects));
                (void)bytes_take(&in, 4);
                taken++;
        }
        fuzz_count(taken >= MANY);
        core_free(core);
        return 0;
}
