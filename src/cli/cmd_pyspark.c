/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_pyspark.c - chert pyspark: an interactive Python with `spark` ready. */
#include <stdlib.h>
#include <string.h>

#include "cli/submit.h"

#define MOST_WORDS 64

extern const char ch_submit_shell_py[];

static bool begins_with(const char *text, const char *begin)
{
    return strncmp(text, begin, strlen(begin)) == 0;
}

/* Options that make this Python interactive without a banner, then those of $PYSPARK_DRIVER_PYTHON_OPTS. */
static void add_options(char **command, const char *exe, char *more)
{
    const char *slash = exe ? strrchr(exe, '/') : NULL;
    const char *name = slash ? slash + 1 : exe ? exe : "python3";
    int n = 1;
    if (!begins_with(name, "jupyter")) {
        command[n++] = (char *)(uintptr_t)(begins_with(name, "ipython") ? "--no-banner" : "-q");
        command[n++] = (char *)(uintptr_t) "-i";
    }
    for (char *word; more && n < MOST_WORDS && (word = strsep(&more, " ")) != NULL;)
        if (*word)
            command[n++] = word;
}

static int run(const ch_cli_command *self, int argc, char **argv)
{
    ch_submit s;
    int at = ch_submit_options(&s, self, argc, argv), code = s.code;
    if (!s.done && at < argc) {
        code = ch_cli_usage(self, "unexpected '%s'; 'chert submit' runs programs", argv[at]);
    } else if (!s.done) {
        char *command[MOST_WORDS + 1] = {(char *)(uintptr_t)ch_submit_python(&s)};
        const char *options = getenv("PYSPARK_DRIVER_PYTHON_OPTS");
        char *more = options ? strdup(options) : NULL;
        add_options(command, command[0], more);
        code = ch_submit_run(&s, command, "PySparkShell", ch_submit_shell_py);
        free(more);
    }
    ch_submit_release(&s);
    return code;
}

const ch_cli_command ch_cmd_pyspark;
const ch_cli_command ch_cmd_pyspark = {
    .name = "pyspark",
    .args = "[OPTIONS]",
    .summary = "A Python shell with a Spark session",
    .about =
        "Starts a server that only this shell can reach, and your Python with `spark`, `sc` and `sql` ready.\n\n"
        "  chert pyspark\n"
        "  chert pyspark --python ipython --memory 4G\n"
        "  chert pyspark --remote sc://cluster:15002\n\n"
        "The Python needs PySpark, once: pip install pyspark-client. Options are those of chert submit.",
    .option = ch_submit_option,
    .run = run,
};
