/* SPDX-License-Identifier: Apache-2.0 */
/* few_sort.h - rows by the keys of a join, as long as they are few: what Spark's sort merge join leaves behind. */
#ifndef CH_EXEC_FEW_SORT_H
#define CH_EXEC_FEW_SORT_H

#include "exec/exec.h"

/*
 * An operator before `next` that sorts rows by coalesce(left[k], right[k]), NULL first, equal ones as they came. Once
 * more than some thousand rows have come they pass as they are.
 *   left, right  borrow  as many expressions over `input`
 */
CH_NODISCARD ch_status ch_few_sort_new(ch_exec *exec, const ch_expr_list *left,
                                       const ch_expr_list *right, const ch_attr_list *input,
                                       ch_op *next, ch_op **out, ch_error *err);

#endif
