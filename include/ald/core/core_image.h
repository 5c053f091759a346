/* A core as bytes and back: where a recorded run begins (table `input`). The bytes are those of its struct, its pointers left
 * out and its long runs of zeros told as numbers; so they mean something to the same layout only, and a layout's fingerprint at
 * their head says whether this is one. A sum at their end says whether they are whole. */
#ifndef ALD_CORE_CORE_IMAGE_H
#define ALD_CORE_CORE_IMAGE_H

#include "ald/base/bytes.h" /* struct bytes_out, struct bytes_in */
#include "ald/core/core.h"  /* struct core */

#include <stdbool.h> /* bool */
#include <stdint.h>  /* int64_t */
#include <stddef.h>  /* size_t */

struct recipe;

/* How many bytes hold any core. */
size_t core_image_size_max(void);
/* Append the image of a core between two turns. With core_image_size_max() bytes of room it fits. */
void core_image_put(const struct core *core, struct bytes_out *out);

enum core_image_is {
        CORE_IMAGE_TAKEN,
        CORE_IMAGE_DAMAGED, /* cut short, or its sum is wrong: `core` is of no more use */
        CORE_IMAGE_FOREIGN  /* by a build whose cores are laid out otherwise: likewise */
};
/* Make `core`, which is of the same tool, what the image is of. `recipe` is the one in force then (borrowed). Out: the times of
 * its last turn. */
enum core_image_is core_image_take(
    struct core *core, struct bytes_in *in, const struct recipe *recipe, int64_t *now_us, int64_t *wall_us);

#endif
