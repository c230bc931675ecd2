/* SPDX-License-Identifier: Apache-2.0 */
/* program.c - see program.h. */
#include "pipelines/program.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- errors ------------------------------------------------------------------------------ */

int chert_fail(chert_error *err, const char *error_class, const char *sqlstate, const char *format,
               ...)
{
    char *message, *text;
    va_list args;
    if (err->code)
        return err->code;
    err->code = 1;
    err->error_class = error_class;
    err->sqlstate = sqlstate;
    va_start(args, format);
    if (vasprintf(&message, format, args) >= 0) {
        if (asprintf(&text, "[%s] %s. SQLSTATE: %s", error_class, message, sqlstate) >= 0)
            err->text = text;
        free(message);
    }
    va_end(args);
    return err->code;
}

int chert_fail_io(chert_error *err, const char *action, const char *path)
{
    int why = errno;
    const char *error_class = "IO_ERROR", *sqlstate = "58030";
    if (why == ENOSPC || why == EFBIG || why == EDQUOT) {
        error_class = "DISK_FULL";
        sqlstate = "53100";
    } else if (why == ENOENT) {
        error_class = "PATH_NOT_FOUND";
        sqlstate = "42K03";
    }
    return chert_fail(err, error_class, sqlstate, "Cannot %s '%s': %s", action, path,
                      strerror(why));
}

/* ---- texts and paths ------------------------------------------------------------------------------- */

char *chert_print(const char *format, ...)
{
    char *text;
    va_list args;
    va_start(args, format);
    int n = vasprintf(&text, format, args);
    va_end(args);
    return n < 0 ? NULL : text;
}

char *chert_path(const char *folder, const char *name)
{
    size_t n = strlen(folder);
    return chert_print("%s%s%s", folder, n && folder[n - 1] == '/' ? "" : "/", name);
}

void chert_remove_folder(const char *folder)
{
    DIR *dir = opendir(folder);
    for (struct dirent *e; dir && (e = readdir(dir)) != NULL;)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            unlinkat(dirfd(dir), e->d_name, 0);
    if (dir)
        closedir(dir);
    rmdir(folder);
}

/* ---- settings ---------------------------------------------------------------------------- */

static char *trim(char *text)
{
    while (isspace((unsigned char)*text))
        text++;
    size_t n = strlen(text);
    while (n > 0 && isspace((unsigned char)text[n - 1]))
        text[--n] = 0;
    return text;
}

/* What stands between quotes, or before a '#' behind a space. NULL: a quote does not end. */
static char *value_of(char *text)
{
    char quote = *text;
    if (quote == '"' || quote == '\'') {
        char *end = strchr(text + 1, quote);
        if (!end)
            return NULL;
        *end = 0;
        return text + 1;
    }
    for (char *p = text; *p; p++)
        if (*p == '#' && (p == text || isspace((unsigned char)p[-1]))) {
            *p = 0;
            break;
        }
    return trim(text);
}

static int add_setting(chert_settings *s, const char *name, const char *value)
{
    size_t n = (size_t)s->n + 1;
    char **names = realloc(s->name, n * sizeof *names);
    if (names)
        s->name = names;
    char **values = realloc(s->value, n * sizeof *values);
    if (values)
        s->value = values;
    char *a = strdup(name), *b = strdup(value);
    if (!names || !values || !a || !b) {
        free(a);
        free(b);
        return -1;
    }
    s->name[s->n] = a;
    s->value[s->n++] = b;
    return 0;
}

static int read_line(chert_settings *s, char *line, const char *path, int number, chert_error *err)
{
    char *name = trim(line);
    if (*name == 0 || *name == '#')
        return 0;
    if (strncmp(name, "export ", 7) == 0)
        name = trim(name + 7);
    char *value = strchr(name, '=');
    if (!value)
        return chert_fail(err, "INVALID_CONFIG", "42616", "'%s', line %d: expected NAME=VALUE",
                          path, number);
    *value++ = 0;
    value = value_of(trim(value));
    name = trim(name);
    if (!value)
        return chert_fail(err, "INVALID_CONFIG", "42616",
                          "'%s', line %d: the quotes around %s do not end", path, number, name);
    if (add_setting(s, name, value) != 0)
        return chert_fail(err, "OUT_OF_MEMORY", "53200", "No memory for settings");
    return 0;
}

int chert_settings_read(chert_settings *settings, const char *path, chert_error *err)
{
    FILE *in = fopen(path, "r");
    char *line = NULL;
    size_t cap = 0;
    int failed = 0;
    *settings = (chert_settings){0};
    if (!in)
        return errno == ENOENT ? 0 : chert_fail_io(err, "read", path);
    for (int number = 1; !failed && getline(&line, &cap, in) >= 0; number++)
        failed = read_line(settings, line, path, number, err);
    if (!failed && ferror(in))
        failed = chert_fail_io(err, "read", path);
    free(line);
    fclose(in);
    return failed;
}

const char *chert_setting(const chert_settings *settings, const char *name)
{
    const char *value = getenv(name);
    for (int i = settings->n - 1; !value && i >= 0; i--)
        if (strcmp(settings->name[i], name) == 0)
            value = settings->value[i];
    return value && *value ? value : NULL;
}

void chert_settings_free(chert_settings *settings)
{
    for (int i = 0; i < settings->n; i++) {
        free(settings->name[i]);
        free(settings->value[i]);
    }
    free(settings->name);
    free(settings->value);
    *settings = (chert_settings){0};
}
