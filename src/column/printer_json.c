/* SPDX-License-Identifier: Apache-2.0 */
/* printer_json.c - rows as JSON objects, one per line. */
#include "column/format_value.h"
#include "column/printer.h"
#include "wire/json.h"

extern const ch_printer ch_printer_json;

static ch_status nothing(const ch_type *schema, ch_buf *out, ch_error *err)
{
    CH_UNUSED(schema);
    CH_UNUSED(out);
    CH_UNUSED(err);
    return CH_OK;
}

static ch_status batch(const ch_type *schema, const ch_zone *zone, ch_batch *b, ch_buf *out,
                       ch_error *err)
{
    ch_value_format format = {.style = CH_VALUE_JSON, .ansi = true, .zone = zone};
    for (int64_t i = 0; i < b->n; i++) {
        char before = '{';
        for (int32_t c = 0; c < schema->n_fields; c++) {
            ch_column *column;
            CH_TRY(ch_batch_column(b, c, &column, err));
            if (ch_column_is_null(column, i))
                continue;
            const char *name = schema->field[c].name;
            CH_TRY(ch_buf_addc(out, before, err));
            CH_TRY(ch_json_quote(name, (int64_t)strlen(name), out, err));
            CH_TRY(ch_buf_addc(out, ':', err));
            CH_TRY(ch_format_value(&format, column, i, out, err));
            before = ',';
        }
        CH_TRY(ch_buf_adds(out, before == '{' ? "{}\n" : "}\n", err));
    }
    return CH_OK;
}

const ch_printer ch_printer_json = {"json", nothing, batch, nothing};
