#include "internal.h"

/*
 * The lease within which carts are answered from memory (eventstore.h): asked for on the connection
 * that writes, as soon as it is worth the round trip, and again in time while it is. Without it
 * reads go to the tables, as they do where several processes write.
 */

#define LEASE_CHECK_US 80000           /* how often the reads are counted */
#define LEASE_REFUSED_CHECK_US 1000000 /* the same when somebody else writes too */
/* When PostgreSQL comes back the others do too, and would have to wait for who was first. */
#define LEASE_FIRST_CHECK_US 2000000
#define LEASE_WORTHWHILE 4 /* reads between two checks: 50 a second */

static void lease_answered(struct postgres_pipeline *pipeline)
{
    struct service *service = BASE_CONTAINER(pipeline, struct service, lease);
    service->is_leasing = false;
    int64_t n_writers = 0;
    if (pipeline->outcome == POSTGRES_DONE && eventstore_receive_lease(pipeline, &n_writers)) {
        int64_t lasts_us = (EVENTSTORE_LEASE_MS - EVENTSTORE_LEASE_MARGIN_MS) * INT64_C(1000);
        projections_grant_lease(
            service->options.projections, service->lease_asked_at_us + lasts_us, n_writers);
    } else {
        service->lessor.check_at_us = base_clock_monotonic_us() + LEASE_REFUSED_CHECK_US;
    }
}

static void check(struct projections_lessor *lessor, int64_t now_us)
{
    struct service *service = BASE_CONTAINER(lessor, struct service, lessor);
    bool is_worthwhile = lessor->n_reads >= LEASE_WORTHWHILE;
    lessor->check_at_us = now_us + LEASE_CHECK_US;
    lessor->n_reads = 0;
    if (!is_worthwhile || service->is_leasing || service->is_draining ||
        !postgres_connection_is_ready(service->writer))
        return;
    service->is_leasing = true;
    service->lease_asked_at_us = now_us;
    postgres_pipeline_begin(&service->lease);
    service->lease.answered = lease_answered;
    eventstore_ask_lease(&service->lease, &service->lease_holder);
    postgres_send(service->writer, &service->lease);
}

void lease_wait(struct service *service)
{
    service->lessor.check_at_us = base_clock_monotonic_us() + LEASE_FIRST_CHECK_US;
}

void lease_begin(struct service *service)
{
    service->lease_holder = base_uuid_make_v7(&service->random, base_clock_now_us());
    service->lessor.check = check;
    if (service->options.projections != NULL)
        projections_set_lessor(service->options.projections, &service->lessor);
}

void lease_end(struct service *service)
{
    if (service->options.projections != NULL)
        projections_revoke_lease(service->options.projections);
}
