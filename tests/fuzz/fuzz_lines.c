/* A mutator for files of lines. libFuzzer's own changes bytes; most of what it makes of a YAML file is refused by the
 * first parser. Lines that are dropped, doubled, swapped and indented, and values put in the place of others, stay YAML
 * and reach the compilers behind it. */
#include "fuzz/fuzz.h"

#include <string.h> /* memchr, memcpy, memmove */

/* [at, end) of `data`. */
struct piece {
        size_t at, end;
};

static unsigned draw(unsigned *state, size_t below)
{
        *state = *state * 1664525u + 1013904223u;
        return below ? (unsigned)((*state >> 8) % below) : 0;
}

/* The line that holds byte `at`, with its newline. */
static struct piece line_at(const uint8_t *data, size_t size, size_t at)
{
        struct piece p = {at, size};
        const uint8_t *end = memchr(data + at, '\n', size - at);
        while (p.at > 0 && data[p.at - 1] != '\n')
                p.at--;
        if (end)
                p.end = (size_t)(end - data) + 1;
        return p;
}

/* What stands behind the first ": " at or behind `at`, up to what ends a value in a flow or on a line. */
static struct piece value_at(const uint8_t *data, size_t size, size_t at)
{
        struct piece p = {size, size};
        for (size_t i = at; i + 2 < size; i++) {
                if (data[i] != ':' || data[i + 1] != ' ')
                        continue;
                p.at = p.end = i + 2;
                while (p.end < size && (data[p.end] == '\0' || !strchr(",}]\n", data[p.end])))
                        p.end++;
                break;
        }
        return p;
}

/* Put `from` of `copy` in the place of `to` of `data`. */
static size_t replace(
    uint8_t *data, size_t size, size_t max, struct piece to, const uint8_t *copy, struct piece from)
{
        size_t cut = to.end - to.at, add = from.end - from.at;
        if (size - cut + add > max)
                return size;
        memmove(data + to.at + add, data + to.end, size - to.end);
        memcpy(data + to.at, copy + from.at, add);
        return size - cut + add;
}

enum { COPY_MAX = 1 << 14, KEPT_MAX = 64 };

/* Inputs that were accepted. Most of a corpus is refused, each input with an error of its own; half of the mutants are
 * made from these instead, so that what stands behind the checks is tried as well. */
static struct {
        int count;
        unsigned state; /* of its own: what is kept follows from the inputs alone */
        size_t size[KEPT_MAX];
        uint8_t data[KEPT_MAX][COPY_MAX];
} kept;

void fuzz_keep_sound(const uint8_t *data, size_t size)
{
        int at = kept.count < KEPT_MAX ? kept.count++ : (int)draw(&kept.state, KEPT_MAX);
        if (size > COPY_MAX)
                size = 0;
        memcpy(kept.data[at], data, size);
        kept.size[at] = size;
}

size_t fuzz_mutate_terms(uint8_t *data, size_t size, size_t max, unsigned seed)
{
        static const char *const joints[] = {" and ", " or ", " and not "};
        const struct piece none = {0, 0};
        unsigned state = seed;
        if (draw(&state, 3) > 0 || kept.count == 0)
                return LLVMFuzzerMutate(data, size, max);
        const char *joint = joints[draw(&state, 3)];
        size_t at = draw(&state, (size_t)kept.count), add = kept.size[at];
        const uint8_t *end = memchr(kept.data[at], '#', add);
        size = replace(data, size, max, none, (const uint8_t *)joint, (struct piece){0, strlen(joint)});
        return replace(data, size, max, none, kept.data[at],
            (struct piece){0, end ? (size_t)(end - kept.data[at]) : add});
}

static size_t begin_with_sound(uint8_t *data, size_t size, size_t max, unsigned *state)
{
        int at = (int)draw(state, (size_t)kept.count);
        if (kept.count == 0 || kept.size[at] == 0 || kept.size[at] > max)
                return size;
        memcpy(data, kept.data[at], kept.size[at]);
        return kept.size[at];
}

enum change { DROP, DOUBLE, COPY, PUT, INDENT, VALUE, BYTES };

/* Where a piece is taken from: the input itself as it was, or another that was accepted. */
struct source {
        const uint8_t *data;
        size_t size;
};

static struct source pick_source(const uint8_t *data, size_t size, unsigned *state)
{
        static uint8_t copy[COPY_MAX];
        int at = (int)draw(state, (size_t)kept.count);
        if (draw(state, 2) == 0 && kept.count > 0 && kept.size[at] > 0)
                return (struct source){kept.data[at], kept.size[at]};
        memcpy(copy, data, size);
        return (struct source){copy, size};
}

static size_t change(uint8_t *data, size_t size, size_t max, enum change what, unsigned *state)
{
        static const uint8_t blanks[] = "  ";
        const struct piece none = {0, 0};
        struct source src = pick_source(data, size, state);
        struct piece one = line_at(src.data, src.size, draw(state, src.size)),
                     two = line_at(data, size, draw(state, size));
        switch (what) {
        case DROP:
                return replace(data, size, max, two, src.data, none);
        case DOUBLE: /* the line stays where it was while its double goes in behind it */
                return replace(data, size, max, (struct piece){two.end, two.end}, data, two);
        case COPY:
                return replace(data, size, max, (struct piece){two.at, two.at}, src.data, one);
        case PUT:
                return replace(data, size, max, two, src.data, one);
        case INDENT:
                one = (struct piece){two.at, two.at};
                if (draw(state, 2) == 0)
                        return replace(data, size, max, one, blanks, (struct piece){0, 2});
                one.end += two.end - two.at > 2 && memcmp(data + two.at, blanks, 2) == 0 ? 2 : 0;
                return replace(data, size, max, one, src.data, none);
        default:
                one = value_at(src.data, src.size, draw(state, src.size));
                two = value_at(data, size, draw(state, size));
                return replace(data, size, max, two, src.data, one);
        }
}

size_t fuzz_mutate_lines(uint8_t *data, size_t size, size_t max, unsigned seed)
{
        static const enum change ways[] = {
            DROP, DOUBLE, COPY, PUT, INDENT, VALUE, VALUE, VALUE, BYTES, BYTES, BYTES, BYTES};
        unsigned state = seed;
        enum change what = ways[draw(&state, sizeof ways / sizeof ways[0])];
        if (draw(&state, 2) == 0)
                size = begin_with_sound(data, size, max, &state);
        if (size == 0 || size > COPY_MAX || what == BYTES)
                return LLVMFuzzerMutate(data, size, max);
        return change(data, size, max, what, &state);
}
