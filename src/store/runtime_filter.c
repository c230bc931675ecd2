/* SPDX-License-Identifier: Apache-2.0 */
/* runtime_filter.c - sets of values made and asked while a query runs. */
#include "store/runtime_filter.h"

#include "base/cpu.h"
#include "column/take.h"
#include "kernel/hash.h"

#define BITS_PER_VALUE 16
/* Exact bits are taken while they fit the second cache, or are not more than this many times the bloom's. */
#define EXACT_WORDS 32768
#define EXACT_OVER_BLOOM 16
/* After so many rows the filter is judged: it must keep less than 7 of 8. */
#define TRIAL_ROWS 32768

bool ch_runtime_filter_has_order(const ch_type *t)
{
    return ch_type_is_integral(t) || (t->id >= CH_DATE && t->id <= CH_YEAR_MONTH_INTERVAL) ||
           (t->id == CH_DECIMAL && !ch_type_is_wide_decimal(t));
}

bool ch_runtime_filter_fits(const ch_type *type)
{
    return !ch_type_is_nested(type) && type->id != CH_NULL && type->id != CH_CALENDAR_INTERVAL;
}

void ch_runtime_filter_init(ch_runtime_filter *f, const ch_type *type, ch_mem *mem)
{
    *f = (ch_runtime_filter){.type = type, .mem = mem};
}

static void free_sets(ch_runtime_filter *f)
{
    ch_mem_free(f->mem, f->exact ? f->exact : f->bloom, sizeof *f->bloom * (size_t)f->n_words);
    f->exact = f->bloom = NULL;
    f->n_words = 0;
}

void ch_runtime_filter_release(ch_runtime_filter *f)
{
    free_sets(f);
    f->ready = false;
    f->empty = f->has_range = false;
}

/* ---- values ------------------------------------------------------------------------------ */

/* Slots [from, from + n) of a FLAT or CONST column, n at most VALUES, as int64. */
enum { VALUES = 512 };
static void read_values(const ch_column *c, int64_t from, int64_t n, int64_t *out)
{
#define COPY(type)                  \
    for (int64_t i = 0; i < n; i++) \
        out[i] = ((const type *)c->data)[from + i];
    switch (ch_type_width(c->type)) {
    case 1:
        COPY(int8_t) break;
    case 2:
        COPY(int16_t) break;
    case 4:
        COPY(int32_t) break;
    default:
        COPY(int64_t) break;
    }
#undef COPY
}

static int64_t slots_of(const ch_column *c)
{
    return c->encoding == CH_CONST ? (c->rows > 0) : c->rows;
}

void ch_value_range_widen(ch_value_range *range, const ch_column *column)
{
    const ch_column *c = ch_column_values(column);
    int64_t v[VALUES], rows = slots_of(c), min = range->min, max = range->max;
    if (!ch_runtime_filter_has_order(c->type))
        return;
    for (int64_t at = 0; at < rows; at += VALUES) {
        int64_t n = rows - at < VALUES ? rows - at : VALUES;
        read_values(c, at, n, v);
        for (int64_t i = 0; i < n; i++) {
            if (c->valid && !ch_bit_get(c->valid, at + i))
                continue;
            min = v[i] < min ? v[i] : min;
            max = v[i] > max ? v[i] : max;
        }
    }
    *range = (ch_value_range){min, max};
}

/* ---- the sets ---------------------------------------------------------------------------- */

void ch_runtime_filter_prepare(ch_runtime_filter *f, ch_value_range range, int64_t n_values,
                               int64_t max_bytes)
{
    free_sets(f);
    f->has_range = ch_runtime_filter_has_order(f->type);
    f->empty = n_values == 0 || (f->has_range && range.min > range.max);
    f->has_range &= !f->empty;
    f->range = range;
    int64_t words = n_values / (64 / BITS_PER_VALUE) + 1;
    bool exact = false;
    if (f->has_range) {
        uint64_t span = ((uint64_t)range.max - (uint64_t)range.min) / 64 + 1;
        exact = span <= EXACT_WORDS || span <= (uint64_t)words * EXACT_OVER_BLOOM;
        words = exact ? (int64_t)span : words;
    }
    size_t bytes = sizeof *f->bloom * (size_t)words;
    _Atomic uint64_t *set =
        f->empty || (int64_t)bytes > max_bytes ? NULL : ch_mem_zalloc(f->mem, bytes, NULL);
    if (!set)
        return;
    *(exact ? &f->exact : &f->bloom) = set;
    f->n_words = words;
}

static inline uint64_t bloom_bits(uint64_t hash)
{
    return UINT64_C(1) << (hash & 63) | UINT64_C(1) << (hash >> 6 & 63) |
           UINT64_C(1) << (hash >> 12 & 63) | UINT64_C(1) << (hash >> 18 & 63);
}
static inline int64_t bloom_word(const ch_runtime_filter *f, uint64_t hash)
{
    return (int64_t)((hash >> 32) * (uint64_t)f->n_words >> 32);
}
static inline void turn_on(_Atomic uint64_t *word, uint64_t bits)
{
    if ((atomic_load_explicit(word, memory_order_relaxed) & bits) != bits)
        atomic_fetch_or_explicit(word, bits, memory_order_relaxed);
}

static void add_exact(ch_runtime_filter *f, const ch_column *c, int64_t at, const int64_t *v,
                      int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        if (c->valid && !ch_bit_get(c->valid, at + i))
            continue;
        uint64_t d = (uint64_t)v[i] - (uint64_t)f->range.min;
        turn_on(&f->exact[d >> 6], UINT64_C(1) << (d & 63));
    }
}

static void add_hashes(ch_runtime_filter *f, const ch_column *c, int64_t at, const uint64_t *hash,
                       int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        if (!c->valid || ch_bit_get(c->valid, at + i))
            turn_on(&f->bloom[bloom_word(f, hash[i])], bloom_bits(hash[i]));
}

/* Hashes of all slots; *out is ch_mem_free()d by the caller. */
static ch_status hash_slots(ch_column *c, int64_t rows, ch_mem *mem, uint64_t **out, ch_error *err)
{
    *out = ch_mem_alloc(mem, sizeof **out * (size_t)rows, err);
    return *out ? ch_hash(&c, 1, rows, *out, mem, err) : CH_E_MEMORY;
}

ch_status ch_runtime_filter_add(ch_runtime_filter *f, ch_column *column, ch_error *err)
{
    ch_column *c = column->encoding == CH_DICT ? column->child[0] : column;
    int64_t v[VALUES], rows = slots_of(c);
    uint64_t *hash = NULL;
    ch_status status = CH_OK;
    if ((!f->exact && !f->bloom) || rows == 0)
        return CH_OK;
    if (f->bloom)
        status = hash_slots(c, rows, f->mem, &hash, err);
    if (status == CH_OK && f->bloom)
        add_hashes(f, c, 0, hash, rows);
    for (int64_t at = 0; f->exact && at < rows; at += VALUES) {
        int64_t n = rows - at < VALUES ? rows - at : VALUES;
        read_values(c, at, n, v);
        add_exact(f, c, at, v, n);
    }
    ch_mem_free(f->mem, hash, sizeof *hash * (size_t)rows);
    return status;
}

/* ---- bounds ------------------------------------------------------------------------------ */

void ch_runtime_filter_bound(ch_runtime_filter *f, ch_bound_side side, bool with_null)
{
    f->side = side;
    f->with_null = with_null;
    f->bound = side == CH_BOUND_AT_MOST ? INT64_MAX : INT64_MIN;
    f->wanted = true;
}

void ch_runtime_filter_move(ch_runtime_filter *f, int64_t bound)
{
    int64_t now = f->bound;
    while (f->side == CH_BOUND_AT_MOST ? bound < now : bound > now)
        if (atomic_compare_exchange_weak(&f->bound, &now, bound))
            break;
    f->ready = true;
}

/* The range of values that may matter, where has_range or there is a bound. */
static ch_value_range range_now(const ch_runtime_filter *f)
{
    switch (f->side) {
    case CH_BOUND_AT_MOST:
        return (ch_value_range){INT64_MIN, f->bound};
    case CH_BOUND_AT_LEAST:
        return (ch_value_range){f->bound, INT64_MAX};
    default:
        return f->range;
    }
}

/* ---- asking ------------------------------------------------------------------------------ */

bool ch_runtime_filter_excludes(const ch_runtime_filter *f, const ch_scalar *min,
                                const ch_scalar *max)
{
    if (!f->ready || f->empty)
        return f->ready;
    if (!f->has_range && !f->side)
        return false;
    ch_value_range r = range_now(f);
    int64_t from = min->v.i64 > r.min ? min->v.i64 : r.min;
    int64_t to = max->v.i64 < r.max ? max->v.i64 : r.max;
    if (from > to || !f->exact)
        return from > to;
    uint64_t a = (uint64_t)from - (uint64_t)f->range.min, b = (uint64_t)to - (uint64_t)f->range.min;
    for (uint64_t w = a >> 6; w <= b >> 6; w++) {
        uint64_t bits = atomic_load_explicit(&f->exact[w], memory_order_relaxed);
        bits &= w == a >> 6 ? ~UINT64_C(0) << (a & 63) : ~UINT64_C(0);
        bits &= w == b >> 6 ? ~UINT64_C(0) >> (63 - (b & 63)) : ~UINT64_C(0);
        if (bits)
            return false;
    }
    return true;
}

/* One word of answers for n <= 64 values: in the range, and in the set where it is one of values. */
#define TEST_VALUES(name, type)                                                                \
    static uint64_t name(const ch_runtime_filter *f, ch_value_range r, const void *data,       \
                         int64_t from, int64_t n)                                              \
    {                                                                                          \
        const type *v = (const type *)data + from;                                             \
        uint64_t min = (uint64_t)r.min, span = (uint64_t)r.max - min, out = 0;                 \
        if (f->exact)                                                                          \
            for (int64_t i = 0; i < n; i++) {                                                  \
                uint64_t d = (uint64_t)(int64_t)v[i] - min;                                    \
                uint64_t in = d <= span;                                                       \
                d = in ? d : 0;                                                                \
                uint64_t word = atomic_load_explicit(&f->exact[d >> 6], memory_order_relaxed); \
                out |= (word >> (d & 63) & in) << i;                                           \
            }                                                                                  \
        else if (f->bloom)                                                                     \
            for (int64_t i = 0; i < n; i++) {                                                  \
                uint64_t in = (uint64_t)(int64_t)v[i] - min <= span;                           \
                out |= (in & has_hash(f, ch_hash_u64((uint64_t)(int64_t)v[i]))) << i;          \
            }                                                                                  \
        else                                                                                   \
            for (int64_t i = 0; i < n; i++)                                                    \
                out |= (uint64_t)((uint64_t)(int64_t)v[i] - min <= span) << i;                 \
        return out;                                                                            \
    }

static inline uint64_t has_hash(const ch_runtime_filter *f, uint64_t hash)
{
    uint64_t bits = bloom_bits(hash);
    return (atomic_load_explicit(&f->bloom[bloom_word(f, hash)], memory_order_relaxed) & bits) ==
           bits;
}
TEST_VALUES(test_i8, int8_t)
TEST_VALUES(test_i16, int16_t)
TEST_VALUES(test_i32, int32_t)
TEST_VALUES(test_i64, int64_t)

static uint64_t test_values(const ch_runtime_filter *f, ch_value_range r, const ch_column *c,
                            int64_t from, int64_t n)
{
#if defined(__x86_64__)
    uint64_t span = (uint64_t)f->range.max - (uint64_t)f->range.min;
    if (f->exact && n == 64 && span <= INT32_MAX && ch_cpu_has_avx2()) {
        if (ch_type_width(c->type) == 8)
            return ch_filter_exact_i64_avx2(f->exact, f->range.min, (uint32_t)span,
                                            (const int64_t *)c->data + from);
        if (ch_type_width(c->type) == 4)
            return ch_filter_exact_i32_avx2(f->exact, f->range.min, (uint32_t)span,
                                            (const int32_t *)c->data + from);
    }
#endif
    switch (ch_type_width(c->type)) {
    case 1:
        return test_i8(f, r, c->data, from, n);
    case 2:
        return test_i16(f, r, c->data, from, n);
    case 4:
        return test_i32(f, r, c->data, from, n);
    default:
        return test_i64(f, r, c->data, from, n);
    }
}

static uint64_t test_hashes(const ch_runtime_filter *f, const uint64_t *hash, int64_t n)
{
    uint64_t out = 0;
    for (int64_t i = 0; i < n; i++)
        out |= has_hash(f, hash[i]) << i;
    return out;
}

/* keep &= the filter, for all slots of a FLAT or CONST column. */
static ch_status test_slots(const ch_runtime_filter *f, ch_column *c, int64_t rows, uint64_t *keep,
                            ch_mem *mem, ch_error *err)
{
    uint64_t *hash = NULL;
    ch_status status = CH_OK;
    const ch_value_range r = range_now(f);
    if (f->bloom && !f->has_range)
        status = hash_slots(c, rows, mem, &hash, err);
    for (int64_t at = 0; at < rows && status == CH_OK; at += 64) {
        int64_t n = rows - at < 64 ? rows - at : 64, w = at >> 6;
        if (f->side) {
            uint64_t in = keep[w] ? test_values(f, r, c, at, n) : 0;
            if (c->valid)
                in = f->with_null ? in | ~c->valid[w] : in & c->valid[w];
            keep[w] &= in;
            continue;
        }
        if (c->valid)
            keep[w] &= c->valid[w];
        if (f->has_range && keep[w])
            keep[w] &= test_values(f, r, c, at, n);
        else if (f->bloom && keep[w])
            keep[w] &= test_hashes(f, hash + at, n);
    }
    ch_mem_free(mem, hash, sizeof *hash * (size_t)rows);
    return status;
}

/* By the dictionary: each entry once. */
static ch_status test_dict(const ch_runtime_filter *f, const ch_column *c, uint64_t *keep,
                           ch_mem *mem, ch_error *err)
{
    ch_column *dict = c->child[0];
    const int32_t *index = c->data;
    size_t bytes = (size_t)ch_bit_bytes(dict->rows + 1);
    uint64_t *in = ch_mem_zalloc(mem, bytes, err);
    if (!in)
        return CH_E_MEMORY;
    ch_bits_fill(in, dict->rows, true);
    ch_status status = test_slots(f, dict, dict->rows, in, mem, err);
    for (int64_t i = 0; i < c->rows && status == CH_OK; i++)
        ch_bit_and(keep, i, ch_column_is_null(c, i) ? f->with_null : ch_bit_get(in, index[i]));
    ch_mem_free(mem, in, bytes);
    return status;
}

static ch_status test_column(const ch_runtime_filter *f, ch_column *c, uint64_t *keep, ch_mem *mem,
                             ch_error *err)
{
    if (c->encoding == CH_FLAT)
        return test_slots(f, c, c->rows, keep, mem, err);
    if (c->encoding == CH_CONST) {
        uint64_t one = 1;
        CH_TRY(test_slots(f, c, 1, &one, mem, err));
        if (!one)
            ch_bits_fill(keep, c->rows, false);
        return CH_OK;
    }
    if (c->child[0]->rows <= c->rows)
        return test_dict(f, c, keep, mem, err);
    ch_column *flat;
    CH_TRY(ch_flatten(c, mem, &flat, err));
    ch_status status = test_slots(f, flat, flat->rows, keep, mem, err);
    ch_column_unref(flat);
    return status;
}

ch_status ch_runtime_filter_test(ch_runtime_filter *f, ch_column *column, uint64_t *keep,
                                 ch_mem *mem, ch_error *err)
{
    int64_t rows = column->rows;
    if (!f->ready || rows == 0)
        return CH_OK;
    int64_t before = ch_bits_count(keep, rows);
    if (f->empty)
        ch_bits_fill(keep, rows, false);
    else
        CH_TRY(test_column(f, column, keep, mem, err));
    atomic_fetch_add_explicit(&f->asked, before, memory_order_relaxed);
    atomic_fetch_add_explicit(&f->kept, ch_bits_count(keep, rows), memory_order_relaxed);
    return CH_OK;
}

bool ch_runtime_filter_useful(const ch_runtime_filter *f)
{
    int64_t asked = f->asked;
    /* A bound that let all through a moment ago may let none through now, and asking it costs little. */
    return f->ready && (f->side || asked < TRIAL_ROWS || f->kept < asked / 8 * 7);
}
