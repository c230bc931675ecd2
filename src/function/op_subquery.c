/* SPDX-License-Identifier: Apache-2.0 */
/* op_subquery.c - what the optimizer needs to make joins of subqueries. */
#include "function/support.h"

static ch_status bind_only_row(ch_bind *bind, ch_error *err)
{
    CH_UNUSED(err);
    bind->result = bind->arg_type[0];
    bind->nullable = true;
    return CH_OK;
}

/* __only_row(value, n): the value of a scalar subquery that gave n rows. */
static ch_status eval_only_row(const ch_call *call, ch_column **out, ch_error *err)
{
    const int64_t *n = call->arg[1]->data;
    for (int64_t i = 0; i < call->rows; i++)
        if (n[i] > 1 && !ch_column_is_null(call->arg[1], i))
            CH_FAIL(err, SCALAR_SUBQUERY_TOO_MANY_ROWS);
    ch_column_unref(*out);
    *out = ch_column_ref(call->arg[0]);
    return CH_OK;
}

const ch_func ch_func_op_subquery[] = {
    {.name = "__only_row",
     .bind = bind_only_row,
     .eval = eval_only_row,
     .flags = CH_FUNC_MAKES_NULL | CH_FUNC_MAY_FAIL | CH_FUNC_INTERNAL,
     .doc = "The value of a scalar subquery, or an error if it gave more than one row.",
     .since = "0.1"},
    CH_FUNC_END,
};
