/*
 * metrics: what the service counts, one list. Counters, gauges and histograms in plain memory (one
 * thread), printed as Prometheus text (exposition format 0.0.4). It measures nothing by itself.
 */
#ifndef CARTD_METRICS_H
#define CARTD_METRICS_H

#include "base.h"

/* Rows of one family (same metric name) stand together. Labels are as they are printed. */
#define METRICS_NUMBERS(ROW)                                                                       \
    ROW(HTTP_2XX, counter, "cartd_http_responses_total", "class=\"2xx\"",                          \
        "Answers sent, by class of status.")                                                       \
    ROW(HTTP_3XX, counter, "cartd_http_responses_total", "class=\"3xx\"", "")                      \
    ROW(HTTP_4XX, counter, "cartd_http_responses_total", "class=\"4xx\"", "")                      \
    ROW(HTTP_5XX, counter, "cartd_http_responses_total", "class=\"5xx\"", "")                      \
    ROW(HTTP_REFUSED, counter, "cartd_http_ambiguous_requests_total", "",                          \
        "Requests that the guard refused before any handler saw them.")                            \
    ROW(HTTP_CONNECTIONS, gauge, "cartd_http_connections", "", "Open client connections.")         \
    ROW(HTTP_REFUSED_READS, counter, "cartd_http_callers_refused_total", "limit=\"reads\"",        \
        "Requests and connections refused for a limit that holds for each caller.")                \
    ROW(HTTP_REFUSED_WRITES, counter, "cartd_http_callers_refused_total", "limit=\"writes\"", "")  \
    ROW(HTTP_REFUSED_LISTENERS, counter, "cartd_http_callers_refused_total",                       \
        "limit=\"listeners\"", "")                                                                 \
    ROW(HTTP_REFUSED_CONNECTIONS, counter, "cartd_http_callers_refused_total",                     \
        "limit=\"connections\"", "")                                                               \
    ROW(HTTP_REFUSED_FULL, counter, "cartd_http_connections_refused_total", "",                    \
        "Connections refused as there were too many, none of which could be cut off.")             \
    ROW(HTTP_CUT_IDLE, counter, "cartd_http_connections_cut_total", "late=\"request\"",            \
        "Connections cut off, by what we waited for too long or, to make room, longest.")          \
    ROW(HTTP_CUT_HEADERS, counter, "cartd_http_connections_cut_total", "late=\"headers\"", "")     \
    ROW(HTTP_CUT_BODY, counter, "cartd_http_connections_cut_total", "late=\"body\"", "")           \
    ROW(HTTP_CUT_ANSWER, counter, "cartd_http_connections_cut_total", "late=\"taking\"", "")       \
    ROW(HTTP_CUT_FOR_ROOM, counter, "cartd_http_connections_cut_total", "late=\"longest\"", "")    \
    ROW(TOKENS_VERIFIED, counter, "cartd_bearer_tokens_total", "result=\"verified\"",              \
        "Bearer tokens that came with requests.")                                                  \
    ROW(TOKENS_REMEMBERED, counter, "cartd_bearer_tokens_total", "result=\"remembered\"", "")      \
    ROW(TOKENS_REFUSED, counter, "cartd_bearer_tokens_total", "result=\"refused\"", "")            \
    ROW(COMMANDS_RECORDED, counter, "cartd_commands_total", "outcome=\"recorded\"",                \
        "Commands, by outcome.")                                                                   \
    ROW(COMMANDS_UNCHANGED, counter, "cartd_commands_total", "outcome=\"unchanged\"", "")          \
    ROW(COMMANDS_REPLAYED, counter, "cartd_commands_total", "outcome=\"replayed\"", "")            \
    ROW(COMMANDS_REFUSED, counter, "cartd_commands_total", "outcome=\"refused\"", "")              \
    ROW(COMMANDS_OVERLOADED, counter, "cartd_commands_total", "outcome=\"overloaded\"", "")        \
    ROW(COMMANDS_UNAVAILABLE, counter, "cartd_commands_total", "outcome=\"unavailable\"", "")      \
    ROW(COMMANDS_FAILED, counter, "cartd_commands_total", "outcome=\"failed\"", "")                \
    ROW(COMMANDS_QUEUED, gauge, "cartd_commands_queued", "", "Commands that wait for a batch.")    \
    ROW(EVENTS_APPENDED, counter, "cartd_events_appended_total", "",                               \
        "Events recorded by this process.")                                                        \
    ROW(BATCHES, counter, "cartd_batches_total", "", "Batches appended.")                          \
    ROW(BATCHES_SPLIT, counter, "cartd_batches_split_total", "",                                   \
        "Batches that failed as a whole and were tried in parts.")                                 \
    ROW(VERSION_CONFLICTS, counter, "cartd_version_conflicts_total", "",                           \
        "Streams that had moved on when a batch was appended.")                                    \
    ROW(CATALOG_CONFLICTS, counter, "cartd_catalog_conflicts_total", "",                           \
        "Appends tried again because a product had changed.")                                      \
    ROW(OUTCOMES_LOOKED_UP, counter, "cartd_outcomes_looked_up_total", "",                         \
        "Commands whose outcome was looked up after a lost connection.")                           \
    ROW(CACHE_HITS, counter, "cartd_cart_cache_lookups_total", "result=\"hit\"",                   \
        "Carts wanted by a batch, by whether the cache had them.")                                 \
    ROW(CACHE_MISSES, counter, "cartd_cart_cache_lookups_total", "result=\"miss\"", "")            \
    ROW(CACHE_CARTS, gauge, "cartd_cart_cache_carts", "", "Carts in the cache.")                   \
    ROW(READS, counter, "cartd_reads_total", "", "Carts and products read, and pages of lists.")   \
    ROW(READS_KEPT, counter, "cartd_reads_from_memory_total", "",                                  \
        "Those of carts that were answered from memory, within a lease.")                          \
    ROW(READ_BATCHES, counter, "cartd_read_batches_total", "",                                     \
        "Round trips that those reads took.")                                                      \
    ROW(SAMPLED_SAME, counter, "cartd_verified_streams_total", "result=\"same\"",                  \
        "Random streams replayed and compared with the read tables.")                              \
    ROW(SAMPLED_DIFFERENT, counter, "cartd_verified_streams_total", "result=\"different\"", "")    \
    ROW(FEED_LISTENERS, gauge, "cartd_feed_listeners", "",                                         \
        "Streams and long polls that wait for events.")                                            \
    ROW(FEED_EVENTS, counter, "cartd_feed_events_sent_total", "",                                  \
        "Events handed to those who listen, each time they are.")                                  \
    ROW(FEED_CUT_OFF, counter, "cartd_feed_listeners_cut_off_total", "",                           \
        "Streams that were ended because their client took nothing.")                              \
    ROW(REPORTS, counter, "cartd_reports_total", "", "Reports answered or refused.")               \
    ROW(PROJECTION_EVENTS, counter, "cartd_projection_events_total", "",                           \
        "Events that this process has put into projections.")                                      \
    ROW(PROJECTION_RUNNER, gauge, "cartd_projection_runner", "",                                   \
        "1 when this process is the one that runs the projections.")                               \
    ROW(DEMAND_LAG_EVENTS, gauge, "cartd_projection_lag_events", "projection=\"demand\"",          \
        "Events that a projection does not know yet.")                                             \
    ROW(FUNNEL_LAG_EVENTS, gauge, "cartd_projection_lag_events", "projection=\"funnel\"", "")      \
    ROW(REMOVED_THEN_BOUGHT_LAG_EVENTS, gauge, "cartd_projection_lag_events",                      \
        "projection=\"removed_then_bought\"", "")                                                  \
    ROW(DEMAND_LAG_SECONDS, gauge, "cartd_projection_lag_seconds", "projection=\"demand\"",        \
        "Age of the first event that a projection does not know yet.")                             \
    ROW(FUNNEL_LAG_SECONDS, gauge, "cartd_projection_lag_seconds", "projection=\"funnel\"", "")    \
    ROW(REMOVED_THEN_BOUGHT_LAG_SECONDS, gauge, "cartd_projection_lag_seconds",                    \
        "projection=\"removed_then_bought\"", "")                                                  \
    ROW(DEMAND_PAUSED, gauge, "cartd_projection_paused", "projection=\"demand\"",                  \
        "1 when a projection has met an event that it can't take and waits for an operator.")      \
    ROW(FUNNEL_PAUSED, gauge, "cartd_projection_paused", "projection=\"funnel\"", "")              \
    ROW(REMOVED_THEN_BOUGHT_PAUSED, gauge, "cartd_projection_paused",                              \
        "projection=\"removed_then_bought\"", "")                                                  \
    ROW(DATABASE_READY, gauge, "cartd_database_ready", "",                                         \
        "1 when PostgreSQL is connected and its schema is the expected one.")                      \
    ROW(LOG_POSITION, gauge, "cartd_log_position", "",                                             \
        "Position of the last event this process appended.")

enum metrics_number {
#define METRICS_ROW(NAME, kind, name, labels, help) METRICS_##NAME,
    METRICS_NUMBERS(METRICS_ROW)
#undef METRICS_ROW
        METRICS_N_NUMBERS
};

/* Histograms; the unit is in the name. `scale` turns an observation (an integer) into the unit. */
#define METRICS_HISTOGRAMS(ROW)                                                                    \
    ROW(COMMAND_SECONDS, "cartd_command_duration_seconds", 1e-6,                                   \
        "From a command's submission to its answer.")                                              \
    ROW(APPEND_SECONDS, "cartd_append_duration_seconds", 1e-6,                                     \
        "From sending a batch's append to its commit.")                                            \
    ROW(READ_SECONDS, "cartd_read_duration_seconds", 1e-6,                                         \
        "From a read's submission to its answer.")                                                 \
    ROW(REPORT_SECONDS, "cartd_report_duration_seconds", 1e-6,                                     \
        "From a report's submission to its answer.")                                               \
    ROW(BATCH_COMMANDS, "cartd_batch_commands", 1, "Commands in an appended batch.")

enum metrics_histogram {
#define METRICS_ROW(NAME, name, scale, help) METRICS_##NAME,
    METRICS_HISTOGRAMS(METRICS_ROW)
#undef METRICS_ROW
        METRICS_N_HISTOGRAMS
};

#define METRICS_BUCKETS 24 /* bucket i holds observations up to 2^(i+1); the last everything */

struct metrics {
    int64_t numbers[METRICS_N_NUMBERS];
    struct {
        int64_t buckets[METRICS_BUCKETS];
        int64_t sum;
        int64_t count;
    } histograms[METRICS_N_HISTOGRAMS];
};

static inline void metrics_add(struct metrics *metrics, enum metrics_number number, int64_t amount)
{
    metrics->numbers[number] += amount;
}
static inline void metrics_set(struct metrics *metrics, enum metrics_number number, int64_t value)
{
    metrics->numbers[number] = value;
}
/* Observes microseconds for …_SECONDS, else a plain number. Negative counts as 0. */
void metrics_observe(struct metrics *metrics, enum metrics_histogram histogram, int64_t value);
void metrics_print(const struct metrics *metrics, struct base_buffer *out);

#endif
