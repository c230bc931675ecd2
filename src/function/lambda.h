/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lambda.h - functions whose last arguments are lambda functions: what the variables stand for.
 *
 * The analyzer resolves the values first, asks for the variables' types, resolves the bodies, and binds
 * the call like any other: the type of a lambda function is that of its body. The evaluator runs them
 * (exec/eval_lambda.c).
 */
#ifndef CH_FUNCTION_LAMBDA_H
#define CH_FUNCTION_LAMBDA_H

#include "function/function.h"

enum { CH_LAMBDA_MOST_VARS = 3, CH_LAMBDA_MOST = 2 };

typedef struct ch_lambda_vars {
    int32_t n_least, n_most; /* variables that the lambda function may have */
    const ch_type *type[CH_LAMBDA_MOST_VARS];
    bool nullable[CH_LAMBDA_MOST_VARS];
} ch_lambda_vars;

/* Arguments before the first lambda function. */
int32_t ch_lambda_n_values(const ch_func *func);
/* Lambda functions that may follow. */
int32_t ch_lambda_n_functions(const ch_func *func);
/*
 * Variables of lambda function `which` (from 0), for values of these types.
 * False: the values are of types that the function does not take; binding says so.
 */
bool ch_lambda_variables(const ch_func *func, int32_t which, const ch_type *const *type,
                         const bool *nullable, ch_lambda_vars *out);

#endif
