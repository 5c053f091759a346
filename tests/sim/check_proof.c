/* The proof of device watchdogs (F2): nothing doses before it, and nothing else moves in it. Judged by what the modules hold, not
 * by what the daemon says. */
#include "check.h"

#include "ald/base/time.h" /* TIME_MS */

#include <string.h> /* memset */

/* ---- F2d: what relies on a watchdog opens only after that was seen to act ---- */

struct acts {
        bool has_acted[TOOL_DEVICES_MAX]; /* dropped its proof output since daemon and device started */
        int64_t off_us[TOOL_DEVICES_MAX]; /* it was without power, or was found off */
};
/* As for a watchdog that does not run: it is noticed at the next feed or look. */
#define UNNOTICED_US INT64_C(2000000)

static void fold_acts(struct acts *m, const struct seen *s, const struct world_note *n)
{
        if (n->kind == WORLD_BEGUN)
                memset(m->has_acted, 0, sizeof m->has_acted);
        if (n->kind == WORLD_WATCHDOG && n->number == TOOL_WATCHDOG_OFF) {
                m->has_acted[n->device] = false;
                m->off_us[n->device] = n->t_us;
        }
        if (n->kind == WORLD_OUTPUT && n->by == WORLD_BY_WATCHDOG && seen_is_lamp(s->tool, n->tag) &&
            seen_is_safe(s->tool, n->tag, n->value))
                m->has_acted[s->tool->tags[n->tag].device] = true;
}

static void see_untried(struct check_context *c, const struct world_note *n)
{
        struct acts *m = c->mine;
        double value;
        int tag, device;

        fold_acts(m, c->seen, n);
        if (!seen_told(c->tool, n, &tag, &value) || value == 0 || !seen_is_dosing(c->tool, tag) ||
            c->tool->tags[tag].failsafe != TOOL_FAILSAFE_WATCHDOG || n->sent_us < c->seen->begun_us)
                return;
        device = c->tool->tags[tag].device;
        if (!m->has_acted[device] && (m->off_us[device] == 0 || n->t_us - m->off_us[device] > UNNOTICED_US))
                check_fail(c, "%s is opened, and the watchdog of %s has not been seen to act",
                    c->tool->tags[tag].name, c->tool->devices[device].name);
}

/* ---- F2e: in a proof nothing else on the device leaves its safe value ---- */

/* What a second master or a fault does is read back within this. */
#define UNSEEN_US INT64_C(1000000)

static void see_company(struct check_context *c, const struct world_note *n)
{
        double value;
        int tag, lamp;

        if (!seen_told(c->tool, n, &tag, &value) || seen_is_safe(c->tool, tag, value))
                return;
        lamp = c->tool->devices[c->tool->tags[tag].device].proof_output;
        if (lamp < 0)
                return;
        /* What a second master lit is no proof. */
        if (tag != lamp && !seen_is_safe(c->tool, lamp, c->seen->out[lamp].value) &&
            c->seen->out[lamp].by == WORLD_BY_REQUEST && n->sent_us > c->seen->out[lamp].changed_us)
                check_fail(c, "%s is moved while %s is lit for a proof", c->tool->tags[tag].name,
                    c->tool->tags[lamp].name);
        for (int i = 0; tag == lamp && i < c->tool->tag_count; i++) {
                const struct seen_output *o = &c->seen->out[i];

                if (i != lamp && c->tool->tags[i].is_output &&
                    c->tool->tags[i].device == c->tool->tags[lamp].device &&
                    !seen_is_safe(c->tool, i, o->value) && n->t_us - o->changed_us > UNSEEN_US)
                        check_fail(c, "%s is lit for a proof, and %s is not safe", c->tool->tags[lamp].name,
                            c->tool->tags[i].name);
        }
}

const struct check check_proof[] = {
    {"F2d", "what relies on a watchdog opens only after that was seen to act since daemon and device started",
        "2 s after the device was restarted: until it is noticed", sizeof(struct acts),
        CHECK_SEES(BEGUN) | CHECK_SEES(WATCHDOG) | CHECK_SEES(OUTPUT) | CHECK_SEES(REQUEST), see_untried,
        NULL},
    {"F2e", "in a proof nothing but its own output leaves its safe value on the device",
        "1 s for what a second master did", 0, CHECK_SEES(REQUEST), see_company, NULL},
    {.id = NULL}};
