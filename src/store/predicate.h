/* SPDX-License-Identifier: Apache-2.0 */
/*
 * predicate.h - a filter simple enough to be pushed into a scan: column op constants.
 *
 * A scan gets a list of them, joined by AND. It may use each to skip whole files, row groups,
 * pages or rows, and must never drop a row that satisfies all; the filter above the scan
 * still runs, so a scan that ignores them is right too.
 */
#ifndef CH_STORE_PREDICATE_H
#define CH_STORE_PREDICATE_H

#include "type/scalar.h"

typedef enum ch_predicate_op {
    CH_PRED_EQ,
    CH_PRED_EQ_NULL_SAFE,
    CH_PRED_NE,
    CH_PRED_LT,
    CH_PRED_LE,
    CH_PRED_GT,
    CH_PRED_GE,
    CH_PRED_IN,
    CH_PRED_IS_NULL,
    CH_PRED_IS_NOT_NULL,
    CH_PRED_STARTS_WITH
} ch_predicate_op;

typedef struct ch_predicate {
    ch_predicate_op op;
    int32_t column;         /* position in the scan's full schema */
    int32_t n_values;       /* 0 for IS_NULL and IS_NOT_NULL, 1 for most, any for IN */
    const ch_scalar *value; /* of the column's own type, never NULL except for EQ_NULL_SAFE */
} ch_predicate;

#endif
