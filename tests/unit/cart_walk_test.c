#include "cart_history.h"
#include "codec.h"

/*
 * Random walks over all commands, while the catalogue changes: whatever is accepted, the cart that
 * it makes holds together, is the same when its facts, it or its snapshot are stored and read
 * again, and can be led back to what it was.
 */

enum { WALK_SKUS_MAX = 40, WALK_REQUESTS = 700 };

static char skus[WALK_SKUS_MAX][24];
static uint32_t n_skus;
static bool is_dear;
static bool is_measured; /* products change their units and limits */
static struct base_arena arena;
static uint64_t random_state;

static uint32_t random_below(uint32_t limit)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)((random_state >> 11) % limit);
}

/* ---- what is commanded ----------------------------------------------------------------------- */

static int64_t random_price(void)
{
    if (random_below(12) == 0)
        return NO_PRICE;
    return is_dear && random_below(3) == 0 ? CART_AMOUNT_MAX / (random_below(3000) + 1)
                                           : random_below(5000);
}

static const char *random_sku(void)
{
    return skus[random_below(n_skus)];
}

/* Of the cart, mostly. */
static const char *random_item(void)
{
    if (now()->n_lines == 0 || random_below(10) == 0)
        return random_sku();
    return now()->lines[random_below((uint32_t)now()->n_lines)].item_id;
}

/* As patches: what comes out. */
static const char *random_properties(void)
{
    static const char *const properties[] = {
        "{}", "{\"size\":\"L\"}", "{\"size\":\"M\"}", "{\"size\":\"S\"}", "{\"color\":\"red\"}",
        "!"};
    return properties[random_below(BASE_COUNT(properties))];
}

static struct cart_command random_add(void)
{
    struct cart_command asked = add_item(random_sku(), (int32_t)random_below(400) + 1);
    const char *properties = random_properties();
    if (properties[1] == '}' || properties[0] == '!')
        return asked;
    asked.add_item.properties = properties;
    asked.add_item.item_id = codec_make_item_id(&arena, asked.add_item.sku, properties, 0);
    return asked;
}

static const char *random_total(void)
{
    static const char *const names[] = {"tax", "shipping", "a", "b", "c", "d", "e", "f", "g", "h"};
    return names[random_below(BASE_COUNT(names))];
}

/* Coupons of all kinds. What a code is stays the same; whether it can be used changes. */
enum { WALK_COUPONS = 14 };
static struct coupon_definition coupons[WALK_COUPONS];

static void make_coupons(void)
{
    static const char *const skus_of_it[] = {"sku-0", "sku-1", "sku-12"};
    static const char *const tags_of_it[] = {"new", "sale"};
    static struct coupon_money amounts[WALK_COUPONS][2];
    static struct coupon_money minimums[WALK_COUPONS];
    static char codes[WALK_COUPONS][8];
    for (int i = 0; i < WALK_COUPONS; i++) {
        (void)snprintf(codes[i], sizeof codes[i], "c%d", i); /* Short enough. */
        coupons[i] = (struct coupon_definition){
            .code = codes[i],
            .starts_at_us = COUPON_TIME_NONE,
            .ends_at_us = COUPON_TIME_NONE,
            .is_combinable = i % 5 != 4,
            .limit_per_customer = i % 7 == 6,
        };
        amounts[i][0] = (struct coupon_money){"EUR", 1 + random_below(5000)};
        amounts[i][1] = (struct coupon_money){"USD", is_dear ? CART_AMOUNT_MAX / 3 : 7};
        minimums[i] = (struct coupon_money){"EUR", 1 + random_below(90000)};
        if (i % 2 == 0)
            coupons[i].percent_hundredths = 1 + (int32_t)random_below(10000);
        else
            coupons[i].amounts = (struct coupon_amounts){amounts[i], 1 + random_below(2)};
        if (i % 3 == 0)
            coupons[i].minimums = (struct coupon_amounts){&minimums[i], 1};
        if (i % 4 == 1)
            coupons[i].skus = (struct coupon_texts){skus_of_it, BASE_COUNT(skus_of_it)};
        if (i % 4 >= 2)
            coupons[i].tags = (struct coupon_texts){tags_of_it, 1 + random_below(2)};
    }
}

static const char *random_coupon(void)
{
    return coupons[random_below(WALK_COUPONS)].code;
}

static struct cart_coupon_offer find_random_coupon(void *context, const char *code)
{
    (void)context;
    for (int i = 0; random_below(6) > 0 && i < WALK_COUPONS; i++)
        if (strcmp(coupons[i].code, code) == 0)
            return (struct cart_coupon_offer){COUPON_USABLE, &coupons[i]};
    return (struct cart_coupon_offer){
        .usability = random_below(2) == 0 ? COUPON_EXHAUSTED : COUPON_WITHDRAWN};
}

static struct cart_command coupon_command(enum cart_command_type type)
{
    struct cart_command asked = {.type = type};
    if (type == CART_COMMAND_APPLY_COUPON)
        asked.apply_coupon.code = random_coupon();
    else
        asked.remove_coupon.code = random_coupon();
    return asked;
}

static struct cart_command random_command(void)
{
    static const char *const notes[] = {NULL, "ring", "R\xc3\xbc\"ckseite\""};
    if (n_skus < WALK_SKUS_MAX && random_below(3) == 0)
        return change_properties(random_item(), random_properties());
    switch (random_below(25)) {
    case 0:
    case 1:
        return undo();
    case 2:
        return restore(history[1 + random_below((uint32_t)n_history - 1)].version);
    case 3:
        return restore(now()->version + 1 + (int32_t)random_below(5));
    case 4:
        return reprice();
    case 5:
        return change_currency(random_below(2) == 0 ? "EUR" : "USD");
    case 6:
        return change_metadata(random_below(2) == 0 ? "{\"a\":1}" : NULL);
    case 7:
        return change_note(notes[random_below(3)]);
    case 8:
        return random_below(8) == 0 ? clear_items() : change_email("ada@example.com");
    case 9:
        return check_out_at_prices();
    case 10:
        return random_below(6) == 0 ? cancel() : claim_for("ada");
    case 11:
    case 12:
        return reopen(NULL);
    case 13:
        return change_item(random_item(), (int32_t)random_below(1000), random_properties());
    case 14:
        return change_properties(random_item(), random_properties());
    case 15:
        return remove_item(random_item());
    case 16:
        return set_total(random_total(), is_dear ? CART_AMOUNT_MAX / (1 + random_below(100)) : 5);
    case 18:
    case 19:
        return coupon_command(CART_COMMAND_APPLY_COUPON);
    case 20:
        return coupon_command(CART_COMMAND_REMOVE_COUPON);
    case 17:
        return random_below(3) == 0 ? remove_total(random_total()) : set_total(random_total(), 0);
    default:
        return random_add();
    }
}

/* Most products are counted as ever. */
static void measure_anyhow(const char *sku)
{
    static const char *const units[] = {NULL, NULL, "kg", "lb"};
    static const struct cart_limits limits[] = {
        {1, 999, 1}, {1, CART_QUANTITY_MAX, 1}, {50, 2000, 50}, {1, 300, 1}};
    measure(
        sku, units[random_below(BASE_COUNT(units))],
        random_below(2) == 0 ? 0 : (int32_t)random_below(4),
        limits[random_below(BASE_COUNT(limits))]);
}

static void change_catalogue(void)
{
    const char *sku = random_sku();
    if (random_below(8) == 0)
        withdraw(sku);
    else
        sell(sku, random_price(), random_price());
    if (is_measured && random_below(3) == 0)
        measure_anyhow(sku);
}

/* ---- what must be true ----------------------------------------------------------------------- */

static bool is_same_text(const char *left, const char *right)
{
    return left == right || (left != NULL && right != NULL && strcmp(left, right) == 0);
}

static bool is_same_line(const struct cart_line *left, const struct cart_line *right)
{
    return strcmp(left->item_id, right->item_id) == 0 && strcmp(left->sku, right->sku) == 0 &&
           strcmp(left->name, right->name) == 0 &&
           is_same_text(left->properties, right->properties) && left->quantity == right->quantity &&
           is_same_text(left->unit, right->unit) && left->scale == right->scale &&
           is_same_text(left->tags, right->tags) && left->discount_minor == right->discount_minor &&
           left->added_version == right->added_version &&
           left->unit_price_minor == right->unit_price_minor;
}

static bool is_same_coupon(const struct cart_coupon *left, const struct cart_coupon *right)
{
    const struct coupon_definition *a = left->definition;
    const struct coupon_definition *b = right->definition;
    bool is_same = strcmp(left->code, right->code) == 0 && left->state == right->state &&
                   left->amount_minor == right->amount_minor && strcmp(a->code, b->code) == 0 &&
                   a->percent_hundredths == b->percent_hundredths && a->skus.n == b->skus.n &&
                   a->tags.n == b->tags.n && a->amounts.n == b->amounts.n &&
                   a->minimums.n == b->minimums.n && a->is_combinable == b->is_combinable &&
                   a->limit_per_customer == b->limit_per_customer;
    for (size_t i = 0; is_same && i < a->skus.n; i++)
        is_same = strcmp(a->skus.list[i], b->skus.list[i]) == 0;
    for (size_t i = 0; is_same && i < a->tags.n; i++)
        is_same = strcmp(a->tags.list[i], b->tags.list[i]) == 0;
    return is_same;
}

static bool is_same_cart(const struct cart *left, const struct cart *right)
{
    bool is_same =
        left->status == right->status && left->version == right->version &&
        strcmp(left->currency, right->currency) == 0 &&
        is_same_text(left->customer_id, right->customer_id) &&
        is_same_text(left->guest_token_hash, right->guest_token_hash) &&
        is_same_text(left->metadata, right->metadata) &&
        is_same_text(left->customer_email, right->customer_email) &&
        is_same_text(left->note, right->note) && is_same_text(left->notes, right->notes) &&
        is_same_text(left->order_reference, right->order_reference) &&
        left->changed_version == right->changed_version && left->undone_to == right->undone_to &&
        left->item_count == right->item_count && left->total_minor == right->total_minor &&
        left->subtotal_minor == right->subtotal_minor &&
        left->discount_minor == right->discount_minor && left->n_totals == right->n_totals &&
        left->created_at_us == right->created_at_us &&
        left->updated_at_us == right->updated_at_us && left->closed_at_us == right->closed_at_us &&
        left->n_lines == right->n_lines && left->n_coupons == right->n_coupons;
    for (size_t i = 0; is_same && i < left->n_lines; i++)
        is_same = is_same_line(&left->lines[i], &right->lines[i]);
    for (size_t i = 0; is_same && i < left->n_coupons; i++)
        is_same = is_same_coupon(&left->coupons[i], &right->coupons[i]);
    for (size_t i = 0; is_same && i < left->n_totals; i++)
        is_same = strcmp(left->totals[i].name, right->totals[i].name) == 0 &&
                  left->totals[i].amount_minor == right->totals[i].amount_minor &&
                  left->totals[i].is_stale == right->totals[i].is_stale;
    return is_same;
}

/* Each amount is exact: lines, coupons and the cart say the same, and nothing is below zero. */
static bool has_exact_discounts(const struct cart *cart)
{
    int64_t of_lines_minor = 0;
    int64_t of_coupons_minor = 0;
    bool is_good = cart->n_coupons <= CART_COUPONS_MAX;
    for (size_t i = 0; i < cart->n_lines; i++) {
        const struct cart_line *line = &cart->lines[i];
        is_good = is_good && line->discount_minor >= 0 && cart_line_total_minor(line) >= 0;
        of_lines_minor += line->discount_minor;
    }
    for (size_t i = 0; i < cart->n_coupons; i++) {
        const struct cart_coupon *coupon = &cart->coupons[i];
        bool takes_off = coupon->state == CART_COUPON_APPLIED;
        is_good = is_good && coupon->amount_minor >= 0 &&
                  (takes_off || coupon->amount_minor == 0) &&
                  (cart->n_coupons == 1 || coupon->definition->is_combinable) &&
                  cart_find_coupon(cart, coupon->code) == coupon;
        of_coupons_minor += coupon->amount_minor;
    }
    return is_good && of_lines_minor == of_coupons_minor && cart->discount_minor == of_lines_minor;
}

/* Of any version, also of those between the facts of one request. */
static bool is_within_bounds(const struct cart *cart)
{
    int64_t total_minor = 0;
    int32_t item_count = 0;
    bool is_good = cart->n_lines <= CART_LINES_MAX;
    for (size_t i = 0; i < cart->n_lines; i++) {
        const struct cart_line *line = &cart->lines[i];
        is_good = is_good && line->quantity >= 1 && line->quantity <= CART_QUANTITY_MAX &&
                  line->unit_price_minor >= 0 && line->added_version <= cart->version &&
                  cart_find_line(cart, line->item_id) == line &&
                  cart_find_line_of(cart, line->sku, line->properties) == line;
        is_good = is_good && !__builtin_add_overflow(
                                 total_minor, cart_line_subtotal_minor(line), &total_minor);
        item_count += line->scale > 0 ? 1 : line->quantity;
    }
    is_good = is_good && cart->subtotal_minor == total_minor && cart->n_totals <= CART_TOTALS_MAX;
    for (size_t i = 0; i < cart->n_totals; i++)
        is_good = is_good && cart->totals[i].amount_minor >= 0 &&
                  cart_find_total(cart, cart->totals[i].name) == &cart->totals[i] &&
                  !__builtin_add_overflow(total_minor, cart->totals[i].amount_minor, &total_minor);
    return is_good && has_exact_discounts(cart) && total_minor <= CART_AMOUNT_MAX &&
           cart->total_minor == total_minor - cart->discount_minor &&
           cart->item_count == item_count && cart->changed_version <= cart->version &&
           cart->undone_to < cart->version;
}

static bool is_same_when_packed(const struct cart *cart)
{
    BASE_CLEANUP(base_free_pointer) char *memory = base_alloc(cart_packed_size(cart));
    return is_same_cart(cart_pack(memory, cart), cart);
}

static bool is_same_as_snapshot(const struct cart *cart)
{
    static struct cart read;
    BASE_CLEANUP(base_arena_finish) struct base_arena texts = {0};
    BASE_CLEANUP(base_buffer_finish) struct base_buffer text = {0};
    codec_write_cart_snapshot(&text, cart);
    return codec_read_cart_snapshot(base_buffer_text(&text), &texts, &read) &&
           is_same_cart(&read, cart);
}

/* The event is stored and read again, and written again. Its texts live as long as the walk. */
static bool store(const struct cart_event *event, struct cart_event *stored)
{
    BASE_CLEANUP(base_buffer_finish) struct base_buffer data = {0};
    BASE_CLEANUP(base_buffer_finish) struct base_buffer again = {0};
    const char *reason = "";
    const char *type = codec_cart_event_name(event->type);
    int32_t schema_version = codec_cart_event_schema_version(event->type);
    codec_write_cart_event(&data, event);
    const char *text = base_buffer_text(&data);
    if (!codec_read_cart_event(type, schema_version, text, &arena, stored) ||
        !codec_round_trips(type, schema_version, text, &reason))
        return false;
    codec_write_cart_event(&again, stored);
    return strcmp(text, base_buffer_text(&again)) == 0;
}

/* What was left out is said. */
static bool is_noted(struct cart_decision decision, const struct cart_line *line)
{
    for (size_t i = 0; i < decision.n_notes; i++)
        if (strcmp(decision.notes[i].item_id, line->item_id) == 0)
            return true;
    return false;
}

/* The cart was led to what it was then. */
static bool is_led_to(
    const struct cart *cart, const struct cart *then, struct cart_decision decision)
{
    size_t i = 0;
    bool is_good = strcmp(cart->currency, then->currency) == 0 &&
                   is_same_text(cart->metadata, then->metadata) &&
                   is_same_text(cart->customer_email, then->customer_email) &&
                   is_same_text(cart->note, then->note) && cart->n_coupons == then->n_coupons;
    for (size_t j = 0; is_good && j < then->n_coupons; j++)
        is_good = strcmp(cart->coupons[j].code, then->coupons[j].code) == 0;
    for (size_t j = 0; is_good && j < then->n_lines; j++) {
        const struct cart_line *wanted = &then->lines[j];
        const struct cart_line *line = i < cart->n_lines ? &cart->lines[i] : NULL;
        bool is_there = line != NULL && strcmp(line->item_id, wanted->item_id) == 0;
        i += is_there;
        is_good = is_there ? strcmp(line->sku, wanted->sku) == 0 &&
                                 is_same_text(line->properties, wanted->properties) &&
                                 (line->quantity == wanted->quantity || is_noted(decision, wanted))
                           : is_noted(decision, wanted);
    }
    return is_good && i == cart->n_lines;
}

/* ---- the walk -------------------------------------------------------------------------------- */

static const struct cart *find_version(int32_t version)
{
    bool is_read;
    return find_past_in_history(NULL, version, false, &is_read);
}

static const char *find_fault(struct cart_command asked, struct cart_decision decision)
{
    const struct cart_event *last = &decision.events[decision.n_events - 1];
    if (!is_same_when_packed(now()))
        return "is another when packed";
    if (!is_same_as_snapshot(now()))
        return "is another as a snapshot";
    if ((asked.type == CART_COMMAND_UNDO || asked.type == CART_COMMAND_RESTORE) &&
        !is_led_to(now(), find_version(last->restored.version), decision))
        return "is not led to what it was";
    return NULL;
}

/* Facts as they are read, as they are once they have been stored. */
static const char *record(struct cart_command asked, struct cart_decision decision)
{
    struct cart *cart = begin_request();
    const char *fault = NULL;
    for (size_t i = 0; fault == NULL && i < decision.n_events; i++) {
        struct cart_event stored;
        if (!store(&decision.events[i], &stored))
            return "has a fact that does not round-trip";
        cart_evolve(cart, &stored, SCENE_T0_US);
        if (!is_within_bounds(cart))
            fault = "is out of bounds";
    }
    n_history++;
    return fault != NULL ? fault : find_fault(asked, decision);
}

/* All the way back: to nothing that could be undone, or to what is too dear by now. */
static void undo_all(void)
{
    int n_undone = 0;
    while (decide_now(undo()).outcome == CART_ACCEPTED) {
        struct cart_decision decision = decide_now(undo());
        ck_assert_ptr_null(record(undo(), decision));
        ck_assert_int_lt(n_undone++, WALK_REQUESTS);
    }
    struct cart_decision decision = decide_now(undo());
    if (!is_dear || decision.refusal != CART_REFUSED_AMOUNT_TOO_LARGE)
        then_refused(decision, CART_REFUSED_NOTHING_TO_UNDO);
}

START_TEST(whatever_is_commanded_the_cart_holds_together)
{
    size_t n_of[CART_UNREAD + 1] = {0};
    random_state = UINT64_C(0x9e3779b97f4a7c15) * (uint64_t)(_i + 1);
    is_dear = _i % 2 == 1;
    is_measured = _i % 5 > 2;
    arena = (struct base_arena){NULL};
    begin_history();
    n_skus = _i % 3 == 0 ? 3 : WALK_SKUS_MAX; /* so few that lines are exchanged and merged */
    for (uint32_t i = 0; i < n_skus; i++) {
        (void)snprintf(skus[i], sizeof skus[i], "sku-%d", (int)i); /* Short enough. */
        sell(skus[i], random_price(), random_price());
        shelf[i].is_measured = false;
        shelf[i].tags = i % 4 == 0 ? "[\"new\"]" : i % 4 == 1 ? "[\"a\",\"sale\"]" : NULL;
    }
    make_coupons();
    find_coupon_of_shop = find_random_coupon;
    RECORD(created_by_guest());
    for (int step = 0; step < WALK_REQUESTS; step++) {
        if (random_below(3) == 0)
            change_catalogue();
        struct cart_command asked = random_command();
        struct cart_decision decision = decide_now(asked);
        n_of[decision.outcome]++;
        if (decision.outcome != CART_ACCEPTED)
            continue;
        const char *fault = record(asked, decision);
        ck_assert_msg(
            fault == NULL, "walk %d, step %d: after command %d the cart %s", _i, step,
            (int)asked.type, fault);
    }
    ck_assert_uint_gt(n_of[CART_ACCEPTED], WALK_REQUESTS / 5);
    ck_assert_uint_gt(n_of[CART_REFUSED], WALK_REQUESTS / 20);
    ck_assert_uint_gt(n_of[CART_ALREADY_SO], 0);
    if (now()->status != CART_OPEN)
        command(reopen(NULL));
    undo_all();
    base_arena_finish(&arena);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cart walk");
    TCase *walks = tcase_create("walks");
    tcase_set_timeout(walks, 60);
    tcase_add_loop_test(walks, whatever_is_commanded_the_cart_holds_together, 0, 30);
    suite_add_tcase(suite, walks);
    return support_run(suite);
}
