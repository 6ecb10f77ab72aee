#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "audit.h"
#include "auth.h"
#include "feed.h"
#include "follow.h"
#include "http.h"
#include "loop.h"
#include "metrics.h"
#include "migrate.h"
#include "projections.h"
#include "reactions.h"
#include "service.h"
#include "subcommand.h"

/* Reads that may wait. PostgreSQL answers some ten thousand a second, so this is well under a
 * second of waiting; commands have a setting of their own. */
#define SERVE_QUEUE_READS 16384
/* Descriptors that are not clients': connections to PostgreSQL, the loop's, those of connections
 * that were cut off and are not closed yet. */
#define SERVE_OWN_DESCRIPTORS 320
/* How often a drain checks whether it is over. */
#define SERVE_DRAIN_TURN_US 5000
/* Checks in a row that must find nothing waiting: requests that had arrived on open connections but
 * had not been read when the signal came are then read and answered too. */
#define SERVE_IDLE_CHECKS 5

struct serve {
    const struct config *config;
    struct base_log log;
    struct metrics metrics;
    struct loop *loop;
    struct auth *auth; /* NULL: it is open */
    struct postgres_history *history;
    struct service *service;
    struct projections *projections;
    struct feed *feed;
    struct follow *follow; /* NULL: this process does not run the projections */
    struct reactions_settings reactions_settings;
    struct reactions *reactions; /* NULL: this process does not run the reactions */
    struct http *http;
    struct audit *sampler;  /* NULL: nobody wants it */
    int64_t n_descriptors;  /* that there may be, if too few; else 0 */
    unsigned n_connections; /* of clients at most, as there are descriptors for */
    unsigned n_listeners;
    struct loop_signals signals;
    struct loop_timer drain_timer;
    int64_t drain_ends_at_us;
    unsigned n_idle_checks;
    bool is_draining;
};

/* ---- stopping -------------------------------------------------------------------------------- */

static size_t count_waiting(const struct serve *serve)
{
    return http_waiting(serve->http) + service_waiting(serve->service);
}

static void check_drained(struct loop_timer *timer)
{
    struct serve *serve = BASE_CONTAINER(timer, struct serve, drain_timer);
    size_t n_waiting = count_waiting(serve);
    serve->n_idle_checks = n_waiting == 0 ? serve->n_idle_checks + 1 : 0;
    if (serve->n_idle_checks == SERVE_IDLE_CHECKS) {
        loop_stop(serve->loop);
    } else if (n_waiting > 0 && loop_now_us(serve->loop) >= serve->drain_ends_at_us) {
        base_log(&serve->log, BASE_LOG_DRAIN_CUT, BASE_LOG_NUMBER("requests", n_waiting));
        loop_stop(serve->loop);
    } else {
        loop_start_timer(serve->loop, timer, SERVE_DRAIN_TURN_US);
    }
}

static void drain(struct serve *serve, int signal)
{
    serve->is_draining = true;
    base_log(
        &serve->log, BASE_LOG_DRAINING, BASE_LOG_TEXT("signal", strsignal(signal)),
        BASE_LOG_NUMBER("requests", http_waiting(serve->http)));
    http_drain(serve->http);
    reactions_drain(serve->reactions);
    service_drain(serve->service);
    feed_drain(serve->feed);
    serve->drain_ends_at_us =
        loop_now_us(serve->loop) + serve->config->numbers[CONFIG_DRAIN_MS] * 1000;
    loop_start_timer(serve->loop, &serve->drain_timer, 0);
}

static void received_signal(struct loop_signals *signals, int signal)
{
    struct serve *serve = BASE_CONTAINER(signals, struct serve, signals);
    if (signal == SIGHUP) {
        if (serve->auth)
            auth_reload(serve->auth);
        return;
    }
    if (!serve->is_draining) {
        drain(serve, signal);
        return;
    }
    base_log(
        &serve->log, BASE_LOG_DRAIN_CUT, BASE_LOG_TEXT("signal", strsignal(signal)),
        BASE_LOG_NUMBER("requests", count_waiting(serve)));
    loop_stop(serve->loop);
}

/* ---- opening and closing the rooms ----------------------------------------------------------- */

static void notify_feed(void *context, int64_t position)
{
    struct serve *serve = context;
    feed_poke(serve->feed, position);
}

static bool open_database(struct serve *serve, char **problem)
{
    const struct config *config = serve->config;
    serve->projections = projections_create(
        &(struct projections_options){
            .loop = serve->loop,
            .log = &serve->log,
            .metrics = &serve->metrics,
            .url = config->texts[CONFIG_DATABASE_URL],
            .history = serve->history,
            .ready_sql = migrate_ready_sql(),
            .not_ready_detail = CLI_SCHEMA_NOT_READY,
            .wait_ms = config->numbers[CONFIG_WAIT_MS],
            .cache_bytes = (size_t)config->numbers[CONFIG_CACHE_READ_MIB] * 1024 * 1024,
            .queue_reads = SERVE_QUEUE_READS,
            .report_seconds = config->numbers[CONFIG_REPORT_SECONDS],
        },
        problem);
    if (!serve->projections)
        return false;
    serve->service = service_create(
        &(struct service_options){
            .loop = serve->loop,
            .log = &serve->log,
            .metrics = &serve->metrics,
            .url = config->texts[CONFIG_DATABASE_URL],
            .history = serve->history,
            .ready_sql = migrate_ready_sql(),
            .not_ready_detail = CLI_SCHEMA_NOT_READY,
            .queue_commands = (size_t)config->numbers[CONFIG_QUEUE_COMMANDS],
            .batch_commands = (size_t)config->numbers[CONFIG_BATCH_COMMANDS],
            .cache_carts = (size_t)config->numbers[CONFIG_CACHE_CARTS],
            .wait_ms = config->numbers[CONFIG_WAIT_MS],
            .projections = serve->projections,
            .keep_keys_hours = (int32_t)config->numbers[CONFIG_KEEP_KEYS_HOURS],
            .appended = notify_feed,
            .appended_context = serve,
        },
        problem);
    if (!serve->service)
        return false;
    serve->feed = feed_create(
        &(struct feed_options){
            .loop = serve->loop,
            .log = &serve->log,
            .metrics = &serve->metrics,
            .url = config->texts[CONFIG_DATABASE_URL],
            .history = serve->history,
            .ready_sql = migrate_ready_sql(),
            .not_ready_detail = CLI_SCHEMA_NOT_READY,
            .wait_ms = config->numbers[CONFIG_WAIT_MS],
            .memory_bytes = (size_t)config->numbers[CONFIG_FEED_MIB] * 1024 * 1024,
            .listeners_max = serve->n_listeners,
        },
        problem);
    return serve->feed;
}

static bool have_commands_waiting(void *context)
{
    const struct serve *serve = context;
    return serve->metrics.numbers[METRICS_COMMANDS_QUEUED] > 0;
}

static bool open_follow(struct serve *serve, char **problem)
{
    const struct config *config = serve->config;
    if (config->numbers[CONFIG_PROJECTIONS] == 0)
        return true;
    serve->follow = follow_create(
        &(struct follow_options){
            .loop = serve->loop,
            .log = &serve->log,
            .metrics = &serve->metrics,
            .url = config->texts[CONFIG_DATABASE_URL],
            .history = serve->history,
            .ready_sql = migrate_ready_sql(),
            .not_ready_detail = CLI_SCHEMA_NOT_READY,
            .is_busy = have_commands_waiting,
            .context = serve,
        },
        problem);
    return serve->follow;
}

static bool open_reactions(struct serve *serve, char **problem)
{
    const struct config *config = serve->config;
    if (config->numbers[CONFIG_REACTIONS] == 0)
        return true;
    serve->reactions_settings.lifetimes = cli_lifetimes(config);
    serve->reactions = reactions_create(
        &(struct reactions_options){
            .loop = serve->loop,
            .log = &serve->log,
            .metrics = &serve->metrics,
            .url = config->texts[CONFIG_DATABASE_URL],
            .history = serve->history,
            .ready_sql = migrate_ready_sql(),
            .not_ready_detail = CLI_SCHEMA_NOT_READY,
            .service = serve->service,
            .settings = &serve->reactions_settings,
            .now_us = base_clock_now_us,
        },
        problem);
    return serve->reactions;
}

static unsigned number_of(const struct config *config, enum config_setting setting)
{
    return (unsigned)config->numbers[setting];
}

/* Whoever reaches an open service may see and change every cart and every price. */
static bool check_openness(const struct config *config, char **problem)
{
    const char *listen = config->texts[CONFIG_LISTEN];
    if (config->numbers[CONFIG_AUTH_OPEN_ANYWHERE] != 0 || http_is_loopback(listen))
        return true;
    if (!http_check_address(listen, problem))
        return false;
    *problem = base_print(
        "with CARTD_AUTH=open whoever reaches %s may see and change every cart and every price; "
        "set CARTD_AUTH=token, or CARTD_AUTH_OPEN_ANYWHERE=on if that is what you want",
        listen);
    return false;
}

static bool open_auth(struct serve *serve, char **problem)
{
    static const enum config_setting needed[] = {
        CONFIG_AUTH_KEYS, CONFIG_AUTH_ISSUER, CONFIG_AUTH_AUDIENCE};
    const struct config *config = serve->config;
    if (config->numbers[CONFIG_AUTH] == 0)
        return check_openness(config, problem);
    for (size_t i = 0; i < BASE_COUNT(needed); i++) {
        if (config->texts[needed[i]][0] == '\0') {
            *problem = base_copy_text("CARTD_AUTH=token needs CARTD_AUTH_KEYS, CARTD_AUTH_ISSUER "
                                      "and CARTD_AUTH_AUDIENCE");
            return false;
        }
    }
    serve->auth = auth_create(
        &(struct auth_options){
            .log = &serve->log,
            .metrics = &serve->metrics,
            .algorithm = (enum auth_algorithm)config->numbers[CONFIG_AUTH_ALGORITHM],
            .keys = config->texts[CONFIG_AUTH_KEYS],
            .issuer = config->texts[CONFIG_AUTH_ISSUER],
            .audience = config->texts[CONFIG_AUTH_AUDIENCE],
        },
        problem);
    return serve->auth;
}

static bool open_http(struct serve *serve, char **problem)
{
    const struct config *config = serve->config;
    serve->http = http_create(
        &(struct http_options){
            .loop = serve->loop,
            .log = &serve->log,
            .metrics = &serve->metrics,
            .service = serve->service,
            .projections = serve->projections,
            .feed = serve->feed,
            .auth = serve->auth,
            .listen = config->texts[CONFIG_LISTEN],
            .default_currency = config->texts[CONFIG_DEFAULT_CURRENCY],
            .reopen_hours = config->numbers[CONFIG_REOPEN_HOURS],
            .has_one_open_cart = config->numbers[CONFIG_OPEN_CARTS] == 1,
            .checks_prices = config->numbers[CONFIG_CHECK_PRICES] == 1,
            .version = CARTD_VERSION,
            .has_pages = config->numbers[CONFIG_PAGES] == 1,
            .connections_max = serve->n_connections,
            .idle_seconds = number_of(config, CONFIG_IDLE_SECONDS),
            .headers_seconds = number_of(config, CONFIG_HEADERS_SECONDS),
            .body_seconds = number_of(config, CONFIG_BODY_SECONDS),
            .answer_seconds = number_of(config, CONFIG_ANSWER_SECONDS),
            .connections_per_address = number_of(config, CONFIG_CALLER_CONNECTIONS),
            .listeners_per_caller = number_of(config, CONFIG_CALLER_LISTENERS),
            .reads_per_minute = number_of(config, CONFIG_CALLER_READS),
            .writes_per_minute = number_of(config, CONFIG_CALLER_WRITES),
            .coupon_attempts_per_minute = number_of(config, CONFIG_COUPON_ATTEMPTS),
            .proxies = config->texts[CONFIG_PROXIES],
            .cors_origins = config->texts[CONFIG_CORS_ORIGINS],
        },
        problem);
    return serve->http;
}

static bool open_sampler(struct serve *serve, char **problem)
{
    const struct config *config = serve->config;
    if (config->numbers[CONFIG_VERIFY_MS] == 0)
        return true;
    serve->sampler = audit_create(
        &(struct audit_options){
            .loop = serve->loop,
            .log = &serve->log,
            .url = config->texts[CONFIG_DATABASE_URL],
            .history = serve->history,
            .ready_sql = migrate_ready_sql(),
            .not_ready_detail = CLI_SCHEMA_NOT_READY,
            .wait_ms = config->numbers[CONFIG_WAIT_MS],
        },
        &(struct audit_wanted){
            .kind = AUDIT_SAMPLE,
            .metrics = &serve->metrics,
            .every_ms = config->numbers[CONFIG_VERIFY_MS],
        },
        problem);
    return serve->sampler;
}

static bool open_loop(struct serve *serve, char **problem)
{
    /* Before anything may start a thread of its own, which inherits what is blocked. */
    static const int our_signals[] = {SIGTERM, SIGINT, SIGHUP, 0};
    serve->signals.received = received_signal;
    serve->drain_timer.fired = check_drained;
    serve->history = postgres_history_create();
    serve->loop = loop_create();
    if (serve->loop && loop_start_signals(serve->loop, &serve->signals, our_signals))
        return true;
    *problem = base_copy_text(strerror(errno));
    return false;
}

static void close_rooms(struct serve *serve)
{
    /* What still waits is answered by the rooms that it waits for, so http goes after them. */
    audit_destroy(serve->sampler);
    follow_destroy(serve->follow);
    reactions_drain(serve->reactions);
    service_destroy(serve->service);
    reactions_destroy(serve->reactions);
    projections_destroy(serve->projections);
    feed_destroy(serve->feed);
    http_destroy(serve->http);
    if (serve->loop) {
        loop_stop_timer(serve->loop, &serve->drain_timer);
        loop_stop_signals(serve->loop, &serve->signals);
    }
    loop_destroy(serve->loop);
    postgres_history_destroy(serve->history);
    auth_destroy(serve->auth);
}

/* ---- the process ----------------------------------------------------------------------------- */

/* Every client connection is a descriptor, and the soft limit is usually 1,024. Where it can't be
 * raised enough, fewer clients are served at a time; that is no reason to stop. At the kernel's
 * limit, unlike at ours, nobody is let in any more. */
static void share_descriptors(struct serve *serve)
{
    serve->n_connections = number_of(serve->config, CONFIG_CONNECTIONS);
    serve->n_listeners = number_of(serve->config, CONFIG_LISTENERS);
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit); /* what counts is what is there now */
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
        return;
    int64_t n_free = (int64_t)limit.rlim_cur - SERVE_OWN_DESCRIPTORS;
    int64_t n_wanted = (int64_t)serve->n_connections + serve->n_listeners;
    if (n_free >= n_wanted)
        return;
    if (n_free < 2)
        n_free = 2;
    serve->n_descriptors = (int64_t)limit.rlim_cur;
    serve->n_connections = 1 + (unsigned)((n_free - 2) * serve->n_connections / n_wanted);
    serve->n_listeners = (unsigned)n_free - serve->n_connections;
}

static void warn_of_descriptors(const struct serve *serve)
{
    if (serve->n_descriptors > 0)
        base_log(
            &serve->log, BASE_LOG_FEW_DESCRIPTORS,
            BASE_LOG_NUMBER("descriptors", serve->n_descriptors),
            BASE_LOG_NUMBER("connections", serve->n_connections),
            BASE_LOG_NUMBER("listeners", serve->n_listeners));
}

static void ignore_signals(void)
{
    /* A client that is gone is an error of a write. A terminal that is gone is none of ours: until
     * the loop takes SIGHUP over, it is lost. */
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGHUP, SIG_IGN);
}

enum cli_exit cli_serve(const struct cli_call *call)
{
    const struct config *config = call->config;
    struct serve serve = {
        .config = config,
        .log = cli_log(config, BASE_LOG_INFO),
    };
    share_descriptors(&serve);
    ignore_signals();

    BASE_CLEANUP(base_free_pointer) char *problem = NULL;
    bool is_open = open_loop(&serve, &problem) && open_auth(&serve, &problem) &&
                   open_database(&serve, &problem) && open_follow(&serve, &problem) &&
                   open_reactions(&serve, &problem) && open_http(&serve, &problem) &&
                   open_sampler(&serve, &problem);
    if (is_open) {
        base_log(
            &serve.log, BASE_LOG_STARTED, BASE_LOG_TEXT("listen", http_listen_address(serve.http)),
            BASE_LOG_TEXT("version", CARTD_VERSION),
            BASE_LOG_TEXT("libmicrohttpd", http_library_version()),
            BASE_LOG_NUMBER("pid", getpid()));
        warn_of_descriptors(&serve);
        loop_run(serve.loop);
    } else {
        cli_complain("%s", problem);
    }
    close_rooms(&serve);
    if (is_open)
        base_log(&serve.log, BASE_LOG_STOPPED);
    return is_open ? CLI_DONE : CLI_FAILED;
}
