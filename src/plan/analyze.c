/* SPDX-License-Identifier: Apache-2.0 */
/* analyze.c - the door of the analyzer, and who resolves which relation. */
#include "base/stack.h"
#include "plan/analyzer.h"

static ch_status resolve(ch_analyzer *a, const ch_rel *rel, ch_rel **out, ch_error *err)
{
    switch (rel->kind) {
    case CH_REL_READ_NAMED_TABLE:
    case CH_REL_READ_DATA_SOURCE:
    case CH_REL_LOCAL_RELATION:
    case CH_REL_RANGE:
    case CH_REL_SUBQUERY_ALIAS:
    case CH_REL_WITH:
    case CH_REL_ONE_ROW:
    case CH_REL_VIEW:
    case CH_REL_SCAN:
        return ch_an_source(a, rel, out, err);
    case CH_REL_PROJECT:
        return ch_an_select(a, (const void *)rel, false, out, err);
    case CH_REL_FILTER:
        return ch_an_filter(a, (const void *)rel, out, err);
    case CH_REL_AGGREGATE:
        return ch_an_aggregate(a, (const void *)rel, out, err);
    case CH_REL_JOIN:
        return ch_an_join(a, (const void *)rel, out, err);
    case CH_REL_SET_OPERATION:
        return ch_an_set_operation(a, (const void *)rel, out, err);
    case CH_REL_SORT:
        return ch_an_sort(a, (const void *)rel, out, err);
    case CH_REL_LIMIT:
    case CH_REL_OFFSET:
        return ch_an_limit(a, rel, out, err);
    case CH_REL_VALUES:
        return ch_an_values(a, (const void *)rel, out, err);
    case CH_REL_UNPIVOT:
        return ch_an_unpivot(a, (const void *)rel, out, err);
    case CH_REL_FILL_NA:
    case CH_REL_DROP_NA:
    case CH_REL_REPLACE:
    case CH_REL_TO_SCHEMA:
    case CH_REL_TRANSPOSE:
        return ch_an_na(a, rel, out, err);
    case CH_REL_COLLECT_METRICS:
        return ch_an_collect_metrics(a, (const void *)rel, out, err);
    case CH_REL_SUMMARY:
    case CH_REL_STATISTIC:
        return ch_an_statistic(a, rel, out, err);
    case CH_REL_AS_OF_JOIN:
        return ch_an_as_of_join(a, (const void *)rel, out, err);
    case CH_REL_NEAREST_BY_JOIN:
        return ch_an_nearest_by_join(a, (const void *)rel, out, err);
    case CH_REL_ZIP:
        return ch_an_zip(a, (const void *)rel, out, err);
    case CH_REL_MAP_PARTITIONS:
    case CH_REL_GROUP_MAP:
    case CH_REL_CO_GROUP_MAP:
        return ch_an_python_map(a, rel, out, err);
    case CH_REL_GENERATE:
        return ch_an_generate(a, (const void *)rel, out, err);
    case CH_REL_UNRESOLVED_TABLE_VALUED_FUNCTION:
        return ch_an_table_function(a, (const void *)rel, out, err);
    case CH_REL_TAIL:
    case CH_REL_DEDUPLICATE:
    case CH_REL_SAMPLE:
    case CH_REL_WITH_COLUMNS:
    case CH_REL_WITH_COLUMNS_RENAMED:
    case CH_REL_DROP:
    case CH_REL_TO_DF:
    case CH_REL_HINT:
    case CH_REL_REPARTITION:
        return ch_an_frame(a, rel, out, err);
    default:
        return ch_an_command(a, rel, out, err);
    }
}

typedef struct resolution {
    ch_analyzer *a;
    const ch_rel *rel;
    ch_rel **out;
} resolution;

static ch_status resolve_there(void *user, ch_error *err)
{
    const resolution *r = user;
    return resolve(r->a, r->rel, r->out, err);
}

ch_status ch_an_rel(ch_analyzer *a, const ch_rel *rel, ch_rel **out, ch_error *err)
{
    if (rel->output.n >= 0) { /* resolved before */
        *out = (ch_rel *)rel;
        return CH_OK;
    }
    if (a->depth > CH_AN_MOST_LEVELS)
        CH_AN_FAIL(a, rel, err, UNSUPPORTED, "feature", "A query nested this deep");
    resolution r = {a, rel, out};
    ch_status status = ++a->depth % CH_AN_LEVELS_AT_ONCE
                           ? resolve(a, rel, out, err)
                           : ch_stack_run(CH_AN_LEVELS_OF_ROOM, resolve_there, &r, err);
    a->depth--;
    if (status == CH_OK && rel->plan_id >= 0 && (*out)->plan_id != rel->plan_id) {
        CH_AN_NEW(*out, ch_rel_clone(a->arena, *out, err));
        (*out)->plan_id = rel->plan_id;
    }
    return status;
}

ch_status ch_an_visible(ch_analyzer *a, ch_rel **rel, ch_error *err)
{
    ch_attr_list visible = {0};
    for (int32_t i = 0; i < (*rel)->output.n; i++)
        if (!(*rel)->output.item[i]->hidden)
            CH_TRY(ch_attr_list_add(a->arena, &visible, (*rel)->output.item[i], err));
    if (visible.n == (*rel)->output.n)
        return CH_OK;
    ch_expr_list list = {0};
    CH_TRY(ch_make_refs(a->arena, &visible, &list, err));
    return ch_make_project(a->arena, *rel, &list, rel, err);
}

ch_status ch_an_input(ch_analyzer *a, const ch_rel *rel, ch_rel **out, ch_error *err)
{
    CH_TRY(ch_an_rel(a, rel, out, err));
    return ch_an_visible(a, out, err);
}

ch_status ch_analyze(const ch_analyze_context *ctx, const ch_rel *plan, ch_rel **out, ch_error *err)
{
    bool inlined = false;
    ch_analyzer a = {.ctx = ctx, .arena = ctx->arena, .sql = ctx->sql, .inlined = &inlined};
    *out = NULL;
    CH_TRY(ch_an_input(&a, plan, out, err));
    return inlined ? ch_an_uncover(&a, out, err) : CH_OK;
}
