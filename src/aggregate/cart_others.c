#include "cart_others.h"

#include <assert.h>
#include <string.h>

#include "customer.h"

/* ---- which they are -------------------------------------------------------------------------- */

/* Whether a command may add the cart to the set of its customer's open carts, or take it out. */
static bool may_open(const struct cart_command *command)
{
    return command->type == CART_COMMAND_CREATE || command->type == CART_COMMAND_CLAIM ||
           command->type == CART_COMMAND_REOPEN;
}

static bool may_close(const struct cart_command *command)
{
    return command->type == CART_COMMAND_CHECK_OUT || command->type == CART_COMMAND_CANCEL ||
           command->type == CART_COMMAND_EXPIRE;
}

/* Whose set it is; NULL: nobody's. */
static const char *find_customer_of(const struct cart *cart, const struct cart_command *command)
{
    if (command->type == CART_COMMAND_CREATE)
        return command->create.customer_id;
    return command->type == CART_COMMAND_CLAIM ? command->claim.customer_id : cart->customer_id;
}

static bool may_reach(const struct cart_request *request, const struct cart_command *command)
{
    return may_close(command) || (request->has_one_open_cart && may_open(command));
}

bool cart_others_may_be(const struct cart_request *request)
{
    for (size_t i = 0; i < request->n_commands; i++)
        if (may_reach(request, &request->commands[i]))
            return true;
    return false;
}

static size_t find(const struct aggregate_stream *others, size_t n, const struct base_uuid *id)
{
    size_t i = 0;
    while (i < n && base_uuid_compare(&others[i].id, id) != 0)
        i++;
    return i;
}

static size_t add_customer(struct aggregate_stream *others, size_t n, const char *customer_id)
{
    if (customer_id == NULL)
        return n;
    struct base_uuid id = aggregate_customer_id(customer_id);
    if (find(others, n, &id) < n)
        return n;
    assert(n < AGGREGATE_BOUNDARY_MAX);
    others[n] = (struct aggregate_stream){&aggregate_customer, id};
    return n + 1;
}

size_t cart_others_list(
    const struct cart *cart, const struct cart_request *request, struct aggregate_stream *others)
{
    size_t n = 0;
    for (size_t i = 0; i < request->n_commands; i++) {
        const struct cart_command *command = &request->commands[i];
        if (may_reach(request, command))
            n = add_customer(others, n, find_customer_of(cart, command));
    }
    return n;
}

/* ---- what becomes of them -------------------------------------------------------------------- */

struct work {
    const struct cart_request *request;
    const struct aggregate_known *known;
    struct base_arena *arena;
    struct aggregate_decision *decision;
    struct aggregate_stream others[AGGREGATE_BOUNDARY_MAX];
    size_t n_others;
    struct aggregate_effect *effects; /* room for one of each */
    const char *cart_id;
};

static size_t find_customer(const struct work *work, const char *customer_id)
{
    struct base_uuid id = aggregate_customer_id(customer_id);
    return find(work->others, work->n_others, &id);
}

/* Each of the others has one fact at the most. */
static void add_effect(struct work *work, size_t other, const void *fact)
{
    struct aggregate_decision *decision = work->decision;
    work->effects[decision->n_effects++] =
        (struct aggregate_effect){.other = other, .facts = fact, .n_facts = 1};
    decision->effects = work->effects;
}

static void close_cart(struct work *work, const char *customer_id)
{
    size_t other = find_customer(work, customer_id);
    if (other == work->n_others)
        return;
    struct customer_event *fact = base_arena_alloc(work->arena, sizeof *fact);
    if (customer_close_cart(work->known->others[other], work->cart_id, fact) == CUSTOMER_ACCEPTED)
        add_effect(work, other, fact);
}

static size_t find_opening(const struct cart_request *request)
{
    size_t i = 0;
    while (i + 1 < request->n_commands && !may_open(&request->commands[i]))
        i++;
    return i;
}

static void open_cart(struct work *work, const char *customer_id)
{
    size_t other = find_customer(work, customer_id);
    if (!work->request->has_one_open_cart || other == work->n_others)
        return;
    const struct customer *customer = work->known->others[other];
    struct customer_event *fact = base_arena_alloc(work->arena, sizeof *fact);
    switch (customer_open_cart(customer, customer_id, work->cart_id, fact)) {
    case CUSTOMER_ACCEPTED:
        add_effect(work, other, fact);
        break;
    case CUSTOMER_ALREADY_SO:
        break;
    case CUSTOMER_HAS_OPEN_CART:
        *work->decision = (struct aggregate_decision){
            .is_refused = true,
            .refusal = CART_REFUSED_OPEN_CART_EXISTS,
            .command_index = find_opening(work->request),
            .closed_at_us = CART_TIME_NONE,
        };
        if (!base_uuid_parse(customer->open_cart_id, &work->decision->other_cart_id))
            work->decision->other_cart_id =
                (struct base_uuid){{0}}; /* no cart of ours has that id */
        break;
    }
}

/* Who has it as an open cart; NULL: nobody. */
static const char *find_owner(const struct cart *cart)
{
    return cart->status == CART_OPEN ? cart->customer_id : NULL;
}

void cart_others_decide(
    const struct cart *before, const struct cart *after, const struct cart_request *request,
    const struct aggregate_known *known, struct base_arena *arena,
    struct aggregate_decision *decision)
{
    struct work work = {.request = request, .known = known, .arena = arena, .decision = decision};
    work.n_others = cart_others_list(before, request, work.others);
    if (work.n_others == 0)
        return;
    char cart_id[BASE_UUID_SIZE];
    base_uuid_format(known->stream_id, cart_id);
    work.cart_id = base_arena_copy_text(arena, cart_id);
    work.effects = base_arena_alloc(arena, work.n_others * sizeof *work.effects);
    const char *former = find_owner(before);
    const char *owner = find_owner(after);
    if (cart_is_same_text(former, owner))
        return;
    if (former != NULL)
        close_cart(&work, former);
    if (owner != NULL)
        open_cart(&work, owner);
}
