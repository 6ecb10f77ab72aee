#include "internal.h"

#include <stdlib.h>

/*
 * What an answer still needs from the log when its outcome is known already: the cart as it was at
 * a version, or the events that a client has missed. Each is asked for and answered by itself,
 * beside the batches.
 */
struct answer {
    struct service *service;
    struct service_command *command;
    struct postgres_pipeline pipeline;
    struct replay_history history;
};

static struct answer *make_answer(struct service *service, struct service_command *command)
{
    struct answer *answer = base_alloc(sizeof *answer);
    *answer = (struct answer){.service = service, .command = command};
    postgres_pipeline_begin(&answer->pipeline);
    return answer;
}

/* True when the rows are there; else the command has been taken care of. */
static bool is_read(struct answer *answer)
{
    struct service_command *command = answer->command;
    switch (answer->pipeline.outcome) {
    case POSTGRES_DONE:
    case POSTGRES_UNACKNOWLEDGED: /* a read commits nothing */
        return true;
    case POSTGRES_AGAIN:
    case POSTGRES_UNAVAILABLE:
    case POSTGRES_UNKNOWN:
        service_requeue(answer->service, command);
        return false;
    case POSTGRES_UNABLE:
        /* What is recorded is only not read. */
        command->outcome = command->outcome == SERVICE_DONE ? SERVICE_UNKNOWN : SERVICE_UNAVAILABLE;
        service_answer(answer->service, command);
        return false;
    case POSTGRES_VIOLATED:
    case POSTGRES_FAILED:
        break;
    }
    command->outcome = SERVICE_FAILED;
    service_answer(answer->service, command);
    return false;
}

static void end_answer(struct answer *answer)
{
    postgres_pipeline_finish(&answer->pipeline);
    free(answer);
}

/* ---- the answer at a version ----------------------------------------------------------------- */

static void history_read(struct replay_history *history)
{
    struct answer *answer = BASE_CONTAINER(history, struct answer, history);
    struct service_command *command = answer->command;
    bool may_be_read_later = history->outcome == REPLAY_FAILED && history->failure != BASE_BROKEN;
    if (history->outcome == REPLAY_FOUND) {
        command->body.length = 0;
        aggregate_write_document(
            &command->body, command->aggregate, &command->stream_id, history->state);
        service_answer(answer->service, command);
    } else if (may_be_read_later) {
        service_requeue(answer->service, command);
    } else {
        command->outcome = SERVICE_FAILED;
        service_answer(answer->service, command);
    }
    end_answer(answer);
}

void answer_from_log(struct service *service, struct service_command *command)
{
    if (!command->wants_body) {
        service_answer(service, command);
        return;
    }
    struct answer *answer = make_answer(service, command);
    answer->history = (struct replay_history){
        .aggregate = command->aggregate,
        .stream_id = command->stream_id,
        .at_version = command->version,
        .answered = history_read,
    };
    replay_history_read(&answer->history, service->side, service->options.log);
}

/* ---- missed events --------------------------------------------------------------------------- */

static void missed_read(struct postgres_pipeline *pipeline)
{
    struct answer *answer = BASE_CONTAINER(pipeline, struct answer, pipeline);
    struct service_command *command = answer->command;
    if (is_read(answer)) {
        const struct postgres_rows *rows = postgres_pipeline_rows(pipeline, 0);
        base_buffer_append_char(&command->body, '[');
        for (size_t row = 0; row < postgres_rows_count(rows); row++) {
            struct eventstore_event event;
            eventstore_receive_event(rows, row, &event);
            if (event.version > command->version)
                break;
            if (row > 0)
                base_buffer_append_char(&command->body, ',');
            codec_write_event(
                &command->body, &(struct codec_event){
                                    .position = event.position,
                                    .stream_type = event.stream_type,
                                    .stream_id = event.stream_id,
                                    .version = event.version,
                                    .type = event.type,
                                    .schema_version = event.schema_version,
                                    .recorded_at_us = event.recorded_at_us,
                                    .data = event.data,
                                    .metadata = event.metadata,
                                });
        }
        base_buffer_append_char(&command->body, ']');
        service_answer(answer->service, command);
    }
    end_answer(answer);
}

/* The newest version that the client says it knows and that was; 0: it named none. */
static int32_t known_version(const struct service_command *command)
{
    int32_t known = 0;
    for (size_t i = 0; i < command->n_match_versions; i++)
        if (command->match_versions[i] < command->version && command->match_versions[i] > known)
            known = command->match_versions[i];
    return known;
}

void answer_missed_events(struct service *service, struct service_command *command)
{
    int32_t known = known_version(command);
    if (known == 0 || command->hides_events) {
        base_buffer_append_text(&command->body, "[]");
        service_answer(service, command);
        return;
    }
    struct answer *answer = make_answer(service, command);
    eventstore_ask_stream_after(&answer->pipeline, &command->stream_id, known, MISSED_EVENTS_MAX);
    answer->pipeline.answered = missed_read;
    postgres_send(service->side, &answer->pipeline);
}
