/* SPDX-License-Identifier: Apache-2.0 */
/* parquet_test.c - pushed predicates on decoded columns, by the kernels; dictionaries are tested once. */
#include "format/parquet_scan.h"
#include "kernel/choose.h"
#include "kernel/compare.h"

/* IN lists of more values are left to the filter above. */
#define IN_MOST 32

static const ch_cmp COMPARE[] = {
    [CH_PRED_EQ] = CH_EQ, [CH_PRED_EQ_NULL_SAFE] = CH_EQ, [CH_PRED_NE] = CH_NE,
    [CH_PRED_LT] = CH_LT, [CH_PRED_LE] = CH_LE,           [CH_PRED_GT] = CH_GT,
    [CH_PRED_GE] = CH_GE, [CH_PRED_IN] = CH_EQ,
};

bool ch_pq_testable(const ch_predicate *p)
{
    return !(p->op == CH_PRED_IN && p->n_values > IN_MOST);
}

/* bits |= column op value, NULLs not looked at; column FLAT. */
static ch_status compare_value(ch_cmp op, const ch_column *column, const ch_scalar *value,
                               uint64_t *bits, uint64_t *scratch, ch_mem *mem, ch_error *err)
{
    ch_column *constant;
    int64_t n = column->rows;
    if (value->is_null)
        return CH_OK;
    CH_TRY(ch_column_const(mem, value, n, &constant, err));
    ch_compare(op, column, constant, n, scratch);
    ch_column_unref(constant);
    for (int64_t w = 0; w < ch_bit_words(n); w++)
        bits[w] |= scratch[w];
    return CH_OK;
}

static void starts_with(const ch_column *column, const ch_scalar *value, uint64_t *bits)
{
    for (int64_t i = 0; i < column->rows; i++) {
        ch_str s = ch_column_str(column, i);
        bool yes = s.len >= value->v.str.len &&
                   memcmp(s.text, value->v.str.text, (size_t)value->v.str.len) == 0;
        bits[i >> 6] |= (uint64_t)yes << (i & 63);
    }
}

/* bits = rows of a FLAT column that pass, apart from NULLs. */
static ch_status test_flat(const ch_predicate *p, const ch_column *column, uint64_t *bits,
                           uint64_t *scratch, ch_mem *mem, ch_error *err)
{
    memset(bits, 0, (size_t)ch_bit_bytes(column->rows));
    if (p->op == CH_PRED_STARTS_WITH) {
        starts_with(column, p->value, bits);
        return CH_OK;
    }
    for (int32_t i = 0; i < p->n_values; i++)
        CH_TRY(compare_value(COMPARE[p->op], column, &p->value[i], bits, scratch, mem, err));
    return CH_OK;
}

static ch_status test_values(const ch_predicate *p, ch_column *column, uint64_t *keep, ch_mem *mem,
                             ch_error *err)
{
    bool is_dict = column->encoding == CH_DICT;
    const ch_column *values = ch_column_values(column);
    int64_t n = column->rows, m = values->rows > n ? values->rows : n;
    size_t bytes = (size_t)ch_bit_bytes(m);
    uint64_t *bits = ch_mem_alloc(mem, bytes * 2, err);
    if (!bits)
        return CH_E_MEMORY;
    uint64_t *scratch = bits + bytes / 8;
    ch_status status = test_flat(p, values, bits, scratch, mem, err);
    if (status == CH_OK && is_dict) {
        const int32_t *index = column->data;
        for (int64_t at = 0; at < n; at += 64) {
            int64_t some = n - at < 64 ? n - at : 64;
            uint64_t word = 0;
            for (int64_t i = 0; i < some; i++)
                word |= (bits[index[at + i] >> 6] >> (index[at + i] & 63) & 1) << i;
            scratch[at >> 6] = word;
        }
    }
    const uint64_t *pass = is_dict ? scratch : bits;
    for (int64_t w = 0; w < ch_bit_words(n) && status == CH_OK; w++)
        keep[w] &= column->valid ? pass[w] & column->valid[w] : pass[w];
    ch_mem_free(mem, bits, bytes * 2);
    return status;
}

static void keep_valid(const ch_column *c, bool valid, uint64_t *keep)
{
    for (int64_t w = 0; w < ch_bit_words(c->rows); w++) {
        uint64_t there = c->valid ? c->valid[w] : ~UINT64_C(0);
        keep[w] &= valid ? there : ~there;
    }
}

ch_status ch_pq_test(const ch_predicate *p, ch_column *column, uint64_t *keep, ch_mem *mem,
                     ch_error *err)
{
    bool is_const = column->encoding == CH_CONST;
    bool for_null =
        p->op == CH_PRED_IS_NULL || (p->op == CH_PRED_EQ_NULL_SAFE && p->value->is_null);
    if (!ch_pq_testable(p))
        return CH_OK;
    if (is_const) { /* the file has no such column: all NULL */
        if (!for_null && ch_column_is_null(column, 0))
            memset(keep, 0, (size_t)ch_bit_bytes(column->rows));
        return CH_OK;
    }
    if (for_null || p->op == CH_PRED_IS_NOT_NULL) {
        keep_valid(column, !for_null, keep);
        return CH_OK;
    }
    if (column->encoding == CH_DICT && column->child[0]->rows == 0) {
        memset(keep, 0, (size_t)ch_bit_bytes(column->rows));
        return CH_OK;
    }
    return test_values(p, column, keep, mem, err);
}
