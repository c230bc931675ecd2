/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_submit.c - chert submit: a PySpark program on a server of its own. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/submit.h"

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), k = strlen(end);
    return n >= k && strcasecmp(text + n - k, end) == 0;
}

/* The program's path without its scheme; NULL after an error told, with *code. */
static const char *local_program(const ch_cli_command *self, const char *program, int *code)
{
    static const char *const OTHER[] = {".jar", ".class", ".scala", ".R"};
    for (size_t i = 0; i < sizeof OTHER / sizeof *OTHER; i++) {
        if (ends_with(program, OTHER[i])) {
            *code =
                ch_cli_usage(self, "'%s' is no Python program; others need a JVM or R", program);
            return NULL;
        }
    }
    if (strncmp(program, "file://", 7) == 0)
        program += 7;
    else if (strncmp(program, "file:", 5) == 0 || strncmp(program, "local:", 6) == 0)
        program = strchr(program, ':') + 1;
    if (access(program, R_OK) == 0)
        return program;
    const char *why =
        strstr(program, "://") ? "programs are read from this machine" : strerror(errno);
    fprintf(stderr, "error: cannot read the program '%s': %s\n", program, why);
    *code = CH_EXIT_ERROR;
    return NULL;
}

static int run_program(ch_submit *s, int argc, char **argv)
{
    int code;
    const char *program = local_program(s->command, argv[0], &code);
    if (!program)
        return code;
    char **command = calloc((size_t)argc + 2, sizeof *command);
    if (!command)
        return CH_EXIT_ERROR;
    command[0] = (char *)(uintptr_t)ch_submit_python(s);
    command[1] = (char *)(uintptr_t)program;
    memcpy(command + 2, argv + 1, (size_t)(argc - 1) * sizeof *command);
    const char *slash = strrchr(program, '/');
    code = ch_submit_run(s, command, slash && slash[1] ? slash + 1 : program, NULL);
    free(command);
    return code;
}

static int run(const ch_cli_command *self, int argc, char **argv)
{
    ch_submit s;
    int at = ch_submit_options(&s, self, argc, argv), code = s.code;
    if (!s.done && at == argc)
        code = ch_cli_usage(self, "the program is missing");
    else if (!s.done)
        code = run_program(&s, argc - at, argv + at);
    ch_submit_release(&s);
    return code;
}

const ch_cli_command ch_cmd_submit;
const ch_cli_command ch_cmd_submit = {
    .name = "submit",
    .args = "[OPTIONS] PROGRAM.py [ARGUMENTS]",
    .summary = "Run a PySpark program, as spark-submit does",
    .about =
        "Starts a server that only this program can reach, runs the program with your Python, and ends with its\n"
        "exit code. Programs need no change: SparkSession.builder.getOrCreate() finds the server, and\n"
        ".master(\"local[*]\"), .config(...), .enableHiveSupport() and spark.sparkContext are understood.\n\n"
        "  chert submit count.py data/                  the program and its arguments\n"
        "  chert submit --memory 2G --conf spark.sql.ansi.enabled=false count.py\n"
        "  chert submit --remote sc://cluster:15002 count.py\n\n"
        "The Python needs PySpark, once: pip install pyspark-client. spark-submit's options about clusters and\n"
        "JVMs (--deploy-mode, --executor-memory, --jars, --packages, ...) are accepted, and named as changing nothing.",
    .option = ch_submit_option,
    .run = run,
};
