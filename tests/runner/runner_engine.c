/* SPDX-License-Identifier: Apache-2.0 */
/* runner_engine.c - statements into answers. */
#include "runner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "column/format_value.h"
#include "column/show.h"
#include "session/query.h"

struct engine {
    ch_engine *engine;
    ch_session *session;
    ch_mem *mem; /* of what the runner itself makes */
};

static ch_status set_up(engine *e, const variation *v, const char *warehouse, ch_error *err)
{
    char rows[24];
    CH_TRY(ch_engine_new(v->memory_bytes, v->threads, NULL, &e->engine, err));
    CH_TRY(ch_session_new(e->engine, &e->session, err));
    CH_TRY(ch_session_set(e->session, "spark.sql.session.timeZone", "UTC", err));
    CH_TRY(ch_session_set(e->session, "spark.sql.warehouse.dir", warehouse, err));
    snprintf(rows, sizeof rows, "%lld", (long long)v->batch_rows);
    if (v->batch_rows)
        CH_TRY(ch_session_set(e->session, "chert.batch.rows", rows, err));
    return CH_OK;
}

engine *engine_new(const variation *v, const char *warehouse)
{
    ch_error err = {0};
    engine *e = calloc(1, sizeof *e);
    if (e)
        e->mem = ch_mem_new(NULL, "runner", 0);
    if (e && e->mem && set_up(e, v, warehouse, &err) == CH_OK)
        return e;
    char *why = ch_error_text(&err);
    fprintf(stderr, "sql_runner: %s\n", why ? why : "out of memory");
    free(why);
    exit(2);
}

int64_t engine_free(engine *e)
{
    int64_t left;
    ch_session_free(e->session);
    ch_engine_drop_views(e->engine);
    left = ch_mem_used(ch_engine_mem(e->engine));
    ch_engine_free(e->engine);
    ch_mem_close(e->mem);
    free(e);
    return left;
}

static void keep_error(const ch_error *err, answer *out)
{
    out->failed = true;
    out->out_of_memory = err->code == CH_E_MEMORY;
    out->class = strdup(ch_status_class(err->code));
    out->message = ch_error_text(err);
    for (int i = 0; i < err->n_params; i++) {
        const char *name = err->param[i].name, *value = err->param[i].value;
        list_add(&out->param_name, name ? name : "", name ? strlen(name) : 0);
        list_add(&out->param_value, value ? value : "", value ? strlen(value) : 0);
    }
}

static ch_status keep_columns(engine *e, const ch_type *schema, answer *out, ch_error *err)
{
    ch_buf type;
    ch_buf_init(&type, e->mem);
    ch_status status = CH_OK;
    for (int32_t c = 0; c < schema->n_fields && status == CH_OK; c++) {
        ch_buf_reset(&type);
        status = ch_type_print(schema->field[c].type, &type, err);
        list_add(&out->name, schema->field[c].name, strlen(schema->field[c].name));
        list_add(&out->type, status == CH_OK ? type.data : "", status == CH_OK ? type.len : 0);
    }
    ch_buf_release(&type);
    return status;
}

static ch_status keep_rows(engine *e, ch_query *query, const ch_value_format *format, answer *out,
                           ch_error *err)
{
    ch_buf cell;
    ch_buf_init(&cell, e->mem);
    ch_status status = CH_OK;
    ch_batch *b;
    for (int64_t k = 0; status == CH_OK && (b = ch_query_batch(query, k)); k++) {
        for (int64_t i = 0; i < b->n; i++) {
            for (int32_t c = 0; c < b->n_cols; c++) {
                ch_column *column;
                CH_TRY_OUT(ch_batch_column(b, c, &column, err));
                if (ch_column_is_null(column, i)) {
                    list_add_null(&out->cells);
                    continue;
                }
                ch_buf_reset(&cell);
                CH_TRY_OUT(ch_format_value(format, column, i, &cell, err));
                list_add(&out->cells, cell.data ? cell.data : "", cell.len);
            }
        }
    }
out:
    ch_buf_release(&cell);
    return status;
}

static ch_status keep_shown(engine *e, ch_query *query, const block *b, const ch_zone *zone,
                            answer *out, ch_error *err)
{
    int64_t n = 0;
    while (ch_query_batch(query, n))
        n++;
    ch_batch *all = calloc((size_t)n + 1, sizeof *all);
    ch_show_options options = {.n_rows = b->show_rows,
                               .truncate = b->show_truncate,
                               .vertical = b->show_vertical,
                               .zone = zone};
    ch_buf shown;
    ch_buf_init(&shown, e->mem);
    ch_status status = all ? CH_OK : ch_error_memory(err, "runner", 0, 0);
    int64_t made = 0;
    for (; status == CH_OK && made < n; made++)
        status = ch_batch_copy(ch_query_batch(query, made), &all[made], err);
    if (status == CH_OK)
        status = ch_show(ch_query_schema(query), all, (int32_t)n, &options, &shown, err);
    if (status == CH_OK)
        out->shown = strndup(shown.data, shown.len);
    for (int64_t k = 0; k < made; k++)
        ch_batch_release(&all[k]);
    free(all);
    ch_buf_release(&shown);
    return status;
}

static ch_status run(engine *e, const char *sql, const block *b, int64_t fail_nth,
                     int64_t *n_allocs, answer *out, ch_error *err)
{
    ch_frame *frame = NULL;
    ch_query *query = NULL;
    (void)ch_mem_fail_nth(fail_nth);
    ch_status status = ch_session_sql(e->session, sql, &frame, err);
    int64_t made = 0;
    /* A command has done its work by now: a failure from here on would have it done twice. */
    if (status == CH_OK && b->kind == STATEMENT && frame->rel->kind == CH_REL_LOCAL_RELATION)
        made = ch_mem_fail_nth(0);
    if (status == CH_OK)
        status = ch_query_open(frame, frame->rel, &query, err);
    if (status == CH_OK)
        status = ch_query_collect(query, err);
    if (!made)
        made = ch_mem_fail_nth(0);
    if (n_allocs)
        *n_allocs = made;
    if (status == CH_OK && b->kind != STATEMENT) {
        const ch_func_context *ctx = ch_query_func(query);
        const ch_zone *zone = ch_zone_find(ctx->time_zone, (int64_t)strlen(ctx->time_zone), err);
        ch_value_format format = {.style = CH_VALUE_CAST, .ansi = ctx->ansi, .zone = zone};
        status = zone ? keep_columns(e, ch_query_schema(query), out, err) : err->code;
        if (status == CH_OK)
            status = b->kind == SHOW ? keep_shown(e, query, b, zone, out, err)
                                     : keep_rows(e, query, &format, out, err);
    }
    ch_query_close(query);
    ch_frame_unref(frame);
    return status;
}

void engine_run(engine *e, const char *sql, const block *b, int64_t fail_nth, int64_t *n_allocs,
                answer *out)
{
    ch_error err = {0};
    *out = (answer){0};
    if (run(e, sql, b, fail_nth, n_allocs, out, &err) != CH_OK)
        keep_error(&err, out);
    ch_error_release(&err);
}
