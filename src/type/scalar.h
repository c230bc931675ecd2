/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scalar.h - one value: a literal, an option, a bound of a pushed filter.
 *
 * A plain struct, freely copied. Text and nested items are borrowed: whoever
 * makes a scalar says where they live (literals: the plan's arena).
 */
#ifndef CH_TYPE_SCALAR_H
#define CH_TYPE_SCALAR_H

#include "type/type.h"

typedef struct ch_scalar ch_scalar;
struct ch_scalar {
    const ch_type *type;
    bool is_null;
    union {
        bool boolean;
        int64_t i64;  /* all integers, DATE, TIME, TIMESTAMP*, both intervals, narrow
                    DECIMAL */
        ch_i128 i128; /* wide DECIMAL: unscaled value */
        double f64;   /* FLOAT (exactly representable) and DOUBLE */
        ch_interval interval;
        struct {
            const char *text; /* not NUL-terminated */
            int64_t len;      /* bytes */
        } str;
        struct {
            const ch_scalar *item; /* elements; struct fields; key, value, key, value ... */
            int64_t n;
        } list;
    } v;
};

#endif
