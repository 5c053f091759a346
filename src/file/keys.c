#include "ald/file/keys.h"

#include "ald/base/time.h" /* time_add_duration */

#include <assert.h> /* assert */
#include <string.h> /* strcmp */

enum { MESSAGE_CAP = 400 };

static const char *key_at(const void *ctx, size_t i)
{
        return ((const struct keys *)ctx)->row[i].name;
}

static const char *word_at(const void *ctx, size_t i)
{
        return ((const struct key_word *)ctx)[i].name;
}

static int find_key(const struct keys *keys, const char *name)
{
        for (size_t i = 0; i < keys->count; i++)
                if (strcmp(keys->row[i].name, name) == 0)
                        return (int)i;
        return -1;
}

/* "tag 'nb.valve'" or "tag". */
static void add_owner(struct text *t, const struct keys *keys, const char *name)
{
        text_add(t, "%s", keys->what);
        if (name)
                text_add(t, " '%.48s'", name);
}

/* Tells of an unknown key; the number of the key that was probably meant, or -1. */
static int refuse_key(
    const struct reader *r, const struct yaml_node *node, const struct keys *keys, const char *name)
{
        const char *near = text_nearest(node->key, key_at, keys, keys->count);
        char buf[MESSAGE_CAP];
        struct text t;
        text_init(&t, buf, sizeof buf);
        text_add(&t, "unknown key '%.60s' in ", node->key);
        add_owner(&t, keys, name);
        reader_suggest(&t, node->key, key_at, keys, keys->count);
        diag_error(r->d, reader_at_key(r, node), "%s", buf);
        return near ? find_key(keys, near) : -1;
}

static void miss_key(const struct reader *r, const struct yaml_node *map, const struct keys *keys,
    const char *name, const struct key *key)
{
        char buf[MESSAGE_CAP];
        struct text t;
        text_init(&t, buf, sizeof buf);
        add_owner(&t, keys, name);
        text_add(&t, ": '%s' is missing", key->name);
        if (key->help)
                text_add(&t, " (%s)", key->help);
        diag_error(r->d, reader_at_key(r, map), "%s", buf);
}

bool keys_word(const struct reader *r, const struct yaml_node *node, const char *what,
    const struct key_word *words, int *out)
{
        const char *text = reader_text(r, node, what);
        size_t n = 0;
        if (!text)
                return false;
        for (; words[n].name; n++) {
                if (strcmp(words[n].name, text) == 0) {
                        *out = words[n].value;
                        return true;
                }
        }
        char buf[MESSAGE_CAP];
        struct text t;
        text_init(&t, buf, sizeof buf);
        text_add(&t, "%s: '%.60s' is not known here: it takes ", what, text);
        for (size_t i = 0; i < n; i++)
                text_add(&t, "%s%s", i == 0 ? "" : i + 1 == n ? " or " : ", ", words[i].name);
        const char *near = text_nearest(text, word_at, words, n);
        if (near)
                text_add(&t, " (did you mean '%s'?)", near);
        reader_error(r, node, "%s", buf);
        return false;
}

static void add_bound(struct text *t, const struct key *key, double value)
{
        if (key->kind == KEY_TIME) {
                time_add_duration(t, (int64_t)value);
                return;
        }
        text_add_number(t, value, 12);
        if (key->unit)
                text_add(t, " %s", key->unit);
}

static bool check_range(
    const struct reader *r, const struct yaml_node *node, const struct key *key, double value)
{
        char buf[MESSAGE_CAP];
        struct text t;
        if (!(key->min < key->max) || (value >= key->min && value <= key->max))
                return true;
        text_init(&t, buf, sizeof buf);
        text_add(&t, "%s: '%.60s' is out of range: it takes ", key->name, node->text);
        add_bound(&t, key, key->min);
        text_add(&t, " to ");
        add_bound(&t, key, key->max);
        reader_error(r, node, "%s", buf);
        return false;
}

static bool read_int(const struct reader *r, const struct yaml_node *node, const struct key *key, void *to)
{
        int64_t value;
        if (!reader_int(r, node, key->name, &value) || !check_range(r, node, key, (double)value))
                return false;
        assert(key->size == sizeof value);
        memcpy(to, &value, sizeof value);
        return true;
}

static bool read_time(const struct reader *r, const struct yaml_node *node, const struct key *key, void *to)
{
        int64_t us;
        if (!reader_time(r, node, key->name, &us) || !check_range(r, node, key, (double)us))
                return false;
        assert(key->size == sizeof us);
        memcpy(to, &us, sizeof us);
        return true;
}

static bool read_double(const struct reader *r, const struct yaml_node *node, const struct key *key, void *to)
{
        double value;
        bool ok = key->kind == KEY_NUMBER ? reader_number(r, node, key->name, &value)
                                          : reader_quantity(r, node, key->name, unit_find(key->unit), &value);
        if (!ok || !check_range(r, node, key, value))
                return false;
        assert(key->size == sizeof value);
        memcpy(to, &value, sizeof value);
        return true;
}

static bool read_value(const struct reader *r, const struct yaml_node *node, const struct key *key, char *to)
{
        switch (key->kind) {
        case KEY_NODE:
                *(const struct yaml_node **)(void *)to = node;
                return node->kind != YAML_BROKEN;
        case KEY_WORDS:
                return reader_words(r, node, key->name, to, key->size);
        case KEY_NAME:
                return reader_name(r, node, key->name, to, key->size);
        case KEY_BOOL:
                return reader_bool(r, node, key->name, (bool *)(void *)to);
        case KEY_INT:
                return read_int(r, node, key, to);
        case KEY_TIME:
                return read_time(r, node, key, to);
        case KEY_NUMBER:
        case KEY_QUANTITY:
                return read_double(r, node, key, to);
        case KEY_WORD:
                return keys_word(r, node, key->name, key->words, (int *)(void *)to);
        }
        return false;
}

bool keys_read(const struct reader *r, const struct yaml_node *map, const struct keys *keys, const char *name,
    void *out, struct keys_found *found)
{
        bool ok = true, is_meant[KEYS_MAX] = {false};
        assert(keys->count <= KEYS_MAX);
        *found = (struct keys_found){.keys = keys, .map = map};
        if (map->kind != YAML_MAP) {
                reader_error(
                    r, map, "%s: takes a mapping of keys, not %s", keys->what, yaml_kind_name(map->kind));
                return false;
        }
        for (const struct yaml_node *n = map->first; n; n = n->next) {
                int i = find_key(keys, n->key);
                if (i < 0) {
                        i = refuse_key(r, n, keys, name);
                        if (i >= 0)
                                is_meant[i] = true;
                        ok = false;
                        continue;
                }
                found->node[i] = n;
                ok = read_value(r, n, &keys->row[i], (char *)out + keys->row[i].offset) && ok;
        }
        for (size_t i = 0; i < keys->count; i++) {
                if (!keys->row[i].required || found->node[i])
                        continue;
                /* A misspelt key is not missing as well. */
                if (!is_meant[i])
                        miss_key(r, map, keys, name, &keys->row[i]);
                ok = false;
        }
        return ok;
}

const struct keys_case *keys_find_case(const struct keys_found *found)
{
        const struct keys_case *is = NULL;
        for (const struct keys_case *c = found->keys->cases; c->key; c++) {
                if (!keys_node(found, c->key))
                        continue;
                if (is)
                        return NULL;
                is = c;
        }
        return is;
}

bool keys_is_lent(const struct keys *keys, const char *key)
{
        int i = find_key(keys, key);
        return i < 0 || !keys->row[i].is_own;
}

const struct yaml_node *keys_node(const struct keys_found *found, const char *key)
{
        int i = find_key(found->keys, key);
        assert(i >= 0);
        return found->node[i];
}
