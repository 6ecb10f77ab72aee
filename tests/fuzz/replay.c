/*
 * Plays the inputs of a folder through a target, each and its beginnings cut off at a few places:
 *     fuzz_<target> FOLDER
 * The target ends the process when a claim does not hold; the last input's name is on stderr then.
 */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz.h"

enum { CUTS = 16, NAME_MAX_SHOWN = 512 };

static char playing[NAME_MAX_SHOWN];

static void say_which(int number)
{
    static const char said[] = "\nthe input was ";
    (void)!write(STDERR_FILENO, said, sizeof said - 1);
    (void)!write(STDERR_FILENO, playing, strlen(playing));
    (void)!write(STDERR_FILENO, "\n", 1);
    (void)signal(number, SIG_DFL);
    (void)raise(number);
}

static bool read_file(const char *path, struct base_buffer *content)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return false;
    size_t n_read;
    do {
        n_read = fread(base_buffer_reserve(content, 65536), 1, 65536, file);
        content->length += n_read;
    } while (n_read > 0);
    bool is_read = ferror(file) == 0;
    (void)fclose(file); /* It was only read. */
    return is_read;
}

/* The bytes in a block of their own size, as libFuzzer gives them. */
static void play(const struct base_buffer *content, size_t n_bytes)
{
    uint8_t *bytes = malloc(n_bytes > 0 ? n_bytes : 1);
    if (bytes == NULL)
        abort();
    if (n_bytes > 0)
        memcpy(bytes, content->bytes, n_bytes);
    (void)LLVMFuzzerTestOneInput(bytes, n_bytes); /* It is always 0. */
    free(bytes);
}

static void play_file(const struct base_buffer *content)
{
    play(content, content->length);
    for (size_t i = 0; i < CUTS; i++)
        play(content, content->length * i / CUTS);
}

int main(int n_arguments, char **arguments)
{
    DIR *folder = n_arguments == 2 ? opendir(arguments[1]) : NULL;
    if (folder == NULL) {
        fprintf(stderr, "usage: %s FOLDER\n", arguments[0]);
        return EXIT_FAILURE;
    }
    (void)signal(SIGABRT, say_which);
    int n_played = 0;
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        if (entry->d_name[0] == '.')
            continue;
        (void)snprintf(playing, sizeof playing, "%s/%s", arguments[1], entry->d_name);
        BASE_CLEANUP(base_buffer_finish) struct base_buffer content = {0};
        if (!read_file(playing, &content)) {
            fprintf(stderr, "%s can't be read\n", playing);
            return EXIT_FAILURE;
        }
        play_file(&content);
        n_played++;
    }
    closedir(folder);
    printf("%d inputs\n", n_played);
    /* A folder with nothing in it has shown nothing. */
    return n_played > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
