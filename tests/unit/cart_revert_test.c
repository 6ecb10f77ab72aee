#include "cart_merge_scene.h"

/* Reverting a merge: what both have then. */

START_TEST(reverting_gives_both_what_they_had)
{
    static const enum cart_merge_rule rules[] = {
        CART_MERGE_SUM, CART_MERGE_MAX, CART_MERGE_THEIRS, CART_MERGE_OURS};
    static struct cart before;
    static struct cart other_before;
    for (size_t i = 0; i < BASE_COUNT(rules); i++) {
        given_both();
        RECORD(item_quantity_changed("tea", 7));
        OTHER(details_changed("{\"b\":1}", "guest@example.com", "theirs"));
        cart_copy(&before, now());
        cart_copy(&other_before, &other_cart);
        (void)apply(merge(rules[i]));
        withdraw("tea"); /* nobody buys anything */
        struct cart_decision decision = apply(revert());
        ck_assert_uint_eq(decision.n_notes, 0);
        ck_assert_int_eq(decision.events[decision.n_events - 1].type, CART_EVENT_MERGE_REVERTED);
        ck_assert_int_eq(decision.other_event.type, CART_EVENT_MERGE_REVERTED);
        then_same_content(now(), &before);
        then_same_content(&other_cart, &other_before);
    }
}
END_TEST

START_TEST(what_was_changed_since_is_given_back_as_far_as_it_is_there)
{
    given_both();
    (void)apply(merge(CART_MERGE_SUM));
    command(add_item("tea", 4));
    command(change_item_quantity("plate", 1));
    struct cart_decision decision = apply(revert());
    then_line(now(), 0, "tea", 6, 100);
    ck_assert_uint_eq(now()->n_lines, 2);
    ck_assert_uint_eq(decision.n_notes, 1);
    then_note(decision, 0, CART_REFUSED_ITEM_NOT_IN_CART, "plate", 3);
    then_line(&other_cart, 1, "plate", 4, 290);

    given_both();
    (void)apply(merge(CART_MERGE_SUM));
    command(remove_item("tea"));
    command(remove_item("plate"));
    decision = apply(revert());
    ck_assert_uint_eq(decision.n_notes, 2);
    then_note(decision, 0, CART_REFUSED_ITEM_NOT_IN_CART, "tea", 3);
    then_note(decision, 1, CART_REFUSED_ITEM_NOT_IN_CART, "plate", 4);
    ck_assert_uint_eq(now()->n_lines, 1);
}
END_TEST

START_TEST(what_is_left_of_a_line_fits_what_the_catalogue_says)
{
    given_both();
    (void)apply(merge(CART_MERGE_SUM));
    command(change_item_quantity("tea", 8));
    measure("tea", NULL, 0, (struct cart_limits){2, 20, 2});
    struct cart_decision decision = apply(revert());
    then_line(now(), 0, "tea", 4, 100);
    then_note(decision, 0, CART_REFUSED_QUANTITY_OUT_OF_RANGE, "tea", 5);

    given_both();
    (void)apply(merge(CART_MERGE_SUM));
    command(change_item_quantity("tea", 4));
    measure("tea", NULL, 0, (struct cart_limits){4, 20, 1});
    decision = apply(revert());
    ck_assert_ptr_null(cart_find_line(now(), "tea"));
    then_note(decision, 0, CART_REFUSED_QUANTITY_OUT_OF_RANGE, "tea", 1);
}
END_TEST

START_TEST(what_the_cart_had_given_up_comes_back_if_it_can)
{
    given_both();
    RECORD(item_quantity_changed("tea", 9));
    (void)apply(merge(CART_MERGE_THEIRS));
    then_line(now(), 0, "tea", 3, 100);
    command(add_item("tea", 1));
    (void)apply(revert());
    then_line(now(), 0, "tea", 10, 100);

    given_both();
    RECORD(item_quantity_changed("tea", 9));
    (void)apply(merge(CART_MERGE_THEIRS));
    command(change_item_quantity("tea", 2));
    withdraw("tea");
    struct cart_decision decision = apply(revert());
    then_line(now(), 0, "tea", 2, 100);
    then_note(decision, 0, CART_REFUSED_PRODUCT_WITHDRAWN, "tea", 8);

    given_both();
    RECORD(item_quantity_changed("tea", 9));
    (void)apply(merge(CART_MERGE_THEIRS));
    command(remove_item("tea"));
    then_note(apply(revert()), 0, CART_REFUSED_ITEM_NOT_IN_CART, "tea", 6);
}
END_TEST

START_TEST(details_that_were_changed_since_stay)
{
    given_both();
    OTHER(details_changed("{}", "guest@example.com", "theirs"));
    (void)apply(merge(CART_MERGE_SUM));
    command(change_note("mine"));
    (void)apply(revert());
    ck_assert_str_eq(now()->note, "mine");
    ck_assert_ptr_null(now()->customer_email);
}
END_TEST

START_TEST(only_what_was_merged_is_reverted)
{
    given_both();
    then_already_so(decide(revert()));
    (void)apply(merge(CART_MERGE_SUM));
    (void)apply(revert());
    then_already_so(decide(revert()));
    RECORD(cancelled());
    then_already_so(decide(revert()));
    RECORD((struct cart_event){.type = CART_EVENT_REOPENED});
    OTHER((struct cart_event){.type = CART_EVENT_MERGED_INTO, .merged_into = {"third", 4}});
    then_refused(decide(revert()), CART_REFUSED_NOT_MERGED);
    given_both();
    OTHER(checked_out(1430, 7));
    then_refused(decide(revert()), CART_REFUSED_NOT_MERGED);
    given_both();
    (void)apply(merge(CART_MERGE_SUM));
    command(check_out());
    then_refused(decide(revert()), CART_REFUSED_IS_CLOSED);
    given_both();
    (void)apply(merge(CART_MERGE_SUM));
    is_unread = true;
    ck_assert_int_eq(decide(revert()).outcome, CART_UNREAD);
}
END_TEST

START_TEST(what_was_reverted_can_be_merged_and_reverted_again)
{
    static struct cart before;
    given_both();
    (void)apply(merge(CART_MERGE_SUM));
    (void)apply(revert());
    command(add_item("cup", 1));
    cart_copy(&before, now());
    (void)apply(merge(CART_MERGE_MAX));
    then_line(now(), 0, "tea", 3, 100);
    (void)apply(revert());
    then_same_content(now(), &before);
}
END_TEST

/* ---- any two carts --------------------------------------------------------------------------- */

enum { ROUNDS = 300, ANY_SKUS = 60 };

static uint64_t random_state = 88172645463325252;

static int32_t random_below(int32_t limit)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (int32_t)((random_state >> 11) % (uint64_t)limit);
}

static char any_skus[ANY_SKUS][16];

static void given_any_catalogue(void)
{
    for (int i = 0; i < ANY_SKUS; i++) {
        (void)snprintf(any_skus[i], sizeof any_skus[i], "sku-%d", i); /* Short enough. */
        sell(any_skus[i], random_below(9) == 0 ? NO_PRICE : random_below(500), 7);
        if (random_below(6) == 0)
            withdraw(any_skus[i]);
        if (random_below(4) == 0)
            measure(
                any_skus[i], NULL, random_below(2),
                (struct cart_limits){1 + random_below(9), 900, 1 + random_below(4)});
    }
}

static void add_anything(struct cart *cart)
{
    static const char *const properties[] = {NULL, NULL, "{\"a\":\"b\"}"};
    for (int i = random_below(90); i > 0; i--) {
        const char *sku = any_skus[random_below(ANY_SKUS)];
        const char *of = properties[random_below(3)];
        const struct cart_line *line = cart_find_line_of(cart, sku, of);
        struct cart_event event = item_added(sku, 1 + random_below(500), random_below(500));
        event.item_added.item_id =
            line != NULL ? line->item_id : (of != NULL ? number_item(NULL, sku, of, 77) : sku);
        event.item_added.properties = of;
        event.item_added.scale = line != NULL ? line->scale : random_below(20) == 0;
        event.item_added.is_price_set = random_below(5) == 0;
        cart_evolve(cart, &event, SCENE_T0_US);
    }
}

static int32_t units_of(const struct cart *cart, const struct cart_line *line)
{
    const struct cart_line *found = cart_find_line_of(cart, line->sku, line->properties);
    return found == NULL ? 0 : found->quantity;
}

static bool has_note_of(const struct cart_decision *decision, const struct cart_line *line)
{
    for (size_t i = 0; i < decision->n_notes; i++)
        if (strcmp(decision->notes[i].sku, line->sku) == 0 &&
            decision->notes[i].code != CART_REFUSED_PRICES_CHANGED)
            return true;
    return false;
}

/* Each piece of both is in the cart, but for what the notes say. */
static void then_nothing_is_lost(
    const struct cart *before, const struct cart *other, const struct cart_decision *decision)
{
    for (size_t i = 0; i < other->n_lines; i++) {
        const struct cart_line *line = &other->lines[i];
        int32_t came = units_of(now(), line) - units_of(before, line);
        ck_assert_int_le(came, line->quantity);
        if (!has_note_of(decision, line))
            ck_assert_int_eq(came, line->quantity);
    }
    for (size_t i = 0; i < before->n_lines; i++)
        ck_assert_int_ge(units_of(now(), &before->lines[i]), before->lines[i].quantity);
}

START_TEST(of_any_two_carts_nothing_is_lost_and_each_has_its_own_again)
{
    static struct cart before;
    static struct cart other_before;
    size_t n_notes = 0;
    for (int round = 0; round < ROUNDS; round++) {
        begin_history();
        memset(shelf, 0, sizeof shelf);
        given_any_catalogue();
        struct cart_event dollars = {
            .type = CART_EVENT_CURRENCY_CHANGED, .currency_changed = {.currency = "USD"}};
        RECORD(created());
        add_anything(begin_request());
        n_history++;
        OTHER(created_by_guest());
        if (round % 3 == 0)
            OTHER(dollars);
        add_anything(&other_cart);
        cart_copy(&before, now());
        cart_copy(&other_before, &other_cart);
        enum cart_merge_rule rule = (enum cart_merge_rule)random_below(4);
        struct cart_decision decision = apply(merge(rule));
        n_notes += decision.n_notes;
        if (rule == CART_MERGE_SUM)
            then_nothing_is_lost(&before, &other_before, &decision);
        decision = apply(revert());
        ck_assert_uint_eq(decision.n_notes, 0);
        then_same_content(now(), &before);
        then_same_content(&other_cart, &other_before);
    }
    ck_assert_uint_gt(n_notes, ROUNDS);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cart_revert");
    TCase *reverting = tcase_create("reverting");
    tcase_add_test(reverting, reverting_gives_both_what_they_had);
    tcase_add_test(reverting, what_was_changed_since_is_given_back_as_far_as_it_is_there);
    tcase_add_test(reverting, what_is_left_of_a_line_fits_what_the_catalogue_says);
    tcase_add_test(reverting, what_the_cart_had_given_up_comes_back_if_it_can);
    tcase_add_test(reverting, details_that_were_changed_since_stay);
    tcase_add_test(reverting, only_what_was_merged_is_reverted);
    tcase_add_test(reverting, what_was_reverted_can_be_merged_and_reverted_again);
    tcase_add_test(reverting, of_any_two_carts_nothing_is_lost_and_each_has_its_own_again);
    suite_add_tcase(suite, reverting);
    return support_run(suite);
}
