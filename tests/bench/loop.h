/* What the programs beside aldd have in common: the same arguments, the same plan in words, so that one judge serves all. */
#ifndef ALD_TESTS_BENCH_LOOP_H
#define ALD_TESTS_BENCH_LOOP_H

#include <stdbool.h> /* bool */
#include <stdint.h>  /* int64_t */

enum { LOOP_WIDTHS_MAX = 8, LOOP_UNIT_VALVES = 1, LOOP_UNIT_PLANT = 2, LOOP_UNIT_SLOW = 9, LOOP_COIL = 0 };
/* A gauge at 20 Hz, the slow device twice a second, as in the tool file of the bench. */
#define LOOP_GAUGE_US 50000
#define LOOP_SLOW_US  500000

enum loop_slow { LOOP_SLOW_NONE, LOOP_SLOW_OTHER, LOOP_SLOW_SAME }; /* where the slow device answers */

struct loop {
        int valves_port, plant_port, slow_port; /* on 127.0.0.1; slow_port with LOOP_SLOW_OTHER */
        int count;                              /* pulses of each width */
        int64_t gap_us;                         /* from a close to the next open */
        int64_t width_us[LOOP_WIDTHS_MAX];
        int width_count;
        enum loop_slow slow;
        bool is_fifo;
};

/* Read the arguments and take real-time priority if asked; ends the program on a mistake. */
void loop_begin(struct loop *loop, int argc, char **argv);
int64_t loop_now_us(void); /* monotonic */
void loop_sleep_until(int64_t t_us);
int loop_total(const struct loop *loop);
int64_t loop_width(const struct loop *loop, int pulse);
/* Note the plan of the next pulse; nothing is printed before loop_end(). */
void loop_plan(int64_t open_us, int64_t width_us);
/* A call failed. */
void loop_error(void);
/* Print "pulse OPEN_US WIDTH_US" for each and "errors N"; the exit status. */
int loop_end(void);

#endif
