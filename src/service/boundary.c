#include "internal.h"

#include <stdlib.h>

/*
 * Commands that are about several streams. The batch has all of them (collect.c), so they are
 * decided together; and what a decision was about is tied together, so that the append accepts all
 * of it or nothing: also a refusal rests on every stream that was looked at.
 *
 * Which streams those are depends on the state, and what the batch has taken was a guess. Where the
 * guess was wrong, the command goes back with the right list.
 */

/* ---- ties ------------------------------------------------------------------------------------ */

bool batch_is_tied(const struct batch_stream *stream)
{
    return stream->tied_to != NULL;
}

bool batch_is_recorded(const struct batch_stream *stream)
{
    return stream->n_events > 0 || stream->n_keys > 0 || batch_is_tied(stream);
}

/* The stream that stands for all that are tied to it. */
static struct batch_stream *find_root(struct batch_stream *stream)
{
    while (stream->tied_to != stream)
        stream = stream->tied_to;
    return stream;
}

static struct batch_stream *begin_tie(struct batch_stream *stream)
{
    if (stream->tied_to == NULL)
        stream->tied_to = stream;
    return find_root(stream);
}

static void tie(struct batch *batch, struct batch_stream *left, struct batch_stream *right)
{
    begin_tie(left)->tied_to = begin_tie(right);
    batch->has_ties = true;
}

struct batch_stream *batch_find_tie(struct batch_stream *stream)
{
    return batch_is_tied(stream) ? find_root(stream) : stream;
}

/* ---- finding the others ---------------------------------------------------------------------- */

static int compare_id(const void *id, const void *element)
{
    const struct batch_stream *stream = element;
    return base_uuid_compare(id, &stream->load.id);
}

static struct batch_stream *find(const struct batch *batch, const struct aggregate_stream *wanted)
{
    struct batch_stream *found =
        bsearch(&wanted->id, batch->streams, batch->n_streams, sizeof *batch->streams, compare_id);
    return found == NULL || found->load.aggregate != wanted->aggregate ? NULL : found;
}

/* Whether another stream could be read; if not, the command's resolution is set. */
static bool is_readable(const struct batch_stream *other, struct batch_command *entry)
{
    switch (other->load.outcome) {
    case REPLAY_DONE:
        return true;
    case REPLAY_BAD_SNAPSHOT:
        entry->resolution = BATCH_RETRY;
        return false;
    case REPLAY_OTHER_TYPE:
        entry->command->outcome = SERVICE_OTHER_TYPE;
        entry->command->other_cart_id = other->load.id;
        return false;
    case REPLAY_MISSING:
    case REPLAY_UNREADABLE:
        entry->command->outcome = SERVICE_FAILED;
        return false;
    }
    return false;
}

/* Finds those behind the ones that were found before. False: they are not all there, and the
 * command's resolution is set. */
static bool find_further(
    struct batch *batch, struct batch_command *entry, size_t n_wanted, struct batch_others *others)
{
    const struct aggregate_stream *wanted = others->wanted;
    for (; others->n < n_wanted; others->n++) {
        struct batch_stream *other = find(batch, &wanted[others->n]);
        if (other == NULL) {
            service_set_boundary(entry->command, wanted, n_wanted);
            entry->resolution = BATCH_RETRY;
            return false;
        }
        if (!is_readable(other, entry))
            return false;
        others->streams[others->n] = other;
        others->states[others->n] = other->load.state;
    }
    return true;
}

bool boundary_find(
    struct batch *batch, struct batch_stream *stream, struct batch_command *entry,
    struct batch_others *others)
{
    const struct aggregate *aggregate = stream->load.aggregate;
    const void *command = entry->command->command;
    others->n = 0;
    if (aggregate->boundary == NULL || !aggregate->may_have_others(command))
        return true;
    size_t n_wanted = aggregate->boundary(stream->load.state, command, NULL, 0, others->wanted);
    while (others->n < n_wanted) {
        if (!find_further(batch, entry, n_wanted, others))
            return false;
        n_wanted = aggregate->boundary(
            stream->load.state, command, others->states, others->n, others->wanted);
    }
    n_wanted = needs_list_others(entry->command, others->wanted, n_wanted);
    if (!find_further(batch, entry, n_wanted, others))
        return false;
    for (size_t i = 0; i < others->n; i++) {
        tie(batch, stream, others->streams[i]);
        others->streams[i]->n_sharing++;
    }
    return true;
}
