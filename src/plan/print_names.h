/* SPDX-License-Identifier: Apache-2.0 */
/* print_names.h - how Spark calls functions in column names; tables for print.c alone. */
#ifndef CH_PLAN_PRINT_NAMES_H
#define CH_PLAN_PRINT_NAMES_H

#include <stddef.h>
#include <stdint.h>
#include <strings.h>

typedef struct name_pair {
    const char *name, *text;
} name_pair;

static const char *pair_find(const name_pair *table, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcasecmp(table[i].name, name) == 0)
            return table[i].text;
    return NULL;
}
#define PAIR(table, name) pair_find(table, sizeof table / sizeof *table, name)

static const name_pair INFIX[] = {
    {"+", " + "},     {"-", " - "},   {"*", " * "},     {"/", " / "},   {"%", " % "},
    {"=", " = "},     {"==", " = "},  {"<=>", " <=> "}, {"<", " < "},   {"<=", " <= "},
    {">", " > "},     {">=", " >= "}, {"and", " AND "}, {"or", " OR "}, {"div", " div "},
    {"&", " & "},     {"|", " | "},   {"^", " ^ "},     {"<<", " << "}, {">>", " >> "},
    {">>>", " >>> "},
};

/* Functions that Spark names otherwise than they were called. */
static const name_pair RENAMED[] = {
    {"acos", "ACOS"},
    {"acosh", "ACOSH"},
    {"asin", "ASIN"},
    {"asinh", "ASINH"},
    {"atan", "ATAN"},
    {"atan2", "ATAN2"},
    {"atanh", "ATANH"},
    {"cbrt", "CBRT"},
    {"ceil", "CEIL"},
    {"cos", "COS"},
    {"cosh", "COSH"},
    {"cot", "COT"},
    {"csc", "CSC"},
    {"degrees", "DEGREES"},
    {"e", "E"},
    {"exp", "EXP"},
    {"expm1", "EXPM1"},
    {"floor", "FLOOR"},
    {"hypot", "HYPOT"},
    {"log", "LOG"},
    {"log10", "LOG10"},
    {"log1p", "LOG1P"},
    {"log2", "LOG2"},
    {"pi", "PI"},
    {"power", "POWER"},
    {"radians", "RADIANS"},
    {"regexp_like", "REGEXP_LIKE"},
    {"regexp", "RLIKE"},
    {"spark_partition_id", "SPARK_PARTITION_ID"},
    {"rlike", "RLIKE"},
    {"sec", "SEC"},
    {"signum", "SIGNUM"},
    {"sin", "SIN"},
    {"sinh", "SINH"},
    {"sqrt", "SQRT"},
    {"tan", "TAN"},
    {"tanh", "TANH"},
    {"rank", "RANK"},
    {"dense_rank", "DENSE_RANK"},
    {"percent_rank", "PERCENT_RANK"},
    {"array_agg", "collect_list"},
    {"random", "rand"},
    {"current_database", "current_schema"},
    {"||", "concat"},
};

/* What Spark adds when a function is called with n_args arguments only. */
static const struct {
    const char *name;
    int32_t n_args;
    const char *text;
} DEFAULTS[] = {
    {"round", 1, ", 0"},
    {"bround", 1, ", 0"},
    {"substr", 2, ", 2147483647"},
    {"substring", 2, ", 2147483647"},
    {"replace", 2, ", "},
    {"lpad", 2, ",  "},
    {"rpad", 2, ",  "},
    {"split", 2, ", -1"},
    {"locate", 2, ", 1"},
    {"position", 2, ", 1"},
    {"regexp_extract", 2, ", 1"},
    {"regexp_extract_all", 2, ", 1"},
    {"regexp_replace", 3, ", 1"},
    {"from_unixtime", 1, ", yyyy-MM-dd HH:mm:ss"},
    {"unix_timestamp", 0, "current_timestamp(), yyyy-MM-dd HH:mm:ss"},
    {"unix_timestamp", 1, ", yyyy-MM-dd HH:mm:ss"},
    {"to_unix_timestamp", 1, ", yyyy-MM-dd HH:mm:ss"},
    {"months_between", 2, ", true"},
    {"sort_array", 1, ", true"},
    {"percentile_approx", 2, ", 10000"},
    {"approx_percentile", 2, ", 10000"},
    {"percentile", 2, ", 1"},
    {"listagg", 1, ", NULL"},
    {"string_agg", 1, ", NULL"},
    {"overlay", 3, ", -1"},
    {"lag", 1, ", 1, NULL"},
    {"lag", 2, ", NULL"},
    {"lead", 1, ", 1, NULL"},
    {"lead", 2, ", NULL"},
    {"make_interval", 0, "0, 0, 0, 0, 0, 0, 0.000000"},
    {"make_interval", 1, ", 0, 0, 0, 0, 0, 0.000000"},
    {"make_interval", 2, ", 0, 0, 0, 0, 0.000000"},
    {"make_interval", 3, ", 0, 0, 0, 0.000000"},
    {"make_interval", 4, ", 0, 0, 0.000000"},
    {"make_interval", 5, ", 0, 0.000000"},
    {"make_interval", 6, ", 0.000000"},
    {"try_make_interval", 0, "0, 0, 0, 0, 0, 0, 0.000000"},
    {"try_make_interval", 1, ", 0, 0, 0, 0, 0, 0.000000"},
    {"try_make_interval", 2, ", 0, 0, 0, 0, 0.000000"},
    {"try_make_interval", 3, ", 0, 0, 0, 0.000000"},
    {"try_make_interval", 4, ", 0, 0, 0.000000"},
    {"try_make_interval", 5, ", 0, 0.000000"},
    {"try_make_interval", 6, ", 0.000000"},
    {"make_dt_interval", 0, "0, 0, 0, 0.000000"},
    {"make_dt_interval", 1, ", 0, 0, 0.000000"},
    {"make_dt_interval", 2, ", 0, 0.000000"},
    {"make_dt_interval", 3, ", 0.000000"},
    {"make_ym_interval", 0, "0, 0"},
    {"make_ym_interval", 1, ", 0"},
    {"aes_encrypt", 2, ", GCM, DEFAULT, , "},
    {"aes_encrypt", 3, ", DEFAULT, , "},
    {"aes_encrypt", 4, ", , "},
    {"aes_encrypt", 5, ", "},
    {"aes_decrypt", 2, ", GCM, DEFAULT, "},
    {"aes_decrypt", 3, ", DEFAULT, "},
    {"aes_decrypt", 4, ", "},
    {"try_aes_decrypt", 2, ", GCM, DEFAULT, "},
    {"try_aes_decrypt", 3, ", DEFAULT, "},
    {"try_aes_decrypt", 4, ", "},
    {"str_to_map", 1, ", ,, :"},
    {"str_to_map", 2, ", :"},
};

static const name_pair TRIMS[] = {
    {"trim", "TRIM(BOTH "}, {"ltrim", "TRIM(LEADING "}, {"rtrim", "TRIM(TRAILING "}};

static const name_pair FIRSTS[] = {
    {"first", ""}, {"last", ""}, {"any_value", ""}, {"first_value", ""}, {"last_value", ""}};

/* Schemas and options are not shown. */
static const name_pair FIRST_ONLY[] = {
    {"from_csv", ""}, {"to_csv", ""}, {"from_json", ""}, {"to_json", ""}, {"schema_of_json", ""}};

static const name_pair RANKS[] = {{"rank", ""}, {"dense_rank", ""}, {"percent_rank", ""}};

#endif
