#include <stdio.h>
#include <unistd.h>

#include "migrate.h"
#include "subcommand.h"

enum cli_exit cli_migrate(const struct cli_call *call)
{
    const struct config *config = call->config;
    const struct base_log log = {
        .fd = STDERR_FILENO,
        .form = config_log_form(config, STDERR_FILENO),
        .least = config_log_level(config),
    };
    const char *url = config->texts[CONFIG_MIGRATE_URL];
    if (url[0] == '\0')
        url = config->texts[CONFIG_DATABASE_URL];
    size_t n_applied = 0;
    BASE_CLEANUP(base_free_pointer) char *problem = NULL;
    if (!migrate_run(url, &log, &n_applied, &problem)) {
        cli_complain("%s", problem);
        return CLI_FAILED;
    }
    if (n_applied == 0) {
        printf("the schema is up to date (version %d)\n", (int)migrate_version());
    } else {
        printf(
            "%zu %s applied; the schema is now at version %d\n", n_applied,
            n_applied == 1 ? "migration was" : "migrations were", (int)migrate_version());
    }
    return CLI_DONE;
}
