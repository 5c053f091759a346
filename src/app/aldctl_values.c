#include "ald/app/aldctl_values.h"

#include "ald/app/aldctl_line.h" /* line_try, line_ask */
#include "ald/app/aldctl_show.h" /* show_get_text */
#include "ald/base/diag.h"       /* diag_new */
#include "ald/core/verb.h"       /* verb_find */
#include "ald/file/file.h"       /* file_load_tool_any_load */
#include "ald/store/query.h"     /* query_runs */

#include <stdlib.h> /* free */
#include <string.h> /* strcmp */

enum { RUNS_SHOWN = 20, QUERY_US = 300000 };
static const char usual_tool[] = "/etc/ald/tool.yaml";

/* One request for words. */
struct wanted {
        const struct aldctl_command *command;
        const struct aldctl_options *o;
        const struct aldctl_values_to *to;
        const char *place;
};

static void put(const struct wanted *w, const char *word, const char *about)
{
        if (word[0] != '\0')
                w->to->put(w->to->ctx, word, about);
}

/* ---- Tags and equipment ---- */

/* Of which kind of tags the command speaks, as its verb's first argument has it. */
static enum verb_arg_type tags_of(const struct aldctl_command *command)
{
        const struct verb_entry *verb = verb_find(command->name);

        for (size_t i = 0; verb != NULL && i < VERB_ARGS_MAX && verb->args[i].name != NULL; i++)
                if (verb->args[i].type == VERB_ARG_OUTPUT || verb->args[i].type == VERB_ARG_INPUT)
                        return verb->args[i].type;
        return VERB_ARG_TEXT;
}

/* Does a tag fit? Valves are opened, other outputs are set. */
static bool fits(const struct wanted *w, bool is_output, bool is_valve)
{
        switch (tags_of(w->command)) {
        case VERB_ARG_OUTPUT:
                return is_output && is_valve == (strcmp(w->place, "VALVE") == 0);
        case VERB_ARG_INPUT:
                return !is_output;
        default:
                return true;
        }
}

static void put_file_tags(const struct wanted *w, const struct tool *tool)
{
        for (int i = 0; i < tool->tag_count; i++) {
                const struct tool_tag *t = &tool->tags[i];
                if (fits(w, t->is_output, t->is_valve))
                        put(w, t->name, t->is_output ? "output" : "input");
        }
}

static void put_file_lines(const struct wanted *w, const struct tool *tool)
{
        for (int i = 0; i < tool->line_count; i++)
                put(w, tool->lines[i].name, "precursor line");
}

static void put_file_links(const struct wanted *w, const struct tool *tool)
{
        char word[TOOL_NAME_MAX + 2];

        for (int i = 0; i < tool->link_count; i++) {
                (void)snprintf(word, sizeof word, "%s=", tool->links[i].name);
                put(w, word, "link");
        }
}

/* A set-point goes by the name of what it sets. */
static bool is_setpoint_of_loop(const json_t *tags, const char *name, char loop[TOOL_NAME_MAX])
{
        static const char end[] = ".setpoint";
        size_t len = strlen(name), ends = sizeof end - 1;
        const json_t *tag;
        size_t i;

        if (len <= ends || strcmp(name + len - ends, end) != 0)
                return false;
        (void)snprintf(loop, TOOL_NAME_MAX, "%.*s", (int)(len - ends), name);
        json_array_foreach(tags, i, tag)
        {
                if (strcmp(show_get_text(tag, "name"), loop) == 0)
                        return true;
        }
        return false;
}

static void put_live_tags(const struct wanted *w, const json_t *tags)
{
        bool is_set = strcmp(w->command->name, "set") == 0;
        char loop[TOOL_NAME_MAX];
        const json_t *tag;
        size_t i;

        json_array_foreach(tags, i, tag)
        {
                const char *name = show_get_text(tag, "name");
                bool is_output = json_is_true(json_object_get(tag, "is_output"));
                bool is_valve = strcmp(show_get_text(tag, "kind"), "valve") == 0;

                if (fits(w, is_output, is_valve))
                        put(w, is_set && is_setpoint_of_loop(tags, name, loop) ? loop : name,
                            show_get_text(tag, "text"));
        }
}

static void put_live_lines(const struct wanted *w, const json_t *facts)
{
        const json_t *one, *list = json_object_get(facts, "equipment");
        size_t i;

        json_array_foreach(list, i, one)
        {
                if (strcmp(show_get_text(one, "kind"), "precursor") == 0)
                        put(w, show_get_text(one, "name"), "precursor line");
        }
}

static void put_live_alarms(const struct wanted *w, const json_t *alarms)
{
        const json_t *alarm;
        size_t i;

        json_array_foreach(alarms, i, alarm)
        {
                put(w, show_get_text(alarm, "id"), show_get_text(alarm, "text"));
        }
}

/* ---- Whom to ask ---- */

static void ask_file(const struct wanted *w, void (*take)(const struct wanted *w, const struct tool *tool))
{
        struct diag *d = diag_new();
        struct tool *tool =
            d != NULL ? file_load_tool_any_load(w->o->tool != NULL ? w->o->tool : usual_tool, d) : NULL;

        if (tool != NULL)
                take(w, tool);
        free(tool);
        diag_free(d);
}

/* False: no daemon answered, or it does not know the verb. */
static bool ask_daemon(
    const struct wanted *w, const char *verb, void (*take)(const struct wanted *w, const json_t *result))
{
        struct line l;
        json_t *result = NULL;
        bool ok =
            line_try(&l, w->o->socket) == ALDCTL_OK && line_ask(&l, w->o, verb, NULL, &result) == ALDCTL_OK;

        if (ok)
                take(w, result);
        json_decref(result);
        line_close(&l);
        return ok;
}

static void put_tags(const struct wanted *w)
{
        if (w->o->tool != NULL || !ask_daemon(w, "tags", put_live_tags))
                ask_file(w, put_file_tags);
}

static void put_lines(const struct wanted *w)
{
        if (w->o->tool != NULL || !ask_daemon(w, "tool", put_live_lines))
                ask_file(w, put_file_lines);
}

/* A precursor's valve goes by its line's name as well, but for its counter. */
static void put_valves(const struct wanted *w)
{
        put_tags(w);
        if (strcmp(w->command->name, "counters") != 0)
                put_lines(w);
}

static void put_alarms(const struct wanted *w)
{
        (void)ask_daemon(w, "alarms", put_live_alarms);
}

static void put_links(const struct wanted *w)
{
        ask_file(w, put_file_links);
}

static void put_run(void *ctx, const struct query_run *run)
{
        char word[24], about[80];

        (void)snprintf(word, sizeof word, "%lld", (long long)run->id);
        (void)snprintf(
            about, sizeof about, "%s, %s", run->recipe, run->state[0] != '\0' ? run->state : "open");
        put(ctx, word, about);
}

static void put_runs(const struct wanted *w)
{
        struct line l = {.fd = -1};
        const char *path = w->o->db;
        struct query *q = NULL;
        struct wanted to = *w;
        char why[400];

        if (path == NULL && line_try(&l, w->o->socket) == ALDCTL_OK)
                path = show_get_text(l.hello, "db");
        if (path != NULL)
                q = query_open(path, why, sizeof why);
        if (q != NULL) {
                query_set_limit(q, QUERY_US);
                (void)query_runs(q, RUNS_SHOWN, put_run, &to);
        }
        query_close(q);
        line_close(&l);
}

/* ---- Files, and words that stand in the place itself ---- */

static void put_recipes(const struct wanted *w)
{
        w->to->put(w->to->ctx, ":files yaml", "");
}

static void put_files(const struct wanted *w)
{
        const char *dot = strchr(w->place, '.');
        char word[80];

        (void)snprintf(word, sizeof word, ":files %s", dot != NULL ? dot + 1 : "");
        w->to->put(w->to->ctx, word, "");
}

static void put_choices(const struct wanted *w)
{
        const char *at = w->place;
        char word[32];

        for (size_t len; at[0] != '\0'; at += len + (at[len] == '|')) {
                len = strcspn(at, "|");
                (void)snprintf(word, sizeof word, "%.*s", (int)len, at);
                put(w, word, "");
        }
}

static const struct {
        const char *place; /* one that begins so */
        bool is_whole;     /* the whole of it */
        void (*put)(const struct wanted *w);
} places[] = {
    {"RECIPE", true, put_recipes},
    {"TOOL", false, put_recipes},
    {"FILE", false, put_files},
    {"PATH", true, put_files},
    {"FOLDER", false, put_files},
    {"RUN", true, put_runs},
    {"TAG", true, put_tags},
    {"VALVE", true, put_valves},
    {"LINE", true, put_lines},
    {"NAME", true, put_lines}, /* --precursor */
    {"ALARM", true, put_alarms},
    {"NAME=ADDRESS", true, put_links},
};

void aldctl_values_put(const char *place, const struct aldctl_command *command,
    const struct aldctl_options *o, const struct aldctl_values_to *to)
{
        const struct wanted w = {command, o, to, place};

        for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
                size_t len = strlen(places[i].place);
                if (strncmp(place, places[i].place, len) != 0 || (places[i].is_whole && place[len] != '\0'))
                        continue;
                places[i].put(&w);
                return;
        }
        if (strchr(place, '|') != NULL)
                put_choices(&w);
}
