/* Device profiles: a file for a kind of device, `devices/NAME.yaml` beside the tool file, whose keys are the defaults of the keys
 * of a device that names it, and whose channels those of a tag. They are put together as trees, node by node, so that
 * everything is read and checked as if it stood in the tool file, and each mistake is told where it stands. */
#include "ald/file/tool_file.h"

#include "ald/file/format.h"          /* format_open, format_check */
#include "ald/file/tool_file_merge.h" /* tool_file_merge */

#include <assert.h> /* assert */
#include <stdlib.h> /* malloc */
#include <string.h> /* strcmp */

/* A profile's own keys. Its other keys, and those of its channels, are checked and read as the device's and the tag's. */
struct raw_profile {
        int64_t format;
        char profile[TOOL_NAME_MAX], title[TOOL_TEXT_MAX], source[800];
        bool verified;
        const struct yaml_node *channels;
        union {
                char bytes[512]; /* where the others are read to */
                double number;
                int64_t whole;
                void *pointer;
        } other;
};

static const struct shape channel_shape = {.kind = SHAPE_LENT, .keys = &tool_file_tag_keys};
static const struct shape channels_shape = {.kind = SHAPE_MAP, .of = &channel_shape};

static const struct key rows[] = {
    {"format", KEY_INT, true, KEY_AT(struct raw_profile, format), .holds = &format_shape,
        .help = "format of this file: 1"},
    {"profile", KEY_NAME, true, KEY_AT(struct raw_profile, profile), .help = "its name, that of the file"},
    {"title", KEY_WORDS, true, KEY_AT(struct raw_profile, title), .help = "the device in a few words"},
    {"source", KEY_WORDS, true, KEY_AT(struct raw_profile, source),
        .help = "the manual that its numbers come from"},
    {"verified", KEY_BOOL, true, KEY_AT(struct raw_profile, verified),
        .help = "yes once somebody has tried it on hardware"},
    {"channels", KEY_NODE, false, KEY_NODE_AT(struct raw_profile, channels), .holds = &channels_shape,
        .help = "its values, by name"},
};
const struct keys tool_file_profile_keys = KEYS("profile", rows);

/* What belongs to one device or tag of one tool: no default of it makes sense. */
static bool is_of_profile(const char *key)
{
        return keys_is_lent(&tool_file_device_keys, key);
}

static bool is_of_channel(const char *key)
{
        return keys_is_lent(&tool_file_tag_keys, key);
}

static bool has_key(const struct keys *keys, const char *name)
{
        for (size_t i = 0; i < keys->count; i++)
                if (strcmp(keys->row[i].name, name) == 0)
                        return true;
        return false;
}

/* ---- a profile ---- */

/* `to` gets the keys of `from` that may stand in a profile, none required. */
static size_t add_keys(
    struct key *to, size_t count, const struct keys *from, bool (*takes)(const char *key), size_t offset)
{
        for (size_t i = 0; i < from->count; i++) {
                if (!takes(from->row[i].name))
                        continue;
                assert(count < KEYS_MAX && from->row[i].size <= sizeof((struct raw_profile *)0)->other);
                to[count] = from->row[i];
                to[count].required = false;
                to[count++].offset = offset;
        }
        return count;
}

/* One channel for itself: what depends on other keys is checked where a tag uses it. */
static bool check_channel(struct tool_file *f, const struct yaml_node *node)
{
        struct key row[KEYS_MAX];
        struct keys keys = {.what = "channel", .row = row};
        struct raw_profile raw;
        struct keys_found found;
        char name[TOOL_NAME_MAX];

        if (!tool_file_take_name(f, node, "channel", name))
                return false;
        keys.count =
            add_keys(row, 0, &tool_file_tag_keys, is_of_channel, offsetof(struct raw_profile, other));
        return keys_read(&f->r, node, &keys, name, &raw, &found);
}

/* Unsound channels are told, and broken for those who use them. */
static const struct yaml_node *check_channels(struct tool_file *f, const struct yaml_node *map)
{
        struct yaml_node *to = tool_file_want_map(f, map, "channels") ? tool_file_keep_empty(f, map) : NULL,
                         *last = NULL;

        if (!to)
                return NULL;
        for (const struct yaml_node *n = map->first; n; n = n->next) {
                struct yaml_node *copy = tool_file_keep(f, n);
                if (!check_channel(f, n) && copy)
                        copy->kind = YAML_BROKEN;
                tool_file_append(to, &last, copy);
        }
        return to;
}

static void read_profile(struct tool_file *f, struct tool_file_profile *p)
{
        const struct yaml_node *root = yaml_tree_root(p->tree), *name;
        struct key row[KEYS_MAX];
        struct keys keys = {.what = "profile", .row = row, .count = tool_file_profile_keys.count};
        struct raw_profile raw = {.verified = false};
        struct keys_found found;

        if (!format_check(&f->r, root))
                return;
        memcpy(row, rows, sizeof rows);
        keys.count = add_keys(
            row, keys.count, &tool_file_device_keys, is_of_profile, offsetof(struct raw_profile, other));
        p->is_sound = keys_read(&f->r, root, &keys, NULL, &raw, &found);
        p->is_verified = raw.verified;
        if (raw.channels)
                p->channels = check_channels(f, raw.channels);
        name = keys_node(&found, "profile");
        if (raw.profile[0] && strcmp(raw.profile, p->name) != 0)
                reader_error(&f->r, name, "profile: '%s' stands in the file of '%s': they must be the same",
                    raw.profile, p->name);
}

/* ---- finding it ---- */

struct names {
        char name[64][FILE_NAME_CAP];
        size_t count;
};

static const char *name_at(const void *ctx, size_t i)
{
        return ((const struct names *)ctx)->name[i];
}

bool file_profile_path(const char *path, const char *profile, char *out, size_t cap)
{
        char name[FILE_NAME_CAP];

        tool_file_name_profile(profile, name);
        return file_beside(path, name, out, cap);
}

/* Which file was looked for, why it is no good, and what else there is. */
static void tell_missing(
    struct tool_file *f, const struct yaml_node *node, const char *name, const char *path, const char *why)
{
        const struct file_profiles *from = f->profiles.from;
        struct names *names = calloc(1, sizeof *names);
        char buf[400];
        struct text t;

        text_init(&t, buf, sizeof buf);
        text_add(&t, "profile: '%s' cannot be read: %.160s: %s", name, path, why);
        if (names && from && from->list)
                names->count = from->list(from->library.ctx, f->profiles.path, names->name,
                    sizeof names->name / sizeof names->name[0]);
        bool is_there = false;
        for (size_t i = 0; names && i < names->count; i++)
                is_there = is_there || strcmp(names->name[i], name) == 0;
        if (names && !is_there)
                reader_suggest(&t, name, name_at, names, names->count);
        free(names);
        reader_error(&f->r, node, "%s", buf);
}

static void open_profile(struct tool_file *f, struct tool_file_profile *p, const struct yaml_node *node)
{
        const struct file_profiles *from = f->profiles.from;
        char path[2 * FILE_NAME_CAP];
        const char *why = "its path is too long";
        struct format_source source;

        if (file_profile_path(f->profiles.path, p->name, path, sizeof path)) {
                why = "no profile can be read here";
                p->text = from ? from->library.find(from->library.ctx, path, &p->len, &why) : NULL;
        }
        if (!p->text) {
                tell_missing(f, node, p->name, path, why);
                return;
        }
        if (p->len > FILE_BYTES_MAX - f->profiles.bytes) {
                reader_error(&f->r, node, "profile: with '%s' the tool file is longer than 256 KiB", p->name);
                return;
        }
        f->profiles.bytes += p->len;
        if (!format_open(&source, path, p->text, p->len, f->r.d))
                return;
        p->tree = source.tree;
        read_profile(f, p);
}

/* NULL: told. */
static struct tool_file_profile *want_profile(struct tool_file *f, const struct yaml_node *node)
{
        struct tool_file_profiles *all = &f->profiles;
        const char *name = reader_text(&f->r, node, "profile");

        /* What is no name is told where the key is read. */
        if (!name || !tool_file_is_profile(name))
                return NULL;
        for (int i = 0; i < all->count; i++)
                if (strcmp(all->list[i].name, name) == 0)
                        return &all->list[i];
        if (all->count == FILE_PROFILES_MAX) {
                reader_error(&f->r, node, "profile: too many of these: at most %d", FILE_PROFILES_MAX);
                return NULL;
        }
        struct tool_file_profile *p = &all->list[all->count++];
        text_copy(p->name, sizeof p->name, name);
        open_profile(f, p, node);
        return p;
}

/* ---- its use ---- */

static bool is_default(const char *key)
{
        return has_key(&tool_file_device_keys, key) && is_of_profile(key);
}

const struct yaml_node *tool_file_use_profile(
    struct tool_file *f, int device, const struct yaml_node *node, bool *is_known)
{
        const struct yaml_node *key = node->kind == YAML_MAP ? yaml_node_get(node, "profile") : NULL;
        struct tool_device *to = &f->tool->devices[device];

        *is_known = true;
        if (!key)
                return node;
        const struct tool_file_profile *p = want_profile(f, key);
        f->profile[device] = p;
        *is_known = p && p->tree && p->is_sound;
        if (!*is_known)
                return tool_file_mend(f, node, &tool_file_device_keys, is_of_profile);
        text_copy(to->profile, sizeof to->profile, p->name);
        to->is_verified = p->is_verified;
        return tool_file_merge(f, node, yaml_tree_root(p->tree), is_default);
}

static const char *channel_at(const void *ctx, size_t i)
{
        const struct yaml_node *n = ((const struct yaml_node *)ctx)->first;

        while (i-- > 0)
                n = n->next;
        return n->key;
}

/* The channel's node; NULL: told, or to be told elsewhere. */
static const struct yaml_node *want_channel(
    struct tool_file *f, const struct yaml_node *node, const struct yaml_node *key)
{
        const struct yaml_node *of = yaml_node_get(node, "device"), *channel;
        int device = of && of->kind == YAML_SCALAR ? tool_find_device(f->tool, of->text) : TOOL_NONE;
        const struct yaml_node *device_node = device >= 0 ? f->device_node[device] : NULL;

        if (device < 0 || key->kind != YAML_SCALAR || !reader_is_name(key->text))
                return NULL;
        const struct tool_file_profile *p = f->profile[device];
        if (!p && device_node->kind == YAML_MAP && !yaml_node_get(device_node, "profile"))
                reader_error(&f->r, key, "channel: device '%s' has no profile, which would have channels",
                    f->tool->devices[device].name);
        if (!p || !p->channels)
                return NULL;
        channel = yaml_node_get(p->channels, key->text);
        if (!channel) {
                char noun[100];
                struct text t;
                text_init(&t, noun, sizeof noun);
                text_add(&t, "channel of profile '%s'", p->name);
                reader_unknown(&f->r, reader_at(&f->r, key), "channel", noun, key->text, channel_at,
                    p->channels, (size_t)p->channels->count);
        }
        return channel && channel->kind == YAML_MAP ? channel : NULL;
}

const struct yaml_node *tool_file_use_channel(
    struct tool_file *f, const struct yaml_node *node, bool *is_known)
{
        const struct yaml_node *key = node->kind == YAML_MAP ? yaml_node_get(node, "channel") : NULL;

        *is_known = true;
        if (!key)
                return node;
        const struct yaml_node *channel = want_channel(f, node, key);
        *is_known = channel != NULL;
        return channel ? tool_file_merge(f, node, channel, is_of_channel)
                       : tool_file_mend(f, node, &tool_file_tag_keys, is_of_channel);
}

void tool_file_free_profiles(struct tool_file *f)
{
        for (int i = 0; i < f->profiles.count; i++)
                yaml_tree_free(f->profiles.list[i].tree);
        tool_file_free_nodes(f);
}
