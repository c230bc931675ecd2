/* SPDX-License-Identifier: Apache-2.0 */
/*
 * op_window.c - Window: functions over partitions of the input, in order.
 *
 *   push    what the functions need is evaluated; rows go to one of many shares, by the hash of their
 *           partition; past the slot's quota its shares go to disk
 *   next    a morsel is one share: its rows are read back, sorted (window_sort.c), and the functions computed
 *           over all its partitions at once (window_eval.c); a share too large for the memory is sorted
 *           on disk and streamed (window_stream.c)
 *
 * One window serves every function whose partition is this one's and whose order begins this one's. A
 * group limit (row_number() <= k and the like) drops rows right behind the sort, and thins the shares
 * that grow while rows still come.
 */
#include "exec/op_window.h"

#include <string.h>

#include "column/take.h"
#include "function/window_rank.h"
#include "kernel/hash.h"
#include "plan/fold.h"
#include "plan/make.h"

#define MOST_SHARES 256
#define MIN_QUOTA ((int64_t)256 << 10)
/* As many are given by partition's key. */
#define FEW_ROWS 16384
/* Rows of a share between two times that a group limit thins it. */
#define THIN_FROM 16384

/* ---- open ------------------------------------------------------------------------------------------------- */

static ch_status window_open(ch_op *self, ch_error *err)
{
    op_window *op = (op_window *)self;
    int slots = self->exec->n_slots;
    int64_t available = ch_mem_available(self->mem);
    op->quota = available / 5 * 2 / slots;
    if (op->quota < MIN_QUOTA)
        op->quota = MIN_QUOTA;
    op->n_shares = op->n_part ? MOST_SHARES : 1;
    while (op->n_shares > 4 && op->quota / op->n_shares < 4 * CH_PAGE_BYTES_MIN)
        op->n_shares /= 2;
    op->shift = 64;
    for (int32_t n = op->n_shares; n > 1; n /= 2)
        op->shift--;
    pthread_mutex_init(&op->lock, NULL);
    op->has_lock = true;
    CH_ARENA_ARRAY(op->slot, self->exec->arena, slots, err);
    int32_t page = ch_rowset_page_bytes(op->quota, op->n_shares);
    for (int s = 0; s < slots; s++) {
        CH_ARENA_ARRAY(op->slot[s].col, self->exec->arena, op->n_store + 1, err);
        CH_ARENA_ARRAY(op->slot[s].key, self->exec->arena, op->n_part + op->n_order + 1, err);
        CH_ARENA_ARRAY(op->slot[s].set, self->exec->arena, op->n_shares, err);
        CH_ARENA_ARRAY(op->slot[s].thin_at, self->exec->arena, op->n_shares, err);
        CH_ARENA_ARRAY(op->slot[s].result, self->exec->arena, op->n_funcs + 1, err);
        for (int32_t p = 0; p < op->n_shares; p++) {
            ch_rowset_init(&op->slot[s].set[p], self->mem, page);
            op->slot[s].thin_at[p] = THIN_FROM;
        }
    }
    return CH_OK;
}

/* ---- push --------------------------------------------------------------------------------------------------- */

static ch_status need_scratch(op_window *op, win_slot *s, int64_t n, ch_error *err)
{
    if (n <= s->cap)
        return CH_OK;
    ch_mem_free(op->op.mem, s->scratch, (size_t)s->cap * 32);
    s->cap = 0;
    s->scratch = ch_mem_alloc(op->op.mem, (size_t)n * 32, err);
    if (!s->scratch)
        return CH_E_MEMORY;
    s->cap = n;
    return CH_OK;
}

/* Where a row stood in the input, for ties: pipeline (8 bits) | morsel (24) | row (32). */
static ch_status tie_column(op_window *op, win_slot *s, const ch_batch *batch, ch_column **out,
                            ch_error *err)
{
    CH_TRY(ch_column_new(op->op.mem, CH_T_LONG, batch->n, out, err));
    if (batch->seq != s->seq) {
        s->seq = batch->seq;
        s->seq_row = 0;
    }
    int64_t *to = (*out)->data;
    uint64_t head = (batch->seq >> 48) << 56 | (batch->seq >> 16 & 0xFFFFFF) << 32;
    for (int64_t i = 0; i < batch->n; i++)
        to[i] = (int64_t)(head | (s->seq_row++ & 0xFFFFFFFF));
    return CH_OK;
}

ch_status ch_win_need_spill(op_window *op, ch_error *err)
{
    pthread_mutex_lock(&op->lock);
    ch_status status =
        op->spill ? CH_OK : ch_spill_open(op->op.exec->spill_dir, op->op.mem, &op->spill, err);
    pthread_mutex_unlock(&op->lock);
    return status;
}

void ch_win_count_spill(op_window *op, int64_t bytes)
{
    atomic_fetch_add(&op->op.spilled_bytes, bytes);
    atomic_fetch_add(&op->op.exec->spill_bytes, bytes);
}

static ch_status spill_slot(op_window *op, win_slot *s, ch_error *err)
{
    int64_t written = 0;
    CH_TRY(ch_win_need_spill(op, err));
    for (int32_t p = 0; p < op->n_shares; p++)
        CH_TRY(ch_rowset_spill(&s->set[p], op->spill, &written, err));
    ch_win_count_spill(op, written);
    return CH_OK;
}

static ch_status store(op_window *op, win_slot *s, const uint64_t *hash, int64_t n, int64_t *more,
                       ch_error *err)
{
    int64_t *bytes = (int64_t *)(void *)(s->scratch + 8 * s->cap);
    uint8_t **row = (uint8_t **)(void *)(s->scratch + 16 * s->cap);
    int32_t *idx = (int32_t *)(void *)(s->scratch + 24 * s->cap);
    for (int64_t i = 0; i < n; i++)
        idx[i] = (int32_t)i;
    CH_TRY(ch_rows_sizes(&op->layout, s->col, idx, n, bytes, err));
    int64_t before = 0, after = 0;
    for (int64_t i = 0; i < n; i++) {
        ch_rowset *set = &s->set[op->shift < 64 ? hash[i] >> op->shift : 0];
        before -= set->bytes;
        CH_TRY(ch_rowset_add(set, bytes[i], &row[i], err));
        after += set->bytes;
    }
    *more = after + before;
    ch_rows_scatter(&op->layout, s->col, NULL, idx, n, bytes, row);
    return CH_OK;
}

static ch_status window_push(ch_op *self, int slot, ch_batch *batch, ch_error *err)
{
    op_window *op = (op_window *)self;
    win_slot *s = &op->slot[slot];
    int64_t n = batch->n, more = 0;
    ch_status status;
    int32_t made = 0;
    CH_TRY(need_scratch(op, s, n, err));
    for (; made < op->store.n; made++) {
        s->col[made] = NULL;
        CH_TRY_OUT(ch_evaluate(op->ev, slot, made, batch, self->mem, &s->col[made], err));
    }
    if (op->tie >= 0) {
        s->col[made] = NULL;
        CH_TRY_OUT(tie_column(op, s, batch, &s->col[made], err));
        made++;
    }
    uint64_t *hash = (uint64_t *)(void *)s->scratch;
    if (op->n_shares > 1) {
        for (int32_t k = 0; k < op->n_part; k++)
            s->key[k] = s->col[op->key[k]];
        CH_TRY_OUT(ch_hash(s->key, op->n_part, n, hash, self->mem, err));
    }
    CH_TRY_OUT(store(op, s, hash, n, &more, err));
    s->bytes += more;
    if (op->rel->limit >= 0)
        CH_TRY_OUT(ch_win_thin(op, s, err));
    if (s->bytes > op->quota) {
        CH_TRY_OUT(spill_slot(op, s, err));
        s->bytes = 0;
    }
    status = CH_OK;
out:
    for (int32_t i = 0; i < made; i++)
        ch_column_unref(s->col[i]);
    return status;
}

/*
 * Few rows come in the order that Spark's sort gives them, partitions by key: as one share. Spark, too, reads a
 * small shuffle as one.
 */
static ch_status window_finish(ch_op *self, ch_error *err)
{
    op_window *op = (op_window *)self;
    int64_t n = 0;
    if (op->n_part == 0 || op->spill)
        return CH_OK;
    for (int s = 0; s < self->exec->n_slots; s++)
        for (int32_t p = 0; p < op->n_shares; p++)
            n += op->slot[s].set[p].n_rows;
    if (n > FEW_ROWS)
        return CH_OK;
    for (int s = 0; s < self->exec->n_slots; s++)
        for (int32_t p = 1; p < op->n_shares; p++)
            CH_TRY(ch_rowset_move(&op->slot[s].set[0], &op->slot[s].set[p], err));
    op->few = true;
    return CH_OK;
}

/* ---- output ------------------------------------------------------------------------------------------------------ */

static int64_t window_morsels(const ch_op *self)
{
    const op_window *op = (const op_window *)self;
    return op->few ? 1 : op->n_shares;
}

static ch_status window_begin(ch_op *self, int slot, bool *more, ch_error *err)
{
    op_window *op = (op_window *)self;
    win_slot *s = &op->slot[slot];
    ch_win_stream_close(s->stream);
    s->stream = NULL;
    ch_win_drop_share(op, s);
    s->share = atomic_fetch_add(&op->next_share, 1);
    *more = s->share < window_morsels(self);
    s->begun = false;
    CH_UNUSED(err);
    return CH_OK;
}

/* Rows [s->at, s->at + n) of the share in memory. */
static ch_status emit_rows(op_window *op, win_slot *s, int64_t n, ch_batch *out, ch_error *err)
{
    ch_mem *mem = op->op.mem;
    CH_TRY(ch_batch_init(out, mem, op->op.output.n, n, err));
    ch_status status = CH_OK;
    int32_t *idx = n ? ch_mem_alloc(mem, sizeof *idx * (size_t)n, err) : NULL;
    if (n && !idx)
        status = CH_E_MEMORY;
    for (int64_t i = 0; idx && i < n; i++)
        idx[i] = (int32_t)(s->at + i);
    for (int32_t c = 0; c < op->n_in && n && status == CH_OK; c++)
        status = ch_rows_gather(&op->layout, c, s->row + s->at, n, mem, &out->col[c], err);
    for (int32_t f = 0; f < op->n_funcs && n && status == CH_OK; f++)
        status = ch_take(s->result[f], idx, n, false, mem, &out->col[op->n_in + f], err);
    ch_mem_free(mem, idx, sizeof *idx * (size_t)n);
    s->at += n;
    if (status != CH_OK)
        ch_batch_release(out);
    return status;
}

static ch_status window_next(ch_op *self, int slot, ch_batch *out, ch_error *err)
{
    op_window *op = (op_window *)self;
    win_slot *s = &op->slot[slot];
    if (!s->begun) {
        s->begun = true;
        if (ch_win_fits(op, s->share))
            CH_TRY(ch_win_load_share(op, s, err));
        else
            CH_TRY(ch_win_stream_open(op, s, &s->stream, err));
    }
    if (s->stream && s->at == s->n)
        CH_TRY(ch_win_stream_next(s->stream, err));
    int64_t left = s->n - s->at, most = op->op.exec->batch_rows;
    CH_TRY(emit_rows(op, s, left < most ? left : most, out, err));
    out->seq = (uint64_t)s->share << 32;
    return CH_OK;
}

static void window_close(ch_op *self)
{
    op_window *op = (op_window *)self;
    ch_evaluator_close(op->ev);
    for (int i = 0; op->slot && i < self->exec->n_slots; i++) {
        win_slot *s = &op->slot[i];
        ch_win_stream_close(s->stream);
        s->stream = NULL;
        ch_win_drop_share(op, s);
        ch_mem_free(self->mem, s->scratch, (size_t)s->cap * 32);
        s->cap = 0;
        for (int32_t p = 0; s->set && p < op->n_shares; p++)
            if (s->set[p].mem)
                ch_rowset_release(&s->set[p], NULL);
    }
    ch_spill_close(op->spill);
    op->spill = NULL;
    if (op->has_lock)
        pthread_mutex_destroy(&op->lock);
    op->slot = NULL;
}

static ch_status print_list(const ch_expr_list *list, ch_buf *out, ch_error *err)
{
    CH_TRY(ch_buf_addc(out, '[', err));
    for (int32_t i = 0; i < list->n; i++) {
        CH_TRY(ch_buf_adds(out, i ? ", " : "", err));
        CH_TRY(ch_expr_print(list->item[i], out, err));
    }
    return ch_buf_addc(out, ']', err);
}

static ch_status window_explain(const ch_op *self, ch_buf *out, ch_error *err)
{
    const ch_rel_window *w = ((const op_window *)self)->rel;
    CH_TRY(print_list(&w->functions, out, err));
    CH_TRY(ch_buf_adds(out, ", ", err));
    CH_TRY(print_list(&w->partition, out, err));
    CH_TRY(ch_buf_adds(out, ", ", err));
    CH_TRY(print_list(&w->order, out, err));
    static const char *const RANK[] = {"row_number()", "rank()", "dense_rank()"};
    return w->limit < 0 ? CH_OK
                        : ch_buf_printf(out, err, ", group limit %s <= %lld", RANK[w->limit_by],
                                        (long long)w->limit);
}

static const ch_op_class WINDOW = {.name = "Window",
                                   .open = window_open,
                                   .push = window_push,
                                   .finish = window_finish,
                                   .begin = window_begin,
                                   .next = window_next,
                                   .n_morsels = window_morsels,
                                   .close = window_close,
                                   .explain = window_explain};

/* ---- compile ---------------------------------------------------------------------------------------------------------- */

/* Where expression e is kept in a stored row; a new place if there is none yet. */
static ch_status place_of(op_window *op, ch_expr *e, int32_t *out, ch_error *err)
{
    if (e->kind == CH_EXPR_ATTRIBUTE) {
        int32_t at =
            ch_attr_position(&op->rel->input->output, ((const ch_expr_attribute *)e)->attr->id);
        if (at >= 0) {
            *out = at;
            return CH_OK;
        }
    }
    for (int32_t i = op->n_in; i < op->store.n; i++)
        if (ch_expr_equal(op->store.item[i], e) && ch_expr_is_deterministic(e)) {
            *out = i;
            return CH_OK;
        }
    *out = op->store.n;
    return ch_expr_list_add(op->op.exec->arena, &op->store, e, err);
}

static ch_status bound_rows(op_window *op, ch_bound_kind kind, const ch_expr *value,
                            int64_t unbounded, int64_t *out, ch_error *err)
{
    ch_scalar v;
    bool done;
    *out = kind == CH_BOUND_UNBOUNDED ? unbounded : 0;
    if (kind != CH_BOUND_VALUE)
        return CH_OK;
    CH_TRY(ch_expr_fold(op->op.exec->func, op->op.exec->arena, value, &v, &done, err));
    if (!done || v.is_null)
        CH_FAIL(err, INVALID_WINDOW_FRAME_BOUND);
    *out = v.v.i64;
    return CH_OK;
}

static bool keeps_constant(const ch_win_func *f, int32_t arg)
{
    const ch_expr *e = f->call->args.item[arg];
    if (e->kind != CH_EXPR_LITERAL)
        return false;
    switch (f->kind) {
    case CH_WIN_OFFSET:
    case CH_WIN_FIRST:
    case CH_WIN_LAST:
    case CH_WIN_NTH:
    case CH_WIN_NTILE:
        return true;
    case CH_WIN_COUNT:
        return !((const ch_expr_literal *)e)->value.is_null;
    default:
        return arg > 0;
    }
}

static ch_status make_func(op_window *op, const ch_expr_alias *alias, ch_win_func *f, ch_error *err)
{
    const ch_expr_window *w = (const void *)alias->child;
    const ch_expr_call *call = (const void *)w->function;
    int32_t *arg;
    *f = (ch_win_func){.expr = w, .call = call, .kind = ch_win_kind_of(w), .filter = -1};
    f->n_order = w->order.n;
    f->ignore_nulls = call->ignore_nulls;
    CH_ARENA_ARRAY(arg, op->op.exec->arena, call->args.n + 1, err);
    f->arg = arg;
    for (int32_t i = 0; i < call->args.n && f->kind > CH_WIN_NTILE; i++) {
        arg[i] = -1;
        if (!keeps_constant(f, i))
            CH_TRY(place_of(op, call->args.item[i], &arg[i], err));
    }
    if (call->filter)
        CH_TRY(place_of(op, call->filter, &f->filter, err));
    if (call->data &&
        (f->kind == CH_WIN_OFFSET || f->kind == CH_WIN_NTH || f->kind == CH_WIN_NTILE))
        f->offset = ((const ch_window_offset *)call->data)->n;
    if (f->kind == CH_WIN_OFFSET && call->func->name[1] == 'a')
        f->offset = -f->offset;
    if ((f->kind == CH_WIN_FIRST || f->kind == CH_WIN_LAST) && call->args.n == 2) {
        const ch_expr_literal *l = (const void *)call->args.item[1];
        f->ignore_nulls = l->head.kind == CH_EXPR_LITERAL && l->value.v.boolean;
    }
    f->order_col = f->lower_col = f->upper_col = -1;
    if (w->lower_at || w->upper_at)
        CH_TRY(place_of(op, ((const ch_expr_sort_order *)w->order.item[0])->child, &f->order_col,
                        err));
    if (w->lower_at)
        CH_TRY(place_of(op, w->lower_at, &f->lower_col, err));
    if (w->upper_at)
        CH_TRY(place_of(op, w->upper_at, &f->upper_col, err));
    if (w->frame != CH_FRAME_ROW)
        return CH_OK;
    CH_TRY(bound_rows(op, w->lower, w->lower_value, INT64_MIN, &f->lower, err));
    return bound_rows(op, w->upper, w->upper_value, INT64_MAX, &f->upper, err);
}

static ch_status make_keys(op_window *op, ch_error *err)
{
    const ch_rel_window *w = op->rel;
    op->n_part = w->partition.n;
    op->n_order = w->order.n;
    CH_ARENA_ARRAY(op->key, op->op.exec->arena, op->n_part + op->n_order + 1, err);
    CH_ARENA_ARRAY(op->order, op->op.exec->arena, op->n_order + 1, err);
    for (int32_t i = 0; i < op->n_part; i++)
        CH_TRY(place_of(op, w->partition.item[i], &op->key[i], err));
    for (int32_t i = 0; i < op->n_order; i++) {
        const ch_expr_sort_order *o = (const void *)w->order.item[i];
        CH_TRY(place_of(op, o->child, &op->key[op->n_part + i], err));
        op->order[i] = (ch_sortkey_order){o->descending, o->nulls_first};
    }
    return CH_OK;
}

/* Which columns the functions look at, and which peers. */
static ch_status mark_needed(op_window *op, ch_error *err)
{
    CH_ARENA_ARRAY(op->looked_at, op->op.exec->arena, op->n_store + 1, err);
    CH_ARENA_ARRAY(op->peers_of, op->op.exec->arena, op->n_order + 1, err);
    for (int32_t i = 0; i < op->n_funcs; i++) {
        const ch_win_func *f = &op->func[i];
        int32_t extra[4] = {f->filter, f->order_col, f->lower_col, f->upper_col};
        for (int32_t a = 0; a < f->call->args.n && f->kind > CH_WIN_NTILE; a++)
            if (f->arg[a] >= 0)
                op->looked_at[f->arg[a]] = true;
        for (int k = 0; k < 4; k++)
            if (extra[k] >= 0)
                op->looked_at[extra[k]] = true;
        op->peers_of[f->n_order] = true;
    }
    if (op->rel->limit >= 0)
        op->peers_of[op->n_order] = true;
    return CH_OK;
}

static ch_status make_window(ch_compiler *c, const ch_rel *rel, ch_op *next, ch_error *err)
{
    op_window *op = ch_op_new(c->exec, &WINDOW, sizeof *op, rel, NULL, err);
    if (!op)
        return CH_E_MEMORY;
    op->rel = (const ch_rel_window *)rel;
    const ch_attr_list *input = &op->rel->input->output;
    op->n_in = input->n;
    op->n_funcs = op->rel->functions.n;
    CH_TRY(ch_make_refs(c->exec->arena, input, &op->store, err));
    CH_TRY(make_keys(op, err));
    CH_ARENA_ARRAY(op->func, c->exec->arena, op->n_funcs + 1, err);
    for (int32_t i = 0; i < op->n_funcs; i++)
        CH_TRY(make_func(op, (const void *)op->rel->functions.item[i], &op->func[i], err));
    op->tie = c->exec->n_slots > 1 ? op->store.n : -1;
    op->n_store = op->store.n + (op->tie >= 0);
    CH_TRY(mark_needed(op, err));
    CH_TRY(ch_evaluator_new(c->exec, &op->store, input, &op->ev, err));
    const ch_type **types;
    CH_ARENA_ARRAY(types, c->exec->arena, op->n_store + 1, err);
    for (int32_t i = 0; i < op->store.n; i++)
        types[i] = op->store.item[i]->type;
    if (op->tie >= 0)
        types[op->tie] = CH_T_LONG;
    CH_TRY(ch_rowlayout_init(&op->layout, c->exec->arena, types, op->n_store, 0, false, 0, err));
    CH_TRY(ch_compile_into(c, op->rel->input, &op->op, err));
    return ch_compile_source(c, &op->op, next, err);
}

const ch_op_maker ch_op_maker_window = {CH_REL_WINDOW, make_window};
