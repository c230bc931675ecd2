/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_store.c - files of web servers: read only, by ranges where the server knows them.
 *
 * One request for the first byte tells everything: size, time, ETag, and whether there are ranges. Without
 * them the file is read once, whole, to a nameless file on disk, and from there afterwards. A file that changes
 * meanwhile is an error (If-Match, or If-Unmodified-Since for a weak ETag).
 *
 * Settings: chert.http.attempts, .connectTimeout, .stallTimeout, .timeout (of one request), .maxRedirects,
 * .maxConnections, .requestsPerSecond, .header.NAME (sent to the URL's own origin only).
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "store/access.h"
#include "store/remote_file.h"
#include "store/spill.h"

#define PIECE_BYTES ((int64_t)1 << 20)
#define MOST_HEADERS 32
#define HEADER_KEY "chert.http.header."

extern const ch_store ch_store_http;

typedef struct asked {
    ch_http_request request;
    ch_http_header header[MOST_HEADERS];
    ch_buf url;
    char shown[1024];
} asked;

/* ---- requests ----------------------------------------------------------------------------------- */

static ch_status read_policy(const ch_store_context *c, ch_http_policy *p, ch_error *err)
{
    int64_t attempts, redirects, connections, per_second;
    *p = CH_HTTP_POLICY;
    CH_TRY(ch_store_number(c, "chert.http.attempts", "", p->attempts, &attempts, err));
    CH_TRY(ch_store_number(c, "chert.http.maxRedirects", "", p->redirects, &redirects, err));
    CH_TRY(ch_store_number(c, "chert.http.maxConnections", "", p->connections, &connections, err));
    CH_TRY(ch_store_number(c, "chert.http.requestsPerSecond", "", 0, &per_second, err));
    CH_TRY(
        ch_store_number(c, "chert.http.connectTimeout", "ms", p->connect_ms, &p->connect_ms, err));
    CH_TRY(ch_store_number(c, "chert.http.stallTimeout", "ms", p->stall_ms, &p->stall_ms, err));
    CH_TRY(ch_store_number(c, "chert.http.timeout", "ms", 0, &p->total_ms, err));
    p->attempts = attempts < 1 ? 1 : attempts > 1000 ? 1000 : (int)attempts;
    p->redirects = redirects > 100 ? 100 : (int)redirects;
    p->connections = connections > 10000 ? 10000 : (int)connections;
    p->per_second = (double)per_second;
    return CH_OK;
}

/* The URL without its fragment, and with what must not stand in one as %XX. */
static ch_status clean_url(const char *url, ch_buf *out, ch_error *err)
{
    static const char HEX[] = "0123456789ABCDEF";
    for (const char *p = url; *p && *p != '#'; p++) {
        uint8_t c = (uint8_t)*p;
        char three[3] = {'%', HEX[c >> 4], HEX[c & 15]};
        bool bad = c <= ' ' || c >= 0x7F || strchr("\"<>\\^`{|}", c);
        CH_TRY(bad ? ch_buf_add(out, three, 3, err) : ch_buf_addc(out, (char)c, err));
    }
    return CH_OK;
}

/* Released by ch_buf_release of its url, also on error. */
static ch_status ask(ch_store_context *c, const char *path, const _Atomic bool *cancel, asked *a,
                     ch_error *err)
{
    *a = (asked){.request = {.method = "GET", .cancel = cancel, .mem = c->mem}};
    ch_buf_init(&a->url, c->mem);
    CH_TRY(ch_access_check(path, false, err));
    CH_TRY(clean_url(path, &a->url, err));
    CH_TRY(read_policy(c, &a->request.policy, err));
    ch_http_shown(path, a->shown, sizeof a->shown);
    a->request.url = a->url.data;
    a->request.shown = a->shown;
    a->request.header = a->header;
    for (int32_t i = 0; i < c->option.n; i++) {
        const ch_strmap_entry *e = &c->option.entry[i];
        if (strncasecmp(e->key, HEADER_KEY, strlen(HEADER_KEY)) != 0)
            continue;
        if (a->request.n_headers == MOST_HEADERS)
            CH_FAIL(err, UNSUPPORTED, "feature", "More than 32 settings " HEADER_KEY "*");
        a->header[a->request.n_headers++] =
            (ch_http_header){e->key + strlen(HEADER_KEY), e->value, true};
    }
    return CH_OK;
}

static ch_status fetch(ch_remote_file *f, int64_t offset, int64_t n, const _Atomic bool *cancel,
                       ch_status (*take)(void *, const void *, int64_t, ch_error *), void *user,
                       ch_error *err)
{
    asked a;
    ch_http_response response = {0};
    ch_status status = ask(f->context, f->path, cancel, &a, err);
    if (status == CH_OK) {
        a.request.from = offset;
        a.request.len = n;
        a.request.etag = f->etag;
        a.request.last_modified = f->modified;
        a.request.take = take;
        a.request.user = user;
        status = ch_http_send(&a.request, &response, err);
    }
    if (status == CH_OK && response.status / 100 != 2)
        status = ch_http_failed(&a.request, &response, "read", err);
    ch_http_response_release(&response);
    ch_buf_release(&a.url);
    return status;
}

/* ---- a server without ranges -------------------------------------------------------------------- */

typedef struct spooler {
    ch_remote_file *file;
    uint8_t *data; /* PIECE_BYTES */
    int64_t n, bytes;
} spooler;

static ch_status put_piece(spooler *s, ch_error *err)
{
    ch_remote_file *f = s->file;
    if (f->n_pieces == f->cap_pieces) {
        int64_t cap = f->cap_pieces ? f->cap_pieces * 2 : 64;
        int64_t *more = ch_mem_alloc(f->context->mem, sizeof *more * (size_t)cap, err);
        if (!more)
            return CH_E_MEMORY;
        if (f->n_pieces)
            memcpy(more, f->piece, sizeof *more * (size_t)f->n_pieces);
        ch_mem_free(f->context->mem, f->piece, sizeof *more * (size_t)f->cap_pieces);
        f->piece = more;
        f->cap_pieces = cap;
    }
    struct iovec part = {s->data, (size_t)s->n};
    CH_TRY(ch_spill_write(f->spool, &part, 1, &f->piece[f->n_pieces], err));
    f->n_pieces++;
    s->bytes += s->n;
    s->n = 0;
    return CH_OK;
}

static ch_status spool_bytes(void *user, const void *bytes, int64_t n, ch_error *err)
{
    spooler *s = user;
    const uint8_t *p = bytes;
    while (n > 0) {
        int64_t some = PIECE_BYTES - s->n < n ? PIECE_BYTES - s->n : n;
        memcpy(s->data + s->n, p, (size_t)some);
        s->n += some;
        p += some;
        n -= some;
        if (s->n == PIECE_BYTES)
            CH_TRY(put_piece(s, err));
    }
    return CH_OK;
}

static ch_status read_whole(ch_remote_file *f, ch_error *err)
{
    spooler s = {.file = f};
    f->n_pieces = 0;
    CH_TRY(ch_spill_open(f->context->spill_dir, f->context->mem, &f->spool, err));
    s.data = ch_mem_alloc(f->context->mem, (size_t)PIECE_BYTES, err);
    ch_status status =
        s.data ? fetch(f, 0, 0, ch_store_cancel(f->context), spool_bytes, &s, err) : CH_E_MEMORY;
    if (status == CH_OK && s.n > 0)
        status = put_piece(&s, err);
    ch_mem_free(f->context->mem, s.data, (size_t)PIECE_BYTES);
    if (status == CH_OK && f->bytes >= 0 && s.bytes != f->bytes)
        status = ch_error_set(err, CH_E_REMOTE_CHANGED, "path", f->path, "reason",
                              "it has not as many bytes as it had", (const char *)0);
    if (status == CH_OK && f->bytes < 0)
        f->bytes = s.bytes;
    return status;
}

/* The first reader fetches it, the others wait for him. */
static ch_status need_spool(ch_remote_file *f, ch_error *err)
{
    ch_store_context *c = f->context;
    ch_status status = CH_OK;
    pthread_mutex_lock(&c->lock);
    while (f->spooling && status == CH_OK)
        status = ch_context_wait(c, err);
    if (status == CH_OK && !f->spool) {
        f->spooling = true;
        pthread_mutex_unlock(&c->lock);
        status = read_whole(f, err);
        pthread_mutex_lock(&c->lock);
        f->spooling = false;
        if (status != CH_OK) {
            ch_spill_close(f->spool);
            f->spool = NULL;
        }
        pthread_cond_broadcast(&c->changed);
    }
    pthread_mutex_unlock(&c->lock);
    return status;
}

static ch_status read_spooled(ch_remote_file *f, uint8_t *to, int64_t n, int64_t offset,
                              int64_t *got, ch_error *err)
{
    CH_TRY(need_spool(f, err));
    while (n > 0 && offset < f->bytes) {
        int64_t at = offset % PIECE_BYTES, piece = offset / PIECE_BYTES;
        int64_t left = f->bytes - piece * PIECE_BYTES, some = n;
        if (left > PIECE_BYTES)
            left = PIECE_BYTES;
        if (some > left - at)
            some = left - at;
        CH_TRY(ch_spill_read(f->spool, f->piece[piece] + at, to, some, err));
        to += some;
        n -= some;
        offset += some;
        *got += some;
    }
    return CH_OK;
}

/* ---- the store ---------------------------------------------------------------------------------- */

static ch_status first_byte(void *user, const void *bytes, int64_t n, ch_error *err)
{
    CH_UNUSED(user);
    CH_UNUSED(bytes);
    CH_UNUSED(n);
    CH_UNUSED(err);
    return CH_OK;
}

static const char *keep_header(ch_store_context *c, const ch_http_response *response,
                               const char *name, ch_error *err)
{
    size_t len;
    const char *value = ch_http_header_of(response, name, &len);
    return value && len ? ch_arena_strn(&c->arena, value, len, err) : NULL;
}

/* What the answer says about the file. */
static ch_status learn(ch_remote_file *f, const asked *a, const ch_http_response *response,
                       ch_error *err)
{
    ch_store_context *c = f->context;
    char text[128];
    if (response->status / 100 != 2 && response->status != 416)
        return ch_http_failed(&a->request, response, "read", err);
    ch_error own = {0};
    pthread_mutex_lock(&c->lock);
    f->etag = keep_header(c, response, "etag", &own);
    f->modified = keep_header(c, response, "last-modified", &own);
    pthread_mutex_unlock(&c->lock);
    if (own.code != CH_OK)
        return ch_error_pass(err, &own);
    f->bytes = response->status == 416 ? 0 : response->total;
    f->no_ranges = response->status == 200 && f->bytes != 0;
    f->mtime_us = ch_http_date(ch_http_header_text(response, "last-modified", text, sizeof text));
    if (f->mtime_us < 0)
        f->mtime_us = 0;
    if (response->is_part && f->bytes < 0)
        f->no_ranges = true; /* "bytes 0-0" of nobody knows how many */
    return CH_OK;
}

static ch_status probe(ch_store_context *c, const char *path, ch_remote_file **out, ch_error *err)
{
    asked a;
    ch_http_response response = {0};
    ch_file file = {.path = path, .bytes = -1, .context = c};
    ch_remote_file *f;
    CH_TRY(ch_remote_file_get(&file, fetch, &f, err));
    *out = f;
    if (f->bytes >= 0)
        return CH_OK;
    ch_status status = ask(c, path, ch_store_cancel(c), &a, err);
    if (status == CH_OK) {
        a.request.len = 1;
        a.request.take = first_byte;
        status = ch_http_send(&a.request, &response, err);
    }
    if (status == CH_OK)
        status = learn(f, &a, &response, err);
    ch_http_response_release(&response);
    ch_buf_release(&a.url);
    if (status == CH_OK && f->bytes < 0)
        status = need_spool(f, err);
    return status;
}

static ch_status http_stat(ch_store_context *c, const char *path, ch_file *file, bool *is_folder,
                           ch_error *err)
{
    ch_remote_file *f;
    CH_TRY(probe(c, path, &f, err));
    *file = (ch_file){
        .path = path, .bytes = f->bytes, .mtime_us = f->mtime_us, .etag = f->etag, .context = c};
    if (is_folder)
        *is_folder = false;
    return CH_OK;
}

static ch_status http_list(ch_store_context *c, ch_arena *arena, const char *path, bool deep,
                           ch_store_entries *out, ch_error *err)
{
    CH_UNUSED(deep);
    ch_store_entry *e = ch_store_add_entry(arena, out, err);
    return e ? http_stat(c, path, &e->file, NULL, err) : CH_E_MEMORY;
}

static ch_status http_open(ch_mem *mem, const ch_file *file, ch_input **out, ch_error *err)
{
    ch_remote_file *f;
    CH_TRY(probe(file->context, file->path, &f, err));
    return ch_remote_input(&ch_store_http, mem, file, f, out, err);
}

static ch_status http_read(ch_input *in, void *to, int64_t n, int64_t offset, int64_t *got,
                           ch_error *err)
{
    ch_remote_file *f = ch_remote_input_file(in);
    *got = 0;
    return f->no_ranges ? read_spooled(f, to, n, offset, got, err)
                        : ch_remote_read(in, to, n, offset, got, err);
}

static const char *const SCHEME[] = {"https", "http", NULL};

const ch_store ch_store_http = {.name = "http",
                                .scheme = SCHEME,
                                .is_remote = true,
                                .open = http_open,
                                .read = http_read,
                                .close = ch_remote_close,
                                .stat = http_stat,
                                .list = http_list};
