/* What make.py makes. Private to the room. */
#ifndef CARTD_PAGES_FILES_H
#define CARTD_PAGES_FILES_H

#include "pages.h"

extern const struct pages_file pages_files[];
extern const size_t pages_files_count;

#endif
