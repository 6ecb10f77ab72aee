#include "events.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "aggregate.h"

#define TYPES_MAX 32

/* ---- printing -------------------------------------------------------------------------------- */

/* Splits "ItemAdded,ItemRemoved" in place. False: a name is none; said. */
static bool read_types(char *names, const char *types[static TYPES_MAX], size_t *n_types)
{
    char *rest = names;
    for (char *name = strsep(&rest, ","); name != NULL; name = strsep(&rest, ",")) {
        if (!codec_is_event_name(name)) {
            cli_complain(
                "unknown event type \"%s\"; types are, for example, CartCreated and ItemAdded",
                name);
            return false;
        }
        if (*n_types < TYPES_MAX)
            types[(*n_types)++] = name;
    }
    return true;
}

static bool append_event(
    struct events_copying *copying, struct base_buffer *out, const struct eventstore_event *event)
{
    (void)copying; /* All are printed alike. */
    const struct codec_event line = aggregate_to_codec(event);
    codec_write_event(out, &line);
    return true;
}

static enum cli_exit print(const struct cli_call *call)
{
    const struct config_flag *cart = &call->flags[CLI_EVENTS_CART];
    const struct config_flag *type = &call->flags[CLI_EVENTS_TYPE];
    const char *types[TYPES_MAX];
    struct base_uuid cart_id = {0};
    struct events_copying copying = {
        .task = {.config = call->config, .role = "events"},
        .reader =
            {
                .cart_id = cart->is_given ? &cart_id : NULL,
                .types = types,
                .follows = call->flags[CLI_EVENTS_FOLLOW].is_given,
            },
        .output.fd = STDOUT_FILENO,
        .name = "standard output",
        .append = append_event,
    };
    if (cart->is_given && !base_uuid_parse(cart->value, &cart_id)) {
        cli_complain("the id of a cart must be a UUID, not \"%s\"", cart->value);
        return CLI_MISUSED;
    }
    if (!events_read_after(call, cart->is_given ? INT32_MAX : INT64_MAX, &copying.reader.after))
        return CLI_MISUSED;
    BASE_CLEANUP(base_free_pointer)
    char *names = base_copy_text(type->is_given ? type->value : "");
    if (type->is_given && !read_types(names, types, &copying.reader.n_types))
        return CLI_MISUSED;
    return events_copy(&copying);
}

/* ---- which one ------------------------------------------------------------------------------- */

#define TAKES(NAME) (1U << CLI_EVENTS_##NAME)

static const struct action {
    const char *name; /* NULL: without one */
    enum cli_exit (*run)(const struct cli_call *call);
    unsigned flags;
    size_t least_arguments; /* behind the name */
    size_t most_arguments;
} actions[] = {
    {NULL, print, TAKES(CART) | TAKES(AFTER) | TAKES(TYPE) | TAKES(FOLLOW), 0, 0},
    {"export", events_export, TAKES(AFTER), 0, 1},
    {"import", events_import, 0, 1, 1},
    {"upgrade", events_upgrade, TAKES(INTO), 0, 0},
};

static const struct action *find_action(const char *name)
{
    if (name == NULL)
        return &actions[0];
    for (size_t i = 1; i < BASE_COUNT(actions); i++)
        if (strcmp(actions[i].name, name) == 0)
            return &actions[i];
    return NULL;
}

enum cli_exit cli_events(const struct cli_call *call)
{
    const char *name = call->n_arguments > 0 ? call->arguments[0] : NULL;
    const struct action *action = find_action(name);
    if (action == NULL) {
        cli_complain("unknown subcommand \"events %s\"; see `cartd events --help`", name);
        return CLI_MISUSED;
    }
    for (unsigned flag = 0; call->flags[flag].name != NULL; flag++) {
        if (call->flags[flag].is_given && (action->flags & 1U << flag) == 0) {
            cli_complain(
                "events%s%s takes no --%s", name ? " " : "", name ? name : "",
                call->flags[flag].name);
            return CLI_MISUSED;
        }
    }
    size_t n_arguments = call->n_arguments - (name != NULL);
    if (n_arguments < action->least_arguments || n_arguments > action->most_arguments) {
        cli_complain(
            "events %s takes %s; see `cartd events --help`", name,
            n_arguments > action->most_arguments ? "one file" : "a file, or - for standard input");
        return CLI_MISUSED;
    }
    return action->run(call);
}
