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

#include "base/unicode.h"
#include "function/json_scalar.h"
#include "function/json_text.h"

/* ---- options ---- */

ch_json_options ch_json_options_default(const ch_func_context *ctx)
{
    return (ch_json_options){.flags = CH_JSON_SINGLE_QUOTES | CH_JSON_NON_NUMERIC,
                             .corrupt_column =
                                 ctx->corrupt_column ? ctx->corrupt_column : "_corrupt_record",
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
    else if (strcasecmp(key, "dropFieldIfAllNull") == 0)
        o->drop_all_null = yes;
    else if (strcasecmp(key, "ignoreNullFields") == 0)
        o->ignore_null_fields = yes;
    else if (strcasecmp(key, "pretty") == 0)
        o->pretty = yes;
}

ch_status ch_json_parse_record(ch_json *json, const char *text, int64_t len,
                               const ch_json_options *o, ch_buf *repaired, bool *ok, ch_error *err)
{
    if (!o->bytes)
        return ch_json_parse_java(json, text, len, o->flags, repaired, ok, err);
    CH_TRY(ch_json_parse(json, text, len, o->flags, ok, err));
    *ok = *ok && (!json->high || ch_utf8_is_valid(text, json->stop));
    return CH_OK;
}

/* ---- values ---- */

/* Adds the value of node i, or nothing at all and *fits = false. */
static ch_status convert(ch_json_rows *r, ch_json_builder *b, int32_t i, bool *fits, ch_error *err);

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

/*
 * The value of a member in which there is a word that is no JSON: NULL, if Spark's converter comes as far as that word. Where it
 * passes over the value instead, its parser fails.
 */
static ch_status convert_bad(ch_json_rows *r, ch_json_builder *b, int32_t f, int32_t value,
                             ch_error *err)
{
    bool fit;
    r->bad_seen = true;
    r->bad_fatal |= f < 0;
    if (f < 0)
        return CH_OK;
    ch_json_builder *child = &b->child[f];
    ch_json_builder_cut(child, b->n);
    CH_TRY(convert(r, child, value, &fit, err));
    r->bad_fatal |= child->n == b->n;
    ch_json_builder_cut(child, b->n);
    return ch_json_builder_null(child, err);
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
        CH_TRY(ch_json_string_of(r, key, &name, err));
        f = ch_json_builder_find(b, name.text, name.len, &expect);
        if (CH_UNLIKELY(value == r->json.bad)) {
            CH_TRY(convert_bad(r, b, f == corrupt ? -1 : f, value, err));
            all = false;
        } else if (f >= 0 && f != corrupt) {
            CH_TRY(convert_member(r, b, f, value, &all, err));
        }
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
    for (int32_t k = i + 1; k < v->next && k < r->json.bad_at && whole;) {
        bool fit;
        if (map) {
            whole = ch_type_is_string(b->child[0].type);
            if (!whole)
                break;
            CH_TRY(ch_json_scalar(r, &b->child[0], k, &fit, err));
            k = ch_json_at(&r->json, k)->next;
        }
        int64_t n = item->n;
        r->bad_seen |= k == r->json.bad;
        CH_TRY(convert(r, item, k, &fit, err));
        whole = item->n > n && k != r->json.bad;
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
    *fits = true;
    if (v->kind == CH_JSON_NULL)
        return ch_json_builder_null(b, err);
    switch (b->type->id) {
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
        return ch_json_scalar(r, b, i, fits, err);
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
    ch_buf_init(&r->bytes, mem);
    ch_buf_init(&r->repaired, mem);
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
    ch_column_unref(r->buffers);
    ch_json_release(&r->json);
    ch_buf_release(&r->scratch);
    ch_buf_release(&r->bytes);
    ch_buf_release(&r->repaired);
    ch_arena_release(&r->arena);
    ch_mem_free(r->mem, r, sizeof *r);
}

ch_status ch_json_rows_null(ch_json_rows *r, ch_error *err)
{
    return ch_json_builder_null(&r->root, err);
}

/* The rows from `from` on have the text in the corrupt column, all of them the same bytes. */
static ch_status add_record(ch_json_rows *r, int64_t from, const char *text, int64_t len,
                            ch_error *err)
{
    if (r->corrupt < 0 || from == r->root.n)
        return CH_OK;
    ch_json_builder *b = &r->root.child[r->corrupt];
    ch_view view;
    ch_json_builder_cut(b, from);
    CH_TRY(ch_json_builder_text(b, text, len, err));
    memcpy(&view, b->data.data + sizeof view * (size_t)from, sizeof view);
    while (b->n < r->root.n)
        CH_TRY(ch_json_builder_add(b, &view, sizeof view, err));
    return CH_OK;
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

static ch_status add_rest(ch_json_rows *r, const char *text, int64_t len, ch_error *err);

/* A row of what was parsed; *good says if that went well, and becomes whether everything fits. */
static ch_status add_parsed(ch_json_rows *r, const char *text, int64_t len, bool *good,
                            ch_error *err)
{
    ch_json_builder *root = &r->root;
    int64_t n = root->n;
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
    if (root->n > n)
        return *good ? CH_OK : add_record(r, n, text, len, err);
    *good = false;
    if (root->type->id != CH_STRUCT)
        return ch_json_builder_null(root, err);
    return kind < 0 ? add_rest(r, text, len, err) : add_malformed(r, text, len, err);
}

/*
 * What can be read of a text that is malformed: Spark's parser goes on behind a word that is no JSON, where it comes
 * upon it inside of a field.
 */
static ch_status add_rest(ch_json_rows *r, const char *text, int64_t len, ch_error *err)
{
    ch_json_builder *root = &r->root;
    int64_t n = root->n;
    bool ok = false, fits;
    const char *of = r->json.text;
    if (root->type->id == CH_STRUCT)
        CH_TRY(ch_json_parse(&r->json, of, r->json.len, r->options->flags | CH_JSON_RECOVER, &ok,
                             err));
    /* Of bytes its parser loses its place in an array. */
    ok &= r->json.bad_ends || (r->json.bad >= 0 && !r->options->bytes);
    if (!ok || ch_json_at(&r->json, 0)->kind != CH_JSON_OBJECT)
        return add_malformed(r, text, len, err);
    r->bad_seen = r->bad_fatal = false;
    CH_TRY(convert_struct(r, root, 0, true, &fits, err));
    if (r->bad_seen && !r->bad_fatal)
        return add_record(r, n, text, len, err);
    ch_json_builder_cut(root, n);
    return add_malformed(r, text, len, err);
}

ch_status ch_json_rows_add(ch_json_rows *r, const char *text, int64_t len, bool *good,
                           ch_error *err)
{
    CH_TRY(ch_json_parse_record(&r->json, text, len, r->options, &r->repaired, good, err));
    if (r->json.text != text)
        r->share_buf = -1; /* places are in the repaired text */
    return add_parsed(r, text, len, good, err);
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

static ch_status add_all(ch_json_rows *r, const char *text, int64_t len, int64_t *n, bool *good,
                         ch_error *err)
{
    ch_json_builder *root = &r->root;
    int64_t before = root->n;
    bool all = true, fit = true;
    CH_TRY(ch_json_parse_record(&r->json, text, len, r->options, &r->repaired, good, err));
    if (r->json.text != text)
        r->buffer = NULL; /* places are in the repaired text */
    if (!*good || ch_json_at(&r->json, 0)->kind != CH_JSON_ARRAY) {
        *n = 1;
        return add_parsed(r, text, len, good, err);
    }
    int32_t end = ch_json_at(&r->json, 0)->next;
    for (int32_t k = 1; k < end && *good; k = ch_json_at(&r->json, k)->next) {
        *good = ch_json_at(&r->json, k)->kind == CH_JSON_OBJECT;
        if (*good)
            CH_TRY(convert_struct(r, root, k, true, &fit, err));
        all &= fit;
    }
    *n = root->n - before;
    if (!*good) {
        ch_json_rows_drop(r, *n); /* one element that is no object spoils them all */
        *n = 1;
        return add_malformed(r, text, len, err);
    }
    *good = all;
    return all ? CH_OK : add_record(r, before, text, len, err);
}

ch_status ch_json_rows_add_all(ch_json_rows *r, const char *text, int64_t len, ch_buffer *buffer,
                               int64_t *n, bool *good, ch_error *err)
{
    r->buffer = buffer;
    r->share_at = buffer ? text - (const char *)buffer->data : 0;
    r->source_bytes += len;
    ch_status status = add_all(r, text, len, n, good, err);
    r->buffer = NULL;
    r->share_buf = -1;
    return status;
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
    ch_column_unref(r->buffers);
    r->source = r->buffers = NULL;
    r->source_bytes = 0;
    return status;
}
