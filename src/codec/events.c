#include "codec_json.h"

#include <string.h>

/* What the log keeps and nobody is shown. */
#define GUEST_TOKEN_HASH "guest_token_hash"

/* ---- written --------------------------------------------------------------------------------- */

const char *const codec_event_names[] = {
#define CODEC_ROW(NAME, name, schema_version) name,
    CART_EVENTS(CODEC_ROW) CATALOG_EVENTS(CODEC_ROW)
#undef CODEC_ROW
        NULL};

const char *codec_cart_event_name(enum cart_event_type type)
{
    switch (type) {
#define CART_ROW(NAME, name, schema_version)                                                       \
    case CART_EVENT_##NAME:                                                                        \
        return name;
        CART_EVENTS(CART_ROW)
#undef CART_ROW
    }
    return "unknown";
}

int32_t codec_cart_event_schema_version(enum cart_event_type type)
{
    switch (type) {
#define CART_ROW(NAME, name, schema_version)                                                       \
    case CART_EVENT_##NAME:                                                                        \
        return schema_version;
        CART_EVENTS(CART_ROW)
#undef CART_ROW
    }
    return 0;
}

static void write_created(struct base_buffer *out, const struct cart_event *event)
{
    base_buffer_append_text(out, "{\"currency\":\"");
    base_buffer_append_text(out, event->created.currency);
    base_buffer_append_text(out, "\",\"customer_id\":");
    if (event->created.customer_id == NULL)
        base_buffer_append_text(out, "null");
    else
        base_buffer_append_json_text(out, event->created.customer_id);
    base_buffer_append_text(out, ",\"metadata\":");
    base_buffer_append_text(out, event->created.metadata);
    base_buffer_append_text(out, ",\"" GUEST_TOKEN_HASH "\":");
    if (event->created.guest_token_hash == NULL)
        base_buffer_append_text(out, "null");
    else
        base_buffer_append_json_text(out, event->created.guest_token_hash);
    base_buffer_append_char(out, '}');
}

static void write_claimed(struct base_buffer *out, const struct cart_event *event)
{
    base_buffer_append_text(out, "{\"customer_id\":");
    base_buffer_append_json_text(out, event->claimed.customer_id);
    base_buffer_append_char(out, '}');
}

static void write_item_added(struct base_buffer *out, const struct cart_event *event)
{
    base_buffer_append_text(out, "{\"item_id\":\"");
    base_buffer_append_text(out, event->item_added.item_id);
    base_buffer_append_text(out, "\",\"sku\":\"");
    base_buffer_append_text(out, event->item_added.sku);
    base_buffer_append_text(out, "\",\"name\":");
    base_buffer_append_json_text(out, event->item_added.name);
    base_buffer_append_text(out, ",\"quantity\":");
    base_buffer_append_int(out, event->item_added.quantity);
    base_buffer_append_text(out, ",\"unit_price\":");
    base_buffer_append_int(out, event->item_added.unit_price_minor);
    base_buffer_append_text(out, ",\"properties\":");
    base_buffer_append_text(
        out, event->item_added.properties == NULL ? "{}" : event->item_added.properties);
    base_buffer_append_char(out, '}');
}

static void write_item_quantity(struct base_buffer *out, const char *item_id, int32_t quantity)
{
    base_buffer_append_text(out, "{\"item_id\":\"");
    base_buffer_append_text(out, item_id);
    base_buffer_append_text(out, "\",\"quantity\":");
    base_buffer_append_int(out, quantity);
    base_buffer_append_char(out, '}');
}

static void write_checked_out(struct base_buffer *out, const struct cart_event *event)
{
    base_buffer_append_text(out, "{\"total\":");
    base_buffer_append_int(out, event->checked_out.total_minor);
    base_buffer_append_text(out, ",\"currency\":\"");
    base_buffer_append_text(out, event->checked_out.currency);
    base_buffer_append_text(out, "\",\"item_count\":");
    base_buffer_append_int(out, event->checked_out.item_count);
    base_buffer_append_char(out, '}');
}

void codec_write_cart_event(struct base_buffer *out, const struct cart_event *event)
{
    switch (event->type) {
    case CART_EVENT_CREATED:
        write_created(out, event);
        break;
    case CART_EVENT_CLAIM_DONE:
        write_claimed(out, event);
        break;
    case CART_EVENT_ITEM_ADDED:
        write_item_added(out, event);
        break;
    case CART_EVENT_ITEM_QUANTITY_CHANGED:
        write_item_quantity(
            out, event->item_quantity_changed.item_id, event->item_quantity_changed.quantity);
        break;
    case CART_EVENT_ITEM_REMOVED:
        write_item_quantity(out, event->item_removed.item_id, event->item_removed.quantity);
        break;
    case CART_EVENT_CHECK_OUT_DONE:
        write_checked_out(out, event);
        break;
    case CART_EVENT_CLEARED:
    case CART_EVENT_CANCEL_DONE:
        base_buffer_append_text(out, "{}");
        break;
    }
}

const char *codec_catalog_event_name(enum catalog_event_type type)
{
    switch (type) {
#define CATALOG_ROW(NAME, name, schema_version)                                                    \
    case CATALOG_EVENT_##NAME:                                                                     \
        return name;
        CATALOG_EVENTS(CATALOG_ROW)
#undef CATALOG_ROW
    }
    return "unknown";
}

int32_t codec_catalog_event_schema_version(enum catalog_event_type type)
{
    switch (type) {
#define CATALOG_ROW(NAME, name, schema_version)                                                    \
    case CATALOG_EVENT_##NAME:                                                                     \
        return schema_version;
        CATALOG_EVENTS(CATALOG_ROW)
#undef CATALOG_ROW
    }
    return 0;
}

void codec_write_catalog_event(struct base_buffer *out, const struct catalog_event *event)
{
    switch (event->type) {
    case CATALOG_EVENT_PRODUCT_CHANGED:
        base_buffer_append_text(out, "{\"sku\":\"");
        base_buffer_append_text(out, event->product_changed.sku);
        base_buffer_append_text(out, "\",\"name\":");
        base_buffer_append_json_text(out, event->product_changed.content.name);
        base_buffer_append_text(out, ",\"prices\":");
        codec_write_prices(out, &event->product_changed.content);
        base_buffer_append_text(out, ",\"active\":");
        base_buffer_append_text(out, event->product_changed.content.is_active ? "true}" : "false}");
        break;
    }
}

static void append_optional_text(struct base_buffer *out, const char *member, const char *text)
{
    if (text == NULL)
        return;
    base_buffer_append_text(out, member);
    base_buffer_append_json_text(out, text);
}

void codec_write_event_metadata(
    struct base_buffer *out, const struct base_uuid *command_id, const char *actor,
    const struct codec_trace *trace)
{
    char id[BASE_UUID_SIZE];
    base_uuid_format(command_id, id);
    base_buffer_append_text(out, "{\"command_id\":\"");
    base_buffer_append_text(out, id);
    base_buffer_append_text(out, "\",\"actor\":");
    base_buffer_append_json_text(out, actor);
    append_optional_text(out, ",\"traceparent\":", trace->traceparent);
    append_optional_text(out, ",\"tracestate\":", trace->tracestate);
    append_optional_text(out, ",\"baggage\":", trace->baggage);
    base_buffer_append_char(out, '}');
}

/* The data of a cart's creation without the hash of its token. */
static void write_shown_data(struct base_buffer *out, const char *data)
{
    struct codec_scanner scanner = {.at = data, .end = data + strlen(data)};
    bool is_first = true;
    struct codec_token name;
    struct codec_token value;
    base_buffer_append_char(out, '{');
    while (codec_next_member(&scanner, &name, &value)) {
        if (codec_is_named(&name, GUEST_TOKEN_HASH))
            continue;
        if (!is_first)
            base_buffer_append_text(out, ", ");
        is_first = false;
        base_buffer_append(out, name.bytes, name.length);
        base_buffer_append_text(out, ": ");
        base_buffer_append(out, value.bytes, value.length);
    }
    base_buffer_append_char(out, '}');
}

void codec_write_event(struct base_buffer *out, const struct codec_event *event)
{
    char id[BASE_UUID_SIZE];
    char recorded_at[BASE_TIME_SIZE];
    base_uuid_format(&event->stream_id, id);
    base_time_format(event->recorded_at_us, recorded_at);
    base_buffer_append_text(out, "{\"position\":");
    base_buffer_append_int(out, event->position);
    base_buffer_append_text(out, ",\"stream_type\":");
    base_buffer_append_json_text(out, event->stream_type);
    base_buffer_append_text(out, ",\"stream_id\":\"");
    base_buffer_append_text(out, id);
    base_buffer_append_text(out, "\",\"version\":");
    base_buffer_append_int(out, event->version);
    base_buffer_append_text(out, ",\"type\":");
    base_buffer_append_json_text(out, event->type);
    base_buffer_append_text(out, ",\"schema_version\":");
    base_buffer_append_int(out, event->schema_version);
    base_buffer_append_text(out, ",\"recorded_at\":\"");
    base_buffer_append_text(out, recorded_at);
    base_buffer_append_text(out, "\",\"data\":");
    bool is_creation = strcmp(event->type, codec_cart_event_name(CART_EVENT_CREATED)) == 0;
    if (is_creation && event->data[0] == '{')
        write_shown_data(out, event->data);
    else
        base_buffer_append_text(out, event->data);
    base_buffer_append_text(out, ",\"metadata\":");
    base_buffer_append_text(out, event->metadata);
    base_buffer_append_char(out, '}');
}

/* ---- read ------------------------------------------------------------------------------------ */

/* Stored data is held to its shape, for a member that we would drop is history lost, and to what
 * arithmetic and the writers rely on: ranges of numbers, patterns of ids. Texts may be any: a limit
 * that is lowered one day must not make old carts unreadable. */

static const struct codec_integer quantity_field = {
    .name = "quantity",
    .is_required = true,
    .least = 1,
    .most = CART_QUANTITY_MAX,
};
static const struct codec_integer unit_price_field = {
    .name = "unit_price",
    .is_required = true,
    .least = 0,
    .most = CART_AMOUNT_MAX,
};
static const struct codec_integer total_field = {
    .name = "total",
    .is_required = true,
    .least = 0,
    .most = CART_AMOUNT_MAX,
};
static const struct codec_integer item_count_field = {
    .name = "item_count",
    .is_required = true,
    .least = 1,
    .most = CART_LINES_MAX * CART_QUANTITY_MAX,
};

static const char *copy_text(struct base_arena *arena, const char *text)
{
    return text == NULL ? NULL : base_arena_copy_text(arena, text);
}

/* What is wrong is left in data->reader; the result is only good when nothing is. */
static int32_t read_quantity(const struct codec_object *data, const struct codec_integer *field)
{
    int64_t quantity = 0;
    (void)codec_read_integer(data, field, &quantity); /* The reader knows. */
    return (int32_t)quantity;
}

static int64_t read_amount(const struct codec_object *data, const struct codec_integer *field)
{
    int64_t amount_minor = 0;
    (void)codec_read_integer(data, field, &amount_minor); /* The reader knows. */
    return amount_minor;
}

static const char *read_customer_id(const struct codec_object *data)
{
    if (json_is_null(json_object_get(data->members, "customer_id")))
        return NULL;
    return copy_text(data->reader->arena, codec_read_text(data, "customer_id"));
}

/* Compared in constant time, so of one length. */
static const char *read_guest_token_hash(const struct codec_object *data)
{
    const json_t *value = json_object_get(data->members, GUEST_TOKEN_HASH);
    if (json_is_null(value))
        return NULL;
    const char *text = json_string_value(value);
    size_t length = CART_TOKEN_HASH_SIZE - 1;
    if (text == NULL || strlen(text) != length || strspn(text, "0123456789abcdef") != length)
        data->reader->is_refused = true;
    return copy_text(data->reader->arena, text);
}

/* jsonb has reordered the names and rewritten the numbers, so it is made canonical again. */
static const char *read_metadata(const struct codec_object *data)
{
    json_t *metadata = json_object_get(data->members, "metadata");
    BASE_CLEANUP(base_buffer_finish) struct base_buffer text = {0};
    struct codec_path path = {.parent = &data->path, .name = "metadata"};
    if (!json_is_object(metadata) ||
        !codec_write_canonical(data->reader, metadata, &path, CODEC_DEPTH_MAX, &text)) {
        data->reader->is_refused = true;
        return NULL;
    }
    return base_arena_copy(data->reader->arena, text.bytes, text.length);
}

static void read_created(const struct codec_object *data, struct cart_event *event)
{
    static const char *const members[] = {
        "currency", "customer_id", "metadata", GUEST_TOKEN_HASH, NULL};
    codec_refuse_other_members(data, members);
    (void)codec_read_currency(data, true, event->created.currency); /* The reader knows. */
    event->created.customer_id = read_customer_id(data);
    event->created.guest_token_hash = read_guest_token_hash(data);
    event->created.metadata = read_metadata(data);
}

static void read_claimed(const struct codec_object *data, struct cart_event *event)
{
    static const char *const members[] = {"customer_id", NULL};
    codec_refuse_other_members(data, members);
    event->claimed.customer_id =
        copy_text(data->reader->arena, codec_read_text(data, "customer_id"));
}

static void read_item_added(const struct codec_object *data, struct cart_event *event)
{
    static const char *const members[] = {"item_id",    "sku",        "name", "quantity",
                                          "unit_price", "properties", NULL};
    struct base_arena *arena = data->reader->arena;
    codec_refuse_other_members(data, members);
    event->item_added.item_id = copy_text(arena, codec_read_sku(data, "item_id"));
    event->item_added.sku = copy_text(arena, codec_read_sku(data, "sku"));
    event->item_added.name = copy_text(arena, codec_read_text(data, "name"));
    event->item_added.quantity = read_quantity(data, &quantity_field);
    event->item_added.unit_price_minor = read_amount(data, &unit_price_field);
    event->item_added.properties = codec_read_stored_properties(data);
}

static void read_item_quantity(
    const struct codec_object *data, const char **item_id, int32_t *quantity)
{
    static const char *const members[] = {"item_id", "quantity", NULL};
    codec_refuse_other_members(data, members);
    *item_id = copy_text(data->reader->arena, codec_read_sku(data, "item_id"));
    *quantity = read_quantity(data, &quantity_field);
}

static void read_checked_out(const struct codec_object *data, struct cart_event *event)
{
    static const char *const members[] = {"total", "currency", "item_count", NULL};
    codec_refuse_other_members(data, members);
    event->checked_out.total_minor = read_amount(data, &total_field);
    (void)codec_read_currency(data, true, event->checked_out.currency); /* The reader knows. */
    event->checked_out.item_count = read_quantity(data, &item_count_field);
}

static void read_no_members(const struct codec_object *data)
{
    static const char *const members[] = {NULL};
    codec_refuse_other_members(data, members);
}

/* The newest shape of every event: an older schema_version was upcast before it comes here. */
static void read_cart_event_data(const struct codec_object *data, struct cart_event *event)
{
    switch (event->type) {
    case CART_EVENT_CREATED:
        read_created(data, event);
        break;
    case CART_EVENT_CLAIM_DONE:
        read_claimed(data, event);
        break;
    case CART_EVENT_ITEM_ADDED:
        read_item_added(data, event);
        break;
    case CART_EVENT_ITEM_QUANTITY_CHANGED:
        read_item_quantity(
            data, &event->item_quantity_changed.item_id, &event->item_quantity_changed.quantity);
        break;
    case CART_EVENT_ITEM_REMOVED:
        read_item_quantity(data, &event->item_removed.item_id, &event->item_removed.quantity);
        break;
    case CART_EVENT_CHECK_OUT_DONE:
        read_checked_out(data, event);
        break;
    case CART_EVENT_CLEARED:
    case CART_EVENT_CANCEL_DONE:
        read_no_members(data);
        break;
    }
}

static bool find_cart_event_type(const char *name, enum cart_event_type *type)
{
    static const enum cart_event_type types[] = {
#define CART_ROW(NAME, event_name, event_schema_version) CART_EVENT_##NAME,
        CART_EVENTS(CART_ROW)
#undef CART_ROW
    };
    for (size_t i = 0; i < BASE_COUNT(types); i++) {
        if (strcmp(codec_cart_event_name(types[i]), name) == 0) {
            *type = types[i];
            return true;
        }
    }
    return false;
}

bool codec_read_cart_event_members(
    struct codec_reader *reader, enum cart_event_type type, json_t *members,
    struct cart_event *event)
{
    struct codec_object object = {.reader = reader, .members = members, .path = {.root = ""}};
    if (!json_is_object(members))
        return false;
    event->type = type;
    read_cart_event_data(&object, event);
    return !reader->is_refused;
}

bool codec_read_cart_event(
    const char *type, int32_t schema_version, const char *data, struct base_arena *arena,
    struct cart_event *event)
{
    struct cart_event read = {.type = CART_EVENT_CREATED};
    if (!find_cart_event_type(type, &read.type))
        return false;
    json_auto_t *members = codec_json_load(data);
    if (members == NULL)
        return false;
    if (schema_version != codec_cart_event_schema_version(read.type) &&
        !codec_upcast_members(type, schema_version, members))
        return false;
    struct codec_reader reader = {.arena = arena};
    if (!codec_read_cart_event_members(&reader, read.type, members, &read))
        return false;
    *event = read;
    return true;
}

bool codec_read_catalog_event(
    const char *type, int32_t schema_version, const char *data, struct base_arena *arena,
    struct catalog_event *event)
{
    static const char *const members[] = {"sku", "name", "prices", "active", NULL};
    enum catalog_event_type known = CATALOG_EVENT_PRODUCT_CHANGED;
    if (strcmp(type, codec_catalog_event_name(known)) != 0)
        return false;
    json_auto_t *json = codec_json_load(data);
    if (json == NULL || !codec_upcast_members(type, schema_version, json))
        return false;
    struct codec_reader reader = {.arena = arena};
    struct codec_object object = {.reader = &reader, .members = json, .path = {.root = ""}};

    struct catalog_event read = {.type = known};
    struct catalog_content *content = &read.product_changed.content;
    codec_refuse_other_members(&object, members);
    read.product_changed.sku = copy_text(arena, codec_read_sku(&object, "sku"));
    content->name = copy_text(arena, codec_read_text(&object, "name"));
    if (!codec_read_prices_member(&object, content) ||
        !codec_read_active(&object, true, &content->is_active) || reader.is_refused)
        return false;
    *event = read;
    return true;
}

bool codec_read_prices(const char *json, struct catalog_content *content)
{
    json_auto_t *members = codec_json_load(json);
    if (members == NULL)
        return false;
    struct codec_reader reader = {.arena = NULL};
    struct codec_object prices = {.reader = &reader, .members = members, .path = {.root = ""}};
    struct catalog_content read = {.n_prices = 0};
    if (!codec_read_price_list(&prices, &read))
        return false;
    content->n_prices = read.n_prices;
    memcpy(content->prices, read.prices, sizeof read.prices);
    return true;
}
