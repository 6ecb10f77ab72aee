#include <stdio.h>
#include <string.h>

#include "internal.h"

static const struct subcommand {
    const char *usage;
    const char *name;
    const char *sentence;
    enum relay_exit (*run)(const struct relay_call *call);
} subcommands[] = {
    {"run NAME SINK", "run",
     "carry the log to a sink, from the first event on or from where the relay of that name was, "
     "until SIGTERM. Several processes may run it: one does, the others wait. Without SINK, "
     "RELAY_SINK of the environment is taken, which no list of processes shows",
     relay_run},
    {"status", "status", "list the relays: how far each is, and what is wrong with it",
     relay_status},
    {"rewind NAME --from POSITION", "rewind", "have a relay go on with that event", relay_rewind},
    {"remove NAME", "remove", "forget a relay that nobody runs", relay_remove},
};

static const struct flag {
    const char *name;
    const char *value; /* NULL: it takes none */
    const char *sentence;
} flags[] = {
    [RELAY_FLAG_TYPES] = {"types", "TYPE,…", "only events of these types, such as CartCheckedOut"},
    [RELAY_FLAG_FROM] = {"from", "POSITION", "the first event of a relay that is new"},
    [RELAY_FLAG_SOURCE] = {"source", "URI", "`source` of the CloudEvents (urn:cartd)"},
    [RELAY_FLAG_PREFIX] =
        {"prefix", "NAME", "what their `type` begins with, such as com.example.cartd (cartd)"},
    [RELAY_FLAG_METRICS] = {"metrics", "ADDRESS:PORT", "serve /metrics there"},
    [RELAY_FLAG_DRY_RUN] =
        {"dry-run", NULL, "print what would be sent up to the end of the log, and send nothing"},
};

static void print_help(FILE *stream)
{
    fputs(
        "cartd-relay carries cartd's event log to other systems, as CloudEvents 1.0.\n\n"
        "Usage: cartd-relay SUBCOMMAND [--FLAG VALUE …]\n\n",
        stream);
    for (size_t i = 0; i < BASE_COUNT(subcommands); i++)
        fprintf(stream, "  %s\n      %s\n", subcommands[i].usage, subcommands[i].sentence);
    fputs("\nSinks:\n", stream);
    for (size_t i = 0; relay_sinks[i] != NULL; i++)
        fprintf(stream, "  %s\n      %s\n", relay_sinks[i]->usage, relay_sinks[i]->sentence);
    fputs("\nFlags:\n", stream);
    for (size_t i = 0; i < BASE_COUNT(flags); i++)
        fprintf(
            stream, "  --%s%s%s\n      %s\n", flags[i].name, flags[i].value ? " " : "",
            flags[i].value ? flags[i].value : "", flags[i].sentence);
    fputs(
        "\nOf the settings of cartd it uses DATABASE_URL (as a member of cartd_relay), "
        "CARTD_LOG_LEVEL and\nCARTD_LOG_FORM.\n"
        "\nExit status: 0 success, 1 failure, 2 invalid command line or setting.\n",
        stream);
}

static const struct subcommand *find_subcommand(const char *name)
{
    for (size_t i = 0; i < BASE_COUNT(subcommands); i++)
        if (strcmp(subcommands[i].name, name) == 0)
            return &subcommands[i];
    return NULL;
}

static enum relay_exit run(
    const struct subcommand *subcommand, char **arguments, char **environment)
{
    struct config config;
    struct config_flag own[BASE_COUNT(flags) + 1] = {0};
    for (size_t i = 0; i < BASE_COUNT(flags); i++)
        own[i] = (struct config_flag){.name = flags[i].name, .takes_value = flags[i].value != NULL};
    struct relay_call call = {.config = &config, .arguments = arguments + 1, .flags = own};
    BASE_CLEANUP(base_free_pointer) char *problem = NULL;
    if (!config_read(&config, arguments, environment, own, &call.n_arguments, &problem)) {
        relay_complain("%s; see `cartd-relay --help`", problem);
        return RELAY_MISUSED;
    }
    problem = postgres_check_url(config.texts[CONFIG_DATABASE_URL]);
    if (problem != NULL) {
        relay_complain("DATABASE_URL can't work: %s", problem);
        return RELAY_MISUSED;
    }
    return subcommand->run(&call);
}

static bool wants_help(int n_arguments, char *const *arguments)
{
    for (int i = 1; i < n_arguments; i++)
        if (strcmp(arguments[i], "--help") == 0 || strcmp(arguments[i], "-h") == 0)
            return true;
    return false;
}

int relay_main(int n_arguments, char **arguments, char **environment)
{
    codec_begin();
    if (wants_help(n_arguments, arguments)) {
        print_help(stdout);
        return RELAY_DONE;
    }
    if (n_arguments == 2 && strcmp(arguments[1], "--version") == 0) {
        puts("cartd-relay " CARTD_VERSION);
        return RELAY_DONE;
    }
    const struct subcommand *subcommand = n_arguments < 2 ? NULL : find_subcommand(arguments[1]);
    if (subcommand == NULL) {
        if (n_arguments >= 2)
            relay_complain("unknown subcommand; see `cartd-relay --help`");
        else
            print_help(stderr);
        return RELAY_MISUSED;
    }
    return run(subcommand, arguments + 1, environment);
}
