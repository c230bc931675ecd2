/* SPDX-License-Identifier: Apache-2.0 */
/* api_df.c - DataFrame transformations: each makes a frame with one more plan node over its parents'. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/handles.h"
#include "plan/node.h"

#define MOST_COLUMNS 4096

/* What a transformation works with, from begin() to end(). */
typedef struct step {
    chert_session *session;
    ch_frame *frame;
    ch_arena *arena;
    const ch_rel *input[2];
    ch_status status;
    ch_error err;
} step;

static void begin(step *s, const chert_df *a, const chert_df *b)
{
    *s = (step){0};
    s->status = CH_E_INTERNAL;
    if (!a)
        return;
    ch_frame *parents[2] = {a->frame, b ? b->frame : NULL};
    s->session = a->session;
    s->status = ch_frame_new(a->session->session, parents, b ? 2 : 1, &s->frame, &s->err);
    if (s->status != CH_OK)
        return;
    s->arena = &s->frame->arena;
    s->input[0] = a->frame->rel;
    s->input[1] = b ? b->frame->rel : NULL;
    s->frame->text = a->frame->text;
}

/* A node of the kind whose first field after the head is its input; NULL once something failed. */
static void *node(step *s, ch_rel_kind kind)
{
    void *rel = s->status == CH_OK ? ch_rel_new(s->arena, kind, &s->err) : NULL;
    if (!rel && s->status == CH_OK)
        s->status = CH_E_MEMORY;
    return rel;
}

static chert_df *end(step *s, const void *rel, chert_error *out)
{
    if (s->status == CH_OK) {
        s->frame->rel = rel;
        return chert_df_wrap(s->session, s->frame, out);
    }
    ch_frame_unref(s->frame);
    (void)chert_error_take(out, &s->err);
    return NULL;
}

static ch_rel *input_of(const step *s, int i)
{
    return (ch_rel *)(uintptr_t)s->input[i]; /* plan nodes are only read */
}

/* Builds and frees col. */
static ch_expr *expr(step *s, chert_col *col)
{
    ch_expr *e = NULL;
    if (s->status == CH_OK && !col)
        s->status = ch_error_memory(&s->err, "column expression", 0, 0);
    if (s->status == CH_OK)
        s->status = chert_col_build(col, s->arena, &e, &s->err);
    chert_col_free(col);
    return e;
}

static void add_expr(step *s, ch_expr_list *list, chert_col *col)
{
    ch_expr *e = expr(s, col);
    if (s->status == CH_OK)
        s->status = ch_expr_list_add(s->arena, list, e, &s->err);
}

static void add_exprs(step *s, ch_expr_list *list, va_list ap)
{
    for (chert_col *c; (c = va_arg(ap, chert_col *)) != NULL;)
        add_expr(s, list, c);
}

static char *copy_text(step *s, const char *text)
{
    if (s->status == CH_OK && !text)
        s->status =
            ch_error_set(&s->err, CH_E_INVALID_OPTION, "name", "argument", "value", "name NULL",
                         "expected", "a value that is not NULL", (const char *)0);
    char *copy = s->status == CH_OK ? ch_arena_str(s->arena, text, &s->err) : NULL;
    if (!copy && s->status == CH_OK)
        s->status = CH_E_MEMORY;
    return copy;
}

static void add_names(step *s, ch_str_list *list, va_list ap)
{
    for (const char *name; (name = va_arg(ap, const char *)) != NULL;) {
        char *copy = copy_text(s, name);
        if (s->status == CH_OK)
            s->status = ch_str_list_add(s->arena, list, copy, &s->err);
    }
}

chert_df *chert_df_select(const chert_df *df, chert_error *out, ...)
{
    step s;
    ch_expr_list list = {0};
    va_list ap;
    begin(&s, df, NULL);
    ch_rel_project *rel = node(&s, CH_REL_PROJECT);
    va_start(ap, out);
    add_exprs(&s, &list, ap);
    va_end(ap);
    if (rel) {
        rel->input = input_of(&s, 0);
        rel->expressions = list;
    }
    return end(&s, rel, out);
}

chert_df *chert_df_filter(const chert_df *df, chert_col *condition, chert_error *out)
{
    step s;
    begin(&s, df, NULL);
    ch_rel_filter *rel = node(&s, CH_REL_FILTER);
    ch_expr *e = expr(&s, condition);
    if (rel) {
        rel->input = input_of(&s, 0);
        rel->condition = e;
    }
    return end(&s, rel, out);
}

chert_df *chert_df_with_column(const chert_df *df, const char *name, chert_col *value,
                               chert_error *out)
{
    step s;
    begin(&s, df, NULL);
    ch_rel_with_columns *rel = node(&s, CH_REL_WITH_COLUMNS);
    ch_expr_list list = {0};
    add_expr(&s, &list, chert_col_alias(value, name));
    if (rel) {
        rel->input = input_of(&s, 0);
        rel->aliases = list;
    }
    return end(&s, rel, out);
}

chert_df *chert_df_drop(const chert_df *df, chert_error *out, ...)
{
    step s;
    va_list ap;
    ch_str_list names = {0};
    begin(&s, df, NULL);
    ch_rel_drop *rel = node(&s, CH_REL_DROP);
    va_start(ap, out);
    add_names(&s, &names, ap);
    va_end(ap);
    if (rel) {
        rel->input = input_of(&s, 0);
        rel->names = names;
    }
    return end(&s, rel, out);
}

chert_df *chert_df_alias(const chert_df *df, const char *name, chert_error *out)
{
    step s;
    begin(&s, df, NULL);
    ch_rel_subquery_alias *rel = node(&s, CH_REL_SUBQUERY_ALIAS);
    char *alias = copy_text(&s, name);
    if (rel) {
        rel->input = input_of(&s, 0);
        rel->alias = alias;
    }
    return end(&s, rel, out);
}

/* ------------------------------------------------------------------ grouping */

chert_grouped *chert_df_group_by(const chert_df *df, chert_error *out, ...)
{
    chert_grouped *g = calloc(1, sizeof *g);
    chert_col **key = calloc(MOST_COLUMNS + 1, sizeof *key);
    int n = 0;
    va_list ap;
    va_start(ap, out);
    for (chert_col *c; (c = va_arg(ap, chert_col *)) != NULL;) {
        if (key && n < MOST_COLUMNS) {
            key[n++] = c;
            continue;
        }
        chert_col_free(c);
        (void)chert_error_argument(out, key ? "more than 4096 keys" : "no memory");
        df = NULL;
    }
    va_end(ap);
    chert_df *copy = df ? chert_df_wrap(df->session, ch_frame_ref(df->frame), out) : NULL;
    if (!g || !key || !copy) {
        free(g);
        chert_cols_free(key);
        chert_df_free(copy);
        return NULL;
    }
    g->df = copy;
    g->key = key;
    return g;
}

void chert_grouped_free(chert_grouped *g)
{
    if (!g)
        return;
    chert_cols_free(g->key);
    chert_df_free(g->df);
    free(g);
}

/* Ends the aggregate that was begun for g; takes g. */
static chert_df *aggregate(step *s, chert_grouped *g, const ch_expr_list *aggregates,
                           chert_error *out)
{
    ch_rel_aggregate *rel = node(s, CH_REL_AGGREGATE);
    ch_expr_list keys = {0};
    for (chert_col **k = g ? g->key : NULL; k && *k; k++)
        add_expr(s, &keys, *k); /* takes it */
    if (rel) {
        rel->input = input_of(s, 0);
        rel->group_type = CH_GROUP_BY;
        rel->grouping = keys;
        rel->aggregates = *aggregates;
    }
    if (g) {
        free(g->key); /* what was in it has been taken */
        g->key = NULL;
    }
    chert_grouped_free(g);
    return end(s, rel, out);
}

chert_df *chert_grouped_agg(chert_grouped *g, chert_error *out, ...)
{
    step s;
    va_list ap;
    ch_expr_list list = {0};
    begin(&s, g ? g->df : NULL, NULL);
    va_start(ap, out);
    add_exprs(&s, &list, ap);
    va_end(ap);
    return aggregate(&s, g, &list, out);
}

chert_df *chert_grouped_count(chert_grouped *g, chert_error *out)
{
    return chert_grouped_agg(g, out, chert_col_alias(chert_count_all(), "count"), NULL);
}

/* --------------------------------------------------------------------- joins */

static bool join_type(const char *how, ch_join_type *out)
{
    static const struct {
        const char *name;
        ch_join_type type;
    } TYPES[] = {
        {"inner", CH_JOIN_INNER},          {"cross", CH_JOIN_CROSS},
        {"left", CH_JOIN_LEFT_OUTER},      {"leftouter", CH_JOIN_LEFT_OUTER},
        {"right", CH_JOIN_RIGHT_OUTER},    {"rightouter", CH_JOIN_RIGHT_OUTER},
        {"full", CH_JOIN_FULL_OUTER},      {"outer", CH_JOIN_FULL_OUTER},
        {"fullouter", CH_JOIN_FULL_OUTER}, {"semi", CH_JOIN_LEFT_SEMI},
        {"leftsemi", CH_JOIN_LEFT_SEMI},   {"anti", CH_JOIN_LEFT_ANTI},
        {"leftanti", CH_JOIN_LEFT_ANTI},
    };
    char plain[32];
    size_t n = 0;
    for (; *how && n < sizeof plain - 1; how++) /* left_outer is leftouter */
        if (*how != '_')
            plain[n++] = *how;
    plain[n] = 0;
    for (size_t i = 0; i < sizeof TYPES / sizeof *TYPES; i++) {
        if (strcasecmp(plain, TYPES[i].name) == 0) {
            *out = TYPES[i].type;
            return true;
        }
    }
    return false;
}

static ch_rel_join *join_node(step *s, const char *how)
{
    ch_rel_join *rel = node(s, CH_REL_JOIN);
    if (!rel)
        return NULL;
    rel->left = input_of(s, 0);
    rel->right = input_of(s, 1);
    if (!join_type(how ? how : "inner", &rel->join_type))
        s->status = ch_error_set(
            &s->err, CH_E_INVALID_OPTION, "name", "how", "value", how, "expected",
            "inner, left, right, full, left_semi, left_anti or cross", (const char *)0);
    return rel;
}

chert_df *chert_df_join(const chert_df *left, const chert_df *right, chert_col *on, const char *how,
                        chert_error *out)
{
    step s;
    begin(&s, right ? left : NULL, right);
    ch_rel_join *rel = join_node(&s, how);
    ch_expr *condition = on ? expr(&s, on) : NULL;
    if (rel)
        rel->condition = condition;
    return end(&s, rel, out);
}

chert_df *chert_df_join_using(const chert_df *left, const chert_df *right, const char *how,
                              chert_error *out, ...)
{
    step s;
    va_list ap;
    ch_str_list names = {0};
    begin(&s, right ? left : NULL, right);
    ch_rel_join *rel = join_node(&s, how);
    va_start(ap, out);
    add_names(&s, &names, ap);
    va_end(ap);
    if (rel)
        rel->using_columns = names;
    return end(&s, rel, out);
}

/* ------------------------------------------------------------- whole relations */

chert_df *chert_df_union(const chert_df *a, const chert_df *b, chert_error *out)
{
    step s;
    begin(&s, b ? a : NULL, b);
    ch_rel_set_operation *rel = node(&s, CH_REL_SET_OPERATION);
    if (rel) {
        rel->left = input_of(&s, 0);
        rel->right = input_of(&s, 1);
        rel->op = CH_SET_UNION;
        rel->is_all = true;
    }
    return end(&s, rel, out);
}

chert_df *chert_df_distinct(const chert_df *df, chert_error *out)
{
    step s;
    begin(&s, df, NULL);
    ch_rel_deduplicate *rel = node(&s, CH_REL_DEDUPLICATE);
    if (rel) {
        rel->input = input_of(&s, 0);
        rel->all_columns_as_keys = true;
    }
    return end(&s, rel, out);
}

/* A plain column sorts ascending, NULLs first. */
static void as_sort_orders(step *s, ch_expr_list *list)
{
    for (int32_t i = 0; i < list->n && s->status == CH_OK; i++) {
        if (list->item[i]->kind == CH_EXPR_SORT_ORDER)
            continue;
        ch_expr_sort_order *order = ch_expr_new(s->arena, CH_EXPR_SORT_ORDER, &s->err);
        if (!order) {
            s->status = CH_E_MEMORY;
            return;
        }
        order->child = list->item[i];
        order->nulls_first = true;
        list->item[i] = &order->head;
    }
}

chert_df *chert_df_order_by(const chert_df *df, chert_error *out, ...)
{
    step s;
    va_list ap;
    ch_expr_list list = {0};
    begin(&s, df, NULL);
    ch_rel_sort *rel = node(&s, CH_REL_SORT);
    va_start(ap, out);
    add_exprs(&s, &list, ap);
    va_end(ap);
    as_sort_orders(&s, &list);
    if (rel) {
        rel->input = input_of(&s, 0);
        rel->order = list;
        rel->is_global = true;
        rel->limit = -1;
    }
    return end(&s, rel, out);
}

chert_df *chert_df_limit(const chert_df *df, int64_t n, chert_error *out)
{
    step s;
    begin(&s, df, NULL);
    ch_rel_limit *rel = node(&s, CH_REL_LIMIT);
    if (rel) {
        rel->input = input_of(&s, 0);
        rel->limit = n;
    }
    return end(&s, rel, out);
}

chert_df *chert_df_offset(const chert_df *df, int64_t n, chert_error *out)
{
    step s;
    begin(&s, df, NULL);
    ch_rel_offset *rel = node(&s, CH_REL_OFFSET);
    if (rel) {
        rel->input = input_of(&s, 0);
        rel->offset = n;
    }
    return end(&s, rel, out);
}

static chert_df *into_parts(const chert_df *df, int32_t n, bool shuffle, chert_error *out)
{
    step s;
    begin(&s, df, NULL);
    ch_rel_repartition *rel = node(&s, CH_REL_REPARTITION);
    if (rel) {
        rel->input = input_of(&s, 0);
        rel->num_partitions = n;
        rel->shuffle = shuffle;
    }
    return end(&s, rel, out);
}

chert_df *chert_df_coalesce(const chert_df *df, int32_t n, chert_error *out)
{
    return into_parts(df, n, false, out);
}

chert_df *chert_df_repartition(const chert_df *df, int32_t n, chert_error *out)
{
    return into_parts(df, n, true, out);
}

int chert_df_create_temp_view(const chert_df *df, const char *name, chert_error *out)
{
    ch_error err = {0};
    if (!df)
        return CH_E_INTERNAL;
    if (!name)
        return chert_error_argument(out, "name NULL");
    ch_status status = ch_session_put_view(df->session->session, name, false, true, df->frame,
                                           df->frame->rel, &err);
    (void)chert_error_take(out, &err);
    return (int)status;
}

void chert_df_free(chert_df *df)
{
    if (!df)
        return;
    ch_frame_unref(df->frame);
    free(df);
}
