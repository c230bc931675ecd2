/* SPDX-License-Identifier: Apache-2.0 */
/*
 * submit.h - what `chert submit` and `chert pyspark` share: their options, and a Python on a server of its own.
 *
 *   chert submit ──┬─ thread  Spark Connect on a free port of 127.0.0.1, with a random token
 *                  └─ child   python program.py, with SPARK_REMOTE and PYTHONPATH
 *
 *   ch_submit_options(&s, ...)  unless s.done: ch_submit_run(&s, ...)  ch_submit_release(&s)
 *
 * PYTHONPATH leads to a sitecustomize.py (submit_site.py, in an archive in our memory) that lets
 * programs for classic PySpark run on Spark Connect.
 */
#ifndef CH_CLI_SUBMIT_H
#define CH_CLI_SUBMIT_H

#include "cli/cli.h"
#include "cli/submit_conf.h"

typedef struct ch_submit {
    const ch_cli_command *command;
    chert_options engine; /* --memory, --threads */
    ch_submit_conf conf;  /* settings of all places, and options that are settings in Spark */
    const char *remote;   /* NULL: a private server */
    const char *python, *properties_file;
    char *meaningless; /* options that change nothing here, to be named; malloc */
    bool verbose, load_defaults;
    bool done; /* nothing is left to do but to exit with code */
    int code;
} ch_submit;

extern const ch_cli_option ch_submit_option[];

/* Reads options up to the first word that is none. Result: where that word is in argv, or argc. */
int ch_submit_options(ch_submit *s, const ch_cli_command *command, int argc, char **argv);
/* The Python that option, settings or environment name; NULL if none does. */
const char *ch_submit_python(const ch_submit *s);
/*
 * Runs Python and waits for its end. From the main thread, before any other is there.
 *   argv     borrows  the Python, its options and arguments, NULL; argv[0] NULL: python3, or python
 *   name     borrows  spark.app.name unless settings name another
 *   startup  borrows  a PYTHONSTARTUP's text, or NULL
 * Result: an exit code: Python's, or 128 and the signal that killed it.
 */
int ch_submit_run(ch_submit *s, char **argv, const char *name, const char *startup);
/* Waits until a server listens at sc://host:port; tells an error when it does not. Result: an exit code. */
int ch_submit_reach(const char *remote);
void ch_submit_release(ch_submit *s);

#endif
