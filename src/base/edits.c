/* SPDX-License-Identifier: Apache-2.0 */
/* edits.c - see edits.h. */
#include "base/edits.h"

#include <ctype.h>
#include <string.h>

enum { MOST = 62, FAR = 99 };

int ch_edits(const char *a, const char *b)
{
    int row[MOST + 2], n = (int)strnlen(b, MOST + 1);
    if (n > MOST || strnlen(a, MOST + 1) > MOST)
        return FAR;
    for (int j = 0; j <= n; j++)
        row[j] = j;
    for (int i = 1; *a; a++, i++) {
        int corner = row[0], x = tolower((unsigned char)*a);
        row[0] = i;
        for (int j = 1; j <= n; j++) {
            int change = corner + (x != tolower((unsigned char)b[j - 1]));
            int skip = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
            corner = row[j];
            row[j] = change < skip ? change : skip;
        }
    }
    return row[n];
}

bool ch_nearest_offer(ch_nearest *near, const char *candidate)
{
    int edits = ch_edits(near->name, candidate), most = (int)strnlen(near->name, FAR) / 3;
    if (edits >= near->edits || edits > (most > 1 ? most : 1))
        return false;
    near->best = candidate;
    near->edits = edits;
    return true;
}
