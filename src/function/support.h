/* SPDX-License-Identifier: Apache-2.0 */
/* support.h - what the families of functions share: binding helpers, errors, loops over validity. */
#ifndef CH_FUNCTION_SUPPORT_H
#define CH_FUNCTION_SUPPORT_H

#include "function/function.h"

/* ---- binding ---- */

/* Wrong number of arguments: "functionName takes expected, not n". */
ch_status ch_bind_count(const ch_bind *bind, const char *expected, ch_error *err);
/* Argument i must be `required` ("INTEGRAL", "a string"). */
ch_status ch_bind_wrong_type(const ch_bind *bind, int i, const char *required, ch_error *err);
/* The arguments have no common type. */
ch_status ch_bind_differ(const ch_bind *bind, ch_error *err);
/* The common type of arguments [from, n_args), set as the type of all; DATA_DIFF_TYPES if there is none. */
CH_NODISCARD ch_status ch_bind_common(ch_bind *bind, int32_t from, const ch_type **out,
                                      ch_error *err);
/* arg_type[i] = to, if an implicit cast allows it. */
CH_NODISCARD ch_status ch_bind_cast(ch_bind *bind, int32_t i, const ch_type *to, ch_error *err);
/* Binds by a signature other than func->sig. */
CH_NODISCARD ch_status ch_bind_sig(ch_bind *bind, const char *sig, ch_error *err);
/* Any argument nullable. */
bool ch_bind_any_nullable(const ch_bind *bind);

/* "INT" as in error messages, in a buffer of the caller. */
typedef struct ch_quoted_type {
    char text[256];
} ch_quoted_type;
/* "\"DECIMAL(10,2)\"": the type in SQL, in double quotes. */
ch_quoted_type ch_quote_type(const ch_type *type);

#define CH_CONFIG_ANSI "\"spark.sql.ansi.enabled\""

/* ---- running ---- */

/* A fresh valid bitmap on out with row i off, for kernels that make NULLs. */
static inline ch_status ch_set_null(ch_column *out, int64_t i, ch_error *err)
{
    if (!out->valid)
        CH_TRY(ch_column_need_valid(out, err));
    ch_bit_clear(out->valid, i);
    return CH_OK;
}
static inline bool ch_is_valid(const ch_column *c, int64_t i)
{
    return !c->valid || ch_bit_get(c->valid, i);
}
/* A bool column's bits from one byte per row. */
void ch_pack_bits(const uint8_t *byte, int64_t rows, uint64_t *bits);

#endif
