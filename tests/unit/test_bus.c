/* The bus over loopback: our workers against our server, and both against raw sockets that misbehave. */
#include "ald/base/time.h"
#include "ald/bus/bus.h"
#include "ald/bus/server.h"
#include "link_tool.h"
#include "suite.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EDGES = 64, EVENTS = 2000 };
#define NO_DELAY INT64_C(0)

/* What stands behind the server, shared with its thread. */
static struct plant {
        pthread_mutex_t lock;
        double value[TOOL_TAGS_MAX];
        uint16_t dog[16]; /* registers 0x1000... */
        int reads, writes;
        struct {
                int64_t at_us;
                int tag;
                bool on;
        } edge[EDGES];
        int edges;
        bool is_opening;               /* the server's thread only */
        _Atomic int64_t next_delay_us; /* of the reply to the next write; -1, -2 as the server's */
        _Atomic int64_t open_delay_us; /* of replies to writes that open a valve */
        _Atomic int64_t read_delay_us; /* of replies to reads of the plant module */
        _Atomic int slow_reads;        /* whose replies are delayed */
} plant;

static struct tool *tool;
static struct server *server;
static struct bus *bus;
static struct event events[EVENTS];
static int event_count;
static bool core_lives;

/* ---- The plant ---- */

static int plant_read(void *ctx, int tag, double *value)
{
        struct plant *p = ctx;
        pthread_mutex_lock(&p->lock);
        p->reads++;
        *value = p->value[tag];
        pthread_mutex_unlock(&p->lock);
        return 0;
}

static int plant_write(void *ctx, int tag, double value)
{
        struct plant *p = ctx;
        pthread_mutex_lock(&p->lock);
        p->writes++;
        if (tag <= TAG_WATER && p->value[tag] != value && p->edges < EDGES) {
                p->edge[p->edges].at_us = bus_now_us();
                p->edge[p->edges].tag = tag;
                p->edge[p->edges++].on = value != 0;
        }
        p->is_opening = tag <= TAG_WATER && value != 0;
        p->value[tag] = value;
        pthread_mutex_unlock(&p->lock);
        return 0;
}

static int dog_read(void *ctx, int device, int address, uint16_t *word)
{
        struct plant *p = ctx;
        (void)device;
        pthread_mutex_lock(&p->lock);
        *word = p->dog[address - 0x1000];
        pthread_mutex_unlock(&p->lock);
        return 0;
}

static int dog_write(void *ctx, int device, int address, uint16_t word)
{
        struct plant *p = ctx;
        (void)device;
        pthread_mutex_lock(&p->lock);
        p->is_opening = false;
        p->dog[address - 0x1000] = word;
        if (address == 0x1003)
                p->dog[6] = TOOL_WATCHDOG_RUNNING;
        pthread_mutex_unlock(&p->lock);
        return 0;
}

static int64_t plant_delay(void *ctx, int device, bool is_write)
{
        struct plant *p = ctx;
        if (!is_write) {
                int64_t us = device == DEV_PLANT ? atomic_load(&p->read_delay_us) : NO_DELAY;
                atomic_fetch_add(&p->slow_reads, us != NO_DELAY);
                return us;
        }
        if (p->is_opening)
                return atomic_load(&p->open_delay_us);
        return atomic_exchange(&p->next_delay_us, NO_DELAY);
}

static void start_server(const char *at)
{
        static const struct server_tool behind = {.ctx = &plant,
            .read = plant_read,
            .write = plant_write,
            .read_watchdog = dog_read,
            .write_watchdog = dog_write,
            .reply_delay = plant_delay};
        char why[200] = "";
        server = server_start(tool, &behind, at, why, sizeof why);
        ck_assert_msg(server, "%s", why);
}

/* Every thread of a test keeps its time as the daemon's links do, whatever else the machine is at; where that is not allowed, as
 * well as it can. */
static void keep_time(void)
{
        const struct sched_param lowest = {.sched_priority = 1};
        (void)sched_setscheduler(0, SCHED_FIFO, &lowest); /* threads inherit it */
}

static void set_up(void)
{
        keep_time();
        memset(&plant, 0, sizeof plant);
        pthread_mutex_init(&plant.lock, NULL);
        tool = link_tool_new();
        event_count = 0;
        core_lives = true;
        start_server("127.0.0.1:0");
        for (int i = 0; i < tool->link_count; i++)
                tool->links[i].port = server_port(server, i);
}

static void tear_down(void)
{
        bus_stop(bus);
        bus = NULL;
        server_stop(server);
        server = NULL;
        free(tool);
        pthread_mutex_destroy(&plant.lock);
}

/* The plant as seen from the test's thread. */
static void show(int tag, double value)
{
        pthread_mutex_lock(&plant.lock);
        plant.value[tag] = value;
        pthread_mutex_unlock(&plant.lock);
}

static double shown(int tag)
{
        pthread_mutex_lock(&plant.lock);
        double value = plant.value[tag];
        pthread_mutex_unlock(&plant.lock);
        return value;
}

static int dog_word(int i)
{
        pthread_mutex_lock(&plant.lock);
        int word = plant.dog[i];
        pthread_mutex_unlock(&plant.lock);
        return word;
}

static int count_reads(void)
{
        pthread_mutex_lock(&plant.lock);
        int n = plant.reads;
        pthread_mutex_unlock(&plant.lock);
        return n;
}

/* ---- The core's side ---- */

static void start_bus(void)
{
        const char *why = "";
        bus = bus_start(tool, &why);
        ck_assert_msg(bus, "%s", why);
}

static void turn(void)
{
        uint64_t count;
        struct pollfd p = {.fd = bus_fd(bus), .events = POLLIN};
        if (core_lives)
                bus_feed(bus, bus_now_us());
        if (poll(&p, 1, 5) > 0)
                ck_assert_int_eq(read(bus_fd(bus), &count, sizeof count), (ssize_t)sizeof count);
        while (event_count < EVENTS && bus_next(bus, &events[event_count]))
                event_count++;
}

static void run_for(int64_t us)
{
        int64_t end = bus_now_us() + us;
        while (bus_now_us() < end)
                turn();
}

static const struct event *find(enum event_kind kind, uint32_t id)
{
        for (int i = event_count - 1; i >= 0; i--) {
                const struct event *e = &events[i];
                if (e->kind == kind && (kind == EVENT_WROTE      ? e->u.wrote.id == id
                                           : kind == EVENT_PULSE ? e->u.pulse.id == id
                                           : kind == EVENT_LINK  ? (uint32_t)e->u.link.link == id
                                                                 : true))
                        return e;
        }
        return NULL;
}

static const struct event *await(enum event_kind kind, uint32_t id)
{
        int64_t end = bus_now_us() + 10 * TIME_S;
        while (!find(kind, id)) {
                ck_assert_msg(bus_now_us() < end, "event %d of %u did not come", kind, id);
                turn();
        }
        return find(kind, id);
}

static const struct sample *newest(int tag)
{
        for (int i = event_count - 1; i >= 0; i--)
                for (int k = 0; events[i].kind == EVENT_SAMPLES && k < events[i].u.samples.count; k++)
                        if (events[i].u.samples.item[k].tag == tag)
                                return &events[i].u.samples.item[k];
        return NULL;
}

static void await_value(int tag, double value)
{
        int64_t end = bus_now_us() + 10 * TIME_S;
        while (!newest(tag) || newest(tag)->quality != QUALITY_GOOD || newest(tag)->value != value) {
                ck_assert_msg(bus_now_us() < end, "%s did not become %g", tool->tags[tag].name, value);
                if (event_count > EVENTS - 200)
                        event_count = 0;
                turn();
        }
}

static void write_tag(uint32_t id, int tag, double value)
{
        struct effect_write w = {.id = id, .tag = (int16_t)tag, .cause = CAUSE_STEP, .value = value};
        bus_write(bus, &w);
}

static void arm(void)
{
        write_tag(901, TAG_NB, 0);
        write_tag(902, TAG_WATER, 0);
        await(EVENT_WROTE, 901);
        await(EVENT_WROTE, 902);
        while (dog_word(6) != TOOL_WATCHDOG_RUNNING || !find(EVENT_WATCHDOG, 0))
                turn();
        run_for(20000);
        pthread_mutex_lock(&plant.lock);
        plant.edges = 0;
        pthread_mutex_unlock(&plant.lock);
}

static void bring_up(void)
{
        start_bus();
        arm();
}

static int64_t give_pulse(uint32_t id, int tag, int64_t width_us)
{
        struct effect_pulse p = {.id = id, .tag = (int16_t)tag, .open_us = bus_now_us() + 50000};
        p.close_us = p.open_us + width_us;
        bus_pulse(bus, &p);
        return p.open_us;
}

/* Edge i of the plant was at `at_us`, as near as a busy machine lets it be: what would make it wrong (a late reply, a slow
 * neighbour, a lost connection) is off by 100 ms and more. `make bench` measures. */
static void check_edge(int i, bool on, int64_t at_us)
{
        pthread_mutex_lock(&plant.lock);
        ck_assert_int_lt(i, plant.edges);
        ck_assert_int_eq(plant.edge[i].on, on);
        int64_t off = plant.edge[i].at_us - at_us;
        pthread_mutex_unlock(&plant.lock);
        ck_assert_msg(off >= 0 && off < 50000, "edge %d is %lld us off", i, (long long)off);
}

/* ---- Workers ---- */

START_TEST(test_pulses)
{
        bring_up();
        for (int i = 0; i < 5; i++) {
                int64_t t0 = give_pulse(1 + i, TAG_NB, 100000);
                const struct event_pulse *p = &await(EVENT_PULSE, 1 + i)->u.pulse;
                ck_assert_int_eq(p->outcome, PULSE_DONE);
                check_edge(2 * i, true, t0);
                check_edge(2 * i + 1, false, t0 + 100000);
                ck_assert_int_le(p->open_sent_us, p->open_acked_us);
                ck_assert_int_le(t0, p->open_sent_us);
        }
        ck_assert_int_gt(count_reads(), 10); /* polls went on beside */
}
END_TEST

START_TEST(test_late_open)
{
        bring_up();
        atomic_store(&plant.open_delay_us, 300000);
        int64_t t0 = give_pulse(1, TAG_NB, 100000);
        const struct event_pulse *p = &await(EVENT_PULSE, 1)->u.pulse;
        check_edge(0, true, t0);
        check_edge(1, false, t0 + 100000);
        ck_assert_int_eq(p->outcome, PULSE_FAILED);
        ck_assert_int_eq(p->open_acked_us, 0);
        ck_assert_int_ne(p->close_acked_us, 0);
}
END_TEST

/* However many orders wait, a revoke is carried out: a pulse of 20 s ends at once. */
START_TEST(test_revoke_behind_a_flood)
{
        tool->tags[TAG_NB].max_open_us = 30 * TIME_S;
        bring_up();
        give_pulse(1, TAG_NB, 20 * TIME_S);
        while (shown(TAG_NB) == 0)
                turn();
        for (uint32_t id = 1000; id < 3000; id++)
                write_tag(id, TAG_EXHAUST, id % 2 ? 1 : 0);
        bus_revoke(bus, 1, TAG_NB);
        event_count = 0;
        while (!find(EVENT_PULSE, 1)) {
                if (event_count > EVENTS - 200)
                        event_count = 0;
                turn();
        }
        ck_assert_int_eq(find(EVENT_PULSE, 1)->u.pulse.outcome, PULSE_CUT);
}
END_TEST

START_TEST(test_beside_a_slow_device)
{
        bring_up();
        atomic_store(&plant.read_delay_us, 150000); /* on the other link */
        run_for(300000);
        int64_t t0 = give_pulse(1, TAG_NB, 100000);
        ck_assert_int_eq(await(EVENT_PULSE, 1)->u.pulse.outcome, PULSE_DONE);
        check_edge(0, true, t0);
        check_edge(1, false, t0 + 100000);
}
END_TEST

START_TEST(test_connection_dropped_in_a_pulse)
{
        bring_up();
        int64_t t0 = give_pulse(1, TAG_NB, 600000);
        while (bus_now_us() < t0 + 20000)
                turn();
        atomic_store(&plant.next_delay_us, -2); /* the next write, a feed, costs the connection */
        await(EVENT_PULSE, 1);
        ck_assert_int_eq(atomic_load(&plant.next_delay_us), NO_DELAY);
        check_edge(1, false, t0 + 600000);
        ck_assert_int_eq(find(EVENT_PULSE, 1)->u.pulse.outcome, PULSE_DONE);
}
END_TEST

START_TEST(test_revoke)
{
        bring_up();
        int64_t t0 = give_pulse(1, TAG_NB, 3000000);
        while (bus_now_us() < t0 + 100000)
                turn();
        int64_t t = bus_now_us();
        bus_revoke(bus, 1, TAG_NB);
        ck_assert_int_eq(await(EVENT_PULSE, 1)->u.pulse.outcome, PULSE_CUT);
        check_edge(1, false, t);
}
END_TEST

START_TEST(test_silent_core)
{
        bring_up();
        write_tag(1, TAG_NB, 1);
        await(EVENT_WROTE, 1);
        core_lives = false;
        int64_t t = bus_now_us();
        const struct event_wrote *w = &await(EVENT_WROTE, 0)->u.wrote;
        ck_assert(w->ok && w->unasked);
        ck_assert_int_eq(w->cause, CAUSE_LEASE);
        ck_assert_int_lt(w->sent_us - t, 700000);
        int dog = dog_word(3); /* and its watchdog is not fed any more */
        run_for(700000);
        ck_assert_int_eq(dog_word(3), dog);
}
END_TEST

START_TEST(test_values_of_all_types)
{
        show(TAG_PRESSURE, 2.5);
        show(TAG_SPEED, -3.25);
        show(TAG_FLOW, 70.125);
        show(TAG_LID, 1);
        bring_up();
        write_tag(1, TAG_TURNS, -123456);
        write_tag(2, TAG_WIDE, 0.1);
        write_tag(3, TAG_FLOW_SET, 12.75);
        await_value(TAG_TURNS, -123456);
        await_value(TAG_WIDE, 0.1);
        await_value(TAG_FLOW_SET, 12.75);
        await_value(TAG_PRESSURE, 2.5);
        await_value(TAG_FLOW, 70.125);
        await_value(TAG_LID, 1);
        ck_assert_double_eq_tol(newest(TAG_SPEED)->value, -3.25, 1e-9);
        show(TAG_PRESSURE, NAN);
        event_count = 0;
        int64_t end = bus_now_us() + 10 * TIME_S;
        while (!newest(TAG_PRESSURE) || !isnan(newest(TAG_PRESSURE)->value)) {
                ck_assert_msg(bus_now_us() < end, "no NaN came");
                turn();
        }
}
END_TEST

START_TEST(test_server_dies_and_returns)
{
        bring_up();
        char at[32];
        snprintf(at, sizeof at, "127.0.0.1:%d", tool->links[0].port);
        event_count = 0;
        server_stop(server);
        ck_assert(!await(EVENT_LINK, LINK_PLANT)->u.link.up);
        ck_assert(!await(EVENT_LINK, LINK_VALVES)->u.link.up);
        ck_assert_str_ne(
            find(EVENT_LINK, LINK_PLANT)->u.link.why, ""); /* refused, reset or closed, as it comes */
        int64_t end = bus_now_us() + 10 * TIME_S;
        while (!newest(TAG_PRESSURE) || newest(TAG_PRESSURE)->quality != QUALITY_BAD) {
                ck_assert_msg(bus_now_us() < end, "the pressure did not become Bad");
                turn();
        }
        ck_assert_int_eq(newest(TAG_PRESSURE)->why, QUALITY_WHY_COMM);
        event_count = 0;
        start_server(at);
        ck_assert(await(EVENT_LINK, LINK_PLANT)->u.link.up);
        ck_assert(await(EVENT_LINK, LINK_VALVES)->u.link.up);
        await_value(TAG_PRESSURE, 0);
}
END_TEST

/* V2: each worker's gate is told before it sends its first close. */
START_TEST(test_left_open)
{
        tool->interlocks[0].purge_us = 10 * TIME_MIN;
        start_bus();
        if (_i == 1)
                bus_left_open(bus);
        arm();
        give_pulse(1, TAG_NB, 100000);
        ck_assert_int_eq(await(EVENT_PULSE, 1)->u.pulse.outcome, _i == 1 ? PULSE_REFUSED : PULSE_DONE);
}
END_TEST

START_TEST(test_stop_closes)
{
        bring_up();
        int64_t t0 = give_pulse(1, TAG_NB, 3000000);
        while (bus_now_us() < t0 + 100000)
                turn();
        int64_t t = bus_now_us();
        bus_stop(bus);
        bus = NULL;
        ck_assert_int_lt(bus_now_us() - t, 1000000);
        check_edge(1, false, t);
}
END_TEST

START_TEST(test_flood_is_reported)
{
        bring_up();
        event_count = 0;
        for (uint32_t id = 1; id <= 1200; id++)
                write_tag(id, TAG_TURNS, id);
        for (uint32_t id = 1; id <= 1200; id++)
                await(EVENT_WROTE, id);
}
END_TEST

START_TEST(test_start_refuses)
{
        const char *why = NULL;
        tool->links[1].kind = TOOL_LINK_RTU;
        tool->links[1].baud = 1200;
        ck_assert_ptr_null(bus_start(tool, &why));
        ck_assert_ptr_nonnull(strstr(why, "link plant: its calls take "));
        ck_assert_ptr_nonnull(strstr(why, "1200 baud"));
        tool->links[1].baud = 921600;
        tool->devices[DEV_PLANT].answer_us = tool->devices[DEV_VALVES].answer_us = 1000;
        tool->links[1].baud = 12345;
        ck_assert_ptr_null(bus_start(tool, &why));
        ck_assert_ptr_nonnull(strstr(why, "plant"));
        ck_assert_ptr_nonnull(strstr(why, "baud"));
        tool->links[1].baud = 115200;
        tool->devices[DEV_VALVES].watchdog.restart[0].address = 0x2000;
        ck_assert_ptr_null(bus_start(tool, &why));
        ck_assert_ptr_nonnull(strstr(why, "valve-io"));
        ck_assert_ptr_nonnull(strstr(why, "signature"));
        tool->links[1].kind = TOOL_LINK_TCP;
        snprintf(tool->links[1].host, sizeof tool->links[1].host, "no such host");
        ck_assert_ptr_null(bus_start(tool, &why));
        ck_assert_ptr_nonnull(strstr(why, "address"));
}
END_TEST

START_TEST(test_high_descriptors_are_refused)
{
        struct rlimit limit;
        getrlimit(RLIMIT_NOFILE, &limit);
        if (limit.rlim_max < 1100)
                return;
        limit.rlim_cur = 1100;
        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
        int fds[1100], n = 0;
        while ((fds[n] = fcntl(0, F_DUPFD_CLOEXEC, 3)) >= 0 && fds[n] < 1040)
                n++;
        ck_assert_int_ge(fds[n], 1024);
        start_bus();
        ck_assert(!await(EVENT_LINK, LINK_PLANT)->u.link.up);
        ck_assert_str_eq(find(EVENT_LINK, LINK_PLANT)->u.link.why, "Too many open files");
        while (n >= 0)
                close(fds[n--]);
}
END_TEST

/* ---- A peer that misbehaves ---- */

static struct peer {
        int listen_fd;
        enum { PEER_DRIP, PEER_SILENT, PEER_STRANGER, PEER_SHORT, PEER_TALKS } manner;
        _Atomic bool is_over;
        _Atomic int64_t longest_us; /* from a request to the client's giving up */
        _Atomic int calls;
        pthread_t thread;
} peer;

static void answer_badly(int fd, const uint8_t *q)
{
        uint8_t r[13] = {q[0], q[1], 0, 0, 0, 7, q[6], q[7], 4, 0x42, 0x96, 0, 0};
        if (peer.manner == PEER_STRANGER)
                r[1] ^= 0x55; /* another transaction's */
        if (peer.manner == PEER_STRANGER)
                send(fd, r, sizeof r, MSG_NOSIGNAL);
        if (peer.manner == PEER_SHORT)
                send(fd, r, 8, MSG_NOSIGNAL);
        for (int i = 0; peer.manner == PEER_DRIP && i < 13; i++) {
                struct pollfd p = {.fd = fd, .events = POLLIN | POLLRDHUP};
                send(fd, r + i, 1, MSG_NOSIGNAL);
                if (poll(&p, 1, 60) > 0)
                        return;
        }
}

static void serve_badly(int fd)
{
        uint8_t q[260];
        if (peer.manner == PEER_TALKS)
                send(fd, "hello", 5, MSG_NOSIGNAL);
        while (recv(fd, q, sizeof q, 0) > 0) {
                int64_t t = bus_now_us();
                atomic_fetch_add(&peer.calls, 1);
                answer_badly(fd, q);
                struct pollfd p = {.fd = fd, .events = POLLIN | POLLRDHUP};
                poll(&p, 1, 5000);
                int64_t took = bus_now_us() - t;
                if (took > atomic_load(&peer.longest_us))
                        atomic_store(&peer.longest_us, took);
        }
}

static void *run_peer(void *arg)
{
        (void)arg;
        while (!atomic_load(&peer.is_over)) {
                struct pollfd p = {.fd = peer.listen_fd, .events = POLLIN};
                if (poll(&p, 1, 20) <= 0)
                        continue;
                int fd = accept(peer.listen_fd, NULL, NULL);
                serve_badly(fd);
                close(fd);
        }
        return NULL;
}

static int listen_anywhere(int *port)
{
        struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        socklen_t len = sizeof a;
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        ck_assert_int_eq(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
        ck_assert_int_eq(listen(fd, 8), 0);
        ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&a, &len), 0);
        *port = ntohs(a.sin_port);
        return fd;
}

START_TEST(test_calls_are_bounded)
{
        memset(&peer, 0, sizeof peer);
        peer.manner = _i;
        peer.listen_fd = listen_anywhere(&tool->links[LINK_PLANT].port);
        pthread_create(&peer.thread, NULL, run_peer, NULL);
        start_bus();
        const struct event *e = await(EVENT_LINK, LINK_PLANT);
        while (e->u.link.up) {
                turn();
                e = find(EVENT_LINK, LINK_PLANT);
        }
        run_for(300000);
        bus_stop(bus);
        bus = NULL;
        atomic_store(&peer.is_over, true);
        pthread_join(peer.thread, NULL);
        close(peer.listen_fd);
        if (peer.manner != PEER_TALKS)
                ck_assert_int_ge(peer.calls, 2);
        /* 200 ms, and what a busy machine adds; without a bound the drips take 780 ms, the others 5 s. */
        ck_assert_int_lt(peer.longest_us, 500000);
        if (peer.manner == PEER_DRIP || peer.manner == PEER_SILENT || peer.manner == PEER_SHORT)
                ck_assert_ptr_nonnull(strstr(e->u.link.why, "no answer from"));
        if (peer.manner == PEER_STRANGER)
                ck_assert_ptr_nonnull(strstr(e->u.link.why, "bad frame from"));
        for (int i = 0; i < event_count; i++)
                for (int k = 0; events[i].kind == EVENT_SAMPLES && k < events[i].u.samples.count; k++)
                        ck_assert_int_eq(events[i].u.samples.item[k].quality, QUALITY_BAD);
}
END_TEST

/* ---- The server against hand-typed frames ---- */

static int dial(void)
{
        struct sockaddr_in a = {.sin_family = AF_INET,
            .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
            .sin_port = htons((uint16_t)server_port(server, 0))};
        struct timeval patience = {.tv_sec = 5};
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        ck_assert_int_eq(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        return fd;
}

/* Bytes as hex words; the MBAP header's transaction, protocol and length are put before unit and PDU. */
static int parse_hex(const char *hex, uint8_t *out)
{
        int n = 0, used = 0;
        unsigned byte;
        while (sscanf(hex, "%2x%n", &byte, &used) == 1) {
                out[n++] = (uint8_t)byte;
                hex += used;
        }
        return n;
}

static void ask(int fd, const char *request)
{
        uint8_t q[300] = {0x12, 0x34, 0, 0};
        int n = parse_hex(request, q + 6);
        q[4] = (uint8_t)(n >> 8);
        q[5] = (uint8_t)n;
        ck_assert_int_eq(send(fd, q, 6 + n, 0), 6 + n);
}

static void expect(int fd, const char *reply, const char *what)
{
        uint8_t want[300], got[300];
        int n = parse_hex(reply, want);
        ssize_t len = recv(fd, got, 6 + n, MSG_WAITALL);
        ck_assert_msg(len == 6 + n, "%s: %zd bytes came", what, len);
        ck_assert_int_eq(got[0], 0x12);
        ck_assert_int_eq(got[1], 0x34);
        ck_assert_int_eq(got[4] << 8 | got[5], n);
        for (int i = 0; i < n; i++)
                ck_assert_msg(
                    got[6 + i] == want[i], "%s: byte %d is %02x, not %02x", what, i, got[6 + i], want[i]);
}

static const struct {
        const char *request, *reply;
} frames[] = {
    {"02 04 0000 0003", "02 04 06 4296 0000 fed4"}, /* 75.0 and -3.00 / 0.01 */
    {"02 04 0001 0001", "02 04 02 0000"},           /* half a float may be read */
    {"02 03 0009 0002", "02 03 04 0000 428c"},      /* 70.0, low word first */
    {"02 02 0000 0001", "02 02 01 01"},             /* lid closed */
    {"01 01 0000 0003", "01 01 01 04"},             /* exhaust open */
    {"01 05 0000 ff00", "01 05 0000 ff00"},         /* open nb */
    {"01 01 0000 0003", "01 01 01 05"},
    {"01 0f 0000 0003 01 02", "01 0f 0000 0003"}, /* nb closed, water open, exhaust closed */
    {"01 01 0000 0003", "01 01 01 02"},
    {"02 10 0014 0002 04 0000 4120", "02 10 0014 0002"}, /* flow set-point 10.0 */
    {"02 03 0014 0002", "02 03 04 0000 4120"},
    {"01 06 1000 000a", "01 06 1000 000a"}, /* the watchdog's time */
    {"01 03 1000 0001", "01 03 02 000a"},
    /* What is refused. */
    {"02 04 0003 0001", "02 84 02"}, /* undeclared */
    {"02 04 0002 0002", "02 84 02"}, /* the second one is */
    {"02 03 0000 0001", "02 83 02"}, /* another table */
    {"01 01 0000 0004", "01 81 02"},
    {"02 10 0009 0002 04 0000 0000", "02 90 02"},                     /* an input in the holding table */
    {"02 06 0014 0000", "02 86 02"},                                  /* half a float is no value */
    {"02 10 0014 0002 04 0000 7fc0", "02 90 03"},                     /* NaN */
    {"01 05 0000 1234", "01 85 03"},                                  /* neither on nor off */
    {"02 04 0000 0000", "02 84 03"}, {"02 04 0000 007e", "02 84 03"}, /* 126 registers */
    {"02 04 0000", "02 84 03"},                                       /* too short */
    {"02 10 0014 0002 02 0000", "02 90 03"},                          /* byte count does not fit */
    {"02 10 0014 0002 04 0000", "02 90 03"},                          /* bytes are missing */
    {"02 03 ffff 0002", "02 83 02"},                                  /* beyond the end */
    {"02 2b 0e01 00", "02 ab 01"},                                    /* unknown function */
    {"07 03 0000 0001", "07 83 0b"},                                  /* unknown unit */
};

static void set_values(void)
{
        show(TAG_PRESSURE, 75);
        show(TAG_SPEED, -3);
        show(TAG_FLOW, 70);
        show(TAG_LID, 1);
        show(TAG_EXHAUST, 1);
}

START_TEST(test_server_frames)
{
        set_values();
        int fd = dial();
        for (size_t i = 0; i < sizeof frames / sizeof frames[0]; i++) {
                ask(fd, frames[i].request);
                expect(fd, frames[i].reply, frames[i].request);
        }
        ck_assert_double_eq(shown(TAG_FLOW_SET), 10);
        close(fd);
}
END_TEST

START_TEST(test_server_is_not_held_up)
{
        set_values();
        int half = dial(), slow = dial(), deaf = dial(), fd = dial();
        ck_assert_int_eq(send(half, "\x12\x34\0\0\0\x06\x02\x04", 8, 0), 8); /* and no more */
        atomic_store(&plant.read_delay_us, 2 * TIME_S);
        int64_t t = bus_now_us();
        ask(slow, frames[0].request);
        struct timespec moment = {.tv_nsec = 1000000};
        while (atomic_load(&plant.slow_reads) == 0) /* it is read while replies are slow */
                nanosleep(&moment, NULL);
        atomic_store(&plant.read_delay_us, NO_DELAY);
        for (int i = 0; i < 2000; i++) /* asks without ever listening */
                if (send(deaf, "\x12\x34\0\0\0\x06\x02\x04\0\0\0\x03", 12, MSG_DONTWAIT) != 12)
                        break;
        for (int i = 0; i < 20; i++) {
                ask(fd, frames[0].request);
                expect(fd, frames[0].reply, "beside the others");
        }
        ck_assert_int_lt(bus_now_us() - t, 1500000);
        expect(slow, frames[0].reply, "the slow one");
        ck_assert_int_ge(bus_now_us() - t, 2 * TIME_S);
        ck_assert_int_eq(send(half, "\0\0\0\x03", 4, 0), 4); /* the other half */
        expect(half, frames[0].reply, "the half one");
        close(half);
        close(slow);
        close(deaf);
        close(fd);
}
END_TEST

START_TEST(test_server_pipelines_and_survives_garbage)
{
        set_values();
        int fd = dial();
        for (int i = 0; i < 40; i++) /* more than wait at once, in one go */
                ask(fd, frames[0].request);
        for (int i = 0; i < 40; i++)
                expect(fd, frames[0].reply, "in order");
        close(fd);
        static const char *const garbage[] = {
            "GET / HTTP/1.1\r\n\r\n", "\x12\x34\0\0\0\0\0\0\0", "\x12\x34\0\0\xff\xff\2\3"};
        for (int i = 0; i < 3; i++) {
                char byte;
                fd = dial();
                send(fd, garbage[i], i == 0 ? 18 : 8, 0);
                ck_assert_int_le(recv(fd, &byte, 1, 0), 0); /* closed on us */
                close(fd);
        }
        fd = dial();
        ask(fd, frames[0].request);
        expect(fd, frames[0].reply, "afterwards");
        close(fd);
}
END_TEST

START_TEST(test_server_start_refuses)
{
        static const struct server_tool behind = {.ctx = &plant, .read = plant_read, .write = plant_write};
        static const char *const bad[] = {
            "1502", "127.0.0.1:", "127.0.0.1:x", ":1502", "127.0.0.1:65536", "127.0.0.1:-1"};
        char why[200], taken[40];
        for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
                why[0] = '\0';
                ck_assert_ptr_null(server_start(tool, &behind, bad[i], why, sizeof why));
                ck_assert_ptr_nonnull(strstr(why, "HOST:PORT"));
        }
        snprintf(taken, sizeof taken, "127.0.0.1:%d", server_port(server, 0));
        ck_assert_ptr_null(server_start(tool, &behind, taken, why, sizeof why));
        ck_assert_ptr_nonnull(strstr(why, "in use"));
}
END_TEST

int main(void)
{
        Suite *s = suite_create("bus");
        TCase *tc = tcase_create("bus");
        tcase_set_timeout(tc, 60);
        tcase_add_checked_fixture(tc, set_up, tear_down);
        tcase_add_test(tc, test_pulses);
        tcase_add_test(tc, test_late_open);
        tcase_add_test(tc, test_revoke_behind_a_flood);
        tcase_add_test(tc, test_beside_a_slow_device);
        tcase_add_test(tc, test_connection_dropped_in_a_pulse);
        tcase_add_test(tc, test_revoke);
        tcase_add_test(tc, test_silent_core);
        tcase_add_test(tc, test_values_of_all_types);
        tcase_add_test(tc, test_server_dies_and_returns);
        tcase_add_loop_test(tc, test_left_open, 0, 2);
        tcase_add_test(tc, test_stop_closes);
        tcase_add_test(tc, test_flood_is_reported);
        tcase_add_test(tc, test_start_refuses);
        tcase_add_test(tc, test_high_descriptors_are_refused);
        tcase_add_loop_test(tc, test_calls_are_bounded, PEER_DRIP, PEER_TALKS + 1);
        tcase_add_test(tc, test_server_frames);
        tcase_add_test(tc, test_server_is_not_held_up);
        tcase_add_test(tc, test_server_pipelines_and_survives_garbage);
        tcase_add_test(tc, test_server_start_refuses);
        suite_add_tcase(s, tc);
        return suite_main(s);
}
