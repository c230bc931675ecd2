/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parquet_write.c - a Parquet file from batches.
 *
 *   PAR1 │ row group: chunk of column 0 │ chunk of column 1 ... │ row group ... │
 *        │ bloom filters │ column indexes │ offset indexes │ footer │ its length │ PAR1
 *
 * A row group's pages wait in memory, encoded and compressed, until the group is large enough
 * (parquet.block.size, parquet.block.row.count.limit) or memory is tight.
 */
#include "format/parquet_write.h"

#include <string.h>

#include "column/take.h"
#include "format/parquet_write_leaf.h"
#include "format/parquet_write_shred.h"
#include "type/type_json.h"

#define MAGIC "PAR1"
#define CREATED_BY "chert version " CHERT_VERSION " (build 0)"
#define SPARK_VERSION "4.0.0" /* whose calendar the dates follow; Spark looks at it */
#define NESTED_ROWS 512       /* shredded at once */
#define TIGHT_BYTES ((int64_t)4 << 20)

/* A leaf, and the way to it from its top-level column. */
typedef struct leaf_column {
    ch_pqw_leaf leaf;
    int32_t column;
    ch_pqw_path path;
    ch_thrift_list names; /* ch_thrift_bytes */
} leaf_column;

/* What is written behind the row groups. */
typedef struct chunk_end {
    ch_pq_chunk *chunk;
    ch_pqw_chunk_place place;
} chunk_end;

typedef struct pq_writer {
    ch_mem *mem;
    ch_arena arena;
    const ch_type *schema;
    ch_pqw_writing writing;
    ch_pq_file_meta meta;
    leaf_column *leaf;
    int32_t n_leaves;
    ch_block block;
    ch_output *file;
    ch_pqw_entries entries;
    int64_t group_rows;
    ch_pq_row_group *group;
    int32_t n_groups, cap_groups;
    chunk_end *end;
    int32_t n_ends, cap_ends;
} pq_writer;

/* ---- leaves --------------------------------------------------------------------------------------- */

typedef struct leaf_maker {
    pq_writer *w;
    const ch_pq_schema *tree;
    ch_pqw_step step[CH_PQ_DEPTH_MAX];
    int32_t depth, column, n;
} leaf_maker;

static void choose_conversion(const ch_type *type, const ch_pq_node *node, ch_pqw_leaf_spec *s)
{
    static const int WIDTH[CH_PQ_N_TYPES] = {1, 4, 8, 12, 4, 8, 0, 0};
    s->physical = (ch_pq_type)node->element->type;
    s->width = s->physical == CH_PQ_FIXED ? node->element->type_length : WIDTH[s->physical];
    static const ch_pqw_compare COMPARE[CH_PQ_N_TYPES] = {
        CH_PQW_CMP_BOOL, CH_PQW_CMP_I32, CH_PQW_CMP_I64,   CH_PQW_CMP_NONE,
        CH_PQW_CMP_F32,  CH_PQW_CMP_F64, CH_PQW_CMP_BYTES, CH_PQW_CMP_SIGNED_BYTES};
    s->compare = COMPARE[s->physical];
    s->is_text = ch_type_is_string(type);
    s->conversion = CH_PQW_SAME;
    switch (type->id) {
    case CH_BOOLEAN:
        s->conversion = CH_PQW_BOOL;
        break;
    case CH_BYTE:
        s->conversion = CH_PQW_I8;
        break;
    case CH_SHORT:
        s->conversion = CH_PQW_I16;
        break;
    case CH_TIME:
        s->conversion = CH_PQW_NANOS;
        break;
    case CH_TIMESTAMP:
        if (s->physical == CH_PQ_INT96)
            s->conversion = CH_PQW_INT96;
        else if (node->note.unit == CH_PQ_UNIT_MILLIS)
            s->conversion = CH_PQW_MILLIS;
        break;
    case CH_DECIMAL:
        if (s->physical == CH_PQ_INT32)
            s->conversion = CH_PQW_NARROW;
        else if (s->physical == CH_PQ_FIXED)
            s->conversion = ch_type_is_wide_decimal(type) ? CH_PQW_FIXED_I128 : CH_PQW_FIXED_I64;
        break;
    default:
        if (ch_type_is_view(type))
            s->conversion = CH_PQW_TEXT;
    }
}

static ch_status names_of(const ch_pq_node *node, ch_arena *arena, ch_thrift_list *out,
                          ch_error *err)
{
    int32_t n = 0;
    ch_thrift_bytes *name;
    for (const ch_pq_node *p = node; p->parent; p = p->parent)
        n++;
    CH_ARENA_ARRAY(name, arena, n, err);
    *out = (ch_thrift_list){name, n};
    for (const ch_pq_node *p = node; p->parent; p = p->parent)
        name[--n] = p->element->name;
    return CH_OK;
}

static ch_status make_leaf(leaf_maker *m, const ch_type *type, bool optional, ch_error *err)
{
    pq_writer *w = m->w;
    const ch_pqw_writing *o = &w->writing;
    const ch_pq_node *node = m->tree->leaf[m->n];
    leaf_column *c = &w->leaf[m->n++];
    ch_pqw_step *step;
    ch_pqw_leaf_spec s = {.max_def = node->max_def,
                          .max_rep = node->max_rep,
                          .v2 = o->v2,
                          .crc = o->crc,
                          .statistics = o->statistics,
                          .page_bytes = o->page_bytes,
                          .page_rows = o->page_rows,
                          .dictionary_bytes = o->dictionary_bytes,
                          .bound_bytes = o->bound_bytes,
                          .codec = o->codec,
                          .level = o->level,
                          .block = &w->block};
    choose_conversion(type, node, &s);
    const char *path = ch_pq_node_path(node, &w->arena, err);
    if (!path)
        return CH_E_MEMORY;
    CH_TRY(ch_pqw_writing_column(o, path, s.physical, &s.dictionary, &s.encoding, &s.bloom_bytes,
                                 err));
    CH_TRY(names_of(node, &w->arena, &c->names, err));
    CH_ARENA_ARRAY(step, &w->arena, m->depth + 1, err);
    if (m->depth)
        memcpy(step, m->step, sizeof *step * (size_t)m->depth);
    c->column = m->column;
    c->path = (ch_pqw_path){step, m->depth, optional};
    ch_pqw_leaf_init(&c->leaf, &s, w->mem);
    w->n_leaves = m->n;
    return CH_OK;
}

static ch_status make_leaves(leaf_maker *m, const ch_type *type, bool optional, ch_error *err);

static ch_status go_down(leaf_maker *m, ch_pqw_step_kind kind, int32_t field, bool step_optional,
                         const ch_type *type, bool optional, ch_error *err)
{
    if (m->depth == CH_PQ_DEPTH_MAX)
        CH_FAIL(err, UNSUPPORTED, "feature", "A type nested this deep");
    m->step[m->depth++] = (ch_pqw_step){kind, field, step_optional};
    CH_TRY(make_leaves(m, type, optional, err));
    m->depth--;
    return CH_OK;
}

/* In the order of the schema's leaves. */
static ch_status make_leaves(leaf_maker *m, const ch_type *type, bool optional, ch_error *err)
{
    switch (type->id) {
    case CH_STRUCT:
        for (int32_t i = 0; i < type->n_fields; i++)
            CH_TRY(go_down(m, CH_PQW_STEP_FIELD, i, optional, type->field[i].type,
                           type->field[i].nullable, err));
        return CH_OK;
    case CH_ARRAY:
        return go_down(m, CH_PQW_STEP_LIST, 0, optional, type->field[0].type,
                       type->field[0].nullable, err);
    case CH_MAP:
        CH_TRY(go_down(m, CH_PQW_STEP_ENTRY, 0, optional, type->field[0].type, false, err));
        return go_down(m, CH_PQW_STEP_ENTRY, 1, optional, type->field[1].type,
                       type->field[1].nullable, err);
    case CH_VARIANT:
        for (int32_t i = 0; i < 2; i++)
            CH_TRY(go_down(m, CH_PQW_STEP_FIELD, i, optional, ch_type_of(CH_BINARY), false, err));
        return CH_OK;
    default:
        return make_leaf(m, type, optional, err);
    }
}

/* ---- row groups ----------------------------------------------------------------------------------- */

static ch_status grow(ch_arena *arena, void **items, int32_t n, int32_t *cap, size_t size,
                      ch_error *err)
{
    if (n < *cap)
        return CH_OK;
    int32_t more = *cap ? *cap * 2 : 16;
    void *bigger = ch_arena_alloc(arena, size * (size_t)more, err);
    if (!bigger)
        return CH_E_MEMORY;
    if (n)
        memcpy(bigger, *items, size * (size_t)n);
    *items = bigger;
    *cap = more;
    return CH_OK;
}

static ch_status flush_leaf(pq_writer *w, leaf_column *c, ch_pq_chunk *chunk, ch_error *err)
{
    ch_pq_column_meta *meta;
    CH_ARENA_NEW(meta, &w->arena, err);
    CH_TRY(grow(&w->arena, (void **)&w->end, w->n_ends, &w->cap_ends, sizeof *w->end, err));
    chunk_end *end = &w->end[w->n_ends++];
    *end = (chunk_end){.chunk = chunk};
    ch_buf_init(&end->place.column_index, w->mem);
    ch_buf_init(&end->place.offset_index, w->mem);
    ch_buf_init(&end->place.bloom, w->mem);
    chunk->meta = meta;
    meta->path = c->names;
    return ch_pqw_leaf_flush(&c->leaf, w->file, &w->arena, meta, &end->place, err);
}

static ch_status flush_group(pq_writer *w, ch_error *err)
{
    ch_pq_chunk *chunk;
    if (w->group_rows == 0)
        return CH_OK;
    CH_TRY(grow(&w->arena, (void **)&w->group, w->n_groups, &w->cap_groups, sizeof *w->group, err));
    CH_ARENA_ARRAY(chunk, &w->arena, w->n_leaves, err);
    ch_pq_row_group *group = &w->group[w->n_groups];
    *group = (ch_pq_row_group){.columns = {chunk, w->n_leaves},
                               .num_rows = w->group_rows,
                               .file_offset = ch_output_bytes(w->file),
                               .ordinal = (int16_t)w->n_groups};
    for (int32_t i = 0; i < w->n_leaves; i++) {
        CH_TRY(flush_leaf(w, &w->leaf[i], &chunk[i], err));
        group->total_bytes += chunk[i].meta->uncompressed_bytes;
        group->compressed_bytes += chunk[i].meta->compressed_bytes;
    }
    ch_thrift_set(group, CH_PQ_GROUP_FILE_OFFSET);
    ch_thrift_set(group, CH_PQ_GROUP_COMPRESSED);
    if (w->n_groups <= INT16_MAX)
        ch_thrift_set(group, CH_PQ_GROUP_ORDINAL);
    w->n_groups++;
    w->meta.num_rows += w->group_rows;
    w->group_rows = 0;
    return CH_OK;
}

static bool group_is_full(const pq_writer *w)
{
    int64_t bytes = 0;
    if (w->group_rows >= w->writing.block_rows)
        return true;
    for (int32_t i = 0; i < w->n_leaves; i++)
        bytes += ch_pqw_leaf_bytes(&w->leaf[i].leaf);
    if (bytes >= w->writing.block_bytes)
        return true;
    /* A smaller group is better than none. */
    int64_t spare = ch_mem_limit(w->mem) / 4;
    spare = (spare > TIGHT_BYTES * 4 ? TIGHT_BYTES * 4 : spare) + bytes / 4;
    return bytes > TIGHT_BYTES / 8 && ch_mem_available(w->mem) < spare;
}

/* ---- rows ----------------------------------------------------------------------------------------- */

static ch_status write_nested(pq_writer *w, leaf_column *c, const ch_column *column, ch_error *err)
{
    ch_pqw_entries *e = &w->entries;
    for (int64_t from = 0; from < column->rows; from += NESTED_ROWS) {
        int64_t left = column->rows - from, n = left < NESTED_ROWS ? left : NESTED_ROWS;
        const ch_column *values;
        CH_TRY(ch_pqw_shred(column, from, n, &c->path, e, &values, err));
        CH_TRY(ch_pqw_leaf_add_nested(&c->leaf, values, (const int32_t *)(const void *)e->slot.data,
                                      e->n_values, (const uint8_t *)e->def.data,
                                      (const uint8_t *)e->rep.data, e->n, n, err));
    }
    return CH_OK;
}

static ch_status write_rows(pq_writer *w, ch_batch *batch, ch_error *err)
{
    for (int32_t i = 0; i < w->n_leaves;) {
        int32_t at = w->leaf[i].column;
        ch_column *column, *flat = NULL;
        CH_TRY(ch_batch_column(batch, at, &column, err));
        ch_status status = CH_OK;
        if (w->leaf[i].path.n == 0) {
            CH_TRY(ch_pqw_leaf_add(&w->leaf[i++].leaf, column, batch->n, err));
            continue;
        }
        status = ch_flatten(column, w->mem, &flat, err);
        for (; i < w->n_leaves && w->leaf[i].column == at && status == CH_OK; i++)
            status = write_nested(w, &w->leaf[i], flat, err);
        ch_column_unref(flat);
        CH_TRY(status);
    }
    w->group_rows += batch->n;
    return CH_OK;
}

ch_status ch_pqw_write(ch_file_writer *writer, ch_batch *batch, ch_error *err)
{
    pq_writer *w = (pq_writer *)writer;
    for (int64_t from = 0, n; from < batch->n; from += n) {
        int64_t left = w->writing.block_rows - w->group_rows;
        n = batch->n - from < left ? batch->n - from : left;
        if (n == batch->n) {
            CH_TRY(write_rows(w, batch, err));
        } else {
            ch_batch some;
            ch_status status = ch_batch_copy(batch, &some, err);
            if (status == CH_OK)
                status = ch_batch_slice(&some, from, n, err);
            if (status == CH_OK)
                status = write_rows(w, &some, err);
            ch_batch_release(&some);
            CH_TRY(status);
        }
        if (group_is_full(w))
            CH_TRY(flush_group(w, err));
    }
    return CH_OK;
}

/* ---- beginning and end ---------------------------------------------------------------------------- */

static void writer_free(pq_writer *w)
{
    for (int32_t i = 0; i < w->n_leaves; i++)
        ch_pqw_leaf_release(&w->leaf[i].leaf);
    for (int32_t i = 0; i < w->n_ends; i++) {
        ch_buf_release(&w->end[i].place.column_index);
        ch_buf_release(&w->end[i].place.offset_index);
        ch_buf_release(&w->end[i].place.bloom);
    }
    ch_pqw_entries_release(&w->entries);
    ch_block_release(&w->block);
    ch_arena_release(&w->arena);
    ch_mem_free(w->mem, w, sizeof *w);
}

static ch_status key_value(pq_writer *w, ch_pq_key_value *to, const char *key, const char *value,
                           size_t len, ch_error *err)
{
    char *copy = ch_arena_strn(&w->arena, value, len, err);
    if (!copy)
        return CH_E_MEMORY;
    to->key = (ch_thrift_bytes){key, (int64_t)strlen(key)};
    to->value = (ch_thrift_bytes){copy, (int64_t)len};
    ch_thrift_set(to, CH_PQ_KEY);
    ch_thrift_set(to, CH_PQ_VALUE);
    return CH_OK;
}

static ch_status describe(pq_writer *w, ch_error *err)
{
    ch_pq_key_value *pair;
    ch_pq_column_order *order;
    ch_buf json;
    CH_ARENA_ARRAY(pair, &w->arena, 2, err);
    CH_ARENA_ARRAY(order, &w->arena, w->n_leaves, err);
    ch_buf_init(&json, w->mem);
    ch_status status = ch_type_print_json(w->schema, &json, err);
    if (status == CH_OK)
        status = key_value(w, &pair[1], CH_PQ_SPARK_KEY, json.data, json.len, err);
    ch_buf_release(&json);
    CH_TRY(status);
    CH_TRY(key_value(w, &pair[0], "org.apache.spark.version", SPARK_VERSION,
                     sizeof SPARK_VERSION - 1, err));
    for (int32_t i = 0; i < w->n_leaves; i++)
        ch_thrift_set(&order[i], CH_PQ_TYPE_ORDER);
    w->meta.version = w->writing.v2 ? 2 : 1;
    w->meta.key_value = (ch_thrift_list){pair, 2};
    w->meta.created_by = (ch_thrift_bytes){CREATED_BY, sizeof CREATED_BY - 1};
    w->meta.column_orders = (ch_thrift_list){order, w->n_leaves};
    ch_thrift_set(&w->meta, CH_PQ_FILE_CREATED_BY);
    return CH_OK;
}

/* Little memory makes small pages and dictionaries: every leaf of every worker's file has its own. */
static void fit_memory(pq_writer *w, int n_slots, int32_t n_leaves)
{
    enum { PARTS = 8, LEAST = 8 << 10 };
    int64_t share = ch_mem_limit(w->mem) / ((int64_t)(n_slots + 1) * PARTS * (n_leaves + 1));
    share = share < LEAST ? LEAST : share;
    if (w->writing.dictionary_bytes > share)
        w->writing.dictionary_bytes = share;
    if (w->writing.page_bytes > share)
        w->writing.page_bytes = share;
}

static ch_status init(pq_writer *w, const ch_format_context *ctx, const char *path, ch_error *err)
{
    ch_pq_schema tree;
    CH_TRY(ch_pq_schema_elements(w->schema, &w->writing.schema, &w->arena, &w->meta.schema, err));
    CH_TRY(ch_pq_schema_build(&w->meta, &w->arena, path, &tree, err));
    CH_ARENA_ARRAY(w->leaf, &w->arena, tree.n_leaves, err);
    fit_memory(w, ctx->n_slots, tree.n_leaves);
    leaf_maker *m;
    CH_ARENA_NEW(m, &w->arena, err);
    *m = (leaf_maker){.w = w, .tree = &tree};
    for (int32_t i = 0; i < w->schema->n_fields; i++) {
        m->column = i;
        CH_TRY(make_leaves(m, w->schema->field[i].type, w->schema->field[i].nullable, err));
    }
    CH_TRY(describe(w, err));
    CH_TRY(ch_output_create(w->mem, ctx->store, path, &w->file, err));
    return ch_output_write(w->file, MAGIC, 4, err);
}

ch_status ch_pqw_create(const ch_format_context *ctx, const char *path, const ch_type *schema,
                        const ch_strmap *options, ch_file_writer **out, ch_error *err)
{
    *out = NULL;
    pq_writer *w = ch_mem_zalloc(ctx->mem, sizeof *w, err);
    if (!w)
        return CH_E_MEMORY;
    w->mem = ctx->mem;
    w->schema = schema;
    ch_arena_init(&w->arena, ctx->mem);
    ch_pqw_entries_init(&w->entries, ctx->mem);
    ch_block_init(&w->block, ctx->mem);
    ch_status status = ch_pqw_writing_read(options, &w->writing, err);
    if (status == CH_OK)
        status = init(w, ctx, path, err);
    if (status != CH_OK) {
        ch_pqw_abandon((ch_file_writer *)w);
        return status;
    }
    *out = (ch_file_writer *)w;
    return CH_OK;
}

static ch_status write_part(pq_writer *w, const ch_buf *part, int64_t *offset, int32_t *length,
                            ch_error *err)
{
    *offset = ch_output_bytes(w->file);
    *length = (int32_t)part->len;
    return ch_output_write(w->file, part->data, (int64_t)part->len, err);
}

static ch_status write_ends(pq_writer *w, ch_error *err)
{
    for (int32_t i = 0; i < w->n_ends; i++) {
        ch_pq_column_meta *meta = w->end[i].chunk->meta;
        if (!w->end[i].place.bloom.len)
            continue;
        CH_TRY(write_part(w, &w->end[i].place.bloom, &meta->bloom_filter_offset,
                          &meta->bloom_filter_length, err));
        ch_thrift_set(meta, CH_PQ_COLUMN_BLOOM_OFFSET);
        ch_thrift_set(meta, CH_PQ_COLUMN_BLOOM_LENGTH);
    }
    for (int32_t i = 0; i < w->n_ends; i++) {
        ch_pq_chunk *chunk = w->end[i].chunk;
        if (!w->end[i].place.column_index.len)
            continue;
        CH_TRY(write_part(w, &w->end[i].place.column_index, &chunk->column_index_offset,
                          &chunk->column_index_length, err));
        ch_thrift_set(chunk, CH_PQ_CHUNK_COLUMN_INDEX_OFFSET);
        ch_thrift_set(chunk, CH_PQ_CHUNK_COLUMN_INDEX_LENGTH);
    }
    for (int32_t i = 0; i < w->n_ends; i++) {
        ch_pq_chunk *chunk = w->end[i].chunk;
        CH_TRY(write_part(w, &w->end[i].place.offset_index, &chunk->offset_index_offset,
                          &chunk->offset_index_length, err));
        ch_thrift_set(chunk, CH_PQ_CHUNK_OFFSET_INDEX_OFFSET);
        ch_thrift_set(chunk, CH_PQ_CHUNK_OFFSET_INDEX_LENGTH);
    }
    return CH_OK;
}

static ch_status write_footer(pq_writer *w, ch_error *err)
{
    ch_buf text;
    ch_pq_row_group none = {0}; /* a list without elements is there too */
    w->meta.row_groups = (ch_thrift_list){w->group ? w->group : &none, w->n_groups};
    ch_buf_init(&text, w->mem);
    ch_status status = ch_thrift_write(&ch_pq_file_meta_thrift, &w->meta, &text, err);
    if (status == CH_OK) {
        uint32_t len = (uint32_t)text.len;
        status = ch_buf_add(&text, &len, 4, err);
    }
    if (status == CH_OK)
        status = ch_buf_add(&text, MAGIC, 4, err);
    if (status == CH_OK)
        status = ch_output_write(w->file, text.data, (int64_t)text.len, err);
    ch_buf_release(&text);
    return status;
}

ch_status ch_pqw_finish(ch_file_writer *writer, ch_error *err)
{
    pq_writer *w = (pq_writer *)writer;
    ch_status status = flush_group(w, err);
    if (status == CH_OK)
        status = write_ends(w, err);
    if (status == CH_OK)
        status = write_footer(w, err);
    if (status == CH_OK) {
        status = ch_output_close(w->file, false, err);
        w->file = NULL;
    }
    ch_pqw_abandon(writer);
    return status;
}

void ch_pqw_abandon(ch_file_writer *writer)
{
    pq_writer *w = (pq_writer *)writer;
    ch_output_abandon(w->file);
    writer_free(w);
}
