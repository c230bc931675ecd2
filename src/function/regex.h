/* SPDX-License-Identifier: Apache-2.0 */
/*
 * regex.h - Java's regular expressions on PCRE2 with its JIT.
 *
 * Patterns mean in PCRE2 what they mean in java.util.regex, but for what ch_regex_use translates: the
 * POSIX names \p{Alpha} ..., and the rule that only '\n' and its kin end a line.
 *
 * A matcher is the private state of one worker: it keeps the last pattern compiled, so a
 * constant pattern is compiled once.
 */
#ifndef CH_FUNCTION_REGEX_H
#define CH_FUNCTION_REGEX_H

#include "function/support.h"

typedef struct ch_regex ch_regex;

/* open() and close() of functions that use a matcher. */
ch_status ch_regex_open(const ch_call *call, void **state, ch_error *err);
void ch_regex_close(const ch_call *call, void *state);

/* Makes pattern the current one. Errors: INVALID_REGEX naming `function`. */
CH_NODISCARD ch_status ch_regex_use(ch_regex *re, ch_str pattern, const char *function,
                                    ch_error *err);
/* Finds the first match at or after byte `from`; NULL bytes are fine. */
bool ch_regex_find(ch_regex *re, ch_str text, int64_t from);
/* Groups of the last match: 0 is the whole. False: no such group, or it took no part. */
bool ch_regex_group(const ch_regex *re, int group, int64_t *start, int64_t *end);
int ch_regex_groups(const ch_regex *re);
/* *out: does the pattern match the whole text? For one question; `pattern` is compiled each time. */
CH_NODISCARD ch_status ch_regex_is_whole(ch_mem *mem, const char *pattern, const char *text,
                                         bool case_sensitive, bool *out, ch_error *err);
/* Number of a named group, -1 if there is none. */
int ch_regex_named(const ch_regex *re, const char *name);

#endif
