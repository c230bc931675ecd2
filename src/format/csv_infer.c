/* SPDX-License-Identifier: Apache-2.0 */
/*
 * csv_infer.c - the schema of CSV files, found as Spark's CSVInferSchema finds it.
 *
 * Names come from the first record of the first file that has one. With inferSchema every value of
 * every file is looked at once, as a string column of a usual scan, and the type of a column climbs:
 *
 *   nothing yet -> INT -> BIGINT -> DECIMAL(p, 0) -> DOUBLE -> DATE -> TIMESTAMP[_NTZ] -> BOOLEAN -> STRING
 *
 * A value is tried from the type that its column has reached, not from the beginning; two types that
 * do not go together make a STRING.
 */
#include <math.h>
#include <stdlib.h>
#include <strings.h>

#include "base/clock.h"
#include "format/csv.h"
#include "format/csv_convert.h"
#include "format/csv_source.h"
#include "type/datetime.h"
#include "type/number.h"

typedef struct inference {
    const ch_format_context *ctx;
    const ch_scan_spec *spec;
    ch_arena arena;
    ch_csv_options options;
    ch_csv_rules rules;
    ch_str *header; /* values of the first record; text NULL: NULL */
    int32_t n_header;
    bool *twice;          /* per column */
    const ch_type **type; /* so far, CH_T_NULL at first */
    const ch_pattern *date, *timestamp, *timestamp_ntz;
    const ch_zone *zone;
    int32_t today;
} inference;

/* ---- names ---------------------------------------------------------------------------------- */

static ch_status keep_header(inference *n, const ch_csv_record *rec, const char *text,
                             ch_error *err)
{
    ch_buf value;
    ch_status status = CH_OK;
    ch_buf_init(&value, n->ctx->mem);
    n->n_header = (int32_t)rec->n_fields;
    n->header = ch_arena_alloc(&n->arena, sizeof *n->header * (size_t)(n->n_header + 1), err);
    if (!n->header)
        return CH_E_MEMORY;
    for (int32_t c = 0; c < n->n_header; c++) {
        const ch_csv_field *f = &rec->ready[c];
        value.len = 0;
        ch_csv_rules plain = {0};
        if (f->kind == CH_CSV_VALUE || f->kind == CH_CSV_MADE) {
            const char *from = (f->kind == CH_CSV_VALUE ? text : rec->made.data) + f->at;
            if (n->rules.n_alias)
                CH_TRY_OUT(ch_csv_restore(&n->rules, from, f->len, &value, err));
            else
                CH_TRY_OUT(ch_csv_prepare(&plain, from, f->len, &value, err));
        } else {
            ch_str v = f->kind == CH_CSV_NULL ? n->options.null_value : n->options.empty_value;
            CH_TRY_OUT(ch_buf_add(&value, v.text, (size_t)v.len, err));
        }
        n->header[c].text = ch_arena_strn(&n->arena, value.data ? value.data : "", value.len, err);
        n->header[c].len = (int64_t)value.len;
        if (!n->header[c].text)
            CH_TRY_OUT(CH_E_MEMORY);
    }
out:
    ch_buf_release(&value);
    return status;
}

static bool blank(const char *p, int64_t len)
{
    for (int64_t i = 0; i < len; i++)
        if ((uint8_t)p[i] > ' ')
            return false;
    return true;
}

/* The first line that is neither blank nor a comment. *done: found, or the file has none. */
static ch_status first_line(inference *n, ch_csv_text *t, ch_csv_record *rec, ch_buf *line,
                            bool *done, ch_error *err)
{
    const ch_csv_rules *u = &n->rules;
    for (;;) {
        const char *from = t->text + t->at, *stop = t->text + t->len, *end, *next;
        if (n->options.line_sep) {
            size_t k = u->line_sep[1] ? 2 : 1;
            const char *at = memmem(from, (size_t)(stop - from), u->line_sep, k);
            end = at ? at : stop;
            next = at ? at + k : stop;
        } else {
            while (end = from, end < stop && *end != '\n' && *end != '\r')
                from++;
            from = t->text + t->at;
            next = end < stop ? end + 1 + (*end == '\r' && end + 1 < stop && end[1] == '\n') : stop;
        }
        if (end == stop && !t->eof) {
            *done = false;
            return CH_OK;
        }
        line->len = 0;
        CH_TRY(ch_csv_prepare(u, from, end - from, line, err));
        const char *text = line->data ? line->data : "";
        bool skip = blank(text, (int64_t)line->len) ||
                    (n->options.has_comment && (uint8_t)text[0] == u->comment);
        if (!skip) {
            ch_csv_record_begin(rec, text, (int64_t)line->len, true, true);
            *done =
                true; /* also when the parser sees a comment behind blanks: there is no header */
            if (ch_csv_record_next(rec, err) != CH_CSV_ROW)
                return rec->failure == CH_CSV_NO_MEMORY ? CH_E_MEMORY : CH_OK;
            return keep_header(n, rec, text, err);
        }
        t->at = (uint32_t)(next - t->text);
        if (t->at >= t->len && t->eof) {
            *done = true;
            return CH_OK;
        }
    }
}

static ch_status refuse_record(inference *n, const ch_csv_record *rec, const char *path,
                               ch_error *err)
{
    switch (rec->failure) {
    case CH_CSV_NO_MEMORY:
        return CH_E_MEMORY;
    case CH_CSV_MANY_COLUMNS:
        CH_FAIL(err, CSV_TOO_MANY_COLUMNS, "line", "1", "path", path, "limit",
                CH_I64(n->options.max_columns));
    case CH_CSV_LONG_FIELD:
        CH_FAIL(err, CSV_FIELD_TOO_LONG, "path", path, "line", "1", "column",
                CH_I64(rec->column + 1), "limit", CH_I64(n->options.max_chars));
    default:
        CH_FAIL(err, CSV_UNESCAPED_QUOTE, "line", "1", "path", path);
    }
}

/* The first record of one file, if it has any. */
static ch_status first_record(inference *n, const ch_file *file, ch_error *err)
{
    bool done = false, multi = n->options.multi_line;
    ch_csv_text t = {.mem = n->ctx->mem,
                     .encoding = n->options.encoding,
                     .alias = multi ? &n->rules : NULL,
                     .chunk_bytes = (int64_t)64 << 10};
    ch_csv_record rec;
    ch_buf line;
    ch_status status;
    ch_csv_record_init(&rec, n->ctx->mem, &n->rules);
    ch_buf_init(&line, n->ctx->mem);
    if (multi && !n->options.line_sep)
        CH_TRY_OUT(ch_csv_text_detect(&t, file, n->rules.line_sep, err));
    CH_TRY_OUT(ch_csv_text_open(&t, file, err));
    while (!done) {
        CH_TRY_OUT(ch_csv_text_fill(&t, -1, err));
        if (!multi) {
            CH_TRY_OUT(first_line(n, &t, &rec, &line, &done, err));
        } else {
            ch_csv_record_begin(&rec, t.text + t.at, t.len - t.at, t.eof, false);
            ch_csv_result result = ch_csv_record_next(&rec, err);
            done = result != CH_CSV_MORE;
            if (result == CH_CSV_ROW)
                CH_TRY_OUT(keep_header(n, &rec, t.text + t.at, err));
        }
        if (rec.failure)
            CH_TRY_OUT(refuse_record(n, &rec, file->path, err));
    }
out:
    ch_buf_release(&line);
    ch_csv_record_release(&rec);
    ch_csv_text_release(&t);
    return status;
}

static int by_name(const void *x, const void *y)
{
    const ch_str *a = *(const ch_str *const *)x, *b = *(const ch_str *const *)y;
    if (a->len != b->len)
        return a->len < b->len ? -1 : 1;
    return a->len ? memcmp(a->text, b->text, (size_t)a->len) : 0;
}

static int by_name_without_case(const void *x, const void *y)
{
    const ch_str *a = *(const ch_str *const *)x, *b = *(const ch_str *const *)y;
    if (a->len != b->len)
        return a->len < b->len ? -1 : 1;
    return a->len ? strncasecmp(a->text, b->text, (size_t)a->len) : 0;
}

/* n->twice[c]: another column has the name of column c. */
static ch_status find_twins(inference *n, ch_error *err)
{
    int (*compare)(const void *, const void *) =
        n->ctx->case_sensitive ? by_name : by_name_without_case;
    const ch_str **sorted;
    CH_ARENA_ARRAY(n->twice, &n->arena, n->n_header + 1, err);
    CH_ARENA_ARRAY(sorted, &n->arena, n->n_header + 1, err);
    for (int32_t c = 0; c < n->n_header; c++)
        sorted[c] = &n->header[c];
    if (n->n_header)
        qsort(sorted, (size_t)n->n_header, sizeof(ch_str *), compare);
    for (int32_t c = 1; c < n->n_header; c++)
        if (compare(&sorted[c - 1], &sorted[c]) == 0)
            n->twice[sorted[c - 1] - n->header] = n->twice[sorted[c] - n->header] = true;
    return CH_OK;
}

/* Empty names are _c0, _c1 ...; names that occur twice get their position behind them. */
static ch_status make_name(inference *n, int32_t c, const char **out, ch_error *err)
{
    ch_str h = n->header[c];
    bool none = !n->options.header || h.len == 0 ||
                (h.len == n->options.null_value.len &&
                 memcmp(h.text, n->options.null_value.text, (size_t)h.len) == 0);
    bool twice = !none && n->twice[c];
    *out = none    ? ch_arena_printf(&n->arena, err, "_c%d", c)
           : twice ? ch_arena_printf(&n->arena, err, "%.*s%d", (int)h.len, h.text, c)
                   : h.text;
    return *out ? CH_OK : CH_E_MEMORY;
}

/* ---- types of values ------------------------------------------------------------------------ */

static bool fits(const inference *n, ch_str v, const ch_type *type)
{
    int64_t i;
    double d;
    const ch_csv_options *o = &n->options;
    switch (type->id) {
    case CH_INT:
    case CH_LONG:
        if ((uint8_t)v.text[0] <= ' ' || (uint8_t)v.text[v.len - 1] <= ' ')
            return false;
        return ch_parse_integer(v.text, v.len, false, type->id == CH_INT ? INT32_MIN : INT64_MIN,
                                type->id == CH_INT ? INT32_MAX : INT64_MAX, &i);
    case CH_DOUBLE: {
        ch_str special[3] = {o->nan, o->positive_inf, o->negative_inf};
        for (int k = 0; k < 3; k++)
            if (special[k].len == v.len && memcmp(special[k].text, v.text, (size_t)v.len) == 0)
                return true;
        return ch_csv_java_double(v.text, v.len, &d);
    }
    case CH_DATE: {
        int32_t days;
        if (n->date)
            return ch_pattern_parse_date(n->date, v.text, v.len, &days);
        return !o->date_format && !o->prefer_date && ch_date_parse(v.text, v.len, &days);
    }
    case CH_TIMESTAMP:
        if (n->timestamp)
            return ch_pattern_parse(n->timestamp, v.text, v.len, n->zone, &i);
        return !o->timestamp_format && ch_timestamp_parse(v.text, v.len, n->zone, n->today, &i);
    case CH_TIMESTAMP_NTZ:
        if (!n->ctx->timestamp_ntz)
            return false;
        if (n->timestamp_ntz)
            return ch_pattern_parse_ntz(n->timestamp_ntz, v.text, v.len, &i);
        return !o->timestamp_ntz_format && ch_timestamp_ntz_parse(v.text, v.len, false, &i);
    case CH_BOOLEAN:
        return (v.len == 4 && strncasecmp(v.text, "true", 4) == 0) ||
               (v.len == 5 && strncasecmp(v.text, "false", 5) == 0);
    default:
        return false;
    }
}

/* DECIMAL(p, 0) where BigDecimal reads a value of scale 0 and at most 38 digits. */
static const ch_type *integral_decimal(ch_str v)
{
    int64_t i = 0, exponent = 0, n_digits = 0, n_fraction = 0, any = 0;
    bool point = false;
    if (v.text[0] == '+' || v.text[0] == '-')
        i++;
    for (; i < v.len; i++) {
        char ch = v.text[i];
        if (ch == '.' && !point) {
            point = true;
        } else if (ch >= '0' && ch <= '9') {
            any++;
            n_fraction += point;
            n_digits += n_digits || ch != '0';
        } else {
            break;
        }
    }
    if (any == 0)
        return NULL;
    if (i < v.len) {
        if (v.text[i] != 'e' && v.text[i] != 'E')
            return NULL;
        i++;
        if (i >= v.len || !ch_parse_integer(v.text + i, v.len - i, false, -1000, 1000, &exponent) ||
            (uint8_t)v.text[i] <= ' ' || (uint8_t)v.text[v.len - 1] <= ' ')
            return NULL;
    }
    if (n_fraction != exponent || n_digits > 38)
        return NULL;
    return ch_type_decimal(n_digits ? (int)n_digits : 1, 0);
}

/* The first type from `from` on that fits. */
static const ch_type *type_of_value(const inference *n, ch_str v, const ch_type *from)
{
    switch (from->id) {
    case CH_NULL:
    case CH_INT:
        if (fits(n, v, CH_T_INT))
            return CH_T_INT;
        /* fall through */
    case CH_LONG:
        if (fits(n, v, CH_T_LONG))
            return CH_T_LONG;
        /* fall through */
    case CH_DECIMAL: {
        const ch_type *decimal = integral_decimal(v);
        if (decimal)
            return decimal;
    }
        /* fall through */
    case CH_DOUBLE:
        if (fits(n, v, CH_T_DOUBLE))
            return CH_T_DOUBLE;
        /* fall through */
    case CH_DATE:
        if ((from->id == CH_DATE || n->options.prefer_date) && fits(n, v, CH_T_DATE))
            return CH_T_DATE;
        /* fall through */
    case CH_TIMESTAMP_NTZ:
        if (fits(n, v, ch_type_of(CH_TIMESTAMP_NTZ)))
            return ch_type_of(CH_TIMESTAMP_NTZ);
        /* fall through */
    case CH_TIMESTAMP:
        if (fits(n, v, CH_T_TIMESTAMP))
            return CH_T_TIMESTAMP;
        /* fall through */
    case CH_BOOLEAN:
        if (fits(n, v, CH_T_BOOLEAN))
            return CH_T_BOOLEAN;
        /* fall through */
    default:
        return CH_T_STRING;
    }
}

static const ch_type *decimal_for(const ch_type *t)
{
    return t->id == CH_INT ? ch_type_decimal(10, 0) : t->id == CH_LONG ? ch_type_decimal(20, 0) : t;
}

/* Dates among timestamps: fine where the lenient timestamp parser reads dates. */
static bool date_reads_as(const inference *n, const ch_type *timestamp)
{
    static const char *const LENIENT[] = {"yyyy-MM-dd", "yyyy-M-d", "yyyy-M-dd", "yyyy-MM-d",
                                          "yyyy-MM",    "yyyy-M",   "yyyy"};
    if (timestamp->id == CH_TIMESTAMP ? n->options.timestamp_format
                                      : n->options.timestamp_ntz_format)
        return false;
    const char *format = n->options.date_format ? n->options.date_format : "yyyy-MM-dd";
    for (size_t k = 0; k < sizeof LENIENT / sizeof *LENIENT; k++)
        if (strcmp(LENIENT[k], format) == 0)
            return true;
    return false;
}

static const ch_type *merge(const inference *n, const ch_type *a, const ch_type *b)
{
    if (a == b || b->id == CH_NULL)
        return a;
    if (a->id == CH_NULL)
        return b;
    if (ch_type_is_numeric(a) && ch_type_is_numeric(b)) {
        if (a->id == CH_DOUBLE || b->id == CH_DOUBLE)
            return CH_T_DOUBLE;
        if (a->id != CH_DECIMAL && b->id != CH_DECIMAL)
            return CH_T_LONG;
        a = decimal_for(a);
        b = decimal_for(b);
        return a->precision > b->precision ? a : b;
    }
    bool stamp_a = a->id == CH_TIMESTAMP || a->id == CH_TIMESTAMP_NTZ;
    bool stamp_b = b->id == CH_TIMESTAMP || b->id == CH_TIMESTAMP_NTZ;
    if (stamp_a && stamp_b)
        return CH_T_TIMESTAMP;
    if (a->id == CH_DATE && stamp_b)
        return date_reads_as(n, b) ? b : CH_T_STRING;
    if (stamp_a && b->id == CH_DATE)
        return date_reads_as(n, a) ? a : CH_T_STRING;
    return CH_T_STRING;
}

/* ---- all values ------------------------------------------------------------------------------- */

/* Rows equal to the header are headers of other files, whatever Spark was told. */
static bool is_header(const inference *n, const ch_batch *batch, int64_t r)
{
    for (int32_t c = 0; c < n->n_header; c++) {
        const ch_column *col = batch->col[c];
        if (ch_column_is_null(col, r)) {
            if (n->header[c].len)
                return false;
            continue;
        }
        ch_str v = ch_column_str(col, r);
        if (v.len != n->header[c].len || memcmp(v.text, n->header[c].text, (size_t)v.len) != 0)
            return false;
    }
    return true;
}

static uint64_t next_random(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9E3779B97F4A7C15));
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

static void look_at_batch(inference *n, const ch_batch *batch, uint64_t *random)
{
    for (int64_t r = 0; r < batch->n_full; r++) {
        if (n->options.sampling < 1 &&
            (double)(next_random(random) >> 11) * 0x1p-53 >= n->options.sampling)
            continue;
        if (n->options.header && !n->options.multi_line && is_header(n, batch, r))
            continue;
        for (int32_t c = 0; c < n->n_header; c++) {
            const ch_column *col = batch->col[c];
            if (n->type[c]->id == CH_STRING || ch_column_is_null(col, r))
                continue;
            ch_str v = ch_column_str(col, r);
            if (v.len == 0)
                continue;
            n->type[c] = merge(n, n->type[c], type_of_value(n, v, n->type[c]));
        }
    }
}

static ch_status look_at_all(inference *n, const ch_type *strings, ch_error *err)
{
    int32_t *wanted = ch_arena_alloc(&n->arena, sizeof *wanted * (size_t)(n->n_header + 1), err);
    ch_format_context ctx = *n->ctx;
    ch_scan_spec spec = *n->spec;
    ch_scan *scan;
    ch_status status = CH_OK;
    uint64_t random = 1;
    if (!wanted)
        return CH_E_MEMORY;
    for (int32_t c = 0; c < n->n_header; c++)
        wanted[c] = c;
    ctx.n_slots = 1;
    spec.schema = strings;
    spec.wanted = wanted;
    spec.n_wanted = n->n_header;
    spec.predicate = NULL;
    spec.n_predicates = 0;
    spec.limit = -1;
    ch_csv_sizes sizes = {.ragged = true};
    CH_TRY(ch_csv_scan_open(&ctx, &spec, &sizes, &scan, err));
    for (bool more; status == CH_OK;) {
        CH_TRY_OUT(scan->cls->begin(scan, 0, &more, err));
        if (!more)
            break;
        for (bool end = false; !end;) {
            ch_batch batch;
            CH_TRY_OUT(scan->cls->next(scan, 0, &batch, err));
            end = batch.n_full == 0;
            look_at_batch(n, &batch, &random);
            ch_batch_release(&batch);
        }
    }
out:
    scan->cls->close(scan);
    return status;
}

static ch_status compile(inference *n, const char *pattern, const ch_pattern **out, ch_error *err)
{
    ch_error ignored = {0};
    *out = NULL;
    if (!pattern)
        return CH_OK;
    ch_status status =
        ch_pattern_compile(pattern, (int64_t)strlen(pattern), true, &n->arena, out, &ignored);
    ch_error_release(&ignored);
    if (status != CH_OK)
        *out = NULL;
    return status == CH_E_MEMORY ? ch_error_memory(err, "date-time pattern", 0, 0) : CH_OK;
}

static ch_status infer_schema(inference *n, const ch_type **schema, ch_error *err)
{
    const ch_csv_options *o = &n->options;
    ch_field *field;
    CH_TRY(ch_csv_options_read(n->ctx, n->spec->options, &n->arena, &n->options, err));
    CH_TRY(ch_csv_rules_make(&n->options, &n->rules, err));
    if (n->spec->n_files == 0)
        CH_FAIL(err, UNABLE_TO_INFER_SCHEMA, "format", "CSV");
    for (int32_t f = 0; f < n->spec->n_files && !n->header; f++)
        CH_TRY(first_record(n, &n->spec->file[f], err));
    CH_ARENA_ARRAY(field, &n->arena, n->n_header + 1, err);
    CH_ARENA_ARRAY(n->type, &n->arena, n->n_header + 1, err);
    CH_TRY(find_twins(n, err));
    for (int32_t c = 0; c < n->n_header; c++) {
        CH_TRY(make_name(n, c, &field[c].name, err));
        field[c].type = CH_T_STRING;
        field[c].nullable = true;
        n->type[c] = CH_T_NULL;
    }
    if (o->infer && n->n_header) {
        n->zone = ch_zone_find(o->time_zone, (int64_t)strlen(o->time_zone), err);
        if (!n->zone)
            return CH_E_INVALID_TIMEZONE;
        n->today = (int32_t)ch_day_of(ch_zone_to_local(n->zone, ch_now_us()), NULL);
        CH_TRY(compile(n,
                       o->date_format   ? o->date_format
                       : o->prefer_date ? "yyyy-MM-dd"
                                        : NULL,
                       &n->date, err));
        CH_TRY(compile(n, o->timestamp_format, &n->timestamp, err));
        CH_TRY(compile(n, o->timestamp_ntz_format, &n->timestamp_ntz, err));
        const ch_type *strings = ch_type_struct(field, n->n_header);
        if (!strings)
            return ch_error_memory(err, "type", 0, 0);
        CH_TRY(look_at_all(n, strings, err));
        for (int32_t c = 0; c < n->n_header; c++)
            field[c].type = n->type[c]->id == CH_NULL ? CH_T_STRING : n->type[c];
    }
    *schema = ch_type_struct(field, n->n_header);
    return *schema ? CH_OK : ch_error_memory(err, "type", 0, 0);
}

ch_status ch_csv_infer(const ch_format_context *ctx, const ch_scan_spec *spec,
                       const ch_type **schema, ch_error *err)
{
    inference n = {.ctx = ctx, .spec = spec};
    *schema = NULL;
    ch_arena_init(&n.arena, ctx->mem);
    ch_status status = infer_schema(&n, schema, err);
    ch_arena_release(&n.arena);
    return status;
}
