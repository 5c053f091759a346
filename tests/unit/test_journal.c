/* Standard error as a pipe whose other end the test holds: nobody waits for its reader, and nothing is lost unsaid. */
#include "suite.h"

#include "ald/app/journal.h"

#include <fcntl.h>   /* F_SETPIPE_SZ */
#include <pthread.h> /* pthread_create */
#include <stdio.h>   /* sscanf */
#include <unistd.h>  /* pipe2, dup2 */

static int kept_stderr, reader;
static char heard[4 * JOURNAL_BYTES];

static void set_up(void)
{
        int ends[2];

        ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
        ck_assert_int_ge(fcntl(ends[1], F_SETPIPE_SZ, 4096), 4096);
        kept_stderr = dup(STDERR_FILENO);
        ck_assert_int_ge(dup2(ends[1], STDERR_FILENO), 0);
        close(ends[1]);
        reader = ends[0];
}

static void tear_down(void)
{
        dup2(kept_stderr, STDERR_FILENO);
        close(kept_stderr);
        close(reader);
}

static void *hear(void *unused)
{
        size_t len = 0;
        ssize_t n;

        (void)unused;
        while ((n = read(reader, heard + len, sizeof heard - 1 - len)) > 0)
                len += (size_t)n;
        heard[len] = '\0';
        return NULL;
}

/* Everything until the last writer is gone. */
static void hear_all(void)
{
        dup2(kept_stderr, STDERR_FILENO);
        hear(NULL);
}

START_TEST(test_order)
{
        ck_assert(journal_start());
        journal_say("first %d", 1);
        journal_say("second");
        journal_stop();
        journal_say("at once");
        hear_all();
        ck_assert_str_eq(heard, "first 1\nsecond\nat once\n");
}
END_TEST

START_TEST(test_a_long_line_is_cut)
{
        ck_assert(journal_start());
        journal_say("%*s", 2 * JOURNAL_LINE_MAX, "x");
        journal_stop();
        hear_all();
        ck_assert_uint_eq(strlen(heard), JOURNAL_LINE_MAX);
        ck_assert_uint_eq(strcspn(heard, "\n"), JOURNAL_LINE_MAX - 1);
}
END_TEST

/* If a line waited for the reader, this would never end. A descriptor that does not block is no excuse to lose anything. */
START_TEST(test_nobody_reads)
{
        enum { LINES = 10000 };
        int next = 0, lost = 0, number, n;
        pthread_t thread;

        ck_assert_int_eq(fcntl(STDERR_FILENO, F_SETFL, _i == 0 ? 0 : O_NONBLOCK), 0);
        ck_assert(journal_start());
        for (int i = 0; i < LINES; i++)
                journal_say("line %d", i);
        ck_assert_int_eq(pthread_create(&thread, NULL, hear, NULL), 0);
        journal_stop();
        dup2(kept_stderr, STDERR_FILENO);
        pthread_join(thread, NULL);
        for (const char *at = heard; *at != '\0'; at = strchr(at, '\n') + 1) {
                if (sscanf(at, "line %d", &number) == 1) {
                        ck_assert_int_eq(number, next);
                        next = number + 1;
                } else {
                        ck_assert_int_eq(sscanf(at, "%d lines are missing here%n", &lost, &n), 1);
                        next += lost;
                }
        }
        ck_assert_int_gt(lost, 0);
        ck_assert_int_eq(next, LINES);
}
END_TEST

START_TEST(test_an_end_that_nobody_reads)
{
        ck_assert(journal_start());
        for (int i = 0; i < 1000; i++)
                journal_say("line %d", i);
        journal_stop();
}
END_TEST

static void *say_many(void *name)
{
        for (int i = 0; i < 500; i++)
                journal_say("%s %d", (const char *)name, i);
        return NULL;
}

START_TEST(test_lines_of_threads_stay_whole)
{
        int next[2] = {0, 0}, number;
        char who;
        pthread_t a, b, listener;

        ck_assert(journal_start());
        pthread_create(&listener, NULL, hear, NULL);
        pthread_create(&a, NULL, say_many, "a");
        pthread_create(&b, NULL, say_many, "b");
        pthread_join(a, NULL);
        pthread_join(b, NULL);
        journal_stop();
        dup2(kept_stderr, STDERR_FILENO);
        pthread_join(listener, NULL);
        for (const char *at = heard; *at != '\0'; at = strchr(at, '\n') + 1) {
                ck_assert_int_eq(sscanf(at, "%c %d", &who, &number), 2);
                ck_assert_int_eq(number, next[who - 'a']++);
        }
        ck_assert_int_eq(next[0], 500);
        ck_assert_int_eq(next[1], 500);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("journal");
        TCase *t = tcase_create("journal");

        tcase_add_checked_fixture(t, set_up, tear_down);
        tcase_add_test(t, test_order);
        tcase_add_test(t, test_a_long_line_is_cut);
        tcase_add_loop_test(t, test_nobody_reads, 0, 2);
        tcase_add_test(t, test_an_end_that_nobody_reads);
        tcase_add_test(t, test_lines_of_threads_stay_whole);
        suite_add_tcase(suite, t);
        return suite_main(suite);
}
