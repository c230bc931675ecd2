/* SPDX-License-Identifier: Apache-2.0 */
/*
 * python_answer.c - the worker's side of the conversation (python_task.h), read piece by piece.
 *
 * Every state waits for a number of bytes. Small ones gather in `part`; the body of an Arrow message, which
 * may be large, goes to where it will stay: a buffer that begins with the stream's schema, so that it is a
 * stream of its own.
 */
#include "python/python_answer.h"

#include <stdlib.h>
#include <string.h>

#include "column/ipc.h"
#include "python/pickle.h"

enum {
    END_OF_DATA_SECTION = -1,
    PYTHON_EXCEPTION_THROWN = -2,
    TIMING_DATA = -3,
    END_OF_STREAM = -4,
    START_ARROW_STREAM = -6
};

typedef enum state {
    AT_HEAD,         /* a length, or one of the numbers above */
    AT_PICKLED,      /* results */
    AT_ERROR_LENGTH, /* of a traceback */
    AT_ERROR,
    AT_TIMES, /* four of the task's, then bytes spilled to memory and disk */
    AT_N_ACCUMULATORS,
    AT_ACCUMULATOR_LENGTH,
    AT_ACCUMULATOR,
    AT_END,
    AT_MESSAGE, /* Arrow: two words */
    AT_METADATA,
    AT_BODY,
    DONE
} state;

#define TIMES_BYTES 48
#define STAGE_BYTES 65536
#define MOST_METADATA ((int64_t)64 << 20)
#define MOST_BODY ((int64_t)16 << 30)

typedef struct result result;
struct result {
    result *next;
    ch_batch batch;
};

struct ch_python_answer {
    const ch_python_spec *spec;
    ch_mem *mem;
    state state;
    bool reusable;
    uint8_t stage[STAGE_BYTES]; /* as it came; parsed up to `at` */
    size_t have, at;
    ch_buf part; /* of what the state waits for, `want` bytes */
    int64_t want;
    int32_t n_accumulators;
    ch_buf schema;   /* the stream's messages that are not rows */
    ch_buffer *body; /* a record batch behind a copy of them; filled up to `filled` */
    int64_t filled;
    result *first, **last;
};

static int32_t int_at(const void *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return (int32_t)__builtin_bswap32(v);
}

static void await(ch_python_answer *a, state next, int64_t bytes)
{
    a->state = next;
    a->want = bytes;
    ch_buf_reset(&a->part);
}

ch_status ch_python_answer_new(const ch_python_spec *spec, ch_mem *mem, ch_python_answer **out,
                               ch_error *err)
{
    ch_python_answer *a = ch_mem_zalloc(mem, sizeof *a, err);
    *out = a;
    if (!a)
        return CH_E_MEMORY;
    a->spec = spec;
    a->mem = mem;
    a->last = &a->first;
    ch_buf_init(&a->part, mem);
    ch_buf_init(&a->schema, mem);
    await(a, AT_HEAD, 4);
    return CH_OK;
}

void ch_python_answer_free(ch_python_answer *a)
{
    ch_batch batch;
    if (!a)
        return;
    while (ch_python_answer_batch(a, &batch))
        ch_batch_release(&batch);
    ch_buffer_unref(a->body);
    ch_buf_release(&a->part);
    ch_buf_release(&a->schema);
    ch_mem_free(a->mem, a, sizeof *a);
}

/* ---- results ----------------------------------------------------------------------------- */

static ch_status keep(ch_python_answer *a, ch_batch *batch, ch_error *err)
{
    result *r = ch_mem_alloc(a->mem, sizeof *r, err);
    if (!r) {
        ch_batch_release(batch);
        return CH_E_MEMORY;
    }
    *r = (result){.batch = *batch};
    *a->last = r;
    a->last = &r->next;
    return CH_OK;
}

bool ch_python_answer_batch(ch_python_answer *a, ch_batch *out)
{
    result *r = a->first;
    if (!r)
        return false;
    *out = r->batch;
    a->first = r->next;
    if (!a->first)
        a->last = &a->first;
    ch_mem_free(a->mem, r, sizeof *r);
    return true;
}

bool ch_python_answer_has_batch(const ch_python_answer *a)
{
    return a->first != NULL;
}

bool ch_python_answer_done(const ch_python_answer *a)
{
    return a->state == DONE;
}

bool ch_python_answer_reusable(const ch_python_answer *a)
{
    return a->state == DONE && a->reusable && a->at == a->have;
}

/* ---- Arrow ------------------------------------------------------------------------------- */

/* One type but for what may be NULL, and for names of fields where Arrow's say nothing. */
static bool fits(const ch_type *got, const ch_type *want)
{
    if (got == want)
        return true;
    if (got->id != want->id || got->n_fields != want->n_fields)
        return false;
    if (got->id == CH_DECIMAL)
        return got->precision == want->precision && got->scale == want->scale;
    for (int32_t i = 0; i < got->n_fields; i++)
        if ((got->id == CH_STRUCT && strcmp(got->field[i].name, want->field[i].name) != 0) ||
            !fits(got->field[i].type, want->field[i].type))
            return false;
    return got->n_fields > 0 || got->id == CH_STRUCT || got->id == CH_STRING ||
           got->id == CH_TIME || got->id == CH_DAY_TIME_INTERVAL ||
           got->id == CH_YEAR_MONTH_INTERVAL;
}

static char *types_text(ch_arena *arena, const ch_type *type, ch_error *err)
{
    ch_buf buf;
    char *out = NULL;
    ch_buf_init(&buf, arena->mem);
    ch_status status = CH_OK;
    for (int32_t i = 0; i < type->n_fields && status == CH_OK; i++) {
        status = ch_buf_adds(&buf, i ? ", " : "", err);
        if (status == CH_OK)
            status = ch_type_print(type->field[i].type, &buf, err);
    }
    if (status == CH_OK)
        out = ch_arena_strn(arena, buf.data ? buf.data : "", buf.len, err);
    ch_buf_release(&buf);
    return out;
}

static ch_status mismatch(ch_python_answer *a, const ch_type *got, ch_error *err)
{
    ch_arena arena;
    ch_arena_init(&arena, a->mem);
    char *want = types_text(&arena, a->spec->output, err), *have = types_text(&arena, got, err);
    ch_status status = CH_E_MEMORY;
    if (want && have)
        status = ch_error_set(err, CH_E_ARROW_TYPE_MISMATCH, "operation", "Python function",
                              "outputTypes", want, "actualDataTypes", have, (const char *)0);
    ch_arena_release(&arena);
    return status;
}

static ch_status as_wanted(ch_column *in, const ch_type *to, ch_mem *mem, ch_column **out,
                           ch_error *err)
{
    static const ch_func_context PLAIN = {.time_zone = "UTC"};
    if (in->type == to) {
        *out = ch_column_ref(in);
        return CH_OK;
    }
    if (!ch_type_is_nested(to))
        return ch_column_retype(mem, in, to, out, err);
    return ch_cast(in, to, CH_CAST_LEGACY, &PLAIN, mem, out, err);
}

/* The columns as they were asked for: in == the batch, or the fields of its one column. */
static ch_status columns_of(ch_python_answer *a, ch_column *const *in, const ch_type *got,
                            int64_t n, ch_batch *out, ch_error *err)
{
    const ch_type *want = a->spec->output;
    if (got->n_fields != want->n_fields)
        return mismatch(a, got, err);
    for (int32_t i = 0; i < want->n_fields; i++)
        if (!fits(got->field[i].type, want->field[i].type))
            return mismatch(a, got, err);
    CH_TRY(ch_batch_init(out, a->mem, want->n_fields, n, err));
    ch_status status = CH_OK;
    for (int32_t i = 0; i < want->n_fields && status == CH_OK; i++)
        status = as_wanted(in[i], want->field[i].type, a->mem, &out->col[i], err);
    if (status != CH_OK)
        ch_batch_release(out);
    return status;
}

static ch_status take_rows(ch_python_answer *a, ch_batch *batch, const ch_type *type, ch_error *err)
{
    ch_batch out;
    if (batch->n == 0 && a->spec->table) { /* it stands for a row */
        CH_TRY(ch_batch_init(&out, a->mem, 0, 0, err));
        return keep(a, &out, err);
    }
    if (batch->n == 0)
        return CH_OK;
    if (!a->spec->output_struct) {
        CH_TRY(columns_of(a, batch->col, type, batch->n, &out, err));
        return keep(a, &out, err);
    }
    if (type->n_fields != 1 || type->field[0].type->id != CH_STRUCT)
        return mismatch(a, type, err);
    ch_column *rows = batch->col[0];
    CH_TRY(columns_of(a, rows->child, rows->type, batch->n, &out, err));
    return keep(a, &out, err);
}

/* body is a whole stream of one batch. */
static ch_status take_body(ch_python_answer *a, ch_error *err)
{
    struct ArrowArrayStream stream;
    ch_arrow_reader reader;
    ch_buffer *body = a->body;
    a->body = NULL;
    ch_status status = ch_ipc_open(a->mem, body, &stream, err);
    ch_buffer_unref(body);
    CH_TRY(status);
    CH_TRY(ch_arrow_reader_open(&reader, a->mem, &stream, err));
    ch_batch batch;
    status = ch_arrow_reader_next(&reader, &batch, err);
    if (status == CH_OK) {
        status = take_rows(a, &batch, reader.type, err);
        ch_batch_release(&batch);
    }
    ch_arrow_reader_close(&reader);
    return status;
}

static ch_status broken(const char *reason, ch_error *err)
{
    CH_FAIL(err, INVALID_ARROW, "reason", reason);
}

static ch_status take_message(ch_python_answer *a, ch_error *err)
{
    uint32_t head[2];
    memcpy(head, a->part.data, sizeof head);
    if (head[0] != UINT32_MAX || head[1] > MOST_METADATA)
        return broken("a Python worker's message has no head", err);
    if (head[1] == 0)
        await(a, AT_HEAD, 4);
    else
        await(a, AT_METADATA, head[1]);
    return CH_OK;
}

static ch_status take_metadata(ch_python_answer *a, ch_error *err)
{
    bool is_batch;
    int64_t body;
    uint32_t head[2] = {UINT32_MAX, (uint32_t)a->part.len};
    if (!ch_ipc_body_length((const uint8_t *)a->part.data, a->part.len, &body, &is_batch) ||
        body > MOST_BODY)
        return broken("a Python worker's message is damaged", err);
    if (!is_batch) {
        CH_TRY(ch_buf_add(&a->schema, head, sizeof head, err));
        CH_TRY(ch_buf_add(&a->schema, a->part.data, a->part.len, err));
        if (body)
            return broken("a Python worker's results have dictionaries", err);
        await(a, AT_MESSAGE, 8);
        return CH_OK;
    }
    size_t before = a->schema.len + sizeof head + a->part.len;
    CH_TRY(ch_buffer_new(a->mem, (int64_t)before + body, &a->body, err));
    uint8_t *p = a->body->data;
    memcpy(p, a->schema.data, a->schema.len);
    memcpy(p + a->schema.len, head, sizeof head);
    memcpy(p + a->schema.len + sizeof head, a->part.data, a->part.len);
    a->filled = (int64_t)before;
    await(a, AT_BODY, body);
    return CH_OK;
}

/* ---- what else is said ------------------------------------------------------------------- */

static ch_status take_error(ch_python_answer *a, ch_error *err)
{
    size_t n = a->part.len;
    while (n > 0 && a->part.data[n - 1] == 0)
        n--;
    char *text = strndup(a->part.data ? a->part.data : "", n);
    if (!text)
        return ch_error_memory(err, "python", (int64_t)n, 0);
    ch_status status = ch_error_set(err, CH_E_PYTHON_EXCEPTION, "msg",
                                    "An exception was thrown from the Python worker", "traceback",
                                    text, (const char *)0);
    free(text);
    return status;
}

static ch_status take_head(ch_python_answer *a, ch_error *err)
{
    int32_t n = int_at(a->part.data);
    switch (n) {
    case START_ARROW_STREAM:
        ch_buf_reset(&a->schema);
        await(a, AT_MESSAGE, 8);
        return CH_OK;
    case PYTHON_EXCEPTION_THROWN:
        await(a, AT_ERROR_LENGTH, 4);
        return CH_OK;
    case TIMING_DATA:
        await(a, AT_TIMES, TIMES_BYTES);
        return CH_OK;
    case END_OF_DATA_SECTION:
        await(a, AT_N_ACCUMULATORS, 4);
        return CH_OK;
    default:
        if (n < 0 || !ch_python_is_pickled(a->spec->eval_type))
            return broken("a Python worker says something that is not of its protocol", err);
        await(a, AT_PICKLED, n);
        return CH_OK;
    }
}

static ch_status take_pickled(ch_python_answer *a, ch_error *err)
{
    ch_batch batch;
    CH_TRY((a->spec->table ? ch_unpickle_table : ch_unpickle_results)(
        a->part.data, a->part.len, a->spec->output, a->mem, &batch, err));
    ch_buf_reset(&a->part);
    CH_TRY(keep(a, &batch, err));
    await(a, AT_HEAD, 4);
    return CH_OK;
}

static void next_accumulator(ch_python_answer *a)
{
    if (a->n_accumulators-- > 0)
        await(a, AT_ACCUMULATOR_LENGTH, 4);
    else
        await(a, AT_END, 4);
}

/* All that the state waited for is in part (or body). */
static ch_status arrived(ch_python_answer *a, ch_error *err)
{
    switch (a->state) {
    case AT_HEAD:
        return take_head(a, err);
    case AT_PICKLED:
        return take_pickled(a, err);
    case AT_ERROR_LENGTH:
        await(a, AT_ERROR, int_at(a->part.data));
        return CH_OK;
    case AT_ERROR:
        return take_error(a, err);
    case AT_TIMES:
        await(a, AT_HEAD, 4);
        return CH_OK;
    case AT_N_ACCUMULATORS:
        a->n_accumulators = int_at(a->part.data);
        next_accumulator(a);
        return CH_OK;
    case AT_ACCUMULATOR_LENGTH:
        await(a, AT_ACCUMULATOR, int_at(a->part.data));
        return CH_OK;
    case AT_ACCUMULATOR:
        next_accumulator(a);
        return CH_OK;
    case AT_END:
        a->reusable = int_at(a->part.data) == END_OF_STREAM;
        await(a, DONE, 0);
        return CH_OK;
    case AT_MESSAGE:
        return take_message(a, err);
    case AT_METADATA:
        return take_metadata(a, err);
    case AT_BODY:
        CH_TRY(take_body(a, err));
        await(a, AT_MESSAGE, 8);
        return CH_OK;
    case DONE:
        break;
    }
    return CH_OK;
}

/* ---- bytes ------------------------------------------------------------------------------- */

/* Moves up to n bytes to where the state wants them; how many. */
static ch_status feed(ch_python_answer *a, const uint8_t *bytes, size_t n, size_t *used,
                      ch_error *err)
{
    int64_t missing = a->state == AT_BODY ? a->want : a->want - (int64_t)a->part.len;
    if (a->want < 0)
        return broken("a Python worker tells a length below 0", err);
    *used = (int64_t)n < missing ? n : (size_t)missing;
    if (a->state != AT_BODY)
        return ch_buf_add(&a->part, bytes, *used, err);
    if (*used)
        memcpy(a->body->data + a->filled, bytes, *used);
    a->filled += (int64_t)*used;
    a->want -= (int64_t)*used;
    return CH_OK;
}

static bool complete(const ch_python_answer *a)
{
    return a->state != DONE &&
           (a->state == AT_BODY ? a->want == 0 : (int64_t)a->part.len == a->want);
}

ch_status ch_python_answer_room(ch_python_answer *a, void **room, size_t *bytes, ch_error *err)
{
    CH_UNUSED(err);
    if (a->state == AT_BODY && a->at == a->have) {
        *room = a->body->data + a->filled;
        *bytes = (size_t)a->want;
        return CH_OK;
    }
    *room = a->stage;
    *bytes = sizeof a->stage;
    return CH_OK;
}

ch_status ch_python_answer_take(ch_python_answer *a, size_t n, ch_error *err)
{
    size_t used = 0;
    if (a->state == AT_BODY && a->at == a->have) {
        a->filled += (int64_t)n;
        a->want -= (int64_t)n;
        a->at = a->have = 0;
    } else {
        a->at = 0;
        a->have = n;
    }
    for (;;) {
        if (complete(a)) {
            CH_TRY(arrived(a, err));
            continue;
        }
        if (a->state == DONE || a->at == a->have)
            return CH_OK;
        CH_TRY(feed(a, a->stage + a->at, a->have - a->at, &used, err));
        a->at += used;
    }
}
