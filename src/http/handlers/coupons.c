#include "handlers.h"

#include "coupon.h"
#include "reply.h"
#include "server.h"

/* As it was written, but for the blanks around it and its normal form; false: there can be no such
 * code. */
static bool read_code(struct http_request *request, const char **code, struct base_uuid *coupon_id)
{
    struct base_arena *arena = &request->arena;
    const char *given = request->path_values[0];
    *code = codec_normalise(arena, given, COUPON_CODE_MAX);
    const char *folded = codec_is_label(given, SIZE_MAX) ? codec_fold_code(arena, *code) : NULL;
    if (folded != NULL)
        *coupon_id = aggregate_coupon_id(folded);
    return folded != NULL;
}

/* Of the coupon that wait.command is about. */
static const struct http_refusal *submit(
    struct http_request *request, struct coupon_command *command)
{
    request->wait.command.key_scope_id = request->wait.command.stream_id;
    return http_submit(request, &aggregate_coupon, command);
}

/* ---- putCoupon ------------------------------------------------------------------------------- */

static const struct http_refusal *refuse_code(struct http_request *request)
{
    return http_refuse(
        &request->arena, HTTP_PROBLEM_INVALID_PARAMETER,
        "The code in the path must be 1 to %d characters of UTF-8, also without regard to case, "
        "none of them a slash, a control character or unassigned in Unicode, and not . or ..; it "
        "is \"%.64s\".",
        COUPON_CODE_MAX, request->path_values[0]);
}

const struct http_refusal *http_ask_put_coupon(struct http_request *request)
{
    const char *code;
    struct codec_complaints complaints;
    const struct http_refusal *refusal = read_code(request, &code, &request->wait.command.stream_id)
                                             ? http_begin_command(request)
                                             : refuse_code(request);
    if (refusal != NULL)
        return refusal;
    struct coupon_command *command = base_arena_alloc(&request->arena, sizeof *command);
    command->type = COUPON_COMMAND_DEFINE;
    enum codec_outcome outcome = codec_read_coupon(
        http_request_body(request), false, &request->arena, &command->definition, &complaints);
    refusal = http_check_body(request, outcome, &complaints);
    command->definition.code = code;
    return refusal != NULL ? refusal : submit(request, command);
}

/* ---- withdrawCoupon -------------------------------------------------------------------------- */

const struct http_refusal *http_ask_withdraw_coupon(struct http_request *request)
{
    struct codec_complaints complaints;
    const struct http_refusal *refusal = http_begin_command(request);
    if (refusal != NULL)
        return refusal;
    enum codec_outcome outcome =
        codec_read_nothing(http_request_body(request), &request->arena, &complaints);
    refusal = http_check_body(request, outcome, &complaints);
    if (refusal != NULL)
        return refusal;
    struct coupon_command *command = base_arena_alloc(&request->arena, sizeof *command);
    command->type = COUPON_COMMAND_WITHDRAW;
    return read_code(request, &command->definition.code, &request->wait.command.stream_id)
               ? submit(request, command)
               : http_refuse_missing(request, HTTP_PROBLEM_COUPON_NOT_FOUND);
}

/* ---- getCoupon ------------------------------------------------------------------------------- */

static void answer_coupon(struct projections_read *read)
{
    http_answer_read(read, HTTP_CACHE_PRIVATE, HTTP_PROBLEM_COUPON_NOT_FOUND);
}

const struct http_refusal *http_ask_get_coupon(struct http_request *request)
{
    const char *code;
    struct projections_read *read = &request->wait.read;
    const struct http_refusal *refusal = http_begin_read(request);
    if (refusal != NULL)
        return refusal;
    if (!read_code(request, &code, &read->id))
        return http_refuse_missing(request, HTTP_PROBLEM_COUPON_NOT_FOUND);
    read->answered = answer_coupon;
    projections_read_coupon(request->http->options.projections, read);
    return NULL;
}

/* ---- listCoupons ----------------------------------------------------------------------------- */

static void answer_page(struct projections_page *page)
{
    http_answer_page(page, HTTP_CACHE_PRIVATE);
}

const struct http_refusal *http_ask_list_coupons(struct http_request *request)
{
    struct projections_page *page = &request->wait.page;
    const struct http_refusal *refusal = http_begin_page(request);
    if (refusal != NULL)
        return refusal;
    page->answered = answer_page;
    return projections_list_coupons(request->http->options.projections, page)
               ? NULL
               : http_refuse_cursor(request);
}
