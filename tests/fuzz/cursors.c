/* Cursors: the first byte says whether the rest is one that a client sends, or a place for which
 * one is made and then changed. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "tables.h"

enum { PLACE_MAX = 96 };

static const struct cursor_key KEY = {.bytes = {1, 2, 3}};
static const struct cursor_key OTHER_KEY = {.bytes = {1, 2, 4}};

/* Nobody who has not the key makes one; the fuzzer has not. */
static void claim_forged(const char *text)
{
    static const char kinds[] = {CARTS_CURSOR, PRODUCTS_CURSOR, 'd', 'r'};
    for (size_t i = 0; i < BASE_COUNT(kinds); i++) {
        const struct cursor_list list = {.kind = kinds[i]};
        FUZZ_CLAIM(!cursor_is_signed(&list, &KEY, text));
    }
    struct projections_page page = {.cursor = text, .limit = 1};
    postgres_group_begin(&page.group);
    bool is_carts = carts_ask_page(&page);
    bool is_products = products_ask_page(&page);
    FUZZ_CLAIM(!is_carts || !is_products);
    postgres_group_finish(&page.group);
}

static void claim_changed(const struct cursor_list *list, char *text, size_t place)
{
    char was = text[place];
    text[place] = was == 'A' ? 'B' : 'A';
    FUZZ_CLAIM(!cursor_is_signed(list, &KEY, text));
    text[place] = was;
}

/* One that was made leads back to its place, in its list, and any change makes it worthless. */
static void claim_made(const uint8_t *place, size_t n_bytes)
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
    cursor_encode(&made, &list, &KEY, place, n_bytes);
    BASE_CLEANUP(base_free_pointer) char *text = base_copy_text(base_buffer_text(&made));
    FUZZ_CLAIM(cursor_is_signed(&list, &KEY, text));
    FUZZ_CLAIM(!cursor_is_signed(&list, &OTHER_KEY, text));
    for (size_t i = 0; i < BASE_COUNT(others); i++)
        FUZZ_CLAIM(!cursor_is_signed(&others[i], &KEY, text));

    size_t n_read = 0;
    const uint8_t *read = cursor_decode(&arena, text, 'c', &n_read);
    FUZZ_CLAIM(read != NULL && n_read == n_bytes && memcmp(read, place, n_bytes) == 0);
    for (size_t i = 0; i < made.length; i++)
        claim_changed(&list, text, i);
    text[made.length - 1] = '\0';
    FUZZ_CLAIM(!cursor_is_signed(&list, &KEY, text));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    if (n_bytes < 2)
        return 0;
    BASE_CLEANUP(base_free_pointer) char *text = fuzz_text(bytes + 1, n_bytes - 1);
    if (bytes[0] % 2 == 0)
        claim_forged(text);
    else if (n_bytes <= PLACE_MAX)
        claim_made(bytes + 1, n_bytes - 1);
    return 0;
}
