/*
 * utf_16: UTF-16 (RFC 2781) as UTF-8. Some spreadsheets save their text so.
 */
#ifndef CARTD_CLI_UTF_16_H
#define CARTD_CLI_UTF_16_H

#include "base.h"

/* Appends what the bytes say, and returns how many of them that took: what may be the beginning of
 * a character is left, unless nothing more comes. Half a surrogate pair, and a last byte that is
 * half a unit, become the byte FF, which is no UTF-8 and so no text. */
size_t utf_16_decode(
    struct base_buffer *out, const char *bytes, size_t n_bytes, bool is_big_endian, bool is_last);

#endif
