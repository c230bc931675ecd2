/* SPDX-License-Identifier: Apache-2.0 */
/* runner_main.c - sql_runner [--vary] [--fail-alloc] [--accept] [-v] FILE-OR-FOLDER... */
#include "runner.h"

#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char USAGE[] = "usage: sql_runner [OPTION]... FILE-OR-FOLDER...\n"
                            "  --vary        run each file with batches of 1, 7 and 4096 rows, 1 "
                            "and 4 threads, and 8 MiB too\n"
                            "  --fail-alloc  let the 1st, 2nd, ... allocation of each statement "
                            "fail: the answer is right,\n"
                            "                or it is OUT_OF_MEMORY and nothing leaks\n"
                            "  --accept      write what came out into files whose oracle is chert\n"
                            "  -v            name the files that pass\n"
                            "The format is described in docs/testing.md.\n";

static struct {
    bool vary, fail_alloc, accept, verbose;
    const char *self;
} opt;

static const variation PLAIN = {"", 2, 0, 0};
static const variation VARIATIONS[] = {
    {"batches of 1 row, 1 thread", 1, 1, 0},
    {"batches of 7 rows, 4 threads", 4, 7, 0},
    {"batches of 4096 rows, 1 thread", 1, 4096, 0},
    {"batches of 4096 rows, 4 threads, 8 MiB", 4, 4096, (int64_t)8 << 20},
};

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st, (void)flag, (void)ftw;
    return remove(path);
}

/* {tmp} in sql becomes the folder. */
static char *with_tmp(const char *sql, const char *tmp)
{
    string t = {0};
    text_add(&t, "", 0);
    for (const char *at; (at = strstr(sql, "{tmp}")); sql = at + 5) {
        text_add(&t, sql, (size_t)(at - sql));
        text_adds(&t, tmp);
    }
    text_adds(&t, sql);
    while (t.len && (t.data[t.len - 1] == ';' || t.data[t.len - 1] == ' '))
        t.data[--t.len] = 0;
    return t.data;
}

static void print_failure(const file *f, const block *b, const variation *v, const char *what)
{
    printf("%s:%d: %s%s%s\n", f->path, b->line, b->header, *v->label ? "   with " : "", v->label);
    for (const char *p = b->sql; *p;) {
        size_t n = strcspn(p, "\n");
        printf("    %.*s\n", (int)n, p);
        p += n + (p[n] == '\n');
    }
    printf("%s", what);
    printf("again: %s%s%s %s\n\n", opt.self, *v->label ? " --vary" : "",
           opt.fail_alloc ? " --fail-alloc" : "", f->path);
}

/* With every allocation failing in turn until none fails any more; the last answer is given. */
static void run_failing(engine *e, const char *sql, const block *b, const char *tmp, answer *last,
                        string *problem)
{
    for (int64_t n = 1;; n += 1 + n / 16) {
        int64_t made;
        engine_run(e, sql, b, n, &made, last);
        /* Done by an earlier run, which had no memory left to say so. */
        if (b->kind == STATEMENT && n > 1 && last->failed &&
            (strstr(last->class, "ALREADY_EXIST") || strstr(last->class, "NOT_FOUND"))) {
            answer_free(last);
            return;
        }
        if (made < n || problem->len)
            return;
        if (!last->out_of_memory) {
            char *wrong = block_check(b, last, tmp);
            if (wrong) {
                char head[80];
                snprintf(head, sizeof head, "allocation %lld failed, and then:\n", (long long)n);
                text_adds(problem, head);
                text_adds(problem, wrong);
            }
            free(wrong);
            /* A statement that went through must not be run twice. */
            if (b->kind == STATEMENT && !last->failed)
                return;
        }
        answer_free(last);
    }
}

/* True when all blocks pass. accepted, if not NULL, becomes the file with new expectations. */
static bool run_file(const file *f, const variation *v, string *accepted)
{
    char tmp[] = "/tmp/chert-test-XXXXXX";
    bool passed = true;
    if (!mkdtemp(tmp)) {
        perror("sql_runner: mkdtemp");
        exit(2);
    }
    char warehouse[sizeof tmp + 16];
    snprintf(warehouse, sizeof warehouse, "%s/warehouse", tmp);
    engine *e = engine_new(v, warehouse);
    for (size_t i = 0; i < f->n_blocks; i++) {
        const block *b = &f->block[i];
        char *sql = with_tmp(b->sql, tmp);
        answer a = {0};
        string problem = {0};
        if (opt.fail_alloc)
            run_failing(e, sql, b, tmp, &a, &problem);
        else
            engine_run(e, sql, b, 0, NULL, &a);
        char *wrong = problem.len ? problem.data : block_check(b, &a, tmp);
        if (accepted)
            block_accept(b, &a, tmp, accepted);
        else if (wrong)
            print_failure(f, b, v, wrong);
        passed = passed && !wrong;
        free(wrong);
        answer_free(&a);
        free(sql);
    }
    int64_t left = engine_free(e);
    if (left) {
        printf("%s: %lld bytes are still charged at the end%s%s\n\n", f->path, (long long)left,
               *v->label ? ", with " : "", v->label);
        passed = false;
    }
    nftw(tmp, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    return passed;
}

static bool accept_file(const file *f)
{
    if (f->from_spark) {
        printf("%s: its oracle is Spark; record it with tools/oracle/oracle record_test\n",
               f->path);
        return false;
    }
    string t = {0};
    run_file(f, &PLAIN, &t);
    for (size_t i = 0; i < f->tail.n; i++) {
        text_adds(&t, f->tail.item[i]);
        if (i + 1 < f->tail.n)
            text_addc(&t, '\n');
    }
    FILE *out = fopen(f->path, "wb");
    bool ok = out && fwrite(t.data, 1, t.len, out) == t.len;
    ok = out && fclose(out) == 0 && ok;
    if (!ok)
        perror(f->path);
    text_free(&t);
    return ok;
}

static bool do_file(const char *path)
{
    file f;
    bool passed = false;
    char *wrong = file_read(path, &f);
    if (wrong) {
        printf("%s: %s\n", path, wrong);
    } else if (opt.accept) {
        passed = accept_file(&f);
    } else {
        passed = run_file(&f, &PLAIN, NULL);
        for (size_t i = 0; opt.vary && i < sizeof VARIATIONS / sizeof *VARIATIONS; i++)
            passed = run_file(&f, &VARIATIONS[i], NULL) && passed;
        if (passed && opt.verbose)
            printf("ok %s (%zu blocks)\n", path, f.n_blocks);
    }
    free(wrong);
    file_free(&f);
    return passed;
}

/* ---- files and folders -------------------------------------------------------------------- */

static list found;

static int collect(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st, (void)ftw;
    size_t n = strlen(path);
    if (flag == FTW_F && n > 5 && strcmp(path + n - 5, ".test") == 0)
        list_add(&found, path, n);
    return 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

int main(int argc, char **argv)
{
    opt.self = argv[0];
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (int i = 1; i < argc; i++) {
        struct stat st;
        if (strcmp(argv[i], "--vary") == 0)
            opt.vary = true;
        else if (strcmp(argv[i], "--fail-alloc") == 0)
            opt.fail_alloc = true;
        else if (strcmp(argv[i], "--accept") == 0)
            opt.accept = true;
        else if (strcmp(argv[i], "-v") == 0)
            opt.verbose = true;
        else if (argv[i][0] == '-') {
            fputs(USAGE, strcmp(argv[i], "--help") == 0 ? stdout : stderr);
            return strcmp(argv[i], "--help") == 0 ? 0 : 2;
        } else if (stat(argv[i], &st) == 0 && S_ISDIR(st.st_mode))
            nftw(argv[i], collect, 16, FTW_PHYS);
        else
            list_add(&found, argv[i], strlen(argv[i]));
    }
    if (found.n == 0) {
        fputs(USAGE, stderr);
        return 2;
    }
    qsort(found.item, found.n, sizeof *found.item, by_name);
    size_t n_failed = 0;
    for (size_t i = 0; i < found.n; i++)
        n_failed += !do_file(found.item[i]);
    if (found.n > 1 || n_failed)
        printf("%zu of %zu files passed\n", found.n - n_failed, found.n);
    list_free(&found);
    return n_failed ? 1 : 0;
}
