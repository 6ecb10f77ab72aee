#include "aggregate.h"

/* By itself in a file, so that a test may link a list of its own. */
const struct aggregate *const aggregates[] = {
    &aggregate_cart, &aggregate_product, &aggregate_customer, &aggregate_coupon};
const size_t aggregates_count = BASE_COUNT(aggregates);
