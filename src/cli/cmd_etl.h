/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_etl.h - a shop's batch job: `chert run etl` and `chert generate etl`. */
#ifndef CH_CLI_CMD_ETL_H
#define CH_CLI_CMD_ETL_H

#include "cli/cli.h"

extern const ch_cli_command ch_cmd_run_etl, ch_cmd_generate_etl;

#endif
