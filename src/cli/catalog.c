#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "import.h"
#include "product_file.h"
#include "progress.h"
#include "source.h"
#include "subcommand.h"

#define CATALOG_COPY_BYTES (64 * 1024)
/* Lines between two looks at the clock while checking. */
#define CATALOG_LINES_A_LOOK 1024

/* A file that nobody else can open and that is gone with this process. */
static int open_temporary(void)
{
    const char *folder = getenv("TMPDIR");
    struct base_buffer path = {0};
    base_buffer_printf(
        &path, "%s/cartd-import-XXXXXX", folder && folder[0] != '\0' ? folder : "/tmp");
    (void)base_buffer_text(&path); /* for its NUL */
    int fd = mkostemp(path.bytes, O_CLOEXEC);
    if (fd >= 0)
        (void)unlink(path.bytes); /* A file that stays behind would only be clutter. */
    base_buffer_finish(&path);
    return fd;
}

static bool copy_all(int from, int to)
{
    BASE_CLEANUP(base_free_pointer) char *bytes = base_alloc(CATALOG_COPY_BYTES);
    for (;;) {
        ssize_t n_read = read(from, bytes, CATALOG_COPY_BYTES);
        if (n_read <= 0)
            return n_read == 0;
        for (ssize_t n_written = 0; n_written < n_read;) {
            ssize_t n = write(to, bytes + n_written, (size_t)(n_read - n_written));
            if (n < 0)
                return false;
            n_written += n;
        }
    }
}

/* Makes a source that can be read twice out of a pipe. */
static bool spool(struct source *source)
{
    int copy = open_temporary();
    if (copy < 0 || !copy_all(source->fd, copy) || lseek(copy, 0, SEEK_SET) != 0) {
        cli_complain("%s can't be copied to a temporary file: %s", source->name, strerror(errno));
        if (copy >= 0)
            (void)close(copy);
        return false;
    }
    (void)close(source->fd);
    source->fd = copy;
    return source_look(source);
}

/* ---- the two passes -------------------------------------------------------------------------- */

/* Counts the lines and says which are bad. False: it can't be read to its end; said. */
static bool check(struct product_file *file)
{
    for (;;) {
        struct product_line line;
        int64_t line_number = 0;
        switch (product_file_next(file, &line, &line_number)) {
        case PRODUCT_FILE_LINE:
            if (file->n_lines % CATALOG_LINES_A_LOOK == 0)
                progress_show(file->progress, file->n_lines, file->reader.n_consumed);
            break;
        case PRODUCT_FILE_MORE:
            if (!product_file_read(file))
                return false;
            break;
        case PRODUCT_FILE_END:
            return true;
        case PRODUCT_FILE_BROKEN:
            return false;
        }
    }
}

static void print_summary(const struct product_file *file, const struct import_result *result)
{
    printf(
        "lines: %" PRId64 " read, %" PRId64 " changed a product, %" PRId64
        " said nothing new, %" PRId64 " bad\n",
        file->n_lines, result->n_changed, result->n_unchanged, file->n_bad);
}

/* The pass of --strict. True: every line is right, and the source is at its beginning again. */
static bool check_source(struct source *source)
{
    if (!source->is_seekable && !spool(source))
        return false;
    struct progress progress;
    progress_start(&progress, "checking", source->n_bytes);
    struct product_file file;
    product_file_init(&file, source->name, source->fd, &progress);
    bool is_right = check(&file);
    product_file_complain_rest(&file);
    if (is_right && file.n_bad > 0) {
        is_right = false;
        print_summary(&file, &(struct import_result){0});
        cli_complain("nothing was imported, as --strict asks");
    }
    product_file_finish(&file);
    if (is_right && lseek(source->fd, source->begins_at, SEEK_SET) < 0) {
        cli_complain("%s can't be read twice: %s", source->name, strerror(errno));
        is_right = false;
    }
    return is_right;
}

static enum cli_exit import_source(const struct config *config, const struct source *source)
{
    /* What goes well is said by the progress line and the summary, so the log has the rest. */
    enum base_log_level least = config_log_level(config);
    const struct base_log log = {
        .fd = STDERR_FILENO,
        .form = config_log_form(config, STDERR_FILENO),
        .least = least == BASE_LOG_INFO ? BASE_LOG_WARNING : least,
    };
    struct progress progress;
    progress_start(&progress, "importing", source->n_bytes);
    struct product_file file;
    product_file_init(&file, source->name, source->fd, &progress);
    struct import_result result;
    import_run(config, &log, &file, &result);
    bool is_done = result.is_whole && file.n_bad == 0;
    print_summary(&file, &result);
    product_file_finish(&file);
    return is_done ? CLI_DONE : CLI_FAILED;
}

enum cli_exit cli_catalog(const struct cli_call *call)
{
    if (call->n_arguments != 2 || strcmp(call->arguments[0], "import") != 0) {
        cli_complain("it is `cartd catalog import FILE.csv`; see `cartd catalog --help`");
        return CLI_MISUSED;
    }
    struct source source;
    bool is_strict = call->flags[CLI_CATALOG_STRICT].is_given;
    enum cli_exit status = CLI_FAILED;
    if (source_open(&source, call->arguments[1]) && (!is_strict || check_source(&source)))
        status = import_source(call->config, &source);
    source_close(&source);
    return status;
}
