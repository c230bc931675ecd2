/* SPDX-License-Identifier: Apache-2.0 */
/*
 * python_task.h - one conversation with a worker: what it is to run, rows there, rows back.
 *
 *   open
 *   { send* | group, { send*, end_stream }* }    rows for it
 *   flush, with take* in between                 rows to it; results may come meanwhile
 *   end_input, flush, then wait until *more is false, with take* in between
 *   close                                        always: the worker waits for another task, or is killed
 *
 * What is sent and received, all integers big-endian (PySpark's worker.py, worker_message.py):
 *
 *   to     -8 | length | { what to run } | Arrow stream | -4
 *          in groups:                    { n > 0 | n Arrow streams }* | 0 | -4
 *          pickled:                      { length | list of rows }* | -1 | -4
 *   from   -6 | Arrow stream | -3 | times | -1 | accumulators | -4
 *          pickled:  { length | list of results }*   in place of -6 and the stream
 *          -2 | length | traceback                   in place of anything
 *
 * A table function gives one batch for each row that it gets, which may be of no rows, and one when there are
 * no more, if it then has something to say.
 *
 * Both directions go on at once: a worker that waits for its results to be read reads no rows.
 * Threads: one at a time.
 */
#ifndef CH_PYTHON_PYTHON_TASK_H
#define CH_PYTHON_PYTHON_TASK_H

#include "column/batch.h"
#include "python/python_pool.h"
#include "python/udf.h"

/* What tasks of one query share. */
typedef struct ch_python_runtime {
    ch_python_pool *pool;    /* borrowed */
    ch_python_pool *planner; /* of workers that analyze (python_analyze.h); borrowed */
    ch_python_settings settings;
    const char *const *conf; /* for the worker: key, value, ... */
    int32_t n_conf;          /* pairs */
    const char *time_zone;
    const char
        *files; /* folder that is on the workers' path, with what the client uploaded; or NULL */
    const char *const *include; /* names of archives in it */
    int32_t n_include;
    int64_t max_records; /* rows of an Arrow batch */
    int64_t idle_s;      /* of a worker that gives nothing; 0: any time */
    bool kill_idle;
} ch_python_runtime;

/* One function of a task; f(g(x)) is one whose chain is g, f. */
typedef struct ch_python_call {
    const int32_t
        *arg; /* columns of the input, n_args; in groups: what extract_key_value_indexes() reads */
    const char *const
        *key; /* f(key => value): n_args names, NULL by position; or NULL: none has one */
    int32_t n_args;
    const ch_python_udf *const *chain;
    int32_t n_chain;
} ch_python_call;

/* What a task has more that is a table function (plan/plan_python.h). */
typedef struct ch_python_table {
    const int32_t *partition;
    int32_t n_partition;
    ch_str analyzed;    /* text NULL: none */
    const char *tables; /* positions of columns, with commas */
} ch_python_table;

typedef struct ch_python_spec {
    int32_t eval_type;
    const ch_python_call *call;
    int32_t n_calls;
    const ch_type *input;         /* STRUCT of the columns that are sent */
    const ch_type *output;        /* STRUCT of those that come back */
    bool input_struct;            /* sent as one column, a struct of them */
    bool output_struct;           /* comes back as one column, a struct of them */
    const char *const *conf;      /* more of runtime->conf: key, value, ... */
    int32_t n_conf;               /* pairs */
    const ch_python_table *table; /* or NULL */
} ch_python_spec;

typedef struct ch_python_task ch_python_task;

/* spec and runtime are borrowed until close; mem pays for what is under way. *out is NULL on error. */
CH_NODISCARD ch_status ch_python_task_open(const ch_python_runtime *runtime,
                                           const ch_python_spec *spec, int32_t partition,
                                           ch_mem *mem, const _Atomic bool *cancel,
                                           ch_python_task **out, ch_error *err);
/* Rows of input's columns, no more than runtime->max_records; borrows. They leave with the next flush. */
CH_NODISCARD ch_status ch_python_task_send(ch_python_task *task, ch_batch *batch, ch_error *err);
/* A group of n streams begins; each ends, and after the last the group. */
CH_NODISCARD ch_status ch_python_task_group(ch_python_task *task, int32_t n, ch_error *err);
CH_NODISCARD ch_status ch_python_task_end_stream(ch_python_task *task, ch_error *err);
/* Of the second stream of a group: its columns. */
void ch_python_task_input(ch_python_task *task, const ch_type *input);

/*
 * Until all that was said is on its way. *all is false when results came first, which are to be taken before it is
 * called again: a worker may make any number of rows before it reads another one.
 */
CH_NODISCARD ch_status ch_python_task_flush(ch_python_task *task, bool *all, ch_error *err);
/* A batch of results that is there already, moved; false: none is. */
bool ch_python_task_take(ch_python_task *task, ch_batch *out);
CH_NODISCARD ch_status ch_python_task_end_input(ch_python_task *task, ch_error *err);
/* Until a batch of results is there, or *more is false: none will come. */
CH_NODISCARD ch_status ch_python_task_wait(ch_python_task *task, bool *more, ch_error *err);
/* NULL is ignored. */
void ch_python_task_close(ch_python_task *task);

#endif
