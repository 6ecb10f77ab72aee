#include "pages.h"

#include <string.h>

#include "files.h"

const struct pages_file *pages_find(const char *path)
{
    for (size_t i = 0; i < pages_files_count; i++)
        if (strcmp(pages_files[i].path, path) == 0)
            return &pages_files[i];
    return NULL;
}
