/* L6: every opening of a valve is told once for its counters. */
#include "check.h"

#include <string.h> /* memset */

struct told {
        struct {
                bool is_open, is_known; /* as told in this process */
        } valve[TOOL_TAGS_MAX];
        bool has_end;              /* of the pulse whose record is due */
        struct record_valve ended; /* told just before it */
};

static void see_valve(struct check_context *c, struct told *m, const struct record_valve *v)
{
        bool opens = v->what == RECORD_VALVE_OPENED || v->what == RECORD_VALVE_PLANNED;
        bool was_known = m->valve[v->tag].is_known;

        if (v->what == RECORD_VALVE_RENEWED)
                return;
        if (was_known && m->valve[v->tag].is_open == opens)
                check_fail(c, "%s is told %s twice", c->tool->tags[v->tag].name, opens ? "open" : "closed");
        if (was_known && v->what == RECORD_VALVE_OPENED && !v->is_actuation)
                check_fail(c, "%s was closed and opens, which is not counted", c->tool->tags[v->tag].name);
        if (!was_known && v->what == RECORD_VALVE_ENDED)
                check_fail(c, "%s ends a pulse that was not told", c->tool->tags[v->tag].name);
        m->valve[v->tag].is_known = true;
        m->valve[v->tag].is_open = opens;
        m->has_end = v->what == RECORD_VALVE_ENDED;
        m->ended = *v;
}

static void see_pulse(struct check_context *c, struct told *m, const struct record_pulse *p)
{
        const char *name = c->tool->lines[p->line].name;

        if (!m->has_end || m->ended.line != p->line)
                check_fail(c, "a pulse of %s ended, and its valve was not counted", name);
        else if (m->ended.is_actuation != (p->opened_us >= 0))
                check_fail(c, "a pulse of %s %s, which is counted otherwise", name,
                    p->opened_us >= 0 ? "opened" : "did not open");
        else if (p->width_us > 0 && m->ended.open_us != p->width_us)
                check_fail(c, "a pulse of %s was open for %lld us, of which %lld are counted", name,
                    (long long)p->width_us, (long long)m->ended.open_us);
        m->has_end = false;
}

static void see_counts(struct check_context *c, const struct world_note *n)
{
        struct told *m = c->mine;

        if (n->kind == WORLD_BEGUN)
                memset(m, 0, sizeof *m);
        else if (n->record->kind == RECORD_VALVE)
                see_valve(c, m, &n->record->u.valve);
        else if (n->record->kind == RECORD_PULSE_END)
                see_pulse(c, m, &n->record->u.pulse);
}

const struct check check_counts[] = {
    {"L6", "every opening of a valve is told once for its counters",
        "what the module did by itself, or at another master's word, is not told", sizeof(struct told),
        CHECK_SEES(BEGUN) | CHECK_SEES(RECORD), see_counts, NULL},
    {.id = NULL}};
