#include "internal.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Fixed for all time: ids of commands in every log are made in it. */
static const struct base_uuid COMMAND_SPACE = {
    {0x6b, 0x1d, 0x0f, 0x52, 0xc3, 0x84, 0x4e, 0x97, 0xa2, 0x5e, 0x39, 0xd0, 0x17, 0xfb, 0x68,
     0x4c}};

void reaction_add_command(
    struct reaction_answer *answer, const struct aggregate *aggregate,
    const struct base_uuid *stream_id, const void *command)
{
    assert(answer->n_commands < REACTION_COMMANDS_MAX);
    answer->commands[answer->n_commands++] = (struct reaction_command){
        .aggregate = aggregate, .stream_id = *stream_id, .command = command};
}

struct codec_cause reactions_find_cause(
    struct base_arena *arena, const struct eventstore_event *event)
{
    char causation[BASE_UUID_SIZE];
    char correlation[BASE_UUID_SIZE];
    base_uuid_format(&event->command_id, causation);
    bool has_correlation = codec_read_correlation(event->metadata, correlation);
    return (struct codec_cause){
        .causation_id = base_arena_copy_text(arena, causation),
        .correlation_id = base_arena_copy_text(arena, has_correlation ? correlation : causation),
    };
}

/* ---- what became of it ----------------------------------------------------------------------- */

static const char *const OUTCOMES[] = {
    [SERVICE_DONE] = "was done",
    [SERVICE_REFUSED] = "was refused",
    [SERVICE_OTHER_TYPE] = "is for a stream of another type",
    [SERVICE_VERSION_MISMATCH] = "was for another version",
    [SERVICE_KEY_REUSED] = "has a key that was used before",
    [SERVICE_OVERLOADED] = "was rejected",
    [SERVICE_UNAVAILABLE] = "could not be recorded",
    [SERVICE_UNKNOWN] = "has an unknown outcome",
    [SERVICE_SHUTTING_DOWN] = "came too late",
    [SERVICE_FAILED] = "failed; cartd's log (command_failed) says so",
};

static void fail(struct reactions *self, const struct slot *slot)
{
    struct chunk *chunk = &self->chunk;
    const struct aggregate *aggregate = slot->wanted->aggregate;
    char stream[BASE_UUID_SIZE];
    char refusal[64] = "";
    metrics_add(self->options.metrics, METRICS_REACTION_COMMANDS_FAILED, 1);
    if (chunk->reason[0] != '\0')
        return; /* one is enough */
    base_uuid_format(&slot->wanted->stream_id, stream);
    if (slot->command.outcome == SERVICE_REFUSED && aggregate->refusal_name != NULL)
        (void)snprintf(
            refusal, sizeof refusal, ": %.60s", aggregate->refusal_name(slot->command.refusal));
    else if (slot->command.outcome == SERVICE_REFUSED)
        (void)snprintf(refusal, sizeof refusal, ": refusal %d", slot->command.refusal);
    (void)snprintf(
        chunk->reason, sizeof chunk->reason, "its command %d to %s %s %s%s",
        (int)(slot->wanted - slot->step->commands) + 1, aggregate->stream_type, stream,
        OUTCOMES[slot->command.outcome], refusal);
    chunk->reason_position = slot->step->position;
}

static void judge(struct reactions *self, const struct slot *slot)
{
    const struct reaction *reaction = self->chunk.reaction;
    struct metrics *metrics = self->options.metrics;
    switch (slot->command.outcome) {
    case SERVICE_DONE:
        slot->step->n_done++;
        metrics_add(metrics, METRICS_REACTION_COMMANDS_DONE, 1);
        return;
    case SERVICE_REFUSED:
        if (reaction->expects == NULL || !reaction->expects(slot->wanted, slot->command.refusal))
            break;
        slot->step->n_done++;
        metrics_add(metrics, METRICS_REACTION_COMMANDS_REFUSED, 1);
        return;
    case SERVICE_OVERLOADED:
    case SERVICE_UNAVAILABLE:
    case SERVICE_UNKNOWN:
    case SERVICE_SHUTTING_DOWN:
        self->chunk.has_trouble = true;
        return;
    case SERVICE_OTHER_TYPE:
    case SERVICE_VERSION_MISMATCH:
    case SERVICE_KEY_REUSED:
    case SERVICE_FAILED:
        break;
    }
    fail(self, slot);
}

static void answered(struct service_command *command)
{
    struct slot *slot = BASE_CONTAINER(command, struct slot, command);
    struct reactions *self = slot->reactions;
    judge(self, slot);
    base_buffer_finish(&command->body);
    slot->reactions = NULL;
    self->n_in_flight--;
    reactions_advance(self);
}

/* ---- on its way ------------------------------------------------------------------------------ */

static size_t find_room(const struct reactions *self)
{
    size_t n_others = service_waiting(self->options.service) - self->n_in_flight;
    return n_others > SERVICE_LOADED ? 1 : COMMANDS_IN_FLIGHT_MAX;
}

/* NULL: it has to wait for its turn, or for one to the same stream. */
static struct slot *find_slot(struct reactions *self, const struct base_uuid *stream_id)
{
    struct slot *found = NULL;
    if (self->n_in_flight >= find_room(self))
        return NULL;
    for (size_t i = 0; i < COMMANDS_IN_FLIGHT_MAX; i++) {
        struct slot *slot = &self->slots[i];
        if (slot->reactions == NULL)
            found = slot;
        else if (base_uuid_compare(&slot->wanted->stream_id, stream_id) == 0)
            return NULL;
    }
    return found;
}

/* What the command answers; the same whenever it is sent again. Tabs are in no key of a client. */
static void write_key(struct slot *slot, const struct reaction *reaction)
{
    const struct step *step = slot->step;
    size_t index = (size_t)(slot->wanted - step->commands);
    char stream[BASE_UUID_SIZE];
    base_uuid_format(&step->stream_id, stream);
    if (step->position > 0)
        (void)snprintf(
            slot->key, sizeof slot->key, "%s\t%" PRId64 "\t%zu", reaction->name, step->position,
            index);
    else
        (void)snprintf(
            slot->key, sizeof slot->key, "%s\t%s\t%" PRId64 "\t%zu", reaction->name, stream,
            step->due_at_us, index);
}

bool reactions_send_command(struct reactions *self, struct step *step)
{
    const struct reaction_command *wanted = &step->commands[step->n_sent];
    struct slot *slot = find_slot(self, &wanted->stream_id);
    if (slot == NULL)
        return false;
    *slot = (struct slot){.reactions = self, .step = step, .wanted = wanted};
    write_key(slot, self->chunk.reaction);
    (void)snprintf(slot->actor, sizeof slot->actor, "reaction:%s", self->chunk.reaction->name);
    slot->command = (struct service_command){
        .aggregate = wanted->aggregate,
        .stream_id = wanted->stream_id,
        .command = wanted->command,
        .key = slot->key,
        .key_scope_id = wanted->stream_id,
        .actor = slot->actor,
        .cause = step->cause,
        .has_own_id = true,
        .command_id = base_uuid_make_v5(&COMMAND_SPACE, slot->key, strlen(slot->key)),
        .answered = answered,
    };
    step->n_sent++;
    self->n_in_flight++;
    service_submit(self->options.service, &slot->command);
    return true;
}
