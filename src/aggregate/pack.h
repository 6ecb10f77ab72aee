/*
 * Inside of aggregate: texts that are packed behind the state that points to them. (Room cart packs
 * its own: a room of the core has no header of another.)
 */
#ifndef CARTD_PACK_H
#define CARTD_PACK_H

#include <stddef.h>
#include <string.h>

/* Bytes of a text with its NUL; 0 of NULL. */
static inline size_t pack_size(const char *text)
{
    return text == NULL ? 0 : strlen(text) + 1;
}

/* Copies it to *at, which moves behind it. NULL stays NULL. */
static inline const char *pack_text(char **at, const char *text)
{
    size_t size = pack_size(text);
    if (text == NULL)
        return NULL;
    char *copy = memcpy(*at, text, size);
    *at += size;
    return copy;
}

#endif
