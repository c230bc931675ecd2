/* SPDX-License-Identifier: Apache-2.0 */
/* command_cache.c - CACHE TABLE, UNCACHE TABLE, CLEAR CACHE; and SHOW CACHE, which is Chert's own. */
#include <string.h>
#include <strings.h>

#include "column/textout.h"
#include "plan/node.h"
#include "plan/print.h"
#include "session/cache.h"
#include "session/catalog.h"
#include "session/command.h"

/* The plan "this table". */
static ch_status read_table(ch_frame *frame, const ch_str_list *name, ch_rel **out, ch_error *err)
{
    ch_rel_read_named_table *read = ch_rel_new(&frame->arena, CH_REL_READ_NAMED_TABLE, err);
    if (!read)
        return CH_E_MEMORY;
    read->parts = *name;
    read->head.start = frame->rel->start;
    read->head.stop = frame->rel->stop;
    *out = &read->head;
    return CH_OK;
}

/* Other options are there for Spark's programs, which may set any. */
static ch_status read_level(const ch_option_list *options, ch_storage_level *out, ch_error *err)
{
    *out = CH_LEVEL_DEFAULT;
    for (int32_t i = 0; i < options->n; i++)
        if (strcasecmp(options->key[i], "storageLevel") == 0 &&
            !ch_storage_level_find(options->value[i], out))
            CH_FAIL(err, INVALID_OPTION, "name", "storageLevel", "value", options->value[i],
                    "expected", "a level such as MEMORY_AND_DISK, MEMORY_ONLY or DISK_ONLY");
    return CH_OK;
}

static ch_status cache_table(ch_frame *frame, const ch_rel_cache *c, ch_error *err)
{
    ch_session *session = frame->session;
    const char *view = c->input ? c->name.item[0] : NULL;
    ch_storage_level level;
    ch_query *q;
    ch_rel *plan = NULL;
    ch_buf name;
    CH_TRY(read_level(&c->options, &level, err));
    if (view) { /* analyzed first: a view of a query that makes no sense is not made */
        CH_TRY(ch_query_open(frame, c->input, &q, err));
        ch_query_close(q);
        CH_TRY(ch_session_put_view(session, view, false, false, frame, c->input, err));
    }
    ch_buf_init(&name, ch_session_mem(session));
    ch_status status = read_table(frame, &c->name, &plan, err);
    if (status == CH_OK)
        status = ch_names_print(&c->name, &name, err);
    if (status == CH_OK)
        status = ch_cache_keep(frame, plan, level, name.data, err);
    if (status == CH_OK && !c->lazy)
        status = ch_cache_fill(frame, plan, err);
    if (status != CH_OK && view) { /* as if nothing had been said */
        if (plan)
            (void)!ch_cache_drop(frame, plan, false, NULL, NULL);
        (void)ch_session_drop_view(session, view, false);
    }
    ch_buf_release(&name);
    return status;
}

static ch_status uncache_table(ch_frame *frame, const ch_rel_cache *c, ch_error *err)
{
    ch_rel *plan;
    ch_query *q;
    ch_error own = {0};
    CH_TRY(read_table(frame, &c->name, &plan, err));
    ch_status status = ch_query_open(frame, plan, &q, &own);
    ch_query_close(q);
    if (status == CH_E_TABLE_OR_VIEW_NOT_FOUND && c->if_exists) {
        ch_error_release(&own);
        return CH_OK;
    }
    if (status != CH_OK)
        return ch_error_pass(err, &own);
    return ch_cache_drop(frame, plan, false, NULL, err);
}

ch_status ch_cache_table_drop(ch_session *session, const ch_str_list *name, ch_error *err)
{
    ch_frame *frame;
    ch_rel *plan = NULL;
    if (ch_cache_is_empty(session))
        return CH_OK;
    CH_TRY(ch_frame_new(session, NULL, 0, &frame, err));
    ch_rel_read_named_table *read = ch_rel_new(&frame->arena, CH_REL_READ_NAMED_TABLE, err);
    ch_status status = read ? CH_OK : CH_E_MEMORY;
    if (read) {
        ch_error own = {0};
        read->parts = *name;
        plan = &read->head;
        frame->rel = plan;
        /* A table that cannot be read is not kept. */
        status = ch_cache_drop(frame, plan, false, NULL, &own);
        if (status == CH_E_MEMORY || status == CH_E_CANCELLED)
            status = ch_error_pass(err, &own);
        else
            status = CH_OK;
        ch_error_release(&own);
    }
    ch_frame_unref(frame);
    return status;
}

/* ---- SHOW CACHE ---------------------------------------------------------------------------- */

enum { N_COLUMNS = 8 };

static ch_status put_entries(const ch_cache_entry *e, int32_t n, ch_batch *batch, ch_error *err)
{
    ch_textout text[N_COLUMNS];
    ch_column **col = batch->col;
    static const int TEXTS[] = {0, 1, 7};
    for (size_t t = 0; t < sizeof TEXTS / sizeof *TEXTS; t++)
        ch_textout_init(&text[TEXTS[t]], col[TEXTS[t]]);
    CH_TRY(ch_column_need_valid(col[0], err));
    ch_bits_fill(col[2]->data, n, false);
    for (int32_t i = 0; i < n; i++) {
        const char *table = e[i].table ? e[i].table : "";
        if (!e[i].table)
            ch_bit_clear(col[0]->valid, i);
        CH_TRY(ch_textout_put(&text[0], i, table, (int64_t)strlen(table), err));
        CH_TRY(ch_textout_put(&text[1], i, e[i].level, (int64_t)strlen(e[i].level), err));
        ch_bit_put(col[2]->data, i, e[i].filled);
        ((int64_t *)col[3]->data)[i] = e[i].size.rows;
        ((int64_t *)col[4]->data)[i] = e[i].size.memory_bytes;
        ((int64_t *)col[5]->data)[i] = e[i].size.disk_bytes;
        ((int64_t *)col[6]->data)[i] = e[i].hits;
        CH_TRY(ch_textout_put(&text[7], i, e[i].plan, (int64_t)strlen(e[i].plan), err));
    }
    return CH_OK;
}

ch_status ch_cache_show(ch_session *session, ch_frame *out, ch_error *err)
{
    ch_field field[N_COLUMNS] = {
        {"table", CH_T_STRING, true, NULL},      {"storageLevel", CH_T_STRING, false, NULL},
        {"isFilled", CH_T_BOOLEAN, false, NULL}, {"rows", CH_T_LONG, false, NULL},
        {"memoryBytes", CH_T_LONG, false, NULL}, {"diskBytes", CH_T_LONG, false, NULL},
        {"hits", CH_T_LONG, false, NULL},        {"plan", CH_T_STRING, false, NULL},
    };
    ch_mem *mem = ch_session_mem(session);
    ch_cache_entry *entry;
    int32_t n;
    ch_rel_local_relation *local = ch_rel_new(&out->arena, CH_REL_LOCAL_RELATION, err);
    if (!local)
        return CH_E_MEMORY;
    local->schema = ch_type_struct(field, N_COLUMNS);
    if (!local->schema)
        return ch_error_memory(err, "types", 0, 0);
    CH_TRY(ch_cache_list(session, &out->arena, &entry, &n, err));
    CH_ARENA_ARRAY(out->batch, &out->arena, 1, err);
    if (n > 0) {
        ch_batch *batch = ch_mem_zalloc(mem, sizeof *batch, err);
        if (!batch)
            return CH_E_MEMORY;
        out->batch[out->n_batches++] = batch; /* released with the frame from here on */
        CH_TRY(ch_batch_init(batch, mem, N_COLUMNS, n, err));
        for (int32_t c = 0; c < N_COLUMNS; c++)
            CH_TRY(ch_column_new(mem, field[c].type, n, &batch->col[c], err));
        CH_TRY(put_entries(entry, n, batch, err));
    }
    local->batch = out->batch;
    local->n_batches = out->n_batches;
    out->rel = &local->head;
    return CH_OK;
}

ch_status ch_cache_command(ch_frame *frame, ch_frame *out, ch_error *err)
{
    const ch_rel_cache *c = (const ch_rel_cache *)frame->rel;
    switch (c->what) {
    case CH_CACHE_TABLE:
        return cache_table(frame, c, err);
    case CH_CACHE_UNCACHE:
        return uncache_table(frame, c, err);
    case CH_CACHE_CLEAR:
        ch_cache_clear(frame->session);
        return CH_OK;
    case CH_CACHE_SHOW:
        return ch_cache_show(frame->session, out, err);
    }
    return CH_OK;
}
