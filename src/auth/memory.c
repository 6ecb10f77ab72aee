#include "internal.h"

#include <stdlib.h>
#include <string.h>

/* The beginning of a digest, by which the table finds it. */
static struct base_uuid id_of(const uint8_t digest[static BASE_SHA256_SIZE])
{
    struct base_uuid id;
    memcpy(id.bytes, digest, sizeof id.bytes);
    return id;
}

static void forget(struct auth_memory *memory, struct auth_remembered *remembered)
{
    TAILQ_REMOVE(&memory->by_age, remembered, by_age);
    table_remove(&memory->table, &remembered->entry);
    free(remembered);
}

void auth_init_memory(struct auth_memory *memory)
{
    table_init(&memory->table);
    TAILQ_INIT(&memory->by_age);
}

void auth_forget_all(struct auth_memory *memory)
{
    while (!TAILQ_EMPTY(&memory->by_age))
        forget(memory, TAILQ_FIRST(&memory->by_age));
}

const struct auth_remembered *auth_recall(
    struct auth_memory *memory, const uint8_t digest[static BASE_SHA256_SIZE])
{
    const struct base_uuid id = id_of(digest);
    struct table_entry *entry = table_find(&memory->table, &id);
    if (entry == NULL)
        return NULL;
    struct auth_remembered *found = BASE_CONTAINER(entry, struct auth_remembered, entry);
    if (memcmp(found->digest, digest, BASE_SHA256_SIZE) != 0)
        return NULL;
    TAILQ_REMOVE(&memory->by_age, found, by_age);
    TAILQ_INSERT_TAIL(&memory->by_age, found, by_age);
    return found;
}

void auth_remember(
    struct auth_memory *memory, const uint8_t digest[static BASE_SHA256_SIZE],
    const struct auth_identity *identity, int64_t not_before_s)
{
    const struct base_uuid id = id_of(digest);
    if (table_find(&memory->table, &id) != NULL)
        return; /* another token that begins alike */
    if (table_count(&memory->table) == AUTH_REMEMBERED)
        forget(memory, TAILQ_FIRST(&memory->by_age));
    size_t subject_size = strlen(identity->subject) + 1;
    struct auth_remembered *added = base_alloc(sizeof *added + subject_size);
    added->entry.id = id;
    memcpy(added->digest, digest, sizeof added->digest);
    memcpy(added->subject, identity->subject, subject_size);
    added->identity = *identity;
    added->identity.subject = added->subject;
    added->not_before_s = not_before_s;
    table_add(&memory->table, &added->entry);
    TAILQ_INSERT_TAIL(&memory->by_age, added, by_age);
}
