/* SPDX-License-Identifier: Apache-2.0 */
/* make.h - resolved nodes: columns, references, aliases, projects. For the analyzer and the optimizer. */
#ifndef CH_PLAN_MAKE_H
#define CH_PLAN_MAKE_H

#include "plan/analyze.h"
#include "plan/node.h"

/* x = expr, or returns CH_E_MEMORY from the calling function. */
#define CH_AN_NEW(x, expr)      \
    do {                        \
        (x) = (expr);           \
        if (!(x))               \
            return CH_E_MEMORY; \
    } while (0)

/* Functions that give a node give NULL, with err set, when memory runs out. */

/* A column with a fresh id. name is borrowed. */
ch_attr *ch_make_attr(const ch_analyze_context *ctx, const char *name, const ch_type *type,
                      bool nullable, ch_error *err);
CH_NODISCARD ch_status ch_attr_list_add(ch_arena *arena, ch_attr_list *list, const ch_attr *attr,
                                        ch_error *err);
const ch_attr *ch_attr_list_find(const ch_attr_list *list, int64_t id);

ch_expr *ch_make_ref(ch_arena *arena, const ch_attr *attr, ch_error *err);
/* child AS name, with a fresh id */
ch_expr *ch_make_alias(const ch_analyze_context *ctx, ch_expr *child, const char *name,
                       ch_error *err);
ch_expr *ch_make_literal(ch_arena *arena, const ch_scalar *value, ch_error *err);
ch_expr *ch_make_int(ch_arena *arena, int32_t value, ch_error *err);
/* An implicit cast; the expression itself if it has the type already. */
CH_NODISCARD ch_status ch_make_cast(ch_arena *arena, ch_expr **expr, const ch_type *to,
                                    ch_error *err);
/* May a cast give NULL for a value (Cast.forceNullable)? */
bool ch_cast_makes_null(const ch_type *from, const ch_type *to);

/* The columns that Aliases and Attributes of a select list make. */
CH_NODISCARD ch_status ch_make_output(ch_arena *arena, const ch_expr_list *list, ch_attr_list *out,
                                      ch_error *err);
/* A resolved project, whose expressions are Aliases and Attributes. */
CH_NODISCARD ch_status ch_make_project(ch_arena *arena, ch_rel *input, const ch_expr_list *list,
                                       ch_rel **out, ch_error *err);
/* A resolved filter; out may be &input. */
CH_NODISCARD ch_status ch_make_filter(ch_arena *arena, ch_rel *input, ch_expr *condition,
                                      ch_rel **out, ch_error *err);
/* Adds a reference to each column. */
CH_NODISCARD ch_status ch_make_refs(ch_arena *arena, const ch_attr_list *attrs, ch_expr_list *out,
                                    ch_error *err);
/* Sets the output: the input's columns, then the functions'. */
CH_NODISCARD ch_status ch_make_window_output(ch_arena *arena, ch_rel_window *window, ch_error *err);
/* Sets the output that follows from join type and sides. */
CH_NODISCARD ch_status ch_join_output(ch_arena *arena, ch_rel_join *join, ch_error *err);

#endif
