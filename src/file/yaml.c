#include "ald/file/yaml.h"

#include "ald/base/diag.h"      /* diag_error */
#include "ald/file/file.h"      /* FILE_BYTES_MAX */
#include "ald/file/yaml_text.h" /* yaml_text_check */

#include <assert.h> /* assert */
#include <stdint.h> /* SIZE_MAX */
#include <stdlib.h> /* malloc */
#include <string.h> /* memcpy */
#include <yaml.h>   /* libyaml: event interface */

/* Memory in blocks: nodes keep their addresses, and everything is freed at once. */
struct block {
        struct block *next;
        size_t used, cap;
};

struct yaml_tree {
        struct block *blocks;
        struct yaml_node *root;
};

struct level {
        struct yaml_node *node;
        struct yaml_node *last; /* its newest child */
        const char *key;        /* read, and waiting for its value */
        int key_line, key_column;
        bool is_duplicate; /* the waiting key was there before: its value is dropped */
};

struct build {
        yaml_parser_t parser;
        struct yaml_tree *tree;
        struct diag *d;
        int source;
        const char *text;
        size_t len;
        int line_seen; /* line_at is the offset of this line's first byte: marks come in order */
        size_t line_at;
        size_t column_seen, column_at; /* the same of the last column asked for on it: lines may be long */
        struct level level[YAML_DEPTH_MAX];
        int depth;
        bool is_over; /* nothing more can be read */
};

static void *allocate(struct build *b, size_t size)
{
        const size_t head = (sizeof(struct block) + 15) & ~(size_t)15;
        size = (size + 15) & ~(size_t)15;
        struct block *k = b->tree->blocks;
        if (!k || k->cap - k->used < size) {
                size_t cap = head + (size > 32768 ? size : 32768);
                k = malloc(cap);
                if (!k) {
                        diag_error(b->d, (struct diag_at){b->source, 0, 0}, "memory is out");
                        b->is_over = true;
                        return NULL;
                }
                *k = (struct block){.next = b->tree->blocks, .used = head, .cap = cap};
                b->tree->blocks = k;
        }
        void *p = (char *)k + k->used;
        k->used += size;
        assert(k->used <= k->cap);
        return p;
}

static const char *keep_text(struct build *b, const char *text, size_t len)
{
        char *copy = allocate(b, len + 1);
        if (copy) {
                memcpy(copy, text, len);
                copy[len] = '\0';
        }
        return copy;
}

static void go_to_line(struct build *b, int line, size_t at)
{
        b->line_seen = line;
        b->line_at = b->column_at = at;
        b->column_seen = 0;
}

/* Offset of a mark's byte. libyaml counts characters; places are told in bytes. */
static size_t offset_of(struct build *b, const yaml_mark_t *mark)
{
        if ((int)mark->line < b->line_seen)
                go_to_line(b, 0, 0);
        while (b->line_seen < (int)mark->line && b->line_at < b->len) {
                const char *end = memchr(b->text + b->line_at, '\n', b->len - b->line_at);
                if (!end) /* libyaml puts the end of a text without a last newline on a line of its own */
                        return b->len;
                go_to_line(b, b->line_seen + 1, (size_t)(end - b->text) + 1);
        }
        if (mark->column < b->column_seen)
                go_to_line(b, b->line_seen, b->line_at);
        while (b->column_seen < mark->column && b->column_at < b->len) {
                b->column_seen++;
                b->column_at++;
                while (b->column_at < b->len && ((unsigned char)b->text[b->column_at] & 0xC0) == 0x80)
                        b->column_at++;
        }
        return b->column_at;
}

static struct diag_at at_mark(struct build *b, const yaml_mark_t *mark)
{
        size_t at = offset_of(b, mark);
        return (struct diag_at){b->source, b->line_seen + 1, (int)(at - b->line_at) + 1};
}

static struct yaml_node *new_node(struct build *b, enum yaml_kind kind, const yaml_mark_t *mark)
{
        struct yaml_node *n = allocate(b, sizeof *n);
        if (!n)
                return NULL;
        struct diag_at at = at_mark(b, mark);
        *n = (struct yaml_node){.kind = kind, .source = at.source, .line = at.line, .column = at.column};
        return n;
}

/* Hang a node under the innermost open collection, or make it the root. */
static void attach(struct build *b, struct yaml_node *n)
{
        if (b->depth == 0) {
                b->tree->root = n;
                return;
        }
        struct level *l = &b->level[b->depth - 1];
        n->key = l->key;
        n->key_line = l->key_line;
        n->key_column = l->key_column;
        l->key = NULL;
        if (l->is_duplicate) {
                l->is_duplicate = false;
                return;
        }
        if (l->last)
                l->last->next = n;
        else
                l->node->first = n;
        l->last = n;
        l->node->count++;
}

static bool wants_key(const struct build *b)
{
        return b->depth > 0 && b->level[b->depth - 1].node->kind == YAML_MAP && !b->level[b->depth - 1].key;
}

static void take_key(struct build *b, const yaml_event_t *e)
{
        struct level *l = &b->level[b->depth - 1];
        struct diag_at at = at_mark(b, &e->start_mark);
        l->key = keep_text(b, (const char *)e->data.scalar.value, e->data.scalar.length);
        l->key_line = at.line;
        l->key_column = at.column;
        if (!l->key)
                return;
        const struct yaml_node *before = yaml_node_get(l->node, l->key);
        if (before) {
                diag_error(b->d, at, "'%.60s' is there twice: first on line %d", l->key, before->key_line);
                l->is_duplicate = true;
        } else if (l->node->count == YAML_ENTRIES_MAX) {
                diag_error(b->d, at, "more than %d entries in one mapping", YAML_ENTRIES_MAX);
                b->is_over = true;
        }
}

/* Does the source hold the scalar's text byte for byte? Then errors inside it (a condition) can point exactly. */
static int inner_column(struct build *b, const yaml_event_t *e, const struct yaml_node *n)
{
        size_t at = offset_of(b, &e->start_mark) + (n->is_plain ? 0 : 1);
        size_t len = e->data.scalar.length;
        if (at > b->len || len > b->len - at || memcmp(b->text + at, n->text, len) != 0)
                return 0;
        return n->column + (n->is_plain ? 0 : 1);
}

static void take_scalar(struct build *b, const yaml_event_t *e)
{
        if (wants_key(b)) {
                take_key(b, e);
                return;
        }
        struct yaml_node *n = new_node(b, YAML_SCALAR, &e->start_mark);
        if (!n)
                return;
        n->is_plain = e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
        n->text = keep_text(b, (const char *)e->data.scalar.value, e->data.scalar.length);
        if (!n->text)
                return;
        n->inner = inner_column(b, e, n);
        if (strlen(n->text) != e->data.scalar.length) {
                diag_error(b->d, at_mark(b, &e->start_mark), "a text may not hold the character NUL (\\0)");
                n->kind = YAML_BROKEN;
        }
        attach(b, n);
}

static void take_start(struct build *b, enum yaml_kind kind, const yaml_event_t *e)
{
        if (wants_key(b)) {
                diag_error(b->d, at_mark(b, &e->start_mark), "a key must be a plain name, not %s",
                    yaml_kind_name(kind));
                b->is_over = true;
                return;
        }
        if (b->depth == YAML_DEPTH_MAX) {
                diag_error(b->d, at_mark(b, &e->start_mark), "nested deeper than %d levels", YAML_DEPTH_MAX);
                b->is_over = true;
                return;
        }
        struct yaml_node *n = new_node(b, kind, &e->start_mark);
        if (!n)
                return;
        attach(b, n);
        b->level[b->depth++] = (struct level){.node = n};
}

static void take_alias(struct build *b, const yaml_event_t *e)
{
        diag_error(b->d, at_mark(b, &e->start_mark), "aliases (*name) are not part of this format");
        if (wants_key(b)) {
                b->is_over = true;
                return;
        }
        struct yaml_node *n = new_node(b, YAML_BROKEN, &e->start_mark);
        if (n)
                attach(b, n);
}

/* Anchors and tags: said once, then read as if they were not there. */
static void refuse_properties(
    struct build *b, const yaml_event_t *e, const yaml_char_t *anchor, const yaml_char_t *tag)
{
        if (anchor)
                diag_error(b->d, at_mark(b, &e->start_mark), "anchors (&name) are not part of this format");
        if (tag)
                diag_error(b->d, at_mark(b, &e->start_mark), "tags (!name) are not part of this format");
}

static void take_document(struct build *b, const yaml_event_t *e)
{
        if (e->data.document_start.version_directive ||
            e->data.document_start.tag_directives.start != e->data.document_start.tag_directives.end)
                diag_error(
                    b->d, at_mark(b, &e->start_mark), "directives (%%...) are not part of this format");
        if (b->tree->root) {
                diag_error(b->d, at_mark(b, &e->start_mark),
                    "a second document begins here: a file holds one document");
                b->is_over = true;
        }
}

static void take_event(struct build *b, const yaml_event_t *e)
{
        switch (e->type) {
        case YAML_DOCUMENT_START_EVENT:
                take_document(b, e);
                break;
        case YAML_SCALAR_EVENT:
                refuse_properties(b, e, e->data.scalar.anchor, e->data.scalar.tag);
                take_scalar(b, e);
                break;
        case YAML_SEQUENCE_START_EVENT:
                refuse_properties(b, e, e->data.sequence_start.anchor, e->data.sequence_start.tag);
                take_start(b, YAML_LIST, e);
                break;
        case YAML_MAPPING_START_EVENT:
                refuse_properties(b, e, e->data.mapping_start.anchor, e->data.mapping_start.tag);
                take_start(b, YAML_MAP, e);
                break;
        case YAML_SEQUENCE_END_EVENT:
        case YAML_MAPPING_END_EVENT:
                assert(b->depth > 0);
                b->depth--;
                break;
        case YAML_ALIAS_EVENT:
                take_alias(b, e);
                break;
        case YAML_STREAM_END_EVENT:
                b->is_over = true;
                break;
        default:
                break;
        }
}

static void explain_syntax(struct build *b)
{
        const yaml_parser_t *p = &b->parser;
        const yaml_mark_t *mark =
            p->problem_mark.line || p->problem_mark.column ? &p->problem_mark : &p->mark;
        const char *hint = "";
        if (p->problem && strstr(p->problem, "mapping values are not allowed"))
                hint = "; is a text with ': ' missing its quotes, or the indentation wrong?";
        diag_error(b->d, at_mark(b, mark), "not valid YAML: %s%s%s%s", p->context ? p->context : "",
            p->context ? ", " : "", p->problem ? p->problem : "cannot be read", hint);
}

static bool read_events(struct build *b)
{
        while (!b->is_over) {
                yaml_event_t e;
                if (!yaml_parser_parse(&b->parser, &e)) {
                        explain_syntax(b);
                        return false;
                }
                bool at_end = e.type == YAML_STREAM_END_EVENT;
                take_event(b, &e);
                yaml_event_delete(&e);
                if (at_end)
                        return true;
        }
        return false;
}

static bool read_tree(struct build *b)
{
        if (!yaml_parser_initialize(&b->parser)) {
                diag_error(b->d, (struct diag_at){b->source, 0, 0}, "memory is out");
                return false;
        }
        yaml_parser_set_encoding(&b->parser, YAML_UTF8_ENCODING);
        yaml_parser_set_input_string(&b->parser, (const unsigned char *)b->text, b->len);
        bool ok = read_events(b);
        yaml_parser_delete(&b->parser);
        const struct yaml_node *root = b->tree->root;
        if (ok && (!root || (root->kind == YAML_SCALAR && root->text[0] == '\0'))) {
                diag_error(b->d, (struct diag_at){b->source, 1, 1},
                    "the file is empty: it must begin with 'format: 1'");
                ok = false;
        }
        return ok;
}

struct yaml_tree *yaml_tree_parse(const char *text, size_t len, int source, struct diag *d)
{
        if (len > FILE_BYTES_MAX) {
                diag_error(d, (struct diag_at){source, 1, 1}, "the file has %zu bytes: at most %zu (256 KiB)",
                    len, FILE_BYTES_MAX);
                return NULL;
        }
        char *clean = yaml_text_check(text, len, source, d);
        if (!clean)
                return NULL;
        struct build *b = calloc(1, sizeof *b);
        struct yaml_tree *tree = calloc(1, sizeof *tree);
        bool ok = false;
        if (b && tree) {
                b->tree = tree;
                b->d = d;
                b->source = source;
                b->text = clean;
                b->len = len;
                ok = read_tree(b);
        }
        free(b);
        free(clean);
        if (ok)
                return tree;
        yaml_tree_free(tree);
        return NULL;
}

void yaml_tree_free(struct yaml_tree *tree)
{
        if (!tree)
                return;
        for (struct block *k = tree->blocks, *next; k; k = next) {
                next = k->next;
                free(k);
        }
        free(tree);
}

const struct yaml_node *yaml_tree_root(const struct yaml_tree *tree)
{
        assert(tree->root);
        return tree->root;
}

const struct yaml_node *yaml_node_get(const struct yaml_node *map, const char *key)
{
        for (const struct yaml_node *n = map->first; n; n = n->next)
                if (n->key && strcmp(n->key, key) == 0)
                        return n;
        return NULL;
}

const char *yaml_kind_name(enum yaml_kind kind)
{
        switch (kind) {
        case YAML_LIST:
                return "a list";
        case YAML_MAP:
                return "a mapping";
        default:
                return "a value";
        }
}
