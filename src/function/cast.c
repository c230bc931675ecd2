/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cast.c - CAST: encodings, nested types and errors; the values themselves are in cast_*.c.
 *
 * Constants are cast once. A dictionary is cast as if by TRY_CAST; when a row that is used came
 * out NULL in ANSI mode, its value is cast again for the error.
 */
#include "function/cast.h"

#include <stdio.h>

#include "column/take.h"
#include "column/textout.h"
#include "type/datetime.h"
#include "type/decimal.h"
#include "type/number.h"

/* ---- errors ---- */

/* Value i as Spark writes it in SQL: 'text', 5L, 1.5D, DATE '2024-01-01'. */
static void sql_value(const ch_cast_job *job, int64_t i, char *out, size_t cap)
{
    const ch_type *t = job->from;
    if (ch_type_is_view(t)) {
        ch_str s = ch_column_str(job->in, i);
        size_t n = 0;
        out[n++] = '\'';
        for (int64_t k = 0; k < s.len && n < cap - 4; k++) {
            if (s.text[k] == '\'' || s.text[k] == '\\')
                out[n++] = '\\';
            out[n++] = s.text[k];
        }
        out[n++] = '\'';
        out[n] = 0;
        return;
    }
    char text[CH_DATETIME_TEXT + 1];
    text[ch_cast_print(job, job->in, i, text)] = 0;
    static const char *const suffix[CH_N_TYPE_IDS] = {
        [CH_BYTE] = "Y", [CH_SHORT] = "S", [CH_LONG] = "L", [CH_DOUBLE] = "D", [CH_DECIMAL] = "BD"};
    bool special = strpbrk(text, "NI") != NULL && (t->id == CH_DOUBLE || t->id == CH_FLOAT);
    if (special)
        snprintf(out, cap, "CAST('%s' AS %s)", text, t->id == CH_FLOAT ? "FLOAT" : "DOUBLE");
    else if (t->id == CH_FLOAT)
        snprintf(out, cap, "CAST(%s AS FLOAT)", text);
    else if (t->id == CH_DATE || t->id == CH_TIMESTAMP || t->id == CH_TIMESTAMP_NTZ)
        snprintf(out, cap, "%s '%s'",
                 t->id == CH_DATE        ? "DATE"
                 : t->id == CH_TIMESTAMP ? "TIMESTAMP"
                                         : "TIMESTAMP_NTZ",
                 text);
    else
        snprintf(out, cap, "%s%s", text, suffix[t->id] ? suffix[t->id] : "");
}

ch_status ch_cast_bad(const ch_cast_job *job, int64_t i, ch_cast_fault fault, ch_error *err)
{
    if (!ch_is_valid(job->in, i))
        return CH_OK;
    if (job->mode != CH_CAST_ANSI)
        return ch_set_null(job->out, i, err);
    char value[512];
    sql_value(job, i, value, sizeof value);
    if (fault == CH_CAST_NOT_DECIMAL) {
        if (!ch_type_is_view(job->from))
            value[ch_cast_print(job, job->in, i, value)] = 0;
        else
            snprintf(value, sizeof value, "%.*s", (int)ch_column_str(job->in, i).len,
                     ch_column_str(job->in, i).text);
        CH_FAIL(err, NUMERIC_VALUE_OUT_OF_RANGE, "value", value, "precision",
                CH_I64(job->to->precision), "scale", CH_I64(job->to->scale), "config",
                CH_CONFIG_ANSI);
    }
    if (fault == CH_CAST_TOO_LARGE)
        CH_FAIL(err, CAST_OVERFLOW, "value", value, "sourceType", ch_quote_type(job->from).text,
                "targetType", ch_quote_type(job->to).text, "ansiConfig", CH_CONFIG_ANSI);
    CH_FAIL(err, CAST_INVALID_INPUT, "expression", value, "sourceType",
            ch_quote_type(job->from).text, "targetType", ch_quote_type(job->to).text, "ansiConfig",
            CH_CONFIG_ANSI);
}

/* ---- nested ---- */

static ch_status share_valid(ch_column *out, const ch_column *in)
{
    out->valid_buf = ch_buffer_ref(in->valid_buf);
    out->valid = in->valid;
    return CH_OK;
}

/* A bitmap of out's own, so that rows may become NULL. */
static ch_status copy_valid(ch_column *out, const ch_column *in, ch_error *err)
{
    if (!in->valid)
        return CH_OK;
    CH_TRY(ch_column_need_valid(out, err));
    memcpy(out->valid, in->valid, (size_t)ch_bit_bytes(out->rows));
    return CH_OK;
}

static const ch_type *entry_type(const ch_type *map)
{
    return ch_type_struct(map->field, 2);
}

/* Array to array, map to map, struct to struct: the parts are cast, offsets are shared. */
static ch_status cast_nested(const ch_cast_job *job, ch_column **out, ch_error *err)
{
    const ch_column *in = job->in;
    bool list = job->to->id != CH_STRUCT;
    CH_TRY(ch_column_new(job->mem, job->to, list ? 0 : in->rows, out, err));
    ch_column *c = *out;
    ch_status status = CH_OK;
    c->rows = in->rows;
    (void)share_valid(c, in);
    if (list) {
        ch_buffer_unref(c->data_buf);
        c->data_buf = ch_buffer_ref(in->data_buf);
        c->data = in->data;
    }
    for (int32_t f = 0; f < c->n_child; f++) {
        const ch_type *t = job->to->id == CH_MAP ? entry_type(job->to) : job->to->field[f].type;
        if (!t) {
            status = CH_E_MEMORY;
            goto out;
        }
        CH_TRY_OUT(ch_cast(in->child[f], t, job->mode, job->ctx, job->mem, &c->child[f], err));
    }
out:
    if (status != CH_OK) {
        ch_column_unref(c);
        *out = NULL;
    }
    return status;
}

static ch_status add_item(ch_buf *buf, const ch_column *text, int64_t i, ch_error *err)
{
    if (ch_column_is_null(text, i))
        return ch_buf_adds(buf, "null", err);
    ch_str s = ch_column_str(ch_column_values(text), ch_column_slot(text, i));
    return ch_buf_add(buf, s.text, (size_t)s.len, err);
}

/* [1, null], {k -> v}, {1, x}: parts are cast to strings first. */
static ch_status nested_to_text(const ch_cast_job *job, ch_error *err)
{
    const ch_column *in = job->in;
    const ch_type *t = job->from;
    int32_t n = t->id == CH_STRUCT ? in->n_child : t->id == CH_MAP ? 2 : 1;
    ch_column **part = ch_mem_zalloc(job->mem, sizeof *part * (size_t)(n + 1), err);
    ch_buf buf;
    ch_textout w;
    ch_status status = CH_OK;
    ch_buf_init(&buf, job->mem);
    if (!part)
        return CH_E_MEMORY;
    ch_column *const *child = t->id == CH_MAP ? in->child[0]->child : in->child;
    for (int32_t f = 0; f < n; f++)
        CH_TRY_OUT(ch_cast(child[f], CH_T_STRING, job->mode, job->ctx, job->mem, &part[f], err));
    ch_textout_init(&w, job->out);
    const int32_t *offset = in->data;
    for (int64_t i = 0; i < job->rows; i++) {
        if (!ch_is_valid(in, i)) {
            ch_textout_empty(&w, i);
            continue;
        }
        ch_buf_reset(&buf);
        CH_TRY_OUT(ch_buf_addc(&buf, t->id == CH_ARRAY ? '[' : '{', err));
        int64_t from = t->id == CH_STRUCT ? 0 : offset[i],
                to = t->id == CH_STRUCT ? n : offset[i + 1];
        for (int64_t k = from; k < to; k++) {
            if (k > from)
                CH_TRY_OUT(ch_buf_adds(&buf, ", ", err));
            if (t->id == CH_STRUCT) {
                CH_TRY_OUT(add_item(&buf, part[k], i, err));
                continue;
            }
            CH_TRY_OUT(add_item(&buf, part[0], k, err));
            if (t->id == CH_MAP) {
                CH_TRY_OUT(ch_buf_adds(&buf, " -> ", err));
                CH_TRY_OUT(add_item(&buf, part[1], k, err));
            }
        }
        CH_TRY_OUT(ch_buf_addc(&buf, t->id == CH_ARRAY ? ']' : '}', err));
        CH_TRY_OUT(ch_textout_put(&w, i, buf.data, (int64_t)buf.len, err));
    }
out:
    ch_buf_release(&buf);
    for (int32_t f = 0; f < n; f++)
        ch_column_unref(part[f]);
    ch_mem_free(job->mem, part, sizeof *part * (size_t)(n + 1));
    return status;
}

/* ---- the way in ---- */

static ch_status cast_values(ch_cast_job *job, ch_error *err)
{
    const ch_type *to = job->to;
    if (ch_type_is_string(to))
        return ch_type_is_nested(job->from) ? nested_to_text(job, err) : ch_cast_to_text(job, err);
    if (ch_type_is_string(job->from))
        return ch_cast_from_text(job, err);
    if (to->id == CH_BOOLEAN || ch_type_is_numeric(to) || to->id == CH_BINARY)
        return ch_cast_to_number(job, err);
    return ch_cast_to_time(job, err);
}

/* Same bytes under both types. */
static bool same_layout(const ch_type *from, const ch_type *to)
{
    return (ch_type_is_view(from) && ch_type_is_string(to)) ||
           (ch_type_is_string(from) && to->id == CH_BINARY) ||
           (from->id == to->id && from->id == CH_TIME);
}

static ch_status cast_flat(const ch_column *in, const ch_type *to, ch_cast_mode mode,
                           const ch_func_context *ctx, ch_mem *mem, ch_column **out, ch_error *err)
{
    if (same_layout(in->type, to))
        return ch_column_retype(mem, in, to, out, err);
    ch_cast_job job = {.in = in,
                       .from = in->type,
                       .to = to,
                       .rows = in->rows,
                       .mode = mode,
                       .ctx = ctx,
                       .mem = mem,
                       .zone = &ch_zone_utc};
    const char *zone = ctx && ctx->time_zone ? ctx->time_zone : "UTC";
    if (!(job.zone = ch_zone_find(zone, (int64_t)strlen(zone), err)))
        return CH_E_INVALID_TIMEZONE;
    if (ch_type_is_nested(to))
        return cast_nested(&job, out, err);
    CH_TRY(ch_column_new(mem, to, in->rows, out, err));
    job.out = *out;
    ch_status status = copy_valid(*out, in, err);
    if (status == CH_OK)
        status = cast_values(&job, err);
    if (status != CH_OK) {
        ch_column_unref(*out);
        *out = NULL;
    }
    return status;
}

static ch_status cast_const(const ch_column *in, const ch_type *to, ch_cast_mode mode,
                            const ch_func_context *ctx, ch_mem *mem, ch_column **out, ch_error *err)
{
    ch_column *one;
    CH_TRY(ch_column_share(mem, in, 1, &one, err));
    one->encoding = CH_FLAT;
    ch_status status = cast_flat(one, to, mode, ctx, mem, out, err);
    ch_column_unref(one);
    CH_TRY(status);
    (*out)->encoding = CH_CONST;
    (*out)->rows = in->rows;
    return CH_OK;
}

static ch_status cast_dict(ch_column *in, const ch_type *to, ch_cast_mode mode,
                           const ch_func_context *ctx, ch_mem *mem, ch_column **out, ch_error *err)
{
    ch_column *words = NULL, *flat = NULL;
    ch_status status = CH_OK;
    if (in->child[0]->rows > in->rows || in->child[0]->rows == 0)
        goto flatten;
    CH_TRY_OUT(cast_flat(in->child[0], to, mode == CH_CAST_ANSI ? CH_CAST_TRY : mode, ctx, mem,
                         &words, err));
    if (!words->valid && ch_type_is_view(to)) {
        status = ch_column_dict(mem, ch_buffer_ref(in->data_buf), ch_buffer_ref(in->valid_buf),
                                words, in->rows, out, err);
        goto out;
    }
    if (words->valid && mode == CH_CAST_ANSI)
        goto flatten; /* the error, if a bad word is used */
    CH_TRY_OUT(ch_take(words, in->data, in->rows, false, mem, out, err));
    if (in->valid) {
        CH_TRY_OUT(ch_column_need_valid(*out, err));
        for (int64_t w = 0; w < ch_bit_words(in->rows); w++)
            (*out)->valid[w] &= in->valid[w];
    }
    goto out;
flatten:
    CH_TRY_OUT(ch_flatten(in, mem, &flat, err));
    status = cast_flat(flat, to, mode, ctx, mem, out, err);
out:
    ch_column_unref(words);
    ch_column_unref(flat);
    if (status != CH_OK) {
        ch_column_unref(*out);
        *out = NULL;
    }
    return status;
}

ch_status ch_cast(ch_column *in, const ch_type *to, ch_cast_mode mode, const ch_func_context *ctx,
                  ch_mem *mem, ch_column **out, ch_error *err)
{
    *out = NULL;
    if (in->type == to) {
        *out = ch_column_ref(in);
        return CH_OK;
    }
    if (in->type->id == CH_NULL)
        return ch_column_nulls(mem, to, in->rows, out, err);
    if (in->encoding == CH_CONST)
        return cast_const(in, to, mode, ctx, mem, out, err);
    if (in->encoding == CH_DICT)
        return cast_dict(in, to, mode, ctx, mem, out, err);
    return cast_flat(in, to, mode, ctx, mem, out, err);
}
