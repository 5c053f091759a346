/* One row for each kind of step, for the files that hold the steps. */
#ifndef ALD_CORE_STEP_H
#define ALD_CORE_STEP_H

#include "core_state.h"

/* May a step move this output to this value now? If not, the run is held and says why. */
bool step_may_move(struct core *core, int tag, double value);
/* When the purge that needs the exhaust and the carrier is over, as far as the clock tells; TIME_NEVER: something else is
 * waited for, or nothing. */
int64_t step_purge_path_us(const struct core *core);
/* How far ahead a pulse is planned that follows an event. `op` (NULL: none) is what follows. */
int64_t step_anchor_us(const struct core *core, const struct recipe_op *op);
/* How much earlier than planned a step ends, so that the pulse after it is handed over in time; 0 = no pulse follows. */
int64_t step_handover_us(const struct core *core);

struct step_turn step_waits(int64_t at_us);
/* A step that ends on an event: a pulse after it is planned a little ahead. */
struct step_turn step_done_now(const struct core *core);
/* `why` (NULL: what it waits for) tells what went wrong. */
struct step_turn step_failed(struct core *core, enum tool_action action, const char *why, ...)
    TEXT_PRINTF(3, 4);
/* When the step's timeout is over; what was used of it before a hold counts. */
int64_t step_timeout(const struct core *core, const struct recipe_op *op);

/* ---- step_wait.c ---- */
struct step_turn step_time_turn(struct core *core, const struct recipe_op *op);
void step_wait_describe(
    struct text *t, const struct tool *tool, const struct recipe *r, const struct recipe_op *op);
struct step_turn step_until_turn(struct core *core, const struct recipe_op *op);
void step_until_describe(
    struct text *t, const struct tool *tool, const struct recipe *r, const struct recipe_op *op);
void step_confirm_enter(struct core *core, const struct recipe_op *op);
struct step_turn step_confirm_turn(struct core *core, const struct recipe_op *op);
void step_confirm_describe(
    struct text *t, const struct tool *tool, const struct recipe *r, const struct recipe_op *op);

/* ---- step_gas.c ---- */
struct step_turn step_expose_turn(struct core *core, const struct recipe_op *op);
void step_expose_describe(
    struct text *t, const struct tool *tool, const struct recipe *r, const struct recipe_op *op);
struct step_turn step_expose_end_turn(struct core *core, const struct recipe_op *op);
void step_expose_end_describe(
    struct text *t, const struct tool *tool, const struct recipe *r, const struct recipe_op *op);
void step_leak_enter(struct core *core, const struct recipe_op *op);
struct step_turn step_leak_turn(struct core *core, const struct recipe_op *op);
void step_leak_describe(
    struct text *t, const struct tool *tool, const struct recipe *r, const struct recipe_op *op);
/* What an expose or a leak check waits for. */
void step_gas_add_waiting(struct text *t, const struct core *core, const struct recipe_op *op);
void step_vent_enter(struct core *core, const struct recipe_op *op);
void step_vent_describe(
    struct text *t, const struct tool *tool, const struct recipe *r, const struct recipe_op *op);

/* ---- step_bed.c ---- */
void step_rotate_enter(struct core *core, const struct recipe_op *op);
void step_rotate_describe(
    struct text *t, const struct tool *tool, const struct recipe *r, const struct recipe_op *op);

#endif
