#include "access.h"

#include <string.h>
#include <strings.h>

#include "listen.h"
#include "server.h"

/* ---- who may --------------------------------------------------------------------------------- */

/* A bearer token needs one of `scopes`. A caller without one may do it all the same as a guest,
 * where it says so: as the guest of a cart with its Cart-Token. */
static const struct {
    bool is_for_all;
    unsigned scopes;
    bool is_for_guests;
    bool needs_cart_token; /* of guests */
    bool is_for_this_machine;
} rules[HTTP_N_ACCESSES] = {
    [HTTP_ANYONE] = {.is_for_all = true},
    [HTTP_NEW_CART] = {.scopes = AUTH_ALLOW(CARTS) | AUTH_ALLOW(CARTS_ALL), .is_for_guests = true},
    [HTTP_CART] =
        {.scopes = AUTH_ALLOW(CARTS) | AUTH_ALLOW(CARTS_ALL),
         .is_for_guests = true,
         .needs_cart_token = true},
    [HTTP_CLAIM] = {.scopes = AUTH_ALLOW(CARTS) | AUTH_ALLOW(CARTS_ALL)},
    [HTTP_CART_LIST] = {.scopes = AUTH_ALLOW(CARTS) | AUTH_ALLOW(CARTS_ALL)},
    [HTTP_PRICES] = {.scopes = AUTH_ALLOW(PRICES)},
    [HTTP_TOTALS] = {.scopes = AUTH_ALLOW(TOTALS)},
    [HTTP_CATALOG] = {.scopes = AUTH_ALLOW(CATALOG)},
    [HTTP_COUPONS] = {.scopes = AUTH_ALLOW(COUPONS)},
    [HTTP_EVENTS] = {.scopes = AUTH_ALLOW(EVENTS)},
    [HTTP_REPORTS] = {.scopes = AUTH_ALLOW(REPORTS)},
    [HTTP_OPERATIONS] = {.scopes = AUTH_ALLOW(REPORTS), .is_for_this_machine = true},
};

/* On this machine, and not for somebody else, as a proxy beside us is. */
static bool is_on_this_machine(const struct http_request *request)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    return http_is_loopback_address(info->client_addr) &&
           request->headers.values[HTTP_HEADER_FORWARDED] == NULL &&
           request->headers.values[HTTP_HEADER_X_FORWARDED_FOR] == NULL;
}

bool http_may(const struct http_request *request, enum http_access access)
{
    if (request->http->options.auth == NULL || rules[access].is_for_all)
        return true;
    if (request->identity.subject != NULL)
        return (request->identity.scopes & rules[access].scopes) != 0;
    if (rules[access].is_for_this_machine)
        return is_on_this_machine(request);
    return rules[access].is_for_guests && (!rules[access].needs_cart_token ||
                                           request->headers.values[HTTP_HEADER_CART_TOKEN] != NULL);
}

bool http_knows_coupons(const struct http_request *request)
{
    return request->rights.may_all || http_may(request, HTTP_COUPONS);
}

/* ---- refusals (RFC 6750, section 3) ---------------------------------------------------------- */

static const struct http_refusal *refuse(
    struct base_arena *arena, enum http_problem problem, const char *detail, const char *challenge)
{
    return http_refuse_with(
        arena,
        &(struct http_refusal){.problem = problem, .detail = detail, .challenge = challenge});
}

static const struct http_refusal *refuse_token(struct base_arena *arena, const char *why)
{
    return refuse(
        arena, HTTP_PROBLEM_UNAUTHORIZED, why,
        base_arena_printf(
            arena, "Bearer realm=\"cartd\", error=\"invalid_token\", error_description=\"%s\"",
            why));
}

/* `what` is what requires a token, or the scope. */
static const struct http_refusal *refuse_nobody(
    struct base_arena *arena, enum http_access access, const char *what)
{
    return refuse(
        arena, HTTP_PROBLEM_UNAUTHORIZED,
        base_arena_printf(
            arena, "A bearer token%s is required for %s.",
            rules[access].is_for_guests ? ", or the Cart-Token of the cart," : "", what),
        "Bearer realm=\"cartd\"");
}

static const struct http_refusal *refuse_scope(
    struct base_arena *arena, enum http_access access, const char *what)
{
    const char *list = "";
    for (enum auth_scope i = 0; i < AUTH_N_SCOPES; i++)
        if ((rules[access].scopes & 1U << i) != 0)
            list = base_arena_printf(
                arena, "%s%s%s", list, *list == '\0' ? "" : " ", auth_scope_name(i));
    return refuse(
        arena, HTTP_PROBLEM_FORBIDDEN,
        base_arena_printf(
            arena, "The bearer token lacks a scope that %s requires: %s%s.", what,
            strchr(list, ' ') != NULL ? "one of " : "", list),
        base_arena_printf(
            arena, "Bearer realm=\"cartd\", error=\"insufficient_scope\", scope=\"%s\"", list));
}

static const struct http_refusal *refuse_access(
    struct http_request *request, enum http_access access, const char *what)
{
    return request->identity.subject != NULL ? refuse_scope(&request->arena, access, what)
                                             : refuse_nobody(&request->arena, access, what);
}

const struct http_refusal *http_refuse_other_customer(struct http_request *request)
{
    return http_refuse(
        &request->arena, HTTP_PROBLEM_FORBIDDEN,
        request->identity.subject == NULL
            ? "A guest can't set customer_id; send a bearer token."
            : "customer_id must be the subject of the bearer token; another customer requires the "
              "scope carts:all.");
}

/* ---- the caller ------------------------------------------------------------------------------ */

static bool is_base64url(const char *text, size_t length)
{
    return strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") ==
               length &&
           text[length] == '\0';
}

bool http_is_cart_token(const char *text)
{
    return is_base64url(text, HTTP_CART_TOKEN_LENGTH);
}

enum { RESUME_SECRET_BYTES = 32, RESUME_TOKEN_LENGTH = (16 + RESUME_SECRET_BYTES) / 3 * 4 };

bool http_is_resume_token(const char *text)
{
    return is_base64url(text, RESUME_TOKEN_LENGTH);
}

const char *http_make_resume_token(struct base_arena *arena, const struct base_uuid *cart_id)
{
    uint8_t bytes[sizeof *cart_id + RESUME_SECRET_BYTES];
    memcpy(bytes, cart_id, sizeof *cart_id);
    base_fill_secret(bytes + sizeof *cart_id, RESUME_SECRET_BYTES);
    return base_base64url_encode(arena, bytes, sizeof bytes);
}

bool http_read_resume_token(const char *text, struct base_arena *arena, struct base_uuid *cart_id)
{
    size_t n_bytes = 0;
    const uint8_t *bytes =
        http_is_resume_token(text) ? base_base64url_decode(arena, text, &n_bytes) : NULL;
    if (bytes == NULL || n_bytes != sizeof *cart_id + RESUME_SECRET_BYTES)
        return false;
    memcpy(cart_id, bytes, sizeof *cart_id);
    return true;
}

const char *http_make_cart_token(struct base_arena *arena)
{
    uint8_t bytes[32];
    base_fill_secret(bytes, sizeof bytes);
    return base_base64url_encode(arena, bytes, sizeof bytes);
}

/* The token of "Bearer <token>"; NULL when it is something else. */
static const char *find_bearer(const char *value)
{
    static const char scheme[] = "Bearer ";
    if (strncasecmp(value, scheme, strlen(scheme)) != 0)
        return NULL;
    return value + strlen(scheme) + strspn(value + strlen(scheme), " ");
}

/* A caller whose token is not accepted is no guest: that would be somebody else. */
void http_identify(struct http_request *request)
{
    const char *value = request->headers.values[HTTP_HEADER_AUTHORIZATION];
    if (value == NULL || request->http->options.auth == NULL)
        return;
    const char *token = find_bearer(value);
    request->token_complaint = token == NULL
                                   ? "The Authorization header has no bearer token."
                                   : auth_verify(
                                         request->http->options.auth, token, base_clock_now_us(),
                                         &request->arena, &request->identity);
}

/* Which carts are the caller's, and what more than their owner may do in them. A Cart-Token is good
 * for its cart whoever brings it; one that can't be any is that of no cart. */
static void find_carts(struct http_request *request, enum http_access access)
{
    struct cart_caller *caller = &request->rights;
    const struct auth_identity *identity = &request->identity;
    const char *cart_token = request->headers.values[HTTP_HEADER_CART_TOKEN];
    caller->may_all = (identity->scopes & AUTH_ALLOW(CARTS_ALL)) != 0 || access == HTTP_TOTALS;
    caller->may_set_prices = http_may(request, HTTP_PRICES);
    caller->may_set_totals = http_may(request, HTTP_TOTALS);
    if ((identity->scopes & AUTH_ALLOW(CARTS)) != 0)
        caller->customer_id = identity->subject;
    if (cart_token != NULL && (http_is_cart_token(cart_token) || http_is_resume_token(cart_token)))
        base_sha256_hex(cart_token, caller->guest_token_hash);
    request->actor = identity->subject == NULL
                         ? "guest"
                         : base_arena_printf(&request->arena, "sub:%s", identity->subject);
}

const struct http_refusal *http_authorize(struct http_request *request, enum http_access access)
{
    if (request->http->options.auth == NULL) {
        request->rights =
            (struct cart_caller){.may_all = true, .may_set_prices = true, .may_set_totals = true};
        request->actor = "anonymous";
        return NULL;
    }
    if (request->token_complaint != NULL)
        return refuse_token(&request->arena, request->token_complaint);
    if (http_may(request, access)) {
        find_carts(request, access);
        return NULL;
    }
    return refuse_access(request, access, "this operation");
}

/* What a command needs beside what its operation does. */
static enum http_access find_needed(const struct cart_command *command)
{
    bool sets_price =
        (command->type == CART_COMMAND_ADD_ITEM && command->add_item.has_unit_price) ||
        (command->type == CART_COMMAND_CHANGE_ITEM && command->change_item.has_unit_price);
    bool is_of_totals =
        command->type == CART_COMMAND_SET_TOTAL || command->type == CART_COMMAND_REMOVE_TOTAL;
    if (sets_price)
        return HTTP_PRICES;
    return is_of_totals ? HTTP_TOTALS : HTTP_ANYONE;
}

const struct http_refusal *http_authorize_commands(struct http_request *request)
{
    for (size_t i = 0; i < request->commands.n; i++) {
        enum http_access access = find_needed(&request->commands.list[i]);
        if (!http_may(request, access)) {
            struct http_refusal refusal = *refuse_access(
                request, access, access == HTTP_PRICES ? "unit_price" : "a change of totals");
            refusal.pointer = request->commands.pointers[i];
            return http_refuse_with(&request->arena, &refusal);
        }
    }
    return NULL;
}
