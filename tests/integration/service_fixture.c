#include "service_fixture.h"

#include "migrate.h"
#include "support.h"

struct service *fixture_open_service(struct service_options options)
{
    char *problem = NULL;
    options.log = support_quiet_log();
    options.ready_sql = migrate_ready_sql();
    options.not_ready_detail = "not migrated";
    options.keep_keys_hours = 48;
    struct service *service = service_create(&options, &problem);
    ck_assert_msg(service != NULL, "%s", problem);
    for (int i = 0; i < 2000 && !service_is_ready(service); i++)
        loop_turn(options.loop, 10);
    ck_assert_msg(service_is_ready(service), "%s", service_trouble(service));
    return service;
}
