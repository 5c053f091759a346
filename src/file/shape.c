#include "ald/file/shape.h"

const struct shape shape_text = {.kind = SHAPE_TEXT};
const struct shape shape_name = {.kind = SHAPE_NAME};
const struct shape shape_line = {.kind = SHAPE_LINE};
const struct shape shape_valve = {.kind = SHAPE_VALVE};
const struct shape shape_loop = {.kind = SHAPE_LOOP};
const struct shape shape_names = {.kind = SHAPE_LIST, .of = &shape_name};
const struct shape shape_one_or_more_names = {
    .kind = SHAPE_EITHER, .of = &shape_text, .or_else = &shape_names};
const struct shape shape_condition = {.kind = SHAPE_CONDITION};
const struct shape shape_unit = {.kind = SHAPE_UNIT};
const struct shape shape_number = {.kind = SHAPE_NUMBER};
const struct shape shape_time = {.kind = SHAPE_TIME};
const struct shape shape_amount = {.kind = SHAPE_AMOUNT};
const struct shape shape_range = {.kind = SHAPE_LIST, .of = &shape_amount, .min = 2, .max = 2};
const struct shape shape_span = {.kind = SHAPE_SPAN};
const struct shape shape_rate = {.kind = SHAPE_RATE};
const struct shape shape_pressure_rate = {.kind = SHAPE_QUANTITY, .unit = "Torr/s"};
const struct shape shape_flow = {.kind = SHAPE_QUANTITY, .unit = "sccm"};
const struct shape shape_pressure = {.kind = SHAPE_QUANTITY, .unit = "Torr"};
const struct shape shape_speed = {.kind = SHAPE_QUANTITY, .unit = "rpm"};
const struct shape shape_value = {.kind = SHAPE_VALUE};
const struct shape shape_values = {.kind = SHAPE_MAP, .of = &shape_value};
static const struct shape target = {.kind = SHAPE_TARGET};
const struct shape shape_targets = {.kind = SHAPE_MAP, .of = &target, .min = 1};
const struct shape shape_steps = {.kind = SHAPE_STEPS};
const struct shape shape_blocks = {.kind = SHAPE_MAP, .of = &shape_steps, .is_free = true};
const struct shape shape_nothing = {.kind = SHAPE_NOTHING};
