/* SPDX-License-Identifier: Apache-2.0 */
/*
 * python_analyze.c - one conversation with analyze_udtf.py.
 *
 *   to     version | files | broadcasts | settings | name | class | n | { argument }*
 *          argument: type | constant? [ pickle ] | table? | named? [ name ]
 *   from   schema | pickled result | single? | n { text }* | n { text | ascending | nulls }* | n { text | alias }*
 *          -2 | traceback   in place of all
 *   to     -4
 *   from   accumulators | -4
 */
#include "python/python_analyze.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "python/pickle.h"
#include "python/python_put.h"

enum { PYTHON_EXCEPTION_THROWN = -2, END_OF_STREAM = -4 };

#define MODULE "pyspark.sql.worker.analyze_udtf"
#define STEP_MS 50
#define MOST_BYTES ((int32_t)1 << 30)
#define MOST_LIST ((int32_t)1 << 20)

typedef struct talk {
    ch_python_worker *worker;
    const _Atomic bool *cancel;
    ch_arena *arena;
    ch_error *err;
} talk;

/* ---- there ------------------------------------------------------------------------------- */

static ch_status put_argument(ch_buf *out, const ch_python_argument *a, ch_mem *mem, ch_error *err)
{
    CH_TRY(ch_python_put_type(out, a->type, mem, err));
    CH_TRY(ch_buf_addc(out, a->is_constant, err));
    if (a->is_constant) {
        ch_buf pickle;
        ch_buf_init(&pickle, mem);
        ch_status status = ch_pickle_value(&a->value, mem, &pickle, err);
        if (status == CH_OK)
            status = ch_python_put_bytes(out, pickle.data, pickle.len, err);
        ch_buf_release(&pickle);
        CH_TRY(status);
    }
    CH_TRY(ch_buf_addc(out, a->is_table, err));
    return ch_python_put_key(out, a->key, err);
}

static ch_status put_all(const ch_python_runtime *r, const ch_python_udf *udf,
                         const ch_python_argument *arg, int32_t n, ch_mem *mem, ch_buf *out,
                         ch_error *err)
{
    CH_TRY(ch_python_put_text(out, udf->version, err));
    CH_TRY(ch_python_put_files(out, r, err));
    CH_TRY(ch_python_put_broadcasts(out, err));
    CH_TRY(ch_python_put_int(out, r->n_conf, err));
    CH_TRY(ch_python_put_conf(out, r->conf, r->n_conf, err));
    CH_TRY(ch_python_put_text(out, udf->name, err));
    CH_TRY(ch_python_put_bytes(out, udf->command.text, (size_t)udf->command.len, err));
    CH_TRY(ch_python_put_int(out, n, err));
    for (int32_t i = 0; i < n; i++)
        CH_TRY(put_argument(out, &arg[i], mem, err));
    return ch_python_put_int(out, END_OF_STREAM, err);
}

/* A worker that ends before it has heard all may have said why: that is left to be read. */
static ch_status say(const talk *t, const ch_buf *out)
{
    for (size_t sent = 0; sent < out->len;) {
        struct pollfd fd = {.fd = t->worker->fd, .events = POLLOUT};
        if (t->cancel && atomic_load_explicit(t->cancel, memory_order_relaxed))
            CH_FAIL(t->err, CANCELLED);
        if (poll(&fd, 1, STEP_MS) <= 0)
            continue;
        ssize_t n = send(fd.fd, out->data + sent, out->len - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN && errno != EINTR)
            return CH_OK;
        sent += n > 0 ? (size_t)n : 0;
    }
    return CH_OK;
}

/* ---- back -------------------------------------------------------------------------------- */

/* All of them, however long it takes. A worker that is gone may have left its socket to others. */
static ch_status read_bytes(const talk *t, void *to, size_t bytes)
{
    for (size_t have = 0; have < bytes;) {
        struct pollfd fd[2] = {{.fd = t->worker->fd, .events = POLLIN},
                               {.fd = t->worker->process, .events = POLLIN}};
        if (t->cancel && atomic_load_explicit(t->cancel, memory_order_relaxed))
            CH_FAIL(t->err, CANCELLED);
        if (poll(fd, 2, STEP_MS) <= 0)
            continue;
        ssize_t n = recv(fd[0].fd, (char *)to + have, bytes - have, MSG_DONTWAIT);
        bool later = n < 0 && (errno == EAGAIN || errno == EINTR);
        if (later ? fd[1].revents && !fd[0].revents : n <= 0)
            CH_FAIL(t->err, PYTHON_WORKER_EXITED);
        have += n > 0 ? (size_t)n : 0;
    }
    return CH_OK;
}

static ch_status broken(const talk *t)
{
    CH_FAIL(t->err, UDTF_ANALYZE, "msg", "its worker says something that is not of its protocol");
}

static ch_status read_int(const talk *t, int32_t *out)
{
    uint32_t v = 0;
    CH_TRY(read_bytes(t, &v, sizeof v));
    *out = (int32_t)__builtin_bswap32(v);
    return CH_OK;
}

static ch_status read_text(const talk *t, int32_t len, const char **out)
{
    *out = NULL;
    if (len < 0 || len > MOST_BYTES)
        return broken(t);
    char *text = ch_arena_alloc(t->arena, (size_t)len + 1, t->err);
    if (!text)
        return CH_E_MEMORY;
    *out = text;
    return len ? read_bytes(t, text, (size_t)len) : CH_OK;
}

static ch_status read_string(const talk *t, const char **out)
{
    int32_t len;
    CH_TRY(read_int(t, &len));
    return read_text(t, len, out);
}

static ch_status read_count(const talk *t, int32_t *out)
{
    CH_TRY(read_int(t, out));
    return *out < 0 || *out > MOST_LIST ? broken(t) : CH_OK;
}

/* What analyze() complains of stands behind the last "PySparkValueError:"; of others the whole traceback is told. */
static ch_status read_error(const talk *t)
{
    static const char OWN[] = "PySparkValueError:";
    const char *text;
    CH_TRY(read_string(t, &text));
    for (const char *at; (at = strstr(text, OWN));)
        text = at + sizeof OWN - 1;
    while (*text == ' ' || *text == '\n')
        text++;
    size_t n = strlen(text);
    while (n > 0 && (text[n - 1] == ' ' || text[n - 1] == '\n'))
        n--;
    text = ch_arena_strn(t->arena, text, n, t->err);
    if (!text)
        return CH_E_MEMORY;
    CH_FAIL(t->err, UDTF_ANALYZE, "msg", text);
}

static ch_status read_schema(const talk *t, ch_python_analyzed *out)
{
    int32_t len;
    const char *text;
    CH_TRY(read_int(t, &len));
    if (len == PYTHON_EXCEPTION_THROWN)
        return read_error(t);
    CH_TRY(read_text(t, len, &text));
    CH_TRY(ch_type_parse_json(text, (size_t)len, &out->type, t->err));
    return out->type && out->type->id == CH_STRUCT ? CH_OK : broken(t);
}

static ch_status read_order(const talk *t, ch_python_ordering *out)
{
    int32_t ascending, nulls;
    CH_TRY(read_string(t, &out->text));
    CH_TRY(read_int(t, &ascending));
    CH_TRY(read_int(t, &nulls));
    out->ascending = ascending == 1;
    out->nulls_first = nulls == 0 ? out->ascending : nulls == 1;
    return CH_OK;
}

static ch_status read_result(const talk *t, ch_python_analyzed *out)
{
    int32_t len, single;
    CH_TRY(read_schema(t, out));
    CH_TRY(read_int(t, &len));
    CH_TRY(read_text(t, len, &out->result.text));
    out->result.len = len;
    CH_TRY(read_int(t, &single));
    out->is_single = single == 1;
    CH_TRY(read_count(t, &out->n_partition));
    CH_ARENA_ARRAY(out->partition, t->arena, out->n_partition + 1, t->err);
    for (int32_t i = 0; i < out->n_partition; i++)
        CH_TRY(read_string(t, &out->partition[i]));
    CH_TRY(read_count(t, &out->n_order));
    CH_ARENA_ARRAY(out->order, t->arena, out->n_order + 1, t->err);
    for (int32_t i = 0; i < out->n_order; i++)
        CH_TRY(read_order(t, &out->order[i]));
    CH_TRY(read_count(t, &out->n_select));
    CH_ARENA_ARRAY(out->select, t->arena, out->n_select + 1, t->err);
    for (int32_t i = 0; i < out->n_select; i++) {
        CH_TRY(read_string(t, &out->select[i].text));
        CH_TRY(read_string(t, &out->select[i].alias));
    }
    return CH_OK;
}

/* Accumulators, which nobody reads; *reusable: it waits for another one. */
static ch_status read_end(const talk *t, bool *reusable)
{
    int32_t n, len, end;
    const char *text;
    CH_TRY(read_count(t, &n));
    for (int32_t i = 0; i < n; i++) {
        CH_TRY(read_int(t, &len));
        CH_TRY(read_text(t, len, &text));
    }
    CH_TRY(read_int(t, &end));
    *reusable = end == END_OF_STREAM;
    return CH_OK;
}

ch_status ch_python_analyze(const ch_python_runtime *runtime, const ch_python_udf *udf,
                            const ch_python_argument *arg, int32_t n, ch_mem *mem,
                            const _Atomic bool *cancel, ch_arena *arena, ch_python_analyzed *out,
                            ch_error *err)
{
    ch_python_settings settings = runtime->settings;
    talk t = {.cancel = cancel, .arena = arena, .err = err};
    bool reusable = false;
    ch_buf all;
    *out = (ch_python_analyzed){0};
    settings.module = MODULE;
    ch_buf_init(&all, mem);
    ch_status status = put_all(runtime, udf, arg, n, mem, &all, err);
    if (status == CH_OK)
        status = ch_python_pool_get(runtime->planner, &settings, cancel, &t.worker, err);
    if (status == CH_OK) {
        status = say(&t, &all);
        if (status == CH_OK)
            status = read_result(&t, out);
        if (status == CH_OK)
            status = read_end(&t, &reusable);
        ch_python_pool_put(runtime->planner, t.worker, reusable);
    }
    ch_buf_release(&all);
    return status;
}
