/* SPDX-License-Identifier: Apache-2.0 */
/* pipeline.h - what pipeline.c and compile.c share: the parts of a compiled query. */
#ifndef CH_EXEC_PIPELINE_H
#define CH_EXEC_PIPELINE_H

#include "exec/exec.h"

struct ch_pipeline {
    int32_t number;
    ch_op *source; /* begin, next */
    ch_op *first;  /* takes its batches */
};

struct ch_physical {
    ch_exec *exec;
    ch_op *sink;
    ch_op *ops; /* all operators, newest first */
    ch_pipeline **pipeline;
    int32_t n_pipelines, cap_pipelines;
    _Atomic int32_t current; /* the running pipeline */
};

/* The physical query closes op in the end. */
void ch_physical_add_op(ch_physical *physical, ch_op *op);

#endif
