/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agg_collect.c - collect_list, array_agg, collect_set: values without NULLs, as an array.
 *
 * A state holds a list of values in `extra`; sets find equal ones through a hash table beside it.
 */
#include "function/agg.h"

typedef struct list_state {
    ch_scalar *item;
    int32_t n, cap;
    int32_t *slot; /* sets: item index + 1; 0 free; 2 * cap slots */
} list_state;

static bool is_set(const ch_call *call)
{
    return strcmp(call->func->name, "collect_set") == 0;
}

static int32_t *find_slot(const list_state *s, const ch_scalar *v)
{
    uint32_t mask = (uint32_t)s->cap * 2 - 1, at = (uint32_t)ch_agg_hash(v) & mask;
    while (s->slot[at] && ch_agg_compare(&s->item[s->slot[at] - 1], v) != 0)
        at = (at + 1) & mask;
    return &s->slot[at];
}

static bool has_row(const list_state *s, const ch_column *c, int64_t i)
{
    uint32_t mask = (uint32_t)s->cap * 2 - 1, at = (uint32_t)ch_agg_hash_row(c, i) & mask;
    while (s->slot[at] && ch_agg_compare_row(c, i, &s->item[s->slot[at] - 1]) != 0)
        at = (at + 1) & mask;
    return s->slot[at] != 0;
}

static ch_status grow(list_state *s, bool set, ch_arena *extra, ch_error *err)
{
    if (s->n < s->cap)
        return CH_OK;
    list_state more = {.n = s->n, .cap = s->cap ? s->cap * 2 : 4};
    CH_ARENA_ARRAY(more.item, extra, more.cap, err);
    if (s->n)
        memcpy(more.item, s->item, sizeof *s->item * (size_t)s->n);
    if (set) {
        CH_ARENA_ARRAY(more.slot, extra, 2 * more.cap, err);
        for (int32_t i = 0; i < s->n; i++)
            *find_slot(&more, &more.item[i]) = i + 1;
    }
    *s = more;
    return CH_OK;
}

/* v is borrowed: text and items are copied. */
static ch_status add(list_state *s, bool set, const ch_scalar *v, ch_arena *extra, ch_error *err)
{
    if (set && s->n && *find_slot(s, v))
        return CH_OK;
    CH_TRY(grow(s, set, extra, err));
    CH_TRY(ch_agg_copy(v, extra, &s->item[s->n], err));
    s->n++;
    if (set)
        *find_slot(s, v) = s->n;
    return CH_OK;
}

static ch_status add_row(list_state *s, bool set, const ch_column *c, int64_t i, ch_arena *extra,
                         ch_error *err)
{
    if (set && s->n && has_row(s, c, i))
        return CH_OK;
    CH_TRY(grow(s, set, extra, err));
    CH_TRY(ch_agg_keep(c, i, extra, &s->item[s->n], err));
    s->n++;
    if (set)
        *find_slot(s, &s->item[s->n - 1]) = s->n;
    return CH_OK;
}

static ch_status update_collect(const ch_call *call, uint8_t *const *state, bool one_group,
                                ch_arena *extra, ch_error *err)
{
    ch_column *c;
    bool set = is_set(call);
    CH_TRY(ch_agg_flat(call, 0, &c, err));
    ch_status status = CH_OK;
    if (c->type->id != CH_NULL)
        for (int64_t i = 0; i < call->rows && status == CH_OK; i++)
            if (ch_is_valid(c, i))
                status =
                    add_row((list_state *)(void *)state[one_group ? 0 : i], set, c, i, extra, err);
    ch_column_unref(c);
    return status;
}

static ch_status merge_collect(const ch_call *call, uint8_t *const *into, uint8_t *const *from,
                               int64_t n, ch_arena *extra, ch_error *err)
{
    bool set = is_set(call);
    for (int64_t i = 0; i < n; i++) {
        const list_state *f = (const list_state *)(void *)from[i];
        for (int32_t k = 0; k < f->n; k++)
            CH_TRY(add((list_state *)(void *)into[i], set, &f->item[k], extra, err));
    }
    return CH_OK;
}

static ch_status result_collect(const ch_call *call, uint8_t *const *state, int64_t n,
                                ch_column **out, ch_error *err)
{
    size_t bytes = (sizeof(ch_scalar) + sizeof(ch_scalar *)) * (size_t)n;
    ch_scalar *list = ch_mem_alloc(call->mem, bytes, err);
    if (!list)
        return CH_E_MEMORY;
    const ch_scalar **v = (const ch_scalar **)(void *)(list + n);
    for (int64_t i = 0; i < n; i++) {
        const list_state *s = (const list_state *)(void *)state[i];
        list[i] = (ch_scalar){.type = call->result};
        list[i].v.list.item = s->item;
        list[i].v.list.n = s->n;
        v[i] = &list[i];
    }
    ch_column_unref(*out);
    *out = NULL;
    ch_status status = ch_column_scalars(call->mem, call->result, v, n, out, err);
    ch_mem_free(call->mem, list, bytes);
    return status;
}

static ch_status write_items(const ch_call *call, const uint8_t *state, ch_buf *out, ch_error *err)
{
    const list_state *s = (const list_state *)(const void *)state;
    CH_UNUSED(call);
    for (int32_t k = 0; k < s->n; k++)
        CH_TRY(ch_agg_write(&s->item[k], out, err));
    return CH_OK;
}

static ch_status save_collect(const ch_call *call, uint8_t *const *state, int64_t n, ch_column *out,
                              ch_error *err)
{
    return ch_agg_save(call, state, n, out, write_items, err);
}

static ch_status load_collect(const ch_call *call, const ch_column *in, uint8_t *const *state,
                              int64_t n, ch_arena *extra, ch_error *err)
{
    bool set = is_set(call);
    for (int64_t i = 0; i < n; i++) {
        list_state *s = (list_state *)(void *)state[i];
        ch_str bytes = ch_column_str(in, i);
        *s = (list_state){0};
        for (const char *p = bytes.text; p < bytes.text + bytes.len;) {
            ch_scalar v;
            CH_TRY(ch_agg_read(&p, call->arg[0]->type, extra, &v, err));
            CH_TRY(grow(s, set, extra, err));
            s->item[s->n++] = v;
            if (set)
                *find_slot(s, &v) = s->n;
        }
    }
    return CH_OK;
}

static const ch_agg COLLECT = {.state_bytes = sizeof(list_state),
                               .update = update_collect,
                               .merge = merge_collect,
                               .result = result_collect,
                               .save = save_collect,
                               .load = load_collect};

static ch_status bind_collect(ch_bind *bind, ch_error *err)
{
    if (bind->n_args != 1)
        return ch_bind_count(bind, "1", err);
    if (!(bind->result = ch_type_array(bind->arg_type[0], false)))
        return CH_E_MEMORY;
    bind->nullable = false;
    return CH_OK;
}

#define ROW(fn, text, want)                                                              \
    {                                                                                    \
        .name = fn, .bind = bind_collect, .agg = &COLLECT,                               \
        .flags = CH_FUNC_AGGREGATE | CH_FUNC_NEVER_NULL, .doc = text,                    \
        .example = "SELECT " fn "(x) FROM VALUES (1), (2), (NULL) t(x)", .expect = want, \
        .since = "0.1"                                                                   \
    }

const ch_func ch_func_agg_collect[] = {
    ROW("collect_list", "All values that are not NULL.", "[1, 2]"),
    ROW("array_agg", "All values that are not NULL.", "[1, 2]"),
    ROW("collect_set", "The distinct values that are not NULL.", "[1, 2]"),
    CH_FUNC_END,
};
