/* The master of a module's watchdog against the simulated module, one row for each kind that SAFETY.md names. Registers and words
 * are typed from its table. */
#include "suite.h"

#include "ald/base/time.h"  /* TIME_MS */
#include "ald/link/watch.h" /* watch_call */
#include "ald/sim/module.h" /* module_write */

#include <check.h>  /* START_TEST */
#include <string.h> /* memset */

#define DEFAULT_STATUS                                                                                       \
        {                                                                                                    \
                TOOL_WATCHDOG_OFF, TOOL_WATCHDOG_RUNNING, TOOL_WATCHDOG_EXPIRED, 0xffff                      \
        }

enum { WAGO, BECKHOFF, EVENTS, COUNTED, KINDS };
static const struct tool_watchdog kinds[KINDS] = {
    /* WAGO 750: mask of functions 0x1001, trigger that must change, status, restart = 1; latched behind exception 4. */
    [WAGO] = {.present = true,
        .time_register = 0x1000,
        .time_unit_us = 100 * TIME_MS,
        .timeout_us = TIME_S,
        .feed_us = 250 * TIME_MS,
        .trigger_register = 0x1003,
        .setup_count = 1,
        .setup = {{0x1001, 0xC030}},
        .status_register = 0x1006,
        .status = DEFAULT_STATUS,
        .counter_register = TOOL_NONE,
        .restart_count = 1,
        .restart = {{0x1007, 1}}},
    /* Beckhoff BK9000: ms, 0x1122 = 0 so that only writes feed, no status, reset by writes to 0x1121, 0xBECF first. The second
     * of them is made up here. */
    [BECKHOFF] = {.present = true,
        .time_register = 0x1120,
        .time_unit_us = TIME_MS,
        .timeout_us = TIME_S,
        .feed_us = 250 * TIME_MS,
        .trigger_register = 0x0801,
        .feeds_by_repeat = true,
        .setup_count = 1,
        .setup = {{0x1122, 0}},
        .status_register = TOOL_NONE,
        .counter_register = TOOL_NONE,
        .restart_count = 2,
        .restart = {{0x1121, 0xBECF}, {0x1121, 0xAFFE}}},
    /* ICP DAS: counts its events and goes on taking writes. */
    [EVENTS] = {.present = true,
        .time_register = 10,
        .time_unit_us = 100 * TIME_MS,
        .timeout_us = TIME_S,
        .feed_us = 250 * TIME_MS,
        .trigger_register = 12,
        .status_register = TOOL_NONE,
        .counter_register = 557,
        .drives = TOOL_DRIVES_SAFE},
    /* Bits of a status of its own beside a counter. */
    [COUNTED] = {.present = true,
        .time_register = 10,
        .time_unit_us = 10 * TIME_MS,
        .timeout_us = 500 * TIME_MS,
        .feed_us = 100 * TIME_MS,
        .trigger_register = 12,
        .feeds_by_repeat = true,
        .setup_count = 2,
        .setup = {{20, 7}, {21, 9}},
        .status_register = 30,
        .status = {0x10, 0x20, 0x30, 0xf0},
        .counter_register = 31,
        .restart_count = 1,
        .restart = {{32, 5}}},
};

enum { CALLS = 512 };
static const struct tool_tag lamp = {
    .name = "spare", .is_output = true, .is_bit = true, .reg = TOOL_COIL, .address = 7};
static struct {
        const struct tool_watchdog *map;
        struct watch w;
        struct module module;
        bool is_on, is_stuck;
        bool is_blind; /* no read is trusted */
        int64_t now_us, turn_us;
        int status; /* the last one told */
        bool was_off;
        struct watch_call call[CALLS];
        int calls;
} r;

static void begin(int kind)
{
        memset(&r, 0, sizeof r);
        r.map = &kinds[kind];
        r.now_us = TIME_S;
        r.status = -1;
        watch_init(&r.w, r.map, &lamp);
        module_init(&r.module, r.map);
}

static void let_expire(void)
{
        if (module_expire(&r.module, r.now_us) && !r.is_stuck)
                r.is_on = false;
}

static void answer(const struct watch_call *c)
{
        struct watch_answer a = {.sent_us = r.now_us, .done_us = r.now_us + TIME_MS};

        r.now_us += TIME_MS;
        let_expire();
        if (c->reg == TOOL_COIL) {
                a.exception = module_serve(&r.module, false, r.now_us);
                a.word = r.is_on;
        } else if (c->is_write) {
                a.exception = module_write(&r.module, c->address, c->word, r.now_us);
        } else {
                a.exception = module_read(&r.module, c->address, &a.word, r.now_us);
        }
        int status = watch_answered(&r.w, &a);
        r.status = status >= 0 ? status : r.status;
        r.was_off |= status == TOOL_WATCHDOG_OFF;
}

/* With a core that turns every 50 ms (or not at all) until until_us. */
static void run(int64_t us, bool is_core_alive)
{
        for (int64_t until_us = r.now_us + us; r.now_us < until_us;) {
                struct watch_call c;

                let_expire();
                if (is_core_alive && r.now_us - r.turn_us >= 50 * TIME_MS)
                        r.turn_us = r.now_us;
                int64_t turn_us = r.now_us - r.turn_us <= 100 * TIME_MS ? r.turn_us : INT64_MIN;

                if (!r.is_blind)
                        watch_end_blind(&r.w);
                watch_doubt(&r.w, r.now_us, turn_us);
                if ((r.is_blind ? watch_due_blind(&r.w, turn_us) : watch_due(&r.w, turn_us)) > r.now_us) {
                        r.now_us += TIME_MS;
                        continue;
                }
                if (r.is_blind)
                        watch_feed_blind(&r.w);
                watch_call(&r.w, &c);
                if (r.calls < CALLS)
                        r.call[r.calls++] = c;
                watch_sending(&r.w, r.now_us, turn_us);
                answer(&c);
        }
}

/* The nth call: "R ADDRESS" or "W ADDRESS WORD". */
static void expect(int n, bool is_write, int address, int word)
{
        ck_assert_int_lt(n, r.calls);
        ck_assert_msg(r.call[n].is_write == is_write && r.call[n].address == address &&
                          (!is_write || r.call[n].word == word),
            "call %d is %s 0x%x 0x%x", n, r.call[n].is_write ? "W" : "R", (unsigned)r.call[n].address,
            (unsigned)r.call[n].word);
}

/* ---- Arming: setup and time are read back, each kind in its own registers ---- */

START_TEST(wago_is_armed)
{
        begin(WAGO);
        run(100 * TIME_MS, true);
        expect(0, false, 0x1006, 0);
        expect(1, false, 0x1001, 0);
        expect(2, true, 0x1001, 0xC030);
        expect(3, false, 0x1001, 0);
        expect(4, true, 0x1000, 10);
        expect(5, false, 0x1000, 0);
        expect(6, true, 0x1003, 1);
        expect(7, false, 0x1006, 0);
        ck_assert(watch_is_running(&r.w));
        r.calls = 0;
        run(300 * TIME_MS, true);
        expect(0, false, 0x1006, 0); /* just before: a restarted module would take it for its start */
        expect(1, true, 0x1003, 2);  /* changed */
}
END_TEST

START_TEST(beckhoff_is_armed)
{
        begin(BECKHOFF);
        run(100 * TIME_MS, true);
        expect(0, false, 0x1120, 0); /* no status: does it answer at all? */
        expect(1, false, 0x1122, 0);
        expect(2, true, 0x1122, 0);
        expect(3, false, 0x1122, 0);
        expect(4, true, 0x1120, 1000);
        expect(5, false, 0x1120, 0);
        expect(6, true, 0x0801, 0);
        ck_assert(watch_is_running(&r.w));
        r.calls = 0;
        run(300 * TIME_MS, true);
        expect(0, false, 0x1120, 0); /* no status: is its time still ours? */
        expect(1, true, 0x0801, 0);  /* the same again */
}
END_TEST

START_TEST(counter_is_read_after_each_feed)
{
        begin(EVENTS);
        run(200 * TIME_MS, true);
        ck_assert(watch_is_running(&r.w));
        r.calls = 0;
        run(500 * TIME_MS, true);
        for (int i = 0; i + 2 < r.calls; i += 3) {
                expect(i, false, 10, 0);
                ck_assert(r.call[i + 1].is_write && r.call[i + 1].address == 12);
                expect(i + 2, false, 557, 0);
        }
        ck_assert_int_ge(r.calls, 6);
}
END_TEST

/* A new connection: what stands there is looked at, and written only where it differs (some modules wear). */
START_TEST(reconnect_writes_nothing_that_is_there)
{
        begin(_i);
        run(TIME_S, true);
        ck_assert(watch_is_running(&r.w));
        r.calls = 0;
        watch_reset(&r.w);
        run(100 * TIME_MS, true);
        ck_assert(watch_is_running(&r.w));
        for (int i = 0; i < r.calls; i++)
                ck_assert_msg(!r.call[i].is_write || r.call[i].address == r.map->trigger_register,
                    "0x%x is written anew", (unsigned)r.call[i].address);
}
END_TEST

/* Set up by somebody else meanwhile, so that any reader feeds it. */
START_TEST(a_changed_setup_is_mended)
{
        begin(WAGO);
        run(TIME_S, true);
        r.module.setup[0] = 0xffff;
        watch_reset(&r.w);
        run(100 * TIME_MS, true);
        ck_assert_int_eq(r.module.setup[0], 0xC030);
}
END_TEST

/* ---- Expiry: seen by each kind, latched until the reset ---- */

START_TEST(expiry_is_latched)
{
        begin(_i);
        run(TIME_S, true);
        ck_assert_int_eq(r.status, TOOL_WATCHDOG_RUNNING);
        uint32_t losses = r.w.losses;
        run(1500 * TIME_MS, false); /* the core is silent */
        run(3 * TIME_S, true);
        ck_assert_int_eq(r.status, TOOL_WATCHDOG_EXPIRED);
        ck_assert(!watch_is_running(&r.w));
        ck_assert_uint_gt(r.w.losses, losses);
        watch_rearm(&r.w);
        run(TIME_S, true);
        ck_assert_int_eq(r.status, TOOL_WATCHDOG_RUNNING);
        ck_assert(watch_is_running(&r.w));
        ck_assert_int_eq(r.module.status, TOOL_WATCHDOG_RUNNING);
}
END_TEST

START_TEST(beckhoff_restarts_by_its_keys)
{
        begin(BECKHOFF);
        run(TIME_S, true);
        run(1500 * TIME_MS, false);
        run(TIME_S, true);
        r.calls = 0;
        watch_rearm(&r.w);
        run(20 * TIME_MS, true);
        int first = 0; /* it is asked once more */
        while (first < r.calls && !r.call[first].is_write)
                first++;
        expect(first, true, 0x1121, 0xBECF);
        expect(first + 1, true, 0x1121, 0xAFFE);
}
END_TEST

/* ---- Looks ---- */

/* A module loses its power between two feeds: no feed starts it, with the time of its power-up, and it is a loss. */
START_TEST(a_restart_is_seen_before_the_feed)
{
        begin(_i);
        run(TIME_S, true);
        uint32_t losses = r.w.losses;
        module_init(&r.module, r.map);
        r.calls = 0;
        run(r.map->feed_us + 100 * TIME_MS, true);
        ck_assert_uint_gt(r.w.losses, losses);
        int first = 0;
        while (first < r.calls && !r.call[first].is_write)
                first++;
        ck_assert_int_lt(first, r.calls);
        ck_assert_int_ne(r.call[first].address, r.map->trigger_register);
        ck_assert(watch_is_sure(&r.w));
        ck_assert_int_eq(r.module.time, watch_time_word(&r.w));
}
END_TEST

/* What a pulse is proven by: one look after its close, and the counter where there is one. */
START_TEST(a_look_is_made_when_it_is_wanted)
{
        begin(_i);
        run(TIME_S, true);
        uint32_t losses = r.w.losses;
        int64_t since_us = r.now_us;
        ck_assert(!watch_ran_on(&r.w, losses, since_us));
        r.calls = 0;
        r.turn_us = 0; /* looking needs no turn of the core */
        watch_look(&r.w, since_us);
        run(10 * TIME_MS, false);
        ck_assert(watch_ran_on(&r.w, losses, since_us));
        ck_assert_int_eq(r.calls, r.map->counter_register >= 0 ? 2 : 1);
        for (int i = 0; i < r.calls; i++)
                ck_assert(!r.call[i].is_write);
        watch_look(&r.w, r.now_us);
        module_init(&r.module, r.map);
        run(10 * TIME_MS, false);
        ck_assert(!watch_ran_on(&r.w, losses, since_us));
}
END_TEST

/* No status, nothing latched: an event tells. */
START_TEST(an_event_proves_no_pulse)
{
        begin(EVENTS);
        run(TIME_S, true);
        uint32_t losses = r.w.losses;
        r.module.count++;
        int64_t since_us = r.now_us;
        watch_look(&r.w, since_us);
        run(10 * TIME_MS, true);
        ck_assert(!watch_ran_on(&r.w, losses, since_us));
        ck_assert_int_eq(r.status, TOOL_WATCHDOG_EXPIRED);
}
END_TEST

/* Where no read is trusted feeds go on without a look; the first thing behind it is to ask. */
START_TEST(feeds_go_on_blind)
{
        begin(_i);
        run(TIME_S, true);
        uint32_t losses = r.w.losses;
        int64_t since_us = r.now_us;
        r.calls = 0;
        r.is_blind = true;
        run(3 * TIME_S, true);
        ck_assert_int_eq(r.module.status, TOOL_WATCHDOG_RUNNING);
        ck_assert_int_ge(r.calls, (int)(2 * TIME_S / r.map->feed_us));
        for (int i = 0; i < r.calls; i++)
                ck_assert(r.call[i].is_write && r.call[i].address == r.map->trigger_register);
        ck_assert(watch_is_running(&r.w) && !watch_is_sure(&r.w)); /* nothing opens on the strength of that */
        ck_assert(!watch_ran_on(&r.w, losses, since_us));
        r.calls = 0;
        r.is_blind = false;
        run(50 * TIME_MS, true);
        ck_assert(!r.call[0].is_write);
        ck_assert(watch_is_sure(&r.w));
        ck_assert(watch_ran_on(&r.w, losses, since_us));
        ck_assert_int_eq(r.status, TOOL_WATCHDOG_RUNNING);
}
END_TEST

/* Restarted meanwhile, a module took the blind feed for its start, with its own time: found, told, and set anew. */
START_TEST(a_restart_behind_blind_feeds_is_found)
{
        begin(_i);
        run(TIME_S, true);
        uint32_t losses = r.w.losses;
        r.is_blind = true;
        run(300 * TIME_MS, true);
        module_init(&r.module, r.map);
        r.module.time = (uint16_t)(5 * watch_time_word(&r.w));
        run(TIME_S, true);
        ck_assert_int_eq(r.module.status, TOOL_WATCHDOG_RUNNING);
        int64_t since_us = r.now_us;
        r.was_off = r.is_blind = false;
        run(100 * TIME_MS, true);
        ck_assert(r.was_off);
        ck_assert(watch_is_sure(&r.w) && !watch_ran_on(&r.w, losses, since_us));
        ck_assert_int_eq(r.module.time, watch_time_word(&r.w));
}
END_TEST

/* ---- The proof ---- */

static struct proof prove(void)
{
        struct proof p;

        run(TIME_S, true);
        ck_assert(watch_is_running(&r.w));
        r.is_on = true;
        watch_prove(&r.w, r.now_us);
        run(4 * TIME_S, true);
        ck_assert_msg(watch_take_proof(&r.w, &p), "no word of the end");
        ck_assert(!watch_take_proof(&r.w, &p));
        return p;
}

START_TEST(each_kind_is_proven)
{
        begin(_i);
        struct proof p = prove();
        ck_assert_msg(p.outcome == WATCHDOG_PROOF_PASSED, "%s", p.why);
        ck_assert_int_ge(p.measured_us, r.map->timeout_us - 25 * TIME_MS);
        ck_assert_int_le(p.measured_us, r.map->timeout_us + 25 * TIME_MS);
        ck_assert(watch_is_running(&r.w));
        ck_assert(!r.is_on);
        ck_assert_int_eq(r.status, TOOL_WATCHDOG_RUNNING); /* nobody was told of an expiry */
        run(3 * TIME_S, true);
        ck_assert_int_eq(r.module.status, TOOL_WATCHDOG_RUNNING);
}
END_TEST

START_TEST(a_watchdog_that_never_acts_fails)
{
        begin(_i);
        r.module.is_dead = true;
        struct proof p = prove();
        ck_assert_int_eq(p.outcome, WATCHDOG_PROOF_FAILED);
        ck_assert_ptr_nonnull(strstr(p.why, "still on"));
        ck_assert(watch_is_running(&r.w));
}
END_TEST

START_TEST(an_output_that_stays_fails)
{
        begin(_i);
        r.is_stuck = true;
        struct proof p = prove();
        ck_assert_int_eq(p.outcome, WATCHDOG_PROOF_FAILED);
        ck_assert_ptr_nonnull(strstr(p.why, r.map->restart_count > 0 ? "stayed on" : "still on"));
        ck_assert(watch_is_running(&r.w));
}
END_TEST

/* ADLINK ND-6000, firmware 1.x: units of 53.3 ms that call themselves 100 ms. */
START_TEST(a_wrong_unit_fails)
{
        begin(WAGO);
        struct tool_watchdog odd = *r.map;
        odd.time_unit_us = 53300;
        r.module.map = &odd;
        struct proof p = prove();
        ck_assert_int_eq(p.outcome, WATCHDOG_PROOF_FAILED);
        ck_assert_msg(strstr(p.why, "it acted after 0.5") != NULL, "%s", p.why);
}
END_TEST

/* A module that readers keep alive: the proof's own looks do. */
START_TEST(a_watchdog_fed_by_reads_fails)
{
        begin(WAGO);
        struct tool_watchdog lax = *r.map;
        lax.setup_count = 0;
        watch_init(&r.w, &lax, &lamp); /* nobody sees to its mask */
        struct proof p = prove();
        ck_assert_int_eq(p.outcome, WATCHDOG_PROOF_FAILED);
}
END_TEST

START_TEST(an_output_that_was_never_on_fails)
{
        begin(WAGO);
        run(TIME_S, true);
        struct proof p;
        watch_prove(&r.w, r.now_us);
        run(100 * TIME_MS, true);
        ck_assert(watch_take_proof(&r.w, &p));
        ck_assert_int_eq(p.outcome, WATCHDOG_PROOF_FAILED);
        run(3 * TIME_S, true);
        ck_assert_int_eq(r.module.status, TOOL_WATCHDOG_RUNNING);
}
END_TEST

/* The connection is lost before the fall, and comes back after it: what expired then did so for the proof. */
START_TEST(a_broken_proof_is_recovered_without_a_reset)
{
        struct proof p;

        begin(_i);
        run(TIME_S, true);
        r.is_on = true;
        watch_prove(&r.w, r.now_us);
        run(300 * TIME_MS, true);
        r.now_us += 2 * TIME_S;
        watch_reset(&r.w);
        run(2 * TIME_S, true);
        ck_assert(watch_take_proof(&r.w, &p));
        ck_assert_int_eq(p.outcome, WATCHDOG_PROOF_BROKEN);
        ck_assert(watch_is_running(&r.w));
        ck_assert_int_eq(r.status, TOOL_WATCHDOG_RUNNING);
}
END_TEST

/* What expires just before is no proof's doing. */
START_TEST(a_real_expiry_is_not_the_proofs)
{
        struct proof p;

        begin(WAGO);
        run(TIME_S, true);
        r.is_on = true;
        r.module.status = TOOL_WATCHDOG_EXPIRED;
        watch_prove(&r.w, r.now_us);
        run(TIME_S, true);
        ck_assert(watch_take_proof(&r.w, &p));
        ck_assert_int_eq(p.outcome, WATCHDOG_PROOF_BROKEN);
        ck_assert_int_eq(r.status, TOOL_WATCHDOG_EXPIRED);
        ck_assert_int_eq(r.module.status, TOOL_WATCHDOG_EXPIRED);
}
END_TEST

START_TEST(another_write_breaks_it_off)
{
        struct proof p;

        begin(WAGO);
        run(TIME_S, true);
        r.is_on = true;
        watch_prove(&r.w, r.now_us);
        run(300 * TIME_MS, true);
        watch_disturbed(&r.w);
        run(300 * TIME_MS, true);
        ck_assert(watch_take_proof(&r.w, &p));
        ck_assert_int_eq(p.outcome, WATCHDOG_PROOF_BROKEN);
        run(3 * TIME_S, true);
        ck_assert_int_eq(r.module.count, 0); /* fed again in time */
}
END_TEST

/* A core that dies in it: nobody feeds, nobody restarts. */
START_TEST(the_proof_feeds_by_the_cores_turns_only)
{
        begin(WAGO);
        run(TIME_S, true);
        r.is_on = true;
        watch_prove(&r.w, r.now_us);
        run(300 * TIME_MS, true);
        run(10 * TIME_S, false);
        ck_assert(!r.is_on);
        for (int i = 0; i < r.calls; i++)
                ck_assert(i < 100 || !r.call[i].is_write || r.call[i].address != 0x1003);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("watch");
        TCase *c = tcase_create("kinds");

        tcase_add_test(c, wago_is_armed);
        tcase_add_test(c, beckhoff_is_armed);
        tcase_add_test(c, counter_is_read_after_each_feed);
        tcase_add_loop_test(c, reconnect_writes_nothing_that_is_there, 0, KINDS);
        tcase_add_test(c, a_changed_setup_is_mended);
        tcase_add_loop_test(c, expiry_is_latched, 0, KINDS);
        tcase_add_test(c, beckhoff_restarts_by_its_keys);
        tcase_add_loop_test(c, a_restart_is_seen_before_the_feed, 0, KINDS);
        tcase_add_loop_test(c, a_look_is_made_when_it_is_wanted, 0, KINDS);
        tcase_add_test(c, an_event_proves_no_pulse);
        tcase_add_loop_test(c, feeds_go_on_blind, 0, KINDS);
        tcase_add_loop_test(c, a_restart_behind_blind_feeds_is_found, 0, KINDS);
        tcase_add_loop_test(c, each_kind_is_proven, 0, KINDS);
        tcase_add_loop_test(c, a_watchdog_that_never_acts_fails, 0, KINDS);
        tcase_add_loop_test(c, an_output_that_stays_fails, 0, KINDS);
        tcase_add_test(c, a_wrong_unit_fails);
        tcase_add_test(c, a_watchdog_fed_by_reads_fails);
        tcase_add_test(c, an_output_that_was_never_on_fails);
        tcase_add_loop_test(c, a_broken_proof_is_recovered_without_a_reset, 0, KINDS);
        tcase_add_test(c, a_real_expiry_is_not_the_proofs);
        tcase_add_test(c, another_write_breaks_it_off);
        tcase_add_test(c, the_proof_feeds_by_the_cores_turns_only);
        suite_add_tcase(s, c);
        return suite_main(s);
}
