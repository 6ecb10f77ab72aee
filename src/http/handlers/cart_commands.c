#include "handlers.h"

#include <string.h>

#include "access.h"
#include "admission.h"
#include "reply.h"

/* ---- what they share ------------------------------------------------------------------------- */

/* Begins a request for one command and reads its body, as codec has the shapes. */
static const struct http_refusal *read_command(
    struct http_request *request, enum cart_command_type type)
{
    struct codec_complaints complaints;
    const struct http_refusal *refusal = http_begin_command(request);
    if (refusal != NULL)
        return refusal;
    enum codec_outcome outcome = codec_read_command(
        http_request_body(request), type, &request->arena, &request->commands, &complaints);
    return http_check_body(request, outcome, &complaints);
}

/* To the cart that the path names. */
static const struct http_refusal *submit(struct http_request *request)
{
    struct service_command *command = &request->wait.command;
    if (!base_uuid_parse(request->path_values[0], &command->stream_id))
        return http_refuse(
            &request->arena, HTTP_PROBLEM_CART_NOT_FOUND,
            "There is no cart \"%.64s\"; the id of a cart is a UUID.", request->path_values[0]);
    command->key_scope_id = command->stream_id;
    return http_submit_commands(request);
}

/* ---- the operations -------------------------------------------------------------------------- */

const struct http_refusal *http_ask_cart_command(struct http_request *request)
{
    const struct http_refusal *refusal = read_command(request, request->route->command);
    return refusal != NULL ? refusal : submit(request);
}

const struct http_refusal *http_ask_remove_coupon(struct http_request *request)
{
    const char *code = codec_read_code(&request->arena, request->path_values[1]);
    if (code == NULL)
        return http_refuse(
            &request->arena, HTTP_PROBLEM_INVALID_PARAMETER,
            "The code of a coupon must be 1 to %d characters without slashes and control "
            "characters, and not . or ..; it is \"%.64s\".",
            COUPON_CODE_MAX, request->path_values[1]);
    const struct http_refusal *refusal = read_command(request, CART_COMMAND_REMOVE_COUPON);
    if (refusal != NULL)
        return refusal;
    request->commands.list[0].remove_coupon.code = code;
    return submit(request);
}

/* An id that no item can have is the cart's to refuse too, after what comes before in the order of
 * refusals. */
const struct http_refusal *http_ask_change_item(struct http_request *request)
{
    const struct http_refusal *refusal = read_command(request, CART_COMMAND_CHANGE_ITEM);
    if (refusal != NULL)
        return refusal;
    request->commands.list[0].change_item.item_id = request->path_values[1];
    return submit(request);
}

const struct http_refusal *http_ask_remove_item(struct http_request *request)
{
    const struct http_refusal *refusal = read_command(request, CART_COMMAND_REMOVE_ITEM);
    if (refusal != NULL)
        return refusal;
    request->commands.list[0].remove_item.item_id = request->path_values[1];
    return submit(request);
}

static const struct http_refusal *refuse_total_name(struct http_request *request)
{
    return http_refuse(
        &request->arena, HTTP_PROBLEM_INVALID_PARAMETER,
        "The name of a total must be 1 to %d letters, digits and . _ ~ -, with a letter or digit "
        "first, not \"%.64s\".",
        CART_TOTAL_NAME_MAX, request->path_values[1]);
}

const struct http_refusal *http_ask_set_total(struct http_request *request)
{
    if (!codec_is_property_name(request->path_values[1]))
        return refuse_total_name(request);
    const struct http_refusal *refusal = read_command(request, CART_COMMAND_SET_TOTAL);
    if (refusal != NULL)
        return refusal;
    request->commands.list[0].set_total.name = request->path_values[1];
    return submit(request);
}

const struct http_refusal *http_ask_remove_total(struct http_request *request)
{
    if (!codec_is_property_name(request->path_values[1]))
        return refuse_total_name(request);
    const struct http_refusal *refusal = read_command(request, CART_COMMAND_REMOVE_TOTAL);
    if (refusal != NULL)
        return refusal;
    request->commands.list[0].remove_total.name = request->path_values[1];
    return submit(request);
}

const struct http_refusal *http_ask_execute_commands(struct http_request *request)
{
    struct codec_complaints complaints;
    const struct http_refusal *refusal = http_begin_command(request);
    if (refusal != NULL)
        return refusal;
    enum codec_outcome outcome = codec_read_commands(
        http_request_body(request), &request->arena, &request->commands, &complaints);
    refusal = http_check_body(request, outcome, &complaints);
    if (refusal != NULL)
        return refusal;
    http_count_as(request, request->commands.n);
    return submit(request);
}

/* Of a path that names no cart there is no token, as there is no cart. */
const struct http_refusal *http_ask_make_resume_token(struct http_request *request)
{
    const struct http_refusal *refusal = read_command(request, CART_COMMAND_MAKE_RESUME_TOKEN);
    struct base_uuid cart_id;
    if (refusal != NULL || !base_uuid_parse(request->path_values[0], &cart_id))
        return refusal != NULL ? refusal : submit(request);
    char *hash = base_arena_alloc(&request->arena, CART_TOKEN_HASH_SIZE);
    request->resume_token = http_make_resume_token(&request->arena, &cart_id);
    base_sha256_hex(request->resume_token, hash);
    request->commands.list[0].make_resume_token.token_hash = hash;
    return submit(request);
}

static const struct http_refusal *refuse_nobody(struct http_request *request)
{
    static const struct codec_complaints missing = {
        .n = 1, .list = {{"/customer_id", "customer_id is missing."}}};
    return http_refuse_with(
        &request->arena,
        &(struct http_refusal){
            .problem = HTTP_PROBLEM_INVALID_BODY,
            .detail = "customer_id is missing; it names the customer who claims the cart.",
            .errors = &missing,
        });
}

/* A cart is claimed for the caller; for any customer by the back office, and where nobody is
 * authenticated. */
static const struct http_refusal *choose_customer(
    struct http_request *request, struct cart_command *claim)
{
    const char *subject = request->identity.subject;
    if (claim->claim.customer_id == NULL)
        claim->claim.customer_id = subject;
    if (claim->claim.customer_id == NULL)
        return refuse_nobody(request);
    if (request->rights.may_all || strcmp(claim->claim.customer_id, subject) == 0)
        return NULL;
    return http_refuse_other_customer(request);
}

const struct http_refusal *http_ask_claim_cart(struct http_request *request)
{
    const struct http_refusal *refusal = read_command(request, CART_COMMAND_CLAIM);
    if (refusal == NULL)
        refusal = choose_customer(request, &request->commands.list[0]);
    return refusal != NULL ? refusal : submit(request);
}

/* ---- merging --------------------------------------------------------------------------------- */

/* Whether a cart is the one that the path names. */
static bool is_itself(const struct http_request *request, const char *cart_id)
{
    struct base_uuid other;
    struct base_uuid own;
    return base_uuid_parse(cart_id, &other) && base_uuid_parse(request->path_values[0], &own) &&
           base_uuid_compare(&other, &own) == 0;
}

const struct http_refusal *http_ask_merge_cart(struct http_request *request)
{
    static const struct codec_complaints same = {
        .n = 1, .list = {{"/from", "from must be another cart."}}};
    const struct http_refusal *refusal = read_command(request, CART_COMMAND_MERGE);
    if (refusal != NULL)
        return refusal;
    if (is_itself(request, request->commands.list[0].merge.from))
        return http_refuse_with(
            &request->arena, &(struct http_refusal){
                                 .problem = HTTP_PROBLEM_INVALID_BODY,
                                 .detail = "A cart can't be merged into itself.",
                                 .errors = &same,
                             });
    return submit(request);
}

const struct http_refusal *http_ask_revert_merge(struct http_request *request)
{
    struct base_uuid from;
    const struct http_refusal *refusal = read_command(request, CART_COMMAND_REVERT_MERGE);
    if (refusal != NULL)
        return refusal;
    if (!base_uuid_parse(request->path_values[1], &from) ||
        is_itself(request, request->path_values[1]))
        return http_refuse(
            &request->arena, HTTP_PROBLEM_SOURCE_CART_NOT_FOUND,
            "There is no other cart \"%.64s\".", request->path_values[1]);
    request->commands.list[0].merge.from = base_uuid_text(&request->arena, &from);
    return submit(request);
}
