/* SPDX-License-Identifier: Apache-2.0 */
/* csv.h - the CSV reader, with the sizes that ch_format's scan chooses by itself. */
#ifndef CH_FORMAT_CSV_H
#define CH_FORMAT_CSV_H

#include "format/format.h"

/* 0: as the reader thinks best. Tests use tiny sizes, so that every place of a file is cut once. */
typedef struct ch_csv_sizes {
    int64_t morsel_bytes; /* of a file, per begin() */
    int64_t chunk_bytes;  /* read at once; grows for longer records */
    int64_t window_bytes; /* indexed at once */
    bool ragged;          /* records with other numbers of fields are as good as any */
    bool one_by_one;      /* every record through the tokenizer: the oracle of the index */
} ch_csv_sizes;

/* As ch_format.scan. */
CH_NODISCARD ch_status ch_csv_scan_open(const ch_format_context *ctx, const ch_scan_spec *spec,
                                        const ch_csv_sizes *sizes, ch_scan **out, ch_error *err);
/* As ch_format.infer. */
CH_NODISCARD ch_status ch_csv_infer(const ch_format_context *ctx, const ch_scan_spec *spec,
                                    const ch_type **schema, ch_error *err);

#endif
