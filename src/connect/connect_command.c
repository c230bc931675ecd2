/* SPDX-License-Identifier: Apache-2.0 */
/* connect_command.c - commands: SQL, views, writes, checkpoints. */
#include <string.h>

#include "column/ipc.h"
#include "connect/decode_relation.h"
#include "session/command.h"
#include "sql/sql.h"

typedef PB(Command) message;

/* ---- SQL --------------------------------------------------------------------------------- */

static ch_status send_relation(cn_operation *op, PB(Relation) * relation, ch_error *err)
{
    PB(ExecutePlanResponse) response = SPARK__CONNECT__EXECUTE_PLAN_RESPONSE__INIT;
    PB(ExecutePlanResponse__SqlCommandResult)
    result = SPARK__CONNECT__EXECUTE_PLAN_RESPONSE__SQL_COMMAND_RESULT__INIT;
    result.relation = relation;
    response.response_type_case =
        SPARK__CONNECT__EXECUTE_PLAN_RESPONSE__RESPONSE_TYPE_SQL_COMMAND_RESULT;
    response.sql_command_result = &result;
    return cn_operation_add(op, &response, err);
}

/* The rows that a command gave, as a LocalRelation of Arrow data. */
static ch_status send_command_rows(cn_operation *op, ch_frame *rows, ch_error *err)
{
    ch_query *q;
    CH_TRY(cn_collect(rows, &q, err));
    ch_mem *mem = ch_query_mem(q);
    ch_arrow_options options = {.classic = true, .time_zone = ch_query_func(q)->time_zone};
    struct ArrowSchema schema;
    struct ArrowArray *array;
    ch_buf bytes;
    int64_t n = 0, n_arrays = 0;
    ch_status status =
        ch_arrow_export_type(mem, ch_query_schema(q), "", false, &options, &schema, err);
    if (status != CH_OK) {
        ch_query_close(q);
        return status;
    }
    ch_buf_init(&bytes, mem);
    while (ch_query_batch(q, n))
        n++;
    array = ch_arena_alloc(ch_query_arena(q), sizeof *array * (size_t)(n + 1), err);
    status = array ? CH_OK : CH_E_MEMORY;
    for (; n_arrays < n && status == CH_OK; n_arrays += status == CH_OK)
        status = ch_arrow_export_batch(mem, ch_query_batch(q, n_arrays), &options, &array[n_arrays],
                                       err);
    if (status == CH_OK)
        status = ch_ipc_write(mem, &schema, array, n, &bytes, err);
    if (status == CH_OK) {
        PB(Relation) relation = SPARK__CONNECT__RELATION__INIT;
        PB(LocalRelation) local = SPARK__CONNECT__LOCAL_RELATION__INIT;
        local.has_data = 1;
        local.data = (ProtobufCBinaryData){bytes.len, (uint8_t *)bytes.data};
        relation.rel_type_case = SPARK__CONNECT__RELATION__REL_TYPE_LOCAL_RELATION;
        relation.local_relation = &local;
        status = send_relation(op, &relation, err);
    }
    for (int64_t i = 0; i < n_arrays; i++)
        array[i].release(&array[i]);
    schema.release(&schema);
    ch_buf_release(&bytes);
    ch_query_close(q);
    return status;
}

/* The statement of a command, whichever field the client put it into. */
static const PB(SQL) * statement(const PB(SqlCommand) * m, PB(SQL) * own)
{
    const PB(Relation) *r = m->input;
    if (r && r->rel_type_case == SPARK__CONNECT__RELATION__REL_TYPE_WITH_RELATIONS)
        r = r->with_relations->root;
    if (r)
        return r->rel_type_case == SPARK__CONNECT__RELATION__REL_TYPE_SQL ? r->sql : NULL;
    spark__connect__sql__init(own);
    own->query = m->sql;
    own->n_pos_arguments = m->n_pos_arguments;
    own->pos_arguments = m->pos_arguments;
    own->n_pos_args = m->n_pos_args;
    own->pos_args = m->pos_args;
    return own;
}

static ch_status run_sql(cn_operation *op, const message *m, ch_error *err)
{
    cn_session *session = cn_operation_session(op);
    const PB(SqlCommand) *c = m->sql_command;
    PB(SQL) own;
    const PB(SQL) *sql = statement(c, &own);
    PB(Relation) relation = SPARK__CONNECT__RELATION__INIT, *whole = c->input;
    ch_frame *frame, *rows;
    if (!sql)
        CH_FAIL(err, CONNECT_INVALID_PLAN, "reason", "an SQL command has no statement");
    if (!whole) {
        relation.rel_type_case = SPARK__CONNECT__RELATION__REL_TYPE_SQL;
        relation.sql = (PB(SQL) *)(uintptr_t)sql;
        whole = &relation;
    }
    CH_TRY(cn_decode_frame(session, whole, &frame, err));
    ch_status status;
    if (ch_is_command(frame->rel)) {
        status = ch_command_run(frame, &rows, err);
        if (status == CH_OK) {
            status = send_command_rows(op, rows, err);
            ch_frame_unref(rows);
        }
    } else {
        /* A query: analyzed now, for its errors, and run when it is asked for rows. */
        ch_query *q;
        status = ch_query_open(frame, frame->rel, &q, err);
        ch_query_close(q);
        if (status == CH_OK)
            status = send_relation(op, whole, err);
    }
    ch_frame_unref(frame);
    return status;
}

/* ---- views and writes -------------------------------------------------------------------- */

/* As Spark: one name, or one behind a database, which plays no part. */
static ch_status view_name(cn_session *session, const char *text, ch_arena *arena, const char **out,
                           ch_error *err)
{
    ch_sql_context ctx;
    ch_str_list parts = {0};
    CH_TRY(ch_session_sql_context(session->session, arena, &ctx, err));
    ch_status status = ch_sql_parse_names(&ctx, text, &parts, NULL);
    if (status == CH_E_MEMORY)
        return ch_error_memory(err, "session", (int64_t)strlen(text), 0);
    if (status != CH_OK || parts.n == 0 || parts.n > 2)
        CH_FAIL(err, INVALID_VIEW_NAME, "viewName", text);
    *out = parts.item[parts.n - 1];
    return CH_OK;
}

static ch_status run_create_view(cn_operation *op, const message *m, ch_error *err)
{
    const PB(CreateDataFrameViewCommand) *c = m->create_dataframe_view;
    cn_session *session = cn_operation_session(op);
    ch_frame *frame;
    ch_query *q;
    CH_TRY(cn_decode_frame(session, c->input, &frame, err));
    const char *name = "";
    ch_status status = view_name(session, c->name ? c->name : "", &frame->arena, &name, err);
    q = NULL;
    if (status == CH_OK)
        status = ch_query_open(frame, frame->rel, &q, err);
    ch_query_close(q);
    if (status == CH_OK)
        status = ch_session_put_view(session->session, name, c->is_global, c->replace, frame,
                                     frame->rel, err);
    ch_frame_unref(frame);
    return status;
}

static ch_save_mode save_mode(const PB(WriteOperation) * w)
{
    switch (w->mode) {
    case SPARK__CONNECT__WRITE_OPERATION__SAVE_MODE__SAVE_MODE_APPEND:
        return CH_SAVE_APPEND;
    case SPARK__CONNECT__WRITE_OPERATION__SAVE_MODE__SAVE_MODE_OVERWRITE:
        return CH_SAVE_OVERWRITE;
    case SPARK__CONNECT__WRITE_OPERATION__SAVE_MODE__SAVE_MODE_IGNORE:
        return CH_SAVE_IGNORE;
    default:
        return CH_SAVE_ERROR_IF_EXISTS;
    }
}

static ch_status decode_write(cn_decode *d, const PB(WriteOperation) * w,
                              ch_rel_write_operation **out, ch_error *err)
{
    ch_rel_write_operation *r;
    if (w->bucket_by)
        CH_FAIL(err, SAVE_WITH_CLAUSE, "operation", "save");
    if (w->n_sort_column_names)
        CH_FAIL(err, SORT_BY_WITHOUT_BUCKETING);
    CN_NODE(r, d, WRITE_OPERATION, err);
    CH_TRY(cn_decode_relation(d, w->input, &r->input, err));
    if (w->source && *w->source)
        CH_TRY(cn_copy_text(d, w->source, &r->source, err));
    else
        CH_TRY(ch_session_get(d->session->session, "spark.sql.sources.default", d->arena,
                              &r->source, err));
    const char *path =
        w->save_type_case == SPARK__CONNECT__WRITE_OPERATION__SAVE_TYPE_PATH ? w->path : NULL;
    for (size_t i = 0; i < w->n_options; i++) {
        const char *key = w->options[i]->key, *value = w->options[i]->value;
        if (strcasecmp(key, "path") == 0)
            path = path ? path : value;
        else
            CH_TRY(cn_add_option(d, &r->options, key, value, err));
    }
    r->mode = save_mode(w);
    CH_TRY(cn_copy_text(d, path, &r->path, err));
    CH_TRY(cn_copy_strings(d->arena, w->partitioning_columns, w->n_partitioning_columns,
                           &r->partitioning_columns, err));
    *out = r;
    return CH_OK;
}

static ch_status run_write(cn_operation *op, const message *m, ch_error *err)
{
    cn_session *session = cn_operation_session(op);
    ch_rel_write_operation *write = NULL;
    ch_frame *frame;
    CH_TRY(ch_frame_new(session->session, NULL, 0, &frame, err));
    cn_decode d = {.session = session, .frame = frame, .arena = &frame->arena};
    ch_rel *rel = NULL;
    ch_status status;
    if (m->write_operation->save_type_case == SPARK__CONNECT__WRITE_OPERATION__SAVE_TYPE_TABLE) {
        status = cn_decode_table_write(&d, m->write_operation, &rel, err);
    } else {
        status = decode_write(&d, m->write_operation, &write, err);
        rel = write ? &write->head : NULL;
    }
    if (status == CH_OK) {
        frame->rel = rel;
        ch_frame *rows = NULL;
        status = ch_command_run(frame, &rows, err);
        ch_frame_unref(rows);
    }
    ch_frame_unref(frame);
    return status;
}

/* DataFrame.writeTo */
static ch_status run_write_v2(cn_operation *op, const message *m, ch_error *err)
{
    cn_session *session = cn_operation_session(op);
    ch_frame *frame, *rows = NULL;
    ch_rel *rel;
    CH_TRY(ch_frame_new(session->session, NULL, 0, &frame, err));
    cn_decode d = {.session = session, .frame = frame, .arena = &frame->arena};
    ch_status status = cn_decode_write_to(&d, m->write_operation_v2, &rel, err);
    if (status == CH_OK) {
        frame->rel = rel;
        status = ch_command_run(frame, &rows, err);
        ch_frame_unref(rows);
    }
    ch_frame_unref(frame);
    return status;
}

/* ---- the rest ---------------------------------------------------------------------------- */

static ch_status run_remove_remote(cn_operation *op, const message *m, ch_error *err)
{
    const PB(CachedRemoteRelation) *r = m->remove_cached_remote_relation_command->relation;
    CH_UNUSED(err);
    if (r && r->relation_id)
        cn_session_drop_remote(cn_operation_session(op), r->relation_id);
    return CH_OK;
}

/* The rows as they are now, or when they are first read; kept for as long as the client refers to them. */
static ch_status run_checkpoint(cn_operation *op, const message *m, ch_error *err)
{
    cn_session *session = cn_operation_session(op);
    const PB(CheckpointCommand) *c = m->checkpoint_command;
    ch_frame *frame, *kept;
    char id[CN_ID];
    CH_TRY(cn_decode_frame(session, c->relation, &frame, err));
    ch_status status = ch_cache_checkpoint(frame, frame->rel, !c->has_eager || c->eager,
                                           cn_storage_level(c->storage_level), &kept, err);
    if (status == CH_OK)
        status = cn_session_put_remote(session, kept, id, err);
    ch_frame_unref(kept);
    ch_frame_unref(frame);
    CH_TRY(status);
    PB(ExecutePlanResponse) response = SPARK__CONNECT__EXECUTE_PLAN_RESPONSE__INIT;
    PB(CheckpointCommandResult) result = SPARK__CONNECT__CHECKPOINT_COMMAND_RESULT__INIT;
    PB(CachedRemoteRelation) relation = SPARK__CONNECT__CACHED_REMOTE_RELATION__INIT;
    relation.relation_id = id;
    result.relation = &relation;
    response.response_type_case =
        SPARK__CONNECT__EXECUTE_PLAN_RESPONSE__RESPONSE_TYPE_CHECKPOINT_COMMAND_RESULT;
    response.checkpoint_command_result = &result;
    return cn_operation_add(op, &response, err);
}

static ch_status run_register_function(cn_operation *op, const message *m, ch_error *err)
{
    return cn_register_function(cn_operation_session(op), m->register_function, err);
}

static ch_status run_register_table_function(cn_operation *op, const message *m, ch_error *err)
{
    return cn_register_table_function(cn_operation_session(op), m->register_table_function, err);
}

static ch_status run_get_resources(cn_operation *op, const message *m, ch_error *err)
{
    CH_UNUSED(m);
    PB(ExecutePlanResponse) response = SPARK__CONNECT__EXECUTE_PLAN_RESPONSE__INIT;
    PB(GetResourcesCommandResult) none = SPARK__CONNECT__GET_RESOURCES_COMMAND_RESULT__INIT;
    response.response_type_case =
        SPARK__CONNECT__EXECUTE_PLAN_RESPONSE__RESPONSE_TYPE_GET_RESOURCES_COMMAND_RESULT;
    response.get_resources_command_result = &none;
    return cn_operation_add(op, &response, err);
}

static const struct {
    PB(Command__CommandTypeCase) which;
    ch_status (*run)(cn_operation *op, const message *m, ch_error *err);
    const char *refused;
} ROW[] = {
#define CN_COMMAND(CASE, runner) {SPARK__CONNECT__COMMAND__COMMAND_TYPE_##CASE, run_##runner, NULL},
#define CN_NO_COMMAND(CASE, what) {SPARK__CONNECT__COMMAND__COMMAND_TYPE_##CASE, NULL, what},
#include "builtin/connect_commands.def"
#include "plan/plan_command.h"
#undef CN_COMMAND
#undef CN_NO_COMMAND
};

ch_status cn_run_command(cn_operation *op, const message *m, ch_error *err)
{
    for (size_t i = 0; m && i < sizeof ROW / sizeof *ROW; i++) {
        if (ROW[i].which != m->command_type_case)
            continue;
        if (ROW[i].run)
            return ROW[i].run(op, m, err);
        CN_UNSUPPORTED(err, ROW[i].refused);
    }
    CH_FAIL(err, CONNECT_INVALID_PLAN, "reason",
            "a command is of a kind that this version does not know");
}
