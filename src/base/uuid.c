/* SPDX-License-Identifier: Apache-2.0 */
/* uuid.c - sixteen random bytes as text. */
#include "base/uuid.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

ch_status ch_uuid(char out[CH_UUID_TEXT], ch_error *err)
{
    static const char HEX[] = "0123456789abcdef";
    uint8_t byte[16];
    if (getrandom(byte, sizeof byte, 0) != (ssize_t)sizeof byte)
        CH_FAIL(err, IO, "action", "read", "path", "getrandom", "reason", strerror(errno));
    byte[6] = (uint8_t)((byte[6] & 0x0F) | 0x40);
    byte[8] = (uint8_t)((byte[8] & 0x3F) | 0x80);
    char *to = out;
    for (int i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *to++ = '-';
        *to++ = HEX[byte[i] >> 4];
        *to++ = HEX[byte[i] & 15];
    }
    *to = 0;
    return CH_OK;
}
