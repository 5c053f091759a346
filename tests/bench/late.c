/* Between a program and the simulated tool: the reply to every so manyth opening comes late, and so does what follows it
 * on that connection; requests pass at once. `late TARGET_PORT LATE_US EVERY [-f]` prints the port that it listens on. */
#include "bench/loop.h" /* LOOP_COIL */

#include <arpa/inet.h>   /* htons */
#include <netinet/tcp.h> /* TCP_NODELAY */
#include <pthread.h>     /* pthread_create */
#include <sched.h>       /* SCHED_FIFO */
#include <stdatomic.h>   /* _Atomic */
#include <stdbool.h>     /* bool */
#include <stdint.h>      /* uint8_t */
#include <stdio.h>       /* printf */
#include <stdlib.h>      /* calloc */
#include <sys/socket.h>  /* accept */
#include <unistd.h>      /* close, usleep */

/* As the simulated tool: both are the instrument. */
enum { FRAME_MAX = 260, HEADER = 6, IDS = 65536, PRIORITY = 80 };

struct pair {
        int client, server;
        _Atomic int users;
        _Atomic bool is_late[IDS]; /* by transaction */
};

static int target_port;
static useconds_t late_us;
static int every;
static _Atomic int openings;

static bool read_all(int fd, uint8_t *to, size_t len)
{
        return len == 0 || recv(fd, to, len, MSG_WAITALL) == (ssize_t)len;
}

/* One frame; its length, 0 at the end. */
static size_t read_frame(int fd, uint8_t *frame)
{
        size_t rest;

        if (!read_all(fd, frame, HEADER))
                return 0;
        rest = (size_t)frame[4] << 8 | frame[5];
        return rest <= FRAME_MAX - HEADER && read_all(fd, frame + HEADER, rest) ? HEADER + rest : 0;
}

/* Function 5, coil on, of the valve that pulses. */
static bool is_opening(const uint8_t *f, size_t len)
{
        return len == 12 && f[6] == LOOP_UNIT_VALVES && f[7] == 5 && (f[8] << 8 | f[9]) == LOOP_COIL &&
               f[10] == 0xff;
}

static void leave(struct pair *p)
{
        shutdown(p->client, SHUT_RDWR);
        shutdown(p->server, SHUT_RDWR);
        if (atomic_fetch_sub(&p->users, 1) > 1)
                return;
        close(p->client);
        close(p->server);
        free(p);
}

static void *requests(void *arg)
{
        struct pair *p = arg;
        uint8_t f[FRAME_MAX];
        size_t len;

        while ((len = read_frame(p->client, f)) > 0) {
                p->is_late[f[0] << 8 | f[1]] = is_opening(f, len) && ++openings % every == 0;
                if (send(p->server, f, len, MSG_NOSIGNAL) != (ssize_t)len)
                        break;
        }
        leave(p);
        return NULL;
}

static void *replies(void *arg)
{
        struct pair *p = arg;
        uint8_t f[FRAME_MAX];
        size_t len;

        while ((len = read_frame(p->server, f)) > 0) {
                if (p->is_late[f[0] << 8 | f[1]])
                        usleep(late_us);
                if (send(p->client, f, len, MSG_NOSIGNAL) != (ssize_t)len)
                        break;
        }
        leave(p);
        return NULL;
}

static struct sockaddr_in loopback(int port)
{
        struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};

        a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        return a;
}

static void serve(int client)
{
        struct sockaddr_in to = loopback(target_port);
        struct pair *p = calloc(1, sizeof *p);
        pthread_t thread;
        int one = 1;

        if (p == NULL)
                exit(1);
        p->client = client;
        p->server = socket(AF_INET, SOCK_STREAM, 0);
        atomic_init(&p->users, 2);
        setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        setsockopt(p->server, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        if (connect(p->server, (struct sockaddr *)&to, sizeof to) != 0 ||
            pthread_create(&thread, NULL, requests, p) != 0 || pthread_detach(thread) != 0 ||
            pthread_create(&thread, NULL, replies, p) != 0 || pthread_detach(thread) != 0) {
                perror("late");
                exit(1);
        }
}

int main(int argc, char **argv)
{
        struct sched_param param = {.sched_priority = PRIORITY};
        struct sockaddr_in at = loopback(0);
        socklen_t len = sizeof at;
        int fd = socket(AF_INET, SOCK_STREAM, 0), client;

        if (argc < 4 || (every = atoi(argv[3])) < 1) {
                fprintf(stderr, "usage: late TARGET_PORT LATE_US EVERY [-f]\n");
                return 2;
        }
        target_port = atoi(argv[1]);
        late_us = (useconds_t)atoi(argv[2]);
        if (argc > 4 && sched_setscheduler(0, SCHED_FIFO, &param) != 0) {
                perror("real-time priority");
                return 1;
        }
        if (fd < 0 || bind(fd, (struct sockaddr *)&at, len) != 0 || listen(fd, 16) != 0 ||
            getsockname(fd, (struct sockaddr *)&at, &len) != 0) {
                perror("listen");
                return 1;
        }
        printf("%d\n", ntohs(at.sin_port));
        fflush(stdout);
        while ((client = accept(fd, NULL, NULL)) >= 0)
                serve(client);
        return 1;
}
