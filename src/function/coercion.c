/* SPDX-License-Identifier: Apache-2.0 */
/*
 * coercion.c - which types go together, and which turn into which.
 *
 * Followed: Spark's TypeCoercion and AnsiTypeCoercion (common types), Cast.canCast, canAnsiCast
 * and canANSIStoreAssign (casts).
 */
#include <strings.h>

#include "function/function.h"
#include "type/decimal.h"

static int max_int(int a, int b)
{
    return a > b ? a : b;
}
static int min_int(int a, int b)
{
    return a < b ? a : b;
}

static bool is_datetime(const ch_type *t)
{
    return t->id == CH_DATE || t->id == CH_TIMESTAMP || t->id == CH_TIMESTAMP_NTZ;
}
static bool is_interval(const ch_type *t)
{
    return t->id == CH_DAY_TIME_INTERVAL || t->id == CH_YEAR_MONTH_INTERVAL;
}
static bool is_atomic(const ch_type *t)
{
    return t->id != CH_NULL && t->id < CH_ARRAY && t->id != CH_CALENDAR_INTERVAL;
}

/* The DECIMAL that holds both; digits before the point are kept rather than those behind. */
static const ch_type *wider_decimal(const ch_type *a, const ch_type *b)
{
    int scale = max_int(a->scale, b->scale);
    int whole = max_int(a->precision - a->scale, b->precision - b->scale);
    if (whole + scale <= CH_DECIMAL_MAX)
        return ch_type_decimal(whole + scale, scale);
    return ch_type_decimal(CH_DECIMAL_MAX, max_int(0, CH_DECIMAL_MAX - whole));
}

static bool decimal_holds(const ch_type *decimal, const ch_type *other)
{
    const ch_type *d = ch_dec_for(other);
    return decimal->precision - decimal->scale >= d->precision - d->scale &&
           decimal->scale >= d->scale;
}

typedef const ch_type *(*common_fn)(const ch_type *a, const ch_type *b, bool ansi);

static const ch_type *complex_type(const ch_type *a, const ch_type *b, bool ansi, common_fn common)
{
    if (a->id != b->id)
        return NULL;
    if (a->id == CH_ARRAY) {
        const ch_type *e = common(a->field[0].type, b->field[0].type, ansi);
        return e ? ch_type_array(e, a->field[0].nullable || b->field[0].nullable) : NULL;
    }
    if (a->id == CH_MAP) {
        const ch_type *k = common(a->field[0].type, b->field[0].type, ansi);
        const ch_type *v = common(a->field[1].type, b->field[1].type, ansi);
        return k && v ? ch_type_map(k, v, a->field[1].nullable || b->field[1].nullable) : NULL;
    }
    if (a->id != CH_STRUCT || a->n_fields != b->n_fields || a->n_fields > 1024)
        return NULL;
    ch_field field[1024];
    for (int32_t i = 0; i < a->n_fields; i++) {
        const ch_field *x = &a->field[i], *y = &b->field[i];
        if (strcasecmp(x->name, y->name) != 0)
            return NULL;
        field[i] =
            (ch_field){x->name, common(x->type, y->type, ansi), x->nullable || y->nullable, NULL};
        if (!field[i].type)
            return NULL;
    }
    return ch_type_struct(field, a->n_fields);
}

static const ch_type *tightest(const ch_type *a, const ch_type *b, bool ansi)
{
    if (a == b)
        return a;
    if (a->id == CH_NULL)
        return b;
    if (b->id == CH_NULL)
        return a;
    if (ch_type_is_string(a) && ch_type_is_string(b))
        return a->collation ? a : b->collation ? b : CH_T_STRING;
    if (ch_type_is_numeric(a) && ch_type_is_numeric(b)) {
        if (a->id == CH_DECIMAL && b->id == CH_DECIMAL)
            return NULL;
        if (a->id == CH_DECIMAL)
            return ch_type_is_integral(b) && decimal_holds(a, b) ? a : NULL;
        if (b->id == CH_DECIMAL)
            return ch_type_is_integral(a) && decimal_holds(b, a) ? b : NULL;
        const ch_type *wide = a->id > b->id ? a : b;
        return wide->id == CH_FLOAT && ansi ? CH_T_DOUBLE : wide;
    }
    if (is_datetime(a) && is_datetime(b)) {
        if (a->id == CH_DATE)
            return b;
        return b->id == CH_DATE ? a : CH_T_TIMESTAMP;
    }
    if (a->id == CH_DAY_TIME_INTERVAL && b->id == CH_DAY_TIME_INTERVAL)
        return ch_type_day_time(min_int(a->start, b->start), max_int(a->stop, b->stop));
    if (a->id == CH_YEAR_MONTH_INTERVAL && b->id == CH_YEAR_MONTH_INTERVAL)
        return ch_type_year_month(min_int(a->start, b->start), max_int(a->stop, b->stop));
    if (a->id == CH_TIME && b->id == CH_TIME)
        return ch_type_time(max_int(a->precision, b->precision));
    return complex_type(a, b, ansi, tightest);
}

const ch_type *ch_tightest_type(const ch_type *a, const ch_type *b)
{
    return tightest(a, b, false);
}

/* A string beside something else: ANSI reads the string, otherwise the other becomes a string. */
static const ch_type *with_string(const ch_type *string, const ch_type *other, bool ansi)
{
    if (!is_atomic(other))
        return NULL;
    if (!ansi)
        return other->id == CH_BINARY || other->id == CH_BOOLEAN || is_interval(other) ? NULL
                                                                                       : string;
    if (ch_type_is_integral(other))
        return CH_T_LONG;
    if (ch_type_is_numeric(other))
        return CH_T_DOUBLE;
    return is_interval(other) ? NULL : other;
}

const ch_type *ch_common_type(const ch_type *a, const ch_type *b, bool ansi)
{
    if (!a || !b)
        return NULL;
    const ch_type *t = tightest(a, b, ansi);
    if (t)
        return t;
    if (ch_type_is_numeric(a) && ch_type_is_numeric(b)) {
        const ch_type *other = a->id == CH_DECIMAL ? b : a;
        if (other->id == CH_FLOAT || other->id == CH_DOUBLE)
            return CH_T_DOUBLE;
        return wider_decimal(ch_dec_for(a), ch_dec_for(b));
    }
    if (ch_type_is_string(a))
        return with_string(a, b, ansi);
    if (ch_type_is_string(b))
        return with_string(b, a, ansi);
    return complex_type(a, b, ansi, ch_common_type);
}

/* Casts of nested types ask for each part. */
static bool nested_cast(const ch_type *from, const ch_type *to, bool ansi,
                        bool (*can)(const ch_type *, const ch_type *, bool))
{
    if (from->id != to->id || from->n_fields != to->n_fields)
        return false;
    for (int32_t i = 0; i < from->n_fields; i++) {
        if (!can(from->field[i].type, to->field[i].type, ansi))
            return false;
        if (from->field[i].nullable && !to->field[i].nullable)
            return false;
    }
    return true;
}

bool ch_can_cast(const ch_type *from, const ch_type *to, bool ansi)
{
    if (from == to || from->id == CH_NULL)
        return true;
    if (ch_type_is_string(to))
        return true;
    if (ch_type_is_nested(from) || ch_type_is_nested(to))
        return from->id != CH_VARIANT && nested_cast(from, to, ansi, ch_can_cast);
    bool from_string = ch_type_is_string(from), number = ch_type_is_numeric(from);
    switch (to->id) {
    case CH_BOOLEAN:
        return from_string || number ||
               (!ansi && is_datetime(from) && from->id != CH_TIMESTAMP_NTZ);
    case CH_BYTE:
    case CH_SHORT:
    case CH_INT:
    case CH_LONG:
        return from_string || number || from->id == CH_BOOLEAN || from->id == CH_TIMESTAMP ||
               is_interval(from) || (!ansi && from->id == CH_DATE);
    case CH_FLOAT:
    case CH_DOUBLE:
        return from_string || number || from->id == CH_BOOLEAN || from->id == CH_TIMESTAMP ||
               (!ansi && from->id == CH_DATE);
    case CH_DECIMAL:
        return from_string || number || from->id == CH_BOOLEAN || from->id == CH_TIMESTAMP ||
               is_interval(from) || (!ansi && from->id == CH_DATE);
    case CH_BINARY:
        return from_string || from->id == CH_BINARY || (!ansi && ch_type_is_integral(from));
    case CH_DATE:
        return from_string || is_datetime(from);
    case CH_TIMESTAMP:
        return from_string || is_datetime(from) || number || (!ansi && from->id == CH_BOOLEAN);
    case CH_TIMESTAMP_NTZ:
        return from_string || is_datetime(from);
    case CH_TIME:
        return from_string || from->id == CH_TIME;
    case CH_DAY_TIME_INTERVAL:
    case CH_YEAR_MONTH_INTERVAL:
        return from_string || from->id == to->id || ch_type_is_integral(from) ||
               from->id == CH_DECIMAL;
    case CH_CALENDAR_INTERVAL:
        return from_string;
    default:
        return false;
    }
}

bool ch_can_implicit_cast(const ch_type *from, const ch_type *to, bool ansi)
{
    if (from == to || from->id == CH_NULL)
        return true;
    if (ch_type_is_string(to))
        return is_atomic(from);
    if (ch_type_is_string(from))
        return is_atomic(to) && !is_interval(to);
    if (ch_type_is_numeric(from) && ch_type_is_numeric(to))
        return true;
    if (is_datetime(from) && is_datetime(to))
        return true;
    if (is_interval(from) || from->id == CH_TIME)
        return from->id == to->id;
    return ch_type_is_nested(from) && nested_cast(from, to, ansi, ch_can_implicit_cast);
}
