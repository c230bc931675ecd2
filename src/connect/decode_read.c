/* SPDX-License-Identifier: Apache-2.0 */
/* decode_read.c - relations that bring rows: tables, files, Arrow data sent along or uploaded before. */
#include <string.h>

#include "column/ipc.h"
#include "column/take.h"
#include "connect/decode_relation.h"

typedef PB(Relation) message;
#define DECODER(name) \
    ch_status cn_decode_##name##_rel(cn_decode *d, const message *m, ch_rel **out, ch_error *err)

static ch_status read_table(cn_decode *d, const PB(Read__NamedTable) * t, ch_rel **out,
                            ch_error *err)
{
    ch_rel_read_named_table *r;
    CN_NODE(r, d, READ_NAMED_TABLE, err);
    *out = &r->head;
    CH_TRY(ch_name_split(d->arena, t->unparsed_identifier ? t->unparsed_identifier : "", &r->parts,
                         err));
    for (size_t i = 0; i < t->n_options; i++)
        CH_TRY(cn_add_option(d, &r->options, t->options[i]->key, t->options[i]->value, err));
    return CH_OK;
}

static ch_status read_source(cn_decode *d, const PB(Read__DataSource) * s, ch_rel **out,
                             ch_error *err)
{
    ch_rel_read_data_source *r;
    CN_NODE(r, d, READ_DATA_SOURCE, err);
    *out = &r->head;
    if (s->format && *s->format)
        CH_TRY(cn_copy_text(d, s->format, &r->format, err));
    if (s->schema && *s->schema)
        CH_TRY(cn_decode_schema(s->schema, &r->schema, err));
    for (size_t i = 0; i < s->n_options; i++)
        CH_TRY(cn_add_option(d, &r->options, s->options[i]->key, s->options[i]->value, err));
    CH_TRY(cn_copy_strings(d->arena, s->predicates, s->n_predicates, &r->predicates, err));
    return cn_copy_strings(d->arena, s->paths, s->n_paths, &r->paths, err);
}

DECODER(read)
{
    const PB(Read) *r = m->read;
    if (r->is_streaming)
        CN_UNSUPPORTED(err, "Reading a stream (readStream)");
    switch (r->read_type_case) {
    case SPARK__CONNECT__READ__READ_TYPE_NAMED_TABLE:
        return read_table(d, r->named_table, out, err);
    case SPARK__CONNECT__READ__READ_TYPE_DATA_SOURCE:
        return read_source(d, r->data_source, out, err);
    default:
        CH_FAIL(err, CONNECT_INVALID_PLAN, "reason", "a read names neither table nor data source");
    }
}

DECODER(parse)
{
    const PB(Parse) *p = m->parse;
    ch_rel_read_data_source *r;
    CN_NODE(r, d, READ_DATA_SOURCE, err);
    *out = &r->head;
    switch (p->format) {
    case SPARK__CONNECT__PARSE__PARSE_FORMAT__PARSE_FORMAT_CSV:
        r->format = "csv";
        break;
    case SPARK__CONNECT__PARSE__PARSE_FORMAT__PARSE_FORMAT_JSON:
        r->format = "json";
        break;
    case SPARK__CONNECT__PARSE__PARSE_FORMAT__PARSE_FORMAT_XML:
        CN_UNSUPPORTED(err, "Reading XML from a column of text");
    default:
        CH_FAIL(err, CONNECT_INVALID_PLAN, "reason", "a parse names no format");
    }
    if (p->schema)
        CH_TRY(cn_decode_type(p->schema, &r->schema, err));
    if (r->schema && r->schema->id != CH_STRUCT)
        CH_FAIL(err, CONNECT_INVALID_PLAN, "reason", "the schema of a parse is no struct");
    for (size_t i = 0; i < p->n_options; i++)
        CH_TRY(cn_add_option(d, &r->options, p->options[i]->key, p->options[i]->value, err));
    return cn_decode_relation(d, p->input, &r->input, err);
}

/* ---- Arrow data -------------------------------------------------------------------------- */

ch_status cn_add_batch(cn_decode *d, ch_batch *batch, ch_batch **out, ch_error *err)
{
    ch_frame *f = d->frame;
    ch_mem *mem = ch_session_mem(d->session->session);
    /* The array doubles at powers of two. */
    if ((f->n_batches & (f->n_batches - 1)) == 0) {
        ch_batch **more = ch_arena_alloc(
            d->arena, sizeof *more * (size_t)(f->n_batches ? f->n_batches * 2 : 1), err);
        if (!more) {
            ch_batch_release(batch);
            return CH_E_MEMORY;
        }
        if (f->n_batches)
            memcpy(more, f->batch, sizeof *more * (size_t)f->n_batches);
        f->batch = more;
    }
    ch_batch *own = ch_mem_alloc(mem, sizeof *own, err);
    if (!own) {
        ch_batch_release(batch);
        return CH_E_MEMORY;
    }
    *own = *batch;
    *out = f->batch[f->n_batches++] = own;
    return CH_OK;
}

/* Same layouts, whatever the names and what may be NULL. */
static bool same_layout(const ch_type *a, const ch_type *b)
{
    if (a == b)
        return true;
    if (a->id != b->id || a->n_fields != b->n_fields || a->precision != b->precision ||
        a->scale != b->scale)
        return ch_type_is_string(a) && ch_type_is_string(b);
    for (int32_t i = 0; i < a->n_fields; i++)
        if (!same_layout(a->field[i].type, b->field[i].type))
            return false;
    return a->n_fields > 0 || !ch_type_is_nested(a);
}

/* Adds the batches of one stream, flat, with the columns' types as in *type; NULL: set to the stream's. */
static ch_status read_stream(cn_decode *d, ch_buffer *bytes, const ch_type **type, ch_error *err)
{
    ch_mem *mem = ch_session_mem(d->session->session);
    struct ArrowArrayStream stream;
    ch_arrow_reader reader;
    CH_TRY(ch_ipc_open(mem, bytes, &stream, err));
    CH_TRY(ch_arrow_reader_open(&reader, mem, &stream, err));
    if (!*type)
        *type = reader.type;
    ch_status status = CH_OK;
    if (!same_layout(*type, reader.type))
        status = ch_error_set(err, CH_E_INVALID_ARROW, "reason",
                              "its columns are not those of the schema", (const char *)0);
    while (status == CH_OK) {
        ch_batch batch, *own;
        status = ch_arrow_reader_next(&reader, &batch, err);
        if (status != CH_OK || (batch.n_cols == 0 && batch.n == 0))
            break;
        for (int32_t c = 0; c < batch.n_cols && status == CH_OK; c++) {
            ch_column *flat, *typed = NULL;
            status = ch_flatten(batch.col[c], mem, &flat, err);
            if (status == CH_OK) {
                status = flat->type == (*type)->field[c].type
                             ? CH_OK
                             : ch_column_retype(mem, flat, (*type)->field[c].type, &typed, err);
                if (typed) {
                    ch_column_unref(flat);
                    flat = typed;
                }
                ch_column_unref(batch.col[c]);
                batch.col[c] = flat;
            }
        }
        if (status != CH_OK) {
            ch_batch_release(&batch);
            break;
        }
        status = cn_add_batch(d, &batch, &own, err);
    }
    ch_arrow_reader_close(&reader);
    return status;
}

ch_status cn_ipc_relation(cn_decode *d, ch_buffer *const *bytes, size_t n, const ch_type *schema,
                          ch_rel **out, ch_error *err)
{
    ch_rel_local_relation *r;
    CN_NODE(r, d, LOCAL_RELATION, err);
    *out = &r->head;
    int32_t first = d->frame->n_batches;
    for (size_t i = 0; i < n; i++)
        CH_TRY(read_stream(d, bytes[i], &schema, err));
    if (!schema)
        CH_FAIL(err, CONNECT_INVALID_PLAN, "reason",
                "a local relation has neither data nor schema");
    if (schema->id != CH_STRUCT) {
        ch_field one = {"value", schema, true, NULL};
        schema = ch_type_struct(&one, 1);
    }
    r->schema = schema;
    r->n_batches = d->frame->n_batches - first;
    CH_ARENA_ARRAY(r->batch, d->arena, r->n_batches + 1, err);
    for (int32_t i = 0; i < r->n_batches; i++)
        r->batch[i] = d->frame->batch[first + i];
    return CH_OK;
}

DECODER(local_relation)
{
    const PB(LocalRelation) *l = m->local_relation;
    const ch_type *schema = NULL;
    ch_buffer *bytes = NULL;
    if (l->schema && *l->schema)
        CH_TRY(cn_decode_schema(l->schema, &schema, err));
    if (l->has_data && l->data.len) {
        CH_TRY(
            ch_buffer_new(ch_session_mem(d->session->session), (int64_t)l->data.len, &bytes, err));
        memcpy(bytes->data, l->data.data, l->data.len);
    }
    ch_status status = cn_ipc_relation(d, &bytes, bytes != NULL, schema, out, err);
    ch_buffer_unref(bytes);
    return status;
}

/* ---- uploaded before --------------------------------------------------------------------- */

static ch_status find_upload(cn_decode *d, const char *hash, ch_buffer **out, ch_error *err)
{
    const char *name = ch_arena_printf(d->arena, err, "cache/%s", hash ? hash : "");
    if (!name)
        return CH_E_MEMORY;
    *out = cn_session_artifact(d->session, name);
    if (!*out)
        CH_FAIL(err, CONNECT_INVALID_PLAN, "reason",
                "the plan refers to data that was not uploaded");
    return CH_OK;
}

static ch_status read_chunks(cn_decode *d, char **hash, size_t n, const char *schema_hash,
                             ch_rel **out, ch_error *err)
{
    const ch_type *schema = NULL;
    ch_buffer *text = NULL, **bytes;
    size_t n_found = 0;
    CH_ARENA_ARRAY(bytes, d->arena, n + 1, err);
    ch_status status = CH_OK;
    if (schema_hash && *schema_hash) {
        CH_TRY(find_upload(d, schema_hash, &text, err));
        const char *copy =
            ch_arena_strn(d->arena, (const char *)text->data, (size_t)text->bytes, err);
        status = copy ? cn_decode_schema(copy, &schema, err) : CH_E_MEMORY;
        ch_buffer_unref(text);
    }
    while (status == CH_OK && n_found < n) {
        status = find_upload(d, hash[n_found], &bytes[n_found], err);
        n_found += status == CH_OK;
    }
    if (status == CH_OK)
        status = cn_ipc_relation(d, bytes, n, schema, out, err);
    for (size_t i = 0; i < n_found; i++)
        ch_buffer_unref(bytes[i]);
    return status;
}

DECODER(chunked_cached_local_relation)
{
    const PB(ChunkedCachedLocalRelation) *c = m->chunked_cached_local_relation;
    return read_chunks(d, c->datahashes, c->n_datahashes, c->schemahash, out, err);
}

/* The upload is a packed LocalRelation. */
DECODER(cached_local_relation)
{
    ch_buffer *bytes;
    PB(LocalRelation) * local;
    ch_arena arena;
    CH_TRY(find_upload(d, m->cached_local_relation->hash, &bytes, err));
    ch_arena_init(&arena, ch_session_mem(d->session->session));
    ch_status status = cn_unpack(&PB_DESCRIPTOR(local_relation), bytes->data, (size_t)bytes->bytes,
                                 &arena, &local, err);
    if (status == CH_OK) {
        message whole = SPARK__CONNECT__RELATION__INIT;
        whole.rel_type_case = SPARK__CONNECT__RELATION__REL_TYPE_LOCAL_RELATION;
        whole.local_relation = local;
        status = cn_decode_local_relation_rel(d, &whole, out, err);
    }
    ch_arena_release(&arena);
    ch_buffer_unref(bytes);
    return status;
}

DECODER(cached_remote_relation)
{
    const char *id = m->cached_remote_relation->relation_id;
    ch_frame *found = id ? cn_session_remote(d->session, id) : NULL, **parent;
    if (!found)
        CH_FAIL(err, CONNECT_INVALID_PLAN, "reason",
                "the plan refers to a DataFrame that is not there any more");
    parent = ch_arena_alloc(d->arena, sizeof *parent * (size_t)(d->frame->n_parents + 1), err);
    if (!parent) {
        ch_frame_unref(found);
        return CH_E_MEMORY;
    }
    if (d->frame->n_parents)
        memcpy(parent, d->frame->parent, sizeof *parent * (size_t)d->frame->n_parents);
    parent[d->frame->n_parents] = found;
    d->frame->parent = parent;
    d->frame->n_parents++;
    /* A node of our own around it, since the plan id is put on it. */
    ch_rel_project *r;
    ch_expr_unresolved_star *star = ch_expr_new(d->arena, CH_EXPR_UNRESOLVED_STAR, err);
    if (!star)
        return CH_E_MEMORY;
    CN_NODE(r, d, PROJECT, err);
    r->input = (ch_rel *)(uintptr_t)found->rel;
    *out = &r->head;
    return ch_expr_list_add(d->arena, &r->expressions, &star->head, err);
}
