/* SPDX-License-Identifier: Apache-2.0 */
/* text_file.c - text as a format: a column `value`, a row for each line, or for each file (wholetext). */
#include <stdio.h>
#include <strings.h>

#include "format/lines.h"

static const ch_option OPTIONS[] = {
    {"wholetext", CH_OPT_BOOL, "false", "true or false", "Each file is one row."},
    {"lineSep", CH_OPT_STRING, NULL, "any text", "What ends a line; by default LF, CR or both."},
    {"compression", CH_OPT_STRING, NULL, "a codec", "How files are compressed when written."},
    {"encoding", CH_OPT_STRING, NULL, "a charset", "The charset of the files."},
    {0}};

/* ---- reading ---- */

typedef struct text_state {
    ch_mem *mem;
    const ch_scan_spec *spec;
    ch_buf end; /* int64: where each value ends */
    ch_buf text;
} text_state;

static ch_status state_open(const ch_format_context *ctx, const ch_scan_spec *spec, void *user,
                            void **state, ch_error *err)
{
    CH_UNUSED(user);
    text_state *s = ch_mem_zalloc(ctx->mem, sizeof *s, err);
    *state = s;
    if (!s)
        return CH_E_MEMORY;
    s->mem = ctx->mem;
    s->spec = spec;
    ch_buf_init(&s->end, ctx->mem);
    ch_buf_init(&s->text, ctx->mem);
    return CH_OK;
}

static void state_close(void *state)
{
    text_state *s = state;
    ch_buf_release(&s->end);
    ch_buf_release(&s->text);
    ch_mem_free(s->mem, s, sizeof *s);
}

static ch_status state_add(void *state, const ch_line *line, int64_t *rows, bool *malformed,
                           ch_error *err)
{
    text_state *s = state;
    CH_UNUSED(malformed);
    int64_t bytes = (int64_t)s->text.len + line->len;
    if (bytes > INT32_MAX)
        return ch_error_memory(err, "text of one column", bytes, INT32_MAX);
    CH_TRY(ch_buf_add(&s->text, line->text, (size_t)line->len, err));
    int64_t end = (int64_t)s->text.len;
    *rows = 1;
    return ch_buf_add(&s->end, &end, sizeof end, err);
}

static ch_status state_finish(void *state, ch_batch *out, ch_error *err)
{
    text_state *s = state;
    const int64_t *end = (const int64_t *)(const void *)s->end.data;
    ch_status status = CH_OK;
    for (int32_t c = 0; c < out->n_cols && status == CH_OK; c++) {
        ch_buffer *text;
        int32_t idx;
        CH_TRY(ch_column_new(s->mem, CH_T_STRING, out->n, &out->col[c], err));
        CH_TRY(ch_buffer_new(s->mem, (int64_t)s->text.len + 1, &text, err));
        if (s->text.len)
            memcpy(text->data, s->text.data, s->text.len);
        CH_TRY(ch_column_add_text(out->col[c], text, &idx, err));
        ch_view *v = out->col[c]->data;
        for (int64_t i = 0; i < out->n; i++) {
            int64_t from = i ? end[i - 1] : 0;
            v[i] = ch_view_make((const char *)text->data + from, end[i] - from, idx, from);
        }
    }
    ch_buf_reset(&s->end);
    ch_buf_reset(&s->text);
    return status;
}

static const ch_line_class TEXT = {.name = "text",
                                   .open = state_open,
                                   .add = state_add,
                                   .finish = state_finish,
                                   .close = state_close};

static ch_status infer(const ch_format_context *ctx, const ch_scan_spec *spec,
                       const ch_type **schema, ch_error *err)
{
    static const ch_field VALUE = {.name = "value", .nullable = true};
    ch_field field = VALUE;
    CH_UNUSED(ctx);
    CH_UNUSED(spec);
    CH_UNUSED(err);
    field.type = CH_T_STRING;
    *schema = ch_type_struct(&field, 1);
    return *schema ? CH_OK : CH_E_MEMORY;
}

static ch_status scan(const ch_format_context *ctx, const ch_scan_spec *spec, ch_scan **out,
                      ch_error *err)
{
    ch_line_options o = {0};
    CH_TRY(ch_option_bool(OPTIONS, spec->options, "wholetext", &o.whole, err));
    CH_TRY(ch_option_text(OPTIONS, spec->options, "lineSep", &o.line_sep, err));
    CH_TRY(ch_option_text(OPTIONS, spec->options, "encoding", &o.encoding, err));
    if (o.encoding && (strcasecmp(o.encoding, "UTF-8") == 0 || strcasecmp(o.encoding, "UTF8") == 0))
        o.encoding = NULL;
    return ch_lines_open(ctx, spec, &TEXT, &o, NULL, out, err);
}

/* ---- writing ---- */

typedef struct text_writer {
    ch_mem *mem;
    ch_line_writer *lines;
    char line_sep[64];
} text_writer;

static ch_status create(const ch_format_context *ctx, const char *path, const ch_type *schema,
                        const ch_strmap *options, ch_file_writer **out, ch_error *err)
{
    const char *sep;
    *out = NULL;
    if (schema->n_fields != 1)
        CH_FAIL(err, UNSUPPORTED, "feature", "Text of more or fewer than one column");
    if (!ch_type_is_string(schema->field[0].type))
        CH_FAIL(err, UNSUPPORTED_TYPE_FOR_FORMAT, "format", "Text", "columnName",
                schema->field[0].name, "columnType", "other than STRING");
    CH_TRY(ch_option_text(OPTIONS, options, "lineSep", &sep, err));
    text_writer *w = ch_mem_zalloc(ctx->mem, sizeof *w, err);
    if (!w)
        return CH_E_MEMORY;
    w->mem = ctx->mem;
    snprintf(w->line_sep, sizeof w->line_sep, "%s", sep ? sep : "\n");
    ch_status status = ch_line_writer_new(ctx, path, options, &w->lines, err);
    if (status != CH_OK)
        ch_mem_free(ctx->mem, w, sizeof *w);
    else
        *out = (ch_file_writer *)w;
    return status;
}

static ch_status write(ch_file_writer *writer, ch_batch *batch, ch_error *err)
{
    text_writer *w = (text_writer *)writer;
    ch_column *c;
    CH_TRY(ch_batch_column(batch, 0, &c, err));
    for (int64_t i = 0; i < batch->n; i++) {
        if (!ch_column_is_null(c, i)) {
            ch_str s = ch_column_str(ch_column_values(c), ch_column_slot(c, i));
            CH_TRY(ch_line_writer_add(w->lines, s.text, (size_t)s.len, err));
        }
        CH_TRY(ch_line_writer_add(w->lines, w->line_sep, strlen(w->line_sep), err));
    }
    return CH_OK;
}

static ch_status finish(ch_file_writer *writer, ch_error *err)
{
    text_writer *w = (text_writer *)writer;
    ch_status status = ch_line_writer_finish(w->lines, err);
    ch_mem_free(w->mem, w, sizeof *w);
    return status;
}

static void abandon(ch_file_writer *writer)
{
    text_writer *w = (text_writer *)writer;
    if (!w)
        return;
    ch_line_writer_abandon(w->lines);
    ch_mem_free(w->mem, w, sizeof *w);
}

const ch_format ch_format_text = {
    .name = "text",
    .extension = ".txt",
    .options = OPTIONS,
    .infer = infer,
    .scan = scan,
    .create = create,
    .write = write,
    .finish = finish,
    .abandon = abandon,
    .codec_extension = ch_line_codec_extension,
};
