/* SPDX-License-Identifier: Apache-2.0 */
/* pickle_object.h - an unpickled object: plain values, containers, and calls that nobody makes. */
#ifndef CH_PYTHON_PICKLE_OBJECT_H
#define CH_PYTHON_PICKLE_OBJECT_H

#include "base/arena.h"
#include "column/column.h"

typedef enum ch_object_kind {
    CH_OBJECT_NONE,
    CH_OBJECT_BOOL, /* i64 */
    CH_OBJECT_INT,
    CH_OBJECT_BIG, /* text: an int of more than 64 bits, little-endian */
    CH_OBJECT_FLOAT,
    CH_OBJECT_TEXT,
    CH_OBJECT_BYTES,
    CH_OBJECT_LIST, /* also sets */
    CH_OBJECT_TUPLE,
    CH_OBJECT_DICT,   /* key, value, key, value */
    CH_OBJECT_GLOBAL, /* text: "decimal.Decimal" */
    CH_OBJECT_CALL    /* text: what is called; items: with what */
} ch_object_kind;

typedef struct ch_object ch_object;
struct ch_object {
    ch_object_kind kind;
    bool is_set;
    union {
        int64_t i64;
        double f64;
        ch_str text; /* borrowed from the pickle, or in its arena */
    };
    ch_object **item;
    size_t n, cap;
};

/* bytes are borrowed by what comes out, and so is arena. Errors CH_E_PYTHON_RESULT. */
CH_NODISCARD ch_status ch_unpickle(const char *bytes, size_t len, ch_arena *arena, ch_object **out,
                                   ch_error *err);

#endif
