/* The tool compiler, inside its ring: what its parts share. Its parts run in the order in which they need one another,
 * whatever the order of the file: links, devices, tags, equipment, images, interlocks, alarms, bypass, opening, access, history,
 * notify, simulation, checks. */
#ifndef ALD_FILE_TOOL_FILE_H
#define ALD_FILE_TOOL_FILE_H

#include "ald/core/tool.h"   /* struct tool */
#include "ald/file/file.h"   /* FILE_PROFILES_MAX */
#include "ald/file/keys.h"   /* struct keys */
#include "ald/file/reader.h" /* struct reader */

#include <stdbool.h> /* bool */
#include <stddef.h>  /* size_t */

enum tool_file_kind {
        TOOL_FILE_LOOP,
        TOOL_FILE_LINE,
        TOOL_FILE_VALVE,
        TOOL_FILE_PUMP,
        TOOL_FILE_GAUGE,
        TOOL_FILE_SAFETY
};

/* A piece of equipment by its name in the file. */
struct tool_file_equipment {
        const char *name;
        enum tool_file_kind kind;
        int index; /* loop, line or valve; -1 = broken */
};
enum { TOOL_FILE_EQUIPMENT_MAX = TOOL_LOOPS_MAX + TOOL_LINES_MAX + TOOL_VALVES_MAX + 8 };

/* What the checks need to know of a tag beyond the compiled form. */
struct tool_file_tag {
        const struct yaml_node *node;
        bool is_sound;   /* all its keys could be read */
        bool has_place;  /* device, table and address are sound */
        bool is_unknown; /* its channel is not known: nothing follows from what is missing */
        bool has_safe;
        bool has_max_open, has_lease;
        bool has_pulse; /* given, however broken */
};

struct tool_file_node; /* a node of the tree that profiles and the tool file make together */

/* A profile that devices of the file name. */
struct tool_file_profile {
        char name[TOOL_NAME_MAX];
        struct yaml_tree *tree; /* NULL: it cannot be read, which was told */
        const char *text;
        size_t len;
        const struct yaml_node *channels; /* NULL: it has none */
        bool is_sound;                    /* its keys could be read */
        bool is_verified;
};
struct tool_file_profiles {
        const struct file_profiles *from; /* NULL: there are none */
        const char *path;                 /* of the tool file */
        size_t bytes;                     /* of all texts */
        int count;
        struct tool_file_profile list[FILE_PROFILES_MAX];
        struct tool_file_node *nodes;
};

struct tool_file {
        struct reader r;
        struct tool *tool;
        struct tool_file_profiles profiles;
        const struct tool_file_profile *profile[TOOL_DEVICES_MAX]; /* NULL = none */
        int windows;                                               /* of `steady` */
        int address_base[TOOL_DEVICES_MAX];
        int order[TOOL_DEVICES_MAX]; /* enum tool_byte_order, -1 = not given */
        struct tool_file_tag tag[TOOL_TAGS_MAX];
        const struct yaml_node *device_node[TOOL_DEVICES_MAX];
        const struct yaml_node *proof_node[TOOL_DEVICES_MAX]; /* its proof_output, NULL = not given */
        struct tool_file_equipment equipment[TOOL_FILE_EQUIPMENT_MAX];
        int equipment_count;
        const struct yaml_node *safety_node; /* the safety chain's inputs, NULL = none */
        bool has_broken_loop;                /* a tag without a set-point may have been meant to have one */
        const struct yaml_node *warn_at[TOOL_LINES_MAX]; /* of the lines' bottles; NULL: not given */
};

/* Each reads its section; `map` is the section's node. */
void tool_file_read_links(struct tool_file *f, const struct yaml_node *map);
void tool_file_read_devices(struct tool_file *f, const struct yaml_node *map);
void tool_file_read_tags(struct tool_file *f, const struct yaml_node *map);
void tool_file_read_equipment(struct tool_file *f, const struct yaml_node *map);
void tool_file_read_images(
    struct tool_file *f, const struct yaml_node *map); /* NULL: all at their defaults */
void tool_file_read_interlocks(struct tool_file *f, const struct yaml_node *list);
void tool_file_read_alarms(struct tool_file *f, const struct yaml_node *list);
void tool_file_read_bypass(struct tool_file *f, const struct yaml_node *map); /* after the interlocks */
void tool_file_read_opening(struct tool_file *f, const struct yaml_node *map);
void tool_file_read_access(struct tool_file *f, const struct yaml_node *map);
void tool_file_read_history(struct tool_file *f, const struct yaml_node *map);
void tool_file_read_notify(struct tool_file *f, const struct yaml_node *list);
void tool_file_read_simulation(struct tool_file *f, const struct yaml_node *map); /* NULL: defaults */

/* A device's or a tag's keys with those of its profile or channel beneath, where it has one. *is_known: false when that
 * cannot be found or read, which was told: then the keys that it may have given are in the map, broken. */
const struct yaml_node *tool_file_use_profile(
    struct tool_file *f, int device, const struct yaml_node *node, bool *is_known);
const struct yaml_node *tool_file_use_channel(
    struct tool_file *f, const struct yaml_node *node, bool *is_known);
/* Can it be the name of a profile? No path can be made of one. */
bool tool_file_is_profile(const char *name);
/* The name of its file beside the tool file: FILE_PROFILES NAME.yaml. */
void tool_file_name_profile(const char *profile, char out[FILE_NAME_CAP]);
/* Everything that was compiled as one text; false: told. */
bool tool_file_join_texts(
    struct tool_file *f, const char *text, size_t len, char **joined, size_t *joined_len);
void tool_file_free_profiles(struct tool_file *f);
/* The form of a tool file and its profiles as one text. */
extern const struct joined_form tool_file_joined_form;
/* A holding register's address on the wire; `node`: of `key`, for the message. */
int tool_file_take_register(
    struct tool_file *f, const struct yaml_node *node, const char *key, int64_t address, int base);
/* A device's watchdog; `base` is its address_base. */
void tool_file_read_watchdog(
    struct tool_file *f, const struct yaml_node *node, struct tool_device *device, int base);
/* What expiry does to the outputs that rely on it, and the outputs that prove it. */
void tool_file_check_watchdogs(struct tool_file *f);

/* Plausibility of equipment, the keys `rise` and `follow` of a loop and those of a precursor line; NULL: not given. */
struct tool_file_line_checks {
        const struct yaml_node *hot_line, *hot_line_by, *gauge_rise;
};
void tool_file_read_rise(struct tool_file *f, const struct yaml_node *node, struct tool_loop *loop);
void tool_file_read_follow(struct tool_file *f, const struct yaml_node *node, struct tool_loop *loop);
void tool_file_read_line_checks(
    struct tool_file *f, const struct tool_file_line_checks *raw, struct tool_line *line);
/* Equipment of kind `inputs`: the tags of the safety chain. */
int tool_file_read_safety(struct tool_file *f, const struct yaml_node *node);
/* The permit that every tool has whose lid and motors are known, after the interlocks of the file. */
void tool_file_make_lid_permit(struct tool_file *f);

/* Checks across sections. */
void tool_file_set_classes(struct tool_file *f);
void tool_file_check(struct tool_file *f);
void tool_file_check_load(struct tool_file *f); /* of a tool without errors */
void tool_file_check_pulses(struct tool_file *f);
/* "its module counts in steps of ...", and the widths that fit nearest to `us`, which does not. */
void tool_file_add_widths(struct text *t, const struct tool_pulse *pulse, int64_t us);

/* Is `node` a mapping? False: told. */
bool tool_file_want_map(struct tool_file *f, const struct yaml_node *node, const char *what);
/* A name that is a key: valid and short enough, copied to `out` of TOOL_NAME_MAX bytes. */
bool tool_file_take_name(struct tool_file *f, const struct yaml_node *node, const char *what, char *out);
/* Room for one more of `max`? False: told. */
bool tool_file_has_room(
    struct tool_file *f, const struct yaml_node *node, const char *what, int count, int max);
/* The tag a key names, or TOOL_NONE with an error ("did you mean"). */
int tool_file_want_tag(struct tool_file *f, const struct yaml_node *node, const char *what);
/* The same for one that is a bit and read only. */
int tool_file_want_input_bit(struct tool_file *f, const struct yaml_node *node, const char *what);
/* Equipment of a kind by name: its index, -1 when unknown (told) or broken. */
int tool_file_want_equipment(
    struct tool_file *f, struct diag_at at, const char *name, enum tool_file_kind kind, const char *what);

/* The bottle of a precursor line (NULL: not given); and, when the simulated twin is known, whether it can warn. */
void tool_file_read_bottle(struct tool_file *f, const struct yaml_node *node, struct tool_line *line);
void tool_file_check_bottles(struct tool_file *f);

/* low, medium, high, critical: enum tool_priority. */
extern const struct key_word tool_file_priorities[];

/* Every table of keys of the format, for the documentation's test. */
const struct keys *const *tool_file_keys(size_t *count);

extern const struct keys tool_file_root_keys, tool_file_failsafe_keys, tool_file_link_keys,
    tool_file_device_keys, tool_file_profile_keys, tool_file_signature_keys, tool_file_watchdog_keys,
    tool_file_write_keys, tool_file_status_keys, tool_file_tag_keys, tool_file_maintenance_keys,
    tool_file_bottle_keys, tool_file_pulse_keys, tool_file_setup_keys, tool_file_log_keys,
    tool_file_loop_keys, tool_file_line_keys, tool_file_valve_keys, tool_file_pump_keys, tool_file_gauge_keys,
    tool_file_image_keys, tool_file_interlock_keys, tool_file_alarm_keys, tool_file_rise_keys,
    tool_file_follow_keys, tool_file_safety_keys, tool_file_bypass_keys, tool_file_opening_keys,
    tool_file_access_keys, tool_file_role_keys, tool_file_history_keys, tool_file_hook_keys,
    tool_file_sim_keys, tool_file_sim_line_keys, tool_file_sim_loop_keys;
/* What a piece of equipment holds, by its kind. */
extern const struct shape tool_file_equipment_shape;

#endif
