/*
 * currency: what is a currency, and how many decimals its amounts have. ISO 4217's list one, as of
 * 2026, without funds codes, metals and other codes that nobody pays with, and the currencies that
 * the settings add: points, or money that ISO does not know. It reads no settings and does no
 * arithmetic; rooms that store or show what was recorded before take any three letters.
 */
#ifndef CARTD_CURRENCY_H
#define CARTD_CURRENCY_H

#include <stddef.h>

#define CURRENCY_CODE_SIZE 4          /* three upper-case letters, and a NUL */
#define CURRENCY_MINOR_UNIT_MAX 8     /* decimals of an own currency */
#define CURRENCY_OWN_MAX 64           /* own currencies */
#define CURRENCY_MINOR_UNIT_NONE (-1) /* of what is no currency */

struct currency {
    char code[CURRENCY_CODE_SIZE];
    int minor_unit; /* decimals: 2 of EUR, whose minor unit is a hundredth of it */
};

/* Those that are not ISO 4217's. */
struct currency_list {
    size_t n;
    struct currency list[CURRENCY_OWN_MAX];
};

/* The decimals of a currency; CURRENCY_MINOR_UNIT_NONE: neither ISO 4217 nor `own` has it. */
int currency_find(const struct currency_list *own, const char *code);

/* Reads "PTS:0,XBT:8"; an empty text is an empty list. NULL, or what the text must be, static:
 * then `own` may have been changed. */
const char *currency_read_own(const char *text, struct currency_list *own);

/* The process's own currencies, copied. Call it once, before anything is read or written: what is
 * a currency may not change while a service runs. It is state of the process, as every reader and
 * writer of JSON would have to hand it on. */
void currency_use(const struct currency_list *own);
/* currency_find() among ISO 4217's and the process's own. */
int currency_minor_unit(const char *code);

#endif
