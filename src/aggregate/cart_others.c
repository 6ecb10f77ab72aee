#include "cart_others.h"

#include <assert.h>
#include <string.h>

#include "cart_coupons.h"
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

/* Whether it names the cart that is merged, or was. */
static bool is_merge(const struct cart_command *command)
{
    return command->type == CART_COMMAND_MERGE || command->type == CART_COMMAND_REVERT_MERGE;
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
        if (may_reach(request, &request->commands[i]) || is_merge(&request->commands[i]) ||
            cart_coupons_may_be(&request->commands[i]))
            return true;
    return false;
}

static size_t find_customer(
    const struct aggregate_stream *others, size_t n, const char *customer_id)
{
    struct base_uuid id = aggregate_customer_id(customer_id);
    return aggregate_find_stream(others, n, &id);
}

static size_t find_cart(const struct aggregate_stream *others, size_t n)
{
    size_t i = 0;
    while (i < n && others[i].aggregate != &aggregate_cart)
        i++;
    return i;
}

static size_t add_customer(struct aggregate_stream *others, size_t n, const char *customer_id)
{
    if (customer_id == NULL)
        return n;
    return aggregate_add_stream(
        others, n,
        (struct aggregate_stream){&aggregate_customer, aggregate_customer_id(customer_id)});
}

/* The cart that the customer has open, where a claim merges that; NULL: none, or not known yet. */
static const char *find_open_cart(
    const struct cart *cart, const struct cart_command *command,
    const struct aggregate_stream *others, const void *const *known, size_t n_known)
{
    if (command->type != CART_COMMAND_CLAIM || !command->claim.has_merge ||
        cart->customer_id != NULL)
        return NULL;
    size_t i = find_customer(others, n_known, command->claim.customer_id);
    return i == n_known ? NULL : ((const struct customer *)known[i])->open_cart_id;
}

/* A list of commands has no merge and no claim, so that there is one at most. */
static size_t add_merged(
    const struct cart *cart, const struct cart_command *command, const void *const *known,
    size_t n_known, struct aggregate_stream *others, size_t n)
{
    struct aggregate_stream other = {.aggregate = &aggregate_cart};
    const char *cart_id = is_merge(command) ? command->merge.from
                                            : find_open_cart(cart, command, others, known, n_known);
    if (cart_id == NULL || !base_uuid_parse(cart_id, &other.id))
        return n;
    return aggregate_add_stream(others, n, other);
}

size_t cart_others_list(
    const struct cart *cart, const struct cart_request *request, const void *const *known,
    size_t n_known, struct aggregate_stream *others)
{
    size_t n = 0;
    for (size_t i = 0; i < request->n_commands; i++) {
        const struct cart_command *command = &request->commands[i];
        if (may_reach(request, command))
            n = add_customer(others, n, find_customer_of(cart, command));
        n = add_merged(cart, command, known, n_known, others, n);
    }
    size_t index = find_cart(others, n);
    if (index < n && index < n_known) {
        const struct cart *merged = known[index];
        const struct cart_command *command = &request->commands[0];
        n = add_customer(others, n, merged->customer_id);
        if (command->type != CART_COMMAND_REVERT_MERGE)
            n = cart_coupons_list_merged(merged, find_customer_of(cart, command), others, n);
    }
    return cart_coupons_list(cart, request, others, n);
}

/* ---- the cart that is merged ----------------------------------------------------------------- */

static bool admits(
    const struct cart *cart, const struct cart_command *command, const struct cart_caller *caller)
{
    struct cart_caller guest = {.may_all = false};
    if (cart_admits(cart->customer_id, cart->guest_token_hash, caller))
        return true;
    if (!is_merge(command) || command->merge.from_token == NULL)
        return false;
    base_sha256_hex(command->merge.from_token, guest.guest_token_hash);
    return cart_admits(cart->customer_id, cart->guest_token_hash, &guest);
}

const struct cart *cart_others_find_merged(
    const struct cart_request *request, const struct cart_command *command,
    const struct aggregate_others *others, struct base_arena *arena, const char **cart_id)
{
    size_t i = find_cart(others->streams, others->n);
    if (i == others->n)
        return NULL;
    const struct cart *merged = others->states[i];
    if (merged->version == 0 || !admits(merged, command, &request->caller))
        return NULL;
    *cart_id = base_uuid_text(arena, &others->streams[i].id);
    return merged;
}

void cart_others_add_merged(
    const struct aggregate_others *others, const struct cart_event *fact, struct base_arena *arena,
    struct aggregate_decision *decision)
{
    struct cart_event *copy = base_arena_alloc(arena, sizeof *copy);
    struct aggregate_effect *effect = base_arena_alloc(arena, sizeof *effect);
    *copy = *fact;
    *effect = (struct aggregate_effect){
        .other = find_cart(others->streams, others->n), .facts = copy, .n_facts = 1};
    decision->effects = effect;
    decision->n_effects = 1;
}

/* ---- what becomes of the customers ----------------------------------------------------------- */

/* A cart that may have got another owner, or ended, or opened. */
struct owned {
    const char *cart_id;
    const char *former; /* whose open cart it was; NULL: nobody's */
    const char *owner;  /* whose it is */
};

struct work {
    const struct cart_request *request;
    struct base_arena *arena;
    struct aggregate_decision *decision;
    const struct aggregate_stream *others;
    const void *states[AGGREGATE_BOUNDARY_MAX]; /* with what is decided so far */
    size_t n_others;
    struct aggregate_effect *effects; /* room for one of each */
};

/* Of each customer at the most that one cart ends and that another opens. */
enum { CUSTOMER_FACTS_MAX = 2 };

static struct aggregate_effect *find_effect(struct work *work, size_t other)
{
    struct aggregate_decision *decision = work->decision;
    for (size_t i = 0; i < decision->n_effects; i++)
        if (work->effects[i].other == other)
            return &work->effects[i];
    struct aggregate_effect *effect = &work->effects[decision->n_effects++];
    *effect = (struct aggregate_effect){
        .other = other,
        .facts = base_arena_alloc(work->arena, CUSTOMER_FACTS_MAX * sizeof(struct customer_event)),
    };
    return effect;
}

static void add_fact(struct work *work, size_t other, const struct customer_event *fact)
{
    struct aggregate_effect *effect = find_effect(work, other);
    struct customer_event *facts = (struct customer_event *)effect->facts;
    struct customer *customer = base_arena_alloc(work->arena, sizeof *customer);
    assert(effect->n_facts < CUSTOMER_FACTS_MAX);
    facts[effect->n_facts++] = *fact;
    *customer = *(const struct customer *)work->states[other];
    customer_evolve(customer, fact, CART_TIME_PENDING);
    work->states[other] = customer;
}

static void close_cart(struct work *work, const struct owned *cart)
{
    struct customer_event fact;
    if (cart->former == NULL || cart_is_same_text(cart->former, cart->owner))
        return;
    size_t other = find_customer(work->others, work->n_others, cart->former);
    if (other < work->n_others &&
        customer_close_cart(work->states[other], cart->cart_id, &fact) == CUSTOMER_ACCEPTED)
        add_fact(work, other, &fact);
}

static size_t find_opening(const struct cart_request *request)
{
    size_t i = 0;
    while (i + 1 < request->n_commands && !may_open(&request->commands[i]))
        i++;
    return i;
}

static void refuse_opening(struct work *work, const struct customer *customer)
{
    *work->decision = (struct aggregate_decision){
        .is_refused = true,
        .refusal = CART_REFUSED_OPEN_CART_EXISTS,
        .command_index = find_opening(work->request),
        .closed_at_us = CART_TIME_NONE,
    };
    if (!base_uuid_parse(customer->open_cart_id, &work->decision->other_cart_id))
        work->decision->other_cart_id = (struct base_uuid){{0}}; /* no cart of ours has that id */
}

static void open_cart(struct work *work, const struct owned *cart)
{
    struct customer_event fact;
    if (!work->request->has_one_open_cart || cart->owner == NULL ||
        cart_is_same_text(cart->former, cart->owner))
        return;
    size_t other = find_customer(work->others, work->n_others, cart->owner);
    if (other == work->n_others)
        return;
    switch (customer_open_cart(work->states[other], cart->owner, cart->cart_id, &fact)) {
    case CUSTOMER_ACCEPTED:
        add_fact(work, other, &fact);
        break;
    case CUSTOMER_ALREADY_SO:
        break;
    case CUSTOMER_HAS_OPEN_CART:
        refuse_opening(work, work->states[other]);
        break;
    }
}

/* Who has it as an open cart; NULL: nobody. */
static const char *find_owner(const struct cart *cart)
{
    return cart->status == CART_OPEN ? cart->customer_id : NULL;
}

static struct owned compare(
    const struct base_uuid *cart_id, const struct cart *before, const struct cart *after,
    struct base_arena *arena)
{
    return (struct owned){
        .cart_id = base_uuid_text(arena, cart_id),
        .former = find_owner(before),
        .owner = find_owner(after),
    };
}

/* Of the cart that is merged. */
static struct owned compare_merged(const struct work *work)
{
    const struct aggregate_effect *effect = &work->effects[0];
    const struct cart *before = work->states[effect->other];
    struct cart *after = base_arena_alloc(work->arena, sizeof *after);
    cart_copy(after, before);
    cart_evolve(after, effect->facts, CART_TIME_PENDING);
    return compare(&work->others[effect->other].id, before, after, work->arena);
}

static void settle_coupons(
    struct work *work, const struct cart *before, const struct cart *after, const char *cart_id)
{
    const struct aggregate_others others = {
        .n = work->n_others, .streams = work->others, .states = work->states};
    struct cart_effects effects = {
        .arena = work->arena,
        .others = &others,
        .cart_id = cart_id,
        .list = work->effects,
        .n = work->decision->n_effects,
    };
    cart_coupons_settle(before, after, work->request->asked_at_us, &effects);
    work->decision->n_effects = effects.n;
}

void cart_others_decide(
    const struct cart *before, const struct cart *after, const struct cart_request *request,
    const struct aggregate_known *known, struct base_arena *arena,
    struct aggregate_decision *decision)
{
    const struct aggregate_others *others = &known->others;
    struct work work = {
        .request = request,
        .arena = arena,
        .decision = decision,
        .others = others->streams,
        .n_others = others->n,
    };
    if (others->n == 0)
        return;
    memcpy(work.states, others->states, others->n * sizeof work.states[0]);
    work.effects =
        base_arena_alloc(arena, (work.n_others + CART_COUPON_EFFECTS_MAX) * sizeof *work.effects);
    struct owned carts[2] = {compare(known->stream_id, before, after, arena)};
    size_t n_carts = 1;
    if (decision->n_effects > 0) {
        work.effects[0] = decision->effects[0];
        carts[n_carts++] = compare_merged(&work);
    }
    for (size_t i = 0; i < n_carts; i++)
        close_cart(&work, &carts[i]);
    for (size_t i = 0; i < n_carts && !decision->is_refused; i++)
        open_cart(&work, &carts[i]);
    if (decision->is_refused)
        return;
    decision->effects = work.effects;
    settle_coupons(&work, before, after, carts[0].cart_id);
}
