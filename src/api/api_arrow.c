/* SPDX-License-Identifier: Apache-2.0 */
/* api_arrow.c - Arrow streams out of a query's rows, and DataFrames out of Arrow streams. */
#include "api/handles.h"
#include "column/arrow.h"
#include "plan/node.h"

/* The rows of a query for a stream: shared with it, and charged to the session. */
typedef struct stream_rows {
    ch_mem *mem;
    ch_batch *batch;
    int32_t n, at;
    size_t bytes;
} stream_rows;

static ch_status rows_next(void *self, ch_batch *out, ch_error *err)
{
    stream_rows *rows = self;
    if (rows->at == rows->n)
        return ch_batch_init(out, rows->mem, 0, 0, err);
    return ch_batch_copy(&rows->batch[rows->at++], out, err);
}

static void rows_close(void *self)
{
    stream_rows *rows = self;
    for (int32_t i = 0; i < rows->n; i++)
        ch_batch_release(&rows->batch[i]);
    ch_mem_free(rows->mem, rows->batch, rows->bytes);
    ch_mem_free(rows->mem, rows, sizeof *rows);
}

static ch_status copy_rows(ch_query *query, stream_rows *rows, ch_error *err)
{
    int32_t count = 0;
    while (ch_query_batch(query, count))
        count++;
    rows->bytes = sizeof *rows->batch * (size_t)count;
    rows->batch = ch_mem_alloc(rows->mem, rows->bytes, err);
    if (!rows->batch)
        return CH_E_MEMORY;
    for (; rows->n < count; rows->n++) {
        const ch_batch *from = ch_query_batch(query, rows->n);
        ch_batch *to = &rows->batch[rows->n];
        CH_TRY(ch_batch_init(to, rows->mem, from->n_cols, from->n, err));
        for (int32_t c = 0; c < from->n_cols; c++)
            to->col[c] = ch_column_ref(from->col[c]);
    }
    return CH_OK;
}

int chert_query_arrow(const chert_query *q, struct ArrowArrayStream *out, chert_error *error)
{
    ch_error err = {0};
    if (!out)
        return chert_error_argument(error, "stream NULL");
    out->release = NULL;
    if (!q || !q->has_run || q->streamed)
        return chert_error_argument(error, "a query without rows");
    ch_mem *mem = ch_session_mem(q->session->session);
    stream_rows *rows = ch_mem_zalloc(mem, sizeof *rows, &err);
    ch_status status = CH_E_MEMORY;
    if (rows) {
        rows->mem = mem;
        status = copy_rows(q->query, rows, &err);
        ch_batch_source source = {.next = rows_next, .close = rows_close, .self = rows};
        if (status == CH_OK)
            status = ch_arrow_export_stream(mem, ch_query_schema(q->query), source,
                                            &(ch_arrow_options){0}, out, &err);
        else
            rows_close(rows);
    }
    (void)chert_error_take(error, &err);
    return (int)status;
}

/* Reads all batches of the stream into the frame, which owns them. */
static ch_status read_all(ch_frame *frame, ch_arrow_reader *reader, ch_error *err)
{
    ch_mem *mem = reader->mem;
    int32_t cap = 0;
    for (;;) {
        ch_batch *batch = ch_mem_zalloc(mem, sizeof *batch, err);
        if (!batch)
            return CH_E_MEMORY;
        ch_status status = ch_arrow_reader_next(reader, batch, err);
        if (status == CH_OK && batch->n_cols == 0 && batch->n == 0) {
            ch_batch_release(batch);
            ch_mem_free(mem, batch, sizeof *batch);
            return CH_OK;
        }
        if (status == CH_OK && frame->n_batches == cap) {
            ch_batch **more;
            cap = cap ? cap * 2 : 16;
            more = ch_arena_alloc(&frame->arena, sizeof *more * (size_t)cap, err);
            if (more && frame->n_batches)
                memcpy(more, frame->batch, sizeof *more * (size_t)frame->n_batches);
            if (more)
                frame->batch = more;
            else
                status = CH_E_MEMORY;
        }
        if (status != CH_OK) {
            ch_batch_release(batch);
            ch_mem_free(mem, batch, sizeof *batch);
            return status;
        }
        frame->batch[frame->n_batches++] = batch;
    }
}

chert_df *chert_from_arrow(chert_session *session, struct ArrowArrayStream *stream,
                           chert_error *out)
{
    ch_error err = {0};
    ch_frame *frame = NULL;
    ch_arrow_reader reader;
    if (!session || !stream || !stream->release) {
        if (stream && stream->release)
            stream->release(stream); /* it is taken */
        (void)chert_error_argument(out, session ? "stream NULL" : "session NULL");
        return NULL;
    }
    ch_status status =
        ch_arrow_reader_open(&reader, ch_session_mem(session->session), stream, &err);
    if (status == CH_OK) {
        ch_rel_local_relation *local = NULL;
        status = ch_frame_new(session->session, NULL, 0, &frame, &err);
        if (status == CH_OK)
            status = read_all(frame, &reader, &err);
        if (status == CH_OK)
            local = ch_rel_new(&frame->arena, CH_REL_LOCAL_RELATION, &err);
        if (local) {
            local->schema = reader.type;
            local->batch = frame->batch;
            local->n_batches = frame->n_batches;
            frame->rel = &local->head;
        } else if (status == CH_OK) {
            status = CH_E_MEMORY;
        }
        ch_arrow_reader_close(&reader);
    }
    if (status == CH_OK)
        return chert_df_wrap(session, frame, out);
    ch_frame_unref(frame);
    (void)chert_error_take(out, &err);
    return NULL;
}
