/* Compact numbers in a row of bytes, written and read with bounds: what is too long is noticed, never written past the end; what
 * was cut short or made up is noticed, never read past the end. The same bytes on every machine. */
#ifndef ALD_BASE_BYTES_H
#define ALD_BASE_BYTES_H

#include <stdbool.h> /* bool */
#include <stddef.h>  /* size_t */
#include <stdint.h>  /* uint64_t */

enum { BYTES_VARINT_MAX = 10 }; /* the longest varint */

/* Begin with {.at = buffer, .cap = its size}. */
struct bytes_out {
        unsigned char *at;
        size_t len, cap;
        bool is_full; /* something did not fit: the rest is left out */
};
void bytes_put(struct bytes_out *out, const void *bytes, size_t len);
void bytes_put_u8(struct bytes_out *out, uint8_t value);
/* `count` bytes of the value, lowest first. */
void bytes_put_fixed(struct bytes_out *out, uint64_t value, int count);
/* Seven bits a byte, lowest first: small numbers are short. */
void bytes_put_varint(struct bytes_out *out, uint64_t value);
/* The same for numbers near 0 of either sign. */
void bytes_put_signed(struct bytes_out *out, int64_t value);
/* Its length, then its characters; at most cap - 1 of them are looked at. */
void bytes_put_text(struct bytes_out *out, const char *text, size_t cap);

/* Begin with {.at = bytes, .len = their number}. Once something is wrong, everything that follows reads as 0. */
struct bytes_in {
        const unsigned char *at;
        size_t len, pos;
        bool is_bad;
};
/* NULL when there are not so many. */
const unsigned char *bytes_take(struct bytes_in *in, size_t len);
uint8_t bytes_take_u8(struct bytes_in *in);
uint64_t bytes_take_fixed(struct bytes_in *in, int count);
uint64_t bytes_take_varint(struct bytes_in *in);
int64_t bytes_take_signed(struct bytes_in *in);
/* Always ends `to` with a NUL; a text that does not fit, or has a NUL inside, is bad. */
void bytes_take_text(struct bytes_in *in, char *to, size_t cap);
size_t bytes_left(const struct bytes_in *in);

#endif
