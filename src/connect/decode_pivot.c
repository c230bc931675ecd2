/* SPDX-License-Identifier: Apache-2.0 */
/*
 * decode_pivot.c - pivot, crosstab and transpose: columns that follow from the rows.
 *
 * Where the values are not given, a query of its own finds them while the plan is decoded, as Spark does.
 */
#include <string.h>

#include "column/column.h"
#include "connect/decode_relation.h"

typedef PB(Relation) message;
#define DECODER(name) \
    ch_status cn_decode_##name##_rel(cn_decode *d, const message *m, ch_rel **out, ch_error *err)

/* ---- rows that decide about columns ------------------------------------------------------- */

/*
 * The rows of the relation that `make` builds over input, at most `most` + 1: row i's values are (*row)[i], literals
 * in d's arena.
 */
typedef struct asked {
    const ch_type *schema;
    ch_expr_list *row;
    int32_t n_rows;
} asked;

typedef ch_status (*asked_fn)(cn_decode *d, void *user, ch_rel *input, ch_rel **out, ch_error *err);

/* The values borrow from batches, which d's frame keeps. */
static ch_status keep_rows(cn_decode *d, ch_query *q, asked *out, ch_error *err)
{
    int64_t n = 0;
    out->schema = ch_query_schema(q);
    CH_ARENA_ARRAY(out->row, d->arena, ch_query_rows(q) + 1, err);
    for (ch_batch *b; (b = ch_query_batch(q, n)); n++) {
        ch_batch copy, *own;
        CH_TRY(ch_batch_copy(b, &copy, err));
        ch_status status = ch_batch_flatten(&copy, err);
        if (status != CH_OK) {
            ch_batch_release(&copy);
            return status;
        }
        CH_TRY(cn_add_batch(d, &copy, &own, err));
        for (int64_t i = 0; i < own->n; i++) {
            ch_expr_list *row = &out->row[out->n_rows++];
            for (int32_t c = 0; c < own->n_cols; c++) {
                ch_expr_literal *e = ch_expr_new(d->arena, CH_EXPR_LITERAL, err);
                if (!e)
                    return CH_E_MEMORY;
                CH_TRY(ch_column_scalar(own->col[c], i, d->arena, &e->value, err));
                e->head.type = e->value.type;
                e->head.nullable = e->value.is_null;
                CH_TRY(ch_expr_list_add(d->arena, row, &e->head, err));
            }
        }
    }
    return CH_OK;
}

static ch_status ask(cn_decode *d, const message *input, asked_fn make, void *user, int32_t most,
                     asked *out, ch_error *err)
{
    ch_frame *frame;
    ch_rel *rel;
    ch_rel_limit *limit;
    ch_query *q;
    *out = (asked){0};
    CH_TRY(ch_frame_new(d->session->session, NULL, 0, &frame, err));
    cn_decode inner = *d;
    inner.frame = frame;
    inner.arena = &frame->arena;
    ch_status status = cn_decode_relation(&inner, input, &rel, err);
    if (status == CH_OK)
        status = make(&inner, user, rel, &rel, err);
    if (status == CH_OK && !(limit = ch_rel_new(inner.arena, CH_REL_LIMIT, err)))
        status = CH_E_MEMORY;
    if (status == CH_OK) {
        limit->input = rel;
        limit->limit = most < INT32_MAX ? most + 1 : most;
        frame->rel = &limit->head;
        status = cn_collect(frame, &q, err);
    }
    if (status == CH_OK) {
        status = keep_rows(d, q, out, err);
        ch_query_close(q);
    }
    ch_frame_unref(frame);
    return status;
}

/* SELECT DISTINCT e FROM input ORDER BY e */
static ch_status distinct_values(cn_decode *d, ch_expr *e, ch_rel *input, ch_rel **out,
                                 ch_error *err)
{
    ch_rel_project *p;
    ch_rel_deduplicate *u;
    ch_rel_sort *s;
    ch_expr_sort_order *order = ch_expr_new(d->arena, CH_EXPR_SORT_ORDER, err);
    ch_expr_alias *alias = ch_expr_new(d->arena, CH_EXPR_ALIAS, err);
    if (!order || !alias)
        return CH_E_MEMORY;
    CN_NODE(p, d, PROJECT, err);
    CN_NODE(u, d, DEDUPLICATE, err);
    CN_NODE(s, d, SORT, err);
    alias->child = e;
    CH_TRY(ch_str_list_add(d->arena, &alias->names, "value", err));
    p->input = input;
    CH_TRY(ch_expr_list_add(d->arena, &p->expressions, &alias->head, err));
    u->input = &p->head;
    u->all_columns_as_keys = true;
    s->input = &u->head;
    s->is_global = true;
    s->limit = -1;
    CH_TRY(cn_make_name(d, "value", &order->child, err));
    order->nulls_first = true;
    CH_TRY(ch_expr_list_add(d->arena, &s->order, &order->head, err));
    *out = &s->head;
    return CH_OK;
}

static int32_t most_values(cn_decode *d, const char *setting, int32_t fallback)
{
    int64_t n = ch_session_get_int(d->session->session, setting);
    return n > 0 && n < INT32_MAX ? (int32_t)n : fallback;
}

static ch_status add_values(cn_decode *d, const asked *values, ch_expr_list *list, ch_error *err)
{
    int32_t most = most_values(d, "spark.sql.pivotMaxValues", 10000);
    if (values->n_rows > most)
        CH_FAIL(err, PIVOT_TOO_MANY_VALUES, "maxValues", CH_I64(most));
    for (int32_t i = 0; i < values->n_rows; i++)
        CH_TRY(ch_expr_list_add(d->arena, list, values->row[i].item[0], err));
    return CH_OK;
}

/* ---- pivot -------------------------------------------------------------------------------- */

static ch_status values_of_column(cn_decode *d, void *user, ch_rel *input, ch_rel **out,
                                  ch_error *err)
{
    const PB(Expression) *col = user;
    ch_expr *e;
    CH_TRY(cn_decode_expr(d, col, &e, err));
    return distinct_values(d, e, input, out, err);
}

ch_status cn_decode_pivot(cn_decode *d, const PB(Aggregate) * s, ch_rel_aggregate *r, ch_error *err)
{
    ch_expr *col;
    if (!s->pivot)
        CH_FAIL(err, CONNECT_INVALID_PLAN, "reason", "a pivot names no column");
    CH_TRY(cn_decode_expr(d, s->pivot->col, &col, err));
    CH_TRY(ch_expr_list_add(d->arena, &r->pivot_columns, col, err));
    for (size_t i = 0; i < s->pivot->n_values; i++) {
        ch_expr *e;
        CH_TRY(cn_make_literal(d, s->pivot->values[i], &e, err));
        CH_TRY(ch_expr_list_add(d->arena, &r->pivot_values, e, err));
    }
    if (s->pivot->n_values)
        return CH_OK;
    asked values;
    CH_TRY(ask(d, s->input, values_of_column, s->pivot->col,
               most_values(d, "spark.sql.pivotMaxValues", 10000), &values, err));
    return add_values(d, &values, &r->pivot_values, err);
}

/* ---- crosstab ------------------------------------------------------------------------------ */

static ch_status make_text(cn_decode *d, const char *text, ch_expr **out, ch_error *err)
{
    ch_expr_literal *e = ch_expr_new(d->arena, CH_EXPR_LITERAL, err);
    if (!e)
        return CH_E_MEMORY;
    e->value = (ch_scalar){.type = CH_T_STRING, .v.str = {text, (int64_t)strlen(text)}};
    e->head.type = CH_T_STRING;
    *out = &e->head;
    return CH_OK;
}

/* The column's values as texts, NULL as "null"; without_quotes: backquotes are left out. */
static ch_status value_text(cn_decode *d, const char *name, bool without_quotes, ch_expr **out,
                            ch_error *err)
{
    ch_expr_unresolved_attribute *a = ch_expr_new(d->arena, CH_EXPR_UNRESOLVED_ATTRIBUTE, err);
    ch_expr_cast *cast = ch_expr_new(d->arena, CH_EXPR_CAST, err);
    ch_expr *arg[3], *null;
    const char *copy;
    if (!a || !cast)
        return CH_E_MEMORY;
    CH_TRY(cn_copy_text(d, name, &copy, err));
    CH_TRY(ch_name_split(d->arena, copy, &a->parts, err));
    cast->child = &a->head;
    cast->to = CH_T_STRING;
    arg[0] = &cast->head;
    CH_TRY(make_text(d, "null", &null, err));
    if (without_quotes) {
        CH_TRY(make_text(d, "`", &arg[1], err));
        CH_TRY(make_text(d, "", &arg[2], err));
        CH_TRY(cn_make_call(d, "replace", arg, 3, &arg[0], err));
    }
    arg[2] = arg[0];
    arg[1] = null;
    ch_expr *column = &a->head;
    CH_TRY(cn_make_call(d, "isnull", &column, 1, &arg[0], err));
    return cn_make_call(d, "if", arg, 3, out, err);
}

static ch_status values_of_crosstab(cn_decode *d, void *user, ch_rel *input, ch_rel **out,
                                    ch_error *err)
{
    ch_expr *e;
    CH_TRY(value_text(d, user, true, &e, err));
    return distinct_values(d, e, input, out, err);
}

/* groupBy(text of col1).pivot(text of col2).count().na.fill(0) */
DECODER(crosstab)
{
    const PB(StatCrosstab) *s = m->crosstab;
    char *first = s->col1 ? s->col1 : "", *second = s->col2 ? s->col2 : "";
    ch_rel_aggregate *g;
    ch_rel_fill_na *fill;
    ch_expr_alias *key = ch_expr_new(d->arena, CH_EXPR_ALIAS, err);
    ch_expr_literal *one = ch_expr_new(d->arena, CH_EXPR_LITERAL, err);
    ch_expr_literal *zero = ch_expr_new(d->arena, CH_EXPR_LITERAL, err);
    ch_expr *e, *column, *arg;
    asked values;
    if (!key || !one || !zero)
        return CH_E_MEMORY;
    CN_NODE(g, d, AGGREGATE, err);
    CN_NODE(fill, d, FILL_NA, err);
    CH_TRY(ask(d, s->input, values_of_crosstab, second,
               most_values(d, "spark.sql.pivotMaxValues", 10000), &values, err));
    CH_TRY(add_values(d, &values, &g->pivot_values, err));
    CH_TRY(cn_decode_relation(d, s->input, &g->input, err));
    g->group_type = CH_GROUP_PIVOT;
    CH_TRY(value_text(d, first, false, &key->child, err));
    const char *name = ch_arena_printf(d->arena, err, "%s_%s", first, second);
    if (!name)
        return CH_E_MEMORY;
    CH_TRY(ch_str_list_add(d->arena, &key->names, name, err));
    CH_TRY(ch_expr_list_add(d->arena, &g->grouping, &key->head, err));
    CH_TRY(value_text(d, second, true, &column, err));
    CH_TRY(ch_expr_list_add(d->arena, &g->pivot_columns, column, err));
    one->value = (ch_scalar){.type = CH_T_INT, .v.i64 = 1};
    one->head.type = CH_T_INT;
    arg = &one->head;
    CH_TRY(cn_make_call(d, "count", &arg, 1, &e, err));
    CH_TRY(ch_expr_list_add(d->arena, &g->aggregates, e, err));
    zero->value = (ch_scalar){.type = CH_T_LONG, .v.i64 = 0};
    zero->head.type = CH_T_LONG;
    fill->input = &g->head;
    *out = &fill->head;
    return ch_expr_list_add(d->arena, &fill->values, &zero->head, err);
}

/* ---- transpose ------------------------------------------------------------------------------ */

/* The rows with an index, in its order; the index comes first (as a text), then the other columns. */
static ch_status rows_to_transpose(cn_decode *d, void *user, ch_rel *input, ch_rel **out,
                                   ch_error *err)
{
    ch_rel_transpose *t;
    const PB(Transpose) *s = user;
    CN_NODE(t, d, TRANSPOSE, err);
    t->input = input;
    *out = &t->head;
    if (s->n_index_columns > 1)
        CH_FAIL(err, TRANSPOSE_INDEX, "reason", "there is more than one index column");
    return s->n_index_columns ? cn_decode_expr(d, s->index_columns[0], &t->index, err) : CH_OK;
}

/* Cells of row r of the result: the names of the columns that became rows, then their values. */
static ch_status transposed_column(cn_decode *d, const asked *a, int32_t row, ch_batch *batch,
                                   ch_error *err)
{
    int32_t n = a->schema->n_fields - 1;
    ch_scalar *text;
    const ch_scalar **cell;
    CH_ARENA_ARRAY(text, d->arena, n + 1, err);
    CH_ARENA_ARRAY(cell, d->arena, n + 1, err);
    for (int32_t c = 0; c < n; c++) {
        const char *name = a->schema->field[c + 1].name;
        text[c] = (ch_scalar){.type = CH_T_STRING, .v.str = {name, (int64_t)strlen(name)}};
        cell[c] = row < 0 ? &text[c] : &((const ch_expr_literal *)a->row[row].item[c + 1])->value;
    }
    const ch_type *type = row < 0 || !n ? CH_T_STRING : a->schema->field[1].type;
    return ch_column_scalars(ch_session_mem(d->session->session), type, cell, n,
                             &batch->col[row + 1], err);
}

/* key, <index 1>, <index 2>: ('a', 1, 2), ('b', 3, 4) */
DECODER(transpose)
{
    const PB(Transpose) *s = m->transpose;
    int32_t most = most_values(d, "spark.sql.transposeMaxValues", 500);
    asked a;
    ch_rel_local_relation *r;
    ch_field *field;
    ch_batch batch, *own;
    CN_NODE(r, d, LOCAL_RELATION, err);
    CH_TRY(ask(d, s->input, rows_to_transpose, (void *)(uintptr_t)s, most, &a, err));
    if (a.n_rows > most)
        CH_FAIL(err, TRANSPOSE_ROWS, "maxValues", CH_I64(most));
    CH_ARENA_ARRAY(field, d->arena, a.n_rows + 1, err);
    field[0] = (ch_field){"key", CH_T_STRING, false, NULL};
    for (int32_t i = 0; i < a.n_rows; i++) {
        const ch_scalar *text = &((const ch_expr_literal *)a.row[i].item[0])->value;
        const char *name = ch_arena_strn(d->arena, text->v.str.text, (size_t)text->v.str.len, err);
        if (!name)
            return CH_E_MEMORY;
        const ch_type *type = a.schema->n_fields > 1 ? a.schema->field[1].type : CH_T_STRING;
        field[i + 1] = (ch_field){name, type, true, NULL};
    }
    if (!(r->schema = ch_type_struct(field, a.n_rows + 1)))
        return ch_error_memory(err, "types", 0, 0);
    CH_TRY(ch_batch_init(&batch, ch_session_mem(d->session->session), a.n_rows + 1,
                         a.schema->n_fields - 1, err));
    for (int32_t row = -1; row < a.n_rows; row++) {
        ch_status status = transposed_column(d, &a, row, &batch, err);
        if (status != CH_OK) {
            ch_batch_release(&batch);
            return status;
        }
    }
    CH_TRY(cn_add_batch(d, &batch, &own, err));
    CH_ARENA_ARRAY(r->batch, d->arena, 1, err);
    r->batch[0] = own;
    r->n_batches = 1;
    *out = &r->head;
    return CH_OK;
}
