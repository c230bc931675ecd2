/* SPDX-License-Identifier: Apache-2.0 */
/*
 * neo_fetch.c - from the API to partitions.
 *
 *   page 0 ... n --GET--> .neo/page-000001.json --read as JSON--> objects --+--> rows ------> raw/batch-number=.../
 *                                                                          +--> misfits ---> rejected/
 *
 * The journal .neo/journal says which pages are done; it goes when all are. So a run that was killed, or in which pages
 * failed, is gone on with by the same command.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "folders.h"
#include "pipelines/neo.h"
#include "pipelines/neo_http.h"
#include "pipelines/neo_rows.h"
#include "pipelines/neo_sample.h"
#include "pipelines/program.h"

#define PAGE CHERT_NEO_PAGE
#define REQUESTS_PER_SECOND 2
#define TRIES 5

typedef struct run {
    chert_session *session;
    const chert_neo_fetch_options *o;
    chert_neo_fetch_report *report;
    chert_http *http;
    char *work; /* OUTPUT_DIR/.neo */
    int lock, journal;
    bool *done; /* per page from first_page on: by an earlier run */
    int64_t first_page, n_pages;
} run;

static void tell(const run *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void tell(const run *r, const char *format, ...)
{
    char line[1024];
    va_list args;
    if (!r->o->tell)
        return;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    r->o->tell(line);
}

static bool stopped(const run *r)
{
    return r->o->stop && *r->o->stop;
}

static int no_memory(chert_error *err)
{
    return chert_fail(err, "OUT_OF_MEMORY", "53200", "No memory for a path");
}

/* ---- journal ----------------------------------------------------------------------------- */

/* What must be the same for one run to go on where another stopped. */
static char *heading(const run *r)
{
    char *line;
    return asprintf(&line, "chert neo fetch, 1: %lld %lld %s\n", (long long)r->o->first,
                    (long long)r->o->last, r->o->api_url) < 0
               ? NULL
               : line;
}

/* Marks the pages that the journal calls done; false: it is another run's, or none. */
static bool read_journal(run *r, const char *path, const char *head)
{
    FILE *in = fopen(path, "r");
    char *line = NULL;
    size_t cap = 0;
    bool mine = in && getline(&line, &cap, in) > 0 && strcmp(line, head) == 0;
    while (mine && getline(&line, &cap, in) > 0) {
        long long page;
        char end;
        /* The full stop: a number that was cut off is another page's. */
        if (sscanf(line, "done %lld%c", &page, &end) == 2 && end == '.' && page >= r->first_page &&
            page < r->first_page + r->n_pages)
            r->done[page - r->first_page] = true;
    }
    free(line);
    if (in)
        fclose(in);
    return mine;
}

static int append(int fd, const char *line)
{
    size_t n = strlen(line);
    return write(fd, line, n) == (ssize_t)n && fdatasync(fd) == 0 ? 0 : -1;
}

static int begin_journal(run *r, chert_error *err)
{
    char *path = chert_path(r->work, "journal"), *head = heading(r);
    int failed = 0;
    r->done = calloc((size_t)r->n_pages, sizeof *r->done);
    if (!path || !head || !r->done) {
        failed = no_memory(err);
        goto out;
    }
    bool mine = read_journal(r, path, head);
    r->journal = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | (mine ? 0 : O_TRUNC), 0666);
    /* A line that was cut off by a crash ends here. */
    if (r->journal < 0 || append(r->journal, mine ? "\n" : head) != 0)
        failed = chert_fail_io(err, "write", path);
out:
    free(path);
    free(head);
    return failed;
}

static int begin(run *r, chert_error *err)
{
    int why = chert_make_folders(r->work);
    char *path = chert_path(r->work, "lock");
    int failed = 0;
    errno = why;
    if (why)
        failed = chert_fail_io(err, "make", r->work);
    else if (!path)
        failed = no_memory(err);
    else if ((r->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666)) < 0)
        failed = chert_fail_io(err, "write", path);
    else if (flock(r->lock, LOCK_EX | LOCK_NB) != 0)
        failed = chert_fail(err, "NEO_BUSY", "55006", "Another run is fetching into '%s'",
                            r->o->output_dir);
    free(path);
    return failed ? failed : begin_journal(r, err);
}

/* Complete: nothing is left to go on with. */
static void end(run *r, bool complete)
{
    if (r->journal >= 0)
        close(r->journal);
    if (complete)
        chert_remove_folder(r->work);
    if (r->lock >= 0)
        close(r->lock);
    free(r->done);
}

/* ---- one page ---------------------------------------------------------------------------- */

/* A file of a page: work/page-000001.json, rejected/page-000001.json. */
static char *page_file(const char *folder, int64_t page)
{
    char name[48];
    snprintf(name, sizeof name, "page-%06lld.json", (long long)page + 1);
    return chert_path(folder, name);
}

static char *partition_file(const char *output, int64_t page)
{
    char *path;
    long long a = page * PAGE + 1, b = page * PAGE + PAGE;
    return asprintf(&path, "%s/raw/batch-number=%lld-%lld/neo_partition_%lld-%lld.parquet", output,
                    a, b, a, b) < 0
               ? NULL
               : path;
}

static int write_file(const char *path, const char *bytes, size_t n, chert_error *err)
{
    FILE *out = fopen(path, "wb");
    int failed = out ? 0 : chert_fail_io(err, "write", path);
    if (out && fwrite(bytes, 1, n, out) != n)
        failed = chert_fail_io(err, "write", path);
    if (out && fclose(out) != 0 && !failed)
        failed = chert_fail_io(err, "write", path);
    return failed;
}

static int download(run *r, int64_t page, const char *path, chert_error *err)
{
    char *url = NULL, *shown = NULL;
    chert_http_reply reply = {0};
    int failed;
    if (asprintf(&shown, "%s/neo/rest/v1/neo/browse?page=%lld&size=%d", r->o->api_url,
                 (long long)page, PAGE) < 0 ||
        asprintf(&url, "%s&api_key=%s", shown, r->o->api_key) < 0)
        failed = no_memory(err);
    else
        failed = chert_http_get(r->http, url, shown, &reply, err);
    r->report->tries += reply.tries;
    if (!failed)
        failed = write_file(path, reply.body ? reply.body : "", reply.bytes, err);
    free(reply.body);
    free(url);
    free(shown);
    return failed;
}

/* A number of the first row of an SQL query; NULL is -1. */
static int ask(run *r, const char *sql, int64_t *out, chert_error *err)
{
    chert_df *df = chert_sql(r->session, sql, err);
    chert_query *query = chert_query_new(df, err);
    char *text = NULL;
    *out = -1;
    if (query && chert_query_run(query, err) == 0 && chert_query_rows(query) > 0)
        text = chert_query_text(query, 0, 0, err);
    if (text)
        *out = strtoll(text, NULL, 10);
    chert_free(text);
    chert_query_free(query);
    chert_df_free(df);
    return err->code;
}

/* What to keep of a page. */
typedef struct part {
    int64_t page, lo, hi; /* positions lo..hi, from 0 */
    int64_t n;            /* objects of the reply */
    int64_t total;        /* objects of the API, as the reply says */
} part;

/* Those of the reply's objects, with pos and col; its head is checked. */
static chert_df *read_page(run *r, part *p, const char *path, chert_error *err)
{
    int64_t number;
    char *sql;
    chert_df *df = chert_read(r->session, "json", path,
                              "page STRUCT<number: BIGINT, total_elements: BIGINT>, "
                              "near_earth_objects ARRAY<STRING>",
                              err, "multiLine", "true", NULL);
    chert_df_create_temp_view(df, "neo_page", err);
    chert_df_free(df);
    if (err->code || ask(r, "SELECT page.total_elements FROM neo_page", &p->total, err) ||
        ask(r, "SELECT page.number FROM neo_page", &number, err) ||
        ask(r, "SELECT size(near_earth_objects) FROM neo_page WHERE near_earth_objects IS NOT NULL",
            &p->n, err))
        return NULL;
    const char *wrong = p->n < 0            ? "it is no JSON object with near_earth_objects"
                        : p->total < 0      ? "it has no page.total_elements"
                        : number != p->page ? "its page.number is another"
                                            : NULL;
    if (wrong) {
        chert_fail(err, "NEO_BAD_REPLY", "22000", "The reply for page %lld does not fit: %s",
                   (long long)p->page + 1, wrong);
        return NULL;
    }
    if (asprintf(
            &sql,
            "SELECT pos, col FROM neo_page LATERAL VIEW posexplode(near_earth_objects) t AS pos, col "
            "WHERE pos BETWEEN %lld AND %lld",
            (long long)p->lo, (long long)p->hi) < 0) {
        no_memory(err);
        return NULL;
    }
    chert_df *objects = chert_sql(r->session, sql, err);
    free(sql);
    return objects;
}

static int write_rejected(run *r, int64_t page, int64_t *n, chert_error *err)
{
    char *folder = chert_path(r->o->output_dir, "rejected");
    char *path = folder ? page_file(folder, page) : NULL;
    int failed = ask(r, "SELECT count(*) FROM neo_rows WHERE reason <> ''", n, err);
    if (!failed && !path)
        failed = no_memory(err);
    if (!failed && *n > 0) {
        char *sql;
        int why = chert_make_folders(folder);
        errno = why;
        if (why)
            failed = chert_fail_io(err, "make", folder);
        else if (
            asprintf(
                &sql,
                "SELECT %lld + pos AS number, reason, json AS reply FROM neo_rows WHERE reason <> '' ORDER BY pos",
                (long long)page * PAGE + 1) < 0)
            failed = no_memory(err);
        else {
            chert_df *df = chert_sql(r->session, sql, err);
            failed = chert_df_write(df, "json", path, "overwrite", err, "chert.singleFile", "true",
                                    NULL);
            chert_df_free(df);
            free(sql);
        }
    } else if (!failed) {
        unlink(path); /* of an earlier run: this page fits now */
    }
    free(folder);
    free(path);
    return failed;
}

/*
 * The rows that fit. They replace the partition, or where they fill it in part, its rows of the same ids; the order
 * stays that of browse.
 */
static int write_rows(run *r, bool wholly, const char *path, chert_error *err)
{
    char *sql = NULL;
    const char *columns = chert_neo_columns();
    int n;
    if (!wholly && access(path, F_OK) == 0) {
        chert_df *old = chert_read(r->session, "parquet", path, NULL, err, NULL);
        chert_df_create_temp_view(old, "neo_old", err);
        chert_df_free(old);
        n = asprintf(&sql,
                     "WITH new AS (SELECT pos, %s FROM neo_rows WHERE reason = ''), "
                     "old AS (SELECT monotonically_increasing_id() AS pos, %s FROM neo_old) "
                     "SELECT %s FROM (SELECT * FROM new UNION ALL "
                     "SELECT pos, %s FROM old LEFT ANTI JOIN new USING (id)) ORDER BY pos",
                     columns, columns, columns, columns);
    } else {
        n = asprintf(&sql, "SELECT %s FROM neo_rows WHERE reason = '' ORDER BY pos", columns);
    }
    if (n < 0)
        return no_memory(err);
    chert_df *df = err->code ? NULL : chert_sql(r->session, sql, err);
    int failed = chert_neo_write(df, path, err);
    chert_df_free(df);
    free(sql);
    return failed;
}

static void tell_page(const run *r, const part *p, int64_t kept, int64_t rejected)
{
    long long first = p->page * PAGE + 1 + p->lo;
    if (kept == 0)
        tell(r, "page %lld: the API has only %lld objects", (long long)p->page + 1,
             (long long)p->total);
    else
        tell(r, "page %lld: objects %lld to %lld, %lld rejected", (long long)p->page + 1, first,
             first + (long long)kept - 1, (long long)rejected);
}

/* From the page's file to its partition. */
static int keep_page(run *r, int64_t page, const char *path, chert_error *err)
{
    int64_t first = page * PAGE + 1, rejected = 0;
    part p = {.page = page, .n = 0, .total = -1};
    p.lo = r->o->first > first ? r->o->first - first : 0;
    p.hi = r->o->last < first + PAGE - 1 ? r->o->last - first : PAGE - 1;
    char *to = partition_file(r->o->output_dir, page);
    chert_df *objects = to ? read_page(r, &p, path, err) : NULL;
    if (!objects) {
        free(to);
        return err->code ? err->code : no_memory(err);
    }
    chert_df *rows = chert_neo_rows(r->session, objects, "neo_objects", err);
    int failed = chert_df_create_temp_view(rows, "neo_rows", err);
    bool wholly = p.lo == 0 && (p.hi == PAGE - 1 || first + p.hi >= p.total);
    int64_t kept = (p.hi < p.n - 1 ? p.hi + 1 : p.n) - p.lo;
    kept = kept > 0 ? kept : 0;
    r->report->total = p.total;
    if (!failed)
        failed = write_rejected(r, page, &rejected, err);
    if (!failed && kept > 0)
        failed = write_rows(r, wholly, to, err);
    if (!failed) {
        r->report->objects += kept - rejected;
        r->report->rejected += rejected;
        tell_page(r, &p, kept, rejected);
    }
    chert_df_free(rows);
    chert_df_free(objects);
    free(to);
    return failed;
}

static int fetch_page(run *r, int64_t page, chert_error *err)
{
    char *path = page_file(r->work, page), line[48];
    int failed = path ? download(r, page, path, err) : no_memory(err);
    if (!failed)
        failed = keep_page(r, page, path, err);
    if (path)
        unlink(path);
    free(path);
    snprintf(line, sizeof line, "done %lld.\n", (long long)page);
    if (!failed && append(r->journal, line) != 0)
        failed = chert_fail_io(err, "write", r->work);
    return failed;
}

/* ---- all of them ------------------------------------------------------------------------- */

static int fetch_pages(run *r, chert_error *err)
{
    chert_error first = CHERT_ERROR_INIT;
    for (int64_t i = 0; i < r->n_pages; i++) {
        int64_t page = r->first_page + i;
        if (r->done[i]) {
            r->report->pages_before++;
            continue;
        }
        if (r->report->total >= 0 && page * PAGE >= r->report->total)
            break; /* the API has no more */
        chert_error one = CHERT_ERROR_INIT;
        if (fetch_page(r, page, &one) == 0) {
            r->report->pages++;
            continue;
        }
        r->report->pages_failed++;
        /* With no key, no disk or no time nothing else will work either. */
        bool all =
            stopped(r) || (one.error_class && strncmp(one.error_class, "NEO_API_FAILED", 14) != 0 &&
                           strcmp(one.error_class, "NEO_BAD_REPLY") != 0);
        if (!all || first.code) /* what is not told here is told at the end */
            tell(r, "page %lld: failed: %s", (long long)page + 1, one.text ? one.text : "");
        if (first.code)
            chert_error_free(&one);
        else
            first = one;
        if (all)
            break;
    }
    if (first.code)
        *err = first;
    return first.code;
}

int chert_neo_fetch(chert_session *session, const chert_neo_fetch_options *options,
                    chert_neo_fetch_report *report, chert_error *err)
{
    run r = {.session = session, .o = options, .report = report, .lock = -1, .journal = -1};
    chert_http_limits limits = {REQUESTS_PER_SECOND, TRIES, options->wait_ms, options->timeout_ms,
                                options->stop};
    *report = (chert_neo_fetch_report){.total = -1};
    r.first_page = (options->first - 1) / PAGE;
    r.n_pages = (options->last - 1) / PAGE - r.first_page + 1;
    r.work = chert_path(options->output_dir, ".neo");
    int failed = r.work ? begin(&r, err) : no_memory(err);
    if (!failed && !(r.http = chert_http_new(&limits, err)))
        failed = err->code;
    if (!failed)
        failed = fetch_pages(&r, err);
    chert_http_free(r.http);
    end(&r, !failed);
    free(r.work);
    return failed;
}
