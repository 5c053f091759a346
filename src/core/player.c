#include "ald/core/player.h"

#include "ald/base/bytes.h"      /* struct bytes_in */
#include "ald/base/text.h"       /* text_add */
#include "ald/core/core.h"       /* core_new, core_step */
#include "ald/core/core_image.h" /* core_image_take */
#include "ald/core/event_code.h" /* event_code_take */
#include "ald/core/recipe.h"     /* struct recipe */

#include <assert.h>   /* assert */
#include <inttypes.h> /* PRId64 */
#include <stdlib.h>   /* calloc, free */

enum { FOLD_BYTES = 4, SUM_BYTES = 4 };

struct player {
        const struct tool *tool;
        const struct recipe *recipe;
        struct recipe *other; /* stands for any recipe that somebody sent while this run was under way */
        struct core *core;
        struct event_code code;
        bool is_over;
        struct player_state state;
        struct event event;
        struct effects effects;
};

struct player *player_new(const struct tool *tool, const struct recipe *recipe)
{
        const struct core_start start = {.next_run_id = 1};
        struct player *p = calloc(1, sizeof *p);

        assert(tool != NULL && recipe != NULL);
        if (p == NULL)
                return NULL;
        p->tool = tool;
        p->recipe = recipe;
        p->core = core_new(tool, &start);
        p->other = malloc(sizeof *p->other);
        if (p->core == NULL || p->other == NULL) {
                player_free(p);
                return NULL;
        }
        *p->other = *recipe; /* sound, whatever a changed core might do with it */
        return p;
}

void player_free(struct player *p)
{
        if (p == NULL)
                return;
        core_free(p->core);
        free(p->other); /* its text is the other one's */
        free(p);
}

static enum player_is damaged(struct player *p, struct text *why, const char *what)
{
        text_add(why, "%s", what);
        if (p->state.has_begun)
                text_add(why, " after event %" PRId64, p->state.n);
        return PLAYER_DAMAGED;
}

static enum player_is take_snapshot(struct player *p, const struct tape_piece *piece, struct text *why)
{
        struct bytes_in in = {.at = piece->bytes, .len = piece->len};
        int64_t now_us = 0, wall_us = 0;
        enum core_image_is is;

        if (p->state.has_begun && !p->state.is_lost)
                return damaged(p, why, "a second snapshot");
        is = core_image_take(p->core, &in, p->recipe, &now_us, &wall_us);
        if (is == CORE_IMAGE_FOREIGN)
                return PLAYER_FOREIGN;
        if (is == CORE_IMAGE_DAMAGED)
                return damaged(p, why, "the snapshot is damaged");
        event_code_init(&p->code, now_us, wall_us);
        if (!p->state.has_begun)
                p->state.start_us = now_us;
        if (p->state.is_lost)
                p->state.lost += piece->n - p->state.lost_n + 1;
        p->state.has_begun = true;
        p->state.is_lost = false;
        p->state.n = piece->n;
        p->state.now_us = now_us;
        p->state.wall_us = wall_us;
        return PLAYER_SAME;
}

static void count_effects(struct player *p)
{
        for (int i = 0; i < p->effects.count; i++)
                p->state.effects += p->effects.item[i].kind != EFFECT_FEED;
}

/* One turn; the core asserts that time never goes back, and the decoder that it does not. */
static bool play(struct player *p, uint32_t fold)
{
        int64_t due_us = core_step(p->core, &p->event, &p->effects);

        p->state.events++;
        p->state.n++;
        p->state.now_us = p->event.now_us;
        p->state.wall_us = p->event.wall_us;
        count_effects(p);
        return tape_fold(&p->effects, due_us) == fold;
}

static enum player_is take_events(struct player *p, const struct tape_piece *piece, struct text *why)
{
        struct bytes_in in = {.at = piece->bytes, .len = piece->len};

        if (!p->state.has_begun || p->state.is_lost)
                return damaged(p, why, "events without a snapshot before them");
        if (piece->n != p->state.n + 1)
                return damaged(p, why, "events are missing");
        if (piece->len <= SUM_BYTES)
                return damaged(p, why, "the events are cut short");
        in.pos = in.len - SUM_BYTES;
        if (bytes_take_fixed(&in, SUM_BYTES) != tape_sum(piece->n, piece->bytes, piece->len - SUM_BYTES))
                return damaged(p, why, "the events are not those that were written (wrong sum)");
        in = (struct bytes_in){.at = piece->bytes, .len = piece->len - SUM_BYTES};
        while (bytes_left(&in) > 0) {
                bool is_event = event_code_take(&p->code, &in, p->tool, p->other, &p->event);
                uint32_t fold = (uint32_t)bytes_take_fixed(&in, FOLD_BYTES);

                if (!is_event || in.is_bad)
                        return damaged(p, why, "bytes that are no event of this tool");
                if (!play(p, fold))
                        return PLAYER_DIFFERS;
        }
        return PLAYER_SAME;
}

static enum player_is take_piece(struct player *p, const struct tape_piece *piece, struct text *why)
{
        switch (piece->kind) {
        case TAPE_SNAPSHOT:
                return take_snapshot(p, piece, why);
        case TAPE_EVENTS:
                return take_events(p, piece, why);
        case TAPE_GAP:
                p->state.is_lost = true;
                p->state.lost_n = piece->n;
                return PLAYER_SAME;
        case TAPE_END:
                if (p->state.is_lost)
                        p->state.lost += piece->n - p->state.lost_n;
                else if (piece->n != p->state.n + 1)
                        return damaged(p, why, "events are missing");
                p->state.is_ended = true;
                return PLAYER_SAME;
        case TAPE_KINDS:
                break;
        }
        return damaged(p, why, "a piece of no kind");
}

enum player_is player_take(struct player *p, const struct tape_piece *piece, char *why, size_t cap)
{
        enum player_is is;
        struct text t;

        assert(!p->is_over);
        text_init(&t, why, cap);
        is = p->state.is_ended ? damaged(p, &t, "more events behind the end") : take_piece(p, piece, &t);
        p->is_over = is != PLAYER_SAME;
        return is;
}

void player_get_state(const struct player *p, struct player_state *out)
{
        *out = p->state;
        out->event = &p->event;
        out->effects_now = &p->effects;
}
