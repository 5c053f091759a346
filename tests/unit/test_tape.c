/* The tape of a run: events as bytes and back, images of the core, pieces and gaps, the ring on their way to the disk, and the
 * player that must find the first decision that differs. */
#include "scenario.h" /* struct scenario */
#include "suite.h"

#include "ald/base/random.h"     /* struct random */
#include "ald/core/core_image.h" /* core_image_put */
#include "ald/core/event_code.h" /* event_code_put */
#include "ald/core/inputq.h"     /* struct inputq */
#include "ald/core/player.h"     /* struct player */
#include "ald/core/trace.h"      /* TRACE_START */

#include <pthread.h> /* a second thread */
#include <sched.h>   /* sched_yield */

/* ---- events as bytes ---- */

static struct tool *tool;

static void load_tool(void)
{
        tool = support_tool(SUPPORT_TOOL);
}

static void free_tool(void)
{
        free(tool);
}

static int draw_output(struct random *r)
{
        for (;;) {
                int tag = (int)random_below(r, tool->tag_count);

                if (tool->tags[tag].is_output)
                        return tag;
        }
}

static double draw_value(struct random *r)
{
        static const double often[] = {0, 1, -0.0, 174.5, 1e300, -1e-300, 870.1, NAN, INFINITY};
        uint64_t bits = random_next(r);
        double value;

        if (random_chance(r, 700))
                return often[random_below(r, (int64_t)(sizeof often / sizeof often[0]))];
        memcpy(&value, &bits, sizeof value);
        return value;
}

static int64_t draw_time(struct random *r, int64_t now_us)
{
        return random_chance(r, 200) ? 0 : now_us - random_between(r, -1000, 60000000);
}

static void draw_text(struct random *r, char *to, size_t cap)
{
        size_t len = random_chance(r, 300) ? 0 : (size_t)random_below(r, (int64_t)cap);

        for (size_t i = 0; i < len; i++)
                to[i] = (char)random_between(r, 1, 127);
        to[len] = '\0';
}

static void draw_samples(struct random *r, struct event *e)
{
        e->u.samples.count = (int)(random_chance(r, 50) ? EVENT_SAMPLES_MAX : random_below(r, 12));
        e->u.samples.seq = random_between(r, 0, 1000000);
        for (int i = 0; i < e->u.samples.count; i++)
                e->u.samples.item[i] = (struct sample){.tag = (int16_t)random_below(r, tool->tag_count),
                    .quality = (uint8_t)(random_chance(r, 100) ? QUALITY_BAD : QUALITY_GOOD),
                    .why = (uint8_t)(random_chance(r, 100) ? QUALITY_WHY_COMM : QUALITY_WHY_NONE),
                    .t_us = draw_time(r, e->now_us),
                    .value = draw_value(r)};
}

static void draw_command(struct random *r, struct command *c, const struct recipe *recipe)
{
        c->verb = (enum verb)random_between(r, VERB_RUN, VERB_SHUTDOWN);
        c->role = (enum tool_role)random_between(r, TOOL_ROLE_NONE, TOOL_ROLE_ENGINEER);
        c->reply = random_next(r);
        c->uid = (uint32_t)random_next(r);
        c->pid = (uint32_t)random_next(r);
        c->recipe = random_chance(r, 500) ? recipe : NULL;
        c->tag = (int16_t)random_between(r, TOOL_NONE, tool->tag_count - 1);
        c->value = draw_value(r);
        c->for_us = random_between(r, 0, INT64_C(1) << 50);
        c->now = random_chance(r, 500);
        c->repeat = random_chance(r, 500);
        c->skip = random_chance(r, 500);
        c->after_cycle = random_chance(r, 500);
        c->force = random_chance(r, 500);
        draw_text(r, c->user, sizeof c->user);
        draw_text(r, c->name, sizeof c->name);
        draw_text(r, c->to, sizeof c->to);
        draw_text(r, c->reason, sizeof c->reason);
        draw_text(r, c->text, sizeof c->text);
        draw_text(r, c->refused, sizeof c->refused);
}

static void draw_wrote(struct random *r, struct event *e)
{
        int tag = draw_output(r);
        const struct tool_tag *t = &tool->tags[tag];
        double part = random_part(r);

        e->u.wrote = (struct event_wrote){.tag = (int16_t)tag,
            .cause = (uint8_t)random_below(r, CAUSE_COUNT),
            .ok = random_chance(r, 500),
            .unasked = random_chance(r, 500),
            .id = (uint32_t)random_next(r),
            .value = t->is_bit ? (double)(part > 0.5) : t->limit_min + part * (t->limit_max - t->limit_min),
            .sent_us = draw_time(r, e->now_us),
            .acked_us = draw_time(r, e->now_us)};
}

static void draw_pulse(struct random *r, struct event *e)
{
        e->u.pulse = (struct event_pulse){.id = (uint32_t)random_next(r),
            .tag = (int16_t)draw_output(r),
            .outcome = (uint8_t)random_below(r, PULSE_OUTCOME_COUNT),
            .open_sent_us = draw_time(r, e->now_us),
            .open_acked_us = draw_time(r, e->now_us),
            .close_sent_us = draw_time(r, e->now_us),
            .close_acked_us = draw_time(r, e->now_us),
            .is_device_timed = random_chance(r, 500)};
}

/* Any event, `e` zeroed but for its times. */
static void draw_event(struct random *r, struct event *e, const struct recipe *recipe)
{
        e->kind = (enum event_kind)random_between(r, EVENT_TICK, EVENT_STORE);
        switch (e->kind) {
        case EVENT_TICK:
                break;
        case EVENT_SAMPLES:
                draw_samples(r, e);
                break;
        case EVENT_WROTE:
                draw_wrote(r, e);
                break;
        case EVENT_PULSE:
                draw_pulse(r, e);
                break;
        case EVENT_LINK:
                e->u.link.link = (int16_t)random_below(r, tool->link_count);
                e->u.link.up = random_chance(r, 500);
                draw_text(r, e->u.link.why, sizeof e->u.link.why);
                break;
        case EVENT_WATCHDOG:
                e->u.watchdog.device = (int16_t)random_below(r, tool->device_count);
                e->u.watchdog.status = (uint8_t)random_below(r, 3);
                break;
        case EVENT_COMMAND:
                draw_command(r, &e->u.command, recipe);
                break;
        case EVENT_STORE:
                e->u.store.ok = random_chance(r, 500);
                draw_text(r, e->u.store.why, sizeof e->u.store.why);
                break;
        }
}

static bool same_double(double a, double b)
{
        return memcmp(&a, &b, sizeof a) == 0;
}

static void check_samples(const struct event *a, const struct event *b)
{
        ck_assert_int_eq(a->u.samples.count, b->u.samples.count);
        ck_assert_int_eq(a->u.samples.seq, b->u.samples.seq);
        for (int i = 0; i < a->u.samples.count; i++) {
                const struct sample *s = &a->u.samples.item[i], *t = &b->u.samples.item[i];

                ck_assert(s->tag == t->tag && s->quality == t->quality && s->why == t->why);
                ck_assert_int_eq(s->t_us, t->t_us);
                ck_assert(same_double(s->value, t->value));
        }
}

static void check_wrote(const struct event_wrote *w, const struct event_wrote *x)
{
        ck_assert(w->tag == x->tag && w->cause == x->cause && w->ok == x->ok && w->unasked == x->unasked &&
                  w->id == x->id && w->sent_us == x->sent_us && w->acked_us == x->acked_us &&
                  same_double(w->value, x->value));
}

static void check_pulse(const struct event_pulse *p, const struct event_pulse *q)
{
        ck_assert(p->id == q->id && p->tag == q->tag && p->outcome == q->outcome &&
                  p->open_sent_us == q->open_sent_us && p->open_acked_us == q->open_acked_us &&
                  p->close_sent_us == q->close_sent_us && p->close_acked_us == q->close_acked_us &&
                  p->is_device_timed == q->is_device_timed);
}

static void check_command(const struct command *c, const struct command *d)
{
        ck_assert(c->verb == d->verb && c->role == d->role && c->reply == d->reply && c->uid == d->uid &&
                  c->pid == d->pid && c->recipe == d->recipe && c->tag == d->tag && c->for_us == d->for_us);
        ck_assert(same_double(c->value, d->value));
        ck_assert(c->now == d->now && c->repeat == d->repeat && c->skip == d->skip &&
                  c->after_cycle == d->after_cycle && c->force == d->force);
        ck_assert_str_eq(c->user, d->user);
        ck_assert_str_eq(c->name, d->name);
        ck_assert_str_eq(c->to, d->to);
        ck_assert_str_eq(c->reason, d->reason);
        ck_assert_str_eq(c->text, d->text);
        ck_assert_str_eq(c->refused, d->refused);
}

static void check_same(const struct event *a, const struct event *b)
{
        ck_assert_int_eq(a->kind, b->kind);
        ck_assert_int_eq(a->now_us, b->now_us);
        ck_assert_int_eq(a->wall_us, b->wall_us);
        switch (a->kind) {
        case EVENT_TICK:
                break;
        case EVENT_SAMPLES:
                check_samples(a, b);
                break;
        case EVENT_WROTE:
                check_wrote(&a->u.wrote, &b->u.wrote);
                break;
        case EVENT_PULSE:
                check_pulse(&a->u.pulse, &b->u.pulse);
                break;
        case EVENT_LINK:
                ck_assert(a->u.link.link == b->u.link.link && a->u.link.up == b->u.link.up);
                ck_assert_str_eq(a->u.link.why, b->u.link.why);
                break;
        case EVENT_WATCHDOG:
                ck_assert(a->u.watchdog.device == b->u.watchdog.device &&
                          a->u.watchdog.status == b->u.watchdog.status);
                break;
        case EVENT_COMMAND:
                check_command(&a->u.command, &b->u.command);
                break;
        case EVENT_STORE:
                ck_assert(a->u.store.ok == b->u.store.ok);
                ck_assert_str_eq(a->u.store.why, b->u.store.why);
                break;
        }
}

START_TEST(events_come_back)
{
        static struct recipe recipe;
        static struct event_code there, back;
        static struct event in, out;
        static unsigned char room[EVENT_CODE_MAX];
        struct random r = {(uint64_t)_i};
        int64_t now_us = random_between(&r, 0, INT64_C(1) << 50), offset_us = 1700000000 * TIME_S;

        event_code_init(&there, now_us, now_us + offset_us);
        event_code_init(&back, now_us, now_us + offset_us);
        for (int i = 0; i < 300; i++) {
                struct bytes_out to = {.at = room, .cap = sizeof room};
                struct bytes_in from = {.at = room};

                now_us += random_below(&r, random_chance(&r, 100) ? TIME_H : 50000);
                offset_us +=
                    random_chance(&r, 50) ? random_between(&r, -TIME_H, TIME_H) : random_between(&r, -20, 20);
                memset(&in, 0, sizeof in);
                in.now_us = now_us;
                in.wall_us = now_us + offset_us;
                draw_event(&r, &in, &recipe);
                event_code_put(&there, &in, &to);
                ck_assert(!to.is_full);
                memset(&out, 0xa5, sizeof out);
                from.len = to.len;
                ck_assert_msg(event_code_take(&back, &from, tool, &recipe, &out), "event %d of seed %d, %s",
                    i, _i, event_code_kind(in.kind));
                ck_assert_uint_eq(bytes_left(&from), 0);
                check_same(&in, &out);
                /* No part of an event is an event. */
                from = (struct bytes_in){.at = room, .len = (size_t)random_below(&r, (int64_t)to.len)};
                static struct event_code again;
                again = back;
                again.now_us = in.now_us;
                ck_assert(!event_code_take(&again, &from, tool, &recipe, &out));
        }
}
END_TEST

/* What the core's asserts rely on holds of anything that is taken, and nothing is read past the end (the sanitizers look). */
static void check_sound(const struct event *e, int64_t before_us)
{
        ck_assert_int_ge(e->now_us, before_us);
        if (e->kind == EVENT_SAMPLES) {
                ck_assert(e->u.samples.count >= 0 && e->u.samples.count <= EVENT_SAMPLES_MAX);
                for (int i = 0; i < e->u.samples.count; i++)
                        ck_assert(e->u.samples.item[i].tag >= 0 &&
                                  e->u.samples.item[i].tag < tool->tag_count &&
                                  e->u.samples.item[i].quality <= QUALITY_BAD);
        }
        if (e->kind == EVENT_WROTE)
                ck_assert(tool->tags[e->u.wrote.tag].is_output && e->u.wrote.cause < CAUSE_COUNT);
        if (e->kind == EVENT_PULSE)
                ck_assert(tool->tags[e->u.pulse.tag].is_output && e->u.pulse.outcome < PULSE_OUTCOME_COUNT);
        if (e->kind == EVENT_LINK)
                ck_assert(e->u.link.link >= 0 && e->u.link.link < tool->link_count &&
                          strlen(e->u.link.why) < sizeof e->u.link.why);
        if (e->kind == EVENT_COMMAND)
                ck_assert(verb_at(e->u.command.verb)->is_command && e->u.command.tag < tool->tag_count &&
                          strlen(e->u.command.refused) < sizeof e->u.command.refused);
}

START_TEST(any_bytes_are_events_or_refused)
{
        static struct recipe recipe;
        static struct event_code code;
        static struct event e;
        struct random r = {(uint64_t)_i + 1000};
        size_t len = (size_t)random_between(&r, 1, 400);
        unsigned char *bytes = malloc(len); /* its very size: the sanitizer sees a byte too many */
        int taken = 0;

        for (int round = 0; round < 2000; round++) {
                struct bytes_in in = {.at = bytes, .len = len};
                int64_t before_us = 1000;

                for (size_t i = 0; i < len; i++) /* small numbers lead further in */
                        bytes[i] = (unsigned char)(random_chance(&r, 600) ? random_below(&r, 24)
                                                                          : random_below(&r, 256));
                event_code_init(&code, before_us, 0);
                while (bytes_left(&in) > 0 && event_code_take(&code, &in, tool, &recipe, &e)) {
                        check_sound(&e, before_us);
                        before_us = e.now_us;
                        taken++;
                }
        }
        ck_assert_int_gt(taken, 100); /* else this shows nothing */
        free(bytes);
}
END_TEST

/* ---- a tape in memory ---- */

enum { PIECES_MAX = 4000 };
static struct {
        int count;
        struct tape_piece at[PIECES_MAX];
        size_t bytes;
        int refuse_from, refuse_to; /* pieces offered with these numbers are refused */
        int offered;
} kept;

static bool keep(void *ctx, const struct tape_piece *piece)
{
        unsigned char *bytes = malloc(piece->len + 1);

        (void)ctx;
        if (kept.offered++ >= kept.refuse_from && kept.offered <= kept.refuse_to) {
                free(bytes);
                return false;
        }
        ck_assert(kept.count < PIECES_MAX && bytes != NULL);
        if (piece->len > 0)
                memcpy(bytes, piece->bytes, piece->len);
        kept.at[kept.count] = *piece;
        kept.at[kept.count++].bytes = bytes;
        kept.bytes += piece->len;
        return true;
}

static void forget(void)
{
        for (int i = 0; i < kept.count; i++)
                free((void *)(uintptr_t)kept.at[i].bytes);
        memset(&kept, 0, sizeof kept);
}

static struct tape *new_tape(void)
{
        static const struct tape_sink sink = {.take = keep};
        struct tape *tape = tape_new(&sink);

        ck_assert_ptr_nonnull(tape);
        return tape;
}

/* Somebody sends a recipe that is refused, since a run is under way: the player does not have it. */
static void send_another_recipe(struct scenario *s)
{
        struct recipe *running = s->recipe;

        s->recipe = malloc(sizeof *s->recipe);
        *s->recipe = *running;
        ck_assert_int_eq(scenario_do(s, VERB_RUN), 3);
        free(s->recipe);
        s->recipe = running;
}

/* A run of two cycles with a hold in it, as `keep` got it. */
static struct scenario *record_run(void)
{
        struct scenario *s = scenario_new(0);

        s->tape = new_tape();
        scenario_await(s, MACHINE_STOPPED, 10 * TIME_S);
        ck_assert_int_eq(scenario_do(s, VERB_RESET), 0);
        scenario_await(s, MACHINE_IDLE, 10 * TIME_S);
        scenario_start(s, "2", "5 s");
        scenario_await_open(s, "nb.valve", 1);
        ck_assert_int_eq(scenario_do(s, VERB_HOLD), 0);
        scenario_await(s, MACHINE_HELD, 20 * TIME_S);
        send_another_recipe(s);
        ck_assert_int_eq(scenario_do(s, VERB_RESUME), 0);
        scenario_await(s, MACHINE_COMPLETE, 12 * TIME_H);
        scenario_run(s, TIME_S);
        tape_free(s->tape);
        s->tape = NULL;
        return s;
}

/* Play all that was kept; the last answer. */
static enum player_is play(
    const struct tool *with, const struct recipe *recipe, struct player_state *state, char why[128])
{
        struct player *p = player_new(with, recipe);
        enum player_is is = PLAYER_SAME;

        ck_assert_ptr_nonnull(p);
        why[0] = '\0';
        for (int i = 0; i < kept.count && is == PLAYER_SAME; i++)
                is = player_take(p, &kept.at[i], why, 128);
        player_get_state(p, state);
        player_free(p);
        return is;
}

START_TEST(a_run_is_decided_the_same)
{
        struct scenario *s = record_run();
        struct tool *other = support_tool(SUPPORT_TOOL); /* elsewhere in memory */
        struct player_state state;
        char why[128];

        ck_assert_int_eq(kept.at[0].kind, TAPE_SNAPSHOT);
        ck_assert_int_eq(kept.at[kept.count - 1].kind, TAPE_END);
        ck_assert_msg(
            play(other, s->recipe, &state, why) == PLAYER_SAME, "%s at event %lld", why, (long long)state.n);
        ck_assert(state.is_ended && !state.is_lost && state.lost == 0);
        ck_assert_int_eq(state.events, kept.at[kept.count - 1].n - 1);
        ck_assert_int_gt(state.events, 500);
        ck_assert_int_gt(state.effects, 500);
        double lasted_s = (double)(state.now_us - state.start_us) / (double)TIME_S;
        printf("%lld events, %.1f bytes each, %.0f bytes/s, %.1f turns/s; image %u bytes\n",
            (long long)state.events, (double)(kept.bytes - kept.at[0].len) / (double)state.events,
            (double)kept.bytes / lasted_s, (double)state.events / lasted_s, kept.at[0].len);
        free(other);
        scenario_free(s);
        forget();
}
END_TEST

/* Another plan is another decision: the first turn that follows it is found. */
START_TEST(another_recipe_differs)
{
        struct scenario *s = record_run();
        struct file_set sets[] = {{"cycles", "2"}, {"purge", "6 s"}, {"base", "2 s"}, {"settle", "2 s"},
            {"cool", "120 degC"}, {"last_purge", "5 s"}};
        struct recipe *other = support_recipe(s->tool, SUPPORT_RECIPE, sets, sizeof sets / sizeof sets[0]);
        struct player_state state;
        char why[128];

        ck_assert_int_eq(play(s->tool, other, &state, why), PLAYER_DIFFERS);
        ck_assert_int_gt(state.n, 100); /* not before the first purge */
        recipe_free(other);
        scenario_free(s);
        forget();
}
END_TEST

static void set_sum(struct tape_piece *piece)
{
        struct bytes_out sum = {.at = (unsigned char *)(uintptr_t)piece->bytes + piece->len - 4, .cap = 4};

        bytes_put_fixed(&sum, tape_sum(piece->n, piece->bytes, piece->len - 4), 4);
}

/* One sample other than it was, its piece's sum made right again: the core sees another value, and the place is found. */
START_TEST(another_sample_differs)
{
        struct scenario *s = record_run();
        struct player_state state;
        int found = 0, tried = 0;
        char why[128];

        for (int i = 1; i < kept.count; i++) {
                struct tape_piece *piece = &kept.at[i];
                unsigned char *bytes = (unsigned char *)(uintptr_t)piece->bytes;
                uint32_t at = piece->len / 2;
                enum player_is is;

                if (piece->kind != TAPE_EVENTS)
                        continue;
                bytes[at] ^= 0x10;
                set_sum(piece);
                is = play(s->tool, s->recipe, &state, why);
                ck_assert_int_ne(is, PLAYER_FOREIGN);
                if (is != PLAYER_SAME) {
                        ck_assert_int_ge(state.n, piece->n - 1);
                        ck_assert_msg(i + 1 == kept.count || state.n < kept.at[i + 1].n + 100,
                            "found at event %lld only", (long long)state.n);
                }
                found += is != PLAYER_SAME;
                tried++;
                bytes[at] ^= 0x10;
                set_sum(piece);
        }
        ck_assert_int_gt(tried, 20);
        ck_assert_msg(found * 10 >= tried * 7, "%d of %d", found, tried); /* some bits decide nothing */
        ck_assert_int_eq(play(s->tool, s->recipe, &state, why), PLAYER_SAME);
        scenario_free(s);
        forget();
}
END_TEST

/* Any byte that is not as it was written is found before a decision is made of it. */
START_TEST(damage_is_told_from_a_difference)
{
        struct scenario *s = record_run();
        struct random r = {7};
        struct player_state state;
        char why[128];

        for (int i = 0; i < 200; i++) {
                struct tape_piece *piece = &kept.at[i < 50 ? 0 : random_below(&r, kept.count)];
                unsigned char *byte;

                if (piece->len == 0)
                        continue;
                byte = (unsigned char *)(uintptr_t)piece->bytes + random_below(&r, piece->len);
                unsigned char was = *byte;
                *byte ^= (unsigned char)(1 << random_below(&r, 8));
                ck_assert_int_eq(play(s->tool, s->recipe, &state, why), PLAYER_DAMAGED);
                ck_assert_int_eq(state.n, piece->n > 0 ? piece->n - 1 : 0);
                *byte = was;
        }
        /* A piece that is missing, doubled, cut or at another's place. */
        struct tape_piece held = kept.at[3];
        kept.at[3] = kept.at[2];
        ck_assert_int_eq(play(s->tool, s->recipe, &state, why), PLAYER_DAMAGED);
        kept.at[3] = held;
        kept.at[3].len /= 2;
        ck_assert_int_eq(play(s->tool, s->recipe, &state, why), PLAYER_DAMAGED);
        kept.at[3] = kept.at[4];
        ck_assert_int_eq(play(s->tool, s->recipe, &state, why), PLAYER_DAMAGED);
        ck_assert_ptr_nonnull(strstr(why, "events are missing after event "));
        kept.at[3] = held;
        ck_assert_int_eq(play(s->tool, s->recipe, &state, why), PLAYER_SAME);
        scenario_free(s);
        forget();
}
END_TEST

/* Pieces were refused for a time: the tape says from where on, and goes on from a new image. */
START_TEST(a_gap_is_told_and_got_over)
{
        struct scenario *s;
        struct player_state state;
        int gaps = 0, snapshots = 0;
        char why[128];

        kept.refuse_from = _i == 0 ? 10 : 0; /* in the middle; or from the run's first image on */
        kept.refuse_to = kept.refuse_from + 40;
        s = record_run();
        for (int i = 0; i < kept.count; i++) {
                gaps += kept.at[i].kind == TAPE_GAP;
                snapshots += kept.at[i].kind == TAPE_SNAPSHOT;
                ck_assert_msg(i == 0 || kept.at[i].n > kept.at[i - 1].n, "numbers of rows differ");
        }
        ck_assert_int_eq(gaps, 1);
        ck_assert_int_eq(snapshots, _i == 0 ? 2 : 1);
        ck_assert_int_eq(play(s->tool, s->recipe, &state, why), PLAYER_SAME);
        ck_assert(state.is_ended && !state.is_lost);
        ck_assert_int_gt(state.lost, 10);
        ck_assert_int_eq(state.events + state.lost, kept.at[kept.count - 1].n - (_i == 0 ? 1 : 0));
        scenario_free(s);
        forget();
}
END_TEST

/* ---- images ---- */

static unsigned char *image_of(const struct core *core, size_t *len)
{
        struct bytes_out out = {.cap = core_image_size_max()};

        out.at = malloc(out.cap);
        core_image_put(core, &out);
        ck_assert(!out.is_full);
        *len = out.len;
        return out.at;
}

static struct scenario *run_for(int64_t us)
{
        struct scenario *s = scenario_new(0);

        scenario_await(s, MACHINE_STOPPED, 10 * TIME_S);
        ck_assert_int_eq(scenario_do(s, VERB_RESET), 0);
        scenario_await(s, MACHINE_IDLE, 10 * TIME_S);
        scenario_start(s, "2", "5 s");
        scenario_run(s, us);
        return s;
}

/* Nothing of the place in memory is in an image: the same history gives the same bytes. And it comes back whole. */
START_TEST(an_image_is_the_core)
{
        struct scenario *a = run_for(12 * TIME_S), *b = run_for(12 * TIME_S);
        const struct core_start start = {.next_run_id = 1};
        struct core *core = core_new(b->tool, &start);
        size_t len, len_b;
        unsigned char *image = image_of(virtual_core(a->v), &len);
        unsigned char *image_b = image_of(virtual_core(b->v), &len_b);
        struct bytes_in in = {.at = image, .len = len};
        int64_t now_us, wall_us;

        ck_assert_uint_eq(len, len_b);
        ck_assert(memcmp(image, image_b, len) == 0);
        free(image_b);
        ck_assert_int_eq(core_image_take(core, &in, b->recipe, &now_us, &wall_us), CORE_IMAGE_TAKEN);
        ck_assert_int_eq(now_us, virtual_now(a->v));
        image_b = image_of(core, &len_b);
        ck_assert_uint_eq(len, len_b);
        ck_assert(memcmp(image, image_b, len) == 0);
        free(image_b);
        free(image);
        core_free(core);
        scenario_free(a);
        scenario_free(b);
}
END_TEST

/* Another layout is refused by name; its sum is right, so it is no damage. */
START_TEST(an_image_of_another_layout_is_foreign)
{
        struct scenario *s = run_for(TIME_S);
        size_t len;
        unsigned char *image = image_of(virtual_core(s->v), &len);
        struct bytes_out sum = {.at = image + len - 8, .cap = 8};
        struct bytes_in in = {.at = image, .len = len};
        int64_t now_us, wall_us;

        image[0] ^= 1;
        bytes_put_fixed(&sum, trace_fold_bytes(TRACE_START, image, (uint32_t)len - 8), 8);
        ck_assert_int_eq(
            core_image_take(virtual_core(s->v), &in, s->recipe, &now_us, &wall_us), CORE_IMAGE_FOREIGN);
        free(image);
        scenario_free(s);
}
END_TEST

/* ---- the ring ---- */

static struct tape_piece piece_of(int64_t n, unsigned char *room)
{
        uint32_t len = (uint32_t)(n * 7919 % 600);

        memset(room, (int)(n & 0xff), len);
        return (struct tape_piece){
            .kind = TAPE_EVENTS, .run_id = 3, .n = n, .wall_us = n * 10, .bytes = room, .len = len};
}

static void check_piece(const struct tape_piece *got, int64_t n)
{
        unsigned char room[600];
        struct tape_piece want = piece_of(n, room);

        ck_assert_int_eq(got->n, want.n);
        ck_assert_int_eq(got->wall_us, want.wall_us);
        ck_assert(got->kind == want.kind && got->run_id == want.run_id && got->len == want.len);
        ck_assert(memcmp(got->bytes, want.bytes, want.len) == 0);
}

START_TEST(the_ring_keeps_order_and_content)
{
        struct inputq *q = inputq_new(4096);
        int64_t in = 0, out = 0;

        for (int round = 0; round < 5000; round++) { /* many times round the ring */
                unsigned char room[600];
                struct tape_piece piece = piece_of(in, room), got;
                uint32_t place = 0;

                in += inputq_push(q, &piece);
                if (round % 3 != 0)
                        continue;
                for (int i = 0; i < round % 5 && inputq_next(q, &place, &got); i++)
                        check_piece(&got, out++);
                inputq_release(q, place);
        }
        ck_assert_int_gt(out, 1000);
        inputq_free(q);
}
END_TEST

START_TEST(a_full_ring_refuses_until_it_is_half_empty)
{
        struct inputq *q = inputq_new(4096);
        unsigned char room[600] = {0};
        struct tape_piece piece = {.kind = TAPE_EVENTS, .n = 1, .bytes = room, .len = 200}, got;
        uint32_t place = 0, used;

        while (inputq_push(q, &piece))
                ck_assert_uint_le(inputq_used(q), inputq_max(q));
        used = inputq_used(q);
        ck_assert_uint_gt(used, 4096 - 248);
        ck_assert(inputq_next(q, &place, &got));
        inputq_release(q, place);
        ck_assert(!inputq_push(q, &piece)); /* there is room for one, but no half */
        place = 0;
        while (inputq_used(q) - place > inputq_max(q) / 2)
                ck_assert(inputq_next(q, &place, &got));
        inputq_release(q, place);
        ck_assert(inputq_push(q, &piece));
        piece.len = 4096; /* never */
        ck_assert(!inputq_push(q, &piece));
        inputq_free(q);
}
END_TEST

enum { THREAD_PIECES = 20000 };

static void *produce(void *ctx)
{
        struct inputq *q = ctx;
        unsigned char room[600];

        for (int64_t n = 0; n < THREAD_PIECES;) {
                struct tape_piece piece = piece_of(n, room);

                if (inputq_push(q, &piece))
                        n++;
                else
                        sched_yield();
        }
        return NULL;
}

START_TEST(two_threads_share_the_ring)
{
        struct inputq *q = inputq_new(16384);
        pthread_t thread;

        pthread_create(&thread, NULL, produce, q);
        for (int64_t n = 0; n < THREAD_PIECES;) {
                struct tape_piece got;
                uint32_t place = 0;

                while (inputq_next(q, &place, &got))
                        check_piece(&got, n++);
                inputq_release(q, place);
                if (place == 0)
                        sched_yield();
        }
        pthread_join(thread, NULL);
        ck_assert_uint_eq(inputq_used(q), 0);
        inputq_free(q);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("tape");
        TCase *code = tcase_create("code"), *run = tcase_create("run"), *ring = tcase_create("ring");

        tcase_add_checked_fixture(code, load_tool, free_tool);
        tcase_add_loop_test(code, events_come_back, 0, 50);
        tcase_add_loop_test(code, any_bytes_are_events_or_refused, 0, 20);
        tcase_set_timeout(run, 120);
        tcase_add_test(run, a_run_is_decided_the_same);
        tcase_add_test(run, another_recipe_differs);
        tcase_add_test(run, another_sample_differs);
        tcase_add_test(run, damage_is_told_from_a_difference);
        tcase_add_loop_test(run, a_gap_is_told_and_got_over, 0, 2);
        tcase_add_test(run, an_image_is_the_core);
        tcase_add_test(run, an_image_of_another_layout_is_foreign);
        tcase_add_test(ring, the_ring_keeps_order_and_content);
        tcase_add_test(ring, a_full_ring_refuses_until_it_is_half_empty);
        tcase_add_test(ring, two_threads_share_the_ring);
        suite_add_tcase(suite, code);
        suite_add_tcase(suite, run);
        suite_add_tcase(suite, ring);
        return suite_main(suite);
}
