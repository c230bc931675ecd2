/* SPDX-License-Identifier: Apache-2.0 */
/*
 * time_window.c - the windows of time that a moment lies in, for GROUP BY window(t, ...).
 *
 *   remainder = (t - start) mod slide, not negative
 *   window i  = [t - remainder - i * slide, + length),  i = 0 .. ceil(length / slide) - 1
 *
 * plan/analyze_time_window.c puts these functions where a program says window(); length, slide and start
 * are constants, in microseconds.
 */
#include "function/support.h"

typedef struct time_window {
    int64_t length, slide, start;
} time_window;

static int64_t first_start(const time_window *w, int64_t t)
{
    int64_t rest = (int64_t)((uint64_t)t - (uint64_t)w->start) % w->slide;
    return (int64_t)((uint64_t)t - (uint64_t)(rest < 0 ? rest + w->slide : rest));
}

static int64_t plus(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a + (uint64_t)b);
}

static const ch_type *window_type(const ch_type *moment)
{
    ch_field field[2] = {{"start", moment, true, NULL}, {"end", moment, true, NULL}};
    return ch_type_struct(field, 2);
}

static ch_status bind_window(ch_bind *bind, ch_error *err)
{
    bool sliding = bind->func->name[2] == 's';
    time_window *w = ch_arena_alloc(bind->arena, sizeof *w, err);
    if (!w)
        return CH_E_MEMORY;
    if (bind->n_args != 4)
        return ch_bind_count(bind, "4", err);
    if (bind->arg_type[0]->id != CH_TIMESTAMP_NTZ)
        CH_TRY(ch_bind_cast(bind, 0, CH_T_TIMESTAMP, err));
    int64_t *const part[] = {&w->length, &w->slide, &w->start};
    for (int i = 0; i < 3; i++) {
        const ch_scalar *v = ch_bind_constant(bind, i + 1);
        if (!v || v->is_null || v->type->id != CH_LONG)
            return ch_bind_wrong_type(bind, i + 1, "BIGINT", err);
        *part[i] = v->v.i64;
    }
    bind->data = w;
    bind->result = window_type(bind->arg_type[0]);
    if (sliding && bind->result) {
        ch_field row = {"window", bind->result, false, NULL};
        const ch_type *rows = ch_type_struct(&row, 1);
        bind->result = rows ? ch_type_array(rows, false) : NULL;
    }
    return bind->result ? CH_OK : CH_E_MEMORY;
}

/* A struct of two columns of n moments, for the caller to fill. */
static ch_status new_windows(const ch_call *call, const ch_type *type, int64_t n, ch_column **out,
                             ch_error *err)
{
    CH_TRY(ch_column_new(call->mem, type, n, out, err));
    for (int k = 0; k < 2; k++)
        CH_TRY(ch_column_new(call->mem, type->field[k].type, n, &(*out)->child[k], err));
    return CH_OK;
}

static ch_status eval_tumble(const ch_call *call, ch_column **out, ch_error *err)
{
    const time_window *w = call->data;
    const ch_column *c = call->arg[0];
    const int64_t *t = c->data;
    CH_TRY(new_windows(call, call->result, call->rows, out, err));
    int64_t *start = (*out)->child[0]->data, *end = (*out)->child[1]->data;
    int64_t step = c->encoding != CH_CONST;
    for (int64_t i = 0; i < call->rows; i++) {
        start[i] = first_start(w, t[i * step]);
        end[i] = plus(start[i], w->length);
    }
    return CH_OK;
}

static ch_status eval_slide(const ch_call *call, ch_column **out, ch_error *err)
{
    const time_window *w = call->data;
    const ch_column *c = call->arg[0];
    const int64_t *t = c->data;
    int64_t step = c->encoding != CH_CONST, n = 0;
    int64_t most = w->length / w->slide + (w->length % w->slide != 0);
    if (call->rows > 0 && most > INT32_MAX / call->rows)
        return ch_error_memory(err, "windows of one batch", most, INT32_MAX / call->rows);
    CH_TRY(ch_column_new(call->mem, call->result, call->rows, out, err));
    int32_t *offset = (*out)->data;
    const ch_type *row = call->result->field[0].type;
    CH_TRY(ch_column_new(call->mem, row, call->rows * most, &(*out)->child[0], err));
    ch_column *rows = (*out)->child[0];
    CH_TRY(new_windows(call, row->field[0].type, call->rows * most, &rows->child[0], err));
    int64_t *start = rows->child[0]->child[0]->data, *end = rows->child[0]->child[1]->data;
    for (int64_t i = 0; i < call->rows; i++) {
        if (!ch_column_is_null(c, i)) {
            int64_t now = t[i * step], first = first_start(w, now);
            for (int64_t k = 0; k < most; k++) {
                start[n] = plus(first, -k * w->slide);
                end[n] = plus(start[n], w->length);
                n += now < end[n];
            }
        }
        offset[i + 1] = (int32_t)n;
    }
    for (int k = 0; k < 2; k++)
        rows->child[0]->child[k]->rows = n;
    rows->child[0]->rows = rows->rows = n;
    return CH_OK;
}

/* The last moment of a window. */
static ch_status bind_time(ch_bind *bind, ch_error *err)
{
    if (bind->n_args != 1)
        return ch_bind_count(bind, "1", err);
    const ch_type *t = bind->arg_type[0];
    if (t->id != CH_STRUCT || t->n_fields != 2 ||
        (t->field[1].type->id != CH_TIMESTAMP && t->field[1].type->id != CH_TIMESTAMP_NTZ))
        return ch_bind_wrong_type(bind, 0, "STRUCT<start: TIMESTAMP, end: TIMESTAMP>", err);
    bind->result = t->field[1].type;
    return CH_OK;
}

static ch_status eval_time(const ch_call *call, ch_column **out, ch_error *err)
{
    const ch_column *end = call->arg[0]->child[1];
    int64_t *r = (*out)->data;
    for (int64_t i = 0; i < call->rows; i++) {
        r[i] = plus(((const int64_t *)ch_column_values(end)->data)[ch_column_slot(end, i)], -1);
        if (ch_column_is_null(end, i))
            CH_TRY(ch_set_null(*out, i, err));
    }
    return CH_OK;
}

#define INSIDE CH_FUNC_NULL_PROPAGATES | CH_FUNC_TAKES_CONST | CH_FUNC_INTERNAL

const ch_func ch_func_time_window[] = {
    {.name = "__tumble",
     .bind = bind_window,
     .eval = eval_tumble,
     .flags = INSIDE,
     .doc = "The window that a moment lies in.",
     .since = "0.2"},
    {.name = "__slide",
     .bind = bind_window,
     .eval = eval_slide,
     .flags = CH_FUNC_TAKES_CONST | CH_FUNC_INTERNAL | CH_FUNC_GENERATOR,
     .doc = "All windows that a moment lies in.",
     .since = "0.2"},
    {.name = "window_time",
     .bind = bind_time,
     .eval = eval_time,
     .flags = CH_FUNC_NULL_PROPAGATES | CH_FUNC_MAKES_NULL,
     .doc = "The last moment of a window.",
     .example = "SELECT window_time(w) FROM (SELECT window(t, '1 day') AS w FROM VALUES "
                "(TIMESTAMP'2024-05-06 10:00:00') v(t))",
     .expect = "2024-05-06 23:59:59.999999",
     .since = "0.2"},
    CH_FUNC_END,
};
