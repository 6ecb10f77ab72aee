#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "codec.h"
#include "coupon_line.h"
#include "import.h"
#include "projections.h"
#include "seen.h"
#include "stored.h"
#include "subcommand.h"

struct coupon_slot {
    struct import_slot slot;
    struct coupon_command command;
    struct base_arena arena; /* its texts */
};

struct coupons_file {
    const struct config *config;
    struct source *source;
    char delimiter;   /* '\0': found by itself */
    bool is_strict;   /* nothing is imported if a line is bad */
    bool revives;     /* coupons that are withdrawn are in force again */
    struct seen seen; /* by folded code: the definition as JSON, and each member that it has */
    int64_t n_coupons;
    int64_t n_lines; /* that were checked */
    int64_t n_bad;   /* of these */
};

struct coupons_pass {
    struct import import;
    struct coupons_file *file;
};

/* ---- a line ---------------------------------------------------------------------------------- */

static void write_definition(struct base_buffer *out, const struct coupon_definition *definition)
{
    codec_write_coupon_event(
        out, &(struct coupon_event){.type = COUPON_EVENT_DEFINED, .defined = *definition});
}

/* The i-th member of a definition as JSON, "" if it is as if left out. Returns its name; NULL:
 * there are fewer. */
static const char *write_member(
    struct base_buffer *out, const struct coupon_definition *definition, size_t i)
{
    static const struct coupon_definition nothing = {
        .code = "", .starts_at_us = COUPON_TIME_NONE, .ends_at_us = COUPON_TIME_NONE};
    BASE_CLEANUP(base_buffer_finish) struct base_buffer left_out = {0};
    out->length = 0;
    const char *name = codec_write_coupon_member(out, definition, i);
    (void)codec_write_coupon_member(&left_out, &nothing, i);
    if (strcmp(base_buffer_text(out), base_buffer_text(&left_out)) == 0)
        out->length = 0;
    return name;
}

/* In which member a definition is not what the file says of the coupon. */
static const char *find_difference(
    const struct seen *seen, const struct coupon_definition *definition, const char *folded)
{
    BASE_CLEANUP(base_buffer_finish) struct base_buffer text = {0};
    const char *name;
    for (size_t i = 0; (name = write_member(&text, definition, i)) != NULL; i++)
        if (text.length > 0 ? !seen_says(seen, folded, name, base_buffer_text(&text))
                            : seen_has(seen, folded, name))
            return name;
    return "a member";
}

static void note_members(
    struct seen *seen, const struct coupon_definition *definition, const char *folded,
    int64_t line_number)
{
    BASE_CLEANUP(base_buffer_finish) struct base_buffer text = {0};
    const char *name;
    for (size_t i = 0; (name = write_member(&text, definition, i)) != NULL; i++)
        if (text.length > 0)
            seen_note(seen, folded, name, base_buffer_text(&text), line_number);
}

/* 0, or the number of an earlier line of the same coupon that says something else. */
static int64_t note(
    struct coupons_file *file, const struct coupon_definition *definition, const char *folded,
    int64_t line_number)
{
    BASE_CLEANUP(base_buffer_finish) struct base_buffer text = {0};
    write_definition(&text, definition);
    int64_t other = seen_find_other(&file->seen, folded, "coupon", base_buffer_text(&text));
    if (other > 0)
        return other;
    if (!seen_has(&file->seen, folded, "coupon")) {
        file->n_coupons++;
        note_members(&file->seen, definition, folded, line_number);
    }
    seen_note(&file->seen, folded, "coupon", base_buffer_text(&text), line_number);
    return 0;
}

static void complain(struct import_slot *slot, const char *reason)
{
    const struct coupon_slot *coupon = BASE_CONTAINER(slot, struct coupon_slot, slot);
    BASE_CLEANUP(base_buffer_finish) struct base_buffer text = {0};
    base_buffer_append_text(&text, reason);
    coupon_line_append_code(&text, coupon->command.definition.code);
    import_complain(slot->import, slot->line_number, base_buffer_text(&text));
}

static void release(struct import_slot *slot)
{
    base_arena_finish(&BASE_CONTAINER(slot, struct coupon_slot, slot)->arena);
}

/* Takes the arena, in which the definition's texts are. */
static void submit(
    struct import *import, const struct coupon_definition *definition, const char *folded,
    struct base_arena *arena, int64_t line_number)
{
    struct import_slot *slot = import_take_slot(import, line_number);
    struct coupon_slot *coupon = BASE_CONTAINER(slot, struct coupon_slot, slot);
    const struct coupons_file *file = BASE_CONTAINER(import, struct coupons_pass, import)->file;
    coupon->command = (struct coupon_command){
        .type = COUPON_COMMAND_DEFINE,
        .definition = *definition,
        .leaves_withdrawn = !file->revives,
    };
    const struct base_uuid coupon_id = aggregate_coupon_id(folded);
    coupon->arena = *arena;
    *arena = (struct base_arena){0};
    import_submit(slot, coupon_id, &coupon->command, 0);
}

static void receive(
    struct import *import, const struct coupon_definition *definition, struct base_arena *arena,
    int64_t line_number)
{
    struct coupons_file *file = BASE_CONTAINER(import, struct coupons_pass, import)->file;
    BASE_CLEANUP(base_buffer_finish) struct base_buffer problem = {0};
    const char *folded = codec_fold_code(arena, definition->code);
    int64_t earlier = import->is_checked ? 0 : note(file, definition, folded, line_number);
    if (earlier > 0) {
        base_buffer_printf(
            &problem, "it contradicts line %" PRId64 " in %s", earlier,
            find_difference(&file->seen, definition, folded));
        coupon_line_append_code(&problem, definition->code);
        import_complain(import, line_number, base_buffer_text(&problem));
    } else if (!import->only_checks) {
        submit(import, definition, folded, arena, line_number);
    }
}

static void receive_record(struct import *import, const struct csv_record *record)
{
    BASE_CLEANUP(base_arena_finish) struct base_arena arena = {0};
    BASE_CLEANUP(base_buffer_finish) struct base_buffer problem = {0};
    struct coupon_definition definition;
    if (coupon_line_read_record(&import->header, record, &arena, &definition, &problem))
        receive(import, &definition, &arena, record->line);
    else
        import_complain(import, record->line, base_buffer_text(&problem));
}

static void receive_line(struct import *import, const struct lines *line)
{
    BASE_CLEANUP(base_arena_finish) struct base_arena arena = {0};
    BASE_CLEANUP(base_buffer_finish) struct base_buffer problem = {0};
    struct coupon_definition definition;
    if (coupon_line_read(line->text, line->length, &arena, &definition, &problem))
        receive(import, &definition, &arena, line->number);
    else
        import_complain(import, line->number, base_buffer_text(&problem));
}

static const struct import_kind COUPONS = {
    .thing = "coupon",
    .actor = "coupons-import",
    .aggregate = &aggregate_coupon,
    .columns = &coupon_line_columns,
    .slot_size = sizeof(struct coupon_slot),
    .refused = "it could not be recorded", /* no rule refuses a definition */
    .id_taken = "the id that belongs to this code is taken by another kind of stream",
    .complain = complain,
    .receive_record = receive_record,
    .receive_line = receive_line,
    .release = release,
};

/* ---- the file -------------------------------------------------------------------------------- */

static void run(struct coupons_pass *pass, const char *task_name)
{
    pass->import.kind = &COUPONS;
    pass->import.config = pass->file->config;
    pass->import.source = pass->file->source;
    pass->import.delimiter = pass->file->delimiter;
    import_run(&pass->import, task_name);
}

/* Only reads the lines, and notes what the good ones say. False: nothing may be imported, because
 * of a bad line, or as they can't be read; said. */
static bool check(struct coupons_file *file)
{
    struct coupons_pass pass = {.file = file, .import = {.only_checks = true}};
    run(&pass, "checking");
    file->n_lines = pass.import.n_lines;
    file->n_bad = pass.import.n_bad;
    bool is_whole = pass.import.end == IMPORT_READ_ALL;
    bool is_refused = is_whole && file->is_strict && file->n_bad > 0;
    if (is_refused) {
        import_print_summary(&pass.import);
        cli_complain("nothing was imported, because of --strict");
    }
    import_finish(&pass.import);
    return is_whole && !is_refused && source_rewind(file->source);
}

/* False: not everything was recorded; said. */
static bool import_lines(struct coupons_file *file)
{
    struct coupons_pass pass = {.file = file, .import = {.is_checked = file->is_strict}};
    run(&pass, "importing");
    bool is_whole = import_is_whole(&pass.import);
    import_print_summary(&pass.import);
    import_finish(&pass.import);
    return is_whole;
}

/* ---- beside what is stored ------------------------------------------------------------------- */

struct difference {
    const struct coupons_file *file;
    int64_t n_new;
    int64_t n_changed;
    int64_t n_withdrawn; /* that the file has */
};

/* A stored coupon that can't be read counts as one that changes. The columns are those of
 * projections_coupons_sql(). */
static void compare(void *context, char *const *row)
{
    struct difference *difference = context;
    const struct coupons_file *file = difference->file;
    BASE_CLEANUP(base_arena_finish) struct base_arena arena = {0};
    BASE_CLEANUP(base_buffer_finish) struct base_buffer text = {0};
    struct coupon_event stored;
    if (!seen_has(&file->seen, row[0], "coupon"))
        return;
    bool is_in_force = row[1][0] == 't';
    if (codec_read_coupon_event(
            codec_coupon_event_name(COUPON_EVENT_DEFINED),
            codec_coupon_event_schema_version(COUPON_EVENT_DEFINED), row[2], &arena, &stored))
        write_definition(&text, &stored.defined);
    difference->n_new--;
    if (!is_in_force)
        difference->n_withdrawn++;
    else if (!seen_says(&file->seen, row[0], "coupon", base_buffer_text(&text)))
        difference->n_changed++;
}

/* `is_all`: otherwise only those that are withdrawn are read, and only n_withdrawn is right. False
 * with *problem (the caller's to free): the coupons can't be read. */
static bool find_difference_to_stored(
    const struct coupons_file *file, bool is_all, struct difference *difference, char **problem)
{
    *difference = (struct difference){.file = file, .n_new = file->n_coupons};
    const struct stored_list coupons = {
        .url = file->config->texts[CONFIG_DATABASE_URL],
        .sql = projections_coupons_sql(),
        .further = is_all ? "t" : "f",
        .n_columns = 3,
        .receive = compare,
        .context = difference,
    };
    return stored_read(&coupons, problem);
}

static void print_withdrawn(const struct difference *difference)
{
    if (difference->n_withdrawn > 0)
        printf(
            "coupons of the file that are withdrawn: %" PRId64 "; --revive brings them back\n",
            difference->n_withdrawn);
}

/* False: a line is bad, or the coupons can't be read; said. */
static bool print_dry_run(const struct coupons_file *file)
{
    struct difference difference;
    BASE_CLEANUP(base_free_pointer) char *problem = NULL;
    if (!find_difference_to_stored(file, true, &difference, &problem)) {
        cli_complain("%s; nothing was imported", problem);
        return false;
    }
    printf(
        "coupons: %" PRId64 " would be new, %" PRId64 " changed", difference.n_new,
        difference.n_changed);
    if (file->revives)
        printf(", %" PRId64 " revived", difference.n_withdrawn);
    putchar('\n');
    if (!file->revives)
        print_withdrawn(&difference);
    return import_end_dry_run(file->n_lines, file->n_bad);
}

/* What an import leaves that may surprise. It is done, so a failure here is not the import's. */
static void print_left(const struct coupons_file *file)
{
    struct difference left;
    BASE_CLEANUP(base_free_pointer) char *problem = NULL;
    if (find_difference_to_stored(file, false, &left, &problem))
        print_withdrawn(&left);
    else
        cli_complain("withdrawn coupons could not be counted: %s", problem);
}

/* ---- the subcommand -------------------------------------------------------------------------- */

/* False: not everything was imported, or would be; said. */
static bool import_file(struct coupons_file *file, bool is_dry_run)
{
    if ((file->is_strict || is_dry_run) && !(source_spool(file->source) && check(file)))
        return false;
    if (is_dry_run)
        return print_dry_run(file);
    bool is_done = import_lines(file);
    if (is_done && !file->revives)
        print_left(file);
    return is_done;
}

enum cli_exit cli_coupons(const struct cli_call *call)
{
    struct source source;
    struct coupons_file file = {
        .config = call->config,
        .source = &source,
        .is_strict = call->flags[CLI_COUPONS_STRICT].is_given,
        .revives = call->flags[CLI_COUPONS_REVIVE].is_given,
    };
    bool is_dry_run = call->flags[CLI_COUPONS_DRY_RUN].is_given;
    if (strcmp(call->arguments[0], "import") != 0)
        return cli_complain_of_usage(call);
    if (!import_read_delimiter(&call->flags[CLI_COUPONS_DELIMITER], &file.delimiter))
        return CLI_MISUSED;
    bool is_done = source_open(&source, call->arguments[1]) && import_file(&file, is_dry_run);
    source_close(&source);
    seen_finish(&file.seen);
    return is_done ? CLI_DONE : CLI_FAILED;
}
