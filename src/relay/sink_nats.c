#include <nats/nats.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sink.h"

/*
 * JetStream, the streams of NATS: an event is a message to PREFIX.STREAM_TYPE.TYPE, so that
 * consumers choose by subject. The stream that takes these subjects is the operator's to make.
 *
 * `Nats-Msg-Id` is the id of the event, by which the stream refuses what it has had within its
 * window of duplicates. Each message of a batch expects the one before it to be the last: where one
 * is refused, none that follows is taken, and there is no hole. So one relay writes a stream.
 */

#define PORT 4222
#define ANSWER_MS 20000
#define CONNECT_MS 5000
#define SUBJECT_MAX 256

struct link {
    char *url;
    char *user;
    char *password;
    char *prefix;
    natsConnection *nats;
    jsCtx *stream;
    /* Written by a thread of the library's. */
    pthread_mutex_t lock;
    char refusal[RELAY_PROBLEM_SIZE]; /* the first of the batch; empty: there is none */
};

static void disconnect(struct link *link)
{
    jsCtx_Destroy(link->stream);
    natsConnection_Destroy(link->nats);
    link->stream = NULL;
    link->nats = NULL;
}

static size_t fail(struct link *link, char problem[static RELAY_PROBLEM_SIZE], const char *why)
{
    (void)snprintf(problem, RELAY_PROBLEM_SIZE, "%.200s", why);
    disconnect(link);
    return 0;
}

/* ---- connecting ------------------------------------------------------------------------------ */

static void note_refusal(jsCtx *stream, jsPubAckErr *error, void *context)
{
    (void)stream;
    struct link *link = context;
    const char *why = error->ErrText != NULL ? error->ErrText : natsStatus_GetText(error->Err);
    (void)pthread_mutex_lock(&link->lock);
    if (link->refusal[0] == '\0')
        (void)snprintf(link->refusal, sizeof link->refusal, "%.200s", why);
    (void)pthread_mutex_unlock(&link->lock);
}

static natsStatus set_options(const struct link *link, natsOptions *options)
{
    natsStatus status = natsOptions_SetURL(options, link->url);
    if (status == NATS_OK)
        status = natsOptions_SetTimeout(options, CONNECT_MS);
    if (status == NATS_OK)
        status = natsOptions_SetAllowReconnect(options, false); /* the relay tries again itself */
    if (status == NATS_OK && link->user != NULL)
        status = natsOptions_SetUserInfo(options, link->user, link->password);
    return status;
}

static natsStatus connect_link(struct link *link)
{
    natsOptions *options = NULL;
    jsOptions stream_options;
    natsStatus status = natsOptions_Create(&options);
    if (status == NATS_OK)
        status = set_options(link, options);
    if (status == NATS_OK)
        status = natsConnection_Connect(&link->nats, options);
    natsOptions_Destroy(options);
    if (status == NATS_OK)
        status = jsOptions_Init(&stream_options);
    if (status != NATS_OK)
        return status;
    stream_options.PublishAsync.ErrHandler = note_refusal;
    stream_options.PublishAsync.ErrHandlerClosure = link;
    return natsConnection_JetStream(&link->stream, link->nats, &stream_options);
}

/* ---- sending --------------------------------------------------------------------------------- */

/* PREFIX.cart.ItemAdded: the type of the event without its own prefix and version. */
static bool write_subject(
    const struct link *link, const struct relay_event *event, char subject[static SUBJECT_MAX])
{
    int n =
        snprintf(subject, SUBJECT_MAX, "%s.%s.%s", link->prefix, event->stream_type, event->type);
    return n > 0 && n < SUBJECT_MAX;
}

static natsStatus publish(
    const struct link *link, const struct relay_event *event, const struct relay_event *before)
{
    char subject[SUBJECT_MAX];
    natsMsg *message = NULL;
    jsPubOptions options;
    if (!write_subject(link, event, subject))
        return NATS_INVALID_SUBJECT;
    natsStatus status =
        natsMsg_Create(&message, subject, NULL, event->json, (int)event->json_length);
    if (status == NATS_OK)
        status = natsMsgHeader_Set(message, "content-type", "application/cloudevents+json");
    if (status == NATS_OK)
        status = jsPubOptions_Init(&options);
    if (status == NATS_OK) {
        options.MsgId = event->attributes.id;
        options.ExpectLastMsgId = before == NULL ? NULL : before->attributes.id;
        status = js_PublishMsgAsync(link->stream, &message, &options);
    }
    natsMsg_Destroy(message);
    return status;
}

static natsStatus wait_for_answers(const struct link *link)
{
    jsPubOptions options;
    natsStatus status = jsPubOptions_Init(&options);
    options.MaxWait = ANSWER_MS;
    return status == NATS_OK ? js_PublishAsyncComplete(link->stream, &options) : status;
}

static size_t send(
    void *context, const struct relay_event *events, size_t n,
    char problem[static RELAY_PROBLEM_SIZE])
{
    struct link *link = context;
    link->refusal[0] = '\0';
    natsStatus status = link->nats == NULL ? connect_link(link) : NATS_OK;
    for (size_t i = 0; i < n && status == NATS_OK; i++)
        status = publish(link, &events[i], i == 0 ? NULL : &events[i - 1]);
    if (status == NATS_OK)
        status = wait_for_answers(link);
    (void)pthread_mutex_lock(&link->lock);
    bool is_refused = link->refusal[0] != '\0';
    (void)pthread_mutex_unlock(&link->lock);
    if (is_refused)
        return fail(link, problem, link->refusal);
    return status == NATS_OK ? n : fail(link, problem, natsStatus_GetText(status));
}

/* ---- as a sink ------------------------------------------------------------------------------- */

static void *open_link(const struct relay_address *address, char **problem)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    bool is_prefix =
        address->path[0] != '\0' && address->path[strspn(address->path, allowed)] == '\0';
    if (address->host[0] == '\0' || !is_prefix) {
        *problem = base_copy_text(
            "the address needs a host and what subjects begin with: nats://HOST:PORT/PREFIX");
        return NULL;
    }
    struct link *link = base_alloc(sizeof *link);
    *link = (struct link){
        .url = base_print("nats://%s:%d", address->host, address->port != 0 ? address->port : PORT),
        .user = relay_copy(address->user),
        .password = relay_copy(address->password),
        .prefix = base_copy_text(address->path),
    };
    (void)pthread_mutex_init(&link->lock, NULL);
    return link;
}

static void close_link(void *context)
{
    struct link *link = context;
    disconnect(link);
    (void)pthread_mutex_destroy(&link->lock);
    free(link->url);
    free(link->user);
    free(link->password);
    free(link->prefix);
    free(link);
    nats_Close();
}

const struct relay_sink relay_sink_nats = {
    .scheme = "nats",
    .usage = "nats://[USER:PASSWORD@]HOST[:PORT]/PREFIX",
    .sentence = "a JetStream stream of NATS; each event once within its window of duplicates",
    .open = open_link,
    .send = send,
    .close = close_link,
};
