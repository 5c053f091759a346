/* One writer per database: a lock beside the file, which the kernel drops when its holder ends in whatever way.
 *
 * Why: two connections that write or checkpoint can corrupt a WAL database (SAFETY, trap 7), and a second daemon would
 * take the first one's run for one that a crash left open. */
#ifndef ALD_STORE_LOCKFILE_H
#define ALD_STORE_LOCKFILE_H

struct text;

/* Take the lock for the database at `path`. Returns a descriptor for lockfile_drop(), or -1: *why. Never waits. */
int lockfile_take(const char *path, struct text *why);
/* Give it up and remove its file. */
void lockfile_drop(const char *path, int fd);

#endif
