/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli.h - what the commands share: their table, options, exit codes, errors.
 *
 * A command is a file cmd_<name>.c that ends with its ch_cli_command, and a row in
 * builtin/commands.def. Help, usage errors and the parsing of options come from that struct, so that
 * they agree. Commands use the public API alone.
 */
#ifndef CH_CLI_CLI_H
#define CH_CLI_CLI_H

#include <stddef.h>

#include "chert/chert.h"

enum {
    CH_EXIT_OK = 0,
    CH_EXIT_ERROR = 1,      /* a query failed */
    CH_EXIT_USAGE = 2,      /* the command line makes no sense */
    CH_EXIT_CANCELLED = 130 /* Ctrl-C */
};

/* What an option's value becomes. */
typedef enum ch_cli_kind {
    CH_CLI_OWN, /* the command's `take` reads it */
    CH_CLI_FLAG,
    CH_CLI_TEXT,
    CH_CLI_INT,
    CH_CLI_LONG
} ch_cli_kind;

typedef struct ch_cli_option {
    char letter;       /* 0: none */
    const char *name;  /* "format"; NULL ends the table */
    const char *value; /* what it takes, as help shows it ("FILE"); NULL: nothing */
    const char *doc;   /* lines may be broken by \n; NULL: not shown */
    ch_cli_kind kind;
    size_t at; /* where in the command's struct; kind and at: CH_CLI_TO() */
    int64_t low, high;
} ch_cli_option;

/* The option goes to this member: bool, const char *, int, int64_t or uint64_t; numbers with the least and the most. */
#define CH_CLI_TO(type, member) \
    _Generic(((type *)0)->member, bool: CH_CLI_FLAG, const char *: CH_CLI_TEXT, int: CH_CLI_INT, \
        int64_t: CH_CLI_LONG, uint64_t: CH_CLI_LONG),                                           \
        offsetof(type, member)

typedef struct ch_cli_command ch_cli_command;
struct ch_cli_command {
    const char *name;    /* "sql", "run events" */
    const char *args;    /* "[OPTIONS] DATA_FOLDER" */
    const char *summary; /* one line */
    const char *about;   /* help: a paragraph or more, examples; or NULL */
    const ch_cli_option *option;
    const ch_cli_command *const *sub;                              /* ended by NULL; or NULL */
    int (*run)(const ch_cli_command *self, int argc, char **argv); /* argv[0]: behind the name */
};

/* Options that every command with a session has. */
#define CH_CLI_SESSION_OPTIONS                                            \
    {'m', "memory", "BYTES",                                              \
     "most memory to use, as 256M or 2G; more is spilled to disk\n"       \
     "(default: 60 % of this machine's)"},                                \
        {'t', "threads", "N", "worker threads (default: one per core)"},  \
    {                                                                     \
        0, "set", "KEY=VALUE", "a setting, as SQL's SET; may be repeated" \
    }
#define CH_CLI_HELP_OPTION                  \
    {                                       \
        'h', "help", NULL, "show this help" \
    }
#define CH_CLI_OPTIONS_END  \
    {                       \
        0, NULL, NULL, NULL \
    }

/* ---- options ---- */

/* What CH_CLI_SESSION_OPTIONS say. */
typedef struct ch_cli_session {
    chert_options options;
    const char **set; /* KEY=VALUE; malloc */
    int n_set;
} ch_cli_session;
#define CH_CLI_SESSION_INIT         \
    {                               \
        CHERT_OPTIONS_INIT, NULL, 0 \
    }

typedef struct ch_cli_args {
    const ch_cli_command *command;
    int argc, at;
    char **argv;
    const char *rest; /* letters behind the one taken, as in -xvf */
    bool only_words;  /* behind -- */
    const char *value;
    ch_cli_session *session; /* takes the options that are its own; or NULL */
    void *to;                /* the command's struct, of CH_CLI_TO() */
    const char **word; /* where the one word that is no option goes; NULL: none may be there */
    /* Reads args->value of an option of kind CH_CLI_OWN; CH_EXIT_OK, else the code to end with. */
    int (*take)(struct ch_cli_args *args, const ch_cli_option *option);
} ch_cli_args;

/* Reads the whole command line. -1: go on; else the exit code, as an error was told or help was shown. */
int ch_cli_read(ch_cli_args *args);

/*
 * The next thing on the command line that is not the session's: its option in the command's table with args->value
 * set; NULL with args->value a word that is no option; NULL and args->value NULL at the end. *failed: a usage
 * error was told.
 */
const ch_cli_option *ch_cli_next(ch_cli_args *args, bool *failed);
/* Says what is wrong with the command line, and where help is. Returns CH_EXIT_USAGE. */
int ch_cli_usage(const ch_cli_command *command, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void ch_cli_help(const ch_cli_command *command, FILE *out);
/* The command called name, or NULL with a usage error told that suggests a near name. */
const ch_cli_command *ch_cli_find(const ch_cli_command *const *commands, const char *parent,
                                  const char *name);
/* The run of a command that only has others below it: finds the one named argv[0], or shows the help. */
int ch_cli_run_sub(const ch_cli_command *self, int argc, char **argv);
const ch_cli_command *const *ch_cli_commands(void);

/* The whole number, from low (0 or more) to high, that an option takes; -1 with a usage error told. */
int64_t ch_cli_number(const ch_cli_command *command, const char *option, const char *text,
                      int64_t low, int64_t high);

/* NULL with err set. Frees what the options hold, in any case. */
chert_session *ch_cli_session_open(ch_cli_session *session, chert_error *err);
/* Opens the session and closes it behind `run`, which gives the exit code. */
int ch_cli_with_session(ch_cli_session *options, int (*run)(chert_session *session, void *arg),
                        void *arg);

/* ---- talking ---- */

/* May this stream have colours: a terminal, and no NO_COLOR. */
bool ch_cli_colours(FILE *stream);
/* "error: ..." on stderr; gives the exit code that fits. Frees err. */
int ch_cli_error(chert_error *err);
/* "1.5 GiB"; rows: "12.3 million" */
void ch_cli_bytes(char out[32], double bytes);
void ch_cli_count(char out[32], int64_t n);
double ch_cli_now(void); /* seconds */

#endif
