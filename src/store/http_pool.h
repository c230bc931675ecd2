/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_pool.h - connections that are kept: libcurl's handles, by the origin they were connected to.
 *
 * A handle has one user at a time. What was used last is used first, so that few connections stay warm. Handles
 * and origins are the process's: they hold nothing of a session.
 */
#ifndef CH_STORE_HTTP_POOL_H
#define CH_STORE_HTTP_POOL_H

#include <curl/curl.h>
#include <stdatomic.h>

#include "base/status.h"

typedef struct ch_http_origin ch_http_origin;

/*
 * A handle for the URL's origin (scheme, host, port), reset. Waits while `most` are in use (0: any number), and
 * until the next request may be sent (per_second; 0: at once).
 * Errors CH_E_MEMORY, CH_E_CANCELLED, CH_E_IO (no URL).
 */
CH_NODISCARD ch_status ch_http_take_handle(const char *url, const char *shown, int most,
                                           double per_second, const _Atomic bool *cancel,
                                           CURL **handle, ch_http_origin **origin, ch_error *err);
/* good: its connection may be used again. */
void ch_http_give_handle(CURL *handle, ch_http_origin *origin, bool good);
/* "https://host:443" of the URL in out; false: it is none of http or https. */
bool ch_http_origin_of(const char *url, char *out, size_t size);
/* Sleeps in steps; CH_E_CANCELLED. */
CH_NODISCARD ch_status ch_http_sleep(int64_t ms, const _Atomic bool *cancel, ch_error *err);

#endif
