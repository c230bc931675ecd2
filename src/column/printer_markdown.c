/* SPDX-License-Identifier: Apache-2.0 */
/* printer_markdown.c - rows as a table of GitHub-flavoured Markdown. */
#include "column/format_value.h"
#include "column/printer.h"

extern const ch_printer ch_printer_markdown;

/* Escapes what would end a cell in out.data[start..]; spare keeps the raw text meanwhile. */
static ch_status escape_from(size_t start, ch_buf *spare, ch_buf *out, ch_error *err)
{
    size_t len = out->len - start;
    ch_buf_reset(spare);
    CH_TRY(ch_buf_add(spare, out->data + start, len, err));
    out->len = start;
    for (size_t i = 0; i < len; i++) {
        char c = spare->data[i];
        if (c == '|' || c == '\\')
            CH_TRY(ch_buf_addc(out, '\\', err));
        if (c == '\n')
            CH_TRY(ch_buf_adds(out, "<br>", err));
        else if (c != '\r')
            CH_TRY(ch_buf_addc(out, c, err));
    }
    return CH_OK;
}

static ch_status head(const ch_type *schema, ch_buf *out, ch_error *err)
{
    ch_buf spare;
    ch_buf_init(&spare, out->mem);
    ch_status status = CH_OK;
    CH_TRY_OUT(ch_buf_addc(out, '|', err));
    for (int32_t c = 0; c < schema->n_fields; c++) {
        CH_TRY_OUT(ch_buf_addc(out, ' ', err));
        size_t start = out->len;
        CH_TRY_OUT(ch_buf_adds(out, schema->field[c].name, err));
        CH_TRY_OUT(escape_from(start, &spare, out, err));
        CH_TRY_OUT(ch_buf_adds(out, " |", err));
    }
    CH_TRY_OUT(ch_buf_adds(out, "\n|", err));
    for (int32_t c = 0; c < schema->n_fields; c++)
        CH_TRY_OUT(ch_buf_adds(
            out, ch_type_is_numeric(schema->field[c].type) ? " ---: |" : " --- |", err));
    CH_TRY_OUT(ch_buf_addc(out, '\n', err));
out:
    ch_buf_release(&spare);
    return status;
}

static ch_status batch(const ch_type *schema, const ch_zone *zone, ch_batch *b, ch_buf *out,
                       ch_error *err)
{
    ch_value_format format = {.style = CH_VALUE_PRETTY, .ansi = true, .zone = zone};
    ch_buf spare;
    ch_buf_init(&spare, out->mem);
    ch_status status = CH_OK;
    for (int64_t i = 0; i < b->n; i++) {
        CH_TRY_OUT(ch_buf_addc(out, '|', err));
        for (int32_t c = 0; c < schema->n_fields; c++) {
            ch_column *column;
            CH_TRY_OUT(ch_batch_column(b, c, &column, err));
            CH_TRY_OUT(ch_buf_addc(out, ' ', err));
            size_t start = out->len;
            CH_TRY_OUT(ch_format_value(&format, column, i, out, err));
            CH_TRY_OUT(escape_from(start, &spare, out, err));
            CH_TRY_OUT(ch_buf_adds(out, " |", err));
        }
        CH_TRY_OUT(ch_buf_addc(out, '\n', err));
    }
out:
    ch_buf_release(&spare);
    return status;
}

static ch_status tail(const ch_type *schema, ch_buf *out, ch_error *err)
{
    CH_UNUSED(schema);
    CH_UNUSED(out);
    CH_UNUSED(err);
    return CH_OK;
}

const ch_printer ch_printer_markdown = {"markdown", head, batch, tail};
