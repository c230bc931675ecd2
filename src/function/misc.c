/* SPDX-License-Identifier: Apache-2.0 */
/*
 * misc.c - functions of the session, of types and of nothing: typeof, version, current_user, uuid,
 * monotonically_increasing_id, raise_error, assert_true, nullifzero, zeroifnull, nanvl, width_bucket.
 */
#include <math.h>
#include <stdio.h>

#include "base/uuid.h"
#include "column/take.h"
#include "column/textout.h"
#include "function/partition_number.h"
#include "function/utf8.h"

/* ---- constant texts ---- */

static ch_status bind_text(ch_bind *bind, ch_error *err)
{
    const char *name = bind->func->name;
    const ch_func_context *ctx = bind->ctx;
    bool collation = strcmp(name, "collation") == 0;
    bool type = strcmp(name, "typeof") == 0 || collation;
    if (bind->n_args != (type ? 1 : 0))
        return ch_bind_count(bind, type ? "1" : "0", err);
    bind->result = CH_T_STRING;
    bind->nullable = false;
    if (collation) {
        if (bind->arg_type[0]->id != CH_NULL && !ch_type_is_string(bind->arg_type[0]))
            return ch_bind_wrong_type(bind, 0, "STRING", err);
        const char *own = bind->arg_type[0]->collation;
        bind->data =
            ch_arena_printf(bind->arena, err, "SYSTEM.BUILTIN.%s", own ? own : "UTF8_BINARY");
        return bind->data ? CH_OK : CH_E_MEMORY;
    }
    if (type) {
        ch_buf buf;
        ch_buf_init(&buf, bind->arena->mem);
        ch_status status = ch_type_print(bind->arg_type[0], &buf, err);
        if (status == CH_OK)
            bind->data = ch_arena_strn(bind->arena, buf.data, buf.len, err);
        ch_buf_release(&buf);
        return bind->data ? CH_OK : CH_E_MEMORY;
    }
    const char *text = strstr(name, "user")       ? ctx->user
                       : strstr(name, "catalog")  ? ctx->catalog
                       : strstr(name, "timezone") ? ctx->time_zone
                       : strstr(name, "version")  ? "4.3.0 chert"
                                                  : ctx->database;
    bind->data = (void *)(uintptr_t)(text                       ? text
                                     : strstr(name, "catalog")  ? "spark_catalog"
                                     : strstr(name, "timezone") ? "UTC"
                                     : strstr(name, "user")     ? ""
                                                                : "default");
    return CH_OK;
}

static ch_status eval_text(const ch_call *call, ch_column **out, ch_error *err)
{
    ch_scalar text = {.type = CH_T_STRING,
                      .v.str = {call->data, (int64_t)strlen((const char *)call->data)}};
    ch_column_unref(*out);
    *out = NULL;
    return ch_column_const(call->mem, &text, call->rows, out, err);
}

/* ---- uuid, monotonically_increasing_id ---- */

static ch_status eval_uuid(const ch_call *call, ch_column **out, ch_error *err)
{
    ch_textout w;
    ch_textout_init(&w, *out);
    for (int64_t i = 0; i < call->rows; i++) {
        char text[CH_UUID_TEXT];
        CH_TRY(ch_uuid(text, err));
        CH_TRY(ch_textout_put(&w, i, text, CH_UUID_TEXT - 1, err));
    }
    return CH_OK;
}

/* The upper 31 bits are the partition's number, the lower 33 count its rows. */
typedef struct id_state {
    ch_partition at;
    int64_t next;
} id_state;

static ch_status bind_id(ch_bind *bind, ch_error *err)
{
    if (bind->n_args)
        return ch_bind_count(bind, "0", err);
    if (!(bind->data = ch_partitions_new(bind->arena, err)))
        return CH_E_MEMORY;
    bind->result = bind->func->name[0] == 's' ? CH_T_INT : CH_T_LONG;
    bind->nullable = false;
    return CH_OK;
}

static ch_status id_open(const ch_call *call, void **state, ch_error *err)
{
    *state = ch_mem_zalloc(call->mem, sizeof(id_state), err);
    if (!*state)
        return CH_E_MEMORY;
    ch_partitions_open(call->data);
    return CH_OK;
}

static void id_close(const ch_call *call, void *state)
{
    ch_partitions_close(call->data);
    ch_mem_free(call->mem, state, sizeof(id_state));
}

static ch_status eval_id(const ch_call *call, ch_column **out, ch_error *err)
{
    id_state *s = call->state;
    CH_UNUSED(err);
    if (ch_partition_enter(call->data, call, &s->at))
        s->next = s->at.number << 33;
    if (call->result->id == CH_INT)
        for (int64_t i = 0; i < call->rows; i++)
            ((int32_t *)(*out)->data)[i] = (int32_t)s->at.number;
    else
        for (int64_t i = 0; i < call->rows; i++)
            ((int64_t *)(*out)->data)[i] = s->next++;
    return CH_OK;
}

/* ---- raise_error, assert_true ---- */

static ch_status bind_raise(ch_bind *bind, ch_error *err)
{
    bool assert = bind->func->name[0] == 'a';
    if (bind->n_args < 1 || bind->n_args > (assert ? 2 : 1))
        return ch_bind_count(bind, assert ? "[1, 2]" : "1", err);
    if (assert)
        CH_TRY(ch_bind_cast(bind, 0, CH_T_BOOLEAN, err));
    if (!assert || bind->n_args == 2)
        CH_TRY(ch_bind_cast(bind, bind->n_args - 1, CH_T_STRING, err));
    bind->data = (void *)(uintptr_t)ch_bind_arg_sql(bind, 0);
    bind->result = CH_T_NULL;
    bind->nullable = true;
    return CH_OK;
}

static ch_status eval_raise(const ch_call *call, ch_column **out, ch_error *err)
{
    bool assert = call->func->name[0] == 'a';
    for (int64_t i = 0; i < call->rows; i++) {
        if (assert && !ch_column_is_null(call->arg[0], i) && ch_bit_get(call->arg[0]->data, i))
            continue;
        char text[1024];
        if (assert && call->n_args == 1) {
            snprintf(text, sizeof text, "'%s' is not true!", (const char *)call->data);
        } else {
            const ch_column *c = call->arg[call->n_args - 1];
            ch_str s = ch_column_is_null(c, i) ? (ch_str){"", 0} : ch_column_str(c, i);
            snprintf(text, sizeof text, "%.*s", (int)(s.len < 1000 ? s.len : 1000), s.text);
        }
        CH_FAIL(err, USER_RAISED, "errorMessage", text);
    }
    ch_column_unref(*out);
    *out = NULL;
    return ch_column_nulls(call->mem, CH_T_NULL, call->rows, out, err);
}

/* ---- NULL, zero, NaN ---- */

static ch_status bind_zero(ch_bind *bind, ch_error *err)
{
    if (bind->n_args != 1)
        return ch_bind_count(bind, "1", err);
    const ch_type *t = bind->arg_type[0];
    if (t->id == CH_NULL && bind->func->name[0] == 'n') {
        bind->result = CH_T_NULL;
        bind->nullable = true;
        return CH_OK;
    }
    if (t->id == CH_NULL)
        t = bind->arg_type[0] = CH_T_INT;
    if (ch_type_is_string(t))
        t = bind->arg_type[0] = bind->func->name[0] == 'n' ? CH_T_LONG : CH_T_INT;
    if (!ch_type_is_numeric(t))
        return ch_bind_wrong_type(bind, 0, "NUMERIC", err);
    bind->result = t;
    bind->nullable = bind->func->name[0] == 'n';
    return CH_OK;
}

static bool is_zero(const ch_column *c, int64_t i)
{
    static const uint8_t zero[16];
    if (c->type->id == CH_DOUBLE)
        return ((const double *)c->data)[i] == 0;
    if (c->type->id == CH_FLOAT)
        return ((const float *)c->data)[i] == 0;
    int width = ch_type_width(c->type);
    return memcmp((const char *)c->data + i * width, zero, (size_t)width) == 0;
}

static ch_status eval_null_if_zero(const ch_call *call, ch_column **out, ch_error *err)
{
    const ch_column *c = call->arg[0];
    if (call->result->id == CH_NULL)
        return ch_column_nulls(call->mem, CH_T_NULL, call->rows, out, err);
    memcpy((*out)->data, c->data, (size_t)(call->rows * ch_type_width(c->type)));
    for (int64_t i = 0; i < call->rows; i++)
        if (ch_is_valid(*out, i) && is_zero(c, i))
            CH_TRY(ch_set_null(*out, i, err));
    return CH_OK;
}

static ch_status eval_zero_if_null(const ch_call *call, ch_column **out, ch_error *err)
{
    const ch_column *c = call->arg[0];
    int width = ch_type_width(c->type);
    CH_UNUSED(err);
    memcpy((*out)->data, c->data, (size_t)(call->rows * width));
    for (int64_t i = 0; i < call->rows; i++)
        if (ch_column_is_null(c, i))
            memset((char *)(*out)->data + i * width, 0, (size_t)width);
    return CH_OK;
}

/* nanvl(x, y): y where x is NaN. */
static ch_status bind_nanvl(ch_bind *bind, ch_error *err)
{
    if (bind->n_args != 2)
        return ch_bind_count(bind, "2", err);
    ch_type_id a = bind->arg_type[0]->id, b = bind->arg_type[1]->id;
    bool both =
        (a == CH_FLOAT && (b == CH_FLOAT || b == CH_NULL)) || (a == CH_NULL && b == CH_FLOAT);
    for (int i = 0; i < 2; i++)
        CH_TRY(ch_bind_cast(bind, i, both ? ch_type_of(CH_FLOAT) : CH_T_DOUBLE, err));
    bind->result = bind->arg_type[0];
    return CH_OK;
}

static ch_status eval_nanvl(const ch_call *call, ch_column **out, ch_error *err)
{
    const ch_column *x = call->arg[0], *y = call->arg[1];
    for (int64_t i = 0; i < call->rows; i++) {
        bool nan;
        if (call->result->id == CH_FLOAT) {
            float a = ((const float *)x->data)[i];
            nan = isnan(a);
            ((float *)(*out)->data)[i] = nan ? ((const float *)y->data)[i] : a;
        } else {
            double a = ((const double *)x->data)[i];
            nan = isnan(a);
            ((double *)(*out)->data)[i] = nan ? ((const double *)y->data)[i] : a;
        }
        if (ch_column_is_null(x, i) || (nan && ch_column_is_null(y, i)))
            CH_TRY(ch_set_null(*out, i, err));
    }
    return CH_OK;
}

/* width_bucket(x, low, high, n): 0 below low, n + 1 from high on; low may be above high. */
static ch_status eval_width_bucket(const ch_call *call, ch_column **out, ch_error *err)
{
    const double *x = call->arg[0]->data, *low = call->arg[1]->data, *high = call->arg[2]->data;
    const int64_t *n = call->arg[3]->data;
    int64_t *r = (*out)->data;
    for (int64_t i = 0; i < call->rows; i++) {
        r[i] = 0;
        if (!ch_is_valid(*out, i))
            continue;
        if (n[i] <= 0 || n[i] == INT64_MAX || isnan(x[i]) || low[i] == high[i] ||
            !isfinite(low[i]) || !isfinite(high[i])) {
            CH_TRY(ch_set_null(*out, i, err));
            continue;
        }
        double from = fmin(low[i], high[i]), to = fmax(low[i], high[i]);
        bool up = low[i] < high[i];
        if (up ? x[i] < from : x[i] > to)
            r[i] = 0;
        else if (up ? x[i] >= to : x[i] <= from)
            r[i] = n[i] + 1;
        else
            r[i] = (int64_t)((double)n[i] * (up ? x[i] - from : to - x[i]) / (to - from)) + 1;
    }
    return CH_OK;
}

#define TEXT(fn, text)                                                                 \
    {                                                                                  \
        .name = fn, .bind = bind_text, .eval = eval_text, .flags = CH_FUNC_NEVER_NULL, \
        .doc = text, .since = "0.1"                                                    \
    }

const ch_func ch_func_misc[] = {
    {.name = "typeof",
     .bind = bind_text,
     .eval = eval_text,
     .flags = CH_FUNC_NEVER_NULL,
     .doc = "The type of the argument.",
     .example = "SELECT typeof(1)",
     .expect = "int",
     .since = "0.1"},
    {.name = "collation",
     .bind = bind_text,
     .eval = eval_text,
     .flags = CH_FUNC_NEVER_NULL,
     .doc = "The collation of a text.",
     .example = "SELECT collation('abc')",
     .expect = "SYSTEM.BUILTIN.UTF8_BINARY",
     .since = "0.2"},
    TEXT("version", "The version of Spark that is followed."),
    TEXT("current_user", "Who runs the query."),
    TEXT("user", "Who runs the query."),
    TEXT("session_user", "Who runs the query."),
    TEXT("current_catalog", "The catalog in use."),
    TEXT("current_database", "The database in use."),
    TEXT("current_schema", "The database in use."),
    TEXT("current_timezone", "The session's time zone."),
    {.name = "uuid",
     .sig = "-> string",
     .eval = eval_uuid,
     .flags = CH_FUNC_NONDETERMINISTIC | CH_FUNC_NEVER_NULL,
     .doc = "A random UUID.",
     .since = "0.1"},
    {.name = "monotonically_increasing_id",
     .bind = bind_id,
     .eval = eval_id,
     .open = id_open,
     .close = id_close,
     .flags = CH_FUNC_NONDETERMINISTIC | CH_FUNC_NEVER_NULL,
     .doc = "A number that no other row has, and that grows.",
     .since = "0.1"},
    {.name = "spark_partition_id",
     .bind = bind_id,
     .eval = eval_id,
     .open = id_open,
     .close = id_close,
     .flags = CH_FUNC_NONDETERMINISTIC | CH_FUNC_NEVER_NULL,
     .doc = "The number of the partition that has the row.",
     .since = "0.1"},
    {.name = "raise_error",
     .bind = bind_raise,
     .eval = eval_raise,
     .flags = CH_FUNC_MAY_FAIL | CH_FUNC_NONDETERMINISTIC,
     .doc = "Fails with a message.",
     .since = "0.1"},
    {.name = "assert_true",
     .bind = bind_raise,
     .eval = eval_raise,
     .flags = CH_FUNC_MAY_FAIL | CH_FUNC_NONDETERMINISTIC,
     .doc = "Fails unless the condition holds.",
     .example = "SELECT assert_true(0 < 1)",
     .expect = "NULL",
     .since = "0.1"},
    {.name = "nullifzero",
     .bind = bind_zero,
     .eval = eval_null_if_zero,
     .flags = CH_FUNC_NULL_PROPAGATES | CH_FUNC_MAKES_NULL,
     .doc = "NULL instead of zero.",
     .example = "SELECT nullifzero(2)",
     .expect = "2",
     .since = "0.1"},
    {.name = "zeroifnull",
     .bind = bind_zero,
     .eval = eval_zero_if_null,
     .flags = CH_FUNC_NEVER_NULL,
     .doc = "Zero instead of NULL.",
     .example = "SELECT zeroifnull(NULL)",
     .expect = "0",
     .since = "0.1"},
    {.name = "nanvl",
     .bind = bind_nanvl,
     .eval = eval_nanvl,
     .doc = "The second value where the first is NaN.",
     .example = "SELECT nanvl(cast('NaN' AS DOUBLE), 123)",
     .expect = "123.0",
     .since = "0.1"},
    {.name = "width_bucket",
     .sig = "double, double, double, bigint -> bigint",
     .eval = eval_width_bucket,
     .flags = CH_FUNC_NULL_PROPAGATES | CH_FUNC_MAKES_NULL,
     .doc = "Which of n equal parts of a range a value falls into.",
     .example = "SELECT width_bucket(5.3, 0.2, 10.6, 5)",
     .expect = "3",
     .since = "0.1"},
    CH_FUNC_END,
};
