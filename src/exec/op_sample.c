/* SPDX-License-Identifier: Apache-2.0 */
/*
 * op_sample.c - Sample: each row by a random number of its partition, with Spark's generators and seeds.
 *
 *   without replacement   a row is taken when lower <= r < upper: Bernoulli, XORShiftRandom(seed + partition)
 *   with replacement      a row is taken n times: Poisson with mean upper - lower, the partition's seed being its
 *                         number's draw of java.util.Random(seed)
 *   sorted (randomSplit)  the rows of a partition are sorted first, so that splits do not overlap however
 *                         the rows come: they are kept until it ends. A large partition is taken as it comes, which
 *                         is the same each time here.
 */
#include "column/take.h"
#include "exec/exec.h"
#include "exec/key_sort.h"
#include "function/partition_number.h"
#include "function/random.h"
#include "plan/node.h"

#define MOST_SORTED 16384

typedef struct sample_slot {
    ch_partition at;
    uint64_t random;
    ch_well *well;
    int32_t *idx;
    int64_t cap;
    /* sorted: of the partition at hand */
    ch_batch *kept;
    int64_t n_kept, cap_kept, rows;
} sample_slot;

typedef struct op_sample {
    ch_op op;
    const ch_rel_sample *rel;
    int64_t seed;
    ch_poisson poisson; /* with replacement */
    ch_partitions *partitions;
    bool begun;
    sample_slot *slot;
} op_sample;

static ch_status sample_open(ch_op *self, ch_error *err)
{
    op_sample *op = (op_sample *)self;
    CH_ARENA_ARRAY(op->slot, self->exec->arena, self->exec->n_slots, err);
    for (int s = 0; s < self->exec->n_slots && op->rel->with_replacement; s++)
        CH_ARENA_NEW(op->slot[s].well, self->exec->arena, err);
    ch_partitions_open(op->partitions);
    op->begun = true;
    return CH_OK;
}

static void drop_kept(op_sample *op, sample_slot *s)
{
    for (int64_t i = 0; i < s->n_kept; i++)
        ch_batch_release(&s->kept[i]);
    ch_mem_free(op->op.mem, s->kept, sizeof *s->kept * (size_t)s->cap_kept);
    s->kept = NULL;
    s->n_kept = s->cap_kept = 0;
}

static void sample_close(ch_op *self)
{
    op_sample *op = (op_sample *)self;
    for (int i = 0; op->slot && i < self->exec->n_slots; i++) {
        drop_kept(op, &op->slot[i]);
        ch_mem_free(self->mem, op->slot[i].idx, sizeof(int32_t) * (size_t)op->slot[i].cap);
        op->slot[i].idx = NULL;
        op->slot[i].cap = 0;
    }
    if (op->begun)
        ch_partitions_close(op->partitions);
    op->begun = false;
}

static ch_status need_idx(op_sample *op, sample_slot *s, int64_t n, ch_error *err)
{
    if (n <= s->cap)
        return CH_OK;
    int64_t cap = 2 * n;
    int32_t *more = ch_mem_alloc(op->op.mem, sizeof *more * (size_t)cap, err);
    if (!more)
        return CH_E_MEMORY;
    if (s->cap)
        memcpy(more, s->idx, sizeof *more * (size_t)s->cap);
    ch_mem_free(op->op.mem, s->idx, sizeof *s->idx * (size_t)s->cap);
    s->idx = more;
    s->cap = cap;
    return CH_OK;
}

static bool enter(op_sample *op, sample_slot *s, uint64_t seq)
{
    ch_call call = {.seq = seq};
    if (!ch_partition_enter(op->partitions, &call, &s->at))
        return false;
    if (op->rel->with_replacement)
        ch_well_start(s->well, ch_java_random_long(op->seed, s->at.number));
    else
        s->random = ch_random_start((int64_t)((uint64_t)op->seed + (uint64_t)s->at.number));
    return true;
}

/* Where drawing stands: the next row, and how often it is still taken, once that is drawn. */
typedef struct drawing {
    int64_t row, left;
    bool drawn;
} drawing;

static int64_t times(const op_sample *op, sample_slot *s)
{
    double lower = op->rel->lower, upper = op->rel->upper;
    if (op->rel->with_replacement)
        return upper > lower ? ch_poisson_next(&op->poisson, s->well) : 0;
    double r = ch_random_double(&s->random);
    return r >= lower && r < upper;
}

/* Places of the next rows that are taken, about a batch of them, of n; perm NULL: they are asked in their order. */
static ch_status draw(op_sample *op, sample_slot *s, const int32_t *perm, int64_t n, drawing *d,
                      int64_t *k, ch_error *err)
{
    int64_t m = 0;
    CH_TRY(need_idx(op, s, CH_BATCH_ROWS, err));
    while (d->row < n && m < CH_BATCH_ROWS) {
        if (!d->drawn)
            d->left = times(op, s);
        for (; d->left > 0 && m < CH_BATCH_ROWS; d->left--)
            s->idx[m++] = perm ? perm[d->row] : (int32_t)d->row;
        d->drawn = d->left > 0;
        d->row += !d->drawn;
    }
    *k = m;
    return CH_OK;
}

/* The k rows at s->idx. */
static ch_status emit_rows(op_sample *op, int slot, ch_batch *in, int64_t k, ch_error *err)
{
    ch_batch out;
    if (k == 0)
        return CH_OK;
    CH_TRY(ch_batch_init(&out, op->op.mem, in->n_cols, k, err));
    out.seq = in->seq;
    out.file = in->file;
    ch_status status = CH_OK;
    for (int32_t c = 0; c < in->n_cols && status == CH_OK; c++) {
        ch_column *dense;
        status = ch_batch_column(in, c, &dense, err);
        if (status == CH_OK)
            status = ch_take(dense, op->slot[slot].idx, k, false, op->op.mem, &out.col[c], err);
    }
    if (status == CH_OK)
        status = ch_op_emit(&op->op, slot, &out, err);
    ch_batch_release(&out);
    return status;
}

static ch_status emit_taken(op_sample *op, int slot, ch_batch *in, const int32_t *perm,
                            ch_error *err)
{
    drawing d = {0};
    while (d.row < in->n) {
        int64_t k;
        CH_TRY(draw(op, &op->slot[slot], perm, in->n, &d, &k, err));
        CH_TRY(emit_rows(op, slot, in, k, err));
        /* A row may come for ever. */
        if (d.row < in->n && ch_op_is_full(op->op.next, slot))
            return CH_OK;
    }
    return CH_OK;
}

/* ---- sorted ------------------------------------------------------------------------------ */

static bool has_map(const ch_type *t)
{
    bool any = t->id == CH_MAP;
    for (int32_t i = 0; i < t->n_fields && !any; i++)
        any = has_map(t->field[i].type);
    return any;
}

static ch_status keep(op_sample *op, sample_slot *s, ch_batch *batch, ch_error *err)
{
    if (s->n_kept == s->cap_kept) {
        int64_t cap = s->cap_kept ? 2 * s->cap_kept : 8;
        ch_batch *more = ch_mem_alloc(op->op.mem, sizeof *more * (size_t)cap, err);
        if (!more)
            return CH_E_MEMORY;
        if (s->n_kept)
            memcpy(more, s->kept, sizeof *more * (size_t)s->n_kept);
        ch_mem_free(op->op.mem, s->kept, sizeof *s->kept * (size_t)s->cap_kept);
        s->kept = more;
        s->cap_kept = cap;
    }
    ch_batch *to = &s->kept[s->n_kept];
    CH_TRY(ch_batch_copy(batch, to, err));
    ch_status status = ch_batch_flatten(to, err);
    if (status == CH_OK)
        s->n_kept++;
    else
        ch_batch_release(to);
    return status;
}

/* The kept batches as one (gives). */
static ch_status whole(op_sample *op, sample_slot *s, ch_batch *out, ch_error *err)
{
    ch_mem *mem = op->op.mem;
    int64_t n = 0;
    for (int64_t i = 0; i < s->n_kept; i++)
        n += s->kept[i].n;
    CH_TRY(ch_batch_init(out, mem, op->op.output.n, n, err));
    out->seq = s->kept[0].seq;
    size_t bytes = sizeof(ch_column *) * (size_t)s->n_kept;
    ch_column **piece = ch_mem_alloc(mem, bytes, err);
    ch_status status = piece ? CH_OK : CH_E_MEMORY;
    for (int32_t c = 0; c < out->n_cols && status == CH_OK; c++) {
        for (int64_t i = 0; i < s->n_kept; i++)
            piece[i] = s->kept[i].col[c];
        status = ch_concat(piece, (int32_t)s->n_kept, op->op.output.item[c]->type, mem,
                           &out->col[c], err);
    }
    ch_mem_free(mem, piece, bytes);
    if (status != CH_OK)
        ch_batch_release(out);
    return status;
}

/* The partition's rows by all columns that have an order. */
static ch_status sort_and_emit(op_sample *op, int slot, ch_batch *all, ch_error *err)
{
    ch_mem *mem = op->op.mem;
    int32_t n_keys = 0;
    size_t perm_bytes = sizeof(int32_t) * (size_t)all->n,
           key_bytes = sizeof(ch_column *) * (size_t)(all->n_cols + 1);
    int32_t *perm = ch_mem_alloc(mem, perm_bytes, err);
    ch_column **key = perm ? ch_mem_alloc(mem, key_bytes, err) : NULL;
    ch_status status = key ? CH_OK : CH_E_MEMORY;
    for (int32_t c = 0; c < all->n_cols && key; c++)
        if (!has_map(op->op.output.item[c]->type))
            key[n_keys++] = all->col[c];
    if (status == CH_OK)
        status = ch_key_sort(key, n_keys, NULL, all->n, mem, perm, err);
    if (status == CH_OK)
        status = emit_taken(op, slot, all, perm, err);
    ch_mem_free(mem, key, key_bytes);
    ch_mem_free(mem, perm, perm_bytes);
    return status;
}

/* Gives what is kept of a partition. */
static ch_status end_partition(op_sample *op, int slot, ch_error *err)
{
    sample_slot *s = &op->slot[slot];
    ch_batch all;
    s->rows = 0;
    if (s->n_kept == 0)
        return CH_OK;
    CH_TRY(whole(op, s, &all, err));
    drop_kept(op, s);
    ch_status status = sort_and_emit(op, slot, &all, err);
    ch_batch_release(&all);
    return status;
}

static ch_status push_sorted(op_sample *op, int slot, ch_batch *batch, ch_error *err)
{
    sample_slot *s = &op->slot[slot];
    s->rows += batch->n;
    if (s->rows <= MOST_SORTED)
        return keep(op, s, batch, err);
    for (int64_t i = 0; i < s->n_kept; i++)
        CH_TRY(emit_taken(op, slot, &s->kept[i], NULL, err));
    drop_kept(op, s);
    return emit_taken(op, slot, batch, NULL, err);
}

/* ---- the operator ------------------------------------------------------------------------ */

static ch_status sample_push(ch_op *self, int slot, ch_batch *batch, ch_error *err)
{
    op_sample *op = (op_sample *)self;
    sample_slot *s = &op->slot[slot];
    if (op->rel->sorted && s->at.begun && s->at.seq != batch->seq >> 16 << 16)
        CH_TRY(end_partition(op, slot, err)); /* with its own numbers, still */
    (void)enter(op, s, batch->seq);
    return op->rel->sorted ? push_sorted(op, slot, batch, err)
                           : emit_taken(op, slot, batch, NULL, err);
}

static ch_status sample_morsel_done(ch_op *self, int slot, uint64_t seq, ch_error *err)
{
    CH_UNUSED(seq);
    return end_partition((op_sample *)self, slot, err);
}

static ch_status sample_flush(ch_op *self, int slot, ch_error *err)
{
    op_sample *op = (op_sample *)self;
    return op->slot ? end_partition(op, slot, err) : CH_OK;
}

static ch_status sample_explain(const ch_op *self, ch_buf *out, ch_error *err)
{
    const op_sample *op = (const op_sample *)self;
    return ch_buf_printf(out, err, "%.15g, %.15g, %s, %lld", op->rel->lower, op->rel->upper,
                         op->rel->with_replacement ? "true" : "false", (long long)op->seed);
}

static const ch_op_class SAMPLE = {.name = "Sample",
                                   .open = sample_open,
                                   .push = sample_push,
                                   .morsel_done = sample_morsel_done,
                                   .flush = sample_flush,
                                   .close = sample_close,
                                   .explain = sample_explain};

static ch_status make_sample(ch_compiler *c, const ch_rel *rel, ch_op *next, ch_error *err)
{
    const ch_rel_sample *sample = (const ch_rel_sample *)rel;
    if (!sample->with_replacement && sample->lower <= 0 && sample->upper >= 1)
        return ch_compile_into(c, sample->input, next, err);
    op_sample *op = ch_op_new(c->exec, &SAMPLE, sizeof *op, rel, next, err);
    if (!op)
        return CH_E_MEMORY;
    op->rel = sample;
    ch_poisson_init(&op->poisson, sample->upper - sample->lower);
    op->seed = sample->has_seed ? sample->seed : c->exec->func->now_us;
    op->partitions = ch_partitions_new(c->exec->arena, err);
    return op->partitions ? ch_compile_into(c, sample->input, &op->op, err) : CH_E_MEMORY;
}

const ch_op_maker ch_op_maker_sample = {CH_REL_SAMPLE, make_sample};
