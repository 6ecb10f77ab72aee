#include "support.h"

#include <stdlib.h>

int support_run(Suite *suite)
{
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    /* A suite in which nothing ran has shown nothing. */
    bool is_good = srunner_ntests_run(runner) > 0 && srunner_ntests_failed(runner) == 0;
    srunner_free(runner);
    return is_good ? EXIT_SUCCESS : EXIT_FAILURE;
}

const struct base_log *support_quiet_log(void)
{
    static const struct base_log quiet = {.fd = -1, .least = BASE_LOG_ERROR};
    return &quiet;
}
