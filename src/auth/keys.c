#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void auth_finish_keys(struct auth_keys *keys)
{
    for (size_t i = 0; i < keys->n; i++) {
        explicit_bzero(keys->list[i], strlen(keys->list[i]));
        free(keys->list[i]);
    }
    *keys = (struct auth_keys){0};
}

/* ---- the file -------------------------------------------------------------------------------- */

static const char *read_whole(int fd, struct base_buffer *text)
{
    for (;;) {
        char *end = base_buffer_reserve(text, AUTH_KEYS_FILE_MAX + 1 - text->length);
        ssize_t n_read = read(fd, end, AUTH_KEYS_FILE_MAX + 1 - text->length);
        if (n_read < 0 && errno != EINTR)
            return strerror(errno);
        if (n_read == 0)
            return NULL;
        text->length += n_read > 0 ? (size_t)n_read : 0;
        if (text->length > AUTH_KEYS_FILE_MAX)
            return "it is too large for a key file";
    }
}

/* It is read at the start and when somebody asks for it, and is small: the loop can wait for that.
 * It never waits for a pipe. */
static const char *read_file(const char *path, struct base_buffer *text, bool *is_open_to_all)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return strerror(errno);
    struct stat status;
    const char *complaint = NULL;
    if (fstat(fd, &status) != 0)
        complaint = strerror(errno);
    else if (!S_ISREG(status.st_mode))
        complaint = "it is not a regular file";
    else
        complaint = read_whole(fd, text);
    *is_open_to_all = complaint == NULL && (status.st_mode & S_IROTH) != 0;
    (void)close(fd); /* it was only read */
    if (complaint == NULL && strlen(base_buffer_text(text)) != text->length)
        return "it has a NUL byte";
    return complaint;
}

static const char *add_key(struct auth_keys *keys, const char *bytes, size_t length)
{
    if (keys->n == AUTH_KEYS_MAX)
        return "it has more than two keys";
    char *key = base_alloc(length + 1);
    memcpy(key, bytes, length);
    keys->list[keys->n++] = key;
    return NULL;
}

/* ---- secrets --------------------------------------------------------------------------------- */

/* A line each. A key in PEM must not become a secret: everybody may know a public one. */
static const char *read_secrets(const char *text, struct auth_keys *keys)
{
    if (strstr(text, "-----BEGIN") != NULL)
        return "it has a key in PEM, but HS256 needs a secret";
    const char *complaint = NULL;
    while (*text != '\0' && complaint == NULL) {
        size_t length = strcspn(text, "\r\n");
        if (length > 0 && length < AUTH_SECRET_MIN)
            complaint = "a secret has fewer than 32 bytes";
        else if (length > 0)
            complaint = add_key(keys, text, length);
        text += length + strspn(text + length, "\r\n");
    }
    return complaint;
}

/* ---- public keys ----------------------------------------------------------------------------- */

static const char *check_key(enum auth_algorithm algorithm, EVP_PKEY *key)
{
    if (algorithm == AUTH_RS256) {
        int bits = EVP_PKEY_get_bits(key);
        if (EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA)
            return "RS256 needs an RSA key";
        return bits >= AUTH_RSA_BITS_MIN && bits <= AUTH_RSA_BITS_MAX
                   ? NULL
                   : "an RSA key has fewer than 2048 bits, or more than 16384";
    }
    char group[64] = "";
    if (EVP_PKEY_get_base_id(key) != EVP_PKEY_EC ||
        EVP_PKEY_get_group_name(key, group, sizeof group, NULL) != 1 ||
        strcmp(group, "prime256v1") != 0)
        return "ES256 needs a key on the curve P-256";
    return NULL;
}

static const char *check_pem(enum auth_algorithm algorithm, const char *pem, size_t length)
{
    BIO *bio = BIO_new_mem_buf(pem, (int)length);
    EVP_PKEY *key = bio == NULL ? NULL : PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
    const char *complaint = key == NULL ? "a key in it can't be read" : check_key(algorithm, key);
    EVP_PKEY_free(key);
    BIO_free(bio);
    ERR_clear_error();
    return complaint;
}

static const char *read_public_keys(
    enum auth_algorithm algorithm, const char *text, struct auth_keys *keys)
{
    static const char begin[] = "-----BEGIN PUBLIC KEY-----";
    static const char end[] = "-----END PUBLIC KEY-----";
    const char *complaint = NULL;
    if (strstr(text, "PRIVATE KEY-----") != NULL)
        return "it has a private key, which only the issuer may have; give the public key";
    const char *at = text;
    while (complaint == NULL && (at = strstr(at, "-----BEGIN")) != NULL) {
        const char *last = strstr(at, end);
        if (strncmp(at, begin, strlen(begin)) != 0 || last == NULL)
            return "its PEM is not a complete PUBLIC KEY";
        size_t length = (size_t)(last - at) + strlen(end);
        complaint = check_pem(algorithm, at, length);
        if (complaint == NULL)
            complaint = add_key(keys, at, length);
        at += length;
    }
    return complaint;
}

/* ---- the whole ------------------------------------------------------------------------------- */

bool auth_read_keys(
    enum auth_algorithm algorithm, const char *path, struct auth_keys *keys, char **problem)
{
    BASE_CLEANUP(base_buffer_finish) struct base_buffer text = {0};
    struct auth_keys read = {0};
    bool is_open_to_all = false;
    const char *complaint = read_file(path, &text, &is_open_to_all);
    if (complaint == NULL)
        complaint = algorithm == AUTH_HS256 ? read_secrets(text.bytes, &read)
                                            : read_public_keys(algorithm, text.bytes, &read);
    if (complaint == NULL && read.n == 0)
        complaint = "it has no key";
    if (text.bytes != NULL)
        explicit_bzero(text.bytes, text.capacity);
    if (complaint != NULL) {
        auth_finish_keys(&read);
        /* Not its name: who gives a secret instead of a file would find it in the log. */
        *problem = base_print("the key file (CARTD_AUTH_KEYS) can't be used: %s", complaint);
        return false;
    }
    read.is_exposed = algorithm == AUTH_HS256 && is_open_to_all;
    *keys = read;
    return true;
}
