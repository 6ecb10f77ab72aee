#include "codec_json.h"

#include <string.h>

static const struct codec_integer quantity_to_add = {
    .name = "quantity",
    .least = 1,
    .most = CART_QUANTITY_MAX,
};
static const struct codec_integer quantity_to_have = {
    .name = "quantity",
    .is_required = true,
    .least = 0,
    .most = CART_QUANTITY_MAX,
};
static const struct codec_integer expected_total = {
    .name = "expected_total",
    .least = 0,
    .most = CART_AMOUNT_MAX,
};

/* ---- what all readers do --------------------------------------------------------------------- */

/* A body on its way to a value. The JSON lives until finish_body(). */
struct request {
    struct codec_reader reader;
    struct codec_object body;
};

static void finish_request(struct request *request)
{
    json_decref(request->body.members);
}

/* A parser may pass over a byte order mark (RFC 8259, section 8.1), as some clients write one. */
static struct codec_body skip_byte_order_mark(struct codec_body body)
{
    static const char mark[] = "\xef\xbb\xbf";
    const size_t length = sizeof(mark) - 1;
    if (body.length < length || memcmp(body.bytes, mark, length) != 0)
        return body;
    return (struct codec_body){.bytes = body.bytes + length, .length = body.length - length};
}

/* `may_be_empty`: every member is optional, so that no body at all is {}. */
static enum codec_outcome begin_request(
    struct request *request, struct codec_body body, bool may_be_empty, struct base_arena *arena,
    struct codec_complaints *complaints)
{
    complaints->n = 0;
    *request = (struct request){
        .reader = {.arena = arena, .complaints = complaints, .is_of_client = true},
        .body = {.reader = &request->reader, .path = {.root = ""}},
    };
    body = skip_byte_order_mark(body);
    if (may_be_empty && body.length == 0)
        body = (struct codec_body){.bytes = "{}", .length = 2};
    return codec_json_read_body(&request->reader, body, &request->body.members);
}

static enum codec_outcome end_request(const struct request *request)
{
    return request->reader.is_refused ? CODEC_INVALID : CODEC_READ;
}

static struct codec_commands make_commands(struct base_arena *arena, size_t n)
{
    return (struct codec_commands){
        .n = n,
        .list = base_arena_alloc(arena, n * sizeof(struct cart_command)),
        .pointers = base_arena_alloc(arena, n * sizeof(const char *)),
    };
}

static struct codec_commands make_single_command(
    struct base_arena *arena, struct cart_command command)
{
    struct codec_commands commands = make_commands(arena, 1);
    commands.list[0] = command;
    commands.pointers[0] = "";
    return commands;
}

static const char *copy_text(struct base_arena *arena, const char *text)
{
    return text == NULL ? NULL : base_arena_copy_text(arena, text);
}

/* ---- one command each ------------------------------------------------------------------------ */

/* These fill in what they can and leave their complaints with the object's reader. */

static struct cart_command add_item(const struct codec_object *object)
{
    struct cart_command command = {.type = CART_COMMAND_ADD_ITEM};
    int64_t quantity = 1;
    command.add_item.sku = copy_text(object->reader->arena, codec_read_sku(object, "sku"));
    (void)codec_read_integer(object, &quantity_to_add, &quantity); /* The default stands. */
    command.add_item.quantity = (int32_t)quantity;
    command.add_item.properties = codec_read_new_properties(object);
    if (command.add_item.sku != NULL && command.add_item.properties != NULL)
        command.add_item.item_id = codec_make_item_id(
            object->reader->arena, command.add_item.sku, command.add_item.properties, 0);
    return command;
}

static int32_t read_quantity_to_have(const struct codec_object *object)
{
    int64_t quantity = 0;
    (void)codec_read_integer(object, &quantity_to_have, &quantity); /* The reader knows. */
    return (int32_t)quantity;
}

static struct cart_command change_item_quantity(const struct codec_object *object)
{
    struct cart_command command = {.type = CART_COMMAND_CHANGE_ITEM_QUANTITY};
    command.change_item_quantity.item_id =
        copy_text(object->reader->arena, codec_read_sku(object, "item_id"));
    command.change_item_quantity.quantity = read_quantity_to_have(object);
    return command;
}

static struct cart_command remove_item(const struct codec_object *object)
{
    struct cart_command command = {.type = CART_COMMAND_REMOVE_ITEM};
    command.remove_item.item_id =
        copy_text(object->reader->arena, codec_read_sku(object, "item_id"));
    return command;
}

static struct cart_command clear_items(const struct codec_object *object)
{
    (void)object; /* There is nothing to say. */
    return (struct cart_command){.type = CART_COMMAND_CLEAR_ITEMS};
}

static struct cart_command check_out(const struct codec_object *object)
{
    struct cart_command command = {.type = CART_COMMAND_CHECK_OUT};
    command.check_out.has_expected_total =
        codec_read_integer(object, &expected_total, &command.check_out.expected_total_minor);
    return command;
}

static struct cart_command cancel(const struct codec_object *object)
{
    (void)object; /* There is nothing to say. */
    return (struct cart_command){.type = CART_COMMAND_CANCEL};
}

/* ---- several commands ------------------------------------------------------------------------ */

/* What a request may ask of a cart that exists. `members` are those of an element of "commands";
 * the first is always its type. */
static const struct {
    const char *name;
    struct cart_command (*read)(const struct codec_object *object);
    const char *members[5];
} command_rows[] = {
#define CART_ROW(NAME, command_name) [CART_COMMAND_##NAME].name = command_name,
    CART_COMMANDS(CART_ROW)
#undef CART_ROW
        [CART_COMMAND_ADD_ITEM]
            .read = add_item,
    [CART_COMMAND_ADD_ITEM].members = {"type", "sku", "quantity", "properties"},
    [CART_COMMAND_CHANGE_ITEM_QUANTITY].read = change_item_quantity,
    [CART_COMMAND_CHANGE_ITEM_QUANTITY].members = {"type", "item_id", "quantity"},
    [CART_COMMAND_REMOVE_ITEM].read = remove_item,
    [CART_COMMAND_REMOVE_ITEM].members = {"type", "item_id"},
    [CART_COMMAND_CLEAR_ITEMS].read = clear_items,
    [CART_COMMAND_CLEAR_ITEMS].members = {"type"},
    [CART_COMMAND_CHECK_OUT].read = check_out,
    [CART_COMMAND_CHECK_OUT].members = {"type", "expected_total"},
    [CART_COMMAND_CANCEL].read = cancel,
    [CART_COMMAND_CANCEL].members = {"type"},
};

/* The row of the command's type, or BASE_COUNT(command_rows) with a complaint. */
static size_t find_command_row(const struct codec_object *object)
{
    json_t *type = codec_find_member(object, "type", true);
    if (type == NULL)
        return BASE_COUNT(command_rows);
    const char *name = json_string_value(type);
    for (size_t i = 0; name != NULL && i < BASE_COUNT(command_rows); i++)
        /* A cart is created by a request of its own: that row has no reader. */
        if (command_rows[i].read != NULL && strcmp(command_rows[i].name, name) == 0)
            return i;

    BASE_CLEANUP(base_buffer_finish) struct base_buffer known = {0};
    for (size_t i = 0; i < BASE_COUNT(command_rows); i++)
        if (command_rows[i].read != NULL)
            base_buffer_printf(&known, "%s%s", known.length == 0 ? "" : ", ", command_rows[i].name);
    codec_complain_of_member(
        object, "type", "type must be one of %s, not %s.", base_buffer_text(&known),
        codec_describe(object->reader, type));
    return BASE_COUNT(command_rows);
}

static struct cart_command typed_command(const struct codec_object *object)
{
    size_t row = find_command_row(object);
    if (row == BASE_COUNT(command_rows))
        return (struct cart_command){.type = CART_COMMAND_CANCEL};
    struct cart_command command = command_rows[row].read(object);
    codec_refuse_other_members(object, command_rows[row].members);
    return command;
}

static struct cart_command item_to_add(const struct codec_object *object)
{
    struct cart_command command = add_item(object);
    codec_refuse_other_members(object, &command_rows[CART_COMMAND_ADD_ITEM].members[1]);
    return command;
}

/* An array whose elements are one command each. */
struct list {
    const char *name;
    size_t least;
    size_t most;
    struct cart_command (*read)(const struct codec_object *object);
};

/* The elements go to commands->list from `first` on; there is room for list->most. */
static void read_list(
    const struct codec_object *body, const struct list *list, json_t *array, size_t first,
    struct codec_commands *commands)
{
    struct codec_path array_path = {.parent = &body->path, .name = list->name};
    size_t index;
    json_t *element;
    json_array_foreach(array, index, element)
    {
        struct codec_path path = {.parent = &array_path, .index = index};
        struct codec_object object;
        if (!codec_open_object(body->reader, element, path, &object))
            continue;
        commands->list[first + index] = list->read(&object);
        commands->pointers[first + index] = codec_json_pointer(body->reader->arena, &path);
    }
}

/* The array of that name; NULL when it isn't there or, with a complaint, not as it should be. */
static json_t *find_list(const struct codec_object *body, const struct list *list)
{
    json_t *array = codec_find_member(body, list->name, list->least > 0);
    if (array == NULL)
        return NULL;
    if (!json_is_array(array)) {
        codec_complain_of_member(
            body, list->name, "%s must be an array, not %s.", list->name,
            codec_describe(body->reader, array));
        return NULL;
    }
    size_t n = json_array_size(array);
    if (n < list->least || n > list->most) {
        codec_complain_of_member(
            body, list->name, "%s must have %zu to %zu elements, not %zu.", list->name, list->least,
            list->most, n);
        return NULL;
    }
    return array;
}

enum codec_outcome codec_read_commands(
    struct codec_body body, struct base_arena *arena, struct codec_commands *commands,
    struct codec_complaints *complaints)
{
    static const char *const members[] = {"commands", NULL};
    static const struct list list = {
        .name = "commands",
        .least = 1,
        .most = CART_COMMANDS_MAX,
        .read = typed_command,
    };
    BASE_CLEANUP(finish_request) struct request request;
    enum codec_outcome outcome = begin_request(&request, body, false, arena, complaints);
    if (outcome != CODEC_READ)
        return outcome;

    json_t *array = find_list(&request.body, &list);
    struct codec_commands read = make_commands(arena, json_array_size(array));
    read_list(&request.body, &list, array, 0, &read);
    codec_refuse_other_members(&request.body, members);
    outcome = end_request(&request);
    if (outcome == CODEC_READ)
        *commands = read;
    return outcome;
}

/* ---- a new cart ------------------------------------------------------------------------------ */

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

static void read_id(const struct codec_object *body, struct codec_new_cart *new_cart)
{
    json_t *id = codec_find_member(body, "id", false);
    if (id == NULL)
        return;
    const char *text = json_string_value(id);
    new_cart->has_id = text != NULL && base_uuid_parse(text, &new_cart->id);
    if (!new_cart->has_id)
        codec_complain_of_member(
            body, "id", "id must be a UUID, such as 01936f6e-6f0a-7c3e-9a57-5f0c8a4f1b2d, not %s.",
            codec_describe(body->reader, id));
    else if (!may_be_chosen(&new_cart->id))
        codec_complain_of_member(
            body, "id",
            "id must not be the nil UUID, the max UUID or a UUID of version 5, which the service "
            "makes itself; take one of version 7 or 4.");
}

static const char *read_customer_id(const struct codec_object *body)
{
    json_t *id = codec_find_member(body, "customer_id", false);
    if (id == NULL || json_is_null(id))
        return NULL;
    return copy_text(
        body->reader->arena,
        codec_read_label(body, "customer_id", "customer_id", id, CART_CUSTOMER_ID_MAX));
}

static const char *read_metadata(const struct codec_object *body)
{
    json_t *metadata = codec_find_member(body, "metadata", false);
    if (metadata == NULL)
        return "{}";
    if (!json_is_object(metadata)) {
        codec_complain_of_member(
            body, "metadata", "metadata must be an object, not %s.",
            codec_describe(body->reader, metadata));
        return NULL;
    }
    BASE_CLEANUP(base_buffer_finish) struct base_buffer text = {0};
    struct codec_path path = {.parent = &body->path, .name = "metadata"};
    if (!codec_write_canonical(body->reader, metadata, &path, CART_METADATA_DEPTH_MAX, &text))
        return NULL;
    if (text.length > CART_METADATA_MAX) {
        codec_complain_of_member(
            body, "metadata", "metadata has %zu bytes as compact JSON; at most %d are allowed.",
            text.length, CART_METADATA_MAX);
        return NULL;
    }
    return base_arena_copy(body->reader->arena, text.bytes, text.length);
}

static struct cart_command read_create(
    const struct codec_object *body, const char *default_currency)
{
    struct cart_command command = {.type = CART_COMMAND_CREATE};
    if (!codec_read_currency(body, false, command.create.currency))
        memcpy(command.create.currency, default_currency, sizeof command.create.currency);
    command.create.customer_id = read_customer_id(body);
    command.create.metadata = read_metadata(body);
    return command;
}

enum codec_outcome codec_read_new_cart(
    struct codec_body body, const char *default_currency, struct base_arena *arena,
    struct codec_new_cart *new_cart, struct codec_complaints *complaints)
{
    static const char *const members[] = {"id",       "currency", "customer_id",
                                          "metadata", "items",    NULL};
    static const struct list list = {
        .name = "items",
        .most = CART_LINES_MAX,
        .read = item_to_add,
    };
    BASE_CLEANUP(finish_request) struct request request;
    enum codec_outcome outcome = begin_request(&request, body, true, arena, complaints);
    if (outcome != CODEC_READ)
        return outcome;

    struct codec_new_cart read = {.has_id = false};
    read_id(&request.body, &read);
    struct cart_command create = read_create(&request.body, default_currency);
    json_t *items = find_list(&request.body, &list);
    read.commands = make_commands(arena, 1 + json_array_size(items));
    read.commands.list[0] = create;
    read.commands.pointers[0] = "";
    read_list(&request.body, &list, items, 1, &read.commands);
    codec_refuse_other_members(&request.body, members);
    outcome = end_request(&request);
    if (outcome == CODEC_READ)
        *new_cart = read;
    return outcome;
}

/* ---- bodies that are one command ------------------------------------------------------------- */

enum codec_outcome codec_read_claim(
    struct codec_body body, struct base_arena *arena, struct codec_commands *commands,
    struct codec_complaints *complaints)
{
    static const char *const members[] = {"customer_id", NULL};
    BASE_CLEANUP(finish_request) struct request request;
    enum codec_outcome outcome = begin_request(&request, body, true, arena, complaints);
    if (outcome != CODEC_READ)
        return outcome;
    struct cart_command command = {
        .type = CART_COMMAND_CLAIM,
        .claim.customer_id = read_customer_id(&request.body),
    };
    codec_refuse_other_members(&request.body, members);
    outcome = end_request(&request);
    if (outcome == CODEC_READ)
        *commands = make_single_command(arena, command);
    return outcome;
}

enum codec_outcome codec_read_add_item(
    struct codec_body body, struct base_arena *arena, struct codec_commands *commands,
    struct codec_complaints *complaints)
{
    BASE_CLEANUP(finish_request) struct request request;
    enum codec_outcome outcome = begin_request(&request, body, false, arena, complaints);
    if (outcome != CODEC_READ)
        return outcome;
    struct cart_command command = item_to_add(&request.body);
    outcome = end_request(&request);
    if (outcome == CODEC_READ)
        *commands = make_single_command(arena, command);
    return outcome;
}

enum codec_outcome codec_read_change_item_quantity(
    struct codec_body body, const char *item_id, struct base_arena *arena,
    struct codec_commands *commands, struct codec_complaints *complaints)
{
    static const char *const members[] = {"quantity", NULL};
    BASE_CLEANUP(finish_request) struct request request;
    enum codec_outcome outcome = begin_request(&request, body, false, arena, complaints);
    if (outcome != CODEC_READ)
        return outcome;
    struct cart_command command = {
        .type = CART_COMMAND_CHANGE_ITEM_QUANTITY,
        .change_item_quantity =
            {
                .item_id = item_id,
                .quantity = read_quantity_to_have(&request.body),
            },
    };
    codec_refuse_other_members(&request.body, members);
    outcome = end_request(&request);
    if (outcome == CODEC_READ)
        *commands = make_single_command(arena, command);
    return outcome;
}

enum codec_outcome codec_read_check_out(
    struct codec_body body, struct base_arena *arena, struct codec_commands *commands,
    struct codec_complaints *complaints)
{
    BASE_CLEANUP(finish_request) struct request request;
    enum codec_outcome outcome = begin_request(&request, body, true, arena, complaints);
    if (outcome != CODEC_READ)
        return outcome;
    struct cart_command command = check_out(&request.body);
    codec_refuse_other_members(&request.body, &command_rows[CART_COMMAND_CHECK_OUT].members[1]);
    outcome = end_request(&request);
    if (outcome == CODEC_READ)
        *commands = make_single_command(arena, command);
    return outcome;
}

enum codec_outcome codec_read_nothing(
    struct codec_body body, struct base_arena *arena, struct codec_complaints *complaints)
{
    static const char *const members[] = {NULL};
    BASE_CLEANUP(finish_request) struct request request;
    enum codec_outcome outcome = begin_request(&request, body, true, arena, complaints);
    if (outcome != CODEC_READ)
        return outcome;
    codec_refuse_other_members(&request.body, members);
    return end_request(&request);
}

enum codec_outcome codec_read_product(
    struct codec_body body, struct base_arena *arena, struct catalog_content *content,
    struct codec_complaints *complaints)
{
    static const char *const members[] = {"name", "prices", "active", NULL};
    BASE_CLEANUP(finish_request) struct request request;
    enum codec_outcome outcome = begin_request(&request, body, false, arena, complaints);
    if (outcome != CODEC_READ)
        return outcome;

    struct catalog_content read = {.is_active = true};
    json_t *name = codec_find_member(&request.body, "name", true);
    if (name != NULL)
        read.name = copy_text(
            arena, codec_read_label(&request.body, "name", "name", name, CATALOG_NAME_MAX));
    (void)codec_read_prices_member(&request.body, &read);           /* The reader knows. */
    (void)codec_read_active(&request.body, false, &read.is_active); /* The default stands. */
    codec_refuse_other_members(&request.body, members);
    outcome = end_request(&request);
    if (outcome == CODEC_READ)
        *content = read;
    return outcome;
}
