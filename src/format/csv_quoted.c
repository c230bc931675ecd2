/* SPDX-License-Identifier: Apache-2.0 */
/*
 * csv_quoted.c - values with quotes in them: escapes, stray quotes, blanks behind the closing quote.
 *
 * univocity has two parsers, for separators of one character and of several (multi); what differs
 * between them is in at_end() and behind_value() here. The second turns to the first where more than
 * blanks follows a closing quote; that one then knows no separator but NUL.
 */
#include "format/csv_step.h"

static bool parse_escaped(ch_csv_record *r);

static bool prepend(ch_csv_record *r, uint8_t c)
{
    if (ch_csv_skipping(r))
        return true;
    if (!ch_csv_append(r, 0))
        return false;
    memmove(r->made.data + r->from + 1, r->made.data + r->from, r->made.len - r->from - 1);
    r->made.data[r->from] = (char)c;
    return true;
}

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
    if (ch_csv_single(r)) {
        uint8_t c = r->ch;
        while (c != u->sep[0] && c != u->newline)
            if (!ch_csv_next_char(r, &c))
                return false;
        r->ch = c;
        return true;
    }
    while (r->match < u->n_sep && r->ch != u->newline) {
        if (u->sep[r->match] == r->ch)
            r->match++;
        else
            r->match = 0;
        if (!ch_csv_next(r))
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
        return ch_csv_fail(r, CH_CSV_STRAY_QUOTE);
    default:
        if (!ch_csv_append(r, r->rules->quote))
            return false;
        r->prev = r->ch;
        return parse_escaped(r);
    }
}

static int64_t find_in_value(const ch_csv_record *r, const uint8_t *what, int n)
{
    int64_t len = ch_csv_value_len(r);
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
    if (ch_csv_single(r))
        return line < 0 || (sep >= 0 && sep < line) ? sep : line;
    return line != -1 && line < sep ? line : sep;
}

static bool queue_fields(ch_csv_record *r, const ch_csv_field *f, int64_t n)
{
    if (r->n_queue + n + 1 > r->cap_queue) {
        int64_t cap = (r->cap_queue + n + 1) * 2;
        ch_csv_field *more = ch_mem_alloc(r->mem, sizeof *more * (size_t)cap, r->err);
        if (!more)
            return ch_csv_fail(r, CH_CSV_NO_MEMORY);
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

/* A quote inside a quoted value that neither ends it nor escapes. */
static bool stray_in_quoted(ch_csv_record *r)
{
    const ch_csv_rules *u = r->rules;
    r->stray = true;
    switch (u->unescaped) {
    case CH_CSV_BACK_TO_DELIMITER:
        for (int64_t at; (at = next_delimiter(r)) != -1;) {
            bool line = (uint8_t)r->made.data[r->from + (size_t)at] == u->newline;
            ch_csv_field f = {.kind = CH_CSV_MADE, .at = (int64_t)r->from, .len = at};
            if (!ch_csv_put_field(r, f))
                return false;
            if (line) {
                if (!queue_fields(r, r->field, r->column))
                    return false;
                r->column = 0;
            }
            r->from += (size_t)(at + (line || ch_csv_single(r) ? 1 : u->n_sep));
        }
        if (!ch_csv_append(r, r->ch))
            return false;
        r->prev = 0;
        return ch_csv_parse_quoted(r, !ch_csv_single(r));
    case CH_CSV_STOP_AT_CLOSING_QUOTE:
    case CH_CSV_STOP_AT_DELIMITER:
        if (!ch_csv_append(r, u->quote) || !ch_csv_append(r, r->ch))
            return false;
        r->prev = r->ch;
        return ch_csv_parse_quoted(r, !ch_csv_single(r));
    case CH_CSV_SKIP_VALUE:
        return skip_value(r);
    default:
        return ch_csv_fail(r, CH_CSV_STRAY_QUOTE);
    }
}

static bool process_escape(ch_csv_record *r)
{
    const ch_csv_rules *u = r->rules;
    if (r->ch == u->escape && r->prev == u->escape_escape && u->escape_escape != 0) {
        if (!ch_csv_append(r, u->escape))
            return false;
        r->ch = 0;
    } else if (r->prev == u->escape) {
        if (r->ch == u->quote) {
            if (!ch_csv_append(r, u->quote))
                return false;
            r->ch = 0;
        } else if (!ch_csv_append(r, r->prev)) {
            return false;
        }
    } else if (r->ch == u->quote && r->prev == u->quote) {
        return ch_csv_append(r, u->quote);
    } else if (r->prev == u->quote) {
        return stray_in_plain(r);
    }
    return true;
}

static bool parse_escaped(ch_csv_record *r)
{
    const ch_csv_rules *u = r->rules;
    while (r->ch != ch_csv_delimiter(r) && r->ch != u->newline) {
        if (r->ch != u->quote && r->ch != u->escape) {
            if (r->prev == u->quote)
                return stray_in_plain(r);
            if (!ch_csv_append(r, r->ch))
                return false;
        } else if (!process_escape(r)) {
            return false;
        }
        r->prev = r->ch;
        if (!ch_csv_next(r))
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
    bool skip = ch_csv_skipping(r);
    if (!ch_csv_append(r, u->quote))
        return false;
    do {
        if (!ch_csv_append(r, r->ch))
            return false;
        n_blanks++;
        if (!ch_csv_next(r)) {
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
            bool more = ch_csv_match_sep(r, false, &found);
            if (!more || found) {
                if (!skip)
                    r->made.len = end;
                return more;
            }
        }
    } while (r->ch <= ' ' && (multi || r->ch != u->sep[0]));

    bool parse_stray = u->unescaped != CH_CSV_RAISE_ERROR;
    if (multi && parse_stray) {
        if (!ch_csv_match_sep(r, false, &found)) {
            if (!skip)
                r->made.len = end;
            return false;
        }
    }
    if ((multi ? !found : r->ch != u->sep[0]) && parse_stray) {
        /* univocity drops the blanks at the end of these blanks: none, they are kept apart. */
        if (until_delimiter(r) || (r->ch != u->quote && r->ch != u->escape))
            if (!ch_csv_append(r, r->ch))
                return false;
        r->prev = r->ch;
        return ch_csv_parse_quoted(r, false);
    }
    if (!skip)
        r->made.len = end;
    return true;
}

/* *ended: a separator or a newline stands at r->ch. */
static bool at_end(ch_csv_record *r, bool multi, bool *ended)
{
    *ended = r->ch == r->rules->newline || (!multi && r->ch == ch_csv_delimiter(r));
    return *ended || !multi || ch_csv_match_sep(r, true, ended);
}

/* What follows a quoted value: at best its end. */
static bool behind_value(ch_csv_record *r, bool multi)
{
    const ch_csv_rules *u = r->rules;
    const uint8_t sep = ch_csv_delimiter(r);
    bool found;
    if (multi) {
        if (r->ch == u->newline || r->ch > ' ')
            return true;
        if (!ch_csv_match_sep(r, false, &found))
            return false;
        return found || after_quote(r, true);
    }
    if (r->ch != sep && r->ch != u->newline && r->ch <= ' ' && !after_quote(r, false))
        return false;
    return r->ch == sep || r->ch == u->newline || ch_csv_fail(r, CH_CSV_STRAY_QUOTE);
}

/* A stray quote was met, and the value is now an unquoted one with a quote before it. */
static bool parse_as_plain(ch_csv_record *r, bool multi)
{
    const ch_csv_rules *u = r->rules;
    if (u->unescaped == CH_CSV_SKIP_VALUE)
        return skip_value(r);
    if (!prepend(r, u->quote) || !ch_csv_next(r))
        return false;
    r->trim = u->trim_right;
    if (!multi)
        return ch_csv_append_until(r, ch_csv_delimiter(r), u->newline, u->newline);
    return ch_csv_append_until_sep(r) && behind_value(r, true);
}

bool ch_csv_parse_quoted(ch_csv_record *r, bool multi)
{
    const ch_csv_rules *u = r->rules;
    if (r->prev != 0 && until_delimiter(r))
        return parse_as_plain(r, multi);
    if (!ch_csv_next(r))
        return false;
    for (bool ended = false; !ended;) {
        if (r->prev == u->quote) {
            if (r->ch <= ' ' || r->ch == u->newline)
                return behind_value(r, multi);
            if (!at_end(r, multi, &ended))
                return false;
            if (ended)
                break;
        }
        if (r->ch != u->quote && r->ch != u->escape) {
            if (r->prev == u->quote)
                return stray_in_quoted(r);
            if (r->prev == u->escape && u->escape != 0 && !ch_csv_append(r, u->escape))
                return false;
            if (!ch_csv_append_until(r, u->quote, u->escape, u->escape_escape))
                return false;
            r->prev = r->ch;
            if (!ch_csv_next(r))
                return false;
        } else {
            if (!process_escape(r))
                return false;
            r->prev = r->ch;
            if (!ch_csv_next(r) || (r->stray && !at_end(r, multi, &ended)))
                return false;
        }
    }
    return true;
}
