/* Plays a tape (core/tape.h): the recorded events go through the core of this program, and what it decides is compared with what
 * was decided then, turn by turn. Any bytes may stand in the pieces; only a snapshot with a right sum is believed. */
#ifndef ALD_CORE_PLAYER_H
#define ALD_CORE_PLAYER_H

#include "ald/core/event.h" /* struct event, struct effects */
#include "ald/core/tape.h"  /* struct tape_piece */

#include <stdbool.h> /* bool */
#include <stdint.h>  /* int64_t */

struct recipe;
struct player; /* opaque */

/* Tool and recipe of the run (borrowed). NULL when memory is out. Free with player_free() (NULL allowed). */
struct player *player_new(const struct tool *tool, const struct recipe *recipe);
void player_free(struct player *player);

enum player_is {
        PLAYER_SAME,
        PLAYER_DIFFERS, /* the last event played was decided otherwise */
        PLAYER_DAMAGED, /* the piece is no piece of this tape, or not the next one */
        PLAYER_FOREIGN  /* the snapshot is of a build whose cores are laid out otherwise */
};
/* Play the next piece. After anything but PLAYER_SAME the player takes no more. `why` (cap bytes): what is damaged, in words. */
enum player_is player_take(struct player *player, const struct tape_piece *piece, char *why, size_t cap);

struct player_state {
        int64_t events;                    /* played */
        int64_t effects;                   /* compared in them, FEED apart */
        int64_t n;                         /* of the last event played */
        int64_t now_us, wall_us;           /* its time */
        int64_t start_us;                  /* monotonic time of the first snapshot */
        int64_t lost;                      /* events known to be lost */
        int64_t lost_n;                    /* the first of the last ones lost, 0 = none */
        bool is_lost;                      /* nothing has been played since then: no snapshot came */
        bool has_begun, is_ended;          /* the first snapshot came; the tape's end came */
        const struct event *event;         /* the last one; borrowed from the player */
        const struct effects *effects_now; /* what it led to here; borrowed likewise */
};
void player_get_state(const struct player *player, struct player_state *out);

#endif
