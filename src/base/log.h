/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log.h - structured log lines on stderr: time, level, room, event, key=value pairs.
 *
 *   CH_LOG(INFO, "exec", "spill", "operator", "aggregate", "bytes", CH_I64(n));
 *   2026-11-21T03:30:49.123Z INFO exec spill operator=aggregate bytes=1048576
 *
 * Values with spaces or quotes are quoted. The level is process-wide and starts at WARN;
 * CHERT_LOG=debug|info|warn|error|off sets it. A line is one write(2), so lines of threads
 * never mix.
 */
#ifndef CH_BASE_LOG_H
#define CH_BASE_LOG_H

typedef enum ch_log_level {
    CH_LOG_DEBUG,
    CH_LOG_INFO,
    CH_LOG_WARN,
    CH_LOG_ERROR,
    CH_LOG_OFF
} ch_log_level;

void ch_log_set_level(ch_log_level level);
ch_log_level ch_log_get_level(void);
/* "info" -> CH_LOG_INFO, without case; -1 when there is no such level. */
int ch_log_level_of(const char *name);

/* Pairs of (const char *key, const char *value), then NULL. */
void ch_log_write(ch_log_level level, const char *room, const char *event, ...)
    __attribute__((sentinel));

#define CH_LOG(LEVEL, room, event, ...)                                                \
    do {                                                                               \
        if (CH_LOG_##LEVEL >= ch_log_get_level())                                      \
            ch_log_write(CH_LOG_##LEVEL, room, event, ##__VA_ARGS__, (const char *)0); \
    } while (0)

#endif
