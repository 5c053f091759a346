#include "ald/file/tool_file.h"

#include "ald/file/file.h"   /* file_compile_tool */
#include "ald/file/format.h" /* format_check */
#include "ald/file/joined.h" /* joined_take_apart */
#include "ald/link/load.h"   /* load_set_leads */

#include <stdlib.h> /* calloc */
#include <string.h> /* strcmp */

#define MAP_OF(name, table)                                                                                  \
        static const struct shape name##_shape = {.kind = SHAPE_KEYS, .keys = &(table)};                     \
        static const struct shape name##s_shape = {.kind = SHAPE_MAP, .of = &name##_shape, .min = 1}
MAP_OF(link, tool_file_link_keys);
MAP_OF(device, tool_file_device_keys);
MAP_OF(tag, tool_file_tag_keys);
static const struct shape equipment_shape = {.kind = SHAPE_MAP, .of = &tool_file_equipment_shape};
static const struct shape images_shape = {.kind = SHAPE_KEYS, .keys = &tool_file_image_keys};
static const struct shape interlock_shape = {.kind = SHAPE_KEYS, .keys = &tool_file_interlock_keys};
static const struct shape interlocks_shape = {.kind = SHAPE_LIST, .of = &interlock_shape};
static const struct shape alarm_shape = {.kind = SHAPE_KEYS, .keys = &tool_file_alarm_keys};
static const struct shape alarms_shape = {.kind = SHAPE_LIST, .of = &alarm_shape};
static const struct shape bypass_shape = {.kind = SHAPE_KEYS, .keys = &tool_file_bypass_keys};
static const struct shape opening_shape = {.kind = SHAPE_KEYS, .keys = &tool_file_opening_keys};
static const struct shape access_shape = {.kind = SHAPE_KEYS, .keys = &tool_file_access_keys};
static const struct shape history_shape = {.kind = SHAPE_KEYS, .keys = &tool_file_history_keys};
static const struct shape hook_shape = {.kind = SHAPE_KEYS, .keys = &tool_file_hook_keys};
static const struct shape hooks_shape = {.kind = SHAPE_LIST, .of = &hook_shape};
static const struct shape simulation_shape = {.kind = SHAPE_KEYS, .keys = &tool_file_sim_keys};

struct raw {
        int64_t format;
        char tool[TOOL_NAME_MAX], title[TOOL_TEXT_MAX];
        const struct yaml_node *links, *devices, *tags, *equipment, *images, *interlocks, *alarms, *bypass,
            *access, *opening, *history, *notify, *simulation;
};

static const struct key rows[] = {
    {"format", KEY_INT, true, KEY_AT(struct raw, format), .holds = &format_shape,
        .help = "format of this file: 1"},
    {"tool", KEY_NAME, true, KEY_AT(struct raw, tool), .help = "name of the tool, which recipes ask for"},
    {"title", KEY_WORDS, false, KEY_AT(struct raw, title), .help = "the tool in a few words"},
    {"links", KEY_NODE, true, KEY_NODE_AT(struct raw, links), .holds = &links_shape, .help = "connections"},
    {"devices", KEY_NODE, true, KEY_NODE_AT(struct raw, devices), .holds = &devices_shape,
        .help = "units on the links"},
    {"tags", KEY_NODE, true, KEY_NODE_AT(struct raw, tags), .holds = &tags_shape,
        .help = "values read and written"},
    {"equipment", KEY_NODE, true, KEY_NODE_AT(struct raw, equipment), .holds = &equipment_shape,
        .help = "what the tags are"},
    {"images", KEY_NODE, false, KEY_NODE_AT(struct raw, images), .holds = &images_shape,
        .help = "what the resting states command"},
    {"interlocks", KEY_NODE, false, KEY_NODE_AT(struct raw, interlocks), .holds = &interlocks_shape,
        .help = "trips, permits, exclusions and suspends"},
    {"alarms", KEY_NODE, false, KEY_NODE_AT(struct raw, alarms), .holds = &alarms_shape,
        .help = "what people are told"},
    {"bypass", KEY_NODE, false, KEY_NODE_AT(struct raw, bypass), .holds = &bypass_shape,
        .help = "inputs that may be bypassed"},
    {"opening", KEY_NODE, false, KEY_NODE_AT(struct raw, opening), .holds = &opening_shape,
        .help = "when people may open the tool"},
    {"access", KEY_NODE, false, KEY_NODE_AT(struct raw, access), .holds = &access_shape,
        .help = "who may do what"},
    {"history", KEY_NODE, false, KEY_NODE_AT(struct raw, history), .holds = &history_shape,
        .help = "how long samples are kept"},
    {"notify", KEY_NODE, false, KEY_NODE_AT(struct raw, notify), .holds = &hooks_shape,
        .help = "programs that tell people"},
    {"simulation", KEY_NODE, false, KEY_NODE_AT(struct raw, simulation), .holds = &simulation_shape,
        .help = "the simulated twin"},
};
const struct keys tool_file_root_keys = KEYS("tool file", rows);

bool tool_file_want_map(struct tool_file *f, const struct yaml_node *node, const char *what)
{
        if (node->kind != YAML_MAP)
                reader_error(
                    &f->r, node, "%s: takes a mapping of names, not %s", what, yaml_kind_name(node->kind));
        return node->kind == YAML_MAP;
}

bool tool_file_take_name(struct tool_file *f, const struct yaml_node *node, const char *what, char *out)
{
        if (!reader_is_name(node->key)) {
                diag_error(f->r.d, reader_at_key(&f->r, node),
                    "%s: '%.60s' is no name: letters, digits, '.', '_' and '-', beginning with a letter",
                    what, node->key);
                return false;
        }
        if (!text_copy(out, TOOL_NAME_MAX, node->key)) {
                diag_error(f->r.d, reader_at_key(&f->r, node), "%s: the name is too long: at most %d bytes",
                    what, TOOL_NAME_MAX - 1);
                return false;
        }
        return true;
}

bool tool_file_has_room(
    struct tool_file *f, const struct yaml_node *node, const char *what, int count, int max)
{
        if (count < max)
                return true;
        diag_error(f->r.d, reader_at_key(&f->r, node), "too many of these: at most %d %s", max, what);
        return false;
}

static const char *tag_at(const void *ctx, size_t i)
{
        return ((const struct tool *)ctx)->tags[i].name;
}

int tool_file_want_tag(struct tool_file *f, const struct yaml_node *node, const char *what)
{
        const char *name = reader_text(&f->r, node, what);
        if (!name)
                return TOOL_NONE;
        int tag = tool_find_tag(f->tool, name);
        if (tag < 0)
                reader_unknown(&f->r, reader_at(&f->r, node), what, "tag", name, tag_at, f->tool,
                    (size_t)f->tool->tag_count);
        return tag;
}

struct names {
        const char *name[TOOL_FILE_EQUIPMENT_MAX];
        size_t count;
};

static const char *name_at(const void *ctx, size_t i)
{
        return ((const struct names *)ctx)->name[i];
}

int tool_file_want_equipment(
    struct tool_file *f, struct diag_at at, const char *name, enum tool_file_kind kind, const char *what)
{
        struct names names = {.count = 0};
        for (int i = 0; i < f->equipment_count; i++) {
                const struct tool_file_equipment *e = &f->equipment[i];
                if (e->kind != kind)
                        continue;
                if (strcmp(e->name, name) == 0)
                        return e->index;
                names.name[names.count++] = e->name;
        }
        reader_unknown(&f->r, at, NULL, what, name, name_at, &names, names.count);
        return -1;
}

static void set_places(struct tool *tool)
{
        int16_t *const place[] = {&tool->gauge, &tool->pump_run, &tool->pump_running, &tool->exhaust,
            &tool->vent, &tool->carrier, &tool->chamber, &tool->bed, &tool->atmosphere, &tool->soft,
            &tool->lid, &tool->emo, &tool->over_temperature};
        for (size_t i = 0; i < sizeof place / sizeof place[0]; i++)
                *place[i] = TOOL_NONE;
        tool->opening.when.root = -1;
}

static void read_root(struct tool_file *f, const struct yaml_node *root)
{
        struct raw raw = {0};
        struct keys_found found;
        if (!format_check(&f->r, root))
                return;
        keys_read(&f->r, root, &tool_file_root_keys, NULL, &raw, &found);
        text_copy(f->tool->name, sizeof f->tool->name, raw.tool);
        text_copy(f->tool->title, sizeof f->tool->title, raw.title);
        if (raw.links)
                tool_file_read_links(f, raw.links);
        if (raw.devices)
                tool_file_read_devices(f, raw.devices);
        if (raw.tags)
                tool_file_read_tags(f, raw.tags);
        if (raw.equipment)
                tool_file_read_equipment(f, raw.equipment);
        tool_file_set_classes(f);
        tool_file_read_images(f, raw.images);
        if (raw.interlocks)
                tool_file_read_interlocks(f, raw.interlocks);
        tool_file_make_lid_permit(f);
        if (raw.alarms)
                tool_file_read_alarms(f, raw.alarms);
        if (raw.bypass)
                tool_file_read_bypass(f, raw.bypass);
        if (raw.opening)
                tool_file_read_opening(f, raw.opening);
        if (raw.access)
                tool_file_read_access(f, raw.access);
        if (raw.history)
                tool_file_read_history(f, raw.history);
        if (raw.notify)
                tool_file_read_notify(f, raw.notify);
        tool_file_read_simulation(f, raw.simulation);
        tool_file_check_bottles(f);
        tool_file_check(f);
}

/* A sound tool: what follows from the whole of it. */
static void finish(struct tool_file *f, bool looks_at_load)
{
        load_set_leads(f->tool);
        if (looks_at_load)
                tool_file_check_load(f);
}

struct texts {
        const char *own; /* the tool file's */
        size_t own_len;
        char **joined; /* with its profiles'; may be NULL */
        size_t *joined_len;
};

static struct tool *compile(const char *path, const struct texts *texts, const struct file_profiles *profiles,
    bool looks_at_load, struct diag *d)
{
        size_t before = diag_errors(d);
        struct format_source source;
        struct tool_file *f = calloc(1, sizeof *f);
        struct tool *tool = calloc(1, sizeof *tool);
        if (!f || !tool || !format_open(&source, path, texts->own, texts->own_len, d)) {
                free(f);
                free(tool);
                return NULL;
        }
        f->tool = tool;
        f->r = (struct reader){.d = d, .source = source.number};
        f->profiles.from = profiles;
        f->profiles.path = path;
        f->profiles.bytes = texts->own_len;
        set_places(tool);
        read_root(f, yaml_tree_root(source.tree));
        if (diag_errors(d) == before)
                finish(f, looks_at_load);
        if (texts->joined && diag_errors(d) == before)
                tool_file_join_texts(f, texts->own, texts->own_len, texts->joined, texts->joined_len);
        yaml_tree_free(source.tree);
        tool_file_free_profiles(f);
        free(f);
        if (diag_errors(d) == before)
                return tool;
        free(tool);
        return NULL;
}

struct tool *file_compile_tool_with(const char *path, const char *text, size_t len,
    const struct file_profiles *profiles, char **joined, size_t *joined_len, struct diag *d)
{
        struct texts texts = {text, len, joined, NULL};
        texts.joined_len = joined_len;
        return compile(path, &texts, profiles, true, d);
}

struct tool *file_compile_tool(const char *path, const char *text, size_t len, struct diag *d)
{
        struct joined joined;
        size_t own = joined_take_apart(&joined, &tool_file_joined_form, path, text, len);
        struct file_profiles profiles = {joined_library(&joined), NULL};
        return file_compile_tool_with(path, text, own, &profiles, NULL, NULL, d);
}

struct tool *file_compile_tool_any_load(
    const char *path, const char *text, size_t len, const struct file_profiles *profiles, struct diag *d)
{
        const struct texts texts = {text, len, NULL, NULL};
        return compile(path, &texts, profiles, false, d);
}

const struct keys *const *tool_file_keys(size_t *count)
{
        static const struct keys *const all[] = {&tool_file_root_keys, &tool_file_link_keys,
            &tool_file_device_keys, &tool_file_profile_keys, &tool_file_watchdog_keys,
            &tool_file_signature_keys, &tool_file_write_keys, &tool_file_status_keys, &tool_file_tag_keys,
            &tool_file_maintenance_keys, &tool_file_bottle_keys, &tool_file_pulse_keys, &tool_file_setup_keys,
            &tool_file_log_keys, &tool_file_loop_keys, &tool_file_line_keys, &tool_file_valve_keys,
            &tool_file_pump_keys, &tool_file_gauge_keys, &tool_file_safety_keys, &tool_file_rise_keys,
            &tool_file_follow_keys, &tool_file_alarm_keys, &tool_file_image_keys, &tool_file_interlock_keys,
            &tool_file_bypass_keys, &tool_file_opening_keys, &tool_file_access_keys, &tool_file_role_keys,
            &tool_file_history_keys, &tool_file_hook_keys, &tool_file_sim_keys, &tool_file_sim_line_keys,
            &tool_file_sim_loop_keys, &tool_file_failsafe_keys};
        *count = sizeof all / sizeof all[0];
        return all;
}
