/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_file.c - JSON as a format: an object on each line, or with multiLine one value, or an array of
 * objects, in each file. Rows are made by function/json_read.h.
 */
#include <strings.h>

#include "format/lines.h"
#include "function/json_text.h"
#include "function/json_write.h"
#include "store/spool.h"

#define FLAG(name, fallback, doc)                         \
    {                                                     \
        name, CH_OPT_BOOL, fallback, "true or false", doc \
    }
#define TEXT(name, doc)                            \
    {                                              \
        name, CH_OPT_STRING, NULL, "any text", doc \
    }

static const ch_option OPTIONS[] = {
    FLAG("multiLine", "false", "A file is one value, over as many lines as it likes."),
    {"mode", CH_OPT_STRING, "PERMISSIVE", "PERMISSIVE, DROPMALFORMED or FAILFAST",
     "What becomes of a malformed record."},
    TEXT("columnNameOfCorruptRecord", "The column that takes malformed records."),
    FLAG("allowComments", "false", "Comments as in Java."),
    FLAG("allowUnquotedFieldNames", "false", "{a: 1}"),
    FLAG("allowSingleQuotes", "true", "{'a': 1}"),
    FLAG("allowNumericLeadingZeros", "false", "007"),
    FLAG("allowNonNumericNumbers", "true", "NaN, Infinity, INF"),
    FLAG("allowBackslashEscapingAnyCharacter", "false", "\\$"),
    FLAG("allowUnquotedControlChars", "false", "Tabs and the like in strings."),
    FLAG("primitivesAsString", "false", "Inference makes numbers and booleans strings."),
    FLAG("prefersDecimal", "false", "Inference makes decimals of fractions."),
    TEXT("dateFormat", "How dates are written."),
    TEXT("timestampFormat", "How timestamps are written."),
    TEXT("timestampNTZFormat", "How timestamps without zone are written."),
    TEXT("timeZone", "The zone of timestamps that name none."),
    TEXT("lineSep", "What ends a line; by default LF, CR or both."),
    TEXT("encoding", "The charset of the files."),
    TEXT("charset", "The same."),
    TEXT("samplingRatio", "Inference looks at all records."),
    TEXT("locale", "Only en-US."),
    FLAG("ignoreNullFields", "true", "Members that are NULL are not written."),
    FLAG("pretty", "false", "Records are written over several lines."),
    FLAG("dropFieldIfAllNull", "false", "Inference leaves out what is only null or empty."),
    TEXT("compression", "How files are compressed when written."),
    {0}};

static void read_options(const ch_format_context *ctx, const ch_strmap *options, ch_json_options *o)
{
    ch_func_context func = {.time_zone = ctx->time_zone, .corrupt_column = ctx->corrupt_column};
    *o = ch_json_options_default(&func);
    for (const ch_option *k = OPTIONS; k->name; k++) {
        const char *value = ch_strmap_get(options, k->name);
        if (value)
            ch_json_options_set(o, k->name, value);
    }
}

static ch_status line_options(const ch_strmap *options, ch_line_options *o, ch_error *err)
{
    *o = (ch_line_options){0};
    CH_TRY(ch_option_bool(OPTIONS, options, "multiLine", &o->whole, err));
    CH_TRY(ch_option_text(OPTIONS, options, "lineSep", &o->line_sep, err));
    CH_TRY(ch_option_text(OPTIONS, options, "encoding", &o->encoding, err));
    if (!o->encoding)
        CH_TRY(ch_option_text(OPTIONS, options, "charset", &o->encoding, err));
    if (o->encoding &&
        (strcasecmp(o->encoding, "UTF-8") == 0 || strcasecmp(o->encoding, "UTF8") == 0))
        o->encoding = NULL;
    return CH_OK;
}

static bool is_blank(const char *text, int64_t len)
{
    for (int64_t i = 0; i < len; i++)
        if ((uint8_t)text[i] > ' ')
            return false;
    return true;
}

static bool is_null(const char *text, int64_t len)
{
    while (len > 0 && (uint8_t)text[0] <= ' ') {
        text++;
        len--;
    }
    return len >= 4 && memcmp(text, "null", 4) == 0 && is_blank(text + 4, len - 4);
}

/* ---- reading ---- */

static bool is_spool(const char *path)
{
    return strncmp(path, CH_SPOOL_PREFIX, strlen(CH_SPOOL_PREFIX)) == 0;
}

/* How the text of a file is to be taken. */
typedef struct reading {
    bool decoded, whole; /* by the options: encoding, multiLine */
    const char *path;    /* that options are set for */
} reading;

static ch_status reading_of(const ch_strmap *options, reading *out, ch_error *err)
{
    *out = (reading){.decoded =
                         ch_strmap_get(options, "encoding") || ch_strmap_get(options, "charset")};
    return ch_option_bool(OPTIONS, options, "multiLine", &out->whole, err);
}

/*
 * Where Spark can go back to a file's bytes, text stays as it is written: not where the option encoding makes characters of
 * them, nor in a compressed file that is one record. What clients send are characters.
 */
static void read_as(reading *r, const char *path, ch_json_options *o)
{
    if (path == r->path)
        return;
    r->path = path;
    o->bytes = !is_spool(path);
    o->exact_text =
        o->bytes && !r->decoded && !(r->whole && ch_codec_of_path(path) != CH_CODEC_NONE);
}

typedef struct json_state {
    ch_mem *mem;
    ch_json_options options;
    reading reading;
    ch_json_rows *rows;
} json_state;

static void state_close(void *state)
{
    json_state *s = state;
    ch_json_rows_free(s->rows);
    ch_mem_free(s->mem, s, sizeof *s);
}

static ch_status state_open(const ch_format_context *ctx, const ch_scan_spec *spec, void *user,
                            void **state, ch_error *err)
{
    CH_UNUSED(user);
    json_state *s = ch_mem_zalloc(ctx->mem, sizeof *s, err);
    size_t bytes = sizeof(ch_field) * (size_t)(spec->n_wanted + 1);
    ch_field *field = ch_mem_alloc(ctx->mem, bytes, err);
    ch_status status = s && field ? CH_OK : CH_E_MEMORY;
    if (status == CH_OK) {
        s->mem = ctx->mem;
        read_options(ctx, spec->options, &s->options);
        status = reading_of(spec->options, &s->reading, err);
        for (int32_t i = 0; i < spec->n_wanted; i++)
            field[i] = spec->schema->field[spec->wanted[i]];
        const ch_type *row = ch_type_struct(field, spec->n_wanted);
        ch_func_context func = {.time_zone = ctx->time_zone, .ansi = ctx->ansi};
        if (status == CH_OK)
            status = row ? ch_json_rows_new(ctx->mem, row, &s->options, &func, &s->rows, err)
                         : CH_E_MEMORY;
    }
    ch_mem_free(ctx->mem, field, bytes);
    if (status != CH_OK) {
        ch_mem_free(ctx->mem, s, sizeof *s);
        s = NULL;
    }
    *state = s;
    return status;
}

static ch_status state_add(void *state, const ch_line *line, int64_t *rows, bool *malformed,
                           ch_error *err)
{
    const char *text = line->text;
    int64_t len = line->len;
    json_state *s = state;
    bool good;
    if (is_blank(text, len))
        return CH_OK;
    read_as(&s->reading, line->path, &s->options);
    if (is_null(text, len)) { /* a record, but no object */
        *rows = 1;
        good = false;
        CH_TRY(ch_json_rows_malformed(s->rows, text, len, err));
    } else {
        CH_TRY(ch_json_rows_add_all(s->rows, text, len, line->buffer, rows, &good, err));
    }
    *malformed = !good;
    if (good || s->options.mode == CH_JSON_PERMISSIVE)
        return CH_OK;
    if (s->options.mode == CH_JSON_FAIL)
        return ch_json_malformed(text, len, is_spool(line->path) ? NULL : line->path, err);
    ch_json_rows_drop(s->rows, *rows);
    *rows = 0;
    return CH_OK;
}

static ch_status state_finish(void *state, ch_batch *out, ch_error *err)
{
    json_state *s = state;
    ch_column *row;
    CH_TRY(ch_json_rows_finish(s->rows, &row, err));
    for (int32_t c = 0; c < out->n_cols; c++)
        out->col[c] = ch_column_ref(row->child[c]);
    ch_column_unref(row);
    return CH_OK;
}

static const ch_line_class JSON = {.name = "json",
                                   .open = state_open,
                                   .add = state_add,
                                   .finish = state_finish,
                                   .close = state_close};

static ch_status scan(const ch_format_context *ctx, const ch_scan_spec *spec, ch_scan **out,
                      ch_error *err)
{
    ch_line_options o;
    CH_TRY(line_options(spec->options, &o, err));
    return ch_lines_open(ctx, spec, &JSON, &o, NULL, out, err);
}

/* ---- inference ---- */

typedef struct infer_state {
    ch_mem *mem;
    ch_json_options options;
    reading reading;
    ch_json json;
    ch_buf repaired;
    ch_arena arena;
    const ch_type *type;
    bool corrupt;
} infer_state;

static ch_status infer_value(infer_state *s, int32_t i, ch_error *err)
{
    const ch_type *t;
    if (ch_json_at(&s->json, i)->kind == CH_JSON_NULL)
        return CH_OK;
    if (ch_json_at(&s->json, i)->kind != CH_JSON_OBJECT) {
        s->corrupt = true;
        return CH_OK;
    }
    if (s->type && ch_json_fits(&s->json, i, &s->options, s->type))
        return CH_OK;
    CH_TRY(ch_json_infer(&s->json, i, &s->options, &s->arena, &t, err));
    s->type = s->type ? ch_json_widest(s->type, t, &s->arena, err) : t;
    return s->type ? CH_OK : CH_E_MEMORY;
}

static ch_status infer_text(infer_state *s, const char *text, int64_t len, const char *path,
                            ch_error *err)
{
    bool ok;
    if (is_blank(text, len))
        return CH_OK;
    read_as(&s->reading, path, &s->options);
    CH_TRY(ch_json_parse_record(&s->json, text, len, &s->options, &s->repaired, &ok, err));
    if (!ok) {
        if (s->options.mode == CH_JSON_FAIL)
            return ch_json_malformed(text, len, NULL, err);
        s->corrupt |= s->options.mode == CH_JSON_PERMISSIVE;
        return CH_OK;
    }
    if (ch_json_at(&s->json, 0)->kind != CH_JSON_ARRAY)
        return infer_value(s, 0, err);
    int32_t end = ch_json_at(&s->json, 0)->next;
    for (int32_t k = 1; k < end; k = ch_json_at(&s->json, k)->next)
        CH_TRY(infer_value(s, k, err));
    return CH_OK;
}

/* Lines make no rows: they only change the state that infer() hands in. */
static ch_status infer_open(const ch_format_context *ctx, const ch_scan_spec *spec, void *user,
                            void **state, ch_error *err)
{
    CH_UNUSED(ctx);
    CH_UNUSED(spec);
    CH_UNUSED(err);
    *state = user;
    return CH_OK;
}
static ch_status infer_add(void *state, const ch_line *line, int64_t *rows, bool *malformed,
                           ch_error *err)
{
    *rows = 0;
    *malformed = false;
    return infer_text(state, line->text, line->len, line->path, err);
}
static ch_status infer_finish(void *state, ch_batch *out, ch_error *err)
{
    CH_UNUSED(state);
    CH_UNUSED(out);
    CH_UNUSED(err);
    return CH_OK;
}
static void infer_close(void *state)
{
    CH_UNUSED(state);
}
static const ch_line_class INFER = {.name = "json",
                                    .open = infer_open,
                                    .add = infer_add,
                                    .finish = infer_finish,
                                    .close = infer_close};

static const ch_type *with_corrupt(infer_state *s, ch_error *err)
{
    int32_t n = s->type ? s->type->n_fields : 0, at = 0;
    ch_field *field = ch_arena_alloc(&s->arena, sizeof *field * (size_t)(n + 2), err);
    if (!field)
        return NULL;
    while (at < n && strcmp(s->type->field[at].name, s->options.corrupt_column) < 0)
        at++;
    for (int32_t i = 0; i < n; i++)
        field[i + (s->corrupt && i >= at)] = s->type->field[i];
    if (s->corrupt)
        field[at] =
            (ch_field){.name = s->options.corrupt_column, .type = CH_T_STRING, .nullable = true};
    return ch_type_struct(field, n + s->corrupt);
}

static ch_status infer(const ch_format_context *ctx, const ch_scan_spec *spec,
                       const ch_type **schema, ch_error *err)
{
    infer_state s = {.mem = ctx->mem};
    ch_line_options o;
    ch_scan *lines = NULL;
    ch_status status;
    bool more = true;
    CH_TRY(line_options(spec->options, &o, err));
    CH_TRY(reading_of(spec->options, &s.reading, err));
    read_options(ctx, spec->options, &s.options);
    ch_json_init(&s.json, ctx->mem);
    ch_buf_init(&s.repaired, ctx->mem);
    ch_arena_init(&s.arena, ctx->mem);
    ch_scan_spec own = *spec;
    own.n_wanted = 0;
    CH_TRY_OUT(ch_lines_open(ctx, &own, &INFER, &o, &s, &lines, err));
    for (;;) {
        CH_TRY_OUT(lines->cls->begin(lines, 0, &more, err));
        if (!more)
            break;
        ch_batch batch;
        CH_TRY_OUT(lines->cls->next(lines, 0, &batch, err));
        ch_batch_release(&batch);
    }
    if (s.type)
        CH_TRY_OUT(ch_json_inferred(s.type, &s.options, &s.arena, &s.type, err));
    *schema = with_corrupt(&s, err);
    status = *schema ? CH_OK : CH_E_MEMORY;
out:
    if (lines)
        lines->cls->close(lines);
    ch_json_release(&s.json);
    ch_buf_release(&s.repaired);
    ch_arena_release(&s.arena);
    return status;
}

/* ---- writing ---- */

typedef struct json_file {
    ch_mem *mem;
    ch_json_options options;
    ch_json_writer *json;
    ch_line_writer *lines;
    const ch_type *schema;
    ch_buf row, line_sep;
} json_file;

static void file_free(json_file *w)
{
    ch_json_writer_free(w->json);
    ch_buf_release(&w->row);
    ch_buf_release(&w->line_sep);
    ch_mem_free(w->mem, w, sizeof *w);
}

static ch_status create(const ch_format_context *ctx, const char *path, const ch_type *schema,
                        const ch_strmap *options, ch_file_writer **out, ch_error *err)
{
    const char *sep;
    *out = NULL;
    CH_TRY(ch_option_text(OPTIONS, options, "lineSep", &sep, err));
    json_file *w = ch_mem_zalloc(ctx->mem, sizeof *w, err);
    if (!w)
        return CH_E_MEMORY;
    w->mem = ctx->mem;
    w->schema = schema;
    ch_buf_init(&w->row, ctx->mem);
    read_options(ctx, options, &w->options);
    ch_buf_init(&w->line_sep, ctx->mem);
    ch_status status = ch_buf_adds(&w->line_sep, sep ? sep : "\n", err);
    if (status == CH_OK)
        status = ch_json_writer_new(ctx->mem, &w->options, &w->json, err);
    if (status == CH_OK)
        status = ch_line_writer_new(ctx, path, options, &w->lines, err);
    if (status != CH_OK)
        file_free(w);
    else
        *out = (ch_file_writer *)w;
    return status;
}

static ch_status write(ch_file_writer *writer, ch_batch *batch, ch_error *err)
{
    json_file *w = (json_file *)writer;
    for (int64_t i = 0; i < batch->n; i++) {
        bool first = true;
        ch_buf_reset(&w->row);
        CH_TRY(ch_buf_addc(&w->row, '{', err));
        for (int32_t c = 0; c < batch->n_cols; c++) {
            ch_column *column;
            const char *name = w->schema->field[c].name;
            CH_TRY(ch_batch_column(batch, c, &column, err));
            if (w->options.ignore_null_fields && ch_column_is_null(column, i))
                continue;
            if (!first)
                CH_TRY(ch_buf_addc(&w->row, ',', err));
            first = false;
            CH_TRY(ch_json_quote(name, (int64_t)strlen(name), &w->row, err));
            CH_TRY(ch_buf_addc(&w->row, ':', err));
            CH_TRY(ch_json_write(w->json, column, i, &w->row, err));
        }
        CH_TRY(ch_buf_addc(&w->row, '}', err));
        CH_TRY(ch_buf_add(&w->row, w->line_sep.data, w->line_sep.len, err));
        CH_TRY(ch_line_writer_add(w->lines, w->row.data, w->row.len, err));
    }
    return CH_OK;
}

static ch_status finish(ch_file_writer *writer, ch_error *err)
{
    json_file *w = (json_file *)writer;
    ch_status status = ch_line_writer_finish(w->lines, err);
    file_free(w);
    return status;
}

static void abandon(ch_file_writer *writer)
{
    json_file *w = (json_file *)writer;
    if (!w)
        return;
    ch_line_writer_abandon(w->lines);
    file_free(w);
}

const ch_format ch_format_json = {
    .name = "json",
    .extension = ".json",
    .options = OPTIONS,
    .infer = infer,
    .scan = scan,
    .create = create,
    .write = write,
    .finish = finish,
    .abandon = abandon,
    .codec_extension = ch_line_codec_extension,
};
