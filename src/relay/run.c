#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "internal.h"
#include "migrate.h"

#define NOT_READY "run `cartd migrate`: the database does not have the schema that this relay needs"
#define STATEMENTS_MAX 16

/* What `run` was asked for. */
struct wanted {
    const char *name;
    struct relay_address address;
    char *shown;
    const struct relay_sink *sink;
    char *types; /* that those of the lane point into; NULL: all */
    struct lane_options lane;
};

struct run {
    const struct config *config;
    struct wanted wanted;
    struct base_log log;
    struct loop *loop;
    struct lane *lane;
    struct worker *worker;
    struct postgres_connection *connection;
    const struct postgres_statement *statements[STATEMENTS_MAX + 1]; /* of it; NULL ends them */
    struct page *page;
    struct loop_signals signals;
    bool was_stopped;
};

/* ---- what is wanted -------------------------------------------------------------------------- */

static bool is_name(const char *name)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789-_";
    size_t length = strlen(name);
    return length >= 1 && length <= 64 && strspn(name, allowed) == length;
}

static const struct relay_sink *find_sink(const char *scheme)
{
    for (size_t i = 0; relay_sinks[i] != NULL; i++)
        if (strcmp(relay_sinks[i]->scheme, scheme) == 0)
            return relay_sinks[i];
    return NULL;
}

static bool read_sink(struct wanted *wanted, const char *text)
{
    if (!address_read(text, &wanted->address, &wanted->shown)) {
        relay_complain("the sink must be an address, such as file:///var/lib/cart.jsonl; see "
                       "`cartd-relay --help`");
        return false;
    }
    wanted->sink = find_sink(wanted->address.scheme);
    if (wanted->sink == NULL)
        relay_complain(
            "this program has no sink \"%s\"; see `cartd-relay --help`", wanted->address.scheme);
    return wanted->sink != NULL;
}

static bool read_types(struct wanted *wanted, const char *text)
{
    wanted->types = base_copy_text(text);
    char *rest = wanted->types;
    for (char *name = strsep(&rest, ","); name != NULL; name = strsep(&rest, ",")) {
        if (!codec_is_event_name(name)) {
            relay_complain(
                "unknown event type \"%s\"; types are, for example, CartCreated and ItemAdded",
                name);
            return false;
        }
        if (wanted->lane.n_types == LANE_TYPES_MAX) {
            relay_complain("--types takes at most %d types", LANE_TYPES_MAX);
            return false;
        }
        wanted->lane.types[wanted->lane.n_types++] = name;
    }
    return true;
}

static bool read_from(struct wanted *wanted, const char *text)
{
    int64_t from = 1;
    if (text != NULL && !base_parse_int(text, 1, INT64_MAX, &from)) {
        relay_complain("--from must be a position of the log, from 1 on");
        return false;
    }
    wanted->lane.after = from - 1;
    return true;
}

static const char *flag_or(const struct relay_call *call, enum relay_flag flag, const char *usual)
{
    return call->flags[flag].is_given ? call->flags[flag].value : usual;
}

static bool read_wanted(const struct relay_call *call, struct wanted *wanted)
{
    const struct config_flag *types = &call->flags[RELAY_FLAG_TYPES];
    const char *sink = call->n_arguments == 2 ? call->arguments[1] : getenv("RELAY_SINK");
    wanted->name = call->n_arguments > 0 ? call->arguments[0] : "";
    if (call->n_arguments < 1 || call->n_arguments > 2 || sink == NULL) {
        relay_complain("usage: `cartd-relay run NAME SINK`; see `cartd-relay --help`");
        return false;
    }
    if (!is_name(wanted->name)) {
        relay_complain("the name of a relay is 1 to 64 of a-z, 0-9, - and _");
        return false;
    }
    wanted->lane.name = wanted->name;
    wanted->lane.is_rehearsal = call->flags[RELAY_FLAG_DRY_RUN].is_given;
    wanted->lane.naming = (struct codec_cloud_naming){
        .source = flag_or(call, RELAY_FLAG_SOURCE, "urn:cartd"),
        .prefix = flag_or(call, RELAY_FLAG_PREFIX, "cartd"),
    };
    return read_sink(wanted, sink) && read_from(wanted, call->flags[RELAY_FLAG_FROM].value) &&
           (!types->is_given || read_types(wanted, types->value));
}

/* Of what was not read, nothing is there. */
static void finish_wanted(struct wanted *wanted)
{
    address_finish(&wanted->address);
    free(wanted->shown);
    free(wanted->types);
}

/* ---- the process ----------------------------------------------------------------------------- */

static void lane_ended(void *context)
{
    struct run *run = context;
    loop_stop(run->loop);
}

static void received_signal(struct loop_signals *signals, int signal)
{
    (void)signal;
    struct run *run = BASE_CONTAINER(signals, struct run, signals);
    if (run->was_stopped)
        _exit(RELAY_FAILED); /* the sink's thread is not waited for; its batch is sent again */
    run->was_stopped = true;
    lane_stop(run->lane);
}

static bool open_worker(struct run *run, char **problem)
{
    const struct relay_sink *sink =
        run->wanted.lane.is_rehearsal ? &relay_sink_output : run->wanted.sink;
    void *link = sink->open(&run->wanted.address, problem);
    if (link == NULL)
        return false;
    run->worker = worker_create(run->loop, sink, link, lane_answered, run->lane);
    return true;
}

static bool open_connection(struct run *run, char **problem)
{
    const struct postgres_statement **statements = run->statements;
    size_t n = 0;
    for (size_t i = 0; checkpoints_statements[i] != NULL && n < STATEMENTS_MAX; i++)
        statements[n++] = checkpoints_statements[i];
    for (size_t i = 0; eventstore_log_statements[i] != NULL && n < STATEMENTS_MAX; i++)
        statements[n++] = eventstore_log_statements[i];
    run->connection = postgres_connection_create(
        &(struct postgres_options){
            .loop = run->loop,
            .log = &run->log,
            .url = run->config->texts[CONFIG_DATABASE_URL],
            .role = "relay",
            .statements = statements,
            .ready_sql = migrate_ready_sql(),
            .not_ready_detail = NOT_READY,
            .answer_timeout_ms = 30000,
        },
        problem);
    return run->connection != NULL;
}

static bool open_all(struct run *run, const char *metrics, char **problem)
{
    static const int signals[] = {SIGTERM, SIGINT, 0};
    (void)signal(SIGPIPE, SIG_IGN);
    run->loop = loop_create();
    run->signals.received = received_signal;
    if (run->loop == NULL || !loop_start_signals(run->loop, &run->signals, signals)) {
        *problem = base_copy_text("the kernel gives no descriptors");
        return false;
    }
    run->wanted.lane.loop = run->loop;
    run->wanted.lane.log = &run->log;
    run->wanted.lane.ended = lane_ended;
    run->wanted.lane.ends_in_trouble =
        run->wanted.lane.is_rehearsal || run->wanted.sink == &relay_sink_output;
    run->wanted.lane.context = run;
    run->lane = lane_create(&run->wanted.lane);
    if (!open_worker(run, problem) || !open_connection(run, problem))
        return false;
    lane_use(run->lane, run->connection, run->worker);
    if (metrics == NULL)
        return true;
    run->page = page_open(run->loop, metrics, run->wanted.name, run->lane, problem);
    return run->page != NULL;
}

static void close_all(struct run *run)
{
    page_close(run->page);
    if (run->worker != NULL)
        worker_destroy(run->worker);
    postgres_connection_destroy(run->connection);
    if (run->lane != NULL)
        lane_destroy(run->lane);
    if (run->loop != NULL)
        loop_stop_signals(run->loop, &run->signals);
    loop_destroy(run->loop);
}

/* Where it begins is the database's to say, once it has been told. */
static bool find_beginning(struct run *run, bool is_from_given, char **problem)
{
    const char *url = run->config->texts[CONFIG_DATABASE_URL];
    struct wanted *wanted = &run->wanted;
    bool is_new = false;
    int64_t position = 0;
    if (wanted->lane.is_rehearsal) {
        if (!relay_find_position(url, wanted->name, &position, problem))
            return false;
        wanted->lane.after = is_from_given ? wanted->lane.after : position;
        return true;
    }
    if (!relay_register(
            url, wanted->name, wanted->shown, wanted->types, wanted->lane.after, &is_new, problem))
        return false;
    if (!is_new && is_from_given)
        relay_complain(
            "%s goes on where it was, not at --from; `cartd-relay rewind %s --from` would set it",
            wanted->name, wanted->name);
    return true;
}

static bool has_ended_in_trouble(const struct run *run)
{
    return run->wanted.lane.ends_in_trouble && lane_count(run->lane)->n_failures > 0;
}

static enum relay_exit work(struct run *run, const struct relay_call *call, char **problem)
{
    if (!find_beginning(run, call->flags[RELAY_FLAG_FROM].is_given, problem))
        return RELAY_FAILED;
    bool is_open = open_all(run, flag_or(call, RELAY_FLAG_METRICS, NULL), problem);
    if (is_open) {
        base_log(
            &run->log, BASE_LOG_RELAY_STARTED, BASE_LOG_TEXT("relay", run->wanted.name),
            BASE_LOG_TEXT("sink", run->wanted.shown));
        lane_start(run->lane);
        loop_run(run->loop);
        base_log(
            &run->log, BASE_LOG_RELAY_STOPPED, BASE_LOG_TEXT("relay", run->wanted.name),
            BASE_LOG_NUMBER("position", lane_count(run->lane)->position),
            BASE_LOG_NUMBER("sent", lane_count(run->lane)->n_sent));
    }
    bool is_done = is_open && !has_ended_in_trouble(run);
    close_all(run);
    return is_done ? RELAY_DONE : RELAY_FAILED;
}

enum relay_exit relay_run(const struct relay_call *call)
{
    struct run run = {
        .config = call->config,
        .log =
            {
                .fd = STDERR_FILENO,
                .form = config_log_form(call->config, STDERR_FILENO),
                .least = config_log_level(call->config),
            },
    };
    BASE_CLEANUP(base_free_pointer) char *problem = NULL;
    enum relay_exit status = RELAY_MISUSED;
    if (read_wanted(call, &run.wanted))
        status = work(&run, call, &problem);
    if (problem != NULL)
        relay_complain("%s", problem);
    finish_wanted(&run.wanted);
    return status;
}
