/* What is granted and what is refused, by a model of latches, control and the disk that is kept here (T2, T3, A2, L2). */
#include "check.h"

#include "ald/base/time.h" /* TIME_S */

#include <stdio.h>  /* snprintf */
#include <string.h> /* memset, strcmp, strstr */

/* ---- T2, T3: what is latched ---- */

struct latches {
        bool is_latched;
        char first[TOOL_NAME_MAX + 16]; /* the first-out */
};

/* The core tells each trip that latches; what was latched before a process began ended with it. */
static void fold_latches(struct latches *m, const struct seen *s, const struct world_note *n)
{
        if (n->kind == WORLD_BEGUN || (n->kind == WORLD_REPLY && seen_resets(s, n)))
                m->is_latched = false;
        if (!seen_event(n, "trip") || m->is_latched)
                return;
        m->is_latched = true;
        snprintf(m->first, sizeof m->first, "%s", n->record->u.event.source);
}

static void see_start(struct check_context *c, const struct world_note *n)
{
        struct latches *m = c->mine;
        const struct command *k = seen_command(c->seen);

        if (n->kind == WORLD_REPLY && m->is_latched && k != NULL && n->reply->code == 0 &&
            (k->verb == VERB_RUN || (k->verb == VERB_OPEN && seen_is_dosing(c->tool, k->tag))))
                check_fail(c, "%s was granted to %s with %s latched",
                    k->verb == VERB_RUN ? "a run" : "an opening", k->user, m->first);
        fold_latches(m, c->seen, n);
}

static bool names_latch(enum verb verb)
{
        return verb == VERB_RUN || verb == VERB_RESET || verb == VERB_RESUME || verb == VERB_HOLD ||
               verb == VERB_STOP || verb == VERB_CONFIRM;
}

/* A run that waits for an external cause names that instead. */
static bool is_suspend(const struct tool *tool, const char *id)
{
        for (int i = 0; i < tool->interlock_count; i++)
                if (tool->interlocks[i].kind == TOOL_SUSPEND && strcmp(tool->interlocks[i].id, id) == 0)
                        return true;
        return false;
}

static void see_first(struct check_context *c, const struct world_note *n)
{
        struct latches *m = c->mine;
        const struct command *k = seen_command(c->seen);

        if (n->kind == WORLD_REPLY && k != NULL && n->reply->code != 0 && n->reply->interlock[0] != '\0' &&
            names_latch(k->verb) && !is_suspend(c->tool, n->reply->interlock) &&
            (!m->is_latched || strcmp(n->reply->interlock, m->first) != 0))
                check_fail(c, "a refusal names %s, and first-out is %s", n->reply->interlock,
                    m->is_latched ? m->first : "nothing");
        fold_latches(m, c->seen, n);
}

/* ---- T1: what a trip sets beyond the image stays set until the reset ---- */

struct forced {
        int64_t since_us[TOOL_INTERLOCKS_MAX]; /* latched since; 0 = not */
};

static void judge_forced(struct check_context *c, int i, int64_t since_us, int64_t now_us)
{
        const struct tool_interlock *lock = &c->tool->interlocks[i];

        for (int k = 0; k < lock->set_count; k++) {
                int tag = lock->set[k].tag;
                double off = c->seen->out[tag].value - lock->set[k].value;

                if ((off > c->tool->tags[tag].verify_within || -off > c->tool->tags[tag].verify_within) &&
                    seen_output_is_well(c->seen, tag, since_us) && seen_is_awake(c->seen, since_us) &&
                    seen_lived(c->seen, since_us) && now_us - since_us > CHECK_FREE_US)
                        check_fail(c, "%s is latched for %lld ms and sets %s to %g, which is at %g", lock->id,
                            (long long)((now_us - since_us) / TIME_MS), c->tool->tags[tag].name,
                            lock->set[k].value, c->seen->out[tag].value);
        }
}

static void see_forced(struct check_context *c, const struct world_note *n)
{
        struct forced *m = c->mine;

        if (n->kind == WORLD_BEGUN || (n->kind == WORLD_REPLY && seen_resets(c->seen, n)))
                memset(m, 0, sizeof *m);
        for (int i = 0; i < c->tool->interlock_count; i++) {
                if (seen_event(n, "trip") &&
                    strcmp(n->record->u.event.source, c->tool->interlocks[i].id) == 0)
                        m->since_us[i] = n->t_us;
                if (n->kind == WORLD_TURN && m->since_us[i] != 0)
                        judge_forced(c, i, m->since_us[i], n->t_us);
        }
}

/* ---- T1: nothing goes before the safe values of an abort ---- */

struct urgent {
        int64_t since_us; /* an abort began; 0 = none is under way, or not everything went well in it */
};

/* A value that a trip sets instead goes out like any other. */
static bool is_set_by_trip(const struct tool *tool, int tag)
{
        for (int i = 0; i < tool->interlock_count; i++)
                for (int k = 0; k < tool->interlocks[i].set_count; k++)
                        if (tool->interlocks[i].set[k].tag == tag)
                                return true;
        return false;
}

/* An output of this link that is away from safe, and whose safe value has not been sent yet. */
static int find_unsent(const struct check_context *c, int link, int64_t since_us)
{
        for (int i = 0; i < c->tool->tag_count; i++) {
                const struct tool_tag *t = &c->tool->tags[i];

                if (t->is_output && !is_set_by_trip(c->tool, i) && c->tool->devices[t->device].link == link &&
                    c->seen->out[i].told_us != SEEN_NEVER &&
                    !seen_is_safe(c->tool, i, c->seen->out[i].told) && c->seen->out[i].asked_us < since_us)
                        return i;
        }
        return TOOL_NONE;
}

static void see_urgent(struct check_context *c, const struct world_note *n)
{
        struct urgent *m = c->mine;
        enum machine_state from, to;
        int tag;

        if (n->kind == WORLD_BEGUN || n->kind == WORLD_STALL ||
            (n->kind == WORLD_ANSWER && n->outcome != SCHED_OK))
                m->since_us = 0;
        if (n->kind == WORLD_RECORD && seen_transition(n->record, &from, &to))
                m->since_us = to == MACHINE_ABORTING ? n->t_us : 0;
        if (n->kind != WORLD_CALL || n->action->kind != SCHED_READ || m->since_us == 0 ||
            n->t_us == m->since_us)
                return;
        tag = find_unsent(c, n->link, m->since_us);
        if (tag >= 0)
                check_fail(c, "link %s polls in an abort, before %s was made safe",
                    c->tool->links[n->link].name, c->tool->tags[tag].name);
}

/* ---- A2: nobody is refused for want of control that nobody has ---- */

struct holder {
        bool is_held;
        char user[TOOL_NAME_MAX];
        int64_t used_us; /* by a command of his, whichever */
};
/* The lapse is looked at in each turn. */
#define LAPSE_SLACK_US TIME_S

static bool takes(enum verb verb)
{
        return verb == VERB_RUN || verb == VERB_HOLD || verb == VERB_RESUME || verb == VERB_STOP ||
               verb == VERB_RESET || verb == VERB_CONFIRM;
}

static void fold_control(struct holder *m, const struct command *k, int64_t t_us)
{
        bool is_release = k->verb == VERB_CONTROL && strcmp(k->name, "release") == 0;

        if (is_release)
                m->is_held = k->to[0] != '\0';
        else if (k->verb == VERB_CONTROL || takes(k->verb))
                m->is_held = true;
        else
                return;
        snprintf(m->user, sizeof m->user, "%s", is_release ? k->to : k->user);
        m->used_us = t_us;
}

static void see_control(struct check_context *c, const struct world_note *n)
{
        struct holder *m = c->mine;
        const struct command *k = seen_command(c->seen);
        int64_t lapse_us = c->tool->control_lapse_us > 0 ? c->tool->control_lapse_us : 10 * TIME_MIN;

        if (n->kind == WORLD_BEGUN)
                m->is_held = false;
        if (n->kind != WORLD_REPLY || k == NULL)
                return;
        if (m->is_held && n->t_us - m->used_us > lapse_us + LAPSE_SLACK_US &&
            seen_is_awake(c->seen, n->t_us - LAPSE_SLACK_US))
                m->is_held = false;
        if (takes(k->verb) && n->reply->code != 0 && strstr(n->reply->text, " needs control, and ") != NULL &&
            !m->is_held)
                check_fail(c, "%s was refused, and nobody has control: %s", k->user, n->reply->text);
        if (n->reply->code == 0)
                fold_control(m, k, n->t_us);
        if (m->is_held && strcmp(m->user, k->user) == 0)
                m->used_us = n->t_us;
}

/* ---- L2: no run begins on a full disk ---- */

struct disk {
        int64_t full_us, stored_us; /* full since, 0 = not; last record that was stored */
};
/* Samples go to the disk every second, and what fails is tried again every quarter of one: by then it is known. */
#define KNOWN_US INT64_C(3000000)

static void see_disk(struct check_context *c, const struct world_note *n)
{
        struct disk *m = c->mine;
        const struct command *k = seen_command(c->seen);

        if (n->kind == WORLD_FAULT && n->text != NULL && strcmp(n->text, "disk full") == 0)
                m->full_us = n->flag ? n->t_us : 0;
        if (n->kind == WORLD_STORED)
                m->stored_us = n->t_us;
        if (n->kind != WORLD_REPLY || k == NULL || n->reply->code != 0 || m->full_us == 0 ||
            n->t_us - m->full_us < KNOWN_US || n->t_us - m->stored_us < KNOWN_US ||
            !seen_lived(c->seen, n->t_us - KNOWN_US) || !seen_is_awake(c->seen, n->t_us - TIME_S))
                return;
        if (k->verb == VERB_RUN || k->verb == VERB_RESUME ||
            (k->verb == VERB_OPEN && seen_is_dosing(c->tool, k->tag)))
                check_fail(c, "%s was granted %s on a disk that has been full for %lld s", k->user,
                    k->verb == VERB_OPEN ? "an opening" : "a run",
                    (long long)((n->t_us - m->full_us) / TIME_S));
}

/* ---- L2: records that found no place are told of, all of them ---- */

struct losses {
        int64_t lost, told;    /* in this life */
        bool is_full, is_slow; /* the disk, now */
        bool was_ill;          /* either, as the process began: then nothing is kept at all */
};

static void see_losses(struct check_context *c, const struct world_note *n)
{
        struct losses *m = c->mine;
        long long count;
        bool is_ill;

        /* One begins while the other ends. */
        if (n->kind == WORLD_FAULT && strcmp(n->text, "disk full") == 0)
                m->is_full = n->flag;
        if (n->kind == WORLD_FAULT && strcmp(n->text, "disk slow") == 0)
                m->is_slow = n->flag;
        is_ill = m->is_full || m->is_slow;
        if (n->kind == WORLD_BEGUN)
                *m = (struct losses){.is_full = m->is_full, .is_slow = m->is_slow, .was_ill = is_ill};
        m->lost += n->kind == WORLD_RECORD && n->record->kind != RECORD_SAMPLE && !n->flag;
        if (n->kind == WORLD_STORED && n->record != NULL && n->record->kind == RECORD_EVENT &&
            strcmp(n->record->u.event.kind, "gap") == 0 &&
            sscanf(n->record->u.event.text, "%lld records lost", &count) == 1)
                m->told += count;
        if (m->told > m->lost ||
            (n->kind == WORLD_ENDED && !n->flag && !is_ill && !m->was_ill && m->told != m->lost))
                check_fail(c, "%lld records found no place, and %lld are told of", (long long)m->lost,
                    (long long)m->told);
}

#define ASKED (CHECK_SEES(BEGUN) | CHECK_SEES(REPLY))

const struct check check_latch[] = {
    {"T1b", "what a trip sets beyond the image stays so until the reset", "250 ms while its link answers",
        sizeof(struct forced), ASKED | CHECK_SEES(RECORD) | CHECK_SEES(TURN), see_forced, NULL},
    {"T1c", "on each link the safe values of an abort come before any poll", "while every call is answered",
        sizeof(struct urgent),
        CHECK_SEES(BEGUN) | CHECK_SEES(RECORD) | CHECK_SEES(CALL) | CHECK_SEES(ANSWER) | CHECK_SEES(STALL),
        see_urgent, NULL},
    {"T2b", "with a trip latched nothing starts, in whatever state",
        "trips as they are told, each of which latches", sizeof(struct latches), ASKED | CHECK_SEES(RECORD),
        see_start, NULL},
    {"T3b", "who is refused for a latched trip is told the first-out", "by the answers, which name it",
        sizeof(struct latches), ASKED | CHECK_SEES(RECORD), see_first, NULL},
    {"A2b", "nobody is refused for want of control that nobody has", "1 s: the turn that looks at the lapse",
        sizeof(struct holder), ASKED, see_control, NULL},
    {"L2b", "on a full disk no run begins", "3 s: the longest time until a write was tried and failed",
        sizeof(struct disk), ASKED | CHECK_SEES(FAULT) | CHECK_SEES(STORED), see_disk, NULL},
    {"L2c", "records that found no place are told of, all of them",
        "at the end of a process in order, on a disk that takes them", sizeof(struct losses),
        CHECK_SEES(BEGUN) | CHECK_SEES(ENDED) | CHECK_SEES(RECORD) | CHECK_SEES(FAULT) | CHECK_SEES(STORED),
        see_losses, NULL},
    {.id = NULL}};
