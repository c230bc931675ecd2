/* SPDX-License-Identifier: Apache-2.0 */
/*
 * window_eval.c - window functions that number rows, and those that pick a row: lag, lead, first, last,
 * nth_value, min, max. A picked row is a position, so values of every type come by one take.
 */
#include <string.h>

#include "column/take.h"
#include "exec/window.h"
#include "function/window_rank.h"
#include "kernel/compare.h"

static bool named(const ch_expr_call *f, const char *name)
{
    return strcmp(f->func->name, name) == 0;
}

ch_win_kind ch_win_kind_of(const ch_expr_window *w)
{
    static const struct {
        const char *name;
        ch_win_kind kind;
    } KIND[] = {{"row_number", CH_WIN_ROW_NUMBER},
                {"rank", CH_WIN_RANK},
                {"dense_rank", CH_WIN_DENSE_RANK},
                {"percent_rank", CH_WIN_PERCENT_RANK},
                {"cume_dist", CH_WIN_CUME_DIST},
                {"ntile", CH_WIN_NTILE},
                {"lag", CH_WIN_OFFSET},
                {"lead", CH_WIN_OFFSET},
                {"nth_value", CH_WIN_NTH},
                {"first", CH_WIN_FIRST},
                {"first_value", CH_WIN_FIRST},
                {"any_value", CH_WIN_FIRST},
                {"last", CH_WIN_LAST},
                {"last_value", CH_WIN_LAST},
                {"min", CH_WIN_MIN},
                {"max", CH_WIN_MAX}};
    const ch_expr_call *f = (const void *)w->function;
    for (size_t i = 0; i < sizeof KIND / sizeof *KIND; i++)
        if (named(f, KIND[i].name))
            return KIND[i].kind;
    const ch_type *t = f->args.n ? f->args.item[0]->type : NULL;
    if (named(f, "count") && f->args.n == 1)
        return CH_WIN_COUNT;
    bool sum = named(f, "sum"), avg = named(f, "avg") || named(f, "mean");
    if (t && sum && ch_type_is_integral(t))
        return CH_WIN_SUM_INT;
    if (t && (sum || avg) && f->head.type->id == CH_DOUBLE)
        return sum ? CH_WIN_SUM_REAL : CH_WIN_AVG_REAL;
    return CH_WIN_AGGREGATE;
}

/* ---- numbers -------------------------------------------------------------------------------------------- */

static ch_status new_column(const ch_win_rows *r, const ch_type *type, ch_column **out,
                            ch_error *err)
{
    return ch_column_new(r->mem, type, r->to - r->from, out, err);
}

static void row_numbers(const ch_win_rows *r, int32_t *out)
{
    for (int64_t p = 0; p < r->n_parts; p++)
        for (int64_t i = r->part[p], k = r->before; i < r->part[p + 1]; i++)
            if (++k, i >= r->from && i < r->to)
                out[i - r->from] = (int32_t)k;
}

static void ranks(const ch_win_rows *r, const uint8_t *new_peer, bool dense, int32_t *out)
{
    for (int64_t p = 0; p < r->n_parts; p++) {
        int32_t rank = 0, k = 0;
        for (int64_t i = r->part[p]; i < r->part[p + 1]; i++) {
            k++;
            if (new_peer[i])
                rank = dense ? rank + 1 : k;
            out[i] = rank;
        }
    }
}

static void percent_ranks(const ch_win_rows *r, const uint8_t *new_peer, double *out)
{
    for (int64_t p = 0; p < r->n_parts; p++) {
        int64_t ps = r->part[p], n = r->part[p + 1] - ps, rank = 0;
        for (int64_t i = 0; i < n; i++) {
            if (new_peer[ps + i])
                rank = i + 1;
            out[ps + i] = n > 1 ? (double)(rank - 1) / (double)(n - 1) : 0.0;
        }
    }
}

static void cume_dists(const ch_win_rows *r, const uint8_t *new_peer, double *out)
{
    for (int64_t p = 0; p < r->n_parts; p++) {
        int64_t ps = r->part[p], n = r->part[p + 1] - ps, end = n;
        for (int64_t i = n; i-- > 0;) {
            out[ps + i] = (double)end / (double)n;
            if (new_peer[ps + i])
                end = i;
        }
    }
}

/* The first n % buckets buckets have one row more. */
static void ntiles(const ch_win_rows *r, int64_t buckets, int32_t *out)
{
    for (int64_t p = 0; p < r->n_parts; p++) {
        int64_t ps = r->part[p], n = r->part[p + 1] - ps, size = n / buckets, more = n % buckets;
        int64_t at = 0;
        for (int64_t bucket = 1; at < n; bucket++)
            for (int64_t k = size + (bucket <= more); k > 0 && at < n; k--)
                out[ps + at++] = (int32_t)bucket;
    }
}

/* ---- rows that count ------------------------------------------------------------------------------------- */

ch_status ch_win_mask(const ch_win_func *f, const ch_win_rows *r, int32_t c, const uint64_t **bits,
                      bool *owned, ch_error *err)
{
    const ch_column *filter = f->filter >= 0 ? r->col[f->filter] : NULL;
    const ch_column *value = c >= 0 ? r->col[c] : NULL;
    *owned = false;
    *bits = value ? value->valid : NULL;
    bool all_null = value && value->type->id == CH_NULL;
    if (!filter && !all_null)
        return CH_OK;
    uint64_t *mask = ch_mem_zalloc(r->mem, (size_t)ch_bit_bytes(r->n) + 8, err);
    if (!mask)
        return CH_E_MEMORY;
    for (int64_t w = 0; w < ch_bit_words(r->n) && !all_null; w++) {
        mask[w] = UINT64_MAX;
        if (filter)
            mask[w] &= ((const uint64_t *)filter->data)[w];
        if (filter && filter->valid)
            mask[w] &= filter->valid[w];
        if (*bits)
            mask[w] &= (*bits)[w];
    }
    *bits = mask;
    *owned = true;
    return CH_OK;
}

static void drop_mask(const ch_win_rows *r, const uint64_t *bits, bool owned)
{
    if (owned)
        ch_mem_free(r->mem, (void *)(uintptr_t)bits, (size_t)ch_bit_bytes(r->n) + 8);
}

/* Positions of the rows that count, and how many there are before each row (n + 1). */
typedef struct counted {
    int32_t *place, *before;
    int64_t n;
} counted;

static ch_status count_rows(const ch_win_rows *r, const uint64_t *bits, counted *out, ch_error *err)
{
    out->place = ch_mem_alloc(r->mem, sizeof(int32_t) * (size_t)(2 * r->n + 2), err);
    if (!out->place)
        return CH_E_MEMORY;
    out->before = out->place + r->n + 1;
    int32_t k = 0;
    for (int64_t i = 0; i < r->n; i++) {
        out->before[i] = k;
        out->place[k] = (int32_t)i;
        k += !bits || ch_bit_get(bits, i);
    }
    out->before[r->n] = k;
    out->n = k;
    return CH_OK;
}

static void drop_counted(const ch_win_rows *r, counted *c)
{
    ch_mem_free(r->mem, c->place, sizeof(int32_t) * (size_t)(2 * r->n + 2));
}

/* ---- lag and lead ------------------------------------------------------------------------------------------- */

/* pick[i]: the row `ahead` rows on that counts, or -1. */
static void offset_counted(const ch_win_func *f, const ch_win_rows *r, const counted *c,
                           int32_t *pick)
{
    for (int64_t p = 0; p < r->n_parts; p++) {
        int64_t ps = r->part[p], pe = r->part[p + 1];
        int64_t low = c->before[ps], high = c->before[pe];
        for (int64_t i = ps; i < pe; i++) {
            /* Ahead: from the next row on; back: from the last one before. */
            int64_t k = f->offset > 0 ? c->before[i + 1] + f->offset - 1 : c->before[i] + f->offset;
            if (i >= r->from && i < r->to)
                pick[i - r->from] = k >= low && k < high ? c->place[k] : -1;
        }
    }
}

static void offset_rows(const ch_win_func *f, const ch_win_rows *r, int32_t *pick)
{
    for (int64_t p = 0; p < r->n_parts; p++) {
        int64_t ps = r->part[p], pe = r->part[p + 1];
        int64_t a = ps > r->from ? ps : r->from, b = pe < r->to ? pe : r->to;
        for (int64_t i = a; i < b; i++) {
            int64_t k = i + f->offset;
            pick[i - r->from] = k >= ps && k < pe ? (int32_t)k : -1;
        }
    }
}

static ch_status constant_column(const ch_win_rows *r, const ch_expr *e, int64_t n,
                                 const ch_type *type, ch_column **out, ch_error *err)
{
    const ch_scalar *v = &((const ch_expr_literal *)e)->value;
    return v->is_null ? ch_column_nulls(r->mem, type, n, out, err)
                      : ch_column_const(r->mem, v, n, out, err);
}

/* An argument's column, constant or not: gives. */
static ch_status argument(const ch_win_func *f, const ch_win_rows *r, int32_t a, ch_column **out,
                          ch_error *err)
{
    if (f->arg[a] < 0)
        return constant_column(r, f->call->args.item[a], r->n, f->call->args.item[a]->type, out,
                               err);
    *out = ch_column_ref(r->col[f->arg[a]]);
    return CH_OK;
}

/* Values at pick; where it is -1, the default of the current row, or NULL. */
static ch_status take_or_default(const ch_win_func *f, const ch_win_rows *r, int32_t *pick,
                                 ch_column **out, ch_error *err)
{
    int64_t n = r->to - r->from;
    ch_column *value = NULL, *other = NULL, *both = NULL;
    ch_status status;
    CH_TRY_OUT(argument(f, r, 0, &value, err));
    if (f->call->args.n < 3) {
        status = ch_take(value, pick, n, true, r->mem, out, err);
        goto out;
    }
    CH_TRY_OUT(argument(f, r, 2, &other, err));
    ch_column *pair[2] = {value, other};
    CH_TRY_OUT(ch_concat(pair, 2, f->call->head.type, r->mem, &both, err));
    for (int64_t i = 0; i < n; i++)
        if (pick[i] < 0)
            pick[i] = (int32_t)(r->n + r->from + i);
    status = ch_take(both, pick, n, false, r->mem, out, err);
out:
    ch_column_unref(both);
    ch_column_unref(other);
    ch_column_unref(value);
    return status;
}

static ch_status eval_offset(const ch_win_func *f, const ch_win_rows *r, int32_t *pick,
                             ch_column **out, ch_error *err)
{
    if (!f->ignore_nulls || f->offset == 0 || f->arg[0] < 0) {
        offset_rows(f, r, pick);
        return take_or_default(f, r, pick, out, err);
    }
    counted c = {0};
    const uint64_t *bits;
    bool owned;
    CH_TRY(ch_win_mask(f, r, f->arg[0], &bits, &owned, err));
    ch_status status = count_rows(r, bits, &c, err);
    if (status == CH_OK) {
        offset_counted(f, r, &c, pick);
        status = take_or_default(f, r, pick, out, err);
        drop_counted(r, &c);
    }
    drop_mask(r, bits, owned);
    return status;
}

/* ---- first, last, nth ------------------------------------------------------------------------------------------ */

static void pick_plain(const ch_win_func *f, int64_t n, const int32_t *lo, const int32_t *hi,
                       int32_t *pick)
{
    for (int64_t i = 0; i < n; i++) {
        int64_t k = f->kind == CH_WIN_LAST  ? (int64_t)hi[i] - 1
                    : f->kind == CH_WIN_NTH ? lo[i] + f->offset - 1
                                            : lo[i];
        pick[i] = k >= lo[i] && k < hi[i] ? (int32_t)k : -1;
    }
}

static void pick_counted(const ch_win_func *f, int64_t n, const counted *c, const int32_t *lo,
                         const int32_t *hi, int32_t *pick)
{
    for (int64_t i = 0; i < n; i++) {
        int64_t low = c->before[lo[i]], high = c->before[hi[i]];
        int64_t k = f->kind == CH_WIN_LAST  ? high - 1
                    : f->kind == CH_WIN_NTH ? low + f->offset - 1
                                            : low;
        pick[i] = k >= low && k < high ? c->place[k] : -1;
    }
}

static ch_status pick_place(const ch_win_func *f, const ch_win_rows *r, const int32_t *lo,
                            const int32_t *hi, int32_t *pick, ch_error *err)
{
    const uint64_t *bits;
    bool owned;
    counted c = {0};
    CH_TRY(ch_win_mask(f, r, f->ignore_nulls ? f->arg[0] : -1, &bits, &owned, err));
    if (!bits) {
        pick_plain(f, r->to - r->from, lo, hi, pick);
        return CH_OK;
    }
    ch_status status = count_rows(r, bits, &c, err);
    if (status == CH_OK) {
        pick_counted(f, r->to - r->from, &c, lo, hi, pick);
        drop_counted(r, &c);
    }
    drop_mask(r, bits, owned);
    return status;
}

/* ---- min and max --------------------------------------------------------------------------------------------------- */

/* Is row x of c better than row y? Equal ones are not: the first stays. */
#define BETTER_LOOP(COMPARE)                                                   \
    for (int64_t i = 0; i < n; i++) {                                          \
        if (lo[i] < start || i == 0 || lo[i] >= end) { /* another partition */ \
            head = tail = 0;                                                   \
            end = lo[i];                                                       \
        }                                                                      \
        start = lo[i];                                                         \
        for (; end < hi[i]; end++) {                                           \
            if (bits && !ch_bit_get(bits, end))                                \
                continue;                                                      \
            int64_t x = end;                                                   \
            while (tail > head) {                                              \
                int64_t y = queue[tail - 1];                                   \
                if (!(COMPARE))                                                \
                    break;                                                     \
                tail--;                                                        \
            }                                                                  \
            queue[tail++] = (int32_t)x;                                        \
        }                                                                      \
        while (head < tail && queue[head] < lo[i])                             \
            head++;                                                            \
        pick[i] = head < tail && lo[i] < hi[i] ? queue[head] : -1;             \
    }

/*
 * Frames' ends only grow within a partition, so the rows that may still become the best are kept in a
 * queue, each worse than the ones before: its head is the best.
 */
#define BETTER_TYPED(T)              \
    do {                             \
        const T *v = c->data;        \
        if (max)                     \
            BETTER_LOOP(v[x] > v[y]) \
        else                         \
            BETTER_LOOP(v[x] < v[y]) \
    } while (0)

static void pick_best(const ch_column *c, bool max, const uint64_t *bits, int64_t n,
                      const int32_t *lo, const int32_t *hi, int32_t *queue, int32_t *pick)
{
    int64_t head = 0, tail = 0, start = -1, end = -1;
    bool plain = !ch_type_is_view(c->type) && !ch_type_is_nested(c->type) &&
                 c->type->id != CH_FLOAT && c->type->id != CH_DOUBLE && c->type->id != CH_BOOLEAN &&
                 c->type->id != CH_CALENDAR_INTERVAL;
    switch (plain ? ch_type_width(c->type) : 0) {
    case 1:
        BETTER_TYPED(int8_t);
        return;
    case 2:
        BETTER_TYPED(int16_t);
        return;
    case 4:
        BETTER_TYPED(int32_t);
        return;
    case 8:
        BETTER_TYPED(int64_t);
        return;
    default:
        break;
    }
    if (c->type->id == CH_DOUBLE) {
        const double *v = c->data;
        if (max)
            BETTER_LOOP(ch_compare_f64(v[x], v[y]) > 0)
        else
            BETTER_LOOP(ch_compare_f64(v[x], v[y]) < 0)
        return;
    }
    if (max)
        BETTER_LOOP(ch_compare_at(c, x, c, y) > 0)
    else
        BETTER_LOOP(ch_compare_at(c, x, c, y) < 0)
}

static ch_status pick_extreme(const ch_win_func *f, const ch_win_rows *r, const int32_t *lo,
                              const int32_t *hi, int32_t *pick, ch_error *err)
{
    const uint64_t *bits;
    bool owned;
    CH_TRY(ch_win_mask(f, r, f->arg[0], &bits, &owned, err));
    int32_t *queue = ch_mem_alloc(r->mem, sizeof *queue * (size_t)r->n, err);
    if (queue)
        pick_best(r->col[f->arg[0]], f->kind == CH_WIN_MAX, bits, r->to - r->from, lo, hi, queue,
                  pick);
    ch_mem_free(r->mem, queue, sizeof *queue * (size_t)r->n);
    drop_mask(r, bits, owned);
    return queue ? CH_OK : CH_E_MEMORY;
}

/* ---- all of them ----------------------------------------------------------------------------------------------------- */

static ch_status eval_pick(const ch_win_func *f, const ch_win_rows *r, ch_column **out,
                           ch_error *err)
{
    int64_t n = r->to - r->from;
    size_t bytes = 3 * sizeof(int32_t) * (size_t)n;
    int32_t *pick = ch_mem_alloc(r->mem, bytes, err);
    if (!pick)
        return CH_E_MEMORY;
    int32_t *lo = pick + n, *hi = lo + n;
    ch_status status;
    if (f->kind == CH_WIN_OFFSET) {
        status = eval_offset(f, r, pick, out, err);
        goto out;
    }
    CH_TRY_OUT(ch_win_frames(f, r, lo, hi, err));
    if (f->kind == CH_WIN_MIN || f->kind == CH_WIN_MAX)
        CH_TRY_OUT(pick_extreme(f, r, lo, hi, pick, err));
    else
        CH_TRY_OUT(pick_place(f, r, lo, hi, pick, err));
    ch_column *value;
    CH_TRY_OUT(argument(f, r, 0, &value, err));
    status = ch_take(value, pick, n, true, r->mem, out, err);
    ch_column_unref(value);
out:
    ch_mem_free(r->mem, pick, bytes);
    return status;
}

static ch_status eval_number(const ch_win_func *f, const ch_win_rows *r, ch_column **out,
                             ch_error *err)
{
    const uint8_t *new_peer = r->new_peer[f->n_order];
    CH_TRY(new_column(r, f->call->head.type, out, err));
    void *to = (*out)->data;
    switch (f->kind) {
    case CH_WIN_ROW_NUMBER:
        row_numbers(r, to);
        break;
    case CH_WIN_RANK:
        ranks(r, new_peer, false, to);
        break;
    case CH_WIN_DENSE_RANK:
        ranks(r, new_peer, true, to);
        break;
    case CH_WIN_PERCENT_RANK:
        percent_ranks(r, new_peer, to);
        break;
    case CH_WIN_CUME_DIST:
        cume_dists(r, new_peer, to);
        break;
    default:
        ntiles(r, f->offset, to);
        break;
    }
    return CH_OK;
}

/* Which of `buckets` row i (from 0) of n is in. */
static int64_t bucket_of(int64_t i, int64_t n, int64_t buckets)
{
    int64_t size = n / buckets, more = n % buckets, large = more * (size + 1);
    return i < large ? i / (size + 1) + 1 : more + (i - large) / size + 1;
}

ch_status ch_win_eval_streamed_rank(const ch_win_func *f, const ch_win_rows *r, ch_win_carry *carry,
                                    ch_column **out, ch_error *err)
{
    const uint8_t *new_peer = r->new_peer[f->n_order];
    CH_TRY(new_column(r, f->call->head.type, out, err));
    int32_t *whole = (*out)->data;
    double *real = (*out)->data;
    int64_t end = r->from; /* of the peers of the row at hand */
    for (int64_t i = r->from; i < r->to; i++) {
        int64_t place = r->before + i, k = i - r->from;
        if (new_peer[i] || place == 0) {
            carry->rank = place + 1;
            carry->dense++;
        }
        switch (f->kind) {
        case CH_WIN_ROW_NUMBER:
            whole[k] = (int32_t)(place + 1);
            break;
        case CH_WIN_RANK:
            whole[k] = (int32_t)carry->rank;
            break;
        case CH_WIN_DENSE_RANK:
            whole[k] = (int32_t)carry->dense;
            break;
        case CH_WIN_PERCENT_RANK:
            real[k] = r->total > 1 ? (double)(carry->rank - 1) / (double)(r->total - 1) : 0.0;
            break;
        case CH_WIN_CUME_DIST:
            for (end = end > i ? end : i + 1; end < r->n && !new_peer[end]; end++)
                ;
            real[k] = (double)(r->before + end) / (double)r->total;
            break;
        default:
            whole[k] = (int32_t)bucket_of(place, r->total, f->offset);
            break;
        }
    }
    return CH_OK;
}

ch_status ch_win_eval(const ch_win_func *f, const ch_win_rows *r, ch_column **out, ch_error *err)
{
    *out = NULL;
    if (f->kind <= CH_WIN_NTILE)
        return eval_number(f, r, out, err);
    if (f->kind <= CH_WIN_MAX)
        return eval_pick(f, r, out, err);
    return ch_win_eval_agg(f, r, out, err);
}
