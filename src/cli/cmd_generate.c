/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_generate.c - chert generate events: data to run the programs on. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/cmd_etl.h"
#include "cli/cmd_neo.h"
#include "pipelines/events_generate.h"

static int64_t file_bytes(const char *folder, const char *name)
{
    char *path;
    struct stat info;
    if (asprintf(&path, "%s/%s", folder, name) < 0)
        return 0;
    int64_t bytes = stat(path, &info) == 0 ? (int64_t)info.st_size : 0;
    free(path);
    return bytes;
}

typedef struct events {
    const char *folder;
    int64_t bytes;
    uint64_t seed;
    int threads; /* 0: one per core */
} events;

static int generate(const events *e)
{
    char message[1024], size[32], rate[32];
    double begin = ch_cli_now();
    int threads = e->threads ? e->threads : (int)sysconf(_SC_NPROCESSORS_ONLN);
    if (chert_generate_events(e->folder, e->bytes, e->seed, threads, message, sizeof message) !=
        0) {
        fprintf(stderr, "error: %s\n", message);
        return CH_EXIT_ERROR;
    }
    double seconds = ch_cli_now() - begin, written = (double)file_bytes(e->folder, "location.csv");
    ch_cli_bytes(size, written);
    ch_cli_bytes(rate, seconds > 0 ? written / seconds : 0);
    fprintf(stderr, "%s/location.csv: %s in %.2f s, %s/s\n", e->folder, size, seconds, rate);
    return CH_EXIT_OK;
}

static int take_size(ch_cli_args *args, const ch_cli_option *option)
{
    events *e = args->to;
    if (chert_parse_bytes(args->value, &e->bytes) && e->bytes >= 0)
        return CH_EXIT_OK;
    return ch_cli_usage(args->command, "--%s takes bytes such as 500M or 2G, not '%s'",
                        option->name, args->value);
}

static int run_events(const ch_cli_command *self, int argc, char **argv)
{
    events e = {.bytes = CHERT_EVENTS_BYTES, .seed = 1};
    ch_cli_args args = {.command = self,
                        .argc = argc,
                        .argv = argv,
                        .to = &e,
                        .word = &e.folder,
                        .take = take_size};
    int code = ch_cli_read(&args);
    if (code < 0)
        code = e.folder ? generate(&e) : ch_cli_usage(self, "the folder to write to is missing");
    return code;
}

static const ch_cli_option EVENTS_OPTIONS[] = {
    {'s', "size", "BYTES", "of location.csv, as 500M or 2G (default: 1G)"},
    {0, "seed", "N", "the same seed makes the same data (default: 1)", CH_CLI_TO(events, seed), 0,
     INT64_MAX},
    {'t', "threads", "N", "threads (default: one per core)", CH_CLI_TO(events, threads), 1, 1024},
    CH_CLI_HELP_OPTION,
    CH_CLI_OPTIONS_END,
};

static const ch_cli_command EVENTS = {
    .name = "generate events",
    .args = "[OPTIONS] FOLDER",
    .summary = "Regions and locations for 'chert run events'",
    .about =
        "Writes FOLDER/region.csv (53 regions) and FOLDER/location.csv (latitude, longitude, region and\n"
        "one of eight days from 2019-01-17), every field quoted.",
    .option = EVENTS_OPTIONS,
    .run = run_events,
};

static const ch_cli_command *const PROGRAMS[] = {&EVENTS, &ch_cmd_generate_neo,
                                                 &ch_cmd_generate_etl, NULL};

static const ch_cli_option OPTIONS[] = {CH_CLI_HELP_OPTION, CH_CLI_OPTIONS_END};

const ch_cli_command ch_cmd_generate;
const ch_cli_command ch_cmd_generate = {
    .name = "generate",
    .args = "PROGRAM [OPTIONS]",
    .summary = "Make data for a program",
    .option = OPTIONS,
    .sub = PROGRAMS,
    .run = ch_cli_run_sub,
};
