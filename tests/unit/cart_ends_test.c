#include "cart_history.h"

/*
 * Carts that end by themselves: abandoned after 100, a guest's expires after 1,000, a customer's
 * after 2,000, an empty one after 10. The last change was at SCENE_T0_US.
 */
static const struct cart_lifetimes lifetimes = {
    .abandoned_us = 100, .guest_us = 1000, .customer_us = 2000, .empty_us = 10};

/* So long after the last change. */
static void after_us(int64_t passed_us)
{
    scene_request.asked_at_us = SCENE_T0_US + passed_us;
    scene_request.lifetimes = &lifetimes;
}

static struct cart_command abandon(void)
{
    return (struct cart_command){.type = CART_COMMAND_ABANDON};
}

static struct cart_command expire(void)
{
    return (struct cart_command){.type = CART_COMMAND_EXPIRE};
}

/* A customer's cart with two of tea. */
static void begin_with_tea(void)
{
    begin_history();
    sell("tea", 499, 549);
    RECORD(created());
    RECORD(item_added("tea", 2, 499));
}

/* The same, and it was abandoned. */
static void begin_abandoned(void)
{
    begin_with_tea();
    after_us(100);
    command(abandon());
}

/* ---- abandoned ------------------------------------------------------------------------------- */

START_TEST(a_cart_that_nobody_touches_is_abandoned)
{
    begin_with_tea();
    after_us(100);
    struct cart_event event = then_event(decide_now(abandon()), CART_EVENT_ABANDONED);
    ck_assert_int_eq(event.abandoned.total_minor, 998);
    ck_assert_str_eq(event.abandoned.currency, "EUR");
    ck_assert_int_eq(event.abandoned.item_count, 2);
}
END_TEST

START_TEST(a_timer_that_is_early_does_nothing)
{
    begin_with_tea();
    after_us(99);
    then_already_so(decide_now(abandon()));
    after_us(1999);
    then_already_so(decide_now(expire()));
}
END_TEST

START_TEST(a_change_that_is_not_recorded_yet_is_of_this_moment)
{
    begin_with_tea();
    struct cart *cart = begin_request();
    const struct cart_event more = item_added("tea", 1, 499);
    cart_evolve(cart, &more, CART_TIME_PENDING);
    after_us(5000);
    then_already_so(decide_in_request(cart, abandon()));
    then_already_so(decide_in_request(cart, expire()));
}
END_TEST

START_TEST(a_timer_that_asks_twice_does_nothing)
{
    begin_abandoned();
    then_already_so(decide_now(abandon()));
    after_us(2000);
    command(expire());
    then_already_so(decide_now(expire()));
    then_already_so(decide_now(abandon()));
}
END_TEST

START_TEST(an_empty_cart_is_not_abandoned)
{
    begin_history();
    RECORD(created());
    after_us(5000);
    then_already_so(decide_now(abandon()));
}
END_TEST

START_TEST(without_lifetimes_nothing_ends)
{
    static const struct cart_lifetimes never = {.abandoned_us = 0};
    begin_with_tea();
    after_us(INT64_MAX / 2);
    scene_request.lifetimes = &never;
    then_already_so(decide_now(abandon()));
    then_already_so(decide_now(expire()));
    scene_request.lifetimes = NULL;
    then_already_so(decide_now(abandon()));
    then_already_so(decide_now(expire()));
    ck_assert_int_eq(cart_find_due(now(), &never).at_us, CART_TIME_NONE);
}
END_TEST

START_TEST(that_it_is_abandoned_is_no_change_of_the_cart)
{
    begin_with_tea();
    struct cart *cart = begin_request();
    cart->notes = "[1]";
    n_history++;
    after_us(100);
    struct cart_decision decision = decide_now(abandon());
    cart = begin_request();
    cart_evolve(cart, &decision.events[0], SCENE_T0_US + 100);
    n_history++;
    ck_assert_int_eq(now()->abandoned_at_us, SCENE_T0_US + 100);
    ck_assert_int_eq(now()->updated_at_us, SCENE_T0_US);
    ck_assert_int_eq(now()->status, CART_OPEN);
    ck_assert_int_eq(now()->changed_version, 2);
    ck_assert_int_eq(now()->version, 3);
    ck_assert_str_eq(now()->notes, "[1]");
    /* It doesn't put off its expiry. */
    ck_assert_int_eq(cart_expires_at_us(now(), &lifetimes), SCENE_T0_US + 2000);
}
END_TEST

START_TEST(a_cart_that_is_not_there_is_not_abandoned)
{
    begin_history();
    after_us(5000);
    then_refused(decide_now(abandon()), CART_REFUSED_NOT_FOUND);
    then_refused(decide_now(expire()), CART_REFUSED_NOT_FOUND);
}
END_TEST

/* ---- resumed --------------------------------------------------------------------------------- */

START_TEST(whatever_is_done_with_an_abandoned_cart_resumes_it_first)
{
    begin_abandoned();
    THEN_EVENTS(decide_now(add_item("tea", 1)), CART_EVENT_RESUMED, CART_EVENT_ITEM_ADDED);
    THEN_EVENTS(decide_now(check_out()), CART_EVENT_RESUMED, CART_EVENT_CHECKED_OUT);
    THEN_EVENTS(decide_now(cancel()), CART_EVENT_RESUMED, CART_EVENT_CANCELLED);
    THEN_EVENTS(decide_now(change_note("hello")), CART_EVENT_RESUMED, CART_EVENT_DETAILS_CHANGED);
    command(add_item("tea", 1));
    ck_assert_int_eq(now()->abandoned_at_us, CART_TIME_NONE);
    THEN_EVENTS(decide_now(add_item("tea", 1)), CART_EVENT_ITEM_ADDED);
}
END_TEST

START_TEST(what_changes_nothing_or_is_refused_resumes_nothing)
{
    begin_abandoned();
    then_already_so(decide_now(change_item("tea", 2, "{}")));
    then_already_so(decide_now(reopen(NULL)));
    then_refused(decide_now(add_item("coffee", 1)), CART_REFUSED_UNKNOWN_SKU);
}
END_TEST

START_TEST(of_several_commands_the_first_resumes_it)
{
    begin_abandoned();
    struct cart *cart = begin_request();
    struct cart_decision decision = decide_now(add_item("tea", 1));
    evolve_all(cart, decision);
    THEN_EVENTS(decide_in_request(cart, add_item("tea", 1)), CART_EVENT_ITEM_ADDED);
}
END_TEST

START_TEST(a_cart_can_be_abandoned_and_resumed_again)
{
    begin_abandoned();
    command(add_item("tea", 1));
    (void)then_event(decide_now(abandon()), CART_EVENT_ABANDONED);
}
END_TEST

/* ---- undone ---------------------------------------------------------------------------------- */

START_TEST(undo_takes_back_the_change_before_and_not_that_it_was_abandoned)
{
    begin_abandoned();
    THEN_EVENTS(
        decide_now(undo()), CART_EVENT_RESUMED, CART_EVENT_ITEM_REMOVED, CART_EVENT_RESTORED);
    command(undo());
    ck_assert_uint_eq(now()->n_lines, 0);
    ck_assert_int_eq(now()->abandoned_at_us, CART_TIME_NONE);
    then_refused(decide_now(undo()), CART_REFUSED_NOTHING_TO_UNDO);
}
END_TEST

START_TEST(undo_takes_back_the_change_that_resumed_it_and_it_stays_resumed)
{
    begin_abandoned();
    command(add_item("tea", 3));
    command(undo());
    then_line(now(), 0, "tea", 2, 499);
    ck_assert_int_eq(now()->abandoned_at_us, CART_TIME_NONE);
}
END_TEST

START_TEST(restoring_what_it_was_while_it_was_abandoned_restores_its_content_alone)
{
    begin_abandoned();
    command(add_item("tea", 3));
    command(restore(3));
    then_line(now(), 0, "tea", 2, 499);
    ck_assert_int_eq(now()->abandoned_at_us, CART_TIME_NONE);
}
END_TEST

/* ---- expired --------------------------------------------------------------------------------- */

START_TEST(a_cart_expires_and_is_closed_then)
{
    begin_abandoned();
    after_us(2000);
    command(expire());
    ck_assert_int_eq(now()->status, CART_EXPIRED);
    ck_assert_int_eq(now()->closed_at_us, SCENE_T0_US);
    ck_assert_int_eq(now()->abandoned_at_us, CART_TIME_NONE);
    ck_assert_uint_eq(now()->n_lines, 1);
    then_refused(decide_now(add_item("tea", 1)), CART_REFUSED_IS_CLOSED);
    then_refused(decide_now(check_out()), CART_REFUSED_IS_CLOSED);
    ck_assert_int_eq(cart_expires_at_us(now(), &lifetimes), CART_TIME_NONE);
}
END_TEST

START_TEST(a_cart_that_was_never_abandoned_expires_alone)
{
    begin_with_tea();
    after_us(2000);
    THEN_EVENTS(decide_now(expire()), CART_EVENT_EXPIRED);
}
END_TEST

START_TEST(how_long_a_cart_lasts_depends_on_whose_it_is_and_what_it_holds)
{
    begin_history();
    RECORD(created_by_guest());
    ck_assert_int_eq(cart_expires_at_us(now(), &lifetimes), SCENE_T0_US + 10);
    RECORD(item_added("tea", 2, 499));
    ck_assert_int_eq(cart_expires_at_us(now(), &lifetimes), SCENE_T0_US + 1000);
    RECORD(claimed_by("ada"));
    ck_assert_int_eq(cart_expires_at_us(now(), &lifetimes), SCENE_T0_US + 2000);
    RECORD(cleared());
    ck_assert_int_eq(cart_expires_at_us(now(), &lifetimes), SCENE_T0_US + 10);
}
END_TEST

START_TEST(an_expired_cart_is_reopened_like_others)
{
    begin_with_tea();
    after_us(2000);
    command(expire());
    scene_request.caller.may_all = false;
    scene_request.reopen_us = 1000;
    after_us(1001);
    then_refused(decide_now(reopen(NULL)), CART_REFUSED_REOPEN_TOO_LATE);
    after_us(1000);
    command(reopen("I want it"));
    ck_assert_int_eq(now()->status, CART_OPEN);
    ck_assert_int_eq(now()->closed_at_us, CART_TIME_NONE);
    scene_request.caller.may_all = true;
}
END_TEST

/* ---- a token to go on with it ---------------------------------------------------------------- */

#define RESUME_HASH "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"

static struct cart_command make_resume_token(void)
{
    return (struct cart_command){
        .type = CART_COMMAND_MAKE_RESUME_TOKEN, .make_resume_token = {RESUME_HASH}};
}

static struct cart_command end_resume_token(void)
{
    return (struct cart_command){.type = CART_COMMAND_END_RESUME_TOKEN};
}

START_TEST(a_resume_token_is_no_change_and_resumes_nothing)
{
    begin_abandoned();
    int64_t updated_at_us = now()->updated_at_us;
    command(make_resume_token());
    ck_assert_str_eq(now()->resume_token_hash, RESUME_HASH);
    ck_assert_int_eq(now()->updated_at_us, updated_at_us);
    ck_assert_int_ne(now()->abandoned_at_us, CART_TIME_NONE);
    command(end_resume_token());
    ck_assert_ptr_null(now()->resume_token_hash);
    ck_assert_int_ne(now()->abandoned_at_us, CART_TIME_NONE);
    then_already_so(decide_now(end_resume_token()));
}
END_TEST

START_TEST(a_resume_token_ends_with_the_cart_and_with_its_claim)
{
    begin_history();
    RECORD(created_by_guest());
    command(make_resume_token());
    command(claim_for("ada"));
    ck_assert_ptr_null(now()->resume_token_hash);
    command(make_resume_token());
    command(cancel());
    ck_assert_ptr_null(now()->resume_token_hash);
    then_refused(decide_now(make_resume_token()), CART_REFUSED_IS_CLOSED);
    command(reopen(NULL));
    ck_assert_ptr_null(now()->resume_token_hash);
}
END_TEST

START_TEST(who_has_nothing_but_a_resume_token_is_no_owner)
{
    begin_with_tea();
    command(make_resume_token());
    scene_request.caller = (struct cart_caller){.guest_token_hash = RESUME_HASH};
    ck_assert(cart_has_token(now()->resume_token_hash, &scene_request.caller));
    then_refused(decide_now(make_resume_token()), CART_REFUSED_NOT_FOUND);
    then_refused(decide_now(claim_for("eve")), CART_REFUSED_NOT_FOUND);
    then_refused(decide_now(undo()), CART_REFUSED_NOT_FOUND);
    then_refused(decide_now(restore(1)), CART_REFUSED_NOT_FOUND);
    then_refused(decide_now(end_resume_token()), CART_REFUSED_NOT_FOUND);
    (void)then_event(decide_now(check_out()), CART_EVENT_CHECKED_OUT);
    scene_request.caller = (struct cart_caller){.may_all = true};
}
END_TEST

/* ---- what is due next ------------------------------------------------------------------------ */

static void then_due(struct cart_due due, enum cart_command_type command, int64_t at_us)
{
    ck_assert_int_eq(due.command, command);
    ck_assert_int_eq(due.at_us, at_us);
}

START_TEST(first_it_is_abandoned_and_then_it_expires)
{
    begin_with_tea();
    then_due(cart_find_due(now(), &lifetimes), CART_COMMAND_ABANDON, SCENE_T0_US + 100);
    after_us(100);
    command(abandon());
    then_due(cart_find_due(now(), &lifetimes), CART_COMMAND_EXPIRE, SCENE_T0_US + 2000);
    after_us(2000);
    command(expire());
    ck_assert_int_eq(cart_find_due(now(), &lifetimes).at_us, CART_TIME_NONE);
}
END_TEST

START_TEST(what_expires_sooner_is_never_abandoned)
{
    static const struct cart_lifetimes short_lives = {.abandoned_us = 100, .customer_us = 50};
    begin_with_tea();
    then_due(cart_find_due(now(), &short_lives), CART_COMMAND_EXPIRE, SCENE_T0_US + 50);
}
END_TEST

START_TEST(a_time_beyond_all_times_is_never)
{
    static const struct cart_lifetimes endless = {.customer_us = INT64_MAX};
    begin_with_tea();
    ck_assert_int_eq(cart_find_due(now(), &endless).at_us, CART_TIME_NONE);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cart_ends");
    TCase *abandoned = tcase_create("abandoned");
    tcase_add_test(abandoned, a_cart_that_nobody_touches_is_abandoned);
    tcase_add_test(abandoned, a_timer_that_is_early_does_nothing);
    tcase_add_test(abandoned, a_change_that_is_not_recorded_yet_is_of_this_moment);
    tcase_add_test(abandoned, a_timer_that_asks_twice_does_nothing);
    tcase_add_test(abandoned, an_empty_cart_is_not_abandoned);
    tcase_add_test(abandoned, without_lifetimes_nothing_ends);
    tcase_add_test(abandoned, that_it_is_abandoned_is_no_change_of_the_cart);
    tcase_add_test(abandoned, a_cart_that_is_not_there_is_not_abandoned);
    suite_add_tcase(suite, abandoned);
    TCase *resumed = tcase_create("resumed");
    tcase_add_test(resumed, whatever_is_done_with_an_abandoned_cart_resumes_it_first);
    tcase_add_test(resumed, what_changes_nothing_or_is_refused_resumes_nothing);
    tcase_add_test(resumed, of_several_commands_the_first_resumes_it);
    tcase_add_test(resumed, a_cart_can_be_abandoned_and_resumed_again);
    tcase_add_test(resumed, undo_takes_back_the_change_before_and_not_that_it_was_abandoned);
    tcase_add_test(resumed, undo_takes_back_the_change_that_resumed_it_and_it_stays_resumed);
    tcase_add_test(
        resumed, restoring_what_it_was_while_it_was_abandoned_restores_its_content_alone);
    suite_add_tcase(suite, resumed);
    TCase *expired = tcase_create("expired");
    tcase_add_test(expired, a_cart_expires_and_is_closed_then);
    tcase_add_test(expired, a_cart_that_was_never_abandoned_expires_alone);
    tcase_add_test(expired, how_long_a_cart_lasts_depends_on_whose_it_is_and_what_it_holds);
    tcase_add_test(expired, an_expired_cart_is_reopened_like_others);
    tcase_add_test(expired, first_it_is_abandoned_and_then_it_expires);
    tcase_add_test(expired, what_expires_sooner_is_never_abandoned);
    tcase_add_test(expired, a_time_beyond_all_times_is_never);
    suite_add_tcase(suite, expired);
    TCase *tokens = tcase_create("tokens");
    tcase_add_test(tokens, a_resume_token_is_no_change_and_resumes_nothing);
    tcase_add_test(tokens, a_resume_token_ends_with_the_cart_and_with_its_claim);
    tcase_add_test(tokens, who_has_nothing_but_a_resume_token_is_no_owner);
    suite_add_tcase(suite, tokens);
    return support_run(suite);
}
