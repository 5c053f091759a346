/* Nodes of several trees put together into one, without copying their texts. */
#include "ald/file/tool_file_merge.h"

#include <stdlib.h> /* malloc */
#include <string.h> /* strcmp */

struct tool_file_node {
        struct yaml_node node;
        struct tool_file_node *next;
};

struct yaml_node *tool_file_keep(struct tool_file *f, const struct yaml_node *node)
{
        struct tool_file_node *copy = malloc(sizeof *copy);

        if (!copy) {
                reader_error(&f->r, node, "memory is out");
                return NULL;
        }
        copy->node = *node;
        copy->node.next = NULL;
        copy->next = f->profiles.nodes;
        f->profiles.nodes = copy;
        return &copy->node;
}

struct yaml_node *tool_file_keep_empty(struct tool_file *f, const struct yaml_node *node)
{
        struct yaml_node *copy = tool_file_keep(f, node);

        if (copy) {
                copy->first = NULL;
                copy->count = 0;
        }
        return copy;
}

void tool_file_append(struct yaml_node *map, struct yaml_node **last, struct yaml_node *node)
{
        if (!node)
                return;
        if (*last)
                (*last)->next = node;
        else
                map->first = node;
        *last = node;
        map->count++;
}

const struct yaml_node *tool_file_merge(struct tool_file *f, const struct yaml_node *over,
    const struct yaml_node *under, bool (*takes)(const char *key))
{
        struct yaml_node *map = tool_file_keep_empty(f, over), *last = NULL;

        if (!map)
                return over;
        for (const struct yaml_node *n = over->first; n; n = n->next) {
                const struct yaml_node *u = !takes || takes(n->key) ? yaml_node_get(under, n->key) : NULL;
                bool is_map = u && u->kind == YAML_MAP;
                if (is_map && n->kind == YAML_SCALAR && strcmp(n->text, "none") == 0)
                        continue;
                tool_file_append(map, &last,
                    tool_file_keep(f, is_map && n->kind == YAML_MAP ? tool_file_merge(f, n, u, NULL) : n));
        }
        for (const struct yaml_node *u = under->first; u; u = u->next)
                if ((!takes || takes(u->key)) && !yaml_node_get(over, u->key))
                        tool_file_append(map, &last, tool_file_keep(f, u));
        return map;
}

const struct yaml_node *tool_file_mend(struct tool_file *f, const struct yaml_node *over,
    const struct keys *keys, bool (*takes)(const char *key))
{
        struct yaml_node *map = tool_file_keep_empty(f, over), *last = NULL;
        struct yaml_node broken = *over;

        if (!map)
                return over;
        for (const struct yaml_node *n = over->first; n; n = n->next) {
                tool_file_append(map, &last, tool_file_keep(f, n));
                if (last && n->kind == YAML_MAP)
                        last->kind = YAML_BROKEN;
        }
        broken.kind = YAML_BROKEN;
        for (size_t i = 0; i < keys->count; i++) {
                broken.key = keys->row[i].name;
                if (keys->row[i].required && takes(broken.key) && !yaml_node_get(over, broken.key))
                        tool_file_append(map, &last, tool_file_keep(f, &broken));
        }
        return map;
}

void tool_file_free_nodes(struct tool_file *f)
{
        while (f->profiles.nodes) {
                struct tool_file_node *next = f->profiles.nodes->next;
                free(f->profiles.nodes);
                f->profiles.nodes = next;
        }
}
