/* SPDX-License-Identifier: Apache-2.0 */
/* metastore_column.c - what a column's metadata says, and pairs by their keys. */
#include <stdio.h>
#include <string.h>

#include "plan/node.h"
#include "session/metastore.h"
#include "wire/json.h"

/* The members of a JSON object whose values are texts; others keep their JSON, marked by raw. */
static ch_status members(const ch_metastore *m, const char *json, ch_option_list *out, bool **raw,
                         ch_error *err)
{
    ch_json tape;
    ch_buf word;
    bool ok = false;
    ch_json_init(&tape, m->mem);
    ch_buf_init(&word, m->mem);
    ch_status status = ch_json_parse(&tape, json, (int64_t)strlen(json), 0, &ok, err);
    int32_t n = status == CH_OK && ok ? ch_json_at(&tape, 0)->len : 0, at = 1;
    if (status == CH_OK) {
        *raw = ch_arena_alloc(m->arena, sizeof **raw * (size_t)(n + 1), err);
        status = *raw ? CH_OK : CH_E_MEMORY;
    }
    for (int32_t i = 0; i < n && status == CH_OK; i++) {
        const char *part[2];
        for (int k = 0; k < 2 && status == CH_OK; k++) {
            const ch_json_node *node = ch_json_at(&tape, at);
            at = node->next;
            ch_buf_reset(&word);
            status = ch_buf_adds(&word, "", err);
            if (status == CH_OK && node->kind == CH_JSON_STRING)
                status = ch_json_text(&tape, node, &word, err);
            else if (status == CH_OK) {
                status =
                    ch_buf_add(&word, json + node->start, (size_t)(node->end - node->start), err);
                (*raw)[i] = true;
            }
            if (status == CH_OK && !(part[k] = ch_arena_strn(m->arena, word.data, word.len, err)))
                status = CH_E_MEMORY;
        }
        if (status == CH_OK)
            status = ch_option_list_add(m->arena, out, part[0], part[1], err);
    }
    ch_buf_release(&word);
    ch_json_release(&tape);
    return status;
}

ch_status ch_meta_field_get(const ch_metastore *m, const ch_field *field, const char *key,
                            const char **out, ch_error *err)
{
    ch_option_list list = {0};
    bool *raw;
    *out = NULL;
    if (!field->metadata || !strstr(field->metadata, key))
        return CH_OK;
    CH_TRY(members(m, field->metadata, &list, &raw, err));
    *out = ch_option_list_get(&list, key);
    return CH_OK;
}

ch_status ch_meta_field_set(const ch_metastore *m, ch_field *field, const char *key,
                            const char *value, ch_error *err)
{
    ch_option_list list = {0};
    bool *raw = NULL, any = false;
    ch_buf out;
    if (field->metadata)
        CH_TRY(members(m, field->metadata, &list, &raw, err));
    ch_buf_init(&out, m->mem);
    ch_status status = ch_buf_addc(&out, '{', err);
    for (int32_t i = 0; i <= list.n && status == CH_OK; i++) {
        const char *k = i < list.n ? list.key[i] : key;
        const char *v = i < list.n ? list.value[i] : value;
        if ((i < list.n && strcmp(k, key) == 0) || !v)
            continue;
        if (any)
            status = ch_buf_addc(&out, ',', err);
        if (status == CH_OK)
            status = ch_json_quote(k, (int64_t)strlen(k), &out, err);
        if (status == CH_OK)
            status = ch_buf_addc(&out, ':', err);
        if (status == CH_OK)
            status = i < list.n && raw[i] ? ch_buf_adds(&out, v, err)
                                          : ch_json_quote(v, (int64_t)strlen(v), &out, err);
        any = true;
    }
    if (status == CH_OK)
        status = ch_buf_addc(&out, '}', err);
    if (status == CH_OK) {
        field->metadata = any ? ch_arena_strn(m->arena, out.data, out.len, err) : NULL;
        status = any && !field->metadata ? CH_E_MEMORY : CH_OK;
    }
    ch_buf_release(&out);
    return status;
}

const char *ch_option_list_get(const ch_option_list *list, const char *key)
{
    for (int32_t i = 0; i < list->n; i++)
        if (strcmp(list->key[i], key) == 0)
            return list->value[i];
    return NULL;
}

ch_status ch_option_list_put(ch_arena *arena, ch_option_list *list, const char *key,
                             const char *value, ch_error *err)
{
    ch_option_list made = {0};
    bool done = value == NULL;
    for (int32_t i = 0; i < list->n; i++) {
        bool same = strcmp(list->key[i], key) == 0;
        if (same && !value)
            continue;
        CH_TRY(ch_option_list_add(arena, &made, list->key[i], same ? value : list->value[i], err));
        done |= same;
    }
    if (!done)
        CH_TRY(ch_option_list_add(arena, &made, key, value, err));
    *list = made;
    return CH_OK;
}

/* ---- CHAR and VARCHAR ------------------------------------------------------------------------ */

ch_status ch_meta_field_stored(const ch_metastore *m, const ch_field *f, ch_field *out,
                               ch_error *err)
{
    char type[32];
    *out = *f;
    if (f->type->id != CH_CHAR && f->type->id != CH_VARCHAR)
        return CH_OK;
    snprintf(type, sizeof type, "%s(%d)", f->type->id == CH_CHAR ? "char" : "varchar",
             f->type->length);
    out->type = CH_T_STRING;
    return ch_meta_field_set(m, out, CH_META_CHAR, type, err);
}

static ch_status declared(const ch_metastore *m, const ch_field *f, ch_field *out, ch_error *err)
{
    const char *text;
    int length;
    *out = *f;
    if (f->type->id != CH_STRING)
        return CH_OK;
    CH_TRY(ch_meta_field_get(m, f, CH_META_CHAR, &text, err));
    bool is_char = text && sscanf(text, "char(%d)", &length) == 1;
    if (!is_char && !(text && sscanf(text, "varchar(%d)", &length) == 1))
        return CH_OK;
    out->type = is_char ? ch_type_char(length) : ch_type_varchar(length);
    if (!out->type)
        return ch_error_memory(err, "types", 0, 0);
    return ch_meta_field_set(m, out, CH_META_CHAR, NULL, err);
}

static ch_status each_field(const ch_metastore *m, const ch_type *schema,
                            ch_status (*fn)(const ch_metastore *, const ch_field *, ch_field *,
                                            ch_error *),
                            const ch_type **out, ch_error *err)
{
    ch_field *field;
    CH_ARENA_ARRAY(field, m->arena, schema->n_fields + 1, err);
    for (int32_t i = 0; i < schema->n_fields; i++)
        CH_TRY(fn(m, &schema->field[i], &field[i], err));
    *out = ch_type_struct(field, schema->n_fields);
    return *out ? CH_OK : ch_error_memory(err, "types", 0, 0);
}

ch_status ch_meta_schema_stored(const ch_metastore *m, const ch_type *schema, const ch_type **out,
                                ch_error *err)
{
    return each_field(m, schema, ch_meta_field_stored, out, err);
}

ch_status ch_meta_schema_declared(const ch_metastore *m, const ch_type *schema, const ch_type **out,
                                  ch_error *err)
{
    return each_field(m, schema, declared, out, err);
}
