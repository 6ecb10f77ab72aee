#include "base.h"

#include <assert.h>
#include <errno.h>
#include <nettle/sha1.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* Version and variant (RFC 9562, sections 4.1 and 4.2). */
static void mark(struct base_uuid *uuid, uint8_t version)
{
    uuid->bytes[6] = (uint8_t)((uuid->bytes[6] & 0x0f) | (version << 4));
    uuid->bytes[8] = (uint8_t)((uuid->bytes[8] & 0x3f) | 0x80);
}

/* Up to 256 bytes come whole once the kernel's generator is seeded; before, a signal may cut in. */
static void fill_with_random(uint8_t *bytes, size_t n_bytes)
{
    assert(n_bytes <= 256);
    for (;;) {
        ssize_t n_read = getrandom(bytes, n_bytes, 0);
        if (n_read == (ssize_t)n_bytes)
            return;
        if (n_read < 0 && errno != EINTR) {
            perror("cartd: getrandom");
            abort();
        }
    }
}

void base_fill_secret(void *bytes, size_t n_bytes)
{
    fill_with_random(bytes, n_bytes);
}

void base_random_take(struct base_random *random, void *bytes, size_t n_bytes)
{
    assert(n_bytes <= sizeof(random->bytes));
    if (random->n_left < n_bytes) {
        fill_with_random(random->bytes, sizeof(random->bytes));
        random->n_left = sizeof(random->bytes);
    }
    random->n_left -= n_bytes;
    memcpy(bytes, random->bytes + random->n_left, n_bytes);
}

struct base_uuid base_uuid_make_v7(struct base_random *random, int64_t unix_us)
{
    assert(unix_us >= 0);
    struct base_uuid uuid;
    uint64_t unix_ms = (uint64_t)unix_us / 1000;
    for (size_t i = 0; i < 6; i++)
        uuid.bytes[i] = (uint8_t)(unix_ms >> (40 - 8 * i));
    base_random_take(random, uuid.bytes + 6, sizeof(uuid.bytes) - 6);
    mark(&uuid, 7);
    return uuid;
}

struct base_uuid base_uuid_make_v5(const struct base_uuid *space, const void *name, size_t n_bytes)
{
    struct sha1_ctx state;
    sha1_init(&state);
    sha1_update(&state, sizeof(space->bytes), space->bytes);
    sha1_update(&state, n_bytes, name);
    struct base_uuid uuid;
    sha1_digest(&state, sizeof(uuid.bytes), uuid.bytes);
    mark(&uuid, 5);
    return uuid;
}

/* Whether a hyphen stands before byte i. */
static bool begins_pipeline(size_t i)
{
    return i == 4 || i == 6 || i == 8 || i == 10;
}

void base_uuid_format(const struct base_uuid *uuid, char text[static BASE_UUID_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    char *end = text;
    for (size_t i = 0; i < sizeof(uuid->bytes); i++) {
        if (begins_pipeline(i))
            *end++ = '-';
        *end++ = digits[uuid->bytes[i] >> 4];
        *end++ = digits[uuid->bytes[i] & 0x0f];
    }
    *end = '\0';
}

const char *base_uuid_text(struct base_arena *arena, const struct base_uuid *uuid)
{
    char *text = base_arena_alloc(arena, BASE_UUID_SIZE);
    base_uuid_format(uuid, text);
    return text;
}

static int digit_value(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F')
        return digit - 'A' + 10;
    return -1;
}

bool base_uuid_parse(const char *text, struct base_uuid *uuid)
{
    struct base_uuid parsed;
    for (size_t i = 0; i < sizeof(parsed.bytes); i++) {
        if (begins_pipeline(i) && *text++ != '-')
            return false;
        int high = digit_value(text[0]);
        if (high < 0)
            return false;
        int low = digit_value(text[1]);
        if (low < 0)
            return false;
        parsed.bytes[i] = (uint8_t)(high << 4 | low);
        text += 2;
    }
    if (*text != '\0')
        return false;
    *uuid = parsed;
    return true;
}

int base_uuid_compare(const struct base_uuid *left, const struct base_uuid *right)
{
    return memcmp(left->bytes, right->bytes, sizeof(left->bytes));
}

/* Every bit of the result depends on every bit of the input; a multiplication alone carries nothing
 * downwards, and ids that count upwards once shared one bucket. */
static uint64_t stir(uint64_t bits)
{
    bits = (bits ^ (bits >> 32)) * UINT64_C(0x9e3779b97f4a7c15);
    bits = (bits ^ (bits >> 29)) * UINT64_C(0xd6e8feb86659fd93);
    return bits ^ (bits >> 32);
}

uint64_t base_uuid_hash(const struct base_uuid *uuid, const uint64_t secret[static 2])
{
    uint64_t high = 0;
    uint64_t low = 0;
    memcpy(&high, uuid->bytes, 8);
    memcpy(&low, uuid->bytes + 8, 8);
    return stir(stir(high ^ secret[0]) ^ low ^ secret[1]);
}
