#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "catalog_import.h"
#include "import.h"
#include "subcommand.h"

/*
 * Flags that ask for it have the whole file checked first; but for --dry-run alone, nothing is
 * imported if a line is bad. With --replace a bad line would otherwise make the product inactive
 * that it is about.
 */

/* False: it is wrong; said. */
static bool read_flags(const struct cli_call *call, struct catalog_file *file)
{
    const struct config_flag *flags = call->flags;
    const struct config_flag *prices = &flags[CLI_CATALOG_PRICES];
    if (!import_read_delimiter(&flags[CLI_CATALOG_DELIMITER], &file->delimiter))
        return false;
    file->has_decimal_prices = prices->is_given && strcmp(prices->value, "decimal") == 0;
    if (prices->is_given && !file->has_decimal_prices && strcmp(prices->value, "minor") != 0) {
        cli_complain("--prices must be minor or decimal, not \"%s\"", prices->value);
        return false;
    }
    file->replaces = flags[CLI_CATALOG_REPLACE].is_given;
    if (flags[CLI_CATALOG_REPLACE].is_given)
        file->whole_by = "--replace";
    else if (flags[CLI_CATALOG_STRICT].is_given)
        file->whole_by = "--strict";
    return true;
}

static void print_withdrawn(const struct catalog_difference *difference)
{
    if (difference->n_withdrawn > 0)
        printf(
            "products of the file that are inactive in the catalogue: %" PRId64
            "; \"yes\" in the column active brings them back, and so does --replace\n",
            difference->n_withdrawn);
}

static void print_difference(
    const struct catalog_file *file, const struct catalog_difference *difference)
{
    for (size_t i = 0; i < difference->n_missing; i++) {
        BASE_CLEANUP(base_buffer_finish) struct base_buffer sku = {0};
        base_buffer_append_printable(&sku, catalog_difference_missing(difference, i)->sku);
        printf("would be made inactive: %s\n", base_buffer_text(&sku));
    }
    printf(
        "products: %" PRId64 " would be new, %" PRId64 " changed, %zu made inactive\n",
        difference->n_new, difference->n_changed, difference->n_missing);
    if (!file->replaces)
        print_withdrawn(difference);
}

/* What an import leaves that may surprise. It is done, so a failure here is not the import's. */
static void print_left(const struct catalog_file *file, const struct catalog_notes *notes)
{
    BASE_CLEANUP(catalog_difference_finish) struct catalog_difference left = {0};
    BASE_CLEANUP(base_free_pointer) char *problem = NULL;
    if (catalog_difference_find(
            file->config, notes, false, CATALOG_SCOPE_INACTIVE, &left, &problem))
        print_withdrawn(&left);
    else
        cli_complain("inactive products could not be counted: %s", problem);
}

/* False: the catalogue can't be read; said. */
static bool compare(
    const struct catalog_file *file, const struct catalog_notes *notes,
    struct catalog_difference *difference)
{
    BASE_CLEANUP(base_free_pointer) char *problem = NULL;
    bool is_done = catalog_difference_find(
        file->config, notes, file->replaces, CATALOG_SCOPE_ALL, difference, &problem);
    if (!is_done)
        cli_complain("%s; nothing was imported", problem);
    return is_done;
}

/* False: not everything was imported, or would be; said. */
static bool import_file(const struct catalog_file *file, bool is_dry_run)
{
    BASE_CLEANUP(catalog_notes_finish) struct catalog_notes notes = {0};
    BASE_CLEANUP(catalog_difference_finish) struct catalog_difference difference = {0};
    struct catalog_checked checked;
    if ((file->whole_by != NULL || is_dry_run) &&
        !(source_spool(file->source) && catalog_check(file, &notes, &checked)))
        return false;
    if ((file->replaces || is_dry_run) && !compare(file, &notes, &difference))
        return false;
    if (is_dry_run) {
        print_difference(file, &difference);
        return import_end_dry_run(checked.n_lines, checked.n_bad);
    }
    bool is_done = catalog_import(file, &notes, file->replaces ? &difference : NULL);
    if (is_done && !file->replaces)
        print_left(file, &notes);
    return is_done;
}

enum cli_exit cli_catalog(const struct cli_call *call)
{
    struct source source;
    struct catalog_file file = {.config = call->config, .source = &source};
    if (strcmp(call->arguments[0], "import") != 0)
        return cli_complain_of_usage(call);
    if (!read_flags(call, &file))
        return CLI_MISUSED;
    bool is_done = source_open(&source, call->arguments[1]) &&
                   import_file(&file, call->flags[CLI_CATALOG_DRY_RUN].is_given);
    source_close(&source);
    return is_done ? CLI_DONE : CLI_FAILED;
}
