/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spark_size.c - see spark_size.h. The rules of SizeInBytesOnlyStatsPlanVisitor:
 *
 *   rows that are there    rows * (8 + default sizes of the columns)
 *   range                  8 * rows
 *   files                  their bytes
 *   join                   left * right; a semi or anti join: left
 *   one input              input * row size / input's row size
 */
#include "optimize/spark_size.h"

#include "column/batch.h"
#include "format/format.h"
#include "optimize/rewrite.h"
#include "plan/node.h"
#include "store/list.h"

static double default_size(const ch_type *t)
{
    double sum = 0;
    switch (t->id) {
    case CH_BOOLEAN:
    case CH_NULL:
        return 1;
    case CH_STRING:
        return 20;
    case CH_BINARY:
        return 100;
    case CH_CALENDAR_INTERVAL:
        return 16;
    case CH_ARRAY:
    case CH_MAP:
    case CH_STRUCT:
        for (int32_t i = 0; i < t->n_fields; i++)
            sum += default_size(t->field[i].type);
        return sum;
    default:
        return ch_type_is_view(t) ? 20 : ch_type_width(t);
    }
}

static double row_size(const ch_attr_list *list)
{
    double sum = 8;
    for (int32_t i = 0; i < list->n; i++)
        sum += default_size(list->item[i]->type);
    return sum;
}

static double scan_bytes(const ch_rel_scan *s)
{
    double bytes = 0, all = 8;
    if (s->format && s->format->is_source) /* spark.sql.defaultSizeInBytes */
        return 9.223372036854775807e18;
    for (int32_t i = 0; i < s->n_files; i++)
        bytes += (double)s->file[i].bytes;
    for (int32_t i = 0; s->schema && i < s->schema->n_fields; i++)
        all += default_size(s->schema->field[i].type);
    return bytes * row_size(&s->head.output) / all;
}

static double least(double a, double b)
{
    return a < b ? a : b;
}

double ch_spark_bytes(const ch_rel *rel)
{
    double left, right;
    switch (rel->kind) {
    case CH_REL_VALUES:
        return row_size(&rel->output) * ((const ch_rel_values *)rel)->n_rows;
    case CH_REL_LOCAL_RELATION: {
        const ch_rel_local_relation *l = (const ch_rel_local_relation *)rel;
        double rows = 0;
        for (int32_t i = 0; i < l->n_batches; i++)
            rows += (double)l->batch[i]->n;
        return rows * row_size(&rel->output);
    }
    case CH_REL_ONE_ROW:
        return 1;
    case CH_REL_RANGE: {
        const ch_rel_range *r = (const ch_rel_range *)rel;
        double n = ((double)r->to - (double)r->from) / (double)r->step;
        return n > 0 ? 8 * n : 0;
    }
    case CH_REL_SCAN:
        return scan_bytes((const ch_rel_scan *)rel);
    case CH_REL_JOIN: {
        const ch_rel_join *j = (const ch_rel_join *)rel;
        bool one_side = j->join_type == CH_JOIN_LEFT_SEMI || j->join_type == CH_JOIN_LEFT_ANTI;
        left = ch_spark_bytes(j->left);
        right = one_side ? 1 : ch_spark_bytes(j->right);
        return left < 0 || right < 0 ? -1 : left * right;
    }
    case CH_REL_SET_OPERATION: {
        const ch_rel_set_operation *s = (const ch_rel_set_operation *)rel;
        left = ch_spark_bytes(s->left);
        right = ch_spark_bytes(s->right);
        return left < 0 || right < 0 ? -1 : left + right;
    }
    case CH_REL_AGGREGATE:
        if (((const ch_rel_aggregate *)rel)->grouping.n == 0)
            return row_size(&rel->output);
        break;
    default:
        break;
    }
    const ch_rel *input = ch_only_input(rel);
    left = input ? ch_spark_bytes(input) : -1;
    if (left < 0)
        return -1;
    left *= row_size(&rel->output) / row_size(&input->output);
    if (rel->kind == CH_REL_LIMIT)
        left = least(left, row_size(&rel->output) * (double)((const ch_rel_limit *)rel)->limit);
    return left;
}
