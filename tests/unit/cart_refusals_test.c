#include "cart_scene.h"

/* Every refusal, which of several wins, the edges of numbers, and a long random walk. */

static struct cart cart;

/* ---- every refusal --------------------------------------------------------------------------- */

START_TEST(a_cart_that_does_not_exist_takes_no_command_but_create)
{
    const struct cart_command commands[] = {
        add_item("tea", 1), change_item_quantity("tea", 1),
        remove_item("tea"), clear_items(),
        check_out(),        cancel(),
        claim_for("ada"),
    };
    cart_clear(&cart);
    for (size_t i = 0; i < BASE_COUNT(commands); i++)
        then_refused(when(&cart, commands[i], priced(1)), CART_REFUSED_NOT_FOUND);
}
END_TEST

START_TEST(a_cart_is_created_once)
{
    GIVEN(&cart, created());
    then_refused(when(&cart, create(), unknown()), CART_REFUSED_ALREADY_EXISTS);
    GIVEN(&cart, created(), cancelled());
    then_refused(when(&cart, create(), unknown()), CART_REFUSED_ALREADY_EXISTS);
}
END_TEST

START_TEST(a_closed_cart_refuses_every_command)
{
    const struct cart_command commands[] = {
        add_item("tea", 1),
        add_item("new", 1),
        change_item_quantity("tea", 1),
        change_item_quantity("tea", 2),
        remove_item("tea"),
        clear_items(),
        cancel(),
        claim_for("ada"),
        claim_for("bob"),
    };
    for (size_t i = 0; i < BASE_COUNT(commands); i++) {
        GIVEN(&cart, created(), item_added("tea", 2, 499), checked_out(998, 2));
        then_refused(when(&cart, commands[i], priced(1)), CART_REFUSED_IS_CLOSED);
        GIVEN(&cart, created(), item_added("tea", 2, 499), cancelled());
        if (commands[i].type == CART_COMMAND_CANCEL)
            then_already_so(when(&cart, commands[i], priced(1)));
        else
            then_refused(when(&cart, commands[i], priced(1)), CART_REFUSED_IS_CLOSED);
    }
    GIVEN(&cart, created(), item_added("tea", 2, 499), cancelled());
    then_refused(when(&cart, check_out(), unknown()), CART_REFUSED_IS_CLOSED);
}
END_TEST

START_TEST(a_cart_is_checked_out_for_one_order)
{
    static const char *const others[] = {"order-2", "order-10", "order-", "Order-1"};
    for (size_t i = 0; i < BASE_COUNT(others); i++) {
        GIVEN(&cart, created(), item_added("tea", 2, 499), checked_out_as("order-1"));
        then_refused(
            when(&cart, check_out_as(others[i]), unknown()), CART_REFUSED_OTHER_ORDER_REFERENCE);
    }
    GIVEN(&cart, created(), item_added("tea", 2, 499), checked_out_as(NULL));
    then_refused(
        when(&cart, check_out_as("order-1"), unknown()), CART_REFUSED_OTHER_ORDER_REFERENCE);
}
END_TEST

START_TEST(another_total_than_it_was_checked_out_at_is_refused)
{
    GIVEN(&cart, created(), item_added("tea", 2, 499), checked_out_as("order-1"));
    then_refused(when(&cart, check_out_expecting(997), unknown()), CART_REFUSED_TOTAL_CHANGED);
    struct cart_command both = check_out_as("order-2");
    both.check_out.has_expected_total = true;
    then_refused(when(&cart, both, unknown()), CART_REFUSED_OTHER_ORDER_REFERENCE);
}
END_TEST

START_TEST(an_item_must_be_there_to_be_changed_or_removed)
{
    GIVEN(&cart, created(), item_added("tea", 2, 499));
    then_refused(
        when(&cart, change_item_quantity("cup", 1), unknown()), CART_REFUSED_ITEM_NOT_IN_CART);
    then_refused(
        when(&cart, change_item_quantity("cup", 0), unknown()), CART_REFUSED_ITEM_NOT_IN_CART);
    then_refused(when(&cart, remove_item("cup"), unknown()), CART_REFUSED_ITEM_NOT_IN_CART);
    GIVEN(&cart, created(), item_added("tea", 2, 499), item_removed("tea", 2));
    then_refused(when(&cart, remove_item("tea"), unknown()), CART_REFUSED_ITEM_NOT_IN_CART);
}
END_TEST

START_TEST(an_unknown_sku_is_refused_also_when_its_line_is_there)
{
    GIVEN(&cart, created(), item_added("tea", 2, 499));
    then_refused(when(&cart, add_item("cup", 1), unknown()), CART_REFUSED_UNKNOWN_SKU);
    then_refused(when(&cart, add_item("tea", 1), unknown()), CART_REFUSED_UNKNOWN_SKU);
}
END_TEST

START_TEST(a_sku_without_a_price_in_the_carts_currency_is_refused)
{
    GIVEN(&cart, created());
    then_refused(when(&cart, add_item("cup", 1), unpriced()), CART_REFUSED_PRICE_UNAVAILABLE);
}
END_TEST

START_TEST(a_line_holds_999_and_not_1000)
{
    GIVEN(&cart, created(), item_added("tea", 990, 1));
    (void)then_event(when(&cart, add_item("tea", 9), priced(1)), CART_EVENT_ITEM_ADDED);
    then_refused(when(&cart, add_item("tea", 10), priced(1)), CART_REFUSED_QUANTITY_OUT_OF_RANGE);
    (void)then_event(when(&cart, add_item("cup", 999), priced(1)), CART_EVENT_ITEM_ADDED);
    then_refused(when(&cart, add_item("cup", 1000), priced(1)), CART_REFUSED_QUANTITY_OUT_OF_RANGE);
    then_refused(
        when(&cart, add_item("tea", INT32_MAX), priced(1)), CART_REFUSED_QUANTITY_OUT_OF_RANGE);
    then_refused(when(&cart, add_item("cup", -1), priced(1)), CART_REFUSED_QUANTITY_OUT_OF_RANGE);
    then_refused(
        when(&cart, change_item_quantity("tea", 1000), priced(1)),
        CART_REFUSED_QUANTITY_OUT_OF_RANGE);
    then_refused(
        when(&cart, change_item_quantity("tea", -1), unknown()),
        CART_REFUSED_QUANTITY_OUT_OF_RANGE);
}
END_TEST

START_TEST(a_cart_holds_250_lines_and_not_251)
{
    given_full_cart(&cart);
    then_refused(when(&cart, add_item("new", 1), priced(1)), CART_REFUSED_IS_FULL);
    struct cart_event event = item_removed("line-0", 1);
    cart_evolve(&cart, &event, 1);
    (void)then_event(when(&cart, add_item("new", 1), priced(1)), CART_EVENT_ITEM_ADDED);
}
END_TEST

START_TEST(an_empty_cart_can_not_be_checked_out)
{
    GIVEN(&cart, created());
    then_refused(when(&cart, check_out(), unknown()), CART_REFUSED_IS_EMPTY);
    GIVEN(&cart, created(), item_added("tea", 2, 499), cleared());
    then_refused(when(&cart, check_out(), unknown()), CART_REFUSED_IS_EMPTY);
}
END_TEST

START_TEST(another_total_than_expected_refuses_the_checkout)
{
    GIVEN(&cart, created(), item_added("tea", 2, 499));
    then_refused(when(&cart, check_out_expecting(997), unknown()), CART_REFUSED_TOTAL_CHANGED);
    then_refused(when(&cart, check_out_expecting(0), unknown()), CART_REFUSED_TOTAL_CHANGED);
}
END_TEST

/* ---- the edges of amounts -------------------------------------------------------------------- */

START_TEST(a_line_reaches_the_largest_amount_and_not_one_more)
{
    GIVEN(&cart, created());
    (void)then_event(when(&cart, add_item("a", 1), priced(CART_AMOUNT_MAX)), CART_EVENT_ITEM_ADDED);
    then_refused(
        when(&cart, add_item("a", 1), priced(CART_AMOUNT_MAX + 1)), CART_REFUSED_AMOUNT_TOO_LARGE);
    int64_t most_minor = CART_AMOUNT_MAX / 999;
    (void)then_event(when(&cart, add_item("a", 999), priced(most_minor)), CART_EVENT_ITEM_ADDED);
    then_refused(
        when(&cart, add_item("a", 999), priced(most_minor + 1)), CART_REFUSED_AMOUNT_TOO_LARGE);
}
END_TEST

START_TEST(a_product_that_overflows_64_bits_is_refused)
{
    GIVEN(&cart, created());
    then_refused(when(&cart, add_item("a", 999), priced(INT64_MAX)), CART_REFUSED_AMOUNT_TOO_LARGE);
    /* 4 * 2^62 is 0 when it wraps. */
    then_refused(
        when(&cart, add_item("a", 4), priced(INT64_C(1) << 62)), CART_REFUSED_AMOUNT_TOO_LARGE);
}
END_TEST

START_TEST(the_carts_total_reaches_the_largest_amount_and_not_one_more)
{
    GIVEN(&cart, created(), item_added("a", 1, CART_AMOUNT_MAX - 10));
    (void)then_event(when(&cart, add_item("b", 1), priced(10)), CART_EVENT_ITEM_ADDED);
    then_refused(when(&cart, add_item("b", 1), priced(11)), CART_REFUSED_AMOUNT_TOO_LARGE);
    then_refused(when(&cart, add_item("b", 2), priced(6)), CART_REFUSED_AMOUNT_TOO_LARGE);
}
END_TEST

START_TEST(a_new_price_counts_for_the_whole_line_when_amounts_are_checked)
{
    GIVEN(&cart, created(), item_added("a", 1, CART_AMOUNT_MAX - 10), item_added("b", 1, 10));
    then_refused(when(&cart, add_item("b", 1), priced(6)), CART_REFUSED_AMOUNT_TOO_LARGE);
    (void)then_event(when(&cart, add_item("b", 1), priced(5)), CART_EVENT_ITEM_ADDED);
    /* The dear line becomes cheap: its old total must not count. */
    (void)then_event(when(&cart, add_item("a", 1), priced(1)), CART_EVENT_ITEM_ADDED);
}
END_TEST

START_TEST(a_larger_quantity_is_refused_when_its_amount_is_too_large)
{
    GIVEN(&cart, created(), item_added("a", 1, CART_AMOUNT_MAX / 2));
    (void)then_event(
        when(&cart, change_item_quantity("a", 2), priced(1)), CART_EVENT_ITEM_QUANTITY_CHANGED);
    then_refused(
        when(&cart, change_item_quantity("a", 3), priced(1)), CART_REFUSED_AMOUNT_TOO_LARGE);
}
END_TEST

/* ---- which of several refusals is given ------------------------------------------------------ */

enum stage {
    WITH_TEA, /* 990 pieces of it */
    EMPTY,
    FULL
};

struct scene {
    bool is_closed;
    enum stage stage;
    struct cart_command command;
    struct cart_offer offer;
};

static struct cart_decision play(struct scene scene)
{
    switch (scene.stage) {
    case WITH_TEA:
        GIVEN(&cart, created(), item_added("tea", 990, 1));
        break;
    case EMPTY:
        GIVEN(&cart, created());
        break;
    case FULL:
        given_full_cart(&cart);
        break;
    }
    struct cart_event closing = cancelled();
    if (scene.is_closed)
        cart_evolve(&cart, &closing, 1);
    return when(&cart, scene.command, scene.offer);
}

/* Each row is wrong in two ways, and then only in the one that lost: so both were really due. */
START_TEST(of_two_refusals_the_first_of_the_list_is_given)
{
    const struct cart_offer good = priced(1);
    const struct cart_offer dear = priced(CART_AMOUNT_MAX);
    const struct cart_command ghost = change_item_quantity("ghost", 1);
    const struct cart_command much_tea = add_item("tea", 10);
    const struct cart_command some_tea = add_item("tea", 2);
    const struct cart_command cups = add_item("cup", 2);
    const struct cart_command many_cups = add_item("cup", 1000);
    const struct cart_command wrong_total = check_out_expecting(5);
    const struct {
        struct scene both;
        enum cart_refusal winner;
        struct scene one;
        enum cart_refusal loser;
    } rows[] = {
#define ROW(                                                                                       \
    winner, loser, closed_1, stage_1, command_1, offer_1, closed_2, stage_2, command_2, offer_2)   \
    {{closed_1, stage_1, command_1, offer_1},                                                      \
     CART_REFUSED_##winner,                                                                        \
     {closed_2, stage_2, command_2, offer_2},                                                      \
     CART_REFUSED_##loser}
        ROW(IS_CLOSED, IS_CLAIMED, true, EMPTY, claim_for("bob"), good, false, EMPTY,
            claim_for("bob"), good),
        ROW(IS_CLOSED, ITEM_NOT_IN_CART, true, EMPTY, ghost, good, false, EMPTY, ghost, good),
        ROW(IS_CLOSED, UNKNOWN_SKU, true, EMPTY, cups, unknown(), false, EMPTY, cups, unknown()),
        ROW(IS_CLOSED, PRICE_UNAVAILABLE, true, EMPTY, cups, unpriced(), false, EMPTY, cups,
            unpriced()),
        ROW(IS_CLOSED, QUANTITY_OUT_OF_RANGE, true, WITH_TEA, much_tea, good, false, WITH_TEA,
            much_tea, good),
        ROW(IS_CLOSED, IS_FULL, true, FULL, cups, good, false, FULL, cups, good),
        ROW(IS_CLOSED, AMOUNT_TOO_LARGE, true, EMPTY, cups, dear, false, EMPTY, cups, dear),
        ROW(IS_CLOSED, IS_EMPTY, true, EMPTY, check_out(), good, false, EMPTY, check_out(), good),
        ROW(IS_CLOSED, TOTAL_CHANGED, true, FULL, wrong_total, good, false, FULL, wrong_total,
            good),
        ROW(UNKNOWN_SKU, QUANTITY_OUT_OF_RANGE, false, WITH_TEA, much_tea, unknown(), false,
            WITH_TEA, much_tea, good),
        ROW(UNKNOWN_SKU, IS_FULL, false, FULL, cups, unknown(), false, FULL, cups, good),
        ROW(PRICE_UNAVAILABLE, QUANTITY_OUT_OF_RANGE, false, WITH_TEA, much_tea, unpriced(), false,
            WITH_TEA, much_tea, good),
        ROW(PRICE_UNAVAILABLE, IS_FULL, false, FULL, cups, unpriced(), false, FULL, cups, good),
        ROW(QUANTITY_OUT_OF_RANGE, IS_FULL, false, FULL, many_cups, good, false, FULL, cups, good),
        ROW(QUANTITY_OUT_OF_RANGE, AMOUNT_TOO_LARGE, false, WITH_TEA, much_tea, dear, false,
            WITH_TEA, some_tea, dear),
        ROW(IS_FULL, AMOUNT_TOO_LARGE, false, FULL, cups, dear, false, EMPTY, cups, dear),
        ROW(IS_EMPTY, TOTAL_CHANGED, false, EMPTY, wrong_total, good, false, WITH_TEA, wrong_total,
            good),
#undef ROW
    };
    for (size_t i = 0; i < BASE_COUNT(rows); i++) {
        ck_assert_int_lt(rows[i].winner, rows[i].loser);
        then_refused(play(rows[i].both), rows[i].winner);
        then_refused(play(rows[i].one), rows[i].loser);
    }
}
END_TEST

START_TEST(the_refusals_stand_in_the_order_of_the_contract)
{
    static const char *const slugs[] = {
#define CART_ROW(NAME, slug) slug,
        CART_REFUSALS(CART_ROW)
#undef CART_ROW
    };
    static const char *const contract[] = {
        "cart-not-found",
        "cart-already-exists",
        "cart-closed",
        "order-reference-mismatch",
        "cart-already-claimed",
        "item-not-in-cart",
        "cart-has-totals",
        "price-is-set",
        "unknown-sku",
        "price-unavailable",
        "unit-changed",
        "quantity-out-of-range",
        "cart-full",
        "too-many-totals",
        "too-many-coupons",
        "coupon-not-applicable",
        "coupons-not-combinable",
        "amount-too-large",
        "cart-empty",
        "total-changed",
        "prices-changed",
        "coupons-changed",
        "product-withdrawn",
        "nothing-to-undo",
        "no-such-version",
        "source-cart-not-found",
        "source-cart-closed",
        "cart-not-merged",
        "reopen-too-late",
        "metadata-too-large",
        "properties-too-large",
        "too-many-events",
        "open-cart-exists",
    };
    ck_assert_uint_eq(BASE_COUNT(slugs), BASE_COUNT(contract));
    for (size_t i = 0; i < BASE_COUNT(contract); i++)
        ck_assert_str_eq(slugs[i], contract[i]);
}
END_TEST

/* ---- a long random walk ---------------------------------------------------------------------- */

/* The state of a xorshift generator: the same walk on every machine. */
static uint64_t random_state;

static uint32_t random_below(uint32_t limit)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)((random_state >> 11) % limit);
}

/* One assertion at the end: each one costs Check a message to the parent process. */
static void check_invariants(void)
{
    int64_t total_minor = 0;
    int32_t item_count = 0;
    bool is_good = cart.n_lines <= CART_LINES_MAX;
    for (size_t i = 0; i < cart.n_lines; i++) {
        const struct cart_line *line = &cart.lines[i];
        is_good = is_good && line->quantity >= 1 && line->quantity <= CART_QUANTITY_MAX;
        /* Each id is there once. */
        is_good = is_good && cart_find_line(&cart, line->item_id) == line;
        total_minor += line->quantity * line->unit_price_minor;
        item_count += line->quantity;
    }
    is_good = is_good && total_minor >= 0 && total_minor <= CART_AMOUNT_MAX;
    ck_assert_msg(
        is_good && cart.total_minor == total_minor && cart.item_count == item_count,
        "after version %d", (int)cart.version);
}

enum { WALK_SKUS = 300, WALK_STEPS = 4000 };

static struct cart_command random_command(const char *sku)
{
    uint32_t kind = random_below(1000);
    if (kind < 550)
        return add_item(sku, (int32_t)random_below(60) + 1);
    if (kind < 800)
        return change_item_quantity(sku, (int32_t)random_below(1000));
    if (kind < 990)
        return remove_item(sku);
    if (kind < 993)
        return clear_items();
    if (kind < 996)
        return create();
    /* Not a right total, so that the walk goes on. */
    return check_out_expecting(cart.total_minor + 1);
}

static int64_t random_price(void)
{
    switch (random_below(4)) {
    case 0:
        return 0;
    case 1:
        return random_below(10000);
    case 2:
        return CART_AMOUNT_MAX / (random_below(2000) + 1);
    default:
        return CART_AMOUNT_MAX - random_below(5);
    }
}

START_TEST(whatever_is_commanded_the_invariants_hold)
{
    static char skus[WALK_SKUS][24];
    for (int i = 0; i < WALK_SKUS; i++)
        (void)snprintf(skus[i], sizeof skus[i], "sku-%d", i); /* Short enough. */
    random_state = UINT64_C(0x9e3779b97f4a7c15) * (uint64_t)(_i + 1);
    GIVEN(&cart, created());
    int n_accepted = 0;
    int n_refused = 0;
    bool is_dear = _i % 2 == 1; /* every other walk stays cheap, so that it fills the cart */
    for (int step = 0; step < WALK_STEPS; step++) {
        struct cart_command command = random_command(skus[random_below(WALK_SKUS)]);
        struct cart_offer offer = priced(is_dear ? random_price() : random_below(5000));
        struct cart_decision decision = when(&cart, command, offer);
        if (decision.outcome == CART_ACCEPTED) {
            cart_evolve(&cart, &decision.events[0], step);
            check_invariants();
            n_accepted++;
        } else {
            n_refused++;
        }
    }
    ck_assert_int_eq(cart.version, 1 + n_accepted);
    ck_assert_int_gt(n_accepted, WALK_STEPS / 10);
    ck_assert_int_gt(n_refused, WALK_STEPS / 10);
}
END_TEST

START_TEST(a_command_that_was_granted_is_then_already_so_or_refused)
{
    GIVEN(&cart, created(), item_added("tea", 2, 499));
    const struct {
        struct cart_command command;
        enum cart_outcome again;
    } rows[] = {
        {change_item_quantity("tea", 5), CART_ALREADY_SO},
        {clear_items(), CART_ALREADY_SO},
        {cancel(), CART_ALREADY_SO},
    };
    for (size_t i = 0; i < BASE_COUNT(rows); i++) {
        struct cart_decision decision = when(&cart, rows[i].command, priced(1));
        ck_assert_int_eq(decision.outcome, CART_ACCEPTED);
        cart_evolve(&cart, &decision.events[0], 1);
        ck_assert_int_eq(when(&cart, rows[i].command, priced(1)).outcome, rows[i].again);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cart refusals");
    TCase *refusals = tcase_create("refusals");
    tcase_add_test(refusals, a_cart_that_does_not_exist_takes_no_command_but_create);
    tcase_add_test(refusals, a_cart_is_created_once);
    tcase_add_test(refusals, a_closed_cart_refuses_every_command);
    tcase_add_test(refusals, an_item_must_be_there_to_be_changed_or_removed);
    tcase_add_test(refusals, an_unknown_sku_is_refused_also_when_its_line_is_there);
    tcase_add_test(refusals, a_sku_without_a_price_in_the_carts_currency_is_refused);
    tcase_add_test(refusals, a_line_holds_999_and_not_1000);
    tcase_add_test(refusals, a_cart_holds_250_lines_and_not_251);
    tcase_add_test(refusals, an_empty_cart_can_not_be_checked_out);
    tcase_add_test(refusals, a_cart_is_checked_out_for_one_order);
    tcase_add_test(refusals, another_total_than_it_was_checked_out_at_is_refused);
    tcase_add_test(refusals, another_total_than_expected_refuses_the_checkout);
    tcase_add_test(refusals, of_two_refusals_the_first_of_the_list_is_given);
    tcase_add_test(refusals, the_refusals_stand_in_the_order_of_the_contract);
    suite_add_tcase(suite, refusals);

    TCase *amounts = tcase_create("amounts");
    tcase_add_test(amounts, a_line_reaches_the_largest_amount_and_not_one_more);
    tcase_add_test(amounts, a_product_that_overflows_64_bits_is_refused);
    tcase_add_test(amounts, the_carts_total_reaches_the_largest_amount_and_not_one_more);
    tcase_add_test(amounts, a_new_price_counts_for_the_whole_line_when_amounts_are_checked);
    tcase_add_test(amounts, a_larger_quantity_is_refused_when_its_amount_is_too_large);
    suite_add_tcase(suite, amounts);

    TCase *walks = tcase_create("walks");
    tcase_set_timeout(walks, 60);
    tcase_add_loop_test(walks, whatever_is_commanded_the_invariants_hold, 0, 6);
    tcase_add_test(walks, a_command_that_was_granted_is_then_already_so_or_refused);
    suite_add_tcase(suite, walks);
    return support_run(suite);
}
