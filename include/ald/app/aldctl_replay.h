/* aldctl replay, in two parts: the replay itself (aldctl_replay.c) and what is said of it (aldctl_replay_say.c). */
#ifndef ALD_APP_ALDCTL_REPLAY_H
#define ALD_APP_ALDCTL_REPLAY_H

#include "ald/app/aldctl_past.h" /* struct aldctl_past */
#include "ald/core/player.h"     /* struct player */
#include "ald/store/query.h"     /* struct query */

#include <jansson.h> /* json_t */

#include <stdbool.h> /* bool */
#include <stdint.h>  /* int64_t */

struct aldctl_options;

enum aldctl_verdict { ALDCTL_SAME, ALDCTL_DIFFERENT, ALDCTL_IMPOSSIBLE };

struct aldctl_replay {
        const struct aldctl_options *o;
        struct query *q;
        struct query_run run;
        struct aldctl_past past;
        struct player *player;
        enum player_is is;
        int64_t after; /* number of the last row */
        bool has_row;
        enum aldctl_verdict verdict;
        char why[512]; /* impossible: why; same: how far, when not to the end */
        struct player_state state;
        json_t *recorded; /* JSON only: what the record tells around the difference */
};

/* To people, or as JSON. */
void aldctl_replay_say(struct aldctl_replay *r);

#endif
