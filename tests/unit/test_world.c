/* The simulated world: a run in it, and that each kind of fault does what it says, as far as the notes tell. */
#include "ald/base/time.h"   /* TIME_S */
#include "ald/core/core.h"   /* core_get_status */
#include "ald/core/recipe.h" /* recipe_free */
#include "ald/core/recq.h"   /* RECQ_SAMPLES_DEFAULT */
#include "ald/sim/world.h"   /* world_new */

#include "unit/suite.h"
#include "unit/support.h" /* support_tool, support_recipe */

#include <check.h>  /* START_TEST */
#include <math.h>   /* fabs */
#include <stdio.h>  /* snprintf */
#include <stdlib.h> /* free */
#include <string.h> /* strcmp, memset */

static struct tool *tool;
static struct recipe *recipe;
static struct world *world;

enum { KEPT_MAX = 200000, TEXT_MAX = 288 };

/* A note with what it points to. */
struct kept {
        struct world_note note;
        struct sched_action action;
        enum record_kind record;         /* RECORD_SAMPLE: none */
        char source[48], text[TEXT_MAX]; /* of an event record; of a fault; state and reason of a run */
        int code;
};
static struct kept *kept;
static int kept_count;

static void keep_record(struct kept *k, const struct record *r)
{
        k->record = r->kind;
        k->note.number = r->run_id;
        if (r->kind == RECORD_EVENT) {
                snprintf(k->source, sizeof k->source, "%s", r->u.event.source);
                snprintf(k->text, sizeof k->text, "%s: %s", r->u.event.kind, r->u.event.text);
        } else if (r->kind == RECORD_RUN_STATE || r->kind == RECORD_RUN_END) {
                snprintf(k->source, sizeof k->source, "%s", r->u.run.state);
                snprintf(k->text, sizeof k->text, "%s", r->u.run.reason);
        }
}

/* Crash at so many more notes; 0 = never. */
static int notes_to_crash;
static int64_t samples_made, samples_stored, samples_lost;

static void see(void *ctx, const struct world_note *n)
{
        struct kept *k;

        (void)ctx;
        if (notes_to_crash > 0 && --notes_to_crash == 0)
                world_crash(world, 100 * TIME_MS);
        samples_made += n->kind == WORLD_RECORD && n->record->kind == RECORD_SAMPLE;
        if (n->kind == WORLD_STORED && n->record == NULL)
                *(n->flag ? &samples_lost : &samples_stored) += n->number;
        if (n->kind == WORLD_RECORD && n->record->kind == RECORD_SAMPLE)
                return;
        ck_assert_int_lt(kept_count, KEPT_MAX);
        ck_assert(kept_count == 0 || kept[kept_count - 1].note.t_us <= n->t_us);
        k = &kept[kept_count++];
        memset(k, 0, sizeof *k);
        k->note = *n;
        k->record = RECORD_SAMPLE; /* none: those are not kept */
        if (n->action != NULL)
                k->action = *n->action;
        if (n->text != NULL)
                snprintf(k->text, sizeof k->text, "%s", n->text);
        if (n->reply != NULL)
                k->code = n->reply->code;
        if (n->record != NULL)
                keep_record(k, n->record);
}

static void setup(void)
{
        tool = support_tool(SUPPORT_TOOL);
        kept = calloc(KEPT_MAX, sizeof *kept);
        ck_assert_ptr_nonnull(kept);
}

static void end(void)
{
        world_free(world);
        world = NULL;
}

static void teardown(void)
{
        end();
        recipe_free(recipe);
        recipe = NULL;
        free(kept);
        free(tool);
}

static void begin(uint64_t seed)
{
        struct world_config config = {.tool = tool,
            .seed = seed,
            .sim = {.seed = 1, .ready = true},
            .wall_us = 1700000000 * TIME_S,
            .see = see};

        end();
        kept_count = notes_to_crash = 0;
        samples_made = samples_stored = samples_lost = 0;
        world = world_new(tool, &config);
        ck_assert_ptr_nonnull(world);
}

static void run(int64_t us)
{
        world_run(world, world_now(world) + us);
}

static enum machine_state state(void)
{
        struct core_status status;

        ck_assert_ptr_nonnull(world_core(world));
        core_get_status(world_core(world), &status);
        return status.state;
}

static void await(enum machine_state wanted, int64_t within_us)
{
        int64_t limit_us = world_now(world) + within_us;

        while (state() != wanted && world_now(world) < limit_us)
                run(10 * TIME_MS);
        ck_assert_msg(state() == wanted, "the state is %s, not %s", machine_state_name(state()),
            machine_state_name(wanted));
}

static struct command command(enum verb verb)
{
        return (struct command){
            .reply = 7, .verb = verb, .role = TOOL_ROLE_OPERATOR, .uid = 1000, .pid = 1, .user = "ann"};
}

static int give(const struct command *c)
{
        ck_assert(world_command(world, c));
        for (int i = kept_count; i-- > 0;)
                if (kept[i].note.kind == WORLD_REPLY)
                        return kept[i].code;
        ck_abort_msg("no reply");
}

static int order(enum verb verb)
{
        struct command c = command(verb);

        return give(&c);
}

static int tag_of(const char *name)
{
        int tag = tool_find_tag(tool, name);

        ck_assert_int_ge(tag, 0);
        return tag;
}

/* Up and Idle. */
static void come_up(uint64_t seed)
{
        begin(seed);
        await(MACHINE_STOPPED, 10 * TIME_S);
        run(TIME_S);
        ck_assert_int_eq(order(VERB_RESET), 0);
        await(MACHINE_IDLE, 10 * TIME_S);
}

static void start_run(const char *cycles)
{
        struct file_set sets[] = {{"cycles", cycles}, {"purge", "6 s"}, {"base", "2 s"}, {"settle", "2 s"},
            {"cool", "120 degC"}, {"last_purge", "5 s"}};
        struct command c = command(VERB_RUN);

        if (recipe == NULL)
                recipe = support_recipe(tool, SUPPORT_RECIPE, sets, sizeof sets / sizeof sets[0]);
        c.recipe = recipe;
        ck_assert_int_eq(give(&c), 0);
}

/* Up, in a run, and in its first cycle. */
static void come_to_run(uint64_t seed)
{
        come_up(seed);
        start_run("3");
        for (int i = 0; i < 6000; i++) {
                run(10 * TIME_MS);
                for (int k = kept_count; k-- > 0 && kept[k].note.t_us > world_now(world) - 10 * TIME_MS;)
                        if (kept[k].note.kind == WORLD_OUTPUT && kept[k].note.tag == tag_of("nb.valve") &&
                            kept[k].note.value == 1)
                                return;
        }
        ck_abort_msg("niobium was never dosed");
}

/* The first note of a kind from `from` on, or NULL. */
static const struct kept *find(enum world_note_kind kind, int from)
{
        for (int i = from; i < kept_count; i++)
                if (kept[i].note.kind == kind)
                        return &kept[i];
        return NULL;
}

static int count(enum world_note_kind kind, int from)
{
        int n = 0;

        for (int i = from; i < kept_count; i++)
                n += kept[i].note.kind == kind;
        return n;
}

/* An event record whose source and text these are (the beginning of the text). */
static const struct kept *find_event(int from, const char *source, const char *text)
{
        for (int i = from; i < kept_count; i++)
                if (kept[i].note.kind == WORLD_RECORD && kept[i].record == RECORD_EVENT &&
                    strcmp(kept[i].source, source) == 0 && strncmp(kept[i].text, text, strlen(text)) == 0)
                        return &kept[i];
        return NULL;
}

/* ---- No fault ---- */

START_TEST(test_run_to_complete)
{
        int opened = 0, cycles = 0, stored_ends = 0;
        bool is_up = false;

        come_up(1);
        start_run("3");
        await(MACHINE_COMPLETE, 10 * TIME_MIN);
        run(TIME_S);
        for (int i = 0; i < kept_count; i++) {
                const struct kept *k = &kept[i];

                opened += k->note.kind == WORLD_OUTPUT && k->note.value == 1 &&
                          (k->note.tag == tag_of("nb.valve") || k->note.tag == tag_of("water.valve"));
                cycles += k->note.kind == WORLD_RECORD && k->record == RECORD_CYCLE_END;
                stored_ends += k->note.kind == WORLD_STORED && k->record == RECORD_RUN_END;
                is_up = is_up || k->note.kind == WORLD_READY;
                /* The proof of the watchdog lets it expire once. */
                ck_assert(k->note.kind != WORLD_ANSWER || k->note.outcome == SCHED_OK ||
                          (!is_up && k->note.outcome == SCHED_EXCEPTION));
                ck_assert(k->note.kind != WORLD_RECORD || k->note.flag);
        }
        ck_assert_int_eq(opened, 6);
        ck_assert_int_eq(cycles, 3);
        ck_assert_int_eq(stored_ends, 1);
        ck_assert_int_eq(count(WORLD_RECIPE_DONE, 0), 1);
        ck_assert_int_eq(count(WORLD_READY, 0), 1);
}
END_TEST

/* All that was called arrived once, and was answered. */
START_TEST(test_calls)
{
        int calls, requests;

        come_up(1);
        run(10 * TIME_S);
        calls = count(WORLD_CALL, 0);
        requests = count(WORLD_REQUEST, 0);
        ck_assert_int_le(calls - count(WORLD_ANSWER, 0), tool->link_count);
        ck_assert_int_le(calls - requests, 2 * tool->link_count); /* connecting is none */
        ck_assert_int_gt(requests, 500);
}
END_TEST

static uint64_t hash_of(uint64_t seed)
{
        come_up(seed);
        start_run("1");
        await(MACHINE_COMPLETE, 10 * TIME_MIN);
        return world_hash(world);
}

START_TEST(test_same_seed_same_hash)
{
        uint64_t one = hash_of(5);

        ck_assert(hash_of(5) == one);
        ck_assert(hash_of(6) != one);
}
END_TEST

/* In pieces or at a stretch. */
START_TEST(test_pieces)
{
        uint64_t hash;

        come_up(3);
        start_run("1");
        run(40 * TIME_S);
        hash = world_hash(world);
        come_up(3);
        start_run("1");
        for (int i = 0; i < 4000; i++)
                run(10 * TIME_MS);
        ck_assert(world_hash(world) == hash);
}
END_TEST

/* ---- Wires ---- */

static int device_of(const char *name)
{
        int device = tool_find_device(tool, name);

        ck_assert_int_ge(device, 0);
        return device;
}

/* Each request to the device meets it from now on for `lasts_us`; NULL: each of every device. */
static int begin_fault(
    enum world_wire_fault kind, const char *device, int64_t us, int number, int64_t lasts_us)
{
        struct world_wire fault = {.kind = kind,
            .link = TOOL_NONE,
            .device = device != NULL ? device_of(device) : TOOL_NONE,
            .per_mille = 1000,
            .us = us,
            .number = number,
            .from_us = world_now(world),
            .until_us = world_now(world) + lasts_us};
        int from = kept_count;

        ck_assert(world_wire(world, &fault));
        ck_assert_int_eq(kept[from].note.kind, WORLD_FAULT);
        ck_assert(kept[from].note.flag);
        return from;
}

/* Answers of a device with an outcome to calls that began after the note `from`. */
static int count_answers(int from, const char *device, enum sched_outcome outcome)
{
        int n = 0;

        for (int i = from; i < kept_count; i++)
                n += kept[i].note.kind == WORLD_ANSWER && kept[i].note.device == device_of(device) &&
                     kept[i].note.sent_us >= kept[from].note.t_us && kept[i].note.outcome == outcome;
        return n;
}

static int count_of_device(enum world_note_kind kind, int from, const char *device)
{
        int n = 0;

        for (int i = from; i < kept_count; i++)
                n += kept[i].note.kind == kind && kept[i].note.device == device_of(device);
        return n;
}

START_TEST(test_exception)
{
        int from, after;

        come_up(1);
        from = begin_fault(WORLD_EXCEPTION, "flow", 0, 6, 2 * TIME_S);
        run(TIME_S);
        ck_assert_int_gt(count_answers(from, "flow", SCHED_EXCEPTION), 5);
        ck_assert_int_eq(count_answers(from, "flow", SCHED_OK), 0);
        ck_assert_int_gt(count_answers(from, "motor", SCHED_OK), 2); /* nobody else meets it */
        for (int i = from; i < kept_count; i++)
                if (kept[i].note.kind == WORLD_REQUEST && kept[i].note.device == device_of("flow"))
                        ck_assert_int_eq(kept[i].note.number, 6);
        run(TIME_S + TIME_MS);
        after = kept_count - 1;
        run(2 * TIME_S);
        ck_assert_int_eq(count_answers(after, "flow", SCHED_EXCEPTION), 0);
        ck_assert_int_gt(count_answers(after, "flow", SCHED_OK), 10);
}
END_TEST

START_TEST(test_lost_and_mute)
{
        int from;

        come_up(1);
        from = begin_fault(WORLD_LOST, "motor", 0, 0, 3 * TIME_S);
        run(3 * TIME_S);
        ck_assert_int_le(count_of_device(WORLD_REQUEST, from, "motor"), 1); /* one was on its way */
        ck_assert_int_gt(count_answers(from, "motor", SCHED_TIMEOUT), 1);
        for (int i = from; i < kept_count; i++)
                if (kept[i].note.kind == WORLD_ANSWER && kept[i].note.outcome == SCHED_TIMEOUT)
                        ck_assert(kept[i].note.t_us >= kept[i].action.limit_us &&
                                  kept[i].note.t_us <= kept[i].action.limit_us + TIME_MS);
        run(20 * TIME_S);
        from = begin_fault(WORLD_MUTE, "motor", 0, 0, 3 * TIME_S);
        run(3 * TIME_S);
        ck_assert_int_gt(count_of_device(WORLD_REQUEST, from, "motor"), 1);
        ck_assert_int_gt(count_answers(from, "motor", SCHED_TIMEOUT), 1);
        ck_assert_int_eq(count_answers(from, "motor", SCHED_OK), 0);
}
END_TEST

static struct command set_carrier(double value)
{
        struct command c = command(VERB_SET);

        c.tag = (int16_t)tag_of("carrier.flow.setpoint");
        c.value = value;
        return c;
}

/* A write that was given up is done all the same, later. */
START_TEST(test_late_write)
{
        int late_writes = 0, late_answers = 0;

        for (uint64_t seed = 1; seed <= 8; seed++) {
                struct command c = set_carrier(20);
                int from;

                come_up(seed);
                from = begin_fault(WORLD_LATE, "flow", 500 * TIME_MS, 0, 20 * TIME_S);
                ck_assert_int_eq(give(&c), 0);
                run(5 * TIME_S);
                ck_assert_int_eq(count_answers(from, "flow", SCHED_OK), 0);
                for (int i = from, in_call = 0; i < kept_count; i++) {
                        const struct world_note *n = &kept[i].note;

                        if (n->device == device_of("flow") && kept[i].action.kind == SCHED_WRITE)
                                in_call = n->kind == WORLD_CALL || (in_call && n->kind != WORLD_ANSWER);
                        if (n->kind == WORLD_OUTPUT && n->tag == c.tag && n->value == 20) {
                                late_writes += !in_call;
                                late_answers += in_call;
                        }
                }
        }
        ck_assert_int_gt(late_writes, 0);
        ck_assert_int_gt(late_answers, 0);
}
END_TEST

static int count_closes(int from)
{
        int n = 0;

        for (int i = from; i < kept_count; i++)
                n += kept[i].note.kind == WORLD_CALL && kept[i].action.kind == SCHED_CLOSE;
        return n;
}

/* The second answer meets the next call, or the idle connection. */
START_TEST(test_duplicated)
{
        int from, bad;

        come_up(1);
        from = begin_fault(WORLD_DUPLICATED, "motor", 0, 0, 20 * TIME_S);
        run(20 * TIME_S);
        bad = 0;
        for (int i = from; i < kept_count; i++)
                bad += kept[i].note.kind == WORLD_ANSWER && kept[i].note.outcome == SCHED_BAD_FRAME;
        ck_assert_int_gt(bad, 3);
        ck_assert_int_gt(count_closes(from), bad); /* some by the idle connection */
        ck_assert_int_gt(count_answers(from, "motor", SCHED_OK), 10);
}
END_TEST

START_TEST(test_bad_answers)
{
        int from;

        come_up(1);
        from = begin_fault(WORLD_TRUNCATED, "heat", 0, 0, 10 * TIME_S);
        run(10 * TIME_S);
        ck_assert_int_gt(count_answers(from, "heat", SCHED_TIMEOUT), 0);
        ck_assert_int_gt(count_answers(from, "heat", SCHED_BAD_FRAME), 0);
        ck_assert_int_eq(count_answers(from, "heat", SCHED_OK), 0);
        run(20 * TIME_S);
        from = begin_fault(WORLD_WRONG_UNIT, "heat", 0, 0, 5 * TIME_S);
        run(5 * TIME_S);
        ck_assert_int_gt(count_answers(from, "heat", SCHED_BAD_FRAME), 1);
        ck_assert_int_eq(count_answers(from, "heat", SCHED_OK), 0);
}
END_TEST

/* SAFETY, trap 2: the call's time bounds the whole answer. */
START_TEST(test_dripped)
{
        int from;

        come_up(1);
        from = begin_fault(WORLD_DRIPPED, "motor", TIME_MS, 0, 2 * TIME_S);
        run(2 * TIME_S);
        ck_assert_int_gt(count_answers(from, "motor", SCHED_OK), 4);
        for (int i = from; i < kept_count; i++)
                if (kept[i].note.kind == WORLD_ANSWER && kept[i].note.device == device_of("motor") &&
                    kept[i].note.sent_us >= kept[from].note.t_us)
                        ck_assert_int_ge(kept[i].note.t_us - kept[i].note.sent_us, 11 * TIME_MS);
        from = begin_fault(WORLD_DRIPPED, "motor", 100 * TIME_MS, 0, 2 * TIME_S);
        run(2 * TIME_S);
        ck_assert_int_gt(count_answers(from, "motor", SCHED_TIMEOUT), 0);
        ck_assert_int_eq(count_answers(from, "motor", SCHED_OK), 0);
}
END_TEST

START_TEST(test_reset_and_refused)
{
        int from, refused = 0;

        come_up(1);
        from = begin_fault(WORLD_REFUSED, NULL, 0, 0, 10 * TIME_S);
        run(TIME_S);
        ck_assert_int_eq(count_closes(from), 0); /* what is connected stays so */
        begin_fault(WORLD_RESET, NULL, 0, 0, 2 * TIME_S);
        run(9 * TIME_S);
        for (int i = from; i < kept_count; i++)
                refused += kept[i].note.kind == WORLD_ANSWER && kept[i].action.kind == SCHED_CONNECT &&
                           kept[i].note.outcome == SCHED_CLOSED;
        ck_assert_int_ge(refused, 4);
        ck_assert_ptr_nonnull(find_event(from, "valves", "link: "));
        ck_assert_ptr_nonnull(find_event(from, "plant", "link: "));
        run(30 * TIME_S);
        from = kept_count - 1;
        run(TIME_S);
        ck_assert_int_gt(count_answers(from, "valve-io", SCHED_OK), 3);
}
END_TEST

START_TEST(test_wires_max)
{
        struct world_wire fault = {
            .kind = WORLD_LATE, .link = TOOL_NONE, .device = TOOL_NONE, .per_mille = 1};

        begin(1);
        fault.until_us = TIME_S;
        for (int i = 0; i < WORLD_WIRES_MAX; i++)
                ck_assert(world_wire(world, &fault));
        ck_assert(!world_wire(world, &fault));
        run(2 * TIME_S);
        fault.until_us = 3 * TIME_S;
        ck_assert(world_wire(world, &fault)); /* those that are over have left their places */
}
END_TEST

/* ---- Plant and devices ---- */

START_TEST(test_plant_fault)
{
        char why[256], spec[64];
        const struct kept *ends;
        double value = NAN;
        int from, samples = 0;

        come_up(1);
        from = kept_count;
        ck_assert(!world_fault(world, "no-such-fault", why, sizeof why));
        ck_assert_int_eq(count(WORLD_FAULT, from), 0);
        snprintf(spec, sizeof spec, "frozen:chamber.pressure@%ds+2s", (int)(world_now(world) / TIME_S) + 2);
        ck_assert_msg(world_fault(world, spec, why, sizeof why), "%s", why);
        run(10 * TIME_S);
        ck_assert_int_eq(count(WORLD_FAULT, from), 2);
        ck_assert(find(WORLD_FAULT, from)->note.flag);
        ends = find(WORLD_FAULT, (int)(find(WORLD_FAULT, from) - kept) + 1);
        ck_assert_int_eq(ends->note.t_us - find(WORLD_FAULT, from)->note.t_us, 2 * TIME_S);
        for (int i = (int)(find(WORLD_FAULT, from) - kept); &kept[i] < ends; i++) {
                if (kept[i].note.kind != WORLD_SAMPLE || kept[i].note.tag != tag_of("chamber.pressure"))
                        continue;
                if (samples++ > 1) /* one was read before */
                        ck_assert(kept[i].note.value == value);
                value = kept[i].note.value;
        }
        ck_assert_int_gt(samples, 40);
}
END_TEST

static int count_samples(int from, const char *tag)
{
        int n = 0;

        for (int i = from; i < kept_count; i++)
                n += kept[i].note.kind == WORLD_SAMPLE && kept[i].note.tag == tag_of(tag);
        return n;
}

/* A block with a point that is not there is read around it: the values of its parts are told, and none of the point (seed 68). */
START_TEST(test_partial_reads)
{
        char why[256], spec[80];
        int from;

        come_up(1);
        snprintf(spec, sizeof spec, "absent:block.temperature@%ds+20s", (int)(world_now(world) / TIME_S) + 1);
        ck_assert_msg(world_fault(world, spec, why, sizeof why), "%s", why);
        run(4 * TIME_S);
        from = kept_count;
        run(4 * TIME_S);
        ck_assert_int_eq(count_samples(from, "block.temperature"), 0);
        ck_assert_int_gt(count_samples(from, "chamber.temperature"), 5);
        ck_assert_int_gt(count_samples(from, "trap.temperature"), 5);
}
END_TEST

/* Faults of the wire in the words of sim/fault.h. */
START_TEST(test_plant_wire_faults)
{
        char why[256], spec[64];
        int from;

        come_up(1);
        snprintf(spec, sizeof spec, "slow:motor=50 ms@%ds+2s", (int)(world_now(world) / TIME_S));
        ck_assert_msg(world_fault(world, spec, why, sizeof why), "%s", why);
        from = kept_count - 1;
        run(2 * TIME_S);
        ck_assert_int_gt(count_answers(from, "motor", SCHED_OK), 4);
        for (int i = from; i < kept_count; i++)
                if (kept[i].note.kind == WORLD_ANSWER && kept[i].note.device == device_of("motor") &&
                    kept[i].note.sent_us >= kept[from].note.t_us &&
                    kept[i].note.t_us < kept[from].note.t_us + TIME_S)
                        ck_assert_int_ge(kept[i].note.t_us - kept[i].note.sent_us, 50 * TIME_MS);
        snprintf(spec, sizeof spec, "silent:motor@%ds+2s", (int)(world_now(world) / TIME_S));
        ck_assert(world_fault(world, spec, why, sizeof why));
        from = kept_count - 1;
        run(TIME_S);
        ck_assert_int_gt(count_of_device(WORLD_REQUEST, from, "motor"), 0);
        ck_assert_int_eq(count_answers(from, "motor", SCHED_OK), 0);
        run(20 * TIME_S);
        snprintf(spec, sizeof spec, "drop:motor@%ds+2s", (int)(world_now(world) / TIME_S));
        ck_assert(world_fault(world, spec, why, sizeof why));
        from = kept_count - 1;
        run(TIME_S);
        ck_assert_int_gt(count_answers(from, "motor", SCHED_CLOSED), 0);
}
END_TEST

START_TEST(test_reboot)
{
        const struct kept *off;
        int from;

        come_to_run(1);
        from = kept_count;
        world_reboot(world, device_of("valve-io"), 2 * TIME_S);
        off = find(WORLD_WATCHDOG, from);
        ck_assert_ptr_nonnull(off);
        ck_assert_int_eq(off->note.number, TOOL_WATCHDOG_OFF);
        ck_assert_int_eq(find(WORLD_OUTPUT, from)->note.by, WORLD_BY_REBOOT);
        ck_assert_int_eq(find(WORLD_OUTPUT, from)->note.tag, tag_of("nb.valve"));
        run(TIME_S);
        ck_assert_int_eq(count_of_device(WORLD_REQUEST, from, "valve-io"), 0); /* nobody is there */
        run(10 * TIME_S);
        ck_assert_int_eq(count(WORLD_FAULT, from), 2);
        ck_assert_int_gt(count_of_device(WORLD_REQUEST, from, "valve-io"), 10);
        ck_assert_int_eq(state(), MACHINE_ABORTED);
        ck_assert_ptr_null(find_event(from, "nb.valve", "output: open"));
}
END_TEST

START_TEST(test_foreign)
{
        const struct kept *by;
        int from;

        come_to_run(1);
        run(3 * TIME_S);
        from = kept_count;
        world_foreign(world, tag_of("exhaust.valve"), 0);
        by = find(WORLD_OUTPUT, from);
        ck_assert_int_eq(by->note.by, WORLD_BY_FOREIGN);
        ck_assert(by->note.value == 0);
        run(5 * TIME_S);
        ck_assert_int_eq(state(), MACHINE_ABORTED); /* V7 */
        by = find(WORLD_OUTPUT, (int)(by - kept) + 1);
        ck_assert_int_eq(by->note.by, WORLD_BY_REQUEST);
}
END_TEST

/* ---- The daemon ---- */

/* F1: the device's watchdog closes what a killed daemon left open; what comes up does not go on with the run (S7). */
START_TEST(test_crash)
{
        const struct kept *ended, *fell = NULL, *begun, *stored = NULL;
        int from;

        come_to_run(1);
        run(100 * TIME_MS);
        from = kept_count;
        world_crash(world, 5 * TIME_S);
        ck_assert_ptr_null(world_core(world));
        ended = find(WORLD_ENDED, from);
        ck_assert(ended->note.flag);
        run(4 * TIME_S);
        for (int i = from; i < kept_count; i++)
                if (kept[i].note.kind == WORLD_OUTPUT && kept[i].note.tag == tag_of("nb.valve"))
                        fell = &kept[i];
        ck_assert_ptr_nonnull(fell);
        ck_assert_int_eq(fell->note.by, WORLD_BY_WATCHDOG);
        ck_assert_int_le(fell->note.t_us - ended->note.t_us, TIME_S + TIME_MS);
        ck_assert_ptr_null(world_core(world));
        run(3 * TIME_S);
        begun = find(WORLD_BEGUN, from);
        ck_assert_int_eq(begun->note.number, 2);
        ck_assert_int_eq(begun->note.t_us - ended->note.t_us, 5 * TIME_S);
        ck_assert_int_eq(state(), MACHINE_ABORTED);
        for (int i = from; i < kept_count; i++)
                if (kept[i].note.kind == WORLD_STORED && kept[i].record == RECORD_RUN_END)
                        stored = &kept[i];
        ck_assert_ptr_nonnull(stored);
        ck_assert_int_eq(stored->note.number, 1);
        ck_assert_str_eq(stored->source, "Aborted");
        ck_assert_int_eq(count(WORLD_RECIPE_DONE, 0), 0);
        /* The next run has a number of its own. */
        run(5 * TIME_S);
        ck_assert_int_eq(order(VERB_RESET), 0);
        await(MACHINE_STOPPED, 10 * TIME_S);
        ck_assert_int_eq(order(VERB_RESET), 0);
        await(MACHINE_IDLE, 10 * TIME_S);
        start_run("3");
        run(TIME_S);
        for (int i = from; i < kept_count; i++)
                if (kept[i].note.kind == WORLD_STORED && kept[i].record == RECORD_RUN_START)
                        ck_assert_int_eq(kept[i].note.number, 2);
}
END_TEST

/* At whatever is told: what comes up is in order, and nothing of the dead process has an effect. */
START_TEST(test_crash_anywhere)
{
        for (int n = 1; n < 600; n += 7) {
                const struct kept *ended;
                int from;

                come_to_run(1);
                from = kept_count;
                notes_to_crash = n;
                run(20 * TIME_S);
                ended = find(WORLD_ENDED, from);
                ck_assert_ptr_nonnull(ended);
                for (const struct kept *k = ended + 1; k->note.kind != WORLD_BEGUN; k++)
                        ck_assert(k->note.kind == WORLD_REQUEST || k->note.kind == WORLD_OUTPUT ||
                                  k->note.kind == WORLD_WATCHDOG);
                ck_assert_int_eq(count(WORLD_BEGUN, from), 1);
                ck_assert_int_eq(count(WORLD_READY, from), 1);
                ck_assert_int_eq(state(), MACHINE_ABORTED);
        }
}
END_TEST

START_TEST(test_shutdown)
{
        struct command c = command(VERB_SHUTDOWN);
        const struct kept *ended;
        int recorded = 0, stored = 0;

        come_to_run(1);
        c.role = TOOL_ROLE_ENGINEER;
        give(&c);
        run(30 * TIME_S);
        ended = find(WORLD_ENDED, 0);
        ck_assert_ptr_nonnull(ended);
        ck_assert(!ended->note.flag);
        ck_assert(!world_command(world, &c));
        for (int i = 0; i < kept_count; i++) {
                recorded += kept[i].note.kind == WORLD_RECORD;
                stored += kept[i].note.kind == WORLD_STORED && kept[i].note.record != NULL;
        }
        ck_assert_int_eq(stored, recorded);
        ck_assert_int_gt(samples_made, 500);
        ck_assert_int_eq(samples_stored, samples_made);
        world_crash(world, TIME_S);
        run(2 * TIME_S);
        ck_assert_int_eq(count(WORLD_BEGUN, 0), 2);
        ck_assert_ptr_nonnull(world_core(world));
}
END_TEST

/* V8. No connection at the close edge, which a feed has found before: the dose is longer than planned, and that is told. */
START_TEST(test_late_close_is_told)
{
        static const enum world_wire_fault kinds[] = {WORLD_REFUSED, WORLD_RESET};
        int from;

        come_to_run(1);
        run(600 * TIME_MS); /* the next feed finds the connection gone, before the edge does */
        from = kept_count;
        for (int i = 0; i < 2; i++) {
                struct world_wire wire = {.kind = kinds[i],
                    .link = tool_find_link(tool, "valves"),
                    .device = TOOL_NONE,
                    .per_mille = 1000,
                    .from_us = world_now(world),
                    .until_us = world_now(world) + 500 * TIME_MS};

                ck_assert(world_wire(world, &wire));
        }
        run(2 * TIME_S);
        ck_assert_ptr_nonnull(find_event(from, "nb", "pulse: coat[1]: open for 1."));
}
END_TEST

/* R2. The workers run on: what is open closes on time. */
START_TEST(test_stall)
{
        const struct kept *closed;
        int from;

        come_to_run(1);
        from = kept_count;
        world_stall(world, 900 * TIME_MS, false);
        run(950 * TIME_MS);
        ck_assert_ptr_null(find_event(from, "loop-lag", "trip"));
        ck_assert_int_ne(state(), MACHINE_ABORTED);
        come_to_run(2);
        from = kept_count;
        world_stall(world, 1500 * TIME_MS, false);
        run(1499 * TIME_MS);
        ck_assert_int_eq(count(WORLD_RECORD, from), 0);
        closed = find(WORLD_OUTPUT, from);
        ck_assert_int_eq(closed->note.tag, tag_of("nb.valve"));
        ck_assert_int_le(closed->note.t_us, kept[from].note.t_us + 1001 * TIME_MS);
        run(100 * TIME_MS);
        ck_assert_ptr_nonnull(find_event(from, "loop-lag", "trip"));
}
END_TEST

/* With the workers nobody feeds the modules' watchdogs. */
START_TEST(test_stall_of_all)
{
        const struct kept *fell;
        int from;

        come_to_run(1);
        from = kept_count;
        world_stall(world, 1500 * TIME_MS, true);
        run(1499 * TIME_MS);
        ck_assert_int_eq(count(WORLD_CALL, from), 0);
        fell = find(WORLD_OUTPUT, from);
        ck_assert_ptr_nonnull(fell);
        ck_assert_int_eq(fell->note.by, WORLD_BY_WATCHDOG);
        run(10 * TIME_S);
        ck_assert_int_eq(state(), MACHINE_ABORTED);
}
END_TEST

START_TEST(test_commands_in_a_stall)
{
        struct command c = command(VERB_ABORT);
        int from, given = 0;

        come_up(1);
        from = kept_count;
        world_stall(world, 300 * TIME_MS, false);
        while (world_command(world, &c))
                given++;
        ck_assert_int_ge(given, 16); /* then the socket's buffer is full */
        run(299 * TIME_MS);
        ck_assert_int_eq(count(WORLD_REPLY, from), 0);
        run(2 * TIME_MS);
        ck_assert_int_eq(count(WORLD_REPLY, from), given);
}
END_TEST

/* R3: nothing but what is written of the wall clock differs. */
START_TEST(test_clock)
{
        struct kept *plain = calloc(KEPT_MAX, sizeof *plain);
        int plain_count, skipped = 0;

        ck_assert_ptr_nonnull(plain);
        come_to_run(1);
        run(20 * TIME_S);
        plain_count = kept_count;
        memcpy(plain, kept, (size_t)kept_count * sizeof *kept);
        come_to_run(1);
        run(5 * TIME_S);
        world_step_clock(world, -TIME_H);
        ck_assert_int_eq(world_wall(world), world_now(world) + 1700000000 * TIME_S - TIME_H);
        run(5 * TIME_S);
        world_step_clock(world, 26 * TIME_H);
        run(10 * TIME_S);
        for (int i = 0; i < kept_count; i++) {
                const struct kept *a = &kept[i], *b = &plain[i - skipped];

                if (a->note.kind == WORLD_CLOCK) {
                        skipped++;
                        continue;
                }
                ck_assert_int_eq(a->note.kind, b->note.kind);
                ck_assert_int_eq(a->note.t_us, b->note.t_us);
                ck_assert_int_eq(a->note.tag, b->note.tag);
                ck_assert_int_eq(a->note.outcome, b->note.outcome);
                ck_assert(a->note.value == b->note.value || isnan(a->note.value));
                ck_assert_int_eq(a->record, b->record);
        }
        ck_assert_int_eq(skipped, 2);
        ck_assert_int_eq(kept_count - skipped, plain_count);
        free(plain);
}
END_TEST

/* ---- The disk ---- */

/* L2: what cannot be recorded is held; events go on into the ballast, samples wait. */
START_TEST(test_disk_full)
{
        struct core_status status;
        int from;

        come_to_run(1);
        run(2 * TIME_S);
        from = kept_count;
        world_disk(world, 0, true);
        run(10 * TIME_S);
        core_get_status(world_core(world), &status);
        ck_assert(!status.store_ok);
        await(MACHINE_HELD, 30 * TIME_S);
        run(TIME_S);
        /* Every event that was told since is on the disk, and no sample. */
        int told = 0, stored = 0;
        for (int i = from; i < kept_count; i++) {
                told += kept[i].note.kind == WORLD_RECORD && kept[i].record == RECORD_EVENT;
                stored += kept[i].note.kind == WORLD_STORED && kept[i].record == RECORD_EVENT;
                ck_assert(kept[i].note.kind != WORLD_STORED || kept[i].note.record != NULL);
        }
        ck_assert_int_gt(told, 0);
        ck_assert_int_eq(stored, told);
        world_disk(world, 0, false);
        run(TIME_S);
        core_get_status(world_core(world), &status);
        ck_assert(status.store_ok);
        /* A crash on a full disk: its run is closed on the ballast. */
        world_disk(world, 0, true);
        run(TIME_S);
        world_crash(world, TIME_S);
        run(TIME_S + TIME_MS);
        core_get_status(world_core(world), &status);
        ck_assert(!status.store_ok);
        world_disk(world, 0, false);
        run(5 * TIME_S);
        core_get_status(world_core(world), &status);
        ck_assert(status.store_ok);
}
END_TEST

/* L1: stored + gaps = produced, exactly. */
START_TEST(test_gaps)
{
        struct command c = command(VERB_SHUTDOWN);

        c.role = TOOL_ROLE_ENGINEER;
        come_up(1);
        world_disk(world, 0, true);
        for (int i = 0; i < 20; i++) {
                run(TIME_MIN);
                kept_count = 0; /* there is no room for all */
        }
        world_disk(world, 0, false);
        run(TIME_MIN);
        give(&c);
        run(10 * TIME_S);
        ck_assert_ptr_nonnull(find(WORLD_ENDED, 0));
        ck_assert_int_gt(samples_lost, 1000);
        ck_assert_int_gt(samples_stored, RECQ_SAMPLES_DEFAULT);
        ck_assert_int_eq(samples_stored + samples_lost, samples_made);
}
END_TEST

/* L3: what waits for the disk dies with the process. */
START_TEST(test_lost_in_a_crash)
{
        int recorded = 0, stored = 0;

        come_to_run(1);
        world_disk(world, 2 * TIME_S, false);
        run(1500 * TIME_MS);
        world_crash(world, 5 * TIME_S);
        for (int i = 0; i < kept_count; i++) {
                recorded += kept[i].note.kind == WORLD_RECORD;
                stored += kept[i].note.kind == WORLD_STORED && kept[i].note.record != NULL;
        }
        ck_assert_int_lt(stored, recorded);
        run(4 * TIME_S);
        for (int i = 0; i < kept_count; i++)
                stored -= kept[i].note.kind == WORLD_STORED && kept[i].note.record != NULL;
        ck_assert_int_eq(stored, 0);
}
END_TEST

START_TEST(test_disk_slow)
{
        const struct kept *recorded, *stored;
        int from;

        come_up(1);
        world_disk(world, 400 * TIME_MS, false);
        run(5 * TIME_S);
        from = kept_count;
        start_run("1");
        run(20 * TIME_S);
        recorded = find(WORLD_RECORD, from);
        for (stored = find(WORLD_STORED, from); stored->note.record == NULL;)
                stored = find(WORLD_STORED, (int)(stored - kept) + 1);
        ck_assert_int_eq(stored->record, recorded->record);
        ck_assert_int_ge(stored->note.t_us - recorded->note.t_us, 400 * TIME_MS);
        ck_assert_int_le(stored->note.t_us - recorded->note.t_us, 900 * TIME_MS);
}
END_TEST

static TCase *add(Suite *suite, const char *name)
{
        TCase *tc = tcase_create(name);

        tcase_add_checked_fixture(tc, setup, teardown);
        tcase_set_timeout(tc, 60);
        suite_add_tcase(suite, tc);
        return tc;
}

int main(void)
{
        Suite *suite = suite_create("world");
        TCase *tc = add(suite, "no fault");

        tcase_add_test(tc, test_run_to_complete);
        tcase_add_test(tc, test_calls);
        tcase_add_test(tc, test_same_seed_same_hash);
        tcase_add_test(tc, test_pieces);
        tc = add(suite, "wires");
        tcase_add_test(tc, test_exception);
        tcase_add_test(tc, test_lost_and_mute);
        tcase_add_test(tc, test_late_write);
        tcase_add_test(tc, test_duplicated);
        tcase_add_test(tc, test_bad_answers);
        tcase_add_test(tc, test_dripped);
        tcase_add_test(tc, test_reset_and_refused);
        tcase_add_test(tc, test_wires_max);
        tc = add(suite, "plant and devices");
        tcase_add_test(tc, test_plant_fault);
        tcase_add_test(tc, test_partial_reads);
        tcase_add_test(tc, test_plant_wire_faults);
        tcase_add_test(tc, test_reboot);
        tcase_add_test(tc, test_foreign);
        tc = add(suite, "daemon");
        tcase_add_test(tc, test_crash);
        tcase_add_test(tc, test_crash_anywhere);
        tcase_add_test(tc, test_shutdown);
        tcase_add_test(tc, test_late_close_is_told);
        tcase_add_test(tc, test_stall);
        tcase_add_test(tc, test_stall_of_all);
        tcase_add_test(tc, test_commands_in_a_stall);
        tcase_add_test(tc, test_clock);
        tc = add(suite, "disk");
        tcase_add_test(tc, test_disk_full);
        tcase_add_test(tc, test_gaps);
        tcase_add_test(tc, test_lost_in_a_crash);
        tcase_add_test(tc, test_disk_slow);
        return suite_main(suite);
}
