/* SPDX-License-Identifier: Apache-2.0 */
/* command.c - statements that run at once. Each fills a small table of text, which becomes the rows of
 * the frame that the caller gets; column names are those of Spark's commands. */
#include "session/command.h"

#include <stdlib.h>
#include <strings.h>

#include "plan/node.h"
#include "session/cache.h"
#include "session/catalog.h"
#include "session/command_function.h"
#include "session/ddl.h"
#include "session/session_store.h"
#include "session/variable.h"
#include "sql/sql.h"

/* -------------------------------------------------------------------- views */

/* The view's rows are not kept any more, unless `plan` gives the same. */
ch_status ch_forget_view(ch_session *session, const char *name, bool is_global, ch_frame *frame,
                         const ch_rel *plan, ch_error *err)
{
    ch_frame *old;
    const ch_rel *was;
    bool same = false;
    if (ch_cache_is_empty(session))
        return CH_OK;
    ch_session_find_view(session, name, is_global, &old, &was);
    if (!old)
        return CH_OK;
    ch_status status = plan ? ch_cache_is_same(old, was, frame, plan, &same) : CH_OK;
    if (status == CH_OK && !same)
        status = ch_cache_drop(old, was, false, NULL, err);
    ch_frame_unref(old);
    return status == CH_E_MEMORY || status == CH_E_CANCELLED ? status : CH_OK;
}

static ch_status create_view(ch_frame *frame, ch_rows *out, ch_error *err)
{
    const ch_rel_create_view *create = (const ch_rel_create_view *)frame->rel;
    ch_session *session = frame->session;
    const ch_rel *plan = create->input;
    const char *name = create->name.item[create->name.n - 1];
    CH_UNUSED(out);
    if (create->columns.n) {
        ch_rel_to_df *renamed = ch_rel_new(&frame->arena, CH_REL_TO_DF, err);
        if (!renamed)
            return CH_E_MEMORY;
        renamed->input = create->input;
        renamed->names = create->columns;
        plan = &renamed->head;
    }
    if (create->if_not_exists) {
        ch_frame *old;
        const ch_rel *rel;
        ch_session_find_view(session, name, create->is_global, &old, &rel);
        ch_frame_unref(old);
        if (old)
            return CH_OK;
    }
    if (create->replace && !create->is_global)
        CH_TRY(ch_ddl_check_temp_view(frame, name, create->input, err));
    /* A view over names that do not resolve is refused now, as Spark does. */
    ch_query *query;
    CH_TRY(ch_query_open(frame, plan, &query, err));
    ch_query_close(query);
    if (create->replace)
        CH_TRY(ch_forget_view(session, name, create->is_global, frame, plan, err));
    return ch_session_put_view(session, name, create->is_global, create->replace, frame, plan, err);
}

/* ----------------------------------------------------------------- settings */

static ch_status set_one(ch_frame *frame, ch_rows *out, const char *key, ch_error *err)
{
    const char *value;
    CH_TRY(ch_session_get(frame->session, key, &frame->arena, &value, err));
    value = value ? ch_session_shown(key, value) : "<undefined>";
    return ch_rows_add(out, (const char *const[]){key, value}, err);
}

static ch_status set_verbose(ch_rows *out, ch_error *err)
{
    for (int i = 0; ch_setting_at(i); i++) {
        const ch_setting *s = ch_setting_at(i);
        const char *value;
        CH_TRY(ch_session_get(out->frame->session, s->name, &out->frame->arena, &value, err));
        CH_TRY(ch_rows_add(out, (const char *const[]){s->name, value, s->doc}, err));
    }
    return CH_OK;
}

static ch_status reset(ch_frame *frame, const char *key, ch_error *err)
{
    ch_option_list changed;
    if (key) {
        CH_TRY(ch_setting_check_change(key, err));
        return ch_session_set(frame->session, key, NULL, err);
    }
    CH_TRY(ch_session_changed(frame->session, &frame->arena, &changed, err));
    for (int32_t i = 0; i < changed.n; i++)
        CH_TRY(ch_session_set(frame->session, changed.key[i], NULL, err));
    return CH_OK;
}

static ch_status set(ch_frame *frame, ch_rows *out, ch_error *err)
{
    const ch_rel_set *s = (const ch_rel_set *)frame->rel;
    if (s->reset)
        return reset(frame, s->key, err);
    out->n_cols = s->verbose ? 3 : 2;
    out->name[0] = "key";
    out->name[1] = "value";
    out->name[2] = "meaning";
    if (s->verbose)
        return set_verbose(out, err);
    if (s->key && s->value) {
        CH_TRY(ch_setting_check_change(s->key, err));
        CH_TRY(ch_session_set(frame->session, s->key, s->value, err));
        return ch_rows_add(out, (const char *const[]){s->key, s->value}, err);
    }
    if (s->key)
        return set_one(frame, out, s->key, err);
    ch_option_list changed;
    CH_TRY(ch_session_changed(frame->session, &frame->arena, &changed, err));
    for (int32_t i = 0; i < changed.n; i++)
        CH_TRY(ch_rows_add(out,
                           (const char *const[]){
                               changed.key[i], ch_session_shown(changed.key[i], changed.value[i])},
                           err));
    return CH_OK;
}

/* ------------------------------------------------------------------ EXPLAIN */

static ch_status explain(ch_frame *frame, ch_rows *out, ch_error *err)
{
    const ch_rel_explain *e = (const ch_rel_explain *)frame->rel;
    ch_query *query = NULL;
    ch_buf text;
    ch_status status = CH_OK;
    ch_buf_init(&text, ch_session_mem(frame->session));
    out->n_cols = 1;
    out->name[0] = "plan";
    CH_TRY_OUT(ch_query_open(frame, e->input, &query, err));
    CH_TRY_OUT(ch_query_explain(query, e->mode, &text, err));
    CH_TRY_OUT(ch_rows_add(out, (const char *const[]){text.data}, err));
out:
    ch_query_close(query);
    ch_buf_release(&text);
    return status;
}

static ch_status write_files(ch_frame *frame, ch_rows *out, ch_error *err)
{
    CH_UNUSED(out);
    return ch_write_run(frame, (const ch_rel_write_operation *)frame->rel, NULL, err);
}

static ch_status cache(ch_frame *frame, ch_rows *out, ch_error *err)
{
    return ch_cache_command(frame, out->frame, err);
}

static ch_status variable(ch_frame *frame, ch_rows *out, ch_error *err)
{
    CH_UNUSED(out);
    return ch_variable_run(frame, err);
}

/* ------------------------------------------------------------------- the map */

static const struct {
    ch_rel_kind kind;
    ch_status (*run)(ch_frame *frame, ch_rows *out, ch_error *err);
} COMMANDS[] = {
    {CH_REL_CREATE_VIEW, create_view},
    {CH_REL_DROP_VIEW, ch_drop_run},
    {CH_REL_SET, set},
    {CH_REL_SHOW, ch_show_run},
    {CH_REL_DESCRIBE, ch_describe_run},
    {CH_REL_DDL, ch_ddl_run},
    {CH_REL_INSERT, ch_insert_run},
    {CH_REL_EXPLAIN, explain},
    {CH_REL_WRITE_OPERATION, write_files},
    {CH_REL_CACHE, cache},
    {CH_REL_VARIABLE, variable},
    {CH_REL_FUNCTION, ch_function_run},
    {CH_REL_EXECUTE, NULL},
};
#define N_COMMANDS (sizeof COMMANDS / sizeof *COMMANDS)

bool ch_is_command(const ch_rel *rel)
{
    for (size_t i = 0; i < N_COMMANDS; i++)
        if (COMMANDS[i].kind == rel->kind)
            return true;
    return false;
}

ch_status ch_command_run(ch_frame *frame, ch_frame **out, ch_error *err)
{
    ch_rows r = {0};
    ch_status status = CH_E_INTERNAL;
    if (frame->rel->kind == CH_REL_EXECUTE) {
        status = ch_execute_immediate(frame, out, err);
        if (status != CH_OK || *out)
            return status;
    }
    CH_TRY(ch_frame_new(frame->session, NULL, 0, &r.frame, err));
    for (size_t i = 0; i < N_COMMANDS; i++)
        if (COMMANDS[i].kind == frame->rel->kind && COMMANDS[i].run)
            status = COMMANDS[i].run(frame, &r, err);
    if (status == CH_OK && !r.frame->rel)
        status = ch_rows_finish(&r, err);
    if (status != CH_OK) {
        ch_frame_unref(r.frame);
        r.frame = NULL;
    }
    *out = r.frame;
    return status;
}

ch_status ch_session_sql_context(ch_session *session, ch_arena *arena, ch_sql_context *out,
                                 ch_error *err)
{
    *out = (ch_sql_context){.arena = arena,
                            .ansi = ch_session_get_bool(session, "spark.sql.ansi.enabled"),
                            .double_quoted_identifiers = ch_session_get_bool(
                                session, "spark.sql.ansi.doubleQuotedIdentifiers"),
                            .constant = ch_session_constant,
                            .user = session};
    return ch_session_get(session, "spark.sql.session.timeZone", arena, &out->time_zone, err);
}

ch_status ch_session_parse(ch_session *session, const char *text, const ch_sql_params *params,
                           ch_frame *parent, ch_frame **out, ch_error *err)
{
    ch_frame *frame;
    ch_rel *rel = NULL;
    ch_sql_context ctx;
    *out = NULL;
    CH_TRY(ch_frame_new(session, &parent, parent != NULL, &frame, err));
    ch_status status = ch_session_sql_context(session, &frame->arena, &ctx, err);
    ctx.params = params;
    frame->text = ch_arena_str(&frame->arena, text, err);
    if (status == CH_OK)
        status = frame->text ? ch_sql_parse(&ctx, frame->text, &rel, err) : CH_E_MEMORY;
    frame->rel = rel;
    if (status == CH_OK)
        *out = frame;
    else
        ch_frame_unref(frame);
    return status;
}

ch_status ch_session_sql(ch_session *session, const char *text, ch_frame **out, ch_error *err)
{
    ch_frame *frame;
    *out = NULL;
    CH_TRY(ch_session_parse(session, text, NULL, NULL, &frame, err));
    ch_status status = CH_OK;
    if (ch_is_command(frame->rel))
        status = ch_command_run(frame, out, err);
    else
        *out = ch_frame_ref(frame);
    ch_frame_unref(frame);
    return status;
}
