/* SPDX-License-Identifier: Apache-2.0 */
/*
 * staging.h - where a write puts its files until they are complete: a hidden name beside the target.
 *
 *   target /data/out    staging /data/.out.7f1c...e2          a folder
 *                               /data/.out.7f1c...e2.csv      or a file
 *
 *                     /data/out/.out.7f1c...e2      inside, where beside it cannot be: a mount point, or rights that end there
 *
 * Who writes there holds a lock (flock) on it, which ends with the process however that ends. The next write
 * to the same target removes what nobody holds: what a killed process has left.
 */
#ifndef CH_SESSION_STAGING_H
#define CH_SESSION_STAGING_H

#include "base/arena.h"
#include "base/uuid.h"

typedef struct ch_staging {
    char *path;  /* in the arena; NULL: none */
    int lock;    /* -1: none */
    bool inside; /* of the target, which is a folder that is there */
} ch_staging;
#define CH_STAGING_NONE ((ch_staging){.lock = -1})

/*
 * Makes the staging place of target, an absolute or relative local path without a '/' at its end, and first
 * removes abandoned ones of it. The folder above is made if it is not there.
 *   uuid   names it
 *   file   its extension (".csv"), if it is a file; NULL: a folder
 * Errors CH_E_IO, CH_E_DISK_FULL, CH_E_READ_ONLY, CH_E_PATH_NOT_ALLOWED; what is abandoned and cannot be
 * removed stays, without an error.
 */
CH_NODISCARD ch_status ch_staging_make(ch_arena *arena, const char *target, const char *uuid,
                                       const char *file, ch_staging *out, ch_error *err);
/* Gives up the lock; what is there stays. */
void ch_staging_release(ch_staging *staging);

#endif
