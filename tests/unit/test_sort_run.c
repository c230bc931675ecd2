/* SPDX-License-Identifier: Apache-2.0 */
/* Sorting entries, run files and merging ranges of them, against qsort. */
#include "unit.h"

#include <stdlib.h>

#include "exec/sort_run.h"

static uint64_t seed = 42;

static uint64_t next_random(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    return seed ^= seed << 17;
}

/* A row with a random key of few different bytes, long shared prefixes and a unique end. */
static uint8_t *make_row(uint32_t i, uint32_t key_max)
{
    uint32_t len = 1 + (uint32_t)(next_random() % key_max), key_len = len + 4;
    uint32_t payload = (8 + key_len + 7) & ~7u, bytes = payload + 8;
    uint8_t *row = calloc(1, bytes);
    assert_non_null(row);
    memcpy(row, &bytes, 4);
    memcpy(row + 4, &key_len, 4);
    for (uint32_t k = 0; k < len; k++)
        row[8 + k] = k + 2 < len ? 7 : (uint8_t)(1 + next_random() % 3);
    row[8 + len - 1] = 0; /* ends the text: no key is a prefix of another */
    for (int k = 0; k < 4; k++)
        row[8 + len + (uint32_t)k] = (uint8_t)(i >> (24 - 8 * k));
    memcpy(row + payload, &i, 4);
    return row;
}

static int by_key(const void *a, const void *b)
{
    return ch_sort_key_compare(ch_sort_row_key(((const ch_sort_entry *)a)->row),
                               ch_sort_row_key(((const ch_sort_entry *)b)->row));
}

static ch_sort_entry *make_entries(int64_t n, uint32_t key_max)
{
    ch_sort_entry *e = calloc((size_t)n + 1, sizeof *e);
    assert_non_null(e);
    for (int64_t i = 0; i < n; i++)
        e[i].row = make_row((uint32_t)i, key_max);
    return e;
}

static void free_entries(ch_sort_entry *e, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        free(e[i].row);
    free(e);
}

static void check_sorted(int64_t n, uint32_t key_max, bool with_scratch)
{
    ch_sort_entry *e = make_entries(n, key_max), *want = calloc((size_t)n + 1, sizeof *want);
    ch_sort_entry *scratch = with_scratch ? calloc((size_t)n + 1, sizeof *scratch) : NULL;
    assert_non_null(want);
    memcpy(want, e, sizeof *e * (size_t)n);
    qsort(want, (size_t)n, sizeof *want, by_key);
    ch_sort_entries(e, scratch, n);
    for (int64_t i = 0; i < n; i++)
        assert_ptr_equal(e[i].row, want[i].row);
    free(scratch);
    free(want);
    free_entries(e, n);
}

static void entries_of_any_number_are_put_in_order(void **state)
{
    CH_UNUSED(state);
    static const int64_t SIZES[] = {0, 1, 2, 23, 24, 25, 255, 256, 257, 5000};
    for (size_t i = 0; i < sizeof SIZES / sizeof *SIZES; i++) {
        check_sorted(SIZES[i], 4, true);
        check_sorted(SIZES[i], 40, true);
        check_sorted(SIZES[i], 40, false);
    }
}

/* Each key is a prefix-sharing step deeper than the last: the recursion must stay bounded. */
static void keys_that_share_ever_longer_prefixes_are_sorted(void **state)
{
    CH_UNUSED(state);
    check_sorted(3000, 3000, true);
}

static ch_run *write_run(ch_spill *spill, ch_mem *mem, const ch_sort_entry *e, int64_t from,
                         int64_t n)
{
    ch_run *run = malloc(sizeof *run);
    ch_run_writer w;
    ch_sort_entry *part = calloc((size_t)n + 1, sizeof *part);
    assert_non_null(run);
    assert_non_null(part);
    memcpy(part, e + from, sizeof *part * (size_t)n);
    ch_sort_entries(part, NULL, n);
    ch_run_init(run, mem);
    assert_int_equal(ch_run_writer_init(&w, run, spill, 512, mem, NULL), CH_OK);
    for (int64_t i = 0; i < n; i++)
        assert_int_equal(ch_run_writer_add(&w, part[i].row, NULL), CH_OK);
    assert_int_equal(ch_run_writer_finish(&w, NULL), CH_OK);
    ch_run_writer_release(&w);
    free(part);
    return run;
}

/* Seven run files and one run in memory, merged in ranges cut at arbitrary keys: together all rows in order. */
static void ranges_of_runs_merge_to_the_whole_in_order(void **state)
{
    CH_UNUSED(state);
    enum { N = 4000, RUNS = 8, RANGES = 5 };
    ch_mem *mem = ch_mem_new(NULL, "test", 0);
    ch_spill *spill;
    ch_run *run[RUNS];
    assert_int_equal(ch_spill_open("/tmp", mem, &spill, NULL), CH_OK);
    ch_sort_entry *e = make_entries(N, 24), *want = calloc(N, sizeof *want);
    assert_non_null(want);
    memcpy(want, e, sizeof *e * N);
    qsort(want, N, sizeof *want, by_key);
    for (int r = 0; r < RUNS - 1; r++)
        run[r] = write_run(spill, mem, e, r * (N / RUNS), N / RUNS);
    ch_run in_memory;
    ch_sort_entry *rest = e + (RUNS - 1) * (N / RUNS);
    ch_sort_entries(rest, NULL, N / RUNS);
    ch_run_init(&in_memory, mem);
    in_memory.entry = rest;
    in_memory.n_entries = N / RUNS;
    run[RUNS - 1] = &in_memory;

    int64_t seen = 0;
    for (int r = 0; r < RANGES; r++) {
        ch_merge *merge;
        ch_sort_key from = {0}, until = {0};
        if (r > 0)
            from = ch_sort_row_key(want[N * r / RANGES].row);
        if (r + 1 < RANGES)
            until = ch_sort_row_key(want[N * (r + 1) / RANGES].row);
        assert_int_equal(ch_merge_new(run, RUNS, from, until, mem, &merge, NULL), CH_OK);
        for (;;) {
            uint8_t *row;
            assert_int_equal(ch_merge_next(merge, &row, NULL), CH_OK);
            if (!row)
                break;
            assert_int_equal(ch_sort_row_bytes(row), ch_sort_row_bytes(want[seen].row));
            assert_memory_equal(row, want[seen].row, ch_sort_row_bytes(row));
            seen++;
            if (seen % 7 == 0)
                ch_merge_forget(merge);
        }
        ch_merge_free(merge);
    }
    assert_int_equal(seen, N);

    for (int r = 0; r < RUNS - 1; r++) {
        ch_run_release(run[r]);
        free(run[r]);
    }
    ch_run_release(&in_memory);
    ch_spill_close(spill);
    free(want);
    free_entries(e, N);
    assert_int_equal(ch_mem_used(mem), 0);
    ch_mem_close(mem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_of_any_number_are_put_in_order),
        cmocka_unit_test(keys_that_share_ever_longer_prefixes_are_sorted),
        cmocka_unit_test(ranges_of_runs_merge_to_the_whole_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
