/* SPDX-License-Identifier: Apache-2.0 */
/*
 * write_files.c - lanes, folders, files.
 *
 * With keys, each row of a batch is looked up by the text of its keys in the lane's table of folders. A lane
 * keeps some files open; rows for further folders wait, as rows of exec/rows.h on pages that go to disk
 * when there are many, and are written when the open files are done, a folder at a time. So a folder gets one
 * file of a lane, however the rows come.
 */
#include "session/write_files.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "column/take.h"
#include "exec/rowset.h"
#include "kernel/hash.h"
#include "table/partition.h"

#define MOST_OPEN 64
#define BYTES_PER_OPEN ((int64_t)8 << 20) /* that a file's writer may hold */
#define LEAST_PIECE 64                    /* rows, when they are dealt out */

typedef struct part_file {
    ch_file_writer *writer;
    int64_t number; /* morsel that it holds, when parts follow the order; else the lane's */
    int64_t rows;
    int32_t counter; /* of the files with this number, when their rows are limited */
} part_file;

/* One folder of a lane. */
typedef struct folder {
    ch_str *key; /* text NULL: a NULL */
    uint64_t hash;
    char *path;
    part_file file;
    ch_rowset waiting;
    bool waits;
    int32_t n, at; /* rows of the batch under way; where their positions begin */
} folder;

typedef struct lane {
    pthread_mutex_t lock;
    part_file file; /* without keys */
    ch_arena arena;
    folder **folder;
    int32_t n_folders, cap_folders, n_open;
    int32_t *slot; /* hash table: folder + 1 */
    int32_t n_slots;
    int64_t waiting_bytes;
} lane;

struct ch_files {
    ch_files_spec spec;
    ch_mem *mem;
    ch_arena arena;
    const ch_type *file_schema; /* without the keys */
    int32_t *column, n_columns; /* of the rows, that files have */
    int32_t most_open;
    lane *lane;
    int32_t n_lanes;
    bool shared; /* several slots use a lane */
    ch_rowlayout layout;
    pthread_mutex_t spill_lock;
    ch_spill *spill;
    int64_t most_waiting; /* bytes of a lane in memory */
    _Atomic int64_t next_piece, n_files, n_rows;
};

/* ---- one file ----------------------------------------------------------------------------------- */

static ch_status open_file(ch_files *f, part_file *file, const char *in, ch_error *err)
{
    const ch_files_spec *s = &f->spec;
    char path[4096];
    int n = s->single ? snprintf(path, sizeof path, "%s", s->single)
                      : snprintf(path, sizeof path, "%s/part-%05lld-%s%cc%03d%s", in,
                                 (long long)file->number, s->uuid, s->n_keys ? '.' : '-',
                                 file->counter, s->extension);
    if (n < 0 || (size_t)n >= sizeof path)
        CH_FAIL(err, IO, "action", "write", "path", in, "reason", "the path is too long");
    CH_TRY(s->format->create(&s->ctx, path, f->file_schema, s->options, &file->writer, err));
    file->rows = 0;
    atomic_fetch_add(&f->n_files, 1);
    return CH_OK;
}

static ch_status close_file(ch_files *f, part_file *file, ch_error *err)
{
    ch_file_writer *writer = file->writer;
    file->writer = NULL;
    return writer ? f->spec.format->finish(writer, err) : CH_OK;
}

/* The batch to the file, and to those after it when it is full. */
static ch_status add_rows(ch_files *f, part_file *file, const char *in, ch_batch *batch,
                          ch_error *err)
{
    int64_t most = f->spec.max_rows;
    if (!file->writer)
        CH_TRY(open_file(f, file, in, err));
    if (most <= 0 || file->rows + batch->n <= most) {
        file->rows += batch->n;
        return f->spec.format->write(file->writer, batch, err);
    }
    for (int64_t at = 0; at < batch->n;) {
        if (file->rows >= most) {
            CH_TRY(close_file(f, file, err));
            file->counter++;
            CH_TRY(open_file(f, file, in, err));
        }
        int64_t n = most - file->rows < batch->n - at ? most - file->rows : batch->n - at;
        ch_batch some;
        ch_status status = ch_batch_copy(batch, &some, err);
        if (status == CH_OK)
            status = ch_batch_slice(&some, at, n, err);
        if (status == CH_OK)
            status = f->spec.format->write(file->writer, &some, err);
        ch_batch_release(&some);
        CH_TRY(status);
        file->rows += n;
        at += n;
    }
    return CH_OK;
}

static ch_status use_number(ch_files *f, part_file *file, int64_t number, bool *was_open,
                            ch_error *err)
{
    *was_open = file->writer != NULL;
    if (file->number == number)
        return CH_OK;
    CH_TRY(close_file(f, file, err));
    file->number = number;
    file->counter = 0;
    return CH_OK;
}

/* ---- folders ------------------------------------------------------------------------------------ */

static bool same_keys(const ch_files *f, const folder *d, ch_column *const *text, int64_t row)
{
    for (int32_t k = 0; k < f->spec.n_keys; k++) {
        ch_str s = ch_column_is_null(text[k], row) ? (ch_str){0} : ch_column_str(text[k], row);
        if (s.len != d->key[k].len ||
            memcmp(s.text ? s.text : "", d->key[k].text, (size_t)s.len) != 0)
            return false;
    }
    return true;
}

static ch_status make_folder(ch_files *f, lane *l, ch_column *const *text, int64_t row,
                             uint64_t hash, folder **out, ch_error *err)
{
    folder *d;
    ch_buf path;
    CH_ARENA_NEW(d, &l->arena, err);
    CH_ARENA_ARRAY(d->key, &l->arena, f->spec.n_keys, err);
    d->hash = hash;
    d->file.number = (int64_t)(l - f->lane);
    ch_buf_init(&path, f->mem);
    ch_status status = ch_buf_adds(&path, f->spec.folder, err);
    for (int32_t k = 0; k < f->spec.n_keys && status == CH_OK; k++) {
        ch_str s = ch_column_is_null(text[k], row) ? (ch_str){0} : ch_column_str(text[k], row);
        status = ch_buf_addc(&path, '/', err);
        if (status == CH_OK)
            status = ch_partition_name(&path, f->spec.key_name[k], s.text, s.len, err);
        d->key[k].len = s.len;
        d->key[k].text = ch_arena_strn(&l->arena, s.text ? s.text : "", (size_t)s.len, err);
        if (status == CH_OK && !d->key[k].text)
            status = CH_E_MEMORY;
    }
    if (status == CH_OK)
        status = ch_folder_make(path.data, err);
    if (status == CH_OK) {
        d->path = ch_arena_strn(&l->arena, path.data, path.len, err);
        status = d->path ? CH_OK : CH_E_MEMORY;
    }
    ch_buf_release(&path);
    *out = d;
    return status;
}

static ch_status grow(lane *l, ch_error *err)
{
    int32_t cap = l->cap_folders ? l->cap_folders * 2 : 16, n_slots = cap * 4;
    folder **more;
    int32_t *slot;
    CH_ARENA_ARRAY(more, &l->arena, cap, err);
    CH_ARENA_ARRAY(slot, &l->arena, n_slots, err);
    for (int32_t i = 0; i < l->n_folders; i++) {
        more[i] = l->folder[i];
        uint32_t at = (uint32_t)more[i]->hash & (uint32_t)(n_slots - 1);
        while (slot[at])
            at = (at + 1) & (uint32_t)(n_slots - 1);
        slot[at] = i + 1;
    }
    l->folder = more;
    l->cap_folders = cap;
    l->slot = slot;
    l->n_slots = n_slots;
    return CH_OK;
}

static ch_status find_folder(ch_files *f, lane *l, ch_column *const *text, int64_t row,
                             uint64_t hash, int32_t *out, ch_error *err)
{
    if (l->n_folders == l->cap_folders)
        CH_TRY(grow(l, err));
    uint32_t mask = (uint32_t)(l->n_slots - 1), at = (uint32_t)hash & mask;
    for (; l->slot[at]; at = (at + 1) & mask) {
        const folder *d = l->folder[l->slot[at] - 1];
        if (d->hash == hash && same_keys(f, d, text, row)) {
            *out = l->slot[at] - 1;
            return CH_OK;
        }
    }
    folder *d;
    CH_TRY(make_folder(f, l, text, row, hash, &d, err));
    *out = l->n_folders;
    l->folder[l->n_folders++] = d;
    l->slot[at] = l->n_folders;
    return CH_OK;
}

/* ---- rows that wait ----------------------------------------------------------------------------- */

static ch_status open_spill(ch_files *f, ch_error *err)
{
    ch_status status = CH_OK;
    pthread_mutex_lock(&f->spill_lock);
    if (!f->spill)
        status = ch_spill_open(f->spec.spill_dir, f->mem, &f->spill, err);
    pthread_mutex_unlock(&f->spill_lock);
    return status;
}

static ch_status spill_waiting(ch_files *f, lane *l, ch_error *err)
{
    int64_t written = 0;
    CH_TRY(open_spill(f, err));
    for (int32_t i = 0; i < l->n_folders; i++)
        if (l->folder[i]->waits)
            CH_TRY(ch_rowset_spill(&l->folder[i]->waiting, f->spill, &written, err));
    l->waiting_bytes = 0;
    return CH_OK;
}

static ch_status keep_waiting(ch_files *f, lane *l, folder *d, ch_batch *batch, ch_error *err)
{
    size_t n = (size_t)batch->n, bytes = n * (sizeof(int32_t) + sizeof(int64_t) + sizeof(void *));
    ch_column **col;
    ch_status status = CH_OK;
    if (!d->waits) {
        ch_rowset_init(&d->waiting, f->mem, CH_PAGE_BYTES_MAX);
        d->waits = true;
    }
    int64_t *row_bytes = ch_mem_alloc(f->mem, bytes, err);
    if (!row_bytes)
        return CH_E_MEMORY;
    uint8_t **row = (uint8_t **)(row_bytes + n);
    int32_t *idx = (int32_t *)(row + n);
    int64_t before = d->waiting.bytes;
    col = ch_mem_alloc(f->mem, sizeof *col * (size_t)batch->n_cols, err);
    if (!col)
        status = CH_E_MEMORY;
    for (int32_t c = 0; c < batch->n_cols && status == CH_OK; c++)
        status = ch_batch_column(batch, c, &col[c], err);
    for (size_t i = 0; i < n; i++)
        idx[i] = (int32_t)i;
    if (status == CH_OK)
        status = ch_rows_sizes(&f->layout, col, idx, batch->n, row_bytes, err);
    for (size_t i = 0; i < n && status == CH_OK; i++)
        status = ch_rowset_add(&d->waiting, row_bytes[i], &row[i], err);
    if (status == CH_OK)
        ch_rows_scatter(&f->layout, col, NULL, idx, batch->n, row_bytes, row);
    ch_mem_free(f->mem, col, sizeof *col * (size_t)batch->n_cols);
    ch_mem_free(f->mem, row_bytes, bytes);
    CH_TRY(status);
    l->waiting_bytes += d->waiting.bytes - before;
    return l->waiting_bytes > f->most_waiting ? spill_waiting(f, l, err) : CH_OK;
}

static ch_status write_page(ch_files *f, folder *d, const ch_rowpage *page, ch_error *err)
{
    uint8_t *row[CH_BATCH_ROWS];
    int32_t pos = 0;
    for (int64_t k; (k = ch_rowpage_next(page, &pos, row, CH_BATCH_ROWS)) > 0;) {
        ch_batch batch;
        ch_status status = ch_batch_init(&batch, f->mem, f->n_columns, k, err);
        for (int32_t c = 0; c < f->n_columns && status == CH_OK; c++)
            status = ch_rows_gather(&f->layout, c, row, k, f->mem, &batch.col[c], err);
        if (status == CH_OK)
            status = add_rows(f, &d->file, d->path, &batch, err);
        ch_batch_release(&batch);
        CH_TRY(status);
    }
    return CH_OK;
}

/* The open files are done; the folders that wait have their turn. */
static ch_status finish_lane(ch_files *f, lane *l, ch_error *err)
{
    CH_TRY(close_file(f, &l->file, err));
    for (int32_t i = 0; i < l->n_folders; i++)
        CH_TRY(close_file(f, &l->folder[i]->file, err));
    for (int32_t i = 0; i < l->n_folders; i++) {
        folder *d = l->folder[i];
        for (int32_t p = 0; d->waits && p < d->waiting.n_pages; p++) {
            if (!d->waiting.page[p].data)
                CH_TRY(ch_rowset_load(&d->waiting, f->spill, p, err));
            CH_TRY(write_page(f, d, &d->waiting.page[p], err));
            ch_rowset_unload(&d->waiting, p);
        }
        CH_TRY(close_file(f, &d->file, err));
    }
    return CH_OK;
}

/* ---- rows to folders ---------------------------------------------------------------------------- */

/* The batch's columns without the keys, of the rows at n positions (borrowed; NULL: all). */
static ch_status choose_rows(const ch_files *f, const ch_batch *batch, const int32_t *position,
                             int64_t n, ch_batch *out, ch_error *err)
{
    CH_TRY(ch_batch_init(out, f->mem, f->n_columns, batch->n_full, err));
    for (int32_t c = 0; c < f->n_columns; c++)
        out->col[c] = ch_column_ref(batch->col[f->column[c]]);
    out->n = batch->n;
    out->seq = batch->seq;
    if (!position) {
        out->sel = batch->sel;
        out->sel_buf = ch_buffer_ref(batch->sel_buf);
        return CH_OK;
    }
    CH_TRY(ch_buffer_new(f->mem, (int64_t)sizeof(int32_t) * n, &out->sel_buf, err));
    int32_t *sel = (int32_t *)(void *)out->sel_buf->data;
    for (int64_t i = 0; i < n; i++)
        sel[i] = batch->sel ? batch->sel[position[i]] : position[i];
    out->sel = sel;
    out->n = n;
    return CH_OK;
}

static ch_status to_folder(ch_files *f, lane *l, folder *d, int64_t number, const ch_batch *batch,
                           const int32_t *position, ch_error *err)
{
    ch_batch rows;
    bool was_open;
    ch_status status = choose_rows(f, batch, position, d->n, &rows, err);
    if (status == CH_OK && !d->waits) {
        status = use_number(f, &d->file, number, &was_open, err);
        if (status == CH_OK && !d->file.writer && !was_open) {
            if (l->n_open < f->most_open)
                l->n_open++;
            else
                status = keep_waiting(f, l, d, &rows, err);
        }
        if (status == CH_OK && !d->waits)
            status = add_rows(f, &d->file, d->path, &rows, err);
    } else if (status == CH_OK) {
        status = keep_waiting(f, l, d, &rows, err);
    }
    ch_batch_release(&rows);
    return status;
}

/* Values that a folder's name does not tell from NULL. */
static bool is_called_null(ch_str s)
{
    return s.len == 0 || (s.len == (int64_t)strlen(CH_PARTITION_NULL) &&
                          memcmp(s.text, CH_PARTITION_NULL, (size_t)s.len) == 0);
}

/* They become NULL: rows of one folder have one key. *text is flat. */
static ch_status make_nulls(const ch_files *f, ch_column **text, ch_error *err)
{
    ch_column *in = *text, *own = NULL;
    ch_status status = CH_OK;
    for (int64_t i = 0; i < in->rows && status == CH_OK; i++) {
        if (ch_column_is_null(in, i) || !is_called_null(ch_column_str(in, i)))
            continue;
        if (!own) {
            int32_t base;
            status = ch_column_new(f->mem, CH_T_STRING, in->rows, &own, err);
            if (status == CH_OK)
                status = ch_column_share_text(own, in, &base, err);
            if (status == CH_OK)
                status = ch_column_need_valid(own, err);
            if (status != CH_OK)
                break;
            memcpy(own->data, in->data, sizeof(ch_view) * (size_t)in->rows);
            if (in->valid)
                memcpy(own->valid, in->valid, (size_t)ch_bit_bytes(in->rows));
        }
        ch_bit_clear(own->valid, i);
    }
    if (status != CH_OK || !own) {
        ch_column_unref(own);
        return status;
    }
    ch_column_unref(in);
    *text = own;
    return CH_OK;
}

/* The texts of the keys, flat. */
static ch_status key_texts(const ch_files *f, ch_batch *batch, ch_column **text, ch_error *err)
{
    for (int32_t k = 0; k < f->spec.n_keys; k++) {
        ch_column *in, *plain = NULL;
        CH_TRY(ch_batch_column(batch, f->spec.key[k], &in, err));
        ch_status status =
            in->type->id == CH_NULL
                ? ch_column_flat_nulls(f->mem, CH_T_STRING, batch->n, &plain, err)
                : ch_cast(in, CH_T_STRING, CH_CAST_LEGACY, f->spec.func, f->mem, &plain, err);
        if (status == CH_OK)
            status = ch_flatten(plain, f->mem, &text[k], err);
        ch_column_unref(plain);
        if (status == CH_OK && in->type->id != CH_NULL)
            status = make_nulls(f, &text[k], err);
        CH_TRY(status);
    }
    return CH_OK;
}

typedef struct route {
    uint64_t *hash;
    int32_t *id, *touched, *position;
    size_t bytes;
} route;

static ch_status route_rows(ch_files *f, lane *l, ch_column *const *text, const ch_batch *batch,
                            route *r, int32_t *n_touched, ch_error *err)
{
    int32_t id = -1;
    *n_touched = 0;
    CH_TRY(ch_hash(text, f->spec.n_keys, batch->n, r->hash, f->mem, err));
    for (int64_t i = 0; i < batch->n; i++) {
        if (id < 0 || r->hash[i] != l->folder[id]->hash || !same_keys(f, l->folder[id], text, i))
            CH_TRY(find_folder(f, l, text, i, r->hash[i], &id, err));
        folder *d = l->folder[id];
        if (d->n++ == 0)
            r->touched[(*n_touched)++] = id;
        r->id[i] = id;
    }
    for (int32_t t = 0, at = 0; t < *n_touched; t++) {
        l->folder[r->touched[t]]->at = at;
        at += l->folder[r->touched[t]]->n;
    }
    if (*n_touched > 1)
        for (int64_t i = 0; i < batch->n; i++)
            r->position[l->folder[r->id[i]]->at++] = (int32_t)i;
    return CH_OK;
}

static ch_status write_keyed(ch_files *f, lane *l, int64_t number, ch_batch *batch, ch_error *err)
{
    ch_column **text;
    size_t n = (size_t)batch->n, text_bytes = sizeof *text * (size_t)f->spec.n_keys;
    route r = {.bytes = n * (sizeof *r.hash + 3 * sizeof *r.id)};
    int32_t n_touched = 0;
    text = ch_mem_zalloc(f->mem, text_bytes, err);
    r.hash = text ? ch_mem_alloc(f->mem, r.bytes, err) : NULL;
    ch_status status = r.hash ? key_texts(f, batch, text, err) : CH_E_MEMORY;
    if (status == CH_OK) {
        r.id = (int32_t *)(r.hash + n);
        r.touched = r.id + n;
        r.position = r.touched + n;
        status = route_rows(f, l, text, batch, &r, &n_touched, err);
    }
    for (int32_t t = 0; t < n_touched && status == CH_OK; t++) {
        folder *d = l->folder[r.touched[t]];
        const int32_t *position = n_touched > 1 ? r.position + d->at - d->n : NULL;
        status = to_folder(f, l, d, number, batch, position, err);
    }
    for (int32_t t = 0; t < n_touched; t++)
        l->folder[r.touched[t]]->n = 0;
    for (int32_t k = 0; text && k < f->spec.n_keys; k++)
        ch_column_unref(text[k]);
    ch_mem_free(f->mem, r.hash, r.bytes);
    ch_mem_free(f->mem, text, text_bytes);
    return status;
}

/* ---- batches to lanes --------------------------------------------------------------------------- */

static ch_status to_lane(ch_files *f, int32_t at, ch_batch *batch, ch_error *err)
{
    lane *l = &f->lane[at];
    int64_t number = f->spec.by_morsel ? (int64_t)(batch->seq >> 16 & 0xFFFFFFFF) : at;
    bool was_open;
    ch_status status;
    if (f->shared)
        pthread_mutex_lock(&l->lock);
    if (f->spec.n_keys) {
        status = write_keyed(f, l, number, batch, err);
    } else {
        status = use_number(f, &l->file, number, &was_open, err);
        if (status == CH_OK)
            status = add_rows(f, &l->file, f->spec.folder, batch, err);
    }
    if (f->shared)
        pthread_mutex_unlock(&l->lock);
    return status;
}

/* Each lane gets an equal piece. */
static ch_status deal_out(ch_files *f, ch_batch *batch, ch_error *err)
{
    int64_t piece = (batch->n + f->n_lanes - 1) / f->n_lanes;
    if (piece < LEAST_PIECE && f->n_rows > (int64_t)LEAST_PIECE * f->n_lanes)
        piece = LEAST_PIECE;
    for (int64_t from = 0; from < batch->n; from += piece) {
        ch_batch some;
        int64_t n = batch->n - from < piece ? batch->n - from : piece;
        int32_t at = (int32_t)(atomic_fetch_add(&f->next_piece, 1) % f->n_lanes);
        ch_status status = ch_batch_copy(batch, &some, err);
        if (status == CH_OK)
            status = ch_batch_slice(&some, from, n, err);
        if (status == CH_OK)
            status = to_lane(f, at, &some, err);
        ch_batch_release(&some);
        CH_TRY(status);
    }
    return CH_OK;
}

ch_status ch_files_write(ch_files *f, int slot, ch_batch *batch, ch_error *err)
{
    atomic_fetch_add_explicit(&f->n_rows, batch->n, memory_order_relaxed);
    if (f->spec.spread && f->n_lanes > 1)
        return deal_out(f, batch, err);
    return to_lane(f, (int32_t)(slot % f->n_lanes), batch, err);
}

int64_t ch_files_rows(const ch_files *f)
{
    return f->n_rows;
}

/* ---- beginning and end -------------------------------------------------------------------------- */

static ch_status choose_columns(ch_files *f, ch_error *err)
{
    const ch_files_spec *s = &f->spec;
    const ch_type **type;
    ch_field *field;
    CH_ARENA_ARRAY(f->column, &f->arena, s->schema->n_fields + 1, err);
    CH_ARENA_ARRAY(field, &f->arena, s->schema->n_fields + 1, err);
    CH_ARENA_ARRAY(type, &f->arena, s->schema->n_fields + 1, err);
    for (int32_t c = 0; c < s->schema->n_fields; c++) {
        bool is_key = false;
        for (int32_t k = 0; k < s->n_keys; k++)
            is_key |= s->key[k] == c;
        if (is_key)
            continue;
        field[f->n_columns] = s->schema->field[c];
        type[f->n_columns] = field[f->n_columns].type;
        f->column[f->n_columns++] = c;
    }
    f->file_schema = s->n_keys ? ch_type_struct(field, f->n_columns) : s->schema;
    if (!f->file_schema)
        return ch_error_memory(err, "types", 0, 0);
    return s->n_keys
               ? ch_rowlayout_init(&f->layout, &f->arena, type, f->n_columns, 0, false, 0, err)
               : CH_OK;
}

static ch_status init(ch_files *f, ch_error *err)
{
    const ch_files_spec *s = &f->spec;
    int64_t memory = ch_mem_limit(f->mem) / (s->ctx.n_slots + 1);
    /* A remote file holds a part besides. */
    int64_t open = memory / (s->ctx.store ? 2 * BYTES_PER_OPEN : BYTES_PER_OPEN);
    f->n_lanes = s->single ? 1 : s->n_lanes > 0 ? s->n_lanes : s->ctx.n_slots;
    f->shared = s->spread || f->n_lanes < s->ctx.n_slots;
    f->most_open = (int32_t)(open > MOST_OPEN ? MOST_OPEN : open < 2 ? 2 : open);
    f->most_waiting = memory / 8 > ((int64_t)64 << 20) ? (int64_t)64 << 20 : memory / 8;
    CH_TRY(choose_columns(f, err));
    CH_ARENA_ARRAY(f->lane, &f->arena, f->n_lanes, err);
    for (int32_t i = 0; i < f->n_lanes; i++) {
        pthread_mutex_init(&f->lane[i].lock, NULL);
        ch_arena_init(&f->lane[i].arena, f->mem);
        f->lane[i].file.number = i;
    }
    return CH_OK;
}

ch_status ch_files_new(const ch_files_spec *spec, ch_files **out, ch_error *err)
{
    *out = NULL;
    ch_files *f = ch_mem_zalloc(spec->ctx.mem, sizeof *f, err);
    if (!f)
        return CH_E_MEMORY;
    f->spec = *spec;
    f->mem = spec->ctx.mem;
    ch_arena_init(&f->arena, f->mem);
    pthread_mutex_init(&f->spill_lock, NULL);
    ch_status status = init(f, err);
    if (status != CH_OK) {
        ch_files_free(f);
        return status;
    }
    *out = f;
    return CH_OK;
}

ch_status ch_files_finish(ch_files *f, ch_error *err)
{
    for (int32_t i = 0; i < f->n_lanes; i++)
        CH_TRY(finish_lane(f, &f->lane[i], err));
    if (f->n_files > 0 || f->spec.n_keys)
        return CH_OK;
    CH_TRY(open_file(f, &f->lane[0].file, f->spec.folder, err));
    return close_file(f, &f->lane[0].file, err);
}

ch_status ch_files_folders(const ch_files *f, ch_arena *arena, ch_str_list *out, ch_error *err)
{
    size_t skip = strlen(f->spec.folder) + 1;
    ch_strmap seen;
    ch_strmap_init(&seen, arena, false);
    for (int32_t i = 0; i < f->n_lanes; i++)
        for (int32_t d = 0; d < f->lane[i].n_folders; d++) {
            const char *path = f->lane[i].folder[d]->path + skip;
            if (ch_strmap_has(&seen, path))
                continue;
            char *name = ch_arena_str(arena, path, err);
            if (!name)
                return CH_E_MEMORY;
            CH_TRY(ch_strmap_put(&seen, name, name, err));
            CH_TRY(ch_str_list_add(arena, out, name, err));
        }
    return CH_OK;
}

void ch_files_free(ch_files *f)
{
    if (!f)
        return;
    for (int32_t i = 0; f->lane && i < f->n_lanes; i++) {
        lane *l = &f->lane[i];
        if (l->file.writer)
            f->spec.format->abandon(l->file.writer);
        for (int32_t d = 0; d < l->n_folders; d++) {
            if (l->folder[d]->file.writer)
                f->spec.format->abandon(l->folder[d]->file.writer);
            if (l->folder[d]->waits)
                ch_rowset_release(&l->folder[d]->waiting, f->spill);
        }
        ch_arena_release(&l->arena);
        pthread_mutex_destroy(&l->lock);
    }
    ch_spill_close(f->spill);
    pthread_mutex_destroy(&f->spill_lock);
    ch_arena_release(&f->arena);
    ch_mem_free(f->mem, f, sizeof *f);
}
