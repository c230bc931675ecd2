/* SPDX-License-Identifier: Apache-2.0 */
/*
 * op_repartition.c - Repartition: repartition(n), repartition(n, columns), repartitionByRange, repartitionById, coalesce.
 *
 * One process has no partitions to arrange, and where nobody asks for them the rows pass as they are. Where something
 * above counts rows or makes random numbers by partition (exec.h: ch_compiler.counts), few rows are dealt out as
 * Spark does it, each partition a morsel of its own:
 *
 *   coalesce(n)      partition p of N goes to the t with t * N / n <= p < (t + 1) * N / n
 *   round robin      each partition begins at XORShiftRandom(p).nextInt(n) + 1
 *   by columns       pmod(hash(columns), n); without n all come to one partition, which read the shuffle's in order
 *   by range         bounds are every n-th part of the sorted rows
 *   by id            pmod(id, n), NULL to 0
 */
#include "exec/few.h"
#include "exec/key_sort.h"
#include "function/hash_spark.h"
#include "function/random.h"
#include "plan/node.h"

#define MOST_ROWS (1 << 20)

typedef struct op_repartition {
    ch_few few;
    const ch_rel_repartition *rel;
    ch_evaluator *ev;
    int32_t n_keys;
    ch_sortkey_order *order; /* by range; else NULL */
} op_repartition;

/* source[i]: number of the partition that row i comes from; gives how many there are. */
static int64_t sources(const ch_few *few, int32_t *source)
{
    int64_t base = 0, next = 0, row = 0;
    uint64_t pipeline = 0;
    for (int64_t i = 0; i < few->keeper.n; i++) {
        const ch_batch *batch = &few->keeper.all[i]->batch;
        if (batch->seq >> 48 != pipeline)
            base = next;
        pipeline = batch->seq >> 48;
        int64_t number = base + (int64_t)(batch->seq >> 16 & UINT32_MAX);
        if (number >= next)
            next = number + 1;
        for (int64_t k = 0; k < batch->n; k++)
            source[row++] = (int32_t)number;
    }
    return next;
}

static void deal_groups(const int32_t *source, int64_t rows, int64_t n_sources, int64_t n,
                        int32_t *target)
{
    for (int64_t i = 0; i < rows; i++) {
        int64_t p = source[i], t = n >= n_sources ? p : p * n / n_sources;
        while (n < n_sources && (t + 1) * n_sources / n <= p)
            t++;
        target[i] = (int32_t)t;
    }
}

/* java.util.Random.nextInt(n) of a new XORShiftRandom(seed). */
static int32_t next_int(int64_t seed, int32_t n)
{
    uint64_t state = ch_random_start(seed);
    int32_t r = (int32_t)ch_random_bits(&state, 31);
    if ((n & (n - 1)) == 0)
        return (int32_t)(((int64_t)n * r) >> 31);
    for (int32_t u = r; (int64_t)u - (r = u % n) + (n - 1) > INT32_MAX;)
        u = (int32_t)ch_random_bits(&state, 31);
    return r;
}

static void deal_round(const int32_t *source, int64_t rows, int32_t n, int32_t *target)
{
    int32_t at = 0;
    for (int64_t i = 0; i < rows; i++) {
        if (i == 0 || source[i] != source[i - 1])
            at = next_int(source[i], n);
        at = at + 1 == n ? 0 : at + 1;
        target[i] = at;
    }
}

static void deal_ids(const ch_column *id, int64_t rows, int32_t n, int32_t *target)
{
    const ch_column *values = ch_column_values(id);
    for (int64_t i = 0; i < rows; i++) {
        int32_t v =
            ch_column_is_null(id, i) ? 0 : ((const int32_t *)values->data)[ch_column_slot(id, i)];
        target[i] = (v % n + n) % n;
    }
}

/* Spark's RangePartitioner where it has seen every row. */
static ch_status deal_ranges(op_repartition *op, ch_column *const *key, int64_t rows, int32_t n,
                             int32_t *target, ch_error *err)
{
    ch_mem *mem = op->few.op.mem;
    size_t bytes = sizeof(int32_t) * (size_t)rows;
    int32_t *perm = ch_mem_alloc(mem, bytes, err);
    ch_status status = CH_E_MEMORY;
    if (!perm)
        return CH_E_MEMORY;
    status = ch_key_sort(key, op->n_keys, op->order, rows, mem, perm, err);
    int64_t parts = n < rows ? n : rows, part = 0;
    double step = (double)rows / (double)parts, aim = step;
    int32_t bound = -1, last = -1;
    for (int64_t i = 0; i < rows && status == CH_OK; i++) {
        /* Equal rows stay together: the bound is the last of its kind. */
        bool past = last >= 0 && ch_key_before(key, op->n_keys, op->order, last, perm[i]);
        if (past) {
            part++;
            last = -1;
        }
        bool fresh = bound < 0 || ch_key_before(key, op->n_keys, op->order, bound, perm[i]);
        if (part < parts - 1 && last < 0 && (double)(i + 1) >= aim && fresh) {
            bound = last = perm[i];
            aim += step;
        }
        target[perm[i]] = (int32_t)part;
    }
    ch_mem_free(mem, perm, bytes);
    return status;
}

/* target[i]: the partition that row i goes to; *n_parts of them. */
static ch_status deal(op_repartition *op, int slot, ch_batch *all, const int32_t *source,
                      int64_t n_sources, int32_t *target, int32_t *n_parts, ch_error *err)
{
    const ch_rel_repartition *rel = op->rel;
    int32_t n = rel->num_partitions > 0 ? rel->num_partitions : op->few.op.exec->shuffle_partitions;
    *n_parts = n;
    if (!rel->shuffle) {
        deal_groups(source, all->n, n_sources, n, target);
        *n_parts = (int32_t)(n < n_sources ? n : n_sources);
        return CH_OK;
    }
    if (op->n_keys == 0) {
        deal_round(source, all->n, n, target);
        return CH_OK;
    }
    ch_mem *mem = op->few.op.mem;
    size_t bytes = sizeof(ch_column *) * (size_t)op->n_keys;
    ch_column **key = ch_mem_zalloc(mem, bytes, err);
    ch_status status = key ? CH_OK : CH_E_MEMORY;
    for (int32_t k = 0; k < op->n_keys && status == CH_OK; k++)
        status = ch_evaluate(op->ev, slot, k, all, mem, &key[k], err);
    if (status == CH_OK && op->order) {
        status = deal_ranges(op, key, all->n, n, target, err);
    } else if (status == CH_OK && rel->by_id) {
        deal_ids(key[0], all->n, n, target);
    } else if (status == CH_OK) {
        ch_spark_hash(key, op->n_keys, all->n, target);
        for (int64_t i = 0; i < all->n; i++)
            target[i] = (target[i] % n + n) % n;
    }
    for (int32_t k = 0; key && k < op->n_keys; k++)
        ch_column_unref(key[k]);
    ch_mem_free(mem, key, bytes);
    return status;
}

static ch_status emit_parts(op_repartition *op, int slot, ch_batch *all, const int32_t *target,
                            int32_t n_parts, ch_error *err)
{
    ch_mem *mem = op->few.op.mem;
    int64_t n = all->n;
    size_t count_bytes = sizeof(int64_t) * (size_t)(n_parts + 1),
           perm_bytes = sizeof(int32_t) * (size_t)n;
    bool one =
        op->rel->num_partitions <= 0; /* adaptive: a small shuffle is read as one partition */
    int64_t *at = ch_mem_zalloc(mem, count_bytes, err);
    int32_t *perm = at ? ch_mem_alloc(mem, perm_bytes, err) : NULL;
    ch_status status = perm ? CH_OK : CH_E_MEMORY;
    if (perm) {
        for (int64_t i = 0; i < n; i++)
            at[target[i] + 1]++;
        for (int32_t p = 0; p < n_parts; p++)
            at[p + 1] += at[p];
        for (int64_t i = 0; i < n; i++)
            perm[at[target[i]]++] = (int32_t)i; /* at[p] ends as the end of p */
    }
    int64_t from = 0;
    for (int32_t p = 0; p < n_parts && status == CH_OK; p++) {
        uint64_t seq = all->seq | (uint64_t)(one ? 0 : p) << 16;
        status = ch_few_emit(&op->few, slot, all, perm + from, at[p] - from, seq, err);
        from = at[p];
    }
    ch_mem_free(mem, perm, perm_bytes);
    ch_mem_free(mem, at, count_bytes);
    return status;
}

static ch_status arrange(ch_few *few, int slot, ch_batch *all, ch_error *err)
{
    op_repartition *op = (op_repartition *)few;
    ch_mem *mem = few->op.mem;
    size_t bytes = sizeof(int32_t) * (size_t)all->n;
    int32_t *source = ch_mem_alloc(mem, bytes, err), n_parts;
    int32_t *target = source ? ch_mem_zalloc(mem, bytes, err) : NULL;
    ch_status status = target ? CH_OK : CH_E_MEMORY;
    if (status == CH_OK)
        status = deal(op, slot, all, source, sources(few, source), target, &n_parts, err);
    if (status == CH_OK)
        status = emit_parts(op, slot, all, target, n_parts, err);
    ch_mem_free(mem, target, bytes);
    ch_mem_free(mem, source, bytes);
    return status;
}

static void repartition_close(ch_op *self)
{
    op_repartition *op = (op_repartition *)self;
    ch_few_close(&op->few);
    ch_evaluator_close(op->ev);
}

static ch_status repartition_explain(const ch_op *self, ch_buf *out, ch_error *err)
{
    const ch_rel_repartition *rel = ((const op_repartition *)self)->rel;
    return ch_buf_printf(out, err, "%s %d", rel->shuffle ? "shuffle" : "coalesce",
                         (int)rel->num_partitions);
}

static const ch_op_class REPARTITION = {.name = "Repartition",
                                        .open = ch_few_open,
                                        .push = ch_few_push,
                                        .flush = ch_few_flush,
                                        .close = repartition_close,
                                        .explain = repartition_explain};

static ch_status make_repartition(ch_compiler *c, const ch_rel *rel, ch_op *next, ch_error *err)
{
    const ch_rel_repartition *r = (const ch_rel_repartition *)rel;
    if (!c->counts)
        return ch_compile_into(c, r->input, next, err);
    op_repartition *op = ch_op_new(c->exec, &REPARTITION, sizeof *op, rel, next, err);
    if (!op)
        return CH_E_MEMORY;
    op->rel = r;
    op->few.arrange = arrange;
    op->few.most_rows = MOST_ROWS;
    op->few.share = 8;
    op->n_keys = r->expressions.n;
    ch_expr_list keys = {0};
    for (int32_t k = 0; k < op->n_keys; k++) {
        ch_expr *e = r->expressions.item[k];
        if (e->kind == CH_EXPR_SORT_ORDER) {
            const ch_expr_sort_order *o = (const ch_expr_sort_order *)e;
            if (!op->order)
                CH_ARENA_ARRAY(op->order, c->exec->arena, op->n_keys, err);
            op->order[k] = (ch_sortkey_order){o->descending, o->nulls_first};
            e = o->child;
        }
        CH_TRY(ch_expr_list_add(c->exec->arena, &keys, e, err));
    }
    CH_TRY(ch_evaluator_new(c->exec, &keys, &r->input->output, &op->ev, err));
    return ch_compile_into(c, r->input, &op->few.op, err);
}

const ch_op_maker ch_op_maker_repartition = {CH_REL_REPARTITION, make_repartition};
