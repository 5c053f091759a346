/* Argument `resumes` of verb `run`: the run to go on with, its last pulse, and what was in force in it. */
#ifndef ALD_CONTROL_RESUMES_H
#define ALD_CONTROL_RESUMES_H

#include "ald/control/control.h" /* struct control_resume */
#include "ald/control/params.h"  /* struct params_map, struct params_fault */

#include <jansson.h> /* json_t */

#include <stdbool.h> /* bool */

struct resumes {
        struct params_map map; /* the texts */
        struct control_resume resume;
};

/* Does the request go on with a run? Meaningful after params_check(). */
bool resumes_is_asked(json_t *params);
/* Read it; texts are borrowed from `params` and `out`. False: *fault names what is missing or not understood. */
bool resumes_read(json_t *params, struct resumes *out, struct params_fault *fault);

#endif
