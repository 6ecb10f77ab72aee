#include "tables.h"

void projections_clear_facts(struct projections_facts *facts)
{
    for (size_t i = 0; i < PROJECTIONS_TABLES_MAX; i++)
        facts->rows[i].length = 0;
    facts->n = 0;
}

void projections_finish_facts(struct projections_facts *facts)
{
    for (size_t i = 0; i < PROJECTIONS_TABLES_MAX; i++)
        base_buffer_finish(&facts->rows[i]);
}

const struct projections_follower *const *projections_followers(size_t *n_followers)
{
    static const struct projections_follower *const followers[] = {
#define FOLLOWERS_ROW(NAME, name) &name##_follower,
        PROJECTIONS_REPORTS(FOLLOWERS_ROW)
#undef FOLLOWERS_ROW
            & cart_rankings_follower,
    };
    _Static_assert(BASE_COUNT(followers) <= PROJECTIONS_FOLLOWERS_MAX, "too many");
    *n_followers = BASE_COUNT(followers);
    return followers;
}
