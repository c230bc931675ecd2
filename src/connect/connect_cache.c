/* SPDX-License-Identifier: Apache-2.0 */
/* connect_cache.c - persist, unpersist and storage levels; spark.catalog's four functions of the cache. */
#include <string.h>

#include "connect/decode_relation.h"
#include "session/cache.h"

typedef PB(AnalyzePlanRequest) ask;
typedef PB(AnalyzePlanResponse) reply;

ch_storage_level cn_storage_level(const PB(StorageLevel) * m)
{
    if (!m)
        return CH_LEVEL_DEFAULT;
    return (ch_storage_level){.use_disk = m->use_disk,
                              .use_memory = m->use_memory,
                              .use_off_heap = m->use_off_heap,
                              .deserialized = m->deserialized,
                              .replication = m->has_replication ? m->replication : 1};
}

/* ---- AnalyzePlan --------------------------------------------------------------------------- */

ch_status cn_analyze_persist(cn_session *s, const ask *m, reply *r, ch_arena *arena, ch_error *err)
{
    ch_frame *frame;
    CH_TRY(cn_decode_frame(s, m->persist->relation, &frame, err));
    ch_status status =
        ch_cache_keep(frame, frame->rel, cn_storage_level(m->persist->storage_level), NULL, err);
    ch_frame_unref(frame);
    r->result_case = SPARK__CONNECT__ANALYZE_PLAN_RESPONSE__RESULT_PERSIST;
    PB_NEW(r->persist, arena, spark__connect__analyze_plan_response__persist__init, err);
    return status;
}

ch_status cn_analyze_unpersist(cn_session *s, const ask *m, reply *r, ch_arena *arena,
                               ch_error *err)
{
    ch_frame *frame;
    CH_TRY(cn_decode_frame(s, m->unpersist->relation, &frame, err));
    ch_status status = ch_cache_drop(frame, frame->rel, false, NULL, err);
    ch_frame_unref(frame);
    r->result_case = SPARK__CONNECT__ANALYZE_PLAN_RESPONSE__RESULT_UNPERSIST;
    PB_NEW(r->unpersist, arena, spark__connect__analyze_plan_response__unpersist__init, err);
    return status;
}

ch_status cn_analyze_storage_level(cn_session *s, const ask *m, reply *r, ch_arena *arena,
                                   ch_error *err)
{
    ch_frame *frame;
    ch_storage_level level = CH_LEVEL_NONE;
    PB(StorageLevel) * out;
    CH_TRY(cn_decode_frame(s, m->get_storage_level->relation, &frame, err));
    ch_status status = ch_cache_level(frame, frame->rel, &level, err);
    ch_frame_unref(frame);
    r->result_case = SPARK__CONNECT__ANALYZE_PLAN_RESPONSE__RESULT_GET_STORAGE_LEVEL;
    PB_NEW(r->get_storage_level, arena,
           spark__connect__analyze_plan_response__get_storage_level__init, err);
    PB_NEW(out, arena, spark__connect__storage_level__init, err);
    out->has_use_disk = out->has_use_memory = out->has_use_off_heap = 1;
    out->has_deserialized = out->has_replication = 1;
    out->use_disk = level.use_disk;
    out->use_memory = level.use_memory;
    out->use_off_heap = level.use_off_heap;
    out->deserialized = level.deserialized;
    out->replication = level.replication;
    r->get_storage_level->storage_level = out;
    return status;
}

/* ---- spark.catalog ------------------------------------------------------------------------- */

/* One row of a boolean called value, or no rows of a text called so: what Spark's server answers with. */
static ch_status answer(cn_decode *d, bool has_row, bool value, ch_rel **out, ch_error *err)
{
    ch_field field = {"value", has_row ? CH_T_BOOLEAN : CH_T_STRING, !has_row, NULL};
    ch_mem *mem = ch_session_mem(d->session->session);
    ch_rel_local_relation *r;
    ch_batch batch, **own;
    CN_NODE(r, d, LOCAL_RELATION, err);
    r->schema = ch_type_struct(&field, 1);
    *out = &r->head;
    if (!r->schema)
        return ch_error_memory(err, "types", 0, 0);
    if (!has_row)
        return CH_OK;
    CH_ARENA_ARRAY(own, d->arena, 1, err);
    CH_TRY(ch_batch_init(&batch, mem, 1, 1, err));
    ch_status status = ch_column_new(mem, CH_T_BOOLEAN, 1, &batch.col[0], err);
    if (status != CH_OK) {
        ch_batch_release(&batch);
        return status;
    }
    ch_bits_fill(batch.col[0]->data, 1, value);
    CH_TRY(cn_add_batch(d, &batch, own, err));
    r->batch = own;
    r->n_batches = 1;
    return CH_OK;
}

/* A frame that reads the table. */
static ch_status table_frame(cn_decode *d, const char *name, ch_frame **out, ch_error *err)
{
    CH_TRY(ch_frame_new(d->session->session, NULL, 0, out, err));
    ch_arena *arena = &(*out)->arena;
    ch_rel_read_named_table *read = ch_rel_new(arena, CH_REL_READ_NAMED_TABLE, err);
    const char *copy = read ? ch_arena_str(arena, name ? name : "", err) : NULL;
    ch_status status = copy ? ch_name_split(arena, copy, &read->parts, err) : CH_E_MEMORY;
    if (status != CH_OK) {
        ch_frame_unref(*out);
        *out = NULL;
        return status;
    }
    (*out)->rel = &read->head;
    return CH_OK;
}

ch_status cn_catalog_cache(cn_decode *d, const PB(Catalog) * m, ch_rel **out, bool *done,
                           ch_error *err)
{
    ch_frame *frame = NULL;
    ch_storage_level level = CH_LEVEL_NONE;
    ch_status status = CH_OK;
    bool asks = m->cat_type_case == SPARK__CONNECT__CATALOG__CAT_TYPE_IS_CACHED;
    *done = true;
    switch (m->cat_type_case) {
    case SPARK__CONNECT__CATALOG__CAT_TYPE_IS_CACHED:
        CH_TRY(table_frame(d, m->is_cached->table_name, &frame, err));
        status = ch_cache_level(frame, frame->rel, &level, err);
        break;
    case SPARK__CONNECT__CATALOG__CAT_TYPE_CACHE_TABLE:
        CH_TRY(table_frame(d, m->cache_table->table_name, &frame, err));
        status = ch_cache_keep(frame, frame->rel, cn_storage_level(m->cache_table->storage_level),
                               m->cache_table->table_name, err);
        break;
    case SPARK__CONNECT__CATALOG__CAT_TYPE_UNCACHE_TABLE:
        CH_TRY(table_frame(d, m->uncache_table->table_name, &frame, err));
        status = ch_cache_drop(frame, frame->rel, false, NULL, err);
        break;
    case SPARK__CONNECT__CATALOG__CAT_TYPE_CLEAR_CACHE:
        ch_cache_clear(d->session->session);
        break;
    default:
        *done = false;
        return CH_OK;
    }
    ch_frame_unref(frame);
    return status == CH_OK ? answer(d, asks, level.use_disk || level.use_memory, out, err) : status;
}
