/* SPDX-License-Identifier: Apache-2.0 */
/* decode_show.c - show() and _repr_html_: relations of one text, computed while the plan is decoded, as Spark does. */
#include <string.h>

#include "base/unicode.h"
#include "column/format_value.h"
#include "column/show.h"
#include "connect/decode_relation.h"

typedef PB(Relation) message;

ch_status cn_collect(ch_frame *frame, ch_query **out, ch_error *err)
{
    CH_TRY(ch_query_open(frame, frame->rel, out, err));
    ch_status status = ch_query_collect(*out, err);
    if (status != CH_OK) {
        ch_query_close(*out);
        *out = NULL;
    }
    return status;
}

ch_status cn_text_relation(cn_decode *d, const char *column, const char *text, size_t len,
                           ch_rel **out, ch_error *err)
{
    ch_expr_literal *value;
    ch_expr_alias *alias;
    ch_rel_project *p;
    ch_rel_one_row *one;
    CN_NODE(p, d, PROJECT, err);
    CN_NODE(one, d, ONE_ROW, err);
    value = ch_expr_new(d->arena, CH_EXPR_LITERAL, err);
    alias = ch_expr_new(d->arena, CH_EXPR_ALIAS, err);
    if (!value || !alias)
        return CH_E_MEMORY;
    const char *copy = ch_arena_strn(d->arena, text, len, err), *name;
    if (!copy)
        return CH_E_MEMORY;
    CH_TRY(cn_copy_text(d, column, &name, err));
    value->value = (ch_scalar){.type = CH_T_STRING, .v.str = {copy, (int64_t)len}};
    value->head.type = CH_T_STRING;
    alias->child = &value->head;
    CH_TRY(ch_str_list_add(d->arena, &alias->names, name, err));
    p->input = &one->head;
    *out = &p->head;
    return ch_expr_list_add(d->arena, &p->expressions, &alias->head, err);
}

/* The first rows of a relation, one more than asked for. Frees by ch_query_close. */
static ch_status first_rows(cn_decode *d, const message *input, int64_t n, ch_query **out,
                            ch_error *err)
{
    ch_frame *frame;
    ch_rel *rel;
    ch_rel_limit *limit;
    CH_TRY(ch_frame_new(d->session->session, NULL, 0, &frame, err));
    cn_decode inner = *d;
    inner.frame = frame;
    inner.arena = &frame->arena;
    ch_status status = cn_decode_relation(&inner, input, &rel, err);
    if (status == CH_OK && !(limit = ch_rel_new(inner.arena, CH_REL_LIMIT, err)))
        status = CH_E_MEMORY;
    if (status == CH_OK) {
        limit->input = rel;
        limit->limit = n < INT32_MAX ? n + 1 : INT32_MAX;
        frame->rel = &limit->head;
        status = cn_collect(frame, out, err);
    }
    ch_frame_unref(frame);
    return status;
}

/* The query's batches, flat, in an array of the query's arena. */
static ch_status flat_batches(ch_query *q, ch_batch **out, int32_t *n, ch_error *err)
{
    int32_t count = 0;
    while (ch_query_batch(q, count))
        count++;
    CH_ARENA_ARRAY(*out, ch_query_arena(q), count + 1, err);
    for (int32_t i = 0; i < count; i++) {
        CH_TRY(ch_batch_flatten(ch_query_batch(q, i), err));
        (*out)[i] = *ch_query_batch(q, i);
    }
    *n = count;
    return CH_OK;
}

ch_status cn_decode_show_string_rel(cn_decode *d, const message *m, ch_rel **out, ch_error *err)
{
    const PB(ShowString) *s = m->show_string;
    ch_show_options options = {.n_rows = s->num_rows > 0 ? s->num_rows : 0,
                               .truncate = s->truncate,
                               .vertical = s->vertical};
    ch_query *q;
    ch_batch *batch;
    int32_t n;
    ch_buf text;
    CH_TRY(first_rows(d, s->input, options.n_rows, &q, err));
    ch_buf_init(&text, ch_query_mem(q));
    ch_status status = CH_OK;
    CH_TRY_OUT(flat_batches(q, &batch, &n, err));
    CH_TRY_OUT(ch_query_zone(q, &options.zone, err));
    CH_TRY_OUT(ch_show(ch_query_schema(q), batch, n, &options, &text, err));
    /* ch_show ends as a terminal wants it; clients print a line's end of their own. */
    status = cn_text_relation(d, "show_string", text.data, text.len - 1, out, err);
out:
    ch_buf_release(&text);
    ch_query_close(q);
    return status;
}

/* ---- HTML -------------------------------------------------------------------------------- */

static ch_status add_html(ch_buf *out, const char *text, size_t len, ch_error *err)
{
    for (size_t i = 0; i < len; i++) {
        const char *entity = text[i] == '&'   ? "&amp;"
                             : text[i] == '<' ? "&lt;"
                             : text[i] == '>' ? "&gt;"
                             : text[i] == '"' ? "&quot;"
                                              : NULL;
        CH_TRY(entity ? ch_buf_adds(out, entity, err) : ch_buf_addc(out, text[i], err));
    }
    return CH_OK;
}

/* Bytes of the first n characters. */
static size_t prefix_bytes(const char *text, size_t len, int n)
{
    size_t at = 0;
    bool ok;
    while (at < len && n-- > 0)
        at += (size_t)ch_utf8_step(text + at, (int64_t)(len - at), &ok);
    return at;
}

static ch_status add_cell(const ch_column *c, int64_t i, int32_t truncate,
                          const ch_value_format *format, ch_buf *raw, ch_buf *out, ch_error *err)
{
    ch_buf_reset(raw);
    CH_TRY(ch_format_value(format, c, i, raw, err));
    size_t whole = raw->len, cut = whole;
    bool dots = false;
    if (truncate > 0 && prefix_bytes(raw->data, whole, truncate) < whole) {
        dots = truncate >= 4;
        cut = prefix_bytes(raw->data, whole, dots ? truncate - 3 : truncate);
    }
    CH_TRY(ch_buf_adds(out, "<td>", err));
    CH_TRY(add_html(out, raw->data, cut, err));
    return ch_buf_adds(out, dots ? "...</td>" : "</td>", err);
}

static ch_status print_html(ch_query *q, int64_t most, int32_t truncate, ch_buf *raw, ch_buf *out,
                            ch_error *err)
{
    const ch_type *schema = ch_query_schema(q);
    ch_value_format format = {.style = CH_VALUE_PRETTY};
    ch_batch *batch;
    int32_t n;
    int64_t row = 0;
    CH_TRY(ch_query_zone(q, &format.zone, err));
    CH_TRY(flat_batches(q, &batch, &n, err));
    CH_TRY(ch_buf_adds(out, "<table border='1'>\n<tr>", err));
    for (int32_t c = 0; c < schema->n_fields; c++) {
        CH_TRY(ch_buf_adds(out, "<th>", err));
        CH_TRY(add_html(out, schema->field[c].name, strlen(schema->field[c].name), err));
        CH_TRY(ch_buf_adds(out, "</th>", err));
    }
    CH_TRY(ch_buf_adds(out, "</tr>\n", err));
    for (int32_t b = 0; b < n; b++)
        for (int64_t i = 0; i < batch[b].n; i++, row++) {
            if (row >= most)
                continue;
            CH_TRY(ch_buf_adds(out, "<tr>", err));
            for (int32_t c = 0; c < schema->n_fields; c++)
                CH_TRY(add_cell(batch[b].col[c], i, truncate, &format, raw, out, err));
            CH_TRY(ch_buf_adds(out, "</tr>\n", err));
        }
    CH_TRY(ch_buf_adds(out, "</table>\n", err));
    if (row > most)
        CH_TRY(ch_buf_printf(out, err, "only showing top %lld %s\n", (long long)most,
                             most == 1 ? "row" : "rows"));
    return CH_OK;
}

ch_status cn_decode_html_string_rel(cn_decode *d, const message *m, ch_rel **out, ch_error *err)
{
    const PB(HtmlString) *s = m->html_string;
    int64_t most = s->num_rows > 0 ? s->num_rows : 0;
    ch_query *q;
    ch_buf text, raw;
    CH_TRY(first_rows(d, s->input, most, &q, err));
    ch_buf_init(&text, ch_query_mem(q));
    ch_buf_init(&raw, ch_query_mem(q));
    ch_status status = print_html(q, most, s->truncate, &raw, &text, err);
    if (status == CH_OK)
        status = cn_text_relation(d, "html_string", text.data, text.len, out, err);
    ch_buf_release(&raw);
    ch_buf_release(&text);
    ch_query_close(q);
    return status;
}
