/* SPDX-License-Identifier: Apache-2.0 */
/*
 * csv_rows.c - one record becomes one row of spans.
 *
 * Regular records come from the index, many at once and column by column; others from the tokenizer,
 * whose values are put into the side buffer. A column never knows which way its values came.
 */
#include <stdio.h>
#include <strings.h>

#include "format/csv_read.h"

#define STREAM_CHUNK_BYTES ((int64_t)256 << 10)

/* ---- errors ------------------------------------------------------------------------------- */

/* The line (from 1) of a place in the decoded file; 0 if the file can no longer be read. */
int64_t ch_csv_line_of(ch_csv_reader *s, const ch_csv_slot *slot, int64_t offset)
{
    ch_csv_text t = {.mem = s->mem,
                     .encoding = slot->text.encoding,
                     .alias = slot->text.alias,
                     .chunk_bytes = STREAM_CHUNK_BYTES};
    int64_t line = 1;
    ch_status status = ch_csv_text_open(&t, &s->file[slot->file], NULL);
    while (status == CH_OK && t.base + t.at < offset) {
        t.at = t.len;
        status = ch_csv_text_fill(&t, -1, NULL);
        for (uint32_t i = t.at; i < t.len && t.base + i < offset; i++)
            line += t.text[i] == '\n' || (t.text[i] == '\r' && t.text[i + 1] != '\n');
        if (t.eof)
            break;
    }
    ch_csv_text_release(&t);
    return status == CH_OK ? line : 0;
}

static ch_status tokenizer_failed(ch_csv_reader *s, ch_csv_slot *slot, uint32_t at, ch_error *err)
{
    const char *path = s->file[slot->file].path;
    if (slot->record.failure == CH_CSV_NO_MEMORY)
        return CH_E_MEMORY;
    int64_t line = ch_csv_line_of(s, slot, slot->text.base + at);
    switch (slot->record.failure) {
    case CH_CSV_MANY_COLUMNS:
        CH_FAIL(err, CSV_TOO_MANY_COLUMNS, "line", CH_I64(line), "path", path, "limit",
                CH_I64(s->options.max_columns));
    case CH_CSV_LONG_FIELD:
        CH_FAIL(err, CSV_FIELD_TOO_LONG, "path", path, "line", CH_I64(line), "column",
                CH_I64(slot->record.column + 1), "limit", CH_I64(s->options.max_chars));
    default:
        CH_FAIL(err, CSV_UNESCAPED_QUOTE, "line", CH_I64(line), "path", path);
    }
}

/* ---- fields to spans ------------------------------------------------------------------------ */

/* Adds text to the side buffer, keeping 16 readable bytes behind it. */
static ch_status put_side(ch_csv_slot *slot, const char *text, int64_t len, ch_csv_span *out,
                          ch_error *err)
{
    if ((int64_t)slot->side.len + len >= (int64_t)CH_CSV_SIDE)
        return ch_error_memory(err, "text of one batch", len, INT32_MAX);
    uint32_t at = (uint32_t)slot->side.len;
    CH_TRY(ch_buf_reserve(&slot->side, (size_t)len + 16, err));
    CH_TRY(ch_buf_add(&slot->side, text, (size_t)len, err));
    *out = (ch_csv_span){.at = at | CH_CSV_SIDE, .len = (int32_t)len};
    return CH_OK;
}

static bool same(ch_str a, const char *text, int64_t len)
{
    return a.len == len && memcmp(a.text, text, (size_t)len) == 0;
}

const char *ch_csv_span_text(const ch_csv_slot *slot, ch_csv_span s)
{
    return s.at & CH_CSV_SIDE ? slot->side.data + (s.at & ~CH_CSV_SIDE) : slot->text.text + s.at;
}

/* A value that comes with quotes in it doubled, or in broken UTF-8, is made again on the side. */
static ch_status repair(ch_csv_reader *s, ch_csv_slot *slot, ch_csv_span *span, bool doubled,
                        ch_error *err)
{
    const char *text = ch_csv_span_text(slot, *span);
    int64_t len = span->len;
    if (doubled && memchr(text, slot->dialect.quote, (size_t)len)) {
        slot->restored.len = 0;
        CH_TRY(ch_buf_reserve(&slot->restored, (size_t)len, err));
        for (int64_t i = 0; i < len; i++) {
            slot->restored.data[slot->restored.len++] = text[i];
            i += (uint8_t)text[i] == slot->dialect.quote;
        }
        CH_TRY(put_side(slot, slot->restored.data, (int64_t)slot->restored.len, span, err));
        text = ch_csv_span_text(slot, *span);
        len = span->len;
    }
    if (ch_utf8_valid_prefix(text, len) != len) {
        ch_csv_rules plain = {0};
        slot->restored.len = 0;
        CH_TRY(ch_csv_prepare(&plain, text, len, &slot->restored, err));
        CH_TRY(put_side(slot, slot->restored.data, (int64_t)slot->restored.len, span, err));
    }
    if (same(s->options.null_value, ch_csv_span_text(slot, *span), span->len))
        span->len = -1;
    return CH_OK;
}

ch_csv_fields ch_csv_fields_of(const ch_csv_reader *s, const ch_csv_slot *slot, int32_t w,
                               uint32_t row)
{
    int32_t c = s->column[w];
    const ch_csv_index *x = &slot->index;
    return (ch_csv_fields){.pos = x->pos + (size_t)row * s->shape.n_kept + s->shape.place[c],
                           .stride = s->shape.n_kept,
                           .quote = (char)slot->dialect.quote,
                           .all_quoted = !x->has_bare,
                           .strip_cr = x->has_cr && c == s->n_data - 1};
}

static inline __attribute__((always_inline)) void
fill_column(const char *text, const ch_csv_fields *f, ch_csv_span *out, int64_t n, bool strip_cr)
{
    const uint32_t *pos = f->pos;
    for (int64_t r = 0; r < n; r++, pos += f->stride) {
        out[r] = ch_csv_field_span(text, pos, f->quote, false, strip_cr);
        /* Empty is NULL here; fill_rare() knows better where nullValue or emptyValue are set. */
        out[r].len = out[r].len ? out[r].len : -1;
    }
}

/* The rest of the options: nullValue, emptyValue, doubled quotes, UTF-8. */
static ch_status fill_rare(ch_csv_reader *s, ch_csv_slot *slot, ch_csv_span *span, int64_t n,
                           ch_error *err)
{
    const ch_csv_options *o = &s->options;
    bool check = slot->index.has_doubled || slot->index.non_ascii;
    for (int64_t r = 0; r < n; r++) {
        const char *text = slot->text.text + span[r].at;
        if (span[r].len < 0) {
            /* Quoted and empty: the quote stands before its place. */
            if (span[r].at > 0 && (uint8_t)text[-1] == slot->dialect.quote &&
                (uint8_t)text[0] == slot->dialect.quote &&
                !same(o->null_value, o->empty_value.text, o->empty_value.len))
                CH_TRY(put_side(slot, o->empty_value.text, o->empty_value.len, &span[r], err));
        } else if (check) {
            CH_TRY(repair(s, slot, &span[r], slot->index.has_doubled, err));
        } else if (same(o->null_value, text, span[r].len)) {
            span[r].len = -1;
        }
    }
    return CH_OK;
}

bool ch_csv_is_rare(const ch_csv_reader *s, const ch_csv_slot *slot)
{
    return s->options.null_value.len || s->options.empty_value.len || slot->index.has_doubled ||
           slot->index.non_ascii;
}

ch_status ch_csv_fill_spans(ch_csv_reader *s, ch_csv_slot *slot, int32_t w, uint32_t row,
                            int64_t at, int64_t n, ch_error *err)
{
    ch_csv_span *out = slot->span[w] + at;
    if (s->column[w] < 0) {
        for (int64_t r = 0; r < n; r++)
            out[r] = (ch_csv_span){.len = -1};
        return CH_OK;
    }
    ch_csv_fields f = ch_csv_fields_of(s, slot, w, row);
    if (f.strip_cr)
        fill_column(slot->text.text, &f, out, n, true);
    else
        fill_column(slot->text.text, &f, out, n, false);
    return ch_csv_is_rare(s, slot) ? fill_rare(s, slot, out, n, err) : CH_OK;
}

void ch_csv_fill_whole(const ch_csv_reader *s, ch_csv_slot *slot, uint32_t row, int64_t at,
                       int64_t n)
{
    const uint32_t stride = s->shape.n_kept, *pos = slot->index.pos + (size_t)row * stride;
    for (int64_t r = 0; r < n; r++, pos += stride) {
        uint32_t from = pos[0] + 1, to = pos[stride];
        to -= to > from && slot->text.text[to - 1] == '\r';
        slot->whole[at + r] = (ch_csv_span){.at = from, .len = (int32_t)(to - from)};
    }
}

static ch_status fill_rows(ch_csv_reader *s, ch_csv_slot *slot, uint32_t row, int64_t at, int64_t n,
                           ch_error *err)
{
    for (int32_t w = 0; w < s->n_wanted; w++)
        CH_TRY(ch_csv_fill_spans(s, slot, w, row, at, n, err));
    if (slot->whole)
        ch_csv_fill_whole(s, slot, row, at, n);
    return CH_OK;
}

ch_status ch_csv_settle(ch_csv_reader *s, ch_csv_slot *slot, ch_error *err)
{
    int64_t n = slot->n_indexed;
    slot->n_indexed = 0;
    return n ? fill_rows(s, slot, slot->row - (uint32_t)n, 0, n, err) : CH_OK;
}

ch_status ch_csv_fast_rows(ch_csv_reader *s, ch_csv_slot *slot, int64_t n, ch_error *err)
{
    if (!slot->skim) {
        bool first = slot->n == 0;
        CH_TRY(ch_csv_settle(s, slot, err));
        if (first)
            slot->n_indexed = n;
        else
            CH_TRY(fill_rows(s, slot, slot->row, slot->n, n, err));
        slot->n += n;
    }
    slot->row += (uint32_t)n;
    slot->text.at = slot->index.pos[slot->row * s->shape.n_kept] + 1;
    return CH_OK;
}

/* One field of the tokenizer as a span. text: what the tokenizer was given. */
static ch_status put_field(ch_csv_reader *s, ch_csv_slot *slot, const ch_csv_field *f,
                           const char *text, ch_csv_span *out, ch_error *err)
{
    const ch_csv_options *o = &s->options;
    const char *from;
    int64_t len = f->len;
    switch (f->kind) {
    case CH_CSV_NULL:
        *out = (ch_csv_span){.len = -1};
        return CH_OK;
    case CH_CSV_EMPTY:
        from = o->empty_value.text;
        len = o->empty_value.len;
        break;
    default:
        from = (f->kind == CH_CSV_VALUE ? text : slot->record.made.data) + f->at;
        if (s->rules.n_alias) {
            slot->restored.len = 0;
            CH_TRY(ch_csv_restore(&s->rules, from, len, &slot->restored, err));
            from = slot->restored.data ? slot->restored.data : "";
            len = (int64_t)slot->restored.len;
        }
    }
    if (same(o->null_value, from, len)) {
        *out = (ch_csv_span){.len = -1};
        return CH_OK;
    }
    CH_TRY(put_side(slot, from, len, out, err));
    return repair(s, slot, out, false, err);
}

/* The record that the tokenizer found becomes a row. raw: its text. */
static ch_status slow_row(ch_csv_reader *s, ch_csv_slot *slot, const char *text, const char *raw,
                          int64_t raw_len, ch_error *err)
{
    const ch_csv_record *rec = &slot->record;
    int64_t r = slot->n;
    bool none = rec->n_fields < 0; /* no tokens at all */
    for (int32_t w = 0; w < s->n_wanted; w++) {
        int32_t c = s->column[w];
        if (c < 0 || none || c >= rec->n_fields)
            slot->span[w][r] = (ch_csv_span){.len = -1};
        else
            CH_TRY(put_field(s, slot, &rec->ready[c], text, &slot->span[w][r], err));
    }
    if (slot->whole) {
        slot->restored.len = 0;
        if (s->rules.n_alias) {
            CH_TRY(ch_csv_restore(&s->rules, raw, raw_len, &slot->restored, err));
            raw = slot->restored.data ? slot->restored.data : "";
            raw_len = (int64_t)slot->restored.len;
        }
        CH_TRY(put_side(slot, raw, raw_len, &slot->whole[r], err));
    }
    if (none || (!s->pruned && rec->n_fields != s->n_data)) {
        ch_bit_set(slot->bad, r);
        slot->any_bad = true;
    } else if (rec->n_fields != s->n_data) { /* no matter for the rows, but worth telling */
        atomic_fetch_add_explicit(&s->n_malformed, 1, memory_order_relaxed);
    }
    slot->n++;
    return CH_OK;
}

/* ---- header ---------------------------------------------------------------------------------- */

static ch_status header_mismatch(ch_csv_reader *s, const ch_csv_slot *slot, const char *msg,
                                 ch_error *err)
{
    CH_FAIL(err, CSV_HEADER_MISMATCH, "path", s->file[slot->file].path, "msg", msg);
}

/* With enforceSchema=false the header's names must be those of the columns that are read. */
static ch_status check_header(ch_csv_reader *s, ch_csv_slot *slot, const char *text, ch_error *err)
{
    char msg[256];
    int64_t n = slot->record.n_fields;
    if (s->options.enforce_schema || n < 0)
        return CH_OK;
    if (!s->pruned && n != s->n_data) {
        snprintf(msg, sizeof msg, "it has %lld columns, the schema %d", (long long)n, s->n_data);
        return header_mismatch(s, slot, msg, err);
    }
    int32_t c = -1;
    for (int32_t k = 0; k < s->schema->n_fields; k++) {
        const char *name = s->schema->field[k].name;
        if (strcasecmp(name, s->options.corrupt_column) == 0)
            continue;
        c++;
        if (s->pruned && !s->parse[c])
            continue;
        ch_csv_span span = {.len = -1};
        slot->side.len = 0;
        if (c < n)
            CH_TRY(put_field(s, slot, &slot->record.ready[c], text, &span, err));
        size_t len = strlen(name);
        const char *found = span.len >= 0 ? ch_csv_span_text(slot, span) : "";
        if (span.len < 0 || (size_t)span.len != len ||
            (s->case_sensitive ? memcmp(found, name, len) : strncasecmp(found, name, len)) != 0) {
            snprintf(msg, sizeof msg, "column %d is '%.*s', expected '%s'", c + 1,
                     span.len < 0 ? 0 : (int)span.len, found, name);
            slot->side.len = 0;
            return header_mismatch(s, slot, msg, err);
        }
    }
    slot->side.len = 0;
    return CH_OK;
}

/* ---- one record at a time -------------------------------------------------------------------- */

/*
 * Where the line at text.at ends, and the next begins. false: not in the chunk yet. At the end of
 * the file the rest is a line.
 */
bool ch_csv_find_line(const ch_csv_reader *s, const ch_csv_slot *slot, uint32_t *end,
                      uint32_t *next)
{
    const ch_csv_text *t = &slot->text;
    const char *from = t->text + t->at, *stop = t->text + t->len;
    if (s->n_line_sep) {
        size_t n = s->n_line_sep;
        const char *at = memmem(from, (size_t)(stop - from), s->line_sep, n);
        if (at) {
            *end = (uint32_t)(at - t->text);
            *next = *end + (uint32_t)n;
            return true;
        }
    } else {
        const char *lf = memchr(from, '\n', (size_t)(stop - from));
        const char *cr = memchr(from, '\r', (size_t)((lf ? lf : stop) - from));
        const char *at = cr ? cr : lf;
        if (at && !(at == cr && cr + 1 == stop && !t->eof)) {
            *end = (uint32_t)(at - t->text);
            *next = *end + 1 + (at == cr && cr + 1 < stop && cr[1] == '\n');
            return true;
        }
    }
    *end = *next = t->len;
    return t->eof;
}

static bool is_blank(const char *p, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        if ((uint8_t)p[i] > ' ')
            return false;
    return true;
}

/* A line of UTF-16 or UTF-32 was found byte by byte, as Spark does it; slot->restored = its text. */
static ch_status decode_line(const ch_csv_reader *s, ch_csv_slot *slot, const char *line,
                             int64_t len, ch_error *err)
{
    size_t skip, left;
    const char *name = ch_csv_iconv_name(s->options.encoding, line, (size_t)len, &skip);
    iconv_t cd = iconv_open("UTF-8", name);
    if (cd == (iconv_t)-1)
        CH_FAIL(err, INVALID_CHARSET, "functionName", "CSVOptions", "charset", name, "charsets",
                "those of iconv");
    slot->restored.len = 0;
    ch_status status =
        ch_csv_decode(cd, name, line + skip, (size_t)len - skip, true, &slot->restored, &left, err);
    iconv_close(cd);
    return status;
}

/* One line by the tokenizer: no row for blanks and comments. */
ch_status ch_csv_one_line(ch_csv_reader *s, ch_csv_slot *slot, const char *line, int64_t len,
                          uint32_t at, ch_error *err)
{
    if (s->wide) {
        CH_TRY(decode_line(s, slot, line, len, err));
        line = slot->restored.data ? slot->restored.data : "";
        len = (int64_t)slot->restored.len;
    }
    if (s->rules.n_alias || s->wide) {
        slot->line.len = 0;
        CH_TRY(ch_csv_prepare(&s->rules, line, len, &slot->line, err));
        line = slot->line.data ? slot->line.data : "";
        len = (int64_t)slot->line.len;
    }
    if (is_blank(line, len))
        return CH_OK;
    if (s->options.has_comment) {
        int64_t skip = 0;
        while (slot->header && (uint8_t)line[skip] <= ' ')
            skip++;
        if ((uint8_t)line[skip] == s->rules.comment)
            return CH_OK;
    }
    if (slot->header && (s->options.enforce_schema || s->count_lines)) {
        slot->header = false;
        return CH_OK;
    }
    if (slot->skim)
        return CH_OK;
    if (s->count_lines) {
        slot->n++;
        return CH_OK;
    }
    ch_csv_record_begin(&slot->record, line, len, true, true);
    ch_csv_result result = ch_csv_record_next(&slot->record, err);
    if (result == CH_CSV_FAILED)
        return tokenizer_failed(s, slot, at, err);
    if (result != CH_CSV_ROW)
        slot->record.n_fields = -1;
    if (slot->header) {
        slot->header = false;
        return check_header(s, slot, line, err);
    }
    return slow_row(s, slot, line, line, len, err);
}

/* *done false: more text is needed first. */
ch_status ch_csv_slow_line(ch_csv_reader *s, ch_csv_slot *slot, bool *done, ch_error *err)
{
    ch_csv_text *t = &slot->text;
    uint32_t end, next;
    *done = ch_csv_find_line(s, slot, &end, &next);
    if (!*done)
        return CH_OK;
    uint32_t at = t->at;
    t->at = next;
    return ch_csv_one_line(s, slot, t->text + at, end - at, at, err);
}

/* multiLine: the next record, which may lie behind some empty lines and comments. */
ch_status ch_csv_slow_record(ch_csv_reader *s, ch_csv_slot *slot, bool *done, ch_error *err)
{
    ch_csv_text *t = &slot->text;
    ch_csv_record *rec = &slot->record;
    const char *text = t->text + t->at;
    ch_csv_record_begin(rec, text, t->len - t->at, t->eof, false);
    do {
        ch_csv_result result = ch_csv_record_next(rec, err);
        if (result == CH_CSV_FAILED)
            return tokenizer_failed(s, slot, t->at + (uint32_t)rec->start, err);
        *done = result != CH_CSV_MORE;
        if (result == CH_CSV_MORE) {
            t->at += (uint32_t)rec->start;
            return CH_OK;
        }
        if (result == CH_CSV_END) {
            t->at = t->len;
            return CH_OK;
        }
        if (t->base + t->at + rec->start >= slot->limit) {
            /* Behind empty lines and comments lay a record of the next morsel. */
            t->at += (uint32_t)rec->start;
            return CH_OK;
        }
        if (slot->header) {
            slot->header = false;
            CH_TRY(check_header(s, slot, text, err));
        } else if (!slot->skim) {
            int64_t from = rec->start, to = rec->next;
            if (to > from && text[to - 1] == '\n')
                to--;
            if (to > from && text[to - 1] == '\r')
                to--;
            CH_TRY(slow_row(s, slot, text, text + from, to - from, err));
        }
        /* A record that was taken apart leaves others in the tokenizer. */
    } while ((rec->queue_at < rec->n_queue || rec->column > 0 || rec->n_queue > 0) &&
             slot->n < s->batch_rows);
    t->at += (uint32_t)rec->next;
    return CH_OK;
}
