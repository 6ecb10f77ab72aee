/* Request bodies: the first byte says of which operation, the rest is the body. */
#include <stdlib.h>
#include <string.h>

#include "aggregate.h"
#include "codec.h"
#include "fuzz.h"
#include "problems.h"

static struct base_arena arena;
static const struct base_uuid CART_ID = {.bytes = {1, 2, 3}};

/* ---- what is refused ------------------------------------------------------------------------- */

static void claim_sentence(const char *text)
{
    size_t length = strlen(text);
    FUZZ_CLAIM(length > 1 && text[length - 1] == '.');
    FUZZ_CLAIM(base_utf8_length(text, length) > 0);
}

static void claim_problem(enum codec_outcome outcome, const struct codec_complaints *complaints)
{
    BASE_CLEANUP(base_buffer_finish) struct base_buffer problem = {0};
    const struct http_refusal trouble = {
        .problem =
            outcome == CODEC_INVALID ? HTTP_PROBLEM_INVALID_BODY : HTTP_PROBLEM_MALFORMED_JSON,
        .detail = complaints->list[0].detail,
        .errors = outcome == CODEC_INVALID ? complaints : NULL,
    };
    http_write_problem(&problem, &trouble, "id");
    FUZZ_CLAIM(fuzz_is_json(problem.bytes, problem.length));
}

static void claim_complaints(
    enum codec_outcome outcome, struct codec_body body, const struct codec_complaints *complaints)
{
    FUZZ_CLAIM((complaints->n == 0) == (outcome == CODEC_READ));
    FUZZ_CLAIM(complaints->n <= CODEC_COMPLAINTS_MAX);
    FUZZ_CLAIM(outcome != CODEC_MALFORMED || complaints->n == 1);
    for (size_t i = 0; i < complaints->n; i++) {
        claim_sentence(complaints->list[i].detail);
        if (outcome == CODEC_MALFORMED)
            FUZZ_CLAIM(complaints->list[i].pointer[0] == '\0');
        else
            fuzz_claim_pointer(body.bytes, body.length, complaints->list[i].pointer);
    }
    if (outcome != CODEC_READ)
        claim_problem(outcome, complaints);
}

/* ---- what is accepted ------------------------------------------------------------------------ */

static void claim_same_document(const struct cart *one, const struct cart *other)
{
    BASE_CLEANUP(base_buffer_finish) struct base_buffer first = {0};
    BASE_CLEANUP(base_buffer_finish) struct base_buffer second = {0};
    codec_write_cart(&first, &CART_ID, one);
    codec_write_cart(&second, &CART_ID, other);
    FUZZ_CLAIM(fuzz_is_same(&first, &second));
    FUZZ_CLAIM(fuzz_is_json(first.bytes, first.length));
}

/* An event that was decided reads back from its JSON as the same fact. */
static struct cart_event read_back(const struct cart_event *event)
{
    BASE_CLEANUP(base_buffer_finish) struct base_buffer data = {0};
    struct cart_event read;
    const char *type = codec_cart_event_name(event->type);
    int32_t schema_version = codec_cart_event_schema_version(event->type);
    const char *reason;
    codec_write_cart_event(&data, event);
    const char *text = base_buffer_text(&data);
    FUZZ_CLAIM(codec_read_cart_event(type, schema_version, text, &arena, &read));
    FUZZ_CLAIM(codec_round_trips(type, schema_version, text, &reason));
    return read;
}

static struct cart_offer find_offer(void *context, const char *sku, const char *currency)
{
    (void)context;
    (void)currency;
    return (struct cart_offer){
        .is_known = sku[0] != 'u',
        .has_price = sku[0] != 'p',
        .name = "\"Tea\" \\ \xc3\xa9",
        .unit = sku[0] == 'k' ? "kg" : NULL,
        .scale = sku[0] == 'k' ? 3 : 0,
        .limits =
            {
                .minimum = sku[0] == 'm' ? 6 : 1,
                .maximum = sku[0] == 'k' ? CART_QUANTITY_MAX : 999,
                .multiple_of = sku[0] == 'm' ? 6 : 1,
            },
        .unit_price_minor = sku[0] == 'd' ? CART_AMOUNT_MAX / 3 : 499,
    };
}

/* The past of every cart is the same, and empty. */
static void need_other(void *context, const struct aggregate_stream *stream)
{
    (void)context;
    (void)stream;
}

static const void *find_past(void *context, const struct aggregate_past *past, bool *is_read)
{
    static struct cart former;
    const struct cart_event created = {
        .type = CART_EVENT_CREATED,
        .created = {.currency = "EUR", .metadata = "{}"},
    };
    (void)context;
    (void)past;
    *is_read = true;
    cart_clear(&former);
    cart_evolve(&former, &created, 0);
    return &former;
}

static void claim_in_bounds(const struct cart *cart)
{
    int64_t total_minor = 0;
    FUZZ_CLAIM(cart->n_lines <= CART_LINES_MAX);
    for (size_t i = 0; i < cart->n_lines; i++) {
        FUZZ_CLAIM(cart->lines[i].quantity >= 1 && cart->lines[i].quantity <= CART_QUANTITY_MAX);
        FUZZ_CLAIM(codec_is_item_id(cart->lines[i].item_id));
        total_minor += cart_line_total_minor(&cart->lines[i]);
    }
    FUZZ_CLAIM(cart->n_totals <= CART_TOTALS_MAX);
    for (size_t i = 0; i < cart->n_totals; i++)
        total_minor += cart->totals[i].amount_minor;
    FUZZ_CLAIM(total_minor == cart->total_minor && total_minor <= CART_AMOUNT_MAX);
}

/* A snapshot of a cart that came about by the rules reads back as that cart. */
static void claim_snapshot(const struct cart *cart)
{
    static struct cart read;
    BASE_CLEANUP(base_buffer_finish) struct base_buffer snapshot = {0};
    codec_write_cart_snapshot(&snapshot, cart);
    FUZZ_CLAIM(codec_read_cart_snapshot(base_buffer_text(&snapshot), &arena, &read));
    claim_same_document(cart, &read);
}

/* Decides the commands one after the other. The facts, folded as they were decided and as they read
 * back from the log, make the same cart. */
static void carry_out(struct cart *decided, const struct codec_commands *commands)
{
    static struct cart stored;
    cart_copy(&stored, decided);
    const struct aggregate_known known = {
        .find_offer = find_offer, .find_past = find_past, .need_other = need_other};
    for (size_t i = 0; i < commands->n; i++) {
        const struct cart_request request = {
            .commands = &commands->list[i], .n_commands = 1, .caller = {.may_all = true}};
        struct aggregate_decision decision;
        aggregate_cart.decide(decided, &request, &known, &arena, &decision);
        const struct cart_event *facts = decision.facts;
        for (size_t j = 0; !decision.is_refused && j < decision.n_facts; j++) {
            struct cart_event event = read_back(&facts[j]);
            cart_evolve(decided, &facts[j], (int64_t)i);
            cart_evolve(&stored, &event, (int64_t)i);
        }
        claim_in_bounds(decided);
    }
    claim_same_document(decided, &stored);
    if (decided->version > 0)
        claim_snapshot(decided);
}

static struct cart *make_cart(void)
{
    static struct cart cart;
    const struct cart_event created = {
        .type = CART_EVENT_CREATED,
        .created = {.currency = "EUR", .metadata = "{}"},
    };
    const struct cart_event added = {
        .type = CART_EVENT_ITEM_ADDED,
        .item_added =
            {.item_id = "tea", .sku = "tea", .name = "Tea", .quantity = 2, .unit_price_minor = 499},
    };
    cart_clear(&cart);
    cart_evolve(&cart, &created, 0);
    cart_evolve(&cart, &added, 1);
    return &cart;
}

/* What was made canonical stays as it is when it comes in again. */
static void claim_canonical(const struct codec_new_cart *new_cart)
{
    const struct cart_command *create = &new_cart->commands.list[0];
    const char *again = base_arena_printf(&arena, "{\"metadata\":%s}", create->create.metadata);
    struct codec_new_cart read;
    struct codec_complaints complaints;
    enum codec_outcome outcome = codec_read_new_cart(
        (struct codec_body){.bytes = again, .length = strlen(again)}, "EUR", &arena, &read,
        &complaints);
    FUZZ_CLAIM(outcome == CODEC_READ);
    FUZZ_CLAIM(fuzz_is_same_text(read.commands.list[0].create.metadata, create->create.metadata));
}

static void claim_product(const struct catalog_content *content)
{
    BASE_CLEANUP(base_buffer_finish) struct base_buffer data = {0};
    struct catalog_event event = {.type = CATALOG_EVENT_PRODUCT_CHANGED};
    const char *reason;
    event.product_changed.sku = "tea";
    event.product_changed.content = *content;
    codec_write_catalog_event(&data, &event);
    const char *type = codec_catalog_event_name(event.type);
    int32_t schema_version = codec_catalog_event_schema_version(event.type);
    FUZZ_CLAIM(codec_round_trips(type, schema_version, base_buffer_text(&data), &reason));

    struct catalog_content read = {0};
    data.length = 0;
    codec_write_prices(&data, content);
    FUZZ_CLAIM(codec_read_prices(base_buffer_text(&data), &read));
    FUZZ_CLAIM(read.n_prices == content->n_prices);
    for (size_t i = 0; i < read.n_prices; i++) {
        FUZZ_CLAIM(read.prices[i].price_minor == content->prices[i].price_minor);
        FUZZ_CLAIM(strcmp(read.prices[i].currency, content->prices[i].currency) == 0);
    }
}

/* ---- the operations -------------------------------------------------------------------------- */

static enum codec_outcome read_new_cart(struct codec_body body, struct codec_complaints *complaints)
{
    static struct cart cart;
    struct codec_new_cart new_cart;
    enum codec_outcome outcome = codec_read_new_cart(body, "EUR", &arena, &new_cart, complaints);
    if (outcome == CODEC_READ) {
        cart_clear(&cart);
        carry_out(&cart, &new_cart.commands);
        FUZZ_CLAIM(cart.version > 0);
        claim_canonical(&new_cart);
    }
    return outcome;
}

static enum codec_outcome read_product(struct codec_body body, struct codec_complaints *complaints)
{
    static struct catalog_content content;
    enum codec_outcome outcome = codec_read_product(body, &arena, &content, complaints);
    if (outcome == CODEC_READ)
        claim_product(&content);
    return outcome;
}

static enum codec_outcome read_commands(
    uint8_t operation, struct codec_body body, struct codec_complaints *complaints)
{
    enum { LIST = 3 };
    static const enum cart_command_type types[] = {
        [0] = CART_COMMAND_ADD_ITEM,  [1] = CART_COMMAND_CHANGE_ITEM_QUANTITY,
        [2] = CART_COMMAND_CHECK_OUT, [4] = CART_COMMAND_CANCEL,
        [5] = CART_COMMAND_CLAIM,
    };
    struct codec_commands commands = {.n = 0};
    enum codec_outcome outcome =
        operation == 3 ? codec_read_commands(body, &arena, &commands, complaints)
                       : codec_read_command(body, types[operation], &arena, &commands, complaints);
    if (outcome != CODEC_READ)
        return outcome;
    struct cart_command *first = &commands.list[0];
    if (first->type == CART_COMMAND_CLAIM && first->claim.customer_id == NULL)
        first->claim.customer_id = "caller";
    if (operation != LIST && first->type == CART_COMMAND_CHANGE_ITEM_QUANTITY)
        first->change_item_quantity.item_id = "tea";
    carry_out(make_cart(), &commands);
    return outcome;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    if (n_bytes == 0)
        return 0;
    BASE_CLEANUP(base_free_pointer) char *copy = fuzz_copy(bytes + 1, n_bytes - 1);
    struct codec_body body = {.bytes = n_bytes > 1 ? copy : NULL, .length = n_bytes - 1};
    struct codec_complaints complaints;
    enum codec_outcome outcome;
    if (bytes[0] % 8 == 6)
        outcome = read_new_cart(body, &complaints);
    else if (bytes[0] % 8 == 7)
        outcome = read_product(body, &complaints);
    else
        outcome = read_commands(bytes[0] % 8, body, &complaints);
    claim_complaints(outcome, body, &complaints);
    base_arena_reset(&arena);
    return 0;
}
