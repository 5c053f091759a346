/* The poll plan: merged where registers touch, never across a gap. */
#include "ald/link/codec.h"
#include "ald/link/plan.h"
#include "link_tool.h"
#include "suite.h"

#include <check.h>

static struct plan plan;

/* Every register that the plan reads is declared by a tag of that device and table (or is a watchdog's status). */
static void check_declared(const struct tool *t)
{
        for (int i = 0; i < plan.count; i++) {
                const struct plan_request *r = &plan.request[i];
                for (int a = r->address; a < r->address + r->count; a++) {
                        bool is_declared =
                            r->watchdog_of >= 0 && a == t->devices[r->device].watchdog.status_register;
                        for (int k = 0; k < t->tag_count; k++) {
                                const struct tool_tag *g = &t->tags[k];
                                bool is_bit = g->reg == TOOL_COIL || g->reg == TOOL_DISCRETE;
                                int width = is_bit ? 1 : codec_words(g->type);
                                if (g->device == r->device && g->reg == r->reg && a >= g->address &&
                                    a < g->address + width)
                                        is_declared = true;
                        }
                        ck_assert_msg(is_declared, "request %d reads undeclared %d", i, a);
                }
        }
}

static const struct plan_request *request_of(int tag)
{
        const struct plan_request *found = NULL;
        for (int i = 0; i < plan.count; i++)
                for (int k = 0; k < plan.request[i].tag_count; k++)
                        if (plan.request[i].tags[k] == tag) {
                                ck_assert_msg(!found, "tag %d is read twice", tag);
                                found = &plan.request[i];
                        }
        return found;
}

START_TEST(test_reference_links)
{
        struct tool *t = link_tool_new();
        ck_assert(plan_build(&plan, t, LINK_VALVES));
        ck_assert_int_eq(plan.count, 0); /* precursor valves have a connection without polls */
        ck_assert(plan_build(&plan, t, LINK_PLANT));
        check_declared(t);
        for (int i = 0; i < t->tag_count; i++)
                ck_assert_ptr_nonnull(request_of(i));
        const struct plan_request *r = request_of(TAG_NB);
        ck_assert_int_eq(r->count, 3); /* three coils in one read */
        ck_assert_int_eq(r->tag_count, 3);
        r = request_of(TAG_PRESSURE);
        ck_assert_ptr_eq(r, request_of(TAG_SPEED));
        ck_assert_int_eq(r->address, 0);
        ck_assert_int_eq(r->count, 3);
        ck_assert_int_eq(r->period_us, 50000);
        r = request_of(TAG_FLOW_SET);
        ck_assert_int_eq(r->count, 2); /* 22 to 29 are nobody's */
        free(t);
}
END_TEST

START_TEST(test_watchdog_is_a_request_of_its_own)
{
        struct tool *t = link_tool_new();
        struct tool_tag *n = link_tool_tag(t, "neighbour", DEV_VALVES, TOOL_HOLDING, 0x1005, TOOL_UINT16);
        n->poll_us = PLAN_WATCHDOG_US;
        ck_assert(plan_build(&plan, t, LINK_PLANT));
        int dogs = 0;
        for (int i = 0; i < plan.count; i++) {
                if (plan.request[i].watchdog_of < 0)
                        continue;
                dogs++;
                ck_assert_int_eq(plan.request[i].watchdog_of, DEV_VALVES);
                ck_assert_int_eq(plan.request[i].address, 0x1006);
                ck_assert_int_eq(plan.request[i].count, 1);
                ck_assert_int_eq(plan.request[i].period_us, 250000);
                ck_assert_int_eq(plan.request[i].tag_count, 0);
        }
        ck_assert_int_eq(dogs, 1);
        ck_assert_int_eq(request_of(t->tag_count - 1)->count, 1);
        check_declared(t);
        free(t);
}
END_TEST

START_TEST(test_kinds_are_not_merged)
{
        struct tool *t = link_tool_new();
        int from = t->tag_count;
        link_tool_tag(t, "a", DEV_PLANT, TOOL_INPUT, 100, TOOL_UINT16);
        link_tool_tag(t, "b", DEV_PLANT, TOOL_INPUT, 101, TOOL_UINT16)->poll_us = 70000; /* another period */
        link_tool_tag(t, "c", DEV_PLANT, TOOL_HOLDING, 101, TOOL_UINT16);                /* another table */
        link_tool_tag(t, "d", DEV_VALVES, TOOL_INPUT, 101, TOOL_UINT16);                 /* another device */
        ck_assert(plan_build(&plan, t, LINK_PLANT));
        for (int i = from; i < t->tag_count; i++)
                ck_assert_int_eq(request_of(i)->tag_count, 1);
        check_declared(t);
        free(t);
}
END_TEST

START_TEST(test_limits)
{
        struct tool *t = link_tool_new();
        int from = t->tag_count;
        t->devices[DEV_PLANT].read_words_max = 5;
        for (int i = 6; i >= 0; i--) /* declared in any order */
                link_tool_tag(t, "f", DEV_PLANT, TOOL_INPUT, 100 + 2 * i, TOOL_FLOAT32);
        ck_assert(plan_build(&plan, t, LINK_PLANT));
        check_declared(t);
        for (int i = from; i < t->tag_count; i++) {
                ck_assert_int_le(request_of(i)->count, 4); /* two floats of two, never half a float */
                ck_assert_int_eq(request_of(i)->count % 2, 0);
        }
        for (int i = 0; i < 150; i++)
                link_tool_tag(t, "coil", DEV_PLANT, TOOL_COIL, 200 + i, TOOL_BIT);
        ck_assert(plan_build(&plan, t, LINK_PLANT));
        for (int i = 0; i < plan.count; i++) {
                ck_assert_int_le(plan.request[i].tag_count, PLAN_TAGS_MAX);
                ck_assert_int_le(plan.request[i].count, PLAN_BITS_MAX);
        }
        for (int i = from; i < t->tag_count; i++)
                ck_assert_ptr_nonnull(request_of(i));
        free(t);
}
END_TEST

START_TEST(test_what_is_not_read)
{
        struct tool *t = link_tool_new();
        t->tags[TAG_FLOW_SET].verify = false; /* an output that is not verified */
        t->tags[TAG_LID].poll_us = 0;
        ck_assert(plan_build(&plan, t, LINK_PLANT));
        ck_assert_ptr_null(request_of(TAG_FLOW_SET));
        ck_assert_ptr_null(request_of(TAG_LID));
        free(t);
}
END_TEST

START_TEST(test_too_many)
{
        struct tool *t = link_tool_new();
        while (t->tag_count < TOOL_TAGS_MAX)
                link_tool_tag(t, "x", DEV_PLANT, TOOL_INPUT, 100 + 2 * t->tag_count, TOOL_UINT16); /* gaps */
        ck_assert(!plan_build(&plan, t, LINK_PLANT));
        free(t);
}
END_TEST

/* A signature is read with what it touches, on either side, and with what it lies in; never beyond the unit's limit. */
START_TEST(test_signature)
{
        static const struct {
                int address, at, from, count;
        } cases[] = {{3, 3, 0, 4}, {1, 1, 0, 3}, {4, -1, 0, 3}, {8, 0, 8, 3}, {11, 2, 9, 3}};
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
                struct tool *t = link_tool_new();
                bool is_input = cases[i].address < 8;
                t->devices[DEV_PLANT].signature = (struct tool_signature){
                    true, is_input ? TOOL_INPUT : TOOL_HOLDING, cases[i].address, 4711};
                ck_assert(plan_build(&plan, t, LINK_PLANT));
                const struct plan_request *r = request_of(is_input ? TAG_PRESSURE : TAG_FLOW);
                ck_assert_int_eq(r->signature_at, cases[i].at);
                ck_assert_int_eq(r->address, cases[i].from);
                ck_assert_int_eq(r->count, cases[i].count);
                ck_assert_int_eq(request_of(TAG_LID)->signature_at, -1);
                t->devices[DEV_PLANT].read_words_max = 3;
                ck_assert(plan_build(&plan, t, LINK_PLANT));
                ck_assert_int_le(request_of(is_input ? TAG_PRESSURE : TAG_FLOW)->count, 3);
                free(t);
        }
}
END_TEST

int main(void)
{
        Suite *s = suite_create("plan");
        TCase *tc = tcase_create("plan");
        tcase_add_test(tc, test_reference_links);
        tcase_add_test(tc, test_watchdog_is_a_request_of_its_own);
        tcase_add_test(tc, test_kinds_are_not_merged);
        tcase_add_test(tc, test_limits);
        tcase_add_test(tc, test_what_is_not_read);
        tcase_add_test(tc, test_too_many);
        tcase_add_test(tc, test_signature);
        suite_add_tcase(s, tc);
        return suite_main(s);
}
