/* SPDX-License-Identifier: Apache-2.0 */
/*
 * node.c - the tables of fields, and the loops over them.
 *
 * A row of EXPR_CLASS or REL_CLASS names a kind and the members of its struct that matter; a member's
 * field kind follows from its C type, so a table cannot disagree with plan.h. A member that no table
 * names is not copied wrongly (copies are of the whole struct) but is not compared, walked or printed.
 */
#include "plan/node.h"
#include "plan/plan_command.h"
#include "plan/plan_frame.h"
#include "plan/plan_python.h"

/* ---- tables -------------------------------------------------------------------------------- */

/* clang-format off */
#define KIND_OF(member) _Generic((member), \
    ch_expr *: CH_NODE_EXPR,               ch_expr_list: CH_NODE_EXPR_LIST, \
    ch_rel *: CH_NODE_REL,                 ch_rel_list: CH_NODE_REL_LIST, \
    const char *: CH_NODE_STR,             ch_str_list: CH_NODE_STR_LIST, \
    ch_option_list: CH_NODE_OPTIONS,       bool: CH_NODE_BOOL, \
    int32_t: CH_NODE_I32,                  unsigned: CH_NODE_I32, /* enums */ \
    int64_t: CH_NODE_I64,                  double: CH_NODE_F64, \
    const ch_type *: CH_NODE_TYPE,         ch_scalar: CH_NODE_SCALAR, \
    const ch_attr *: CH_NODE_ATTR,         ch_expr_list *: CH_NODE_EXPR_ROWS, \
    int32_t **: CH_NODE_INDEX_SETS,        int32_t *: CH_NODE_WANTED, \
    const struct ch_func *: CH_NODE_FUNC, \
    default: CH_NODE_POINTER)

#define FIELD(T, member) {#member, KIND_OF(((T *)0)->member), offsetof(T, member)},

/* FIELDS(T, a, b, c) = FIELD(T, a) FIELD(T, b) FIELD(T, c) */
#define FIELDS(T, ...) __VA_OPT__(AGAIN3(FIELDS_STEP(T, __VA_ARGS__)))
#define FIELDS_STEP(T, first, ...) FIELD(T, first) __VA_OPT__(FIELDS_NEXT PAREN (T, __VA_ARGS__))
#define FIELDS_NEXT() FIELDS_STEP
#define PAREN ()
#define AGAIN3(...) AGAIN2(AGAIN2(AGAIN2(__VA_ARGS__)))
#define AGAIN2(...) AGAIN1(AGAIN1(AGAIN1(__VA_ARGS__)))
#define AGAIN1(...) __VA_ARGS__

#define CLASS(T, name, ...) { \
    name, sizeof(T), sizeof((ch_node_field[]){FIELDS(T, __VA_ARGS__) {0}}) / sizeof(ch_node_field) - 1, \
    (const ch_node_field[]){FIELDS(T, __VA_ARGS__) {0}}}
#define EXPR_CLASS(KIND, type, name, ...) [CH_EXPR_##KIND] = CLASS(ch_expr_##type, name, __VA_ARGS__)
#define REL_CLASS(KIND, type, name, ...) [CH_REL_##KIND] = CLASS(ch_rel_##type, name, __VA_ARGS__)

static const ch_node_class EXPR[CH_N_EXPR_KINDS] = {
    EXPR_CLASS(LITERAL, literal, "Literal", value),
    EXPR_CLASS(UNRESOLVED_ATTRIBUTE, unresolved_attribute, "UnresolvedAttribute", parts, plan_id),
    EXPR_CLASS(UNRESOLVED_FUNCTION, unresolved_function, "UnresolvedFunction",
               name, args, is_distinct, ignore_nulls, filter, is_infix, python, sql),
    EXPR_CLASS(UNRESOLVED_STAR, unresolved_star, "UnresolvedStar", target, except, pattern, plan_id),
    EXPR_CLASS(UNRESOLVED_EXTRACT_VALUE, unresolved_extract_value, "UnresolvedExtractValue",
               child, extraction),
    EXPR_CLASS(EXPRESSION_STRING, expression_string, "ExpressionString", expression),
    EXPR_CLASS(ALIAS, alias, "Alias", child, names, metadata, id),
    EXPR_CLASS(CAST, cast, "Cast", child, to, eval_mode, implicit),
    EXPR_CLASS(SORT_ORDER, sort_order, "SortOrder", child, descending, nulls_first),
    EXPR_CLASS(WINDOW, window, "Window", function, partition, order, name, frame, lower, upper,
               lower_value, upper_value, lower_at, upper_at),
    EXPR_CLASS(LAMBDA_FUNCTION, lambda_function, "LambdaFunction", body, args),
    EXPR_CLASS(UNRESOLVED_NAMED_LAMBDA_VARIABLE, unresolved_named_lambda_variable,
               "UnresolvedNamedLambdaVariable", name),
    EXPR_CLASS(NAMED_ARGUMENT, named_argument, "NamedArgument", key, value),
    EXPR_CLASS(SUBQUERY, subquery, "SubqueryExpression", subquery_kind, plan, in_values,
               outer, partition, order, is_single),
    EXPR_CLASS(UPDATE_FIELDS, update_fields, "UpdateFields", child, field, value),
    EXPR_CLASS(CASE, case, "CaseWhen", args),
    EXPR_CLASS(ATTRIBUTE, attribute, "Attribute", attr),
    /* eval and data follow from func and args */
    EXPR_CLASS(CALL, call, "Call", func, name, args, is_distinct, ignore_nulls, is_infix, filter),
    EXPR_CLASS(NAMED_LAMBDA_VARIABLE, named_lambda_variable, "NamedLambdaVariable", attr),
    EXPR_CLASS(EXTRACT, extract, "Extract", child, ordinal, extraction),
    EXPR_CLASS(INLINED, inlined, "Inlined", child, shown),
};

static const ch_node_class REL[CH_N_REL_KINDS] = {
    REL_CLASS(READ_NAMED_TABLE, read_named_table, "UnresolvedRelation", parts, options),
    REL_CLASS(READ_DATA_SOURCE, read_data_source, "DataSource", format, schema, options, paths, predicates,
              input),
    REL_CLASS(LOCAL_RELATION, local_relation, "LocalRelation", schema, batch, n_batches),
    REL_CLASS(RANGE, range, "Range", from, to, step, num_partitions),
    REL_CLASS(SUBQUERY_ALIAS, subquery_alias, "SubqueryAlias", input, alias, columns),
    REL_CLASS(PROJECT, project, "Project", input, expressions),
    REL_CLASS(FILTER, filter, "Filter", input, condition, is_having),
    REL_CLASS(AGGREGATE, aggregate, "Aggregate", input, group_type, grouping, aggregates, from_sql,
              of_set, pivot_columns, pivot_values, sets),
    REL_CLASS(JOIN, join, "Join", left, right, condition, join_type, using_columns, natural, lateral,
              build, broadcast, null_aware, exists),
    REL_CLASS(SET_OPERATION, set_operation, "SetOperation", left, right, op, is_all, by_name,
              allow_missing_columns),
    REL_CLASS(SORT, sort, "Sort", input, order, is_global, limit, n_whole),
    REL_CLASS(LIMIT, limit, "Limit", input, limit, expr),
    REL_CLASS(OFFSET, offset, "Offset", input, offset, expr),
    REL_CLASS(TAIL, tail, "Tail", input, limit),
    REL_CLASS(DEDUPLICATE, deduplicate, "Deduplicate", input, columns, all_columns_as_keys),
    REL_CLASS(SAMPLE, sample, "Sample", input, lower, upper, with_replacement, seed, has_seed,
              sorted),
    REL_CLASS(WITH_COLUMNS, with_columns, "WithColumns", input, aliases, must_exist),
    REL_CLASS(WITH_COLUMNS_RENAMED, with_columns_renamed, "WithColumnsRenamed", input, renames),
    REL_CLASS(DROP, drop, "Drop", input, columns, names),
    REL_CLASS(TO_DF, to_df, "ToDF", input, names),
    REL_CLASS(HINT, hint, "Hint", input, name, parameters),
    REL_CLASS(REPARTITION, repartition, "Repartition", input, num_partitions, shuffle, by_id,
              expressions),
    REL_CLASS(UNRESOLVED_TABLE_VALUED_FUNCTION, unresolved_table_valued_function,
              "UnresolvedTableValuedFunction", function_name, arguments, sql, python),
    REL_CLASS(GENERATE, generate, "Generate", input, generator, outer, alias, columns),
    REL_CLASS(UNPIVOT, unpivot, "Unpivot", input, ids, has_ids, row, aliases, variable_column_name,
              value_column_names, include_nulls),
    REL_CLASS(FILL_NA, fill_na, "NAFill", input, cols, values),
    REL_CLASS(DROP_NA, drop_na, "NADrop", input, cols, min_non_nulls),
    REL_CLASS(REPLACE, replace, "NAReplace", input, cols, old_values, new_values),
    REL_CLASS(SUMMARY, summary, "StatSummary", input, statistics, cols),
    REL_CLASS(STATISTIC, statistic, "Stat", input, what, cols, probabilities, error),
    REL_CLASS(TO_SCHEMA, to_schema, "ToSchema", input, schema),
    REL_CLASS(AS_OF_JOIN, as_of_join, "AsOfJoin", left, right, left_as_of, right_as_of, condition,
              using_columns, join_type, tolerance, allow_exact_matches, direction),
    REL_CLASS(NEAREST_BY_JOIN, nearest_by_join, "NearestByJoin", left, right, ranking, num_results,
              join_type, is_distance),
    REL_CLASS(ZIP, zip, "Zip", left, right),
    REL_CLASS(TRANSPOSE, transpose, "Transpose", input, index),
    REL_CLASS(COLLECT_METRICS, collect_metrics, "CollectMetrics", input, name, metrics),
    REL_CLASS(MAP_PARTITIONS, map_partitions, "MapPartitions", input, function, is_barrier),
    REL_CLASS(GROUP_MAP, group_map, "GroupMap", input, grouping, function, side, n_left),
    REL_CLASS(CO_GROUP_MAP, co_group_map, "CoGroupMap", input, other, input_grouping, other_grouping,
              function, n_left),
    REL_CLASS(EVAL_PYTHON, eval_python, "EvalPython", input, functions),
    REL_CLASS(TABLE_PYTHON, table_python, "TableInPython", input, function, outer, is_whole),
    REL_CLASS(AGGREGATE_PYTHON, aggregate_python, "AggregateInPython", input, grouping, functions),
    REL_CLASS(WINDOW_PYTHON, window_python, "WindowInPython", input, functions, partition, bounds),
    REL_CLASS(WITH, with, "With", input, ctes, recursive),
    REL_CLASS(VALUES, values, "Values", row),
    REL_CLASS(ONE_ROW, one_row, "OneRowRelation"),
    REL_CLASS(VIEW, view, "View", input, name, database, stored, columns, schema),
    REL_CLASS(WRITE_OPERATION, write_operation, "WriteOperation", input, source, path, mode,
              partitioning_columns, options, single_file),
    REL_CLASS(CREATE_VIEW, create_view, "CreateView", input, name, columns, is_global, replace,
              if_not_exists, comment, text),
    REL_CLASS(DROP_VIEW, drop_view, "DropView", name, if_exists, is_table),
    REL_CLASS(DDL, ddl, "CatalogCommand", action, name, target, input, schema, provider, location,
              partition_columns, options, properties),
    REL_CLASS(INSERT, insert, "InsertIntoTable", input, name, columns, keys, values, overwrite,
              by_name),
    REL_CLASS(EXPLAIN, explain, "Explain", input, mode),
    REL_CLASS(SHOW, show, "Show", what, name, pattern, scope, spec),
    REL_CLASS(DESCRIBE, describe, "Describe", name, input, column, spec, extended, is_function,
              is_database),
    REL_CLASS(SET, set, "Set", key, value, reset, verbose),
    REL_CLASS(CACHE, cache, "CacheTable", what, name, input, options, lazy, if_exists),
    REL_CLASS(VARIABLE, variable, "Variable", action, names, type, values, query, replace, if_exists),
    REL_CLASS(FUNCTION, function, "FunctionCommand", action, name, is_temporary, replace, if_not_exists,
              if_exists, class_name, resources, parameters, returns, is_table, body, expr, query),
    REL_CLASS(EXECUTE, execute, "ExecuteImmediate", statement, into, arguments),
    REL_CLASS(WINDOW, window, "Window", input, functions, partition, order, limit, limit_by),
    REL_CLASS(SCAN, scan, "Scan", format, name, options, schema, file, n_files, dataset, wanted, pushed, asked_of, limit, parts),
    REL_CLASS(REUSE, reuse, "Reuse", input, number),
    REL_CLASS(SHARED, shared, "Shared", definition, body, number),
    REL_CLASS(SHARED_REF, shared_ref, "SharedRef", number),
    REL_CLASS(RECURSION, recursion, "Recursion", anchor, step, rows, level_limit, row_limit, limit),
    REL_CLASS(RECURSION_REF, recursion_ref, "RecursionRef", rows),
};
/* clang-format on */

/* The lengths of arrays are found by their place. */
_Static_assert(offsetof(ch_rel_values, n_rows) == offsetof(ch_rel_values, row) + sizeof(void *),
               "CH_NODE_EXPR_ROWS");
_Static_assert(offsetof(ch_rel_aggregate, set_len) ==
                       offsetof(ch_rel_aggregate, sets) + sizeof(void *) &&
                   offsetof(ch_rel_aggregate, n_sets) ==
                       offsetof(ch_rel_aggregate, sets) + 2 * sizeof(void *),
               "CH_NODE_INDEX_SETS");

const ch_node_class *ch_expr_class(ch_expr_kind kind)
{
    return &EXPR[kind];
}

const ch_node_class *ch_rel_class(ch_rel_kind kind)
{
    return &REL[kind];
}

/* ---- making -------------------------------------------------------------------------------- */

void *ch_expr_new(ch_arena *arena, ch_expr_kind kind, ch_error *err)
{
    ch_expr *e = ch_arena_alloc(arena, EXPR[kind].bytes, err);
    if (!e)
        return NULL;
    e->kind = kind;
    e->start = e->stop = -1;
    if (kind == CH_EXPR_UNRESOLVED_ATTRIBUTE)
        ((ch_expr_unresolved_attribute *)e)->plan_id = -1;
    if (kind == CH_EXPR_UNRESOLVED_STAR)
        ((ch_expr_unresolved_star *)e)->plan_id = -1;
    return e;
}

void *ch_rel_new(ch_arena *arena, ch_rel_kind kind, ch_error *err)
{
    ch_rel *r = ch_arena_alloc(arena, REL[kind].bytes, err);
    if (!r)
        return NULL;
    r->kind = kind;
    r->start = r->stop = -1;
    r->plan_id = -1;
    r->output.n = -1;
    if (kind == CH_REL_SORT)
        ((ch_rel_sort *)r)->limit = -1;
    if (kind == CH_REL_SCAN)
        ((ch_rel_scan *)r)->limit = -1;
    return r;
}

static void *clone(ch_arena *arena, const void *node, size_t bytes, ch_error *err)
{
    void *out = ch_arena_alloc(arena, bytes, err);
    return out ? memcpy(out, node, bytes) : NULL;
}

void *ch_expr_clone(ch_arena *arena, const ch_expr *expr, ch_error *err)
{
    return clone(arena, expr, EXPR[expr->kind].bytes, err);
}

void *ch_rel_clone(ch_arena *arena, const ch_rel *rel, ch_error *err)
{
    return clone(arena, rel, REL[rel->kind].bytes, err);
}

/*
 * Room for one more pointer. Capacity is not stored: an array is full whenever n is a power of two,
 * so lists built by adding cost two pointers per item at most. A list made otherwise is copied on the
 * first add only if its n is a power of two; others must not be added to.
 */
static ch_status grow(ch_arena *arena, void **item, int32_t n, ch_error *err)
{
    if (n & (n - 1))
        return CH_OK;
    void **more = NULL;
    CH_ARENA_ARRAY(more, arena, n ? 2 * (size_t)n : 1, err);
    if (n)
        memcpy(more, *item, sizeof *more * (size_t)n);
    *item = more;
    return CH_OK;
}

ch_status ch_expr_list_add(ch_arena *arena, ch_expr_list *list, ch_expr *expr, ch_error *err)
{
    void *item = list->item;
    CH_TRY(grow(arena, &item, list->n, err));
    list->item = item;
    list->item[list->n++] = expr;
    return CH_OK;
}

ch_status ch_rel_list_add(ch_arena *arena, ch_rel_list *list, ch_rel *rel, ch_error *err)
{
    void *item = list->item;
    CH_TRY(grow(arena, &item, list->n, err));
    list->item = item;
    list->item[list->n++] = rel;
    return CH_OK;
}

ch_status ch_str_list_add(ch_arena *arena, ch_str_list *list, const char *text, ch_error *err)
{
    void *item = list->item;
    CH_TRY(grow(arena, &item, list->n, err));
    list->item = item;
    list->item[list->n++] = text;
    return CH_OK;
}

ch_status ch_name_split(ch_arena *arena, const char *name, ch_str_list *parts, ch_error *err)
{
    const char *p = name;
    do {
        char *part = ch_arena_alloc(arena, strlen(p) + 1, err);
        size_t n = 0;
        if (!part)
            return CH_E_MEMORY;
        if (*p == '`') {
            for (p++; *p && (*p != '`' || p[1] == '`'); p++) {
                p += *p == '`';
                part[n++] = *p;
            }
            p += *p == '`';
        } else {
            while (*p && *p != '.')
                part[n++] = *p++;
        }
        CH_TRY(ch_str_list_add(arena, parts, part, err));
    } while (*p++ == '.');
    return CH_OK;
}

ch_status ch_option_list_add(ch_arena *arena, ch_option_list *list, const char *key,
                             const char *value, ch_error *err)
{
    void *keys = list->key, *values = list->value;
    CH_TRY(grow(arena, &keys, list->n, err));
    CH_TRY(grow(arena, &values, list->n, err));
    list->key = keys;
    list->value = values;
    list->key[list->n] = key;
    list->value[list->n++] = value;
    return CH_OK;
}

/* ---- walking ------------------------------------------------------------------------------- */

/*
 * One walk rewrites the pointers of one sort that stand in a node: expressions, or relations (an
 * ch_expr_fn and a ch_rel_fn differ only in what they point at). The node is cloned before the first
 * write, and so is each array.
 */
typedef struct walk {
    ch_arena *arena;
    void **node; /* the node; replaced by its clone at the first change */
    bool owned;  /* *node is the clone */
    size_t bytes;
    ch_expr_fn expr_fn; /* one of the two */
    ch_rel_fn rel_fn;
    void *user;
} walk;

static ch_status visit(walk *w, void **child, ch_error *err)
{
    if (w->expr_fn) {
        ch_expr *e = *child;
        CH_TRY(w->expr_fn(w->user, &e, err));
        *child = e;
    } else {
        ch_rel *r = *child;
        CH_TRY(w->rel_fn(w->user, &r, err));
        *child = r;
    }
    return CH_OK;
}

/* The member at offset of the clone. */
static ch_status own(walk *w, size_t offset, void **member, ch_error *err)
{
    if (!w->owned) {
        void *copy = clone(w->arena, *w->node, w->bytes, err);
        if (!copy)
            return CH_E_MEMORY;
        *w->node = copy;
        w->owned = true;
    }
    *member = (char *)*w->node + offset;
    return CH_OK;
}

static ch_status walk_one(walk *w, size_t offset, ch_error *err)
{
    void *was = *(void **)((char *)*w->node + offset), *now = was, *member;
    if (!was)
        return CH_OK;
    CH_TRY(visit(w, &now, err));
    if (now != was) {
        CH_TRY(own(w, offset, &member, err));
        *(void **)member = now;
    }
    return CH_OK;
}

/* *array: n pointers; on a change a copy of it, *changed then. */
static ch_status walk_array(walk *w, void ***array, int32_t n, bool *changed, ch_error *err)
{
    void **item = *array;
    *changed = false;
    for (int32_t i = 0; i < n; i++) {
        void *now = item[i];
        CH_TRY(visit(w, &now, err));
        if (now == item[i])
            continue;
        if (!*changed) {
            /* Twice the room: the copy may be added to, whatever n is. */
            void **copy = NULL;
            CH_ARENA_ARRAY(copy, w->arena, 2 * (size_t)n, err);
            memcpy(copy, item, sizeof *copy * (size_t)n);
            item = *array = copy;
            *changed = true;
        }
        item[i] = now;
    }
    return CH_OK;
}

/* ch_expr_list and ch_rel_list have one shape. */
static ch_status walk_list(walk *w, size_t offset, ch_error *err)
{
    ch_expr_list list = *(ch_expr_list *)((char *)*w->node + offset);
    void **item = (void **)list.item, *member;
    bool changed;
    CH_TRY(walk_array(w, &item, list.n, &changed, err));
    if (changed) {
        CH_TRY(own(w, offset, &member, err));
        ((ch_expr_list *)member)->item = (ch_expr **)item;
    }
    return CH_OK;
}

static ch_status walk_rows(walk *w, size_t offset, ch_error *err)
{
    ch_expr_list *row = *(ch_expr_list **)((char *)*w->node + offset);
    int32_t n = ch_node_n_rows(*w->node, offset);
    bool copied = false, changed;
    for (int32_t i = 0; i < n; i++) {
        void **item = (void **)row[i].item, *member;
        CH_TRY(walk_array(w, &item, row[i].n, &changed, err));
        if (!changed)
            continue;
        if (!copied) {
            row = clone(w->arena, row, sizeof *row * (size_t)n, err);
            if (!row)
                return CH_E_MEMORY;
            CH_TRY(own(w, offset, &member, err));
            *(ch_expr_list **)member = row;
            copied = true;
        }
        row[i].item = (ch_expr **)item;
    }
    return CH_OK;
}

static ch_status walk_node(walk *w, const ch_node_class *cls, ch_error *err)
{
    bool exprs = w->expr_fn != NULL;
    w->bytes = cls->bytes;
    for (int i = 0; i < cls->n_fields; i++) {
        size_t offset = cls->field[i].offset;
        switch (cls->field[i].kind) {
        case CH_NODE_EXPR:
            if (exprs)
                CH_TRY(walk_one(w, offset, err));
            break;
        case CH_NODE_EXPR_LIST:
            if (exprs)
                CH_TRY(walk_list(w, offset, err));
            break;
        case CH_NODE_EXPR_ROWS:
            if (exprs)
                CH_TRY(walk_rows(w, offset, err));
            break;
        case CH_NODE_REL:
            if (!exprs)
                CH_TRY(walk_one(w, offset, err));
            break;
        case CH_NODE_REL_LIST:
            if (!exprs)
                CH_TRY(walk_list(w, offset, err));
            break;
        default:
            break;
        }
    }
    return CH_OK;
}

ch_status ch_expr_map_children(ch_arena *arena, ch_expr **expr, ch_expr_fn fn, void *user,
                               ch_error *err)
{
    void *node = *expr;
    walk w = {.arena = arena, .node = &node, .expr_fn = fn, .user = user};
    CH_TRY(walk_node(&w, &EXPR[(*expr)->kind], err));
    *expr = node;
    return CH_OK;
}

ch_status ch_rel_map_inputs(ch_arena *arena, ch_rel **rel, ch_rel_fn fn, void *user, ch_error *err)
{
    void *node = *rel;
    walk w = {.arena = arena, .node = &node, .rel_fn = fn, .user = user};
    CH_TRY(walk_node(&w, &REL[(*rel)->kind], err));
    *rel = node;
    return CH_OK;
}

ch_status ch_rel_map_exprs(ch_arena *arena, ch_rel **rel, ch_expr_fn fn, void *user, ch_error *err)
{
    void *node = *rel;
    walk w = {.arena = arena, .node = &node, .expr_fn = fn, .user = user};
    CH_TRY(walk_node(&w, &REL[(*rel)->kind], err));
    *rel = node;
    return CH_OK;
}
