/* Conditions: text -> tree, with units brought to the tag's; and what is refused where. */
#include "unit/suite.h"
#include "unit/support.h"

#include "ald/core/snapshot.h"   /* SNAPSHOT_WINDOWS_MAX */
#include "ald/file/cond_parse.h" /* cond_parse_node */

#include <math.h> /* fabs */

static struct tool *tool;
static struct diag *d;
static struct cond_pool pool;
static int windows;
static struct reader_parameter parameters[] = {
    {.name = "limit", .text = "950 mTorr"}, {.name = "bare", .text = "950"}};

static void set_up(void)
{
        tool = support_tool("tests/table/tool/base.yaml");
        d = diag_new();
        pool.count = 0;
        windows = 0;
}

static void tear_down(void)
{
        diag_free(d);
        free(tool);
}

static bool parse(const char *text, struct cond *out)
{
        struct reader r = {.d = d,
            .source = diag_source(d, "test", NULL, 0),
            .has_parameters = true,
            .parameters = parameters,
            .parameter_count = 2};
        struct yaml_node node = {
            .kind = YAML_SCALAR, .is_plain = true, .line = 7, .column = 11, .inner = 11, .text = text};
        struct cond_parse c = {&r, tool, &pool, &windows};
        return cond_parse_node(&c, &node, "until", out);
}

static const char *tag(int number)
{
        return number < 0 ? "-" : tool->tags[number].name;
}

/* The tree in prefix form. */
static void show(struct text *t, int at)
{
        static const char *const cmps[] = {"<", "<=", ">", ">=", "=="};
        const struct cond_node *n = &pool.nodes[at];
        switch ((enum cond_op)n->op) {
        case COND_COMPARE:
                text_add(t, "(%s %s %s ", cmps[n->cmp], tag(n->a), tag(n->b));
                text_add_number(t, n->value, 6);
                text_add(t, ")");
                break;
        case COND_BIT:
                text_add(t, "%s", tag(n->a));
                break;
        case COND_WITHIN:
                text_add(t, "(within %s %s %g %g)", tag(n->a), tag(n->b), n->value, n->span);
                break;
        case COND_STEADY:
                text_add(t, "(steady %s %g %lld #%d)", tag(n->a), n->span, (long long)n->over_us, n->slot);
                break;
        case COND_RATE:
                text_add(t, "(rate %s %s ", cmps[n->cmp], tag(n->a));
                text_add_number(t, n->value, 6);
                text_add(t, " %lld #%d)", (long long)n->over_us, n->slot);
                break;
        case COND_VOTE:
                text_add(t, "(vote %d", n->count);
                for (int item = n->left; item >= 0; item = pool.nodes[item].right) {
                        text_add(t, " ");
                        show(t, pool.nodes[item].left);
                }
                text_add(t, ")");
                break;
        case COND_LIST:
                ck_abort_msg("an item outside a vote");
                break;
        case COND_SETTLED:
                text_add(t, "settled");
                break;
        case COND_EXPOSING:
                text_add(t, "exposing");
                break;
        case COND_AND:
        case COND_OR:
                text_add(t, n->op == COND_AND ? "(and " : "(or ");
                show(t, n->left);
                text_add(t, " ");
                show(t, n->right);
                text_add(t, ")");
                break;
        case COND_NOT:
                text_add(t, "(not ");
                show(t, n->left);
                text_add(t, ")");
                break;
        }
}

static const struct {
        const char *text, *tree;
} trees[] = {
    {"pressure < 950 mTorr", "(< pressure - 0.95)"},
    {"pressure<=1Torr", "(<= pressure - 1)"},
    {"pressure >= 100 Pa", "(>= pressure - 0.750062)"},
    {"pressure == 1.5e-1 Torr", "(== pressure - 0.15)"},
    {"oven > -20 degC", "(> oven - -20)"},
    {"oven > 212 degF", "(> oven - 100)"},
    {"pressure < $limit", "(< pressure - 0.95)"},
    {"lid.closed", "lid.closed"},
    {"not lid.closed", "(not lid.closed)"},
    {"not not lid.closed", "(not (not lid.closed))"},
    {"lid.closed == on", "lid.closed"},
    {"a.valve == closed", "(not a.valve)"},
    {"settled and not exposing", "(and settled (not exposing))"},
    {"oven > oven.setpoint + 10 K", "(> oven oven.setpoint 10)"},
    {"oven > oven.setpoint - 3 K", "(> oven oven.setpoint -3)"},
    {"oven < oven.setpoint", "(< oven oven.setpoint 0)"},
    {"oven within 3 K of 175 degC", "(within oven - 175 3)"},
    {"oven within 3 K of oven.setpoint - 1 K", "(within oven oven.setpoint -1 3)"},
    {"pressure steady 1 mTorr over 10 s", "(steady pressure 0.001 10000000 #0)"},
    {"pressure rate < 2 mTorr/min over 1 min", "(rate < pressure 3.33333e-05 60000000 #0)"},
    {"oven rate >= -6 K/min over 30 s", "(rate >= oven -0.1 30000000 #0)"},
    {"flow rate == 1 sccm/s over 1 s", "(rate == flow 1 1000000 #0)"},
    {"2 of (lid.closed, pump.running, settled)", "(vote 2 lid.closed pump.running settled)"},
    {"not 1 of (pressure > 1 Torr, lid.closed and settled)",
        "(not (vote 1 (> pressure - 1) (and lid.closed settled)))"},
    {"2 of (lid.closed, 1 of (settled, exposing))", "(vote 2 lid.closed (vote 1 settled exposing))"},
    {"lid.closed and pump.running or settled", "(or (and lid.closed pump.running) settled)"},
    {"settled or lid.closed and pump.running", "(or settled (and lid.closed pump.running))"},
    {"(settled or lid.closed) and pump.running", "(and (or settled lid.closed) pump.running)"},
    {"not (settled or lid.closed)", "(not (or settled lid.closed))"},
    {"not settled or lid.closed", "(or (not settled) lid.closed)"},
    {"settled and settled and settled and settled", "(and (and settled settled) (and settled settled))"},
};

START_TEST(trees_are_right)
{
        char buf[400];
        struct text t;
        struct cond c;
        text_init(&t, buf, sizeof buf);
        ck_assert_msg(parse(trees[_i].text, &c), "'%s' is refused: %s", trees[_i].text,
            diag_count(d) ? diag_entry(d, 0)->text : "");
        show(&t, c.root);
        ck_assert_str_eq(buf, trees[_i].tree);
        /* People see the value, not the parameter's name. */
        ck_assert_str_eq(c.text, strchr(trees[_i].text, '$') ? "pressure < 950 mTorr" : trees[_i].text);
        ck_assert_int_eq(c.line, 7);
}
END_TEST

/* The other tag's values are brought to the first one's unit: 212 degF beside degC is 100. */
START_TEST(two_tags_in_different_units)
{
        struct cond c;
        tool->tags[tool_find_tag(tool, "oven.setpoint")].unit = unit_find("degF");
        ck_assert(parse("oven < oven.setpoint + 5 K", &c));
        const struct cond_node *n = &pool.nodes[c.root];
        ck_assert(fabs(212 * n->b_scale + n->b_offset - 100) < 1e-9);
        ck_assert(fabs(n->value - 5) < 1e-9);
        ck_assert(parse("oven.setpoint > oven + 5 K", &c));
        n = &pool.nodes[c.root];
        ck_assert(fabs(100 * n->b_scale + n->b_offset - 212) < 1e-9);
        ck_assert(fabs(n->value - 9) < 1e-9);
}
END_TEST

static const struct {
        const char *text;
        int column; /* in the text, from 0 */
        const char *words;
} refusals[] = {
    {"pressure < 950", 11, "has no unit"},
    {"pressure < $bare", 11, "$bare: '950' has no unit"},
    {"pressure < $none", 11, "no parameter named 'none'"},
    {"pressure < 5 K", 11, "is not a pressure"},
    {"oven > oven.setpoint + 10 degC", 23, "is not a temperature difference"},
    {"oven within 3 degC of 175 degC", 12, "is not a temperature difference"},
    {"oven within -3 K of 175 degC", 12, "cannot be negative"},
    {"pressure > oven", 11, "cannot be compared"},
    {"pressure > lid.closed", 11, "cannot be compared"},
    {"presure > 1 Torr", 0, "did you mean 'pressure'"},
    {"settled and presure > 1 Torr", 12, "did you mean 'pressure'"},
    {"pressure", 0, "compare it"},
    {"lid.closed > 1", 11, "is on or off"},
    {"a.valve == on or", 16, "ends where"},
    {"a.valve == 1", 11, "on, off, open or closed"},
    {"pressure <", 10, "ends where a value"},
    {"pressure < < 1 Torr", 11, "stands where"},
    {"(settled", 8, "')'"},
    {"settled)", 7, "'and', 'or' or the end"},
    {"settled settled", 8, "'and', 'or' or the end"},
    {"and settled", 0, "name of a tag"},
    {"5 Torr < pressure", 0, "name of a tag"},
    {"not", 3, "ends where"},
    {"pressure within 1 Torr", 22, "'of'"},
    {"pressure steady 1 Torr over 0 s", 28, "at least 1 ms"},
    {"pressure steady 1 Torr over 5", 28, "has no unit"},
    {"pressure ! 1", 0, "compare it"},
    {"lid.closed ! 1", 11, "stands where"},
    {"pressure steady 1 Torr", 22, "'over'"},
    {"pressure rate 2 mTorr/min over 1 min", 14, "<, <=, >, >= or =="},
    {"pressure rate < 2 mTorr over 1 min", 16, "mTorr/s, mTorr/min or"},
    {"pressure rate < 2 K/min over 1 min", 16, "is not a rate of pressure"},
    {"pressure rate < 2 over 1 min", 16, "has no unit"},
    {"pressure rate < 2 mTorr/min", 27, "'over'"},
    {"pressure rate < 2 mTorr/min over 100 ms", 9, "'over' 200 ms or more"},
    {"lid.closed rate < 2 K/min over 1 min", 11, "is on or off"},
    {"presure rate < 2 K/min over 1 min", 0, "did you mean 'pressure'"},
    {"3 of (settled, exposing)", 0, "3 of 2 is none"},
    {"0 of (settled, exposing)", 0, "0 of 2 is none"},
    {"1 of (settled)", 0, "1 of 1 is none"},
    {"2 of settled, exposing", 5, "'('"},
    {"2 of (settled exposing)", 14, "',' or ')'"},
    {"2 of (settled, exposing", 23, "',' or ')'"},
    {"2 of (settled, )", 15, "name of a tag"},
    {"1.5 of (settled, exposing)", 0, "no number of votes"},
    {"settled, exposing", 7, "'and', 'or' or the end"},
    {"((((((((((((((((((((((((((settled))))))))))))))))))))))))))", 24, "nested deeper"},
};

START_TEST(refusals_point_at_the_place)
{
        struct cond c;
        ck_assert(!parse(refusals[_i].text, &c));
        ck_assert_int_eq(c.root, -1);
        ck_assert_uint_ge(diag_errors(d), 1);
        const struct diag_entry *e = diag_entry(d, 0);
        ck_assert_msg(strstr(e->text, refusals[_i].words) != NULL, "'%s': %s", refusals[_i].text, e->text);
        ck_assert_msg(e->at.column == 11 + refusals[_i].column, "'%s': column %d, not %d", refusals[_i].text,
            e->at.column - 11, refusals[_i].column);
}
END_TEST

/* The evaluation may go COND_DEPTH_MAX deep: a long chain must not. */
static int depth_of(int at)
{
        if (at < 0)
                return 0;
        int left = depth_of(pool.nodes[at].left), right = depth_of(pool.nodes[at].right);
        return 1 + (left > right ? left : right);
}

START_TEST(long_chains_stay_flat)
{
        static char text[4000];
        struct text t;
        struct cond c;
        text_init(&t, text, sizeof text);
        for (int i = 0; i < 200; i++)
                text_add(&t, "%slid.closed", i ? " and " : "");
        ck_assert(parse(text, &c));
        ck_assert_int_le(depth_of(c.root), 9);
        ck_assert_int_eq(strncmp(c.text, text, 100), 0);
        ck_assert_str_eq(c.text + strlen(c.text) - 3, "...");
}
END_TEST

START_TEST(pools_and_windows_are_bounded)
{
        struct cond c;
        for (int i = 0; i < SNAPSHOT_WINDOWS_MAX; i++)
                ck_assert(parse(
                    i % 2 ? "pressure steady 1 mTorr over 10 s" : "pressure rate < 1 mTorr/s over 10 s", &c));
        ck_assert(!parse("pressure steady 1 mTorr over 10 s", &c));
        ck_assert_ptr_nonnull(strstr(diag_entry(d, 0)->text, "too often"));
        ck_assert_int_eq(cond_parse_windows(&pool), SNAPSHOT_WINDOWS_MAX);
        while (pool.count < COND_NODES_MAX)
                ck_assert(parse("settled", &c));
        ck_assert(!parse("settled", &c));
}
END_TEST

START_TEST(a_guard_is_near_the_set_point)
{
        struct reader r = {.d = d, .source = diag_source(d, "test", NULL, 0)};
        struct yaml_node node = {.kind = YAML_SCALAR, .line = 7, .column = 11, .text = "oven"};
        struct cond_parse c = {&r, tool, &pool, &windows};
        struct cond cond;
        char buf[200];
        struct text t;
        int loop = tool_find_loop_of_value(tool, tool_find_tag(tool, "oven"));
        ck_assert(cond_parse_make_guard(&c, &node, &tool->loops[loop], 3, &cond));
        text_init(&t, buf, sizeof buf);
        show(&t, cond.root);
        ck_assert_str_eq(buf, "(within oven oven.setpoint 0 3)");
        ck_assert_str_eq(cond.text, "oven within 3 K of its set-point");
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("cond_parse");
        TCase *tc = tcase_create("cond_parse");
        tcase_add_checked_fixture(tc, set_up, tear_down);
        tcase_add_loop_test(tc, trees_are_right, 0, (int)(sizeof trees / sizeof trees[0]));
        tcase_add_test(tc, two_tags_in_different_units);
        tcase_add_loop_test(tc, refusals_point_at_the_place, 0, (int)(sizeof refusals / sizeof refusals[0]));
        tcase_add_test(tc, long_chains_stay_flat);
        tcase_add_test(tc, pools_and_windows_are_bounded);
        tcase_add_test(tc, a_guard_is_near_the_set_point);
        suite_add_tcase(suite, tc);
        return suite_main(suite);
}
