/* The values of headers: each reader takes the whole input. */
#include <string.h>

#include "fields.h"
#include "fuzz.h"
#include "http.h"

static struct base_arena arena;

static void claim_etags(const char *value)
{
    struct http_etags strong;
    struct http_etags weak;
    bool has_strong = http_read_etags(value, HTTP_STRONG, &strong);
    bool has_weak = http_read_etags(value, HTTP_WEAK, &weak);
    FUZZ_CLAIM(has_strong || !has_weak); /* what weak tags add can be one too many */
    if (!has_weak)
        return;
    FUZZ_CLAIM(strong.is_any == weak.is_any && strong.n <= weak.n);
    FUZZ_CLAIM(weak.n <= SERVICE_VERSIONS_MAX);
    BASE_CLEANUP(base_buffer_finish) struct base_buffer again = {0};
    for (size_t i = 0; i < weak.n; i++) {
        FUZZ_CLAIM(weak.versions[i] > 0 && http_etags_match(&weak, weak.versions[i]));
        base_buffer_printf(&again, "%s\"%d\"", i > 0 ? "," : "", (int)weak.versions[i]);
    }
    struct http_etags read;
    if (weak.n == 0)
        return;
    FUZZ_CLAIM(http_read_etags(base_buffer_text(&again), HTTP_STRONG, &read));
    FUZZ_CLAIM(read.n == weak.n);
    FUZZ_CLAIM(memcmp(read.versions, weak.versions, weak.n * sizeof weak.versions[0]) == 0);
}

static void claim_key(const char *value)
{
    const char *key = http_read_idempotency_key(value, &arena);
    if (key == NULL)
        return;
    size_t length = strlen(key);
    FUZZ_CLAIM(length >= 1 && length <= HTTP_KEY_MAX);
    /* In quotes it is the same key. */
    BASE_CLEANUP(base_buffer_finish) struct base_buffer quoted = {0};
    base_buffer_append_char(&quoted, '"');
    for (const char *at = key; *at != '\0'; at++) {
        FUZZ_CLAIM(*at >= 0x20 && *at <= 0x7e);
        if (*at == '"' || *at == '\\')
            base_buffer_append_char(&quoted, '\\');
        base_buffer_append_char(&quoted, *at);
    }
    base_buffer_append_char(&quoted, '"');
    const char *again = http_read_idempotency_key(base_buffer_text(&quoted), &arena);
    FUZZ_CLAIM(again != NULL && strcmp(again, key) == 0);
}

static void claim_media(const char *value)
{
    static const char *const types[] = {"application/json", "application/problem+json", NULL};
    bool prefers_events = http_prefers_events(value);
    bool is_accepted = http_accepts(value, types);
    bool prefers_csv = http_prefers(value, "text/csv", "application/json");
    FUZZ_CLAIM(!prefers_csv || !http_prefers(value, "application/json", "text/csv"));
    FUZZ_CLAIM(!prefers_events || http_prefers(value, "text/event-stream", "application/json"));
    (void)is_accepted;
}

/* What goes into an answer's headers, the log and events must be harmless there. */
static void claim_identifiers(const char *value)
{
    static const char harmless[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    bool is_id = http_is_request_id(value);
    bool is_trace = http_is_traceparent(value);
    size_t length = strlen(value);
    FUZZ_CLAIM(!(is_id || is_trace) || strspn(value, harmless) == length);
    FUZZ_CLAIM(!is_id || (length >= 1 && length <= 128));
    FUZZ_CLAIM(!is_trace || (length == 55 && is_id));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    BASE_CLEANUP(base_free_pointer) char *value = fuzz_text(bytes, n_bytes);
    claim_etags(value);
    claim_key(value);
    claim_media(value);
    claim_identifiers(value);
    (void)http_prefers_minimal(value);
    (void)http_is_json(value, "application/json");
    (void)http_is_identity(value);
    FUZZ_CLAIM(!http_is_tracestate(value) || strlen(value) <= HTTP_TRACESTATE_MAX);
    FUZZ_CLAIM(!http_is_baggage(value) || strlen(value) <= HTTP_BAGGAGE_MAX);
    base_arena_reset(&arena);
    return 0;
}
