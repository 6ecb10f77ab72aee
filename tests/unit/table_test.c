#include "table.h"

#include "support.h"

#define N_ENTRIES 50000

static struct table_entry entries[N_ENTRIES];

/* Ids that count upwards in the bytes from `at` on. */
static size_t longest_bucket_of_ids_counted_at(size_t at)
{
    struct table table;
    table_init(&table);
    for (uint32_t i = 0; i < N_ENTRIES; i++) {
        entries[i] = (struct table_entry){.id = {{0}}};
        for (size_t j = 0; j < sizeof i; j++)
            entries[i].id.bytes[at + j] = (uint8_t)(i >> (24 - 8 * j));
        table_add(&table, &entries[i]);
    }
    ck_assert_uint_eq(table_count(&table), N_ENTRIES);
    size_t longest = table_longest_bucket(&table);
    for (uint32_t i = 0; i < N_ENTRIES; i++) {
        ck_assert_ptr_eq(table_find(&table, &entries[i].id), &entries[i]);
        table_remove(&table, &entries[i]);
        ck_assert_ptr_null(table_find(&table, &entries[i].id));
    }
    ck_assert_uint_eq(table_count(&table), 0);
    return longest;
}

START_TEST(ids_that_count_upwards_anywhere_are_spread_over_the_buckets)
{
    for (size_t at = 0; at <= 12; at++)
        ck_assert_uint_le(longest_bucket_of_ids_counted_at(at), 20);
}
END_TEST

START_TEST(two_tables_spread_the_same_ids_in_different_ways)
{
    struct table one;
    struct table other;
    table_init(&one);
    table_init(&other);
    ck_assert(one.secret[0] != other.secret[0] && one.secret[1] != other.secret[1]);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("table");
    TCase *cases = tcase_create("table");
    tcase_add_test(cases, ids_that_count_upwards_anywhere_are_spread_over_the_buckets);
    tcase_add_test(cases, two_tables_spread_the_same_ids_in_different_ways);
    suite_add_tcase(suite, cases);
    return support_run(suite);
}
