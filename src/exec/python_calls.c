/* SPDX-License-Identifier: Apache-2.0 */
/* python_calls.c - calls of the plan as a worker's task, and rows gathered for it. */
#include "exec/python_calls.h"

#include <stdio.h>

#include "column/take.h"
#include "plan/make.h"
#include "python/udf.h"
#include "store/access.h"

/* ---- tasks -------------------------------------------------------------------------------- */

static const ch_python_udf *udf_of(const ch_expr *e)
{
    const ch_expr_call *c = (const void *)e;
    return e->kind == CH_EXPR_CALL && (c->func->flags & CH_FUNC_PYTHON)
               ? (const ch_python_udf *)(const void *)c->func
               : NULL;
}

ch_status ch_python_struct(ch_arena *arena, const ch_expr_list *list, bool names,
                           const ch_type **out, ch_error *err)
{
    ch_field *field;
    CH_ARENA_ARRAY(field, arena, list->n + 1, err);
    for (int32_t i = 0; i < list->n; i++) {
        const ch_expr *e = list->item[i];
        field[i] = (ch_field){.type = e->type, .nullable = e->nullable};
        field[i].name = names && e->kind == CH_EXPR_ATTRIBUTE
                            ? ((const ch_expr_attribute *)e)->attr->name
                            : ch_arena_printf(arena, err, "_%d", i);
        if (!field[i].name)
            return CH_E_MEMORY;
    }
    *out = ch_type_struct(field, list->n);
    return *out ? CH_OK : ch_error_memory(err, "types", 0, 0);
}

/* The column that the worker gets for an argument; equal ones share it. */
static ch_status place(ch_arena *arena, ch_expr_list *args, ch_expr *e, int32_t *out, ch_error *err)
{
    for (int32_t i = 0; i < args->n; i++)
        if (ch_expr_is_deterministic(e) && ch_expr_equal(args->item[i], e)) {
            *out = i;
            return CH_OK;
        }
    *out = args->n;
    return ch_expr_list_add(arena, args, e, err);
}

/* f(g(a)): g, f with the arguments of g. */
static ch_status make_call(ch_arena *arena, const ch_expr *e, ch_expr_list *args,
                           ch_python_call *out, ch_error *err)
{
    const ch_expr_call *c = (const void *)e;
    int32_t n = 1, *position;
    const ch_python_udf **chain;
    const char **key;
    for (; c->args.n == 1 && udf_of(c->args.item[0]); n++)
        c = (const void *)c->args.item[0];
    CH_ARENA_ARRAY(chain, arena, n, err);
    CH_ARENA_ARRAY(position, arena, c->args.n + 1, err);
    CH_ARENA_ARRAY(key, arena, c->args.n + 1, err);
    for (int32_t i = n; i > 0; i--) {
        chain[i - 1] = udf_of(e);
        e = ((const ch_expr_call *)e)->args.n ? ((const ch_expr_call *)e)->args.item[0] : NULL;
    }
    for (int32_t i = 0; i < c->args.n; i++) {
        ch_expr *arg = c->args.item[i];
        if (arg->kind == CH_EXPR_NAMED_ARGUMENT) {
            key[i] = ((const ch_expr_named_argument *)arg)->key;
            arg = ((const ch_expr_named_argument *)arg)->value;
        }
        CH_TRY(place(arena, args, arg, &position[i], err));
    }
    *out = (ch_python_call){
        .arg = position, .key = key, .n_args = c->args.n, .chain = chain, .n_chain = n};
    return CH_OK;
}

static ch_status no_python(const ch_exec *exec, ch_error *err)
{
    /* It may do whatever the process may. */
    if (ch_access_is_confined())
        CH_FAIL(err, UNSUPPORTED, "feature",
                "A Python function on a server with --read-only or --allow-path");
    if (exec->python)
        return CH_OK;
    CH_FAIL(err, UNSUPPORTED, "feature", "A Python function here");
}

ch_status ch_python_calls_make(ch_exec *exec, const ch_expr_list *functions,
                               const ch_attr_list *input, ch_python_calls *out, ch_error *err)
{
    ch_python_call *call;
    ch_expr_list *args;
    CH_TRY(no_python(exec, err));
    CH_ARENA_ARRAY(call, exec->arena, functions->n, err);
    CH_ARENA_NEW(args, exec->arena, err);
    *out = (ch_python_calls){0};
    for (int32_t i = 0; i < functions->n; i++)
        CH_TRY(make_call(exec->arena, ((const ch_expr_alias *)functions->item[i])->child, args,
                         &call[i], err));
    out->args = *args;
    out->spec = (ch_python_spec){
        .eval_type = call[0].chain[0]->eval_type, .call = call, .n_calls = functions->n};
    CH_TRY(ch_python_struct(exec->arena, args, false, &out->spec.input, err));
    CH_TRY(ch_python_struct(exec->arena, functions, false, &out->spec.output, err));
    return ch_evaluator_new(exec, args, input, &out->ev, err);
}

ch_status ch_python_calls_whole(ch_exec *exec, const ch_expr *function, const ch_expr_list *args,
                                const int32_t *offset, int32_t n, const ch_attr_list *input,
                                ch_python_calls *out, ch_error *err)
{
    ch_python_call *call;
    const ch_python_udf **chain;
    ch_expr_list *list;
    CH_TRY(no_python(exec, err));
    CH_ARENA_NEW(call, exec->arena, err);
    CH_ARENA_NEW(chain, exec->arena, err);
    CH_ARENA_NEW(list, exec->arena, err);
    *list = *args;
    chain[0] = udf_of(function);
    *call = (ch_python_call){.arg = offset, .n_args = n, .chain = chain, .n_chain = 1};
    *out = (ch_python_calls){.args = *args};
    out->spec = (ch_python_spec){.eval_type = chain[0]->eval_type,
                                 .call = call,
                                 .n_calls = 1,
                                 .output = chain[0]->type,
                                 .output_struct = true};
    CH_TRY(ch_python_struct(exec->arena, list, true, &out->spec.input, err));
    return ch_evaluator_new(exec, list, input, &out->ev, err);
}

ch_status ch_python_offsets(ch_arena *arena, ch_expr *const *value, int32_t n,
                            const ch_expr_list *keys, ch_expr_list *args, int32_t *offset,
                            int32_t *n_offset, ch_error *err)
{
    int32_t *at = offset + *n_offset;
    at[0] = 1 + keys->n + n;
    at[1] = keys->n;
    *args = (ch_expr_list){0};
    for (int32_t i = 0; i < n; i++) {
        CH_TRY(ch_expr_list_add(arena, args, value[i], err));
        at[2 + keys->n + i] = i;
    }
    for (int32_t k = 0; k < keys->n; k++) {
        int32_t place = 0;
        while (place < args->n && !ch_expr_equal(args->item[place], keys->item[k]))
            place++;
        if (place == args->n)
            CH_TRY(ch_expr_list_add(arena, args, keys->item[k], err));
        at[2 + k] = place;
    }
    *n_offset += 2 + keys->n + n;
    return CH_OK;
}

ch_status ch_python_calls_send(ch_python_calls *calls, ch_python_task *task, int slot,
                               ch_batch *rows, ch_mem *mem, ch_error *err)
{
    ch_batch args;
    CH_TRY(ch_batch_init(&args, mem, calls->args.n, rows->n, err));
    ch_status status = CH_OK;
    for (int32_t i = 0; i < calls->args.n && status == CH_OK; i++)
        status = ch_evaluate(calls->ev, slot, i, rows, mem, &args.col[i], err);
    if (status == CH_OK)
        status = ch_python_task_send(task, &args, err);
    ch_batch_release(&args);
    return status;
}

ch_status ch_python_push(ch_op *op, int slot, ch_python_task *task, ch_python_taker take,
                         bool *full, ch_error *err)
{
    bool all = false;
    *full = false;
    while (!all && !*full) {
        CH_TRY(ch_python_task_flush(task, &all, err));
        CH_TRY(take(op, slot, err));
        *full = ch_op_is_full(op->next, slot);
    }
    return CH_OK;
}

ch_status ch_python_drain(ch_op *op, int slot, ch_python_task *task, ch_python_taker take,
                          bool *full, ch_error *err)
{
    bool more = true;
    CH_TRY(ch_python_task_end_input(task, err));
    CH_TRY(ch_python_push(op, slot, task, take, full, err));
    while (more && !*full) {
        CH_TRY(ch_python_task_wait(task, &more, err));
        CH_TRY(take(op, slot, err));
        *full = ch_op_is_full(op->next, slot);
    }
    return CH_OK;
}

/* ---- rows --------------------------------------------------------------------------------- */

ch_status ch_gather_add(ch_gather *g, const ch_batch *batch, int64_t from, int64_t n, ch_error *err)
{
    if (g->n == g->cap) {
        int32_t cap = g->cap ? g->cap * 2 : 8;
        ch_batch *more = ch_mem_alloc(g->mem, sizeof *more * (size_t)cap, err);
        if (!more)
            return CH_E_MEMORY;
        if (g->n)
            memcpy(more, g->part, sizeof *more * (size_t)g->n);
        ch_mem_free(g->mem, g->part, sizeof *more * (size_t)g->cap);
        g->part = more;
        g->cap = cap;
    }
    ch_batch *part = &g->part[g->n];
    CH_TRY(ch_batch_copy(batch, part, err));
    ch_status status = n == batch->n ? CH_OK : ch_batch_slice(part, from, n, err);
    if (status != CH_OK) {
        ch_batch_release(part);
        return status;
    }
    g->n++;
    g->rows += n;
    g->seq = batch->seq;
    return CH_OK;
}

static void drop_parts(ch_gather *g)
{
    for (int32_t i = 0; i < g->n; i++)
        ch_batch_release(&g->part[i]);
    g->n = 0;
    g->rows = 0;
}

/* Column c of all parts. */
static ch_status join_column(ch_gather *g, int32_t c, ch_column **piece, ch_column **out,
                             ch_error *err)
{
    for (int32_t i = 0; i < g->n; i++)
        CH_TRY(ch_batch_column(&g->part[i], c, &piece[i], err));
    if (g->n == 1) {
        *out = ch_column_ref(piece[0]);
        return CH_OK;
    }
    return ch_concat(piece, g->n, piece[0]->type, g->mem, out, err);
}

ch_status ch_gather_take(ch_gather *g, ch_batch *out, ch_error *err)
{
    int32_t n = g->part[0].n_cols;
    size_t bytes = sizeof(ch_column *) * (size_t)g->n;
    ch_column **piece = ch_mem_alloc(g->mem, bytes, err);
    *out = (ch_batch){0};
    if (!piece)
        return CH_E_MEMORY;
    ch_status status = ch_batch_init(out, g->mem, n, g->rows, err);
    for (int32_t c = 0; c < n && status == CH_OK; c++)
        status = join_column(g, c, piece, &out->col[c], err);
    if (status == CH_OK)
        out->seq = g->seq;
    else
        ch_batch_release(out);
    ch_mem_free(g->mem, piece, bytes);
    drop_parts(g);
    return status;
}

ch_status ch_gather_take_rows(ch_gather *g, int64_t n, ch_batch *out, ch_error *err)
{
    ch_gather first = {.mem = g->mem};
    ch_status status = CH_OK;
    int32_t whole = 0;
    *out = (ch_batch){0};
    while (first.rows < n && status == CH_OK) {
        ch_batch *part = &g->part[whole];
        int64_t missing = n - first.rows, k = part->n < missing ? part->n : missing;
        status = ch_gather_add(&first, part, 0, k, err);
        if (status == CH_OK && k < part->n)
            status = ch_batch_slice(part, k, part->n - k, err);
        else if (status == CH_OK)
            ch_batch_release(&g->part[whole++]);
    }
    if (whole) {
        memmove(g->part, g->part + whole, sizeof *g->part * (size_t)(g->n - whole));
        g->n -= whole;
    }
    g->rows -= first.rows;
    if (status == CH_OK)
        status = ch_gather_take(&first, out, err);
    ch_gather_release(&first);
    return status;
}

void ch_gather_release(ch_gather *g)
{
    drop_parts(g);
    if (g->part)
        ch_mem_free(g->mem, g->part, sizeof *g->part * (size_t)g->cap);
    *g = (ch_gather){0};
}
