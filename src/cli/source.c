#include "source.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "subcommand.h"

void source_close(struct source *source)
{
    if (source->fd >= 0)
        (void)close(source->fd); /* It was only read. */
}

bool source_look(struct source *source)
{
    struct stat status;
    int error = fstat(source->fd, &status) != 0 ? errno : S_ISDIR(status.st_mode) ? EISDIR : 0;
    if (error != 0) {
        cli_complain("%s can't be read: %s", source->name, strerror(error));
        return false;
    }
    source->is_seekable = S_ISREG(status.st_mode);
    if (source->is_seekable) {
        source->begins_at = lseek(source->fd, 0, SEEK_CUR);
        source->n_bytes = status.st_size - source->begins_at;
    }
    return true;
}

bool source_open(struct source *source, const char *path)
{
    bool is_standard_input = strcmp(path, "-") == 0;
    *source = (struct source){
        .name = is_standard_input ? "standard input" : path,
        .fd = is_standard_input ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC),
    };
    if (source->fd < 0) {
        cli_complain("%s can't be opened: %s", source->name, strerror(errno));
        return false;
    }
    return source_look(source);
}

bool source_may_wait(int fd)
{
    struct stat status;
    return fstat(fd, &status) == 0 &&
           (S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode) || isatty(fd) == 1);
}
