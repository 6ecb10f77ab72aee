/* Inside of currency: the table of ISO 4217. Other rooms include currency.h. */
#ifndef CARTD_CURRENCY_INTERNAL_H
#define CARTD_CURRENCY_INTERNAL_H

#include "currency.h"

extern const struct currency currency_iso_4217[]; /* sorted by code */
extern const size_t currency_iso_4217_count;

#endif
