/*
 * service_fixture: a service on a migrated database, that is ready.
 */
#ifndef CARTD_TESTS_SERVICE_FIXTURE_H
#define CARTD_TESTS_SERVICE_FIXTURE_H

#include "service.h"

/* Waits until it is ready. The options lack what is the same for all: the log, the schema, how long
 * keys are stored. */
struct service *fixture_open_service(struct service_options options);

struct base_uuid fixture_cart_id(int number);
/* Commands for the cart of that number, from somebody who may everything; `commands` is borrowed.
 * What is asked lives until a thousand others were made. */
struct service_command fixture_ask_cart(
    int number, const struct cart_command *commands, size_t n_commands);

#endif
