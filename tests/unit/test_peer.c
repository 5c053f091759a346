/* Our two sides of the wire against a Modbus that nobody here wrote (Debian's python3-pymodbus): every type in every
 * byte order, read and written. Without pymodbus this test fails: `make test` installs it. */
#include "ald/base/time.h"
#include "ald/bus/bus.h"
#include "ald/bus/server.h"
#include "link_tool.h"
#include "suite.h"

#include <check.h>
#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TYPES = 6, FORMS = 4 * TYPES };
static const char *const kind_names[] = {"INT16", "UINT16", "INT32", "UINT32", "FLOAT32", "FLOAT64"};
static const char *const order_names[] = {"ABCD", "CDAB", "BADC", "DCBA"};
/* What unit 9 of the peer shows (ZOO), and what is written to it. */
static const double shown[] = {-12345, 54321, -123456789, 3123456789.0, 75.0, 0.1};
static const double written[] = {-2, 40000, -2000000001, 4000000001.0, -1.5e-3f, 1.0 / 3};

static struct tool *tool;

/* Tags of all types and orders at 0, 4, 8 ...; outputs in the holding table, inputs beside them. */
static void set_up(void)
{
        tool = calloc(1, sizeof *tool);
        link_tool_links(tool);
        tool->link_count = 1;
        tool->links[0].timeout_us = 5 * TIME_S; /* however slowly a Python answers on a busy machine */
        tool->device_count = 1;
        tool->devices[0] = (struct tool_device){
            .name = "zoo", .slave_id = 9, .read_words_max = 125, .answer_us = 500, .proof_output = TOOL_NONE};
        for (int i = 0; i < FORMS; i++)
                link_tool_output(tool, "out", 0, TOOL_HOLDING, 4 * i, TOOL_INT16 + i / 4);
        for (int i = 0; i < FORMS; i++)
                link_tool_tag(tool, "in", 0, TOOL_INPUT, 4 * i, TOOL_INT16 + i / 4);
        for (int i = 0; i < 2 * FORMS; i++) {
                tool->tags[i].order = i % 4;
                tool->tags[i].limit_min = -1e30;
                tool->tags[i].limit_max = 1e30;
        }
}

static void tear_down(void)
{
        free(tool);
}

/* ---- A program beside us ---- */

static const char *python(void)
{
        const char *given = getenv("PYTHON");
        return given && given[0] ? given : "/usr/bin/python3"; /* Debian's own: it sees Debian's pymodbus */
}

/* Start it with pipes to its standard input and from its standard output. */
static pid_t start(char *const argv[], int *to, FILE **from)
{
        int in[2], out[2];
        ck_assert(pipe(in) == 0 && pipe(out) == 0);
        pid_t pid = fork();
        ck_assert_int_ge(pid, 0);
        if (pid == 0) {
                dup2(in[0], 0);
                dup2(out[1], 1);
                close(in[1]);
                close(out[0]);
                execv(argv[0], argv);
                _exit(127);
        }
        close(in[0]);
        close(out[1]);
        *to = in[1];
        *from = fdopen(out[0], "r");
        return pid;
}

static int await_exit(pid_t pid)
{
        int status = 0;
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* ---- Our client, their server ---- */

static double seen[2 * FORMS];
static bool is_seen[2 * FORMS];
static int acked;

static void take_events(struct bus *bus)
{
        struct event e;
        struct pollfd p = {.fd = bus_fd(bus), .events = POLLIN};
        uint64_t count;
        bus_feed(bus, bus_now_us());
        if (poll(&p, 1, 10) > 0)
                ck_assert_int_eq(read(bus_fd(bus), &count, sizeof count), (ssize_t)sizeof count);
        while (bus_next(bus, &e)) {
                if (e.kind == EVENT_WROTE) {
                        ck_assert_msg(e.u.wrote.ok, "%s %s was not written", kind_names[e.u.wrote.tag / 4],
                            order_names[e.u.wrote.tag % 4]);
                        acked++;
                }
                for (int i = 0; e.kind == EVENT_SAMPLES && i < e.u.samples.count; i++) {
                        const struct sample *s = &e.u.samples.item[i];
                        ck_assert_int_eq(s->quality, QUALITY_GOOD);
                        seen[s->tag] = s->value;
                        is_seen[s->tag] = true;
                }
        }
}

static void await_value(struct bus *bus, int tag, double value)
{
        int64_t end = bus_now_us() + 10 * TIME_S;
        while (!is_seen[tag] || seen[tag] != value) {
                ck_assert_msg(bus_now_us() < end, "%s %s is %.17g, not %.17g", kind_names[tag % FORMS / 4],
                    order_names[tag % 4], seen[tag], value);
                take_events(bus);
        }
}

START_TEST(test_their_server)
{
        char *argv[] = {(char *)python(), "tests/system/peer_pymodbus_server.py", NULL};
        FILE *from;
        int to;
        pid_t pid = start(argv, &to, &from);
        ck_assert_msg(
            fscanf(from, "READY %d", &tool->links[0].port) == 1, "the pymodbus server did not start");
        const char *why = "";
        struct bus *bus = bus_start(tool, &why);
        ck_assert_msg(bus, "%s", why);
        for (int i = 0; i < 2 * FORMS; i++)
                await_value(bus, i, shown[i % FORMS / 4]);
        for (int i = 0; i < FORMS; i++) {
                struct effect_write w = {.id = 1 + i, .tag = i, .cause = CAUSE_STEP, .value = written[i / 4]};
                bus_write(bus, &w);
        }
        for (int i = 0; i < FORMS; i++)
                await_value(bus, i, written[i / 4]);
        ck_assert_int_eq(acked, FORMS);
        bus_stop(bus);
        close(to);
        fclose(from);
        ck_assert_int_eq(await_exit(pid), 0);
}
END_TEST

/* ---- Our server, their client ---- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static double held[2 * FORMS];

static int zoo_read(void *ctx, int tag, double *value)
{
        (void)ctx;
        pthread_mutex_lock(&lock);
        *value = held[tag];
        pthread_mutex_unlock(&lock);
        return 0;
}

static int zoo_write(void *ctx, int tag, double value)
{
        (void)ctx;
        pthread_mutex_lock(&lock);
        held[tag] = value;
        pthread_mutex_unlock(&lock);
        return 0;
}

/* Their answer to our operation: the number after "value". */
static double next_value(FILE *from, const char *op)
{
        char line[400];
        ck_assert_msg(fgets(line, sizeof line, from) != NULL, "%s was not answered", op);
        ck_assert_msg(strstr(line, op), "%s was answered with %s", op, line);
        const char *at = strstr(line, "\"value\": ");
        ck_assert_msg(at, "%s: %s", op, line);
        return strtod(at + 9, NULL);
}

START_TEST(test_their_client)
{
        static const struct server_tool behind = {.read = zoo_read, .write = zoo_write};
        static char op[2 * FORMS][64], at[40];
        char why[200], *argv[4 + 2 * FORMS] = {(char *)python(), "tests/system/peer_pymodbus_client.py", at};
        for (int i = 0; i < FORMS; i++)
                held[FORMS + i] = shown[i / 4];
        struct server *server = server_start(tool, &behind, "127.0.0.1:0", why, sizeof why);
        ck_assert_msg(server, "%s", why);
        snprintf(at, sizeof at, "127.0.0.1:%d", server_port(server, 0));
        for (int i = 0; i < FORMS; i++) {
                snprintf(op[i], sizeof op[i], "read:9:input:%d:%s:%s", 4 * i, kind_names[i / 4],
                    order_names[i % 4]);
                snprintf(op[FORMS + i], sizeof op[i], "write:9:holding:%d:%s:%s:%.17g", 4 * i,
                    kind_names[i / 4], order_names[i % 4], written[i / 4]);
        }
        for (int i = 0; i < 2 * FORMS; i++)
                argv[3 + i] = op[i];
        FILE *from;
        int to;
        pid_t pid = start(argv, &to, &from);
        for (int i = 0; i < FORMS; i++)
                ck_assert_double_eq(next_value(from, op[i]), shown[i / 4]);
        for (int i = FORMS; i < 2 * FORMS; i++)
                next_value(from, op[i]);
        ck_assert_int_eq(await_exit(pid), 0);
        close(to);
        fclose(from);
        server_stop(server);
        for (int i = 0; i < FORMS; i++)
                ck_assert_double_eq(held[i], written[i / 4]);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("peer");
        TCase *tc = tcase_create("pymodbus");
        tcase_set_timeout(tc, 60);
        tcase_add_checked_fixture(tc, set_up, tear_down);
        tcase_add_test(tc, test_their_server);
        tcase_add_test(tc, test_their_client);
        suite_add_tcase(s, tc);
        signal(SIGPIPE, SIG_IGN);
        return suite_main(s);
}
