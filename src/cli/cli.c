#include "cli.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "codec.h"
#include "subcommand.h"

#define FLAGS_MAX 8

struct cli_flag {
    const char *name;
    const char *value; /* what its value is called in the help, "DATABASE" in it where it may be a
                          connection string; NULL: it takes none */
    const char *sentence;
};

static const struct subcommand {
    const char *name;
    const char *usage; /* what follows the name */
    const char *sentence;
    const char *more; /* what its own --help says besides; NULL: nothing */
    enum cli_exit (*run)(const struct cli_call *call);
    bool has_settings;
    bool needs_no_database;
    size_t least_arguments; /* that are no flags; not without settings */
    size_t most_arguments;
    struct cli_flag flags[FLAGS_MAX + 1]; /* ended by one without a name */
} subcommands[] = {
    {
        .name = "serve",
        .usage = "",
        .sentence = "serve carts over HTTP until SIGTERM or SIGINT",
        .more = "The first SIGTERM or SIGINT finishes accepted requests, for at most drain-ms; a "
                "second one\nstops at once. cartd also starts while PostgreSQL is unavailable; GET "
                "/readyz says whether it\ncan serve requests.\n",
        .run = cli_serve,
        .has_settings = true,
    },
    {
        .name = "migrate",
        .usage = "",
        .sentence = "migrate the database to the schema that this cartd needs",
        .more = "Connects to migrate-url, or to database-url if that is empty. It is safe to run "
                "it again, or\ntwice at the same time.\n",
        .run = cli_migrate,
        .has_settings = true,
    },
    {
        .name = "catalog",
        .usage = "import FILE.csv",
        .sentence = "import products and prices from a CSV file",
        .more =
            "The first line names the columns, in any order: sku,name,currency,price and, "
            "optionally,\nactive,minimum,maximum,multiple_of,unit,scale,tags; others are ignored. "
            "The file may have\ncommas, semicolons or tabs, in UTF-8, or in UTF-16 with a byte "
            "order mark. A price is an\ninteger in the currency's minor unit; an empty one takes "
            "the price in that currency away.\nFILE \"-\" is standard input. Lines that are "
            "invalid "
            "or contradict an earlier one are reported\nby number and the rest is imported; the "
            "exit status is then 1. Importing a file again records\nonly what has changed.\n",
        .run = cli_catalog,
        .has_settings = true,
        .least_arguments = 2,
        .most_arguments = 2,
        .flags =
            {{"strict", NULL,
              "check the whole file first, and import nothing if a line is invalid or contradicts "
              "another"},
             {"delimiter", "CHARACTER", "what is between the fields: , ; | or tab"},
             {"prices", "minor|decimal",
              "decimal: 4.99 or 4,99, with no more decimals than the currency has"},
             {"replace", NULL,
              "as --strict, and make the file the whole catalogue: products that it does not have "
              "become inactive, its products are for sale and have no other prices"},
             {"dry-run", NULL, "check the file, say what would change, and import nothing"}},
    },
    {
        .name = "coupons",
        .usage = "import FILE",
        .sentence = "import coupons from a file of JSON lines or CSV",
        .more =
            "A file that begins with { has one JSON object a line: what PUT /coupons/{code} takes, "
            "and code.\nOther files are tables, whose first line names the columns, in any order: "
            "code and, optionally,\npercent,amount,minimum,skus,tags,starts_at,ends_at,limit,"
            "limit_per_customer,combinable; others\nare ignored. amount and minimum are written "
            "\"EUR 500 | USD 550\", skus and tags \"organic | nuts\".\nThe table may have commas, "
            "semicolons or tabs, in UTF-8, or in UTF-16 with a byte order mark.\nFILE \"-\" is "
            "standard input. Lines that are invalid or contradict an earlier one are reported\nby "
            "number and the rest is imported; the exit status is then 1. Importing a file again "
            "records\nonly what has changed.\n",
        .run = cli_coupons,
        .has_settings = true,
        .least_arguments = 2,
        .most_arguments = 2,
        .flags =
            {{"strict", NULL,
              "check the whole file first, and import nothing if a line is invalid or contradicts "
              "another"},
             {"delimiter", "CHARACTER", "what is between the fields of a table: , ; | or tab"},
             {"revive", NULL, "bring coupons of the file back that are withdrawn"},
             {"dry-run", NULL, "check the file, say what would change, and import nothing"}},
    },
    {
        .name = "verify",
        .usage = "",
        .sentence =
            "replay every stream and compare it with the read tables; exit status 1 if they differ",
        .more = "Checks everything in one snapshot, while services go on appending: versions, "
                "positions and\ntimes of the log, the shapes of its events, every row of the read "
                "tables, snapshots and\nstored answers. Prints a line for each discrepancy, and a "
                "summary at the end.\n",
        .run = cli_verify,
        .has_settings = true,
    },
    {
        .name = "rebuild",
        .usage = "carts|products|all",
        .sentence = "rebuild the read tables from the log, while services go on appending",
        .more = "Replays one stream after the other and corrects rows that are missing, wrong or "
                "orphaned; this\nalso fills a new read table. It can be interrupted at any time "
                "and run again, from the\nbeginning or from where it says that it stopped.\n",
        .run = cli_rebuild,
        .has_settings = true,
        .least_arguments = 1,
        .most_arguments = 1,
        .flags = {{"from", "ID", "skip the streams before this id or prefix of an id"}},
    },
    {
        .name = "show",
        .usage = "CART",
        .sentence = "print a cart as it is or as it was",
        .more = "CART is its id. Prints what GET /carts/{cart_id} returned at that time.\n",
        .run = cli_show,
        .has_settings = true,
        .least_arguments = 1,
        .most_arguments = 1,
        .flags =
            {{"version", "N", "as it was at this version"},
             {"at", "TIME", "as it was at this moment, such as 2026-11-23T04:38:00Z (RFC 3339)"}},
    },
    {
        .name = "events",
        .usage = "[export [FILE] | import FILE | upgrade --into FILE|DATABASE]",
        .sentence = "print the log, or copy it to a file and back",
        .more = "Prints one event per line as JSON, in the order of the log, up to its current "
                "end.\n\nexport writes a complete copy, up to the current end of the log, to FILE "
                "or to standard\noutput. If FILE already holds part of the log, export continues "
                "after that part.\n\nimport appends such a copy to an empty log, or continues "
                "where an import of the same copy\nended. It checks every line, and fills the read "
                "tables at the end. No service may record\ninto the database meanwhile. FILE \"-\" "
                "is standard input.\n\nupgrade copies the log with every event in the newest shape "
                "of its type, to FILE or to an\nempty, migrated DATABASE (a connection string). It "
                "checks that each event, brought back to\nits former shape, is what it was.\n",
        .run = cli_events,
        .has_settings = true,
        .most_arguments = SIZE_MAX,
        .flags =
            {{"cart", "ID", "only the events of this cart"},
             {"after", "N", "only those after this position; with --cart, after this version"},
             {"type", "TYPE", "only events of this type, or of these: ItemAdded,ItemRemoved"},
             {"follow", NULL, "continue with new events as they are recorded, until SIGINT"},
             {"into", "FILE|DATABASE", "the target of upgrade"}},
    },
    {
        .name = "projections",
        .usage = "[resume NAME | rebuild NAME]",
        .sentence = "list the projections behind the reports, or resume or rebuild one",
        .more = "The list shows how far each projection is. An event that a projection can't "
                "process pauses it;\n`resume` makes it try that event again. `rebuild` makes it "
                "write its tables anew from the first\nevent, while the service and its reports go "
                "on; a running `cartd serve` does the work.\n",
        .run = cli_projections,
        .has_settings = true,
        .most_arguments = 2,
    },
    {
        .name = "reactions",
        .usage = "[pause NAME | resume NAME | rerun NAME --from POSITION]",
        .sentence = "list what acts on the log by itself, or pause, resume or rerun one",
        .more = "The list shows how far each reaction is, and its timers. What a reaction can't do "
                "pauses it;\n`resume` makes it try that again. `rerun` makes it answer the events "
                "from a position of the log\non again: what it has done is not done twice, what "
                "it could not do is done now.\n",
        .run = cli_reactions,
        .has_settings = true,
        .most_arguments = 2,
        .flags = {{"from", "POSITION", "the first event that rerun answers again"}},
    },
    {
        .name = "healthcheck",
        .usage = "",
        .sentence = "check that the server on this machine is ready; exit status 1 if it is not",
        .run = cli_healthcheck,
        .has_settings = true,
        .needs_no_database = true,
    },
    {
        .name = "version",
        .usage = "",
        .sentence = "print the version",
        .run = cli_version,
    },
    {
        .name = "help",
        .usage = "[SUBCOMMAND]",
        .sentence = "print this help, or that of a subcommand",
        .run = cli_help,
    },
};

static const struct subcommand *find_subcommand(const char *name)
{
    for (size_t i = 0; i < BASE_COUNT(subcommands); i++)
        if (strcmp(subcommands[i].name, name) == 0)
            return &subcommands[i];
    return NULL;
}

/* ---- help ------------------------------------------------------------------------------------ */

static void print_usage(FILE *stream, const struct subcommand *subcommand)
{
    fprintf(stream, "cartd %s", subcommand->name);
    if (subcommand->usage[0] != '\0')
        fprintf(stream, " %s", subcommand->usage);
    for (const struct cli_flag *own = subcommand->flags; own->name; own++) {
        fprintf(
            stream, " [--%s%s%s]", own->name, own->value ? " " : "", own->value ? own->value : "");
    }
}

static void print_settings(FILE *stream)
{
    fputs("\nSettings, each as a flag or an environment variable:\n", stream);
    config_print_help(stream);
}

static void print_help(FILE *stream)
{
    fputs(
        "cartd is a shopping cart service that records every change as an event in "
        "PostgreSQL.\n\nUsage: cartd SUBCOMMAND [--SETTING VALUE …]\n\n",
        stream);
    for (size_t i = 0; i < BASE_COUNT(subcommands); i++) {
        fputs("  ", stream);
        print_usage(stream, &subcommands[i]);
        fprintf(stream, "\n      %s\n", subcommands[i].sentence);
    }
    print_settings(stream);
    fputs("\nExit status: 0 success, 1 failure, 2 invalid command line or setting.\n", stream);
}

static void print_subcommand_help(const struct subcommand *subcommand)
{
    fputs("Usage: ", stdout);
    print_usage(stdout, subcommand);
    fputs(subcommand->has_settings ? " [--SETTING VALUE …]\n\n" : "\n\n", stdout);
    printf("cartd %s: %s.\n", subcommand->name, subcommand->sentence);
    if (subcommand->more)
        fputs(subcommand->more, stdout);
    if (subcommand->flags[0].name)
        fputc('\n', stdout);
    for (const struct cli_flag *own = subcommand->flags; own->name; own++) {
        printf(
            "  --%s%s%s\n      %s\n", own->name, own->value ? " " : "",
            own->value ? own->value : "", own->sentence);
    }
    if (subcommand->has_settings)
        print_settings(stdout);
}

/* ---- a name that is none --------------------------------------------------------------------- */

static enum cli_exit complain_unknown(const char *name)
{
    if (name[0] == '-') {
        cli_complain("the subcommand must come first, before %s; see `cartd --help`", name);
        return CLI_MISUSED;
    }
    if (cli_may_hold_password(name)) {
        cli_complain("the subcommand must come first; see `cartd --help`");
        return CLI_MISUSED;
    }
    const struct subcommand *nearest = &subcommands[0];
    for (size_t i = 1; i < BASE_COUNT(subcommands); i++)
        if (base_text_distance(name, subcommands[i].name) < base_text_distance(name, nearest->name))
            nearest = &subcommands[i];
    if (config_is_near(name, nearest->name))
        cli_complain(
            "unknown subcommand \"%s\"; did you mean \"%s\"? See `cartd --help`", name,
            nearest->name);
    else
        cli_complain("unknown subcommand \"%s\"; see `cartd --help`", name);
    return CLI_MISUSED;
}

/* ---- the two that need nothing --------------------------------------------------------------- */

enum cli_exit cli_version(const struct cli_call *call)
{
    (void)call;
    puts("cartd " CARTD_VERSION);
    return CLI_DONE;
}

enum cli_exit cli_help(const struct cli_call *call)
{
    if (call->n_arguments == 0) {
        print_help(stdout);
        return CLI_DONE;
    }
    const struct subcommand *subcommand = find_subcommand(call->arguments[0]);
    if (!subcommand)
        return complain_unknown(call->arguments[0]);
    print_subcommand_help(subcommand);
    return CLI_DONE;
}

/* ---- running one ----------------------------------------------------------------------------- */

static bool wants_help(char *const *arguments)
{
    for (; *arguments && strcmp(*arguments, "--") != 0; arguments++)
        if (strcmp(*arguments, "--help") == 0 || strcmp(*arguments, "-h") == 0)
            return true;
    return false;
}

/* Who gives a connection string where none is taken must not find its password in a message. */
static bool are_without_passwords(const struct cli_call *call)
{
    for (size_t i = 0; i < call->n_arguments; i++) {
        if (cli_may_hold_password(call->arguments[i])) {
            cli_complain("an argument looks like a connection string; give it as DATABASE_URL or "
                         "--database-url");
            return false;
        }
    }
    return true;
}

static bool is_database_right(const struct subcommand *subcommand, const struct config *config)
{
    if (subcommand->needs_no_database)
        return true;
    if (subcommand->run == cli_migrate && config->texts[CONFIG_MIGRATE_URL][0] != '\0')
        return cli_check_database("CARTD_MIGRATE_URL", config->texts[CONFIG_MIGRATE_URL]);
    return cli_check_database("DATABASE_URL", config->texts[CONFIG_DATABASE_URL]);
}

static int64_t duration_us(const struct config *config, enum config_setting setting)
{
    return config->numbers[setting] * 1000000;
}

struct cart_lifetimes cli_lifetimes(const struct config *config)
{
    return (struct cart_lifetimes){
        .abandoned_us = duration_us(config, CONFIG_ABANDONED_AFTER),
        .guest_us = duration_us(config, CONFIG_EXPIRES_GUEST),
        .customer_us = duration_us(config, CONFIG_EXPIRES_CUSTOMER),
        .empty_us = duration_us(config, CONFIG_EXPIRES_EMPTY),
    };
}

/* arguments[0] is the subcommand's name. */
static enum cli_exit run_with_settings(
    const struct subcommand *subcommand, char **arguments, char *const *environment)
{
    struct config_flag own_flags[FLAGS_MAX + 1] = {0};
    for (size_t i = 0; subcommand->flags[i].name; i++) {
        own_flags[i].name = subcommand->flags[i].name;
        const char *value = subcommand->flags[i].value;
        own_flags[i].takes_value = value != NULL;
        own_flags[i].takes_database = value != NULL && strstr(value, "DATABASE") != NULL;
    }
    struct config config;
    struct cli_call call = {
        .name = subcommand->name,
        .usage = subcommand->usage,
        .config = &config,
        .arguments = arguments + 1,
        .flags = own_flags,
    };
    BASE_CLEANUP(base_free_pointer) char *problem = NULL;
    if (!config_read(&config, arguments, environment, own_flags, &call.n_arguments, &problem)) {
        cli_complain("%s; see `cartd %s --help`", problem, subcommand->name);
        return CLI_MISUSED;
    }
    struct currency_list own_currencies = config_currencies(&config);
    currency_use(&own_currencies);
    const struct cart_lifetimes lifetimes = cli_lifetimes(&config);
    codec_use_lifetimes(&lifetimes);
    if (!are_without_passwords(&call) || !is_database_right(subcommand, &config))
        return CLI_MISUSED;
    if (call.n_arguments < subcommand->least_arguments ||
        call.n_arguments > subcommand->most_arguments)
        return cli_complain_of_usage(&call);
    return subcommand->run(&call);
}

static enum cli_exit run_without_settings(const struct subcommand *subcommand, char **arguments)
{
    struct cli_call call = {.arguments = arguments + 1};
    while (call.arguments[call.n_arguments])
        call.n_arguments += 1;
    return subcommand->run(&call);
}

static enum cli_exit run(int n_arguments, char **arguments, char *const *environment)
{
    if (n_arguments < 2) {
        print_help(stderr);
        return CLI_MISUSED;
    }
    const char *name = arguments[1];
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
        name = "help";
    if (strcmp(name, "--version") == 0)
        name = "version";
    const struct subcommand *subcommand = find_subcommand(name);
    if (!subcommand)
        return complain_unknown(name);
    if (wants_help(arguments + 2)) {
        print_subcommand_help(subcommand);
        return CLI_DONE;
    }
    return subcommand->has_settings ? run_with_settings(subcommand, arguments + 1, environment)
                                    : run_without_settings(subcommand, arguments + 1);
}

int cli_main(int n_arguments, char **arguments, char **environment)
{
    codec_begin();
    enum cli_exit status = run(n_arguments, arguments, environment);
    if (fflush(stdout) != 0 && status == CLI_DONE) {
        cli_complain("the output could not be written");
        return CLI_FAILED;
    }
    return (int)status;
}
