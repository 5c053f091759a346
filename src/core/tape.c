#include "ald/core/tape.h"

#include "ald/base/bytes.h"      /* struct bytes_out */
#include "ald/base/time.h"       /* TIME_MS */
#include "ald/core/core_image.h" /* core_image_put */
#include "ald/core/event_code.h" /* event_code_put */
#include "ald/core/trace.h"      /* trace_fold_effects */

#include <assert.h> /* assert */
#include <stdlib.h> /* calloc, malloc, free */

/* A kill takes so much of the inputs, and what the writer had not yet taken. */
#define PIECE_US (500 * TIME_MS)
enum { PIECE_MAX = 16 * 1024, FOLD_BYTES = 4, SUM_BYTES = 4 };

struct tape {
        struct tape_sink sink;
        int64_t run_id; /* 0 = none runs */
        int64_t n;      /* of the last event */
        bool is_lost;   /* pieces were refused; nothing is kept until an image was taken again */
        bool is_told;   /* the gap is in the sink */
        int64_t lost_n; /* the first one lost */
        struct event_code code;
        /* The piece under way. */
        int64_t first_n, first_us, first_wall_us;
        struct bytes_out events;
        struct bytes_out image;
};

const char *tape_kind_name(enum tape_kind kind)
{
        static const char *const names[TAPE_KINDS] = {
            [TAPE_SNAPSHOT] = "snapshot", [TAPE_EVENTS] = "events", [TAPE_GAP] = "gap", [TAPE_END] = "end"};

        assert((int)kind >= 0 && kind < TAPE_KINDS);
        return names[kind];
}

struct tape *tape_new(const struct tape_sink *sink)
{
        struct tape *tape = calloc(1, sizeof *tape);

        assert(sink->take != NULL);
        if (tape == NULL)
                return NULL;
        tape->sink = *sink;
        tape->events.cap = PIECE_MAX;
        tape->events.at = malloc(tape->events.cap);
        tape->image.cap = core_image_size_max();
        tape->image.at = malloc(tape->image.cap);
        if (tape->events.at == NULL || tape->image.at == NULL) {
                tape_free(tape);
                return NULL;
        }
        return tape;
}

void tape_free(struct tape *tape)
{
        if (tape == NULL)
                return;
        free(tape->events.at);
        free(tape->image.at);
        free(tape);
}

uint32_t tape_fold(const struct effects *effects, int64_t due_us)
{
        uint64_t hash = trace_fold_int(trace_fold_effects(TRACE_START, effects), due_us);

        return (uint32_t)(hash ^ hash >> 32);
}

uint32_t tape_sum(int64_t n, const unsigned char *bytes, uint32_t len)
{
        uint64_t hash = trace_fold_bytes(trace_fold_int(TRACE_START, n), bytes, len);

        return (uint32_t)(hash ^ hash >> 32);
}

static bool hand_over(
    struct tape *tape, enum tape_kind kind, int64_t n, int64_t wall_us, const struct bytes_out *bytes)
{
        struct tape_piece piece = {.kind = kind, .run_id = tape->run_id, .n = n, .wall_us = wall_us};

        if (bytes != NULL) {
                assert(!bytes->is_full);
                piece.bytes = bytes->at;
                piece.len = (uint32_t)bytes->len;
        }
        return tape->sink.take(tape->sink.ctx, &piece);
}

static void lose(struct tape *tape, int64_t n)
{
        tape->is_lost = true;
        tape->is_told = false;
        tape->lost_n = n;
        tape->events.len = 0;
}

/* The core as it is now, after event n. */
static bool put_image(struct tape *tape, const struct core *core, const struct event *event)
{
        tape->image.len = 0;
        core_image_put(core, &tape->image);
        event_code_init(&tape->code, event->now_us, event->wall_us);
        tape->events.len = 0;
        return hand_over(tape, TAPE_SNAPSHOT, tape->n, event->wall_us, &tape->image);
}

static void end_piece(struct tape *tape)
{
        if (tape->events.len == 0)
                return;
        bytes_put_fixed(
            &tape->events, tape_sum(tape->first_n, tape->events.at, (uint32_t)tape->events.len), SUM_BYTES);
        if (hand_over(tape, TAPE_EVENTS, tape->first_n, tape->first_wall_us, &tape->events))
                tape->events.len = 0;
        else
                lose(tape, tape->first_n);
}

static void put_event(
    struct tape *tape, const struct event *event, const struct effects *effects, int64_t due_us)
{
        if (tape->events.len == 0) {
                tape->first_n = tape->n;
                tape->first_us = event->now_us;
                tape->first_wall_us = event->wall_us;
        }
        event_code_put(&tape->code, event, &tape->events);
        bytes_put_fixed(&tape->events, tape_fold(effects, due_us), FOLD_BYTES);
        if (event->now_us - tape->first_us >= PIECE_US ||
            tape->events.cap - tape->events.len < EVENT_CODE_MAX + FOLD_BYTES + SUM_BYTES)
                end_piece(tape);
}

/* Tell of the gap, then begin anew from an image of now. */
static void try_again(struct tape *tape, const struct core *core, const struct event *event)
{
        assert(tape->n > tape->lost_n); /* a piece that is lost has two events: numbers of rows differ */
        if (!tape->is_told)
                tape->is_told = hand_over(tape, TAPE_GAP, tape->lost_n, event->wall_us, NULL);
        if (tape->is_told && put_image(tape, core, event))
                tape->is_lost = false;
}

static void begin(struct tape *tape, const struct core *core, int64_t run_id, const struct event *event)
{
        tape->run_id = run_id;
        tape->n = 0;
        tape->is_lost = false;
        if (!put_image(tape, core, event))
                lose(tape, 0);
}

static void end(struct tape *tape, const struct event *event)
{
        end_piece(tape);
        if (tape->is_lost && !tape->is_told)
                tape->is_told = hand_over(tape, TAPE_GAP, tape->lost_n, event->wall_us, NULL);
        if (!tape->is_lost || tape->is_told)
                hand_over(tape, TAPE_END, tape->n + 1, event->wall_us, NULL);
        tape->run_id = 0;
}

/* The run that begins (START) or ends (END) in these effects; 0 = none. */
static int64_t find_run(const struct effects *effects, enum record_kind kind)
{
        for (int i = 0; i < effects->count; i++)
                if (effects->item[i].kind == EFFECT_RECORD && effects->item[i].u.record.kind == kind)
                        return effects->item[i].u.record.run_id;
        return 0;
}

void tape_turn(struct tape *tape, const struct core *core, const struct event *event,
    const struct effects *effects, int64_t due_us)
{
        int64_t began = find_run(effects, RECORD_RUN_START), ended = find_run(effects, RECORD_RUN_END);

        if (tape->run_id != 0) {
                tape->n++;
                if (tape->is_lost)
                        try_again(tape, core, event);
                else
                        put_event(tape, event, effects, due_us);
        }
        if (tape->run_id != 0 && ended == tape->run_id)
                end(tape, event);
        if (began != 0 && began != ended)
                begin(tape, core, began, event);
}
