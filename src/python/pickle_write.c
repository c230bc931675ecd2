/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pickle_write.c - columns as a pickle of protocol 4.
 *
 * Numbers, texts and containers have opcodes. The rest is what a call gives: Decimal('1.5'),
 * DateType().fromInternal(19000), _create_row(names, values); the callables are put into the pickle's memo
 * when they are first used, number 2 * position in the table below and the one after it.
 */
#include <string.h>

#include "column/take.h"
#include "python/pickle.h"
#include "type/decimal.h"

enum {
    OP_PROTO = 0x80,
    OP_STOP = '.',
    OP_MARK = '(',
    OP_NONE = 'N',
    OP_TRUE = 0x88,
    OP_FALSE = 0x89,
    OP_INT1 = 'K',
    OP_INT4 = 'J',
    OP_LONG1 = 0x8a,
    OP_FLOAT = 'G',
    OP_TEXT = 'X',
    OP_BYTES = 'B',
    OP_EMPTY_LIST = ']',
    OP_APPENDS = 'e',
    OP_EMPTY_TUPLE = ')',
    OP_TUPLE = 't',
    OP_TUPLE1 = 0x85,
    OP_TUPLE2 = 0x86,
    OP_EMPTY_DICT = '}',
    OP_SETITEMS = 'u',
    OP_GLOBAL = 'c',
    OP_REDUCE = 'R',
    OP_PUT = 'r', /* 4 bytes */
    OP_GET = 'j'
};

typedef struct writer {
    ch_buf *out;
    ch_error *err;
    ch_arena arena;    /* of memo entries */
    struct memo *memo; /* names of a struct's fields, and callables */
    uint32_t n_memo;
    bool internal; /* dates and the like are numbers, outside of structs */
} writer;

typedef struct memo {
    struct memo *next;
    const void *what;
    uint32_t number;
} memo;

static ch_status op(writer *w, int code)
{
    return ch_buf_addc(w->out, (char)code, w->err);
}

static ch_status op_bytes(writer *w, int code, const void *bytes, size_t len)
{
    CH_TRY(ch_buf_reserve(w->out, len + 1, w->err));
    CH_TRY(op(w, code));
    return ch_buf_add(w->out, bytes, len, w->err);
}

static ch_status put_number(writer *w, int64_t v)
{
    if (v >= 0 && v < 256)
        return op_bytes(w, OP_INT1, &(uint8_t){(uint8_t)v}, 1);
    if (v >= INT32_MIN && v <= INT32_MAX)
        return op_bytes(w, OP_INT4, &(int32_t){(int32_t)v}, 4);
    CH_TRY(op(w, OP_LONG1));
    return op_bytes(w, sizeof v, &v, sizeof v); /* the length, as if it were an opcode */
}

static ch_status put_float(writer *w, double v)
{
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    bits = __builtin_bswap64(bits);
    return op_bytes(w, OP_FLOAT, &bits, sizeof bits);
}

static ch_status put_counted(writer *w, int code, const char *bytes, int64_t len)
{
    uint32_t n = (uint32_t)len;
    CH_TRY(op_bytes(w, code, &n, sizeof n));
    return ch_buf_add(w->out, bytes, (size_t)len, w->err);
}

static ch_status put_text(writer *w, const char *text)
{
    return put_counted(w, OP_TEXT, text, (int64_t)strlen(text));
}

/* ---- memo -------------------------------------------------------------------------------- */

/* True: what was put before is on the stack again. */
static ch_status recall(writer *w, const void *what, bool *found)
{
    *found = false;
    for (const memo *m = w->memo; m; m = m->next)
        if (m->what == what) {
            *found = true;
            return op_bytes(w, OP_GET, &m->number, sizeof m->number);
        }
    return CH_OK;
}

/* What is on top of the stack. */
static ch_status remember(writer *w, const void *what)
{
    memo *m = ch_arena_alloc(&w->arena, sizeof *m, w->err);
    if (!m)
        return CH_E_MEMORY;
    *m = (memo){.next = w->memo, .what = what, .number = w->n_memo++};
    w->memo = m;
    return op_bytes(w, OP_PUT, &m->number, sizeof m->number);
}

static ch_status put_global(writer *w, const char *module_and_name)
{
    return op_bytes(w, OP_GLOBAL, module_and_name, strlen(module_and_name));
}

static const char DECIMAL[] = "decimal\nDecimal\n";
static const char ROW[] = "pyspark.sql.types\n_create_row\n";

static ch_status put_callable(writer *w, const char *which)
{
    bool found;
    CH_TRY(recall(w, which, &found));
    if (found)
        return CH_OK;
    CH_TRY(put_global(w, which));
    return remember(w, which);
}

/* Types whose values pyspark.sql.types makes of numbers. */
static const char *class_of(const ch_type *type)
{
    switch (type->id) {
    case CH_DATE:
        return "pyspark.sql.types\nDateType\n";
    case CH_TIMESTAMP:
        return "pyspark.sql.types\nTimestampType\n";
    case CH_TIMESTAMP_NTZ:
        return "pyspark.sql.types\nTimestampNTZType\n";
    case CH_TIME:
        return "pyspark.sql.types\nTimeType\n";
    case CH_DAY_TIME_INTERVAL:
        return "pyspark.sql.types\nDayTimeIntervalType\n";
    default:
        return NULL;
    }
}

/* DateType().fromInternal */
static ch_status put_maker(writer *w, const ch_type *type, const char *class_name)
{
    bool found;
    CH_TRY(recall(w, type, &found));
    if (found)
        return CH_OK;
    CH_TRY(put_global(w, "builtins\ngetattr\n"));
    CH_TRY(put_global(w, class_name));
    CH_TRY(op(w, OP_EMPTY_TUPLE));
    CH_TRY(op(w, OP_REDUCE));
    CH_TRY(put_text(w, "fromInternal"));
    CH_TRY(op(w, OP_TUPLE2));
    CH_TRY(op(w, OP_REDUCE));
    return remember(w, type);
}

static ch_status put_names(writer *w, const ch_type *type)
{
    bool found;
    CH_TRY(recall(w, type, &found));
    if (found)
        return CH_OK;
    CH_TRY(op(w, OP_EMPTY_LIST));
    CH_TRY(op(w, OP_MARK));
    for (int32_t i = 0; i < type->n_fields; i++)
        CH_TRY(put_text(w, type->field[i].name));
    CH_TRY(op(w, OP_APPENDS));
    return remember(w, type);
}

/* ---- values ------------------------------------------------------------------------------ */

static ch_status put_value(writer *w, const ch_column *c, int64_t row);

static ch_status put_decimal(writer *w, const ch_column *c, int64_t i)
{
    char text[CH_DECIMAL_TEXT];
    const ch_type *t = c->type;
    ch_i128 v =
        ch_type_is_wide_decimal(t) ? ((const ch_i128 *)c->data)[i] : ((const int64_t *)c->data)[i];
    int len = ch_dec_print_java(text, v, t->scale);
    CH_TRY(put_callable(w, DECIMAL));
    CH_TRY(put_counted(w, OP_TEXT, text, len));
    CH_TRY(op(w, OP_TUPLE1));
    return op(w, OP_REDUCE);
}

static ch_status put_items(writer *w, const ch_column *c, int64_t i)
{
    const int32_t *offset = c->data;
    const ch_column *item = c->child[0];
    bool map = c->type->id == CH_MAP;
    CH_TRY(op(w, map ? OP_EMPTY_DICT : OP_EMPTY_LIST));
    CH_TRY(op(w, OP_MARK));
    for (int32_t k = offset[i]; k < offset[i + 1]; k++) {
        CH_TRY(put_value(w, map ? item->child[0] : item, k));
        if (map)
            CH_TRY(put_value(w, item->child[1], k));
    }
    return op(w, map ? OP_SETITEMS : OP_APPENDS);
}

static ch_status put_struct(writer *w, const ch_column *c, int64_t i)
{
    bool internal = w->internal;
    CH_TRY(put_callable(w, ROW));
    CH_TRY(put_names(w, c->type));
    CH_TRY(op(w, OP_MARK));
    w->internal = false;
    for (int32_t k = 0; k < c->n_child; k++)
        CH_TRY(put_value(w, c->child[k], i));
    w->internal = internal;
    CH_TRY(op(w, OP_TUPLE));
    CH_TRY(op(w, OP_TUPLE2));
    return op(w, OP_REDUCE);
}

/* Row i of a FLAT column, which is not NULL. */
static ch_status put_slot(writer *w, const ch_column *c, int64_t i)
{
    const char *class_name = w->internal ? NULL : class_of(c->type);
    ch_str s;
    switch (c->type->id) {
    case CH_BOOLEAN:
        return op(w, ch_bit_get(c->data, i) ? OP_TRUE : OP_FALSE);
    case CH_FLOAT:
        return put_float(w, ((const float *)c->data)[i]);
    case CH_DOUBLE:
        return put_float(w, ((const double *)c->data)[i]);
    case CH_DECIMAL:
        return put_decimal(w, c, i);
    case CH_STRING:
    case CH_CHAR:
    case CH_VARCHAR:
        s = ch_column_str(c, i);
        return put_counted(w, OP_TEXT, s.text, s.len);
    case CH_BINARY:
        s = ch_column_str(c, i);
        return put_counted(w, OP_BYTES, s.text, s.len);
    case CH_ARRAY:
    case CH_MAP:
        return put_items(w, c, i);
    case CH_STRUCT:
        return put_struct(w, c, i);
    case CH_CALENDAR_INTERVAL:
    case CH_VARIANT:
        CH_FAIL(w->err, UNSUPPORTED, "feature",
                "An interval of months and days, or a variant, for a Python function");
    default:
        break;
    }
    if (!class_name)
        return put_number(w, ch_column_i64(c, i));
    CH_TRY(put_maker(w, c->type, class_name));
    CH_TRY(put_number(w, ch_column_i64(c, i)));
    CH_TRY(op(w, OP_TUPLE1));
    return op(w, OP_REDUCE);
}

static ch_status put_value(writer *w, const ch_column *c, int64_t row)
{
    if (ch_column_is_null(c, row))
        return op(w, OP_NONE);
    return put_slot(w, c, row);
}

static ch_status put_rows(writer *w, ch_column *const *column, int32_t n, int64_t rows)
{
    CH_TRY(op_bytes(w, OP_PROTO, "\4", 1));
    CH_TRY(op(w, OP_EMPTY_LIST));
    CH_TRY(op(w, OP_MARK));
    for (int64_t i = 0; i < rows; i++) {
        CH_TRY(op(w, n ? OP_MARK : OP_EMPTY_TUPLE));
        for (int32_t c = 0; c < n; c++)
            CH_TRY(put_value(w, column[c], i));
        if (n)
            CH_TRY(op(w, OP_TUPLE));
    }
    CH_TRY(op(w, OP_APPENDS));
    return op(w, OP_STOP);
}

ch_status ch_pickle_rows(ch_batch *batch, const ch_type *type, ch_mem *mem, ch_buf *out,
                         ch_error *err)
{
    writer w = {.out = out, .err = err};
    ch_column *in, **flat;
    int32_t n = type->n_fields, made = 0;
    ch_arena_init(&w.arena, mem);
    flat = ch_arena_alloc(&w.arena, sizeof *flat * (size_t)(n + 1), err);
    ch_status status = flat ? CH_OK : CH_E_MEMORY;
    for (; made < n && status == CH_OK; made += status == CH_OK) {
        status = ch_batch_column(batch, made, &in, err);
        if (status == CH_OK)
            status = ch_flatten(in, mem, &flat[made], err);
    }
    if (status == CH_OK)
        status = put_rows(&w, flat, n, batch->n);
    for (int32_t i = 0; i < made; i++)
        ch_column_unref(flat[i]);
    ch_arena_release(&w.arena);
    return status;
}

ch_status ch_pickle_value(const ch_scalar *value, ch_mem *mem, ch_buf *out, ch_error *err)
{
    writer w = {.out = out, .err = err, .internal = true};
    ch_column *column = NULL, *flat = NULL;
    ch_arena_init(&w.arena, mem);
    ch_status status = ch_column_scalars(mem, value->type, &value, 1, &column, err);
    if (status == CH_OK)
        status = ch_flatten(column, mem, &flat, err);
    if (status == CH_OK)
        status = op_bytes(&w, OP_PROTO, "\4", 1);
    if (status == CH_OK)
        status = put_value(&w, flat, 0);
    if (status == CH_OK)
        status = op(&w, OP_STOP);
    ch_column_unref(flat);
    ch_column_unref(column);
    ch_arena_release(&w.arena);
    return status;
}
