/* SPDX-License-Identifier: Apache-2.0 */
/*
 * etl.h - a shop's day: tables of a database in, what they tell about stock and customers out, as Parquet.
 *
 *   warehouses, products, inventory, order_items -> OUTPUT/business_insights/DATE/inventory_analytics/part-*.parquet
 *   customers, orders                            -> OUTPUT/business_insights/DATE/order_analytics/part-*.parquet
 *
 *   chert_etl_place_find   command line and settings: which database, which bucket or folder
 *   chert_etl_use_s3       the settings' keys, for paths of S3
 *   chert_etl_run
 */
#ifndef CHERT_PIPELINES_ETL_H
#define CHERT_PIPELINES_ETL_H

#include "pipelines/program.h"

#define CHERT_ETL_FOLDER "etl"             /* where nothing else is told */
#define CHERT_ETL_FILE "shop.db"           /* the SQLite file in it */
#define CHERT_ETL_MOST INT64_C(1000000000) /* orders: their numbers are INT */

typedef struct chert_etl_place {
    char *url;    /* JDBC, with user and password: never to be shown */
    char *output; /* "s3a://bucket", "s3a://bucket/prefix" or a folder */
} chert_etl_place;

/*
 * url     of jdbc, else of MYSQL_HOST, MYSQL_PORT, MYSQL_DATABASE, else of the SQLite file in folder. Into one of MySQL go
 *         MYSQL_USER and MYSQL_PASSWORD, unless it has a user.
 * output  as told, else S3_BUCKET, else folder
 * jdbc, output and folder may be NULL. Result 0, or a code with err naming the settings that are missing.
 */
int chert_etl_place_find(chert_etl_place *place, const chert_settings *settings, const char *jdbc,
                         const char *output, const char *folder, chert_error *err);
void chert_etl_place_free(chert_etl_place *place);

/*
 * If the output is in S3: the session uses AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_REGION and S3_ENDPOINT,
 * unless it has such settings already.
 */
int chert_etl_use_s3(chert_session *session, const chert_etl_place *place,
                     const chert_settings *settings, chert_error *err);

/* "2026-01-31", a day that there is. */
bool chert_etl_is_date(const char *text);

typedef struct chert_etl_report {
    char *folder; /* malloc: OUTPUT/business_insights/DATE */
    int64_t stock, customers;
} chert_etl_report;

/*
 * Reads the tables and replaces what is there for the date. All of it is read and written before anything is replaced. A folder
 * gets its name by one rename: whenever the process is killed, the date has both former results or both new ones. S3 has no
 * renames: all new objects of both appear, then the old ones are deleted, then each result gets its _SUCCESS. Killed in
 * between, a date has some old and new objects; the next run leaves new ones only.
 * Result 0, or a code with err set; the report is to be freed in any case.
 */
int chert_etl_run(chert_session *session, const chert_etl_place *place, const char *date,
                  chert_etl_report *report, chert_error *err);

typedef struct chert_etl_generate_options {
    const char *url;  /* JDBC */
    const char *date; /* the last day of the data */
    int64_t orders;   /* everything else follows from it */
    uint64_t seed;
    bool overwrite; /* tables that are there are replaced; else they are an error */
} chert_etl_generate_options;

/* Makes and fills the six tables; the same options make the same rows. */
int chert_etl_generate(chert_session *session, const chert_etl_generate_options *options,
                       chert_error *err);
/* The same into the SQLite file in folder, url left out; one that is there is replaced when the new one is whole. */
int chert_etl_generate_file(chert_session *session, const char *folder,
                            const chert_etl_generate_options *options, chert_error *err);

#endif
