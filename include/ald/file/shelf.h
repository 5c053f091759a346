/* Texts read from the disk that a file needs besides its own: what a recipe includes, the profiles of a tool file. They are kept
 * until the compilation is over. */
#ifndef ALD_FILE_SHELF_H
#define ALD_FILE_SHELF_H

#include "ald/file/file.h" /* struct file_library */

enum { SHELF_TEXTS_MAX = 16 };

struct shelf {
        char *texts[SHELF_TEXTS_MAX];
        int count;
        char why[200];
};

/* The disk as a library; `shelf` begins as zeros and is emptied by shelf_clear(). */
struct file_library shelf_library(struct shelf *shelf);
struct file_profiles shelf_profiles(struct shelf *shelf);
void shelf_clear(struct shelf *shelf);

#endif
