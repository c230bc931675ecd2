/* SPDX-License-Identifier: Apache-2.0 */
/* eval.h - the inside of an evaluator, shared by eval.c and eval_lambda.c and by nobody else. */
#ifndef CH_EXEC_EVAL_H
#define CH_EXEC_EVAL_H

#include "exec/exec.h"

typedef enum ch_eval_kind {
    NODE_COLUMN,
    NODE_LITERAL,
    NODE_CAST,
    NODE_CALL,
    NODE_LAMBDA, /* a call with lambda functions */
    NODE_FIELD,
    NODE_AND,
    NODE_OR,
    NODE_CHOOSE,  /* arg: condition, value, condition, value, ..., [else value] */
    NODE_COALESCE /* first value that is not NULL */
} ch_eval_kind;

typedef struct ch_eval_node ch_eval_node;

/* A body over a batch of its own: what it uses of the columns around it, then its variables. */
typedef struct ch_eval_lambda {
    ch_eval_node *body;
    int32_t n_captured, n_vars;
    int32_t *captured; /* positions in the batch around it */
} ch_eval_lambda;

struct ch_eval_node {
    ch_eval_kind kind;
    const ch_type *type;
    bool may_fail; /* it or something below */
    int32_t n_args;
    ch_eval_node **arg;
    int32_t ordinal;        /* COLUMN: position in the batch; FIELD: of the struct */
    const ch_scalar *value; /* LITERAL */
    ch_column **cached;     /* LITERAL: per slot, the last CONST column */
    ch_cast_mode mode;      /* CAST */
    const ch_expr *source;  /* CAST, CALL: for the place of an error */
    const ch_expr_call *call;
    void **state; /* CALL: per slot; NULL where the function has none */
    bool *opened;
    ch_column **arg_buffer; /* CALL: per slot, n_args columns */
    ch_eval_lambda *lambda; /* LAMBDA: behind the arguments */
};

struct ch_evaluator {
    ch_exec *exec;
    ch_eval_node **root;
    int32_t n;
    /* every node, for close */
    ch_eval_node **all;
    int32_t n_all, cap_all;
};

typedef struct ch_eval_run {
    ch_evaluator *ev;
    int slot;
    ch_mem *mem;
} ch_eval_run;

/* The expression over columns `input`; the node is in exec->arena. */
CH_NODISCARD ch_status ch_eval_compile(ch_evaluator *ev, const ch_expr *expr,
                                       const ch_attr_list *input, ch_eval_node **out,
                                       ch_error *err);
/* The node's value for batch->n rows, any encoding; gives. */
CH_NODISCARD ch_status ch_eval_node_run(const ch_eval_run *r, ch_eval_node *n, ch_batch *batch,
                                        ch_column **out, ch_error *err);

/* Calls with lambda functions (eval_lambda.c). */
CH_NODISCARD ch_status ch_lambda_compile(ch_evaluator *ev, const ch_expr_call *call,
                                         const ch_attr_list *input, ch_eval_node *n, ch_error *err);
CH_NODISCARD ch_status ch_lambda_run(const ch_eval_run *r, ch_eval_node *n, ch_batch *batch,
                                     ch_column **out, ch_error *err);

#endif
