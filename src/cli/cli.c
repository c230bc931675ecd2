/* SPDX-License-Identifier: Apache-2.0 */
/* cli.c - options, help and errors, all from the tables of the commands. */
#include "cli/cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/edits.h"
#include "cli/watch.h"
#include "session/session.h"

#define CH_COMMAND(name) extern const ch_cli_command ch_cmd_##name;
#include "builtin/commands.def"
#undef CH_COMMAND

const ch_cli_command *const *ch_cli_commands(void)
{
    static const ch_cli_command *const COMMANDS[] = {
#define CH_COMMAND(name) &ch_cmd_##name,
#include "builtin/commands.def"
#undef CH_COMMAND
        NULL,
    };
    return COMMANDS;
}

/* ---- talking ------------------------------------------------------------------------------- */

bool ch_cli_colours(FILE *stream)
{
    const char *no = getenv("NO_COLOR"), *term = getenv("TERM");
    return !(no && *no) && isatty(fileno(stream)) && !(term && strcmp(term, "dumb") == 0);
}

int ch_cli_error(chert_error *err)
{
    bool colours = ch_cli_colours(stderr), cancelled = chert_error_is_cancelled(err);
    fflush(stdout);
    fprintf(stderr, "%serror:%s %s\n", colours ? "\033[1;31m" : "", colours ? "\033[0m" : "",
            err->text      ? err->text
            : err->message ? err->message
                           : "out of memory");
    chert_error_free(err);
    return cancelled ? CH_EXIT_CANCELLED : CH_EXIT_ERROR;
}

void ch_cli_bytes(char out[32], double bytes)
{
    ch_fmt_bytes(out, bytes < 9e18 ? (int64_t)bytes : INT64_MAX);
}

void ch_cli_count(char out[32], int64_t n)
{
    char digits[24];
    int len = snprintf(digits, sizeof digits, "%lld", (long long)n), to = 0;
    for (int i = 0; i < len; i++) {
        if (i && (len - i) % 3 == 0)
            out[to++] = ',';
        out[to++] = digits[i];
    }
    out[to] = 0;
}

double ch_cli_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- help ---------------------------------------------------------------------------------- */

/* doc, its further lines indented below the first */
static void print_doc(const char *doc, int indent, FILE *out)
{
    for (; *doc; doc++) {
        fputc(*doc, out);
        if (*doc == '\n')
            fprintf(out, "%*s", indent, "");
    }
    fputc('\n', out);
}

void ch_cli_help(const ch_cli_command *c, FILE *out)
{
    fprintf(out, "%s\n\nUsage: chert %s%s%s\n", c->summary, c->name, *c->args ? " " : "", c->args);
    if (c->about)
        fprintf(out, "\n%s\n", c->about);
    for (int i = 0; c->sub && c->sub[i]; i++) {
        if (i == 0)
            fprintf(out, "\nPrograms:\n");
        fprintf(out, "  %-22s %s\n", strrchr(c->sub[i]->name, ' ') + 1, c->sub[i]->summary);
    }
    fprintf(out, "\nOptions:\n");
    for (const ch_cli_option *o = c->option; o->name; o++) {
        char head[64];
        if (!o->doc)
            continue;
        snprintf(head, sizeof head, "%s%c%s --%s%s%s", o->letter ? "-" : " ",
                 o->letter ? o->letter : ' ', o->letter ? "," : " ", o->name, o->value ? " " : "",
                 o->value ? o->value : "");
        if (strlen(head) > 24)
            fprintf(out, "  %s\n%27s", head, "");
        else
            fprintf(out, "  %-24s ", head);
        print_doc(o->doc, 27, out);
    }
}

int ch_cli_usage(const ch_cli_command *command, const char *format, ...)
{
    va_list ap;
    fprintf(stderr, "chert%s%s: ", command ? " " : "", command ? command->name : "");
    va_start(ap, format);
    vfprintf(stderr, format, ap);
    va_end(ap);
    fprintf(stderr, "\nTry 'chert%s%s --help'.\n", command ? " " : "",
            command ? command->name : "");
    return CH_EXIT_USAGE;
}

const ch_cli_command *ch_cli_find(const ch_cli_command *const *commands, const char *parent,
                                  const char *name)
{
    const char *near = NULL;
    for (int i = 0; commands[i]; i++) {
        const char *last = strrchr(commands[i]->name, ' ');
        last = last ? last + 1 : commands[i]->name;
        if (strcmp(last, name) == 0)
            return commands[i];
        if (strlen(name) < 30 && ch_edits(name, last) <= 2)
            near = last;
    }
    const char *space = parent ? " " : "";
    parent = parent ? parent : "";
    fprintf(stderr, "chert%s%s: there is no %s called '%s'.", space, parent,
            *parent ? "program" : "command", name);
    if (near)
        fprintf(stderr, " Did you mean '%s'?", near);
    fprintf(stderr, "\nTry 'chert%s%s --help'.\n", space, parent);
    return NULL;
}

int ch_cli_run_sub(const ch_cli_command *self, int argc, char **argv)
{
    if (argc == 0) {
        ch_cli_help(self, stderr);
        return CH_EXIT_USAGE;
    }
    if (argv[0][0] == '-') {
        ch_cli_args args = {.command = self, .argc = argc, .argv = argv};
        int code = ch_cli_read(&args);
        return code < 0 ? CH_EXIT_USAGE : code;
    }
    const ch_cli_command *program = ch_cli_find(self->sub, self->name, argv[0]);
    return program ? program->run(program, argc - 1, argv + 1) : CH_EXIT_USAGE;
}

/* ---- options ------------------------------------------------------------------------------- */

/* The value of option o: behind = or the letter, or the next word. */
static const ch_cli_option *with_value(ch_cli_args *a, const ch_cli_option *o, const char *attached,
                                       bool *failed)
{
    a->value = attached;
    if (!attached && a->at < a->argc)
        a->value = a->argv[a->at++];
    if (a->value)
        return o;
    ch_cli_usage(a->command, "option --%s needs a value: --%s %s", o->name, o->name, o->value);
    *failed = true;
    return NULL;
}

static const ch_cli_option *long_option(ch_cli_args *a, const char *text, bool *failed)
{
    size_t len = strcspn(text, "=");
    for (const ch_cli_option *o = a->command->option; o->name; o++) {
        if (strlen(o->name) != len || strncmp(o->name, text, len) != 0)
            continue;
        if (o->value)
            return with_value(a, o, text[len] ? text + len + 1 : NULL, failed);
        if (!text[len])
            return o;
        ch_cli_usage(a->command, "option --%s takes no value", o->name);
        *failed = true;
        return NULL;
    }
    char name[32];
    const char *near = NULL;
    int nearest = 3;
    snprintf(name, sizeof name, "%.*s", (int)len, text);
    for (const ch_cli_option *o = a->command->option; len < sizeof name && o->name; o++) {
        int apart = ch_edits(name, o->name);
        if (apart < nearest) {
            nearest = apart;
            near = o->name;
        }
    }
    if (near)
        ch_cli_usage(a->command, "unknown option '--%s'. Did you mean '--%s'?", name, near);
    else
        ch_cli_usage(a->command, "unknown option '--%.*s'", (int)len, text);
    *failed = true;
    return NULL;
}

static const ch_cli_option *letter_option(ch_cli_args *a, const char *text, bool *failed)
{
    for (const ch_cli_option *o = a->command->option; o->name; o++) {
        if (o->letter != *text)
            continue;
        if (o->value)
            return with_value(a, o, text[1] ? text + 1 : NULL, failed);
        a->rest = text[1] ? text + 1 : NULL;
        return o;
    }
    ch_cli_usage(a->command, "unknown option '-%c'", *text);
    *failed = true;
    return NULL;
}

static const ch_cli_option *next_of_all(ch_cli_args *a, bool *failed)
{
    *failed = false;
    a->value = NULL;
    if (a->rest) {
        const char *rest = a->rest;
        a->rest = NULL;
        return letter_option(a, rest, failed);
    }
    if (a->at >= a->argc)
        return NULL;
    const char *word = a->argv[a->at++];
    if (a->only_words || word[0] != '-' || !word[1]) {
        a->value = word;
        return NULL;
    }
    if (strcmp(word, "--") == 0) {
        a->only_words = true;
        return next_of_all(a, failed);
    }
    return word[1] == '-' ? long_option(a, word + 2, failed) : letter_option(a, word + 1, failed);
}

int64_t ch_cli_number(const ch_cli_command *command, const char *option, const char *text,
                      int64_t low, int64_t high)
{
    char *end;
    errno = 0;
    long long n = strtoll(text, &end, 10);
    if (!*end && end != text && !errno && n >= low && n <= high)
        return n;
    if (high == INT64_MAX)
        ch_cli_usage(command, "--%s takes a whole number of at least %lld, not '%s'", option,
                     (long long)low, text);
    else
        ch_cli_usage(command, "--%s takes a whole number from %lld to %lld, not '%s'", option,
                     (long long)low, (long long)high, text);
    return -1;
}

/* Takes the option if it is one of the session's. 1 taken, 0 not one of them, -1 usage error told. */
static int session_option(ch_cli_session *session, const ch_cli_args *args,
                          const ch_cli_option *option)
{
    if (strcmp(option->name, "memory") == 0) {
        if (chert_parse_bytes(args->value, &session->options.memory_bytes) &&
            session->options.memory_bytes > 0)
            return 1;
        ch_cli_usage(args->command, "--memory takes bytes such as 256M or 2G, not '%s'",
                     args->value);
        return -1;
    }
    if (strcmp(option->name, "threads") == 0) {
        char *end;
        long n = strtol(args->value, &end, 10);
        if (n > 0 && n <= 1024 && !*end && end != args->value) {
            session->options.threads = (int32_t)n;
            return 1;
        }
        ch_cli_usage(args->command, "--threads takes a number from 1 to 1024, not '%s'",
                     args->value);
        return -1;
    }
    if (strcmp(option->name, "set") != 0)
        return 0;
    if (!strchr(args->value, '=') || *args->value == '=') {
        ch_cli_usage(args->command, "--set takes KEY=VALUE, not '%s'", args->value);
        return -1;
    }
    const char **more = realloc(session->set, sizeof *more * (size_t)(session->n_set + 1));
    if (!more)
        return -1;
    session->set = more;
    session->set[session->n_set++] = args->value;
    return 1;
}

const ch_cli_option *ch_cli_next(ch_cli_args *a, bool *failed)
{
    const ch_cli_option *o;
    int taken = 0;
    do {
        o = next_of_all(a, failed);
        taken = o && a->session ? session_option(a->session, a, o) : 0;
    } while (taken > 0);
    *failed |= taken < 0;
    return taken < 0 ? NULL : o;
}

/* Puts the value where the option's row says; an exit code. */
static int put_value(ch_cli_args *a, const ch_cli_option *o)
{
    void *to = (char *)a->to + o->at;
    int64_t n = 0;
    switch (o->kind) {
    case CH_CLI_OWN:
        return a->take(a, o);
    case CH_CLI_FLAG:
        *(bool *)to = true;
        break;
    case CH_CLI_TEXT:
        *(const char **)to = a->value;
        break;
    case CH_CLI_INT:
        n = ch_cli_number(a->command, o->name, a->value, o->low, o->high);
        *(int *)to = (int)n;
        break;
    case CH_CLI_LONG:
        *(int64_t *)to = n = ch_cli_number(a->command, o->name, a->value, o->low, o->high);
        break;
    }
    return n < 0 ? CH_EXIT_USAGE : CH_EXIT_OK;
}

int ch_cli_read(ch_cli_args *a)
{
    for (;;) {
        bool failed;
        const ch_cli_option *o = ch_cli_next(a, &failed);
        if (!failed && !o && !a->value)
            return -1;
        if (!failed && o && strcmp(o->name, "help") == 0) {
            ch_cli_help(a->command, stdout);
            return CH_EXIT_OK;
        }
        int code = failed ? CH_EXIT_USAGE : o ? put_value(a, o) : CH_EXIT_OK;
        if (code != CH_EXIT_OK)
            return code;
        if (!o && (!a->word || *a->word))
            return ch_cli_usage(a->command, "unexpected '%s'", a->value);
        if (!o)
            *a->word = a->value;
    }
}

/* Any key of Spark's may be set; one that nothing here heeds may be a mistake. */
static void warn_of_unknown(const char *key)
{
    if (strncmp(key, "spark.sql.", 10) != 0 || ch_setting_is_known(key))
        return;
    ch_nearest near = CH_NEAREST(key);
    for (int i = 0; ch_setting_at(i); i++)
        ch_nearest_offer(&near, ch_setting_at(i)->name);
    fprintf(stderr, "chert: the setting %s changes nothing here.", key);
    if (near.best && near.edits <= 5)
        fprintf(stderr, " Did you mean %s?", near.best);
    fputc('\n', stderr);
}

chert_session *ch_cli_session_open(ch_cli_session *s, chert_error *err)
{
    chert_session *session = chert_session_new(&s->options, err);
    for (int i = 0; session && i < s->n_set; i++) {
        size_t len = strcspn(s->set[i], "=");
        char *key = strndup(s->set[i], len);
        int failed = key ? chert_session_set(session, key, s->set[i] + len + 1, err) : 1;
        if (key && !failed)
            warn_of_unknown(key);
        free(key);
        if (failed) {
            chert_session_free(session);
            session = NULL;
        }
    }
    free(s->set);
    s->set = NULL;
    return session;
}

int ch_cli_with_session(ch_cli_session *options, int (*run)(chert_session *session, void *arg),
                        void *arg)
{
    chert_error err = CHERT_ERROR_INIT;
    ch_watch_block();
    chert_session *session = ch_cli_session_open(options, &err);
    int code = session ? run(session, arg) : ch_cli_error(&err);
    chert_session_free(session);
    return code;
}
