/* A fingerprint of what the core decided: two runs that give the same one decided the same, in the same order. It serves the
 * fault simulation (same seed, same commit, same hash under every compiler) and replay (the recorded inputs must lead to the
 * recorded decisions). Values are taken field by field, never as bytes of structs: padding has no meaning. */
#ifndef ALD_CORE_TRACE_H
#define ALD_CORE_TRACE_H

#include "ald/core/event.h" /* struct effects */

#include <stdint.h> /* uint64_t */

#define TRACE_START UINT64_C(0xcbf29ce484222325) /* FNV-1a's offset basis */

/* FNV-1a. */
uint64_t trace_fold_bytes(uint64_t hash, const void *bytes, uint32_t len);
uint64_t trace_fold_int(uint64_t hash, int64_t value);
/* Bit for bit; every NaN counts as the same. */
uint64_t trace_fold_double(uint64_t hash, double value);
uint64_t trace_fold_text(uint64_t hash, const char *text);
/* All that a turn decided: writes, pulses, revokes, feeds, re-arms, records, replies. */
uint64_t trace_fold_effects(uint64_t hash, const struct effects *effects);
uint64_t trace_fold_record(uint64_t hash, const struct record *r);

#endif
