/* SPDX-License-Identifier: Apache-2.0 */
/*
 * estimate.c - guesses at sizes, from the bytes of files and simple selectivities.
 *
 * They only choose between right plans: which side of a join is kept in memory, whether to group before it.
 */
#include <math.h>
#include <string.h>

#include "format/format.h"
#include "optimize/estimate.h"
#include "optimize/rewrite.h"
#include "table/dataset.h"

/* Text files: a value takes some ten bytes, with its comma. Compressed ones hold four times as many. */
#define BYTES_PER_VALUE 10
#define COMPRESSION 4
#define STRING_BYTES 24
#define NESTED_BYTES 64

static bool is_compressed(const char *path)
{
    static const char *const END[] = {".gz", ".zst", ".bz2", ".lz4", ".snappy", ".xz", ".parquet"};
    size_t len = strlen(path);
    for (size_t i = 0; i < sizeof END / sizeof *END; i++) {
        size_t n = strlen(END[i]);
        if (len > n && strcmp(path + len - n, END[i]) == 0)
            return true;
    }
    return false;
}

static int64_t scan_rows(const ch_rel_scan *s)
{
    int64_t bytes = 0, columns = s->schema && s->schema->n_fields ? s->schema->n_fields : 1;
    if (s->format && s->format->is_source && !s->statistics) /* nobody knows */
        return s->limit;
    for (int32_t i = 0; i < s->n_files; i++)
        bytes += is_compressed(s->file[i].path) ? s->file[i].bytes * COMPRESSION : s->file[i].bytes;
    int64_t rows = s->statistics && s->statistics->rows >= 0
                       ? s->statistics->rows
                       : bytes / (BYTES_PER_VALUE * columns) + 1;
    return s->limit >= 0 && s->limit < rows ? s->limit : rows;
}

static int64_t smaller(int64_t a, int64_t b)
{
    return a < 0 || b < 0 ? -1 : a < b ? a : b;
}

static int64_t whole(double rows)
{
    return rows >= 9e18 ? INT64_MAX : (int64_t)rows + (rows > 0);
}

/* The two columns of left = right; false for anything else. */
static bool key_columns(const ch_rel_join *j, const ch_expr *e, ch_column_estimate *left,
                        ch_column_estimate *right)
{
    const ch_expr_call *c = (const ch_expr_call *)e;
    if ((!ch_is_call(e, "=") && !ch_is_call(e, "==") && !ch_is_call(e, "<=>")) || c->args.n != 2)
        return false;
    for (int swap = 0; swap < 2; swap++) {
        const ch_expr *l = c->args.item[swap], *r = c->args.item[!swap];
        if (!ch_uses_any(l, &j->left->output) || !ch_uses_only(l, &j->left->output) ||
            !ch_uses_any(r, &j->right->output) || !ch_uses_only(r, &j->right->output))
            continue;
        *left = *right = (ch_column_estimate){.distinct = -1, .table_rows = -1};
        if (l->kind == CH_EXPR_ATTRIBUTE)
            *left = ch_estimate_column(j->left, ((const ch_expr_attribute *)l)->attr->id);
        if (r->kind == CH_EXPR_ATTRIBUTE)
            *right = ch_estimate_column(j->right, ((const ch_expr_attribute *)r)->attr->id);
        return true;
    }
    return false;
}

/* What a join's condition leaves: pairs of keys, and the part of pairs that the rest lets through. */
typedef struct matches {
    double rows[2];     /* of the inputs */
    double distinct[2]; /* values of the keys together, as their tables have them; -1 = unknown */
    double left[2];     /* the same, of the rows that are left */
    double table[2];    /* rows of the keys' tables */
    double rest;
    bool has_keys;
} matches;

static void add_condition(const ch_rel_join *j, const ch_expr *e, matches *m)
{
    ch_column_estimate side[2];
    if (ch_is_call(e, "and")) {
        const ch_expr_list *args = &((const ch_expr_call *)e)->args;
        for (int32_t i = 0; i < args->n; i++)
            add_condition(j, args->item[i], m);
        return;
    }
    if (!key_columns(j, e, &side[0], &side[1])) {
        m->rest *= ch_estimate_selectivity(&j->head, e);
        return;
    }
    for (int s = 0; s < 2; s++) {
        double table = side[s].table_rows < 0 ? m->rows[s] : side[s].table_rows;
        double distinct = side[s].distinct < 0 ? table : side[s].distinct;
        m->distinct[s] = m->has_keys ? m->distinct[s] * distinct : distinct;
        double left = ch_estimate_distinct_of(&side[s], m->rows[s]);
        m->left[s] = m->has_keys ? m->left[s] * left : left;
        m->table[s] = m->has_keys ? fmax(m->table[s], table) : table;
    }
    m->has_keys = true;
}

double ch_estimate_key_values(double left_distinct, double left_table, double right_distinct,
                              double right_table)
{
    /* No side has more keys than rows; the larger side has those of the smaller one. */
    double most = fmax(left_distinct, right_distinct);
    return fmax(1, fmin(most, fmin(left_table, right_table)));
}

static double join_rows(const ch_rel_join *j)
{
    int64_t left = ch_estimate_rows(j->left), right = ch_estimate_rows(j->right);
    if (j->join_type == CH_JOIN_EXISTENCE)
        return (double)left;
    if (left < 0 || right < 0)
        return -1;
    matches m = {.rows = {(double)left, (double)right}, .rest = 1};
    if (j->condition)
        add_condition(j, j->condition, &m);
    double pairs = m.rows[0] * m.rows[1] * m.rest;
    if (m.has_keys)
        pairs /= ch_estimate_key_values(m.distinct[0], m.table[0], m.distinct[1], m.table[1]);
    /* Of the keys that a left row may have, those that the right side has. */
    double keys = fmin(m.left[1], m.rows[1]),
           found = m.has_keys ? keys / fmax(m.distinct[0], keys) : 1;
    switch (j->join_type) {
    case CH_JOIN_LEFT_SEMI:
        return m.rows[0] * found * sqrt(m.rest);
    case CH_JOIN_LEFT_ANTI:
        return m.rows[0] * fmax(0.1, 1 - found);
    case CH_JOIN_LEFT_OUTER:
        return fmax(pairs, m.rows[0]);
    case CH_JOIN_RIGHT_OUTER:
        return fmax(pairs, m.rows[1]);
    case CH_JOIN_FULL_OUTER:
        return fmax(pairs, fmax(m.rows[0], m.rows[1]));
    default:
        return pairs;
    }
}

/* Groups: no more than the keys have values together. */
static double group_rows(const ch_rel_aggregate *g)
{
    double rows = (double)ch_estimate_rows(g->input), groups = 1;
    if (g->grouping.n == 0 || rows <= 0)
        return g->grouping.n == 0 ? 1 : rows;
    for (int32_t i = 0; i < g->grouping.n; i++) {
        const ch_expr *e = g->grouping.item[i];
        ch_column_estimate c = {.distinct = -1};
        if (e->kind == CH_EXPR_ATTRIBUTE)
            c = ch_estimate_column(g->input, ((const ch_expr_attribute *)e)->attr->id);
        if (c.distinct < 0)
            return rows / 10;
        groups *= ch_estimate_distinct_of(&c, rows);
    }
    return fmin(rows, groups);
}

int64_t ch_estimate_rows(const ch_rel *rel)
{
    switch (rel->kind) {
    case CH_REL_SCAN:
        return scan_rows((const ch_rel_scan *)rel);
    case CH_REL_VALUES:
        return ((const ch_rel_values *)rel)->n_rows;
    case CH_REL_ONE_ROW:
        return 1;
    case CH_REL_RANGE: {
        const ch_rel_range *r = (const ch_rel_range *)rel;
        double n = r->step ? ((double)r->to - (double)r->from) / (double)r->step : 0;
        return n <= 0 ? 0 : n > 9e18 ? INT64_MAX : (int64_t)n + 1;
    }
    case CH_REL_LOCAL_RELATION: {
        const ch_rel_local_relation *l = (const ch_rel_local_relation *)rel;
        int64_t n = 0;
        for (int32_t i = 0; i < l->n_batches; i++)
            n += l->batch[i]->n;
        return n;
    }
    case CH_REL_FILTER: {
        const ch_rel_filter *f = (const ch_rel_filter *)rel;
        int64_t n = ch_estimate_rows(f->input);
        return n <= 0 ? n : whole((double)n * ch_estimate_selectivity(f->input, f->condition));
    }
    case CH_REL_AGGREGATE:
        return whole(group_rows((const ch_rel_aggregate *)rel));
    case CH_REL_JOIN:
        return whole(join_rows((const ch_rel_join *)rel));
    case CH_REL_SET_OPERATION: {
        const ch_rel_set_operation *s = (const ch_rel_set_operation *)rel;
        int64_t left = ch_estimate_rows(s->left), right = ch_estimate_rows(s->right), sum;
        if (left < 0 || right < 0)
            return -1;
        return __builtin_add_overflow(left, right, &sum) ? INT64_MAX : sum;
    }
    case CH_REL_LIMIT:
        return smaller(ch_estimate_rows(((const ch_rel_limit *)rel)->input),
                       ((const ch_rel_limit *)rel)->limit);
    case CH_REL_SORT: {
        const ch_rel_sort *s = (const ch_rel_sort *)rel;
        int64_t n = ch_estimate_rows(s->input);
        return s->limit >= 0 && n >= 0 ? smaller(n, s->limit) : n;
    }
    default: {
        const ch_rel *input = ch_only_input(rel);
        return input ? ch_estimate_rows(input) : -1;
    }
    }
}

int64_t ch_estimate_bytes(const ch_rel *rel)
{
    int64_t rows = ch_estimate_rows(rel), width = 8, bytes;
    if (rows < 0)
        return -1;
    for (int32_t i = 0; i < rel->output.n; i++) {
        const ch_type *t = rel->output.item[i]->type;
        width += ch_type_is_view(t)     ? STRING_BYTES
                 : ch_type_is_nested(t) ? NESTED_BYTES
                                        : ch_type_width(t) + 1;
    }
    return __builtin_mul_overflow(rows, width, &bytes) ? INT64_MAX : bytes;
}

/* ---- asking --------------------------------------------------------------------------------------------- */

ch_status ch_scan_statistics(const ch_analyze_context *ctx, const ch_rel_scan *scan,
                             const ch_attr_list *read, ch_table_statistics *out, ch_error *err)
{
    const ch_func_context *func = ctx->func;
    ch_format_context format = {.time_zone = func->time_zone,
                                .ansi = func->ansi,
                                .case_sensitive = func->case_sensitive,
                                .n_slots = 1,
                                .batch_rows = CH_BATCH_ROWS,
                                .mem = ctx->arena->mem};
    ch_scan_spec spec = {.file = scan->file,
                         .n_files = scan->n_files,
                         .options = scan->options,
                         .schema = scan->schema,
                         .limit = -1};
    int32_t *wanted;
    CH_ARENA_ARRAY(wanted, ctx->arena, scan->head.output.n + 1, err);
    for (int32_t i = 0; i < scan->head.output.n; i++)
        if (ch_attr_list_find(read, scan->head.output.item[i]->id))
            wanted[spec.n_wanted++] = scan->wanted[i];
    spec.wanted = wanted;
    if (scan->dataset)
        return ch_dataset_statistics(scan->dataset, scan->format, &format, &spec, ctx->arena, out,
                                     err);
    return scan->format->statistics(&format, &spec, ctx->arena, out, err);
}
