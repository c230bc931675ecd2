/* SPDX-License-Identifier: Apache-2.0 */
/*
 * submit_zip.c - an archive of stored members:
 *
 *   header name data   header name data   ...   entry name   entry name   ...   end
 *   (30 bytes)                                  (46 bytes)                      (22 bytes)
 */
#include "cli/submit_zip.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

#define DAY_ONE 0x21 /* 1980-01-01 */
#define VERSION 20

static void put(FILE *out, uint32_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        fputc((int)(value >> (8 * i) & 255), out);
}

/* What header and entry have in common: from "version needed" to "extra length". */
static void put_common(FILE *out, uint32_t crc, uint32_t len, size_t name_len)
{
    put(out, VERSION, 2);
    put(out, 0x800, 2); /* names are UTF-8 */
    put(out, 0, 2);     /* stored */
    put(out, 0, 2);
    put(out, DAY_ONE, 2);
    put(out, crc, 4);
    put(out, len, 4);
    put(out, len, 4);
    put(out, (uint32_t)name_len, 2);
    put(out, 0, 2);
}

bool ch_submit_zip_open(ch_submit_zip *zip)
{
    *zip = (ch_submit_zip){.fd = memfd_create("chert", MFD_CLOEXEC)};
    int copy = zip->fd < 0 ? -1 : fcntl(zip->fd, F_DUPFD_CLOEXEC, 0);
    zip->out = copy < 0 ? NULL : fdopen(copy, "wb");
    zip->directory_out = open_memstream(&zip->directory, &zip->directory_len);
    if (zip->out && zip->directory_out)
        return true;
    if (copy >= 0 && !zip->out)
        close(copy);
    return false;
}

bool ch_submit_zip_add(ch_submit_zip *zip, const char *name, const void *data, size_t len)
{
    size_t name_len = strlen(name);
    if (len > INT32_MAX - zip->at - 1024 || name_len > UINT16_MAX || zip->n == UINT16_MAX) {
        errno = EFBIG;
        return false;
    }
    uint32_t crc = (uint32_t)crc32(0, data, (uInt)len);
    put(zip->out, 0x04034b50, 4);
    put_common(zip->out, crc, (uint32_t)len, name_len);
    fwrite(name, 1, name_len, zip->out);
    fwrite(data, 1, len, zip->out);

    put(zip->directory_out, 0x02014b50, 4);
    put(zip->directory_out, VERSION, 2);
    put_common(zip->directory_out, crc, (uint32_t)len, name_len);
    put(zip->directory_out, 0, 4); /* comment, disk */
    put(zip->directory_out, 0, 2); /* kind of text */
    put(zip->directory_out, 0, 4); /* the file system's attributes */
    put(zip->directory_out, zip->at, 4);
    fwrite(name, 1, name_len, zip->directory_out);
    zip->at += (uint32_t)(30 + name_len + len);
    zip->n++;
    return !ferror(zip->out) && !ferror(zip->directory_out);
}

bool ch_submit_zip_close(ch_submit_zip *zip)
{
    bool good = fclose(zip->directory_out) == 0;
    zip->directory_out = NULL;
    fwrite(zip->directory, 1, zip->directory_len, zip->out);
    put(zip->out, 0x06054b50, 4);
    put(zip->out, 0, 4); /* disks */
    put(zip->out, zip->n, 2);
    put(zip->out, zip->n, 2);
    put(zip->out, (uint32_t)zip->directory_len, 4);
    put(zip->out, zip->at, 4);
    put(zip->out, 0, 2); /* no comment */
    good &= !ferror(zip->out);
    good &= fclose(zip->out) == 0;
    zip->out = NULL;
    return good;
}

void ch_submit_zip_release(ch_submit_zip *zip)
{
    if (zip->out)
        fclose(zip->out);
    if (zip->directory_out)
        fclose(zip->directory_out);
    free(zip->directory);
    if (zip->fd > 0)
        close(zip->fd);
    *zip = (ch_submit_zip){.fd = -1};
}
