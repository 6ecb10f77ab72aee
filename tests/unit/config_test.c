#include "support.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"

enum { WORDS_MOST = 16 };

/* One reading, given its environment and its arguments as words, NULL at the end of each. */
struct reading {
    char *arguments[WORDS_MOST];
    struct config config;
    size_t n_rest;
    struct config_flag flags[4];
    char *problem;
    bool is_read;
};

enum { HELP, STRICT, CART };

static void reading_finish(struct reading *reading)
{
    free(reading->problem);
}

/* The words are not written to; config_read only moves their pointers. */
static struct reading read_words(const char *const *environment, const char *const *words)
{
    struct reading reading = {
        .arguments = {(char *)(uintptr_t) "cartd"},
        .n_rest = 99,
        .flags = {{.name = "help"}, {.name = "strict"}, {.name = "cart", .takes_value = true}},
    };
    memset(&reading.config, 42, sizeof(reading.config));
    char *variables[WORDS_MOST] = {0};
    for (size_t i = 0; environment[i] != NULL; i++)
        variables[i] = (char *)(uintptr_t)environment[i];
    for (size_t i = 0; words[i] != NULL; i++)
        reading.arguments[i + 1] = (char *)(uintptr_t)words[i];
    reading.is_read = config_read(
        &reading.config, reading.arguments, variables, reading.flags, &reading.n_rest,
        &reading.problem);
    return reading;
}

#define READING BASE_CLEANUP(reading_finish) struct reading
#define NOTHING ((const char *const[]){NULL})
#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void assert_read(const struct reading *reading)
{
    ck_assert_msg(reading->is_read, "%s", reading->problem);
    ck_assert_ptr_null(reading->problem);
}

static void assert_refused(
    const char *const *environment, const char *const *words, const char *problem)
{
    READING reading = read_words(environment, words);
    ck_assert_msg(!reading.is_read, "expected: %s", problem);
    ck_assert_str_eq(reading.problem, problem);
    /* Outputs are untouched on failure. */
    ck_assert_uint_eq(reading.n_rest, 99);
    struct config untouched;
    memset(&untouched, 42, sizeof(untouched));
    ck_assert_mem_eq(&reading.config, &untouched, sizeof(untouched));
}

START_TEST(without_environment_and_flags_the_defaults_count)
{
    READING reading = read_words(NOTHING, NOTHING);
    assert_read(&reading);
    ck_assert_str_eq(reading.config.texts[CONFIG_LISTEN], "127.0.0.1:8080");
    ck_assert_str_eq(reading.config.texts[CONFIG_DEFAULT_CURRENCY], "EUR");
    ck_assert_str_eq(reading.config.texts[CONFIG_MIGRATE_URL], "");
    ck_assert_int_eq(reading.config.numbers[CONFIG_BATCH_COMMANDS], 64);
    ck_assert_int_eq(config_log_level(&reading.config), BASE_LOG_INFO);
    ck_assert_uint_eq(reading.n_rest, 0);
    ck_assert(!reading.flags[HELP].is_given && !reading.flags[STRICT].is_given);
}
END_TEST

START_TEST(the_environment_overrides_defaults_and_flags_override_both)
{
    READING reading = read_words(
        WORDS(
            "DATABASE_URL=postgresql://db/shop", "CARTD_WAIT_MS=100", "CARTD_LOG_LEVEL=debug",
            "PATH=/bin", "nonsense"),
        WORDS("--wait-ms", "200", "--listen=[::1]:0", "--log-level", "error"));
    assert_read(&reading);
    ck_assert_str_eq(reading.config.texts[CONFIG_DATABASE_URL], "postgresql://db/shop");
    ck_assert_int_eq(reading.config.numbers[CONFIG_WAIT_MS], 200);
    ck_assert_str_eq(reading.config.texts[CONFIG_LISTEN], "[::1]:0");
    ck_assert_int_eq(config_log_level(&reading.config), BASE_LOG_ERROR);
}
END_TEST

START_TEST(the_last_of_a_flag_given_twice_counts)
{
    READING reading = read_words(NOTHING, WORDS("--wait-ms=100", "--wait-ms=200"));
    assert_read(&reading);
    ck_assert_int_eq(reading.config.numbers[CONFIG_WAIT_MS], 200);
}
END_TEST

START_TEST(durations_have_units_and_are_seconds)
{
    READING reading = read_words(
        WORDS("CARTD_ABANDONED_AFTER=90m", "CARTD_EXPIRES_EMPTY=0"),
        WORDS("--expires-guest", "45s", "--expires-customer=3650d"));
    assert_read(&reading);
    ck_assert_int_eq(reading.config.numbers[CONFIG_ABANDONED_AFTER], 5400);
    ck_assert_int_eq(reading.config.numbers[CONFIG_EXPIRES_EMPTY], 0);
    ck_assert_int_eq(reading.config.numbers[CONFIG_EXPIRES_GUEST], 45);
    ck_assert_int_eq(reading.config.numbers[CONFIG_EXPIRES_CUSTOMER], 315360000);
}
END_TEST

START_TEST(what_is_no_duration_is_refused)
{
    static const char *const wrong[] = {
        "1",   "h",    "1 h", "1w", "-1h", "1.5h", "1h30m", "3651d", "99999999999999999999d",
        "00x", "never"};
    for (size_t i = 0; i < BASE_COUNT(wrong); i++) {
        BASE_CLEANUP(base_free_pointer)
        char *problem = base_print(
            "--expires-guest must be 0 (never) or a number with s, m, h or d, such as 90m, up to "
            "3650d, not \"%s\"",
            wrong[i]);
        assert_refused(NOTHING, WORDS("--expires-guest", wrong[i]), problem);
    }
}
END_TEST

START_TEST(an_empty_environment_variable_is_one_that_is_not_set)
{
    READING reading = read_words(WORDS("CARTD_LISTEN=", "CARTD_WAIT_MS="), NOTHING);
    assert_read(&reading);
    ck_assert_str_eq(reading.config.texts[CONFIG_LISTEN], "127.0.0.1:8080");
    ck_assert_int_eq(reading.config.numbers[CONFIG_WAIT_MS], 5000);
}
END_TEST

START_TEST(what_is_no_flag_moves_to_the_front)
{
    READING reading = read_words(
        NOTHING, WORDS("import", "--wait-ms", "100", "-", "--strict", "--", "--help", "a.csv"));
    assert_read(&reading);
    ck_assert_uint_eq(reading.n_rest, 4);
    ck_assert_str_eq(reading.arguments[0], "cartd");
    ck_assert_str_eq(reading.arguments[1], "import");
    ck_assert_str_eq(reading.arguments[2], "-");
    ck_assert_str_eq(reading.arguments[3], "--help");
    ck_assert_str_eq(reading.arguments[4], "a.csv");
    ck_assert_ptr_null(reading.arguments[5]);
    ck_assert(!reading.flags[HELP].is_given && reading.flags[STRICT].is_given);
}
END_TEST

START_TEST(an_own_flag_without_a_value_is_given_or_not)
{
    READING reading = read_words(NOTHING, WORDS("--strict", "--help"));
    assert_read(&reading);
    ck_assert(reading.flags[HELP].is_given && reading.flags[STRICT].is_given);
    ck_assert(!reading.flags[CART].is_given);
}
END_TEST

START_TEST(an_own_flag_takes_its_value_and_the_last_one_counts)
{
    READING reading =
        read_words(NOTHING, WORDS("show", "--cart=a", "--cart", "b", "--wait-ms=100", "x"));
    assert_read(&reading);
    ck_assert(reading.flags[CART].is_given);
    ck_assert_str_eq(reading.flags[CART].value, "b");
    ck_assert_uint_eq(reading.n_rest, 2);
    assert_refused(NOTHING, WORDS("--cart"), "--cart needs a value");
    assert_refused(NOTHING, WORDS("--cart", "--strict"), "--cart needs a value");
}
END_TEST

START_TEST(arguments_without_a_program_name_are_none)
{
    struct config config;
    char *arguments[] = {NULL};
    char *environment[] = {NULL};
    size_t n_rest;
    char *problem;
    ck_assert(config_read(&config, arguments, environment, NULL, &n_rest, &problem));
    ck_assert_uint_eq(n_rest, 0);
}
END_TEST

START_TEST(an_unknown_flag_is_refused_with_the_one_that_is_meant)
{
    assert_refused(
        NOTHING, WORDS("--lisetn", "x"), "unknown argument --lisetn; did you mean --listen?");
    assert_refused(NOTHING, WORDS("--wait=5"), "unknown argument --wait; did you mean --wait-ms?");
    assert_refused(NOTHING, WORDS("--colour"), "unknown argument --colour");
    assert_refused(NOTHING, WORDS("-v"), "unknown argument -v");
    assert_refused(NOTHING, WORDS("--list"), "unknown argument --list; did you mean --listen?");
}
END_TEST

START_TEST(a_flag_without_its_value_is_refused)
{
    assert_refused(NOTHING, WORDS("--listen"), "--listen needs a value");
    assert_refused(NOTHING, WORDS("--listen", "--strict"), "--listen needs a value");
    assert_refused(NOTHING, WORDS("--strict=yes"), "--strict takes no value");
}
END_TEST

START_TEST(an_unknown_variable_is_refused_with_the_one_that_is_meant)
{
    assert_refused(
        WORDS("CARTD_LISTNE=x"), NOTHING,
        "the environment variable CARTD_LISTNE is not a setting of cartd; did you mean "
        "CARTD_LISTEN?");
    assert_refused(
        WORDS("CARTD_DATABASE_URL=x"), NOTHING,
        "the environment variable CARTD_DATABASE_URL is not a setting of cartd; did you mean "
        "DATABASE_URL?");
    assert_refused(
        WORDS("CARTD_TELEMETRY="), NOTHING,
        "the environment variable CARTD_TELEMETRY is not a setting of cartd");
    assert_refused(
        WORDS("CARTD_=1"), NOTHING, "the environment variable CARTD_ is not a setting of cartd");
    char name[400];
    memset(name, 'A', sizeof(name));
    memcpy(name, "CARTD_", 6);
    memcpy(name + sizeof(name) - 3, "=1", 3);
    READING reading = read_words(WORDS(name), NOTHING);
    ck_assert(!reading.is_read);
}
END_TEST

START_TEST(the_variables_of_the_scripts_are_let_through)
{
    READING reading = read_words(
        WORDS("CARTD_DATA_DIR=/x", "CARTD_TEST_DATABASE_URL=x", "CARTD_TEST_=", "CARTDX=1"),
        NOTHING);
    assert_read(&reading);
    assert_refused(
        WORDS("CARTD_DATA_DIRS=x"), NOTHING,
        "the environment variable CARTD_DATA_DIRS is not a setting of cartd");
    assert_refused(
        WORDS("CARTD_TEST=x"), NOTHING,
        "the environment variable CARTD_TEST is not a setting of cartd");
}
END_TEST

START_TEST(a_number_out_of_bounds_is_refused_with_its_bounds)
{
    assert_refused(
        WORDS("CARTD_BATCH_COMMANDS=0"), NOTHING,
        "CARTD_BATCH_COMMANDS must be an integer from 1 to 1024, not \"0\"");
    assert_refused(
        NOTHING, WORDS("--batch-commands", "1025"),
        "--batch-commands must be an integer from 1 to 1024, not \"1025\"");
    assert_refused(
        NOTHING, WORDS("--drain-ms", "-1"),
        "--drain-ms must be an integer from 0 to 600000, not \"-1\"");
    assert_refused(
        NOTHING, WORDS("--drain-ms="), "--drain-ms must be an integer from 0 to 600000, not \"\"");
    READING reading = read_words(WORDS("CARTD_BATCH_COMMANDS=1024"), WORDS("--drain-ms=0"));
    assert_read(&reading);
    ck_assert_int_eq(reading.config.numbers[CONFIG_BATCH_COMMANDS], 1024);
    ck_assert_int_eq(reading.config.numbers[CONFIG_DRAIN_MS], 0);
}
END_TEST

START_TEST(a_choice_that_is_none_is_refused_with_the_choices)
{
    assert_refused(
        WORDS("CARTD_LOG_LEVEL=warn"), NOTHING,
        "CARTD_LOG_LEVEL must be one of debug, info, warning, error, not \"warn\"");
    assert_refused(
        NOTHING, WORDS("--log-form=xml"),
        "--log-form must be one of auto, plain, json, not \"xml\"");
}
END_TEST

START_TEST(every_level_and_form_is_the_one_of_the_log)
{
    static const struct {
        const char *name;
        enum base_log_level level;
    } levels[] = {
        {"debug", BASE_LOG_DEBUG},
        {"info", BASE_LOG_INFO},
        {"warning", BASE_LOG_WARNING},
        {"error", BASE_LOG_ERROR}};
    for (size_t i = 0; i < BASE_COUNT(levels); i++) {
        READING reading = read_words(NOTHING, WORDS("--log-level", levels[i].name));
        assert_read(&reading);
        ck_assert_int_eq(config_log_level(&reading.config), levels[i].level);
    }
    int terminal = open("/dev/ptmx", O_RDWR | O_NOCTTY);
    READING automatic = read_words(NOTHING, NOTHING);
    READING plain = read_words(NOTHING, WORDS("--log-form=plain"));
    READING json = read_words(NOTHING, WORDS("--log-form=json"));
    int file = open("/dev/null", O_WRONLY);
    ck_assert_int_eq(config_log_form(&automatic.config, file), BASE_LOG_JSON);
    ck_assert_int_eq(config_log_form(&plain.config, file), BASE_LOG_PLAIN);
    close(file);
    /* Some sandboxes have no terminals to give. */
    if (terminal >= 0) {
        ck_assert_int_eq(config_log_form(&automatic.config, terminal), BASE_LOG_PLAIN);
        ck_assert_int_eq(config_log_form(&json.config, terminal), BASE_LOG_JSON);
        close(terminal);
    }
}
END_TEST

START_TEST(the_default_currency_is_one_in_use)
{
    static const char *const refused[] = {"eur", "EU",  "EURO", "E1R", "EU ",
                                          "",    "XXX", "BGN",  "PTS"};
    for (size_t i = 0; i < BASE_COUNT(refused); i++) {
        char problem[200];
        (void)snprintf(
            problem, sizeof(problem),
            "--default-currency must be a currency in use (ISO 4217), such as EUR, or one of "
            "CARTD_CURRENCIES, not \"%s\"",
            refused[i]);
        assert_refused(NOTHING, WORDS("--default-currency", refused[i]), problem);
    }
    READING reading = read_words(WORDS("CARTD_DEFAULT_CURRENCY=JPY"), NOTHING);
    assert_read(&reading);
}
END_TEST

START_TEST(own_currencies_are_a_setting)
{
    READING reading =
        read_words(WORDS("CARTD_DEFAULT_CURRENCY=PTS", "CARTD_CURRENCIES=PTS:0,XBT:8"), NOTHING);
    assert_read(&reading);
    struct currency_list own = config_currencies(&reading.config);
    ck_assert_uint_eq(own.n, 2);
    ck_assert_int_eq(currency_find(&own, "XBT"), 8);
    assert_refused(
        WORDS("CARTD_CURRENCIES=PTS"), NOTHING,
        "CARTD_CURRENCIES must be a list such as PTS:0,XBT:8, each of three upper-case letters, a "
        "colon and 0 to 8 decimals, not \"PTS\"");
    assert_refused(
        NOTHING, WORDS("--currencies=EUR:3"),
        "--currencies must be a list without the currencies of ISO 4217, which are known, not "
        "\"EUR:3\"");
    assert_refused(
        NOTHING, WORDS("--currencies=PTS:0,PTS:0"),
        "--currencies must be a list that has each currency once, not \"PTS:0,PTS:0\"");
}
END_TEST

START_TEST(an_address_to_listen_on_has_a_port)
{
    static const char *const refused[] = {
        "8080",    ":8080",  "127.0.0.1",     "127.0.0.1:",    "127.0.0.1:65536",
        "a:-0",    "a:http", "::1:8080",      "[::1]",         "[]:80",
        "[::1:80", "a]:80",  "127.0.0.1:80 ", "127.0.0.1:+80", ""};
    for (size_t i = 0; i < BASE_COUNT(refused); i++) {
        char problem[200];
        (void)snprintf(
            problem, sizeof(problem),
            "CARTD_LISTEN must be address:port with a port from 0 to 65535, not \"%s\"",
            refused[i]);
        char variable[100];
        (void)snprintf(variable, sizeof(variable), "CARTD_LISTEN=%s", refused[i]);
        if (*refused[i] != '\0')
            assert_refused(WORDS(variable), NOTHING, problem);
    }
    static const char *const accepted[] = {
        "0.0.0.0:0", "127.0.0.1:65535", "[::]:8080", "localhost:80"};
    for (size_t i = 0; i < BASE_COUNT(accepted); i++) {
        READING reading = read_words(NOTHING, WORDS("--listen", accepted[i]));
        assert_read(&reading);
    }
}
END_TEST

START_TEST(help_shows_every_setting_in_columns_of_at_most_100)
{
    char *text = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&text, &length);
    config_print_help(stream);
    ck_assert_int_eq(fclose(stream), 0);
#define CONFIG_ROW(NAME, kind, flag, environment, value, least, most, help)                        \
    ck_assert_ptr_nonnull(strstr(text, "  --" flag " VALUE "));                                    \
    ck_assert_ptr_nonnull(strstr(text, "  " environment " "));
    CONFIG_SETTINGS(CONFIG_ROW)
#undef CONFIG_ROW
    ck_assert_ptr_nonnull(strstr(text, "(debug, info,"));
    ck_assert_ptr_nonnull(strstr(text, "1024)"));
    size_t column = strstr(text, "what it is") - text;
    for (const char *line = text; *line != '\0';) {
        size_t width = strcspn(line, "\n");
        ck_assert_msg(width <= 100, "%.*s", (int)width, line);
        ck_assert_msg(
            width > column && line[column] != ' ' && line[column - 1] == ' ', "%.*s", (int)width,
            line);
        line += width + 1;
    }
    free(text);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        without_environment_and_flags_the_defaults_count,
        the_environment_overrides_defaults_and_flags_override_both,
        the_last_of_a_flag_given_twice_counts,
        an_empty_environment_variable_is_one_that_is_not_set,
        durations_have_units_and_are_seconds,
        what_is_no_duration_is_refused,
        what_is_no_flag_moves_to_the_front,
        an_own_flag_without_a_value_is_given_or_not,
        an_own_flag_takes_its_value_and_the_last_one_counts,
        arguments_without_a_program_name_are_none,
        an_unknown_flag_is_refused_with_the_one_that_is_meant,
        a_flag_without_its_value_is_refused,
        an_unknown_variable_is_refused_with_the_one_that_is_meant,
        the_variables_of_the_scripts_are_let_through,
        a_number_out_of_bounds_is_refused_with_its_bounds,
        a_choice_that_is_none_is_refused_with_the_choices,
        every_level_and_form_is_the_one_of_the_log,
        the_default_currency_is_one_in_use,
        own_currencies_are_a_setting,
        an_address_to_listen_on_has_a_port,
        help_shows_every_setting_in_columns_of_at_most_100};
    TCase *rules = tcase_create("config");
    for (size_t i = 0; i < BASE_COUNT(tests); i++)
        tcase_add_test(rules, tests[i]);
    Suite *suite = suite_create("config");
    suite_add_tcase(suite, rules);
    return support_run(suite);
}
