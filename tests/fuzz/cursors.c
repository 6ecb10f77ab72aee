/* Cursors: the first byte says whether the rest is one that a client sends, or a position for which
 * one is made and then changed. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "tables.h"

enum { POSITION_MAX = 96 };

/* Pages take it or refuse it, whatever position it holds; no cursor goes on in two lists. */
static void claim_asked(const char *text)
{
    struct projections_page page = {.cursor = text, .limit = 1};
    postgres_pipeline_begin(&page.pipeline);
    bool is_carts = carts_ask_page(&page);
    bool is_products = key_list_ask_page(&products_list, &page);
    bool is_coupons = key_list_ask_page(&coupons_list, &page);
    FUZZ_CLAIM(is_carts + is_products + is_coupons <= 1);
    postgres_pipeline_finish(&page.pipeline);
}

/* What is read as a cursor is the one that is written for its position. */
static void claim_sent(const char *text)
{
    static const char kinds[] = {CARTS_CURSOR, PRODUCTS_CURSOR, COUPONS_CURSOR, 'd', 'r'};
    for (size_t i = 0; i < BASE_COUNT(kinds); i++) {
        BASE_CLEANUP(base_arena_finish) struct base_arena arena = {0};
        BASE_CLEANUP(base_buffer_finish) struct base_buffer made = {0};
        const struct cursor_list list = {.kind = kinds[i]};
        size_t n_bytes = 0;
        const uint8_t *position = cursor_decode(&arena, &list, text, &n_bytes);
        if (position == NULL)
            continue;
        cursor_encode(&made, &list, position, n_bytes);
        FUZZ_CLAIM(strcmp(base_buffer_text(&made), text) == 0);
    }
    claim_asked(text);
}

static bool is_of(const struct cursor_list *list, const char *text)
{
    BASE_CLEANUP(base_arena_finish) struct base_arena arena = {0};
    size_t n_bytes = 0;
    return cursor_decode(&arena, list, text, &n_bytes) != NULL;
}

static void claim_changed(const struct cursor_list *list, char *text, size_t index)
{
    char was = text[index];
    text[index] = was == 'A' ? 'B' : 'A';
    FUZZ_CLAIM(!is_of(list, text));
    text[index] = was;
}

/* One that was made leads back to its position, in its list, and any change makes it worthless. */
static void claim_made(const uint8_t *position, size_t n_bytes)
{
    const struct cursor_list list = {.kind = 'c', .filters = {"open", NULL, "tea"}};
    const struct cursor_list others[] = {
        {.kind = 'p', .filters = {"open", NULL, "tea"}},
        {.kind = 'c', .filters = {"open", "tea", NULL}},
        {.kind = 'c', .filters = {"opent", NULL, "ea"}},
        {.kind = 'c', .filters = {NULL, NULL, NULL}},
    };
    BASE_CLEANUP(base_arena_finish) struct base_arena arena = {0};
    BASE_CLEANUP(base_buffer_finish) struct base_buffer made = {0};
    cursor_encode(&made, &list, position, n_bytes);
    BASE_CLEANUP(base_free_pointer) char *text = base_copy_text(base_buffer_text(&made));
    for (size_t i = 0; i < BASE_COUNT(others); i++)
        FUZZ_CLAIM(!is_of(&others[i], text));

    size_t n_read = 0;
    const uint8_t *read = cursor_decode(&arena, &list, text, &n_read);
    FUZZ_CLAIM(read != NULL && n_read == n_bytes && memcmp(read, position, n_bytes) == 0);
    for (size_t i = 0; i < made.length; i++)
        claim_changed(&list, text, i);
    text[made.length - 1] = '\0';
    FUZZ_CLAIM(!is_of(&list, text));
}

/* One that was forged for a list without filters. */
static void claim_forged(char kind, const uint8_t *position, size_t n_bytes)
{
    BASE_CLEANUP(base_buffer_finish) struct base_buffer made = {0};
    cursor_encode(&made, &(struct cursor_list){.kind = kind}, position, n_bytes);
    claim_asked(base_buffer_text(&made));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    if (n_bytes < 2)
        return 0;
    if (bytes[0] % 2 == 0) {
        BASE_CLEANUP(base_free_pointer) char *text = fuzz_text(bytes + 1, n_bytes - 1);
        claim_sent(text);
    } else if (n_bytes <= POSITION_MAX) {
        claim_made(bytes + 1, n_bytes - 1);
        claim_forged(CARTS_CURSOR, bytes + 1, n_bytes - 1);
        claim_forged(PRODUCTS_CURSOR, bytes + 1, n_bytes - 1);
    }
    return 0;
}
