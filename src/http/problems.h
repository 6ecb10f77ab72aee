/*
 * Problems: the one table of everything that can go wrong for a client, with its status, its title
 * and what GET /problems/<slug> says about it; and how one is written as RFC 9457 has it. No other
 * file knows the status of a problem.
 */
#ifndef CARTD_HTTP_PROBLEMS_H
#define CARTD_HTTP_PROBLEMS_H

#include "base.h"
#include "codec.h"

/* NAME, slug, status, title, what it means and what to do about it. */
#define HTTP_PROBLEMS(ROW)                                                                         \
    ROW(MALFORMED_JSON, "malformed-json", 400, "The body is not valid JSON",                       \
        "The body of the request can't be read as JSON: its syntax is wrong, a name appears "      \
        "twice in an object, it is nested too deeply, it contains the character U+0000, or it is " \
        "not UTF-8. The detail says what is wrong and where.")                                     \
    ROW(INVALID_PARAMETER, "invalid-parameter", 400, "Invalid parameter",                          \
        "A query parameter, a part of the path or a header has a value that this operation does "  \
        "not accept. The detail names it.")                                                        \
    ROW(MALFORMED_REQUEST, "malformed-request", 400, "Malformed request",                          \
        "Servers and proxies could read this request in different ways, so it was rejected and "   \
        "the connection was closed. The detail says what is wrong with it.")                       \
    ROW(UNAUTHORIZED, "unauthorized", 401, "Authentication required",                              \
        "This operation requires authentication, and the request has no credentials or an "        \
        "invalid bearer token; the detail says which. A guest's cart requires its Cart-Token. "    \
        "The WWW-Authenticate header follows RFC 6750.")                                           \
    ROW(FORBIDDEN, "forbidden", 403, "Not permitted",                                              \
        "The bearer token lacks the scope that this operation requires, or the one that a "        \
        "command requires which `pointer` names; or the request acts for another customer, or a "  \
        "browser sent it for a web page whose origin is not allowed. The detail says which.")      \
    ROW(NOT_FOUND, "not-found", 404, "Not found",                                                  \
        "There is no resource at this path. Paths are case-sensitive and don't end with a slash; " \
        "GET /openapi.yaml lists them.")                                                           \
    ROW(CART_NOT_FOUND, "cart-not-found", 404, "Cart not found",                                   \
        "There is no cart with this id, or it belongs to someone else. POST /carts creates one.")  \
    ROW(ITEM_NOT_IN_CART, "item-not-in-cart", 404, "Item not found",                               \
        "The cart has no item with this id, so there is nothing to change or remove. GET the "     \
        "cart to see the ids of its items.")                                                       \
    ROW(NO_SUCH_VERSION, "no-such-version", 404, "Version not found",                              \
        "A cart has one version for each of its events, starting at 1, and this cart has not "     \
        "reached the requested version. current_version is its latest version.")                   \
    ROW(PRODUCT_NOT_FOUND, "product-not-found", 404, "Product not found",                          \
        "The catalogue has no product with this sku. PUT /products/{sku} creates one.")            \
    ROW(COUPON_NOT_FOUND, "coupon-not-found", 404, "Coupon not found",                             \
        "No coupon was ever defined with this code. Codes are compared without case. PUT "         \
        "/coupons/{code} defines one.")                                                            \
    ROW(METHOD_NOT_ALLOWED, "method-not-allowed", 405, "Method not allowed",                       \
        "The path does not support this method. The Allow header of the response lists the "       \
        "methods that it supports.")                                                               \
    ROW(NOT_ACCEPTABLE, "not-acceptable", 406, "Not acceptable",                                   \
        "The Accept header of the request excludes the media type that this operation returns. "   \
        "The detail names that type.")                                                             \
    ROW(BODY_TOO_LARGE, "body-too-large", 413, "The body is too large",                            \
        "The body of a request may have at most 65536 bytes.")                                     \
    ROW(TARGET_TOO_LONG, "target-too-long", 414, "The path and query are too long",                \
        "The first line of the request is longer than the server accepts. Shorten the path or "    \
        "the query. Nothing was done, and the connection was closed.")                             \
    ROW(HEADERS_TOO_LARGE, "headers-too-large", 431, "The headers are too large",                  \
        "The first line and the headers of a request may have about 15000 bytes together, or "     \
        "7500 if most are cookies, and a request may have about 100 headers, 100 cookies or 90 "   \
        "query parameters: many of one kind leave less room for the others. Send fewer or "        \
        "shorter ones. Nothing was done, and the connection was closed.")                          \
    ROW(UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", 415, "Unsupported media type",           \
        "The body of a request must be application/json, in UTF-8 and uncompressed. Its "          \
        "Content-Type must say so or be absent; that of a PATCH may be "                           \
        "application/merge-patch+json too. Its Content-Encoding must be absent.")                  \
    ROW(CART_CLOSED, "cart-closed", 409, "The cart is closed",                                     \
        "A cart that was checked out, cancelled or merged into another, or has expired, "          \
        "accepts no more commands. Create a new one with POST /carts, or reopen it with "          \
        "POST /carts/{cart_id}/reopen; of a cart that was merged, go on with the one that "        \
        "its merged_into names, or revert the merge. cart_status says which of the four "          \
        "it was, and closed_at when; "                                                             \
        "closed_at is null if it was an earlier command of the same request, which was not "       \
        "carried out either.")                                                                     \
    ROW(ORDER_REFERENCE_MISMATCH, "order-reference-mismatch", 409,                                 \
        "The cart was checked out with another order reference",                                   \
        "The cart was checked out before, with another order_reference than the one in the "       \
        "request or with none; order_reference is that of the cart. A checkout that is repeated "  \
        "with the same "                                                                           \
        "order_reference, or without one, is answered with the cart as it is.")                    \
    ROW(CART_ALREADY_CLAIMED, "cart-already-claimed", 409, "The cart is already claimed",          \
        "Only one customer can own a cart, and this one belongs to another customer.")             \
    ROW(OPEN_CART_EXISTS, "open-cart-exists", 409, "The customer has an open cart",                \
        "With CARTD_OPEN_CARTS=one a customer has at most one open cart, and has one: `cart_id` "  \
        "and the header Location say which. Use that one, or check it out or cancel it first.")    \
    ROW(CART_EMPTY, "cart-empty", 409, "The cart is empty",                                        \
        "A cart without items can't be checked out. Add an item first.")                           \
    ROW(CART_FULL, "cart-full", 409, "The cart is full",                                           \
        "A cart holds at most 250 lines. Remove one, or use another cart.")                        \
    ROW(TOO_MANY_TOTALS, "too-many-totals", 409, "The cart has too many totals",                   \
        "A cart has at most 8 totals of other services. Remove one first.")                        \
    ROW(TOO_MANY_COUPONS, "too-many-coupons", 409, "The cart has too many coupons",                \
        "A cart has at most 8 coupons. Remove one first.")                                         \
    ROW(COUPONS_NOT_COMBINABLE, "coupons-not-combinable", 409, "The coupons can't be combined",    \
        "This coupon, or one that the cart has, can't be used together with others. Remove the "   \
        "others, or do without it.")                                                               \
    ROW(COUPONS_CHANGED, "coupons-changed", 409, "Coupons can't be redeemed any more",             \
        "Coupons that took something off the cart can't be redeemed any more; `coupons` lists "    \
        "them with what they are now and took off. POST /carts/{cart_id}/reprice to accept that, " \
        "or remove them, and look at the new total before the checkout is sent again.")            \
    ROW(CART_ALREADY_EXISTS, "cart-already-exists", 409, "The cart already exists",                \
        "The id in the request for a new cart belongs to an existing cart. To retry the "          \
        "creation of a cart safely, send the same Idempotency-Key.")                               \
    ROW(ID_TAKEN, "id-taken", 409, "The id is in use",                                             \
        "The id in the request belongs to something of another type: to a product instead of a "   \
        "cart, or to a cart instead of a product. Nothing was done. The detail says what to do.")  \
    ROW(TOTAL_CHANGED, "total-changed", 409, "The total has changed",                              \
        "The cart's total differs from the expected_total in the request, so this request did "    \
        "not check it out. current_total is the total now: show it to the shopper and check out "  \
        "again.")                                                                                  \
    ROW(PRICES_CHANGED, "prices-changed", 409, "Prices have changed",                              \
        "The request asked for the cart to be checked out only at the catalogue's prices, and "    \
        "some lines cost something else now or are not for sale any more. items lists them, "      \
        "with unit_price (of the line) and current_price (of the catalogue; null: it is not "      \
        "for sale). Show them to the shopper, take the prices with POST "                          \
        "/carts/{cart_id}/reprice and remove what can't be had, then check out again.")            \
    ROW(PRODUCT_WITHDRAWN, "product-withdrawn", 409, "The product is no longer for sale",          \
        "The product of this line has been withdrawn from the catalogue. The line may stay, "      \
        "become less or be removed, but not become more.")                                         \
    ROW(PRICE_IS_SET, "price-is-set", 409, "The price of the line is set",                         \
        "Another system has set the price of this line, as a quote does. Only a caller with the "  \
        "scope prices may make the line larger: by an addition, a quantity, or properties with "   \
        "which another line becomes part of it. For others it may stay, become less or be "        \
        "removed; more of the product can be added with other properties, as a line of its own.")  \
    ROW(CART_HAS_TOTALS, "cart-has-totals", 409, "The cart has totals in its currency",            \
        "Other services have set amounts in the currency of the cart, such as taxes and "          \
        "delivery, and another currency would drop them. Only a caller with the scope totals may " \
        "change the currency, or undo and restore to another one; or have that caller remove the " \
        "totals with DELETE /carts/{cart_id}/totals/{name} first.")                                \
    ROW(NOTHING_TO_UNDO, "nothing-to-undo", 409, "There is nothing to undo",                       \
        "No change of the cart's content is left that could be undone: it is as it was when "      \
        "it was created. Whose the cart is and whether it is open are not undone.")                \
    ROW(REOPEN_TOO_LATE, "reopen-too-late", 409, "It is too late to reopen the cart",              \
        "A cart that was checked out or cancelled, or has expired, can be reopened by its owner "  \
        "for some time only, 24 hours unless the operator has set another. Later the back office " \
        "can; or "                                                                                 \
        "copy it with POST /carts and copy_of.")                                                   \
    ROW(VERSION_MISMATCH, "version-mismatch", 412, "Version mismatch",                             \
        "The cart or product is not at a version that If-Match names. current_version is its "     \
        "version now, and missed_events lists what happened since the latest version that "        \
        "If-Match names, at most 100 events. Only an ETag exactly as the service returned it can " \
        "match: a weak one (W/\"7\") and one that a proxy changed (\"7-gzip\") never do. To "      \
        "apply a command to the latest version, whatever it is, leave out If-Match.")              \
    ROW(INVALID_BODY, "invalid-body", 422, "The body is invalid",                                  \
        "The body is valid JSON, but this operation does not accept it. errors lists what is "     \
        "wrong, each error with a JSON pointer (RFC 6901) into the body.")                         \
    ROW(UNKNOWN_SKU, "unknown-sku", 422, "Unknown sku",                                            \
        "The catalogue has no product with this sku, or the product is not active, so it can't "   \
        "be added to a cart.")                                                                     \
    ROW(PRICE_UNAVAILABLE, "price-unavailable", 422, "No price in the cart's currency",            \
        "A product has no price in the cart's currency, so it can't be in the cart. Of several "   \
        "products, items lists the lines.")                                                        \
    ROW(UNIT_CHANGED, "unit-changed", 409, "The product is sold by another unit now",              \
        "The catalogue counts this product otherwise than it did when the line was added: by "     \
        "another unit, or with other decimals. The line may stay, become less or be removed, but " \
        "not become more, and it keeps its price. Remove it and add the product again.")           \
    ROW(QUANTITY_OUT_OF_RANGE, "quantity-out-of-range", 422, "The quantity is not allowed",        \
        "The catalogue says how much of a product one line may hold: from 1 to 999, unless the "   \
        "product says otherwise. With this command it would hold less, more, or what is no "       \
        "multiple of multiple_of. The members minimum, maximum and multiple_of say what is "       \
        "allowed.")                                                                                \
    ROW(AMOUNT_TOO_LARGE, "amount-too-large", 422, "The amount is too large",                      \
        "Totals are exact integers in the currency's minor unit, at most 9007199254740991, and "   \
        "this command would make the cart's total larger.")                                        \
    ROW(SOURCE_CART_NOT_FOUND, "source-cart-not-found", 422, "The other cart was not found",       \
        "There is no cart with the id of the cart to copy or to merge, or it belongs to someone "  \
        "else. Nothing was done. Both carts of a merge must be the caller's: the cart of a guest " \
        "is with its Cart-Token, or from_token.")                                                  \
    ROW(SOURCE_CART_CLOSED, "source-cart-closed", 409, "The cart to merge is closed",              \
        "Only open carts are merged, and this one was checked out, cancelled or merged into yet "  \
        "another cart, or it has expired. Nothing was done.")                                      \
    ROW(CART_NOT_MERGED, "cart-not-merged", 409, "The cart was not merged",                        \
        "A merge is reverted in the cart that the other was merged into, and this other one is "   \
        "closed but was not merged into it. Nothing was done.")                                    \
    ROW(TOO_MANY_EVENTS, "too-many-events", 422, "The request makes too many changes",             \
        "The commands of one request may record at most 1000 events together, and these would "    \
        "record more: an undo or a restore of a large cart may record several for each line. "     \
        "Nothing was recorded. Send fewer commands in one request.")                               \
    ROW(METADATA_TOO_LARGE, "metadata-too-large", 422, "The metadata are too large",               \
        "Merged with what the cart has, the metadata would be larger than 4096 bytes as "          \
        "compact JSON, or nested more than 3 levels deep. Remove members by setting them to "      \
        "null.")                                                                                   \
    ROW(PROPERTIES_TOO_LARGE, "properties-too-large", 422, "The properties are too large",         \
        "Merged with what the line has, there would be more than 16 properties, or more than "     \
        "1024 bytes of them as compact JSON. Remove some by setting them to null.")                \
    ROW(IDEMPOTENCY_KEY_REUSED, "idempotency-key-reused", 422,                                     \
        "The Idempotency-Key was used for another request",                                        \
        "An Idempotency-Key stands for one request: the same method, path and body. This key was " \
        "used before with another request, or so long ago that its answer is not stored any "      \
        "more. Use a new key for a new request.")                                                  \
    ROW(COUPON_NOT_APPLICABLE, "coupon-not-applicable", 422, "The coupon can't be applied",        \
        "There is no coupon with this code that can be used now. Whether it never existed, has "   \
        "not begun, has ended, was withdrawn or was used as often as it may be is told only to "   \
        "callers with the scope coupons or carts:all, as `reason`. Failed attempts are limited.")  \
    ROW(TOO_MANY_ATTEMPTS, "too-many-attempts", 429, "Too many attempts",                          \
        "This caller, or callers of this cart, have tried too many codes within a minute that "    \
        "are no applicable coupon. Nothing was done. Try again after the time in Retry-After.")    \
    ROW(TOO_MANY_REQUESTS, "too-many-requests", 429, "Too many requests",                          \
        "This caller has sent more requests within a minute, or has more event streams and long "  \
        "polls open, than its limit allows. Nothing was done. Try again after the time in "        \
        "Retry-After.")                                                                            \
    ROW(OVERLOADED, "overloaded", 503, "The server is overloaded",                                 \
        "More requests are waiting than the server accepts. Nothing was done. Try again after "    \
        "the time in Retry-After.")                                                                \
    ROW(DATABASE_UNAVAILABLE, "database-unavailable", 503, "The database is unavailable",          \
        "The service can't reach its database at the moment, or the database can't do its work, "  \
        "for example because its disk is full. The detail says whether a command may have been "   \
        "recorded all the same; with an Idempotency-Key it is always safe to try again.")          \
    ROW(SHUTTING_DOWN, "shutting-down", 503, "The server is shutting down",                        \
        "This instance finishes the requests that it has accepted and accepts no new ones. "       \
        "Nothing was done. Try again on a new connection.")                                        \
    ROW(INTERNAL_ERROR, "internal-error", 500, "Internal error",                                   \
        "The service failed unexpectedly. Its log has the reason, under the request_id of the "    \
        "response.")

enum http_problem {
#define HTTP_ROW(NAME, slug, status, title, explanation) HTTP_PROBLEM_##NAME,
    HTTP_PROBLEMS(HTTP_ROW)
#undef HTTP_ROW
        HTTP_N_PROBLEMS
};

unsigned http_problem_status(enum http_problem problem);
const char *http_problem_title(enum http_problem problem);
const char *http_problem_slug(enum http_problem problem);
/* Whether the same request may well succeed a little later. */
bool http_problem_is_passing(enum http_problem problem);
/* False when there is no problem with that slug. */
bool http_find_problem(const char *slug, enum http_problem *problem) BASE_MUST_CHECK;
/* What GET /problems/<slug> answers. */
void http_explain_problem(struct base_buffer *out, enum http_problem problem);

/* Why a request is not carried out: a problem as it came up. Checks return one, and NULL if they
 * have nothing against the request. Only `problem` and `detail` are always there. */
struct http_refusal {
    enum http_problem problem;
    const char *detail;  /* what happened this time, as sentences */
    const char *pointer; /* of the command that was refused; NULL or "": none */
    const struct codec_complaints *errors;
    bool has_current_total;
    int64_t current_total_minor;
    const struct cart_limits *limits; /* NULL: none */
    const char *cart_status;          /* NULL: none; else with closed_at_us, or CART_TIME_NONE */
    int64_t closed_at_us;
    const char *cart_id; /* of another cart, where it is told to be; NULL: none */
    bool has_current_version;
    int32_t current_version;
    const char *missed_events; /* a JSON array, not ended by a NUL; NULL: none */
    size_t missed_events_length;
    const char *checks;          /* a JSON object; NULL: none */
    const char *items;           /* a JSON array about lines; NULL: none */
    const char *order_reference; /* of the cart, as JSON; NULL: none */
    const char *coupons;         /* a JSON array about coupons; NULL: none */
    const char *reason;          /* why a coupon can't be applied; NULL: it is not told */
    const char *challenge;       /* WWW-Authenticate; NULL: none */
};
/* A refusal that has nothing but a detail, in the manner of printf, in the arena. */
const struct http_refusal *http_refuse(
    struct base_arena *arena, enum http_problem problem, const char *detail, ...) BASE_PRINTF(3, 4);
/* A copy in the arena; what it points to is borrowed. */
const struct http_refusal *http_refuse_with(
    struct base_arena *arena, const struct http_refusal *refusal);

/* application/problem+json (RFC 9457). */
void http_write_problem(
    struct base_buffer *out, const struct http_refusal *refusal, const char *request_id);

#endif
