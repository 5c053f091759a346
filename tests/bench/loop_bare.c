/* The best one can do: one thread, one socket, an absolute sleep, a request, its echo. No polls, no library, no record. */
#include "bench/loop.h"

#include <arpa/inet.h>   /* htons */
#include <netinet/tcp.h> /* TCP_NODELAY */
#include <stdint.h>      /* uint8_t */
#include <stdio.h>       /* perror */
#include <stdlib.h>      /* exit */
#include <string.h>      /* memcmp */
#include <sys/socket.h>  /* connect */

enum { FRAME = 12 };

static int dial(int port)
{
        struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
        int one = 1, fd = socket(AF_INET, SOCK_STREAM, 0);

        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) != 0) {
                perror("connect");
                exit(1);
        }
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        return fd;
}

/* Function 5, and its echo. */
static void drive(int fd, int on)
{
        static uint16_t id;
        uint8_t frame[FRAME] = {0, 0, 0, 0, 0, 6, LOOP_UNIT_VALVES, 5, 0, LOOP_COIL, on ? 0xff : 0, 0};
        uint8_t echo[FRAME];

        id++;
        frame[0] = (uint8_t)(id >> 8);
        frame[1] = (uint8_t)id;
        if (send(fd, frame, FRAME, 0) != FRAME || recv(fd, echo, FRAME, MSG_WAITALL) != FRAME) {
                perror("send");
                exit(1);
        }
        if (memcmp(frame, echo, FRAME) != 0)
                loop_error();
}

int main(int argc, char **argv)
{
        struct loop loop;
        int64_t open_us;
        int fd;

        loop_begin(&loop, argc, argv);
        fd = dial(loop.valves_port);
        open_us = loop_now_us() + loop.gap_us;
        for (int i = 0; i < loop_total(&loop); i++) {
                int64_t width_us = loop_width(&loop, i);

                /* An echo that came too late for the schedule moves it, as it does in aldd. */
                if (loop_now_us() > open_us)
                        open_us = loop_now_us() + loop.gap_us;
                loop_plan(open_us, width_us);
                loop_sleep_until(open_us);
                drive(fd, 1);
                loop_sleep_until(open_us + width_us);
                drive(fd, 0);
                open_us += width_us + loop.gap_us;
        }
        return loop_end();
}
