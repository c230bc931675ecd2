/* SPDX-License-Identifier: Apache-2.0 */
/*
 * join_flush.c - HashJoin when all rows were pushed: build rows that are wanted, then the partitions on disk, the
 * build side in chunks that fit, the probe side read once per chunk.
 */
#include "exec/join_probe.h"

/* ---- build rows -------------------------------------------------------------------------- */

static ch_status emit_build_rows(ch_join *j, int slot, uint8_t **row, int64_t n, ch_error *err)
{
    ch_batch out;
    ch_mem *mem = ch_join_op(j)->mem;
    ch_status status = CH_OK;
    if (n == 0)
        return CH_OK;
    CH_TRY(ch_batch_init(&out, mem, ch_join_op(j)->output.n, n, err));
    out.seq = j->slot[slot].seq | (UINT64_MAX >> 16);
    ch_column **col = j->pairs ? ch_join_build_part(j, &out) : out.col;
    for (int32_t c = 0; c < j->build_attrs->n; c++)
        CH_TRY_OUT(ch_rows_gather(&j->layout, j->build_col[c], row, n, mem, &col[c], err));
    for (int32_t c = 0; j->pairs && c < j->probe_attrs->n; c++)
        CH_TRY_OUT(ch_column_nulls(mem, j->probe_attrs->item[c]->type, n,
                                   &ch_join_probe_part(j, &out)[c], err));
    status = ch_op_emit(ch_join_op(j), slot, &out, err);
out:
    ch_batch_release(&out);
    return status;
}

static ch_status emit_build_page(ch_join *j, int slot, const ch_rowpage *page, ch_error *err)
{
    ch_join_slot *s = &j->slot[slot];
    int64_t cap = j->exec->batch_rows;
    int32_t pos = 0;
    int64_t k;
    bool wanted = j->build_emit == CH_EMIT_MATCHED;
    CH_TRY(ch_join_need_rows(j, slot, 1, err));
    while ((k = ch_rowpage_next(page, &pos, s->pair_row, cap)) > 0) {
        int64_t m = 0;
        for (int64_t i = 0; i < k; i++) {
            uint8_t *row = s->pair_row[i];
            s->pair_row[m] = row;
            m += (ch_join_link_of(j, row)->matched != 0) == wanted;
        }
        CH_TRY(emit_build_rows(j, slot, s->pair_row, m, err));
    }
    return CH_OK;
}

/* The same for few rows, in the order of the input. */
static ch_status emit_few(ch_join *j, int slot, ch_error *err)
{
    ch_join_slot *s = &j->slot[slot];
    int64_t cap = j->exec->batch_rows, m = 0;
    bool wanted = j->build_emit == CH_EMIT_MATCHED, back = j->type == CH_JOIN_FULL_OUTER;
    CH_TRY(ch_join_need_rows(j, slot, 1, err));
    for (int64_t i = 0; i < j->n_few; i++) {
        uint8_t *row = j->few[back ? j->n_few - 1 - i : i];
        if ((ch_join_link_of(j, row)->matched != 0) != wanted)
            continue;
        s->pair_row[m++] = row;
        if (m == cap) {
            CH_TRY(emit_build_rows(j, slot, s->pair_row, m, err));
            m = 0;
        }
    }
    return emit_build_rows(j, slot, s->pair_row, m, err);
}

/* ---- partitions on disk ------------------------------------------------------------------ */

/* Probe rows of one page against a table; base counts the partition's rows before this page. */
static ch_status probe_page(const ch_join_probe *all, const ch_rowpage *page, uint64_t *matched,
                            int64_t *base, ch_error *err)
{
    ch_join *j = all->j;
    ch_join_slot *s = all->s;
    ch_mem *mem = ch_join_op(j)->mem;
    int64_t cap = j->exec->batch_rows < 2048 ? j->exec->batch_rows : 2048;
    int32_t pos = 0;
    CH_TRY(ch_join_need_rows(j, all->slot, cap, err));
    for (;;) {
        int64_t n = ch_rowpage_next(page, &pos, s->list, cap);
        if (n == 0)
            return CH_OK;
        CH_TRY(ch_exec_heed(j->exec, err));
        ch_batch batch;
        ch_status status = ch_batch_init(&batch, mem, j->probe_attrs->n, n, err);
        if (status != CH_OK)
            return status;
        batch.seq = s->seq;
        for (int32_t c = 0; c < j->probe_layout.n_cols && status == CH_OK; c++)
            status = ch_rows_gather(&j->probe_layout, c, s->list, n, mem,
                                    c < j->n_keys ? &s->key[c] : &batch.col[c - j->n_keys], err);
        for (int64_t i = 0; i < n; i++)
            s->hash[i] = ch_row_hash(&j->probe_layout, s->list[i]);
        memset(s->bits, 0, (size_t)ch_bit_bytes(n));
        if (matched)
            for (int64_t i = 0; i < n; i++)
                if (ch_bit_get(matched, *base + i))
                    ch_bit_set(s->bits, i);
        ch_join_probe p = *all;
        p.batch = &batch;
        if (status == CH_OK)
            status = ch_join_probe_batch(&p, err);
        if (matched && !p.finalize)
            for (int64_t i = 0; i < n; i++)
                if (ch_bit_get(s->bits, i))
                    ch_bit_set(matched, *base + i);
        *base += n;
        ch_join_drop_keys(j, all->slot);
        ch_batch_release(&batch);
        CH_TRY(status);
    }
}

static ch_status probe_partition(const ch_join_probe *all, int part, uint64_t *matched,
                                 ch_error *err)
{
    ch_join *j = all->j;
    int64_t base = 0;
    for (int s = 0; s < j->exec->n_slots; s++) {
        ch_rowset *set = &j->slot[s].probe[part];
        for (int32_t i = 0; i < set->n_pages; i++) {
            bool on_disk = i < set->n_spilled;
            CH_TRY(ch_rowset_load(set, j->spill, i, err));
            CH_TRY(probe_page(all, &set->page[i], matched, &base, err));
            if (on_disk)
                ch_rowset_unload(set, i);
        }
    }
    return CH_OK;
}

/* Pages of a partition of the build side, over all slots. */
typedef struct cursor {
    int slot;
    int32_t page;
} cursor;

static ch_rowset *set_at(ch_join *j, int part, cursor *at)
{
    for (; at->slot < j->exec->n_slots; at->slot++, at->page = 0) {
        ch_rowset *set = &j->slot[at->slot].build[part];
        if (at->page < set->n_pages)
            return set;
    }
    return NULL;
}

/* Loads pages from *at on while they and their table fit into `share`, one at least. */
static ch_status load_chunk(ch_join *j, int part, cursor *at, int64_t share, int64_t *rows,
                            ch_error *err)
{
    int64_t bytes = 0;
    *rows = 0;
    for (ch_rowset *set; (set = set_at(j, part, at)); at->page++) {
        const ch_rowpage *page = &set->page[at->page];
        int64_t more = page->used + page->n_rows * 24;
        if (bytes && bytes + more > share)
            return CH_OK;
        CH_TRY(ch_rowset_load(set, j->spill, at->page, err));
        bytes += more;
        *rows += page->n_rows;
    }
    return CH_OK;
}

static bool before(const cursor *a, const cursor *b)
{
    return a->slot < b->slot || (a->slot == b->slot && a->page < b->page);
}

static ch_status join_chunk(ch_join *j, int slot, int part, cursor from, const cursor *to,
                            int64_t rows, bool last, uint64_t *matched, ch_error *err)
{
    ch_join_table table = {0};
    ch_status status = ch_join_table_init(j, &table, rows, err);
    ch_rowset *set;
    if (status != CH_OK)
        return status;
    for (cursor at = from; (set = set_at(j, part, &at)) && before(&at, to); at.page++)
        ch_join_insert(j, &table, &set->page[at.page]);
    ch_join_probe p = {j, &j->slot[slot], slot, NULL, &table, false, last};
    status = probe_partition(&p, part, matched, err);
    for (cursor at = from; (set = set_at(j, part, &at)) && before(&at, to); at.page++) {
        if (status == CH_OK && j->build_emit != CH_EMIT_NONE)
            status = emit_build_page(j, slot, &set->page[at.page], err);
        ch_rowset_unload(set, at.page);
    }
    ch_join_table_release(j, &table);
    return status;
}

static void count_partition(const ch_join *j, int part, int64_t *n_build, int64_t *n_probe,
                            int64_t *build_bytes)
{
    *n_build = *n_probe = *build_bytes = 0;
    for (int s = 0; s < j->exec->n_slots; s++) {
        *n_build += j->slot[s].build[part].n_rows;
        *n_probe += j->slot[s].probe[part].n_rows;
        *build_bytes += j->slot[s].build[part].row_bytes;
    }
}

static ch_status join_partition(ch_join *j, int slot, int part, ch_error *err)
{
    int64_t n_build, n_probe, bytes, rows;
    count_partition(j, part, &n_build, &n_probe, &bytes);
    bool wants_probe = ch_join_wants_all(j);
    if ((n_probe == 0 && j->build_emit != CH_EMIT_UNMATCHED) || (n_build == 0 && !wants_probe))
        return CH_OK;
    int64_t share = ch_mem_available(j->mem) / j->exec->n_slots / 2;
    size_t matched_bytes = (size_t)ch_bit_bytes(n_probe);
    uint64_t *matched = NULL;
    if (bytes + n_build * 24 > share && n_probe) {
        matched = ch_mem_zalloc(j->mem, matched_bytes, err);
        if (!matched)
            return CH_E_MEMORY;
    }
    cursor at = {0}, from;
    ch_status status = CH_OK;
    bool last = false;
    while (status == CH_OK && !last) {
        from = at;
        status = load_chunk(j, part, &at, share, &rows, err);
        cursor peek = at;
        last = !set_at(j, part, &peek);
        if (status == CH_OK)
            status = join_chunk(j, slot, part, from, &at, rows, last, matched, err);
    }
    ch_mem_free(j->mem, matched, matched_bytes);
    for (int s = 0; s < j->exec->n_slots && status == CH_OK; s++) {
        ch_rowset_release(&j->slot[s].build[part], j->spill);
        ch_rowset_release(&j->slot[s].probe[part], j->spill);
    }
    return status;
}

/* ---- flush ------------------------------------------------------------------------------- */

static ch_status flush_task(ch_join *j, int slot, int64_t task, int64_t n_memory, ch_error *err)
{
    if (task >= n_memory)
        return join_partition(j, slot, j->keep + (int)(task - n_memory), err);
    const ch_rowset *set = &j->slot[task / j->keep].build[task % j->keep];
    ch_status status = CH_OK;
    if (j->few && task == 0)
        status = emit_few(j, slot, err);
    for (int32_t i = 0; i < set->n_pages && status == CH_OK && !j->few; i++)
        status = emit_build_page(j, slot, &set->page[i], err);
    if (status == CH_OK && atomic_fetch_add(&j->tasks_done, 1) + 1 == n_memory)
        ch_join_free_memory(j);
    return status;
}

ch_status ch_join_flush(ch_op *self, int slot, ch_error *err)
{
    ch_join *j = *(ch_join **)(void *)(self + 1);
    int keep = j->keep;
    int64_t n_memory = j->build_emit != CH_EMIT_NONE ? (int64_t)j->exec->n_slots * keep : 0;
    int64_t n = n_memory + CH_JOIN_PARTS - keep;
    if (!j->slot) /* nothing was built or pushed */
        return CH_OK;
    if (n_memory == 0)
        ch_join_free_memory(j);
    for (int64_t task; (task = atomic_fetch_add(&j->next_task, 1)) < n;) {
        CH_TRY(ch_exec_heed(j->exec, err));
        CH_TRY(flush_task(j, slot, task, n_memory, err));
    }
    return CH_OK;
}
