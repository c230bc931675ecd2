/* SPDX-License-Identifier: Apache-2.0 */
/*
 * estimate.c - guesses at sizes, from the bytes of files and simple selectivities.
 *
 * They only choose between right plans: which side of a join is kept in memory, whether to group before it.
 */
#include <string.h>

#include "format/format.h"
#include "optimize/rewrite.h"

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
    for (int32_t i = 0; i < s->n_files; i++)
        bytes += is_compressed(s->file[i].path) ? s->file[i].bytes * COMPRESSION : s->file[i].bytes;
    int64_t rows = bytes / (BYTES_PER_VALUE * columns) + 1;
    return s->limit >= 0 && s->limit < rows ? s->limit : rows;
}

/* How many rows of ten pass a condition. */
static double selectivity(const ch_expr *e)
{
    if (ch_is_call(e, "and") || ch_is_call(e, "or")) {
        const ch_expr_list *args = &((const ch_expr_call *)e)->args;
        bool and = ch_is_call(e, "and");
        double all = 1, none = 1;
        for (int32_t i = 0; i < args->n; i++) {
            double s = selectivity(args->item[i]);
            all *= s;
            none *= 1 - s;
        }
        return and? all : 1 - none;
    }
    if (ch_is_call(e, "=") || ch_is_call(e, "==") || ch_is_call(e, "<=>"))
        return 0.1;
    if (ch_is_call(e, "isnotnull") || ch_is_call(e, "not") || ch_is_call(e, "!="))
        return 0.9;
    return 0.33;
}

static int64_t smaller(int64_t a, int64_t b)
{
    return a < 0 || b < 0 ? -1 : a < b ? a : b;
}

static int64_t larger(int64_t a, int64_t b)
{
    return a < 0 || b < 0 ? -1 : a > b ? a : b;
}

static int64_t join_rows(const ch_rel_join *j)
{
    int64_t left = ch_estimate_rows(j->left), right = ch_estimate_rows(j->right), all;
    if (j->join_type == CH_JOIN_LEFT_SEMI || j->join_type == CH_JOIN_LEFT_ANTI)
        return left;
    if (j->condition)
        return larger(left, right);
    if (left < 0 || right < 0)
        return -1;
    return __builtin_mul_overflow(left, right, &all) ? INT64_MAX : all;
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
        return n <= 0 ? n : (int64_t)((double)n * selectivity(f->condition)) + 1;
    }
    case CH_REL_AGGREGATE: {
        const ch_rel_aggregate *g = (const ch_rel_aggregate *)rel;
        int64_t n = ch_estimate_rows(g->input);
        return g->grouping.n == 0 ? 1 : n <= 0 ? n : n / 10 + 1;
    }
    case CH_REL_JOIN:
        return join_rows((const ch_rel_join *)rel);
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
