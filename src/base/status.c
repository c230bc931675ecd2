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

typedef struct error_row {
    const char *sqlstate, *cls, *message;
} error_row;

static const error_row ROWS[] = {
    {"00000", "", ""},
#define CH_ERROR(code, sqlstate, cls, message) {sqlstate, cls, message},
#include "base/errors.def"
#undef CH_ERROR
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
    return ch_error_set(err, CH_E_MEMORY, "account", account, "bytes", CH_I64(bytes), "limit",
                        CH_I64(limit), (const char *)0);
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
}

char *ch_error_text(const ch_error *err)
{
    const char *message = err->message ? err->message : "No memory was left to say more.";
    size_t column = err->line ? (size_t)err->column - 1 : 0;
    size_t cap = strlen(message) + 256 + (err->sql ? strlen(err->sql) + column : 0);
    char *text = malloc(cap);
    if (!text)
        return NULL;
    int n = snprintf(text, cap, "[%s] %s SQLSTATE: %s", ch_status_class(err->code), message,
                     ch_status_sqlstate(err->code));
    if (!err->line || !err->sql)
        return text;
    /* The statement, and below the line at fault an arrow: ----^^^ */
    n += snprintf(text + n, cap - (size_t)n, " (line %d, pos %d)\n\n== SQL ==\n", err->line,
                  err->column - 1);
    const char *below = err->sql;
    for (int32_t l = 0; l < err->line && *below; l++)
        below += strcspn(below, "\n") + (strchr(below, '\n') && l + 1 < err->line);
    char *p = mempcpy(text + n, err->sql, (size_t)(below - err->sql));
    *p++ = '\n';
    p = (char *)memset(p, '-', column) + column;
    p = stpcpy(p, "^^^");
    strcpy(p, below);
    return text;
}

void ch_error_release(ch_error *err)
{
    for (int i = 0; i < err->n_params; i++) {
        free(err->param[i].name);
        free(err->param[i].value);
    }
    free(err->message);
    free(err->sql);
    *err = (ch_error){0};
}

char *ch_fmt_i64(char out[24], int64_t value)
{
    snprintf(out, 24, "%lld", (long long)value);
    return out;
}
