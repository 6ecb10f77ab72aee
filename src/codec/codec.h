/*
 * codec: values <-> JSON. Stored events and their upcasts, request bodies, documents as they are
 * served. It is the only room that knows the JSON names of things. It makes no decisions about
 * carts, sends nothing and asks nobody.
 *
 * The shapes of events and commands are tables (shapes.c), and one reader and one writer go by
 * them. JSON is parsed by jansson, by way of a quicker reader where it is plain (plain.c); what is
 * read is copied into the caller's arena.
 */
#ifndef CARTD_CODEC_H
#define CARTD_CODEC_H

#include "base.h"
#include "cart.h"
#include "catalog.h"
#include "coupon.h"
#include "customer.h"

/* Call it once, before anything else. What is read then takes its memory from base, as the rest
 * does: a parser without memory would say of good JSON that it isn't. */
void codec_begin(void);

#define CODEC_DEPTH_MAX 16 /* of any JSON a client sends */

/* How long carts last, for what their documents say about it; it is copied. Never called: for ever.
 */
void codec_use_lifetimes(const struct cart_lifetimes *lifetimes);
/* As in room cart, with those. */
int64_t codec_lifetime_us(bool has_customer, bool is_empty);

/* ---- documents ------------------------------------------------------------------------------- */

/* A cart as it is stored in the read table: the JSON that is served without the three times, a
 * complete object. The same cart gives the same bytes, however it was made. */
void codec_write_cart(
    struct base_buffer *out, const struct base_uuid *cart_id, const struct cart *cart);
/* Its three parts: up to its lines; the lines [from, end), with the commas between them; what
 * comes behind the last one. */
void codec_write_cart_begin(
    struct base_buffer *out, const struct base_uuid *cart_id, const struct cart *cart);
void codec_write_cart_lines(
    struct base_buffer *out, const struct cart *cart, size_t from, size_t end);
void codec_write_cart_end(struct base_buffer *out, const struct cart *cart);
/* A cart's document as it was stored, perhaps before it had all its members, in today's shape: what
 * codec_write_cart() would have written. */
void codec_write_stored_cart(struct base_buffer *out, const char *document, size_t length);
/* Whether a document, or a piece of it, is of a shape of before. */
bool codec_is_former_cart(const char *document, size_t length) BASE_MUST_CHECK;
/* The times of a cart's document. closed_at and abandoned_at may be CART_TIME_NONE (null). */
struct codec_cart_times {
    int64_t created_at_us;
    int64_t updated_at_us;
    int64_t closed_at_us;
    int64_t abandoned_at_us;
    int64_t lifetime_us; /* how long after updated_at it expires, unless it is closed; 0: never */
};
/* The answer: a stored document in today's shape, with its times put in before the closing brace.
 */
void codec_write_cart_times(
    struct base_buffer *out, const char *document, size_t length,
    const struct codec_cart_times *times);
/* The answer with what the catalogue says now: each line has "current_price" and "available", the
 * cart "current_total". `offers` is {"<item id>":[price or null, whether it is active, quantity or
 * null],…} of the lines whose products are known. A price of another unit than the line's is none.
 */
void codec_write_priced_cart(
    struct base_buffer *out, const char *document, size_t length, const char *offers,
    const struct codec_cart_times *times);
/* The times in place: `out` ends with a stored document; the times are put in before its end. */
void codec_append_cart_times(struct base_buffer *out, const struct codec_cart_times *times);

/* {"sku","version","name","prices","active"}, "tags" if it has some, and "quantity" unless it is
 * the default: a product as it is stored in the read table. */
void codec_write_product(struct base_buffer *out, const struct catalog_product *product);
/* Puts "minor_units", "updated_at", a default "quantity" and empty "tags" in before the closing
 * brace of the stored product that `out` ends with. What the minor units are may change with the
 * settings, so they are not stored. */
void codec_append_product_times(struct base_buffer *out, int64_t updated_at_us);

/* A coupon as it is stored in the read table: its definition, "version", "used" and "withdrawn". */
void codec_write_coupon(struct base_buffer *out, const struct coupon *coupon);
/* "updated_at", put in before the closing brace that `out` ends with: of a coupon, of a customer.
 */
void codec_append_updated_at(struct base_buffer *out, int64_t updated_at_us);

/* The decimals of a currency; null: it is none, or is none any more. */
void codec_write_minor_unit(struct base_buffer *out, const char *currency);

/* The object of a product's prices alone, {"EUR":499,"USD":549}, and back. False for anything
 * that the writer would not have written in meaning (not an object, not integers). Reading changes
 * only the prices of `content`. */
void codec_write_prices(struct base_buffer *out, const struct catalog_content *content);
bool codec_read_prices(const char *json, struct catalog_content *content) BASE_MUST_CHECK;

/* What a product says of quantities, {"minimum","maximum","multiple_of","unit","scale"}, and back;
 * its text goes to the arena. The default is written null and read from NULL. False, as for prices.
 */
void codec_write_quantity(struct base_buffer *out, const struct catalog_quantity *quantity);
bool codec_read_quantity(
    const char *json, struct base_arena *arena, struct catalog_quantity *quantity) BASE_MUST_CHECK;

/* A tag is a word of at most CATALOG_TAG_MAX characters. */
bool codec_is_tag(const char *text) BASE_MUST_CHECK;
/* Tags as they are stored: sorted, each once, a JSON array in the arena; NULL: there are none. The
 * order of `words` changes. */
const char *codec_make_tags(struct base_arena *arena, const char **words, size_t n);

/* ---- events ---------------------------------------------------------------------------------- */

/* The names of all events that there are, of any kind of stream; NULL ends them. */
extern const char *const codec_event_names[];

const char *codec_cart_event_name(enum cart_event_type type);
int32_t codec_cart_event_schema_version(enum cart_event_type type);
void codec_write_cart_event(struct base_buffer *out, const struct cart_event *event);
/* Reads a stored event of any schema version that was ever written, into today's shape. Texts go to
 * the arena. False: not an event that this version of cartd understands; `event` is untouched. */
bool codec_read_cart_event(
    const char *type, int32_t schema_version, const char *data, struct base_arena *arena,
    struct cart_event *event) BASE_MUST_CHECK;

const char *codec_catalog_event_name(enum catalog_event_type type);
int32_t codec_catalog_event_schema_version(enum catalog_event_type type);
void codec_write_catalog_event(struct base_buffer *out, const struct catalog_event *event);
bool codec_read_catalog_event(
    const char *type, int32_t schema_version, const char *data, struct base_arena *arena,
    struct catalog_event *event) BASE_MUST_CHECK;

const char *codec_coupon_event_name(enum coupon_event_type type);
int32_t codec_coupon_event_schema_version(enum coupon_event_type type);
void codec_write_coupon_event(struct base_buffer *out, const struct coupon_event *event);
/* Appends an object with the i-th member of a definition alone, and returns the member's name;
 * NULL: there are fewer. */
const char *codec_write_coupon_member(
    struct base_buffer *out, const struct coupon_definition *definition, size_t i);
bool codec_read_coupon_event(
    const char *type, int32_t schema_version, const char *data, struct base_arena *arena,
    struct coupon_event *event) BASE_MUST_CHECK;

const char *codec_customer_event_name(enum customer_event_type type);
int32_t codec_customer_event_schema_version(enum customer_event_type type);
void codec_write_customer_event(struct base_buffer *out, const struct customer_event *event);
bool codec_read_customer_event(
    const char *type, int32_t schema_version, const char *data, struct base_arena *arena,
    struct customer_event *event) BASE_MUST_CHECK;

/* How the shapes of stored events changed. A stored event keeps its schema_version forever; reading
 * it upcasts its data, one version after the other. `reason` is a static text, the rest of a
 * sentence about the event; it is set when the answer is false. */

/* 0: no such type. */
int32_t codec_newest_schema_version(const char *type);
/* Appends the data in the newest shape as canonical JSON. False: the data is not of the shape that
 * its schema_version says. */
bool codec_upcast_event(
    const char *type, int32_t schema_version, const char *data, struct base_buffer *newest,
    const char **reason) BASE_MUST_CHECK;
/* Whether `newest`, which is of the newest shape, brought back to `schema_version` is `data`, both
 * as canonical JSON. */
bool codec_is_upcast_of(
    const char *type, int32_t schema_version, const char *newest, const char *data,
    const char **reason) BASE_MUST_CHECK;
/* Whether nothing of it is lost: read and written again it is the same as upcast. */
bool codec_round_trips(
    const char *type, int32_t schema_version, const char *data,
    const char **reason) BASE_MUST_CHECK;
/* Whether two texts are the same JSON object: members in any order, numbers of the same kind and
 * value. False for what is none. */
bool codec_is_same_json(const char *left, const char *right) BASE_MUST_CHECK;

/* A cart as a snapshot stores it, and back; texts go to the arena. `shape` of a stored snapshot
 * must be this one, else it is not read: a snapshot can be made again from the events, so there are
 * no upcasts. False: not a snapshot; `cart` may have been changed. */
#define CODEC_SNAPSHOT_SHAPE 10
void codec_write_cart_snapshot(struct base_buffer *out, const struct cart *cart);
bool codec_read_cart_snapshot(const char *json, struct base_arena *arena, struct cart *cart)
    BASE_MUST_CHECK;

/* A coupon likewise. */
#define CODEC_COUPON_SNAPSHOT_SHAPE 1
void codec_write_coupon_snapshot(struct base_buffer *out, const struct coupon *coupon);
bool codec_read_coupon_snapshot(const char *json, struct base_arena *arena, struct coupon *coupon)
    BASE_MUST_CHECK;

/* What a client says of its trace (W3C Trace Context, W3C Baggage); each is NULL where it says
 * nothing. */
struct codec_trace {
    const char *traceparent;
    const char *tracestate;
    const char *baggage;
};
/* Why a command is sent that answers an event: the ids of the command that recorded the event, and
 * of the one that all of it began with. Each is NULL where nothing is known. */
struct codec_cause {
    const char *causation_id;
    const char *correlation_id;
};
/* What an event is recorded with: {"command_id":…,"actor":…,"traceparent":…}; what is NULL is left
 * out. */
struct codec_metadata {
    struct base_uuid command_id;
    const char *actor;
    struct codec_cause cause;
    struct codec_trace trace;
};
void codec_write_event_metadata(struct base_buffer *out, const struct codec_metadata *metadata);
/* The correlation_id of stored metadata; false: it has none. */
bool codec_read_correlation(const char *metadata, char id[static BASE_UUID_SIZE]) BASE_MUST_CHECK;

/* An event with everything around it, as GETs and `missed_events` show it: all but
 * the hash of a guest's token. */
struct codec_event {
    int64_t position;
    const char *stream_type;
    struct base_uuid stream_id;
    int32_t version;
    const char *type;
    int32_t schema_version;
    int64_t recorded_at_us;
    const char *data;     /* JSON */
    const char *metadata; /* JSON */
};
void codec_write_event(struct base_buffer *out, const struct codec_event *event);

/* An event as CloudEvents 1.0 has it: its attributes, and its data as codec_write_event() shows it.
 * Its texts are in the arena. */
struct codec_cloud_event {
    const char *specversion;
    const char *id; /* STREAM:VERSION, for ever the same */
    const char *source;
    const char *type; /* PREFIX.STREAM_TYPE.TYPE.vSCHEMA_VERSION */
    const char *subject;
    int64_t time_us;
    const char *datacontenttype;
    const char *sequence;     /* the position, of 16 digits, so that it sorts as text */
    const char *partitionkey; /* the stream: within it the order matters */
    const char *traceparent;  /* NULL: none */
    const char *data;
};
struct codec_cloud_naming {
    const char *source; /* a URI */
    const char *prefix; /* a name in reverse DNS notation */
};
struct codec_cloud_event codec_make_cloud_event(
    const struct codec_event *event, const struct codec_cloud_naming *naming,
    struct base_arena *arena);
/* The structured form of the JSON event format. */
void codec_write_cloud_event(struct base_buffer *out, const struct codec_cloud_event *event);

/* Whether any event was ever recorded under this name. */
bool codec_is_event_name(const char *name) BASE_MUST_CHECK;

/* An event as a copy of the log has it: one object on one line, with all that is stored of it. */
struct codec_event_copy {
    struct codec_event event;
    struct base_uuid command_id;
};
void codec_write_event_copy(struct base_buffer *out, const struct codec_event_copy *copy);
/* Reads such a line, whatever the order of its members and the blanks between them. Data and
 * metadata are taken as they stand, the texts go to the arena. NULL, or what is wrong with it in
 * the arena, the rest of a sentence: not JSON, a member missing, twice or too many, a value that is
 * not of its kind, or not belonging together. What the data means is not looked at. */
const char *codec_read_event_copy(
    const char *line, size_t length, struct base_arena *arena,
    struct codec_event_copy *copy) BASE_MUST_CHECK;

/* JSON over several lines, for people. `json` is well-formed. */
void codec_write_indented(struct base_buffer *out, const char *json, size_t length);

/* ---- request bodies -------------------------------------------------------------------------- */

enum codec_outcome {
    CODEC_READ,      /* the value is in the output */
    CODEC_MALFORMED, /* not JSON as we accept it (syntax, duplicate names, depth, NUL, UTF-8):
                        `complaints` has one, whose detail says what and where */
    CODEC_INVALID    /* JSON, but not this body: `complaints` says which fields and why. So is a
                        number that's too large to be held at all. */
};

#define CODEC_COMPLAINTS_MAX 20 /* further ones are not listed */
struct codec_complaint {
    const char *pointer; /* RFC 6901 into the body */
    const char *detail;  /* a sentence */
};
struct codec_complaints {
    size_t n;
    struct codec_complaint list[CODEC_COMPLAINTS_MAX];
};

/* A request body as it came. An empty body counts as {} where every member is optional. Where
 * `canonical` is not NULL it becomes the body's canonical form, in the arena, unless the body is
 * malformed: two bodies have the same if they are the same JSON, whatever the order of members, the
 * blanks between them, the escapes in texts and the notation of numbers (2, 2.0, 2e0). A member
 * that is left out is not the same as one that is given its default, as defaults may change. */
struct codec_body {
    const char *bytes;
    size_t length;
    const char **canonical;
};

/* The commands that one request asks for, in order; all or nothing. */
struct codec_commands {
    size_t n;
    struct cart_command *list;
    /* Where in the body each stands, parallel to list: "/commands/2", "/items/0"; "" when the body
     * as a whole is the command. */
    const char **pointers;
};

/* POST /carts: `create`, then one add_item per item. `has_id` says whether the client brought one.
 * `default_currency` is taken when the body names none. Metadata is made canonical, so that it's
 * the same text again when it comes back from jsonb. */
struct codec_new_cart {
    bool has_id;
    struct base_uuid id;
    struct codec_commands commands;
};
enum codec_outcome codec_read_new_cart(
    struct codec_body body, const char *default_currency, struct base_arena *arena,
    struct codec_new_cart *new_cart, struct codec_complaints *complaints) BASE_MUST_CHECK;
/* A body that is one command: POST …/items, …/claim, …/checkout, PATCH …/items/{item_id}, and those
 * that say nothing. An item_id is in the path and left NULL; the customer of a claim is NULL where
 * the body does not say. */
enum codec_outcome codec_read_command(
    struct codec_body body, enum cart_command_type type, struct base_arena *arena,
    struct codec_commands *commands, struct codec_complaints *complaints) BASE_MUST_CHECK;
/* POST …/commands */
enum codec_outcome codec_read_commands(
    struct codec_body body, struct base_arena *arena, struct codec_commands *commands,
    struct codec_complaints *complaints) BASE_MUST_CHECK;
/* PUT /products/{sku} */
enum codec_outcome codec_read_product(
    struct codec_body body, struct base_arena *arena, struct catalog_content *content,
    struct codec_complaints *complaints) BASE_MUST_CHECK;

/* A body that says nothing: it is empty, or {}. */
enum codec_outcome codec_read_nothing(
    struct codec_body body, struct base_arena *arena,
    struct codec_complaints *complaints) BASE_MUST_CHECK;
/* PUT /coupons/{code}: the code is left NULL. With `names_code` the body has it too, as a line of
 * an import does. */
enum codec_outcome codec_read_coupon(
    struct codec_body body, bool names_code, struct base_arena *arena,
    struct coupon_definition *definition, struct codec_complaints *complaints) BASE_MUST_CHECK;

/* An object with a merge patch (RFC 7396) applied to it, as canonical JSON in the arena; each NULL
 * stands for {}. Both are canonical. False: it is larger than that. */
struct codec_merge_limits {
    size_t bytes;
    size_t members; /* of the object itself */
    size_t levels;
};
bool codec_merge_patch(
    const char *object, const char *patch, const struct codec_merge_limits *limits,
    struct base_arena *arena, const char **merged) BASE_MUST_CHECK;

/* The notes of a decision as canonical JSON, in the arena; NULL: there are none. With `prices` they
 * say what lines cost and should cost. */
const char *codec_make_notes(
    struct base_arena *arena, const struct cart_note *notes, size_t n_notes, bool has_prices);

/* What has become of coupons that can't be redeemed any more, as JSON, in the arena. */
const char *codec_make_changed_coupons(
    struct base_arena *arena, const struct cart_coupon *coupons, size_t n_coupons);

/* What the events of a decision make of the quantities of the cart's lines, each once, as canonical
 * JSON in the arena; NULL: nothing. */
const char *codec_make_changes(
    struct base_arena *arena, const struct cart *cart, const struct cart_event *events,
    size_t n_events);

/* What a line that can't be called by its sku is called: an item id made from sku and properties
 * (NULL: none), which begins with what an item id can have of the sku, in the arena. The same for
 * the same three; each attempt gives another. */
char *codec_make_item_id(
    struct base_arena *arena, const char *sku, const char *properties, int attempt);

/* ---- bearer tokens --------------------------------------------------------------------------- */

/* The header of a token (JOSE, RFC 7515). Texts are in the arena. */
struct codec_token_header {
    const char *algorithm;
    const char *type; /* NULL: it does not say */
};
/* False: it is no such header, or it names extensions that must be understood, of which there are
 * none here. */
bool codec_read_token_header(
    const char *json, struct base_arena *arena, struct codec_token_header *header) BASE_MUST_CHECK;

/* The claims of a token (JWT, RFC 7519) that say to whom and for what it was given. Texts are in
 * the arena; NULL where a claim is absent. */
struct codec_claims {
    const char *issuer;
    const char *subject;
    const char *scope;   /* RFC 8693, section 4.2 */
    bool names_audience; /* `aud` is, or holds, the audience */
    bool has_expiry;
    int64_t expires_at_s;
    int64_t not_before_s; /* INT64_MIN where absent */
};
/* False: not an object of which each of these claims, where it is there, is of its kind. */
bool codec_read_claims(
    const char *json, const char *audience, struct base_arena *arena,
    struct codec_claims *claims) BASE_MUST_CHECK;

/* ---- values by themselves, wherever they come from ------------------------------------------- */

/* A text as it is compared and stored: in Unicode's normal form C (UAX 15), without the blanks
 * around it and what has no width there, with line feeds for line breaks of other systems. `text`
 * itself where that changes nothing, else in the arena. What is not UTF-8, or is too long to have
 * at most `most` code points, is not normalised; the checks below refuse both. */
const char *codec_normalise(struct base_arena *arena, const char *text, size_t most);
/* What a coupon's code is compared by: two codes with the same are one. That is Unicode's
 * NFKC_Casefold (Unicode Standard Annex 31 recommends it for identifiers without case): SUMMER is
 * summer, STRASSE is Straße, full-width letters are plain ones and what can't be seen is left out.
 * In the arena; NULL: it can't be a code. That has 1 to COUPON_CODE_MAX code points, folded too,
 * none of which is a control character or unknown to this version of Unicode (whose foldings are
 * not settled yet), has no slash, and is not . or .. alone or between backslashes. */
const char *codec_fold_code(struct base_arena *arena, const char *code);
/* The same of what somebody has written, normalised first. */
const char *codec_read_code(struct base_arena *arena, const char *text);
/* ^[A-Za-z0-9][A-Za-z0-9._~-]{0,63}$ */
bool codec_is_item_id(const char *text) BASE_MUST_CHECK;
/* 1..CART_SKU_MAX code points of UTF-8 without control characters, none of whose parts between
 * slashes, in either direction, is "." or "..": clients and proxies resolve those in a path. */
bool codec_is_sku(const char *text) BASE_MUST_CHECK;
/* The same of at most CART_PROPERTY_NAME_MAX characters. */
bool codec_is_property_name(const char *text) BASE_MUST_CHECK;
/* Three upper-case letters, as a currency of ISO 4217 has; whether there is such a currency,
 * currency_minor_unit() says. */
bool codec_is_currency(const char *text) BASE_MUST_CHECK;
/* No more than what any address has: who sends mail to it finds out whether it is one. */
bool codec_is_email(const char *text) BASE_MUST_CHECK;
/* 1..most code points of UTF-8 without control characters. */
bool codec_is_label(const char *text, size_t most) BASE_MUST_CHECK;

#endif
