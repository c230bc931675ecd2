/* SPDX-License-Identifier: Apache-2.0 */
/* rewrite.h - what rules are made of: conjuncts, columns used, substitution, small constructors. */
#ifndef CH_OPTIMIZE_REWRITE_H
#define CH_OPTIMIZE_REWRITE_H

#include "optimize/optimize.h"
#include "plan/make.h"
#include "plan/plan_python.h"

/* The parts of an AND, in order; added to list. */
CH_NODISCARD ch_status ch_conjuncts(ch_arena *arena, ch_expr *expr, ch_expr_list *list,
                                    ch_error *err);
/* Their AND; NULL for none. */
CH_NODISCARD ch_status ch_conjunction(const ch_analyze_context *ctx, const ch_expr_list *list,
                                      ch_expr **out, ch_error *err);

/* The branches of an OR (one, if it is none), each as its conjuncts: *out is an array of *n. */
CH_NODISCARD ch_status ch_branches(ch_arena *arena, ch_expr *expr, ch_expr_list **out, int32_t *n,
                                   ch_error *err);
/* The OR of the list; NULL for none. */
CH_NODISCARD ch_status ch_disjunction(const ch_analyze_context *ctx, const ch_expr_list *list,
                                      ch_expr **out, ch_error *err);
/* Is an expression equal to this one in the list? */
bool ch_expr_list_has(const ch_expr_list *list, const ch_expr *expr);

bool ch_is_call(const ch_expr *expr, const char *name);
bool ch_is_literal(const ch_expr *expr, const ch_scalar **value);
/* The constant TRUE; FALSE or NULL. */
bool ch_is_true(const ch_expr *expr);
bool ch_is_false_or_null(const ch_expr *expr);
ch_expr *ch_make_boolean(ch_arena *arena, bool value, ch_error *err);
bool ch_has_subquery(const ch_expr *expr);

/* Are all columns that the expression uses in the list? */
bool ch_uses_only(const ch_expr *expr, const ch_attr_list *attrs);
bool ch_uses_any(const ch_expr *expr, const ch_attr_list *attrs);
/* Adds the columns that the expression uses, each once. */
CH_NODISCARD ch_status ch_columns_used(ch_arena *arena, const ch_expr *expr, ch_attr_list *out,
                                       ch_error *err);
/* Columns that a select list makes are replaced by what makes them. */
CH_NODISCARD ch_status ch_substitute(ch_arena *arena, const ch_expr_list *list, ch_expr **expr,
                                     ch_error *err);
/* What makes column id: the alias's child or the attribute; NULL if the list has no such column. */
ch_expr *ch_made_by(const ch_expr_list *list, int64_t id);
/* Column i of `from` becomes column i of `to`. */
CH_NODISCARD ch_status ch_remap(ch_arena *arena, const ch_attr_list *from, const ch_attr_list *to,
                                ch_expr **expr, ch_error *err);

/* A filter above *rel; condition NULL: nothing. */
CH_NODISCARD ch_status ch_add_filter(const ch_analyze_context *ctx, const ch_expr_list *conjuncts,
                                     ch_rel **rel, ch_error *err);
/* A copy with another input, and with its output if the relation passes its input's columns on. */
CH_NODISCARD ch_status ch_with_input(ch_arena *arena, const ch_rel *rel, ch_rel *input,
                                     ch_rel **out, ch_error *err);
/* The one input of a relation that has one; else NULL. */
ch_rel *ch_only_input(const ch_rel *rel);
/* Does it pass on exactly its input's columns (Filter, Sort, Limit ...)? */
bool ch_passes_columns(const ch_rel *rel);
/* No rows of these columns. */
CH_NODISCARD ch_status ch_make_empty(ch_arena *arena, const ch_attr_list *columns, ch_rel **out,
                                     ch_error *err);
bool ch_is_empty(const ch_rel *rel);

/* Calls of functions in Python become relations (extract_python.c). */
CH_NODISCARD ch_status ch_extract_python(const ch_analyze_context *ctx, ch_rel **plan,
                                         ch_error *err);

/* Splits a join's condition: pairs of equal keys (left's, right's), and the rest. */
typedef struct ch_join_keys {
    ch_expr_list left, right, rest;
} ch_join_keys;
CH_NODISCARD ch_status ch_split_join(ch_arena *arena, const ch_rel_join *join, ch_join_keys *out,
                                     ch_error *err);

#endif
