/* SPDX-License-Identifier: Apache-2.0 */
/*
 * s3_sign.c - AWS Signature Version 4 ("Authenticating Requests: Using the Authorization Header").
 *
 *   canonical  METHOD \n path \n query \n "name:value\n"... \n names \n payload
 *   to sign    AWS4-HMAC-SHA256 \n time \n day/region/service/aws4_request \n sha256(canonical)
 *   key        HMAC(HMAC(HMAC(HMAC("AWS4" secret, day), region), service), "aws4_request")
 */
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "codec/digest.h"
#include "store/s3.h"

#define HASH 32

static void to_hex(const uint8_t *bytes, size_t n, char *out)
{
    for (size_t i = 0; i < n; i++)
        snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

void ch_s3_sha256(const void *data, size_t n, char out[65])
{
    uint8_t hash[HASH];
    ch_sha2(256, n ? data : "", n, hash);
    to_hex(hash, HASH, out);
}

static void hmac(const uint8_t *key, size_t key_len, const char *text, uint8_t out[HASH])
{
    unsigned n = HASH;
    HMAC(EVP_sha256(), key, (int)key_len, (const uint8_t *)text, strlen(text), out, &n);
}

static void feed(EVP_MD_CTX *hash, const char *text)
{
    EVP_DigestUpdate(hash, text, strlen(text));
}

static void feed_header(EVP_MD_CTX *hash, const char *name, const char *value)
{
    feed(hash, name);
    feed(hash, ":");
    feed(hash, value);
    feed(hash, "\n");
}

ch_status ch_s3_sign(void *to, const ch_s3_credentials *who, const char *service,
                     const char *region, const char *method, const char *host, const char *path,
                     const char *query, const char *payload, const ch_http_header *header,
                     int n_headers, int64_t now_us, ch_error *err)
{
    char stamp[32], day[9], scope[128], names[512], hex[65], text[1024];
    uint8_t key[HASH], next[HASH], seed[sizeof who->secret + 8];
    time_t now = now_us / 1000000;
    struct tm tm;
    gmtime_r(&now, &tm);
    strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%SZ", &tm);
    memcpy(day, stamp, 8);
    day[8] = 0;
    snprintf(scope, sizeof scope, "%s/%s/%s/aws4_request", day, region, service);
    const ch_http_header own[] = {{"x-amz-content-sha256", payload, false},
                                  {"x-amz-date", stamp, false},
                                  {"x-amz-security-token", who->token, true}};
    int n_own = *who->token ? 3 : 2;
    for (int i = 0; i < n_own; i++)
        CH_TRY(ch_http_add(to, own[i].name, own[i].value, own[i].secret, err));

    EVP_MD_CTX *hash = EVP_MD_CTX_new();
    if (!hash || !EVP_DigestInit_ex(hash, EVP_sha256(), NULL)) {
        EVP_MD_CTX_free(hash);
        return ch_error_memory(err, "signature", 0, 0);
    }
    feed(hash, method);
    feed(hash, "\n");
    feed(hash, path);
    feed(hash, "\n");
    feed(hash, query ? query : "");
    feed(hash, "\n");
    feed_header(hash, "host", host);
    size_t n_names = (size_t)snprintf(names, sizeof names, "host");
    /* The call's headers and ours, both in order, become one list. */
    for (int a = 0, b = 0; a < n_headers || b < n_own;) {
        while (a < n_headers && strncmp(header[a].name, "x-amz-", 6) != 0)
            a++; /* may go unsigned */
        if (a == n_headers && b == n_own)
            break;
        const ch_http_header *h =
            b == n_own || (a < n_headers && strcmp(header[a].name, own[b].name) < 0) ? &header[a++]
                                                                                     : &own[b++];
        feed_header(hash, h->name, h->value);
        n_names += (size_t)snprintf(names + n_names, sizeof names - n_names, ";%s", h->name);
    }
    feed(hash, "\n");
    feed(hash, names);
    feed(hash, "\n");
    feed(hash, payload);
    EVP_DigestFinal_ex(hash, next, NULL);
    EVP_MD_CTX_free(hash);
    to_hex(next, HASH, hex);
    snprintf(text, sizeof text, "AWS4-HMAC-SHA256\n%s\n%s\n%s", stamp, scope, hex);

    int n_seed = snprintf((char *)seed, sizeof seed, "AWS4%s", who->secret);
    hmac(seed, (size_t)n_seed, day, key);
    hmac(key, HASH, region, next);
    hmac(next, HASH, service, key);
    hmac(key, HASH, "aws4_request", next);
    hmac(next, HASH, text, key);
    to_hex(key, HASH, hex);
    snprintf(text, sizeof text, "AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s",
             who->access, scope, names, hex);
    OPENSSL_cleanse(seed, sizeof seed);
    return ch_http_add(to, "Authorization", text, true, err);
}
