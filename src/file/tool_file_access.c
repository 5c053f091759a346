/* Access of a tool file: which users and groups of the machine have which role. */
#include "ald/file/tool_file.h"

#include "ald/core/token.h" /* TOKEN_LAPSE_US */

#include <string.h> /* strspn */

static const struct shape role_shape = {.kind = SHAPE_KEYS, .keys = &tool_file_role_keys};
static const struct shape people_shape = {.kind = SHAPE_LIST, .of = &shape_text};

struct raw_access {
        const struct yaml_node *engineer, *operator_role, *viewer;
        int64_t control_lapse;
};
static const struct key access_rows[] = {
    {"engineer", KEY_NODE, false, KEY_NODE_AT(struct raw_access, engineer), .holds = &role_shape,
        .help = "may also bypass and change"},
    {"operator", KEY_NODE, false, KEY_NODE_AT(struct raw_access, operator_role), .holds = &role_shape,
        .help = "may run and move outputs"},
    {"viewer", KEY_NODE, false, KEY_NODE_AT(struct raw_access, viewer), .holds = &role_shape,
        .help = "may look"},
    {"control_lapse", KEY_TIME, false, KEY_AT(struct raw_access, control_lapse), .min = 1e6,
        .max = 8 * 3600e6, .help = "control lapses this long after its holder's last command (10 min)"},
};
const struct keys tool_file_access_keys = KEYS("access", access_rows);

struct raw_role {
        const struct yaml_node *groups, *users;
};
static const struct key role_rows[] = {
    {"groups", KEY_NODE, false, KEY_NODE_AT(struct raw_role, groups), .holds = &people_shape,
        .help = "groups of the machine"},
    {"users", KEY_NODE, false, KEY_NODE_AT(struct raw_role, users), .holds = &people_shape,
        .help = "users of the machine"},
};
const struct keys tool_file_role_keys = KEYS("role", role_rows);

static void add_entry(
    struct tool_file *f, const struct yaml_node *node, const char *what, enum tool_role role, bool is_group)
{
        struct tool *tool = f->tool;
        struct tool_access entry = {.is_group = is_group, .role = role};
        if (!reader_words(&f->r, node, what, entry.name, sizeof entry.name))
                return;
        if (strpbrk(entry.name, " :,/") || entry.name[0] == '\0') {
                reader_error(&f->r, node, "%s: '%s' is no name of a user or group", what, entry.name);
                return;
        }
        if (!tool_file_has_room(f, node, "users and groups", tool->access_count, TOOL_ACCESS_MAX))
                return;
        tool->access[tool->access_count++] = entry;
}

static void read_entries(
    struct tool_file *f, const struct yaml_node *list, const char *what, enum tool_role role, bool is_group)
{
        if (!list)
                return;
        if (list->kind != YAML_LIST) {
                reader_error(&f->r, list, "%s: takes a list of names: [name, name]", what);
                return;
        }
        for (const struct yaml_node *n = list->first; n; n = n->next)
                add_entry(f, n, what, role, is_group);
}

static void read_role(struct tool_file *f, const struct yaml_node *map, enum tool_role role)
{
        struct raw_role raw = {0};
        struct keys_found found;
        if (!map)
                return;
        keys_read(&f->r, map, &tool_file_role_keys, map->key, &raw, &found);
        read_entries(f, raw.groups, "groups", role, true);
        read_entries(f, raw.users, "users", role, false);
}

void tool_file_read_access(struct tool_file *f, const struct yaml_node *map)
{
        struct raw_access raw = {.control_lapse = TOKEN_LAPSE_US};
        struct keys_found found;
        keys_read(&f->r, map, &tool_file_access_keys, NULL, &raw, &found);
        read_role(f, raw.engineer, TOOL_ROLE_ENGINEER);
        read_role(f, raw.operator_role, TOOL_ROLE_OPERATOR);
        read_role(f, raw.viewer, TOOL_ROLE_VIEWER);
        f->tool->control_lapse_us = raw.control_lapse;
}
