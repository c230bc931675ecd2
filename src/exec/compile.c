/* SPDX-License-Identifier: Apache-2.0 */
/* compile.c - plan nodes to operators: one row of builtin/operators.def per kind. */
#include "exec/pipeline.h"
#include "plan/analyze.h"
#include "plan/node.h"

#define CH_OP(name) extern const ch_op_maker ch_op_maker_##name;
#include "builtin/operators.def"
#undef CH_OP

static const ch_op_maker *const MAKERS[] = {
#define CH_OP(name) &ch_op_maker_##name,
#include "builtin/operators.def"
#undef CH_OP
};

ch_status ch_physical_new(ch_exec *exec, ch_physical **out, ch_error *err)
{
    ch_physical *physical;
    *out = NULL;
    CH_ARENA_NEW(physical, exec->arena, err);
    physical->exec = exec;
    exec->physical = physical;
    *out = physical;
    return CH_OK;
}

void ch_physical_add_op(ch_physical *physical, ch_op *op)
{
    op->next_op = physical->ops;
    physical->ops = op;
}

ch_status ch_compile_source(ch_compiler *c, ch_op *source, ch_op *next, ch_error *err)
{
    ch_physical *physical = c->physical;
    if (physical->n_pipelines == physical->cap_pipelines) {
        int32_t cap = physical->cap_pipelines ? physical->cap_pipelines * 2 : 8;
        ch_pipeline **more;
        CH_ARENA_ARRAY(more, c->exec->arena, cap, err);
        if (physical->n_pipelines)
            memcpy(more, physical->pipeline, sizeof *more * (size_t)physical->n_pipelines);
        physical->pipeline = more;
        physical->cap_pipelines = cap;
    }
    ch_pipeline *p;
    CH_ARENA_NEW(p, c->exec->arena, err);
    *p = (ch_pipeline){.number = physical->n_pipelines, .source = source, .first = next};
    physical->pipeline[physical->n_pipelines++] = p;
    source->source_of = next;
    next->n_feeders++;
    ch_op_add_feeder(next, source);
    return CH_OK;
}

/* Those offers of the list that are about columns of rel. */
static ch_status offers_for(ch_compiler *c, const ch_rel *rel, const ch_filter_offer *list,
                            ch_error *err)
{
    c->offers = NULL;
    for (; list; list = list->next)
        if (ch_attr_position(&rel->output, list->id) >= 0)
            CH_TRY(ch_offer_filter(c, list->id, list->filter, err));
    return CH_OK;
}

/*
 * Spark's optimizer evaluates projections and filters of rows that came with the plan, all of them as one partition;
 * only what stands above sees the partitions of their scan. It matters where something is random or counts rows.
 */
static bool is_whole(const ch_rel *rel, bool above)
{
    switch (rel->kind) {
    case CH_REL_PROJECT: {
        const ch_expr_list *list = &((const ch_rel_project *)rel)->expressions;
        for (int32_t i = 0; i < list->n && !above; i++)
            above = !ch_expr_is_deterministic(list->item[i]);
        return above;
    }
    case CH_REL_FILTER:
        return above || !ch_expr_is_deterministic(((const ch_rel_filter *)rel)->condition);
    case CH_REL_SUBQUERY_ALIAS:
    case CH_REL_VALUES:
    case CH_REL_LOCAL_RELATION:
        return above;
    default:
        return false;
    }
}

static ch_status look_at(void *user, ch_expr **e, ch_error *err)
{
    bool *random = user;
    CH_UNUSED(err);
    *random |= !ch_expr_is_deterministic(*e);
    return CH_OK;
}

/* Random numbers and counters begin anew with each morsel: wherever they are, files are cut the same way. */
static ch_status fix_cuts(ch_compiler *c, const ch_rel *rel, ch_error *err)
{
    ch_rel *same = (ch_rel *)(uintptr_t)rel;
    bool random = rel->kind == CH_REL_SAMPLE;
    if (!random && !c->exec->fixed_cuts)
        CH_TRY(ch_rel_map_exprs(c->exec->arena, &same, look_at, &random, err));
    c->exec->fixed_cuts |= random;
    return CH_OK;
}

ch_status ch_compile_into(ch_compiler *c, const ch_rel *rel, ch_op *next, ch_error *err)
{
    for (size_t i = 0; i < sizeof MAKERS / sizeof *MAKERS; i++) {
        if (MAKERS[i]->kind != rel->kind)
            continue;
        const ch_filter_offer *offers = c->offers;
        const bool whole = c->whole, counts = c->counts;
        c->whole = is_whole(rel, whole);
        c->counts = rel->kind == CH_REL_SAMPLE ||
                    (rel->kind == CH_REL_REPARTITION ? counts : is_whole(rel, counts));
        ch_status status = fix_cuts(c, rel, err);
        if (status == CH_OK)
            status = offers_for(c, rel, MAKERS[i]->takes_offers ? offers : NULL, err);
        if (status == CH_OK)
            status = MAKERS[i]->make(c, rel, next, err);
        c->offers = offers;
        c->whole = whole;
        c->counts = counts;
        return status;
    }
    CH_FAIL(err, UNSUPPORTED, "feature", ch_rel_class(rel->kind)->name);
}

ch_status ch_offer_filter(ch_compiler *c, int64_t id, ch_runtime_filter *filter, ch_error *err)
{
    ch_filter_offer *offer;
    CH_ARENA_NEW(offer, c->exec->arena, err);
    *offer = (ch_filter_offer){id, filter, c->offers};
    c->offers = offer;
    return CH_OK;
}

ch_status ch_offer_below(ch_compiler *c, const ch_expr_list *list, ch_error *err)
{
    const ch_filter_offer *offers = c->offers;
    for (int32_t i = 0; i < list->n; i++)
        if (!ch_expr_is_deterministic(
                list->item[i])) { /* what it gives depends on the rows before */
            c->offers = NULL;
            return CH_OK;
        }
    for (int32_t i = 0; i < list->n; i++) {
        if (list->item[i]->kind != CH_EXPR_ALIAS)
            continue;
        const ch_expr_alias *alias = (const ch_expr_alias *)list->item[i];
        if (alias->child->kind != CH_EXPR_ATTRIBUTE)
            continue;
        int64_t id = ((const ch_expr_attribute *)alias->child)->attr->id;
        for (const ch_filter_offer *o = offers; o; o = o->next)
            if (o->id == alias->id)
                CH_TRY(ch_offer_filter(c, id, o->filter, err));
    }
    return CH_OK;
}

ch_status ch_compile(ch_physical *physical, const ch_rel *rel, ch_op *sink, ch_error *err)
{
    ch_compiler c = {.exec = physical->exec, .physical = physical};
    physical->sink = sink;
    return ch_compile_into(&c, rel, sink, err);
}
