/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pickle_result.c - objects from a worker as values of the type that the function was declared with.
 *
 * The rules are EvaluatePython.makeFromJava's: a number of another kind, a text for a number, an int that 64
 * bits do not hold are NULL; for a text anything will do, and is what its Java class prints.
 */
#include <string.h>

#include "python/pickle.h"
#include "python/pickle_object.h"
#include "type/decimal.h"
#include "type/number.h"

#define MOST_DEPTH 200

typedef struct maker {
    ch_arena *arena;
    ch_error *err;
    int depth;
    bool rows; /* of a table: each is a tuple, whatever the number of fields, or None */
} maker;

static ch_status make(maker *m, const ch_object *o, const ch_type *type, ch_scalar *out);

static bool is_call_of(const ch_object *o, const char *name)
{
    return o->kind == CH_OBJECT_CALL && o->text.text && (size_t)o->text.len == strlen(name) &&
           memcmp(o->text.text, name, (size_t)o->text.len) == 0;
}

static const ch_str *decimal_text(const ch_object *o)
{
    return is_call_of(o, "decimal.Decimal") && o->n == 1 && o->item[0]->kind == CH_OBJECT_TEXT
               ? &o->item[0]->text
               : NULL;
}

/* ---- texts ------------------------------------------------------------------------------- */

static ch_status print(maker *m, const ch_object *o, ch_buf *out);

static ch_status print_items(maker *m, const ch_object *o, ch_buf *out)
{
    bool dict = o->kind == CH_OBJECT_DICT;
    CH_TRY(ch_buf_addc(out, dict ? '{' : '[', m->err));
    for (size_t i = 0; i < o->n; i++) {
        if (i)
            CH_TRY(ch_buf_adds(out, dict && i % 2 ? "=" : ", ", m->err));
        CH_TRY(print(m, o->item[i], out));
    }
    return ch_buf_addc(out, dict ? '}' : ']', m->err);
}

/* What cannot be read cannot be printed. */
static ch_status not_plain(maker *m, const ch_object *o)
{
    char *text = o->text.text
                     ? ch_arena_printf(m->arena, m->err, "it holds an object of %.*s",
                                       (int)o->text.len, o->text.text)
                     : ch_arena_str(m->arena, "it holds an object that is not plain", m->err);
    if (!text)
        return CH_E_MEMORY;
    CH_FAIL(m->err, PYTHON_RESULT, "reason", text);
}

static ch_status print_big(maker *m, const ch_object *o, ch_buf *out)
{
    ch_i128 v = o->text.text[o->text.len - 1] & 0x80 ? -1 : 0;
    char text[CH_DECIMAL_TEXT];
    if (o->text.len > 16)
        return not_plain(m, &(ch_object){.kind = CH_OBJECT_BIG});
    memcpy(&v, o->text.text, (size_t)o->text.len);
    int len = ch_dec_print_java(text, v, 0);
    return ch_buf_add(out, text, (size_t)len, m->err);
}

static ch_status print(maker *m, const ch_object *o, ch_buf *out)
{
    char text[64];
    ch_status status;
    switch (o->kind) {
    case CH_OBJECT_NONE:
        return ch_buf_adds(out, "null", m->err);
    case CH_OBJECT_BOOL:
        return ch_buf_adds(out, o->i64 ? "true" : "false", m->err);
    case CH_OBJECT_INT:
        return ch_buf_add(out, text, (size_t)ch_print_i64(text, o->i64), m->err);
    case CH_OBJECT_BIG:
        return print_big(m, o, out);
    case CH_OBJECT_FLOAT:
        return ch_buf_add(out, text, (size_t)ch_print_f64(text, o->f64), m->err);
    case CH_OBJECT_TEXT:
        return ch_buf_add(out, o->text.text, (size_t)o->text.len, m->err);
    case CH_OBJECT_BYTES:
        return ch_buf_adds(out, "[B@0", m->err); /* Java prints where the array lies */
    case CH_OBJECT_TUPLE:
        return ch_buf_adds(out, "[Ljava.lang.Object;@0", m->err);
    case CH_OBJECT_LIST:
    case CH_OBJECT_DICT:
        if (++m->depth > MOST_DEPTH)
            return not_plain(m, &(ch_object){.kind = CH_OBJECT_LIST});
        status = print_items(m, o, out);
        m->depth--;
        return status;
    default:
        if (decimal_text(o))
            return ch_buf_add(out, decimal_text(o)->text, (size_t)decimal_text(o)->len, m->err);
        return not_plain(m, o);
    }
}

static ch_status make_text(maker *m, const ch_object *o, ch_scalar *out)
{
    if (o->kind == CH_OBJECT_TEXT) {
        out->v.str.text = o->text.text;
        out->v.str.len = o->text.len;
        return CH_OK;
    }
    ch_buf buf;
    ch_buf_init(&buf, m->arena->mem);
    ch_status status = print(m, o, &buf);
    if (status == CH_OK) {
        out->v.str.text = ch_arena_strn(m->arena, buf.data ? buf.data : "", buf.len, m->err);
        out->v.str.len = (int64_t)buf.len;
        status = out->v.str.text ? CH_OK : CH_E_MEMORY;
    }
    ch_buf_release(&buf);
    return status;
}

/* ---- the others -------------------------------------------------------------------------- */

static ch_status make_decimal(maker *m, const ch_object *o, const ch_type *type, ch_scalar *out)
{
    const ch_str *text = decimal_text(o);
    ch_i128 v;
    CH_UNUSED(m);
    if (!text ||
        ch_dec_parse(text->text, text->len, type->precision, type->scale, &v) != CH_DEC_OK) {
        out->is_null = true;
        return CH_OK;
    }
    if (ch_type_is_wide_decimal(type))
        out->v.i128 = v;
    else
        out->v.i64 = (int64_t)v;
    return CH_OK;
}

/* As Java narrows: the high bits are lost. */
static int64_t narrow(int64_t v, ch_type_id id)
{
    switch (id) {
    case CH_BYTE:
        return (int8_t)v;
    case CH_SHORT:
        return (int16_t)v;
    case CH_INT:
        return (int32_t)v;
    default:
        return v;
    }
}

static ch_status make_items(maker *m, const ch_object *o, const ch_type *type, ch_scalar *out)
{
    bool map = type->id == CH_MAP, row = type->id == CH_STRUCT;
    bool fits = map   ? o->kind == CH_OBJECT_DICT
                : row ? o->kind == CH_OBJECT_TUPLE
                      : (o->kind == CH_OBJECT_LIST && !o->is_set) || o->kind == CH_OBJECT_TUPLE;
    if (!fits) {
        out->is_null = true;
        return CH_OK;
    }
    if (row && o->n != (size_t)type->n_fields) {
        char *text =
            ch_arena_printf(m->arena, m->err,
                            "Input row doesn't have expected number of values required by "
                            "the schema. %d fields are required while %zu values are provided",
                            type->n_fields, o->n);
        if (!text)
            return CH_E_MEMORY;
        CH_FAIL(m->err, PYTHON_RESULT, "reason", text);
    }
    ch_scalar *item = ch_arena_alloc(m->arena, (o->n + 1) * sizeof *item, m->err);
    if (!item)
        return CH_E_MEMORY;
    if (++m->depth > MOST_DEPTH)
        return not_plain(m, &(ch_object){.kind = CH_OBJECT_LIST});
    for (size_t i = 0; i < o->n; i++)
        CH_TRY(make(m, o->item[i], type->field[map ? i % 2 : row ? i : 0].type, &item[i]));
    m->depth--;
    out->v.list.item = item;
    out->v.list.n = (int64_t)o->n;
    return CH_OK;
}

static ch_status make(maker *m, const ch_object *o, const ch_type *type, ch_scalar *out)
{
    *out = (ch_scalar){.type = type};
    if (o->kind == CH_OBJECT_NONE || type->id == CH_NULL) {
        out->is_null = true;
        return CH_OK;
    }
    if (o->kind == CH_OBJECT_GLOBAL || (o->kind == CH_OBJECT_CALL && !decimal_text(o)))
        return not_plain(m, o);
    switch (type->id) {
    case CH_BOOLEAN:
        out->is_null = o->kind != CH_OBJECT_BOOL;
        out->v.boolean = !out->is_null && o->i64;
        return CH_OK;
    case CH_FLOAT:
    case CH_DOUBLE:
        out->is_null = o->kind != CH_OBJECT_FLOAT;
        if (!out->is_null)
            out->v.f64 = type->id == CH_FLOAT ? (double)(float)o->f64 : o->f64;
        return CH_OK;
    case CH_DECIMAL:
        return make_decimal(m, o, type, out);
    case CH_STRING:
    case CH_CHAR:
    case CH_VARCHAR:
        return make_text(m, o, out);
    case CH_BINARY:
        out->is_null = o->kind != CH_OBJECT_TEXT && o->kind != CH_OBJECT_BYTES;
        if (!out->is_null) {
            out->v.str.text = o->text.text;
            out->v.str.len = o->text.len;
        }
        return CH_OK;
    case CH_ARRAY:
    case CH_MAP:
    case CH_STRUCT:
        return make_items(m, o, type, out);
    case CH_CALENDAR_INTERVAL:
    case CH_VARIANT:
        out->is_null = true;
        return CH_OK;
    default:
        out->is_null = o->kind != CH_OBJECT_INT;
        out->v.i64 = out->is_null ? 0 : narrow(o->i64, type->id);
        return CH_OK;
    }
}

/* ---- columns ----------------------------------------------------------------------------- */

/* The value of a field in a row. */
static ch_status field_of(const maker *m, const ch_object *row, const ch_type *type, int32_t field,
                          const ch_object **out)
{
    bool none = m->rows && row->kind == CH_OBJECT_NONE;
    *out = row;
    if (none || (!m->rows && type->n_fields < 2))
        return CH_OK;
    if (row->kind != CH_OBJECT_TUPLE || row->n != (size_t)type->n_fields)
        CH_FAIL(m->err, PYTHON_RESULT, "reason", "a row has another number of results");
    *out = row->item[field];
    return CH_OK;
}

static ch_status make_column(maker *m, const ch_object *rows, const ch_type *type, int32_t field,
                             ch_mem *mem, ch_column **out)
{
    size_t n = rows->n;
    const ch_scalar **pointer = ch_arena_alloc(m->arena, (n + 1) * sizeof *pointer, m->err);
    ch_scalar *value = ch_arena_alloc(m->arena, (n + 1) * sizeof *value, m->err);
    if (!pointer || !value)
        return CH_E_MEMORY;
    for (size_t i = 0; i < n; i++) {
        const ch_object *o = rows->item[i];
        CH_TRY(field_of(m, o, type, field, &o));
        CH_TRY(make(m, o, type->field[field].type, &value[i]));
        pointer[i] = &value[i];
    }
    return ch_column_scalars(mem, type->field[field].type, pointer, (int64_t)n, out, m->err);
}

static ch_status unpickle(const char *bytes, size_t len, bool table, const ch_type *type,
                          ch_mem *mem, ch_batch *out, ch_error *err)
{
    ch_arena arena;
    ch_object *rows;
    ch_arena_init(&arena, mem);
    maker m = {.arena = &arena, .err = err, .rows = table};
    *out = (ch_batch){0};
    ch_status status = ch_unpickle(bytes, len, &arena, &rows, err);
    bool fits = status == CH_OK && rows->kind == CH_OBJECT_LIST;
    if (fits && table) {
        fits = rows->n == 1 && rows->item[0]->kind == CH_OBJECT_TUPLE;
        rows = fits ? rows->item[0] : rows;
    }
    if (status == CH_OK && !fits)
        status = ch_error_set(err, CH_E_PYTHON_RESULT, "reason", "it is no list of results",
                              (const char *)0);
    if (status == CH_OK)
        status = ch_batch_init(out, mem, type->n_fields, (int64_t)rows->n, err);
    if (status == CH_OK) {
        for (int32_t i = 0; i < type->n_fields && status == CH_OK; i++)
            status = make_column(&m, rows, type, i, mem, &out->col[i]);
        if (status != CH_OK)
            ch_batch_release(out);
    }
    ch_arena_release(&arena);
    return status;
}

ch_status ch_unpickle_results(const char *bytes, size_t len, const ch_type *type, ch_mem *mem,
                              ch_batch *out, ch_error *err)
{
    return unpickle(bytes, len, false, type, mem, out, err);
}

ch_status ch_unpickle_table(const char *bytes, size_t len, const ch_type *type, ch_mem *mem,
                            ch_batch *out, ch_error *err)
{
    return unpickle(bytes, len, true, type, mem, out, err);
}
