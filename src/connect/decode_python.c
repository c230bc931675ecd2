/* SPDX-License-Identifier: Apache-2.0 */
/* decode_python.c - functions in Python: in expressions, as relations, registered under a name. */
#include <string.h>

#include "connect/decode_relation.h"
#include "plan/plan_python.h"
#include "python/udf.h"
#include "session/functions.h"

typedef PB(Relation) message;
typedef PB(CommonInlineUserDefinedFunction) function;
typedef PB(CommonInlineUserDefinedTableFunction) table_function;
#define DECODER(name) \
    ch_status cn_decode_##name##_rel(cn_decode *d, const message *m, ch_rel **out, ch_error *err)

/* As it is in the message: borrows from it. */
static ch_status read_udf(const function *f, ch_python_udf *out, ch_error *err)
{
    const PB(PythonUDF) *p = f->python_udf;
    if (f->function_case == SPARK__CONNECT__COMMON_INLINE_USER_DEFINED_FUNCTION__FUNCTION_JAVA_UDF)
        CN_UNSUPPORTED(err, "A function in Java");
    if (f->function_case !=
        SPARK__CONNECT__COMMON_INLINE_USER_DEFINED_FUNCTION__FUNCTION_PYTHON_UDF)
        CN_UNSUPPORTED(err, "A function in Scala");
    if (!p->output_type || !p->command.len)
        CH_FAIL(err, CONNECT_INVALID_PLAN, "reason", "a Python function has no type or no code");
    *out = (ch_python_udf){.eval_type = p->eval_type,
                           .command = {(const char *)p->command.data, (int64_t)p->command.len},
                           .version = p->python_ver ? p->python_ver : "",
                           .name = f->function_name ? f->function_name : ""};
    return cn_decode_type(p->output_type, &out->type, err);
}

static bool is_deterministic(const function *f)
{
    return !f->has_deterministic || f->deterministic;
}

/* The same of a table function, whose type may be left to its analyze(). */
static ch_status read_table(const table_function *f, ch_python_udf *out, ch_error *err)
{
    const PB(PythonUDTF) *p = f->python_udtf;
    if (f->function_case !=
            SPARK__CONNECT__COMMON_INLINE_USER_DEFINED_TABLE_FUNCTION__FUNCTION_PYTHON_UDTF ||
        !p->command.len || !ch_python_is_table(p->eval_type))
        CH_FAIL(err, CONNECT_INVALID_PLAN, "reason",
                "a table function in Python has no code, or is of another kind (eval_type)");
    *out = (ch_python_udf){.eval_type = p->eval_type,
                           .command = {(const char *)p->command.data, (int64_t)p->command.len},
                           .version = p->python_ver ? p->python_ver : "",
                           .name = f->function_name ? f->function_name : ""};
    if (!p->return_type)
        return CH_OK;
    CH_TRY(cn_decode_type(p->return_type, &out->type, err));
    if (out->type->id != CH_STRUCT)
        CH_FAIL(err, CONNECT_INVALID_PLAN, "reason",
                "the type of a table function in Python is no struct");
    return CH_OK;
}

/* udf as read, with texts of its own. */
static ch_status keep_udf(cn_decode *d, ch_python_udf *udf, bool deterministic, ch_error *err)
{
    const char *name;
    CH_TRY(cn_copy_text(d, udf->version, &udf->version, err));
    CH_TRY(cn_copy_text(d, udf->name, &name, err));
    udf->command.text = ch_arena_strn(d->arena, udf->command.text, (size_t)udf->command.len, err);
    if (!udf->command.text)
        return CH_E_MEMORY;
    ch_python_udf_name(udf, name, deterministic);
    return CH_OK;
}

static ch_status decode_udf(cn_decode *d, const function *f, const ch_python_udf **out,
                            ch_error *err)
{
    ch_python_udf *udf;
    if (!f)
        CH_FAIL(err, CONNECT_INVALID_PLAN, "reason", "a function is missing");
    CH_ARENA_NEW(udf, d->arena, err);
    *out = udf;
    CH_TRY(read_udf(f, udf, err));
    return keep_udf(d, udf, is_deterministic(f), err);
}

ch_status cn_decode_python_call(cn_decode *d, const function *m, ch_expr **out, ch_error *err)
{
    ch_expr_unresolved_function *f = ch_expr_new(d->arena, CH_EXPR_UNRESOLVED_FUNCTION, err);
    if (!f)
        return CH_E_MEMORY;
    CH_TRY(decode_udf(d, m, &f->python, err));
    f->name = f->python->name;
    f->is_distinct = m->is_distinct;
    *out = &f->head;
    return cn_decode_exprs(d, m->arguments, m->n_arguments, &f->args, err);
}

ch_status cn_register_function(cn_session *session, const function *m, ch_error *err)
{
    ch_python_udf udf;
    CH_TRY(read_udf(m, &udf, err));
    return ch_functions_put_python(session->session, &udf, is_deterministic(m), err);
}

ch_status cn_register_table_function(cn_session *session, const table_function *m, ch_error *err)
{
    ch_python_udf udf;
    CH_TRY(read_table(m, &udf, err));
    return ch_functions_put_python(session->session, &udf, m->deterministic, err);
}

/* ---- relations --------------------------------------------------------------------------- */

DECODER(map_partitions)
{
    ch_rel_map_partitions *r;
    CN_NODE(r, d, MAP_PARTITIONS, err);
    *out = &r->head;
    CH_TRY(cn_decode_relation(d, m->map_partitions->input, &r->input, err));
    r->is_barrier = m->map_partitions->is_barrier;
    return cn_decode_python_call(d, m->map_partitions->func, &r->function, err);
}

DECODER(group_map)
{
    const PB(GroupMap) *g = m->group_map;
    ch_rel_group_map *r;
    if (g->initial_input || g->n_initial_grouping_expressions || g->state_schema ||
        g->transform_with_state_info)
        CN_UNSUPPORTED(err, "A Python function over groups with state");
    CN_NODE(r, d, GROUP_MAP, err);
    *out = &r->head;
    CH_TRY(cn_decode_relation(d, g->input, &r->input, err));
    CH_TRY(
        cn_decode_exprs(d, g->grouping_expressions, g->n_grouping_expressions, &r->grouping, err));
    return cn_decode_python_call(d, g->func, &r->function, err);
}

DECODER(co_group_map)
{
    const PB(CoGroupMap) *g = m->co_group_map;
    ch_rel_co_group_map *r;
    CN_NODE(r, d, CO_GROUP_MAP, err);
    *out = &r->head;
    CH_TRY(cn_decode_relation(d, g->input, &r->input, err));
    CH_TRY(cn_decode_relation(d, g->other, &r->other, err));
    CH_TRY(cn_decode_exprs(d, g->input_grouping_expressions, g->n_input_grouping_expressions,
                           &r->input_grouping, err));
    CH_TRY(cn_decode_exprs(d, g->other_grouping_expressions, g->n_other_grouping_expressions,
                           &r->other_grouping, err));
    return cn_decode_python_call(d, g->func, &r->function, err);
}

DECODER(python_table)
{
    const table_function *f = m->common_inline_user_defined_table_function;
    ch_rel_unresolved_table_valued_function *r;
    ch_python_udf *udf;
    CN_NODE(r, d, UNRESOLVED_TABLE_VALUED_FUNCTION, err);
    *out = &r->head;
    CH_ARENA_NEW(udf, d->arena, err);
    CH_TRY(read_table(f, udf, err));
    CH_TRY(keep_udf(d, udf, f->deterministic, err));
    r->function_name = udf->name;
    r->python = udf;
    return cn_decode_exprs(d, f->arguments, f->n_arguments, &r->arguments, err);
}
