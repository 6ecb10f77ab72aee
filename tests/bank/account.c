#include "account.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Takes the place of the list in the library: cartd's own, and this one. */
const struct aggregate *const aggregates[] = {
    &aggregate_cart, &aggregate_product, &aggregate_customer, &aggregate_account};
const size_t aggregates_count = BASE_COUNT(aggregates);

static const char *const NAMES[] = {
    [ACCOUNT_OPENED] = "AccountOpened",
    [ACCOUNT_PAID] = "AccountPaid",
    [ACCOUNT_RECEIVED] = "AccountReceived",
};

static void begin(void *state)
{
    memset(state, 0, sizeof(struct account));
}

static int32_t version(const void *state)
{
    return ((const struct account *)state)->version;
}

static bool read_fact(const struct eventstore_event *event, struct base_arena *arena, void *fact)
{
    (void)arena; /* it has no texts elsewhere */
    struct account_fact read = {0};
    char other[BASE_UUID_SIZE];
    while (strcmp(event->type, NAMES[read.type]) != 0)
        if (++read.type == BASE_COUNT(NAMES))
            return false;
    /* As jsonb writes it: short names first. */
    if (sscanf(
            event->data,
            "{\"other\": \"%36[^\"]\", \"amount\": %" SCNd64 ", \"transfer\": \"%63[^\"]\"}", other,
            &read.amount, read.transfer) != 3 ||
        !base_uuid_parse(other, &read.other))
        return false;
    memcpy(fact, &read, sizeof read);
    return true;
}

static void evolve(void *state, const void *fact, int32_t of_version, int64_t recorded_at_us)
{
    struct account *account = state;
    const struct account_fact *what = fact;
    account->version = of_version;
    account->balance += what->type == ACCOUNT_PAID ? -what->amount : what->amount;
    if (what->type == ACCOUNT_OPENED)
        account->opened_at_us = recorded_at_us;
    if (what->type == ACCOUNT_RECEIVED)
        account->last_payer = what->other;
}

static void stamp(void *state, int64_t recorded_at_us)
{
    struct account *account = state;
    if (account->opened_at_us == CART_TIME_PENDING)
        account->opened_at_us = recorded_at_us;
}

/* ---- deciding -------------------------------------------------------------------------------- */

static bool opens(const void *command)
{
    return ((const struct account_command *)command)->type == ACCOUNT_OPEN;
}

static const struct base_uuid *find_paid(
    const struct account *payer, const struct account_command *command)
{
    static const struct base_uuid NOBODY;
    const struct base_uuid *paid =
        command->type == ACCOUNT_PAY_BACK ? &payer->last_payer : &command->to;
    return base_uuid_compare(paid, &NOBODY) == 0 ? NULL : paid;
}

static bool may_have_others(const void *command)
{
    return !opens(command);
}

static size_t boundary(
    const void *state, const void *command, const void *const *known, size_t n_known,
    struct aggregate_stream *others)
{
    (void)known; /* nobody else's state says whom */
    (void)n_known;
    const struct base_uuid *paid = opens(command) ? NULL : find_paid(state, command);
    if (paid == NULL)
        return 0;
    others[0] = (struct aggregate_stream){.aggregate = &aggregate_account, .id = *paid};
    return 1;
}

static struct account_fact make_fact(
    enum account_fact_type type, const struct account_command *command,
    const struct base_uuid *other)
{
    struct account_fact fact = {.type = type, .amount = command->amount, .other = *other};
    memcpy(fact.transfer, command->transfer, sizeof fact.transfer);
    return fact;
}

static void decide_transfer(
    const struct account *payer, const struct account *paid, const struct account_command *command,
    struct base_arena *arena, struct aggregate_decision *decision)
{
    bool is_there = paid != NULL && paid->version > 0;
    if (!is_there || payer->balance < command->amount) {
        decision->is_refused = true;
        decision->refusal = is_there ? ACCOUNT_TOO_POOR : ACCOUNT_NOT_FOUND;
        return;
    }
    struct account_fact *facts = base_arena_alloc(arena, 2 * sizeof *facts);
    struct aggregate_effect *effect = base_arena_alloc(arena, sizeof *effect);
    facts[0] = make_fact(ACCOUNT_PAID, command, find_paid(payer, command));
    facts[1] = make_fact(ACCOUNT_RECEIVED, command, &command->from);
    *effect = (struct aggregate_effect){.other = 0, .facts = &facts[1], .n_facts = 1};
    decision->facts = facts;
    decision->n_facts = 1;
    decision->effects = effect;
    decision->n_effects = 1;
}

static void decide(
    const void *state, const void *command, const struct aggregate_known *known,
    struct base_arena *arena, struct aggregate_decision *decision)
{
    const struct account *account = state;
    *decision = (struct aggregate_decision){.n_facts = 0};
    if (!opens(command)) {
        const void *paid = find_paid(account, command) == NULL ? NULL : known->others.states[0];
        decide_transfer(account, paid, command, arena, decision);
    } else if (account->version == 0) {
        struct account_fact *fact = base_arena_alloc(arena, sizeof *fact);
        *fact = make_fact(ACCOUNT_OPENED, command, &(struct base_uuid){{0}});
        decision->facts = fact;
        decision->n_facts = 1;
    }
}

static bool is_there(const void *state, const void *command)
{
    (void)command; /* anybody may */
    return version(state) > 0;
}

static struct aggregate_event_type event_type(const void *fact)
{
    return (struct aggregate_event_type){NAMES[((const struct account_fact *)fact)->type], 1};
}

static void write_fact(struct base_buffer *out, const void *fact)
{
    const struct account_fact *what = fact;
    char other[BASE_UUID_SIZE];
    base_uuid_format(&what->other, other);
    base_buffer_printf(
        out, "{\"other\":\"%s\",\"amount\":%" PRId64 ",\"transfer\":\"%s\"}", other, what->amount,
        what->transfer);
}

/* ---- the rest -------------------------------------------------------------------------------- */

static void copy(void *to, const void *from)
{
    memcpy(to, from, sizeof(struct account));
}

static size_t packed_size(const void *state)
{
    (void)state;
    return sizeof(struct account);
}

static const char *find_fault(const void *state, const struct base_uuid *id)
{
    (void)id; /* any may be an account's */
    return ((const struct account *)state)->balance < 0 ? "owes money" : NULL;
}

static void write_document(struct base_buffer *out, const struct base_uuid *id, const void *state)
{
    char text[BASE_UUID_SIZE];
    base_uuid_format(id, text);
    base_buffer_printf(
        out, "{\"id\":\"%s\",\"balance\":%" PRId64 "}", text,
        ((const struct account *)state)->balance);
}

static struct aggregate_times times(const void *state)
{
    return (struct aggregate_times){.created_at_us = ((const struct account *)state)->opened_at_us};
}

static void append_times(struct base_buffer *out, const struct aggregate_times *given)
{
    (void)out;
    (void)given;
}

const struct aggregate aggregate_account = {
    .stream_type = "account",
    .plural = "accounts",
    .state_size = sizeof(struct account),
    .fact_size = sizeof(struct account_fact),
    .begin = begin,
    .version = version,
    .read = read_fact,
    .evolve = evolve,
    .stamp = stamp,
    .may_have_others = may_have_others,
    .boundary = boundary,
    .decide = decide,
    .is_there = is_there,
    .creates = opens,
    .not_found = ACCOUNT_NOT_FOUND,
    .first_event = "AccountOpened",
    .event_type = event_type,
    .write = write_fact,
    .copy = copy,
    .packed_size = packed_size,
    .pack = copy,
    .fault = find_fault,
    .write_document = write_document,
    .times = times,
    .append_times = append_times,
};
