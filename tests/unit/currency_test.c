#include "currency.h"

#include <stdio.h>
#include <string.h>

#include "support.h"

/* What is a currency, and of how many decimals. */

static const struct currency_list NONE;

static void each_is(const char *codes, int minor_unit)
{
    char code[CURRENCY_CODE_SIZE] = "";
    for (const char *at = codes; *at != '\0'; at += at[3] == ' ' ? 4 : 3) {
        memcpy(code, at, 3);
        ck_assert_msg(
            currency_find(&NONE, code) == minor_unit, "%s has %d decimals", code,
            currency_find(&NONE, code));
    }
}

START_TEST(currencies_have_the_decimals_of_iso_4217)
{
    each_is("AED AUD CHF CUP EUR GBP HUF IDR INR MGA MRU SLE STN SVC USD VED VES ZMW ZWG", 2);
    each_is("XCD XCG", 2);
    each_is("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF", 0);
    each_is("BHD IQD JOD KWD LYD OMR TND", 3);
    each_is("UYW", 4);
}
END_TEST

START_TEST(every_currency_of_iso_4217_is_found)
{
    size_t n = 0;
    for (char code[] = "AAA"; code[0] <= 'Z'; code[0]++)
        for (code[1] = 'A'; code[1] <= 'Z'; code[1]++)
            for (code[2] = 'A'; code[2] <= 'Z'; code[2]++)
                n += currency_find(&NONE, code) != CURRENCY_MINOR_UNIT_NONE;
    ck_assert_uint_eq(n, 156);
}
END_TEST

START_TEST(what_nobody_pays_with_is_no_currency)
{
    each_is("XAD XAG XAU XBA XBB XBC XBD XDR XPD XPT XSU XTS XUA XXX", CURRENCY_MINOR_UNIT_NONE);
    each_is("BOV CHE CHW CLF COU MXV USN UYI", CURRENCY_MINOR_UNIT_NONE);
    each_is("ANG BGN BYR CUC DEM HRK LTL MRO SLL STD VEF ZWL USS", CURRENCY_MINOR_UNIT_NONE);
    each_is("AAA ZZZ eur EU1", CURRENCY_MINOR_UNIT_NONE);
    ck_assert_int_eq(currency_find(&NONE, ""), CURRENCY_MINOR_UNIT_NONE);
    ck_assert_int_eq(currency_find(&NONE, "EU"), CURRENCY_MINOR_UNIT_NONE);
    ck_assert_int_eq(currency_find(&NONE, "EURO"), CURRENCY_MINOR_UNIT_NONE);
}
END_TEST

START_TEST(own_currencies_are_added)
{
    static struct currency_list own;
    ck_assert_ptr_null(currency_read_own("PTS:0,XBT:8,BGN:2", &own));
    ck_assert_uint_eq(own.n, 3);
    ck_assert_int_eq(currency_find(&own, "PTS"), 0);
    ck_assert_int_eq(currency_find(&own, "XBT"), 8);
    ck_assert_int_eq(currency_find(&own, "BGN"), 2);
    ck_assert_int_eq(currency_find(&own, "JPY"), 0);
    ck_assert_int_eq(currency_find(&own, "XXX"), CURRENCY_MINOR_UNIT_NONE);
    ck_assert_int_eq(currency_minor_unit("XBT"), CURRENCY_MINOR_UNIT_NONE);
    currency_use(&own);
    ck_assert_int_eq(currency_minor_unit("XBT"), 8);
    ck_assert_ptr_null(currency_read_own("", &own));
    ck_assert_uint_eq(own.n, 0);
    ck_assert_int_eq(currency_minor_unit("XBT"), 8); /* it was copied */
    currency_use(&own);
    ck_assert_int_eq(currency_minor_unit("XBT"), CURRENCY_MINOR_UNIT_NONE);
    ck_assert_int_eq(currency_minor_unit("EUR"), 2);
}
END_TEST

static void refused(const char *text, const char *expected)
{
    static struct currency_list own;
    const char *must_be = currency_read_own(text, &own);
    ck_assert_msg(must_be != NULL && strstr(must_be, expected) != NULL, "%s: %s", text, must_be);
}

START_TEST(a_list_that_is_none_is_refused)
{
    static const char *const bad[] = {
        ",",      "PTS",         "PTS:",        "PTS:9",  "PTS:10", "PTS:-1",
        "PTS: 0", "pts:0",       "PT:0",        "PTSS:0", "PTS:0,", ",PTS:0",
        "PTS=0",  "P\xc3\x84:0", "PTS:0;XBT:8", " PTS:0", "PTS:0 ", "PTS:0,XBT",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        refused(bad[i], "a list such as PTS:0,XBT:8");
    refused("EUR:2", "without the currencies of ISO 4217");
    refused("PTS:0,JPY:2", "without the currencies of ISO 4217");
    refused("PTS:0,PTS:2", "each currency once");
}
END_TEST

START_TEST(there_is_an_end_to_own_currencies)
{
    static struct currency_list own;
    char text[(CURRENCY_OWN_MAX + 1) * sizeof "QAA:0"] = "";
    size_t length = 0;
    for (int i = 0; i < CURRENCY_OWN_MAX; i++)
        length += (size_t)snprintf(
            text + length, sizeof text - length, "%sX%c%c:0", i == 0 ? "" : ",", 'I' + i / 26,
            'A' + i % 26);
    ck_assert_ptr_null(currency_read_own(text, &own));
    ck_assert_uint_eq(own.n, CURRENCY_OWN_MAX);
    (void)snprintf(text + length, sizeof text - length, ",ZZZ:0");
    refused(text, "at most 64");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("currency");
    TCase *iso = tcase_create("iso_4217");
    tcase_add_test(iso, currencies_have_the_decimals_of_iso_4217);
    tcase_add_test(iso, every_currency_of_iso_4217_is_found);
    tcase_add_test(iso, what_nobody_pays_with_is_no_currency);
    suite_add_tcase(suite, iso);
    TCase *own = tcase_create("own");
    tcase_add_test(own, own_currencies_are_added);
    tcase_add_test(own, a_list_that_is_none_is_refused);
    tcase_add_test(own, there_is_an_end_to_own_currencies);
    suite_add_tcase(suite, own);
    return support_run(suite);
}
