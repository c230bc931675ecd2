/* SPDX-License-Identifier: Apache-2.0 */
/* edits.h - how far apart two names are, for "Did you mean". */
#ifndef CH_BASE_EDITS_H
#define CH_BASE_EDITS_H

#include <stdbool.h>

/* Letters to change, add or leave out to come from a to b (Levenshtein), upper and lower case being the same;
 * 99 for names of more than 62 bytes. */
int ch_edits(const char *a, const char *b);

/* Searches the name nearest to one: offer() the candidates, then `best` is it, or NULL. Borrows all names. */
typedef struct ch_nearest {
    const char *name, *best;
    int edits; /* of best */
} ch_nearest;
#define CH_NEAREST(n) ((ch_nearest){.name = (n), .edits = 99})
/* Is it the best up to now, with at most a third of the name's letters changed? */
bool ch_nearest_offer(ch_nearest *near, const char *candidate);

#endif
