/* A tag on its way from the file into the tool: shared by the part that reads every tag and the part for outputs. */
#ifndef ALD_FILE_TOOL_FILE_TAG_H
#define ALD_FILE_TOOL_FILE_TAG_H

#include "ald/base/text.h"      /* TEXT_PRINTF */
#include "ald/file/keys.h"      /* struct key_word */
#include "ald/file/tool_file.h" /* struct tool_file */

/* As written; times in us. */
struct tool_file_raw_tag {
        const struct yaml_node *device, *valid, *limits, *safe, *verify_within, *failsafe, *log, *pulse,
            *maintenance;
        int reg, type, order, access, manual;
        int64_t address, poll, stale_after, freeze_after, follow, max_open, lease;
        double scale, offset;
        char unit[24], channel[TOOL_NAME_MAX];
        bool valve, verify;
};

struct tool_file_work {
        struct tool_file *f;
        struct tool_tag *tag;
        struct tool_file_tag *more;
        const struct tool_file_raw_tag *raw;
        const struct keys_found *found;
};

/* The words of the key `manual`. */
extern const struct key_word tool_file_manual_words[];

/* What `failsafe` takes. */
extern const struct shape tool_file_failsafe_shape;

/* The words of `byte_order` and its kin. */
extern const struct key_word tool_file_orders[];

/* An error about the tag, at its key `key` where that was given. */
void tool_file_fail_tag(const struct tool_file_work *w, const char *key, const char *fmt, ...)
    TEXT_PRINTF(3, 4);

/* Read what only outputs have. The tag's place and unit are known. */
void tool_file_read_output(struct tool_file_work *w);
/* Read how its module times pulses. */
void tool_file_read_pulse(struct tool_file_work *w);
/* Read when its wear is told. */
void tool_file_read_maintenance(struct tool_file_work *w);
/* Refuse what only outputs have, in an input. */
void tool_file_refuse_output_keys(struct tool_file_work *w);

#endif
