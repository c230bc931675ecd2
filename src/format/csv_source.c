/* SPDX-License-Identifier: Apache-2.0 */
/* csv_source.c - stored bytes -> codec -> encoding -> chunk; plain files go straight into the chunk. */
#include "format/csv_source.h"

#include <errno.h>

#include "format/csv_scan.h"

#define PACKED_BYTES ((size_t)64 << 10)
#define RAW_BYTES ((size_t)64 << 10)
#define DETECT_BYTES ((int64_t)1 << 20)
#define LEAST_BYTES 4096 /* of a read, so that a record that crosses `most` is soon complete */
#define MOST_CHUNK ((int64_t)INT32_MAX - 4096)

/* Some stored bytes, decompressed. *got 0: the end. */
static ch_status read_raw(ch_csv_text *t, char *to, int64_t n, int64_t *got, ch_error *err)
{
    *got = 0;
    if (!t->codec) {
        CH_TRY(ch_input_read(t->in, to, n, t->file_at, got, err));
        t->file_at += *got;
        if (t->bytes_done)
            atomic_fetch_add_explicit(t->bytes_done, *got, memory_order_relaxed);
        return CH_OK;
    }
    const char *path = ch_input_path(t->in);
    uint8_t *out = (uint8_t *)to;
    size_t room = (size_t)n;
    bool at_end = false;
    while (room == (size_t)n) {
        if (t->packed_at == t->n_packed && !at_end) {
            int64_t some;
            CH_TRY(ch_input_read(t->in, t->packed, (int64_t)PACKED_BYTES, t->file_at, &some, err));
            t->packed_at = 0;
            t->n_packed = (size_t)some;
            t->file_at += some;
            at_end = some == 0;
            if (t->bytes_done)
                atomic_fetch_add_explicit(t->bytes_done, some, memory_order_relaxed);
        }
        const uint8_t *in = t->packed + t->packed_at;
        size_t left = t->n_packed - t->packed_at, before = left;
        CH_TRY(ch_codec_code(t->codec, &in, &left, &out, &room, false, &t->codec_end, path, err));
        t->packed_at = t->n_packed - left;
        if (at_end && room == (size_t)n) {
            if (!t->codec_end)
                CH_FAIL(err, CORRUPT_FILE, "path", path, "reason",
                        "unexpected end of compressed data (the file is truncated)");
            break;
        }
        if (!at_end && before && left == before && room == (size_t)n)
            CH_FAIL(err, CORRUPT_FILE, "path", path, "reason",
                    "the compressed data makes no sense");
    }
    *got = n - (int64_t)room;
    return CH_OK;
}

const char *ch_csv_iconv_name(const char *encoding, const char *first, size_t n, size_t *skip)
{
    bool utf16 = strcmp(encoding, "UTF-16") == 0, utf32 = strcmp(encoding, "UTF-32") == 0;
    *skip = 0;
    if (utf16 && n >= 2 && memcmp(first, "\xFF\xFE", 2) == 0)
        return *skip = 2, "UTF-16LE";
    if (utf16 && n >= 2 && memcmp(first, "\xFE\xFF", 2) == 0)
        return *skip = 2, "UTF-16BE";
    if (utf32 && n >= 4 && memcmp(first, "\xFF\xFE\0\0", 4) == 0)
        return *skip = 4, "UTF-32LE";
    if (utf32 && n >= 4 && memcmp(first, "\0\0\xFE\xFF", 4) == 0)
        return *skip = 4, "UTF-32BE";
    return utf16 ? "UTF-16BE" : utf32 ? "UTF-32BE" : encoding;
}

/* Bytes that make no character become U+FFFD, a unit at a time. */
ch_status ch_csv_decode(iconv_t cd, const char *encoding, const char *bytes, size_t n,
                        bool complete, ch_buf *made, size_t *rest, ch_error *err)
{
    char *in = (char *)(uintptr_t)bytes;
    size_t left = n;
    while (left > 0) {
        CH_TRY(ch_buf_reserve(made, left * 4 + 16, err));
        char *out = made->data + made->len;
        size_t room = made->cap - made->len - 1;
        size_t done = iconv(cd, &in, &left, &out, &room);
        made->len = (size_t)(out - made->data);
        if (done != (size_t)-1 || errno == E2BIG)
            continue;
        if (errno == EINVAL && !complete)
            break; /* the rest of this character is still to come */
        CH_TRY(ch_buf_add(made, "\xEF\xBF\xBD", 3, err));
        size_t skip = strncmp(encoding, "UTF-32", 6) == 0   ? 4
                      : strncmp(encoding, "UTF-16", 6) == 0 ? 2
                                                            : 1;
        if (skip > left)
            skip = left;
        in += skip;
        left -= skip;
    }
    *rest = left;
    return CH_OK;
}

static ch_status open_iconv(ch_csv_text *t, ch_error *err)
{
    size_t skip;
    const char *name = ch_csv_iconv_name(t->encoding, t->raw, t->n_raw, &skip);
    t->iconv = iconv_open("UTF-8", name);
    if (t->iconv == (iconv_t)-1)
        CH_FAIL(err, INVALID_CHARSET, "functionName", "CSVOptions", "charset", t->encoding,
                "charsets", "those of iconv");
    t->has_iconv = true;
    t->raw_at = skip;
    return CH_OK;
}

/* Bytes at the end of text that may be the beginning of a character. */
static size_t open_tail(const char *text, size_t len)
{
    for (size_t k = 1; k <= 3 && k <= len; k++) {
        uint8_t b = (uint8_t)text[len - k];
        if ((b & 0xC0) == 0x80)
            continue;
        size_t need = b >= 0xF0 ? 4 : b >= 0xE0 ? 3 : b >= 0xC0 ? 2 : 1;
        return need > k ? k : 0;
    }
    return 0;
}

static ch_status refill_made(ch_csv_text *t, ch_error *err)
{
    t->made.len = t->made_at = 0;
    while (t->made.len == 0) {
        size_t keep = t->n_raw - t->raw_at;
        memmove(t->raw, t->raw + t->raw_at, keep);
        t->raw_at = 0;
        t->n_raw = keep;
        if (!t->raw_eof) {
            int64_t got;
            CH_TRY(read_raw(t, t->raw + keep, (int64_t)(RAW_BYTES - keep), &got, err));
            t->n_raw += (size_t)got;
            t->raw_eof = got == 0;
        }
        if (t->encoding) {
            size_t left;
            if (!t->has_iconv)
                CH_TRY(open_iconv(t, err));
            CH_TRY(ch_csv_decode(t->iconv, t->encoding, t->raw + t->raw_at, t->n_raw - t->raw_at,
                                 t->raw_eof, &t->made, &left, err));
            t->raw_at = t->n_raw - left;
        } else {
            size_t tail = t->raw_eof ? 0 : open_tail(t->raw, t->n_raw);
            CH_TRY(ch_csv_prepare(t->alias, t->raw, (int64_t)(t->n_raw - tail), &t->made, err));
            t->raw_at = t->n_raw - tail;
        }
        if (t->raw_eof)
            break;
    }
    return CH_OK;
}

static ch_status read_text(ch_csv_text *t, char *to, int64_t n, int64_t *got, ch_error *err)
{
    if (!t->raw)
        return read_raw(t, to, n, got, err);
    *got = 0;
    if (t->made_at == t->made.len)
        CH_TRY(refill_made(t, err));
    size_t some = t->made.len - t->made_at < (size_t)n ? t->made.len - t->made_at : (size_t)n;
    if (some)
        memcpy(to, t->made.data + t->made_at, some);
    t->made_at += some;
    *got = (int64_t)some;
    return CH_OK;
}

/* A chunk of `cap` bytes that begins with text[at, len). */
static ch_status move_rest(ch_csv_text *t, int64_t cap, ch_error *err)
{
    uint32_t keep = t->len - t->at;
    bool mine = t->chunk && atomic_load_explicit(&t->chunk->refs, memory_order_acquire) == 1 &&
                t->chunk->bytes >= cap + CH_CSV_PADDING;
    if (mine) {
        memmove(t->text, t->text + t->at, keep);
    } else {
        ch_buffer *chunk;
        CH_TRY(ch_buffer_new(t->mem, cap + CH_CSV_PADDING, &chunk, err));
        if (keep)
            memcpy(chunk->data, t->text + t->at, keep);
        ch_buffer_unref(t->chunk);
        t->chunk = chunk;
        t->text = (char *)chunk->data;
    }
    t->base += t->at;
    t->at = 0;
    t->len = keep;
    return CH_OK;
}

ch_status ch_csv_text_fill(ch_csv_text *t, int64_t most, ch_error *err)
{
    uint32_t keep = t->len - t->at;
    int64_t cap = t->chunk ? t->chunk->bytes - CH_CSV_PADDING : t->chunk_bytes;
    if (cap > t->chunk_bytes && keep < t->chunk_bytes / 2)
        cap = t->chunk_bytes; /* a long record has gone: back to the usual size */
    while (keep > cap / 2 && cap < MOST_CHUNK)
        cap = cap * 2 < MOST_CHUNK ? cap * 2 : MOST_CHUNK;
    int64_t left = t->raw || t->codec ? 0 : ch_input_bytes(t->in) - t->file_at;
    if (left > 0 && cap > t->chunk_bytes && cap > keep + left) /* no more than there is */
        cap = keep + left > t->chunk_bytes ? keep + left : t->chunk_bytes;
    if (keep >= cap)
        return ch_error_memory(err, "one record", cap + 1, MOST_CHUNK);
    CH_TRY(move_rest(t, cap, err));
    int64_t n = cap - keep;
    if (most >= 0 && !t->raw && !t->codec) {
        int64_t some = most - t->base - keep;
        if (some < LEAST_BYTES)
            some = LEAST_BYTES;
        if (some < keep) /* a long record: no more than doubling */
            some = keep;
        if (some < n)
            n = some;
    }
    /* A first piece is long enough for a byte order mark. */
    bool first = t->base == 0 && keep == 0;
    do {
        int64_t got;
        CH_TRY(read_text(t, t->text + t->len, n, &got, err));
        t->len += (uint32_t)got;
        n -= got;
        t->eof = got == 0 || (!t->raw && !t->codec && t->file_at >= ch_input_bytes(t->in));
    } while (first && t->len < 3 && n > 0 && !t->eof);
    memset(t->text + t->len, 0, CH_CSV_PADDING);
    /* A byte order mark is no text. */
    if (first && t->len >= 3 && memcmp(t->text, "\xEF\xBB\xBF", 3) == 0)
        t->at = 3;
    return CH_OK;
}

ch_status ch_csv_text_open(ch_csv_text *t, const ch_file *file, ch_error *err)
{
    t->base = t->file_at = 0;
    t->at = t->len = 0;
    t->eof = t->raw_eof = t->codec_end = false;
    t->packed_at = t->n_packed = t->raw_at = t->n_raw = t->made_at = 0;
    ch_buf_init(&t->made, t->mem);
    CH_TRY(ch_file_open(t->mem, file, &t->in, err));
    ch_codec codec = ch_codec_of_path(file->path);
    if (codec != CH_CODEC_NONE) {
        CH_TRY(ch_codec_decoder(t->mem, codec, &t->codec, err));
        t->packed = ch_mem_alloc(t->mem, PACKED_BYTES, err);
        if (!t->packed)
            return CH_E_MEMORY;
    }
    if (t->encoding || (t->alias && t->alias->n_alias)) {
        t->raw = ch_mem_alloc(t->mem, RAW_BYTES, err);
        if (!t->raw)
            return CH_E_MEMORY;
    }
    return CH_OK;
}

static ch_status detect(ch_csv_text *t, const ch_file *file, uint8_t sep[2], ch_error *err)
{
    CH_TRY(ch_csv_text_open(t, file, err));
    while (t->base + t->at < DETECT_BYTES && !t->eof) {
        CH_TRY(ch_csv_text_fill(t, -1, err));
        for (; t->at < t->len; t->at++) {
            char c = t->text[t->at];
            if (c == '\n')
                return CH_OK;
            if (c != '\r')
                continue;
            while (t->at + 1 == t->len && !t->eof) /* LF may follow in the next chunk */
                CH_TRY(ch_csv_text_fill(t, -1, err));
            sep[0] = '\r';
            sep[1] = t->at + 1 < t->len && t->text[t->at + 1] == '\n' ? '\n' : 0;
            return CH_OK;
        }
    }
    return CH_OK;
}

ch_status ch_csv_text_detect(ch_csv_text *t, const ch_file *file, uint8_t sep[2], ch_error *err)
{
    sep[0] = '\n';
    sep[1] = 0;
    ch_status status = detect(t, file, sep, err);
    ch_csv_text_close(t);
    return status;
}

void ch_csv_text_seek(ch_csv_text *t, int64_t offset)
{
    t->base = t->file_at = offset;
    t->at = t->len = 0;
    t->eof = false;
}

void ch_csv_text_close(ch_csv_text *t)
{
    ch_input_close(t->in);
    t->in = NULL;
    ch_codec_close(t->codec);
    t->codec = NULL;
    ch_mem_free(t->mem, t->packed, PACKED_BYTES);
    t->packed = NULL;
    ch_mem_free(t->mem, t->raw, RAW_BYTES);
    t->raw = NULL;
    if (t->has_iconv)
        iconv_close(t->iconv);
    t->has_iconv = false;
    if (t->made.mem)
        ch_buf_release(&t->made);
}

void ch_csv_text_release(ch_csv_text *t)
{
    ch_csv_text_close(t);
    ch_buffer_unref(t->chunk);
    t->chunk = NULL;
}
