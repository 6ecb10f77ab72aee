#include "csv.h"
#include "progress.h"
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- given a text that comes in pieces, then these records ----------------------------------- */

/* Through a pipe, so that each read gives one piece. */
struct pieces {
    const char *bytes;
    size_t length;
    size_t piece_length;
    int pipe[2];
};

static void send_piece(struct pieces *pieces)
{
    size_t n = pieces->length < pieces->piece_length ? pieces->length : pieces->piece_length;
    if (n > 0) {
        ck_assert_int_eq(write(pieces->pipe[1], pieces->bytes, n), (ssize_t)n);
        pieces->bytes += n;
        pieces->length -= n;
    } else if (pieces->pipe[1] >= 0) {
        close(pieces->pipe[1]);
        pieces->pipe[1] = -1;
    }
}

/* Every record as "LINE:field|field" or "LINE!reason", one a line. The caller frees it. */
static char *read_in_pieces(const char *bytes, size_t length, size_t piece_length)
{
    struct pieces pieces = {.bytes = bytes, .length = length, .piece_length = piece_length};
    ck_assert_int_eq(pipe(pieces.pipe), 0);
    struct source source = {.fd = pieces.pipe[0]};
    struct csv_reader reader;
    csv_init(&reader, &source);
    struct base_buffer said = {0};
    bool has_ended = false;
    while (!has_ended) {
        struct csv_record record;
        switch (csv_next(&reader, &record)) {
        case CSV_RECORD:
            base_buffer_printf(&said, "%d:", (int)record.line);
            for (size_t i = 0; i < record.n_fields; i++) {
                base_buffer_printf(&said, "%s%s", i > 0 ? "|" : "", record.fields[i]);
            }
            base_buffer_append_char(&said, '\n');
            break;
        case CSV_BAD:
            base_buffer_printf(&said, "%d!%s\n", (int)record.line, record.reason);
            break;
        case CSV_MORE:
            send_piece(&pieces);
            ck_assert(source_fill(&source));
            break;
        case CSV_END:
            has_ended = true;
            break;
        }
    }
    if (source.encoding == SOURCE_AS_IT_IS)
        ck_assert_int_eq(source.n_taken, (int64_t)length);
    csv_finish(&reader);
    source_close(&source);
    (void)base_buffer_text(&said);
    return said.bytes;
}

/* However the text is cut. */
static void check_bytes(const char *bytes, size_t length, const char *expected)
{
    static const size_t piece_lengths[] = {1, 2, 3, 7, 60000};
    for (size_t i = 0; i < BASE_COUNT(piece_lengths); i++) {
        char *said = read_in_pieces(bytes, length, piece_lengths[i]);
        ck_assert_str_eq(said, expected);
        free(said);
    }
}

static void check_text(const char *text, const char *expected)
{
    check_bytes(text, strlen(text), expected);
}

#define BAD_INNER_QUOTE "it has a quote inside a field that does not begin with one"
#define BAD_AFTER_QUOTE "it has text between a closing quote and the next delimiter"
#define BAD_MARK "it begins with a byte order mark, as if another file began here"
#define BAD_WORKBOOK                                                                               \
    "it is a workbook (.xlsx, .xls or .ods) or another archive, not CSV; save the sheet as \"CSV " \
    "UTF-8\" and import that file"
#define BAD_TOO_LONG "it is longer than 64 KiB, or a quote is not closed"

/* ---- records --------------------------------------------------------------------------------- */

START_TEST(fields_are_separated_by_commas_and_records_by_line_ends)
{
    check_text("a,b,c\nd,,f\n", "1:a|b|c\n2:d||f\n");
    check_text("a\r\nb\r\n", "1:a\n2:b\n");
    check_text("\"a\"\r\n\"b\",\"c\"\r\n", "1:a\n2:b|c\n");
    check_text(",\n", "1:|\n");
}
END_TEST

START_TEST(the_last_line_end_may_be_missing)
{
    check_text("a,b\nc,d", "1:a|b\n2:c|d\n");
    check_text("a,", "1:a|\n");
    check_text("a,\"b\"", "1:a|b\n");
}
END_TEST

START_TEST(nothing_at_all_has_no_records)
{
    check_text("", "");
    check_text("\n\r\n\n", "");
    check_text("\xef\xbb\xbf", "");
}
END_TEST

START_TEST(empty_lines_are_passed_over_and_counted)
{
    check_text("\n\na\n\r\nb\n\n", "3:a\n5:b\n");
}
END_TEST

START_TEST(quotes_keep_commas_quotes_and_line_ends)
{
    check_text("\"a,b\",\"say \"\"hi\"\"\"\n", "1:a,b|say \"hi\"\n");
    check_text("\"\",\"\"\"\"\n", "1:|\"\n");
    check_text("\"a\nb\r\nc\",d\ne\n", "1:a\nb\r\nc|d\n4:e\n");
}
END_TEST

START_TEST(a_byte_order_mark_is_no_part_of_the_first_field)
{
    check_text("\xef\xbb\xbfsku,name\n", "1:sku|name\n");
    check_text("\xef\xbb\xbf\"sku\"\n", "1:sku\n");
    check_text("a,\xef\xbb\xbf\n", "1:a|\xef\xbb\xbf\n");
}
END_TEST

START_TEST(a_byte_order_mark_in_the_middle_costs_its_line)
{
    check_text(
        "a\n\xef\xbb\xbf"
        "a\nb\n",
        "1:a\n2!" BAD_MARK "\n3:b\n");
    check_text(
        "\xef\xbb\xbf\xef\xbb\xbf"
        "a\nb\n",
        "1!" BAD_MARK "\n2:b\n");
    check_text("a\n\"\xef\xbb\xbf\",b\n", "1:a\n2!" BAD_MARK "\n");
}
END_TEST

START_TEST(the_delimiter_is_the_one_that_the_first_line_has_most_of)
{
    check_text("a;b;c\n1,5;2;3\n", "1:a|b|c\n2:1,5|2|3\n");
    check_text("a\tb\n1;2,3\t\n", "1:a|b\n2:1;2,3|\n");
    check_text("\n\na;b\n", "3:a|b\n");
    check_text("\"a,b,c\";\"d\"\n\"e;f\";g\n", "1:a,b,c|d\n2:e;f|g\n");
    check_text("\"a\n,,,\";b\n", "1:a\n,,,|b\n");
    check_text("a,b;c\nd;e\n", "1:a|b;c\n2:d;e\n");
    check_text("a\nb;c\n", "1:a\n2:b;c\n");
    check_text("\"a\" ;b\n", "1!" BAD_AFTER_QUOTE "\n");
}
END_TEST

START_TEST(a_workbook_is_no_text)
{
    static const char zip[] = "PK\x03\x04\x14\0\0\nb\n";
    static const char ole[] = "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1";
    check_bytes(zip, sizeof zip - 1, "1!" BAD_WORKBOOK "\n2:b\n");
    check_bytes(ole, sizeof ole - 1, "1!" BAD_WORKBOOK "\n");
    check_text("PK\n", "1:PK\n");
}
END_TEST

#define UTF_16(text) (const char *)(text), sizeof(text) - sizeof(u""[0])

START_TEST(utf_16_with_a_mark_is_read)
{
    check_bytes(
        UTF_16(u"\ufeffsku;n\u00e4me\r\n1;\u20ac\U0001f375"),
        "1:sku|n\xc3\xa4me\n2:1|\xe2\x82\xac\xf0\x9f\x8d\xb5\n");
    check_bytes(UTF_16(u"\ufeff"), "");
    static const char big_endian[] = "\xfe\xff\0a\0,\x20\xac\xd8\x3c\xdf\x75\0\n\0b";
    check_bytes(big_endian, sizeof big_endian - 1, "1:a|\xe2\x82\xac\xf0\x9f\x8d\xb5\n2:b\n");
}
END_TEST

/* What is no character is no UTF-8 either, so that no column can have it. */
START_TEST(half_a_character_of_utf_16_is_no_text)
{
    static const char odd[] = "\xff\xfe"
                              "a\0\n\0b";
    check_bytes(odd, sizeof odd - 1, "1:a\n2:\xff\n");
    static const char high[] = "\xff\xfe"
                               "a\0\x3c\xd8"
                               "b\0";
    check_bytes(
        high, sizeof high - 1,
        "1:a\xff"
        "b\n");
    static const char low[] = "\xfe\xff\xdf\x75\0a";
    check_bytes(
        low, sizeof low - 1,
        "1:\xff"
        "a\n");
    static const char last[] = "\xfe\xff\0a\xd8\x3c";
    check_bytes(last, sizeof last - 1, "1:a\xff\n");
    static const char last_odd[] = "\xfe\xff\0a\xd8\x3c\xdf";
    check_bytes(last_odd, sizeof last_odd - 1, "1:a\xff\xff\n");
    static const char nul[] = "\xff\xfe"
                              "a\0\0\0\n\0b\0";
    check_bytes(nul, sizeof nul - 1, "1!it has a NUL byte\n2:b\n");
}
END_TEST

START_TEST(a_delimiter_that_was_said_is_not_looked_for)
{
    static const char text[] = "a;b,c\n";
    struct source source = {.fd = -1, .has_ended = true};
    struct csv_reader reader;
    struct csv_record record;
    base_buffer_append_text(&source.buffer, text);
    csv_init(&reader, &source);
    reader.delimiter = ',';
    ck_assert_int_eq(csv_next(&reader, &record), CSV_RECORD);
    ck_assert_str_eq(record.fields[0], "a;b");
    csv_finish(&reader);
    source_close(&source);
}
END_TEST

START_TEST(a_carriage_return_alone_ends_nothing)
{
    check_text("a\rb\nc\r", "1:a\rb\n2:c\r\n");
}
END_TEST

START_TEST(a_quote_in_the_wrong_place_costs_its_line)
{
    check_text("a\"b,c\nd\n", "1!" BAD_INNER_QUOTE "\n2:d\n");
    check_text("\"a\"b,c\nd\n", "1!" BAD_AFTER_QUOTE "\n2:d\n");
    check_text("\"a\"\rb\nd\n", "1!" BAD_AFTER_QUOTE "\n2:d\n");
}
END_TEST

START_TEST(a_quote_that_is_never_closed_costs_one_line)
{
    check_text("a\n\"b,c\nd\ne", "1:a\n2!a quote is not closed\n3:d\n4:e\n");
    check_text("\"b", "1!a quote is not closed\n");
    /* The next quote closes it, in the wrong place. */
    check_text("\"a\nb,\"c\"\nd\n", "1!" BAD_AFTER_QUOTE "\n2:b|c\n3:d\n");
}
END_TEST

START_TEST(a_nul_byte_costs_its_line)
{
    static const char text[] = "a\0b\nc\n\"\0\"\nd";
    check_bytes(text, sizeof text - 1, "1!it has a NUL byte\n2:c\n3!it has a NUL byte\n4:d\n");
}
END_TEST

START_TEST(too_many_fields_cost_their_line)
{
    char text[2 * CSV_FIELDS_MAX + 4];
    memset(text, ',', sizeof text);
    memcpy(text + CSV_FIELDS_MAX, "\na\n", 4);
    check_text(text, "1!it has too many fields\n2:a\n");
    memcpy(text + CSV_FIELDS_MAX - 1, "\n", 2);
    char *said = read_in_pieces(text, strlen(text), 60000);
    ck_assert_int_eq(strlen(said), 2 + CSV_FIELDS_MAX);
    free(said);
}
END_TEST

/* `n_bytes` of 'x' with the ends given, for the caller to free. */
static char *make_long(const char *head, size_t n_bytes, const char *tail)
{
    struct base_buffer text = {0};
    base_buffer_append_text(&text, head);
    memset(base_buffer_reserve(&text, n_bytes), 'x', n_bytes);
    text.length += n_bytes;
    base_buffer_append_text(&text, tail);
    (void)base_buffer_text(&text);
    return text.bytes;
}

static void check_long(const char *head, size_t n_bytes, const char *tail, const char *expected)
{
    char *text = make_long(head, n_bytes, tail);
    static const size_t piece_lengths[] = {4093, 60000};
    for (size_t i = 0; i < BASE_COUNT(piece_lengths); i++) {
        char *said = read_in_pieces(text, strlen(text), piece_lengths[i]);
        ck_assert_str_eq(said, expected);
        free(said);
    }
    free(text);
}

START_TEST(a_record_that_is_too_long_costs_its_line)
{
    check_long("a\n", CSV_RECORD_MAX + 1, "\nb\n", "1:a\n2!" BAD_TOO_LONG "\n3:b\n");
    check_long("", 10 * CSV_RECORD_MAX, "\nb", "1!" BAD_TOO_LONG "\n2:b\n");
    check_long("", 10 * CSV_RECORD_MAX, "", "1!" BAD_TOO_LONG "\n");
}
END_TEST

START_TEST(a_record_of_just_64_kib_is_read)
{
    char *text = make_long("", CSV_RECORD_MAX - 1, "\nb\n");
    char *said = read_in_pieces(text, strlen(text), 60000);
    ck_assert_int_eq(strlen(said), 2 + CSV_RECORD_MAX - 1 + 1 + strlen("2:b\n"));
    free(said);
    free(text);
}
END_TEST

START_TEST(an_unclosed_quote_before_much_text_costs_one_line)
{
    /* The next quote stands beyond what a record may be long. */
    struct base_buffer text = {0}, expected = {0};
    base_buffer_append_text(&text, "\"a\n");
    base_buffer_append_text(&expected, "1!" BAD_TOO_LONG "\n");
    for (int line = 2; line <= CSV_RECORD_MAX / 4; line++) {
        base_buffer_append_text(&text, "xxxxx\n");
        base_buffer_printf(&expected, "%d:xxxxx\n", line);
    }
    base_buffer_append_text(&text, "\"b\"");
    base_buffer_printf(&expected, "%d:b\n", CSV_RECORD_MAX / 4 + 1);
    char *said = read_in_pieces(base_buffer_text(&text), text.length, 60000);
    ck_assert_str_eq(said, base_buffer_text(&expected));
    free(said);
    base_buffer_finish(&text);
    base_buffer_finish(&expected);
}
END_TEST

/* ---- the progress line ----------------------------------------------------------------------- */

static void check_progress(
    int64_t n_lines, int64_t n_done, int64_t n_bytes, int64_t elapsed_us, const char *expected)
{
    struct base_buffer line = {0};
    progress_write(&line, "importing", "lines", n_lines, n_done, n_bytes, elapsed_us);
    ck_assert_str_eq(base_buffer_text(&line), expected);
    base_buffer_finish(&line);
}

START_TEST(progress_says_how_many_how_fast_and_how_long)
{
    check_progress(
        1234567, 250, 1000, 10000000,
        "importing: 1,234,567 lines, 123,456 a second, 25 %, 30 s left");
    check_progress(
        1005, 1, 1000, 10000000, "importing: 1,005 lines, 100 a second, 0 %, 2 h 46 min 30 s left");
    check_progress(7, 2000, 1000, 1000000, "importing: 7 lines, 7 a second, 100 %, 0 s left");
}
END_TEST

START_TEST(progress_of_a_pipe_says_no_percentage)
{
    check_progress(50, 700, 0, 500000, "importing: 50 lines, 100 a second");
    check_progress(0, 0, 100, 0, "importing: 0 lines, 0 a second");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("csv");
    TCase *records = tcase_create("records");
    tcase_add_test(records, fields_are_separated_by_commas_and_records_by_line_ends);
    tcase_add_test(records, the_last_line_end_may_be_missing);
    tcase_add_test(records, nothing_at_all_has_no_records);
    tcase_add_test(records, empty_lines_are_passed_over_and_counted);
    tcase_add_test(records, quotes_keep_commas_quotes_and_line_ends);
    tcase_add_test(records, a_byte_order_mark_is_no_part_of_the_first_field);
    tcase_add_test(records, a_byte_order_mark_in_the_middle_costs_its_line);
    tcase_add_test(records, the_delimiter_is_the_one_that_the_first_line_has_most_of);
    tcase_add_test(records, a_delimiter_that_was_said_is_not_looked_for);
    tcase_add_test(records, a_workbook_is_no_text);
    tcase_add_test(records, utf_16_with_a_mark_is_read);
    tcase_add_test(records, half_a_character_of_utf_16_is_no_text);
    tcase_add_test(records, a_carriage_return_alone_ends_nothing);
    tcase_add_test(records, a_quote_in_the_wrong_place_costs_its_line);
    tcase_add_test(records, a_quote_that_is_never_closed_costs_one_line);
    tcase_add_test(records, a_nul_byte_costs_its_line);
    tcase_add_test(records, too_many_fields_cost_their_line);
    tcase_add_test(records, a_record_that_is_too_long_costs_its_line);
    tcase_add_test(records, a_record_of_just_64_kib_is_read);
    tcase_add_test(records, an_unclosed_quote_before_much_text_costs_one_line);
    suite_add_tcase(suite, records);
    TCase *progress = tcase_create("progress");
    tcase_add_test(progress, progress_says_how_many_how_fast_and_how_long);
    tcase_add_test(progress, progress_of_a_pipe_says_no_percentage);
    suite_add_tcase(suite, progress);
    return support_run(suite);
}
