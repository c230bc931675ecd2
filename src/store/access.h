/* SPDX-License-Identifier: Apache-2.0 */
/*
 * access.h - what of the file system and of other stores queries may touch: everything, unless the process was
 * told otherwise.
 *
 *   ch_access_allow, ch_access_read_only   when the process starts, before the first query
 *   ch_access_check, ch_access_check_fd    wherever a path that a program gave is used: store/file.c and
 *                                          store/list.c, and the few that call the system themselves
 *
 * It is the process's and not a session's: one forgotten place must not be a way around it. Paths are compared
 * without links, "." and "..", as the system would follow them; what is opened is looked at once more, so
 * that a link exchanged meanwhile leads nowhere either. URLs are compared as texts, part by part: "s3://bucket/a" allows
 * s3a://bucket/a and what lies below, "https://host/a" the same of a web server. Spill files and time zones are no program's paths.
 */
#ifndef CH_STORE_ACCESS_H
#define CH_STORE_ACCESS_H

#include <stdbool.h>

#include "base/status.h"

/* Nothing is written from now on: neither files nor the catalog. */
void ch_access_read_only(void);
/* Reads and writes only below this folder or URL, and those allowed before. It may be missing yet. */
CH_NODISCARD ch_status ch_access_allow(const char *folder, ch_error *err);
/* Is there anything that queries may not touch? */
bool ch_access_is_confined(void);
/* Everything again: for tests. */
void ch_access_reset(void);

/* path: local, "file:" or a URL. Errors CH_E_READ_ONLY, CH_E_PATH_NOT_ALLOWED; whether it exists is not told. */
CH_NODISCARD ch_status ch_access_check(const char *path, bool write, ch_error *err);
/* Is there anything that it would refuse to read? */
bool ch_access_is_limited(void);
/*
 * Shared objects, whose functions run inside of this process: ch_access_native_only(NULL) - none may be loaded from now
 * on; with a folder, besides only those below it. It is for owners of a server, whose clients could do anything otherwise.
 * ch_access_native gives the path that is to be loaded, malloc; Errors CH_E_NATIVE_NOT_ALLOWED, CH_E_IO.
 */
CH_NODISCARD ch_status ch_access_native_only(const char *folder, ch_error *err);
CH_NODISCARD ch_status ch_access_native(const char *path, const char *function, char **out,
                                        ch_error *err);
/* The same for what path led to. */
CH_NODISCARD ch_status ch_access_check_fd(int fd, const char *path, ch_error *err);

#endif
