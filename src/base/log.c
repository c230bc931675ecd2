/* SPDX-License-Identifier: Apache-2.0 */
/* log.c - one line per event, built on the stack, cut at 4 KiB. */
#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/clock.h"

static const char *const NAMES[] = {"debug", "info", "warn", "error", "off"};
static const char *const LABELS[] = {"DEBUG", "INFO", "WARN", "ERROR", "OFF"};

#define LEVEL_UNSET (-1)
static _Atomic int current = LEVEL_UNSET;

int ch_log_level_of(const char *name)
{
    for (int i = 0; i <= CH_LOG_OFF; i++)
        if (strcasecmp(name, NAMES[i]) == 0)
            return i;
    return -1;
}

void ch_log_set_level(ch_log_level level)
{
    atomic_store(&current, (int)level);
}

ch_log_level ch_log_get_level(void)
{
    int level = atomic_load_explicit(&current, memory_order_relaxed);
    if (level == LEVEL_UNSET) {
        const char *env = getenv("CHERT_LOG");
        level = env ? ch_log_level_of(env) : CH_LOG_WARN;
        if (level < 0)
            level = CH_LOG_WARN;
        atomic_store(&current, level);
    }
    return (ch_log_level)level;
}

static size_t add(char *line, size_t cap, size_t n, const char *text)
{
    size_t len = strlen(text);
    if (len > cap - n)
        len = cap - n;
    memcpy(line + n, text, len);
    return n + len;
}

static size_t add_value(char *line, size_t cap, size_t n, const char *value)
{
    if (*value && !strpbrk(value, " \t\n\"="))
        return add(line, cap, n, value);
    n = add(line, cap, n, "\"");
    for (; *value; value++) {
        char text[3] = {'\\', *value, 0};
        if (*value == '\n')
            text[1] = 'n';
        bool escaped = *value == '"' || *value == '\\' || *value == '\n';
        n = add(line, cap, n, escaped ? text : text + 1);
    }
    return add(line, cap, n, "\"");
}

void ch_log_write(ch_log_level level, const char *room, const char *event, ...)
{
    char line[4096];
    const size_t cap = sizeof line - 1; /* the newline always fits */
    int64_t now = ch_now_us();
    time_t seconds = (time_t)(now / 1000000);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    size_t n = strftime(line, cap, "%Y-%m-%dT%H:%M:%S", &tm);
    n += (size_t)snprintf(line + n, cap - n, ".%03dZ %s %s %s", (int)(now / 1000 % 1000),
                          LABELS[level], room, event);
    va_list ap;
    va_start(ap, event);
    for (const char *key; (key = va_arg(ap, const char *)) != NULL;) {
        const char *value = va_arg(ap, const char *);
        n = add(line, cap, n, " ");
        n = add(line, cap, n, key);
        n = add(line, cap, n, "=");
        n = add_value(line, cap, n, value ? value : "");
    }
    va_end(ap);
    line[n++] = '\n';
    if (write(STDERR_FILENO, line, n) < 0)
        return; /* nowhere left to say so */
}
