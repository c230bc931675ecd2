/* SPDX-License-Identifier: Apache-2.0 */
/* neo_rows.h - from the JSON of objects to rows of the raw partitions. */
#ifndef CHERT_PIPELINES_NEO_ROWS_H
#define CHERT_PIPELINES_NEO_ROWS_H

#include <chert/chert.h>

#define CHERT_NEO_APPROACHES                                                                       \
    "ARRAY<STRUCT<close_approach_date: STRING, close_approach_date_full: STRING, "                 \
    "epoch_date_close_approach: BIGINT, relative_velocity: STRUCT<kilometers_per_second: STRING, " \
    "kilometers_per_hour: STRING, miles_per_hour: STRING>, miss_distance: STRUCT<astronomical: "   \
    "STRING, lunar: STRING, kilometers: STRING, miles: STRING>, orbiting_body: STRING>>"

/*
 * Of a DataFrame with pos (from 0) and col (an object's JSON): pos, json, reason (NULL: it fits), and the 18 columns.
 * The view `name` is used up on the way.
 */
chert_df *chert_neo_rows(chert_session *session, const chert_df *objects, const char *name,
                         chert_error *err);
/* The 18 columns, as a list for SELECT. */
const char *chert_neo_columns(void);
/* df as one Parquet file at path, with its folder. */
int chert_neo_write(const chert_df *df, const char *path, chert_error *err);

#endif
