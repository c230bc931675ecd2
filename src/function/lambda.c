/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lambda.c - binding of transform, filter, exists, forall, aggregate, reduce, zip_with, map_filter,
 * transform_keys, transform_values, map_zip_with, and array_sort with a comparator.
 */
#include "function/lambda.h"

#include "function/support.h"

/* The family, in the order of `kind`. */
extern const ch_func ch_func_lambda[];

typedef enum kind {
    TRANSFORM,
    FILTER,
    EXISTS,
    FORALL,
    AGGREGATE,
    REDUCE,
    ZIP_WITH,
    MAP_FILTER,
    TRANSFORM_KEYS,
    TRANSFORM_VALUES,
    MAP_ZIP_WITH,
    ARRAY_SORT
} kind;

static kind kind_of(const ch_func *func)
{
    return (kind)(func - ch_func_lambda);
}

int32_t ch_lambda_n_values(const ch_func *func)
{
    switch (kind_of(func)) {
    case AGGREGATE:
    case REDUCE:
    case ZIP_WITH:
    case MAP_ZIP_WITH:
        return 2;
    default:
        return 1;
    }
}

int32_t ch_lambda_n_functions(const ch_func *func)
{
    return kind_of(func) == AGGREGATE || kind_of(func) == REDUCE ? 2 : 1;
}

static void add(ch_lambda_vars *v, int32_t *n, const ch_type *type, bool nullable)
{
    v->type[*n] = type;
    v->nullable[(*n)++] = nullable;
}

bool ch_lambda_variables(const ch_func *func, int32_t which, const ch_type *const *type,
                         const bool *nullable, ch_lambda_vars *out)
{
    kind k = kind_of(func);
    bool map = k >= MAP_FILTER && k <= MAP_ZIP_WITH;
    const ch_type *t = type[0], *key;
    int32_t n = 0;
    CH_UNUSED(nullable);
    *out = (ch_lambda_vars){0};
    if (t->id != (map ? CH_MAP : CH_ARRAY))
        return false;
    const ch_type *u = ch_lambda_n_values(func) == 2 ? type[1] : NULL;
    const ch_field *f = t->field;
    switch (k) {
    case TRANSFORM:
    case FILTER:
        add(out, &n, f[0].type, f[0].nullable);
        add(out, &n, CH_T_INT, false);
        out->n_least = 1;
        out->n_most = 2;
        return true;
    case EXISTS:
    case FORALL:
        add(out, &n, f[0].type, f[0].nullable);
        break;
    case AGGREGATE:
    case REDUCE:
        add(out, &n, u, true);
        if (which == 0)
            add(out, &n, f[0].type, f[0].nullable);
        break;
    case ZIP_WITH:
        if (u->id != CH_ARRAY)
            return false;
        add(out, &n, f[0].type, true);
        add(out, &n, u->field[0].type, true);
        break;
    case MAP_ZIP_WITH:
        if (u->id != CH_MAP)
            return false;
        key = ch_tightest_type(f[0].type, u->field[0].type);
        if (!key)
            return false;
        add(out, &n, key, false);
        add(out, &n, f[1].type, true);
        add(out, &n, u->field[1].type, true);
        break;
    case ARRAY_SORT:
        add(out, &n, f[0].type, f[0].nullable);
        add(out, &n, f[0].type, f[0].nullable);
        break;
    default:
        add(out, &n, f[0].type, false);
        add(out, &n, f[1].type, f[1].nullable);
    }
    out->n_least = out->n_most = n;
    return true;
}

/* ---- binding ---- */

static ch_status need(const ch_bind *bind, int32_t i, ch_type_id id, ch_error *err)
{
    if (bind->arg_type[i]->id == id)
        return CH_OK;
    return ch_bind_wrong_type(bind, i, id == CH_MAP ? "MAP" : "ARRAY", err);
}

static ch_status need_boolean(ch_bind *bind, int32_t i, ch_error *err)
{
    if (bind->arg_type[i]->id == CH_NULL)
        bind->arg_type[i] = CH_T_BOOLEAN;
    return bind->arg_type[i]->id == CH_BOOLEAN ? CH_OK
                                               : ch_bind_wrong_type(bind, i, "BOOLEAN", err);
}

/* One type but for what may be NULL? */
static bool same_structure(const ch_type *a, const ch_type *b)
{
    if (a == b)
        return true;
    if (a->id != b->id || a->n_fields != b->n_fields || !ch_type_is_nested(a))
        return false;
    for (int32_t i = 0; i < a->n_fields; i++)
        if (!same_structure(a->field[i].type, b->field[i].type))
            return false;
    return true;
}

static ch_status bind_aggregate(ch_bind *bind, ch_error *err)
{
    CH_TRY(need(bind, 0, CH_ARRAY, err));
    if (!same_structure(bind->arg_type[1], bind->arg_type[2])) {
        ch_quoted_type t = ch_quote_type(bind->arg_type[1]);
        t.text[strlen(t.text) - 1] = 0;
        return ch_bind_wrong_type(bind, 2, t.text + 1, err);
    }
    bind->result = bind->arg_type[3];
    bind->nullable = bind->arg_nullable[0] || bind->arg_nullable[3];
    return CH_OK;
}

static ch_status bind_map_zip(ch_bind *bind, ch_error *err)
{
    CH_TRY(need(bind, 0, CH_MAP, err));
    CH_TRY(need(bind, 1, CH_MAP, err));
    const ch_field *a = bind->arg_type[0]->field, *b = bind->arg_type[1]->field;
    const ch_type *key = ch_tightest_type(a[0].type, b[0].type);
    if (!key) {
        ch_quoted_type left = ch_quote_type(a[0].type), right = ch_quote_type(b[0].type);
        CH_FAIL(err, MAP_ZIP_WITH_TYPES, "sqlExpr", ch_bind_sql(bind), "functionName",
                "`map_zip_with`", "leftType", left.text, "rightType", right.text);
    }
    bind->arg_type[0] = ch_type_map(key, a[1].type, a[1].nullable);
    bind->arg_type[1] = ch_type_map(key, b[1].type, b[1].nullable);
    bind->result = ch_type_map(key, bind->arg_type[2], bind->arg_nullable[2]);
    return bind->arg_type[0] && bind->arg_type[1] ? CH_OK : CH_E_MEMORY;
}

static ch_status bind_sort(ch_bind *bind, ch_error *err)
{
    CH_TRY(need(bind, 0, CH_ARRAY, err));
    if (bind->arg_type[1]->id != CH_INT) {
        ch_quoted_type t = ch_quote_type(bind->arg_type[1]);
        CH_FAIL(err, UNEXPECTED_RETURN_TYPE, "sqlExpr", ch_bind_sql(bind), "functionName",
                "`lambdafunction`", "expectedType", "\"INT\"", "actualType", t.text);
    }
    bind->result = bind->arg_type[0];
    return CH_OK;
}

static ch_status bind_lambda(ch_bind *bind, ch_error *err)
{
    int32_t n_values = ch_lambda_n_values(bind->func), body = n_values;
    kind k = kind_of(bind->func);
    if (bind->n_args != n_values + ch_lambda_n_functions(bind->func))
        return ch_bind_count(bind, n_values == 2 && body == 2 ? "3" : "2", err);
    const ch_type *t = bind->arg_type[0], *made = bind->arg_type[body];
    bool maybe = bind->arg_nullable[body];
    bind->nullable = bind->arg_nullable[0] || (k == ZIP_WITH && bind->arg_nullable[1]) ||
                     (k == MAP_ZIP_WITH && bind->arg_nullable[1]);
    switch (k) {
    case TRANSFORM:
        CH_TRY(need(bind, 0, CH_ARRAY, err));
        bind->result = ch_type_array(made, maybe);
        break;
    case FILTER:
        CH_TRY(need(bind, 0, CH_ARRAY, err));
        CH_TRY(need_boolean(bind, body, err));
        bind->result = t;
        break;
    case EXISTS:
    case FORALL:
        CH_TRY(need(bind, 0, CH_ARRAY, err));
        CH_TRY(need_boolean(bind, body, err));
        bind->result = CH_T_BOOLEAN;
        bind->nullable |= maybe;
        break;
    case AGGREGATE:
    case REDUCE:
        return bind_aggregate(bind, err);
    case ZIP_WITH:
        CH_TRY(need(bind, 0, CH_ARRAY, err));
        CH_TRY(need(bind, 1, CH_ARRAY, err));
        bind->result = ch_type_array(made, maybe);
        break;
    case MAP_FILTER:
        CH_TRY(need(bind, 0, CH_MAP, err));
        CH_TRY(need_boolean(bind, body, err));
        bind->result = t;
        break;
    case TRANSFORM_KEYS:
        CH_TRY(need(bind, 0, CH_MAP, err));
        bind->result = ch_type_map(made, t->field[1].type, t->field[1].nullable);
        break;
    case TRANSFORM_VALUES:
        CH_TRY(need(bind, 0, CH_MAP, err));
        bind->result = ch_type_map(t->field[0].type, made, maybe);
        break;
    case MAP_ZIP_WITH:
        CH_TRY(bind_map_zip(bind, err));
        break;
    case ARRAY_SORT:
        CH_TRY(bind_sort(bind, err));
        break;
    }
    return bind->result ? CH_OK : CH_E_MEMORY;
}

#define ROW(fn, flag, text, ex, want)                                                              \
    {                                                                                              \
        .name = fn, .bind = bind_lambda, .flags = CH_FUNC_SPECIAL | CH_FUNC_HIGHER_ORDER | (flag), \
        .doc = text, .example = "SELECT " ex, .expect = want, .since = "0.1"                       \
    }

/* In the order of `kind`. */
const ch_func ch_func_lambda[] = {
    ROW("transform", 0, "What a function makes of each element.",
        "transform(array(1, 2, 3), x -> x + 1)", "[2, 3, 4]"),
    ROW("filter", 0, "The elements for which a condition holds.",
        "filter(array(1, 2, 3), x -> x % 2 = 1)", "[1, 3]"),
    ROW("exists", 0, "Does a condition hold for some element?",
        "exists(array(1, 2, 3), x -> x % 2 = 0)", "true"),
    ROW("forall", 0, "Does a condition hold for every element?",
        "forall(array(2, 4, 8), x -> x % 2 = 0)", "true"),
    ROW("aggregate", 0, "A value that each element in turn changes.",
        "aggregate(array(1, 2, 3), 0, (acc, x) -> acc + x)", "6"),
    ROW("reduce", 0, "A value that each element in turn changes.",
        "reduce(array(1, 2, 3), 0, (acc, x) -> acc + x, acc -> acc * 10)", "60"),
    ROW("zip_with", 0, "What a function makes of the elements of two arrays, side by side.",
        "zip_with(array(1, 2), array(3, 4), (x, y) -> x + y)", "[4, 6]"),
    ROW("map_filter", 0, "The entries for which a condition holds.",
        "map_filter(map(1, 0, 2, 2, 3, -1), (k, v) -> k > v)", "{1 -> 0, 3 -> -1}"),
    ROW("transform_keys", CH_FUNC_MAY_FAIL, "The map under keys that a function makes.",
        "transform_keys(map(1, 1, 2, 2), (k, v) -> k + 1)", "{2 -> 1, 3 -> 2}"),
    ROW("transform_values", 0, "The map with values that a function makes.",
        "transform_values(map(1, 1, 2, 2), (k, v) -> v + 1)", "{1 -> 2, 2 -> 3}"),
    ROW("map_zip_with", 0, "What a function makes of the values that two maps have for each key.",
        "map_zip_with(map(1, 'a'), map(1, 'x'), (k, v1, v2) -> concat(v1, v2))", "{1 -> ax}"),
    ROW("array_sort", CH_FUNC_MAY_FAIL, "Sorted by a comparator.",
        "array_sort(array(5, 6, 1), (l, r) -> r - l)", "[6, 5, 1]"),
    CH_FUNC_END,
};
