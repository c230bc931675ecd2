/* SPDX-License-Identifier: Apache-2.0 */
/* format.c - the table of formats, and options read by their tables. */
#include "format/format.h"

#include <errno.h>
#include <stdlib.h>
#include <strings.h>

#define CH_FORMAT(name) extern const ch_format ch_format_##name;
#define CH_SOURCE(name) CH_FORMAT(name)
#include "builtin/formats.def"
#include "builtin/sources.def"
#undef CH_FORMAT

static const ch_format *const FORMAT[] = {
#define CH_FORMAT(name) &ch_format_##name,
#include "builtin/formats.def"
#include "builtin/sources.def"
#undef CH_FORMAT
#undef CH_SOURCE
    NULL,
};

const ch_format *ch_format_at(int i)
{
    int n = (int)(sizeof FORMAT / sizeof *FORMAT) - 1;
    return i >= 0 && i < n ? FORMAT[i] : NULL;
}

const ch_format *ch_format_find(const char *name)
{
    for (int i = 0; FORMAT[i]; i++)
        if (strcasecmp(FORMAT[i]->name, name) == 0)
            return FORMAT[i];
    return NULL;
}

const char *ch_formats_known(ch_arena *arena, bool written)
{
    const char *text = "";
    for (int i = 0; FORMAT[i] && text; i++)
        if (!written || FORMAT[i]->create)
            text = ch_arena_printf(arena, NULL, "%s%s%s", text, *text ? ", " : "", FORMAT[i]->name);
    return text ? text : "";
}

/* ---- options -------------------------------------------------------------------------------- */

static ch_status refuse(const ch_option *o, const char *value, ch_error *err)
{
    CH_FAIL(err, INVALID_OPTION, "name", o->name, "value", value, "expected",
            o->expected ? o->expected : "another value");
}

static bool is_one_of(const char *words, const char *value)
{
    size_t len = strlen(value);
    for (const char *w = words; w;) {
        const char *end = strchr(w, '|');
        size_t n = end ? (size_t)(end - w) : strlen(w);
        if (n == len && strncasecmp(w, value, n) == 0)
            return true;
        w = end ? end + 1 : NULL;
    }
    return false;
}

/* At most one character of UTF-8, or an escape of one. */
static bool is_character(const char *v)
{
    size_t n = 0;
    if (v[0] == '\\' && v[1])
        return !v[2] || strcmp(v, "\\u0000") == 0 || (v[1] == 'u' && strlen(v) == 6);
    for (; *v; v++)
        n += ((uint8_t)*v & 0xC0) != 0x80;
    return n <= 1;
}

static bool fits(const ch_option *o, const char *v)
{
    char *end;
    errno = 0;
    switch (o->type) {
    case CH_OPT_CHAR:
        return is_character(v);
    case CH_OPT_BOOL:
        return strcasecmp(v, "true") == 0 || strcasecmp(v, "false") == 0;
    case CH_OPT_INT:
        (void)strtoll(v, &end, 10);
        return *v && !*end && !errno;
    case CH_OPT_DOUBLE:
        (void)strtod(v, &end);
        return *v && !*end;
    case CH_OPT_ENUM:
        return is_one_of(o->expected, v);
    default:
        return true;
    }
}

ch_status ch_option_text(const ch_option *table, const ch_strmap *options, const char *name,
                         const char **out, ch_error *err)
{
    const ch_option *o = table;
    *out = NULL;
    while (o->name && strcasecmp(o->name, name) != 0)
        o++;
    if (!o->name)
        CH_FAIL(err, INTERNAL, "message", name);
    *out = ch_strmap_get(options, name);
    if (!*out)
        *out = o->fallback;
    return !*out || fits(o, *out) ? CH_OK : refuse(o, *out, err);
}

ch_status ch_option_bool(const ch_option *table, const ch_strmap *options, const char *name,
                         bool *out, ch_error *err)
{
    const char *v;
    *out = false;
    CH_TRY(ch_option_text(table, options, name, &v, err));
    *out = v && strcasecmp(v, "true") == 0;
    return CH_OK;
}

ch_status ch_option_int(const ch_option *table, const ch_strmap *options, const char *name,
                        int64_t *out, ch_error *err)
{
    const char *v;
    *out = 0;
    CH_TRY(ch_option_text(table, options, name, &v, err));
    *out = v ? strtoll(v, NULL, 10) : 0;
    return CH_OK;
}
