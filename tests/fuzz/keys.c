/* Files of keys: the first byte says for which algorithm, the rest is the file. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auth.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    static const struct base_log quiet = {.fd = -1, .least = BASE_LOG_ERROR};
    static const enum auth_algorithm algorithms[] = {AUTH_HS256, AUTH_RS256, AUTH_ES256};
    static struct metrics metrics;
    if (n_bytes == 0)
        return 0;
    char path[64];
    int fd = memfd_create("keys", 0);
    FUZZ_CLAIM(fd >= 0 && write(fd, bytes + 1, n_bytes - 1) == (ssize_t)n_bytes - 1);
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);

    char *problem = NULL;
    struct auth *auth = auth_create(
        &(struct auth_options){
            .log = &quiet,
            .metrics = &metrics,
            .algorithm = algorithms[bytes[0] % BASE_COUNT(algorithms)],
            .keys = path,
            .issuer = "https://id.example",
            .audience = "cartd",
        },
        &problem);
    FUZZ_CLAIM((auth == NULL) == (problem != NULL));
    if (auth != NULL) {
        /* A key of any kind takes no token that was made without it. */
        BASE_CLEANUP(base_arena_finish) struct base_arena arena = {0};
        struct auth_identity identity;
        static const char none[] = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIiwiZXhwIjo5OTk5OTk5OTk5fQ.";
        FUZZ_CLAIM(auth_verify(auth, none, 0, &arena, &identity) != NULL);
        auth_reload(auth);
    }
    auth_destroy(auth);
    free(problem);
    close(fd);
    return 0;
}
