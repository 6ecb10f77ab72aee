/*
 * The facts of a cart: its events. A part of cart.h.
 */
#ifndef CARTD_CART_EVENTS_H
#define CARTD_CART_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cart_coupon.h"
#include "cart_names.h"

/* The events of a cart, with their names in the log and their present schema_version. */
#define CART_EVENTS(ROW)                                                                           \
    ROW(CREATED, "CartCreated", 2)                                                                 \
    ROW(CLAIMED, "CartClaimed", 1)                                                                 \
    ROW(ITEM_ADDED, "ItemAdded", 4)                                                                \
    ROW(ITEM_QUANTITY_CHANGED, "ItemQuantityChanged", 1)                                           \
    ROW(ITEM_REMOVED, "ItemRemoved", 1)                                                            \
    ROW(CLEARED, "CartCleared", 1)                                                                 \
    ROW(CHECKED_OUT, "CartCheckedOut", 2)                                                          \
    ROW(CANCELLED, "CartCancelled", 1)                                                             \
    ROW(DETAILS_CHANGED, "CartDetailsChanged", 1)                                                  \
    ROW(ITEM_PROPERTIES_CHANGED, "ItemPropertiesChanged", 1)                                       \
    ROW(ITEM_MERGED, "ItemMerged", 1)                                                              \
    ROW(ITEM_PRICE_CHANGED, "ItemPriceChanged", 2)                                                 \
    ROW(ITEM_RESTORED, "ItemRestored", 3)                                                          \
    ROW(CURRENCY_CHANGED, "CartCurrencyChanged", 1)                                                \
    ROW(COPIED, "CartCopied", 1)                                                                   \
    ROW(RESTORED, "CartRestored", 1)                                                               \
    ROW(REOPENED, "CartReopened", 1)                                                               \
    ROW(TOTAL_SET, "CartTotalSet", 2)                                                              \
    ROW(TOTAL_REMOVED, "CartTotalRemoved", 2)                                                      \
    ROW(COUPON_APPLIED, "CartCouponApplied", 1)                                                    \
    ROW(COUPON_REMOVED, "CartCouponRemoved", 1)                                                    \
    ROW(COUPON_LAPSED, "CartCouponLapsed", 1)                                                      \
    ROW(ABANDONED, "CartAbandoned", 1)                                                             \
    ROW(RESUMED, "CartResumed", 1)                                                                 \
    ROW(EXPIRED, "CartExpired", 1)                                                                 \
    ROW(MERGED, "CartMerged", 1)                                                                   \
    ROW(MERGED_INTO, "CartMergedInto", 1)                                                          \
    ROW(MERGE_REVERTED, "CartMergeReverted", 1)                                                    \
    ROW(RESUME_TOKEN_MADE, "CartResumeTokenMade", 1)                                               \
    ROW(RESUME_TOKEN_ENDED, "CartResumeTokenEnded", 1)
enum cart_event_type {
#define CART_ROW(NAME, name, schema_version) CART_EVENT_##NAME,
    CART_EVENTS(CART_ROW)
#undef CART_ROW
};

/* A line's price in another currency. */
struct cart_item_price {
    const char *item_id;
    int64_t unit_price_minor;
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
            const char *unit;       /* as in struct cart_line, from now on */
            const char *tags;       /* likewise */
            int32_t quantity;       /* how many were added */
            int32_t scale;
            bool is_price_set; /* as in a line */
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
            const char *order_reference; /* NULL: none */
        } checked_out;
        struct {
            const char *metadata;
            const char *customer_email; /* NULL: none */
            const char *note;           /* NULL: none */
        } details_changed;              /* all of them, as they are from now on */
        struct {
            const char *item_id;
            const char *properties; /* from now on; as in item_added */
        } item_properties_changed;
        struct {
            const char *item_id; /* the line that ends */
            const char *into;    /* the line that it is the same as */
            int32_t quantity;    /* how many moved */
        } item_merged;
        struct {
            const char *item_id;
            bool is_price_set;        /* as in a line */
            int64_t unit_price_minor; /* from now on */
        } item_price_changed;
        struct {
            const char *item_id;
            const char *sku;
            const char *name;
            const char *properties; /* as in item_added */
            const char *unit;
            const char *tags;
            int32_t quantity;
            int32_t scale;
            int32_t index;     /* where it comes among the lines */
            bool is_price_set; /* as in a line */
            int64_t unit_price_minor;
        } item_restored; /* a line that had left is there again */
        struct {
            char currency[4];
            const struct cart_item_price *prices; /* of each line */
            size_t n_prices;
        } currency_changed;
        struct {
            const char *cart_id; /* whose lines it has */
            int32_t version;
            const char *notes; /* a JSON array; NULL: nothing was left out */
        } copied;
        struct {
            int32_t version;   /* whose content the cart has again */
            int32_t undone_to; /* with undo: the version whose last change is the next to be undone;
                                  else 0 */
            const char *notes; /* a JSON array; NULL: nothing was left out */
        } restored;
        struct {
            const char *reason; /* NULL: none was given */
        } reopened;
        struct {
            const char *name;
            int64_t amount_minor;
            bool keeps_notes; /* those of the cart stay: nobody but a service has changed it */
        } total_set;
        struct {
            const char *name;
            bool keeps_notes;
        } total_removed;
        struct {
            const char *code;
            const struct coupon_definition *definition;
        } coupon_applied; /* anew: one that had lapsed can be redeemed again */
        struct {
            const char *code;
        } coupon_removed;
        struct {
            const char *code;
            enum cart_coupon_state state; /* expired or exhausted */
        } coupon_lapsed;                  /* it can't be redeemed any more */
        struct {
            int64_t total_minor;
            char currency[4];
            int32_t item_count;
        } abandoned; /* what was left */
        struct {
            const char *from; /* the id of the cart whose lines came with the events before */
            int32_t version;  /* of that cart */
            enum cart_merge_rule rule;
            const char *lines; /* before and after, if it changed: a JSON array; NULL: none */
            const char *notes; /* as of restored */
        } merged;
        struct {
            const char *into; /* the id of the cart that its lines went into */
            int32_t version;  /* of that cart, by the merge */
        } merged_into;
        struct {
            const char *cart_id; /* of the other cart; the one that had ended is open again */
            const char *notes;   /* as of restored */
        } merge_reverted;
        struct {
            const char *token_hash;
        } resume_token_made; /* a former one ends */
    };
};

#endif
