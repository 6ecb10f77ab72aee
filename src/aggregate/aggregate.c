#include "aggregate.h"

#include <string.h>

const struct aggregate *const aggregates[] = {&aggregate_cart, &aggregate_product};
const size_t aggregates_count = BASE_COUNT(aggregates);

const struct aggregate *aggregate_find(const char *stream_type)
{
    for (size_t i = 0; i < aggregates_count; i++)
        if (strcmp(aggregates[i]->stream_type, stream_type) == 0)
            return aggregates[i];
    return NULL;
}
