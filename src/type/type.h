/* SPDX-License-Identifier: Apache-2.0 */
/*
 * type.h - Spark SQL's data types.
 *
 * Types are hash-consed for the whole process: equal types are the same
 * pointer, so types compare with ==, need no release and may be kept anywhere.
 * They are never freed; their number is bounded by the schemas that programs
 * use.
 *
 * How values of each type lie in memory (Arrow layouts; see column/column.h):
 *
 *   type                     C value      Arrow format
 *   NULL                     -            n
 *   BOOLEAN                  1 bit        b
 *   BYTE SHORT INT LONG      int8..int64  c s i l
 *   FLOAT DOUBLE             float double f g
 *   DECIMAL(p <= 18, s)      int64        d:p,s,64    unscaled value
 *   DECIMAL(p  > 18, s)      ch_i128      d:p,s
 *   STRING CHAR VARCHAR      ch_view      vu          UTF-8
 *   BINARY                   ch_view      vz
 *   DATE                     int32        tdD         days since 1970-01-01
 *   TIMESTAMP                int64        tsu:UTC     microseconds since the
 * epoch TIMESTAMP_NTZ            int64        tsu:        the same, no zone
 *   TIME(p)                  int64        ttn         nanoseconds since
 * midnight DAY_TIME_INTERVAL        int64        tDu         microseconds
 *   YEAR_MONTH_INTERVAL      int32        tiM         months
 *   CALENDAR_INTERVAL        ch_interval  tin
 *   ARRAY                    int32 offsets + child    +l
 *   MAP                      int32 offsets + child struct<key, value>   +m
 *   STRUCT                   children                 +s
 *   VARIANT                  struct<value binary, metadata binary>
 */
#ifndef CH_TYPE_TYPE_H
#define CH_TYPE_TYPE_H

#include <stddef.h>

#include "base/buf.h"
#include "base/status.h"

typedef enum ch_type_id {
    CH_NULL,
    CH_BOOLEAN,
    CH_BYTE,
    CH_SHORT,
    CH_INT,
    CH_LONG,
    CH_FLOAT,
    CH_DOUBLE,
    CH_DECIMAL,
    CH_STRING,
    CH_CHAR,
    CH_VARCHAR,
    CH_BINARY,
    CH_DATE,
    CH_TIME,
    CH_TIMESTAMP,
    CH_TIMESTAMP_NTZ,
    CH_DAY_TIME_INTERVAL,
    CH_YEAR_MONTH_INTERVAL,
    CH_CALENDAR_INTERVAL,
    CH_ARRAY,
    CH_MAP,
    CH_STRUCT,
    CH_VARIANT,
    CH_N_TYPE_IDS
} ch_type_id;

typedef struct ch_type ch_type;

/* A struct's field; an array's element (name "element"); a map's "key" and
 * "value". */
typedef struct ch_field {
    const char *name;
    const ch_type *type;
    bool nullable;
    const char *metadata; /* JSON text, or NULL */
} ch_field;

/* Interval units, from coarse to fine; start <= stop. */
enum { CH_DAY = 0, CH_HOUR = 1, CH_MINUTE = 2, CH_SECOND = 3, CH_YEAR = 0, CH_MONTH = 1 };

struct ch_type {
    ch_type_id id;
    int16_t precision, scale; /* DECIMAL; TIME has precision only */
    int16_t start, stop;      /* interval units */
    int32_t length;           /* CHAR, VARCHAR: characters */
    const char *collation;    /* STRING: NULL is UTF8_BINARY */
    int32_t n_fields;
    const ch_field *field;
    uint64_t hash; /* of the contents, for the table of types */
};

typedef __int128 ch_i128;
typedef unsigned __int128 ch_u128;

typedef struct ch_interval {
    int32_t months, days;
    int64_t nanos; /* Spark uses microseconds: always a multiple of 1000 */
} ch_interval;

/* Types without parameters; a string is UTF8_BINARY, intervals have their full
 * range. */
const ch_type *ch_type_of(ch_type_id id);
#define CH_T_NULL ch_type_of(CH_NULL)
#define CH_T_BOOLEAN ch_type_of(CH_BOOLEAN)
#define CH_T_INT ch_type_of(CH_INT)
#define CH_T_LONG ch_type_of(CH_LONG)
#define CH_T_DOUBLE ch_type_of(CH_DOUBLE)
#define CH_T_STRING ch_type_of(CH_STRING)
#define CH_T_DATE ch_type_of(CH_DATE)
#define CH_T_TIMESTAMP ch_type_of(CH_TIMESTAMP)

/* The rest are made on first use. Out of memory gives NULL. Names are copied.
 */
const ch_type *ch_type_decimal(int precision, int scale);
const ch_type *ch_type_char(int32_t length);
const ch_type *ch_type_varchar(int32_t length);
const ch_type *ch_type_time(int precision);
const ch_type *ch_type_string_collated(const char *collation);
const ch_type *ch_type_day_time(int start, int stop);
const ch_type *ch_type_year_month(int start, int stop);
const ch_type *ch_type_array(const ch_type *element, bool contains_null);
const ch_type *ch_type_map(const ch_type *key, const ch_type *value, bool value_contains_null);
const ch_type *ch_type_struct(const ch_field *field, int32_t n);

/* Bytes of one fixed-width value (views count 16); 0 for NULL, BOOLEAN and
 * nested types. */
int ch_type_width(const ch_type *type);

static inline bool ch_type_is_string(const ch_type *t)
{
    return t->id == CH_STRING || t->id == CH_CHAR || t->id == CH_VARCHAR;
}
/* Values are ch_view. */
static inline bool ch_type_is_view(const ch_type *t)
{
    return ch_type_is_string(t) || t->id == CH_BINARY;
}
static inline bool ch_type_is_integral(const ch_type *t)
{
    return t->id >= CH_BYTE && t->id <= CH_LONG;
}
static inline bool ch_type_is_numeric(const ch_type *t)
{
    return t->id >= CH_BYTE && t->id <= CH_DECIMAL;
}
static inline bool ch_type_is_nested(const ch_type *t)
{
    return t->id >= CH_ARRAY;
}
/* DECIMAL kept as ch_i128, not int64. */
static inline bool ch_type_is_wide_decimal(const ch_type *t)
{
    return t->id == CH_DECIMAL && t->precision > 18;
}
/* May stand in ORDER BY and < (maps and variants may not, nor what holds them).
 */
bool ch_type_is_orderable(const ch_type *type);

/* "decimal(10,2)", "array<int>", "struct<a:int,b:string>": Spark's simpleString
 * and catalogString. */
CH_NODISCARD ch_status ch_type_print(const ch_type *type, ch_buf *out, ch_error *err);
/* "DECIMAL(10,2)", "ARRAY<INT>", "STRUCT<a: INT NOT NULL, b: STRING>": as in
 * SQL text and error messages. */
CH_NODISCARD ch_status ch_type_print_sql(const ch_type *type, ch_buf *out, ch_error *err);
/*
 * Reads a type ("array<decimal(10,2)>", "STRUCT<a: INT NOT NULL COMMENT 'x'>",
 * "timestamp_ltz") or, with ch_type_parse_ddl, a table schema ("a INT, b STRING
 * NOT NULL") as a struct. Errors CH_E_PARSE_SYNTAX_ERROR,
 * CH_E_UNSUPPORTED_DATATYPE.
 */
CH_NODISCARD ch_status ch_type_parse(const char *text, const ch_type **out, ch_error *err);
CH_NODISCARD ch_status ch_type_parse_ddl(const char *text, const ch_type **out, ch_error *err);
/*
 * For SQL text: reads the type that begins at byte `start` of sql; *stop is where it ended, with
 * what follows left to the caller. Errors carry their place in sql.
 */
CH_NODISCARD ch_status ch_type_parse_prefix(const char *sql, int32_t start, int32_t *stop,
                                            const ch_type **out, ch_error *err);

#endif
