/*
 * coupon: what may happen to a coupon: it is defined, withdrawn, redeemed and released. The same
 * shape as the cart room and as pure: commands in, facts out; texts borrowed from the caller, no
 * I/O, no clock, no allocation, no JSON. What a coupon takes off a cart is arithmetic of the cart.
 */
#ifndef CARTD_COUPON_H
#define CARTD_COUPON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define COUPON_CODE_MAX 64 /* code points */
#define COUPON_AMOUNT_MAX INT64_C(9007199254740991)
#define COUPON_PERCENT_MAX 10000 /* hundredths: all of it */
#define COUPON_CURRENCIES_MAX 32
#define COUPON_SKUS_MAX 250
#define COUPON_TAGS_MAX 50

#define COUPON_TEXTS_BYTES_MAX 8192 /* of its skus together as JSON; of its tags likewise */
#define COUPON_LIMIT_MAX INT64_C(1000000000)

/* Microseconds since 1970. NONE: there is no such time; PENDING: an event is decided, not recorded
 * yet. The same values as CART_TIME_NONE and CART_TIME_PENDING. */
#define COUPON_TIME_NONE INT64_MIN
#define COUPON_TIME_PENDING (INT64_MIN + 1)

struct coupon_money {
    char currency[4]; /* ISO 4217, upper case */
    int64_t amount_minor;
};
struct coupon_amounts {
    const struct coupon_money *list; /* sorted by currency, each once */
    size_t n;
};
struct coupon_texts {
    const char *const *list; /* sorted bytewise, each once */
    size_t n;
};
/* The amount in a currency; false when there is none. */
bool coupon_find_amount(
    const struct coupon_amounts *amounts, const char *currency, int64_t *amount_minor);

/* What a coupon is: the content of PUT /coupons/{code}. */
struct coupon_definition {
    const char *code;              /* as it was written; two that fold to the same are one coupon */
    int32_t percent_hundredths;    /* 1..COUPON_PERCENT_MAX; 0: it is an amount */
    struct coupon_amounts amounts; /* of which each is at least 1; none with a percentage */
    struct coupon_amounts minimums; /* that a cart must come to; in other currencies: nothing */
    struct coupon_texts skus;       /* which lines count, see coupon_covers() */
    struct coupon_texts tags;
    int64_t starts_at_us;       /* COUPON_TIME_NONE: at once */
    int64_t ends_at_us;         /* the first moment at which it is over; COUPON_TIME_NONE: never */
    int64_t limit;              /* uses at the same time, 1..COUPON_LIMIT_MAX; 0: any number */
    int64_t limit_per_customer; /* likewise; counted in the customer's stream, not here */
    bool is_combinable;         /* with other coupons in one cart */
};
/* Whether two definitions say the same, the code as it was written included. */
bool coupon_is_same(const struct coupon_definition *left, const struct coupon_definition *right);
/* Whether a line counts: it has one of the skus or one of the tags, or the coupon names none of
 * either. `tags` are the product's, a JSON array of words; NULL: none. */
bool coupon_covers(const struct coupon_definition *definition, const char *sku, const char *tags);

/* A coupon after some events. Zero with the times COUPON_TIME_NONE: before the first. */
struct coupon {
    int32_t version; /* number of events; 0: no such coupon */
    bool is_withdrawn;
    int64_t n_redeemed; /* uses now: redeemed and not released */
    int64_t updated_at_us;
    struct coupon_definition definition;
};

/* ---- facts ----------------------------------------------------------------------------------- */

#define COUPON_EVENTS(ROW)                                                                         \
    ROW(DEFINED, "CouponDefined", 1)                                                               \
    ROW(WITHDRAWN, "CouponWithdrawn", 1)                                                           \
    ROW(REDEEMED, "CouponRedeemed", 1)                                                             \
    ROW(RELEASED, "CouponReleased", 1)
enum coupon_event_type {
#define COUPON_ROW(NAME, name, schema_version) COUPON_EVENT_##NAME,
    COUPON_EVENTS(COUPON_ROW)
#undef COUPON_ROW
};

/* By which cart it was redeemed or released. */
struct coupon_use {
    const char *cart_id;
    const char *customer_id; /* NULL: the cart has none */
};

struct coupon_event {
    enum coupon_event_type type;
    union {
        struct coupon_definition defined; /* all of it; a withdrawn coupon is in force again */
        struct coupon_use redeemed;
        struct coupon_use released;
    };
};

/* Applies one fact: version grows by one, updated_at becomes `recorded_at_us`. */
void coupon_evolve(struct coupon *coupon, const struct coupon_event *event, int64_t recorded_at_us);

/* ---- its owner's commands -------------------------------------------------------------------- */

enum coupon_command_type {
    COUPON_COMMAND_DEFINE, /* the coupon becomes exactly `definition`; its uses stay */
    COUPON_COMMAND_WITHDRAW
};

struct coupon_command {
    enum coupon_command_type type;
    struct coupon_definition definition; /* of define */
    bool leaves_withdrawn;               /* of define: one that is withdrawn stays as it is */
};

/* Why a command is refused. */
enum coupon_refusal { COUPON_REFUSED_NOT_FOUND };

enum coupon_outcome {
    COUPON_ACCEPTED,
    COUPON_ALREADY_SO, /* nothing to record */
    COUPON_NOT_FOUND   /* withdraw: there is no such coupon */
};

struct coupon_decision {
    enum coupon_outcome outcome;
    struct coupon_event event; /* borrows the command's texts */
};

/* A limit may become lower than the number of uses: those stay, and there are no further ones. */
void coupon_decide(
    const struct coupon *coupon, const struct coupon_command *command,
    struct coupon_decision *decision);

/* ---- a cart's side --------------------------------------------------------------------------- */

/* Whether a coupon can be redeemed at a moment, and if not, why. */
enum coupon_usability {
    COUPON_USABLE,
    COUPON_UNKNOWN, /* it was never defined */
    COUPON_WITHDRAWN,
    COUPON_NOT_STARTED,
    COUPON_EXPIRED,
    COUPON_EXHAUSTED /* as many uses as its limit */
};
enum coupon_usability coupon_find_usability(const struct coupon *coupon, int64_t now_us);
/* One more use. `event` is set only when it is COUPON_USABLE. A coupon is never redeemed more often
 * than its limit says, as long as each event was decided on the state that the one before made. */
enum coupon_usability coupon_redeem(
    const struct coupon *coupon, int64_t now_us, struct coupon_use use, struct coupon_event *event);
/* One use less, whatever has become of the coupon since. False: it has none, and there is nothing
 * to record. Whether that cart redeemed it, the cart knows. */
bool coupon_release(const struct coupon *coupon, struct coupon_use use, struct coupon_event *event);

#endif
