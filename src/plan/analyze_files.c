/* SPDX-License-Identifier: Apache-2.0 */
/*
 * analyze_files.c - hidden columns about the files that rows come from (FileSourceMetadataAttribute of Spark).
 *
 * A scan gets such a column only when somebody asks for it. It is then added, hidden, to the output of every
 * relation between the scan and the one that asked; each passes its input's rows on, or is a project or a join.
 */
#include "plan/analyzer.h"
#include "table/dataset.h"

static ch_status append(ch_analyzer *a, const ch_attr_list *list, int32_t at, const ch_attr *attr,
                        ch_attr_list *out, ch_error *err)
{
    ch_attr_list all = {0}; /* the list may be shared */
    for (int32_t i = 0; i <= list->n; i++) {
        if (i == at)
            CH_TRY(ch_attr_list_add(a->arena, &all, attr, err));
        if (i < list->n)
            CH_TRY(ch_attr_list_add(a->arena, &all, list->item[i], err));
    }
    *out = all;
    return CH_OK;
}

static bool fits(const ch_analyzer *a, const ch_attr *attr, const ch_str_list *qualifier, int32_t n)
{
    if (attr->qualifier.n < n)
        return false;
    for (int32_t i = 0; i < n; i++)
        if (!ch_an_same_name(a, attr->qualifier.item[attr->qualifier.n - n + i],
                             qualifier->item[i]))
            return false;
    return true;
}

static ch_status of_scan(ch_analyzer *a, ch_rel_scan *s, const char *name, const ch_attr **out,
                         ch_error *err)
{
    int32_t n = s->schema->n_fields, *wanted;
    ch_field *field;
    ch_attr *attr;
    const ch_type *type = ch_dataset_hidden_type(name);
    if (!s->dataset)
        return CH_OK;
    for (int32_t i = 0; i < s->head.output.n; i++)
        if (s->head.output.item[i]->of_files && strcmp(s->head.output.item[i]->name, name) == 0) {
            *out = s->head.output.item[i];
            return CH_OK;
        }
    CH_ARENA_ARRAY(field, a->arena, n + 1, err);
    CH_ARENA_ARRAY(wanted, a->arena, s->head.output.n + 1, err);
    for (int32_t i = 0; i < n; i++)
        field[i] = s->schema->field[i];
    for (int32_t i = 0; i < s->head.output.n; i++)
        wanted[i] = s->wanted[i];
    field[n] = (ch_field){name, type, false, NULL};
    wanted[s->head.output.n] = n;
    const ch_type *schema = type ? ch_type_struct(field, n + 1) : NULL;
    if (!schema)
        return ch_error_memory(err, "types", 0, 0);
    CH_AN_NEW(attr, ch_make_attr(a->ctx, name, type, false, err));
    attr->hidden = attr->of_files = true;
    s->schema = schema;
    s->wanted = wanted;
    *out = attr;
    return append(a, &s->head.output, s->head.output.n, attr, &s->head.output, err);
}

/* The column of the input under the alias's qualifier. */
static ch_status of_alias(ch_analyzer *a, ch_rel *rel, const ch_attr **attr, ch_error *err)
{
    ch_attr *mine;
    CH_ARENA_NEW(mine, a->arena, err);
    *mine = **attr;
    if (rel->output.n)
        mine->qualifier = rel->output.item[0]->qualifier;
    *attr = mine;
    return CH_OK;
}

static ch_status find(ch_analyzer *a, ch_rel *rel, const char *name, const ch_str_list *qualifier,
                      int32_t n, const ch_attr **out, ch_error *err);

static ch_status of_join(ch_analyzer *a, ch_rel_join *j, const char *name,
                         const ch_str_list *qualifier, int32_t n, const ch_attr **out,
                         ch_error *err)
{
    bool one_side = j->join_type == CH_JOIN_LEFT_SEMI || j->join_type == CH_JOIN_LEFT_ANTI;
    int32_t n_left = j->left->output.n, at = n_left;
    CH_TRY(find(a, j->left, name, qualifier, n, out, err));
    bool left = *out != NULL;
    if (!left && !one_side) {
        CH_TRY(find(a, j->right, name, qualifier, n, out, err));
        at = j->head.output.n;
    }
    if (!*out)
        return CH_OK;
    const ch_attr *mine = ch_attr_list_find(&j->head.output, (*out)->id);
    if (mine) {
        *out = mine;
        return CH_OK;
    }
    bool null_left = j->join_type == CH_JOIN_RIGHT_OUTER || j->join_type == CH_JOIN_FULL_OUTER;
    bool null_right = j->join_type == CH_JOIN_LEFT_OUTER || j->join_type == CH_JOIN_FULL_OUTER;
    ch_attr *attr;
    CH_ARENA_NEW(attr, a->arena, err);
    *attr = **out;
    attr->nullable |= left ? null_left : null_right;
    *out = attr;
    return append(a, &j->head.output, at, attr, &j->head.output, err);
}

static ch_status of_project(ch_analyzer *a, ch_rel_project *p, const ch_attr *attr, ch_error *err)
{
    ch_expr_list list = {0};
    ch_expr *ref;
    for (int32_t i = 0; i < p->expressions.n; i++)
        CH_TRY(ch_expr_list_add(a->arena, &list, p->expressions.item[i], err));
    CH_AN_NEW(ref, ch_make_ref(a->arena, attr, err));
    CH_TRY(ch_expr_list_add(a->arena, &list, ref, err));
    p->expressions = list;
    return CH_OK;
}

/* The input of a relation that the column may pass; NULL for all others. */
static ch_rel *passes(const ch_rel *rel)
{
    switch (rel->kind) {
    case CH_REL_SUBQUERY_ALIAS:
        return ((const ch_rel_subquery_alias *)rel)->input;
    case CH_REL_PROJECT:
        return ((const ch_rel_project *)rel)->input;
    case CH_REL_FILTER:
        return ((const ch_rel_filter *)rel)->input;
    case CH_REL_SORT:
        return ((const ch_rel_sort *)rel)->input;
    case CH_REL_LIMIT:
        return ((const ch_rel_limit *)rel)->input;
    case CH_REL_OFFSET:
        return ((const ch_rel_offset *)rel)->input;
    case CH_REL_HINT:
        return ((const ch_rel_hint *)rel)->input;
    case CH_REL_REPARTITION:
        return ((const ch_rel_repartition *)rel)->input;
    default:
        return NULL;
    }
}

static ch_status find(ch_analyzer *a, ch_rel *rel, const char *name, const ch_str_list *qualifier,
                      int32_t n, const ch_attr **out, ch_error *err)
{
    ch_rel *input = passes(rel);
    *out = NULL;
    if (rel->kind == CH_REL_SCAN)
        CH_TRY(of_scan(a, (ch_rel_scan *)rel, name, out, err));
    else if (rel->kind == CH_REL_JOIN)
        return of_join(a, (ch_rel_join *)rel, name, qualifier, n, out, err);
    else if (input && rel->kind == CH_REL_SUBQUERY_ALIAS)
        CH_TRY(find(a, input, name, NULL, 0, out, err));
    else if (input)
        CH_TRY(find(a, input, name, qualifier, n, out, err));
    if (!*out)
        return CH_OK;
    const ch_attr *mine = ch_attr_list_find(&rel->output, (*out)->id);
    if (mine) {
        *out = fits(a, mine, qualifier, n) ? mine : NULL;
        return CH_OK;
    }
    if (rel->kind == CH_REL_SUBQUERY_ALIAS)
        CH_TRY(of_alias(a, rel, out, err));
    if (rel->kind == CH_REL_PROJECT)
        CH_TRY(of_project(a, (ch_rel_project *)rel, *out, err));
    CH_TRY(append(a, &rel->output, rel->output.n, *out, &rel->output, err));
    if (!fits(a, *out, qualifier, n))
        *out = NULL;
    return CH_OK;
}

ch_status ch_an_file_column(ch_analyzer *a, const ch_rel *rel, const char *name,
                            const ch_str_list *qualifier, int32_t n, const ch_attr **out,
                            ch_error *err)
{
    /* Relations of this analysis are still its own. */
    return find(a, (ch_rel *)(uintptr_t)rel, name, qualifier, n, out, err);
}
