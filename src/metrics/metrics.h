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
        "Responses sent, by status class.")                                                        \
    ROW(HTTP_3XX, counter, "cartd_http_responses_total", "class=\"3xx\"", "")                      \
    ROW(HTTP_4XX, counter, "cartd_http_responses_total", "class=\"4xx\"", "")                      \
    ROW(HTTP_5XX, counter, "cartd_http_responses_total", "class=\"5xx\"", "")                      \
    ROW(HTTP_REFUSED, counter, "cartd_http_ambiguous_requests_total", "",                          \
        "Malformed or ambiguous requests, rejected before routing.")                               \
    ROW(HTTP_CONNECTIONS, gauge, "cartd_http_connections", "", "Open client connections.")         \
    ROW(HTTP_REFUSED_READS, counter, "cartd_http_callers_refused_total", "limit=\"reads\"",        \
        "Requests and connections refused by a per-caller limit.")                                 \
    ROW(HTTP_REFUSED_WRITES, counter, "cartd_http_callers_refused_total", "limit=\"writes\"", "")  \
    ROW(HTTP_REFUSED_COUPON_ATTEMPTS, counter, "cartd_http_callers_refused_total",                 \
        "limit=\"coupon-attempts\"", "")                                                           \
    ROW(HTTP_REFUSED_LISTENERS, counter, "cartd_http_callers_refused_total",                       \
        "limit=\"listeners\"", "")                                                                 \
    ROW(HTTP_REFUSED_CONNECTIONS, counter, "cartd_http_callers_refused_total",                     \
        "limit=\"connections\"", "")                                                               \
    ROW(HTTP_REFUSED_FULL, counter, "cartd_http_connections_refused_total", "",                    \
        "Connections refused because the limit was reached and no open connection was idle.")      \
    ROW(HTTP_CUT_IDLE, counter, "cartd_http_connections_cut_total", "late=\"request\"",            \
        "Connections closed by timeout, by what was awaited, or to make room (longest).")          \
    ROW(HTTP_CUT_HEADERS, counter, "cartd_http_connections_cut_total", "late=\"headers\"", "")     \
    ROW(HTTP_CUT_BODY, counter, "cartd_http_connections_cut_total", "late=\"body\"", "")           \
    ROW(HTTP_CUT_ANSWER, counter, "cartd_http_connections_cut_total", "late=\"taking\"", "")       \
    ROW(HTTP_CUT_FOR_ROOM, counter, "cartd_http_connections_cut_total", "late=\"longest\"", "")    \
    ROW(TOKENS_VERIFIED, counter, "cartd_bearer_tokens_total", "result=\"verified\"",              \
        "Bearer tokens received, by result.")                                                      \
    ROW(TOKENS_CACHED, counter, "cartd_bearer_tokens_total", "result=\"remembered\"", "")          \
    ROW(TOKENS_REFUSED, counter, "cartd_bearer_tokens_total", "result=\"refused\"", "")            \
    ROW(COMMANDS_RECORDED, counter, "cartd_commands_total", "outcome=\"recorded\"",                \
        "Commands, by outcome.")                                                                   \
    ROW(COMMANDS_UNCHANGED, counter, "cartd_commands_total", "outcome=\"unchanged\"", "")          \
    ROW(COMMANDS_REPLAYED, counter, "cartd_commands_total", "outcome=\"replayed\"", "")            \
    ROW(COMMANDS_REFUSED, counter, "cartd_commands_total", "outcome=\"refused\"", "")              \
    ROW(COMMANDS_OVERLOADED, counter, "cartd_commands_total", "outcome=\"overloaded\"", "")        \
    ROW(COMMANDS_UNAVAILABLE, counter, "cartd_commands_total", "outcome=\"unavailable\"", "")      \
    ROW(COMMANDS_FAILED, counter, "cartd_commands_total", "outcome=\"failed\"", "")                \
    ROW(COMMANDS_QUEUED, gauge, "cartd_commands_queued", "", "Commands waiting for a batch.")      \
    ROW(EVENTS_APPENDED, counter, "cartd_events_appended_total", "",                               \
        "Events recorded by this process.")                                                        \
    ROW(BATCHES, counter, "cartd_batches_total", "", "Batches appended.")                          \
    ROW(BATCHES_SPLIT, counter, "cartd_batches_split_total", "",                                   \
        "Batches that failed and were retried in smaller parts.")                                  \
    ROW(VERSION_CONFLICTS, counter, "cartd_version_conflicts_total", "",                           \
        "Streams that had changed when a batch was appended.")                                     \
    ROW(SHARED_RECORDED, counter, "cartd_shared_commands_total", "outcome=\"recorded\"",           \
        "Commands about several streams, such as a cart, its coupons and its customer.")           \
    ROW(SHARED_REFUSED, counter, "cartd_shared_commands_total", "outcome=\"refused\"", "")         \
    ROW(SHARED_WAITED, counter, "cartd_shared_commands_waited_total", "",                          \
        "Commands about several streams that waited until a batch let go of one.")                 \
    ROW(SHARED_LOST, counter, "cartd_shared_commands_lost_total", "",                              \
        "Times that one lost a race with another process and was decided again.")                  \
    ROW(SHARED_BUSIEST_PERCENT, gauge, "cartd_shared_stream_busiest_percent", "",                  \
        "How near the busiest shared stream came to what one can take, in the last 10 seconds.")   \
    ROW(CATALOG_CONFLICTS, counter, "cartd_catalog_conflicts_total", "",                           \
        "Appends retried because a product had changed.")                                          \
    ROW(OUTCOMES_LOOKED_UP, counter, "cartd_outcomes_looked_up_total", "",                         \
        "Commands whose outcome was looked up after the connection was lost.")                     \
    ROW(CACHE_HITS, counter, "cartd_cart_cache_lookups_total", "result=\"hit\"",                   \
        "Carts looked up in the cache for a batch, by result.")                                    \
    ROW(CACHE_MISSES, counter, "cartd_cart_cache_lookups_total", "result=\"miss\"", "")            \
    ROW(CACHE_CARTS, gauge, "cartd_cart_cache_carts", "", "Carts in the cache.")                   \
    ROW(READS, counter, "cartd_reads_total", "", "Carts and products read, and pages of lists.")   \
    ROW(READS_CACHED, counter, "cartd_reads_from_memory_total", "",                                \
        "Reads of carts answered from memory under a read lease.")                                 \
    ROW(READ_BATCHES, counter, "cartd_read_batches_total", "",                                     \
        "Round trips to PostgreSQL for reads.")                                                    \
    ROW(SAMPLED_SAME, counter, "cartd_verified_streams_total", "result=\"same\"",                  \
        "Random streams replayed and compared with the read tables.")                              \
    ROW(SAMPLED_DIFFERENT, counter, "cartd_verified_streams_total", "result=\"different\"", "")    \
    ROW(FEED_LISTENERS, gauge, "cartd_feed_listeners", "", "Open event streams and long polls.")   \
    ROW(FEED_EVENTS, counter, "cartd_feed_events_sent_total", "",                                  \
        "Events sent to event streams and long polls.")                                            \
    ROW(FEED_CUT_OFF, counter, "cartd_feed_listeners_cut_off_total", "",                           \
        "Event streams closed because their client did not read.")                                 \
    ROW(REPORTS, counter, "cartd_reports_total", "", "Reports answered, including refusals.")      \
    ROW(PROJECTION_EVENTS, counter, "cartd_projection_events_total", "",                           \
        "Events that this process has added to projections.")                                      \
    ROW(PROJECTION_RUNNER, gauge, "cartd_projection_runner", "",                                   \
        "1 if this process runs the projections, else 0.")                                         \
    ROW(DEMAND_LAG_EVENTS, gauge, "cartd_projection_lag_events", "projection=\"demand\"",          \
        "Events that a projection has not processed yet.")                                         \
    ROW(FUNNEL_LAG_EVENTS, gauge, "cartd_projection_lag_events", "projection=\"funnel\"", "")      \
    ROW(REMOVED_THEN_BOUGHT_LAG_EVENTS, gauge, "cartd_projection_lag_events",                      \
        "projection=\"removed_then_bought\"", "")                                                  \
    ROW(ABANDONED_CARTS_LAG_EVENTS, gauge, "cartd_projection_lag_events",                          \
        "projection=\"abandoned_carts\"", "")                                                      \
    ROW(CART_RANKINGS_LAG_EVENTS, gauge, "cartd_projection_lag_events",                            \
        "projection=\"cart_rankings\"", "")                                                        \
    ROW(DEMAND_LAG_SECONDS, gauge, "cartd_projection_lag_seconds", "projection=\"demand\"",        \
        "Age of the oldest event that a projection has not processed yet.")                        \
    ROW(FUNNEL_LAG_SECONDS, gauge, "cartd_projection_lag_seconds", "projection=\"funnel\"", "")    \
    ROW(REMOVED_THEN_BOUGHT_LAG_SECONDS, gauge, "cartd_projection_lag_seconds",                    \
        "projection=\"removed_then_bought\"", "")                                                  \
    ROW(ABANDONED_CARTS_LAG_SECONDS, gauge, "cartd_projection_lag_seconds",                        \
        "projection=\"abandoned_carts\"", "")                                                      \
    ROW(CART_RANKINGS_LAG_SECONDS, gauge, "cartd_projection_lag_seconds",                          \
        "projection=\"cart_rankings\"", "")                                                        \
    ROW(DEMAND_PAUSED, gauge, "cartd_projection_paused", "projection=\"demand\"",                  \
        "1 if a projection is paused at an event that it can't process, else 0.")                  \
    ROW(FUNNEL_PAUSED, gauge, "cartd_projection_paused", "projection=\"funnel\"", "")              \
    ROW(REMOVED_THEN_BOUGHT_PAUSED, gauge, "cartd_projection_paused",                              \
        "projection=\"removed_then_bought\"", "")                                                  \
    ROW(ABANDONED_CARTS_PAUSED, gauge, "cartd_projection_paused",                                  \
        "projection=\"abandoned_carts\"", "")                                                      \
    ROW(CART_RANKINGS_PAUSED, gauge, "cartd_projection_paused", "projection=\"cart_rankings\"",    \
        "")                                                                                        \
    ROW(REACTION_RUNNER, gauge, "cartd_reaction_runner", "",                                       \
        "1 if this process runs the reactions, else 0.")                                           \
    ROW(REACTION_LAG_EVENTS, gauge, "cartd_reaction_lag_events", "",                               \
        "Events that the reaction furthest behind has not answered yet.")                          \
    ROW(REACTION_LAG_SECONDS, gauge, "cartd_reaction_lag_seconds", "",                             \
        "Age of the oldest event that a reaction has not answered yet.")                           \
    ROW(REACTIONS_PAUSED, gauge, "cartd_reactions_paused", "",                                     \
        "Reactions that are paused; `cartd reactions` says why.")                                  \
    ROW(REACTION_COMMANDS_DONE, counter, "cartd_reaction_commands_total", "outcome=\"done\"",      \
        "Commands of reactions answered, by outcome; refused: as the reaction expects.")           \
    ROW(REACTION_COMMANDS_REFUSED, counter, "cartd_reaction_commands_total",                       \
        "outcome=\"refused\"", "")                                                                 \
    ROW(REACTION_COMMANDS_FAILED, counter, "cartd_reaction_commands_total", "outcome=\"failed\"",  \
        "")                                                                                        \
    ROW(REACTION_TIMERS_DUE, gauge, "cartd_reaction_timers_due", "",                               \
        "Timers of reactions that are due, counted up to 1,000 of each reaction.")                 \
    ROW(REACTION_OVERDUE_SECONDS, gauge, "cartd_reaction_overdue_seconds", "",                     \
        "How long the timer that is overdue longest has been due.")                                \
    ROW(DATABASE_READY, gauge, "cartd_database_ready", "",                                         \
        "1 if PostgreSQL is connected and has the expected schema, else 0.")                       \
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
        "Time from a command's submission to its answer.")                                         \
    ROW(APPEND_SECONDS, "cartd_append_duration_seconds", 1e-6,                                     \
        "Time from sending a batch's append to its commit.")                                       \
    ROW(READ_SECONDS, "cartd_read_duration_seconds", 1e-6,                                         \
        "Time from a read's submission to its answer.")                                            \
    ROW(REPORT_SECONDS, "cartd_report_duration_seconds", 1e-6,                                     \
        "Time from a report's submission to its answer.")                                          \
    ROW(BATCH_COMMANDS, "cartd_batch_commands", 1, "Commands per appended batch.")

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
