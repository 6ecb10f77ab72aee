/*
 * bank: cartd with accounts, and with reactions of its own. It has two more subcommands.
 *
 *   bank react URL CLOCK
 *
 * runs the reactions (react.h).
 *
 *   bank transfer URL
 *
 * takes lines "NAME FROM TO AMOUNT" from standard input, where TO is "last" for whoever has paid
 * FROM last and "-" opens FROM. It answers each, in the order in which they are done, with "NAME
 * OUTCOME REFUSAL". The name is the idempotency key, so a line may be sent again when no answer
 * came. Everything else is as with cartd.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "account.h"
#include "cli.h"
#include "migrate.h"
#include "react.h"
#include "service.h"

struct bank {
    struct loop *loop;
    struct service *service;
    struct loop_watch input;
    struct base_buffer unread;
};

struct transfer {
    struct service_command command;
    struct account_command asked;
};

static const char *const OUTCOMES[] = {
    [SERVICE_DONE] = "done",
    [SERVICE_REFUSED] = "refused",
    [SERVICE_OTHER_TYPE] = "other-type",
    [SERVICE_VERSION_MISMATCH] = "version-mismatch",
    [SERVICE_KEY_REUSED] = "key-reused",
    [SERVICE_OVERLOADED] = "overloaded",
    [SERVICE_UNAVAILABLE] = "unavailable",
    [SERVICE_UNKNOWN] = "unknown",
    [SERVICE_SHUTTING_DOWN] = "shutting-down",
    [SERVICE_FAILED] = "failed",
};

static void answered(struct service_command *command)
{
    struct transfer *transfer = BASE_CONTAINER(command, struct transfer, command);
    bool is_refused = command->outcome == SERVICE_REFUSED;
    printf(
        "%s %s %d\n", transfer->asked.transfer, OUTCOMES[command->outcome],
        is_refused ? command->refusal : 0);
    fflush(stdout);
    base_buffer_finish(&command->body);
    free(transfer);
}

static bool read_receiver(const char *to, struct account_command *asked)
{
    asked->type = strcmp(to, "-") == 0      ? ACCOUNT_OPEN
                  : strcmp(to, "last") == 0 ? ACCOUNT_PAY_BACK
                                            : ACCOUNT_PAY;
    return asked->type != ACCOUNT_PAY || base_uuid_parse(to, &asked->to);
}

static void submit(struct bank *bank, const char *line)
{
    struct transfer *transfer = base_alloc(sizeof *transfer);
    char from[40];
    char to[40];
    long amount = 0;
    struct service_command *command = &transfer->command;
    if (sscanf(line, "%63s %39s %39s %ld", transfer->asked.transfer, from, to, &amount) != 4 ||
        !base_uuid_parse(from, &command->stream_id) || !read_receiver(to, &transfer->asked)) {
        fprintf(stderr, "bank: not a transfer: %s\n", line);
        exit(2);
    }
    transfer->asked.amount = amount;
    transfer->asked.from = command->stream_id;
    command->aggregate = &aggregate_account;
    command->command = &transfer->asked;
    command->key = transfer->asked.transfer;
    command->key_scope_id = command->stream_id;
    command->actor = "test";
    command->wants_body = true;
    command->answered = answered;
    service_submit(bank->service, command);
}

static void take_lines(struct bank *bank)
{
    char *at = bank->unread.bytes;
    char *end = bank->unread.bytes + bank->unread.length;
    for (char *newline; (newline = memchr(at, '\n', (size_t)(end - at))) != NULL;
         at = newline + 1) {
        *newline = '\0';
        submit(bank, at);
    }
    bank->unread.length = (size_t)(end - at);
    memmove(bank->unread.bytes, at, bank->unread.length);
}

static void read_input(struct loop_watch *watch, uint32_t events)
{
    (void)events;
    struct bank *bank = BASE_CONTAINER(watch, struct bank, input);
    ssize_t n = read(STDIN_FILENO, base_buffer_reserve(&bank->unread, 65536), 65536);
    if (n <= 0) {
        loop_stop(bank->loop);
        return;
    }
    bank->unread.length += (size_t)n;
    take_lines(bank);
}

static int transfer(const char *url)
{
    struct metrics metrics = {0};
    struct bank bank = {.loop = loop_create(), .input = {.ready = read_input}};
    char *problem = NULL;
    bank.service = service_create(
        &(struct service_options){
            .loop = bank.loop,
            .log = &(struct base_log){.fd = STDERR_FILENO, .least = BASE_LOG_WARNING},
            .metrics = &metrics,
            .url = url,
            .ready_sql = migrate_ready_sql(),
            .not_ready_detail = "not migrated",
            .queue_commands = 1000,
            .batch_commands = 64,
            .cache_carts = 100,
            .wait_ms = 20000,
            .keep_keys_hours = 48,
        },
        &problem);
    if (bank.service == NULL) {
        fprintf(stderr, "bank: %s\n", problem);
        return 2;
    }
    loop_start_watch(bank.loop, &bank.input, STDIN_FILENO, EPOLLIN);
    loop_run(bank.loop);
    loop_stop_watch(bank.loop, &bank.input);
    service_destroy(bank.service);
    loop_destroy(bank.loop);
    base_buffer_finish(&bank.unread);
    return 0;
}

int main(int n_arguments, char **arguments, char **environment)
{
    if (n_arguments == 3 && strcmp(arguments[1], "transfer") == 0)
        return transfer(arguments[2]);
    if (n_arguments == 4 && strcmp(arguments[1], "react") == 0)
        return react(arguments[2], arguments[3]);
    return cli_main(n_arguments, arguments, environment);
}
