/* SPDX-License-Identifier: Apache-2.0 */
/* submit_conf.h - Spark's settings from --conf and from properties files: keys in order, each once. */
#ifndef CH_CLI_SUBMIT_CONF_H
#define CH_CLI_SUBMIT_CONF_H

#include <stdbool.h>
#include <stddef.h>

typedef struct ch_submit_conf {
    char **pair; /* key, value, key, value ...; malloc, as are the texts */
    int n;       /* texts, twice the number of keys */
} ch_submit_conf;

/*
 * conf[key] = value, also where key has one already; with `keep` that one stays.
 *   key    borrows  text of key_len bytes
 * Result: false when there is no memory.
 */
bool ch_submit_conf_set(ch_submit_conf *conf, const char *key, size_t key_len, const char *value,
                        bool keep);
/* NULL when there is none. */
const char *ch_submit_conf_get(const ch_submit_conf *conf, const char *key);
void ch_submit_conf_release(ch_submit_conf *conf);

/*
 * Adds what a file of Java properties says, as spark-defaults.conf does: "key value", "key=value" or "key: value" a line,
 * comments after # or !, lines joined by a backslash at the end, \uXXXX. Keys that conf has stay as they are.
 *   ignored  gives  the first key that does not begin with "spark."; NULL if there is none; malloc
 * Result: 0, or an errno.
 */
int ch_submit_conf_read(ch_submit_conf *conf, const char *path, char **ignored);

#endif
