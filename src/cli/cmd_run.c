/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_run.c - chert run PROGRAM: the programs in pipelines/. */
#include <stdlib.h>
#include <string.h>

#include "cli/cmd_etl.h"
#include "cli/cmd_neo.h"
#include "cli/watch.h"
#include "pipelines/events.h"

static int count_events(chert_session *session, void *arg)
{
    const chert_events_options *options = arg;
    chert_error err = CHERT_ERROR_INIT;
    chert_events_report report = {0};
    ch_watch watch;
    double begin = ch_cli_now();
    ch_watch_start(&watch, session, ch_watch_wanted());
    int failed = chert_run_events(session, options, &report, &err);
    bool stopped = ch_watch_stop(&watch);
    if (failed) {
        int code = ch_cli_error(&err);
        return stopped ? CH_EXIT_CANCELLED : code;
    }
    char rows[32], counts[32], malformed[32], bytes[32], rate[32];
    double seconds = ch_cli_now() - begin;
    ch_cli_count(rows, report.rows);
    ch_cli_count(counts, report.result_rows);
    ch_cli_count(malformed, report.n_malformed);
    ch_cli_bytes(bytes, (double)report.bytes);
    ch_cli_bytes(rate, seconds > 0 ? (double)report.bytes / seconds : 0);
    fprintf(stderr, "%s rows, %s in %.2f s, %s/s\n", rows, bytes, seconds, rate);
    if (report.n_malformed)
        fprintf(stderr, "%s malformed row%s: read as far as possible, the rest as NULL\n",
                malformed, report.n_malformed == 1 ? "" : "s");
    fprintf(stderr, "%s count%s in %s\n", counts, report.result_rows == 1 ? "" : "s",
            report.result_path);
    free(report.result_path);
    return CH_EXIT_OK;
}

static int run_events(const ch_cli_command *self, int argc, char **argv)
{
    ch_cli_session options = CH_CLI_SESSION_INIT;
    ch_cli_args args = {.command = self, .argc = argc, .argv = argv, .session = &options};
    chert_events_options events = {0};
    args.to = &events;
    args.word = &events.data_folder;
    int code = ch_cli_read(&args);
    if (code < 0)
        code = events.data_folder ? ch_cli_with_session(&options, count_events, &events)
                                  : ch_cli_usage(self, "the data folder is missing");
    free(options.set);
    return code;
}

static const ch_cli_option EVENTS_OPTIONS[] = {
    {'d', "delete", NULL, "delete the part files when the result is written",
     CH_CLI_TO(chert_events_options, delete_parts)},
    {'o', "out", "DIR", "where output/ and result.csv go (default: DATA_FOLDER)",
     CH_CLI_TO(chert_events_options, out_folder)},
    CH_CLI_SESSION_OPTIONS,
    CH_CLI_HELP_OPTION,
    CH_CLI_OPTIONS_END,
};

static const ch_cli_command EVENTS = {
    .name = "run events",
    .args = "[OPTIONS] DATA_FOLDER",
    .summary = "Count events per region and day",
    .about =
        "Reads DATA_FOLDER/region (region_id, region_name) and DATA_FOLDER/location (lat, long, region_id,\n"
        "date), each a .csv, .csv.gz or .csv.zst file with a header line, or a folder of such files. Writes\n"
        "part files to DATA_FOLDER/output/ and merges them into DATA_FOLDER/result.csv: \"region_name\",\n"
        "\"date\",\"count\". Events of regions that the region file does not list are left out.\n"
        "\n"
        "  chert generate events -s 1G /tmp/events && chert run events -d /tmp/events",
    .option = EVENTS_OPTIONS,
    .run = run_events,
};

static const ch_cli_command *const PROGRAMS[] = {&EVENTS, &ch_cmd_run_neo, &ch_cmd_run_etl, NULL};

static const ch_cli_option OPTIONS[] = {CH_CLI_HELP_OPTION, CH_CLI_OPTIONS_END};

const ch_cli_command ch_cmd_run;
const ch_cli_command ch_cmd_run = {
    .name = "run",
    .args = "PROGRAM [OPTIONS]",
    .summary = "Run one of the programs that come with Chert",
    .option = OPTIONS,
    .sub = PROGRAMS,
    .run = ch_cli_run_sub,
};
