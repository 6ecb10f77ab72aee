#include "handlers.h"

#include <string.h>

#include "access.h"
#include "reply.h"
#include "server.h"

/* Whoever claims a cart claims it for himself, but for the back office, and for everybody where
 * nobody is asked. False: the request was refused. */
static bool choose_customer(struct http_request *request, struct cart_command *claim)
{
    const char *subject = request->identity.subject;
    if (claim->claim.customer_id == NULL)
        claim->claim.customer_id = subject;
    if (claim->claim.customer_id == NULL) {
        http_send_trouble(
            request,
            &(struct http_trouble){
                .problem = HTTP_PROBLEM_INVALID_BODY,
                .detail = "customer_id is missing; it names the customer who claims the cart.",
                .errors =
                    &(const struct codec_complaints){
                        .n = 1,
                        .list = {{"/customer_id", "customer_id is missing."}},
                    },
            });
        return false;
    }
    if (request->rights.may_all || strcmp(claim->claim.customer_id, subject) == 0)
        return true;
    http_refuse_other_customer(request);
    return false;
}

void http_ask_claim_cart(struct http_request *request)
{
    struct codec_commands commands;
    struct codec_complaints complaints;
    if (!http_begin_command(request))
        return;
    enum codec_outcome outcome = codec_read_command(
        http_request_body(request), CART_COMMAND_CLAIM, &request->arena, &commands, &complaints);
    if (http_accept_body(request, outcome, &complaints) &&
        choose_customer(request, &commands.list[0]))
        http_submit_to_cart(request, &commands);
}
