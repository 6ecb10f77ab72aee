#include "handlers.h"

#include <string.h>

#include "access.h"
#include "server.h"

/* ---- one filter ------------------------------------------------------------------------------ */

static const struct http_refusal *read_status(
    struct http_request *request, enum http_parameter parameter,
    struct projections_filter_value *value)
{
    /* All but the one that a cart has before there is one. */
    for (int i = CART_OPEN; i <= CART_MERGED; i++)
        if (strcmp(value->text, cart_status_name((enum cart_status)i)) == 0)
            return NULL;
    return http_refuse_parameter(
        request, parameter, "open, checked_out, cancelled, expired or merged");
}

static const struct http_refusal *read_abandoned(
    struct http_request *request, enum http_parameter parameter,
    struct projections_filter_value *value)
{
    if (strcmp(value->text, "true") == 0 || strcmp(value->text, "false") == 0)
        return NULL;
    return http_refuse_parameter(request, parameter, "true or false");
}

static const struct http_refusal *read_label(
    struct http_request *request, enum http_parameter parameter,
    struct projections_filter_value *value)
{
    enum { LABEL_MAX = 128 };
    _Static_assert(CART_CUSTOMER_ID_MAX == LABEL_MAX && CART_ORDER_REFERENCE_MAX == LABEL_MAX, "");
    if (codec_is_label(value->text, LABEL_MAX))
        return NULL;
    return http_refuse_parameter(
        request, parameter,
        base_arena_printf(
            &request->arena, "1 to %d characters without control characters", LABEL_MAX));
}

/* A customer id in its normal form, as it is stored. */
static const struct http_refusal *read_customer_id(
    struct http_request *request, enum http_parameter parameter,
    struct projections_filter_value *value)
{
    value->text = codec_normalise(&request->arena, value->text, CART_CUSTOMER_ID_MAX);
    return read_label(request, parameter, value);
}

static const struct http_refusal *read_email(
    struct http_request *request, enum http_parameter parameter,
    struct projections_filter_value *value)
{
    value->text = codec_normalise(&request->arena, value->text, CART_EMAIL_MAX);
    if (codec_is_email(value->text))
        return NULL;
    return http_refuse_parameter(request, parameter, "an e-mail address, such as ada@example.com");
}

static const struct http_refusal *read_sku(
    struct http_request *request, enum http_parameter parameter,
    struct projections_filter_value *value)
{
    value->text = codec_normalise(&request->arena, value->text, CART_SKU_MAX);
    if (codec_is_sku(value->text))
        return NULL;
    return http_refuse_parameter(
        request, parameter,
        "a sku: 1 to 128 characters without control characters, and not . or .. alone or between "
        "slashes");
}

/* What a code is compared by. */
static const struct http_refusal *read_coupon(
    struct http_request *request, enum http_parameter parameter,
    struct projections_filter_value *value)
{
    value->text = codec_read_code(&request->arena, value->text);
    if (value->text != NULL)
        return NULL;
    return http_refuse_parameter(
        request, parameter,
        base_arena_printf(
            &request->arena,
            "the code of a coupon: 1 to %d characters without slashes and control characters, not "
            ". "
            "or ..",
            COUPON_CODE_MAX));
}

static const struct http_refusal *read_currency(
    struct http_request *request, enum http_parameter parameter,
    struct projections_filter_value *value)
{
    if (codec_is_currency(value->text))
        return NULL;
    return http_refuse_parameter(request, parameter, "three upper-case letters (ISO 4217)");
}

static const struct http_refusal *read_time(
    struct http_request *request, enum http_parameter parameter,
    struct projections_filter_value *value)
{
    return http_read_time(request, parameter, &value->number);
}

static const struct http_refusal *read_total(
    struct http_request *request, enum http_parameter parameter,
    struct projections_filter_value *value)
{
    return http_read_number(request, parameter, 0, CART_AMOUNT_MAX, &value->number);
}

/* ---- all of them ----------------------------------------------------------------------------- */

/* In the order in which they are checked. */
static const struct {
    enum http_parameter parameter;
    enum projections_filter filter;
    const struct http_refusal *(*read)(
        struct http_request *request, enum http_parameter parameter,
        struct projections_filter_value *value);
} filters[] = {
    {HTTP_PARAMETER_STATUS, PROJECTIONS_FILTER_STATUS, read_status},
    {HTTP_PARAMETER_CUSTOMER_ID, PROJECTIONS_FILTER_CUSTOMER_ID, read_customer_id},
    {HTTP_PARAMETER_SKU, PROJECTIONS_FILTER_SKU, read_sku},
    {HTTP_PARAMETER_ORDER_REFERENCE, PROJECTIONS_FILTER_ORDER_REFERENCE, read_label},
    {HTTP_PARAMETER_CURRENCY, PROJECTIONS_FILTER_CURRENCY, read_currency},
    {HTTP_PARAMETER_CUSTOMER_EMAIL, PROJECTIONS_FILTER_CUSTOMER_EMAIL, read_email},
    {HTTP_PARAMETER_CREATED_FROM, PROJECTIONS_FILTER_CREATED_FROM, read_time},
    {HTTP_PARAMETER_CREATED_TO, PROJECTIONS_FILTER_CREATED_TO, read_time},
    {HTTP_PARAMETER_ABANDONED, PROJECTIONS_FILTER_ABANDONED, read_abandoned},
    {HTTP_PARAMETER_COUPON, PROJECTIONS_FILTER_COUPON, read_coupon},
    {HTTP_PARAMETER_UPDATED_FROM, PROJECTIONS_FILTER_UPDATED_FROM, read_time},
    {HTTP_PARAMETER_UPDATED_TO, PROJECTIONS_FILTER_UPDATED_TO, read_time},
    {HTTP_PARAMETER_TOTAL_FROM, PROJECTIONS_FILTER_TOTAL_FROM, read_total},
    {HTTP_PARAMETER_TOTAL_TO, PROJECTIONS_FILTER_TOTAL_TO, read_total},
};
_Static_assert(BASE_COUNT(filters) == PROJECTIONS_N_FILTERS, "each has its parameter");

static const struct http_refusal *read_filters(struct http_request *request)
{
    for (size_t i = 0; i < BASE_COUNT(filters); i++) {
        struct projections_filter_value *value = &request->wait.page.filters[filters[i].filter];
        value->text = request->parameters[filters[i].parameter];
        if (value->text == NULL)
            continue;
        const struct http_refusal *refusal = filters[i].read(request, filters[i].parameter, value);
        if (refusal != NULL)
            return refusal;
    }
    return NULL;
}

/* A customer sees the own carts. */
static const struct http_refusal *limit_to_own(struct http_request *request)
{
    const char **customer_id = &request->wait.page.filters[PROJECTIONS_FILTER_CUSTOMER_ID].text;
    if (request->rights.may_all)
        return NULL;
    if (*customer_id != NULL && strcmp(*customer_id, request->rights.customer_id) != 0)
        return http_refuse_other_customer(request);
    *customer_id = request->rights.customer_id;
    return NULL;
}

/* ---- what they are together ------------------------------------------------------------------ */

/* From one on, and before the other: they follow each other in the list of filters. */
static const struct http_refusal *check_range(
    struct http_request *request, enum projections_filter from, enum http_parameter from_name,
    enum http_parameter to_name)
{
    const struct projections_filter_value *values = request->wait.page.filters;
    if (values[from].text == NULL || values[from + 1].text == NULL ||
        values[from].number < values[from + 1].number)
        return NULL;
    return http_refuse_parameter(
        request, to_name,
        base_arena_printf(&request->arena, "greater than \"%s\"", http_parameter_name(from_name)));
}

static const struct http_refusal *check_ranges(struct http_request *request)
{
    const struct http_refusal *refusal = check_range(
        request, PROJECTIONS_FILTER_CREATED_FROM, HTTP_PARAMETER_CREATED_FROM,
        HTTP_PARAMETER_CREATED_TO);
    if (refusal == NULL)
        refusal = check_range(
            request, PROJECTIONS_FILTER_UPDATED_FROM, HTTP_PARAMETER_UPDATED_FROM,
            HTTP_PARAMETER_UPDATED_TO);
    if (refusal == NULL)
        refusal = check_range(
            request, PROJECTIONS_FILTER_TOTAL_FROM, HTTP_PARAMETER_TOTAL_FROM,
            HTTP_PARAMETER_TOTAL_TO);
    return refusal;
}

/* 499 of one currency is neither more nor less than 499 of another. */
static const struct http_refusal *check_currency(struct http_request *request)
{
    const struct projections_page *page = &request->wait.page;
    const char *needs = page->filters[PROJECTIONS_FILTER_TOTAL_FROM].text != NULL ? "total_from"
                        : page->filters[PROJECTIONS_FILTER_TOTAL_TO].text != NULL ? "total_to"
                        : page->sort == PROJECTIONS_SORT_TOTAL                    ? "sort"
                                                                                  : NULL;
    if (needs == NULL || page->filters[PROJECTIONS_FILTER_CURRENCY].text != NULL)
        return NULL;
    return http_refuse(
        &request->arena, HTTP_PROBLEM_INVALID_PARAMETER,
        "The query parameter \"currency\" is missing: totals are only compared within a currency, "
        "which \"%s\" does.",
        needs);
}

static const struct http_refusal *read_sort(struct http_request *request)
{
    static const char *const names[] = {
        [PROJECTIONS_SORT_CREATED] = "created",
        [PROJECTIONS_SORT_UPDATED] = "updated",
        [PROJECTIONS_SORT_TOTAL] = "total",
    };
    struct projections_page *page = &request->wait.page;
    const char *sort = request->parameters[HTTP_PARAMETER_SORT];
    if (sort == NULL)
        return NULL;
    page->is_ascending = *sort != '-';
    for (size_t i = 0; i < BASE_COUNT(names); i++) {
        page->sort = (enum projections_sort)i;
        if (strcmp(sort + !page->is_ascending, names[i]) == 0)
            return NULL;
    }
    return http_refuse_parameter(
        request, HTTP_PARAMETER_SORT,
        "created, updated or total, with a - in front for descending");
}

static const struct http_refusal *read_count(struct http_request *request)
{
    const char *count = request->parameters[HTTP_PARAMETER_COUNT];
    if (count == NULL)
        return NULL;
    request->wait.page.wants_count = strcmp(count, "true") == 0;
    return request->wait.page.wants_count || strcmp(count, "false") == 0
               ? NULL
               : http_refuse_parameter(request, HTTP_PARAMETER_COUNT, "true or false");
}

/* ---- the operation --------------------------------------------------------------------------- */

static void answer_page(struct projections_page *page)
{
    http_answer_page(page, HTTP_CACHE_PRIVATE);
}

const struct http_refusal *http_ask_list_carts(struct http_request *request)
{
    static const struct http_refusal *(*const checks[])(struct http_request * request) = {
        read_filters, limit_to_own,   check_ranges,    read_sort,
        read_count,   check_currency, http_begin_page,
    };
    for (size_t i = 0; i < BASE_COUNT(checks); i++) {
        const struct http_refusal *refusal = checks[i](request);
        if (refusal != NULL)
            return refusal;
    }
    struct projections_page *page = &request->wait.page;
    page->answered = answer_page;
    return projections_list_carts(request->http->options.projections, page)
               ? NULL
               : http_refuse_cursor(request);
}
