/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_server.c - chert server: Spark Connect on a port. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "connect/server.h"

static const ch_cli_option OPTIONS[] = {
    {'p', "port", "N", "port to listen on; 0 takes any that is free (default: 15002)"},
    {0, "address", "IP",
     "address to listen on (default: 127.0.0.1); others than\nloopback need a token"},
    {0, "token", "TEXT", "clients must send this token; also $SPARK_CONNECT_AUTHENTICATE_TOKEN"},
    {0, "tls-cert", "FILE", "certificate (PEM): serve TLS"},
    {0, "tls-key", "FILE", "its private key (PEM)"},
    {0, "tls-client-ca", "FILE", "ask clients for a certificate that one of these signed (PEM)"},
    {0, "read-only", NULL, "write nothing: no files, no tables, no databases"},
    {0, "allow-path", "DIR",
     "read and write only below this folder and in the catalog's\nspark-warehouse; may be repeated"},
    {0, "allow-native-functions", "DIR",
     "clients may load functions in C from shared objects below\nthis folder; they run inside the server (default: none)"},
    {0, "session-timeout", "SECONDS",
     "close sessions that nobody used for so long (default: 3600)"},
    {0, "detached-timeout", "SECONDS",
     "cancel queries whose client is gone for so long (default: 300)"},
    {'m', "memory", "BYTES",
     "most memory to use, as 256M or 2G; more is spilled to disk\n(default: 60 % of this machine's)"},
    {'t', "threads", "N", "worker threads (default: one per core)"},
    {0, "conf", "KEY=VALUE", "a setting that each session begins with; may be repeated"},
    CH_CLI_HELP_OPTION,
    CH_CLI_OPTIONS_END,
};

static ch_server *running;

static void stop(int signal)
{
    CH_UNUSED(signal);
    ch_server_stop(running);
}

/* Runs until a signal; exit code. */
static int serve(const ch_server_options *options)
{
    ch_error err = {0};
    ch_server *server;
    ch_status status = ch_server_open(options, &server, &err);
    if (status == CH_OK) {
        struct sigaction action = {.sa_handler = stop};
        running = server;
        sigaction(SIGINT, &action, NULL);
        sigaction(SIGTERM, &action, NULL);
        signal(SIGPIPE, SIG_IGN);
        fprintf(stderr, "Chert speaks Spark Connect at sc://%s:%d\n",
                options->address ? options->address : "127.0.0.1", ch_server_port(server));
        status = ch_server_run(server, &err);
        /* From here on a second Ctrl-C ends the process: there is no server to stop. */
        signal(SIGINT, SIG_DFL);
        signal(SIGTERM, SIG_DFL);
        ch_server_close(server);
    }
    if (status == CH_OK)
        return CH_EXIT_OK;
    char *text = ch_error_text(&err);
    fprintf(stderr, "error: %s\n", text ? text : "out of memory");
    free(text);
    int code = err.code == CH_E_INVALID_OPTION ? CH_EXIT_USAGE : CH_EXIT_ERROR;
    ch_error_release(&err);
    return code;
}

static bool number(const char *text, long most, int *out)
{
    char *end;
    long n = strtol(text, &end, 10);
    *out = (int)n;
    return end != text && !*end && n >= 0 && n <= most;
}

static bool seconds(const char *text, double *out)
{
    char *end;
    *out = strtod(text, &end);
    return end != text && !*end && *out > 0 && *out <= 1e9;
}

static bool add_conf(char **conf, const char *text, ch_server_options *options)
{
    const char *equals = strchr(text, '=');
    char **pair = conf + 2 * (ptrdiff_t)options->n_conf;
    if (!equals || equals == text)
        return false;
    pair[0] = strndup(text, (size_t)(equals - text));
    pair[1] = strdup(equals + 1);
    options->n_conf++;
    return pair[0] && pair[1];
}

/* What the command line says; an exit code, or -1: serve. */
static int take_options(const ch_cli_command *self, ch_cli_args *args, const char **allowed,
                        char **conf, ch_server_options *options)
{
    options->allow_path = allowed;
    options->conf = (const char *const *)conf;
    bool failed = false;
    const ch_cli_option *o;
    while ((o = ch_cli_next(args, &failed)) || args->value) {
        if (!o)
            return ch_cli_usage(self, "unexpected '%s'", args->value);
        if (strcmp(o->name, "help") == 0) {
            ch_cli_help(self, stdout);
            return CH_EXIT_OK;
        }
        if (strcmp(o->name, "port") == 0 && !number(args->value, 65535, &options->port))
            return ch_cli_usage(self, "--port takes a number up to 65535, not '%s'", args->value);
        if (strcmp(o->name, "threads") == 0 && !number(args->value, 1024, &options->threads))
            return ch_cli_usage(self, "--threads takes a number up to 1024, not '%s'", args->value);
        if (strcmp(o->name, "memory") == 0 && !ch_parse_bytes(args->value, &options->memory_limit))
            return ch_cli_usage(self, "--memory takes bytes, as 256M or 2G, not '%s'", args->value);
        if (strcmp(o->name, "session-timeout") == 0 &&
            !seconds(args->value, &options->session_timeout_s))
            return ch_cli_usage(self, "--session-timeout takes seconds, not '%s'", args->value);
        if (strcmp(o->name, "detached-timeout") == 0 &&
            !seconds(args->value, &options->detached_timeout_s))
            return ch_cli_usage(self, "--detached-timeout takes seconds, not '%s'", args->value);
        if (strcmp(o->name, "read-only") == 0)
            options->read_only = true;
        if (strcmp(o->name, "allow-path") == 0)
            allowed[options->n_allow_paths++] = args->value;
        if (strcmp(o->name, "conf") == 0 && !add_conf(conf, args->value, options))
            return ch_cli_usage(self, "--conf takes KEY=VALUE, not '%s'", args->value);
        if (strcmp(o->name, "allow-native-functions") == 0)
            options->native_functions = args->value;
        if (strcmp(o->name, "address") == 0)
            options->address = args->value;
        if (strcmp(o->name, "token") == 0)
            options->token = args->value;
        if (strcmp(o->name, "tls-cert") == 0)
            options->tls_cert = args->value;
        if (strcmp(o->name, "tls-key") == 0)
            options->tls_key = args->value;
        if (strcmp(o->name, "tls-client-ca") == 0)
            options->tls_client_ca = args->value;
    }
    return failed ? CH_EXIT_USAGE : -1;
}

static int run(const ch_cli_command *self, int argc, char **argv)
{
    ch_cli_args args = {.command = self, .argc = argc, .argv = argv};
    ch_server_options options = {.port = CH_CONNECT_PORT,
                                 .token = getenv("SPARK_CONNECT_AUTHENTICATE_TOKEN")};
    const char **allowed = calloc((size_t)argc + 1, sizeof *allowed);
    char **conf = calloc(2 * (size_t)argc + 2, sizeof *conf);
    int code = allowed && conf ? take_options(self, &args, allowed, conf, &options) : CH_EXIT_ERROR;
    if (code < 0)
        code = serve(&options);
    for (int i = 0; i < 2 * options.n_conf; i++)
        free(conf[i]);
    free(conf);
    free(allowed);
    return code;
}

const ch_cli_command ch_cmd_server;
const ch_cli_command ch_cmd_server = {
    .name = "server",
    .args = "[OPTIONS]",
    .summary = "Serve PySpark and other Spark Connect clients",
    .about = "Programs connect with SparkSession.builder.remote(\"sc://localhost:15002\").\n"
             "Ctrl-C, or SIGTERM, ends what runs and stops the server.",
    .option = OPTIONS,
    .run = run,
};
