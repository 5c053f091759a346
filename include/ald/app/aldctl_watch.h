/* Following a run: the live display of `watch` and of `run --wait`. */
#ifndef ALD_APP_ALDCTL_WATCH_H
#define ALD_APP_ALDCTL_WATCH_H

#include "ald/app/aldctl.h"      /* enum aldctl_exit */
#include "ald/app/aldctl_line.h" /* struct line */

#include <jansson.h> /* json_int_t */

/* Follow run `run` on an open connection until it has ended: ALDCTL_OK only when it is Complete. An interrupt
 * detaches: the run goes on. */
enum aldctl_exit watch_run(struct line *l, const struct aldctl_options *o, json_int_t run);

#endif
