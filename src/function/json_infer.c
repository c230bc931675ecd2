/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_infer.c - the schema of JSON text, after Spark's JsonInferSchema.
 *
 *   null < BOOLEAN, BIGINT < DECIMAL < DOUBLE, ARRAY, STRUCT       what has no common type is a STRING
 */
#include <stdlib.h>

#include "function/json_write.h"
#include "type/number.h"

static const ch_type *number_type(const ch_json *json, const ch_json_node *v,
                                  const ch_json_options *o)
{
    const char *text = json->text + v->start;
    int64_t value, digits = 0, scale = 0, from = *text == '-';
    if (v->kind == CH_JSON_INT && ch_parse_i64(text, v->len, false, &value))
        return CH_T_LONG;
    if (v->kind == CH_JSON_FLOAT && !o->prefers_decimal)
        return CH_T_DOUBLE;
    while (from < v->len && text[from] == '0')
        from++;
    for (int64_t i = from; i < v->len; i++) {
        if (text[i] == '.') {
            scale = v->len - i - 1;
            continue;
        }
        if (text[i] < '0' || text[i] > '9')
            return CH_T_DOUBLE;
        digits++;
    }
    if (digits < scale)
        digits = scale;
    return digits > 38 ? CH_T_DOUBLE : ch_type_decimal((int)(digits ? digits : 1), (int)scale);
}

typedef struct member {
    const char *name;
    const ch_type *type;
} member;

static int by_name(const void *x, const void *y)
{
    return strcmp(((const member *)x)->name, ((const member *)y)->name);
}

static const ch_type *struct_of(member *m, int32_t n, ch_arena *arena, ch_error *err)
{
    ch_field *field = ch_arena_alloc(arena, sizeof *field * (size_t)(n + 1), err);
    if (!field)
        return NULL;
    for (int32_t i = 0; i < n; i++)
        field[i] = (ch_field){.name = m[i].name, .type = m[i].type, .nullable = true};
    return ch_type_struct(field, n);
}

static ch_status name_of(const ch_json *json, const ch_json_node *key, ch_arena *arena,
                         const char **out, ch_error *err)
{
    if (!key->escaped) {
        *out = ch_arena_strn(arena, json->text + key->start, (size_t)key->len, err);
        return *out ? CH_OK : CH_E_MEMORY;
    }
    ch_buf name;
    ch_buf_init(&name, arena->mem);
    ch_status status = ch_json_text(json, key, &name, err);
    *out = status == CH_OK ? ch_arena_strn(arena, name.data ? name.data : "", name.len, err) : NULL;
    ch_buf_release(&name);
    return status == CH_OK && !*out ? CH_E_MEMORY : status;
}

static ch_status infer_object(const ch_json *json, int32_t i, const ch_json_options *o,
                              ch_arena *arena, const ch_type **out, ch_error *err)
{
    const ch_json_node *v = ch_json_at(json, i);
    member *m = ch_arena_alloc(arena, sizeof *m * (size_t)(v->len + 1), err);
    int32_t n = 0;
    if (!m)
        return CH_E_MEMORY;
    for (int32_t k = i + 1; k < v->next; n++) {
        CH_TRY(name_of(json, ch_json_at(json, k), arena, &m[n].name, err));
        k = ch_json_at(json, k)->next;
        CH_TRY(ch_json_infer(json, k, o, arena, &m[n].type, err));
        k = ch_json_at(json, k)->next;
    }
    qsort(m, (size_t)n, sizeof *m, by_name);
    /* A name may stand twice: whoever reads columns refuses that. */
    *out = struct_of(m, n, arena, err);
    return *out ? CH_OK : CH_E_MEMORY;
}

/* ---- what a type has already ---- */

static int32_t find_field(const ch_type *t, const char *name, int32_t len)
{
    int32_t low = 0, high = t->n_fields;
    while (low < high) {
        int32_t mid = (low + high) / 2;
        const char *other = t->field[mid].name;
        int32_t other_len = (int32_t)strlen(other);
        int c = memcmp(name, other, (size_t)(len < other_len ? len : other_len));
        c = c ? c : (len > other_len) - (len < other_len);
        if (c == 0)
            return mid;
        if (c > 0)
            low = mid + 1;
        else
            high = mid;
    }
    return -1;
}

/* The same of a name with escapes, which are rare. */
static int32_t find_escaped(const ch_json *json, const ch_json_node *name, const ch_type *t)
{
    for (int32_t f = 0; f < t->n_fields; f++)
        if (ch_json_is(json, name, t->field[f].name, (int64_t)strlen(t->field[f].name)))
            return f;
    return -1;
}

/* seen: a bit for each field, all off. */
static bool fits_fields(const ch_json *json, int32_t i, const ch_json_options *o, const ch_type *t,
                        uint64_t *seen)
{
    int32_t end = ch_json_at(json, i)->next;
    for (int32_t k = i + 1; k < end;) {
        const ch_json_node *name = ch_json_at(json, k);
        int32_t f = name->escaped ? find_escaped(json, name, t)
                                  : find_field(t, json->text + name->start, name->len);
        if (f < 0 || ch_bit_get(seen, f) || !ch_json_fits(json, k + 1, o, t->field[f].type))
            return false;
        ch_bit_set(seen, f);
        k = ch_json_at(json, k + 1)->next;
    }
    return true;
}

static bool fits_struct(const ch_json *json, int32_t i, const ch_json_options *o, const ch_type *t)
{
    uint64_t few[4] = {0};
    if (ch_json_at(json, i)->len > t->n_fields)
        return false;
    if (t->n_fields <= 256)
        return fits_fields(json, i, o, t, few);
    ch_mem *mem = json->nodes.mem;
    size_t bytes = (size_t)ch_bit_bytes(t->n_fields);
    uint64_t *seen = ch_mem_zalloc(mem, bytes, NULL);
    bool fits = seen && fits_fields(json, i, o, t, seen);
    ch_mem_free(mem, seen, bytes);
    return fits;
}

bool ch_json_fits(const ch_json *json, int32_t i, const ch_json_options *o, const ch_type *t)
{
    const ch_json_node *v = ch_json_at(json, i);
    if (v->kind == CH_JSON_NULL || (v->kind == CH_JSON_STRING && !v->len) || t->id == CH_STRING)
        return true;
    if (o->primitives_as_string && v->kind < CH_JSON_ARRAY)
        return false;
    switch (v->kind) {
    case CH_JSON_TRUE:
    case CH_JSON_FALSE:
        return t->id == CH_BOOLEAN;
    case CH_JSON_INT:
    case CH_JSON_FLOAT:
        return t->id == CH_DOUBLE || (ch_type_is_numeric(t) &&
                                      ch_json_widest(t, number_type(json, v, o), NULL, NULL) == t);
    case CH_JSON_OBJECT:
        return t->id == CH_STRUCT && fits_struct(json, i, o, t);
    case CH_JSON_ARRAY:
        break;
    default:
        return false;
    }
    bool fits = t->id == CH_ARRAY;
    for (int32_t k = i + 1; k < v->next && fits; k = ch_json_at(json, k)->next)
        fits = ch_json_fits(json, k, o, t->field[0].type);
    return fits;
}

/* ---- types ---- */

ch_status ch_json_infer(const ch_json *json, int32_t i, const ch_json_options *o, ch_arena *arena,
                        const ch_type **out, ch_error *err)
{
    const ch_json_node *v = ch_json_at(json, i);
    *out = CH_T_NULL;
    switch (v->kind) {
    case CH_JSON_NULL:
        return CH_OK;
    case CH_JSON_STRING:
        *out = v->len ? CH_T_STRING : CH_T_NULL;
        return CH_OK;
    case CH_JSON_TRUE:
    case CH_JSON_FALSE:
        *out = o->primitives_as_string ? CH_T_STRING : CH_T_BOOLEAN;
        return CH_OK;
    case CH_JSON_INT:
    case CH_JSON_FLOAT:
        *out = o->primitives_as_string ? CH_T_STRING : number_type(json, v, o);
        return *out ? CH_OK : CH_E_MEMORY;
    case CH_JSON_OBJECT:
        return infer_object(json, i, o, arena, out, err);
    default:
        break;
    }
    const ch_type *all = CH_T_NULL;
    for (int32_t k = i + 1; k < v->next; k = ch_json_at(json, k)->next) {
        const ch_type *one;
        if (ch_json_fits(json, k, o, all))
            continue;
        CH_TRY(ch_json_infer(json, k, o, arena, &one, err));
        all = ch_json_widest(all, one, arena, err);
        if (!all)
            return CH_E_MEMORY;
    }
    *out = ch_type_array(all, true);
    return *out ? CH_OK : CH_E_MEMORY;
}

static const ch_type *merge_structs(const ch_type *a, const ch_type *b, ch_arena *arena,
                                    ch_error *err)
{
    member *m = ch_arena_alloc(arena, sizeof *m * (size_t)(a->n_fields + b->n_fields + 1), err);
    int32_t n = 0, i = 0, k = 0;
    while (m && (i < a->n_fields || k < b->n_fields)) {
        int c = i == a->n_fields   ? 1
                : k == b->n_fields ? -1
                                   : strcmp(a->field[i].name, b->field[k].name);
        const ch_field *f = c <= 0 ? &a->field[i] : &b->field[k];
        m[n] = (member){f->name, f->type};
        if (c == 0)
            m[n].type = ch_json_widest(a->field[i].type, b->field[k].type, arena, err);
        if (!m[n++].type)
            return NULL;
        i += c <= 0;
        k += c >= 0;
    }
    return m ? struct_of(m, n, arena, err) : NULL;
}

const ch_type *ch_json_widest(const ch_type *a, const ch_type *b, ch_arena *arena, ch_error *err)
{
    if (a == b || b->id == CH_NULL)
        return a;
    if (a->id == CH_NULL)
        return b;
    if (a->id == CH_STRUCT && b->id == CH_STRUCT)
        return merge_structs(a, b, arena, err);
    if (a->id == CH_ARRAY && b->id == CH_ARRAY) {
        const ch_type *t = ch_json_widest(a->field[0].type, b->field[0].type, arena, err);
        return t ? ch_type_array(t, true) : NULL;
    }
    if (!ch_type_is_numeric(a) || !ch_type_is_numeric(b))
        return CH_T_STRING;
    if (a->id == CH_DOUBLE || b->id == CH_DOUBLE)
        return CH_T_DOUBLE;
    int pa = a->id == CH_LONG ? 20 : a->precision, sa = a->id == CH_LONG ? 0 : a->scale;
    int pb = b->id == CH_LONG ? 20 : b->precision, sb = b->id == CH_LONG ? 0 : b->scale;
    int scale = sa > sb ? sa : sb, whole = pa - sa > pb - sb ? pa - sa : pb - sb;
    return whole + scale > 38 ? CH_T_DOUBLE : ch_type_decimal(whole + scale, scale);
}

ch_status ch_json_inferred(const ch_type *t, const ch_json_options *o, ch_arena *arena,
                           const ch_type **out, ch_error *err)
{
    *out = t;
    if (t->id == CH_NULL)
        *out = o->drop_all_null ? NULL : CH_T_STRING;
    if (t->id == CH_ARRAY) {
        CH_TRY(ch_json_inferred(t->field[0].type, o, arena, out, err));
        if (*out && !(*out = ch_type_array(*out, true)))
            return ch_error_memory(err, "types", 0, 0);
    }
    if (t->id != CH_STRUCT)
        return CH_OK;
    member *m = ch_arena_alloc(arena, sizeof *m * (size_t)(t->n_fields + 1), err);
    int32_t n = 0;
    if (!m)
        return CH_E_MEMORY;
    for (int32_t i = 0; i < t->n_fields; i++) {
        m[n].name = t->field[i].name;
        CH_TRY(ch_json_inferred(t->field[i].type, o, arena, &m[n].type, err));
        n += m[n].type && *m[n].name;
    }
    *out = n ? struct_of(m, n, arena, err) : NULL;
    return n && !*out ? CH_E_MEMORY : CH_OK;
}
