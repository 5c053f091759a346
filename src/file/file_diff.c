#include "ald/file/file_diff.h"

#include "ald/file/format.h"      /* format_open */
#include "ald/file/joined.h"      /* joined_take_apart */
#include "ald/file/recipe_file.h" /* recipe_file_joined_form */
#include "ald/file/same.h"        /* same_node */
#include "ald/file/tool_file.h"   /* tool_file_joined_form */

#include <assert.h> /* assert */
#include <stdlib.h> /* calloc */
#include <string.h> /* strcmp */

struct work {
        void (*tell)(void *ctx, const struct file_change *change);
        void *ctx;
        const char *file;
};

/* Where a node stands: its keys from the top, and how many of them before the first list and behind the last. */
struct place {
        const char *keys[2 * YAML_DEPTH_MAX]; /* an item's id stands for a key */
        int count, where, what;
};

/* ---- Telling ---- */

static void add_node(struct text *t, const struct yaml_node *node)
{
        if (node->kind == YAML_SCALAR) {
                text_add(t, "%s", node->text);
                return;
        }
        text_add(t, node->kind == YAML_MAP ? "{" : "[");
        for (const struct yaml_node *n = node->first; n && !t->truncated; n = n->next) {
                text_add(t, "%s%s%s", n == node->first ? "" : ", ", n->key ? n->key : "", n->key ? ": " : "");
                add_node(t, n);
        }
        text_add(t, node->kind == YAML_MAP ? "}" : "]");
}

static void show(char out[FILE_DIFF_VALUE_CAP], const struct yaml_node *node)
{
        struct text t;
        text_init(&t, out, FILE_DIFF_VALUE_CAP);
        if (!node)
                return;
        add_node(&t, node);
        if (t.truncated)
                memcpy(out + FILE_DIFF_VALUE_CAP - 4, "...", 4);
        text_clean(out);
        for (char *p = out; *p; p++)
                *p = *p == '\n' ? ' ' : *p;
}

static void join_keys(char out[FILE_DIFF_PATH_CAP], const struct place *at, int from, int to)
{
        struct text t;
        text_init(&t, out, FILE_DIFF_PATH_CAP);
        for (int i = from; i < to; i++)
                text_add(&t, "%s%s", i > from ? "." : "", at->keys[i]);
}

static int line_of(const struct yaml_node *node)
{
        return !node ? 0 : node->key ? node->key_line : node->line;
}

static void tell(const struct work *w, const struct place *at, enum file_diff_kind kind,
    const struct yaml_node *then, const struct yaml_node *now)
{
        struct file_change c = {
            .kind = kind, .file = w->file, .line_then = line_of(then), .line_now = line_of(now)};
        bool is_listed = at->where >= 0;
        /* Without a list: the last key is what differs. */
        join_keys(c.where, at, 0, is_listed ? at->where : at->count - 1);
        join_keys(c.what, at, is_listed ? at->what : at->count - 1, at->count);
        show(c.then, then);
        show(c.now, now);
        w->tell(w->ctx, &c);
}

/* ---- Going through ---- */

static void walk(
    const struct work *w, struct place *at, const struct yaml_node *then, const struct yaml_node *now);

static void step_in(struct place *at, const char *key)
{
        assert(at->count < 2 * YAML_DEPTH_MAX); /* every mapping and every list is a level of the tree */
        at->keys[at->count++] = key;
}

/* Phases run in their order; of all other mappings it means nothing. */
static void check_order(
    const struct work *w, struct place *at, const struct yaml_node *then, const struct yaml_node *now)
{
        const struct yaml_node *was = then->first;
        for (const struct yaml_node *n = now->first; n; n = n->next) {
                if (!yaml_node_get(then, n->key))
                        continue;
                while (was && !yaml_node_get(now, was->key))
                        was = was->next;
                if (was && strcmp(was->key, n->key) != 0) {
                        struct file_change c = {.kind = FILE_DIFF_ORDER,
                            .file = w->file,
                            .line_then = was->key_line,
                            .line_now = n->key_line};
                        join_keys(c.where, at, 0, at->count);
                        text_copy(c.then, sizeof c.then, was->key);
                        text_copy(c.now, sizeof c.now, n->key);
                        w->tell(w->ctx, &c);
                        return;
                }
                was = was ? was->next : NULL;
        }
}

static void walk_map(
    const struct work *w, struct place *at, const struct yaml_node *then, const struct yaml_node *now)
{
        for (const struct yaml_node *n = now->first; n; n = n->next) {
                const struct yaml_node *was = yaml_node_get(then, n->key);
                step_in(at, n->key);
                if (was)
                        walk(w, at, was, n);
                else
                        tell(w, at, FILE_DIFF_ADDED, NULL, n);
                at->count--;
        }
        for (const struct yaml_node *n = then->first; n; n = n->next) {
                if (yaml_node_get(now, n->key))
                        continue;
                step_in(at, n->key);
                tell(w, at, FILE_DIFF_REMOVED, n, NULL);
                at->count--;
        }
        if (at->count == 1 && strcmp(at->keys[0], "phases") == 0)
                check_order(w, at, then, now);
}

static const char *id_of(const struct yaml_node *item)
{
        const struct yaml_node *id = item->kind == YAML_MAP ? yaml_node_get(item, "id") : NULL;
        return id && id->kind == YAML_SCALAR ? id->text : NULL;
}

/* By what an item of a list is known again though it differs: its id; else its first key, the verb of a step; else any value. */
static bool is_kin(const struct yaml_node *a, const struct yaml_node *b)
{
        if (a->kind != b->kind || a->kind != YAML_MAP || !a->first || !b->first)
                return a->kind == b->kind && a->kind != YAML_MAP;
        if (id_of(a) && id_of(b))
                return strcmp(id_of(a), id_of(b)) == 0;
        return strcmp(a->first->key, b->first->key) == 0;
}

/* Lists are laid side by side so that as much as can be is the same, or at least kin. */
struct item {
        const struct yaml_node *node;
};
struct sides {
        struct item *then, *now;
        int thens, nows;
        unsigned *best; /* of what begins at [i][j]; (thens + 1) * (nows + 1) */
};
enum { SAME_WORTH = 3, KIN_WORTH = 2 };

static unsigned worth(const struct yaml_node *a, const struct yaml_node *b)
{
        return same_node(a, b) ? SAME_WORTH : is_kin(a, b) ? KIN_WORTH : 0;
}

static unsigned *best_at(const struct sides *s, int i, int j)
{
        return &s->best[(size_t)i * ((size_t)s->nows + 1) + (size_t)j];
}

static void weigh(struct sides *s)
{
        for (int i = s->thens; i >= 0; i--) {
                for (int j = s->nows; j >= 0; j--) {
                        unsigned best = 0, pair = i < s->thens && j < s->nows
                                                      ? worth(s->then[i].node, s->now[j].node)
                                                      : 0;
                        if (i < s->thens)
                                best = *best_at(s, i + 1, j);
                        if (j<s->nows && * best_at(s, i, j + 1)> best)
                                best = *best_at(s, i, j + 1);
                        if (pair > 0 && *best_at(s, i + 1, j + 1) + pair >= best)
                                best = *best_at(s, i + 1, j + 1) + pair;
                        *best_at(s, i, j) = best;
                }
        }
}

static void walk_pair(
    const struct work *w, struct place *inside, const struct yaml_node *then, const struct yaml_node *now)
{
        const char *id = id_of(now);
        if (id)
                step_in(inside, id);
        walk(w, inside, then, now);
        inside->count -= id != NULL;
}

static void walk_sides(const struct work *w, struct place *at, const struct sides *s)
{
        struct place inside = *at;
        if (inside.where < 0)
                inside.where = at->count;
        inside.what = at->count;
        for (int i = 0, j = 0; i < s->thens || j < s->nows;) {
                bool is_pair = i < s->thens && j < s->nows;
                unsigned best = *best_at(s, i, j),
                         pair = is_pair ? worth(s->then[i].node, s->now[j].node) : 0;
                if (pair > 0 && best == *best_at(s, i + 1, j + 1) + pair)
                        walk_pair(w, &inside, s->then[i++].node, s->now[j++].node);
                else if (i < s->thens && best == *best_at(s, i + 1, j))
                        tell(w, &inside, FILE_DIFF_REMOVED, s->then[i++].node, NULL);
                else
                        tell(w, &inside, FILE_DIFF_ADDED, NULL, s->now[j++].node);
        }
}

static struct item *items_of(const struct yaml_node *list)
{
        struct item *items = calloc((size_t)list->count + 1, sizeof *items);
        int count = 0;
        for (const struct yaml_node *n = list->first; items && n; n = n->next)
                items[count++].node = n;
        return items;
}

static void walk_list(
    const struct work *w, struct place *at, const struct yaml_node *then, const struct yaml_node *now)
{
        struct sides s = {items_of(then), items_of(now), then->count, now->count, NULL};
        s.best = calloc((size_t)s.thens + 1, ((size_t)s.nows + 1) * sizeof *s.best);
        if (s.then && s.now && s.best) {
                weigh(&s);
                walk_sides(w, at, &s);
        } else {
                tell(w, at, FILE_DIFF_CHANGED, then, now);
        }
        free(s.then);
        free(s.now);
        free(s.best);
}

static void walk(
    const struct work *w, struct place *at, const struct yaml_node *then, const struct yaml_node *now)
{
        /* Short lists of values, such as [0 Torr, 5 Torr], are told as one. */
        bool is_values = now->kind == YAML_LIST && now->first && now->first->kind == YAML_SCALAR;
        if (then->kind == YAML_MAP && now->kind == YAML_MAP)
                walk_map(w, at, then, now);
        else if (same_node(then, now))
                return;
        else if (then->kind == YAML_LIST && now->kind == YAML_LIST && !is_values)
                walk_list(w, at, then, now);
        else
                tell(w, at, FILE_DIFF_CHANGED, then, now);
}

/* ---- Texts ---- */

struct pair {
        const char *then, *now; /* NULL: there is none */
        size_t then_len, now_len;
};

static bool diff_texts(struct work *w, const struct pair *p, struct diag *d)
{
        struct format_source then, now;
        struct place at = {.where = -1};
        bool ok = format_open(&then, "the recorded text", p->then, p->then_len, d);
        if (!ok)
                return false;
        ok = format_open(&now, "the text", p->now, p->now_len, d);
        if (ok) {
                const struct yaml_node *a = yaml_tree_root(then.tree), *b = yaml_tree_root(now.tree);
                if (a->kind == YAML_MAP && b->kind == YAML_MAP)
                        walk(w, &at, a, b);
                yaml_tree_free(now.tree);
        }
        yaml_tree_free(then.tree);
        return ok;
}

static void tell_file(const struct work *w, enum file_diff_kind kind, const char *name)
{
        struct file_change c = {.kind = kind, .file = name};
        w->tell(w->ctx, &c);
}

static int find_text(const struct joined *j, const char *name)
{
        for (size_t i = 0; i < j->count; i++)
                if (strcmp(j->names[i], name) == 0)
                        return (int)i;
        return -1;
}

static bool diff_further(struct work *w, const struct joined *then, const struct joined *now, struct diag *d)
{
        bool ok = true;
        for (size_t i = 0; i < now->count; i++) {
                int was = find_text(then, now->names[i]);
                w->file = now->names[i];
                if (was < 0)
                        tell_file(w, FILE_DIFF_ADDED, now->names[i]);
                else
                        ok = diff_texts(w,
                                 &(struct pair){
                                     then->texts[was], now->texts[i], then->lens[was], now->lens[i]},
                                 d) &&
                             ok;
        }
        for (size_t i = 0; i < then->count; i++)
                if (find_text(now, then->names[i]) < 0)
                        tell_file(w, FILE_DIFF_REMOVED, then->names[i]);
        return ok;
}

bool file_diff(enum file_diff_form form, const char *then, size_t then_len, const char *now, size_t now_len,
    void (*tell_change)(void *ctx, const struct file_change *change), void *ctx, struct diag *d)
{
        const struct joined_form *of =
            form == FILE_DIFF_RECIPE ? &recipe_file_joined_form : &tool_file_joined_form;
        struct work w = {tell_change, ctx, ""};
        struct joined *parts = calloc(2, sizeof *parts);
        if (!parts) {
                diag_error(d, (struct diag_at){diag_source(d, "memory", NULL, 0), 0, 0}, "memory is out");
                return false;
        }
        struct pair own = {then, now, joined_take_apart(&parts[0], of, "", then, then_len),
            joined_take_apart(&parts[1], of, "", now, now_len)};
        bool ok = diff_texts(&w, &own, d);
        ok = diff_further(&w, &parts[0], &parts[1], d) && ok;
        free(parts);
        return ok;
}
