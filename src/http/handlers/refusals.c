#include "handlers.h"

#include <inttypes.h>
#include <string.h>

#include "access.h"
#include "server.h"

/* Outcomes of the rooms below, and the problems that they are for a client: the one place where
 * they meet. */

/* ---- parameters and headers ------------------------------------------------------------------ */

const struct http_refusal *http_refuse_parameter(
    struct http_request *request, enum http_parameter parameter, const char *must_be)
{
    return http_refuse(
        &request->arena, HTTP_PROBLEM_INVALID_PARAMETER, "The query parameter \"%s\" must be %s.",
        http_parameter_name(parameter), must_be);
}

const struct http_refusal *http_refuse_cursor(struct http_request *request)
{
    return http_refuse_parameter(
        request, HTTP_PARAMETER_CURSOR,
        "the next_cursor of a page of this list with the same filters");
}

const struct http_refusal *http_refuse_etags(struct http_request *request, const char *header)
{
    return http_refuse(
        &request->arena, HTTP_PROBLEM_INVALID_PARAMETER,
        "%s must be * or a list of at most %d ETags in quotes, such as \"7\".", header,
        SERVICE_VERSIONS_MAX);
}

/* ---- bodies ---------------------------------------------------------------------------------- */

const struct http_refusal *http_check_body(
    struct http_request *request, enum codec_outcome outcome,
    const struct codec_complaints *complaints)
{
    const char *detail = complaints->n > 0 ? complaints->list[0].detail : "";
    switch (outcome) {
    case CODEC_READ:
        return NULL;
    case CODEC_MALFORMED:
        return http_refuse(&request->arena, HTTP_PROBLEM_MALFORMED_JSON, "%s", detail);
    case CODEC_INVALID:
        break;
    }
    struct codec_complaints *errors = base_arena_alloc(&request->arena, sizeof(*errors));
    *errors = *complaints;
    return http_refuse_with(
        &request->arena,
        &(struct http_refusal){
            .problem = HTTP_PROBLEM_INVALID_BODY,
            .detail = errors->n == 1 ? detail : "Several fields are invalid; errors lists them.",
            .errors = errors,
        });
}

/* ---- rules ----------------------------------------------------------------------------------- */

static const char *quantity_detail(
    struct base_arena *arena, const struct cart_command *refused, const struct cart_limits *limits,
    int64_t quantity)
{
    const char *subject = cart_command_subject(refused);
    bool may_merge =
        refused->type == CART_COMMAND_CHANGE_ITEM && refused->change_item.has_properties;
    const char *multiple =
        limits->multiple_of == 1
            ? ""
            : base_arena_printf(arena, " and a multiple of %d", (int)limits->multiple_of);
    return base_arena_printf(
        arena,
        "The quantity of the line of \"%s\" must be from %d to %d%s; it would be %" PRId64 "%s.",
        subject, (int)limits->minimum, (int)limits->maximum, multiple, quantity,
        may_merge ? ", together with that of another line that has these properties already" : "");
}

/* As the rest of a sentence. */
static const char *how_it_was_closed(const char *status)
{
    if (strcmp(status, cart_status_name(CART_EXPIRED)) == 0)
        return "has expired";
    if (strcmp(status, cart_status_name(CART_MERGED)) == 0)
        return "was merged into another, which its merged_into names,";
    return strcmp(status, cart_status_name(CART_CANCELLED)) == 0 ? "was cancelled"
                                                                 : "was checked out";
}

/* What a rule of the cart has against a command, as a sentence. */
static const char *rule_detail(struct http_request *request)
{
    const struct service_command *command = &request->wait.command;
    struct base_arena *arena = &request->arena;
    char cart_id[BASE_UUID_SIZE];
    base_uuid_format(&command->stream_id, cart_id);
    if (command->command_index >= request->asked.n_commands)
        return "The cart does not allow this command."; /* the service names a command in each
                                                           refusal */
    const struct cart_command *refused = &request->asked.commands[command->command_index];
    const char *subject = cart_command_subject(refused);

    switch ((enum cart_refusal)command->refusal) {
    case CART_REFUSED_NOT_FOUND:
        return base_arena_printf(arena, "There is no cart %s.", cart_id);
    case CART_REFUSED_ALREADY_EXISTS:
        return base_arena_printf(arena, "Cart %s already exists.", cart_id);
    case CART_REFUSED_IS_CLOSED:
        return base_arena_printf(
            arena, "Cart %s %s and accepts no more commands.", cart_id,
            how_it_was_closed(command->status));
    case CART_REFUSED_OTHER_ORDER_REFERENCE:
        return base_arena_printf(
            arena, "Cart %s was checked out, but not with this order_reference.", cart_id);
    case CART_REFUSED_IS_CLAIMED:
        return base_arena_printf(arena, "Cart %s already belongs to another customer.", cart_id);
    case CART_REFUSED_OPEN_CART_EXISTS:
        return "The customer has an open cart already; cart_id says which.";
    case CART_REFUSED_ITEM_NOT_IN_CART:
        return base_arena_printf(arena, "Cart %s has no item \"%.128s\".", cart_id, subject);
    case CART_REFUSED_HAS_TOTALS:
        return base_arena_printf(
            arena,
            "Cart %s has totals in its currency, which another one would drop. Removing them first "
            "requires the scope totals.",
            cart_id);
    case CART_REFUSED_PRICE_IS_SET:
        return base_arena_printf(
            arena,
            "The price of the line of \"%.128s\" is set by another system; making the line larger "
            "requires the scope prices.",
            subject);
    case CART_REFUSED_UNKNOWN_SKU:
        return base_arena_printf(
            arena, "The catalogue has no active product with the sku \"%s\".", subject);
    case CART_REFUSED_PRICE_UNAVAILABLE:
        return *subject == '\0'
                   ? "Some lines have no price in that currency; items lists them."
                   : base_arena_printf(
                         arena, "The product \"%s\" has no price in the currency of the cart.",
                         subject);
    case CART_REFUSED_UNIT_CHANGED:
        return base_arena_printf(
            arena,
            "The product of \"%s\" is sold by another unit now; remove the line and add the "
            "product again.",
            subject);
    case CART_REFUSED_QUANTITY_OUT_OF_RANGE:
        return quantity_detail(arena, refused, &command->limits, command->refused_quantity);
    case CART_REFUSED_IS_FULL:
        return base_arena_printf(
            arena, "The cart has reached the limit of %d lines, so \"%s\" can't be added.",
            CART_LINES_MAX, subject);
    case CART_REFUSED_TOO_MANY_TOTALS:
        return base_arena_printf(
            arena, "The cart has reached the limit of %d totals, so \"%s\" can't be set.",
            CART_TOTALS_MAX, subject);
    case CART_REFUSED_TOO_MANY_COUPONS:
        return base_arena_printf(
            arena, "The cart has reached the limit of %d coupons, so \"%.64s\" can't be applied.",
            CART_COUPONS_MAX, subject);
    case CART_REFUSED_COUPON_NOT_APPLICABLE:
        return base_arena_printf(arena, "\"%.256s\" can't be applied.", subject);
    case CART_REFUSED_COUPONS_NOT_COMBINABLE:
        return base_arena_printf(
            arena, "\"%.256s\" and the coupons of the cart can't be used together.", subject);
    case CART_REFUSED_COUPONS_CHANGED:
        return "Some coupons can't be redeemed any more; coupons lists them.";
    case CART_REFUSED_AMOUNT_TOO_LARGE:
        return *subject == '\0'
                   ? base_arena_printf(
                         arena, "The total of the cart would exceed %" PRId64 ".", CART_AMOUNT_MAX)
                   : base_arena_printf(
                         arena, "With \"%s\" the total of the cart would exceed %" PRId64 ".",
                         subject, CART_AMOUNT_MAX);
    case CART_REFUSED_IS_EMPTY:
        return base_arena_printf(
            arena, "Cart %s has no items to check out; add one first.", cart_id);
    case CART_REFUSED_TOTAL_CHANGED:
        return base_arena_printf(
            arena, "The total of the cart is %" PRId64 ", not the expected %" PRId64 ".",
            command->current_total_minor,
            refused->type == CART_COMMAND_CHECK_OUT ? refused->check_out.expected_total_minor : 0);
    case CART_REFUSED_PRICES_CHANGED:
        return "Some lines don't cost what the catalogue says, or are not for sale any more; items "
               "lists them.";
    case CART_REFUSED_PRODUCT_WITHDRAWN:
        return base_arena_printf(
            arena,
            "The product of item \"%.128s\" is no longer for sale, so there can't be more of it.",
            subject);
    case CART_REFUSED_NOTHING_TO_UNDO:
        return base_arena_printf(arena, "Cart %s has no change that could be undone.", cart_id);
    case CART_REFUSED_NO_SUCH_VERSION:
        return refused->type == CART_COMMAND_RESTORE
                   ? base_arena_printf(
                         arena, "Cart %s has no version %d; its newest version is %d.", cart_id,
                         (int)refused->restore.version, (int)command->version)
                   : base_arena_printf(
                         arena, "The cart to copy has no version %d; its newest version is %d.",
                         refused->type == CART_COMMAND_CREATE ? (int)refused->create.copy_version
                                                              : 0,
                         (int)command->version);
    case CART_REFUSED_SOURCE_NOT_FOUND:
        return base_arena_printf(
            arena, "There is no cart %s.",
            refused->type == CART_COMMAND_CREATE ? refused->create.copy_of : subject);
    case CART_REFUSED_SOURCE_CLOSED:
        return base_arena_printf(arena, "Cart %s is closed and can't be merged.", subject);
    case CART_REFUSED_NOT_MERGED:
        return base_arena_printf(arena, "Cart %s was not merged into cart %s.", subject, cart_id);
    case CART_REFUSED_REOPEN_TOO_LATE:
        return base_arena_printf(
            arena, "Cart %s was closed more than %lld hours ago.", cart_id,
            (long long)(request->asked.reopen_us / 3600000000));
    case CART_REFUSED_TOO_MANY_EVENTS:
        return base_arena_printf(
            arena, "With this command the request would record more than %d events.",
            CART_EVENTS_MAX);
    case CART_REFUSED_METADATA_TOO_LARGE:
        return base_arena_printf(
            arena, "The metadata would exceed %d bytes or %d levels.", CART_METADATA_MAX,
            CART_METADATA_DEPTH_MAX);
    case CART_REFUSED_PROPERTIES_TOO_LARGE:
        return base_arena_printf(
            arena, "Item \"%.128s\" would have more than %d properties or %d bytes of them.",
            subject, CART_PROPERTIES_MAX, CART_PROPERTIES_BYTES_MAX);
    }
    return "The cart does not allow this command.";
}

static const struct http_refusal *refuse_prices(struct http_request *request)
{
    static const struct codec_complaints too_many = {
        .n = 1, .list = {{"/prices", "prices has too many currencies."}}};
    return http_refuse_with(
        &request->arena,
        &(struct http_refusal){
            .problem = HTTP_PROBLEM_INVALID_BODY,
            .detail = base_arena_printf(
                &request->arena, "A product has at most %d prices.", CATALOG_PRICES_MAX),
            .errors = &too_many,
        });
}

/* Told to who may know: whoever guesses codes learns nothing from it. */
static const char *find_reason(const struct http_request *request)
{
    static const char *const reasons[] = {
        [COUPON_USABLE] = NULL,           [COUPON_UNKNOWN] = "unknown",
        [COUPON_WITHDRAWN] = "withdrawn", [COUPON_NOT_STARTED] = "not-started",
        [COUPON_EXPIRED] = "expired",     [COUPON_EXHAUSTED] = "exhausted",
    };
    const struct service_command *command = &request->wait.command;
    bool is_told =
        command->refusal == CART_REFUSED_COUPON_NOT_APPLICABLE && http_knows_coupons(request);
    return is_told ? reasons[command->coupon_usability] : NULL;
}

/* The cart that is in the way; NULL: none is. */
static const char *find_other_cart(struct http_request *request)
{
    const struct service_command *command = &request->wait.command;
    return command->refusal == CART_REFUSED_OPEN_CART_EXISTS
               ? base_uuid_text(&request->arena, &command->other_cart_id)
               : NULL;
}

/* The client named no id but a key, which made the id once before. */
static bool is_key_forgotten(const struct service_command *command)
{
    return command->refusal == CART_REFUSED_ALREADY_EXISTS && command->key != NULL &&
           base_uuid_compare(&command->stream_id, &command->key_scope_id) == 0;
}

static const struct http_refusal *refuse_forgotten_key(struct http_request *request)
{
    char cart_id[BASE_UUID_SIZE];
    base_uuid_format(&request->wait.command.stream_id, cart_id);
    return http_refuse(
        &request->arena, HTTP_PROBLEM_IDEMPOTENCY_KEY_REUSED,
        "This Idempotency-Key created cart %s so long ago that the answer is not stored any more. "
        "Use a new key for a new cart. Nothing was done.",
        cart_id);
}

static const struct http_refusal *refuse_by_rule(struct http_request *request)
{
    struct service_command *command = &request->wait.command;
    if (command->aggregate == &aggregate_product)
        return refuse_prices(request);
    if (command->aggregate == &aggregate_coupon)
        return http_refuse_missing(request, HTTP_PROBLEM_COUPON_NOT_FOUND);
    if (is_key_forgotten(command))
        return refuse_forgotten_key(request);
    enum http_problem problem;
    if (!http_find_problem(cart_refusal_name((enum cart_refusal)command->refusal), &problem))
        problem = HTTP_PROBLEM_INTERNAL_ERROR; /* a test finds it for every refusal */
    bool is_closed = command->refusal == CART_REFUSED_IS_CLOSED;
    bool is_about_coupons = command->refusal == CART_REFUSED_COUPONS_CHANGED;
    bool is_about_order = command->refusal == CART_REFUSED_OTHER_ORDER_REFERENCE;
    const char *details = command->body.length > 0 ? base_buffer_text(&command->body) : NULL;
    const char *pointer = NULL;
    if (command->command_index < request->commands.n)
        pointer = request->commands.pointers[command->command_index];
    return http_refuse_with(
        &request->arena,
        &(struct http_refusal){
            .problem = problem,
            .detail = rule_detail(request),
            .pointer = pointer,
            .has_current_total = command->refusal == CART_REFUSED_TOTAL_CHANGED,
            .current_total_minor = command->current_total_minor,
            .limits =
                command->refusal == CART_REFUSED_QUANTITY_OUT_OF_RANGE ? &command->limits : NULL,
            .has_current_version = command->refusal == CART_REFUSED_NO_SUCH_VERSION,
            .current_version = command->version,
            .cart_status = is_closed ? command->status : NULL,
            .closed_at_us = command->closed_at_us,
            .coupons = is_about_coupons ? details : NULL,
            .reason = find_reason(request),
            .cart_id = find_other_cart(request),
            .items = is_about_order || is_about_coupons ? NULL : details,
            .order_reference = is_about_order ? details : NULL,
        });
}

/* ---- versions -------------------------------------------------------------------------------- */

/* Which tag of If-Match could not match, whatever the version; "": all could. */
static const char *unmatched_detail(struct http_request *request)
{
    struct http_etags etags;
    const char *value = request->headers.values[HTTP_HEADER_IF_MATCH];
    if (value == NULL || !http_read_etags(value, HTTP_STRONG, &etags) || etags.unmatched == NULL)
        return "";
    const char *tag = base_arena_copy(&request->arena, etags.unmatched, etags.unmatched_length);
    if (tag[0] == 'W')
        return base_arena_printf(
            &request->arena,
            " The tag %.64s is weak, and weak tags never match If-Match (RFC 9110, section "
            "13.1.1): send the version in quotes without the W/, such as \"7\".",
            tag);
    return base_arena_printf(
        &request->arena,
        " The tag %.64s is not an ETag of this service, whose tags are versions in quotes, such as "
        "\"7\": send the tag exactly as the service returned it, without what a proxy added.",
        tag);
}

static const char *mismatch_detail(struct http_request *request)
{
    const struct service_command *command = &request->wait.command;
    if (command->version == 0)
        return base_arena_printf(
            &request->arena, "If-Match requires the %s to exist, and it does not.%s",
            command->aggregate->stream_type, unmatched_detail(request));
    return base_arena_printf(
        &request->arena, "The current version is %d, which If-Match does not name.%s",
        (int)command->version, unmatched_detail(request));
}

static const struct http_refusal *refuse_version(struct http_request *request)
{
    const struct service_command *command = &request->wait.command;
    bool has_events = command->body.length > 0;
    return http_refuse_with(
        &request->arena, &(struct http_refusal){
                             .problem = HTTP_PROBLEM_VERSION_MISMATCH,
                             .detail = mismatch_detail(request),
                             .has_current_version = true,
                             .current_version = command->version,
                             .missed_events = has_events ? command->body.bytes : "[]",
                             .missed_events_length = has_events ? command->body.length : 2,
                         });
}

/* ---- commands -------------------------------------------------------------------------------- */

/* Ids of other streams are made of names, such as the code of a coupon, so who may not see every
 * cart is not told that there is one: the answer is that of an id that is nothing's. */
static const struct http_refusal *hide_other_type(struct http_request *request)
{
    static const struct base_uuid nothing;
    struct service_command *command = &request->wait.command;
    bool is_own = base_uuid_compare(&command->other_cart_id, &nothing) == 0;
    command->refusal = is_own ? CART_REFUSED_NOT_FOUND : CART_REFUSED_SOURCE_NOT_FOUND;
    command->command_index = 0;
    return refuse_by_rule(request);
}

static const struct http_refusal *refuse_other_type(struct http_request *request)
{
    bool is_of_cart = request->wait.command.aggregate == &aggregate_cart;
    if (is_of_cart && !request->rights.may_all)
        return hide_other_type(request);
    if (is_of_cart)
        return http_refuse(
            &request->arena, HTTP_PROBLEM_ID_TAKEN,
            "The id belongs to something else, not to a cart. Nothing was done. Create the cart "
            "with another id.");
    return http_refuse(
        &request->arena, HTTP_PROBLEM_ID_TAKEN,
        "The id that belongs to this %s is taken by something else. Nothing was done. The "
        "operator of the service can find what took it with `cartd verify`.",
        request->wait.command.aggregate->stream_type);
}

static const struct http_refusal *refuse_key(struct http_request *request)
{
    return http_refuse(
        &request->arena, HTTP_PROBLEM_IDEMPOTENCY_KEY_REUSED,
        request->cart_token != NULL
            ? "This Idempotency-Key was used before. A guest who wants to retry this request must "
              "send a Cart-Token of their own, the same each time. Nothing was done."
            : "This Idempotency-Key was used before with another method, path or body. Use a new "
              "key for a new request. Nothing was done.");
}

static const struct http_refusal *refuse_unknown(struct http_request *request)
{
    return http_refuse(
        &request->arena, HTTP_PROBLEM_DATABASE_UNAVAILABLE,
        "The connection to the database was lost, so the command may or may not have been "
        "recorded. %s",
        request->wait.command.key != NULL
            ? "Try again with the same Idempotency-Key: the command takes effect only once."
            : "Check the current state before you try again, and send an Idempotency-Key next "
              "time: then it is safe to try again.");
}

const struct http_refusal *http_refuse_command(struct http_request *request)
{
    struct base_arena *arena = &request->arena;
    switch (request->wait.command.outcome) {
    case SERVICE_DONE:
        return NULL;
    case SERVICE_REFUSED:
        return refuse_by_rule(request);
    case SERVICE_VERSION_MISMATCH:
        return refuse_version(request);
    case SERVICE_OTHER_TYPE:
        return refuse_other_type(request);
    case SERVICE_KEY_REUSED:
        return refuse_key(request);
    case SERVICE_UNKNOWN:
        return refuse_unknown(request);
    case SERVICE_OVERLOADED:
        return http_refuse(
            arena, HTTP_PROBLEM_OVERLOADED,
            "Too many commands are waiting. Nothing was done. Try again later.");
    case SERVICE_UNAVAILABLE:
        return http_refuse(
            arena, HTTP_PROBLEM_DATABASE_UNAVAILABLE,
            "The database did not record the command in time: it can't be reached, can't do its "
            "work "
            "or takes too long. Nothing was recorded. Try again later.");
    case SERVICE_SHUTTING_DOWN:
        return http_refuse(
            arena, HTTP_PROBLEM_SHUTTING_DOWN,
            "This instance is shutting down and accepts no new commands. Nothing was done.");
    case SERVICE_FAILED:
        break;
    }
    return http_refuse(
        arena, HTTP_PROBLEM_INTERNAL_ERROR,
        "The command failed unexpectedly. Nothing was recorded.");
}

/* ---- reads ----------------------------------------------------------------------------------- */

const struct http_refusal *http_refuse_missing(
    struct http_request *request, enum http_problem missing)
{
    const char *what = missing == HTTP_PROBLEM_PRODUCT_NOT_FOUND  ? "product"
                       : missing == HTTP_PROBLEM_COUPON_NOT_FOUND ? "coupon"
                                                                  : "cart";
    return http_refuse(
        &request->arena, missing, "There is no %s \"%.64s\".", what, request->path_values[0]);
}

const struct http_refusal *http_refuse_failure(
    struct http_request *request, enum base_failure failure)
{
    struct base_arena *arena = &request->arena;
    switch (failure) {
    case BASE_NO_FAILURE:
        return NULL;
    case BASE_OVERLOADED:
        return http_refuse(
            arena, HTTP_PROBLEM_OVERLOADED, "Too many reads are waiting. Try again later.");
    case BASE_TOO_SLOW:
        return http_refuse(
            arena, HTTP_PROBLEM_OVERLOADED,
            "The read took too long. Narrow it down or try again later.");
    case BASE_UNAVAILABLE:
    case BASE_UNKNOWN:
        return http_refuse(
            arena, HTTP_PROBLEM_DATABASE_UNAVAILABLE,
            "The database is not responding at the moment. Try again later.");
    case BASE_BROKEN:
        break;
    }
    return http_refuse(arena, HTTP_PROBLEM_INTERNAL_ERROR, "The read failed unexpectedly.");
}

/* ---- point-in-time reads --------------------------------------------------------------------- */

static const struct http_refusal *refuse_history_version(struct http_request *request)
{
    const struct service_history *history = &request->wait.history;
    return http_refuse_with(
        &request->arena,
        &(struct http_refusal){
            .problem = HTTP_PROBLEM_NO_SUCH_VERSION,
            .detail = base_arena_printf(
                &request->arena, "The cart has no version %d; its newest version is %d.",
                (int)history->at_version, (int)history->version),
            .has_current_version = true,
            .current_version = history->version,
        });
}

const struct http_refusal *http_refuse_history(struct http_request *request)
{
    const struct service_history *history = &request->wait.history;
    switch (history->outcome) {
    case REPLAY_FOUND:
        return NULL;
    case REPLAY_NO_VERSION:
        return refuse_history_version(request);
    case REPLAY_NO_STREAM:
        if (history->at_version != 0)
            return http_refuse_missing(request, HTTP_PROBLEM_CART_NOT_FOUND);
        return http_refuse(
            &request->arena, HTTP_PROBLEM_CART_NOT_FOUND, "There was no cart \"%.64s\" at %.64s.",
            request->path_values[0], request->parameters[HTTP_PARAMETER_AT]);
    case REPLAY_FAILED:
        break;
    }
    return http_refuse_failure(request, history->request.failure);
}
