/*
 * fuzz: what the fuzz targets share. A target is one file with LLVMFuzzerTestOneInput(): it hands
 * its bytes to a parser and claims what must hold of whatever comes out, not only that nothing
 * crashes. It is built twice: with libFuzzer, which looks for inputs (tests/fuzz/run), and with
 * replay.c, which plays the inputs that are stored in corpus/<target>/ as a test of the unit suite.
 */
#ifndef CARTD_FUZZ_H
#define CARTD_FUZZ_H

#include "base.h"

/* What libFuzzer calls; the name is its own. The status is 0. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes);

/* Ends the process, loudly, when a claim about the code does not hold. */
#define FUZZ_CLAIM(claim) ((claim) ? (void)0 : fuzz_fail(#claim, __FILE__, __LINE__))
_Noreturn void fuzz_fail(const char *claim, const char *file, int line);

/* A copy for the caller to free(), NUL-terminated, without a byte to spare, so that the address
 * sanitizer sees who reads on. fuzz_text() ends at the first NUL. */
char *fuzz_copy(const uint8_t *bytes, size_t n_bytes);
char *fuzz_text(const uint8_t *bytes, size_t n_bytes);

/* A descriptor of which the next read gives these bytes, at most 64 KiB, and the end when there are
 * none. It is one for all calls and stays open. */
int fuzz_feed(const uint8_t *bytes, size_t n_bytes);

/* Whether it is JSON, of any kind, in UTF-8 and with no name twice. */
bool fuzz_is_json(const char *text, size_t length) BASE_MUST_CHECK;
/* The same JSON with the members of each object in the reverse order; the caller's to free. NULL:
 * it is no object. */
char *fuzz_reverse_json(const char *text) BASE_MUST_CHECK;
/* Claims that an RFC 6901 pointer leads to a value in `json`, or to one that an object there could
 * have. `json` that is none is let pass. */
void fuzz_claim_pointer(const char *json, size_t length, const char *pointer);

bool fuzz_is_same_text(const char *left, const char *right) BASE_MUST_CHECK; /* NULL is a text */
bool fuzz_is_same(const struct base_buffer *left, const struct base_buffer *right) BASE_MUST_CHECK;

#endif
