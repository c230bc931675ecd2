/* SPDX-License-Identifier: Apache-2.0 */
/* neo_aggregate.c - what near-earth objects add up to. */
#include <stdlib.h>
#include <sys/stat.h>

#include "pipelines/neo.h"
#include "pipelines/neo_rows.h"
#include "pipelines/program.h"

/*
 * Partitions a-b that share objects with start..end: whole folders are left out before they are opened. The text
 * of the approaches is by far the most of what is read, so one pass counts both: an object is counted with its
 * first approach, or with the row that stands for none.
 */
static const char SQL[] =
    "WITH neo AS (SELECT is_potentially_hazardous_asteroid AS hazardous, close_approach_data,"
    " close_approach_data IS NOT NULL AND close_approach_data <> '[]' AS approached FROM neo_raw"
    " WHERE CAST(split(`batch-number`, '-')[0] AS BIGINT) <= %lld"
    " AND CAST(split(`batch-number`, '-')[1] AS BIGINT) >= %lld),"
    " spread AS (SELECT hazardous, approached, posexplode_outer(from_json(close_approach_data, "
    "'" CHERT_NEO_APPROACHES "')) AS (pos, a) FROM neo),"
    " approach AS (SELECT hazardous, approached, coalesce(pos, 0) = 0 AS is_first,"
    " CAST(a.miss_distance.astronomical AS DOUBLE) < 0.2 AS is_near,"
    " a.close_approach_date AS day FROM spread),"
    " found AS (SELECT is_near, CASE WHEN is_near THEN year(to_date(day)) END AS year,"
    " count(*) AS n, count_if(is_first) AS objects, count_if(is_first AND hazardous) AS hazardous,"
    " count_if(is_first AND approached) AS approached FROM approach GROUP BY 1, 2),"
    " totals AS (SELECT coalesce(sum(objects), 0) AS objects, coalesce(sum(hazardous), 0) AS hazardous,"
    " coalesce(sum(approached), 0) AS approached, coalesce(sum(n) FILTER (WHERE is_near), 0) AS near FROM found)"
    " SELECT metric, value FROM ("
    "SELECT stack(4, 1, 'total_neos', objects, 2, 'hazardous_asteroids', hazardous,"
    " 3, 'neos_with_close_approach_data', approached, 4, 'close_approaches_under_02_au', near)"
    " AS (at, metric, value) FROM totals"
    " UNION ALL SELECT 5 + year, concat('close_approaches_year_', year), n FROM found WHERE is_near"
    ") ORDER BY at";

chert_df *chert_neo_aggregates(chert_session *session, const char *input_dir, int64_t start,
                               int64_t end, chert_error *err)
{
    struct stat info;
    char *raw = chert_path(input_dir, "raw"), *sql = NULL;
    chert_df *df = NULL;
    if (!raw || asprintf(&sql, SQL, (long long)end, (long long)start) < 0) {
        chert_fail(err, "OUT_OF_MEMORY", "53200", "No memory for a query");
    } else {
        const char *from = stat(raw, &info) == 0 && S_ISDIR(info.st_mode) ? raw : input_dir;
        chert_df *neo = chert_read(session, "parquet", from, NULL, err, NULL);
        if (chert_df_create_temp_view(neo, "neo_raw", err) == 0)
            df = chert_sql(session, sql, err);
        chert_df_free(neo);
    }
    free(raw);
    free(sql);
    return df;
}

int chert_neo_write_aggregates(const chert_df *aggregates, const char *output_dir, int64_t start,
                               int64_t end, char **path, chert_error *err)
{
    if (asprintf(path, "%s/aggregations/batches-%lld-%lld", output_dir, (long long)start,
                 (long long)end) < 0) {
        *path = NULL;
        return chert_fail(err, "OUT_OF_MEMORY", "53200", "No memory for a path");
    }
    chert_df *one = chert_df_coalesce(aggregates, 1, err);
    int failed = chert_df_write(one, "parquet", *path, "overwrite", err, NULL);
    chert_df_free(one);
    return failed;
}
