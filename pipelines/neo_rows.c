/* SPDX-License-Identifier: Apache-2.0 */
/* neo_rows.c - see neo_rows.h. */
#include "pipelines/neo_rows.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "folders.h"
#include "pipelines/program.h"

/* Numbers are read as text first: what is not one is told, not lost. */
#define OBJECT                                                                                     \
    "id STRING, neo_reference_id STRING, name STRING, name_limited STRING, designation STRING, "   \
    "nasa_jpl_url STRING, absolute_magnitude_h STRING, is_potentially_hazardous_asteroid STRING, " \
    "estimated_diameter STRUCT<meters: STRUCT<estimated_diameter_min: STRING, "                    \
    "estimated_diameter_max: STRING>>, orbital_data STRUCT<first_observation_date: STRING, "       \
    "last_observation_date: STRING, observations_used: STRING, orbital_period: STRING>, "          \
    "close_approach_data STRING"

typedef struct field {
    const char *column, *from, *type;
} field;

#define METERS "o.estimated_diameter.meters.estimated_diameter_"

/* The columns in their order; those with a `type` are cast. The closest_* ones are of the approach that misses by least. */
static const field FIELD[] = {
    {"id", "o.id", NULL},
    {"neo_reference_id", "o.neo_reference_id", NULL},
    {"name", "o.name", NULL},
    {"name_limited", "o.name_limited", NULL},
    {"designation", "o.designation", NULL},
    {"nasa_jpl_url", "o.nasa_jpl_url", NULL},
    {"absolute_magnitude_h", "o.absolute_magnitude_h", "DOUBLE"},
    {"is_potentially_hazardous_asteroid", "o.is_potentially_hazardous_asteroid", "BOOLEAN"},
    {"minimum_estimated_diameter_meters", METERS "min", "DOUBLE"},
    {"maximum_estimated_diameter_meters", METERS "max", "DOUBLE"},
    {"closest_approach_miss_distance_km", "c.km", NULL},
    {"closest_approach_date", "c.day", NULL},
    {"closest_approach_relative_velocity_km_per_sec", "c.speed", NULL},
    {"first_observation_date", "o.orbital_data.first_observation_date", NULL},
    {"last_observation_date", "o.orbital_data.last_observation_date", NULL},
    {"observations_used", "o.orbital_data.observations_used", "INT"},
    {"orbital_period", "o.orbital_data.orbital_period", "DOUBLE"},
    {"close_approach_data", "o.close_approach_data", NULL},
};
#define N_FIELDS (sizeof FIELD / sizeof *FIELD)

const char *chert_neo_columns(void)
{
    static char list[1024];
    if (!*list)
        for (size_t i = 0, n = 0; i < N_FIELDS; i++)
            n +=
                (size_t)snprintf(list + n, sizeof list - n, "%s%s", i ? ", " : "", FIELD[i].column);
    return list;
}

static void print_sql(FILE *out, const char *name)
{
    fputs(
        "SELECT pos, json, concat_ws('; ', IF(o IS NULL, 'not a JSON object', NULL), "
        "IF(o IS NOT NULL AND o.id IS NULL, 'id is missing', NULL), IF(o IS NOT NULL AND o.name IS NULL, 'name is missing', NULL)",
        out);
    for (size_t i = 0; i < N_FIELDS; i++)
        if (FIELD[i].type)
            fprintf(
                out,
                ", IF(%s IS NOT NULL AND try_cast(%s AS %s) IS NULL, concat('%s: \\'', %s, '\\' is no %s'), NULL)",
                FIELD[i].from, FIELD[i].from, FIELD[i].type, FIELD[i].column, FIELD[i].from,
                FIELD[i].type);
    fputs(
        ", IF(o.close_approach_data IS NOT NULL AND a IS NULL, 'close_approach_data is no array of approaches', NULL)) AS reason",
        out);
    for (size_t i = 0; i < N_FIELDS; i++)
        if (FIELD[i].type)
            fprintf(out, ", try_cast(%s AS %s) AS %s", FIELD[i].from, FIELD[i].type,
                    FIELD[i].column);
        else
            fprintf(out, ", %s AS %s", FIELD[i].from, FIELD[i].column);
    fprintf(
        out,
        " FROM (SELECT pos, json, o, a, array_min(transform(filter(a, x -> try_cast(x.miss_distance.kilometers AS DOUBLE) IS NOT NULL), "
        "x -> struct(try_cast(x.miss_distance.kilometers AS DOUBLE) AS km, x.close_approach_date AS day, "
        "try_cast(x.relative_velocity.kilometers_per_second AS DOUBLE) AS speed))) AS c"
        " FROM (SELECT pos, json, o, from_json(o.close_approach_data, '%s') AS a"
        " FROM (SELECT pos, col AS json, from_json(col, '%s') AS o FROM %s)))",
        CHERT_NEO_APPROACHES, OBJECT, name);
}

chert_df *chert_neo_rows(chert_session *session, const chert_df *objects, const char *name,
                         chert_error *err)
{
    char *sql = NULL;
    size_t bytes = 0;
    if (chert_df_create_temp_view(objects, name, err) != 0)
        return NULL;
    FILE *out = open_memstream(&sql, &bytes);
    if (!out) {
        chert_fail(err, "OUT_OF_MEMORY", "53200", "No memory for a query");
        return NULL;
    }
    print_sql(out, name);
    fclose(out);
    chert_df *rows = chert_sql(session, sql, err);
    free(sql);
    return rows;
}

int chert_neo_write(const chert_df *df, const char *path, chert_error *err)
{
    char *folder = strdup(path);
    char *slash = folder ? strrchr(folder, '/') : NULL;
    if (slash)
        *slash = 0;
    int why = slash ? chert_make_folders(folder) : 0;
    errno = why;
    int failed = why ? chert_fail_io(err, "make", folder) : 0;
    free(folder);
    return failed ? failed
                  : chert_df_write(df, "parquet", path, "overwrite", err, "chert.singleFile",
                                   "true", "compression", "snappy", NULL);
}
