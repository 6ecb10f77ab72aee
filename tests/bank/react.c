#include "react.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "migrate.h"
#include "reactions.h"
#include "service.h"

static int64_t clock_us;

static int64_t read_clock(void)
{
    return clock_us;
}

struct input {
    struct loop *loop;
    struct loop_watch watch;
};

/* A line is the new time. */
static void read_input(struct loop_watch *watch, uint32_t events)
{
    (void)events;
    struct input *input = BASE_CONTAINER(watch, struct input, watch);
    char line[64];
    ssize_t n = read(STDIN_FILENO, line, sizeof line - 1);
    if (n <= 0) {
        loop_stop(input->loop);
        return;
    }
    line[n] = '\0';
    clock_us = strtoll(line, NULL, 10);
}

static struct service *open_service(
    struct loop *loop, const struct base_log *log, struct metrics *metrics, const char *url)
{
    char *problem = NULL;
    struct service *service = service_create(
        &(struct service_options){
            .loop = loop,
            .log = log,
            .metrics = metrics,
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
    if (service == NULL)
        fprintf(stderr, "bank: %s\n", problem);
    free(problem);
    return service;
}

static void print_metrics(const struct metrics *metrics)
{
    BASE_CLEANUP(base_buffer_finish) struct base_buffer text = {0};
    metrics_print(metrics, &text);
    fputs(base_buffer_text(&text), stdout);
}

int react(const char *url, const char *clock)
{
    struct metrics metrics = {0};
    const struct base_log log = {.fd = STDERR_FILENO, .least = BASE_LOG_WARNING};
    struct input input = {.loop = loop_create(), .watch = {.ready = read_input}};
    clock_us = strtoll(clock, NULL, 10);
    struct service *service = open_service(input.loop, &log, &metrics, url);
    if (service == NULL)
        return 2;
    char *problem = NULL;
    struct reactions *running = reactions_create(
        &(struct reactions_options){
            .loop = input.loop,
            .log = &log,
            .metrics = &metrics,
            .url = url,
            .ready_sql = migrate_ready_sql(),
            .not_ready_detail = "not migrated",
            .service = service,
            .now_us = read_clock,
        },
        &problem);
    loop_start_watch(input.loop, &input.watch, STDIN_FILENO, EPOLLIN);
    loop_run(input.loop);
    loop_stop_watch(input.loop, &input.watch);
    reactions_drain(running);
    service_destroy(service);
    reactions_destroy(running);
    loop_destroy(input.loop);
    print_metrics(&metrics);
    free(problem);
    return 0;
}
