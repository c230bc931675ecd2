/* SPDX-License-Identifier: Apache-2.0 */
/* parquet_write_leaf.c - values into the page under way: conversion, dictionary, levels. parquet_write_page.c ends pages. */
#include "format/parquet_write_leaf.h"

#include <string.h>

#include "format/parquet_write_page.h"
#include "type/datetime.h"

#define PIECE 1024               /* values that are converted at once */
#define JULIAN_EPOCH_DAY 2440588 /* 1970-01-01 */
#define GUESS_ROWS 64            /* that a page is begun with, or its size guessed by */

void ch_pqw_leaf_init(ch_pqw_leaf *l, const ch_pqw_leaf_spec *spec, ch_mem *mem)
{
    ch_buf *const buf[] = {&l->def,
                           &l->rep,
                           &l->codes,
                           &l->raw,
                           &l->ends,
                           &l->range.min,
                           &l->range.max,
                           &l->page_range.min,
                           &l->page_range.max,
                           &l->values,
                           &l->slots,
                           &l->payload,
                           &l->packed,
                           &l->encoded,
                           &l->known_codes};
    *l = (ch_pqw_leaf){.spec = *spec, .mem = mem, .use_dict = spec->dictionary};
    for (size_t i = 0; i < sizeof buf / sizeof *buf; i++)
        ch_buf_init(buf[i], mem);
    ch_pqw_dict_init(&l->dict, spec->width, mem);
    ch_arena_init(&l->arena, mem);
}

void ch_pqw_leaf_release(ch_pqw_leaf *l)
{
    ch_buf *const buf[] = {&l->def,
                           &l->rep,
                           &l->codes,
                           &l->raw,
                           &l->ends,
                           &l->range.min,
                           &l->range.max,
                           &l->page_range.min,
                           &l->page_range.max,
                           &l->values,
                           &l->slots,
                           &l->payload,
                           &l->packed,
                           &l->encoded,
                           &l->known_codes};
    for (size_t i = 0; i < sizeof buf / sizeof *buf; i++)
        ch_buf_release(buf[i]);
    ch_pqw_drop_pages(l);
    ch_mem_free(l->mem, l->page, sizeof *l->page * (size_t)l->cap_pages);
    ch_mem_free(l->mem, l->bloom, l->bloom ? (size_t)l->spec.bloom_bytes : 0);
    ch_pqw_dict_release(&l->dict);
    ch_column_unref(l->known);
    ch_arena_release(&l->arena);
}

int64_t ch_pqw_leaf_bytes(const ch_pqw_leaf *l)
{
    int64_t waiting = l->use_dict ? (int64_t)l->codes.len : (int64_t)l->raw.len;
    return l->page_bytes + waiting + (int64_t)l->dict.values.len;
}

/* ---- conversion ------------------------------------------------------------------------------- */

static void int96(int64_t us, char *to)
{
    int64_t left, day = ch_day_of(us, &left);
    int64_t nanos = left * 1000;
    int32_t julian = (int32_t)(day + JULIAN_EPOCH_DAY);
    memcpy(to, &nanos, 8);
    memcpy(to + 8, &julian, 4);
}

static void big_endian(ch_i128 value, int width, char *to)
{
    for (int i = width; i-- > 0; value >>= 8)
        to[i] = (char)value;
}

/* to[i] = the value in slot (slot ? slot[i] : from + i) of a FLAT or CONST column. */
#define EACH(DO)                               \
    for (int64_t i = 0; i < n; i++) {          \
        int64_t s = slot ? slot[i] : from + i; \
        DO;                                    \
    }                                          \
    break
#define AT(type) (((const type *)c->data)[s])

static void convert(const ch_pqw_leaf *l, const ch_column *c, const int32_t *slot, int64_t from,
                    int64_t n, char *to)
{
    int w = l->spec.width;
    switch (l->spec.conversion) {
    case CH_PQW_SAME:
        if (!slot) {
            memcpy(to, (const char *)c->data + from * w, (size_t)(n * w));
            break;
        }
        for (int64_t i = 0; i < n; i++)
            if (w == 4)
                ((uint32_t *)(void *)to)[i] = ((const uint32_t *)c->data)[slot[i]];
            else
                ((uint64_t *)(void *)to)[i] = ((const uint64_t *)c->data)[slot[i]];
        break;
    case CH_PQW_BOOL:
        EACH(to[i] = ch_bit_get(c->data, s));
    case CH_PQW_I8:
        EACH(((int32_t *)(void *)to)[i] = AT(int8_t));
    case CH_PQW_I16:
        EACH(((int32_t *)(void *)to)[i] = AT(int16_t));
    case CH_PQW_NARROW:
        EACH(((int32_t *)(void *)to)[i] = (int32_t)AT(int64_t));
    case CH_PQW_NANOS:
        EACH(((int64_t *)(void *)to)[i] = AT(int64_t) / 1000);
    case CH_PQW_MILLIS:
        EACH(int64_t v = AT(int64_t); ((int64_t *)(void *)to)[i] = v / 1000 - (v % 1000 < 0));
    case CH_PQW_INT96:
        EACH(int96(AT(int64_t), to + 12 * i));
    case CH_PQW_FIXED_I64:
        EACH(big_endian(AT(int64_t), w, to + w * i));
    case CH_PQW_FIXED_I128:
        EACH(ch_i128 v; memcpy(&v, (const char *)c->data + 16 * s, 16);
             big_endian(v, w, to + w * i));
    case CH_PQW_TEXT:
        EACH(((ch_str *)(void *)to)[i] = ch_column_str(c, s));
    }
}

/* ---- the page's values --------------------------------------------------------------------------- */

static ch_status add_raw_text(ch_pqw_leaf *l, const ch_str *value, int64_t n, ch_error *err)
{
    size_t total = 0;
    for (int64_t i = 0; i < n; i++)
        /* cppcheck-suppress uninitvar -- callers fill all n */
        total += (size_t)value[i].len;
    if (l->raw.len + total > UINT32_MAX / 2)
        CH_FAIL(err, UNSUPPORTED, "feature", "A page of more than 2 GiB of text");
    CH_TRY(ch_buf_reserve(&l->raw, total, err));
    CH_TRY(ch_buf_reserve(&l->ends, 4 * (size_t)n, err));
    char *to = l->raw.data + l->raw.len;
    uint32_t *end = (uint32_t *)(void *)(l->ends.data + l->ends.len);
    for (int64_t i = 0; i < n; i++) {
        memcpy(to, value[i].text, (size_t)value[i].len);
        to += value[i].len;
        end[i] = (uint32_t)(to - l->raw.data);
    }
    l->raw.len += total;
    l->ends.len += 4 * (size_t)n;
    l->plain_bytes += (int64_t)total + 4 * n;
    return CH_OK;
}

/* n values as convert() gave them, without the dictionary. */
static ch_status add_raw(ch_pqw_leaf *l, const void *value, int64_t n, ch_error *err)
{
    if (l->spec.conversion == CH_PQW_TEXT)
        return add_raw_text(l, value, n, err);
    size_t bytes = (size_t)n * (size_t)l->spec.width;
    l->plain_bytes += (int64_t)bytes;
    return ch_buf_add(&l->raw, value, bytes, err);
}

ch_status ch_pqw_leave_dictionary(ch_pqw_leaf *l, ch_error *err)
{
    const uint32_t *code = (const uint32_t *)(const void *)l->codes.data;
    int64_t n = (int64_t)(l->codes.len / 4);
    size_t w = (size_t)l->spec.width;
    l->use_dict = false;
    l->plain_bytes = 0;
    for (int64_t at = 0; at < n; at += PIECE) {
        int64_t k = n - at < PIECE ? n - at : PIECE;
        ch_str text[PIECE];
        if (l->spec.conversion == CH_PQW_TEXT) {
            for (int64_t i = 0; i < k; i++)
                text[i] = ch_pqw_dict_text(&l->dict, code[at + i]);
            CH_TRY(add_raw_text(l, text, k, err));
            continue;
        }
        for (int64_t i = 0; i < k; i++)
            CH_TRY(ch_buf_add(&l->raw, l->dict.values.data + code[at + i] * w, w, err));
        l->plain_bytes += k * (int64_t)w;
    }
    l->codes.len = 0;
    return CH_OK;
}

static ch_status add_values(ch_pqw_leaf *l, const void *value, int64_t n, ch_error *err)
{
    int64_t done = 0;
    if (l->use_dict) {
        CH_TRY(ch_buf_reserve(&l->codes, 4 * (size_t)n, err));
        uint32_t *code = (uint32_t *)(void *)(l->codes.data + l->codes.len);
        CH_TRY(ch_pqw_dict_add(&l->dict, value, n, l->spec.dictionary_bytes, code, &done, err));
        l->codes.len += 4 * (size_t)done;
        if (l->spec.conversion == CH_PQW_TEXT)
            for (int64_t i = 0; i < done; i++)
                l->plain_bytes += ((const ch_str *)value)[i].len + 4;
        else
            l->plain_bytes += done * l->spec.width;
        if (done < n)
            CH_TRY(ch_pqw_leave_dictionary(l, err));
    }
    l->n_values += n;
    size_t size = l->spec.conversion == CH_PQW_TEXT ? sizeof(ch_str) : (size_t)l->spec.width;
    return done < n ? add_raw(l, (const char *)value + (size_t)done * size, n - done, err) : CH_OK;
}

/* Values of a FLAT or CONST column by their slots, or from `from` on. */
static ch_status add_slots(ch_pqw_leaf *l, const ch_column *c, const int32_t *slot, int64_t from,
                           int64_t n, ch_error *err)
{
    int64_t size = l->spec.conversion == CH_PQW_TEXT ? (int64_t)sizeof(ch_str) : l->spec.width;
    l->values.len = 0;
    CH_TRY(ch_buf_reserve(&l->values, (size_t)(size * PIECE), err));
    for (int64_t at = 0; at < n; at += PIECE) {
        int64_t k = n - at < PIECE ? n - at : PIECE;
        const char *value = l->values.data;
        if (!slot && l->spec.conversion == CH_PQW_SAME)
            value = (const char *)c->data + (from + at) * size;
        else
            convert(l, c, slot ? slot + at : NULL, from + at, k, l->values.data);
        CH_TRY(add_values(l, value, k, err));
    }
    return CH_OK;
}

/* ---- values that come with a dictionary of their own ------------------------------------------------ */

/* known_codes[s] = code of slot s of the batch's dictionary, UINT32_MAX when not asked yet. */
static ch_status know_dictionary(ch_pqw_leaf *l, ch_column *dictionary, ch_error *err)
{
    if (l->known == dictionary)
        return CH_OK;
    ch_column_unref(l->known);
    l->known = ch_column_ref(dictionary);
    l->known_codes.len = 0;
    return ch_buf_fill(&l->known_codes, (char)0xFF, 4 * (size_t)dictionary->rows, err);
}

void ch_pqw_forget_dictionary(ch_pqw_leaf *l)
{
    ch_column_unref(l->known);
    l->known = NULL;
}

static ch_status add_by_codes(ch_pqw_leaf *l, ch_column *dictionary, const int32_t *slot, int64_t n,
                              ch_error *err)
{
    CH_TRY(know_dictionary(l, dictionary, err));
    for (int64_t at = 0; at < n; at++) {
        if (!l->use_dict)
            return add_slots(l, dictionary, slot + at, 0, n - at, err);
        uint32_t *known = (uint32_t *)(void *)l->known_codes.data, code = known[slot[at]];
        if (CH_UNLIKELY(code == UINT32_MAX)) {
            CH_TRY(add_slots(l, dictionary, slot + at, 0, 1, err));
            if (l->use_dict)
                memcpy(&known[slot[at]], l->codes.data + l->codes.len - 4, 4);
            continue;
        }
        CH_TRY(ch_buf_add(&l->codes, &code, 4, err));
        l->plain_bytes += l->spec.conversion == CH_PQW_TEXT
                              ? ch_column_str(dictionary, slot[at]).len + 4
                              : l->spec.width;
        l->n_values++;
    }
    return CH_OK;
}

/* ---- levels ------------------------------------------------------------------------------------- */

/* Levels are written down only once some entry differs from max_def. */
static ch_status need_levels(ch_pqw_leaf *l, ch_error *err)
{
    if (l->def.len || !l->n_entries)
        return CH_OK;
    return ch_buf_fill(&l->def, (char)l->spec.max_def, (size_t)l->n_entries, err);
}

/* Of rows [from, from + n): slots of the values that are there, and levels. */
static ch_status valid_rows(ch_pqw_leaf *l, const ch_column *c, int64_t from, int64_t n,
                            const int32_t **slot, int64_t *n_valid, ch_error *err)
{
    bool all_null = c->type->id == CH_NULL;
    bool is_const = c->encoding == CH_CONST, is_dict = c->encoding == CH_DICT;
    int64_t k = 0;
    *slot = NULL;
    *n_valid = n;
    if (is_const && (all_null || (c->valid && !ch_bit_get(c->valid, 0))))
        all_null = true;
    if (!all_null && !is_dict && !is_const && !c->valid)
        return CH_OK;
    l->slots.len = 0;
    CH_TRY(ch_buf_reserve(&l->slots, 4 * (size_t)n, err));
    int32_t *to = (int32_t *)(void *)l->slots.data;
    const int32_t *index = c->data;
    for (int64_t i = from; i < from + n; i++) {
        to[k] = is_const ? 0 : is_dict ? index[i] : (int32_t)i;
        k += !all_null && (is_const || !c->valid || ch_bit_get(c->valid, i));
    }
    *slot = to;
    *n_valid = k;
    if (k == n)
        return CH_OK;
    if (l->spec.max_def == 0)
        CH_FAIL(err, INTERNAL, "message", "NULL in a column that has none");
    CH_TRY(need_levels(l, err));
    CH_TRY(ch_buf_reserve(&l->def, (size_t)n, err));
    uint8_t *def = (uint8_t *)l->def.data + l->def.len, max = l->spec.max_def;
    for (int64_t i = 0; i < n; i++)
        def[i] = !all_null && ch_bit_get(c->valid, from + i) ? max : (uint8_t)(max - 1);
    l->def.len += (size_t)n;
    return CH_OK;
}

/* Bytes of a value, by the first few that are to come. */
static int64_t guess(const ch_column *c, int64_t from, int64_t n)
{
    const ch_column *values = ch_column_values(c);
    int64_t bytes = 0, few = n < GUESS_ROWS ? n : GUESS_ROWS;
    if (!ch_type_is_view(c->type) || values->rows == 0)
        return GUESS_ROWS;
    for (int64_t i = from; i < from + few; i++)
        if (!ch_column_is_null(c, i))
            bytes += ((const ch_view *)values->data)[ch_column_slot(c, i)].len;
    return bytes / few + (int64_t)sizeof(int32_t);
}

/* How many of n rows may join the page: no more than its rows, and about its bytes. */
static int64_t room(const ch_pqw_leaf *l, const ch_column *c, int64_t from, int64_t n)
{
    int64_t rows = l->spec.page_rows - l->n_rows;
    int64_t left = l->spec.page_bytes - l->plain_bytes;
    int64_t each = l->n_rows > 0 ? l->plain_bytes / l->n_rows + 1 : guess(c, from, n);
    int64_t fit = left / each + 1;
    rows = rows < fit ? rows : fit;
    return n < rows ? n : rows < 1 ? 1 : rows;
}

static bool is_full(const ch_pqw_leaf *l)
{
    return l->n_rows >= l->spec.page_rows || l->plain_bytes >= l->spec.page_bytes;
}

ch_status ch_pqw_leaf_add(ch_pqw_leaf *l, const ch_column *c, int64_t n, ch_error *err)
{
    for (int64_t from = 0, k; from < n; from += k) {
        const int32_t *slot;
        int64_t n_valid, before = (int64_t)l->def.len;
        k = room(l, c, from, n - from);
        CH_TRY(valid_rows(l, c, from, k, &slot, &n_valid, err));
        if (n_valid == k && before) /* levels are kept already */
            CH_TRY(ch_buf_fill(&l->def, (char)l->spec.max_def, (size_t)k, err));
        if (n_valid && c->encoding == CH_DICT)
            CH_TRY(add_by_codes(l, c->child[0], slot, n_valid, err));
        else if (n_valid)
            CH_TRY(add_slots(l, c, slot, from, n_valid, err));
        l->n_entries += k;
        l->n_rows += k;
        if (is_full(l))
            CH_TRY(ch_pqw_end_page(l, err));
    }
    return CH_OK;
}

ch_status ch_pqw_leaf_add_nested(ch_pqw_leaf *l, const ch_column *values, const int32_t *slot,
                                 int64_t n_values, const uint8_t *def, const uint8_t *rep,
                                 int64_t n_entries, int64_t n_rows, ch_error *err)
{
    CH_TRY(need_levels(l, err));
    CH_TRY(ch_buf_add(&l->def, def, (size_t)n_entries, err));
    if (l->spec.max_rep)
        CH_TRY(ch_buf_add(&l->rep, rep, (size_t)n_entries, err));
    if (n_values)
        CH_TRY(add_slots(l, values, slot, 0, n_values, err));
    l->n_entries += n_entries;
    l->n_rows += n_rows;
    return is_full(l) ? ch_pqw_end_page(l, err) : CH_OK;
}
