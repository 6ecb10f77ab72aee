#include "routes.h"

#include <string.h>

#include "handlers.h"

/* In any order, as no two rows match the same request but one whose "resume" could be an id, which
 * is no cart's either way. */
static const struct http_route routes[] = {
    {"GET", "/", "getStart", http_ask_get_start, HTTP_ANYONE, .media = HTTP_JSON_OR_HTML},
    {"GET", "/shop", "getShop", http_ask_get_page, HTTP_ANYONE, .media = HTTP_HTML},
    {"GET", "/pages/{file}", "getPageFile", http_ask_get_page_file, HTTP_ANYONE,
     .media = HTTP_PAGE_FILE},
    {"GET", "/explorer", "getExplorer", http_ask_get_page, HTTP_ANYONE, .media = HTTP_HTML},
    {"GET", "/docs", "getDocs", http_ask_get_page, HTTP_ANYONE, .media = HTTP_HTML},
    {"POST", "/carts", "createCart", http_ask_create_cart, HTTP_NEW_CART, .takes_body = true},
    {"GET", "/carts", "listCarts", http_ask_list_carts, HTTP_CART_LIST,
     .parameters = HTTP_ALLOW(STATUS) | HTTP_ALLOW(CUSTOMER_ID) | HTTP_ALLOW(SKU) |
                   HTTP_ALLOW(COUPON) | HTTP_ALLOW(ORDER_REFERENCE) | HTTP_ALLOW(CURRENCY) |
                   HTTP_ALLOW(CUSTOMER_EMAIL) | HTTP_ALLOW(CREATED_FROM) | HTTP_ALLOW(CREATED_TO) |
                   HTTP_ALLOW(ABANDONED) | HTTP_ALLOW(COUPON) | HTTP_ALLOW(UPDATED_FROM) |
                   HTTP_ALLOW(UPDATED_TO) | HTTP_ALLOW(TOTAL_FROM) | HTTP_ALLOW(TOTAL_TO) |
                   HTTP_ALLOW(SORT) | HTTP_ALLOW(COUNT) | HTTP_ALLOW(LIMIT) | HTTP_ALLOW(CURSOR)},
    {"GET", "/carts/{cart_id}", "getCart", http_ask_get_cart, HTTP_CART,
     .parameters = HTTP_ALLOW(VERSION) | HTTP_ALLOW(AT) | HTTP_ALLOW(PRICES), .media = HTTP_JSON},
    {"GET", "/customers/{customer_id}/cart", "getCustomerCart", http_ask_get_customer_cart,
     HTTP_CART_LIST, .media = HTTP_JSON},
    {"PATCH", "/carts/{cart_id}", "changeDetails", http_ask_cart_command, HTTP_CART,
     .command = CART_COMMAND_CHANGE_DETAILS, .takes_body = true},
    {"POST", "/carts/{cart_id}/items", "addItem", http_ask_cart_command, HTTP_CART,
     .command = CART_COMMAND_ADD_ITEM, .takes_body = true},
    {"DELETE", "/carts/{cart_id}/items", "clearItems", http_ask_cart_command, HTTP_CART,
     .command = CART_COMMAND_CLEAR_ITEMS, .takes_body = true},
    {"PATCH", "/carts/{cart_id}/items/{item_id}", "changeItem", http_ask_change_item, HTTP_CART,
     .takes_body = true},
    {"DELETE", "/carts/{cart_id}/items/{item_id}", "removeItem", http_ask_remove_item, HTTP_CART,
     .takes_body = true},
    {"PUT", "/carts/{cart_id}/totals/{name}", "setTotal", http_ask_set_total, HTTP_TOTALS,
     .takes_body = true},
    {"DELETE", "/carts/{cart_id}/totals/{name}", "removeTotal", http_ask_remove_total, HTTP_TOTALS,
     .takes_body = true},
    {"POST", "/carts/{cart_id}/coupons", "applyCoupon", http_ask_cart_command, HTTP_CART,
     .command = CART_COMMAND_APPLY_COUPON, .takes_body = true},
    {"DELETE", "/carts/{cart_id}/coupons/{code}", "removeCoupon", http_ask_remove_coupon, HTTP_CART,
     .takes_body = true},
    {"POST", "/carts/{cart_id}/checkout", "checkOutCart", http_ask_cart_command, HTTP_CART,
     .command = CART_COMMAND_CHECK_OUT, .takes_body = true},
    {"POST", "/carts/{cart_id}/cancel", "cancelCart", http_ask_cart_command, HTTP_CART,
     .command = CART_COMMAND_CANCEL, .takes_body = true},
    {"POST", "/carts/{cart_id}/reopen", "reopenCart", http_ask_cart_command, HTTP_CART,
     .command = CART_COMMAND_REOPEN, .takes_body = true},
    {"POST", "/carts/{cart_id}/undo", "undoChange", http_ask_cart_command, HTTP_CART,
     .command = CART_COMMAND_UNDO, .takes_body = true},
    {"POST", "/carts/{cart_id}/restore", "restoreCart", http_ask_cart_command, HTTP_CART,
     .command = CART_COMMAND_RESTORE, .takes_body = true},
    {"POST", "/carts/{cart_id}/reprice", "repriceCart", http_ask_cart_command, HTTP_CART,
     .command = CART_COMMAND_REPRICE, .takes_body = true},
    {"POST", "/carts/{cart_id}/currency", "changeCurrency", http_ask_cart_command, HTTP_CART,
     .command = CART_COMMAND_CHANGE_CURRENCY, .takes_body = true},
    {"POST", "/carts/{cart_id}/claim", "claimCart", http_ask_claim_cart, HTTP_CLAIM,
     .takes_body = true},
    {"POST", "/carts/{cart_id}/merge", "mergeCart", http_ask_merge_cart, HTTP_CART,
     .takes_body = true},
    {"POST", "/carts/{cart_id}/merge/{from}/revert", "revertMerge", http_ask_revert_merge,
     HTTP_CART, .takes_body = true},
    {"POST", "/carts/{cart_id}/resume-token", "makeResumeToken", http_ask_make_resume_token,
     HTTP_CART, .takes_body = true},
    {"DELETE", "/carts/{cart_id}/resume-token", "endResumeToken", http_ask_cart_command, HTTP_CART,
     .command = CART_COMMAND_END_RESUME_TOKEN, .takes_body = true},
    {"GET", "/carts/resume/{token}", "getResumedCart", http_ask_get_resumed_cart, HTTP_ANYONE,
     .media = HTTP_JSON, .has_secret_path = true},
    {"POST", "/carts/{cart_id}/commands", "executeCommands", http_ask_execute_commands, HTTP_CART,
     .takes_body = true},
    {"GET", "/carts/{cart_id}/events", "listCartEvents", http_ask_list_cart_events, HTTP_CART,
     .parameters = HTTP_ALLOW(AFTER) | HTTP_ALLOW(LIMIT), .media = HTTP_JSON_OR_EVENTS},
    {"GET", "/events", "listEvents", http_ask_list_events, HTTP_EVENTS,
     .parameters = HTTP_ALLOW(AFTER) | HTTP_ALLOW(LIMIT) | HTTP_ALLOW(TYPE) | HTTP_ALLOW(WAIT) |
                   HTTP_ALLOW(LOG_ID),
     .media = HTTP_JSON_OR_EVENTS},
    {"PUT", "/products/{sku}", "putProduct", http_ask_put_product, HTTP_CATALOG,
     .takes_body = true},
    {"GET", "/products/{sku}", "getProduct", http_ask_get_product, HTTP_ANYONE, .media = HTTP_JSON},
    {"GET", "/products", "listProducts", http_ask_list_products, HTTP_ANYONE,
     .parameters = HTTP_ALLOW(LIMIT) | HTTP_ALLOW(CURSOR)},
    {"PUT", "/coupons/{code}", "putCoupon", http_ask_put_coupon, HTTP_COUPONS, .takes_body = true},
    {"GET", "/coupons/{code}", "getCoupon", http_ask_get_coupon, HTTP_COUPONS, .media = HTTP_JSON},
    {"DELETE", "/coupons/{code}", "withdrawCoupon", http_ask_withdraw_coupon, HTTP_COUPONS,
     .takes_body = true},
    {"GET", "/coupons", "listCoupons", http_ask_list_coupons, HTTP_COUPONS,
     .parameters = HTTP_ALLOW(LIMIT) | HTTP_ALLOW(CURSOR)},
    {"GET", "/reports/demand", "getDemandReport", http_ask_get_demand_report, HTTP_REPORTS,
     .parameters = HTTP_ALLOW(AS_OF) | HTTP_ALLOW(LIMIT) | HTTP_ALLOW(CURSOR),
     .media = HTTP_JSON_OR_CSV},
    {"GET", "/reports/funnel", "getFunnelReport", http_ask_get_funnel_report, HTTP_REPORTS,
     .parameters = HTTP_ALLOW(AS_OF) | HTTP_ALLOW(FROM) | HTTP_ALLOW(TO),
     .media = HTTP_JSON_OR_CSV},
    {"GET", "/reports/removed-then-bought", "getRemovedThenBoughtReport",
     http_ask_get_removed_then_bought_report, HTTP_REPORTS,
     .parameters =
         HTTP_ALLOW(WITHIN_DAYS) | HTTP_ALLOW(AS_OF) | HTTP_ALLOW(LIMIT) | HTTP_ALLOW(CURSOR),
     .media = HTTP_JSON_OR_CSV},
    {"GET", "/reports/abandoned-carts", "getAbandonedCartsReport",
     http_ask_get_abandoned_carts_report, HTTP_REPORTS,
     .parameters = HTTP_ALLOW(AS_OF) | HTTP_ALLOW(FROM) | HTTP_ALLOW(TO) | HTTP_ALLOW(LIMIT) |
                   HTTP_ALLOW(CURSOR),
     .media = HTTP_JSON_OR_CSV},
    {"GET", "/livez", "getLivez", http_ask_get_livez, HTTP_ANYONE, .serves_to_end = true},
    {"GET", "/readyz", "getReadyz", http_ask_get_readyz, HTTP_ANYONE,
     .parameters = HTTP_ALLOW(VERBOSE), .serves_to_end = true},
    {"GET", "/metrics", "getMetrics", http_ask_get_metrics, HTTP_OPERATIONS,
     .media = HTTP_METRICS_TEXT, .serves_to_end = true},
    {"GET", "/openapi.yaml", "getOpenapi", http_ask_get_openapi, HTTP_ANYONE, .media = HTTP_YAML},
    {"GET", "/problems/{slug}", "getProblem", http_ask_get_problem, HTTP_ANYONE,
     .media = HTTP_JSON_OR_HTML},
};

const struct http_route *http_routes(size_t *n_routes)
{
    *n_routes = BASE_COUNT(routes);
    return routes;
}

/* The words of a path are compared as they came: who keeps others from /metrics in front of us must
 * not be passed with /%6Detrics. */
static bool matches_path(
    const char *path, const struct http_target *target,
    const char *values[static HTTP_PATH_VALUES_MAX])
{
    if (target->n_segments > HTTP_SEGMENTS_MAX)
        return false;
    size_t n_values = 0;
    for (size_t i = 0; i < target->n_segments; i++) {
        if (*path++ != '/')
            return false;
        size_t length = target->raw_lengths[i];
        if (*path == '{' && length > 0) {
            values[n_values++] = target->segments[i];
            path = strchrnul(path, '/');
        } else if (strncmp(path, target->raw[i], length) == 0) {
            path += length; /* the word ends there too, or what follows does not match */
        } else {
            return false;
        }
    }
    return *path == '\0';
}

static bool matches_method(const struct http_route *route, const char *method)
{
    return strcmp(route->method, method) == 0 ||
           (strcmp(method, "HEAD") == 0 && strcmp(route->method, "GET") == 0);
}

enum http_match http_find_route(
    const char *method, const struct http_target *target, const struct http_route **route,
    const char *values[static HTTP_PATH_VALUES_MAX])
{
    enum http_match match = HTTP_NO_PATH;
    for (size_t i = 0; i < BASE_COUNT(routes); i++) {
        const char *found[HTTP_PATH_VALUES_MAX] = {NULL};
        if (!matches_path(routes[i].path, target, found))
            continue;
        match = HTTP_NO_METHOD;
        if (!matches_method(&routes[i], method))
            continue;
        memcpy(values, found, sizeof(found));
        *route = &routes[i];
        return HTTP_MATCH;
    }
    return match;
}

const char *http_allowed_methods(const struct http_target *target, struct base_arena *arena)
{
    const char *allowed = "";
    for (size_t i = 0; i < BASE_COUNT(routes); i++) {
        const char *found[HTTP_PATH_VALUES_MAX];
        if (!matches_path(routes[i].path, target, found))
            continue;
        bool is_get = strcmp(routes[i].method, "GET") == 0;
        allowed =
            base_arena_printf(arena, "%s%s%s, ", allowed, routes[i].method, is_get ? ", HEAD" : "");
    }
    return base_arena_printf(arena, "%sOPTIONS", allowed);
}
