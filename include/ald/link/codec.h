/* Register words <-> values. Words are decoded here and nowhere else; libmodbus' float helpers changed meaning
 * between releases and are not used (SAFETY, trap 5). */
#ifndef ALD_LINK_CODEC_H
#define ALD_LINK_CODEC_H

#include "ald/core/tool.h" /* struct tool_tag, enum tool_type */

#include <stdbool.h> /* bool */
#include <stdint.h>  /* uint16_t */

enum { CODEC_WORDS_MAX = 4 };

/* Registers (or coils, for BIT) that a type takes: 1, 2 or 4. */
int codec_words(enum tool_type type);

/* Raw words as on the wire -> the tag's value in its unit (raw * scale + offset). NaN passes through. */
double codec_decode(const struct tool_tag *tag, const uint16_t *words);

/* The tag's value -> raw words; integers round to nearest. False when the raw value does not fit the type: words
 * are untouched. */
bool codec_encode(const struct tool_tag *tag, double value, uint16_t *words);

#endif
