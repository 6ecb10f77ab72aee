/*
 * coupon_line: what one line of a file of coupons says, once it is known to be right: a JSON object
 * like the body of PUT /coupons/{code} with the code in it, or a record of a table whose columns
 * are its members. It reads no file and records nothing.
 */
#ifndef CARTD_CLI_COUPON_LINE_H
#define CARTD_CLI_COUPON_LINE_H

#include "columns.h"
#include "coupon.h"

extern const struct columns coupon_line_columns;

/* Texts go to the arena. False with what is wrong appended to `problem`; then `definition` is
 * untouched. */
bool coupon_line_read(
    const char *json, size_t length, struct base_arena *arena, struct coupon_definition *definition,
    struct base_buffer *problem) BASE_MUST_CHECK;
bool coupon_line_read_record(
    const struct columns_header *header, const struct csv_record *record, struct base_arena *arena,
    struct coupon_definition *definition, struct base_buffer *problem) BASE_MUST_CHECK;
/* Appends " (code …)". */
void coupon_line_append_code(struct base_buffer *problem, const char *code);

#endif
