/* What is said of a plan that is refused: what is too much, by how much, where most of it goes, and what would do. */
#include "ald/base/text.h" /* text_add */
#include "ald/base/time.h" /* time_add_duration */
#include "ald/link/load.h" /* own declarations */

#include <stddef.h> /* NULL, size_t */

static double percent(double share)
{
        return share * 100;
}

/* How much slower the polls would have to be, told a little too much rather than too little. */
static double slower(double share)
{
        return share / LOAD_SHARE_MAX + 0.05;
}

/* Where the time goes, without what is not worth a word. */
static void add_parts(const struct load *load, struct text *why)
{
        const struct {
                const char *name;
                double share;
        } parts[] = {{"polls", load->polls}, {"watchdog feeds", load->feeds}, {"writes", load->writes},
            {"pulses", load->edges}};
        const char *mark = ": ";
        for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
                if (parts[i].share < 0.005)
                        continue;
                text_add(why, "%s%s %.0f %%", mark, parts[i].name, percent(parts[i].share));
                mark = ", ";
        }
}

static void explain_full(const struct load *load, const struct tool *tool, int link, struct text *why)
{
        const struct tool_link *l = &tool->links[link];
        text_add(why, "its calls take %.0f %% of its time, at most %.0f %% may be planned",
            percent(load->share), percent(LOAD_SHARE_MAX));
        add_parts(load, why);
        text_add(why,
            "; most goes to '%s'. Poll %.1f times slower, declare fewer tags, give devices another link",
            tool->devices[load->busiest].name, slower(load->share));
        if (l->kind == TOOL_LINK_RTU)
                text_add(why, ", or make the line faster (%.0f %% are characters at %d baud)",
                    percent(load->wire), l->baud);
}

static void explain_device(const struct load *load, const struct tool *tool, int link, struct text *why)
{
        const struct tool_device *d = &tool->devices[load->busiest];
        double share = load->device_share[load->busiest];
        (void)link;
        text_add(why,
            "device '%s' would answer or pause for %.0f %% of its time, at most %.0f %% may be planned (",
            d->name, percent(share), percent(LOAD_SHARE_MAX));
        time_add_duration(why, d->pause_us);
        text_add(why,
            " of pause after each request). Poll its tags %.1f times slower, or declare fewer, or let them "
            "lie "
            "together",
            slower(share));
}

static const char own_link[] = "Give the precursor valves a link of their own, ";

static void explain_no_room(const struct load *load, const struct tool *tool, int link, struct text *why)
{
        const struct tool_line *line = &tool->lines[load->line];
        (void)link;
        text_add(why, "no call begins within ");
        time_add_duration(why, load->guard_us);
        text_add(why, " of an edge, so pulses of '%s' (", line->name);
        time_add_duration(why, line->pulse_us_min);
        text_add(why, ", then ");
        time_add_duration(why, line->purge_us_min);
        text_add(why,
            " of purge) leave %.0f %% of its time, and its other calls take %.0f %%: at most %.0f %% of what "
            "is "
            "left may be planned. %sthis one a shorter timeout, or the line a longer min_purge",
            percent(load->free_share), percent(load->share - load->edges), percent(LOAD_SHARE_MAX), own_link);
}

static void explain_blackout(const struct load *load, struct text *why)
{
        text_add(why, "no call begins within ");
        time_add_duration(why, load->guard_us);
        text_add(why, " of an edge: beside a pulse of ");
        time_add_duration(why, load->worst_us);
        text_add(why, " there is none for ");
        time_add_duration(why, load->blackout_us);
}

static void explain_stale(const struct load *load, const struct tool *tool, int link, struct text *why)
{
        const struct tool_tag *tag = &tool->tags[load->tag];
        (void)link;
        explain_blackout(load, why);
        text_add(why, ", and '%s' would be ", tag->name);
        time_add_duration(why, load->needed_us);
        text_add(why, " old: its stale_after is ");
        time_add_duration(why, tag->stale_us);
        text_add(why, ". %sthis one a shorter timeout, or the tag a stale_after of ", own_link);
        time_add_duration(why, load->needed_us);
}

static void explain_unfed(const struct load *load, const struct tool *tool, int link, struct text *why)
{
        const struct tool_device *d = &tool->devices[load->device];
        (void)link;
        explain_blackout(load, why);
        text_add(why, ", and the watchdog of '%s' would wait ", d->name);
        time_add_duration(why, load->needed_us);
        text_add(why, " for its feed: its timeout is ");
        time_add_duration(why, d->watchdog.timeout_us);
        text_add(why, ". Give this link a shorter timeout, or the watchdog a shorter feed");
}

bool load_explain(const struct load *load, const struct tool *tool, int link, struct text *why)
{
        static void (*const explain[])(const struct load *, const struct tool *, int, struct text *) = {
            [LOAD_FITS] = NULL,
            [LOAD_FULL] = explain_full,
            [LOAD_DEVICE_FULL] = explain_device,
            [LOAD_NO_ROOM] = explain_no_room,
            [LOAD_STALE] = explain_stale,
            [LOAD_UNFED] = explain_unfed,
        };
        if (!explain[load->verdict])
                return false;
        explain[load->verdict](load, tool, link, why);
        return true;
}

bool load_refuses(struct load *load, const struct tool *tool, int link, struct text *why)
{
        struct plan plan;
        if (!plan_build(&plan, tool, link)) {
                *load = (struct load){
                    .tag = TOOL_NONE, .device = TOOL_NONE, .line = TOOL_NONE, .busiest = TOOL_NONE};
                text_add(why,
                    "its tags take more than %d requests: poll neighbours alike, so that they are read "
                    "together",
                    PLAN_REQUESTS_MAX);
                return true;
        }
        load_compute(load, tool, link, &plan);
        return load_explain(load, tool, link, why);
}
