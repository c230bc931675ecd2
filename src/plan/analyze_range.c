/* SPDX-License-Identifier: Apache-2.0 */
/* analyze_range.c - range([start,] end [, step [, partitions]]) behind FROM, of any constants. */
#include <strings.h>

#include "plan/analyzer.h"
#include "plan/fold.h"

bool ch_an_is_range(const ch_rel *rel)
{
    const ch_rel_unresolved_table_valued_function *f = (const void *)rel;
    return rel->kind == CH_REL_UNRESOLVED_TABLE_VALUED_FUNCTION &&
           strcasecmp(f->function_name, "range") == 0;
}

static ch_status argument(ch_analyzer *a, const ch_expr *written, int32_t i, int32_t n,
                          int64_t *out, ch_error *err)
{
    static const char *const NAME[] = {"start", "end", "step", "numSlices"};
    ch_attr_list none = {0};
    ch_rel *row;
    ch_expr *e;
    ch_scalar v;
    bool done;
    if (written->kind == CH_EXPR_NAMED_ARGUMENT)
        CH_AN_FAIL(a, written, err, NON_FOLDABLE_ARGUMENT, "funcName", "`range`", "paramName",
                   "`start`", "paramType", "\"BIGINT\"");
    CH_AN_NEW(row, ch_rel_new(a->arena, CH_REL_ONE_ROW, err));
    row->output = none;
    ch_an_scope scope = ch_an_scope_of(a, row, NULL, "FROM");
    CH_TRY(ch_an_expr(a, &scope, written, &e, err));
    const char *name = NAME[n == 1 ? 1 : i];
    const ch_type *type = n > 1 && i == 3 ? CH_T_INT : CH_T_LONG;
    if (!ch_expr_is_foldable(e)) {
        char *text;
        CH_AN_NEW(text, ch_type_quoted(a->arena, type, err));
        CH_AN_FAIL(a, written, err, NON_FOLDABLE_ARGUMENT, "funcName", "`range`", "paramName",
                   ch_arena_printf(a->arena, err, "`%s`", name), "paramType", text);
    }
    CH_TRY(ch_make_cast(a->arena, &e, type, err));
    CH_TRY(ch_expr_fold(a->ctx->func, a->arena, e, &v, &done, err));
    if (done && v.is_null)
        CH_AN_FAIL(a, written, err, UNEXPECTED_INPUT_TYPE, "functionName", "`range`", "paramIndex",
                   ch_arena_printf(a->arena, err, "%d", i + 1), "requiredType",
                   ch_type_quoted(a->arena, type, err), "inputSql",
                   ch_expr_quoted(a->arena, e, err), "inputType",
                   ch_type_quoted(a->arena, e->type, err));
    if (!done) /* it fails: a text that is no number */
        CH_AN_FAIL(a, written, err, CAST_INVALID_INPUT, "expression", ch_expr_sql(a->arena, e, err),
                   "sourceType", "\"STRING\"", "targetType", ch_type_quoted(a->arena, type, err),
                   "ansiConfig", "\"spark.sql.ansi.enabled\"");
    *out = v.v.i64;
    return CH_OK;
}

ch_status ch_an_range(ch_analyzer *a, const ch_rel_unresolved_table_valued_function *f,
                      ch_rel **out, ch_error *err)
{
    int64_t value[4] = {0, 0, 1, 0};
    ch_rel_range *r;
    int32_t n = f->arguments.n;
    if (n < 1 || n > 4)
        CH_AN_FAIL(a, &f->head, err, WRONG_NUM_ARGS, "functionName", "`range`", "expectedNum",
                   "[1, 2, 3, 4]", "actualNum", CH_I64(n));
    for (int32_t i = 0; i < n; i++)
        CH_TRY(argument(a, f->arguments.item[i], i, n, &value[n == 1 ? 1 : i], err));
    if (value[2] == 0)
        CH_AN_FAIL(a, &f->head, err, FAILED_FUNCTION_CALL, "funcName", "`range`");
    CH_AN_NEW(r, ch_rel_new(a->arena, CH_REL_RANGE, err));
    r->head.start = f->head.start;
    r->head.stop = f->head.stop;
    r->from = value[0];
    r->to = value[1];
    r->step = value[2];
    r->num_partitions = (int32_t)value[3];
    return ch_an_rel(a, &r->head, out, err);
}
