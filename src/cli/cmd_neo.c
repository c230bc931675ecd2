/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_neo.c - chert run neo fetch | aggregate | serve, chert generate neo. */
#include "cli/cmd_neo.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "cli/watch.h"
#include "pipelines/neo.h"
#include "pipelines/neo_sample.h"
#include "pipelines/neo_serve.h"
#include "pipelines/program.h"

#define MOST INT64_C(1000000000)

/* ---- fetch ------------------------------------------------------------------------------- */

typedef struct fetch {
    const char *output_dir, *api_url;
    int64_t limit, first, last; /* first 0: no backfill */
    int timeout, wait_ms;
    chert_settings settings;
} fetch;

static const ch_cli_option FETCH_OPTIONS[] = {
    {0, "backfill", "A B", "fetch the objects A to B again, and nothing else"},
    {'o', "output-dir", "DIR", "where raw/ goes (default: OUTPUT_DIR, else 'neo')",
     CH_CLI_TO(fetch, output_dir)},
    {0, "api-url", "URL",
     "the API (default: https://api.nasa.gov with API_KEY,\nelse a built-in sample)",
     CH_CLI_TO(fetch, api_url)},
    {'n', "limit", "N", "fetch the first N objects (default: 200)", CH_CLI_TO(fetch, limit), 1,
     MOST},
    {0, "timeout", "SECONDS", "of one request (default: 30)", CH_CLI_TO(fetch, timeout), 1, 3600},
    {0, "wait", "SECONDS", "before a second try; twice as long before each next one\n(default: 1)"},
    CH_CLI_SESSION_OPTIONS,
    CH_CLI_HELP_OPTION,
    CH_CLI_OPTIONS_END,
};

static void tell(const char *line)
{
    fprintf(stderr, "%s\n", line);
}

/* LOG_LEVEL as Python's logging names it: pages are told at INFO. 1 yes, 0 no, -1 no such level. */
static int tells_pages(const fetch *f)
{
    static const char *const LEVEL[] = {"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"};
    const char *level = chert_setting(&f->settings, "LOG_LEVEL");
    for (int i = 0; level && i < 5; i++)
        if (strcasecmp(level, LEVEL[i]) == 0)
            return i <= 1;
    return level ? -1 : 1;
}

static int report_fetch(const fetch *f, const chert_neo_fetch_report *r, double seconds)
{
    fprintf(stderr, "%lld page%s, %lld object%s in %.1f s, below %s/raw\n", (long long)r->pages,
            r->pages == 1 ? "" : "s", (long long)r->objects, r->objects == 1 ? "" : "s", seconds,
            f->output_dir);
    if (r->pages_before)
        fprintf(stderr, "%lld page%s were there already, of the run that was stopped\n",
                (long long)r->pages_before, r->pages_before == 1 ? "" : "s");
    if (r->tries > r->pages + r->pages_failed)
        fprintf(stderr, "%lld requests had to be repeated\n",
                (long long)(r->tries - r->pages - r->pages_failed));
    if (r->rejected)
        fprintf(stderr, "%lld object%s rejected: see %s/rejected\n", (long long)r->rejected,
                r->rejected == 1 ? "" : "s", f->output_dir);
    if (r->pages_failed)
        fprintf(stderr, "%lld page%s FAILED; the same command again fetches only what is missing\n",
                (long long)r->pages_failed, r->pages_failed == 1 ? "" : "s");
    return r->pages_failed ? CH_EXIT_ERROR : CH_EXIT_OK;
}

static int fetch_now(chert_session *session, const fetch *f, chert_neo_fetch_options *o)
{
    chert_error err = CHERT_ERROR_INIT;
    chert_neo_fetch_report report;
    ch_watch watch;
    double begin = ch_cli_now();
    ch_watch_start(&watch, session, false);
    /* cppcheck-suppress autoVariables */
    o->stop = &watch.signal;
    int failed = chert_neo_fetch(session, o, &report, &err);
    bool stopped = ch_watch_stop(&watch);
    int code = failed ? ch_cli_error(&err) : CH_EXIT_OK;
    if (!failed || report.pages_failed)
        report_fetch(f, &report, ch_cli_now() - begin);
    return stopped ? CH_EXIT_CANCELLED : code;
}

/* With no API to ask, the sample is served to ourselves. */
static int fetch_with(chert_session *session, void *arg)
{
    const fetch *f = arg;
    chert_error err = CHERT_ERROR_INIT;
    chert_neo_server *sample = NULL;
    const char *key = chert_setting(&f->settings, "API_KEY");
    char url[64];
    chert_neo_fetch_options o = {.output_dir = f->output_dir,
                                 .api_url = f->api_url,
                                 .api_key = key ? key : "DEMO_KEY",
                                 .first = f->first ? f->first : 1,
                                 .last = f->first ? f->last : f->limit,
                                 .wait_ms = f->wait_ms,
                                 .timeout_ms = f->timeout * 1000,
                                 .tell = tells_pages(f) ? tell : NULL};
    if (!o.api_url && key)
        o.api_url = "https://api.nasa.gov";
    if (!o.api_url) {
        chert_neo_serve_options own = {.objects = CHERT_NEO_SAMPLE, .seed = 1};
        sample = chert_neo_serve(&own, &err);
        if (!sample)
            return ch_cli_error(&err);
        snprintf(url, sizeof url, "http://127.0.0.1:%d", chert_neo_server_port(sample));
        o.api_url = url;
        fprintf(stderr, "no API_KEY and no --api-url: using the built-in sample of %d objects\n",
                CHERT_NEO_SAMPLE);
    }
    int code = fetch_now(session, f, &o);
    chert_neo_server_stop(sample);
    return code;
}

/* --backfill takes two words. */
static int take_backfill(ch_cli_args *args, fetch *f)
{
    const ch_cli_command *self = args->command;
    if (args->at >= args->argc)
        return ch_cli_usage(self, "--backfill takes two numbers: --backfill A B");
    f->first = ch_cli_number(self, "backfill", args->value, 1, MOST);
    f->last =
        f->first < 0 ? -1 : ch_cli_number(self, "backfill", args->argv[args->at++], f->first, MOST);
    return f->last > 0 ? CH_EXIT_OK : CH_EXIT_USAGE;
}

static int take_fetch(ch_cli_args *args, const ch_cli_option *option)
{
    fetch *f = args->to;
    if (strcmp(option->name, "backfill") == 0)
        return take_backfill(args, f);
    char *end;
    double seconds = strtod(args->value, &end);
    if (*end || end == args->value || !(seconds >= 0 && seconds <= 3600))
        return ch_cli_usage(args->command, "--wait takes seconds from 0 to 3600, not '%s'",
                            args->value);
    f->wait_ms = (int)(seconds * 1000);
    return CH_EXIT_OK;
}

/* Fills what the command line left open; an exit code. */
static int settle_fetch(fetch *f)
{
    chert_error err = CHERT_ERROR_INIT;
    if (chert_settings_read(&f->settings, ".env", &err) != 0)
        return ch_cli_error(&err);
    if (!f->output_dir)
        f->output_dir = chert_setting(&f->settings, "OUTPUT_DIR");
    if (!f->output_dir)
        f->output_dir = "neo";
    if (tells_pages(f) >= 0)
        return CH_EXIT_OK;
    fprintf(stderr, "error: LOG_LEVEL is '%s'; expected DEBUG, INFO, WARNING, ERROR or CRITICAL\n",
            chert_setting(&f->settings, "LOG_LEVEL"));
    return CH_EXIT_USAGE;
}

static int run_fetch(const ch_cli_command *self, int argc, char **argv)
{
    fetch f = {.limit = CHERT_NEO_SAMPLE, .timeout = 30, .wait_ms = 1000};
    ch_cli_session options = CH_CLI_SESSION_INIT;
    ch_cli_args args = {.command = self,
                        .argc = argc,
                        .argv = argv,
                        .session = &options,
                        .to = &f,
                        .take = take_fetch};
    int code = ch_cli_read(&args);
    if (code < 0 && (code = settle_fetch(&f)) == CH_EXIT_OK)
        code = ch_cli_with_session(&options, fetch_with, &f);
    chert_settings_free(&f.settings);
    free(options.set);
    return code;
}

static const ch_cli_command FETCH = {
    .name = "run neo fetch",
    .args = "[OPTIONS]",
    .summary = "Fetch objects from NASA's API into Parquet",
    .about =
        "Reads NASA's browse endpoint, 20 objects a request, at most 2 requests a second, and writes each page to\n"
        "DIR/raw/batch-number=1-20/neo_partition_1-20.parquet and so on. A request that fails is tried up to 5 times.\n"
        "Objects that do not fit go to DIR/rejected with the reason. A run that was stopped, or in which pages failed,\n"
        "is gone on with by the same command.\n"
        "\n"
        "Settings of the environment, or of .env in this folder: API_KEY (from https://api.nasa.gov), OUTPUT_DIR,\n"
        "LOG_LEVEL (INFO tells each page, WARNING does not).\n"
        "\n"
        "  chert run neo fetch -o /tmp/neo && chert run neo aggregate --input_dir /tmp/neo",
    .option = FETCH_OPTIONS,
    .run = run_fetch,
};

/* ---- aggregate --------------------------------------------------------------------------- */

typedef struct aggregate {
    const char *from, *to;
    int64_t first, last;
} aggregate;

static const ch_cli_option AGGREGATE_OPTIONS[] = {
    {0, "start_batch", "A", "the first object (default: 1)", CH_CLI_TO(aggregate, first), 1, MOST},
    {0, "end_batch", "B", "the last one (default: 200)", CH_CLI_TO(aggregate, last), 1, MOST},
    {'i', "input_dir", "DIR", "what 'run neo fetch' wrote, or its raw/",
     CH_CLI_TO(aggregate, from)},
    {'o', "output_dir", "DIR", "where aggregations/batches-A-B/ goes (default: input_dir)",
     CH_CLI_TO(aggregate, to)},
    CH_CLI_SESSION_OPTIONS,
    CH_CLI_HELP_OPTION,
    CH_CLI_OPTIONS_END,
};

static int aggregate_with(chert_session *session, void *arg)
{
    const aggregate *a = arg;
    chert_error err = CHERT_ERROR_INIT;
    ch_watch watch;
    char *path = NULL;
    ch_watch_start(&watch, session, ch_watch_wanted());
    chert_df *found = chert_neo_aggregates(session, a->from, a->first, a->last, &err);
    int failed =
        chert_neo_write_aggregates(found, a->to ? a->to : a->from, a->first, a->last, &path, &err);
    chert_df_free(found);
    found = failed ? NULL : chert_read(session, "parquet", path, NULL, &err, NULL);
    bool stopped = ch_watch_stop(&watch);
    if (found)
        failed = chert_df_show(found, 1000, 0, false, stdout, &err);
    int code = failed || err.code ? ch_cli_error(&err) : CH_EXIT_OK;
    if (code == CH_EXIT_OK)
        fprintf(stderr, "written to %s\n", path);
    chert_df_free(found);
    free(path);
    return stopped ? CH_EXIT_CANCELLED : code;
}

static int run_aggregate(const ch_cli_command *self, int argc, char **argv)
{
    aggregate a = {.first = 1, .last = CHERT_NEO_SAMPLE};
    ch_cli_session options = CH_CLI_SESSION_INIT;
    ch_cli_args args = {.command = self, .argc = argc, .argv = argv, .session = &options, .to = &a};
    int code = ch_cli_read(&args);
    if (code < 0 && !a.from)
        code = ch_cli_usage(self, "--input_dir is missing");
    if (code < 0 && a.last < a.first)
        code = ch_cli_usage(self, "--end_batch %lld is before --start_batch %lld",
                            (long long)a.last, (long long)a.first);
    if (code < 0)
        code = ch_cli_with_session(&options, aggregate_with, &a);
    free(options.set);
    return code;
}

static const ch_cli_command AGGREGATE = {
    .name = "run neo aggregate",
    .args = "--input_dir DIR [OPTIONS]",
    .summary = "Count objects and close approaches",
    .about =
        "Reads the partitions of DIR that hold the objects A to B, and only those. Writes (metric, value) rows to\n"
        "aggregations/batches-A-B/ as Parquet and prints them: objects, hazardous ones, those with approaches, approaches\n"
        "under 0.2 astronomical units, and these per year.",
    .option = AGGREGATE_OPTIONS,
    .run = run_aggregate,
};

/* ---- serve ------------------------------------------------------------------------------- */

typedef struct serve {
    chert_neo_serve_options options;
    int slow; /* seconds */
    bool quiet;
} serve;

static const ch_cli_option SERVE_OPTIONS[] = {
    {'p', "port", "N", "port to listen on; 0 takes any that is free (default: 8000)",
     CH_CLI_TO(serve, options.port), 0, 65535},
    {'n', "objects", "N", "objects to serve (default: 200)", CH_CLI_TO(serve, options.objects), 0,
     MOST},
    {0, "seed", "N", "the same seed makes the same objects and faults (default: 1)",
     CH_CLI_TO(serve, options.seed), 0, INT64_MAX},
    {0, "api-key", "KEY", "refuse requests with another api_key",
     CH_CLI_TO(serve, options.api_key)},
    {0, "inject", "FAULT=SHARE",
     "429, 500, 503, slow, broken, cut or odd (wrong types), for a\nshare of the requests from 0 to 1; may be repeated"},
    {0, "slow", "SECONDS", "how long a slow reply takes (default: 60)", CH_CLI_TO(serve, slow), 0,
     3600},
    {0, "limit", "N", "answer 429 after N requests", CH_CLI_TO(serve, options.limit), 0, MOST},
    {'q', "quiet", NULL, "no line per request", CH_CLI_TO(serve, quiet)},
    CH_CLI_HELP_OPTION,
    CH_CLI_OPTIONS_END,
};

/* "429=0.1" */
static int take_fault(ch_cli_args *args, const ch_cli_option *option)
{
    serve *s = args->to;
    char name[16];
    const char *text = args->value, *equals = strchr(text, '=');
    size_t n = equals ? (size_t)(equals - text) : 0;
    int fault = -1;
    if (n > 0 && n < sizeof name) {
        memcpy(name, text, n);
        name[n] = 0;
        fault = chert_neo_fault_named(name);
    }
    char *end = NULL;
    double share = fault >= 0 ? strtod(equals + 1, &end) : -1;
    if (fault < 0 || *end || end == equals + 1 || !(share >= 0 && share <= 1))
        return ch_cli_usage(args->command,
                            "--%s takes FAULT=SHARE, a fault of 429, 500, 503, slow, broken, cut, "
                            "odd and a share from 0 to 1, not '%s'",
                            option->name, text);
    s->options.fault[fault] = share;
    return CH_EXIT_OK;
}

static int run_serve(const ch_cli_command *self, int argc, char **argv)
{
    serve s = {.options = {.port = 8000, .objects = CHERT_NEO_SAMPLE, .seed = 1}, .slow = 60};
    ch_cli_args args = {.command = self, .argc = argc, .argv = argv, .to = &s, .take = take_fault};
    int code = ch_cli_read(&args);
    if (code >= 0)
        return code;
    s.options.slow_ms = 1000 * s.slow;
    s.options.log = !s.quiet;
    sigset_t signals;
    int signal;
    chert_error err = CHERT_ERROR_INIT;
    ch_watch_block();
    ch_watch_signals(&signals);
    chert_neo_server *server = chert_neo_serve(&s.options, &err);
    if (!server)
        return ch_cli_error(&err);
    fprintf(stderr, "near-earth objects at http://127.0.0.1:%d\n", chert_neo_server_port(server));
    sigwait(&signals, &signal);
    chert_neo_server_stop(server);
    return CH_EXIT_OK;
}

static const ch_cli_command SERVE = {
    .name = "run neo serve",
    .args = "[OPTIONS]",
    .summary = "Stand in for NASA's API, on loopback",
    .about =
        "Serves generated objects in the JSON of NASA's browse endpoint until Ctrl-C, and fails as it is told.\n"
        "\n"
        "  chert run neo serve --port 8000 --inject 429=0.1 --inject broken=0.05 &\n"
        "  chert run neo fetch --api-url http://127.0.0.1:8000",
    .option = SERVE_OPTIONS,
    .run = run_serve,
};

/* ---- generate ---------------------------------------------------------------------------- */

typedef struct generate {
    const char *folder;
    int64_t objects, per_file;
    uint64_t seed;
} generate;

static const ch_cli_option GENERATE_OPTIONS[] = {
    {'n', "objects", "N", "objects (default: 200)", CH_CLI_TO(generate, objects), 1, MOST},
    {0, "per-file", "N", "objects of a partition (default: 20)", CH_CLI_TO(generate, per_file), 1,
     MOST},
    {0, "seed", "N", "the same seed makes the same data (default: 1)", CH_CLI_TO(generate, seed), 0,
     INT64_MAX},
    CH_CLI_SESSION_OPTIONS,
    CH_CLI_HELP_OPTION,
    CH_CLI_OPTIONS_END,
};

static int generate_with(chert_session *session, void *arg)
{
    const generate *g = arg;
    chert_error err = CHERT_ERROR_INIT;
    ch_watch watch;
    double begin = ch_cli_now();
    ch_watch_start(&watch, session, false);
    int failed = chert_neo_generate(session, g->folder, g->objects, g->per_file, g->seed, &err);
    bool stopped = ch_watch_stop(&watch);
    int code = failed ? ch_cli_error(&err) : CH_EXIT_OK;
    if (!failed)
        fprintf(stderr, "%s/raw: %lld objects in %.2f s\n", g->folder, (long long)g->objects,
                ch_cli_now() - begin);
    return stopped ? CH_EXIT_CANCELLED : code;
}

static int run_generate(const ch_cli_command *self, int argc, char **argv)
{
    generate g = {.objects = CHERT_NEO_SAMPLE, .per_file = CHERT_NEO_PAGE, .seed = 1};
    ch_cli_session options = CH_CLI_SESSION_INIT;
    ch_cli_args args = {.command = self,
                        .argc = argc,
                        .argv = argv,
                        .session = &options,
                        .to = &g,
                        .word = &g.folder};
    int code = ch_cli_read(&args);
    if (code < 0)
        code = g.folder ? ch_cli_with_session(&options, generate_with, &g)
                        : ch_cli_usage(self, "the folder to write to is missing");
    free(options.set);
    return code;
}

const ch_cli_command ch_cmd_generate_neo = {
    .name = "generate neo",
    .args = "[OPTIONS] FOLDER",
    .summary = "Near-earth objects for 'chert run neo aggregate'",
    .about =
        "Writes FOLDER/raw/batch-number=1-20/neo_partition_1-20.parquet and so on, as 'chert run neo fetch' does.",
    .option = GENERATE_OPTIONS,
    .run = run_generate,
};

/* ---- run neo ----------------------------------------------------------------------------- */

static const ch_cli_command *const PROGRAMS[] = {&FETCH, &AGGREGATE, &SERVE, NULL};

static const ch_cli_option OPTIONS[] = {CH_CLI_HELP_OPTION, CH_CLI_OPTIONS_END};

const ch_cli_command ch_cmd_run_neo = {
    .name = "run neo",
    .args = "PROGRAM [OPTIONS]",
    .summary = "Near-earth objects: fetch, aggregate, serve",
    .option = OPTIONS,
    .sub = PROGRAMS,
    .run = ch_cli_run_sub,
};
