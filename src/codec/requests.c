#include "codec_fields.h"

#include <string.h>

static const char *const command_names[] = {
#define CODEC_ROW(NAME, name) name,
    CART_COMMANDS(CODEC_ROW)
#undef CODEC_ROW
};

void codec_finish_request(struct codec_request *request)
{
    json_decref(request->json);
}

/* A parser may pass over a byte order mark (RFC 8259, section 8.1), as some clients write one. */
static struct codec_body skip_byte_order_mark(struct codec_body body)
{
    static const char mark[] = "\xef\xbb\xbf";
    const size_t length = sizeof(mark) - 1;
    if (body.length < length || memcmp(body.bytes, mark, length) != 0)
        return body;
    body.bytes += length;
    body.length -= length;
    return body;
}

static bool may_be_empty(const struct codec_field *fields)
{
    while (fields->name != NULL && fields->is_optional)
        fields++;
    return fields->name == NULL;
}

static const char *make_canonical(struct base_arena *arena, json_t *json)
{
    BASE_CLEANUP(base_buffer_finish) struct base_buffer text = {0};
    struct codec_reader reader = {.arena = arena};
    struct codec_path path = {.root = ""};
    /* A number that can't be written is refused by the body's own reader, too. */
    (void)!codec_write_canonical(&reader, json, &path, CODEC_DEPTH_MAX, &text);
    return base_arena_copy(arena, text.bytes, text.length);
}

enum codec_outcome codec_begin_request(
    struct codec_request *request, struct codec_body body, struct base_arena *arena,
    struct codec_complaints *complaints, void *target)
{
    complaints->n = 0;
    request->reader = (struct codec_reader){
        .arena = arena,
        .complaints = complaints,
        .is_of_client = true,
    };
    body = skip_byte_order_mark(body);
    if (body.length == 0 && may_be_empty(request->fields))
        body = (struct codec_body){.bytes = "{}", .length = 2, .canonical = body.canonical};
    enum codec_outcome outcome = codec_json_read_body(&request->reader, body, &request->json);
    if (outcome != CODEC_READ)
        return outcome;
    if (body.canonical != NULL)
        *body.canonical = make_canonical(arena, request->json);
    struct codec_path path = {.root = ""};
    if (!codec_open_object(&request->reader, request->json, path, &request->body))
        return CODEC_INVALID;
    codec_read_fields(&request->body, request->fields, target);
    return CODEC_READ;
}

enum codec_outcome codec_end_request(const struct codec_request *request)
{
    codec_refuse_other_members(&request->body, request->fields);
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

/* ---- one command ----------------------------------------------------------------------------- */

/* A line with properties, or whose sku is no item id, is never called by its sku. */
static void name_item(struct base_arena *arena, struct cart_command *command)
{
    if (command->type == CART_COMMAND_ADD_ITEM && command->add_item.sku != NULL &&
        (command->add_item.properties != NULL || !codec_is_item_id(command->add_item.sku)))
        command->add_item.item_id =
            codec_make_item_id(arena, command->add_item.sku, command->add_item.properties, 0);
}

/* A change of an item must say what is to change. */
static void check_change(const struct codec_object *object, const struct cart_command *command)
{
    if (command->type == CART_COMMAND_CHANGE_ITEM && !command->change_item.has_quantity &&
        !command->change_item.has_properties && !command->change_item.has_unit_price)
        codec_complain(
            object->reader, &object->path,
            "The body must have quantity, properties or unit_price.");
}

enum codec_outcome codec_read_command(
    struct codec_body body, enum cart_command_type type, struct base_arena *arena,
    struct codec_commands *commands, struct codec_complaints *complaints)
{
    BASE_CLEANUP(codec_finish_request)
    struct codec_request request = {.fields = codec_body_fields(type)};
    struct cart_command command = {.type = type};
    enum codec_outcome outcome = codec_begin_request(&request, body, arena, complaints, &command);
    if (outcome == CODEC_READ) {
        check_change(&request.body, &command);
        outcome = codec_end_request(&request);
    }
    if (outcome != CODEC_READ)
        return outcome;
    name_item(arena, &command);
    *commands = make_commands(arena, 1);
    commands->list[0] = command;
    commands->pointers[0] = "";
    return CODEC_READ;
}

/* ---- lists ----------------------------------------------------------------------------------- */

static struct cart_command read_element(
    struct codec_object *object, enum cart_command_type type, const struct codec_field *fields)
{
    struct cart_command command = {.type = type};
    codec_read_fields(object, fields, &command);
    check_change(object, &command);
    codec_refuse_other_members(object, fields);
    name_item(object->reader->arena, &command);
    return command;
}

static struct cart_command read_item(struct codec_object *object)
{
    return read_element(object, CART_COMMAND_ADD_ITEM, codec_body_fields(CART_COMMAND_ADD_ITEM));
}

static void complain_of_type(const struct codec_object *object, const json_t *type)
{
    BASE_CLEANUP(base_buffer_finish) struct base_buffer known = {0};
    for (size_t i = 0; i < BASE_COUNT(command_names); i++)
        if (codec_list_fields((enum cart_command_type)i) != NULL)
            base_buffer_printf(&known, "%s%s", known.length == 0 ? "" : ", ", command_names[i]);
    codec_complain_of_member(
        object, "type", "type must be one of %s, not %s.", base_buffer_text(&known),
        codec_describe(object->reader, type));
}

/* What an element is says its member `type`. */
static struct cart_command read_typed(struct codec_object *object)
{
    const json_t *type = json_object_get(object->members, "type");
    const char *name = json_string_value(type);
    for (size_t i = 0; name != NULL && i < BASE_COUNT(command_names); i++) {
        const struct codec_field *fields = codec_list_fields((enum cart_command_type)i);
        if (fields != NULL && strcmp(command_names[i], name) == 0)
            return read_element(object, (enum cart_command_type)i, fields);
    }
    if (type == NULL)
        codec_complain_of_member(object, "type", "type is missing.");
    else
        complain_of_type(object, type);
    return (struct cart_command){.type = CART_COMMAND_CANCEL};
}

/* Each element of the array that is that member of the body; NULL stands for an empty one. The
 * first `n_before` of the commands are left to the caller. */
static struct codec_commands read_list(
    const struct codec_object *body, const char *name, json_t *array, size_t n_before,
    struct cart_command (*read)(struct codec_object *object))
{
    struct base_arena *arena = body->reader->arena;
    struct codec_commands commands = make_commands(arena, n_before + json_array_size(array));
    struct codec_path array_path = {.parent = &body->path, .name = name};
    size_t index;
    json_t *element;
    json_array_foreach(array, index, element)
    {
        struct codec_path path = {.parent = &array_path, .index = index};
        struct codec_object object;
        if (!codec_open_object(body->reader, element, path, &object))
            continue;
        commands.list[n_before + index] = read(&object);
        commands.pointers[n_before + index] = codec_json_pointer(arena, &path);
    }
    return commands;
}

enum codec_outcome codec_read_commands(
    struct codec_body body, struct base_arena *arena, struct codec_commands *commands,
    struct codec_complaints *complaints)
{
    BASE_CLEANUP(codec_finish_request)
    struct codec_request request = {.fields = codec_command_list_fields};
    struct codec_command_list list = {.commands = NULL};
    enum codec_outcome outcome = codec_begin_request(&request, body, arena, complaints, &list);
    if (outcome != CODEC_READ)
        return outcome;
    struct codec_commands read = read_list(&request.body, "commands", list.commands, 0, read_typed);
    outcome = codec_end_request(&request);
    if (outcome == CODEC_READ)
        *commands = read;
    return outcome;
}

/* ---- a new cart ------------------------------------------------------------------------------ */

/* What it does not say itself. A copy has the currency of what it is a copy of. */
static void complete_creation(
    const struct codec_object *body, const char *default_currency, struct codec_creation *creation)
{
    struct cart_command *command = &creation->command;
    if (creation->has_copy_of) {
        command->create.copy_of = base_uuid_text(body->reader->arena, &creation->copy_of);
        return;
    }
    if (command->create.copy_version > 0)
        codec_complain_of_member(
            body, "at_version", "at_version says of which version copy_of is, which is missing.");
    if (command->create.currency[0] == '\0')
        memcpy(command->create.currency, default_currency, sizeof command->create.currency);
}

enum codec_outcome codec_read_new_cart(
    struct codec_body body, const char *default_currency, struct base_arena *arena,
    struct codec_new_cart *new_cart, struct codec_complaints *complaints)
{
    BASE_CLEANUP(codec_finish_request)
    struct codec_request request = {.fields = codec_creation_fields};
    struct codec_creation creation = {.command = {.type = CART_COMMAND_CREATE}};
    enum codec_outcome outcome = codec_begin_request(&request, body, arena, complaints, &creation);
    if (outcome != CODEC_READ)
        return outcome;
    complete_creation(&request.body, default_currency, &creation);
    struct codec_new_cart read = {
        .has_id = creation.has_id,
        .id = creation.id,
        .commands = read_list(&request.body, "items", creation.items, 1, read_item),
    };
    read.commands.list[0] = creation.command;
    read.commands.pointers[0] = "";
    outcome = codec_end_request(&request);
    if (outcome == CODEC_READ)
        *new_cart = read;
    return outcome;
}

/* ---- a product ------------------------------------------------------------------------------- */

enum codec_outcome codec_read_product(
    struct codec_body body, struct base_arena *arena, struct catalog_content *content,
    struct codec_complaints *complaints)
{
    BASE_CLEANUP(codec_finish_request)
    struct codec_request request = {.fields = codec_content_fields};
    struct catalog_content read = {.name = NULL};
    enum codec_outcome outcome = codec_begin_request(&request, body, arena, complaints, &read);
    if (outcome == CODEC_READ)
        outcome = codec_end_request(&request);
    if (outcome == CODEC_READ)
        *content = read;
    return outcome;
}

/* ---- nothing --------------------------------------------------------------------------------- */

enum codec_outcome codec_read_nothing(
    struct codec_body body, struct base_arena *arena, struct codec_complaints *complaints)
{
    static const struct codec_field none[] = {{.name = NULL}};
    BASE_CLEANUP(codec_finish_request) struct codec_request request = {.fields = none};
    enum codec_outcome outcome = codec_begin_request(&request, body, arena, complaints, NULL);
    return outcome == CODEC_READ ? codec_end_request(&request) : outcome;
}
