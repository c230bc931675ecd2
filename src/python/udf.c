/* SPDX-License-Identifier: Apache-2.0 */
/* udf.c - the head of a function in Python, for those who look at calls only. */
#include "python/udf.h"

#include <string.h>

/* A call that is left in an expression stands where no worker can be asked. */
static ch_status no_kernel(const ch_call *call, ch_column **out, ch_error *err)
{
    CH_UNUSED(call);
    CH_UNUSED(out);
    CH_FAIL(err, UNSUPPORTED, "feature", "A Python function here");
}

void ch_python_udf_name(ch_python_udf *udf, const char *name, bool deterministic)
{
    udf->name = name;
    udf->func = (ch_func){
        .name = "python function",
        .eval = no_kernel,
        .flags = CH_FUNC_PYTHON | CH_FUNC_MAKES_NULL | CH_FUNC_MAY_FAIL | CH_FUNC_INTERNAL |
                 (deterministic ? 0 : CH_FUNC_NONDETERMINISTIC) |
                 (ch_python_is_aggregate(udf->eval_type) ? CH_FUNC_AGGREGATE : 0),
    };
}

bool ch_python_same(const ch_func *a, const ch_func *b)
{
    const ch_python_udf *x = (const ch_python_udf *)(const void *)a;
    const ch_python_udf *y = (const ch_python_udf *)(const void *)b;
    if (a == b || !a || !b || !(a->flags & CH_FUNC_PYTHON) || a->flags != b->flags)
        return a == b;
    return x->eval_type == y->eval_type && x->type == y->type && strcmp(x->name, y->name) == 0 &&
           strcmp(x->version, y->version) == 0 && x->command.len == y->command.len &&
           memcmp(x->command.text, y->command.text, (size_t)x->command.len) == 0;
}
