/* SPDX-License-Identifier: Apache-2.0 */
/*
 * string_case.c - upper, lower, initcap.
 *
 * ASCII goes eight bytes at a time; other characters by the simple mappings of the C library's
 * C.UTF-8 locale, and the one full mapping that is common: sharp s in capitals is SS.
 */
#include <locale.h>
#include <pthread.h>
#include <wctype.h>

#include "column/textout.h"
#include "function/utf8.h"

static locale_t utf8_locale;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void make_locale(void)
{
    utf8_locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
}

static uint32_t map_char(uint32_t c, bool upper)
{
    if (!utf8_locale)
        return c;
    return upper ? (uint32_t)towupper_l((wint_t)c, utf8_locale)
                 : (uint32_t)towlower_l((wint_t)c, utf8_locale);
}

/* Flips bit 5 of the bytes in [first, first + 25], eight at a time. */
static void map_ascii(const char *in, int64_t len, char *out, char first)
{
    int64_t i = 0;
    const uint64_t ones = UINT64_C(0x0101010101010101), high = ones * 0x80;
    for (; i + 8 <= len; i += 8) {
        uint64_t w;
        memcpy(&w, in + i, 8);
        uint64_t above = w + ones * (uint64_t)(0x80 - first); /* high bit: byte >= first */
        uint64_t beyond = w + ones * (uint64_t)(0x80 - first - 26);
        w ^= ((above & ~beyond & high) >> 2);
        memcpy(out + i, &w, 8);
    }
    for (; i < len; i++)
        out[i] = in[i] >= first && in[i] < first + 26 ? (char)(in[i] ^ 0x20) : in[i];
}

/* Longest result: every character grows to at most 3 times its bytes (sharp s: 2 to 2). */
static int64_t map_text(ch_str s, char *out, bool upper)
{
    char *p = out;
    for (int64_t i = 0; i < s.len;) {
        if ((uint8_t)s.text[i] < 0x80) {
            map_ascii(s.text + i, 1, p++, upper ? 'a' : 'A');
            i++;
            continue;
        }
        int64_t from = i;
        uint32_t c = ch_utf8_next(s, &i);
        if (i - from == 1) {
            *p++ = s.text[from]; /* malformed: as it is */
        } else if (c == 0xDF && upper) {
            *p++ = 'S';
            *p++ = 'S';
        } else if (c == 0x130 && !upper) { /* I with dot */
            *p++ = 'i';
            p += ch_utf8_put(p, 0x307);
        } else {
            p += ch_utf8_put(p, map_char(c, upper));
        }
    }
    return p - out;
}

int64_t ch_lower(ch_str s, char *out)
{
    pthread_once(&once, make_locale);
    if (!ch_is_ascii(s))
        return map_text(s, out, false);
    map_ascii(s.text, s.len, out, 'A');
    return s.len;
}

static ch_status map_column(const ch_call *call, ch_column *out, bool upper, ch_error *err)
{
    ch_textout w;
    ch_textout_init(&w, out);
    pthread_once(&once, make_locale);
    for (int64_t i = 0; i < call->rows; i++) {
        ch_str s = ch_column_str(call->arg[0], i);
        char *room = ch_textout_room(&w, s.len * 3, err);
        if (!room)
            return CH_E_MEMORY;
        int64_t len = s.len;
        if (ch_is_ascii(s))
            map_ascii(s.text, s.len, room, upper ? 'a' : 'A');
        else
            len = map_text(s, room, upper);
        ch_textout_commit(&w, i, len);
    }
    return CH_OK;
}

static ch_status eval_upper(const ch_call *call, ch_column **out, ch_error *err)
{
    return map_column(call, *out, true, err);
}

static ch_status eval_lower(const ch_call *call, ch_column **out, ch_error *err)
{
    return map_column(call, *out, false, err);
}

/* All small, then the first letter after the start and after each blank in capitals. */
static ch_status eval_initcap(const ch_call *call, ch_column **out, ch_error *err)
{
    ch_textout w;
    ch_textout_init(&w, *out);
    pthread_once(&once, make_locale);
    for (int64_t i = 0; i < call->rows; i++) {
        ch_str s = ch_column_str(call->arg[0], i);
        char *room = ch_textout_room(&w, s.len * 3, err), *p = room;
        if (!room)
            return CH_E_MEMORY;
        bool first = true;
        for (int64_t k = 0; k < s.len;) {
            int64_t from = k;
            (void)ch_utf8_next(s, &k);
            ch_str one = {s.text + from, k - from};
            if (first && one.len == 2 && memcmp(one.text, "\xC3\x9F", 2) == 0) {
                memcpy(p, "Ss", 2);
                p += 2;
            } else {
                p += map_text(one, p, first);
            }
            first = s.text[from] == ' ';
        }
        ch_textout_commit(&w, i, p - room);
    }
    return CH_OK;
}

#define ROW(fn, kernel, text, ex, want)                                                          \
    {                                                                                            \
        .name = fn, .sig = "string -> string", .eval = kernel, .flags = CH_FUNC_NULL_PROPAGATES, \
        .doc = text, .example = "SELECT " ex, .expect = want, .since = "0.1"                     \
    }

const ch_func ch_func_string_case[] = {
    ROW("upper", eval_upper, "Capital letters.", "upper('SparkSql')", "SPARKSQL"),
    ROW("ucase", eval_upper, "Capital letters.", "ucase('SparkSql')", "SPARKSQL"),
    ROW("lower", eval_lower, "Small letters.", "lower('SparkSql')", "sparksql"),
    ROW("lcase", eval_lower, "Small letters.", "lcase('SparkSql')", "sparksql"),
    ROW("initcap", eval_initcap, "Each word with a capital first letter, the rest small.",
        "initcap('sPark sql')", "Spark Sql"),
    CH_FUNC_END,
};
