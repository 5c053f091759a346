/* The connection of `aldctl top`: it subscribes, asks for what the subscription does not bring, sends commands, and comes back
 * by itself when the daemon does. Nothing here waits. */
#ifndef ALD_APP_TOP_LINK_H
#define ALD_APP_TOP_LINK_H

#include "ald/app/aldctl_line.h" /* struct line */
#include "ald/app/top_ask.h"     /* struct top_ask, struct top_send */
#include "ald/app/top_model.h"   /* struct top_model */

#include <stdbool.h> /* bool */
#include <stdint.h>  /* int64_t */

enum { TOP_LINK_ASKED_MAX = 16 };

struct top_link {
        struct line line;
        const char *path;
        bool has_hello;
        int64_t retry_us; /* monotonic: when it is tried again */
        int64_t asked_us; /* when the daemon was last asked for a sign of life */
        struct {
                int id;           /* 0 = free */
                const char *verb; /* static */
                bool is_command;  /* its answer is shown */
                int64_t since_us;
        } asked[TOP_LINK_ASKED_MAX];
        bool is_fresh; /* the full state has just come (again); the caller clears it */
};

/* An open connection whose hello was read is taken over. */
void top_link_begin(
    struct top_link *l, struct line *open, const char *path, struct top_model *m, int64_t now_us);
void top_link_end(struct top_link *l);
/* Take what has come, ask what is to be asked, try again what is lost. */
void top_link_run(struct top_link *l, struct top_model *m, struct top_ask *a, int64_t now_us);
/* send->params is taken. */
void top_link_command(struct top_link *l, struct top_model *m, struct top_ask *a, struct top_send *send);

#endif
