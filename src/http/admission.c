#include "admission.h"

#include <string.h>

#include "request.h"
#include "server.h"

static struct base_uuid find_caller(const struct http_request *request)
{
    if (request->identity.subject != NULL)
        return http_caller_of_subject(request->identity.subject);
    const struct http_address origin = http_find_origin(
        &request->http->proxies, &request->client->address,
        request->headers.values[HTTP_HEADER_X_FORWARDED_FOR]);
    return http_caller_of_address(&origin);
}

/* ---- rates ----------------------------------------------------------------------------------- */

static const struct {
    const char *name; /* of the policy */
    enum metrics_number refused;
} rates[] = {
    [HTTP_READS] = {"reads", METRICS_HTTP_REFUSED_READS},
    [HTTP_WRITES] = {"writes", METRICS_HTTP_REFUSED_WRITES},
    [HTTP_COUPON_ATTEMPTS] = {"coupon-attempts", METRICS_HTTP_REFUSED_COUPON_ATTEMPTS},
};

static enum http_rate rate_of(const struct http_request *request)
{
    bool is_read = strcmp(request->method, "GET") == 0 || strcmp(request->method, "HEAD") == 0;
    return is_read ? HTTP_READS : HTTP_WRITES;
}

const struct http_refusal *http_admit(struct http_request *request)
{
    struct http *http = request->http;
    request->caller = find_caller(request);
    /* Whoever watches the service has to be told. And a browser that asks beforehand could not tell
     * its page why it may not, nor when it may. */
    if ((request->match == HTTP_MATCH && request->route->serves_to_end) ||
        strcmp(request->method, "OPTIONS") == 0)
        return NULL;
    request->allowance = http_caller_spend(&http->callers, &request->caller, rate_of(request));
    if (!request->allowance.is_spent)
        return NULL;
    enum http_rate rate = request->allowance.rate;
    metrics_add(http->options.metrics, rates[rate].refused, 1);
    return http_refuse(
        &request->arena, HTTP_PROBLEM_TOO_MANY_REQUESTS,
        "The limit of %u %s in %d seconds is reached. Nothing was done. Try again in %u s.",
        request->allowance.quota, rates[rate].name, HTTP_RATE_WINDOW_SECONDS,
        request->allowance.seconds);
}

void http_count_as(struct http_request *request, size_t n)
{
    if (request->allowance.quota > 0 && n > 1)
        request->allowance = http_caller_owe(
            &request->http->callers, &request->caller, request->allowance.rate, n - 1);
}

/* ---- attempts at coupons --------------------------------------------------------------------- */

const struct http_refusal *http_admit_attempt(struct http_request *request, const char *pointer)
{
    struct http *http = request->http;
    const struct base_uuid *cart_id = &request->wait.command.stream_id;
    struct http_allowance allowance =
        http_caller_spend(&http->callers, &request->caller, HTTP_COUPON_ATTEMPTS);
    if (!allowance.is_spent) {
        allowance = http_caller_spend(&http->coupon_carts, cart_id, HTTP_COUPON_ATTEMPTS);
        if (!allowance.is_spent) {
            request->is_attempt = true;
            return NULL;
        }
        http_caller_refund(&http->callers, &request->caller, HTTP_COUPON_ATTEMPTS);
    }
    request->allowance = allowance; /* for the headers */
    metrics_add(http->options.metrics, METRICS_HTTP_REFUSED_COUPON_ATTEMPTS, 1);
    struct http_refusal refusal = *http_refuse(
        &request->arena, HTTP_PROBLEM_TOO_MANY_ATTEMPTS,
        "Too many codes were tried that are no applicable coupon. Nothing was done. Try again in "
        "%u s.",
        allowance.seconds);
    refusal.pointer = pointer;
    return http_refuse_with(&request->arena, &refusal);
}

void http_settle_attempt(struct http_request *request, bool has_failed)
{
    struct http *http = request->http;
    if (!request->is_attempt || has_failed)
        return;
    http_caller_refund(&http->callers, &request->caller, HTTP_COUPON_ATTEMPTS);
    http_caller_refund(&http->coupon_carts, &request->wait.command.stream_id, HTTP_COUPON_ATTEMPTS);
}

/* ---- what is left, as headers ---------------------------------------------------------------- */

size_t http_allowance_headers(struct http_request *request, struct http_header_line *lines)
{
    const struct http_allowance *allowance = &request->allowance;
    if (allowance->quota == 0)
        return 0;
    const char *name = rates[allowance->rate].name;
    lines[0] = (struct http_header_line){
        "RateLimit-Policy",
        base_arena_printf(
            &request->arena, "\"%s\";q=%u;w=%d", name, allowance->quota, HTTP_RATE_WINDOW_SECONDS)};
    lines[1] = (struct http_header_line){
        "RateLimit",
        base_arena_printf(
            &request->arena, "\"%s\";r=%u;t=%u", name, allowance->remaining, allowance->seconds)};
    return 2;
}

/* ---- listening ------------------------------------------------------------------------------- */

const struct http_refusal *http_admit_listener(struct http_request *request)
{
    struct http *http = request->http;
    if (!http_caller_is_full(&http->callers, &request->caller, HTTP_LISTENER))
        return NULL;
    metrics_add(http->options.metrics, METRICS_HTTP_REFUSED_LISTENERS, 1);
    return http_refuse(
        &request->arena, HTTP_PROBLEM_TOO_MANY_REQUESTS,
        "The limit of %u open streams and long polls is reached. Close one first.",
        http->callers.limits.held[HTTP_LISTENER]);
}
