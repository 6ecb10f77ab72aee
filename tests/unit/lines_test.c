#include "lines.h"
#include "support.h"

#include <string.h>
#include <unistd.h>

/* What lines there are in a text that comes in pieces of some length: "1=abc|2!|". */
static void read_in_pieces(struct base_buffer *said, const char *text, size_t piece_length)
{
    int pipe_ends[2];
    ck_assert_int_eq(pipe(pipe_ends), 0);
    BASE_CLEANUP(source_close) struct source source = {.fd = pipe_ends[0]};
    struct lines lines = {.source = &source, .most = 5};
    size_t n_left = strlen(text);
    for (;;) {
        enum lines_outcome outcome = lines_next(&lines);
        if (outcome == LINES_MORE) {
            size_t n = n_left < piece_length ? n_left : piece_length;
            if (n == 0)
                close(pipe_ends[1]);
            else
                ck_assert_int_eq(write(pipe_ends[1], text, n), (ssize_t)n);
            text += n;
            n_left -= n;
            ck_assert(source_fill(&source));
            continue;
        }
        if (outcome == LINES_END)
            break;
        base_buffer_printf(said, "%d", (int)lines.number);
        if (outcome == LINES_TOO_LONG) {
            base_buffer_append_text(said, "!");
            break;
        }
        base_buffer_append_text(said, "=");
        base_buffer_append(said, lines.text, lines.length);
        base_buffer_append_text(said, "|");
    }
    if (n_left > 0)
        close(pipe_ends[1]);
}

START_TEST(lines_are_the_same_in_pieces_of_any_length)
{
    static const struct {
        const char *text;
        const char *said;
    } cases[] = {
        {"", ""},
        {"\n", "1=|"},
        {"a", "1=a|"},
        {"a\n", "1=a|"},
        {"a\n\nbc\n", "1=a|2=|3=bc|"},
        {"abcde\nabcde", "1=abcde|2=abcde|"},
        {"a\nabcdef\nb\n", "1=a|2!"},
        {"abcdef", "1!"},
    };
    for (size_t i = 0; i < BASE_COUNT(cases); i++) {
        for (size_t piece_length = 1; piece_length < 15; piece_length++) {
            BASE_CLEANUP(base_buffer_finish) struct base_buffer said = {0};
            read_in_pieces(&said, cases[i].text, piece_length);
            ck_assert_str_eq(base_buffer_text(&said), cases[i].said);
        }
    }
}
END_TEST

START_TEST(what_can_not_be_read_is_said)
{
    BASE_CLEANUP(source_close) struct source source = {.fd = -1};
    struct lines lines = {.source = &source, .most = 5};
    ck_assert_int_eq(lines_next(&lines), LINES_MORE);
    ck_assert(!source_fill(&source));
}
END_TEST

int main(void)
{
    TCase *rules = tcase_create("lines");
    tcase_add_test(rules, lines_are_the_same_in_pieces_of_any_length);
    tcase_add_test(rules, what_can_not_be_read_is_said);
    Suite *suite = suite_create("lines");
    suite_add_tcase(suite, rules);
    return support_run(suite);
}
