/* The listening Unix socket: mode 0660, in a directory that the admin provides. A socket file that a dead daemon
 * left behind is taken over only when nobody answers on it. */
#ifndef ALD_CONTROL_LISTEN_H
#define ALD_CONTROL_LISTEN_H

#include <sys/types.h> /* dev_t, ino_t */

/* A listening socket and the file that is its own. */
struct listen_socket {
        int fd; /* non-blocking, close on exec; -1 = none */
        dev_t dev;
        ino_t ino;
        char path[108]; /* size of sun_path */
};

/* Listen on `path`. Returns 0, or -1 with the reason in `why` (why_cap bytes): path too long, a live daemon, a file
 * that is no socket, no permission. Waits at most a second for another daemon that is starting beside. */
int listen_open(struct listen_socket *s, const char *path, char *why, int why_cap);

/* Close it, and remove the file if it is still ours. */
void listen_close(struct listen_socket *s);

#endif
