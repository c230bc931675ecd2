/* SPDX-License-Identifier: Apache-2.0 */
/* statement.c - one statement at a time: run under the watch, print, next. */
#include "cli/statement.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/watch.h"

bool ch_statement_style_of(const char *name, chert_style *out)
{
    static const struct {
        const char *name;
        chert_style style;
    } STYLE[] = {
        {"table", CHERT_STYLE_TABLE},       {"csv", CHERT_STYLE_CSV},
        {"json", CHERT_STYLE_JSON},         {"markdown", CHERT_STYLE_MARKDOWN},
        {"vertical", CHERT_STYLE_VERTICAL},
    };
    for (size_t i = 0; i < sizeof STYLE / sizeof *STYLE; i++)
        if (strcmp(STYLE[i].name, name) == 0) {
            *out = STYLE[i].style;
            return true;
        }
    return false;
}

bool ch_statement_is_blank(const char *s, const char *end)
{
    while (s < end) {
        if (isspace((unsigned char)*s) || *s == ';') {
            s++;
        } else if (end - s >= 2 && s[0] == '-' && s[1] == '-') {
            while (s < end && *s != '\n')
                s++;
        } else if (end - s >= 4 && s[0] == '/' && s[1] == '*' && s[2] != '+') {
            const char *close = strstr(s + 2, "*/");
            if (!close || close > end - 2)
                return false;
            s = close + 2;
        } else {
            return false;
        }
    }
    return true;
}

static void print_timing(const chert_query *query, double seconds)
{
    char rows[32];
    int64_t n = chert_query_rows(query);
    ch_cli_count(rows, n);
    fflush(stdout);
    if (chert_query_columns(query) > 0)
        fprintf(stderr, "(%s row%s, %.3f s)\n", rows, n == 1 ? "" : "s", seconds);
    else
        fprintf(stderr, "(%.3f s)\n", seconds);
}

/* The plan that EXPLAIN gives is text of many lines: in a table it would be one long cell. */
static bool is_plan(const char *sql, const chert_query *query)
{
    return strncasecmp(sql, "explain", 7) == 0 && chert_query_columns(query) == 1 &&
           chert_query_rows(query) == 1;
}

static int print_plan(const chert_query *query, chert_error *err)
{
    char *text = chert_query_text(query, 0, 0, err);
    if (!text)
        return err->code != 0;
    size_t n = strlen(text);
    fprintf(stdout, n && text[n - 1] == '\n' ? "%s\n" : "%s\n\n", text);
    chert_free(text);
    return 0;
}

/* A table must see all rows before its first line; the other styles are printed while rows come. */
static bool is_whole(chert_style style)
{
    return style == CHERT_STYLE_TABLE || style == CHERT_STYLE_VERTICAL;
}

static int run_one(chert_session *session, const char *sql, const ch_statement_style *style,
                   chert_error *err)
{
    ch_watch watch;
    double begin = ch_cli_now();
    chert_query *query = NULL;
    /* Rows that stream to the terminal show the progress themselves. */
    ch_watch_start(&watch, session,
                   style->progress && (is_whole(style->style) || !isatty(STDOUT_FILENO)));
    chert_df *df = chert_sql(session, sql, err);
    if (df)
        query = chert_query_new(df, err);
    bool is_table = is_whole(style->style) || (query && chert_query_columns(query) == 0);
    int failed =
        !query || (is_table ? chert_query_run(query, err)
                            : chert_query_run_print(query, style->style, stdout, err)) != 0;
    double seconds = ch_cli_now() - begin;
    ch_watch_wipe(&watch);
    if (!failed && is_table && chert_query_columns(query) > 0)
        failed = style->style == CHERT_STYLE_TABLE && is_plan(sql, query)
                     ? print_plan(query, err)
                     : chert_query_print(query, style->style, -1, 0, stdout, err) != 0;
    /* Without a line between them two tables would be read as one. */
    if (!failed && style->style == CHERT_STYLE_MARKDOWN && chert_query_columns(query) > 0)
        fputc('\n', stdout);
    if (!failed && fflush(stdout) != 0) {
        fprintf(stderr, "error: cannot write the result: %s\n", strerror(errno));
        failed = 1;
    }
    bool stopped = ch_watch_stop(&watch);
    if (!failed && !stopped && style->timing)
        print_timing(query, seconds);
    chert_query_free(query);
    chert_df_free(df);
    if (stopped && !failed)
        fprintf(stderr, "cancelled\n");
    return failed ? CH_EXIT_ERROR : stopped ? CH_EXIT_CANCELLED : CH_EXIT_OK;
}

int ch_statement_run(chert_session *session, const char *text, const char *name,
                     const ch_statement_style *style)
{
    int32_t line = 1;
    int code = CH_EXIT_OK;
    while (*text && code == CH_EXIT_OK) {
        bool complete;
        size_t len = chert_sql_split(text, &complete);
        if (!ch_statement_is_blank(text, text + len)) {
            chert_error err = CHERT_ERROR_INIT;
            size_t skip = strspn(text, " \t\r\n");
            char *sql = strndup(text + skip, len - skip);
            for (size_t i = 0; i < skip; i++)
                line += text[i] == '\n';
            if (!sql)
                return CH_EXIT_ERROR;
            code = run_one(session, sql, style, &err);
            free(sql);
            if (err.code) {
                if (name)
                    fprintf(stderr, "%s:%d: ", name, line + (err.line > 0 ? err.line - 1 : 0));
                code = ch_cli_error(&err);
            }
            text += skip;
            len -= skip;
        }
        for (size_t i = 0; i < len; i++)
            line += text[i] == '\n';
        text += len;
    }
    return code;
}
