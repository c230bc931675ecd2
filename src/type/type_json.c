/* SPDX-License-Identifier: Apache-2.0 */
/* type_json.c - Spark's DataType.json, written and read. */
#include "type/type_json.h"

#include <string.h>

#include "base/arena.h"

#define DEPTH_MAX 64
#define FIELDS_MAX 100000

/* ---- printing ------------------------------------------------------------------------------ */

/* Names that differ from ch_type_print's. */
static const char *plain_name(ch_type_id id)
{
    switch (id) {
    case CH_BYTE:
        return "byte";
    case CH_SHORT:
        return "short";
    case CH_INT:
        return "integer";
    case CH_LONG:
        return "long";
    case CH_STRING:
        return "string";
    default:
        return NULL;
    }
}

static ch_status print_text(const char *text, ch_buf *out, ch_error *err)
{
    CH_TRY(ch_buf_addc(out, '"', err));
    for (const char *p = text; *p; p++) {
        uint8_t c = (uint8_t)*p;
        if (c == '"' || c == '\\')
            CH_TRY(ch_buf_addc(out, '\\', err));
        if (c < 0x20)
            CH_TRY(ch_buf_printf(out, err, "\\u%04X", c));
        else
            CH_TRY(ch_buf_addc(out, (char)c, err));
    }
    return ch_buf_addc(out, '"', err);
}

static ch_status print_field(const ch_field *f, ch_buf *out, ch_error *err)
{
    CH_TRY(ch_buf_adds(out, "{\"name\":", err));
    CH_TRY(print_text(f->name, out, err));
    CH_TRY(ch_buf_adds(out, ",\"type\":", err));
    CH_TRY(ch_type_print_json(f->type, out, err));
    CH_TRY(
        ch_buf_printf(out, err, ",\"nullable\":%s,\"metadata\":", f->nullable ? "true" : "false"));
    CH_TRY(ch_buf_adds(out, f->metadata ? f->metadata : "{}", err));
    return ch_buf_addc(out, '}', err);
}

ch_status ch_type_print_json(const ch_type *type, ch_buf *out, ch_error *err)
{
    const char *name;
    switch (type->id) {
    case CH_ARRAY:
        CH_TRY(ch_buf_adds(out, "{\"type\":\"array\",\"elementType\":", err));
        CH_TRY(ch_type_print_json(type->field[0].type, out, err));
        return ch_buf_printf(out, err, ",\"containsNull\":%s}",
                             type->field[0].nullable ? "true" : "false");
    case CH_MAP:
        CH_TRY(ch_buf_adds(out, "{\"type\":\"map\",\"keyType\":", err));
        CH_TRY(ch_type_print_json(type->field[0].type, out, err));
        CH_TRY(ch_buf_adds(out, ",\"valueType\":", err));
        CH_TRY(ch_type_print_json(type->field[1].type, out, err));
        return ch_buf_printf(out, err, ",\"valueContainsNull\":%s}",
                             type->field[1].nullable ? "true" : "false");
    case CH_STRUCT:
        CH_TRY(ch_buf_adds(out, "{\"type\":\"struct\",\"fields\":[", err));
        for (int32_t i = 0; i < type->n_fields; i++) {
            if (i)
                CH_TRY(ch_buf_addc(out, ',', err));
            CH_TRY(print_field(&type->field[i], out, err));
        }
        return ch_buf_adds(out, "]}", err);
    default:
        CH_TRY(ch_buf_addc(out, '"', err));
        name = plain_name(type->id);
        if (name)
            CH_TRY(ch_buf_adds(out, name, err));
        else
            CH_TRY(ch_type_print(type, out, err));
        return ch_buf_addc(out, '"', err);
    }
}

/* ---- reading ------------------------------------------------------------------------------- */

typedef struct json {
    const char *at, *end;
    ch_arena arena; /* names on their way into a type */
    bool bad;
    ch_error *err;
} json;

static void blanks(json *j)
{
    while (j->at < j->end && (*j->at == ' ' || *j->at == '\n' || *j->at == '\r' || *j->at == '\t'))
        j->at++;
}

static bool accept(json *j, char c)
{
    blanks(j);
    if (j->at == j->end || *j->at != c)
        return false;
    j->at++;
    return true;
}

static void expect(json *j, char c)
{
    if (!accept(j, c))
        j->bad = true;
}

static char *put_utf8(char *to, uint32_t c)
{
    if (c < 0x80) {
        *to++ = (char)c;
    } else if (c < 0x800) {
        *to++ = (char)(0xC0 | c >> 6);
        *to++ = (char)(0x80 | (c & 0x3F));
    } else if (c < 0x10000) {
        *to++ = (char)(0xE0 | c >> 12);
        *to++ = (char)(0x80 | (c >> 6 & 0x3F));
        *to++ = (char)(0x80 | (c & 0x3F));
    } else {
        *to++ = (char)(0xF0 | c >> 18);
        *to++ = (char)(0x80 | (c >> 12 & 0x3F));
        *to++ = (char)(0x80 | (c >> 6 & 0x3F));
        *to++ = (char)(0x80 | (c & 0x3F));
    }
    return to;
}

static uint32_t hex4(json *j)
{
    uint32_t v = 0;
    for (int i = 0; i < 4; i++) {
        char c = j->at < j->end ? *j->at++ : 0;
        int digit = c >= '0' && c <= '9'                     ? c - '0'
                    : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10
                                                             : -1;
        if (digit < 0)
            j->bad = true;
        v = v << 4 | (uint32_t)(digit & 15);
    }
    return v;
}

/* A string; NULL (and bad, or no memory) if there is none. */
static ch_status text(json *j, char **out)
{
    *out = NULL;
    if (!accept(j, '"'))
        return j->bad = true, CH_OK;
    const char *stop = j->at;
    while (stop < j->end && *stop != '"')
        stop += *stop == '\\' ? 2 : 1;
    if (stop >= j->end)
        return j->bad = true, CH_OK;
    /* Escapes are never shorter than what they stand for. */
    char *to = ch_arena_alloc(&j->arena, (size_t)(stop - j->at) + 1, j->err);
    if (!to)
        return CH_E_MEMORY;
    *out = to;
    while (j->at < stop) {
        char c = *j->at++;
        if (c != '\\') {
            *to++ = c;
            continue;
        }
        c = *j->at++;
        if (c == 'u') {
            uint32_t u = hex4(j);
            if (u >= 0xD800 && u < 0xDC00 && stop - j->at >= 6 && j->at[0] == '\\' &&
                j->at[1] == 'u') {
                j->at += 2;
                u = 0x10000 + ((u - 0xD800) << 10) + ((hex4(j) - 0xDC00) & 0x3FF);
            }
            to = put_utf8(to, u ? u : 0xFFFD);
            continue;
        }
        static const char FROM[] = "ntrbf", TO[] = "\n\t\r\b\f";
        const char *which = strchr(FROM, c);
        *to++ = which && c ? TO[which - FROM] : c;
    }
    *to = 0;
    j->at = stop + 1;
    return CH_OK;
}

/* Any value; its text is j->at before .. j->at after. */
static void skip_value(json *j)
{
    int depth = 0;
    blanks(j);
    do {
        if (j->at == j->end) {
            j->bad = true;
            return;
        }
        char c = *j->at++;
        depth += (c == '{' || c == '[') - (c == '}' || c == ']');
        if (c == '"') {
            while (j->at < j->end && *j->at != '"')
                j->at += *j->at == '\\' ? 2 : 1;
            if (j->at >= j->end) {
                j->at = j->end;
                j->bad = true;
                return;
            }
            j->at++;
        } else if (depth == 0 && c != '}' && c != ']') {
            while (j->at < j->end && !strchr(",}] \n\r\t", *j->at))
                j->at++;
        }
    } while (depth > 0);
}

static bool word(json *j, const char *w)
{
    size_t n = strlen(w);
    blanks(j);
    if ((size_t)(j->end - j->at) < n || memcmp(j->at, w, n) != 0)
        return false;
    j->at += n;
    return true;
}

static ch_status value(json *j, int depth, const ch_type **out);

static ch_status boolean(json *j, bool *out)
{
    *out = word(j, "true");
    if (!*out && !word(j, "false"))
        j->bad = true;
    return CH_OK;
}

static ch_status metadata(json *j, const char **out)
{
    blanks(j);
    const char *start = j->at;
    skip_value(j);
    *out = NULL;
    if (j->bad || j->at - start <= 2)
        return CH_OK;
    *out = ch_arena_strn(&j->arena, start, (size_t)(j->at - start), j->err);
    return *out ? CH_OK : CH_E_MEMORY;
}

static ch_status field(json *j, int depth, ch_field *f)
{
    char *key, *name = NULL;
    *f = (ch_field){.nullable = true};
    expect(j, '{');
    do {
        CH_TRY(text(j, &key));
        expect(j, ':');
        if (j->bad)
            return CH_OK;
        if (strcmp(key, "name") == 0)
            CH_TRY(text(j, &name));
        else if (strcmp(key, "type") == 0)
            CH_TRY(value(j, depth + 1, &f->type));
        else if (strcmp(key, "nullable") == 0)
            CH_TRY(boolean(j, &f->nullable));
        else if (strcmp(key, "metadata") == 0)
            CH_TRY(metadata(j, &f->metadata));
        else
            skip_value(j);
    } while (!j->bad && accept(j, ','));
    expect(j, '}');
    f->name = name;
    if (!name || !f->type)
        j->bad = true;
    return CH_OK;
}

static ch_status fields(json *j, int depth, const ch_type **out)
{
    ch_field *list = NULL;
    int32_t n = 0, cap = 0;
    expect(j, '[');
    if (!accept(j, ']')) {
        do {
            if (n == cap) {
                ch_field *more;
                cap = cap ? cap * 2 : 16;
                CH_ARENA_ARRAY(more, &j->arena, cap, j->err);
                if (n)
                    memcpy(more, list, sizeof *more * (size_t)n);
                list = more;
            }
            CH_TRY(field(j, depth, &list[n++]));
        } while (!j->bad && n < FIELDS_MAX && accept(j, ','));
        expect(j, ']');
    }
    if (j->bad)
        return CH_OK;
    *out = ch_type_struct(list, n);
    return *out ? CH_OK : ch_error_memory(j->err, "types", n, 0);
}

/* {"type": "array" ...}: its members, in any order. */
static ch_status object(json *j, int depth, const ch_type **out)
{
    char *key, *kind = NULL;
    const ch_type *element = NULL, *map_key = NULL, *map_value = NULL, *row = NULL, *sql = NULL;
    bool contains_null = true, value_contains_null = true;
    do {
        CH_TRY(text(j, &key));
        expect(j, ':');
        if (j->bad)
            return CH_OK;
        if (strcmp(key, "type") == 0)
            CH_TRY(text(j, &kind));
        else if (strcmp(key, "elementType") == 0)
            CH_TRY(value(j, depth + 1, &element));
        else if (strcmp(key, "keyType") == 0)
            CH_TRY(value(j, depth + 1, &map_key));
        else if (strcmp(key, "valueType") == 0)
            CH_TRY(value(j, depth + 1, &map_value));
        else if (strcmp(key, "sqlType") == 0)
            CH_TRY(value(j, depth + 1, &sql));
        else if (strcmp(key, "containsNull") == 0)
            CH_TRY(boolean(j, &contains_null));
        else if (strcmp(key, "valueContainsNull") == 0)
            CH_TRY(boolean(j, &value_contains_null));
        else if (strcmp(key, "fields") == 0)
            CH_TRY(fields(j, depth + 1, &row));
        else
            skip_value(j);
    } while (!j->bad && accept(j, ','));
    expect(j, '}');
    if (j->bad || !kind)
        return j->bad = true, CH_OK;
    if (strcmp(kind, "struct") == 0)
        *out = row;
    else if (strcmp(kind, "array") == 0 && element)
        *out = ch_type_array(element, contains_null);
    else if (strcmp(kind, "map") == 0 && map_key && map_value)
        *out = ch_type_map(map_key, map_value, value_contains_null);
    else if (strcmp(kind, "udt") == 0)
        *out = sql;
    if (!*out)
        j->bad = true;
    return CH_OK;
}

static ch_status value(json *j, int depth, const ch_type **out)
{
    char *name;
    *out = NULL;
    if (depth > DEPTH_MAX || j->bad)
        return j->bad = true, CH_OK;
    if (accept(j, '{'))
        return object(j, depth, out);
    CH_TRY(text(j, &name));
    if (j->bad)
        return CH_OK;
    if (strcmp(name, "null") == 0 || strcmp(name, "NullType") == 0)
        *out = CH_T_NULL;
    else if (ch_type_parse(name, out, NULL) == CH_E_MEMORY)
        return ch_error_memory(j->err, "types", 0, 0);
    if (!*out)
        j->bad = true;
    return CH_OK;
}

ch_status ch_type_parse_json(const char *json_text, size_t len, const ch_type **out, ch_error *err)
{
    *out = NULL;
    ch_mem *mem = ch_mem_new(NULL, "schema", 0);
    if (!mem)
        return ch_error_memory(err, "schema", (int64_t)len, 0);
    json j = {.at = json_text, .end = json_text + len, .err = err};
    ch_arena_init(&j.arena, mem);
    ch_status status = value(&j, 0, out);
    blanks(&j);
    if (status != CH_OK || j.bad || j.at != j.end)
        *out = NULL;
    ch_arena_release(&j.arena);
    ch_mem_close(mem);
    return status;
}
