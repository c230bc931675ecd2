/* SPDX-License-Identifier: Apache-2.0 */
/*
 * window_runs.c - a share too large for the memory as sorted runs on disk (sort_run.h): pieces of it are sorted by
 * (partition, order, place in the input); a key ends with the length of its partition's part, behind
 * what makes it unique.
 */
#include <string.h>

#include "exec/op_window.h"

static ch_status add_run(ch_win_runs *r, ch_run **out, ch_error *err)
{
    ch_mem *mem = r->op->op.mem;
    if (r->n_runs == r->cap_runs) {
        int32_t cap = r->cap_runs ? 2 * r->cap_runs : 16;
        ch_run **more = ch_mem_alloc(mem, sizeof *more * (size_t)cap, err);
        if (!more)
            return CH_E_MEMORY;
        if (r->n_runs)
            memcpy(more, r->run, sizeof *more * (size_t)r->n_runs);
        ch_mem_free(mem, r->run, sizeof *more * (size_t)r->cap_runs);
        r->run = more;
        r->cap_runs = cap;
    }
    ch_run *run = ch_mem_alloc(mem, sizeof *run, err);
    if (!run)
        return CH_E_MEMORY;
    ch_run_init(run, mem);
    r->run[r->n_runs++] = run;
    *out = run;
    return CH_OK;
}

static void count_run(ch_win_runs *r, const ch_run *run)
{
    int64_t bytes = 0;
    for (int32_t i = 0; i < run->n_blocks; i++)
        bytes += run->block[i].stored_bytes;
    ch_win_count_spill(r->op, bytes);
}

/* One sorted row: head, key, payload; see sort_run.h. */
static void make_row(ch_win_runs *r, uint8_t *to, uint32_t key_bytes, uint32_t part_bytes,
                     const uint8_t *payload)
{
    const op_window *op = r->op;
    uint32_t head = (8 + key_bytes + 7) & ~(uint32_t)7, bytes = head + ch_row_bytes(payload);
    memcpy(to, &bytes, 4);
    memcpy(to + 4, &key_bytes, 4);
    uint64_t place = r->place++;
    if (op->tie >= 0)
        memcpy(&place, payload + op->layout.col[op->tie].offset, 8);
    place = __builtin_bswap64(place);
    memcpy(to + 8 + key_bytes - CH_WIN_TAIL_BYTES, &place, 8);
    memcpy(to + 8 + key_bytes - 4, &part_bytes, 4);
    memcpy(to + head, payload, ch_row_bytes(payload));
}

static ch_status write_entries(ch_win_runs *r, const ch_sort_entry *entry, int64_t n, ch_error *err)
{
    ch_run *run;
    ch_run_writer w;
    ch_mem *mem = r->op->op.mem;
    CH_TRY(add_run(r, &run, err));
    CH_TRY(ch_run_writer_init(&w, run, r->op->spill, r->block_bytes, mem, err));
    ch_status status = CH_OK;
    for (int64_t i = 0; i < n && status == CH_OK; i++)
        status = ch_run_writer_add(&w, entry[i].row, err);
    if (status == CH_OK)
        status = ch_run_writer_finish(&w, err);
    ch_run_writer_release(&w);
    count_run(r, run);
    return status;
}

/* n stored rows become a run. */
static ch_status run_of(ch_win_runs *r, uint8_t *const *row, int64_t n, ch_error *err)
{
    op_window *op = r->op;
    ch_mem *mem = op->op.mem;
    int32_t keys = op->n_part + op->n_order;
    size_t word_bytes = sizeof(uint32_t) * 2 * (size_t)n, at_bytes = sizeof(uint8_t *) * (size_t)n;
    size_t entry_bytes = sizeof(ch_sort_entry) * (size_t)n, bytes = 0;
    ch_column *key[2] = {0};
    uint8_t *data = NULL, **at = NULL;
    ch_sort_entry *entry = NULL;
    ch_status status;
    uint32_t *size = ch_mem_zalloc(mem, word_bytes, err);
    if (!size)
        return CH_E_MEMORY;
    uint32_t *part = size + n;
    for (int32_t k = 0; k < keys; k++) {
        CH_TRY_OUT(ch_rows_gather(&op->layout, op->key[k], row, n, mem, &key[0], err));
        ch_sortkey_sizes(key[0], size);
        ch_column_unref(key[0]);
        key[0] = NULL;
        if (k == op->n_part - 1)
            memcpy(part, size, sizeof *part * (size_t)n);
    }
    for (int64_t i = 0; i < n; i++) {
        size[i] += CH_WIN_TAIL_BYTES;
        bytes += ((8 + (size_t)size[i] + 7) & ~(size_t)7) + ch_row_bytes(row[i]);
    }
    data = ch_mem_alloc(mem, bytes, err);
    at = data ? ch_mem_alloc(mem, at_bytes, err) : NULL;
    entry = at ? ch_mem_alloc(mem, entry_bytes, err) : NULL;
    if (!entry) {
        status = CH_E_MEMORY;
        goto out;
    }
    uint8_t *to = data;
    for (int64_t i = 0; i < n; i++) {
        entry[i].row = to;
        at[i] = to + 8;
        make_row(r, to, size[i], part[i], row[i]);
        to += ch_sort_row_bytes(to);
    }
    for (int32_t k = 0; k < keys; k++) {
        ch_sortkey_order by =
            k < op->n_part ? (ch_sortkey_order){false, true} : op->order[k - op->n_part];
        CH_TRY_OUT(ch_rows_gather(&op->layout, op->key[k], row, n, mem, &key[0], err));
        ch_sortkey_write(key[0], by, at);
        ch_column_unref(key[0]);
        key[0] = NULL;
    }
    ch_sort_entry *scratch = ch_mem_alloc(mem, entry_bytes, NULL); /* only makes it faster */
    ch_sort_entries(entry, scratch, n);
    ch_mem_free(mem, scratch, entry_bytes);
    status = write_entries(r, entry, n, err);
out:
    ch_column_unref(key[0]);
    ch_mem_free(mem, entry, entry_bytes);
    ch_mem_free(mem, at, at_bytes);
    ch_mem_free(mem, data, bytes);
    ch_mem_free(mem, size, word_bytes);
    return status;
}

/* Pages [from, until) of a set become a run; they are not needed any more. */
static ch_status run_of_pages(ch_win_runs *r, ch_rowset *set, int32_t from, int32_t until,
                              int64_t n, ch_error *err)
{
    ch_mem *mem = r->op->op.mem;
    uint8_t **row = ch_mem_alloc(mem, sizeof *row * (size_t)n, err);
    ch_status status = row ? CH_OK : CH_E_MEMORY;
    int64_t got = 0, k;
    for (int32_t p = from; p < until && status == CH_OK; p++) {
        int32_t pos = 0;
        status = ch_rowset_load(set, r->op->spill, p, err);
        while (status == CH_OK &&
               (k = ch_rowpage_next(&set->page[p], &pos, row + got, n - got)) > 0)
            got += k;
    }
    if (status == CH_OK && got)
        status = run_of(r, row, got, err);
    for (int32_t p = from; p < until; p++)
        ch_rowset_unload(set, p);
    ch_mem_free(mem, row, sizeof *row * (size_t)n);
    return status;
}

static ch_status make_runs(ch_win_runs *r, ch_error *err)
{
    for (int s = 0; s < r->op->op.exec->n_slots; s++) {
        ch_rowset *set = &r->op->slot[s].set[r->share];
        int32_t from = 0;
        int64_t rows = 0, bytes = 0;
        for (int32_t p = 0; p < set->n_pages; p++) {
            rows += set->page[p].n_rows;
            bytes += set->page[p].used;
            bool full = bytes + rows * 64 > r->budget / 4;
            if (!full && p + 1 < set->n_pages)
                continue;
            CH_TRY(ch_exec_heed(r->op->op.exec, err));
            CH_TRY(run_of_pages(r, set, from, p + 1, rows, err));
            from = p + 1;
            rows = bytes = 0;
        }
    }
    return CH_OK;
}

/* The first k runs become one. */
static ch_status merge_first(ch_win_runs *r, int32_t k, ch_error *err)
{
    ch_mem *mem = r->op->op.mem;
    ch_run *out;
    ch_merge *merge = NULL;
    ch_run_writer w;
    uint8_t *row;
    CH_TRY(add_run(r, &out, err));
    CH_TRY(ch_run_writer_init(&w, out, r->op->spill, r->block_bytes, mem, err));
    ch_status status =
        ch_merge_new(r->run, k, (ch_sort_key){0}, (ch_sort_key){0}, mem, &merge, err);
    while (status == CH_OK) {
        status = ch_exec_heed(r->op->op.exec, err);
        if (status == CH_OK)
            status = ch_merge_next(merge, &row, err);
        if (status != CH_OK || !row)
            break;
        status = ch_run_writer_add(&w, row, err);
        ch_merge_forget(merge);
    }
    if (status == CH_OK)
        status = ch_run_writer_finish(&w, err);
    ch_merge_free(merge);
    ch_run_writer_release(&w);
    count_run(r, out);
    if (status != CH_OK)
        return status;
    for (int32_t i = 0; i < k; i++) {
        ch_run_release(r->run[i]);
        ch_mem_free(mem, r->run[i], sizeof *r->run[i]);
    }
    r->n_runs -= k;
    memmove(r->run, r->run + k, sizeof *r->run * (size_t)r->n_runs);
    return CH_OK;
}

ch_status ch_win_runs_make(op_window *op, int64_t share, int64_t budget, ch_win_runs *r,
                           ch_merge **out, ch_error *err)
{
    *r = (ch_win_runs){.op = op, .share = share, .budget = budget, .block_bytes = 64 << 10};
    *out = NULL;
    while (r->block_bytes > (8 << 10) && r->block_bytes > budget / 64)
        r->block_bytes /= 2;
    CH_TRY(make_runs(r, err));
    int64_t room = budget / 4 / (2 * (int64_t)r->block_bytes);
    int32_t most = room < 3 ? 3 : room > 256 ? 256 : (int32_t)room;
    while (r->n_runs > most) {
        int32_t k = r->n_runs - most + 1;
        CH_TRY(merge_first(r, k < most ? k : most, err));
    }
    return ch_merge_new(r->run, r->n_runs, (ch_sort_key){0}, (ch_sort_key){0}, op->op.mem, out,
                        err);
}

void ch_win_runs_release(ch_win_runs *r)
{
    if (!r->op)
        return;
    ch_mem *mem = r->op->op.mem;
    for (int32_t i = 0; i < r->n_runs; i++) {
        ch_run_release(r->run[i]);
        ch_mem_free(mem, r->run[i], sizeof *r->run[i]);
    }
    ch_mem_free(mem, r->run, sizeof *r->run * (size_t)r->cap_runs);
    *r = (ch_win_runs){0};
}
