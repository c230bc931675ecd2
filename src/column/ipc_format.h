/* SPDX-License-Identifier: Apache-2.0 */
/* ipc_format.h - numbers of Arrow's Schema.fbs and Message.fbs, and its types as format strings. */
#ifndef CH_COLUMN_IPC_FORMAT_H
#define CH_COLUMN_IPC_FORMAT_H

#include <stdint.h>
#include <stdio.h>

enum { IPC_V5 = 4 };
enum { IPC_SCHEMA = 1, IPC_DICTIONARY_BATCH = 2, IPC_RECORD_BATCH = 3 };
/* Fields of tables. */
enum { MESSAGE_VERSION, MESSAGE_HEADER_TYPE, MESSAGE_HEADER, MESSAGE_BODY_LENGTH };
enum { SCHEMA_ENDIANNESS, SCHEMA_FIELDS };
enum {
    FIELD_NAME,
    FIELD_NULLABLE,
    FIELD_TYPE_TYPE,
    FIELD_TYPE,
    FIELD_DICTIONARY,
    FIELD_CHILDREN,
    FIELD_METADATA
};
enum { KEY_VALUE_KEY, KEY_VALUE_VALUE };
enum { DICTIONARY_ID, DICTIONARY_INDEX_TYPE };
enum { BATCH_LENGTH, BATCH_NODES, BATCH_BUFFERS, BATCH_COMPRESSION, BATCH_VARIADIC };
enum { COMPRESSION_CODEC };
enum { DICTIONARY_BATCH_ID, DICTIONARY_BATCH_DATA, DICTIONARY_BATCH_IS_DELTA };

typedef enum ipc_type {
    IPC_NONE,
    IPC_NULL,
    IPC_INT,
    IPC_FLOAT,
    IPC_BINARY,
    IPC_UTF8,
    IPC_BOOL,
    IPC_DECIMAL,
    IPC_DATE,
    IPC_TIME,
    IPC_TIMESTAMP,
    IPC_INTERVAL,
    IPC_LIST,
    IPC_STRUCT,
    IPC_UNION,
    IPC_FIXED_BINARY,
    IPC_FIXED_LIST,
    IPC_MAP,
    IPC_DURATION,
    IPC_LARGE_BINARY,
    IPC_LARGE_UTF8,
    IPC_LARGE_LIST,
    IPC_RUN_END,
    IPC_BINARY_VIEW,
    IPC_UTF8_VIEW,
    IPC_LIST_VIEW,
    IPC_LARGE_LIST_VIEW
} ipc_type;

/* Types whose table has no more than two small numbers: format string, and those numbers. */
typedef struct ipc_plain {
    const char *format;
    ipc_type type;
    int a, a_width, b, b_width; /* width 0: no such field */
} ipc_plain;

static const ipc_plain IPC_PLAIN[] = {
    {"n", IPC_NULL, 0, 0, 0, 0},        {"b", IPC_BOOL, 0, 0, 0, 0},
    {"c", IPC_INT, 8, 4, 1, 1},         {"C", IPC_INT, 8, 4, 0, 1},
    {"s", IPC_INT, 16, 4, 1, 1},        {"S", IPC_INT, 16, 4, 0, 1},
    {"i", IPC_INT, 32, 4, 1, 1},        {"I", IPC_INT, 32, 4, 0, 1},
    {"l", IPC_INT, 64, 4, 1, 1},        {"L", IPC_INT, 64, 4, 0, 1},
    {"e", IPC_FLOAT, 0, 2, 0, 0},       {"f", IPC_FLOAT, 1, 2, 0, 0},
    {"g", IPC_FLOAT, 2, 2, 0, 0},       {"z", IPC_BINARY, 0, 0, 0, 0},
    {"u", IPC_UTF8, 0, 0, 0, 0},        {"Z", IPC_LARGE_BINARY, 0, 0, 0, 0},
    {"U", IPC_LARGE_UTF8, 0, 0, 0, 0},  {"vz", IPC_BINARY_VIEW, 0, 0, 0, 0},
    {"vu", IPC_UTF8_VIEW, 0, 0, 0, 0},  {"tdD", IPC_DATE, 0, 2, 0, 0},
    {"tdm", IPC_DATE, 1, 2, 0, 0},      {"tts", IPC_TIME, 0, 2, 32, 4},
    {"ttm", IPC_TIME, 1, 2, 32, 4},     {"ttu", IPC_TIME, 2, 2, 64, 4},
    {"ttn", IPC_TIME, 3, 2, 64, 4},     {"tDs", IPC_DURATION, 0, 2, 0, 0},
    {"tDm", IPC_DURATION, 1, 2, 0, 0},  {"tDu", IPC_DURATION, 2, 2, 0, 0},
    {"tDn", IPC_DURATION, 3, 2, 0, 0},  {"tiM", IPC_INTERVAL, 0, 2, 0, 0},
    {"tiD", IPC_INTERVAL, 1, 2, 0, 0},  {"tin", IPC_INTERVAL, 2, 2, 0, 0},
    {"+l", IPC_LIST, 0, 0, 0, 0},       {"+L", IPC_LARGE_LIST, 0, 0, 0, 0},
    {"+vl", IPC_LIST_VIEW, 0, 0, 0, 0}, {"+vL", IPC_LARGE_LIST_VIEW, 0, 0, 0, 0},
    {"+s", IPC_STRUCT, 0, 0, 0, 0},     {"+m", IPC_MAP, 0, 1, 0, 0},
};
/* What an absent field of those tables means; FlatBuffers leaves defaults out. */
static inline int ipc_default_a(ipc_type type)
{
    return type == IPC_DATE || type == IPC_TIME || type == IPC_DURATION ? 1 : 0;
}
static inline int ipc_default_b(ipc_type type)
{
    return type == IPC_TIME ? 32 : 0;
}

/* Bytes of one value, from a format of fixed width; 0: another layout. */
static inline int64_t ipc_width(const char *format)
{
    int precision, scale, bits = 128, bytes = 0;
    switch (format[0]) {
    case 'c':
    case 'C':
        return 1;
    case 's':
    case 'S':
    case 'e':
        return 2;
    case 'i':
    case 'I':
    case 'f':
        return 4;
    case 'l':
    case 'L':
    case 'g':
        return 8;
    case 'd':
        if (sscanf(format, "d:%d,%d,%d", &precision, &scale, &bits) < 2)
            return 0;
        return bits == 32 || bits == 64 || bits == 128 || bits == 256 ? bits / 8 : 0;
    case 'w':
        return sscanf(format, "w:%d", &bytes) == 1 && bytes > 0 ? bytes : 0;
    case 't':
        if (format[1] == 'd')
            return format[2] == 'D' ? 4 : 8;
        if (format[1] == 't')
            return format[2] == 's' || format[2] == 'm' ? 4 : 8;
        if (format[1] == 'i')
            return format[2] == 'M' ? 4 : format[2] == 'D' ? 8 : 16;
        return 8;
    default:
        return 0;
    }
}

#endif
