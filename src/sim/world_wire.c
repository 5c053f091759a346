#include "world_state.h" /* struct world */

#include "ald/base/text.h"      /* text_copy */
#include "ald/base/time.h"      /* TIME_NEVER, time_min */
#include "ald/link/codec.h"     /* codec_decode, codec_words */
#include "ald/link/registers.h" /* registers_are_bits */

#include <assert.h> /* assert */
#include <math.h>   /* isfinite */
#include <string.h> /* memcpy */

/* What a healthy wire and device take, us (a bare loop over loopback and a module on Ethernet). */
enum {
        THERE_US_MIN = 100,
        THERE_US_MAX = 600,
        BACK_US_MIN = 200,
        BACK_US_MAX = 1400,
        CONNECT_US_MIN = 200,
        CONNECT_US_MAX = 1000,
        CLOSE_US_MIN = 5,
        CLOSE_US_MAX = 30,
        NOTICE_US_MAX = 100, /* to see that a call's time is over */
        STRAY_US_MAX = 3000  /* behind the answer that it repeats */
};

static struct world_call *call_of(struct world *w, int link)
{
        return &w->links[link].call;
}

/* What the call under way will be answered with, and when. */
static void answer_at(struct world_call *call, int64_t t_us, enum sched_outcome outcome, const char *text)
{
        call->answer_us = t_us;
        call->result.outcome = outcome;
        text_copy(call->result.text, sizeof call->result.text, text);
}

/* ---- A call begins ---- */

static bool is_request(const struct sched_action *a)
{
        return a->kind == SCHED_READ || a->kind == SCHED_WRITE;
}

static void begin_connect(struct world *w, int link)
{
        int64_t t_us = w->now_us + random_between(&w->on_wire, CONNECT_US_MIN, CONNECT_US_MAX);
        int fault = world_fault_draw(w, link, TOOL_NONE, true);

        if (fault == WORLD_NO_FAULT)
                answer_at(call_of(w, link), t_us, SCHED_OK, "");
        else if (w->wires[fault].fault.kind == WORLD_REFUSED)
                answer_at(call_of(w, link), t_us, SCHED_CLOSED, "Connection refused");
}

static void put_request(struct world *w, const struct world_request *q)
{
        if (w->request_count == WORLD_REQUESTS)
                return; /* lost */
        w->requests[w->request_count++] = *q;
        w->arrive_us = time_min(w->arrive_us, q->arrive_us);
}

static void befall(struct world *w, struct world_request *q, const struct world_wire *fault)
{
        q->fault = (int)fault->kind;
        q->fault_us = fault->us;
        q->number = fault->number;
        if (fault->kind != WORLD_LATE || random_chance(&w->on_fault, 500))
                return;
        q->arrive_us +=
            fault->us; /* the request is late, not its answer: it may be done after it was given up */
        q->fault = WORLD_NO_FAULT;
}

static void begin_request(struct world *w, int link)
{
        struct world_call *call = call_of(w, link);
        struct world_request q = {.n = call->n,
            .link = link,
            .device = call->device,
            .action = call->action,
            .fault = WORLD_NO_FAULT,
            .sent_us = w->now_us};
        int fault;

        if (!w->links[link].is_connected || call->action.limit_us <= w->now_us) {
                bool is_late =
                    w->links[link].is_connected; /* the thread was held up: sending would be too late */

                answer_at(call, w->now_us, is_late ? SCHED_TIMEOUT : SCHED_CLOSED, "");
                return;
        }
        q.arrive_us = w->now_us + random_between(&w->on_wire, THERE_US_MIN, THERE_US_MAX);
        q.back_us = random_between(&w->on_wire, BACK_US_MIN, BACK_US_MAX);
        fault = world_fault_draw(w, link, q.device, false);
        if (fault != WORLD_NO_FAULT)
                befall(w, &q, &w->wires[fault].fault);
        if (q.fault == WORLD_RESET && random_chance(&w->on_fault, 500))
                answer_at(
                    call, q.arrive_us, SCHED_CLOSED, "Connection reset by peer"); /* before it was read */
        else if (q.fault != WORLD_LOST && q.device != TOOL_NONE)
                put_request(w, &q);
}

void world_call_begin(struct world *w, int link)
{
        struct world_call *call = call_of(w, link);
        struct world_note n = world_note(w, WORLD_CALL);

        call->n = ++w->call_n;
        call->device =
            is_request(&call->action) ? world_find_device(w, link, call->action.slave_id) : TOOL_NONE;
        call->answer_us = TIME_NEVER;
        call->give_up_us = call->action.kind == SCHED_CLOSE
                               ? TIME_NEVER
                               : call->action.limit_us + random_below(&w->on_worker, NOTICE_US_MAX);
        call->result.exception = 0;
        call->result.text[0] = '\0';
        call->result.sent_us = w->now_us;
        n.link = link;
        n.device = call->device;
        n.action = &call->action;
        world_tell(w, &n);
        if (call->action.kind == SCHED_CONNECT)
                begin_connect(w, link);
        else if (call->action.kind == SCHED_CLOSE)
                answer_at(
                    call, w->now_us + random_between(&w->on_wire, CLOSE_US_MIN, CLOSE_US_MAX), SCHED_OK, "");
        else
                begin_request(w, link);
}

/* ---- It arrives, and is answered ---- */

/* Bytes of the answer's frame: header, function and what it carries. */
static int64_t answer_bytes(const struct sched_action *a, int exception)
{
        if (exception != 0)
                return 9;
        if (a->kind == SCHED_WRITE)
                return 12;
        return 9 + (registers_are_bits(a->reg) ? (a->count + 7) / 8 : 2 * a->count);
}

/* When the answer is there, as far as it comes at all. */
static int64_t answer_time(
    const struct world *w, const struct world_request *q, int exception, int64_t delay_us)
{
        int64_t t_us = w->now_us + q->back_us + (delay_us > 0 ? delay_us : 0);

        if (q->fault == WORLD_LATE)
                t_us += q->fault_us;
        if (q->fault == WORLD_DRIPPED) /* the call's time bounds the whole answer (SAFETY, trap 2) */
                t_us += answer_bytes(&q->action, exception) * q->fault_us;
        return t_us;
}

/* Cut off in the middle it is waited for in vain; cut short by its sender it is a frame, but the wrong one. */
static void answer_in_part(struct world *w, struct world_call *call, int64_t t_us)
{
        if (random_chance(&w->on_fault, 500))
                answer_at(call, t_us, SCHED_BAD_FRAME, "the reply has another length than was asked for");
}

static void answer_whole(struct world_call *call, int64_t t_us, int exception, const uint16_t *words)
{
        answer_at(call, t_us, exception != 0 ? SCHED_EXCEPTION : SCHED_OK, "");
        call->result.exception = exception;
        if (call->action.kind == SCHED_READ && exception == 0)
                memcpy(call->result.words, words, sizeof words[0] * (size_t)call->action.count);
}

static void answer(struct world *w, const struct world_request *q, int exception, const uint16_t *words)
{
        struct world_call *call = call_of(w, q->link);
        int64_t delay_us = sim_wire_delay(w->sim, q->device, q->action.kind == SCHED_WRITE);
        int64_t t_us = answer_time(w, q, exception, delay_us);

        if (delay_us == -2 || q->fault == WORLD_RESET)
                answer_at(call, t_us, SCHED_CLOSED, "Connection reset by peer");
        else if (delay_us < 0 || q->fault == WORLD_MUTE)
                return;
        else if (q->fault == WORLD_WRONG_UNIT)
                answer_at(call, t_us, SCHED_BAD_FRAME, "the reply comes from another unit");
        else if (q->fault == WORLD_TRUNCATED)
                answer_in_part(w, call, t_us);
        else
                answer_whole(call, t_us, exception, words);
        if (q->fault == WORLD_DUPLICATED)
                w->links[q->link].stray_us = t_us + random_below(&w->on_fault, STRAY_US_MAX);
}

static void arrive(struct world *w, const struct world_request *q)
{
        struct world_note n = world_note(w, WORLD_REQUEST);
        uint16_t words[SCHED_WORDS_MAX];
        int exception = q->number;

        if (q->fault != WORLD_EXCEPTION)
                exception = world_device_serve(w, q, words);
        if (exception < 0)
                return; /* nobody is there */
        n.link = q->link;
        n.device = q->device;
        n.action = &q->action;
        n.number = exception;
        n.sent_us = q->sent_us;
        world_tell(w, &n);
        if (call_of(w, q->link)->n == q->n)
                answer(w, q, exception, words);
}

/* The first to arrive, or -1. */
static int find_first(const struct world *w)
{
        int first = -1;

        for (int i = 0; i < w->request_count; i++) {
                const struct world_request *q = &w->requests[i];

                if (first < 0 || q->arrive_us < w->requests[first].arrive_us ||
                    (q->arrive_us == w->requests[first].arrive_us && q->n < w->requests[first].n))
                        first = i;
        }
        return first;
}

void world_requests_arrive(struct world *w)
{
        int i = find_first(w);

        while (i >= 0 && w->requests[i].arrive_us <= w->now_us) {
                struct world_request q = w->requests[i];

                w->requests[i] = w->requests[--w->request_count];
                arrive(w, &q);
                i = find_first(w);
        }
        w->arrive_us = i >= 0 ? w->requests[i].arrive_us : TIME_NEVER;
}

/* ---- A call ends ---- */

/* When bytes that belong to no request meet the call, TIME_NEVER = they do not. */
static int64_t stray_due(const struct world *w, int link)
{
        const struct world_link *l = &w->links[link];

        return is_request(&l->call.action) ? l->stray_us : TIME_NEVER;
}

int64_t world_call_due(const struct world *w, int link)
{
        const struct world_call *call = &w->links[link].call;

        return time_min(time_min(call->answer_us, stray_due(w, link)), call->give_up_us);
}

static int end_of(const struct tool_tag *t)
{
        return t->address + (registers_are_bits(t->reg) ? 1 : codec_words(t->type));
}

/* The tags of a planned read that this one brings: all, or those of the part that is read around a point that is refused. */
static void tell_samples(struct world *w, int link, const struct plan_request *from)
{
        const struct world_call *call = call_of(w, link);
        const struct sched_action *a = &call->action;

        for (int i = 0; i < from->tag_count; i++) {
                const struct tool_tag *t = &w->tool->tags[from->tags[i]];
                struct world_note n = world_note(w, WORLD_SAMPLE);

                if (t->address < a->address || end_of(t) > a->address + a->count)
                        continue;
                n.link = link;
                n.device = call->device;
                n.tag = from->tags[i];
                n.value = codec_decode(t, call->result.words + (t->address - call->action.address));
                n.sent_us = call->result.sent_us;
                world_tell(w, &n);
        }
}

static void tell_answer(struct world *w, int link)
{
        const struct world_call *call = call_of(w, link);
        const struct sched_action *a = &call->action;
        const struct plan *plan = &w->links[link].plan;
        struct world_note n = world_note(w, WORLD_ANSWER);

        n.link = link;
        n.device = call->device;
        n.action = a;
        n.outcome = call->result.outcome;
        n.number = call->result.exception;
        n.sent_us = call->result.sent_us;
        world_tell(w, &n);
        if (a->kind != SCHED_READ || call->result.outcome != SCHED_OK)
                return;
        for (int i = 0; i < plan->count; i++)
                if (plan->request[i].device == call->device && plan->request[i].reg == a->reg &&
                    plan->request[i].address <= a->address &&
                    plan->request[i].address + plan->request[i].count >= a->address + a->count)
                        tell_samples(w, link, &plan->request[i]);
}

void world_call_end(struct world *w, int link)
{
        struct world_link *l = &w->links[link];
        struct world_call *call = &l->call;

        if (stray_due(w, link) <= time_min(w->now_us, call->answer_us))
                answer_at(call, w->now_us, SCHED_BAD_FRAME, "the reply belongs to another request");
        else if (call->answer_us > w->now_us)
                answer_at(call, w->now_us, SCHED_TIMEOUT, "Connection timed out");
        call->result.done_us = w->now_us;
        if (call->action.kind == SCHED_CLOSE)
                world_disconnect(w, link);
        if (call->action.kind == SCHED_CONNECT && call->result.outcome == SCHED_OK)
                l->is_connected = true;
        tell_answer(w, link);
        call->n = 0;
}

void world_disconnect(struct world *w, int link)
{
        w->links[link].is_connected = false;
        w->links[link].stray_us = TIME_NEVER;
}
