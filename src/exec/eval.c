/* SPDX-License-Identifier: Apache-2.0 */
/*
 * eval.c - compiled expressions, evaluated a batch at a time.
 *
 * A resolved expression becomes a tree of nodes with column positions and bound kernels.
 * Most nodes are evaluated for all rows of the batch. What may fail (an ANSI division, a cast) and
 * stands behind a condition is evaluated for a sub-batch of the rows that reach it, and the parts are
 * put together again:
 *
 *   CASE WHEN c0 THEN v0 WHEN c1 THEN v1 ELSE v2 END
 *     rest = all rows
 *     for each k: hit = rows of rest where ck is true; v[k] over hit; rest -= hit
 *     result = concat(v0, v1, v2) taken by (base of k + rank of the row in hit k)
 */
#include <stdio.h>

#include "column/take.h"
#include "exec/eval.h"

typedef ch_eval_node node;
typedef ch_eval_run run;

int32_t ch_attr_position(const ch_attr_list *list, int64_t id)
{
    for (int32_t i = 0; i < list->n; i++)
        if (list->item[i]->id == id)
            return i;
    return -1;
}

/* ------------------------------------------------------------- compiling */

static ch_status add_node(ch_evaluator *ev, node *n, ch_error *err)
{
    if (ev->n_all == ev->cap_all) {
        int32_t cap = ev->cap_all ? ev->cap_all * 2 : 16;
        node **all;
        CH_ARENA_ARRAY(all, ev->exec->arena, cap, err);
        if (ev->n_all)
            memcpy(all, ev->all, sizeof *all * (size_t)ev->n_all);
        ev->all = all;
        ev->cap_all = cap;
    }
    ev->all[ev->n_all++] = n;
    return CH_OK;
}

static ch_status compile_args(ch_evaluator *ev, const ch_expr_list *args, const ch_attr_list *input,
                              node *n, ch_error *err)
{
    n->n_args = args->n;
    CH_ARENA_ARRAY(n->arg, ev->exec->arena, args->n, err);
    for (int32_t i = 0; i < args->n; i++) {
        CH_TRY(ch_eval_compile(ev, args->item[i], input, &n->arg[i], err));
        n->may_fail |= n->arg[i]->may_fail;
    }
    return CH_OK;
}

static ch_status compile_one_arg(ch_evaluator *ev, ch_expr *arg, const ch_attr_list *input, node *n,
                                 ch_error *err)
{
    ch_expr_list list = {.item = &arg, .n = 1};
    return compile_args(ev, &list, input, n, err);
}

/* Calls that evaluate their own arguments. Returns false for all others. */
static bool special_kind(const ch_expr_call *call, ch_eval_kind *kind)
{
    static const struct {
        const char *name;
        ch_eval_kind kind;
    } SPECIAL[] = {{"and", NODE_AND},           {"or", NODE_OR},
                   {"if", NODE_CHOOSE},         {"when", NODE_CHOOSE},
                   {"coalesce", NODE_COALESCE}, {"nvl", NODE_COALESCE},
                   {"ifnull", NODE_COALESCE}};
    for (size_t i = 0; i < sizeof SPECIAL / sizeof *SPECIAL; i++) {
        if (strcmp(call->func->name, SPECIAL[i].name) == 0) {
            *kind = SPECIAL[i].kind;
            return true;
        }
    }
    return false;
}

/* A call of a function that the plan does not name: func(args[0..n)). */
static ch_status helper_call(ch_evaluator *ev, const char *name, const ch_type *type,
                             ch_expr *const *args, int32_t n, ch_expr_call **out, ch_error *err)
{
    ch_arena *arena = ev->exec->arena;
    ch_expr_call *call;
    CH_ARENA_NEW(call, arena, err);
    call->head.kind = CH_EXPR_CALL;
    call->head.type = type;
    call->head.nullable = true;
    call->func = ch_func_find(name);
    call->name = call->func->name;
    call->eval = (void *)call->func->eval;
    CH_ARENA_ARRAY(call->args.item, arena, n, err);
    memcpy(call->args.item, args, sizeof *args * (size_t)n);
    call->args.n = n;
    *out = call;
    return CH_OK;
}

/* nvl2(x, a, b) = if(x IS NOT NULL, a, b): only the branch taken may fail. */
static ch_status compile_nvl2(ch_evaluator *ev, const ch_expr_call *call, const ch_attr_list *input,
                              node *n, ch_error *err)
{
    ch_expr_call *known;
    CH_TRY(helper_call(ev, "isnotnull", CH_T_BOOLEAN, call->args.item, 1, &known, err));
    ch_expr *arg[] = {&known->head, call->args.item[1], call->args.item[2]};
    ch_expr_list args = {.item = arg, .n = 3};
    n->kind = NODE_CHOOSE;
    return compile_args(ev, &args, input, n, err);
}

static ch_status compile_call(ch_evaluator *ev, const ch_expr_call *call, const ch_attr_list *input,
                              node *n, ch_error *err)
{
    int slots = ev->exec->n_slots;
    if (strcmp(call->func->name, "nvl2") == 0)
        return compile_nvl2(ev, call, input, n, err);
    n->kind = NODE_CALL;
    n->call = call;
    n->may_fail = (call->func->flags & CH_FUNC_MAY_FAIL) != 0;
    CH_TRY(compile_args(ev, &call->args, input, n, err));
    if (special_kind(call, &n->kind))
        return CH_OK;
    if (!call->eval) {
        CH_FAIL(err, UNSUPPORTED, "feature", call->func->name);
    }
    CH_ARENA_ARRAY(n->state, ev->exec->arena, slots, err);
    CH_ARENA_ARRAY(n->opened, ev->exec->arena, slots, err);
    CH_ARENA_ARRAY(n->arg_buffer, ev->exec->arena, slots * (call->args.n + 1), err);
    return CH_OK;
}

/* array[index], map[key]: the function get_item. */
static ch_status compile_item(ch_evaluator *ev, const ch_expr_extract *x, const ch_attr_list *input,
                              node *n, ch_error *err)
{
    ch_expr_call *call;
    ch_expr *arg[] = {x->child, x->extraction};
    CH_TRY(helper_call(ev, "get_item", x->head.type, arg, 2, &call, err));
    return compile_call(ev, call, input, n, err);
}

ch_status ch_eval_compile(ch_evaluator *ev, const ch_expr *e, const ch_attr_list *input, node **out,
                          ch_error *err)
{
    ch_arena *arena = ev->exec->arena;
    node *n;
    CH_ARENA_NEW(n, arena, err);
    CH_TRY(add_node(ev, n, err));
    n->type = e->type;
    n->source = e;
    *out = n;
    switch (e->kind) {
    case CH_EXPR_LITERAL:
        n->kind = NODE_LITERAL;
        n->value = &((const ch_expr_literal *)e)->value;
        CH_ARENA_ARRAY(n->cached, arena, ev->exec->n_slots, err);
        return CH_OK;
    case CH_EXPR_ATTRIBUTE: {
        const ch_attr *attr = ((const ch_expr_attribute *)e)->attr;
        n->kind = NODE_COLUMN;
        n->ordinal = ch_attr_position(input, attr->id);
        if (n->ordinal < 0) {
            char text[160];
            snprintf(text, sizeof text, "column %s#%lld is not in the operator's input", attr->name,
                     (long long)attr->id);
            CH_FAIL(err, INTERNAL, "message", text);
        }
        return CH_OK;
    }
    case CH_EXPR_ALIAS:
        return ch_eval_compile(ev, ((const ch_expr_alias *)e)->child, input, out, err);
    case CH_EXPR_SORT_ORDER:
        return ch_eval_compile(ev, ((const ch_expr_sort_order *)e)->child, input, out, err);
    case CH_EXPR_CAST: {
        const ch_expr_cast *c = (const ch_expr_cast *)e;
        n->kind = NODE_CAST;
        n->mode = c->eval_mode == CH_EVAL_TRY      ? CH_CAST_TRY
                  : c->eval_mode == CH_EVAL_LEGACY ? CH_CAST_LEGACY
                  : c->eval_mode == CH_EVAL_ANSI   ? CH_CAST_ANSI
                  : ev->exec->func->ansi           ? CH_CAST_ANSI
                                                   : CH_CAST_LEGACY;
        n->may_fail = n->mode == CH_CAST_ANSI;
        return compile_one_arg(ev, c->child, input, n, err);
    }
    case CH_EXPR_CASE:
        n->kind = NODE_CHOOSE;
        return compile_args(ev, &((const ch_expr_case *)e)->args, input, n, err);
    case CH_EXPR_EXTRACT: {
        const ch_expr_extract *x = (const ch_expr_extract *)e;
        if (x->ordinal < 0)
            return compile_item(ev, x, input, n, err);
        n->kind = NODE_FIELD;
        n->ordinal = x->ordinal;
        return compile_one_arg(ev, x->child, input, n, err);
    }
    case CH_EXPR_CALL:
        if (((const ch_expr_call *)e)->func->flags & CH_FUNC_HIGHER_ORDER)
            return ch_lambda_compile(ev, (const ch_expr_call *)e, input, n, err);
        return compile_call(ev, (const ch_expr_call *)e, input, n, err);
    case CH_EXPR_NAMED_LAMBDA_VARIABLE:
        n->kind = NODE_COLUMN;
        n->ordinal = ch_attr_position(input, ((const ch_expr_named_lambda_variable *)e)->attr->id);
        if (n->ordinal >= 0)
            return CH_OK;
        CH_FAIL(err, INTERNAL, "message", "a variable outside of its lambda function");
    default:
        break;
    }
    CH_FAIL(err, UNSUPPORTED, "feature", "This kind of expression");
}

ch_status ch_evaluator_new(ch_exec *exec, const ch_expr_list *expr, const ch_attr_list *input,
                           ch_evaluator **out, ch_error *err)
{
    ch_evaluator *ev;
    *out = NULL;
    CH_ARENA_NEW(ev, exec->arena, err);
    *out = ev;
    ev->exec = exec;
    CH_ARENA_ARRAY(ev->root, exec->arena, expr->n, err);
    ev->n = expr->n;
    for (int32_t i = 0; i < expr->n; i++)
        CH_TRY(ch_eval_compile(ev, expr->item[i], input, &ev->root[i], err));
    return CH_OK;
}

static ch_call call_of(const node *n, const ch_evaluator *ev, int slot, int64_t rows, ch_mem *mem)
{
    return (ch_call){.func = n->call->func,
                     .ctx = ev->exec->func,
                     .data = n->call->data,
                     .state = n->state[slot],
                     .rows = rows,
                     .n_args = n->n_args,
                     .arg = n->arg_buffer + (ptrdiff_t)slot * (n->n_args + 1),
                     .result = n->type,
                     .mem = mem};
}

void ch_evaluator_close(ch_evaluator *ev)
{
    for (int32_t i = 0; ev && i < ev->n_all; i++) {
        node *n = ev->all[i];
        for (int slot = 0; slot < ev->exec->n_slots; slot++) {
            if (n->cached)
                ch_column_unref(n->cached[slot]);
            if (n->opened && n->opened[slot] && n->call->func->close) {
                ch_call call = call_of(n, ev, slot, 0, ev->exec->mem);
                n->call->func->close(&call, n->state[slot]);
            }
        }
    }
    if (ev)
        ev->n_all = 0;
}

/* ------------------------------------------------------------ evaluating */

static ch_status eval_literal(const run *r, node *n, int64_t rows, ch_column **out, ch_error *err)
{
    ch_column *c = n->cached[r->slot];
    if (c && c->rows != rows) {
        if (atomic_load_explicit(&c->refs, memory_order_acquire) == 1) {
            c->rows = rows;
        } else {
            ch_column_unref(c);
            c = n->cached[r->slot] = NULL;
        }
    }
    if (!c) {
        CH_TRY(ch_column_const(r->ev->exec->mem, n->value, rows, &c, err));
        n->cached[r->slot] = c;
    }
    *out = ch_column_ref(c);
    return CH_OK;
}

static ch_status eval_cast(const run *r, node *n, ch_batch *batch, ch_column **out, ch_error *err)
{
    ch_column *in;
    CH_TRY(ch_eval_node_run(r, n->arg[0], batch, &in, err));
    ch_status status = ch_cast(in, n->type, n->mode, r->ev->exec->func, r->mem, out, err);
    ch_column_unref(in);
    if (status != CH_OK)
        ch_error_locate_value(err, n->source->text, n->source->start, n->source->stop);
    return status;
}

static ch_status eval_call(const run *r, node *n, ch_batch *batch, ch_column **out, ch_error *err)
{
    ch_status status = CH_OK;
    int32_t done = 0;
    ch_call call = call_of(n, r->ev, r->slot, batch->n, r->mem);
    call.seq = batch->seq;
    ch_column **arg = n->arg_buffer + (ptrdiff_t)r->slot * (n->n_args + 1);
    for (; done < n->n_args; done++)
        CH_TRY_OUT(ch_eval_node_run(r, n->arg[done], batch, &arg[done], err));
    if (!n->opened[r->slot] && n->call->func->open) {
        /* The state is freed with the evaluator, from the same account. */
        ch_call opening = call_of(n, r->ev, r->slot, batch->n, r->ev->exec->mem);
        CH_TRY_OUT(n->call->func->open(&opening, &n->state[r->slot], err));
        n->opened[r->slot] = true;
        call.state = n->state[r->slot];
    }
    status = ch_func_call(
        &call, (ch_status(*)(const ch_call *, ch_column **, ch_error *))n->call->eval, out, err);
    if (status != CH_OK)
        ch_error_locate_value(err, n->source->text, n->source->start, n->source->stop);
out:
    for (int32_t i = 0; i < done; i++)
        ch_column_unref(arg[i]);
    return status;
}

/* A field of FLAT structs. A NULL struct has NULL fields: the field's bits and the struct's, on shared data. */
static ch_status field_of(ch_column *row, int32_t ordinal, ch_mem *mem, ch_column **out,
                          ch_error *err)
{
    ch_column *field = row->child[ordinal], *result;
    ch_buffer *bits;
    if (!row->valid) {
        *out = ch_column_ref(field);
        return CH_OK;
    }
    CH_TRY(ch_flatten(field, mem, &field, err));
    ch_status status = ch_column_retype(mem, field, field->type, &result, err);
    ch_column_unref(field);
    CH_TRY(status);
    status = ch_buffer_new(mem, ch_bit_bytes(row->rows), &bits, err);
    if (status != CH_OK) {
        ch_column_unref(result);
        return status;
    }
    for (int64_t w = 0; w < ch_bit_words(row->rows); w++)
        ((uint64_t *)bits->data)[w] =
            row->valid[w] & (result->valid ? result->valid[w] : ~UINT64_C(0));
    ch_buffer_unref(result->valid_buf);
    result->valid_buf = bits;
    result->valid = (uint64_t *)bits->data;
    *out = result;
    return CH_OK;
}

/* The field of each element of FLAT arrays of structs: the same arrays of other elements. */
static ch_status field_of_items(const ch_column *list, const node *n, ch_mem *mem, ch_column **out,
                                ch_error *err)
{
    ch_column *item, *result;
    CH_TRY(field_of(list->child[0], n->ordinal, mem, &item, err));
    ch_status status = ch_column_new(mem, n->type, 0, &result, err);
    if (status != CH_OK) {
        ch_column_unref(item);
        return status;
    }
    result->rows = list->rows;
    ch_buffer_unref(result->data_buf);
    result->data_buf = ch_buffer_ref(list->data_buf);
    result->data = list->data;
    result->valid_buf = ch_buffer_ref(list->valid_buf);
    result->valid = list->valid;
    result->child[0] = item;
    *out = result;
    return CH_OK;
}

static ch_status eval_field(const run *r, node *n, ch_batch *batch, ch_column **out, ch_error *err)
{
    ch_column *in = NULL, *flat = NULL;
    CH_TRY(ch_eval_node_run(r, n->arg[0], batch, &in, err));
    ch_status status = ch_flatten(in, r->mem, &flat, err);
    if (status == CH_OK)
        status = flat->type->id == CH_ARRAY ? field_of_items(flat, n, r->mem, out, err)
                                            : field_of(flat, n->ordinal, r->mem, out, err);
    ch_column_unref(flat);
    ch_column_unref(in);
    return status;
}

/* The batch's rows whose bit is on; the copy shares its columns. */
static ch_status sub_batch(ch_batch *batch, const uint64_t *keep, ch_batch *out, ch_error *err)
{
    CH_TRY(ch_batch_copy(batch, out, err));
    ch_status status = ch_batch_filter(out, keep, err);
    if (status != CH_OK)
        ch_batch_release(out);
    return status;
}

/* result[i] = value of the k-th kept row for kept rows, NULL elsewhere. */
static ch_status spread(ch_column *part, const uint64_t *keep, int64_t rows, ch_mem *mem,
                        ch_column **out, ch_error *err)
{
    int32_t *idx = ch_mem_alloc(mem, sizeof *idx * (size_t)rows, err);
    if (!idx)
        return CH_E_MEMORY;
    int32_t k = 0;
    for (int64_t i = 0; i < rows; i++)
        idx[i] = ch_bit_get(keep, i) ? k++ : -1;
    ch_status status = ch_take(part, idx, rows, true, mem, out, err);
    ch_mem_free(mem, idx, sizeof *idx * (size_t)rows);
    return status;
}

/* A flat boolean column of the node, NULL type included. */
static ch_status eval_flat(const run *r, node *n, ch_batch *batch, ch_column **out, ch_error *err)
{
    ch_column *raw;
    CH_TRY(ch_eval_node_run(r, n, batch, &raw, err));
    ch_status status = ch_flatten(raw, r->mem, out, err);
    ch_column_unref(raw);
    return status;
}

static void logic_words(bool is_and, const ch_column *a, const ch_column *b, int64_t rows,
                        uint64_t *val, uint64_t *valid)
{
    const uint64_t *x = a->data, *y = b->data;
    for (int64_t w = 0; w < ch_bit_words(rows); w++) {
        uint64_t av = a->type->id == CH_NULL ? 0 : a->valid ? a->valid[w] : ~UINT64_C(0);
        uint64_t bv = b->type->id == CH_NULL ? 0 : b->valid ? b->valid[w] : ~UINT64_C(0);
        uint64_t at = av & (x ? x[w] : 0), af = av & ~(x ? x[w] : 0);
        uint64_t bt = bv & (y ? y[w] : 0), bf = bv & ~(y ? y[w] : 0);
        uint64_t is_true = is_and ? at & bt : at | bt;
        uint64_t is_false = is_and ? af | bf : af & bf;
        val[w] = is_true;
        valid[w] = is_true | is_false;
    }
}

/*
 * Rows whose first value does not decide: for AND all that are not false, for OR all that are not true.
 */
static void undecided(bool is_and, const ch_column *a, int64_t rows, uint64_t *keep)
{
    const uint64_t *x = a->data;
    for (int64_t w = 0; w < ch_bit_words(rows); w++) {
        uint64_t av = a->type->id == CH_NULL ? 0 : a->valid ? a->valid[w] : ~UINT64_C(0);
        uint64_t val = x ? x[w] : 0;
        keep[w] = is_and ? ~(av & ~val) : ~(av & val);
    }
    if (rows & 63)
        keep[rows >> 6] &= (UINT64_C(1) << (rows & 63)) - 1;
}

static ch_status eval_logic(const run *r, node *n, ch_batch *batch, ch_column **out, ch_error *err)
{
    bool is_and = n->kind == NODE_AND;
    int64_t rows = batch->n;
    ch_column *a = NULL, *b = NULL, *part = NULL, *result = NULL;
    ch_buffer *keep = NULL;
    ch_status status;
    CH_TRY_OUT(eval_flat(r, n->arg[0], batch, &a, err));
    int64_t n_open = rows;
    if (n->arg[1]->may_fail) {
        CH_TRY_OUT(ch_buffer_new(r->mem, ch_bit_bytes(rows), &keep, err));
        undecided(is_and, a, rows, (uint64_t *)keep->data);
        n_open = ch_bits_count((uint64_t *)keep->data, rows);
    }
    if (n_open == 0) {
        *out = ch_column_ref(a);
        goto out;
    }
    if (n_open == rows) {
        CH_TRY_OUT(eval_flat(r, n->arg[1], batch, &b, err));
    } else {
        ch_batch sub;
        CH_TRY_OUT(sub_batch(batch, (uint64_t *)keep->data, &sub, err));
        status = eval_flat(r, n->arg[1], &sub, &part, err);
        ch_batch_release(&sub);
        if (status == CH_OK)
            status = spread(part, (uint64_t *)keep->data, rows, r->mem, &b, err);
        if (status != CH_OK)
            goto out;
    }
    CH_TRY_OUT(ch_column_new(r->mem, CH_T_BOOLEAN, rows, &result, err));
    CH_TRY_OUT(ch_column_need_valid(result, err));
    logic_words(is_and, a, b, rows, result->data, result->valid);
    *out = ch_column_ref(result);
out:
    ch_buffer_unref(keep);
    ch_column_unref(a);
    ch_column_unref(b);
    ch_column_unref(part);
    ch_column_unref(result);
    return status;
}

/* The parts of a CASE or COALESCE: which value each row takes. */
typedef struct parts {
    ch_column **value; /* one per branch taken by some row */
    int32_t n;
    int32_t *idx; /* per row: position in the concatenation, -1 = NULL */
    int64_t base; /* rows of the parts so far */
} parts;

/* Rows of `hit` take the value of node v. */
static ch_status take_branch(const run *r, node *v, ch_batch *batch, const uint64_t *hit,
                             int64_t n_hit, parts *p, ch_error *err)
{
    ch_batch sub;
    ch_status status;
    if (n_hit == batch->n) {
        CH_TRY(ch_eval_node_run(r, v, batch, &p->value[p->n], err));
    } else {
        CH_TRY(sub_batch(batch, hit, &sub, err));
        status = ch_eval_node_run(r, v, &sub, &p->value[p->n], err);
        ch_batch_release(&sub);
        CH_TRY(status);
    }
    p->n++;
    int32_t at = (int32_t)p->base;
    for (int64_t w = 0; w < ch_bit_words(batch->n); w++)
        for (uint64_t bits = hit[w]; bits; bits &= bits - 1)
            p->idx[w * 64 + __builtin_ctzll(bits)] = at++;
    p->base = at;
    return CH_OK;
}

static ch_status put_together(const run *r, node *n, int64_t rows, parts *p, ch_column **out,
                              ch_error *err)
{
    if (p->n == 0)
        return ch_column_nulls(r->mem, n->type, rows, out, err);
    if (p->n == 1 && p->base == rows) {
        *out = ch_column_ref(p->value[0]);
        return CH_OK;
    }
    ch_column *all = NULL;
    CH_TRY(ch_concat(p->value, p->n, n->type, r->mem, &all, err));
    ch_status status = ch_take(all, p->idx, rows, true, r->mem, out, err);
    ch_column_unref(all);
    return status;
}

static void true_bits(const ch_column *c, int64_t rows, uint64_t *out)
{
    const uint64_t *x = c->data;
    for (int64_t w = 0; w < ch_bit_words(rows); w++)
        out[w] = c->type->id == CH_NULL ? 0 : x[w] & (c->valid ? c->valid[w] : ~UINT64_C(0));
    if (rows & 63)
        out[rows >> 6] &= (UINT64_C(1) << (rows & 63)) - 1;
}

/* hit = rows of rest where condition c holds; rest loses them. */
static ch_status condition_rows(const run *r, node *c, ch_batch *batch, uint64_t *rest,
                                uint64_t *hit, ch_error *err)
{
    int64_t rows = batch->n, words = ch_bit_words(rows);
    ch_column *value = NULL, *spread_out = NULL;
    ch_status status;
    if (!c->may_fail || ch_bits_count(rest, rows) == rows) {
        CH_TRY(eval_flat(r, c, batch, &value, err));
        true_bits(value, rows, hit);
    } else {
        ch_batch sub;
        CH_TRY(sub_batch(batch, rest, &sub, err));
        status = eval_flat(r, c, &sub, &value, err);
        ch_batch_release(&sub);
        CH_TRY(status);
        status = spread(value, rest, rows, r->mem, &spread_out, err);
        ch_column_unref(value);
        CH_TRY(status);
        value = spread_out;
        true_bits(value, rows, hit);
    }
    ch_column_unref(value);
    for (int64_t w = 0; w < words; w++) {
        hit[w] &= rest[w];
        rest[w] &= ~hit[w];
    }
    return CH_OK;
}

/* COALESCE: the value itself says which rows it serves. */
static ch_status coalesce_branch(const run *r, node *v, ch_batch *batch, uint64_t *rest,
                                 uint64_t *hit, parts *p, ch_error *err)
{
    int64_t rows = batch->n, n_rest = ch_bits_count(rest, rows);
    ch_column *value;
    if (n_rest == rows) {
        CH_TRY(ch_eval_node_run(r, v, batch, &value, err));
    } else {
        ch_batch sub;
        CH_TRY(sub_batch(batch, rest, &sub, err));
        ch_status status = ch_eval_node_run(r, v, &sub, &value, err);
        ch_batch_release(&sub);
        CH_TRY(status);
    }
    memset(hit, 0, (size_t)ch_bit_bytes(rows));
    int64_t k = 0;
    bool any = false;
    for (int64_t w = 0; w < ch_bit_words(rows); w++) {
        for (uint64_t bits = rest[w]; bits; bits &= bits - 1, k++) {
            int64_t i = w * 64 + __builtin_ctzll(bits);
            if (!ch_column_is_null(value, k)) {
                p->idx[i] = (int32_t)(p->base + k);
                ch_bit_set(hit, i);
                any = true;
            }
        }
    }
    if (!any) {
        ch_column_unref(value);
        return CH_OK;
    }
    p->value[p->n++] = value;
    p->base += n_rest;
    for (int64_t w = 0; w < ch_bit_words(rows); w++)
        rest[w] &= ~hit[w];
    return CH_OK;
}

static ch_status eval_choose(const run *r, node *n, ch_batch *batch, ch_column **out, ch_error *err)
{
    int64_t rows = batch->n;
    size_t bits_bytes = (size_t)ch_bit_bytes(rows), idx_bytes = sizeof(int32_t) * (size_t)rows;
    size_t bytes = 2 * bits_bytes + idx_bytes + sizeof(ch_column *) * (size_t)(n->n_args + 1);
    char *scratch = ch_mem_alloc(r->mem, bytes, err);
    if (!scratch)
        return CH_E_MEMORY;
    uint64_t *rest = (uint64_t *)scratch, *hit = (uint64_t *)(scratch + bits_bytes);
    parts p = {.value = (ch_column **)(scratch + 2 * bits_bytes)};
    p.idx = (int32_t *)(p.value + n->n_args + 1);
    memset(p.idx, 0xFF, idx_bytes);
    ch_bits_fill(rest, rows, true);

    ch_status status = CH_OK;
    int64_t n_rest = rows;
    for (int32_t k = 0; k < n->n_args && n_rest > 0; k++) {
        if (n->kind == NODE_COALESCE) {
            CH_TRY_OUT(coalesce_branch(r, n->arg[k], batch, rest, hit, &p, err));
        } else if (k + 1 == n->n_args) { /* ELSE */
            CH_TRY_OUT(take_branch(r, n->arg[k], batch, rest, n_rest, &p, err));
            break;
        } else {
            CH_TRY_OUT(condition_rows(r, n->arg[k], batch, rest, hit, err));
            k++;
            int64_t n_hit = ch_bits_count(hit, rows);
            if (n_hit)
                CH_TRY_OUT(take_branch(r, n->arg[k], batch, hit, n_hit, &p, err));
        }
        n_rest = ch_bits_count(rest, rows);
    }
    /* One COALESCE value that served every row is the result as it is; put_together sees that by base. */
    status = put_together(r, n, rows, &p, out, err);
out:
    for (int32_t i = 0; i < p.n; i++)
        ch_column_unref(p.value[i]);
    ch_mem_free(r->mem, scratch, bytes);
    return status;
}

ch_status ch_eval_node_run(const run *r, node *n, ch_batch *batch, ch_column **out, ch_error *err)
{
    *out = NULL;
    CH_TRY(ch_exec_heed(r->ev->exec, err));
    switch (n->kind) {
    case NODE_COLUMN:
        CH_TRY(ch_batch_column(batch, n->ordinal, out, err));
        ch_column_ref(*out);
        return CH_OK;
    case NODE_LITERAL:
        return eval_literal(r, n, batch->n, out, err);
    case NODE_CAST:
        return eval_cast(r, n, batch, out, err);
    case NODE_CALL:
        return eval_call(r, n, batch, out, err);
    case NODE_LAMBDA:
        return ch_lambda_run(r, n, batch, out, err);
    case NODE_FIELD:
        return eval_field(r, n, batch, out, err);
    case NODE_AND:
    case NODE_OR:
        return eval_logic(r, n, batch, out, err);
    case NODE_CHOOSE:
    case NODE_COALESCE:
        return eval_choose(r, n, batch, out, err);
    }
    CH_FAIL(err, INTERNAL, "message", "unknown expression node");
}

ch_status ch_evaluate(ch_evaluator *ev, int slot, int i, ch_batch *batch, ch_mem *mem,
                      ch_column **out, ch_error *err)
{
    run r = {.ev = ev, .slot = slot, .mem = mem};
    return ch_eval_node_run(&r, ev->root[i], batch, out, err);
}
