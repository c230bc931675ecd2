/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lambda_each.c - functions with a body for each element: transform, filter, their like for maps, and the two
 * that go along a pair of lists.
 */
#include "column/take.h"
#include "exec/eval_lambda.h"
#include "function/nested.h"
#include "kernel/compare.h"

static ch_status positions(const ch_lambda_lists *l, ch_column **out, ch_error *err)
{
    CH_TRY(ch_column_new(l->mem, CH_T_INT, l->n, out, err));
    int32_t *pos = (*out)->data;
    for (int64_t k = 0; k < l->n; k++)
        pos[k] = (int32_t)k - ch_lambda_from(l, l->row[k]);
    return CH_OK;
}

/* Variables of a function of one list: element and position, or key and value. */
static ch_status list_vars(const ch_lambda_lists *l, const ch_eval_lambda *f, ch_column *var[3],
                           ch_error *err)
{
    bool map = l->column->type->id == CH_MAP;
    var[0] = ch_column_ref(map ? l->item->child[0] : l->item);
    if (f->n_vars < 2)
        return CH_OK;
    if (!map)
        return positions(l, &var[1], err);
    var[1] = ch_column_ref(l->item->child[1]);
    return CH_OK;
}

static bool is_true(const ch_column *c, int64_t i)
{
    return !ch_column_is_null(c, i) && ch_bit_get(c->data, i);
}

/* The body for each element. */
ch_status ch_lambda_each(const ch_eval_run *r, ch_eval_node *n, ch_batch *batch,
                         const ch_lambda_lists *l, ch_column **out, ch_error *err)
{
    ch_column *var[3] = {NULL};
    ch_status status = list_vars(l, &n->lambda[0], var, err);
    if (status == CH_OK)
        status = ch_lambda_run_body(r, &n->lambda[0], batch, l->row, l->n, var, out, err);
    ch_lambda_drop(var, 3);
    return status;
}

/* ---- transform, filter, map_filter, transform_keys, transform_values ------------------------------ */

ch_status ch_lambda_transform(const ch_eval_run *r, ch_eval_node *n, ch_batch *batch,
                              const ch_lambda_lists *l, ch_column **out, ch_error *err)
{
    CH_TRY(ch_lambda_same_lists(l, n->type, out, err));
    return ch_lambda_each(r, n, batch, l, &(*out)->child[0], err);
}

ch_status ch_lambda_filter(const ch_eval_run *r, ch_eval_node *n, ch_batch *batch,
                           const ch_lambda_lists *l, ch_column **out, ch_error *err)
{
    ch_column *keep;
    size_t bytes = sizeof(int32_t) * (size_t)l->n;
    CH_TRY(ch_lambda_each(r, n, batch, l, &keep, err));
    int32_t *idx = ch_mem_alloc(r->mem, bytes, err), kept = 0;
    ch_status status = idx ? ch_lambda_same_lists(l, n->type, out, err) : CH_E_MEMORY;
    if (status == CH_OK) {
        int32_t *offset = (*out)->data;
        for (int64_t i = 0, k = 0; i < l->rows; i++) {
            for (int32_t e = ch_lambda_len(l, i); e > 0; e--, k++)
                if (is_true(keep, k))
                    idx[kept++] = (int32_t)k;
            offset[i + 1] = kept;
        }
        status = ch_take(l->item, idx, kept, false, r->mem, &(*out)->child[0], err);
    }
    ch_mem_free(r->mem, idx, bytes);
    ch_column_unref(keep);
    return status;
}

ch_status ch_lambda_transform_map(const ch_eval_run *r, ch_eval_node *n, ch_batch *batch,
                                  const ch_lambda_lists *l, ch_column **out, ch_error *err)
{
    bool keys = strcmp(n->call->func->name, "transform_keys") == 0;
    ch_column *made;
    CH_TRY(ch_lambda_same_lists(l, n->type, out, err));
    CH_TRY(ch_lambda_each(r, n, batch, l, &made, err));
    ch_column *key = keys ? made : ch_column_ref(l->item->child[0]),
              *value = keys ? ch_column_ref(l->item->child[1]) : made;
    if (keys) {
        ch_call call = {.ctx = r->ev->exec->func, .result = n->type, .mem = r->mem};
        return ch_map_finish(&call, *out, key, value, err);
    }
    const ch_type *entry = ch_type_struct(n->type->field, 2);
    ch_status status =
        entry ? ch_column_new(r->mem, entry, l->n, &(*out)->child[0], err) : CH_E_MEMORY;
    if (status != CH_OK) {
        ch_column_unref(key);
        ch_column_unref(value);
        return status;
    }
    (*out)->child[0]->child[0] = key;
    (*out)->child[0]->child[1] = value;
    return CH_OK;
}

/* ---- zip_with, map_zip_with ----------------------------------------------------------------------------- */

/* Positions of pairs in two lists, -1 where one has nothing. */
typedef struct pairs {
    int32_t *a, *b, *row, *key; /* key: map_zip_with's, in the concatenation of both maps' keys */
    int64_t n, room;
} pairs;

static ch_status pairs_init(pairs *p, const ch_lambda_lists *a, const ch_lambda_lists *b,
                            ch_error *err)
{
    int64_t room = a->n + b->n;
    if (room > INT32_MAX)
        return ch_error_memory(err, "elements of one column", room, INT32_MAX);
    p->a = ch_mem_alloc(a->mem, 4 * sizeof(int32_t) * (size_t)room, err);
    if (!p->a)
        return CH_E_MEMORY;
    p->room = room;
    p->b = p->a + room;
    p->row = p->b + room;
    p->key = p->row + room;
    return CH_OK;
}

static void pairs_add(pairs *p, int32_t a, int32_t b, int64_t row, int32_t key)
{
    p->a[p->n] = a;
    p->b[p->n] = b;
    p->row[p->n] = (int32_t)row;
    p->key[p->n++] = key;
}

static void zip_row(pairs *p, const ch_lambda_lists *a, const ch_lambda_lists *b, int64_t i)
{
    int32_t na = ch_lambda_len(a, i), nb = ch_lambda_len(b, i);
    for (int32_t k = 0; k < na || k < nb; k++)
        pairs_add(p, k < na ? ch_lambda_from(a, i) + k : -1, k < nb ? ch_lambda_from(b, i) + k : -1,
                  i, 0);
}

/* Keys of a in order, then those that only b has. */
static void zip_maps(pairs *p, const ch_lambda_lists *a, const ch_lambda_lists *b, int64_t i)
{
    const ch_column *ka = a->item->child[0], *kb = b->item->child[0];
    int32_t from_a = ch_lambda_from(a, i), to_a = from_a + ch_lambda_len(a, i);
    int32_t from_b = ch_lambda_from(b, i), to_b = from_b + ch_lambda_len(b, i);
    for (int32_t x = from_a; x < to_a; x++) {
        int32_t y = from_b;
        while (y < to_b && ch_compare_at(ka, x, kb, y) != 0)
            y++;
        pairs_add(p, x, y < to_b ? y : -1, i, x);
    }
    for (int32_t y = from_b; y < to_b; y++) {
        int32_t x = from_a;
        while (x < to_a && ch_compare_at(ka, x, kb, y) != 0)
            x++;
        if (x == to_a)
            pairs_add(p, -1, y, i, (int32_t)a->n + y);
    }
}

static ch_status zip_columns(const ch_eval_run *r, const ch_lambda_lists *a,
                             const ch_lambda_lists *b, const pairs *p, bool map, ch_column *var[3],
                             ch_error *err)
{
    if (map) {
        ch_column *both[2] = {a->item->child[0], b->item->child[0]}, *all;
        CH_TRY(ch_concat(both, 2, both[0]->type, r->mem, &all, err));
        ch_status status = ch_take(all, p->key, p->n, false, r->mem, &var[0], err);
        ch_column_unref(all);
        CH_TRY(status);
    }
    CH_TRY(ch_take(map ? a->item->child[1] : a->item, p->a, p->n, true, r->mem, &var[map], err));
    return ch_take(map ? b->item->child[1] : b->item, p->b, p->n, true, r->mem, &var[map + 1], err);
}

ch_status ch_lambda_zip(const ch_eval_run *r, ch_eval_node *n, ch_batch *batch,
                        const ch_lambda_lists *a, ch_column **out, ch_error *err)
{
    bool map = n->type->id == CH_MAP;
    ch_lambda_lists b;
    pairs p = {0};
    ch_column *var[3] = {NULL}, *made = NULL;
    CH_TRY(ch_lambda_lists_init(r, n->arg[1], batch, &b, err));
    ch_status status = CH_OK;
    CH_TRY_OUT(pairs_init(&p, a, &b, err));
    CH_TRY_OUT(ch_column_new(r->mem, n->type, a->rows, out, err));
    CH_TRY_OUT(ch_column_need_valid(*out, err));
    int32_t *offset = (*out)->data;
    for (int64_t i = 0; i < a->rows; i++) {
        if (map) /* each key is looked for among all others */
            CH_TRY_OUT(ch_exec_heed(r->ev->exec, err));
        if (ch_lambda_null(a, i) || ch_lambda_null(&b, i))
            ch_bit_clear((*out)->valid, i);
        else if (map)
            zip_maps(&p, a, &b, i);
        else
            zip_row(&p, a, &b, i);
        offset[i + 1] = (int32_t)p.n;
    }
    CH_TRY_OUT(zip_columns(r, a, &b, &p, map, var, err));
    CH_TRY_OUT(ch_lambda_run_body(r, &n->lambda[0], batch, p.row, p.n, var, &made, err));
    if (map) {
        const ch_type *entry = ch_type_struct(n->type->field, 2);
        status = entry ? ch_column_new(r->mem, entry, p.n, &(*out)->child[0], err) : CH_E_MEMORY;
        if (status != CH_OK)
            goto out;
        (*out)->child[0]->child[0] = ch_column_ref(var[0]);
        (*out)->child[0]->child[1] = made;
    } else {
        (*out)->child[0] = made;
    }
    made = NULL;
out:
    ch_column_unref(made);
    ch_lambda_drop(var, 3);
    ch_mem_free(r->mem, p.a, 4 * sizeof(int32_t) * (size_t)p.room);
    ch_lambda_lists_release(&b);
    return status;
}
