/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parser_literal.c - values written in the text.
 *
 *   12            INT, else BIGINT, else DECIMAL(digits, 0)
 *   1.50          DECIMAL(3, 2)
 *   1e3 1D 1F     DOUBLE, DOUBLE, FLOAT      1Y 1S 1L 1BD   TINYINT SMALLINT BIGINT DECIMAL
 *   'a' "b"       adjacent strings are one
 *   DATE '...' TIMESTAMP '...' TIMESTAMP_LTZ TIMESTAMP_NTZ TIME INTERVAL '1 day' X'1F'
 *   INTERVAL 1 YEAR 2 MONTHS    INTERVAL '1-2' YEAR TO MONTH
 *
 * Intervals have ANSI types: their units are the coarsest and finest that are written; weeks count as
 * days, parts of seconds as seconds.
 */
#include "sql/parser.h"

#include <ctype.h>
#include <math.h>
#include <strings.h>

#include "type/datetime.h"
#include "type/decimal.h"
#include "type/number.h"

static ch_status make_literal(ch_sql_parser *p, ch_scalar value, int32_t start, ch_expr **out)
{
    ch_expr_literal *l;
    if (!value.type)
        return ch_error_memory(p->err, "types", 0, 0);
    CH_SQL_NEW(l, p, ch_sql_expr_new, CH_EXPR_LITERAL, start);
    l->value = value;
    l->head.type = value.type;
    *out = &l->head;
    return CH_OK;
}

ch_status ch_sql_literal_string(ch_sql_parser *p, const char *text, int64_t len, int32_t start,
                                ch_expr **out)
{
    ch_scalar v = {.type = CH_T_STRING};
    v.v.str.text = text;
    v.v.str.len = len;
    return make_literal(p, v, start, out);
}

ch_status ch_sql_literal_bool(ch_sql_parser *p, bool value, int32_t start, ch_expr **out)
{
    return make_literal(p, (ch_scalar){.type = CH_T_BOOLEAN, .v.boolean = value}, start, out);
}

ch_status ch_sql_literal_int(ch_sql_parser *p, int32_t value, int32_t start, ch_expr **out)
{
    return make_literal(p, (ch_scalar){.type = CH_T_INT, .v.i64 = value}, start, out);
}

/* ---- numbers ------------------------------------------------------------------------------- */

bool ch_sql_is_number(const ch_sql_parser *p, int32_t ahead)
{
    int kind = ch_sql_peek(p, ahead)->kind;
    return kind >= CH_TOK_INTEGER && kind <= CH_TOK_BIGDECIMAL;
}

static ch_status out_of_range(ch_sql_parser *p, int32_t start, const char *raw, const char *type,
                              const char *min, const char *max)
{
    ch_status status =
        ch_error_set(p->err, CH_E_INVALID_NUMERIC_LITERAL_RANGE, "rawStrippedQualifier", raw,
                     "minValue", min, "maxValue", max, "typeName", type, (const char *)0);
    return ch_sql_at(p, start, p->tok[p->at - 1].stop, status);
}

static ch_status whole_number(ch_sql_parser *p, const char *text, ch_type_id id, const char *name,
                              int64_t min, int64_t max, int32_t start, ch_expr **out)
{
    ch_scalar v = {.type = ch_type_of(id)};
    if (!ch_parse_integer(text, (int64_t)strlen(text), false, min, max, &v.v.i64))
        return out_of_range(p, start, text, name, CH_I64(min), CH_I64(max));
    return make_literal(p, v, start, out);
}

static ch_status decimal_number(ch_sql_parser *p, const char *text, int32_t start, ch_expr **out)
{
    ch_i128 value;
    int precision, scale;
    ch_dec_result result =
        ch_dec_parse_exact(text, (int64_t)strlen(text), &value, &precision, &scale);
    if (result != CH_DEC_OK || precision > CH_DECIMAL_MAX) {
        int digits = 0;
        bool leading = true;
        for (const char *c = text; *c && toupper((unsigned char)*c) != 'E'; c++) {
            leading = leading && !(*c >= '1' && *c <= '9');
            digits += isdigit((unsigned char)*c) && !leading;
        }
        return ch_sql_at(p, start, p->tok[p->at - 1].stop,
                         ch_error_set(p->err, CH_E_DECIMAL_PRECISION, "precision", CH_I64(digits),
                                      "maxPrecision", "38", (const char *)0));
    }
    ch_scalar v = {.type = ch_type_decimal(precision, scale)};
    if (precision > 18)
        v.v.i128 = value;
    else
        v.v.i64 = (int64_t)value;
    return make_literal(p, v, start, out);
}

static ch_status integer_number(ch_sql_parser *p, const char *text, int32_t start, ch_expr **out)
{
    int64_t value;
    if (!ch_parse_i64(text, (int64_t)strlen(text), false, &value))
        return decimal_number(p, text, start, out);
    bool small = value >= INT32_MIN && value <= INT32_MAX;
    return make_literal(p, (ch_scalar){.type = small ? CH_T_INT : CH_T_LONG, .v.i64 = value}, start,
                        out);
}

static ch_status double_number(ch_sql_parser *p, const char *text, int32_t start, ch_expr **out)
{
    ch_scalar v = {.type = CH_T_DOUBLE};
    if (!ch_parse_f64(text, (int64_t)strlen(text), &v.v.f64) || isinf(v.v.f64))
        return out_of_range(p, start, text, "double", "-1.7976931348623157E+308",
                            "1.7976931348623157E+308");
    return make_literal(p, v, start, out);
}

static ch_status float_number(ch_sql_parser *p, const char *text, int32_t start, ch_expr **out)
{
    ch_scalar v = {.type = ch_type_of(CH_FLOAT)};
    float value;
    if (!ch_parse_f32(text, (int64_t)strlen(text), &value) || isinf(value))
        return out_of_range(p, start, text, "float", "-3.4028234663852886E+38",
                            "3.4028234663852886E+38");
    v.v.f64 = (double)value;
    return make_literal(p, v, start, out);
}

ch_status ch_sql_number(ch_sql_parser *p, bool negative, int32_t start, ch_expr **out)
{
    if (!ch_sql_is_number(p, 0))
        return ch_sql_unexpected(p);
    const ch_token *t = &p->tok[p->at++];
    int suffix =
        t->kind == CH_TOK_BIGDECIMAL                                                           ? 2
        : t->kind == CH_TOK_INTEGER || t->kind == CH_TOK_DECIMAL || t->kind == CH_TOK_EXPONENT ? 0
                                                                                               : 1;
    const char *text = ch_arena_printf(p->arena, p->err, "%s%.*s", negative ? "-" : "",
                                       (int)(t->stop - t->start - suffix), p->text + t->start);
    if (!text)
        return CH_E_MEMORY;
    switch (t->kind) {
    case CH_TOK_INTEGER:
        return integer_number(p, text, start, out);
    case CH_TOK_BIGINT:
        return whole_number(p, text, CH_LONG, "bigint", INT64_MIN, INT64_MAX, start, out);
    case CH_TOK_SMALLINT:
        return whole_number(p, text, CH_SHORT, "smallint", INT16_MIN, INT16_MAX, start, out);
    case CH_TOK_TINYINT:
        return whole_number(p, text, CH_BYTE, "tinyint", INT8_MIN, INT8_MAX, start, out);
    case CH_TOK_FLOAT:
        return float_number(p, text, start, out);
    case CH_TOK_EXPONENT:
    case CH_TOK_DOUBLE:
        return double_number(p, text, start, out);
    default:
        return decimal_number(p, text, start, out);
    }
}

/* ---- strings ------------------------------------------------------------------------------- */

static ch_status joined_strings(ch_sql_parser *p, const char **out, int64_t *len)
{
    CH_TRY(ch_sql_string(p, out, len));
    int32_t first = p->at, n = 0;
    while (ch_sql_is_string(p, n))
        n++;
    if (!n)
        return CH_OK;
    const ch_token *last = &p->tok[first + n - 1];
    int64_t room = *len + (last->stop - p->tok[first].start);
    char *joined = ch_arena_alloc(p->arena, (size_t)room + 1, p->err);
    if (!joined)
        return CH_E_MEMORY;
    memcpy(joined, *out, (size_t)*len);
    while (ch_sql_is_string(p, 0)) {
        const char *part;
        int64_t part_len;
        CH_TRY(ch_sql_string(p, &part, &part_len));
        memcpy(joined + *len, part, (size_t)part_len);
        *len += part_len;
    }
    *out = joined;
    return CH_OK;
}

ch_status ch_sql_strings(ch_sql_parser *p, ch_expr **out)
{
    int32_t start = ch_sql_here(p);
    const char *text;
    int64_t len;
    CH_TRY(joined_strings(p, &text, &len));
    return ch_sql_literal_string(p, text, len, start, out);
}

/* ---- intervals ----------------------------------------------------------------------------- */

/* Units from coarse to fine; what each is called in a text, and where it lies in its ANSI type. */
typedef struct interval_unit {
    const char *name;
    int8_t ansi; /* CH_YEAR.. or CH_DAY.. */
    bool is_months;
} interval_unit;

static bool interval_unit_of(const ch_token *t, interval_unit *out)
{
#define UNIT(KEYWORD, text, unit, months)           \
    case CH_KW_##KEYWORD:                           \
    case CH_KW_##KEYWORD##S:                        \
        *out = (interval_unit){text, unit, months}; \
        return true;
    switch (t->keyword) {
        UNIT(YEAR, "year", CH_YEAR, true)
        UNIT(MONTH, "month", CH_MONTH, true)
        UNIT(WEEK, "week", CH_DAY, false)
        UNIT(DAY, "day", CH_DAY, false)
        UNIT(HOUR, "hour", CH_HOUR, false)
        UNIT(MINUTE, "minute", CH_MINUTE, false)
        UNIT(SECOND, "second", CH_SECOND, false)
        UNIT(MILLISECOND, "millisecond", CH_SECOND, false)
        UNIT(MICROSECOND, "microsecond", CH_SECOND, false)
        UNIT(NANOSECOND, "nanosecond", CH_SECOND, false)
    default:
        return false;
    }
#undef UNIT
}

/* Which units were seen. */
typedef struct unit_range {
    int months_from, months_to, days_from, days_to; /* -1: none */
} unit_range;

#define NO_UNITS ((unit_range){-1, -1, -1, -1})

static void see_unit(unit_range *r, interval_unit u)
{
    int *from = u.is_months ? &r->months_from : &r->days_from;
    int *to = u.is_months ? &r->months_to : &r->days_to;
    if (*from < 0 || u.ansi < *from)
        *from = u.ansi;
    if (u.ansi > *to)
        *to = u.ansi;
}

static ch_status make_interval(ch_sql_parser *p, ch_interval value, unit_range r, int32_t start,
                               ch_expr **out)
{
    ch_scalar v = {0};
    if (r.months_from >= 0 && r.days_from >= 0) {
        const char *literal = ch_sql_slice(p, start, p->tok[p->at - 1].stop);
        return ch_sql_at(p, start, p->tok[p->at - 1].stop,
                         ch_error_set(p->err, CH_E_INTERVAL_MIXED_UNITS, "literal",
                                      literal ? literal : "", (const char *)0));
    }
    if (r.months_from >= 0) {
        v.type = ch_type_year_month(r.months_from, r.months_to);
        v.v.i64 = value.months;
    } else {
        v.type = ch_type_day_time(r.days_from, r.days_to);
        if (__builtin_mul_overflow((int64_t)value.days, CH_US_PER_DAY, &v.v.i64) ||
            __builtin_add_overflow(v.v.i64, value.nanos / 1000, &v.v.i64))
            return ch_sql_at(p, start, p->tok[p->at - 1].stop,
                             ch_error_set(p->err, CH_E_INTERVAL_OVERFLOW, (const char *)0));
    }
    return make_literal(p, v, start, out);
}

bool ch_sql_starts_interval(const ch_sql_parser *p)
{
    interval_unit unit;
    const ch_token *value = ch_sql_peek(p, 1);
    if (value->kind == CH_TOK_INTEGER || value->kind == CH_TOK_DECIMAL)
        return true;
    if (value->kind == '?' || (value->kind == ':' && ch_sql_is_name(p, 2)))
        return interval_unit_of(ch_sql_peek(p, value->kind == '?' ? 2 : 3), &unit);
    if (value->kind == '-' || value->kind == '+')
        return (ch_sql_is_number(p, 2) || ch_sql_is_string(p, 2)) &&
               interval_unit_of(ch_sql_peek(p, 3), &unit);
    return ch_sql_is_string(p, 1) && interval_unit_of(ch_sql_peek(p, 2), &unit);
}

/* [+-] number or 'number': the text of it, with the sign worked in. */
static ch_status interval_value(ch_sql_parser *p, const char **out)
{
    bool minus = ch_sql_is(p, '-');
    const char *text;
    int64_t len;
    if (minus || ch_sql_is(p, '+'))
        p->at++;
    if (ch_sql_is_string(p, 0)) {
        CH_TRY(ch_sql_string(p, &text, &len));
        ch_trim(&text, &len);
        text = ch_arena_strn(p->arena, text, (size_t)len, p->err);
    } else if (ch_sql_is(p, CH_TOK_INTEGER) || ch_sql_is(p, CH_TOK_DECIMAL)) {
        const ch_token *t = &p->tok[p->at++];
        text = ch_sql_slice(p, t->start, t->stop);
    } else if (ch_sql_is(p, '?') || ch_sql_is(p, ':')) {
        CH_TRY(ch_sql_marker_text(p, &text));
    } else {
        return ch_sql_unexpected(p);
    }
    if (!text)
        return CH_E_MEMORY;
    if (minus)
        text = *text == '-'
                   ? text + 1
                   : ch_arena_printf(p->arena, p->err, "-%s", *text == '+' ? text + 1 : text);
    *out = text;
    return text ? CH_OK : CH_E_MEMORY;
}

static bool is_number_text(const char *text, bool fraction)
{
    text += *text == '-' || *text == '+';
    size_t whole = strspn(text, "0123456789"), rest = 0;
    if (text[whole] == '.' && fraction)
        rest = 1 + strspn(text + whole + 1, "0123456789");
    return whole + rest > 0 && !text[whole + rest] && !(whole == 0 && rest < 2);
}

/* Behind value and the unit `from`: TO unit. */
static ch_status interval_range(ch_sql_parser *p, const char *value, interval_unit from,
                                int32_t value_start, int32_t start, ch_expr **out)
{
    interval_unit to;
    p->at++;
    if (!interval_unit_of(&p->tok[p->at], &to))
        return ch_sql_unexpected(p);
    p->at++;
    int32_t stop = p->tok[p->at - 1].stop;
    bool known = from.is_months == to.is_months && from.ansi < to.ansi;
    if (!known)
        return ch_sql_at(p, value_start, stop,
                         ch_error_set(p->err, CH_E_INTERVAL_FROM_TO, "input", value, "from",
                                      from.name, "to", to.name, (const char *)0));
    ch_scalar v = {0};
    bool fits;
    if (from.is_months) {
        int32_t months = 0;
        v.type = ch_type_year_month(from.ansi, to.ansi);
        fits = v.type && ch_year_month_parse(value, (int64_t)strlen(value), v.type, &months);
        v.v.i64 = months;
    } else {
        v.type = ch_type_day_time(from.ansi, to.ansi);
        fits = v.type && ch_day_time_parse(value, (int64_t)strlen(value), v.type, &v.v.i64);
    }
    if (!fits)
        return ch_sql_at(p, value_start, stop,
                         ch_error_set(p->err, CH_E_INTERVAL_PARSING, "input", value, "interval",
                                      from.is_months ? "year-month" : "day-time", (const char *)0));
    return make_literal(p, v, start, out);
}

ch_status ch_sql_interval(ch_sql_parser *p, ch_expr **out)
{
    int32_t start = ch_sql_here(p);
    unit_range seen = NO_UNITS;
    const char *text = "";
    interval_unit unit;
    p->at++;
    do {
        const char *value = "";
        int32_t value_start = ch_sql_here(p);
        CH_TRY(interval_value(p, &value));
        if (!interval_unit_of(&p->tok[p->at], &unit))
            return ch_sql_unexpected(p);
        p->at++;
        if (ch_sql_is_kw(p, CH_KW_TO) && !*text)
            return interval_range(p, value, unit, value_start, start, out);
        if (!is_number_text(value, true))
            return ch_sql_at(
                p, value_start, p->tok[p->at - 1].stop,
                ch_error_set(p->err, CH_E_INTERVAL_LITERAL_INPUT, "value", value, (const char *)0));
        if (!is_number_text(value, strcmp(unit.name, "second") == 0))
            return ch_sql_at(
                p, value_start, p->tok[p->at - 1].stop,
                ch_error_set(p->err, CH_E_INTERVAL_FRACTION, "input",
                             ch_arena_printf(p->arena, NULL, " %s %s", value, unit.name), "unit",
                             unit.name, (const char *)0));
        see_unit(&seen, unit);
        text = ch_arena_printf(p->arena, p->err, "%s%s%s %s", text, *text ? " " : "", value,
                               unit.name);
        if (!text)
            return CH_E_MEMORY;
    } while (ch_sql_is_number(p, 0) ||
             ch_sql_starts_interval(
                 &(ch_sql_parser){.tok = p->tok, .n = p->n, .at = p->at - 1, .ctx = p->ctx}));
    ch_interval value;
    if (!ch_interval_parse(text, (int64_t)strlen(text), &value))
        return ch_sql_at(p, start, p->tok[p->at - 1].stop,
                         ch_error_set(p->err, CH_E_INTERVAL_OVERFLOW, (const char *)0));
    return make_interval(p, value, seen, start, out);
}

/* The units that stand in the text of INTERVAL '1 day 2 hours'. */
static unit_range units_in(const char *text)
{
    static const struct {
        const char *name;
        interval_unit unit;
    } UNIT[] = {
        {"year", {"year", CH_YEAR, true}},
        {"month", {"month", CH_MONTH, true}},
        {"week", {"week", CH_DAY, false}},
        {"day", {"day", CH_DAY, false}},
        {"hour", {"hour", CH_HOUR, false}},
        {"minute", {"minute", CH_MINUTE, false}},
        {"second", {"second", CH_SECOND, false}},
        {"millisecond", {"second", CH_SECOND, false}},
        {"microsecond", {"second", CH_SECOND, false}},
        {"nanosecond", {"second", CH_SECOND, false}},
    };
    unit_range seen = NO_UNITS;
    while (*text) {
        size_t len = 0;
        while (isalpha((unsigned char)text[len]))
            len++;
        size_t word = len > 1 && tolower((unsigned char)text[len - 1]) == 's' ? len - 1 : len;
        for (size_t i = 0; i < sizeof UNIT / sizeof *UNIT; i++)
            if (strlen(UNIT[i].name) == word && strncasecmp(UNIT[i].name, text, word) == 0)
                see_unit(&seen, UNIT[i].unit);
        text += len ? len : 1;
    }
    return seen;
}

/* ---- typed literals ------------------------------------------------------------------------ */

static ch_status invalid_typed(ch_sql_parser *p, const ch_token *type, int32_t start,
                               const char *text)
{
    char *name = ch_arena_printf(p->arena, NULL, "\"%.*s\"", (int)(type->stop - type->start),
                                 p->text + type->start);
    for (char *c = name; c && *c; c++)
        *c = (char)toupper((unsigned char)*c);
    return ch_sql_at(p, start, p->tok[p->at - 1].stop,
                     ch_error_set(p->err, CH_E_INVALID_TYPED_LITERAL, "valueType", name, "value",
                                  ch_arena_printf(p->arena, NULL, "'%s'", text), (const char *)0));
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : isxdigit((unsigned char)c) ? (c | 32) - 'a' + 10 : -1;
}

/* X'1F'; an odd number of digits gets a zero in front. */
static bool parse_hex(ch_sql_parser *p, const char *text, int64_t len, ch_scalar *out)
{
    char *bytes = ch_arena_alloc(p->arena, (size_t)len / 2 + 2, p->err);
    int64_t n = 0;
    if (!bytes)
        return false;
    for (int64_t i = 0; i < len; n++) {
        int high = (len - i) % 2 ? 0 : hex_digit(text[i++]), low = hex_digit(text[i++]);
        if (high < 0 || low < 0)
            return false;
        bytes[n] = (char)(high << 4 | low);
    }
    *out = (ch_scalar){.type = ch_type_of(CH_BINARY)};
    out->v.str.text = bytes;
    out->v.str.len = n;
    return true;
}

/* Has the text a zone behind its time? Decides whether TIMESTAMP '...' has one of its own. */
static bool parse_timestamp(ch_sql_parser *p, const char *text, int64_t len, ch_scalar *out)
{
    const char *name = p->ctx->time_zone ? p->ctx->time_zone : "UTC";
    const ch_zone *zone = ch_zone_find(name, (int64_t)strlen(name), NULL);
    *out = (ch_scalar){.type = CH_T_TIMESTAMP};
    return ch_timestamp_parse(text, len, zone ? zone : &ch_zone_utc, 0, &out->v.i64);
}

static bool word_is(ch_sql_parser *p, const ch_token *t, const char *word)
{
    size_t len = (size_t)(t->stop - t->start);
    return strlen(word) == len && strncasecmp(p->text + t->start, word, len) == 0;
}

ch_status ch_sql_typed_literal(ch_sql_parser *p, ch_expr **out)
{
    int32_t start = ch_sql_here(p);
    const ch_token *type = &p->tok[p->at++];
    const char *text;
    int64_t len;
    CH_TRY(ch_sql_string(p, &text, &len));
    ch_scalar v = {0};
    bool ok;
    if (word_is(p, type, "DATE")) {
        int32_t days = 0;
        ok = ch_date_parse(text, len, &days);
        v.type = CH_T_DATE;
        v.v.i64 = days;
    } else if (word_is(p, type, "TIMESTAMP") || word_is(p, type, "TIMESTAMP_LTZ")) {
        ok = parse_timestamp(p, text, len, &v);
    } else if (word_is(p, type, "TIMESTAMP_NTZ")) {
        v.type = ch_type_of(CH_TIMESTAMP_NTZ);
        ok = ch_timestamp_ntz_parse(text, len, true, &v.v.i64);
    } else if (word_is(p, type, "TIME")) {
        v.type = ch_type_of(CH_TIME);
        ok = ch_time_parse(text, len, &v.v.i64);
    } else if (word_is(p, type, "X")) {
        ok = parse_hex(p, text, len, &v);
    } else if (word_is(p, type, "INTERVAL")) {
        ch_interval value;
        unit_range units = units_in(text);
        ok = ch_interval_parse(text, len, &value) &&
             (units.months_from >= 0 || units.days_from >= 0);
        if (ok)
            return make_interval(p, value, units, start, out);
    } else {
        char *name = ch_arena_printf(p->arena, p->err, "\"%.*s\"", (int)(type->stop - type->start),
                                     p->text + type->start);
        for (char *c = name; c && *c; c++)
            *c = (char)toupper((unsigned char)*c);
        return ch_sql_at(p, start, p->tok[p->at - 1].stop,
                         ch_error_set(p->err, CH_E_UNSUPPORTED_TYPED_LITERAL, "unsupportedType",
                                      name, "supportedTypes",
                                      "\"DATE\", \"TIMESTAMP_NTZ\", \"TIMESTAMP_LTZ\", "
                                      "\"TIMESTAMP\", \"INTERVAL\", \"X\", \"TIME\"",
                                      (const char *)0));
    }
    if (!ok)
        return p->err && p->err->code ? p->err->code : invalid_typed(p, type, start, text);
    return make_literal(p, v, start, out);
}
