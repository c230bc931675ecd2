/* SPDX-License-Identifier: Apache-2.0 */
/*
 * write_source.c - a query's rows to a system outside.
 *
 * All rows go through one transaction, so batches of all workers take turns. Partitioned columns, buckets and part files
 * mean nothing there.
 */
#include <pthread.h>

#include "session/command.h"
#include "session/write_files.h"

typedef struct source_run {
    const ch_format *format;
    ch_file_writer *writer;
    pthread_mutex_t lock;
    int64_t n_rows;
} source_run;

static ch_status to_source(void *user, int slot, ch_batch *batch, ch_error *err)
{
    source_run *run = user;
    CH_UNUSED(slot);
    pthread_mutex_lock(&run->lock);
    ch_status status = run->format->write(run->writer, batch, err);
    run->n_rows += batch->n;
    pthread_mutex_unlock(&run->lock);
    return status;
}

static ch_sink_mode sink_mode(ch_save_mode mode)
{
    switch (mode) {
    case CH_SAVE_APPEND:
        return CH_SINK_APPEND;
    case CH_SAVE_OVERWRITE:
        return CH_SINK_OVERWRITE;
    case CH_SAVE_IGNORE:
        return CH_SINK_IGNORE;
    default:
        return CH_SINK_ERROR;
    }
}

static ch_status run_query(source_run *run, ch_query *query, const ch_rel_write_operation *write,
                           ch_error *err)
{
    ch_arena *arena = ch_query_arena(query);
    const ch_func_context *func = ch_query_func(query);
    ch_strmap options;
    ch_strmap_init(&options, arena, true);
    for (int32_t i = 0; i < write->options.n; i++)
        CH_TRY(ch_strmap_put(&options, write->options.key[i],
                             (void *)(uintptr_t)write->options.value[i], err));
    ch_format_context ctx = {.time_zone = func->time_zone,
                             .ansi = func->ansi,
                             .case_sensitive = func->case_sensitive,
                             .n_slots = ch_query_slots(query),
                             .batch_rows = CH_BATCH_ROWS,
                             .mem = ch_query_mem(query),
                             .cancel = func->cancel};
    CH_TRY(run->format->open_sink(&ctx, sink_mode(write->mode), ch_query_schema(query), &options,
                                  &run->writer, err));
    if (!run->writer)
        return CH_OK;
    ch_status status = ch_query_each(query, to_source, run, false, err);
    if (status != CH_OK) {
        run->format->abandon(run->writer);
        return status;
    }
    return run->format->finish(run->writer, err);
}

ch_status ch_write_source(ch_frame *frame, const ch_format *format,
                          const ch_rel_write_operation *write, int64_t *n_rows, ch_error *err)
{
    source_run run = {.format = format};
    ch_query *query;
    if (!format->open_sink)
        CH_FAIL(err, UNSUPPORTED, "feature", "Writing to this source");
    if (write->partitioning_columns.n)
        CH_FAIL(err, UNSUPPORTED, "feature", "partitionBy into a source without files");
    CH_TRY(ch_query_open(frame, write->input, &query, err));
    pthread_mutex_init(&run.lock, NULL);
    ch_status status = run_query(&run, query, write, err);
    pthread_mutex_destroy(&run.lock);
    if (n_rows)
        *n_rows = run.n_rows;
    ch_query_close(query);
    return status;
}
