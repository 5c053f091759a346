/* A tool file's mappings with those of a profile beneath them: one tree, whose nodes each know their source. */
#ifndef ALD_FILE_TOOL_FILE_MERGE_H
#define ALD_FILE_TOOL_FILE_MERGE_H

#include "ald/file/tool_file.h" /* struct tool_file, struct yaml_node */

#include <stdbool.h> /* bool */

/* A copy of a node that may be changed, its children shared; it lives until tool_file_free_nodes(). NULL: told. */
struct yaml_node *tool_file_keep(struct tool_file *f, const struct yaml_node *node);
/* The same, without children. */
struct yaml_node *tool_file_keep_empty(struct tool_file *f, const struct yaml_node *node);
/* Put a kept node (NULL: nothing) behind the `last` child of a kept mapping. */
void tool_file_append(struct yaml_node *map, struct yaml_node **last, struct yaml_node *node);

/* `over` with what `under` has besides, of the keys that `takes` (NULL: all); mappings in both likewise. `none` in `over`
 * leaves a mapping of `under` out. */
const struct yaml_node *tool_file_merge(struct tool_file *f, const struct yaml_node *over,
    const struct yaml_node *under, bool (*takes)(const char *key));
/* `over` with the required keys that are missing as broken ones, about which nobody complains, and its mappings too, since
 * they may be parts of others. */
const struct yaml_node *tool_file_mend(struct tool_file *f, const struct yaml_node *over,
    const struct keys *keys, bool (*takes)(const char *key));

void tool_file_free_nodes(struct tool_file *f);

#endif
