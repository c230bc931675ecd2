/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_sql.c - chert sql: statements from -e, -f and stdin, or the shell on a terminal. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/shell.h"
#include "cli/watch.h"

/* Texts to run, in order of the command line. */
typedef struct source {
    const char *sql;  /* of -e */
    const char *file; /* of -f */
} source;

typedef struct sql {
    ch_statement_style style;
    source *item;
    int n;
    const char *word;
} sql;

/* All of a stream, *size bytes and a NUL behind them; NULL on failure, errno set. */
static char *read_all(FILE *in, size_t *size)
{
    char *text = NULL;
    size_t len = 0, cap = 0;
    for (;;) {
        if (cap - len < 4096) {
            cap = cap ? 2 * cap : 65536;
            char *more = realloc(text, cap);
            if (!more)
                break;
            text = more;
        }
        size_t n = fread(text + len, 1, cap - len - 1, in);
        len += n;
        if (n == 0) {
            if (ferror(in))
                break;
            text[len] = 0;
            *size = len;
            return text;
        }
    }
    free(text);
    return NULL;
}

static int run_file(chert_session *session, const char *path, const ch_statement_style *style)
{
    bool is_stdin = strcmp(path, "-") == 0;
    FILE *in = is_stdin ? stdin : fopen(path, "rb");
    size_t len = 0;
    char *text = in ? read_all(in, &len) : NULL;
    int why = errno;
    char name[4200];
    snprintf(name, sizeof name, is_stdin ? "stdin" : "'%s'", path);
    if (in && !is_stdin)
        fclose(in);
    if (!text) {
        fprintf(stderr, "error: cannot read %s: %s\n", name, strerror(why));
        return CH_EXIT_ERROR;
    }
    int code = CH_EXIT_ERROR;
    if (strlen(text) < len) {
        fprintf(stderr, "error: %s is not text: byte %zu is NUL\n", name, strlen(text) + 1);
    } else {
        size_t mark =
            strncmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0; /* as editors on Windows write it */
        code = ch_statement_run(session, text + mark, is_stdin ? "stdin" : path, style);
    }
    free(text);
    return code;
}

static int run_sources(chert_session *session, void *arg)
{
    sql *s = arg;
    ch_statement_style *style = &s->style;
    const source *item = s->item;
    int code = CH_EXIT_OK;
    if (s->n == 0 && isatty(STDIN_FILENO)) {
        style->timing = true;
        return ch_shell_run(session, style);
    }
    if (s->n == 0)
        return run_file(session, "-", style);
    for (int i = 0; i < s->n && code == CH_EXIT_OK; i++)
        code = item[i].sql ? ch_statement_run(session, item[i].sql, NULL, style)
                           : run_file(session, item[i].file, style);
    return code;
}

static int take(ch_cli_args *args, const ch_cli_option *option)
{
    sql *s = args->to;
    if (strcmp(option->name, "execute") == 0)
        s->item[s->n++].sql = args->value;
    else if (strcmp(option->name, "file") == 0)
        s->item[s->n++].file = args->value;
    else if (!ch_statement_style_of(args->value, &s->style.style))
        return ch_cli_usage(args->command,
                            "--format is table, csv, json, markdown or vertical, not '%s'",
                            args->value);
    return CH_EXIT_OK;
}

static int run(const ch_cli_command *self, int argc, char **argv)
{
    sql s = {.style = {.style = CHERT_STYLE_TABLE, .progress = ch_watch_wanted()},
             .item = calloc((size_t)argc + 1, sizeof *s.item)};
    ch_cli_session options = CH_CLI_SESSION_INIT;
    ch_cli_args args = {.command = self,
                        .argc = argc,
                        .argv = argv,
                        .session = &options,
                        .to = &s,
                        .word = &s.word,
                        .take = take};
    if (!s.item) {
        fputs("error: out of memory\n", stderr);
        return CH_EXIT_ERROR;
    }
    int code = ch_cli_read(&args);
    if (code < 0 && s.word)
        code = ch_cli_usage(self, "unexpected '%s'; SQL goes behind -e, a file behind -f", s.word);
    if (code < 0)
        code = ch_cli_with_session(&options, run_sources, &s);
    free(options.set);
    free(s.item);
    return code;
}

static const ch_cli_option OPTIONS[] = {
    {'e', "execute", "SQL", "run these statements, separated by ; (may be repeated)"},
    {'f', "file", "FILE", "run the statements in FILE, - for stdin (may be repeated)"},
    {0, "format", "FORMAT", "table (default), csv, json, markdown or vertical"},
    {0, "timing", NULL, "tell rows and seconds of each statement, on stderr",
     CH_CLI_TO(sql, style.timing)},
    CH_CLI_SESSION_OPTIONS,
    CH_CLI_HELP_OPTION,
    CH_CLI_OPTIONS_END,
};

const ch_cli_command ch_cmd_sql;
const ch_cli_command ch_cmd_sql = {
    .name = "sql",
    .args = "[OPTIONS]",
    .summary = "Run SQL: a shell, or statements from -e, -f or stdin",
    .about =
        "Without -e and -f it is a shell on a terminal, and runs what stdin holds otherwise.\n"
        "Several statements are separated by ; and each result is printed. The first error ends\n"
        "the run: exit code 1 for a failed query, 2 for a wrong command line, 130 after Ctrl-C.\n"
        "\n"
        "  chert sql -e 'SELECT count(*) FROM csv.`data/*.csv`'\n"
        "  chert sql --format csv -f report.sql > report.csv\n"
        "  echo \"SELECT 1\" | chert sql --format json\n"
        "  chert sql --memory 256M --set spark.sql.ansi.enabled=false -f nightly.sql",
    .option = OPTIONS,
    .run = run,
};
