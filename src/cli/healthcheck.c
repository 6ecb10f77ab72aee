#include "http.h"
#include "subcommand.h"

#define HEALTHCHECK_TIMEOUT_MS 3000

enum cli_exit cli_healthcheck(const struct cli_call *call)
{
    const char *listen = call->config->texts[CONFIG_LISTEN];
    int status = 0;
    BASE_CLEANUP(base_free_pointer) char *problem = NULL;
    if (!http_probe(listen, "/readyz", HEALTHCHECK_TIMEOUT_MS, &status, &problem)) {
        cli_complain("%s", problem);
        return CLI_FAILED;
    }
    if (status != 200) {
        cli_complain("the server on %s is not ready: GET /readyz answers %d", listen, status);
        return CLI_FAILED;
    }
    return CLI_DONE;
}
