/* SPDX-License-Identifier: Apache-2.0 */
/*
 * variable.c - DECLARE, SET and DROP of session variables.
 *
 * A value is computed by a query over one row, and kept as a scalar in an arena of the variable's own.
 */
#include "session/variable.h"

#include <strings.h>

#include "plan/make.h"
#include "plan/node.h"
#include "plan/plan_command.h"
#include "plan/print.h"

struct ch_variable {
    ch_variable *next;
    char *name; /* in arena */
    ch_arena arena;
    ch_scalar value;         /* in arena; type is the variable's */
    ch_frame *frame;         /* shared: where `fallback` comes from */
    const ch_expr *fallback; /* or NULL */
};

static void variable_free(ch_session *session, ch_variable *v)
{
    if (!v)
        return;
    ch_frame_unref(v->frame);
    ch_arena_release(&v->arena);
    ch_mem_free(ch_session_mem(session), v, sizeof *v);
}

void ch_variables_release(ch_session *session)
{
    ch_variables *all = ch_session_variables(session);
    for (ch_variable *v = all->first, *next; v; v = next) {
        next = v->next;
        variable_free(session, v);
    }
    all->first = NULL;
}

/* ---- values ---------------------------------------------------------------------------------- */

static ch_status copy_scalar(const ch_scalar *in, ch_arena *arena, ch_scalar *out, ch_error *err)
{
    *out = *in;
    if (in->is_null)
        return CH_OK;
    switch (in->type->id) {
    case CH_STRING:
    case CH_CHAR:
    case CH_VARCHAR:
    case CH_BINARY:
        out->v.str.text =
            ch_arena_strn(arena, in->v.str.text ? in->v.str.text : "", (size_t)in->v.str.len, err);
        return out->v.str.text ? CH_OK : CH_E_MEMORY;
    case CH_ARRAY:
    case CH_MAP:
    case CH_STRUCT: {
        ch_scalar *item;
        CH_ARENA_ARRAY(item, arena, in->v.list.n + 1, err);
        for (int64_t i = 0; i < in->v.list.n; i++)
            CH_TRY(copy_scalar(&in->v.list.item[i], arena, &item[i], err));
        out->v.list.item = item;
        return CH_OK;
    }
    default:
        return CH_OK;
    }
}

ch_status ch_row_of(ch_frame *frame, const ch_rel *plan, ch_arena *arena, ch_scalar **out,
                    int32_t *n, ch_error *err)
{
    ch_query *q;
    *n = 0;
    CH_TRY(ch_query_open(frame, plan, &q, err));
    const ch_attr_list *columns = ch_query_output(q);
    ch_status status = CH_OK;
    CH_TRY_OUT(ch_query_collect(q, err));
    *out = ch_arena_alloc(arena, sizeof **out * (size_t)(columns->n + 1), err);
    if (!*out) {
        status = CH_E_MEMORY;
        goto out;
    }
    if (ch_query_rows(q) > 1) {
        status = ch_error_set(err, CH_E_ROW_SUBQUERY_TOO_MANY_ROWS, (const char *)0);
        goto out;
    }
    ch_batch *batch = NULL;
    for (int64_t i = 0; ch_query_batch(q, i); i++)
        if (ch_query_batch(q, i)->n)
            batch = ch_query_batch(q, i);
    for (int32_t c = 0; c < columns->n; c++) {
        ch_scalar value = {.type = columns->item[c]->type, .is_null = true};
        ch_column *column;
        if (batch) {
            CH_TRY_OUT(ch_batch_column(batch, c, &column, err));
            CH_TRY_OUT(ch_column_scalar(column, 0, arena, &value, err));
        }
        value.type = columns->item[c]->type;
        CH_TRY_OUT(copy_scalar(&value, arena, &(*out)[c], err));
    }
    *n = columns->n;
out:
    ch_query_close(q);
    return status;
}

ch_status ch_project_of(ch_arena *arena, const ch_expr_list *list, const ch_rel *at, ch_rel **out,
                        ch_error *err)
{
    ch_rel_project *p = ch_rel_new(arena, CH_REL_PROJECT, err);
    ch_rel *one = ch_rel_new(arena, CH_REL_ONE_ROW, err);
    if (!p || !one)
        return CH_E_MEMORY;
    p->head.start = at ? at->start : -1;
    p->head.stop = at ? at->stop : -1;
    p->input = one;
    p->expressions = *list;
    *out = &p->head;
    return CH_OK;
}

static ch_status new_literal(ch_arena *arena, const ch_scalar *value, ch_expr **out, ch_error *err)
{
    ch_expr_literal *l = ch_expr_new(arena, CH_EXPR_LITERAL, err);
    if (!l)
        return CH_E_MEMORY;
    l->value = *value;
    l->head.type = value->type;
    l->head.nullable = value->is_null;
    *out = &l->head;
    return CH_OK;
}

static ch_status evaluate_as(ch_frame *frame, const ch_expr *e, const ch_type *type,
                             ch_arena *arena, ch_scalar *out, ch_error *err)
{
    ch_expr_list list = {0};
    ch_rel *plan;
    ch_scalar *row;
    int32_t n;
    ch_expr *item = (ch_expr *)(uintptr_t)e;
    if (type) {
        ch_expr_cast *cast = ch_expr_new(arena, CH_EXPR_CAST, err);
        if (!cast)
            return CH_E_MEMORY;
        cast->child = item;
        cast->to = type;
        cast->head.start = e->start;
        cast->head.stop = e->stop;
        item = &cast->head;
    }
    CH_TRY(ch_expr_list_add(arena, &list, item, err));
    CH_TRY(ch_project_of(arena, &list, frame->rel, &plan, err));
    CH_TRY(ch_row_of(frame, plan, arena, &row, &n, err));
    *out = row[0];
    return CH_OK;
}

static ch_status cast_value(ch_frame *frame, const ch_scalar *value, const ch_type *type,
                            ch_arena *arena, ch_scalar *out, ch_error *err)
{
    ch_expr *e;
    if (value->type == type)
        return copy_scalar(value, arena, out, err);
    CH_TRY(new_literal(arena, value, &e, err));
    return evaluate_as(frame, e, type, arena, out, err);
}

/* ---- names ----------------------------------------------------------------------------------- */

/* v, session.v, system.session.v; NULL for anything else. */
static const char *name_of(const ch_expr *e)
{
    const ch_str_list *parts = &((const ch_expr_unresolved_attribute *)e)->parts;
    int32_t n = parts->n;
    if (n == 1 || (n == 2 && strcasecmp(parts->item[0], "session") == 0) ||
        (n == 3 && strcasecmp(parts->item[0], "system") == 0 &&
         strcasecmp(parts->item[1], "session") == 0))
        return parts->item[n - 1];
    return NULL;
}

static ch_status unresolved(ch_frame *frame, const ch_expr *e, const char *path, ch_error *err)
{
    const ch_str_list *parts = &((const ch_expr_unresolved_attribute *)e)->parts;
    const char *quoted;
    CH_AN_NEW(quoted, ch_names_quoted(&frame->arena, parts, err));
    ch_status status = ch_error_set(err, CH_E_UNRESOLVED_VARIABLE, "variableName", quoted,
                                    "searchPath", path, (const char *)0);
    ch_error_locate(err, frame->text, e->start, e->stop);
    return status;
}
#define NEW_PATH "[`system`.`session`]"
#define USE_PATH "[`system`.`builtin`, `system`.`session`, `spark_catalog`.`default`]"

static ch_variable **find(ch_session *session, const char *name)
{
    ch_variable **v = &ch_session_variables(session)->first;
    while (*v && strcasecmp((*v)->name, name) != 0)
        v = &(*v)->next;
    return v;
}

ch_status ch_variable_get(ch_session *session, const char *name, ch_arena *arena, ch_scalar *out,
                          bool *found, ch_error *err)
{
    ch_variables *all = ch_session_variables(session);
    pthread_mutex_lock(&all->lock);
    const ch_variable *v = *find(session, name);
    *found = v != NULL;
    ch_status status = v ? copy_scalar(&v->value, arena, out, err) : CH_OK;
    pthread_mutex_unlock(&all->lock);
    return status;
}

/* ---- DECLARE --------------------------------------------------------------------------------- */

static ch_status variable_new(ch_frame *frame, const char *name, const ch_type *type,
                              const ch_expr *fallback, ch_variable **out, ch_error *err)
{
    ch_mem *mem = ch_session_mem(frame->session);
    ch_variable *v = ch_mem_zalloc(mem, sizeof *v, err);
    *out = NULL;
    if (!v)
        return CH_E_MEMORY;
    ch_arena_init(&v->arena, mem);
    v->value = (ch_scalar){.type = type, .is_null = true};
    v->frame = ch_frame_ref(frame);
    v->fallback = fallback;
    v->name = ch_arena_str(&v->arena, name, err);
    ch_status status = v->name ? CH_OK : CH_E_MEMORY;
    if (status == CH_OK && fallback)
        status = evaluate_as(frame, fallback, type, &v->arena, &v->value, err);
    if (status != CH_OK) {
        variable_free(frame->session, v);
        return status;
    }
    *out = v;
    return CH_OK;
}

static ch_status quoted_name(ch_frame *frame, const char *name, const char **out, ch_error *err)
{
    *out = ch_arena_printf(&frame->arena, err, "`system`.`session`.`%s`", name);
    return *out ? CH_OK : CH_E_MEMORY;
}

/* Puts each of a list in the place of the one of its name; or none of them. Takes the list. */
static ch_status put(ch_frame *frame, ch_variable *list, bool replace, ch_error *err)
{
    ch_variables *all = ch_session_variables(frame->session);
    ch_variable *v = list;
    ch_status status = CH_OK;
    const char *name = NULL;
    pthread_mutex_lock(&all->lock);
    for (; v && !replace; v = v->next)
        if (*find(frame->session, v->name))
            break;
    if (v && !replace)
        status = quoted_name(frame, v->name, &name, err);
    while (list && !name && status == CH_OK) {
        ch_variable **at = find(frame->session, list->name), *old = *at, *next = list->next;
        list->next = old ? old->next : NULL;
        *at = list;
        variable_free(frame->session, old);
        list = next;
    }
    pthread_mutex_unlock(&all->lock);
    for (ch_variable *next; list; list = next) {
        next = list->next;
        variable_free(frame->session, list);
    }
    CH_TRY(status);
    if (name)
        CH_FAIL(err, VARIABLE_ALREADY_EXISTS, "variableName", name);
    return CH_OK;
}

static ch_status look_for_subquery(void *user, ch_expr **child, ch_error *err)
{
    CH_UNUSED(err);
    *(bool *)user |= ch_expr_has_subquery(*child);
    return CH_OK;
}

bool ch_expr_has_subquery(const ch_expr *e)
{
    bool found = e->kind == CH_EXPR_SUBQUERY;
    ch_expr *copy = (ch_expr *)(uintptr_t)e;
    if (!found && ch_expr_map_children(NULL, &copy, look_for_subquery, &found, NULL) != CH_OK)
        return true;
    return found;
}

static ch_status declare(ch_frame *frame, const ch_rel_variable *d, ch_error *err)
{
    const ch_expr *value = d->values.n ? d->values.item[0] : NULL;
    for (int32_t i = 0; i < d->names.n; i++)
        if (!name_of(d->names.item[i]))
            return unresolved(frame, d->names.item[i], NEW_PATH, err);
    if (value && ch_expr_has_subquery(value)) {
        const char *name, *text = "";
        if (frame->text && value->start >= 0)
            CH_AN_NEW(text, ch_arena_strn(&frame->arena, frame->text + value->start,
                                          (size_t)(value->stop - value->start), err));
        CH_TRY(quoted_name(frame, name_of(d->names.item[0]), &name, err));
        CH_FAIL(err, DEFAULT_VALUE_SUBQUERY, "statement", "DECLARE VARIABLE", "colName", name,
                "defaultValue", text);
    }
    ch_variable *list = NULL;
    for (int32_t i = 0; i < d->names.n; i++) {
        ch_variable *v;
        ch_status status = variable_new(frame, name_of(d->names.item[i]), d->type, value, &v, err);
        if (status != CH_OK) {
            for (ch_variable *next; list; list = next) {
                next = list->next;
                variable_free(frame->session, list);
            }
            return status;
        }
        v->next = list;
        list = v;
    }
    return put(frame, list, d->replace, err);
}

/* ---- SET ------------------------------------------------------------------------------------- */

/* What SET needs of a variable, as it is now. */
static ch_status look_up(ch_frame *frame, const ch_expr *at, const ch_type **type, ch_frame **from,
                         const ch_expr **fallback, ch_error *err)
{
    ch_variables *all = ch_session_variables(frame->session);
    const char *name = name_of(at);
    pthread_mutex_lock(&all->lock);
    const ch_variable *v = name ? *find(frame->session, name) : NULL;
    if (v) {
        *type = v->value.type;
        *fallback = v->fallback;
        *from = ch_frame_ref(v->frame);
    }
    pthread_mutex_unlock(&all->lock);
    return v ? CH_OK : unresolved(frame, at, USE_PATH, err);
}

static ch_status store(ch_frame *frame, const ch_expr *at, const ch_scalar *value, ch_error *err)
{
    ch_variables *all = ch_session_variables(frame->session);
    ch_arena arena;
    ch_scalar copy = *value;
    ch_arena_init(&arena, ch_session_mem(frame->session));
    const char *name = ch_arena_str(&arena, name_of(at), err);
    ch_status status = name ? copy_scalar(value, &arena, &copy, err) : CH_E_MEMORY;
    pthread_mutex_lock(&all->lock);
    ch_variable *v = *find(frame->session, name_of(at));
    if (status == CH_OK && v) {
        ch_arena old = v->arena;
        v->arena = arena;
        v->value = copy;
        v->name = (char *)(uintptr_t)name;
        arena = old;
    }
    pthread_mutex_unlock(&all->lock);
    ch_arena_release(&arena);
    return status == CH_OK && !v ? unresolved(frame, at, USE_PATH, err) : status;
}

static bool is_default(const ch_expr *e)
{
    const ch_expr_unresolved_attribute *a = (const void *)e;
    return e->kind == CH_EXPR_UNRESOLVED_ATTRIBUTE && a->parts.n == 1 &&
           strcasecmp(a->parts.item[0], "default") == 0;
}

static ch_status check_targets(ch_frame *frame, const ch_expr_list *names, ch_error *err)
{
    for (int32_t i = 0; i < names->n; i++) {
        const ch_type *type;
        const ch_expr *fallback;
        ch_frame *from = NULL;
        CH_TRY(look_up(frame, names->item[i], &type, &from, &fallback, err));
        ch_frame_unref(from);
        for (int32_t j = 0; j < i; j++)
            if (strcasecmp(name_of(names->item[i]), name_of(names->item[j])) == 0) {
                const char *name;
                CH_AN_NEW(name,
                          ch_arena_printf(&frame->arena, err, "`%s`", name_of(names->item[i])));
                CH_FAIL(err, DUPLICATE_ASSIGNMENTS, "nameList", name);
            }
    }
    return CH_OK;
}

ch_status ch_variables_assign(ch_frame *frame, const ch_expr_list *names, ch_scalar *row, int32_t n,
                              ch_error *err)
{
    CH_TRY(check_targets(frame, names, err));
    if (n != names->n)
        CH_FAIL(err, ALIAS_COUNT, "numExpr", CH_I64(n), "numTarget", CH_I64(names->n));
    for (int pass = 0; pass < 2; pass++) /* all are cast before one is set */
        for (int32_t i = 0; i < n; i++) {
            const ch_type *type;
            const ch_expr *fallback;
            ch_frame *from = NULL;
            if (pass == 1) {
                CH_TRY(store(frame, names->item[i], &row[i], err));
                continue;
            }
            CH_TRY(look_up(frame, names->item[i], &type, &from, &fallback, err));
            ch_frame_unref(from);
            CH_TRY(cast_value(frame, &row[i], type, &frame->arena, &row[i], err));
        }
    return CH_OK;
}

static ch_status set(ch_frame *frame, const ch_rel_variable *s, ch_error *err)
{
    ch_scalar *row;
    int32_t n;
    CH_TRY(check_targets(frame, &s->names, err));
    if (s->query) {
        CH_TRY(ch_row_of(frame, s->query, &frame->arena, &row, &n, err));
        return ch_variables_assign(frame, &s->names, row, n, err);
    }
    CH_ARENA_ARRAY(row, &frame->arena, s->names.n + 1, err);
    for (int32_t i = 0; i < s->names.n; i++) {
        const ch_type *type;
        const ch_expr *fallback;
        ch_frame *from = NULL;
        CH_TRY(look_up(frame, s->names.item[i], &type, &from, &fallback, err));
        ch_status status;
        if (!is_default(s->values.item[i])) {
            status = evaluate_as(frame, s->values.item[i], type, &frame->arena, &row[i], err);
        } else if (fallback) {
            status = evaluate_as(from, fallback, type, &frame->arena, &row[i], err);
        } else {
            row[i] = (ch_scalar){.type = type, .is_null = true};
            status = CH_OK;
        }
        ch_frame_unref(from);
        CH_TRY(status);
    }
    return ch_variables_assign(frame, &s->names, row, s->names.n, err);
}

/* ---- DROP ------------------------------------------------------------------------------------ */

static ch_status drop(ch_frame *frame, const ch_rel_variable *d, ch_error *err)
{
    ch_variables *all = ch_session_variables(frame->session);
    const char *name = name_of(d->names.item[0]);
    if (!name)
        return unresolved(frame, d->names.item[0], NEW_PATH, err);
    pthread_mutex_lock(&all->lock);
    ch_variable **at = find(frame->session, name), *old = *at;
    if (old)
        *at = old->next;
    pthread_mutex_unlock(&all->lock);
    variable_free(frame->session, old);
    if (old || d->if_exists)
        return CH_OK;
    CH_TRY(quoted_name(frame, name, &name, err));
    CH_FAIL(err, VARIABLE_NOT_FOUND, "variableName", name);
}

ch_status ch_variable_run(ch_frame *frame, ch_error *err)
{
    const ch_rel_variable *v = (const ch_rel_variable *)frame->rel;
    switch (v->action) {
    case CH_VARIABLE_DECLARE:
        return declare(frame, v, err);
    case CH_VARIABLE_SET:
        return set(frame, v, err);
    default:
        return drop(frame, v, err);
    }
}
