/* SPDX-License-Identifier: Apache-2.0 */
/*
 * op_reuse.c - Reuse: rows that are computed once and read by several pipelines.
 *
 * The first Reuse of a number that is compiled makes a Keep, which takes the rows of its input, in
 * pages that may go to disk; every one makes a reader of it. Pipelines run in the order in which they were
 * compiled, one after another, so the rows are complete when the first reader begins, and a page is read
 * by one worker at a time.
 */
#include "exec/pipeline.h"
#include "exec/rowset.h"
#include "plan/node.h"

typedef struct keep_slot {
    ch_rowset set;
    int64_t *bytes; /* cap_rows, as the others */
    uint8_t **row;
    int32_t *idx;
    int64_t cap_rows;
} keep_slot;

typedef struct op_keep {
    ch_op op;
    int64_t number;
    bool shown; /* EXPLAIN has it below its first reader */
    ch_rowlayout layout;
    keep_slot *slot;
    ch_spill *spill;
    int64_t reserve, min_spill;
    pthread_mutex_t lock; /* guards spill, and loading pages while readers run */
} op_keep;

/* ---- keeping ----------------------------------------------------------------------------- */

static ch_status keep_open(ch_op *self, ch_error *err)
{
    op_keep *op = (op_keep *)self;
    int64_t limit = ch_mem_limit(self->mem);
    op->reserve = limit == INT64_MAX ? 0 : limit / 2;
    op->min_spill = limit / 64 / self->exec->n_slots;
    CH_ARENA_ARRAY(op->slot, self->exec->arena, self->exec->n_slots, err);
    for (int s = 0; s < self->exec->n_slots; s++)
        ch_rowset_init(&op->slot[s].set, self->mem, ch_rowset_page_bytes(limit, 16));
    return CH_OK;
}

static void free_rows(op_keep *op, keep_slot *s)
{
    size_t n = (size_t)s->cap_rows;
    ch_mem_free(op->op.mem, s->bytes, sizeof *s->bytes * n);
    ch_mem_free(op->op.mem, s->row, sizeof *s->row * n);
    ch_mem_free(op->op.mem, s->idx, sizeof *s->idx * n);
    s->bytes = NULL;
    s->row = NULL;
    s->idx = NULL;
    s->cap_rows = 0;
}

static ch_status need_rows(op_keep *op, keep_slot *s, int64_t n, ch_error *err)
{
    if (n <= s->cap_rows)
        return CH_OK;
    free_rows(op, s);
    s->cap_rows = n; /* the sizes to free by */
    s->bytes = ch_mem_alloc(op->op.mem, sizeof *s->bytes * (size_t)n, err);
    s->row = ch_mem_alloc(op->op.mem, sizeof *s->row * (size_t)n, err);
    s->idx = ch_mem_alloc(op->op.mem, sizeof *s->idx * (size_t)n, err);
    if (s->bytes && s->row && s->idx) {
        for (int64_t i = 0; i < n; i++)
            s->idx[i] = (int32_t)i;
        return CH_OK;
    }
    free_rows(op, s);
    return CH_E_MEMORY;
}

static ch_status relieve(op_keep *op, keep_slot *s, ch_error *err)
{
    if (!op->reserve || ch_mem_available(op->op.mem) >= op->reserve || s->set.bytes < op->min_spill)
        return CH_OK;
    pthread_mutex_lock(&op->lock);
    ch_status status =
        op->spill ? CH_OK : ch_spill_open(op->op.exec->spill_dir, op->op.mem, &op->spill, err);
    pthread_mutex_unlock(&op->lock);
    CH_TRY(status);
    int64_t bytes = 0;
    CH_TRY(ch_rowset_spill(&s->set, op->spill, &bytes, err));
    atomic_fetch_add_explicit(&op->op.exec->spill_bytes, bytes, memory_order_relaxed);
    atomic_fetch_add_explicit(&op->op.spilled_bytes, bytes, memory_order_relaxed);
    return CH_OK;
}

static ch_status keep_push(ch_op *self, int slot, ch_batch *batch, ch_error *err)
{
    op_keep *op = (op_keep *)self;
    keep_slot *s = &op->slot[slot];
    CH_TRY(relieve(op, s, err));
    CH_TRY(need_rows(op, s, batch->n, err));
    size_t bytes = sizeof(ch_column *) * (size_t)(batch->n_cols + 1);
    ch_column **col = ch_mem_zalloc(self->mem, bytes, err);
    if (!col)
        return CH_E_MEMORY;
    ch_status status = CH_OK;
    for (int32_t c = 0; c < batch->n_cols; c++)
        CH_TRY_OUT(ch_batch_column(batch, c, &col[c], err));
    CH_TRY_OUT(ch_rows_sizes(&op->layout, col, s->idx, batch->n, s->bytes, err));
    for (int64_t i = 0; i < batch->n; i++)
        CH_TRY_OUT(ch_rowset_add(&s->set, s->bytes[i], &s->row[i], err));
    ch_rows_scatter(&op->layout, col, NULL, s->idx, batch->n, s->bytes, s->row);
out:
    ch_mem_free(self->mem, col, bytes);
    return status;
}

static void keep_close(ch_op *self)
{
    op_keep *op = (op_keep *)self;
    for (int s = 0; op->slot && s < self->exec->n_slots; s++) {
        free_rows(op, &op->slot[s]);
        if (op->slot[s].set.mem) /* open had come so far */
            ch_rowset_release(&op->slot[s].set, NULL);
    }
    ch_spill_close(op->spill);
    pthread_mutex_destroy(&op->lock);
}

static ch_status keep_explain(const ch_op *self, ch_buf *out, ch_error *err)
{
    return ch_buf_printf(out, err, "%lld", (long long)((const op_keep *)self)->number);
}

static const ch_op_class KEEP = {.name = "Keep",
                                 .open = keep_open,
                                 .push = keep_push,
                                 .close = keep_close,
                                 .explain = keep_explain};

/* ---- reading ----------------------------------------------------------------------------- */

typedef struct reader_slot {
    ch_rowset *set; /* of the morsel at hand: one page */
    int32_t page, pos;
    uint64_t morsel;
    uint8_t **row; /* exec->batch_rows */
} reader_slot;

typedef struct op_reader {
    ch_op op;
    op_keep *keep;
    reader_slot *slot;
    _Atomic int64_t next_page;
} op_reader;

static ch_status reader_open(ch_op *self, ch_error *err)
{
    op_reader *op = (op_reader *)self;
    CH_ARENA_ARRAY(op->slot, self->exec->arena, self->exec->n_slots, err);
    return CH_OK;
}

static int64_t reader_morsels(const ch_op *self)
{
    const op_keep *keep = ((const op_reader *)self)->keep;
    int64_t n = 0;
    for (int s = 0; keep->slot && s < self->exec->n_slots; s++)
        n += keep->slot[s].set.n_pages;
    return n;
}

static void leave_page(op_reader *op, reader_slot *r)
{
    if (!r->set)
        return;
    pthread_mutex_lock(&op->keep->lock);
    if (r->page < r->set->n_spilled)
        ch_rowset_unload(r->set, r->page);
    pthread_mutex_unlock(&op->keep->lock);
    r->set = NULL;
}

static ch_status reader_begin(ch_op *self, int slot, bool *more, ch_error *err)
{
    op_reader *op = (op_reader *)self;
    reader_slot *r = &op->slot[slot];
    op_keep *keep = op->keep;
    leave_page(op, r);
    *more = false;
    if (!r->row) {
        r->row = ch_mem_alloc(self->mem, sizeof *r->row * (size_t)self->exec->batch_rows, err);
        if (!r->row)
            return CH_E_MEMORY;
    }
    int64_t at = atomic_fetch_add(&op->next_page, 1);
    r->morsel = (uint64_t)at;
    for (int s = 0; keep->slot && s < self->exec->n_slots; s++) {
        ch_rowset *set = &keep->slot[s].set;
        if (at >= set->n_pages) {
            at -= set->n_pages;
            continue;
        }
        pthread_mutex_lock(&keep->lock);
        ch_status status = ch_rowset_load(set, keep->spill, (int32_t)at, err);
        pthread_mutex_unlock(&keep->lock);
        CH_TRY(status);
        r->set = set;
        r->page = (int32_t)at;
        r->pos = 0;
        *more = true;
        break;
    }
    return CH_OK;
}

static ch_status reader_next(ch_op *self, int slot, ch_batch *out, ch_error *err)
{
    op_reader *op = (op_reader *)self;
    reader_slot *r = &op->slot[slot];
    const ch_rowlayout *layout = &op->keep->layout;
    int64_t n = ch_rowpage_next(&r->set->page[r->page], &r->pos, r->row, self->exec->batch_rows);
    CH_TRY(ch_batch_init(out, self->mem, layout->n_cols, n, err));
    out->seq = r->morsel << 32;
    for (int32_t c = 0; c < layout->n_cols && n > 0; c++) {
        ch_status status = ch_rows_gather(layout, c, r->row, n, self->mem, &out->col[c], err);
        if (status != CH_OK) {
            ch_batch_release(out);
            return status;
        }
    }
    return CH_OK;
}

static void reader_close(ch_op *self)
{
    op_reader *op = (op_reader *)self;
    for (int s = 0; op->slot && s < self->exec->n_slots; s++)
        ch_mem_free(self->mem, op->slot[s].row,
                    sizeof *op->slot[s].row * (size_t)self->exec->batch_rows);
}

static ch_status reader_explain(const ch_op *self, ch_buf *out, ch_error *err)
{
    return ch_buf_printf(out, err, "%lld", (long long)((const op_reader *)self)->keep->number);
}

static const ch_op_class READER = {.name = "Reuse",
                                   .open = reader_open,
                                   .begin = reader_begin,
                                   .next = reader_next,
                                   .n_morsels = reader_morsels,
                                   .close = reader_close,
                                   .explain = reader_explain};

/* ---- compiling --------------------------------------------------------------------------- */

static op_keep *find_keep(const ch_compiler *c, int64_t number)
{
    for (ch_op *op = c->physical->ops; op; op = op->next_op)
        if (op->cls == &KEEP && ((op_keep *)op)->number == number)
            return (op_keep *)op;
    return NULL;
}

static ch_status make_keep(ch_compiler *c, const ch_rel_reuse *rel, op_keep **out, ch_error *err)
{
    op_keep *op = ch_op_new(c->exec, &KEEP, sizeof *op, &rel->head, NULL, err);
    if (!op)
        return CH_E_MEMORY;
    *out = op;
    op->number = rel->number;
    pthread_mutex_init(&op->lock, NULL);
    int32_t n = rel->input->output.n;
    const ch_type **types;
    CH_ARENA_ARRAY(types, c->exec->arena, n + 1, err);
    for (int32_t i = 0; i < n; i++)
        types[i] = rel->input->output.item[i]->type;
    CH_TRY(ch_rowlayout_init(&op->layout, c->exec->arena, types, n, 0, false, 0, err));
    return ch_compile_into(c, rel->input, &op->op, err);
}

static ch_status make_reader(ch_compiler *c, const ch_rel *rel, op_keep *keep, ch_op *next,
                             ch_error *err)
{
    op_reader *op = ch_op_new(c->exec, &READER, sizeof *op, rel, NULL, err);
    if (!op)
        return CH_E_MEMORY;
    op->keep = keep;
    if (!keep->shown)
        ch_op_add_feeder(&op->op, &keep->op);
    keep->shown = true;
    return ch_compile_source(c, &op->op, next, err);
}

static ch_status make_reuse(ch_compiler *c, const ch_rel *rel, ch_op *next, ch_error *err)
{
    const ch_rel_reuse *reuse = (const ch_rel_reuse *)rel;
    op_keep *keep = find_keep(c, reuse->number);
    if (!keep)
        CH_TRY(make_keep(c, reuse, &keep, err));
    return make_reader(c, rel, keep, next, err);
}

const ch_op_maker ch_op_maker_reuse = {CH_REL_REUSE, make_reuse};

/* Shared: the same, but the definition stands above all that read it. */
static ch_status make_shared(ch_compiler *c, const ch_rel *rel, ch_op *next, ch_error *err)
{
    const ch_rel_shared *s = (const ch_rel_shared *)rel;
    op_keep *keep = find_keep(c, s->number);
    if (!keep) {
        ch_rel_reuse *reuse = ch_rel_new(c->exec->arena, CH_REL_REUSE, err);
        if (!reuse)
            return CH_E_MEMORY;
        reuse->input = s->definition;
        reuse->number = s->number;
        reuse->head.output = s->definition->output;
        CH_TRY(make_keep(c, reuse, &keep, err));
    }
    return ch_compile_into(c, s->body, next, err);
}

const ch_op_maker ch_op_maker_shared = {CH_REL_SHARED, make_shared};

static ch_status make_shared_ref(ch_compiler *c, const ch_rel *rel, ch_op *next, ch_error *err)
{
    op_keep *keep = find_keep(c, ((const ch_rel_shared_ref *)rel)->number);
    if (!keep)
        CH_FAIL(err, INTERNAL, "message", "a shared definition is not above its use");
    return make_reader(c, rel, keep, next, err);
}

const ch_op_maker ch_op_maker_shared_ref = {CH_REL_SHARED_REF, make_shared_ref};
