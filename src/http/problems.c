#include "problems.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *slug;
    unsigned status;
    const char *title;
    const char *explanation;
} problems[] = {
#define HTTP_ROW(NAME, slug, status, title, explanation) {slug, status, title, explanation},
    HTTP_PROBLEMS(HTTP_ROW)
#undef HTTP_ROW
};

unsigned http_problem_status(enum http_problem problem)
{
    return problems[problem].status;
}

const char *http_problem_title(enum http_problem problem)
{
    return problems[problem].title;
}

const char *http_problem_slug(enum http_problem problem)
{
    return problems[problem].slug;
}

bool http_problem_is_passing(enum http_problem problem)
{
    return problems[problem].status == 503 || problem == HTTP_PROBLEM_TOO_MANY_REQUESTS ||
           problem == HTTP_PROBLEM_TOO_MANY_ATTEMPTS;
}

bool http_find_problem(const char *slug, enum http_problem *problem)
{
    for (size_t i = 0; i < HTTP_N_PROBLEMS; i++) {
        if (strcmp(problems[i].slug, slug) == 0) {
            *problem = (enum http_problem)i;
            return true;
        }
    }
    return false;
}

static void begin(struct base_buffer *out, enum http_problem problem, const char *detail)
{
    base_buffer_printf(out, "{\"type\":\"/problems/%s\",\"title\":", problems[problem].slug);
    base_buffer_append_json_text(out, problems[problem].title);
    base_buffer_printf(out, ",\"status\":%u,\"detail\":", problems[problem].status);
    base_buffer_append_json_text(out, detail);
}

void http_explain_problem(struct base_buffer *out, enum http_problem problem)
{
    begin(out, problem, problems[problem].explanation);
    base_buffer_append_char(out, '}');
}

static void append_member(struct base_buffer *out, const char *name, const char *text)
{
    base_buffer_printf(out, ",\"%s\":", name);
    base_buffer_append_json_text(out, text);
}

static void append_errors(struct base_buffer *out, const struct codec_complaints *errors)
{
    base_buffer_append_text(out, ",\"errors\":[");
    for (size_t i = 0; i < errors->n; i++) {
        base_buffer_append_text(out, i == 0 ? "{\"pointer\":" : ",{\"pointer\":");
        base_buffer_append_json_text(out, errors->list[i].pointer);
        append_member(out, "detail", errors->list[i].detail);
        base_buffer_append_char(out, '}');
    }
    base_buffer_append_char(out, ']');
}

static void append_closing(struct base_buffer *out, const struct http_refusal *refusal)
{
    append_member(out, "cart_status", refusal->cart_status);
    char time[BASE_TIME_SIZE];
    if (refusal->closed_at_us == CART_TIME_NONE) {
        base_buffer_append_text(out, ",\"closed_at\":null");
    } else {
        base_time_format(refusal->closed_at_us, time);
        append_member(out, "closed_at", time);
    }
}

static void append_limits(struct base_buffer *out, const struct cart_limits *limits)
{
    base_buffer_printf(
        out, ",\"minimum\":%d,\"maximum\":%d,\"multiple_of\":%d", (int)limits->minimum,
        (int)limits->maximum, (int)limits->multiple_of);
}

void http_write_problem(
    struct base_buffer *out, const struct http_refusal *refusal, const char *request_id)
{
    begin(out, refusal->problem, refusal->detail);
    append_member(out, "request_id", request_id);
    if (refusal->pointer != NULL && *refusal->pointer != '\0')
        append_member(out, "pointer", refusal->pointer);
    if (refusal->reason != NULL)
        append_member(out, "reason", refusal->reason);
    if (refusal->errors != NULL)
        append_errors(out, refusal->errors);
    if (refusal->has_current_total) {
        base_buffer_append_text(out, ",\"current_total\":");
        base_buffer_append_int(out, refusal->current_total_minor);
    }
    if (refusal->limits != NULL)
        append_limits(out, refusal->limits);
    if (refusal->cart_status != NULL)
        append_closing(out, refusal);
    if (refusal->cart_id != NULL)
        append_member(out, "cart_id", refusal->cart_id);
    if (refusal->has_current_version) {
        base_buffer_append_text(out, ",\"current_version\":");
        base_buffer_append_int(out, refusal->current_version);
    }
    if (refusal->missed_events != NULL) {
        base_buffer_append_text(out, ",\"missed_events\":");
        base_buffer_append(out, refusal->missed_events, refusal->missed_events_length);
    }
    if (refusal->items != NULL) {
        base_buffer_append_text(out, ",\"items\":");
        base_buffer_append_text(out, refusal->items);
    }
    if (refusal->coupons != NULL) {
        base_buffer_append_text(out, ",\"coupons\":");
        base_buffer_append_text(out, refusal->coupons);
    }
    if (refusal->order_reference != NULL) {
        base_buffer_append_text(out, ",\"order_reference\":");
        base_buffer_append_text(out, refusal->order_reference);
    }
    if (refusal->checks != NULL) {
        base_buffer_append_text(out, ",\"checks\":");
        base_buffer_append_text(out, refusal->checks);
    }
    base_buffer_append_char(out, '}');
}

const struct http_refusal *http_refuse(
    struct base_arena *arena, enum http_problem problem, const char *detail, ...)
{
    enum { DETAIL_SIZE = 1024 }; /* what is cut off says enough */
    char *text = base_arena_alloc(arena, DETAIL_SIZE);
    va_list arguments;
    va_start(arguments, detail);
    (void)vsnprintf(text, DETAIL_SIZE, detail, arguments);
    va_end(arguments);
    return http_refuse_with(arena, &(struct http_refusal){.problem = problem, .detail = text});
}

const struct http_refusal *http_refuse_with(
    struct base_arena *arena, const struct http_refusal *refusal)
{
    struct http_refusal *copy = base_arena_alloc(arena, sizeof(*copy));
    *copy = *refusal;
    return copy;
}
