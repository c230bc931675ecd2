/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crypto.c - aes_encrypt, aes_decrypt, try_aes_decrypt: by OpenSSL.
 *
 *   ECB   cipher text                       padded as PKCS#5
 *   CBC   16 bytes IV | cipher text         padded as PKCS#5
 *   GCM   12 bytes IV | cipher text | 16 bytes tag
 */
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <strings.h>

#include "column/textout.h"
#include "function/utf8.h"

typedef struct aes_mode {
    const char *name, *padding;
    int iv_len, tag_len;
    const EVP_CIPHER *(*cipher[3])(void); /* keys of 16, 24, 32 bytes */
} aes_mode;

static const aes_mode MODE[] = {
    {"ECB", "PKCS", 0, 0, {EVP_aes_128_ecb, EVP_aes_192_ecb, EVP_aes_256_ecb}},
    {"CBC", "PKCS", 16, 0, {EVP_aes_128_cbc, EVP_aes_192_cbc, EVP_aes_256_cbc}},
    {"GCM", "NONE", 12, 16, {EVP_aes_128_gcm, EVP_aes_192_gcm, EVP_aes_256_gcm}},
};

#define BOTH "`aes_encrypt`/`aes_decrypt`"

static bool same(ch_str s, const char *text)
{
    return (int64_t)strlen(text) == s.len && strncasecmp(s.text, text, (size_t)s.len) == 0;
}

static ch_status crypto_error(const char *why, ch_error *err)
{
    CH_FAIL(err, AES_CRYPTO, "functionName", BOTH, "detailMessage", why);
}

static ch_status find_mode(ch_str mode, ch_str padding, const aes_mode **out, ch_error *err)
{
    for (size_t i = 0; i < sizeof MODE / sizeof *MODE; i++)
        if (same(mode, MODE[i].name) &&
            (same(padding, MODE[i].padding) || same(padding, "DEFAULT"))) {
            *out = &MODE[i];
            return CH_OK;
        }
    char m[64], p[64];
    snprintf(m, sizeof m, "%.*s", (int)(mode.len < 63 ? mode.len : 63), mode.text);
    snprintf(p, sizeof p, "%.*s", (int)(padding.len < 63 ? padding.len : 63), padding.text);
    CH_FAIL(err, AES_MODE, "functionName", BOTH, "mode", m, "padding", p);
}

/* What one row asks for. */
typedef struct aes_job {
    ch_str input, key, iv, aad;
    const aes_mode *mode;
    const EVP_CIPHER *cipher;
} aes_job;

static ch_str text_arg(const ch_call *call, int32_t a, int64_t i, const char *otherwise)
{
    return a < call->n_args ? ch_arg_str(call, a, i)
                            : (ch_str){otherwise, (int64_t)strlen(otherwise)};
}

static ch_status read_job(const ch_call *call, int64_t i, bool encrypt, aes_job *job, ch_error *err)
{
    *job = (aes_job){.input = ch_arg_str(call, 0, i), .key = ch_arg_str(call, 1, i)};
    int64_t size = job->key.len;
    if (size != 16 && size != 24 && size != 32)
        CH_FAIL(err, AES_KEY_LENGTH, "functionName", BOTH, "parameter", "`key`", "actualLength",
                CH_I64(size));
    CH_TRY(
        find_mode(text_arg(call, 2, i, "GCM"), text_arg(call, 3, i, "DEFAULT"), &job->mode, err));
    job->cipher = job->mode->cipher[size / 8 - 2]();
    if (encrypt) {
        job->iv = text_arg(call, 4, i, "");
        if (job->iv.len && !job->mode->iv_len)
            CH_FAIL(err, AES_MODE_IV, "functionName", BOTH, "mode", job->mode->name);
        if (job->iv.len && job->iv.len != job->mode->iv_len)
            CH_FAIL(err, AES_IV_LENGTH, "functionName", BOTH, "parameter", "`iv`", "mode",
                    job->mode->name, "actualLength", CH_I64(job->iv.len));
    }
    job->aad = text_arg(call, encrypt ? 5 : 4, i, "");
    if (job->aad.len && !job->mode->tag_len)
        CH_FAIL(err, AES_MODE_AAD, "functionName", BOTH, "mode", job->mode->name);
    return CH_OK;
}

static const unsigned char *bytes_of(ch_str s)
{
    return (const unsigned char *)s.text;
}

/* Runs the cipher over `in`; *n is what it wrote so far. */
static bool run_cipher(EVP_CIPHER_CTX *ctx, const aes_job *job, ch_str in, unsigned char *out,
                       int64_t *n)
{
    int len = 0;
    if (job->aad.len &&
        EVP_CipherUpdate(ctx, NULL, &len, bytes_of(job->aad), (int)job->aad.len) != 1)
        return false;
    if (in.len && EVP_CipherUpdate(ctx, out, &len, bytes_of(in), (int)in.len) != 1)
        return false;
    *n = in.len ? len : 0;
    if (EVP_CipherFinal_ex(ctx, out + *n, &len) != 1)
        return false;
    *n += len;
    return true;
}

static ch_status encrypt_row(EVP_CIPHER_CTX *ctx, const aes_job *job, unsigned char *out,
                             int64_t *n, ch_error *err)
{
    int iv_len = job->mode->iv_len, tag_len = job->mode->tag_len;
    if (job->iv.len)
        memcpy(out, job->iv.text, (size_t)iv_len);
    else if (iv_len && RAND_bytes(out, iv_len) != 1)
        return crypto_error("no random numbers", err);
    if (EVP_EncryptInit_ex(ctx, job->cipher, NULL, bytes_of(job->key), iv_len ? out : NULL) != 1 ||
        !run_cipher(ctx, job, job->input, out + iv_len, n))
        return crypto_error("encryption failed", err);
    *n += iv_len;
    if (tag_len && EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, tag_len, out + *n) != 1)
        return crypto_error("no tag", err);
    *n += tag_len;
    return CH_OK;
}

static ch_status decrypt_row(EVP_CIPHER_CTX *ctx, const aes_job *job, unsigned char *out,
                             int64_t *n, ch_error *err)
{
    int64_t iv_len = job->mode->iv_len, tag_len = job->mode->tag_len;
    ch_str in = {job->input.text + iv_len, job->input.len - iv_len - tag_len};
    *n = 0;
    if (in.len < 0)
        return crypto_error(tag_len ? "Input data too short to contain an expected tag length"
                                    : "IV buffer too short",
                            err);
    if (!in.len && !tag_len)
        return CH_OK; /* nothing, not even padding, is nothing for Java */
    if (!tag_len && in.len % 16)
        return crypto_error(
            "Input length must be multiple of 16 when decrypting with padded cipher", err);
    if (EVP_DecryptInit_ex(ctx, job->cipher, NULL, bytes_of(job->key),
                           iv_len ? bytes_of(job->input) : NULL) != 1 ||
        (tag_len && EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, (int)tag_len,
                                        (void *)(uintptr_t)(in.text + in.len)) != 1))
        return crypto_error("decryption failed", err);
    if (!run_cipher(ctx, job, in, out, n))
        return crypto_error(tag_len ? "Tag mismatch"
                                    : "Given final block not properly padded. Such issues can "
                                      "arise if a bad key is used during decryption.",
                            err);
    return CH_OK;
}

static ch_status eval_aes(const ch_call *call, ch_column **out, ch_error *err)
{
    bool encrypt = call->func->name[4] == 'e', lenient = call->func->name[0] == 't';
    ch_status status = CH_OK;
    ch_textout w;
    ch_textout_init(&w, *out);
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    if (!ctx)
        return ch_error_memory(err, "a cipher", 0, 0);
    for (int64_t i = 0; i < call->rows && status == CH_OK; i++) {
        aes_job job;
        int64_t n = 0;
        ch_textout_empty(&w, i);
        if (!ch_is_valid(*out, i))
            continue;
        ch_error wrong = {0};
        status = read_job(call, i, encrypt, &job, &wrong);
        unsigned char *room = NULL;
        if (status == CH_OK && job.input.len > INT32_MAX - 64)
            status = crypto_error("more than 2 GiB", &wrong);
        if (status == CH_OK) {
            room = (unsigned char *)ch_textout_room(&w, job.input.len + 64, &wrong);
            status = room ? CH_OK : CH_E_MEMORY;
        }
        if (status == CH_OK)
            status = (encrypt ? encrypt_row : decrypt_row)(ctx, &job, room, &n, &wrong);
        if (status == CH_OK)
            ch_textout_commit(&w, i, n);
        if (status != CH_OK && lenient && status != CH_E_MEMORY) {
            ch_error_release(&wrong);
            status = ch_set_null(*out, i, err);
        } else if (status != CH_OK && err && err->code == CH_OK) {
            *err = wrong;
        } else {
            ch_error_release(&wrong);
        }
    }
    EVP_CIPHER_CTX_free(ctx);
    return status;
}

#define CONSTS CH_FUNC_NULL_PROPAGATES | CH_FUNC_TAKES_CONST
#define ROW(fn, signature, kernel, flag, text, ex, want)                                     \
    {                                                                                        \
        .name = fn, .sig = signature, .eval = kernel, .flags = CONSTS | (flag), .doc = text, \
        .example = "SELECT " ex, .expect = want, .since = "0.2"                              \
    }

const ch_func ch_func_crypto[] = {
    ROW("aes_encrypt", "binary, binary[, string, string, binary, binary] -> binary", eval_aes,
        CH_FUNC_MAY_FAIL | CH_FUNC_NONDETERMINISTIC,
        "AES in mode GCM, CBC or ECB: bytes, key, mode, padding, IV, authenticated data.",
        "base64(aes_encrypt('Spark SQL', '1234567890abcdef', 'ECB', 'PKCS'))",
        "3lmwu+Mw0H3fi5NDvcu9lg=="),
    ROW("aes_decrypt", "binary, binary[, string, string, binary] -> binary", eval_aes,
        CH_FUNC_MAY_FAIL, "What aes_encrypt made: bytes, key, mode, padding, authenticated data.",
        "aes_decrypt(unbase64('3lmwu+Mw0H3fi5NDvcu9lg=='), '1234567890abcdef', 'ECB')",
        "Spark SQL"),
    ROW("try_aes_decrypt", "binary, binary[, string, string, binary] -> binary", eval_aes,
        CH_FUNC_MAKES_NULL, "What aes_encrypt made; NULL if it cannot be read.",
        "try_aes_decrypt(unhex('00'), '0000111122223333')", "NULL"),
    CH_FUNC_END,
};
