/* SPDX-License-Identifier: Apache-2.0 */
/*
 * type_text.c - types as text, both ways, as Spark writes and reads them.
 *
 *   type    = primitive | ARRAY < type > | MAP < type , type > | STRUCT < [field {, field}] >
 *   field   = name [:] type [NOT NULL] [COMMENT 'text']
 *   schema  = column {, column}
 *   column  = name type [NOT NULL] [COMMENT 'text']
 *
 * Names are words of letters, digits and _, keywords included, or anything between backquotes. As in
 * Spark, a mistake anywhere within < > is reported at the outermost <.
 */
#include "type/type.h"

#include <string.h>
#include <strings.h>

#include "base/arena.h"

/* ---- printing ---------------------------------------------------------------------------- */

static const char *const PLAIN_NAME[CH_N_TYPE_IDS] = {
    [CH_NULL] = "void",
    [CH_BOOLEAN] = "boolean",
    [CH_BYTE] = "tinyint",
    [CH_SHORT] = "smallint",
    [CH_INT] = "int",
    [CH_LONG] = "bigint",
    [CH_FLOAT] = "float",
    [CH_DOUBLE] = "double",
    [CH_BINARY] = "binary",
    [CH_DATE] = "date",
    [CH_TIMESTAMP] = "timestamp",
    [CH_TIMESTAMP_NTZ] = "timestamp_ntz",
    [CH_CALENDAR_INTERVAL] = "interval",
    [CH_VARIANT] = "variant",
};
static const char *const DAY_TIME_UNIT[4] = {"day", "hour", "minute", "second"};
static const char *const YEAR_MONTH_UNIT[2] = {"year", "month"};

/* `name`, doubling backquotes, unless it is a plain word. */
static ch_status print_name(const char *name, ch_buf *out, ch_error *err)
{
    bool plain = *name && !(*name >= '0' && *name <= '9');
    for (const char *p = name; *p && plain; p++)
        plain = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') ||
                *p == '_';
    if (plain)
        return ch_buf_adds(out, name, err);
    CH_TRY(ch_buf_addc(out, '`', err));
    for (const char *p = name; *p; p++) {
        if (*p == '`')
            CH_TRY(ch_buf_addc(out, '`', err));
        CH_TRY(ch_buf_addc(out, *p, err));
    }
    return ch_buf_addc(out, '`', err);
}

/* The digits of a \u00XX escape as a character; *p stands on the u and is left on the last digit. */
static char escaped_control(const char **p)
{
    int value = 0;
    for (int i = 0; i < 4 && (*p)[1]; i++) {
        char c = *++*p;
        value = value * 16 + (c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    return (char)value;
}

/*
 * " COMMENT '...'" out of {"comment":"..."}; other metadata has no form in SQL. As in Spark only the quote is
 * escaped, so a comment with a backslash does not read back the same.
 */
static ch_status print_comment(const char *metadata, ch_buf *out, ch_error *err)
{
    static const char key[] = "\"comment\":\"";
    const char *p = metadata ? strstr(metadata, key) : NULL;
    if (!p)
        return CH_OK;
    CH_TRY(ch_buf_adds(out, " COMMENT '", err));
    for (p += sizeof key - 1; *p && *p != '"'; p++) {
        char c = *p;
        if (c == '\\' && p[1]) {
            c = *++p;
            c = c == 'n'   ? '\n'
                : c == 't' ? '\t'
                : c == 'r' ? '\r'
                : c == 'u' ? escaped_control(&p)
                           : c;
        }
        if (c == '\'')
            CH_TRY(ch_buf_addc(out, '\\', err));
        CH_TRY(ch_buf_addc(out, c, err));
    }
    return ch_buf_addc(out, '\'', err);
}

static ch_status print_units(const char *const *unit, const ch_type *type, ch_buf *out,
                             ch_error *err)
{
    CH_TRY(ch_buf_printf(out, err, "interval %s", unit[type->start]));
    return type->start == type->stop ? CH_OK : ch_buf_printf(out, err, " to %s", unit[type->stop]);
}

static ch_status print_lower(const ch_type *type, ch_buf *out, ch_error *err)
{
    switch (type->id) {
    case CH_DECIMAL:
        return ch_buf_printf(out, err, "decimal(%d,%d)", type->precision, type->scale);
    case CH_STRING:
        CH_TRY(ch_buf_adds(out, "string", err));
        return type->collation ? ch_buf_printf(out, err, " collate %s", type->collation) : CH_OK;
    case CH_CHAR:
        return ch_buf_printf(out, err, "char(%d)", type->length);
    case CH_VARCHAR:
        return ch_buf_printf(out, err, "varchar(%d)", type->length);
    case CH_TIME:
        return ch_buf_printf(out, err, "time(%d)", type->precision);
    case CH_DAY_TIME_INTERVAL:
        return print_units(DAY_TIME_UNIT, type, out, err);
    case CH_YEAR_MONTH_INTERVAL:
        return print_units(YEAR_MONTH_UNIT, type, out, err);
    default:
        return ch_buf_adds(out, PLAIN_NAME[type->id], err);
    }
}

static ch_status print(const ch_type *type, bool sql, ch_buf *out, ch_error *err)
{
    const char *separator = sql ? ", " : ",";
    size_t start = out->len;
    switch (type->id) {
    case CH_ARRAY:
    case CH_MAP:
        CH_TRY(ch_buf_adds(out,
                           type->id == CH_ARRAY ? sql ? "ARRAY<" : "array<"
                           : sql                ? "MAP<"
                                                : "map<",
                           err));
        CH_TRY(print(type->field[0].type, sql, out, err));
        if (type->id == CH_MAP) {
            CH_TRY(ch_buf_adds(out, separator, err));
            CH_TRY(print(type->field[1].type, sql, out, err));
        }
        return ch_buf_addc(out, '>', err);
    case CH_STRUCT:
        CH_TRY(ch_buf_adds(out, sql ? "STRUCT<" : "struct<", err));
        for (int32_t i = 0; i < type->n_fields; i++) {
            const ch_field *f = &type->field[i];
            if (i)
                CH_TRY(ch_buf_adds(out, separator, err));
            CH_TRY(sql ? print_name(f->name, out, err) : ch_buf_adds(out, f->name, err));
            CH_TRY(ch_buf_adds(out, sql ? ": " : ":", err));
            CH_TRY(print(f->type, sql, out, err));
            if (sql && !f->nullable)
                CH_TRY(ch_buf_adds(out, " NOT NULL", err));
            if (sql)
                CH_TRY(print_comment(f->metadata, out, err));
        }
        return ch_buf_addc(out, '>', err);
    default:
        CH_TRY(print_lower(type, out, err));
        for (char *p = out->data + start; sql && p < out->data + out->len; p++)
            *p = *p >= 'a' && *p <= 'z' ? (char)(*p - 32) : *p;
        return CH_OK;
    }
}

ch_status ch_type_print(const ch_type *type, ch_buf *out, ch_error *err)
{
    return print(type, false, out, err);
}

ch_status ch_type_print_sql(const ch_type *type, ch_buf *out, ch_error *err)
{
    return print(type, true, out, err);
}

/* ---- tokens ------------------------------------------------------------------------------ */

#define DEPTH_MAX 100

typedef enum token_kind { END, WORD, NUMBER, QUOTED, STRING, SYMBOL } token_kind;

typedef struct token {
    token_kind kind;
    int32_t start, stop; /* bytes of text */
} token;

typedef struct parser {
    const char *text;
    token now;
    int32_t last_stop; /* where the token before now ended */
    int depth;
    token outer; /* the token after the outermost ARRAY, MAP or STRUCT; kind END while depth is 0 */
    ch_arena *arena;
    ch_error *err;
} parser;

static bool is_word_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           (c & 0x80);
}

static int32_t skip_blanks(const char *text, int32_t at)
{
    for (;;) {
        if (text[at] == ' ' || (text[at] >= '\t' && text[at] <= '\r')) {
            at++;
        } else if (text[at] == '-' && text[at + 1] == '-') {
            while (text[at] && text[at] != '\n')
                at++;
        } else if (text[at] == '/' && text[at + 1] == '*') {
            const char *close = strstr(text + at + 2, "*/");
            if (!close)
                return at;
            at = (int32_t)(close + 2 - text);
        } else {
            return at;
        }
    }
}

static void advance(parser *p)
{
    const char *text = p->text;
    p->last_stop = p->now.stop;
    int32_t at = skip_blanks(text, p->now.stop), start = at;
    token_kind kind = SYMBOL;
    char c = text[at];
    if (!c) {
        kind = END;
    } else if (is_word_byte(c)) {
        kind = NUMBER;
        for (; is_word_byte(text[at]); at++)
            kind = text[at] >= '0' && text[at] <= '9' ? kind : WORD;
    } else if (c == '`') {
        for (at++; text[at] && (text[at] != '`' || text[at + 1] == '`'); at++)
            at += text[at] == '`';
        kind = text[at] ? QUOTED : SYMBOL;
        at = text[at] ? at + 1 : start + 1;
    } else if (c == '\'' || c == '"') {
        for (at++; text[at] && (text[at] != c || text[at + 1] == c); at++)
            at += text[at] == c || (text[at] == '\\' && text[at + 1]);
        kind = text[at] ? STRING : SYMBOL;
        at = text[at] ? at + 1 : start + 1;
    } else {
        at++;
    }
    p->now = (token){kind, start, at};
}

static bool is_word(const parser *p, const char *word)
{
    size_t len = strlen(word);
    return p->now.kind == WORD && (size_t)(p->now.stop - p->now.start) == len &&
           strncasecmp(p->text + p->now.start, word, len) == 0;
}

static bool is_symbol(const parser *p, char c)
{
    return p->now.kind == SYMBOL && p->text[p->now.start] == c;
}

static bool accept_word(parser *p, const char *word)
{
    bool yes = is_word(p, word);
    if (yes)
        advance(p);
    return yes;
}

static bool accept_symbol(parser *p, char c)
{
    bool yes = is_symbol(p, c);
    if (yes)
        advance(p);
    return yes;
}

/* Syntax error at the token now read, or at the outermost < when inside one. */
static ch_status unexpected(parser *p)
{
    token at = p->depth ? p->outer : p->now;
    if (at.kind == END) {
        (void)ch_error_set(p->err, CH_E_PARSE_SYNTAX_ERROR, "error", "end of input", "hint", "",
                           (const char *)0);
    } else {
        int32_t stop = at.stop;
        if (p->text[at.start] == '<' && p->text[at.start + 1] == '>')
            stop++; /* one token of SQL */
        char *error =
            ch_arena_printf(p->arena, p->err, "'%.*s'", (int)(stop - at.start), p->text + at.start);
        if (!error)
            return CH_E_MEMORY;
        (void)ch_error_set(p->err, CH_E_PARSE_SYNTAX_ERROR, "error", error, "hint", "",
                           (const char *)0);
    }
    ch_error_locate(p->err, p->text, at.start, at.stop);
    return CH_E_PARSE_SYNTAX_ERROR;
}

/* text[start, stop) in upper case and double quotes, as Spark's messages name types. */
static const char *loud(parser *p, int32_t start, int32_t stop)
{
    char *name =
        ch_arena_printf(p->arena, p->err, "\"%.*s\"", (int)(stop - start), p->text + start);
    for (char *c = name; c && *c; c++)
        *c = *c >= 'a' && *c <= 'z' ? (char)(*c - 32) : *c;
    return name;
}

/* ---- primitive types --------------------------------------------------------------------- */

static const struct {
    const char *name;
    ch_type_id id;
} PLAIN_TYPES[] = {
    {"boolean", CH_BOOLEAN}, {"tinyint", CH_BYTE},  {"byte", CH_BYTE},   {"smallint", CH_SHORT},
    {"short", CH_SHORT},     {"int", CH_INT},       {"integer", CH_INT}, {"bigint", CH_LONG},
    {"long", CH_LONG},       {"float", CH_FLOAT},   {"real", CH_FLOAT},  {"double", CH_DOUBLE},
    {"date", CH_DATE},       {"binary", CH_BINARY}, {"void", CH_NULL},   {"variant", CH_VARIANT},
};

static ch_status unsupported(parser *p, int32_t start)
{
    const char *name = loud(p, start, p->last_stop);
    if (!name)
        return CH_E_MEMORY;
    (void)ch_error_set(p->err, CH_E_UNSUPPORTED_DATATYPE, "typeName", name, (const char *)0);
    ch_error_locate(p->err, p->text, start, p->last_stop);
    return CH_E_UNSUPPORTED_DATATYPE;
}

/* ( n [, n] ): how many numbers, at most 2; 0 when there is no parenthesis. */
static ch_status parse_numbers(parser *p, int64_t number[2], int *n)
{
    *n = 0;
    if (!accept_symbol(p, '('))
        return CH_OK;
    do {
        if (p->now.kind != NUMBER || *n == 2)
            return unexpected(p);
        int64_t value = 0;
        for (int32_t i = p->now.start; i < p->now.stop; i++)
            value = value > INT32_MAX ? value : value * 10 + (p->text[i] - '0');
        number[(*n)++] = value;
        advance(p);
    } while (accept_symbol(p, ','));
    return accept_symbol(p, ')') ? CH_OK : unexpected(p);
}

static ch_status parse_decimal(parser *p, int32_t start, const ch_type **out)
{
    int64_t number[2] = {10, 0};
    int n;
    CH_TRY(parse_numbers(p, number, &n));
    ch_status status = CH_OK;
    if (number[0] > 38)
        status = ch_error_set(p->err, CH_E_DECIMAL_PRECISION, "precision", CH_I64(number[0]),
                              "maxPrecision", "38", (const char *)0);
    else if (number[1] > number[0])
        status = ch_error_set(p->err, CH_E_DECIMAL_SCALE, "scale", CH_I64(number[1]), "precision",
                              CH_I64(number[0]), (const char *)0);
    if (status != CH_OK) {
        ch_error_locate(p->err, p->text, start, p->last_stop);
        return status;
    }
    *out = ch_type_decimal((int)number[0], (int)number[1]);
    return CH_OK;
}

static ch_status parse_char(parser *p, int32_t start, bool is_varchar, const ch_type **out)
{
    int64_t number[2];
    int n;
    CH_TRY(parse_numbers(p, number, &n));
    if (n == 0) {
        const char *name = loud(p, start, p->last_stop);
        if (!name)
            return CH_E_MEMORY;
        (void)ch_error_set(p->err, CH_E_DATATYPE_MISSING_SIZE, "type", name, (const char *)0);
        ch_error_locate(p->err, p->text, start, p->last_stop);
        return CH_E_DATATYPE_MISSING_SIZE;
    }
    if (n == 2 || number[0] > INT32_MAX)
        return unsupported(p, start);
    *out = is_varchar ? ch_type_varchar((int32_t)number[0]) : ch_type_char((int32_t)number[0]);
    return CH_OK;
}

/* WITHOUT TIME ZONE (true), WITH LOCAL TIME ZONE (false), or nothing. */
static ch_status parse_zone_words(parser *p, bool *without)
{
    if (!is_word(p, "without") && !is_word(p, "with"))
        return CH_OK;
    *without = is_word(p, "without");
    advance(p);
    if (!*without && !accept_word(p, "local"))
        return unexpected(p);
    return accept_word(p, "time") && accept_word(p, "zone") ? CH_OK : unexpected(p);
}

static ch_status bad_precision(parser *p, int32_t start, const char *name, int64_t precision,
                               const char *expected)
{
    (void)ch_error_set(p->err, CH_E_INVALID_PRECISION, "typeName", name, "precision",
                       CH_I64(precision), "expected", expected, (const char *)0);
    ch_error_locate(p->err, p->text, start, p->last_stop);
    return CH_E_INVALID_PRECISION;
}

static ch_status parse_time(parser *p, int32_t start, const ch_type **out)
{
    int64_t number[2] = {6, 0};
    int n;
    bool without = true;
    CH_TRY(parse_numbers(p, number, &n));
    CH_TRY(parse_zone_words(p, &without));
    if (n == 2 || !without)
        return unsupported(p, start);
    if (number[0] > 9)
        return bad_precision(p, start, "TIME", number[0], "0 to 9");
    *out = ch_type_time((int)number[0]);
    return CH_OK;
}

static ch_status parse_timestamp(parser *p, int32_t start, bool ntz, bool bare, const ch_type **out)
{
    int64_t number[2] = {6, 0};
    int n;
    CH_TRY(parse_numbers(p, number, &n));
    if (bare)
        CH_TRY(parse_zone_words(p, &ntz));
    if (n == 2)
        return unsupported(p, start);
    if (number[0] != 6)
        return bad_precision(p, start, ntz ? "TIMESTAMP_NTZ" : "TIMESTAMP_LTZ", number[0], "6");
    *out = ch_type_of(ntz ? CH_TIMESTAMP_NTZ : CH_TIMESTAMP);
    return CH_OK;
}

static int accept_unit(parser *p, const char *const *unit, int from, int n)
{
    for (int i = from; i < n; i++)
        if (accept_word(p, unit[i]))
            return i;
    return -1;
}

static ch_status parse_interval(parser *p, int32_t start, const ch_type **out)
{
    for (int kind = 0; kind < 2; kind++) {
        const char *const *unit = kind ? DAY_TIME_UNIT : YEAR_MONTH_UNIT;
        int n = kind ? 4 : 2, from = accept_unit(p, unit, 0, n), to = from;
        if (from < 0)
            continue;
        if (is_word(p, "to")) {
            parser before = *p;
            advance(p);
            to = accept_unit(p, unit, from + 1, n);
            if (to < 0) {
                *p = before;
                return unexpected(p);
            }
        }
        *out = kind ? ch_type_day_time(from, to) : ch_type_year_month(from, to);
        return CH_OK;
    }
    int64_t number[2];
    int n;
    CH_TRY(parse_numbers(p, number, &n));
    if (n)
        return unsupported(p, start);
    *out = ch_type_of(CH_CALENDAR_INTERVAL);
    return CH_OK;
}

/* "unicode_ci" -> "UNICODE_CI"; NULL: no such collation. */
static const char *find_collation(const char *text, size_t len)
{
    static const char *const known[] = {
        "UTF8_BINARY",   "UTF8_LCASE",       "UNICODE",           "UNICODE_CI",
        "UNICODE_AI",    "UNICODE_CI_AI",    "UTF8_BINARY_RTRIM", "UTF8_LCASE_RTRIM",
        "UNICODE_RTRIM", "UNICODE_CI_RTRIM", "UNICODE_AI_RTRIM",  "UNICODE_CI_AI_RTRIM"};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strlen(known[i]) == len && strncasecmp(known[i], text, len) == 0)
            return known[i];
    return NULL;
}

static ch_status parse_string(parser *p, int32_t start, const ch_type **out)
{
    int64_t number[2];
    int n;
    CH_TRY(parse_numbers(p, number, &n));
    if (n)
        return unsupported(p, start);
    *out = CH_T_STRING;
    if (!accept_word(p, "collate"))
        return CH_OK;
    if (p->now.kind != WORD && p->now.kind != QUOTED)
        return unexpected(p);
    int32_t quote = p->now.kind == QUOTED;
    const char *text = p->text + p->now.start + quote;
    int len = (int)(p->now.stop - p->now.start - 2 * quote);
    const char *name = find_collation(text, (size_t)len);
    if (!name) {
        char *given = ch_arena_printf(p->arena, p->err, "%.*s", len, text);
        if (!given)
            return CH_E_MEMORY;
        (void)ch_error_set(p->err, CH_E_COLLATION_INVALID_NAME, "collationName", given, "proposals",
                           "UTF8_BINARY, UTF8_LCASE, UNICODE, UNICODE_CI", (const char *)0);
        ch_error_locate(p->err, p->text, p->now.start, p->now.stop);
        return CH_E_COLLATION_INVALID_NAME;
    }
    advance(p);
    *out = ch_type_string_collated(name);
    return CH_OK;
}

static ch_status parse_primitive(parser *p, const ch_type **out)
{
    int32_t start = p->now.start;
    if (p->now.kind == QUOTED) {
        advance(p);
        return unsupported(p, start);
    }
    if (p->now.kind != WORD)
        return unexpected(p);
    for (size_t i = 0; i < sizeof PLAIN_TYPES / sizeof *PLAIN_TYPES; i++) {
        if (!accept_word(p, PLAIN_TYPES[i].name))
            continue;
        int64_t number[2];
        int n;
        CH_TRY(parse_numbers(p, number, &n));
        if (n)
            return unsupported(p, start);
        *out = ch_type_of(PLAIN_TYPES[i].id);
        return CH_OK;
    }
    if (accept_word(p, "string"))
        return parse_string(p, start, out);
    if (accept_word(p, "decimal") || accept_word(p, "dec") || accept_word(p, "numeric"))
        return parse_decimal(p, start, out);
    if (accept_word(p, "timestamp"))
        return parse_timestamp(p, start, false, true, out);
    if (accept_word(p, "timestamp_ltz"))
        return parse_timestamp(p, start, false, false, out);
    if (accept_word(p, "timestamp_ntz"))
        return parse_timestamp(p, start, true, false, out);
    if (accept_word(p, "char") || accept_word(p, "character"))
        return parse_char(p, start, false, out);
    if (accept_word(p, "varchar"))
        return parse_char(p, start, true, out);
    if (accept_word(p, "time"))
        return parse_time(p, start, out);
    if (accept_word(p, "interval"))
        return parse_interval(p, start, out);
    advance(p);
    int64_t number[2];
    int n;
    CH_TRY(parse_numbers(p, number, &n));
    return unsupported(p, start);
}

/* ---- nested types and schemas ------------------------------------------------------------ */

static ch_status parse_type(parser *p, const ch_type **out);

static ch_status parse_name(parser *p, const char **out)
{
    token t = p->now;
    if (t.kind != WORD && t.kind != QUOTED)
        return unexpected(p);
    advance(p);
    if (t.kind == WORD && is_symbol(p, '-') && p->now.start == t.stop) {
        /* a-b: Spark knows what was meant */
        int32_t stop = t.stop;
        while (is_word_byte(p->text[stop]) || p->text[stop] == '-')
            stop++;
        char *ident =
            ch_arena_printf(p->arena, p->err, "%.*s", (int)(stop - t.start), p->text + t.start);
        if (!ident)
            return CH_E_MEMORY;
        (void)ch_error_set(p->err, CH_E_INVALID_IDENTIFIER, "ident", ident, (const char *)0);
        ch_error_locate(p->err, p->text, t.start, stop);
        return CH_E_INVALID_IDENTIFIER;
    }
    int32_t quote = t.kind == QUOTED;
    char *name = ch_arena_strn(p->arena, p->text + t.start + quote,
                               (size_t)(t.stop - t.start - 2 * quote), p->err);
    if (!name)
        return CH_E_MEMORY;
    char *to = name;
    for (const char *from = name; *from; from++) {
        *to++ = *from;
        from += quote && *from == '`'; /* the second of a pair */
    }
    *to = 0;
    *out = name;
    return CH_OK;
}

/* The string now read, without quotes and escapes, as {"comment":"..."}. */
static ch_status parse_comment(parser *p, const char **out)
{
    if (p->now.kind != STRING)
        return unexpected(p);
    const char *text = p->text;
    int32_t i = p->now.start, last = p->now.stop - 1;
    char quote = text[i];
    /* Every byte may need an escape of up to six. */
    char *json = ch_arena_alloc(p->arena, (size_t)(last - i) * 6 + 16, p->err);
    if (!json)
        return CH_E_MEMORY;
    char *to = stpcpy(json, "{\"comment\":\"");
    for (i++; i < last; i++) {
        char c = text[i];
        if (c == quote) {
            i++;
        } else if (c == '\\' && i + 1 < last) {
            c = text[++i];
            c = c == 'n' ? '\n' : c == 't' ? '\t' : c == 'r' ? '\r' : c == 'b' ? '\b' : c;
        }
        if (c == '"' || c == '\\') {
            *to++ = '\\';
            *to++ = c;
        } else if ((unsigned char)c < 0x20) {
            static const char hex[] = "0123456789abcdef";
            const char *letter = c == '\n' ? "n" : c == '\t' ? "t" : c == '\r' ? "r" : NULL;
            to = stpcpy(to, letter ? "\\" : "\\u00");
            *to++ = letter ? *letter : hex[(c >> 4) & 15];
            if (!letter)
                *to++ = hex[c & 15];
        } else {
            *to++ = c;
        }
    }
    strcpy(to, "\"}");
    *out = json;
    advance(p);
    return CH_OK;
}

/* Fields up to `close` (0: the end of the text), which is read too. */
static ch_status parse_fields(parser *p, char close, const ch_type **out)
{
    ch_field *field = NULL;
    int32_t n = 0, cap = 0;
    if (close && accept_symbol(p, close)) {
        *out = ch_type_struct(NULL, 0);
        return CH_OK;
    }
    do {
        if (n == cap) {
            ch_field *more;
            cap = cap ? cap * 2 : 8;
            CH_ARENA_ARRAY(more, p->arena, cap, p->err);
            if (n)
                memcpy(more, field, sizeof *more * (size_t)n);
            field = more;
        }
        ch_field *f = &field[n++];
        *f = (ch_field){.nullable = true};
        CH_TRY(parse_name(p, &f->name));
        if (close)
            (void)accept_symbol(p, ':');
        CH_TRY(parse_type(p, &f->type));
        if (accept_word(p, "not")) {
            if (!accept_word(p, "null"))
                return unexpected(p);
            f->nullable = false;
        }
        if (accept_word(p, "comment"))
            CH_TRY(parse_comment(p, &f->metadata));
    } while (accept_symbol(p, ','));
    if (close ? !accept_symbol(p, close) : p->now.kind != END)
        return unexpected(p);
    *out = ch_type_struct(field, n);
    return CH_OK;
}

/* ARRAY, MAP or STRUCT was just read; it began at start. */
static ch_status parse_nested(parser *p, ch_type_id id, int32_t start, const ch_type **out)
{
    if (!is_symbol(p, '<')) {
        ch_status status = id == CH_ARRAY ? CH_E_INCOMPLETE_ARRAY
                           : id == CH_MAP ? CH_E_INCOMPLETE_MAP
                                          : CH_E_INCOMPLETE_STRUCT;
        (void)ch_error_set(p->err, status, "elementType", "<INT>", (const char *)0);
        ch_error_locate(p->err, p->text, start, p->last_stop);
        return status;
    }
    if (p->depth == DEPTH_MAX)
        CH_FAIL(p->err, UNSUPPORTED, "feature", "A type nested more than 100 levels deep");
    if (p->depth++ == 0)
        p->outer = p->now;
    advance(p);
    if (id == CH_STRUCT) {
        CH_TRY(parse_fields(p, '>', out));
    } else {
        const ch_type *first, *second = NULL;
        CH_TRY(parse_type(p, &first));
        if (id == CH_MAP) {
            if (!accept_symbol(p, ','))
                return unexpected(p);
            CH_TRY(parse_type(p, &second));
        }
        if (!accept_symbol(p, '>'))
            return unexpected(p);
        *out = id == CH_MAP ? ch_type_map(first, second, true) : ch_type_array(first, true);
    }
    p->depth--;
    return CH_OK;
}

static ch_status parse_type(parser *p, const ch_type **out)
{
    int32_t start = p->now.start;
    *out = NULL;
    ch_status status = accept_word(p, "array")    ? parse_nested(p, CH_ARRAY, start, out)
                       : accept_word(p, "map")    ? parse_nested(p, CH_MAP, start, out)
                       : accept_word(p, "struct") ? parse_nested(p, CH_STRUCT, start, out)
                                                  : parse_primitive(p, out);
    if (status == CH_OK && !*out)
        status = ch_error_memory(p->err, "types", 0, 0);
    return status;
}

/* ---- doors ------------------------------------------------------------------------------- */

typedef enum wanted { WHOLE, PREFIX, SCHEMA } wanted;

static ch_status parse(const char *text, int32_t start, wanted what, int32_t *stop,
                       const ch_type **out, ch_error *err)
{
    *out = NULL;
    ch_mem *mem = ch_mem_new(NULL, "type text", 0);
    if (!mem)
        return ch_error_memory(err, "type text", 0, 0);
    ch_arena arena;
    ch_arena_init(&arena, mem);
    parser p = {.text = text, .now = {.stop = start}, .arena = &arena, .err = err};
    ch_status status;
    advance(&p);
    if (p.now.kind == END && what != PREFIX) {
        status = ch_error_set(err, CH_E_PARSE_EMPTY_STATEMENT, (const char *)0);
        ch_error_locate(err, text, 0, 0);
    } else if (what == SCHEMA) {
        status = parse_fields(&p, 0, out);
        if (status == CH_OK && !*out)
            status = ch_error_memory(err, "types", 0, 0);
    } else {
        status = parse_type(&p, out);
        *stop = p.last_stop;
        if (status == CH_OK && what == WHOLE && p.now.kind != END)
            status = unexpected(&p);
    }
    if (status != CH_OK)
        *out = NULL;
    ch_arena_release(&arena);
    ch_mem_close(mem);
    return status;
}

ch_status ch_type_parse(const char *text, const ch_type **out, ch_error *err)
{
    int32_t stop;
    return parse(text, 0, WHOLE, &stop, out, err);
}

ch_status ch_type_parse_ddl(const char *text, const ch_type **out, ch_error *err)
{
    int32_t stop;
    return parse(text, 0, SCHEMA, &stop, out, err);
}

ch_status ch_type_parse_prefix(const char *sql, int32_t start, int32_t *stop, const ch_type **out,
                               ch_error *err)
{
    return parse(sql, start, PREFIX, stop, out, err);
}
