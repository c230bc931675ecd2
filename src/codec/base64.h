/* SPDX-License-Identifier: Apache-2.0 */
/* base64.h - RFC 4648's base 64, for SQL's functions, JSON and gRPC's trailers. */
#ifndef CH_CODEC_BASE64_H
#define CH_CODEC_BASE64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes that ch_base64 writes at most. */
static inline size_t ch_base64_room(size_t len)
{
    return (len + 2) / 3 * 4;
}
/* Writes the text of len bytes, padded with = if asked; no NUL. Returns bytes written. */
size_t ch_base64(char *out, const void *data, size_t len, bool padded);
/*
 * The bytes of text, as Jackson reads it: groups of four digits, each perhaps padded, and blanks before them. out has
 * room for len bytes. Returns how many there are; -1: the text is no such thing.
 */
int64_t ch_base64_decode(const char *text, int64_t len, char *out);
/* What a character stands for, 0..63; -1: none. */
int ch_base64_digit(char c);

#endif
