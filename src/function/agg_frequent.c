/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agg_frequent.c - freq_items(x, support): values that may be at least that share of all; mode: the most frequent.
 *
 * Spark's CollectFrequentItems, after Karp, Schenker, Papadimitriou, "A simple algorithm for finding frequent
 * elements" (2003): at most 1 / support counters; when a value finds none free, all are lowered by the
 * smallest count. A counter is found by hash: open addressing in a table of twice as many places.
 *
 *   state   place  -> counter[cap], count 0 = free; cap a power of 2
 */
#include "function/agg.h"

typedef struct counter {
    ch_scalar value;
    uint64_t hash;
    int64_t count;
} counter;

typedef struct frequent_state {
    counter *place;
    int64_t cap, n;
} frequent_state;

typedef struct frequent_rule {
    double support; /* 0: mode, which counts all but NULL */
    bool largest; /* mode: of several values that are as frequent, the largest, else the smallest */
} frequent_rule;

static bool is_mode(const ch_call *call)
{
    return ((const frequent_rule *)call->data)->support == 0;
}

static int64_t most(const ch_call *call)
{
    return is_mode(call) ? INT64_MAX : (int64_t)(1 / ((const frequent_rule *)call->data)->support);
}

static counter *find(const frequent_state *s, const ch_scalar *v, uint64_t hash)
{
    int64_t i = (int64_t)(hash & (uint64_t)(s->cap - 1));
    while (s->place[i].count &&
           (s->place[i].hash != hash || ch_agg_compare(&s->place[i].value, v) != 0))
        i = (i + 1) & (s->cap - 1);
    return &s->place[i];
}

/* The counters in a table of cap places, each lowered; those that are used up go. */
static ch_status rebuild(frequent_state *s, int64_t cap, int64_t less, ch_arena *extra,
                         ch_error *err)
{
    frequent_state now = {.cap = cap};
    CH_ARENA_ARRAY(now.place, extra, cap, err);
    for (int64_t i = 0; i < s->cap; i++) {
        const counter *c = &s->place[i];
        if (c->count <= less)
            continue;
        counter *to = find(&now, &c->value, c->hash);
        *to = *c;
        to->count -= less;
        now.n++;
    }
    *s = now;
    return CH_OK;
}

/* Lowers all counters in place; the table is then made anew among the same places. */
static ch_status lower(frequent_state *s, int64_t less, ch_arena *extra, ch_error *err)
{
    int64_t gone = 0;
    for (int64_t i = 0; i < s->cap; i++)
        gone += s->place[i].count > 0 && s->place[i].count <= less;
    if (gone)
        return rebuild(s, s->cap, less, extra, err);
    for (int64_t i = 0; i < s->cap; i++)
        if (s->place[i].count)
            s->place[i].count -= less;
    return CH_OK;
}

/* value is kept as it is: a deep copy in `extra` */
static ch_status add(const ch_call *call, frequent_state *s, const ch_scalar *v, int64_t count,
                     bool copy, ch_arena *extra, ch_error *err)
{
    uint64_t hash = ch_agg_hash(v);
    if (s->cap) {
        counter *c = find(s, v, hash);
        if (c->count) {
            c->count += count;
            return CH_OK;
        }
    }
    if (s->n >= most(call)) {
        int64_t least = INT64_MAX;
        for (int64_t i = 0; i < s->cap; i++)
            if (s->place[i].count && s->place[i].count < least)
                least = s->place[i].count;
        if (count < least)
            return lower(s, count, extra, err);
        CH_TRY(lower(s, least, extra, err));
        count -= least;
        if (!count)
            return CH_OK;
    }
    if (2 * (s->n + 1) > s->cap)
        CH_TRY(rebuild(s, s->cap ? 2 * s->cap : 8, 0, extra, err));
    counter *c = find(s, v, hash);
    if (copy)
        CH_TRY(ch_agg_copy(v, extra, &c->value, err));
    else
        c->value = *v;
    c->hash = hash;
    c->count = count;
    s->n++;
    return CH_OK;
}

static ch_status update_frequent(const ch_call *call, uint8_t *const *state, bool one_group,
                                 ch_arena *extra, ch_error *err)
{
    ch_column *c;
    ch_arena items; /* of nested values; text stays in the column */
    CH_TRY(ch_agg_flat(call, 0, &c, err));
    ch_arena_init(&items, call->mem);
    ch_status status = CH_OK;
    for (int64_t i = 0; i < call->rows && status == CH_OK; i++) {
        ch_scalar v;
        if (is_mode(call) && (c->type->id == CH_NULL || ch_column_is_null(c, i)))
            continue;
        status = ch_column_scalar(c, i, &items, &v, err);
        if (status == CH_OK)
            status = add(call, (frequent_state *)(void *)state[one_group ? 0 : i], &v, 1, true,
                         extra, err);
    }
    ch_arena_release(&items);
    ch_column_unref(c);
    return status;
}

static ch_status merge_frequent(const ch_call *call, uint8_t *const *into, uint8_t *const *from,
                                int64_t n, ch_arena *extra, ch_error *err)
{
    for (int64_t i = 0; i < n; i++) {
        const frequent_state *f = (const frequent_state *)(void *)from[i];
        for (int64_t k = 0; k < f->cap; k++)
            if (f->place[k].count)
                CH_TRY(add(call, (frequent_state *)(void *)into[i], &f->place[k].value,
                           f->place[k].count, true, extra, err));
    }
    return CH_OK;
}

static ch_status result_frequent(const ch_call *call, uint8_t *const *state, int64_t n,
                                 ch_column **out, ch_error *err)
{
    ch_arena arena;
    ch_scalar *list;
    const ch_scalar **v;
    ch_arena_init(&arena, call->mem);
    ch_status status = CH_E_MEMORY;
    list = ch_arena_alloc(&arena, sizeof *list * (size_t)(n + 1), err);
    v = ch_arena_alloc(&arena, sizeof *v * (size_t)(n + 1), err);
    if (!list || !v)
        goto out;
    for (int64_t i = 0; i < n; i++) {
        const frequent_state *s = (const frequent_state *)(void *)state[i];
        ch_scalar *item = ch_arena_alloc(&arena, sizeof *item * (size_t)(s->n + 1), err);
        if (!item)
            goto out;
        list[i] = (ch_scalar){.type = call->result};
        list[i].v.list.item = item;
        for (int64_t k = 0; k < s->cap; k++)
            if (s->place[k].count)
                item[list[i].v.list.n++] = s->place[k].value;
        v[i] = &list[i];
    }
    ch_column_unref(*out);
    *out = NULL;
    status = ch_column_scalars(call->mem, call->result, v, n, out, err);
out:
    ch_arena_release(&arena);
    return status;
}

static const ch_scalar *mode_of(const frequent_state *s, bool largest)
{
    const counter *best = NULL;
    for (int64_t k = 0; k < s->cap; k++) {
        const counter *c = &s->place[k];
        if (!c->count || (best && c->count < best->count))
            continue;
        if (!best || c->count > best->count ||
            (ch_agg_compare(&c->value, &best->value) > 0) == largest)
            best = c;
    }
    return best ? &best->value : NULL;
}

static ch_status result_mode(const ch_call *call, uint8_t *const *state, int64_t n, ch_column **out,
                             ch_error *err)
{
    const frequent_rule *rule = call->data;
    const ch_scalar none = {.type = call->result, .is_null = true};
    size_t bytes = sizeof(ch_scalar *) * (size_t)(n + 1);
    const ch_scalar **v = ch_mem_alloc(call->mem, bytes, err);
    if (!v)
        return CH_E_MEMORY;
    for (int64_t i = 0; i < n; i++) {
        const ch_scalar *value = mode_of((const frequent_state *)(void *)state[i], rule->largest);
        v[i] = value ? value : &none;
    }
    ch_column_unref(*out);
    *out = NULL;
    ch_status status = ch_column_scalars(call->mem, call->result, v, n, out, err);
    ch_mem_free(call->mem, v, bytes);
    return status;
}

static ch_status write_counters(const ch_call *call, const uint8_t *state, ch_buf *out,
                                ch_error *err)
{
    const frequent_state *s = (const frequent_state *)(const void *)state;
    CH_UNUSED(call);
    CH_TRY(ch_buf_add(out, &s->n, sizeof s->n, err));
    for (int64_t k = 0; k < s->cap; k++) {
        if (!s->place[k].count)
            continue;
        CH_TRY(ch_buf_add(out, &s->place[k].count, sizeof(int64_t), err));
        CH_TRY(ch_agg_write(&s->place[k].value, out, err));
    }
    return CH_OK;
}

static ch_status save_frequent(const ch_call *call, uint8_t *const *state, int64_t n,
                               ch_column *out, ch_error *err)
{
    return ch_agg_save(call, state, n, out, write_counters, err);
}

static ch_status load_frequent(const ch_call *call, const ch_column *in, uint8_t *const *state,
                               int64_t n, ch_arena *extra, ch_error *err)
{
    for (int64_t i = 0; i < n; i++) {
        ch_str bytes = ch_column_str(in, i);
        const char *p = bytes.text;
        int64_t count, n_values;
        memcpy(&n_values, p, sizeof n_values);
        p += sizeof n_values;
        for (int64_t k = 0; k < n_values; k++) {
            ch_scalar v;
            memcpy(&count, p, sizeof count);
            p += sizeof count;
            CH_TRY(ch_agg_read(&p, call->arg[0]->type, extra, &v, err));
            CH_TRY(add(call, (frequent_state *)(void *)state[i], &v, count, false, extra, err));
        }
    }
    return CH_OK;
}

static const ch_agg FREQUENT = {.state_bytes = sizeof(frequent_state),
                                .update = update_frequent,
                                .merge = merge_frequent,
                                .result = result_frequent,
                                .save = save_frequent,
                                .load = load_frequent};

static const ch_agg MODE = {.state_bytes = sizeof(frequent_state),
                            .update = update_frequent,
                            .merge = merge_frequent,
                            .result = result_mode,
                            .save = save_frequent,
                            .load = load_frequent};

/* mode(x), or mode() WITHIN GROUP (ORDER BY x). */
static ch_status bind_mode(ch_bind *bind, ch_error *err)
{
    if (bind->n_args != 1)
        return ch_bind_count(bind, "[0, 1, 2]", err);
    frequent_rule *rule = ch_arena_alloc(bind->arena, sizeof *rule, err);
    if (!rule)
        return CH_E_MEMORY;
    *rule = (frequent_rule){.largest = bind->n_keys && bind->key[0].descending};
    bind->data = rule;
    bind->result = bind->arg_type[0];
    bind->nullable = true;
    return CH_OK;
}

static ch_status bind_frequent(ch_bind *bind, ch_error *err)
{
    if (bind->n_args != 2)
        return ch_bind_count(bind, "2", err);
    const ch_scalar *v = ch_bind_constant(bind, 1);
    frequent_rule *rule = ch_arena_alloc(bind->arena, sizeof *rule, err);
    if (!rule)
        return CH_E_MEMORY;
    if (!v || v->is_null || v->type->id != CH_DOUBLE || !(v->v.f64 >= 1e-4 && v->v.f64 <= 1))
        return ch_bind_wrong_type(bind, 1, "a constant DOUBLE in [1e-4, 1]", err);
    *rule = (frequent_rule){.support = v->v.f64};
    bind->data = rule;
    bind->nullable = false;
    bind->result = ch_type_array(bind->arg_type[0], true);
    return bind->result ? CH_OK : CH_E_MEMORY;
}

const ch_func ch_func_agg_frequent[] = {
    {.name = "freq_items",
     .bind = bind_frequent,
     .agg = &FREQUENT,
     .flags = CH_FUNC_AGGREGATE | CH_FUNC_NEVER_NULL | CH_FUNC_INTERNAL,
     .doc = "Values that may be at least that share of all: what DataFrame.freqItems collects.",
     .example = "SELECT sort_array(freq_items(x, 0.5D)) FROM VALUES (1), (1), (2) t(x)",
     .expect = "[1, 2]",
     .since = "0.1"},
    {.name = "mode",
     .bind = bind_mode,
     .agg = &MODE,
     .flags = CH_FUNC_AGGREGATE | CH_FUNC_MAKES_NULL | CH_FUNC_WITHIN_GROUP,
     .doc = "The most frequent value.",
     .example = "SELECT mode(x) FROM VALUES (1), (2), (2), (NULL) t(x)",
     .expect = "2",
     .since = "0.1"},
    CH_FUNC_END,
};
