#include "handlers.h"

#include <string.h>

#include "access.h"
#include "reply.h"
#include "server.h"

/* A Cart-Token of the client's own makes a lost answer of no harm. */
static bool check_cart_token(struct http_request *request)
{
    const char *token = request->headers.values[HTTP_HEADER_CART_TOKEN];
    if (request->http->options.auth == NULL || token == NULL || http_is_cart_token(token))
        return true;
    http_refuse(
        request, HTTP_PROBLEM_INVALID_PARAMETER,
        "Cart-Token must be 32 random bytes, written as %d characters of base64url.",
        HTTP_CART_TOKEN_LENGTH);
    return false;
}

/* Whose the cart is: the customer's, or of whoever has its token. Where nobody is asked, nobody is
 * given one. False: the request was refused. */
static bool choose_owner(struct http_request *request, struct cart_command *create)
{
    struct cart_caller *caller = &request->rights;
    const char *named = create->create.customer_id;
    if (request->http->options.auth == NULL)
        return true;
    if (!caller->may_all) {
        if (named != NULL &&
            (caller->customer_id == NULL || strcmp(named, caller->customer_id) != 0)) {
            http_refuse_other_customer(request);
            return false;
        }
        create->create.customer_id = caller->customer_id;
    }
    if (create->create.customer_id != NULL)
        return true;
    const char *token = request->headers.values[HTTP_HEADER_CART_TOKEN];
    if (token == NULL && request->identity.subject == NULL)
        token = http_make_cart_token(&request->arena);
    if (token == NULL)
        return true;
    request->cart_token = token;
    base_sha256_hex(token, caller->guest_token_hash);
    create->create.guest_token_hash = caller->guest_token_hash;
    return true;
}

static bool is_unknown_guest(const struct http_request *request)
{
    return request->http->options.auth != NULL && request->identity.subject == NULL &&
           request->headers.values[HTTP_HEADER_CART_TOKEN] == NULL;
}

/* Guests are told apart by the tokens that they bring. One who brings none can't be told from
 * others: whatever his key has made before is of another token than the one he gets now, so that he
 * is told no more than that the key came before. */
static const char *name_key_owner(struct http_request *request)
{
    bool is_guest = request->http->options.auth != NULL && request->identity.subject == NULL;
    if (!is_guest || is_unknown_guest(request))
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

void http_ask_create_cart(struct http_request *request)
{
    struct service_command *command = &request->wait.command;
    if (!http_begin_command(request))
        return;
    if (command->match != SERVICE_MATCH_NOTHING) {
        http_refuse(
            request, HTTP_PROBLEM_INVALID_PARAMETER,
            "If-Match is not supported when a cart is created; leave it out.");
        return;
    }
    if (!check_cart_token(request))
        return;
    struct codec_new_cart new_cart;
    struct codec_complaints complaints;
    enum codec_outcome outcome = codec_read_new_cart(
        http_request_body(request), request->http->options.default_currency, &request->arena,
        &new_cart, &complaints);
    if (!http_accept_body(request, outcome, &complaints))
        return;
    if (!choose_owner(request, &new_cart.commands.list[0]))
        return;
    choose_id(request, &new_cart);
    http_submit_commands(request, &new_cart.commands);
}
