#include "base.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static const char *const level_names[] = {
    [BASE_LOG_DEBUG] = "debug",
    [BASE_LOG_INFO] = "info",
    [BASE_LOG_WARNING] = "warning",
    [BASE_LOG_ERROR] = "error",
};

static const struct {
    const char *name;
    enum base_log_level level;
    const char *sentence;
} events[] = {
#define BASE_LOG_ROW(NAME, row_name, row_level, row_sentence)                                      \
    [BASE_LOG_##NAME] = {.name = row_name, .level = BASE_LOG_##row_level, .sentence = row_sentence},
    BASE_LOG_EVENTS(BASE_LOG_ROW)
#undef BASE_LOG_ROW
};

/* A JSON string in which whatever is not printable is escaped as well: a terminal obeys some of it,
 * and the text may be a client's. */
static void append_quoted(struct base_buffer *line, const char *text)
{
    BASE_CLEANUP(base_buffer_finish) struct base_buffer quoted = {0};
    base_buffer_append_json_text(&quoted, text);
    base_buffer_append_printable(line, base_buffer_text(&quoted));
}

static void append_json_fields(
    struct base_buffer *line, const struct base_log_field *fields, size_t n_fields)
{
    for (size_t i = 0; i < n_fields; i++) {
        if (fields[i].name == NULL)
            continue;
        base_buffer_append_char(line, ',');
        append_quoted(line, fields[i].name);
        base_buffer_append_char(line, ':');
        if (fields[i].text != NULL)
            append_quoted(line, fields[i].text);
        else
            base_buffer_append_int(line, fields[i].number);
    }
}

/* Whether a value can stand without quotes and still be told from the rest of the line. */
static bool is_bare(const char *text)
{
    static const char bare[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                               "-._~:/?#[]@!$&()*+,;%";
    return *text != '\0' && text[strspn(text, bare)] == '\0';
}

static void append_plain_fields(
    struct base_buffer *line, const struct base_log_field *fields, size_t n_fields)
{
    for (size_t i = 0; i < n_fields; i++) {
        if (fields[i].name == NULL)
            continue;
        base_buffer_append_char(line, ' ');
        base_buffer_append_text(line, fields[i].name);
        base_buffer_append_char(line, '=');
        if (fields[i].text == NULL)
            base_buffer_append_int(line, fields[i].number);
        else if (is_bare(fields[i].text))
            base_buffer_append_text(line, fields[i].text);
        else
            append_quoted(line, fields[i].text);
    }
}

void base_log_write(
    const struct base_log *log, enum base_log_event event, const struct base_log_field *fields,
    size_t n_fields)
{
    enum base_log_level level = events[event].level;
    if (log->fd < 0 || level < log->least)
        return;

    char time[BASE_TIME_SIZE];
    base_time_format(base_clock_now_us(), time);
    BASE_CLEANUP(base_buffer_finish) struct base_buffer line = {0};
    switch (log->form) {
    case BASE_LOG_JSON:
        base_buffer_printf(
            &line, "{\"time\":\"%s\",\"level\":\"%s\",\"event\":\"%s\",\"message\":", time,
            level_names[level], events[event].name);
        append_quoted(&line, events[event].sentence);
        append_json_fields(&line, fields, n_fields);
        base_buffer_append_char(&line, '}');
        break;
    case BASE_LOG_PLAIN:
        base_buffer_printf(&line, "%s %s %s", time, level_names[level], events[event].sentence);
        append_plain_fields(&line, fields, n_fields);
        break;
    }
    base_buffer_append_char(&line, '\n');

    size_t n_written = 0;
    while (n_written < line.length) {
        ssize_t n = write(log->fd, line.bytes + n_written, line.length - n_written);
        /* A log that can't be written must not stop the service, and there is nowhere to say so. */
        if (n < 0 && errno != EINTR)
            return;
        n_written += n > 0 ? (size_t)n : 0;
    }
}
