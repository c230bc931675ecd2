/* SPDX-License-Identifier: Apache-2.0 */
/*
 * status.c - errors: set once at the origin, printed at the door.
 *
 * Everything here uses plain malloc, not an account: an error must be told even
 * when the account that failed is the one that would pay for the telling. Where
 * malloc itself fails the text is left out and the code still says what
 * happened.
 */
#include "base/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/redact.h"

typedef struct error_row {
    const char *sqlstate, *cls, *message;
} error_row;

static const error_row ROWS[] = {
    {"00000", "", ""},
#define CH_ERROR(code, sqlstate, cls, message) {sqlstate, cls, message},
#include "base/errors.def"
#undef CH_ERROR
};

/* Errors of the run that Spark tells the place of. */
static const ch_status WITH_PLACE[] = {
    CH_E_DIVIDE_BY_ZERO,        CH_E_REMAINDER_BY_ZERO,
    CH_E_ARITHMETIC_OVERFLOW,   CH_E_CAST_INVALID_INPUT,
    CH_E_INVALID_ARRAY_INDEX,   CH_E_INVALID_ARRAY_INDEX_IN_ELEMENT_AT,
    CH_E_INVALID_INDEX_OF_ZERO, CH_E_NUMERIC_VALUE_OUT_OF_RANGE,
    CH_E_INTERVAL_OVERFLOW,     CH_E_SCALAR_SUBQUERY_TOO_MANY_ROWS,
};

const char *ch_status_class(ch_status code)
{
    return (unsigned)code < CH_STATUS_COUNT ? ROWS[code].cls : "INTERNAL_ERROR";
}

const char *ch_status_sqlstate(ch_status code)
{
    return (unsigned)code < CH_STATUS_COUNT ? ROWS[code].sqlstate : "XX000";
}

const char *ch_error_param(const ch_error *err, const char *name)
{
    for (int i = 0; i < err->n_params; i++)
        if (err->param[i].name && strcmp(err->param[i].name, name) == 0)
            return err->param[i].value;
    return NULL;
}

/* Value for a template place [name, name + len), or NULL. */
static const char *param_at(const ch_error *err, const char *name, size_t len)
{
    for (int i = 0; i < err->n_params; i++) {
        const char *n = err->param[i].name;
        if (n && strlen(n) == len && memcmp(n, name, len) == 0)
            return err->param[i].value ? err->param[i].value : "";
    }
    return NULL;
}

/* Fills the template's <name> places; with out NULL only measures. */
static size_t expand(const ch_error *err, const char *template, char *out)
{
    size_t n = 0;
    for (const char *p = template; *p;) {
        const char *close = *p == '<' ? strchr(p, '>') : NULL;
        const char *value = close ? param_at(err, p + 1, (size_t)(close - p - 1)) : NULL;
        if (value) {
            size_t len = strlen(value);
            if (out)
                memcpy(out + n, value, len);
            n += len;
            p = close + 1;
        } else {
            if (out)
                out[n] = *p;
            n++;
            p++;
        }
    }
    if (out)
        out[n] = 0;
    return n;
}

ch_status ch_error_set(ch_error *err, ch_status code, ...)
{
    if (!err || err->code != CH_OK)
        return code;
    err->code = code;
    va_list ap;
    va_start(ap, code);
    for (const char *name; (name = va_arg(ap, const char *)) != NULL;) {
        const char *value = va_arg(ap, const char *);
        if (err->n_params == CH_ERROR_MAX_PARAMS)
            continue;
        err->param[err->n_params].name = strdup(name);
        err->param[err->n_params].value = strdup(value ? value : "");
        err->n_params++;
    }
    va_end(ap);
    const char *template = (unsigned)code < CH_STATUS_COUNT ? ROWS[code].message : "";
    err->message = malloc(expand(err, template, NULL) + 1);
    if (err->message)
        expand(err, template, err->message);
    return code;
}

ch_status ch_error_memory(ch_error *err, const char *account, int64_t bytes, int64_t limit)
{
    char more[32], most[32];
    bool known = limit > 0 && limit < INT64_MAX;
    return ch_error_set(err, CH_E_MEMORY, "account", account, "bytes",
                        bytes < INT64_MAX ? ch_fmt_bytes(more, bytes) : "far", "limit",
                        known ? ch_fmt_bytes(most, limit) : "this system", (const char *)0);
}

void ch_error_did_you_mean(ch_error *err, const char *name, const char *quote)
{
    size_t size = name ? strlen(name) + 2 * strlen(quote) + 32 : 0;
    if (!err || err->code == CH_OK || err->hint || !name)
        return;
    err->hint = malloc(size);
    if (err->hint)
        snprintf(err->hint, size, "Did you mean %s%s%s?", quote, name, quote);
}

void ch_error_locate(ch_error *err, const char *sql, int32_t start, int32_t stop)
{
    if (!err || err->line || !sql || start < 0)
        return;
    int32_t line = 1, column = 1;
    for (int32_t i = 0; i < start && sql[i]; i++) {
        if (sql[i] == '\n') {
            line++;
            column = 1;
        } else if (((unsigned char)sql[i] & 0xC0) != 0x80) {
            column++;
        }
    }
    err->line = line;
    err->column = column;
    err->start = start;
    err->stop = stop > start ? stop : start;
    err->sql = strdup(sql);
    if (err->sql)
        ch_redact_sql(err->sql);
}

void ch_error_locate_value(ch_error *err, const char *sql, int32_t start, int32_t stop)
{
    if (!err || err->line || !sql || start < 0)
        return;
    for (size_t i = 0; i < sizeof WITH_PLACE / sizeof *WITH_PLACE; i++)
        if (err->code == WITH_PLACE[i]) {
            ch_error_locate(err, sql, start, stop);
            err->at_run = true;
        }
}

/* ---- the text ---- */

static bool is_char(char c)
{
    return ((unsigned char)c & 0xC0) != 0x80;
}

/*
 * Of [from, to) within its line: where `most` characters before or behind it end. *cut says that the line
 * goes on.
 */
static const char *some_before(const char *sql, const char *from, int most, bool *cut)
{
    const char *p = from;
    while (p > sql && p[-1] != '\n' && (most > 0 || !is_char(*p))) {
        p--;
        most -= is_char(*p);
    }
    *cut = p > sql && p[-1] != '\n';
    return p;
}

static const char *some_behind(const char *to, int most, bool *cut)
{
    while (*to && *to != '\n' && (most > 0 || !is_char(*to))) {
        to++;
        most -= is_char(*to) || !*to;
    }
    *cut = *to && *to != '\n';
    return to;
}

/*
 * Spark's SQLQueryContext: the lines of the expression, at most 32 characters around it, and below each
 * what is meant.
 *
 *   == SQL (line 1, position 8) ==
 *   SELECT 1/0
 *          ^^^
 */
static void write_context(const ch_error *err, FILE *out)
{
    enum { AROUND = 32 };
    const char *start = err->sql + err->start, *stop = err->sql + err->stop;
    bool cut_before, cut_behind;
    const char *from = some_before(err->sql, start, AROUND, &cut_before);
    const char *to = some_behind(stop, AROUND, &cut_behind);
    fprintf(out, "\n== SQL (line %d, position %d) ==\n", err->line, err->column);
    const char *dots = cut_before ? "..." : "";
    for (const char *line = from; line < to; dots = "") {
        const char *end = memchr(line, '\n', (size_t)(to - line));
        end = end ? end : to;
        fprintf(out, "%s%.*s%s\n%*s", dots, (int)(end - line), line,
                end == to && cut_behind ? "..." : "", (int)strlen(dots), "");
        for (const char *c = line; c < end && c < stop; c++)
            if (is_char(*c))
                fputc(c < start ? ' ' : '^', out);
        line = end + (end < to);
        if (line < to)
            fputc('\n', out);
    }
}

/*
 * The statement, and below the line at fault an arrow: ----^^^. Of a long statement only some lines, of
 * long lines only a part.
 */
static void write_statement(const ch_error *err, FILE *out)
{
    enum { WHOLE = 8192, AROUND = 200, LINES = 3 };
    const char *sql = err->sql, *at = sql + err->start;
    fprintf(out, " (line %d, pos %d)\n\n== SQL ==\n", err->line, err->column - 1);
    bool whole = strnlen(sql, WHOLE + 1) <= WHOLE, cut = false, cut_behind = false;
    const char *line = some_before(sql, at, INT32_MAX, &cut), *first = sql, *behind;
    size_t column = (size_t)err->column - 1;
    if (whole) {
        behind = line + strcspn(line, "\n");
        fprintf(out, "%.*s\n", (int)(behind - first), first);
    } else {
        const char *from = some_before(sql, at, AROUND, &cut);
        behind = some_behind(at, AROUND, &cut_behind);
        column = cut ? 3 : 0;
        for (const char *c = from; c < at; c++)
            column += is_char(*c);
        fprintf(out, "%s%s%.*s%s\n", line > sql ? "...\n" : "", cut ? "..." : "",
                (int)(behind - from), from, cut_behind ? "..." : "");
    }
    for (size_t i = 0; i < column; i++)
        fputc('-', out);
    fprintf(out, "^^^%s", whole ? behind : *behind ? "\n..." : "");
}

char *ch_error_text(const ch_error *err)
{
    const char *message = err->message ? err->message : "No memory was left to say more.";
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    if (!out)
        return NULL;
    fprintf(out, "[%s] %s SQLSTATE: %s", ch_status_class(err->code), message,
            ch_status_sqlstate(err->code));
    if (err->line && err->sql && err->at_run)
        write_context(err, out);
    else if (err->line && err->sql)
        write_statement(err, out);
    if (err->hint)
        fprintf(out, "\n%s", err->hint);
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

ch_status ch_error_pass(ch_error *err, ch_error *own)
{
    ch_status code = own->code;
    if (err && err->code == CH_OK) {
        *err = *own;
        *own = (ch_error){0};
    }
    ch_error_release(own);
    return code;
}

void ch_error_release(ch_error *err)
{
    for (int i = 0; i < err->n_params; i++) {
        free(err->param[i].name);
        free(err->param[i].value);
    }
    free(err->message);
    free(err->sql);
    free(err->hint);
    *err = (ch_error){0};
}

char *ch_fmt_bytes(char out[32], int64_t bytes)
{
    static const char *const UNIT[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
    double value = (double)bytes;
    int u = 0;
    for (; value >= 1024 && u < 5; u++)
        value /= 1024;
    snprintf(out, 32, u == 0 || value >= 100 ? "%.0f %s" : "%.1f %s", value, UNIT[u]);
    return out;
}

char *ch_fmt_i64(char out[24], int64_t value)
{
    snprintf(out, 24, "%lld", (long long)value);
    return out;
}
