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

static int generate(const char *folder, int64_t bytes, uint64_t seed, int threads)
{
    char message[1024], size[32], rate[32];
    double begin = ch_cli_now();
    if (threads <= 0)
        threads = (int)sysconf(_SC_NPROCESSORS_ONLN);
    if (chert_generate_events(folder, bytes, seed, threads, message, sizeof message) != 0) {
        fprintf(stderr, "error: %s\n", message);
        return CH_EXIT_ERROR;
    }
    double seconds = ch_cli_now() - begin, written = (double)file_bytes(folder, "location.csv");
    ch_cli_bytes(size, written);
    ch_cli_bytes(rate, seconds > 0 ? written / seconds : 0);
    fprintf(stderr, "%s/location.csv: %s in %.2f s, %s/s\n", folder, size, seconds, rate);
    return CH_EXIT_OK;
}

static int run_events(const ch_cli_command *self, int argc, char **argv)
{
    ch_cli_args args = {.command = self, .argc = argc, .argv = argv};
    const char *folder = NULL;
    int64_t bytes = CHERT_EVENTS_BYTES;
    uint64_t seed = 1;
    int threads = 0;
    for (;;) {
        bool failed;
        char *end;
        const ch_cli_option *o = ch_cli_next(&args, &failed);
        if (failed)
            return CH_EXIT_USAGE;
        if (!o && !args.value)
            break;
        if (!o) {
            if (folder)
                return ch_cli_usage(self, "unexpected '%s'", args.value);
            folder = args.value;
        } else if (strcmp(o->name, "size") == 0) {
            if (!chert_parse_bytes(args.value, &bytes) || bytes < 0)
                return ch_cli_usage(self, "--size takes bytes such as 500M or 2G, not '%s'",
                                    args.value);
        } else if (strcmp(o->name, "seed") == 0) {
            seed = strtoull(args.value, &end, 10);
            if (*end || end == args.value || *args.value == '-')
                return ch_cli_usage(self, "--seed takes a whole number, not '%s'", args.value);
        } else if (strcmp(o->name, "threads") == 0) {
            threads = (int)strtol(args.value, &end, 10);
            if (*end || threads < 1 || threads > 1024)
                return ch_cli_usage(self, "--threads takes a number from 1 to 1024, not '%s'",
                                    args.value);
        } else {
            ch_cli_help(self, stdout);
            return CH_EXIT_OK;
        }
    }
    return folder ? generate(folder, bytes, seed, threads)
                  : ch_cli_usage(self, "the folder to write to is missing");
}

static const ch_cli_option EVENTS_OPTIONS[] = {
    {'s', "size", "BYTES", "of location.csv, as 500M or 2G (default: 1G)"},
    {0, "seed", "N", "the same seed makes the same data (default: 1)"},
    {'t', "threads", "N", "threads (default: one per core)"},
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
