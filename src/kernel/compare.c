/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compare.c - comparisons of vectors: one loop per layout and operator, into bytes that the
 * compiler can make with SIMD, then packed to bits, 1024 rows at a time.
 *
 * A constant on the left is turned to the right, with the operator mirrored.
 */
#include "kernel/compare.h"

enum { BLOCK = 1024 };

static void pack(const uint8_t *byte, int64_t n, uint64_t *bits)
{
    for (int64_t i = 0; i < n; i += 64) {
        uint64_t word = 0;
        if (n - i >= 64) {
            for (int b = 0; b < 8; b++) {
                uint64_t eight;
                memcpy(&eight, byte + i + 8 * b, 8);
                word |= (eight * UINT64_C(0x0102040810204080) >> 56) << (8 * b);
            }
        } else {
            for (int64_t j = i; j < n; j++)
                word |= (uint64_t)byte[j] << (j - i);
        }
        bits[i >> 6] = word;
    }
}

#define SAME(x, y) ((x) == (y))
#define LESS(x, y) ((x) < (y))
#define F_SAME(x, y) (((x) == (y)) | (((x) != (x)) & ((y) != (y))))
#define F_LESS(x, y) (((x) < (y)) | (((y) != (y)) & ((x) == (x))))

/* byte[i] = a[i] OP b[i]; negate turns = into != and < into >=. */
#define LOOP(T, OP, A, B, constant)                           \
    do {                                                      \
        const T *x_ = (const T *)(A) + from;                  \
        const T *y_ = (const T *)(B) + (constant ? 0 : from); \
        if (constant) {                                       \
            const T c_ = y_[0];                               \
            for (int64_t i = 0; i < n; i++)                   \
                byte[i] = (uint8_t)(OP(x_[i], c_));           \
        } else {                                              \
            for (int64_t i = 0; i < n; i++)                   \
                byte[i] = (uint8_t)(OP(x_[i], y_[i]));        \
        }                                                     \
    } while (0)

/* a > b is b < a: with a constant b that is another loop. */
#define GREATER(x, y) ((x) > (y))
#define F_GREATER(x, y) F_LESS(y, x)

#define BY_TYPE(T, SAME_, LESS_, GREATER_)              \
    do {                                                \
        if (base == CH_EQ)                              \
            LOOP(T, SAME_, a->data, b->data, fixed);    \
        else if (base == CH_LT)                         \
            LOOP(T, LESS_, a->data, b->data, fixed);    \
        else                                            \
            LOOP(T, GREATER_, a->data, b->data, fixed); \
    } while (0)

static inline int compare_views(const ch_column *a, const ch_view *x, const ch_column *b,
                                const ch_view *y)
{
    uint32_t p, q;
    memcpy(&p, x->small, 4);
    memcpy(&q, y->small, 4);
    if (p != q) { /* shorter strings are padded with zeros, so this is right for them too */
        p = __builtin_bswap32(p);
        q = __builtin_bswap32(q);
        return p < q ? -1 : 1;
    }
    return ch_compare_str(ch_view_str(a, x), ch_view_str(b, y));
}

static void compare_view_block(ch_cmp base, const ch_column *a, const ch_column *b, bool fixed,
                               int64_t from, int64_t n, uint8_t *byte)
{
    const ch_view *x = (const ch_view *)a->data + from, *y = b->data;
    int64_t step = fixed ? 0 : 1;
    y += fixed ? 0 : from;
    if (base == CH_EQ) {
        for (int64_t i = 0; i < n; i++)
            byte[i] = ch_view_equal(a, &x[i], b, &y[i * step]);
        return;
    }
    int want = base == CH_LT ? -1 : 1;
    for (int64_t i = 0; i < n; i++)
        byte[i] = compare_views(a, &x[i], b, &y[i * step]) == want;
}

static void compare_block(ch_cmp base, const ch_column *a, const ch_column *b, bool fixed,
                          int64_t from, int64_t n, uint8_t *byte)
{
    const ch_type *t = a->type;
    if (t->id == CH_FLOAT) {
        BY_TYPE(float, F_SAME, F_LESS, F_GREATER);
    } else if (t->id == CH_DOUBLE) {
        BY_TYPE(double, F_SAME, F_LESS, F_GREATER);
    } else if (ch_type_is_view(t)) {
        compare_view_block(base, a, b, fixed, from, n, byte);
    } else if (t->id == CH_BOOLEAN || ch_type_width(t) == 0 || t->id == CH_CALENDAR_INTERVAL) {
        int want = base == CH_EQ ? 0 : base == CH_LT ? -1 : 1;
        for (int64_t i = 0; i < n; i++)
            byte[i] = ch_compare_at(a, from + i, b, from + i) == want;
    } else {
        switch (ch_type_width(t)) {
        case 1:
            BY_TYPE(int8_t, SAME, LESS, GREATER);
            break;
        case 2:
            BY_TYPE(int16_t, SAME, LESS, GREATER);
            break;
        case 4:
            BY_TYPE(int32_t, SAME, LESS, GREATER);
            break;
        case 8:
            BY_TYPE(int64_t, SAME, LESS, GREATER);
            break;
        default:
            BY_TYPE(ch_i128, SAME, LESS, GREATER);
        }
    }
}

void ch_compare(ch_cmp op, const ch_column *a, const ch_column *b, int64_t rows, uint64_t *bits)
{
    static const ch_cmp mirror[] = {CH_EQ, CH_NE, CH_GT, CH_GE, CH_LT, CH_LE};
    static const struct {
        ch_cmp base;
        bool negate;
    } plan[] = {{CH_EQ, false}, {CH_EQ, true},  {CH_LT, false},
                {CH_GT, true},  {CH_GT, false}, {CH_LT, true}};
    if (a->encoding == CH_CONST && b->encoding != CH_CONST) {
        const ch_column *t = a;
        a = b;
        b = t;
        op = mirror[op];
    }
    if (a->encoding == CH_CONST) { /* both are */
        int c = ch_compare_at(a, 0, b, 0);
        bool on = plan[op].base == CH_EQ ? c == 0 : plan[op].base == CH_LT ? c < 0 : c > 0;
        ch_bits_fill(bits, rows, on != plan[op].negate);
        return;
    }
    bool fixed = b->encoding == CH_CONST;
    uint8_t byte[BLOCK];
    for (int64_t from = 0; from < rows; from += BLOCK) {
        int64_t n = rows - from < BLOCK ? rows - from : BLOCK;
        compare_block(plan[op].base, a, b, fixed, from, n, byte);
        if (plan[op].negate)
            for (int64_t i = 0; i < n; i++)
                byte[i] ^= 1;
        pack(byte, n, bits + (from >> 6));
    }
}

static int compare_lists(const ch_column *a, int64_t i, const ch_column *b, int64_t j)
{
    const int32_t *x = (const int32_t *)a->data + i, *y = (const int32_t *)b->data + j;
    int32_t n = x[1] - x[0], m = y[1] - y[0];
    for (int32_t k = 0; k < n && k < m; k++) {
        int c = ch_compare_at(a->child[0], x[0] + k, b->child[0], y[0] + k);
        if (c)
            return c;
    }
    return (n > m) - (n < m);
}

int ch_compare_at(const ch_column *a, int64_t ia, const ch_column *b, int64_t ib)
{
    bool null_a = ch_column_is_null(a, ia), null_b = ch_column_is_null(b, ib);
    if (null_a || null_b)
        return null_b - null_a;
    int64_t i = ch_column_slot(a, ia), j = ch_column_slot(b, ib);
    a = ch_column_values(a);
    b = ch_column_values(b);
#define THREE_WAY(T)                                                  \
    do {                                                              \
        T x_ = ((const T *)a->data)[i], y_ = ((const T *)b->data)[j]; \
        return (x_ > y_) - (x_ < y_);                                 \
    } while (0)
    switch (a->type->id) {
    case CH_BOOLEAN:
        return (int)ch_bit_get(a->data, i) - (int)ch_bit_get(b->data, j);
    case CH_FLOAT:
        return ch_compare_f64((double)((const float *)a->data)[i],
                              (double)((const float *)b->data)[j]);
    case CH_DOUBLE:
        return ch_compare_f64(((const double *)a->data)[i], ((const double *)b->data)[j]);
    case CH_ARRAY:
    case CH_MAP:
        return compare_lists(a, i, b, j);
    case CH_STRUCT:
    case CH_VARIANT:
        for (int32_t f = 0; f < a->n_child; f++) {
            int c = ch_compare_at(a->child[f], i, b->child[f], j);
            if (c)
                return c;
        }
        return 0;
    case CH_CALENDAR_INTERVAL: {
        int c = memcmp((const ch_interval *)a->data + i, (const ch_interval *)b->data + j,
                       sizeof(ch_interval));
        return (c > 0) - (c < 0);
    }
    default:
        break;
    }
    if (ch_type_is_view(a->type))
        return compare_views(a, (const ch_view *)a->data + i, b, (const ch_view *)b->data + j);
    switch (ch_type_width(a->type)) {
    case 1:
        THREE_WAY(int8_t);
    case 2:
        THREE_WAY(int16_t);
    case 4:
        THREE_WAY(int32_t);
    case 8:
        THREE_WAY(int64_t);
    case 16:
        THREE_WAY(ch_i128);
    default:
        return 0;
    }
}

#define EQUAL_LOOP(EXPR)                                \
    for (int64_t k = 0; k < n; k++) {                   \
        int64_t i = ia ? ia[k] : k, j = ib ? ib[k] : k; \
        equal[k] &= (uint8_t)(EXPR);                    \
    }
#define EQUAL_FIXED(T)                      \
    do {                                    \
        const T *x = a->data, *y = b->data; \
        EQUAL_LOOP(x[i] == y[j])            \
        return;                             \
    } while (0)

void ch_rows_equal(const ch_column *a, const int32_t *ia, const ch_column *b, const int32_t *ib,
                   int64_t n, uint8_t *equal)
{
    const ch_type *t = a->type;
    if (a->encoding == CH_FLAT && b->encoding == CH_FLAT && !a->valid && !b->valid) {
        if (ch_type_is_view(t)) {
            const ch_view *x = a->data, *y = b->data;
            EQUAL_LOOP(ch_view_equal(a, &x[i], b, &y[j]))
            return;
        }
        if (t->id != CH_FLOAT && t->id != CH_DOUBLE && t->id != CH_CALENDAR_INTERVAL) {
            switch (ch_type_width(t)) {
            case 1:
                EQUAL_FIXED(int8_t);
            case 2:
                EQUAL_FIXED(int16_t);
            case 4:
                EQUAL_FIXED(int32_t);
            case 8:
                EQUAL_FIXED(int64_t);
            case 16:
                EQUAL_FIXED(ch_i128);
            default:
                break;
            }
        }
    }
    EQUAL_LOOP(ch_compare_at(a, i, b, j) == 0)
}
