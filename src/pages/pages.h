/*
 * pages: the files that browsers get, compiled in: the pages and what they load, openapi.yaml, and
 * what is made of that: the reference of the API (/docs) and a page of each problem.
 * They are made at build time (make.py) and never change while a process runs.
 */
#ifndef CARTD_PAGES_H
#define CARTD_PAGES_H

#include <stddef.h>

struct pages_content {
    const char *bytes;
    size_t length;
};

struct pages_file {
    const char *path;  /* of its URL: "/shop" */
    const char *media; /* its Content-Type */
    const char
        *etag; /* a weak one (RFC 9110, section 8.8.3): of the plain content, as compressed */
    struct pages_content plain;
    struct pages_content gzip; /* the same, compressed (RFC 1952) */
};

/* The file at a path; NULL: there is none. */
const struct pages_file *pages_find(const char *path);

#endif
