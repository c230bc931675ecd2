/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_read.c - a tape of JSON (wire/json.h) into columns that grow row by row.
 *
 * One builder (json_build.h) for each type in the tree of types. A value that does not fit gives NULL where it stands
 * as a member of a struct; in an array or a map it takes the whole array or map with it, as in Spark;
 * a builder is then cut back to where it was.
 */
#include "function/json_read.h"

#include <strings.h>

#include "codec/base64.h"
#include "function/json_build.h"
#include "function/json_text.h"
#include "type/datetime.h"
#include "type/decimal.h"
#include "type/number.h"

struct ch_json_rows {
    ch_mem *mem;
    ch_arena arena;
    const ch_json_options *options;
    ch_json json;
    ch_json_builder root;
    /* The column that texts come from, all of them until finish, if long strings may stay there; or NULL. The text at
     * hand is in its buffer share_buf from share_at on; -1: it is not. */
    const ch_column *source;
    int32_t share_buf;
    int64_t share_at, source_bytes;
    ch_buf scratch;
    const ch_zone *zone;
    const ch_pattern *date, *timestamp, *ntz;
    int32_t corrupt; /* field of the root struct; -1 = none */
};

/* ---- options ---- */

ch_json_options ch_json_options_default(const ch_func_context *ctx)
{
    return (ch_json_options){.flags = CH_JSON_SINGLE_QUOTES | CH_JSON_NON_NUMERIC,
                             .corrupt_column = "_corrupt_record",
                             .time_zone = ctx->time_zone,
                             .ignore_null_fields = true};
}

void ch_json_options_set(ch_json_options *o, const char *key, const char *value)
{
    static const struct {
        const char *key;
        uint32_t flag;
    } FLAG[] = {{"allowComments", CH_JSON_COMMENTS},
                {"allowUnquotedFieldNames", CH_JSON_UNQUOTED_NAMES},
                {"allowSingleQuotes", CH_JSON_SINGLE_QUOTES},
                {"allowNumericLeadingZeros", CH_JSON_LEADING_ZEROS},
                {"allowNonNumericNumbers", CH_JSON_NON_NUMERIC},
                {"allowBackslashEscapingAnyCharacter", CH_JSON_ANY_ESCAPE},
                {"allowUnquotedControlChars", CH_JSON_CONTROL_CHARS}};
    bool yes = strcasecmp(value, "true") == 0;
    for (size_t i = 0; i < sizeof FLAG / sizeof *FLAG; i++)
        if (strcasecmp(key, FLAG[i].key) == 0)
            o->flags = yes ? o->flags | FLAG[i].flag : o->flags & ~FLAG[i].flag;
    if (strcasecmp(key, "mode") == 0)
        o->mode = strcasecmp(value, "FAILFAST") == 0        ? CH_JSON_FAIL
                  : strcasecmp(value, "DROPMALFORMED") == 0 ? CH_JSON_DROP
                                                            : CH_JSON_PERMISSIVE;
    else if (strcasecmp(key, "columnNameOfCorruptRecord") == 0)
        o->corrupt_column = value;
    else if (strcasecmp(key, "dateFormat") == 0)
        o->date_format = value;
    else if (strcasecmp(key, "timestampFormat") == 0)
        o->timestamp_format = value;
    else if (strcasecmp(key, "timestampNTZFormat") == 0)
        o->timestamp_ntz_format = value;
    else if (strcasecmp(key, "timeZone") == 0)
        o->time_zone = value;
    else if (strcasecmp(key, "primitivesAsString") == 0)
        o->primitives_as_string = yes;
    else if (strcasecmp(key, "prefersDecimal") == 0)
        o->prefers_decimal = yes;
    else if (strcasecmp(key, "ignoreNullFields") == 0)
        o->ignore_null_fields = yes;
    else if (strcasecmp(key, "pretty") == 0)
        o->pretty = yes;
}

/* ---- values ---- */

/* Adds the value of node i, or nothing at all and *fits = false. */
static ch_status convert(ch_json_rows *r, ch_json_builder *b, int32_t i, bool *fits, ch_error *err);

/* The characters of a string, in the scratch buffer if it has escapes. */
static ch_status string_of(ch_json_rows *r, const ch_json_node *v, ch_str *out, ch_error *err)
{
    *out = (ch_str){r->json.text + v->start, v->len};
    if (!v->escaped)
        return CH_OK;
    ch_buf_reset(&r->scratch);
    CH_TRY(ch_json_text(&r->json, v, &r->scratch, err));
    *out = (ch_str){r->scratch.data ? r->scratch.data : "", (int64_t)r->scratch.len};
    return CH_OK;
}

static ch_status convert_integer(ch_json_rows *r, ch_json_builder *b, const ch_json_node *v,
                                 bool *fits, ch_error *err)
{
    static const int64_t LOW[] = {INT8_MIN, INT16_MIN, INT32_MIN, INT64_MIN},
                         HIGH[] = {INT8_MAX, INT16_MAX, INT32_MAX, INT64_MAX};
    int size = b->type->id == CH_BYTE    ? 0
               : b->type->id == CH_SHORT ? 1
               : b->type->id == CH_INT   ? 2
                                         : 3;
    int64_t value;
    *fits = v->kind == CH_JSON_INT &&
            ch_parse_integer(r->json.text + v->start, v->len, false, LOW[size], HIGH[size], &value);
    return *fits ? ch_json_builder_add(b, &value, (size_t)b->width, err)
                 : CH_OK; /* little-endian */
}

static ch_status convert_real(ch_json_rows *r, ch_json_builder *b, const ch_json_node *v,
                              bool *fits, ch_error *err)
{
    static const char *const WORD[] = {"NaN",       "+INF", "INF",      "Infinity",
                                       "+Infinity", "-INF", "-Infinity"};
    ch_str s = {r->json.text + v->start, v->len};
    double value = 0;
    *fits = v->kind == CH_JSON_INT || v->kind == CH_JSON_FLOAT;
    if (v->kind == CH_JSON_STRING && (r->options->flags & CH_JSON_NON_NUMERIC))
        for (size_t k = 0; k < sizeof WORD / sizeof *WORD; k++)
            *fits |= ch_json_is(&r->json, v, WORD[k], (int64_t)strlen(WORD[k]));
    if (!*fits)
        return CH_OK;
    char last = s.text[s.len - 1];
    if (last == 'N' || last == 'F' || last == 'y')
        value = s.text[0] == 'N' ? __builtin_nan("")
                : *s.text == '-' ? -__builtin_inf()
                                 : __builtin_inf();
    else
        *fits = ch_parse_f64(s.text, s.len, &value);
    if (!*fits)
        return CH_OK;
    if (b->type->id == CH_DOUBLE)
        return ch_json_builder_add(b, &value, sizeof value, err);
    float narrow = (float)value;
    return ch_json_builder_add(b, &narrow, sizeof narrow, err);
}

static ch_status convert_decimal(ch_json_rows *r, ch_json_builder *b, const ch_json_node *v,
                                 bool *fits, ch_error *err)
{
    ch_i128 value;
    ch_str s = {r->json.text + v->start, v->len};
    if (v->kind == CH_JSON_STRING)
        CH_TRY(string_of(r, v, &s, err));
    *fits = v->kind >= CH_JSON_INT && v->kind <= CH_JSON_STRING &&
            ch_dec_parse(s.text, s.len, b->type->precision, b->type->scale, &value) == CH_DEC_OK;
    if (!*fits)
        return CH_OK;
    int64_t narrow = (int64_t)value;
    return ch_json_builder_add(b, ch_type_is_wide_decimal(b->type) ? (const void *)&value : &narrow,
                               (size_t)b->width, err);
}

static ch_status convert_time(ch_json_rows *r, ch_json_builder *b, const ch_json_node *v,
                              bool *fits, ch_error *err)
{
    ch_str s;
    int64_t us = 0;
    int32_t days = 0;
    if (v->kind == CH_JSON_INT && b->type->id == CH_TIMESTAMP) {
        *fits = ch_parse_i64(r->json.text + v->start, v->len, false, &us) &&
                !__builtin_mul_overflow(us, INT64_C(1000000), &us);
        return *fits ? ch_json_builder_add(b, &us, sizeof us, err) : CH_OK;
    }
    *fits = v->kind == CH_JSON_STRING;
    if (!*fits)
        return CH_OK;
    CH_TRY(string_of(r, v, &s, err));
    if (b->type->id == CH_DATE) {
        *fits = r->date ? ch_pattern_parse_date(r->date, s.text, s.len, &days)
                        : ch_date_parse(s.text, s.len, &days);
        return *fits ? ch_json_builder_add(b, &days, sizeof days, err) : CH_OK;
    }
    if (b->type->id == CH_TIMESTAMP)
        *fits = r->timestamp ? ch_pattern_parse(r->timestamp, s.text, s.len, r->zone, &us)
                             : ch_timestamp_parse(s.text, s.len, r->zone, 0, &us);
    else
        *fits = r->ntz ? ch_pattern_parse_ntz(r->ntz, s.text, s.len, &us)
                       : ch_timestamp_ntz_parse(s.text, s.len, false, &us);
    return *fits ? ch_json_builder_add(b, &us, sizeof us, err) : CH_OK;
}

static ch_status convert_string(ch_json_rows *r, ch_json_builder *b, int32_t i, ch_error *err)
{
    const ch_json_node *v = ch_json_at(&r->json, i);
    const char *text = r->json.text + v->start;
    if (v->kind == CH_JSON_STRING && !v->escaped) {
        ch_view view;
        if (v->len <= CH_VIEW_INLINE) {
            view = ch_json_short_view(text, v->len, r->json.len - v->start);
            return ch_json_builder_add(b, &view, sizeof view, err);
        }
        if (r->share_buf < 0)
            return ch_json_builder_text(b, text, v->len, err);
        b->shared += v->len;
        view = ch_view_make(text, v->len, r->share_buf + 1, r->share_at + v->start);
        return ch_json_builder_add(b, &view, sizeof view, err);
    }
    ch_buf_reset(&r->scratch);
    if (v->kind == CH_JSON_STRING)
        CH_TRY(ch_json_text(&r->json, v, &r->scratch, err));
    else
        CH_TRY(ch_json_copy(&r->json, i, &r->scratch, err));
    return ch_json_builder_text(b, r->scratch.data ? r->scratch.data : "", (int64_t)r->scratch.len,
                                err);
}

static ch_status convert_binary(ch_json_rows *r, ch_json_builder *b, const ch_json_node *v,
                                bool *fits, ch_error *err)
{
    *fits = v->kind == CH_JSON_STRING;
    if (!*fits)
        return CH_OK;
    ch_str s;
    CH_TRY(string_of(r, v, &s, err));
    ch_buf bytes;
    ch_buf_init(&bytes, r->mem);
    ch_status status = CH_OK;
    uint32_t bits = 0;
    int n = 0;
    for (int64_t k = 0; k < s.len && s.text[k] != '=' && *fits && status == CH_OK; k++) {
        int d = ch_base64_digit(s.text[k]);
        *fits = d >= 0;
        bits = bits << 6 | (uint32_t)(d & 63);
        n += 6;
        if (n >= 8) {
            n -= 8;
            status = ch_buf_addc(&bytes, (char)(bits >> n & 0xFF), err);
        }
    }
    if (status == CH_OK && *fits)
        status = ch_json_builder_text(b, bytes.data ? bytes.data : "", (int64_t)bytes.len, err);
    ch_buf_release(&bytes);
    return status;
}

/* One member of a struct: the last of several that have its name wins. */
static ch_status convert_member(ch_json_rows *r, ch_json_builder *b, int32_t f, int32_t value,
                                bool *all, ch_error *err)
{
    ch_json_builder *child = &b->child[f];
    bool fit;
    ch_json_builder_cut(child, b->n);
    CH_TRY(convert(r, child, value, &fit, err));
    *all &= fit;
    return child->n == b->n ? ch_json_builder_null(child, err) : CH_OK;
}

/* A struct: members that do not fit are NULL; *fits says if all did. */
static ch_status convert_struct(ch_json_rows *r, ch_json_builder *b, int32_t i, bool root,
                                bool *fits, ch_error *err)
{
    int32_t end = ch_json_at(&r->json, i)->next, expect = 0, corrupt = root ? r->corrupt : -1;
    bool all = true;
    for (int32_t k = i + 1; k < end;) {
        const ch_json_node *key = ch_json_at(&r->json, k);
        int32_t value = k + 1, f;
        ch_str name;
        CH_TRY(string_of(r, key, &name, err));
        f = ch_json_builder_find(b, name.text, name.len, &expect);
        if (f >= 0 && f != corrupt)
            CH_TRY(convert_member(r, b, f, value, &all, err));
        k = ch_json_at(&r->json, value)->next;
    }
    for (int32_t f = 0; f < b->n_child; f++)
        if (b->child[f].n == b->n)
            CH_TRY(ch_json_builder_null(&b->child[f], err));
    *fits = all;
    return ch_json_builder_add(b, NULL, 0, err);
}

/* Structs that are there in part count; anything else that does not fit spoils the list. */
static ch_status convert_list(ch_json_rows *r, ch_json_builder *b, int32_t i, bool *fits,
                              ch_error *err)
{
    const ch_json_node *v = ch_json_at(&r->json, i);
    bool map = b->type->id == CH_MAP, whole = true;
    int64_t before[2] = {b->child[0].n, map ? b->child[1].n : 0};
    ch_json_builder *item = &b->child[map];
    for (int32_t k = i + 1; k < v->next && whole;) {
        bool fit;
        if (map) {
            bool string = ch_type_is_string(b->child[0].type);
            if (!string) {
                whole = false;
                break;
            }
            CH_TRY(convert_string(r, &b->child[0], k, err));
            k = ch_json_at(&r->json, k)->next;
        }
        int64_t n = item->n;
        CH_TRY(convert(r, item, k, &fit, err));
        whole = item->n > n;
        *fits &= fit;
        k = ch_json_at(&r->json, k)->next;
    }
    if (!whole) {
        ch_json_builder_cut(&b->child[0], before[0]);
        if (map)
            ch_json_builder_cut(&b->child[1], before[1]);
        *fits = false;
        return CH_OK;
    }
    int32_t end = (int32_t)b->child[0].n;
    return ch_json_builder_add(b, &end, sizeof end, err);
}

static ch_status convert(ch_json_rows *r, ch_json_builder *b, int32_t i, bool *fits, ch_error *err)
{
    const ch_json_node *v = ch_json_at(&r->json, i);
    bool yes;
    *fits = true;
    if (v->kind == CH_JSON_NULL)
        return ch_json_builder_null(b, err);
    switch (b->type->id) {
    case CH_BOOLEAN:
        *fits = v->kind == CH_JSON_TRUE || v->kind == CH_JSON_FALSE;
        yes = v->kind == CH_JSON_TRUE;
        return *fits ? ch_json_builder_add(b, &yes, sizeof yes, err) : CH_OK;
    case CH_BYTE:
    case CH_SHORT:
    case CH_INT:
    case CH_LONG:
        return convert_integer(r, b, v, fits, err);
    case CH_FLOAT:
    case CH_DOUBLE:
        return convert_real(r, b, v, fits, err);
    case CH_DECIMAL:
        return convert_decimal(r, b, v, fits, err);
    case CH_STRING:
    case CH_CHAR:
    case CH_VARCHAR:
        return convert_string(r, b, i, err);
    case CH_BINARY:
        return convert_binary(r, b, v, fits, err);
    case CH_DATE:
    case CH_TIMESTAMP:
    case CH_TIMESTAMP_NTZ:
        return convert_time(r, b, v, fits, err);
    case CH_STRUCT:
        *fits = v->kind == CH_JSON_OBJECT;
        return *fits ? convert_struct(r, b, i, false, fits, err) : CH_OK;
    case CH_ARRAY:
        *fits = v->kind == CH_JSON_ARRAY;
        return *fits ? convert_list(r, b, i, fits, err) : CH_OK;
    case CH_MAP:
        *fits = v->kind == CH_JSON_OBJECT;
        return *fits ? convert_list(r, b, i, fits, err) : CH_OK;
    default:
        *fits = false;
        return CH_OK;
    }
}

/* ---- rows ---- */

ch_status ch_json_rows_new(ch_mem *mem, const ch_type *type, const ch_json_options *options,
                           const ch_func_context *ctx, ch_json_rows **out, ch_error *err)
{
    ch_json_rows *r = *out = ch_mem_zalloc(mem, sizeof *r, err);
    if (!r)
        return CH_E_MEMORY;
    r->mem = mem;
    r->options = options;
    r->corrupt = r->share_buf = -1;
    ch_arena_init(&r->arena, mem);
    ch_json_init(&r->json, mem);
    ch_buf_init(&r->scratch, mem);
    CH_UNUSED(ctx);
    const char *zone = options->time_zone ? options->time_zone : "UTC";
    ch_status status = CH_OK;
    r->zone = ch_zone_find(zone, (int64_t)strlen(zone), err);
    if (!r->zone) {
        status = CH_E_INVALID_TIMEZONE;
        goto out;
    }
    const char *format[] = {options->date_format, options->timestamp_format,
                            options->timestamp_ntz_format};
    const ch_pattern **pattern[] = {&r->date, &r->timestamp, &r->ntz};
    for (int k = 0; k < 3; k++)
        if (format[k])
            CH_TRY_OUT(ch_pattern_compile(format[k], (int64_t)strlen(format[k]), true, &r->arena,
                                          pattern[k], err));
    CH_TRY_OUT(ch_json_builder_init(&r->root, type, mem, &r->arena, err));
    for (int32_t i = 0; type->id == CH_STRUCT && i < type->n_fields; i++)
        if (strcasecmp(type->field[i].name, options->corrupt_column) == 0 &&
            ch_type_is_string(type->field[i].type))
            r->corrupt = i;
out:
    if (status != CH_OK) {
        ch_json_rows_free(r);
        *out = NULL;
    }
    return status;
}

void ch_json_rows_free(ch_json_rows *r)
{
    if (!r)
        return;
    ch_json_builder_release(&r->root);
    ch_json_release(&r->json);
    ch_buf_release(&r->scratch);
    ch_arena_release(&r->arena);
    ch_mem_free(r->mem, r, sizeof *r);
}

ch_status ch_json_rows_null(ch_json_rows *r, ch_error *err)
{
    return ch_json_builder_null(&r->root, err);
}

/* A row of NULLs, with the text, if it is not NULL, in the corrupt column. */
static ch_status add_malformed(ch_json_rows *r, const char *text, int64_t len, ch_error *err)
{
    ch_json_builder *root = &r->root;
    for (int32_t f = 0; f < root->n_child; f++) {
        if (f == r->corrupt && text)
            CH_TRY(ch_json_builder_text(&root->child[f], text, len, err));
        else
            CH_TRY(ch_json_builder_null(&root->child[f], err));
    }
    return ch_json_builder_add(root, NULL, 0, err);
}

ch_status ch_json_rows_add(ch_json_rows *r, const char *text, int64_t len, bool *good,
                           ch_error *err)
{
    ch_json_builder *root = &r->root;
    int64_t n = root->n;
    CH_TRY(ch_json_parse(&r->json, text, len, r->options->flags, good, err));
    int kind = *good ? ch_json_at(&r->json, 0)->kind : -1;
    if (kind == CH_JSON_NULL && root->type->id != CH_STRUCT)
        return ch_json_builder_null(root, err);
    if (kind == CH_JSON_OBJECT && root->type->id == CH_ARRAY &&
        root->child[0].type->id == CH_STRUCT) { /* an array of this one */
        CH_TRY(convert_struct(r, &root->child[0], 0, false, good, err));
        int32_t end = (int32_t)root->child[0].n;
        return ch_json_builder_add(root, &end, sizeof end, err);
    }
    if (kind == CH_JSON_OBJECT && root->type->id == CH_STRUCT)
        CH_TRY(convert_struct(r, root, 0, true, good, err));
    else if (*good && kind != CH_JSON_NULL)
        CH_TRY(convert(r, root, 0, good, err));
    if (root->n > n) {
        if (*good || r->corrupt < 0)
            return CH_OK;
        ch_json_builder_cut(&root->child[r->corrupt], n);
        return ch_json_builder_text(&root->child[r->corrupt], text, len, err);
    }
    *good = kind == CH_JSON_NULL;
    if (root->type->id != CH_STRUCT)
        return ch_json_builder_null(root, err);
    return add_malformed(r, text, len, err);
}

ch_status ch_json_rows_add_of(ch_json_rows *r, const ch_column *texts, int64_t i, bool *good,
                              ch_error *err)
{
    ch_view v;
    ch_str text = ch_column_str(texts, i);
    memcpy(&v, (const ch_view *)texts->data + i, sizeof v);
    r->source = texts;
    r->source_bytes += text.len;
    r->share_buf = v.len > CH_VIEW_INLINE ? v.buf : -1;
    r->share_at = v.len > CH_VIEW_INLINE ? v.offset : 0;
    ch_status status = ch_json_rows_add(r, text.text, text.len, good, err);
    r->share_buf = -1;
    return status;
}

ch_status ch_json_rows_malformed(ch_json_rows *r, const char *text, int64_t len, ch_error *err)
{
    return add_malformed(r, text, len, err);
}

void ch_json_rows_drop(ch_json_rows *r, int64_t n)
{
    ch_json_builder_cut(&r->root, r->root.n - n);
}

ch_status ch_json_rows_add_all(ch_json_rows *r, const char *text, int64_t len, int64_t *n,
                               bool *good, ch_error *err)
{
    ch_json_builder *root = &r->root;
    int64_t before = root->n;
    bool fit;
    CH_TRY(ch_json_parse(&r->json, text, len, r->options->flags, good, err));
    if (!*good || ch_json_at(&r->json, 0)->kind != CH_JSON_ARRAY) {
        *n = 1;
        return ch_json_rows_add(r, text, len, good, err);
    }
    int32_t end = ch_json_at(&r->json, 0)->next;
    for (int32_t k = 1; k < end && *good; k = ch_json_at(&r->json, k)->next) {
        *good = ch_json_at(&r->json, k)->kind == CH_JSON_OBJECT;
        if (*good)
            CH_TRY(convert_struct(r, root, k, true, &fit, err));
    }
    *n = root->n - before;
    if (*good)
        return CH_OK;
    ch_json_rows_drop(r, *n); /* one element that is no object spoils them all */
    *n = 1;
    return add_malformed(r, text, len, err);
}

ch_status ch_json_rows_finish(ch_json_rows *r, ch_column **out, ch_error *err)
{
    *out = NULL;
    /* A few names out of long texts must not keep all of these in memory. */
    bool share = ch_json_builder_shared(&r->root) > r->source_bytes / 4;
    ch_status status = ch_json_builder_finish(&r->root, r->mem, r->source, share, out, err);
    if (status != CH_OK) {
        ch_column_unref(*out);
        *out = NULL;
    }
    r->source = NULL;
    r->source_bytes = 0;
    return status;
}
