#include "handlers.h"

#include <string.h>

#include "access.h"
#include "server.h"

/* A Cart-Token of the client's own makes a lost answer of no harm. */
static const struct http_refusal *check_cart_token(struct http_request *request)
{
    const char *token = request->headers.values[HTTP_HEADER_CART_TOKEN];
    if (request->http->options.auth == NULL || token == NULL || http_is_cart_token(token))
        return NULL;
    return http_refuse(
        &request->arena, HTTP_PROBLEM_INVALID_PARAMETER,
        "Cart-Token must be 32 random bytes, written as %d characters of base64url.",
        HTTP_CART_TOKEN_LENGTH);
}

/* Whose the cart is: the customer's, or of whoever has its token. Where nobody is asked, nobody is
 * given one. */
static const struct http_refusal *choose_owner(
    struct http_request *request, struct cart_command *create)
{
    struct cart_caller *caller = &request->rights;
    const char *named = create->create.customer_id;
    if (request->http->options.auth == NULL)
        return NULL;
    if (!caller->may_all) {
        if (named != NULL &&
            (caller->customer_id == NULL || strcmp(named, caller->customer_id) != 0))
            return http_refuse_other_customer(request);
        create->create.customer_id = caller->customer_id;
    }
    if (create->create.customer_id != NULL)
        return NULL;
    const char *token = request->headers.values[HTTP_HEADER_CART_TOKEN];
    if (token == NULL && request->identity.subject == NULL)
        token = http_make_cart_token(&request->arena);
    if (token == NULL)
        return NULL;
    request->cart_token = token;
    base_sha256_hex(token, caller->guest_token_hash);
    create->create.guest_token_hash = caller->guest_token_hash;
    return NULL;
}

static bool is_guest(const struct http_request *request)
{
    return request->http->options.auth != NULL && request->identity.subject == NULL;
}

/* Guests are told apart by the tokens that they bring. One who brings none can't be told from
 * others: whatever the key has made before is of another token than the one that is made now, so
 * the answer says no more than that the key came before. */
static bool is_unknown_guest(const struct http_request *request)
{
    return is_guest(request) && request->headers.values[HTTP_HEADER_CART_TOKEN] == NULL;
}

static const char *name_key_owner(struct http_request *request)
{
    if (!is_guest(request) || is_unknown_guest(request))
        return request->actor;
    return base_arena_printf(&request->arena, "guest:%s", request->rights.guest_token_hash);
}

/* The cart's id is the client's; else that of the key, so that a retry meets the same stream; else
 * a new one. The scope of the key is the key's own id in any case, as the key belongs to the
 * caller. */
static void choose_id(struct http_request *request, const struct codec_new_cart *new_cart)
{
    struct service_command *command = &request->wait.command;
    if (command->key != NULL)
        command->key_scope_id = service_keyed_cart_id(name_key_owner(request), command->key);
    if (new_cart->has_id)
        command->stream_id = new_cart->id;
    else if (command->key != NULL && !is_unknown_guest(request))
        command->stream_id = command->key_scope_id;
    else
        command->stream_id = base_uuid_make_v7(&request->http->random, base_clock_now_us());
}

static const struct http_refusal *check_match(struct http_request *request)
{
    if (request->wait.command.match == SERVICE_MATCH_NOTHING)
        return NULL;
    return http_refuse(
        &request->arena, HTTP_PROBLEM_INVALID_PARAMETER,
        "If-Match is not supported when a cart is created; leave it out.");
}

const struct http_refusal *http_ask_create_cart(struct http_request *request)
{
    const struct http_refusal *refusal = http_begin_command(request);
    if (refusal == NULL)
        refusal = check_match(request);
    if (refusal == NULL)
        refusal = check_cart_token(request);
    if (refusal != NULL)
        return refusal;
    struct codec_new_cart new_cart;
    struct codec_complaints complaints;
    enum codec_outcome outcome = codec_read_new_cart(
        http_request_body(request), request->http->options.default_currency, &request->arena,
        &new_cart, &complaints);
    refusal = http_check_body(request, outcome, &complaints);
    if (refusal == NULL)
        refusal = choose_owner(request, &new_cart.commands.list[0]);
    if (refusal != NULL)
        return refusal;
    choose_id(request, &new_cart);
    request->commands = new_cart.commands;
    return http_submit_commands(request);
}
