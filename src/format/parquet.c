/* SPDX-License-Identifier: Apache-2.0 */
/* parquet.c - Parquet as a format. */
#include "format/parquet_scan.h"
#include "format/parquet_write.h"

static const ch_option OPTIONS[] = {
    {"mergeSchema", CH_OPT_BOOL, "false", "true or false",
     "The schema is that of all files put together, not of one.", "spark.sql.parquet.mergeSchema"},
    {"binaryAsString", CH_OPT_BOOL, "false", "true or false",
     "Binary columns without a meaning are text.", "spark.sql.parquet.binaryAsString"},
    {"int96AsTimestamp", CH_OPT_BOOL, "true", "true or false",
     "INT96 values are timestamps; nothing else can be made of them.",
     "spark.sql.parquet.int96AsTimestamp"},
    {"inferTimestampNTZ", CH_OPT_BOOL, "true", "true or false",
     "Timestamps that are not in UTC are TIMESTAMP_NTZ.",
     "spark.sql.parquet.inferTimestampNTZ.enabled"},
    {"nanosAsLong", CH_OPT_BOOL, "false", "true or false",
     "Timestamps in nanoseconds are BIGINT; else they are cut to microseconds.",
     "spark.sql.legacy.parquet.nanosAsLong"},
    {"fieldIdRead", CH_OPT_BOOL, "false", "true or false",
     "Columns of a schema with field ids are found by them.",
     "spark.sql.parquet.fieldId.read.enabled"},
    {"datetimeRebaseMode", CH_OPT_ENUM, "CORRECTED", "CORRECTED|LEGACY|EXCEPTION",
     "LEGACY and EXCEPTION refuse dates of the calendar before 1582.",
     "spark.sql.parquet.datetimeRebaseModeInRead"},
    {"int96RebaseMode", CH_OPT_ENUM, "CORRECTED", "CORRECTED|LEGACY|EXCEPTION",
     "The same for INT96 timestamps.", "spark.sql.parquet.int96RebaseModeInRead"},
    {"compression", CH_OPT_STRING, NULL,
     "none, uncompressed, snappy, gzip, zstd, lz4, lz4_raw, brotli", "Codec of written files."},
    {NULL, CH_OPT_STRING, NULL, NULL, NULL},
};

ch_status ch_pq_options_read(const ch_format_context *ctx, const ch_strmap *options,
                             ch_pq_read_options *out, ch_error *err)
{
    const char *dates;
    *out = (ch_pq_read_options){.case_sensitive = ctx->case_sensitive};
    ch_pq_schema_options *s = &out->schema;
    CH_TRY(ch_option_bool(OPTIONS, options, "mergeSchema", &out->merge_schema, err));
    CH_TRY(ch_option_bool(OPTIONS, options, "binaryAsString", &s->binary_as_string, err));
    CH_TRY(ch_option_bool(OPTIONS, options, "inferTimestampNTZ", &s->infer_ntz, err));
    CH_TRY(ch_option_bool(OPTIONS, options, "nanosAsLong", &s->nanos_as_long, err));
    CH_TRY(ch_option_bool(OPTIONS, options, "fieldIdRead", &out->by_field_id, err));
    CH_TRY(ch_option_text(OPTIONS, options, "datetimeRebaseMode", &dates, err));
    out->legacy_dates = (dates[0] | 0x20) != 'c';
    CH_TRY(ch_option_text(OPTIONS, options, "int96RebaseMode", &dates, err));
    out->legacy_dates |= (dates[0] | 0x20) != 'c';
    return CH_OK;
}

const ch_format ch_format_parquet = {
    .name = "parquet",
    .extension = "", /* stands behind the codec's */
    .options = OPTIONS,
    .infer = ch_pq_infer,
    .scan = ch_pq_scan_open,
    .statistics = ch_pq_statistics,
    .create = ch_pqw_create,
    .write = ch_pqw_write,
    .finish = ch_pqw_finish,
    .abandon = ch_pqw_abandon,
    .codec_extension = ch_pqw_extension,
};
