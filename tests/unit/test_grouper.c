/* SPDX-License-Identifier: Apache-2.0 */
/* Groups by key against a naive count: many and few of them, budgets far below the input, failing memory. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "column/take.h"
#include "column/textout.h"
#include "exec/grouper.h"

/* ---- three small aggregates: count(*), sum(bigint), max(string) with text outside the state ---- */

static ch_status count_update(const ch_call *call, uint8_t *const *state, bool one_group,
                              ch_arena *extra, ch_error *err)
{
    CH_UNUSED(extra);
    CH_UNUSED(err);
    if (one_group)
        *(int64_t *)(void *)state[0] += call->rows;
    else
        for (int64_t i = 0; i < call->rows; i++)
            ++*(int64_t *)(void *)state[i];
    return CH_OK;
}
static ch_status sum_update(const ch_call *call, uint8_t *const *state, bool one_group,
                            ch_arena *extra, ch_error *err)
{
    const int64_t *v = call->arg[0]->data;
    CH_UNUSED(extra);
    CH_UNUSED(err);
    for (int64_t i = 0; i < call->rows; i++)
        *(int64_t *)(void *)state[one_group ? 0 : i] += v[i];
    return CH_OK;
}
static ch_status sum_merge(const ch_call *call, uint8_t *const *into, uint8_t *const *from,
                           int64_t n, ch_arena *extra, ch_error *err)
{
    CH_UNUSED(call);
    CH_UNUSED(extra);
    CH_UNUSED(err);
    for (int64_t i = 0; i < n; i++)
        *(int64_t *)(void *)into[i] += *(int64_t *)(void *)from[i];
    return CH_OK;
}
static ch_status sum_result(const ch_call *call, uint8_t *const *state, int64_t n, ch_column **out,
                            ch_error *err)
{
    CH_UNUSED(call);
    CH_UNUSED(err);
    for (int64_t i = 0; i < n; i++)
        ((int64_t *)(*out)->data)[i] = *(int64_t *)(void *)state[i];
    return CH_OK;
}

typedef struct text_state {
    char *text;
    int64_t len;
} text_state;

static ch_status keep_larger(text_state *s, const char *text, int64_t len, ch_arena *extra,
                             ch_error *err)
{
    int64_t shorter = s->len < len ? s->len : len;
    int order = s->text ? memcmp(text, s->text, (size_t)shorter) : 1;
    if (order < 0 || (order == 0 && len <= s->len))
        return CH_OK;
    s->text = ch_arena_strn(extra, text, (size_t)len, err);
    s->len = len;
    return s->text ? CH_OK : CH_E_MEMORY;
}
static ch_status max_update(const ch_call *call, uint8_t *const *state, bool one_group,
                            ch_arena *extra, ch_error *err)
{
    for (int64_t i = 0; i < call->rows; i++) {
        ch_str s = ch_column_str(ch_column_values(call->arg[1]), ch_column_slot(call->arg[1], i));
        CH_TRY(
            keep_larger((text_state *)(void *)state[one_group ? 0 : i], s.text, s.len, extra, err));
    }
    return CH_OK;
}
static ch_status max_merge(const ch_call *call, uint8_t *const *into, uint8_t *const *from,
                           int64_t n, ch_arena *extra, ch_error *err)
{
    CH_UNUSED(call);
    for (int64_t i = 0; i < n; i++) {
        text_state *f = (text_state *)(void *)from[i];
        if (f->text)
            CH_TRY(keep_larger((text_state *)(void *)into[i], f->text, f->len, extra, err));
    }
    return CH_OK;
}
static ch_status max_result(const ch_call *call, uint8_t *const *state, int64_t n, ch_column **out,
                            ch_error *err)
{
    ch_textout w;
    CH_UNUSED(call);
    ch_textout_init(&w, *out);
    for (int64_t i = 0; i < n; i++) {
        text_state *s = (text_state *)(void *)state[i];
        CH_TRY(ch_textout_put(&w, i, s->text ? s->text : "", s->len, err));
    }
    return CH_OK;
}
static ch_status max_save(const ch_call *call, uint8_t *const *state, int64_t n, ch_column *out,
                          ch_error *err)
{
    return max_result(call, state, n, &out, err);
}
static ch_status max_load(const ch_call *call, const ch_column *in, uint8_t *const *state,
                          int64_t n, ch_arena *extra, ch_error *err)
{
    CH_UNUSED(call);
    for (int64_t i = 0; i < n; i++) {
        ch_str s = ch_column_str(in, i);
        CH_TRY(keep_larger((text_state *)(void *)state[i], s.text, s.len, extra, err));
    }
    return CH_OK;
}

static const ch_agg COUNT = {8, NULL, count_update, sum_merge, sum_result, NULL, NULL, NULL, false};
static const ch_agg SUM = {8, NULL, sum_update, sum_merge, sum_result, NULL, NULL, NULL, false};
static const ch_agg MAX = {sizeof(text_state), NULL,     max_update, max_merge, max_result,
                           max_save,           max_load, NULL,       false};
static const ch_func FUNC[3] = {
    {.name = "count", .agg = &COUNT}, {.name = "sum", .agg = &SUM}, {.name = "max", .agg = &MAX}};

/* ---- input: group number -> keys (bigint or NULL, string) ------------------------------------ */

typedef struct input {
    ch_column *col[2];   /* keys */
    ch_column *value[2]; /* what is summed; the text whose maximum is wanted */
} input;

static uint64_t random_state;
static uint64_t next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    return random_state ^= random_state << 17;
}

/* Short ones differ in their first or last bytes only; long ones do not fit into a view. */
static bool short_keys;

static int key_text(char out[64], int64_t g)
{
    if (g % 3 || short_keys)
        return snprintf(out, 64, g % 2 ? "%lld" : "%011lld", (long long)g);
    return snprintf(out, 64, "a rather long key number %lld", (long long)g);
}

static ch_status make_input(ch_mem *mem, const int64_t *group, const int64_t *value, int64_t n,
                            bool dict, input *in, ch_error *err)
{
    ch_status status = CH_OK;
    *in = (input){0};
    ch_textout text, other;
    char buf[64];
    CH_TRY_OUT(ch_column_new(mem, CH_T_LONG, n, &in->col[0], err));
    CH_TRY_OUT(ch_column_need_valid(in->col[0], err));
    CH_TRY_OUT(ch_column_new(mem, CH_T_STRING, n, &in->col[1], err));
    CH_TRY_OUT(ch_column_new(mem, CH_T_LONG, n, &in->value[0], err));
    CH_TRY_OUT(ch_column_new(mem, CH_T_STRING, n, &in->value[1], err));
    ch_textout_init(&text, in->col[1]);
    ch_textout_init(&other, in->value[1]);
    for (int64_t i = 0; i < n; i++) {
        ((int64_t *)in->col[0]->data)[i] = group[i] % 5;
        ch_bit_put(in->col[0]->valid, i, group[i] % 5 != 0);
        ((int64_t *)in->value[0]->data)[i] = value[i];
        CH_TRY_OUT(ch_textout_put(&text, i, buf, key_text(buf, group[i]), err));
        int len = snprintf(buf, sizeof buf, "%020lld of some text", (long long)value[i]);
        CH_TRY_OUT(ch_textout_put(&other, i, buf, len, err));
    }
    if (dict) {
        ch_buffer *index;
        ch_column *out;
        CH_TRY_OUT(ch_buffer_new(mem, 4 * n, &index, err));
        for (int64_t i = 0; i < n; i++)
            ((int32_t *)(void *)index->data)[i] = (int32_t)i;
        CH_TRY_OUT(ch_column_dict(mem, index, NULL, in->col[1], n, &out, err));
        ch_column_unref(in->col[1]);
        in->col[1] = out;
    }
    return CH_OK;
out:
    for (int c = 0; c < 2; c++) {
        ch_column_unref(in->col[c]);
        ch_column_unref(in->value[c]);
    }
    return status;
}

static void drop_input(input *in)
{
    for (int c = 0; c < 2; c++) {
        ch_column_unref(in->col[c]);
        ch_column_unref(in->value[c]);
    }
}

/* ---- one run ------------------------------------------------------------------------------ */

typedef struct expected {
    int64_t count, sum, max;
} expected;

typedef struct setup {
    int64_t rows, groups, limit;
    int n_slots, n_aggs, n_keys;
    bool dict, short_keys;
} setup;

static ch_status push_all(const setup *p, ch_exec *exec, ch_mem *mem, ch_grouper *g, expected *want,
                          ch_error *err)
{
    enum { N = 1000 };
    int64_t group[N], value[N];
    uint8_t *state[N];
    for (int64_t at = 0, b = 0; at < p->rows; at += N, b++) {
        int64_t n = p->rows - at < N ? p->rows - at : N;
        int slot = (int)(b % exec->n_slots);
        for (int64_t i = 0; i < n; i++) {
            group[i] = p->n_keys ? (int64_t)(next_random() % (uint64_t)p->groups) : 0;
            value[i] = (int64_t)(next_random() % 1000);
            expected *w = &want[group[i]];
            w->max = w->count == 0 || value[i] > w->max ? value[i] : w->max;
            w->count++;
            w->sum += value[i];
        }
        input in;
        CH_TRY(make_input(mem, group, value, n, p->dict, &in, err));
        uint8_t **row;
        ch_status status = ch_grouper_push(g, slot, 0, in.col, n, &row, err);
        for (int a = 0; a < p->n_aggs && status == CH_OK; a++) {
            ch_call *call = ch_grouper_call(g, slot, a);
            for (int64_t i = 0; i < (p->n_keys ? n : 1); i++)
                state[i] = row[i] + ch_grouper_state_offset(g, a);
            call->arg = in.value;
            call->n_args = 2;
            call->rows = n;
            status = call->func->agg->update(call, state, p->n_keys == 0, ch_grouper_extra(g, slot),
                                             err);
        }
        drop_input(&in);
        CH_TRY(status);
    }
    return ch_grouper_ready(g, err);
}

static ch_status check_groups(const setup *p, ch_mem *mem, ch_grouper *g, int slot, uint8_t **row,
                              int64_t n, expected *want, int64_t *seen, ch_error *err)
{
    ch_column *key[2] = {0}, *agg[3] = {0};
    ch_status status = CH_OK;
    for (int c = 0; c < p->n_keys; c++)
        CH_TRY_OUT(ch_rows_gather(ch_grouper_layout(g), c, row, n, mem, &key[c], err));
    for (int a = 0; a < p->n_aggs; a++)
        CH_TRY_OUT(ch_grouper_result(g, slot, a, row, n, mem, &agg[a], err));
    for (int64_t i = 0; i < n; i++) {
        int64_t group = 0;
        if (p->n_keys) {
            ch_str s = ch_column_str(key[1], i);
            char buf[64];
            snprintf(buf, sizeof buf, "%.*s", (int)s.len, s.text);
            group = atoll(strrchr(buf, ' ') ? strrchr(buf, ' ') + 1 : buf);
            assert_int_equal(ch_column_is_null(key[0], i), group % 5 == 0);
            if (group % 5)
                assert_int_equal(((int64_t *)key[0]->data)[i], group % 5);
        }
        expected *w = &want[group];
        assert_int_equal(((int64_t *)agg[0]->data)[i], w->count);
        if (p->n_aggs > 1)
            assert_int_equal(((int64_t *)agg[1]->data)[i], w->sum);
        if (p->n_aggs > 2 && w->count) {
            ch_str s = ch_column_str(agg[2], i);
            char digits[32];
            snprintf(digits, sizeof digits, "%.*s", (int)s.len, s.text);
            assert_int_equal(atoll(digits), w->max);
        }
        w->count = -1; /* a group comes once */
        ++*seen;
    }
out:
    for (int c = 0; c < 3; c++) {
        ch_column_unref(agg[c]);
        ch_column_unref(c < 2 ? key[c] : NULL);
    }
    return status;
}

static ch_status run(const setup *p, ch_mem *mem, int64_t *spilled, ch_error *err)
{
    const ch_type *types[2] = {CH_T_LONG, CH_T_STRING};
    ch_exec exec = {.n_slots = p->n_slots,
                    .mem = mem,
                    .batch_rows = 1000,
                    .shuffle_partitions = 200,
                    .spill_dir = "/tmp"};
    ch_call agg[3];
    for (int a = 0; a < 3; a++)
        agg[a] = (ch_call){.func = &FUNC[a], .result = a == 2 ? CH_T_STRING : CH_T_LONG};
    ch_grouper_spec spec = {types, p->n_keys, p->n_keys, agg, p->n_aggs};
    expected *want = calloc((size_t)p->groups, sizeof *want);
    int64_t n_want = 0, seen = 0;
    ch_grouper *g;
    ch_status status = CH_OK;
    CH_TRY_OUT(ch_grouper_open(&exec, mem, &spec, &g, err));
    CH_TRY_OUT(push_all(p, &exec, mem, g, want, err));
    for (int64_t i = 0; i < p->groups; i++)
        n_want += want[i].count > 0;
    bool more = true;
    for (int slot = 0; more; slot = (slot + 1) % p->n_slots) {
        int64_t morsel, n = 1;
        CH_TRY_OUT(ch_grouper_claim(g, slot, &more, &morsel, err));
        while (more && n > 0) {
            uint8_t **row;
            CH_TRY_OUT(ch_grouper_next(g, slot, &row, &n, err));
            if (n)
                CH_TRY_OUT(check_groups(p, mem, g, slot, row, n, want, &seen, err));
        }
    }
    assert_int_equal(seen, n_want ? n_want : p->n_keys == 0);
    *spilled = exec.spill_bytes;
out:
    ch_grouper_close(g);
    free(want);
    return status;
}

static void check(setup p, bool must_spill)
{
    ch_error err = {0};
    ch_mem *mem = ch_mem_new(NULL, "test", p.limit);
    int64_t spilled = 0;
    random_state = 88172645463325252u;
    short_keys = p.short_keys;
    assert_ok(run(&p, mem, &spilled, &err));
    assert_int_equal(ch_mem_used(mem), 0);
    if (must_spill)
        assert_true(spilled > 0);
    ch_mem_close(mem);
}

/* ---- cases -------------------------------------------------------------------------------- */

#define CASE(name, spill, ...)              \
    static void name(void **state)          \
    {                                       \
        CH_UNUSED(state);                   \
        check((setup){__VA_ARGS__}, spill); \
    }

CASE(one_group_without_keys, false, .rows = 10000, .groups = 1, .n_slots = 3, .n_aggs = 3)
CASE(no_rows_without_keys_is_one_group, false, .rows = 0, .groups = 1, .n_slots = 2, .n_aggs = 3)
CASE(no_rows_with_keys_is_no_group, false, .rows = 0, .groups = 1, .n_slots = 2, .n_aggs = 3,
     .n_keys = 2)
CASE(few_groups, false, .rows = 50000, .groups = 100, .n_slots = 4, .n_aggs = 3, .n_keys = 2)
CASE(few_groups_of_dictionaries, false, .rows = 50000, .groups = 100, .n_slots = 2, .n_aggs = 2,
     .n_keys = 2, .dict = true)
CASE(few_groups_of_short_keys, false, .rows = 100000, .groups = 100, .n_slots = 2, .n_aggs = 2,
     .n_keys = 2, .short_keys = true)
CASE(too_many_groups_for_codes, false, .rows = 100000, .groups = 3000, .n_slots = 2, .n_aggs = 2,
     .n_keys = 2, .short_keys = true)
CASE(short_keys_of_dictionaries, false, .rows = 100000, .groups = 150, .n_slots = 2, .n_aggs = 2,
     .n_keys = 2, .short_keys = true, .dict = true)
CASE(many_groups, false, .rows = 300000, .groups = 200000, .n_slots = 1, .n_aggs = 2, .n_keys = 2)
CASE(many_groups_on_four_slots, false, .rows = 300000, .groups = 100000, .n_slots = 4, .n_aggs = 3,
     .n_keys = 2)
CASE(groups_far_beyond_the_budget, true, .rows = 400000, .groups = 300000, .limit = 8 << 20,
     .n_slots = 4, .n_aggs = 2, .n_keys = 2)
CASE(groups_far_beyond_a_tiny_budget, true, .rows = 200000, .groups = 150000, .limit = 3 << 20,
     .n_slots = 1, .n_aggs = 2, .n_keys = 2)
CASE(states_with_text_are_saved_and_loaded, true, .rows = 200000, .groups = 100000,
     .limit = 8 << 20, .n_slots = 4, .n_aggs = 3, .n_keys = 2)
CASE(repeated_groups_beyond_the_budget, true, .rows = 600000, .groups = 60000, .limit = 4 << 20,
     .n_slots = 2, .n_aggs = 2, .n_keys = 2)

/* Every allocation is made to fail in turn: the answer is right or CH_E_MEMORY. */
static void any_allocation_may_fail(void **state)
{
    CH_UNUSED(state);
    setup p = {
        .rows = 20000, .groups = 15000, .limit = 4 << 20, .n_slots = 1, .n_aggs = 3, .n_keys = 2};
    for (int64_t nth = 1;; nth += nth < 200 ? 1 : 1 + nth / 10) {
        ch_error err = {0};
        ch_mem *mem = ch_mem_new(NULL, "test", p.limit);
        int64_t spilled;
        random_state = 88172645463325252u;
        ch_mem_fail_nth(nth);
        ch_status status = run(&p, mem, &spilled, &err);
        int64_t made = ch_mem_fail_nth(0);
        assert_true(status == CH_OK || status == CH_E_MEMORY);
        assert_int_equal(ch_mem_used(mem), 0);
        ch_mem_close(mem);
        ch_error_release(&err);
        assert_true(nth < 1000000);
        if (status == CH_OK && made < nth)
            break;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_group_without_keys),
        cmocka_unit_test(no_rows_without_keys_is_one_group),
        cmocka_unit_test(no_rows_with_keys_is_no_group),
        cmocka_unit_test(few_groups),
        cmocka_unit_test(few_groups_of_dictionaries),
        cmocka_unit_test(few_groups_of_short_keys),
        cmocka_unit_test(too_many_groups_for_codes),
        cmocka_unit_test(short_keys_of_dictionaries),
        cmocka_unit_test(many_groups),
        cmocka_unit_test(many_groups_on_four_slots),
        cmocka_unit_test(groups_far_beyond_the_budget),
        cmocka_unit_test(groups_far_beyond_a_tiny_budget),
        cmocka_unit_test(states_with_text_are_saved_and_loaded),
        cmocka_unit_test(repeated_groups_beyond_the_budget),
        cmocka_unit_test(any_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
