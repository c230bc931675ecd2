/* SPDX-License-Identifier: Apache-2.0 */
/* uuid.h - random UUIDs (RFC 9562, version 4), for names that must never meet. */
#ifndef CH_BASE_UUID_H
#define CH_BASE_UUID_H

#include "base/status.h"

#define CH_UUID_TEXT 37 /* 36 characters and NUL */

/* Errors CH_E_IO, when the system gives no random bytes. */
CH_NODISCARD ch_status ch_uuid(char out[CH_UUID_TEXT], ch_error *err);

#endif
