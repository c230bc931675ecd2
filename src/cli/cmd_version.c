/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_version.c - chert version. */
#include <string.h>

#include "cli/cli.h"

static int run(const ch_cli_command *self, int argc, char **argv)
{
    ch_cli_args args = {.command = self, .argc = argc, .argv = argv};
    int code = ch_cli_read(&args);
    if (code >= 0)
        return code;
    printf("chert %s\n", chert_version());
    return CH_EXIT_OK;
}

static const ch_cli_option OPTIONS[] = {CH_CLI_HELP_OPTION, CH_CLI_OPTIONS_END};

const ch_cli_command ch_cmd_version;
const ch_cli_command ch_cmd_version = {
    .name = "version",
    .args = "",
    .summary = "Print the version",
    .option = OPTIONS,
    .run = run,
};
