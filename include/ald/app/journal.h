/* Lines to standard error that nobody waits for: a thread of its own writes them.
 *
 * A write to standard error ends when its reader allows it: a terminal stopped with Ctrl-S, a journal that hangs and a file on a
 * disk that syncs hold the writer up for seconds. In the control loop that would be seconds without an interlock evaluated,
 * and the modules' watchdogs would close the valves.
 *
 * One for the process, as standard error is. Before journal_start() and after journal_stop() lines are written at once. */
#ifndef ALD_APP_JOURNAL_H
#define ALD_APP_JOURNAL_H

#include <stdbool.h> /* bool */

/* Longest line, its end included; a longer one is cut. */
enum { JOURNAL_LINE_MAX = 1024 };
/* What waits for the reader at most, in bytes. Lines beyond are left out, counted, and told where they are missing. */
enum { JOURNAL_BYTES = 64 * 1024 };
/* How long an orderly end waits for the reader. */
enum { JOURNAL_DRAIN_S = 1 };

/* After the last fork, before locked memory and real-time priorities. False: no thread; lines are written at once. */
bool journal_start(void);

/* One line, whose end is added. From any thread; never waits for the reader, allocates nothing. */
void journal_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* What waits is written, for at most JOURNAL_DRAIN_S. */
void journal_stop(void);

#endif
