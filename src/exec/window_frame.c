/* SPDX-License-Identifier: Apache-2.0 */
/*
 * window_frame.c - where the frame of each row begins and ends.
 *
 * ROWS frames are sums. RANGE frames without values end with peers; with values their ends are found by
 * two pointers, since bounds grow with the rows: bound columns hold ORDER BY's expression moved by the
 * value (the analyzer made them), so every type and its overflow are the expressions' business.
 */
#include "exec/window.h"

static int64_t clamp(int64_t v, int64_t low, int64_t high)
{
    return v < low ? low : v > high ? high : v;
}

/* Index of the partition that row i belongs to. */
static int64_t partition_of(const ch_win_rows *r, int64_t i)
{
    int64_t low = 0, high = r->n_parts - 1;
    while (low < high) {
        int64_t mid = (low + high + 1) / 2;
        if (r->part[mid] <= i)
            low = mid;
        else
            high = mid - 1;
    }
    return low;
}

/* Calls body for each partition's stretch [a, b) of [from, to), with its bounds [ps, pe). */
#define EACH_PART(r, ...)                                                             \
    for (int64_t p_ = partition_of(r, (r)->from), a = (r)->from; a < (r)->to; p_++) { \
        int64_t ps = (r)->part[p_], pe = (r)->part[p_ + 1];                           \
        int64_t b = pe < (r)->to ? pe : (r)->to;                                      \
        __VA_ARGS__;                                                                  \
        a = b;                                                                        \
    }

static void rows_bound(const ch_win_rows *r, int64_t offset, bool upper, int32_t *out)
{
    EACH_PART(r, {
        for (int64_t i = a; i < b; i++)
            out[i - r->from] = (int32_t)clamp(i + offset + upper, ps, pe);
    })
}

static void unbounded(const ch_win_rows *r, bool upper, int32_t *out)
{
    EACH_PART(r, {
        for (int64_t i = a; i < b; i++)
            out[i - r->from] = (int32_t)(upper ? pe : ps);
    })
}

static void peers_bound(const ch_win_rows *r, const uint8_t *new_peer, bool upper, int32_t *out)
{
    EACH_PART(r, {
        if (upper) {
            int64_t end = b;
            while (end < pe && !new_peer[end])
                end++;
            for (int64_t i = b; i-- > a;) {
                out[i - r->from] = (int32_t)end;
                if (new_peer[i])
                    end = i;
            }
        } else {
            int64_t start = a;
            while (start > ps && !new_peer[start])
                start--;
            for (int64_t i = a; i < b; i++) {
                if (new_peer[i])
                    start = i;
                out[i - r->from] = (int32_t)start;
            }
        }
    })
}

/* ---- RANGE with values ----------------------------------------------------------------------------------- */

static ch_i128 whole_at(const ch_column *c, int64_t i)
{
    return ch_type_width(c->type) == 16 ? ((const ch_i128 *)c->data)[i] : ch_column_i64(c, i);
}

static double real_at(const ch_column *c, int64_t i)
{
    return c->type->id == CH_FLOAT ? (double)((const float *)c->data)[i]
                                   : ((const double *)c->data)[i];
}

static int compare(const ch_column *x, int64_t i, const ch_column *y, int64_t j)
{
    if (x->type->id == CH_FLOAT || x->type->id == CH_DOUBLE) {
        double a = real_at(x, i), b = real_at(y, j);
        if (a != a || b != b) /* NaN is largest */
            return (a != a) - (b != b);
        return (a > b) - (a < b);
    }
    ch_i128 a = whole_at(x, i), b = whole_at(y, j);
    return (a > b) - (a < b);
}

typedef struct range_end {
    const ch_column *value, *bound;
    bool descending, upper;
} range_end;

/* Does row j come before the frame's start (before its end) that row i's bound asks for? */
static bool is_before(const range_end *e, int64_t j, int64_t i)
{
    int c = compare(e->value, j, e->bound, i);
    if (e->descending)
        c = -c;
    return e->upper ? c <= 0 : c < 0;
}

static void range_bound(const ch_win_rows *r, const ch_win_func *f, bool upper,
                        const uint8_t *new_peer, int32_t *out)
{
    const ch_expr_sort_order *order = (const void *)f->expr->order.item[0];
    range_end e = {r->col[f->order_col], r->col[upper ? f->upper_col : f->lower_col],
                   order->descending, upper};
    peers_bound(r, new_peer, upper, out); /* of NULLs that stays */
    EACH_PART(r, {
        /* Values lie in [first, last): NULLs are on one side. */
        int64_t first = ps, last = pe;
        while (first < pe && order->nulls_first && ch_column_is_null(e.value, first))
            first++;
        while (last > first && !order->nulls_first && ch_column_is_null(e.value, last - 1))
            last--;
        int64_t at = first;
        for (int64_t i = a; i < b; i++) {
            if (ch_column_is_null(e.value, i))
                continue;
            if (ch_column_is_null(e.bound, i)) { /* the value moved out of its type */
                out[i - r->from] = (int32_t)(upper ? last : first);
                continue;
            }
            while (at < last && is_before(&e, at, i))
                at++;
            out[i - r->from] = (int32_t)at;
        }
    })
}

ch_status ch_win_frames(const ch_win_func *f, const ch_win_rows *r, int32_t *lo, int32_t *hi,
                        ch_error *err)
{
    CH_UNUSED(err);
    for (int side = 0; side < 2; side++) {
        bool upper = side == 1;
        ch_bound_kind kind = upper ? f->expr->upper : f->expr->lower;
        int32_t *out = upper ? hi : lo;
        if (kind == CH_BOUND_UNBOUNDED)
            unbounded(r, upper, out);
        else if (f->expr->frame == CH_FRAME_ROW)
            rows_bound(r, upper ? f->upper : f->lower, upper, out);
        else if (kind == CH_BOUND_CURRENT_ROW)
            peers_bound(r, r->new_peer[f->n_order], upper, out);
        else
            range_bound(r, f, upper, r->new_peer[f->n_order], out);
    }
    /* An empty frame is empty where it begins. */
    for (int64_t i = 0; i < r->to - r->from; i++)
        hi[i] = hi[i] < lo[i] ? lo[i] : hi[i];
    return CH_OK;
}
