#include "ald/app/aldsim_edges.h"

#include "ald/bus/ring.h" /* struct ring */

#include <assert.h>    /* assert */
#include <errno.h>     /* errno */
#include <fcntl.h>     /* open */
#include <inttypes.h>  /* PRId64 */
#include <stdatomic.h> /* _Atomic */
#include <stdio.h>     /* snprintf */
#include <stdlib.h>    /* calloc, free */
#include <unistd.h>    /* write */

enum {
        WAITING_MAX = 16384, /* changes between two ticks, 20 ms apart: none is lost at 800 a millisecond */
        LINE_MAX_LEN = TOOL_NAME_MAX + 64
};

struct edge {
        int tag;
        double value;
        int64_t t_us;
};

struct aldsim_edges {
        const struct tool *tool;
        int fd;
        struct ring waiting;
        _Atomic int64_t lost;
};

struct aldsim_edges *aldsim_edges_open(const struct tool *tool, const char *path)
{
        struct aldsim_edges *e = calloc(1, sizeof *e);

        if (e == NULL)
                return NULL;
        e->tool = tool;
        e->fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
        if (e->fd >= 0 && ring_init(&e->waiting, WAITING_MAX, sizeof(struct edge)))
                return e;
        if (e->fd >= 0)
                close(e->fd);
        free(e);
        return NULL;
}

void aldsim_edges_note(struct aldsim_edges *e, int tag, double value, int64_t t_us)
{
        struct edge *edge = ring_reserve(&e->waiting);

        assert(tag >= 0 && tag < e->tool->tag_count);
        if (edge == NULL) {
                atomic_fetch_add(&e->lost, 1);
                return;
        }
        *edge = (struct edge){tag, value, t_us};
        ring_commit(&e->waiting);
}

/* All of it, or as much as the file takes. */
static bool write_all(int fd, const char *bytes, size_t len)
{
        while (len > 0) {
                ssize_t n = write(fd, bytes, len);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return false;
                bytes += n;
                len -= (size_t)n;
        }
        return true;
}

void aldsim_edges_write(struct aldsim_edges *e)
{
        char bytes[64 * LINE_MAX_LEN];
        const struct edge *edge = ring_peek(&e->waiting);

        while (edge != NULL) {
                size_t len = 0;
                int count = 0;

                for (; edge != NULL && sizeof bytes - len > LINE_MAX_LEN; count++) {
                        len += (size_t)snprintf(bytes + len, sizeof bytes - len, "%s %.9g %" PRId64 "\n",
                            e->tool->tags[edge->tag].name, edge->value, edge->t_us);
                        ring_release(&e->waiting);
                        edge = ring_peek(&e->waiting);
                }
                if (!write_all(e->fd, bytes, len))
                        atomic_fetch_add(&e->lost, count);
        }
}

int64_t aldsim_edges_close(struct aldsim_edges *e)
{
        int64_t lost;

        if (e == NULL)
                return 0;
        aldsim_edges_write(e);
        lost = atomic_load(&e->lost);
        close(e->fd);
        ring_free(&e->waiting);
        free(e);
        return lost;
}
