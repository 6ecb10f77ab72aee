#include "handlers.h"

#include "reply.h"
#include "server.h"

/* The cart's id is the client's; else that of the key, so that a retry meets the same stream; else
 * a new one. The scope of the key is the key's own id in any case, as the key belongs to the
 * caller. */
static void choose_id(struct http_request *request, const struct codec_new_cart *new_cart)
{
    struct service_command *command = &request->wait.command;
    if (command->key != NULL)
        command->key_scope_id = service_keyed_cart_id(HTTP_ACTOR, command->key);
    if (new_cart->has_id)
        command->stream_id = new_cart->id;
    else if (command->key != NULL)
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
            "If-Match has no meaning for a cart that is to be made.");
        return;
    }
    struct codec_new_cart new_cart;
    struct codec_complaints complaints;
    enum codec_outcome outcome = codec_read_new_cart(
        http_request_body(request), request->http->options.default_currency, &request->arena,
        &new_cart, &complaints);
    if (!http_accept_body(request, outcome, &complaints))
        return;
    choose_id(request, &new_cart);
    request->commands = new_cart.commands;
    command->subject = SERVICE_CART;
    command->cart_commands = request->commands.list;
    command->n_cart_commands = request->commands.n;
    http_submit(request, http_answer_cart_command);
}
