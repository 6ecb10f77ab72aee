#include "internal.h"

#include <stdlib.h>
#include <string.h>

/* Only who has good tokens gets places, and only for their own: so no secret is needed against
 * those who would choose where they meet. */
static size_t place_of(const uint8_t digest[static BASE_SHA256_SIZE])
{
    return ((size_t)digest[0] << 8 | digest[1]) % AUTH_REMEMBERED;
}

void auth_init_memory(struct auth_memory *memory)
{
    memory->list = base_alloc(AUTH_REMEMBERED * sizeof *memory->list);
}

void auth_forget_all(struct auth_memory *memory)
{
    for (size_t i = 0; memory->list != NULL && i < AUTH_REMEMBERED; i++) {
        free(memory->list[i].subject);
        memory->list[i].subject = NULL;
    }
}

void auth_finish_memory(struct auth_memory *memory)
{
    auth_forget_all(memory);
    free(memory->list);
}

const struct auth_remembered *auth_recall(
    const struct auth_memory *memory, const uint8_t digest[static BASE_SHA256_SIZE])
{
    const struct auth_remembered *place = &memory->list[place_of(digest)];
    bool is_it = place->subject != NULL && memcmp(place->digest, digest, BASE_SHA256_SIZE) == 0;
    return is_it ? place : NULL;
}

void auth_remember(struct auth_memory *memory, const struct auth_remembered *verified)
{
    struct auth_remembered *place = &memory->list[place_of(verified->digest)];
    free(place->subject);
    *place = *verified;
    place->subject = base_copy_text(verified->subject);
}
