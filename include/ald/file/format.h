/* What tool files and recipes have in common: opening, and the line `format: 1`. */
#ifndef ALD_FILE_FORMAT_H
#define ALD_FILE_FORMAT_H

#include "ald/file/reader.h" /* struct reader */
#include "ald/file/yaml.h"   /* struct yaml_tree */

#include <stdbool.h> /* bool */
#include <stddef.h>  /* size_t */

/* What `format` takes. */
enum { FORMAT_NUMBER = 1 };
extern const struct shape format_shape;

struct format_source {
        int number; /* of diag_source() */
        struct yaml_tree *tree;
        const char *text; /* without a byte order mark */
        size_t len;
};

/* Name the source and parse it. False: errors stand in `d`, nothing to free. */
bool format_open(struct format_source *s, const char *path, const char *text, size_t len, struct diag *d);

/* Is the root a mapping whose first key is `format: 1`? False: told, and there is no use in reading on. */
bool format_check(const struct reader *r, const struct yaml_node *root);

#endif
