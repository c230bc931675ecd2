/* SPDX-License-Identifier: Apache-2.0 */
/* parquet_write_dict.c - open addressing; a slot has 32 bits of the hash, so that few values are compared. */
#include "format/parquet_write_dict.h"

#include <string.h>

#include "kernel/hash.h"

#define FIRST_SLOTS 1024

void ch_pqw_dict_init(ch_pqw_dict *d, int width, ch_mem *mem)
{
    *d = (ch_pqw_dict){.mem = mem, .width = width};
    ch_buf_init(&d->values, mem);
    ch_buf_init(&d->at, mem);
}

void ch_pqw_dict_release(ch_pqw_dict *d)
{
    ch_mem_free(d->mem, d->slot, sizeof *d->slot * d->n_slots);
    d->slot = NULL;
    d->n_slots = 0;
    ch_buf_release(&d->values);
    ch_buf_release(&d->at);
}

void ch_pqw_dict_reset(ch_pqw_dict *d)
{
    if (d->n)
        memset(d->slot, 0, sizeof *d->slot * d->n_slots);
    d->n = 0;
    d->values.len = d->at.len = 0;
}

static ch_status grow(ch_pqw_dict *d, ch_error *err)
{
    uint32_t n = d->n_slots ? d->n_slots * 2 : FIRST_SLOTS;
    ch_pqw_dict_slot *slot = ch_mem_zalloc(d->mem, sizeof *slot * n, err);
    if (!slot)
        return CH_E_MEMORY;
    for (uint32_t i = 0; i < d->n_slots; i++) {
        if (!d->slot[i].code)
            continue;
        uint32_t at = d->slot[i].hash & (n - 1);
        while (slot[at].code)
            at = (at + 1) & (n - 1);
        slot[at] = d->slot[i];
    }
    ch_mem_free(d->mem, d->slot, sizeof *d->slot * d->n_slots);
    d->slot = slot;
    d->n_slots = n;
    return CH_OK;
}

static inline uint32_t fold(uint64_t hash)
{
    return (uint32_t)(hash ^ hash >> 32);
}

static ch_status add_new(ch_pqw_dict *d, const void *bytes, size_t n, ch_error *err)
{
    if (d->width == 0) {
        uint32_t len = (uint32_t)n, at = (uint32_t)d->values.len + 4;
        CH_TRY(ch_buf_reserve(&d->values, n + 4, err));
        CH_TRY(ch_buf_add(&d->at, &at, 4, err));
        memcpy(d->values.data + d->values.len, &len, 4);
        memcpy(d->values.data + at, bytes, n);
        d->values.len += n + 4;
    } else {
        CH_TRY(ch_buf_add(&d->values, bytes, n, err));
    }
    d->n++;
    return CH_OK;
}

/* One loop per width, so that values compare as words. */
#define ADD(NAME, TYPE, HASH, SAME, BYTES, SIZE)                                      \
    static ch_status NAME(ch_pqw_dict *d, const TYPE *value, int64_t n, int64_t most, \
                          uint32_t *code, int64_t *done, ch_error *err)               \
    {                                                                                 \
        int64_t i = 0;                                                                \
        for (; i < n; i++) {                                                          \
            if (CH_UNLIKELY(d->n * 2 >= d->n_slots))                                  \
                CH_TRY(grow(d, err));                                                 \
            uint32_t mask = d->n_slots - 1, hash = fold(HASH), at = hash & mask;      \
            for (; d->slot[at].code; at = (at + 1) & mask)                            \
                if (d->slot[at].hash == hash && SAME(d->slot[at].code - 1))           \
                    break;                                                            \
            if (CH_UNLIKELY(!d->slot[at].code)) {                                     \
                if ((int64_t)d->values.len + (int64_t)(SIZE) > most)                  \
                    break;                                                            \
                CH_TRY(add_new(d, BYTES, SIZE, err));                                 \
                d->slot[at] = (ch_pqw_dict_slot){hash, d->n};                         \
            }                                                                         \
            code[i] = d->slot[at].code - 1;                                           \
        }                                                                             \
        *done = i;                                                                    \
        return CH_OK;                                                                 \
    }

#define SAME_4(c) (((const uint32_t *)(const void *)d->values.data)[c] == value[i])
#define SAME_8(c) (((const uint64_t *)(const void *)d->values.data)[c] == value[i])
#define SAME_N(c)                                                                                  \
    (memcmp(d->values.data + (size_t)(c) * (size_t)d->width, value + (size_t)i * (size_t)d->width, \
            (size_t)d->width) == 0)
static inline bool same_text(const ch_pqw_dict *d, uint32_t code, ch_str s)
{
    ch_str t = ch_pqw_dict_text(d, code);
    return t.len == s.len && memcmp(t.text, s.text, (size_t)s.len) == 0;
}
#define SAME_TEXT(c) same_text(d, c, value[i])

/* clang-format off */
ADD(add_4, uint32_t, ch_hash_u64(value[i]), SAME_4, &value[i], 4)
ADD(add_8, uint64_t, ch_hash_u64(value[i]), SAME_8, &value[i], 8)
ADD(add_n, char, ch_hash_long_text(value + (size_t)i * (size_t)d->width, d->width), SAME_N,
    value + (size_t)i * (size_t)d->width, (size_t)d->width)
ADD(add_text, ch_str, ch_hash_text(value[i].text, value[i].len), SAME_TEXT, value[i].text,
    (size_t)value[i].len)
/* clang-format on */

ch_status ch_pqw_dict_add(ch_pqw_dict *d, const void *value, int64_t n, int64_t most,
                          uint32_t *code, int64_t *done, ch_error *err)
{
    *done = 0;
    switch (d->width) {
    case 0:
        return add_text(d, value, n, most, code, done, err);
    case 4:
        return add_4(d, value, n, most, code, done, err);
    case 8:
        return add_8(d, value, n, most, code, done, err);
    default:
        return add_n(d, value, n, most, code, done, err);
    }
}
