#include <string.h>

#include "codec_fields.h"

/*
 * The shapes of events and commands: each member of each, once. Reader, writer, upcasts and the
 * lint test of openapi.yaml go by these rows.
 *
 * A stored event is a promise: it is never rewritten. A member that an event gets one day is a row
 * with `since`, and the schema_version of the event in the list of its room (CART_EVENTS, …) is one
 * more; events of before are read as if it were left out where it can be, null or, where it can't
 * be,
 * {}. A change of another kind
 * is an event of another name.
 */

enum { FIELDS_MAX = 12 };

/* ---- events ---------------------------------------------------------------------------------- */

/* Stored data is held to its shape, for a member that we would drop is history lost, and to what
 * arithmetic and the writers rely on: ranges of numbers, patterns of ids. Texts may be any: a limit
 * that is lowered one day must not make old carts unreadable. */

#define FIELD(name, kind, member) CODEC_FIELD(name, kind, struct cart_event, member)

static const struct codec_field cart_event_fields[][FIELDS_MAX] = {
    [CART_EVENT_CREATED] =
        {
            {FIELD("currency", CURRENCY, created.currency)},
            {FIELD("customer_id", TEXT, created.customer_id), .is_nullable = true},
            {FIELD("metadata", METADATA, created.metadata)},
            {FIELD("guest_token_hash", TOKEN_HASH, created.guest_token_hash), .is_nullable = true,
             .is_hidden = true, .since = 2},
        },
    [CART_EVENT_CLAIMED] =
        {
            {FIELD("customer_id", TEXT, claimed.customer_id)},
        },
    [CART_EVENT_ITEM_ADDED] =
        {
            {FIELD("item_id", WORD, item_added.item_id)},
            {FIELD("sku", SKU, item_added.sku)},
            {FIELD("name", TEXT, item_added.name)},
            {FIELD("quantity", INTEGER, item_added.quantity), .least = 1,
             .most = CART_QUANTITY_MAX},
            {FIELD("unit_price", INTEGER, item_added.unit_price_minor), .most = CART_AMOUNT_MAX},
            {FIELD("properties", PROPERTIES, item_added.properties), .since = 2},
            {FIELD("price_source", PRICE_SOURCE, item_added.is_price_set), .is_optional = true,
             .since = 3},
            {FIELD("unit", TEXT, item_added.unit), .is_optional = true, .since = 3},
            {FIELD("scale", INTEGER, item_added.scale), .is_optional = true, .since = 3, .least = 1,
             .most = CART_SCALE_MAX},
            {FIELD("tags", TAGS, item_added.tags), .is_optional = true, .since = 4},
        },
    [CART_EVENT_ITEM_QUANTITY_CHANGED] =
        {
            {FIELD("item_id", WORD, item_quantity_changed.item_id)},
            {FIELD("quantity", INTEGER, item_quantity_changed.quantity), .least = 1,
             .most = CART_QUANTITY_MAX},
        },
    [CART_EVENT_ITEM_REMOVED] =
        {
            {FIELD("item_id", WORD, item_removed.item_id)},
            {FIELD("quantity", INTEGER, item_removed.quantity), .least = 1,
             .most = CART_QUANTITY_MAX},
        },
    [CART_EVENT_CLEARED] = {{.name = NULL}},
    [CART_EVENT_CHECKED_OUT] =
        {
            {FIELD("total", INTEGER, checked_out.total_minor), .most = CART_AMOUNT_MAX},
            {FIELD("currency", CURRENCY, checked_out.currency)},
            {FIELD("item_count", INTEGER, checked_out.item_count), .least = 1,
             .most = CART_LINES_MAX * CART_QUANTITY_MAX},
            {FIELD("order_reference", TEXT, checked_out.order_reference), .is_nullable = true,
             .since = 2},
        },
    [CART_EVENT_CANCELLED] = {{.name = NULL}},
    [CART_EVENT_DETAILS_CHANGED] =
        {
            {FIELD("metadata", METADATA, details_changed.metadata)},
            {FIELD("customer_email", TEXT, details_changed.customer_email), .is_nullable = true},
            {FIELD("note", TEXT, details_changed.note), .is_nullable = true},
        },
    [CART_EVENT_ITEM_PROPERTIES_CHANGED] =
        {
            {FIELD("item_id", WORD, item_properties_changed.item_id)},
            {FIELD("properties", PROPERTIES, item_properties_changed.properties)},
        },
    [CART_EVENT_ITEM_MERGED] =
        {
            {FIELD("item_id", WORD, item_merged.item_id)},
            {FIELD("into", WORD, item_merged.into)},
            {FIELD("quantity", INTEGER, item_merged.quantity), .least = 1,
             .most = CART_QUANTITY_MAX},
        },
    [CART_EVENT_ITEM_PRICE_CHANGED] =
        {
            {FIELD("item_id", WORD, item_price_changed.item_id)},
            {FIELD("unit_price", INTEGER, item_price_changed.unit_price_minor),
             .most = CART_AMOUNT_MAX},
            {FIELD("price_source", PRICE_SOURCE, item_price_changed.is_price_set),
             .is_optional = true, .since = 2},
        },
    [CART_EVENT_ITEM_RESTORED] =
        {
            {FIELD("item_id", WORD, item_restored.item_id)},
            {FIELD("sku", SKU, item_restored.sku)},
            {FIELD("name", TEXT, item_restored.name)},
            {FIELD("quantity", INTEGER, item_restored.quantity), .least = 1,
             .most = CART_QUANTITY_MAX},
            {FIELD("unit_price", INTEGER, item_restored.unit_price_minor), .most = CART_AMOUNT_MAX},
            {FIELD("properties", PROPERTIES, item_restored.properties)},
            {FIELD("index", INTEGER, item_restored.index), .most = CART_LINES_MAX - 1},
            {FIELD("price_source", PRICE_SOURCE, item_restored.is_price_set), .is_optional = true,
             .since = 2},
            {FIELD("unit", TEXT, item_restored.unit), .is_optional = true, .since = 2},
            {FIELD("scale", INTEGER, item_restored.scale), .is_optional = true, .since = 2,
             .least = 1, .most = CART_SCALE_MAX},
            {FIELD("tags", TAGS, item_restored.tags), .is_optional = true, .since = 3},
        },
    [CART_EVENT_CURRENCY_CHANGED] =
        {
            {FIELD("currency", CURRENCY, currency_changed.currency)},
            {FIELD("unit_prices", ITEM_PRICES, currency_changed.prices)},
        },
    [CART_EVENT_COPIED] =
        {
            {FIELD("cart_id", TEXT, copied.cart_id)},
            {FIELD("version", INTEGER, copied.version), .least = 1, .most = INT32_MAX},
            {FIELD("notes", NOTES, copied.notes)},
        },
    [CART_EVENT_RESTORED] =
        {
            {FIELD("version", INTEGER, restored.version), .least = 1, .most = INT32_MAX},
            {FIELD("undone_to", INTEGER, restored.undone_to), .most = INT32_MAX},
            {FIELD("notes", NOTES, restored.notes)},
        },
    [CART_EVENT_REOPENED] =
        {
            {FIELD("reason", TEXT, reopened.reason), .is_nullable = true},
        },
    [CART_EVENT_TOTAL_SET] =
        {
            {FIELD("name", WORD, total_set.name)},
            {FIELD("amount", INTEGER, total_set.amount_minor), .most = CART_AMOUNT_MAX},
            {FIELD("keeps_notes", BOOLEAN, total_set.keeps_notes), .is_optional = true, .since = 2},
        },
    [CART_EVENT_TOTAL_REMOVED] =
        {
            {FIELD("name", WORD, total_removed.name)},
            {FIELD("keeps_notes", BOOLEAN, total_removed.keeps_notes), .is_optional = true,
             .since = 2},
        },
    [CART_EVENT_COUPON_APPLIED] =
        {
            {FIELD("code", TEXT, coupon_applied.code)},
            {FIELD("coupon", COUPON, coupon_applied.definition)},
        },
    [CART_EVENT_COUPON_REMOVED] =
        {
            {FIELD("code", TEXT, coupon_removed.code)},
        },
    [CART_EVENT_COUPON_LAPSED] =
        {
            {FIELD("code", TEXT, coupon_lapsed.code)},
            {FIELD("state", COUPON_STATE, coupon_lapsed.state)},
        },
    [CART_EVENT_ABANDONED] =
        {
            {FIELD("total", INTEGER, abandoned.total_minor), .most = CART_AMOUNT_MAX},
            {FIELD("currency", CURRENCY, abandoned.currency)},
            {FIELD("item_count", INTEGER, abandoned.item_count), .least = 1,
             .most = CART_LINES_MAX * CART_QUANTITY_MAX},
        },
    [CART_EVENT_RESUMED] = {{.name = NULL}},
    [CART_EVENT_EXPIRED] = {{.name = NULL}},
    [CART_EVENT_MERGED] =
        {
            {FIELD("from", CART_ID, merged.from)},
            {FIELD("version", INTEGER, merged.version), .least = 1, .most = INT32_MAX},
            {FIELD("quantities", MERGE_RULE, merged.rule)},
            {FIELD("lines", NOTES, merged.lines)},
            {FIELD("notes", NOTES, merged.notes)},
        },
    [CART_EVENT_MERGED_INTO] =
        {
            {FIELD("into", CART_ID, merged_into.into)},
            {FIELD("version", INTEGER, merged_into.version), .least = 1, .most = INT32_MAX},
        },
    [CART_EVENT_MERGE_REVERTED] =
        {
            {FIELD("cart_id", CART_ID, merge_reverted.cart_id)},
            {FIELD("notes", NOTES, merge_reverted.notes)},
        },
    [CART_EVENT_RESUME_TOKEN_MADE] =
        {
            {FIELD("token_hash", TOKEN_HASH, resume_token_made.token_hash), .is_hidden = true},
        },
    [CART_EVENT_RESUME_TOKEN_ENDED] = {{.name = NULL}},
};

#undef FIELD
#define FIELD(name, kind, member) CODEC_FIELD(name, kind, struct catalog_event, member)

static const struct codec_field catalog_event_fields[][FIELDS_MAX] = {
    [CATALOG_EVENT_PRODUCT_CHANGED] =
        {
            {FIELD("sku", SKU, product_changed.sku)},
            {FIELD("name", TEXT, product_changed.content.name)},
            {FIELD("prices", PRICES, product_changed.content.n_prices)},
            {FIELD("active", BOOLEAN, product_changed.content.is_active)},
            {FIELD("quantity", QUANTITY, product_changed.content.quantity), .is_nullable = true,
             .since = 2},
            {FIELD("tags", TAGS, product_changed.content.tags), .is_optional = true, .since = 3},
        },
};

#undef FIELD
#define FIELD(name, kind, member) CODEC_FIELD(name, kind, struct coupon_event, member)

static const struct codec_field coupon_event_fields[][FIELDS_MAX] = {
    [COUPON_EVENT_DEFINED] =
        {
            {FIELD("code", TEXT, defined.code)},
            {FIELD("percent", INTEGER, defined.percent_hundredths), .is_nullable = true, .least = 1,
             .most = COUPON_PERCENT_MAX},
            {FIELD("amount", AMOUNTS, defined.amounts), .is_nullable = true, .least = 1},
            {FIELD("minimum", AMOUNTS, defined.minimums)},
            {FIELD("skus", SKUS, defined.skus)},
            {FIELD("tags", WORDS, defined.tags)},
            {FIELD("starts_at", TIME, defined.starts_at_us), .is_nullable = true},
            {FIELD("ends_at", TIME, defined.ends_at_us), .is_nullable = true},
            {FIELD("limit", INTEGER, defined.limit), .is_nullable = true, .least = 1,
             .most = COUPON_LIMIT_MAX},
            {FIELD("limit_per_customer", INTEGER, defined.limit_per_customer), .is_nullable = true,
             .least = 1, .most = COUPON_LIMIT_MAX},
            {FIELD("combinable", BOOLEAN, defined.is_combinable)},
        },
    [COUPON_EVENT_WITHDRAWN] = {{.name = NULL}},
    [COUPON_EVENT_REDEEMED] =
        {
            {FIELD("cart_id", TEXT, redeemed.cart_id)},
            {FIELD("customer_id", TEXT, redeemed.customer_id), .is_nullable = true},
        },
    [COUPON_EVENT_RELEASED] =
        {
            {FIELD("cart_id", TEXT, released.cart_id)},
            {FIELD("customer_id", TEXT, released.customer_id), .is_nullable = true},
        },
};
_Static_assert(COUPON_TIME_NONE == INT64_MIN, "what null is");

#undef FIELD
#define FIELD(name, kind, member) CODEC_FIELD(name, kind, struct customer_event, member)

static const struct codec_field customer_event_fields[][FIELDS_MAX] = {
    [CUSTOMER_EVENT_CART_OPENED] =
        {
            {FIELD("customer_id", TEXT, customer_id)},
            {FIELD("cart_id", WORD, cart_opened.cart_id)},
        },
    [CUSTOMER_EVENT_CART_CLOSED] =
        {
            {FIELD("customer_id", TEXT, customer_id)},
            {FIELD("cart_id", WORD, cart_closed.cart_id)},
        },
    [CUSTOMER_EVENT_COUPON_USED] =
        {
            {FIELD("customer_id", TEXT, customer_id)},
            {FIELD("code", TEXT, coupon_used.code)},
            {FIELD("cart_id", WORD, coupon_used.cart_id)},
        },
    [CUSTOMER_EVENT_COUPON_RELEASED] =
        {
            {FIELD("customer_id", TEXT, customer_id)},
            {FIELD("code", TEXT, coupon_released.code)},
            {FIELD("cart_id", WORD, coupon_released.cart_id)},
        },
};

#undef FIELD

/* ---- commands -------------------------------------------------------------------------------- */

#define FIELD(name, kind, member) CODEC_FIELD(name, kind, struct cart_command, member)
#define GIVEN(member) .given = offsetof(struct cart_command, member)
/* In a list of commands each says its type. What has no such row can't be in one. */
#define TYPE CODEC_NAME("type"), .kind = CODEC_TYPE, .is_in_path = true

static const struct codec_field command_fields[][FIELDS_MAX] = {
    [CART_COMMAND_CLAIM] =
        {
            {FIELD("customer_id", TEXT, claim.customer_id), .is_optional = true,
             .is_nullable = true, .most = CART_CUSTOMER_ID_MAX},
            {FIELD("merge", MERGE_RULE, claim.merge), .is_optional = true, GIVEN(claim.has_merge)},
        },
    [CART_COMMAND_ADD_ITEM] =
        {
            {TYPE},
            {FIELD("sku", SKU, add_item.sku)},
            {FIELD("quantity", INTEGER, add_item.quantity), .is_optional = true, .least = 1,
             .most = CART_QUANTITY_MAX},
            {FIELD("properties", PROPERTIES, add_item.properties), .is_optional = true,
             .most = CART_PROPERTIES_BYTES_MAX},
            {FIELD("unit_price", INTEGER, add_item.unit_price_minor), .is_optional = true,
             GIVEN(add_item.has_unit_price), .most = CART_AMOUNT_MAX},
        },
    [CART_COMMAND_CHANGE_ITEM_QUANTITY] =
        {
            {TYPE},
            {FIELD("item_id", WORD, change_item_quantity.item_id), .is_in_path = true},
            {FIELD("quantity", INTEGER, change_item_quantity.quantity), .most = CART_QUANTITY_MAX},
        },
    [CART_COMMAND_REMOVE_ITEM] =
        {
            {TYPE},
            {FIELD("item_id", WORD, remove_item.item_id), .is_in_path = true},
        },
    [CART_COMMAND_CLEAR_ITEMS] = {{TYPE}},
    [CART_COMMAND_CHECK_OUT] =
        {
            {TYPE},
            {FIELD("expected_total", INTEGER, check_out.expected_total_minor), .is_optional = true,
             GIVEN(check_out.has_expected_total), .most = CART_AMOUNT_MAX},
            {FIELD("check_prices", BOOLEAN, check_out.checks_prices), .is_optional = true},
            {FIELD("order_reference", TEXT, check_out.order_reference), .is_optional = true,
             .is_nullable = true, .is_as_given = true, .most = CART_ORDER_REFERENCE_MAX},
        },
    [CART_COMMAND_CANCEL] = {{TYPE}},
    [CART_COMMAND_CHANGE_DETAILS] =
        {
            {TYPE},
            {FIELD("metadata", PATCH, change_details.metadata), .is_optional = true,
             .is_nullable = true, GIVEN(change_details.has_metadata), .most = CART_METADATA_MAX},
            {FIELD("customer_email", EMAIL, change_details.customer_email), .is_optional = true,
             .is_nullable = true, GIVEN(change_details.has_customer_email), .most = CART_EMAIL_MAX},
            {FIELD("note", TEXT, change_details.note), .is_optional = true, .is_nullable = true,
             GIVEN(change_details.has_note), .has_lines = true, .most = CART_NOTE_MAX},
        },
    [CART_COMMAND_CHANGE_ITEM] =
        {
            {TYPE},
            {FIELD("item_id", WORD, change_item.item_id), .is_in_path = true},
            {FIELD("quantity", INTEGER, change_item.quantity), .is_optional = true,
             GIVEN(change_item.has_quantity), .most = CART_QUANTITY_MAX},
            {FIELD("properties", PATCH, change_item.properties), .is_optional = true,
             .is_nullable = true, GIVEN(change_item.has_properties), .is_of_texts = true,
             .most = CART_PROPERTIES_BYTES_MAX},
            {FIELD("unit_price", INTEGER, change_item.unit_price_minor), .is_optional = true,
             .is_nullable = true, .otherwise = CART_PRICE_OF_CATALOG,
             GIVEN(change_item.has_unit_price), .most = CART_AMOUNT_MAX},
        },
    [CART_COMMAND_REPRICE] = {{TYPE}},
    [CART_COMMAND_CHANGE_CURRENCY] =
        {
            {TYPE},
            {FIELD("currency", CURRENCY, change_currency.currency)},
        },
    [CART_COMMAND_UNDO] = {{TYPE}},
    [CART_COMMAND_RESTORE] =
        {
            {TYPE},
            {FIELD("version", INTEGER, restore.version), .least = 1, .most = INT32_MAX},
        },
    [CART_COMMAND_REOPEN] =
        {
            {TYPE},
            {FIELD("reason", TEXT, reopen.reason), .is_optional = true, .is_nullable = true,
             .has_lines = true, .most = CART_REASON_MAX},
        },
    [CART_COMMAND_SET_TOTAL] =
        {
            {TYPE},
            {FIELD("name", WORD, set_total.name), .is_in_path = true, .most = CART_TOTAL_NAME_MAX},
            {FIELD("amount", INTEGER, set_total.amount_minor), .most = CART_AMOUNT_MAX},
        },
    [CART_COMMAND_REMOVE_TOTAL] =
        {
            {TYPE},
            {FIELD("name", WORD, remove_total.name), .is_in_path = true,
             .most = CART_TOTAL_NAME_MAX},
        },
    [CART_COMMAND_APPLY_COUPON] =
        {
            {TYPE},
            {FIELD("code", COUPON_CODE, apply_coupon.code), .most = COUPON_CODE_MAX},
        },
    [CART_COMMAND_REMOVE_COUPON] =
        {
            {TYPE},
            {FIELD("code", COUPON_CODE, remove_coupon.code), .is_in_path = true,
             .most = COUPON_CODE_MAX},
        },
    [CART_COMMAND_ABANDON] = {{.name = NULL}},
    [CART_COMMAND_EXPIRE] = {{.name = NULL}},
    [CART_COMMAND_MERGE] =
        {
            {FIELD("from", CART_ID, merge.from)},
            {FIELD("quantities", MERGE_RULE, merge.rule), .is_optional = true},
            {FIELD("from_token", TEXT, merge.from_token), .is_optional = true, .is_as_given = true,
             .most = CART_TOKEN_MAX},
        },
    [CART_COMMAND_REVERT_MERGE] =
        {
            {FIELD("from_token", TEXT, merge.from_token), .is_optional = true, .is_as_given = true,
             .most = CART_TOKEN_MAX},
        },
    [CART_COMMAND_MAKE_RESUME_TOKEN] = {{.name = NULL}},
    [CART_COMMAND_END_RESUME_TOKEN] = {{.name = NULL}},
};

#undef TYPE
#undef GIVEN
#undef FIELD

const struct codec_field *codec_list_fields(enum cart_command_type type)
{
    const struct codec_field *fields = command_fields[type];
    return fields->kind == CODEC_TYPE ? fields : NULL;
}

const struct codec_field *codec_body_fields(enum cart_command_type type)
{
    const struct codec_field *fields = command_fields[type];
    while (fields->is_in_path)
        fields++;
    return fields;
}

/* ---- other bodies ---------------------------------------------------------------------------- */

#define FIELD(name, kind, member) CODEC_FIELD(name, kind, struct codec_creation, member)

const struct codec_field codec_creation_fields[] = {
    {FIELD("id", NEW_ID, id), .is_optional = true,
     .given = offsetof(struct codec_creation, has_id)},
    {FIELD("currency", CURRENCY, command.create.currency), .is_optional = true},
    {FIELD("customer_id", TEXT, command.create.customer_id), .is_optional = true,
     .is_nullable = true, .most = CART_CUSTOMER_ID_MAX},
    {FIELD("metadata", METADATA, command.create.metadata), .is_optional = true,
     .most = CART_METADATA_MAX},
    {FIELD("copy_of", UUID, copy_of), .is_optional = true,
     .given = offsetof(struct codec_creation, has_copy_of)},
    {FIELD("at_version", INTEGER, command.create.copy_version), .is_optional = true, .least = 1,
     .most = INT32_MAX},
    {FIELD("items", ELEMENTS, items), .is_optional = true, .most = CART_LINES_MAX},
    {.name = NULL},
};

#undef FIELD
#define FIELD(name, kind, member) CODEC_FIELD(name, kind, struct codec_command_list, member)

const struct codec_field codec_command_list_fields[] = {
    {FIELD("commands", ELEMENTS, commands), .least = 1, .most = CART_COMMANDS_MAX},
    {.name = NULL},
};

#undef FIELD
#define FIELD(name, kind, member) CODEC_FIELD(name, kind, struct catalog_content, member)

const struct codec_field codec_content_fields[] = {
    {FIELD("name", TEXT, name), .most = CATALOG_NAME_MAX},
    {FIELD("prices", PRICES, n_prices)},
    {FIELD("active", BOOLEAN, is_active), .is_optional = true, .otherwise = true},
    {FIELD("quantity", QUANTITY, quantity), .is_optional = true, .is_nullable = true},
    {FIELD("tags", TAGS, tags), .is_optional = true, .is_nullable = true, .most = CATALOG_TAGS_MAX},
    {.name = NULL},
};

#undef FIELD
#define FIELD(name, kind, member) CODEC_FIELD(name, kind, struct coupon_definition, member)
#define OPTIONAL .is_optional = true, .is_nullable = true

const struct codec_field codec_definition_fields[] = {
    {FIELD("code", TEXT, code), .most = COUPON_CODE_MAX},
    {FIELD("percent", INTEGER, percent_hundredths), OPTIONAL, .least = 1,
     .most = COUPON_PERCENT_MAX},
    {FIELD("amount", AMOUNTS, amounts), OPTIONAL, .least = 1, .most = COUPON_CURRENCIES_MAX},
    {FIELD("minimum", AMOUNTS, minimums), OPTIONAL, .most = COUPON_CURRENCIES_MAX},
    {FIELD("skus", SKUS, skus), OPTIONAL, .most = COUPON_SKUS_MAX},
    {FIELD("tags", WORDS, tags), OPTIONAL, .most = COUPON_TAGS_MAX},
    {FIELD("starts_at", TIME, starts_at_us), OPTIONAL},
    {FIELD("ends_at", TIME, ends_at_us), OPTIONAL},
    {FIELD("limit", INTEGER, limit), OPTIONAL, .least = 1, .most = COUPON_LIMIT_MAX},
    {FIELD("limit_per_customer", INTEGER, limit_per_customer), OPTIONAL, .least = 1,
     .most = COUPON_LIMIT_MAX},
    {FIELD("combinable", BOOLEAN, is_combinable), OPTIONAL},
    {.name = NULL},
};

#undef OPTIONAL
#undef FIELD

/* ---- found by type --------------------------------------------------------------------------- */

const struct codec_shape codec_cart_shapes[] = {
#define CODEC_ROW(NAME, name, version)                                                             \
    [CART_EVENT_##NAME] = {name, version, cart_event_fields[CART_EVENT_##NAME]},
    CART_EVENTS(CODEC_ROW)
#undef CODEC_ROW
};

const struct codec_shape codec_catalog_shapes[] = {
#define CODEC_ROW(NAME, name, version)                                                             \
    [CATALOG_EVENT_##NAME] = {name, version, catalog_event_fields[CATALOG_EVENT_##NAME]},
    CATALOG_EVENTS(CODEC_ROW)
#undef CODEC_ROW
};

const struct codec_shape codec_coupon_shapes[] = {
#define CODEC_ROW(NAME, name, version)                                                             \
    [COUPON_EVENT_##NAME] = {name, version, coupon_event_fields[COUPON_EVENT_##NAME]},
    COUPON_EVENTS(CODEC_ROW)
#undef CODEC_ROW
};

const struct codec_shape codec_customer_shapes[] = {
#define CODEC_ROW(NAME, name, version)                                                             \
    [CUSTOMER_EVENT_##NAME] = {name, version, customer_event_fields[CUSTOMER_EVENT_##NAME]},
    CUSTOMER_EVENTS(CODEC_ROW)
#undef CODEC_ROW
};

const char *const codec_event_names[] = {
#define CODEC_ROW(NAME, name, schema_version) name,
    CART_EVENTS(CODEC_ROW) CATALOG_EVENTS(CODEC_ROW) COUPON_EVENTS(CODEC_ROW)
        CUSTOMER_EVENTS(CODEC_ROW)
#undef CODEC_ROW
            NULL};

static const struct codec_shape *find(
    const struct codec_shape *shapes, size_t n_shapes, const char *type)
{
    for (size_t i = 0; i < n_shapes; i++)
        if (strcmp(shapes[i].type, type) == 0)
            return &shapes[i];
    return NULL;
}

const struct codec_shape *codec_find_cart_shape(const char *type)
{
    return find(codec_cart_shapes, BASE_COUNT(codec_cart_shapes), type);
}

const struct codec_shape *codec_find_catalog_shape(const char *type)
{
    return find(codec_catalog_shapes, BASE_COUNT(codec_catalog_shapes), type);
}

const struct codec_shape *codec_find_coupon_shape(const char *type)
{
    return find(codec_coupon_shapes, BASE_COUNT(codec_coupon_shapes), type);
}

const struct codec_shape *codec_find_customer_shape(const char *type)
{
    return find(codec_customer_shapes, BASE_COUNT(codec_customer_shapes), type);
}

const struct codec_shape *codec_find_shape(const char *type)
{
    const struct codec_shape *shape = codec_find_cart_shape(type);
    if (shape == NULL)
        shape = codec_find_catalog_shape(type);
    if (shape == NULL)
        shape = codec_find_coupon_shape(type);
    return shape != NULL ? shape : codec_find_customer_shape(type);
}
