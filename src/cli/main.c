/* SPDX-License-Identifier: Apache-2.0 */
/* main.c - chert: finds the command in the table and hands over. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

static void help(FILE *out)
{
    fprintf(out,
            "Chert %s runs Spark programs without Spark.\n\nUsage: chert COMMAND [OPTIONS]\n\n"
            "Commands:\n",
            chert_version());
    for (const ch_cli_command *const *c = ch_cli_commands(); *c; c++)
        fprintf(out, "  %-10s %s\n", (*c)->name, (*c)->summary);
    fputs("\nFirst steps:\n"
          "  chert sql                                          an SQL shell; \\q leaves it\n"
          "  chert sql -e \"SELECT 1 + 1\"                        one statement\n"
          "  chert sql -e 'SELECT * FROM csv.`people.csv`'      query a file where it lies\n"
          "  chert generate events -s 1G /tmp/events            make data to play with\n"
          "  chert run events /tmp/events                       count it: /tmp/events/result.csv\n"
          "\n'chert COMMAND --help' tells more about each.\n",
          out);
}

static int run(int argc, char **argv)
{
    if (argc < 2) {
        help(stderr);
        return CH_EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
        (strcmp(argv[1], "help") == 0 && argc == 2)) {
        help(stdout);
        return CH_EXIT_OK;
    }
    const char *name = strcmp(argv[1], "--version") == 0 ? "version" : argv[1];
    if (name[0] == '-')
        return ch_cli_usage(NULL, "unknown option '%s'", name);
    const ch_cli_command *command = ch_cli_find(ch_cli_commands(), NULL, name);
    return command ? command->run(command, argc - 2, argv + 2) : CH_EXIT_USAGE;
}

/*
 * Those that the caller has closed are taken, so that no file or socket gets their numbers, and our messages. They fail
 * to read and to write as before.
 */
static void take_standard_files(void)
{
    for (int fd = 0; fd < 3; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd ? O_RDONLY : O_WRONLY) < 0)
            return;
}

/* What did not reach stdout was not done. */
int main(int argc, char **argv)
{
    take_standard_files();
    (void)signal(SIGXFSZ,
                 SIG_IGN); /* beyond `ulimit -f` a write fails, as on a full disk, and is told */
    int code = run(argc, argv);
    bool lost = fflush(stdout) != 0 || ferror(stdout);
    if (lost && code == CH_EXIT_OK) {
        fprintf(stderr, "error: cannot write to stdout: %s\n", strerror(errno));
        code = CH_EXIT_ERROR;
    }
    return code;
}
