#include "cart_scene.h"

/* Whose a cart is: who may see and change it, and how a guest's becomes a customer's. */

static struct cart cart;

static struct cart_caller nobody(void)
{
    return (struct cart_caller){.may_all = false};
}

static struct cart_caller customer(const char *customer_id)
{
    return (struct cart_caller){.customer_id = customer_id};
}

static struct cart_caller guest(const char *hash)
{
    struct cart_caller caller = {.may_all = false};
    (void)snprintf(caller.guest_token_hash, sizeof caller.guest_token_hash, "%s", hash);
    return caller;
}

static bool admits(struct cart_caller caller)
{
    return cart_admits(cart.customer_id, cart.guest_token_hash, &caller);
}

#define OTHER_HASH "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdee"

START_TEST(a_customers_cart_is_for_that_customer)
{
    GIVEN(&cart, created());
    ck_assert(admits(customer("ada")));
    ck_assert(admits((struct cart_caller){.may_all = true}));
    ck_assert(!admits(customer("bob")));
    ck_assert(!admits(customer("")));
    ck_assert(!admits(customer("ad")));
    ck_assert(!admits(guest(SCENE_TOKEN_HASH)));
    ck_assert(!admits(nobody()));
}
END_TEST

START_TEST(a_guests_cart_is_for_who_has_its_token)
{
    GIVEN(&cart, created_by_guest());
    ck_assert(admits(guest(SCENE_TOKEN_HASH)));
    ck_assert(admits((struct cart_caller){.may_all = true}));
    ck_assert(!admits(guest(OTHER_HASH)));
    ck_assert(!admits(guest("")));
    ck_assert(!admits(guest("0123456789abcdef")));
    ck_assert(!admits(customer("ada")));
    ck_assert(!admits(nobody()));
    struct cart_caller both = guest(SCENE_TOKEN_HASH);
    both.customer_id = "ada";
    ck_assert(admits(both));
}
END_TEST

START_TEST(a_cart_of_nobody_is_for_who_may_all)
{
    ck_assert(!cart_admits(NULL, NULL, &(struct cart_caller){.customer_id = "ada"}));
    ck_assert(!cart_admits(NULL, "", &(struct cart_caller){.customer_id = NULL}));
    ck_assert(cart_admits(NULL, NULL, &(struct cart_caller){.may_all = true}));
    /* What is no hash fits none. */
    ck_assert(!cart_admits(NULL, "short", &(struct cart_caller){.guest_token_hash = "short"}));
}
END_TEST

START_TEST(claiming_a_cart_makes_it_the_customers)
{
    GIVEN(&cart, created_by_guest(), item_added("tea", 2, 499));
    struct cart_event event =
        then_event(when(&cart, claim_for("ada"), unknown()), CART_EVENT_CLAIMED);
    ck_assert_str_eq(event.claimed.customer_id, "ada");
    cart_evolve(&cart, &event, SCENE_T0_US);
    ck_assert_str_eq(cart.customer_id, "ada");
    ck_assert_int_eq(cart.version, 3);
    ck_assert_uint_eq(cart.n_lines, 1);
}
END_TEST

START_TEST(claiming_a_cart_ends_its_token)
{
    GIVEN(&cart, created_by_guest(), claimed_by("ada"));
    ck_assert_ptr_null(cart.guest_token_hash);
    ck_assert(!admits(guest(SCENE_TOKEN_HASH)));
    ck_assert(admits(customer("ada")));
}
END_TEST

START_TEST(a_cart_without_customer_and_token_can_be_claimed)
{
    struct cart_event event = created();
    event.created.customer_id = NULL;
    GIVEN(&cart, event);
    (void)then_event(when(&cart, claim_for("ada"), unknown()), CART_EVENT_CLAIMED);
}
END_TEST

START_TEST(claiming_again_for_the_same_customer_is_already_so)
{
    GIVEN(&cart, created_by_guest(), claimed_by("ada"));
    then_already_so(when(&cart, claim_for("ada"), unknown()));
    GIVEN(&cart, created());
    then_already_so(when(&cart, claim_for("ada"), unknown()));
}
END_TEST

START_TEST(a_cart_can_not_be_claimed_from_another_customer)
{
    GIVEN(&cart, created_by_guest(), claimed_by("ada"));
    then_refused(when(&cart, claim_for("bob"), unknown()), CART_REFUSED_IS_CLAIMED);
}
END_TEST

START_TEST(creating_records_the_hash_of_the_token)
{
    struct cart_command command = create();
    command.create.customer_id = NULL;
    command.create.guest_token_hash = SCENE_TOKEN_HASH;
    cart_clear(&cart);
    struct cart_event event = then_event(when(&cart, command, unknown()), CART_EVENT_CREATED);
    ck_assert_str_eq(event.created.guest_token_hash, SCENE_TOKEN_HASH);
}
END_TEST

START_TEST(a_packed_cart_keeps_whose_it_is)
{
    static _Alignas(max_align_t) char memory[4096];
    GIVEN(&cart, created_by_guest(), item_added("tea", 2, 499));
    ck_assert_uint_le(cart_packed_size(&cart), sizeof memory);
    struct cart *packed = cart_pack(memory, &cart);
    ck_assert_ptr_ne(packed->guest_token_hash, cart.guest_token_hash);
    ck_assert_str_eq(packed->guest_token_hash, SCENE_TOKEN_HASH);
    ck_assert_ptr_null(packed->customer_id);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cart_owner");
    TCase *tests = tcase_create("owner");
    tcase_add_test(tests, a_customers_cart_is_for_that_customer);
    tcase_add_test(tests, a_guests_cart_is_for_who_has_its_token);
    tcase_add_test(tests, a_cart_of_nobody_is_for_who_may_all);
    tcase_add_test(tests, claiming_a_cart_makes_it_the_customers);
    tcase_add_test(tests, claiming_a_cart_ends_its_token);
    tcase_add_test(tests, a_cart_without_customer_and_token_can_be_claimed);
    tcase_add_test(tests, claiming_again_for_the_same_customer_is_already_so);
    tcase_add_test(tests, a_cart_can_not_be_claimed_from_another_customer);
    tcase_add_test(tests, creating_records_the_hash_of_the_token);
    tcase_add_test(tests, a_packed_cart_keeps_whose_it_is);
    suite_add_tcase(suite, tests);
    return support_run(suite);
}
