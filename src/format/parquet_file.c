/* SPDX-License-Identifier: Apache-2.0 */
/* parquet_file.c - opening, and finding columns: by name or field id, through lists, maps and structs. */
#include "format/parquet_file.h"

#include <stdlib.h>
#include <strings.h>

#define TAIL_BYTES ((int64_t)64 << 10)
#define FOOTER_BYTES 8

/* ---- opening ------------------------------------------------------------------------------- */

static ch_status damaged(const char *path, const char *reason, ch_error *err)
{
    CH_FAIL(err, CORRUPT_FILE, "path", path, "reason", reason);
}

/* file->footer = the last `len` bytes before the file's last 8, which tell len. */
static ch_status read_footer(ch_pq_file *f, uint32_t *len, ch_error *err)
{
    int64_t got, tail = f->bytes < TAIL_BYTES ? f->bytes : TAIL_BYTES;
    uint8_t magic[4] = {0};
    if (f->bytes < 12)
        return damaged(f->path, "it is not a Parquet file: it is too short", err);
    CH_TRY(ch_input_read(f->in, magic, 4, 0, &got, err));
    CH_TRY(ch_buffer_new(f->mem, tail, &f->footer, err));
    CH_TRY(ch_input_read(f->in, f->footer->data, tail, f->bytes - tail, &got, err));
    if (got < tail)
        return damaged(f->path, "it became shorter while it was read", err);
    const uint8_t *end = f->footer->data + tail;
    if (memcmp(end - 4, "PARE", 4) == 0)
        CH_FAIL(err, UNSUPPORTED, "feature", "Reading encrypted Parquet files");
    if (memcmp(end - 4, "PAR1", 4) != 0 || memcmp(magic, "PAR1", 4) != 0)
        return damaged(f->path, "it is not a Parquet file: it does not begin and end with PAR1",
                       err);
    memcpy(len, end - FOOTER_BYTES, 4);
    if (*len > f->bytes - 12)
        return damaged(f->path, "its footer claims to be longer than the file", err);
    f->footer_at = f->bytes - FOOTER_BYTES - *len;
    if (*len <= tail - FOOTER_BYTES)
        return CH_OK;
    ch_buffer_unref(f->footer);
    f->footer = NULL;
    CH_TRY(ch_buffer_new(f->mem, *len + FOOTER_BYTES, &f->footer, err));
    CH_TRY(ch_input_read(f->in, f->footer->data, *len + FOOTER_BYTES, f->footer_at, &got, err));
    return got < *len ? damaged(f->path, "it became shorter while it was read", err) : CH_OK;
}

static const ch_pq_key_value *find_key(const ch_pq_file *f, const char *key)
{
    const ch_pq_key_value *kv = f->meta.key_value.item;
    for (int32_t i = 0; i < f->meta.key_value.n; i++)
        if ((size_t)kv[i].key.len == strlen(key) && memcmp(kv[i].key.text, key, strlen(key)) == 0)
            return &kv[i];
    return NULL;
}

static ch_status check_groups(ch_pq_file *f, ch_error *err)
{
    int64_t rows = 0;
    for (int32_t g = 0; g < f->meta.row_groups.n; g++) {
        const ch_pq_row_group *group = ch_pq_group(f, g);
        if (group->num_rows < 0 || group->num_rows > INT64_MAX - rows)
            return damaged(f->path, "a row group with an impossible number of rows", err);
        if (group->columns.n != f->schema.n_leaves)
            return damaged(f->path, "a row group has not the columns of the schema", err);
        rows += group->num_rows;
    }
    return rows == f->meta.num_rows
               ? CH_OK
               : damaged(f->path, "its row groups have not as many rows as it says", err);
}

static ch_status open_file(ch_pq_file *f, const ch_file *stored, ch_error *err)
{
    uint32_t len = 0;
    CH_TRY(ch_file_open(f->mem, stored, &f->in, err));
    f->bytes = ch_input_bytes(f->in);
    CH_TRY(read_footer(f, &len, err));
    const uint8_t *bytes = f->footer->data + (f->footer->bytes - FOOTER_BYTES - len);
    CH_TRY(ch_thrift_read(&ch_pq_file_meta_thrift, bytes, len, NULL, &f->arena, &f->meta, f->path,
                          err));
    CH_TRY(ch_pq_schema_build(&f->meta, &f->arena, f->path, &f->schema, err));
    CH_TRY(check_groups(f, err));
    const ch_pq_column_order *order = f->meta.column_orders.item;
    f->has_type_order = f->meta.column_orders.n == f->schema.n_leaves;
    for (int32_t i = 0; i < f->meta.column_orders.n; i++)
        f->has_type_order &= ch_thrift_has(&order[i], CH_PQ_TYPE_ORDER);
    /* Spark before 3.0 wrote dates of the hybrid calendar, and later ones say so when they do. */
    const ch_pq_key_value *version = find_key(f, "org.apache.spark.version");
    f->is_old_calendar = (version && version->value.len && version->value.text[0] < '3' &&
                          version->value.text[0] > '0' && version->value.text[1] == '.') ||
                         find_key(f, "org.apache.spark.legacyDateTime");
    return CH_OK;
}

ch_status ch_pq_file_open(ch_mem *mem, const ch_file *stored, ch_pq_file **out, ch_error *err)
{
    *out = NULL;
    ch_pq_file *f = ch_mem_zalloc(mem, sizeof *f, err);
    if (!f)
        return CH_E_MEMORY;
    atomic_init(&f->refs, 1);
    f->mem = mem;
    f->path = stored->path;
    ch_arena_init(&f->arena, mem);
    ch_status status = open_file(f, stored, err);
    if (status == CH_OK)
        *out = f;
    else
        ch_pq_file_unref(f);
    return status;
}

void ch_pq_file_unref(ch_pq_file *f)
{
    if (!f || atomic_fetch_sub_explicit(&f->refs, 1, memory_order_acq_rel) != 1)
        return;
    ch_input_close(f->in);
    ch_buffer_unref(f->footer);
    ch_arena_release(&f->arena);
    ch_mem_free(f->mem, f, sizeof *f);
}

ch_status ch_pq_file_index(ch_pq_file *f, int64_t at, int64_t len, const ch_thrift_struct *of,
                           ch_arena *arena, void **out, ch_error *err)
{
    int64_t got;
    *out = NULL;
    if (at < 4 || len <= 0 || at > f->bytes || len > f->bytes - at)
        return CH_OK;
    char *bytes = ch_arena_alloc(arena, (size_t)len, err);
    void *to = bytes ? ch_arena_alloc(arena, (size_t)of->size, err) : NULL;
    if (!to)
        return CH_E_MEMORY;
    CH_TRY(ch_input_read(f->in, bytes, len, at, &got, err));
    ch_error why = {0};
    ch_status status = ch_thrift_read(of, bytes, (size_t)got, NULL, arena, to, f->path, &why);
    if (status == CH_E_MEMORY)
        return ch_error_pass(err, &why);
    ch_error_release(&why);
    if (status == CH_OK)
        *out = to;
    return CH_OK;
}

/* ---- finding columns ----------------------------------------------------------------------- */

typedef struct binder {
    ch_pq_file *file;
    const ch_pq_read_options *options;
    ch_error *err;
} binder;

static bool field_id(const ch_field *f, int32_t *id)
{
    const char *at = f->metadata ? strstr(f->metadata, "\"" CH_PQ_FIELD_ID_KEY "\"") : NULL;
    if (!at)
        return false;
    at += sizeof CH_PQ_FIELD_ID_KEY + 1;
    at += strspn(at, " \t\n\r:");
    *id = (int32_t)strtol(at, NULL, 10);
    return true;
}

/* The group's field that a Spark field means, or NULL: the first of its name; without case there must be one only. */
static ch_status find(const binder *b, const ch_pq_node *group, const ch_field *f,
                      const ch_pq_node **out)
{
    int32_t id;
    *out = NULL;
    if (b->options->by_field_id && field_id(f, &id)) {
        for (int32_t i = 0; i < group->n_children; i++) {
            const ch_pq_element *e = group->child[i]->element;
            if (ch_thrift_has(e, CH_PQ_ELEMENT_FIELD_ID) && e->field_id == id && !*out)
                *out = group->child[i];
        }
        return CH_OK;
    }
    bool exact = b->options->case_sensitive;
    for (int32_t i = 0; i < group->n_children; i++) {
        const ch_pq_node *c = group->child[i];
        if ((exact ? strcmp(c->name, f->name) : strcasecmp(c->name, f->name)) != 0)
            continue;
        if (*out && !exact)
            CH_FAIL(b->err, PARQUET_AMBIGUOUS, "path", b->file->path, "column", f->name);
        if (!*out)
            *out = c;
    }
    return CH_OK;
}

static ch_status wrong_type(const binder *b, const ch_pq_node *node, const ch_type *type)
{
    ch_buf wanted, actual;
    ch_buf_init(&wanted, b->file->mem);
    ch_buf_init(&actual, b->file->mem);
    ch_status status = ch_type_print(type, &wanted, b->err);
    if (status == CH_OK)
        status = ch_pq_node_print(node, &actual, b->err);
    if (status == CH_OK)
        status = ch_error_set(b->err, CH_E_PARQUET_TYPE_MISMATCH, "path", b->file->path, "column",
                              node->name, "expectedType", wanted.data, "actualType", actual.data,
                              (char *)0);
    ch_buf_release(&wanted);
    ch_buf_release(&actual);
    return status;
}

static ch_status want_leaf(binder *b, const ch_pq_node *node, const ch_type *type, uint8_t slot_def,
                           bool is_top)
{
    ch_pq_file *f = b->file;
    ch_pq_conversion ignored;
    if (!ch_pq_conversion_find(node, type, &ignored))
        return wrong_type(b, node, type);
    if (f->n_wanted == f->cap_wanted) {
        int32_t cap = f->cap_wanted ? f->cap_wanted * 2 : 16;
        ch_pq_wanted *more;
        CH_ARENA_ARRAY(more, &f->arena, cap, b->err);
        if (f->n_wanted)
            memcpy(more, f->wanted, sizeof *more * (size_t)f->n_wanted);
        f->wanted = more;
        f->cap_wanted = cap;
    }
    f->wanted[f->n_wanted++] = (ch_pq_wanted){node, type, slot_def, is_top};
    return CH_OK;
}

/* Where slots of the thing being bound begin: of the innermost list around. */
typedef struct place {
    uint8_t def, rep;
    bool is_top;
} place;

static ch_status bind(binder *b, const ch_pq_node *node, const ch_type *type, place at,
                      ch_pq_shape *out);

/* The fields of a group. If the file has none of them, its first leaf still tells what is NULL. */
static ch_status bind_fields(binder *b, const ch_pq_node *node, const ch_field *field, int32_t n,
                             place at, ch_pq_shape *out)
{
    CH_ARENA_ARRAY(out->child, &b->file->arena, n + 1, b->err);
    out->n_children = n;
    at.is_top = false;
    for (int32_t i = 0; i < n; i++) {
        const ch_pq_node *child;
        CH_TRY(find(b, node, &field[i], &child));
        if (child)
            CH_TRY(bind(b, child, field[i].type, at, &out->child[i]));
        else
            out->child[i] = (ch_pq_shape){.kind = CH_PQ_SHAPE_MISSING, .type = field[i].type};
    }
    if (b->file->n_wanted > out->leaf)
        return CH_OK;
    const ch_pq_node *witness = b->file->schema.leaf[node->leaf];
    const ch_type *own;
    CH_TRY(ch_pq_node_type(witness, &b->options->schema, &own, b->err));
    return want_leaf(b, witness, own, witness->max_rep > at.rep ? UINT8_MAX : at.def, false);
}

static ch_status bind_map(binder *b, const ch_pq_node *node, const ch_type *type, ch_pq_shape *out)
{
    const ch_pq_node *entries;
    if (!ch_pq_map_entries(node, &entries))
        return wrong_type(b, node, type);
    const ch_type *pair = ch_type_struct(type->field, 2);
    if (!pair)
        return ch_error_memory(b->err, "types", 0, 0);
    out->kind = CH_PQ_SHAPE_LIST;
    out->item_def = entries->max_def;
    out->item_rep = entries->max_rep;
    out->n_children = 1;
    CH_ARENA_NEW(out->child, &b->file->arena, b->err);
    ch_pq_shape *item = out->child;
    *item = (ch_pq_shape){.kind = CH_PQ_SHAPE_STRUCT,
                          .type = pair,
                          .slot_def = entries->max_def,
                          .slot_rep = entries->max_rep,
                          .null_def = entries->max_def,
                          .leaf = out->leaf,
                          .n_children = 2};
    CH_ARENA_ARRAY(item->child, &b->file->arena, 2, b->err);
    place at = {entries->max_def, entries->max_rep, false};
    CH_TRY(bind(b, entries->child[0], type->field[0].type, at, &item->child[0]));
    CH_TRY(bind(b, entries->child[1], type->field[1].type, at, &item->child[1]));
    item->n_leaves = b->file->n_wanted - item->leaf;
    return CH_OK;
}

/* bare: a REPEATED node, whose values are the elements; else a LIST group. */
static ch_status bind_list(binder *b, const ch_pq_node *node, const ch_type *type, bool bare,
                           ch_pq_shape *out)
{
    const ch_pq_node *repeated = node, *element = node;
    if (!bare && !ch_pq_list_element(node, &repeated, &element))
        return wrong_type(b, node, type);
    out->kind = CH_PQ_SHAPE_LIST;
    out->item_def = repeated->max_def;
    out->item_rep = repeated->max_rep;
    if (bare)
        out->null_def = out->slot_def;
    out->n_children = 1;
    CH_ARENA_NEW(out->child, &b->file->arena, b->err);
    place at = {repeated->max_def, repeated->max_rep, false};
    return bind(b, element, type->field[0].type, at, out->child);
}

static ch_status bind(binder *b, const ch_pq_node *node, const ch_type *type, place at,
                      ch_pq_shape *out)
{
    static const ch_field VARIANT[2] = {{.name = "value"}, {.name = "metadata"}};
    ch_field variant[2];
    *out = (ch_pq_shape){.type = type,
                         .slot_def = at.def,
                         .slot_rep = at.rep,
                         .null_def = node->max_def,
                         .leaf = b->file->n_wanted};
    /* A repeated field that is not yet the element of a list. */
    bool is_array = node->repetition == CH_PQ_REPEATED && node->max_rep > at.rep;
    if (is_array && type->id != CH_ARRAY)
        return wrong_type(b, node, type);
    if (is_array) {
        CH_TRY(bind_list(b, node, type, true, out));
    } else if (node->n_children == 0) {
        out->kind = CH_PQ_SHAPE_LEAF;
        CH_TRY(want_leaf(b, node, type, at.def, at.is_top));
    } else {
        switch (type->id) {
        case CH_ARRAY:
            /* Elements that are themselves lists carry no annotation in the oldest files. */
            CH_TRY(bind_list(b, node, type, false, out));
            break;
        case CH_MAP:
            CH_TRY(bind_map(b, node, type, out));
            break;
        case CH_STRUCT:
            out->kind = CH_PQ_SHAPE_STRUCT;
            CH_TRY(bind_fields(b, node, type->field, type->n_fields, at, out));
            break;
        case CH_VARIANT:
            if (node->n_children != 2)
                CH_FAIL(b->err, UNSUPPORTED, "feature", "Reading shredded VARIANT values");
            memcpy(variant, VARIANT, sizeof variant);
            variant[0].type = variant[1].type = ch_type_of(CH_BINARY);
            out->kind = CH_PQ_SHAPE_STRUCT;
            CH_TRY(bind_fields(b, node, variant, 2, at, out));
            break;
        default:
            return wrong_type(b, node, type);
        }
    }
    out->n_leaves = b->file->n_wanted - out->leaf;
    return CH_OK;
}

ch_status ch_pq_file_bind(ch_pq_file *file, const ch_type *schema, const int32_t *wanted, int32_t n,
                          const ch_pq_read_options *options, ch_error *err)
{
    binder b = {file, options, err};
    place top = {0, 0, true};
    CH_ARENA_ARRAY(file->shape, &file->arena, n + 1, err);
    for (int32_t i = 0; i < n; i++) {
        const ch_field *field = &schema->field[wanted[i]];
        const ch_pq_node *node;
        CH_TRY(find(&b, file->schema.root, field, &node));
        if (node)
            CH_TRY(bind(&b, node, field->type, top, &file->shape[i]));
        else
            file->shape[i] = (ch_pq_shape){.kind = CH_PQ_SHAPE_MISSING, .type = field->type};
    }
    file->n_shapes = n;
    return CH_OK;
}
