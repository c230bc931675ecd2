/* SPDX-License-Identifier: Apache-2.0 */
/* civil.h - dates and times out of numbers, with java.time's words for those that are none. */
#ifndef CH_FUNCTION_CIVIL_H
#define CH_FUNCTION_CIVIL_H

#include "function/support.h"
#include "type/datetime.h"

/*
 * Is it a date and a time? If not, `why` (at least 128 bytes) gets what java.time.LocalDateTime.of says.
 * micros is 0..999999 whenever the rest is right.
 */
bool ch_civil_check(const ch_civil *c, char *why);
/* The session's zone. */
CH_NODISCARD ch_status ch_session_zone(const ch_call *call, const ch_zone **out, ch_error *err);

#endif
