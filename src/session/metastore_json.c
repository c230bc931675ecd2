/* SPDX-License-Identifier: Apache-2.0 */
/*
 * metastore_json.c - a database, table or function as a JSON object: one member per row of a table of fields.
 *
 * Members that a reader does not know are left out of account, so that older programs read newer files; those
 * that are missing are empty.
 */
#include "session/metastore_json.h"

#include <stdio.h>
#include <string.h>

#include "plan/node.h"
#include "type/number.h"
#include "type/type_json.h"
#include "wire/json.h"

typedef enum field_kind { TEXT, FLAG, NUMBER, NAMES, PAIRS, SCHEMA } field_kind;

typedef struct field {
    const char *name;
    field_kind kind;
    size_t offset;
} field;

static const field DATABASE[] = {
    {"comment", TEXT, offsetof(ch_meta_database, comment)},
    {"location", TEXT, offsetof(ch_meta_database, location)},
    {"properties", PAIRS, offsetof(ch_meta_database, properties)},
    {0},
};

#define ROW(name, kind)                            \
    {                                              \
#name, kind, offsetof(ch_meta_table, name) \
    }
static const field TABLE[] = {
    ROW(is_view, FLAG),       ROW(is_external, FLAG),        ROW(provider, TEXT),
    ROW(schema, SCHEMA),      ROW(partition_columns, NAMES), ROW(bucket_columns, NAMES),
    ROW(sort_columns, NAMES), ROW(n_buckets, NUMBER),        ROW(location, TEXT),
    ROW(comment, TEXT),       ROW(created_us, NUMBER),       ROW(properties, PAIRS),
    ROW(options, PAIRS),      ROW(has_statistics, FLAG),     ROW(bytes, NUMBER),
    ROW(rows, NUMBER),        ROW(column_statistics, PAIRS), ROW(view_text, TEXT),
    ROW(view_database, TEXT), ROW(view_columns, NAMES),      {0},
};

#undef ROW
#define ROW(name, kind)                               \
    {                                                 \
#name, kind, offsetof(ch_meta_function, name) \
    }
static const field FUNCTION[] = {
    ROW(is_table, FLAG),
    ROW(is_query, FLAG),
    ROW(is_deterministic, FLAG),
    ROW(has_comment, FLAG),
    ROW(parameters, SCHEMA),
    ROW(returns, SCHEMA),
    ROW(body, TEXT),
    ROW(comment, TEXT),
    ROW(data_access, TEXT),
    ROW(created_us, NUMBER),
    {0},
};

/* ---- writing ------------------------------------------------------------------------------------ */

static ch_status quote(const char *text, ch_buf *out, ch_error *err)
{
    return ch_json_quote(text, (int64_t)strlen(text), out, err);
}

static ch_status put_value(const field *f, const void *at, ch_buf *out, ch_error *err)
{
    const ch_str_list *names = at;
    const ch_option_list *pairs = at;
    switch (f->kind) {
    case TEXT:
        return quote(*(const char *const *)at ? *(const char *const *)at : "", out, err);
    case FLAG:
        return ch_buf_adds(out, *(const bool *)at ? "true" : "false", err);
    case NUMBER:
        return ch_buf_printf(out, err, "%lld", (long long)*(const int64_t *)at);
    case NAMES:
        CH_TRY(ch_buf_addc(out, '[', err));
        for (int32_t i = 0; i < names->n; i++) {
            CH_TRY(ch_buf_adds(out, i ? ", " : "", err));
            CH_TRY(quote(names->item[i], out, err));
        }
        return ch_buf_addc(out, ']', err);
    case PAIRS:
        CH_TRY(ch_buf_addc(out, '{', err));
        for (int32_t i = 0; i < pairs->n; i++) {
            CH_TRY(ch_buf_adds(out, i ? ", " : "", err));
            CH_TRY(quote(pairs->key[i], out, err));
            CH_TRY(ch_buf_adds(out, ": ", err));
            CH_TRY(quote(pairs->value[i] ? pairs->value[i] : "", out, err));
        }
        return ch_buf_addc(out, '}', err);
    default:
        return ch_type_print_json(*(const ch_type *const *)at, out, err);
    }
}

static ch_status print(const field *f, const void *object, ch_buf *out, ch_error *err)
{
    CH_TRY(ch_buf_adds(out, "{\"version\": 1", err));
    for (; f->name; f++) {
        CH_TRY(ch_buf_printf(out, err, ",\n \"%s\": ", f->name));
        CH_TRY(put_value(f, (const char *)object + f->offset, out, err));
    }
    return ch_buf_adds(out, "}\n", err);
}

ch_status ch_meta_database_print(const ch_meta_database *database, ch_buf *out, ch_error *err)
{
    return print(DATABASE, database, out, err);
}

ch_status ch_meta_table_print(const ch_metastore *m, const ch_meta_table *table, ch_buf *out,
                              ch_error *err)
{
    CH_UNUSED(m);
    return print(TABLE, table, out, err);
}

/* ---- reading ------------------------------------------------------------------------------------ */

typedef struct reader {
    const ch_metastore *m;
    const char *path;
    ch_json json;
    ch_buf word;
} reader;

static ch_status damaged(reader *r, const char *reason, ch_error *err)
{
    CH_FAIL(err, CORRUPT_CATALOG, "path", r->path, "reason", reason);
}

static ch_status text_of(reader *r, const ch_json_node *n, const char **out, ch_error *err)
{
    *out = NULL;
    if (n->kind != CH_JSON_STRING)
        return damaged(r, "a text is expected", err);
    ch_buf_reset(&r->word);
    CH_TRY(ch_buf_adds(&r->word, "", err));
    CH_TRY(ch_json_text(&r->json, n, &r->word, err));
    *out = ch_arena_strn(r->m->arena, r->word.data, r->word.len, err);
    return *out ? CH_OK : CH_E_MEMORY;
}

static ch_status get_names(reader *r, int32_t at, ch_str_list *out, ch_error *err)
{
    const ch_json_node *n = ch_json_at(&r->json, at++);
    if (n->kind != CH_JSON_ARRAY)
        return damaged(r, "a list is expected", err);
    for (int32_t i = 0; i < n->len; i++) {
        const char *text;
        const ch_json_node *item = ch_json_at(&r->json, at);
        CH_TRY(text_of(r, item, &text, err));
        CH_TRY(ch_str_list_add(r->m->arena, out, text, err));
        at = item->next;
    }
    return CH_OK;
}

static ch_status get_pairs(reader *r, int32_t at, ch_option_list *out, ch_error *err)
{
    const ch_json_node *n = ch_json_at(&r->json, at++);
    if (n->kind != CH_JSON_OBJECT)
        return damaged(r, "an object is expected", err);
    for (int32_t i = 0; i < n->len; i++) {
        const char *key, *value;
        CH_TRY(text_of(r, ch_json_at(&r->json, at), &key, err));
        at = ch_json_at(&r->json, at)->next;
        CH_TRY(text_of(r, ch_json_at(&r->json, at), &value, err));
        at = ch_json_at(&r->json, at)->next;
        CH_TRY(ch_option_list_add(r->m->arena, out, key, value, err));
    }
    return CH_OK;
}

static ch_status get_value(reader *r, const field *f, int32_t at, void *to, ch_error *err)
{
    const ch_json_node *n = ch_json_at(&r->json, at);
    switch (f->kind) {
    case TEXT:
        return text_of(r, n, to, err);
    case FLAG:
        *(bool *)to = n->kind == CH_JSON_TRUE;
        return CH_OK;
    case NUMBER:
        if (n->kind != CH_JSON_INT ||
            !ch_parse_i64(r->json.text + n->start, n->end - n->start, false, to))
            return damaged(r, "a number is expected", err);
        return CH_OK;
    case NAMES:
        return get_names(r, at, to, err);
    case PAIRS:
        return get_pairs(r, at, to, err);
    default:
        CH_TRY(ch_type_parse_json(r->json.text + n->start, (size_t)(n->end - n->start), to, err));
        if (!*(const ch_type **)to || (*(const ch_type **)to)->id != CH_STRUCT)
            return damaged(r, "its schema is not one", err);
        return CH_OK;
    }
}

static ch_status members(reader *r, const field *fields, void *out, ch_error *err)
{
    const ch_json_node *root = ch_json_at(&r->json, 0);
    if (root->kind != CH_JSON_OBJECT)
        return damaged(r, "it is no JSON object", err);
    int32_t at = 1;
    for (int32_t i = 0; i < root->len; i++) {
        const ch_json_node *key = ch_json_at(&r->json, at);
        at = key->next;
        for (const field *f = fields; f->name; f++)
            if (ch_json_is(&r->json, key, f->name, (int64_t)strlen(f->name)))
                CH_TRY(get_value(r, f, at, (char *)out + f->offset, err));
        at = ch_json_at(&r->json, at)->next;
    }
    return CH_OK;
}

static ch_status parse(const ch_metastore *m, const char *path, const ch_buf *text,
                       const field *fields, void *out, ch_error *err)
{
    reader r = {.m = m, .path = path};
    bool ok = false;
    ch_json_init(&r.json, m->mem);
    ch_buf_init(&r.word, m->mem);
    ch_status status =
        ch_json_parse(&r.json, text->data ? text->data : "", (int64_t)text->len, 0, &ok, err);
    if (status == CH_OK)
        status = ok ? members(&r, fields, out, err) : damaged(&r, "it is no JSON", err);
    ch_buf_release(&r.word);
    ch_json_release(&r.json);
    return status;
}

ch_status ch_meta_database_parse(const ch_metastore *m, const char *path, const ch_buf *text,
                                 ch_meta_database *out, ch_error *err)
{
    return parse(m, path, text, DATABASE, out, err);
}

ch_status ch_meta_table_parse(const ch_metastore *m, const char *path, const ch_buf *text,
                              ch_meta_table *out, ch_error *err)
{
    *out = (ch_meta_table){.provider = "", .location = "", .comment = "", .rows = -1};
    CH_TRY(parse(m, path, text, TABLE, out, err));
    if (!out->schema)
        CH_FAIL(err, CORRUPT_CATALOG, "path", path, "reason", "it has no schema");
    return CH_OK;
}

ch_status ch_meta_function_print(const ch_meta_function *function, ch_buf *out, ch_error *err)
{
    return print(FUNCTION, function, out, err);
}

ch_status ch_meta_function_parse(const ch_metastore *m, const char *path, const ch_buf *text,
                                 ch_meta_function *out, ch_error *err)
{
    *out = (ch_meta_function){.body = "", .comment = "", .data_access = ""};
    CH_TRY(parse(m, path, text, FUNCTION, out, err));
    if (!out->parameters || !out->returns || (!out->is_table && out->returns->n_fields != 1))
        CH_FAIL(err, CORRUPT_CATALOG, "path", path, "reason", "it has no signature");
    return CH_OK;
}
