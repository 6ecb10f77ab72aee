#include "cart_scene.h"

#include <stdlib.h>

/* Lines of one sku with different properties, and what each is called. */

#define FOR_ADA "{\"engraving\":\"For Ada\"}"
#define FOR_BOB "{\"engraving\":\"For Bob\"}"

static struct cart cart;

START_TEST(different_properties_make_different_lines)
{
    GIVEN(
        &cart, created(), item_added("mug", 2, 100), special_item_added("mug~a", "mug", FOR_ADA),
        special_item_added("mug~b", "mug", FOR_BOB), special_item_added("mug~a", "mug", FOR_ADA));
    ck_assert_int_eq((int)cart.n_lines, 3);
    ck_assert_ptr_null(cart.lines[0].properties);
    ck_assert_int_eq(cart.lines[0].quantity, 2);
    ck_assert_str_eq(cart.lines[1].properties, FOR_ADA);
    ck_assert_int_eq(cart.lines[1].quantity, 2);
    ck_assert_str_eq(cart.lines[2].properties, FOR_BOB);
    ck_assert_int_eq(cart.lines[2].quantity, 1);
    ck_assert_int_eq(cart.item_count, 5);
    ck_assert_int_eq(cart.total_minor, 500);
}
END_TEST

START_TEST(a_line_is_found_by_its_sku_and_its_properties)
{
    GIVEN(
        &cart, created(), special_item_added("mug~a", "mug", FOR_ADA),
        special_item_added("cup~a", "cup", FOR_ADA), item_added("mug", 1, 100));
    ck_assert_str_eq(cart_find_line_of(&cart, "mug", FOR_ADA)->item_id, "mug~a");
    ck_assert_str_eq(cart_find_line_of(&cart, "cup", FOR_ADA)->item_id, "cup~a");
    ck_assert_str_eq(cart_find_line_of(&cart, "mug", NULL)->item_id, "mug");
    ck_assert_ptr_null(cart_find_line_of(&cart, "cup", NULL));
    ck_assert_ptr_null(cart_find_line_of(&cart, "mug", FOR_BOB));
}
END_TEST

START_TEST(adding_with_properties_records_them_and_the_id_that_was_proposed)
{
    GIVEN(&cart, created(), item_added("mug", 1, 100));
    struct cart_event event = then_event(
        when(&cart, add_special_item("mug~a", "mug", FOR_ADA), priced(120)), CART_EVENT_ITEM_ADDED);
    ck_assert_str_eq(event.item_added.item_id, "mug~a");
    ck_assert_str_eq(event.item_added.sku, "mug");
    ck_assert_str_eq(event.item_added.properties, FOR_ADA);
    ck_assert_int_eq(event.item_added.unit_price_minor, 120);
}
END_TEST

START_TEST(adding_again_with_the_same_properties_grows_that_line)
{
    GIVEN(&cart, created(), special_item_added("mug~a", "mug", FOR_ADA));
    /* A text of its own, and an id that was proposed for a new line. */
    char properties[] = FOR_ADA;
    struct cart_event event = then_event(
        when(&cart, add_special_item("mug~other", "mug", properties), priced(100)),
        CART_EVENT_ITEM_ADDED);
    ck_assert_str_eq(event.item_added.item_id, "mug~a");
    cart_evolve(&cart, &event, SCENE_T0_US);
    ck_assert_int_eq((int)cart.n_lines, 1);
    ck_assert_int_eq(cart.lines[0].quantity, 2);
}
END_TEST

START_TEST(each_line_has_its_own_limit_and_counts_as_one)
{
    struct cart_event many = special_item_added("mug~a", "mug", FOR_ADA);
    many.item_added.quantity = 999;
    GIVEN(&cart, created(), many);
    then_refused(
        when(&cart, add_special_item("mug~a", "mug", FOR_ADA), priced(1)),
        CART_REFUSED_QUANTITY_OUT_OF_RANGE);
    then_event(when(&cart, add_item("mug", 999), priced(1)), CART_EVENT_ITEM_ADDED);

    given_full_cart(&cart);
    then_refused(
        when(&cart, add_special_item("line-0~a", "line-0", FOR_ADA), priced(1)),
        CART_REFUSED_IS_FULL);
}
END_TEST

START_TEST(a_line_with_properties_is_changed_and_removed_by_its_id)
{
    GIVEN(&cart, created(), item_added("mug", 1, 100), special_item_added("mug~a", "mug", FOR_ADA));
    struct cart_event changed = then_event(
        when(&cart, change_item_quantity("mug~a", 5), priced(1)), CART_EVENT_ITEM_QUANTITY_CHANGED);
    cart_evolve(&cart, &changed, SCENE_T0_US);
    ck_assert_int_eq(cart_find_line(&cart, "mug")->quantity, 1);
    ck_assert_int_eq(cart_find_line(&cart, "mug~a")->quantity, 5);
    struct cart_event removed =
        then_event(when(&cart, remove_item("mug"), unknown()), CART_EVENT_ITEM_REMOVED);
    cart_evolve(&cart, &removed, SCENE_T0_US);
    ck_assert_ptr_null(cart_find_line_of(&cart, "mug", NULL));
    ck_assert_str_eq(cart_find_line_of(&cart, "mug", FOR_ADA)->item_id, "mug~a");
}
END_TEST

/* A product may be called as the line of another is. */
START_TEST(an_id_that_another_line_has_is_not_given_twice)
{
    GIVEN(&cart, created(), item_added("mug~a", 1, 100));
    ck_assert_int_eq(
        when(&cart, add_special_item("mug~a", "mug", FOR_ADA), priced(1)).outcome, CART_ID_TAKEN);
    struct cart_event event = then_event(
        when(&cart, add_special_item("mug~a2", "mug", FOR_ADA), priced(1)), CART_EVENT_ITEM_ADDED);
    ck_assert_str_eq(event.item_added.item_id, "mug~a2");

    GIVEN(&cart, created(), special_item_added("mug~a", "mug", FOR_ADA));
    ck_assert_int_eq(when(&cart, add_item("mug~a", 1), priced(1)).outcome, CART_ID_TAKEN);
    event = then_event(
        when(&cart, add_special_item("mug~a~1", "mug~a", NULL), priced(1)), CART_EVENT_ITEM_ADDED);
    ck_assert_str_eq(event.item_added.item_id, "mug~a~1");
    ck_assert_str_eq(event.item_added.sku, "mug~a");
    ck_assert_ptr_null(event.item_added.properties);

    /* It is that line from now on, also when the other one is gone. */
    cart_evolve(&cart, &event, SCENE_T0_US);
    struct cart_event removed = item_removed("mug~a", 1);
    cart_evolve(&cart, &removed, SCENE_T0_US);
    event = then_event(when(&cart, add_item("mug~a", 1), priced(1)), CART_EVENT_ITEM_ADDED);
    ck_assert_str_eq(event.item_added.item_id, "mug~a~1");
}
END_TEST

START_TEST(a_packed_cart_has_properties_of_its_own)
{
    char properties[] = FOR_ADA;
    GIVEN(
        &cart, created(), item_added("mug", 1, 1), special_item_added("mug~a", "mug", properties));
    struct cart *packed = cart_pack(malloc(cart_packed_size(&cart)), &cart);
    memset(properties, 'x', sizeof properties - 1);
    ck_assert_ptr_null(packed->lines[0].properties);
    ck_assert_str_eq(packed->lines[1].properties, FOR_ADA);
    ck_assert_str_eq(packed->lines[1].item_id, "mug~a");
    free(packed);
}
END_TEST

START_TEST(a_refusal_wins_over_a_taken_id)
{
    GIVEN(&cart, created(), item_added("mug~a", 1, 100));
    then_refused(
        when(&cart, add_special_item("mug~a", "mug", FOR_ADA), unknown()),
        CART_REFUSED_UNKNOWN_SKU);
    then_refused(
        when(&cart, add_special_item("mug~a", "mug", FOR_ADA), priced(CART_AMOUNT_MAX)),
        CART_REFUSED_AMOUNT_TOO_LARGE);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cart_properties");
    TCase *lines = tcase_create("lines");
    tcase_add_test(lines, different_properties_make_different_lines);
    tcase_add_test(lines, a_line_is_found_by_its_sku_and_its_properties);
    tcase_add_test(lines, adding_with_properties_records_them_and_the_id_that_was_proposed);
    tcase_add_test(lines, adding_again_with_the_same_properties_grows_that_line);
    tcase_add_test(lines, each_line_has_its_own_limit_and_counts_as_one);
    tcase_add_test(lines, a_line_with_properties_is_changed_and_removed_by_its_id);
    tcase_add_test(lines, an_id_that_another_line_has_is_not_given_twice);
    tcase_add_test(lines, a_packed_cart_has_properties_of_its_own);
    tcase_add_test(lines, a_refusal_wins_over_a_taken_id);
    suite_add_tcase(suite, lines);
    return support_run(suite);
}
