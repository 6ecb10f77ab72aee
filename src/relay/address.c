#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

static char *get_part(CURLU *url, CURLUPart part)
{
    char *found = NULL;
    if (curl_url_get(url, part, &found, CURLU_URLDECODE) != CURLUE_OK)
        return NULL;
    char *copy = base_copy_text(found);
    curl_free(found);
    return copy;
}

static char *get_part_or_empty(CURLU *url, CURLUPart part)
{
    char *found = get_part(url, part);
    return found != NULL ? found : base_copy_text("");
}

static void receive(CURLU *url, struct relay_address *address)
{
    BASE_CLEANUP(base_free_pointer) char *port = get_part(url, CURLUPART_PORT);
    BASE_CLEANUP(base_free_pointer) char *path = get_part_or_empty(url, CURLUPART_PATH);
    char *scheme = get_part_or_empty(url, CURLUPART_SCHEME);
    bool is_file = strcmp(scheme, "file") == 0;
    *address = (struct relay_address){
        .scheme = scheme,
        .user = get_part(url, CURLUPART_USER),
        .password = get_part(url, CURLUPART_PASSWORD),
        .host = get_part_or_empty(url, CURLUPART_HOST),
        .port = port == NULL ? 0 : atoi(port),
        .path = base_copy_text(!is_file && path[0] == '/' ? path + 1 : path),
        .query = get_part_or_empty(url, CURLUPART_QUERY),
    };
}

static char *show(CURLU *url)
{
    (void)curl_url_set(url, CURLUPART_USER, NULL, 0);
    (void)curl_url_set(url, CURLUPART_PASSWORD, NULL, 0);
    (void)curl_url_set(url, CURLUPART_QUERY, NULL, 0);
    return get_part_or_empty(url, CURLUPART_URL);
}

bool address_read(const char *text, struct relay_address *address, char **shown)
{
    if (strcmp(text, "-") == 0) {
        *address = (struct relay_address){
            .scheme = base_copy_text("-"),
            .host = base_copy_text(""),
            .path = base_copy_text(""),
            .query = base_copy_text(""),
        };
        *shown = base_copy_text("-");
        return true;
    }
    CURLU *url = curl_url();
    if (url == NULL)
        base_end_without_memory();
    bool is_url = curl_url_set(url, CURLUPART_URL, text, CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK;
    if (is_url) {
        receive(url, address);
        *shown = show(url);
    }
    curl_url_cleanup(url);
    return is_url;
}

void address_finish(struct relay_address *address)
{
    free(address->scheme);
    free(address->user);
    free(address->password);
    free(address->host);
    free(address->path);
    free(address->query);
}

char *relay_copy(const char *text)
{
    return text == NULL ? NULL : base_copy_text(text);
}

char *relay_address_find(const struct relay_address *address, const char *name)
{
    BASE_CLEANUP(base_free_pointer) char *query = base_copy_text(address->query);
    char *rest = query;
    size_t length = strlen(name);
    for (char *pair = strsep(&rest, "&"); pair != NULL; pair = strsep(&rest, "&"))
        if (strncmp(pair, name, length) == 0 && pair[length] == '=')
            return base_copy_text(pair + length + 1);
    return NULL;
}
