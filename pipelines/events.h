/* SPDX-License-Identifier: Apache-2.0 */
/* events.h - the event counter: events per region and day. */
#ifndef CHERT_PIPELINES_EVENTS_H
#define CHERT_PIPELINES_EVENTS_H

#include <chert/chert.h>

typedef struct chert_events_options {
    const char *data_folder; /* with region and location */
    const char *out_folder;  /* for output/ and result.csv; NULL: data_folder */
    bool delete_parts;       /* removes output/ at the end */
} chert_events_options;

typedef struct chert_events_report {
    int64_t rows;        /* events read */
    int64_t bytes;       /* read, of both files */
    int64_t n_malformed; /* rows that did not fit the header line */
    int64_t result_rows;
    char *result_path; /* malloc; gives */
} chert_events_report;

/*
 * Reads region and location (.csv, .csv.gz, .csv.zst, or a folder of such files), writes part files to
 * out_folder/output and merges them into out_folder/result.csv, which appears only when it is
 * whole. Result 0, or a code with err set; an earlier result is then as it was.
 */
int chert_run_events(chert_session *session, const chert_events_options *options,
                     chert_events_report *report, chert_error *err);

#endif
