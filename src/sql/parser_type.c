/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parser_type.c - data types inside statements: CAST(a AS MAP<STRING, DECIMAL(10, 2)>), and column
 * definitions of CREATE VIEW ... USING. (type/type.h reads types that stand alone.)
 */
#include "sql/parser_ddl.h"

#include <ctype.h>
#include <stdio.h>
#include <strings.h>

/* What a type is called, whether it may have parameters, and what they mean. */
typedef enum type_shape { PLAIN, DECIMAL, LENGTH, PRECISION, NESTED, INTERVAL } type_shape;

static const struct {
    const char *name;
    ch_type_id id;
    type_shape shape;
} TYPE[] = {
    {"boolean", CH_BOOLEAN, PLAIN},
    {"tinyint", CH_BYTE, PLAIN},
    {"byte", CH_BYTE, PLAIN},
    {"smallint", CH_SHORT, PLAIN},
    {"short", CH_SHORT, PLAIN},
    {"int", CH_INT, PLAIN},
    {"integer", CH_INT, PLAIN},
    {"bigint", CH_LONG, PLAIN},
    {"long", CH_LONG, PLAIN},
    {"float", CH_FLOAT, PLAIN},
    {"real", CH_FLOAT, PLAIN},
    {"double", CH_DOUBLE, PLAIN},
    {"date", CH_DATE, PLAIN},
    {"timestamp", CH_TIMESTAMP, PLAIN},
    {"timestamp_ltz", CH_TIMESTAMP, PLAIN},
    {"timestamp_ntz", CH_TIMESTAMP_NTZ, PLAIN},
    {"string", CH_STRING, PLAIN},
    {"binary", CH_BINARY, PLAIN},
    {"void", CH_NULL, PLAIN},
    {"variant", CH_VARIANT, PLAIN},
    {"time", CH_TIME, PRECISION},
    {"char", CH_CHAR, LENGTH},
    {"character", CH_CHAR, LENGTH},
    {"varchar", CH_VARCHAR, LENGTH},
    {"decimal", CH_DECIMAL, DECIMAL},
    {"dec", CH_DECIMAL, DECIMAL},
    {"numeric", CH_DECIMAL, DECIMAL},
    {"interval", CH_CALENDAR_INTERVAL, INTERVAL},
    {"array", CH_ARRAY, NESTED},
    {"map", CH_MAP, NESTED},
    {"struct", CH_STRUCT, NESTED},
};

static ch_status inner_type(ch_sql_parser *p, const ch_type **out);

static ch_status upper_quoted(ch_sql_parser *p, int32_t start, int32_t stop, const char **out)
{
    char *text =
        ch_arena_printf(p->arena, p->err, "\"%.*s\"", (int)(stop - start), p->text + start);
    *out = text;
    for (char *c = text; c && *c; c++)
        *c = (char)toupper((unsigned char)*c);
    return text ? CH_OK : CH_E_MEMORY;
}

static ch_status type_error(ch_sql_parser *p, ch_status code, const char *param, int32_t start)
{
    int32_t stop = p->tok[p->at - 1].stop;
    const char *text;
    CH_TRY(upper_quoted(p, start, stop, &text));
    return ch_sql_at(p, start, stop, ch_error_set(p->err, code, param, text, (const char *)0));
}

/* A '>' that closes a nested type; >> and >>> and >= are taken apart. */
static ch_status close_angle(ch_sql_parser *p)
{
    if (p->angles) {
        p->angles--;
        return CH_OK;
    }
    int kind = p->tok[p->at].kind;
    if (kind != '>' && kind != CH_TOK_SHR && kind != CH_TOK_USHR)
        return ch_sql_unexpected(p);
    p->angles = kind == '>' ? 0 : kind == CH_TOK_SHR ? 1 : 2;
    p->at++;
    return CH_OK;
}

/* One '>' too many? */
static ch_status no_angles(ch_sql_parser *p)
{
    if (!p->angles)
        return CH_OK;
    p->at--;
    return ch_sql_unexpected(p);
}

/* "key":"text" as JSON at `to`, which has 6 bytes per byte of text. */
static char *put_json(char *to, const char *key, const char *text, size_t len)
{
    to += sprintf(to, "\"%s\":\"", key);
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        static const char HEX[] = "0123456789abcdef";
        if (c == '"' || c == '\\') {
            *to++ = '\\';
            *to++ = (char)c;
        } else if (c < 0x20) {
            to = stpcpy(to, "\\u00");
            *to++ = HEX[c >> 4];
            *to++ = HEX[c & 15];
        } else {
            *to++ = (char)c;
        }
    }
    *to++ = '"';
    return to;
}

/* Metadata is JSON: {"comment":"x","CURRENT_DEFAULT":"1 + 2"}; either may be NULL. */
static ch_status metadata(ch_sql_parser *p, const char *comment, size_t len, const char *value,
                          const char **out)
{
    size_t value_len = value ? strlen(value) : 0;
    *out = NULL;
    if (!comment && !value)
        return CH_OK;
    char *json = ch_arena_alloc(p->arena, 6 * (len + value_len) + 64, p->err);
    if (!json)
        return CH_E_MEMORY;
    char *to = json;
    *to++ = '{';
    if (comment)
        to = put_json(to, "comment", comment, len);
    if (comment && value)
        *to++ = ',';
    if (value)
        to = put_json(to, "CURRENT_DEFAULT", value, value_len);
    strcpy(to, "}");
    *out = json;
    return CH_OK;
}

ch_status ch_sql_field_comment(ch_sql_parser *p, const char **out)
{
    const char *comment = NULL;
    int64_t len = 0;
    if (ch_sql_is_kw(p, CH_KW_COMMENT) && ch_sql_is_string(p, 1)) {
        p->at++;
        CH_TRY(ch_sql_string(p, &comment, &len));
    }
    return metadata(p, comment, (size_t)len, NULL, out);
}

static ch_status clause_twice(ch_sql_parser *p, const char *name, const char *clause)
{
    return ch_sql_at(p, ch_sql_here(p), p->tok[p->at].stop,
                     ch_error_set(p->err, CH_E_DUPLICATE_COLUMN_CLAUSE, "columnName", name,
                                  "optionName", clause, (const char *)0));
}

/* Of a table's column: NOT NULL, DEFAULT expression, COMMENT 'x' in any order. */
static ch_status column_tail(ch_sql_parser *p, ch_field *f)
{
    const char *comment = NULL, *value = NULL;
    int64_t len = 0;
    f->nullable = true;
    for (;;) {
        if ((ch_sql_is_kw(p, CH_KW_NOT) || ch_sql_is(p, '!')) && ch_sql_peek_kw(p, 1, CH_KW_NULL)) {
            if (!f->nullable)
                return clause_twice(p, f->name, "NOT NULL");
            p->at += 2;
            f->nullable = false;
        } else if (ch_sql_is_kw(p, CH_KW_COMMENT) && ch_sql_is_string(p, 1)) {
            if (comment)
                return clause_twice(p, f->name, "COMMENT");
            p->at++;
            CH_TRY(ch_sql_string(p, &comment, &len));
        } else if (ch_sql_is_kw(p, CH_KW_DEFAULT)) {
            ch_expr *e;
            if (value)
                return clause_twice(p, f->name, "DEFAULT");
            p->at++;
            int32_t start = ch_sql_here(p);
            CH_TRY(ch_sql_value(p, &e));
            value = ch_sql_slice(p, start, p->tok[p->at - 1].stop);
            if (!value)
                return CH_E_MEMORY;
        } else if (ch_sql_is_word(p, 0, "GENERATED")) {
            return ch_sql_unsupported(p, ch_sql_here(p), "A generated column");
        } else {
            return metadata(p, comment, (size_t)len, value, &f->metadata);
        }
    }
}

static ch_status field_tail(ch_sql_parser *p, ch_field *f)
{
    f->nullable = true;
    if (p->angles)
        return CH_OK;
    if ((ch_sql_is_kw(p, CH_KW_NOT) || ch_sql_is(p, '!')) && ch_sql_peek_kw(p, 1, CH_KW_NULL)) {
        p->at += 2;
        f->nullable = false;
    }
    return ch_sql_field_comment(p, &f->metadata);
}

/* a INT NOT NULL COMMENT 'x', b: STRING ...: the fields up to what ends the list. */
static ch_status parse_fields(ch_sql_parser *p, bool colon, bool table, const ch_type **out)
{
    ch_field *field = NULL;
    int32_t n = 0, cap = 0;
    do {
        if (n == cap) {
            ch_field *more = NULL;
            cap = cap ? 2 * cap : 8;
            CH_ARENA_ARRAY(more, p->arena, cap, p->err);
            if (n)
                memcpy(more, field, sizeof *more * (size_t)n);
            field = more;
        }
        CH_TRY(ch_sql_checked_name(p, &field[n].name));
        if (colon)
            ch_sql_accept(p, ':');
        CH_TRY(inner_type(p, &field[n].type));
        if (table)
            CH_TRY(no_angles(p));
        CH_TRY(table ? column_tail(p, &field[n]) : field_tail(p, &field[n]));
        /* FIRST and AFTER: the session's own tables put new columns at the end all the same. */
        if (table && (ch_sql_is_kw(p, CH_KW_FIRST) || ch_sql_is_word(p, 0, "AFTER"))) {
            const char *other;
            bool after = !ch_sql_is_kw(p, CH_KW_FIRST);
            p->at++;
            if (after)
                CH_TRY(ch_sql_name(p, &other));
        }
        n++;
    } while (!p->angles && ch_sql_accept(p, ','));
    *out = ch_type_struct(field, n);
    return *out ? CH_OK : ch_error_memory(p->err, "types", 0, 0);
}

static ch_status nested_type(ch_sql_parser *p, ch_type_id id, int32_t start, const ch_type **out)
{
    if (id == CH_STRUCT && ch_sql_accept(p, CH_TOK_NE)) { /* struct<> */
        *out = ch_type_struct(NULL, 0);
        return CH_OK;
    }
    if (!ch_sql_accept(p, '<'))
        return ch_sql_at(
            p, start, p->tok[p->at - 1].stop,
            id == CH_ARRAY
                ? ch_error_set(p->err, CH_E_INCOMPLETE_ARRAY, "elementType", "<INT>",
                               (const char *)0)
                : ch_error_set(p->err, id == CH_MAP ? CH_E_INCOMPLETE_MAP : CH_E_INCOMPLETE_STRUCT,
                               (const char *)0));
    const ch_type *key, *value;
    if (id == CH_STRUCT && ch_sql_is(p, '>')) {
        *out = ch_type_struct(NULL, 0);
    } else if (id == CH_STRUCT) {
        CH_TRY(parse_fields(p, true, false, out));
    } else if (id == CH_ARRAY) {
        CH_TRY(inner_type(p, &value));
        *out = ch_type_array(value, true);
    } else {
        CH_TRY(inner_type(p, &key));
        if (p->angles || !ch_sql_accept(p, ','))
            return ch_sql_unexpected(p);
        CH_TRY(inner_type(p, &value));
        *out = ch_type_map(key, value, true);
    }
    CH_TRY(close_angle(p));
    return *out ? CH_OK : ch_error_memory(p->err, "types", 0, 0);
}

/* INTERVAL [from [TO to]] */
static ch_status interval_type(ch_sql_parser *p, const ch_type **out)
{
    static const ch_keyword MONTHS[] = {CH_KW_YEAR, CH_KW_MONTH};
    static const ch_keyword DAYS[] = {CH_KW_DAY, CH_KW_HOUR, CH_KW_MINUTE, CH_KW_SECOND};
    for (int from = 0; from < 4; from++) {
        bool months = from < 2 && ch_sql_is_kw(p, MONTHS[from]);
        if (!months && !ch_sql_is_kw(p, DAYS[from]))
            continue;
        int to = from, n = months ? 2 : 4;
        p->at++;
        if (ch_sql_is_kw(p, CH_KW_TO)) {
            for (to = from + 1; to < n; to++)
                if (ch_sql_peek_kw(p, 1, months ? MONTHS[to] : DAYS[to]))
                    break;
            p->at++;
            if (to == n)
                return ch_sql_unexpected(p);
            p->at++;
        }
        *out = months ? ch_type_year_month(from, to) : ch_type_day_time(from, to);
        return *out ? CH_OK : ch_error_memory(p->err, "types", 0, 0);
    }
    *out = ch_type_of(CH_CALENDAR_INTERVAL);
    return CH_OK;
}

/* (10), (10, 2): up to two numbers; *n counts all. */
static ch_status type_numbers(ch_sql_parser *p, int64_t number[2], int *n)
{
    *n = 0;
    if (p->angles || !ch_sql_accept(p, '('))
        return CH_OK;
    do {
        const ch_token *t = &p->tok[p->at];
        if (t->kind != CH_TOK_INTEGER)
            return ch_sql_unexpected(p);
        int64_t value = 0;
        for (int32_t i = t->start; i < t->stop && value < INT32_MAX; i++)
            value = value * 10 + (p->text[i] - '0');
        if (*n < 2)
            number[*n] = value;
        ++*n;
        p->at++;
    } while (ch_sql_accept(p, ','));
    return ch_sql_close_list(p, *n);
}

static ch_status decimal_type(ch_sql_parser *p, const int64_t number[2], int n, int32_t start,
                              const ch_type **out)
{
    int64_t precision = n > 0 ? number[0] : 10, scale = n > 1 ? number[1] : 0;
    int32_t stop = p->tok[p->at - 1].stop;
    if (precision > 38)
        return ch_sql_at(p, start, stop,
                         ch_error_set(p->err, CH_E_DECIMAL_PRECISION, "precision",
                                      CH_I64(precision), "maxPrecision", "38", (const char *)0));
    if (scale > precision)
        return ch_sql_at(p, start, stop,
                         ch_error_set(p->err, CH_E_DECIMAL_SCALE, "scale", CH_I64(scale),
                                      "precision", CH_I64(precision), (const char *)0));
    *out = ch_type_decimal((int)precision, (int)scale);
    return *out ? CH_OK : ch_error_memory(p->err, "types", 0, 0);
}

static int find_type(const ch_sql_parser *p, const ch_token *t)
{
    size_t len = (size_t)(t->stop - t->start);
    for (int i = 0; i < (int)(sizeof TYPE / sizeof *TYPE); i++)
        if (t->kind == CH_TOK_WORD && strlen(TYPE[i].name) == len &&
            strncasecmp(TYPE[i].name, p->text + t->start, len) == 0)
            return i;
    return -1;
}

static ch_status parse_type(ch_sql_parser *p, const ch_type **out)
{
    int32_t start = ch_sql_here(p);
    if (p->angles || !ch_sql_is_name(p, 0))
        return ch_sql_unexpected(p);
    int i = find_type(p, &p->tok[p->at++]);
    int64_t number[2] = {0, 0};
    int n;
    if (i >= 0 && TYPE[i].shape == NESTED)
        return nested_type(p, TYPE[i].id, start, out);
    if (i >= 0 && TYPE[i].shape == INTERVAL)
        return interval_type(p, out);
    CH_TRY(type_numbers(p, number, &n));
    if (i < 0)
        return type_error(p, CH_E_UNSUPPORTED_DATATYPE, "typeName", start);
    if (TYPE[i].id == CH_STRING && ch_sql_is_kw(p, CH_KW_COLLATE)) {
        const char *collation;
        p->at++;
        CH_TRY(ch_sql_name(p, &collation));
        *out = ch_type_string_collated(collation);
        return *out ? CH_OK : ch_error_memory(p->err, "types", 0, 0);
    }
    switch (TYPE[i].shape) {
    case DECIMAL:
        if (n <= 2)
            return decimal_type(p, number, n, start, out);
        break;
    case LENGTH:
        if (n == 0)
            return type_error(p, CH_E_DATATYPE_MISSING_SIZE, "type", start);
        if (n == 1) {
            *out = TYPE[i].id == CH_CHAR ? ch_type_char((int32_t)number[0])
                                         : ch_type_varchar((int32_t)number[0]);
            return *out ? CH_OK : ch_error_memory(p->err, "types", 0, 0);
        }
        break;
    case PRECISION:
        if (n <= 1 && number[0] <= 6) {
            *out = ch_type_time(n ? (int)number[0] : 6);
            return *out ? CH_OK : ch_error_memory(p->err, "types", 0, 0);
        }
        break;
    default:
        if (n == 0) {
            *out = ch_type_of(TYPE[i].id);
            return CH_OK;
        }
    }
    return type_error(p, CH_E_UNSUPPORTED_DATATYPE, "typeName", start);
}

static ch_status inner_type(ch_sql_parser *p, const ch_type **out)
{
    CH_SQL_DEEPER(p);
    CH_TRY(parse_type(p, out));
    p->depth--;
    return CH_OK;
}

ch_status ch_sql_type(ch_sql_parser *p, const ch_type **out)
{
    CH_TRY(inner_type(p, out));
    return no_angles(p);
}

ch_status ch_sql_columns(ch_sql_parser *p, const ch_type **out)
{
    CH_TRY(ch_sql_expect(p, '('));
    CH_TRY(parse_fields(p, false, false, out));
    CH_TRY(no_angles(p));
    return ch_sql_expect(p, ')');
}

ch_status ch_sql_bare_columns(ch_sql_parser *p, const ch_type **out)
{
    CH_TRY(parse_fields(p, false, true, out));
    return no_angles(p);
}

ch_status ch_sql_table_columns(ch_sql_parser *p, const ch_type **out)
{
    CH_TRY(ch_sql_expect(p, '('));
    CH_TRY(ch_sql_bare_columns(p, out));
    return ch_sql_expect(p, ')');
}
