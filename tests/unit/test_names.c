/* Names of users: nobody waits for a look-up, and one is made once. */
#include "suite.h"

#include "ald/control/names.h"

#include <pthread.h> /* pthread_mutex_lock */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static bool may_answer;
static int asked, answered;

/* Waits, as a directory that hangs, until may_answer. */
static bool slow(uint32_t uid, char name[TOOL_NAME_MAX])
{
        pthread_mutex_lock(&lock);
        asked++;
        pthread_cond_broadcast(&changed);
        while (!may_answer)
                pthread_cond_wait(&changed, &lock);
        answered++;
        pthread_cond_broadcast(&changed);
        pthread_mutex_unlock(&lock);
        if (uid == 7)
                memcpy(name, "alice", sizeof "alice");
        return uid == 7;
}

static void await(const int *count, int wanted)
{
        pthread_mutex_lock(&lock);
        while (*count < wanted)
                pthread_cond_wait(&changed, &lock);
        pthread_mutex_unlock(&lock);
}

static void answer(void)
{
        pthread_mutex_lock(&lock);
        may_answer = true;
        pthread_cond_broadcast(&changed);
        pthread_mutex_unlock(&lock);
}

static void set_up(void)
{
        may_answer = false;
        asked = answered = 0;
}

START_TEST(a_name_comes_when_it_comes)
{
        struct names *n = names_new(slow);
        char name[TOOL_NAME_MAX];

        names_get(n, 7, name);
        ck_assert_str_eq(name, "uid 7");
        await(&asked, 1);
        names_get(n, 7, name);
        ck_assert_str_eq(name, "uid 7");
        names_get(
            n, 8, name); /* asked after the first, so that the first is known once this one is asked for */
        answer();
        await(&asked, 2);
        names_get(n, 7, name);
        ck_assert_str_eq(name, "alice");
        await(&answered, 2);
        names_get(n, 8, name);
        ck_assert_str_eq(name, "uid 8");
        names_free(n);
        ck_assert_int_eq(asked, 2);
}
END_TEST

START_TEST(what_is_known_is_not_asked)
{
        struct names *n = names_new(slow);
        char name[TOOL_NAME_MAX];

        names_put(n, 7, "bob");
        names_get(n, 7, name);
        ck_assert_str_eq(name, "bob");
        names_free(n);
        ck_assert_int_eq(asked, 0);
}
END_TEST

/* If the end waited for the look-up, this would never end. */
START_TEST(an_end_in_a_look_up)
{
        struct names *n = names_new(slow);
        char name[TOOL_NAME_MAX];

        names_get(n, 7, name);
        await(&asked, 1);
        names_free(n);
        answer();
        await(&answered, 1);
}
END_TEST

START_TEST(no_more_than_there_is_room_for)
{
        struct names *n = names_new(slow);
        char name[TOOL_NAME_MAX];

        answer();
        for (uint32_t uid = 100; uid < 100 + 2 * NAMES_MAX; uid++)
                names_get(n, uid, name);
        ck_assert_str_eq(name, "uid 227");
        await(&answered, NAMES_MAX);
        names_free(n);
        ck_assert_int_eq(asked, NAMES_MAX);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("names");
        TCase *t = tcase_create("names");

        tcase_add_checked_fixture(t, set_up, NULL);
        tcase_add_test(t, a_name_comes_when_it_comes);
        tcase_add_test(t, what_is_known_is_not_asked);
        tcase_add_test(t, an_end_in_a_look_up);
        tcase_add_test(t, no_more_than_there_is_room_for);
        suite_add_tcase(suite, t);
        return suite_main(suite);
}
