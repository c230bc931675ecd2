/* SPDX-License-Identifier: Apache-2.0 */
/*
 * show.c - follows Spark's Dataset.showString.
 *
 * Cells are written one after another into one buffer, row by row with the names as row 0;
 * cell k of the grid is text[cell[k].start .. cell[k + 1].start), shown `width` columns wide.
 */
#include "column/show.h"
#include "base/unicode.h"

#include "column/format_value.h"

#define WIDTH_MIN 3

typedef struct cell {
    size_t start;  /* bytes of text */
    int32_t width; /* as Spark counts */
} cell;

typedef struct grid {
    ch_buf text;
    cell *cell; /* (n_rows + 1) * n_cols + 1 */
    size_t cell_bytes;
    int64_t n_rows; /* without the names */
    int32_t n_cols, *width;
} grid;

static ch_str cell_text(const grid *g, int64_t k)
{
    size_t start = g->cell[k].start;
    return (ch_str){g->text.data + start, (int64_t)(g->cell[k + 1].start - start)};
}

static uint32_t code_point(const char *text, int bytes, bool ok)
{
    const uint8_t *p = (const uint8_t *)text;
    if (!ok)
        return 0xFFFD;
    switch (bytes) {
    case 1:
        return p[0];
    case 2:
        return (uint32_t)(p[0] & 0x1F) << 6 | (p[1] & 0x3F);
    case 3:
        return (uint32_t)(p[0] & 0x0F) << 12 | (uint32_t)(p[1] & 0x3F) << 6 | (p[2] & 0x3F);
    default:
        return (uint32_t)(p[0] & 0x07) << 18 | (uint32_t)(p[1] & 0x3F) << 12 |
               (uint32_t)(p[2] & 0x3F) << 6 | (p[3] & 0x3F);
    }
}

/* Utils.fullWidthRegex */
static bool is_wide(uint32_t c)
{
    return (c >= 0x1100 && c <= 0x115F) || (c >= 0x2E80 && c <= 0xA4CF) ||
           (c >= 0xAC00 && c <= 0xD7A3) || (c >= 0xF900 && c <= 0xFAFF) ||
           (c >= 0xFE30 && c <= 0xFE6F) || (c >= 0xFF00 && c <= 0xFF60) ||
           (c >= 0xFFE0 && c <= 0xFFE6);
}

/* The letter after the backslash for a character that is shown so, else 0. */
static char escape_letter(uint32_t c)
{
    switch (c) {
    case '\n':
        return 'n';
    case '\r':
        return 'r';
    case '\t':
        return 't';
    case '\f':
        return 'f';
    case '\b':
        return 'b';
    case '\v':
        return 'v';
    case '\a':
        return 'a';
    default:
        return 0;
    }
}

/* UTF-16 units of the cell's text as shown. */
static int64_t java_length(ch_str s)
{
    int64_t n = 0;
    bool ok;
    for (int64_t i = 0, step; i < s.len; i += step) {
        step = ch_utf8_step(s.text + i, s.len - i, &ok);
        n += step == 4 && ok ? 2 : escape_letter((uint8_t)s.text[i]) ? 2 : 1;
    }
    return n;
}

/*
 * Appends raw text as a cell: escaped, malformed bytes as U+FFFD, cut to `truncate` units. A pair
 * cut in half leaves a '?', as Java prints it.
 */
static ch_status add_cell(grid *g, int64_t k, ch_str s, int32_t truncate, ch_error *err)
{
    int64_t units = java_length(s), most = units, width = 0;
    bool dots = false;
    if (truncate > 0 && units > truncate) {
        dots = truncate >= 4;
        most = dots ? truncate - 3 : truncate;
    }
    g->cell[k].start = g->text.len;
    bool ok;
    int64_t left = most;
    for (int64_t i = 0, step; i < s.len && left > 0; i += step) {
        step = ch_utf8_step(s.text + i, s.len - i, &ok);
        uint32_t c = code_point(s.text + i, (int)step, ok);
        char letter = escape_letter(c);
        int64_t unit = letter || c > 0xFFFF ? 2 : 1;
        if (letter)
            CH_TRY(ch_buf_add(&g->text, (char[2]){'\\', letter}, left == 1 ? 1 : 2, err));
        else if (c > 0xFFFF && left == 1)
            CH_TRY(ch_buf_addc(&g->text, '?', err));
        else if (!ok)
            CH_TRY(ch_buf_adds(&g->text, "\xEF\xBF\xBD", err));
        else
            CH_TRY(ch_buf_add(&g->text, s.text + i, (size_t)step, err));
        width += is_wide(c);
        left -= unit;
    }
    if (dots)
        CH_TRY(ch_buf_adds(&g->text, "...", err));
    g->cell[k].width = (int32_t)(width + most + (dots ? 3 : 0));
    g->cell[k + 1].start = g->text.len;
    return CH_OK;
}

/* Every now and then: has somebody cancelled? */
static ch_status heed(const _Atomic bool *cancel, int64_t row, ch_error *err)
{
    if (cancel && (row & 255) == 0 && atomic_load_explicit(cancel, memory_order_relaxed))
        CH_FAIL(err, CANCELLED);
    return CH_OK;
}

/* Spark's own names are not cut, its values are. */
static ch_status fill(grid *g, const ch_type *schema, ch_batch *batch, int32_t n_batches,
                      const ch_show_options *options, ch_error *err)
{
    for (int32_t c = 0; c < g->n_cols; c++) {
        const char *name = schema->field[c].name;
        CH_TRY(add_cell(g, c, (ch_str){name, (int64_t)strlen(name)}, 0, err));
    }
    ch_value_format format = {.style = CH_VALUE_PRETTY, .ansi = true, .zone = options->zone};
    ch_buf raw;
    ch_buf_init(&raw, g->text.mem);
    ch_status status = CH_OK;
    int64_t k = g->n_cols, row = 0;
    for (int32_t b = 0; b < n_batches && row < g->n_rows; b++) {
        for (int64_t i = 0; i < batch[b].n && row < g->n_rows; i++, row++) {
            CH_TRY_OUT(heed(options->cancel, row, err));
            for (int32_t c = 0; c < g->n_cols; c++, k++) {
                ch_column *column;
                CH_TRY_OUT(ch_batch_column(&batch[b], c, &column, err));
                ch_buf_reset(&raw);
                CH_TRY_OUT(ch_format_value(&format, column, i, &raw, err));
                CH_TRY_OUT(
                    add_cell(g, k, (ch_str){raw.data, (int64_t)raw.len}, options->truncate, err));
            }
        }
    }
out:
    ch_buf_release(&raw);
    return status;
}

static ch_status print_border(const grid *g, ch_buf *out, ch_error *err)
{
    CH_TRY(ch_buf_addc(out, '+', err));
    for (int32_t c = 0; c < g->n_cols; c++) {
        CH_TRY(ch_buf_fill(out, '-', (size_t)g->width[c], err));
        CH_TRY(ch_buf_addc(out, '+', err));
    }
    if (g->n_cols == 0)
        CH_TRY(ch_buf_addc(out, '+', err));
    return ch_buf_addc(out, '\n', err);
}

static ch_status print_cell(const grid *g, int64_t k, int32_t width, bool right, ch_buf *out,
                            ch_error *err)
{
    ch_str s = cell_text(g, k);
    size_t pad = (size_t)(width - g->cell[k].width);
    if (right)
        CH_TRY(ch_buf_fill(out, ' ', pad, err));
    CH_TRY(ch_buf_add(out, s.text, (size_t)s.len, err));
    return right ? CH_OK : ch_buf_fill(out, ' ', pad, err);
}

static ch_status print_table(grid *g, const ch_show_options *options, ch_buf *out, ch_error *err)
{
    for (int32_t c = 0; c < g->n_cols; c++) {
        g->width[c] = WIDTH_MIN;
        for (int64_t r = 0; r <= g->n_rows; r++) {
            int32_t width = g->cell[r * g->n_cols + c].width;
            g->width[c] = width > g->width[c] ? width : g->width[c];
        }
    }
    CH_TRY(print_border(g, out, err));
    for (int64_t r = 0; r <= g->n_rows; r++) {
        CH_TRY(heed(options->cancel, r, err));
        CH_TRY(ch_buf_addc(out, '|', err));
        for (int32_t c = 0; c < g->n_cols; c++) {
            bool right = options->truncate > 0;
            CH_TRY(print_cell(g, r * g->n_cols + c, g->width[c], right, out, err));
            CH_TRY(ch_buf_addc(out, '|', err));
        }
        CH_TRY(ch_buf_adds(out, g->n_cols ? "\n" : "|\n", err));
        if (r == 0)
            CH_TRY(print_border(g, out, err));
    }
    return print_border(g, out, err);
}

static ch_status print_vertical(const grid *g, const ch_show_options *options, ch_buf *out,
                                ch_error *err)
{
    int32_t name_width = WIDTH_MIN, value_width = WIDTH_MIN;
    for (int64_t k = 0; k < (g->n_rows + 1) * g->n_cols; k++) {
        int32_t *most = k < g->n_cols ? &name_width : &value_width;
        *most = g->cell[k].width > *most ? g->cell[k].width : *most;
    }
    for (int64_t r = 0; r < g->n_rows; r++) {
        CH_TRY(heed(options->cancel, r, err));
        size_t start = out->len, width = (size_t)name_width + (size_t)value_width + 5;
        CH_TRY(ch_buf_printf(out, err, "-RECORD %lld", (long long)r));
        if (out->len - start < width)
            CH_TRY(ch_buf_fill(out, '-', width - (out->len - start), err));
        for (int32_t c = 0; c < g->n_cols; c++) {
            CH_TRY(ch_buf_adds(out, "\n ", err));
            CH_TRY(print_cell(g, c, name_width, false, out, err));
            CH_TRY(ch_buf_adds(out, " | ", err));
            CH_TRY(print_cell(g, (r + 1) * g->n_cols + c, value_width, false, out, err));
            CH_TRY(ch_buf_addc(out, ' ', err));
        }
        CH_TRY(ch_buf_addc(out, '\n', err));
    }
    return CH_OK;
}

ch_status ch_show(const ch_type *schema, ch_batch *batch, int32_t n_batches,
                  const ch_show_options *options, ch_buf *out, ch_error *err)
{
    int64_t have = 0, n_rows = options->n_rows < 0 ? 0 : options->n_rows;
    for (int32_t b = 0; b < n_batches; b++)
        have += batch[b].n;
    grid g = {.n_cols = schema->n_fields, .n_rows = have < n_rows ? have : n_rows};
    g.cell_bytes =
        sizeof(cell) * (size_t)((g.n_rows + 1) * g.n_cols + 1) + sizeof *g.width * (size_t)g.n_cols;
    ch_buf_init(&g.text, out->mem);
    g.cell = ch_mem_zalloc(out->mem, g.cell_bytes, err);
    if (!g.cell)
        return CH_E_MEMORY;
    g.width = (int32_t *)(g.cell + (g.n_rows + 1) * g.n_cols + 1);

    ch_status status;
    CH_TRY_OUT(fill(&g, schema, batch, n_batches, options, err));
    if (options->vertical)
        CH_TRY_OUT(print_vertical(&g, options, out, err));
    else
        CH_TRY_OUT(print_table(&g, options, out, err));
    if (options->vertical && g.n_rows == 0)
        CH_TRY_OUT(ch_buf_adds(out, "(0 rows)", err));
    else if (have > n_rows)
        CH_TRY_OUT(ch_buf_printf(out, err, "only showing top %lld row%s", (long long)n_rows,
                                 n_rows == 1 ? "" : "s"));
    CH_TRY_OUT(ch_buf_addc(out, '\n', err));
out:
    ch_mem_free(out->mem, g.cell, g.cell_bytes);
    ch_buf_release(&g.text);
    return status;
}
