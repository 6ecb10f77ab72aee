/*
 * cart: what may happen to a shopping cart. cart_decide() takes a command and refuses it or returns
 * the fact that it makes; cart_evolve() takes a fact and never refuses, for history is true.
 *
 * This room is arithmetic: no I/O, no clock, no allocation, no JSON. Every text is a NUL-terminated
 * UTF-8 string that is borrowed from the caller; a cart is valid as long as the texts of the events
 * that made it are. What a value may look like by itself (the pattern of a sku, a quantity of
 * 1..999 in a request) was checked before it came here; what it may do to the cart is decided here.
 */
#ifndef CARTD_CART_H
#define CARTD_CART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CART_LINES_MAX 250
#define CART_QUANTITY_MAX 999                     /* of one line */
#define CART_AMOUNT_MAX INT64_C(9007199254740991) /* 2^53-1: exact in every JSON reader */
#define CART_COMMANDS_MAX 100                     /* in one request */
#define CART_SKU_MAX 128                          /* code points */
#define CART_SKU_SIZE (4 * CART_SKU_MAX + 1)      /* of a sku in UTF-8, with the terminating NUL */
#define CART_ITEM_ID_MAX 64
#define CART_CUSTOMER_ID_MAX 128 /* code points */
#define CART_METADATA_MAX 4096   /* bytes as JSON */
#define CART_METADATA_DEPTH_MAX 3
#define CART_PROPERTIES_MAX 16 /* of one line */
#define CART_PROPERTY_NAME_MAX 32
#define CART_PROPERTY_VALUE_MAX 256    /* code points */
#define CART_PROPERTIES_BYTES_MAX 1024 /* as JSON */

/* The status of a cart, with its name in JSON and SQL. CART_ABSENT has no events yet. */
#define CART_STATUSES(ROW)                                                                         \
    ROW(ABSENT, "absent")                                                                          \
    ROW(OPEN, "open")                                                                              \
    ROW(CHECKED_OUT, "checked_out")                                                                \
    ROW(CANCELLED, "cancelled")
enum cart_status {
#define CART_ROW(NAME, name) CART_##NAME,
    CART_STATUSES(CART_ROW)
#undef CART_ROW
};
const char *cart_status_name(enum cart_status status);

/* Lines of one sku with different properties are different lines: what a line is is said by its sku
 * and its properties, and its item id is what it is called. */
struct cart_line {
    const char *item_id; /* of a plain line: its sku, unless another has that id */
    const char *sku;
    const char *name;
    const char *properties; /* a canonical JSON object of texts; NULL: none */
    int32_t quantity;
    int64_t unit_price_minor;
};

/* Times are microseconds since 1970 and are the database's, given when an event is recorded.
 * CART_TIME_PENDING: in an event that is decided but not recorded yet. CART_TIME_NONE: never. */
#define CART_TIME_NONE INT64_MIN
#define CART_TIME_PENDING (INT64_MIN + 1)

/* A cart after some events. Start with cart_clear(). About 10 KB: copy it with cart_copy(). */
struct cart {
    enum cart_status status;
    int32_t version; /* number of events */
    char currency[4];
    const char *customer_id;      /* NULL: none */
    const char *guest_token_hash; /* of the token of its guest; NULL: none */
    const char *metadata;         /* a JSON object as text */
    int32_t item_count;           /* sum of quantities */
    int64_t total_minor;
    int64_t created_at_us;
    int64_t updated_at_us;
    int64_t closed_at_us;
    size_t n_lines;
    struct cart_line lines[CART_LINES_MAX]; /* in the order first added */
};
/* Makes `cart` the one before its first event. */
void cart_clear(struct cart *cart);
/* Copies what is used of `from`; the texts stay borrowed. */
void cart_copy(struct cart *to, const struct cart *from);
/* A deep copy in as few bytes as can be: the cart up to its last line, then the texts. A line's
 * item id is its sku most of the time and is kept once then. `memory` is of cart_packed_size()
 * bytes and aligned for any type; it is returned. A packed cart is read, and copied, but not
 * evolved. */
size_t cart_packed_size(const struct cart *cart);
struct cart *cart_pack(void *memory, const struct cart *cart);
/* The line with that id, or NULL. */
const struct cart_line *cart_find_line(const struct cart *cart, const char *item_id);
/* The line of that sku with those properties (NULL: none), or NULL. */
const struct cart_line *cart_find_line_of(
    const struct cart *cart, const char *sku, const char *properties);
/* quantity times price; within CART_AMOUNT_MAX for every line of a cart. */
int64_t cart_line_total_minor(const struct cart_line *line);

/* ---- who may --------------------------------------------------------------------------------- */

#define CART_TOKEN_HASH_SIZE 65 /* 64 hexadecimal digits and the terminating NUL */

/* Who asks for a cart; each of the three is a right of its own. Zero: nobody. */
struct cart_caller {
    bool may_all;                                /* every cart */
    const char *customer_id;                     /* the carts of that customer; NULL: none */
    char guest_token_hash[CART_TOKEN_HASH_SIZE]; /* the cart whose token this is of; "": none */
};
/* Whether the caller may see and change a cart of that owner. NULLs: it has no customer, no token.
 * How long it takes says nothing about the hashes. */
bool cart_admits(
    const char *customer_id, const char *guest_token_hash, const struct cart_caller *caller);

/* ---- facts ----------------------------------------------------------------------------------- */

/* The events of a cart, with their names in the log and their present schema_version. */
#define CART_EVENTS(ROW)                                                                           \
    ROW(CREATED, "CartCreated", 2)                                                                 \
    ROW(CLAIMED, "CartClaimed", 1)                                                                 \
    ROW(ITEM_ADDED, "ItemAdded", 2)                                                                \
    ROW(ITEM_QUANTITY_CHANGED, "ItemQuantityChanged", 1)                                           \
    ROW(ITEM_REMOVED, "ItemRemoved", 1)                                                            \
    ROW(CLEARED, "CartCleared", 1)                                                                 \
    ROW(CHECKED_OUT, "CartCheckedOut", 1)                                                          \
    ROW(CANCELLED, "CartCancelled", 1)
enum cart_event_type {
#define CART_ROW(NAME, name, schema_version) CART_EVENT_##NAME,
    CART_EVENTS(CART_ROW)
#undef CART_ROW
};

struct cart_event {
    enum cart_event_type type;
    union {
        struct {
            char currency[4];
            const char *customer_id;      /* NULL: none */
            const char *guest_token_hash; /* NULL: none */
            const char *metadata;         /* a JSON object as text */
        } created;
        struct {
            const char *customer_id;
        } claimed;
        struct {
            const char *item_id;
            const char *sku;
            const char *name;
            const char *properties; /* a canonical JSON object of texts; NULL: none */
            int32_t quantity;       /* how many were added */
            int64_t unit_price_minor;
        } item_added;
        struct {
            const char *item_id;
            int32_t quantity; /* of the line from now on */
        } item_quantity_changed;
        struct {
            const char *item_id;
            int32_t quantity; /* what was there */
        } item_removed;
        struct {
            int64_t total_minor;
            char currency[4];
            int32_t item_count;
        } checked_out;
    };
};

/* Applies one fact: version grows by one, updated_at becomes `recorded_at_us`. */
void cart_evolve(struct cart *cart, const struct cart_event *event, int64_t recorded_at_us);
/* Which units in the open cart a fact changes: those of a sku, of a line, or all that are there. */
enum cart_reach_kind { CART_REACH_NOTHING, CART_REACH_SKU, CART_REACH_LINE, CART_REACH_ALL };
struct cart_reach {
    enum cart_reach_kind kind;
    const char *name; /* of the sku or the line; borrowed from the event */
};
struct cart_reach cart_find_reach(const struct cart_event *event);
/* Gives every pending time of the cart the moment at which the database recorded it. */
void cart_stamp(struct cart *cart, int64_t recorded_at_us);

/* ---- commands -------------------------------------------------------------------------------- */

/* What the catalogue says about a sku at the moment, in the cart's currency. */
struct cart_offer {
    bool is_known;  /* in the catalogue and active */
    bool has_price; /* in the cart's currency */
    const char *name;
    int64_t unit_price_minor;
};

/* The commands of a cart, with their names in POST /carts/{cart_id}/commands. */
#define CART_COMMANDS(ROW)                                                                         \
    ROW(CREATE, "create")                                                                          \
    ROW(CLAIM, "claim")                                                                            \
    ROW(ADD_ITEM, "add_item")                                                                      \
    ROW(CHANGE_ITEM_QUANTITY, "change_item_quantity")                                              \
    ROW(REMOVE_ITEM, "remove_item")                                                                \
    ROW(CLEAR_ITEMS, "clear_items")                                                                \
    ROW(CHECK_OUT, "check_out")                                                                    \
    ROW(CANCEL, "cancel")
enum cart_command_type {
#define CART_ROW(NAME, name) CART_COMMAND_##NAME,
    CART_COMMANDS(CART_ROW)
#undef CART_ROW
};

struct cart_command {
    enum cart_command_type type;
    union {
        struct {
            char currency[4];
            const char *customer_id;      /* NULL: none */
            const char *guest_token_hash; /* NULL: none */
            const char *metadata;         /* a JSON object as text */
        } create;
        struct {
            const char *customer_id;
        } claim; /* the cart becomes that customer's, and its token ends */
        struct {
            const char *sku;
            const char *properties; /* a canonical JSON object of texts; NULL: none */
            const char *item_id;    /* how a new line would be called; NULL: like its sku */
            int32_t quantity;       /* 1..999 */
        } add_item;
        struct {
            const char *item_id;
            int32_t quantity; /* 0..999; 0 removes */
        } change_item_quantity;
        struct {
            const char *item_id;
        } remove_item;
        struct {
            bool has_expected_total;
            int64_t expected_total_minor;
        } check_out;
    };
};

/* What a command names: a sku or the id of an item; "" for one that names neither. */
const char *cart_command_subject(const struct cart_command *command);

/* What one request asks of one cart: commands to be applied in order, all or nothing. */
struct cart_request {
    const struct cart_command *commands;
    size_t n_commands;
    struct cart_caller caller; /* a cart that does not admit the caller is not there */
};

/* Why a command is refused, in the order in which refusals win (docs/http.md, "Order of checks").
 * The names are the problems' slugs. The first two are about existence, the others are the rules of
 * the cart. */
#define CART_REFUSALS(ROW)                                                                         \
    ROW(NOT_FOUND, "cart-not-found")                                                               \
    ROW(ALREADY_EXISTS, "cart-already-exists")                                                     \
    ROW(IS_CLOSED, "cart-closed")                                                                  \
    ROW(IS_CLAIMED, "cart-already-claimed")                                                        \
    ROW(ITEM_NOT_IN_CART, "item-not-in-cart")                                                      \
    ROW(UNKNOWN_SKU, "unknown-sku")                                                                \
    ROW(PRICE_UNAVAILABLE, "price-unavailable")                                                    \
    ROW(QUANTITY_OUT_OF_RANGE, "quantity-out-of-range")                                            \
    ROW(IS_FULL, "cart-full")                                                                      \
    ROW(AMOUNT_TOO_LARGE, "amount-too-large")                                                      \
    ROW(IS_EMPTY, "cart-empty")                                                                    \
    ROW(TOTAL_CHANGED, "total-changed")
enum cart_refusal {
#define CART_ROW(NAME, slug) CART_REFUSED_##NAME,
    CART_REFUSALS(CART_ROW)
#undef CART_ROW
};

enum cart_outcome {
    CART_ACCEPTED,   /* `event` is the fact */
    CART_ALREADY_SO, /* nothing to record */
    CART_REFUSED,    /* `refusal` says why */
    CART_ID_TAKEN    /* add_item: another line is called so; decide again with another item_id */
};

struct cart_decision {
    enum cart_outcome outcome;
    enum cart_refusal refusal;
    struct cart_event event; /* borrows the texts of command, offer and cart */
};

/* Decides one command against a cart. `offer` is what the catalogue says of the command's sku:
 * needed for add_item, else NULL. Never changes the cart. */
struct cart_decision cart_decide(
    const struct cart *cart, const struct cart_command *command, const struct cart_offer *offer);

#endif
