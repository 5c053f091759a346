#include "ald/app/web_bytes.h" /* own declarations */

#include <event2/buffer.h> /* evbuffer_add_reference */

#include <stdlib.h> /* calloc, free */

struct web_bytes {
        unsigned char *bytes;
        size_t len;
        unsigned holders;
};

struct web_bytes *web_bytes_new(unsigned char *bytes, size_t len)
{
        struct web_bytes *b = calloc(1, sizeof *b);

        if (b == NULL)
                free(bytes);
        else
                *b = (struct web_bytes){.bytes = bytes, .len = len, .holders = 1};
        return b;
}

void web_bytes_drop(struct web_bytes *b)
{
        if (b == NULL || --b->holders > 0)
                return;
        free(b->bytes);
        free(b);
}

static void on_left(const void *data, size_t len, void *ctx)
{
        (void)data;
        (void)len;
        web_bytes_drop(ctx);
}

bool web_bytes_put(struct web_bytes *b, struct evbuffer *to)
{
        if (evbuffer_add_reference(to, b->bytes, b->len, on_left, b) != 0)
                return false;
        b->holders++;
        return true;
}

bool web_bytes_is_shared(const struct web_bytes *b)
{
        return b->holders > 1;
}
