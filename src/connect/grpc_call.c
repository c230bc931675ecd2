/* SPDX-License-Identifier: Apache-2.0 */
/* grpc_call.c - one call, between the socket thread and the thread that handles it. */
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <zlib.h>

#include "base/log.h"
#include "codec/base64.h"
#include "connect/grpc_conn.h"

#define MOST_QUEUED_OUT (4 << 20)
#define MOST_QUEUED_IN (32 << 20)
#define MAX_THREADS 1024
#define IDLE_SECONDS 10
#define STACK_BYTES (8 << 20) /* of address space; plans are walked by recursion */

/* ---- messages and queues ----------------------------------------------------------------- */

static void message_free(grpc_message *m)
{
    if (m)
        ch_buffer_unref(m->bytes);
    free(m);
}

static void queue_push(grpc_queue *q, grpc_message *m)
{
    m->next = NULL;
    *q->last = m;
    q->last = &m->next;
    q->bytes += m->bytes->bytes;
}

static grpc_message *queue_pop(grpc_queue *q)
{
    grpc_message *m = q->first;
    if (m) {
        q->first = m->next;
        if (!q->first)
            q->last = &q->first;
        q->bytes -= m->bytes->bytes;
    }
    return m;
}

static void queue_clear(grpc_queue *q)
{
    grpc_message *m;
    while ((m = queue_pop(q)))
        message_free(m);
}

/* ---- life -------------------------------------------------------------------------------- */

ch_grpc_call *grpc_call_new(ch_grpc_server *server)
{
    ch_grpc_call *call = calloc(1, sizeof *call);
    if (!call)
        return NULL;
    call->refs = 1;
    call->server = server;
    call->authorized = !server->options.token;
    pthread_mutex_init(&call->lock, NULL);
    pthread_cond_init(&call->changed, NULL);
    call->in.last = &call->in.first;
    call->out.last = &call->out.first;
    return call;
}

void grpc_call_unref(ch_grpc_call *call)
{
    if (atomic_fetch_sub_explicit(&call->refs, 1, memory_order_acq_rel) != 1)
        return;
    queue_clear(&call->in);
    queue_clear(&call->out);
    message_free(call->coming);
    message_free(call->current);
    free(call->message);
    free(call->details);
    pthread_mutex_destroy(&call->lock);
    pthread_cond_destroy(&call->changed);
    free(call);
}

/* Asks the socket thread to look at the call. */
static void notify(ch_grpc_call *call)
{
    ch_grpc_server *s = call->server;
    pthread_mutex_lock(&s->lock);
    bool first = !call->ready;
    if (first) {
        call->ready = true;
        call->refs++;
        call->next_ready = s->ready;
        s->ready = call;
    }
    pthread_mutex_unlock(&s->lock);
    if (first)
        (void)!write(s->wake, &(uint64_t){1}, sizeof(uint64_t));
}

/* ---- the socket thread's side ------------------------------------------------------------ */

/* Tells the handler, at its next receive, why no more can come. Lock held. */
static void refuse(ch_grpc_call *call, ch_grpc_code code)
{
    call->refusal = code;
    call->in_ended = true;
    pthread_cond_broadcast(&call->changed);
}

/* The message's length is known: makes room for it, or refuses. Lock held. */
static bool begin_message(ch_grpc_call *call)
{
    const uint8_t *p = call->prefix;
    size_t len = (size_t)p[1] << 24 | (size_t)p[2] << 16 | (size_t)p[3] << 8 | p[4];
    ch_error err = {0};
    if (len > call->server->options.max_message) {
        refuse(call, CH_GRPC_INVALID_ARGUMENT);
        return false;
    }
    call->coming = calloc(1, sizeof(grpc_message));
    if (!call->coming || ch_buffer_new(call->server->options.mem, (int64_t)len,
                                       &call->coming->bytes, &err) != CH_OK) {
        ch_error_release(&err);
        refuse(call, CH_GRPC_RESOURCE_EXHAUSTED);
        return false;
    }
    memcpy(call->coming->prefix, p, GRPC_PREFIX);
    return true;
}

int64_t grpc_call_data(ch_grpc_call *call, const uint8_t *data, size_t len)
{
    pthread_mutex_lock(&call->lock);
    call->unconsumed += (int64_t)len;
    while (!call->in_ended) {
        if (!call->coming) {
            while (len && call->n_prefix < GRPC_PREFIX) {
                call->prefix[call->n_prefix++] = *data++;
                len--;
            }
            if (call->n_prefix < GRPC_PREFIX)
                break;
            call->n_prefix = 0;
            if (!begin_message(call))
                break;
        }
        grpc_message *m = call->coming;
        size_t n = (size_t)(m->bytes->bytes - m->sent);
        n = n < len ? n : len;
        memcpy(m->bytes->data + m->sent, data, n);
        m->sent += (int64_t)n;
        data += n;
        len -= n;
        if (m->sent < m->bytes->bytes)
            break;
        call->coming = NULL;
        queue_push(&call->in, m);
        pthread_cond_broadcast(&call->changed);
    }
    pthread_mutex_unlock(&call->lock);
    return grpc_call_consumed(call);
}

int64_t grpc_call_consumed(ch_grpc_call *call)
{
    int64_t n = 0;
    pthread_mutex_lock(&call->lock);
    if (call->in.bytes < MOST_QUEUED_IN || call->in_ended) {
        n = call->unconsumed;
        call->unconsumed = 0;
    }
    pthread_mutex_unlock(&call->lock);
    return n;
}

void grpc_call_ended(ch_grpc_call *call)
{
    pthread_mutex_lock(&call->lock);
    if (!call->in_ended && (call->coming || call->n_prefix))
        call->refusal = CH_GRPC_INTERNAL;
    call->in_ended = true;
    pthread_cond_broadcast(&call->changed);
    pthread_mutex_unlock(&call->lock);
}

void grpc_call_gone(ch_grpc_call *call)
{
    pthread_mutex_lock(&call->lock);
    call->gone = call->in_ended = true;
    queue_clear(&call->out);
    pthread_cond_broadcast(&call->changed);
    pthread_mutex_unlock(&call->lock);
}

ssize_t grpc_call_read(ch_grpc_call *call, uint8_t *to, size_t room, bool *end)
{
    size_t n = 0;
    pthread_mutex_lock(&call->lock);
    while (n < room && call->out.first) {
        grpc_message *m = call->out.first;
        bool in_prefix = m->sent < GRPC_PREFIX;
        const uint8_t *from =
            in_prefix ? m->prefix + m->sent : m->bytes->data + m->sent - GRPC_PREFIX;
        size_t left = (size_t)((in_prefix ? GRPC_PREFIX : GRPC_PREFIX + m->bytes->bytes) - m->sent);
        left = left < room - n ? left : room - n;
        memcpy(to + n, from, left);
        n += left;
        m->sent += (int64_t)left;
        if (m->sent == GRPC_PREFIX + m->bytes->bytes)
            message_free(queue_pop(&call->out));
    }
    *end = !call->out.first && call->finished;
    call->deferred = n == 0 && !*end;
    pthread_cond_broadcast(&call->changed);
    pthread_mutex_unlock(&call->lock);
    return call->deferred ? NGHTTP2_ERR_DEFERRED : (ssize_t)n;
}

/* ---- threads ----------------------------------------------------------------------------- */

static void *work(void *arg)
{
    ch_grpc_server *s = arg;
    pthread_mutex_lock(&s->lock);
    for (;;) {
        ch_grpc_call *call = s->first_work;
        if (call) {
            s->first_work = call->next_work;
            s->n_work--;
            if (!s->first_work)
                s->last_work = &s->first_work;
            pthread_mutex_unlock(&s->lock);
            s->options.handle(s->options.user, call);
            if (!call->finished)
                ch_grpc_finish(call, CH_GRPC_INTERNAL, "the call was not answered", NULL, 0);
            grpc_call_unref(call);
            pthread_mutex_lock(&s->lock);
            atomic_fetch_sub(&s->n_handling, 1);
            continue;
        }
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += IDLE_SECONDS;
        s->n_idle++;
        int late = s->closing ? 1 : pthread_cond_timedwait(&s->work, &s->lock, &until);
        s->n_idle--;
        if (late && !s->first_work)
            break;
    }
    s->n_threads--;
    pthread_cond_broadcast(&s->work);
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

void grpc_call_start(ch_grpc_call *call)
{
    ch_grpc_server *s = call->server;
    pthread_attr_t attr;
    pthread_t thread;
    call->started = true;
    call->refs++;
    pthread_mutex_lock(&s->lock);
    atomic_fetch_add(&s->n_handling, 1);
    call->next_work = NULL;
    *s->last_work = call;
    s->last_work = &call->next_work;
    s->n_work++;
    if (s->n_idle >= s->n_work) { /* one for each that waits: a call may last for hours */
        pthread_cond_signal(&s->work);
    } else if (s->n_threads < MAX_THREADS) {
        pthread_attr_init(&attr);
        pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
        pthread_attr_setstacksize(&attr, STACK_BYTES);
        /* Without a new thread the call waits for one of those there are. */
        if (pthread_create(&thread, &attr, work, s) == 0)
            s->n_threads++;
        pthread_attr_destroy(&attr);
    }
    pthread_mutex_unlock(&s->lock);
}

void grpc_stop_threads(ch_grpc_server *s)
{
    pthread_mutex_lock(&s->lock);
    s->closing = true;
    pthread_cond_broadcast(&s->work);
    while (s->n_threads > 0)
        pthread_cond_wait(&s->work, &s->lock);
    pthread_mutex_unlock(&s->lock);
}

/* ---- the handler's side ------------------------------------------------------------------ */

const char *ch_grpc_path(const ch_grpc_call *call)
{
    return call->path;
}

bool ch_grpc_gone(const ch_grpc_call *call)
{
    return call->gone;
}

/* Replaces the message's bytes by what gzip packed in them. */
static ch_status unzip(ch_grpc_call *call, grpc_message *m, ch_error *err)
{
    z_stream z = {.next_in = m->bytes->data, .avail_in = (uInt)m->bytes->bytes};
    size_t max = call->server->options.max_message;
    ch_buf raw;
    ch_buf_init(&raw, call->server->options.mem);
    if (inflateInit2(&z, 15 + 32) != Z_OK)
        return ch_error_memory(err, "gzip", 0, 0);
    ch_status status = CH_OK;
    int code = Z_OK;
    while (code == Z_OK && status == CH_OK && raw.len <= max) {
        status = ch_buf_reserve(&raw, raw.len + (64 << 10), err);
        if (status == CH_OK) {
            size_t room = raw.cap - raw.len - 1;
            z.next_out = (Bytef *)raw.data + raw.len;
            z.avail_out = (uInt)room;
            code = inflate(&z, Z_NO_FLUSH);
            raw.len += room - z.avail_out;
        }
    }
    inflateEnd(&z);
    ch_buffer *bytes = NULL;
    if (status == CH_OK && (code != Z_STREAM_END || raw.len > max))
        status = ch_error_set(err, CH_E_INVALID_ARROW, "reason",
                              "the request's gzip is damaged or too large", (const char *)0);
    if (status == CH_OK)
        status = ch_buffer_new(call->server->options.mem, (int64_t)raw.len, &bytes, err);
    if (status == CH_OK) {
        memcpy(bytes->data, raw.data, raw.len);
        ch_buffer_unref(m->bytes);
        m->bytes = bytes;
    }
    ch_buf_release(&raw);
    return status;
}

ch_status ch_grpc_receive(ch_grpc_call *call, const uint8_t **data, size_t *len, ch_error *err)
{
    *data = NULL;
    *len = 0;
    message_free(call->current);
    pthread_mutex_lock(&call->lock);
    while (!call->in.first && !call->in_ended)
        pthread_cond_wait(&call->changed, &call->lock);
    grpc_message *m = call->current = queue_pop(&call->in);
    bool more_room = call->unconsumed > 0, gone = call->gone;
    ch_grpc_code refusal = call->refusal;
    pthread_mutex_unlock(&call->lock);
    if (more_room)
        notify(call);
    if (gone)
        CH_FAIL(err, CANCELLED);
    if (!m && refusal == CH_GRPC_RESOURCE_EXHAUSTED)
        return ch_error_memory(err, "server", 0, ch_mem_limit(call->server->options.mem));
    if (!m && refusal == CH_GRPC_INVALID_ARGUMENT)
        CH_FAIL(err, CONNECT_INVALID_MESSAGE, "name", "of the call", "reason",
                "it is larger than the server takes, 128 MiB");
    if (!m && refusal)
        CH_FAIL(err, INVALID_ARROW, "reason", "the request ends inside of a message");
    if (!m)
        return CH_OK;
    if (m->prefix[0] == 1)
        CH_TRY(unzip(call, m, err));
    *data = m->bytes->data;
    *len = (size_t)m->bytes->bytes;
    return CH_OK;
}

bool ch_grpc_send(ch_grpc_call *call, ch_buffer *message)
{
    grpc_message *m = calloc(1, sizeof *m);
    if (!m)
        return false;
    uint32_t len = (uint32_t)message->bytes;
    m->bytes = ch_buffer_ref(message);
    for (int i = 0; i < 4; i++)
        m->prefix[1 + i] = (uint8_t)(len >> (24 - 8 * i));
    pthread_mutex_lock(&call->lock);
    while (call->out.bytes >= MOST_QUEUED_OUT && !call->gone)
        pthread_cond_wait(&call->changed, &call->lock);
    bool gone = call->gone;
    if (!gone)
        queue_push(&call->out, m);
    pthread_mutex_unlock(&call->lock);
    if (gone)
        message_free(m);
    else
        notify(call);
    return !gone;
}

/* As grpc-message is written: all but printable ASCII, and %, in hexadecimal. */
static char *percent(const char *text)
{
    static const char HEX[] = "0123456789ABCDEF";
    char *out = malloc(3 * strlen(text) + 1), *to = out;
    for (const uint8_t *p = (const uint8_t *)text; out && *p; p++) {
        if (*p >= 0x20 && *p < 0x7f && *p != '%') {
            *to++ = (char)*p;
        } else {
            *to++ = '%';
            *to++ = HEX[*p >> 4];
            *to++ = HEX[*p & 15];
        }
    }
    if (out)
        *to = 0;
    return out;
}

/* As binary trailers are written: base 64, without padding. */
static char *base64(const void *data, size_t len)
{
    char *out = malloc(ch_base64_room(len) + 1);
    if (out)
        out[ch_base64(out, data, len, false)] = 0;
    return out;
}

void ch_grpc_finish(ch_grpc_call *call, ch_grpc_code code, const char *message, const void *details,
                    size_t len)
{
    char *text = message && *message ? percent(message) : NULL;
    char *more = details ? base64(details, len) : NULL;
    pthread_mutex_lock(&call->lock);
    call->code = code;
    call->message = text;
    call->details = more;
    call->finished = true;
    pthread_mutex_unlock(&call->lock);
    notify(call);
}
