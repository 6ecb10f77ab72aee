#include "support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "metrics.h"

/* The printed text, read line by line as a scraper does. */
struct sample {
    char name[128];
    char labels[128];
    double value;
};

struct scrape {
    size_t n_samples;
    struct sample samples[400];
    size_t n_families;
    struct {
        char name[128];
        char type[32];
    } families[100];
};

static const struct sample *find(const struct scrape *scrape, const char *name, const char *labels)
{
    for (size_t i = 0; i < scrape->n_samples; i++) {
        const struct sample *sample = &scrape->samples[i];
        if (strcmp(sample->name, name) == 0 && strcmp(sample->labels, labels) == 0)
            return sample;
    }
    return NULL;
}

/* HELP, then TYPE, then the samples, each family once and in one piece. */
static void read_comment(struct scrape *scrape, const char *line)
{
    char name[128];
    char rest[200];
    size_t n = scrape->n_families;
    if (sscanf(line, "# HELP %127s %199[^\n]", name, rest) == 2) {
        for (size_t i = 0; i < n; i++)
            ck_assert_str_ne(scrape->families[i].name, name);
        ck_assert_uint_lt(n, BASE_COUNT(scrape->families));
        memcpy(scrape->families[n].name, name, sizeof(name));
        scrape->n_families++;
        return;
    }
    ck_assert_uint_gt(n, 0);
    ck_assert_msg(sscanf(line, "# TYPE %127s %31s", name, rest) == 2, "%s", line);
    ck_assert_str_eq(scrape->families[n - 1].name, name);
    ck_assert_str_eq(scrape->families[n - 1].type, "");
    memcpy(scrape->families[n - 1].type, rest, sizeof(scrape->families[n - 1].type));
}

static void read_sample(struct scrape *scrape, const char *line)
{
    ck_assert_uint_lt(scrape->n_samples, BASE_COUNT(scrape->samples));
    struct sample *sample = &scrape->samples[scrape->n_samples];
    char value[64];
    if (sscanf(line, "%127[a-z_]{%127[^}]} %63s", sample->name, sample->labels, value) != 3) {
        sample->labels[0] = '\0';
        ck_assert_msg(sscanf(line, "%127[a-z_] %63s", sample->name, value) == 2, "%s", line);
    }
    char *end;
    sample->value = strtod(value, &end);
    ck_assert_msg(*end == '\0', "%s", line);
    const char *family = scrape->families[scrape->n_families - 1].name;
    ck_assert_msg(strncmp(sample->name, family, strlen(family)) == 0, "%s", line);
    ck_assert_msg(find(scrape, sample->name, sample->labels) == NULL, "twice: %s", line);
    scrape->n_samples++;
}

static struct scrape *scrape(const struct metrics *metrics)
{
    BASE_CLEANUP(base_buffer_finish) struct base_buffer out = {0};
    metrics_print(metrics, &out);
    ck_assert_int_eq(out.bytes[out.length - 1], '\n');
    (void)base_buffer_text(&out);
    struct scrape *scraped = base_alloc(sizeof(*scraped));
    for (char *rest = out.bytes; *rest != '\0';) {
        char *line = strsep(&rest, "\n");
        if (*line == '#')
            read_comment(scraped, line);
        else
            read_sample(scraped, line);
    }
    return scraped;
}

static double value_of(const struct scrape *scraped, const char *name, const char *labels)
{
    const struct sample *sample = find(scraped, name, labels);
    ck_assert_msg(sample != NULL, "no %s{%s}", name, labels);
    return sample->value;
}

START_TEST(every_number_is_printed_once_in_its_family)
{
    struct metrics metrics = {0};
    for (enum metrics_number i = 0; i < METRICS_N_NUMBERS; i++)
        metrics_set(&metrics, i, (int64_t)i + 1000);
    metrics_add(&metrics, METRICS_HTTP_4XX, 500000);
    BASE_CLEANUP(base_free_pointer) struct scrape *scraped = scrape(&metrics);
    ck_assert_double_eq(
        value_of(scraped, "cartd_http_responses_total", "class=\"4xx\""),
        501000 + METRICS_HTTP_4XX);
    ck_assert_double_eq(value_of(scraped, "cartd_log_position", ""), 1000 + METRICS_LOG_POSITION);
    ck_assert_uint_eq(
        scraped->n_samples, METRICS_N_NUMBERS + METRICS_N_HISTOGRAMS * (METRICS_BUCKETS + 2));
}
END_TEST

START_TEST(every_family_has_a_known_type_that_fits_its_name)
{
    BASE_CLEANUP(base_free_pointer) struct scrape *scraped = scrape(&(struct metrics){0});
    for (size_t i = 0; i < scraped->n_families; i++) {
        const char *name = scraped->families[i].name;
        const char *type = scraped->families[i].type;
        size_t length = strlen(name);
        bool is_total = length > 6 && strcmp(name + length - 6, "_total") == 0;
        ck_assert_msg(is_total == (strcmp(type, "counter") == 0), "%s %s", name, type);
        ck_assert_msg(
            is_total || strcmp(type, "gauge") == 0 || strcmp(type, "histogram") == 0, "%s %s", name,
            type);
    }
}
END_TEST

START_TEST(an_observation_counts_in_its_bucket_and_in_all_above)
{
    struct metrics metrics = {0};
    static const int64_t observed[] = {-5, 0,  1,  2,       3,       4,
                                       5,  64, 65, 8388608, 8388609, INT64_C(1) << 40};
    for (size_t i = 0; i < BASE_COUNT(observed); i++)
        metrics_observe(&metrics, METRICS_BATCH_COMMANDS, observed[i]);
    BASE_CLEANUP(base_free_pointer) struct scrape *scraped = scrape(&metrics);
    static const struct {
        const char *labels;
        double count;
    } expected[] = {{"le=\"2\"", 4},       {"le=\"4\"", 6},        {"le=\"8\"", 7},
                    {"le=\"32\"", 7},      {"le=\"64\"", 8},       {"le=\"128\"", 9},
                    {"le=\"4194304\"", 9}, {"le=\"8388608\"", 10}, {"le=\"+Inf\"", 12}};
    for (size_t i = 0; i < BASE_COUNT(expected); i++)
        ck_assert_double_eq(
            value_of(scraped, "cartd_batch_commands_bucket", expected[i].labels),
            expected[i].count);
    ck_assert_double_eq(value_of(scraped, "cartd_batch_commands_count", ""), 12);
    ck_assert_double_eq(
        value_of(scraped, "cartd_batch_commands_sum", ""), 144 + 8388608.0 + 8388609 + 0x1p40);
}
END_TEST

START_TEST(durations_are_printed_in_seconds)
{
    struct metrics metrics = {0};
    metrics_observe(&metrics, METRICS_COMMAND_SECONDS, 1500000);
    metrics_observe(&metrics, METRICS_COMMAND_SECONDS, 250);
    BASE_CLEANUP(base_free_pointer) struct scrape *scraped = scrape(&metrics);
    const char *bucket = "cartd_command_duration_seconds_bucket";
    ck_assert_double_eq(value_of(scraped, bucket, "le=\"2e-06\""), 0);
    ck_assert_double_eq(value_of(scraped, bucket, "le=\"0.000256\""), 1);
    ck_assert_double_eq(value_of(scraped, bucket, "le=\"1.048576\""), 1);
    ck_assert_double_eq(value_of(scraped, bucket, "le=\"2.097152\""), 2);
    ck_assert_double_eq_tol(
        value_of(scraped, "cartd_command_duration_seconds_sum", ""), 1.50025, 1e-12);
}
END_TEST

START_TEST(buckets_never_fall_and_end_at_the_count)
{
    struct metrics metrics = {0};
    for (int64_t i = 0; i < 100000; i += 7)
        metrics_observe(&metrics, METRICS_READ_SECONDS, i * i);
    BASE_CLEANUP(base_free_pointer) struct scrape *scraped = scrape(&metrics);
    double last = 0;
    double last_bound = 0;
    size_t n_buckets = 0;
    for (size_t i = 0; i < scraped->n_samples; i++) {
        const struct sample *sample = &scraped->samples[i];
        if (strcmp(sample->name, "cartd_read_duration_seconds_bucket") != 0)
            continue;
        double bound;
        ck_assert_int_eq(sscanf(sample->labels, "le=\"%lf\"", &bound), 1);
        ck_assert_double_gt(bound, last_bound);
        ck_assert_double_ge(sample->value, last);
        last = sample->value;
        last_bound = bound;
        n_buckets++;
    }
    ck_assert_uint_eq(n_buckets, METRICS_BUCKETS);
    ck_assert(isinf(last_bound));
    ck_assert_double_eq(last, value_of(scraped, "cartd_read_duration_seconds_count", ""));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        every_number_is_printed_once_in_its_family,
        every_family_has_a_known_type_that_fits_its_name,
        an_observation_counts_in_its_bucket_and_in_all_above, durations_are_printed_in_seconds,
        buckets_never_fall_and_end_at_the_count};
    TCase *rules = tcase_create("metrics");
    for (size_t i = 0; i < BASE_COUNT(tests); i++)
        tcase_add_test(rules, tests[i]);
    Suite *suite = suite_create("metrics");
    suite_add_tcase(suite, rules);
    return support_run(suite);
}
