/* One connection against a peer that takes it and never answers. */

#include "suite.h"

#include "ald/base/time.h" /* TIME_MS */
#include "ald/bus/bus.h"   /* bus_now_us */
#include "ald/bus/wire.h"  /* wire_do */

#include <arpa/inet.h>  /* htonl */
#include <errno.h>      /* ECONNRESET */
#include <netinet/in.h> /* struct sockaddr_in */
#include <sys/socket.h> /* socket */
#include <unistd.h>     /* close */

static int listener, peer;
static struct wire *wire;

static struct sched_result act(struct sched_action a, int64_t within_us)
{
        struct sched_result r = {.outcome = SCHED_OK};

        a.limit_us = bus_now_us() + within_us;
        wire_do(wire, &a, &r);
        return r;
}

static void setup(void)
{
        struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        struct tool_link link = {.kind = TOOL_LINK_TCP, .host = "127.0.0.1"};
        socklen_t len = sizeof at;
        const char *why = "";

        int tiny = 1;

        listener = socket(AF_INET, SOCK_STREAM, 0);
        ck_assert_int_eq(setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &tiny, sizeof tiny), 0);
        ck_assert_int_eq(bind(listener, (struct sockaddr *)&at, sizeof at), 0);
        ck_assert_int_eq(listen(listener, 1), 0);
        ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&at, &len), 0);
        link.port = ntohs(at.sin_port);
        wire = wire_new(&link, &why);
        ck_assert_ptr_nonnull(wire);
        ck_assert_int_eq(act((struct sched_action){.kind = SCHED_CONNECT}, 2 * TIME_S).outcome, SCHED_OK);
        peer = accept(listener, NULL, NULL);
        ck_assert_int_ge(peer, 0);
}

static void teardown(void)
{
        wire_free(wire);
        close(peer);
        close(listener);
}

/* What an orderly close would leave to the kernel to deliver later is given up: an open that was abandoned must not
 * reach the device after its close did. The peer's full window stands for a lost packet. */
START_TEST(a_connection_given_up_delivers_nothing_later)
{
        struct sched_action open = {
            .kind = SCHED_WRITE, .slave_id = 1, .reg = TOOL_COIL, .count = 1, .words = {1}};
        long sent = 0, got = 0;
        char bytes[4096];
        ssize_t n;

        for (int i = 0; i < 2000 && act(open, 100).outcome == SCHED_TIMEOUT; i++)
                sent += 12;
        act((struct sched_action){.kind = SCHED_CLOSE}, TIME_S);
        while ((n = recv(peer, bytes, sizeof bytes, 0)) > 0)
                got += n;
        ck_assert_msg(n == -1 && errno == ECONNRESET, "the connection ended in order");
        ck_assert_msg(
            got < sent, "%ld of %ld bytes came, most of them after the connection was given up", got, sent);
}
END_TEST

START_TEST(a_silent_peer_costs_no_more_than_the_limit)
{
        struct sched_action read = {
            .kind = SCHED_READ, .slave_id = 1, .reg = TOOL_HOLDING, .address = 7, .count = 2};
        int64_t begun_us = bus_now_us();

        ck_assert_int_eq(act(read, 100 * TIME_MS).outcome, SCHED_TIMEOUT);
        ck_assert_int_ge(bus_now_us() - begun_us, 100 * TIME_MS);
        ck_assert_int_lt(bus_now_us() - begun_us, TIME_S);
}
END_TEST

int main(void)
{
        const TTest *const tests[] = {
            a_connection_given_up_delivers_nothing_later, a_silent_peer_costs_no_more_than_the_limit};
        Suite *suite = suite_create("wire");
        TCase *tc = tcase_create("wire");

        tcase_add_checked_fixture(tc, setup, teardown);
        for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++)
                tcase_add_test(tc, tests[i]);
        suite_add_tcase(suite, tc);
        return suite_main(suite);
}
