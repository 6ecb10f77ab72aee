#include "price.h"

#include <string.h>

#include "catalog.h"

const char *price_read_minor(const char *text, int64_t *price_minor)
{
    return base_parse_int(text, 0, CATALOG_PRICE_MAX, price_minor)
               ? NULL
               : "an integer in the currency's minor unit (499 is 4.99 EUR), 0 to 2^53-1";
}

static bool append_digit(int64_t *number, char digit)
{
    if (*number > (CATALOG_PRICE_MAX - (digit - '0')) / 10)
        return false;
    *number = *number * 10 + (digit - '0');
    return true;
}

const char *price_read_decimal(const char *text, int minor_unit, int64_t *price_minor)
{
    static const char digits[] = "0123456789";
    static const char TOO_LARGE[] = "at most 2^53-1 in the currency's minor unit";
    size_t n_whole = strspn(text, digits);
    bool has_point = text[n_whole] == '.' || text[n_whole] == ',';
    const char *decimals = text + n_whole + has_point;
    size_t n_decimals = has_point ? strspn(decimals, digits) : 0;
    if (n_whole == 0 || has_point != (n_decimals > 0) || decimals[n_decimals] != '\0')
        return "a decimal number such as 4.99 or 4,99, without sign, grouping or currency";
    if (n_decimals > (size_t)minor_unit)
        return "a number with no more decimals than its currency has";
    int64_t number = 0;
    for (size_t i = 0; i < n_whole; i++)
        if (!append_digit(&number, text[i]))
            return TOO_LARGE;
    for (size_t i = 0; i < (size_t)minor_unit; i++)
        if (!append_digit(&number, i < n_decimals ? decimals[i] : '0'))
            return TOO_LARGE;
    *price_minor = number;
    return NULL;
}
