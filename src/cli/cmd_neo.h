/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_neo.h - near-earth objects: `chert run neo ...` and `chert generate neo`. */
#ifndef CH_CLI_CMD_NEO_H
#define CH_CLI_CMD_NEO_H

#include "cli/cli.h"

extern const ch_cli_command ch_cmd_run_neo, ch_cmd_generate_neo;

#endif
