/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lines.c - lines of files, morsel by morsel.
 *
 *   file     |....line....\n..line..\n....line.....\n..|
 *   morsels  |............from)[from.........limit)[...|    a line is of the morsel in which it begins
 *
 * A morsel reads from one byte before its first, so that a line that begins at the cut is its own.
 * Compressed and decoded files, and files that are one record, are one morsel.
 */
#include "format/lines.h"

#include "format/csv_source.h"

#define MORSEL_BYTES (INT64_C(4) << 20)
#define CHUNK_BYTES (INT64_C(1) << 20)
#define PACKED_BYTES (64 << 10)
#define WRITE_BYTES (256 << 10)

typedef struct line_slot {
    ch_csv_text text;
    void *state;
    bool opened, reading;
    int32_t file;
    int64_t limit;
    uint64_t seq;
} line_slot;

typedef struct line_scan {
    ch_scan head;
    const ch_line_class *cls;
    ch_format_context ctx;
    ch_scan_spec spec;
    ch_line_options options;
    void *user;
    ch_arena arena;
    int64_t *first_morsel; /* n_files + 1 */
    int64_t bytes_total;
    _Atomic int64_t next_morsel, bytes_done, rows, n_malformed;
    line_slot *slot;
} line_scan;

/* ---- lines ---- */

/* The first \n or \r of p[0, left), or NULL: in windows that grow, so that neither is looked for far behind the other. */
static const char *first_break(const char *p, size_t left)
{
    for (size_t from = 0, to = 256;; from = to, to *= 4) {
        to = to < left ? to : left;
        const char *lf = memchr(p + from, '\n', to - from);
        const char *cr = memchr(p + from, '\r', (lf ? (size_t)(lf - p) : to) - from);
        if (cr || lf || to == left)
            return cr ? cr : lf;
    }
}

/*
 * The end of the line at t->at, of which `known` bytes hold no whole separator, and how long that one is; -1: more
 * text is needed to know.
 */
static int64_t line_end(const line_scan *s, const ch_csv_text *t, uint32_t known, uint32_t *sep_len)
{
    const char *sep = s->options.line_sep;
    uint32_t again = sep ? (uint32_t)strlen(sep) : 1; /* where one may have begun */
    uint32_t at = t->at + (known > again ? known - again : 0), left = t->len - at;
    if (left == 0)
        return -1;
    const char *p = t->text + at;
    if (sep) {
        size_t n = strlen(sep);
        for (const char *q = p; left >= n; q++) {
            q = memchr(q, sep[0], (size_t)(p + left - q));
            if (!q || (size_t)(p + left - q) < n)
                break;
            if (memcmp(q, sep, n) == 0) {
                *sep_len = (uint32_t)n;
                return q - t->text;
            }
        }
        return -1;
    }
    const char *end = first_break(p, left);
    if (!end || (*end == '\r' && end + 1 == p + left && !t->eof))
        return -1;
    *sep_len = *end == '\r' && end + 1 < p + left && end[1] == '\n' ? 2 : 1;
    return end - t->text;
}

/* The next line; *more false at the end of the file. */
static ch_status next_line(const line_scan *s, ch_csv_text *t, ch_str *line, bool *more,
                           ch_error *err)
{
    for (uint32_t known = 0;;) {
        uint32_t sep_len = 0;
        int64_t end = s->options.whole ? -1 : line_end(s, t, known, &sep_len);
        if (end < 0 && !t->eof) {
            known = t->len - t->at;
            CH_TRY(ch_csv_text_fill(t, -1, err));
            continue;
        }
        if (end < 0)
            end = t->len;
        *more = t->at < t->len;
        *line = (ch_str){t->text + t->at, end - t->at};
        t->at = (uint32_t)end + sep_len;
        return CH_OK;
    }
}

/* ---- morsels ---- */

static bool is_one_morsel(const line_scan *s, const ch_file *file)
{
    return s->options.whole || s->options.encoding ||
           ch_codec_of_path(file->path) != CH_CODEC_NONE || file->bytes <= MORSEL_BYTES;
}

static ch_status begin(ch_scan *scan, int index, bool *more, ch_error *err)
{
    line_scan *s = (line_scan *)scan;
    line_slot *slot = &s->slot[index];
    *more = false;
    if (atomic_load_explicit(&scan->stop, memory_order_relaxed))
        return CH_OK;
    int64_t m = atomic_fetch_add(&s->next_morsel, 1);
    if (m >= s->first_morsel[s->spec.n_files])
        return CH_OK;
    int32_t f = 0;
    while (s->first_morsel[f + 1] <= m)
        f++;
    int64_t k = m - s->first_morsel[f], n = s->first_morsel[f + 1] - s->first_morsel[f];
    if (!slot->opened) {
        CH_TRY(s->cls->open(&s->ctx, &s->spec, s->user, &slot->state, err));
        slot->opened = true;
    }
    ch_csv_text *t = &slot->text;
    ch_csv_text_close(t);
    t->mem = s->ctx.mem;
    t->encoding = s->options.encoding;
    t->chunk_bytes = CHUNK_BYTES;
    t->bytes_done = &s->bytes_done;
    CH_TRY(ch_csv_text_open(t, &s->spec.file[f], err));
    slot->file = f;
    slot->limit = k + 1 < n ? (k + 1) * MORSEL_BYTES : INT64_MAX;
    slot->seq = (uint64_t)m << 32;
    slot->reading = true;
    *more = true;
    if (k == 0)
        return CH_OK;
    ch_str line;
    bool some;
    ch_csv_text_seek(t, k * MORSEL_BYTES - 1);
    CH_TRY(ch_csv_text_fill(t, -1, err));
    return next_line(s, t, &line, &some, err);
}

static ch_status read_rows(line_scan *s, line_slot *slot, int64_t *rows, ch_error *err)
{
    ch_csv_text *t = &slot->text;
    while (*rows < s->ctx.batch_rows && slot->reading) {
        ch_str line;
        bool more, malformed = false;
        int64_t made = 0;
        if (t->base + t->at >= slot->limit) {
            slot->reading = false;
            break;
        }
        CH_TRY(next_line(s, t, &line, &more, err));
        bool empty_file = s->options.whole && t->base == 0 && line.len == 0;
        if (!more && !empty_file) {
            slot->reading = false;
            break;
        }
        ch_line in = {line.text ? line.text : "", line.len, s->spec.file[slot->file].path,
                      t->chunk};
        CH_TRY(s->cls->add(slot->state, &in, &made, &malformed, err));
        if (s->options.whole)
            slot->reading = false;
        if (malformed)
            atomic_fetch_add_explicit(&s->n_malformed, 1, memory_order_relaxed);
        *rows += made;
    }
    return CH_OK;
}

static ch_status next(ch_scan *scan, int index, ch_batch *out, ch_error *err)
{
    line_scan *s = (line_scan *)scan;
    line_slot *slot = &s->slot[index];
    int64_t rows = 0;
    CH_TRY(read_rows(s, slot, &rows, err));
    CH_TRY(ch_batch_init(out, s->ctx.mem, s->spec.n_wanted, rows, err));
    out->seq = slot->seq++;
    out->file = slot->file;
    atomic_fetch_add_explicit(&s->rows, rows, memory_order_relaxed);
    ch_status status = rows ? s->cls->finish(slot->state, out, err) : CH_OK;
    if (status != CH_OK)
        ch_batch_release(out);
    return status;
}

static void progress(const ch_scan *scan, ch_scan_progress *out)
{
    const line_scan *s = (const line_scan *)scan;
    out->bytes_done = atomic_load(&s->bytes_done);
    out->bytes_total = s->bytes_total;
    out->rows = atomic_load(&s->rows);
    out->n_malformed = atomic_load(&s->n_malformed);
}

static void close_scan(ch_scan *scan)
{
    line_scan *s = (line_scan *)scan;
    for (int i = 0; s->slot && i < s->ctx.n_slots; i++) {
        if (s->slot[i].opened)
            s->cls->close(s->slot[i].state);
        ch_csv_text_release(&s->slot[i].text);
    }
    ch_mem *mem = s->ctx.mem;
    ch_arena_release(&s->arena);
    ch_mem_free(mem, s, sizeof *s);
}

static const ch_scan_class SCAN = {
    .name = "lines", .begin = begin, .next = next, .progress = progress, .close = close_scan};

ch_status ch_lines_open(const ch_format_context *ctx, const ch_scan_spec *spec,
                        const ch_line_class *cls, const ch_line_options *options, void *user,
                        ch_scan **out, ch_error *err)
{
    *out = NULL;
    line_scan *s = ch_mem_zalloc(ctx->mem, sizeof *s, err);
    if (!s)
        return CH_E_MEMORY;
    s->head.cls = &SCAN;
    s->cls = cls;
    s->ctx = *ctx;
    s->spec = *spec;
    s->options = *options;
    s->user = user;
    ch_arena_init(&s->arena, ctx->mem);
    ch_status status = CH_OK;
    s->first_morsel =
        ch_arena_alloc(&s->arena, sizeof *s->first_morsel * (size_t)(spec->n_files + 1), err);
    s->slot = ch_arena_alloc(&s->arena, sizeof *s->slot * (size_t)ctx->n_slots, err);
    if (!s->first_morsel || !s->slot) {
        s->slot = NULL;
        close_scan(&s->head);
        return CH_E_MEMORY;
    }
    if (s->ctx.batch_rows < 1)
        s->ctx.batch_rows = CH_BATCH_ROWS;
    for (int32_t f = 0; f < spec->n_files; f++) {
        int64_t n = is_one_morsel(s, &spec->file[f])
                        ? 1
                        : (spec->file[f].bytes + MORSEL_BYTES - 1) / MORSEL_BYTES;
        s->first_morsel[f + 1] = s->first_morsel[f] + n;
        s->bytes_total += spec->file[f].bytes;
    }
    s->head.n_morsels = s->first_morsel[spec->n_files];
    *out = &s->head;
    return status;
}

/* ---- writing ---- */

struct ch_line_writer {
    ch_mem *mem;
    ch_output *file;
    ch_codec_stream *codec;
    uint8_t *packed;
    ch_buf text;
    const char *path;
};

static ch_status flush(ch_line_writer *w, bool finish, ch_error *err)
{
    const uint8_t *in = (const uint8_t *)w->text.data;
    size_t n_in = w->text.len;
    if (!w->codec) {
        ch_status status = n_in ? ch_output_write(w->file, in, (int64_t)n_in, err) : CH_OK;
        ch_buf_reset(&w->text);
        return status;
    }
    bool end = false;
    while (n_in || (finish && !end)) {
        uint8_t *to = w->packed;
        size_t room = PACKED_BYTES;
        CH_TRY(ch_codec_code(w->codec, &in, &n_in, &to, &room, finish, &end, w->path, err));
        if (to > w->packed)
            CH_TRY(ch_output_write(w->file, w->packed, to - w->packed, err));
    }
    ch_buf_reset(&w->text);
    return CH_OK;
}

static void writer_free(ch_line_writer *w)
{
    ch_buf_release(&w->text);
    ch_codec_close(w->codec);
    ch_mem_free(w->mem, w->packed, PACKED_BYTES);
    ch_mem_free(w->mem, w, sizeof *w);
}

static ch_status codec_of(const ch_strmap *options, ch_codec *out, ch_error *err)
{
    const char *name = ch_strmap_get(options, "compression");
    *out = CH_CODEC_NONE;
    if (!name)
        name = ch_strmap_get(options, "codec");
    if (!name)
        return CH_OK;
    int codec = ch_codec_of_name(name);
    if (codec < 0)
        CH_FAIL(err, CODEC_NOT_AVAILABLE, "codecName", name, "availableCodecs",
                "none, uncompressed, gzip, deflate, bzip2, zstd, lz4, snappy");
    *out = (ch_codec)codec;
    return CH_OK;
}

ch_status ch_line_codec_extension(const ch_strmap *options, const char **out, ch_error *err)
{
    ch_codec codec;
    *out = "";
    CH_TRY(codec_of(options, &codec, err));
    *out = ch_codec_extension(codec);
    return CH_OK;
}

ch_status ch_line_writer_new(const ch_format_context *ctx, const char *path,
                             const ch_strmap *options, ch_line_writer **out, ch_error *err)
{
    ch_codec codec;
    ch_mem *mem = ctx->mem;
    *out = NULL;
    CH_TRY(codec_of(options, &codec, err));
    ch_line_writer *w = ch_mem_zalloc(mem, sizeof *w, err);
    if (!w)
        return CH_E_MEMORY;
    w->mem = mem;
    w->path = "output";
    ch_buf_init(&w->text, mem);
    ch_status status = CH_OK;
    if (codec != CH_CODEC_NONE) {
        CH_TRY_OUT(ch_codec_encoder(mem, codec, -1, &w->codec, err));
        w->packed = ch_mem_alloc(mem, PACKED_BYTES, err);
        status = w->packed ? CH_OK : CH_E_MEMORY;
    }
    if (status == CH_OK)
        status = ch_output_create(mem, ctx->store, path, &w->file, err);
out:
    if (status != CH_OK)
        writer_free(w);
    else
        *out = w;
    return status;
}

ch_status ch_line_writer_add(ch_line_writer *w, const char *text, size_t len, ch_error *err)
{
    CH_TRY(ch_buf_add(&w->text, text, len, err));
    return w->text.len >= WRITE_BYTES ? flush(w, false, err) : CH_OK;
}

ch_status ch_line_writer_finish(ch_line_writer *w, ch_error *err)
{
    ch_status status = flush(w, true, err);
    if (status == CH_OK)
        status = ch_output_close(w->file, true, err);
    else
        ch_output_abandon(w->file);
    writer_free(w);
    return status;
}

void ch_line_writer_abandon(ch_line_writer *w)
{
    if (!w)
        return;
    ch_output_abandon(w->file);
    writer_free(w);
}
