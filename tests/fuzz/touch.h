/* SPDX-License-Identifier: Apache-2.0 */
/* touch.h - for fuzz targets: reads every value of a column, and checks what columns promise. */
#ifndef CH_FUZZ_TOUCH_H
#define CH_FUZZ_TOUCH_H

#include "column/column.h"

static volatile uint64_t fuzz_sink;

static void touch(const ch_column *c)
{
    uint64_t sum = 0;
    const ch_column *values = ch_column_values(c);
    if (c->encoding == CH_DICT)
        for (int64_t i = 0; i < c->rows && values->rows; i++)
            if (((const int32_t *)c->data)[i] < 0 || ((const int32_t *)c->data)[i] >= values->rows)
                __builtin_trap();
    int64_t n = c->encoding == CH_CONST ? 1 : values->rows;
    if (c->encoding != CH_CONST && ch_type_is_view(c->type))
        for (int64_t i = 0; i < n; i++) {
            ch_str s = ch_column_str(values, i);
            for (int64_t b = 0; b < s.len; b++)
                sum += (uint8_t)s.text[b];
        }
    if (c->encoding == CH_FLAT && (c->type->id == CH_ARRAY || c->type->id == CH_MAP)) {
        const int32_t *offset = c->data;
        for (int64_t i = 0; i < n; i++)
            if (offset[i] > offset[i + 1])
                __builtin_trap();
        if (offset[n] != c->child[0]->rows)
            __builtin_trap();
    }
    if (c->encoding == CH_FLAT)
        for (int32_t i = 0; i < c->n_child; i++)
            touch(c->child[i]);
    if (c->valid)
        sum += (uint64_t)ch_bits_count(c->valid, c->encoding == CH_CONST ? 1 : c->rows);
    fuzz_sink = sum;
}

#endif
