/*
 * cart: what may happen to a shopping cart. cart_decide() takes a command and refuses it or says
 * which facts it makes; cart_evolve() takes a fact and never refuses, for history is true.
 *
 * This room is arithmetic: no I/O, no clock, no allocation, no JSON. Every text is a NUL-terminated
 * UTF-8 string that is borrowed from the caller; a cart is valid as long as the texts of the events
 * that made it are. What a value may look like by itself (the pattern of a sku, a quantity that is
 * not negative) was checked before it came here; what it may do to the cart is decided here.
 */
#ifndef CARTD_CART_H
#define CARTD_CART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "cart_caller.h"
#include "cart_coupon.h"
#include "cart_events.h"
#include "cart_limits.h"
#include "cart_names.h"

/* Whether two texts, of which each may be NULL, are the same. Most texts of two states of one cart
 * are at the same address. */
static inline bool cart_is_same_text(const char *left, const char *right)
{
    return left == right || (left != NULL && right != NULL && strcmp(left, right) == 0);
}

/* Lines of one sku with different properties are different lines: what a line is is said by its sku
 * and its properties, and its item id is what it is called. */
struct cart_line {
    const char *item_id; /* of a plain line: its sku, unless another has that id */
    const char *sku;
    const char *name;
    const char *properties; /* a canonical JSON object of texts; NULL: none */
    const char *unit;       /* of which the price is: kg; NULL: it has no name */
    const char *tags;       /* of the product: a JSON array of words; NULL: none */
    int32_t quantity;       /* counts 10^-scale units */
    int32_t scale;          /* stays as long as the line does */
    int32_t added_version;  /* of the event that brought it */
    bool is_price_set;      /* by another system; false: it is the catalogue's */
    int64_t unit_price_minor;
    int64_t discount_minor; /* of the cart's coupons; at most the subtotal */
};

/* What another service says that the cart costs besides its lines: taxes, delivery. */
struct cart_total {
    const char *name;
    int64_t amount_minor;
    bool is_stale; /* the lines have changed since it was set */
};

/* Times are microseconds since 1970 and are the database's, given when an event is recorded.
 * CART_TIME_PENDING: in an event that is decided but not recorded yet. CART_TIME_NONE: never. */
#define CART_TIME_NONE INT64_MIN
#define CART_TIME_PENDING (INT64_MIN + 1)

/* A cart after some events. Start with cart_clear(). About 16 KB: copy it with cart_copy(). */
struct cart {
    enum cart_status status;
    int32_t version; /* number of events */
    char currency[4];
    const char *customer_id;       /* NULL: none */
    const char *guest_token_hash;  /* of the token of its guest; NULL: none */
    const char *resume_token_hash; /* of the token by which somebody may go on; NULL: none */
    const char *metadata;          /* a JSON object as text */
    const char *customer_email;    /* NULL: none */
    const char *note;              /* NULL: none */
    const char *order_reference;   /* of the order that it became; NULL: none */
    const char *notes;       /* what its last change could not do: a JSON array; NULL: nothing */
    const char *merged_into; /* the id of the cart that its lines went into; NULL: none */
    int32_t merged_version;  /* of that cart, by the merge; else 0 */
    int32_t changed_version; /* of the newest event that can be undone; 0: there is none */
    int32_t undone_to;       /* the last undo led there; 0: there was a change since */
    int32_t item_count;      /* sum of quantities, of which one with decimals counts as 1 */
    int64_t subtotal_minor;  /* of all lines */
    int64_t discount_minor;  /* likewise */
    int64_t total_minor;     /* subtotal - discount + the amounts of `totals` */
    int64_t created_at_us;
    int64_t updated_at_us; /* by somebody: that it was abandoned is no change */
    int64_t closed_at_us;
    int64_t abandoned_at_us; /* of an open cart that nobody has touched for long */
    size_t n_totals;
    const struct cart_total *totals; /* in the order of their names */
    size_t n_coupons;
    const struct cart_coupon *coupons; /* in the order in which they were applied */
    size_t n_lines;
    struct cart_line lines[CART_LINES_MAX];            /* in the order first added */
    struct cart_total totals_room[CART_TOTALS_MAX];    /* `totals`, but of a packed cart */
    struct cart_coupon coupons_room[CART_COUPONS_MAX]; /* likewise */
};
/* Makes `cart` the one before its first event. */
void cart_clear(struct cart *cart);
/* Copies what is used of `from`; the texts, and what coupons are, stay borrowed. */
void cart_copy(struct cart *to, const struct cart *from);
/* A deep copy in as few bytes as can be: the cart up to its last line, then the texts. A line's
 * item id is its sku most of the time and is stored once then. `memory` is of cart_packed_size()
 * bytes and aligned for any type; it is returned. A packed cart is read, and copied, but not
 * evolved. */
size_t cart_packed_size(const struct cart *cart);
struct cart *cart_pack(void *memory, const struct cart *cart);
/* The line with that id, or NULL. */
const struct cart_line *cart_find_line(const struct cart *cart, const char *item_id);
/* The line of that sku with those properties (NULL: none), or NULL. */
const struct cart_line *cart_find_line_of(
    const struct cart *cart, const char *sku, const char *properties);
/* Whether the quantity of another line counts what that of `line` does: by the same scale and the
 * same unit. Pieces without a unit may get one; a unit that went and came back as another would
 * make pounds of kilograms. */
bool cart_line_counts_like(const struct cart_line *line, const struct cart_line *other);
/* The total of that name, or NULL. */
const struct cart_total *cart_find_total(const struct cart *cart, const char *name);
/* The coupon of that folded code, or NULL. */
const struct cart_coupon *cart_find_coupon(const struct cart *cart, const char *code);

/* The price of the quantity, rounded half away from zero to the minor unit, and the same without
 * the discount. INT64_MAX: it is too large to be held; decide lets no line of a cart be worth more
 * than CART_AMOUNT_MAX. */
int64_t cart_line_subtotal_minor(const struct cart_line *line);
int64_t cart_line_total_minor(const struct cart_line *line);
/* Makes the cart's sums those of its lines, coupons and totals. */
void cart_sum_up(struct cart *cart);

/* ---- how long it lasts ----------------------------------------------------------------------- */

/* How long after its last change an open cart counts as abandoned, and how long after it it
 * expires. 0: never. */
struct cart_lifetimes {
    int64_t abandoned_us;
    int64_t guest_us;    /* a cart without customer expires */
    int64_t customer_us; /* a cart of a customer expires */
    int64_t empty_us;    /* a cart without lines expires, whoever it belongs to */
};
/* How long after its last change such a cart expires; 0: never. */
int64_t cart_lifetime_us(const struct cart_lifetimes *lifetimes, bool has_customer, bool is_empty);
/* When; CART_TIME_NONE: never, or it is not open. The time may be one that has passed. */
int64_t cart_expires_at_us(const struct cart *cart, const struct cart_lifetimes *lifetimes);

/* ---- facts ----------------------------------------------------------------------------------- */

/* Applies one fact: version grows by one, and updated_at becomes `recorded_at_us` unless time alone
 * made the fact, or it is about a resume token. */
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

/* What the quantity of a line must be: from minimum to maximum, and a multiple. */
struct cart_limits {
    int32_t minimum;
    int32_t maximum;
    int32_t multiple_of;
};

/* What the catalogue says about a sku at the moment, in the cart's currency. */
struct cart_offer {
    bool is_known;  /* in the catalogue and active */
    bool has_price; /* in the cart's currency */
    const char *name;
    const char *unit; /* as in struct cart_line */
    const char *tags; /* likewise */
    int32_t scale;
    struct cart_limits limits;
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
    ROW(CANCEL, "cancel")                                                                          \
    ROW(CHANGE_DETAILS, "change_details")                                                          \
    ROW(CHANGE_ITEM, "change_item")                                                                \
    ROW(REPRICE, "reprice")                                                                        \
    ROW(CHANGE_CURRENCY, "change_currency")                                                        \
    ROW(UNDO, "undo")                                                                              \
    ROW(RESTORE, "restore")                                                                        \
    ROW(REOPEN, "reopen")                                                                          \
    ROW(SET_TOTAL, "set_total")                                                                    \
    ROW(REMOVE_TOTAL, "remove_total")                                                              \
    ROW(APPLY_COUPON, "apply_coupon")                                                              \
    ROW(REMOVE_COUPON, "remove_coupon")                                                            \
    ROW(ABANDON, "abandon") /* this and the next are a timer's, and no client's */                 \
    ROW(EXPIRE, "expire")                                                                          \
    ROW(MERGE, "merge")                                                                            \
    ROW(REVERT_MERGE, "revert_merge")                                                              \
    ROW(MAKE_RESUME_TOKEN, "make_resume_token")                                                    \
    ROW(END_RESUME_TOKEN, "end_resume_token")
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
            const char *copy_of;  /* the id of another cart whose lines it begins with; its currency
                                     counts, if none is given. NULL: it begins empty */
            int32_t copy_version; /* 0: as it is */
        } create;
        struct {
            const char *customer_id;
            bool has_merge; /* with the lines of the cart that the customer has open */
            enum cart_merge_rule merge;
        } claim; /* the cart becomes that customer's, and its token ends */
        struct {
            const char *sku;
            const char *properties; /* a canonical JSON object of texts; NULL: none */
            const char *item_id;    /* how a new line would be called; NULL: like its sku */
            int32_t quantity;       /* 1..CART_QUANTITY_MAX; 0: as little as the product allows */
            bool has_unit_price;    /* another system sets the price; false: it is the catalogue's
                                       or, of a line whose price is set, stays */
            int64_t unit_price_minor;
        } add_item;
        struct {
            const char *item_id;
            int32_t quantity; /* 0..CART_QUANTITY_MAX; 0 removes */
        } change_item_quantity;
        struct {
            const char *item_id;
        } remove_item;
        struct {
            bool has_expected_total;
            bool checks_prices; /* lines must cost what the catalogue says */
            int64_t expected_total_minor;
            const char *order_reference; /* NULL: none, or whatever it was checked out with */
        } check_out;
        struct {
            bool has_metadata; /* what is not given stays */
            bool has_customer_email;
            bool has_note;
            const char *metadata;       /* what is to be merged with it; NULL: it ends */
            const char *customer_email; /* NULL: none */
            const char *note;           /* NULL: none */
        } change_details;
        struct {
            const char *item_id;
            bool has_quantity;
            bool has_properties;
            bool has_unit_price;
            int32_t quantity;         /* 0..CART_QUANTITY_MAX; 0 removes */
            const char *properties;   /* what is to be merged with them; NULL: they end */
            int64_t unit_price_minor; /* CART_PRICE_OF_CATALOG: no set one any more */
        } change_item;
        struct {
            char currency[4];
        } change_currency;
        struct {
            int32_t version;
        } restore;
        struct {
            const char *reason; /* NULL: none */
        } reopen;
        struct {
            const char *name;
            int64_t amount_minor; /* 0..CART_AMOUNT_MAX */
        } set_total;
        struct {
            const char *name;
        } remove_total;
        struct {
            const char *code; /* folded */
        } apply_coupon, remove_coupon;
        struct {
            const char *from;       /* the id of the cart that ends, or had ended */
            const char *from_token; /* the Cart-Token of `from`, beside the caller's; NULL: none */
            enum cart_merge_rule rule; /* of a merge */
        } merge;                       /* and of reverting it */
        struct {
            const char *token_hash;
        } make_resume_token;
    };
};

#define CART_PRICE_OF_CATALOG INT64_C(-1)

/* What a command names: a sku, the id of an item or a cart, a total, a coupon; "": nothing.
 */
const char *cart_command_subject(const struct cart_command *command);

/* What one request asks of one cart: commands to be applied in order, all or nothing. */
struct cart_request {
    const struct cart_command *commands;
    size_t n_commands;
    struct cart_caller caller; /* a cart that does not admit the caller is not there */
    int64_t asked_at_us;
    int64_t reopen_us;      /* how long after its end an owner may reopen a cart */
    bool has_one_open_cart; /* of each customer one cart may be open; false: any number */
    const struct cart_lifetimes *lifetimes; /* for ABANDON and EXPIRE; NULL: all never */
};

/* The next of what time makes of a cart. */
struct cart_due {
    int64_t at_us;                  /* CART_TIME_NONE: nothing, ever */
    enum cart_command_type command; /* that does it: ABANDON or EXPIRE */
};
struct cart_due cart_find_due(const struct cart *cart, const struct cart_lifetimes *lifetimes);

/* Why a command is refused, in the order in which refusals win (docs/http.md, "Order of checks").
 * The names are the problems' slugs. The first two are about existence, the others are the rules of
 * the cart. */
#define CART_REFUSALS(ROW)                                                                         \
    ROW(NOT_FOUND, "cart-not-found")                                                               \
    ROW(ALREADY_EXISTS, "cart-already-exists")                                                     \
    ROW(IS_CLOSED, "cart-closed")                                                                  \
    ROW(OTHER_ORDER_REFERENCE, "order-reference-mismatch")                                         \
    ROW(IS_CLAIMED, "cart-already-claimed")                                                        \
    ROW(ITEM_NOT_IN_CART, "item-not-in-cart")                                                      \
    ROW(HAS_TOTALS, "cart-has-totals")                                                             \
    ROW(PRICE_IS_SET, "price-is-set")                                                              \
    ROW(UNKNOWN_SKU, "unknown-sku")                                                                \
    ROW(PRICE_UNAVAILABLE, "price-unavailable")                                                    \
    ROW(UNIT_CHANGED, "unit-changed")                                                              \
    ROW(QUANTITY_OUT_OF_RANGE, "quantity-out-of-range")                                            \
    ROW(IS_FULL, "cart-full")                                                                      \
    ROW(TOO_MANY_TOTALS, "too-many-totals")                                                        \
    ROW(TOO_MANY_COUPONS, "too-many-coupons")                                                      \
    ROW(COUPON_NOT_APPLICABLE, "coupon-not-applicable")                                            \
    ROW(COUPONS_NOT_COMBINABLE, "coupons-not-combinable")                                          \
    ROW(AMOUNT_TOO_LARGE, "amount-too-large")                                                      \
    ROW(IS_EMPTY, "cart-empty")                                                                    \
    ROW(TOTAL_CHANGED, "total-changed")                                                            \
    ROW(PRICES_CHANGED, "prices-changed")                                                          \
    ROW(COUPONS_CHANGED, "coupons-changed")                                                        \
    ROW(PRODUCT_WITHDRAWN, "product-withdrawn")                                                    \
    ROW(NOTHING_TO_UNDO, "nothing-to-undo")                                                        \
    ROW(NO_SUCH_VERSION, "no-such-version")                                                        \
    ROW(SOURCE_NOT_FOUND, "source-cart-not-found")                                                 \
    ROW(SOURCE_CLOSED, "source-cart-closed")                                                       \
    ROW(NOT_MERGED, "cart-not-merged")                                                             \
    ROW(REOPEN_TOO_LATE, "reopen-too-late")                                                        \
    ROW(METADATA_TOO_LARGE, "metadata-too-large")                                                  \
    ROW(PROPERTIES_TOO_LARGE, "properties-too-large")                                              \
    ROW(TOO_MANY_EVENTS, "too-many-events")                                                        \
    ROW(OPEN_CART_EXISTS, "open-cart-exists")
enum cart_refusal {
#define CART_ROW(NAME, slug) CART_REFUSED_##NAME,
    CART_REFUSALS(CART_ROW)
#undef CART_ROW
};

/* A line that a command could not do as asked, or that it is refused for; or a coupon that did not
 * come with a merge. */
struct cart_note {
    enum cart_refusal code;
    const char *coupon; /* as its code is written; NULL: it is about a line, as the others are */
    const char *item_id;
    const char *sku;
    int32_t quantity;            /* that was wanted */
    int64_t unit_price_minor;    /* of the line; -1: it is not about prices */
    int64_t current_price_minor; /* of the catalogue; -1: there is none */
};

/* What a decision may look at besides the cart. The functions of the last two may not know yet
 * (room `aggregate` says what is done then): a decision that was made without counts for nothing.
 */
struct cart_known {
    /* A JSON object with a merge patch (RFC 7396) applied to it, each NULL for {}; its text lives
     * as long as what else is decided on. NULL for {}; false: it is larger than it may be. */
    bool (*merge_metadata)(
        void *context, const char *metadata, const char *patch, const char **merged);
    bool (*merge_properties)(
        void *context, const char *properties, const char *patch, const char **merged);
    /* What the catalogue says of a sku. */
    struct cart_offer (*find_offer)(void *context, const char *sku, const char *currency);
    /* What has become of the coupon of a folded code, which is among those that the command is
     * about. */
    struct cart_coupon_offer (*find_coupon)(void *context, const char *code);
    /* The cart as it was at a version, or right before the command that made that version. NULL:
     * it was not there yet, or *is_read is false. */
    const struct cart *(*find_past)(
        void *context, int32_t version, bool is_before_command, bool *is_read);
    /* For a copy: the other cart. NULL: it is not there for the caller, or *is_read is false. */
    const struct cart *(*find_source)(
        void *context, const char *cart_id, int32_t version, bool *is_read);
    /* For a merge: the other cart, as it is, and its id. NULL: it is not there for the caller, or
     * there is none that the customer has open. And the id of the cart itself. */
    const struct cart *(*find_merged)(
        void *context, const struct cart_command *command, const char **cart_id);
    const char *cart_id;
    /* An id for a new line, another with each attempt, that lives as long as the facts do. */
    const char *(*make_item_id)(
        void *context, const char *sku, const char *properties, int attempt);
    void *context;
    int32_t recorded_version; /* of the cart, without what the request has already changed */
    const struct cart_request *request;
};

const char *cart_refusal_name(enum cart_refusal refusal);

enum cart_outcome {
    CART_ACCEPTED,   /* the events are the facts */
    CART_ALREADY_SO, /* nothing to record */
    CART_REFUSED,    /* `refusal` says why; the notes of which lines */
    CART_ID_TAKEN,   /* add_item: another line is called so; decide again with another item_id */
    CART_UNREAD      /* what it needs is not read yet */
};

/* How much a decision on that cart may have of each. */
struct cart_sizes {
    size_t n_events;
    size_t n_notes; /* and, if it isn't 0, as many prices as the cart has lines */
};
struct cart_sizes cart_find_sizes(const struct cart *cart, const struct cart_command *command);

/* The caller sets the arrays, of those sizes. */
struct cart_decision {
    enum cart_outcome outcome;
    enum cart_refusal refusal;
    struct cart_limits limits; /* with CART_REFUSED_QUANTITY_OUT_OF_RANGE: what is allowed */
    int64_t refused_quantity;  /* likewise: what the line would hold */
    int32_t current_version;   /* for CART_REFUSED_NO_SUCH_VERSION: of the cart that lacks it */
    enum coupon_usability coupon_usability; /* for CART_REFUSED_COUPON_NOT_APPLICABLE */
    struct cart_event *events;              /* borrow the texts of command, offers and carts */
    size_t n_events;
    struct cart_note *notes; /* with accepted: the last event is to have them */
    size_t n_notes;
    struct cart_item_price *prices; /* of an event */
    struct cart_coupon
        coupons[CART_COUPONS_MAX]; /* changed: with amounts of before, states of now */
    size_t n_coupons;
    bool has_other_event; /* with accepted, for the cart that find_merged() gave */
    struct cart_event other_event;
};

/* Decides one command against a cart, which it never changes. */
void cart_decide(
    const struct cart *cart, const struct cart_command *command, const struct cart_known *known,
    struct cart_decision *decision);

#endif
