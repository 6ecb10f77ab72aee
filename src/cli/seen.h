/*
 * seen: what the lines of a file said so far of its products or coupons, to find those that
 * contradict each other and to know which skus or codes there were. It remembers digests: 16 bytes
 * for each thing said, and up to as much again for room, however long the texts are.
 */
#ifndef CARTD_CLI_SEEN_H
#define CARTD_CLI_SEEN_H

#include "base.h"

struct seen_thing {
    uint64_t about; /* a digest; 0: this slot is free */
    uint32_t value; /* a digest */
    uint32_t line;  /* of the newest that said it */
};

struct seen {
    struct seen_thing *slots;
    size_t n_slots; /* 0, or a power of two */
    size_t n;
};

void seen_finish(struct seen *seen);
/* The number of the newest line that said something else than `value` of a sku's `what`, such as
 * its "name"; 0: none did. */
int64_t seen_find_other(
    const struct seen *seen, const char *sku, const char *what, const char *value) BASE_MUST_CHECK;
/* Notes that a line says `value`, which no line contradicts. */
void seen_note(
    struct seen *seen, const char *sku, const char *what, const char *value, int64_t line);
/* Whether the lines said this value of the sku. */
bool seen_says(const struct seen *seen, const char *sku, const char *what, const char *value)
    BASE_MUST_CHECK;
/* Whether any line said something of it. */
bool seen_has(const struct seen *seen, const char *sku, const char *what) BASE_MUST_CHECK;

#endif
