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

/*
 * Values for the markers of a text: :name finds its name, without case, and ? the next value. Values are
 * literals, or functions of such, that do not depend on where they stand.
 */
typedef struct ch_sql_params {
    ch_expr *const *value;
    const char *const *name;  /* or NULL: none has one; item NULL: this has none */
    const char *const *shown; /* the values as they were written, for errors; or NULL */
    int32_t n;
    bool
        all_or_none; /* EXECUTE IMMEDIATE: ? takes values with names too, and :name needs all named */
} ch_sql_params;

typedef struct ch_sql_context {
    ch_arena *arena;
    const ch_sql_params *params; /* or NULL */
    /* The text that a constant expression gives, for IDENTIFIER(...); or NULL. */
    ch_status (*constant)(void *user, ch_expr *expr, ch_arena *arena, const char **out,
                          ch_error *err);
    void *user;
    bool ansi;
    bool double_quoted_identifiers; /* spark.sql.ansi.doubleQuotedIdentifiers */
    const char *time_zone;          /* for TIMESTAMP literals without a zone */
} ch_sql_context;

/* One statement; a trailing ; is allowed. text is borrowed as long as the plan
 * lives. */
CH_NODISCARD ch_status ch_sql_parse(const ch_sql_context *ctx, const char *text, ch_rel **out,
                                    ch_error *err);
/* a.b.`c d`, and nothing else. */
CH_NODISCARD ch_status ch_sql_parse_names(const ch_sql_context *ctx, const char *text,
                                          ch_str_list *out, ch_error *err);
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
