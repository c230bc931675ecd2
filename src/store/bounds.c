/* SPDX-License-Identifier: Apache-2.0 */
/* bounds.c - min, max and NULL counts: putting them together, and what they prove about predicates. */
#include "store/bounds.h"

#include "kernel/compare.h"

static int compare(const ch_scalar *a, const ch_scalar *b)
{
    switch (a->type->id) {
    case CH_BOOLEAN:
        return a->v.boolean - b->v.boolean;
    case CH_FLOAT:
    case CH_DOUBLE:
        return ch_compare_f64(a->v.f64, b->v.f64);
    case CH_STRING:
    case CH_CHAR:
    case CH_VARCHAR:
    case CH_BINARY:
        return ch_compare_str((ch_str){a->v.str.text, a->v.str.len},
                              (ch_str){b->v.str.text, b->v.str.len});
    default:
        break;
    }
    if (ch_type_is_wide_decimal(a->type))
        return (a->v.i128 > b->v.i128) - (a->v.i128 < b->v.i128);
    return (a->v.i64 > b->v.i64) - (a->v.i64 < b->v.i64);
}

static bool is_float(const ch_type *type)
{
    return type->id == CH_FLOAT || type->id == CH_DOUBLE;
}

void ch_bounds_settle(ch_bounds *b)
{
    if (b->has_min && b->has_max && compare(&b->min, &b->max) > 0)
        b->has_min = b->has_max = false; /* nonsense proves nothing */
    if (b->has_max && is_float(b->max.type))
        b->has_max = false;
}

void ch_bounds_widen(ch_bounds *all, const ch_bounds *more)
{
    bool none = all->n == all->n_null, adds = more->n != more->n_null;
    if (adds && none) {
        all->has_min = more->has_min;
        all->has_max = more->has_max;
        all->min = more->min;
        all->max = more->max;
    } else if (adds) {
        all->has_min &= more->has_min;
        all->has_max &= more->has_max;
        if (all->has_min && compare(&more->min, &all->min) < 0)
            all->min = more->min;
        if (all->has_max && compare(&more->max, &all->max) > 0)
            all->max = more->max;
    }
    all->n += more->n;
    all->n_null += more->n_null;
}

static bool is_outside(const ch_bounds *b, const ch_scalar *v)
{
    if (v->is_null)
        return true;
    return (b->has_min && compare(v, &b->min) < 0) || (b->has_max && compare(v, &b->max) > 0);
}

static bool starts_outside(const ch_bounds *b, const ch_scalar *v)
{
    ch_str prefix = {v->v.str.text, v->v.str.len};
    if (b->has_max && compare(&b->max, v) < 0)
        return true;
    if (!b->has_min)
        return false;
    ch_str least = {b->min.v.str.text, b->min.v.str.len};
    if (least.len > prefix.len)
        least.len = prefix.len;
    return ch_compare_str(least, prefix) > 0;
}

bool ch_bounds_exclude(const ch_bounds *b, const ch_predicate *p)
{
    bool no_values = b->n >= 0 && b->n_null == b->n;
    switch (p->op) {
    case CH_PRED_IS_NULL:
        return b->n_null == 0;
    case CH_PRED_IS_NOT_NULL:
        return no_values;
    case CH_PRED_EQ_NULL_SAFE:
        if (p->value->is_null)
            return b->n_null == 0;
        break;
    default:
        break;
    }
    if (no_values)
        return true;
    const ch_scalar *v = p->value;
    switch (p->op) {
    case CH_PRED_EQ:
    case CH_PRED_EQ_NULL_SAFE:
        return is_outside(b, v);
    case CH_PRED_IN:
        for (int32_t i = 0; i < p->n_values; i++)
            if (!is_outside(b, &v[i]))
                return false;
        return true;
    case CH_PRED_NE:
        return b->has_min && b->has_max && compare(&b->min, v) == 0 && compare(&b->max, v) == 0;
    case CH_PRED_LT:
        return b->has_min && compare(&b->min, v) >= 0;
    case CH_PRED_LE:
        return b->has_min && compare(&b->min, v) > 0;
    case CH_PRED_GT:
        return b->has_max && compare(&b->max, v) <= 0;
    case CH_PRED_GE:
        return b->has_max && compare(&b->max, v) < 0;
    case CH_PRED_STARTS_WITH:
        return starts_outside(b, v);
    default:
        return false;
    }
}

bool ch_bounds_exclude_runtime(const ch_bounds *b, const ch_runtime_filter *f)
{
    if (!f->ready)
        return false;
    if (f->with_null && b->n_null != 0)
        return false;
    if (f->empty || (b->n >= 0 && b->n_null == b->n))
        return true;
    return b->has_min && b->has_max && b->min.type == f->type &&
           ch_runtime_filter_excludes(f, &b->min, &b->max);
}
