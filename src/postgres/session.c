#include "internal.h"

#include <assert.h>
#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct postgres_session {
    PGconn *pg;
};

char *postgres_one_line(const char *message)
{
    char *line = base_alloc(2 * strlen(message) + 1); /* a break becomes two bytes */
    size_t length = 0;
    for (const char *c = message; *c != '\0'; c++) {
        bool is_space = *c == '\n' || *c == '\t' || *c == ' ';
        bool was_space = length == 0 || line[length - 1] == ' ';
        if (!is_space) {
            line[length++] = *c;
        } else if (*c == '\n' && !was_space && isalnum((unsigned char)line[length - 1])) {
            line[length++] = ';'; /* a line that ends without a full stop goes on with another */
            line[length++] = ' ';
        } else if (!was_space) {
            line[length++] = ' ';
        }
    }
    while (length > 0 && (line[length - 1] == ' ' || line[length - 1] == ';'))
        length--;
    line[length] = '\0';
    return line;
}

/* NOTICE: relation "…" already exists, skipping: nobody wants to know. */
static void receive_notice(void *context, const PGresult *notice)
{
    (void)context;
    const char *severity = PQresultErrorField(notice, PG_DIAG_SEVERITY_NONLOCALIZED);
    if (severity != NULL && strcmp(severity, "WARNING") == 0)
        (void)fputs(PQresultErrorMessage(notice), stderr);
}

struct postgres_session *postgres_session_open(const char *url, char **problem)
{
    char *complaint = postgres_check_url(url);
    if (complaint != NULL) {
        *problem = complaint;
        return NULL;
    }
    /* What comes before the connection string is a default, what comes after it overrides it. */
    const char *keywords[] = {
        "connect_timeout", "fallback_application_name", "dbname", "client_encoding", NULL};
    const char *values[] = {"10", "cartd", url, "UTF8", NULL};
    PGconn *pg = PQconnectdbParams(keywords, values, 1);
    if (PQstatus(pg) != CONNECTION_OK) {
        *problem = postgres_one_line(pg == NULL ? "out of memory" : PQerrorMessage(pg));
        PQfinish(pg);
        return NULL;
    }
    PQsetNoticeReceiver(pg, receive_notice, NULL);
    struct postgres_session *session = base_alloc(sizeof *session);
    session->pg = pg;
    return session;
}

void postgres_session_close(struct postgres_session *session)
{
    if (session != NULL) {
        PQfinish(session->pg);
        free(session);
    }
}

/* What went wrong, for the user; the caller's to free. */
static char *describe_error(const struct postgres_session *session, const PGresult *result)
{
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *hint = PQresultErrorField(result, PG_DIAG_MESSAGE_HINT);
    if (message == NULL || sqlstate == NULL)
        return postgres_one_line(PQerrorMessage(session->pg));
    BASE_CLEANUP(base_free_pointer)
    char *text = base_print(
        "%s (SQLSTATE %s)%s%s", message, sqlstate,
        hint == NULL ? "" : "; hint: ", hint == NULL ? "" : hint);
    return postgres_one_line(text);
}

/* Takes the result. */
static bool check_result(const struct postgres_session *session, PGresult *result, char **problem)
{
    ExecStatusType status = PQresultStatus(result);
    bool is_done =
        status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY;
    if (!is_done)
        *problem = describe_error(session, result);
    PQclear(result);
    return is_done;
}

bool postgres_session_run(struct postgres_session *session, const char *sql, char **problem)
{
    return check_result(session, PQexec(session->pg, sql), problem);
}

static void copy_cells(const PGresult *result, struct postgres_table *table)
{
    int n_rows = PQntuples(result);
    int n_columns = PQnfields(result);
    table->n_rows = (size_t)n_rows;
    table->n_columns = (size_t)n_columns;
    table->cells = base_alloc(table->n_rows * table->n_columns * sizeof(char *));
    char **cell = table->cells;
    for (int row = 0; row < n_rows; row++) {
        for (int column = 0; column < n_columns; column++, cell++) {
            if (PQgetisnull(result, row, column) == 0)
                *cell = base_copy_text(PQgetvalue(result, row, column));
        }
    }
}

bool postgres_session_query(
    struct postgres_session *session, const char *sql, const char *const *parameters,
    size_t n_parameters, struct postgres_table *table, char **problem)
{
    assert(n_parameters <= INT_MAX);
    PGresult *result =
        PQexecParams(session->pg, sql, (int)n_parameters, NULL, parameters, NULL, NULL, 0);
    struct postgres_table answer = {0};
    if (PQresultStatus(result) == PGRES_TUPLES_OK)
        copy_cells(result, &answer);
    if (!check_result(session, result, problem))
        return false;
    *table = answer;
    return true;
}

void postgres_table_finish(struct postgres_table *table)
{
    for (size_t i = 0; i < table->n_rows * table->n_columns; i++)
        free(table->cells[i]);
    free(table->cells);
    *table = (struct postgres_table){0};
}
