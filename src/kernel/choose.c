/* SPDX-License-Identifier: Apache-2.0 */
/*
 * choose.c - conditional building blocks.
 *
 * Logic works on two bitmaps per operand, "is true" and "is false"; NULL is neither.
 */
#include "kernel/choose.h"

#include "column/take.h"

static uint64_t spread(bool on)
{
    return on ? UINT64_MAX : 0;
}

/* Words of "true" and "false" of a boolean column. */
static void truth(const ch_column *c, int64_t rows, int64_t w, uint64_t *yes, uint64_t *no)
{
    if (c->type->id == CH_NULL) {
        *yes = *no = 0;
    } else if (c->encoding == CH_FLAT) {
        uint64_t valid = c->valid ? c->valid[w] : UINT64_MAX;
        uint64_t value = ((const uint64_t *)c->data)[w];
        *yes = value & valid;
        *no = ~value & valid;
    } else if (c->encoding == CH_CONST) {
        bool null = ch_column_is_null(c, 0), value = ch_bit_get(c->data, 0);
        *yes = spread(!null && value);
        *no = spread(!null && !value);
    } else {
        *yes = *no = 0;
        for (int64_t i = w * 64; i < rows && i < w * 64 + 64; i++) {
            if (ch_column_is_null(c, i))
                continue;
            bool value = ch_bit_get(c->child[0]->data, ((const int32_t *)c->data)[i]);
            *(value ? yes : no) |= UINT64_C(1) << (i & 63);
        }
    }
}

static uint64_t tail(int64_t rows, int64_t w)
{
    int64_t left = rows - w * 64;
    return left >= 64 ? UINT64_MAX : (UINT64_C(1) << left) - 1;
}

typedef enum logic { AND, OR, NOT } logic;

static ch_status combine(logic op, const ch_column *a, const ch_column *b, int64_t rows,
                         ch_mem *mem, ch_column **out, ch_error *err)
{
    CH_TRY(ch_column_new(mem, CH_T_BOOLEAN, rows, out, err));
    uint64_t *bits = (*out)->data, all = UINT64_MAX;
    if (ch_column_need_valid(*out, err) != CH_OK) {
        ch_column_unref(*out);
        *out = NULL;
        return CH_E_MEMORY;
    }
    for (int64_t w = 0; w < ch_bit_words(rows); w++) {
        uint64_t a1, a0, b1 = 0, b0 = 0, yes, no;
        truth(a, rows, w, &a1, &a0);
        if (op != NOT)
            truth(b, rows, w, &b1, &b0);
        yes = op == AND ? a1 & b1 : op == OR ? a1 | b1 : a0;
        no = op == AND ? a0 | b0 : op == OR ? a0 & b0 : a1;
        uint64_t keep = tail(rows, w);
        bits[w] = yes & keep;
        (*out)->valid[w] = (yes | no) & keep;
        all &= yes | no | ~keep;
    }
    if (all == UINT64_MAX) {
        ch_buffer_unref((*out)->valid_buf);
        (*out)->valid_buf = NULL;
        (*out)->valid = NULL;
    }
    return CH_OK;
}

ch_status ch_logic_and(const ch_column *a, const ch_column *b, int64_t rows, ch_mem *mem,
                       ch_column **out, ch_error *err)
{
    return combine(AND, a, b, rows, mem, out, err);
}

ch_status ch_logic_or(const ch_column *a, const ch_column *b, int64_t rows, ch_mem *mem,
                      ch_column **out, ch_error *err)
{
    return combine(OR, a, b, rows, mem, out, err);
}

ch_status ch_logic_not(const ch_column *a, int64_t rows, ch_mem *mem, ch_column **out,
                       ch_error *err)
{
    return combine(NOT, a, NULL, rows, mem, out, err);
}

void ch_true_bits(const ch_column *a, int64_t rows, uint64_t *bits)
{
    for (int64_t w = 0; w < ch_bit_words(rows); w++) {
        uint64_t yes, no;
        truth(a, rows, w, &yes, &no);
        bits[w] = yes & tail(rows, w);
    }
}

void ch_valid_bits(const ch_column *a, int64_t rows, uint64_t *bits)
{
    if (a->type->id == CH_NULL)
        ch_bits_fill(bits, rows, false);
    else if (!a->valid)
        ch_bits_fill(bits, rows, true);
    else if (a->encoding == CH_CONST)
        ch_bits_fill(bits, rows, ch_bit_get(a->valid, 0));
    else
        memcpy(bits, a->valid, (size_t)ch_bit_bytes(rows));
    if (rows & 63)
        bits[rows >> 6] &= tail(rows, rows >> 6);
}

/* All branches in one long column, then one gather: start[b] is where branch b begins. */
ch_status ch_choose(ch_column *const *branch, int32_t n, const int32_t *which, const int32_t *at,
                    int64_t rows, const ch_type *type, ch_mem *mem, ch_column **out, ch_error *err)
{
    *out = NULL;
    size_t list_bytes = (sizeof(ch_column *) + sizeof(int64_t)) * (size_t)(n + 1);
    size_t idx_bytes = sizeof(int32_t) * (size_t)rows;
    ch_column *all = NULL, **part = ch_mem_zalloc(mem, list_bytes, err);
    int32_t *idx = ch_mem_alloc(mem, idx_bytes, err);
    ch_status status = CH_OK;
    int32_t n_parts = 0;
    if (!part || !idx) {
        status = CH_E_MEMORY;
        goto out;
    }
    int64_t *start = (int64_t *)(void *)(part + n + 1), total = 0;
    for (int32_t b = 0; b < n; b++) {
        start[b] = total;
        if (!branch[b])
            continue;
        /* A constant needs one row only. */
        bool constant = branch[b]->encoding == CH_CONST;
        CH_TRY_OUT(
            ch_column_share(mem, branch[b], constant ? 1 : branch[b]->rows, &part[n_parts], err));
        total += part[n_parts++]->rows;
    }
    if (total > INT32_MAX) {
        status = ch_error_memory(err, "rows of one batch", total, INT32_MAX);
        goto out;
    }
    bool nulls = false;
    for (int64_t i = 0; i < rows; i++) {
        int32_t b = which[i];
        if (b < 0) {
            idx[i] = -1;
            nulls = true;
        } else {
            int32_t row = branch[b]->encoding == CH_CONST ? 0 : at ? at[i] : (int32_t)i;
            idx[i] = (int32_t)start[b] + row;
        }
    }
    if (total == 0) {
        status = ch_column_nulls(mem, type, rows, out, err);
        goto out;
    }
    CH_TRY_OUT(ch_concat(part, n_parts, type, mem, &all, err));
    CH_TRY_OUT(ch_take(all, idx, rows, nulls, mem, out, err));
out:
    ch_column_unref(all);
    for (int32_t i = 0; i < n_parts; i++)
        ch_column_unref(part[i]);
    ch_mem_free(mem, part, list_bytes);
    ch_mem_free(mem, idx, idx_bytes);
    return status;
}
