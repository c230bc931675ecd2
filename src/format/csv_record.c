/* SPDX-License-Identifier: Apache-2.0 */
/* csv_record.c - univocity's CsvParser.parseRecord() as a set of small functions; see csv_step.h. */
#include "format/csv_step.h"

/* ---- values that lie in the input ------------------------------------------------------------ */

static bool empty_parsed(ch_csv_record *r)
{
    return ch_csv_put_field(r, (ch_csv_field){.kind = CH_CSV_NULL});
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
    return ch_csv_put_field(r, f) && ch_csv_next(r);
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
    if (!ch_csv_put_field(r, f))
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

/* ---- records -------------------------------------------------------------------------------- */

static bool skip_blanks(ch_csv_record *r)
{
    const ch_csv_rules *u = r->rules;
    const uint8_t stop = u->sep[0];
    while (r->ch <= ' ' && r->ch != stop && r->ch != u->newline && r->ch != u->quote)
        if (!ch_csv_next(r))
            return false;
    return true;
}

static bool skip_blanks_multi(ch_csv_record *r)
{
    const ch_csv_rules *u = r->rules;
    bool found;
    while (r->ch <= ' ' && r->match < u->n_sep && r->ch != u->newline && r->ch != u->quote) {
        if (!ch_csv_next(r))
            return false;
        if (u->sep[r->match] == r->ch) {
            if (!ch_csv_match_sep(r, true, &found))
                return false;
            if (found && (!empty_parsed(r) || !ch_csv_next(r)))
                return false;
        }
    }
    return ch_csv_save_match(r);
}

/* *done: the record is complete although the input ended. */
static bool quoted_done(ch_csv_record *r, bool *done)
{
    const ch_csv_rules *u = r->rules;
    *done = false;
    r->normalize = true;
    if (!ch_csv_next(r)) {
        *done = true;
        return r->complete;
    }
    if (r->ch == u->sep[0]) {
        if (!ch_csv_next(r)) {
            *done = true;
            return r->complete && empty_parsed(r);
        }
        if (r->ch == u->newline)
            return empty_parsed(r);
    }
    return true;
}

/* A value with a quote at its beginning that does not lie in the input as it is. */
static bool build_quoted(ch_csv_record *r)
{
    r->trim = false;
    if (!ch_csv_parse_quoted(r, !ch_csv_single(r)))
        return false;
    r->normalize = true;
    bool went_back = r->stray && r->rules->unescaped == CH_CSV_BACK_TO_DELIMITER;
    return (went_back && ch_csv_value_len(r) == 0) || ch_csv_value_parsed(r);
}

/*
 * One value, with a separator of one byte. *again: its end was passed too, the next value follows.
 * *done: the record is complete although the input ended.
 */
static bool parse_value(ch_csv_record *r, bool *again, bool *done)
{
    const ch_csv_rules *u = r->rules;
    const uint8_t sep = u->sep[0];
    int64_t len = ch_csv_value_len(r);
    bool taken;
    if (r->ch == u->quote) {
        r->normalize = u->normalize_in_quotes;
        taken = len == 0 && take_quoted(r, sep);
        if (len == -1 && skip_quoted(r, sep))
            taken = ch_csv_value_parsed(r);
        if (r->failure)
            return false;
        *again = taken;
        return taken ? quoted_done(r, done) : build_quoted(r);
    }
    taken = len == 0 && take_plain(r, sep);
    if (r->failure)
        return false;
    if (taken)
        return true;
    if (len != -1)
        r->trim = u->trim_right;
    return ch_csv_append_until(r, sep, u->newline, u->newline) && ch_csv_value_parsed(r);
}

static bool parse_value_multi(ch_csv_record *r)
{
    const ch_csv_rules *u = r->rules;
    if (r->ch == u->quote && ch_csv_value_len(r) == 0) {
        r->normalize = u->normalize_in_quotes;
        return build_quoted(r);
    }
    if (!ch_csv_append_until_sep(r))
        return false;
    if (u->trim_right)
        ch_csv_drop_blanks(r);
    return ch_csv_value_parsed(r);
}

static bool skip_left(ch_csv_record *r)
{
    if (r->ch > ' ' || !r->rules->trim_left)
        return true;
    return ch_csv_single(r) ? skip_blanks(r) : skip_blanks_multi(r);
}

/* *empty: a separator or a newline stands here, and no value before it. */
static bool look_for_value(ch_csv_record *r, bool *empty)
{
    const ch_csv_rules *u = r->rules;
    *empty = ch_csv_single(r) && r->ch == u->sep[0];
    if (!ch_csv_single(r) && r->ch != u->newline && !ch_csv_match_sep(r, true, empty))
        return false;
    *empty |= r->ch == u->newline;
    return true;
}

static bool parse_record(ch_csv_record *r)
{
    const ch_csv_rules *u = r->rules;
    if (!skip_left(r))
        return false;
    while (r->ch != u->newline) {
        bool empty, again = false, done = false;
        if (!skip_left(r) || !look_for_value(r, &empty))
            return false;
        if (empty) {
            if (!empty_parsed(r))
                return false;
        } else {
            r->stray = false;
            r->prev = 0;
            if (!(ch_csv_single(r) ? parse_value(r, &again, &done) : parse_value_multi(r)))
                return false;
        }
        if (done)
            return true;
        if (!again && r->ch != u->newline) {
            if (!ch_csv_next(r))
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
        if (!r->stray && !ch_csv_append(r, u->quote))
            return false;
    }
    uint8_t comment = r->rules->has_comment ? r->rules->comment : '#';
    bool out =
        r->prev != 0 && r->ch != ch_csv_delimiter(r) && r->ch != u->newline && r->ch != comment;
    r->ch = r->prev = 0;
    if (r->match > 0) {
        (void)ch_csv_save_match(r);
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
        if (ch_csv_value_len(r) > 0 || value) {
            if (!ch_csv_value_parsed(r))
                return CH_CSV_FAILED;
        } else if (some && !empty_parsed(r)) {
            return CH_CSV_FAILED;
        }
        result = row_parsed(r);
    } else if (ch_csv_value_len(r) > 0 || some) {
        if (!(ch_csv_value_len(r) == 0 ? empty_parsed(r) : ch_csv_value_parsed(r)))
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
    if (!ch_csv_next(r)) {
        *eof = true;
        return CH_CSV_END;
    }
    if (u->has_comment && r->ch == u->comment) {
        bool more = true;
        uint8_t c = r->ch;
        while (more && c != u->newline)
            more = ch_csv_next_char(r, &c);
        *eof = !more && !r->complete;
        return r->one_line ? CH_CSV_COMMENT : CH_CSV_MORE;
    }
    if (r->queue_at >= r->n_queue && !parse_record(r)) {
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
