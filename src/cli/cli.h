/*
 * cli: the subcommands of cartd, one file each. Each opens the rooms that it needs in order and
 * closes them in reverse. Together with main.c it is all that sees the settings.
 */
#ifndef CARTD_CLI_H
#define CARTD_CLI_H

/* Exit codes: 0 done, 1 it could not be done (said on stderr), 2 the command line is wrong. */
int cli_main(int n_arguments, char **arguments, char **environment);

#endif
