/* SPDX-License-Identifier: Apache-2.0 */
/* Columns, gathers and batches: what SQL cannot reach. Every case ends with an empty account. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "column/batch.h"
#include "column/take.h"
#include "column/textout.h"

static ch_mem *mem;
static ch_error err;

static int setup(void **state)
{
    CH_UNUSED(state);
    mem = ch_mem_new(NULL, "test", 0);
    return mem ? 0 : -1;
}

static int teardown(void **state)
{
    CH_UNUSED(state);
    assert_int_equal(ch_mem_used(mem), 0);
    ch_mem_close(mem);
    ch_error_release(&err);
    return 0;
}

#define OK(expr) assert_int_equal((expr), CH_OK)
#define NONE INT64_MIN /* NULL in the helpers below */

static ch_column *ints(ch_type_id id, const int64_t *value, int64_t n)
{
    ch_scalar s[64];
    const ch_scalar *p[64];
    for (int64_t i = 0; i < n; i++) {
        s[i] = (ch_scalar){.type = ch_type_of(id), .is_null = value[i] == NONE, .v.i64 = value[i]};
        p[i] = &s[i];
    }
    ch_column *c;
    OK(ch_column_scalars(mem, ch_type_of(id), p, n, &c, &err));
    return c;
}

static ch_column *strings(const char *const *value, int64_t n)
{
    ch_scalar s[64];
    const ch_scalar *p[64];
    for (int64_t i = 0; i < n; i++) {
        s[i] = (ch_scalar){.type = CH_T_STRING, .is_null = !value[i]};
        s[i].v.str.text = value[i];
        s[i].v.str.len = value[i] ? (int64_t)strlen(value[i]) : 0;
        p[i] = &s[i];
    }
    ch_column *c;
    OK(ch_column_scalars(mem, CH_T_STRING, p, n, &c, &err));
    return c;
}

/* lists[i]: len[i] numbers 10*i, 10*i+1, ..; len -1 is a NULL list. */
static ch_column *lists(const int *len, int64_t n)
{
    ch_scalar s[16], item[16][8];
    const ch_scalar *p[16];
    const ch_type *type = ch_type_array(CH_T_INT, true);
    for (int64_t i = 0; i < n; i++) {
        s[i] = (ch_scalar){.type = type, .is_null = len[i] < 0};
        for (int j = 0; j < len[i]; j++)
            item[i][j] = (ch_scalar){.type = CH_T_INT, .v.i64 = 10 * i + j};
        s[i].v.list.item = item[i];
        s[i].v.list.n = len[i] < 0 ? 0 : len[i];
        p[i] = &s[i];
    }
    ch_column *c;
    OK(ch_column_scalars(mem, type, p, n, &c, &err));
    return c;
}

static void check_ints(const ch_column *c, const int64_t *want, int64_t n)
{
    ch_arena arena;
    ch_arena_init(&arena, mem);
    assert_int_equal(c->rows, n);
    for (int64_t i = 0; i < n; i++) {
        ch_scalar s;
        OK(ch_column_scalar(c, i, &arena, &s, &err));
        assert_int_equal(s.is_null, want[i] == NONE);
        if (!s.is_null)
            assert_int_equal(s.v.i64, want[i]);
    }
    ch_arena_release(&arena);
}

static void check_strings(const ch_column *c, const char *const *want, int64_t n)
{
    assert_int_equal(c->rows, n);
    for (int64_t i = 0; i < n; i++) {
        assert_int_equal(ch_column_is_null(c, i), want[i] == NULL);
        if (!want[i])
            continue;
        ch_str s = ch_column_str(ch_column_values(c), ch_column_slot(c, i));
        assert_int_equal(s.len, strlen(want[i]));
        assert_memory_equal(s.text, want[i], (size_t)s.len);
    }
}

static void check_lists(const ch_column *c, const char *const *want, int64_t n)
{
    ch_arena arena;
    ch_arena_init(&arena, mem);
    assert_int_equal(c->rows, n);
    for (int64_t i = 0; i < n; i++) {
        ch_scalar s;
        char text[128] = "";
        OK(ch_column_scalar(c, i, &arena, &s, &err));
        assert_int_equal(s.is_null, want[i] == NULL);
        if (s.is_null)
            continue;
        for (int64_t j = 0; j < s.v.list.n; j++)
            sprintf(text + strlen(text), "%s%d", j ? "," : "", (int)s.v.list.item[j].v.i64);
        assert_string_equal(text, want[i]);
    }
    ch_arena_release(&arena);
}

#define LONG_A "a text that does not fit into a view"
#define LONG_B "another text that does not fit into a view"

static ch_column *dict_of(ch_column *dictionary, const int32_t *index, int64_t n)
{
    ch_buffer *idx, *valid = NULL;
    bool nulls = false;
    OK(ch_buffer_new(mem, n * 4, &idx, &err));
    for (int64_t i = 0; i < n; i++) {
        ((int32_t *)(void *)idx->data)[i] = index[i] < 0 ? 0 : index[i];
        nulls |= index[i] < 0;
    }
    if (nulls) {
        OK(ch_buffer_new(mem, ch_bit_bytes(n), &valid, &err));
        ch_bits_fill((uint64_t *)(void *)valid->data, n, true);
        for (int64_t i = 0; i < n; i++)
            if (index[i] < 0)
                ch_bit_clear((uint64_t *)(void *)valid->data, i);
    }
    ch_column *c;
    OK(ch_column_dict(mem, idx, valid, dictionary, n, &c, &err));
    ch_column_unref(dictionary);
    return c;
}

static void take_of_minus_one_is_null(void **state)
{
    CH_UNUSED(state);
    static const ch_type_id ids[] = {CH_BYTE, CH_SHORT, CH_INT, CH_LONG, CH_DATE, CH_TIMESTAMP};
    for (size_t t = 0; t < sizeof ids / sizeof *ids; t++) {
        ch_column *in = ints(ids[t], (int64_t[]){5, NONE, 7, 8}, 4), *out;
        OK(ch_take(in, (int32_t[]){3, -1, 1, 0, 0}, 5, true, mem, &out, &err));
        check_ints(out, (int64_t[]){8, NONE, NONE, 5, 5}, 5);
        ch_column_unref(out);
        ch_column_unref(in);
    }
}

static void take_without_nulls_makes_no_bitmap(void **state)
{
    CH_UNUSED(state);
    ch_column *in = ints(CH_INT, (int64_t[]){5, 6}, 2), *out;
    OK(ch_take(in, (int32_t[]){1, 0, 1}, 3, true, mem, &out, &err));
    assert_null(out->valid);
    check_ints(out, (int64_t[]){6, 5, 6}, 3);
    ch_column_unref(out);
    ch_column_unref(in);
}

static void take_from_no_rows_gives_nulls(void **state)
{
    CH_UNUSED(state);
    const ch_type *types[] = {CH_T_INT,
                              CH_T_STRING,
                              CH_T_BOOLEAN,
                              CH_T_NULL,
                              ch_type_array(CH_T_INT, true),
                              ch_type_map(CH_T_STRING, CH_T_INT, true),
                              ch_type_struct((ch_field[]){{"a", CH_T_INT, true, NULL}}, 1),
                              ch_type_of(CH_VARIANT),
                              ch_type_decimal(38, 2)};
    for (size_t t = 0; t < sizeof types / sizeof *types; t++) {
        ch_column *in, *out;
        OK(ch_column_flat_nulls(mem, types[t], 0, &in, &err));
        OK(ch_take(in, (int32_t[]){-1, -1}, 2, true, mem, &out, &err));
        assert_int_equal(out->rows, 2);
        assert_true(ch_column_is_null(out, 0) && ch_column_is_null(out, 1));
        ch_column_unref(out);
        OK(ch_take(in, NULL, 0, false, mem, &out, &err));
        assert_int_equal(out->rows, 0);
        ch_column_unref(out);
        ch_column_unref(in);
    }
}

static void take_shares_long_text(void **state)
{
    CH_UNUSED(state);
    const char *words[] = {"short", LONG_A, NULL, LONG_B};
    ch_column *in = strings(words, 4), *out;
    OK(ch_take(in, (int32_t[]){3, 2, -1, 1, 0}, 5, true, mem, &out, &err));
    check_strings(out, (const char *[]){LONG_B, NULL, NULL, LONG_A, "short"}, 5);
    assert_ptr_equal(out->text[0], in->text[0]);
    ch_column_unref(in); /* the text stays */
    check_strings(out, (const char *[]){LONG_B, NULL, NULL, LONG_A, "short"}, 5);
    ch_column_unref(out);
}

static void take_of_bits_crosses_words(void **state)
{
    CH_UNUSED(state);
    ch_column *in, *out;
    OK(ch_column_new(mem, CH_T_BOOLEAN, 200, &in, &err));
    OK(ch_column_need_valid(in, &err));
    for (int i = 0; i < 200; i++) {
        ch_bit_put(in->data, i, i % 3 == 0);
        ch_bit_put(in->valid, i, i % 7 != 0);
    }
    int32_t idx[150];
    for (int i = 0; i < 150; i++)
        idx[i] = i % 10 == 9 ? -1 : 199 - i;
    OK(ch_take(in, idx, 150, true, mem, &out, &err));
    for (int i = 0; i < 150; i++) {
        assert_int_equal(ch_column_is_null(out, i), idx[i] < 0 || idx[i] % 7 == 0);
        if (idx[i] >= 0)
            assert_int_equal(ch_bit_get(out->data, i), idx[i] % 3 == 0);
    }
    ch_column_unref(out);
    ch_column_unref(in);
}

static void take_of_lists_gathers_their_items(void **state)
{
    CH_UNUSED(state);
    ch_column *in = lists((int[]){2, 0, -1, 3}, 4), *out;
    OK(ch_take(in, (int32_t[]){3, 0, 2, -1, 1, 3}, 6, true, mem, &out, &err));
    check_lists(out, (const char *[]){"30,31,32", "0,1", NULL, NULL, "", "30,31,32"}, 6);
    ch_column_unref(out);
    ch_column_unref(in);
}

static void take_keeps_dict_and_const(void **state)
{
    CH_UNUSED(state);
    const char *words[] = {"x", LONG_A};
    ch_column *in = dict_of(strings(words, 2), (int32_t[]){1, 0, -1, 1}, 4), *out;
    OK(ch_take(in, (int32_t[]){2, 3, -1, 1}, 4, true, mem, &out, &err));
    assert_int_equal(out->encoding, CH_DICT);
    check_strings(out, (const char *[]){NULL, LONG_A, NULL, "x"}, 4);
    ch_column_unref(out);
    ch_column_unref(in);

    ch_scalar seven = {.type = CH_T_INT, .v.i64 = 7};
    OK(ch_column_const(mem, &seven, 3, &in, &err));
    OK(ch_take(in, (int32_t[]){2, 2, 0, 1}, 4, true, mem, &out, &err));
    assert_int_equal(out->encoding, CH_CONST);
    check_ints(out, (int64_t[]){7, 7, 7, 7}, 4);
    ch_column_unref(out);
    OK(ch_take(in, (int32_t[]){2, -1}, 2, true, mem, &out, &err));
    assert_int_equal(out->encoding, CH_FLAT);
    check_ints(out, (int64_t[]){7, NONE}, 2);
    ch_column_unref(out);
    ch_column_unref(in);
}

static void flatten_gives_the_same_values(void **state)
{
    CH_UNUSED(state);
    const char *words[] = {LONG_A, "b"};
    ch_column *in = dict_of(strings(words, 2), (int32_t[]){1, -1, 0}, 3), *out;
    OK(ch_flatten(in, mem, &out, &err));
    assert_int_equal(out->encoding, CH_FLAT);
    check_strings(out, (const char *[]){"b", NULL, LONG_A}, 3);
    ch_column_unref(out);
    ch_column_unref(in);

    in = dict_of(lists((int[]){2, 1}, 2), (int32_t[]){1, -1, 0, 1}, 4);
    OK(ch_flatten(in, mem, &out, &err));
    check_lists(out, (const char *[]){"10", NULL, "0,1", "10"}, 4);
    ch_column_unref(out);
    ch_column_unref(in);

    in = lists((int[]){3}, 1);
    in->encoding = CH_CONST;
    in->rows = 2;
    OK(ch_flatten(in, mem, &out, &err));
    check_lists(out, (const char *[]){"0,1,2", "0,1,2"}, 2);
    ch_column_unref(out);
    ch_column_unref(in);

    OK(ch_column_nulls(mem, CH_T_STRING, 3, &in, &err));
    OK(ch_flatten(in, mem, &out, &err));
    check_strings(out, (const char *[]){NULL, NULL, NULL}, 3);
    ch_column_unref(out);
    ch_column_unref(in);

    /* An empty dictionary: all rows are NULL. */
    in = dict_of(strings(words, 0), (int32_t[]){-1, -1}, 2);
    OK(ch_flatten(in, mem, &out, &err));
    check_strings(out, (const char *[]){NULL, NULL}, 2);
    ch_column_unref(out);
    ch_column_unref(in);
}

static void concat_joins_any_encodings(void **state)
{
    CH_UNUSED(state);
    const char *words[] = {"x", LONG_A, NULL};
    ch_column *part[3], *out;
    part[0] = strings(words, 3);
    part[1] = dict_of(strings((const char *[]){LONG_B, "y"}, 2), (int32_t[]){1, 0, -1}, 3);
    ch_scalar z = {.type = CH_T_STRING, .v.str = {"z", 1}};
    OK(ch_column_const(mem, &z, 2, &part[2], &err));
    OK(ch_concat(part, 3, CH_T_STRING, mem, &out, &err));
    check_strings(out, (const char *[]){"x", LONG_A, NULL, "y", LONG_B, NULL, "z", "z"}, 8);
    ch_column_unref(out);
    for (int i = 0; i < 3; i++)
        ch_column_unref(part[i]);
}

static void concat_of_parts_of_one_block_lists_its_text_once(void **state)
{
    CH_UNUSED(state);
    const char *words[] = {LONG_A, LONG_B};
    ch_column *whole = strings(words, 2), *part[2], *out;
    OK(ch_take(whole, (int32_t[]){0}, 1, false, mem, &part[0], &err));
    OK(ch_take(whole, (int32_t[]){1}, 1, false, mem, &part[1], &err));
    OK(ch_concat(part, 2, CH_T_STRING, mem, &out, &err));
    assert_int_equal(out->n_text, 1);
    check_strings(out, words, 2);
    ch_column_unref(out);
    ch_column_unref(part[0]);
    ch_column_unref(part[1]);
    ch_column_unref(whole);
}

static void concat_of_lists_shifts_offsets(void **state)
{
    CH_UNUSED(state);
    ch_column *part[3], *out;
    part[0] = lists((int[]){1, -1}, 2);
    part[1] = lists((int[]){0}, 1);
    part[2] = lists((int[]){2, 2}, 2);
    OK(ch_concat(part, 3, part[0]->type, mem, &out, &err));
    check_lists(out, (const char *[]){"0", NULL, "", "0,1", "10,11"}, 5);
    ch_column_unref(out);
    for (int i = 0; i < 3; i++)
        ch_column_unref(part[i]);
}

static void concat_of_bits_at_odd_places(void **state)
{
    CH_UNUSED(state);
    ch_column *part[5], *out;
    int64_t n = 0;
    for (int p = 0; p < 5; p++) {
        int64_t rows = 13 + 40 * p;
        OK(ch_column_new(mem, CH_T_BOOLEAN, rows, &part[p], &err));
        if (p == 2)
            OK(ch_column_need_valid(part[p], &err));
        for (int64_t i = 0; i < rows; i++, n++) {
            ch_bit_put(part[p]->data, i, n % 5 == 0);
            if (p == 2)
                ch_bit_put(part[p]->valid, i, n % 2 == 0);
        }
    }
    OK(ch_concat(part, 5, CH_T_BOOLEAN, mem, &out, &err));
    assert_int_equal(out->rows, n);
    for (int64_t i = 0; i < n; i++) {
        bool in_second = i >= 13 + 53 && i < 13 + 53 + 93;
        assert_int_equal(ch_bit_get(out->data, i), i % 5 == 0);
        assert_int_equal(ch_column_is_null(out, i), in_second && i % 2 != 0);
    }
    ch_column_unref(out);
    for (int p = 0; p < 5; p++)
        ch_column_unref(part[p]);
}

static void compact_lets_large_buffers_go(void **state)
{
    CH_UNUSED(state);
    ch_column *big, *few, *out;
    char text[1000];
    memset(text, 'q', sizeof text);
    OK(ch_column_new(mem, CH_T_STRING, 1000, &big, &err));
    ch_textout w;
    ch_textout_init(&w, big);
    for (int i = 0; i < 1000; i++)
        OK(ch_textout_put(&w, i, text, 100 + i % 900, &err));
    OK(ch_take(big, (int32_t[]){3, -1, 7}, 3, true, mem, &few, &err));
    OK(ch_compact(few, mem, &out, &err));
    ch_column_unref(big);
    ch_column_unref(few);
    assert_true(ch_mem_used(mem) < 1000);
    assert_int_equal(ch_column_str(out, 2).len, 107);
    assert_memory_equal(ch_column_str(out, 2).text, text, 107);
    assert_true(ch_column_is_null(out, 1));
    ch_column_unref(out);
}

static void nested_scalars_come_back(void **state)
{
    CH_UNUSED(state);
    const ch_type *map = ch_type_map(CH_T_STRING, CH_T_INT, true);
    const ch_type *row =
        ch_type_struct((ch_field[]){{"m", map, true, NULL}, {"d", CH_T_DOUBLE, true, NULL}}, 2);
    ch_scalar entry[4] = {{.type = CH_T_STRING, .v.str = {LONG_A, sizeof LONG_A - 1}},
                          {.type = CH_T_INT, .v.i64 = 1},
                          {.type = CH_T_STRING, .v.str = {"b", 1}},
                          {.type = CH_T_INT, .is_null = true}};
    ch_scalar field[2] = {{.type = map, .v.list = {entry, 4}}, {.type = CH_T_DOUBLE, .v.f64 = 0.5}};
    ch_scalar value = {.type = row, .v.list = {field, 2}}, back;
    ch_column *c, *flat;
    OK(ch_column_const(mem, &value, 3, &c, &err));
    OK(ch_flatten(c, mem, &flat, &err));
    ch_arena arena;
    ch_arena_init(&arena, mem);
    OK(ch_column_scalar(flat, 2, &arena, &back, &err));
    assert_int_equal(back.v.list.n, 2);
    assert_true(back.v.list.item[1].v.f64 == 0.5);
    const ch_scalar *m = &back.v.list.item[0];
    assert_int_equal(m->v.list.n, 4);
    assert_memory_equal(m->v.list.item[0].v.str.text, LONG_A, sizeof LONG_A - 1);
    assert_int_equal(m->v.list.item[1].v.i64, 1);
    assert_true(m->v.list.item[3].is_null);
    ch_arena_release(&arena);
    ch_column_unref(flat);
    ch_column_unref(c);
}

static void retype_shares_buffers(void **state)
{
    CH_UNUSED(state);
    ch_column *in = ints(CH_INT, (int64_t[]){1, NONE}, 2), *out;
    OK(ch_column_retype(mem, in, CH_T_DATE, &out, &err));
    assert_ptr_equal(out->data, in->data);
    assert_ptr_equal(out->type, CH_T_DATE);
    check_ints(out, (int64_t[]){1, NONE}, 2);
    ch_column_unref(out);
    ch_column_unref(in);

    in = lists((int[]){2, 1}, 2);
    OK(ch_column_retype(mem, in, ch_type_array(CH_T_DATE, true), &out, &err));
    assert_ptr_equal(out->child[0]->type, CH_T_DATE);
    check_lists(out, (const char *[]){"0,1", "10"}, 2);
    ch_column_unref(out);
    ch_column_unref(in);
}

/* ---- batches ----------------------------------------------------------------------------- */

static void batch_of_100(ch_batch *b)
{
    OK(ch_batch_init(b, mem, 2, 100, &err));
    OK(ch_column_new(mem, CH_T_INT, 100, &b->col[0], &err));
    for (int32_t i = 0; i < 100; i++)
        ((int32_t *)b->col[0]->data)[i] = i;
    OK(ch_column_nulls(mem, CH_T_STRING, 100, &b->col[1], &err));
}

static void filters_compose_and_columns_are_gathered_on_demand(void **state)
{
    CH_UNUSED(state);
    ch_batch b;
    ch_column *c;
    batch_of_100(&b);
    uint64_t keep[2] = {0};
    OK(ch_batch_column(&b, 0, &c, &err));
    assert_ptr_equal(c, b.col[0]);

    for (int i = 0; i < 100; i += 2)
        ch_bit_set(keep, i);
    OK(ch_batch_filter(&b, keep, &err)); /* 0, 2, 4 .. 98 */
    assert_int_equal(b.n, 50);
    memset(keep, 0, sizeof keep);
    for (int i = 1; i < 50; i += 10)
        ch_bit_set(keep, i);
    OK(ch_batch_filter(&b, keep, &err));
    OK(ch_batch_column(&b, 0, &c, &err));
    check_ints(c, (int64_t[]){2, 22, 42, 62, 82}, 5);
    assert_null(b.dense[1]);

    OK(ch_batch_slice(&b, 1, 3, &err));
    OK(ch_batch_column(&b, 0, &c, &err));
    check_ints(c, (int64_t[]){22, 42, 62}, 3);

    ch_batch other;
    OK(ch_batch_copy(&b, &other, &err));
    OK(ch_batch_flatten(&b, &err));
    assert_null(b.sel);
    assert_int_equal(b.n_full, 3);
    check_ints(b.col[0], (int64_t[]){22, 42, 62}, 3);
    assert_int_equal(b.col[1]->rows, 3);
    ch_batch_release(&b);
    OK(ch_batch_column(&other, 0, &c, &err));
    check_ints(c, (int64_t[]){22, 42, 62}, 3);
    ch_batch_release(&other);
}

static void a_filter_that_keeps_all_or_nothing(void **state)
{
    CH_UNUSED(state);
    ch_batch b;
    ch_column *c;
    batch_of_100(&b);
    uint64_t keep[2] = {~UINT64_C(0), ~UINT64_C(0)}; /* bits past the end mean nothing */
    OK(ch_batch_filter(&b, keep, &err));
    assert_null(b.sel);
    memset(keep, 0, sizeof keep);
    OK(ch_batch_filter(&b, keep, &err));
    assert_int_equal(b.n, 0);
    OK(ch_batch_column(&b, 0, &c, &err));
    assert_int_equal(c->rows, 0);
    OK(ch_batch_column(&b, 1, &c, &err));
    assert_int_equal(c->rows, 0);
    ch_batch_release(&b);
}

/* ---- memory ------------------------------------------------------------------------------ */

static ch_status everything(ch_error *e)
{
    static const char *words[] = {"x", LONG_A, NULL};
    ch_scalar s[3];
    const ch_scalar *p[3];
    const ch_type *type = ch_type_array(CH_T_STRING, true);
    ch_scalar item[3];
    for (int i = 0; i < 3; i++) {
        item[i] = (ch_scalar){.type = CH_T_STRING, .is_null = !words[i]};
        item[i].v.str.text = words[i];
        item[i].v.str.len = words[i] ? (int64_t)strlen(words[i]) : 0;
        s[i] = (ch_scalar){.type = type, .is_null = i == 1, .v.list = {item, i + 1}};
        p[i] = &s[i];
    }
    ch_column *in = NULL, *taken = NULL, *joined = NULL, *compact = NULL, *same = NULL;
    ch_batch b = {0};
    ch_status status;
    CH_TRY_OUT(ch_column_scalars(mem, type, p, 3, &in, e));
    CH_TRY_OUT(ch_take(in, (int32_t[]){2, -1, 0}, 3, true, mem, &taken, e));
    CH_TRY_OUT(ch_concat((ch_column *[]){in, taken}, 2, type, mem, &joined, e));
    CH_TRY_OUT(ch_compact(joined, mem, &compact, e));
    CH_TRY_OUT(ch_column_retype(mem, joined, ch_type_array(ch_type_of(CH_BINARY), true), &same, e));
    CH_TRY_OUT(ch_batch_init(&b, mem, 1, 6, e));
    b.col[0] = ch_column_ref(joined);
    CH_TRY_OUT(ch_batch_filter(&b, (uint64_t[]){0x2A}, e));
    CH_TRY_OUT(ch_batch_flatten(&b, e));
out:
    ch_batch_release(&b);
    ch_column_unref(in);
    ch_column_unref(taken);
    ch_column_unref(joined);
    ch_column_unref(compact);
    ch_column_unref(same);
    return status;
}

static void any_failed_allocation_is_reported_and_leaks_nothing(void **state)
{
    CH_UNUSED(state);
    OK(everything(&err));
    for (int64_t n = 1;; n++) {
        ch_error e = {0};
        (void)ch_mem_fail_nth(n);
        ch_status status = everything(&e);
        (void)ch_mem_fail_nth(0);
        ch_error_release(&e);
        assert_int_equal(ch_mem_used(mem), 0);
        if (status == CH_OK)
            break;
        assert_int_equal(status, CH_E_MEMORY);
        assert_true(n < 1000);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(take_of_minus_one_is_null),
        TEST(take_without_nulls_makes_no_bitmap),
        TEST(take_from_no_rows_gives_nulls),
        TEST(take_shares_long_text),
        TEST(take_of_bits_crosses_words),
        TEST(take_of_lists_gathers_their_items),
        TEST(take_keeps_dict_and_const),
        TEST(flatten_gives_the_same_values),
        TEST(concat_joins_any_encodings),
        TEST(concat_of_parts_of_one_block_lists_its_text_once),
        TEST(concat_of_lists_shifts_offsets),
        TEST(concat_of_bits_at_odd_places),
        TEST(compact_lets_large_buffers_go),
        TEST(nested_scalars_come_back),
        TEST(retype_shares_buffers),
        TEST(filters_compose_and_columns_are_gathered_on_demand),
        TEST(a_filter_that_keeps_all_or_nothing),
        TEST(any_failed_allocation_is_reported_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
