/* SPDX-License-Identifier: Apache-2.0 */
/*
 * neo.h - near-earth objects: from NASA's API into Parquet, and what they add up to.
 *
 *   OUTPUT_DIR/raw/batch-number=1-20/neo_partition_1-20.parquet      one page of browse, 20 objects
 *   OUTPUT_DIR/rejected/page-000001.json                             objects that do not fit, with the reason
 *   OUTPUT_DIR/.neo/                                                 a run that is not over: its journal, pages at hand
 *
 * Batch numbers count the objects in browse order, from 1.
 */
#ifndef CHERT_PIPELINES_NEO_H
#define CHERT_PIPELINES_NEO_H

#include <chert/chert.h>

typedef struct chert_neo_fetch_options {
    const char *output_dir;
    const char *api_url; /* "https://api.nasa.gov", without the path of browse */
    const char *api_key;
    int64_t first, last;     /* objects, from 1; both are fetched */
    int wait_ms;             /* before a second try */
    int timeout_ms;          /* of a request */
    const _Atomic int *stop; /* set by another thread: the run ends, and can be gone on with */
    void (*tell)(const char *line); /* what happens, page by page; may be NULL */
} chert_neo_fetch_options;

typedef struct chert_neo_fetch_report {
    int64_t pages, pages_before,
        pages_failed; /* fetched now, by an earlier run that was killed, not at all */
    int64_t objects, rejected, total; /* total: objects that the API has; -1 = unknown */
    int64_t tries;                    /* requests */
} chert_neo_fetch_report;

/*
 * Fetches the pages that hold the objects first..last, at most two requests a second. A partition that they fill wholly is
 * replaced; into one that they fill in part they are merged by id, the new ones win. Each appears when it is whole.
 * A page that fails is told and passed over. Result 0, or a code with err set: the first page's error when pages failed.
 */
int chert_neo_fetch(chert_session *session, const chert_neo_fetch_options *options,
                    chert_neo_fetch_report *report, chert_error *err);

/*
 * (metric, value) over the partitions that hold objects of start..end, of input_dir or its raw/; lazy. total_neos,
 * hazardous_asteroids, neos_with_close_approach_data, close_approaches_under_02_au, close_approaches_year_YYYY.
 */
chert_df *chert_neo_aggregates(chert_session *session, const char *input_dir, int64_t start,
                               int64_t end, chert_error *err);
/* Writes them to output_dir/aggregations/batches-start-end/part-*.parquet; *path (malloc) is that folder. */
int chert_neo_write_aggregates(const chert_df *aggregates, const char *output_dir, int64_t start,
                               int64_t end, char **path, chert_error *err);

/* Raw partitions of `objects` generated objects, per_file of them in each. Result 0, or a code with err set. */
int chert_neo_generate(chert_session *session, const char *output_dir, int64_t objects,
                       int64_t per_file, uint64_t seed, chert_error *err);

#endif
