/* SPDX-License-Identifier: Apache-2.0 */
/* execute.c - what an operation does: its plan's rows, as Arrow, or a command. */
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "column/ipc.h"
#include "column/take.h"
#include "connect/decode.h"

/* A response holds one record batch. Clients answer each: larger ones collect three times as fast as 10,000 rows do. */
#define RESPONSE_BYTES (2 << 20)
#define RESPONSE_ROWS (1 << 20)

/* ---- rows -------------------------------------------------------------------------------- */

typedef struct sender {
    cn_operation *op;
    ch_query *query;
    ch_mem *mem;
    const ch_type *schema;
    struct ArrowSchema arrow;
    ch_arrow_options options;
    ch_batch *held; /* malloc: batches of the next response */
    int32_t n_held, cap_held;
    int64_t rows, bytes; /* held */
    int64_t sent;        /* rows */
    bool any;
    bool has_schema; /* the client */
} sender;

static void drop_held(sender *s)
{
    for (int32_t i = 0; i < s->n_held; i++)
        ch_batch_release(&s->held[i]);
    s->n_held = 0;
    s->rows = s->bytes = 0;
}

/* One batch of all rows held. */
static ch_status join_held(sender *s, ch_batch *out, ch_error *err)
{
    int32_t n = s->schema->n_fields;
    ch_column *few[64], **part = s->n_held <= 64 ? few : malloc(sizeof *part * (size_t)s->n_held);
    if (!part)
        return ch_error_memory(err, "result", s->n_held, 0);
    ch_status status = ch_batch_init(out, s->mem, n, s->rows, err);
    for (int32_t c = 0; c < n && status == CH_OK; c++) {
        for (int32_t i = 0; i < s->n_held && status == CH_OK; i++)
            status = ch_batch_column(&s->held[i], c, &part[i], err);
        if (status == CH_OK)
            status =
                ch_concat(part, s->n_held, s->schema->field[c].type, s->mem, &out->col[c], err);
        if (status != CH_OK)
            ch_batch_release(out);
    }
    if (part != few)
        free(part);
    return status;
}

static ch_status send_batch(sender *s, ch_batch *batch, ch_error *err)
{
    struct ArrowArray array;
    ch_buf bytes;
    CH_TRY(ch_arrow_export_batch(s->mem, batch, &s->options, &array, err));
    ch_buf_init(&bytes, s->mem);
    ch_status status = ch_ipc_write(s->mem, &s->arrow, &array, 1, &bytes, err);
    int64_t rows = array.length;
    array.release(&array);
    if (status == CH_OK) {
        PB(ExecutePlanResponse) response = SPARK__CONNECT__EXECUTE_PLAN_RESPONSE__INIT;
        PB(ExecutePlanResponse__ArrowBatch)
        m = SPARK__CONNECT__EXECUTE_PLAN_RESPONSE__ARROW_BATCH__INIT;
        m.has_row_count = m.has_data = m.has_start_offset = 1;
        m.has_chunk_index = m.has_num_chunks_in_batch = 1;
        m.row_count = rows;
        m.start_offset = s->sent;
        m.num_chunks_in_batch = 1;
        m.data = (ProtobufCBinaryData){bytes.len, (uint8_t *)bytes.data};
        response.response_type_case =
            SPARK__CONNECT__EXECUTE_PLAN_RESPONSE__RESPONSE_TYPE_ARROW_BATCH;
        response.arrow_batch = &m;
        status = cn_operation_add(s->op, &response, err);
        s->sent += rows;
        s->any = true;
    }
    ch_buf_release(&bytes);
    return status;
}

static ch_status flush(sender *s, ch_error *err)
{
    ch_batch all;
    if (s->n_held == 0)
        return CH_OK;
    CH_TRY(join_held(s, &all, err));
    drop_held(s);
    ch_status status = send_batch(s, &all, err);
    ch_batch_release(&all);
    return status;
}

/* About what the column takes once every row is written out: one long text may be all rows of a batch. */
static int64_t bytes_told(const ch_column *c)
{
    const ch_column *values = ch_column_values(c);
    int64_t bytes = 0;
    if (ch_type_is_view(c->type)) {
        const ch_view *view = values->data;
        if (c->encoding == CH_CONST)
            return c->rows * (4 + view->len);
        for (int64_t i = 0; i < c->rows && values->rows; i++)
            bytes += view[ch_column_slot(c, i)].len;
        return bytes + 4 * c->rows;
    }
    if (c->encoding == CH_DICT) /* by its average value */
        return values->rows ? bytes_told(values) / values->rows * c->rows : 0;
    for (int32_t i = 0; i < c->n_child; i++)
        bytes += bytes_told(c->child[i]);
    if (c->n_child)
        return c->encoding == CH_CONST ? (bytes + 4) * c->rows : bytes + 4 * c->rows;
    return c->rows * ch_type_width(c->type);
}

static ch_status take_batch(void *user, int slot, ch_batch *batch, ch_error *err)
{
    sender *s = user;
    CH_UNUSED(slot);
    if (s->n_held == s->cap_held) {
        int32_t cap = s->cap_held ? 2 * s->cap_held : 16;
        ch_batch *held = realloc(s->held, sizeof *held * (size_t)cap);
        if (!held)
            return ch_error_memory(err, "result", cap, 0);
        s->held = held;
        s->cap_held = cap;
    }
    ch_batch *own = &s->held[s->n_held];
    CH_TRY(ch_batch_copy(batch, own, err));
    s->n_held++;
    s->rows += own->n;
    CH_TRY(ch_batch_flatten(own, err));
    for (int32_t c = 0; c < own->n_cols; c++)
        s->bytes += bytes_told(own->col[c]);
    return s->bytes >= RESPONSE_BYTES || s->rows >= RESPONSE_ROWS ? flush(s, err) : CH_OK;
}

static ch_status send_schema(sender *s, ch_error *err)
{
    ch_arena arena;
    PB(ExecutePlanResponse) response = SPARK__CONNECT__EXECUTE_PLAN_RESPONSE__INIT;
    ch_arena_init(&arena, s->mem);
    ch_status status = cn_encode_type(&arena, s->schema, &response.schema, err);
    if (status == CH_OK)
        status = cn_operation_add(s->op, &response, err);
    ch_arena_release(&arena);
    return status;
}

static ch_status send_empty(sender *s, ch_error *err)
{
    ch_batch none;
    CH_TRY(ch_batch_init(&none, s->mem, s->schema->n_fields, 0, err));
    ch_status status = CH_OK;
    for (int32_t c = 0; c < s->schema->n_fields && status == CH_OK; c++)
        status = ch_column_flat_nulls(s->mem, s->schema->field[c].type, 0, &none.col[c], err);
    if (status == CH_OK)
        status = send_batch(s, &none, err);
    ch_batch_release(&none);
    return status;
}

/* What observe() saw, after the rows. */
static ch_status send_observed(sender *s, ch_error *err)
{
    ch_arena arena;
    const ch_observed *first = ch_query_observed(s->query);
    size_t n = 0;
    for (const ch_observed *o = first; o; o = o->next)
        n += o->done;
    if (!n)
        return CH_OK;
    ch_arena_init(&arena, s->mem);
    PB(ExecutePlanResponse) response = SPARK__CONNECT__EXECUTE_PLAN_RESPONSE__INIT;
    typedef PB(ExecutePlanResponse__ObservedMetrics) metrics;
    ch_status status = CH_E_MEMORY;
    response.observed_metrics = ch_arena_alloc(&arena, sizeof(metrics *) * n, err);
    for (const ch_observed *o = first; o && response.observed_metrics; o = o->next) {
        metrics *m = ch_arena_alloc(&arena, sizeof *m, err);
        if (!m || !o->done) {
            if (!m)
                goto out;
            continue;
        }
        spark__connect__execute_plan_response__observed_metrics__init(m);
        m->name = (char *)(uintptr_t)o->name;
        m->has_plan_id = o->plan_id >= 0;
        m->plan_id = o->plan_id;
        m->n_keys = m->n_values = (size_t)o->n;
        m->keys = (char **)(uintptr_t)o->key;
        m->values = ch_arena_alloc(&arena, sizeof *m->values * (size_t)(o->n + 1), err);
        if (!m->values)
            goto out;
        for (int32_t i = 0; i < o->n; i++)
            if (cn_encode_literal(&arena, &o->value[i], &m->values[i], err) != CH_OK)
                goto out;
        response.observed_metrics[response.n_observed_metrics++] = m;
    }
    if (response.observed_metrics)
        status = cn_operation_add(s->op, &response, err);
out:
    if (status == CH_E_MEMORY && err && err->code != CH_OK)
        status = err->code;
    ch_arena_release(&arena);
    return status;
}

static ch_status run_query(sender *s, ch_error *err)
{
    s->mem = ch_query_mem(s->query);
    s->schema = ch_query_schema(s->query);
    s->options =
        (ch_arrow_options){.classic = true, .time_zone = ch_query_func(s->query)->time_zone};
    if (!s->has_schema)
        CH_TRY(send_schema(s, err));
    s->has_schema = true;
    CH_TRY(ch_arrow_export_type(s->mem, s->schema, "", false, &s->options, &s->arrow, err));
    ch_status status = ch_query_each(s->query, take_batch, s, true, err);
    if (status == CH_OK)
        status = flush(s, err);
    if (status == CH_OK && !s->any)
        status = send_empty(s, err);
    if (status == CH_OK)
        status = send_observed(s, err);
    drop_held(s);
    free(s->held);
    s->arrow.release(&s->arrow);
    return status;
}

static ch_status send_rows(sender *s, ch_frame *frame, ch_error *err)
{
    cn_operation *op = s->op;
    CH_TRY(ch_query_open(frame, frame->rel, &s->query, err));
    ch_status status = cn_operation_set_query(op, s->query, err);
    if (status == CH_OK)
        status = run_query(s, err);
    (void)!cn_operation_set_query(op, NULL, NULL);
    ch_query_close(s->query);
    return status;
}

/* ---- the plan ---------------------------------------------------------------------------- */

#define MOST_PLAN_BYTES (INT64_C(256) << 20)

/* A zstd-compressed relation or command, in the arena. */
static ch_status decompress(const PB(Plan__CompressedOperation) * m, ch_arena *arena,
                            PB(Plan) * out, ch_error *err)
{
    if (!m->has_data ||
        m->compression_codec != SPARK__CONNECT__COMPRESSION_CODEC__COMPRESSION_CODEC_ZSTD)
        CH_FAIL(err, CONNECT_INVALID_MESSAGE, "name", "CompressedOperation", "reason",
                "its codec is not zstd");
    unsigned long long len = ZSTD_getFrameContentSize(m->data.data, m->data.len);
    if (len == ZSTD_CONTENTSIZE_ERROR || len == ZSTD_CONTENTSIZE_UNKNOWN || len > MOST_PLAN_BYTES)
        CH_FAIL(err, CONNECT_INVALID_MESSAGE, "name", "CompressedOperation", "reason",
                "its size is unknown or too large");
    uint8_t *raw = ch_arena_alloc(arena, (size_t)len + 1, err);
    if (!raw)
        return CH_E_MEMORY;
    size_t got = ZSTD_decompress(raw, (size_t)len, m->data.data, m->data.len);
    if (ZSTD_isError(got) || got != len)
        CH_FAIL(err, CONNECT_INVALID_MESSAGE, "name", "CompressedOperation", "reason",
                "its zstd data is damaged");
    spark__connect__plan__init(out);
    if (m->op_type == SPARK__CONNECT__PLAN__COMPRESSED_OPERATION__OP_TYPE__OP_TYPE_RELATION) {
        out->op_type_case = SPARK__CONNECT__PLAN__OP_TYPE_ROOT;
        return cn_unpack(&PB_DESCRIPTOR(relation), raw, got, arena, &out->root, err);
    }
    out->op_type_case = SPARK__CONNECT__PLAN__OP_TYPE_COMMAND;
    return cn_unpack(&PB_DESCRIPTOR(command), raw, got, arena, &out->command, err);
}

ch_status cn_plain_plan(const PB(Plan) * plan, ch_arena *arena, PB(Plan) * room,
                        const PB(Plan) * *out, ch_error *err)
{
    *out = plan;
    if (!plan || plan->op_type_case != SPARK__CONNECT__PLAN__OP_TYPE_COMPRESSED_OPERATION)
        return CH_OK;
    *out = room;
    return decompress(plan->compressed_operation, arena, room, err);
}

static ch_status run_once(sender *s, const PB(Plan) * plan, ch_error *err)
{
    ch_frame *frame;
    CH_TRY(cn_decode_plan(cn_operation_session(s->op), plan, &frame, err));
    ch_status status = send_rows(s, frame, err);
    ch_frame_unref(frame);
    return status;
}

/* A query that was refused memory while others ran has another try without them, unless rows of it are out. */
static ch_status run_root(cn_operation *op, const PB(Plan) * plan, ch_error *err)
{
    sender s = {.op = op};
    ch_status status = run_once(&s, plan, err);
    while (status == CH_E_MEMORY && !s.any && cn_operation_again(op)) {
        if (err)
            ch_error_release(err);
        s = (sender){.op = op, .has_schema = s.has_schema};
        status = run_once(&s, plan, err);
    }
    return status;
}

ch_status cn_execute(cn_operation *op, const PB(ExecutePlanRequest) * request, ch_arena *arena,
                     ch_error *err)
{
    const PB(Plan) * plan;
    PB(Plan) unpacked;
    CH_TRY(cn_plain_plan(request->plan, arena, &unpacked, &plan, err));
    CH_TRY(cn_operation_take_turn(op, err));
    if (plan && plan->op_type_case == SPARK__CONNECT__PLAN__OP_TYPE_COMMAND)
        CH_TRY(cn_run_command(op, plan->command, err));
    else
        CH_TRY(run_root(op, plan, err));
    PB(ExecutePlanResponse) response = SPARK__CONNECT__EXECUTE_PLAN_RESPONSE__INIT;
    PB(ExecutePlanResponse__ResultComplete)
    complete = SPARK__CONNECT__EXECUTE_PLAN_RESPONSE__RESULT_COMPLETE__INIT;
    response.response_type_case =
        SPARK__CONNECT__EXECUTE_PLAN_RESPONSE__RESPONSE_TYPE_RESULT_COMPLETE;
    response.result_complete = &complete;
    return cn_operation_add(op, &response, err);
}
