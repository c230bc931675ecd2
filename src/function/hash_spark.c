/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hash_spark.c - hash(), xxhash64(), md5, sha1, sha2, crc32.
 *
 * hash and xxhash64 fold the columns from left to right: each column's hash is the seed of the next,
 * and a NULL leaves the seed as it is. Structs, arrays and maps fold their parts the same way.
 */
#include <math.h>

#include "codec/crc32.h"
#include "codec/digest.h"
#include "column/textout.h"
#include "function/hash_spark.h"
#include "function/utf8.h"

/* One value's hash with a seed, for both functions: 32-bit Murmur3 in the low half, or 64 bits. */
static uint64_t fold_int(bool wide, uint32_t v, uint64_t h)
{
    return wide ? ch_spark_xxh_int(v, h) : ch_spark_murmur_int(v, (uint32_t)h);
}
static uint64_t fold_long(bool wide, uint64_t v, uint64_t h)
{
    return wide ? ch_spark_xxh_long(v, h) : ch_spark_murmur_long(v, (uint32_t)h);
}
static uint64_t fold_bytes(bool wide, const void *p, int64_t n, uint64_t h)
{
    return wide ? ch_spark_xxh_bytes(p, (size_t)n, h)
                : ch_spark_murmur_bytes(p, (size_t)n, (uint32_t)h);
}

/* BigInteger.toByteArray of the unscaled value: big-endian, as short as its sign allows. */
static uint64_t fold_i128(bool wide, ch_i128 v, uint64_t h)
{
    uint8_t bytes[16];
    int n = 16, from = 0;
    for (int i = 0; i < 16; i++)
        bytes[i] = (uint8_t)((ch_u128)v >> (120 - 8 * i));
    while (n > 1 && ((bytes[from] == 0 && !(bytes[from + 1] & 0x80)) ||
                     (bytes[from] == 0xFF && (bytes[from + 1] & 0x80)))) {
        from++;
        n--;
    }
    return fold_bytes(wide, bytes + from, n, h);
}

static uint64_t fold(bool wide, const ch_column *c, int64_t row, uint64_t h)
{
    if (ch_column_is_null(c, row))
        return h;
    int64_t i = ch_column_slot(c, row);
    c = ch_column_values(c);
    switch (c->type->id) {
    case CH_BOOLEAN:
        return fold_int(wide, ch_bit_get(c->data, i), h);
    case CH_FLOAT: {
        float v = ((const float *)c->data)[i];
        uint32_t bits;
        v = v == 0 ? 0 : v;
        memcpy(&bits, &v, sizeof bits);
        return fold_int(wide, v != v ? 0x7fc00000U : bits, h);
    }
    case CH_DOUBLE: {
        double v = ((const double *)c->data)[i];
        uint64_t bits;
        v = v == 0 ? 0 : v;
        memcpy(&bits, &v, sizeof bits);
        return fold_long(wide, v != v ? UINT64_C(0x7ff8000000000000) : bits, h);
    }
    case CH_ARRAY:
        for (int32_t k = ((const int32_t *)c->data)[i]; k < ((const int32_t *)c->data)[i + 1]; k++)
            h = fold(wide, c->child[0], k, h);
        return h;
    case CH_STRUCT:
        for (int32_t f = 0; f < c->n_child; f++)
            h = fold(wide, c->child[f], i, h);
        return h;
    case CH_CALENDAR_INTERVAL: {
        const ch_interval *v = (const ch_interval *)c->data + i;
        h = fold_long(wide, (uint64_t)(v->nanos / 1000), h);
        h = fold_int(wide, (uint32_t)v->days, h);
        return fold_int(wide, (uint32_t)v->months, h);
    }
    case CH_DECIMAL:
        if (c->type->precision > 18)
            return fold_i128(wide, ((const ch_i128 *)c->data)[i], h);
        return fold_long(wide, ((const uint64_t *)c->data)[i], h);
    default:
        break;
    }
    if (ch_type_is_view(c->type)) {
        ch_str s = ch_column_str(c, i);
        return fold_bytes(wide, s.text, s.len, h);
    }
    switch (ch_type_width(c->type)) {
    case 1:
        return fold_int(wide, (uint32_t)((const int8_t *)c->data)[i], h);
    case 2:
        return fold_int(wide, (uint32_t)((const int16_t *)c->data)[i], h);
    case 4:
        return fold_int(wide, ((const uint32_t *)c->data)[i], h);
    default:
        return fold_long(wide, ((const uint64_t *)c->data)[i], h);
    }
}

void ch_spark_hash(ch_column *const *col, int32_t n_cols, int64_t n, int32_t *out)
{
    for (int64_t i = 0; i < n; i++) {
        uint64_t h = 42;
        for (int32_t c = 0; c < n_cols; c++)
            h = fold(false, col[c], i, h);
        out[i] = (int32_t)(uint32_t)h;
    }
}

static ch_status eval_hash(const ch_call *call, ch_column **out, ch_error *err)
{
    bool wide = call->func->name[0] == 'x';
    CH_UNUSED(err);
    for (int64_t i = 0; i < call->rows; i++) {
        uint64_t h = 42;
        for (int32_t a = 0; a < call->n_args; a++)
            h = fold(wide, call->arg[a], i, h);
        if (wide)
            ((uint64_t *)(*out)->data)[i] = h;
        else
            ((uint32_t *)(*out)->data)[i] = (uint32_t)h;
    }
    return CH_OK;
}

static ch_status bind_hash(ch_bind *bind, ch_error *err)
{
    if (bind->n_args < 1)
        return ch_bind_count(bind, "> 0", err);
    for (int32_t i = 0; i < bind->n_args; i++)
        if (bind->arg_type[i]->id == CH_MAP)
            return ch_bind_wrong_type(bind, i, "anything but MAP", err);
    bind->result = bind->func->name[0] == 'x' ? CH_T_LONG : CH_T_INT;
    bind->nullable = false;
    return CH_OK;
}

static ch_status put_hex(ch_textout *w, int64_t i, const uint8_t *digest, int n, ch_error *err)
{
    char text[2 * CH_DIGEST_MAX];
    for (int k = 0; k < n; k++) {
        text[2 * k] = "0123456789abcdef"[digest[k] >> 4];
        text[2 * k + 1] = "0123456789abcdef"[digest[k] & 15];
    }
    return ch_textout_put(w, i, text, 2 * n, err);
}

/* md5(b), sha1(b), sha(b), sha2(b, bits): bits 0 is 256, others than the four give NULL. */
static ch_status eval_digest(const ch_call *call, ch_column **out, ch_error *err)
{
    ch_textout w;
    uint8_t digest[CH_DIGEST_MAX];
    const char *name = call->func->name;
    ch_textout_init(&w, *out);
    for (int64_t i = 0; i < call->rows; i++) {
        ch_str s = ch_arg_str(call, 0, i);
        int n = 20;
        if (name[0] == 'm') {
            ch_md5(s.text, (size_t)s.len, digest);
            n = 16;
        } else if (strcmp(name, "sha2") == 0) {
            int bits = ch_arg_i32(call, 1, i);
            bits = bits == 0 ? 256 : bits;
            if (bits != 224 && bits != 256 && bits != 384 && bits != 512) {
                ch_textout_empty(&w, i);
                CH_TRY(ch_set_null(*out, i, err));
                continue;
            }
            ch_sha2(bits, s.text, (size_t)s.len, digest);
            n = bits / 8;
        } else {
            ch_sha1(s.text, (size_t)s.len, digest);
        }
        CH_TRY(put_hex(&w, i, digest, n, err));
    }
    return CH_OK;
}

static ch_status eval_crc32(const ch_call *call, ch_column **out, ch_error *err)
{
    int64_t *r = (*out)->data;
    CH_UNUSED(err);
    for (int64_t i = 0; i < call->rows; i++) {
        ch_str s = ch_arg_str(call, 0, i);
        r[i] = ch_crc32(0, s.text, (size_t)s.len);
    }
    return CH_OK;
}

#define DIGEST(fn, signature, flag, text, ex, want)                                   \
    {                                                                                 \
        .name = fn, .sig = signature, .eval = eval_digest,                            \
        .flags = CH_FUNC_NULL_PROPAGATES | CH_FUNC_TAKES_CONST | (flag), .doc = text, \
        .example = "SELECT " ex, .expect = want, .since = "0.1"                       \
    }
#define HASH(fn, text, ex, want)                                                       \
    {                                                                                  \
        .name = fn, .bind = bind_hash, .eval = eval_hash, .flags = CH_FUNC_NEVER_NULL, \
        .doc = text, .example = "SELECT " ex, .expect = want, .since = "0.1"           \
    }

const ch_func ch_func_hash_spark[] = {
    HASH("hash", "Murmur3 of the arguments.", "hash('Spark', array(123), 2)", "-1321691492"),
    HASH("xxhash64", "xxHash64 of the arguments.", "xxhash64('Spark', array(123), 2)",
         "5602566077635097486"),
    DIGEST("md5", "binary -> string", 0, "MD5, in hexadecimal.", "md5('Spark')",
           "8cde774d6f7333752ed72cacddb05126"),
    DIGEST("sha1", "binary -> string", 0, "SHA-1, in hexadecimal.", "sha1('Spark')",
           "85f5955f4b27a9a4c2aab6ffe5d7189fc298b92c"),
    DIGEST("sha", "binary -> string", 0, "SHA-1, in hexadecimal.", "sha('Spark')",
           "85f5955f4b27a9a4c2aab6ffe5d7189fc298b92c"),
    DIGEST("sha2", "binary, int -> string", CH_FUNC_MAKES_NULL,
           "SHA-2 of 224, 256, 384 or 512 bits, in hexadecimal.", "sha2('Spark', 256)",
           "529bc3b07127ecb7e53a4dcf1991d9152c24537d919178022b2c42657f79a26b"),
    {.name = "crc32",
     .sig = "binary -> bigint",
     .eval = eval_crc32,
     .flags = CH_FUNC_NULL_PROPAGATES,
     .doc = "CRC-32.",
     .example = "SELECT crc32('Spark')",
     .expect = "1557323817",
     .since = "0.1"},
    CH_FUNC_END,
};
