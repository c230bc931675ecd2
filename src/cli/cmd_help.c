/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_help.c - chert help COMMAND [PROGRAM]. Without a command main.c answers. */
#include "cli/cli.h"

static int run(const ch_cli_command *self, int argc, char **argv)
{
    ch_cli_args args = {.command = self, .argc = argc, .argv = argv};
    const ch_cli_command *command = NULL;
    for (;;) {
        bool failed;
        const ch_cli_option *option = ch_cli_next(&args, &failed);
        if (failed)
            return CH_EXIT_USAGE;
        if (option) {
            ch_cli_help(self, stdout);
            return CH_EXIT_OK;
        }
        if (!args.value)
            break;
        if (command && !command->sub)
            return ch_cli_usage(self, "unexpected '%s'", args.value);
        command = ch_cli_find(command ? command->sub : ch_cli_commands(),
                              command ? command->name : NULL, args.value);
        if (!command)
            return CH_EXIT_USAGE;
    }
    ch_cli_help(command ? command : self, stdout);
    return CH_EXIT_OK;
}

static const ch_cli_option OPTIONS[] = {CH_CLI_HELP_OPTION, CH_CLI_OPTIONS_END};

const ch_cli_command ch_cmd_help;
const ch_cli_command ch_cmd_help = {
    .name = "help",
    .args = "[COMMAND [PROGRAM]]",
    .summary = "Show help, of a command or of all",
    .option = OPTIONS,
    .run = run,
};
