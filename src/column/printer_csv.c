/* SPDX-License-Identifier: Apache-2.0 */
/* printer_csv.c - rows as RFC 4180 lines. */
#include "column/format_value.h"
#include "column/printer.h"

extern const ch_printer ch_printer_csv;

/* Puts quotes around out.data[start..] when it needs them. */
static ch_status quote_from(size_t start, ch_buf *out, ch_error *err)
{
    size_t len = out->len - start, quotes = 0;
    bool needed = len == 0;
    for (size_t i = start; i < out->len; i++) {
        char c = out->data[i];
        quotes += c == '"';
        needed |= c == '"' || c == ',' || c == '\n' || c == '\r';
    }
    if (!needed)
        return CH_OK;
    CH_TRY(ch_buf_reserve(out, quotes + 2, err));
    char *from = out->data + start + len, *to = from + quotes + 2;
    out->len += quotes + 2;
    *to = 0;
    *--to = '"';
    for (size_t i = 0; i < len; i++) {
        *--to = *--from;
        if (*to == '"')
            *--to = '"';
    }
    *--to = '"';
    return CH_OK;
}

static ch_status head(const ch_type *schema, ch_buf *out, ch_error *err)
{
    for (int32_t c = 0; c < schema->n_fields; c++) {
        if (c)
            CH_TRY(ch_buf_addc(out, ',', err));
        size_t start = out->len;
        CH_TRY(ch_buf_adds(out, schema->field[c].name, err));
        CH_TRY(quote_from(start, out, err));
    }
    return ch_buf_addc(out, '\n', err);
}

static ch_status batch(const ch_type *schema, const ch_zone *zone, ch_batch *b, ch_buf *out,
                       ch_error *err)
{
    ch_value_format format = {.style = CH_VALUE_CAST, .ansi = true, .zone = zone};
    for (int64_t i = 0; i < b->n; i++) {
        for (int32_t c = 0; c < schema->n_fields; c++) {
            ch_column *column;
            if (c)
                CH_TRY(ch_buf_addc(out, ',', err));
            CH_TRY(ch_batch_column(b, c, &column, err));
            if (ch_column_is_null(column, i))
                continue;
            size_t start = out->len;
            CH_TRY(ch_format_value(&format, column, i, out, err));
            CH_TRY(quote_from(start, out, err));
        }
        CH_TRY(ch_buf_addc(out, '\n', err));
    }
    return CH_OK;
}

static ch_status tail(const ch_type *schema, ch_buf *out, ch_error *err)
{
    CH_UNUSED(schema);
    CH_UNUSED(out);
    CH_UNUSED(err);
    return CH_OK;
}

const ch_printer ch_printer_csv = {"csv", head, batch, tail};
