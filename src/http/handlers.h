/*
 * The handlers, one file each in handlers/, named by operationId; and what they share. A handler is
 * an ask, which the route table names, and an answer, which the service or the projections call.
 * One has a prefetch as well (routes.h).
 */
#ifndef CARTD_HTTP_HANDLERS_H
#define CARTD_HTTP_HANDLERS_H

#include "base.h"
#include "problems.h"
#include "request.h"

void http_ask_create_cart(struct http_request *request);
void http_ask_list_carts(struct http_request *request);
void http_ask_get_cart(struct http_request *request);
void http_prefetch_cart(const struct http_request *request);
void http_ask_add_item(struct http_request *request);
void http_ask_clear_items(struct http_request *request);
void http_ask_change_item_quantity(struct http_request *request);
void http_ask_remove_item(struct http_request *request);
void http_ask_check_out_cart(struct http_request *request);
void http_ask_cancel_cart(struct http_request *request);
void http_ask_execute_commands(struct http_request *request);
void http_ask_claim_cart(struct http_request *request);
void http_ask_list_cart_events(struct http_request *request);
void http_ask_list_events(struct http_request *request);
void http_ask_put_product(struct http_request *request);
void http_ask_get_product(struct http_request *request);
void http_ask_list_products(struct http_request *request);
void http_ask_get_demand_report(struct http_request *request);
void http_ask_get_funnel_report(struct http_request *request);
void http_ask_get_removed_then_bought_report(struct http_request *request);
void http_ask_get_livez(struct http_request *request);
void http_ask_get_readyz(struct http_request *request);
void http_ask_get_metrics(struct http_request *request);
void http_ask_get_openapi(struct http_request *request);
void http_ask_get_problem(struct http_request *request);

/* ---- commands.c: what commands share --------------------------------------------------------- */

/* Reads the headers of a command into request->wait.command: If-Match, Idempotency-Key, Prefer,
 * what it says of its trace. False: the request was refused. */
bool http_begin_command(struct http_request *request) BASE_MUST_CHECK;
/* False: the body was not what it should be, and the request was refused. */
bool http_accept_body(
    struct http_request *request, enum codec_outcome outcome,
    const struct codec_complaints *complaints) BASE_MUST_CHECK;
/* Submits commands for the cart that the path names; the rest is done here. */
void http_submit_to_cart(struct http_request *request, const struct codec_commands *commands);
/* The same for a cart whose id and scope of the key are set already. */
void http_submit_commands(struct http_request *request, const struct codec_commands *commands);
/* Submits the one command of a request that has no body, or an empty object; it is copied. */
void http_submit_bodiless(struct http_request *request, const struct cart_command *command);
/* Submits wait.command, whose stream, scope of the key and commands are set. */
void http_submit(struct http_request *request, void (*answered)(struct service_command *command));
/* The answer to a command for a cart. */
void http_answer_cart_command(struct service_command *command);
/* Replies to a command that is done. `location` is where the thing is that it made. */
void http_reply_done(struct http_request *request, const char *location);
/* Replies to a command that is not done. */
void http_reply_not_done(struct http_request *request);

/* ---- refusals.c ------------------------------------------------------------------------------ */

/* What a rule of the cart has against a command, as a sentence in the request's arena. */
const char *http_refusal_detail(struct http_request *request);

/* ---- reads.c: what reads share --------------------------------------------------------------- */

/* Looks at If-None-Match. False: the request was refused. */
bool http_begin_read(struct http_request *request) BASE_MUST_CHECK;
/* Replies with a thing that was found, or 304 when the client has it. `body` is taken. */
void http_reply_found(
    struct http_request *request, const char *cache, int32_t version, struct base_buffer *body);
/* Replies with what wait.read found, or 304 when the client has it, or the problem. `missing` and
 * `kind`, as "cart", are for what was not found. */
void http_reply_read(
    struct http_request *request, const char *cache, enum http_problem missing, const char *kind);
/* There is no `kind` with the name that the path says. */
void http_refuse_missing(struct http_request *request, enum http_problem missing, const char *kind);
/* Reads limit and cursor into wait.page. False: the request was refused. */
bool http_begin_page(struct http_request *request) BASE_MUST_CHECK;
/* Reads limit, 1 to HTTP_PAGE_MAX. False: the request was refused. */
bool http_read_limit(struct http_request *request, int32_t *limit) BASE_MUST_CHECK;
/* Replies with a page and the link to the next one. */
void http_reply_page(struct http_request *request, const char *cache);
/* Header Link: the same list from the next cursor on, relative to the server. */
const char *http_next_link(struct http_request *request, struct base_buffer *next_cursor);
/* 400 for the parameter with that name. */
void http_refuse_parameter(struct http_request *request, const char *name, const char *must_be);
/* 400 for a cursor that this list did not give. */
void http_refuse_cursor(struct http_request *request);
/* Reads a time; *unix_us stays as it is where the parameter is absent. False: the request was
 * refused. */
bool http_read_time(struct http_request *request, enum http_parameter parameter, int64_t *unix_us)
    BASE_MUST_CHECK;
/* The problem of a read that has nothing to show. */
void http_refuse_read(
    struct http_request *request, enum projections_outcome outcome, enum base_failure failure,
    enum http_problem missing, const char *kind);
/* Refuses a read that failed. */
void http_refuse_failed(struct http_request *request, enum base_failure failure);

/* ---- reports.c: what reports share ----------------------------------------------------------- */

/* Reads as_of, limit and cursor into wait.report and sees to what Accept asks for. False: the
 * request was refused. */
bool http_begin_report(struct http_request *request, enum projections_report_kind kind)
    BASE_MUST_CHECK;
/* Asks for wait.report and answers with it. */
void http_ask_report(struct http_request *request);

/* ---- events.c: what the two lists of events share ---------------------------------------------
 */

/* Answers with a page or a stream, whichever Accept asks for, of the source; `most` is the largest
 * number that `after` and Last-Event-ID can be. */
void http_ask_events(struct http_request *request, const struct feed_source *source, int64_t most);

#endif
