#include "ald/store/rollup.h"

const int64_t rollup_period_us[ROLLUP_LEVELS] = {ROLLUP_PERIOD_0, ROLLUP_PERIOD_1, ROLLUP_PERIOD_2};
