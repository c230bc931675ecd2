/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spill.h - temporary files that an operator writes pages to and reads them back from.
 *
 * The files have no names: when the process ends, however it ends, nothing is left. Space of pages that
 * were given back returns to the disk at once where the file system can do that.
 *
 * Legal calls: open, then write, read and drop in any order from any threads, then close.
 */
#ifndef CH_STORE_SPILL_H
#define CH_STORE_SPILL_H

#include <sys/uio.h>

#include "base/mem.h"

typedef struct ch_spill ch_spill;

/*
 * New empty files in folder dir, which is made if it is not there; *out is NULL on error.
 * mem pays for the handle. Errors: CH_E_IO.
 */
CH_NODISCARD ch_status ch_spill_open(const char *dir, ch_mem *mem, ch_spill **out, ch_error *err);
/* NULL is ignored. */
void ch_spill_close(ch_spill *spill);

/* Writes n parts, one after another, to a place of their own, *at. Errors: CH_E_DISK_FULL, CH_E_IO. */
CH_NODISCARD ch_status ch_spill_write(ch_spill *spill, const struct iovec *part, int n, int64_t *at,
                                      ch_error *err);
CH_NODISCARD ch_status ch_spill_read(ch_spill *spill, int64_t at, void *data, int64_t bytes,
                                     ch_error *err);
/* What lies there is not needed any more. */
void ch_spill_drop(ch_spill *spill, int64_t at, int64_t bytes);
/* A new file without a name in dir, for reading and writing; -1 and errno. The caller closes it. */
int ch_spill_nameless(const char *dir);
/* Where the files lie; lives as long as spill. */
const char *ch_spill_folder(const ch_spill *spill);
/* Bytes written so far. */
int64_t ch_spill_bytes(const ch_spill *spill);

#endif
