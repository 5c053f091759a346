/* The archive of a run: what is in it. One table serves the writing, the check and README.txt. */
#ifndef ALD_APP_ALDCTL_ARCHIVE_H
#define ALD_APP_ALDCTL_ARCHIVE_H

#include "ald/app/aldctl.h"         /* struct aldctl_options */
#include "ald/store/query.h"        /* struct query_run */
#include "ald/store/query_export.h" /* struct query_span */

#include <stdbool.h> /* bool */
#include <stddef.h>  /* size_t */
#include <stdio.h>   /* FILE */

#define ARCHIVE_SUMS     "SHA256SUMS"
#define ARCHIVE_DATABASE "run.sqlite"

struct archive_run {
        struct query *q;
        struct query_run run;
        struct query_span span;
        struct query_texts texts;
        const char *folder; /* where the members are made */
};

struct archive_member {
        const char *name;
        const char *help; /* for README.txt */
        /* Make it; false: told. NULL: it comes about otherwise. */
        bool (*put)(FILE *to, struct archive_run *a, const struct archive_member *self);
        int table;        /* enum query_table of a CSV */
        bool is_optional; /* a check does not miss it */
};

/* By name, in the order of the archive. */
const struct archive_member *archive_members(size_t *count);
const struct archive_member *archive_find(const char *name);

/* aldctl_archive_verify.c */
enum aldctl_exit archive_verify(const struct aldctl_options *o);

#endif
