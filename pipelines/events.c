/* SPDX-License-Identifier: Apache-2.0 */
/*
 * events.c - the event counter on the public API.
 *
 *   location --+
 *              +-- join on region_id -- count by region_name, date -- sort --> part files --> result.csv
 *   region ----+
 *
 * The optimizer counts before it joins, so that the join sees a few hundred rows instead of all.
 */
#include "pipelines/events.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "folders.h"
#include "program.h"

#define HEADER "\"region_name\",\"date\",\"count\"\n"

/* folder/name.csv, or packed, or a folder; NULL with err set when there is none. */
static char *find_input(const char *folder, const char *name, chert_error *err)
{
    static const char *const SUFFIX[] = {".csv", ".csv.gz", ".csv.zst", ""};
    int why = ENOENT;
    for (size_t i = 0; i < sizeof SUFFIX / sizeof *SUFFIX; i++) {
        char file[64];
        struct stat info;
        snprintf(file, sizeof file, "%s%s", name, SUFFIX[i]);
        char *path = chert_path(folder, file);
        if (path && stat(path, &info) == 0 && (*SUFFIX[i] || S_ISDIR(info.st_mode)))
            return path;
        why = errno == EACCES ? EACCES : why;
        free(path);
    }
    char *path = chert_path(folder, name), *shown = NULL;
    if (path && asprintf(&shown, "%s.csv", path) >= 0 && (errno = why) != 0)
        chert_fail_io(err, "read", shown);
    free(shown);
    free(path);
    return NULL;
}

/* Is there a column of the name in "struct<a:string,b:string>"? */
static bool has_column(const char *schema, const char *name)
{
    size_t n = strlen(name);
    for (const char *at = schema; (at = strstr(at, name)) != NULL; at += n)
        if (at > schema && (at[-1] == '<' || at[-1] == ',') && at[n] == ':')
            return true;
    return false;
}

/* The file with its header line, which must have both columns. */
static chert_df *read_csv(chert_session *session, const char *folder, const char *name,
                          const char *const column[2], chert_error *err)
{
    char *path = find_input(folder, name, err), *schema = NULL;
    chert_df *df =
        path ? chert_read(session, "csv", path, NULL, err, "header", "true", "escape", "\"", NULL)
             : NULL;
    if (df)
        schema = chert_df_schema(df, err);
    for (int i = 0; schema && i < 2; i++)
        if (!has_column(schema, column[i]))
            chert_fail(err, "UNRESOLVED_COLUMN.WITHOUT_SUGGESTION", "42703",
                       "'%s', line 1: the header line has no column %s; it has %s", path, column[i],
                       strlen(schema) > 8 ? schema : "nothing");
    if (err->code) {
        chert_df_free(df);
        df = NULL;
    }
    chert_free(schema);
    free(path);
    return df;
}

/* The lazy result: region_name, date, count. */
static chert_df *count_events(chert_session *session, const char *folder, chert_error *err)
{
    static const char *const REGION[] = {"region_id", "region_name"};
    static const char *const LOCATION[] = {"region_id", "date"};
    chert_df *regions = read_csv(session, folder, "region", REGION, err);
    chert_df *locations = regions ? read_csv(session, folder, "location", LOCATION, err) : NULL;
    chert_df *named = chert_df_join_using(locations, regions, "inner", err, "region_id", NULL);
    chert_df *counted = chert_grouped_count(
        chert_df_group_by(named, err, chert_col_new("region_name"), chert_col_new("date"), NULL),
        err);
    chert_df *result =
        chert_df_order_by(counted, err, chert_col_new("region_name"), chert_col_new("date"), NULL);
    chert_df_free(counted);
    chert_df_free(named);
    chert_df_free(locations);
    chert_df_free(regions);
    return result;
}

/* Rows of the region file: few, and no events. */
static int64_t count_regions(chert_session *session, const char *folder, chert_error *err)
{
    static const char *const REGION[] = {"region_id", "region_name"};
    chert_df *regions = read_csv(session, folder, "region", REGION, err);
    int64_t n = regions ? chert_df_count(regions, err) : 0;
    chert_df_free(regions);
    return n;
}

/* ---- merging ------------------------------------------------------------------------------- */

static int is_part(const struct dirent *entry)
{
    return strncmp(entry->d_name, "part-", 5) == 0;
}

static int append_part(FILE *out, const char *path, int64_t *lines, chert_error *err)
{
    char buffer[65536];
    FILE *in = fopen(path, "rb");
    int failed = in ? 0 : chert_fail_io(err, "read", path);
    for (size_t n; !failed && (n = fread(buffer, 1, sizeof buffer, in)) > 0;) {
        for (size_t i = 0; i < n; i++)
            *lines += buffer[i] == '\n';
        if (fwrite(buffer, 1, n, out) != n)
            failed = chert_fail_io(err, "write", "result.csv");
    }
    if (in && !failed && ferror(in))
        failed = chert_fail_io(err, "read", path);
    if (in)
        fclose(in);
    return failed;
}

/* parts/part-* behind one header line, in order of their names; under `result` only when whole. */
static int merge(const char *parts, const char *result, int64_t *lines, chert_error *err)
{
    struct dirent **entry = NULL;
    char *aside = NULL;
    int n = scandir(parts, &entry, is_part, alphasort);
    if (n < 0)
        return chert_fail_io(err, "read", parts);
    FILE *out =
        asprintf(&aside, "%s.%ld.tmp", result, (long)getpid()) < 0 ? NULL : fopen(aside, "wb");
    int failed = out ? 0 : chert_fail_io(err, "write", result);
    if (!failed && fputs(HEADER, out) < 0)
        failed = chert_fail_io(err, "write", result);
    for (int i = 0; i < n; i++) {
        char *path = failed ? NULL : chert_path(parts, entry[i]->d_name);
        if (path)
            failed = append_part(out, path, lines, err);
        else if (!failed) /* no memory for a name: a part must not go missing */
            failed = chert_fail_io(err, "read", parts);
        free(path);
        free(entry[i]);
    }
    if (out && fclose(out) != 0 && !failed)
        failed = chert_fail_io(err, "write", result);
    if (!failed && rename(aside, result) != 0)
        failed = chert_fail_io(err, "write", result);
    if (failed && aside)
        unlink(aside);
    free(entry);
    free(aside);
    return failed;
}

int chert_run_events(chert_session *session, const chert_events_options *options,
                     chert_events_report *report, chert_error *err)
{
    const char *to = options->out_folder ? options->out_folder : options->data_folder;
    char *parts = chert_path(to, "output"), *result = chert_path(to, "result.csv");
    int failed = 1;
    *report = (chert_events_report){0};
    if (!parts || !result)
        goto out;
    int why = options->out_folder ? chert_make_folders(to) : 0;
    if (why) {
        errno = why;
        chert_fail_io(err, "make", to);
        goto out;
    }
    chert_df *counts = count_events(session, options->data_folder, err);
    failed = !counts || chert_df_write(counts, "csv", parts, "overwrite", err, "quoteAll", "true",
                                       "escape", "\"", "ignoreLeadingWhiteSpace", "false",
                                       "ignoreTrailingWhiteSpace", "false", NULL) != 0;
    chert_df_free(counts);
    chert_progress progress = CHERT_PROGRESS_INIT;
    chert_session_progress(session, &progress);
    if (!failed)
        report->rows = progress.rows - count_regions(session, options->data_folder, err);
    failed = failed || err->code;
    report->bytes = progress.bytes_done;
    report->n_malformed = progress.n_malformed;
    if (!failed)
        failed = merge(parts, result, &report->result_rows, err);
    if (!failed && options->delete_parts)
        chert_remove_folder(parts);
out:
    free(parts);
    if (failed)
        free(result);
    else
        report->result_path = result;
    return failed;
}
