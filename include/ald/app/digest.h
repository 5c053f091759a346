/* SHA-256 of texts, by libsodium: recipes and tool files are known by it, audit records are chained by it. */
#ifndef ALD_APP_DIGEST_H
#define ALD_APP_DIGEST_H

#include <stddef.h> /* size_t */

enum { DIGEST_HEX = 65 }; /* 64 digits and a NUL */

/* Hex digest of `len` bytes. */
void digest_sha256(const void *data, size_t len, char hex[DIGEST_HEX]);

#endif
