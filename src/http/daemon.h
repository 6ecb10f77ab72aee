/*
 * libmicrohttpd's daemon on the loop: when it is run, and how a connection waits for its answer.
 */
#ifndef CARTD_HTTP_DAEMON_H
#define CARTD_HTTP_DAEMON_H

#include <microhttpd.h>

struct http;

/* Begins to run http->daemon whenever it has something to do; ends it. */
void http_start_daemon(struct http *http);
void http_stop_daemon(struct http *http);
/* Has it run in the next turn, once however often this is called. */
void http_run_soon(struct http *http);
/* Its own timeout of a connection on which nothing comes, in seconds. */
unsigned http_library_timeout(const struct http *http);

/* Takes a connection out of the daemon's hands, from its handler, until there is an answer; gives
 * it back, so that its handler is called in the next turn, once for all that were; and, from there,
 * says that it was. */
void http_suspend(struct http *http, struct MHD_Connection *connection);
void http_resume(struct http *http, struct MHD_Connection *connection);
void http_come_back(struct http *http, struct MHD_Connection *connection);

#endif
