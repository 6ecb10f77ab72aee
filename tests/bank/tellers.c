#include "account.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "reactions.h"

/*
 * Reactions of the tests, in the place of the list in the library. A command that took effect twice
 * would be seen, for each moves money:
 *
 *   welcome     pays each account that is opened 1 from the treasury
 *   fee         has each account pay 1 to the treasury at EPOCH + its balance in seconds
 *   echo        opens another account for each payment whose name begins with "echo", with the
 *               balance that the payment left, and has it pay 1 to the treasury
 */
static const struct base_uuid TREASURY = {
    {0x7e, 0xa5, 0, 0, 0, 0, 0x40, 0, 0x80, 0, 0, 0, 0, 0, 0, 0}};
#define EPOCH_US INT64_C(4000000000000000)

static const char *const OPENED[] = {"AccountOpened", NULL};
static const char *const RECEIVED[] = {"AccountReceived", NULL};

static bool is_treasury(const struct base_uuid *id)
{
    return base_uuid_compare(id, &TREASURY) == 0;
}

static struct account_command *make_command(
    struct reaction_answer *answer, enum account_command_type type, const struct base_uuid *from,
    const char *name, const struct base_uuid *about)
{
    char text[BASE_UUID_SIZE];
    struct account_command *command = base_arena_alloc(answer->arena, sizeof *command);
    base_uuid_format(about, text);
    *command = (struct account_command){.type = type, .amount = 1, .from = *from};
    (void)snprintf(command->transfer, sizeof command->transfer, "%s-%s", name, text);
    reaction_add_command(answer, &aggregate_account, from, command);
    return command;
}

/* ---- welcome --------------------------------------------------------------------------------- */

static void welcome(const struct reaction_event *event, struct reaction_answer *answer)
{
    const struct base_uuid *opened = &event->event->stream_id;
    if (!is_treasury(opened))
        make_command(answer, ACCOUNT_PAY, &TREASURY, "welcome", opened)->to = *opened;
}

static const struct reaction reaction_welcome = {
    .name = "welcome",
    .aggregate = &aggregate_account,
    .types = OPENED,
    .answer = welcome,
};

/* ---- fee ------------------------------------------------------------------------------------- */

static void set_fee(const struct reaction_event *event, struct reaction_answer *answer)
{
    const struct account_fact *opened = event->fact;
    if (!is_treasury(&event->event->stream_id))
        answer->wake_at_us = EPOCH_US + opened->amount * 1000000;
}

static void take_fee(const struct reaction_timer *timer, struct reaction_answer *answer)
{
    const struct account *account = timer->state;
    int64_t due_at_us = EPOCH_US + account->balance * 1000000;
    if (due_at_us > answer->now_us)
        answer->wake_at_us = due_at_us;
    else
        make_command(answer, ACCOUNT_PAY, &timer->stream_id, "fee", &timer->stream_id)->to =
            TREASURY;
}

static bool expects_poverty(const struct reaction_command *command, int refusal)
{
    (void)command; /* each is a payment */
    return refusal == ACCOUNT_TOO_POOR;
}

static const struct reaction reaction_fee = {
    .name = "fee",
    .aggregate = &aggregate_account,
    .types = OPENED,
    .answer = set_fee,
    .due = take_fee,
    .expects = expects_poverty,
};

/* ---- echo ------------------------------------------------------------------------------------ */

static void echo(const struct reaction_event *event, struct reaction_answer *answer)
{
    const struct account_fact *received = event->fact;
    const struct account *account = event->state;
    if (strncmp(received->transfer, "echo", strlen("echo")) != 0)
        return;
    struct base_uuid opened =
        base_uuid_make_v5(&event->event->stream_id, received->transfer, strlen(received->transfer));
    make_command(answer, ACCOUNT_OPEN, &opened, "opened", &opened)->amount = account->balance;
    make_command(answer, ACCOUNT_PAY, &opened, "dues", &opened)->to = TREASURY;
}

static const struct reaction reaction_echo = {
    .name = "echo",
    .aggregate = &aggregate_account,
    .types = RECEIVED,
    .wants_state = true,
    .answer = echo,
};

const struct reaction *const reactions[] = {&reaction_welcome, &reaction_fee, &reaction_echo, NULL};
