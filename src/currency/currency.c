#include "currency.h"

#include <stdbool.h>
#include <string.h>

#include "internal.h"

static struct currency_list process_own;

static int find_iso_4217(const char *code)
{
    size_t from = 0;
    size_t end = currency_iso_4217_count;
    while (from < end) {
        size_t middle = from + (end - from) / 2;
        int order = strcmp(code, currency_iso_4217[middle].code);
        if (order == 0)
            return currency_iso_4217[middle].minor_unit;
        if (order < 0)
            end = middle;
        else
            from = middle + 1;
    }
    return CURRENCY_MINOR_UNIT_NONE;
}

int currency_find(const struct currency_list *own, const char *code)
{
    int minor_unit = find_iso_4217(code);
    for (size_t i = 0; i < own->n && minor_unit == CURRENCY_MINOR_UNIT_NONE; i++)
        if (strcmp(own->list[i].code, code) == 0)
            minor_unit = own->list[i].minor_unit;
    return minor_unit;
}

/* "PTS:0", and nothing else before the end or a comma. */
static bool read_one(const char *text, struct currency *currency)
{
    *currency = (struct currency){.code = ""};
    for (size_t i = 0; i < CURRENCY_CODE_SIZE - 1; i++) {
        if (text[i] < 'A' || text[i] > 'Z')
            return false;
        currency->code[i] = text[i];
    }
    if (text[3] != ':' || text[4] < '0' || text[4] > '0' + CURRENCY_MINOR_UNIT_MAX)
        return false;
    currency->minor_unit = text[4] - '0';
    return text[5] == '\0' || text[5] == ',';
}

const char *currency_read_own(const char *text, struct currency_list *own)
{
    static const char FORM[] = "a list such as PTS:0,XBT:8, each of three upper-case letters, a "
                               "colon and 0 to 8 decimals";
    own->n = 0;
    while (*text != '\0') {
        struct currency currency;
        if (!read_one(text, &currency))
            return FORM;
        if (find_iso_4217(currency.code) != CURRENCY_MINOR_UNIT_NONE)
            return "a list without the currencies of ISO 4217, which are known";
        if (currency_find(own, currency.code) != CURRENCY_MINOR_UNIT_NONE)
            return "a list that has each currency once";
        if (own->n == CURRENCY_OWN_MAX)
            return "a list of at most 64 currencies";
        own->list[own->n++] = currency;
        text += strlen("PTS:0");
        if (*text == ',' && *++text == '\0')
            return FORM;
    }
    return NULL;
}

void currency_use(const struct currency_list *own)
{
    process_own = *own;
}

int currency_minor_unit(const char *code)
{
    return currency_find(&process_own, code);
}
