/* SPDX-License-Identifier: Apache-2.0 */
/* grouper_codes.c - see the header. */
#include "exec/grouper_codes.h"

enum {
    MAX_KEYS = 4,
    CODE_BITS = 16,  /* of all codes of a row together */
    CACHE_BITS = 11, /* places in a column's cache of values */
    CACHE_PROBES = 8,
    PIECE = 2048, /* rows done at a time */
};

/*
 * A free entry's value is 0, like that of the empty text and the number 0; but these two are always at
 * place 0. So an entry that is looked up in the first place of a value and has that value is not free.
 */
typedef struct value_entry {
    uint64_t value[2];
    uint32_t code;                          /* shifted to its bits; 0 = free */
} __attribute__((aligned(32))) value_entry; /* found by a shift */

typedef struct key_codes {
    ch_column *dictionary; /* shared: codes are its indices + 1; NULL: codes are the cache's */
    value_entry *cache;
    uint32_t n_codes; /* given out, with NULL's 0 and the 1 of value 0 */
    bool cached;      /* codes of the cache were used */
    int32_t shift, bits;
    int32_t n_changes; /* of the dictionary */
} key_codes;

struct ch_codes {
    const ch_rowlayout *layout;
    ch_mem *mem;
    key_codes key[MAX_KEYS];
    uint8_t **group; /* 1 << CODE_BITS */
    uint32_t *code;  /* of the rows of the last find */
    int64_t cap_rows;
    int64_t n_found, n_missed;
    bool fitted; /* shifts are chosen */
};

#define GROUP_BYTES (sizeof(uint8_t *) << CODE_BITS)
#define CACHE_BYTES (sizeof(value_entry) << CACHE_BITS)

static bool is_fit(const ch_rowlayout *layout)
{
    if (layout->n_keys < 1 || layout->n_keys > MAX_KEYS)
        return false;
    for (int32_t c = 0; c < layout->n_keys; c++) {
        ch_rowkind kind = layout->col[c].kind;
        if (kind != CH_ROW_VIEW && kind != CH_ROW_BOOL && !(kind >= CH_ROW_W1 && kind <= CH_ROW_W8))
            return false;
    }
    return true;
}

ch_status ch_codes_new(const ch_rowlayout *layout, ch_mem *mem, ch_codes **out, ch_error *err)
{
    *out = NULL;
    if (!is_fit(layout))
        return CH_OK;
    ch_codes *codes = ch_mem_zalloc(mem, sizeof *codes, err);
    if (!codes)
        return CH_E_MEMORY;
    codes->layout = layout;
    codes->mem = mem;
    codes->group = ch_mem_zalloc(mem, GROUP_BYTES, err);
    bool failed = !codes->group;
    for (int32_t c = 0; c < layout->n_keys && !failed; c++) {
        codes->key[c].cache = ch_mem_zalloc(mem, CACHE_BYTES, err);
        codes->key[c].n_codes = 2;
        failed = !codes->key[c].cache;
    }
    if (failed) {
        ch_codes_free(codes);
        return CH_E_MEMORY;
    }
    *out = codes;
    return CH_OK;
}

void ch_codes_free(ch_codes *codes)
{
    if (!codes)
        return;
    for (int32_t c = 0; c < MAX_KEYS; c++) {
        ch_column_unref(codes->key[c].dictionary);
        ch_mem_free(codes->mem, codes->key[c].cache, CACHE_BYTES);
    }
    ch_mem_free(codes->mem, codes->group, GROUP_BYTES);
    ch_mem_free(codes->mem, codes->code, sizeof *codes->code * (size_t)codes->cap_rows);
    ch_mem_free(codes->mem, codes, sizeof *codes);
}

void ch_codes_forget(ch_codes *codes)
{
    if (codes)
        memset(codes->group, 0, GROUP_BYTES);
}

/* How many bits of the code each column gets: a dictionary what it needs, the rest in equal parts. */
static bool fit(ch_codes *codes, ch_column *const *key)
{
    int32_t n = codes->layout->n_keys, n_open = 0, left = CODE_BITS;
    for (int32_t c = 0; c < n; c++) {
        int32_t bits = 0;
        if (key[c]->encoding == CH_DICT)
            for (bits = 1; bits < CODE_BITS && ((int64_t)1 << bits) <= key[c]->child[0]->rows;)
                bits++;
        codes->key[c].bits = bits;
        left -= bits;
        n_open += bits == 0;
    }
    if (left < 2 * n_open)
        return false;
    int32_t shift = 0;
    for (int32_t c = 0; c < n; c++) {
        key_codes *k = &codes->key[c];
        if (!k->bits) {
            k->bits = left / n_open;
            if (k->bits > CACHE_BITS)
                k->bits = CACHE_BITS;
        }
        k->shift = shift;
        k->cache[0].code = UINT32_C(1) << shift;
        shift += k->bits;
    }
    codes->fitted = true;
    return true;
}

static inline uint32_t place_of(uint64_t a, uint64_t b)
{
    return (uint32_t)((a + 8 * b) * UINT64_C(0x9E3779B97F4A7C15) >> (64 - CACHE_BITS));
}

/* The code of a value, a new one if it has none; 0: no more codes. */
static uint32_t code_of(key_codes *k, uint64_t a, uint64_t b)
{
    uint32_t at = place_of(a, b);
    for (int p = 0; p < CACHE_PROBES; p++) {
        value_entry *e = &k->cache[(at + (uint32_t)p) & ((1u << CACHE_BITS) - 1)];
        if (CH_LIKELY(e->code && e->value[0] == a && e->value[1] == b))
            return e->code;
        if (!e->code) {
            if (k->n_codes >> k->bits)
                return 0;
            *e = (value_entry){.value = {a, b}, .code = k->n_codes++ << k->shift};
            return e->code;
        }
    }
    return 0;
}

/* Word 0 or 1 of a view that lies all inside. */
static inline uint64_t load_word(const ch_view *v, int word)
{
    uint64_t w[2];
    memcpy(w, v, sizeof w);
    return w[word];
}

#define VALUES(EXPR_A, EXPR_B)                                    \
    for (int64_t i = from; i < to; i++) {                         \
        int64_t s = index ? index[i] : flat ? i : 0;              \
        uint32_t name = 0;                                        \
        if (!valid || ch_bit_get(valid, flat || index ? i : 0)) { \
            name = code_of(k, EXPR_A, EXPR_B);                    \
            bad |= !name;                                         \
        }                                                         \
        code[i] |= name;                                          \
    }

static bool add_values(key_codes *k, ch_rowkind kind, const ch_column *c, int64_t from, int64_t to,
                       uint32_t *code)
{
    const ch_column *values = ch_column_values(c);
    const int32_t *index = c->encoding == CH_DICT ? c->data : NULL;
    const uint64_t *valid = c->valid;
    bool flat = c->encoding == CH_FLAT, bad = false;
    if (index && values->rows == 0)
        return true;
    switch (kind) {
    case CH_ROW_BOOL: {
        const uint64_t *v = values->data;
        VALUES(ch_bit_get(v, s), 0)
        break;
    }
    case CH_ROW_W1: {
        const uint8_t *v = values->data;
        VALUES(v[s], 0)
        break;
    }
    case CH_ROW_W2: {
        const uint16_t *v = values->data;
        VALUES(v[s], 0)
        break;
    }
    case CH_ROW_W4: {
        const uint32_t *v = values->data;
        VALUES(v[s], 0)
        break;
    }
    case CH_ROW_W8: {
        const uint64_t *v = values->data;
        VALUES(v[s], 0)
        break;
    }
    default: {
        const ch_view *v = values->data;
        for (int64_t i = from; values->n_text && i < to; i++) {
            int64_t s = index ? index[i] : flat ? i : 0;
            bad |= v[s].len > CH_VIEW_INLINE;
        }
        if (bad)
            return false;
        VALUES(load_word(&v[s], 0), load_word(&v[s], 1))
    }
    }
    return !bad;
}

static void add_indices(const key_codes *k, const ch_column *c, int64_t from, int64_t to,
                        uint32_t *code)
{
    const int32_t *index = c->data;
    const uint64_t *valid = c->valid;
    if (!valid)
        for (int64_t i = from; i < to; i++)
            code[i] |= ((uint32_t)index[i] + 1) << k->shift;
    else
        for (int64_t i = from; i < to; i++)
            code[i] |= (ch_bit_get(valid, i) ? (uint32_t)index[i] + 1 : 0) << k->shift;
}

/* Takes up a new dictionary; false: this column's values go through the cache instead. */
static bool use_dictionary(ch_codes *codes, key_codes *k, const ch_column *c)
{
    if (c->encoding != CH_DICT || k->cached)
        return false;
    if (k->dictionary == c->child[0])
        return true;
    if (c->child[0]->rows >> k->bits || k->n_changes > 4)
        return false;
    if (k->dictionary)
        ch_codes_forget(codes);
    k->n_changes++;
    ch_column_unref(k->dictionary);
    k->dictionary = ch_column_ref(c->child[0]);
    return true;
}

static bool piece_codes(ch_codes *codes, ch_column *const *key, int64_t from, int64_t to)
{
    memset(codes->code + from, 0, sizeof *codes->code * (size_t)(to - from));
    for (int32_t c = 0; c < codes->layout->n_keys; c++) {
        key_codes *k = &codes->key[c];
        if (use_dictionary(codes, k, key[c])) {
            add_indices(k, key[c], from, to, codes->code);
            continue;
        }
        if (k->dictionary) { /* its codes meant something else */
            ch_codes_forget(codes);
            ch_column_unref(k->dictionary);
            k->dictionary = NULL;
            k->n_changes = 5;
            if (from > 0)
                return false;
        }
        k->cached = true;
        if (!add_values(k, codes->layout->col[c].kind, key[c], from, to, codes->code))
            return false;
    }
    return true;
}

/* What most keys are: short text without NULLs. */
static bool is_short_text(const ch_codes *codes, ch_column *const *key, int64_t from, int64_t to)
{
    int32_t most = 0;
    for (int32_t c = 0; c < codes->layout->n_keys; c++) {
        const ch_view *v = key[c]->data;
        if (codes->layout->col[c].kind != CH_ROW_VIEW || key[c]->encoding != CH_FLAT ||
            key[c]->valid || codes->key[c].dictionary)
            return false;
        for (int64_t i = from; key[c]->n_text && i < to; i++)
            most = most < v[i].len ? v[i].len : most;
    }
    return most <= CH_VIEW_INLINE;
}

/* One look into the cache for each key, the group at once. Returns n_miss, -1: too many values. */
static inline __attribute__((always_inline)) int64_t
find_text(ch_codes *codes, ch_column *const *key, int32_t n_keys, int64_t from, int64_t to,
          uint8_t **row, int32_t *miss, int64_t n_miss)
{
    const ch_view *view[MAX_KEYS];
    const value_entry *cache[MAX_KEYS];
    uint8_t *const *group = codes->group;
    for (int32_t c = 0; c < n_keys; c++) {
        view[c] = key[c]->data;
        cache[c] = codes->key[c].cache;
        codes->key[c].cached = true;
    }
    for (int64_t i = from; i < to; i++) {
        uint32_t code = 0;
        for (int32_t c = 0; c < n_keys; c++) {
            uint64_t a = load_word(&view[c][i], 0), b = load_word(&view[c][i], 1);
            const value_entry *e = &cache[c][place_of(a, b)];
            uint32_t name = e->code;
            if (CH_UNLIKELY(((e->value[0] ^ a) | (e->value[1] ^ b)) != 0)) {
                name = code_of(&codes->key[c], a, b);
                if (!name)
                    return -1;
            }
            code |= name;
        }
        row[i] = group[code];
        if (CH_UNLIKELY(!row[i])) {
            codes->code[i] = code;
            miss[n_miss++] = (int32_t)i;
        }
    }
    return n_miss;
}

/* Returns n_miss, -1: too many values. */
static int64_t find_piece(ch_codes *codes, ch_column *const *key, int64_t from, int64_t to,
                          uint8_t **row, int32_t *miss, int64_t n_miss)
{
    int32_t n_keys = codes->layout->n_keys;
    if (is_short_text(codes, key, from, to)) {
        if (n_keys == 1)
            return find_text(codes, key, 1, from, to, row, miss, n_miss);
        if (n_keys == 2)
            return find_text(codes, key, 2, from, to, row, miss, n_miss);
        return find_text(codes, key, n_keys, from, to, row, miss, n_miss);
    }
    if (!piece_codes(codes, key, from, to))
        return -1;
    for (int64_t i = from; i < to; i++) {
        row[i] = codes->group[codes->code[i]];
        miss[n_miss] = (int32_t)i;
        n_miss += !row[i];
    }
    return n_miss;
}

bool ch_codes_find(ch_codes *codes, ch_column *const *key, int64_t n, uint8_t **row, int32_t *miss,
                   int64_t *n_miss)
{
    int64_t missed = 0;
    *n_miss = 0;
    if (!codes->fitted && !fit(codes, key))
        return false;
    if (codes->n_missed > 65536 && codes->n_missed > codes->n_found / 4)
        return false;
    if (n > codes->cap_rows) {
        ch_mem_free(codes->mem, codes->code, sizeof *codes->code * (size_t)codes->cap_rows);
        codes->cap_rows = 0;
        codes->code = ch_mem_alloc(codes->mem, sizeof *codes->code * (size_t)n, NULL);
        if (!codes->code)
            return false;
        codes->cap_rows = n;
    }
    for (int64_t from = 0; from < n; from += PIECE) {
        int64_t to = from + PIECE < n ? from + PIECE : n;
        missed = find_piece(codes, key, from, to, row, miss, missed);
        if (missed < 0)
            return false;
    }
    *n_miss = missed;
    codes->n_found += n - missed;
    codes->n_missed += missed;
    return true;
}

void ch_codes_learn(ch_codes *codes, uint8_t *const *row, const int32_t *miss, int64_t n_miss)
{
    for (int64_t j = 0; j < n_miss; j++)
        codes->group[codes->code[miss[j]]] = row[miss[j]];
}
