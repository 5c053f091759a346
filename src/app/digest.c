#include "ald/app/digest.h"

#include <sodium.h> /* crypto_hash_sha256_*, sodium_bin2hex */

void digest_sha256(const void *data, size_t len, char hex[DIGEST_HEX])
{
        unsigned char bytes[crypto_hash_sha256_BYTES];

        crypto_hash_sha256(bytes, data, len);
        sodium_bin2hex(hex, DIGEST_HEX, bytes, sizeof bytes);
}

void digest_begin(struct digest *d)
{
        crypto_hash_sha256_init(&d->state);
}

void digest_add(struct digest *d, const void *data, size_t len)
{
        crypto_hash_sha256_update(&d->state, data, len);
}

void digest_end(struct digest *d, char hex[DIGEST_HEX])
{
        unsigned char bytes[crypto_hash_sha256_BYTES];

        crypto_hash_sha256_final(&d->state, bytes);
        sodium_bin2hex(hex, DIGEST_HEX, bytes, sizeof bytes);
}
