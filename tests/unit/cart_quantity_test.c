#include "cart_scene.h"

#include <stdlib.h>

/* How much a line may hold, goods by weight, and what they cost. */

static struct cart cart;

static struct cart_offer limited(int32_t minimum, int32_t maximum, int32_t multiple_of)
{
    struct cart_offer offer = priced(100);
    offer.limits = (struct cart_limits){minimum, maximum, multiple_of};
    return offer;
}

static struct cart_offer by_weight(int64_t price_minor, const char *unit, int32_t scale)
{
    struct cart_offer offer = priced(price_minor);
    offer.limits = (struct cart_limits){1, CART_QUANTITY_MAX, 1};
    offer.unit = unit;
    offer.scale = scale;
    return offer;
}

static struct cart_event nuts_added(int32_t quantity, int64_t price_minor)
{
    struct cart_event event = item_added("nuts", quantity, price_minor);
    event.item_added.unit = "kg";
    event.item_added.scale = 3;
    return event;
}

static struct cart_command change_properties(const char *item_id, const char *properties)
{
    return (struct cart_command){
        .type = CART_COMMAND_CHANGE_ITEM,
        .change_item = {.item_id = item_id, .has_properties = true, .properties = properties},
    };
}

static void then_out_of_range(
    struct cart_decision decision, int32_t minimum, int32_t maximum, int32_t multiple_of)
{
    then_refused(decision, CART_REFUSED_QUANTITY_OUT_OF_RANGE);
    ck_assert_int_eq(decision.limits.minimum, minimum);
    ck_assert_int_eq(decision.limits.maximum, maximum);
    ck_assert_int_eq(decision.limits.multiple_of, multiple_of);
}

/* ---- limits ---------------------------------------------------------------------------------- */

START_TEST(what_a_line_holds_after_an_add_is_within_the_limits)
{
    const struct cart_offer offer = limited(6, 60, 6);
    GIVEN(&cart, created());
    then_out_of_range(when(&cart, add_item("egg", 1), offer), 6, 60, 6);
    then_out_of_range(when(&cart, add_item("egg", 7), offer), 6, 60, 6);
    then_out_of_range(when(&cart, add_item("egg", 66), offer), 6, 60, 6);
    (void)then_event(when(&cart, add_item("egg", 6), offer), CART_EVENT_ITEM_ADDED);
    (void)then_event(when(&cart, add_item("egg", 60), offer), CART_EVENT_ITEM_ADDED);

    /* What counts is the sum. */
    GIVEN(&cart, created(), item_added("egg", 4, 100));
    (void)then_event(when(&cart, add_item("egg", 2), offer), CART_EVENT_ITEM_ADDED);
    then_out_of_range(when(&cart, add_item("egg", 6), offer), 6, 60, 6);
}
END_TEST

START_TEST(without_a_quantity_as_little_as_allowed_is_added)
{
    const struct {
        int32_t held; /* 0: there is no line */
        struct cart_offer offer;
        int32_t added;
    } rows[] = {
        {0, limited(1, 999, 1), 1},     {7, limited(1, 999, 1), 1},
        {0, limited(50, 999, 1), 50},   {0, limited(50, 999, 20), 60},
        {60, limited(50, 999, 20), 20}, {61, limited(50, 999, 20), 19},
        {3, limited(6, 60, 6), 3},
    };
    for (size_t i = 0; i < BASE_COUNT(rows); i++) {
        GIVEN(&cart, created());
        if (rows[i].held > 0)
            GIVEN(&cart, created(), item_added("egg", rows[i].held, 100));
        struct cart_event event =
            then_event(when(&cart, add_item("egg", 0), rows[i].offer), CART_EVENT_ITEM_ADDED);
        ck_assert_int_eq(event.item_added.quantity, rows[i].added);
    }
    GIVEN(&cart, created(), item_added("egg", 60, 100));
    struct cart_decision decision = when(&cart, add_item("egg", 0), limited(6, 60, 6));
    then_out_of_range(decision, 6, 60, 6);
    ck_assert_int_eq(decision.refused_quantity, 61);
    then_refused(when(&cart, add_item("egg", 0), unknown()), CART_REFUSED_UNKNOWN_SKU);
}
END_TEST

START_TEST(a_changed_quantity_is_within_the_limits)
{
    const struct cart_offer offer = limited(6, 60, 6);
    GIVEN(&cart, created(), item_added("egg", 12, 100));
    then_out_of_range(when(&cart, change_item_quantity("egg", 5), offer), 6, 60, 6);
    then_out_of_range(when(&cart, change_item_quantity("egg", 66), offer), 6, 60, 6);
    (void)then_event(
        when(&cart, change_item_quantity("egg", 6), offer), CART_EVENT_ITEM_QUANTITY_CHANGED);
    (void)then_event(
        when(&cart, change_item_quantity("egg", 60), offer), CART_EVENT_ITEM_QUANTITY_CHANGED);
    (void)then_event(when(&cart, change_item_quantity("egg", 0), offer), CART_EVENT_ITEM_REMOVED);
    (void)then_event(when(&cart, remove_item("egg"), offer), CART_EVENT_ITEM_REMOVED);
}
END_TEST

START_TEST(a_product_may_allow_a_million_and_no_more)
{
    const struct cart_offer offer = limited(1, CART_QUANTITY_MAX, 1);
    GIVEN(&cart, created(), item_added("screw", 999999, 1));
    (void)then_event(when(&cart, add_item("screw", 1), offer), CART_EVENT_ITEM_ADDED);
    then_out_of_range(when(&cart, add_item("screw", 2), offer), 1, CART_QUANTITY_MAX, 1);
}
END_TEST

START_TEST(a_line_from_before_a_rule_stays_until_it_is_changed)
{
    const struct cart_offer offer = limited(5, 999, 1);
    GIVEN(&cart, created(), item_added("egg", 2, 100));
    then_already_so(when(&cart, change_item_quantity("egg", 2), offer));
    then_out_of_range(when(&cart, change_item_quantity("egg", 1), offer), 5, 999, 1);
    (void)then_event(when(&cart, check_out(), offer), CART_EVENT_CHECKED_OUT);
}
END_TEST

START_TEST(a_withdrawn_product_may_become_less_whatever_its_limits_were)
{
    GIVEN(&cart, created(), item_added("egg", 12, 100));
    (void)then_event(
        when(&cart, change_item_quantity("egg", 5), unknown()), CART_EVENT_ITEM_QUANTITY_CHANGED);
    then_refused(
        when(&cart, change_item_quantity("egg", 13), unknown()), CART_REFUSED_PRODUCT_WITHDRAWN);
}
END_TEST

START_TEST(lines_of_one_sku_are_judged_alone)
{
    const struct cart_offer offer = limited(1, 10, 1);
    struct cart_event engraved = special_item_added("mug~a", "mug", "{\"text\":\"Ada\"}");
    GIVEN(&cart, created(), item_added("mug", 10, 100), engraved);
    then_out_of_range(when(&cart, add_item("mug", 1), offer), 1, 10, 1);
    (void)then_event(
        when(&cart, change_item_quantity("mug~a", 10), offer), CART_EVENT_ITEM_QUANTITY_CHANGED);
}
END_TEST

START_TEST(merged_lines_are_within_the_limits_or_stay_apart)
{
    struct cart_event engraved = special_item_added("mug~a", "mug", "{\"text\":\"Ada\"}");
    GIVEN(&cart, created(), item_added("mug", 10, 100), engraved);
    struct cart_command merge = change_properties("mug~a", NULL);
    then_out_of_range(when(&cart, merge, limited(1, 10, 1)), 1, 10, 1);
    (void)then_event(when(&cart, merge, limited(1, 11, 1)), CART_EVENT_ITEM_MERGED);
    /* There is no more of it than before. */
    (void)then_event(when(&cart, merge, unknown()), CART_EVENT_ITEM_MERGED);
    struct cart_event much = item_added("mug", CART_QUANTITY_MAX, 1);
    GIVEN(&cart, created(), much, engraved);
    then_out_of_range(when(&cart, merge, unknown()), 1, CART_QUANTITY_MAX, 1);
}
END_TEST

/* ---- units ----------------------------------------------------------------------------------- */

START_TEST(a_line_remembers_what_its_quantity_counts)
{
    GIVEN(&cart, created());
    struct cart_event event = then_event(
        when(&cart, add_item("nuts", 1500), by_weight(1250, "kg", 3)), CART_EVENT_ITEM_ADDED);
    ck_assert_str_eq(event.item_added.unit, "kg");
    ck_assert_int_eq(event.item_added.scale, 3);
    cart_evolve(&cart, &event, SCENE_T0_US);
    ck_assert_int_eq(cart.lines[0].scale, 3);
    ck_assert_int_eq(cart.total_minor, 1875);
    /* Nobody counts grams. */
    struct cart_event tea = item_added("tea", 2, 499);
    cart_evolve(&cart, &tea, SCENE_T0_US);
    ck_assert_int_eq(cart.item_count, 3);

    struct cart *packed = cart_pack(malloc(cart_packed_size(&cart)), &cart);
    ck_assert_str_eq(packed->lines[0].unit, "kg");
    ck_assert_ptr_ne(packed->lines[0].unit, cart.lines[0].unit);
    ck_assert_ptr_null(packed->lines[1].unit);
    free(packed);
}
END_TEST

START_TEST(what_counts_otherwise_now_is_not_added_to_a_line)
{
    GIVEN(&cart, created(), nuts_added(1500, 1250));
    struct cart_command more = add_item("nuts", 1);
    then_refused(when(&cart, more, by_weight(1250, "kg", 2)), CART_REFUSED_UNIT_CHANGED);
    then_refused(when(&cart, more, by_weight(1250, "lb", 3)), CART_REFUSED_UNIT_CHANGED);
    (void)then_event(when(&cart, more, by_weight(1250, "kg", 3)), CART_EVENT_ITEM_ADDED);
    then_refused(when(&cart, more, by_weight(1250, NULL, 3)), CART_REFUSED_UNIT_CHANGED);
    then_refused(
        when(&cart, change_item_quantity("nuts", 1501), by_weight(1250, NULL, 3)),
        CART_REFUSED_UNIT_CHANGED);

    const struct cart_offer other = by_weight(1250, "kg", 0);
    then_refused(when(&cart, change_item_quantity("nuts", 1501), other), CART_REFUSED_UNIT_CHANGED);
    (void)then_event(
        when(&cart, change_item_quantity("nuts", 1499), other), CART_EVENT_ITEM_QUANTITY_CHANGED);
}
END_TEST

START_TEST(only_pieces_may_get_a_unit)
{
    const struct cart_command more = add_item("nuts", 1);
    struct cart_event nameless = nuts_added(1500, 1250);
    nameless.item_added.unit = NULL;
    GIVEN(&cart, created(), nameless);
    then_refused(when(&cart, more, by_weight(1250, "kg", 3)), CART_REFUSED_UNIT_CHANGED);
    (void)then_event(when(&cart, more, by_weight(1250, NULL, 3)), CART_EVENT_ITEM_ADDED);

    GIVEN(&cart, created(), item_added("nuts", 2, 499));
    struct cart_event event =
        then_event(when(&cart, more, by_weight(499, "bag", 0)), CART_EVENT_ITEM_ADDED);
    cart_evolve(&cart, &event, SCENE_T0_US);
    then_refused(when(&cart, more, by_weight(499, NULL, 0)), CART_REFUSED_UNIT_CHANGED);
    then_refused(when(&cart, more, by_weight(499, "lb", 0)), CART_REFUSED_UNIT_CHANGED);
}
END_TEST

START_TEST(lines_that_count_otherwise_are_not_merged)
{
    struct cart_event pounds = nuts_added(500, 600);
    pounds.item_added.item_id = "nuts~a";
    pounds.item_added.properties = "{\"roast\":\"dark\"}";
    const struct cart_command merge = change_properties("nuts~a", NULL);
    GIVEN(&cart, created(), nuts_added(1500, 1250), pounds);
    (void)then_event(when(&cart, merge, by_weight(1250, "kg", 3)), CART_EVENT_ITEM_MERGED);
    pounds.item_added.unit = "lb";
    GIVEN(&cart, created(), nuts_added(1500, 1250), pounds);
    then_refused(when(&cart, merge, by_weight(600, "lb", 3)), CART_REFUSED_UNIT_CHANGED);
    pounds.item_added.unit = "kg";
    pounds.item_added.scale = 2;
    GIVEN(&cart, created(), nuts_added(1500, 1250), pounds);
    then_refused(when(&cart, merge, by_weight(600, "kg", 2)), CART_REFUSED_UNIT_CHANGED);
}
END_TEST

START_TEST(the_price_of_another_unit_is_not_taken)
{
    struct cart_command reprice = {.type = CART_COMMAND_REPRICE};
    struct cart_command to_usd = {
        .type = CART_COMMAND_CHANGE_CURRENCY, .change_currency = {.currency = "USD"}};
    struct cart_command check_prices = {
        .type = CART_COMMAND_CHECK_OUT, .check_out = {.checks_prices = true}};
    const struct cart_offer other = by_weight(99, "kg", 0);
    GIVEN(&cart, created(), nuts_added(1500, 1250));
    then_already_so(when(&cart, reprice, other));
    (void)then_event(when(&cart, reprice, by_weight(99, "kg", 3)), CART_EVENT_ITEM_PRICE_CHANGED);
    struct cart_decision decision = when(&cart, to_usd, other);
    then_refused(decision, CART_REFUSED_PRICE_UNAVAILABLE);
    ck_assert_int_eq(decision.notes[0].code, CART_REFUSED_UNIT_CHANGED);
    decision = when(&cart, check_prices, other);
    then_refused(decision, CART_REFUSED_PRICES_CHANGED);
    ck_assert_int_eq(decision.notes[0].code, CART_REFUSED_UNIT_CHANGED);
    ck_assert_int_eq(decision.notes[0].current_price_minor, -1);
}
END_TEST

/* ---- undo, restore and copy ------------------------------------------------------------------ */

static struct cart former;

static const struct cart *find_former(
    void *context, int32_t version, bool is_before_command, bool *is_read)
{
    (void)context;
    (void)version;
    (void)is_before_command;
    *is_read = true;
    return &former;
}

static const struct cart *find_source(
    void *context, const char *cart_id, int32_t version, bool *is_read)
{
    (void)cart_id;
    return find_former(context, version, false, is_read);
}

static struct cart_decision when_knowing_former(
    struct cart_command command, struct cart_offer offer)
{
    struct cart_request request = {.caller = {.may_all = true}};
    const struct cart_known known = {
        .find_offer = offer_of_scene,
        .find_past = find_former,
        .find_source = find_source,
        .context = &offer,
        .recorded_version = cart.version,
        .request = &request,
    };
    return decide_knowing(&cart, command, &known);
}

static void then_noted(
    struct cart_decision decision, size_t n_events, enum cart_refusal code, int32_t quantity)
{
    ck_assert_int_eq(decision.outcome, CART_ACCEPTED);
    ck_assert_uint_eq(decision.n_events, n_events);
    ck_assert_uint_eq(decision.n_notes, 1);
    ck_assert_int_eq(decision.notes[0].code, code);
    ck_assert_int_eq(decision.notes[0].quantity, quantity);
}

START_TEST(a_former_quantity_that_is_not_allowed_any_more_is_noted)
{
    const struct cart_command restore = {.type = CART_COMMAND_RESTORE, .restore = {.version = 2}};
    GIVEN(&former, created(), item_added("egg", 7, 100));
    /* of a line that has more, less, or has left */
    GIVEN(&cart, created(), item_added("egg", 12, 100));
    then_noted(
        when_knowing_former(restore, limited(6, 60, 6)), 1, CART_REFUSED_QUANTITY_OUT_OF_RANGE, 7);
    GIVEN(&cart, created(), item_added("egg", 6, 100));
    then_noted(
        when_knowing_former(restore, limited(6, 60, 6)), 1, CART_REFUSED_QUANTITY_OUT_OF_RANGE, 7);
    GIVEN(&cart, created(), item_added("egg", 6, 100), item_removed("egg", 6));
    then_noted(
        when_knowing_former(restore, limited(6, 60, 6)), 1, CART_REFUSED_QUANTITY_OUT_OF_RANGE, 7);
    ck_assert_uint_eq(when_knowing_former(restore, limited(7, 7, 7)).n_notes, 0);
    /* Of one that came again meanwhile the quantity stays. */
    GIVEN(
        &cart, created(), item_added("egg", 6, 100), item_removed("egg", 6),
        item_added("egg", 12, 100));
    struct cart_decision decision = when_knowing_former(restore, limited(6, 60, 6));
    then_noted(decision, 1, CART_REFUSED_QUANTITY_OUT_OF_RANGE, 7);
    /* Of what is not sold there may be less. */
    GIVEN(&cart, created(), item_added("egg", 12, 100));
    ck_assert_uint_eq(when_knowing_former(restore, unknown()).n_notes, 0);
}
END_TEST

START_TEST(a_former_line_that_counts_otherwise_is_noted)
{
    const struct cart_command restore = {.type = CART_COMMAND_RESTORE, .restore = {.version = 2}};
    GIVEN(&former, created(), nuts_added(1500, 1250));
    GIVEN(&cart, created(), nuts_added(1500, 1250), item_removed("nuts", 1500));
    then_noted(
        when_knowing_former(restore, by_weight(1, "kg", 2)), 1, CART_REFUSED_UNIT_CHANGED, 1500);
    struct cart_decision decision = when_knowing_former(restore, by_weight(1, "kg", 3));
    ck_assert_int_eq(decision.events[0].type, CART_EVENT_ITEM_RESTORED);
    ck_assert_str_eq(decision.events[0].item_restored.unit, "kg");
    ck_assert_int_eq(decision.events[0].item_restored.scale, 3);
    cart_evolve(&cart, &decision.events[0], SCENE_T0_US);
    ck_assert_str_eq(cart.lines[0].unit, "kg");
    ck_assert_int_eq(cart.total_minor, 2); /* 1.5, rounded */

    /* Bought anew, by the piece, and not 1500 of them. */
    GIVEN(
        &cart, created(), item_added("tea", 1, 100), item_removed("tea", 1),
        item_added("nuts", 2, 100));
    then_noted(when_knowing_former(restore, priced(100)), 2, CART_REFUSED_UNIT_CHANGED, 1500);
}
END_TEST

START_TEST(a_copy_leaves_out_what_is_not_allowed)
{
    struct cart_command copy = create();
    copy.create.copy_of = "another";
    GIVEN(&former, created(), nuts_added(1500, 1250));
    cart_clear(&cart);
    struct cart_decision decision = when_knowing_former(copy, by_weight(1, "kg", 3));
    ck_assert_uint_eq(decision.n_events, 3);
    ck_assert_int_eq(decision.events[1].item_added.scale, 3);
    then_noted(
        when_knowing_former(copy, by_weight(1, "kg", 2)), 2, CART_REFUSED_UNIT_CHANGED, 1500);
    struct cart_offer little = by_weight(1, "kg", 3);
    little.limits.maximum = 1000;
    then_noted(when_knowing_former(copy, little), 2, CART_REFUSED_QUANTITY_OUT_OF_RANGE, 1500);
}
END_TEST

/* ---- amounts --------------------------------------------------------------------------------- */

static int64_t total_of(int32_t quantity, int32_t scale, int64_t unit_price_minor)
{
    return cart_line_total_minor(&(struct cart_line){
        .quantity = quantity, .scale = scale, .unit_price_minor = unit_price_minor});
}

START_TEST(an_amount_is_rounded_half_away_from_zero)
{
    ck_assert_int_eq(total_of(1500, 3, 1250), 1875);
    ck_assert_int_eq(total_of(1, 3, 499), 0);
    ck_assert_int_eq(total_of(1, 3, 500), 1);
    ck_assert_int_eq(total_of(5, 1, 1), 1);
    ck_assert_int_eq(total_of(25, 1, 1), 3); /* not to even */
    ck_assert_int_eq(total_of(4, 1, 1), 0);
    ck_assert_int_eq(total_of(1000000, 6, CART_AMOUNT_MAX), CART_AMOUNT_MAX);
    ck_assert_int_eq(total_of(1, 6, CART_AMOUNT_MAX), INT64_C(9007199255)); /* …254.740991 */
    ck_assert_int_gt(total_of(1000000, 5, CART_AMOUNT_MAX), CART_AMOUNT_MAX);
    ck_assert_int_eq(total_of(1000000, 0, CART_AMOUNT_MAX), INT64_MAX);
    ck_assert_int_eq(total_of(1000000, 1, INT64_MAX), INT64_MAX);
}
END_TEST

static uint64_t random_state;

static uint64_t random_bits(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static int64_t random_to(int64_t most)
{
    /* of any number of digits */
    int64_t limit = most;
    for (uint64_t i = random_bits() % 16; i > 0 && limit > 10; i--)
        limit /= 10;
    return (int64_t)((random_bits() >> 1) % (uint64_t)(limit + 1));
}

/* As one does it on paper: digit by digit, the price times the quantity, then the decimals cut off.
 * -1: more than CART_AMOUNT_MAX. */
static int64_t total_on_paper(int32_t quantity, int32_t scale, int64_t unit_price_minor)
{
    enum { DIGITS = 40 };
    int digits[DIGITS] = {0};
    int64_t price = unit_price_minor;
    for (int i = 0; price > 0; i++, price /= 10) {
        int64_t carry = (price % 10) * quantity;
        for (int j = i; carry > 0; j++) {
            carry += digits[j];
            digits[j] = (int)(carry % 10);
            carry /= 10;
        }
    }
    int64_t total = 0;
    for (int i = DIGITS - 1; i >= scale; i--) {
        if (total > CART_AMOUNT_MAX)
            return -1;
        total = total * 10 + digits[i];
    }
    total += scale > 0 && digits[scale - 1] >= 5;
    return total > CART_AMOUNT_MAX ? -1 : total;
}

START_TEST(lines_cost_what_they_cost_on_paper)
{
    random_state = UINT64_C(0x9e3779b97f4a7c15) * (uint64_t)(_i + 1);
    int n_exact = 0;
    for (int round = 0; round < 100000; round++) {
        int32_t quantity = (int32_t)(1 + random_to(CART_QUANTITY_MAX - 1));
        int32_t scale = (int32_t)(random_bits() % (CART_SCALE_MAX + 1));
        int64_t price_minor = random_to(CART_AMOUNT_MAX);
        int64_t total_minor = total_of(quantity, scale, price_minor);
        int64_t wanted_minor = total_on_paper(quantity, scale, price_minor);
        n_exact += wanted_minor >= 0;
        if (wanted_minor < 0 ? total_minor <= CART_AMOUNT_MAX : total_minor != wanted_minor)
            ck_abort_msg(
                "%d of scale %d at %lld: %lld, not %lld", (int)quantity, (int)scale,
                (long long)price_minor, (long long)total_minor, (long long)wanted_minor);
    }
    ck_assert_int_gt(n_exact, 10000);
    ck_assert_int_lt(n_exact, 100000);
}
END_TEST

static void check_sums(void)
{
    int64_t total_minor = 0;
    bool is_good = true;
    for (size_t i = 0; i < cart.n_lines; i++) {
        const struct cart_line *line = &cart.lines[i];
        int64_t line_minor = total_on_paper(line->quantity, line->scale, line->unit_price_minor);
        is_good = is_good && line_minor >= 0 && line->quantity >= 1 &&
                  line->quantity <= CART_QUANTITY_MAX;
        total_minor += line_minor;
    }
    ck_assert_msg(
        is_good && total_minor == cart.total_minor && total_minor <= CART_AMOUNT_MAX,
        "after version %d", (int)cart.version);
}

/* What a unit costs: yen without decimals, euros with two, dinars with three. */
static int64_t random_price(void)
{
    static const int64_t dearest_minor[] = {10000, 1000000, 10000000, CART_AMOUNT_MAX};
    return random_to(dearest_minor[random_bits() % 4]);
}

START_TEST(lines_sum_to_the_total_whatever_is_bought)
{
    static const char *const skus[] = {"a", "b", "c", "d", "e", "f", "g", "h"};
    static const char *const currencies[] = {"JPY", "EUR", "KWD"};
    random_state = UINT64_C(0x9e3779b97f4a7c15) * (uint64_t)(_i + 1);
    struct cart_event first = created();
    memcpy(first.created.currency, currencies[_i % 3], 4);
    cart_clear(&cart);
    cart_evolve(&cart, &first, 0);
    int n_accepted = 0;
    for (int step = 0; step < 3000; step++) {
        size_t which = random_bits() % 8;
        int32_t quantity = (int32_t)random_to(CART_QUANTITY_MAX);
        struct cart_command command = random_bits() % 4 == 0
                                          ? change_item_quantity(skus[which], quantity)
                                          : add_item(skus[which], quantity);
        /* Now and then a product is measured otherwise. */
        int32_t scale = random_bits() % 16 == 0 ? (int32_t)(random_bits() % 7) : (int32_t)which % 7;
        struct cart_decision decision =
            when(&cart, command, by_weight(random_price(), scale > 0 ? "kg" : NULL, scale));
        if (decision.outcome != CART_ACCEPTED)
            continue;
        cart_evolve(&cart, &decision.events[0], step);
        check_sums();
        n_accepted++;
    }
    ck_assert_int_gt(n_accepted, 300);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cart quantity");
    TCase *limits = tcase_create("limits");
    tcase_add_test(limits, what_a_line_holds_after_an_add_is_within_the_limits);
    tcase_add_test(limits, without_a_quantity_as_little_as_allowed_is_added);
    tcase_add_test(limits, a_changed_quantity_is_within_the_limits);
    tcase_add_test(limits, a_product_may_allow_a_million_and_no_more);
    tcase_add_test(limits, a_line_from_before_a_rule_stays_until_it_is_changed);
    tcase_add_test(limits, a_withdrawn_product_may_become_less_whatever_its_limits_were);
    tcase_add_test(limits, lines_of_one_sku_are_judged_alone);
    tcase_add_test(limits, merged_lines_are_within_the_limits_or_stay_apart);
    suite_add_tcase(suite, limits);

    TCase *units = tcase_create("units");
    tcase_add_test(units, a_line_remembers_what_its_quantity_counts);
    tcase_add_test(units, what_counts_otherwise_now_is_not_added_to_a_line);
    tcase_add_test(units, only_pieces_may_get_a_unit);
    tcase_add_test(units, lines_that_count_otherwise_are_not_merged);
    tcase_add_test(units, the_price_of_another_unit_is_not_taken);
    suite_add_tcase(suite, units);

    TCase *past = tcase_create("past");
    tcase_add_test(past, a_former_quantity_that_is_not_allowed_any_more_is_noted);
    tcase_add_test(past, a_former_line_that_counts_otherwise_is_noted);
    tcase_add_test(past, a_copy_leaves_out_what_is_not_allowed);
    suite_add_tcase(suite, past);

    TCase *amounts = tcase_create("amounts");
    tcase_set_timeout(amounts, 60);
    tcase_add_test(amounts, an_amount_is_rounded_half_away_from_zero);
    tcase_add_loop_test(amounts, lines_cost_what_they_cost_on_paper, 0, 3);
    tcase_add_loop_test(amounts, lines_sum_to_the_total_whatever_is_bought, 0, 6);
    suite_add_tcase(suite, amounts);
    return support_run(suite);
}
