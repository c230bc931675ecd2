/* SPDX-License-Identifier: Apache-2.0 */
/* json_write.c - rows to JSON text. NULL members of structs are left out unless options say otherwise. */
#include "function/json_write.h"

#include "codec/base64.h"
#include "type/datetime.h"
#include "type/decimal.h"
#include "type/number.h"

struct ch_json_writer {
    ch_mem *mem;
    ch_arena arena;
    const ch_json_options *options;
    const ch_zone *zone;
    const ch_pattern *date, *timestamp, *ntz;
    int depth;
};

ch_status ch_json_writer_new(ch_mem *mem, const ch_json_options *options, ch_json_writer **out,
                             ch_error *err)
{
    ch_json_writer *w = *out = ch_mem_zalloc(mem, sizeof *w, err);
    if (!w)
        return CH_E_MEMORY;
    w->mem = mem;
    w->options = options;
    ch_arena_init(&w->arena, mem);
    const char *zone = options->time_zone ? options->time_zone : "UTC";
    const char *format[] = {options->date_format ? options->date_format : "yyyy-MM-dd",
                            options->timestamp_format ? options->timestamp_format
                                                      : "yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
                            options->timestamp_ntz_format ? options->timestamp_ntz_format
                                                          : "yyyy-MM-dd'T'HH:mm:ss.SSS"};
    const ch_pattern **pattern[] = {&w->date, &w->timestamp, &w->ntz};
    ch_status status = CH_OK;
    w->zone = ch_zone_find(zone, (int64_t)strlen(zone), err);
    if (!w->zone)
        status = CH_E_INVALID_TIMEZONE;
    for (int k = 0; k < 3 && status == CH_OK; k++)
        status = ch_pattern_compile(format[k], (int64_t)strlen(format[k]), false, &w->arena,
                                    pattern[k], err);
    if (status != CH_OK) {
        ch_json_writer_free(w);
        *out = NULL;
    }
    return status;
}

void ch_json_writer_free(ch_json_writer *w)
{
    if (!w)
        return;
    ch_arena_release(&w->arena);
    ch_mem_free(w->mem, w, sizeof *w);
}

/* ---- scalars ---- */

static ch_status put_real(const ch_column *c, int64_t i, ch_buf *out, ch_error *err)
{
    char text[CH_NUMBER_TEXT];
    int n = c->type->id == CH_DOUBLE ? ch_print_f64(text, ((const double *)c->data)[i])
                                     : ch_print_f32(text, ((const float *)c->data)[i]);
    return text[n - 1] > '9' ? ch_json_quote(text, n, out, err)
                             : ch_buf_add(out, text, (size_t)n, err);
}

static ch_status put_binary(ch_str s, ch_buf *out, ch_error *err)
{
    CH_TRY(ch_buf_addc(out, '"', err));
    CH_TRY(ch_buf_reserve(out, ch_base64_room((size_t)s.len), err));
    out->len += ch_base64(out->data + out->len, s.text, (size_t)s.len, true);
    return ch_buf_addc(out, '"', err);
}

static ch_status put_pattern(const ch_json_writer *w, const ch_pattern *p, int64_t us,
                             const ch_zone *zone, ch_buf *out, ch_error *err)
{
    char small[256];
    CH_UNUSED(w);
    if (ch_pattern_max_bytes(p) > (int)sizeof small)
        CH_FAIL(err, UNSUPPORTED, "feature", "A date or time pattern this long");
    int n = ch_pattern_format(p, us, zone, small);
    return ch_json_quote(small, n, out, err);
}

static ch_status put_scalar(ch_json_writer *w, const ch_column *c, int64_t i, ch_buf *out,
                            ch_error *err)
{
    char text[128];
    int n;
    const ch_zone *utc;
    switch (c->type->id) {
    case CH_BOOLEAN:
        return ch_buf_adds(out, ch_bit_get(c->data, i) ? "true" : "false", err);
    case CH_BYTE:
    case CH_SHORT:
    case CH_INT:
    case CH_LONG:
        n = ch_print_i64(text, ch_column_i64(c, i));
        return ch_buf_add(out, text, (size_t)n, err);
    case CH_FLOAT:
    case CH_DOUBLE:
        return put_real(c, i, out, err);
    case CH_DECIMAL: {
        ch_i128 v = ch_type_is_wide_decimal(c->type) ? ((const ch_i128 *)c->data)[i]
                                                     : (ch_i128)((const int64_t *)c->data)[i];
        n = ch_dec_print(text, v, c->type->scale);
        return ch_buf_add(out, text, (size_t)n, err);
    }
    case CH_STRING:
    case CH_CHAR:
    case CH_VARCHAR: {
        ch_str s = ch_column_str(c, i);
        return ch_json_quote(s.text, s.len, out, err);
    }
    case CH_BINARY:
        return put_binary(ch_column_str(c, i), out, err);
    case CH_DATE:
        utc = ch_zone_find("UTC", 3, err);
        return put_pattern(w, w->date, ((const int32_t *)c->data)[i] * CH_US_PER_DAY, utc, out,
                           err);
    case CH_TIMESTAMP:
        return put_pattern(w, w->timestamp, ((const int64_t *)c->data)[i], w->zone, out, err);
    case CH_TIMESTAMP_NTZ:
        utc = ch_zone_find("UTC", 3, err);
        return put_pattern(w, w->ntz, ((const int64_t *)c->data)[i], utc, out, err);
    case CH_YEAR_MONTH_INTERVAL:
        n = ch_year_month_print(text, ((const int32_t *)c->data)[i], c->type);
        return ch_json_quote(text, n, out, err);
    case CH_DAY_TIME_INTERVAL:
        n = ch_day_time_print(text, ((const int64_t *)c->data)[i], c->type);
        return ch_json_quote(text, n, out, err);
    case CH_TIME:
        n = ch_time_print(text, ((const int64_t *)c->data)[i]);
        return ch_json_quote(text, n, out, err);
    default:
        CH_FAIL(err, UNSUPPORTED, "feature", "JSON of this type");
    }
}

/* ---- nested ---- */

static ch_status new_line(ch_json_writer *w, ch_buf *out, ch_error *err)
{
    if (!w->options->pretty)
        return CH_OK;
    CH_TRY(ch_buf_addc(out, '\n', err));
    return ch_buf_fill(out, ' ', 2 * (size_t)w->depth, err);
}

static ch_status put_struct(ch_json_writer *w, const ch_column *c, int64_t i, ch_buf *out,
                            ch_error *err)
{
    bool first = true;
    CH_TRY(ch_buf_addc(out, '{', err));
    w->depth++;
    for (int32_t f = 0; f < c->type->n_fields; f++) {
        if (w->options->ignore_null_fields && ch_column_is_null(c->child[f], i))
            continue;
        if (!first)
            CH_TRY(ch_buf_addc(out, ',', err));
        first = false;
        CH_TRY(new_line(w, out, err));
        const char *name = c->type->field[f].name;
        CH_TRY(ch_json_quote(name, (int64_t)strlen(name), out, err));
        CH_TRY(ch_buf_adds(out, w->options->pretty ? " : " : ":", err));
        CH_TRY(ch_json_write(w, c->child[f], i, out, err));
    }
    w->depth--;
    if (!first)
        CH_TRY(new_line(w, out, err));
    return ch_buf_addc(out, '}', err);
}

/* Keys are texts: numbers as they are, all else as Java prints what Spark keeps. */
static ch_status put_key(ch_json_writer *w, const ch_column *c, int64_t k, ch_buf *out,
                         ch_error *err)
{
    char text[CH_NUMBER_TEXT];
    size_t mark = out->len;
    k = ch_column_slot(c, k);
    c = ch_column_values(c);
    if (c->type->id == CH_DATE || c->type->id == CH_TIMESTAMP || c->type->id == CH_TIMESTAMP_NTZ) {
        int n = ch_print_i64(text, ch_column_i64(c, k));
        return ch_json_quote(text, n, out, err);
    }
    CH_TRY(ch_json_write(w, c, k, out, err));
    if (out->len > mark && out->data[mark] == '"')
        return CH_OK;
    CH_TRY(ch_buf_addc(out, '"', err));
    memmove(out->data + mark + 1, out->data + mark, out->len - mark - 1);
    out->data[mark] = '"';
    return ch_buf_addc(out, '"', err);
}

static ch_status put_list(ch_json_writer *w, const ch_column *c, int64_t i, ch_buf *out,
                          ch_error *err)
{
    const int32_t *offset = c->data;
    bool map = c->type->id == CH_MAP;
    const ch_column *item = c->child[0];
    CH_TRY(ch_buf_addc(out, map ? '{' : '[', err));
    w->depth += map;
    for (int32_t k = offset[i]; k < offset[i + 1]; k++) {
        if (k > offset[i])
            CH_TRY(ch_buf_adds(out, w->options->pretty && !map ? ", " : ",", err));
        if (map) {
            CH_TRY(new_line(w, out, err));
            CH_TRY(put_key(w, item->child[0], k, out, err));
            CH_TRY(ch_buf_adds(out, w->options->pretty ? " : " : ":", err));
        }
        CH_TRY(ch_json_write(w, map ? item->child[1] : item, k, out, err));
    }
    w->depth -= map;
    if (map && offset[i + 1] > offset[i])
        CH_TRY(new_line(w, out, err));
    return ch_buf_addc(out, map ? '}' : ']', err);
}

ch_status ch_json_write(ch_json_writer *w, const ch_column *c, int64_t i, ch_buf *out,
                        ch_error *err)
{
    if (ch_column_is_null(c, i))
        return ch_buf_adds(out, "null", err);
    i = ch_column_slot(c, i);
    c = ch_column_values(c);
    switch (c->type->id) {
    case CH_STRUCT:
        return put_struct(w, c, i, out, err);
    case CH_ARRAY:
    case CH_MAP:
        return put_list(w, c, i, out, err);
    default:
        return put_scalar(w, c, i, out, err);
    }
}
