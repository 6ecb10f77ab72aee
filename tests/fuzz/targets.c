/* The target of a request: path and query. */
#include <string.h>

#include "fuzz.h"
#include "routes.h"
#include "target.h"

static struct base_arena arena;

/* Written again from its decoded segments, a path falls into the same ones. */
static void claim_path(const struct http_target *target)
{
    if (target->n_segments > HTTP_SEGMENTS_MAX)
        return;
    BASE_CLEANUP(base_buffer_finish) struct base_buffer path = {0};
    for (size_t i = 0; i < target->n_segments; i++) {
        base_buffer_append_char(&path, '/');
        http_append_encoded(&path, target->segments[i]);
    }
    struct http_target again;
    FUZZ_CLAIM(http_target_complaint(base_buffer_text(&path)) == NULL);
    http_split_target(base_buffer_text(&path), &arena, &again);
    FUZZ_CLAIM(again.n_segments == target->n_segments);
    for (size_t i = 0; i < target->n_segments; i++)
        FUZZ_CLAIM(strcmp(again.segments[i], target->segments[i]) == 0);
}

static void claim_route(const struct http_target *target)
{
    static const char *const methods[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"};
    for (size_t i = 0; i < BASE_COUNT(methods); i++) {
        const struct http_route *route = NULL;
        const char *values[HTTP_PATH_VALUES_MAX] = {NULL};
        if (http_find_route(methods[i], target, &route, values) != HTTP_MATCH)
            continue;
        FUZZ_CLAIM(route != NULL);
        bool may_have_slashes = strcmp(route->path, "/products/{sku}") == 0;
        for (size_t j = 0; j < HTTP_PATH_VALUES_MAX; j++) {
            FUZZ_CLAIM(values[j] == NULL || *values[j] != '\0');
            FUZZ_CLAIM(values[j] == NULL || may_have_slashes || strchr(values[j], '/') == NULL);
        }
    }
    FUZZ_CLAIM(strlen(http_allowed_methods(target, &arena)) > 0);
}

static void claim_parameters(const char *query)
{
    const char *values[HTTP_N_PARAMETERS] = {NULL};
    const char *again[HTTP_N_PARAMETERS] = {NULL};
    const char *complaint = http_read_parameters(query, ~0U, &arena, values);
    if (complaint != NULL) {
        FUZZ_CLAIM(strstr(complaint, "query parameter") != NULL);
        return;
    }
    BASE_CLEANUP(base_buffer_finish) struct base_buffer written = {0};
    for (size_t i = 0; i < HTTP_N_PARAMETERS; i++) {
        if (values[i] == NULL)
            continue;
        FUZZ_CLAIM(base_utf8_length(values[i], strlen(values[i])) >= 0);
        base_buffer_printf(
            &written, "%s%s=", written.length > 0 ? "&" : "",
            http_parameter_name((enum http_parameter)i));
        http_append_encoded(&written, values[i]);
    }
    FUZZ_CLAIM(http_read_parameters(base_buffer_text(&written), ~0U, &arena, again) == NULL);
    for (size_t i = 0; i < HTTP_N_PARAMETERS; i++)
        FUZZ_CLAIM(fuzz_is_same_text(values[i], again[i]));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    BASE_CLEANUP(base_free_pointer) char *raw = fuzz_text(bytes, n_bytes);
    if (http_target_complaint(raw) != NULL)
        return 0;
    struct http_target target;
    http_split_target(raw, &arena, &target);
    FUZZ_CLAIM(target.n_segments >= 1 && target.n_segments <= HTTP_SEGMENTS_MAX + 1);
    FUZZ_CLAIM(target.query == NULL || strchr(raw, '?') != NULL);
    claim_path(&target);
    claim_route(&target);
    claim_parameters(target.query);
    base_arena_reset(&arena);
    return 0;
}
