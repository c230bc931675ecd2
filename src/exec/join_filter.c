/* SPDX-License-Identifier: Apache-2.0 */
/*
 * join_filter.c - what a join's build side knows, for the scans of its probe side (store/runtime_filter.h).
 *
 * Where a probe row without a match gives nothing, each key that is a plain column of the probe side is offered
 * to whoever makes that column. The filters are filled when the build side is complete; the pipelines of
 * the probe side run later. A build side that holds every value there is would filter nothing: it must have
 * lost rows on its way, by a filter or a join.
 */
#include "exec/join.h"
#include "optimize/optimize.h"

/* Of the join's memory limit, for one filter. */
#define SHARE_OF_LIMIT 32

static bool drops_rows(const ch_rel *rel);

static bool join_drops(const ch_rel_join *j)
{
    switch (j->join_type) {
    case CH_JOIN_LEFT_SEMI:
    case CH_JOIN_LEFT_ANTI:
        return true;
    case CH_JOIN_LEFT_OUTER:
    case CH_JOIN_EXISTENCE:
        return drops_rows(j->left);
    case CH_JOIN_RIGHT_OUTER:
        return drops_rows(j->right);
    default:
        return j->join_type != CH_JOIN_FULL_OUTER && (drops_rows(j->left) || drops_rows(j->right));
    }
}

/* isnotnull drops nothing that a join would not. */
static bool is_selective(const ch_expr *e)
{
    if (e->kind != CH_EXPR_CALL)
        return true;
    const ch_expr_call *call = (const ch_expr_call *)e;
    if (strcmp(call->func->name, "and") == 0)
        return is_selective(call->args.item[0]) || is_selective(call->args.item[1]);
    return strcmp(call->func->name, "isnotnull") != 0;
}

/* Does the relation likely have fewer values in its columns than the tables it reads? */
static bool drops_rows(const ch_rel *rel)
{
    switch (rel->kind) {
    case CH_REL_SCAN:
    case CH_REL_RANGE:
        return false;
    case CH_REL_FILTER:
        return is_selective(((const ch_rel_filter *)rel)->condition) ||
               drops_rows(((const ch_rel_filter *)rel)->input);
    case CH_REL_PROJECT:
        return drops_rows(((const ch_rel_project *)rel)->input);
    case CH_REL_AGGREGATE:
        return drops_rows(((const ch_rel_aggregate *)rel)->input);
    case CH_REL_JOIN:
        return join_drops((const ch_rel_join *)rel);
    default:
        return true;
    }
}

static const ch_attr *as_attribute(const ch_expr *e)
{
    return e->kind == CH_EXPR_ATTRIBUTE ? ((const ch_expr_attribute *)e)->attr : NULL;
}

/* What is offered for one side's key holds for the other side's too: their rows meet only where both are equal. */
static ch_status offer_across(ch_compiler *c, const ch_join *j, ch_error *err)
{
    const ch_filter_offer *offers = c->offers;
    for (int32_t k = 0; k < j->n_keys; k++) {
        const ch_attr *a = as_attribute(j->build_key.item[k]);
        const ch_attr *b = as_attribute(j->probe_key.item[k]);
        if (!a || !b || j->null_safe[k])
            continue;
        for (const ch_filter_offer *o = offers; o; o = o->next)
            if (o->id == a->id || o->id == b->id)
                CH_TRY(ch_offer_filter(c, o->id == a->id ? b->id : a->id, o->filter, err));
    }
    return CH_OK;
}

ch_status ch_join_offer_filters(ch_compiler *c, ch_join *j, const ch_rel *build,
                                const ch_rel *probe, ch_error *err)
{
    CH_ARENA_ARRAY(j->filter, c->exec->arena, j->n_keys + 1, err);
    if (j->type == CH_JOIN_INNER || j->type == CH_JOIN_CROSS || j->type == CH_JOIN_LEFT_SEMI)
        CH_TRY(offer_across(c, j, err));
    j->build_offers = c->offers;
    j->probe_rows = ch_estimate_rows(probe);
    bool drops = !ch_join_wants_all(j) && drops_rows(build);
    for (int32_t k = 0; k < j->n_keys; k++) {
        const ch_attr *attr = as_attribute(j->probe_key.item[k]);
        ch_runtime_filter_init(&j->filter[k], j->probe_key.item[k]->type, j->mem);
        if (drops && attr && !j->null_safe[k] && ch_runtime_filter_fits(attr->type))
            CH_TRY(ch_offer_filter(c, attr->id, &j->filter[k], err));
    }
    return CH_OK;
}

void ch_join_widen_filters(ch_join *j, int slot)
{
    ch_join_slot *s = &j->slot[slot];
    for (int32_t k = 0; k < j->n_keys; k++)
        if (j->filter[k].wanted)
            ch_value_range_widen(&s->range[k], s->key[k]);
}

/* ---- filling ----------------------------------------------------------------------------- */

typedef struct filling {
    ch_join *j;
    _Atomic int next_task;
    _Atomic bool failed;
} filling;

static ch_status add_page(ch_join *j, const ch_rowpage *page, ch_error *err)
{
    enum { N = 1024 };
    uint8_t *row[N];
    int32_t pos = 0;
    int64_t n;
    while ((n = ch_rowpage_next(page, &pos, row, N)) > 0)
        for (int32_t k = 0; k < j->n_keys; k++) {
            ch_column *key;
            if (!j->filter[k].wanted)
                continue;
            CH_TRY(ch_rows_gather(&j->layout, k, row, n, j->mem, &key, err));
            ch_status status = ch_runtime_filter_add(&j->filter[k], key, err);
            ch_column_unref(key);
            CH_TRY(status);
        }
    return CH_OK;
}

static ch_status add_set(ch_join *j, ch_rowset *set, ch_error *err)
{
    for (int32_t i = 0; i < set->n_pages; i++) {
        bool on_disk = i < set->n_spilled;
        CH_TRY(ch_rowset_load(set, j->spill, i, err));
        ch_status status = add_page(j, &set->page[i], err);
        if (on_disk)
            ch_rowset_unload(set, i);
        CH_TRY(status);
    }
    return CH_OK;
}

static bool fill_step(void *user, int slot)
{
    filling *f = user;
    CH_UNUSED(slot);
    int task = atomic_fetch_add(&f->next_task, 1);
    if (task >= f->j->exec->n_slots * CH_JOIN_PARTS || f->failed)
        return false;
    ch_rowset *set = &f->j->slot[task / CH_JOIN_PARTS].build[task % CH_JOIN_PARTS];
    if (add_set(f->j, set, NULL) != CH_OK)
        f->failed = true;
    return true;
}

void ch_join_fill_filters(ch_join *j)
{
    int64_t limit = ch_mem_limit(j->mem), n = 0;
    bool sets = false;
    for (int s = 0; s < j->exec->n_slots; s++)
        for (int p = 0; p < CH_JOIN_PARTS; p++)
            n += j->slot[s].build[p].n_rows;
    /* Filling costs about what asking saves per row. */
    bool pays = j->probe_rows < 0 || n <= j->probe_rows;
    for (int32_t k = 0; k < j->n_keys; k++) {
        if (!j->filter[k].wanted)
            continue;
        ch_value_range range = CH_VALUE_RANGE_EMPTY;
        for (int s = 0; s < j->exec->n_slots; s++) {
            const ch_value_range *own = &j->slot[s].range[k];
            range.min = own->min < range.min ? own->min : range.min;
            range.max = own->max > range.max ? own->max : range.max;
        }
        ch_runtime_filter_prepare(&j->filter[k], range, n, pays ? limit / SHARE_OF_LIMIT : 0);
        sets |= j->filter[k].n_words > 0;
    }
    filling f = {.j = j};
    if (sets)
        ch_pool_run(j->exec->pool, fill_step, &f, n > 16384 ? j->exec->n_slots : 1);
    for (int32_t k = 0; k < j->n_keys; k++)
        j->filter[k].ready = j->filter[k].wanted && !f.failed;
}
