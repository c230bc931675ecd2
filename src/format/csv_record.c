/* SPDX-License-Identifier: Apache-2.0 */
/*
 * csv_record.c - univocity's CsvParser.parseRecord() as a set of small functions.
 *
 * They keep the names and the order of univocity's steps, so that the two can be laid side by side.
 * What is an EOFException there is a false result here, which every caller hands on: the
 * state is then exactly what univocity's handleEOF() sees, and at_eof() below is that function.
 *
 * Note that a step that runs into the end of the input leaves r->ch as it was before the step:
 * in Java the assignment `ch = appender.appendUntil(ch, ...)` does not happen then.
 */
#include "format/csv_record.h"

/* ---- values -------------------------------------------------------------------------------- */

static bool skipping(const ch_csv_record *r)
{
    return r->dropped || (r->wanted && (r->column >= r->n_wanted || !r->wanted[r->column]));
}

/* Length of the value under construction; -1 where it is skipped (NoopCharAppender). */
static int64_t value_len(const ch_csv_record *r)
{
    return skipping(r) ? -1 : (int64_t)(r->made.len - r->from);
}

static bool fail(ch_csv_record *r, ch_csv_failure failure)
{
    if (!r->failure)
        r->failure = failure;
    return false;
}

static bool append(ch_csv_record *r, uint8_t c)
{
    if (skipping(r))
        return true;
    if (r->made.len + 1 < r->made.cap) {
        r->made.data[r->made.len++] = (char)c;
        return true;
    }
    if (ch_buf_addc(&r->made, (char)c, r->err) != CH_OK)
        return fail(r, CH_CSV_NO_MEMORY);
    return true;
}

static bool prepend(ch_csv_record *r, uint8_t c)
{
    if (skipping(r))
        return true;
    if (!append(r, 0))
        return false;
    memmove(r->made.data + r->from + 1, r->made.data + r->from, r->made.len - r->from - 1);
    r->made.data[r->from] = (char)c;
    return true;
}

static bool put_field(ch_csv_record *r, ch_csv_field f)
{
    if (r->column >= r->rules->max_columns)
        return fail(r, CH_CSV_MANY_COLUMNS);
    if (r->column >= r->cap_field) {
        int64_t cap = r->cap_field ? r->cap_field * 2 : 32;
        ch_csv_field *more = ch_mem_alloc(r->mem, sizeof *more * (size_t)cap, r->err);
        if (!more)
            return fail(r, CH_CSV_NO_MEMORY);
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
            return fail(r, CH_CSV_LONG_FIELD);
    }
    r->field[r->column++] = f;
    r->dropped = false;
    return true;
}

static bool empty_parsed(ch_csv_record *r)
{
    return put_field(r, (ch_csv_field){.kind = CH_CSV_NULL});
}

/* The last blanks of the value do not count from here on. */
static void drop_blanks(ch_csv_record *r)
{
    r->blanks = 0;
    if (skipping(r))
        return;
    while (r->made.len - r->blanks > r->from &&
           (uint8_t)r->made.data[r->made.len - r->blanks - 1] <= ' ')
        r->blanks++;
}

static bool value_parsed(ch_csv_record *r)
{
    if (r->trim)
        drop_blanks(r);
    if (skipping(r))
        return put_field(r, (ch_csv_field){.kind = CH_CSV_NULL});
    size_t len = r->made.len - r->from - r->blanks;
    ch_csv_field f = {
        .kind = len ? CH_CSV_MADE : CH_CSV_EMPTY, .at = (int64_t)r->from, .len = (int64_t)len};
    r->from = r->made.len;
    r->blanks = 0;
    return put_field(r, f);
}

/* ---- input --------------------------------------------------------------------------------- */

static inline bool next_char(ch_csv_record *r, uint8_t *c)
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

static inline bool next(ch_csv_record *r)
{
    return next_char(r, &r->ch);
}

static bool append_until(ch_csv_record *r, uint8_t stop1, uint8_t stop2, uint8_t stop3)
{
    uint8_t c = r->ch;
    while (c != stop1 && c != stop2 && c != stop3) {
        if (!append(r, c) || !next_char(r, &c))
            return false;
    }
    r->ch = c;
    return true;
}

static bool is_line_sep(const ch_csv_record *r, int64_t i)
{
    const ch_csv_rules *u = r->rules;
    return r->text[i] == u->line_sep[0] &&
           (!u->line_sep[1] || (i + 1 < r->len && r->text[i + 1] == u->line_sep[1]));
}

/* What looks ahead sees otherwise when there is more text: then the record waits for it. */
static bool ran_out(ch_csv_record *r)
{
    r->short_of_text |= !r->complete;
    return false;
}

/* An unquoted value that lies in the input as it is: getString. False: not possible. */
static bool take_plain(ch_csv_record *r, uint8_t stop)
{
    int64_t from = r->i - 1, i = from;
    if (r->i >= r->len)
        return ran_out(r);
    /* r->ch is text[from], unless it was made of a line separator, which ends a value anyway. */
    for (; i < r->len && r->text[i] != stop && !is_line_sep(r, i); i++)
        ;
    if (i >= r->len)
        return ran_out(r);
    int64_t len = i - from;
    if (r->rules->trim_right)
        while (len > 0 && r->text[from + len - 1] <= ' ')
            len--;
    r->i = i;
    ch_csv_field f = {.kind = len > 0 ? CH_CSV_VALUE : CH_CSV_NULL, .at = from, .len = len};
    return put_field(r, f) && next(r);
}

/* Likewise a quoted one, r->i behind its quote: getQuotedString. */
static bool take_quoted(ch_csv_record *r, uint8_t stop)
{
    const ch_csv_rules *u = r->rules;
    int64_t i = r->i;
    for (;; i++) {
        if (i + 1 >= r->len)
            return ran_out(r);
        uint8_t c = r->text[i], after = r->text[i + 1];
        if (c == u->quote) {
            if (r->text[i - 1] == u->escape || (after != stop && after != u->newline))
                return false;
            break;
        }
        if (c == u->escape ? after == u->quote || after == u->escape_escape
                           : r->normalize && is_line_sep(r, i))
            return false;
    }
    int64_t len = i - r->i;
    ch_csv_field f = {.kind = len ? CH_CSV_VALUE : CH_CSV_EMPTY, .at = r->i, .len = len};
    if (!put_field(r, f))
        return false;
    r->i = i + 1;
    return true;
}

/* Past a quoted value nobody wants: skipQuotedString. Escapes count otherwise than above. */
static bool skip_quoted(ch_csv_record *r, uint8_t stop)
{
    const ch_csv_rules *u = r->rules;
    int64_t i = r->i;
    for (;; i++) {
        if (i + 1 >= r->len)
            return ran_out(r);
        if (r->text[i] == u->quote) {
            if (r->text[i - 1] == u->escape)
                continue;
            if (r->text[i + 1] != stop && r->text[i + 1] != u->newline)
                return false;
            break;
        }
        if (r->normalize && is_line_sep(r, i))
            return false;
    }
    r->i = i + 1;
    return true;
}

static bool skip_blanks(ch_csv_record *r, uint8_t stop)
{
    const ch_csv_rules *u = r->rules;
    while (r->ch <= ' ' && r->ch != stop && r->ch != u->newline && r->ch != u->quote)
        if (!next(r))
            return false;
    return true;
}

/* ---- separators of several bytes ------------------------------------------------------------ */

static bool save_match(ch_csv_record *r)
{
    if (r->match < r->rules->n_sep)
        for (int k = 0; k < r->match; k++)
            if (!append(r, r->rules->sep[k]))
                return false;
    r->match = 0;
    return true;
}

/* *found: the separator ends at r->ch. keep: bytes that matched in vain belong to the value. */
static bool match_sep(ch_csv_record *r, bool keep, bool *found)
{
    const ch_csv_rules *u = r->rules;
    *found = false;
    while (r->ch == u->sep[r->match]) {
        r->match++;
        if (r->match == u->n_sep)
            break;
        if (!next(r))
            return false;
    }
    if (r->match == u->n_sep) {
        r->match = 0;
        *found = true;
        return true;
    }
    return !keep || save_match(r);
}

static bool append_until_sep(ch_csv_record *r)
{
    const ch_csv_rules *u = r->rules;
    while (r->match < u->n_sep && r->ch != u->newline) {
        if (u->sep[r->match] == r->ch) {
            r->match++;
            if (r->match == u->n_sep)
                break;
        } else {
            if (r->match > 0) {
                if (!save_match(r))
                    return false;
                continue;
            }
            if (!append(r, r->ch))
                return false;
        }
        if (!next(r))
            return false;
    }
    return save_match(r);
}

/* ---- values that need care ------------------------------------------------------------------ */

static bool single(const ch_csv_record *r)
{
    return r->rules->n_sep == 1;
}

/* The field `delimiter` of univocity stays NUL where the separator has several characters. */
static uint8_t delimiter(const ch_csv_record *r)
{
    return single(r) ? r->rules->sep[0] : 0;
}

static bool parse_quoted(ch_csv_record *r);
static bool parse_quoted_multi(ch_csv_record *r);
static bool parse_escaped(ch_csv_record *r);

static bool until_delimiter(const ch_csv_record *r)
{
    ch_csv_unescaped u = r->rules->unescaped;
    return u == CH_CSV_STOP_AT_DELIMITER || u == CH_CSV_SKIP_VALUE || u == CH_CSV_BACK_TO_DELIMITER;
}

static bool skip_value(ch_csv_record *r)
{
    const ch_csv_rules *u = r->rules;
    r->made.len = r->from;
    r->dropped = true;
    if (single(r)) {
        uint8_t c = r->ch;
        while (c != u->sep[0] && c != u->newline)
            if (!next_char(r, &c))
                return false;
        r->ch = c;
        return true;
    }
    while (r->match < u->n_sep && r->ch != u->newline) {
        if (u->sep[r->match] == r->ch)
            r->match++;
        else
            r->match = 0;
        if (!next(r))
            return false;
    }
    return true;
}

/* A quote inside an unquoted value: as it is, or skipped. */
static bool stray_in_plain(ch_csv_record *r)
{
    switch (r->rules->unescaped) {
    case CH_CSV_SKIP_VALUE:
        return skip_value(r);
    case CH_CSV_RAISE_ERROR:
        return fail(r, CH_CSV_STRAY_QUOTE);
    default:
        if (!append(r, r->rules->quote))
            return false;
        r->prev = r->ch;
        return parse_escaped(r);
    }
}

static int64_t find_in_value(const ch_csv_record *r, const uint8_t *what, int n)
{
    int64_t len = value_len(r);
    for (int64_t k = 0; k + n <= len; k++)
        if (memcmp(r->made.data + r->from + k, what, (size_t)n) == 0)
            return k;
    return -1;
}

/* Where the value so far holds a separator or a newline, for BACK_TO_DELIMITER. */
static int64_t next_delimiter(const ch_csv_record *r)
{
    const ch_csv_rules *u = r->rules;
    int64_t line = find_in_value(r, &u->newline, 1), sep = find_in_value(r, u->sep, u->n_sep);
    if (single(r))
        return line < 0 || (sep >= 0 && sep < line) ? sep : line;
    return line != -1 && line < sep ? line : sep;
}

static bool queue_fields(ch_csv_record *r, const ch_csv_field *f, int64_t n)
{
    if (r->n_queue + n + 1 > r->cap_queue) {
        int64_t cap = (r->cap_queue + n + 1) * 2;
        ch_csv_field *more = ch_mem_alloc(r->mem, sizeof *more * (size_t)cap, r->err);
        if (!more)
            return fail(r, CH_CSV_NO_MEMORY);
        if (r->n_queue)
            memcpy(more, r->queue, sizeof *more * (size_t)r->n_queue);
        ch_mem_free(r->mem, r->queue, sizeof *more * (size_t)r->cap_queue);
        r->queue = more;
        r->cap_queue = cap;
    }
    if (n)
        memcpy(r->queue + r->n_queue, f, sizeof *f * (size_t)n);
    r->n_queue += n;
    r->queue[r->n_queue++] = (ch_csv_field){.len = -1};
    return true;
}

/* A quote inside a quoted value that neither ends it nor escapes. *go_on: univocity returns true. */
static bool stray_in_quoted(ch_csv_record *r)
{
    const ch_csv_rules *u = r->rules;
    r->stray = true;
    switch (u->unescaped) {
    case CH_CSV_BACK_TO_DELIMITER:
        for (int64_t at; (at = next_delimiter(r)) != -1;) {
            bool line = (uint8_t)r->made.data[r->from + (size_t)at] == u->newline;
            ch_csv_field f = {.kind = CH_CSV_MADE, .at = (int64_t)r->from, .len = at};
            if (!put_field(r, f))
                return false;
            if (line) {
                if (!queue_fields(r, r->field, r->column))
                    return false;
                r->column = 0;
            }
            r->from += (size_t)(at + (line || single(r) ? 1 : u->n_sep));
        }
        if (!append(r, r->ch))
            return false;
        r->prev = 0;
        return single(r) ? parse_quoted(r) : parse_quoted_multi(r);
    case CH_CSV_STOP_AT_CLOSING_QUOTE:
    case CH_CSV_STOP_AT_DELIMITER:
        if (!append(r, u->quote) || !append(r, r->ch))
            return false;
        r->prev = r->ch;
        return single(r) ? parse_quoted(r) : parse_quoted_multi(r);
    case CH_CSV_SKIP_VALUE:
        return skip_value(r);
    default:
        return fail(r, CH_CSV_STRAY_QUOTE);
    }
}

static bool process_escape(ch_csv_record *r)
{
    const ch_csv_rules *u = r->rules;
    if (r->ch == u->escape && r->prev == u->escape_escape && u->escape_escape != 0) {
        if (!append(r, u->escape))
            return false;
        r->ch = 0;
    } else if (r->prev == u->escape) {
        if (r->ch == u->quote) {
            if (!append(r, u->quote))
                return false;
            r->ch = 0;
        } else if (!append(r, r->prev)) {
            return false;
        }
    } else if (r->ch == u->quote && r->prev == u->quote) {
        return append(r, u->quote);
    } else if (r->prev == u->quote) {
        return stray_in_plain(r);
    }
    return true;
}

static bool parse_escaped(ch_csv_record *r)
{
    const ch_csv_rules *u = r->rules;
    while (r->ch != delimiter(r) && r->ch != u->newline) {
        if (r->ch != u->quote && r->ch != u->escape) {
            if (r->prev == u->quote)
                return stray_in_plain(r);
            if (!append(r, r->ch))
                return false;
        } else if (!process_escape(r)) {
            return false;
        }
        r->prev = r->ch;
        if (!next(r))
            return false;
    }
    return true;
}

/*
 * Blanks behind a closing quote: dropped, unless more than blanks follows; then the quote and the
 * blanks were part of the value.
 */
static bool after_quote(ch_csv_record *r, bool multi)
{
    const ch_csv_rules *u = r->rules;
    size_t n_blanks = 0;
    bool found = false;
    /* The blanks are put behind the value and taken away again if nothing follows. */
    size_t end = r->made.len;
    bool skip = skipping(r);
    if (!append(r, u->quote))
        return false;
    do {
        if (!append(r, r->ch))
            return false;
        n_blanks++;
        if (!next(r)) {
            if (!skip)
                r->made.len = end;
            return false;
        }
        if (r->ch == u->newline) {
            if (!skip)
                r->made.len = end;
            return true;
        }
        if (multi) {
            bool more = match_sep(r, false, &found);
            if (!more || found) {
                if (!skip)
                    r->made.len = end;
                return more;
            }
        }
    } while (r->ch <= ' ' && (multi || r->ch != u->sep[0]));

    bool parse_stray = u->unescaped != CH_CSV_RAISE_ERROR;
    if (multi && parse_stray) {
        if (!match_sep(r, false, &found)) {
            if (!skip)
                r->made.len = end;
            return false;
        }
    }
    if ((multi ? !found : r->ch != u->sep[0]) && parse_stray) {
        /* univocity drops the blanks at the end of these blanks: none, they are kept apart. */
        if (until_delimiter(r) || (r->ch != u->quote && r->ch != u->escape))
            if (!append(r, r->ch))
                return false;
        r->prev = r->ch;
        return parse_quoted(r);
    }
    if (!skip)
        r->made.len = end;
    return true;
}

/* A value that begins with a quote, r->ch being that quote. */
static bool parse_quoted(ch_csv_record *r)
{
    const ch_csv_rules *u = r->rules;
    uint8_t sep = delimiter(r);
    if (r->prev != 0 && until_delimiter(r)) {
        if (u->unescaped == CH_CSV_SKIP_VALUE)
            return skip_value(r);
        if (!prepend(r, u->quote) || !next(r))
            return false;
        r->trim = u->trim_right;
        return append_until(r, sep, u->newline, u->newline);
    }
    if (!next(r))
        return false;
    for (;;) {
        if (r->prev == u->quote && (r->ch <= ' ' || r->ch == sep || r->ch == u->newline))
            break;
        if (r->ch != u->quote && r->ch != u->escape) {
            if (r->prev == u->quote) {
                return stray_in_quoted(r);
            }
            if (r->prev == u->escape && u->escape != 0 && !append(r, u->escape))
                return false;
            if (!append_until(r, u->quote, u->escape, u->escape_escape))
                return false;
            r->prev = r->ch;
            if (!next(r))
                return false;
        } else {
            if (!process_escape(r))
                return false;
            r->prev = r->ch;
            if (!next(r))
                return false;
            if (r->stray && (r->ch == sep || r->ch == u->newline))
                return true;
        }
    }
    if (r->ch != sep && r->ch != u->newline && r->ch <= ' ' && !after_quote(r, false))
        return false;
    if (r->ch != sep && r->ch != u->newline)
        return fail(r, CH_CSV_STRAY_QUOTE);
    return true;
}

static bool parse_quoted_multi(ch_csv_record *r)
{
    const ch_csv_rules *u = r->rules;
    bool found;
    if (r->prev != 0 && until_delimiter(r)) {
        if (u->unescaped == CH_CSV_SKIP_VALUE)
            return skip_value(r);
        if (!prepend(r, u->quote) || !next(r))
            return false;
        r->trim = u->trim_right;
        if (!append_until_sep(r))
            return false;
    } else {
        if (!next(r))
            return false;
        for (;;) {
            if (r->prev == u->quote && (r->ch <= ' ' || r->ch == u->newline))
                break;
            if (r->prev == u->quote) {
                if (!match_sep(r, true, &found))
                    return false;
                if (found)
                    return true;
            }
            if (r->ch != u->quote && r->ch != u->escape) {
                if (r->prev == u->quote)
                    return stray_in_quoted(r);
                if (r->prev == u->escape && u->escape != 0 && !append(r, u->escape))
                    return false;
                if (!append_until(r, u->quote, u->escape, u->escape_escape))
                    return false;
                r->prev = r->ch;
                if (!next(r))
                    return false;
            } else {
                if (!process_escape(r))
                    return false;
                r->prev = r->ch;
                if (!next(r))
                    return false;
                if (r->stray) {
                    if (r->ch == u->newline)
                        return true;
                    if (!match_sep(r, true, &found))
                        return false;
                    if (found)
                        return true;
                }
            }
        }
    }
    if (r->ch != u->newline && r->ch <= ' ') {
        if (!match_sep(r, false, &found))
            return false;
        if (!found)
            return after_quote(r, true);
    }
    return true;
}

/* ---- records -------------------------------------------------------------------------------- */

/* *done: the record is complete although the input ended. */
static bool quoted_done(ch_csv_record *r, bool *done)
{
    const ch_csv_rules *u = r->rules;
    *done = false;
    r->normalize = true;
    if (!next(r)) {
        *done = true;
        return r->complete;
    }
    if (r->ch == u->sep[0]) {
        if (!next(r)) {
            *done = true;
            return r->complete && empty_parsed(r);
        }
        if (r->ch == u->newline)
            return empty_parsed(r);
    }
    return true;
}

static bool parse_single(ch_csv_record *r)
{
    const ch_csv_rules *u = r->rules;
    const uint8_t sep = u->sep[0];
    if (r->ch <= ' ' && u->trim_left && !skip_blanks(r, sep))
        return false;
    while (r->ch != u->newline) {
        if (r->ch <= ' ' && u->trim_left && !skip_blanks(r, sep))
            return false;
        if (r->ch == sep || r->ch == u->newline) {
            if (!empty_parsed(r))
                return false;
        } else {
            int64_t len = value_len(r);
            bool taken, done;
            r->stray = false;
            r->prev = 0;
            if (r->ch == u->quote) {
                r->normalize = u->normalize_in_quotes;
                taken = len == 0 && take_quoted(r, sep);
                if (len == -1 && skip_quoted(r, sep))
                    taken = value_parsed(r);
                if (r->failure)
                    return false;
                if (taken) {
                    if (!quoted_done(r, &done))
                        return false;
                    if (done)
                        return true;
                    continue;
                }
                r->trim = false;
                if (!parse_quoted(r))
                    return false;
                r->normalize = true;
                if (!(r->stray && u->unescaped == CH_CSV_BACK_TO_DELIMITER && value_len(r) == 0) &&
                    !value_parsed(r))
                    return false;
            } else {
                taken = len == 0 && take_plain(r, sep);
                if (r->failure)
                    return false;
                if (!taken) {
                    if (len != -1)
                        r->trim = u->trim_right;
                    if (!append_until(r, sep, u->newline, u->newline) || !value_parsed(r))
                        return false;
                }
            }
        }
        if (r->ch != u->newline) {
            if (!next(r))
                return false;
            if (r->ch == u->newline && !empty_parsed(r))
                return false;
        }
    }
    return true;
}

static bool skip_blanks_multi(ch_csv_record *r)
{
    const ch_csv_rules *u = r->rules;
    bool found;
    while (r->ch <= ' ' && r->match < u->n_sep && r->ch != u->newline && r->ch != u->quote) {
        if (!next(r))
            return false;
        if (u->sep[r->match] == r->ch) {
            if (!match_sep(r, true, &found))
                return false;
            if (found && (!empty_parsed(r) || !next(r)))
                return false;
        }
    }
    return save_match(r);
}

static bool parse_multi(ch_csv_record *r)
{
    const ch_csv_rules *u = r->rules;
    bool found = false;
    if (r->ch <= ' ' && u->trim_left && !skip_blanks_multi(r))
        return false;
    while (r->ch != u->newline) {
        if (r->ch <= ' ' && u->trim_left && !skip_blanks_multi(r))
            return false;
        found = false;
        if (r->ch != u->newline && !match_sep(r, true, &found))
            return false;
        if (r->ch == u->newline || found) {
            if (!empty_parsed(r))
                return false;
        } else {
            r->stray = false;
            r->prev = 0;
            if (r->ch == u->quote && value_len(r) == 0) {
                r->normalize = u->normalize_in_quotes;
                r->trim = false;
                if (!parse_quoted_multi(r))
                    return false;
                r->normalize = true;
                if (!(r->stray && u->unescaped == CH_CSV_BACK_TO_DELIMITER && value_len(r) == 0) &&
                    !value_parsed(r))
                    return false;
            } else {
                if (!append_until_sep(r))
                    return false;
                if (u->trim_right)
                    drop_blanks(r);
                if (!value_parsed(r))
                    return false;
            }
        }
        if (r->ch != u->newline) {
            if (!next(r))
                return false;
            if (r->ch == u->newline && !empty_parsed(r))
                return false;
        }
    }
    return true;
}

/* Was a value under way when the input ended? consumeValueOnEOF */
static bool value_at_eof(ch_csv_record *r)
{
    const ch_csv_rules *u = r->rules;
    if (r->ch == u->quote) {
        if (r->prev == u->quote)
            return true;
        if (!r->stray && !append(r, u->quote))
            return false;
    }
    uint8_t comment = r->rules->has_comment ? r->rules->comment : '#';
    bool out = r->prev != 0 && r->ch != delimiter(r) && r->ch != u->newline && r->ch != comment;
    r->ch = r->prev = 0;
    if (r->match > 0) {
        (void)save_match(r);
        return true;
    }
    return out;
}

static bool take_queued(ch_csv_record *r)
{
    if (r->queue_at >= r->n_queue)
        return false;
    int64_t n = 0;
    while (r->queue[r->queue_at + n].len != -1)
        n++;
    r->n_fields = n;
    r->ready = r->queue + r->queue_at;
    r->queue_at += n + 1;
    return true;
}

/* The record that rowParsed() gives, if any. */
static ch_csv_result row_parsed(ch_csv_record *r)
{
    if (take_queued(r))
        return CH_CSV_ROW;
    if (r->column > 0) {
        r->n_fields = r->column;
        r->ready = r->field;
        r->column = 0;
        return CH_CSV_ROW;
    }
    return CH_CSV_MORE;
}

/* handleEOF */
static ch_csv_result at_eof(ch_csv_record *r)
{
    bool value = value_at_eof(r);
    ch_csv_result result = CH_CSV_END;
    bool some = r->i > r->start;
    if (r->failure)
        return CH_CSV_FAILED;
    if (r->column != 0 || value) {
        if (value_len(r) > 0 || value) {
            if (!value_parsed(r))
                return CH_CSV_FAILED;
        } else if (some && !empty_parsed(r)) {
            return CH_CSV_FAILED;
        }
        result = row_parsed(r);
    } else if (value_len(r) > 0 || some) {
        if (!(value_len(r) == 0 ? empty_parsed(r) : value_parsed(r)))
            return CH_CSV_FAILED;
        result = row_parsed(r);
    } else if (take_queued(r)) {
        result = CH_CSV_ROW;
    }
    return result == CH_CSV_MORE ? CH_CSV_END : result;
}

void ch_csv_record_init(ch_csv_record *r, ch_mem *mem, const ch_csv_rules *rules)
{
    *r = (ch_csv_record){.rules = rules, .mem = mem};
    ch_buf_init(&r->made, mem);
}

void ch_csv_record_release(ch_csv_record *r)
{
    ch_buf_release(&r->made);
    ch_mem_free(r->mem, r->field, sizeof *r->field * (size_t)r->cap_field);
    ch_mem_free(r->mem, r->queue, sizeof *r->queue * (size_t)r->cap_queue);
    *r = (ch_csv_record){0};
}

void ch_csv_record_begin(ch_csv_record *r, const char *text, int64_t len, bool complete,
                         bool one_line)
{
    r->text = (const uint8_t *)text;
    r->len = len;
    r->i = r->start = r->next = 0;
    r->complete = complete;
    r->one_line = one_line;
    r->normalize = true;
    r->failure = CH_CSV_NO_FAILURE;
    r->column = 0;
    r->n_queue = r->queue_at = 0;
    r->made.len = r->from = 0;
    r->ch = r->prev = 0;
    r->match = 0;
    r->trim = r->dropped = r->short_of_text = false;
}

/* One pass of parseNext()'s loop. CH_CSV_MORE: an empty line, go on. */
static ch_csv_result step(ch_csv_record *r, bool *eof)
{
    const ch_csv_rules *u = r->rules;
    r->start = r->i;
    if (!next(r)) {
        *eof = true;
        return CH_CSV_END;
    }
    if (u->has_comment && r->ch == u->comment) {
        bool more = true;
        uint8_t c = r->ch;
        while (more && c != u->newline)
            more = next_char(r, &c);
        *eof = !more && !r->complete;
        return r->one_line ? CH_CSV_COMMENT : CH_CSV_MORE;
    }
    if (r->queue_at >= r->n_queue && !(u->n_sep == 1 ? parse_single(r) : parse_multi(r))) {
        if (r->failure)
            return CH_CSV_FAILED;
        *eof = true;
        return CH_CSV_END;
    }
    return row_parsed(r);
}

ch_csv_result ch_csv_record_next(ch_csv_record *r, ch_error *err)
{
    r->err = err;
    if (r->one_line && r->next > 0) /* what follows a newline inside a line is lost */
        return CH_CSV_END;
    if (r->queue_at >= r->n_queue && r->column == 0) {
        r->n_queue = r->queue_at = 0;
        r->made.len = r->from = 0;
    }
    for (;;) {
        bool eof = false;
        ch_csv_result result = step(r, &eof);
        if (r->short_of_text || (eof && !r->complete)) {
            r->failure = CH_CSV_NO_FAILURE;
            return CH_CSV_MORE;
        }
        if (eof)
            result = at_eof(r);
        r->next = r->i;
        if (result != CH_CSV_MORE)
            return result;
        if (r->i >= r->len && !r->complete) {
            r->start = r->i;
            return CH_CSV_MORE;
        }
    }
}
