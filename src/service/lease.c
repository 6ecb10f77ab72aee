#include "internal.h"

/*
 * The lease within which carts are answered from memory (eventstore.h): asked for on the connection
 * that writes, as soon as it is worth the round trip, and again in time while it is. Without it
 * reads go to the tables, as they do where several processes write.
 */

#define LEASE_LOOK_US 80000           /* how often the reads are counted */
#define LEASE_REFUSED_LOOK_US 1000000 /* the same when somebody else writes too */
/* When PostgreSQL comes back the others do too, and would have to wait for who was first. */
#define LEASE_FIRST_LOOK_US 2000000
#define LEASE_WORTHWHILE 4 /* reads between two looks: 50 a second */

static void lease_answered(struct postgres_group *group)
{
    struct service *service = BASE_CONTAINER(group, struct service, lease);
    service->is_leasing = false;
    int64_t n_writers = 0;
    if (group->outcome == POSTGRES_DONE && eventstore_receive_lease(group, &n_writers)) {
        int64_t lasts_us = (EVENTSTORE_LEASE_MS - EVENTSTORE_LEASE_MARGIN_MS) * INT64_C(1000);
        projections_trust(
            service->options.projections, service->lease_asked_at_us + lasts_us, n_writers);
    } else {
        service->lender.look_at_us = base_clock_monotonic_us() + LEASE_REFUSED_LOOK_US;
    }
}

static void look(struct projections_lender *lender, int64_t now_us)
{
    struct service *service = BASE_CONTAINER(lender, struct service, lender);
    bool is_worthwhile = lender->n_reads >= LEASE_WORTHWHILE;
    lender->look_at_us = now_us + LEASE_LOOK_US;
    lender->n_reads = 0;
    if (!is_worthwhile || service->is_leasing || service->is_draining ||
        !postgres_connection_is_ready(service->writer))
        return;
    service->is_leasing = true;
    service->lease_asked_at_us = now_us;
    postgres_group_begin(&service->lease);
    service->lease.answered = lease_answered;
    eventstore_ask_lease(&service->lease, &service->lease_holder);
    postgres_send(service->writer, &service->lease);
}

void lease_wait(struct service *service)
{
    service->lender.look_at_us = base_clock_monotonic_us() + LEASE_FIRST_LOOK_US;
}

void lease_begin(struct service *service)
{
    service->lease_holder = base_uuid_make_v7(&service->random, base_clock_now_us());
    service->lender.look = look;
    if (service->options.projections != NULL)
        projections_set_lender(service->options.projections, &service->lender);
}

void lease_end(struct service *service)
{
    if (service->options.projections != NULL)
        projections_distrust(service->options.projections);
}
