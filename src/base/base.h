/*
 * base: what every room above needs and none of them owns: memory that ends with its scope, growing
 * buffers, arenas, clocks, UUIDs, digests and the log. It knows no carts, no JSON documents and no
 * sockets, and it never calls upward.
 *
 * Memory: everything a client can make grow has a limit further up, so running out of memory means
 * a machine that is too small. Allocation here never fails: it ends the process with one line.
 * What was acknowledged is in PostgreSQL, so nothing is lost by that.
 */
#ifndef CARTD_BASE_H
#define CARTD_BASE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define BASE_CLEANUP(function) __attribute__((cleanup(function)))
#define BASE_MUST_CHECK __attribute__((warn_unused_result))
#define BASE_PRINTF(place, first) __attribute__((format(printf, place, first)))
#define BASE_COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The struct that holds `member` at `pointer`. */
#define BASE_CONTAINER(pointer, type, member)                                                      \
    ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

/* ---- memory ---------------------------------------------------------------------------------- */

/* Zeroed memory for the caller to free(). Never NULL, also for 0 bytes. */
void *base_alloc(size_t n_bytes);
/* Like realloc(), but never NULL. */
void *base_realloc(void *memory, size_t n_bytes);
/* A copy of `text` for the caller to free(). */
char *base_copy_text(const char *text);
/* What printf() would print, for the caller to free(). */
char *base_print(const char *format, ...) BASE_PRINTF(1, 2) BASE_MUST_CHECK;
/* Ends the process as those do: for the failed allocations of libraries. */
_Noreturn void base_end_without_memory(void);
/* For BASE_CLEANUP: frees what the pointer variable at `pointer` holds. */
void base_free_pointer(void *pointer);

/* Bytes that grow at the end. Zero-initialise it; base_buffer_finish() frees it. The bytes are not
 * NUL-terminated unless base_buffer_text() was called last. */
struct base_buffer {
    char *bytes;
    size_t length;
    size_t capacity;
};

void base_buffer_finish(struct base_buffer *buffer);
/* What base_buffer_reserve() does when there is no room. */
char *base_buffer_grow(struct base_buffer *buffer, size_t n_bytes);

/* These are here and not in a C file as every answer is made of them: the length of a constant text
 * is then known beforehand, and most have room. */

/* Makes room for n more bytes and returns where they go; add to `length` what was written. */
static inline char *base_buffer_reserve(struct base_buffer *buffer, size_t n_bytes)
{
    /* So many bytes are a bug, which base_buffer_grow() asserts; here their sum must not wrap. */
    bool has_room = n_bytes <= SIZE_MAX / 4 && buffer->length + n_bytes <= buffer->capacity;
    if (buffer->bytes == NULL || !has_room)
        return base_buffer_grow(buffer, n_bytes);
    return buffer->bytes + buffer->length;
}

static inline void base_buffer_append(struct base_buffer *buffer, const void *bytes, size_t n_bytes)
{
    if (n_bytes == 0)
        return;
    memcpy(base_buffer_reserve(buffer, n_bytes), bytes, n_bytes);
    buffer->length += n_bytes;
}

static inline void base_buffer_append_text(struct base_buffer *buffer, const char *text)
{
    base_buffer_append(buffer, text, strlen(text));
}

static inline void base_buffer_append_char(struct base_buffer *buffer, char byte)
{
    *base_buffer_reserve(buffer, 1) = byte;
    buffer->length++;
}

/* Decimal digits, with a minus sign if need be: at most BASE_INT_SIZE bytes at `at`, without a NUL.
 * Returns where they end. */
#define BASE_INT_SIZE 20
char *base_format_int(char *at, int64_t number);
void base_buffer_append_int(struct base_buffer *buffer, int64_t number);
void base_buffer_printf(struct base_buffer *buffer, const char *format, ...) BASE_PRINTF(2, 3);
/* The content as a NUL-terminated text, borrowed until the next change. */
const char *base_buffer_text(struct base_buffer *buffer);

/* Memory that dies together: a request's, a batch's. Zero-initialise it. Allocations are aligned
 * for any type and are zeroed. reset keeps the largest block for reuse, finish frees everything. */
struct base_arena {
    struct base_arena_block *block;
};

void base_arena_finish(struct base_arena *arena);
void base_arena_reset(struct base_arena *arena);
void *base_arena_alloc(struct base_arena *arena, size_t n_bytes);
char *base_arena_copy(struct base_arena *arena, const char *bytes, size_t n_bytes);
char *base_arena_copy_text(struct base_arena *arena, const char *text);
char *base_arena_printf(struct base_arena *arena, const char *format, ...) BASE_PRINTF(2, 3);

/* ---- time ------------------------------------------------------------------------------------ */

/* Microseconds since 1970-01-01T00:00:00Z by the system's clock, which may be set back. */
int64_t base_clock_now_us(void);
/* Microseconds by a clock that only goes forward; only differences mean something. */
int64_t base_clock_monotonic_us(void);

#define BASE_TIME_SIZE 28 /* with the terminating NUL */
/* The first and the last moment of the years 0000 to 9999. */
#define BASE_TIME_LEAST_US INT64_C(-62167219200000000)
#define BASE_TIME_MOST_US INT64_C(253402300799999999)
/* RFC 3339 in UTC with microseconds: 2026-11-23T04:38:00.123456Z. It must be within these years. */
void base_time_format(int64_t unix_us, char text[static BASE_TIME_SIZE]);
/* Reads any date-time of RFC 3339, section 5.6, with any offset: 2026-11-23t05:38:00.5+01:00.
 * Digits beyond microseconds are cut off; a leap second is the first moment after it. False: it is
 * not one, or not within the years 0000 to 9999; `unix_us` is untouched then. */
bool base_time_parse(const char *text, int64_t *unix_us) BASE_MUST_CHECK;

/* ---- identifiers ----------------------------------------------------------------------------- */

struct base_uuid {
    uint8_t bytes[16];
};

#define BASE_UUID_SIZE 37 /* with the terminating NUL */
/* Random bytes of the kernel, fetched many at once: a system call for each id would be a tenth of a
 * small request's. Zero-initialise it; its owner is who makes ids. Not for secrets. */
struct base_random {
    uint8_t bytes[250];
    size_t n_left;
};
void base_random_take(struct base_random *random, void *bytes, size_t n_bytes); /* at most 250 */
/* Random bytes for a secret: the kernel's, asked for each time, at most 256. */
void base_fill_secret(void *bytes, size_t n_bytes);

/* A new UUIDv7 (RFC 9562, section 5.7): milliseconds of `unix_us`, then random bits. */
struct base_uuid base_uuid_make_v7(struct base_random *random, int64_t unix_us);
/* The UUIDv5 (RFC 9562, section 5.5) of a name within a namespace. */
struct base_uuid base_uuid_make_v5(const struct base_uuid *space, const void *name, size_t n_bytes);
/* Lower case, 8-4-4-4-12. */
void base_uuid_format(const struct base_uuid *uuid, char text[static BASE_UUID_SIZE]);
/* The same text, in the arena. */
const char *base_uuid_text(struct base_arena *arena, const struct base_uuid *uuid);
/* True for exactly 8-4-4-4-12 hexadecimal digits, either case, any version; `uuid` is untouched
 * otherwise. */
bool base_uuid_parse(const char *text, struct base_uuid *uuid) BASE_MUST_CHECK;
int base_uuid_compare(const struct base_uuid *left, const struct base_uuid *right);
/* For hash tables, of which clients may choose the ids: which of them meet depends on the secret.
 */
uint64_t base_uuid_hash(const struct base_uuid *uuid, const uint64_t secret[static 2]);

/* ---- digests and texts ----------------------------------------------------------------------- */

#define BASE_SHA256_SIZE 32
/* SHA-256 (FIPS 180-4) over the parts, each preceded by its length as 8 bytes, the highest first,
 * so that no two different lists of parts give the same input. */
struct base_part {
    const void *bytes;
    size_t length;
};
void base_sha256(
    const struct base_part *parts, size_t n_parts, uint8_t digest[static BASE_SHA256_SIZE]);

#define BASE_SHA256_HEX_SIZE 65 /* with the terminating NUL */
/* The SHA-256 of a text by itself, as sha256sum(1) prints it. */
void base_sha256_hex(const char *text, char hex[static BASE_SHA256_HEX_SIZE]);

/* base64url without padding (RFC 4648, section 5). The encoded text is NUL-terminated and in the
 * arena. decode returns NULL for anything that encode would not have written. */
char *base_base64url_encode(struct base_arena *arena, const void *bytes, size_t n_bytes);
uint8_t *base_base64url_decode(struct base_arena *arena, const char *text, size_t *n_bytes)
    BASE_MUST_CHECK;

/* The number of code points of a well-formed UTF-8 text; -1 when it is not well-formed (RFC 3629:
 * no overlong forms, no surrogates, nothing above U+10FFFF). */
ptrdiff_t base_utf8_length(const char *bytes, size_t n_bytes);

/* A whole decimal integer, optional '-', no other characters, within [least, most]. */
bool base_parse_int(const char *text, int64_t least, int64_t most, int64_t *number) BASE_MUST_CHECK;

/* How many bytes must be changed, added or left out to make `left` of `right` (Levenshtein), for
 * guessing which name was meant. Only the first 64 bytes of `right` count. */
size_t base_text_distance(const char *left, const char *right);

/* ---- state machines -------------------------------------------------------------------------- */

/* The states of a machine and their moves are one list, of which come the enum and the table:
 *
 *     #define DOOR_STATES(STATE)
 *         STATE(DOOR_OPEN, BASE_TO(DOOR_CLOSED))
 *         STATE(DOOR_CLOSED, BASE_TO(DOOR_OPEN) | BASE_TO(DOOR_LOCKED))
 *         STATE(DOOR_LOCKED, BASE_TO(DOOR_CLOSED))
 *     enum door_state { DOOR_STATES(BASE_STATE_NAME) };
 *     static const struct base_state states[] = {DOOR_STATES(BASE_STATE_ROW)};
 *
 *     door->state = base_move(states, door->state, DOOR_LOCKED);
 */
#define BASE_TO(state) (UINT32_C(1) << (state))
#define BASE_STATE_NAME(state, moves) state,
#define BASE_STATE_ROW(state, moves) [state] = {#state, moves},
struct base_state {
    const char *name;
    uint32_t moves; /* the set of states that may follow */
};
/* Returns `to`. A move that the table does not have is a bug, and ends the process. */
unsigned base_move(const struct base_state *states, unsigned from, unsigned to) BASE_MUST_CHECK;

/* ---- failures -------------------------------------------------------------------------------- */

/* Why a request was not served, in the words of all rooms. What is a room's own (not found,
 * refused, a conflict) is an outcome of that room. */
enum base_failure {
    BASE_NO_FAILURE,
    BASE_OVERLOADED,  /* nothing happened: too many requests wait already */
    BASE_TOO_SLOW,    /* nothing happened: it took longer than it may */
    BASE_UNAVAILABLE, /* nothing happened: PostgreSQL can't be reached, or can't do it at the moment
                       */
    BASE_UNKNOWN,     /* it may have happened: PostgreSQL was lost before it answered */
    BASE_BROKEN       /* nothing happened: something is broken; it was logged */
};

/* ---- the log --------------------------------------------------------------------------------- */

enum base_log_level { BASE_LOG_DEBUG, BASE_LOG_INFO, BASE_LOG_WARNING, BASE_LOG_ERROR };

/* What the log can say: name, level, sentence. The name is stable and is what alerts match. */
#define BASE_LOG_EVENTS(ROW)                                                                       \
    ROW(STARTED, "started", INFO, "serving requests")                                              \
    ROW(DRAINING, "draining", INFO, "shutting down: finishing accepted requests")                  \
    ROW(STOPPED, "stopped", INFO, "stopped")                                                       \
    ROW(DRAIN_CUT, "drain_cut", WARNING,                                                           \
        "the shutdown was cut short; remaining requests were answered with 503")                   \
    ROW(DATABASE_CONNECTED, "database_connected", INFO, "connected to PostgreSQL")                 \
    ROW(DATABASE_LOST, "database_lost", WARNING, "lost the connection to PostgreSQL")              \
    ROW(DATABASE_UNREACHABLE, "database_unreachable", WARNING,                                     \
        "can't connect to PostgreSQL; trying again")                                               \
    ROW(DATABASE_NOT_READY, "database_not_ready", ERROR,                                           \
        "the database is not ready for this cartd")                                                \
    ROW(DATABASE_TIMEOUT, "database_timeout", WARNING, "PostgreSQL did not answer in time")        \
    ROW(DATABASE_NOTICE, "database_notice", WARNING, "PostgreSQL sent a warning")                  \
    ROW(STATEMENT_FAILED, "statement_failed", ERROR, "a statement failed in PostgreSQL")           \
    ROW(BATCH_SPLIT, "batch_split", WARNING, "a batch failed and is retried in smaller parts")     \
    ROW(OUTCOME_LOOKED_UP, "outcome_looked_up", INFO,                                              \
        "looked up the outcome of appends after a lost connection")                                \
    ROW(LOG_REPLACED, "log_replaced", WARNING,                                                     \
        "the event log was replaced while the service was running: a copy was restored in its "    \
        "place")                                                                                   \
    ROW(RECORDING_PAUSED, "recording_paused", ERROR,                                               \
        "PostgreSQL can't record commands; retrying after a pause")                                \
    ROW(RECORDING_RESUMED, "recording_resumed", INFO, "PostgreSQL records commands again")         \
    ROW(STREAM_BUSY, "stream_busy", WARNING,                                                       \
        "commands share a stream that can't take many more of them")                               \
    ROW(STUCK_ENDED, "stuck_ended", WARNING,                                                       \
        "ended appends that blocked the log: their clients are frozen or gone")                    \
    ROW(COMMAND_FAILED, "command_failed", ERROR, "a command failed unexpectedly")                  \
    ROW(DISCREPANCY, "discrepancy", ERROR,                                                         \
        "a read table differs from the event log; `cartd rebuild` repairs it")                     \
    ROW(EVENT_UNREADABLE, "event_unreadable", ERROR, "a stored event can't be read")               \
    ROW(HISTORY_CHANGED, "history_changed", ERROR,                                                 \
        "the event log ends before events that were already read: it is another log, or an older " \
        "copy")                                                                                    \
    ROW(PROJECTION_PAUSED, "projection_paused", ERROR,                                             \
        "a projection is paused at an event that it can't process; see `cartd projections`")       \
    ROW(PROJECTION_REBUILT, "projection_rebuilt", INFO, "a projection was rebuilt")                \
    ROW(REACTION_PAUSED, "reaction_paused", ERROR,                                                 \
        "a reaction is paused at what it can't answer; see `cartd reactions`")                     \
    ROW(RELAY_STARTED, "relay_started", INFO, "the relay is running")                              \
    ROW(RELAY_STOPPED, "relay_stopped", INFO, "the relay has stopped")                             \
    ROW(RELAY_FAILED, "relay_failed", WARNING,                                                     \
        "events can't be sent on; trying again, less and less often")                              \
    ROW(RELAY_GOES_ON, "relay_goes_on", INFO, "events are sent on again")                          \
    ROW(REQUEST, "request", DEBUG, "request")                                                      \
    ROW(REQUEST_FAILED, "request_failed", ERROR, "a request failed")                               \
    ROW(REQUEST_REFUSED, "request_refused", WARNING, "a request was refused")                      \
    ROW(CONNECTION_REFUSED, "connection_refused", WARNING, "a connection was refused")             \
    ROW(FEW_DESCRIPTORS, "few_descriptors", INFO,                                                  \
        "accepting fewer connections than set: the limit of open files (RLIMIT_NOFILE) is too "    \
        "low")                                                                                     \
    ROW(HTTP_LIBRARY, "http_library", WARNING, "libmicrohttpd reported a problem")                 \
    ROW(KEYS_READ, "keys_read", INFO, "read the keys for bearer tokens")                           \
    ROW(KEYS_REFUSED, "keys_refused", ERROR,                                                       \
        "the new keys for bearer tokens can't be used; the previous ones stay in use")             \
    ROW(KEYS_EXPOSED, "keys_exposed", WARNING,                                                     \
        "any user of this machine can read the secret for bearer tokens; restrict the "            \
        "permissions of its file")                                                                 \
    ROW(MIGRATED, "migrated", INFO, "a migration was applied")                                     \
    ROW(RIGHTS_GRANTED, "rights_granted", INFO,                                                    \
        "created missing roles and granted missing rights")                                        \
    ROW(CLEANED_UP, "cleaned_up", DEBUG, "removed expired idempotency keys")

enum base_log_event {
#define BASE_LOG_ROW(NAME, name, level, sentence) BASE_LOG_##NAME,
    BASE_LOG_EVENTS(BASE_LOG_ROW)
#undef BASE_LOG_ROW
};

enum base_log_form { BASE_LOG_PLAIN, BASE_LOG_JSON };

struct base_log {
    int fd;
    enum base_log_form form;
    enum base_log_level least;
};

/* One more thing that a line says. Exactly one of text and number is meant, by `text` not NULL. */
struct base_log_field {
    const char *name;
    const char *text;
    int64_t number;
};
#define BASE_LOG_TEXT(field_name, value)                                                           \
    ((struct base_log_field){.name = (field_name), .text = (value)})
#define BASE_LOG_NUMBER(field_name, value)                                                         \
    ((struct base_log_field){.name = (field_name), .number = (int64_t)(value)})

/* Writes one line with one write(2), or as many as the descriptor takes; or nothing when the
 * event's level is below log->least or log->fd is negative. JSON:
 * {"time":…,"level":…,"event":…,"message":…, fields}. Plain: time level sentence key=value. Texts
 * of any content are escaped so that a line stays a line and JSON stays JSON. */
void base_log_write(
    const struct base_log *log, enum base_log_event event, const struct base_log_field *fields,
    size_t n_fields);
/* base_log(log, EVENT, field, field, …), also without fields: C17 has no word for that, gcc allows
 * it, and clang has to be told. */
#ifdef __clang__
#pragma clang diagnostic ignored "-Wgnu-zero-variadic-macro-arguments"
#endif
#define base_log(log, event, ...)                                                                  \
    base_log_write(                                                                                \
        (log), (event), (const struct base_log_field[]){{.name = NULL}, __VA_ARGS__},              \
        sizeof((const struct base_log_field[]){{.name = NULL}, __VA_ARGS__}) /                     \
            sizeof(struct base_log_field))

/* Appends `text` as a JSON string with its quotes (RFC 8259, section 7). Valid UTF-8 goes through
 * as it is; anything else becomes U+FFFD. */
void base_buffer_append_json_text(struct base_buffer *buffer, const char *text);

/* Appends a text that somebody else wrote for a person to read: on one line and with nothing in it
 * that a terminal obeys or that nobody sees. Control and format characters, such as those that turn
 * the direction of writing, become \u001b, bytes that are not UTF-8 become U+FFFD. */
void base_buffer_append_printable(struct base_buffer *buffer, const char *text);
/* Says "PROGRAM: …" on stderr in that way: for people at a command line. */
void base_complain(const char *program, const char *format, va_list values) BASE_PRINTF(2, 0);

#endif
