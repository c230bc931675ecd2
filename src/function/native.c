/* SPDX-License-Identifier: Apache-2.0 */
/* native.c - see native.h: making, binding, and the end of functions in C; native_call.c calls them. */
#include "function/native.h"

#include <ctype.h>
#include <stdio.h>
#include <strings.h>

#include "column/arrow.h"
#include "function/native_call.h"
#include "function/support.h"

enum { MOST_PARAMS = 1024 };

static ch_status invalid(const ch_native *n, const char *reason, ch_error *err)
{
    CH_FAIL(err, INVALID_FUNCTION, "functionName", n->name, "reason", reason);
}

/* ---- making -------------------------------------------------------------------------------- */

static ch_status parse_type(const ch_native *n, const char *text, int32_t *at, const ch_type **out,
                            ch_error *err)
{
    size_t start = strspn(text + *at, " \t\n") + (size_t)*at;
    ch_error own = {0};
    *out = NULL;
    if (strncasecmp(text + start, "any", 3) == 0 && !isalnum((unsigned char)text[start + 3]) &&
        text[start + 3] != '_') {
        *at = (int32_t)start + 3;
        return CH_OK;
    }
    ch_status status = ch_type_parse_prefix(text, (int32_t)start, at, out, &own);
    if (status == CH_OK || status == CH_E_MEMORY)
        return status == CH_OK ? CH_OK : ch_error_pass(err, &own);
    char reason[200];
    snprintf(reason, sizeof reason, "\"%.120s\" is no list of types", text);
    ch_error_release(&own);
    return invalid(n, reason, err);
}

/* "BIGINT, ARRAY<STRING>..." */
static ch_status parse_arguments(ch_native *n, const char *text, ch_error *err)
{
    const ch_type *param[MOST_PARAMS];
    int32_t at = 0, k = 0;
    n->n_params = text ? 0 : -1;
    if (!text || !text[strspn(text, " \t\n")])
        return CH_OK;
    for (bool more = true; more;) {
        if (k == MOST_PARAMS)
            return invalid(n, "it has more than 1024 arguments", err);
        CH_TRY(parse_type(n, text, &at, &param[k++], err));
        at += (int32_t)strspn(text + at, " \t\n");
        if (strncmp(text + at, "...", 3) == 0) {
            n->is_variadic = true;
            at += 3 + (int32_t)strspn(text + at + 3, " \t\n");
        }
        more = text[at] == ',' && !n->is_variadic;
        at += more;
    }
    if (text[at])
        return invalid(n, "something stands behind its last argument", err);
    CH_ARENA_ARRAY(n->param, &n->arena, k, err);
    memcpy(n->param, param, sizeof *param * (size_t)k);
    n->n_params = k;
    return CH_OK;
}

/* Does a column of the type leave and come back as what it is? */
static bool can_return(const ch_type *t)
{
    if (t->id == CH_CHAR || t->id == CH_VARCHAR || t->id == CH_VARIANT)
        return false;
    for (int32_t i = 0; i < t->n_fields; i++)
        if (!can_return(t->field[i].type))
            return false;
    return true;
}

static ch_status check_returns(const ch_native *n, const char *text, const ch_type **out,
                               ch_error *err)
{
    int32_t at = 0;
    char reason[200];
    CH_TRY(parse_type(n, text, &at, out, err));
    if (*out && !text[at + (int32_t)strspn(text + at, " \t\n")] && can_return(*out))
        return CH_OK;
    snprintf(reason, sizeof reason, "\"%.120s\" is no type that it can return", text);
    return invalid(n, reason, err);
}

static ch_status set_up(ch_native *n, const char *name, ch_error *err)
{
    ch_native_desc *d = &n->desc;
    const char **text[] = {&d->name, &d->arguments, &d->returns, &d->comment};
    d->name = name;
    for (size_t i = 0; i < sizeof text / sizeof *text; i++)
        if (*text[i] && !(*text[i] = ch_arena_str(&n->arena, *text[i], err)))
            return CH_E_MEMORY;
    n->name = d->name;
    if (!d->evaluate)
        return invalid(n, "it has no evaluate", err);
    if (!d->returns == !d->bind)
        return invalid(n, "it must have either a type that it returns or a bind that says it", err);
    if (d->open && !d->close)
        return invalid(n, "it has open and no close", err);
    if (d->flags & ~(uint32_t)CH_NATIVE_FLAGS)
        return invalid(n, "it has a flag that this version does not know", err);
    CH_TRY(parse_arguments(n, d->arguments, err));
    return d->returns ? check_returns(n, d->returns, &n->returns, err) : CH_OK;
}

static ch_status bind(ch_bind *b, ch_error *err);

ch_status ch_native_new(ch_mem *parent, const ch_native_desc *desc, const char *name,
                        ch_native **out, ch_error *err)
{
    ch_native_desc d = {0};
    memcpy(&d, desc, desc->struct_bytes < sizeof d ? desc->struct_bytes : sizeof d);
    ch_mem *mem = ch_mem_new(parent, "function", 0);
    ch_native *n = mem ? ch_mem_zalloc(mem, sizeof *n, err) : NULL;
    *out = NULL;
    if (!n) {
        if (mem)
            ch_mem_close(mem);
        else
            (void)ch_error_memory(err, "session", (int64_t)sizeof *n, 0);
        if (d.release)
            d.release(d.user_data);
        return CH_E_MEMORY;
    }
    atomic_init(&n->refs, 1);
    n->mem = mem;
    n->desc = d;
    ch_arena_init(&n->arena, mem);
    pthread_mutex_init(&n->lock, NULL);
    /* No rule looks for this name: what a program calls "and" is not AND. */
    n->func =
        (ch_func){.name = "native function",
                  .bind = bind,
                  .eval = ch_native_eval,
                  .open = ch_native_open,
                  .close = ch_native_close,
                  .flags = CH_FUNC_INTERNAL | CH_FUNC_MAKES_COLUMN | CH_FUNC_MAY_FAIL |
                           (d.flags & CH_NATIVE_NONDETERMINISTIC ? CH_FUNC_NONDETERMINISTIC : 0) |
                           (d.flags & CH_NATIVE_NULL_PROPAGATES ? CH_FUNC_NULL_PROPAGATES : 0) |
                           (!(d.flags & CH_NATIVE_NEVER_NULL)     ? CH_FUNC_MAKES_NULL
                            : d.flags & CH_NATIVE_NULL_PROPAGATES ? 0
                                                                  : CH_FUNC_NEVER_NULL)};
    ch_status status = set_up(n, name, err);
    if (status == CH_OK)
        *out = n;
    else
        ch_native_unref(n);
    return status;
}

void ch_native_unref(ch_native *n)
{
    if (!n || atomic_fetch_sub_explicit(&n->refs, 1, memory_order_acq_rel) != 1)
        return;
    ch_mem *mem = n->mem;
    if (n->desc.release)
        n->desc.release(n->desc.user_data);
    pthread_mutex_destroy(&n->lock);
    ch_arena_release(&n->arena);
    ch_mem_free(mem, n, sizeof *n);
    ch_mem_close(mem);
}

/* ---- binding ------------------------------------------------------------------------------- */

static ch_status wrong_number(const ch_native *n, int32_t given, ch_error *err)
{
    char expected[32], name[160];
    snprintf(expected, sizeof expected, n->is_variadic ? "> %d" : "%d",
             n->is_variadic ? n->n_params - 2 : n->n_params);
    snprintf(name, sizeof name, "`%.150s`", n->name);
    CH_FAIL(err, WRONG_NUM_ARGS, "functionName", name, "expectedNum", expected, "actualNum",
            CH_I64(given));
}

static ch_status cast_arguments(const ch_native *n, ch_bind *b, ch_error *err)
{
    if (n->n_params >= 0 &&
        (n->is_variadic ? b->n_args < n->n_params - 1 : b->n_args != n->n_params))
        return wrong_number(n, b->n_args, err);
    for (int32_t i = 0; i < b->n_args && n->n_params > 0; i++) {
        const ch_type *to = n->param[i < n->n_params ? i : n->n_params - 1];
        if (to)
            CH_TRY(ch_bind_cast(b, i, to, err));
    }
    return CH_OK;
}

/* The question as the function sees it. */
typedef struct question {
    ch_native_bind head;
    const char **type;
    struct ArrowSchema *schema;
    const struct ArrowSchema **schema_ptr;
    int32_t n_schemas;
    char message[CH_NATIVE_MESSAGE];
} question;

static ch_status type_text(ch_arena *arena, const ch_type *t, const char **out, ch_error *err)
{
    ch_buf text;
    ch_buf_init(&text, arena->mem);
    ch_status status = ch_type_print(t, &text, err);
    *out = status == CH_OK ? ch_arena_strn(arena, text.data, text.len, err) : NULL;
    ch_buf_release(&text);
    return status == CH_OK && !*out ? CH_E_MEMORY : status;
}

static ch_status prepare(const ch_native *n, const ch_bind *b, question *q, ch_error *err)
{
    ch_arrow_options options = {.classic = !(n->desc.flags & CH_NATIVE_VIEWS)};
    CH_ARENA_ARRAY(q->type, b->arena, b->n_args + 1, err);
    CH_ARENA_ARRAY(q->schema, b->arena, b->n_args + 1, err);
    CH_ARENA_ARRAY(q->schema_ptr, b->arena, b->n_args + 1, err);
    for (int32_t i = 0; i < b->n_args; i++) {
        CH_TRY(type_text(b->arena, b->arg_type[i], &q->type[i], err));
        CH_TRY(ch_arrow_export_type(b->arena->mem, b->arg_type[i], "", b->arg_nullable[i], &options,
                                    &q->schema[i], err));
        q->schema_ptr[i] = &q->schema[q->n_schemas++];
    }
    q->head = (ch_native_bind){.struct_bytes = sizeof q->head,
                               .n_args = b->n_args,
                               .arg_type = q->type,
                               .arg_schema = q->schema_ptr,
                               .user_data = n->desc.user_data,
                               .message = q->message,
                               .message_bytes = sizeof q->message};
    return CH_OK;
}

/* What desc.bind says. */
static ch_status ask(ch_native *n, ch_bind *b, ch_error *err)
{
    question *q;
    CH_ARENA_NEW(q, b->arena, err);
    ch_status status = prepare(n, b, q, err);
    if (status == CH_OK) {
        bool alone = n->desc.flags & CH_NATIVE_ONE_THREAD;
        if (alone)
            pthread_mutex_lock(&n->lock);
        int code = n->desc.bind(&q->head);
        if (code != 0)
            status = ch_native_fail(n, b->arg_type, b->n_args, NULL,
                                    ch_native_message(q->message, code), err);
        else if (!q->head.returns)
            status = invalid(n, "its bind says no type", err);
        else
            status = check_returns(n, q->head.returns, &b->result, err);
        if (alone)
            pthread_mutex_unlock(&n->lock);
    }
    for (int32_t i = 0; i < q->n_schemas; i++)
        q->schema[i].release(&q->schema[i]);
    return status;
}

static ch_status bind(ch_bind *b, ch_error *err)
{
    ch_native *n = (ch_native *)(uintptr_t)b->func;
    const ch_type **types;
    b->final = true;
    CH_TRY(cast_arguments(n, b, err));
    b->result = n->returns;
    if (!b->result)
        CH_TRY(ask(n, b, err));
    CH_ARENA_ARRAY(types, b->arena, b->n_args + 1, err);
    for (int32_t i = 0; i < b->n_args; i++)
        types[i] = b->arg_type[i];
    b->data = (void *)(uintptr_t)types;
    return CH_OK;
}
