/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shell.c - lines from libedit, gathered until a ; ends the statement.
 *
 * SIGINT and those that end are blocked everywhere (watch.h) but while a character is waited for: there SIGINT
 * throws the line away, and nothing else; the others leave. While a statement runs the watch turns them
 * into a cancel.
 */
#include "cli/shell.h"

#include <ctype.h>
#include <errno.h>
#include <histedit.h>
#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

#include "cli/watch.h"

#define HISTORY_LINES 10000

static const char HELP[] =
    "A statement ends with ; and may span lines.\n"
    "  \\q, quit, exit, Ctrl-D   leave\n"
    "  \\d                       tables and views\n"
    "  \\d NAME                  columns of one\n"
    "  \\f FORMAT                print results as table, csv, json, markdown or vertical\n"
    "  \\t                       switch timing on or off\n"
    "  Ctrl-C                   cancel the running query, or the line\n"
    "Read a file where it lies:  SELECT * FROM csv.`data.csv`;\n"
    "With a header line:         CREATE TEMP VIEW v USING csv OPTIONS (path 'data.csv', header true);\n";

static volatile sig_atomic_t continued; /* libedit's prompt has no argument */

static char *prompt(EditLine *el)
{
    (void)el;
    static char FIRST[] = "chert> ", NEXT[] = "    -> ";
    return continued ? NEXT : FIRST;
}

static volatile sig_atomic_t signalled; /* the last one, which also interrupted the read */

static void on_signal(int signal)
{
    signalled = signal;
}

/* The next character. Signals come only while it waits: one that came before ends the wait at once. */
static int read_char(EditLine *el, wchar_t *out)
{
    (void)el;
    sigset_t signals, open;
    mbstate_t state = {0};
    ch_watch_signals(&signals);
    pthread_sigmask(SIG_BLOCK, NULL, &open);
    for (int i = 1; i < NSIG; i++)
        if (sigismember(&signals, i) == 1)
            sigdelset(&open, i);
    for (;;) {
        char byte;
        struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
        ssize_t n = ppoll(&input, 1, NULL, &open) < 0 ? -1 : read(STDIN_FILENO, &byte, 1);
        if (n < 0 && errno == EINTR && !signalled)
            continue; /* SIGWINCH, SIGCONT */
        if (n <= 0)
            return (int)n;
        size_t used = mbrtowc(out, &byte, 1, &state);
        if (used == (size_t)-1)
            state = (mbstate_t){0}; /* is no text */
        else if (used != (size_t)-2)
            return 1;
    }
}

typedef struct shell {
    chert_session *session;
    ch_statement_style *style;
    EditLine *el;
    History *history;
    char *text; /* of the statement so far; malloc */
    size_t len;
    bool quit;
    int code;
} shell;

/* A word of its own, with an optional ; behind it? */
static bool is_word(const char *text, const char *word)
{
    size_t n = strlen(word);
    text += strspn(text, " \t\r\n");
    if (strncasecmp(text, word, n) != 0)
        return false;
    text += n;
    return !text[strspn(text, " \t\r\n;")];
}

static void run_sql(shell *s, const char *sql)
{
    ch_statement_run(s->session, sql, NULL, s->style);
}

/* \q \d \f \t \h; line ends with \n. */
static void command(shell *s, char *line)
{
    char sql[1200];
    line[strcspn(line, "\r\n")] = 0;
    char *arg = line + 1 + strcspn(line + 1, " \t;");
    bool is_letter = arg == line + 2;
    arg += strspn(arg, " \t;");
    for (size_t n = strlen(arg); n && (isspace((unsigned char)arg[n - 1]) || arg[n - 1] == ';');)
        arg[--n] = 0;
    switch (is_letter ? line[1] : 0) {
    case 'q':
        s->quit = true;
        return;
    case 'd':
        snprintf(sql, sizeof sql, *arg ? "DESCRIBE %.1000s" : "SHOW TABLES", arg);
        run_sql(s, sql);
        return;
    case 'f':
        if (!ch_statement_style_of(arg, &s->style->style))
            fputs("formats: table csv json markdown vertical\n", stderr);
        return;
    case 't':
        s->style->timing = !s->style->timing;
        fprintf(stderr, "timing is %s\n", s->style->timing ? "on" : "off");
        return;
    case 'h':
    case '?':
        fputs(HELP, stderr);
        return;
    default:
        line[strcspn(line, " \t;")] = 0;
        fprintf(stderr, "unknown command %s; \\h lists them\n", line);
    }
}

static bool append(shell *s, const char *line)
{
    size_t n = strlen(line);
    char *more = realloc(s->text, s->len + n + 1);
    if (!more)
        return false;
    memcpy(more + s->len, line, n + 1);
    s->text = more;
    s->len += n;
    return true;
}

static void forget(shell *s)
{
    s->len = 0;
    if (s->text)
        s->text[0] = 0;
    continued = 0;
}

static void remember(shell *s, const char *statement)
{
    HistEvent event;
    size_t n = strlen(statement);
    while (n && isspace((unsigned char)statement[n - 1]))
        n--;
    for (; n && isspace((unsigned char)*statement); n--)
        statement++;
    char *line = strndup(statement, n);
    if (line && n)
        history(s->history, &event, H_ENTER, line);
    free(line);
}

/* Runs every complete statement of the text; keeps the rest. */
static void run_complete(shell *s)
{
    for (;;) {
        bool complete;
        size_t end = s->len ? chert_sql_split(s->text, &complete) : 0;
        if (!s->len || !complete)
            break;
        char *statement = strndup(s->text, end);
        if (!statement)
            break;
        memmove(s->text, s->text + end, s->len - end + 1);
        s->len -= end;
        remember(s, statement);
        if (is_word(statement, "quit") || is_word(statement, "exit"))
            s->quit = true;
        else
            run_sql(s, statement);
        free(statement);
    }
    if (s->len && ch_statement_is_blank(s->text, s->text + s->len))
        forget(s);
    continued = s->len > 0;
}

/* Is the text so far within quotes or a comment? Then ; does not end it. */
static bool is_quoted(const shell *s)
{
    char *closed = NULL;
    bool complete = true;
    if (s->len && asprintf(&closed, "%s\n;", s->text) >= 0) {
        (void)chert_sql_split(closed, &complete);
        free(closed);
    }
    return !complete;
}

static void take_line(shell *s, const char *line)
{
    bool first = s->len == 0;
    if (line[strspn(line, " \t")] == '\\' && !is_quoted(s)) {
        char *copy = strdup(line + strspn(line, " \t"));
        if (copy)
            command(s, copy);
        free(copy);
        return;
    }
    if (first && (is_word(line, "quit") || is_word(line, "exit"))) {
        s->quit = true;
        return;
    }
    if (first && is_word(line, "help")) {
        fputs(HELP, stderr);
        return;
    }
    if (append(s, line))
        run_complete(s);
}

/* A line; NULL with *interrupted: Ctrl-C, else the end. */
static const char *read_line(shell *s, bool *interrupted)
{
    int count = 0;
    signalled = 0;
    const char *line = el_gets(s->el, &count);
    *interrupted = (!line || count <= 0) && signalled;
    return line && count > 0 ? line : NULL;
}

static char *history_path(void)
{
    const char *home = getenv("HOME"), *set = getenv("CHERT_HISTORY");
    char *path = NULL;
    if (set)
        return *set ? strdup(set) : NULL;
    if (!home || asprintf(&path, "%s/.chert_history", home) < 0)
        return NULL;
    return path;
}

/* Without a locale (in a container, say) libedit would drop what is not ASCII: then text is UTF-8 all the same. */
static void use_locale(void)
{
    if (!setlocale(LC_CTYPE, "") || strcmp(nl_langinfo(CODESET), "ANSI_X3.4-1968") == 0)
        setlocale(LC_CTYPE, "C.UTF-8");
}

int ch_shell_run(chert_session *session, ch_statement_style *style)
{
    shell s = {.session = session, .style = style};
    HistEvent event;
    struct sigaction action = {.sa_handler = on_signal}, old[NSIG];
    sigset_t signals;
    use_locale();
    s.history = history_init();
    s.el = el_init("chert", stdin, stdout, stderr);
    if (!s.history || !s.el) {
        fputs("error: the terminal cannot be used for editing\n", stderr);
        return CH_EXIT_ERROR;
    }
    char *path = history_path();
    history(s.history, &event, H_SETSIZE, HISTORY_LINES);
    history(s.history, &event, H_SETUNIQUE, 1);
    if (path)
        history(s.history, &event, H_LOAD, path);
    el_set(s.el, EL_PROMPT, prompt);
    el_set(s.el, EL_EDITOR, "emacs");
    el_set(s.el, EL_HIST, history, s.history);
    el_set(s.el, EL_SIGNAL, 0);
    el_set(s.el, EL_GETCFN, read_char);
    el_set(s.el, EL_BIND, "\t", "ed-insert", NULL); /* which would be dropped */
    el_set(s.el, EL_BIND, "^R", "em-inc-search-prev", NULL);
    el_source(s.el, NULL);
    ch_watch_signals(&signals);
    for (int i = 1; i < NSIG; i++)
        if (sigismember(&signals, i) == 1)
            sigaction(i, &action, &old[i]);
    fprintf(stderr, "Chert %s. Statements end with ;  \\h for help, \\q to leave.\n",
            chert_version());
    while (!s.quit) {
        bool interrupted;
        const char *line = read_line(&s, &interrupted);
        if (interrupted && signalled != SIGINT) {
            s.code = CH_EXIT_CANCELLED;
            fputc('\n', stdout);
            break;
        }
        if (interrupted) {
            fputs("^C\n", stdout);
            el_reset(s.el);
            forget(&s);
        } else if (!line) {
            fputc('\n', stdout);
            break;
        } else {
            take_line(&s, line);
        }
    }
    for (int i = 1; i < NSIG; i++)
        if (sigismember(&signals, i) == 1)
            sigaction(i, &old[i], NULL);
    if (path)
        history(s.history, &event, H_SAVE, path);
    free(path);
    free(s.text);
    el_end(s.el);
    history_end(s.history);
    return s.code;
}
