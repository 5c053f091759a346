/* YAML text -> a tree of nodes with places, in the strict subset of DESIGN.md: no anchors, aliases, tags, tabs or
 * second documents; UTF-8; depth 32; 256 KiB. All scalars stay text: what a value means is its key's affair, so that
 * `no` or `1e3` never changes kind behind the writer's back.
 *
 * libyaml is used through its event interface and is not seen outside yaml.c. */
#ifndef ALD_FILE_YAML_H
#define ALD_FILE_YAML_H

#include <stdbool.h> /* bool */
#include <stddef.h>  /* size_t */

struct diag;

enum { YAML_DEPTH_MAX = 32, YAML_ENTRIES_MAX = 1024 };

enum yaml_kind {
        YAML_SCALAR,
        YAML_LIST,
        YAML_MAP,
        YAML_BROKEN /* an error about it stands in the diagnostics already: say nothing more */
};

struct yaml_node {
        enum yaml_kind kind;
        bool is_plain;    /* scalar: written without quotes */
        int source;       /* of diag_source(): nodes of several files meet in one tree */
        int line;         /* of its first byte, from 1 */
        int column;       /* in bytes, from 1 */
        int inner;        /* column of the scalar's text where the source holds it byte for byte, else 0 */
        const char *text; /* scalar: its text; else NULL */
        const char *key;  /* its key in the map above it; NULL in a list and at the root */
        int key_line, key_column;
        const struct yaml_node *first; /* list, map: first child; children follow by `next` */
        const struct yaml_node *next;
        int count; /* children */
};

struct yaml_tree; /* opaque: owns its nodes and their texts */

/* Parse `text` (len bytes, borrowed for the call only); messages carry `source` of diag_source().
 * Errors that leave the rest readable (a duplicate key, an anchor) stand in `d` and the tree is returned all the
 * same: compare diag_errors() before and after. NULL: nothing sensible can be read. Free with yaml_tree_free(). */
struct yaml_tree *yaml_tree_parse(const char *text, size_t len, int source, struct diag *d);
void yaml_tree_free(struct yaml_tree *tree); /* NULL allowed */

const struct yaml_node *yaml_tree_root(const struct yaml_tree *tree);

/* The child of a map with that key, or NULL. */
const struct yaml_node *yaml_node_get(const struct yaml_node *map, const char *key);

/* "a value", "a list", "a mapping". */
const char *yaml_kind_name(enum yaml_kind kind);

#endif
