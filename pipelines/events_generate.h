/* SPDX-License-Identifier: Apache-2.0 */
/* events_generate.h - makes the input of the event counter. */
#ifndef CHERT_PIPELINES_EVENTS_GENERATE_H
#define CHERT_PIPELINES_EVENTS_GENERATE_H

#include <stddef.h>
#include <stdint.h>

#define CHERT_EVENTS_BYTES ((int64_t)1 << 30) /* of location.csv, unless told otherwise */

/*
 * Writes FOLDER/region.csv (53 regions, ids 1..53) and FOLDER/location.csv: lat, long, region_id,
 * date; a header line first, every field quoted. The folder is made when it is not there.
 *
 *   bytes    location.csv ends with the first row that reaches this size
 *   seed     the same seed and bytes give the same file, whatever `threads` is
 *   message  gives  one line saying what failed; empty on success
 *
 * Result 0, or -1. Each file is written aside and renamed when it is complete: a failed or
 * interrupted run leaves earlier files as they were.
 * Cost about 10 ns a row and thread; the disk or the page cache is slower.
 */
int chert_generate_events(const char *folder, int64_t bytes, uint64_t seed, int threads,
                          char *message, size_t message_bytes);

#endif
