/* What a lab writes first: open, wait, close, wait, with libmodbus and sleeps, and the gauge read while it waits. */
#include "bench/lab.h" /* lab_connect */

#include <unistd.h> /* usleep */

/* Let a time pass, reading the gauge at 20 Hz where there is room for it. */
static void dwell(struct lab *lab, int64_t for_us)
{
        int64_t end_us = loop_now_us() + for_us;

        for (;;) {
                int64_t left_us = end_us - loop_now_us();

                if (left_us <= 0)
                        return;
                if (left_us < LOOP_GAUGE_US) {
                        usleep((useconds_t)left_us);
                        return;
                }
                lab_poll(lab);
                left_us = end_us - loop_now_us();
                if (left_us > 0)
                        usleep((useconds_t)(left_us < LOOP_GAUGE_US ? left_us : LOOP_GAUGE_US));
        }
}

int main(int argc, char **argv)
{
        struct loop loop;
        struct lab *lab;

        loop_begin(&loop, argc, argv);
        lab = lab_connect(&loop);
        for (int i = 0; i < loop_total(&loop); i++) {
                loop_plan(loop_now_us(), loop_width(&loop, i));
                lab_drive(lab, 1);
                dwell(lab, loop_width(&loop, i));
                lab_drive(lab, 0);
                dwell(lab, loop.gap_us);
        }
        return loop_end();
}
