/* SPDX-License-Identifier: Apache-2.0 */
/* python_session.c - the processes that run functions in Python, and the settings that they are told. */
#include "session/python_session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "plan/node.h"

#define IDLE_PLANNERS 2

void ch_python_session_release(ch_session *session)
{
    ch_python_session *p = ch_session_python(session);
    pthread_mutex_lock(&p->lock);
    ch_python_pool *pool = p->pool, *planner = p->planner;
    p->pool = p->planner = NULL;
    pthread_mutex_unlock(&p->lock);
    ch_python_pool_free(pool);
    ch_python_pool_free(planner);
    ch_python_files_release(p);
}

/* ---- what workers are told ---------------------------------------------------------------- */

/* The settings that PySpark's worker looks at (RunnerConf of its worker.py). */
static const char *const TOLD[] = {
    "spark.sql.legacy.execution.pandas.groupedMap.assignColumnsByName",
    "spark.sql.execution.arrow.useLargeVarTypes",
    "spark.sql.legacy.execution.pythonUDF.pandas.conversion.enabled",
    "spark.sql.legacy.execution.pythonUDTF.pandas.conversion.enabled",
    "spark.sql.execution.pythonUDF.mapInBatch.legacy.acceptAnyIterable.enabled",
    "spark.sql.execution.pyspark.binaryAsBytes",
    "spark.sql.execution.pandas.convertToArrowArraySafely",
    "spark.sql.execution.pythonUDF.pandas.intToDecimalCoercionEnabled",
    "spark.sql.execution.pythonUDF.pandas.preferIntExtensionDtype",
    "spark.sql.execution.arrow.maxRecordsPerBatch",
    "spark.sql.execution.arrow.maxBytesPerBatch",
    "spark.sql.execution.pythonUDF.arrow.concurrency.level",
};
#define N_TOLD ((int32_t)(sizeof TOLD / sizeof *TOLD))

static ch_status tell_settings(ch_session *session, const char *time_zone, ch_arena *arena,
                               ch_python_runtime *r, ch_error *err)
{
    const char **conf, *value;
    CH_ARENA_ARRAY(conf, arena, 2 * (N_TOLD + 1), err);
    conf[0] = "spark.sql.session.timeZone";
    conf[1] = time_zone;
    r->n_conf = 1;
    for (int32_t i = 0; i < N_TOLD; i++) {
        CH_TRY(ch_session_get(session, TOLD[i], arena, &value, err));
        if (!value || !*value)
            continue;
        conf[2 * r->n_conf] = TOLD[i];
        conf[2 * r->n_conf++ + 1] = value;
    }
    r->conf = conf;
    return CH_OK;
}

/* The first that is given: the session's, the environment's, python3. */
static ch_status find_executable(ch_session *session, ch_arena *arena, const char **out,
                                 ch_error *err)
{
    static const char *const KEY[] = {"spark.sql.execution.pyspark.python", "spark.pyspark.python"};
    for (size_t i = 0; i < sizeof KEY / sizeof *KEY; i++) {
        CH_TRY(ch_session_get(session, KEY[i], arena, out, err));
        if (*out && **out)
            return CH_OK;
    }
    *out = getenv("PYSPARK_PYTHON");
    if (!*out || !**out)
        *out = "python3";
    return CH_OK;
}

/* Spark reads a number alone as MiB, and shares the limit among the workers of an executor. */
static ch_status find_memory(ch_session *session, ch_arena *arena, int64_t *mb, ch_error *err)
{
    const char *text;
    int64_t bytes;
    *mb = 0;
    CH_TRY(ch_session_get(session, "spark.executor.pyspark.memory", arena, &text, err));
    if (!text || !*text)
        return CH_OK;
    if (!ch_parse_bytes(text, &bytes))
        CH_FAIL(err, INVALID_CONF_VALUE, "confName", "spark.executor.pyspark.memory", "confValue",
                text, "confType", "bytes such as 2g");
    bool alone = text[strspn(text, "0123456789")] == 0;
    int threads = ch_pool_threads(ch_engine_pool(ch_session_engine(session)));
    *mb = (alone ? bytes : bytes >> 20) / (threads > 0 ? threads : 1);
    if (*mb < 1 && bytes)
        *mb = 1;
    return CH_OK;
}

static ch_status need_pools(ch_session *session, ch_python_runtime *r, ch_error *err)
{
    ch_python_session *p = ch_session_python(session);
    ch_engine *engine = ch_session_engine(session);
    pthread_mutex_lock(&p->lock);
    if (!p->pool)
        p->pool = ch_python_pool_new(ch_engine_spill_dir(engine),
                                     ch_pool_threads(ch_engine_pool(engine)) + 2);
    if (!p->planner)
        p->planner = ch_python_pool_new(ch_engine_spill_dir(engine), IDLE_PLANNERS);
    r->pool = p->pool;
    r->planner = p->planner;
    pthread_mutex_unlock(&p->lock);
    return r->pool && r->planner ? CH_OK : ch_error_memory(err, "session", 0, 0);
}

static ch_status copy_files(ch_session *session, ch_arena *arena, ch_python_runtime *r,
                            ch_error *err)
{
    ch_python_session *p = ch_session_python(session);
    const char **include;
    ch_status status = CH_OK;
    CH_ARENA_ARRAY(include, arena, 1, err);
    pthread_mutex_lock(&p->lock);
    if (p->files) {
        r->files = ch_arena_str(arena, p->files, err);
        include = ch_arena_alloc(arena, sizeof *include * (size_t)(p->n_include + 1), err);
        status = r->files && include ? CH_OK : CH_E_MEMORY;
        for (int32_t i = 0; i < p->n_include && status == CH_OK; i++) {
            include[i] = ch_arena_str(arena, p->include[i], err);
            status = include[i] ? CH_OK : CH_E_MEMORY;
        }
        r->include = include;
        r->n_include = p->n_include;
    }
    pthread_mutex_unlock(&p->lock);
    return status;
}

ch_status ch_python_runtime_make(ch_session *session, const char *time_zone, ch_arena *arena,
                                 const ch_python_runtime **out, ch_error *err)
{
    ch_python_runtime *r;
    CH_ARENA_NEW(r, arena, err);
    CH_TRY(tell_settings(session, time_zone, arena, r, err));
    CH_TRY(find_executable(session, arena, &r->settings.executable, err));
    CH_TRY(find_memory(session, arena, &r->settings.memory_mb, err));
    CH_TRY(copy_files(session, arena, r, err));
    CH_TRY(need_pools(session, r, err));
    r->settings.module = "pyspark.worker";
    r->settings.hide_traceback =
        ch_session_get_bool(session, "spark.sql.execution.pyspark.udf.hideTraceback.enabled");
    r->settings.simplified_traceback =
        ch_session_get_bool(session, "spark.sql.execution.pyspark.udf.simplifiedTraceback.enabled");
    r->time_zone = time_zone;
    r->max_records = ch_session_get_int(session, "spark.sql.execution.arrow.maxRecordsPerBatch");
    r->idle_s = ch_session_get_int(session, "spark.sql.execution.pyspark.udf.idleTimeoutSeconds");
    r->kill_idle =
        ch_session_get_bool(session, "spark.sql.execution.pyspark.udf.killOnIdleTimeout");
    *out = r;
    return CH_OK;
}
