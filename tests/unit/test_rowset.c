/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of every kind there and back, by way of the disk; a full disk is an error, not a crash. */
#include "unit.h"

#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>

#include "column/take.h"
#include "exec/rowset.h"

enum { N_COLS = 9, N_ROWS = 1000 };

/* The value of row i of column c; every seventh is NULL. */
static void value(const ch_type *type, int64_t i, char text[64], ch_scalar item[4], ch_scalar *out)
{
    *out = (ch_scalar){.type = type, .is_null = i % 7 == 3};
    switch (type->id) {
    case CH_BOOLEAN:
        out->v.boolean = i % 3 == 0;
        break;
    case CH_FLOAT:
    case CH_DOUBLE:
        out->v.f64 = (double)i / 4;
        break;
    case CH_DECIMAL:
        out->v.i128 = ((ch_i128)i << 70) - i;
        break;
    case CH_STRING:
        out->v.str.len = snprintf(
            text, 64, i % 2 ? "%lld" : "a text of more than twelve bytes %lld", (long long)i);
        out->v.str.text = text;
        break;
    case CH_ARRAY:
        for (int k = 0; k < i % 4; k++)
            item[k] = (ch_scalar){.type = CH_T_INT, .is_null = k == 2, .v.i64 = i + k};
        out->v.list.item = item;
        out->v.list.n = i % 4;
        break;
    default:
        out->v.i64 = type->id == CH_BYTE ? (int8_t)i : type->id == CH_SHORT ? (int16_t)i : i;
    }
}

static void make_types(const ch_type **type)
{
    type[0] = CH_T_LONG;
    type[1] = CH_T_STRING;
    type[2] = ch_type_of(CH_BOOLEAN);
    type[3] = ch_type_of(CH_BYTE);
    type[4] = ch_type_of(CH_SHORT);
    type[5] = CH_T_INT;
    type[6] = CH_T_DOUBLE;
    type[7] = ch_type_decimal(38, 2);
    type[8] = ch_type_array(CH_T_INT, true);
}

static ch_status make_column(ch_mem *mem, const ch_type *type, ch_column **out, ch_error *err)
{
    static ch_scalar one[N_ROWS], item[N_ROWS][4];
    static const ch_scalar *list[N_ROWS];
    static char text[N_ROWS][64];
    for (int64_t i = 0; i < N_ROWS; i++) {
        value(type, i, text[i], item[i], &one[i]);
        list[i] = &one[i];
    }
    return ch_column_scalars(mem, type, list, N_ROWS, out, err);
}

static void same_value(const ch_scalar *a, const ch_scalar *b)
{
    assert_int_equal(a->is_null, b->is_null);
    if (a->is_null)
        return;
    switch (a->type->id) {
    case CH_BOOLEAN:
        assert_int_equal(a->v.boolean, b->v.boolean);
        break;
    case CH_DOUBLE:
        assert_true(a->v.f64 == b->v.f64);
        break;
    case CH_DECIMAL:
        assert_true(a->v.i128 == b->v.i128);
        break;
    case CH_STRING:
        assert_int_equal(a->v.str.len, b->v.str.len);
        assert_memory_equal(a->v.str.text, b->v.str.text, (size_t)a->v.str.len);
        break;
    case CH_ARRAY:
        assert_int_equal(a->v.list.n, b->v.list.n);
        for (int64_t i = 0; i < a->v.list.n; i++)
            same_value(&a->v.list.item[i], &b->v.list.item[i]);
        break;
    default:
        assert_int_equal(a->v.i64, b->v.i64);
    }
}

static void rows_of_every_type_come_back_from_disk(void **state)
{
    UNIT_BEGIN(state);
    const ch_type *type[N_COLS];
    ch_column *col[N_COLS], *back;
    ch_rowlayout layout;
    ch_rowset set, other;
    ch_arena arena;
    ch_spill *spill;
    static uint64_t hash[N_ROWS];
    static int32_t idx[N_ROWS];
    static int64_t bytes[N_ROWS];
    static uint8_t *row[N_ROWS];
    int64_t written = 0;

    ch_arena_init(&arena, mem);
    make_types(type);
    for (int c = 0; c < N_COLS; c++)
        assert_ok(make_column(mem, type[c], &col[c], &err));
    assert_ok(ch_rowlayout_init(&layout, &arena, type, N_COLS, 2, true, 8, &err));
    assert_ok(ch_spill_open("/tmp", mem, &spill, &err));
    ch_rowset_init(&set, mem, 16 << 10);
    ch_rowset_init(&other, mem, 16 << 10);
    for (int32_t i = 0; i < N_ROWS; i++) {
        idx[i] = i;
        hash[i] = (uint64_t)i * 77;
    }
    assert_ok(ch_rows_sizes(&layout, col, idx, N_ROWS, bytes, &err));
    for (int64_t i = 0; i < N_ROWS; i++)
        assert_ok(ch_rowset_add(i < 500 ? &set : &other, bytes[i], &row[i], &err));
    ch_rows_scatter(&layout, col, hash, idx, N_ROWS, bytes, row);
    assert_ok(ch_rowset_spill(&set, spill, &written, &err));
    assert_int_equal(set.bytes, 0);
    assert_int_equal(written, set.row_bytes);
    assert_ok(ch_rowset_move(&set, &other, &err)); /* half on disk, half in memory */
    assert_int_equal(set.n_rows, N_ROWS);

    int64_t n = 0;
    for (int32_t p = 0; p < set.n_pages; p++) {
        int32_t pos = 0;
        assert_ok(ch_rowset_load(&set, spill, p, &err));
        n += ch_rowpage_next(&set.page[p], &pos, row + n, N_ROWS - n);
    }
    assert_int_equal(n, N_ROWS);
    for (int c = 0; c < N_COLS; c++) {
        assert_ok(ch_rows_gather(&layout, c, row, N_ROWS, mem, &back, &err));
        for (int64_t i = 0; i < N_ROWS; i++) {
            ch_scalar a, b;
            assert_ok(ch_column_scalar(col[c], i, &arena, &a, &err));
            assert_ok(ch_column_scalar(back, i, &arena, &b, &err));
            same_value(&a, &b);
        }
        ch_column_unref(back);
    }
    for (int64_t i = 0; i < N_ROWS; i++)
        assert_int_equal(ch_row_hash(&layout, row[i]), hash[i]);

    /* Keys: every row matches its own position, none the one before. */
    static int32_t no[N_ROWS];
    int64_t n_no = 0;
    assert_int_equal(ch_rows_match(&layout, col, row, idx, N_ROWS, no, &n_no), N_ROWS);
    static uint8_t *before[N_ROWS];
    for (int32_t i = 1; i < N_ROWS; i++) {
        idx[i - 1] = i;
        before[i] = row[i - 1];
    }
    n_no = 0;
    assert_int_equal(ch_rows_match(&layout, col, before, idx, N_ROWS - 1, no, &n_no), 0);
    assert_int_equal(n_no, N_ROWS - 1);

    for (int c = 0; c < N_COLS; c++)
        ch_column_unref(col[c]);
    ch_rowset_release(&set, spill);
    ch_rowset_release(&other, spill);
    ch_spill_close(spill);
    ch_arena_release(&arena);
    UNIT_END();
}

static void nested_keys_are_equal_bytes(void **state)
{
    UNIT_BEGIN(state);
    ch_column *in, *packed, *back;
    ch_arena arena;
    ch_arena_init(&arena, mem);
    assert_ok(make_column(mem, ch_type_array(CH_T_INT, true), &in, &err));
    assert_ok(ch_key_pack(in, mem, &packed, &err));
    assert_ok(ch_key_unpack(packed, in->type, mem, &back, &err));
    for (int64_t i = 0; i < N_ROWS; i++) {
        ch_scalar a, b;
        assert_ok(ch_column_scalar(in, i, &arena, &a, &err));
        assert_ok(ch_column_scalar(back, i, &arena, &b, &err));
        same_value(&a, &b);
    }
    ch_column_unref(in);
    ch_column_unref(packed);
    ch_column_unref(back);
    ch_arena_release(&arena);
    UNIT_END();
}

static void a_file_that_may_not_grow_is_a_full_disk(void **state)
{
    UNIT_BEGIN(state);
    ch_spill *spill;
    static char data[64 << 10];
    int64_t at;
    struct rlimit before, small;
    getrlimit(RLIMIT_FSIZE, &before);
    small = before;
    small.rlim_cur = 100 << 10;
    assert_ok(ch_spill_open("/tmp", mem, &spill, &err));
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &small);
    struct iovec part = {(void *)(uintptr_t)data, sizeof data};
    ch_status first = ch_spill_write(spill, &part, 1, &at, &err);
    ch_status second = ch_spill_write(spill, &part, 1, &at, &err);
    setrlimit(RLIMIT_FSIZE, &before);
    signal(SIGXFSZ, handler);
    assert_int_equal(first, CH_OK);
    assert_fails(DISK_FULL, second);
    ch_spill_close(spill);
    UNIT_END();
}

static void a_folder_that_cannot_be_made_is_an_error(void **state)
{
    UNIT_BEGIN(state);
    ch_spill *spill;
    assert_fails(IO, ch_spill_open("/proc/no/such/folder", mem, &spill, &err));
    assert_null(spill);
    UNIT_END();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_of_every_type_come_back_from_disk),
        cmocka_unit_test(nested_keys_are_equal_bytes),
        cmocka_unit_test(a_file_that_may_not_grow_is_a_full_disk),
        cmocka_unit_test(a_folder_that_cannot_be_made_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
