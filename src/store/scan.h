/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scan.h - a source of batches that cuts itself into morsels: what a file format, a table
 * format or an outside system gives to the pipelines.
 *
 * Legal calls, per slot (slots run on different threads at once):
 *
 *   narrow*                before the first begin, on one thread
 *   begin(slot) -> true    claims the slot's next morsel; false: none left, for any slot
 *   next(slot, &batch)*    batches of that morsel until batch.n_full is 0
 *   ... begin again ...
 *   close                  once, when no slot is inside a call
 *
 * Each batch carries seq = morsel number << 32 | its number within the morsel, with morsels
 * numbered in the order of the input, so that order can be restored.
 */
#ifndef CH_STORE_SCAN_H
#define CH_STORE_SCAN_H

#include "column/batch.h"
#include "store/predicate.h"
#include "store/runtime_filter.h"

typedef struct ch_scan ch_scan;

/* Totals so far; read at any time from any thread. */
typedef struct ch_scan_progress {
    int64_t bytes_done, bytes_total; /* of input, as stored; total 0 = unknown */
    int64_t rows;                    /* given out */
    int64_t n_malformed;             /* records that broke the format's rules */
} ch_scan_progress;

typedef struct ch_scan_class {
    const char *name;
    CH_NODISCARD ch_status (*begin)(ch_scan *scan, int slot, bool *more, ch_error *err);
    /* *out is uninitialised; on CH_OK the caller owns it (also when it is empty, n_full 0). */
    CH_NODISCARD ch_status (*next)(ch_scan *scan, int slot, ch_batch *out, ch_error *err);
    /*
     * Optional: only rows that pass the filter on column `at` of those wanted matter; the scan may skip others,
     * files and row groups above all. filter is borrowed until close. *all says that every row given from
     * now on passes or was asked, so that the caller need not ask again.
     */
    CH_NODISCARD ch_status (*narrow)(ch_scan *scan, int32_t at, ch_runtime_filter *filter,
                                     bool *all, ch_error *err);
    void (*progress)(const ch_scan *scan, ch_scan_progress *out);
    void (*close)(ch_scan *scan); /* frees the scan */
} ch_scan_class;

/* The head of every scan; a scan's own struct begins with it. */
struct ch_scan {
    const ch_scan_class *cls;
    int64_t n_morsels; /* how many there will be about; 1 lets the pipeline stay on one thread */
    /* Set by the pipeline when enough rows were seen: begin() should answer false soon. */
    _Atomic bool stop;
};

#endif
