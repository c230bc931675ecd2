/* SPDX-License-Identifier: Apache-2.0 */
/*
 * print.h - expressions as text, in the two ways that Spark has.
 *
 *   CH_PRINT_NAME   "CAST((a + 1) AS DOUBLE)": column names, and "sqlExpr" of errors
 *   CH_PRINT_TREE   "cast((a#12 + 1) as double)": the lines of EXPLAIN
 */
#ifndef CH_PLAN_PRINT_H
#define CH_PLAN_PRINT_H

#include "plan/node.h"
#include "type/timezone.h"

typedef enum ch_print_mode { CH_PRINT_NAME, CH_PRINT_TREE } ch_print_mode;

/* zone is that of TIMESTAMP literals; NULL: UTC. */
CH_NODISCARD ch_status ch_expr_print_as(const ch_expr *expr, ch_print_mode mode,
                                        const ch_zone *zone, ch_buf *out, ch_error *err);
/* A value without its type: "abc", "1.50", "NULL". */
CH_NODISCARD ch_status ch_scalar_print(const ch_scalar *value, ch_print_mode mode,
                                       const ch_zone *zone, ch_buf *out, ch_error *err);

/* "[a#1, b#2L]" */
CH_NODISCARD ch_status ch_attrs_print(const ch_attr_list *list, const char *between, ch_buf *out,
                                      ch_error *err);
/* The line of kept rows, "+- InMemoryRelation ...", and below it the plan that made them; `column` blanks before. */
CH_NODISCARD ch_status ch_kept_print(const ch_rel_scan *scan, int column, ch_buf *out,
                                     ch_error *err);

/* As ch_rel_print; note adds to the line of each relation. */
typedef ch_status (*ch_rel_note)(const ch_rel *rel, ch_buf *out, ch_error *err);
CH_NODISCARD ch_status ch_rel_print_noted(const ch_rel *rel, ch_rel_note note, ch_buf *out,
                                          ch_error *err);

/* a, or `a b` where a name is not a plain word. */
CH_NODISCARD ch_status ch_name_print(const char *name, ch_buf *out, ch_error *err);
/* a.`b c`.d */
CH_NODISCARD ch_status ch_names_print(const ch_str_list *parts, ch_buf *out, ch_error *err);
/* `a`.`b c`: as errors quote names of objects. In the arena; NULL with err set. */
char *ch_names_quoted(ch_arena *arena, const ch_str_list *parts, ch_error *err);
/* "\"INT\"", "\"(a + 1)\"": as errors quote types and expressions. */
char *ch_type_quoted(ch_arena *arena, const ch_type *type, ch_error *err);
char *ch_expr_quoted(ch_arena *arena, const ch_expr *expr, ch_error *err);

#endif
