/* SPDX-License-Identifier: Apache-2.0 */
/* command.c - statements that run at once. Each fills a small table of text, which becomes the rows of
 * the frame that the caller gets; column names are those of Spark's commands. */
#include "session/command.h"

#include <stdlib.h>
#include <strings.h>

#include "column/textout.h"
#include "plan/node.h"
#include "session/cache.h"
#include "session/catalog.h"
#include "sql/sql.h"

/* -------------------------------------------------------------- result rows */

#define MAX_COLUMNS 4

/* Cells are text in the frame's arena; NULL is NULL; "true" and "false" for boolean columns. */
typedef struct rows {
    ch_frame *frame;
    int32_t n_cols;
    const char *name[MAX_COLUMNS];
    bool is_boolean[MAX_COLUMNS];
    bool nullable[MAX_COLUMNS];
    const char **cell;
    int32_t n, cap; /* rows */
} rows;

static ch_status add_row(rows *r, const char *const *cell, ch_error *err)
{
    ch_arena *arena = &r->frame->arena;
    if (r->n == r->cap) {
        int32_t cap = r->cap ? r->cap * 2 : 8;
        const char **more;
        CH_ARENA_ARRAY(more, arena, cap * r->n_cols, err);
        if (r->n)
            memcpy(more, r->cell, sizeof *more * (size_t)(r->n * r->n_cols));
        r->cell = more;
        r->cap = cap;
    }
    for (int32_t c = 0; c < r->n_cols; c++) {
        const char *text = cell[c] ? ch_arena_str(arena, cell[c], err) : NULL;
        if (cell[c] && !text)
            return CH_E_MEMORY;
        r->cell[r->n * r->n_cols + c] = text;
    }
    r->n++;
    return CH_OK;
}

static ch_status fill_column(rows *r, int32_t c, ch_column *column, ch_error *err)
{
    ch_textout w;
    if (r->is_boolean[c])
        memset(column->data, 0, (size_t)ch_bit_bytes(r->n));
    else
        ch_textout_init(&w, column);
    for (int32_t i = 0; i < r->n; i++) {
        const char *text = r->cell[i * r->n_cols + c];
        if (!text) {
            CH_TRY(ch_column_need_valid(column, err));
            ch_bit_clear(column->valid, i);
        }
        if (r->is_boolean[c])
            ch_bit_put(column->data, i, text && strcmp(text, "true") == 0);
        else
            CH_TRY(ch_textout_put(&w, i, text ? text : "", text ? (int64_t)strlen(text) : 0, err));
    }
    return CH_OK;
}

static ch_status finish(rows *r, ch_error *err)
{
    ch_frame *frame = r->frame;
    ch_mem *mem = ch_session_mem(frame->session);
    ch_field field[MAX_COLUMNS];
    for (int32_t c = 0; c < r->n_cols; c++)
        field[c] = (ch_field){r->name[c], r->is_boolean[c] ? CH_T_BOOLEAN : CH_T_STRING,
                              r->nullable[c], NULL};
    ch_rel_local_relation *local = ch_rel_new(&frame->arena, CH_REL_LOCAL_RELATION, err);
    if (!local)
        return CH_E_MEMORY;
    local->schema = ch_type_struct(field, r->n_cols);
    CH_ARENA_ARRAY(frame->batch, &frame->arena, 1, err);
    if (r->n > 0) {
        ch_batch *batch = ch_mem_zalloc(mem, sizeof *batch, err);
        if (!batch)
            return CH_E_MEMORY;
        frame->batch[frame->n_batches++] = batch; /* released with the frame from here on */
        CH_TRY(ch_batch_init(batch, mem, r->n_cols, r->n, err));
        for (int32_t c = 0; c < r->n_cols; c++) {
            CH_TRY(ch_column_new(mem, field[c].type, r->n, &batch->col[c], err));
            CH_TRY(fill_column(r, c, batch->col[c], err));
        }
    }
    local->batch = frame->batch;
    local->n_batches = frame->n_batches;
    frame->rel = &local->head;
    return CH_OK;
}

/* -------------------------------------------------------------------- views */

/* The view's rows are not kept any more, unless `plan` gives the same. */
static ch_status forget_view(ch_session *session, const char *name, bool is_global, ch_frame *frame,
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

static ch_status create_view(ch_frame *frame, rows *out, ch_error *err)
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
    /* A view over names that do not resolve is refused now, as Spark does. */
    ch_query *query;
    CH_TRY(ch_query_open(frame, plan, &query, err));
    ch_query_close(query);
    if (create->replace)
        CH_TRY(forget_view(session, name, create->is_global, frame, plan, err));
    return ch_session_put_view(session, name, create->is_global, create->replace, frame, plan, err);
}

static ch_status drop_view(ch_frame *frame, rows *out, ch_error *err)
{
    const ch_rel_drop_view *drop = (const ch_rel_drop_view *)frame->rel;
    const char *name = drop->name.item[drop->name.n - 1];
    bool is_global = drop->name.n == 2 && strcasecmp(drop->name.item[0], CH_GLOBAL_DATABASE) == 0;
    CH_UNUSED(out);
    CH_TRY(forget_view(frame->session, name, is_global, NULL, NULL, err));
    if (ch_session_drop_view(frame->session, name, is_global) || drop->if_exists)
        return CH_OK;
    char *quoted = ch_arena_printf(&frame->arena, err, "`%s`", name);
    CH_FAIL(err, TABLE_OR_VIEW_NOT_FOUND, "relationName", quoted ? quoted : name);
}

/* ----------------------------------------------------------------- settings */

static ch_status set_one(ch_frame *frame, rows *out, const char *key, ch_error *err)
{
    const char *value;
    CH_TRY(ch_session_get(frame->session, key, &frame->arena, &value, err));
    return add_row(out, (const char *const[]){key, value ? value : "<undefined>"}, err);
}

static ch_status set_verbose(rows *out, ch_error *err)
{
    for (int i = 0; ch_setting_at(i); i++) {
        const ch_setting *s = ch_setting_at(i);
        const char *value;
        CH_TRY(ch_session_get(out->frame->session, s->name, &out->frame->arena, &value, err));
        CH_TRY(add_row(out, (const char *const[]){s->name, value, s->doc}, err));
    }
    return CH_OK;
}

static ch_status reset(ch_frame *frame, const char *key, ch_error *err)
{
    ch_option_list changed;
    if (key)
        return ch_session_set(frame->session, key, NULL, err);
    CH_TRY(ch_session_changed(frame->session, &frame->arena, &changed, err));
    for (int32_t i = 0; i < changed.n; i++)
        CH_TRY(ch_session_set(frame->session, changed.key[i], NULL, err));
    return CH_OK;
}

static ch_status set(ch_frame *frame, rows *out, ch_error *err)
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
    if (s->key && s->value)
        CH_TRY(ch_session_set(frame->session, s->key, s->value, err));
    if (s->key)
        return set_one(frame, out, s->key, err);
    ch_option_list changed;
    CH_TRY(ch_session_changed(frame->session, &frame->arena, &changed, err));
    for (int32_t i = 0; i < changed.n; i++)
        CH_TRY(add_row(out, (const char *const[]){changed.key[i], changed.value[i]}, err));
    return CH_OK;
}

/* --------------------------------------------------------------------- SHOW */

/* SHOW ... LIKE: * is any text, | separates alternatives, case does not matter. */
static bool matches_one(const char *pattern, const char *end, const char *text)
{
    for (; pattern < end; pattern++, text++) {
        if (*pattern == '*') {
            do {
                if (matches_one(pattern + 1, end, text))
                    return true;
            } while (*text++);
            return false;
        }
        if (strncasecmp(pattern, text, 1) != 0)
            return false;
    }
    return *text == 0;
}

static bool matches(const char *pattern, const char *text)
{
    while (pattern) {
        const char *bar = strchr(pattern, '|');
        if (matches_one(pattern, bar ? bar : pattern + strlen(pattern), text))
            return true;
        pattern = bar ? bar + 1 : NULL;
    }
    return false;
}

static bool wanted(const ch_rel_show *show, const char *text)
{
    return !show->pattern || matches(show->pattern, text);
}

static ch_status show_views(ch_frame *frame, const ch_rel_show *show, rows *out, ch_error *err)
{
    out->n_cols = 3;
    out->name[0] = "namespace";
    out->name[1] = show->what == CH_SHOW_VIEWS ? "viewName" : "tableName";
    out->name[2] = "isTemporary";
    out->is_boolean[2] = true;
    bool global =
        show->name.n && strcasecmp(show->name.item[show->name.n - 1], CH_GLOBAL_DATABASE) == 0;
    for (int g = global; g >= 0; g--) {
        ch_str_list names;
        CH_TRY(ch_session_views(frame->session, g, &frame->arena, &names, err));
        for (int32_t i = 0; i < names.n; i++)
            if (wanted(show, names.item[i]))
                CH_TRY(add_row(
                    out, (const char *const[]){g ? CH_GLOBAL_DATABASE : "", names.item[i], "true"},
                    err));
    }
    return CH_OK;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static ch_status show_functions(const ch_rel_show *show, rows *out, ch_error *err)
{
    out->name[0] = "function";
    if (show->scope && strcasecmp(show->scope, "USER") == 0)
        return CH_OK;
    int32_t n = 0, kept = 0;
    while (ch_func_at(n))
        n++;
    const char **name;
    CH_ARENA_ARRAY(name, &out->frame->arena, n, err);
    for (int32_t i = 0; i < n; i++)
        if (wanted(show, ch_func_at(i)->name))
            name[kept++] = ch_func_at(i)->name;
    qsort(name, (size_t)kept, sizeof *name, by_text);
    for (int32_t i = 0; i < kept; i++) /* overloads share a name */
        if (i == 0 || strcmp(name[i], name[i - 1]) != 0)
            CH_TRY(add_row(out, &name[i], err));
    return CH_OK;
}

/* The output of a table or view by name, or of a query. Borrowed from *query. */
static ch_status open_described(ch_frame *frame, const ch_str_list *name, ch_rel *input,
                                ch_query **query, ch_error *err)
{
    if (!input) {
        ch_rel_read_named_table *read = ch_rel_new(&frame->arena, CH_REL_READ_NAMED_TABLE, err);
        if (!read)
            return CH_E_MEMORY;
        read->parts = *name;
        read->head.start = frame->rel->start;
        read->head.stop = frame->rel->stop;
        input = &read->head;
    }
    return ch_query_open(frame, input, query, err);
}

static ch_status show_columns(ch_frame *frame, const ch_rel_show *show, rows *out, ch_error *err)
{
    ch_query *query;
    out->name[0] = "col_name";
    CH_TRY(open_described(frame, &show->name, NULL, &query, err));
    const ch_attr_list *columns = ch_query_output(query);
    ch_status status = CH_OK;
    for (int32_t i = 0; i < columns->n && status == CH_OK; i++)
        if (wanted(show, columns->item[i]->name))
            status = add_row(out, &columns->item[i]->name, err);
    ch_query_close(query);
    return status;
}

static ch_status show(ch_frame *frame, rows *out, ch_error *err)
{
    const ch_rel_show *s = (const ch_rel_show *)frame->rel;
    static const char *const DATABASES[] = {CH_DATABASE_NAME};
    static const char *const CATALOGS[] = {CH_CATALOG_NAME};
    out->n_cols = 1;
    switch (s->what) {
    case CH_SHOW_TABLES:
    case CH_SHOW_VIEWS:
        return show_views(frame, s, out, err);
    case CH_SHOW_COLUMNS:
        return show_columns(frame, s, out, err);
    case CH_SHOW_FUNCTIONS:
        return show_functions(s, out, err);
    case CH_SHOW_DATABASES:
        out->name[0] = "namespace";
        return wanted(s, DATABASES[0]) ? add_row(out, DATABASES, err) : CH_OK;
    case CH_SHOW_CATALOGS:
        out->name[0] = "catalog";
        return wanted(s, CATALOGS[0]) ? add_row(out, CATALOGS, err) : CH_OK;
    case CH_SHOW_CURRENT_NAMESPACE:
        out->n_cols = 2;
        out->name[0] = "catalog";
        out->name[1] = "namespace";
        return add_row(out, (const char *const[]){CH_CATALOG_NAME, CH_DATABASE_NAME}, err);
    case CH_SHOW_CREATE_TABLE:
        break;
    }
    CH_FAIL(err, UNSUPPORTED, "feature", "SHOW CREATE TABLE of a temporary view");
}

/* ----------------------------------------------------------------- DESCRIBE */

static ch_status describe_function(const char *name, rows *out, ch_error *err)
{
    out->n_cols = 1;
    out->name[0] = "function_desc";
    const ch_func *f = ch_func_find(name);
    if (!f)
        CH_FAIL(err, UNRESOLVED_ROUTINE, "routineName", name, "searchPath", "[`system`.`builtin`]");
    ch_arena *arena = &out->frame->arena;
    const char *line = ch_arena_printf(arena, err, "Function: %s", f->name);
    CH_TRY(line ? add_row(out, &line, err) : CH_E_MEMORY);
    for (; f; f = ch_func_next(f)) {
        line = ch_arena_printf(arena, err, "Usage: %s - %s", f->sig ? f->sig : f->name,
                               f->doc ? f->doc : "");
        CH_TRY(line ? add_row(out, &line, err) : CH_E_MEMORY);
    }
    return CH_OK;
}

static ch_status describe_columns(const ch_attr_list *columns, rows *out, ch_error *err)
{
    for (int32_t i = 0; i < columns->n; i++) {
        const ch_attr *a = columns->item[i];
        ch_buf type;
        ch_buf_init(&type, ch_session_mem(out->frame->session));
        ch_status status = ch_type_print(a->type, &type, err);
        if (status == CH_OK)
            status = add_row(out, (const char *const[]){a->name, type.data, NULL}, err);
        ch_buf_release(&type);
        CH_TRY(status);
    }
    return CH_OK;
}

static ch_status describe(ch_frame *frame, rows *out, ch_error *err)
{
    const ch_rel_describe *d = (const ch_rel_describe *)frame->rel;
    if (d->is_function)
        return describe_function(d->name.item[d->name.n - 1], out, err);
    ch_query *query;
    out->n_cols = 3;
    out->name[0] = "col_name";
    out->name[1] = "data_type";
    out->name[2] = "comment";
    out->nullable[2] = true;
    CH_TRY(open_described(frame, &d->name, d->input, &query, err));
    ch_status status = describe_columns(ch_query_output(query), out, err);
    ch_query_close(query);
    return status;
}

/* ------------------------------------------------------------------ EXPLAIN */

static ch_status explain(ch_frame *frame, rows *out, ch_error *err)
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
    CH_TRY_OUT(add_row(out, (const char *const[]){text.data}, err));
out:
    ch_query_close(query);
    ch_buf_release(&text);
    return status;
}

static ch_status write_files(ch_frame *frame, rows *out, ch_error *err)
{
    CH_UNUSED(out);
    return ch_write_run(frame, (const ch_rel_write_operation *)frame->rel, NULL, err);
}

static ch_status cache(ch_frame *frame, rows *out, ch_error *err)
{
    return ch_cache_command(frame, out->frame, err);
}

/* ------------------------------------------------------------------- the map */

static const struct {
    ch_rel_kind kind;
    ch_status (*run)(ch_frame *frame, rows *out, ch_error *err);
} COMMANDS[] = {
    {CH_REL_CREATE_VIEW, create_view},
    {CH_REL_DROP_VIEW, drop_view},
    {CH_REL_SET, set},
    {CH_REL_SHOW, show},
    {CH_REL_DESCRIBE, describe},
    {CH_REL_EXPLAIN, explain},
    {CH_REL_WRITE_OPERATION, write_files},
    {CH_REL_CACHE, cache},
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
    rows r = {0};
    CH_TRY(ch_frame_new(frame->session, NULL, 0, &r.frame, err));
    ch_status status = CH_E_INTERNAL;
    for (size_t i = 0; i < N_COMMANDS; i++)
        if (COMMANDS[i].kind == frame->rel->kind)
            status = COMMANDS[i].run(frame, &r, err);
    if (status == CH_OK && !r.frame->rel)
        status = finish(&r, err);
    if (status != CH_OK) {
        ch_frame_unref(r.frame);
        r.frame = NULL;
    }
    *out = r.frame;
    return status;
}

ch_status ch_session_sql(ch_session *session, const char *text, ch_frame **out, ch_error *err)
{
    ch_frame *frame;
    *out = NULL;
    CH_TRY(ch_frame_new(session, NULL, 0, &frame, err));
    ch_status status = CH_OK;
    ch_rel *rel = NULL;
    const char *zone;
    CH_TRY_OUT(ch_session_get(session, "spark.sql.session.timeZone", &frame->arena, &zone, err));
    frame->text = ch_arena_str(&frame->arena, text, err);
    if (!frame->text) {
        status = CH_E_MEMORY;
        goto out;
    }
    ch_sql_context ctx = {.arena = &frame->arena,
                          .ansi = ch_session_get_bool(session, "spark.sql.ansi.enabled"),
                          .double_quoted_identifiers = ch_session_get_bool(
                              session, "spark.sql.ansi.doubleQuotedIdentifiers"),
                          .time_zone = zone};
    CH_TRY_OUT(ch_sql_parse(&ctx, frame->text, &rel, err));
    frame->rel = rel;
    if (ch_is_command(rel))
        status = ch_command_run(frame, out, err);
    else
        *out = ch_frame_ref(frame);
out:
    ch_frame_unref(frame);
    return status;
}
