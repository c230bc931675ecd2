/* SPDX-License-Identifier: Apache-2.0 */
/* Joins of every type against two nested loops: keys, conditions, NULLs, both build sides, budgets far below
 * the input, one key that is all of it, failing memory. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "column/textout.h"
#include "exec/exec.h"
#include "plan/analyze.h"
#include "plan/node.h"

/* ---- data: id bigint, k int (may be NULL), s string (may be NULL), v bigint ------------------- */

enum { ID, K, S, V, N_COLS };

typedef struct row {
    int64_t id, v;
    int32_t k;
    bool k_null, s_null;
    char s[40];
} row;

typedef struct table {
    row *row;
    int64_t n;
    ch_batch *batch;
    ch_batch **list;
    int32_t n_batches;
} table;

static uint64_t random_state;
static uint64_t next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    return random_state ^= random_state << 17;
}

static void fill_rows(table *t, int64_t n, int keys, bool with_nulls)
{
    t->n = n;
    t->row = calloc((size_t)(n + 1), sizeof *t->row);
    for (int64_t i = 0; i < n; i++) {
        row *r = &t->row[i];
        r->id = i + 1;
        r->k = (int32_t)(next_random() % (uint64_t)keys);
        r->k_null = with_nulls && next_random() % 10 == 0;
        r->s_null = with_nulls && next_random() % 10 == 0;
        snprintf(r->s, sizeof r->s, next_random() % 2 ? "s%d" : "a longer string, number %d",
                 (int)(next_random() % 3));
        r->v = (int64_t)(next_random() % 100);
    }
}

#define BATCH 500

static ch_status make_batches(table *t, ch_mem *mem, ch_error *err)
{
    t->n_batches = (int32_t)((t->n + BATCH - 1) / BATCH);
    t->batch = calloc((size_t)t->n_batches + 1, sizeof *t->batch);
    t->list = calloc((size_t)t->n_batches + 1, sizeof *t->list);
    for (int32_t b = 0; b < t->n_batches; b++) {
        static const ch_type_id TYPE[N_COLS] = {CH_LONG, CH_INT, CH_STRING, CH_LONG};
        ch_batch *batch = t->list[b] = &t->batch[b];
        int64_t from = (int64_t)b * BATCH, n = t->n - from < BATCH ? t->n - from : BATCH;
        CH_TRY(ch_batch_init(batch, mem, N_COLS, n, err));
        for (int c = 0; c < N_COLS; c++) {
            CH_TRY(ch_column_new(mem, ch_type_of(TYPE[c]), n, &batch->col[c], err));
            CH_TRY(ch_column_need_valid(batch->col[c], err));
        }
        ch_textout text;
        ch_textout_init(&text, batch->col[S]);
        for (int64_t i = 0; i < n; i++) {
            const row *r = &t->row[from + i];
            ((int64_t *)batch->col[ID]->data)[i] = r->id;
            ((int32_t *)batch->col[K]->data)[i] = r->k;
            ((int64_t *)batch->col[V]->data)[i] = r->v;
            CH_TRY(ch_textout_put(&text, i, r->s, r->s_null ? 0 : (int64_t)strlen(r->s), err));
            ch_bit_put(batch->col[K]->valid, i, !r->k_null);
            ch_bit_put(batch->col[S]->valid, i, !r->s_null);
        }
    }
    return CH_OK;
}

static void drop_table(table *t)
{
    for (int32_t b = 0; b < t->n_batches; b++)
        ch_batch_release(&t->batch[b]);
    free(t->batch);
    free(t->list);
    free(t->row);
}

/* ---- the condition --------------------------------------------------------------------------- */

typedef enum condition {
    NONE,
    KEY,          /* l.k = r.k */
    KEY_AND_SAFE, /* l.k = r.k AND l.s <=> r.s */
    KEY_AND_LESS, /* l.k = r.k AND l.v < r.v */
    LESS,         /* l.v < r.v */
    N_CONDITIONS
} condition;

/* 1 true, 0 false, -1 NULL */
static int holds(condition c, const row *l, const row *r)
{
    int key = l->k_null || r->k_null ? -1 : l->k == r->k;
    bool same = l->s_null == r->s_null && (l->s_null || strcmp(l->s, r->s) == 0);
    switch (c) {
    case NONE:
        return 1;
    case KEY:
        return key;
    case KEY_AND_SAFE:
        return same ? key : 0;
    case KEY_AND_LESS:
        return l->v < r->v ? key : 0;
    default:
        return l->v < r->v;
    }
}

static ch_status call(const ch_analyze_context *ctx, const char *name, ch_expr *a, ch_expr *b,
                      ch_expr **out, ch_error *err)
{
    ch_expr *arg[2] = {a, b};
    return ch_call_make(ctx, name, arg, 2, out, err);
}

static ch_status attribute(ch_arena *arena, const ch_attr *attr, ch_expr **out, ch_error *err)
{
    ch_expr_attribute *e = ch_expr_new(arena, CH_EXPR_ATTRIBUTE, err);
    if (!e)
        return CH_E_MEMORY;
    e->attr = attr;
    e->head.type = attr->type;
    e->head.nullable = attr->nullable;
    *out = &e->head;
    return CH_OK;
}

static ch_status make_condition(const ch_analyze_context *ctx, condition c, const ch_rel *l,
                                const ch_rel *r, ch_expr **out, ch_error *err)
{
    ch_expr *a[N_COLS], *b[N_COLS], *key, *other;
    *out = NULL;
    if (c == NONE)
        return CH_OK;
    for (int i = 0; i < N_COLS; i++) {
        CH_TRY(attribute(ctx->arena, l->output.item[i], &a[i], err));
        CH_TRY(attribute(ctx->arena, r->output.item[i], &b[i], err));
    }
    if (c == LESS)
        return call(ctx, "<", a[V], b[V], out, err);
    CH_TRY(call(ctx, "=", b[K], a[K], &key, err)); /* the other way round, too */
    if (c == KEY) {
        *out = key;
        return CH_OK;
    }
    if (c == KEY_AND_SAFE)
        CH_TRY(call(ctx, "<=>", a[S], b[S], &other, err));
    else
        CH_TRY(call(ctx, "<", a[V], b[V], &other, err));
    return call(ctx, "and", key, other, out, err);
}

/* ---- what must come out: how many rows, and the sum of a hash of each ------------------------- */

typedef struct answer {
    _Atomic int64_t rows;
    _Atomic uint64_t sum;
} answer;

static uint64_t mix(int64_t l, int64_t r)
{
    uint64_t h =
        ((uint64_t)l * UINT64_C(0x9E3779B97F4A7C15)) ^ ((uint64_t)r * UINT64_C(0xD6E8FEB86659FD93));
    return h ^ h >> 31;
}
static void add(answer *a, int64_t l, int64_t r)
{
    a->rows++;
    a->sum += mix(l, r);
}

static void nested_loops(const table *l, const table *r, ch_join_type type, condition c,
                         bool null_aware, answer *out)
{
    bool *right_met = calloc((size_t)r->n + 1, 1);
    bool semi = type == CH_JOIN_LEFT_SEMI, anti = type == CH_JOIN_LEFT_ANTI;
    for (int64_t i = 0; i < l->n; i++) {
        bool met = false;
        for (int64_t k = 0; k < r->n; k++) {
            int is = holds(c, &l->row[i], &r->row[k]);
            if (is != 1 && !(null_aware && is == -1))
                continue;
            met = right_met[k] = true;
            if (!semi && !anti)
                add(out, l->row[i].id, r->row[k].id);
        }
        if ((semi && met) || (anti && !met))
            add(out, l->row[i].id, 0);
        if (!met && (type == CH_JOIN_LEFT_OUTER || type == CH_JOIN_FULL_OUTER))
            add(out, l->row[i].id, 0);
    }
    for (int64_t k = 0; k < r->n; k++)
        if (!right_met[k] && (type == CH_JOIN_RIGHT_OUTER || type == CH_JOIN_FULL_OUTER))
            add(out, 0, r->row[k].id);
    free(right_met);
}

static int64_t value(ch_column *c, int64_t i)
{
    if (ch_column_is_null(c, i))
        return 0;
    return ((const int64_t *)ch_column_values(c)->data)[ch_column_slot(c, i)];
}

static ch_status take_rows(void *user, int slot, ch_batch *batch, ch_error *err)
{
    CH_UNUSED(slot);
    ch_column *l, *r = NULL;
    CH_TRY(ch_batch_column(batch, 0, &l, err));
    if (batch->n_cols > N_COLS)
        CH_TRY(ch_batch_column(batch, N_COLS, &r, err));
    for (int64_t i = 0; i < batch->n; i++)
        add(user, value(l, i), r ? value(r, i) : 0);
    return CH_OK;
}

/* ---- one join -------------------------------------------------------------------------------- */

typedef struct setup {
    int64_t n_left, n_right, limit;
    int keys, n_slots;
    ch_join_type type;
    condition condition;
    ch_build_side build;
    bool null_aware, must_spill;
} setup;

static ch_status relation(ch_arena *arena, const table *t, int64_t first_id, ch_rel **out,
                          ch_error *err)
{
    ch_rel_local_relation *rel = ch_rel_new(arena, CH_REL_LOCAL_RELATION, err);
    ch_attr *attr;
    if (!rel)
        return CH_E_MEMORY;
    static const ch_type_id TYPE[N_COLS] = {CH_LONG, CH_INT, CH_STRING, CH_LONG};
    static const char *const NAME[N_COLS] = {"id", "k", "s", "v"};
    CH_ARENA_ARRAY(attr, arena, N_COLS, err);
    CH_ARENA_ARRAY(rel->head.output.item, arena, N_COLS, err);
    for (int c = 0; c < N_COLS; c++) {
        attr[c] = (ch_attr){.name = NAME[c], .type = ch_type_of(TYPE[c]), .nullable = true};
        attr[c].id = first_id + c;
        rel->head.output.item[c] = &attr[c];
    }
    rel->head.output.n = N_COLS;
    rel->batch = t->list;
    rel->n_batches = t->n_batches;
    *out = &rel->head;
    return CH_OK;
}

static ch_status make_join(const setup *p, const ch_analyze_context *ctx, const table *l,
                           const table *r, ch_rel **out, ch_error *err)
{
    ch_rel_join *join = ch_rel_new(ctx->arena, CH_REL_JOIN, err);
    if (!join)
        return CH_E_MEMORY;
    CH_TRY(relation(ctx->arena, l, 100, &join->left, err));
    CH_TRY(relation(ctx->arena, r, 200, &join->right, err));
    CH_TRY(make_condition(ctx, p->condition, join->left, join->right, &join->condition, err));
    join->join_type = p->type;
    join->build = p->build;
    join->null_aware = p->null_aware;
    bool left_only = p->type == CH_JOIN_LEFT_SEMI || p->type == CH_JOIN_LEFT_ANTI;
    int32_t n = left_only ? N_COLS : 2 * N_COLS;
    CH_ARENA_ARRAY(join->head.output.item, ctx->arena, n, err);
    for (int32_t c = 0; c < n; c++)
        join->head.output.item[c] =
            c < N_COLS ? join->left->output.item[c] : join->right->output.item[c - N_COLS];
    join->head.output.n = n;
    *out = &join->head;
    return CH_OK;
}

static ch_status run(const setup *p, const table *l, const table *r, ch_mem *mem, answer *got,
                     int64_t *spilled, ch_error *err)
{
    ch_arena arena;
    ch_arena_init(&arena, mem);
    ch_func_context func = {.ansi = true, .time_zone = "UTC"};
    _Atomic int64_t next_id = 1000;
    ch_analyze_context ctx = {.arena = &arena, .func = &func, .next_id = &next_id};
    ch_pool *pool = ch_pool_new(p->n_slots);
    ch_exec exec = {.pool = pool,
                    .n_slots = p->n_slots,
                    .mem = mem,
                    .arena = &arena,
                    .func = &func,
                    .spill_dir = "/tmp",
                    .batch_rows = 300};
    ch_physical *physical = NULL;
    ch_rel *rel;
    ch_op *sink;
    ch_status status;
    CH_TRY_OUT(ch_physical_new(&exec, &physical, err));
    CH_TRY_OUT(make_join(p, &ctx, l, r, &rel, err));
    CH_TRY_OUT(ch_op_call_new(&exec, take_rows, got, false, &sink, err));
    CH_TRY_OUT(ch_compile(physical, rel, sink, err));
    CH_TRY_OUT(ch_physical_run(physical, err));
    *spilled = exec.spill_bytes;
out:
    ch_physical_close(physical);
    ch_pool_free(pool);
    ch_arena_release(&arena);
    return status;
}

static int64_t check_on(const setup *p, const table *l, const table *r)
{
    ch_error err = {0};
    answer want = {0}, got = {0};
    int64_t spilled = 0;
    ch_mem *mem = ch_mem_new(NULL, "test", p->limit);
    nested_loops(l, r, p->type, p->condition, p->null_aware, &want);
    assert_ok(run(p, l, r, mem, &got, &spilled, &err));
    if (got.rows != want.rows || got.sum != want.sum)
        fail_msg("type %d condition %d build %d: %lld rows, expected %lld%s", (int)p->type,
                 (int)p->condition, (int)p->build, (long long)got.rows, (long long)want.rows,
                 got.rows == want.rows ? ", other rows" : "");
    assert_int_equal(ch_mem_used(mem), 0);
    ch_mem_close(mem);
    return spilled;
}

/* Every type and build side of setup p. */
static void check_types(setup p, bool with_nulls)
{
    ch_error err = {0};
    ch_mem *data = ch_mem_new(NULL, "data", 0);
    table l = {0}, r = {0};
    random_state = 88172645463325252u;
    fill_rows(&l, p.n_left, p.keys, with_nulls);
    fill_rows(&r, p.n_right, p.keys, with_nulls);
    assert_ok(make_batches(&l, data, &err));
    assert_ok(make_batches(&r, data, &err));
    int64_t spilled = 0;
    for (int type = CH_JOIN_INNER; type <= CH_JOIN_CROSS; type++)
        for (int build = CH_BUILD_LEFT; build <= CH_BUILD_RIGHT; build++) {
            p.type = (ch_join_type)type;
            p.build = (ch_build_side)build;
            spilled += check_on(&p, &l, &r);
        }
    if (p.must_spill)
        assert_true(spilled > 0);
    if (p.condition != NONE && p.n_left * p.n_right < 1000000) {
        p.type = CH_JOIN_LEFT_ANTI;
        p.null_aware = true;
        check_on(&p, &l, &r);
    }
    drop_table(&l);
    drop_table(&r);
    assert_int_equal(ch_mem_used(data), 0);
    ch_mem_close(data);
}

/* ---- cases ----------------------------------------------------------------------------------- */

static void every_type_and_condition(void **state)
{
    CH_UNUSED(state);
    for (int c = NONE; c < N_CONDITIONS; c++)
        for (int slots = 1; slots <= 4; slots += 3)
            check_types((setup){.n_left = 400,
                                .n_right = 350,
                                .keys = 200,
                                .n_slots = slots,
                                .condition = (condition)c},
                        true);
}
static void one_side_without_rows(void **state)
{
    CH_UNUSED(state);
    for (int c = NONE; c < N_CONDITIONS; c++) {
        check_types(
            (setup){.n_left = 0, .n_right = 50, .keys = 5, .n_slots = 2, .condition = (condition)c},
            true);
        check_types(
            (setup){.n_left = 50, .n_right = 0, .keys = 5, .n_slots = 2, .condition = (condition)c},
            true);
        check_types(
            (setup){.n_left = 0, .n_right = 0, .keys = 5, .n_slots = 1, .condition = (condition)c},
            true);
    }
}
/* 20 rows on one side: its keys are then often all different, which takes the way without pairs. */
static void a_small_side_with_unique_keys(void **state)
{
    CH_UNUSED(state);
    check_types(
        (setup){.n_left = 3000, .n_right = 20, .keys = 100000, .n_slots = 2, .condition = KEY},
        false);
    check_types((setup){.n_left = 20, .n_right = 3000, .keys = 60, .n_slots = 2, .condition = KEY},
                true);
    check_types(
        (setup){.n_left = 12, .n_right = 3000, .keys = 40, .n_slots = 1, .condition = KEY_AND_SAFE},
        true);
}
static void sides_beyond_the_budget(void **state)
{
    CH_UNUSED(state);
    for (int slots = 1; slots <= 4; slots += 3) {
        check_types((setup){.n_left = 2500,
                            .n_right = 2500,
                            .keys = 2000,
                            .n_slots = slots,
                            .limit = (300 + 150 * slots) << 10,
                            .condition = KEY,
                            .must_spill = slots == 1},
                    true);
        check_types((setup){.n_left = 2500,
                            .n_right = 2500,
                            .keys = 1200,
                            .n_slots = slots,
                            .limit = (300 + 150 * slots) << 10,
                            .condition = KEY_AND_LESS,
                            .must_spill = slots == 1},
                    true);
    }
}
static void one_key_beyond_the_budget(void **state)
{
    CH_UNUSED(state);
    check_types((setup){.n_left = 200,
                        .n_right = 6000,
                        .keys = 1,
                        .n_slots = 2,
                        .limit = 700 << 10,
                        .condition = KEY},
                true);
}
static void nested_loop_beyond_the_budget(void **state)
{
    CH_UNUSED(state);
    check_types((setup){.n_left = 200,
                        .n_right = 6000,
                        .keys = 10,
                        .n_slots = 2,
                        .limit = 700 << 10,
                        .condition = LESS},
                true);
}

/* Every allocation is made to fail in turn: the answer is right or CH_E_MEMORY. */
static void fail_each(const setup *p, const table *l, const table *r)
{
    answer want = {0};
    nested_loops(l, r, p->type, p->condition, false, &want);
    for (int64_t nth = 1;; nth += nth < 150 ? 1 : 1 + nth / 8) {
        ch_error err = {0};
        answer got = {0};
        int64_t spilled;
        ch_mem *mem = ch_mem_new(NULL, "test", p->limit);
        ch_mem_fail_nth(nth);
        ch_status status = run(p, l, r, mem, &got, &spilled, &err);
        int64_t made = ch_mem_fail_nth(0);
        assert_true(status == CH_OK || status == CH_E_MEMORY);
        if (status == CH_OK)
            assert_true(got.rows == want.rows && got.sum == want.sum);
        assert_int_equal(ch_mem_used(mem), 0);
        ch_mem_close(mem);
        ch_error_release(&err);
        assert_true(nth < 1000000);
        if (status == CH_OK && made < nth)
            break;
    }
}
static void any_allocation_may_fail(void **state)
{
    CH_UNUSED(state);
    ch_error err = {0};
    ch_mem *data = ch_mem_new(NULL, "data", 0);
    table l = {0}, r = {0};
    random_state = 88172645463325252u;
    fill_rows(&l, 1500, 1200, true);
    fill_rows(&r, 1500, 1200, true);
    assert_ok(make_batches(&l, data, &err));
    assert_ok(make_batches(&r, data, &err));
    setup p = {.type = CH_JOIN_FULL_OUTER,
               .condition = KEY_AND_SAFE,
               .n_slots = 1,
               .build = CH_BUILD_RIGHT};
    fail_each(&p, &l, &r);
    p.limit = 400 << 10;
    fail_each(&p, &l, &r);
    drop_table(&l);
    drop_table(&r);
    ch_mem_close(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_and_condition),
        cmocka_unit_test(one_side_without_rows),
        cmocka_unit_test(a_small_side_with_unique_keys),
        cmocka_unit_test(sides_beyond_the_budget),
        cmocka_unit_test(one_key_beyond_the_budget),
        cmocka_unit_test(nested_loop_beyond_the_budget),
        cmocka_unit_test(any_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
