/* SPDX-License-Identifier: Apache-2.0 */
/* runner_parse.c - a .test file into blocks. */
#include "runner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *or_die(void *ptr)
{
    if (!ptr) {
        fputs("sql_runner: out of memory\n", stderr);
        exit(2);
    }
    return ptr;
}

void text_add(string *t, const char *bytes, size_t len)
{
    if (t->len + len + 1 > t->cap) {
        t->cap = (t->len + len + 1) * 2;
        t->data = or_die(realloc(t->data, t->cap));
    }
    if (len)
        memcpy(t->data + t->len, bytes, len);
    t->len += len;
    t->data[t->len] = 0;
}

void text_adds(string *t, const char *s)
{
    text_add(t, s, strlen(s));
}

void text_addc(string *t, char c)
{
    text_add(t, &c, 1);
}

void text_free(string *t)
{
    free(t->data);
    *t = (string){0};
}

static void list_room(list *l)
{
    if (l->n < l->cap)
        return;
    l->cap = l->cap ? l->cap * 2 : 8;
    l->item = or_die(realloc(l->item, sizeof *l->item * l->cap));
    l->len = or_die(realloc(l->len, sizeof *l->len * l->cap));
}

void list_add(list *l, const char *bytes, size_t len)
{
    string t = {0};
    text_add(&t, bytes, len);
    list_room(l);
    l->len[l->n] = len;
    l->item[l->n++] = t.data;
}

void list_add_null(list *l)
{
    list_room(l);
    l->len[l->n] = 0;
    l->item[l->n++] = NULL;
}

void list_free(list *l)
{
    for (size_t i = 0; i < l->n; i++)
        free(l->item[i]);
    free(l->item);
    free(l->len);
    *l = (list){0};
}

/* Where the note of a header begins: blanks and '#' outside backquotes; or the end. */
static size_t note_start(const char *line)
{
    bool quoted = false;
    for (size_t i = 0; line[i]; i++) {
        quoted ^= line[i] == '`';
        if (!quoted && (line[i] == ' ' || line[i] == '\t')) {
            size_t j = i + strspn(line + i, " \t");
            if (line[j] == '#' || !line[j])
                return i;
        }
    }
    return strlen(line);
}

static const char *after_word(const char *s, const char *word)
{
    size_t n = strlen(word);
    if (strncmp(s, word, n) != 0 || (s[n] && s[n] != ' '))
        return NULL;
    return s + n + strspn(s + n, " ");
}

/* What the header says; NULL, or what is wrong with it. */
static const char *understand(block *b)
{
    const char *rest, *more;
    if (strcmp(b->header, "statement ok") == 0) {
        b->kind = STATEMENT;
    } else if ((rest = after_word(b->header, "query"))) {
        b->kind = QUERY;
        if ((more = after_word(rest, "unordered"))) {
            b->unordered = true;
            rest = more;
        }
        if (!columns_split(rest, &b->name, &b->type))
            return "a column is not NAME:TYPE";
    } else if ((rest = after_word(b->header, "show"))) {
        b->kind = SHOW;
        b->show_rows = b->show_truncate = 20;
        while (*rest) {
            size_t n = strcspn(rest, " ");
            if (after_word(rest, "vertical"))
                b->show_vertical = true;
            else if (strncmp(rest, "truncate=false", 14) == 0)
                b->show_truncate = 0;
            else if (strncmp(rest, "truncate=", 9) == 0)
                b->show_truncate = atoi(rest + 9);
            else if (rest[0] >= '0' && rest[0] <= '9')
                b->show_rows = atoi(rest);
            else
                return "unknown word after show";
            rest += n + strspn(rest + n, " ");
        }
    } else if ((rest = after_word(b->header, "error")) && *rest) {
        b->kind = ERROR;
        b->class = or_die(strdup(rest));
    } else {
        return "a block begins with: statement ok, query, show or error CLASS";
    }
    if (!*b->sql)
        return "there is no SQL";
    return NULL;
}

static char *complain(int line, const char *what)
{
    char *message = NULL;
    if (asprintf(&message, "line %d: %s", line, what) < 0)
        message = NULL;
    return or_die(message);
}

static char *read_all(const char *path)
{
    FILE *in = fopen(path, "rb");
    if (!in)
        return NULL;
    string t = {0};
    char part[65536];
    size_t n;
    text_add(&t, "", 0);
    while ((n = fread(part, 1, sizeof part, in)) > 0)
        text_add(&t, part, n);
    fclose(in);
    return t.data;
}

char *file_read(const char *path, file *out)
{
    *out = (file){.path = or_die(strdup(path))};
    char *all = read_all(path);
    if (!all)
        return complain(0, "cannot read the file");
    list lines = {0}, comments = {0};
    for (char *p = all;;) {
        size_t n = strcspn(p, "\n");
        list_add(&lines, p, n);
        if (!p[n])
            break;
        p += n + 1;
    }
    free(all);

    char *wrong = NULL;
    const char *first = lines.item[0];
    out->from_spark = strstr(first, "oracle: spark-") != NULL;
    if (strncmp(first, "# what: ", 8) != 0 || (!out->from_spark && !strstr(first, "oracle: chert")))
        wrong =
            complain(1, "the first line is `# what: ...  oracle: spark-4.x` or `oracle: chert`");
    if (!wrong && lines.n > 151 && strstr(path, "tests/sql/"))
        wrong = complain(151, "a .test file has at most 150 lines");
    for (size_t i = 0; i < lines.n && !wrong;) {
        const char *line = lines.item[i];
        if (!*line || *line == '#') {
            list_add(&comments, line, strlen(line));
            i++;
            continue;
        }
        out->block = or_die(realloc(out->block, sizeof *out->block * (out->n_blocks + 1)));
        block *b = &out->block[out->n_blocks++];
        size_t note = note_start(line);
        *b = (block){.line = (int)i + 1, .comments = comments};
        comments = (list){0};
        b->header = or_die(strndup(line, note));
        b->note = or_die(strdup(line + note));
        string sql = {0};
        text_add(&sql, "", 0);
        for (i++; i < lines.n && *lines.item[i]; i++) {
            if (b->has_expect) {
                list_add(&b->expect, lines.item[i], lines.len[i]);
            } else if (strcmp(lines.item[i], "----") == 0) {
                b->has_expect = true;
            } else {
                if (sql.len)
                    text_addc(&sql, '\n');
                text_adds(&sql, lines.item[i]);
            }
        }
        b->sql = sql.data;
        const char *problem = understand(b);
        if (problem)
            wrong = complain(b->line, problem);
    }
    out->tail = comments;
    list_free(&lines);
    return wrong;
}

void file_free(file *f)
{
    for (size_t i = 0; i < f->n_blocks; i++) {
        block *b = &f->block[i];
        list_free(&b->comments);
        list_free(&b->expect);
        list_free(&b->name);
        list_free(&b->type);
        free(b->header);
        free(b->note);
        free(b->sql);
        free(b->class);
    }
    free(f->block);
    list_free(&f->tail);
    free(f->path);
    *f = (file){0};
}
