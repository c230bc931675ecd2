/* SPDX-License-Identifier: Apache-2.0 */
/* execute_immediate.c - EXECUTE IMMEDIATE, and the constants that IDENTIFIER(...) needs while text is parsed. */
#include <ctype.h>
#include <strings.h>

#include "plan/make.h"
#include "plan/node.h"
#include "plan/plan_command.h"
#include "plan/print.h"
#include "session/command.h"
#include "session/variable.h"
#include "sql/sql.h"

#define MAX_NESTED 50

/* ---- constants ------------------------------------------------------------------------------- */

static ch_status not_constant(ch_arena *arena, const ch_expr *e, ch_error *err)
{
    const char *text;
    if (err)
        ch_error_release(err);
    CH_AN_NEW(text, ch_expr_sql(arena, e, err));
    CH_FAIL(err, NOT_A_CONSTANT_STRING, "name", "IDENTIFIER", "expr", text);
}

/* "int" */
static ch_status type_shown(ch_arena *arena, const ch_type *type, const char **out, ch_error *err)
{
    ch_buf text;
    ch_buf_init(&text, arena->mem);
    ch_status status = ch_type_print(type, &text, err);
    *out = status == CH_OK ? ch_arena_strn(arena, text.data, text.len, err) : NULL;
    ch_buf_release(&text);
    return *out ? CH_OK : CH_E_MEMORY;
}

static ch_status text_of(ch_arena *arena, const ch_expr *e, const ch_scalar *value,
                         const char **out, ch_error *err)
{
    const char *text, *type;
    if (!value->is_null && ch_type_is_string(value->type)) {
        *out = ch_arena_strn(arena, value->v.str.text, (size_t)value->v.str.len, err);
        return *out ? CH_OK : CH_E_MEMORY;
    }
    CH_AN_NEW(text, ch_expr_sql(arena, e, err));
    if (ch_type_is_string(value->type))
        CH_FAIL(err, NOT_A_CONSTANT_STRING_NULL, "name", "IDENTIFIER", "expr", text);
    CH_TRY(type_shown(arena, value->type, &type, err));
    CH_FAIL(err, NOT_A_CONSTANT_STRING_TYPE, "name", "IDENTIFIER", "expr", text, "dataType", type);
}

ch_status ch_session_constant(void *user, ch_expr *expr, ch_arena *arena, const char **out,
                              ch_error *err)
{
    ch_frame *frame;
    ch_expr_list list = {0};
    ch_rel *plan;
    ch_scalar *row;
    int32_t n;
    *out = NULL;
    CH_TRY(ch_frame_new(user, NULL, 0, &frame, err));
    ch_status status = CH_OK;
    CH_TRY_OUT(ch_expr_list_add(arena, &list, expr, err));
    CH_TRY_OUT(ch_project_of(arena, &list, NULL, &plan, err));
    status = ch_row_of(frame, plan, arena, &row, &n, err);
    if (status == CH_E_UNRESOLVED_COLUMN || status == CH_E_UNRESOLVED_COLUMN_SUGGEST)
        status = not_constant(arena, expr, err);
    CH_TRY_OUT(status);
    status = text_of(arena, expr, &row[0], out, err);
out:
    ch_frame_unref(frame);
    return status;
}

/* ---- EXECUTE IMMEDIATE ----------------------------------------------------------------------- */

static ch_status statement_text(ch_frame *frame, const ch_rel_execute *e, const char **out,
                                ch_error *err)
{
    ch_arena *arena = &frame->arena;
    ch_expr_list list = {0};
    ch_rel *plan;
    ch_scalar *row;
    int32_t n;
    CH_TRY(ch_expr_list_add(arena, &list, e->statement, err));
    CH_TRY(ch_project_of(arena, &list, &e->head, &plan, err));
    CH_TRY(ch_row_of(frame, plan, arena, &row, &n, err));
    if (!ch_type_is_string(row[0].type)) {
        const char *type;
        CH_AN_NEW(type, ch_type_quoted(arena, row[0].type, err));
        CH_FAIL(err, EXECUTE_TYPE, "exprType", type);
    }
    if (row[0].is_null) {
        const ch_expr_unresolved_attribute *at = (const void *)e->statement;
        const char *text;
        bool name = at->head.kind == CH_EXPR_UNRESOLVED_ATTRIBUTE;
        CH_AN_NEW(text, name ? ch_names_quoted(arena, &at->parts, err)
                             : ch_expr_sql(arena, &at->head, err));
        CH_FAIL(err, EXECUTE_NULL, "varName", text);
    }
    *out = ch_arena_strn(arena, row[0].v.str.text, (size_t)row[0].v.str.len, err);
    return *out ? CH_OK : CH_E_MEMORY;
}

/* The values of USING, as literals. */
static ch_status bind(ch_frame *frame, const ch_rel_execute *e, ch_sql_params *out, ch_error *err)
{
    ch_arena *arena = &frame->arena;
    const char **name, **shown;
    ch_expr **value;
    ch_rel *plan;
    ch_scalar *row;
    int32_t n = e->arguments.n;
    *out = (ch_sql_params){.n = n, .all_or_none = true};
    CH_ARENA_ARRAY(name, arena, n + 1, err);
    CH_ARENA_ARRAY(shown, arena, n + 1, err);
    CH_ARENA_ARRAY(value, arena, n + 1, err);
    out->name = name;
    out->shown = shown;
    out->value = value;
    for (int32_t i = 0; i < n; i++) {
        const ch_expr_alias *alias = (const void *)e->arguments.item[i];
        const ch_expr *child = &alias->head;
        if (child->kind == CH_EXPR_ALIAS) {
            name[i] = alias->names.item[0];
            child = alias->child;
        }
        for (int32_t j = 0; j < i && name[i]; j++)
            if (name[j] && strcasecmp(name[i], name[j]) == 0) {
                const char *text;
                CH_AN_NEW(text, ch_arena_printf(arena, err, "`%s`", name[i]));
                CH_FAIL(err, EXECUTE_DUPLICATE_ALIASES, "aliases", text);
            }
        shown[i] = ch_expr_sql(arena, child, err);
        if (!shown[i])
            return CH_E_MEMORY;
        if (ch_expr_has_subquery(child)) {
            const char *text;
            CH_AN_NEW(text, ch_expr_quoted(arena, child, err));
            CH_FAIL(err, UNSUPPORTED_EXPR_FOR_PARAMETER, "invalidExprSql", text);
        }
    }
    if (n == 0)
        return CH_OK;
    CH_TRY(ch_project_of(arena, &e->arguments, &e->head, &plan, err));
    CH_TRY(ch_row_of(frame, plan, arena, &row, &n, err));
    if (n != e->arguments.n) /* a star, which is no value */
        CH_FAIL(err, INVALID_STAR, "elem", "'*'", "prettyName", "UnresolvedExecuteImmediate");
    for (int32_t i = 0; i < n; i++) {
        ch_expr_literal *l = ch_expr_new(arena, CH_EXPR_LITERAL, err);
        if (!l)
            return CH_E_MEMORY;
        l->value = row[i];
        l->head.type = row[i].type;
        l->head.nullable = row[i].is_null;
        value[i] = &l->head;
    }
    return CH_OK;
}

static ch_status assign(ch_frame *frame, const ch_rel_execute *e, ch_frame *inner, ch_frame **out,
                        ch_error *err)
{
    ch_scalar *row;
    int32_t n;
    if (ch_is_command(inner->rel)) {
        char *upper;
        CH_AN_NEW(upper, ch_arena_str(&frame->arena, inner->text, err));
        for (char *c = upper; *c; c++)
            *c = (char)toupper((unsigned char)*c);
        CH_FAIL(err, EXECUTE_INTO_STATEMENT, "sqlString", upper);
    }
    CH_TRY(ch_row_of(inner, inner->rel, &frame->arena, &row, &n, err));
    *out = NULL;
    for (int32_t i = 0; i < e->into.n; i++) {
        const ch_expr_unresolved_attribute *a = (const void *)e->into.item[i];
        ch_scalar value;
        bool found;
        CH_TRY(ch_variable_get(frame->session, a->parts.item[a->parts.n - 1], &frame->arena, &value,
                               &found, err));
        if (found)
            continue;
        const char *name;
        CH_AN_NEW(name, ch_names_quoted(&frame->arena, &a->parts, err));
        ch_status status =
            ch_error_set(err, CH_E_UNRESOLVED_COLUMN, "objectName", name, (const char *)0);
        ch_error_locate(err, frame->text, a->head.start, a->head.stop);
        return status;
    }
    return ch_variables_assign(frame, &e->into, row, n, err);
}

ch_status ch_execute_immediate(ch_frame *frame, ch_frame **out, ch_error *err)
{
    const ch_rel_execute *e = (const ch_rel_execute *)frame->rel;
    const char *text = NULL;
    ch_sql_params params;
    ch_frame *inner;
    *out = NULL;
    int32_t depth = 0; /* a statement that runs is the parent of the one it makes */
    for (const ch_frame *f = frame; f->n_parents; f = f->parent[0])
        if (++depth > MAX_NESTED)
            CH_FAIL(err, UNSUPPORTED, "feature", "EXECUTE IMMEDIATE nested this deep");
    CH_TRY(statement_text(frame, e, &text, err));
    CH_TRY(bind(frame, e, &params, err));
    CH_TRY(ch_session_parse(frame->session, text, &params, frame, &inner, err));
    ch_status status = CH_OK;
    if (e->into.n)
        status = assign(frame, e, inner, out, err);
    else if (ch_is_command(inner->rel))
        status = ch_command_run(inner, out, err);
    else
        *out = ch_frame_ref(inner);
    ch_frame_unref(inner);
    return status;
}
