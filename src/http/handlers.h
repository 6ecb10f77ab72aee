/*
 * The handlers, named by operationId, in handlers/; and what they share. A handler is an ask, which
 * the route table names, and an answer, which the service, the projections or the feed call. It
 * says why a request is not carried out, and does not reply with that itself; an answer does.
 */
#ifndef CARTD_HTTP_HANDLERS_H
#define CARTD_HTTP_HANDLERS_H

#include "base.h"
#include "problems.h"
#include "reply.h"
#include "request.h"

const struct http_refusal *http_ask_create_cart(struct http_request *request);
const struct http_refusal *http_ask_list_carts(struct http_request *request);
const struct http_refusal *http_ask_get_cart(struct http_request *request);
const struct http_refusal *http_ask_get_customer_cart(struct http_request *request);
/* One command for the cart that the path names: the row of the route says which. */
const struct http_refusal *http_ask_cart_command(struct http_request *request);
const struct http_refusal *http_ask_change_item(struct http_request *request);
const struct http_refusal *http_ask_remove_item(struct http_request *request);
const struct http_refusal *http_ask_set_total(struct http_request *request);
const struct http_refusal *http_ask_remove_total(struct http_request *request);
const struct http_refusal *http_ask_remove_coupon(struct http_request *request);
const struct http_refusal *http_ask_execute_commands(struct http_request *request);
const struct http_refusal *http_ask_make_resume_token(struct http_request *request);
const struct http_refusal *http_ask_get_resumed_cart(struct http_request *request);
const struct http_refusal *http_ask_claim_cart(struct http_request *request);
const struct http_refusal *http_ask_merge_cart(struct http_request *request);
const struct http_refusal *http_ask_revert_merge(struct http_request *request);
const struct http_refusal *http_ask_list_cart_events(struct http_request *request);
const struct http_refusal *http_ask_list_events(struct http_request *request);
const struct http_refusal *http_ask_put_product(struct http_request *request);
const struct http_refusal *http_ask_get_product(struct http_request *request);
const struct http_refusal *http_ask_list_products(struct http_request *request);
const struct http_refusal *http_ask_put_coupon(struct http_request *request);
const struct http_refusal *http_ask_get_coupon(struct http_request *request);
const struct http_refusal *http_ask_withdraw_coupon(struct http_request *request);
const struct http_refusal *http_ask_list_coupons(struct http_request *request);
const struct http_refusal *http_ask_get_demand_report(struct http_request *request);
const struct http_refusal *http_ask_get_funnel_report(struct http_request *request);
const struct http_refusal *http_ask_get_abandoned_carts_report(struct http_request *request);
const struct http_refusal *http_ask_get_removed_then_bought_report(struct http_request *request);
const struct http_refusal *http_ask_get_livez(struct http_request *request);
const struct http_refusal *http_ask_get_readyz(struct http_request *request);
const struct http_refusal *http_ask_get_metrics(struct http_request *request);
const struct http_refusal *http_ask_get_openapi(struct http_request *request);
const struct http_refusal *http_ask_get_start(struct http_request *request);
const struct http_refusal *http_ask_get_page(struct http_request *request);
const struct http_refusal *http_ask_get_page_file(struct http_request *request);
const struct http_refusal *http_ask_get_problem(struct http_request *request);

/* ---- commands.c: what commands share --------------------------------------------------------- */

/* Reads the headers of a command into request->wait.command: If-Match, Idempotency-Key, Prefer,
 * what it says of its trace. */
const struct http_refusal *http_begin_command(struct http_request *request) BASE_MUST_CHECK;
/* Submits wait.command, whose stream and scope of the key are set, for what is `asked` of the
 * aggregate. The answer is given here, too. */
const struct http_refusal *http_submit(
    struct http_request *request, const struct aggregate *aggregate, const void *asked);
/* The same for request->commands. */
const struct http_refusal *http_submit_commands(struct http_request *request);

/* ---- refusals.c: what an outcome is for the client; NULL if it is none to refuse for --------- */

/* 400 for a parameter that is not what it must be; for a cursor that this list did not give; and
 * for a header that is no list of ETags. */
const struct http_refusal *http_refuse_parameter(
    struct http_request *request, enum http_parameter parameter, const char *must_be);
const struct http_refusal *http_refuse_cursor(struct http_request *request);
const struct http_refusal *http_refuse_etags(struct http_request *request, const char *header);
/* `complaints` are copied. */
const struct http_refusal *http_check_body(
    struct http_request *request, enum codec_outcome outcome,
    const struct codec_complaints *complaints) BASE_MUST_CHECK;
/* Of wait.command; and of wait.history. */
const struct http_refusal *http_refuse_command(struct http_request *request);
const struct http_refusal *http_refuse_history(struct http_request *request);
/* Of whatever else was read. */
const struct http_refusal *http_refuse_failure(
    struct http_request *request, enum base_failure failure);
/* There is no cart, product or coupon, by the problem, with the name that the path says. */
const struct http_refusal *http_refuse_missing(
    struct http_request *request, enum http_problem missing);

/* ---- reads.c: what reads share --------------------------------------------------------------- */

/* Read a parameter; the value stays as it is where the parameter is absent or refused. */
const struct http_refusal *http_read_time(
    struct http_request *request, enum http_parameter parameter, int64_t *unix_us) BASE_MUST_CHECK;
const struct http_refusal *http_read_number(
    struct http_request *request, enum http_parameter parameter, int64_t least, int64_t most,
    int64_t *number) BASE_MUST_CHECK;
/* Reads the limit of a page, 1 to HTTP_PAGE_MAX. */
const struct http_refusal *http_read_limit(struct http_request *request, int32_t *limit)
    BASE_MUST_CHECK;
/* Looks at If-None-Match. */
const struct http_refusal *http_begin_read(struct http_request *request) BASE_MUST_CHECK;
/* Reads limit and cursor into wait.page. */
const struct http_refusal *http_begin_page(struct http_request *request) BASE_MUST_CHECK;

/* Replies with a thing that was found, or 304 when the client has it. `body` is taken. */
void http_reply_found(
    struct http_request *request, const char *cache, int32_t version, struct base_buffer *body);
/* Answers with what wait.read, which `read` is, has found; `missing` is for nothing. */
void http_answer_read(struct projections_read *read, const char *cache, enum http_problem missing);
/* Answers with a list in reply.body, unless it failed, and the link to the next one. Both buffers
 * are freed. */
void http_answer_list(
    struct http_request *request, enum base_failure failure, struct http_reply reply,
    struct base_buffer *next_cursor);
/* The same for wait.page, which `page` is. */
void http_answer_page(struct projections_page *page, const char *cache);

#endif
