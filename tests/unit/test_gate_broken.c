/* The gate below a core that is broken in every way (SAFETY V1, V2, V3, V5): a hostile producer in the core's place gives
 * orders at random, and what goes on the wire is watched by checkers of its own (gate_rig.h).
 * GATE_SEED=n runs one seed, GATE_STEPS=n makes each longer. */
#include "gate_rig.h"
#include "link_tool.h"
#include "suite.h"

#include <math.h> /* NAN */

enum { SEEDS = 80, STEPS = 2500, IDS = 5000, TAG_AL = TAG_WIDE + 1, TAG_GAS, RECENT_MAX = 8 };

static const struct {
        const char *name;
        int fault_permille, silent_permille;
} kinds[] = {{"sound link", 0, 0}, {"bad link", 30, 0}, {"silent core", 0, 5}, {"both", 100, 5}};

static struct hostile {
        struct rig rig;
        struct tool *tool;
        int balance[IDS]; /* orders less reports, by id */
        int orders, reports;
        int safe_waiting[TOOL_TAGS_MAX]; /* safe values ordered and not reported */
        double ordered[TOOL_TAGS_MAX][RECENT_MAX];
        int64_t pulse_until_us[TOOL_TAGS_MAX]; /* the latest close of pulses given */
        int64_t turn_us;                       /* the latest that is no lie */
        bool is_silent;
        int refused, unasked;
} h;

/* ---- the tool: three precursors and a reactive gas that exclude one another in two groups ---- */

static struct tool *make_tool(void)
{
        struct tool *t = link_tool_new();
        struct tool_tag *al = link_tool_output(t, "al.valve", DEV_VALVES, TOOL_COIL, 5, TOOL_BIT);
        struct tool_tag *gas =
            link_tool_output(t, "gas.setpoint", DEV_VALVES, TOOL_HOLDING, 50, TOOL_FLOAT32);

        al->is_valve = true;
        al->failsafe = TOOL_FAILSAFE_WATCHDOG;
        al->max_open_us = 1000000;
        al->lease_us = 300000;
        gas->max_open_us = 3000000;
        gas->lease_us = 500000;
        t->tags[TAG_NB].max_open_us = 800000;
        t->tags[TAG_WATER].max_open_us = 400000;
        t->interlocks[0].outputs[2] = TAG_AL;
        t->interlocks[0].output_count = 3;
        t->interlocks[0].purge_us = 100000;
        t->interlocks[t->interlock_count++] = (struct tool_interlock){
            .kind = TOOL_EXCLUSIVE, .outputs = {TAG_GAS, TAG_WATER}, .output_count = 2};
        return t;
}

/* ---- what is seen on the wire ---- */

static bool is_ordered(int tag, double value)
{
        for (int i = 0; i < RECENT_MAX; i++)
                if (h.ordered[tag][i] == value)
                        return true;
        return false;
}

static bool is_safe_waiting(int link)
{
        for (int i = 0; i < h.tool->tag_count; i++)
                if (h.safe_waiting[i] > 0 && h.tool->devices[h.tool->tags[i].device].link == link)
                        return true;
        return false;
}

static void see_call(void *ctx, int link, int tag, double value)
{
        bool is_safe = tag != TOOL_NONE && value == h.tool->tags[tag].safe;
        (void)ctx;
        if (is_safe)
                return;
        RIG_CHECK(&h.rig, !is_safe_waiting(link), "a safe value waits, and '%s' goes first",
            tag == TOOL_NONE ? "feed" : h.tool->tags[tag].name);
        if (tag == TOOL_NONE)
                return;
        RIG_CHECK(&h.rig, is_ordered(tag, value), "V5: %s = %g, which nobody ordered", h.tool->tags[tag].name,
            value);
}

static void see_report(void *ctx, int link, struct event *e)
{
        (void)ctx;
        (void)link;
        if (e->kind == EVENT_PULSE) {
                h.balance[e->u.pulse.id]--;
                h.reports++;
                h.refused += e->u.pulse.outcome == PULSE_REFUSED;
        }
        if (e->kind != EVENT_WROTE)
                return;
        const struct event_wrote *w = &e->u.wrote;
        const double safe = h.tool->tags[w->tag].safe;
        RIG_CHECK(
            &h.rig, w->cause != CAUSE_NONE, "V5: a write of %s without a cause", h.tool->tags[w->tag].name);
        if (w->unasked) {
                RIG_CHECK(&h.rig, w->value == safe && w->ok, "V5: %s = %g by its link",
                    h.tool->tags[w->tag].name, w->value);
                h.unasked++;
                return;
        }
        h.balance[w->id]--;
        h.reports++;
        h.refused += w->cause == CAUSE_GATE;
        RIG_CHECK(&h.rig, w->cause != CAUSE_GATE || (!w->ok && w->sent_us == 0), "refused and written");
        if (w->id % 2 == 0)
                h.safe_waiting[w->tag]--; /* even: a safe value was ordered */
}

/* Silence makes safe within the lease, unless a pulse carries its own close. */
static void check_leases(void)
{
        for (int i = 0; i < h.tool->tag_count; i++) {
                const struct tool_tag *t = &h.tool->tags[i];
                int64_t limit = time_add(h.turn_us, t->lease_us);
                if (t->lease_us == 0 || !rig_is_energised(&h.rig, i))
                        continue;
                if (h.rig.is_old[i])
                        continue; /* its maximum holds */
                limit = limit > h.pulse_until_us[i] ? limit : h.pulse_until_us[i];
                RIG_CHECK(&h.rig, !rig_is_overdue(&h.rig, limit),
                    "lease: %s is open %lld us after the last turn", t->name,
                    (long long)(h.rig.now_us - h.turn_us));
        }
}

/* ---- the producer ---- */

static int dice(int sides)
{
        return (int)rig_dice(&h.rig, (uint64_t)sides);
}

static int any_output(void)
{
        static const int tags[] = {TAG_NB, TAG_WATER, TAG_AL, TAG_GAS, TAG_EXHAUST};
        return tags[dice(5)];
}

static int64_t any_time(void)
{
        switch (dice(12)) {
        case 0:
                return INT64_MIN;
        case 1:
                return INT64_MAX;
        case 2:
                return -1;
        case 3:
                return h.rig.now_us - dice(2000000);
        case 4:
                return h.rig.now_us + dice(20000000);
        default:
                return h.rig.now_us + dice(60000);
        }
}

/* Ids come again and again; an even one is a safe value's. */
static uint32_t any_id(bool is_safe)
{
        return (uint32_t)dice(IDS / 2) * 2 + (is_safe ? 0 : 1);
}

static void note_order(int tag, double value, uint32_t id)
{
        memmove(&h.ordered[tag][1], h.ordered[tag], sizeof h.ordered[tag] - sizeof h.ordered[tag][0]);
        h.ordered[tag][0] = value;
        h.balance[id]++;
        h.orders++;
}

static void give_write(void)
{
        static const double values[] = {1, 1, 1, 0, 0, 0.5, -1, 2, 1e300, 7};
        int tag = any_output();
        double value = dice(12) == 0 ? NAN : dice(12) == 0 ? h.tool->tags[tag].safe : values[dice(10)];
        bool is_safe = value == h.tool->tags[tag].safe;
        struct effect_write w = {.id = any_id(is_safe),
            .tag = (int16_t)tag,
            .cause = (uint8_t)(1 + dice(CAUSE_COUNT - 2)),
            .is_safe = dice(2), /* a lie, as often as not */
            .value = value};

        if (w.cause == CAUSE_GATE)
                w.cause = CAUSE_STEP;
        note_order(tag, h.tool->tags[tag].is_bit && value == 0.5 ? 1 : value, w.id);
        h.safe_waiting[tag] += is_safe;
        sched_write(h.rig.link[LINK_VALVES].s, &w, h.rig.now_us);
}

static void give_pulse(void)
{
        static const int64_t widths[] = {
            -1000, 0, 1, 1000, 20000, 100000, 300000, 399000, 800000, 5000000, 60000000, INT64_MAX / 2};
        int tag = any_output();
        struct effect_pulse p = {.id = any_id(false), .tag = (int16_t)tag, .open_us = any_time()};

        p.close_us = dice(10) == 0 ? any_time() : time_add(p.open_us, widths[dice(12)]);
        note_order(tag, h.tool->tags[tag].safe == 0 ? 1 : 0, p.id);
        int64_t width = p.open_us >= 0 && p.close_us > p.open_us ? p.close_us - p.open_us : 0;
        bool is_long = h.tool->tags[tag].max_open_us > 0 && width > h.tool->tags[tag].max_open_us;
        if (width > 0 && !is_long && p.close_us > h.pulse_until_us[tag])
                h.pulse_until_us[tag] = p.close_us;
        sched_pulse(h.rig.link[LINK_VALVES].s, &p, h.rig.now_us);
}

static void give_turn(void)
{
        int64_t turn = dice(4) ? h.rig.now_us : any_time();

        if (h.is_silent)
                return;
        if (turn > h.turn_us)
                h.turn_us = turn < h.rig.now_us ? turn : h.rig.now_us;
        for (int i = 0; i < h.tool->link_count; i++)
                sched_feed(h.rig.link[i].s, turn);
}

static void do_anything(const int silent_permille)
{
        int what = dice(100);

        if (dice(1000) < silent_permille)
                h.is_silent = !h.is_silent;
        if (what < 35)
                give_turn();
        else if (what < 65)
                give_write();
        else if (what < 90)
                give_pulse();
        else if (what < 97)
                sched_revoke(h.rig.link[LINK_VALVES].s, any_id(false), h.rig.now_us);
        else
                sched_rearm(h.rig.link[LINK_VALVES].s, DEV_VALVES);
        for (int i = 0; i < h.tool->link_count; i++)
                rig_ask(&h.rig, i);
}

static void run_until(int64_t until_us)
{
        while (h.rig.now_us < until_us) {
                rig_advance(&h.rig, until_us);
                check_leases();
        }
}

static void begin(uint64_t seed, int fault_permille)
{
        memset(&h, 0, sizeof h);
        h.tool = make_tool();
        rig_init(&h.rig, h.tool, seed, TIME_S);
        h.rig.report = see_report;
        h.rig.send = see_call;
        h.rig.fault_permille = fault_permille;
        h.turn_us = INT64_MIN;
        if (seed % 3 != 0)
                return;
        int left = seed % 2 ? TAG_NB : TAG_WATER; /* open, by whoever was before */
        h.rig.out[left] = 1;
        h.rig.opened_us[left] = TIME_S;
        h.rig.is_old[left] = true;
}

/* Silence, on a link that is sound again: all that has a lease or a maximum is safe. Every order was reported once. */
static void end(void)
{
        h.rig.fault_permille = 0;
        h.is_silent = true;
        sched_revoke_all(
            h.rig.link[LINK_VALVES].s, h.rig.now_us); /* one without a maximum may last for ever */
        run_until(h.rig.now_us + 30 * TIME_S);
        for (int i = 0; i < h.tool->tag_count; i++)
                if (h.tool->tags[i].lease_us > 0)
                        RIG_CHECK(
                            &h.rig, !rig_is_energised(&h.rig, i), "%s was left open", h.tool->tags[i].name);
        for (int id = 0; id < IDS; id++)
                RIG_CHECK(&h.rig, h.balance[id] == 0, "order %d: %d reports are missing", id, h.balance[id]);
        rig_free(&h.rig);
        free(h.tool);
}

static int from_environment(const char *name, int otherwise)
{
        const char *text = getenv(name);
        return text ? atoi(text) : otherwise;
}

/* Every kind of weather; loop index = seed. */
START_TEST(test_hostile_producer)
{
        uint64_t seed = (uint64_t)from_environment("GATE_SEED", _i + 1);
        int steps = from_environment("GATE_STEPS", STEPS);
        const int silent_permille = kinds[seed % 4].silent_permille;

        begin(seed, kinds[seed % 4].fault_permille);
        for (int i = 0; i < steps; i++) {
                do_anything(silent_permille);
                run_until(h.rig.now_us + dice(dice(20) == 0 ? 300000 : 15000));
        }
        end();
        /* It was not all refused, and not all allowed. */
        if (getenv("GATE_TELL"))
                fprintf(stderr, "seed %d %s: %d orders, %d refused, %d opens, %d unasked\n", (int)seed,
                    kinds[seed % 4].name, h.orders, h.refused, h.rig.opens, h.unasked);
        ck_assert_int_gt(h.refused, steps / 20);
        ck_assert_int_gt(h.unasked, 0);
        ck_assert_int_gt(h.rig.opens, steps / 100);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("gate below a broken core");
        TCase *tc = tcase_create("hostile");
        tcase_set_timeout(tc, 120);
        tcase_add_loop_test(tc, test_hostile_producer, 0, SEEDS);
        suite_add_tcase(s, tc);
        return suite_main(s);
}
