/* Do two pieces of a file mean the same, however they are written? */
#ifndef ALD_FILE_SAME_H
#define ALD_FILE_SAME_H

#include "ald/file/yaml.h" /* struct yaml_node */

#include <stdbool.h> /* bool */

/* Two values: "20 s" and "20000 ms", "a<b" and "a < b", yes and true. */
bool same_text(const char *a, const char *b);
/* Two trees; the order of keys means nothing. */
bool same_node(const struct yaml_node *a, const struct yaml_node *b);

#endif
