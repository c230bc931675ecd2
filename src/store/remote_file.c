/* SPDX-License-Identifier: Apache-2.0 */
/* remote_file.c - see remote_file.h. A block's bytes are written by one thread, before it is ready. */
#include "store/remote_file.h"

#include <string.h>
#include <time.h>

#include "store/io_threads.h"
#include "store/spill.h"

#define BLOCK_BYTES ((int64_t)1 << 20)
#define RUN_BLOCKS 8    /* of one request: a server works for each */
#define AHEAD_BLOCKS 40 /* behind the place of a reader, at most */
#define SMALL_READ \
    ((int64_t)128 << 10)        /* elsewhere than a reader's next place: is not worth a block */
#define NEAR ((int64_t)1 << 20) /* so far behind its next place a reader is the same one */
#define MOST_CACHED ((int64_t)128 << 20) /* of a query */
#define LEAST_CACHED ((int64_t)4 * BLOCK_BYTES)
#define WAIT_NS 50000000

typedef struct ch_remote_block block;
struct ch_remote_block {
    block *next;           /* of the file */
    block *before, *after; /* of the context, in the order of their use */
    ch_remote_file *file;
    int64_t index, n;
    uint8_t *data;
    int readers;
    bool ready;
};

/* Blocks that one request fills, in order. */
typedef struct run {
    ch_remote_file *file;
    block *block[RUN_BLOCKS];
    int n, at;
    int64_t filled; /* of block[at] */
} run;

typedef struct ahead {
    ch_io_work work; /* first */
    run run;
} ahead;

typedef struct remote_input {
    ch_input head;
    ch_remote_file *file;
} remote_input;

/* ---- files and inputs --------------------------------------------------------------------------- */

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static ch_status new_file(const ch_file *file, ch_remote_fetch fetch, ch_remote_file **out,
                          ch_error *err)
{
    ch_store_context *c = file->context;
    ch_remote_file *f;
    CH_ARENA_NEW(f, &c->arena, err);
    f->path = ch_arena_str(&c->arena, file->path, err);
    f->etag = file->etag ? ch_arena_str(&c->arena, file->etag, err) : NULL;
    if (!f->path || (file->etag && !f->etag))
        return CH_E_MEMORY;
    f->context = c;
    f->bytes = file->bytes;
    f->mtime_us = file->mtime_us;
    f->fetch = fetch;
    for (int i = 0; i < CH_REMOTE_STREAMS; i++)
        f->stream[i].next = -1;
    f->next = c->file;
    c->file = f;
    f->other = ch_strmap_get(&c->file_of, f->path);
    CH_TRY(ch_strmap_put(&c->file_of, f->path, f, err));
    if (!c->cached_most) {
        int64_t most = ch_mem_limit(c->mem) / 8;
        c->cached_most = most > MOST_CACHED ? MOST_CACHED : most;
        if (c->cached_most < LEAST_CACHED)
            c->cached_most = LEAST_CACHED;
    }
    *out = f;
    return CH_OK;
}

ch_status ch_remote_file_get(const ch_file *file, ch_remote_fetch fetch, ch_remote_file **out,
                             ch_error *err)
{
    ch_store_context *c = file->context;
    ch_status status = CH_OK;
    pthread_mutex_lock(&c->lock);
    ch_remote_file *f = ch_strmap_get(&c->file_of, file->path);
    while (f && file->etag && !same_text(f->etag, file->etag))
        f = f->other;
    if (!f)
        status = new_file(file, fetch, &f, err);
    pthread_mutex_unlock(&c->lock);
    *out = status == CH_OK ? f : NULL;
    return status;
}

ch_status ch_remote_input(const ch_store *store, ch_mem *mem, const ch_file *file,
                          ch_remote_file *remote, ch_input **out, ch_error *err)
{
    *out = NULL;
    remote_input *in = ch_mem_alloc(mem, sizeof *in, err);
    if (!in)
        return CH_E_MEMORY;
    *in = (remote_input){
        .head = {.store = store, .mem = mem, .path = file->path, .bytes = remote->bytes},
        .file = remote};
    *out = &in->head;
    return CH_OK;
}

ch_remote_file *ch_remote_input_file(ch_input *in)
{
    return ((remote_input *)in)->file;
}

void ch_remote_close(ch_input *in)
{
    ch_mem_free(in->mem, in, sizeof(remote_input));
}

ch_status ch_context_wait(ch_store_context *c, ch_error *err)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += WAIT_NS;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    pthread_cond_timedwait(&c->changed, &c->lock, &until);
    const _Atomic bool *cancel = ch_store_cancel(c);
    if (cancel && atomic_load_explicit(cancel, memory_order_relaxed))
        CH_FAIL(err, CANCELLED);
    return CH_OK;
}

/* ---- blocks; the lock is held ------------------------------------------------------------------- */

static block *find_block(const ch_remote_file *f, int64_t index)
{
    block *b = f->block;
    while (b && b->index != index)
        b = b->next;
    return b;
}

static void leave_order(ch_store_context *c, block *b)
{
    *(b->before ? &b->before->after : &c->oldest) = b->after;
    *(b->after ? &b->after->before : &c->newest) = b->before;
}

/* It is the last one to go. */
static void enter_order(ch_store_context *c, block *b)
{
    b->before = c->newest;
    b->after = NULL;
    *(c->newest ? &c->newest->after : &c->oldest) = b;
    c->newest = b;
}

/* Its file has it no longer. */
static void detach(block *gone)
{
    block **at = &gone->file->block;
    while (*at != gone)
        at = &(*at)->next;
    *at = gone->next;
    leave_order(gone->file->context, gone);
}

static void drop_block(block *gone)
{
    ch_store_context *c = gone->file->context;
    detach(gone);
    c->cached_bytes -= BLOCK_BYTES;
    ch_mem_free(c->mem, gone->data, (size_t)BLOCK_BYTES);
    ch_mem_free(c->mem, gone, sizeof *gone);
}

/* The block used longest ago leaves its file; NULL: all are in use. */
static block *take_oldest(ch_store_context *c)
{
    block *b = c->oldest;
    while (b && (!b->ready || b->readers > 0))
        b = b->after;
    if (b)
        detach(b);
    return b;
}

/* Its memory is new, or that of a block that goes: pages that are there already cost nothing. */
static block *room_for_block(ch_store_context *c)
{
    if (c->cached_bytes + BLOCK_BYTES > c->cached_most)
        return take_oldest(c);
    block *b = ch_mem_zalloc(c->mem, sizeof *b, NULL);
    if (b)
        b->data = ch_mem_alloc(c->mem, (size_t)BLOCK_BYTES, NULL);
    if (b && b->data) {
        c->cached_bytes += BLOCK_BYTES;
        return b;
    }
    ch_mem_free(c->mem, b, sizeof *b);
    return take_oldest(c);
}

static block *new_block(ch_remote_file *f, int64_t index)
{
    block *b = room_for_block(f->context);
    if (!b)
        return NULL;
    int64_t left = f->bytes - index * BLOCK_BYTES;
    *b = (block){.next = f->block,
                 .file = f,
                 .index = index,
                 .n = left < BLOCK_BYTES ? left : BLOCK_BYTES,
                 .data = b->data};
    f->block = b;
    enter_order(f->context, b);
    return b;
}

/* As many of the blocks from `index` on as are absent and can be had, up to `most`. */
static void make_run(ch_remote_file *f, int64_t index, int64_t most, run *r)
{
    *r = (run){.file = f};
    while (r->n < RUN_BLOCKS && r->n < most && index * BLOCK_BYTES < f->bytes &&
           !find_block(f, index)) {
        block *b = new_block(f, index++);
        if (!b)
            return;
        r->block[r->n++] = b;
    }
}

/* ---- fetching; the lock is not held ------------------------------------------------------------- */

static ch_status fill(void *user, const void *bytes, int64_t n, ch_error *err)
{
    run *r = user;
    const uint8_t *p = bytes;
    CH_UNUSED(err);
    while (n > 0 && r->at < r->n) {
        block *b = r->block[r->at];
        int64_t some = b->n - r->filled < n ? b->n - r->filled : n;
        memcpy(b->data + r->filled, p, (size_t)some);
        p += some;
        n -= some;
        r->filled += some;
        if (r->filled < b->n)
            break;
        pthread_mutex_lock(&r->file->context->lock);
        b->ready = true;
        pthread_cond_broadcast(&r->file->context->changed);
        pthread_mutex_unlock(&r->file->context->lock);
        r->at++;
        r->filled = 0;
    }
    return CH_OK;
}

static ch_status too_short(const ch_remote_file *f, ch_error *err)
{
    CH_FAIL(err, REMOTE_CHANGED, "path", f->path, "reason", "it is shorter than it was");
}

/* What could not be filled is absent again. */
static ch_status fetch_run(run *r, const _Atomic bool *cancel, ch_error *err)
{
    ch_remote_file *f = r->file;
    int64_t n = 0;
    for (int i = 0; i < r->n; i++)
        n += r->block[i]->n;
    ch_status status = f->fetch(f, r->block[0]->index * BLOCK_BYTES, n, cancel, fill, r, err);
    if (status == CH_OK && r->at < r->n)
        status = too_short(f, err);
    pthread_mutex_lock(&f->context->lock);
    for (int i = r->at; i < r->n; i++)
        drop_block(r->block[i]);
    pthread_cond_broadcast(&f->context->changed);
    pthread_mutex_unlock(&f->context->lock);
    return status;
}

static void run_ahead(ch_io_work *work)
{
    ahead *a = (ahead *)work;
    ch_remote_file *f = a->run.file;
    ch_store_context *c = f->context;
    /* Whoever needs the bytes finds the error himself. */
    (void)!fetch_run(&a->run, &c->stop, NULL);
    pthread_mutex_lock(&c->lock);
    ch_mem_free(c->mem, a, sizeof *a);
    f->n_ahead--;
    pthread_cond_broadcast(&c->changed);
    pthread_mutex_unlock(&c->lock);
}

/* Lock held: what lies in [index, horizon) begins to come. Short runs wait until they are longer. */
static void read_ahead(ch_remote_file *f, int64_t index, int64_t horizon)
{
    ch_store_context *c = f->context;
    int64_t n_blocks = (f->bytes + BLOCK_BYTES - 1) / BLOCK_BYTES;
    if (horizon > n_blocks)
        horizon = n_blocks;
    while (index < horizon) {
        if (find_block(f, index)) {
            index++;
            continue;
        }
        if (horizon - index < RUN_BLOCKS && horizon < n_blocks)
            return;
        ahead *a = ch_mem_zalloc(c->mem, sizeof *a, NULL);
        if (!a)
            return;
        make_run(f, index, horizon - index, &a->run);
        index += a->run.n;
        a->work.run = run_ahead;
        f->n_ahead++;
        if (a->run.n > 0 && ch_io_start(&a->work))
            continue;
        f->n_ahead--;
        for (int i = 0; i < a->run.n; i++)
            drop_block(a->run.block[i]);
        ch_mem_free(c->mem, a, sizeof *a);
        return;
    }
}

/* ---- reading ------------------------------------------------------------------------------------ */

/*
 * Lock held. How many blocks to read ahead: none where a read begins anew; where it goes on, twice of what that reader has
 * had so far. It may end soon: a column of a row group, behind which lie others that nobody asks for.
 */
static int64_t blocks_ahead(ch_remote_file *f, int64_t offset, int64_t n)
{
    int oldest = 0;
    for (int i = 0; i < CH_REMOTE_STREAMS; i++) {
        int64_t next = f->stream[i].next;
        if (next >= 0 && offset >= next - SMALL_READ && offset <= next + NEAR) {
            f->stream[i].next = offset + n;
            f->stream[i].bytes += n;
            f->stream[i].used = ++f->context->tick;
            int64_t blocks = 2 * (f->stream[i].bytes / BLOCK_BYTES + 1);
            return blocks < AHEAD_BLOCKS ? blocks : AHEAD_BLOCKS;
        }
        if (f->stream[i].used < f->stream[oldest].used)
            oldest = i;
    }
    f->stream[oldest].next = offset + n;
    f->stream[oldest].bytes = n;
    f->stream[oldest].used = ++f->context->tick;
    return 0;
}

typedef struct direct {
    uint8_t *to;
    int64_t left;
} direct;

static ch_status copy_out(void *user, const void *bytes, int64_t n, ch_error *err)
{
    direct *d = user;
    CH_UNUSED(err);
    if (n > d->left)
        n = d->left;
    memcpy(d->to, bytes, (size_t)n);
    d->to += n;
    d->left -= n;
    return CH_OK;
}

static ch_status read_direct(ch_remote_file *f, uint8_t *to, int64_t n, int64_t offset,
                             ch_error *err)
{
    direct d = {to, n};
    CH_TRY(f->fetch(f, offset, n, ch_store_cancel(f->context), copy_out, &d, err));
    return d.left == 0 ? CH_OK : too_short(f, err);
}

/* Lock held. The block at `index`, ready and with one reader more; NULL: no memory, or an error. */
static ch_status need_block(ch_remote_file *f, int64_t index, int64_t end, int64_t n_ahead,
                            block **out, ch_error *err)
{
    ch_store_context *c = f->context;
    int64_t last = (end - 1) / BLOCK_BYTES, horizon = last + 1;
    *out = NULL;
    if (n_ahead && horizon < index + 1 + n_ahead)
        horizon = index + 1 + n_ahead;
    for (;;) {
        block *b = find_block(f, index);
        if (b && b->ready) {
            b->readers++;
            leave_order(c, b);
            enter_order(c, b);
            read_ahead(f, index + 1, horizon);
            *out = b;
            return CH_OK;
        }
        if (b) {
            CH_TRY(ch_context_wait(c, err));
            continue;
        }
        run r;
        make_run(f, index, horizon - index, &r);
        if (r.n == 0)
            return CH_OK;
        read_ahead(f, index + r.n, horizon);
        pthread_mutex_unlock(&c->lock);
        ch_status status = fetch_run(&r, ch_store_cancel(c), err);
        pthread_mutex_lock(&c->lock);
        CH_TRY(status);
    }
}

ch_status ch_remote_read(ch_input *in, void *to, int64_t n, int64_t offset, int64_t *got,
                         ch_error *err)
{
    ch_remote_file *f = ((remote_input *)in)->file;
    ch_store_context *c = f->context;
    uint8_t *p = to;
    ch_status status = CH_OK;
    *got = 0;
    if (offset >= f->bytes || n <= 0)
        return CH_OK;
    if (n > f->bytes - offset)
        n = f->bytes - offset;
    pthread_mutex_lock(&c->lock);
    int64_t n_ahead = blocks_ahead(f, offset, n);
    bool straight = !n_ahead && n <= SMALL_READ && !find_block(f, offset / BLOCK_BYTES);
    while (n > 0 && status == CH_OK && !straight) {
        block *b;
        int64_t at = offset % BLOCK_BYTES;
        status = need_block(f, offset / BLOCK_BYTES, offset + n, n_ahead, &b, err);
        straight = !b;
        if (!b)
            break;
        int64_t some = b->n - at < n ? b->n - at : n;
        pthread_mutex_unlock(&c->lock);
        memcpy(p, b->data + at, (size_t)some);
        pthread_mutex_lock(&c->lock);
        b->readers--;
        p += some;
        n -= some;
        offset += some;
        *got += some;
    }
    pthread_mutex_unlock(&c->lock);
    if (status != CH_OK || n == 0)
        return status;
    CH_TRY(read_direct(f, p, n, offset, err));
    *got += n;
    return CH_OK;
}

void ch_remote_files_free(ch_store_context *c)
{
    atomic_store(&c->stop, true);
    pthread_mutex_lock(&c->lock);
    for (ch_remote_file *f = c->file; f; f = f->next) {
        while (f->n_ahead > 0)
            pthread_cond_wait(&c->changed, &c->lock);
        while (f->block)
            drop_block(f->block);
        ch_spill_close(f->spool);
        ch_mem_free(c->mem, f->piece, sizeof *f->piece * (size_t)f->cap_pieces);
        f->spool = NULL;
        f->piece = NULL;
    }
    pthread_mutex_unlock(&c->lock);
}
