#include "catalog_import.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "catalog.h"
#include "import.h"
#include "product_line.h"
#include "subcommand.h"

#define NAME_SIZE (4 * CATALOG_NAME_MAX + 1)
#define UNIT_SIZE (4 * CATALOG_UNIT_MAX + 1)

struct product_slot {
    struct import_slot slot; /* without a line number: of a product that the file does not have */
    struct catalog_command command;
    char sku[CART_SKU_SIZE];
    char name[NAME_SIZE];
    char unit[UNIT_SIZE];
    char tags[CATALOG_TAGS_SIZE];
    char currencies[CATALOG_PRICES_MAX][4];
};

struct catalog_pass {
    struct import import;
    const struct catalog_file *file;
    struct product_line_header header;
    struct catalog_notes *notes;
    const struct catalog_difference *replaced; /* NULL: the file is not the whole catalogue */
    size_t n_missing_submitted;
};

static struct catalog_pass *pass_of(struct import *import)
{
    return BASE_CONTAINER(import, struct catalog_pass, import);
}

static void complain(struct import_slot *slot, const char *reason)
{
    const struct product_slot *product = BASE_CONTAINER(slot, struct product_slot, slot);
    BASE_CLEANUP(base_buffer_finish) struct base_buffer text = {0};
    base_buffer_append_text(&text, reason);
    product_line_append_sku(&text, product->command.sku);
    if (slot->line_number > 0) {
        import_complain(slot->import, slot->line_number, base_buffer_text(&text));
    } else {
        progress_erase(&slot->import->task.progress);
        cli_complain("a product can't be made inactive: %s", base_buffer_text(&text));
    }
}

static void submit(struct product_slot *product, int32_t version)
{
    import_submit(
        &product->slot, aggregate_product_id(product->command.sku), &product->command, version);
}

static struct product_slot *take_slot(struct catalog_pass *pass, int64_t line_number)
{
    return BASE_CONTAINER(import_take_slot(&pass->import, line_number), struct product_slot, slot);
}

/* Of the whole catalogue the file says everything, also by what it does not have. */
static void replace_product(
    const struct catalog_pass *pass, struct product_line *line, struct product_slot *slot)
{
    if (pass->replaced == NULL)
        return;
    catalog_notes_complete(pass->notes, line);
    slot->command.kept_currencies = (const char(*)[4])slot->currencies;
    slot->command.n_kept_currencies =
        catalog_notes_list_currencies(pass->notes, line->sku, slot->currencies);
}

static void submit_line(struct catalog_pass *pass, struct product_line *line, int64_t line_number)
{
    struct product_slot *slot = take_slot(pass, line_number);
    replace_product(pass, line, slot);
    /* The texts were checked to fit. */
    (void)strncpy(slot->sku, line->sku, sizeof slot->sku - 1);
    (void)strncpy(slot->name, line->name, sizeof slot->name - 1);
    struct catalog_command *command = &slot->command;
    command->type = CATALOG_COMMAND_SET_PRICE;
    command->sku = slot->sku;
    command->content.name = slot->name;
    command->content.is_active = line->is_active;
    command->has_active = line->has_active;
    command->has_quantity = line->has_quantity;
    command->content.quantity = line->quantity;
    if (line->quantity.unit != NULL) {
        (void)strncpy(slot->unit, line->quantity.unit, sizeof slot->unit - 1);
        command->content.quantity.unit = slot->unit;
    }
    command->has_tags = line->has_tags;
    command->content.tags = NULL;
    if (line->tags != NULL) {
        (void)strncpy(slot->tags, line->tags, sizeof slot->tags - 1);
        command->content.tags = slot->tags;
    }
    command->takes_price_away = !line->has_price;
    command->content.n_prices = 1;
    (void)strncpy(command->content.prices[0].currency, line->currency, 3);
    command->content.prices[0].price_minor = line->price_minor;
    submit(slot, 0);
}

/* The next of the products that the file does not have. False: there is none. What somebody changed
 * since they were found is newer than the file, and stays. */
static bool deactivate_next(struct import *import)
{
    struct catalog_pass *pass = pass_of(import);
    const struct catalog_difference *replaced = pass->replaced;
    if (replaced == NULL || pass->n_missing_submitted == replaced->n_missing)
        return false;
    const struct catalog_missing_product *product =
        catalog_difference_missing(replaced, pass->n_missing_submitted++);
    struct product_slot *slot = take_slot(pass, 0);
    slot->command.type = CATALOG_COMMAND_DEACTIVATE;
    slot->command.sku = product->sku;
    submit(slot, product->version);
    return true;
}

static void receive_header(struct import *import, const struct columns_header *header)
{
    struct catalog_pass *pass = pass_of(import);
    pass->header = (struct product_line_header){
        .has_decimal_prices = pass->file->has_decimal_prices, .columns = *header};
    catalog_notes_take_header(pass->notes, &pass->header);
}

static void receive_record(struct import *import, const struct csv_record *record)
{
    struct catalog_pass *pass = pass_of(import);
    BASE_CLEANUP(base_arena_finish) struct base_arena arena = {0};
    BASE_CLEANUP(base_buffer_finish) struct base_buffer problem = {0};
    struct product_line line;
    if (!product_line_read(&pass->header, record, &arena, &line, &problem)) {
        import_complain(import, record->line, base_buffer_text(&problem));
        return;
    }
    const char *what = NULL;
    int64_t earlier =
        import->is_checked ? 0 : catalog_notes_take(pass->notes, &line, record->line, &what);
    if (earlier > 0) {
        base_buffer_printf(&problem, "it contradicts line %" PRId64 " in %s", earlier, what);
        product_line_append_sku(&problem, line.sku);
        import_complain(import, record->line, base_buffer_text(&problem));
    } else if (!import->only_checks) {
        submit_line(pass, &line, record->line);
    }
}

static bool say_end(const struct import *import, const char *why)
{
    const struct catalog_pass *pass = BASE_CONTAINER(import, struct catalog_pass, import);
    if (pass->n_missing_submitted == 0 || import->first_unrecorded_line > 0)
        return false;
    cli_complain(
        "%s: %s is recorded, and %" PRId64 " of the %zu products that it does not have were "
        "made inactive; importing it again from the beginning is safe",
        why, import->source->name, import->n_rest_done, pass->replaced->n_missing);
    return true;
}

static const struct import_kind PRODUCTS = {
    .thing = "product",
    .actor = "catalog-import",
    .aggregate = &aggregate_product,
    .columns = &product_line_columns,
    .slot_size = sizeof(struct product_slot),
    .refused = "the product already has prices in 64 currencies",
    .id_taken = "the id that belongs to this sku is taken by a cart",
    .complain = complain,
    .receive_header = receive_header,
    .receive_record = receive_record,
    .submit_rest = deactivate_next,
    .say_end = say_end,
};

/* ---- from beginning to end ------------------------------------------------------------------- */

static void print_summary(const struct catalog_pass *pass)
{
    import_print_summary(&pass->import);
    if (pass->replaced != NULL)
        printf(
            "products that the file does not have: %" PRId64 " made inactive, %" PRId64
            " left as somebody changed them meanwhile\n",
            pass->import.n_rest_done, pass->import.n_rest_changed);
}

static void run(struct catalog_pass *pass, const char *task_name)
{
    pass->import.kind = &PRODUCTS;
    pass->import.config = pass->file->config;
    pass->import.source = pass->file->source;
    pass->import.delimiter = pass->file->delimiter;
    import_run(&pass->import, task_name);
}

bool catalog_check(
    const struct catalog_file *file, struct catalog_notes *notes, struct catalog_checked *checked)
{
    struct catalog_pass pass = {.file = file, .notes = notes, .import = {.only_checks = true}};
    const struct import *import = &pass.import;
    run(&pass, "checking");
    bool is_whole = import->end == IMPORT_READ_ALL;
    bool is_empty = is_whole && file->replaces && import->n_lines == import->n_bad;
    bool is_refused = is_whole && ((import->n_bad > 0 && file->whole_by != NULL) || is_empty);
    *checked = (struct catalog_checked){.n_lines = import->n_lines, .n_bad = import->n_bad};
    if (is_refused)
        print_summary(&pass);
    if (is_empty)
        cli_complain(
            "%s has no products; %s would make every product inactive", file->source->name,
            file->whole_by);
    if (is_refused)
        cli_complain("nothing was imported, because of %s", file->whole_by);
    import_finish(&pass.import);
    return is_whole && !is_refused && source_rewind(file->source);
}

bool catalog_import(
    const struct catalog_file *file, struct catalog_notes *notes,
    const struct catalog_difference *replaced)
{
    struct catalog_pass pass = {
        .file = file,
        .notes = notes,
        .replaced = replaced,
        .import = {.is_checked = file->whole_by != NULL},
    };
    run(&pass, "importing");
    bool is_whole = import_is_whole(&pass.import);
    print_summary(&pass);
    import_finish(&pass.import);
    return is_whole;
}
