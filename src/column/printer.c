/* SPDX-License-Identifier: Apache-2.0 */
/* printer.c - the table of printers. */
#include "column/printer.h"

extern const ch_printer ch_printer_csv, ch_printer_json, ch_printer_markdown;

static const ch_printer *const PRINTERS[] = {&ch_printer_csv, &ch_printer_json,
                                             &ch_printer_markdown};

const ch_printer *ch_printer_at(int i)
{
    int n = (int)(sizeof PRINTERS / sizeof *PRINTERS);
    return i >= 0 && i < n ? PRINTERS[i] : NULL;
}

const ch_printer *ch_printer_find(const char *name)
{
    for (int i = 0; ch_printer_at(i); i++)
        if (strcmp(ch_printer_at(i)->name, name) == 0)
            return ch_printer_at(i);
    return NULL;
}
