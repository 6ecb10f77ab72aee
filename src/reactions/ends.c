#include "reactions.h"

/*
 * Carts end by themselves: an open cart that nobody changes is abandoned, and one day it expires.
 * Its timer begins with the cart and is not touched by what is done with it: when it is due, the
 * cart says when it would end, as it is now. Mostly that is later.
 */

static int64_t find_shorter(int64_t left_us, int64_t right_us)
{
    if (left_us == 0 || right_us == 0)
        return left_us + right_us;
    return left_us < right_us ? left_us : right_us;
}

/* Nothing is due sooner after a change; 0: nothing ever is. */
static int64_t find_shortest(const struct cart_lifetimes *lifetimes)
{
    return find_shorter(
        find_shorter(lifetimes->abandoned_us, lifetimes->empty_us),
        find_shorter(lifetimes->guest_us, lifetimes->customer_us));
}

static void begin(const struct reaction_event *event, struct reaction_answer *answer)
{
    int64_t shortest_us = find_shortest(&answer->settings->lifetimes);
    if (shortest_us != 0)
        answer->wake_at_us = event->event->recorded_at_us + shortest_us;
}

static void end(
    const struct reaction_timer *timer, enum cart_command_type type, struct reaction_answer *answer)
{
    struct cart_command *command = base_arena_alloc(answer->arena, sizeof *command);
    struct cart_request *request = base_arena_alloc(answer->arena, sizeof *request);
    *command = (struct cart_command){.type = type};
    *request = (struct cart_request){
        .commands = command,
        .n_commands = 1,
        .caller = {.may_all = true},
        .asked_at_us = answer->now_us,
        .lifetimes = &answer->settings->lifetimes,
    };
    reaction_add_command(answer, &aggregate_cart, &timer->stream_id, request);
}

/* Somebody may change the cart before the command comes to it, which does nothing then. So it is
 * looked at again, when whatever that was could be due. */
static void look(const struct reaction_timer *timer, struct reaction_answer *answer)
{
    const struct cart_lifetimes *lifetimes = &answer->settings->lifetimes;
    struct cart_due due = cart_find_due(timer->state, lifetimes);
    if (due.at_us == CART_TIME_NONE)
        return;
    answer->wake_at_us = due.at_us;
    if (due.at_us > answer->now_us)
        return;
    end(timer, due.command, answer);
    answer->wake_at_us = answer->now_us + find_shortest(lifetimes);
}

const struct reaction reactions_ends = {
    .name = "ends",
    .aggregate = &aggregate_cart,
    .types = (const char *const[]){"CartCreated", "CartReopened", NULL},
    .answer = begin,
    .due = look,
};
