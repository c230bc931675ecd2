/* SPDX-License-Identifier: Apache-2.0 */
/* agg_count.c - count, count_if, bool_and, bool_or. State: one or two int64. */
#include "function/agg.h"

typedef struct count_state {
    int64_t n;
} count_state;

/* Rows where no argument is NULL; count(*) and count(1) have none to look at. */
static ch_status update_count(const ch_call *call, uint8_t *const *state, bool one_group,
                              ch_arena *extra, ch_error *err)
{
    int64_t rows = call->rows;
    const uint64_t *valid = NULL;
    uint64_t *both = NULL;
    CH_UNUSED(extra);
    for (int32_t a = 0; a < call->n_args; a++) {
        const ch_column *c = call->arg[a];
        if (c->type->id == CH_NULL || (c->encoding == CH_CONST && ch_column_is_null(c, 0))) {
            if (both)
                ch_mem_free(call->mem, both, (size_t)ch_bit_bytes(rows));
            return CH_OK;
        }
        if (!c->valid || c->encoding == CH_CONST)
            continue;
        if (!valid) {
            valid = c->valid;
            continue;
        }
        if (!both) {
            both = ch_mem_alloc(call->mem, (size_t)ch_bit_bytes(rows), err);
            if (!both)
                return CH_E_MEMORY;
            memcpy(both, valid, (size_t)ch_bit_bytes(rows));
            valid = both;
        }
        for (int64_t w = 0; w < ch_bit_words(rows); w++)
            both[w] &= c->valid[w];
    }
    if (one_group) {
        ((count_state *)(void *)state[0])->n += valid ? ch_bits_count(valid, rows) : rows;
    } else if (!valid) {
        for (int64_t i = 0; i < rows; i++)
            ((count_state *)(void *)state[i])->n++;
    } else {
        for (int64_t i = 0; i < rows; i++)
            ((count_state *)(void *)state[i])->n += ch_bit_get(valid, i);
    }
    if (both)
        ch_mem_free(call->mem, both, (size_t)ch_bit_bytes(rows));
    return CH_OK;
}

static ch_status retract_count(const ch_call *call, uint8_t *const *state, bool one_group,
                               ch_arena *extra, ch_error *err)
{
    CH_UNUSED(extra);
    CH_UNUSED(err);
    for (int64_t i = 0; i < call->rows; i++) {
        bool counts = true;
        for (int32_t a = 0; a < call->n_args; a++)
            counts &= !ch_column_is_null(call->arg[a], i);
        ((count_state *)(void *)state[one_group ? 0 : i])->n -= counts;
    }
    return CH_OK;
}

static ch_status merge_count(const ch_call *call, uint8_t *const *into, uint8_t *const *from,
                             int64_t n, ch_arena *extra, ch_error *err)
{
    CH_UNUSED(call);
    CH_UNUSED(extra);
    CH_UNUSED(err);
    for (int64_t i = 0; i < n; i++)
        ((count_state *)(void *)into[i])->n += ((const count_state *)(void *)from[i])->n;
    return CH_OK;
}

static ch_status result_count(const ch_call *call, uint8_t *const *state, int64_t n,
                              ch_column **out, ch_error *err)
{
    int64_t *r = (*out)->data;
    CH_UNUSED(call);
    CH_UNUSED(err);
    for (int64_t i = 0; i < n; i++)
        r[i] = ((const count_state *)(void *)state[i])->n;
    return CH_OK;
}

static ch_status update_count_if(const ch_call *call, uint8_t *const *state, bool one_group,
                                 ch_arena *extra, ch_error *err)
{
    ch_column *c;
    CH_UNUSED(extra);
    CH_TRY(ch_agg_flat(call, 0, &c, err));
    const uint64_t *bits = c->data;
    CH_AGG_EACH(count_state, c, call->rows, state, one_group, { s->n += ch_bit_get(bits, i); });
    ch_column_unref(c);
    return CH_OK;
}

/* 0: nothing seen; else 1 + the answer so far. */
static ch_status update_bool(const ch_call *call, uint8_t *const *state, bool one_group, bool all,
                             ch_error *err)
{
    ch_column *c;
    CH_TRY(ch_agg_flat(call, 0, &c, err));
    const uint64_t *bits = c->data;
    if (c->type->id != CH_NULL)
        CH_AGG_EACH(count_state, c, call->rows, state, one_group, {
            int64_t v = 1 + ch_bit_get(bits, i);
            s->n = s->n == 0 ? v : all ? (v < s->n ? v : s->n) : (v > s->n ? v : s->n);
        });
    ch_column_unref(c);
    return CH_OK;
}

static ch_status update_and(const ch_call *call, uint8_t *const *state, bool one_group,
                            ch_arena *extra, ch_error *err)
{
    CH_UNUSED(extra);
    return update_bool(call, state, one_group, true, err);
}

static ch_status update_or(const ch_call *call, uint8_t *const *state, bool one_group,
                           ch_arena *extra, ch_error *err)
{
    CH_UNUSED(extra);
    return update_bool(call, state, one_group, false, err);
}

static ch_status merge_bool(uint8_t *const *into, uint8_t *const *from, int64_t n, bool all)
{
    for (int64_t i = 0; i < n; i++) {
        count_state *s = (count_state *)(void *)into[i];
        int64_t v = ((const count_state *)(void *)from[i])->n;
        if (v)
            s->n = s->n == 0 ? v : all ? (v < s->n ? v : s->n) : (v > s->n ? v : s->n);
    }
    return CH_OK;
}

static ch_status merge_and(const ch_call *call, uint8_t *const *into, uint8_t *const *from,
                           int64_t n, ch_arena *extra, ch_error *err)
{
    CH_UNUSED(call);
    CH_UNUSED(extra);
    CH_UNUSED(err);
    return merge_bool(into, from, n, true);
}

static ch_status merge_or(const ch_call *call, uint8_t *const *into, uint8_t *const *from,
                          int64_t n, ch_arena *extra, ch_error *err)
{
    CH_UNUSED(call);
    CH_UNUSED(extra);
    CH_UNUSED(err);
    return merge_bool(into, from, n, false);
}

static ch_status result_bool(const ch_call *call, uint8_t *const *state, int64_t n, ch_column **out,
                             ch_error *err)
{
    CH_UNUSED(call);
    ch_bits_fill((*out)->data, n, false);
    for (int64_t i = 0; i < n; i++) {
        int64_t v = ((const count_state *)(void *)state[i])->n;
        if (v == 0)
            CH_TRY(ch_set_null(*out, i, err));
        else
            ch_bit_put((*out)->data, i, v == 2);
    }
    return CH_OK;
}

static const ch_agg COUNT = {.state_bytes = 8,
                             .update = update_count,
                             .merge = merge_count,
                             .result = result_count,
                             .retract = retract_count};
static const ch_agg COUNT_IF = {
    .state_bytes = 8, .update = update_count_if, .merge = merge_count, .result = result_count};
static const ch_agg BOOL_AND = {.state_bytes = 8,
                                .update = update_and,
                                .merge = merge_and,
                                .result = result_bool,
                                .ignores_distinct = true};
static const ch_agg BOOL_OR = {.state_bytes = 8,
                               .update = update_or,
                               .merge = merge_or,
                               .result = result_bool,
                               .ignores_distinct = true};

#define BOOL_ROW(fn, rule, text, ex, want)                                                     \
    {                                                                                          \
        .name = fn, .sig = "boolean -> boolean", .agg = &rule,                                 \
        .flags = CH_FUNC_AGGREGATE | CH_FUNC_MAKES_NULL, .doc = text, .example = "SELECT " ex, \
        .expect = want, .since = "0.1"                                                         \
    }

const ch_func ch_func_agg_count[] = {
    {.name = "count",
     .sig = "[any...] -> bigint",
     .agg = &COUNT,
     .flags = CH_FUNC_AGGREGATE | CH_FUNC_NEVER_NULL,
     .doc = "Rows where no argument is NULL; count(*): all rows.",
     .example = "SELECT count(x) FROM VALUES (1), (NULL) t(x)",
     .expect = "1",
     .since = "0.1"},
    {.name = "count_if",
     .sig = "boolean -> bigint",
     .agg = &COUNT_IF,
     .flags = CH_FUNC_AGGREGATE | CH_FUNC_NEVER_NULL,
     .doc = "Rows where the argument is true.",
     .example = "SELECT count_if(x > 1) FROM VALUES (1), (2) t(x)",
     .expect = "1",
     .since = "0.1"},
    BOOL_ROW("bool_and", BOOL_AND, "True if all values are.",
             "bool_and(x) FROM VALUES (true), (false) t(x)", "false"),
    BOOL_ROW("every", BOOL_AND, "True if all values are.", "every(x) FROM VALUES (true) t(x)",
             "true"),
    BOOL_ROW("bool_or", BOOL_OR, "True if any value is.",
             "bool_or(x) FROM VALUES (true), (false) t(x)", "true"),
    BOOL_ROW("any", BOOL_OR, "True if any value is.", "any(x) FROM VALUES (false) t(x)", "false"),
    BOOL_ROW("some", BOOL_OR, "True if any value is.", "some(x) FROM VALUES (false) t(x)", "false"),
    CH_FUNC_END,
};
