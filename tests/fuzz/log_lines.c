/* Texts of clients in the log: a line stays a line, JSON stays JSON, and a terminal obeys none. */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base.h"
#include "fuzz.h"

static char written[256 * 1024];

/* What the log writes about a request with this text in it. */
static size_t write_line(enum base_log_form form, const char *text)
{
    static int fd = -1;
    if (fd < 0)
        fd = memfd_create("log", 0);
    FUZZ_CLAIM(fd >= 0 && ftruncate(fd, 0) == 0 && lseek(fd, 0, SEEK_SET) == 0);
    const struct base_log log = {.fd = fd, .form = form, .least = BASE_LOG_DEBUG};
    base_log(
        &log, BASE_LOG_REQUEST, BASE_LOG_TEXT("method", text), BASE_LOG_NUMBER("status", 200),
        BASE_LOG_TEXT("path", text));
    ssize_t n_read = pread(fd, written, sizeof written, 0);
    FUZZ_CLAIM(n_read > 0 && n_read < (ssize_t)sizeof written);
    return (size_t)n_read;
}

static void claim_line(size_t length)
{
    FUZZ_CLAIM(written[length - 1] == '\n');
    FUZZ_CLAIM(base_utf8_length(written, length) > 0);
    for (size_t i = 0; i + 1 < length; i++) {
        unsigned char byte = (unsigned char)written[i];
        FUZZ_CLAIM(byte >= 0x20 && byte != 0x7f);
        FUZZ_CLAIM(byte != 0xc2 || (unsigned char)written[i + 1] >= 0xa0); /* U+0080 to U+009F */
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    if (n_bytes > 16384)
        return 0;
    BASE_CLEANUP(base_free_pointer) char *text = fuzz_text(bytes, n_bytes);
    size_t length = write_line(BASE_LOG_JSON, text);
    claim_line(length);
    FUZZ_CLAIM(fuzz_is_json(written, length));
    claim_line(write_line(BASE_LOG_PLAIN, text));
    return 0;
}
