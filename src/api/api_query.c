/* SPDX-License-Identifier: Apache-2.0 */
/* api_query.c - actions: runs of a DataFrame, and their rows as text. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/handles.h"
#include "column/format_value.h"
#include "column/printer.h"
#include "column/show.h"
#include "plan/node.h"
#include "session/command.h"

chert_query *chert_query_new(const chert_df *df, chert_error *out)
{
    ch_error err = {0};
    if (!df)
        return NULL;
    chert_query *q = calloc(1, sizeof *q);
    ch_status status = q ? ch_query_open(df->frame, df->frame->rel, &q->query, &err)
                         : ch_error_memory(&err, "process", (int64_t)sizeof *q, 0);
    if (status == CH_OK) {
        q->session = df->session;
        return q;
    }
    free(q);
    (void)chert_error_take(out, &err);
    return NULL;
}

int chert_query_run(chert_query *q, chert_error *out)
{
    ch_error err = {0};
    if (!q)
        return CH_E_INTERNAL;
    if (q->has_run)
        return chert_error_argument(out, "a query that has run");
    q->has_run = true;
    ch_status status = ch_query_collect(q->query, &err);
    (void)chert_error_take(out, &err);
    return (int)status;
}

void chert_query_cancel(chert_query *q)
{
    if (q)
        ch_query_cancel(q->query);
}

static void fill_progress(const ch_scan_progress *p, chert_progress *progress)
{
    if (!progress)
        return;
    progress->bytes_done = p->bytes_done;
    progress->bytes_total = p->bytes_total;
    progress->rows = p->rows;
    progress->n_malformed = p->n_malformed;
}

void chert_query_progress(const chert_query *q, chert_progress *progress)
{
    ch_scan_progress p = {0};
    if (q)
        ch_query_progress(q->query, &p);
    fill_progress(&p, progress);
}

void chert_session_cancel(chert_session *session)
{
    if (session)
        ch_session_cancel(session->session);
}

bool chert_session_progress(chert_session *session, chert_progress *progress)
{
    ch_scan_progress p = {0};
    bool runs = session && ch_session_progress(session->session, &p);
    fill_progress(&p, progress);
    return runs;
}

void chert_query_free(chert_query *q)
{
    if (!q)
        return;
    for (int32_t i = 0; q->type_text && i < chert_query_columns(q); i++)
        free(q->type_text[i]);
    free(q->type_text);
    ch_query_close(q->query);
    free(q);
}

int64_t chert_query_rows(const chert_query *q)
{
    return !q || !q->has_run ? 0 : q->streamed ? q->n_streamed : ch_query_rows(q->query);
}

int32_t chert_query_columns(const chert_query *q)
{
    return q ? ch_query_output(q->query)->n : 0;
}

static bool has_column(const chert_query *q, int32_t i)
{
    return i >= 0 && i < chert_query_columns(q);
}

const char *chert_query_column_name(const chert_query *q, int32_t i)
{
    return has_column(q, i) ? ch_query_output(q->query)->item[i]->name : NULL;
}

/* malloc'd text of a type; NULL without memory. */
static char *type_text(const chert_session *session, const ch_type *type)
{
    ch_buf text;
    ch_buf_init(&text, ch_session_mem(session->session));
    char *copy = ch_type_print(type, &text, NULL) == CH_OK ? strdup(text.data) : NULL;
    ch_buf_release(&text);
    return copy;
}

const char *chert_query_column_type(const chert_query *query, int32_t i)
{
    chert_query *q = (chert_query *)(uintptr_t)query; /* the cache of texts only */
    if (!has_column(q, i))
        return NULL;
    const ch_attr_list *columns = ch_query_output(q->query);
    if (!q->type_text)
        q->type_text = calloc((size_t)columns->n, sizeof *q->type_text);
    if (!q->type_text)
        return "";
    if (!q->type_text[i])
        q->type_text[i] = type_text(q->session, columns->item[i]->type);
    return q->type_text[i] ? q->type_text[i] : "";
}

/* Has it run and kept them? */
static bool has_rows(const chert_query *q)
{
    return q && q->has_run && !q->streamed;
}

char *chert_query_text(const chert_query *q, int64_t row, int32_t column, chert_error *out)
{
    ch_error err = {0};
    ch_batch *batch = NULL;
    if (!has_rows(q) || row < 0 || !has_column(q, column)) {
        (void)chert_error_argument(out, "row or column out of range");
        return NULL;
    }
    for (int64_t i = 0; (batch = ch_query_batch(q->query, i)) != NULL && row >= batch->n; i++)
        row -= batch->n;
    if (!batch) {
        (void)chert_error_argument(out, "row or column out of range");
        return NULL;
    }
    if (ch_column_is_null(batch->col[column], row))
        return NULL;
    ch_buf text;
    ch_value_format format = {.style = CH_VALUE_CAST, .ansi = ch_query_func(q->query)->ansi};
    ch_buf_init(&text, ch_query_mem(q->query));
    ch_status status = ch_query_zone(q->query, &format.zone, &err);
    if (status == CH_OK)
        status = ch_format_value(&format, batch->col[column], row, &text, &err);
    char *copy = status == CH_OK ? strdup(text.data ? text.data : "") : NULL;
    ch_buf_release(&text);
    (void)chert_error_take(out, &err);
    return copy;
}

/* ----------------------------------------------------------------- printing */

/* In pieces, so that a terminal or a pipe that is slow can be told to stop. */
static ch_status flush_text(const ch_query *query, ch_buf *text, FILE *out, ch_error *err)
{
    enum { PIECE = 1 << 16 };
    for (size_t at = 0; at < text->len; at += PIECE) {
        size_t n = text->len - at < PIECE ? text->len - at : PIECE;
        if (ch_func_cancelled(ch_query_func(query)))
            CH_FAIL(err, CANCELLED);
        if (fwrite(text->data + at, 1, n, out) != n)
            CH_FAIL(err, IO, "action", "write", "path", "output", "reason", strerror(errno));
    }
    ch_buf_reset(text);
    return CH_OK;
}

/* The first n rows of the result as batches of their own (n < 0: all). Frees with free_batches. */
static ch_status first_batches(ch_query *query, int64_t n, ch_batch **out, int32_t *n_out,
                               ch_error *err)
{
    int32_t count = 0;
    while (ch_query_batch(query, count))
        count++;
    *n_out = 0;
    *out = calloc((size_t)count + 1, sizeof **out);
    if (!*out)
        return ch_error_memory(err, "process", count, 0);
    for (int32_t i = 0; i < count && n != 0; i++) {
        ch_batch *copy = &(*out)[i];
        CH_TRY(ch_batch_copy(ch_query_batch(query, i), copy, err));
        (*n_out)++;
        if (n >= 0 && copy->n > n)
            CH_TRY(ch_batch_slice(copy, 0, n, err));
        CH_TRY(ch_batch_flatten(copy, err));
        n -= n > 0 ? copy->n : 0;
    }
    return CH_OK;
}

static void free_batches(ch_batch *batch, int32_t n)
{
    for (int32_t i = 0; i < n; i++)
        ch_batch_release(&batch[i]);
    free(batch);
}

static ch_status print_table(const chert_query *q, bool vertical, ch_batch *batch,
                             int32_t n_batches, int64_t n, int32_t truncate, FILE *out,
                             ch_error *err)
{
    ch_buf text;
    ch_show_options options = {.n_rows = n < 0 ? INT64_MAX : n,
                               .truncate = truncate,
                               .vertical = vertical,
                               .cancel = ch_query_func(q->query)->cancel};
    CH_TRY(ch_query_zone(q->query, &options.zone, err));
    ch_buf_init(&text, ch_query_mem(q->query));
    ch_status status = ch_show(ch_query_schema(q->query), batch, n_batches, &options, &text, err);
    if (status == CH_OK)
        status = flush_text(q->query, &text, out, err);
    ch_buf_release(&text);
    return status;
}

static ch_status print_stream(const chert_query *q, const ch_printer *printer, ch_batch *batch,
                              int32_t n_batches, FILE *out, ch_error *err)
{
    const ch_type *schema = ch_query_schema(q->query);
    const ch_zone *zone;
    ch_status status;
    ch_buf text;
    CH_TRY(ch_query_zone(q->query, &zone, err));
    ch_buf_init(&text, ch_query_mem(q->query));
    CH_TRY_OUT(printer->head(schema, &text, err));
    for (int32_t i = 0; i < n_batches; i++) {
        CH_TRY_OUT(printer->batch(schema, zone, &batch[i], &text, err));
        CH_TRY_OUT(flush_text(q->query, &text, out, err));
    }
    CH_TRY_OUT(printer->tail(schema, &text, err));
    status = flush_text(q->query, &text, out, err);
out:
    ch_buf_release(&text);
    return status;
}

/* NULL for tables, which are not printed as a stream. */
static const ch_printer *printer_of(chert_style style)
{
    switch (style) {
    case CHERT_STYLE_CSV:
        return ch_printer_find("csv");
    case CHERT_STYLE_JSON:
        return ch_printer_find("json");
    case CHERT_STYLE_MARKDOWN:
        return ch_printer_find("markdown");
    default:
        return NULL;
    }
}

int chert_query_print(const chert_query *q, chert_style style, int64_t n, int32_t truncate,
                      FILE *out, chert_error *error)
{
    ch_error err = {0};
    ch_batch *batch;
    int32_t n_batches;
    if (!has_rows(q) || !out)
        return chert_error_argument(error, out ? "a query without rows" : "file NULL");
    bool is_table = style == CHERT_STYLE_TABLE || style == CHERT_STYLE_VERTICAL;
    if (!is_table && !printer_of(style))
        return chert_error_argument(error, "style");
    /* One row more than asked tells show() that there are more. */
    int64_t rows = n >= 0 && is_table ? n + 1 : n;
    ch_status status = first_batches(q->query, rows, &batch, &n_batches, &err);
    if (status == CH_OK)
        status = is_table ? print_table(q, style == CHERT_STYLE_VERTICAL, batch, n_batches, n,
                                        truncate, out, &err)
                          : print_stream(q, printer_of(style), batch, n_batches, out, &err);
    CH_UNUSED(status); /* err says the same */
    free_batches(batch, n_batches);
    return chert_error_take(error, &err);
}

/* What chert_query_run_print hands from batch to batch. */
typedef struct printing {
    chert_query *q;
    const ch_printer *printer;
    const ch_zone *zone;
    ch_buf text;
    FILE *out;
} printing;

static ch_status print_batch(void *user, int slot, ch_batch *batch, ch_error *err)
{
    printing *p = user;
    CH_UNUSED(slot);
    p->q->n_streamed += batch->n;
    CH_TRY(p->printer->batch(ch_query_schema(p->q->query), p->zone, batch, &p->text, err));
    return flush_text(p->q->query, &p->text, p->out, err);
}

static ch_status run_printing(printing *p, ch_error *err)
{
    ch_query *query = p->q->query;
    CH_TRY(ch_query_zone(query, &p->zone, err));
    CH_TRY(p->printer->head(ch_query_schema(query), &p->text, err));
    CH_TRY(ch_query_each(query, print_batch, p, true, err));
    CH_TRY(p->printer->tail(ch_query_schema(query), &p->text, err));
    return flush_text(p->q->query, &p->text, p->out, err);
}

int chert_query_run_print(chert_query *q, chert_style style, FILE *out, chert_error *error)
{
    ch_error err = {0};
    printing p = {.q = q, .printer = printer_of(style), .out = out};
    if (!q)
        return CH_E_INTERNAL;
    if (!out)
        return chert_error_argument(error, "file NULL");
    if (!p.printer) {
        int code = chert_query_run(q, error);
        return code ? code : chert_query_print(q, style, -1, 0, out, error);
    }
    if (q->has_run)
        return chert_error_argument(error, "a query that has run");
    q->has_run = q->streamed = true;
    ch_buf_init(&p.text, ch_query_mem(q->query));
    ch_status status = run_printing(&p, &err);
    ch_buf_release(&p.text);
    (void)chert_error_take(error, &err);
    return (int)status;
}

/* ------------------------------------------------------------------- actions */

int64_t chert_df_count(const chert_df *df, chert_error *out)
{
    int64_t n = -1;
    if (!df)
        return n;
    chert_df *counted = chert_grouped_count(chert_df_group_by(df, out, NULL), out);
    chert_query *q = chert_query_new(counted, out);
    char *text = q && chert_query_run(q, out) == 0 ? chert_query_text(q, 0, 0, out) : NULL;
    if (text)
        n = strtoll(text, NULL, 10);
    free(text);
    chert_query_free(q);
    chert_df_free(counted);
    return n;
}

int chert_df_show(const chert_df *df, int32_t n, int32_t truncate, bool vertical, FILE *out,
                  chert_error *err)
{
    chert_df *some = chert_df_limit(df, (int64_t)n + 1, err);
    chert_query *q = chert_query_new(some, err);
    int code = q ? chert_query_run(q, err) : CH_E_INTERNAL;
    if (code == 0)
        code = chert_query_print(q, vertical ? CHERT_STYLE_VERTICAL : CHERT_STYLE_TABLE, n,
                                 truncate, out, err);
    chert_query_free(q);
    chert_df_free(some);
    return code;
}

char *chert_df_schema(const chert_df *df, chert_error *out)
{
    chert_query *q = chert_query_new(df, out);
    char *text = q ? type_text(q->session, ch_query_schema(q->query)) : NULL;
    chert_query_free(q);
    return text;
}

char *chert_df_explain(const chert_df *df, const char *mode, chert_error *out)
{
    static const char *const MODES[] = {"simple", "extended",  "codegen",
                                        "cost",   "formatted", "analyze"};
    ch_error err = {0};
    int which = -1;
    for (int i = 0; i < (int)(sizeof MODES / sizeof *MODES); i++)
        if (mode && strcasecmp(mode, MODES[i]) == 0)
            which = i;
    if (which < 0) {
        (void)ch_error_set(&err, CH_E_INVALID_OPTION, "name", "mode", "value", mode, "expected",
                           "simple, extended, codegen, cost, formatted or analyze",
                           (const char *)0);
        (void)chert_error_take(out, &err);
        return NULL;
    }
    chert_query *q = chert_query_new(df, out);
    if (!q)
        return NULL;
    ch_buf text;
    ch_buf_init(&text, ch_query_mem(q->query));
    ch_status status = ch_query_explain(q->query, (ch_explain_mode)which, &text, &err);
    char *copy = status == CH_OK ? strdup(text.data) : NULL;
    ch_buf_release(&text);
    chert_query_free(q);
    (void)chert_error_take(out, &err);
    return copy;
}
