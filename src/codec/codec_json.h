/*
 * Inside of codec: JSON that is read. A text becomes an object, the members of the object become
 * values, and whatever is wrong becomes a complaint with its pointer. Other rooms include codec.h.
 */
#ifndef CARTD_CODEC_JSON_H
#define CARTD_CODEC_JSON_H

#include <jansson.h>

#include "codec.h"
#include "currency.h"

/* Who reads, and whether anything was wrong so far. */
struct codec_reader {
    struct base_arena *arena;            /* may be NULL when nothing is copied or complained of */
    struct codec_complaints *complaints; /* NULL: nobody wants to know the reasons */
    bool is_refused;
    bool is_of_client; /* 2.0 is an integer; cartd itself never writes it so */
};

/* Where a value stands, from the inside out, so that a pointer is only written when needed. The
 * root of a value that was found elsewhere has that pointer and no name. */
struct codec_path {
    const struct codec_path *parent; /* NULL: `root` is the pointer */
    const char *root;
    const char *name; /* of a member; NULL: `index` of an element */
    size_t index;
};

/* An object that is being read. */
struct codec_object {
    struct codec_reader *reader;
    json_t *members;
    struct codec_path path;
    int32_t schema_version; /* of an event */
    size_t n_read;          /* of its members so far */
};

/* ---- json.c ---------------------------------------------------------------------------------- */

/* The object that a stored text is; NULL when it isn't one. The caller's to json_decref(). */
json_t *codec_json_load(const char *text) BASE_MUST_CHECK;
/* The value that a request body is, no deeper than CODEC_DEPTH_MAX, with its complaint if it is
 * none. The caller's to json_decref(). */
enum codec_outcome codec_json_read_body(
    struct codec_reader *reader, struct codec_body body, json_t **value) BASE_MUST_CHECK;

/* ---- plain.c --------------------------------------------------------------------------------- */

/* The object that a text is, as jansson would load it with JSON_REJECT_DUPLICATES, no deeper than
 * CODEC_DEPTH_MAX; the caller's to json_decref(). NULL says nothing: ask jansson. */
json_t *codec_json_load_plain(const char *bytes, size_t length) BASE_MUST_CHECK;

/* ---- complaints.c ---------------------------------------------------------------------------- */

/* The RFC 6901 pointer of a path, in the arena. */
const char *codec_json_pointer(struct base_arena *arena, const struct codec_path *path);
/* These say what is wrong, and the reader remembers that something is. */
void codec_complain(
    struct codec_reader *reader, const struct codec_path *path, const char *format, ...)
    BASE_PRINTF(3, 4);
void codec_complain_of_member(
    const struct codec_object *object, const char *name, const char *format, ...) BASE_PRINTF(3, 4);
/* What was given, for such a sentence: short values as they are, others by their kind. */
const char *codec_describe(struct codec_reader *reader, const json_t *value);
const char *codec_describe_text(struct codec_reader *reader, const char *text);
/* False, with a complaint: it is no object. */
bool codec_open_object(
    struct codec_reader *reader, json_t *value, struct codec_path path,
    struct codec_object *object) BASE_MUST_CHECK;

/* ---- text.c ---------------------------------------------------------------------------------- */

/* Whether a text has a character that is a blank or is not seen at all: a separator of Unicode, or
 * a format character (category Cf), such as those that turn the direction of a text. */
bool codec_has_unseen(const char *text);

/* ---- values.c -------------------------------------------------------------------------------- */

/* 1 to `most` letters, digits and . _ ~ -, of which the first is a letter or a digit. */
bool codec_is_word(const char *text, size_t most);
/* The first control character of a text; -1: there is none. With `may_have_lines`, line breaks and
 * tabs are none. */
int codec_find_control_character(const char *text, bool may_have_lines);
/* Whether a part of the text between slashes is "." or "..". */
bool codec_has_dot_segment(const char *text);

/* ---- scan.c ---------------------------------------------------------------------------------- */

/* JSON as it stands, token by token: for what must not be read and written again, and for where
 * things are. It checks nothing: any bytes may be scanned. */
struct codec_scanner {
    const char *at;
    const char *end;
    size_t depth; /* of the objects and arrays that are open */
};
enum { CODEC_TOKEN_END = '\0', CODEC_TOKEN_TEXT = '"', CODEC_TOKEN_WORD = 'w' };
struct codec_token {
    char kind; /* one of these, or the mark that it is: { } [ ] : , */
    const char *bytes;
    size_t length; /* of a text, with its quotes */
};
struct codec_token codec_next_token(struct codec_scanner *scanner);
/* The next member of an object that the scanner has come to the beginning of, or to the end of a
 * member of. The object is well-formed. False: there is none. */
bool codec_next_member(
    struct codec_scanner *object, struct codec_token *name, struct codec_token *value);
/* Whether the name is that one, written without escapes. */
bool codec_is_named(const struct codec_token *name, const char *plain);

/* ---- canonical.c ----------------------------------------------------------------------------- */

/* Writes a value so that equal values give equal bytes: compact, keys sorted bytewise, integers as
 * integers, other numbers as the shortest text that reads back equal. PostgreSQL's jsonb reorders
 * keys and writes numbers anew; what it gives back is written the same again. Complains of and
 * returns false for numbers that don't survive that, and for nesting deeper than `most_levels`. */
bool codec_write_canonical(
    struct codec_reader *reader, json_t *value, const struct codec_path *path, size_t most_levels,
    struct base_buffer *out) BASE_MUST_CHECK;

#endif
