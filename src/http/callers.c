#include "callers.h"

#include <stdlib.h>
#include <string.h>

#define WINDOW_US (INT64_C(1000000) * HTTP_RATE_WINDOW_SECONDS)
/* By then even what was owed has come back, where a window allows more than one request does. */
#define REMEMBERED_US (2 * WINDOW_US)
/* Also the least allowance has paid for the largest request by then. */
#define PAID_US (1000 * WINDOW_US)

struct base_uuid http_caller_of_subject(const char *subject)
{
    const struct base_part part = {.bytes = subject, .length = strlen(subject)};
    uint8_t digest[BASE_SHA256_SIZE];
    base_sha256(&part, 1, digest);
    struct base_uuid id;
    memcpy(id.bytes, digest, sizeof(id.bytes));
    return id;
}

struct base_uuid http_caller_of_address(const struct http_address *address)
{
    struct base_uuid id;
    memcpy(id.bytes, address->bytes, sizeof(id.bytes));
    bool is_four = memcmp(id.bytes, (const uint8_t[10]){0}, 10) == 0;
    if (!is_four)
        memset(id.bytes + 8, 0, 8); /* one client has 2^64 addresses */
    return id;
}

/* ---- the table ------------------------------------------------------------------------------- */

static struct http_caller *find(const struct http_callers *callers, const struct base_uuid *id)
{
    struct table_entry *entry = table_find(&callers->table, id);
    return entry == NULL ? NULL : BASE_CONTAINER(entry, struct http_caller, entry);
}

static bool holds_nothing(const struct http_caller *caller)
{
    for (size_t i = 0; i < HTTP_N_HOLDINGS; i++) {
        if (caller->held[i] > 0)
            return false;
    }
    return true;
}

static void join_idle(struct http_callers *callers, struct http_caller *caller)
{
    TAILQ_INSERT_TAIL(&callers->idle, caller, by_age);
    callers->n_idle++;
}

static void leave_idle(struct http_callers *callers, struct http_caller *caller)
{
    TAILQ_REMOVE(&callers->idle, caller, by_age);
    callers->n_idle--;
}

static void forget(struct http_callers *callers, struct http_caller *caller)
{
    leave_idle(callers, caller);
    table_remove(&callers->table, &caller->entry);
    free(caller);
}

/* Forgets who is one too many, and some of those who have everything back by now. */
static void forget_some(struct http_callers *callers)
{
    enum { AT_ONCE = 4 };
    int64_t now_us = loop_now_us(callers->loop);
    for (int i = 0; i < AT_ONCE && callers->n_idle > 0; i++) {
        struct http_caller *oldest = TAILQ_FIRST(&callers->idle);
        bool is_over = now_us - oldest->at_us >= REMEMBERED_US;
        if (!is_over && callers->n_idle <= HTTP_CALLERS_MAX)
            return;
        forget(callers, oldest);
    }
}

/* The caller, new if need be, and the newest of those that hold nothing. */
static struct http_caller *meet(struct http_callers *callers, const struct base_uuid *id)
{
    struct http_caller *caller = find(callers, id);
    if (caller == NULL) {
        caller = base_alloc(sizeof(*caller));
        caller->entry.id = *id;
        caller->at_us = loop_now_us(callers->loop);
        table_add(&callers->table, &caller->entry);
        join_idle(callers, caller);
        forget_some(callers); /* not this one: it is the newest */
    } else if (holds_nothing(caller)) {
        leave_idle(callers, caller);
        join_idle(callers, caller);
    }
    return caller;
}

void http_init_callers(
    struct http_callers *callers, struct loop *loop, const struct http_caller_limits *limits)
{
    *callers = (struct http_callers){.loop = loop, .limits = *limits};
    table_init(&callers->table);
    TAILQ_INIT(&callers->idle);
}

void http_finish_callers(struct http_callers *callers)
{
    while (callers->n_idle > 0)
        forget(callers, TAILQ_FIRST(&callers->idle));
}

/* ---- what it holds --------------------------------------------------------------------------- */

bool http_caller_is_full(
    const struct http_callers *callers, const struct base_uuid *id, enum http_holding what)
{
    unsigned most = callers->limits.held[what];
    if (most == 0)
        return false;
    const struct http_caller *caller = find(callers, id);
    return caller != NULL && caller->held[what] >= most;
}

struct http_caller *http_caller_hold(
    struct http_callers *callers, const struct base_uuid *id, enum http_holding what)
{
    if (callers->limits.held[what] == 0)
        return NULL;
    struct http_caller *caller = meet(callers, id);
    if (holds_nothing(caller))
        leave_idle(callers, caller);
    caller->held[what]++;
    return caller;
}

void http_caller_drop(
    struct http_callers *callers, struct http_caller *caller, enum http_holding what)
{
    if (caller == NULL)
        return;
    caller->held[what]--;
    if (!holds_nothing(caller))
        return;
    join_idle(callers, caller);
    forget_some(callers);
}

/* ---- what it spends -------------------------------------------------------------------------- */

/* A token bucket: it holds `quota` requests and fills up within the window. */
static void fill_up(const struct http_callers *callers, struct http_caller *caller)
{
    int64_t now_us = loop_now_us(callers->loop);
    int64_t passed_us = now_us - caller->at_us;
    caller->at_us = now_us;
    if (passed_us > PAID_US)
        passed_us = PAID_US;
    for (size_t i = 0; i < HTTP_N_RATES; i++) {
        int64_t back = passed_us * callers->limits.rates[i];
        caller->spent[i] = caller->spent[i] > back ? caller->spent[i] - back : 0;
    }
}

static unsigned seconds_until(int64_t missing, unsigned quota)
{
    int64_t us = missing / quota + (missing % quota > 0);
    return (unsigned)((us + 999999) / 1000000);
}

static struct http_allowance spend(
    struct http_callers *callers, const struct base_uuid *id, enum http_rate rate, size_t n,
    bool must_be_there)
{
    unsigned quota = callers->limits.rates[rate];
    if (quota == 0)
        return (struct http_allowance){.quota = 0};
    struct http_caller *caller = meet(callers, id);
    fill_up(callers, caller);
    int64_t all = quota * WINDOW_US;
    int64_t missing = caller->spent[rate] + (int64_t)n * WINDOW_US - all;
    struct http_allowance allowance = {.quota = quota, .rate = rate};
    allowance.is_spent = must_be_there && missing > 0;
    if (!allowance.is_spent)
        caller->spent[rate] += (int64_t)n * WINDOW_US;
    if (caller->spent[rate] < all)
        allowance.remaining = (unsigned)((all - caller->spent[rate]) / WINDOW_US);
    /* Until all are there again or, where none is left, one. */
    int64_t wanted = caller->spent[rate];
    if (allowance.is_spent)
        wanted = missing;
    else if (allowance.remaining == 0)
        wanted += WINDOW_US - all;
    allowance.seconds = seconds_until(wanted, quota);
    return allowance;
}

struct http_allowance http_caller_spend(
    struct http_callers *callers, const struct base_uuid *id, enum http_rate rate)
{
    return spend(callers, id, rate, 1, true);
}

struct http_allowance http_caller_owe(
    struct http_callers *callers, const struct base_uuid *id, enum http_rate rate, size_t n)
{
    return spend(callers, id, rate, n, false);
}

void http_caller_refund(
    struct http_callers *callers, const struct base_uuid *id, enum http_rate rate)
{
    struct http_caller *caller = find(callers, id);
    if (caller != NULL)
        caller->spent[rate] = caller->spent[rate] > WINDOW_US ? caller->spent[rate] - WINDOW_US : 0;
}
