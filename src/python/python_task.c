/* SPDX-License-Identifier: Apache-2.0 */
/* python_task.c - what goes to a worker; python_answer.c reads what comes back. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "column/ipc.h"
#include "python/pickle.h"
#include "python/python_answer.h"
#include "python/python_put.h"

enum { END_OF_DATA_SECTION = -1, END_OF_STREAM = -4, START_OF_INIT_MESSAGE = -8 };

#define LEAST_SENT 65536
#define STEP_MS 50 /* how often a cancelled query is noticed */
#define TASK_CONTEXT                                                                  \
    "{\"isBarrier\": false, \"connInfo\": null, \"secret\": null, \"stageId\": 0, "   \
    "\"partitionId\": %d, \"attemptNumber\": 0, \"taskAttemptId\": %d, \"cpus\": 1, " \
    "\"cpuAmount\": \"1\", \"resources\": {}, \"localProperties\": {}}"

struct ch_python_task {
    const ch_python_runtime *runtime;
    const ch_python_spec *spec;
    ch_mem *mem;
    const _Atomic bool *cancel;
    ch_python_worker *worker;
    const ch_type *input;
    ch_buf out; /* to be sent from `sent` on */
    size_t sent;
    bool in_stream; /* a schema was sent, and no end yet */
    bool ended;     /* all is said */
    bool grouped;
    ch_python_answer *answer;
    int64_t heard_ns;
};

/* ---- what to run ------------------------------------------------------------------------- */

/* Those whose worker makes Python values of the columns are told the columns' types. */
static ch_status put_eval_conf(const ch_python_task *t, ch_buf *out, ch_error *err)
{
    const ch_python_spec *s = t->spec;
    if (s->eval_type == CH_PYTHON_ARROW_BATCHED || s->eval_type == CH_PYTHON_ARROW_TABLE) {
        CH_TRY(ch_python_put_int(out, 1, err));
        CH_TRY(ch_python_put_text(out, "input_type", err));
        return ch_python_put_type(out, s->input, t->mem, err);
    }
    if (s->eval_type != CH_PYTHON_ARROW_UDTF)
        return ch_python_put_int(out, 0, err);
    CH_TRY(ch_python_put_int(out, 1, err));
    CH_TRY(ch_python_put_text(out, "table_arg_offsets", err));
    return ch_python_put_text(out, s->table->tables, err);
}

static ch_status put_args(const ch_python_call *c, ch_buf *out, ch_error *err)
{
    CH_TRY(ch_python_put_int(out, c->n_args, err));
    for (int32_t i = 0; i < c->n_args; i++) {
        CH_TRY(ch_python_put_int(out, c->arg[i], err));
        CH_TRY(ch_python_put_key(out, c->key ? c->key[i] : NULL, err));
    }
    return CH_OK;
}

static ch_status put_command(const ch_python_udf *udf, ch_buf *out, ch_error *err)
{
    return ch_python_put_bytes(out, udf->command.text, (size_t)udf->command.len, err);
}

static ch_status put_call(const ch_python_call *c, int64_t id, ch_buf *out, ch_error *err)
{
    CH_TRY(put_args(c, out, err));
    CH_TRY(ch_python_put_int(out, c->n_chain, err));
    for (int32_t i = 0; i < c->n_chain; i++)
        CH_TRY(put_command(c->chain[i], out, err));
    return ch_python_put_long(out, id, err);
}

static ch_status put_table(const ch_python_task *t, ch_buf *out, ch_error *err)
{
    const ch_python_call *c = t->spec->call;
    const ch_python_table *table = t->spec->table;
    CH_TRY(put_args(c, out, err));
    CH_TRY(ch_python_put_int(out, table->n_partition, err));
    for (int32_t i = 0; i < table->n_partition; i++)
        CH_TRY(ch_python_put_int(out, table->partition[i], err));
    CH_TRY(ch_buf_addc(out, table->analyzed.text != NULL, err));
    if (table->analyzed.text)
        CH_TRY(ch_python_put_bytes(out, table->analyzed.text, (size_t)table->analyzed.len, err));
    CH_TRY(put_command(c->chain[0], out, err));
    CH_TRY(ch_python_put_type(out, c->chain[0]->type, t->mem, err));
    return ch_python_put_text(out, c->chain[0]->name, err);
}

static ch_status put_init(const ch_python_task *t, int32_t partition, ch_buf *out, ch_error *err)
{
    const ch_python_runtime *r = t->runtime;
    const ch_python_spec *s = t->spec;
    char context[512];
    snprintf(context, sizeof context, TASK_CONTEXT, partition, partition);
    CH_TRY(ch_python_put_int(out, partition, err));
    CH_TRY(ch_python_put_text(out, s->call[0].chain[0]->version, err));
    CH_TRY(ch_python_put_text(out, context, err));
    CH_TRY(ch_python_put_files(out, r, err));
    CH_TRY(ch_python_put_broadcasts(out, err));
    CH_TRY(ch_python_put_int(out, s->eval_type, err));
    CH_TRY(ch_python_put_int(out, r->n_conf + s->n_conf, err));
    CH_TRY(ch_python_put_conf(out, r->conf, r->n_conf, err));
    CH_TRY(ch_python_put_conf(out, s->conf, s->n_conf, err));
    CH_TRY(put_eval_conf(t, out, err));
    if (s->table)
        return put_table(t, out, err);
    CH_TRY(ch_python_put_int(out, s->n_calls, err));
    for (int32_t i = 0; i < s->n_calls; i++)
        CH_TRY(put_call(&s->call[i], i, out, err));
    return CH_OK;
}

static ch_status say_init(ch_python_task *t, int32_t partition, ch_error *err)
{
    CH_TRY(ch_python_put_int(&t->out, START_OF_INIT_MESSAGE, err));
    size_t at = t->out.len;
    CH_TRY(ch_python_put_int(&t->out, 0, err));
    CH_TRY(put_init(t, partition, &t->out, err));
    if (t->out.len > INT32_MAX)
        CH_FAIL(err, UNSUPPORTED, "feature", "A Python function of more than 2 GiB");
    uint32_t length = __builtin_bswap32((uint32_t)(t->out.len - at - 4));
    memcpy(t->out.data + at, &length, sizeof length);
    return CH_OK;
}

/* ---- both directions --------------------------------------------------------------------- */

static ch_status hear(ch_python_task *t, ch_error *err)
{
    void *room;
    size_t bytes;
    CH_TRY(ch_python_answer_room(t->answer, &room, &bytes, err));
    ssize_t n = recv(t->worker->fd, room, bytes, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return CH_OK;
    if (n <= 0)
        CH_FAIL(err, PYTHON_WORKER_EXITED);
    t->heard_ns = ch_tick_ns();
    return ch_python_answer_take(t->answer, (size_t)n, err);
}

static ch_status say(ch_python_task *t, ch_error *err)
{
    ssize_t n = send(t->worker->fd, t->out.data + t->sent, t->out.len - t->sent,
                     MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return CH_OK;
    if (n < 0) /* it may have said why before it went */
        return hear(t, err);
    t->sent += (size_t)n;
    if (t->sent == t->out.len) {
        ch_buf_reset(&t->out);
        t->sent = 0;
    }
    return CH_OK;
}

/* A worker that gives nothing for long, as spark.sql.execution.pyspark.udf.idleTimeoutSeconds says. */
static ch_status heed_idle(const ch_python_task *t, ch_error *err)
{
    int64_t most = t->runtime->idle_s;
    if (most <= 0 || !t->runtime->kill_idle ||
        (ch_tick_ns() - t->heard_ns) / INT64_C(1000000000) < most)
        return CH_OK;
    CH_FAIL(err, PYTHON_WORKER_IDLE, "seconds", CH_I64(most));
}

/* One step: waits until something can be said or heard. A worker that is gone may have left its socket to others. */
static ch_status step(ch_python_task *t, ch_error *err)
{
    bool unsaid = t->sent < t->out.len;
    struct pollfd fd[2] = {
        {.fd = t->worker->fd, .events = (short)(unsaid ? POLLIN | POLLOUT : POLLIN)},
        {.fd = t->worker->process, .events = POLLIN}};
    if (t->cancel && atomic_load_explicit(t->cancel, memory_order_relaxed))
        CH_FAIL(err, CANCELLED);
    if (poll(fd, 2, STEP_MS) <= 0)
        return heed_idle(t, err);
    if (fd[0].revents & (POLLIN | POLLHUP | POLLERR))
        CH_TRY(hear(t, err));
    else if (fd[1].revents)
        CH_FAIL(err, PYTHON_WORKER_EXITED);
    return fd[0].revents & POLLOUT ? say(t, err) : CH_OK;
}

ch_status ch_python_task_flush(ch_python_task *t, bool *all, ch_error *err)
{
    *all = true;
    /* Small groups leave together. */
    if (t->grouped && !t->ended && t->out.len - t->sent < LEAST_SENT)
        return CH_OK;
    t->heard_ns = ch_tick_ns(); /* it is waited for from now on */
    while (t->sent < t->out.len && !ch_python_answer_done(t->answer)) {
        *all = !ch_python_answer_has_batch(t->answer);
        if (!*all)
            return CH_OK;
        CH_TRY(step(t, err));
    }
    return CH_OK;
}

/* ---- rows -------------------------------------------------------------------------------- */

static ch_arrow_options arrow_options(const ch_python_task *t)
{
    return (ch_arrow_options){.classic = true, .time_zone = t->runtime->time_zone};
}

/* One column of all, for those that see rows as one struct: shares children. */
static ch_status export_rows(ch_python_task *t, ch_batch *batch, struct ArrowSchema *schema,
                             struct ArrowArray *array, ch_error *err)
{
    ch_arrow_options options = arrow_options(t);
    *array = (struct ArrowArray){0};
    *schema = (struct ArrowSchema){0};
    CH_TRY(ch_arrow_export_type(t->mem, t->input, "", false, &options, schema, err));
    return batch ? ch_arrow_export_batch(t->mem, batch, &options, array, err) : CH_OK;
}

static ch_status write_rows(ch_python_task *t, const struct ArrowSchema *schema,
                            const struct ArrowArray *array, ch_error *err)
{
    struct ArrowSchema inner, *one_schema = &inner;
    struct ArrowArray rows, *one = &rows;
    const void *no_nulls[1] = {NULL};
    struct ArrowSchema outer_schema = *schema;
    struct ArrowArray outer = *array;
    if (t->spec->input_struct) {
        inner = *schema;
        inner.name = "struct";
        rows = *array;
        outer_schema.n_children = 1;
        outer_schema.children = &one_schema;
        outer.n_children = 1;
        outer.children = &one;
        outer.buffers = no_nulls;
        outer.n_buffers = 1;
        outer.null_count = 0;
    }
    if (!t->in_stream)
        CH_TRY(ch_ipc_write_schema(t->mem, &outer_schema, &t->out, err));
    t->in_stream = true;
    return array->release ? ch_ipc_write_batch(t->mem, &outer_schema, &outer, &t->out, err) : CH_OK;
}

/* batch NULL: the schema alone. */
static ch_status add_rows(ch_python_task *t, ch_batch *batch, ch_error *err)
{
    struct ArrowSchema schema;
    struct ArrowArray array;
    ch_status status = export_rows(t, batch, &schema, &array, err);
    if (status == CH_OK)
        status = write_rows(t, &schema, &array, err);
    if (array.release)
        array.release(&array);
    if (schema.release)
        schema.release(&schema);
    return status;
}

static ch_status add_pickled(ch_python_task *t, ch_batch *batch, ch_error *err)
{
    size_t at = t->out.len;
    CH_TRY(ch_python_put_int(&t->out, 0, err));
    CH_TRY(ch_pickle_rows(batch, t->spec->input, t->mem, &t->out, err));
    if (t->out.len - at - 4 > INT32_MAX)
        CH_FAIL(err, UNSUPPORTED, "feature", "More than 2 GiB of rows for a Python function");
    uint32_t length = __builtin_bswap32((uint32_t)(t->out.len - at - 4));
    memcpy(t->out.data + at, &length, sizeof length);
    return CH_OK;
}

ch_status ch_python_task_send(ch_python_task *t, ch_batch *batch, ch_error *err)
{
    if (ch_python_answer_done(t->answer)) /* it needs no more rows */
        return CH_OK;
    return ch_python_is_pickled(t->spec->eval_type) ? add_pickled(t, batch, err)
                                                    : add_rows(t, batch, err);
}

void ch_python_task_input(ch_python_task *t, const ch_type *input)
{
    t->input = input;
}

ch_status ch_python_task_group(ch_python_task *t, int32_t n, ch_error *err)
{
    return ch_python_answer_done(t->answer) ? CH_OK : ch_python_put_int(&t->out, n, err);
}

/* A group without rows has a batch all the same, of none: PySpark takes the columns from it. */
static ch_status add_no_rows(ch_python_task *t, ch_error *err)
{
    ch_batch none;
    CH_TRY(ch_batch_init(&none, t->mem, t->input->n_fields, 0, err));
    ch_status status = CH_OK;
    for (int32_t i = 0; i < none.n_cols && status == CH_OK; i++)
        status = ch_column_flat_nulls(t->mem, t->input->field[i].type, 0, &none.col[i], err);
    if (status == CH_OK)
        status = add_rows(t, &none, err);
    ch_batch_release(&none);
    return status;
}

ch_status ch_python_task_end_stream(ch_python_task *t, ch_error *err)
{
    if (ch_python_answer_done(t->answer))
        return CH_OK;
    if (!t->in_stream)
        CH_TRY(t->grouped ? add_no_rows(t, err) : add_rows(t, NULL, err));
    t->in_stream = false;
    return ch_ipc_write_end(&t->out, err);
}

ch_status ch_python_task_end_input(ch_python_task *t, ch_error *err)
{
    if (t->ended)
        return CH_OK;
    t->ended = true;
    if (t->grouped)
        CH_TRY(ch_python_put_int(&t->out, 0, err));
    else if (ch_python_is_pickled(t->spec->eval_type))
        CH_TRY(ch_python_put_int(&t->out, END_OF_DATA_SECTION, err));
    else
        CH_TRY(ch_python_task_end_stream(t, err));
    return ch_python_put_int(&t->out, END_OF_STREAM, err);
}

/* ---- results ----------------------------------------------------------------------------- */

bool ch_python_task_take(ch_python_task *t, ch_batch *out)
{
    return ch_python_answer_batch(t->answer, out);
}

ch_status ch_python_task_wait(ch_python_task *t, bool *more, ch_error *err)
{
    t->heard_ns = ch_tick_ns();
    for (;;) {
        *more = true;
        if (ch_python_answer_has_batch(t->answer))
            return CH_OK;
        *more = !ch_python_answer_done(t->answer);
        if (!*more)
            return CH_OK;
        CH_TRY(step(t, err));
    }
}

/* ---- life -------------------------------------------------------------------------------- */

static bool in_groups(int32_t eval_type)
{
    switch (eval_type) {
    case CH_PYTHON_GROUPED_MAP_PANDAS:
    case CH_PYTHON_GROUPED_MAP_PANDAS_ITER:
    case CH_PYTHON_GROUPED_MAP_ARROW:
    case CH_PYTHON_GROUPED_MAP_ARROW_ITER:
    case CH_PYTHON_COGROUPED_MAP_PANDAS:
    case CH_PYTHON_COGROUPED_MAP_ARROW:
    case CH_PYTHON_GROUPED_AGG_PANDAS:
    case CH_PYTHON_GROUPED_AGG_PANDAS_ITER:
    case CH_PYTHON_GROUPED_AGG_ARROW:
    case CH_PYTHON_GROUPED_AGG_ARROW_ITER:
    case CH_PYTHON_WINDOW_AGG_PANDAS:
    case CH_PYTHON_WINDOW_AGG_ARROW:
        return true;
    default:
        return false;
    }
}

ch_status ch_python_task_open(const ch_python_runtime *runtime, const ch_python_spec *spec,
                              int32_t partition, ch_mem *mem, const _Atomic bool *cancel,
                              ch_python_task **out, ch_error *err)
{
    *out = NULL;
    ch_python_task *t = ch_mem_zalloc(mem, sizeof *t, err);
    if (!t)
        return CH_E_MEMORY;
    *t = (ch_python_task){
        .runtime = runtime, .spec = spec, .mem = mem, .cancel = cancel, .input = spec->input};
    t->grouped = in_groups(spec->eval_type);
    ch_buf_init(&t->out, mem);
    ch_status status = ch_python_answer_new(spec, mem, &t->answer, err);
    if (status == CH_OK)
        status = ch_python_pool_get(runtime->pool, &runtime->settings, cancel, &t->worker, err);
    if (status == CH_OK)
        status = say_init(t, partition, err);
    if (status != CH_OK) {
        ch_python_task_close(t);
        return status;
    }
    *out = t;
    return CH_OK;
}

void ch_python_task_close(ch_python_task *t)
{
    if (!t)
        return;
    if (t->worker)
        ch_python_pool_put(t->runtime->pool, t->worker,
                           t->ended && t->sent == t->out.len &&
                               ch_python_answer_reusable(t->answer));
    ch_python_answer_free(t->answer);
    ch_buf_release(&t->out);
    ch_mem_free(t->mem, t, sizeof *t);
}
