/* SPDX-License-Identifier: Apache-2.0 */
/*
 * special.c - functions that the analyzer turns into something else, so that they are listed: casts by a
 * type's name, struct, between, grouping, window. A call that gets here stands where it may not, or has
 * the wrong number of arguments.
 */
#include <stdio.h>

#include "function/support.h"

static ch_status bind_cast(ch_bind *bind, ch_error *err)
{
    return ch_bind_count(bind, "1", err);
}

static ch_status bind_never(ch_bind *bind, ch_error *err)
{
    char what[80];
    snprintf(what, sizeof what, "The function %s here", bind->func->name);
    CH_FAIL(err, UNSUPPORTED, "feature", what);
}

#define CAST(fn, ex, want)                                                                     \
    {                                                                                          \
        .name = fn, .bind = bind_cast, .doc = "A cast to this type.", .example = "SELECT " ex, \
        .expect = want, .since = "0.1"                                                         \
    }
#define OTHER(fn, text, ex, want)                                                             \
    {                                                                                         \
        .name = fn, .bind = bind_never, .doc = text, .example = "SELECT " ex, .expect = want, \
        .since = "0.1"                                                                        \
    }

const ch_func ch_func_special[] = {
    CAST("boolean", "boolean('true')", "true"),
    CAST("tinyint", "tinyint('5')", "5"),
    CAST("smallint", "smallint('5')", "5"),
    CAST("int", "int('5')", "5"),
    CAST("bigint", "bigint('5')", "5"),
    CAST("float", "float('1.5')", "1.5"),
    CAST("double", "double('1.5')", "1.5"),
    CAST("decimal", "decimal('5')", "5"),
    CAST("date", "date('2024-05-06')", "2024-05-06"),
    CAST("timestamp", "timestamp('2024-05-06')", "2024-05-06 00:00:00"),
    CAST("binary", "binary('abc')", "abc"),
    CAST("string", "string(5)", "5"),
    OTHER("struct", "A struct of the arguments.", "struct(1, 'a')", "{1, a}"),
    OTHER("between", "Is a value within two bounds?", "5 BETWEEN 1 AND 10", "true"),
    OTHER("grouping", "Is the column left out of this row's grouping set?",
          "grouping(a) FROM VALUES (1) t(a) GROUP BY CUBE (a) ORDER BY 1 LIMIT 1", "0"),
    OTHER("grouping_id", "Which grouping set the row is of, as bits.",
          "grouping_id() FROM VALUES (1) t(a) GROUP BY CUBE (a) ORDER BY 1 LIMIT 1", "0"),
    OTHER("window", "The window of time that a moment lies in, in GROUP BY or a select list.",
          "window(t, '1 day') FROM VALUES (TIMESTAMP'2024-05-06 10:00:00') v(t)",
          "{2024-05-06 00:00:00, 2024-05-07 00:00:00}"),
    OTHER("session_window", "The session that a moment lies in, ended by a gap.",
          "session_window(t, '1 hour') FROM VALUES (TIMESTAMP'2024-05-06 10:00:00') v(t)",
          "{2024-05-06 10:00:00, 2024-05-06 11:00:00}"),
    CH_FUNC_END,
};
