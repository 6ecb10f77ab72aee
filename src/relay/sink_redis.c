#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "sink.h"

/*
 * A stream of Redis or Valkey. The id of an entry is POSITION-0, and ids only grow: an entry that
 * the stream has already is refused, which is as good as written. So each event is there once.
 *
 * A batch is one transaction (MULTI): of commands that are only sent together, one could be refused
 * for want of memory and the next be taken, and the one before could not be written any more.
 */

#define PORT 6379
#define ANSWER_SECONDS 20
#define ARGUMENTS_MAX 32

struct link {
    char *host;
    int port;
    char *user;
    char *password;
    char *stream;
    char *length_max; /* NULL: it may grow */
    redisContext *redis;
};

static void disconnect(struct link *link)
{
    if (link->redis != NULL)
        redisFree(link->redis);
    link->redis = NULL;
}

static bool fail(struct link *link, char problem[static RELAY_PROBLEM_SIZE], const char *why)
{
    (void)snprintf(problem, RELAY_PROBLEM_SIZE, "%.200s", why);
    disconnect(link);
    return false;
}

static const char *explain(const struct link *link)
{
    return link->redis == NULL ? "no memory" : link->redis->errstr;
}

static bool log_in(struct link *link, char problem[static RELAY_PROBLEM_SIZE])
{
    if (link->password == NULL)
        return true;
    redisReply *reply = link->user != NULL && link->user[0] != '\0'
                            ? redisCommand(link->redis, "AUTH %s %s", link->user, link->password)
                            : redisCommand(link->redis, "AUTH %s", link->password);
    bool is_in = reply != NULL && reply->type != REDIS_REPLY_ERROR;
    freeReplyObject(reply);
    return is_in || fail(link, problem, "it refuses the user or the password");
}

static bool is_connected(struct link *link, char problem[static RELAY_PROBLEM_SIZE])
{
    if (link->redis != NULL)
        return true;
    const struct timeval timeout = {.tv_sec = 5};
    const struct timeval answer = {.tv_sec = ANSWER_SECONDS};
    link->redis = redisConnectWithTimeout(link->host, link->port, timeout);
    if (link->redis == NULL || link->redis->err != 0)
        return fail(link, problem, explain(link));
    if (redisSetTimeout(link->redis, answer) != REDIS_OK)
        return fail(link, problem, explain(link));
    return log_in(link, problem);
}

/* ---- asking ---------------------------------------------------------------------------------- */

struct arguments {
    const char *texts[ARGUMENTS_MAX];
    int n;
};

static void add(struct arguments *to, const char *text)
{
    to->texts[to->n++] = text;
}

static void add_field(struct arguments *to, const char *name, const char *value)
{
    add(to, name);
    add(to, value);
}

static void ask_add(struct link *link, const struct relay_event *event)
{
    const struct codec_cloud_event *attributes = &event->attributes;
    char time[BASE_TIME_SIZE];
    char id[32];
    struct arguments to = {.n = 0};
    base_time_format(attributes->time_us, time);
    (void)snprintf(id, sizeof id, "%" PRId64 "-0", event->position);
    add_field(&to, "XADD", link->stream);
    if (link->length_max != NULL) {
        add_field(&to, "MAXLEN", "~");
        add(&to, link->length_max);
    }
    add(&to, id);
    add_field(&to, "specversion", attributes->specversion);
    add_field(&to, "id", attributes->id);
    add_field(&to, "source", attributes->source);
    add_field(&to, "type", attributes->type);
    add_field(&to, "subject", attributes->subject);
    add_field(&to, "time", time);
    add_field(&to, "datacontenttype", attributes->datacontenttype);
    add_field(&to, "sequence", attributes->sequence);
    add_field(&to, "partitionkey", attributes->partitionkey);
    if (attributes->traceparent != NULL)
        add_field(&to, "traceparent", attributes->traceparent);
    add_field(&to, "data", attributes->data);
    (void)redisAppendCommandArgv(link->redis, to.n, to.texts, NULL);
}

/* ---- answers --------------------------------------------------------------------------------- */

static bool is_there_already(const redisReply *reply)
{
    return reply->type == REDIS_REPLY_ERROR && strstr(reply->str, "equal or smaller") != NULL;
}

/* NULL: each event is in the stream. */
static const redisReply *find_refused(const redisReply *executed)
{
    if (executed->type != REDIS_REPLY_ARRAY)
        return executed;
    for (size_t i = 0; i < executed->elements; i++)
        if (executed->element[i]->type == REDIS_REPLY_ERROR &&
            !is_there_already(executed->element[i]))
            return executed->element[i];
    return NULL;
}

/* The answer to one of the commands; the first error is noted. */
static redisReply *receive(struct link *link, char problem[static RELAY_PROBLEM_SIZE])
{
    redisReply *reply = NULL;
    if (redisGetReply(link->redis, (void **)&reply) != REDIS_OK) {
        (void)fail(link, problem, explain(link));
        return NULL;
    }
    if (reply->type == REDIS_REPLY_ERROR && problem[0] == '\0')
        (void)snprintf(problem, RELAY_PROBLEM_SIZE, "%.200s", reply->str);
    return reply;
}

static bool receive_executed(struct link *link, char problem[static RELAY_PROBLEM_SIZE])
{
    redisReply *executed = receive(link, problem);
    if (executed == NULL)
        return false;
    const redisReply *refused = find_refused(executed);
    if (refused != NULL && problem[0] == '\0')
        (void)snprintf(
            problem, RELAY_PROBLEM_SIZE, "%.200s",
            refused->str != NULL ? refused->str : "it answers EXEC with no list");
    bool is_done = refused == NULL;
    freeReplyObject(executed);
    return is_done;
}

static size_t send(
    void *context, const struct relay_event *events, size_t n,
    char problem[static RELAY_PROBLEM_SIZE])
{
    struct link *link = context;
    if (!is_connected(link, problem))
        return 0;
    (void)redisAppendCommand(link->redis, "MULTI");
    for (size_t i = 0; i < n; i++)
        ask_add(link, &events[i]);
    (void)redisAppendCommand(link->redis, "EXEC");
    for (size_t i = 0; i < n + 1; i++) {
        redisReply *queued = receive(link, problem);
        if (queued == NULL)
            return 0;
        freeReplyObject(queued);
    }
    return receive_executed(link, problem) ? n : 0;
}

/* ---- as a sink ------------------------------------------------------------------------------- */

static void *open_link(const struct relay_address *address, char **problem)
{
    BASE_CLEANUP(base_free_pointer) char *length_max = relay_address_find(address, "maxlen");
    int64_t most = 0;
    if (address->host[0] == '\0' || address->path[0] == '\0') {
        *problem =
            base_copy_text("the address needs a host and a stream: redis://HOST:PORT/STREAM");
        return NULL;
    }
    if (length_max != NULL && !base_parse_int(length_max, 1, INT64_MAX, &most)) {
        *problem = base_copy_text("maxlen must be a number of entries, from 1 on");
        return NULL;
    }
    struct link *link = base_alloc(sizeof *link);
    *link = (struct link){
        .host = base_copy_text(address->host),
        .port = address->port != 0 ? address->port : PORT,
        .user = relay_copy(address->user),
        .password = relay_copy(address->password),
        .stream = base_copy_text(address->path),
        .length_max = relay_copy(length_max),
    };
    return link;
}

static void close_link(void *context)
{
    struct link *link = context;
    disconnect(link);
    free(link->host);
    free(link->user);
    free(link->password);
    free(link->stream);
    free(link->length_max);
    free(link);
}

const struct relay_sink relay_sink_redis = {
    .scheme = "redis",
    .usage = "redis://[USER:PASSWORD@]HOST[:PORT]/STREAM[?maxlen=N]",
    .sentence = "a stream of Redis or Valkey, an entry an event; each once",
    .open = open_link,
    .send = send,
    .close = close_link,
};
