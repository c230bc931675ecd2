/* SPDX-License-Identifier: Apache-2.0 */
/* scan_prune.c - one batch with a row per file, filtered by the conditions that need no more. */
#include "exec/scan_prune.h"

#include <string.h>

#include "plan/node.h"

typedef struct columns_used {
    const ch_rel_scan *rel;
    bool *used; /* per output column */
    bool any, others;
} columns_used;

static ch_status find_columns(void *user, ch_expr **e, ch_error *err)
{
    columns_used *u = user;
    if ((*e)->kind == CH_EXPR_SUBQUERY)
        u->others = true;
    if ((*e)->kind == CH_EXPR_ATTRIBUTE) {
        int32_t at =
            ch_attr_position(&u->rel->head.output, ((const ch_expr_attribute *)*e)->attr->id);
        if (at < 0 || !ch_dataset_is_constant(u->rel->dataset, u->rel->wanted[at])) {
            u->others = true;
            return CH_OK;
        }
        u->any = u->used[at] = true;
    }
    return ch_expr_map_children(NULL, e, find_columns, u, err);
}

/* The conjuncts that only look at constants, and the columns that those look at. */
static ch_status choose(ch_exec *exec, const ch_rel_scan *rel, ch_expr_list *out, bool *used,
                        ch_error *err)
{
    int32_t n = rel->head.output.n;
    for (int32_t i = 0; i < rel->pushed.n; i++) {
        columns_used u = {.rel = rel};
        ch_expr *e = rel->pushed.item[i];
        CH_ARENA_ARRAY(u.used, exec->arena, n + 1, err);
        CH_TRY(find_columns(&u, &e, err));
        if (!u.any || u.others)
            continue;
        CH_TRY(ch_expr_list_add(exec->arena, out, e, err));
        for (int32_t c = 0; c < n; c++)
            used[c] |= u.used[c];
    }
    return CH_OK;
}

static ch_status fill_column(const ch_rel_scan *rel, int32_t c, ch_arena *arena, ch_mem *mem,
                             ch_column **out, ch_error *err)
{
    const ch_scalar **value;
    ch_scalar *v;
    CH_ARENA_ARRAY(value, arena, rel->n_files + 1, err);
    CH_ARENA_ARRAY(v, arena, rel->n_files + 1, err);
    for (int32_t i = 0; i < rel->n_files; i++) {
        CH_TRY(ch_dataset_constant(rel->dataset, rel->schema, rel->wanted[c], i, &rel->file[i],
                                   arena, &v[i], err));
        value[i] = &v[i];
    }
    return ch_column_scalars(mem, rel->head.output.item[c]->type, value, rel->n_files, out, err);
}

static void drop_files(const ch_column *flag, int32_t n, bool *keep)
{
    for (int32_t i = 0; i < n; i++)
        keep[i] &= !ch_column_is_null(flag, i) &&
                   ch_bit_get(ch_column_values(flag)->data, ch_column_slot(flag, i));
}

static ch_status evaluate(ch_exec *exec, const ch_rel_scan *rel, const ch_expr_list *list,
                          ch_batch *batch, ch_mem *mem, bool *keep, ch_error *err)
{
    ch_evaluator *ev;
    ch_status status = ch_evaluator_new(exec, list, &rel->head.output, &ev, err);
    for (int32_t i = 0; i < list->n && status == CH_OK; i++) {
        ch_error own = {0};
        ch_column *flag = NULL;
        status = ch_evaluate(ev, 0, i, batch, mem, &flag, &own);
        if (status == CH_OK)
            drop_files(flag, rel->n_files, keep);
        else if (status != CH_E_MEMORY)
            status = CH_OK; /* told when a row is really there */
        else if (err && err->code == CH_OK)
            *err = own, own = (ch_error){0};
        ch_error_release(&own);
        ch_column_unref(flag);
    }
    ch_evaluator_close(ev);
    return status;
}

static ch_status all_kept(ch_exec *exec, int32_t n, bool **keep, ch_error *err)
{
    CH_ARENA_ARRAY(*keep, exec->arena, n + 1, err);
    memset(*keep, true, (size_t)n);
    return CH_OK;
}

ch_status ch_scan_prune(ch_exec *exec, const ch_rel_scan *rel, ch_mem *mem, bool **keep,
                        ch_error *err)
{
    ch_expr_list list = {0};
    bool *used;
    *keep = NULL;
    if (!rel->pushed.n || !rel->n_files)
        return CH_OK;
    CH_ARENA_ARRAY(used, exec->arena, rel->head.output.n + 1, err);
    CH_TRY(choose(exec, rel, &list, used, err));
    if (!list.n)
        return CH_OK;
    CH_TRY(all_kept(exec, rel->n_files, keep, err));
    ch_arena scratch;
    ch_batch batch;
    ch_arena_init(&scratch, mem);
    ch_status status = ch_batch_init(&batch, mem, rel->head.output.n, rel->n_files, err);
    for (int32_t c = 0; c < rel->head.output.n && status == CH_OK; c++)
        if (used[c])
            status = fill_column(rel, c, &scratch, mem, &batch.col[c], err);
    if (status == CH_OK)
        status = evaluate(exec, rel, &list, &batch, mem, *keep, err);
    ch_batch_release(&batch);
    ch_arena_release(&scratch);
    return status;
}

ch_status ch_scan_prune_by(ch_exec *exec, const ch_rel_scan *rel, int32_t column,
                           ch_runtime_filter *filter, ch_mem *mem, bool **keep, ch_error *err)
{
    ch_arena scratch;
    ch_column *values = NULL;
    uint64_t *bits = NULL;
    size_t bytes = (size_t)ch_bit_bytes(rel->n_files);
    if (!rel->n_files)
        return CH_OK;
    if (!*keep)
        CH_TRY(all_kept(exec, rel->n_files, keep, err));
    ch_arena_init(&scratch, mem);
    ch_status status = fill_column(rel, column, &scratch, mem, &values, err);
    if (status == CH_OK) {
        bits = ch_mem_alloc(mem, bytes, err);
        status = bits ? CH_OK : CH_E_MEMORY;
    }
    if (status == CH_OK) {
        ch_bits_fill(bits, rel->n_files, true);
        status = ch_runtime_filter_test(filter, values, bits, mem, err);
    }
    for (int32_t i = 0; i < rel->n_files && status == CH_OK; i++)
        (*keep)[i] &= ch_bit_get(bits, i);
    ch_mem_free(mem, bits, bytes);
    ch_column_unref(values);
    ch_arena_release(&scratch);
    return status;
}
