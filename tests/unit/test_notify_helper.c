/* The helper as a process: what it does not take in time is counted, never waited for. */
#include "suite.h"

#include "ald/app/notify.h"

#include "ald/base/text.h" /* text_copy */

#include <jansson.h>  /* json_loads */
#include <signal.h>   /* kill */
#include <stdio.h>    /* fopen */
#include <sys/stat.h> /* chmod */
#include <time.h>     /* nanosleep */
#include <unistd.h>   /* getpid */

static char folder[] = "/tmp/ald-notify-XXXXXX", told_path[64];
static struct tool *tool;
static int warnings, infos;

static void tell(void *ctx, enum record_severity severity, const char *text)
{
        (void)ctx;
        if (severity == RECORD_INFO)
                infos++;
        else
                warnings += strstr(text, "does not take") != NULL;
}

/* A hook on everything that appends to a file. */
static void set_up(void)
{
        FILE *script;

        ck_assert_ptr_nonnull(mkdtemp(folder));
        tool = calloc(1, sizeof *tool);
        ck_assert_ptr_nonnull(tool);
        text_copy(tool->name, sizeof tool->name, "bench");
        tool->hook_count = 1;
        tool->hooks[0] = (struct tool_hook){.on = 1u << TOOL_NOTIFY_DAEMON, .timeout_us = 10000000};
        snprintf(tool->hooks[0].run, sizeof tool->hooks[0].run, "%s/hook", folder);
        snprintf(told_path, sizeof told_path, "%s/told", folder);
        script = fopen(tool->hooks[0].run, "w");
        ck_assert_ptr_nonnull(script);
        fprintf(script, "#!/bin/sh\ncat >> %s\n", told_path);
        fclose(script);
        chmod(tool->hooks[0].run, 0700);
        warnings = infos = 0;
}

static void tear_down(void)
{
        unlink(told_path);
        unlink(tool->hooks[0].run);
        rmdir(folder);
        free(tool);
}

/* The helper's group, once it has one. */
static pid_t helpers(void)
{
        char path[64];
        int pid = 0;

        snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
        FILE *f = fopen(path, "r");
        ck_assert_ptr_nonnull(f);
        ck_assert_int_eq(fscanf(f, "%d", &pid), 1);
        fclose(f);
        for (int i = 0; i < 1000 && getpgid(pid) != pid; i++)
                nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
        ck_assert_int_eq(getpgid(pid), pid);
        return pid;
}

/* How many notifications were told or counted. */
static int accounted(int *lines)
{
        char line[8192];
        int all = 0;
        FILE *f = fopen(told_path, "r");

        ck_assert_ptr_nonnull(f);
        for (*lines = 0; fgets(line, sizeof line, f) != NULL; ++*lines) {
                json_t *o = json_loads(line, 0, NULL);

                ck_assert_ptr_nonnull(o);
                all += 1 + (int)json_integer_value(json_object_get(o, "more"));
                json_decref(o);
        }
        fclose(f);
        return all;
}

START_TEST(a_helper_that_does_not_read)
{
        enum { MANY = 2000 };
        const struct notify_owner owner = {.tell = tell};
        struct notify *n = notify_start(tool);
        int lines;

        ck_assert_ptr_nonnull(n);
        notify_attach(n, &owner);
        pid_t group = helpers();
        ck_assert_int_eq(kill(-group, SIGSTOP), 0);
        for (int i = 0; i < MANY; i++)
                notify_ready(n, NULL, 0);
        ck_assert_int_eq(warnings, 1); /* said once */
        ck_assert_int_eq(kill(-group, SIGCONT), 0);
        /* The first that is taken again carries the count of those that were not. */
        for (int i = 0; i < 1000 && notify_read(n) && infos == 0; i++)
                nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
        notify_ready(n, NULL, 0);
        notify_finish(n);
        ck_assert_int_eq(warnings, 1);
        ck_assert_int_eq(accounted(&lines), MANY + 1);
        ck_assert_int_eq(lines, infos);
        ck_assert_int_lt(lines, 100);
        ck_assert_int_eq(kill(-group, 0), -1); /* nobody is left */
}
END_TEST

START_TEST(without_hooks_there_is_none)
{
        tool->hook_count = 0;
        ck_assert_ptr_null(notify_start(tool));
        notify_attach(NULL, NULL);
        notify_ready(NULL, NULL, 0);
        notify_ending(NULL, NULL);
        ck_assert_int_eq(notify_fd(NULL), -1);
        notify_finish(NULL);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("notify helper");
        TCase *tc = tcase_create("notify helper");

        tcase_add_checked_fixture(tc, set_up, tear_down);
        tcase_add_test(tc, a_helper_that_does_not_read);
        tcase_add_test(tc, without_hooks_there_is_none);
        suite_add_tcase(suite, tc);
        return suite_main(suite);
}
