/* SPDX-License-Identifier: Apache-2.0 */
/* parquet_meta.c - where the fields of Parquet's Thrift structs lie in ours. */
#include "format/parquet_meta.h"

#define STRUCT(NAME, TYPE, FIELDS)                                                                 \
    {                                                                                              \
        .name = NAME, .size = sizeof(TYPE), .n_fields = (int32_t)(sizeof FIELDS / sizeof *FIELDS), \
        .field = FIELDS                                                                            \
    }

/* ---- schema -------------------------------------------------------------------------------- */

static const ch_thrift_field UNIT_FIELDS[] = {
    CH_TH_FLAG(CH_PQ_UNIT_MILLIS), CH_TH_FLAG(CH_PQ_UNIT_MICROS), CH_TH_FLAG(CH_PQ_UNIT_NANOS)};
static const ch_thrift_struct UNIT = STRUCT("TimeUnit", ch_pq_time_unit, UNIT_FIELDS);

static const ch_thrift_field L_DECIMAL_FIELDS[] = {
    CH_TH_REQ(ch_pq_logical_decimal, 1, I32, scale),
    CH_TH_REQ(ch_pq_logical_decimal, 2, I32, precision)};
static const ch_thrift_struct L_DECIMAL =
    STRUCT("DecimalType", ch_pq_logical_decimal, L_DECIMAL_FIELDS);

static const ch_thrift_field L_TIME_FIELDS[] = {
    CH_TH_REQ(ch_pq_logical_time, 1, BOOL, is_adjusted_to_utc),
    CH_TH_SUB(ch_pq_logical_time, 2, unit, &UNIT)};
static const ch_thrift_struct L_TIME = STRUCT("TimeType", ch_pq_logical_time, L_TIME_FIELDS);

static const ch_thrift_field L_INTEGER_FIELDS[] = {
    CH_TH_REQ(ch_pq_logical_integer, 1, I8, bit_width),
    CH_TH_REQ(ch_pq_logical_integer, 2, BOOL, is_signed)};
static const ch_thrift_struct L_INTEGER =
    STRUCT("IntType", ch_pq_logical_integer, L_INTEGER_FIELDS);

static const ch_thrift_field L_VARIANT_FIELDS[] = {
    CH_TH(ch_pq_logical_variant, 1, I8, specification_version)};
static const ch_thrift_struct L_VARIANT =
    STRUCT("VariantType", ch_pq_logical_variant, L_VARIANT_FIELDS);

static const ch_thrift_field LOGICAL_FIELDS[] = {
    CH_TH_FLAG(CH_PQ_L_STRING),
    CH_TH_FLAG(CH_PQ_L_MAP),
    CH_TH_FLAG(CH_PQ_L_LIST),
    CH_TH_FLAG(CH_PQ_L_ENUM),
    CH_TH_SUB(ch_pq_logical, CH_PQ_L_DECIMAL, decimal, &L_DECIMAL),
    CH_TH_FLAG(CH_PQ_L_DATE),
    CH_TH_SUB(ch_pq_logical, CH_PQ_L_TIME, time, &L_TIME),
    CH_TH_SUB(ch_pq_logical, CH_PQ_L_TIMESTAMP, timestamp, &L_TIME),
    CH_TH_SUB(ch_pq_logical, CH_PQ_L_INTEGER, integer, &L_INTEGER),
    CH_TH_FLAG(CH_PQ_L_UNKNOWN),
    CH_TH_FLAG(CH_PQ_L_JSON),
    CH_TH_FLAG(CH_PQ_L_BSON),
    CH_TH_FLAG(CH_PQ_L_UUID),
    CH_TH_FLAG(CH_PQ_L_FLOAT16),
    CH_TH_SUB(ch_pq_logical, CH_PQ_L_VARIANT, variant, &L_VARIANT),
    CH_TH_FLAG(CH_PQ_L_GEOMETRY),
    CH_TH_FLAG(CH_PQ_L_GEOGRAPHY),
};
static const ch_thrift_struct LOGICAL = STRUCT("LogicalType", ch_pq_logical, LOGICAL_FIELDS);

static const ch_thrift_field ELEMENT_FIELDS[] = {
    CH_TH(ch_pq_element, 1, I32, type),         CH_TH(ch_pq_element, 2, I32, type_length),
    CH_TH(ch_pq_element, 3, I32, repetition),   CH_TH_REQ(ch_pq_element, 4, BYTES, name),
    CH_TH(ch_pq_element, 5, I32, num_children), CH_TH(ch_pq_element, 6, I32, converted),
    CH_TH(ch_pq_element, 7, I32, scale),        CH_TH(ch_pq_element, 8, I32, precision),
    CH_TH(ch_pq_element, 9, I32, field_id),     CH_TH_SUB(ch_pq_element, 10, logical, &LOGICAL),
};
static const ch_thrift_struct ELEMENT = STRUCT("SchemaElement", ch_pq_element, ELEMENT_FIELDS);

/* ---- the footer ---------------------------------------------------------------------------- */

static const ch_thrift_field STATS_FIELDS[] = {
    CH_TH(ch_pq_stats, 1, BYTES, max),         CH_TH(ch_pq_stats, 2, BYTES, min),
    CH_TH(ch_pq_stats, 3, I64, null_count),    CH_TH(ch_pq_stats, 4, I64, distinct_count),
    CH_TH(ch_pq_stats, 5, BYTES, max_value),   CH_TH(ch_pq_stats, 6, BYTES, min_value),
    CH_TH(ch_pq_stats, 7, BOOL, is_max_exact), CH_TH(ch_pq_stats, 8, BOOL, is_min_exact),
};
static const ch_thrift_struct STATS = STRUCT("Statistics", ch_pq_stats, STATS_FIELDS);

static const ch_thrift_field KEY_VALUE_FIELDS[] = {CH_TH_REQ(ch_pq_key_value, 1, BYTES, key),
                                                   CH_TH(ch_pq_key_value, 2, BYTES, value)};
static const ch_thrift_struct KEY_VALUE = STRUCT("KeyValue", ch_pq_key_value, KEY_VALUE_FIELDS);

static const ch_thrift_field ENCODING_STATS_FIELDS[] = {
    CH_TH_REQ(ch_pq_encoding_stats, 1, I32, page_type),
    CH_TH_REQ(ch_pq_encoding_stats, 2, I32, encoding),
    CH_TH_REQ(ch_pq_encoding_stats, 3, I32, count)};
static const ch_thrift_struct ENCODING_STATS =
    STRUCT("PageEncodingStats", ch_pq_encoding_stats, ENCODING_STATS_FIELDS);

static const ch_thrift_field COLUMN_META_FIELDS[] = {
    CH_TH_REQ(ch_pq_column_meta, 1, I32, type),
    CH_TH_LIST(ch_pq_column_meta, 2, I32, encodings),
    CH_TH_LIST(ch_pq_column_meta, 3, BYTES, path),
    CH_TH_REQ(ch_pq_column_meta, 4, I32, codec),
    CH_TH_REQ(ch_pq_column_meta, 5, I64, num_values),
    CH_TH_REQ(ch_pq_column_meta, 6, I64, uncompressed_bytes),
    CH_TH_REQ(ch_pq_column_meta, 7, I64, compressed_bytes),
    CH_TH_SUBS(ch_pq_column_meta, 8, key_value, &KEY_VALUE),
    CH_TH_REQ(ch_pq_column_meta, 9, I64, data_page_offset),
    CH_TH(ch_pq_column_meta, 10, I64, index_page_offset),
    CH_TH(ch_pq_column_meta, 11, I64, dictionary_page_offset),
    CH_TH_SUB(ch_pq_column_meta, 12, stats, &STATS),
    CH_TH_SUBS(ch_pq_column_meta, 13, encoding_stats, &ENCODING_STATS),
    CH_TH(ch_pq_column_meta, 14, I64, bloom_filter_offset),
    CH_TH(ch_pq_column_meta, 15, I32, bloom_filter_length),
};
static const ch_thrift_struct COLUMN_META =
    STRUCT("ColumnMetaData", ch_pq_column_meta, COLUMN_META_FIELDS);

static const ch_thrift_field CHUNK_FIELDS[] = {
    CH_TH(ch_pq_chunk, 1, BYTES, file_path),
    CH_TH_REQ(ch_pq_chunk, 2, I64, file_offset),
    CH_TH_SUB(ch_pq_chunk, 3, meta, &COLUMN_META),
    CH_TH(ch_pq_chunk, 4, I64, offset_index_offset),
    CH_TH(ch_pq_chunk, 5, I32, offset_index_length),
    CH_TH(ch_pq_chunk, 6, I64, column_index_offset),
    CH_TH(ch_pq_chunk, 7, I32, column_index_length),
};
static const ch_thrift_struct CHUNK = STRUCT("ColumnChunk", ch_pq_chunk, CHUNK_FIELDS);

static const ch_thrift_field SORTING_FIELDS[] = {CH_TH_REQ(ch_pq_sorting, 1, I32, column),
                                                 CH_TH_REQ(ch_pq_sorting, 2, BOOL, descending),
                                                 CH_TH_REQ(ch_pq_sorting, 3, BOOL, nulls_first)};
static const ch_thrift_struct SORTING = STRUCT("SortingColumn", ch_pq_sorting, SORTING_FIELDS);

static const ch_thrift_field ROW_GROUP_FIELDS[] = {
    CH_TH_SUBS(ch_pq_row_group, 1, columns, &CHUNK),
    CH_TH_REQ(ch_pq_row_group, 2, I64, total_bytes),
    CH_TH_REQ(ch_pq_row_group, 3, I64, num_rows),
    CH_TH_SUBS(ch_pq_row_group, 4, sorting, &SORTING),
    CH_TH(ch_pq_row_group, 5, I64, file_offset),
    CH_TH(ch_pq_row_group, 6, I64, compressed_bytes),
    CH_TH(ch_pq_row_group, 7, I16, ordinal),
};
static const ch_thrift_struct ROW_GROUP = STRUCT("RowGroup", ch_pq_row_group, ROW_GROUP_FIELDS);

static const ch_thrift_field ORDER_FIELDS[] = {CH_TH_FLAG(CH_PQ_TYPE_ORDER)};
static const ch_thrift_struct ORDER = STRUCT("ColumnOrder", ch_pq_column_order, ORDER_FIELDS);

static const ch_thrift_field FILE_META_FIELDS[] = {
    CH_TH_REQ(ch_pq_file_meta, 1, I32, version),
    CH_TH_SUBS(ch_pq_file_meta, 2, schema, &ELEMENT),
    CH_TH_REQ(ch_pq_file_meta, 3, I64, num_rows),
    CH_TH_SUBS(ch_pq_file_meta, 4, row_groups, &ROW_GROUP),
    CH_TH_SUBS(ch_pq_file_meta, 5, key_value, &KEY_VALUE),
    CH_TH(ch_pq_file_meta, 6, BYTES, created_by),
    CH_TH_SUBS(ch_pq_file_meta, 7, column_orders, &ORDER),
};
const ch_thrift_struct ch_pq_file_meta_thrift =
    STRUCT("FileMetaData", ch_pq_file_meta, FILE_META_FIELDS);

/* ---- pages and indexes --------------------------------------------------------------------- */

static const ch_thrift_field DATA_PAGE_FIELDS[] = {
    CH_TH_REQ(ch_pq_data_page, 1, I32, num_values),
    CH_TH_REQ(ch_pq_data_page, 2, I32, encoding),
    CH_TH_REQ(ch_pq_data_page, 3, I32, def_encoding),
    CH_TH_REQ(ch_pq_data_page, 4, I32, rep_encoding),
    CH_TH_SUB(ch_pq_data_page, 5, stats, &STATS),
};
static const ch_thrift_struct DATA_PAGE =
    STRUCT("DataPageHeader", ch_pq_data_page, DATA_PAGE_FIELDS);

static const ch_thrift_field DICTIONARY_PAGE_FIELDS[] = {
    CH_TH_REQ(ch_pq_dictionary_page, 1, I32, num_values),
    CH_TH_REQ(ch_pq_dictionary_page, 2, I32, encoding),
    CH_TH(ch_pq_dictionary_page, 3, BOOL, is_sorted),
};
static const ch_thrift_struct DICTIONARY_PAGE =
    STRUCT("DictionaryPageHeader", ch_pq_dictionary_page, DICTIONARY_PAGE_FIELDS);

static const ch_thrift_field DATA_PAGE_V2_FIELDS[] = {
    CH_TH_REQ(ch_pq_data_page_v2, 1, I32, num_values),
    CH_TH_REQ(ch_pq_data_page_v2, 2, I32, num_nulls),
    CH_TH_REQ(ch_pq_data_page_v2, 3, I32, num_rows),
    CH_TH_REQ(ch_pq_data_page_v2, 4, I32, encoding),
    CH_TH_REQ(ch_pq_data_page_v2, 5, I32, def_bytes),
    CH_TH_REQ(ch_pq_data_page_v2, 6, I32, rep_bytes),
    CH_TH(ch_pq_data_page_v2, 7, BOOL, is_compressed),
    CH_TH_SUB(ch_pq_data_page_v2, 8, stats, &STATS),
};
static const ch_thrift_struct DATA_PAGE_V2 =
    STRUCT("DataPageHeaderV2", ch_pq_data_page_v2, DATA_PAGE_V2_FIELDS);

static const ch_thrift_field PAGE_HEADER_FIELDS[] = {
    CH_TH_REQ(ch_pq_page_header, 1, I32, type),
    CH_TH_REQ(ch_pq_page_header, 2, I32, uncompressed_size),
    CH_TH_REQ(ch_pq_page_header, 3, I32, compressed_size),
    CH_TH(ch_pq_page_header, 4, I32, crc),
    CH_TH_SUB(ch_pq_page_header, 5, data, &DATA_PAGE),
    CH_TH_SUB(ch_pq_page_header, 7, dictionary, &DICTIONARY_PAGE),
    CH_TH_SUB(ch_pq_page_header, 8, data_v2, &DATA_PAGE_V2),
};
const ch_thrift_struct ch_pq_page_header_thrift =
    STRUCT("PageHeader", ch_pq_page_header, PAGE_HEADER_FIELDS);

static const ch_thrift_field PAGE_LOCATION_FIELDS[] = {
    CH_TH_REQ(ch_pq_page_location, 1, I64, offset),
    CH_TH_REQ(ch_pq_page_location, 2, I32, compressed_size),
    CH_TH_REQ(ch_pq_page_location, 3, I64, first_row),
};
static const ch_thrift_struct PAGE_LOCATION =
    STRUCT("PageLocation", ch_pq_page_location, PAGE_LOCATION_FIELDS);

static const ch_thrift_field OFFSET_INDEX_FIELDS[] = {
    CH_TH_SUBS(ch_pq_offset_index, 1, locations, &PAGE_LOCATION)};
const ch_thrift_struct ch_pq_offset_index_thrift =
    STRUCT("OffsetIndex", ch_pq_offset_index, OFFSET_INDEX_FIELDS);

static const ch_thrift_field COLUMN_INDEX_FIELDS[] = {
    CH_TH_LIST(ch_pq_column_index, 1, BOOL, null_pages),
    CH_TH_LIST(ch_pq_column_index, 2, BYTES, min_values),
    CH_TH_LIST(ch_pq_column_index, 3, BYTES, max_values),
    CH_TH_REQ(ch_pq_column_index, 4, I32, order),
    CH_TH_LIST(ch_pq_column_index, 5, I64, null_counts),
};
const ch_thrift_struct ch_pq_column_index_thrift =
    STRUCT("ColumnIndex", ch_pq_column_index, COLUMN_INDEX_FIELDS);

static const ch_thrift_field CHOICE_FIELDS[] = {CH_TH_FLAG(1)};
static const ch_thrift_struct CHOICE = STRUCT("union", ch_pq_choice, CHOICE_FIELDS);

static const ch_thrift_field BLOOM_FIELDS[] = {
    CH_TH_REQ(ch_pq_bloom_header, 1, I32, num_bytes),
    CH_TH_SUB(ch_pq_bloom_header, 2, algorithm, &CHOICE),
    CH_TH_SUB(ch_pq_bloom_header, 3, hash, &CHOICE),
    CH_TH_SUB(ch_pq_bloom_header, 4, compression, &CHOICE),
};
const ch_thrift_struct ch_pq_bloom_header_thrift =
    STRUCT("BloomFilterHeader", ch_pq_bloom_header, BLOOM_FIELDS);
