#include <string.h>

#include "postgres.h"
#include "subcommand.h"

static bool begins_with(const char *text, const char *beginning)
{
    return strncmp(text, beginning, strlen(beginning)) == 0;
}

/* A URL of any scheme, or one that lacks its colon. */
static bool is_url(const char *text)
{
    return strstr(text, "://") != NULL ||
           (begins_with(text, "postgres") && strchr(text, '@') != NULL);
}

bool cli_is_database(const char *text)
{
    size_t word = strspn(text, "abcdefghijklmnopqrstuvwxyz_");
    return is_url(text) || (word > 0 && text[word] == '=');
}

bool cli_may_hold_password(const char *text)
{
    return is_url(text) || config_may_hold_password(text);
}

bool cli_check_database(const char *setting, const char *url)
{
    BASE_CLEANUP(base_free_pointer) char *problem = postgres_check_url(url);
    if (problem != NULL)
        cli_complain("%s is not a valid connection string: %s", setting, problem);
    return problem == NULL;
}
