/* A serial line whose units answer late (SAFETY, trap 1; Q3): what is believed of it, and what goes out on it meanwhile.
 * ALD_SERIAL_LATE in the environment says after how many late replies the long test ends: 100000. */

#include "link_tool.h"  /* link_tool_tag */
#include "serial_rig.h" /* struct serial_rig */
#include "suite.h"

#include "ald/base/text.h"  /* text_init */
#include "ald/link/sched.h" /* sched_next */

enum { UNIT_GAUGE, UNIT_FLOW, UNIT_VALVE, UNIT_SIGNED, UNITS };
enum { TIMEOUT_MS = 100, WORST_MS = 700 };

static struct tool *tool;
static struct sched *sched;
static struct serial_rig rig;
static int valve, setpoint, words;

static struct {
        int64_t good, misread, wrote, unwritten;
        int64_t of_unit[UNITS];
        int64_t close_late_us, safe_late_us;
        int64_t pulses, closed;
} seen;

/* What the checks look back at. */
static struct {
        struct quarantine_read read[UNITS + 1];
        bool wants_probe;
        int64_t failed_us; /* the last call that failed */
        int64_t quarantine_us;
        int64_t planned_us;
        int64_t close_us; /* planned, of the pulse whose open was sent; TIME_NEVER = none */
        int64_t safe_us;  /* ordered, and not sent yet */
} past;

static void add_block(int device, enum tool_register reg, int address, int count)
{
        for (int i = 0; i < count; i++) {
                char name[32];
                snprintf(name, sizeof name, "u%d.%d.%d", device, (int)reg, address + i);
                link_tool_tag(tool, name, device, reg, address + i, TOOL_UINT16);
        }
}

/* Blocks of equal length, side by side in one table of one unit and in those of several. */
static void make_tool(void)
{
        tool = calloc(1, sizeof *tool);
        tool->link_count = 1;
        tool->device_count = UNITS;
        tool->links[0] = (struct tool_link){.name = "line",
            .kind = TOOL_LINK_RTU,
            .path = "/dev/null",
            .baud = 19200,
            .timeout_us = TIMEOUT_MS * TIME_MS,
            .backoff_us_min = 100 * TIME_MS,
            .backoff_us_max = TIME_S};
        for (int i = 0; i < UNITS; i++) {
                tool->devices[i] =
                    (struct tool_device){.slave_id = i + 1, .read_words_max = 125, .proof_output = TOOL_NONE};
                snprintf(tool->devices[i].name, TOOL_NAME_MAX, "unit-%d", i + 1);
                add_block(i, TOOL_INPUT, 0, 4);
                add_block(i, TOOL_INPUT, 100, 4);
                add_block(i, TOOL_HOLDING, 200, 4);
        }
        add_block(UNIT_GAUGE, TOOL_INPUT, 200, 4);
        words = tool->tag_count;
        tool->devices[UNIT_GAUGE].answer_us_max = WORST_MS * TIME_MS;
        tool->devices[UNIT_SIGNED].signature = (struct tool_signature){true, TOOL_INPUT, 104, 0xA1D};
        valve = tool->tag_count;
        struct tool_tag *v = link_tool_output(tool, "valve", UNIT_VALVE, TOOL_COIL, 0, TOOL_BIT);
        v->max_open_us = 2 * TIME_S;
        v->is_valve = true;
        setpoint = tool->tag_count;
        struct tool_tag *p = link_tool_output(tool, "setpoint", UNIT_FLOW, TOOL_HOLDING, 300, TOOL_UINT16);
        p->safe = 7;
        p->poll_us = TIME_S;
}

static void setup(void)
{
        make_tool();
        memset(&rig, 0, sizeof rig);
        memset(&seen, 0, sizeof seen);
        memset(&past, 0, sizeof past);
        past.close_us = past.planned_us = past.safe_us = TIME_NEVER;
        past.failed_us = INT64_MIN / 2;
        rig.tool = tool;
        rig.dice = random_split(1, 1);
        rig.worst_us = WORST_MS * TIME_MS;
        rig.now_us = TIME_S;
        sched = sched_new(tool, 0, rig.now_us);
        ck_assert_ptr_nonnull(sched);
        past.quarantine_us = quarantine_length_us(tool, 0);
        ck_assert_int_eq(past.quarantine_us, WORST_MS * TIME_MS);
}

static void teardown(void)
{
        sched_free(sched);
        free(tool);
}

/* ---- What must hold of every call ---- */

static bool is_alike(const struct quarantine_read *r, const struct sched_action *a)
{
        int bytes = registers_are_bits(a->reg) ? (a->count + 7) / 8 : a->count;
        int before = registers_are_bits(r->reg) ? (r->count + 7) / 8 : r->count;
        return r->count > 0 && r->reg == a->reg && bytes == before;
}

static void check_read(const struct sched_action *a)
{
        struct quarantine_read *last = &past.read[a->slave_id];
        ck_assert_msg(!is_alike(last, a), "unit %d: reads of %d follow one another", a->slave_id, a->count);
        ck_assert_msg(rig.now_us >= past.failed_us + past.quarantine_us,
            "unit %d is read %lld us after a call failed", a->slave_id,
            (long long)(rig.now_us - past.failed_us));
        /* Every unit here has a register of its own for it: no other read asks for one. */
        ck_assert_msg(
            !past.wants_probe || a->count == 1, "unit %d is read and the line not proven", a->slave_id);
        *last = (struct quarantine_read){.reg = a->reg, .address = a->address, .count = a->count};
}

static void check_write(const struct sched_action *a)
{
        bool is_valve = a->reg == TOOL_COIL;
        if (is_valve && a->words[0] == 1)
                past.close_us = past.planned_us;
        if (is_valve && a->words[0] == 0 && past.close_us != TIME_NEVER) {
                if (rig.now_us - past.close_us > seen.close_late_us)
                        seen.close_late_us = rig.now_us - past.close_us;
                past.close_us = TIME_NEVER;
        }
        if (!is_valve && a->words[0] == 7 && past.safe_us != TIME_NEVER) {
                if (rig.now_us - past.safe_us > seen.safe_late_us)
                        seen.safe_late_us = rig.now_us - past.safe_us;
                past.safe_us = TIME_NEVER;
        }
}

static void check_sample(const struct sample *s)
{
        const struct tool_tag *t = &tool->tags[s->tag];
        if (s->quality != QUALITY_GOOD || s->tag >= words)
                return;
        seen.good++;
        seen.of_unit[t->device]++;
        seen.misread += s->value != serial_word(t->device + 1, t->reg, t->address, s->t_us);
}

static void take_reports(void)
{
        struct event e;
        while (sched_report(sched, &e)) {
                if (e.kind == EVENT_SAMPLES)
                        for (int i = 0; i < e.u.samples.count; i++)
                                check_sample(&e.u.samples.item[i]);
                if (e.kind == EVENT_WROTE && e.u.wrote.ok) {
                        const struct tool_tag *t = &tool->tags[e.u.wrote.tag];
                        seen.wrote++;
                        seen.unwritten += rig.place[t->device + 1][t->address] != (uint16_t)e.u.wrote.value;
                }
                if (e.kind == EVENT_PULSE) {
                        seen.pulses++;
                        seen.closed += e.u.pulse.close_acked_us != 0;
                        ck_assert(e.u.pulse.close_acked_us == 0 || e.u.pulse.outcome != PULSE_DONE ||
                                  rig.place[UNIT_VALVE + 1][0] == 0);
                }
        }
}

/* ---- One step of the worker ---- */

static void wait_on_line(int64_t until_us)
{
        int64_t byte_us = serial_next(&rig);
        if (byte_us > until_us) {
                rig.now_us = until_us;
                return;
        }
        if (byte_us > rig.now_us)
                rig.now_us = byte_us;
        serial_discard(&rig);
        sched_stray(sched, rig.now_us);
}

/* A quarantine lies between the reads before it and those after it. */
static void forget(int64_t quarantines)
{
        if (sched_quarantines(sched) == quarantines)
                return;
        memset(past.read, 0, sizeof past.read);
        past.wants_probe = true;
}

static void step(void)
{
        struct sched_action a;
        struct sched_result r;
        int64_t quarantines = sched_quarantines(sched);
        sched_feed(sched, rig.now_us);
        sched_next(sched, rig.now_us, &a);
        take_reports();
        if (a.kind == SCHED_WAIT) {
                wait_on_line(time_min(a.until_us, rig.now_us + 20 * TIME_MS));
                forget(quarantines);
                serial_settle(&rig);
                return;
        }
        if (a.kind == SCHED_READ)
                check_read(&a);
        if (a.kind == SCHED_WRITE)
                check_write(&a);
        if (a.kind == SCHED_CONNECT)
                past.failed_us = rig.now_us;
        serial_call(&rig, &a, &r);
        if (a.kind == SCHED_READ && r.outcome == SCHED_OK)
                past.wants_probe = false;
        bool has_failed = r.outcome != SCHED_OK && r.outcome != SCHED_EXCEPTION;
        if (has_failed)
                past.failed_us = r.done_us;
        sched_done(sched, &r);
        forget(quarantines);
        take_reports();
}

static void run_until(int64_t t_us)
{
        while (rig.now_us < t_us)
                step();
}

static void order_write(uint32_t id, double value)
{
        struct effect_write w = {
            .id = id, .tag = (int16_t)setpoint, .cause = CAUSE_STEP, .value = value, .is_safe = value == 7};
        sched_write(sched, &w, rig.now_us);
        if (w.is_safe && past.safe_us == TIME_NEVER)
                past.safe_us = rig.now_us;
}

static void order_pulse(uint32_t id)
{
        struct effect_pulse p = {.id = id, .tag = (int16_t)valve, .open_us = rig.now_us + 150 * TIME_MS};
        p.close_us = p.open_us + random_between(&rig.dice, 120, 400) * TIME_MS;
        past.close_us = TIME_NEVER;
        past.planned_us = p.close_us;
        sched_pulse(sched, &p, rig.now_us);
        /* Now and then a safe value wants to be written just before the close. */
        run_until(p.close_us - random_between(&rig.dice, 1, 60) * TIME_MS);
        if (id % 2 == 0)
                order_write(1000000 + id, 7);
        run_until(p.close_us + 60 * TIME_MS);
        ck_assert_msg(past.close_us == TIME_NEVER, "pulse %u: its close was not sent", id);
        past.planned_us = TIME_NEVER;
}

static int64_t late_wanted(void)
{
        const char *given = getenv("ALD_SERIAL_LATE");
        return given ? strtoll(given, NULL, 10) : 100000;
}

START_TEST(late_replies_are_nobodys)
{
        rig.late = 300;
        rig.lost = rig.dripped = rig.cut = rig.doubled = rig.glued = rig.foreign = 15;
        for (uint32_t id = 1; rig.late_count < late_wanted(); id++) {
                run_until(rig.now_us + 2 * TIME_S);
                order_write(
                    id, random_chance(&rig.dice, 300) ? 7 : (double)random_between(&rig.dice, 8, 900));
                if (id % 5 == 0)
                        order_pulse(id);
        }
        printf("%lld requests, %lld late replies, %lld values, %lld misread, %lld writes; latest close %lld "
               "us, safe %lld us; "
               "%lld quarantines\n",
            (long long)rig.requests, (long long)rig.late_count, (long long)seen.good, (long long)seen.misread,
            (long long)seen.wrote, (long long)seen.close_late_us, (long long)seen.safe_late_us,
            (long long)sched_quarantines(sched));
        ck_assert_int_eq(seen.misread, 0);
        ck_assert_int_eq(seen.unwritten, 0);
        /* It did its work meanwhile. */
        ck_assert_int_gt(seen.good, rig.late_count);
        ck_assert_int_gt(seen.closed, 0);
        for (int i = 0; i < UNITS; i++)
                ck_assert_int_gt(seen.of_unit[i], rig.late_count / 10);
        /* Far below the 50 ms allowed: nothing stands before a close but a frame's silence and the end of a late reply. */
        ck_assert_int_le(seen.close_late_us, 4 * TIME_MS);
        /* A close that is not answered, three times over, goes before a safe value. */
        ck_assert_int_le(seen.safe_late_us, 500 * TIME_MS);
}
END_TEST

/* The test's own canary: the loop that a lab would write, on the same line. */
START_TEST(a_plain_loop_misreads)
{
        int64_t misread = 0;
        rig.late = 100;
        for (int n = 0; n < 2000; n++) {
                struct sched_action a = {
                    .kind = SCHED_READ, .slave_id = 1, .reg = TOOL_INPUT, .address = n % 3 * 100, .count = 4};
                struct sched_result r;
                a.limit_us = rig.now_us + TIMEOUT_MS * TIME_MS;
                serial_call(&rig, &a, &r);
                misread +=
                    r.outcome == SCHED_OK && r.words[0] != serial_word(1, TOOL_INPUT, a.address, r.sent_us);
                rig.now_us += 2 * TIME_MS;
        }
        ck_assert_int_gt(misread, 0);
}
END_TEST

START_TEST(a_quiet_line_is_read_at_full_rate)
{
        run_until(11 * TIME_S);
        ck_assert_int_eq(seen.misread, 0);
        ck_assert_int_eq(sched_quarantines(sched), 1); /* the one at the opening */
        /* Six kinds of block at 10 Hz and as many probes are more than this line carries; each unit has its share. */
        for (int i = 0; i < UNITS; i++)
                ck_assert_int_gt(seen.of_unit[i], 300);
}
END_TEST

START_TEST(a_dead_unit_costs_little)
{
        run_until(6 * TIME_S);
        int64_t before = seen.of_unit[UNIT_FLOW];
        rig.is_dead[UNIT_GAUGE + 1] = true;
        run_until(66 * TIME_S);
        int64_t per_minute = seen.of_unit[UNIT_FLOW] - before;
        ck_assert_msg(per_minute > before / 5 * 60 * 7 / 10, "%lld of %lld values", (long long)per_minute,
            (long long)before / 5 * 60);
        int64_t gauge = seen.of_unit[UNIT_GAUGE];
        rig.is_dead[UNIT_GAUGE + 1] = false;
        run_until(100 * TIME_S);
        ck_assert_int_gt(seen.of_unit[UNIT_GAUGE], gauge);
        ck_assert_int_eq(seen.misread, 0);
}
END_TEST

START_TEST(a_dead_line_comes_back_soon)
{
        run_until(3 * TIME_S);
        for (int i = 1; i <= UNITS; i++)
                rig.is_dead[i] = true;
        run_until(120 * TIME_S);
        for (int i = 1; i <= UNITS; i++)
                rig.is_dead[i] = false;
        int64_t good = seen.good;
        run_until(123 * TIME_S);
        ck_assert_int_gt(seen.good, good);
}
END_TEST

START_TEST(an_owed_safe_value_leaves_time_to_the_others)
{
        run_until(3 * TIME_S);
        rig.is_dead[UNIT_FLOW + 1] = true;
        order_write(1, 7);
        run_until(60 * TIME_S);
        int64_t good = seen.of_unit[UNIT_GAUGE];
        run_until(120 * TIME_S);
        ck_assert_int_gt(seen.of_unit[UNIT_GAUGE] - good, 60 * 20);
        rig.is_dead[UNIT_FLOW + 1] = false;
        rig.place[UNIT_FLOW + 1][300] = 99;
        run_until(150 * TIME_S);
        ck_assert_int_eq(rig.place[UNIT_FLOW + 1][300], 7);
}
END_TEST

START_TEST(a_wrong_signature_is_a_bad_frame)
{
        run_until(5 * TIME_S);
        int64_t before = seen.of_unit[UNIT_SIGNED];
        ck_assert_int_gt(before, 0);
        ck_assert_int_eq(sched_foreign(sched), 0);
        /* Another module stands at that address. */
        struct tool_signature *g = &tool->devices[UNIT_SIGNED].signature;
        struct tool other = *tool;
        other.devices[UNIT_SIGNED].signature.value++;
        rig.tool = &other;
        ck_assert(g->present);
        run_until(15 * TIME_S);
        ck_assert_int_gt(sched_foreign(sched), 0);
        ck_assert_int_eq(seen.misread, 0);
        rig.tool = tool;
}
END_TEST

/* A unit that is late must not let its neighbour's watchdog expire; asking and arming wait all the same (check_read). */
START_TEST(watchdogs_are_fed_in_quarantine)
{
        struct tool_watchdog dog = {.present = true,
            .time_register = 400,
            .time_unit_us = 100 * TIME_MS,
            .timeout_us = TIME_S,
            .feed_us = 250 * TIME_MS,
            .trigger_register = 402,
            .status_register = 404,
            .status = {TOOL_WATCHDOG_OFF, TOOL_WATCHDOG_RUNNING, TOOL_WATCHDOG_EXPIRED, 0xffff},
            .counter_register = TOOL_NONE,
            .restart_count = 1,
            .restart = {{405, 1}}};
        int64_t fed_us = 0, longest_us = 0;
        uint16_t trigger = 0;
        sched_free(sched);
        tool->devices[UNIT_VALVE].watchdog = dog;
        rig.place[UNIT_VALVE + 1][400] = 10;
        rig.place[UNIT_VALVE + 1][404] = TOOL_WATCHDOG_RUNNING;
        sched = sched_new(tool, 0, rig.now_us);
        ck_assert_ptr_nonnull(sched);
        run_until(4 * TIME_S);
        rig.late_unit = UNIT_GAUGE + 1;
        rig.late = 300;
        int64_t quarantines = sched_quarantines(sched);
        for (fed_us = rig.now_us; rig.now_us < 64 * TIME_S;) {
                step();
                if (rig.place[UNIT_VALVE + 1][402] == trigger)
                        continue;
                trigger = rig.place[UNIT_VALVE + 1][402];
                longest_us = rig.now_us - fed_us > longest_us ? rig.now_us - fed_us : longest_us;
                fed_us = rig.now_us;
        }
        ck_assert_int_gt(sched_quarantines(sched), quarantines + 20);
        ck_assert_int_lt(longest_us, 600 * TIME_MS);
        ck_assert_int_eq(seen.misread, 0);
}
END_TEST

START_TEST(a_unit_without_a_probe_is_refused)
{
        struct plan plan;
        char buf[256];
        struct text why;
        struct tool *bare = calloc(1, sizeof *bare);
        bare->link_count = bare->device_count = 1;
        bare->links[0] = (struct tool_link){.kind = TOOL_LINK_RTU, .baud = 9600, .timeout_us = TIME_S};
        bare->devices[0] = (struct tool_device){
            .name = "relays", .slave_id = 1, .read_words_max = 125, .proof_output = TOOL_NONE};
        link_tool_output(bare, "a", 0, TOOL_COIL, 0, TOOL_BIT);
        link_tool_output(bare, "b", 0, TOOL_COIL, 1, TOOL_BIT);
        ck_assert(plan_build(&plan, bare, 0));
        text_init(&why, buf, sizeof buf);
        ck_assert(!quarantine_check(bare, 0, &plan, &why));
        ck_assert_ptr_nonnull(strstr(buf, "'relays'"));
        ck_assert_ptr_nonnull(strstr(buf, "signature"));
        ck_assert_ptr_null(sched_new(bare, 0, 0));
        bare->devices[0].signature = (struct tool_signature){true, TOOL_HOLDING, 5, 1};
        ck_assert(quarantine_check(bare, 0, &plan, &why));
        bare->devices[0].signature.present = false;
        bare->links[0].kind = TOOL_LINK_TCP;
        ck_assert(quarantine_check(bare, 0, &plan, &why));
        free(bare);
}
END_TEST

START_TEST(silence_between_frames)
{
        struct tool_link link = {.baud = 9600};
        ck_assert_int_eq(quarantine_silence_us(&link), 4010);
        link.baud = 19200;
        ck_assert_int_eq(quarantine_silence_us(&link), 2005);
        link.baud = 115200;
        ck_assert_int_eq(quarantine_silence_us(&link), 1750);
}
END_TEST

int main(void)
{
        const TTest *const tests[] = {late_replies_are_nobodys, a_plain_loop_misreads,
            a_quiet_line_is_read_at_full_rate, a_dead_unit_costs_little, a_dead_line_comes_back_soon,
            an_owed_safe_value_leaves_time_to_the_others, a_wrong_signature_is_a_bad_frame,
            watchdogs_are_fed_in_quarantine, a_unit_without_a_probe_is_refused, silence_between_frames};
        Suite *suite = suite_create("serial_line");
        TCase *tc = tcase_create("serial_line");

        tcase_add_checked_fixture(tc, setup, teardown);
        tcase_set_timeout(tc, 600);
        for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++)
                tcase_add_test(tc, tests[i]);
        suite_add_tcase(suite, tc);
        return suite_main(suite);
}
