/*
 * price: what a file says of a price, in the currency's minor unit: as an integer of it, or as a
 * decimal number the way spreadsheets write it.
 */
#ifndef CARTD_CLI_PRICE_H
#define CARTD_CLI_PRICE_H

#include "base.h"

/* NULL, or what it must be, static: then *price_minor is
 * untouched. */
const char *price_read_minor(const char *text, int64_t *price_minor) BASE_MUST_CHECK;
/* "4.99" and "4,99" are 499 of a currency with 2 decimals; so are fewer decimals than it has, but
 * not more. 1.234,56 and 1,234.56 are refused: which of the two a file means can't be told. */
const char *price_read_decimal(const char *text, int minor_unit, int64_t *price_minor)
    BASE_MUST_CHECK;

#endif
