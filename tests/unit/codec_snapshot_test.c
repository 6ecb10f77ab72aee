#include <string.h>

#include "codec.h"
#include "support.h"

static void add_line(
    struct cart *cart, const char *sku, const char *name, int32_t quantity, const char *properties)
{
    struct cart_event event = {
        .type = CART_EVENT_ITEM_ADDED,
        .item_added =
            {
                .item_id = sku,
                .sku = sku,
                .name = name,
                .properties = properties,
                .quantity = quantity,
                .unit_price_minor = 7,
            },
    };
    cart_evolve(cart, &event, 2000);
}

static void add_total(struct cart *cart, const char *name, int64_t amount_minor)
{
    struct cart_event event = {
        .type = CART_EVENT_TOTAL_SET, .total_set = {.name = name, .amount_minor = amount_minor}};
    cart_evolve(cart, &event, 2000);
}

/* A cart whose history is longer than the shortest one. */
static void make_cart(struct cart *cart)
{
    struct cart_event created = {
        .type = CART_EVENT_CREATED,
        .created = {.currency = "EUR", .customer_id = "Zoë \"Q\"", .metadata = "{\"a\":[1,2.5]}"},
    };
    cart_clear(cart);
    cart_evolve(cart, &created, 1000);
    add_line(cart, "tea", "Tea", 2, NULL);
    add_line(cart, "mug", "A \"mug\"", 999, "{\"a\":\"\xc3\xa9 \\\"\",\"b\":\"x\"}");
    add_total(cart, "tax", 19);
    add_line(cart, "tea", "Tea", 3, NULL); /* makes it stale */
    add_total(cart, "shipping", 0);
    struct cart_event by_weight = {
        .type = CART_EVENT_ITEM_ADDED,
        .item_added =
            {
                .item_id = "nut",
                .sku = "nut",
                .name = "Nut",
                .unit = "kg",
                .quantity = 1500,
                .scale = 3,
                .unit_price_minor = 1250,
            },
    };
    cart_evolve(cart, &by_weight, 2000);
}

static void make_guests_cart(struct cart *cart)
{
    struct cart_event created = {
        .type = CART_EVENT_CREATED,
        .created =
            {
                .currency = "EUR",
                .guest_token_hash =
                    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
                .metadata = "{}",
            },
    };
    cart_clear(cart);
    cart_evolve(cart, &created, 1000);
}

static void assert_survives(const struct cart *cart)
{
    static struct cart read;
    BASE_CLEANUP(base_arena_finish) struct base_arena arena = {0};
    BASE_CLEANUP(base_buffer_finish) struct base_buffer text = {0};
    BASE_CLEANUP(base_buffer_finish) struct base_buffer again = {0};
    codec_write_cart_snapshot(&text, cart);
    ck_assert(codec_read_cart_snapshot(base_buffer_text(&text), &arena, &read));
    codec_write_cart_snapshot(&again, &read);
    ck_assert_str_eq(base_buffer_text(&text), base_buffer_text(&again));
    ck_assert_pstr_eq(read.customer_id, cart->customer_id);
    ck_assert_pstr_eq(read.guest_token_hash, cart->guest_token_hash);
    ck_assert_pstr_eq(read.order_reference, cart->order_reference);
    ck_assert_pstr_eq(read.merged_into, cart->merged_into);
    ck_assert_int_eq(read.merged_version, cart->merged_version);
    ck_assert_pstr_eq(read.customer_email, cart->customer_email);
    ck_assert_pstr_eq(read.note, cart->note);
    ck_assert_pstr_eq(read.notes, cart->notes);
    ck_assert_str_eq(read.metadata, cart->metadata);
    ck_assert_str_eq(read.currency, cart->currency);
    ck_assert_int_eq(read.changed_version, cart->changed_version);
    ck_assert_int_eq(read.undone_to, cart->undone_to);
    for (size_t i = 0; i < cart->n_lines; i++) {
        ck_assert_pstr_eq(read.lines[i].properties, cart->lines[i].properties);
        ck_assert_int_eq(read.lines[i].added_version, cart->lines[i].added_version);
    }
    ck_assert_int_eq(read.version, cart->version);
    ck_assert_int_eq(read.item_count, cart->item_count);
    ck_assert_int_eq(read.total_minor, cart->total_minor);
    ck_assert_int_eq(read.created_at_us, cart->created_at_us);
    ck_assert_int_eq(read.updated_at_us, cart->updated_at_us);
    ck_assert_int_eq(read.closed_at_us, cart->closed_at_us);
}

START_TEST(whose_a_cart_is_survives_its_snapshot)
{
    static struct cart cart;
    make_guests_cart(&cart);
    assert_survives(&cart);
    cart_evolve(
        &cart, &(struct cart_event){.type = CART_EVENT_CLAIMED, .claimed = {.customer_id = "ada"}},
        2000);
    assert_survives(&cart);
}
END_TEST

START_TEST(a_cart_survives_its_snapshot)
{
    static struct cart cart;
    make_cart(&cart);
    assert_survives(&cart);
    cart_evolve(&cart, &(struct cart_event){.type = CART_EVENT_CANCELLED}, 3000);
    assert_survives(&cart);
    make_cart(&cart);
    cart_evolve(
        &cart,
        &(struct cart_event){
            .type = CART_EVENT_CHECKED_OUT, .checked_out = {.order_reference = "order \"1\""}},
        3000);
    assert_survives(&cart);
    make_cart(&cart);
    cart_evolve(&cart, &(struct cart_event){.type = CART_EVENT_CLEARED}, 3000);
    assert_survives(&cart);
}
END_TEST

#define OTHER_ID "01936f6e-6f0a-7c3e-9a57-5f0c8a4f1b2e"

/* Each kind of event that leaves something in the cart. */
START_TEST(all_that_a_cart_has_survives_its_snapshot)
{
    static struct cart cart;
    const struct cart_item_price prices[] = {{"tea", 9}, {"mug", 8}};
    const struct cart_event events[] = {
        {.type = CART_EVENT_DETAILS_CHANGED,
         .details_changed = {"{\"b\":1}", "ada@example.com", "ring \"twice\""}},
        {.type = CART_EVENT_CURRENCY_CHANGED,
         .currency_changed = {.currency = "USD", .prices = prices, .n_prices = 2}},
        {.type = CART_EVENT_ITEM_RESTORED,
         .item_restored = {.item_id = "hat", .sku = "hat", .name = "H", .quantity = 1, .index = 1}},
        {.type = CART_EVENT_ITEM_PROPERTIES_CHANGED,
         .item_properties_changed = {"tea", "{\"size\":\"L\"}"}},
        {.type = CART_EVENT_ITEM_PRICE_CHANGED, .item_price_changed = {.item_id = "tea"}},
        {.type = CART_EVENT_ITEM_MERGED, .item_merged = {"hat", "tea", 1}},
        {.type = CART_EVENT_RESTORED,
         .restored = {.version = 3, .undone_to = 2, .notes = "[{\"a\":\"b\"}]"}},
        {.type = CART_EVENT_CHECKED_OUT, .checked_out = {.order_reference = "order-1"}},
        {.type = CART_EVENT_REOPENED, .reopened = {.reason = "why"}},
        {.type = CART_EVENT_MERGED, .merged = {.from = OTHER_ID, .notes = "[{\"a\":\"c\"}]"}},
        {.type = CART_EVENT_MERGED_INTO, .merged_into = {.into = OTHER_ID, .version = 7}},
        {.type = CART_EVENT_MERGE_REVERTED, .merge_reverted = {.cart_id = OTHER_ID}},
        {.type = CART_EVENT_EXPIRED},
        {.type = CART_EVENT_REOPENED, .reopened = {.reason = NULL}},
        {.type = CART_EVENT_RESUME_TOKEN_MADE,
         .resume_token_made = {"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"}},
        {.type = CART_EVENT_ABANDONED,
         .abandoned = {.total_minor = 1, .currency = "EUR", .item_count = 1}},
    };
    make_cart(&cart);
    for (size_t i = 0; i < BASE_COUNT(events); i++) {
        cart_evolve(&cart, &events[i], 4000);
        assert_survives(&cart);
    }
    ck_assert_int_eq(cart.undone_to, 0);
}
END_TEST

#define HEAD                                                                                       \
    "\"abandoned_at_us\":null,\"resume_token_hash\":null,\"changed_version\":0,\"undone_to\":0,"   \
    "\"notes\":[],\"order_"                                                                        \
    "reference\":null,"

START_TEST(what_is_no_snapshot_is_not_read)
{
    static struct cart cart;
    BASE_CLEANUP(base_arena_finish) struct base_arena arena = {0};
    static const char *const texts[] = {
        "",
        "{}",
        "[]",
        "null",
        "{\"version\":1}",
        "{\"version\":1,\"status\":\"open\",\"created_at_us\":1,\"updated_at_us\":1,"
        "\"closed_at_us\":null," HEAD
        "\"created\":{},\"details\":{\"metadata\":{},\"customer_email\":null,\"note\":null},"
        "\"added\":[],\"added_versions\":[],\"coupons\":[],\"lapsed\":[],\"totals\":[]}",
        "{\"version\":1,\"status\":\"absent\",\"created_at_us\":1,\"updated_at_us\":1,"
        "\"closed_at_us\":null," HEAD "\"created\":{\"currency\":\"EUR\",\"customer_id\":null,"
        "\"metadata\":{},\"guest_token_hash\":null},\"details\":{\"metadata\":{},\"customer_"
        "email\":null,\"note\":null},\"added\":[],\"added_versions\":[],\"coupons\":[],\"lapsed\":["
        "],\"totals\":[]}",
        "{\"version\":0,\"status\":\"open\",\"created_at_us\":1,\"updated_at_us\":1,"
        "\"closed_at_us\":null," HEAD "\"created\":{\"currency\":\"EUR\",\"customer_id\":null,"
        "\"metadata\":{},\"guest_token_hash\":null},\"details\":{\"metadata\":{},\"customer_"
        "email\":null,\"note\":null},\"added\":[],\"added_versions\":[],\"coupons\":[],\"lapsed\":["
        "],\"totals\":[]}",
        "{\"version\":1,\"status\":\"open\",\"created_at_us\":1,\"updated_at_us\":1,"
        "\"closed_at_us\":null," HEAD "\"created\":{\"currency\":\"EUR\",\"customer_id\":null,"
        "\"metadata\":{},\"guest_token_hash\":null},\"added\":{}}",
        /* It is 1 in 32 bits. */
        "{\"version\":4294967297,\"status\":\"open\",\"created_at_us\":1,\"updated_at_us\":1,"
        "\"closed_at_us\":null," HEAD "\"created\":{\"currency\":\"EUR\",\"customer_id\":null,"
        "\"metadata\":{},\"guest_token_hash\":null},\"details\":{\"metadata\":{},\"customer_"
        "email\":null,\"note\":null},\"added\":[],\"added_versions\":[],\"coupons\":[],\"lapsed\":["
        "],\"totals\":[]}",
        /* In the year 10000, which could not be written. */
        "{\"version\":1,\"status\":\"open\",\"created_at_us\":253402300800000000,"
        "\"updated_at_us\":1,\"closed_at_us\":null," HEAD "\"created\":{\"currency\":\"EUR\","
        "\"customer_id\":null,\"metadata\":{},\"guest_token_hash\":null},\"details\":{\"metadata\":"
        "{},\"customer_email\":null,\"note\":null},\"added\":[],\"added_versions\":[],\"coupons\":["
        "],\"lapsed\":[],\"totals\":[]"
        "}",
    };
    for (size_t i = 0; i < BASE_COUNT(texts); i++)
        ck_assert_msg(!codec_read_cart_snapshot(texts[i], &arena, &cart), "%s", texts[i]);
    ck_assert(codec_read_cart_snapshot(
        "{\"version\":1,\"status\":\"open\",\"created_at_us\":1,\"updated_at_us\":1,"
        "\"closed_at_us\":null," HEAD "\"created\":{\"currency\":\"EUR\",\"customer_id\":null,"
        "\"metadata\":{},\"guest_token_hash\":null},\"details\":{\"metadata\":{},\"customer_"
        "email\":null,\"note\":null},\"added\":[],\"added_versions\":[],\"coupons\":[],\"lapsed\":["
        "],\"totals\":[]}",
        &arena, &cart));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("codec_snapshot");
    TCase *cases = tcase_create("snapshot");
    tcase_add_test(cases, a_cart_survives_its_snapshot);
    tcase_add_test(cases, whose_a_cart_is_survives_its_snapshot);
    tcase_add_test(cases, all_that_a_cart_has_survives_its_snapshot);
    tcase_add_test(cases, what_is_no_snapshot_is_not_read);
    suite_add_tcase(suite, cases);
    return support_run(suite);
}
