/* SPDX-License-Identifier: Apache-2.0 */
/* runner_check.c - an answer against a block. */
#include "runner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void answer_free(answer *a)
{
    free(a->class);
    free(a->message);
    free(a->shown);
    list_free(&a->param_name);
    list_free(&a->param_value);
    list_free(&a->name);
    list_free(&a->type);
    list_free(&a->cells);
    *a = (answer){0};
}

/* ---- pieces ---- */

/* s with `from` replaced; takes s. */
static char *replaced(char *s, const char *from, const char *to)
{
    string t = {0};
    size_t n = strlen(from);
    const char *rest = s;
    text_add(&t, "", 0);
    for (const char *at; n && (at = strstr(rest, from)); rest = at + n) {
        text_add(&t, rest, (size_t)(at - rest));
        text_adds(&t, to);
    }
    text_adds(&t, rest);
    free(s);
    return t.data;
}

/* The same with the private folder called {tmp} again, and the repository {root}. */
static char *hide_tmp(const char *s, const char *tmp)
{
    char *root = getcwd(NULL, 0), *out = replaced(strdup(s), tmp, "{tmp}");
    out = replaced(out, root ? root : "", "{root}");
    free(root);
    return out;
}

static void split_lines(const char *s, list *out)
{
    for (;;) {
        size_t n = strcspn(s, "\n");
        list_add(out, s, n);
        if (!s[n])
            return;
        s += n + 1;
    }
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void sort_lines(list *l)
{
    if (l->n)
        qsort(l->item, l->n, sizeof *l->item, by_bytes);
    for (size_t i = 0; i < l->n; i++)
        l->len[i] = strlen(l->item[i]);
}

static bool same_lists(const list *a, const list *b)
{
    bool same = a->n == b->n;
    for (size_t i = 0; same && i < a->n; i++)
        same = strcmp(a->item[i], b->item[i]) == 0;
    return same;
}

static void add_line(string *out, const char *mark, const char *line)
{
    text_adds(out, mark);
    text_adds(out, line);
    text_addc(out, '\n');
}

/*
 * Line difference by longest common subsequence; equal lines are shown around a change only. Beyond
 * LCS_MAX lines, both sides are shown from the first difference on.
 */
#define LCS_MAX 600
#define SHOWN_MAX 60

static void diff(const list *want, const list *got, string *out)
{
    size_t n = want->n, m = got->n;
    if (n > LCS_MAX || m > LCS_MAX) {
        size_t i = 0;
        while (i < n && i < m && strcmp(want->item[i], got->item[i]) == 0)
            i++;
        char line[80];
        snprintf(line, sizeof line, "row %zu of %zu wanted, %zu given:", i + 1, n, m);
        add_line(out, "  ", line);
        for (size_t k = i; k < n && k < i + 5; k++)
            add_line(out, "- ", want->item[k]);
        for (size_t k = i; k < m && k < i + 5; k++)
            add_line(out, "+ ", got->item[k]);
        return;
    }
    uint16_t *lcs = calloc((n + 1) * (m + 1), sizeof *lcs);
    if (!lcs)
        return;
#define AT(i, j) lcs[(i) * (m + 1) + (j)]
    for (size_t i = n; i-- > 0;)
        for (size_t j = m; j-- > 0;)
            AT(i, j) = strcmp(want->item[i], got->item[j]) == 0 ? (uint16_t)(AT(i + 1, j + 1) + 1)
                       : AT(i + 1, j) > AT(i, j + 1)            ? AT(i + 1, j)
                                                                : AT(i, j + 1);
    int shown = 0;
    for (size_t i = 0, j = 0; (i < n || j < m) && shown < SHOWN_MAX; shown++) {
        if (i < n && j < m && strcmp(want->item[i], got->item[j]) == 0) {
            add_line(out, "  ", want->item[i]);
            i++;
            j++;
        } else if (i < n && (j == m || AT(i + 1, j) >= AT(i, j + 1))) {
            add_line(out, "- ", want->item[i++]);
        } else {
            add_line(out, "+ ", got->item[j++]);
        }
    }
    if (shown == SHOWN_MAX)
        add_line(out, "  ", "...");
    free(lcs);
#undef AT
}

static void header_text(const block *b, const list *name, const list *type, string *out)
{
    text_adds(out, b->unordered ? "query unordered" : "query");
    for (size_t i = 0; i < name->n; i++) {
        text_addc(out, ' ');
        column_write(name->item[i], type->item[i], out);
    }
}

/* Lines of the answer as the file would have them. */
static void row_lines(const block *b, const answer *a, list *lines)
{
    rows_write(&a->cells, a->name.n, lines);
    if (b->unordered)
        sort_lines(lines);
}

static void shown_lines(const answer *a, list *lines)
{
    size_t n = strlen(a->shown);
    while (n && a->shown[n - 1] == '\n')
        n--;
    char *copy = strndup(a->shown, n);
    split_lines(copy, lines);
    free(copy);
}

/* ---- kinds of blocks ---- */

static void check_query(const block *b, const answer *a, string *out)
{
    if (!same_lists(&b->name, &a->name) || !same_lists(&b->type, &a->type)) {
        text_adds(out, "- ");
        header_text(b, &b->name, &b->type, out);
        text_adds(out, "\n+ ");
        header_text(b, &a->name, &a->type, out);
        text_addc(out, '\n');
    }
    list want = {0}, got = {0}, cells = {0};
    bool readable = true;
    for (size_t i = 0; i < b->expect.n && readable; i++) {
        size_t before = cells.n;
        readable = cells_split(b->expect.item[i], &cells) && cells.n - before == a->name.n;
        if (!readable) {
            add_line(out, "  ", "this expected row has another number of cells, or a bad quote:");
            add_line(out, "- ", b->expect.item[i]);
        }
    }
    row_lines(b, a, &got);
    if (readable) {
        rows_write(&cells, a->name.n, &want);
        if (b->unordered)
            sort_lines(&want);
        if (!same_lists(&want, &got))
            diff(&want, &got, out);
    }
    list_free(&want);
    list_free(&got);
    list_free(&cells);
}

static const char *param_of(const answer *a, const char *name)
{
    for (size_t i = 0; i < a->param_name.n; i++)
        if (strcmp(a->param_name.item[i], name) == 0)
            return a->param_value.item[i];
    return NULL;
}

static void check_error(const block *b, const answer *a, const char *tmp, string *out)
{
    if (strcmp(b->class, a->class) != 0) {
        add_line(out, "- error ", b->class);
        add_line(out, "+ error ", a->class);
        add_line(out, "  ", a->message);
        return;
    }
    list message = {0};
    for (size_t i = 0; i < b->expect.n; i++) {
        const char *line = b->expect.item[i];
        if (*line == '|') {
            const char *rest = line + 1 + (line[1] == ' ');
            list_add(&message, rest, strlen(rest));
            continue;
        }
        list cells = {0};
        if (!cells_split(line, &cells) || cells.n != 2 || !cells.item[0]) {
            add_line(out, "  a parameter is `name | value`: ", line);
        } else {
            const char *value = param_of(a, cells.item[0]);
            char *hidden = hide_tmp(value ? value : "(absent)", tmp);
            if (!cells.item[1] || strcmp(hidden, cells.item[1]) != 0) {
                add_line(out, "- ", line);
                text_adds(out, "+ ");
                text_adds(out, cells.item[0]);
                text_adds(out, " | ");
                cell_write(hidden, strlen(hidden), out);
                text_addc(out, '\n');
            }
            free(hidden);
        }
        list_free(&cells);
    }
    if (message.n) {
        list got = {0};
        char *hidden = hide_tmp(a->message, tmp);
        split_lines(hidden, &got);
        if (!same_lists(&message, &got))
            diff(&message, &got, out);
        free(hidden);
        list_free(&got);
    }
    list_free(&message);
}

char *block_check(const block *b, const answer *a, const char *tmp)
{
    string out = {0};
    if (a->failed && b->kind != ERROR) {
        text_adds(&out, "+ error ");
        text_adds(&out, a->class);
        text_addc(&out, '\n');
        add_line(&out, "  ", a->message);
    } else if (!a->failed && b->kind == ERROR) {
        list got = {0};
        add_line(&out, "- error ", b->class);
        add_line(&out, "+ ", "(it succeeded)");
        row_lines(b, a, &got);
        for (size_t i = 0; i < got.n && i < 10; i++)
            add_line(&out, "+ ", got.item[i]);
        list_free(&got);
    } else if (b->kind == QUERY) {
        check_query(b, a, &out);
    } else if (b->kind == SHOW) {
        list got = {0};
        shown_lines(a, &got);
        if (!same_lists(&b->expect, &got))
            diff(&b->expect, &got, &out);
        list_free(&got);
    } else if (b->kind == ERROR) {
        check_error(b, a, tmp, &out);
    }
    return out.data;
}

void block_accept(const block *b, const answer *a, const char *tmp, string *out)
{
    list lines = {0};
    for (size_t i = 0; i < b->comments.n; i++)
        add_line(out, "", b->comments.item[i]);
    bool expect = false;
    if (a->failed) {
        text_adds(out, "error ");
        text_adds(out, a->class);
        expect = b->kind == ERROR && b->has_expect;
        for (size_t i = 0; expect && i < b->expect.n; i++) {
            const char *line = b->expect.item[i];
            size_t n = strcspn(line, " |");
            char *name = strndup(line, n);
            const char *value = n ? param_of(a, name) : NULL;
            if (value) {
                char *hidden = hide_tmp(value, tmp);
                string row = {0};
                text_adds(&row, name);
                text_adds(&row, " | ");
                cell_write(hidden, strlen(hidden), &row);
                list_add(&lines, row.data, row.len);
                text_free(&row);
                free(hidden);
            }
            free(name);
        }
    } else if (b->kind == SHOW) {
        text_adds(out, b->header);
        shown_lines(a, &lines);
        expect = true;
    } else if (b->kind == STATEMENT) {
        text_adds(out, b->header);
    } else {
        header_text(b, &a->name, &a->type, out);
        row_lines(b, a, &lines);
        expect = true;
    }
    add_line(out, b->note, "");
    add_line(out, "", b->sql);
    if (expect)
        add_line(out, "", "----");
    for (size_t i = 0; i < lines.n; i++)
        add_line(out, "", lines.item[i]);
    list_free(&lines);
}
