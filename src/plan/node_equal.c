/* SPDX-License-Identifier: Apache-2.0 */
/* node_equal.c - are two trees the same, and a number that says that they are not: loops over node.h's tables. */
#include "plan/node.h"
#include "python/udf.h"

#include <xxhash.h>

#define AT(T, p) (*(T const *)(const void *)(p))

/* ---- equality ------------------------------------------------------------------------------ */

static bool str_equal(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static bool strs_equal(const char *const *a, const char *const *b, int32_t n)
{
    for (int32_t i = 0; i < n; i++)
        if (!str_equal(a[i], b[i]))
            return false;
    return true;
}

bool ch_scalar_equal(const ch_scalar *a, const ch_scalar *b)
{
    if (a->type != b->type || a->is_null != b->is_null)
        return false;
    if (a->is_null || !a->type)
        return true;
    switch (a->type->id) {
    case CH_NULL:
        return true;
    case CH_BOOLEAN:
        return a->v.boolean == b->v.boolean;
    case CH_FLOAT:
    case CH_DOUBLE: /* by bits: NaN is NaN, 0.0 is not -0.0 */
        return memcmp(&a->v.f64, &b->v.f64, sizeof a->v.f64) == 0;
    case CH_DECIMAL:
        return ch_type_is_wide_decimal(a->type) ? a->v.i128 == b->v.i128 : a->v.i64 == b->v.i64;
    case CH_STRING:
    case CH_CHAR:
    case CH_VARCHAR:
    case CH_BINARY:
        return a->v.str.len == b->v.str.len &&
               (a->v.str.len == 0 ||
                memcmp(a->v.str.text, b->v.str.text, (size_t)a->v.str.len) == 0);
    case CH_CALENDAR_INTERVAL:
        return a->v.interval.months == b->v.interval.months &&
               a->v.interval.days == b->v.interval.days &&
               a->v.interval.nanos == b->v.interval.nanos;
    case CH_ARRAY:
    case CH_MAP:
    case CH_STRUCT:
    case CH_VARIANT:
        if (a->v.list.n != b->v.list.n)
            return false;
        for (int64_t i = 0; i < a->v.list.n; i++)
            if (!ch_scalar_equal(&a->v.list.item[i], &b->v.list.item[i]))
                return false;
        return true;
    default:
        return a->v.i64 == b->v.i64;
    }
}

static bool exprs_equal(ch_expr_list a, ch_expr_list b)
{
    if (a.n != b.n)
        return false;
    for (int32_t i = 0; i < a.n; i++)
        if (!ch_expr_equal(a.item[i], b.item[i]))
            return false;
    return true;
}

static bool rels_equal(ch_rel_list a, ch_rel_list b)
{
    if (a.n != b.n)
        return false;
    for (int32_t i = 0; i < a.n; i++)
        if (!ch_rel_equal(a.item[i], b.item[i]))
            return false;
    return true;
}

static bool rows_equal(const ch_expr_list *a, const ch_expr_list *b, int32_t na, int32_t nb)
{
    if (na != nb)
        return false;
    for (int32_t i = 0; i < na; i++)
        if (!exprs_equal(a[i], b[i]))
            return false;
    return true;
}

static bool sets_equal(const ch_rel_aggregate *a, const ch_rel_aggregate *b)
{
    if (a->n_sets != b->n_sets)
        return false;
    for (int32_t i = 0; i < a->n_sets; i++)
        if (a->set_len[i] != b->set_len[i] ||
            (a->set_len[i] > 0 &&
             memcmp(a->sets[i], b->sets[i], sizeof(int32_t) * (size_t)a->set_len[i]) != 0))
            return false;
    return true;
}

static bool field_equal(const ch_node_field *f, const void *a, const void *b)
{
    const char *x = (const char *)a + f->offset, *y = (const char *)b + f->offset;
    switch (f->kind) {
    case CH_NODE_EXPR:
        return ch_expr_equal(AT(ch_expr *, x), AT(ch_expr *, y));
    case CH_NODE_EXPR_LIST:
        return exprs_equal(AT(ch_expr_list, x), AT(ch_expr_list, y));
    case CH_NODE_REL:
        return ch_rel_equal(AT(ch_rel *, x), AT(ch_rel *, y));
    case CH_NODE_REL_LIST:
        return rels_equal(AT(ch_rel_list, x), AT(ch_rel_list, y));
    case CH_NODE_STR:
        return str_equal(AT(char *, x), AT(char *, y));
    case CH_NODE_STR_LIST:
        return AT(ch_str_list, x).n == AT(ch_str_list, y).n &&
               strs_equal(AT(ch_str_list, x).item, AT(ch_str_list, y).item, AT(ch_str_list, x).n);
    case CH_NODE_OPTIONS: {
        ch_option_list p = AT(ch_option_list, x), q = AT(ch_option_list, y);
        return p.n == q.n && strs_equal(p.key, q.key, p.n) && strs_equal(p.value, q.value, p.n);
    }
    case CH_NODE_BOOL:
        return AT(bool, x) == AT(bool, y);
    case CH_NODE_I32:
        return AT(int32_t, x) == AT(int32_t, y);
    case CH_NODE_I64:
        return AT(int64_t, x) == AT(int64_t, y);
    case CH_NODE_F64:
        return memcmp(x, y, sizeof(double)) == 0;
    case CH_NODE_TYPE:
    case CH_NODE_POINTER:
        return AT(void *, x) == AT(void *, y);
    case CH_NODE_FUNC:
        return ch_python_same(AT(struct ch_func *, x), AT(struct ch_func *, y));
    case CH_NODE_SCALAR:
        return ch_scalar_equal(&AT(ch_scalar, x), &AT(ch_scalar, y));
    case CH_NODE_ATTR: {
        const ch_attr *p = AT(ch_attr *, x), *q = AT(ch_attr *, y);
        return p == q || (p && q && p->id == q->id);
    }
    case CH_NODE_EXPR_ROWS:
        return rows_equal(AT(ch_expr_list *, x), AT(ch_expr_list *, y),
                          ch_node_n_rows(a, f->offset), ch_node_n_rows(b, f->offset));
    case CH_NODE_INDEX_SETS:
        return sets_equal(a, b);
    case CH_NODE_WANTED: {
        int32_t n = ((const ch_rel *)a)->output.n; /* the same in both: compared before */
        return n <= 0 ||
               memcmp(AT(int32_t *, x), AT(int32_t *, y), sizeof(int32_t) * (size_t)n) == 0;
    }
    }
    return false;
}

static bool fields_equal(const ch_node_class *cls, const void *a, const void *b)
{
    for (int i = 0; i < cls->n_fields; i++)
        if (!field_equal(&cls->field[i], a, b))
            return false;
    return true;
}

bool ch_expr_equal(const ch_expr *a, const ch_expr *b)
{
    if (a == b || !a || !b)
        return a == b;
    if (a->kind != b->kind)
        return false;
    const ch_expr_subquery *s = (const void *)a, *t = (const void *)b;
    if (a->kind == CH_EXPR_SUBQUERY && s->written && t->written)
        return s->subquery_kind == t->subquery_kind && exprs_equal(s->in_values, t->in_values) &&
               exprs_equal(s->outer, t->outer) && ch_rel_equal(s->written, t->written);
    return fields_equal(ch_expr_class(a->kind), a, b);
}

bool ch_rel_equal(const ch_rel *a, const ch_rel *b)
{
    if (a == b || !a || !b)
        return a == b;
    if (a->kind != b->kind || a->plan_id != b->plan_id || a->output.n != b->output.n)
        return false;
    for (int32_t i = 0; i < a->output.n; i++)
        if (a->output.item[i]->id != b->output.item[i]->id)
            return false;
    return fields_equal(ch_rel_class(a->kind), a, b);
}

/* ---- hash ---------------------------------------------------------------------------------- */

static uint64_t mix(uint64_t h, uint64_t v)
{
    h = (h ^ v) * UINT64_C(0x9E3779B97F4A7C15);
    return h ^ (h >> 29);
}

static uint64_t mix_bytes(uint64_t h, const void *bytes, size_t len)
{
    return mix(h, XXH3_64bits(bytes, len) + len);
}

static uint64_t mix_str(uint64_t h, const char *text)
{
    return text ? mix_bytes(h, text, strlen(text)) : mix(h, 1);
}

static uint64_t mix_scalar(uint64_t h, const ch_scalar *s)
{
    h = mix(h, s->type ? s->type->hash : 0);
    if (s->is_null || !s->type)
        return mix(h, 2);
    switch (s->type->id) {
    case CH_BOOLEAN:
        return mix(h, s->v.boolean);
    case CH_FLOAT:
    case CH_DOUBLE:
        return mix_bytes(h, &s->v.f64, sizeof s->v.f64);
    case CH_STRING:
    case CH_CHAR:
    case CH_VARCHAR:
    case CH_BINARY:
        return mix_bytes(h, s->v.str.text, (size_t)s->v.str.len);
    case CH_DECIMAL:
        return ch_type_is_wide_decimal(s->type) ? mix_bytes(h, &s->v.i128, sizeof s->v.i128)
                                                : mix(h, (uint64_t)s->v.i64);
    case CH_CALENDAR_INTERVAL:
        h = mix(h, (uint64_t)(uint32_t)s->v.interval.months << 32 | (uint32_t)s->v.interval.days);
        return mix(h, (uint64_t)s->v.interval.nanos);
    case CH_ARRAY:
    case CH_MAP:
    case CH_STRUCT:
    case CH_VARIANT:
        for (int64_t i = 0; i < s->v.list.n; i++)
            h = mix_scalar(h, &s->v.list.item[i]);
        return mix(h, (uint64_t)s->v.list.n);
    case CH_NULL:
        return h;
    default:
        return mix(h, (uint64_t)s->v.i64);
    }
}

static uint64_t mix_expr(uint64_t h, const ch_expr *e, ch_child_hash child, void *user)
{
    return mix(h, !e ? 3 : child ? child(user, e) : ch_expr_hash(e));
}

/* Relations inside expressions (subqueries) count by kind only: equality looks closer. */
uint64_t ch_expr_hash_by(const ch_expr *expr, ch_child_hash child, void *user)
{
    const ch_node_class *cls = ch_expr_class(expr->kind);
    uint64_t h = mix(5, (uint64_t)expr->kind);
    for (int i = 0; i < cls->n_fields; i++) {
        const char *x = (const char *)expr + cls->field[i].offset;
        switch (cls->field[i].kind) {
        case CH_NODE_EXPR:
            h = mix_expr(h, AT(ch_expr *, x), child, user);
            break;
        case CH_NODE_EXPR_LIST: {
            ch_expr_list list = AT(ch_expr_list, x);
            for (int32_t j = 0; j < list.n; j++)
                h = mix_expr(h, list.item[j], child, user);
            h = mix(h, (uint64_t)list.n);
            break;
        }
        case CH_NODE_REL:
            h = mix(h, AT(ch_rel *, x) ? (uint64_t)AT(ch_rel *, x)->kind : 4);
            break;
        case CH_NODE_STR:
            h = mix_str(h, AT(char *, x));
            break;
        case CH_NODE_STR_LIST: {
            ch_str_list list = AT(ch_str_list, x);
            for (int32_t j = 0; j < list.n; j++)
                h = mix_str(h, list.item[j]);
            h = mix(h, (uint64_t)list.n);
            break;
        }
        case CH_NODE_BOOL:
            h = mix(h, AT(bool, x));
            break;
        case CH_NODE_I32:
            h = mix(h, (uint64_t)AT(int32_t, x));
            break;
        case CH_NODE_I64:
            h = mix(h, (uint64_t)AT(int64_t, x));
            break;
        case CH_NODE_F64:
            h = mix_bytes(h, x, sizeof(double));
            break;
        case CH_NODE_TYPE:
            h = mix(h, AT(ch_type *, x) ? AT(ch_type *, x)->hash : 0);
            break;
        case CH_NODE_POINTER:
            h = mix(h, (uint64_t)(uintptr_t)AT(void *, x));
            break;
        case CH_NODE_SCALAR:
            h = mix_scalar(h, &AT(ch_scalar, x));
            break;
        case CH_NODE_ATTR:
            h = mix(h, AT(ch_attr *, x) ? (uint64_t)AT(ch_attr *, x)->id : 0);
            break;
        default: /* in relations only */
            break;
        }
    }
    return h;
}
