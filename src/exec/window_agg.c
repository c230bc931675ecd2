/* SPDX-License-Identifier: Apache-2.0 */
/*
 * window_agg.c - aggregates over frames.
 *
 *   count           differences of running counts
 *   sum of integers differences of running sums in 128 bits
 *   sum, avg of     added from the frame's first row on, as Spark does; a frame that only grows goes on
 *   reals           from the last one
 *   others          by their ch_agg: rows are added to one state while the frame only grows, and it starts
 *                   anew when a row leaves. States that are plain bytes are copied for each different
 *                   frame and asked for their results together.
 */
#include <string.h>

#include "column/take.h"
#include "exec/window.h"

/* Results asked for at once, so that states and columns of one row do not pile up. */
#define BLOCK_ROWS 2048
/* Rows added until the query's cancellation is looked at. */
#define HEED_ROWS (1 << 20)

static ch_status set_null(ch_column *c, int64_t i, ch_error *err)
{
    if (!c->valid)
        CH_TRY(ch_column_need_valid(c, err));
    ch_bit_clear(c->valid, i);
    return CH_OK;
}

/* ---- count ------------------------------------------------------------------------------------------------ */

static ch_status eval_count(const ch_win_rows *r, const uint64_t *bits, const int32_t *lo,
                            const int32_t *hi, ch_column *out, ch_error *err)
{
    int64_t *to = out->data, n = r->to - r->from;
    if (!bits) {
        for (int64_t i = 0; i < n; i++)
            to[i] = hi[i] - lo[i];
        return CH_OK;
    }
    int32_t *before = ch_mem_alloc(r->mem, sizeof *before * (size_t)(r->n + 1), err), k = 0;
    if (!before)
        return CH_E_MEMORY;
    for (int64_t i = 0; i < r->n; i++) {
        before[i] = k;
        k += ch_bit_get(bits, i);
    }
    before[r->n] = k;
    for (int64_t i = 0; i < n; i++)
        to[i] = before[hi[i]] - before[lo[i]];
    ch_mem_free(r->mem, before, sizeof *before * (size_t)(r->n + 1));
    return CH_OK;
}

/* ---- sums of integers ----------------------------------------------------------------------------------------- */

typedef struct prefix_sum {
    ch_i128 sum;
    int64_t n;
} prefix_sum;

#define PREFIX(T)                                                             \
    do {                                                                      \
        const T *x = c->data;                                                 \
        for (int64_t i = 0; i < rows; i++) {                                  \
            bool counts = !bits || ch_bit_get(bits, i);                       \
            p[i] = s;                                                         \
            s.sum += counts ? x[i] : 0;                                       \
            s.n += counts;                                                    \
            size += counts ? (ch_u128)(x[i] < 0 ? -(ch_i128)x[i] : x[i]) : 0; \
        }                                                                     \
        p[rows] = s;                                                          \
    } while (0)

/* *exact: no sum of some of the rows leaves 64 bits, so the order of additions does not matter. */
static bool running_sums(const ch_column *c, const uint64_t *bits, int64_t rows, prefix_sum *p)
{
    prefix_sum s = {0};
    ch_u128 size = 0;
    switch (ch_type_width(c->type)) {
    case 1:
        PREFIX(int8_t);
        break;
    case 2:
        PREFIX(int16_t);
        break;
    case 4:
        PREFIX(int32_t);
        break;
    default:
        PREFIX(int64_t);
        break;
    }
    return size <= INT64_MAX;
}

/* *exact false: nothing was computed. */
static ch_status eval_sum_int(const ch_win_func *f, const ch_win_rows *r, const uint64_t *bits,
                              const int32_t *lo, const int32_t *hi, ch_column *out, bool *exact,
                              ch_error *err)
{
    size_t bytes = sizeof(prefix_sum) * (size_t)(r->n + 1);
    prefix_sum *p = ch_mem_alloc(r->mem, bytes, err);
    if (!p)
        return CH_E_MEMORY;
    int64_t *to = out->data, n = r->to - r->from;
    *exact = running_sums(r->col[f->arg[0]], bits, r->n, p);
    ch_status status = CH_OK;
    for (int64_t i = 0; i < n && *exact && status == CH_OK; i++) {
        const prefix_sum *a = &p[lo[i]], *b = &p[hi[i]];
        to[i] = (int64_t)(b->sum - a->sum);
        if (b->n == a->n)
            status = set_null(out, i, err);
    }
    ch_mem_free(r->mem, p, bytes);
    return status;
}

/* ---- sums of reals ------------------------------------------------------------------------------------------------ */

/* Values as doubles, as Spark's sum and avg see them; its own when they are doubles. */
static const double *as_doubles(const ch_column *c, int64_t n, double *scratch)
{
#define WIDEN(T)                        \
    do {                                \
        const T *x = c->data;           \
        for (int64_t i = 0; i < n; i++) \
            scratch[i] = (double)x[i];  \
    } while (0)
    if (c->type->id == CH_DOUBLE)
        return c->data;
    if (c->type->id == CH_FLOAT) {
        WIDEN(float);
        return scratch;
    }
    switch (ch_type_width(c->type)) {
    case 1:
        WIDEN(int8_t);
        break;
    case 2:
        WIDEN(int16_t);
        break;
    case 4:
        WIDEN(int32_t);
        break;
    default:
        WIDEN(int64_t);
        break;
    }
    return scratch;
#undef WIDEN
}

static ch_status eval_real(const ch_win_func *f, const ch_win_rows *r, const uint64_t *bits,
                           const int32_t *lo, const int32_t *hi, ch_column *out, ch_error *err)
{
    const ch_column *c = r->col[f->arg[0]];
    bool avg = f->kind == CH_WIN_AVG_REAL;
    size_t bytes = c->type->id == CH_DOUBLE ? 0 : sizeof(double) * (size_t)r->n;
    double *scratch = bytes ? ch_mem_alloc(r->mem, bytes, err) : NULL;
    if (bytes && !scratch)
        return CH_E_MEMORY;
    const double *x = as_doubles(c, r->n, scratch);
    double *to = out->data, sum = 0;
    int64_t n = r->to - r->from, seen = 0, start = -1, end = -1, added = 0;
    ch_status status = CH_OK;
    for (int64_t i = 0; i < n && status == CH_OK; i++) {
        if ((added += hi[i] - lo[i]) > HEED_ROWS) {
            added = 0;
            status = ch_exec_heed(r->exec, err);
        }
        if (lo[i] != start || hi[i] < end) {
            sum = 0;
            seen = 0;
            start = end = lo[i];
        }
        if (!bits) {
            seen += hi[i] - end;
            for (; end < hi[i]; end++)
                sum += x[end];
        } else {
            for (; end < hi[i]; end++)
                if (ch_bit_get(bits, end)) {
                    sum += x[end];
                    seen++;
                }
        }
        to[i] = avg ? sum / (double)seen : sum;
        if (!seen) {
            to[i] = 0;
            status = set_null(out, i, err);
        }
    }
    ch_mem_free(r->mem, scratch, bytes);
    return status;
}

/* ---- any aggregate -------------------------------------------------------------------------------------------------- */

/* A stretch of a FLAT column as a column of its own, without copying what need not be. */
typedef struct slice {
    ch_column head;
    uint64_t *bits, *values; /* of at least the run's rows: validity; booleans */
} slice;

typedef struct agg_run {
    const ch_win_func *f;
    const ch_win_rows *r;
    ch_call call;
    int32_t state_bytes;
    bool pointers;    /* states point into extra: results are asked for one by one */
    ch_column **full; /* per argument: FLAT with FILTER in its validity, or constant; owned */
    ch_column **arg;  /* per argument: what call sees */
    slice *part;
    ch_arena extra;
    uint8_t *state;      /* the running one */
    uint8_t *copies;     /* BLOCK_ROWS states */
    uint8_t **of_row;    /* BLOCK_ROWS: a row's state */
    ch_column **results; /* pointers: BLOCK_ROWS results of one row each */
    int32_t *pick;
    int64_t n_results;
    ch_win_carry *carry; /* state and extra are its own */
} agg_run;

static bool can_slice(const ch_column *c)
{
    return c->type->id != CH_STRUCT && c->type->id != CH_NULL && c->encoding == CH_FLAT;
}

/* col = rows [from, from + n) of the full argument; *taken: to be unreferenced. */
static ch_status slice_argument(agg_run *a, int32_t i, int64_t from, int64_t n, bool *taken,
                                ch_error *err)
{
    ch_column *c = a->full[i];
    slice *s = &a->part[i];
    *taken = true;
    if (c->encoding == CH_CONST)
        return ch_column_share(a->r->mem, c, n, &a->arg[i], err);
    if (!can_slice(c)) {
        int32_t *idx = ch_mem_alloc(a->r->mem, sizeof *idx * (size_t)n, err);
        if (!idx)
            return CH_E_MEMORY;
        for (int64_t k = 0; k < n; k++)
            idx[k] = (int32_t)(from + k);
        ch_status status = ch_take(c, idx, n, false, a->r->mem, &a->arg[i], err);
        ch_mem_free(a->r->mem, idx, sizeof *idx * (size_t)n);
        return status;
    }
    *taken = false;
    s->head.type = c->type;
    s->head.encoding = CH_FLAT;
    s->head.rows = n;
    s->head.mem = c->mem;
    s->head.text = c->text;
    s->head.n_text = c->n_text;
    s->head.child = c->child;
    s->head.n_child = c->n_child;
    atomic_store_explicit(&s->head.refs, 1 << 20,
                          memory_order_relaxed); /* nobody may write or free */
    s->head.valid = NULL;
    if (c->valid) {
        s->bits[ch_bit_words(n) - 1] = 0;
        ch_bits_copy(s->bits, 0, c->valid, from, n);
        s->head.valid = s->bits;
    }
    if (c->type->id == CH_BOOLEAN) {
        s->values[ch_bit_words(n) - 1] = 0;
        ch_bits_copy(s->values, 0, c->data, from, n);
        s->head.data = s->values;
    } else {
        int width = c->type->id == CH_ARRAY || c->type->id == CH_MAP ? 4 : ch_type_width(c->type);
        s->head.data = (uint8_t *)c->data + from * width;
    }
    a->arg[i] = &s->head;
    return CH_OK;
}

/* Adds rows [from, until) to the running state. */
static ch_status add_rows(agg_run *a, int64_t from, int64_t until, ch_error *err)
{
    ch_status status = ch_exec_heed(a->r->exec, err);
    bool taken[16] = {false};
    int32_t n_args = a->call.n_args, made = 0;
    if (from >= until || status != CH_OK)
        return status;
    for (; made < n_args && status == CH_OK; made++)
        status = slice_argument(a, made, from, until - from, &taken[made], err);
    if (status != CH_OK)
        made--;
    a->call.rows = until - from;
    if (status == CH_OK)
        status = a->call.func->agg->update(&a->call, &a->state, true, &a->extra, err);
    for (int32_t i = 0; i < made; i++)
        if (taken[i])
            ch_column_unref(a->arg[i]);
    return status;
}

static void start_state(agg_run *a)
{
    memset(a->state, 0, (size_t)a->state_bytes);
    ch_arena_reset(&a->extra);
}

static ch_status result_of(agg_run *a, uint8_t *const *state, int64_t n, ch_column **out,
                           ch_error *err)
{
    const ch_type *t = a->call.result;
    *out = NULL;
    a->call.rows = n;
    if (!ch_type_is_nested(t))
        CH_TRY(ch_column_new(a->r->mem, t, n, out, err));
    ch_status status = a->call.func->agg->result(&a->call, state, n, out, err);
    if (status != CH_OK) {
        ch_column_unref(*out);
        *out = NULL;
    }
    return status;
}

/* The state as it is now is row k's (of the block). */
static ch_status keep_state(agg_run *a, int64_t k, bool same_as_before, ch_error *err)
{
    if (a->pointers) {
        if (!same_as_before || k == 0) {
            CH_TRY(result_of(a, &a->state, 1, &a->results[a->n_results], err));
            a->n_results++;
        }
        a->pick[k] = (int32_t)(a->n_results - 1);
        return CH_OK;
    }
    if (same_as_before && k > 0) {
        a->of_row[k] = a->of_row[k - 1];
        return CH_OK;
    }
    a->of_row[k] = a->copies + k * a->state_bytes;
    memcpy(a->of_row[k], a->state, (size_t)a->state_bytes);
    return CH_OK;
}

static void drop_results(agg_run *a)
{
    for (int64_t i = 0; i < a->n_results; i++)
        ch_column_unref(a->results[i]);
    a->n_results = 0;
}

static ch_status block_result(agg_run *a, int64_t n, ch_column **out, ch_error *err)
{
    if (!a->pointers)
        return result_of(a, a->of_row, n, out, err);
    ch_column *all;
    CH_TRY(ch_concat(a->results, (int32_t)a->n_results, a->call.result, a->r->mem, &all, err));
    ch_status status = ch_take(all, a->pick, n, false, a->r->mem, out, err);
    ch_column_unref(all);
    drop_results(a);
    return status;
}

static ch_status eval_blocks(agg_run *a, const int32_t *lo, const int32_t *hi, ch_column **out,
                             ch_error *err)
{
    int64_t n = a->r->to - a->r->from, start = -1, end = -1, done = 0;
    if (a->carry) {
        start = lo[0];
        end = a->carry->added - a->r->before;
    }
    int32_t n_blocks = (int32_t)((n + BLOCK_ROWS - 1) / BLOCK_ROWS), made = 0;
    ch_column **block =
        ch_mem_zalloc(a->r->mem, sizeof *block * (size_t)(n_blocks ? n_blocks : 1), err);
    ch_status status = block ? CH_OK : CH_E_MEMORY;
    for (; made < n_blocks && status == CH_OK; made++) {
        int64_t rows = n - done < BLOCK_ROWS ? n - done : BLOCK_ROWS;
        for (int64_t k = 0; k < rows && status == CH_OK; k++) {
            int64_t i = done + k;
            bool same = lo[i] == start && hi[i] == end;
            if (lo[i] != start || hi[i] < end) {
                start_state(a);
                start = end = lo[i];
                same = false;
            }
            status = add_rows(a, end, hi[i], err);
            end = hi[i];
            if (status == CH_OK)
                status = keep_state(a, k, same, err);
        }
        if (status == CH_OK)
            status = block_result(a, rows, &block[made], err);
        done += rows;
    }
    if (a->carry)
        a->carry->added = end + a->r->before;
    if (status == CH_OK)
        status = ch_concat(block, n_blocks, a->call.result, a->r->mem, out, err);
    drop_results(a);
    for (int32_t i = 0; block && i < n_blocks; i++)
        ch_column_unref(block[i]);
    ch_mem_free(a->r->mem, block, sizeof *block * (size_t)(n_blocks ? n_blocks : 1));
    return status;
}

/* The argument as it is; a constant that FILTER must take out rows of is made flat. */
static ch_status plain_argument(const ch_win_func *f, const ch_win_rows *r, int32_t i,
                                ch_column **out, ch_error *err)
{
    const ch_expr *e = f->call->args.item[i];
    if (f->arg[i] >= 0) {
        *out = ch_column_ref(r->col[f->arg[i]]);
        return CH_OK;
    }
    const ch_scalar *v = &((const ch_expr_literal *)e)->value;
    ch_column *constant;
    CH_TRY(v->is_null || v->type->id == CH_NULL
               ? ch_column_nulls(r->mem, e->type, r->n, &constant, err)
               : ch_column_const(r->mem, v, r->n, &constant, err));
    *out = constant;
    if (f->filter < 0 || i > 0)
        return CH_OK;
    ch_status status = ch_flatten(constant, r->mem, out, err);
    ch_column_unref(constant);
    return status;
}

/* The argument with FILTER's rows only: others are NULL, which aggregates leave out. */
static ch_status full_argument(const ch_win_func *f, const ch_win_rows *r, int32_t i,
                               ch_column **out, ch_error *err)
{
    ch_column *plain;
    ch_buffer *valid = NULL;
    const uint64_t *bits = NULL;
    bool owned = false;
    CH_TRY(plain_argument(f, r, i, &plain, err));
    *out = plain;
    if (f->filter < 0 || plain->type->id == CH_NULL || plain->encoding != CH_FLAT)
        return CH_OK;
    ch_status status;
    CH_TRY_OUT(ch_win_mask(f, r, f->arg[i], &bits, &owned, err));
    CH_TRY_OUT(ch_buffer_new(r->mem, ch_bit_bytes(r->n), &valid, err));
    memcpy(valid->data, bits, (size_t)ch_bit_bytes(r->n));
    CH_TRY_OUT(ch_column_share(r->mem, plain, r->n, out, err));
    ch_buffer_unref((*out)->valid_buf);
    (*out)->valid_buf = valid;
    (*out)->valid = (uint64_t *)(void *)valid->data;
    valid = NULL;
out:
    if (status != CH_OK)
        *out = NULL;
    ch_buffer_unref(valid);
    ch_column_unref(plain);
    if (owned)
        ch_mem_free(r->mem, (void *)(uintptr_t)bits, (size_t)ch_bit_bytes(r->n) + 8);
    return status;
}

/* With a carry: frames begin with a partition that was begun before row 0, and go on from there. */
static ch_status eval_aggregate(const ch_win_func *f, const ch_win_rows *r, const int32_t *lo,
                                const int32_t *hi, ch_win_carry *carry, ch_column **out,
                                ch_error *err)
{
    const ch_agg *agg = f->call->func->agg;
    int32_t n_args = f->call->args.n;
    ch_column *full[16] = {0}, *arg[16] = {0};
    slice part[16];
    memset(part, 0, sizeof part);
    agg_run a = {.f = f, .r = r, .full = full, .arg = arg, .part = part};
    ch_status status;
    if (n_args > 16)
        CH_FAIL(err, UNSUPPORTED, "feature", "A window function with more than 16 arguments");
    ch_arena_init(&a.extra, r->mem);
    a.call = (ch_call){.func = f->call->func,
                       .ctx = r->exec->func,
                       .data = f->call->data,
                       .n_args = n_args,
                       .arg = arg,
                       .result = f->call->head.type,
                       .mem = r->mem};
    size_t bit_bytes = (size_t)ch_bit_bytes(r->n + 64);
    for (int32_t i = 0; i < n_args; i++) {
        CH_TRY_OUT(full_argument(f, r, i, &full[i], err));
        arg[i] = full[i];
        part[i].bits = ch_mem_alloc(r->mem, bit_bytes, err);
        part[i].values = part[i].bits ? ch_mem_alloc(r->mem, bit_bytes, err) : NULL;
        if (!part[i].values) {
            status = CH_E_MEMORY;
            goto out;
        }
    }
    a.state_bytes = ((agg->size ? agg->size(&a.call) : agg->state_bytes) + 7) & ~7;
    a.pointers = agg->save != NULL;
    a.state = ch_mem_zalloc(r->mem, (size_t)a.state_bytes, err);
    a.copies = a.state && !a.pointers
                   ? ch_mem_alloc(r->mem, (size_t)a.state_bytes * BLOCK_ROWS, err)
                   : NULL;
    a.of_row = ch_mem_alloc(r->mem, 3 * 8 * BLOCK_ROWS, err);
    a.carry = carry;
    if (carry && !carry->state) {
        ch_arena_init(&carry->extra, r->mem);
        carry->state = ch_mem_zalloc(r->mem, (size_t)a.state_bytes, err);
        carry->state_bytes = a.state_bytes;
    }
    if ((carry && !carry->state) || !a.state || (!a.copies && !a.pointers) || !a.of_row) {
        status = CH_E_MEMORY;
        goto out;
    }
    a.results = (ch_column **)(void *)(a.of_row + BLOCK_ROWS);
    a.pick = (int32_t *)(void *)(a.results + BLOCK_ROWS);
    if (carry) {
        uint8_t *own = a.state;
        ch_arena extra = a.extra;
        a.state = carry->state;
        a.extra = carry->extra;
        status = hi ? eval_blocks(&a, lo, hi, out, err)
                    : add_rows(&a, r->from, r->to, err); /* the whole partition's state first */
        if (!hi && status == CH_OK)
            carry->added += r->to - r->from;
        carry->extra = a.extra;
        a.state = own;
        a.extra = extra;
    } else {
        status = eval_blocks(&a, lo, hi, out, err);
    }
out:
    ch_mem_free(r->mem, a.of_row, 3 * 8 * BLOCK_ROWS);
    ch_mem_free(r->mem, a.copies, (size_t)a.state_bytes * BLOCK_ROWS);
    ch_mem_free(r->mem, a.state, (size_t)a.state_bytes);
    for (int32_t i = 0; i < n_args; i++) {
        ch_mem_free(r->mem, part[i].values, bit_bytes);
        ch_mem_free(r->mem, part[i].bits, bit_bytes);
        ch_column_unref(full[i]);
    }
    ch_arena_release(&a.extra);
    return status;
}

/* ---- partitions that are streamed ---------------------------------------------------------------------------- */

ch_status ch_win_add_rows(const ch_win_func *f, const ch_win_rows *r, ch_win_carry *carry,
                          ch_error *err)
{
    ch_column *none = NULL;
    return eval_aggregate(f, r, NULL, NULL, carry, &none, err);
}

ch_status ch_win_eval_growing(const ch_win_func *f, const ch_win_rows *r, ch_win_carry *carry,
                              ch_column **out, ch_error *err)
{
    int64_t n = r->to - r->from;
    size_t bytes = 2 * sizeof(int32_t) * (size_t)n;
    int32_t *lo = ch_mem_alloc(r->mem, bytes, err);
    if (!lo)
        return CH_E_MEMORY;
    int32_t *hi = lo + n;
    ch_status status = ch_win_frames(f, r, lo, hi, err);
    for (int64_t i = 0; i < n && status == CH_OK; i++) {
        lo[i] = 0; /* the partition's start, wherever that is */
        if (ch_win_to_end(f))
            hi[i] = (int32_t)(carry->added - r->before); /* all of it was added before */
    }
    if (status == CH_OK)
        status = eval_aggregate(f, r, lo, hi, carry, out, err);
    ch_mem_free(r->mem, lo, bytes);
    return status;
}

void ch_win_carry_release(ch_win_carry *carry, ch_mem *mem)
{
    if (carry->state) {
        ch_mem_free(mem, carry->state, (size_t)carry->state_bytes);
        ch_arena_release(&carry->extra);
    }
    *carry = (ch_win_carry){0};
}

/* ---- all of them ---------------------------------------------------------------------------------------------------------- */

ch_status ch_win_eval_agg(const ch_win_func *f, const ch_win_rows *r, ch_column **out,
                          ch_error *err)
{
    int64_t n = r->to - r->from;
    size_t bytes = 2 * sizeof(int32_t) * (size_t)n;
    int32_t *lo = ch_mem_alloc(r->mem, bytes, err);
    const uint64_t *bits = NULL;
    bool owned = false, done = false;
    ch_status status;
    *out = NULL;
    if (!lo)
        return CH_E_MEMORY;
    int32_t *hi = lo + n;
    CH_TRY_OUT(ch_win_frames(f, r, lo, hi, err));
    if (f->kind != CH_WIN_AGGREGATE) {
        CH_TRY_OUT(ch_win_mask(f, r, f->arg[0], &bits, &owned, err));
        CH_TRY_OUT(ch_column_new(r->mem, f->call->head.type, n, out, err));
        if (f->kind == CH_WIN_COUNT)
            CH_TRY_OUT(eval_count(r, bits, lo, hi, *out, err));
        else if (f->kind != CH_WIN_SUM_INT)
            CH_TRY_OUT(eval_real(f, r, bits, lo, hi, *out, err));
        done = true;
        if (f->kind == CH_WIN_SUM_INT)
            CH_TRY_OUT(eval_sum_int(f, r, bits, lo, hi, *out, &done, err));
    }
    if (!done) { /* which also says what overflows */
        ch_column_unref(*out);
        *out = NULL;
        CH_TRY_OUT(eval_aggregate(f, r, lo, hi, NULL, out, err));
    }
    status = CH_OK;
out:
    if (status != CH_OK) {
        ch_column_unref(*out);
        *out = NULL;
    }
    if (owned)
        ch_mem_free(r->mem, (void *)(uintptr_t)bits, (size_t)ch_bit_bytes(r->n) + 8);
    ch_mem_free(r->mem, lo, bytes);
    return status;
}
