#include <stdio.h>
#include <string.h>

#include "catalog_import.h"
#include "subcommand.h"

/*
 * Flags that ask for it have the whole file checked first, and nothing is imported if a line is
 * bad. With --replace a bad line would otherwise make the product inactive that it is about.
 */

/* False: it is no delimiter. */
static bool read_delimiter(const char *text, char *delimiter)
{
    bool is_tab = strcmp(text, "tab") == 0 || strcmp(text, "\\t") == 0;
    bool is_one = strlen(text) == 1 && strchr(",;|\t", text[0]) != NULL;
    *delimiter = is_tab ? '\t' : text[0];
    return is_tab || is_one;
}

/* False: it is wrong; said. */
static bool read_flags(const struct cli_call *call, struct catalog_file *file)
{
    const struct config_flag *flags = call->flags;
    const struct config_flag *delimiter = &flags[CLI_CATALOG_DELIMITER];
    const struct config_flag *prices = &flags[CLI_CATALOG_PRICES];
    if (delimiter->is_given && !read_delimiter(delimiter->value, &file->delimiter)) {
        cli_complain("--delimiter must be , ; | or tab, not \"%s\"", delimiter->value);
        return false;
    }
    file->has_decimal_prices = prices->is_given && strcmp(prices->value, "decimal") == 0;
    if (prices->is_given && !file->has_decimal_prices && strcmp(prices->value, "minor") != 0) {
        cli_complain("--prices must be minor or decimal, not \"%s\"", prices->value);
        return false;
    }
    file->needs_products = flags[CLI_CATALOG_REPLACE].is_given;
    if (flags[CLI_CATALOG_REPLACE].is_given)
        file->checked_by = "--replace";
    else if (flags[CLI_CATALOG_STRICT].is_given)
        file->checked_by = "--strict";
    else if (flags[CLI_CATALOG_DRY_RUN].is_given)
        file->checked_by = "--dry-run";
    return true;
}

static void print_dry_run(const struct catalog_missing *missing)
{
    for (size_t i = 0; i < missing->n; i++)
        printf("would be made inactive: %s\n", catalog_missing_at(missing, i)->sku);
    puts("dry run: every line is right; nothing was imported");
}

/* False: not everything was imported; said. */
static bool import_file(const struct catalog_file *file, bool is_dry_run)
{
    BASE_CLEANUP(catalog_notes_finish) struct catalog_notes notes = {0};
    BASE_CLEANUP(catalog_missing_finish) struct catalog_missing missing = {.n = 0};
    if (file->checked_by != NULL && !(source_spool(file->source) && catalog_check(file, &notes)))
        return false;
    if (file->needs_products && !catalog_missing_find(file->config, &notes, &missing))
        return false;
    if (is_dry_run) {
        print_dry_run(&missing);
        return true;
    }
    return catalog_import(file, &notes, file->needs_products ? &missing : NULL);
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
