/* SPDX-License-Identifier: Apache-2.0 */
/*
 * csv_read.c - CSV files as a scan: morsels, records, batches.
 *
 * A plain file is cut every morsel_bytes. A record belongs to the morsel that holds its first byte:
 *
 *   without multiLine  a line ends at LF, CR LF or CR whatever quotes say, as in Spark, so the first
 *                      record of a morsel begins behind the first line end at or behind its cut - 1
 *   with multiLine     only who knows all that stands before can tell which newline ends a record. The
 *                      next morsel's end is found by skimming (index only, nothing is made) from the
 *                      end of the last one; slots do that in turn, under a lock, and then read
 *                      their morsels side by side. This is right for any input, however odd its quotes.
 *
 * Compressed and decoded files are one morsel each.
 *
 * Records go two ways. Regular ones (csv_scan.h) with the expected number of fields: spans straight
 * from the index. All others: csv_record.h, one at a time. Both end up as spans, row by row, and
 * csv_convert.h makes columns of them. After an irregular record the next window to be indexed is small,
 * and grows again: a file full of them is not indexed over and over.
 *
 * Which records are malformed follows Spark's UnivocityParser: too few or too many fields count only
 * when no columns were pruned away; values that do not convert always do.
 */
#include "format/csv.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "format/csv_convert.h"
#include "format/csv_scan.h"
#include "format/csv_source.h"

#define MORSEL_BYTES ((int64_t)4 << 20)
#define LEAST_MORSEL_BYTES ((int64_t)256 << 10)
#define CHUNK_BYTES ((int64_t)256 << 10)
#define STREAM_CHUNK_BYTES ((int64_t)256 << 10)
#define SMALL_WINDOW 2048
#define MOST_INDEX_ROWS 16384

typedef struct csv_slot {
    ch_csv_text text;
    ch_csv_rules rules; /* with the line separator of this file */
    ch_csv_dialect dialect;
    bool fast;         /* dialect describes the options */
    int32_t file;      /* open file, -1: none */
    int64_t limit;     /* records that begin here or behind are not this morsel's */
    int32_t header_of; /* the file of header_at, -1: none */
    int64_t header_at; /* without multiLine: where the header of a cut file begins */
    bool skim, header; /* header: the next record is one */
    uint64_t seq;
    ch_csv_index index;
    uint32_t row;    /* next record of the index */
    uint32_t window; /* bytes to index next */
    ch_csv_record record;
    ch_buf line, side, restored;
    ch_csv_span **span;    /* [n_wanted][batch_rows] */
    ch_csv_span *whole;    /* each row's record, where it may be asked for */
    uint64_t *bad;         /* [batch_rows] */
    bool any_bad;
    int64_t n;             /* rows of the batch under way */
    uint32_t batch_at;     /* where its text begins in the chunk */
} csv_slot;

typedef struct csv_scan {
    ch_scan base;
    ch_mem *mem;
    ch_arena arena;
    ch_csv_options options;
    ch_csv_rules rules;
    bool simple;      /* the index can be used at all */
    bool wide;        /* lines of two or four bytes a character, which end at single bytes */
    char line_sep[16]; /* as it is in the file, n_line_sep bytes; 0: the usual ones */
    size_t n_line_sep;
    bool count_lines; /* no columns wanted: lines are counted, not parsed */
    bool splittable;  /* files that are not compressed are */
    bool pruned;      /* only wanted columns are parsed: the number of fields does not matter */
    const ch_type *schema;
    const ch_file *file;
    int32_t n_files;
    int32_t n_data;     /* columns in the files: those of the schema but the corrupt one */
    int32_t n_wanted;
    int32_t *column;    /* [n_wanted] position in the files, -1: the corrupt column */
    const ch_csv_converter **converter; /* [n_wanted], NULL for the corrupt column */
    bool *parse;        /* [n_data] wanted by position */
    bool case_sensitive;
    bool may_fail;      /* rows' text is needed when values do not convert */
    int64_t batch_rows, limit;
    ch_csv_sizes sizes;
    int64_t *first_morsel; /* [n_files + 1], where files are cut at fixed places */
    _Atomic int64_t next_morsel;
    /* multiLine: the end of the last morsel given out */
    pthread_mutex_t lock;
    int32_t skim_file;
    int64_t skim_at;
    bool skim_header; /* the header of skim_file is still to come */
    _Atomic int64_t bytes_done, rows, n_malformed;
    int64_t bytes_total;
    int n_slots;
    csv_slot *slot;
} csv_scan;

/* ---- errors ------------------------------------------------------------------------------- */

/* The line (from 1) of a place in the decoded file; 0 if the file can no longer be read. */
static int64_t line_of(csv_scan *s, const csv_slot *slot, int64_t offset)
{
    ch_csv_text t = {.mem = s->mem,
                     .encoding = slot->text.encoding,
                     .alias = slot->text.alias,
                     .chunk_bytes = STREAM_CHUNK_BYTES};
    int64_t line = 1;
    ch_status status = ch_csv_text_open(&t, s->file[slot->file].path, NULL);
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

static ch_status tokenizer_failed(csv_scan *s, csv_slot *slot, uint32_t at, ch_error *err)
{
    const char *path = s->file[slot->file].path;
    if (slot->record.failure == CH_CSV_NO_MEMORY)
        return CH_E_MEMORY;
    int64_t line = line_of(s, slot, slot->text.base + at);
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
static ch_status put_side(csv_slot *slot, const char *text, int64_t len, ch_csv_span *out,
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

static const char *span_text(const csv_slot *slot, ch_csv_span s)
{
    return s.at & CH_CSV_SIDE ? slot->side.data + (s.at & ~CH_CSV_SIDE) : slot->text.text + s.at;
}

/* A value that comes with quotes in it doubled, or in broken UTF-8, is made again on the side. */
static ch_status repair(csv_scan *s, csv_slot *slot, ch_csv_span *span, bool doubled,
                        ch_error *err)
{
    const char *text = span_text(slot, *span);
    int64_t len = span->len;
    if (doubled && memchr(text, slot->dialect.quote, (size_t)len)) {
        slot->restored.len = 0;
        CH_TRY(ch_buf_reserve(&slot->restored, (size_t)len, err));
        for (int64_t i = 0; i < len; i++) {
            slot->restored.data[slot->restored.len++] = text[i];
            i += (uint8_t)text[i] == slot->dialect.quote;
        }
        CH_TRY(put_side(slot, slot->restored.data, (int64_t)slot->restored.len, span, err));
        text = span_text(slot, *span);
        len = span->len;
    }
    if (ch_utf8_valid_prefix(text, len) != len) {
        ch_csv_rules plain = {0};
        slot->restored.len = 0;
        CH_TRY(ch_csv_prepare(&plain, text, len, &slot->restored, err));
        CH_TRY(put_side(slot, slot->restored.data, (int64_t)slot->restored.len, span, err));
    }
    if (same(s->options.null_value, span_text(slot, *span), span->len))
        span->len = -1;
    return CH_OK;
}

/* Spans of column `c` of the records row .. row + n of the index, from batch row slot->n on. */
static inline __attribute__((always_inline)) void fill_column(const csv_slot *slot,
                                                              ch_csv_span *out, int64_t n,
                                                              uint32_t n_cols, uint32_t c,
                                                              bool strip_cr)
{
    const char *text = slot->text.text;
    const uint32_t *pos = slot->index.pos + slot->index.row[slot->row] + c;
    const char quote = (char)slot->dialect.quote;
    for (int64_t r = 0; r < n; r++, pos += n_cols) {
        uint32_t from = pos[0] + 1, to = pos[1];
        if (strip_cr)
            to -= to > from && text[to - 1] == '\r';
        uint32_t quoted = text[from] == quote; /* an empty field begins with what ends it */
        from += quoted;
        to -= quoted;
        int32_t len = (int32_t)(to - from);
        /* Empty is NULL here; fill_rare() knows better where nullValue or emptyValue are set. */
        out[r] = (ch_csv_span){.at = from, .len = len ? len : -1};
    }
}

/* The rest of the options: nullValue, emptyValue, doubled quotes, UTF-8. */
static ch_status fill_rare(csv_scan *s, csv_slot *slot, ch_csv_span *span, int64_t n, ch_error *err)
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

static ch_status fast_rows(csv_scan *s, csv_slot *slot, int64_t n, ch_error *err)
{
    bool rare = s->options.null_value.len || s->options.empty_value.len ||
                slot->index.has_doubled || slot->index.non_ascii;
    uint32_t n_cols = (uint32_t)s->n_data;
    if (!slot->skim) {
        for (int32_t w = 0; w < s->n_wanted; w++) {
            ch_csv_span *out = slot->span[w] + slot->n;
            int32_t c = s->column[w];
            if (c < 0) {
                for (int64_t r = 0; r < n; r++)
                    out[r] = (ch_csv_span){.len = -1};
                continue;
            }
            if (slot->index.has_cr && c == s->n_data - 1)
                fill_column(slot, out, n, n_cols, (uint32_t)c, true);
            else
                fill_column(slot, out, n, n_cols, (uint32_t)c, false);
            if (rare)
                CH_TRY(fill_rare(s, slot, out, n, err));
        }
        if (slot->whole) {
            const uint32_t *pos = slot->index.pos, *row = slot->index.row + slot->row;
            for (int64_t r = 0; r < n; r++) {
                uint32_t from = pos[row[r]] + 1, to = pos[row[r + 1]];
                to -= to > from && slot->text.text[to - 1] == '\r';
                slot->whole[slot->n + r] = (ch_csv_span){.at = from, .len = (int32_t)(to - from)};
            }
        }
        slot->n += n;
    }
    slot->row += (uint32_t)n;
    slot->text.at = slot->index.pos[slot->index.row[slot->row]] + 1;
    return CH_OK;
}

/* One field of the tokenizer as a span. text: what the tokenizer was given. */
static ch_status put_field(csv_scan *s, csv_slot *slot, const ch_csv_field *f, const char *text,
                           ch_csv_span *out, ch_error *err)
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
static ch_status slow_row(csv_scan *s, csv_slot *slot, const char *text, const char *raw,
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

static ch_status header_mismatch(csv_scan *s, const csv_slot *slot, const char *msg, ch_error *err)
{
    CH_FAIL(err, CSV_HEADER_MISMATCH, "path", s->file[slot->file].path, "msg", msg);
}

/* With enforceSchema=false the header's names must be those of the columns that are read. */
static ch_status check_header(csv_scan *s, csv_slot *slot, const char *text, ch_error *err)
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
        const char *found = span.len >= 0 ? span_text(slot, span) : "";
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
static bool find_line(const csv_scan *s, const csv_slot *slot, uint32_t *end, uint32_t *next)
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
static ch_status decode_line(const csv_scan *s, csv_slot *slot, const char *line, int64_t len,
                             ch_error *err)
{
    size_t skip, left;
    const char *name = ch_csv_iconv_name(s->options.encoding, line, (size_t)len, &skip);
    iconv_t cd = iconv_open("UTF-8", name);
    if (cd == (iconv_t)-1)
        CH_FAIL(err, INVALID_CHARSET, "functionName", "CSVOptions", "charset", name, "charsets",
                "those of iconv");
    slot->restored.len = 0;
    ch_status status = ch_csv_decode(cd, name, line + skip, (size_t)len - skip, true,
                                     &slot->restored, &left, err);
    iconv_close(cd);
    return status;
}

/* One line by the tokenizer: no row for blanks and comments. */
static ch_status one_line(csv_scan *s, csv_slot *slot, const char *line, int64_t len, uint32_t at,
                          ch_error *err)
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
static ch_status slow_line(csv_scan *s, csv_slot *slot, bool *done, ch_error *err)
{
    ch_csv_text *t = &slot->text;
    uint32_t end, next;
    *done = find_line(s, slot, &end, &next);
    if (!*done)
        return CH_OK;
    uint32_t at = t->at;
    t->at = next;
    return one_line(s, slot, t->text + at, end - at, at, err);
}

/* multiLine: the next record, which may lie behind some empty lines and comments. */
static ch_status slow_record(csv_scan *s, csv_slot *slot, bool *done, ch_error *err)
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

/* ---- the loop over a chunk -------------------------------------------------------------------- */

/* How many records from slot->row on, at most `most`, are as expected and begin before the limit. */
static int64_t regular_run(const csv_scan *s, const csv_slot *slot, int64_t most)
{
    const ch_csv_index *x = &slot->index;
    const uint32_t *row = x->row + slot->row;
    const char *text = slot->text.text;
    uint32_t n_cols = s->count_lines ? 1 : (uint32_t)s->n_data;
    int64_t left = x->n_rows - slot->row, limit = slot->limit - slot->text.base;
    int64_t n = left < most ? left : most, r = 0;
    uint8_t comment = s->options.has_comment ? s->rules.comment : 0;
    /* Only the last records can lie behind the limit. */
    while (n > 0 && (int64_t)x->pos[row[n - 1]] + 1 >= limit)
        n--;
    /* Blocks without a branch per row; the first block that is not all regular is looked at again. */
    for (; r + 32 <= n; r += 32) {
        uint32_t odd = 0;
        for (int64_t k = r; k < r + 32; k++)
            odd |= (row[k + 1] - row[k]) ^ n_cols;
        if (odd)
            break;
        const uint32_t *pos = x->pos + row[r];
        for (int64_t k = 0; k < 32; k++, pos += n_cols) {
            uint8_t first = (uint8_t)text[*pos + 1];
            odd |= (first <= ' ') | (first == comment);
        }
        if (odd)
            break;
    }
    for (; r < n; r++) {
        uint8_t first = (uint8_t)text[x->pos[row[r]] + 1];
        if (row[r + 1] - row[r] != n_cols || first <= ' ' || first == comment)
            break;
    }
    return r;
}

/* Indexes text from text.at on. True: to the end of the chunk. */
static bool scan_window(csv_slot *slot)
{
    ch_csv_text *t = &slot->text;
    uint32_t len = t->len;
    /* A last line without an end: padding lends it one; but with multiLine a last CR is text. */
    if (t->eof && len > t->at && t->text[len - 1] != '\n' &&
        !(slot->dialect.multi_line && t->text[len - 1] == '\r'))
        t->text[len++] = '\n';
    uint32_t to = len - t->at > slot->window ? t->at + slot->window : len;
    ch_csv_scan(&slot->dialect, t->text, t->at, to, &slot->index);
    if (len > t->len)
        t->text[t->len] = 0;
    slot->row = 0;
    return slot->index.end == len;
}

/*
 * Adds rows to the batch until it is full, the chunk is used up (*fill: more text is needed) or the
 * morsel ends (*end).
 */
static ch_status take_rows(csv_scan *s, csv_slot *slot, bool *fill, bool *end, ch_error *err)
{
    ch_csv_text *t = &slot->text;
    const int64_t most = slot->skim ? INT64_MAX : s->batch_rows;
    *fill = *end = false;
    while (slot->skim || slot->n < most) {
        if (t->base + t->at >= slot->limit) {
            *end = true;
            return CH_OK;
        }
        bool done = true;
        if (slot->row < slot->index.n_rows && !slot->header) {
            int64_t n = regular_run(s, slot, most - slot->n);
            if (n > 0) {
                CH_TRY(fast_rows(s, slot, n, err));
                if (t->at > t->len)
                    t->at = t->len; /* the lent line end */
                continue;
            }
            if (s->options.multi_line) {
                slot->index.n_rows = slot->row = 0;
                slot->window = SMALL_WINDOW;
                CH_TRY(slow_record(s, slot, &done, err));
            } else {
                const ch_csv_index *x = &slot->index;
                uint32_t next = x->pos[x->row[slot->row + 1]], at = t->at;
                uint32_t line_end = next - (next > at && t->text[next - 1] == '\r');
                t->at = next + 1 > t->len ? t->len : next + 1;
                slot->row++;
                CH_TRY(one_line(s, slot, t->text + at, line_end - at, at, err));
            }
        } else if (t->at >= t->len) {
            *fill = !t->eof;
            *end = t->eof;
            return CH_OK;
        } else if (!slot->fast || slot->header) {
            CH_TRY(s->options.multi_line ? slow_record(s, slot, &done, err)
                                         : slow_line(s, slot, &done, err));
        } else {
            bool all = scan_window(slot);
            bool full = slot->index.n_pos >= slot->index.cap_pos;
            if (slot->index.n_rows > 0) {
                if (slot->window < UINT32_MAX / 4)
                    slot->window *= 4;
            } else if (slot->index.irregular || full || (all && t->eof)) {
                slot->window = SMALL_WINDOW;
                CH_TRY(s->options.multi_line ? slow_record(s, slot, &done, err)
                                             : slow_line(s, slot, &done, err));
            } else if (!all) {
                slot->window *= 4; /* no record fits this window */
            } else {
                done = false;
            }
        }
        if (!done) {
            *fill = true;
            return CH_OK;
        }
    }
    return CH_OK;
}

/* ---- morsels --------------------------------------------------------------------------------- */

static ch_status open_file(csv_scan *s, csv_slot *slot, int32_t file, ch_error *err)
{
    slot->file = file;
    slot->rules = s->rules;
    slot->fast = s->simple;
    slot->text.bytes_done = NULL;
    if (s->options.multi_line && !s->options.line_sep)
        CH_TRY(ch_csv_text_detect(&slot->text, s->file[file].path, slot->rules.line_sep, err));
    slot->text.bytes_done = &s->bytes_done;
    const uint8_t *sep = slot->rules.line_sep;
    slot->dialect.crlf = s->options.line_sep ? false : !s->options.multi_line || sep[1] == '\n';
    if (sep[0] == '\r' && sep[1] == 0)
        slot->fast = false;
    return ch_csv_text_open(&slot->text, s->file[file].path, err);
}

static void start_reading(csv_scan *s, csv_slot *slot, bool header)
{
    slot->index.n_rows = slot->row = 0;
    slot->window = (uint32_t)(s->sizes.window_bytes ? s->sizes.window_bytes : UINT32_MAX / 4);
    slot->header = header;
}

/* Where the header stands: behind blank lines and comments. INT64_MAX: there is none. */
static ch_status find_header(csv_scan *s, csv_slot *slot, ch_error *err)
{
    ch_csv_text *t = &slot->text;
    ch_csv_text_seek(t, 0);
    slot->header_at = INT64_MAX;
    for (;;) {
        CH_TRY(ch_csv_text_fill(t, 0, err));
        for (uint32_t end, next; t->at < t->len && find_line(s, slot, &end, &next); t->at = next) {
            uint32_t from = t->at;
            while (from < end && (uint8_t)t->text[from] <= ' ')
                from++;
            if (from == end || (s->options.has_comment && (uint8_t)t->text[from] == s->rules.comment))
                continue;
            slot->header_at = t->base + t->at;
            return CH_OK;
        }
        if (t->eof)
            return CH_OK;
    }
}

/* From text.at - 1 on to the first beginning of a line; the limit or the end of file may come first. */
static ch_status skip_to_line(csv_scan *s, csv_slot *slot, ch_error *err)
{
    ch_csv_text *t = &slot->text;
    int64_t first = t->base + 1; /* the cut */
    bool fresh = true;
    for (;;) {
        if (!fresh && t->eof) {
            t->at = t->len;
            return CH_OK;
        }
        CH_TRY(ch_csv_text_fill(t, slot->limit, err));
        fresh = false;
        while (t->at < t->len) {
            uint32_t end, next;
            if (t->base + t->at >= slot->limit)
                return CH_OK;
            if (!find_line(s, slot, &end, &next))
                break;
            /* With CR LF the byte before the cut may be the CR. */
            if (t->base + next >= first) {
                t->at = next;
                return CH_OK;
            }
            t->at = next;
        }
        /* No line end yet: what was seen is not needed, but a CR or half a separator at the end is. */
        if (!t->eof && t->len > t->at)
            t->at = t->len - 1;
    }
}

static int64_t morsels_of(const csv_scan *s, int32_t file)
{
    if (!s->splittable || ch_codec_of_path(s->file[file].path) != CH_CODEC_NONE)
        return 1;
    int64_t n = (s->file[file].bytes + s->sizes.morsel_bytes - 1) / s->sizes.morsel_bytes;
    return n > 0 ? n : 1;
}

static ch_status use_file(csv_scan *s, csv_slot *slot, int32_t file, bool whole, ch_error *err)
{
    /* A stream cannot go back: it is opened anew for each morsel, and has only one. */
    if (slot->file == file && !whole)
        return CH_OK;
    ch_csv_text_close(&slot->text);
    slot->file = -1;
    ch_status status = open_file(s, slot, file, err);
    if (status != CH_OK)
        slot->file = -1;
    return status;
}

/* multiLine: skims from the end of the last morsel to the end of this one. Called under the lock. */
static ch_status claim_skimmed(csv_scan *s, csv_slot *slot, bool *more, ch_error *err)
{
    *more = false;
    while (s->skim_file < s->n_files) {
        int32_t file = s->skim_file;
        if (s->skim_at == 0)
            s->skim_header = s->options.header;
        bool header = s->skim_header;
        int64_t from = s->skim_at, target = from + s->sizes.morsel_bytes;
        bool whole = morsels_of(s, file) == 1;
        if (!whole && from > 0 && from >= s->file[file].bytes) {
            s->skim_file++;
            s->skim_at = 0;
            continue;
        }
        CH_TRY(use_file(s, slot, file, whole, err));
        slot->limit = INT64_MAX;
        if (whole || target >= s->file[file].bytes) {
            s->skim_file++;
            s->skim_at = 0;
        } else {
            bool fill = true, end = false;
            ch_csv_text_seek(&slot->text, from);
            slot->text.bytes_done = NULL;
            start_reading(s, slot, header);
            slot->limit = target;
            slot->skim = true;
            while (!end) {
                if (fill)
                    CH_TRY(ch_csv_text_fill(&slot->text, target, err));
                CH_TRY(take_rows(s, slot, &fill, &end, err));
            }
            slot->skim = false;
            s->skim_header = slot->header;
            slot->text.bytes_done = &s->bytes_done;
            slot->limit = s->skim_at = slot->text.base + slot->text.at;
        }
        if (!whole)
            ch_csv_text_seek(&slot->text, from);
        start_reading(s, slot, header);
        *more = true;
        break;
    }
    slot->seq = (uint64_t)atomic_fetch_add(&s->next_morsel, 1) << 32;
    return CH_OK;
}

static ch_status claim_cut(csv_scan *s, csv_slot *slot, bool *more, ch_error *err)
{
    int64_t m = atomic_fetch_add(&s->next_morsel, 1);
    *more = m < s->first_morsel[s->n_files];
    if (!*more)
        return CH_OK;
    int32_t low = 0, high = s->n_files - 1;
    while (low < high) {
        int32_t mid = (low + high + 1) / 2;
        if (s->first_morsel[mid] <= m)
            low = mid;
        else
            high = mid - 1;
    }
    int64_t k = m - s->first_morsel[low], n = s->first_morsel[low + 1] - s->first_morsel[low];
    int64_t from = k * s->sizes.morsel_bytes;
    CH_TRY(use_file(s, slot, low, n == 1, err));
    slot->limit = k + 1 < n ? from + s->sizes.morsel_bytes : INT64_MAX;
    slot->seq = (uint64_t)m << 32;
    if (n == 1) {
        start_reading(s, slot, s->options.header);
        return CH_OK;
    }
    if (s->options.header && slot->header_of != low) {
        CH_TRY(find_header(s, slot, err));
        slot->header_of = low;
    }
    start_reading(s, slot, s->options.header && from <= slot->header_at);
    /* One byte early, two where that may be the second of a line separator. */
    ch_csv_text_seek(&slot->text, k ? from - 1 : 0);
    return k ? skip_to_line(s, slot, err) : CH_OK;
}

static ch_status scan_begin(ch_scan *scan, int index, bool *more, ch_error *err)
{
    csv_scan *s = (csv_scan *)scan;
    csv_slot *slot = &s->slot[index];
    *more = false;
    if (atomic_load_explicit(&scan->stop, memory_order_relaxed) ||
        (s->limit >= 0 && atomic_load_explicit(&s->rows, memory_order_relaxed) >= s->limit))
        return CH_OK;
    if (!s->options.multi_line)
        return claim_cut(s, slot, more, err);
    pthread_mutex_lock(&s->lock);
    ch_status status = claim_skimmed(s, slot, more, err);
    pthread_mutex_unlock(&s->lock);
    return status;
}

/* ---- batches --------------------------------------------------------------------------------- */

static ch_status fail_fast(csv_scan *s, csv_slot *slot, int64_t r, ch_error *err)
{
    const char *path = s->file[slot->file].path;
    ch_csv_span w = slot->whole[r];
    const char *text = span_text(slot, w);
    char record[256];
    int len = w.len < 240 ? w.len : 240;
    snprintf(record, sizeof record, "%.*s%s", len, text, w.len > len ? "..." : "");
    /* A row from the side buffer does not know its place; the one before it does. */
    int64_t line = 0, back = r;
    while (back > 0 && slot->whole[back].at & CH_CSV_SIDE)
        back--;
    int64_t at = slot->whole[back].at & CH_CSV_SIDE ? slot->batch_at : slot->whole[back].at;
    line = line_of(s, slot, slot->text.base + at) + (r - back);
    char found[64], expected[64];
    snprintf(found, sizeof found, "a value or a number of fields that does not fit");
    snprintf(expected, sizeof expected, "%d fields of the schema's types", s->n_data);
    CH_FAIL(err, MALFORMED_RECORD, "path", path, "line", CH_I64(line), "badRecord", record, "found",
            found, "expected", expected, "failFastMode", "FAILFAST");
}

static ch_status corrupt_column(csv_slot *slot, const ch_csv_source *src,
                                const ch_csv_converter *text, int32_t w, ch_mem *mem,
                                ch_column **out, ch_error *err)
{
    for (int64_t r = 0; r < slot->n; r++) {
        slot->span[w][r] = slot->whole[r];
        if (!ch_bit_get(slot->bad, r))
            slot->span[w][r].len = -1;
    }
    return ch_csv_convert(text, src, slot->span[w], mem, out, err);
}

static ch_status make_batch(csv_scan *s, csv_slot *slot, ch_batch *out, ch_error *err)
{
    int64_t n = slot->n;
    CH_TRY(ch_batch_init(out, s->mem, s->n_wanted, n, err));
    CH_TRY(ch_buf_reserve(&slot->side, 16, err));
    ch_csv_source src = {.chunk = slot->text.chunk,
                         .side = slot->side.data,
                         .n_rows = n,
                         .chunk_at = slot->batch_at,
                         .chunk_len = slot->text.at - slot->batch_at,
                         .bad = slot->bad};
    for (int32_t w = 0; w < s->n_wanted; w++)
        if (s->column[w] >= 0)
            CH_TRY(ch_csv_convert(s->converter[w], &src, slot->span[w], s->mem, &out->col[w], err));
    int64_t n_bad = s->may_fail || slot->any_bad ? ch_bits_count(slot->bad, n) : 0;
    for (int32_t w = 0; w < s->n_wanted; w++)
        if (s->column[w] < 0)
            CH_TRY(corrupt_column(slot, &src, s->converter[w], w, s->mem, &out->col[w], err));
    out->seq = slot->seq++;
    atomic_fetch_add_explicit(&s->rows, n, memory_order_relaxed);
    if (n_bad == 0)
        return CH_OK;
    atomic_fetch_add_explicit(&s->n_malformed, n_bad, memory_order_relaxed);
    if (s->options.mode == CH_CSV_FAILFAST) {
        int64_t r = 0;
        while (!ch_bit_get(slot->bad, r))
            r++;
        return fail_fast(s, slot, r, err);
    }
    if (s->options.mode == CH_CSV_DROPMALFORMED) {
        atomic_fetch_sub_explicit(&s->rows, n_bad, memory_order_relaxed);
        for (int64_t i = 0; i < ch_bit_words(n); i++)
            slot->bad[i] = ~slot->bad[i];
        return ch_batch_filter(out, slot->bad, err);
    }
    return CH_OK;
}

static ch_status scan_next(ch_scan *scan, int index, ch_batch *out, ch_error *err)
{
    csv_scan *s = (csv_scan *)scan;
    csv_slot *slot = &s->slot[index];
    ch_csv_text *t = &slot->text;
    bool fill, end = false;
    ch_status status;

    *out = (ch_batch){.mem = s->mem};
    slot->n = 0;
    slot->side.len = 0;
    slot->any_bad = false;
    if (slot->bad)
        ch_bits_fill(slot->bad, s->batch_rows, false);
    slot->batch_at = t->at;
    for (;;) {
        CH_TRY(take_rows(s, slot, &fill, &end, err));
        if (slot->n > 0 || end)
            break;
        if (fill) {
            slot->index.n_rows = slot->row = 0;
            CH_TRY(ch_csv_text_fill(t, slot->limit == INT64_MAX ? -1 : slot->limit, err));
            slot->batch_at = t->at;
        }
    }
    if (slot->n == 0)
        return ch_batch_init(out, s->mem, 0, 0, err);
    status = make_batch(s, slot, out, err);
    if (status != CH_OK) {
        ch_batch_release(out);
        *out = (ch_batch){.mem = s->mem};
    }
    return status;
}

static void scan_progress(const ch_scan *scan, ch_scan_progress *out)
{
    const csv_scan *s = (const csv_scan *)scan;
    out->bytes_done = atomic_load_explicit(&s->bytes_done, memory_order_relaxed);
    out->bytes_total = s->bytes_total;
    if (out->bytes_done > out->bytes_total)
        out->bytes_done = out->bytes_total;
    out->rows = atomic_load_explicit(&s->rows, memory_order_relaxed);
    out->n_malformed = atomic_load_explicit(&s->n_malformed, memory_order_relaxed);
}

/* ---- open and close ---------------------------------------------------------------------------- */

static void slot_release(csv_scan *s, csv_slot *slot)
{
    if (!slot->text.mem)
        return;
    size_t rows = (size_t)s->batch_rows;
    ch_csv_text_release(&slot->text);
    ch_csv_record_release(&slot->record);
    ch_buf_release(&slot->line);
    ch_buf_release(&slot->side);
    ch_buf_release(&slot->restored);
    for (int32_t w = 0; slot->span && w < s->n_wanted; w++)
        ch_mem_free(s->mem, slot->span[w], sizeof **slot->span * rows);
    ch_mem_free(s->mem, slot->span, sizeof *slot->span * (size_t)s->n_wanted);
    ch_mem_free(s->mem, slot->whole, sizeof *slot->whole * rows);
    ch_mem_free(s->mem, slot->bad, (size_t)ch_bit_bytes(s->batch_rows));
    ch_mem_free(s->mem, slot->index.pos, sizeof(uint32_t) * (slot->index.cap_pos + CH_CSV_SLACK));
    ch_mem_free(s->mem, slot->index.row, sizeof(uint32_t) * (slot->index.cap_rows + CH_CSV_SLACK));
}

static void scan_close(ch_scan *scan)
{
    csv_scan *s = (csv_scan *)scan;
    for (int i = 0; s->slot && i < s->n_slots; i++)
        slot_release(s, &s->slot[i]);
    ch_mem_free(s->mem, s->slot, sizeof *s->slot * (size_t)s->n_slots);
    pthread_mutex_destroy(&s->lock);
    ch_arena_release(&s->arena);
    ch_mem_free(s->mem, s, sizeof *s);
}

static const ch_scan_class CSV_SCAN = {"csv", scan_begin, scan_next, scan_progress, scan_close};

static ch_status slot_init(csv_scan *s, csv_slot *slot, ch_error *err)
{
    size_t rows = (size_t)s->batch_rows;
    slot->file = slot->header_of = -1;
    slot->text = (ch_csv_text){.mem = s->mem,
                               .encoding = s->wide ? NULL : s->options.encoding,
                               .alias = s->options.multi_line ? &s->rules : NULL,
                               .chunk_bytes = s->sizes.chunk_bytes};
    ch_csv_record_init(&slot->record, s->mem, &slot->rules);
    if (s->pruned && !s->sizes.ragged) {
        slot->record.wanted = s->parse;
        slot->record.n_wanted = s->n_data;
    }
    ch_buf_init(&slot->line, s->mem);
    ch_buf_init(&slot->side, s->mem);
    ch_buf_init(&slot->restored, s->mem);
    slot->dialect = (ch_csv_dialect){.sep = s->rules.sep[0],
                                     .quote = s->rules.quote,
                                     .escape = s->rules.escape,
                                     .multi_line = s->options.multi_line,
                                     .no_fields = s->count_lines};
    /* Room for the records of a chunk as they usually are; a full index is just used up first. */
    int64_t cap = s->sizes.chunk_bytes / 4;
    slot->index.cap_pos = (uint32_t)(cap < 1024 ? 1024 : cap);
    slot->index.cap_rows = MOST_INDEX_ROWS < slot->index.cap_pos ? MOST_INDEX_ROWS
                                                                 : slot->index.cap_pos;
    slot->index.pos =
        ch_mem_alloc(s->mem, sizeof(uint32_t) * (slot->index.cap_pos + CH_CSV_SLACK), err);
    slot->index.row =
        ch_mem_alloc(s->mem, sizeof(uint32_t) * (slot->index.cap_rows + CH_CSV_SLACK), err);
    slot->bad = ch_mem_zalloc(s->mem, (size_t)ch_bit_bytes(s->batch_rows), err);
    if (!slot->index.pos || !slot->index.row || !slot->bad)
        return CH_E_MEMORY;
    slot->span = ch_mem_zalloc(s->mem, sizeof *slot->span * (size_t)s->n_wanted, err);
    if (!slot->span)
        return CH_E_MEMORY;
    for (int32_t w = 0; w < s->n_wanted; w++) {
        slot->span[w] = ch_mem_alloc(s->mem, sizeof **slot->span * rows, err);
        if (!slot->span[w])
            return CH_E_MEMORY;
    }
    if (s->may_fail) {
        slot->whole = ch_mem_alloc(s->mem, sizeof *slot->whole * rows, err);
        if (!slot->whole)
            return CH_E_MEMORY;
    }
    return CH_OK;
}

/* The index knows single ASCII characters and none of the options that change values. */
static bool is_simple(const csv_scan *s)
{
    const ch_csv_options *o = &s->options;
    const ch_csv_rules *u = &s->rules;
    uint8_t special[] = {u->sep[0], u->quote, u->escape};
    for (int i = 0; i < 3; i++)
        if (special[i] == '\n' || special[i] == '\r')
            return false;
    if (s->count_lines)
        return !s->wide && !s->sizes.one_by_one && !o->line_sep && u->n_alias == 0;
    return u->n_sep == 1 && u->n_alias == 0 && u->sep[0] != u->quote && u->sep[0] != u->escape &&
           (u->escape_escape == u->escape || (u->escape_escape == 0 && u->escape == u->quote)) &&
           !u->trim_left && !u->trim_right && u->max_chars < 0 &&
           (!o->line_sep || strcmp(o->line_sep, "\n") == 0) &&
           !s->wide && !s->sizes.one_by_one && s->n_data <= u->max_columns && s->n_data > 0;
}

/* Which columns come from where. */
static ch_status map_columns(csv_scan *s, const ch_scan_spec *spec, ch_error *err)
{
    const ch_type *schema = spec->schema;
    int32_t corrupt = -1, n_text = 0;
    for (int32_t i = 0; i < schema->n_fields; i++)
        if (strcasecmp(schema->field[i].name, s->options.corrupt_column) == 0)
            corrupt = i;
    if (corrupt >= 0 && schema->field[corrupt].type != CH_T_STRING) {
        ch_buf type;
        ch_buf_init(&type, s->mem);
        ch_status status = ch_type_print_sql(schema->field[corrupt].type, &type, err);
        if (status == CH_OK)
            status = ch_error_set(err, CH_E_INVALID_CORRUPT_RECORD_TYPE, "columnName",
                                  schema->field[corrupt].name, "actualType", type.data, NULL);
        ch_buf_release(&type);
        return status;
    }
    s->n_data = schema->n_fields - (corrupt >= 0);
    s->n_wanted = spec->n_wanted;
    CH_ARENA_ARRAY(s->column, &s->arena, s->n_wanted + 1, err);
    CH_ARENA_ARRAY(s->converter, &s->arena, s->n_wanted + 1, err);
    CH_ARENA_ARRAY(s->parse, &s->arena, s->n_data + 1, err);
    for (int32_t w = 0; w < s->n_wanted; w++) {
        int32_t c = spec->wanted[w];
        const ch_field *field = &schema->field[c];
        CH_TRY(ch_csv_converter_make(&s->options, field, &s->arena, &s->converter[w], err));
        n_text += field->type == CH_T_STRING || field->type->id == CH_BINARY;
        s->column[w] = c == corrupt ? -1 : corrupt >= 0 && c > corrupt ? c - 1 : c;
        if (c != corrupt)
            s->parse[s->column[w]] = true;
    }
    bool has_corrupt = false;
    int32_t n_parsed = 0;
    for (int32_t w = 0; w < s->n_wanted; w++)
        has_corrupt |= s->column[w] < 0;
    for (int32_t c = 0; c < s->n_data; c++)
        n_parsed += s->parse[c];
    if (has_corrupt && n_parsed == 0)
        CH_FAIL(err, ONLY_CORRUPT_COLUMN);
    /* Columns asked for in full are parsed in full: then the number of fields counts. */
    s->pruned = s->options.column_pruning && n_parsed < s->n_data;
    s->count_lines = s->pruned && n_parsed == 0 && !s->options.multi_line;
    s->pruned |= s->sizes.ragged;
    s->may_fail = has_corrupt || s->options.mode != CH_CSV_PERMISSIVE || n_text < s->n_wanted;
    return CH_OK;
}

/* The line separator as bytes of the file. */
static ch_status encode_line_sep(csv_scan *s, ch_error *err)
{
    const ch_csv_options *o = &s->options;
    s->wide = o->encoding && strncmp(o->encoding, "UTF-", 4) == 0 && !o->multi_line;
    if (!o->line_sep)
        return CH_OK;
    if (!s->wide) {
        s->n_line_sep = s->rules.line_sep[1] ? 2 : 1;
        if (!s->rules.n_alias || o->multi_line) {
            memcpy(s->line_sep, s->rules.line_sep, 2);
            return CH_OK;
        }
        s->n_line_sep = strlen(o->line_sep);
        memcpy(s->line_sep, o->line_sep, s->n_line_sep);
        return CH_OK;
    }
    size_t skip;
    iconv_t cd = iconv_open(ch_csv_iconv_name(o->encoding, "", 0, &skip), "UTF-8");
    if (cd == (iconv_t)-1)
        CH_FAIL(err, INVALID_CHARSET, "functionName", "CSVOptions", "charset", o->encoding,
                "charsets", "those of iconv");
    char *in = (char *)(uintptr_t)o->line_sep, *out = s->line_sep;
    size_t left = strlen(in), room = sizeof s->line_sep;
    (void)iconv(cd, &in, &left, &out, &room);
    s->n_line_sep = sizeof s->line_sep - room;
    iconv_close(cd);
    return CH_OK;
}

/* Two characters that may overlap themselves cannot be found from the middle of a file. */
static bool can_split(const csv_scan *s)
{
    const ch_csv_options *o = &s->options;
    if (o->encoding || s->rules.n_alias)
        return false;
    if (o->multi_line)
        return o->unescaped != CH_CSV_BACK_TO_DELIMITER;
    return !o->line_sep || s->rules.line_sep[1] == 0;
}

static ch_status open_scan(csv_scan *s, const ch_format_context *ctx, const ch_scan_spec *spec,
                           const ch_csv_sizes *sizes, ch_error *err)
{
    CH_TRY(ch_csv_options_read(ctx, spec->options, &s->arena, &s->options, err));
    CH_TRY(ch_csv_rules_make(&s->options, &s->rules, err));
    CH_TRY(encode_line_sep(s, err));
    if (sizes)
        s->sizes = *sizes;
    if (s->sizes.ragged)
        s->options.mode = CH_CSV_PERMISSIVE;
    CH_TRY(map_columns(s, spec, err));
    s->schema = spec->schema;
    s->file = spec->file;
    s->n_files = spec->n_files;
    s->limit = spec->limit;
    s->case_sensitive = ctx->case_sensitive;
    s->batch_rows = ctx->batch_rows < 1 ? CH_BATCH_ROWS : ctx->batch_rows;
    s->simple = is_simple(s);
    s->splittable = can_split(s);
    for (int32_t f = 0; f < s->n_files; f++)
        s->bytes_total += s->file[f].bytes;
    if (s->sizes.chunk_bytes < 1)
        s->sizes.chunk_bytes = CHUNK_BYTES;
    if (s->sizes.chunk_bytes < 3)
        s->sizes.chunk_bytes = 3; /* a byte order mark */
    if (s->sizes.morsel_bytes > 0 && s->sizes.morsel_bytes < 4)
        s->sizes.morsel_bytes = 4; /* and the record behind it */
    if (s->sizes.morsel_bytes < 1) {
        /* Enough morsels for all slots to end at about the same time. */
        int64_t n = s->bytes_total / ((int64_t)ctx->n_slots * 4 + 1);
        s->sizes.morsel_bytes = n < LEAST_MORSEL_BYTES ? LEAST_MORSEL_BYTES
                                : n > MORSEL_BYTES     ? MORSEL_BYTES
                                                       : n;
    }
    CH_ARENA_ARRAY(s->first_morsel, &s->arena, s->n_files + 1, err);
    for (int32_t f = 0; f < s->n_files; f++)
        s->first_morsel[f + 1] = s->first_morsel[f] + morsels_of(s, f);
    s->base.n_morsels = s->first_morsel[s->n_files];
    s->n_slots = ctx->n_slots < 1 ? 1 : ctx->n_slots;
    s->slot = ch_mem_zalloc(s->mem, sizeof *s->slot * (size_t)s->n_slots, err);
    if (!s->slot)
        return CH_E_MEMORY;
    for (int i = 0; i < s->n_slots; i++)
        CH_TRY(slot_init(s, &s->slot[i], err));
    return CH_OK;
}

ch_status ch_csv_scan_open(const ch_format_context *ctx, const ch_scan_spec *spec,
                           const ch_csv_sizes *sizes, ch_scan **out, ch_error *err)
{
    *out = NULL;
    csv_scan *s = ch_mem_zalloc(ctx->mem, sizeof *s, err);
    if (!s)
        return CH_E_MEMORY;
    s->base.cls = &CSV_SCAN;
    s->mem = ctx->mem;
    ch_arena_init(&s->arena, ctx->mem);
    pthread_mutex_init(&s->lock, NULL);
    ch_status status = open_scan(s, ctx, spec, sizes, err);
    if (status != CH_OK) {
        scan_close(&s->base);
        return status;
    }
    *out = &s->base;
    return CH_OK;
}
