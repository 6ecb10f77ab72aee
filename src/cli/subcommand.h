/*
 * subcommand: what the files of this room share. Each subcommand is one file and one row of the
 * table in cli.c.
 */
#ifndef CARTD_CLI_SUBCOMMAND_H
#define CARTD_CLI_SUBCOMMAND_H

#include "base.h"
#include "cart.h"
#include "config.h"

/* What a subcommand is called with. */
struct cli_call {
    const char *name; /* the subcommand's */
    const char *usage;
    const struct config *config; /* NULL for those that need no settings */
    char **arguments;            /* that are not flags */
    size_t n_arguments;
    /* The subcommand's own, in the order of its table in cli.c. */
    const struct config_flag *flags;
};

enum cli_exit { CLI_DONE = 0, CLI_FAILED = 1, CLI_MISUSED = 2 };

enum cli_exit cli_serve(const struct cli_call *call) BASE_MUST_CHECK;
enum cli_exit cli_migrate(const struct cli_call *call) BASE_MUST_CHECK;
enum cli_exit cli_catalog(const struct cli_call *call) BASE_MUST_CHECK;
enum cli_exit cli_coupons(const struct cli_call *call) BASE_MUST_CHECK;
enum cli_exit cli_verify(const struct cli_call *call) BASE_MUST_CHECK;
enum cli_exit cli_rebuild(const struct cli_call *call) BASE_MUST_CHECK;
enum cli_exit cli_show(const struct cli_call *call) BASE_MUST_CHECK;
enum cli_exit cli_events(const struct cli_call *call) BASE_MUST_CHECK;
enum cli_exit cli_projections(const struct cli_call *call) BASE_MUST_CHECK;
enum cli_exit cli_reactions(const struct cli_call *call) BASE_MUST_CHECK;
enum cli_exit cli_healthcheck(const struct cli_call *call) BASE_MUST_CHECK;
enum cli_exit cli_version(const struct cli_call *call) BASE_MUST_CHECK;
enum cli_exit cli_help(const struct cli_call *call) BASE_MUST_CHECK;

/* The indexes of a subcommand's own flags in call->flags. */
enum cli_catalog_flag {
    CLI_CATALOG_STRICT,
    CLI_CATALOG_DELIMITER,
    CLI_CATALOG_PRICES,
    CLI_CATALOG_REPLACE,
    CLI_CATALOG_DRY_RUN
};
enum cli_coupons_flag {
    CLI_COUPONS_STRICT,
    CLI_COUPONS_DELIMITER,
    CLI_COUPONS_REVIVE,
    CLI_COUPONS_DRY_RUN
};
enum cli_rebuild_flag { CLI_REBUILD_FROM };
enum cli_reactions_flag { CLI_REACTIONS_FROM };
enum cli_show_flag { CLI_SHOW_VERSION, CLI_SHOW_AT };
enum cli_events_flag {
    CLI_EVENTS_CART,
    CLI_EVENTS_AFTER,
    CLI_EVENTS_TYPE,
    CLI_EVENTS_FOLLOW,
    CLI_EVENTS_INTO
};

/* Makes all read tables say what the log says: `cartd rebuild all`. */
enum cli_exit cli_rebuild_all(const struct config *config) BASE_MUST_CHECK;

/* The log as the settings want it, from `usual` on unless they name another level than the default.
 */
struct base_log cli_log(const struct config *config, enum base_log_level usual);

/* How long carts last, as the settings say. */
struct cart_lifetimes cli_lifetimes(const struct config *config);

/* Says "cartd: …" on stderr, on one line. What it repeats may be anything. */
void cli_complain(const char *format, ...) BASE_PRINTF(1, 2);
/* Says how the subcommand is called. */
enum cli_exit cli_complain_of_usage(const struct cli_call *call) BASE_MUST_CHECK;

/* Whether it is a connection string and no file: a URL, or "name=value …" as libpq takes it. A file
 * of such a name can be said as ./name. */
bool cli_is_database(const char *text) BASE_MUST_CHECK;
/* Whether it looks like a connection string, or a part of one, so that it must not be repeated. */
bool cli_may_hold_password(const char *text) BASE_MUST_CHECK;
/* False: `url`, the value of `setting`, can never be connected with; said. */
bool cli_check_database(const char *setting, const char *url) BASE_MUST_CHECK;

/* Says "FILE:LINE: why" on stderr. `why` may repeat what the file says. */
void cli_complain_of_line(const char *file, int64_t line, const char *why);

/* Why a database that has not the schema of this binary can't be used. */
#define CLI_SCHEMA_NOT_READY                                                                       \
    "run `cartd migrate`: the database does not have the schema that this cartd needs. If it was " \
    "made before 0.1.0, it can't be migrated; bring its log into a new one with `cartd events "    \
    "export` and `cartd events import`. If the search path finds its tables in several schemas, "  \
    "set search_path to one of them"

#endif
