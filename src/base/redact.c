/* SPDX-License-Identifier: Apache-2.0 */
/* redact.c - secrets do not leave: not in errors, not in descriptions of tables. */
#include "base/redact.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>

static const char *const WORD[] = {"secret", "password", "token", "accesskey", "access.key"};

/* Bytes of a secret's word that begins here; 0: none does. */
static size_t word_at(const char *text)
{
    for (size_t i = 0; i < sizeof WORD / sizeof *WORD; i++)
        if (strncasecmp(text, WORD[i], strlen(WORD[i])) == 0)
            return strlen(WORD[i]);
    return 0;
}

bool ch_is_secret(const char *text)
{
    for (; *text; text++)
        if (word_at(text))
            return true;
    return false;
}

const char *ch_redact_option(const char *key, const char *value)
{
    return strcasestr(key, "url") || ch_is_secret(key) || ch_is_secret(value) ? CH_REDACTED : value;
}

static char *blanks(char *text)
{
    while (isspace((unsigned char)*text))
        text++;
    return text;
}

/* What stands behind the word: 'value', = 'value', =value. */
static char *hide_value(char *text)
{
    while (isalnum((unsigned char)*text) || *text == '_' || *text == '.')
        text++;
    if (*text == '\'' || *text == '"' || *text == '`')
        text++;
    text = blanks(text);
    bool equals = *text == '=';
    if (equals)
        text = blanks(text + 1);
    if (*text == '\'' || *text == '"') {
        char quote = *text++;
        for (; *text && *text != quote; text++) {
            if (*text == '\\' && text[1])
                *text++ = '*';
            *text = '*';
        }
    } else if (equals) {
        while (*text && !strchr("&'\" \t\r\n);,", *text))
            *text++ = '*';
    }
    return text;
}

/* //user:password@ */
static void hide_user_info(char *text)
{
    for (char *at = strstr(text, "//"); at; at = strstr(at + 2, "//")) {
        size_t len = strcspn(at + 2, "'\" \t\r\n"); /* a password may have a slash */
        char *end = at + 2 + len, *colon = memchr(at + 2, ':', len);
        while (end > at + 2 && *end != '@')
            end--;
        for (char *c = colon && *end == '@' && colon < end ? colon + 1 : end; c < end; c++)
            *c = '*';
    }
}

void ch_redact_sql(char *sql)
{
    if (!strcasestr(sql, "jdbc:"))
        return;
    for (char *at = sql; *at;) {
        size_t len = word_at(at);
        at = len ? hide_value(at + len) : at + 1;
    }
    hide_user_info(sql);
}
