/* The table of states: liveness, bounds, and who may do what (SAFETY S3, S4, V4). */

#include "suite.h"

#include "ald/base/time.h"    /* TIME_NEVER */
#include "ald/core/machine.h" /* machine_next */
#include "ald/core/verb.h"    /* verb_gate */

/* From every state, an abort (or what is already under way) reaches Aborted or Stopped. */
START_TEST(no_state_is_dead)
{
        for (int s = 0; s < MACHINE_STATE_COUNT; s++) {
                int at = s;

                for (int moves = 0; moves < 8 && at != MACHINE_ABORTED && at != MACHINE_STOPPED; moves++) {
                        int next = machine_next((enum machine_state)at, MACHINE_ON_ABORT);

                        at = next >= 0 ? next : machine_next((enum machine_state)at, MACHINE_ON_DONE);
                        ck_assert_msg(at >= 0, "no way out of %s", machine_state_name((enum machine_state)s));
                }
                ck_assert(at == MACHINE_ABORTED || at == MACHINE_STOPPED);
        }
}
END_TEST

START_TEST(a_stop_reaches_stopped_from_every_state_of_a_run)
{
        for (int s = 0; s < MACHINE_STATE_COUNT; s++) {
                if (!machine_in_run((enum machine_state)s) || s == MACHINE_ABORTING || s == MACHINE_STOPPING)
                        continue;
                ck_assert_int_eq(machine_next((enum machine_state)s, MACHINE_ON_STOP), MACHINE_STOPPING);
        }
        ck_assert_int_eq(machine_next(MACHINE_STOPPING, MACHINE_ON_DONE), MACHINE_STOPPED);
}
END_TEST

START_TEST(acting_states_end_and_are_bounded)
{
        for (int s = 0; s < MACHINE_STATE_COUNT; s++) {
                enum machine_state state = (enum machine_state)s;

                if (!machine_is_acting(state)) {
                        ck_assert(machine_bound_us(state) == TIME_NEVER);
                        ck_assert_int_lt(machine_next(state, MACHINE_ON_DONE), 0);
                        ck_assert_int_lt(machine_image(state), TOOL_IMAGE_COUNT);
                        continue;
                }
                ck_assert(
                    machine_next(state, MACHINE_ON_DONE) >= 0 || machine_next(state, MACHINE_ON_FINISH) >= 0);
                /* Execute, Completing and Stopping are bounded by the recipe's own timeouts. */
                if (state != MACHINE_EXECUTE && state != MACHINE_COMPLETING && state != MACHINE_STOPPING)
                        ck_assert(machine_bound_us(state) < TIME_NEVER);
        }
}
END_TEST

START_TEST(precursors_move_only_in_four_states)
{
        for (int s = 0; s < MACHINE_STATE_COUNT; s++)
                ck_assert_int_eq(machine_may_pulse((enum machine_state)s),
                    s == MACHINE_STARTING || s == MACHINE_EXECUTE || s == MACHINE_UNHOLDING ||
                        s == MACHINE_UNSUSPENDING);
}
END_TEST

START_TEST(no_run_resumes_without_an_operator)
{
        /* Only `resume` leads out of Held to work, and nothing leads from Aborted but a reset. */
        for (int c = 0; c < MACHINE_CAUSE_COUNT; c++) {
                int next = machine_next(MACHINE_HELD, (enum machine_cause)c);

                ck_assert(next < 0 || c == MACHINE_ON_RESUME || next == MACHINE_STOPPING ||
                          next == MACHINE_ABORTING);
                ck_assert(machine_next(MACHINE_ABORTED, (enum machine_cause)c) < 0 || c == MACHINE_ON_RESET);
        }
}
END_TEST

START_TEST(the_gate_looks_at_role_and_state)
{
        size_t count;
        const struct verb_entry *verbs = verb_table(&count);

        for (size_t i = 0; i < count; i++) {
                ck_assert_int_eq(verb_gate(verbs[i].verb, TOOL_ROLE_NONE, MACHINE_IDLE), VERB_REFUSED_ROLE);
                ck_assert_ptr_eq(verb_at(verbs[i].verb), &verbs[i]);
                for (int s = 0; s < MACHINE_STATE_COUNT; s++)
                        ck_assert_int_eq(verb_gate(verbs[i].verb, TOOL_ROLE_ENGINEER, (enum machine_state)s),
                            (verbs[i].states & MACHINE_BIT(s)) != 0 ? VERB_ALLOWED : VERB_REFUSED_STATE);
        }
        /* Every command that the table allows in a state has a transition there (or acts without one). */
        ck_assert_int_eq(verb_gate(VERB_ABORT, TOOL_ROLE_VIEWER, MACHINE_EXECUTE), VERB_REFUSED_ROLE);
        ck_assert_int_eq(verb_gate(VERB_ABORT, TOOL_ROLE_OPERATOR, MACHINE_EXECUTE), VERB_ALLOWED);
        ck_assert_int_eq(verb_gate(VERB_RUN, TOOL_ROLE_OPERATOR, MACHINE_HELD), VERB_REFUSED_STATE);
        ck_assert_ptr_null(verb_find("shutdown"));
        ck_assert_ptr_nonnull(verb_find("abort"));
}
END_TEST

START_TEST(verbs_and_transitions_agree)
{
        static const struct {
                enum verb verb;
                enum machine_cause cause;
        } pairs[] = {{VERB_RUN, MACHINE_ON_RUN}, {VERB_HOLD, MACHINE_ON_HOLD},
            {VERB_RESUME, MACHINE_ON_RESUME}, {VERB_STOP, MACHINE_ON_STOP}, {VERB_ABORT, MACHINE_ON_ABORT},
            {VERB_RESET, MACHINE_ON_RESET}};

        for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
                for (int s = 0; s < MACHINE_STATE_COUNT; s++)
                        ck_assert_msg(((verb_at(pairs[i].verb)->states & MACHINE_BIT(s)) != 0) ==
                                          (machine_next((enum machine_state)s, pairs[i].cause) >= 0),
                            "%s in %s", verb_at(pairs[i].verb)->name,
                            machine_state_name((enum machine_state)s));
}
END_TEST

int main(void)
{
        const TTest *const tests[] = {no_state_is_dead, a_stop_reaches_stopped_from_every_state_of_a_run,
            acting_states_end_and_are_bounded, precursors_move_only_in_four_states,
            no_run_resumes_without_an_operator, the_gate_looks_at_role_and_state,
            verbs_and_transitions_agree};
        Suite *suite = suite_create("machine");
        TCase *tc = tcase_create("table");

        for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++)
                tcase_add_test(tc, tests[i]);
        suite_add_tcase(suite, tc);
        return suite_main(suite);
}
