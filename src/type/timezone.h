/* SPDX-License-Identifier: Apache-2.0 */
/*
 * timezone.h - time zones: UTC to wall clock and back.
 *
 * Zones are read once from the system's TZif files, kept for the life of the process and
 * immutable, so a pointer may be kept anywhere; their number is bounded by the zone names
 * there are. After the file's last transition the POSIX rule in its footer goes on for ever.
 *
 * Wall-clock times that do not exist or exist twice are read as java.time does: in a gap the time
 * moves forward by the gap's length, in an overlap the earlier of the two moments is taken.
 * Both are "the offset that was valid before the change".
 */
#ifndef CH_TYPE_TIMEZONE_H
#define CH_TYPE_TIMEZONE_H

#include "base/status.h"

typedef struct ch_zone ch_zone;

extern const ch_zone ch_zone_utc;

/*
 * The zone called name: "UTC", "Z", "Europe/Paris", "+02:00", "-8", "GMT+1", "UTC+01:30", and the
 * short names that Spark knows (PST, CST ...). NULL with err CH_E_INVALID_TIMEZONE.
 * Threads: any. Cost: a lookup; the first use of a zone reads its file.
 */
const ch_zone *ch_zone_find(const char *name, int64_t len, ch_error *err);
/* As given to ch_zone_find. */
const char *ch_zone_name(const ch_zone *zone);

/* Seconds to add to UTC, at a moment in seconds since the epoch. */
int32_t ch_zone_offset(const ch_zone *zone, int64_t utc_s);
/* "CET", "PST" at that moment, as date_format's z prints it ("UTC", "+02:00" for fixed offsets). */
const char *ch_zone_abbreviation(const ch_zone *zone, int64_t utc_s);
/* True when every moment has the same offset, *offset_s. */
bool ch_zone_is_fixed(const ch_zone *zone, int32_t *offset_s);

/* Microseconds both ways; local is a TIMESTAMP_NTZ. */
int64_t ch_zone_to_local(const ch_zone *zone, int64_t utc_us);
int64_t ch_zone_to_utc(const ch_zone *zone, int64_t local_us);

/*
 * For loops: the offset, and the range of moments [from_s, until_s) where it is valid, so that
 * the next lookup is needed only outside of it.
 */
typedef struct ch_zone_span {
    int64_t from_s, until_s;
    int32_t offset_s;
} ch_zone_span;
ch_zone_span ch_zone_span_at(const ch_zone *zone, int64_t utc_s);

#endif
