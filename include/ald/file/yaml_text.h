/* The look at a file's bytes before YAML reads them: UTF-8 only, no tabs, no control characters. */
#ifndef ALD_FILE_YAML_TEXT_H
#define ALD_FILE_YAML_TEXT_H

#include <stddef.h> /* size_t */

struct diag;

/* Check `text` (len bytes). Returns a copy for the parser (free it), in which a tab between words, already reported,
 * has become a space. NULL: errors stand in `d` after which reading on would only tell nonsense. */
char *yaml_text_check(const char *text, size_t len, int source, struct diag *d);

#endif
