#include "findings.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void print_line(const struct audit_finding *finding)
{
    /* A sentence shows what was stored, which may be anything. */
    BASE_CLEANUP(base_buffer_finish) struct base_buffer printable = {0};
    base_buffer_append_printable(&printable, finding->sentence);
    const char *sentence = base_buffer_text(&printable);
    if (finding->stream_type == NULL) {
        printf("%s: %s\n", finding->kind, sentence);
        return;
    }
    char id[BASE_UUID_SIZE];
    base_uuid_format(&finding->stream_id, id);
    printf("%s %s", finding->stream_type, id);
    if (finding->version > 0)
        printf(", version %d", (int)finding->version);
    printf(": %s\n", sentence);
}

static void count(struct findings *findings, const char *kind)
{
    size_t i = 0;
    while (i < findings->n_kinds && strcmp(findings->kinds[i].kind, kind) != 0)
        i++;
    if (i == FINDINGS_KINDS_MAX)
        i--; /* more kinds than there are tables: the last one takes them all */
    else if (i == findings->n_kinds)
        findings->kinds[findings->n_kinds++].kind = kind;
    findings->kinds[i].n++;
}

void findings_add(struct findings *findings, const struct audit_finding *finding)
{
    if (findings->n++ >= FINDINGS_SHOWN) {
        count(findings, finding->kind);
        return;
    }
    progress_erase(findings->progress);
    print_line(finding);
    fflush(stdout);
}

void findings_print_rest(const struct findings *findings)
{
    if (findings->n <= FINDINGS_SHOWN)
        return;
    printf("and %" PRId64 " more:", findings->n - FINDINGS_SHOWN);
    for (size_t i = 0; i < findings->n_kinds; i++)
        printf("%s %s %" PRId64, i > 0 ? "," : "", findings->kinds[i].kind, findings->kinds[i].n);
    printf("\n");
}
