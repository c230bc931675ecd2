/* SPDX-License-Identifier: Apache-2.0 */
/* base64.c - three bytes as four characters. */
#include "codec/base64.h"

size_t ch_base64(char *out, const void *data, size_t len, bool padded)
{
    static const char DIGIT[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const uint8_t *p = data;
    char *to = out;
    for (size_t i = 0; i < len; i += 3) {
        size_t left = len - i;
        uint32_t v = (uint32_t)p[i] << 16 | (left > 1 ? (uint32_t)p[i + 1] << 8 : 0) |
                     (left > 2 ? p[i + 2] : 0);
        *to++ = DIGIT[v >> 18];
        *to++ = DIGIT[v >> 12 & 63];
        if (left > 1 || padded)
            *to++ = left > 1 ? DIGIT[v >> 6 & 63] : '=';
        if (left > 2 || padded)
            *to++ = left > 2 ? DIGIT[v & 63] : '=';
    }
    return (size_t)(to - out);
}

int ch_base64_digit(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

int64_t ch_base64_decode(const char *text, int64_t len, char *out)
{
    char *to = out;
    for (int64_t i = 0;;) {
        while (i < len && (uint8_t)text[i] <= ' ')
            i++;
        if (i == len)
            return to - out;
        if (len - i < 4)
            return -1;
        int pads = text[i + 3] != '=' ? 0 : text[i + 2] != '=' ? 1 : 2;
        uint32_t v = 0;
        for (int k = 0; k < 4; k++) {
            int d = k < 4 - pads ? ch_base64_digit(text[i + k]) : 0;
            if (d < 0)
                return -1;
            v = v << 6 | (uint32_t)d;
        }
        for (int k = 0; k < 3 - pads; k++)
            *to++ = (char)(v >> (16 - 8 * k) & 0xFF);
        i += 4;
    }
}
