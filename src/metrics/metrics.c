#include "metrics.h"

#include <string.h>

static const struct {
    const char *kind;
    const char *name;
    const char *labels;
    const char *help;
} numbers[] = {
#define METRICS_ROW(NAME, row_kind, row_name, row_labels, row_help)                                \
    [METRICS_##                                                                                    \
        NAME] = {.kind = #row_kind, .name = row_name, .labels = row_labels, .help = row_help},
    METRICS_NUMBERS(METRICS_ROW)
#undef METRICS_ROW
};

static const struct {
    const char *name;
    double scale;
    const char *help;
} histograms[] = {
#define METRICS_ROW(NAME, row_name, row_scale, row_help)                                           \
    [METRICS_##NAME] = {.name = row_name, .scale = row_scale, .help = row_help},
    METRICS_HISTOGRAMS(METRICS_ROW)
#undef METRICS_ROW
};

/* The first i for which value <= 2^(i+1). */
static size_t bucket_of(int64_t value)
{
    if (value <= 2)
        return 0;
    size_t n_bits = 64 - (size_t)__builtin_clzll((unsigned long long)value - 1);
    size_t bucket = n_bits - 1;
    return bucket < METRICS_BUCKETS ? bucket : METRICS_BUCKETS - 1;
}

void metrics_observe(struct metrics *metrics, enum metrics_histogram histogram, int64_t value)
{
    if (value < 0)
        value = 0;
    metrics->histograms[histogram].buckets[bucket_of(value)]++;
    metrics->histograms[histogram].sum += value;
    metrics->histograms[histogram].count++;
}

static void print_family(
    struct base_buffer *out, const char *name, const char *kind, const char *help)
{
    base_buffer_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind);
}

static void print_number(const struct metrics *metrics, size_t i, struct base_buffer *out)
{
    bool is_first = i == 0 || strcmp(numbers[i - 1].name, numbers[i].name) != 0;
    if (is_first)
        print_family(out, numbers[i].name, numbers[i].kind, numbers[i].help);
    base_buffer_append_text(out, numbers[i].name);
    if (*numbers[i].labels != '\0')
        base_buffer_printf(out, "{%s}", numbers[i].labels);
    base_buffer_append_char(out, ' ');
    base_buffer_append_int(out, metrics->numbers[i]);
    base_buffer_append_char(out, '\n');
}

static void print_histogram(const struct metrics *metrics, size_t i, struct base_buffer *out)
{
    const char *name = histograms[i].name;
    double scale = histograms[i].scale;
    print_family(out, name, "histogram", histograms[i].help);
    int64_t n_so_far = 0;
    for (size_t bucket = 0; bucket < METRICS_BUCKETS; bucket++) {
        n_so_far += metrics->histograms[i].buckets[bucket];
        base_buffer_printf(out, "%s_bucket{le=\"", name);
        if (bucket + 1 < METRICS_BUCKETS)
            base_buffer_printf(out, "%.10g", (double)(INT64_C(2) << bucket) * scale);
        else
            base_buffer_append_text(out, "+Inf");
        base_buffer_append_text(out, "\"} ");
        base_buffer_append_int(out, n_so_far);
        base_buffer_append_char(out, '\n');
    }
    double sum = (double)metrics->histograms[i].sum * scale;
    base_buffer_printf(out, "%s_sum %.15g\n%s_count ", name, sum, name);
    base_buffer_append_int(out, metrics->histograms[i].count);
    base_buffer_append_char(out, '\n');
}

void metrics_print(const struct metrics *metrics, struct base_buffer *out)
{
    for (size_t i = 0; i < METRICS_N_NUMBERS; i++)
        print_number(metrics, i, out);
    for (size_t i = 0; i < METRICS_N_HISTOGRAMS; i++)
        print_histogram(metrics, i, out);
}
