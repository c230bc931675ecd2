/* SPDX-License-Identifier: Apache-2.0 */
/* scan_predicate.c - conditions that a scan can be told. */
#include "plan/scan_predicate.h"

#include <string.h>

#include "function/function.h"

static const struct {
    const char *name;
    ch_predicate_op op, mirrored;
} COMPARISONS[] = {
    {"=", CH_PRED_EQ, CH_PRED_EQ},  {"==", CH_PRED_EQ, CH_PRED_EQ}, {"<", CH_PRED_LT, CH_PRED_GT},
    {"<=", CH_PRED_LE, CH_PRED_GE}, {">", CH_PRED_GT, CH_PRED_LT},  {">=", CH_PRED_GE, CH_PRED_LE},
    {"!=", CH_PRED_NE, CH_PRED_NE},
};

static const ch_expr_literal *as_literal(const ch_expr *e)
{
    return e->kind == CH_EXPR_LITERAL ? (const ch_expr_literal *)e : NULL;
}

/* Position in the scan's schema of a plain column, -1 for anything else. */
static int32_t schema_position(const ch_rel_scan *rel, const ch_expr *e)
{
    if (e->kind != CH_EXPR_ATTRIBUTE)
        return -1;
    for (int32_t i = 0; i < rel->head.output.n; i++)
        if (rel->head.output.item[i]->id == ((const ch_expr_attribute *)e)->attr->id)
            return rel->wanted[i];
    return -1;
}

/* column IN (constants of its type); false where it is not that. */
static ch_status to_in(const ch_rel_scan *rel, const ch_expr *e, ch_arena *arena, ch_predicate *out,
                       bool *is, ch_error *err)
{
    const ch_expr_call *call = (const ch_expr_call *)e;
    ch_scalar *value;
    *is = false;
    if (e->kind != CH_EXPR_CALL || strcmp(call->func->name, "in") != 0)
        return CH_OK;
    int32_t column = schema_position(rel, call->args.item[0]), n = call->args.n - 1;
    CH_ARENA_ARRAY(value, arena, n + 1, err);
    for (int32_t i = 0; i < n; i++) {
        const ch_expr_literal *lit = as_literal(call->args.item[i + 1]);
        if (!lit || lit->value.is_null || lit->head.type != call->args.item[0]->type)
            return CH_OK;
        value[i] = lit->value;
    }
    *is = column >= 0 && n > 0;
    *out = (ch_predicate){.op = CH_PRED_IN, .column = column, .n_values = n, .value = value};
    return CH_OK;
}

/* column LIKE 'text%...', startswith(column, 'text'); false where it is not that. */
static ch_status to_prefix(const ch_rel_scan *rel, const ch_expr *e, ch_arena *arena,
                           ch_predicate *out, bool *is, bool *exact, ch_error *err)
{
    const ch_expr_call *call = (const ch_expr_call *)e;
    *is = false;
    if (e->kind != CH_EXPR_CALL || call->args.n < 2)
        return CH_OK;
    bool like = strcmp(call->func->name, "like") == 0;
    const ch_expr_literal *lit = as_literal(call->args.item[1]);
    int32_t column = schema_position(rel, call->args.item[0]);
    if ((!like && strcmp(call->func->name, "startswith") != 0) || !lit || lit->value.is_null ||
        column < 0 || call->args.item[0]->type != CH_T_STRING || lit->head.type != CH_T_STRING)
        return CH_OK;
    const char *text = lit->value.v.str.text;
    int64_t n = 0, len = lit->value.v.str.len;
    char escape = '\\';
    if (like && call->args.n > 2) /* another escape character: not worth the trouble */
        return CH_OK;
    while (n < len && !(like && (text[n] == '%' || text[n] == '_' || text[n] == escape)))
        n++;
    if (n == 0 || (like && n == len))
        return CH_OK;
    ch_scalar *value;
    CH_ARENA_NEW(value, arena, err);
    *value = lit->value;
    value->v.str.len = n;
    *exact = !like || (n == len - 1 && text[n] == '%');
    *out =
        (ch_predicate){.op = CH_PRED_STARTS_WITH, .column = column, .n_values = 1, .value = value};
    *is = true;
    return CH_OK;
}

/* Turns one pushed conjunct into a predicate; returns false where it is not that simple. */
static bool to_predicate(const ch_rel_scan *rel, const ch_expr *e, ch_predicate *out)
{
    if (e->kind != CH_EXPR_CALL)
        return false;
    const ch_expr_call *call = (const ch_expr_call *)e;
    const char *name = call->func->name;
    if (call->args.n == 1 && (strcmp(name, "isnull") == 0 || strcmp(name, "isnotnull") == 0)) {
        *out = (ch_predicate){.op = name[2] == 'n' && name[3] == 'u' ? CH_PRED_IS_NULL
                                                                     : CH_PRED_IS_NOT_NULL,
                              .column = schema_position(rel, call->args.item[0])};
        return out->column >= 0;
    }
    if (call->args.n != 2)
        return false;
    const ch_expr *a = call->args.item[0], *b = call->args.item[1];
    bool mirrored = as_literal(a) != NULL;
    const ch_expr_literal *lit = as_literal(mirrored ? a : b);
    int32_t column = schema_position(rel, mirrored ? b : a);
    if (!lit || column < 0 || lit->value.is_null)
        return false;
    for (size_t i = 0; i < sizeof COMPARISONS / sizeof *COMPARISONS; i++) {
        if (strcmp(name, COMPARISONS[i].name) == 0) {
            *out = (ch_predicate){.op = mirrored ? COMPARISONS[i].mirrored : COMPARISONS[i].op,
                                  .column = column,
                                  .n_values = 1,
                                  .value = &lit->value};
            return true;
        }
    }
    return false;
}

ch_status ch_scan_predicate(const ch_rel_scan *rel, const ch_expr *e, ch_arena *arena,
                            ch_predicate *out, bool *is, bool *exact, ch_error *err)
{
    *exact = true;
    *is = to_predicate(rel, e, out);
    if (!*is)
        CH_TRY(to_in(rel, e, arena, out, is, err));
    return *is ? CH_OK : to_prefix(rel, e, arena, out, is, exact, err);
}
