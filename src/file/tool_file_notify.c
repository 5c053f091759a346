/* Notify of a tool file: programs that are run on chosen events, so that people hear of them (app/notify.h). Whether a program
 * is there is not asked here: a tool file is compiled on other machines too. */
#include "ald/file/tool_file.h"

#include "ald/base/time.h" /* TIME_S */

#include <string.h> /* strcmp */

struct raw_hook {
        const struct yaml_node *on;
        char run[TOOL_TEXT_MAX];
        int64_t timeout;
        int priority;
};

/* Longer than any mail takes; the daemon's end waits for none of them so long. */
#define LONGEST_US ((double)(5 * 60 * TIME_S))

static const struct key rows[] = {
    {"on", KEY_NODE, true, KEY_NODE_AT(struct raw_hook, on), .holds = &shape_names,
        .help = "events that it is run on"},
    {"run", KEY_WORDS, true, KEY_AT(struct raw_hook, run), .help = "absolute path of the program"},
    {"timeout", KEY_TIME, false, KEY_AT(struct raw_hook, timeout), .min = 1e5, .max = LONGEST_US,
        .help = "it is killed then (10 s)"},
    {"priority", KEY_WORD, false, KEY_AT(struct raw_hook, priority), .words = tool_file_priorities,
        .help = "of alarms, those of this priority or graver (medium)"},
};
const struct keys tool_file_hook_keys = KEYS("hook", rows);

static const char *event_at(const void *ctx, size_t i)
{
        (void)ctx;
        return tool_notify_name((enum tool_notify)i);
}

static unsigned read_event(struct tool_file *f, const struct yaml_node *node)
{
        const char *name = reader_text(&f->r, node, "on");

        if (!name)
                return 0;
        for (int i = 0; i < TOOL_NOTIFY_COUNT; i++)
                if (strcmp(name, tool_notify_name((enum tool_notify)i)) == 0)
                        return 1u << i;
        reader_unknown(&f->r, reader_at(&f->r, node), "on", "event", name, event_at, NULL, TOOL_NOTIFY_COUNT);
        return 0;
}

static unsigned read_events(struct tool_file *f, const struct yaml_node *list)
{
        unsigned on = 0;

        if (list->kind != YAML_LIST || !list->first) {
                reader_error(&f->r, list, "on: takes a list of events ([complete, held])");
                return 0;
        }
        for (const struct yaml_node *n = list->first; n; n = n->next) {
                unsigned one = read_event(f, n);

                if ((on & one) != 0)
                        reader_error(&f->r, n, "on: '%s' is there twice", n->text);
                on |= one;
        }
        return on;
}

static void check_path(struct tool_file *f, const struct yaml_node *node)
{
        if (node && node->kind == YAML_SCALAR && node->text[0] != '/')
                reader_error(&f->r, node,
                    "run: '%.80s' is not absolute: a program is named by its whole path (/etc/ald/notify), "
                    "and "
                    "takes no arguments",
                    node->text);
}

static void read_hook(struct tool_file *f, const struct yaml_node *node)
{
        struct raw_hook raw = {.timeout = 10 * TIME_S, .priority = TOOL_PRIORITY_MEDIUM};
        struct keys_found found;

        if (!tool_file_has_room(f, node, "hooks", f->tool->hook_count, TOOL_HOOKS_MAX))
                return;
        keys_read(&f->r, node, &tool_file_hook_keys, NULL, &raw, &found);
        if (node->kind != YAML_MAP)
                return;
        const struct yaml_node *run = keys_node(&found, "run");
        struct tool_hook *hook = &f->tool->hooks[f->tool->hook_count++];
        *hook = (struct tool_hook){.timeout_us = raw.timeout, .priority = (enum tool_priority)raw.priority};
        text_copy(hook->run, sizeof hook->run, raw.run);
        check_path(f, run);
        hook->line = run ? run->line : node->line;
        hook->column = run ? run->column : node->column;
        hook->on = raw.on ? read_events(f, raw.on) : 0;
        if (hook->on != 0 && (hook->on & 1u << TOOL_NOTIFY_ALARM) == 0 && keys_node(&found, "priority"))
                reader_error(&f->r, keys_node(&found, "priority"),
                    "priority: this hook is not run on alarms: put 'alarm' into 'on'");
}

void tool_file_read_notify(struct tool_file *f, const struct yaml_node *list)
{
        if (list->kind != YAML_LIST) {
                reader_error(&f->r, list,
                    "notify: takes a list ('- {on: [complete, held], run: /etc/ald/notify}'), not %s",
                    yaml_kind_name(list->kind));
                return;
        }
        for (const struct yaml_node *n = list->first; n; n = n->next)
                read_hook(f, n);
}
