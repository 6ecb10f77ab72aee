/*
 * Inside of codec: a JSON object and a C struct, member by member. A shape is a const table with a
 * row for each member; one reader and one writer go by it. All shapes of events and commands are in
 * shapes.c.
 */
#ifndef CARTD_CODEC_FIELDS_H
#define CARTD_CODEC_FIELDS_H

#include "codec_json.h"

/* What a member is in JSON, and in C. */
enum codec_kind {
    CODEC_WORD,       /* an item id or, with `most`, another word; const char * */
    CODEC_SKU,        /* const char * */
    CODEC_TEXT,       /* any text; const char *. With `most`: of 1 to so many characters, none of
                         which is a control character, in normal form */
    CODEC_CURRENCY,   /* char[4] */
    CODEC_INTEGER,    /* from `least` to `most`; int32_t or int64_t, of which null is what is less
                         than `least`, and is read as `otherwise` */
    CODEC_BOOLEAN,    /* bool */
    CODEC_METADATA,   /* an object; canonical JSON, const char *. With `most`: of so many bytes */
    CODEC_PROPERTIES, /* an object of texts; canonical JSON, const char *, NULL where there are
                         none. With `most`: of so many bytes, and within the other limits too */
    CODEC_PRICES,     /* an object of prices; n_prices and prices of a struct catalog_content */
    CODEC_QUANTITY,   /* an object of limits, unit and scale, or null; struct catalog_quantity */
    CODEC_TAGS,       /* an array of words; sorted canonical JSON, const char *, NULL where it is
                         empty. With `most`: of so many */
    CODEC_WORDS,      /* an array of words; struct coupon_texts, sorted. With `most`: of so many */
    CODEC_SKUS,       /* likewise of skus, within COUPON_TEXTS_BYTES_MAX as JSON too */
    CODEC_AMOUNTS,    /* an object of amounts by currency, each of at least `least`, or null; struct
                         coupon_amounts, sorted. With `most`: of so many */
    CODEC_TOKEN_HASH, /* 64 hexadecimal digits; const char * */
    CODEC_STATUS,     /* the name of a status that a cart can have; enum cart_status */
    CODEC_MERGE_RULE, /* the name of one; enum cart_merge_rule */
    CODEC_UUID,       /* struct base_uuid */
    CODEC_CART_ID,    /* the same, as a text; const char * */
    CODEC_NEW_ID,     /* the same, as a client may choose it for a cart */
    CODEC_TIME,       /* a time of RFC 3339; microseconds since 1970, int64_t, of which null is
                         INT64_MIN */
    CODEC_VERBATIM,   /* an object, as it stands; const char *. Its text is found by the caller */
    CODEC_EMAIL,      /* an address, of at most `most` characters; const char * */
    CODEC_PATCH,      /* a merge patch (RFC 7396) of an object; canonical JSON, const char *, of at
                         most `most` bytes. With `of_texts` its members are texts or null, within
                         the limits of properties */
    CODEC_NOTES,      /* an array; canonical JSON, const char *, NULL where it is empty */
    CODEC_ITEM_PRICES,  /* an object of prices by item id; prices and n_prices of the event that a
                           currency was changed */
    CODEC_PRICE_SOURCE, /* "catalog", which is left out where that is optional, or "set"; bool */
    CODEC_COUPON_CODE,  /* of at most `most` characters, folded; const char * */
    CODEC_COUPON,       /* an object: what a coupon is; const struct coupon_definition * */
    CODEC_COUPON_STATE, /* the name of a state; enum cart_coupon_state */
    CODEC_ELEMENTS,     /* an array of `least` to `most` elements; json_t *, borrowed */
    CODEC_TYPE          /* what says which shape it is; read by the caller, before the others */
};

/* A member. */
struct codec_field {
    const char *name;    /* NULL: the row behind the last one */
    char written[24];    /* the name as it is written: with a comma, quotes and a colon */
    uint8_t name_length; /* of `name` */
    uint8_t size;        /* of the member of the struct */
    uint16_t offset;     /* of it, in the struct */
    uint16_t given;      /* the offset of a bool that says whether it was given; 0: there is none */
    enum codec_kind kind;
    bool is_as_given; /* a text that is not brought into its normal form */
    bool has_lines;   /* a text that may have line breaks and tabs */
    bool is_optional; /* it may be left out, as the writer does with NULL and with an integer or a
                         quantity that is `otherwise` or the default */
    bool is_nullable; /* null is NULL */
    bool is_in_path;  /* of a command: the request's path says it, unless it's one of a list */
    bool is_hidden;   /* it is stored, but not shown */
    bool is_of_texts; /* of a patch: of properties */
    int32_t since;    /* the schema_version that brought it, before which it was null or {}; 0: it
                         was always there */
    int64_t least;
    int64_t most;
    int64_t otherwise; /* an integer or boolean that is left out, or an integer that is null */
};

/* The beginning of a row: its name alone, or with its kind and the member of a struct. */
#define CODEC_NAME(text)                                                                           \
    .name = (text), .written = ",\"" text "\":", .name_length = sizeof(text) - 1
#define CODEC_FIELD(text, field_kind, type, member)                                                \
    CODEC_NAME(text), .kind = CODEC_##field_kind, .offset = offsetof(type, member),                \
                      .size = sizeof(((type *)NULL)->member)

/* ---- fields.c -------------------------------------------------------------------------------- */

/* Reads the members that the rows name into `target`, texts into the arena. Whatever is wrong is
 * complained of to the reader of `object`; target's values are only good when nothing is. */
void codec_read_fields(struct codec_object *object, const struct codec_field *fields, void *target);
/* Then: complains of every member that was in none of these rows (unknown.c). */
void codec_refuse_other_members(
    const struct codec_object *object, const struct codec_field *fields);

/* ---- numbers.c ------------------------------------------------------------------------------- */

/* Sets an int32_t or int64_t, by the size of the field. */
void codec_set_integer(const struct codec_field *field, int64_t number, void *target);
/* CODEC_INTEGER */
void codec_read_integer(
    const struct codec_object *object, const struct codec_field *field, json_t *value,
    void *target);

/* ---- money.c --------------------------------------------------------------------------------- */

/* Of a client: in use. What was recorded stays readable, whatever became of its currency. */
bool codec_is_accepted_currency(const struct codec_reader *reader, const char *code);
/* CODEC_AMOUNTS; the second writes one. */
void codec_read_amounts(
    const struct codec_object *object, const struct codec_field *field, json_t *value,
    void *target);
void codec_write_amounts(struct base_buffer *out, const struct coupon_amounts *amounts);
/* CODEC_PRICES */
void codec_read_prices_member(
    const struct codec_object *object, const struct codec_field *field, json_t *value,
    void *target);

/* ---- quantity.c ------------------------------------------------------------------------------ */

/* A struct catalog_quantity as it is stored. */
extern const struct codec_field codec_quantity_fields[];
/* One of an event, or of a client: then its members are optional, and the default is all zero. */
void codec_read_quantity_member(
    const struct codec_object *object, const struct codec_field *field, json_t *value,
    void *target);

/* ---- names.c --------------------------------------------------------------------------------- */

void codec_read_status_member(
    const struct codec_object *object, const struct codec_field *field, json_t *value,
    void *target);
void codec_read_merge_rule_member(
    const struct codec_object *object, const struct codec_field *field, json_t *value,
    void *target);

/* ---- lists.c --------------------------------------------------------------------------------- */

/* CODEC_TAGS, CODEC_WORDS and CODEC_SKUS; the last writes the latter two. */
void codec_read_tags(
    const struct codec_object *object, const struct codec_field *field, json_t *value,
    void *target);
void codec_read_words(
    const struct codec_object *object, const struct codec_field *field, json_t *value,
    void *target);
void codec_read_skus(
    const struct codec_object *object, const struct codec_field *field, json_t *value,
    void *target);
void codec_write_texts(struct base_buffer *out, const struct coupon_texts *texts);

/* ---- write.c --------------------------------------------------------------------------------- */

/* Appends the object that a struct is. */
void codec_write_fields(
    struct base_buffer *out, const struct codec_field *fields, const void *source);
/* The same without what is hidden. */
void codec_write_shown_fields(
    struct base_buffer *out, const struct codec_field *fields, const void *source);

/* ---- envelope.c ------------------------------------------------------------------------------ */

/* The data of an event without what is hidden of it; in `data`, where that is not all. */
const char *codec_show_data(const struct codec_event *event, struct base_buffer *data);
/* NULL: its metadata have none. */
const char *codec_read_traceparent(const char *metadata, struct base_arena *arena);

/* ---- shapes.c -------------------------------------------------------------------------------- */

/* The data of a type of event. */
struct codec_shape {
    const char *type;
    int32_t schema_version; /* the newest */
    const struct codec_field *fields;
};
extern const struct codec_shape codec_cart_shapes[];     /* by enum cart_event_type */
extern const struct codec_shape codec_catalog_shapes[];  /* by enum catalog_event_type */
extern const struct codec_shape codec_coupon_shapes[];   /* by enum coupon_event_type */
extern const struct codec_shape codec_customer_shapes[]; /* by enum customer_event_type */
/* By the name of an event: of any, or of one kind of stream. NULL: there is none. */
const struct codec_shape *codec_find_shape(const char *type);
const struct codec_shape *codec_find_cart_shape(const char *type);
const struct codec_shape *codec_find_catalog_shape(const char *type);
const struct codec_shape *codec_find_customer_shape(const char *type);
const struct codec_shape *codec_find_coupon_shape(const char *type);

/* A command of a cart as one of a list; NULL: it can't be in one. */
const struct codec_field *codec_list_fields(enum cart_command_type type);
/* The same as a body, of a request whose path says the rest. */
const struct codec_field *codec_body_fields(enum cart_command_type type);

/* The body that creates a cart. */
struct codec_creation {
    struct cart_command command;
    struct base_uuid id;
    bool has_id;
    bool has_copy_of;
    struct base_uuid copy_of;
    json_t *items; /* NULL: none */
};
extern const struct codec_field codec_creation_fields[];
/* The body that is a list of commands. */
struct codec_command_list {
    json_t *commands;
};
extern const struct codec_field codec_command_list_fields[];
/* The body that is a product, into a struct catalog_content. */
extern const struct codec_field codec_content_fields[];

/* The body that is a coupon, into a struct coupon_definition; the first row is its code, which may
 * be in the path. */
extern const struct codec_field codec_definition_fields[];

/* ---- requests.c ------------------------------------------------------------------------------ */

/* A body on its way to a value. The JSON lives until codec_finish_request(). */
struct codec_request {
    struct codec_reader reader;
    json_t *json;
    struct codec_object body;
    const struct codec_field *fields;
};
void codec_finish_request(struct codec_request *request);
/* Reads the members of the body into `target`; of which kind it is say the fields. */
enum codec_outcome codec_begin_request(
    struct codec_request *request, struct codec_body body, struct base_arena *arena,
    struct codec_complaints *complaints, void *target) BASE_MUST_CHECK;
/* Whether it is one, after further checks of its body. */
enum codec_outcome codec_end_request(const struct codec_request *request) BASE_MUST_CHECK;

/* ---- documents.c ----------------------------------------------------------------------------- */

/* A cart as its stored document says, whatever shape that is of; texts go to the arena. False: it
 * can't be read. */
bool codec_read_stored_cart(
    const char *document, size_t length, struct base_arena *arena, struct base_uuid *id,
    struct cart *cart) BASE_MUST_CHECK;

/* ---- totals.c -------------------------------------------------------------------------------- */

/* The array of a cart's totals. Reading it leaves the sums as they are; false: it is none. */
void codec_write_totals(struct base_buffer *out, const struct cart *cart);
bool codec_read_totals(struct codec_reader *reader, json_t *array, struct cart *cart)
    BASE_MUST_CHECK;

/* ---- cart_coupons.c -------------------------------------------------------------------------- */

/* The array of a cart's coupons in its document. Reading it leaves the sums as they are; false: it
 * is none. */
void codec_write_coupons(struct base_buffer *out, const struct cart *cart);
bool codec_read_coupons(struct codec_reader *reader, json_t *array, struct cart *cart)
    BASE_MUST_CHECK;
/* The members of a snapshot that make the cart's coupons, behind a first one. */
void codec_write_coupon_events(struct base_buffer *out, const struct cart *cart);
bool codec_read_coupon_events(
    struct codec_reader *reader, const json_t *snapshot, struct cart *cart) BASE_MUST_CHECK;

/* ---- events.c -------------------------------------------------------------------------------- */

/* Data of the newest shape. */
bool codec_read_cart_event_members(
    struct codec_reader *reader, enum cart_event_type type, json_t *members,
    struct cart_event *event) BASE_MUST_CHECK;
bool codec_read_coupon_event_members(
    struct codec_reader *reader, enum coupon_event_type type, json_t *members,
    struct coupon_event *event) BASE_MUST_CHECK;

#endif
