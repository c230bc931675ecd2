/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agg_first.c - first, last, any_value, max_by, min_by: one value per group, of any type.
 *
 * Both kinds keep (value, order): for first and last the order is not used.
 */
#include "function/agg.h"

typedef struct pick_state {
    ch_agg_slot value, order; /* no value: nothing seen */
} pick_state;

typedef enum pick { FIRST, LAST, MAX_BY, MIN_BY } pick;

typedef struct pick_rule {
    pick kind;
    bool ignore_nulls;
} pick_rule;

static ch_status update_first(const ch_call *call, const ch_column *c, uint8_t *const *state,
                              bool one_group, ch_arena *extra, ch_error *err)
{
    const pick_rule *rule = call->data;
    for (int64_t k = 0; k < call->rows; k++) {
        int64_t i = one_group && rule->kind == LAST ? call->rows - 1 - k : k;
        pick_state *s = (pick_state *)(void *)state[one_group ? 0 : i];
        if (rule->kind == FIRST && s->value.v) {
            if (one_group)
                return CH_OK;
            continue;
        }
        if (rule->ignore_nulls && ch_column_is_null(c, i))
            continue;
        CH_TRY(ch_agg_set(&s->value, c, i, extra, err));
        if (one_group)
            return CH_OK;
    }
    return CH_OK;
}

static ch_status update_by(const ch_call *call, const ch_column *c, const ch_column *by,
                           uint8_t *const *state, bool one_group, ch_arena *extra, ch_error *err)
{
    const pick_rule *rule = call->data;
    for (int64_t i = 0; i < call->rows; i++) {
        if (ch_column_is_null(by, i))
            continue;
        pick_state *s = (pick_state *)(void *)state[one_group ? 0 : i];
        if (s->order.v) {
            int cmp = ch_agg_compare_row(by, i, s->order.v);
            /* A later equal one wins, as in Spark. */
            if (rule->kind == MAX_BY ? cmp < 0 : cmp > 0)
                continue;
        }
        CH_TRY(ch_agg_set(&s->order, by, i, extra, err));
        CH_TRY(ch_agg_set(&s->value, c, i, extra, err));
    }
    return CH_OK;
}

static ch_status update_pick(const ch_call *call, uint8_t *const *state, bool one_group,
                             ch_arena *extra, ch_error *err)
{
    const pick_rule *rule = call->data;
    ch_column *c = NULL, *by = NULL;
    ch_status status = CH_OK;
    CH_TRY_OUT(ch_agg_flat(call, 0, &c, err));
    if (rule->kind == FIRST || rule->kind == LAST) {
        status = update_first(call, c, state, one_group, extra, err);
    } else {
        CH_TRY_OUT(ch_agg_flat(call, 1, &by, err));
        status = update_by(call, c, by, state, one_group, extra, err);
    }
out:
    ch_column_unref(c);
    ch_column_unref(by);
    return status;
}

static ch_status merge_pick(const ch_call *call, uint8_t *const *into, uint8_t *const *from,
                            int64_t n, ch_arena *extra, ch_error *err)
{
    const pick_rule *rule = call->data;
    for (int64_t i = 0; i < n; i++) {
        pick_state *s = (pick_state *)(void *)into[i];
        const pick_state *f = (const pick_state *)(void *)from[i];
        if (!f->value.v)
            continue;
        bool take = !s->value.v || rule->kind == LAST;
        if (s->value.v && (rule->kind == MAX_BY || rule->kind == MIN_BY)) {
            int cmp = ch_agg_compare(f->order.v, s->order.v);
            take = rule->kind == MAX_BY ? cmp >= 0 : cmp <= 0;
        }
        if (take && f->order.v)
            CH_TRY(ch_agg_set_scalar(&s->order, f->order.v, extra, err));
        if (take)
            CH_TRY(ch_agg_set_scalar(&s->value, f->value.v, extra, err));
    }
    return CH_OK;
}

static ch_status result_pick(const ch_call *call, uint8_t *const *state, int64_t n, ch_column **out,
                             ch_error *err)
{
    static const ch_scalar null = {.is_null = true};
    size_t bytes = sizeof(ch_scalar *) * (size_t)n;
    const ch_scalar **v = ch_mem_alloc(call->mem, bytes, err);
    if (!v)
        return CH_E_MEMORY;
    for (int64_t i = 0; i < n; i++) {
        const pick_state *s = (const pick_state *)(void *)state[i];
        v[i] = s->value.v ? s->value.v : &null;
    }
    ch_column_unref(*out);
    *out = NULL;
    ch_status status = ch_column_scalars(call->mem, call->result, v, n, out, err);
    ch_mem_free(call->mem, v, bytes);
    return status;
}

static ch_status write_pick(const ch_call *call, const uint8_t *state, ch_buf *out, ch_error *err)
{
    const pick_state *s = (const pick_state *)(const void *)state;
    CH_UNUSED(call);
    if (s->value.v)
        CH_TRY(ch_agg_write(s->value.v, out, err));
    return s->value.v && s->order.v ? ch_agg_write(s->order.v, out, err) : CH_OK;
}

static ch_status save_pick(const ch_call *call, uint8_t *const *state, int64_t n, ch_column *out,
                           ch_error *err)
{
    return ch_agg_save(call, state, n, out, write_pick, err);
}

static ch_status load_pick(const ch_call *call, const ch_column *in, uint8_t *const *state,
                           int64_t n, ch_arena *extra, ch_error *err)
{
    for (int64_t i = 0; i < n; i++) {
        pick_state *s = (pick_state *)(void *)state[i];
        ch_str bytes = ch_column_str(in, i);
        const char *p = bytes.text;
        *s = (pick_state){0};
        if (!bytes.len)
            continue;
        CH_ARENA_NEW(s->value.v, extra, err);
        CH_TRY(ch_agg_read(&p, call->arg[0]->type, extra, s->value.v, err));
        if (p < bytes.text + bytes.len) {
            CH_ARENA_NEW(s->order.v, extra, err);
            CH_TRY(ch_agg_read(&p, call->arg[1]->type, extra, s->order.v, err));
        }
    }
    return CH_OK;
}

static const ch_agg PICK = {.state_bytes = sizeof(pick_state),
                            .update = update_pick,
                            .merge = merge_pick,
                            .result = result_pick,
                            .save = save_pick,
                            .load = load_pick};

static ch_status bind_first(ch_bind *bind, ch_error *err)
{
    if (bind->n_args < 1 || bind->n_args > 2)
        return ch_bind_count(bind, "[1, 2]", err);
    pick_rule *rule = ch_arena_alloc(bind->arena, sizeof *rule, err);
    if (!rule)
        return CH_E_MEMORY;
    rule->kind = bind->func->name[0] == 'l' ? LAST : FIRST;
    if (bind->n_args == 2) {
        const ch_scalar *v = ch_bind_constant(bind, 1);
        if (!v || v->is_null || v->type->id != CH_BOOLEAN)
            return ch_bind_wrong_type(bind, 1, "BOOLEAN", err);
        rule->ignore_nulls = v->v.boolean;
    }
    bind->data = rule;
    bind->result = bind->arg_type[0];
    bind->nullable = true;
    return CH_OK;
}

static ch_status bind_by(ch_bind *bind, ch_error *err)
{
    if (bind->n_args != 2)
        return ch_bind_count(bind, "2", err);
    if (!ch_type_is_orderable(bind->arg_type[1]))
        return ch_bind_wrong_type(bind, 1, "ORDERABLE", err);
    pick_rule *rule = ch_arena_alloc(bind->arena, sizeof *rule, err);
    if (!rule)
        return CH_E_MEMORY;
    rule->kind = bind->func->name[1] == 'a' ? MAX_BY : MIN_BY;
    bind->data = rule;
    bind->result = bind->arg_type[0];
    bind->nullable = true;
    return CH_OK;
}

#define ROW(fn, binder, text, ex, want)                                                            \
    {                                                                                              \
        .name = fn, .bind = binder, .agg = &PICK, .flags = CH_FUNC_AGGREGATE | CH_FUNC_MAKES_NULL, \
        .doc = text, .example = "SELECT " ex, .expect = want, .since = "0.1"                       \
    }

const ch_func ch_func_agg_first[] = {
    ROW("first", bind_first, "The first row's value; with true, the first that is not NULL.",
        "first(x) FROM VALUES (10), (5) t(x)", "10"),
    ROW("first_value", bind_first, "The first row's value; with true, the first that is not NULL.",
        "first_value(x, true) FROM VALUES (NULL), (5) t(x)", "5"),
    ROW("last", bind_first, "The last row's value; with true, the last that is not NULL.",
        "last(x) FROM VALUES (10), (5) t(x)", "5"),
    ROW("last_value", bind_first, "The last row's value; with true, the last that is not NULL.",
        "last_value(x) FROM VALUES (10), (5) t(x)", "5"),
    ROW("any_value", bind_first, "Some row's value; with true, one that is not NULL.",
        "any_value(x) FROM VALUES (10) t(x)", "10"),
    ROW("max_by", bind_by, "The first argument where the second is largest.",
        "max_by(x, y) FROM VALUES ('a', 10), ('b', 50) t(x, y)", "b"),
    ROW("min_by", bind_by, "The first argument where the second is smallest.",
        "min_by(x, y) FROM VALUES ('a', 10), ('b', 50) t(x, y)", "a"),
    CH_FUNC_END,
};
