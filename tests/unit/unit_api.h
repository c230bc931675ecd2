/* SPDX-License-Identifier: Apache-2.0 */
/* unit_api.h - what tests of the public C API need besides unit.h: a session, and what comes of a data frame. */
#ifndef CH_TESTS_UNIT_API_H
#define CH_TESTS_UNIT_API_H

#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chert/chert.h"

#define assert_no_error(err)            \
    do {                                \
        if ((err).code)                 \
            fail_msg("%s", (err).text); \
    } while (0)

static inline chert_session *unit_session(int threads, int64_t memory_bytes)
{
    chert_options options = CHERT_OPTIONS_INIT;
    options.threads = threads;
    options.memory_bytes = memory_bytes;
    chert_session *s = chert_session_new(&options, NULL);
    assert_non_null(s);
    return s;
}

/* The text of a printed result equals `want`; frees df. */
static inline void check_rows(chert_df *df, chert_style style, const char *want)
{
    chert_error err = CHERT_ERROR_INIT;
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    chert_query *q = chert_query_new(df, &err);
    if (q)
        chert_query_run(q, &err);
    assert_no_error(err);
    assert_int_equal(chert_query_print(q, style, -1, 0, out, &err), 0);
    assert_no_error(err);
    fclose(out);
    assert_string_equal(text, want);
    free(text);
    chert_query_free(q);
    chert_df_free(df);
}

#endif
