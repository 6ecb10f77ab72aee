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

struct base_uuid fixture_cart_id(int number)
{
    return base_uuid_make_v5(&(struct base_uuid){{7}}, &number, sizeof number);
}

struct service_command fixture_ask_cart(
    int number, const struct cart_command *commands, size_t n_commands)
{
    static struct cart_request requests[1024];
    static size_t n_requests;
    struct cart_request *request = &requests[n_requests++ % BASE_COUNT(requests)];
    *request = (struct cart_request){.commands = commands, .n_commands = n_commands};
    request->caller.may_all = true;
    return (struct service_command){
        .aggregate = &aggregate_cart,
        .stream_id = fixture_cart_id(number),
        .command = request,
    };
}
