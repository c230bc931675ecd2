/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime_filter.h - which values of a column can still matter: a set of values that becomes known while
 * a query runs, such as a join's build keys, and is then asked by the scans of the other side; or a bound that
 * comes closer while it runs, such as the N-th of the rows that a top-N has seen.
 *
 *   range    [min, max] of integers, decimals to 18 digits, dates and times
 *   exact    one bit per value from min on, where the values lie close together
 *   bloom    else one 64-bit word per some values, four bits of it on per value, found by the kernel's hash
 *
 * A value of the set is always let through, another one seldom, NULL never (but see with_null). So a scan may skip
 * a file, row group or page by ch_runtime_filter_excludes(), and rows by ch_runtime_filter_test().
 *
 *   init ─▶ widen* ─▶ prepare ─▶ add* ─▶ ready ─▶ excludes*, test*, useful* ─▶ release
 *   init ─▶ bound ─▶ (move | excludes | test | useful)* ─▶ release
 *
 * Threads: widen by one thread per range, add, move and everything after ready by any.
 * Lang et al., Performance-optimal filtering: Bloom overtakes cuckoo at high throughput (2019).
 */
#ifndef CH_STORE_RUNTIME_FILTER_H
#define CH_STORE_RUNTIME_FILTER_H

#include "column/column.h"

/* The values seen so far lie within; min > max: none yet. */
typedef struct ch_value_range {
    int64_t min, max;
} ch_value_range;
#define CH_VALUE_RANGE_EMPTY \
    (ch_value_range)         \
    {                        \
        INT64_MAX, INT64_MIN \
    }

typedef enum ch_bound_side { CH_BOUND_NONE, CH_BOUND_AT_MOST, CH_BOUND_AT_LEAST } ch_bound_side;

typedef struct ch_runtime_filter {
    const ch_type *type;
    ch_mem *mem;                     /* borrowed: pays for the sets */
    bool wanted;                     /* somebody will ask: it is worth making */
    _Atomic bool ready;              /* false: nothing is known, every value may matter */
    bool empty;                      /* no value matters */
    bool has_range;                  /* range is known, and values outside do not matter */
    ch_value_range range;            /* as ch_scalar.v.i64 */
    _Atomic uint64_t *exact, *bloom; /* one of them, or none */
    int64_t n_words;                 /* of that one */
    ch_bound_side side;              /* of a moving bound: no set and no range then */
    bool with_null;                  /* a bound's: NULLs matter */
    _Atomic int64_t bound;           /* as ch_scalar.v.i64; values beyond it do not matter */
    _Atomic int64_t asked, kept;     /* rows, by ch_runtime_filter_test */
} ch_runtime_filter;

/* Can values of the type be asked for at all? All but nested types and NULL. */
bool ch_runtime_filter_fits(const ch_type *type);
/* Can the type have a range or a bound? */
bool ch_runtime_filter_has_order(const ch_type *type);

void ch_runtime_filter_init(ch_runtime_filter *f, const ch_type *type, ch_mem *mem);
/* Frees the sets; nothing is known afterwards. */
void ch_runtime_filter_release(ch_runtime_filter *f);

/* range = the smallest that holds also the column's values (any encoding); does nothing for other types. */
void ch_value_range_widen(ch_value_range *range, const ch_column *column);

/*
 * About n_values will be added, all inside range (empty for types without one). Sets take at most max_bytes,
 * and none is kept where that is too little: then the range alone decides.
 */
void ch_runtime_filter_prepare(ch_runtime_filter *f, ch_value_range range, int64_t n_values,
                               int64_t max_bytes);
/* Column of f->type, any encoding; NULLs are left out. Errors CH_E_MEMORY. */
CH_NODISCARD ch_status ch_runtime_filter_add(ch_runtime_filter *f, ch_column *column,
                                             ch_error *err);

/* From now on a bound, of which nothing is known yet. For types with an order. */
void ch_runtime_filter_bound(ch_runtime_filter *f, ch_bound_side side, bool with_null);
/* Values beyond this one do not matter either; a bound never moves back. */
void ch_runtime_filter_move(ch_runtime_filter *f, int64_t bound);

/* Is no value in [min, max] wanted? min and max are bounds of f->type, not NULL. */
bool ch_runtime_filter_excludes(const ch_runtime_filter *f, const ch_scalar *min,
                                const ch_scalar *max);
/*
 * keep[i] &= row i may matter, for column->rows rows of f->type in any encoding.
 * A dictionary that is shorter than the column is asked once per entry.
 * mem pays for scratch. Cost about 2 ns per row. Errors CH_E_MEMORY.
 */
CH_NODISCARD ch_status ch_runtime_filter_test(ch_runtime_filter *f, ch_column *column,
                                              uint64_t *keep, ch_mem *mem, ch_error *err);
/* Is it worth asking? Not before it is ready, and no more once it let most rows through. */
bool ch_runtime_filter_useful(const ch_runtime_filter *f);

/*
 * Of v[0..63], one bit each: those in [min, min + span] whose bit v - min is set in `bits`, 32-bit words in
 * the machine's order. span < 2^31; i32: min is an int32_t.
 */
uint64_t ch_filter_exact_i32_avx2(const void *bits, int64_t min, uint32_t span, const int32_t *v);
uint64_t ch_filter_exact_i64_avx2(const void *bits, int64_t min, uint32_t span, const int64_t *v);

#endif
