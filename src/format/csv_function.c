/* SPDX-License-Identifier: Apache-2.0 */
/*
 * csv_function.c - from_csv and to_csv: one line of CSV a row, read and written as files are.
 *
 * from_csv splits every row's text by the tokenizer of the reader and gathers the values of all rows on
 * the side; then each column is converted at once. A value that does not convert is NULL and makes its
 * row malformed: nothing in mode PERMISSIVE, but for the column of malformed records, an error in
 * FAILFAST.
 */
#include <stdio.h>
#include <strings.h>

#include "column/take.h"
#include "column/textout.h"
#include "format/csv_convert.h"
#include "format/csv_record.h"
#include "format/csv_write.h"
#include "function/utf8.h"

static ch_format_context context_of(const ch_func_context *ctx, ch_mem *mem)
{
    return (ch_format_context){.time_zone = ctx->time_zone ? ctx->time_zone : "UTC",
                               .ansi = ctx->ansi,
                               .case_sensitive = ctx->case_sensitive,
                               .corrupt_column = ctx->corrupt_column,
                               .n_slots = 1,
                               .batch_rows = 4096,
                               .mem = mem};
}

/* Argument i, a constant map of texts, if there is one. */
static ch_status read_options(ch_bind *bind, int32_t i, ch_strmap *out, ch_error *err)
{
    ch_strmap_init(out, bind->arena, true);
    if (i >= bind->n_args)
        return CH_OK;
    const ch_type *t = bind->arg_type[i];
    const ch_scalar *v = ch_bind_constant(bind, i);
    bind->final = true;
    if (t->id != CH_MAP || !ch_type_is_string(t->field[0].type) ||
        !ch_type_is_string(t->field[1].type) || !v || v->is_null)
        CH_FAIL(err, OPTIONS_NOT_MAP);
    for (int64_t k = 0; k + 1 < v->v.list.n; k += 2) {
        const ch_scalar *key = &v->v.list.item[k], *value = &v->v.list.item[k + 1];
        if (value->is_null)
            continue;
        char *name = ch_arena_strn(bind->arena, key->v.str.text, (size_t)key->v.str.len, err);
        char *text = ch_arena_strn(bind->arena, value->v.str.text, (size_t)value->v.str.len, err);
        if (!name || !text)
            return CH_E_MEMORY;
        CH_TRY(ch_strmap_put(out, name, text, err));
    }
    return CH_OK;
}

/* ---- from_csv ---- */

typedef struct csv_job {
    ch_csv_options options;
    ch_csv_rules rules;
    const ch_csv_converter **converter; /* [n_data] */
    int32_t n_data;                     /* columns but the corrupt one */
    int32_t corrupt;                    /* its place among the fields, -1: none */
} csv_job;

static ch_status parse_schema(ch_bind *bind, const ch_type **out, ch_error *err)
{
    const ch_scalar *v = ch_bind_constant(bind, 1);
    bind->final = true;
    if (!v || v->is_null || !ch_type_is_string(v->type))
        CH_FAIL(err, SCHEMA_NOT_LITERAL, "inputSchema", ch_bind_arg_sql(bind, 1));
    char *text = ch_arena_strn(bind->arena, v->v.str.text, (size_t)v->v.str.len, err);
    if (!text)
        return CH_E_MEMORY;
    ch_error as_type = {0};
    ch_status status = ch_type_parse(text, out, &as_type);
    if (status != CH_OK && status != CH_E_MEMORY) {
        ch_error as_table = {0};
        bool syntax = as_type.code == CH_E_PARSE_SYNTAX_ERROR;
        status = ch_type_parse_ddl(text, out, &as_table);
        bool first = syntax && status != CH_OK && status != CH_E_MEMORY;
        ch_error_release(first ? &as_table : &as_type);
        as_type = first ? as_type : as_table;
        status = first ? CH_E_PARSE_SYNTAX_ERROR : status;
    }
    if (status != CH_OK) {
        if (err && err->code == CH_OK)
            *err = as_type;
        else
            ch_error_release(&as_type);
        return status;
    }
    if ((*out)->id != CH_STRUCT)
        CH_FAIL(err, SCHEMA_NOT_STRUCT, "inputSchema", ch_bind_arg_sql(bind, 1), "dataType",
                ch_quote_type(*out).text);
    return CH_OK;
}

static ch_status map_fields(ch_bind *bind, const ch_type *schema, csv_job *job, ch_error *err)
{
    int32_t n = schema->n_fields;
    ch_field *field = ch_arena_alloc(bind->arena, sizeof *field * (size_t)(n + 1), err);
    job->converter = ch_arena_alloc(bind->arena, sizeof *job->converter * (size_t)(n + 1), err);
    if (!field || !job->converter)
        return CH_E_MEMORY;
    job->corrupt = -1;
    for (int32_t i = 0; i < n; i++) {
        field[i] = schema->field[i];
        field[i].nullable = true;
        if (strcasecmp(field[i].name, job->options.corrupt_column) == 0) {
            if (!ch_type_is_string(field[i].type))
                CH_FAIL(err, INVALID_CORRUPT_RECORD_TYPE, "columnName", field[i].name, "actualType",
                        ch_quote_type(field[i].type).text);
            job->corrupt = i;
            continue;
        }
        if (ch_type_is_nested(field[i].type))
            CH_FAIL(err, UNSUPPORTED_DATATYPE, "typeName", ch_quote_type(field[i].type).text);
        CH_TRY(ch_csv_converter_make(&job->options, &field[i], bind->arena,
                                     &job->converter[job->n_data++], err));
    }
    bind->result = ch_type_struct(field, n);
    return bind->result ? CH_OK : CH_E_MEMORY;
}

static ch_status bind_from(ch_bind *bind, ch_error *err)
{
    const ch_type *schema;
    ch_strmap options;
    if (bind->n_args < 2 || bind->n_args > 3)
        return ch_bind_count(bind, "[2, 3]", err);
    if (bind->arg_type[0]->id == CH_NULL)
        bind->arg_type[0] = CH_T_STRING;
    if (!ch_type_is_string(bind->arg_type[0]))
        return ch_bind_wrong_type(bind, 0, "STRING", err);
    CH_TRY(parse_schema(bind, &schema, err));
    CH_TRY(read_options(bind, 2, &options, err));
    csv_job *job = ch_arena_alloc(bind->arena, sizeof *job, err);
    if (!job)
        return CH_E_MEMORY;
    *job = (csv_job){0};
    ch_format_context ctx = context_of(bind->ctx, bind->arena->mem);
    CH_TRY(ch_csv_options_read(&ctx, &options, bind->arena, &job->options, err));
    if (job->options.mode == CH_CSV_DROPMALFORMED)
        CH_FAIL(err, PARSE_MODE_UNSUPPORTED, "funcName", "`from_csv`", "mode", "DROPMALFORMED");
    CH_TRY(ch_csv_rules_make(&job->options, &job->rules, err));
    if (!job->options.line_sep) /* the text is one record: a byte that UTF-8 never has ends it */
        job->rules.line_sep[0] = CH_CSV_NO_UTF8;
    CH_TRY(map_fields(bind, schema, job, err));
    bind->data = job;
    bind->nullable = true;
    return CH_OK;
}

/* The state of one call. */
typedef struct csv_rows {
    const csv_job *job;
    int64_t rows;
    ch_csv_record record;
    ch_buf side, line, restored;
    ch_csv_span *span; /* [n_data][rows] */
    uint64_t *bad;
    size_t span_bytes, bad_bytes;
} csv_rows;

static bool same(ch_str a, const char *text, int64_t len)
{
    return a.len == len && memcmp(a.text, text, (size_t)len) == 0;
}

static ch_status put_field(csv_rows *s, const ch_csv_field *f, const char *text, ch_csv_span *out,
                           ch_error *err)
{
    const ch_csv_options *o = &s->job->options;
    const char *from = o->empty_value.text;
    int64_t len = f->kind == CH_CSV_EMPTY ? o->empty_value.len : f->len;
    *out = (ch_csv_span){.len = -1};
    if (f->kind == CH_CSV_NULL)
        return CH_OK;
    if (f->kind != CH_CSV_EMPTY) {
        from = (f->kind == CH_CSV_VALUE ? text : s->record.made.data) + f->at;
        if (s->job->rules.n_alias) {
            s->restored.len = 0;
            CH_TRY(ch_csv_restore(&s->job->rules, from, len, &s->restored, err));
            from = s->restored.data ? s->restored.data : "";
            len = (int64_t)s->restored.len;
        }
    }
    if (same(o->null_value, from, len))
        return CH_OK;
    if ((int64_t)s->side.len + len >= (int64_t)CH_CSV_SIDE)
        return ch_error_memory(err, "text of one batch", len, INT32_MAX);
    *out = (ch_csv_span){.at = (uint32_t)s->side.len | CH_CSV_SIDE, .len = (int32_t)len};
    return ch_buf_add(&s->side, from, (size_t)len, err);
}

static ch_status read_row(csv_rows *s, ch_str line, int64_t i, ch_error *err)
{
    const csv_job *job = s->job;
    if (job->rules.n_alias || ch_utf8_valid_prefix(line.text, line.len) != line.len) {
        s->line.len = 0;
        CH_TRY(ch_csv_prepare(&job->rules, line.text, line.len, &s->line, err));
        line = (ch_str){s->line.data ? s->line.data : "", (int64_t)s->line.len};
    }
    ch_csv_record_begin(&s->record, line.text, line.len, true, true);
    ch_csv_result result = ch_csv_record_next(&s->record, err);
    if (result == CH_CSV_FAILED && s->record.failure == CH_CSV_NO_MEMORY)
        return CH_E_MEMORY;
    int64_t n = result == CH_CSV_ROW ? s->record.n_fields : 0;
    for (int32_t c = 0; c < job->n_data && c < n; c++)
        CH_TRY(put_field(s, &s->record.ready[c], line.text, &s->span[c * s->rows + i], err));
    if (n != job->n_data)
        ch_bit_set(s->bad, i);
    return CH_OK;
}

static ch_status convert(const ch_call *call, csv_rows *s, ch_column *out, ch_error *err)
{
    const csv_job *job = s->job;
    ch_buffer *nothing;
    CH_TRY(ch_buf_reserve(&s->side, 64, err)); /* readable behind the last value */
    CH_TRY(ch_buffer_new(call->mem, 64, &nothing, err));
    ch_csv_source source = {
        .chunk = nothing, .side = s->side.data, .n_rows = s->rows, .bad = s->bad};
    ch_status status = CH_OK;
    for (int32_t i = 0, c = 0; i < call->result->n_fields && status == CH_OK; i++) {
        ch_column *col = NULL;
        if (i == job->corrupt)
            continue;
        status =
            ch_csv_convert(job->converter[c], &source, s->span + c * s->rows, call->mem, &col, err);
        c++;
        if (status == CH_OK && col->encoding != CH_FLAT)
            status = ch_flatten(col, call->mem, &out->child[i], err);
        else if (status == CH_OK)
            out->child[i] = ch_column_ref(col);
        ch_column_unref(col);
    }
    ch_buffer_unref(nothing);
    return status;
}

/* The malformed rows' text, or the error that they are. */
static ch_status tell_malformed(const ch_call *call, const csv_rows *s, ch_column *out,
                                ch_error *err)
{
    const ch_column *in = call->arg[0];
    int32_t at = s->job->corrupt;
    ch_textout w;
    if (at >= 0) {
        CH_TRY(
            ch_column_new(call->mem, call->result->field[at].type, s->rows, &out->child[at], err));
        ch_textout_init(&w, out->child[at]);
    }
    for (int64_t i = 0; i < s->rows; i++) {
        bool null = ch_column_is_null(in, i), bad = !null && ch_bit_get(s->bad, i);
        if (bad && s->job->options.mode == CH_CSV_FAILFAST) {
            char text[256];
            ch_str line = ch_arg_str(call, 0, i);
            snprintf(text, sizeof text, "%.*s", (int)(line.len < 250 ? line.len : 250), line.text);
            CH_FAIL(err, MALFORMED_JSON, "badRecord", text, "failFastMode", "FAILFAST");
        }
        if (at < 0)
            continue;
        ch_str line = bad ? ch_arg_str(call, 0, i) : (ch_str){"", 0};
        if (!bad)
            CH_TRY(ch_set_null(out->child[at], i, err));
        CH_TRY(ch_textout_put(&w, i, line.text, line.len, err));
    }
    return CH_OK;
}

static ch_status eval_from(const ch_call *call, ch_column **out, ch_error *err)
{
    const csv_job *job = call->data;
    csv_rows s = {.job = job, .rows = call->rows};
    ch_status status = CH_OK;
    ch_csv_record_init(&s.record, call->mem, &job->rules);
    ch_buf_init(&s.side, call->mem);
    ch_buf_init(&s.line, call->mem);
    ch_buf_init(&s.restored, call->mem);
    s.span_bytes = sizeof *s.span * (size_t)(s.rows * job->n_data + 1);
    s.bad_bytes = (size_t)ch_bit_bytes(s.rows + 1);
    s.span = ch_mem_alloc(call->mem, s.span_bytes, err);
    s.bad = s.span ? ch_mem_zalloc(call->mem, s.bad_bytes, err) : NULL;
    if (!s.bad) {
        status = CH_E_MEMORY;
        goto out;
    }
    for (int64_t k = 0; k < s.rows * job->n_data; k++)
        s.span[k] = (ch_csv_span){.len = -1};
    for (int64_t i = 0; i < s.rows; i++)
        if (!ch_column_is_null(call->arg[0], i))
            CH_TRY_OUT(read_row(&s, ch_arg_str(call, 0, i), i, err));
    CH_TRY_OUT(ch_column_new(call->mem, call->result, s.rows, out, err));
    CH_TRY_OUT(convert(call, &s, *out, err));
    CH_TRY_OUT(tell_malformed(call, &s, *out, err));
out:
    ch_mem_free(call->mem, s.bad, s.bad ? s.bad_bytes : 0);
    ch_mem_free(call->mem, s.span, s.span ? s.span_bytes : 0);
    ch_csv_record_release(&s.record);
    ch_buf_release(&s.side);
    ch_buf_release(&s.line);
    ch_buf_release(&s.restored);
    return status;
}

/* ---- to_csv ---- */

static ch_status bind_to(ch_bind *bind, ch_error *err)
{
    if (bind->n_args < 1 || bind->n_args > 2)
        return ch_bind_count(bind, "[1, 2]", err);
    if (bind->arg_type[0]->id != CH_STRUCT) {
        bind->final = true;
        CH_FAIL(err, DATATYPE_UNSUPPORTED_INPUT, "sqlExpr", ch_bind_sql(bind), "functionName",
                "`to_csv`", "dataType", ch_quote_type(bind->arg_type[0]).text);
    }
    ch_strmap *options = ch_arena_alloc(bind->arena, sizeof *options, err);
    if (!options)
        return CH_E_MEMORY;
    CH_TRY(read_options(bind, 1, options, err));
    bind->data = options;
    bind->result = CH_T_STRING;
    bind->nullable = bind->arg_nullable[0];
    return CH_OK;
}

/* Arrays, maps, structs and intervals are written as CAST AS STRING shows them. */
static ch_status as_text(const ch_call *call, ch_column *in, ch_column **out, ch_error *err)
{
    if (!ch_type_is_nested(in->type) && in->type->id != CH_CALENDAR_INTERVAL) {
        *out = ch_column_ref(in);
        return CH_OK;
    }
    return ch_cast(in, CH_T_STRING, CH_CAST_LEGACY, call->ctx, call->mem, out, err);
}

static ch_status eval_to(const ch_call *call, ch_column **out, ch_error *err)
{
    const ch_column *in = call->arg[0];
    ch_format_context ctx = context_of(call->ctx, call->mem);
    size_t bytes = sizeof(ch_column *) * (size_t)(in->n_child + 1);
    ch_csv_lines *lines = NULL;
    ch_status status = CH_OK;
    ch_textout w;
    ch_textout_init(&w, *out);
    ch_column **col = ch_mem_zalloc(call->mem, bytes, err);
    if (!col)
        return CH_E_MEMORY;
    for (int32_t c = 0; c < in->n_child; c++)
        CH_TRY_OUT(as_text(call, in->child[c], &col[c], err));
    CH_TRY_OUT(ch_csv_lines_new(&ctx, call->data, &lines, err));
    for (int64_t i = 0; i < call->rows; i++) {
        ch_str line;
        ch_textout_empty(&w, i);
        if (!ch_is_valid(*out, i))
            continue;
        CH_TRY_OUT(ch_csv_line(lines, col, in->n_child, i, &line, err));
        CH_TRY_OUT(ch_textout_put(&w, i, line.text, line.len, err));
    }
out:
    ch_csv_lines_free(lines);
    for (int32_t c = 0; c < in->n_child; c++)
        ch_column_unref(col[c]);
    ch_mem_free(call->mem, col, bytes);
    return status;
}

const ch_func ch_func_csv_function[] = {
    {.name = "from_csv",
     .bind = bind_from,
     .eval = eval_from,
     .flags = CH_FUNC_NULL_PROPAGATES | CH_FUNC_TAKES_CONST | CH_FUNC_MAY_FAIL,
     .doc = "A struct of a line of CSV, by a schema.",
     .example = "SELECT from_csv('1, 0.8', 'a INT, b DOUBLE')",
     .expect = "{1, 0.8}",
     .since = "0.2"},
    {.name = "to_csv",
     .bind = bind_to,
     .eval = eval_to,
     .flags = CH_FUNC_NULL_PROPAGATES,
     .doc = "A struct as a line of CSV.",
     .example = "SELECT to_csv(named_struct('a', 1, 'b', 2))",
     .expect = "1,2",
     .since = "0.2"},
    CH_FUNC_END,
};
