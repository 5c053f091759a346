#include "ald/app/digest.h"

#include <sodium.h> /* crypto_hash_sha256, sodium_bin2hex */

void digest_sha256(const void *data, size_t len, char hex[DIGEST_HEX])
{
        unsigned char bytes[crypto_hash_sha256_BYTES];

        crypto_hash_sha256(bytes, data, len);
        sodium_bin2hex(hex, DIGEST_HEX, bytes, sizeof bytes);
}
