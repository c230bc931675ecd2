/* SPDX-License-Identifier: Apache-2.0 */
/*
 * native_call.c - one batch through a function in C: columns out as Arrow arrays, an array in.
 *
 * Nothing is believed of the array that comes back but that its buffers are as long as Arrow says: its length, its
 * layout (arrow_check.c), then the values that another type could hold and this one cannot.
 */
#include "function/native_call.h"

#include <stdio.h>

#include "base/unicode.h"
#include "column/arrow.h"
#include "column/take.h"
#include "function/support.h"
#include "type/decimal.h"

/* ---- errors -------------------------------------------------------------------------------- */

const char *ch_native_message(char message[CH_NATIVE_MESSAGE], int code)
{
    message[CH_NATIVE_MESSAGE - 1] = 0;
    int64_t len = (int64_t)strlen(message);
    if (len == 0)
        snprintf(message, CH_NATIVE_MESSAGE, "it gave the code %d", code);
    for (int64_t i = 0; i < len;) {
        bool ok;
        int n = ch_utf8_step(message + i, len - i, &ok);
        for (int k = 0; k < n && !ok; k++)
            message[i + k] = '?';
        i += n;
    }
    return message;
}

ch_status ch_native_fail(const ch_native *native, const ch_type *const *arg, int32_t n_args,
                         const ch_type *result, const char *reason, ch_error *err)
{
    char types[512] = "", to[300] = "", name[160];
    size_t len = 0;
    for (int32_t i = 0; i < n_args && len < sizeof types; i++) {
        ch_quoted_type t = ch_quote_type(arg[i]);
        t.text[strlen(t.text) - 1] = 0;
        len += (size_t)snprintf(types + len, sizeof types - len, "%s%s", i ? ", " : "", t.text + 1);
    }
    if (result) {
        ch_quoted_type t = ch_quote_type(result);
        t.text[strlen(t.text) - 1] = 0;
        snprintf(to, sizeof to, "%s", t.text + 1);
    }
    snprintf(name, sizeof name, "`%.150s`", native->name);
    CH_FAIL(err, NATIVE_FAILED, "functionName", name, "signature", types, "result", to, "reason",
            reason);
}

static ch_status fail(const ch_call *call, const char *reason, ch_error *err)
{
    return ch_native_fail((const ch_native *)(const void *)call->func, call->data, call->n_args,
                          call->result, reason, err);
}

/* ---- the state of one thread --------------------------------------------------------------- */

/* One allocation: state | schemas of the arguments | arrays | pointers to both */
typedef struct state {
    ch_mem *mem;
    size_t bytes;
    void *user; /* of desc.open */
    bool opened;
    struct ArrowSchema result, *schema;
    struct ArrowArray *array;
    const struct ArrowSchema **schema_ptr;
    struct ArrowArray **array_ptr;
    int32_t n_schemas;
    char message[CH_NATIVE_MESSAGE];
} state;

static ch_arrow_options options_of(const ch_native *n)
{
    return (ch_arrow_options){.classic = !(n->desc.flags & CH_NATIVE_VIEWS)};
}

static void state_free(const ch_native *n, state *s)
{
    if (s->opened)
        n->desc.close(n->desc.user_data, s->user);
    for (int32_t i = 0; i < s->n_schemas; i++)
        s->schema[i].release(&s->schema[i]);
    if (s->result.release)
        s->result.release(&s->result);
    ch_mem_free(s->mem, s, s->bytes);
}

static ch_status open_user(const ch_call *call, const ch_native *n, state *s, ch_error *err)
{
    int code = n->desc.open(n->desc.user_data, &s->user, s->message, sizeof s->message);
    s->opened = code == 0;
    return code == 0 ? CH_OK : fail(call, ch_native_message(s->message, code), err);
}

ch_status ch_native_open(const ch_call *call, void **out, ch_error *err)
{
    const ch_native *n = (const ch_native *)(const void *)call->func;
    const ch_type *const *type = call->data;
    ch_arrow_options options = options_of(n);
    size_t n_args = (size_t)call->n_args;
    size_t bytes = sizeof(state) + n_args * (sizeof(struct ArrowSchema) +
                                             sizeof(struct ArrowArray) + 2 * sizeof(void *));
    state *s = ch_mem_zalloc(call->mem, bytes, err);
    *out = NULL;
    if (!s)
        return CH_E_MEMORY;
    ch_status status = CH_OK;
    s->mem = call->mem;
    s->bytes = bytes;
    s->schema = (struct ArrowSchema *)(s + 1);
    s->array = (struct ArrowArray *)(s->schema + n_args);
    s->schema_ptr = (const struct ArrowSchema **)(s->array + n_args);
    s->array_ptr = (struct ArrowArray **)(s->schema_ptr + n_args);
    for (int32_t i = 0; i < call->n_args; i++) {
        CH_TRY_OUT(ch_arrow_export_type(s->mem, type[i], "", true, &options, &s->schema[i], err));
        s->schema_ptr[i] = &s->schema[s->n_schemas++];
        s->array_ptr[i] = &s->array[i];
    }
    CH_TRY_OUT(ch_arrow_export_type(s->mem, call->result, "", true, &options, &s->result, err));
    if (n->desc.open)
        CH_TRY_OUT(open_user(call, n, s, err));
    *out = s;
out:
    if (status != CH_OK)
        state_free(n, s);
    return status;
}

void ch_native_close(const ch_call *call, void *self)
{
    if (self)
        state_free((const ch_native *)(const void *)call->func, self);
}

/* ---- what came back ------------------------------------------------------------------------ */

/* The type that was given: is it the one that was declared, but for what its values show? */
static bool is_declared(const ch_type *given, const ch_type *want)
{
    if (given->id != want->id || given->n_fields != want->n_fields)
        return false;
    if (want->id == CH_DECIMAL)
        return given == want;
    for (int32_t i = 0; i < want->n_fields; i++)
        if (!is_declared(given->field[i].type, want->field[i].type) ||
            (want->id == CH_STRUCT && strcmp(given->field[i].name, want->field[i].name) != 0))
            return false;
    return true;
}

static bool decimals_fit(const ch_column *c, const ch_type *t)
{
    ch_i128 limit = (ch_i128)ch_pow10_128[t->precision];
    bool wide = ch_type_is_wide_decimal(t);
    for (int64_t i = 0; i < c->rows; i++) {
        ch_i128 v = wide ? ((const ch_i128 *)c->data)[i] : ((const int64_t *)c->data)[i];
        if ((v >= limit || v <= -limit) && ch_is_valid(c, i))
            return false;
    }
    return true;
}

static bool times_fit(const ch_column *c)
{
    const int64_t *v = c->data;
    for (int64_t i = 0; i < c->rows; i++)
        if ((v[i] < 0 || v[i] >= INT64_C(86400000000000)) && ch_is_valid(c, i))
            return false;
    return true;
}

static bool intervals_fit(const ch_column *c)
{
    const ch_interval *v = c->data;
    for (int64_t i = 0; i < c->rows; i++)
        if (v[i].nanos % 1000 && ch_is_valid(c, i))
            return false;
    return true;
}

/* Is a row of child NULL where the struct is not? */
static bool has_null_field(const ch_column *c, const ch_column *child)
{
    if (!child->valid && child->type->id != CH_NULL)
        return false;
    for (int64_t i = 0; i < c->rows; i++)
        if (ch_is_valid(c, i) && ch_column_is_null(child, i))
            return true;
    return false;
}

/*
 * Gives the column, which is only ours, the type that was declared. What is wrong with its values, or NULL.
 */
static const char *settle(ch_column *c, const ch_type *want)
{
    const char *wrong = NULL;
    c->type = want;
    if (c->encoding == CH_DICT)
        return settle(c->child[0], want);
    switch (want->id) {
    case CH_DECIMAL:
        return decimals_fit(c, want) ? NULL : "a decimal has more digits than its type";
    case CH_TIME:
        return times_fit(c) ? NULL : "a time is not within a day";
    case CH_CALENDAR_INTERVAL:
        return intervals_fit(c) ? NULL : "an interval has parts of a microsecond";
    case CH_STRUCT:
        for (int32_t i = 0; i < want->n_fields && !wrong; i++) {
            wrong = settle(c->child[i], want->field[i].type);
            if (!wrong && !want->field[i].nullable && has_null_field(c, c->child[i]))
                wrong = "a field is NULL that must not be";
        }
        return wrong;
    case CH_ARRAY:
        wrong = settle(c->child[0], want->field[0].type);
        if (!wrong && !want->field[0].nullable)
            for (int64_t i = 0; i < c->child[0]->rows && !wrong; i++)
                wrong = ch_column_is_null(c->child[0], i) ? "an element is NULL that must not be"
                                                          : NULL;
        return wrong;
    case CH_MAP: {
        const ch_type *entry = ch_type_struct(want->field, 2);
        ch_column *entries = c->child[0];
        if (!entry)
            return "there is no memory for its type";
        for (int64_t i = 0; i < entries->rows; i++)
            if (ch_column_is_null(entries, i))
                return "an entry of a map is NULL";
        return settle(entries, entry);
    }
    default:
        return NULL;
    }
}

/* A function that never gives NULL gives it only where an argument has it. */
static bool has_null(const ch_call *call, const ch_column *c)
{
    bool propagates = call->func->flags & CH_FUNC_NULL_PROPAGATES;
    for (int64_t i = 0; i < c->rows; i++) {
        bool expected = false;
        for (int32_t k = 0; k < call->n_args && propagates && !expected; k++)
            expected = ch_column_is_null(call->arg[k], i);
        if (!expected && ch_column_is_null(c, i))
            return true;
    }
    return false;
}

static ch_status import(const ch_call *call, const struct ArrowSchema *schema,
                        struct ArrowArray *array, ch_column **out, ch_error *err)
{
    ch_error own = {0};
    ch_column *c = NULL, *flat;
    ch_status status = ch_arrow_check(schema, array, &own);
    if (status == CH_OK)
        status = ch_arrow_import_column(call->mem, schema, array, &c, &own);
    if (status == CH_OK && (c->encoding != CH_FLAT || c->n_child)) {
        status = ch_flatten(c, call->mem, &flat, &own);
        ch_column_unref(c);
        c = flat;
    }
    if (status != CH_OK) {
        const char *reason = ch_error_param(&own, "reason");
        if (status != CH_E_INVALID_ARROW)
            return ch_error_pass(err, &own);
        status = fail(call, reason ? reason : "its array is not valid", err);
        ch_error_release(&own);
        return status;
    }
    const char *wrong = settle(c, call->result);
    if (!wrong &&
        ((const ch_native *)(const void *)call->func)->desc.flags & CH_NATIVE_NEVER_NULL &&
        (c->valid || c->type->id == CH_NULL) && has_null(call, c))
        wrong = "it gave NULL, which it said that it never does";
    if (!wrong) {
        *out = c;
        return CH_OK;
    }
    ch_column_unref(c);
    return fail(call, wrong, err);
}

/* Is the layout that the function gave one of the declared type? */
static ch_status check_given(const ch_call *call, const struct ArrowSchema *given, ch_error *err)
{
    const ch_type *type;
    ch_error own = {0};
    char reason[700];
    ch_status status = ch_arrow_check_type(given, &own);
    if (status == CH_OK)
        status = ch_arrow_import_type(given, &type, &own);
    if (status == CH_OK && is_declared(type, call->result))
        return CH_OK;
    if (status == CH_E_MEMORY)
        return ch_error_pass(err, &own);
    if (status == CH_OK)
        snprintf(reason, sizeof reason, "it gave %s", ch_quote_type(type).text);
    else
        snprintf(reason, sizeof reason, "it gave another type: %s",
                 own.message ? own.message : "one that cannot be read");
    ch_error_release(&own);
    return fail(call, reason, err);
}

static ch_status take_result(const ch_call *call, const state *s, const struct ArrowSchema *given,
                             struct ArrowArray *array, ch_column **out, ch_error *err)
{
    char reason[120];
    if (!array->release)
        return fail(call, "it gave no array", err);
    if (given->release)
        CH_TRY(check_given(call, given, err));
    if (array->length != call->rows) {
        snprintf(reason, sizeof reason, "it gave %lld rows for %lld", (long long)array->length,
                 (long long)call->rows);
        return fail(call, reason, err);
    }
    return import(call, given->release ? given : &s->result, array, out, err);
}

/* ---- the call ------------------------------------------------------------------------------ */

static bool is_cancelled(const ch_native_call *call)
{
    return ch_func_cancelled(((const ch_call *)call->internal)->ctx);
}

static ch_status run(const ch_call *call, ch_native *n, state *s, ch_column **out, ch_error *err)
{
    struct ArrowArray array = {0};
    struct ArrowSchema given = {0};
    s->message[0] = 0;
    ch_native_call c = {.struct_bytes = sizeof c,
                        .n_args = call->n_args,
                        .rows = call->rows,
                        .arg = s->array_ptr,
                        .arg_schema = s->schema_ptr,
                        .result_schema = &s->result,
                        .result = &array,
                        .result_given = &given,
                        .user_data = n->desc.user_data,
                        .state = s->user,
                        .message = s->message,
                        .message_bytes = sizeof s->message,
                        .is_cancelled = is_cancelled,
                        .internal = call};
    bool alone = n->desc.flags & CH_NATIVE_ONE_THREAD;
    if (alone)
        pthread_mutex_lock(&n->lock);
    int code = n->desc.evaluate(&c);
    if (alone)
        pthread_mutex_unlock(&n->lock);
    ch_status status;
    if (code == 0)
        status = take_result(call, s, &given, &array, out, err);
    else if (is_cancelled(&c))
        status = ch_error_set(err, CH_E_CANCELLED, (const char *)0);
    else
        status = fail(call, ch_native_message(s->message, code), err);
    if (array.release)
        array.release(&array);
    if (given.release)
        given.release(&given);
    return status;
}

ch_status ch_native_eval(const ch_call *call, ch_column **out, ch_error *err)
{
    ch_native *n = (ch_native *)(uintptr_t)call->func;
    state *s = call->state;
    ch_arrow_options options = options_of(n);
    *out = NULL;
    if (call->rows == 0)
        return ch_column_flat_nulls(call->mem, call->result, 0, out, err);
    int32_t done = 0;
    ch_status status = CH_OK;
    for (; done < call->n_args; done++)
        CH_TRY_OUT(
            ch_arrow_export_column(call->mem, call->arg[done], &options, &s->array[done], err));
    status = run(call, n, s, out, err);
out:
    for (int32_t i = 0; i < done; i++)
        if (s->array[i].release)
            s->array[i].release(&s->array[i]);
    return status;
}
