/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parquet_write_options.c - options of a write: Spark's, and those that parquet-mr's ParquetOutputFormat
 * takes. Each is looked for among the write's options; the session puts its settings there.
 */
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "format/parquet_write.h"
#include "format/parquet_write_leaf.h"

#define BLOOM_MOST_BYTES (1 << 20)

static const struct {
    const char *name, *extension;
    ch_pq_codec codec;
} CODEC[] = {
    {"snappy", ".snappy.parquet", CH_PQ_SNAPPY},
    {"none", ".parquet", CH_PQ_UNCOMPRESSED},
    {"uncompressed", ".parquet", CH_PQ_UNCOMPRESSED},
    {"gzip", ".gz.parquet", CH_PQ_GZIP},
    {"zstd", ".zstd.parquet", CH_PQ_ZSTD},
    {"lz4", ".lz4hadoop.parquet", CH_PQ_LZ4},
    {"lz4_raw", ".lz4raw.parquet", CH_PQ_LZ4_RAW},
    {"brotli", ".br.parquet", CH_PQ_BROTLI},
};
#define N_CODECS (sizeof CODEC / sizeof *CODEC)

static const struct {
    const char *name;
    int encoding;
} ENCODING[] = {{"plain", CH_PQ_PLAIN},
                {"delta_binary_packed", CH_PQ_DELTA_BINARY_PACKED},
                {"delta_length_byte_array", CH_PQ_DELTA_LENGTH_BYTE_ARRAY},
                {"delta_byte_array", CH_PQ_DELTA_BYTE_ARRAY},
                {"byte_stream_split", CH_PQ_BYTE_STREAM_SPLIT},
                {"rle", CH_PQ_RLE}};

static const char *text_of(const ch_strmap *options, const char *name)
{
    return ch_strmap_get(options, name);
}

static ch_status refuse(const char *name, const char *value, const char *expected, ch_error *err)
{
    CH_FAIL(err, INVALID_OPTION, "name", name, "value", value, "expected", expected);
}

static ch_status number(const ch_strmap *options, const char *name, int64_t least, int64_t fallback,
                        int64_t *out, ch_error *err)
{
    const char *text = text_of(options, name);
    char *end;
    *out = fallback;
    if (!text)
        return CH_OK;
    *out = strtoll(text, &end, 10);
    return end == text || *end || *out < least ? refuse(name, text, "a positive number", err)
                                               : CH_OK;
}

static ch_status flag(const ch_strmap *options, const char *name, bool fallback, bool *out,
                      ch_error *err)
{
    const char *text = text_of(options, name);
    *out = text ? strcasecmp(text, "true") == 0 : fallback;
    return text && !*out && strcasecmp(text, "false") != 0
               ? refuse(name, text, "true or false", err)
               : CH_OK;
}

static ch_status find_codec(const ch_strmap *options, size_t *out, ch_error *err)
{
    const char *name = text_of(options, "compression");
    if (!name)
        name = text_of(options, "parquet.compression");
    if (!name)
        name = text_of(options, "spark.sql.parquet.compression.codec");
    if (!name)
        name = "snappy";
    for (*out = 0; *out < N_CODECS; ++*out)
        if (strcasecmp(CODEC[*out].name, name) == 0)
            return CH_OK;
    CH_FAIL(err, CODEC_NOT_AVAILABLE, "codecName", name, "availableCodecs",
            "brotli, uncompressed, snappy, lz4_raw, none, zstd, lz4, gzip");
}

ch_status ch_pqw_extension(const ch_strmap *options, const char **out, ch_error *err)
{
    size_t codec;
    *out = "";
    CH_TRY(find_codec(options, &codec, err));
    *out = CODEC[codec].extension;
    return CH_OK;
}

static ch_status read_level(ch_pqw_writing *w, ch_error *err)
{
    int64_t level = -1;
    if (w->codec == CH_PQ_ZSTD)
        CH_TRY(number(w->options, "parquet.compression.codec.zstd.level", 1, -1, &level, err));
    if (w->codec == CH_PQ_GZIP)
        CH_TRY(number(w->options, "zlib.compress.level", 1, -1, &level, err));
    if (w->codec == CH_PQ_BROTLI)
        CH_TRY(number(w->options, "compression.brotli.quality", 0, -1, &level, err));
    w->level = (int)level;
    return CH_OK;
}

ch_status ch_pqw_writing_read(const ch_strmap *options, ch_pqw_writing *w, ch_error *err)
{
    size_t codec;
    int64_t bound;
    *w = (ch_pqw_writing){.options = options};
    CH_TRY(find_codec(options, &codec, err));
    w->codec = CODEC[codec].codec;
    CH_TRY(read_level(w, err));
    const char *version = text_of(options, "parquet.writer.version");
    if (version)
        w->v2 = strcasecmp(version, "v2") == 0 || strcasecmp(version, "PARQUET_2_0") == 0;
    if (version && !w->v2 && strcasecmp(version, "v1") != 0 &&
        strcasecmp(version, "PARQUET_1_0") != 0)
        return refuse("parquet.writer.version", version, "v1 or v2", err);
    const char *timestamps = text_of(options, "spark.sql.parquet.outputTimestampType");
    if (timestamps && strcasecmp(timestamps, "TIMESTAMP_MICROS") == 0)
        w->schema.timestamps = CH_PQ_TIMESTAMPS_MICROS;
    else if (timestamps && strcasecmp(timestamps, "TIMESTAMP_MILLIS") == 0)
        w->schema.timestamps = CH_PQ_TIMESTAMPS_MILLIS;
    else if (timestamps && strcasecmp(timestamps, "INT96") != 0)
        return refuse("spark.sql.parquet.outputTimestampType", timestamps,
                      "INT96, TIMESTAMP_MICROS or TIMESTAMP_MILLIS", err);
    CH_TRY(flag(options, "spark.sql.parquet.writeLegacyFormat", false, &w->schema.legacy, err));
    CH_TRY(
        flag(options, "spark.sql.parquet.fieldId.write.enabled", true, &w->schema.field_ids, err));
    CH_TRY(flag(options, "parquet.page.write-checksum.enabled", true, &w->crc, err));
    CH_TRY(flag(options, "parquet.column.statistics.enabled", true, &w->statistics, err));
    CH_TRY(number(options, "parquet.block.size", 1, 128 << 20, &w->block_bytes, err));
    CH_TRY(number(options, "parquet.block.row.count.limit", 1, 1 << 20, &w->block_rows, err));
    CH_TRY(number(options, "parquet.page.size", 1, 1 << 20, &w->page_bytes, err));
    CH_TRY(number(options, "parquet.page.row.count.limit", 1, 20000, &w->page_rows, err));
    CH_TRY(number(options, "parquet.dictionary.page.size", 1, 1 << 20, &w->dictionary_bytes, err));
    CH_TRY(number(options, "parquet.columnindex.truncate.length", 1, 64, &bound, err));
    w->bound_bytes = bound > INT32_MAX ? INT32_MAX : (int32_t)bound;
    return CH_OK;
}

/* ---- one column --------------------------------------------------------------------------------- */

/* "name#path" if it is set, else "name". */
static const char *column_option(const ch_pqw_writing *w, const char *name, const char *path,
                                 char *key, size_t room)
{
    snprintf(key, room, "%s#%s", name, path);
    if (ch_strmap_has(w->options, key))
        return ch_strmap_get(w->options, key);
    snprintf(key, room, "%s", name);
    return ch_strmap_get(w->options, key);
}

static bool fits(int encoding, ch_pq_type type)
{
    switch (encoding) {
    case CH_PQ_DELTA_BINARY_PACKED:
        return type == CH_PQ_INT32 || type == CH_PQ_INT64;
    case CH_PQ_DELTA_LENGTH_BYTE_ARRAY:
        return type == CH_PQ_BYTE_ARRAY;
    case CH_PQ_DELTA_BYTE_ARRAY:
        return type == CH_PQ_BYTE_ARRAY || type == CH_PQ_FIXED;
    case CH_PQ_BYTE_STREAM_SPLIT:
        return type != CH_PQ_BOOLEAN && type != CH_PQ_BYTE_ARRAY && type != CH_PQ_INT96;
    case CH_PQ_RLE:
        return type == CH_PQ_BOOLEAN;
    default:
        return true;
    }
}

/* What parquet-mr falls back to without a dictionary. */
static int usual_encoding(const ch_pqw_writing *w, ch_pq_type type, bool split)
{
    if (split && (type == CH_PQ_FLOAT || type == CH_PQ_DOUBLE))
        return CH_PQ_BYTE_STREAM_SPLIT;
    if (!w->v2)
        return CH_PQ_PLAIN;
    return type == CH_PQ_BOOLEAN                             ? CH_PQ_RLE
           : type == CH_PQ_INT32 || type == CH_PQ_INT64      ? CH_PQ_DELTA_BINARY_PACKED
           : type == CH_PQ_BYTE_ARRAY || type == CH_PQ_FIXED ? CH_PQ_DELTA_BYTE_ARRAY
                                                             : CH_PQ_PLAIN;
}

static ch_status column_number(const ch_pqw_writing *w, const char *name, const char *path,
                               double fallback, double *out, ch_error *err)
{
    char key[512], *end;
    const char *text = column_option(w, name, path, key, sizeof key);
    *out = fallback;
    if (!text)
        return CH_OK;
    *out = strtod(text, &end);
    return end == text || *end || !(*out > 0) ? refuse(key, text, "a positive number", err) : CH_OK;
}

static ch_status bloom(const ch_pqw_writing *w, const char *path, ch_pq_type type, int64_t *out,
                       ch_error *err)
{
    char key[512];
    double ndv, fpp, most;
    const char *on = column_option(w, "parquet.bloom.filter.enabled", path, key, sizeof key);
    *out = 0;
    if (!on || strcasecmp(on, "true") != 0 || type == CH_PQ_BOOLEAN)
        return CH_OK;
    CH_TRY(column_number(w, "parquet.bloom.filter.max.bytes", path, BLOOM_MOST_BYTES, &most, err));
    CH_TRY(column_number(w, "parquet.bloom.filter.fpp", path, 0.01, &fpp, err));
    CH_TRY(column_number(w, "parquet.bloom.filter.expected.ndv", path, -1, &ndv, err));
    most = most > BLOOM_MOST_BYTES * 128.0 ? BLOOM_MOST_BYTES * 128.0 : most < 32 ? 32 : most;
    *out = ch_pqw_bloom_bytes(ndv < 0 ? INT64_MAX / 1024 : (int64_t)ndv, fpp, (int64_t)most);
    return CH_OK;
}

ch_status ch_pqw_writing_column(const ch_pqw_writing *w, const char *path, ch_pq_type type,
                                bool *dictionary, int *encoding, int64_t *bloom_bytes,
                                ch_error *err)
{
    char key[512];
    const char *text = column_option(w, "parquet.enable.dictionary", path, key, sizeof key);
    *dictionary = type != CH_PQ_BOOLEAN && !(text && strcasecmp(text, "false") == 0);
    text = column_option(w, "parquet.enable.bytestreamsplit", path, key, sizeof key);
    *encoding = usual_encoding(w, type, text && strcasecmp(text, "true") == 0);
    text = column_option(w, "chert.parquet.encoding", path, key, sizeof key);
    for (size_t i = 0; text && i < sizeof ENCODING / sizeof *ENCODING; i++) {
        if (strcasecmp(text, ENCODING[i].name) != 0)
            continue;
        /* Asked for by name: of all columns, those that it fits. */
        if (fits(ENCODING[i].encoding, type)) {
            *encoding = ENCODING[i].encoding;
            *dictionary = false;
        }
        text = NULL;
    }
    if (text && strcasecmp(text, "dictionary") != 0)
        return refuse(key, text, "dictionary or an encoding of Parquet", err);
    return bloom(w, path, type, bloom_bytes, err);
}
