/* SPDX-License-Identifier: Apache-2.0 */
/* submit.c - spark-submit's options, as far as they mean something here, and settings from all their places. */
#include "cli/submit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "session/session.h"

#define MEANINGLESS(name)  \
    {                      \
        0, name, "X", NULL \
    }

const ch_cli_option ch_submit_option[] = {
    {0, "remote", "URL",
     "run on this Spark Connect server (sc://host:port) instead of a\n"
     "private one; also $SPARK_REMOTE"},
    {'c', "conf", "KEY=VALUE", "a setting that the session begins with; may be repeated"},
    {0, "properties-file", "FILE",
     "settings from a file, as spark-defaults.conf; --conf wins\n"
     "(default: $SPARK_CONF_DIR/spark-defaults.conf or\n"
     "$SPARK_HOME/conf/spark-defaults.conf, if there)"},
    {0, "load-spark-defaults", NULL, "read spark-defaults.conf beside --properties-file too"},
    {0, "name", "NAME", "spark.app.name (default: the program's file name)"},
    {0, "master", "MASTER", "local[N] is --threads N; local and local[*] are all cores"},
    {0, "py-files", "FILES",
     ".py, .zip and .egg files and folders that the program imports, comma-separated"},
    {0, "python", "EXE",
     "the Python to use (default: spark.pyspark.driver.python,\n"
     "spark.pyspark.python, $PYSPARK_DRIVER_PYTHON,\n"
     "$PYSPARK_PYTHON, python3)"},
    {'m', "memory", "BYTES",
     "most memory to use, as 256M or 2G; more is spilled to disk\n(default: 60 % of this machine's)"},
    {'t', "threads", "N", "worker threads (default: one per core)"},
    {'v', "verbose", NULL, "say what is run, and with what settings"},
    {0, "version", NULL, "print the version"},
    CH_CLI_HELP_OPTION,
    /* Of spark-submit; read, and named once as changing nothing. */
    MEANINGLESS("archives"),
    MEANINGLESS("class"),
    MEANINGLESS("deploy-mode"),
    MEANINGLESS("driver-class-path"),
    MEANINGLESS("driver-cores"),
    MEANINGLESS("driver-java-options"),
    MEANINGLESS("driver-library-path"),
    MEANINGLESS("driver-memory"),
    MEANINGLESS("exclude-packages"),
    MEANINGLESS("executor-cores"),
    MEANINGLESS("executor-memory"),
    MEANINGLESS("files"),
    MEANINGLESS("jars"),
    MEANINGLESS("keytab"),
    MEANINGLESS("num-executors"),
    MEANINGLESS("packages"),
    MEANINGLESS("principal"),
    MEANINGLESS("proxy-user"),
    MEANINGLESS("queue"),
    MEANINGLESS("repositories"),
    MEANINGLESS("total-executor-cores"),
    {0, "supervise", NULL, NULL},
    {0, "kill", "ID", NULL},
    {0, "status", "ID", NULL},
    CH_CLI_OPTIONS_END,
};

/* ---- notes --------------------------------------------------------------------------------- */

/* *list = *list + ", " + text + hint, once. */
static void name_once(char **list, const char *text, const char *hint)
{
    char *longer = NULL;
    size_t n = strlen(text);
    for (const char *at = *list; at && (at = strstr(at, text)) != NULL; at += n)
        if ((at[n] == 0 || at[n] == ',' || at[n] == ' ') && (at == *list || at[-1] == ' '))
            return;
    if (asprintf(&longer, "%s%s%s%s", *list ? *list : "", *list ? ", " : "", text, hint) < 0)
        return;
    free(*list);
    *list = longer;
}

static void name_option(ch_submit *s, const char *name)
{
    static const char *const HINT[][2] = {
        {"driver-memory", " (see --memory)"},       {"executor-memory", " (see --memory)"},
        {"driver-cores", " (see --threads)"},       {"executor-cores", " (see --threads)"},
        {"num-executors", " (see --threads)"},      {"total-executor-cores", " (see --threads)"},
        {"archives", " (open them by their path)"}, {"files", " (open them by their path)"},
    };
    const char *hint = "";
    char text[40];
    for (size_t i = 0; i < sizeof HINT / sizeof *HINT; i++)
        if (strcmp(HINT[i][0], name) == 0)
            hint = HINT[i][1];
    snprintf(text, sizeof text, "--%s", name);
    name_once(&s->meaningless, text, hint);
}

/* Settings that are for the launch, not for the session. */
static bool is_ours(const char *key)
{
    static const char *const KEY[] = {"spark.remote", "spark.submit.pyFiles",
                                      "spark.pyspark.python", "spark.pyspark.driver.python",
                                      "spark.api.mode"};
    for (size_t i = 0; i < sizeof KEY / sizeof *KEY; i++)
        if (strcmp(KEY[i], key) == 0)
            return true;
    return false;
}

static void tell_notes(const ch_submit *s)
{
    char *keys = NULL;
    for (int i = 0; i < s->conf.n; i += 2) {
        const char *key = s->conf.pair[i];
        bool used = s->remote ? strncmp(key, "spark.sql.", 10) == 0 : ch_setting_is_known(key);
        if (!used && !is_ours(key) && strcmp(key, "spark.master") != 0 &&
            strcmp(key, "spark.app.name") != 0)
            name_once(&keys, key, "");
    }
    if (s->meaningless)
        fprintf(stderr, "chert %s: options that change nothing here: %s\n", s->command->name,
                s->meaningless);
    if (keys)
        fprintf(stderr, "chert %s: settings that change nothing %s: %s\n", s->command->name,
                s->remote ? "on a server that runs already" : "here", keys);
    free(keys);
}

/* ---- settings ------------------------------------------------------------------------------ */

static int out_of_memory(void)
{
    fputs("error: out of memory\n", stderr);
    return CH_EXIT_ERROR;
}

static int set(ch_submit *s, const char *key, const char *value)
{
    return ch_submit_conf_set(&s->conf, key, strlen(key), value, false) ? 0 : out_of_memory();
}

static int read_properties(ch_submit *s, const char *path)
{
    char *ignored;
    int why = ch_submit_conf_read(&s->conf, path, &ignored);
    if (why)
        fprintf(stderr, "error: cannot read the settings in '%s': %s\n", path, strerror(why));
    if (ignored)
        fprintf(stderr, "chert %s: %s: '%s' is no setting: it does not begin with \"spark.\"\n",
                s->command->name, path, ignored);
    free(ignored);
    return why ? CH_EXIT_ERROR : 0;
}

/* Where Spark looks for its defaults. */
static int read_defaults(ch_submit *s)
{
    const char *folder = getenv("SPARK_CONF_DIR"), *home = getenv("SPARK_HOME");
    char *path = NULL;
    int n = folder && *folder ? asprintf(&path, "%s/spark-defaults.conf", folder)
            : home && *home   ? asprintf(&path, "%s/conf/spark-defaults.conf", home)
                              : 0;
    if (n < 0)
        return out_of_memory();
    int code = path && access(path, F_OK) == 0 ? read_properties(s, path) : 0;
    free(path);
    return code;
}

/* local[N] -> N; 0 for all cores; -1 if it is no local master. */
static int threads_of(const char *master)
{
    if (strncmp(master, "local", 5) != 0)
        return -1;
    master += 5;
    if (!*master)
        return 0;
    char *end;
    long n = *master == '[' ? strtol(master + 1, &end, 10) : -1;
    if (*master == '[' && master[1] == '*') {
        n = 0;
        end = (char *)(uintptr_t)(master + 2);
    }
    if (n < 0 || n > 1024 || end == master + 1 || (*end != ']' && *end != ','))
        return -1;
    return (int)n;
}

static int settle_master(ch_submit *s)
{
    const char *master = ch_submit_conf_get(&s->conf, "spark.master");
    const char *key = "MASTER";
    if (!master && getenv(key) && *getenv(key)) {
        if (set(s, "spark.master", getenv(key)))
            return CH_EXIT_ERROR;
        master = ch_submit_conf_get(&s->conf, "spark.master");
    }
    if (!master)
        return 0;
    if (strncmp(master, "sc://", 5) == 0)
        return ch_cli_usage(s->command,
                            "a Spark Connect server goes behind --remote, not --master");
    int threads = threads_of(master);
    if (threads > 0 && !s->engine.threads)
        s->engine.threads = threads;
    if (threads < 0) {
        char text[200];
        snprintf(text, sizeof text, "--master %s", master);
        name_once(&s->meaningless, text, " (a cluster is reached by --remote sc://host:port)");
    }
    return 0;
}

/* The remote that options, settings or the environment name; a local one is ours to start. */
static int settle_remote(ch_submit *s)
{
    const char *remote = ch_submit_conf_get(&s->conf, "spark.remote");
    if (!remote)
        remote = getenv("SPARK_REMOTE");
    if (!remote || !*remote)
        return settle_master(s);
    if (strncmp(remote, "local", 5) == 0)
        return set(s, "spark.master", remote) ? CH_EXIT_ERROR : settle_master(s);
    if (strncmp(remote, "sc://", 5) != 0)
        return ch_cli_usage(s->command, "--remote takes sc://host:port, not '%s'", remote);
    if (ch_submit_conf_get(&s->conf, "spark.master"))
        return ch_cli_usage(s->command, "--remote and --master name different places to run");
    if (s->engine.threads || s->engine.memory_bytes)
        return ch_cli_usage(s->command,
                            "--memory and --threads are a private server's; --remote has its own");
    s->remote = remote;
    return 0;
}

const char *ch_submit_python(const ch_submit *s)
{
    const char *exe = s->python;
    if (!exe)
        exe = ch_submit_conf_get(&s->conf, "spark.pyspark.driver.python");
    if (!exe)
        exe = ch_submit_conf_get(&s->conf, "spark.pyspark.python");
    if (!exe)
        exe = getenv("PYSPARK_DRIVER_PYTHON");
    if (!exe || !*exe)
        exe = getenv("PYSPARK_PYTHON");
    return exe && *exe ? exe : NULL;
}

/* ---- options ------------------------------------------------------------------------------- */

static int take_conf(ch_submit *s, const char *text)
{
    size_t len = strcspn(text, "=");
    if (!text[len] || len == 0)
        return ch_cli_usage(s->command, "--conf takes KEY=VALUE, not '%s'", text);
    if (strncmp(text, "spark.", 6) != 0 && strncmp(text, "chert.", 6) != 0) {
        fprintf(stderr, "chert %s: --conf %s is no setting: it does not begin with \"spark.\"\n",
                s->command->name, text);
        return 0;
    }
    return ch_submit_conf_set(&s->conf, text, len, text + len + 1, false) ? 0 : out_of_memory();
}

/* An exit code, or 0 to go on. */
static int take(ch_submit *s, const ch_cli_args *args, const ch_cli_option *o)
{
    static const char *const SETTING[][2] = {{"remote", "spark.remote"},
                                             {"name", "spark.app.name"},
                                             {"master", "spark.master"},
                                             {"py-files", "spark.submit.pyFiles"}};
    const char *name = o->name;
    for (size_t i = 0; i < sizeof SETTING / sizeof *SETTING; i++)
        if (strcmp(SETTING[i][0], name) == 0)
            return set(s, SETTING[i][1], args->value);
    if (strcmp(name, "conf") == 0)
        return take_conf(s, args->value);
    if (strcmp(name, "kill") == 0 || strcmp(name, "status") == 0)
        return ch_cli_usage(s->command,
                            "--%s is for programs on a cluster; this one runs here, until it ends",
                            name);
    if (strcmp(name, "python") == 0)
        s->python = args->value;
    else if (strcmp(name, "properties-file") == 0)
        s->properties_file = args->value;
    else if (strcmp(name, "load-spark-defaults") == 0)
        s->load_defaults = true;
    else if (strcmp(name, "verbose") == 0)
        s->verbose = true;
    else
        name_option(s, name);
    return 0;
}

int ch_submit_options(ch_submit *s, const ch_cli_command *command, int argc, char **argv)
{
    *s = (ch_submit){.command = command, .engine = CHERT_OPTIONS_INIT};
    ch_cli_session engine = CH_CLI_SESSION_INIT;
    ch_cli_args args = {.command = command, .argc = argc, .argv = argv, .session = &engine};
    const ch_cli_option *o;
    bool failed = false;
    while (!s->code && (o = ch_cli_next(&args, &failed)) != NULL) {
        s->done = strcmp(o->name, "help") == 0 || strcmp(o->name, "version") == 0;
        if (s->done) {
            if (*o->name == 'h')
                ch_cli_help(command, stdout);
            else
                printf("chert %s\n", chert_version());
            return argc;
        }
        s->code = take(s, &args, o);
    }
    s->engine = engine.options;
    if (failed)
        s->code = CH_EXIT_USAGE;
    if (!s->code && s->properties_file)
        s->code = read_properties(s, s->properties_file);
    if (!s->code && (!s->properties_file || s->load_defaults))
        s->code = read_defaults(s);
    if (!s->code)
        s->code = settle_remote(s);
    s->done = s->code != 0;
    if (!s->done)
        tell_notes(s);
    return args.value ? args.at - 1 : argc;
}

void ch_submit_release(ch_submit *s)
{
    ch_submit_conf_release(&s->conf);
    free(s->meaningless);
    s->meaningless = NULL;
}
