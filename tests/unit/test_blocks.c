/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/blocks.h"
#include "unit.h"

#define MIB ((int64_t)1 << 20)

#if defined(__SANITIZE_THREAD__) /* where mapping memory is slow */
#define ROUNDS 500
#else
#define ROUNDS 20000
#endif

static void a_block_is_at_most_an_eighth_larger(void **state)
{
    CH_UNUSED(state);
    for (size_t bytes = CH_BLOCK_LEAST; bytes < (size_t)200 << 20; bytes += bytes / 7 + 1) {
        size_t got = ch_block_bytes(bytes);
        assert_true(got >= bytes);
        assert_true(got - bytes < 4096 || (got - bytes) * 8 <= bytes);
        assert_int_equal(ch_block_bytes(got), got);
    }
}

static void what_was_given_is_taken_again(void **state)
{
    CH_UNUSED(state);
    ch_blocks *b = ch_blocks_new();
    bool zeroed;
    for (size_t bytes = CH_BLOCK_LEAST; bytes <= (size_t)64 << 20; bytes = bytes * 5 / 4) {
        size_t size = ch_block_bytes(bytes);
        char *first = ch_blocks_take(b, size, 100 * MIB, &zeroed);
        assert_true(zeroed);
        memset(first, 1, size);
        ch_blocks_give(b, first, size, 100 * MIB);
        assert_int_equal(ch_blocks_stocked(b), size);
        char *again = ch_blocks_take(b, size, 100 * MIB, &zeroed);
        assert_ptr_equal(again, first);
        assert_false(zeroed);
        assert_int_equal(ch_blocks_stocked(b), 0);
        ch_blocks_give(b, again, size, 0);
        assert_int_equal(ch_blocks_stocked(b), 0);
    }
    ch_blocks_free(b);
}

static void the_stock_gives_back_what_has_no_room(void **state)
{
    CH_UNUSED(state);
    ch_blocks *b = ch_blocks_new();
    bool zeroed;
    void *block[8];
    size_t small = ch_block_bytes(20000), large = ch_block_bytes((size_t)MIB);
    for (int i = 0; i < 8; i++)
        block[i] = ch_blocks_take(b, i % 2 ? small : large, 100 * MIB, &zeroed);
    for (int i = 0; i < 8; i++)
        ch_blocks_give(b, block[i], i % 2 ? small : large, 100 * MIB);
    assert_int_equal(ch_blocks_stocked(b), 4 * (small + large));
    /* Another size is needed: the large ones go, the small ones have room. */
    void *other = ch_blocks_take(b, 4 * large, (int64_t)(4 * small), &zeroed);
    assert_int_equal(ch_blocks_stocked(b), 4 * small);
    ch_blocks_give(b, other, 4 * large, 0);
    assert_int_equal(ch_blocks_stocked(b), 0);
    ch_blocks_free(b);
}

static int64_t resident_bytes(void)
{
    long size = 0, resident = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (f && fscanf(f, "%ld %ld", &size, &resident) != 2)
        resident = 0;
    if (f)
        fclose(f);
    return resident * sysconf(_SC_PAGESIZE);
}

typedef struct churn {
    ch_mem *mem;
    int64_t most;
    unsigned seed;
} churn;

/* Takes and frees blocks of all sizes at random, as many as the account allows. */
static void *churn_main(void *arg)
{
    churn *c = arg;
    struct {
        char *ptr;
        size_t bytes;
    } held[256] = {0};
    for (int round = 0; round < ROUNDS; round++) {
        c->seed = c->seed * 1664525 + 1013904223;
        unsigned i = (c->seed >> 8) % 256;
        ch_mem_free(c->mem, held[i].ptr, held[i].bytes);
        held[i].bytes = (size_t)(100 + (c->seed >> 16) * 7) << (c->seed >> 5) % 3;
        held[i].ptr = ch_mem_alloc(c->mem, held[i].bytes, NULL);
        if (held[i].ptr)
            memset(held[i].ptr, (int)i, held[i].bytes < 300000 ? held[i].bytes : 300000);
        if (round % 64 == 0) {
            int64_t now = resident_bytes();
            c->most = now > c->most ? now : c->most;
        }
    }
    for (int i = 0; i < 256; i++)
        ch_mem_free(c->mem, held[i].ptr, held[i].bytes);
    return NULL;
}

static void the_process_holds_no_more_than_the_limit(void **state)
{
    UNIT_BEGIN(state);
    int64_t before = resident_bytes();
    ch_mem_set_limit(mem, 24 * MIB);
    churn job[3];
    pthread_t thread[3];
    for (unsigned i = 0; i < 3; i++) {
        job[i] = (churn){mem, 0, i + 1};
        assert_int_equal(pthread_create(&thread[i], NULL, churn_main, &job[i]), 0);
    }
    for (int i = 0; i < 3; i++)
        pthread_join(thread[i], NULL);
    int64_t most = 0;
    for (int i = 0; i < 3; i++)
        most = job[i].most > most ? job[i].most : most;
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    assert_in_range(most - before, 0, 32 * MIB);
#else
    CH_UNUSED(before);
#endif
    UNIT_END();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_block_is_at_most_an_eighth_larger),
        cmocka_unit_test(what_was_given_is_taken_again),
        cmocka_unit_test(the_stock_gives_back_what_has_no_room),
        cmocka_unit_test(the_process_holds_no_more_than_the_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
