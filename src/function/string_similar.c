/* SPDX-License-Identifier: Apache-2.0 */
/*
 * string_similar.c - jaro_winkler_similarity: how alike two texts are, from 0 to 1.
 *
 *   jaro   = (m / |a| + m / |b| + (m - t) / m) / 3      m matches, t half the matches out of order
 *   result = jaro + 0.1 * (common prefix, at most 4) * (1 - jaro)
 *
 * Equal characters match when they are at most max(|a|, |b|) / 2 - 1 places apart.
 */
#include "function/utf8.h"

typedef struct letters {
    uint32_t *c;
    bool *used;
    int64_t n;
} letters;

static void read_letters(ch_str s, letters *l)
{
    l->n = 0;
    for (int64_t i = 0; i < s.len;)
        l->c[l->n++] = ch_utf8_next(s, &i);
    memset(l->used, 0, (size_t)l->n);
}

static double jaro_winkler(const letters *a, const letters *b)
{
    if (a->n == 0 && b->n == 0)
        return 1;
    int64_t longer = a->n > b->n ? a->n : b->n, reach = longer / 2 - 1, m = 0, moved = 0;
    reach = reach < 0 ? 0 : reach;
    for (int64_t i = 0; i < a->n; i++) {
        int64_t from = i > reach ? i - reach : 0, to = i + reach + 1 < b->n ? i + reach + 1 : b->n;
        for (int64_t k = from; k < to; k++)
            if (!b->used[k] && a->c[i] == b->c[k]) {
                a->used[i] = b->used[k] = true;
                m++;
                break;
            }
    }
    if (m == 0)
        return 0;
    for (int64_t i = 0, k = 0; i < a->n; i++) {
        if (!a->used[i])
            continue;
        while (!b->used[k])
            k++;
        moved += a->c[i] != b->c[k++];
    }
    double d = (double)m, t = (double)moved / 2;
    double jaro = (d / (double)a->n + d / (double)b->n + (d - t) / d) / 3;
    int64_t prefix = 0;
    while (prefix < 4 && prefix < a->n && prefix < b->n && a->c[prefix] == b->c[prefix])
        prefix++;
    return jaro + (double)prefix * 0.1 * (1 - jaro);
}

static ch_status eval_similarity(const ch_call *call, ch_column **out, ch_error *err)
{
    double *r = (*out)->data;
    ch_status status = CH_OK;
    ch_buf buf;
    ch_buf_init(&buf, call->mem);
    for (int64_t i = 0; i < call->rows; i++) {
        r[i] = 0;
        if (!ch_is_valid(*out, i))
            continue;
        ch_str x = ch_arg_str(call, 0, i), y = ch_arg_str(call, 1, i);
        size_t n = (size_t)(x.len + y.len);
        ch_buf_reset(&buf);
        CH_TRY_OUT(ch_buf_reserve(&buf, n * (sizeof(uint32_t) + 1) + 1, err));
        uint32_t *c = (uint32_t *)(void *)buf.data;
        bool *used = (bool *)(c + n);
        letters a = {c, used, 0}, b = {c + x.len, used + x.len, 0};
        read_letters(x, &a);
        read_letters(y, &b);
        r[i] = jaro_winkler(&a, &b);
    }
out:
    ch_buf_release(&buf);
    return status;
}

const ch_func ch_func_string_similar[] = {
    {.name = "jaro_winkler_similarity",
     .sig = "string, string -> double",
     .eval = eval_similarity,
     .flags = CH_FUNC_NULL_PROPAGATES | CH_FUNC_TAKES_CONST,
     .doc = "How alike two texts are, from 0 to 1.",
     .example = "SELECT jaro_winkler_similarity('MARTHA', 'MARHTA')",
     .expect = "0.9611111111111111",
     .since = "0.2"},
    CH_FUNC_END,
};
