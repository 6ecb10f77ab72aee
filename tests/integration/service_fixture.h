/*
 * service_fixture: a service on a migrated database, that is ready.
 */
#ifndef CARTD_TESTS_SERVICE_FIXTURE_H
#define CARTD_TESTS_SERVICE_FIXTURE_H

#include "service.h"

/* Waits until it is ready. The options lack what is the same for all: the log, the schema, how long
 * keys are stored. */
struct service *fixture_open_service(struct service_options options);

#endif
