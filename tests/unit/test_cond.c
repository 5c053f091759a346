/* Conditions at work: votes against an oracle (T6), rates of change in noise, what a bypass leaves out (T4), and what
 * windows forget. Every condition comes through the grammar, every value through the snapshot's fold. */
#include "unit/suite.h"
#include "unit/support.h"

#include "ald/base/text.h"       /* text_init */
#include "ald/base/time.h"       /* TIME_S */
#include "ald/core/snapshot.h"   /* struct snapshot */
#include "ald/file/cond_parse.h" /* cond_parse_node */

#include <math.h> /* NAN, fabs */

static struct tool *tool;
static struct diag *d;
static struct cond_pool pool;
static struct snapshot snap;
static int windows;
static int64_t now_us;

static void set_up(void)
{
        tool = support_tool("tests/table/tool/base.yaml");
        d = diag_new();
        pool.count = 0;
        windows = 0;
        now_us = 100 * TIME_S;
        snapshot_init(&snap, tool);
        snapshot_age(&snap, tool, now_us);
}

static void tear_down(void)
{
        diag_free(d);
        free(tool);
}

static int compile(const char *text)
{
        struct reader r = {.d = d, .source = diag_source(d, "test", NULL, 0)};
        struct yaml_node node = {.kind = YAML_SCALAR, .line = 1, .column = 1, .text = text};
        struct cond_parse c = {&r, tool, &pool, &windows};
        struct cond cond;
        int before = pool.count;

        ck_assert_msg(cond_parse_node(&c, &node, "until", &cond), "'%s': %s", text,
            diag_count(d) ? diag_entry(d, 0)->text : "");
        for (int i = before; i < pool.count; i++)
                if (pool.nodes[i].slot >= 0)
                        snapshot_watch(&snap, pool.nodes[i].slot, pool.nodes[i].a, pool.nodes[i].over_us);
        return cond.root;
}

static int tag(const char *name)
{
        int at = tool_find_tag(tool, name);

        ck_assert_int_ge(at, 0);
        return at;
}

static void fold(int at, double value, enum quality quality)
{
        struct sample s = {.tag = (int16_t)at, .value = value, .t_us = now_us, .quality = (uint8_t)quality};

        snapshot_fold(&snap, tool, &s);
}

static void pass(int64_t us)
{
        now_us += us;
        snapshot_age(&snap, tool, now_us);
}

static void good(const char *name, double value)
{
        fold(tag(name), value, QUALITY_GOOD);
        snapshot_age(&snap, tool, now_us);
}

/* ---- T6 ---- */

enum input { LOW, HIGH, BAD, INPUTS };

static const char *const voters[] = {"pressure", "flow", "oven", "oven.setpoint"};
static const char *const tests_of[] = {
    "pressure > 1 Torr", "flow >= 50 sccm", "oven > 100 degC", "oven.setpoint > 100 degC"};
static const double low[] = {0.5, 49, 99.9, -5}, high[] = {1.01, 50, 100.1, 350};

/* Each way in which a value is not Good. */
static void make_bad(int at, int way)
{
        int number = tag(voters[at]);

        if (way % 3 == 0)
                fold(number, NAN, QUALITY_GOOD);
        else if (way % 3 == 1)
                fold(number, high[at], QUALITY_BAD);
        else
                fold(number, high[at], QUALITY_UNCERTAIN);
}

/* What a vote must be: the same whatever the unreadable ones are, or Bad. */
static enum tri oracle(const enum input *in, int n, int k)
{
        bool can_be_true = false, can_be_false = false;

        for (int guess = 0; guess < 1 << n; guess++) {
                int yes = 0;

                for (int i = 0; i < n; i++)
                        yes += in[i] == HIGH || (in[i] == BAD && (guess >> i & 1));
                can_be_true = can_be_true || yes >= k;
                can_be_false = can_be_false || yes < k;
        }
        return can_be_true && can_be_false ? TRI_BAD : can_be_true ? TRI_TRUE : TRI_FALSE;
}

static void check_votes(int n, int k)
{
        char text[200];
        struct text t;
        int root, combinations = 1;

        text_init(&t, text, sizeof text);
        text_add(&t, "%d of (", k);
        for (int i = 0; i < n; i++)
                text_add(&t, "%s%s", i > 0 ? ", " : "", tests_of[i]);
        text_add(&t, ")");
        root = compile(text);
        for (int i = 0; i < n; i++)
                combinations *= INPUTS;
        for (int c = 0; c < combinations; c++) {
                enum input in[4];
                int rest = c;

                pass(TIME_MS);
                for (int i = 0; i < n; i++, rest /= INPUTS) {
                        in[i] = (enum input)(rest % INPUTS);
                        if (in[i] == BAD)
                                make_bad(i, c + i);
                        else
                                fold(tag(voters[i]), in[i] == HIGH ? high[i] : low[i], QUALITY_GOOD);
                }
                snapshot_age(&snap, tool, now_us);
                ck_assert_msg(
                    cond_eval(&pool, root, &snap) == oracle(in, n, k), "T6: %s, combination %d", text, c);
        }
}

START_TEST(votes_are_as_the_oracle_says)
{
        for (int n = 2; n <= 4; n++)
                for (int k = 1; k <= n; k++)
                        check_votes(n, k);
}
END_TEST

START_TEST(a_vote_tells_what_it_looks_at)
{
        int root = compile("2 of (pressure > 1 Torr, flow > 50 sccm, oven > 100 degC)");
        char buf[200];
        struct text t;

        good("pressure", 2);
        good("flow", 10);
        text_init(&t, buf, sizeof buf);
        cond_add_values(&t, &pool, root, &snap, tool);
        ck_assert_str_eq(buf, "pressure 2 Torr, flow 10 sccm, oven Bad (no value yet)");
        text_init(&t, buf, sizeof buf);
        cond_add_unmet(&t, &pool, root, &snap, tool);
        ck_assert_str_eq(buf, "flow 10 sccm, wants > 50 sccm; oven Bad (no value yet), wants > 100 degC");
        ck_assert(cond_uses_tag(&pool, root, tag("oven")));
        ck_assert(!cond_uses_tag(&pool, root, tag("lid.closed")));
}
END_TEST

/* ---- Rates ---- */

/* A noise of the same mean and power as the simulated gauge's: the sum of twelve uniform ones. */
static uint64_t random_state;
static double noise(void)
{
        double sum = 0;

        for (int i = 0; i < 12; i++) {
                random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
                sum += (double)(random_state >> 11) / 9007199254740992.0;
        }
        return sum - 6;
}

/* Feed a line for `us`, a value each 50 ms. */
static void feed(const char *name, double from, double per_s, double noise_part, int64_t us)
{
        for (int64_t t = 0; t < us; t += 50 * TIME_MS) {
                double value = from + per_s * (double)t / (double)TIME_S;

                pass(50 * TIME_MS);
                good(name, value * (1 + noise_part * noise()));
        }
}

START_TEST(a_rate_is_bad_until_its_window_is_full)
{
        int rises = compile("pressure rate > 2 mTorr/min over 10 s");

        feed("pressure", 0.9, 0.1, 0, 10 * TIME_S);
        ck_assert_int_eq(cond_eval(&pool, rises, &snap), TRI_BAD);
        feed("pressure", 1.9, 0.1, 0, 100 * TIME_MS);
        ck_assert_int_eq(cond_eval(&pool, rises, &snap), TRI_TRUE);
        /* One value that is not Good: all anew. */
        pass(50 * TIME_MS);
        fold(tag("pressure"), NAN, QUALITY_GOOD);
        ck_assert_int_eq(cond_eval(&pool, rises, &snap), TRI_BAD);
        feed("pressure", 1.9, 0.1, 0, 10 * TIME_S);
        ck_assert_int_eq(cond_eval(&pool, rises, &snap), TRI_BAD);
        feed("pressure", 2.9, 0.1, 0, 100 * TIME_MS);
        ck_assert_int_eq(cond_eval(&pool, rises, &snap), TRI_TRUE);
}
END_TEST

/* What was stale for a while says nothing of the time between: neither a slope nor that it was steady. */
START_TEST(a_gap_begins_windows_anew)
{
        int rises = compile("pressure rate > 2 mTorr/min over 10 s");
        int steady = compile("pressure steady 1 mTorr over 10 s");

        feed("pressure", 0.9, 0, 0, 11 * TIME_S);
        ck_assert_int_eq(cond_eval(&pool, steady, &snap), TRI_TRUE);
        pass(9 * TIME_S);
        good("pressure", 1.9);
        ck_assert_int_eq(cond_eval(&pool, rises, &snap), TRI_BAD);
        ck_assert_int_eq(cond_eval(&pool, steady, &snap), TRI_FALSE);
        feed("pressure", 1.9, 0, 0, 11 * TIME_S);
        ck_assert_int_eq(cond_eval(&pool, rises, &snap), TRI_FALSE);
        ck_assert_int_eq(cond_eval(&pool, steady, &snap), TRI_TRUE);
}
END_TEST

/* A wait does not look at what was before its step (S1). */
START_TEST(a_rate_is_of_this_step)
{
        int rises = compile("pressure rate > 2 mTorr/min over 10 s");

        feed("pressure", 0.9, 0.1, 0, 11 * TIME_S);
        snap.fresh_us = now_us - 9 * TIME_S;
        ck_assert_int_eq(cond_eval(&pool, rises, &snap), TRI_BAD);
        snap.fresh_us = now_us - 10 * TIME_S;
        ck_assert_int_eq(cond_eval(&pool, rises, &snap), TRI_TRUE);
}
END_TEST

static const struct {
        const char *text;
        double per_s;
        enum tri is;
} slopes[] = {
    {"oven rate > 5 K/min over 30 s", 5.1 / 60, TRI_TRUE},
    {"oven rate > 5 K/min over 30 s", 4.9 / 60, TRI_FALSE},
    {"oven rate >= 5 K/min over 30 s", 5.1 / 60, TRI_TRUE},
    {"oven rate < 5 K/min over 30 s", 4.9 / 60, TRI_TRUE},
    {"oven rate < -5 K/min over 30 s", -5.1 / 60, TRI_TRUE},
    {"oven rate < -5 K/min over 30 s", -4.9 / 60, TRI_FALSE},
    {"oven rate <= -5 K/min over 30 s", -5.1 / 60, TRI_TRUE},
    {"oven rate == 5 K/min over 30 s", 4.9 / 60, TRI_FALSE},
    {"oven rate == 0 K/min over 30 s", 0, TRI_TRUE},
};

START_TEST(rates_are_compared)
{
        int root = compile(slopes[_i].text);

        feed("oven", 100, slopes[_i].per_s, 0, 31 * TIME_S);
        ck_assert_int_eq(cond_eval(&pool, root, &snap), slopes[_i].is);
}
END_TEST

START_TEST(a_rate_is_converted_to_the_tags_unit)
{
        int root;
        char buf[200];
        struct text t;

        tool->tags[tag("oven")].unit = unit_find("degF");
        root = compile("oven rate > 5 K/min over 30 s");
        feed("oven", 100, 5.1 / 60 * 1.8, 0, 31 * TIME_S);
        ck_assert_int_eq(cond_eval(&pool, root, &snap), TRI_TRUE);
        text_init(&t, buf, sizeof buf);
        cond_add_values(&t, &pool, root, &snap, tool);
        ck_assert_ptr_nonnull(strstr(buf, " degF (5.1 K/min)"));
        feed("oven", 100, 4.9 / 60 * 1.8, 0, 31 * TIME_S);
        ck_assert_int_eq(cond_eval(&pool, root, &snap), TRI_FALSE);
        text_init(&t, buf, sizeof buf);
        cond_add_unmet(&t, &pool, root, &snap, tool);
        ck_assert_ptr_nonnull(strstr(buf, "(4.9 K/min), wants > 5 K/min"));
}
END_TEST

/* At 870 mTorr and 0.2 % of noise two neighbouring values differ by 2.5 mTorr, which is 3 Torr/min; over a minute the
 * slope is told to 0.25 mTorr/min rms. Looked at every 5 s for an hour, a leak of 4 mTorr/min is never taken for one
 * below 2, and a tight chamber never for one above. */
START_TEST(a_rate_stands_noise)
{
        int root = compile("pressure rate < 2 mTorr/min over 1 min");

        random_state = 7 + (uint64_t)_i;
        for (int leaks = 0; leaks <= 1; leaks++) {
                double per_s = leaks ? 0.004 / 60 : 0;

                feed("pressure", 0.87, per_s, 0.002, 61 * TIME_S);
                for (int i = 1; i < 720; i++) {
                        feed("pressure", 0.87 + per_s * (61 + 5 * (i - 1)), per_s, 0.002, 5 * TIME_S);
                        ck_assert_int_eq(cond_eval(&pool, root, &snap), leaks ? TRI_FALSE : TRI_TRUE);
                }
                pass(TIME_MIN);
        }
}
END_TEST

/* ---- Bypass: T4 ---- */

static const struct {
        const char *text;
        enum tri plain, trip, permit; /* with oven bypassed; oven is Bad, flow 10 sccm, the lid closed */
} bypasses[] = {
    {"oven > 100 degC", TRI_BAD, TRI_FALSE, TRI_TRUE},
    {"not oven > 100 degC", TRI_BAD, TRI_FALSE, TRI_TRUE},
    {"oven < oven.setpoint", TRI_BAD, TRI_FALSE, TRI_TRUE},
    {"oven.setpoint > oven + 5 K", TRI_BAD, TRI_FALSE, TRI_TRUE},
    {"oven within 3 K of 100 degC", TRI_BAD, TRI_FALSE, TRI_TRUE},
    {"not not oven steady 3 K over 10 s", TRI_BAD, TRI_FALSE, TRI_TRUE},
    {"oven rate > 5 K/min over 10 s", TRI_BAD, TRI_FALSE, TRI_TRUE},
    /* What else stands in the condition still counts. */
    {"oven > 100 degC or flow < 20 sccm", TRI_TRUE, TRI_TRUE, TRI_TRUE},
    {"oven > 100 degC and flow > 20 sccm", TRI_FALSE, TRI_FALSE, TRI_FALSE},
    {"oven > 100 degC or flow > 20 sccm", TRI_BAD, TRI_FALSE, TRI_TRUE},
    {"not (oven > 100 degC and lid.closed)", TRI_BAD, TRI_FALSE, TRI_TRUE},
    /* No vote for the trip: two of the other two are needed then. */
    {"2 of (oven > 100 degC, flow < 20 sccm, lid.closed)", TRI_TRUE, TRI_TRUE, TRI_TRUE},
    {"2 of (oven > 100 degC, flow > 20 sccm, lid.closed)", TRI_BAD, TRI_FALSE, TRI_TRUE},
    {"not 2 of (oven > 100 degC, flow > 20 sccm, lid.closed)", TRI_BAD, TRI_FALSE, TRI_TRUE},
};

START_TEST(a_bypass_leaves_its_input_out)
{
        int root = compile(bypasses[_i].text);

        good("flow", 10);
        good("lid.closed", 1);
        good("oven.setpoint", 100);
        ck_assert_int_eq(cond_eval_lock(&pool, root, &snap, TRI_FALSE), bypasses[_i].plain);
        ck_assert_int_eq(cond_eval_lock(&pool, root, &snap, TRI_TRUE), bypasses[_i].plain);
        snap.tag[tag("oven")].is_bypassed = true;
        ck_assert_int_eq(cond_eval(&pool, root, &snap), bypasses[_i].plain);
        ck_assert_int_eq(cond_eval_lock(&pool, root, &snap, TRI_FALSE), bypasses[_i].trip);
        ck_assert_int_eq(cond_eval_lock(&pool, root, &snap, TRI_TRUE), bypasses[_i].permit);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("cond");
        TCase *tc = tcase_create("cond");
        tcase_add_checked_fixture(tc, set_up, tear_down);
        tcase_add_test(tc, votes_are_as_the_oracle_says);
        tcase_add_test(tc, a_vote_tells_what_it_looks_at);
        tcase_add_test(tc, a_rate_is_bad_until_its_window_is_full);
        tcase_add_test(tc, a_gap_begins_windows_anew);
        tcase_add_test(tc, a_rate_is_of_this_step);
        tcase_add_loop_test(tc, rates_are_compared, 0, (int)(sizeof slopes / sizeof slopes[0]));
        tcase_add_test(tc, a_rate_is_converted_to_the_tags_unit);
        tcase_add_loop_test(tc, a_rate_stands_noise, 0, 5);
        tcase_add_loop_test(
            tc, a_bypass_leaves_its_input_out, 0, (int)(sizeof bypasses / sizeof bypasses[0]));
        suite_add_tcase(suite, tc);
        return suite_main(suite);
}
