#include "catalog_notes.h"

#include "codec.h"

void catalog_notes_finish(struct catalog_notes *notes)
{
    seen_finish(&notes->seen);
}

int64_t catalog_notes_take(
    struct catalog_notes *notes, const struct product_line *line, int64_t line_number)
{
    BASE_CLEANUP(base_buffer_finish) struct base_buffer quantity = {0};
    char price[BASE_INT_SIZE + 1] = "";
    if (line->has_price)
        *base_format_int(price, line->price_minor) = '\0';
    codec_write_quantity(&quantity, &line->quantity);
    const struct {
        const char *what;
        bool is_said;
        const char *value;
    } members[] = {
        {line->currency, true, price},
        {"name", true, line->name},
        {"active", line->has_active, line->is_active ? "1" : "0"},
        {"quantity", line->has_quantity, base_buffer_text(&quantity)},
        {"tags", line->has_tags, line->tags == NULL ? "" : line->tags},
    };
    int64_t first = 0;
    for (size_t i = 0; i < BASE_COUNT(members); i++) {
        if (!members[i].is_said)
            continue;
        int64_t earlier =
            seen_note(&notes->seen, line->sku, members[i].what, members[i].value, line_number);
        first = first > 0 ? first : earlier;
    }
    return first;
}
