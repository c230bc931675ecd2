/* SPDX-License-Identifier: Apache-2.0 */
/* submit_conf.c - the list of settings, and java.util.Properties' line format as its documentation has it. */
#include "cli/submit_conf.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char **find(const ch_submit_conf *conf, const char *key, size_t len)
{
    for (int i = 0; i < conf->n; i += 2)
        if (strncmp(conf->pair[i], key, len) == 0 && !conf->pair[i][len])
            return &conf->pair[i + 1];
    return NULL;
}

bool ch_submit_conf_set(ch_submit_conf *conf, const char *key, size_t key_len, const char *value,
                        bool keep)
{
    char **old = find(conf, key, key_len);
    if (old && keep)
        return true;
    char *text = strdup(value);
    if (old && text) {
        free(*old);
        *old = text;
        return true;
    }
    char **more = text ? realloc(conf->pair, sizeof *more * (size_t)(conf->n + 2)) : NULL;
    char *name = more ? strndup(key, key_len) : NULL;
    if (more)
        conf->pair = more;
    if (!name) {
        free(text);
        return false;
    }
    conf->pair[conf->n++] = name;
    conf->pair[conf->n++] = text;
    return true;
}

const char *ch_submit_conf_get(const ch_submit_conf *conf, const char *key)
{
    char **value = find(conf, key, strlen(key));
    return value ? *value : NULL;
}

void ch_submit_conf_release(ch_submit_conf *conf)
{
    for (int i = 0; i < conf->n; i++)
        free(conf->pair[i]);
    free(conf->pair);
    *conf = (ch_submit_conf){0};
}

/* ---- properties ---------------------------------------------------------------------------- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\f';
}

static bool ends_line(char c)
{
    return c == '\n' || c == '\r' || !c;
}

/* Drops each backslash before a line's end, the end itself, and the blanks that the next line begins with; in place. A
 * comment ends with its line. */
static void join_lines(char *text)
{
    char *to = text;
    bool fresh = true, comment = false;
    for (char *at = text; *at;) {
        if (fresh && (*at == '#' || *at == '!'))
            comment = true;
        fresh = ends_line(*at) || (fresh && is_blank(*at));
        comment = comment && !ends_line(*at);
        if (*at != '\\' || comment) {
            *to++ = *at++;
        } else if (at[1] == '\n' || at[1] == '\r') {
            at += at[1] == '\r' && at[2] == '\n' ? 3 : 2;
            while (is_blank(*at))
                at++;
        } else {
            *to++ = *at++;
            if (*at)
                *to++ = *at++;
        }
    }
    *to = 0;
}

static int hex4(const char *s)
{
    int code = 0;
    for (int i = 0; i < 4; i++) {
        int digit = s[i] >= '0' && s[i] <= '9'                     ? s[i] - '0'
                    : (s[i] | 0x20) >= 'a' && (s[i] | 0x20) <= 'f' ? (s[i] | 0x20) - 'a' + 10
                                                                   : -1;
        if (digit < 0)
            return -1;
        code = code * 16 + digit;
    }
    return code;
}

static char *put_utf8(char *to, uint32_t code)
{
    if (code < 0x80) {
        *to++ = (char)code;
    } else if (code < 0x800) {
        *to++ = (char)(0xc0 | code >> 6);
        *to++ = (char)(0x80 | (code & 63));
    } else {
        *to++ = (char)(0xe0 | code >> 12);
        *to++ = (char)(0x80 | (code >> 6 & 63));
        *to++ = (char)(0x80 | (code & 63));
    }
    return to;
}

/* Takes escapes out of text, in place. A \u pair of surrogates is not put together: no setting has one. */
static void unescape(char *text)
{
    char *to = text;
    for (char *at = text; *at;) {
        if (*at != '\\' || !at[1]) {
            *to++ = *at++;
            continue;
        }
        int code = at[1] == 'u' ? hex4(at + 2) : -1;
        if (code > 0) {
            to = put_utf8(to, (uint32_t)code);
            at += 6;
            continue;
        }
        static const char FROM[] = "tnrf", TO[] = "\t\n\r\f";
        const char *known = strchr(FROM, at[1]);
        *to++ = known ? TO[known - FROM] : at[1];
        at += 2;
    }
    *to = 0;
}

/* One line, ended by NUL: key, blanks or = or :, value. */
static int read_line(ch_submit_conf *conf, char *line, char **ignored)
{
    while (is_blank(*line))
        line++;
    if (!*line || *line == '#' || *line == '!')
        return 0;
    char *end = line;
    while (*end && !is_blank(*end) && *end != '=' && *end != ':')
        end += *end == '\\' && end[1] ? 2 : 1;
    char *value = end;
    while (is_blank(*value))
        value++;
    if (*value == '=' || *value == ':')
        value++;
    while (is_blank(*value))
        value++;
    for (char *last = value + strlen(value); last > value && is_blank(last[-1]);)
        *--last = 0; /* Spark trims */
    *end = 0;
    unescape(line);
    unescape(value);
    if (strncmp(line, "spark.", 6) == 0)
        return ch_submit_conf_set(conf, line, strlen(line), value, false) ? 0 : ENOMEM;
    if (!*ignored)
        *ignored = strdup(line);
    return 0;
}

/* The file's bytes and a NUL; NULL with errno. */
static char *read_file(const char *path)
{
    FILE *in = fopen(path, "rb");
    if (!in)
        return NULL;
    char *text = NULL;
    size_t n = 0, cap = 0, got;
    do {
        if (n + 1 >= cap) {
            cap = cap ? cap * 2 : 8192;
            char *more = realloc(text, cap);
            if (!more) {
                errno = ENOMEM;
                break;
            }
            text = more;
        }
        errno = 0;
        got = fread(text + n, 1, cap - n - 1, in);
        n += got;
    } while (got);
    int why = errno;
    fclose(in);
    if (why) {
        free(text);
        errno = why;
        return NULL;
    }
    text[n] = 0;
    return text;
}

int ch_submit_conf_read(ch_submit_conf *conf, const char *path, char **ignored)
{
    ch_submit_conf file = {0};
    *ignored = NULL;
    char *text = read_file(path);
    if (!text)
        return errno;
    join_lines(text);
    int failed = 0;
    for (char *line = text; line && !failed;) {
        char *end = line + strcspn(line, "\r\n");
        char *next = *end ? end + 1 : NULL;
        *end = 0;
        failed = read_line(&file, line, ignored);
        line = next;
    }
    for (int i = 0; i < file.n && !failed; i += 2)
        if (!ch_submit_conf_set(conf, file.pair[i], strlen(file.pair[i]), file.pair[i + 1], true))
            failed = ENOMEM;
    ch_submit_conf_release(&file);
    free(text);
    return failed;
}
