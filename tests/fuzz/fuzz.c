#include "fuzz/fuzz.h"

#include "ald/base/text.h"     /* text_init */
#include "ald/core/snapshot.h" /* SNAPSHOT_WINDOWS_MAX */
#include "ald/file/file.h"     /* file_read, file_compile_tool */

#include <math.h>   /* isfinite */
#include <stdarg.h> /* va_list */
#include <stdio.h>  /* fprintf */
#include <stdlib.h> /* abort, atexit */
#include <string.h> /* memchr, strcmp */

void fuzz_fail(const char *file, int line, const char *fmt, ...)
{
        va_list args;
        fprintf(stderr, "fuzz: %s:%d: ", file, line);
        va_start(args, fmt);
        vfprintf(stderr, fmt, args);
        va_end(args);
        fputc('\n', stderr);
        abort();
}

static unsigned long counts[2];

static void print_counts(void)
{
        fprintf(stderr, "fuzz: %lu accepted, %lu refused\n", counts[1], counts[0]);
}

void fuzz_count(bool is_accepted)
{
        if (counts[0] + counts[1] == 0)
                atexit(print_counts);
        counts[is_accepted]++;
}

struct tool *fuzz_load_tool(const char *path)
{
        struct diag *d = diag_new();
        size_t len;
        char *text = file_read(path, &len, d);
        struct tool *tool = text ? file_compile_tool(path, text, len, d) : NULL;
        if (!tool)
                diag_print(d, stderr, false);
        FUZZ_CHECK(tool, "%s is not sound (run from the top of the tree)", path);
        diag_free(d);
        free(text);
        return tool;
}

/* ---- Diagnostics ---- */

/* Bytes of line `number` (from 1); false: the text has fewer lines. An empty line behind the last newline counts. */
static bool line_length(const char *text, size_t len, int number, size_t *bytes)
{
        size_t at = 0;
        for (int line = 1; line < number; line++) {
                const char *end = memchr(text + at, '\n', len - at);
                if (!end)
                        return false;
                at = (size_t)(end - text) + 1;
        }
        const char *end = memchr(text + at, '\n', len - at);
        *bytes = end ? (size_t)(end - (text + at)) : len - at;
        return true;
}

static void check_place(const struct diag_entry *e, const char *text, size_t len)
{
        size_t bytes;
        if (e->at.line == 0) /* the file as a whole */
                return;
        FUZZ_CHECK(e->at.line > 0 && e->at.column > 0, "place %d:%d: %s", e->at.line, e->at.column, e->text);
        FUZZ_CHECK(line_length(text, len, e->at.line, &bytes), "line %d is not in the text: %s", e->at.line,
            e->text);
        FUZZ_CHECK((size_t)e->at.column <= bytes + 1, "column %d of %zu bytes on line %d: %s", e->at.column,
            bytes, e->at.line, e->text);
}

static void check_words(const char *words)
{
        FUZZ_CHECK(words[0] != '\0', "a diagnostic without words");
        for (const char *p = words; *p; p++)
                FUZZ_CHECK(((unsigned char)*p >= ' ' && *p != 0x7F) || *p == '\n',
                    "a control character in '%s'", words);
}

void fuzz_check_diag(const struct diag *d, const char *path, const char *text, size_t len, bool has_result)
{
        char buf[1400];
        struct text t;
        FUZZ_CHECK(has_result == (diag_errors(d) == 0), "%s with %zu errors",
            has_result ? "accepted" : "refused", diag_errors(d));
        for (size_t i = 0; i < diag_count(d); i++) {
                const struct diag_entry *e = diag_entry(d, i);
                check_words(e->text);
                if (strcmp(diag_path(d, e->at.source), path) == 0)
                        check_place(e, text, len);
        }
        /* The printed form has loops of its own over the line; one entry shows them all. */
        if (diag_count(d) > 0) {
                text_init(&t, buf, sizeof buf);
                diag_add_entry(d, diag_count(d) - 1, &t);
                check_words(buf);
        }
}

/* ---- Conditions ---- */

struct walk {
        const struct cond_pool *pool;
        const struct tool *tool;
        int windows;
        int visits; /* a tree visits each node once: more than the pool holds is a circle */
};

static void check_tag(const struct walk *w, int tag, bool is_bit)
{
        FUZZ_CHECK(tag >= 0 && tag < w->tool->tag_count, "condition names tag %d", tag);
        FUZZ_CHECK(w->tool->tags[tag].is_bit == is_bit, "condition on '%s'", w->tool->tags[tag].name);
}

/* A comparison's own numbers: a bit has none, and what it looks at has a unit. */
static void check_leaf(const struct walk *w, const struct cond_node *n)
{
        bool has_window = n->op == COND_STEADY || n->op == COND_RATE;
        check_tag(w, n->a, n->op == COND_BIT);
        FUZZ_CHECK(
            n->b < 0 || n->op == COND_COMPARE || n->op == COND_WITHIN, "op %d has a second tag", n->op);
        if (n->b >= 0)
                check_tag(w, n->b, false);
        FUZZ_CHECK(n->cmp <= COND_EQ, "comparison %d", n->cmp);
        FUZZ_CHECK(
            isfinite(n->value) && isfinite(n->b_scale) && isfinite(n->b_offset), "a number of op %d", n->op);
        FUZZ_CHECK(isfinite(n->span) && n->span >= 0, "span %g of op %d", n->span, n->op);
        FUZZ_CHECK(
            has_window == (n->slot >= 0) && n->slot < w->windows, "window %d of op %d", n->slot, n->op);
        FUZZ_CHECK(!has_window || n->over_us >= 1000, "time %lld of op %d", (long long)n->over_us, n->op);
}

static void check_tree(struct walk *w, int at, int depth);

static void check_vote(struct walk *w, const struct cond_node *vote, int depth)
{
        int items = 0;
        for (int at = vote->left; at >= 0; at = w->pool->nodes[at].right, items++) {
                FUZZ_CHECK(
                    at < w->pool->count && w->pool->nodes[at].op == COND_LIST && items < COND_NODES_MAX,
                    "item %d of a vote", at);
                check_tree(w, w->pool->nodes[at].left, depth + 1);
        }
        FUZZ_CHECK(vote->count >= 1 && vote->count <= items, "%d votes of %d", vote->count, items);
}

static void check_tree(struct walk *w, int at, int depth)
{
        const struct cond_node *n = &w->pool->nodes[at];
        FUZZ_CHECK(at >= 0 && at < w->pool->count, "node %d of %d", at, w->pool->count);
        FUZZ_CHECK(depth <= COND_DEPTH_MAX && w->visits++ < w->pool->count, "no tree at node %d", at);
        switch ((enum cond_op)n->op) {
        case COND_COMPARE:
        case COND_BIT:
        case COND_WITHIN:
        case COND_STEADY:
        case COND_RATE:
                check_leaf(w, n);
                return;
        case COND_SETTLED:
        case COND_EXPOSING:
                return;
        case COND_VOTE:
                check_vote(w, n, depth);
                return;
        case COND_AND:
        case COND_OR:
                check_tree(w, n->left, depth + 1);
                check_tree(w, n->right, depth + 1);
                return;
        case COND_NOT:
                check_tree(w, n->left, depth + 1);
                return;
        case COND_LIST:
                break;
        }
        FUZZ_CHECK(false, "op %d stands alone", n->op);
}

void fuzz_check_cond(const struct cond_pool *pool, int root, const struct tool *tool, int windows)
{
        struct walk w = {.pool = pool, .tool = tool, .windows = windows};
        FUZZ_CHECK(windows <= SNAPSHOT_WINDOWS_MAX && pool->count <= COND_NODES_MAX, "%d windows, %d nodes",
            windows, pool->count);
        check_tree(&w, root, 0);
}
