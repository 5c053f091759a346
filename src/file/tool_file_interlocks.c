/* Images and interlocks of a tool file. */
#include "ald/file/tool_file.h"

#include "ald/base/time.h"       /* TIME_MS */
#include "ald/file/cond_parse.h" /* cond_parse_node */
#include "ald/file/value.h"      /* value_read */

#include <string.h> /* strcmp */

struct raw_images {
        const struct yaml_node *standby;
};
static const struct key image_rows[] = {
    {"standby", KEY_NODE, false, KEY_NODE_AT(struct raw_images, standby), .holds = &shape_values,
        .help = "outputs that rest elsewhere than at their safe value"},
};
const struct keys tool_file_image_keys = KEYS("images", image_rows);

/* Abort: every output safe. Standby: safe unless named. Hold: kept, but precursors and reactive gases close. */
static void set_default_images(struct tool *tool)
{
        for (int i = 0; i < tool->tag_count; i++) {
                struct tool_tag *tag = &tool->tags[i];
                if (!tag->is_output)
                        continue;
                tag->image[TOOL_IMAGE_ABORT] = (struct tool_image_value){.value = tag->safe};
                tag->image[TOOL_IMAGE_STANDBY] = (struct tool_image_value){.value = tag->safe};
                tag->image[TOOL_IMAGE_HOLD] =
                    (struct tool_image_value){.keep = tag->class == TOOL_CLASS_PLAIN, .value = tag->safe};
        }
}

/* The output a name stands for. Broken equipment was told of: what may follow from it is not told again. */
static int want_output(struct tool_file *f, struct diag_at at, const char *name)
{
        if (f->has_broken_loop && tool_find_tag(f->tool, name) >= 0)
                return value_find_output(f->tool, name);
        return value_want_output(&f->r, at, f->tool, name);
}

/* NAME: VALUE of an output, within its limits. The tag, or TOOL_NONE with errors told. */
static int read_setting(struct tool_file *f, const struct yaml_node *node, double *value)
{
        int tag = want_output(f, reader_at_key(&f->r, node), node->key);
        if (tag < 0)
                return TOOL_NONE;
        const struct tool_tag *t = &f->tool->tags[tag];
        if (!value_read(&f->r, node, node->key, t, value) ||
            !value_check_limits(&f->r, node, node->key, t, *value))
                return TOOL_NONE;
        return tag;
}

static void read_standby(struct tool_file *f, const struct yaml_node *map)
{
        bool is_named[TOOL_TAGS_MAX] = {false};
        if (!tool_file_want_map(f, map, "standby"))
                return;
        for (const struct yaml_node *n = map->first; n; n = n->next) {
                double value;
                int number = read_setting(f, n, &value);
                if (number < 0)
                        continue;
                struct tool_tag *tag = &f->tool->tags[number];
                if (is_named[number])
                        diag_error(
                            f->r.d, reader_at_key(&f->r, n), "'%s' is named twice in this image", tag->name);
                is_named[number] = true;
                if (tag->class != TOOL_CLASS_PLAIN && (value < tag->safe || value > tag->safe))
                        reader_error(
                            &f->r, n, "%s: a precursor or reactive gas rests at its safe value only", n->key);
                tag->image[TOOL_IMAGE_STANDBY].value = value;
        }
}

void tool_file_read_images(struct tool_file *f, const struct yaml_node *map)
{
        struct raw_images raw = {0};
        struct keys_found found;
        set_default_images(f->tool);
        if (map && keys_read(&f->r, map, &tool_file_image_keys, NULL, &raw, &found) && raw.standby)
                read_standby(f, raw.standby);
        for (int i = 0; i < f->tool->loop_count; i++) {
                struct tool_loop *loop = &f->tool->loops[i];
                if (loop->setpoint >= 0)
                        loop->standby = f->tool->tags[loop->setpoint].image[TOOL_IMAGE_STANDBY].value;
        }
}

struct raw_interlock {
        char id[TOOL_NAME_MAX], guidance[TOOL_TEXT_MAX];
        const struct yaml_node *trip, *suspend, *arm, *set, *permit, *cond, *exclusive;
        int64_t for_us, grace, purge_between;
        int then;
};

static const struct key_word actions[] = {
    {"abort", TOOL_ACT_ABORT}, {"stop", TOOL_ACT_STOP}, {"hold", TOOL_ACT_HOLD}, {NULL, 0}};

static const struct key interlock_rows[] = {
    {"id", KEY_NAME, true, KEY_AT(struct raw_interlock, id), .help = "its name"},
    {"trip", KEY_NODE, false, KEY_NODE_AT(struct raw_interlock, trip), .holds = &shape_condition,
        .help = "condition that trips"},
    {"suspend", KEY_NODE, false, KEY_NODE_AT(struct raw_interlock, suspend), .holds = &shape_condition,
        .help = "condition, of a cause outside, that makes a run wait"},
    {"arm", KEY_NODE, false, KEY_NODE_AT(struct raw_interlock, arm), .holds = &shape_condition,
        .help = "trip: armed once this was true"},
    {"for", KEY_TIME, false, KEY_AT(struct raw_interlock, for_us), .max = 3600e6,
        .help =
            "trip, suspend: how long the condition must hold; suspend: or be gone, before the run goes on"},
    {"grace", KEY_TIME, false, KEY_AT(struct raw_interlock, grace), .max = 60e6,
        .help = "trip, suspend: how long an unreadable input is borne"},
    {"then", KEY_WORD, false, KEY_AT(struct raw_interlock, then), .words = actions,
        .help = "trip: what it does"},
    {"set", KEY_NODE, false, KEY_NODE_AT(struct raw_interlock, set), .holds = &shape_values,
        .help = "trip: outputs beyond the image"},
    {"permit", KEY_NODE, false, KEY_NODE_AT(struct raw_interlock, permit), .holds = &shape_one_or_more_names,
        .help = "outputs that may open only while"},
    {"while", KEY_NODE, false, KEY_NODE_AT(struct raw_interlock, cond), .holds = &shape_condition,
        .help = "permit: the condition"},
    {"exclusive", KEY_NODE, false, KEY_NODE_AT(struct raw_interlock, exclusive),
        .holds = &shape_one_or_more_names, .help = "outputs never open together"},
    {"purge_between", KEY_TIME, false, KEY_AT(struct raw_interlock, purge_between), .max = 86400e6,
        .help = "exclusive: inert flow between two of them"},
    {"guidance", KEY_WORDS, false, KEY_AT(struct raw_interlock, guidance), .help = "what to do about it"},
};
static const struct keys_case interlock_cases[] = {
    {"trip", "a trip", .foreign = {"suspend", "permit", "while", "exclusive", "purge_between"}},
    {"suspend", "a suspend",
        .foreign = {"permit", "while", "exclusive", "purge_between", "arm", "then", "set"}},
    {"permit", "a permit", .needs = "while",
        .foreign = {"arm", "for", "grace", "then", "set", "exclusive", "purge_between"}},
    {"exclusive", "an exclusion", .needs = "purge_between",
        .foreign = {"arm", "for", "grace", "then", "set", "while"}},
    {.key = NULL}};
const struct keys tool_file_interlock_keys = KEYS_WITH("interlock", interlock_rows, interlock_cases, NULL);

/* An interlock on its way in. */
struct work {
        struct tool_file *f;
        struct tool_interlock *lock;
        const struct raw_interlock *raw;
        const struct keys_found *found;
};

static void refuse_keys(const struct work *w)
{
        const struct keys_case *is = keys_find_case(w->found);
        for (const char *const *key = is->foreign; *key; key++) {
                const struct yaml_node *node = keys_node(w->found, *key);
                if (node)
                        diag_error(w->f->r.d, reader_at_key(&w->f->r, node), "'%s' does not belong to %s",
                            *key, is->what);
        }
}

static void read_cond(const struct work *w, const struct yaml_node *node, const char *what, struct cond *out)
{
        struct tool_file *f = w->f;
        struct cond_parse c = {&f->r, f->tool, &f->tool->conds, &f->windows};
        out->root = -1;
        if (node)
                cond_parse_node(&c, node, what, out);
}

static void read_sets(const struct work *w)
{
        struct tool_file *f = w->f;
        const struct yaml_node *map = w->raw->set;
        if (!map || !tool_file_want_map(f, map, "set"))
                return;
        for (const struct yaml_node *n = map->first; n; n = n->next) {
                double value;
                if (!tool_file_has_room(f, n, "settings in one interlock", w->lock->set_count, TOOL_SETS_MAX))
                        return;
                int tag = read_setting(f, n, &value);
                if (tag < 0)
                        continue;
                const struct tool_tag *t = &f->tool->tags[tag];
                for (int i = 0; i < w->lock->set_count; i++)
                        if (w->lock->set[i].tag == tag)
                                diag_error(
                                    f->r.d, reader_at_key(&f->r, n), "set: '%s' is there twice", t->name);
                if (t->class != TOOL_CLASS_PLAIN && (value < t->safe || value > t->safe))
                        reader_error(&f->r, n, "%s: a trip may not open a precursor or reactive gas", n->key);
                w->lock->set[w->lock->set_count++] = (struct tool_set){(int16_t)tag, value};
        }
}

static void read_trip(const struct work *w)
{
        w->lock->kind = TOOL_TRIP;
        refuse_keys(w);
        read_cond(w, w->raw->trip, "trip", &w->lock->when);
        read_cond(w, w->raw->arm, "arm", &w->lock->arm);
        w->lock->for_us = w->raw->for_us;
        w->lock->grace_us = w->raw->grace;
        w->lock->then = (enum tool_action)w->raw->then;
        read_sets(w);
}

/* A cause outside the tool: it waits and goes on by itself, so it latches nothing and sets nothing. */
static void read_suspend(const struct work *w)
{
        w->lock->kind = TOOL_SUSPEND;
        refuse_keys(w);
        read_cond(w, w->raw->suspend, "suspend", &w->lock->when);
        w->lock->for_us = w->raw->for_us;
        w->lock->grace_us = w->raw->grace;
        w->lock->then = TOOL_ACT_NONE;
}

static void add_output(const struct work *w, const struct yaml_node *node, const char *name, const char *what)
{
        struct tool_file *f = w->f;
        struct tool_interlock *lock = w->lock;
        int tag = want_output(f, reader_at(&f->r, node), name);
        if (tag < 0 ||
            !tool_file_has_room(f, node, "outputs in one interlock", lock->output_count, TOOL_VALVES_MAX))
                return;
        for (int i = 0; i < lock->output_count; i++) {
                if (lock->outputs[i] == tag) {
                        reader_error(&f->r, node, "%s: '%.48s' is there twice", what, name);
                        return;
                }
        }
        lock->outputs[lock->output_count++] = (int16_t)tag;
}

/* "a, b" or [a, b]. */
static void read_outputs(const struct work *w, const struct yaml_node *node, const char *what)
{
        struct tool_file *f = w->f;
        if (node->kind == YAML_LIST) {
                for (const struct yaml_node *n = node->first; n; n = n->next) {
                        const char *name = reader_text(&f->r, n, what);
                        if (name)
                                add_output(w, n, name, what);
                }
                return;
        }
        const char *text = reader_text(&f->r, node, what);
        while (text && *text) {
                char name[TOOL_NAME_MAX];
                size_t len = strcspn(text, ", ");
                size_t kept = len < sizeof name - 1 ? len : sizeof name - 1;
                memcpy(name, text, kept);
                name[kept] = '\0';
                if (len > 0)
                        add_output(w, node, name, what);
                text += len;
                text += strspn(text, ", ");
        }
}

static void read_permit(const struct work *w)
{
        w->lock->kind = TOOL_PERMIT;
        refuse_keys(w);
        read_outputs(w, w->raw->permit, "permit");
        if (!w->raw->cond)
                diag_error(w->f->r.d, reader_at_key(&w->f->r, w->raw->permit),
                    "interlock '%s': 'while' is missing: the condition of the permit", w->raw->id);
        read_cond(w, w->raw->cond, "while", &w->lock->when);
}

static int write_link(const struct tool *tool, int tag)
{
        int device = tool->tags[tag].device;
        return device < 0 ? TOOL_NONE : tool->devices[device].link;
}

/* The gate below the core sees one link: a group across two could not be guarded there (DESIGN.md, Outputs). */
static void check_one_link(const struct work *w)
{
        const struct tool *tool = w->f->tool;
        const struct tool_interlock *lock = w->lock;
        for (int i = 1; i < lock->output_count; i++) {
                int first = write_link(tool, lock->outputs[0]), link = write_link(tool, lock->outputs[i]);
                if (first < 0 || link < 0 || first == link)
                        continue;
                reader_error(&w->f->r, w->raw->exclusive,
                    "exclusive: '%s' is written over link '%s' and '%s' over '%s': a group must lie on one "
                    "link, where "
                    "the gate can guard it",
                    tool->tags[lock->outputs[0]].name, tool->links[first].name,
                    tool->tags[lock->outputs[i]].name, tool->links[link].name);
                return;
        }
}

static void read_exclusive(const struct work *w)
{
        size_t before = diag_errors(w->f->r.d);
        w->lock->kind = TOOL_EXCLUSIVE;
        refuse_keys(w);
        read_outputs(w, w->raw->exclusive, "exclusive");
        if (diag_errors(w->f->r.d) == before && w->lock->output_count < 2)
                reader_error(&w->f->r, w->raw->exclusive, "exclusive: takes at least two outputs");
        if (!keys_node(w->found, "purge_between"))
                diag_error(w->f->r.d, reader_at_key(&w->f->r, w->raw->exclusive),
                    "interlock '%s': 'purge_between' is missing: how long inert gas flows between two of "
                    "them",
                    w->raw->id);
        w->lock->purge_us = w->raw->purge_between;
        check_one_link(w);
}

static void check_id(const struct work *w)
{
        for (const struct tool_interlock *other = w->f->tool->interlocks; other < w->lock; other++)
                if (w->lock->id[0] && strcmp(other->id, w->lock->id) == 0)
                        reader_error(&w->f->r, keys_node(w->found, "id"), "id: '%s' is taken on line %d",
                            other->id, other->line);
}

static void read_interlock(struct tool_file *f, const struct yaml_node *node)
{
        struct raw_interlock raw = {.then = TOOL_ACT_ABORT, .grace = 500 * TIME_MS};
        struct keys_found found;
        if (!tool_file_has_room(f, node, "interlocks", f->tool->interlock_count, TOOL_INTERLOCKS_MAX))
                return;
        struct tool_interlock *lock = &f->tool->interlocks[f->tool->interlock_count];
        *lock = (struct tool_interlock){.line = node->line, .when.root = -1, .arm.root = -1};
        keys_read(&f->r, node, &tool_file_interlock_keys, NULL, &raw, &found);
        if (node->kind != YAML_MAP)
                return;
        struct work w = {f, lock, &raw, &found};
        text_copy(lock->id, sizeof lock->id, raw.id);
        text_copy(lock->guidance, sizeof lock->guidance, raw.guidance);
        check_id(&w);
        f->tool->interlock_count++;
        if (!keys_find_case(&found))
                diag_error(f->r.d, reader_at(&f->r, node),
                    "interlock '%s': takes exactly one of 'trip', 'suspend', 'permit' and 'exclusive'",
                    raw.id);
        else if (raw.trip)
                read_trip(&w);
        else if (raw.suspend)
                read_suspend(&w);
        else if (raw.permit)
                read_permit(&w);
        else
                read_exclusive(&w);
}

void tool_file_read_interlocks(struct tool_file *f, const struct yaml_node *list)
{
        if (list->kind != YAML_LIST) {
                reader_error(&f->r, list, "interlocks: takes a list ('- id: ...'), not %s",
                    yaml_kind_name(list->kind));
                return;
        }
        for (const struct yaml_node *n = list->first; n; n = n->next)
                read_interlock(f, n);
}
