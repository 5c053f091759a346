/* A disk that fails: the C library's calls that write, sync, truncate and allocate, with faults on the files of one database. Linked
 * into a test program, or loaded before a daemon with LD_PRELOAD: the faults are then in a file that both map (FAULT_DISK). What
 * SQLite and we make of an error is therefore the real thing, from the system call on. */
#ifndef FAULT_DISK_H
#define FAULT_DISK_H

#include <stdint.h> /* int32_t */

/* The threads of the program under test read it while the test writes; all but `match`, which is set before they begin. */

enum {
        FAULT_WRITE = 1,
        FAULT_SYNC = 2,
        FAULT_TRUNCATE = 4,
        FAULT_ALLOCATE = 8,
        FAULT_OPEN = 16,
        FAULT_ALL = 31
};

/* tests/system/test_disk.py writes the same layout. */
struct fault_disk {
        _Atomic int32_t what;  /* calls that are counted and fail: FAULT_*, joined */
        _Atomic int32_t after; /* so many go well ... */
        _Atomic int32_t count; /* ... then so many fail */
        _Atomic int32_t error; /* errno */
        _Atomic int32_t
            loses; /* a sync that fails takes with it what was written since the last good one, as Linux does */
        _Atomic int32_t
            is_full; /* files grow no more, until the ballast is gone: then by `room` bytes; free space is 0 */
        _Atomic int32_t room;
        _Atomic int32_t sync_ms;       /* each sync takes so long */
        _Atomic int32_t calls, failed; /* counted so far */
        char match[200];               /* files whose path holds this */
};

extern struct fault_disk *fault_disk;

#endif
