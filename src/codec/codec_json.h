/*
 * Inside of codec: JSON that is read. A text becomes an object, the members of the object become
 * values, and whatever is wrong becomes a complaint with its pointer. Other rooms include codec.h.
 */
#ifndef CARTD_CODEC_JSON_H
#define CARTD_CODEC_JSON_H

#include <jansson.h>

#include "codec.h"

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
};

/* ---- json.c ---------------------------------------------------------------------------------- */

/* The object that a stored text is; NULL when it isn't one. The caller's to json_decref(). */
json_t *codec_json_load(const char *text) BASE_MUST_CHECK;
/* The object that a request body is, with its complaint if it isn't. */
enum codec_outcome codec_json_read_body(
    struct codec_reader *reader, struct codec_body body, json_t **object) BASE_MUST_CHECK;
/* The RFC 6901 pointer of a place, in the arena. */
const char *codec_json_pointer(struct base_arena *arena, const struct codec_path *path);

/* ---- plain.c --------------------------------------------------------------------------------- */

/* The object that a text is, as jansson would load it with JSON_REJECT_DUPLICATES, no deeper than
 * CODEC_DEPTH_MAX; the caller's to json_decref(). NULL says nothing: ask jansson. */
json_t *codec_json_load_plain(const char *bytes, size_t length) BASE_MUST_CHECK;

/* ---- fields.c -------------------------------------------------------------------------------- */

void codec_complain(
    struct codec_reader *reader, const struct codec_path *path, const char *format, ...)
    BASE_PRINTF(3, 4);
/* What was given, for a sentence: short values as they are, others by their kind. */
const char *codec_describe(struct codec_reader *reader, const json_t *value);

/* Each of these complains and returns false or NULL when the value is not as it should be; also
 * when it is missing, unless it says that it's optional, which is no complaint. A complaint is
 * remembered by the reader, so a caller that asks it at the end may ignore these results. */
bool codec_open_object(
    struct codec_reader *reader, json_t *value, struct codec_path path,
    struct codec_object *object) BASE_MUST_CHECK;
/* Complains about every member that is not in the NULL-terminated list. */
void codec_refuse_other_members(const struct codec_object *object, const char *const *names);
json_t *codec_find_member(const struct codec_object *object, const char *name, bool is_required);
void codec_complain_of_member(
    const struct codec_object *object, const char *name, const char *format, ...) BASE_PRINTF(3, 4);

struct codec_integer {
    const char *name;
    bool is_required;
    int64_t least;
    int64_t most;
};
bool codec_read_integer(
    const struct codec_object *object, const struct codec_integer *field, int64_t *number);
/* A required sku or item id; borrowed from the object. */
const char *codec_read_sku(const struct codec_object *object, const char *name);
/* Complains of a text that is no word of at most `most` letters, digits and . _ ~ -, as a sku is:
 * it is empty, too long, or has another character. `subject` begins the sentence. */
void codec_complain_of_word(
    const struct codec_object *object, const char *member, const char *subject, const char *text,
    int most);
/* A text of 1 to `most` characters without control characters, as `value` of that member must be.
 * The complaint says which of these it is not. */
const char *codec_read_label(
    const struct codec_object *object, const char *member, const char *subject, const json_t *value,
    int most);
/* Any text, required; borrowed from the object. */
const char *codec_read_text(const struct codec_object *object, const char *name);
bool codec_read_currency(
    const struct codec_object *object, bool is_required, char currency[static 4]);
bool codec_read_active(const struct codec_object *object, bool is_required, bool *is_active);
/* The required member "prices". */
bool codec_read_prices_member(const struct codec_object *object, struct catalog_content *content);
/* Each member of `prices` is a price. */
bool codec_read_price_list(const struct codec_object *prices, struct catalog_content *content)
    BASE_MUST_CHECK;

/* ---- properties.c ---------------------------------------------------------------------------- */

/* The member "properties" of an item as a canonical text in the arena; NULL: none. That of a
 * request is optional and has limits; that of a stored event is required and may be any texts. */
const char *codec_read_new_properties(const struct codec_object *item);
const char *codec_read_stored_properties(const struct codec_object *data);

/* ---- shapes.c -------------------------------------------------------------------------------- */

/* Brings the data of an event to the newest shape of its type. False: it is not of the shape that
 * its schema_version says, or that is unknown; `data` may have been changed. */
bool codec_upcast_members(const char *type, int32_t schema_version, json_t *data) BASE_MUST_CHECK;

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

/* ---- events.c -------------------------------------------------------------------------------- */

/* The present shape of an event's data. */
bool codec_read_cart_event_members(
    struct codec_reader *reader, enum cart_event_type type, json_t *members,
    struct cart_event *event) BASE_MUST_CHECK;

/* ---- canonical.c ----------------------------------------------------------------------------- */

/* Writes a value so that equal values give equal bytes: compact, keys sorted bytewise, integers as
 * integers, other numbers as the shortest text that reads back equal. PostgreSQL's jsonb reorders
 * keys and writes numbers anew; what it gives back is written the same again. Complains of and
 * returns false for numbers that don't survive that, and for nesting deeper than `most_levels`. */
bool codec_write_canonical(
    struct codec_reader *reader, json_t *value, const struct codec_path *path, size_t most_levels,
    struct base_buffer *out) BASE_MUST_CHECK;

#endif
