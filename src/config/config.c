#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum kind { TEXT, NUMBER, CHOICE, DURATION };

static const struct setting {
    enum kind kind;
    const char *flag;
    const char *environment;
    const char *value;
    int64_t least;
    int64_t most;
    const char *help;
} settings[] = {
#define CONFIG_ROW(                                                                                \
    NAME, row_kind, row_flag, row_environment, row_value, row_least, row_most, row_help)           \
    [CONFIG_##NAME] = {                                                                            \
        .kind = row_kind,                                                                          \
        .flag = row_flag,                                                                          \
        .environment = row_environment,                                                            \
        .value = row_value,                                                                        \
        .least = row_least,                                                                        \
        .most = row_most,                                                                          \
        .help = row_help},
    CONFIG_SETTINGS(CONFIG_ROW)
#undef CONFIG_ROW
};

#define CHOICES_MOST 5
/* In the order of the enum that a choice stands for; NULL ends the list. */
static const char *const choices[CONFIG_N_SETTINGS][CHOICES_MOST] = {
    [CONFIG_AUTH] = {"open", "token"},
    [CONFIG_AUTH_OPEN_ANYWHERE] = {"off", "on"},
    [CONFIG_AUTH_ALGORITHM] = {"HS256", "RS256", "ES256"},
    [CONFIG_LOG_LEVEL] = {"debug", "info", "warning", "error"},
    [CONFIG_LOG_FORM] = {"auto", "plain", "json"},
    [CONFIG_PROJECTIONS] = {"off", "on"},
    [CONFIG_REACTIONS] = {"off", "on"},
    [CONFIG_CHECK_PRICES] = {"off", "on"},
    [CONFIG_PAGES] = {"off", "on"},
    [CONFIG_OPEN_CARTS] = {"many", "one"},
};
enum { FORM_AUTO, FORM_PLAIN, FORM_JSON };

/* Where a setting's text comes from, by the name that the user knows. */
struct given {
    const char *text;
    const char *dashes; /* "--" or "" */
    const char *name;
};

static char *take_text(struct base_buffer *buffer)
{
    (void)base_buffer_text(buffer);
    return buffer->bytes;
}

/* ---- names that are almost right ------------------------------------------------------------- */

enum { NEAR_MOST = 3 };

bool config_is_near(const char *given, const char *name)
{
    size_t away = base_text_distance(given, name);
    size_t n_common = 0;
    while (given[n_common] != '\0' && given[n_common] == name[n_common])
        n_common++;
    bool is_cut = n_common > 1 && (given[n_common] == '\0' || name[n_common] == '\0');
    return away <= (is_cut ? NEAR_MOST : (strlen(given) + 1) / NEAR_MOST);
}

/* The setting whose flag is nearest to `name`, or NULL when none is near. */
static const struct setting *nearest_setting(const char *name)
{
    const struct setting *nearest = NULL;
    size_t least = NEAR_MOST + 1;
    for (size_t i = 0; i < BASE_COUNT(settings); i++) {
        size_t away = base_text_distance(name, settings[i].flag);
        if (away >= least || !config_is_near(name, settings[i].flag))
            continue;
        least = away;
        nearest = &settings[i];
    }
    return nearest;
}

/* ---- the environment ------------------------------------------------------------------------- */

static bool begins_with(const char *text, const char *beginning)
{
    return strncmp(text, beginning, strlen(beginning)) == 0;
}

/* What the scripts and the tests read, not this program. */
static bool is_for_scripts(const char *name)
{
    return strcmp(name, "CARTD_DATA_DIR") == 0 || begins_with(name, "CARTD_TEST_");
}

/* CARTD_LOG_LEVLE is compared as log-levle, as then DATABASE_URL too is near to CARTD_DATABASE_URL.
 */
static char *refuse_variable(const char *name)
{
    BASE_CLEANUP(base_free_pointer) char *flag = base_copy_text(name + strlen("CARTD_"));
    for (char *letter = flag; *letter != '\0'; letter++) {
        if (*letter >= 'A' && *letter <= 'Z')
            *letter = (char)(*letter - 'A' + 'a');
        else if (*letter == '_')
            *letter = '-';
    }
    struct base_buffer problem = {0};
    base_buffer_printf(&problem, "the environment variable %s is not a setting of cartd", name);
    const struct setting *nearest = nearest_setting(flag);
    if (nearest != NULL)
        base_buffer_printf(&problem, "; did you mean %s?", nearest->environment);
    return take_text(&problem);
}

static char *read_variable(const char *variable, struct given *given)
{
    const char *equals = strchr(variable, '=');
    if (equals == NULL)
        return NULL;
    size_t length = (size_t)(equals - variable);
    for (size_t i = 0; i < BASE_COUNT(settings); i++) {
        const char *name = settings[i].environment;
        if (strlen(name) != length || strncmp(variable, name, length) != 0)
            continue;
        /* An empty variable is one that is not set, as compose files can't leave one out. */
        if (equals[1] != '\0')
            given[i] = (struct given){.text = equals + 1, .dashes = "", .name = name};
        return NULL;
    }
    BASE_CLEANUP(base_free_pointer) char *name = base_copy_text(variable);
    name[length] = '\0';
    if (!begins_with(name, "CARTD_") || is_for_scripts(name))
        return NULL;
    return refuse_variable(name);
}

/* ---- the arguments --------------------------------------------------------------------------- */

bool config_may_hold_password(const char *text)
{
    bool is_url = strstr(text, "://") != NULL || begins_with(text, "postgres");
    return (is_url && strchr(text, '@') != NULL) || strstr(text, "password") != NULL;
}

static char *refuse_connection_string(const char *dashes, const char *name)
{
    struct base_buffer problem = {0};
    base_buffer_printf(
        &problem, "%s%s looks like a connection string; give it as DATABASE_URL or --database-url",
        dashes, name);
    return take_text(&problem);
}

static char *refuse_flag(const char *flag)
{
    if (config_may_hold_password(flag))
        return refuse_connection_string("", "an argument");
    BASE_CLEANUP(base_free_pointer) char *name = base_copy_text(flag);
    name[strcspn(name, "=")] = '\0';
    struct base_buffer problem = {0};
    base_buffer_printf(&problem, "unknown argument %s", name);
    const struct setting *nearest = begins_with(name, "--") ? nearest_setting(name + 2) : NULL;
    if (nearest != NULL)
        base_buffer_printf(&problem, "; did you mean --%s?", nearest->flag);
    return take_text(&problem);
}

static const struct setting *find_flag(const char *name, size_t length)
{
    for (size_t i = 0; i < BASE_COUNT(settings); i++) {
        if (strlen(settings[i].flag) == length && strncmp(settings[i].flag, name, length) == 0)
            return &settings[i];
    }
    return NULL;
}

static struct config_flag *find_own_flag(
    struct config_flag *own_flags, const char *name, size_t length)
{
    for (struct config_flag *flag = own_flags; flag != NULL && flag->name != NULL; flag++)
        if (strlen(flag->name) == length && strncmp(flag->name, name, length) == 0)
            return flag;
    return NULL;
}

/* The value after "=" or, when there is none, the next argument, onto which *argument is moved.
 * NULL: there is none. */
static const char *take_value(char ***argument, const char *after_name)
{
    if (*after_name == '=')
        return after_name + 1;
    const char *next = (*argument)[1];
    if (next == NULL || begins_with(next, "--"))
        return NULL;
    (*argument)++;
    return next;
}

/* Reads the flag at *argument, and moves it on when its value is the next one. */
static char *read_flag(char ***argument, struct config_flag *own_flags, struct given *given)
{
    const char *flag = **argument;
    if (!begins_with(flag, "--"))
        return refuse_flag(flag);
    const char *name = flag + 2;
    size_t length = strcspn(name, "=");
    struct base_buffer problem = {0};

    const struct setting *setting = find_flag(name, length);
    struct config_flag *own = setting == NULL ? find_own_flag(own_flags, name, length) : NULL;
    if (setting == NULL && own == NULL)
        return refuse_flag(flag);
    if (own != NULL && !own->takes_value) {
        if (name[length] == '=') {
            base_buffer_printf(&problem, "--%s takes no value", own->name);
            return take_text(&problem);
        }
        own->is_given = true;
        return NULL;
    }
    const char *value = take_value(argument, name + length);
    if (value == NULL) {
        base_buffer_printf(&problem, "--%.*s needs a value", (int)length, name);
        return take_text(&problem);
    }
    if (own != NULL && !own->takes_database && config_may_hold_password(value))
        return refuse_connection_string("--", own->name);
    if (own != NULL) {
        own->is_given = true;
        own->value = value;
    } else {
        given[setting - settings] =
            (struct given){.text = value, .dashes = "--", .name = setting->flag};
    }
    return NULL;
}

static char *read_arguments(
    char **arguments, struct config_flag *own_flags, struct given *given, size_t *n_rest)
{
    *n_rest = 0;
    if (arguments[0] == NULL)
        return NULL;
    bool is_ended = false;
    char **argument = arguments + 1;
    for (; *argument != NULL; argument++) {
        bool is_flag = !is_ended && (*argument)[0] == '-' && (*argument)[1] != '\0';
        if (!is_flag) {
            arguments[++*n_rest] = *argument;
        } else if (strcmp(*argument, "--") == 0) {
            is_ended = true;
        } else {
            char *problem = read_flag(&argument, own_flags, given);
            if (problem != NULL)
                return problem;
        }
    }
    arguments[*n_rest + 1] = NULL;
    return NULL;
}

/* ---- values ---------------------------------------------------------------------------------- */

static char *refuse_value(const struct given *given, const char *expected)
{
    struct base_buffer problem = {0};
    base_buffer_printf(
        &problem, "%s%s must be %s, not \"%s\"", given->dashes, given->name, expected, given->text);
    return take_text(&problem);
}

static char *check_number(const struct setting *setting, const struct given *given, int64_t *number)
{
    if (base_parse_int(given->text, setting->least, setting->most, number))
        return NULL;
    BASE_CLEANUP(base_buffer_finish) struct base_buffer expected = {0};
    base_buffer_printf(
        &expected, "an integer from %lld to %lld", (long long)setting->least,
        (long long)setting->most);
    return refuse_value(given, base_buffer_text(&expected));
}

static int64_t seconds_of_unit(char unit)
{
    switch (unit) {
    case 's':
        return 1;
    case 'm':
        return 60;
    case 'h':
        return 3600;
    case 'd':
        return 86400;
    }
    return 0;
}

/* Longer ones are of the next unit. */
static void append_duration(struct base_buffer *out, int64_t seconds)
{
    static const char units[] = {'d', 'h', 'm', 's'};
    size_t i = 0;
    while (seconds % seconds_of_unit(units[i]) != 0)
        i++;
    base_buffer_printf(out, "%lld%c", (long long)(seconds / seconds_of_unit(units[i])), units[i]);
}

static bool read_duration(const struct setting *setting, const char *text, int64_t *seconds)
{
    BASE_CLEANUP(base_free_pointer) char *count = base_copy_text(text);
    size_t length = strlen(count);
    int64_t unit_seconds = length > 0 ? seconds_of_unit(count[length - 1]) : 0;
    int64_t number;
    if (strcmp(text, "0") == 0)
        unit_seconds = 1;
    else if (unit_seconds > 0)
        count[length - 1] = '\0';
    else
        return false;
    if (!base_parse_int(count, 0, setting->most / unit_seconds, &number))
        return false;
    *seconds = number * unit_seconds;
    return *seconds >= setting->least;
}

static char *check_duration(
    const struct setting *setting, const struct given *given, int64_t *seconds)
{
    if (read_duration(setting, given->text, seconds))
        return NULL;
    BASE_CLEANUP(base_buffer_finish) struct base_buffer expected = {0};
    base_buffer_append_text(
        &expected, "0 (never) or a number with s, m, h or d, such as 90m, up to ");
    append_duration(&expected, setting->most);
    return refuse_value(given, base_buffer_text(&expected));
}

static void append_choices(struct base_buffer *buffer, const char *const *names)
{
    for (size_t i = 0; i < CHOICES_MOST && names[i] != NULL; i++) {
        base_buffer_append_text(buffer, i > 0 ? ", " : "");
        base_buffer_append_text(buffer, names[i]);
    }
}

static char *check_choice(const char *const *names, const struct given *given, int64_t *number)
{
    for (size_t i = 0; i < CHOICES_MOST && names[i] != NULL; i++) {
        if (strcmp(names[i], given->text) == 0) {
            *number = (int64_t)i;
            return NULL;
        }
    }
    BASE_CLEANUP(base_buffer_finish) struct base_buffer expected = {0};
    base_buffer_append_text(&expected, "one of ");
    append_choices(&expected, names);
    return refuse_value(given, base_buffer_text(&expected));
}

static bool is_listen(const char *text)
{
    const char *colon = strrchr(text, ':');
    if (colon == NULL || colon == text)
        return false;
    size_t length = (size_t)(colon - text);
    bool is_bracketed = length > 2 && text[0] == '[' && colon[-1] == ']';
    /* 8080 of ::1:8080 might be a port or a part of the address. */
    if (!is_bracketed && strcspn(text, ":[]") < length)
        return false;
    int64_t port;
    return colon[1] != '-' && base_parse_int(colon + 1, 0, 65535, &port);
}

/* What a text must look like is known where it is used; these are told early all the same. */
static char *check_text(enum config_setting setting, const struct given *given)
{
    struct currency_list own;
    if (setting == CONFIG_LISTEN && !is_listen(given->text))
        return refuse_value(given, "address:port with a port from 0 to 65535");
    const char *expected =
        setting == CONFIG_CURRENCIES ? currency_read_own(given->text, &own) : NULL;
    return expected == NULL ? NULL : refuse_value(given, expected);
}

/* Which it can be, another setting says. */
static char *check_default_currency(const struct config *config, const struct given *given)
{
    struct currency_list own = config_currencies(config);
    if (currency_find(&own, given->text) != CURRENCY_MINOR_UNIT_NONE)
        return NULL;
    return refuse_value(
        given, "a currency in use (ISO 4217), such as EUR, or one of CARTD_CURRENCIES");
}

static char *check_value(enum config_setting i, const struct given *given, int64_t *number)
{
    bool is_url = i == CONFIG_DATABASE_URL || i == CONFIG_MIGRATE_URL;
    if (!is_url && config_may_hold_password(given->text))
        return refuse_connection_string(given->dashes, given->name);
    switch (settings[i].kind) {
    case TEXT:
        return check_text(i, given);
    case NUMBER:
        return check_number(&settings[i], given, number);
    case CHOICE:
        return check_choice(choices[i], given, number);
    case DURATION:
        return check_duration(&settings[i], given, number);
    }
    abort();
}

bool config_read(
    struct config *config, char **arguments, char *const *environment,
    struct config_flag *own_flags, size_t *n_rest, char **problem)
{
    struct given given[CONFIG_N_SETTINGS];
    for (size_t i = 0; i < CONFIG_N_SETTINGS; i++)
        given[i] =
            (struct given){.text = settings[i].value, .dashes = "--", .name = settings[i].flag};

    char *refusal = NULL;
    for (size_t i = 0; environment[i] != NULL && refusal == NULL; i++)
        refusal = read_variable(environment[i], given);
    size_t n_read = 0;
    if (refusal == NULL)
        refusal = read_arguments(arguments, own_flags, given, &n_read);
    struct config read = {0};
    for (enum config_setting i = 0; i < CONFIG_N_SETTINGS && refusal == NULL; i++) {
        read.texts[i] = given[i].text;
        refusal = check_value(i, &given[i], &read.numbers[i]);
    }
    if (refusal == NULL)
        refusal = check_default_currency(&read, &given[CONFIG_DEFAULT_CURRENCY]);
    if (refusal != NULL) {
        *problem = refusal;
        return false;
    }
    *config = read;
    *n_rest = n_read;
    return true;
}

struct currency_list config_currencies(const struct config *config)
{
    struct currency_list own;
    (void)currency_read_own(config->texts[CONFIG_CURRENCIES], &own); /* config_read() checked it */
    return own;
}

enum base_log_level config_log_level(const struct config *config)
{
    return (enum base_log_level)config->numbers[CONFIG_LOG_LEVEL];
}

enum base_log_form config_log_form(const struct config *config, int fd)
{
    int64_t form = config->numbers[CONFIG_LOG_FORM];
    if (form == FORM_AUTO)
        form = isatty(fd) ? FORM_PLAIN : FORM_JSON;
    return form == FORM_PLAIN ? BASE_LOG_PLAIN : BASE_LOG_JSON;
}

/* ---- help ------------------------------------------------------------------------------------ */

enum { HELP_COLUMNS = 100, HELP_GAP = 2 };

static int longer_of(int width, size_t length)
{
    return (int)length > width ? (int)length : width;
}

/* Words from the present column on, wrapped at the right margin and continued below `column`. */
static void print_wrapped(FILE *stream, int column, const char *text)
{
    int at = column;
    while (*text != '\0') {
        int length = (int)strcspn(text, " ");
        if (at > column && at + 1 + length > HELP_COLUMNS) {
            fprintf(stream, "\n%*s", column, "");
            at = column;
        }
        at += fprintf(stream, "%s%.*s", at > column ? " " : "", length, text);
        text += length + (int)strspn(text + length, " ");
    }
    fputc('\n', stream);
}

void config_print_help(FILE *stream)
{
    static const char value[] = " VALUE";
    int flags = 0;
    int environments = (int)strlen("environment");
    int values = (int)strlen("default");
    for (size_t i = 0; i < BASE_COUNT(settings); i++) {
        flags = longer_of(flags, strlen("--") + strlen(settings[i].flag) + strlen(value));
        environments = longer_of(environments, strlen(settings[i].environment));
        values = longer_of(values, strlen(settings[i].value));
    }
    int column = HELP_GAP + flags + HELP_GAP + environments + HELP_GAP + values + HELP_GAP;
    fprintf(
        stream, "  %-*s  %-*s  %-*s  what it is\n", flags, "flag", environments, "environment",
        values, "default");
    for (size_t i = 0; i < BASE_COUNT(settings); i++) {
        BASE_CLEANUP(base_buffer_finish) struct base_buffer flag = {0};
        base_buffer_printf(&flag, "--%s%s", settings[i].flag, value);
        fprintf(
            stream, "  %-*s  %-*s  %-*s  ", flags, base_buffer_text(&flag), environments,
            settings[i].environment, values, settings[i].value);
        BASE_CLEANUP(base_buffer_finish) struct base_buffer help = {0};
        base_buffer_append_text(&help, settings[i].help);
        if (settings[i].kind == NUMBER)
            base_buffer_printf(
                &help, " (%lld to %lld)", (long long)settings[i].least,
                (long long)settings[i].most);
        if (settings[i].kind == DURATION) {
            base_buffer_append_text(&help, " (0: never; up to ");
            append_duration(&help, settings[i].most);
            base_buffer_append_char(&help, ')');
        }
        if (settings[i].kind == CHOICE) {
            base_buffer_append_text(&help, " (");
            append_choices(&help, choices[i]);
            base_buffer_append_char(&help, ')');
        }
        print_wrapped(stream, column, base_buffer_text(&help));
    }
}
