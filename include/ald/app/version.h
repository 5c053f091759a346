/* The version of the programs. One object knows it, so that a commit does not recompile the rest. */
#ifndef ALD_APP_VERSION_H
#define ALD_APP_VERSION_H

/* "c05612f", with "-dirty" behind it for a changed tree, or "unknown" without git. Static text. */
const char *version_text(void);

#endif
