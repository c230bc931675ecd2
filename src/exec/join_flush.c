/* SPDX-License-Identifier: Apache-2.0 */
/*
 * join_flush.c - HashJoin when all rows were pushed: build rows that are wanted, then the partitions on disk, the
 * build side in chunks that fit, the probe side read once per chunk.
 */
#include "exec/join_probe.h"

/* ---- build rows -------------------------------------------------------------------------- */

/* Behind all that was pushed, whichever slot gives them: the one at hand may have seen none. */
static uint64_t seq_behind_all(const ch_join *j)
{
    uint64_t seq = 0;
    for (int s = 0; s < j->exec->n_slots; s++)
        seq = j->slot[s].seq > seq ? j->slot[s].seq : seq;
    return seq | (UINT64_MAX >> 16);
}

static ch_status emit_build_rows(ch_join *j, int slot, uint8_t **row, int64_t n, ch_error *err)
{
    ch_batch out;
    ch_mem *mem = ch_join_op(j)->mem;
    ch_status status = CH_OK;
    if (n == 0)
        return CH_OK;
    CH_TRY(ch_batch_init(&out, mem, ch_join_op(j)->output.n, n, err));
    out.seq = seq_behind_all(j);
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

/* Rows that can only match each other: a partition, or a part of one. */
typedef struct piece {
    ch_rowset **build, **probe; /* n_sets of each */
    int n_sets;
    int level; /* so many times its rows were dealt by bits of their hash */
} piece;

enum {
    /* Deeper down, the hash has no bits left that neither the partitions nor the buckets use. */
    LEVELS = 4,
    /* The build side read in as many chunks costs less than dealing both sides once more. */
    CHUNKS = 3,
    /* What a row needs besides itself. */
    ROW_TABLE_BYTES = 24
};

static ch_status probe_piece(const ch_join_probe *all, const piece *in, uint64_t *matched,
                             ch_error *err)
{
    ch_join *j = all->j;
    int64_t base = 0;
    for (int s = 0; s < in->n_sets; s++) {
        ch_rowset *set = in->probe[s];
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

/* Pages of a piece's build side, over all sets. */
typedef struct cursor {
    int set;
    int32_t page;
} cursor;

static ch_rowset *set_at(const piece *in, cursor *at)
{
    for (; at->set < in->n_sets; at->set++, at->page = 0)
        if (at->page < in->build[at->set]->n_pages)
            return in->build[at->set];
    return NULL;
}

/* Loads pages from *at on while they and their table fit into `share`, one at least. */
static ch_status load_chunk(ch_join *j, const piece *in, cursor *at, int64_t share, int64_t *rows,
                            ch_error *err)
{
    int64_t bytes = 0;
    *rows = 0;
    for (ch_rowset *set; (set = set_at(in, at)); at->page++) {
        const ch_rowpage *page = &set->page[at->page];
        int64_t more = page->used + page->n_rows * ROW_TABLE_BYTES;
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
    return a->set < b->set || (a->set == b->set && a->page < b->page);
}

static ch_status join_chunk(ch_join *j, int slot, const piece *in, cursor from, const cursor *to,
                            int64_t rows, bool last, uint64_t *matched, ch_error *err)
{
    ch_join_table table = {0};
    ch_status status = ch_join_table_init(j, &table, rows, err);
    ch_rowset *set;
    if (status != CH_OK)
        return status;
    for (cursor at = from; (set = set_at(in, &at)) && before(&at, to); at.page++)
        ch_join_insert(j, &table, &set->page[at.page]);
    ch_join_probe p = {j, &j->slot[slot], slot, NULL, &table, false, last};
    status = probe_piece(&p, in, matched, err);
    for (cursor at = from; (set = set_at(in, &at)) && before(&at, to); at.page++) {
        if (status == CH_OK && j->build_emit != CH_EMIT_NONE)
            status = emit_build_page(j, slot, &set->page[at.page], err);
        ch_rowset_unload(set, at.page);
    }
    ch_join_table_release(j, &table);
    return status;
}

/* The build side in chunks that fit into `share`. several: there may be more than one. */
static ch_status join_chunks(ch_join *j, int slot, const piece *in, int64_t share, int64_t n_probe,
                             bool several, ch_error *err)
{
    size_t matched_bytes = (size_t)ch_bit_bytes(n_probe);
    uint64_t *matched = NULL;
    if (several && n_probe && !(matched = ch_mem_zalloc(j->mem, matched_bytes, err)))
        return CH_E_MEMORY;
    ch_status status = CH_OK;
    bool last = false;
    for (cursor at = {0}; status == CH_OK && !last;) {
        cursor from = at, peek;
        int64_t rows;
        status = load_chunk(j, in, &at, share, &rows, err);
        peek = at;
        last = !set_at(in, &peek);
        if (status == CH_OK)
            status = join_chunk(j, slot, in, from, &at, rows, last, matched, err);
    }
    ch_mem_free(j->mem, matched, matched_bytes);
    return status;
}

/* ---- pieces that are too large ----------------------------------------------------------- */

static ch_status join_piece(ch_join *j, int slot, const piece *in, ch_error *err);

static ch_status spill_all(ch_join *j, ch_op *op, ch_rowset *set, ch_error *err)
{
    for (int p = 0; p < CH_JOIN_PARTS; p++)
        CH_TRY(ch_join_spill_set(j, op, &set[p], err));
    return CH_OK;
}

static ch_status deal_page(const ch_rowlayout *layout, const ch_rowpage *page, int level,
                           ch_rowset *to, ch_error *err)
{
    enum { N = 256 };
    uint8_t *row[N], *copy;
    int32_t pos = 0;
    int64_t k;
    while ((k = ch_rowpage_next(page, &pos, row, N)) > 0)
        for (int64_t i = 0; i < k; i++) {
            uint64_t hash = ch_row_hash(layout, row[i]) << (CH_JOIN_PART_BITS * level);
            uint32_t bytes = ch_row_bytes(row[i]);
            CH_TRY(ch_rowset_add(&to[ch_join_part(hash)], bytes, &copy, err));
            memcpy(copy, row[i], bytes);
        }
    return CH_OK;
}

/* The rows of n sets, which lose them, by the next bits of their hash into the CH_JOIN_PARTS sets of `to`. */
static ch_status deal(ch_join *j, ch_op *op, const ch_rowlayout *layout, ch_rowset **from, int n,
                      int level, int64_t share, ch_rowset *to, ch_error *err)
{
    for (int s = 0; s < n; s++) {
        for (int32_t i = 0; i < from[s]->n_pages; i++) {
            CH_TRY(ch_exec_heed(j->exec, err));
            CH_TRY(ch_rowset_load(from[s], j->spill, i, err));
            CH_TRY(deal_page(layout, &from[s]->page[i], level, to, err));
            ch_rowset_unload(from[s], i);
            int64_t held = 0;
            for (int p = 0; p < CH_JOIN_PARTS; p++)
                held += to[p].bytes;
            if (held > share)
                CH_TRY(spill_all(j, op, to, err));
        }
        ch_rowset_release(from[s], j->spill);
    }
    return spill_all(j, op, to, err);
}

/* Both sides by more bits of the hash, then each part for itself. */
static ch_status split_piece(ch_join *j, int slot, const piece *in, int64_t n_build, int64_t share,
                             ch_error *err)
{
    ch_rowset build[CH_JOIN_PARTS], probe[CH_JOIN_PARTS];
    int32_t page_bytes = ch_rowset_page_bytes(2 * share, CH_JOIN_PARTS);
    for (int p = 0; p < CH_JOIN_PARTS; p++) {
        ch_rowset_init(&build[p], j->mem, page_bytes);
        ch_rowset_init(&probe[p], j->mem, page_bytes);
    }
    int level = in->level + 1;
    ch_status status =
        deal(j, j->build_op, &j->layout, in->build, in->n_sets, level, share, build, err);
    if (status == CH_OK)
        status = deal(j, ch_join_op(j), &j->probe_layout, in->probe, in->n_sets, level, share,
                      probe, err);
    for (int p = 0; p < CH_JOIN_PARTS; p++) {
        ch_rowset *b = &build[p], *r = &probe[p];
        /* Where nearly all rows stay together they have one key: no bit will part them. */
        bool one_key = b->n_rows > n_build - n_build / 8;
        if (status == CH_OK)
            status = join_piece(j, slot, &(piece){&b, &r, 1, one_key ? LEVELS : level}, err);
        ch_rowset_release(b, j->spill);
        ch_rowset_release(r, j->spill);
    }
    return status;
}

static ch_status join_piece(ch_join *j, int slot, const piece *in, ch_error *err)
{
    int64_t n_build = 0, n_probe = 0, bytes = 0;
    for (int s = 0; s < in->n_sets; s++) {
        n_build += in->build[s]->n_rows;
        n_probe += in->probe[s]->n_rows;
        bytes += in->build[s]->row_bytes;
    }
    if ((n_probe == 0 && j->build_emit != CH_EMIT_UNMATCHED) ||
        (n_build == 0 && !ch_join_wants_all(j)))
        return CH_OK;
    int64_t share = ch_mem_available(j->mem) / j->exec->n_slots / 2;
    bytes += n_build * ROW_TABLE_BYTES;
    if (bytes / CHUNKS > share && n_probe && j->n_keys && in->level < LEVELS && j->spill)
        return split_piece(j, slot, in, n_build, share, err);
    return join_chunks(j, slot, in, share, n_probe, bytes > share, err);
}

static ch_status join_partition(ch_join *j, int slot, int part, ch_error *err)
{
    int n = j->exec->n_slots;
    ch_rowset **set = ch_mem_alloc(j->mem, sizeof *set * 2 * (size_t)n, err);
    if (!set)
        return CH_E_MEMORY;
    for (int s = 0; s < n; s++) {
        set[s] = &j->slot[s].build[part];
        set[n + s] = &j->slot[s].probe[part];
    }
    ch_status status = join_piece(j, slot, &(piece){set, set + n, n, 0}, err);
    for (int s = 0; s < 2 * n && status == CH_OK; s++)
        ch_rowset_release(set[s], j->spill);
    ch_mem_free(j->mem, set, sizeof *set * 2 * (size_t)n);
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
