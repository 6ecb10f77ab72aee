#include "rules.h"

#include <string.h>

bool rules_is_same_text(const char *left, const char *right)
{
    return left == right || (left != NULL && right != NULL && strcmp(left, right) == 0);
}

bool rules_add_line(
    int64_t others_minor, int32_t quantity, int64_t unit_price_minor, int64_t *sum_minor)
{
    int64_t line_minor;
    if (__builtin_mul_overflow(quantity, unit_price_minor, &line_minor) ||
        line_minor > CART_AMOUNT_MAX)
        return false;
    /* Neither is more than CART_AMOUNT_MAX, so their sum can't overflow. */
    *sum_minor = others_minor + line_minor;
    return *sum_minor <= CART_AMOUNT_MAX;
}
