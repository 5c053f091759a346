/* aldctl device plan: what the links ask of the devices, how often, and what it takes. Needs no daemon. */
#include "ald/app/aldctl_device.h" /* own declarations */

#include "ald/app/aldctl_show.h" /* show_* */
#include "ald/app/override.h"    /* override_link */
#include "ald/base/diag.h"       /* diag_* */
#include "ald/base/time.h"       /* time_add_duration */
#include "ald/file/file.h"       /* file_load_tool_any_load */
#include "ald/link/load.h"       /* load_* */

#include <stdlib.h> /* free */
#include <string.h> /* strcmp */

/* Where the daemon's unit looks (systemd/aldd.service). */
static const char usual_tool[] = "/etc/ald/tool.yaml";

int device_function(enum tool_register reg)
{
        static const int functions[] = {
            [TOOL_COIL] = 1, [TOOL_DISCRETE] = 2, [TOOL_HOLDING] = 3, [TOOL_INPUT] = 4};
        return functions[reg];
}

const char *device_function_name(enum tool_register reg)
{
        static const char *const names[] = {[TOOL_COIL] = "coil",
            [TOOL_DISCRETE] = "discrete",
            [TOOL_HOLDING] = "holding",
            [TOOL_INPUT] = "input"};
        return names[reg];
}

void device_add_address(struct text *t, const struct tool_link *link)
{
        if (link->kind == TOOL_LINK_TCP)
                text_add(t, "tcp://%s:%d", link->host, link->port);
        else
                text_add(t, "rtu://%s, %d baud", link->path, link->baud);
}

/* ---- A plan on the screen ---- */

static void print_duration(int width, int64_t us)
{
        char buf[32];
        struct text t;
        text_init(&t, buf, sizeof buf);
        time_add_duration(&t, us);
        (void)printf(" %-*s", width, buf);
}

enum { TAGS_AT = 69 };

static void print_tags(const struct tool *tool, const struct plan_request *r)
{
        char buf[PLAN_TAGS_MAX * (TOOL_NAME_MAX + 2)];
        struct text t;
        text_init(&t, buf, sizeof buf);
        if (r->watchdog_of >= 0)
                text_add(&t, "(watchdog)");
        for (int k = 0; k < r->tag_count; k++)
                text_add(&t, "%s%s", k > 0 ? ", " : "", tool->tags[r->tags[k]].name);
        show_wrapped(stdout, buf, TAGS_AT, TAGS_AT);
        (void)fputc('\n', stdout);
}

static void print_request(const struct tool *tool, int link, const struct plan_request *r)
{
        int64_t call_us = load_request_us(tool, link, r);
        (void)printf("  %-14.14s %d %-8s %6d %5d", tool->devices[r->device].name, device_function(r->reg),
            device_function_name(r->reg), r->address, r->count);
        print_duration(8, r->period_us);
        print_duration(8, call_us);
        (void)printf(" %5.1f %%  ", 100 * (double)call_us / (double)r->period_us);
        print_tags(tool, r);
}

static void print_requests(const struct tool *tool, int link, const struct plan *plan)
{
        if (plan->count == 0)
                return;
        (void)printf("%s  %-14s %-10s %6s %5s %-8s %-8s %7s  %s%s\n", show_colour(stdout, SHOW_BOLD),
            "DEVICE", "FUNCTION", "FIRST", "COUNT", "EVERY", "TAKES", "LOAD", "TAGS",
            show_colour(stdout, SHOW_PLAIN));
        for (int i = 0; i < plan->count; i++)
                print_request(tool, link, &plan->request[i]);
}

static void print_share(const char *name, double share)
{
        if (share >= 0.0005)
                (void)printf(", %s %.1f %%", name, 100 * share);
}

static void print_load(const struct tool *tool, int link, const struct load *load)
{
        char buf[160];
        struct text t;
        text_init(&t, buf, sizeof buf);
        device_add_address(&t, &tool->links[link]);
        (void)printf("%s%s%s (%s): %.1f %% of its time (at most %.0f %%)", show_colour(stdout, SHOW_BOLD),
            tool->links[link].name, show_colour(stdout, SHOW_PLAIN), buf, 100 * load->share,
            100 * LOAD_SHARE_MAX);
        print_share("polls", load->polls);
        print_share("feeds", load->feeds);
        print_share("writes", load->writes);
        print_share("pulses", load->edges);
        (void)fputc('\n', stdout);
}

static void print_pulses(const struct load *load)
{
        char buf[200];
        struct text t;
        if (!load->is_shared)
                return;
        text_init(&t, buf, sizeof buf);
        text_add(&t, "  beside pulses no call begins within ");
        time_add_duration(&t, load->guard_us);
        text_add(&t, " of an edge, and at worst none for ");
        time_add_duration(&t, load->blackout_us);
        (void)printf("%s\n", buf);
}

/* ---- The same as JSON ---- */

static json_t *pack_request(const struct tool *tool, int link, const struct plan_request *r)
{
        double call_us = (double)load_request_us(tool, link, r);
        json_t *tags = json_array();
        for (int k = 0; k < r->tag_count; k++)
                (void)json_array_append_new(tags, json_string(tool->tags[r->tags[k]].name));
        return json_pack("{s:s, s:i, s:i, s:i, s:i, s:f, s:f, s:f, s:b, s:o}", "device",
            tool->devices[r->device].name, "unit", tool->devices[r->device].slave_id, "function",
            device_function(r->reg), "first", r->address, "count", r->count, "every_s",
            (double)r->period_us / 1e6, "takes_s", call_us / 1e6, "load", call_us / (double)r->period_us,
            "is_watchdog", r->watchdog_of >= 0, "tags", tags);
}

static json_t *pack_devices(const struct tool *tool, const struct load *load)
{
        json_t *devices = json_object();
        for (int i = 0; i < tool->device_count; i++)
                if (load->device_share[i] > 0)
                        (void)json_object_set_new(
                            devices, tool->devices[i].name, json_real(load->device_share[i]));
        return devices;
}

static json_t *pack_link(
    const struct tool *tool, int link, const struct plan *plan, const struct load *load, const char *refused)
{
        char buf[160];
        struct text t;
        json_t *requests = json_array();
        for (int i = 0; i < plan->count; i++)
                (void)json_array_append_new(requests, pack_request(tool, link, &plan->request[i]));
        text_init(&t, buf, sizeof buf);
        device_add_address(&t, &tool->links[link]);
        return json_pack("{s:s, s:s, s:f, s:f, s:f, s:f, s:f, s:f, s:b, s:f, s:f, s:s?, s:o, s:o}", "link",
            tool->links[link].name, "address", buf, "load", load->share, "load_max", LOAD_SHARE_MAX, "polls",
            load->polls, "feeds", load->feeds, "writes", load->writes, "pulses", load->edges, "is_shared",
            load->is_shared, "guard_s", load->is_shared ? (double)load->guard_us / 1e6 : 0.0, "silence_s",
            load->is_shared ? (double)load->blackout_us / 1e6 : 0.0, "refused", refused, "devices",
            pack_devices(tool, load), "requests", requests);
}

/* ---- The command ---- */

/* False: the link's plan is refused. */
static bool plan_link(const struct aldctl_options *o, const struct tool *tool, int link, json_t *list)
{
        struct plan plan;
        struct load load;
        struct text why;
        char buf[400];
        text_init(&why, buf, sizeof buf);
        bool is_refused = load_refuses(&load, tool, link, &why);
        if (!plan_build(&plan, tool, link))
                plan.count = 0; /* which `why` tells */
        if (o->json) {
                (void)json_array_append_new(
                    list, pack_link(tool, link, &plan, &load, is_refused ? buf : NULL));
                return !is_refused;
        }
        print_load(tool, link, &load);
        print_requests(tool, link, &plan);
        print_pulses(&load);
        if (is_refused) {
                (void)printf(
                    "  %srefused%s: ", show_colour(stdout, SHOW_RED), show_colour(stdout, SHOW_PLAIN));
                show_wrapped(stdout, buf, 11, 11);
                (void)fputc('\n', stdout);
        }
        return !is_refused;
}

enum aldctl_exit device_plan(const struct aldctl_options *o, const struct tool *tool)
{
        json_t *list = o->json ? json_array() : NULL;
        bool is_sound = true;
        for (int i = 0; i < tool->link_count; i++)
                is_sound = plan_link(o, tool, i, list) && is_sound;
        if (o->json)
                show_json(json_pack("{s:s, s:b, s:o}", "tool", tool->name, "ok", is_sound, "links", list));
        return is_sound ? ALDCTL_OK : ALDCTL_FAILED;
}

/* NULL: every error was told. */
static struct tool *load_tool(const struct aldctl_options *o)
{
        const char *path = o->tool != NULL ? o->tool : usual_tool;
        struct diag *d = diag_new();
        struct tool *tool = d != NULL ? file_load_tool_any_load(path, d) : NULL;
        if (d != NULL && diag_errors(d) > 0)
                diag_print(d, stderr, show_has_colour(stderr));
        diag_free(d);
        return tool;
}

static bool override_all(struct tool *tool, const struct aldctl_options *o)
{
        char why[512];
        for (int i = 0; i < o->link_count; i++)
                if (!override_link(tool, o->links[i], why, sizeof why)) {
                        show_error("%s", why);
                        return false;
                }
        return true;
}

enum aldctl_exit aldctl_device(const struct aldctl_command *self, const struct aldctl_options *o)
{
        static const struct {
                const char *name;
                size_t words;
                enum aldctl_exit (*run)(const struct aldctl_options *o, const struct tool *tool);
        } kinds[] = {{"plan", 1, device_plan}, {"probe", 2, device_probe}};
        for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
                if (strcmp(o->words[0], kinds[i].name) != 0 || o->word_count != kinds[i].words)
                        continue;
                struct tool *tool = load_tool(o);
                enum aldctl_exit code = tool == NULL ? ALDCTL_FAILED : ALDCTL_USAGE;
                if (tool != NULL && override_all(tool, o))
                        code = kinds[i].run(o, tool);
                free(tool);
                return code;
        }
        show_error("usage: aldctl %s %s", self->name, self->usage);
        return ALDCTL_USAGE;
}
