/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spool.h - pipes as files: what comes out of a FIFO, of /dev/stdin or of a terminal is read once, to a file without
 * a name.
 *
 * A query looks at its files twice (for the schema, for the rows), in parts, and by several threads; a pipe gives
 * its bytes once, in order. So the first query of a session that names it reads all of it, and as long as the
 * session lives ch_file_stat and ch_input_open give those bytes to whoever comes by the same pipe.
 *
 * Threads: all from any.
 */
#ifndef CH_STORE_SPOOL_H
#define CH_STORE_SPOOL_H

#include "base/mem.h"

/*
 * For owner, any address: if path leads to a pipe or a terminal: returns when all that it gives is on disk. Others are left alone.
 *   dir      borrows  folder of the file
 *   mem      borrows  pays for the handle, until ch_spools_release
 *   cancel   borrows  ends the wait; may be NULL
 * Errors CH_E_CANCELLED, CH_E_DISK_FULL, CH_E_IO, CH_E_PATH_NOT_ALLOWED.
 */
CH_NODISCARD ch_status ch_spool_hold(const void *owner, const char *path, const char *dir,
                                     ch_mem *mem, const _Atomic bool *cancel, ch_error *err);
/*
 * Bytes that the owner makes himself, and then reads under a name of his choice, which begins with
 * CH_SPOOL_PREFIX. A name stands for its bytes: two spools of one name are the same.
 *
 *   make ─▶ add* ─▶ publish ─▶ ch_spools_release, which takes one that is not published, too
 */
#define CH_SPOOL_PREFIX "rows:"
typedef struct ch_spool ch_spool;
CH_NODISCARD ch_status ch_spool_make(const void *owner, const char *dir, ch_mem *mem,
                                     ch_spool **out, ch_error *err);
/* Errors CH_E_DISK_FULL, CH_E_IO. */
CH_NODISCARD ch_status ch_spool_add(ch_spool *spool, const void *data, int64_t n, ch_error *err);
/* name: borrowed until the release. */
void ch_spool_publish(ch_spool *spool, const char *name);

/* All that is held for owner, who is in no ch_spool_hold. */
void ch_spools_release(const void *owner);

/* What is held under a path. fd (gives) may be NULL. False: nothing. */
bool ch_spool_find(const char *path, int *fd, int64_t *bytes);

#endif
