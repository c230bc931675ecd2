/* SPDX-License-Identifier: Apache-2.0 */
/* window_share.c - one share of the rows in memory: read back, sorted, limited, computed. */
#include <stdlib.h>
#include <string.h>

#include "column/take.h"
#include "exec/key_sort.h"
#include "exec/op_window.h"

/* What sorting and computing take for each row besides the row itself, about. */
#define EXTRA_PER_ROW 160

static int64_t share_rows(const op_window *op, int64_t share, int64_t *bytes)
{
    int64_t n = 0;
    *bytes = 0;
    for (int s = 0; s < op->op.exec->n_slots; s++) {
        n += op->slot[s].set[share].n_rows;
        *bytes += op->slot[s].set[share].row_bytes;
    }
    return n;
}

bool ch_win_fits(const op_window *op, int64_t share)
{
    int64_t bytes, n = share_rows(op, share, &bytes), in_memory = 0;
    for (int s = 0; s < op->op.exec->n_slots; s++)
        in_memory += op->slot[s].set[share].bytes;
    int64_t need = n * (EXTRA_PER_ROW + 24 * op->n_funcs) + bytes - in_memory;
    return n < INT32_MAX / 2 && need <= ch_mem_available(op->op.mem) / op->op.exec->n_slots / 4 * 3;
}

/* ---- rows in the order of the input ---------------------------------------------------------------------- */

static int64_t place_in_input(const op_window *op, const uint8_t *row)
{
    int64_t v;
    memcpy(&v, row + op->layout.col[op->tie].offset, 8);
    return v;
}

/* Lists of each slot's rows, one behind the other, become one list in order. */
static ch_status merge_lists(op_window *op, uint8_t **row, const int64_t *end, int64_t n,
                             ch_error *err)
{
    int lists = op->op.exec->n_slots, used = 0;
    if (n == 0)
        return CH_OK;
    int64_t *at = ch_mem_alloc(op->op.mem, sizeof *at * (size_t)lists, err);
    uint8_t **out = at ? ch_mem_alloc(op->op.mem, sizeof *out * (size_t)n, err) : NULL;
    for (int s = 0; s < lists && at; s++) {
        at[s] = s ? end[s - 1] : 0;
        used += at[s] < end[s];
    }
    if (out && used > 1) {
        for (int64_t i = 0; i < n; i++) {
            int best = -1;
            int64_t least = 0;
            for (int s = 0; s < lists; s++) {
                if (at[s] == end[s])
                    continue;
                int64_t place = place_in_input(op, row[at[s]]);
                if (best < 0 || place < least) {
                    best = s;
                    least = place;
                }
            }
            out[i] = row[at[best]++];
        }
        memcpy(row, out, sizeof *row * (size_t)n);
    }
    bool ok = out != NULL;
    ch_mem_free(op->op.mem, out, sizeof *out * (size_t)n);
    ch_mem_free(op->op.mem, at, sizeof *at * (size_t)lists);
    return ok ? CH_OK : CH_E_MEMORY;
}

typedef struct placed {
    int64_t place;
    uint8_t *row;
} placed;

static int by_place(const void *x, const void *y)
{
    const placed *a = x, *b = y;
    return a->place < b->place ? -1 : a->place > b->place;
}

/* The same for few rows, in lists that have no order. */
static ch_status sort_list(op_window *op, uint8_t **row, int64_t n, ch_error *err)
{
    if (n < 2)
        return CH_OK;
    placed *item = ch_mem_alloc(op->op.mem, sizeof *item * (size_t)n, err);
    if (!item)
        return CH_E_MEMORY;
    for (int64_t i = 0; i < n; i++)
        item[i] = (placed){place_in_input(op, row[i]), row[i]};
    qsort(item, (size_t)n, sizeof *item, by_place);
    for (int64_t i = 0; i < n; i++)
        row[i] = item[i].row;
    ch_mem_free(op->op.mem, item, sizeof *item * (size_t)n);
    return CH_OK;
}

static int64_t list_rows(ch_rowset *set, uint8_t **row)
{
    int64_t n = 0;
    for (int32_t i = 0; i < set->n_pages; i++) {
        int32_t pos = 0;
        int64_t k;
        while ((k = ch_rowpage_next(&set->page[i], &pos, row + n, INT32_MAX)) > 0)
            n += k;
    }
    return n;
}

static ch_status load_rows(op_window *op, win_slot *s, ch_error *err)
{
    int slots = op->op.exec->n_slots;
    int64_t bytes, n = share_rows(op, s->share, &bytes), at = 0;
    size_t row_bytes = sizeof *s->row * (size_t)n;
    int64_t *end = ch_mem_alloc(op->op.mem, sizeof *end * (size_t)slots, err);
    ch_status status = CH_OK;
    s->row = end && n ? ch_mem_alloc(op->op.mem, row_bytes, err) : NULL;
    s->cap_rows = s->row ? n : 0;
    if (!end || (n && !s->row))
        status = CH_E_MEMORY;
    for (int i = 0; i < slots && status == CH_OK; i++) {
        ch_rowset *set = &op->slot[i].set[s->share];
        for (int32_t p = 0; p < set->n_spilled && status == CH_OK; p++)
            status = ch_rowset_load(set, op->spill, p, err);
        if (status == CH_OK)
            at += list_rows(set, s->row + at);
        end[i] = at;
    }
    s->n = status == CH_OK ? at : 0;
    if (status == CH_OK && op->tie >= 0)
        status = op->few ? sort_list(op, s->row, at, err) : merge_lists(op, s->row, end, at, err);
    ch_mem_free(op->op.mem, end, sizeof *end * (size_t)slots);
    return status;
}

/* ---- functions ---------------------------------------------------------------------------------------------- */

static ch_status column_of(op_window *op, int32_t c, int64_t n, uint8_t *const *row,
                           ch_column *const *key, const int32_t *perm, ch_column **out,
                           ch_error *err)
{
    for (int32_t k = 0; key && k < op->n_part + op->n_order; k++)
        if (op->key[k] == c && !ch_type_is_nested(key[k]->type)) {
            ch_column *taken; /* the columns at hand are denser than the rows */
            CH_TRY(ch_take(key[k], perm, n, false, op->op.mem, &taken, err));
            ch_status status = ch_flatten(taken, op->op.mem, out, err);
            ch_column_unref(taken);
            return status;
        }
    return ch_rows_gather(&op->layout, c, row, n, op->op.mem, out, err);
}

ch_status ch_win_compute(op_window *op, ch_win_rows *r, uint8_t *const *row, ch_column *const *key,
                         const int32_t *perm, ch_column **out, ch_error *err)
{
    size_t bytes = sizeof *r->col * (size_t)op->n_store;
    ch_status status = CH_OK;
    r->exec = op->op.exec;
    r->mem = op->op.mem;
    r->col = ch_mem_zalloc(op->op.mem, bytes, err);
    if (!r->col)
        return CH_E_MEMORY;
    for (int32_t c = 0; c < op->n_store && status == CH_OK; c++)
        if (op->looked_at[c])
            status = column_of(op, c, r->n, row, key, perm, &r->col[c], err);
    for (int32_t f = 0; f < op->n_funcs && status == CH_OK; f++)
        status = ch_win_eval(&op->func[f], r, &out[f], err);
    for (int32_t c = 0; c < op->n_store; c++)
        ch_column_unref(r->col[c]);
    ch_mem_free(op->op.mem, r->col, bytes);
    r->col = NULL;
    return status;
}

/* ---- sorting -------------------------------------------------------------------------------------------------- */

typedef struct sorted {
    ch_column **key;
    int32_t *perm, *part;
    int64_t n, n_parts; /* n: rows that were sorted */
    uint8_t **peers;    /* n_order + 1, NULL where nobody asks */
} sorted;

static void release_sorted(op_window *op, sorted *s)
{
    ch_mem *mem = op->op.mem;
    int32_t keys = op->n_part + op->n_order;
    for (int32_t k = 0; s->key && k < keys; k++)
        ch_column_unref(s->key[k]);
    for (int32_t k = 0; s->peers && k <= op->n_order; k++)
        ch_mem_free(mem, s->peers[k], (size_t)s->n);
    ch_mem_free(mem, s->key, sizeof *s->key * (size_t)(keys + 1));
    ch_mem_free(mem, s->peers, sizeof *s->peers * (size_t)(op->n_order + 1));
    ch_mem_free(mem, s->perm, sizeof *s->perm * (size_t)s->n);
    ch_mem_free(mem, s->part, sizeof *s->part * (size_t)(s->n + 1));
    *s = (sorted){0};
}

static ch_status sort_rows(op_window *op, uint8_t *const *row, int64_t n, sorted *s, ch_error *err)
{
    ch_mem *mem = op->op.mem;
    int32_t keys = op->n_part + op->n_order;
    *s = (sorted){.n = n};
    s->key = ch_mem_zalloc(mem, sizeof *s->key * (size_t)(keys + 1), err);
    s->peers =
        s->key ? ch_mem_zalloc(mem, sizeof *s->peers * (size_t)(op->n_order + 1), err) : NULL;
    s->perm = s->peers ? ch_mem_alloc(mem, sizeof *s->perm * (size_t)n, err) : NULL;
    s->part = s->perm ? ch_mem_alloc(mem, sizeof *s->part * (size_t)(n + 1), err) : NULL;
    if (!s->part)
        return CH_E_MEMORY;
    for (int32_t k = 0; k <= op->n_order; k++)
        if (op->peers_of[k]) {
            s->peers[k] = ch_mem_alloc(mem, (size_t)n, err);
            if (!s->peers[k])
                return CH_E_MEMORY;
        }
    for (int32_t k = 0; k < keys; k++)
        CH_TRY(ch_rows_gather(&op->layout, op->key[k], row, n, mem, &s->key[k], err));
    return ch_win_sort(s->key, op->n_part, op->n_order, op->order, n, mem, s->perm, s->part,
                       &s->n_parts, s->peers, err);
}

/* Permutes `size` bytes for each row, part by part in the order of parts. */
static void move_parts(const sorted *s, const int32_t *order, void *rows, size_t size,
                       void *scratch)
{
    uint8_t *to = scratch;
    for (int64_t i = 0; i < s->n_parts; i++) {
        size_t at = (size_t)s->part[order[i]], n = (size_t)s->part[order[i] + 1] - at;
        memcpy(to, (uint8_t *)rows + at * size, n * size);
        to += n * size;
    }
    memcpy(rows, scratch, (size_t)s->n * size);
}

/* The partitions by their keys, the smallest first. */
static ch_status sort_parts(op_window *op, sorted *s, ch_error *err)
{
    ch_mem *mem = op->op.mem;
    int64_t n = s->n_parts;
    size_t scratch_bytes = sizeof(int32_t) * (size_t)(s->n + 1),
           bytes = sizeof(int32_t) * (size_t)n,
           key_bytes = sizeof(ch_column *) * (size_t)op->n_part;
    int32_t *first = ch_mem_alloc(mem, bytes, err), *order = NULL, *scratch = NULL;
    ch_column **key = ch_mem_zalloc(mem, key_bytes, err);
    ch_status status = CH_E_MEMORY;
    if (!first || !key || !(order = ch_mem_alloc(mem, bytes, err)) ||
        !(scratch = ch_mem_alloc(mem, scratch_bytes, err)))
        goto out;
    for (int64_t i = 0; i < n; i++)
        first[i] = s->perm[s->part[i]];
    for (int32_t k = 0; k < op->n_part; k++)
        CH_TRY_OUT(ch_take(s->key[k], first, n, false, mem, &key[k], err));
    CH_TRY_OUT(ch_key_sort(key, op->n_part, NULL, n, mem, order, err));
    move_parts(s, order, s->perm, sizeof *s->perm, scratch);
    for (int32_t k = 0; k <= op->n_order; k++)
        if (s->peers[k])
            move_parts(s, order, s->peers[k], 1, scratch);
    int32_t at = 0;
    for (int64_t i = 0; i < n; i++) {
        scratch[i] = at;
        at += s->part[order[i] + 1] - s->part[order[i]];
    }
    memcpy(s->part, scratch, bytes);
out:
    for (int32_t k = 0; key && k < op->n_part; k++)
        ch_column_unref(key[k]);
    ch_mem_free(mem, key, key_bytes);
    ch_mem_free(mem, scratch, scratch_bytes);
    ch_mem_free(mem, order, bytes);
    ch_mem_free(mem, first, bytes);
    return status;
}

/* Drops rows of the sorted ones that rank above the limit; *n is how many stay. */
static void limit_rows(op_window *op, sorted *s, int64_t *n)
{
    int64_t kept = 0;
    const uint8_t *new_peer = s->peers[op->n_order];
    for (int64_t p = 0; p < s->n_parts; p++) {
        int64_t rank = 0, ps = s->part[p], pe = s->part[p + 1];
        s->part[p] = (int32_t)kept;
        for (int64_t i = ps; i < pe; i++) {
            bool first = new_peer[i];
            switch (op->rel->limit_by) {
            case CH_RANK_ROW_NUMBER:
                rank++;
                break;
            case CH_RANK_RANK:
                rank = first ? i - ps + 1 : rank;
                break;
            default:
                rank += first;
                break;
            }
            if (rank > op->rel->limit)
                break;
            s->perm[kept] = s->perm[i];
            for (int32_t k = 0; k <= op->n_order; k++)
                if (s->peers[k])
                    s->peers[k][kept] = s->peers[k][i];
            kept++;
        }
    }
    s->part[s->n_parts] = (int32_t)kept;
    *n = kept;
}

ch_status ch_win_load_share(op_window *op, win_slot *s, ch_error *err)
{
    sorted sort = {0};
    ch_status status;
    s->at = 0;
    CH_TRY(load_rows(op, s, err));
    if (s->n == 0)
        return CH_OK;
    CH_TRY_OUT(sort_rows(op, s->row, s->n, &sort, err));
    if (op->few)
        CH_TRY_OUT(sort_parts(op, &sort, err));
    int64_t n = s->n;
    if (op->rel->limit >= 0)
        limit_rows(op, &sort, &n);
    uint8_t **in_order = ch_mem_alloc(op->op.mem, sizeof *in_order * (size_t)s->cap_rows, err);
    if (!in_order) {
        status = CH_E_MEMORY;
        goto out;
    }
    for (int64_t i = 0; i < n; i++)
        in_order[i] = s->row[sort.perm[i]];
    ch_mem_free(op->op.mem, s->row, sizeof *s->row * (size_t)s->cap_rows);
    s->row = in_order;
    s->n = n;
    ch_win_rows r = {.n = n,
                     .part = sort.part,
                     .n_parts = sort.n_parts,
                     .new_peer = sort.peers,
                     .to = n,
                     .total = -1};
    status = ch_win_compute(op, &r, s->row, sort.key, sort.perm, s->result, err);
out:
    release_sorted(op, &sort);
    return status;
}

void ch_win_drop_share(op_window *op, win_slot *s)
{
    for (int32_t f = 0; s->result && f < op->n_funcs; f++) {
        ch_column_unref(s->result[f]);
        s->result[f] = NULL;
    }
    ch_mem_free(op->op.mem, s->row, sizeof *s->row * (size_t)s->cap_rows);
    s->row = NULL;
    s->cap_rows = s->n = s->at = 0;
    /* The share's rows are not needed any more. */
    if (s->begun && s->share < op->n_shares)
        for (int i = 0; i < op->op.exec->n_slots; i++)
            if (op->slot[i].set)
                ch_rowset_release(&op->slot[i].set[s->share], op->spill);
    s->begun = false;
}

/* ---- group limit while rows come ----------------------------------------------------------------------------------- */

/* The set with the rows that may still be wanted, in the order of the input. */
static ch_status thin_set(op_window *op, ch_rowset *set, ch_error *err)
{
    int64_t n = set->n_rows, kept = 0;
    const int64_t cap = n;
    sorted sort = {0};
    ch_rowset fresh;
    uint8_t **row = ch_mem_alloc(op->op.mem, sizeof *row * (size_t)n, err);
    uint8_t *stays = row ? ch_mem_zalloc(op->op.mem, (size_t)n, err) : NULL;
    ch_status status = CH_E_MEMORY;
    ch_rowset_init(&fresh, set->mem, set->page_bytes);
    if (!stays)
        goto out;
    n = list_rows(set, row);
    CH_TRY_OUT(sort_rows(op, row, n, &sort, err));
    limit_rows(op, &sort, &kept);
    for (int64_t i = 0; i < kept; i++)
        stays[sort.perm[i]] = 1;
    for (int64_t i = 0; i < n; i++) {
        uint8_t *copy;
        if (!stays[i])
            continue;
        int64_t bytes = ch_row_bytes(row[i]);
        CH_TRY_OUT(ch_rowset_add(&fresh, bytes, &copy, err));
        memcpy(copy, row[i], (size_t)bytes);
    }
    ch_rowset_release(set, NULL);
    *set = fresh;
    ch_rowset_init(&fresh, set->mem, set->page_bytes);
    status = CH_OK;
out:
    ch_rowset_release(&fresh, NULL);
    release_sorted(op, &sort);
    ch_mem_free(op->op.mem, stays, (size_t)cap);
    ch_mem_free(op->op.mem, row, sizeof *row * (size_t)cap);
    return status;
}

ch_status ch_win_thin(op_window *op, win_slot *s, ch_error *err)
{
    for (int32_t p = 0; p < op->n_shares; p++) {
        ch_rowset *set = &s->set[p];
        if (set->n_rows < s->thin_at[p] || set->n_spilled > 0)
            continue;
        s->bytes -= set->bytes;
        CH_TRY(thin_set(op, set, err));
        s->bytes += set->bytes;
        s->thin_at[p] = 2 * set->n_rows > s->thin_at[p] ? 2 * set->n_rows : s->thin_at[p];
    }
    return CH_OK;
}
