/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sort_bound.h - what a top-N knows while it runs, for the scan below: values of its first key behind the N-th of the
 * rows seen so far are not among the first N.
 */
#ifndef CH_EXEC_SORT_BOUND_H
#define CH_EXEC_SORT_BOUND_H

#include "exec/exec.h"
#include "exec/rows.h"
#include "plan/node.h"

typedef struct ch_sort_bound {
    ch_runtime_filter filter;
    int32_t column; /* of the sort's input; -1: nothing is offered */
} ch_sort_bound;

/*
 * Offers the bound to the input, which is compiled next, where leaving rows out changes neither the result nor
 * whether there is an error.
 */
CH_NODISCARD ch_status ch_sort_bound_offer(ch_compiler *c, const ch_rel_sort *sort,
                                           ch_sort_bound *bound, ch_error *err);
/* Nothing is known any more. */
void ch_sort_bound_reset(ch_sort_bound *bound);
/* This is the N-th of some rows, of the layout of the input. Any thread. */
CH_NODISCARD ch_status ch_sort_bound_move(ch_sort_bound *bound, const ch_rowlayout *layout,
                                          uint8_t *row, ch_mem *mem, ch_error *err);

#endif
