#include "ald/core/matrix.h"

#include <assert.h> /* assert */

static bool names_output(const struct tool_interlock *lock, int tag)
{
        for (int i = 0; i < lock->output_count; i++)
                if (lock->outputs[i] == tag)
                        return true;
        return false;
}

/* What an image does to an output, as an effect of that kind. */
static struct matrix_cell of_image(
    const struct tool_tag *tag, enum tool_image image, enum matrix_effect effect)
{
        const struct tool_image_value *v = &tag->image[image];

        return v->keep ? (struct matrix_cell){MATRIX_NOTHING, 0} : (struct matrix_cell){effect, v->value};
}

/* A stop cuts the pulse and closes what doses at once; the rest waits for the purge. */
static struct matrix_cell of_stop(const struct tool_tag *tag)
{
        return of_image(
            tag, TOOL_IMAGE_STANDBY, tag->class == TOOL_CLASS_PLAIN ? MATRIX_ENDS_AT : MATRIX_FORCES);
}

/* A cause outside is no danger to the powder: a running pulse ends first. */
static struct matrix_cell of_suspend(const struct tool_tag *tag)
{
        return of_image(
            tag, TOOL_IMAGE_HOLD, tag->class == TOOL_CLASS_PRECURSOR ? MATRIX_ENDS_AT : MATRIX_FORCES);
}

static struct matrix_cell of_trip(const struct tool_interlock *lock, const struct tool_tag *tag, int output)
{
        for (int i = lock->set_count - 1; i >= 0; i--)
                if (lock->set[i].tag == output)
                        return (struct matrix_cell){MATRIX_FORCES, lock->set[i].value};
        switch (lock->then) {
        case TOOL_ACT_ABORT:
                return of_image(tag, TOOL_IMAGE_ABORT, MATRIX_FORCES);
        case TOOL_ACT_HOLD:
                return of_image(tag, TOOL_IMAGE_HOLD, MATRIX_FORCES);
        case TOOL_ACT_STOP:
                return of_stop(tag);
        case TOOL_ACT_NONE:
        case TOOL_ACT_CONTINUE:
                break;
        }
        return (struct matrix_cell){MATRIX_NOTHING, 0};
}

struct matrix_cell matrix_at(const struct tool *tool, int interlock, int output)
{
        const struct tool_interlock *lock = &tool->interlocks[interlock];
        const struct tool_tag *tag = &tool->tags[output];

        assert(interlock >= 0 && interlock < tool->interlock_count);
        assert(output >= 0 && output < tool->tag_count && tag->is_output);
        switch (lock->kind) {
        case TOOL_TRIP:
                return of_trip(lock, tag, output);
        case TOOL_PERMIT:
                if (names_output(lock, output))
                        return (struct matrix_cell){MATRIX_PERMITS, tag->safe};
                return of_image(tag, TOOL_IMAGE_HOLD, MATRIX_FOLLOWS);
        case TOOL_EXCLUSIVE:
                return (struct matrix_cell){names_output(lock, output) ? MATRIX_EXCLUDES : MATRIX_NOTHING, 0};
        case TOOL_SUSPEND:
                return of_suspend(tag);
        }
        assert(false && "a kind in the table");
        return (struct matrix_cell){MATRIX_NOTHING, 0};
}

const char *matrix_effect_name(enum matrix_effect effect)
{
        static const char *const names[] = {"", "forces", "ends at", "permits", "then closes", "excludes"};

        assert((unsigned)effect < MATRIX_EFFECTS);
        return names[effect];
}
