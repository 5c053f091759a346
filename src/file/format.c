#include "ald/file/format.h"

#include "ald/file/file.h"  /* FILE_BYTES_MAX */
#include "ald/file/shape.h" /* struct shape */

#include <string.h> /* memcmp */

const struct shape format_shape = {.kind = SHAPE_INT, .min = FORMAT_NUMBER, .max = FORMAT_NUMBER};

bool format_open(struct format_source *s, const char *path, const char *text, size_t len, struct diag *d)
{
        /* A byte order mark is no text: some editors write one, and it would shift the first line's columns. */
        if (len >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0) {
                text += 3;
                len -= 3;
        }
        s->text = text;
        s->len = len;
        s->number = diag_source(d, path, len <= FILE_BYTES_MAX ? text : NULL, len);
        s->tree = yaml_tree_parse(text, len, s->number, d);
        return s->tree != NULL;
}

bool format_check(const struct reader *r, const struct yaml_node *root)
{
        if (root->kind != YAML_MAP) {
                reader_error(r, root, "the file is %s: it must be a mapping that begins with 'format: 1'",
                    yaml_kind_name(root->kind));
                return false;
        }
        const struct yaml_node *format = yaml_node_get(root, "format");
        if (!format) {
                diag_error(r->d, reader_at(r, root), "'format: 1' is missing: it must be the first line");
                return false;
        }
        if (format->kind != YAML_SCALAR || strcmp(format->text, "1") != 0) {
                reader_error(r, format, "format: this version reads format 1 only");
                return false;
        }
        if (root->first != format)
                diag_error(r->d, reader_at_key(r, format), "'format: 1' must be the first key of the file");
        return true;
}
