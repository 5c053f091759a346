/* The simulated tool's state, shared by the files of its module: sim.c (life, time, faults, reports), sim_drive.c
 * (outputs to plant), sim_input.c (plant to inputs). */
#ifndef ALD_SIM_STATE_H
#define ALD_SIM_STATE_H

#include "ald/core/tool.h" /* TOOL_TAGS_MAX */
#include "ald/sim/fault.h" /* struct fault */
#include "ald/sim/plant.h" /* struct plant */

#include <stdbool.h> /* bool */
#include <stdint.h>  /* int64_t, uint64_t */

/* What a tag shows. */
enum shows {
        SHOWS_NOTHING, /* an input the simulated tool knows nothing of: 0 */
        SHOWS_OUTPUT,
        SHOWS_LOOP,
        SHOWS_PRESSURE,
        SHOWS_PUMP_RUNNING,
        SHOWS_ATMOSPHERE,
        SHOWS_LID_CLOSED,
        SHOWS_EMO_OK,
        SHOWS_OVER_TEMPERATURE
};

struct sim {
        const struct tool *tool;
        uint64_t seed;
        bool is_exact; /* instruments without noise */
        int64_t now_us;
        struct plant plant;
        uint8_t shows[TOOL_TAGS_MAX]; /* enum shows */
        int16_t loop[TOOL_TAGS_MAX];  /* of a process value */
        double held[TOOL_TAGS_MAX];   /* what an output holds */
        struct repeat *repeat;        /* NULL = none */
        int fault_count, active_count;
        int64_t fault_next_us; /* when the next one begins or ends */
        struct fault fault[FAULTS_MAX];
};

/* An active fault of a kind on exactly this tag and loop (TOOL_NONE: on none), or NULL. */
const struct fault *sim_fault_on(const struct sim *sim, enum fault_kind kind, int tag, int loop);
/* One without a target. */
bool sim_fault_is_on(const struct sim *sim, enum fault_kind kind);

/* Outputs and faults changed: give the plant its new positions and targets. */
void sim_drive(struct sim *sim);
/* A value of the tag in the base unit of its dimension. */
double sim_in_base(const struct tool_tag *tag, double value);

enum shows sim_input_shows(const struct tool *tool, int tag);

#endif
