/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_server.c - chert server: Spark Connect on a port. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "connect/server.h"

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

/* ---- the command line ---------------------------------------------------------------------- */

typedef struct server_command {
    ch_server_options options;
    const char **allowed; /* of --allow-path */
    char **conf;          /* of --conf: key, value */
} server_command;

static const ch_cli_option OPTIONS[] = {
    {'p', "port", "N", "port to listen on; 0 takes any that is free (default: 15002)",
     CH_CLI_TO(server_command, options.port), 0, 65535},
    {0, "address", "IP",
     "address to listen on (default: 127.0.0.1); others than\nloopback need a token",
     CH_CLI_TO(server_command, options.address)},
    {0, "token", "TEXT", "clients must send this token; also $SPARK_CONNECT_AUTHENTICATE_TOKEN",
     CH_CLI_TO(server_command, options.token)},
    {0, "tls-cert", "FILE", "certificate (PEM): serve TLS",
     CH_CLI_TO(server_command, options.tls_cert)},
    {0, "tls-key", "FILE", "its private key (PEM)", CH_CLI_TO(server_command, options.tls_key)},
    {0, "tls-client-ca", "FILE", "ask clients for a certificate that one of these signed (PEM)",
     CH_CLI_TO(server_command, options.tls_client_ca)},
    {0, "read-only", NULL, "write nothing: no files, no tables, no databases",
     CH_CLI_TO(server_command, options.read_only)},
    {0, "allow-path", "DIR",
     "read and write only below this folder and in the catalog's\nspark-warehouse; may be repeated"},
    {0, "allow-native-functions", "DIR",
     "clients may load functions in C from shared objects below\nthis folder; they run inside the server (default: none)",
     CH_CLI_TO(server_command, options.native_functions)},
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

static int take_seconds(const ch_cli_args *args, const char *name, double *out)
{
    char *end;
    *out = strtod(args->value, &end);
    if (end != args->value && !*end && *out > 0 && *out <= 1e9)
        return CH_EXIT_OK;
    return ch_cli_usage(args->command, "--%s takes seconds, not '%s'", name, args->value);
}

static int take_conf(const ch_cli_args *args, server_command *c)
{
    const char *text = args->value, *equals = strchr(text, '=');
    char **pair = c->conf + 2 * (ptrdiff_t)c->options.n_conf;
    if (!equals || equals == text)
        return ch_cli_usage(args->command, "--conf takes KEY=VALUE, not '%s'", text);
    pair[0] = strndup(text, (size_t)(equals - text));
    pair[1] = strdup(equals + 1);
    c->options.n_conf++;
    return pair[0] && pair[1] ? CH_EXIT_OK : CH_EXIT_ERROR;
}

static int take(ch_cli_args *args, const ch_cli_option *option)
{
    server_command *c = args->to;
    if (strcmp(option->name, "conf") == 0)
        return take_conf(args, c);
    if (strcmp(option->name, "session-timeout") == 0)
        return take_seconds(args, option->name, &c->options.session_timeout_s);
    if (strcmp(option->name, "detached-timeout") == 0)
        return take_seconds(args, option->name, &c->options.detached_timeout_s);
    c->allowed[c->options.n_allow_paths++] = args->value;
    return CH_EXIT_OK;
}

static int run(const ch_cli_command *self, int argc, char **argv)
{
    server_command c = {
        .options = {.port = CH_CONNECT_PORT, .token = getenv("SPARK_CONNECT_AUTHENTICATE_TOKEN")},
        .allowed = calloc((size_t)argc + 1, sizeof *c.allowed),
        .conf = calloc(2 * (size_t)argc + 2, sizeof *c.conf)};
    ch_cli_session engine = CH_CLI_SESSION_INIT;
    ch_cli_args args = {
        .command = self, .argc = argc, .argv = argv, .session = &engine, .to = &c, .take = take};
    int code = c.allowed && c.conf ? ch_cli_read(&args) : CH_EXIT_ERROR;
    c.options.allow_path = c.allowed;
    c.options.conf = (const char *const *)c.conf;
    c.options.memory_limit = engine.options.memory_bytes;
    c.options.threads = engine.options.threads;
    if (code < 0)
        code = serve(&c.options);
    for (int i = 0; c.conf && i < 2 * c.options.n_conf; i++)
        free(c.conf[i]);
    free(c.conf);
    free(c.allowed);
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
