/* Settings: texts that end with NULs or line ends, those with an equals sign before any "--" as the
 * environment, the others as arguments. */
#include <string.h>

#include "config.h"
#include "fuzz.h"

enum { TEXTS_MAX = 32 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    BASE_CLEANUP(base_free_pointer) char *copy = fuzz_copy(bytes, n_bytes);
    char program[] = "cartd";
    char *arguments[TEXTS_MAX + 2] = {program};
    char *environment[TEXTS_MAX + 1] = {NULL};
    size_t n_arguments = 1;
    size_t n_environment = 0;
    for (char *at = copy; at < copy + n_bytes;) {
        size_t length = strcspn(at, "\n");
        bool is_variable = at[0] != '-' && memchr(at, '=', length) != NULL;
        if (is_variable && n_environment < TEXTS_MAX)
            environment[n_environment++] = at;
        else if (!is_variable && n_arguments < TEXTS_MAX)
            arguments[n_arguments++] = at;
        at[length] = '\0';
        at += length + 1;
    }

    struct config config;
    struct config_flag own[] = {
        {.name = "strict"}, {.name = "output", .takes_value = true}, {.name = NULL}};
    size_t n_rest = 0;
    char *problem = NULL;
    if (!config_read(&config, arguments, environment, own, &n_rest, &problem)) {
        FUZZ_CLAIM(problem != NULL && problem[0] != '\0');
        base_free_pointer(&problem);
        return 0;
    }
    FUZZ_CLAIM(problem == NULL && n_rest < n_arguments && arguments[n_rest + 1] == NULL);
    for (size_t i = 1; i <= n_rest; i++)
        FUZZ_CLAIM(arguments[i] != NULL);
    for (size_t i = 0; i < CONFIG_N_SETTINGS; i++)
        FUZZ_CLAIM(config.texts[i] != NULL);
    FUZZ_CLAIM(config.numbers[CONFIG_WAIT_MS] >= 10);
    FUZZ_CLAIM(strlen(config.texts[CONFIG_DEFAULT_CURRENCY]) == 3);
    (void)config_log_form(&config, -1);
    (void)config_log_level(&config);
    return 0;
}
