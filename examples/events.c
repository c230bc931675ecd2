/* SPDX-License-Identifier: Apache-2.0 */
/*
 * events.c - events per region and day, as a program of its own on Chert's C API.
 *
 *   cc events.c $(pkg-config --cflags --libs chert) -o events
 *   ./events DATA_FOLDER > result.csv
 *
 * DataFrames are lazy: only chert_query_run() reads anything. A NULL that one step gives on an error is
 * passed on by the next, so that one check at the end is enough.
 */
#include <stdio.h>

#include <chert/chert.h>

static chert_df *read_csv(chert_session *session, const char *folder, const char *name,
                          chert_error *err)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return chert_read(session, "csv", path, NULL, err, "header", "true", NULL);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: events DATA_FOLDER\n");
        return 2;
    }
    chert_error err = CHERT_ERROR_INIT;
    chert_session *session = chert_session_new(NULL, &err);
    chert_df *locations = session ? read_csv(session, argv[1], "location.csv", &err) : NULL;
    chert_df *regions = session ? read_csv(session, argv[1], "region.csv", &err) : NULL;

    chert_df *joined = chert_df_join_using(locations, regions, "inner", &err, "region_id", NULL);
    chert_df *counts = chert_grouped_count(
        chert_df_group_by(joined, &err, chert_col_new("region_name"), chert_col_new("date"), NULL),
        &err);
    chert_df *sorted =
        chert_df_order_by(counts, &err, chert_col_new("region_name"), chert_col_new("date"), NULL);

    chert_query *query = chert_query_new(sorted, &err);
    if (chert_query_run(query, &err) == 0)
        chert_query_print(query, CHERT_STYLE_CSV, -1, 0, stdout, &err);
    int failed = err.code != 0;
    if (failed)
        fprintf(stderr, "error: %s\n", err.text);

    chert_query_free(query);
    chert_df_free(sorted);
    chert_df_free(counts);
    chert_df_free(joined);
    chert_df_free(regions);
    chert_df_free(locations);
    chert_session_free(session);
    chert_error_free(&err);
    return failed;
}
