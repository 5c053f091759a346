/* The control socket from the outside: a real Unix socket, a real loop, and a fake tool behind it. No client bytes
 * may do more than earn an error or a closed connection. */
#include "suite.h"

#include "ald/control/control.h"
#include "ald/control/client.h"
#include "ald/control/jsonrpc.h"
#include "ald/control/listen.h"
#include "ald/control/peer.h"
#include "ald/control/session.h"

#include <check.h>        /* START_TEST */
#include <errno.h>        /* errno */
#include <event2/event.h> /* event_base_loop */
#include <fcntl.h>        /* open, fcntl */
#include <jansson.h>      /* json_loadb */
#include <stdio.h>        /* snprintf */
#include <stdlib.h>       /* mkdtemp */
#include <string.h>       /* strlen */
#include <sys/socket.h>   /* socket */
#include <sys/stat.h>     /* stat */
#include <sys/un.h>       /* struct sockaddr_un */
#include <time.h>         /* clock_gettime */
#include <unistd.h>       /* close */

/* ---- The fake tool: what the core would tell. ---- */

static struct core_status fake_status;
static struct core_tag fake_tags[4];

void core_get_status(const struct core *core, struct core_status *out)
{
        (void)core;
        *out = fake_status;
}

void core_get_tag(const struct core *core, int tag, struct core_tag *out)
{
        (void)core;
        *out = fake_tags[tag];
}

void core_get_interlock(const struct core *core, int interlock, struct core_interlock *out)
{
        (void)core;
        (void)interlock;
        *out = (struct core_interlock){
            .condition = TRI_BAD, .is_armed = true, .values = "chamber.pressure Bad (stale)"};
}

static int fake_alarm_count;
static struct core_alarm_now fake_alarms[3];

int core_count_alarms(const struct core *core)
{
        (void)core;
        return fake_alarm_count;
}

void core_get_alarm(const struct core *core, int i, struct core_alarm_now *out)
{
        (void)core;
        *out = fake_alarms[i];
}

/* ---- The fake owner. ---- */

enum { COMMANDS_KEPT = 64 };
static struct {
        int count;
        struct command kept[COMMANDS_KEPT];
        bool answers; /* at once, as the daemon does */
        struct effect_reply answer;
        int compiles;
        char text[300000];
        char others[200]; /* names and lengths of the texts beside the recipe */
        char sets[200];
        char resume[200], refused[80]; /* as it was asked; what stands against it */
        const struct recipe *recipe;   /* NULL: does not compile */
        const struct outlook_now *outlook;
} fake;

static struct {
        struct event_base *base;
        struct control *control;
        struct tool *tool;
        char dir[64], path[100];
        struct peer peer; /* whom the next connection comes from */
} rig;

static void on_command(void *ctx, const struct command *command)
{
        struct effect_reply reply = fake.answer;

        (void)ctx;
        fake.kept[fake.count++ % COMMANDS_KEPT] = *command;
        reply.reply = command->reply;
        if (fake.answers)
                control_reply(rig.control, &reply);
}

static const struct core *on_core(void *ctx)
{
        return ctx;
}

static const struct outlook_now *on_outlook(void *ctx)
{
        (void)ctx;
        return fake.outlook;
}

static const struct recipe *on_compile(void *ctx, const struct control_text *texts, size_t count,
    const char *const *set_names, const char *const *set_values, size_t sets, struct control_resume *resume,
    const char **why)
{
        (void)ctx;
        fake.compiles++;
        if (resume != NULL) {
                (void)snprintf(fake.resume, sizeof fake.resume, "%lld %lld %s %d %d %d %d %s %s %s",
                    (long long)resume->from.run_id, (long long)resume->from.cycle, resume->from.path,
                    resume->from.attempt, (int)resume->from.outcome, resume->from.repeat, resume->from.skip,
                    resume->recipe_sha256, resume->tool_sha256, resume->version);
                (void)snprintf(resume->refused.text, sizeof resume->refused.text, "%s", fake.refused);
                (void)snprintf(resume->refused.hint, sizeof resume->refused.hint, "do so");
        }
        ck_assert_uint_eq(texts[0].len, strlen(texts[0].text));
        memcpy(fake.text, texts[0].text, texts[0].len + 1);
        fake.others[0] = '\0';
        for (size_t i = 1; i < count; i++)
                (void)snprintf(fake.others + strlen(fake.others), sizeof fake.others - strlen(fake.others),
                    "%s %zu;", texts[i].name, texts[i].len);
        fake.sets[0] = '\0';
        for (size_t i = 0; i < sets; i++)
                (void)snprintf(fake.sets + strlen(fake.sets), sizeof fake.sets - strlen(fake.sets), "%s=%s;",
                    set_names[i], set_values[i]);
        *why = "r.yaml:3:7: error: 'cycels': unknown key; did you mean 'cycles'?";
        return fake.recipe;
}

static bool on_identify(void *ctx, int fd, struct peer *out)
{
        (void)ctx;
        (void)fd;
        *out = rig.peer;
        return true;
}

/* ---- The rig ---- */

static void set_up_tool(void)
{
        static const char *const names[] = {"chamber.pressure", "nb.valve", "carrier.flow"};

        rig.tool = calloc(1, sizeof *rig.tool);
        ck_assert_ptr_nonnull(rig.tool);
        (void)snprintf(rig.tool->name, sizeof rig.tool->name, "test-tool");
        rig.tool->tag_count = 3;
        for (int i = 0; i < 3; i++) {
                struct tool_tag *tag = &rig.tool->tags[i];
                (void)snprintf(tag->name, sizeof tag->name, "%s", names[i]);
                tag->unit = unit_find(i == 0 ? "Torr" : i == 1 ? "" : "sccm");
                tag->is_bit = tag->is_valve = tag->is_output = i == 1;
                fake_tags[i] = (struct core_tag){.value = i == 1 ? 0 : 0.87, .age_us = 40000};
        }
        rig.tool->tags[1].failsafe = TOOL_FAILSAFE_EXTERNAL;
        rig.tool->interlock_count = 1;
        (void)snprintf(rig.tool->interlocks[0].id, TOOL_NAME_MAX, "over-pressure");
        rig.tool->interlocks[0].arm.root = -1;
}

static void set_up(void)
{
        char why[200] = "";
        struct control_config config = {
            .version = "1.2", .db_path = "/var/lib/aldd/runs.db", .identify = on_identify};

        memset(&fake, 0, sizeof fake);
        fake.answers = true;
        (void)snprintf(fake.answer.text, sizeof fake.answer.text, "done");
        fake_status = (struct core_status){.state = MACHINE_IDLE, .step_left_us = -1, .store_ok = true};
        set_up_tool();
        (void)snprintf(rig.dir, sizeof rig.dir, "/tmp/ald-control-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(rig.dir));
        (void)snprintf(rig.path, sizeof rig.path, "%s/aldd.sock", rig.dir);
        rig.peer = (struct peer){.uid = 1000, .pid = 77, .role = TOOL_ROLE_OPERATOR, .user = "olga"};
        rig.base = event_base_new();
        config.base = rig.base;
        config.path = rig.path;
        config.tool = rig.tool;
        config.owner = (struct control_owner){.ctx = &rig,
            .command = on_command,
            .core = on_core,
            .outlook = on_outlook,
            .compile = on_compile};
        rig.control = control_new(&config, why, sizeof why);
        ck_assert_msg(rig.control != NULL, "%s", why);
}

static void tear_down(void)
{
        control_free(rig.control);
        event_base_free(rig.base);
        free(rig.tool);
        ck_assert_int_eq(rmdir(rig.dir), 0); /* and nothing is left in it */
}

static void turn(void)
{
        ck_assert_int_ge(event_base_loop(rig.base, EVLOOP_ONCE | EVLOOP_NONBLOCK), 0);
}

static int dial_raw(void)
{
        struct sockaddr_un to = {.sun_family = AF_UNIX};
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

        (void)snprintf(to.sun_path, sizeof to.sun_path, "%s", rig.path);
        ck_assert_int_eq(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
        return fd;
}

static double seconds(void)
{
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* The next line of a client, turning the loop meanwhile; NULL when the connection ended. Free it with free(). */
static char *line_of(int fd)
{
        size_t cap = 1 << 20, len = 0;
        char *line = malloc(cap);
        double until = seconds() + 10;

        while (seconds() < until) {
                ssize_t n = recv(fd, line + len, cap - len - 1, MSG_PEEK);
                char *end = n > 0 ? memchr(line + len, '\n', (size_t)n) : NULL;
                if (n == 0 || (n < 0 && errno != EAGAIN)) {
                        free(line);
                        return NULL;
                }
                if (n < 0) {
                        turn();
                        continue;
                }
                n = recv(fd, line + len, end != NULL ? (size_t)(end + 1 - (line + len)) : (size_t)n, 0);
                len += (size_t)n;
                ck_assert_uint_lt(len, cap - 1);
                if (end != NULL) {
                        line[len] = '\0';
                        return line;
                }
        }
        ck_abort_msg("no line within 10 s");
        return NULL;
}

static json_t *message_of(int fd)
{
        char *line = line_of(fd);
        json_t *message;

        ck_assert_msg(line != NULL, "the connection ended");
        message = json_loads(line, 0, NULL);
        ck_assert_msg(message != NULL, "%s", line);
        free(line);
        return message;
}

static void put(int fd, const char *bytes, size_t len)
{
        double until = seconds() + 10;

        while (len > 0) {
                ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);
                ck_assert(seconds() < until);
                if (n > 0) {
                        bytes += n;
                        len -= (size_t)n;
                } else if (errno == EAGAIN) {
                        turn();
                } else {
                        return; /* turned away meanwhile: the reader will see why */
                }
        }
}

static void say(int fd, const char *line)
{
        put(fd, line, strlen(line));
        put(fd, "\n", 1);
}

static const char *at(json_t *message, const char *a, const char *b)
{
        return json_string_value(json_object_get(json_object_get(message, a), b));
}

static int code_of(json_t *message)
{
        return (int)json_integer_value(json_object_get(json_object_get(message, "error"), "code"));
}

/* A client that has read its hello. */
static int dial(void)
{
        int fd = dial_raw();
        json_t *hello = message_of(fd);

        ck_assert_str_eq(json_string_value(json_object_get(hello, "method")), "hello");
        json_decref(hello);
        return fd;
}

static json_t *ask(int fd, const char *line)
{
        say(fd, line);
        return message_of(fd);
}

/* Ask, expect an error of that code which says that. */
static void refuse(int fd, const char *line, int code, const char *says)
{
        json_t *m = ask(fd, line);

        ck_assert_msg(code_of(m) == code, "%s: code %d", line, code_of(m));
        ck_assert_msg(
            strstr(at(m, "error", "message"), says) != NULL, "%s: %s", line, at(m, "error", "message"));
        json_decref(m);
}

#define CALL(method, params)                                                                                 \
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"" method "\",\"params\":{" params "}}"

static void expect_end(int fd)
{
        ck_assert_ptr_null(line_of(fd));
        close(fd);
}

/* The daemon still serves: nothing that went before has harmed it. */
static void expect_alive(void)
{
        int fd = dial();
        json_t *m = ask(fd, CALL("status", ""));

        ck_assert_str_eq(at(m, "result", "state"), "Idle");
        json_decref(m);
        close(fd);
}

/* ---- Tests ---- */

START_TEST(hello_tells_who_and_what)
{
        int fd = dial_raw();
        json_t *m = message_of(fd);
        struct stat st;

        ck_assert_str_eq(at(m, "params", "program"), "aldd");
        ck_assert_str_eq(at(m, "params", "tool"), "test-tool");
        ck_assert_str_eq(at(m, "params", "version"), "1.2");
        ck_assert_str_eq(at(m, "params", "db"), "/var/lib/aldd/runs.db");
        ck_assert_str_eq(at(m, "params", "role"), "operator");
        ck_assert_int_eq(json_integer_value(json_object_get(json_object_get(m, "params"), "protocol")), 1);
        ck_assert_int_eq(stat(rig.path, &st), 0);
        ck_assert_int_eq(st.st_mode & 0777, 0660);
        json_decref(m);
        close(fd);
}
END_TEST

START_TEST(strangers_are_turned_away_with_a_reason)
{
        json_t *m;
        int fd;

        rig.peer.role = TOOL_ROLE_NONE;
        fd = dial_raw();
        m = message_of(fd);
        ck_assert_int_eq(code_of(m), JSONRPC_DENIED);
        ck_assert_ptr_nonnull(strstr(at(m, "error", "message"), "olga"));
        json_decref(m);
        expect_end(fd);
}
END_TEST

START_TEST(questions_are_answered)
{
        int fd = dial();
        json_t *m = ask(fd, CALL("status", "")), *result;

        result = json_object_get(m, "result");
        ck_assert_str_eq(json_string_value(json_object_get(result, "state")), "Idle");
        ck_assert(json_is_null(json_object_get(result, "step_left_s")));
        ck_assert(json_is_null(json_object_get(result, "run")));
        ck_assert_uint_eq(json_array_size(json_object_get(result, "external_failsafe")), 1);
        json_decref(m);
        m = ask(fd, CALL("tags", ""));
        result = json_array_get(json_object_get(m, "result"), 0);
        ck_assert_str_eq(json_string_value(json_object_get(result, "name")), "chamber.pressure");
        ck_assert_str_eq(json_string_value(json_object_get(result, "text")), "0.87 Torr");
        json_decref(m);
        m = ask(fd, CALL("interlocks", ""));
        result = json_array_get(json_object_get(m, "result"), 0);
        ck_assert_str_eq(json_string_value(json_object_get(result, "id")), "over-pressure");
        ck_assert(json_is_null(json_object_get(result, "is_true")));
        json_decref(m);
        m = ask(fd, CALL("help", ""));
        ck_assert_uint_gt(json_array_size(json_object_get(m, "result")), 8);
        json_decref(m);
        close(fd);
}
END_TEST

/* In whole seconds; what cannot be told is null, and so is all of it where nobody estimates. */
START_TEST(the_outlook_is_told)
{
        static const struct outlook_now now = {.heating_us = 90900000, .open_us = -1, .open_waits = "a vent"};
        int fd = dial();
        json_t *m = ask(fd, CALL("status", "")), *result = json_object_get(m, "result");

        ck_assert(json_is_null(json_object_get(result, "heating_left_s")));
        ck_assert(json_is_null(json_object_get(result, "open_in_s")));
        json_decref(m);
        fake.outlook = &now;
        m = ask(fd, CALL("subscribe", ""));
        result = json_object_get(json_object_get(m, "result"), "status");
        ck_assert_int_eq(json_integer_value(json_object_get(result, "heating_left_s")), 90);
        ck_assert(json_is_null(json_object_get(result, "open_in_s")));
        ck_assert_str_eq(json_string_value(json_object_get(result, "open_waits")), "a vent");
        json_decref(m);
        close(fd);
}
END_TEST

START_TEST(bad_lines_earn_an_error_and_change_nothing)
{
        int fd = dial();

        refuse(fd, "garbage", JSONRPC_PARSE, "not JSON");
        refuse(fd, "", JSONRPC_PARSE, "empty");
        refuse(fd, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ab\xffrt\"}", JSONRPC_PARSE, "not JSON");
        refuse(fd, "[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"abort\"}]", JSONRPC_REQUEST, "batch");
        refuse(fd, CALL("abrot", ""), JSONRPC_METHOD, "did you mean 'abort'");
        refuse(fd, CALL("shutdown", ""), JSONRPC_METHOD, "unknown verb");
        refuse(fd, CALL("hold", "\"now\":1"), JSONRPC_PARAMS, "true or false");
        refuse(fd, CALL("hold", "\"nwo\":true"), JSONRPC_PARAMS, "did you mean 'now'");
        refuse(fd, CALL("abort", "\"x\":null"), JSONRPC_PARAMS, "unknown argument 'x'");
        refuse(fd, CALL("run", ""), JSONRPC_PARAMS, "'recipe' is missing");
        refuse(fd, CALL("run", "\"recipe\":[]"), JSONRPC_PARAMS, "text");
        refuse(fd, CALL("run", "\"recipe\":\"r\",\"set\":{\"a\":{}}"), JSONRPC_PARAMS, "'set'");
        refuse(fd, CALL("upload", "\"name\":\"r\",\"offset\":1.5,\"text\":\"\""), JSONRPC_PARAMS,
            "whole number");
        refuse(fd, CALL("upload", "\"name\":\"r\",\"offset\":7,\"text\":\"\""), JSONRPC_PARAMS, "offset 0");
        refuse(fd, CALL("upload", "\"name\":\"r\",\"offset\":-1,\"text\":\"\""), JSONRPC_PARAMS, "offset 0");
        refuse(fd, CALL("upload", "\"name\":\"a\\u001bb\",\"offset\":0,\"text\":\"\""), JSONRPC_PARAMS,
            "control");
        /* What is refused of a command reaches the core for the audit record alone (A3). */
        ck_assert_int_eq(fake.count, 6);
        for (int i = 0; i < fake.count; i++)
                ck_assert(fake.kept[i].refused[0] != '\0' && fake.kept[i].reply == 0);
        ck_assert_int_eq(fake.compiles, 0);
        close(fd);
        expect_alive();
}
END_TEST

START_TEST(params_errors_name_argument_and_expectation)
{
        int fd = dial();
        json_t *m = ask(fd, CALL("hold", "\"now\":\"yes\"")), *data;

        data = json_object_get(json_object_get(m, "error"), "data");
        ck_assert_str_eq(json_string_value(json_object_get(data, "argument")), "now");
        ck_assert_str_eq(json_string_value(json_object_get(data, "expected")), "true or false");
        json_decref(m);
        close(fd);
}
END_TEST

/* ---- arguments become what the core gets, by the types of the verb table ---- */

static const struct command *handed(int fd, const char *line)
{
        int count = fake.count;
        json_t *m = ask(fd, line);

        ck_assert_msg(json_object_get(m, "error") == NULL, "%s: %s", line, at(m, "error", "message"));
        json_decref(m);
        ck_assert_int_eq(fake.count, count + 1);
        return &fake.kept[count % COMMANDS_KEPT];
}

START_TEST(arguments_become_tags_values_and_times)
{
        int fd = dial();
        const struct command *c;

        c = handed(fd, CALL("open", "\"valve\":\"nb.valve\",\"for\":\"1.5 s\""));
        ck_assert(c->verb == VERB_OPEN && c->tag == 1 && c->for_us == 1500000);
        ck_assert_str_eq(c->text, "open nb.valve --for 1.5 s");
        c = handed(fd, CALL("set", "\"tag\":\"nb.valve\",\"value\":\"open\""));
        ck_assert(c->tag == 1 && c->value == 1);
        ck_assert_str_eq(c->text, "set nb.valve open");
        c = handed(fd, CALL("set", "\"value\":\"safe\",\"tag\":\"nb.valve\"")); /* in any order */
        ck_assert(c->tag == 1 && c->value == 0);
        c = handed(fd, CALL("control", "\"action\":\"release\",\"to\":\"bob\""));
        ck_assert(strcmp(c->name, "release") == 0 && strcmp(c->to, "bob") == 0 && !c->force);
        c = handed(fd, CALL("control", "\"action\":\"take\",\"force\":true"));
        ck_assert(c->force);
        ck_assert_str_eq(c->text, "control take --force");
        c = handed(fd, CALL("stop", "\"after_cycle\":true"));
        ck_assert(c->after_cycle);
        ck_assert_str_eq(c->text, "stop --after-cycle");
        c = handed(fd, CALL("shelve", "\"alarm\":\"x\",\"for\":\"2 h\",\"reason\":\"a\\u001bb\""));
        ck_assert(strcmp(c->name, "x") == 0 && c->for_us == INT64_C(7200000000));
        ck_assert_str_eq(c->reason, "a?b");
        ck_assert_str_eq(c->text, "shelve x --for 2 h --reason a?b");
        close(fd);
}
END_TEST

START_TEST(inputs_are_named_by_engineers)
{
        const struct command *c;
        int fd;

        rig.peer.role = TOOL_ROLE_ENGINEER;
        fd = dial();
        c = handed(fd, CALL("bypass", "\"tag\":\"carrier.flow\",\"for\":\"1 h\",\"reason\":\"w\""));
        ck_assert(c->tag == 2 && c->for_us == INT64_C(3600000000));
        refuse(fd, CALL("bypass", "\"tag\":\"nb.valve\",\"for\":\"1 h\",\"reason\":\"w\""), JSONRPC_PARAMS,
            "is an output");
        refuse(
            fd, CALL("unbypass", "\"tag\":\"carier.flow\""), JSONRPC_PARAMS, "did you mean 'carrier.flow'");
        close(fd);
}
END_TEST

/* What makes no sense is told with what would, and reaches the core for the audit record alone (A3). */
START_TEST(nonsense_is_told_and_audited)
{
        static const struct {
                const char *line, *says;
        } cases[] = {
            {CALL("open", "\"valve\":\"nb.vlave\""), "did you mean 'nb.valve'"},
            {CALL("open", "\"valve\":\"chamber.pressure\""), "read only"},
            {CALL("open", "\"valve\":\"nb.valve\",\"for\":\"20\""), "'20' has no unit: a time is"},
            {CALL("open", "\"valve\":\"nb.valve\",\"for\":\"0 s\""), "no time to speak of"},
            {CALL("open", "\"valve\":\"nb.valve\",\"for\":\"-1 s\""), "out of range"},
            {CALL("set", "\"tag\":\"nb.valve\",\"value\":\"on\""), "closed or open"},
            {CALL("set", "\"tag\":\"nb.valve\""), "'value' is missing"},
            {CALL("control", "\"action\":\"take\",\"to\":\""
                             "123456789012345678901234567890123456789012345678901234567890"
                             "1234567890\""),
                "longer than"},
        };
        int fd = dial(), count = (int)(sizeof cases / sizeof cases[0]);

        for (int i = 0; i < count; i++) {
                refuse(fd, cases[i].line, JSONRPC_PARAMS, cases[i].says);
                ck_assert_int_eq(fake.count, i + 1);
                ck_assert_msg(
                    strstr(fake.kept[i].refused, cases[i].says) != NULL, "%s", fake.kept[i].refused);
                ck_assert(fake.kept[i].reply == 0 && fake.kept[i].text[0] != '\0');
        }
        close(fd);
}
END_TEST

/* Who may not ask learns that, and nothing about names. */
START_TEST(nonsense_of_a_viewer_is_refused_by_the_core)
{
        int fd;

        rig.peer.role = TOOL_ROLE_VIEWER;
        fake.answer = (struct effect_reply){.code = 5, .text = "open needs the role of operator"};
        fd = dial();
        refuse(fd, CALL("open", "\"valve\":\"nothing\""), JSONRPC_DENIED, "operator");
        ck_assert(fake.count == 1 && fake.kept[0].refused[0] == '\0' && fake.kept[0].tag == TOOL_NONE);
        close(fd);
}
END_TEST

START_TEST(half_a_line_does_nothing)
{
        int fd = dial();
        const char *half = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"abort\"}";

        put(fd, half, strlen(half));
        for (int i = 0; i < 20; i++)
                turn();
        close(fd);
        for (int i = 0; i < 20; i++)
                turn();
        ck_assert_int_eq(fake.count, 0);
        expect_alive();
}
END_TEST

START_TEST(a_line_in_single_bytes_is_a_line)
{
        int fd = dial();
        const char *line = CALL("abort", "") "\n";
        json_t *m;

        for (size_t i = 0; line[i] != '\0'; i++) {
                put(fd, line + i, 1);
                turn();
        }
        m = message_of(fd);
        ck_assert_str_eq(at(m, "result", "text"), "done");
        ck_assert_int_eq(fake.count, 1);
        json_decref(m);
        close(fd);
}
END_TEST

START_TEST(a_command_counts_though_its_sender_left)
{
        int fd = dial();

        say(fd, CALL("status", ""));
        say(fd, CALL("abort", ""));
        close(fd);
        for (int i = 0; i < 50; i++)
                turn();
        ck_assert_int_eq(fake.count, 1);
        ck_assert_int_eq(fake.kept[0].verb, VERB_ABORT);
        expect_alive();
}
END_TEST

START_TEST(a_sender_that_finished_gets_its_answer)
{
        int fd = dial();
        json_t *m;

        fake.answers = false;
        say(fd, CALL("abort", ""));
        shutdown(fd, SHUT_WR);
        for (int i = 0; i < 50; i++)
                turn();
        ck_assert_int_eq(fake.count, 1);
        fake.answer.reply = fake.kept[0].reply;
        control_reply(rig.control, &fake.answer);
        m = message_of(fd);
        ck_assert_str_eq(at(m, "result", "text"), "done");
        json_decref(m);
        expect_end(fd);
}
END_TEST

START_TEST(a_huge_line_ends_the_connection)
{
        static char huge[1 << 20];
        int fd = dial();
        json_t *m;

        memset(huge, 'x', sizeof huge);
        put(fd, huge, sizeof huge);
        m = message_of(fd);
        ck_assert_int_eq(code_of(m), JSONRPC_LIMIT);
        ck_assert_ptr_nonnull(strstr(at(m, "error", "message"), "16 KiB"));
        json_decref(m);
        expect_end(fd);
        expect_alive();
}
END_TEST

START_TEST(deep_nesting_ends_the_connection)
{
        char line[200];
        int fd = dial();
        json_t *m;

        memset(line, '[', sizeof line - 1);
        line[sizeof line - 1] = '\0';
        m = ask(fd, line);
        ck_assert_int_eq(code_of(m), JSONRPC_LIMIT);
        json_decref(m);
        expect_end(fd);
        expect_alive();
}
END_TEST

START_TEST(a_slow_reader_is_dropped_with_a_reason)
{
        int fd = dial();
        char *line, *last = NULL;
        size_t got = 0;

        /* Answers pile up in the kernel and then here, until 256 KiB wait. */
        for (int i = 0; i < 300; i++) {
                say(fd, CALL("help", ""));
                turn();
                /* Some are read in between, so that a part of a line is on its way when the end comes. */
                for (int k = 0; k < 25 && i == 150; k++)
                        free(line_of(fd));
        }
        while ((line = line_of(fd)) != NULL) {
                json_t *m = json_loads(line, 0, NULL);
                ck_assert_msg(m != NULL, "torn line: %.80s", line); /* none was cut in two */
                json_decref(m);
                got += strlen(line);
                free(last);
                last = line;
        }
        ck_assert_ptr_nonnull(last);
        ck_assert_ptr_nonnull(strstr(last, "too slowly"));
        ck_assert_uint_lt(got, 400 * 1000);
        free(last);
        close(fd);
        expect_alive();
}
END_TEST

START_TEST(abort_passes_a_flood_of_another_client)
{
        int flood = dial(), fd = dial(), at_place = -1;
        json_t *m;

        for (int i = 0; i < COMMANDS_KEPT - 4; i++)
                (void)send(flood, CALL("stop", "") "\n", strlen(CALL("stop", "")) + 1, MSG_NOSIGNAL);
        turn();
        m = ask(fd, CALL("abort", ""));
        ck_assert_str_eq(at(m, "result", "text"), "done");
        /* One line of each client per turn: abort waits for a few lines of the flood, not for all. */
        for (int i = 0; i < fake.count; i++)
                if (fake.kept[i].verb == VERB_ABORT)
                        at_place = i;
        ck_assert_int_ge(at_place, 0);
        ck_assert_int_lt(at_place, 6);
        json_decref(m);
        close(fd);
        close(flood);
}
END_TEST

START_TEST(thirty_two_clients_eight_of_one_user)
{
        int fds[CONTROL_CLIENTS_MAX], fd;
        json_t *m;

        for (int i = 0; i < CONTROL_CLIENTS_MAX; i++) {
                rig.peer.uid = 1000 + (uint32_t)i / CONTROL_CLIENTS_PER_UID;
                fds[i] = dial();
                if (i == CONTROL_CLIENTS_PER_UID - 1) {
                        fd = dial_raw();
                        m = message_of(fd);
                        ck_assert_int_eq(code_of(m), JSONRPC_LIMIT);
                        ck_assert_ptr_nonnull(strstr(at(m, "error", "message"), "8 connections"));
                        json_decref(m);
                        expect_end(fd);
                }
        }
        rig.peer.uid = 2000;
        fd = dial_raw();
        m = message_of(fd);
        ck_assert_int_eq(code_of(m), JSONRPC_LIMIT);
        ck_assert_ptr_nonnull(strstr(at(m, "error", "message"), "32 clients"));
        json_decref(m);
        expect_end(fd);
        close(fds[0]);
        for (int i = 0; i < 20; i++)
                turn();
        fd = dial();
        close(fd);
        for (int i = 1; i < CONTROL_CLIENTS_MAX; i++)
                close(fds[i]);
}
END_TEST

/* ---- Commands ---- */

START_TEST(commands_carry_who_and_what)
{
        int fd = dial();
        json_t *m = ask(fd, CALL("hold", "\"now\":true"));

        ck_assert_int_eq(fake.count, 1);
        ck_assert_int_eq(fake.kept[0].verb, VERB_HOLD);
        ck_assert(fake.kept[0].now);
        ck_assert_int_eq(fake.kept[0].role, TOOL_ROLE_OPERATOR);
        ck_assert_uint_eq(fake.kept[0].uid, 1000);
        ck_assert_uint_eq(fake.kept[0].pid, 77);
        ck_assert_str_eq(fake.kept[0].user, "olga");
        ck_assert_str_eq(fake.kept[0].text, "hold --now");
        json_decref(m);
        close(fd);
}
END_TEST

START_TEST(a_shelving_carries_how_long_and_why)
{
        int fd = dial();
        json_t *m = ask(
            fd, CALL("shelve", "\"alarm\":\"noisy\",\"for\":\"90 min\",\"reason\":\"gauge\\u0007 is old\""));

        json_decref(m);
        ck_assert_int_eq(fake.kept[0].verb, VERB_SHELVE);
        ck_assert_str_eq(fake.kept[0].name, "noisy");
        ck_assert_int_eq(fake.kept[0].for_us, INT64_C(5400000000));
        ck_assert_str_eq(fake.kept[0].reason, "gauge? is old");
        ck_assert_str_eq(fake.kept[0].text, "shelve noisy --for 90 min --reason gauge? is old");
        /* What is no time is refused here; the core keeps the audit record. */
        m = ask(fd, CALL("shelve", "\"alarm\":\"noisy\",\"for\":\"long\",\"reason\":\"x\""));
        json_decref(m);
        ck_assert_int_eq(fake.kept[1].for_us, 0);
        refuse(fd, CALL("shelve", "\"alarm\":\"noisy\""), JSONRPC_PARAMS, "for");
        close(fd);
}
END_TEST

START_TEST(alarms_come_by_priority_then_by_time)
{
        int fd = dial();
        json_t *m, *list;

        fake_alarm_count = 3;
        fake_alarms[0] = (struct core_alarm_now){
            .id = "b", .priority = TOOL_PRIORITY_LOW, .came_wall_us = 5, .state = ALARM_UNACKED, .age_us = 1};
        fake_alarms[1] = (struct core_alarm_now){.id = "c",
            .priority = TOOL_PRIORITY_HIGH,
            .came_wall_us = 9,
            .until_wall_us = 1700000000 * INT64_C(1000000),
            .state = ALARM_SHELVED,
            .age_us = -1,
            .reason = "old",
            .shelved_by = "olga"};
        fake_alarms[2] = fake_alarms[0];
        fake_alarms[2].id[0] = 'a';
        fake_alarms[2].came_wall_us = 4;
        fake_alarms[2].state = ALARM_ACKED;
        m = ask(fd, CALL("alarms", ""));
        list = json_object_get(m, "result");
        ck_assert_uint_eq(json_array_size(list), 3);
        for (size_t i = 0; i < 3; i++)
                ck_assert_int_eq(
                    json_string_value(json_object_get(json_array_get(list, i), "id"))[0], "cab"[i]);
        ck_assert_str_eq(json_string_value(json_object_get(json_array_get(list, 0), "shelved_until")),
            "2023-11-14T22:13:20.000000Z");
        ck_assert_str_eq(
            json_string_value(json_object_get(json_array_get(list, 0), "shelved_reason")), "old");
        ck_assert(json_is_null(json_object_get(json_array_get(list, 0), "age_s")));
        ck_assert(json_is_null(json_object_get(json_array_get(list, 1), "shelved_until")));
        ck_assert_str_eq(
            json_string_value(json_object_get(json_array_get(list, 2), "state")), "unacknowledged");
        json_decref(m);
        fake_alarm_count = 0;
        close(fd);
}
END_TEST

START_TEST(a_refusal_explains_itself)
{
        int fd = dial();
        json_t *m, *data;

        fake.answer = (struct effect_reply){.code = 3,
            .text = "nb.valve may not open",
            .interlock = "precursor-needs-flow",
            .condition = "carrier.flow > 5 sccm",
            .values = "carrier.flow 0.2 sccm",
            .hint = "set the flow"};
        m = ask(fd, CALL("resume", ""));
        data = json_object_get(json_object_get(m, "error"), "data");
        ck_assert_int_eq(code_of(m), JSONRPC_REFUSED);
        ck_assert_int_eq(json_integer_value(json_object_get(data, "exit")), 3);
        ck_assert_str_eq(json_string_value(json_object_get(data, "interlock")), "precursor-needs-flow");
        ck_assert_str_eq(json_string_value(json_object_get(data, "condition")), "carrier.flow > 5 sccm");
        ck_assert_str_eq(json_string_value(json_object_get(data, "values")), "carrier.flow 0.2 sccm");
        ck_assert_str_eq(json_string_value(json_object_get(data, "hint")), "set the flow");
        json_decref(m);
        close(fd);
}
END_TEST

START_TEST(answers_find_their_question)
{
        int a = dial(), b = dial();
        json_t *m;

        fake.answers = false;
        say(a, CALL("stop", ""));
        say(b, "{\"jsonrpc\":\"2.0\",\"id\":\"bb\",\"method\":\"hold\"}");
        while (fake.count < 2)
                turn();
        fake.answer.reply = 9999; /* nobody's */
        control_reply(rig.control, &fake.answer);
        for (int i = 1; i >= 0; i--) {
                fake.answer.reply = fake.kept[i].reply;
                control_reply(rig.control, &fake.answer);
                control_reply(rig.control, &fake.answer); /* a second time: ignored */
        }
        m = message_of(b);
        ck_assert_str_eq(json_string_value(json_object_get(m, "id")), "bb");
        json_decref(m);
        m = message_of(a);
        ck_assert_int_eq(json_integer_value(json_object_get(m, "id")), 1);
        json_decref(m);
        close(a);
        close(b);
}
END_TEST

START_TEST(unanswered_commands_are_bounded_but_never_abort)
{
        int fd = dial();

        fake.answers = false;
        for (int i = 0; i < SESSION_PENDING_MAX; i++)
                say(fd, CALL("stop", ""));
        refuse(fd, CALL("stop", ""), JSONRPC_LIMIT, "too many commands");
        ck_assert_int_eq(fake.count, SESSION_PENDING_MAX);
        refuse(fd, CALL("abort", ""), JSONRPC_LIMIT, "handed over");
        ck_assert_int_eq(fake.count, SESSION_PENDING_MAX + 1);
        ck_assert_int_eq(fake.kept[SESSION_PENDING_MAX].verb, VERB_ABORT);
        close(fd);
}
END_TEST

START_TEST(a_request_without_id_is_done_in_silence)
{
        int fd = dial();
        json_t *m;

        say(fd, "{\"jsonrpc\":\"2.0\",\"method\":\"stop\"}");
        m = ask(fd, CALL("status", "")); /* the next line is the answer to this one */
        ck_assert_ptr_nonnull(at(m, "result", "state"));
        ck_assert_int_eq(fake.count, 1);
        json_decref(m);
        close(fd);
}
END_TEST

/* ---- Recipes ---- */

static void upload(int fd, const char *name, size_t parts)
{
        for (size_t i = 0; i < parts; i++) {
                char line[400];
                json_t *m;
                (void)snprintf(line, sizeof line,
                    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"upload\",\"params\":{\"name\":\"%s\","
                    "\"offset\":%zu,"
                    "\"text\":\"part %03zu\\n\",\"last\":%s}}",
                    name, i * 9, i, i + 1 == parts ? "true" : "false");
                m = ask(fd, line);
                ck_assert_msg(json_object_get(m, "result") != NULL, "%s", at(m, "error", "message"));
                json_decref(m);
        }
}

START_TEST(a_recipe_goes_up_in_parts_and_runs)
{
        static struct recipe recipe;
        int fd = dial();
        json_t *m;

        fake.recipe = &recipe;
        fake.answer.run_id = 41;
        upload(fd, "r.yaml", 3);
        m = ask(fd, CALL("run", "\"recipe\":\"r.yaml\",\"set\":{\"cycles\":2,\"purge\":\"3 s\"}"));
        ck_assert_int_eq(json_integer_value(json_object_get(json_object_get(m, "result"), "run")), 41);
        json_decref(m);
        ck_assert_str_eq(fake.text, "part 000\npart 001\npart 002\n");
        ck_assert_str_eq(fake.sets, "cycles=2;purge=3 s;");
        ck_assert_ptr_eq(fake.kept[0].recipe, &recipe);
        ck_assert_str_eq(fake.kept[0].text, "run r.yaml cycles=2 purge=3 s");
        close(fd);
}
END_TEST

#define GOES_ON                                                                                              \
        "\"run\":12,\"cycle\":7,\"path\":\"coat[3]\",\"attempt\":2,\"outcome\":\"cut\","                     \
        "\"recipe_sha256\":\"aa\",\"tool_sha256\":\"bb\",\"version\":\"1.0\""

START_TEST(a_run_that_goes_on_with_another)
{
        static struct recipe recipe;
        int fd = dial();
        json_t *m;

        fake.recipe = &recipe;
        upload(fd, "r.yaml", 1);
        json_decref(ask(fd, CALL("run", "\"recipe\":\"r.yaml\",\"resumes\":{" GOES_ON "},\"repeat\":true")));
        ck_assert_str_eq(fake.resume, "12 7 coat[3] 2 2 1 0 aa bb 1.0");
        ck_assert_ptr_eq(fake.kept[0].recipe, &recipe);
        ck_assert_ptr_nonnull(strstr(fake.kept[0].text, "run r.yaml run=12 cycle=7 path=coat[3]"));
        /* What stands against it is told with its hint, and audited. */
        fake.recipe = NULL;
        (void)snprintf(fake.refused, sizeof fake.refused, "another tool file");
        upload(fd, "r.yaml", 1);
        m = ask(fd, CALL("run", "\"recipe\":\"r.yaml\",\"resumes\":{" GOES_ON "}"));
        ck_assert_int_eq(code_of(m), JSONRPC_REFUSED);
        ck_assert_str_eq(at(m, "error", "message"), "another tool file");
        ck_assert_str_eq(
            json_string_value(json_object_get(json_object_get(json_object_get(m, "error"), "data"), "hint")),
            "do so");
        json_decref(m);
        ck_assert_int_eq(fake.count, 2);
        ck_assert_str_eq(fake.kept[1].refused, "another tool file");
        ck_assert_ptr_null(fake.kept[1].recipe);
        close(fd);
}
END_TEST

/* Each of its facts, missing and not understood. */
START_TEST(what_a_run_goes_on_with_is_told_whole)
{
        static const char *const wrong[][2] = {{"\"run\":12,", ""}, {"\"cycle\":7,", ""},
            {"\"path\":\"coat[3]\",", ""}, {"\"attempt\":2,", ""}, {"\"outcome\":\"cut\",", ""},
            {"\"recipe_sha256\":\"aa\",", ""}, {"\"tool_sha256\":\"bb\",", ""}, {",\"version\":\"1.0\"", ""},
            {"\"run\":12", "\"run\":\"12x\""}, {"\"run\":12", "\"run\":\"\""},
            {"\"cycle\":7", "\"cycle\":-7"}, {"\"attempt\":2", "\"attempt\":20000000000"},
            {"\"cut\"", "\"open wide\""}};
        static const char all[] = GOES_ON;
        const char *at_ = strstr(all, wrong[_i][0]);
        char line[512];
        int fd = dial();

        ck_assert_ptr_nonnull(at_);
        upload(fd, "r.yaml", 1);
        (void)snprintf(line, sizeof line, CALL("run", "\"recipe\":\"r.yaml\",\"resumes\":{%.*s%s%s}"),
            (int)(at_ - all), all, wrong[_i][1], at_ + strlen(wrong[_i][0]));
        refuse(fd, line, JSONRPC_PARAMS, "'resumes' has no sound");
        ck_assert_int_eq(fake.compiles, 0);
        ck_assert_int_eq(fake.count, 1);
        ck_assert_str_ne(fake.kept[0].refused, "");
        close(fd);
}
END_TEST

START_TEST(diagnostics_come_back)
{
        int fd = dial();
        json_t *m;

        upload(fd, "r.yaml", 1);
        m = ask(fd, CALL("run", "\"recipe\":\"r.yaml\""));
        ck_assert_int_eq(code_of(m), JSONRPC_FAILED);
        ck_assert_ptr_nonnull(
            strstr(json_string_value(
                       json_object_get(json_object_get(json_object_get(m, "error"), "data"), "diagnostics")),
                "r.yaml:3:7: error"));
        json_decref(m);
        /* For the audit record the core hears of it, without a recipe and with nobody to answer. */
        ck_assert_int_eq(fake.count, 1);
        ck_assert_ptr_null(fake.kept[0].recipe);
        ck_assert(fake.kept[0].reply == 0);
        close(fd);
}
END_TEST

START_TEST(only_a_whole_upload_of_that_name_runs)
{
        int fd = dial(), other = dial();

        refuse(fd, CALL("run", "\"recipe\":\"r.yaml\""), JSONRPC_PARAMS, "not uploaded");
        upload(other, "r.yaml", 1);
        refuse(fd, CALL("run", "\"recipe\":\"r.yaml\""), JSONRPC_PARAMS, "not uploaded");
        json_decref(ask(fd, CALL("upload", "\"name\":\"r.yaml\",\"offset\":0,\"text\":\"half\"")));
        refuse(fd, CALL("run", "\"recipe\":\"r.yaml\""), JSONRPC_PARAMS, "not uploaded");
        refuse(
            fd, CALL("upload", "\"name\":\"r.yaml\",\"offset\":3,\"text\":\"\""), JSONRPC_PARAMS, "offset 0");
        refuse(
            fd, CALL("upload", "\"name\":\"r.yaml\",\"offset\":5,\"text\":\"\""), JSONRPC_PARAMS, "offset 0");
        refuse(
            fd, CALL("upload", "\"name\":\"s.yaml\",\"offset\":4,\"text\":\"\""), JSONRPC_PARAMS, "offset 0");
        ck_assert_int_eq(fake.compiles, 0);
        close(fd);
        close(other);
}
END_TEST

/* What a recipe includes comes beside it; a run takes everything, so the next one begins with nothing. */
START_TEST(texts_go_up_beside_a_recipe)
{
        static struct recipe recipe;
        int fd = dial();

        fake.recipe = &recipe;
        upload(fd, "blocks.yaml", 2);
        upload(fd, "r.yaml", 3);
        json_decref(ask(fd, CALL("upload", "\"name\":\"half.yaml\",\"offset\":0,\"text\":\"half\"")));
        upload(fd, "more/blocks.yaml", 1);
        upload(fd, "blocks.yaml", 1); /* anew */
        json_decref(ask(fd, CALL("run", "\"recipe\":\"r.yaml\"")));
        ck_assert_str_eq(fake.text, "part 000\npart 001\npart 002\n");
        ck_assert_str_eq(fake.others, "blocks.yaml 9;more/blocks.yaml 9;");
        refuse(fd, CALL("run", "\"recipe\":\"r.yaml\""), JSONRPC_PARAMS, "not uploaded");
        upload(fd, "r.yaml", 1);
        json_decref(ask(fd, CALL("run", "\"recipe\":\"r.yaml\"")));
        ck_assert_str_eq(fake.others, "");
        close(fd);
}
END_TEST

START_TEST(texts_beside_a_recipe_are_bounded)
{
        static char line[JSONRPC_LINE_MAX];
        char part[SESSION_PART_MAX + 1], name[20];
        int fd = dial();

        for (int i = 0; i < SESSION_UPLOADS_MAX; i++) {
                (void)snprintf(name, sizeof name, "r%d", i);
                upload(fd, name, 1);
        }
        refuse(fd, CALL("upload", "\"name\":\"r8\",\"offset\":0,\"text\":\"\""), JSONRPC_PARAMS, "8 texts");
        memset(part, 'a', sizeof part);
        part[SESSION_PART_MAX] = '\0';
        /* 7 x 9 bytes lie there already: the last part of 256 KiB is too much. */
        for (size_t offset = 0; offset < SESSION_UPLOAD_MAX; offset += SESSION_PART_MAX) {
                (void)snprintf(line, sizeof line,
                    CALL("upload", "\"name\":\"r0\",\"offset\":%zu,\"text\":\"%s\""), offset, part);
                if (offset + SESSION_PART_MAX < SESSION_UPLOAD_MAX)
                        json_decref(ask(fd, line));
                else
                        refuse(fd, line, JSONRPC_PARAMS, "256 KiB");
        }
        close(fd);
}
END_TEST

START_TEST(nothing_is_compiled_for_who_may_not_run)
{
        int fd;

        fake.answer = (struct effect_reply){.code = 5, .text = "run needs the role operator"};
        rig.peer.role = TOOL_ROLE_VIEWER;
        fd = dial();
        refuse(fd, CALL("upload", "\"name\":\"r\",\"offset\":0,\"text\":\"\",\"last\":true"), JSONRPC_DENIED,
            "operator");
        refuse(fd, CALL("run", "\"recipe\":\"r\""), JSONRPC_DENIED, "operator");
        ck_assert_int_eq(fake.count, 1); /* the core refuses and audits */
        ck_assert_ptr_null(fake.kept[0].recipe);
        close(fd);
        rig.peer.role = TOOL_ROLE_OPERATOR;
        fake_status.state = MACHINE_EXECUTE;
        fake.answer = (struct effect_reply){.code = 3, .text = "not in Execute"};
        fd = dial();
        upload(fd, "r", 1);
        refuse(fd, CALL("run", "\"recipe\":\"r\""), JSONRPC_REFUSED, "Execute");
        ck_assert_int_eq(fake.compiles, 0);
        close(fd);
}
END_TEST

START_TEST(an_upload_is_bounded)
{
        static char line[JSONRPC_LINE_MAX];
        char part[SESSION_PART_MAX + 2];
        int fd = dial();
        size_t offset = 0;

        memset(part, 'a', sizeof part);
        part[sizeof part - 1] = '\0';
        (void)snprintf(
            line, sizeof line, CALL("upload", "\"name\":\"r\",\"offset\":0,\"text\":\"%s\""), part);
        refuse(fd, line, JSONRPC_PARAMS, "8 KiB");
        part[SESSION_PART_MAX] = '\0';
        for (; offset < SESSION_UPLOAD_MAX; offset += SESSION_PART_MAX) {
                json_t *m;
                (void)snprintf(line, sizeof line,
                    CALL("upload", "\"name\":\"r\",\"offset\":%zu,\"text\":\"%s\""), offset, part);
                m = ask(fd, line);
                ck_assert_ptr_nonnull(json_object_get(m, "result"));
                json_decref(m);
        }
        (void)snprintf(
            line, sizeof line, CALL("upload", "\"name\":\"r\",\"offset\":%zu,\"text\":\"b\""), offset);
        refuse(fd, line, JSONRPC_PARAMS, "256 KiB");
        close(fd);
}
END_TEST

/* ---- Subscriptions ---- */

static struct record an_event(const char *text)
{
        struct record r = {.kind = RECORD_EVENT, .wall_us = INT64_C(1800000000000000)};

        (void)snprintf(r.u.event.kind, sizeof r.u.event.kind, "note");
        (void)snprintf(r.u.event.text, sizeof r.u.event.text, "%s", text);
        return r;
}

START_TEST(subscribers_get_all_once_and_then_differences)
{
        int fd = dial();
        struct record event = an_event("before");
        json_t *m, *params;

        control_event(rig.control, &event);
        m = ask(fd, CALL("subscribe", ""));
        params = json_object_get(m, "result");
        ck_assert_str_eq(at(params, "status", "state"), "Idle");
        ck_assert_uint_eq(json_object_size(json_object_get(params, "tags")), 3);
        ck_assert_str_eq(json_string_value(json_object_get(
                             json_object_get(json_object_get(params, "tags"), "chamber.pressure"), "unit")),
            "Torr");
        ck_assert_uint_eq(json_array_size(json_object_get(params, "events")), 1);
        json_decref(m);

        control_publish(rig.control); /* nothing changed: nothing is sent */
        fake_tags[0].value = 2.31;
        fake_status.cycle = 1;
        control_publish(rig.control);
        m = message_of(fd);
        params = json_object_get(m, "params");
        ck_assert_str_eq(json_string_value(json_object_get(m, "method")), "update");
        ck_assert_uint_eq(json_object_size(json_object_get(params, "status")), 1);
        ck_assert_int_eq(json_integer_value(json_object_get(json_object_get(params, "status"), "cycle")), 1);
        ck_assert_uint_eq(json_object_size(json_object_get(params, "tags")), 1);
        params = json_object_get(json_object_get(params, "tags"), "chamber.pressure");
        ck_assert_uint_eq(json_object_size(params), 1);
        ck_assert_double_eq_tol(json_real_value(json_object_get(params, "value")), 2.31, 1e-9);
        json_decref(m);

        event = an_event("after");
        control_event(rig.control, &event);
        m = message_of(fd);
        ck_assert_str_eq(json_string_value(json_object_get(m, "method")), "event");
        ck_assert_str_eq(at(m, "params", "text"), "after");
        json_decref(m);
        close(fd);
}
END_TEST

START_TEST(who_did_not_subscribe_is_told_nothing)
{
        int fd = dial();
        struct record event = an_event("x");
        json_t *m;

        control_event(rig.control, &event);
        fake_status.cycle = 1;
        control_publish(rig.control);
        m = ask(fd, CALL("status", ""));
        ck_assert_ptr_nonnull(json_object_get(m, "result"));
        json_decref(m);
        close(fd);
}
END_TEST

/* Two subscribers; one does not read. It gets fewer, larger updates; together they tell the same. */
START_TEST(updates_of_a_slow_reader_coalesce)
{
        int quick = dial(), slow = dial();
        int quick_updates = 0, slow_updates = 0;
        json_int_t last = 0;
        json_t *m, *cycle;

        json_decref(ask(quick, CALL("subscribe", "")));
        json_decref(ask(slow, CALL("subscribe", "")));
        for (int i = 0; i < 3000; i++) {
                fake_status.cycle = i + 1;
                (void)snprintf(fake_status.waiting, sizeof fake_status.waiting, "%0150d", i);
                fake_tags[0].value = i + 1;
                control_publish(rig.control);
                m = message_of(quick);
                quick_updates++;
                json_decref(m);
        }
        while (last < 3000) {
                control_publish(rig.control);
                m = message_of(slow);
                slow_updates++;
                cycle = json_object_get(json_object_get(json_object_get(m, "params"), "status"), "cycle");
                if (cycle != NULL)
                        last = json_integer_value(cycle);
                json_decref(m);
        }
        ck_assert_int_eq(quick_updates, 3000);
        ck_assert_int_lt(slow_updates, 1500);
        close(quick);
        close(slow);
}
END_TEST

START_TEST(a_deaf_subscriber_is_dropped_in_a_flood_of_events)
{
        int fd = dial();
        struct record event =
            an_event("0123456789012345678901234567890123456789012345678901234567890123456789");
        char *line, *last = NULL;

        json_decref(ask(fd, CALL("subscribe", "")));
        for (int i = 0; i < 10000; i++)
                control_event(rig.control, &event);
        while ((line = line_of(fd)) != NULL) {
                free(last);
                last = line;
        }
        ck_assert_ptr_nonnull(strstr(last, "too slowly"));
        free(last);
        close(fd);
        expect_alive();
}
END_TEST

/* ---- The socket's file ---- */

START_TEST(a_live_daemon_is_not_displaced)
{
        struct listen_socket s;
        char why[200];

        ck_assert_int_eq(listen_open(&s, rig.path, why, sizeof why), -1);
        ck_assert_ptr_nonnull(strstr(why, "another daemon"));
        expect_alive();
}
END_TEST

START_TEST(a_dead_daemons_socket_is_taken_over)
{
        struct listen_socket dead, s;
        char why[200], path[120];

        (void)snprintf(path, sizeof path, "%s/dead.sock", rig.dir);
        ck_assert_int_eq(listen_open(&dead, path, why, sizeof why), 0);
        close(dead.fd); /* as kill -9 leaves it */
        ck_assert_msg(listen_open(&s, path, why, sizeof why) == 0, "%s", why);
        listen_close(&s);
        ck_assert_int_ne(access(path, F_OK), 0);
}
END_TEST

START_TEST(other_files_are_left_alone)
{
        struct listen_socket s;
        char why[200], path[120];
        int fd;

        (void)snprintf(path, sizeof path, "%s/file", rig.dir);
        fd = open(path, O_CREAT | O_WRONLY, 0600);
        close(fd);
        ck_assert_int_eq(listen_open(&s, path, why, sizeof why), -1);
        ck_assert_ptr_nonnull(strstr(why, "not a socket"));
        ck_assert_int_eq(unlink(path), 0);
        memset(path, 'a', sizeof path - 1);
        path[0] = '/';
        path[sizeof path - 1] = '\0';
        ck_assert_int_eq(listen_open(&s, path, why, sizeof why), -1);
        ck_assert_ptr_nonnull(strstr(why, "107 bytes"));
        ck_assert_int_eq(listen_open(&s, "/nonexistent/x.sock", why, sizeof why), -1);
        ck_assert_ptr_nonnull(strstr(why, "folder"));
}
END_TEST

/* ---- Roles ---- */

START_TEST(roles_come_from_user_and_groups)
{
        const struct peer_rules rules = {.own_uid = 500,
            .count = 4,
            .rule = {{true, 30, TOOL_ROLE_OPERATOR}, {true, 31, TOOL_ROLE_VIEWER},
                {false, 1001, TOOL_ROLE_ENGINEER}, {false, 30, TOOL_ROLE_VIEWER}}};
        const gid_t none[] = {100}, viewer[] = {100, 31}, both[] = {31, 30};

        ck_assert_int_eq(peer_role(&rules, 0, none, 1), TOOL_ROLE_ENGINEER);
        ck_assert_int_eq(peer_role(&rules, 500, none, 1), TOOL_ROLE_ENGINEER);
        ck_assert_int_eq(peer_role(&rules, 1000, none, 1), TOOL_ROLE_NONE);
        ck_assert_int_eq(peer_role(&rules, 1000, viewer, 2), TOOL_ROLE_VIEWER);
        ck_assert_int_eq(peer_role(&rules, 1000, both, 2), TOOL_ROLE_OPERATOR);
        ck_assert_int_eq(peer_role(&rules, 1001, none, 1), TOOL_ROLE_ENGINEER);
        ck_assert_int_eq(
            peer_role(&rules, 30, none, 1), TOOL_ROLE_VIEWER); /* a user's number is no group's */
}
END_TEST

START_TEST(the_kernel_tells_who_calls)
{
        struct peer_rules rules;
        struct peer peer;
        int pair[2];

        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
        peer_resolve(&rules, rig.tool);
        ck_assert(peer_identify(&rules, pair[0], &peer));
        ck_assert_uint_eq(peer.uid, geteuid());
        ck_assert_int_eq(peer.role, TOOL_ROLE_ENGINEER);
        ck_assert_str_ne(peer.user, "");
        peer_forget(&rules);
        close(pair[0]);
        close(pair[1]);
}
END_TEST

static void add_tests(TCase *tc)
{
        tcase_add_test(tc, hello_tells_who_and_what);
        tcase_add_test(tc, strangers_are_turned_away_with_a_reason);
        tcase_add_test(tc, questions_are_answered);
        tcase_add_test(tc, the_outlook_is_told);
        tcase_add_test(tc, bad_lines_earn_an_error_and_change_nothing);
        tcase_add_test(tc, params_errors_name_argument_and_expectation);
        tcase_add_test(tc, arguments_become_tags_values_and_times);
        tcase_add_test(tc, inputs_are_named_by_engineers);
        tcase_add_test(tc, nonsense_is_told_and_audited);
        tcase_add_test(tc, nonsense_of_a_viewer_is_refused_by_the_core);
        tcase_add_test(tc, half_a_line_does_nothing);
        tcase_add_test(tc, a_line_in_single_bytes_is_a_line);
        tcase_add_test(tc, a_command_counts_though_its_sender_left);
        tcase_add_test(tc, a_sender_that_finished_gets_its_answer);
        tcase_add_test(tc, a_huge_line_ends_the_connection);
        tcase_add_test(tc, deep_nesting_ends_the_connection);
        tcase_add_test(tc, a_slow_reader_is_dropped_with_a_reason);
        tcase_add_test(tc, abort_passes_a_flood_of_another_client);
        tcase_add_test(tc, thirty_two_clients_eight_of_one_user);
        tcase_add_test(tc, commands_carry_who_and_what);
        tcase_add_test(tc, a_shelving_carries_how_long_and_why);
        tcase_add_test(tc, alarms_come_by_priority_then_by_time);
        tcase_add_test(tc, a_refusal_explains_itself);
        tcase_add_test(tc, answers_find_their_question);
        tcase_add_test(tc, unanswered_commands_are_bounded_but_never_abort);
        tcase_add_test(tc, a_request_without_id_is_done_in_silence);
        tcase_add_test(tc, a_recipe_goes_up_in_parts_and_runs);
        tcase_add_test(tc, a_run_that_goes_on_with_another);
        tcase_add_loop_test(tc, what_a_run_goes_on_with_is_told_whole, 0, 13);
        tcase_add_test(tc, diagnostics_come_back);
        tcase_add_test(tc, only_a_whole_upload_of_that_name_runs);
        tcase_add_test(tc, texts_go_up_beside_a_recipe);
        tcase_add_test(tc, texts_beside_a_recipe_are_bounded);
        tcase_add_test(tc, nothing_is_compiled_for_who_may_not_run);
        tcase_add_test(tc, an_upload_is_bounded);
        tcase_add_test(tc, subscribers_get_all_once_and_then_differences);
        tcase_add_test(tc, who_did_not_subscribe_is_told_nothing);
        tcase_add_test(tc, updates_of_a_slow_reader_coalesce);
        tcase_add_test(tc, a_deaf_subscriber_is_dropped_in_a_flood_of_events);
        tcase_add_test(tc, a_live_daemon_is_not_displaced);
        tcase_add_test(tc, a_dead_daemons_socket_is_taken_over);
        tcase_add_test(tc, other_files_are_left_alone);
        tcase_add_test(tc, roles_come_from_user_and_groups);
        tcase_add_test(tc, the_kernel_tells_who_calls);
}

int main(void)
{
        Suite *suite = suite_create("control");
        TCase *tc = tcase_create("socket");

        tcase_set_timeout(tc, 60);
        tcase_add_checked_fixture(tc, set_up, tear_down);
        add_tests(tc);
        suite_add_tcase(suite, tc);
        return suite_main(suite);
}
