/* SPDX-License-Identifier: Apache-2.0 */
/* unicode.c - see unicode.h. */
#include "base/unicode.h"

#define IS_CONT(b) (((b)&0xC0) == 0x80)

int ch_utf8_step(const char *text, int64_t len, bool *ok)
{
    const uint8_t *p = (const uint8_t *)text;
    uint8_t b = p[0];
    *ok = true;
    if (b < 0x80)
        return 1;
    *ok = false;
    if (b < 0xC2 || b > 0xF4)
        return 1;
    if (len < 2 || !IS_CONT(p[1]))
        return 1;
    if (b < 0xE0) {
        *ok = true;
        return 2;
    }
    if (b < 0xF0) {
        if (b == 0xE0 && p[1] < 0xA0)
            return 1;
        if (len < 3 || !IS_CONT(p[2]))
            return 2;
        *ok = !(b == 0xED && p[1] >= 0xA0); /* half of a surrogate pair */
        return 3;
    }
    if ((b == 0xF0 && p[1] < 0x90) || (b == 0xF4 && p[1] > 0x8F))
        return 1;
    if (len < 3 || !IS_CONT(p[2]))
        return 2;
    if (len < 4 || !IS_CONT(p[3]))
        return 3;
    *ok = true;
    return 4;
}
