#include "cart_cache.h"

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
    return (struct projections_read){.id = id_of(number), .caller = {.may_all = true}};
}

/* What came of asking. */
static void answer(
    struct cart_cache *cache, uint8_t number, uint64_t mark, int32_t version, const char *document)
{
    const struct cart_cache_entry found = {
        .cart_id = id_of(number),
        .version = version,
        .customer_id = "ada",
        .document = document,
        .document_length = strlen(document),
    };
    cart_cache_put(cache, SOON, mark, &found);
}

static uint64_t mark_of(const struct cart_cache *cache, uint8_t number)
{
    const struct base_uuid id = id_of(number);
    return cart_cache_mark(cache, SOON, &id);
}

static void read_it(struct cart_cache *cache, uint8_t number, int32_t version, const char *document)
{
    answer(cache, number, mark_of(cache, number), version, document);
}

/* The version that is cached; 0: none. */
static int32_t version_at(struct cart_cache *cache, uint8_t number, int64_t now_us)
{
    struct projections_read read = read_of(number);
    bool was_found = cart_cache_find(cache, now_us, &read);
    base_buffer_finish(&read.body);
    return was_found ? read.version : 0;
}

static void begin(struct cart_cache *cache)
{
    cart_cache_init(cache, 1024 * 1024);
    cart_cache_grant(cache, LATER, 1);
}

START_TEST(what_was_read_within_a_lease_is_found_until_it_ends)
{
    struct cart_cache cache;
    begin(&cache);
    read_it(&cache, 1, 7, "{\"version\":7}");
    struct projections_read read = read_of(1);
    ck_assert(cart_cache_find(&cache, SOON, &read));
    ck_assert_int_eq(read.version, 7);
    ck_assert_str_eq(base_buffer_text(&read.body), "{\"version\":7}");
    base_buffer_finish(&read.body);
    ck_assert_int_eq(version_at(&cache, 2, SOON), 0);
    ck_assert_int_eq(version_at(&cache, 1, LATER - 1), 7);
    ck_assert_int_eq(version_at(&cache, 1, LATER), 0);
    cart_cache_finish(&cache);
}
END_TEST

START_TEST(without_a_lease_nothing_is_cached)
{
    struct cart_cache cache;
    cart_cache_init(&cache, 1024 * 1024);
    uint64_t early = mark_of(&cache, 1);
    cart_cache_grant(&cache, LATER, 1); /* it comes while the read is on its way */
    answer(&cache, 1, early, 7, "{}");
    ck_assert_int_eq(version_at(&cache, 1, SOON), 0);
    cart_cache_finish(&cache);
}
END_TEST

START_TEST(it_stays_from_lease_to_lease_while_nobody_else_came)
{
    struct cart_cache cache;
    begin(&cache);
    read_it(&cache, 1, 7, "{}");
    cart_cache_grant(&cache, LATER + 1000, 1);
    ck_assert_int_eq(version_at(&cache, 1, LATER + 500), 7);
    cart_cache_grant(&cache, LATER + 9000, 1); /* after a gap */
    ck_assert_int_eq(version_at(&cache, 1, LATER + 8000), 7);
    cart_cache_grant(&cache, LATER + 9000, 2);
    ck_assert_int_eq(version_at(&cache, 1, LATER + 8000), 0);
    cart_cache_finish(&cache);
}
END_TEST

START_TEST(a_read_on_its_way_from_one_writer_to_another_is_not_cached)
{
    struct cart_cache cache;
    begin(&cache);
    uint64_t mark = mark_of(&cache, 1);
    cart_cache_grant(&cache, LATER, 2);
    answer(&cache, 1, mark, 7, "{}");
    ck_assert_int_eq(version_at(&cache, 1, SOON), 0);
    mark = mark_of(&cache, 1);
    cart_cache_revoke(&cache);
    cart_cache_grant(&cache, LATER, 2);
    answer(&cache, 1, mark, 7, "{}");
    ck_assert_int_eq(version_at(&cache, 1, SOON), 0);
    cart_cache_finish(&cache);
}
END_TEST

START_TEST(a_change_hides_what_is_cached_and_what_was_on_its_way)
{
    struct cart_cache cache;
    begin(&cache);
    struct base_uuid id = id_of(1);
    read_it(&cache, 1, 7, "{}");
    read_it(&cache, 2, 3, "{}");
    uint64_t before = mark_of(&cache, 1);
    cart_cache_begin_change(&cache, &id);
    ck_assert_int_eq(version_at(&cache, 1, SOON), 0);
    ck_assert_int_eq(version_at(&cache, 2, SOON), 3);
    read_it(&cache, 1, 7, "{}"); /* asked and answered while it is under change */
    ck_assert_int_eq(version_at(&cache, 1, SOON), 0);
    uint64_t within = mark_of(&cache, 1);
    cart_cache_end_change(&cache, &id);
    answer(&cache, 1, before, 7, "{}");
    answer(&cache, 1, within, 7, "{}");
    ck_assert_int_eq(version_at(&cache, 1, SOON), 0);
    ck_assert(cart_cache_is_behind(&cache, &id));
    read_it(&cache, 1, 8, "{}");
    ck_assert_int_eq(version_at(&cache, 1, SOON), 8);
    ck_assert(!cart_cache_is_behind(&cache, &id));
    ck_assert_uint_eq(cache.n_carts, 2);
    cart_cache_finish(&cache);
}
END_TEST

START_TEST(it_admits_whom_the_cart_admits)
{
    struct cart_cache cache;
    begin(&cache);
    read_it(&cache, 1, 7, "{}"); /* ada's */
    struct projections_read read = read_of(1);
    read.caller = (struct cart_caller){.customer_id = "ada"};
    ck_assert(cart_cache_find(&cache, SOON, &read));
    base_buffer_finish(&read.body);
    read = read_of(1);
    read.caller = (struct cart_caller){.customer_id = "bob"};
    ck_assert(!cart_cache_find(&cache, SOON, &read)); /* answered as if there was none */
    ck_assert_uint_eq(read.body.length, 0);
    cart_cache_finish(&cache);
}
END_TEST

START_TEST(the_memory_is_bounded_and_what_is_used_stays_longest)
{
    struct cart_cache cache;
    cart_cache_init(&cache, 64 * 1024);
    cart_cache_grant(&cache, LATER, 1);
    char document[1001];
    memset(document, 'x', 1000);
    document[1000] = '\0';
    for (int round = 0; round < 3; round++)
        for (uint8_t i = 1; i <= 200; i++) {
            read_it(&cache, i, i, document);
            ck_assert_int_eq(version_at(&cache, 1, SOON), 1);
            ck_assert_uint_le(cache.n_bytes, 64 * 1024);
        }
    ck_assert_uint_gt(cache.n_carts, 40);
    ck_assert_int_eq(version_at(&cache, 2, SOON), 0);

    char *large = base_alloc(5001);
    memset(large, 'x', 5000);
    read_it(&cache, 3, 3, large); /* more than its part of the room */
    ck_assert_int_eq(version_at(&cache, 3, SOON), 0);
    ck_assert_uint_gt(cache.n_carts, 40);
    free(large);
    cart_cache_finish(&cache);
}
END_TEST

static struct base_uuid id_of_many(uint32_t number)
{
    struct base_uuid id = {0};
    memcpy(id.bytes, &number, sizeof number);
    return id;
}

static void read_one_of_many(struct cart_cache *cache, uint32_t number)
{
    const struct cart_cache_entry found = {
        .cart_id = id_of_many(number),
        .version = (int32_t)number + 1,
        .document = "{}",
        .document_length = 2,
    };
    cart_cache_put(cache, SOON, cart_cache_mark(cache, SOON, &found.cart_id), &found);
}

/* How many of them are found, each with its own version. */
static size_t count_found(struct cart_cache *cache, uint32_t n)
{
    size_t n_found = 0;
    for (uint32_t i = 0; i < n; i++) {
        struct projections_read read = {.id = id_of_many(i), .caller = {.may_all = true}};
        if (!cart_cache_find(cache, SOON, &read))
            continue;
        n_found++;
        ck_assert_int_eq(read.version, (int32_t)i + 1);
        base_buffer_finish(&read.body);
    }
    return n_found;
}

START_TEST(who_stays_is_found_whoever_goes)
{
    struct cart_cache cache;
    cart_cache_init(&cache, 120000);
    cart_cache_grant(&cache, LATER, 1);
    for (uint32_t i = 0; i < 40000; i++) {
        read_one_of_many(&cache, i * 2654435761U % 4000);
        if (i % 2000 == 0)
            ck_assert_uint_eq(count_found(&cache, 4000), cache.n_carts);
    }
    ck_assert_uint_gt(cache.n_carts, cache.n_slots / 2);
    ck_assert_uint_eq(count_found(&cache, 4000), cache.n_carts);
    size_t n_taken = 0;
    for (size_t i = 0; i < cache.n_slots; i++)
        n_taken += cache.slots[i].cart != NULL;
    ck_assert_uint_eq(n_taken, cache.n_carts);
    cart_cache_finish(&cache);
}
END_TEST

START_TEST(many_are_found)
{
    struct cart_cache cache;
    cart_cache_init(&cache, 64 * 1024 * 1024);
    cart_cache_grant(&cache, LATER, 1);
    for (uint32_t i = 0; i < 20000; i++)
        read_one_of_many(&cache, i);
    ck_assert_uint_eq(cache.n_carts, 20000);
    ck_assert_uint_eq(count_found(&cache, 20000), 20000);
    cart_cache_finish(&cache);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cart cache");
    TCase *cases = tcase_create("cart cache");
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, what_was_read_within_a_lease_is_found_until_it_ends);
    tcase_add_test(cases, without_a_lease_nothing_is_cached);
    tcase_add_test(cases, it_stays_from_lease_to_lease_while_nobody_else_came);
    tcase_add_test(cases, a_read_on_its_way_from_one_writer_to_another_is_not_cached);
    tcase_add_test(cases, a_change_hides_what_is_cached_and_what_was_on_its_way);
    tcase_add_test(cases, it_admits_whom_the_cart_admits);
    tcase_add_test(cases, the_memory_is_bounded_and_what_is_used_stays_longest);
    tcase_add_test(cases, who_stays_is_found_whoever_goes);
    tcase_add_test(cases, many_are_found);
    suite_add_tcase(suite, cases);
    return support_run(suite);
}
