/* SPDX-License-Identifier: Apache-2.0 */
/* parquet_write_dict.h - the distinct values of a column chunk, numbered in the order that they came. */
#ifndef CH_FORMAT_PARQUET_WRITE_DICT_H
#define CH_FORMAT_PARQUET_WRITE_DICT_H

#include "column/column.h"

typedef struct ch_pqw_dict_slot {
    uint32_t hash, code; /* code + 1; 0: free */
} ch_pqw_dict_slot;

typedef struct ch_pqw_dict {
    ch_mem *mem;
    int width; /* bytes of a value; 0: text */
    ch_pqw_dict_slot *slot;
    uint32_t n_slots; /* a power of two; 0: none yet */
    uint32_t n;       /* values */
    ch_buf values;    /* as the dictionary page has them: PLAIN */
    ch_buf at;        /* text: uint32 place of each in values, behind its length */
} ch_pqw_dict;

void ch_pqw_dict_init(ch_pqw_dict *dict, int width, ch_mem *mem);
void ch_pqw_dict_release(ch_pqw_dict *dict);
/* Empty, its memory kept. */
void ch_pqw_dict_reset(ch_pqw_dict *dict);
/*
 * code[i] = number of value i, new ones added, until `most` bytes are passed.
 *   value  n values of the dictionary's width, or ch_str of them for text
 * Returns through *done how many have codes: n, or less when the dictionary is full.
 */
CH_NODISCARD ch_status ch_pqw_dict_add(ch_pqw_dict *dict, const void *value, int64_t n,
                                       int64_t most, uint32_t *code, int64_t *done, ch_error *err);
static inline ch_str ch_pqw_dict_text(const ch_pqw_dict *dict, uint32_t code)
{
    uint32_t at, len;
    memcpy(&at, dict->at.data + 4 * (size_t)code, 4);
    memcpy(&len, dict->values.data + at - 4, 4);
    return (ch_str){dict->values.data + at, len};
}

#endif
