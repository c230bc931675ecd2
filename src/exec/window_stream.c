/* SPDX-License-Identifier: Apache-2.0 */
/*
 * window_stream.c - a share too large for the memory: sorted on disk, then streamed.
 *
 *   open   pieces of the share are sorted by (partition, order, place in the input) and written as runs
 *          (window_runs.c)
 *   next   the runs are merged. Whole partitions are gathered and computed as in memory. A partition that
 *          is too large by itself goes to a row set on disk, and is computed block by block:
 *
 *              ├── back ──┤ from      to ├─ ahead ─┤
 *          ────┬──────────┬──────────────┬─────────┬────    pages of the row set
 *              └ loaded: what the frames of the block's rows reach ┘
 *
 *          Ranks, and aggregates whose frames begin with the partition, carry their state from block
 *          to block. A frame that both begins and ends far away does not fit: CH_E_MEMORY.
 */
#include <string.h>

#include "exec/op_window.h"

#define GATHER_ROWS 16384

struct ch_win_stream {
    op_window *op;
    win_slot *slot;
    int64_t budget; /* bytes for rows at hand */
    ch_win_runs runs;
    ch_merge *merge;
    /* gathering */
    ch_rowset set;
    int32_t *part; /* starts of partitions in set */
    int64_t n_parts, cap_parts;
    int64_t part_bytes; /* of the last partition's rows */
    uint8_t *key;       /* the last partition's part of the key */
    int64_t key_len, cap_key;
    uint8_t *held; /* the first row of the next partition */
    int64_t held_len, cap_held, held_key_len;
    bool at_end;
    bool tail; /* the set's last partition was not computed with the others: more of it comes */
    /* a partition by itself */
    bool big;
    int32_t page;   /* the next block begins with */
    int64_t before; /* rows of the partition ahead of it */
    ch_win_carry *carry;
};

ch_status ch_win_stream_open(op_window *op, win_slot *s, ch_win_stream **out, ch_error *err)
{
    ch_mem *mem = op->op.mem;
    *out = NULL;
    CH_TRY(ch_win_need_spill(op, err));
    ch_win_stream *t = ch_mem_zalloc(mem, sizeof *t, err);
    if (!t)
        return CH_E_MEMORY;
    *out = t;
    t->op = op;
    t->slot = s;
    /* Rows that wait in memory for other shares must leave some. */
    int64_t written = 0;
    for (int i = 0; i < op->op.exec->n_slots; i++)
        CH_TRY(ch_rowset_spill(&op->slot[i].set[s->share], op->spill, &written, err));
    ch_win_count_spill(op, written);
    t->budget = ch_mem_available(mem) / op->op.exec->n_slots / 3 * 2;
    ch_rowset_init(&t->set, mem, ch_rowset_page_bytes(t->budget, 4));
    t->carry = ch_mem_zalloc(mem, sizeof *t->carry * (size_t)(op->n_funcs + 1), err);
    if (!t->carry)
        return CH_E_MEMORY;
    return ch_win_runs_make(op, s->share, t->budget, &t->runs, &t->merge, err);
}

/* ---- gathering partitions -------------------------------------------------------------------------------------- */

static ch_status grow_bytes(ch_mem *mem, uint8_t **at, int64_t *cap, int64_t need, ch_error *err)
{
    if (need <= *cap)
        return CH_OK;
    ch_mem_free(mem, *at, (size_t)*cap);
    *cap = 0;
    *at = ch_mem_alloc(mem, (size_t)(need + need / 2), err);
    if (!*at)
        return CH_E_MEMORY;
    *cap = need + need / 2;
    return CH_OK;
}

static ch_status begin_partition(ch_win_stream *t, const uint8_t *key, int64_t len, ch_error *err)
{
    ch_mem *mem = t->op->op.mem;
    CH_TRY(grow_bytes(mem, &t->key, &t->cap_key, len ? len : 1, err));
    memcpy(t->key, key, (size_t)len);
    t->key_len = len;
    t->part_bytes = 0;
    if (t->n_parts + 2 > t->cap_parts) {
        int64_t cap = t->cap_parts ? 2 * t->cap_parts : 64;
        int32_t *more = ch_mem_alloc(mem, sizeof *more * (size_t)cap, err);
        if (!more)
            return CH_E_MEMORY;
        if (t->n_parts)
            memcpy(more, t->part, sizeof *more * (size_t)t->n_parts);
        ch_mem_free(mem, t->part, sizeof *more * (size_t)t->cap_parts);
        t->part = more;
        t->cap_parts = cap;
    }
    t->part[t->n_parts++] = (int32_t)t->set.n_rows;
    return CH_OK;
}

static ch_status keep_row(ch_win_stream *t, const uint8_t *payload, ch_error *err)
{
    uint8_t *row;
    int64_t bytes = ch_row_bytes(payload);
    CH_TRY(ch_rowset_add(&t->set, bytes, &row, err));
    memcpy(row, payload, (size_t)bytes);
    t->part_bytes += bytes;
    return CH_OK;
}

/* The next row, and whether another partition begins with it. NULL: no more. */
static ch_status next_row(ch_win_stream *t, uint8_t **payload, const uint8_t **key, int64_t *len,
                          bool *fresh, ch_error *err)
{
    uint8_t *row;
    CH_TRY(ch_merge_next(t->merge, &row, err));
    *payload = NULL;
    if (!row)
        return CH_OK;
    ch_sort_key k = ch_sort_row_key(row);
    uint32_t part;
    memcpy(&part, k.bytes + k.len - 4, 4);
    *payload = ch_sort_row_payload(row);
    *key = k.bytes;
    *len = part;
    *fresh = t->n_parts == 0 || (int64_t)part != t->key_len ||
             (part && memcmp(t->key, k.bytes, part) != 0);
    return CH_OK;
}

/* The row begins a partition that is not wanted yet. */
static ch_status hold(ch_win_stream *t, const uint8_t *payload, const uint8_t *key, int64_t len,
                      ch_error *err)
{
    int64_t bytes = ch_row_bytes(payload);
    CH_TRY(grow_bytes(t->op->op.mem, &t->held, &t->cap_held, bytes + len, err));
    memcpy(t->held, payload, (size_t)bytes);
    memcpy(t->held + bytes, key, (size_t)len);
    t->held_len = bytes;
    t->held_key_len = len;
    return CH_OK;
}

/* Rows from the last partition's start on, alone in the set. */
static ch_status keep_last_only(ch_win_stream *t, ch_error *err)
{
    ch_rowset fresh;
    int64_t skip = t->part[t->n_parts - 1], at = 0;
    uint8_t *row;
    ch_status status = CH_OK;
    ch_rowset_init(&fresh, t->set.mem, t->set.page_bytes);
    for (int32_t p = 0; p < t->set.n_pages && status == CH_OK; p++) {
        int32_t pos = 0;
        while (status == CH_OK && ch_rowpage_next(&t->set.page[p], &pos, &row, 1) > 0) {
            uint8_t *copy;
            if (at++ < skip)
                continue;
            status = ch_rowset_add(&fresh, ch_row_bytes(row), &copy, err);
            if (status == CH_OK)
                memcpy(copy, row, ch_row_bytes(row));
        }
    }
    if (status != CH_OK) {
        ch_rowset_release(&fresh, NULL);
        return status;
    }
    ch_rowset_release(&t->set, t->op->spill);
    t->set = fresh;
    t->part[0] = 0;
    t->n_parts = 1;
    return CH_OK;
}

/* Whole partitions into the set; t->big when one alone is too large. *rows: those to be computed. */
static ch_status gather(ch_win_stream *t, int64_t *rows, ch_error *err)
{
    int64_t written = 0;
    *rows = 0;
    if (t->held_len) {
        CH_TRY(begin_partition(t, t->held + t->held_len, t->held_key_len, err));
        CH_TRY(keep_row(t, t->held, err));
        t->held_len = 0;
    }
    while (!t->at_end) {
        uint8_t *payload;
        const uint8_t *key = NULL;
        int64_t len = 0;
        bool fresh = false;
        CH_TRY(ch_exec_heed(t->op->op.exec, err));
        CH_TRY(next_row(t, &payload, &key, &len, &fresh, err));
        if (!payload) {
            t->at_end = true;
            break;
        }
        if (fresh) {
            bool enough = t->big || t->set.n_rows >= GATHER_ROWS || t->set.bytes > t->budget / 8;
            if (enough && t->set.n_rows) {
                CH_TRY(hold(t, payload, key, len, err));
                ch_merge_forget(t->merge);
                break;
            }
            CH_TRY(begin_partition(t, key, len, err));
        }
        CH_TRY(keep_row(t, payload, err));
        ch_merge_forget(t->merge);
        int64_t rows_here = t->big ? 0 : t->set.n_rows; /* others are computed from disk */
        if (t->set.bytes + rows_here * 96 <= t->budget / 2)
            continue;
        if (!t->big && t->n_parts > 1) { /* those before it first */
            *rows = t->part[t->n_parts - 1];
            return CH_OK;
        }
        t->big = true;
        CH_TRY(ch_rowset_spill(&t->set, t->op->spill, &written, err));
        ch_win_count_spill(t->op, written);
        written = 0;
    }
    *rows = t->set.n_rows;
    return CH_OK;
}

/* ---- computing --------------------------------------------------------------------------------------------------- */

static void drop_output(ch_win_stream *t)
{
    win_slot *s = t->slot;
    for (int32_t f = 0; f < t->op->n_funcs; f++) {
        ch_column_unref(s->result[f]);
        s->result[f] = NULL;
    }
    ch_mem_free(t->op->op.mem, s->row, sizeof *s->row * (size_t)s->cap_rows);
    s->row = NULL;
    s->cap_rows = s->n = s->at = 0;
}

typedef struct peer_flags {
    uint8_t **of; /* n_order + 1 */
    int64_t n;
} peer_flags;

static void drop_peers(ch_win_stream *t, peer_flags *p)
{
    for (int32_t k = 0; p->of && k <= t->op->n_order; k++)
        ch_mem_free(t->op->op.mem, p->of[k], (size_t)p->n);
    ch_mem_free(t->op->op.mem, p->of, sizeof *p->of * (size_t)(t->op->n_order + 1));
    p->of = NULL;
}

static ch_status find_peers(ch_win_stream *t, uint8_t *const *row, int64_t n, const int32_t *part,
                            int64_t n_parts, peer_flags *p, ch_error *err)
{
    op_window *op = t->op;
    ch_mem *mem = op->op.mem;
    ch_column **key = ch_mem_zalloc(mem, sizeof *key * (size_t)(op->n_order + 1), err);
    ch_status status = key ? CH_OK : CH_E_MEMORY;
    *p = (peer_flags){.n = n};
    p->of = ch_mem_zalloc(mem, sizeof *p->of * (size_t)(op->n_order + 1), err);
    if (!p->of)
        status = CH_E_MEMORY;
    for (int32_t k = 0; k < op->n_order && status == CH_OK; k++)
        status = ch_rows_gather(&op->layout, op->key[op->n_part + k], row, n, mem, &key[k], err);
    for (int32_t k = 0; k <= op->n_order && status == CH_OK; k++) {
        if (!op->peers_of[k])
            continue;
        p->of[k] = ch_mem_alloc(mem, (size_t)n, err);
        if (!p->of[k])
            status = CH_E_MEMORY;
        else
            ch_win_peers(key, k, NULL, n, part, n_parts, p->of[k]);
    }
    for (int32_t k = 0; key && k < op->n_order; k++)
        ch_column_unref(key[k]);
    ch_mem_free(mem, key, sizeof *key * (size_t)(op->n_order + 1));
    if (status != CH_OK)
        drop_peers(t, p);
    return status;
}

static int64_t rows_of_pages(ch_rowset *set, int32_t from, int32_t until, uint8_t **row)
{
    int64_t n = 0, k;
    for (int32_t p = from; p < until; p++) {
        int32_t pos = 0;
        while ((k = ch_rowpage_next(&set->page[p], &pos, row + n, INT32_MAX)) > 0)
            n += k;
    }
    return n;
}

static ch_status compute_gathered(ch_win_stream *t, int64_t rows, ch_error *err)
{
    win_slot *s = t->slot;
    int64_t all = t->set.n_rows;
    peer_flags peers = {0};
    s->row = ch_mem_alloc(t->op->op.mem, sizeof *s->row * (size_t)all, err);
    if (!s->row)
        return CH_E_MEMORY;
    s->cap_rows = all;
    (void)rows_of_pages(&t->set, 0, t->set.n_pages, s->row);
    int64_t n_parts = t->n_parts - (rows < all);
    t->part[n_parts] = (int32_t)rows;
    CH_TRY(find_peers(t, s->row, rows, t->part, n_parts, &peers, err));
    ch_win_rows r = {.n = rows,
                     .part = t->part,
                     .n_parts = n_parts,
                     .new_peer = peers.of,
                     .to = rows,
                     .total = -1};
    ch_status status = ch_win_compute(t->op, &r, s->row, NULL, NULL, s->result, err);
    drop_peers(t, &peers);
    s->n = rows;
    return status;
}

/* ---- a partition by itself ------------------------------------------------------------------------------------------ */

/* Aggregates, and what can be computed as one: with frames from the partition's start. */
static bool grows(const ch_win_func *f)
{
    return f->kind > CH_WIN_NTILE && f->kind != CH_WIN_OFFSET && f->kind != CH_WIN_NTH &&
           ch_win_from_start(f) && f->call->func->agg &&
           !(f->filter >= 0 && (f->kind == CH_WIN_FIRST || f->kind == CH_WIN_LAST));
}

/* Rows that the frame of a row reaches back and ahead; false: they may be any number. */
static bool reach(const ch_win_func *f, int64_t *back, int64_t *ahead)
{
    *back = *ahead = 1;
    if (f->kind <= CH_WIN_NTILE || grows(f)) {
        if (f->expr->frame == CH_FRAME_ROW && f->expr->upper == CH_BOUND_VALUE) {
            *ahead = f->upper > 0 ? f->upper : 1;
            *back = f->upper < 0 ? 1 - f->upper : 1;
        }
        return true;
    }
    if (f->kind == CH_WIN_OFFSET) {
        *back = f->offset < 0 ? -f->offset : 1;
        *ahead = f->offset > 0 ? f->offset : 1;
        return !f->ignore_nulls;
    }
    if (f->expr->frame != CH_FRAME_ROW || ch_win_from_start(f) || ch_win_to_end(f))
        return false;
    *back = f->lower < 0 ? -f->lower : 1;
    *ahead = f->upper > 0 ? f->upper : 1;
    return true;
}

/* Does the function look at the whole peer group of a row? */
static bool wants_peers(const ch_win_func *f)
{
    return f->kind == CH_WIN_CUME_DIST ||
           (f->kind > CH_WIN_NTILE && f->expr->frame == CH_FRAME_RANGE && !ch_win_to_end(f));
}

static ch_status load_pages(ch_win_stream *t, int32_t from, int32_t until, ch_error *err)
{
    for (int32_t p = 0; p < t->set.n_pages; p++) {
        if (p < from || p >= until)
            ch_rowset_unload(&t->set, p);
        else
            CH_TRY(ch_rowset_load(&t->set, t->op->spill, p, err));
    }
    return CH_OK;
}

static ch_status eval_block(ch_win_stream *t, ch_win_rows *r, ch_error *err)
{
    op_window *op = t->op;
    ch_status status = CH_OK;
    for (int32_t i = 0; i < op->n_funcs && status == CH_OK; i++) {
        const ch_win_func *f = &op->func[i];
        ch_column **out = &t->slot->result[i];
        if (f->kind <= CH_WIN_NTILE)
            status = ch_win_eval_streamed_rank(f, r, &t->carry[i], out, err);
        else if (grows(f))
            status = ch_win_eval_growing(f, r, &t->carry[i], out, err);
        else
            status = ch_win_eval(f, r, out, err);
    }
    return status;
}

static ch_status look_at(ch_win_stream *t, ch_win_rows *r, uint8_t *const *row,
                         ch_status (*then)(ch_win_stream *, ch_win_rows *, ch_error *),
                         ch_error *err)
{
    op_window *op = t->op;
    ch_mem *mem = op->op.mem;
    size_t bytes = sizeof *r->col * (size_t)op->n_store;
    ch_status status = CH_OK;
    r->exec = op->op.exec;
    r->mem = mem;
    r->col = ch_mem_zalloc(mem, bytes, err);
    if (!r->col)
        return CH_E_MEMORY;
    for (int32_t c = 0; c < op->n_store && status == CH_OK; c++)
        if (op->looked_at[c])
            status = ch_rows_gather(&op->layout, c, row, r->n, mem, &r->col[c], err);
    if (status == CH_OK)
        status = then(t, r, err);
    for (int32_t c = 0; c < op->n_store; c++)
        ch_column_unref(r->col[c]);
    ch_mem_free(mem, r->col, bytes);
    return status;
}

static ch_status add_whole(ch_win_stream *t, ch_win_rows *r, ch_error *err)
{
    for (int32_t i = 0; i < t->op->n_funcs; i++)
        if (grows(&t->op->func[i]) && ch_win_to_end(&t->op->func[i]))
            CH_TRY(ch_win_add_rows(&t->op->func[i], r, &t->carry[i], err));
    return CH_OK;
}

/* Aggregates over the whole partition see all of it before the first row is given out. */
static ch_status begin_big(ch_win_stream *t, ch_error *err)
{
    int64_t written = 0, back, ahead;
    bool any = false;
    for (int32_t i = 0; i < t->op->n_funcs; i++) {
        const ch_win_func *f = &t->op->func[i];
        any |= grows(f) && ch_win_to_end(f);
        if (!reach(f, &back, &ahead))
            return ch_error_memory(err, ch_mem_name(t->op->op.mem), t->set.row_bytes,
                                   ch_mem_limit(t->op->op.mem));
    }
    CH_TRY(ch_rowset_spill(&t->set, t->op->spill, &written, err));
    ch_win_count_spill(t->op, written);
    t->page = 0;
    t->before = 0;
    for (int32_t p = 0; p < t->set.n_pages && any; p++) {
        int64_t n = t->set.page[p].n_rows;
        uint8_t **row = ch_mem_alloc(t->op->op.mem, sizeof *row * (size_t)n, err);
        if (!row)
            return CH_E_MEMORY;
        ch_status status = load_pages(t, p, p + 1, err);
        int32_t part[2] = {0, (int32_t)n};
        ch_win_rows r = {.n = n, .part = part, .n_parts = 1, .to = n, .total = t->set.n_rows};
        if (status == CH_OK) {
            (void)rows_of_pages(&t->set, p, p + 1, row);
            status = look_at(t, &r, row, add_whole, err);
        }
        ch_mem_free(t->op->op.mem, row, sizeof *row * (size_t)n);
        CH_TRY(status);
    }
    return CH_OK;
}

/* Is the end of the last row's peers among the rows from `to` on? */
static bool has_end_of_peers(const ch_win_stream *t, const peer_flags *peers, int64_t to)
{
    for (int32_t i = 0; i < t->op->n_funcs; i++) {
        const ch_win_func *f = &t->op->func[i];
        if (!wants_peers(f))
            continue;
        const uint8_t *flag = peers->of[f->n_order];
        int64_t k = to;
        while (k < peers->n && !flag[k])
            k++;
        if (k == peers->n)
            return false;
    }
    return true;
}

static ch_status next_block(ch_win_stream *t, ch_error *err)
{
    win_slot *s = t->slot;
    ch_rowset *set = &t->set;
    int32_t first = t->page, end = first, low = first, high;
    int64_t back = 1, ahead = 1, rows = 0, bytes = 0, have, skipped = 0;
    for (int32_t i = 0; i < t->op->n_funcs; i++) {
        int64_t b, a;
        (void)reach(&t->op->func[i], &b, &a);
        back = b > back ? b : back;
        ahead = a > ahead ? a : ahead;
    }
    /* Rows that growing frames have taken in already are not looked at again. */
    while (end < set->n_pages && (end == first || bytes + set->page[end].used <= t->budget / 8)) {
        bytes += set->page[end].used;
        rows += set->page[end++].n_rows;
    }
    for (have = 0; low > 0 && have < back; have += set->page[low].n_rows)
        low--;
    for (int32_t p = low; p < first; p++)
        skipped += set->page[p].n_rows;
    high = end;
    for (have = 0; high < set->n_pages && have < ahead; high++)
        have += set->page[high].n_rows;
    for (;; high++) {
        int64_t n = 0;
        peer_flags peers = {0};
        CH_TRY(load_pages(t, low, high, err));
        for (int32_t p = low; p < high; p++)
            n += set->page[p].n_rows;
        uint8_t **row = ch_mem_alloc(t->op->op.mem, sizeof *row * (size_t)n, err);
        if (!row)
            return CH_E_MEMORY;
        (void)rows_of_pages(set, low, high, row);
        int32_t part[2] = {0, (int32_t)n};
        ch_status status = find_peers(t, row, n, part, 1, &peers, err);
        bool more =
            status == CH_OK && high < set->n_pages && !has_end_of_peers(t, &peers, skipped + rows);
        if (status == CH_OK && !more) {
            ch_win_rows r = {.n = n,
                             .part = part,
                             .n_parts = 1,
                             .new_peer = peers.of,
                             .from = skipped,
                             .to = skipped + rows,
                             .before = t->before - skipped,
                             .total = set->n_rows};
            status = look_at(t, &r, row, eval_block, err);
        }
        drop_peers(t, &peers);
        if (status != CH_OK || more) {
            ch_mem_free(t->op->op.mem, row, sizeof *row * (size_t)n);
            CH_TRY(status);
            continue;
        }
        /* What is given out is the block alone. */
        memmove(row, row + skipped, sizeof *row * (size_t)rows);
        s->row = row;
        s->cap_rows = n;
        s->n = rows;
        break;
    }
    t->page = end;
    t->before += rows;
    return CH_OK;
}

static void end_big(ch_win_stream *t)
{
    for (int32_t i = 0; i < t->op->n_funcs; i++)
        ch_win_carry_release(&t->carry[i], t->op->op.mem);
    t->big = false;
}

ch_status ch_win_stream_next(ch_win_stream *t, ch_error *err)
{
    int64_t rows;
    drop_output(t);
    if (t->big && t->page < t->set.n_pages)
        return next_block(t, err);
    if (t->big) {
        end_big(t);
        ch_rowset_release(&t->set, t->op->spill);
        t->n_parts = 0;
    } else if (t->n_parts) { /* computed; what was behind them stays */
        if (t->tail) {
            t->part_bytes = 0;
            CH_TRY(keep_last_only(t, err));
        } else {
            ch_rowset_release(&t->set, t->op->spill);
            t->n_parts = 0;
        }
        t->tail = false;
    }
    CH_TRY(gather(t, &rows, err));
    if (t->big) {
        CH_TRY(begin_big(t, err));
        return next_block(t, err);
    }
    t->tail = rows < t->set.n_rows;
    return rows ? compute_gathered(t, rows, err) : CH_OK;
}

void ch_win_stream_close(ch_win_stream *t)
{
    if (!t)
        return;
    ch_mem *mem = t->op->op.mem;
    drop_output(t);
    ch_merge_free(t->merge);
    ch_win_runs_release(&t->runs);
    if (t->carry)
        end_big(t);
    if (t->set.mem)
        ch_rowset_release(&t->set, t->op->spill);
    ch_mem_free(mem, t->carry, sizeof *t->carry * (size_t)(t->op->n_funcs + 1));
    ch_mem_free(mem, t->part, sizeof *t->part * (size_t)t->cap_parts);
    ch_mem_free(mem, t->key, (size_t)t->cap_key);
    ch_mem_free(mem, t->held, (size_t)t->cap_held);
    ch_mem_free(mem, t, sizeof *t);
}
