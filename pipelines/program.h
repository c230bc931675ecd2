/* SPDX-License-Identifier: Apache-2.0 */
/* program.h - what the programs share: errors of their own, paths, settings, random numbers. */
#ifndef CHERT_PIPELINES_PROGRAM_H
#define CHERT_PIPELINES_PROGRAM_H

#include <chert/chert.h>

/* ---- errors: in the struct that the caller frees with chert_error_free(); an error already there stays ---- */

/* Always gives a code other than 0. error_class and sqlstate are static. */
int chert_fail(chert_error *err, const char *error_class, const char *sqlstate, const char *format,
               ...) __attribute__((format(printf, 4, 5)));
/* "Cannot read 'path': ..." for errno, of its class. */
int chert_fail_io(chert_error *err, const char *action, const char *path);

/* ---- texts and paths ---- */

/* As printf has it, malloc; NULL: no memory. */
char *chert_print(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* folder/name, malloc; NULL: no memory. */
char *chert_path(const char *folder, const char *name);
/* The folder and the files in it. */
void chert_remove_folder(const char *folder);

/* ---- settings: the environment, and behind it a file of NAME=VALUE lines ---- */

typedef struct chert_settings {
    char **name, **value;
    int n;
} chert_settings;

/*
 * Reads path (".env"), one that is not there is empty. Lines are NAME=VALUE, blank, or begin with '#'; "export " may
 * stand before NAME, quotes around VALUE. Result 0, or a code with err naming file and line.
 */
int chert_settings_read(chert_settings *settings, const char *path, chert_error *err);
/* Of the environment, else of the file; NULL: neither has it, or it is empty. Borrowed. */
const char *chert_setting(const chert_settings *settings, const char *name);
void chert_settings_free(chert_settings *settings);

/* ---- random numbers: splitmix64 (Steele, Lea, Flood 2014), a counter through a mixer ---- */

static inline uint64_t chert_random(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9E3779B97F4A7C15));
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}
/* In [0, 1). */
static inline double chert_random_unit(uint64_t *state)
{
    return (double)(chert_random(state) >> 11) * 0x1p-53;
}

#endif
