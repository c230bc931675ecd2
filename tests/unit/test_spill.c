/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <string.h>

#include "store/spill.h"
#include "unit.h"

enum { PAGES = 50, BYTES = 5000 };

typedef struct writer {
    ch_spill *spill;
    int number;
    int64_t at[PAGES];
} writer;

static void *write_pages(void *arg)
{
    writer *w = arg;
    char page[BYTES];
    for (int i = 0; i < PAGES; i++) {
        memset(page, w->number + i, sizeof page);
        struct iovec part[3] = {{page, 10}, {page, 0}, {page + 10, BYTES - 10}};
        if (ch_spill_write(w->spill, part, 3, &w->at[i], NULL) != CH_OK)
            w->at[i] = -1;
    }
    return NULL;
}

/* Also more threads than there are files. */
static void what_threads_write_at_once_is_read_by_any(void **state)
{
    UNIT_BEGIN(state);
    enum { THREADS = 11 };
    ch_spill *spill;
    assert_ok(ch_spill_open("/tmp", mem, &spill, &err));
    writer w[THREADS];
    pthread_t thread[THREADS];
    for (int i = 0; i < THREADS; i++) {
        w[i] = (writer){.spill = spill, .number = i};
        assert_int_equal(pthread_create(&thread[i], NULL, write_pages, &w[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
    assert_int_equal(ch_spill_bytes(spill), THREADS * PAGES * 8192);
    for (int i = 0; i < THREADS; i++)
        for (int k = 0; k < PAGES; k++) {
            char page[BYTES];
            assert_true(w[i].at[k] >= 0);
            assert_ok(ch_spill_read(spill, w[i].at[k], page, BYTES, &err));
            for (int b = 0; b < BYTES; b++)
                assert_int_equal(page[b], (char)(i + k));
            ch_spill_drop(spill, w[i].at[k], BYTES);
        }
    ch_spill_close(spill);
    UNIT_END();
}

static void a_folder_that_cannot_be_is_an_error(void **state)
{
    UNIT_BEGIN(state);
    ch_spill *spill;
    assert_fails(IO, ch_spill_open("/dev/null/folder", mem, &spill, &err));
    assert_null(spill);
    UNIT_END();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_threads_write_at_once_is_read_by_any),
        cmocka_unit_test(a_folder_that_cannot_be_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
