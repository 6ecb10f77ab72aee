#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "subcommand.h"

struct base_log cli_log(const struct config *config, enum base_log_level usual)
{
    enum base_log_level least = config_log_level(config);
    return (struct base_log){
        .fd = STDERR_FILENO,
        .form = config_log_form(config, STDERR_FILENO),
        .least = least == BASE_LOG_INFO ? usual : least,
    };
}

void cli_complain(const char *format, ...)
{
    va_list values;
    va_start(values, format);
    base_complain("cartd", format, values);
    va_end(values);
}

void cli_complain_of_line(const char *file, int64_t line, const char *why)
{
    BASE_CLEANUP(base_buffer_finish) struct base_buffer text = {0};
    base_buffer_append_printable(&text, file);
    base_buffer_printf(&text, ":%" PRId64 ": ", line);
    base_buffer_append_printable(&text, why);
    fprintf(stderr, "%s\n", base_buffer_text(&text));
}

enum cli_exit cli_complain_of_usage(const struct cli_call *call)
{
    if (call->usage[0] == '\0')
        cli_complain(
            "%s takes no \"%s\"; see `cartd %s --help`", call->name, call->arguments[0],
            call->name);
    else
        cli_complain(
            "usage: `cartd %s %s`; see `cartd %s --help`", call->name, call->usage, call->name);
    return CLI_MISUSED;
}
