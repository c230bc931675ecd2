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

#define HEADER "\"region_name\",\"date\",\"count\"\n"

/* An error of the file system, told as chert_error through the one function that makes such: SQL's
 * raise_error would run a query, so the struct is filled here. */
static int io_error(chert_error *err, const char *action, const char *path)
{
    int why = errno;
    char *text;
    if (err->code)
        return err->code;
    err->code = 1;
    err->error_class = why == ENOSPC ? "DISK_FULL" : why == ENOENT ? "PATH_NOT_FOUND" : "IO_ERROR";
    err->sqlstate = why == ENOSPC ? "53100" : why == ENOENT ? "42K03" : "58030";
    if (asprintf(&text, "[%s] Cannot %s '%s': %s", err->error_class, action, path, strerror(why)) >=
        0)
        err->text = text;
    return err->code;
}

static char *join_path(const char *folder, const char *name)
{
    size_t n = strlen(folder);
    char *path;
    const char *slash = n && folder[n - 1] == '/' ? "" : "/";
    return asprintf(&path, "%s%s%s", folder, slash, name) < 0 ? NULL : path;
}

/* folder/name.csv, or packed, or a folder; NULL with err set when there is none. */
static char *find_input(const char *folder, const char *name, chert_error *err)
{
    static const char *const SUFFIX[] = {".csv", ".csv.gz", ".csv.zst", ""};
    for (size_t i = 0; i < sizeof SUFFIX / sizeof *SUFFIX; i++) {
        char file[64];
        struct stat info;
        snprintf(file, sizeof file, "%s%s", name, SUFFIX[i]);
        char *path = join_path(folder, file);
        if (path && stat(path, &info) == 0 && (*SUFFIX[i] || S_ISDIR(info.st_mode)))
            return path;
        free(path);
    }
    char *path = join_path(folder, name);
    char *shown = NULL;
    if (path && asprintf(&shown, "%s.csv", path) >= 0) {
        errno = ENOENT;
        io_error(err, "read", shown);
    }
    free(shown);
    free(path);
    return NULL;
}

static chert_df *read_csv(chert_session *session, const char *folder, const char *name,
                          chert_error *err)
{
    char *path = find_input(folder, name, err);
    chert_df *df =
        path ? chert_read(session, "csv", path, NULL, err, "header", "true", "escape", "\"", NULL)
             : NULL;
    free(path);
    return df;
}

/* The lazy result: region_name, date, count. */
static chert_df *count_events(chert_session *session, const char *folder, chert_error *err)
{
    chert_df *regions = read_csv(session, folder, "region", err);
    chert_df *locations = regions ? read_csv(session, folder, "location", err) : NULL;
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

/* ---- merging ------------------------------------------------------------------------------- */

static int is_part(const struct dirent *entry)
{
    return strncmp(entry->d_name, "part-", 5) == 0;
}

static int append_part(FILE *out, const char *path, int64_t *lines, chert_error *err)
{
    char buffer[65536];
    FILE *in = fopen(path, "rb");
    int failed = in ? 0 : io_error(err, "read", path);
    for (size_t n; !failed && (n = fread(buffer, 1, sizeof buffer, in)) > 0;) {
        for (size_t i = 0; i < n; i++)
            *lines += buffer[i] == '\n';
        if (fwrite(buffer, 1, n, out) != n)
            failed = io_error(err, "write", "result.csv");
    }
    if (in && !failed && ferror(in))
        failed = io_error(err, "read", path);
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
        return io_error(err, "read", parts);
    FILE *out =
        asprintf(&aside, "%s.%ld.tmp", result, (long)getpid()) < 0 ? NULL : fopen(aside, "wb");
    int failed = out ? 0 : io_error(err, "write", result);
    if (!failed && fputs(HEADER, out) < 0)
        failed = io_error(err, "write", result);
    for (int i = 0; i < n; i++) {
        char *path = failed ? NULL : join_path(parts, entry[i]->d_name);
        if (path)
            failed = append_part(out, path, lines, err);
        free(path);
        free(entry[i]);
    }
    if (out && fclose(out) != 0 && !failed)
        failed = io_error(err, "write", result);
    if (!failed && rename(aside, result) != 0)
        failed = io_error(err, "write", result);
    if (failed && aside)
        unlink(aside);
    free(entry);
    free(aside);
    return failed;
}

static void remove_folder(const char *folder)
{
    DIR *dir = opendir(folder);
    for (struct dirent *e; dir && (e = readdir(dir)) != NULL;)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            unlinkat(dirfd(dir), e->d_name, 0);
    if (dir)
        closedir(dir);
    rmdir(folder);
}

int chert_run_events(chert_session *session, const chert_events_options *options,
                     chert_events_report *report, chert_error *err)
{
    const char *to = options->out_folder ? options->out_folder : options->data_folder;
    char *parts = join_path(to, "output"), *result = join_path(to, "result.csv");
    int failed = 1;
    *report = (chert_events_report){0};
    if (!parts || !result)
        goto out;
    if (options->out_folder && mkdir(to, 0777) != 0 && errno != EEXIST) {
        io_error(err, "make", to);
        goto out;
    }
    chert_df *counts = count_events(session, options->data_folder, err);
    failed = !counts || chert_df_write(counts, "csv", parts, "overwrite", err, "quoteAll", "true",
                                       "escape", "\"", "ignoreLeadingWhiteSpace", "false",
                                       "ignoreTrailingWhiteSpace", "false", NULL) != 0;
    chert_df_free(counts);
    chert_progress progress = CHERT_PROGRESS_INIT;
    chert_session_progress(session, &progress);
    report->rows = progress.rows;
    report->bytes = progress.bytes_done;
    report->n_malformed = progress.n_malformed;
    if (!failed)
        failed = merge(parts, result, &report->result_rows, err);
    if (!failed && options->delete_parts)
        remove_folder(parts);
out:
    free(parts);
    if (failed)
        free(result);
    else
        report->result_path = result;
    return failed;
}
