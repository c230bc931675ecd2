/* SPDX-License-Identifier: Apache-2.0 */
/* csv_step.c - see the header. */
#include "format/csv_step.h"

/* ---- values -------------------------------------------------------------------------------- */

bool ch_csv_put_field_checked(ch_csv_record *r, ch_csv_field f)
{
    if (r->column >= r->rules->max_columns)
        return ch_csv_fail(r, CH_CSV_MANY_COLUMNS);
    if (r->column >= r->cap_field) {
        int64_t cap = r->cap_field ? r->cap_field * 2 : 32;
        ch_csv_field *more = ch_mem_alloc(r->mem, sizeof *more * (size_t)cap, r->err);
        if (!more)
            return ch_csv_fail(r, CH_CSV_NO_MEMORY);
        if (r->cap_field)
            memcpy(more, r->field, sizeof *more * (size_t)r->cap_field);
        ch_mem_free(r->mem, r->field, sizeof *more * (size_t)r->cap_field);
        r->field = more;
        r->cap_field = cap;
    }
    if (r->rules->max_chars >= 0 && f.len > r->rules->max_chars &&
        (f.kind == CH_CSV_VALUE || f.kind == CH_CSV_MADE)) {
        const char *t = f.kind == CH_CSV_VALUE ? (const char *)r->text : r->made.data;
        if (ch_utf16_length(t + f.at, f.len) > r->rules->max_chars)
            return ch_csv_fail(r, CH_CSV_LONG_FIELD);
    }
    r->field[r->column++] = f;
    r->dropped = false;
    return true;
}

void ch_csv_drop_blanks(ch_csv_record *r)
{
    r->blanks = 0;
    if (ch_csv_skipping(r))
        return;
    while (r->made.len - r->blanks > r->from &&
           (uint8_t)r->made.data[r->made.len - r->blanks - 1] <= ' ')
        r->blanks++;
}

bool ch_csv_value_parsed(ch_csv_record *r)
{
    if (r->trim)
        ch_csv_drop_blanks(r);
    if (ch_csv_skipping(r))
        return ch_csv_put_field(r, (ch_csv_field){.kind = CH_CSV_NULL});
    size_t len = r->made.len - r->from - r->blanks;
    ch_csv_field f = {
        .kind = len ? CH_CSV_MADE : CH_CSV_EMPTY, .at = (int64_t)r->from, .len = (int64_t)len};
    r->from = r->made.len;
    r->blanks = 0;
    return ch_csv_put_field(r, f);
}

/* ---- input --------------------------------------------------------------------------------- */

bool ch_csv_append_until(ch_csv_record *r, uint8_t stop1, uint8_t stop2, uint8_t stop3)
{
    uint8_t c = r->ch;
    while (c != stop1 && c != stop2 && c != stop3) {
        if (!ch_csv_append(r, c) || !ch_csv_next_char(r, &c))
            return false;
    }
    r->ch = c;
    return true;
}

/* ---- separators ----------------------------------------------------------------------------- */

bool ch_csv_save_match(ch_csv_record *r)
{
    if (r->match < r->rules->n_sep)
        for (int k = 0; k < r->match; k++)
            if (!ch_csv_append(r, r->rules->sep[k]))
                return false;
    r->match = 0;
    return true;
}

bool ch_csv_match_sep(ch_csv_record *r, bool keep, bool *found)
{
    const ch_csv_rules *u = r->rules;
    *found = false;
    while (r->ch == u->sep[r->match]) {
        r->match++;
        if (r->match == u->n_sep)
            break;
        if (!ch_csv_next(r))
            return false;
    }
    if (r->match == u->n_sep) {
        r->match = 0;
        *found = true;
        return true;
    }
    return !keep || ch_csv_save_match(r);
}

bool ch_csv_append_until_sep(ch_csv_record *r)
{
    const ch_csv_rules *u = r->rules;
    while (r->match < u->n_sep && r->ch != u->newline) {
        if (u->sep[r->match] == r->ch) {
            r->match++;
            if (r->match == u->n_sep)
                break;
        } else {
            if (r->match > 0) {
                if (!ch_csv_save_match(r))
                    return false;
                continue;
            }
            if (!ch_csv_append(r, r->ch))
                return false;
        }
        if (!ch_csv_next(r))
            return false;
    }
    return ch_csv_save_match(r);
}
