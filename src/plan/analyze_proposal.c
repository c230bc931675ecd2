/* SPDX-License-Identifier: Apache-2.0 */
/*
 * analyze_proposal.c - "did you mean": the names nearest to one that nothing has.
 *
 * As Spark ranks them: by Levenshtein distance between the name as written and the candidate in backquotes,
 * then by the column's name. Qualifiers that all candidates share are left out.
 */
#include <stdlib.h>

#include "plan/analyzer.h"

typedef struct near_name {
    const char *text, *last; /* whole, and the column alone */
    int32_t distance;
} near_name;

static int by_distance(const void *x, const void *y)
{
    const near_name *a = x, *b = y;
    if (a->distance != b->distance)
        return a->distance - b->distance;
    int by_last = strcmp(a->last, b->last);
    return by_last ? by_last : strcmp(a->text, b->text);
}

/* Levenshtein; row is the table's last line, of |y| + 1 numbers. */
static int32_t distance(const char *x, const char *y, int32_t *row)
{
    size_t n = strlen(y);
    for (size_t j = 0; j <= n; j++)
        row[j] = (int32_t)j;
    for (size_t i = 1; x[i - 1]; i++) {
        int32_t diagonal = row[0];
        row[0] = (int32_t)i;
        for (size_t j = 1; j <= n; j++) {
            int32_t replace = diagonal + (x[i - 1] != y[j - 1]);
            int32_t insert = row[j - 1] + 1, drop = row[j] + 1;
            diagonal = row[j];
            int32_t best = insert < drop ? insert : drop;
            row[j] = replace < best ? replace : best;
        }
    }
    return row[n];
}

/* Do all names have the same parts, apart from the last `keep`? */
static bool same_prefix(const ch_str_list *name, int32_t n, int32_t keep)
{
    for (int32_t i = 1; i < n; i++) {
        int32_t m = name[0].n > keep ? name[0].n - keep : 0;
        if ((name[i].n > keep ? name[i].n - keep : 0) != m)
            return false;
        for (int32_t k = 0; k < m; k++)
            if (strcmp(name[0].item[k], name[i].item[k]) != 0)
                return false;
    }
    return true;
}

static char *names_plain(ch_arena *arena, const ch_str_list *parts, ch_error *err)
{
    ch_buf buf;
    ch_buf_init(&buf, arena->mem);
    char *text = ch_names_print(parts, &buf, err) == CH_OK
                     ? ch_arena_strn(arena, buf.data ? buf.data : "", buf.len, err)
                     : NULL;
    ch_buf_release(&buf);
    return text;
}

static ch_status rank_names(ch_analyzer *a, ch_str_list *name, int32_t n, const ch_str_list *parts,
                            char **out, ch_error *err)
{
    int32_t keep = parts->n == 1 && same_prefix(name, n, 1)   ? 1
                   : parts->n <= 2 && same_prefix(name, n, 2) ? 2
                                                              : INT32_MAX;
    near_name *near;
    CH_ARENA_ARRAY(near, a->arena, n, err);
    char *base;
    CH_AN_NEW(base, names_plain(a->arena, parts, err));
    for (int32_t i = 0; i < n; i++) {
        ch_str_list shown = name[i];
        if (shown.n > keep) {
            shown.item += shown.n - keep;
            shown.n = keep;
        }
        CH_AN_NEW(near[i].text, ch_names_quoted(a->arena, &shown, err));
        near[i].last = name[i].item[name[i].n - 1];
        int32_t *row;
        CH_ARENA_ARRAY(row, a->arena, strlen(near[i].text) + 1, err);
        near[i].distance = distance(base, near[i].text, row);
    }
    qsort(near, (size_t)n, sizeof *near, by_distance);
    char *text = ch_arena_str(a->arena, "", err);
    for (int32_t i = 0; i < n && i < 5 && text; i++)
        text = ch_arena_printf(a->arena, err, "%s%s%s", text, i ? ", " : "", near[i].text);
    CH_AN_NEW(*out, text);
    return CH_OK;
}

ch_status ch_an_proposal(ch_analyzer *a, const ch_an_scope *scope, const ch_str_list *parts,
                         char **out, ch_error *err)
{
    ch_str_list *name;
    int32_t n = 0, room = 1;
    int32_t tiers = scope->proposal ? 1 : scope->n_tiers;
    const ch_attr_list *const *tier = scope->proposal ? &scope->proposal : scope->tier;
    *out = NULL;
    for (int32_t t = 0; t < tiers; t++)
        room += tier[t]->n;
    CH_ARENA_ARRAY(name, a->arena, room, err);
    for (int32_t t = 0; t < tiers; t++)
        for (int32_t i = 0; i < tier[t]->n; i++) {
            const ch_attr *attr = tier[t]->item[i];
            if (attr->hidden)
                continue;
            for (int32_t k = 0; k < attr->qualifier.n; k++)
                CH_TRY(ch_str_list_add(a->arena, &name[n], attr->qualifier.item[k], err));
            CH_TRY(ch_str_list_add(a->arena, &name[n], attr->name, err));
            n++;
        }
    return n ? rank_names(a, name, n, parts, out, err) : CH_OK;
}
