/* SHA-256 of texts, by libsodium: recipes and tool files are known by it, audit records are chained by it. */
#ifndef ALD_APP_DIGEST_H
#define ALD_APP_DIGEST_H

#include <sodium.h> /* crypto_hash_sha256_state */
#include <stddef.h> /* size_t */

enum { DIGEST_HEX = 65 }; /* 64 digits and a NUL */

/* Hex digest of `len` bytes. */
void digest_sha256(const void *data, size_t len, char hex[DIGEST_HEX]);

/* The same of bytes that come piece by piece. */
struct digest {
        crypto_hash_sha256_state state;
};
void digest_begin(struct digest *d);
void digest_add(struct digest *d, const void *data, size_t len);
void digest_end(struct digest *d, char hex[DIGEST_HEX]);

#endif
