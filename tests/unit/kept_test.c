#include "kept.h"

#include <stdlib.h>
#include <string.h>

#include "support.h"

#define SOON 1000 /* now, in microseconds; a lease until LATER covers it */
#define LATER 2000

static struct base_uuid id_of(uint8_t number)
{
    return (struct base_uuid){{[15] = number}};
}

static struct projections_read read_of(uint8_t number)
{
    return (struct projections_read){.cart_id = id_of(number), .caller = {.may_all = true}};
}

/* What came of asking. */
static void answer(
    struct kept *kept, uint8_t number, uint64_t mark, int32_t version, const char *document)
{
    const struct kept_found found = {
        .cart_id = id_of(number),
        .version = version,
        .customer_id = "ada",
        .document = document,
        .document_length = strlen(document),
    };
    kept_put(kept, SOON, mark, &found);
}

static uint64_t mark_of(const struct kept *kept, uint8_t number)
{
    const struct base_uuid id = id_of(number);
    return kept_mark(kept, SOON, &id);
}

static void read_it(struct kept *kept, uint8_t number, int32_t version, const char *document)
{
    answer(kept, number, mark_of(kept, number), version, document);
}

/* The version that is kept; 0: none. */
static int32_t version_at(struct kept *kept, uint8_t number, int64_t now_us)
{
    struct projections_read read = read_of(number);
    bool was_found = kept_find(kept, now_us, &read);
    base_buffer_finish(&read.body);
    return was_found ? read.version : 0;
}

static void begin(struct kept *kept)
{
    kept_init(kept, 1024 * 1024);
    kept_trust(kept, LATER, 1);
}

START_TEST(what_was_read_within_a_lease_is_found_until_it_ends)
{
    struct kept kept;
    begin(&kept);
    read_it(&kept, 1, 7, "{\"version\":7}");
    struct projections_read read = read_of(1);
    ck_assert(kept_find(&kept, SOON, &read));
    ck_assert_int_eq(read.version, 7);
    ck_assert_str_eq(base_buffer_text(&read.body), "{\"version\":7}");
    base_buffer_finish(&read.body);
    ck_assert_int_eq(version_at(&kept, 2, SOON), 0);
    ck_assert_int_eq(version_at(&kept, 1, LATER - 1), 7);
    ck_assert_int_eq(version_at(&kept, 1, LATER), 0);
    kept_finish(&kept);
}
END_TEST

START_TEST(without_a_lease_nothing_is_kept)
{
    struct kept kept;
    kept_init(&kept, 1024 * 1024);
    uint64_t early = mark_of(&kept, 1);
    kept_trust(&kept, LATER, 1); /* it comes while the read is on its way */
    answer(&kept, 1, early, 7, "{}");
    ck_assert_int_eq(version_at(&kept, 1, SOON), 0);
    kept_finish(&kept);
}
END_TEST

START_TEST(it_stays_from_lease_to_lease_while_nobody_else_came)
{
    struct kept kept;
    begin(&kept);
    read_it(&kept, 1, 7, "{}");
    kept_trust(&kept, LATER + 1000, 1);
    ck_assert_int_eq(version_at(&kept, 1, LATER + 500), 7);
    kept_trust(&kept, LATER + 9000, 1); /* after a gap */
    ck_assert_int_eq(version_at(&kept, 1, LATER + 8000), 7);
    kept_trust(&kept, LATER + 9000, 2);
    ck_assert_int_eq(version_at(&kept, 1, LATER + 8000), 0);
    kept_finish(&kept);
}
END_TEST

START_TEST(a_read_on_its_way_from_one_writer_to_another_is_not_kept)
{
    struct kept kept;
    begin(&kept);
    uint64_t mark = mark_of(&kept, 1);
    kept_trust(&kept, LATER, 2);
    answer(&kept, 1, mark, 7, "{}");
    ck_assert_int_eq(version_at(&kept, 1, SOON), 0);
    mark = mark_of(&kept, 1);
    kept_distrust(&kept);
    kept_trust(&kept, LATER, 2);
    answer(&kept, 1, mark, 7, "{}");
    ck_assert_int_eq(version_at(&kept, 1, SOON), 0);
    kept_finish(&kept);
}
END_TEST

START_TEST(a_change_hides_what_is_kept_and_what_was_on_its_way)
{
    struct kept kept;
    begin(&kept);
    struct base_uuid id = id_of(1);
    read_it(&kept, 1, 7, "{}");
    read_it(&kept, 2, 3, "{}");
    uint64_t before = mark_of(&kept, 1);
    kept_begin_change(&kept, &id);
    ck_assert_int_eq(version_at(&kept, 1, SOON), 0);
    ck_assert_int_eq(version_at(&kept, 2, SOON), 3);
    read_it(&kept, 1, 7, "{}"); /* asked and answered while it is under change */
    ck_assert_int_eq(version_at(&kept, 1, SOON), 0);
    uint64_t within = mark_of(&kept, 1);
    kept_end_change(&kept, &id);
    answer(&kept, 1, before, 7, "{}");
    answer(&kept, 1, within, 7, "{}");
    ck_assert_int_eq(version_at(&kept, 1, SOON), 0);
    ck_assert(kept_is_behind(&kept, &id));
    read_it(&kept, 1, 8, "{}");
    ck_assert_int_eq(version_at(&kept, 1, SOON), 8);
    ck_assert(!kept_is_behind(&kept, &id));
    ck_assert_uint_eq(kept.n_carts, 2);
    kept_finish(&kept);
}
END_TEST

START_TEST(it_admits_whom_the_cart_admits)
{
    struct kept kept;
    begin(&kept);
    read_it(&kept, 1, 7, "{}"); /* ada's */
    struct projections_read read = read_of(1);
    read.caller = (struct cart_caller){.customer_id = "ada"};
    ck_assert(kept_find(&kept, SOON, &read));
    base_buffer_finish(&read.body);
    read = read_of(1);
    read.caller = (struct cart_caller){.customer_id = "bob"};
    ck_assert(!kept_find(&kept, SOON, &read)); /* he is answered as if there was none */
    ck_assert_uint_eq(read.body.length, 0);
    kept_finish(&kept);
}
END_TEST

START_TEST(the_memory_is_bounded_and_what_is_used_stays_longest)
{
    struct kept kept;
    kept_init(&kept, 64 * 1024);
    kept_trust(&kept, LATER, 1);
    char document[1001];
    memset(document, 'x', 1000);
    document[1000] = '\0';
    for (int round = 0; round < 3; round++)
        for (uint8_t i = 1; i <= 200; i++) {
            read_it(&kept, i, i, document);
            ck_assert_int_eq(version_at(&kept, 1, SOON), 1);
            ck_assert_uint_le(kept.n_bytes, 64 * 1024);
        }
    ck_assert_uint_gt(kept.n_carts, 40);
    ck_assert_int_eq(version_at(&kept, 2, SOON), 0);

    char *large = base_alloc(5001);
    memset(large, 'x', 5000);
    read_it(&kept, 3, 3, large); /* more than its part of the room */
    ck_assert_int_eq(version_at(&kept, 3, SOON), 0);
    ck_assert_uint_gt(kept.n_carts, 40);
    free(large);
    kept_finish(&kept);
}
END_TEST

static struct base_uuid id_of_many(uint32_t number)
{
    struct base_uuid id = {0};
    memcpy(id.bytes, &number, sizeof number);
    return id;
}

static void read_one_of_many(struct kept *kept, uint32_t number)
{
    const struct kept_found found = {
        .cart_id = id_of_many(number),
        .version = (int32_t)number + 1,
        .document = "{}",
        .document_length = 2,
    };
    kept_put(kept, SOON, kept_mark(kept, SOON, &found.cart_id), &found);
}

/* How many of them are found, each with its own version. */
static size_t count_found(struct kept *kept, uint32_t n)
{
    size_t n_found = 0;
    for (uint32_t i = 0; i < n; i++) {
        struct projections_read read = {.cart_id = id_of_many(i), .caller = {.may_all = true}};
        if (!kept_find(kept, SOON, &read))
            continue;
        n_found++;
        ck_assert_int_eq(read.version, (int32_t)i + 1);
        base_buffer_finish(&read.body);
    }
    return n_found;
}

START_TEST(who_stays_is_found_whoever_goes)
{
    struct kept kept;
    kept_init(&kept, 120000);
    kept_trust(&kept, LATER, 1);
    for (uint32_t i = 0; i < 40000; i++) {
        read_one_of_many(&kept, i * 2654435761U % 4000);
        if (i % 2000 == 0)
            ck_assert_uint_eq(count_found(&kept, 4000), kept.n_carts);
    }
    ck_assert_uint_gt(kept.n_carts, kept.n_places / 2);
    ck_assert_uint_eq(count_found(&kept, 4000), kept.n_carts);
    size_t n_taken = 0;
    for (size_t i = 0; i < kept.n_places; i++)
        n_taken += kept.places[i].cart != NULL;
    ck_assert_uint_eq(n_taken, kept.n_carts);
    kept_finish(&kept);
}
END_TEST

START_TEST(many_are_found)
{
    struct kept kept;
    kept_init(&kept, 64 * 1024 * 1024);
    kept_trust(&kept, LATER, 1);
    for (uint32_t i = 0; i < 20000; i++)
        read_one_of_many(&kept, i);
    ck_assert_uint_eq(kept.n_carts, 20000);
    ck_assert_uint_eq(count_found(&kept, 20000), 20000);
    kept_finish(&kept);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("kept");
    TCase *cases = tcase_create("kept");
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, what_was_read_within_a_lease_is_found_until_it_ends);
    tcase_add_test(cases, without_a_lease_nothing_is_kept);
    tcase_add_test(cases, it_stays_from_lease_to_lease_while_nobody_else_came);
    tcase_add_test(cases, a_read_on_its_way_from_one_writer_to_another_is_not_kept);
    tcase_add_test(cases, a_change_hides_what_is_kept_and_what_was_on_its_way);
    tcase_add_test(cases, it_admits_whom_the_cart_admits);
    tcase_add_test(cases, the_memory_is_bounded_and_what_is_used_stays_longest);
    tcase_add_test(cases, who_stays_is_found_whoever_goes);
    tcase_add_test(cases, many_are_found);
    suite_add_tcase(suite, cases);
    return support_run(suite);
}
