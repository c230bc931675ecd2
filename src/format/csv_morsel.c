/* SPDX-License-Identifier: Apache-2.0 */
/*
 * csv_morsel.c - which part of which file a slot reads, and the loop over its records.
 *
 * csv_read.c says how files are cut.
 */
#include <string.h>

#include "format/csv_read.h"

#define SMALL_WINDOW 2048

/* ---- the loop over a chunk -------------------------------------------------------------------- */

/* How many records from slot->row on, at most `most`, are as expected and begin before the limit. */
static int64_t regular_run(const ch_csv_reader *s, const ch_csv_slot *slot, int64_t most)
{
    const ch_csv_index *x = &slot->index;
    const uint32_t stride = s->shape.n_kept, *pos = x->pos + (size_t)slot->row * stride;
    const char *text = slot->text.text;
    int64_t left = x->n_rows - slot->row, limit = slot->limit - slot->text.base;
    int64_t n = left < most ? left : most, r = 0;
    uint8_t comment = s->options.has_comment ? s->rules.comment : 0;
    /* Only the last records can lie behind the limit. */
    while (n > 0 && (int64_t)pos[(n - 1) * stride] + 1 >= limit)
        n--;
    if (!s->check_first)
        return n;
    for (; r < n; r++, pos += stride) {
        uint8_t first = (uint8_t)text[*pos + 1];
        if (first <= ' ' || first == comment)
            break;
    }
    return r;
}

/* Indexes text from text.at on. True: to the end of the chunk. */
static bool scan_window(const ch_csv_reader *s, ch_csv_slot *slot)
{
    ch_csv_text *t = &slot->text;
    uint32_t len = t->len;
    /* A last line without an end: padding lends it one; but with multiLine a last CR is text. */
    if (t->eof && len > t->at && t->text[len - 1] != '\n' &&
        !(slot->dialect.multi_line && t->text[len - 1] == '\r'))
        t->text[len++] = '\n';
    uint32_t to = len - t->at > slot->window ? t->at + slot->window : len;
    ch_csv_scan(&slot->dialect, &s->shape, t->text, t->at, to, &slot->index);
    if (len > t->len)
        t->text[t->len] = 0;
    slot->row = 0;
    bool all = slot->index.end == len;
    if (all && !t->eof)
        slot->dry_at = slot->index.pos[slot->index.n_rows * s->shape.n_kept] + 1;
    return all;
}

/*
 * Adds rows to the batch until it is full, the chunk is used up (*fill: more text is needed) or the
 * morsel ends (*end).
 */
ch_status ch_csv_take_rows(ch_csv_reader *s, ch_csv_slot *slot, bool *fill, bool *end,
                           ch_error *err)
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
                CH_TRY(ch_csv_fast_rows(s, slot, n, err));
                if (t->at > t->len)
                    t->at = t->len; /* the lent line end */
                continue;
            }
            CH_TRY(ch_csv_settle(s, slot, err));
            if (s->options.multi_line) {
                slot->index.n_rows = slot->row = 0;
                slot->window = SMALL_WINDOW;
                CH_TRY(ch_csv_slow_record(s, slot, &done, err));
            } else {
                const ch_csv_index *x = &slot->index;
                uint32_t next = x->pos[(slot->row + 1) * s->shape.n_kept], at = t->at;
                uint32_t line_end = next - (next > at && t->text[next - 1] == '\r');
                t->at = next + 1 > t->len ? t->len : next + 1;
                slot->row++;
                CH_TRY(ch_csv_one_line(s, slot, t->text + at, line_end - at, at, err));
            }
        } else if (t->at >= t->len) {
            *fill = !t->eof;
            *end = t->eof;
            return CH_OK;
        } else if (!slot->fast || slot->header) {
            CH_TRY(s->options.multi_line ? ch_csv_slow_record(s, slot, &done, err)
                                         : ch_csv_slow_line(s, slot, &done, err));
        } else if (t->at == slot->dry_at) {
            done = false;
        } else {
            CH_TRY(ch_csv_settle(s, slot, err));
            bool all = scan_window(s, slot);
            bool full = slot->index.n_pos >= slot->index.cap_pos;
            if (slot->index.n_rows > 0) {
                if (slot->window < UINT32_MAX / 4)
                    slot->window *= 4;
            } else if (slot->index.irregular || full || (all && t->eof)) {
                slot->window = SMALL_WINDOW;
                CH_TRY(s->options.multi_line ? ch_csv_slow_record(s, slot, &done, err)
                                             : ch_csv_slow_line(s, slot, &done, err));
            } else if (!all) {
                slot->window *= 4; /* no record fits this window */
            } else {
                done = false;
            }
        }
        if (!done) {
            slot->dry_at = UINT32_MAX;
            *fill = true;
            return CH_OK;
        }
    }
    return CH_OK;
}

/* ---- morsels --------------------------------------------------------------------------------- */

static ch_status open_file(ch_csv_reader *s, ch_csv_slot *slot, int32_t file, ch_error *err)
{
    slot->file = file;
    slot->rules = s->rules;
    slot->fast = s->simple;
    slot->text.bytes_done = NULL;
    if (s->options.multi_line && !s->options.line_sep)
        CH_TRY(ch_csv_text_detect(&slot->text, &s->file[file], slot->rules.line_sep, err));
    slot->text.bytes_done = &s->bytes_done;
    const uint8_t *sep = slot->rules.line_sep;
    slot->dialect.crlf = s->options.line_sep ? false : !s->options.multi_line || sep[1] == '\n';
    if (sep[0] == '\r' && sep[1] == 0)
        slot->fast = false;
    return ch_csv_text_open(&slot->text, &s->file[file], err);
}

static void start_reading(ch_csv_reader *s, ch_csv_slot *slot, bool header)
{
    slot->index.n_rows = slot->row = 0;
    slot->dry_at = UINT32_MAX;
    slot->window = (uint32_t)(s->sizes.window_bytes ? s->sizes.window_bytes : UINT32_MAX / 4);
    slot->header = header;
}

/* Where the header stands: behind blank lines and comments. INT64_MAX: there is none. */
static ch_status find_header(ch_csv_reader *s, ch_csv_slot *slot, ch_error *err)
{
    ch_csv_text *t = &slot->text;
    ch_csv_text_seek(t, 0);
    slot->header_at = INT64_MAX;
    for (;;) {
        CH_TRY(ch_csv_text_fill(t, 0, err));
        for (uint32_t end, next; t->at < t->len && ch_csv_find_line(s, slot, &end, &next);
             t->at = next) {
            uint32_t from = t->at;
            while (from < end && (uint8_t)t->text[from] <= ' ')
                from++;
            if (from == end ||
                (s->options.has_comment && (uint8_t)t->text[from] == s->rules.comment))
                continue;
            slot->header_at = t->base + t->at;
            return CH_OK;
        }
        if (t->eof)
            return CH_OK;
    }
}

/* From text.at - 1 on to the first beginning of a line; the limit or the end of file may come first. */
static ch_status skip_to_line(ch_csv_reader *s, ch_csv_slot *slot, ch_error *err)
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
            if (!ch_csv_find_line(s, slot, &end, &next))
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

int64_t ch_csv_morsels_of(const ch_csv_reader *s, int32_t file)
{
    if (!s->splittable || ch_codec_of_path(s->file[file].path) != CH_CODEC_NONE)
        return 1;
    int64_t n = (s->file[file].bytes + s->sizes.morsel_bytes - 1) / s->sizes.morsel_bytes;
    return n > 0 ? n : 1;
}

static ch_status use_file(ch_csv_reader *s, ch_csv_slot *slot, int32_t file, bool whole,
                          ch_error *err)
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
static ch_status claim_skimmed(ch_csv_reader *s, ch_csv_slot *slot, bool *more, ch_error *err)
{
    *more = false;
    while (s->skim_file < s->n_files) {
        int32_t file = s->skim_file;
        if (s->skim_at == 0)
            s->skim_header = s->options.header;
        bool header = s->skim_header;
        int64_t from = s->skim_at, target = from + s->sizes.morsel_bytes;
        bool whole = ch_csv_morsels_of(s, file) == 1;
        if (!whole && from > 0 && from >= s->file[file].bytes) {
            s->skim_file++;
            s->skim_at = 0;
            continue;
        }
        ch_status opened = use_file(s, slot, file, whole, err);
        if (opened != CH_OK) { /* who ignores it goes on with the next */
            s->skim_file++;
            s->skim_at = 0;
            return opened;
        }
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
                CH_TRY(ch_csv_take_rows(s, slot, &fill, &end, err));
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

static ch_status claim_cut(ch_csv_reader *s, ch_csv_slot *slot, bool *more, ch_error *err)
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
    /* One byte early: a line that begins at the cut is this morsel's. */
    ch_csv_text_seek(&slot->text, k ? from - 1 : 0);
    return k ? skip_to_line(s, slot, err) : CH_OK;
}

static ch_status claim(ch_scan *scan, int index, bool *more, ch_error *err)
{
    ch_csv_reader *s = (ch_csv_reader *)scan;
    ch_csv_slot *slot = &s->slot[index];
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

ch_status ch_csv_begin(ch_scan *scan, int index, bool *more, ch_error *err)
{
    const ch_csv_reader *s = (const ch_csv_reader *)scan;
    if (!s->ignore_missing && !s->ignore_corrupt)
        return claim(scan, index, more, err);
    for (;;) {
        ch_error own = {0};
        ch_status status = claim(scan, index, more, &own);
        bool ignored = (s->ignore_missing && status == CH_E_PATH_NOT_FOUND) ||
                       (s->ignore_corrupt && (status == CH_E_CORRUPT_FILE || status == CH_E_IO));
        if (!ignored)
            return status == CH_OK ? CH_OK : ch_error_pass(err, &own);
        ch_error_release(&own);
    }
}
