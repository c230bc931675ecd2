/* SPDX-License-Identifier: Apache-2.0 */
/* api_session.c - sessions, SQL text, and where DataFrames come from. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "api/handles.h"
#include "plan/node.h"
#include "sql/sql.h"

const char *chert_version(void)
{
    return CHERT_VERSION;
}

chert_session *chert_session_new(const chert_options *options, chert_error *out)
{
    ch_error err = {0};
    chert_options o =
        CHERT_OPTIONS_INIT; /* of a program compiled with an older header: as much as it has */
    if (options)
        memcpy(&o, options, options->struct_bytes < sizeof o ? options->struct_bytes : sizeof o);
    chert_session *session = calloc(1, sizeof *session);
    ch_status status =
        session ? ch_engine_new(o.memory_bytes, o.threads, o.spill_dir, &session->engine, &err)
                : ch_error_memory(&err, "process", (int64_t)sizeof *session, 0);
    if (status == CH_OK)
        status = ch_session_new(session->engine, &session->session, &err);
    if (status == CH_OK)
        return session;
    chert_session_free(session);
    (void)chert_error_take(out, &err);
    return NULL;
}

void chert_session_free(chert_session *session)
{
    if (!session)
        return;
    ch_session_free(session->session);
    ch_engine_free(session->engine);
    free(session);
}

int chert_session_set(chert_session *session, const char *key, const char *value, chert_error *out)
{
    ch_error err = {0};
    if (!session || !key)
        return chert_error_argument(out, session ? "key NULL" : "session NULL");
    ch_status status = ch_session_set(session->session, key, value, &err);
    (void)chert_error_take(out, &err);
    return (int)status;
}

char *chert_session_get(chert_session *session, const char *key, chert_error *out)
{
    ch_error err = {0};
    ch_arena arena;
    const char *value = NULL;
    if (!session || !key) {
        (void)chert_error_argument(out, session ? "key NULL" : "session NULL");
        return NULL;
    }
    ch_arena_init(&arena, ch_session_mem(session->session));
    ch_status status = ch_session_get(session->session, key, &arena, &value, &err);
    char *copy = status == CH_OK && value ? strdup(value) : NULL;
    ch_arena_release(&arena);
    (void)chert_error_take(out, &err);
    return copy;
}

int64_t chert_session_peak_bytes(const chert_session *session)
{
    return !session ? 0 : ch_mem_peak(ch_engine_mem(session->engine));
}

bool chert_parse_bytes(const char *text, int64_t *bytes)
{
    return text && bytes && ch_parse_bytes(text, bytes);
}

size_t chert_sql_split(const char *text, bool *complete)
{
    bool ignored;
    return ch_sql_split(text ? text : "", complete ? complete : &ignored);
}

chert_df *chert_df_wrap(chert_session *session, ch_frame *frame, chert_error *out)
{
    chert_df *df = calloc(1, sizeof *df);
    if (!df) {
        ch_error err = {0};
        ch_frame_unref(frame);
        (void)ch_error_memory(&err, "process", (int64_t)sizeof *df, 0);
        (void)chert_error_take(out, &err);
        return NULL;
    }
    df->session = session;
    df->frame = frame;
    return df;
}

chert_df *chert_sql(chert_session *session, const char *text, chert_error *out)
{
    ch_error err = {0};
    ch_frame *frame;
    if (!session || !text) {
        (void)chert_error_argument(out, session ? "text NULL" : "session NULL");
        return NULL;
    }
    if (ch_session_sql(session->session, text, &frame, &err) == CH_OK)
        return chert_df_wrap(session, frame, out);
    (void)chert_error_take(out, &err);
    return NULL;
}

/* A frame whose plan `build` makes. */
typedef ch_status (*build_fn)(ch_frame *frame, const void *user, ch_error *err);

static chert_df *from_plan(chert_session *session, build_fn build, const void *user,
                           chert_error *out)
{
    ch_error err = {0};
    ch_frame *frame;
    if (!session) {
        (void)chert_error_argument(out, "session NULL");
        return NULL;
    }
    ch_status status = ch_frame_new(session->session, NULL, 0, &frame, &err);
    if (status == CH_OK)
        status = build(frame, user, &err);
    if (status == CH_OK)
        return chert_df_wrap(session, frame, out);
    ch_frame_unref(frame);
    (void)chert_error_take(out, &err);
    return NULL;
}

static ch_status build_table(ch_frame *frame, const void *name, ch_error *err)
{
    ch_rel_read_named_table *read = ch_rel_new(&frame->arena, CH_REL_READ_NAMED_TABLE, err);
    chert_col *col = chert_col_new(name);
    ch_expr *parsed = NULL;
    ch_status status = CH_E_MEMORY;
    if (read && col)
        status = chert_col_build(col, &frame->arena, &parsed, err);
    chert_col_free(col);
    CH_TRY(status);
    read->parts = ((const ch_expr_unresolved_attribute *)parsed)->parts;
    frame->rel = &read->head;
    return CH_OK;
}

chert_df *chert_table(chert_session *session, const char *name, chert_error *out)
{
    if (!name) {
        (void)chert_error_argument(out, "name NULL");
        return NULL;
    }
    return from_plan(session, build_table, name, out);
}

static ch_status build_range(ch_frame *frame, const void *user, ch_error *err)
{
    const int64_t *v = user;
    ch_rel_range *range = ch_rel_new(&frame->arena, CH_REL_RANGE, err);
    if (!range)
        return CH_E_MEMORY;
    range->from = v[0];
    range->to = v[1];
    range->step = v[2];
    frame->rel = &range->head;
    return CH_OK;
}

chert_df *chert_range(chert_session *session, int64_t start, int64_t end, int64_t step,
                      chert_error *out)
{
    if (step == 0) {
        (void)chert_error_argument(out, "step 0");
        return NULL;
    }
    return from_plan(session, build_range, (const int64_t[]){start, end, step}, out);
}

typedef struct read_args {
    const char *format, *path, *schema;
    ch_option_list options; /* borrowed arrays */
} read_args;

static ch_status build_read(ch_frame *frame, const void *user, ch_error *err)
{
    const read_args *args = user;
    ch_arena *arena = &frame->arena;
    ch_rel_read_data_source *read = ch_rel_new(arena, CH_REL_READ_DATA_SOURCE, err);
    if (!read)
        return CH_E_MEMORY;
    frame->rel = &read->head;
    read->format = args->format ? ch_arena_str(arena, args->format, err) : NULL;
    char *path = ch_arena_str(arena, args->path, err);
    if ((args->format && !read->format) || !path)
        return CH_E_MEMORY;
    CH_TRY(ch_str_list_add(arena, &read->paths, path, err));
    if (args->schema)
        CH_TRY(ch_type_parse_ddl(args->schema, &read->schema, err));
    CH_ARENA_ARRAY(read->options.key, arena, args->options.n, err);
    CH_ARENA_ARRAY(read->options.value, arena, args->options.n, err);
    for (int32_t i = 0; i < args->options.n; i++) {
        read->options.key[i] = ch_arena_str(arena, args->options.key[i], err);
        read->options.value[i] = ch_arena_str(arena, args->options.value[i], err);
        if (!read->options.key[i] || !read->options.value[i])
            return CH_E_MEMORY;
        read->options.n++;
    }
    return CH_OK;
}

#define MOST_OPTIONS 64

/* Pairs up to NULL; what is wrong with them, or NULL. */
static const char *read_options(va_list ap, const char **key, const char **value,
                                ch_option_list *out)
{
    *out = (ch_option_list){.key = key, .value = value};
    for (const char *k; (k = va_arg(ap, const char *)) != NULL;) {
        const char *v = va_arg(ap, const char *);
        if (!v)
            return "an option's value NULL";
        if (out->n == MOST_OPTIONS)
            return "more than 64 options";
        key[out->n] = k;
        value[out->n++] = v;
    }
    return NULL;
}

chert_df *chert_read(chert_session *session, const char *format, const char *path,
                     const char *schema, chert_error *out, ...)
{
    const char *key[MOST_OPTIONS], *value[MOST_OPTIONS];
    read_args args = {.format = format, .path = path, .schema = schema};
    if (!path) {
        (void)chert_error_argument(out, "path NULL");
        return NULL;
    }
    va_list ap;
    va_start(ap, out);
    const char *wrong = read_options(ap, key, value, &args.options);
    va_end(ap);
    if (wrong) {
        (void)chert_error_argument(out, wrong);
        return NULL;
    }
    return from_plan(session, build_read, &args, out);
}
