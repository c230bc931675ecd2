/* SPDX-License-Identifier: Apache-2.0 */
/* print_name.c - names as SQL writes them. */
#include <ctype.h>

#include "plan/print.h"

static bool is_plain_name(const char *name)
{
    bool digits = true;
    for (const char *c = name; *c; c++) {
        if (!isalnum((unsigned char)*c) && *c != '_')
            return false;
        digits &= isdigit((unsigned char)*c) != 0;
    }
    return *name && !digits;
}

static ch_status put_quoted(ch_buf *out, const char *name, ch_error *err)
{
    CH_TRY(ch_buf_addc(out, '`', err));
    for (const char *c = name; *c; c++) {
        if (*c == '`')
            CH_TRY(ch_buf_addc(out, '`', err));
        CH_TRY(ch_buf_addc(out, *c, err));
    }
    return ch_buf_addc(out, '`', err);
}

ch_status ch_name_print(const char *name, ch_buf *out, ch_error *err)
{
    return is_plain_name(name) ? ch_buf_adds(out, name, err) : put_quoted(out, name, err);
}

ch_status ch_names_print(const ch_str_list *parts, ch_buf *out, ch_error *err)
{
    for (int32_t i = 0; i < parts->n; i++) {
        if (i)
            CH_TRY(ch_buf_addc(out, '.', err));
        CH_TRY(ch_name_print(parts->item[i], out, err));
    }
    return CH_OK;
}

char *ch_names_quoted(ch_arena *arena, const ch_str_list *parts, ch_error *err)
{
    ch_buf buf;
    ch_buf_init(&buf, arena->mem);
    ch_status status = CH_OK;
    for (int32_t i = 0; i < parts->n && status == CH_OK; i++) {
        if (i)
            status = ch_buf_addc(&buf, '.', err);
        if (status == CH_OK)
            status = put_quoted(&buf, parts->item[i], err);
    }
    char *text =
        status == CH_OK ? ch_arena_strn(arena, buf.data ? buf.data : "", buf.len, err) : NULL;
    ch_buf_release(&buf);
    return text;
}
