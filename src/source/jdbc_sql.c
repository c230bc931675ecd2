/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jdbc_sql.c - names, values and conditions as a database reads them, and the WHERE clauses of parallel reads.
 *
 * Nothing is pasted: a name is quoted with its quotes doubled; text has its quotes doubled, and where the database takes
 * backslashes for escapes, text with one is written as bytes. What the options dbtable, query and predicates hold is SQL by
 * Spark's own rule.
 *
 * The strides are those of Spark's JDBCRelation.columnPartition: BigDecimal with 34 digits, rounded HALF_EVEN.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "source/jdbc.h"
#include "type/datetime.h"
#include "type/decimal.h"
#include "type/number.h"

ch_status ch_jdbc_add_name(const ch_jdbc_driver *driver, const char *name, ch_buf *out,
                           ch_error *err)
{
    CH_TRY(ch_buf_addc(out, driver->quote, err));
    for (; *name; name++) {
        if (*name == driver->quote)
            CH_TRY(ch_buf_addc(out, driver->quote, err));
        CH_TRY(ch_buf_addc(out, *name, err));
    }
    return ch_buf_addc(out, driver->quote, err);
}

static ch_status add_text(const ch_jdbc_driver *driver, const char *text, int64_t len, ch_buf *out,
                          bool *done, ch_error *err)
{
    if (len && memchr(text, 0, (size_t)len)) { /* no statement holds a NUL */
        *done = false;
        return CH_OK;
    }
    if (driver->backslash && len && memchr(text, '\\', (size_t)len)) {
        CH_TRY(ch_buf_adds(out, "_utf8mb4 X'", err));
        for (int64_t i = 0; i < len; i++)
            CH_TRY(ch_buf_printf(out, err, "%02X", (unsigned)(uint8_t)text[i]));
        return ch_buf_addc(out, '\'', err);
    }
    CH_TRY(ch_buf_addc(out, '\'', err));
    for (int64_t i = 0; i < len; i++) {
        if (text[i] == '\'')
            CH_TRY(ch_buf_addc(out, '\'', err));
        CH_TRY(ch_buf_addc(out, text[i], err));
    }
    return ch_buf_addc(out, '\'', err);
}

static ch_status add_quoted(const char *text, int len, ch_buf *out, ch_error *err)
{
    CH_TRY(ch_buf_addc(out, '\'', err));
    CH_TRY(ch_buf_add(out, text, (size_t)len, err));
    return ch_buf_addc(out, '\'', err);
}

ch_status ch_jdbc_add_value(const ch_jdbc_source *source, const ch_scalar *value, ch_buf *out,
                            bool *done, ch_error *err)
{
    const ch_type *type = value->type;
    char text[CH_DECIMAL_TEXT > CH_DATETIME_TEXT ? CH_DECIMAL_TEXT : CH_DATETIME_TEXT];
    *done = true;
    if (source->driver->literal) {
        bool own = false;
        CH_TRY(source->driver->literal(source, value, out, &own, err));
        if (own)
            return CH_OK;
    }
    switch (type->id) {
    case CH_BOOLEAN:
        return ch_buf_addc(out, value->v.boolean ? '1' : '0', err);
    case CH_BYTE:
    case CH_SHORT:
    case CH_INT:
    case CH_LONG:
        return ch_buf_printf(out, err, "%lld", (long long)value->v.i64);
    case CH_FLOAT:
    case CH_DOUBLE:
        if (value->v.f64 - value->v.f64 != 0) /* NaN and infinities have no literal */
            break;
        return ch_buf_add(out, text,
                          (size_t)(type->id == CH_FLOAT ? ch_print_f32(text, (float)value->v.f64)
                                                        : ch_print_f64(text, value->v.f64)),
                          err);
    case CH_DECIMAL:
        return ch_buf_add(
            out, text,
            (size_t)ch_dec_print(text, ch_type_is_wide_decimal(type) ? value->v.i128 : value->v.i64,
                                 type->scale),
            err);
    case CH_STRING:
    case CH_CHAR:
    case CH_VARCHAR:
        return add_text(source->driver, value->v.str.text, value->v.str.len, out, done, err);
    case CH_DATE:
        return add_quoted(text, ch_date_print(text, value->v.i64), out, err);
    case CH_TIMESTAMP:
        return add_quoted(text, ch_timestamp_print(text, value->v.i64, source->zone), out, err);
    case CH_TIMESTAMP_NTZ:
        return add_quoted(text, ch_timestamp_ntz_print(text, value->v.i64), out, err);
    default:
        break;
    }
    *done = false;
    return CH_OK;
}

static ch_status add_list(const ch_jdbc_source *source, const ch_predicate *p, ch_buf *out,
                          bool *done, ch_error *err)
{
    for (int32_t i = 0; i < p->n_values && *done; i++) {
        CH_TRY(ch_buf_adds(out, i ? ", " : " IN (", err));
        CH_TRY(ch_jdbc_add_value(source, &p->value[i], out, done, err));
    }
    return ch_buf_addc(out, ')', err);
}

/* name LIKE 'text%', with | as escape: no database takes that for anything else. */
static ch_status add_prefix(const ch_jdbc_source *source, const ch_scalar *value, ch_buf *out,
                            bool *done, ch_error *err)
{
    ch_buf pattern;
    ch_buf_init(&pattern, source->mem);
    ch_status status = CH_OK;
    for (int64_t i = 0; i < value->v.str.len && status == CH_OK; i++) {
        char c = value->v.str.text[i];
        if (c == '%' || c == '_' || c == '|')
            status = ch_buf_addc(&pattern, '|', err);
        if (status == CH_OK)
            status = ch_buf_addc(&pattern, c, err);
    }
    if (status == CH_OK)
        status = ch_buf_addc(&pattern, '%', err);
    if (status == CH_OK)
        status = ch_buf_adds(out, " LIKE ", err);
    if (status == CH_OK)
        status = add_text(source->driver, pattern.data, (int64_t)pattern.len, out, done, err);
    if (status == CH_OK)
        status = ch_buf_adds(out, " ESCAPE '|'", err);
    ch_buf_release(&pattern);
    return status;
}

ch_status ch_jdbc_add_predicate(const ch_jdbc_source *source, const ch_predicate *p,
                                const char *name, ch_buf *out, bool *done, ch_error *err)
{
    static const char *const OP[] = {
        [CH_PRED_EQ] = " = ",  [CH_PRED_NE] = " <> ", [CH_PRED_LT] = " < ",
        [CH_PRED_LE] = " <= ", [CH_PRED_GT] = " > ",  [CH_PRED_GE] = " >= ",
    };
    size_t before = out->len;
    *done = !source->driver->loose_moments || !p->n_values || p->value->type->id < CH_DATE ||
            p->value->type->id > CH_TIMESTAMP_NTZ;
    if (!*done)
        return CH_OK;
    CH_TRY(ch_jdbc_add_name(source->driver, name, out, err));
    switch (p->op) {
    case CH_PRED_IS_NULL:
        return ch_buf_adds(out, " IS NULL", err);
    case CH_PRED_IS_NOT_NULL:
        return ch_buf_adds(out, " IS NOT NULL", err);
    case CH_PRED_IN:
        CH_TRY(add_list(source, p, out, done, err));
        break;
    case CH_PRED_STARTS_WITH:
        CH_TRY(add_prefix(source, p->value, out, done, err));
        break;
    case CH_PRED_EQ_NULL_SAFE:
        *done = false;
        break;
    default:
        CH_TRY(ch_buf_adds(out, OP[p->op], err));
        CH_TRY(ch_jdbc_add_value(source, p->value, out, done, err));
        break;
    }
    if (!*done)
        out->len = before;
    return CH_OK;
}

/* ---- parallel reads ------------------------------------------------------------------------------------- */

typedef struct strides {
    const ch_jdbc_source *source;
    const ch_field *column;
    int64_t lower, upper;
    ch_arena *arena;
} strides;

static ch_status find_column(strides *s, const ch_type *schema, bool case_sensitive, ch_error *err)
{
    const char *name = s->source->partition_column;
    char bare[512];
    size_t len = strlen(name);
    if (len > 2 && len < sizeof bare && name[0] == name[len - 1] &&
        (name[0] == s->source->driver->quote || name[0] == '"' || name[0] == '`')) {
        snprintf(bare, sizeof bare, "%.*s", (int)len - 2, name + 1);
        name = bare;
    }
    for (int32_t i = 0; i < schema->n_fields && !s->column; i++)
        if (case_sensitive ? strcmp(schema->field[i].name, name) == 0
                           : strcasecmp(schema->field[i].name, name) == 0)
            s->column = &schema->field[i];
    if (!s->column) {
        ch_buf text;
        ch_buf_init(&text, s->source->mem);
        ch_status status = ch_type_print(schema, &text, err);
        if (status == CH_OK)
            status = ch_error_set(err, CH_E_JDBC_PARTITION_COLUMN, "columnName", name, "schema",
                                  text.data ? text.data : "", (const char *)0);
        ch_buf_release(&text);
        return status;
    }
    ch_type_id id = s->column->type->id;
    if (!ch_type_is_numeric(s->column->type) && id != CH_DATE && id != CH_TIMESTAMP &&
        id != CH_TIMESTAMP_NTZ) {
        ch_buf text;
        ch_buf_init(&text, s->source->mem);
        ch_status status = ch_type_print(s->column->type, &text, err);
        if (status == CH_OK)
            status = ch_error_set(err, CH_E_JDBC_PARTITION_TYPE, "colType",
                                  text.data ? text.data : "", (const char *)0);
        ch_buf_release(&text);
        return status;
    }
    return CH_OK;
}

static ch_status read_bound(const strides *s, const char *text, int64_t *out, ch_error *err)
{
    int64_t len = (int64_t)strlen(text);
    int32_t days;
    char *end;
    bool ok;
    switch (s->column->type->id) {
    case CH_DATE:
        ok = ch_date_parse(text, len, &days);
        *out = days;
        break;
    case CH_TIMESTAMP:
        ok = ch_timestamp_parse(text, len, s->source->zone, 0, out);
        break;
    case CH_TIMESTAMP_NTZ:
        ok = ch_timestamp_ntz_parse(text, len, true, out);
        break;
    default:
        errno = 0;
        *out = strtoll(text, &end, 10);
        ok = *text && !*end && !errno;
    }
    if (!ok) {
        ch_buf type;
        ch_buf_init(&type, s->source->mem);
        ch_status status = ch_type_print(s->column->type, &type, err);
        if (status == CH_OK)
            status = ch_error_set(err, CH_E_JDBC_BOUND, "value", text, "dataType",
                                  type.data ? type.data : "", (const char *)0);
        ch_buf_release(&type);
        return status;
    }
    return CH_OK;
}

static ch_i128 divide_half_even(ch_i128 a, ch_i128 b)
{
    ch_i128 q = a / b, r = a % b, twice = (r < 0 ? -r : r) * 2, d = b < 0 ? -b : b;
    if (twice > d || (twice == d && (q & 1)))
        q += (a < 0) == (b < 0) ? 1 : -1;
    return q;
}

/* value / n with 34 digits, and 18 of them behind the point: in units of 10^-18. */
static ch_i128 share_of(int64_t value, int64_t n)
{
    ch_i128 whole = value / n;
    int digits = ch_dec_digits(whole), scale = digits > 16 ? 34 - digits : 18;
    return divide_half_even((ch_i128)value * (ch_i128)ch_pow10_128[scale], n) *
           (ch_i128)ch_pow10_128[18 - scale];
}

/* Digits behind the point of a value of this size that has 34 in all. */
static int scale_of(double size)
{
    int scale = 33 - (int)floor(log10(size));
    return scale < 0 ? 0 : scale > CH_DECIMAL_MAX ? CH_DECIMAL_MAX : scale;
}

/* How far the first stride moves up, so that both ends lose the same: ((precise - stride) * n / stride / 2) * stride. */
static int64_t alignment(ch_i128 rest, int64_t n, int64_t stride)
{
    ch_i128 lost, product, all = rest * n;
    if (rest <= 0 || stride <= 0)
        return 0;
    double size = (double)all / 1e18 / (double)stride;
    int scale = scale_of(size);
    if (!ch_dec_divide(all, 18, stride, 0, CH_DECIMAL_MAX, scale, &lost))
        return 0;
    ch_i128 half = lost & 1 ? lost * 5 : lost / 2;
    scale += lost & 1;
    int digits = ch_dec_digits(half);
    if (digits > 34) {
        half = divide_half_even(half, (ch_i128)ch_pow10_128[digits - 34]);
        scale -= digits - 34;
    }
    int product_scale = scale_of(size / 2 * (double)stride);
    if (!ch_dec_mul(half, scale, stride, 0, CH_DECIMAL_MAX, product_scale, &product))
        return 0;
    return (int64_t)ch_dec_shift_down(product, product_scale);
}

static ch_status add_bound(const strides *s, int64_t value, ch_buf *out, ch_error *err)
{
    ch_scalar bound = {.type = s->column->type, .v.i64 = value};
    bool done;
    if (ch_type_is_numeric(bound.type))
        return ch_buf_printf(out, err, "%lld", (long long)value);
    return ch_jdbc_add_value(s->source, &bound, out, &done, err);
}

static ch_status add_clause(const strides *s, int64_t from, int64_t to, bool first, bool last,
                            ch_buf *out, ch_error *err)
{
    const ch_jdbc_driver *d = s->source->driver;
    if (!first) {
        CH_TRY(ch_jdbc_add_name(d, s->column->name, out, err));
        CH_TRY(ch_buf_adds(out, " >= ", err));
        CH_TRY(add_bound(s, from, out, err));
    }
    if (!first && !last)
        CH_TRY(ch_buf_adds(out, " AND ", err));
    if (!last) {
        CH_TRY(ch_jdbc_add_name(d, s->column->name, out, err));
        CH_TRY(ch_buf_adds(out, " < ", err));
        CH_TRY(add_bound(s, to, out, err));
    }
    if (first) {
        CH_TRY(ch_buf_adds(out, " or ", err));
        CH_TRY(ch_jdbc_add_name(d, s->column->name, out, err));
        CH_TRY(ch_buf_adds(out, " is null", err));
    }
    return CH_OK;
}

static ch_status cut(strides *s, int64_t n, const char **clause, ch_error *err)
{
    ch_i128 precise = share_of(s->upper, n) - share_of(s->lower, n);
    ch_i128 one = (ch_i128)ch_pow10_128[18];
    int64_t stride = (int64_t)(precise / one);
    int64_t now = s->lower + alignment(precise - stride * one, n, stride);
    for (int64_t i = 0; i < n; i++) {
        ch_buf text;
        int64_t next = (int64_t)((uint64_t)now + (uint64_t)stride);
        ch_buf_init(&text, s->source->mem);
        ch_status status = add_clause(s, now, next, i == 0, i == n - 1, &text, err);
        clause[i] = status == CH_OK ? ch_arena_strn(s->arena, text.data, text.len, err) : NULL;
        ch_buf_release(&text);
        if (!clause[i])
            return status != CH_OK ? status : CH_E_MEMORY;
        now = next;
    }
    return CH_OK;
}

ch_status ch_jdbc_partitions(const ch_jdbc_source *source, const ch_type *schema,
                             bool case_sensitive, ch_arena *arena, const char *const **clause,
                             int32_t *n, ch_error *err)
{
    strides s = {.source = source, .arena = arena};
    const char **list;
    int64_t parts = source->n_partitions, width;
    *n = 1;
    if (source->partition_column) {
        CH_TRY(find_column(&s, schema, case_sensitive, err));
        CH_TRY(read_bound(&s, source->lower, &s.lower, err));
        CH_TRY(read_bound(&s, source->upper, &s.upper, err));
    }
    if (!source->partition_column || parts <= 1 || s.lower == s.upper) {
        CH_ARENA_ARRAY(list, arena, 1, err);
        *clause = list;
        return CH_OK;
    }
    if (s.lower > s.upper)
        CH_FAIL(err, JDBC_BOUNDS, "lower", CH_I64(s.lower), "upper", CH_I64(s.upper));
    if (!__builtin_sub_overflow(s.upper, s.lower, &width) && width < parts)
        parts = width;
    CH_ARENA_ARRAY(list, arena, parts, err);
    CH_TRY(cut(&s, parts, list, err));
    *clause = list;
    *n = (int32_t)parts;
    return CH_OK;
}
