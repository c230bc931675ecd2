/* SPDX-License-Identifier: Apache-2.0 */
/*
 * file_name.c - input_file_name() and its like where no file is read.
 *
 * Above a scan of files the analyzer makes a hidden column of them (plan/analyze_files.c).
 */
#include "function/support.h"

static ch_status no_name(const ch_call *call, ch_column **out, ch_error *err)
{
    ch_view *view = (*out)->data;
    CH_UNUSED(err);
    for (int64_t i = 0; i < call->rows; i++)
        view[i] = (ch_view){0};
    return CH_OK;
}

static ch_status no_place(const ch_call *call, ch_column **out, ch_error *err)
{
    int64_t *to = (*out)->data;
    CH_UNUSED(err);
    for (int64_t i = 0; i < call->rows; i++)
        to[i] = -1;
    return CH_OK;
}

const ch_func ch_func_file_name[] = {
    {.name = "input_file_name",
     .sig = "-> string",
     .eval = no_name,
     .flags = CH_FUNC_NEVER_NULL,
     .doc = "The file that the row comes from; empty for rows that come from none.",
     .example = "SELECT input_file_name()",
     .expect = "",
     .since = "0.1"},
    {.name = "input_file_block_start",
     .sig = "-> bigint",
     .eval = no_place,
     .flags = CH_FUNC_NEVER_NULL,
     .doc = "Where the block of the file that the row comes from begins; -1 without a file.",
     .example = "SELECT input_file_block_start()",
     .expect = "-1",
     .since = "0.1"},
    {.name = "input_file_block_length",
     .sig = "-> bigint",
     .eval = no_place,
     .flags = CH_FUNC_NEVER_NULL,
     .doc = "How long the block of the file that the row comes from is; -1 without a file.",
     .example = "SELECT input_file_block_length()",
     .expect = "-1",
     .since = "0.1"},
    CH_FUNC_END,
};
