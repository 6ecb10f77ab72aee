/*
 * catalog: what may happen to a product. The same shape as the cart room and as pure: commands in,
 * facts out; texts borrowed from the caller, no I/O, no clock, no allocation, no JSON.
 */
#ifndef CARTD_CATALOG_H
#define CARTD_CATALOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CATALOG_PRICES_MAX 64 /* currencies of one product */
#define CATALOG_NAME_MAX 200  /* code points */
#define CATALOG_PRICE_MAX INT64_C(9007199254740991)
#define CATALOG_QUANTITY_MAX 1000000     /* that a product may allow a line to hold */
#define CATALOG_QUANTITY_DEFAULT_MAX 999 /* that it allows without saying so */
#define CATALOG_UNIT_MAX 16              /* code points */
#define CATALOG_SCALE_MAX 6
#define CATALOG_TAGS_MAX 20
#define CATALOG_TAG_MAX 64                                               /* characters */
#define CATALOG_TAGS_SIZE (CATALOG_TAGS_MAX * (CATALOG_TAG_MAX + 3) + 2) /* as JSON, with a NUL */

struct catalog_price {
    char currency[4]; /* ISO 4217, upper case */
    int64_t price_minor;
};

/* How much of the product one line of a cart may hold, and what a quantity counts: with the unit kg
 * and the scale 3, 1500 are 1.5 kg. All zero: as catalog_default_quantity says. */
struct catalog_quantity {
    int32_t minimum;
    int32_t maximum;
    int32_t multiple_of;
    int32_t scale;    /* the decimals of a quantity: it counts 10^-scale units */
    const char *unit; /* of which the price is; NULL: it has no name */
};
extern const struct catalog_quantity catalog_default_quantity; /* 1 to 999 pieces of it */
/* Whether any quantity is within the limits. */
bool catalog_quantity_is_possible(const struct catalog_quantity *quantity);

/* What a product is, apart from its sku: the content of PUT /products/{sku}. */
struct catalog_content {
    const char *name;
    bool is_active;
    struct catalog_quantity quantity;
    const char *tags; /* a JSON array of words, sorted, each once; NULL: none */
    size_t n_prices;
    struct catalog_price prices[CATALOG_PRICES_MAX]; /* sorted by currency, each once */
};

struct catalog_product {
    int32_t version; /* number of events; 0: no such product */
    const char *sku;
    int64_t updated_at_us; /* microseconds since 1970, or what stands for a time to come */
    struct catalog_content content;
};

#define CATALOG_EVENTS(ROW) ROW(PRODUCT_CHANGED, "ProductChanged", 3)
enum catalog_event_type {
#define CATALOG_ROW(NAME, name, schema_version) CATALOG_EVENT_##NAME,
    CATALOG_EVENTS(CATALOG_ROW)
#undef CATALOG_ROW
};

struct catalog_event {
    enum catalog_event_type type;
    struct {
        const char *sku;
        struct catalog_content content;
    } product_changed;
};

enum catalog_command_type {
    CATALOG_COMMAND_CHANGE_PRODUCT, /* the product becomes exactly `content` */
    CATALOG_COMMAND_SET_PRICE, /* one line of an import: name, one price, and activity, quantity and
                                  tags if it says so */
    CATALOG_COMMAND_DEACTIVATE /* the product, if there is one, becomes inactive; the rest stays */
};

struct catalog_command {
    enum catalog_command_type type;
    const char *sku;
    struct catalog_content content; /* set_price: name and prices[0]; is_active if has_active,
                                       quantity if has_quantity, tags if has_tags */
    bool takes_price_away; /* set_price only: there is no price in that currency any more */
    bool has_active; /* set_price only; when false an existing product keeps its activity and a new
                        one is active */
    bool has_quantity; /* set_price only; when false an existing product keeps its quantity and a
                          new one has the default */
    bool has_tags;     /* likewise; a new one has none */
    /* set_price only: the other currencies whose prices stay; NULL: all of them. */
    const char (*kept_currencies)[4];
    size_t n_kept_currencies;
};

/* Why a command is refused. */
enum catalog_refusal {
    CATALOG_REFUSED_TOO_MANY_PRICES /* set_price would make more than CATALOG_PRICES_MAX */
};

enum catalog_outcome {
    CATALOG_ACCEPTED,
    CATALOG_ALREADY_SO,     /* the same content: nothing to record */
    CATALOG_TOO_MANY_PRICES /* set_price would make more than CATALOG_PRICES_MAX */
};

struct catalog_decision {
    enum catalog_outcome outcome;
    struct catalog_event event;
};

/* The quantity that holds for a product: its own or the default. */
struct catalog_quantity catalog_find_quantity(const struct catalog_quantity *own);
bool catalog_quantity_is_same(
    const struct catalog_quantity *left, const struct catalog_quantity *right);
/* Sets a price, keeping the order; replaces the price of a currency that is there. False when the
 * content is full. */
bool catalog_content_set_price(
    struct catalog_content *content, const char *currency, int64_t price_minor);
/* Takes the price of a currency away, if there is one. */
void catalog_content_remove_price(struct catalog_content *content, const char *currency);
/* The price in a currency; false when there is none. */
bool catalog_find_price(
    const struct catalog_content *content, const char *currency, int64_t *price_minor);

void catalog_decide(
    const struct catalog_product *product, const struct catalog_command *command,
    struct catalog_decision *decision);
/* Applies one fact: version grows by one, updated_at becomes `recorded_at_us`. An event says all
 * that there is to know of the product. */
void catalog_evolve(
    struct catalog_product *product, const struct catalog_event *event, int64_t recorded_at_us);

#endif
