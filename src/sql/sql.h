/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sql.h - Spark SQL text to unresolved plan.
 *
 * Errors are located in `text` (line and position): PARSE_SYNTAX_ERROR
 * with Spark's parameters error and hint, PARSE_EMPTY_STATEMENT,
 * INVALID_TYPED_LITERAL, UNSUPPORTED_DATATYPE.
 */
#ifndef CH_SQL_SQL_H
#define CH_SQL_SQL_H

#include "plan/plan.h"

typedef struct ch_sql_context {
    ch_arena *arena;
    bool ansi;
    bool double_quoted_identifiers; /* spark.sql.ansi.doubleQuotedIdentifiers */
    const char *time_zone;          /* for TIMESTAMP literals without a zone */
} ch_sql_context;

/* One statement; a trailing ; is allowed. text is borrowed as long as the plan
 * lives. */
CH_NODISCARD ch_status ch_sql_parse(const ch_sql_context *ctx, const char *text, ch_rel **out,
                                    ch_error *err);
/* One expression, with an optional alias: selectExpr("a + 1 AS b"). */
CH_NODISCARD ch_status ch_sql_parse_expr(const ch_sql_context *ctx, const char *text, ch_expr **out,
                                         ch_error *err);

/*
 * Where the first statement of text ends: the offset after its ';' (quotes and
 * comments respected), or the text's length; complete is false when it ends
 * inside a quote or comment, or without ';'.
 */
size_t ch_sql_split(const char *text, bool *complete);

#endif
