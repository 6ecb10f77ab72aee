#include "codec_fields.h"

#include <string.h>

/* ---- texts ----------------------------------------------------------------------------------- */

/* NULL, with a complaint that begins with `subject`: it is no text. */
static const char *read_text(
    const struct codec_object *object, const char *member, const char *subject, const json_t *value)
{
    if (!json_is_string(value))
        codec_complain_of_member(
            object, member, "%s must be a string, not %s.", subject,
            codec_describe(object->reader, value));
    return json_string_value(value);
}

/* A text of 1 to so many characters. */
enum text_form {
    WORD, /* as an item id is */
    LINE, /* without control characters */
    LINES /* the same, but for line breaks and tabs */
};

static void check_text(
    const struct codec_object *object, const char *member, const char *subject, const char *text,
    int most, enum text_form form)
{
    if (codec_is_word(text, (size_t)most))
        return;
    ptrdiff_t n_points = base_utf8_length(text, strlen(text));
    int control_character = codec_find_control_character(text, form == LINES);
    if (n_points == 0)
        codec_complain_of_member(object, member, "%s must not be empty.", subject);
    else if (n_points > most)
        codec_complain_of_member(
            object, member, "%s has %td characters; at most %d are allowed.", subject, n_points,
            most);
    else if (form == WORD)
        codec_complain_of_member(
            object, member,
            "%s may have only letters (A-Z, a-z), digits and . _ ~ -, and must begin with a letter "
            "or digit, not %s.",
            subject, codec_describe_text(object->reader, text));
    else if (control_character >= 0)
        codec_complain_of_member(
            object, member, "%s has the control character U+%04X; remove it.", subject,
            (unsigned)control_character);
}

/* What a client sends becomes normal here; what is stored stays as it is. */
static const char *normalise(const struct codec_object *object, const char *text, size_t most)
{
    const struct codec_reader *reader = object->reader;
    return reader->is_of_client ? codec_normalise(reader->arena, text, most) : text;
}

/* ---- a kind each ----------------------------------------------------------------------------- */

/* Each sets `target`, of the type that its kind says, or complains. */

static void refuse(
    const struct codec_object *object, const struct codec_field *field, const json_t *value,
    const char *must_be)
{
    codec_complain_of_member(
        object, field->name, "%s must be %s, not %s.", field->name, must_be,
        codec_describe(object->reader, value));
}

static void take_text(const struct codec_object *object, const char *text, void *target)
{
    if (text != NULL)
        *(const char **)target = base_arena_copy_text(object->reader->arena, text);
}

static void read_word(
    const struct codec_object *object, const struct codec_field *field, json_t *value, void *target)
{
    const char *text = read_text(object, field->name, field->name, value);
    if (text != NULL)
        check_text(
            object, field->name, field->name, text,
            field->most > 0 ? (int)field->most : CART_ITEM_ID_MAX, WORD);
    take_text(object, text, target);
}

static void read_sku(
    const struct codec_object *object, const struct codec_field *field, json_t *value, void *target)
{
    const char *text = read_text(object, field->name, field->name, value);
    if (text != NULL && !codec_is_item_id(text)) { /* Most are. */
        text = normalise(object, text, CART_SKU_MAX);
        check_text(object, field->name, field->name, text, CART_SKU_MAX, LINE);
        if (codec_has_dot_segment(text))
            codec_complain_of_member(
                object, field->name,
                "%s must not have . or .. alone or between slashes: it stands in paths.",
                field->name);
    }
    take_text(object, text, target);
}

static void read_any_text(
    const struct codec_object *object, const struct codec_field *field, json_t *value, void *target)
{
    const char *text = read_text(object, field->name, field->name, value);
    if (text != NULL && field->most > 0) {
        if (!field->is_as_given)
            text = normalise(object, text, (size_t)field->most);
        enum text_form form = field->has_lines ? LINES : LINE;
        check_text(object, field->name, field->name, text, (int)field->most, form);
    }
    take_text(object, text, target);
}

static void read_email(
    const struct codec_object *object, const struct codec_field *field, json_t *value, void *target)
{
    const char *text = read_text(object, field->name, field->name, value);
    if (text == NULL)
        return;
    text = normalise(object, text, (size_t)field->most);
    check_text(object, field->name, field->name, text, (int)field->most, LINE);
    if (codec_is_label(text, (size_t)field->most) && !codec_is_email(text))
        refuse(object, field, value, "an e-mail address, such as ada@example.com");
    take_text(object, text, target);
}

static void read_currency(
    const struct codec_object *object, const struct codec_field *field, json_t *value, void *target)
{
    const char *text = json_string_value(value);
    if (text == NULL || !codec_is_currency(text))
        refuse(object, field, value, "three upper-case letters (ISO 4217)");
    else if (!codec_is_accepted_currency(object->reader, text))
        refuse(object, field, value, "a currency in use (ISO 4217) or one of this service's own");
    else
        memcpy(target, text, CURRENCY_CODE_SIZE);
}

static void read_boolean(
    const struct codec_object *object, const struct codec_field *field, json_t *value, void *target)
{
    *(bool *)target = json_is_true(value);
    if (!json_is_boolean(value))
        refuse(object, field, value, "true or false");
}

/* Compared in constant time, so of one length. */
static void read_token_hash(
    const struct codec_object *object, const struct codec_field *field, json_t *value, void *target)
{
    const char *text = json_string_value(value);
    size_t length = CART_TOKEN_HASH_SIZE - 1;
    if (text == NULL || strlen(text) != length || strspn(text, "0123456789abcdef") != length)
        refuse(object, field, value, "64 hexadecimal digits");
    take_text(object, text, target);
}

static void read_price_source(
    const struct codec_object *object, const struct codec_field *field, json_t *value, void *target)
{
    const char *text = json_string_value(value);
    bool is_set = text != NULL && strcmp(text, "set") == 0;
    if (!is_set && (text == NULL || strcmp(text, "catalog") != 0))
        refuse(object, field, value, "catalog or set");
    *(bool *)target = is_set;
}

static void read_time(
    const struct codec_object *object, const struct codec_field *field, json_t *value, void *target)
{
    const char *text = json_string_value(value);
    if (text == NULL || !base_time_parse(text, target))
        refuse(object, field, value, "a time, such as 2026-11-23T04:38:00.123456Z");
}

static void read_uuid(
    const struct codec_object *object, const struct codec_field *field, json_t *value, void *target)
{
    const char *text = json_string_value(value);
    if (text == NULL || !base_uuid_parse(text, target))
        refuse(object, field, value, "a UUID, such as 01936f6e-6f0a-7c3e-9a57-5f0c8a4f1b2d");
}

static void read_cart_id(
    const struct codec_object *object, const struct codec_field *field, json_t *value, void *target)
{
    struct base_uuid id = {0};
    char text[BASE_UUID_SIZE];
    read_uuid(object, field, value, &id);
    base_uuid_format(&id, text);
    take_text(object, text, target);
}

/* The service makes ids of version 5 itself, of names: a product's of its sku, a cart's of a key.
 * Who could choose one would take it from whoever has the name. The nil and the max UUID (RFC
 * 9562, 5.9 and 5.10) say that there is none. */
static bool may_be_chosen(const struct base_uuid *id)
{
    static const struct base_uuid NIL = {0};
    struct base_uuid max;
    memset(&max, 0xff, sizeof max);
    return id->bytes[6] >> 4 != 5 && base_uuid_compare(id, &NIL) != 0 &&
           base_uuid_compare(id, &max) != 0;
}

static void read_new_id(
    const struct codec_object *object, const struct codec_field *field, json_t *value, void *target)
{
    struct base_uuid id;
    const char *text = json_string_value(value);
    read_uuid(object, field, value, target);
    if (text != NULL && base_uuid_parse(text, &id) && !may_be_chosen(&id))
        codec_complain_of_member(
            object, field->name,
            "%s must not be the nil UUID, the max UUID or a UUID of version 5, which the service "
            "makes itself; take one of version 7 or 4.",
            field->name);
}

/* ---- objects and arrays ---------------------------------------------------------------------- */

static bool open_member(
    const struct codec_object *object, const char *name, json_t *value, struct codec_object *member)
{
    struct codec_path path = {.parent = &object->path, .name = name};
    return codec_open_object(object->reader, value, path, member);
}

/* Complains if there is a limit and the text is longer. */
static void limit_bytes(
    const struct codec_object *object, const struct codec_field *field, size_t n_bytes)
{
    if (field->most > 0 && n_bytes > (size_t)field->most)
        codec_complain_of_member(
            object, field->name, "%s has %zu bytes as compact JSON; at most %d are allowed.",
            field->name, n_bytes, (int)field->most);
}

/* jsonb has reordered the names of what was stored and rewritten its numbers: it's the same text
 * again when it is made canonical. */
static void read_metadata(
    const struct codec_object *object, const struct codec_field *field, json_t *value, void *target)
{
    if (json_is_object(value) && json_object_size(value) == 0) {
        *(const char **)target = "{}";
        return;
    }
    struct codec_object metadata;
    BASE_CLEANUP(base_buffer_finish) struct base_buffer text = {0};
    size_t most_levels = field->most > 0 ? CART_METADATA_DEPTH_MAX : CODEC_DEPTH_MAX;
    if (!open_member(object, field->name, value, &metadata) ||
        !codec_write_canonical(object->reader, value, &metadata.path, most_levels, &text))
        return;
    limit_bytes(object, field, text.length);
    take_text(object, base_buffer_text(&text), target);
}

static bool check_property_name(const struct codec_object *properties, const char *name)
{
    if (codec_is_property_name(name))
        return true;
    check_text(properties, name, "The name of a property", name, CART_PROPERTY_NAME_MAX, WORD);
    return false;
}

/* Puts the value in its normal form, too. */
static void check_property(
    const struct codec_object *properties, const char *name, json_t *value, bool has_limits)
{
    if (has_limits && !check_property_name(properties, name))
        return;
    const char *text = read_text(properties, name, "A property", value);
    if (text == NULL || !has_limits)
        return;
    const char *normal = normalise(properties, text, CART_PROPERTY_VALUE_MAX);
    check_text(properties, name, "A property", normal, CART_PROPERTY_VALUE_MAX, LINES);
    if (normal != text)
        (void)json_string_set_nocheck(value, normal); /* There is memory, or cartd ends. */
}

/* Canonical, so that the same ones in another order are the same text; none are NULL, so that a
 * plain line costs nothing. */
static void read_properties(
    const struct codec_object *object, const struct codec_field *field, json_t *value, void *target)
{
    struct codec_object properties;
    bool has_limits = field->most > 0;
    size_t n_given = json_object_size(value);
    if (!open_member(object, field->name, value, &properties) || n_given == 0)
        return;
    if (has_limits && n_given > CART_PROPERTIES_MAX) {
        codec_complain_of_member(
            object, field->name, "%s has %zu members; at most %d are allowed.", field->name,
            n_given, CART_PROPERTIES_MAX);
        return;
    }
    const char *name;
    json_t *member;
    json_object_foreach(value, name, member)
    {
        check_property(&properties, name, member, has_limits);
    }
    BASE_CLEANUP(base_buffer_finish) struct base_buffer text = {0};
    if (object->reader->is_refused ||
        !codec_write_canonical(object->reader, value, &properties.path, 1, &text))
        return;
    limit_bytes(object, field, text.length);
    take_text(object, base_buffer_text(&text), target);
}

/* A patch of properties: each is a text, or null for one that ends. */
static void read_patch(
    const struct codec_object *object, const struct codec_field *field, json_t *value, void *target)
{
    struct codec_object patch;
    const char *name;
    json_t *member;
    BASE_CLEANUP(base_buffer_finish) struct base_buffer text = {0};
    if (!open_member(object, field->name, value, &patch))
        return;
    if (field->is_of_texts) {
        json_object_foreach(value, name, member)
        {
            if (json_is_null(member))
                (void)check_property_name(&patch, name); /* it complains */
            else
                check_property(&patch, name, member, true);
        }
    }
    size_t most_levels = field->is_of_texts ? 1 : CART_METADATA_DEPTH_MAX;
    if (object->reader->is_refused ||
        !codec_write_canonical(object->reader, value, &patch.path, most_levels, &text))
        return;
    limit_bytes(object, field, text.length);
    take_text(object, base_buffer_text(&text), target);
}

static void read_notes(
    const struct codec_object *object, const struct codec_field *field, json_t *value, void *target)
{
    BASE_CLEANUP(base_buffer_finish) struct base_buffer text = {0};
    struct codec_path path = {.parent = &object->path, .name = field->name};
    if (!json_is_array(value))
        refuse(object, field, value, "an array");
    else if (
        json_array_size(value) > 0 &&
        codec_write_canonical(object->reader, value, &path, CODEC_DEPTH_MAX, &text))
        take_text(object, base_buffer_text(&text), target);
}

static void read_item_prices(
    const struct codec_object *object, const struct codec_field *field, json_t *value, void *target)
{
    struct cart_event *event = BASE_CONTAINER(target, struct cart_event, currency_changed.prices);
    struct codec_object prices;
    if (!open_member(object, field->name, value, &prices))
        return;
    struct cart_item_price *list =
        base_arena_alloc(object->reader->arena, json_object_size(value) * sizeof *list);
    const char *item_id;
    json_t *member;
    size_t n = 0;
    json_object_foreach(value, item_id, member)
    {
        struct codec_field price = {
            .name = item_id, .size = sizeof list->unit_price_minor, .most = CART_AMOUNT_MAX};
        check_text(&prices, item_id, "An item id", item_id, CART_ITEM_ID_MAX, WORD);
        list[n].item_id = base_arena_copy_text(object->reader->arena, item_id);
        codec_read_integer(&prices, &price, member, &list[n++].unit_price_minor);
    }
    event->currency_changed.prices = list;
    event->currency_changed.n_prices = n;
}

static void read_elements(
    const struct codec_object *object, const struct codec_field *field, json_t *value, void *target)
{
    size_t n = json_array_size(value);
    if (!json_is_array(value))
        refuse(object, field, value, "an array");
    else if (n < (size_t)field->least || n > (size_t)field->most)
        codec_complain_of_member(
            object, field->name, "%s must have %d to %d elements, not %zu.", field->name,
            (int)field->least, (int)field->most, n);
    else
        *(json_t **)target = value;
}

static void check_object(
    const struct codec_object *object, const struct codec_field *field, json_t *value, void *target)
{
    (void)target; /* the caller's */
    if (!json_is_object(value))
        refuse(object, field, value, "an object");
}

static void read_coupon_code(
    const struct codec_object *object, const struct codec_field *field, json_t *value, void *target)
{
    const char *text = json_string_value(value);
    const char *folded = NULL;
    if (text != NULL)
        folded = codec_fold_code(object->reader->arena, normalise(object, text, COUPON_CODE_MAX));
    if (folded != NULL)
        *(const char **)target = folded;
    else
        refuse(
            object, field, value,
            "the code of a coupon: 1 to 64 characters without slashes and control characters, and "
            "neither . nor ..");
}

static void read_coupon_state(
    const struct codec_object *object, const struct codec_field *field, json_t *value, void *target)
{
    const char *text = json_string_value(value);
    for (int i = 0; text != NULL && i <= CART_COUPON_NEEDS_CUSTOMER; i++) {
        if (strcmp(text, cart_coupon_state_name((enum cart_coupon_state)i)) == 0) {
            *(enum cart_coupon_state *)target = (enum cart_coupon_state)i;
            return;
        }
    }
    refuse(object, field, value, "the state of a coupon");
}

/* A member that CouponDefined gets one day has to be one that can be left out. */
static void read_coupon(
    const struct codec_object *object, const struct codec_field *field, json_t *value, void *target)
{
    const struct codec_shape *shape = &codec_coupon_shapes[COUPON_EVENT_DEFINED];
    struct coupon_event *defined = base_arena_alloc(object->reader->arena, sizeof *defined);
    struct codec_object coupon;
    if (!open_member(object, field->name, value, &coupon))
        return;
    *defined = (struct coupon_event){.type = COUPON_EVENT_DEFINED};
    coupon.schema_version = shape->schema_version;
    codec_read_fields(&coupon, shape->fields, defined);
    codec_refuse_other_members(&coupon, shape->fields);
    *(const struct coupon_definition **)target = &defined->defined;
}

static void read_nothing(
    const struct codec_object *object, const struct codec_field *field, json_t *value, void *target)
{
    (void)object;
    (void)field;
    (void)value;
    (void)target;
}

/* ---- a member, and all of them --------------------------------------------------------------- */

static void (*const readers[])(
    const struct codec_object *object, const struct codec_field *field, json_t *value,
    void *target) = {
    [CODEC_WORD] = read_word,
    [CODEC_SKU] = read_sku, /* of a client in normal form, as are texts with limits */
    [CODEC_TEXT] = read_any_text,
    [CODEC_CURRENCY] = read_currency,
    [CODEC_INTEGER] = codec_read_integer,
    [CODEC_BOOLEAN] = read_boolean,
    [CODEC_METADATA] = read_metadata,
    [CODEC_PROPERTIES] = read_properties,
    [CODEC_PRICES] = codec_read_prices_member,
    [CODEC_QUANTITY] = codec_read_quantity_member,
    [CODEC_TAGS] = codec_read_tags,
    [CODEC_WORDS] = codec_read_words,
    [CODEC_SKUS] = codec_read_skus,
    [CODEC_AMOUNTS] = codec_read_amounts,
    [CODEC_TOKEN_HASH] = read_token_hash,
    [CODEC_STATUS] = codec_read_status_member,
    [CODEC_PRICE_SOURCE] = read_price_source,
    [CODEC_MERGE_RULE] = codec_read_merge_rule_member,
    [CODEC_UUID] = read_uuid,
    [CODEC_CART_ID] = read_cart_id,
    [CODEC_NEW_ID] = read_new_id,
    [CODEC_TIME] = read_time,
    [CODEC_VERBATIM] = check_object,
    [CODEC_EMAIL] = read_email,
    [CODEC_PATCH] = read_patch,
    [CODEC_NOTES] = read_notes,
    [CODEC_ITEM_PRICES] = read_item_prices,
    [CODEC_COUPON_CODE] = read_coupon_code,
    [CODEC_COUPON] = read_coupon,
    [CODEC_COUPON_STATE] = read_coupon_state,
    [CODEC_ELEMENTS] = read_elements,
    [CODEC_TYPE] = read_nothing,
};

static void read_null(const struct codec_field *field, void *target)
{
    if (field->kind == CODEC_INTEGER)
        codec_set_integer(field, field->otherwise, target);
    else if (field->kind == CODEC_TIME)
        *(int64_t *)target = INT64_MIN;
    else if (field->kind == CODEC_BOOLEAN)
        *(bool *)target = field->otherwise != 0;
}

static void read_absence(
    const struct codec_object *object, const struct codec_field *field, void *target)
{
    if (!field->is_optional)
        codec_complain_of_member(object, field->name, "%s is missing.", field->name);
    else if (field->kind == CODEC_METADATA)
        *(const char **)target = "{}";
    else
        read_null(field, target);
}

void codec_read_fields(struct codec_object *object, const struct codec_field *fields, void *target)
{
    for (const struct codec_field *field = fields; field->name != NULL; field++) {
        if (field->since > object->schema_version)
            continue;
        char *member = (char *)target + field->offset;
        json_t *value = json_object_getn(object->members, field->name, field->name_length);
        if (value == NULL) {
            read_absence(object, field, member);
            continue;
        }
        object->n_read++;
        if (field->is_nullable && json_is_null(value))
            read_null(field, member);
        else
            readers[field->kind](object, field, value, member);
        if (field->given != 0)
            *(bool *)((char *)target + field->given) = true;
    }
}
