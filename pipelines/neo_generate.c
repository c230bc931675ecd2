/* SPDX-License-Identifier: Apache-2.0 */
/* neo_generate.c - raw partitions as the fetch writes them, of any number of generated objects. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "folders.h"
#include "pipelines/neo.h"
#include "pipelines/neo_rows.h"
#include "pipelines/neo_sample.h"
#include "pipelines/program.h"

/* Objects first..last, one JSON a line. */
static int print_objects(const char *path, uint64_t seed, int64_t first, int64_t last,
                         chert_error *err)
{
    FILE *out = fopen(path, "wb");
    if (!out)
        return chert_fail_io(err, "write", path);
    for (int64_t i = first; i <= last; i++) {
        chert_neo_print_object(out, seed, i, "https://api.nasa.gov");
        putc('\n', out);
    }
    int failed = ferror(out) ? chert_fail_io(err, "write", path) : 0;
    return fclose(out) != 0 && !failed ? chert_fail_io(err, "write", path) : failed;
}

static int write_partition(chert_session *session, const char *lines, const char *path,
                           chert_error *err)
{
    char *sql;
    chert_df *text = chert_read(session, "text", lines, NULL, err, NULL);
    chert_df *objects =
        chert_df_select(text, err, chert_expr("0 AS pos"), chert_expr("value AS col"), NULL);
    chert_df *rows = chert_neo_rows(session, objects, "neo_objects", err), *df = NULL;
    if (chert_df_create_temp_view(rows, "neo_rows", err) == 0 &&
        asprintf(&sql, "SELECT %s FROM neo_rows ORDER BY CAST(id AS BIGINT)", chert_neo_columns()) >
            0) {
        df = chert_sql(session, sql, err);
        free(sql);
    }
    int failed = chert_neo_write(df, path, err);
    chert_df_free(df);
    chert_df_free(rows);
    chert_df_free(objects);
    chert_df_free(text);
    return failed;
}

int chert_neo_generate(chert_session *session, const char *output_dir, int64_t objects,
                       int64_t per_file, uint64_t seed, chert_error *err)
{
    int why = chert_make_folders(output_dir);
    char *lines = chert_path(output_dir, ".neo.json");
    errno = why;
    int failed = why      ? chert_fail_io(err, "make", output_dir)
                 : !lines ? chert_fail(err, "OUT_OF_MEMORY", "53200", "No memory for a path")
                          : 0;
    for (int64_t first = 1; !failed && first <= objects; first += per_file) {
        long long a = first, b = first + per_file - 1;
        int64_t last = b < objects ? b : objects;
        char *path;
        if (asprintf(&path, "%s/raw/batch-number=%lld-%lld/neo_partition_%lld-%lld.parquet",
                     output_dir, a, b, a, b) < 0) {
            failed = chert_fail(err, "OUT_OF_MEMORY", "53200", "No memory for a path");
            break;
        }
        failed = print_objects(lines, seed, first, last, err);
        if (!failed)
            failed = write_partition(session, lines, path, err);
        free(path);
    }
    if (lines)
        unlink(lines);
    free(lines);
    return failed;
}
