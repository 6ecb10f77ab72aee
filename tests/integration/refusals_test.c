#include <stdlib.h>
#include <string.h>

#include "projections.h"
#include "service_fixture.h"
#include "support.h"

/* A read table that lives here alone, and refuses a second cart with the same metadata. */
#define TAKEN 4711
#define AS_TEXT_AGAIN(number) #number
#define AS_TEXT(number) AS_TEXT_AGAIN(number)

static char *url;
static struct loop *loop;
static struct metrics metrics;
static struct service *services[2];
static size_t n_answered;

/* ---- the table ------------------------------------------------------------------------------- */

/* Only what is new claims its metadata. */
static const struct cart *find_new_cart(const struct projections_change *change)
{
    return change->aggregate == &aggregate_cart && change->before == NULL ? change->after : NULL;
}

static void put_claims(struct postgres_parameters *to, const void *context)
{
    const struct projections_changes *changes = context;
    for (int column = 0; column < 3; column++) {
        postgres_begin_array(to);
        for (size_t i = 0; i < changes->n; i++) {
            const struct cart *cart = find_new_cart(&changes->list[i]);
            if (cart == NULL)
                continue;
            if (column == 0)
                postgres_put_int4(to, changes->list[i].ordinal);
            else if (column == 1)
                postgres_put_uuid(to, &changes->list[i].stream_id);
            else
                postgres_put_text(to, cart->metadata);
        }
    }
}

static bool has_claims(const void *context)
{
    const struct projections_changes *changes = context;
    for (size_t i = 0; i < changes->n; i++)
        if (find_new_cart(&changes->list[i]) != NULL)
            return true;
    return false;
}

/* What the table has is final; who is second in the same batch reads again when the first is in. */
static const struct eventstore_clause CLAIMS = {
    .refusals = "SELECT u.ordinal, CASE WHEN c.metadata IS NOT NULL THEN " AS_TEXT(
        TAKEN) "    ELSE " AS_TEXT(EVENTSTORE_NOT_NOW) " END"
                                                       " FROM ("
                                                       "    SELECT w.ordinal, w.metadata,"
                                                       "        row_number() OVER (PARTITION BY "
                                                       "w.metadata ORDER BY w.ordinal) AS nth"
                                                       "    FROM unnest($1, $2, $3) AS w (ordinal, "
                                                       "cart_id, metadata)"
                                                       "    WHERE (SELECT k.flags FROM checked "
                                                       "k)[w.ordinal]"
                                                       " ) u LEFT JOIN claims c ON c.metadata = "
                                                       "u.metadata"
                                                       " WHERE c.metadata IS NOT NULL OR u.nth > 1",
    .ctes = "claimed AS ("
            "    INSERT INTO claims (metadata, cart_id)"
            "    SELECT w.metadata, w.cart_id"
            "    FROM unnest($1, $2, $3) AS w (ordinal, cart_id, metadata)"
            "    WHERE (SELECT v.flags FROM verdict v)[w.ordinal])",
    POSTGRES_TYPES(POSTGRES_INT4_ARRAY, POSTGRES_UUID_ARRAY, POSTGRES_TEXT_ARRAY),
    .put = put_claims,
    .has_work = has_claims,
};

/* ---- two services ---------------------------------------------------------------------------- */

static const struct eventstore_clause *clauses[16];

static struct service *open_service(size_t n_clauses)
{
    return fixture_open_service((struct service_options){
        .loop = loop,
        .metrics = &metrics,
        .url = url,
        .queue_commands = 2000,
        .batch_commands = 64,
        .cache_carts = 100,
        .wait_ms = 60000,
        .clauses = clauses,
        .n_clauses = n_clauses,
    });
}

static void set_up(void)
{
    url = support_create_migrated_database();
    support_run_sql(
        url, "CREATE TABLE claims (metadata text PRIMARY KEY, cart_id uuid NOT NULL);"
             "GRANT SELECT, INSERT ON claims TO cartd_app");
    loop = loop_create();
    n_answered = 0;
    memset(&metrics, 0, sizeof metrics);
    size_t n_clauses = 0;
    const struct eventstore_clause *const *own = projections_clauses(&n_clauses);
    for (size_t i = 0; i < n_clauses; i++)
        clauses[i] = own[i];
    clauses[n_clauses++] = &CLAIMS;
    for (size_t i = 0; i < BASE_COUNT(services); i++)
        services[i] = open_service(n_clauses);
}

static void tear_down(void)
{
    for (size_t i = 0; i < BASE_COUNT(services); i++)
        service_destroy(services[i]);
    loop_destroy(loop);
    support_drop_database(url);
}

/* ---- commands -------------------------------------------------------------------------------- */

static void answered(struct service_command *command)
{
    (void)command;
    n_answered++;
}

struct creation {
    struct cart_command asked[2];
    struct cart_request request;
    struct service_command command;
};

static void submit(
    struct creation *creation, struct service *service, uint32_t number, const char *metadata)
{
    *creation = (struct creation){
        .asked =
            {{.type = CART_COMMAND_CREATE, .create = {.currency = "EUR", .metadata = metadata}},
             {.type = CART_COMMAND_CLEAR_ITEMS}},
        .request = {.commands = creation->asked, .n_commands = 1, .caller.may_all = true},
        .command =
            {
                .aggregate = &aggregate_cart,
                .stream_id = base_uuid_make_v5(&(struct base_uuid){{9}}, &number, sizeof number),
                .command = &creation->request,
                .actor = "test",
                .wants_body = true,
                .answered = answered,
            },
    };
    service_submit(service, &creation->command);
}

static void await(size_t n)
{
    for (int i = 0; i < 12000 && n_answered < n; i++)
        loop_turn(loop, 10);
    ck_assert_uint_eq(n_answered, n);
}

static size_t count_refused(struct creation *creations, size_t n)
{
    size_t n_refused = 0;
    for (size_t i = 0; i < n; i++) {
        struct service_command *command = &creations[i].command;
        ck_assert_msg(
            command->outcome == SERVICE_DONE ||
                (command->outcome == SERVICE_REFUSED && command->refusal == TAKEN),
            "outcome %d", (int)command->outcome);
        n_refused += command->outcome == SERVICE_REFUSED;
        ck_assert(command->outcome == SERVICE_DONE || command->body.length == 0);
        base_buffer_finish(&command->body);
    }
    return n_refused;
}

#define RACERS 1000

START_TEST(of_a_thousand_racers_for_one_value_one_wins)
{
    struct creation *racers = base_alloc(RACERS * sizeof *racers);
    for (uint32_t i = 0; i < RACERS; i++)
        submit(&racers[i], services[i % 2], i, "{\"order\":7}");
    await(RACERS);
    ck_assert_uint_eq(count_refused(racers, RACERS), RACERS - 1);
    ck_assert_int_eq(support_ask_sql(url, "SELECT count(*) FROM claims"), 1);
    ck_assert_int_eq(support_ask_sql(url, "SELECT count(*) FROM carts"), 1);
    ck_assert_int_eq(support_ask_sql(url, "SELECT count(*) FROM events"), 1);
    free(racers);
}
END_TEST

/* Several commands for one cart are recorded together; what the table refuses is the creation. */
START_TEST(a_refused_command_takes_no_other_with_it)
{
    struct creation first;
    submit(&first, services[0], 1, "{\"order\":7}");
    await(1);
    struct creation commands[4];
    submit(&commands[0], services[0], 2, "{\"order\":7}");
    submit(&commands[1], services[0], 2, "{\"order\":8}");
    submit(&commands[2], services[0], 3, "{\"order\":9}");
    submit(&commands[3], services[0], 2, "{\"order\":8}");
    await(5);
    ck_assert_int_eq(commands[0].command.outcome, SERVICE_REFUSED);
    ck_assert_int_eq(commands[0].command.refusal, TAKEN);
    ck_assert_int_eq(commands[1].command.outcome, SERVICE_DONE);
    ck_assert_int_eq(commands[2].command.outcome, SERVICE_DONE);
    /* It is there by then, with the metadata that this one has too. */
    ck_assert_int_eq(commands[3].command.outcome, SERVICE_REFUSED);
    ck_assert_int_ne(commands[3].command.refusal, TAKEN);
    ck_assert_int_eq(support_ask_sql(url, "SELECT count(*) FROM claims"), 3);
    base_buffer_finish(&first.command.body);
    for (size_t i = 0; i < BASE_COUNT(commands); i++)
        base_buffer_finish(&commands[i].command.body);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("refusals");
    TCase *cases = tcase_create("refusals");
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_set_timeout(cases, 120);
    tcase_add_test(cases, of_a_thousand_racers_for_one_value_one_wins);
    tcase_add_test(cases, a_refused_command_takes_no_other_with_it);
    suite_add_tcase(suite, cases);
    return support_run(suite);
}
