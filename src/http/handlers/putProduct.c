#include "handlers.h"

#include "reply.h"
#include "server.h"

static void answer(struct service_command *command)
{
    struct http_request *request = BASE_CONTAINER(command, struct http_request, wait.command);
    if (command->outcome == SERVICE_DONE)
        http_reply_done(
            request, base_arena_printf(&request->arena, "/products/%s", request->path_values[0]));
    else
        http_reply_not_done(request);
    base_buffer_finish(&command->body);
}

void http_ask_put_product(struct http_request *request)
{
    struct service_command *command = &request->wait.command;
    const char *sku = request->path_values[0];
    if (!codec_is_sku(sku)) {
        http_refuse(
            request, HTTP_PROBLEM_INVALID_PARAMETER,
            "The sku in the path must be 1 to %d letters, digits and . _ ~ -, with a letter or "
            "digit "
            "first, not \"%.64s\".",
            CART_SKU_MAX, sku);
        return;
    }
    if (!http_begin_command(request))
        return;
    struct catalog_command *change = base_arena_alloc(&request->arena, sizeof(*change));
    struct codec_complaints complaints;
    enum codec_outcome outcome = codec_read_product(
        http_request_body(request), &request->arena, &change->content, &complaints);
    if (!http_accept_body(request, outcome, &complaints))
        return;
    change->type = CATALOG_COMMAND_CHANGE_PRODUCT;
    change->sku = sku;
    command->aggregate = &aggregate_product;
    command->stream_id = aggregate_product_id(sku);
    command->key_scope_id = command->stream_id;
    command->command = change;
    http_submit(request, answer);
}
