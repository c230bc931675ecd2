/* SPDX-License-Identifier: Apache-2.0 */
/* late.c - see late.h: where libraries are linked in the usual way, nothing is to be done. late_stubs.c replaces it. */
#include "base/late.h"

__attribute__((weak)) ch_status ch_late_load(const char *name, ch_error *err)
{
    (void)name, (void)err;
    return CH_OK;
}
