/* SPDX-License-Identifier: Apache-2.0 */
/*
 * csv_step.h - the steps of the tokenizer that its files share.
 *
 *   csv_step.c    input, separators, values under construction
 *   csv_quoted.c  values with quotes in them
 *   csv_record.c  records, and the end of the input
 *
 * They keep the names and the order of univocity's steps, so that the two can be laid side by side.
 * What is an EOFException there is a false result here, which every caller hands on: the
 * state is then exactly what univocity's handleEOF() sees, and at_eof() in csv_record.c is that function.
 *
 * Note that a step that runs into the end of the input leaves r->ch as it was before the step:
 * in Java the assignment `ch = appender.appendUntil(ch, ...)` does not happen then.
 */
#ifndef CH_FORMAT_CSV_STEP_H
#define CH_FORMAT_CSV_STEP_H

#include "format/csv_record.h"

/* ---- values ---- */

/* Is the value under construction one that nobody wants? */
static inline bool ch_csv_skipping(const ch_csv_record *r)
{
    return r->dropped || (r->wanted && (r->column >= r->n_wanted || !r->wanted[r->column]));
}

/* Length of the value under construction; -1 where it is skipped (NoopCharAppender). */
static inline int64_t ch_csv_value_len(const ch_csv_record *r)
{
    return ch_csv_skipping(r) ? -1 : (int64_t)(r->made.len - r->from);
}

/* False, and r->failure is set, unless it was before. */
static inline bool ch_csv_fail(ch_csv_record *r, ch_csv_failure failure)
{
    if (!r->failure)
        r->failure = failure;
    return false;
}

/* One byte more for the value. */
static inline bool ch_csv_append(ch_csv_record *r, uint8_t c)
{
    if (ch_csv_skipping(r))
        return true;
    if (r->made.len + 1 < r->made.cap) {
        r->made.data[r->made.len++] = (char)c;
        return true;
    }
    if (ch_buf_addc(&r->made, (char)c, r->err) != CH_OK)
        return ch_csv_fail(r, CH_CSV_NO_MEMORY);
    return true;
}

/* The next field of the record is done. */
bool ch_csv_put_field_checked(ch_csv_record *r, ch_csv_field f);
static inline bool ch_csv_put_field(ch_csv_record *r, ch_csv_field f)
{
    if (r->column >= r->cap_field || r->column >= r->rules->max_columns || r->rules->max_chars >= 0)
        return ch_csv_put_field_checked(r, f);
    r->field[r->column++] = f;
    r->dropped = false;
    return true;
}
/* The value under construction is the next field. */
bool ch_csv_value_parsed(ch_csv_record *r);
/* The last blanks of the value do not count from here on. */
void ch_csv_drop_blanks(ch_csv_record *r);

/* ---- input ---- */

/* *c: the next character, a line separator being one. */
static inline bool ch_csv_next_char(ch_csv_record *r, uint8_t *c)
{
    if (r->i >= r->len)
        return false;
    const ch_csv_rules *u = r->rules;
    uint8_t b = r->text[r->i++];
    if (b == u->line_sep[0] &&
        (!u->line_sep[1] || (r->i < r->len && r->text[r->i] == u->line_sep[1])) && r->normalize) {
        b = u->newline;
        r->i += u->line_sep[1] != 0;
    }
    *c = b;
    return true;
}

/* r->ch likewise. */
static inline bool ch_csv_next(ch_csv_record *r)
{
    return ch_csv_next_char(r, &r->ch);
}

/* Adds r->ch and what follows to the value, up to one of three characters. */
bool ch_csv_append_until(ch_csv_record *r, uint8_t stop1, uint8_t stop2, uint8_t stop3);

/* ---- separators ---- */

static inline bool ch_csv_single(const ch_csv_record *r)
{
    return r->rules->n_sep == 1;
}

/* The field `delimiter` of univocity stays NUL where the separator has several characters. */
static inline uint8_t ch_csv_delimiter(const ch_csv_record *r)
{
    return ch_csv_single(r) ? r->rules->sep[0] : 0;
}

/* Bytes of a separator that matched in vain belong to the value. */
bool ch_csv_save_match(ch_csv_record *r);
/* *found: the separator ends at r->ch. keep: bytes that matched in vain belong to the value. */
bool ch_csv_match_sep(ch_csv_record *r, bool keep, bool *found);
/* As append_until, up to a separator of several bytes, which is then behind, or a newline. */
bool ch_csv_append_until_sep(ch_csv_record *r);

/* ---- csv_quoted.c ---- */

/* A value that begins with a quote, r->ch being that quote. multi: separators have several bytes. */
bool ch_csv_parse_quoted(ch_csv_record *r, bool multi);

#endif
