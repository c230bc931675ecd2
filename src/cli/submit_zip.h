/* SPDX-License-Identifier: Apache-2.0 */
/*
 * submit_zip.h - Python modules for a child process, without a file on disk: a zip archive in memory.
 *
 *   ch_submit_zip_open(&zip); ch_submit_zip_add(&zip, "m.py", text, len) ..; ch_submit_zip_close(&zip);
 *   PYTHONPATH=/proc/<pid>/fd/<zip.fd>, which Python reads like any archive while this process lives
 *
 * Members are stored as they are. Source: PKWARE's APPNOTE.TXT, sections 4.3.7, 4.3.12 and 4.3.16.
 */
#ifndef CH_CLI_SUBMIT_ZIP_H
#define CH_CLI_SUBMIT_ZIP_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

typedef struct ch_submit_zip {
    int fd; /* of memory; -1: not open */
    FILE *out;
    char *directory; /* the central directory, as it grows; malloc */
    size_t directory_len;
    FILE *directory_out;
    uint32_t at;
    uint16_t n;
} ch_submit_zip;

/* All: false with errno. */
bool ch_submit_zip_open(ch_submit_zip *zip);
bool ch_submit_zip_add(ch_submit_zip *zip, const char *name, const void *data, size_t len);
/* Ends the archive; the descriptor stays open. */
bool ch_submit_zip_close(ch_submit_zip *zip);
/* The descriptor too. An empty zip is ignored. */
void ch_submit_zip_release(ch_submit_zip *zip);

#endif
