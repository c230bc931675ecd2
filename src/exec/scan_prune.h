/* SPDX-License-Identifier: Apache-2.0 */
/* scan_prune.h - files that need not be opened, since what they all have in common passes no filter. */
#ifndef CH_EXEC_SCAN_PRUNE_H
#define CH_EXEC_SCAN_PRUNE_H

#include "exec/exec.h"
#include "store/runtime_filter.h"
#include "table/dataset.h"

/*
 * Evaluates the conditions that a scan was told over what is constant in each file: keys of folders,
 * hidden columns.
 *   keep  gives  per file, in exec->arena: may rows pass? NULL: nothing is known, all are kept
 * A condition that fails for a file says nothing about it.
 */
CH_NODISCARD ch_status ch_scan_prune(ch_exec *exec, const ch_rel_scan *rel, ch_mem *mem,
                                     bool **keep, ch_error *err);
/* The same by a join's filter over the output column, which is constant in each file: keep is narrowed. */
CH_NODISCARD ch_status ch_scan_prune_by(ch_exec *exec, const ch_rel_scan *rel, int32_t column,
                                        ch_runtime_filter *filter, ch_mem *mem, bool **keep,
                                        ch_error *err);

#endif
