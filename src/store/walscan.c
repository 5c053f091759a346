#include "ald/store/walscan.h"

#include "ald/base/text.h" /* text_add */

#include <inttypes.h> /* PRId64 */
#include <limits.h>   /* PATH_MAX */
#include <stdint.h>   /* uint32_t */
#include <stdio.h>    /* fopen, fread */
#include <stdlib.h>   /* malloc, free */
#include <string.h>   /* memcmp */

/* https://www.sqlite.org/fileformat2.html, 4.1 and 4.2: the log's header, the header of a frame, the checksum. */
enum { HEADER_BYTES = 32, FRAME_HEADER_BYTES = 24, PAGE_MIN = 512, PAGE_MAX = 65536 };
#define MAGIC UINT32_C(0x377f0682) /* with the lowest bit set: checksums over big-endian words */

struct sum {
        uint32_t a, b;
};

struct scan {
        FILE *file;
        uint32_t page;
        bool is_big;            /* words of the checksum */
        unsigned char salts[8]; /* of this generation of the log */
        struct sum before;      /* the checksum as the frame before has it */
        int64_t frames, bad;    /* read; the first one that does not match, 0 = none */
        int64_t commits_after;  /* transactions that end behind it */
        unsigned char *frame;
};

static uint32_t get_be(const unsigned char *p)
{
        return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static uint32_t get_le(const unsigned char *p)
{
        return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

static struct sum add_sum(struct sum s, bool is_big, const unsigned char *p, size_t len)
{
        for (size_t i = 0; i + 8 <= len; i += 8) {
                s.a += (is_big ? get_be(p + i) : get_le(p + i)) + s.b;
                s.b += (is_big ? get_be(p + i + 4) : get_le(p + i + 4)) + s.a;
        }
        return s;
}

static bool is_sum(struct sum s, const unsigned char *p)
{
        return s.a == get_be(p) && s.b == get_be(p + 4);
}

/* False: no log to judge. The header lies within a sector, which a crash leaves whole: one that does not match is damage, as long
 * as frames follow that fit together. */
static bool read_header(struct scan *s)
{
        unsigned char header[HEADER_BYTES];
        uint32_t magic;

        if (fread(header, 1, sizeof header, s->file) != sizeof header)
                return false;
        magic = get_be(header);
        s->page = get_be(header + 8);
        s->is_big = (magic & 1) != 0;
        s->before = add_sum((struct sum){0}, s->is_big, header, 24);
        memcpy(s->salts, header + 16, 8);
        if ((magic & ~UINT32_C(1)) == MAGIC && is_sum(s->before, header + 24))
                return s->page >= PAGE_MIN && s->page <= PAGE_MAX;
        s->bad = 1;
        s->page = 4096; /* as this program makes them */
        s->is_big = false;
        return true;
}

/* Does the frame carry on from the one before it, as that one stands there? Checksums are cumulative, but each frame holds its
 * own: behind a damaged one the chain is taken up again. */
static bool follows(struct scan *s)
{
        const unsigned char *f = s->frame;
        struct sum sum = add_sum(s->before, s->is_big, f, 8);

        sum = add_sum(sum, s->is_big, f + FRAME_HEADER_BYTES, s->page);
        s->before = (struct sum){get_be(f + 16), get_be(f + 20)};
        return is_sum(sum, f + 16) && get_be(f) != 0;
}

static void look_at_frame(struct scan *s)
{
        const unsigned char *f = s->frame;
        bool is_first = s->frames++ == 0;
        bool is_in_order;

        if (is_first && s->bad != 0) /* a damaged header: the first frame says what it was */
                memcpy(s->salts, f + 8, 8);
        is_in_order = follows(s);
        if (memcmp(f + 8, s->salts, 8) != 0) { /* of an earlier generation, or damaged there */
                if (s->bad == 0)
                        s->bad = s->frames;
                return;
        }
        if (!is_in_order) {
                if (s->bad == 0)
                        s->bad = s->frames;
                return;
        }
        s->commits_after += s->bad != 0 && get_be(f + 4) != 0;
}

static void read_frames(struct scan *s)
{
        size_t size = FRAME_HEADER_BYTES + s->page;

        s->frame = malloc(size);
        while (s->frame != NULL && fread(s->frame, 1, size, s->file) == size)
                look_at_frame(s);
        free(s->frame);
}

bool walscan_is_damaged(const char *path, struct text *why)
{
        char name[PATH_MAX];
        struct scan s = {0};

        if (snprintf(name, sizeof name, "%s-wal", path) >= PATH_MAX)
                return false;
        s.file = fopen(name, "rbe");
        if (s.file == NULL)
                return false;
        if (read_header(&s))
                read_frames(&s);
        fclose(s.file);
        if (s.commits_after < 2)
                return false;
        text_add(why, "its log is damaged at frame %" PRId64 " of %" PRId64, s.bad, s.frames);
        return true;
}
