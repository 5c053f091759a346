/* A serial line on a pseudo-terminal: what the wire makes of a peer that answers well, late, in drips, in part, with more
 * behind, as another unit, about something else or with a wrong checksum (SAFETY, traps 1, 2, 5; Q3); and the simulated
 * tool's end. */

#include "link_tool.h" /* link_tool_tag */
#include "suite.h"

#include "ald/base/time.h"         /* TIME_MS */
#include "ald/bus/bus.h"           /* bus_now_us */
#include "ald/bus/frame.h"         /* frame_seal_rtu */
#include "ald/bus/serial_server.h" /* serial_server_start */
#include "ald/bus/wire.h"          /* wire_do */

#include <fcntl.h>     /* O_RDWR */
#include <poll.h>      /* poll */
#include <pthread.h>   /* pthread_create */
#include <stdatomic.h> /* _Atomic */
#include <stdlib.h>    /* posix_openpt */
#include <sys/stat.h>  /* lstat */
#include <unistd.h>    /* write */

/* What is to be answered has long enough on any machine; what is not is not waited for. */
enum { PATIENCE_MS = 3000, WITHIN_MS = 150 };

static struct tool_link line = {.name = "line",
    .kind = TOOL_LINK_RTU,
    .baud = 115200,
    .parity = 'E',
    .stop_bits = 1,
    .timeout_us = WITHIN_MS * TIME_MS};
static struct wire *wire;
static int peer;

/* What the peer does with the next request. */
static struct {
        pthread_t thread;
        uint8_t asked[8];
        uint8_t reply[300];
        int len;
        int64_t after_us, step_us;
} script;

static void pause_us(int64_t us)
{
        const struct timespec ts = {.tv_sec = us / TIME_S, .tv_nsec = us % TIME_S * 1000};
        nanosleep(&ts, NULL);
}

static void *play(void *arg)
{
        int got = 0;
        while (got < 8) {
                ssize_t n = read(peer, script.asked + got, (size_t)(8 - got));
                if (n <= 0)
                        return arg;
                got += (int)n;
        }
        if (script.after_us > 0)
                pause_us(script.after_us);
        for (int i = 0; i<script.len; i += script.step_us> 0 ? 1 : script.len) {
                ssize_t n = write(peer, script.reply + i, (size_t)(script.step_us > 0 ? 1 : script.len));
                ck_assert_int_gt(n, 0);
                if (script.step_us > 0)
                        pause_us(script.step_us);
        }
        return arg;
}

static struct sched_result act_within(struct sched_action a, int ms)
{
        struct sched_result r = {.outcome = SCHED_OK};
        a.limit_us = bus_now_us() + ms * TIME_MS;
        wire_do(wire, &a, &r);
        return r;
}

static struct sched_result act(struct sched_action a)
{
        return act_within(a, PATIENCE_MS);
}

static const struct sched_action
    connect_line = {.kind = SCHED_CONNECT},
    close_line = {.kind = SCHED_CLOSE},
    read_two = {.kind = SCHED_READ, .slave_id = 0x11, .reg = TOOL_HOLDING, .address = 0x6B, .count = 2},
    open_coil = {
        .kind = SCHED_WRITE, .slave_id = 0x11, .reg = TOOL_COIL, .address = 0xAC, .count = 1, .words = {1}};

/* The reply without its checksum. */
#define BYTES(...) (const uint8_t[]){__VA_ARGS__}, (int)sizeof((const uint8_t[]){__VA_ARGS__})
static const uint8_t two[] = {0x11, 3, 4, 0x02, 0x2B, 0, 0x64};

static void say(const uint8_t *reply, int len)
{
        memset(&script, 0, sizeof script);
        memcpy(script.reply, reply, (size_t)len);
        script.len = frame_seal_rtu(script.reply, len);
}

static struct sched_result call_within(struct sched_action a, int ms)
{
        ck_assert_int_eq(pthread_create(&script.thread, NULL, play, NULL), 0);
        struct sched_result r = act_within(a, ms);
        pthread_join(script.thread, NULL);
        return r;
}

static struct sched_result call(struct sched_action a)
{
        return call_within(a, PATIENCE_MS);
}

static void setup(void)
{
        const char *why = "";
        peer = posix_openpt(O_RDWR | O_NOCTTY);
        ck_assert(peer >= 0 && grantpt(peer) == 0 && unlockpt(peer) == 0);
        ck_assert_int_eq(ptsname_r(peer, line.path, sizeof line.path), 0);
        wire = wire_new(&line, &why);
        ck_assert_msg(wire != NULL, "%s", why);
        ck_assert_int_eq(act(connect_line).outcome, SCHED_OK);
}

static void teardown(void)
{
        wire_free(wire);
        if (peer >= 0)
                close(peer);
}

START_TEST(a_read_and_a_write)
{
        /* Modbus over Serial Line V1.02, 6.2: the checksum's low byte comes first. */
        static const uint8_t asked[] = {0x11, 3, 0, 0x6B, 0, 2, 0xB7, 0x47};
        say(two, sizeof two);
        struct sched_result r = call(read_two);
        ck_assert_msg(r.outcome == SCHED_OK, "%d %s", r.outcome, r.text);
        ck_assert_int_eq(r.words[0], 555);
        ck_assert_int_eq(r.words[1], 100);
        ck_assert_mem_eq(script.asked, asked, sizeof asked);
        say(BYTES(0x11, 5, 0, 0xAC, 0xFF, 0));
        ck_assert_int_eq(call(open_coil).outcome, SCHED_OK);
        say(BYTES(0x11, 0x83, 2));
        r = call(read_two);
        ck_assert_int_eq(r.outcome, SCHED_EXCEPTION);
        ck_assert_int_eq(r.exception, 2);
}
END_TEST

START_TEST(bad_frames)
{
        static const struct {
                const char *what;
                uint8_t byte[8];
                int len;
        } bad[] = {{"another unit", {0x12, 3, 4, 0, 1, 0, 2}, 7},
            {"another function", {0x11, 4, 4, 0, 1, 0, 2}, 7}, {"fewer registers", {0x11, 3, 2, 0, 1}, 5},
            {"an odd count", {0x11, 3, 3, 0, 1, 0}, 6}, {"another's exception", {0x11, 0x84, 2}, 3},
            {"an echo", {0x11, 6, 0, 0x6B, 0, 2}, 6}};
        for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
                say(bad[i].byte, bad[i].len);
                ck_assert_msg(call(read_two).outcome == SCHED_BAD_FRAME, "%s", bad[i].what);
        }
        say(two, sizeof two);
        script.reply[script.len - 1] ^= 1;
        ck_assert_int_eq(call(read_two).outcome, SCHED_BAD_FRAME);
        say(BYTES(0x11, 5, 0, 0xAC, 0, 0)); /* the opposite edge */
        ck_assert_int_eq(call(open_coil).outcome, SCHED_BAD_FRAME);
        say(two, sizeof two);
        ck_assert_int_eq(call(read_two).outcome, SCHED_OK); /* nothing is left of them */
}
END_TEST

START_TEST(a_truncated_or_dripped_reply_costs_no_more_than_the_limit)
{
        say(two, sizeof two);
        script.len -= 1;
        int64_t begun_us = bus_now_us();
        ck_assert_int_eq(call_within(read_two, WITHIN_MS).outcome, SCHED_TIMEOUT);
        ck_assert_int_ge(bus_now_us() - begun_us, WITHIN_MS * TIME_MS);
        /* Each byte comes well within the time-out, the whole does not. */
        struct sched_action drained = read_two;
        drained.drains = true;
        say(two, sizeof two);
        script.step_us = WITHIN_MS * TIME_MS / 2;
        struct sched_result r = call_within(drained, WITHIN_MS);
        ck_assert_int_eq(r.outcome, SCHED_TIMEOUT);
        ck_assert_int_lt(r.done_us - r.sent_us, PATIENCE_MS * TIME_MS);
}
END_TEST

START_TEST(a_late_reply_answers_nothing)
{
        const char *why = "";
        say(two, sizeof two);
        script.after_us = 4 * WITHIN_MS * TIME_MS;
        ck_assert_int_eq(call_within(read_two, WITHIN_MS).outcome, SCHED_TIMEOUT);
        /* It lies there now: nothing is asked behind it. */
        say(BYTES(0x11, 3, 4, 9, 9, 9, 9));
        struct sched_result r = act(read_two);
        ck_assert_int_eq(r.outcome, SCHED_BAD_FRAME);
        ck_assert_int_lt(r.done_us - r.sent_us, PATIENCE_MS * TIME_MS);
        ck_assert_int_eq(poll(&(struct pollfd){.fd = peer, .events = POLLIN}, 1, 0), 0);
        /* Late again, and drained. */
        say(two, sizeof two);
        script.after_us = 4 * WITHIN_MS * TIME_MS;
        ck_assert_int_eq(call_within(read_two, WITHIN_MS).outcome, SCHED_TIMEOUT);
        struct sched_action drained = read_two;
        drained.drains = true;
        say(BYTES(0x11, 3, 4, 0, 7, 0, 8));
        r = call(drained);
        ck_assert_msg(r.outcome == SCHED_OK, "%s", r.text);
        ck_assert_int_eq(r.words[0], 7);
        ck_assert_int_eq(wire_check(wire, &why), WIRE_IDLE);
}
END_TEST

START_TEST(what_is_glued_behind_is_found)
{
        const char *why = "";
        say(two, sizeof two);
        memcpy(script.reply + script.len, script.reply, (size_t)script.len);
        script.len *= 2;
        ck_assert_int_eq(call(read_two).outcome, SCHED_OK);
        ck_assert_int_eq(wire_check(wire, &why), WIRE_STRAY);
        ck_assert_int_eq(wire_check(wire, &why), WIRE_IDLE);
}
END_TEST

START_TEST(a_close_is_sent_on_a_line_that_is_not_silent)
{
        struct sched_action close_coil = open_coil;
        uint8_t noise[64] = {0};
        close_coil.words[0] = 0;
        close_coil.drains = true;
        ck_assert_int_gt(write(peer, noise, sizeof noise), 0);
        say(BYTES(0x11, 5, 0, 0xAC, 0, 0));
        ck_assert_int_eq(call(close_coil).outcome, SCHED_OK);
}
END_TEST

START_TEST(the_line_is_ours_alone)
{
        const char *why = "";
        struct sched_action a = connect_line;
        struct sched_result r;
        struct wire *other = wire_new(&line, &why);
        ck_assert_ptr_nonnull(other);
        a.limit_us = bus_now_us() + PATIENCE_MS * TIME_MS;
        wire_do(other, &a, &r);
        ck_assert_int_eq(r.outcome, SCHED_CLOSED);
        ck_assert_ptr_nonnull(strstr(r.text, "busy"));
        act(close_line);
        a.limit_us = bus_now_us() + PATIENCE_MS * TIME_MS;
        wire_do(other, &a, &r);
        ck_assert_msg(r.outcome == SCHED_OK, "%s", r.text);
        wire_free(other);
}
END_TEST

START_TEST(a_line_that_vanishes_is_lost)
{
        const char *why = "";
        close(peer);
        peer = -1;
        ck_assert_int_eq(wire_check(wire, &why), WIRE_LOST);
        ck_assert_int_eq(act(read_two).outcome, SCHED_CLOSED);
        act(close_line);
        ck_assert_int_eq(act(connect_line).outcome, SCHED_CLOSED);
        line.baud = 12345;
        ck_assert_ptr_null(wire_new(&line, &why));
        ck_assert_ptr_nonnull(strstr(why, "baud"));
        line.baud = 115200;
}
END_TEST

/* ---- The simulated tool's end ---- */

static struct tool *tool;
static struct serial_server *server;
/* Shared with the server's thread. */
static _Atomic double values[TOOL_TAGS_MAX];
static _Atomic int64_t delay_us;

static int read_value(void *ctx, int tag, double *value)
{
        (void)ctx;
        *value = values[tag];
        return 0;
}

static int write_value(void *ctx, int tag, double value)
{
        (void)ctx;
        values[tag] = value;
        return 0;
}

static int64_t delay(void *ctx, int device, bool is_write)
{
        (void)ctx;
        (void)is_write;
        return device == DEV_PLANT ? delay_us : 0;
}

static const struct server_tool behind = {.read = read_value, .write = write_value, .reply_delay = delay};

static void setup_server(void)
{
        char why[200];
        const char *unused;
        tool = link_tool_new();
        tool->devices[DEV_PLANT].signature = (struct tool_signature){true, TOOL_INPUT, 3, 4711};
        for (int i = 0; i < 2; i++) {
                tool->links[i] = line;
                snprintf(tool->links[i].path, sizeof tool->links[i].path, "/dev/ald-line");
        }
        delay_us = 0;
        server = serial_server_start(tool, &behind, NULL, why, sizeof why);
        ck_assert_msg(server != NULL, "%s", why);
        ck_assert_str_eq(serial_server_path(server, 0), serial_server_path(server, 1));
        snprintf(line.path, sizeof line.path, "%s", serial_server_path(server, 0));
        wire = wire_new(&line, &unused);
        ck_assert_int_eq(act(connect_line).outcome, SCHED_OK);
        peer = -1;
}

static void teardown_server(void)
{
        serial_server_stop(server);
        wire_free(wire);
        free(tool);
}

static struct sched_action speed_of(int unit)
{
        return (struct sched_action){
            .kind = SCHED_READ, .slave_id = unit, .reg = TOOL_INPUT, .address = 2, .count = 1};
}

START_TEST(several_units_are_served)
{
        struct sched_action coil = {
            .kind = SCHED_WRITE, .slave_id = 1, .reg = TOOL_COIL, .address = 1, .count = 1, .words = {1}};
        values[TAG_SPEED] = 3;
        ck_assert_int_eq(act(speed_of(2)).words[0], 300);
        ck_assert_int_eq(act(coil).outcome, SCHED_OK);
        ck_assert_int_eq((int)values[TAG_WATER], 1);
        ck_assert_int_eq(act(speed_of(1)).exception, 2); /* it has no such register */
        ck_assert_int_eq(act_within(speed_of(9), WITHIN_MS).outcome, SCHED_TIMEOUT); /* nobody there */
        /* A signature stands there as if it were a tag. */
        struct sched_action sign = speed_of(2);
        sign.address = 3;
        ck_assert_int_eq(act(sign).words[0], 4711);
        sign.address = 4;
        ck_assert_int_eq(act(sign).exception, 2);
        delay_us = -1;
        ck_assert_int_eq(act_within(speed_of(2), WITHIN_MS).outcome, SCHED_TIMEOUT);
        delay_us = 4 * WITHIN_MS * TIME_MS;
        ck_assert_int_eq(act_within(speed_of(2), WITHIN_MS).outcome, SCHED_TIMEOUT);
        /* It comes, and belongs to nobody any more. */
        const char *why = "";
        ck_assert_int_eq(poll(&(struct pollfd){.fd = wire_fd(wire), .events = POLLIN}, 1, 5000), 1);
        ck_assert_int_eq(wire_check(wire, &why), WIRE_STRAY);
}
END_TEST

START_TEST(a_bad_checksum_is_not_answered)
{
        uint8_t frame[FRAME_MAX];
        struct sched_action a = speed_of(2);
        int fd = wire_fd(wire), len = frame_seal_rtu(frame, frame_request_rtu(&a, frame));
        struct pollfd p = {.fd = fd, .events = POLLIN};
        frame[len - 1] ^= 1;
        ck_assert_int_eq(write(fd, frame, (size_t)len), len);
        ck_assert_int_eq(poll(&p, 1, 100), 0);
        /* What is left of a frame after a silence is no part of the next. */
        ck_assert_int_eq(write(fd, frame, 3), 3);
        ck_assert_int_eq(poll(&p, 1, 100), 0);
        /* (A server that was held up meanwhile saw no silence, and throws the first request away with them.) */
        struct sched_result r = act_within(a, 500);
        ck_assert_int_eq(r.outcome == SCHED_OK ? SCHED_OK : act(a).outcome, SCHED_OK);
}
END_TEST

START_TEST(a_line_has_a_name_of_its_own)
{
        char folder[] = "/tmp/ald-serial-XXXXXX", path[64], to[64], why[400];
        const char *at[TOOL_LINKS_MAX] = {path, NULL};
        struct serial_server *other;
        struct stat st;
        ck_assert_ptr_nonnull(mkdtemp(folder));
        snprintf(path, sizeof path, "%s/line", folder);
        ck_assert_int_eq(symlink("/dev/pts/9999", path), 0); /* left by one that was killed */
        other = serial_server_start(tool, &behind, at, why, sizeof why);
        ck_assert_msg(other != NULL, "%s", why);
        ck_assert_str_eq(serial_server_path(other, 0), path);
        ck_assert_int_gt(readlink(path, to, sizeof to), 9);
        ck_assert_int_eq(strncmp(to, "/dev/pts/", 9), 0);
        serial_server_stop(other);
        ck_assert_int_ne(lstat(path, &st), 0);
        /* Whatever else stands there stays. */
        close(open(path, O_CREAT | O_WRONLY, 0600));
        ck_assert_ptr_null(serial_server_start(tool, &behind, at, why, sizeof why));
        ck_assert_ptr_nonnull(strstr(why, path));
        ck_assert_int_eq(unlink(path), 0);
        ck_assert_int_eq(symlink("/etc/hostname", path), 0);
        ck_assert_ptr_null(serial_server_start(tool, &behind, at, why, sizeof why));
        unlink(path);
        rmdir(folder);
}
END_TEST

START_TEST(a_line_may_be_closed_and_opened_again)
{
        for (int i = 0; i < 3; i++) {
                act(close_line);
                pause_us(50 * TIME_MS); /* long enough for the server to see that nobody is there */
                ck_assert_int_eq(act(connect_line).outcome, SCHED_OK);
                struct sched_result r = act(speed_of(2));
                ck_assert_msg(r.outcome == SCHED_OK, "%d: %s", i, r.text);
        }
}
END_TEST

int main(void)
{
        const TTest *const of_wire[] = {a_read_and_a_write, bad_frames,
            a_truncated_or_dripped_reply_costs_no_more_than_the_limit, a_late_reply_answers_nothing,
            what_is_glued_behind_is_found, a_close_is_sent_on_a_line_that_is_not_silent,
            the_line_is_ours_alone, a_line_that_vanishes_is_lost};
        const TTest *const of_server[] = {several_units_are_served, a_bad_checksum_is_not_answered,
            a_line_has_a_name_of_its_own, a_line_may_be_closed_and_opened_again};
        Suite *suite = suite_create("serial");
        TCase *tc = tcase_create("wire"), *ts = tcase_create("server");

        tcase_add_checked_fixture(tc, setup, teardown);
        tcase_add_checked_fixture(ts, setup_server, teardown_server);
        for (size_t i = 0; i < sizeof of_wire / sizeof of_wire[0]; i++)
                tcase_add_test(tc, of_wire[i]);
        for (size_t i = 0; i < sizeof of_server / sizeof of_server[0]; i++)
                tcase_add_test(ts, of_server[i]);
        suite_add_tcase(suite, tc);
        suite_add_tcase(suite, ts);
        return suite_main(suite);
}
