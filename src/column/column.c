/* SPDX-License-Identifier: Apache-2.0 */
/*
 * column.c - making, sharing and dropping columns; scalars in and out.
 *
 * A column's struct and its array of children are one allocation:
 *
 *   ch_column | child[0] .. child[n_child - 1]
 *
 * so n_child never changes after the column was made.
 */
#include "column/column.h"
#include "column/textout.h"

static int32_t n_children(const ch_type *type)
{
    switch (type->id) {
    case CH_ARRAY:
    case CH_MAP:
        return 1;
    case CH_STRUCT:
        return type->n_fields;
    case CH_VARIANT:
        return 2;
    default:
        return 0;
    }
}

/* Type of child c: a map's only child is the struct of key and value. NULL: no memory. */
static const ch_type *child_type(const ch_type *type, int32_t c)
{
    if (type->id == CH_MAP)
        return ch_type_struct(type->field, 2);
    return type->id == CH_VARIANT ? ch_type_of(CH_BINARY) : type->field[c].type;
}

static int64_t data_bytes(const ch_type *type, int64_t rows)
{
    switch (type->id) {
    case CH_NULL:
    case CH_STRUCT:
    case CH_VARIANT:
        return 0;
    case CH_BOOLEAN:
        return ch_bit_bytes(rows);
    case CH_ARRAY:
    case CH_MAP:
        return (rows + 1) * (int64_t)sizeof(int32_t);
    default:
        return rows * ch_type_width(type);
    }
}

static size_t struct_bytes(int32_t n_child)
{
    return sizeof(ch_column) + sizeof(ch_column *) * (size_t)n_child;
}

/* A column without any buffers. */
static ch_status new_bare(ch_mem *mem, const ch_type *type, ch_encoding encoding, int64_t rows,
                          int32_t n_child, ch_column **out, ch_error *err)
{
    *out = NULL;
    ch_column *c = ch_mem_zalloc(mem, struct_bytes(n_child), err);
    if (!c)
        return CH_E_MEMORY;
    c->type = type;
    c->encoding = encoding;
    atomic_init(&c->refs, 1);
    c->rows = rows;
    c->mem = mem;
    c->n_child = n_child;
    c->child = (ch_column **)(c + 1);
    *out = c;
    return CH_OK;
}

ch_status ch_column_new(ch_mem *mem, const ch_type *type, int64_t rows, ch_column **out,
                        ch_error *err)
{
    CH_TRY(new_bare(mem, type, CH_FLAT, rows, n_children(type), out, err));
    int64_t bytes = data_bytes(type, rows);
    if (type->id == CH_NULL || type->id == CH_STRUCT || type->id == CH_VARIANT)
        return CH_OK;
    ch_column *c = *out;
    if (ch_buffer_new(mem, bytes, &c->data_buf, err) != CH_OK) {
        ch_column_unref(c);
        *out = NULL;
        return CH_E_MEMORY;
    }
    c->data = c->data_buf->data;
    if (type->id == CH_ARRAY || type->id == CH_MAP)
        *(int32_t *)c->data = 0;
    return CH_OK;
}

void ch_column_unref(ch_column *c)
{
    if (!c || atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) != 1)
        return;
    ch_buffer_unref(c->valid_buf);
    ch_buffer_unref(c->data_buf);
    for (int32_t i = 0; i < c->n_text; i++)
        ch_buffer_unref(c->text[i]);
    ch_mem_free(c->mem, c->text, sizeof *c->text * (size_t)c->cap_text);
    for (int32_t i = 0; i < c->n_child; i++)
        ch_column_unref(c->child[i]);
    ch_mem_free(c->mem, c, struct_bytes(c->n_child));
}

ch_status ch_column_need_valid(ch_column *c, ch_error *err)
{
    if (c->valid)
        return CH_OK;
    int64_t slots = c->encoding == CH_CONST ? 1 : c->rows;
    CH_TRY(ch_buffer_new(c->mem, ch_bit_bytes(slots), &c->valid_buf, err));
    c->valid = (uint64_t *)(void *)c->valid_buf->data;
    ch_bits_fill(c->valid, slots, true);
    return CH_OK;
}

/* ---- text buffers ----------------------------------------------------------------------- */

static ch_status text_room(ch_column *c, int32_t more, ch_error *err)
{
    if (c->n_text + more <= c->cap_text)
        return CH_OK;
    int32_t cap = c->cap_text ? c->cap_text * 2 : 2;
    if (cap < c->n_text + more)
        cap = c->n_text + more;
    ch_buffer **text = ch_mem_alloc(c->mem, sizeof *text * (size_t)cap, err);
    if (!text)
        return CH_E_MEMORY;
    if (c->n_text)
        memcpy(text, c->text, sizeof *text * (size_t)c->n_text);
    ch_mem_free(c->mem, c->text, sizeof *text * (size_t)c->cap_text);
    c->text = text;
    c->cap_text = cap;
    return CH_OK;
}

ch_status ch_column_add_text(ch_column *c, ch_buffer *text, int32_t *buf_idx, ch_error *err)
{
    if (text_room(c, 1, err) != CH_OK) {
        ch_buffer_unref(text);
        return CH_E_MEMORY;
    }
    *buf_idx = c->n_text;
    c->text[c->n_text++] = text;
    return CH_OK;
}

ch_status ch_column_share_text(ch_column *c, const ch_column *from, int32_t *base, ch_error *err)
{
    /* Batches cut from one block of input share its buffers: do not list them again and again. */
    int32_t n = from->n_text;
    *base = c->n_text - n;
    if (*base >= 0 &&
        (n == 0 || memcmp(c->text + *base, from->text, sizeof *c->text * (size_t)n) == 0))
        return CH_OK;
    CH_TRY(text_room(c, n, err));
    *base = c->n_text;
    for (int32_t i = 0; i < n; i++)
        c->text[c->n_text++] = ch_buffer_ref(from->text[i]);
    return CH_OK;
}

/* ---- second handles --------------------------------------------------------------------- */

ch_status ch_column_share(ch_mem *mem, const ch_column *in, int64_t rows, ch_column **out,
                          ch_error *err)
{
    CH_TRY(new_bare(mem, in->type, in->encoding, rows, in->n_child, out, err));
    ch_column *c = *out;
    int32_t base;
    if (in->n_text && ch_column_share_text(c, in, &base, err) != CH_OK) {
        ch_column_unref(c);
        *out = NULL;
        return CH_E_MEMORY;
    }
    c->valid_buf = ch_buffer_ref(in->valid_buf);
    c->valid = in->valid;
    c->data_buf = ch_buffer_ref(in->data_buf);
    c->data = in->data;
    ch_status status = CH_OK;
    for (int32_t i = 0; i < in->n_child && status == CH_OK; i++) {
        /* A struct's children are as long as the struct. */
        bool shorter = in->encoding == CH_FLAT && rows != in->rows &&
                       (in->type->id == CH_STRUCT || in->type->id == CH_VARIANT);
        if (shorter)
            status = ch_column_share(mem, in->child[i], rows, &c->child[i], err);
        else
            c->child[i] = in->child[i] ? ch_column_ref(in->child[i]) : NULL;
    }
    if (status != CH_OK) {
        ch_column_unref(c);
        *out = NULL;
    }
    return status;
}

ch_status ch_column_retype(ch_mem *mem, const ch_column *in, const ch_type *type, ch_column **out,
                           ch_error *err)
{
    CH_TRY(ch_column_share(mem, in, in->rows, out, err));
    ch_column *c = *out;
    c->type = type;
    for (int32_t i = 0; i < c->n_child; i++) {
        const ch_type *inner = c->encoding == CH_DICT ? type : child_type(type, i);
        ch_column *child = c->child[i];
        if (inner && (!child || child->type == inner))
            continue;
        c->child[i] = NULL;
        ch_status status = inner ? ch_column_retype(mem, child, inner, &c->child[i], err)
                                 : ch_error_memory(err, ch_mem_name(mem), 0, ch_mem_limit(mem));
        ch_column_unref(child);
        if (status != CH_OK) {
            ch_column_unref(c);
            *out = NULL;
            return status;
        }
    }
    return CH_OK;
}

ch_status ch_column_dict(ch_mem *mem, ch_buffer *index, ch_buffer *valid, ch_column *dictionary,
                         int64_t rows, ch_column **out, ch_error *err)
{
    if (new_bare(mem, dictionary->type, CH_DICT, rows, 1, out, err) != CH_OK) {
        ch_buffer_unref(index);
        ch_buffer_unref(valid);
        return CH_E_MEMORY;
    }
    ch_column *c = *out;
    c->data_buf = index;
    c->data = index->data;
    c->valid_buf = valid;
    c->valid = valid ? (uint64_t *)(void *)valid->data : NULL;
    c->child[0] = ch_column_ref(dictionary);
    return CH_OK;
}

/* ---- NULLs and scalars ------------------------------------------------------------------ */

ch_status ch_column_flat_nulls(ch_mem *mem, const ch_type *type, int64_t rows, ch_column **out,
                               ch_error *err)
{
    CH_TRY(ch_column_new(mem, type, rows, out, err));
    ch_column *c = *out;
    ch_status status = CH_OK;
    if (c->data)
        memset(c->data, 0, (size_t)data_bytes(type, rows));
    if (rows && type->id != CH_NULL) {
        CH_TRY_OUT(ch_column_need_valid(c, err));
        ch_bits_fill(c->valid, rows, false);
    }
    bool is_list = type->id == CH_ARRAY || type->id == CH_MAP;
    for (int32_t i = 0; i < c->n_child; i++) {
        const ch_type *inner = child_type(type, i);
        if (!inner) {
            status = ch_error_memory(err, ch_mem_name(mem), 0, ch_mem_limit(mem));
            goto out;
        }
        CH_TRY_OUT(ch_column_flat_nulls(mem, inner, is_list ? 0 : rows, &c->child[i], err));
    }
out:
    if (status != CH_OK) {
        ch_column_unref(c);
        *out = NULL;
    }
    return status;
}

ch_status ch_column_nulls(ch_mem *mem, const ch_type *type, int64_t rows, ch_column **out,
                          ch_error *err)
{
    CH_TRY(ch_column_flat_nulls(mem, type, 1, out, err));
    (*out)->encoding = CH_CONST;
    (*out)->rows = rows;
    return CH_OK;
}

static void put_fixed(void *data, const ch_type *type, int64_t i, const ch_scalar *s)
{
    switch (type->id) {
    case CH_BOOLEAN:
        ch_bit_put(data, i, s->v.boolean);
        break;
    case CH_FLOAT:
        ((float *)data)[i] = (float)s->v.f64;
        break;
    case CH_DOUBLE:
        ((double *)data)[i] = s->v.f64;
        break;
    case CH_CALENDAR_INTERVAL:
        ((ch_interval *)data)[i] = s->v.interval;
        break;
    default:
        switch (ch_type_width(type)) {
        case 1:
            ((int8_t *)data)[i] = (int8_t)s->v.i64;
            break;
        case 2:
            ((int16_t *)data)[i] = (int16_t)s->v.i64;
            break;
        case 4:
            ((int32_t *)data)[i] = (int32_t)s->v.i64;
            break;
        case 8:
            ((int64_t *)data)[i] = s->v.i64;
            break;
        case 16:
            ((ch_i128 *)data)[i] = s->v.i128;
            break;
        }
    }
}

/* Children of c, a column of lists or structs, out of the items of its n values. */
static ch_status put_items(ch_column *c, const ch_scalar *const *value, int64_t n, ch_error *err)
{
    static const ch_scalar null_item = {.is_null = true};
    const ch_type *type = c->type;
    bool is_list = type->id == CH_ARRAY, is_map = type->id == CH_MAP;
    int32_t fields = is_map ? 2 : is_list ? 1 : c->n_child;
    int64_t n_items = 0;

    if (is_list || is_map) {
        int32_t *offset = c->data;
        for (int64_t i = 0; i < n; i++) {
            n_items += value[i]->is_null ? 0 : value[i]->v.list.n / fields;
            if (n_items > INT32_MAX)
                return ch_error_memory(err, "elements of one column", n_items, INT32_MAX);
            offset[i + 1] = (int32_t)n_items;
        }
    } else {
        n_items = n;
    }

    ch_column *const parent = c;
    if (is_map) { /* the keys and values hang below the struct of entries */
        const ch_type *entry = child_type(type, 0);
        if (!entry)
            return ch_error_memory(err, ch_mem_name(c->mem), 0, ch_mem_limit(c->mem));
        CH_TRY(ch_column_new(c->mem, entry, n_items, &parent->child[0], err));
        c = parent->child[0];
    }
    size_t bytes = sizeof(ch_scalar *) * (size_t)n_items;
    const ch_scalar **item = ch_mem_alloc(c->mem, bytes, err);
    if (!item)
        return CH_E_MEMORY;
    ch_status status = CH_OK;
    for (int32_t f = 0; f < fields; f++) {
        int64_t k = 0;
        for (int64_t i = 0; i < n; i++) {
            const ch_scalar *v = value[i];
            if (is_list || is_map) {
                for (int64_t j = f; !v->is_null && j < v->v.list.n; j += fields)
                    item[k++] = &v->v.list.item[j];
            } else {
                item[k++] = v->is_null ? &null_item : &v->v.list.item[f];
            }
        }
        CH_TRY_OUT(ch_column_scalars(c->mem, child_type(c->type, f), item, k, &c->child[f], err));
    }
out:
    ch_mem_free(c->mem, item, bytes);
    return status;
}

ch_status ch_column_scalars(ch_mem *mem, const ch_type *type, const ch_scalar *const *value,
                            int64_t n, ch_column **out, ch_error *err)
{
    CH_TRY(ch_column_new(mem, type, n, out, err));
    ch_column *c = *out;
    ch_status status = CH_OK;
    if (type->id == CH_NULL)
        return CH_OK;
    for (int64_t i = 0; i < n; i++) {
        if (!value[i]->is_null)
            continue;
        CH_TRY_OUT(ch_column_need_valid(c, err));
        ch_bit_clear(c->valid, i);
    }
    if (c->n_child) {
        CH_TRY_OUT(put_items(c, value, n, err));
    } else if (ch_type_is_view(type)) {
        ch_textout w;
        ch_textout_init(&w, c);
        for (int64_t i = 0; i < n; i++) {
            if (value[i]->is_null)
                ch_textout_empty(&w, i);
            else
                CH_TRY_OUT(ch_textout_put(&w, i, value[i]->v.str.text, value[i]->v.str.len, err));
        }
    } else if (type->id != CH_STRUCT) {
        static const ch_scalar zero;
        for (int64_t i = 0; i < n; i++)
            put_fixed(c->data, type, i, value[i]->is_null ? &zero : value[i]);
    }
out:
    if (status != CH_OK) {
        ch_column_unref(c);
        *out = NULL;
    }
    return status;
}

ch_status ch_column_const(ch_mem *mem, const ch_scalar *value, int64_t rows, ch_column **out,
                          ch_error *err)
{
    CH_TRY(ch_column_scalars(mem, value->type, &value, 1, out, err));
    (*out)->encoding = CH_CONST;
    (*out)->rows = rows;
    return CH_OK;
}

ch_status ch_column_scalar(const ch_column *c, int64_t i, ch_arena *arena, ch_scalar *out,
                           ch_error *err)
{
    *out = (ch_scalar){.type = c->type, .is_null = ch_column_is_null(c, i)};
    if (out->is_null)
        return CH_OK;
    int64_t s = ch_column_slot(c, i);
    c = ch_column_values(c);
    const ch_type *type = c->type;
    switch (type->id) {
    case CH_NULL:
        break;
    case CH_BOOLEAN:
        out->v.boolean = ch_bit_get(c->data, s);
        break;
    case CH_FLOAT:
        out->v.f64 = (double)((const float *)c->data)[s];
        break;
    case CH_DOUBLE:
        out->v.f64 = ((const double *)c->data)[s];
        break;
    case CH_CALENDAR_INTERVAL:
        out->v.interval = ((const ch_interval *)c->data)[s];
        break;
    case CH_STRING:
    case CH_CHAR:
    case CH_VARCHAR:
    case CH_BINARY: {
        ch_str str = ch_column_str(c, s);
        out->v.str.text = str.text;
        out->v.str.len = str.len;
        break;
    }
    case CH_ARRAY:
    case CH_MAP:
    case CH_STRUCT:
    case CH_VARIANT: {
        bool is_list = type->id == CH_ARRAY, is_map = type->id == CH_MAP;
        const int32_t *offset = c->data;
        const ch_column *parent = is_map ? c->child[0] : c;
        int64_t from = is_list || is_map ? offset[s] : s;
        int64_t n = is_list || is_map ? offset[s + 1] - offset[s] : 1;
        int64_t fields = parent->n_child;
        ch_scalar *item;
        CH_ARENA_ARRAY(item, arena, n * fields + 1, err);
        for (int64_t k = 0; k < n * fields; k++)
            CH_TRY(ch_column_scalar(parent->child[k % fields], from + k / fields, arena, &item[k],
                                    err));
        out->v.list.item = item;
        out->v.list.n = n * fields;
        break;
    }
    default:
        switch (ch_type_width(type)) {
        case 1:
            out->v.i64 = ((const int8_t *)c->data)[s];
            break;
        case 2:
            out->v.i64 = ((const int16_t *)c->data)[s];
            break;
        case 4:
            out->v.i64 = ((const int32_t *)c->data)[s];
            break;
        case 8:
            out->v.i64 = ((const int64_t *)c->data)[s];
            break;
        case 16:
            out->v.i128 = ((const ch_i128 *)c->data)[s];
            break;
        }
    }
    return CH_OK;
}

int64_t ch_column_bytes(const ch_column *c)
{
    if (!c)
        return 0;
    int64_t bytes = (int64_t)struct_bytes(c->n_child);
    bytes += c->valid_buf ? c->valid_buf->bytes : 0;
    bytes += c->data_buf ? c->data_buf->bytes : 0;
    for (int32_t i = 0; i < c->n_text; i++)
        bytes += c->text[i]->bytes;
    for (int32_t i = 0; i < c->n_child; i++)
        bytes += ch_column_bytes(c->child[i]);
    return bytes;
}
