/* `aldctl --help` on one screen of 80 x 24, `aldctl COMMAND --help` in 80 columns, from the tables of aldctl.c. */
#ifndef ALD_APP_ALDCTL_HELP_H
#define ALD_APP_ALDCTL_HELP_H

#include "ald/app/aldctl.h" /* struct aldctl_command */

#include <stdio.h> /* FILE */

/* Every command and the options that all take. */
void aldctl_help_all(void);
/* How a command is given. */
void aldctl_help_usage(FILE *to, const struct aldctl_command *command);
/* That and what it does. */
void aldctl_help_of(const struct aldctl_command *command);

/* What an exit code means, in a word or two; NULL: none of the contract's. */
const char *aldctl_help_exit(int code);

#endif
