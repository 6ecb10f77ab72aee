/*
 * relay: carries the log to systems outside. A relay has a name, a sink and a checkpoint; the
 * process that holds it reads the log in order, gives the events to the sink as CloudEvents 1.0,
 * and moves the checkpoint when the sink has them. After a crash the events behind the checkpoint
 * are sent again: at least once, and once where the sink can tell.
 *
 * It is a program of its own, since the process that serves carts calls nobody. It writes nothing
 * but its checkpoints.
 */
#ifndef CARTD_RELAY_H
#define CARTD_RELAY_H

/* The program. Its exit status: 0 success, 1 failure, 2 misused. */
int relay_main(int n_arguments, char **arguments, char **environment);

#endif
