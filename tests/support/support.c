#include "support.h"

#include <stdlib.h>

/* Check ends a test after four seconds, unless told otherwise before the test's case is made. On a
 * busy machine that is not long; what hangs is ended all the same. */
__attribute__((constructor)) static void be_patient(void)
{
    (void)setenv("CK_DEFAULT_TIMEOUT", "120", 0); /* Without memory for it, it is four seconds. */
}

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
